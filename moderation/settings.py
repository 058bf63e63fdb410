"""Every setting of the service in one typed place, read from the environment (``MODERATION_…``)."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Settings of one installation; each field is the environment variable ``MODERATION_<FIELD>``.

    Examples
    --------
    >>> Settings(data_dir=Path("var")).database
    'sqlite:///var/moderation.db'
    """

    model_config = SettingsConfigDict(
        env_prefix="MODERATION_",
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
