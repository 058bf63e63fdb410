"""What a model says about itself, and the check that its files are still what it says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
)

from moderation.classifier.errors import ModelIncompatible, ModelMissing, ModelTampered
from moderation.classifier.features import FeatureSettings
from moderation.classifier.heads import HeadSettings
from moderation.comment import Label

__all__ = [
    "MANIFEST",
    "SCHEMA_VERSION",
    "Manifest",
    "TrainingSource",
    "file_hashes",
    "library_versions",
    "read_manifest",
]

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"

_LIBRARIES = ("scikit-learn", "numpy", "scipy", "joblib", "nltk", "regex")
_RESTORE = "restore the folder from its source or train a new model with `moderation train`"

_Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_Probability = Annotated[float, Field(ge=0.0, le=1.0)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TrainingSource(_Frozen):
    """One set of comments a model was trained on."""

    name: str
    licence: str
    sha256: _Sha256
    rows: Annotated[int, Field(ge=0)]


class Manifest(_Frozen):
    """What ``manifest.json`` holds.

    ``thresholds`` gives for every label the score to hold at or above, by the share of violations
    that may slip through: ``{"disparaging": {"0.02": 0.13}}``. ``files`` gives the SHA-256 of
    every other file of the model by its path in the folder.
    """

    schema_version: int
    version: Annotated[str, StringConstraints(min_length=1)]
    created: AwareDatetime
    labels: tuple[Label, ...]
    features: FeatureSettings
    heads: Mapping[Label, HeadSettings]
    thresholds: Mapping[Label, Mapping[str, _Probability]]
    files: Mapping[str, _Sha256]
    libraries: Mapping[str, str]
    training_data: tuple[TrainingSource, ...]
    metrics: Mapping[str, JsonValue]


def library_versions() -> dict[str, str]:
    """Return the installed versions of the libraries that scores depend on."""
    return {name: version(name) for name in _LIBRARIES}


def file_hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of a model but its manifest, by path in the folder."""
    hashes = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_dir() and name != MANIFEST:
            with path.open("rb") as file:
                hashes[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return hashes


def read_manifest(folder: Path) -> tuple[Manifest, str]:
    """Read a model's manifest and check every other file against it.

    Nothing but the manifest is opened for its content. The hashes guard against damage, mixed-up
    files and a careless edit; whoever may write the folder can of course write a new manifest,
    which is why a model's ``sha256`` appears with every assessment.

    Parameters
    ----------
    folder : Path
        The model's folder, from the operator's settings, never from a request.

    Returns
    -------
    manifest : Manifest
    sha256 : str
        The SHA-256 of the manifest, and thus of the whole model, in hexadecimal.

    Raises
    ------
    ModelMissing
        If there is no manifest.
    ModelTampered
        If a file is damaged, missing, or not in the manifest.
    ModelIncompatible
        If the manifest's schema is unknown or the model was written by another release series of
        scikit-learn, in which the same features may mean other columns.
    """
    content = _manifest_bytes(folder)
    manifest = _parse(content, folder)
    _check_files(manifest, folder)
    _check_libraries(manifest, folder)
    return manifest, hashlib.sha256(content).hexdigest()


def _manifest_bytes(folder: Path) -> bytes:
    try:
        return (folder / MANIFEST).read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ModelMissing(
            f"There is no model in {folder}: train one with `moderation train` or name another"
            " folder in MODERATION_MODEL_DIR."
        ) from error
    except OSError as error:
        raise ModelMissing(
            f"The model in {folder} cannot be read ({error.strerror}): give this user the right"
            " to read the folder."
        ) from error


def _parse(content: bytes, folder: Path) -> Manifest:
    try:
        fields: Any = json.loads(content)
        schema = fields["schema_version"]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelTampered(f"The manifest of the model in {folder} is damaged: {_RESTORE}.") from (
            error
        )
    if schema != SCHEMA_VERSION:
        raise ModelIncompatible(
            f"The model in {folder} has schema version {schema!r}, this program reads version"
            f" {SCHEMA_VERSION}: train a new model with `moderation train` or install the release"
            " that wrote it."
        )
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise ModelTampered(
            f"The manifest of the model in {folder} is damaged at {place!r}: {_RESTORE}."
        ) from error


def _check_files(manifest: Manifest, folder: Path) -> None:
    try:
        found = file_hashes(folder)
    except OSError as error:
        raise ModelTampered(
            f"A file of the model in {folder} cannot be read ({error.strerror}): {_RESTORE}."
        ) from error
    for name, expected in manifest.files.items():
        if name not in found:
            raise ModelTampered(f"The model in {folder} lacks its file {name!r}: {_RESTORE}.")
        if found[name] != expected:
            raise ModelTampered(
                f"The file {name!r} of the model in {folder} is not the one that was written with"
                f" it: {_RESTORE}."
            )
    for name in found:
        if name not in manifest.files:
            raise ModelTampered(
                f"The model in {folder} has a file {name!r} that does not belong to it: remove the"
                " file."
            )


def _check_libraries(manifest: Manifest, folder: Path) -> None:
    written = manifest.libraries.get("scikit-learn", "unknown")
    installed = version("scikit-learn")
    if _series(written) != _series(installed):
        raise ModelIncompatible(
            f"The model in {folder} was written with scikit-learn {written}, installed is"
            f" {installed}: install scikit-learn {'.'.join(_series(written))} or train the model"
            " again with `moderation train`."
        )


def _series(release: str) -> tuple[str, ...]:
    """Return major and minor version."""
    return tuple(release.split(".")[:2])
