"""What can be wrong with a model on disk; every message says what to do."""

# ruff: noqa: N818 - the names say what is wrong, and "ModelMissingError" says it twice

from __future__ import annotations

__all__ = ["ModelError", "ModelIncompatible", "ModelMissing", "ModelTampered"]


class ModelError(Exception):
    """A model cannot be used."""


class ModelMissing(ModelError):
    """There is no model where one was expected."""


class ModelTampered(ModelError):
    """The files of a model are not those that were written when it was made."""


class ModelIncompatible(ModelError):
    """A model was made by, or for, other software than this."""
