"""Readers: an archive in, one comment or one problem at a time out, whatever its size.

Each reader knows one format and nothing of what the comments are read for.
"""

from moderation.archive.reading.source import FORMATS, Source

__all__ = ["FORMATS", "Source"]
