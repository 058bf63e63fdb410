"""Which reader an archive needs, and what tells one archive from another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from moderation.archive.reading import jsonl, stored, tables, wordpress
from moderation.archive.record import ArchiveError, Found
from moderation.archive.wordpress import Site
from moderation.settings import Settings
from moderation.store import Store

SUFFIXES: Mapping[str, str] = MappingProxyType(
    {
        ".jsonl": "jsonl",
        ".ndjson": "jsonl",
        ".csv": "csv",
        ".tsv": "csv",
        ".parquet": "parquet",
        ".xml": "wordpress",
        ".wxr": "wordpress",
    }
)
FORMATS = ("jsonl", "csv", "parquet", "wordpress")

OUR_STORE = "store"
SITE = "site"


@dataclass(frozen=True, slots=True)
class Source:
    """An archive to read.

    ``name`` is a file, the word ``store``, or the address of a WordPress, which ``user`` logs in
    to; ``columns`` says for tables which of the file's columns holds what (ours → theirs);
    ``encoding`` is that of a CSV file, if it is known.

    Examples
    --------
    >>> Source("comments.csv").kind
    'csv'
    """

    name: str
    format: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None
    database: str | None = None
    user: str | None = None

    @property
    def kind(self) -> str:
        """The format, told by the file's ending unless it was named.

        Raises
        ------
        ArchiveError
            If the ending says nothing.
        """
        if self.format:
            return self.format
        if self.name == OUR_STORE:
            return OUR_STORE
        if self.name.startswith(("https://", "http://")):
            return SITE
        suffix = Path(self.name).suffix.lower()
        if suffix not in SUFFIXES:
            raise ArchiveError(
                f"The ending of {self.name} does not tell its format; name one with --format."
            )
        return SUFFIXES[suffix]

    def identity(self) -> dict[str, object]:
        """Return what must be the same for two runs to be about the same archive.

        Raises
        ------
        ArchiveError
            If the file is not there.
        """
        told: dict[str, object] = {
            "format": self.kind,
            "columns": dict(self.columns),
            "encoding": self.encoding,
        }
        if self.kind == OUR_STORE:
            return told | {"database": self.database}
        if self.kind == SITE:
            return told | {"site": self.name, "user": self.user}
        try:
            stat = Path(self.name).stat()
        except OSError as error:
            raise ArchiveError(f"{self.name} cannot be read: {error.strerror}.") from None
        return told | {
            "file": str(Path(self.name).resolve()),
            "size": stat.st_size,
            "modified": stat.st_mtime_ns,
        }

    def read(self) -> Iterator[Found]:
        """Yield every comment and every problem in the order of the archive.

        Raises
        ------
        ArchiveError
            If the archive cannot be read at all, or a blog cannot be read on.
        StoreUnavailable
            If it is our own store and that cannot be used.
        """
        if self.kind == OUR_STORE:
            store = Store(str(self.database))
            try:
                yield from stored.read(store)
            finally:
                store.close()
            return
        if self.kind == SITE:
            with self._site() as site:
                yield from site.comments()
            return
        path = Path(self.name)
        try:
            match self.kind:
                case "jsonl":
                    yield from jsonl.read(path)
                case "csv":
                    yield from tables.read_csv(path, self.columns, self.encoding)
                case "parquet":
                    yield from tables.read_parquet(path, self.columns)
                case _:
                    yield from wordpress.read(path)
        except OSError as error:
            reason = error.strerror or str(error)
            raise ArchiveError(f"{self.name} cannot be read: {reason}.") from None

    def _site(self) -> Site:
        if self.user is None:
            raise ArchiveError(f"Say with --user who logs in to {self.name}.")
        return Site.from_settings(self.name, self.user, Settings())
