"""The ``moderation`` command; every subcommand lives beside the feature it drives."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from moderation.settings import SettingsError

COMMANDS = {
    "serve": "moderation.server:serve",
    "demo": "moderation.demo:demo",
    "classify": "moderation.archive.commands:classify",
    "rescore": "moderation.archive.commands:rescore",
    "undo": "moderation.archive.commands:undo",
    "import": "moderation.archive.commands:import_archive",
    "wordpress": "moderation.archive.wordpress.commands:wordpress",
    "train": "moderation.training.commands:train",
    "evaluate": "moderation.training.commands:evaluate",
    "seeds": "moderation.seeds.commands:seeds",
    "user": "moderation.desk.commands:user",
    "token": "moderation.desk.commands:token",
    "webhooks": "moderation.webhooks.commands:webhooks",
    "privacy": "moderation.desk.privacy_commands:privacy",
    "db": "moderation.store.commands:db",
    "doctor": "moderation.doctor:doctor",
}
"""Where each subcommand lives; imported only when it is asked for, so that --help is quick."""


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].split(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)  # noqa: S101 - narrows the type
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            raise click.ClickException(str(error)) from None


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="moderation")
def main() -> None:
    """Moderate the comments of a blog: score them against its rules, say why, let people decide."""
