"""Every setting of the service in one typed place, from the environment and a TOML file."""

from __future__ import annotations

import os
import secrets
import tomllib
from collections.abc import Iterator
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

PROJECT_ROOT = Path(__file__).resolve().parent.parent

PREFIX = "MODERATION_"

FILE_VARIABLE = f"{PREFIX}CONFIG"
"""Environment variable that names a TOML file with settings; the environment beats the file."""


def _parts(value: object) -> object:
    """Take a list apart that stands in an environment variable."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _web_address(url: str) -> str:
    address = urlsplit(url)
    if address.scheme not in ("https", "http") or not address.hostname:
        raise ValueError("it must be an address that starts with https://")
    if address.username is not None or address.fragment:
        raise ValueError("leave out login and fragment")
    try:
        _ = address.port
    except ValueError:
        raise ValueError("the port must be a number") from None
    return url


Separated = (NoDecode, BeforeValidator(_parts))
"""Marks a list that the environment gives separated by commas."""


class SettingsError(Exception):
    """A setting is unknown or wrong; the message says which and why."""


class Settings(BaseSettings):
    """Settings of one installation.

    Each field is the environment variable ``MODERATION_<FIELD>`` or a key of the TOML file that
    ``MODERATION_CONFIG`` names.

    Raises
    ------
    SettingsError
        If a setting is unknown or wrong, in either place. Values are not repeated in the message.

    Examples
    --------
    >>> Settings(data_dir=Path("var")).database
    'sqlite:///var/moderation.db'
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        extra="forbid",
        frozen=True,
        # fields named model_… are ours, not pydantic's
        protected_namespaces=(),
    )

    data_dir: Path = Field(
        default=PROJECT_ROOT / "instance",
        description="folder for what this installation writes: database, session key, demo login",
    )
    database_url: str | None = Field(
        default=None, description="SQLAlchemy URL; by default an SQLite file in the data folder"
    )
    model_dir: Path = Field(
        default=PROJECT_ROOT / "models" / "default", description="folder of the model in use"
    )
    rules_file: Path = Field(
        default=PROJECT_ROOT / "seeds" / "rules.toml", description="the blog's rules"
    )
    review_sample_share: float = Field(
        default=0.02,
        ge=0,
        le=1,
        description="share of the comments the machine approves that people spot-check",
    )
    secret_key: str | None = Field(
        default=None,
        min_length=16,
        description="signs sessions; by default generated once and kept in the data folder",
    )
    second_factor_key: str | None = Field(
        default=None,
        min_length=16,
        description="encrypts the secrets of second factors; by default generated once and kept",
    )
    cookies_over_https_only: bool = Field(
        default=False, description="true wherever the desk is reached by https"
    )
    trusted_proxies: int = Field(
        default=0,
        ge=0,
        le=10,
        description="how many reverse proxies stand before the service; their headers are believed",
    )
    request_seconds: float = Field(
        default=20, gt=0, description="within which a request must have arrived"
    )
    comments_per_minute: int = Field(
        default=6000, ge=500, description="a token may have scored by one worker"
    )
    requests_per_minute: int = Field(
        default=600, ge=1, description="an address may make to one worker without a valid token"
    )
    wordpress_password: SecretStr | None = Field(
        default=None, description="application password for moderation wordpress"
    )

    webhook_url: Annotated[str, AfterValidator(_web_address)] | None = Field(
        default=None, description="where the blog is told of decisions"
    )
    webhook_keys: Annotated[tuple[SecretStr, ...], *Separated] = Field(
        default=(), description="sign what the blog is told; each of them signs"
    )
    webhook_networks: Annotated[tuple[IPv4Network | IPv6Network, ...], *Separated] = Field(
        default=(), description="loopback or private networks the blog may be in"
    )
    webhook_seconds: float = Field(
        default=10, gt=0, le=300, description="within which the blog must have answered"
    )
    webhook_attempts: int = Field(
        default=30, ge=1, description="after so many that failed an event is parked"
    )
    webhook_back_off: float = Field(
        default=5, gt=0, le=3600, description="seconds before the second attempt"
    )

    privacy_key: str | None = Field(
        default=None,
        min_length=16,
        description="hashes e-mail and IP addresses; without it nothing of them is kept",
    )
    retention_days_approved: int | None = Field(
        default=None, ge=0, description="after which the text of an approved comment is erased"
    )
    retention_days_rejected: int | None = Field(
        default=None, ge=0, description="after which the text of a rejected comment is erased"
    )
    retention_days_retracted: int | None = Field(
        default=None, ge=0, description="after which the text of a withdrawn comment is erased"
    )
    retention_days_waiting: int | None = Field(
        default=None, ge=0, description="after which the text of an undecided comment is erased"
    )

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise SettingsError(" ".join(_sentences(error))) from None
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(
                f"The file that {FILE_VARIABLE} names cannot be read as TOML: {error}."
            ) from None
        unknown = sorted(_unknown_variables(set(type(self).model_fields)))
        if unknown:
            raise SettingsError(" ".join(unknown))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Say where settings come from, the strongest first."""
        path = os.environ.get(FILE_VARIABLE)
        if not path:
            return init_settings, env_settings
        # pydantic would take a missing file for an empty one
        Path(path).open("rb").close()
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, Path(path))

    @property
    def database(self) -> str:
        """The database's URL, the default filled in."""
        return self.database_url or f"sqlite:///{self.data_dir / 'moderation.db'}"

    def session_key(self) -> str:
        """Return the key that signs sessions, generating and keeping one on the first call.

        Returns
        -------
        str
            At least 16 characters; the same for every worker and after every restart.
        """
        if self.secret_key:
            return self.secret_key
        return keep_secret(self.data_dir / "session_key", secrets.token_urlsafe(48))

    def sealing_key(self) -> str:
        """Return the key that encrypts secrets of second factors, keeping one on the first call."""
        if self.second_factor_key:
            return self.second_factor_key
        return keep_secret(self.data_dir / "second_factor_key", secrets.token_urlsafe(48))


def _sentences(error: ValidationError) -> Iterator[str]:
    """Tell what is wrong with each setting; its value, which may be a secret, is not repeated."""
    for found in error.errors(include_input=False, include_url=False):
        name = str(found["loc"][0])
        if found["type"] == "extra_forbidden":
            yield _unknown(name, set(Settings.model_fields))
        else:
            yield f"{PREFIX}{name.upper()} is wrong: {found['msg']}."


def _unknown_variables(fields: set[str]) -> Iterator[str]:
    for variable in os.environ:
        name = variable.removeprefix(PREFIX).lower()
        if variable.startswith(PREFIX) and variable != FILE_VARIABLE and name not in fields:
            yield _unknown(name, fields)


def _unknown(name: str, fields: set[str]) -> str:
    sentence = f"{PREFIX}{name.upper()} is not a setting; take it out"
    near = get_close_matches(name.lower(), fields, 1)
    return f"{sentence} or call it {PREFIX}{near[0].upper()}." if near else f"{sentence}."


def keep_secret(path: Path, fresh: str) -> str:
    """Return the secret kept at ``path``; on the first call keep ``fresh`` there, for us alone.

    Written to a file of its own and linked into place, so of several workers that start together
    exactly one wins and no reader ever sees half a secret.
    """
    if path.exists():
        return path.read_text(encoding="utf-8")
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    draft.write_text(fresh, encoding="utf-8")
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text(encoding="utf-8")
