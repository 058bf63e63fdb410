"""Full-text search: which words a comment has, kept in the index of whichever database it is.

The words are cut and folded here, not by the database, so that both find the same.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from sqlalchemy import ARRAY, Select, Text, cast, column, delete, func, insert, select, table
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import Session

LONGEST_WORD = 64
"""Characters of a word that count; two that differ later only are found together."""

MOST_WORDS = 32
"""Words of a search; further ones do not narrow it."""

TELLING_WORDS = 8
"""Words of a text that similar comments are looked for by."""

_WORD = re.compile(r"[^\W_]+")
_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})

# A virtual table of FTS5 in SQLite, whose key is called rowid; a table with a tsvector in
# PostgreSQL. The migration makes either; `tables` describes what both have alike.
_SQLITE = table("comment_words", column("rowid"), column("words"), column("comment_words"))
_POSTGRESQL = table("comment_words", column("comment_id"), column("words"))


def words_of(text: str) -> tuple[str, ...]:
    """Give each word of a text once, folded: no case, no accents, umlauts spelled out.

    Examples
    --------
    >>> words_of("Müßte man ÜBER »Café-Öl« reden? Über was?!")
    ('muesste', 'man', 'ueber', 'cafe', 'oel', 'reden', 'was')
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    spelled = unicodedata.normalize("NFKD", unicodedata.normalize("NFC", folded).translate(_GERMAN))
    plain = "".join(each for each in spelled if not unicodedata.combining(each))
    return tuple(dict.fromkeys(word[:LONGEST_WORD] for word in _WORD.findall(plain)))


def index(session: Session, texts: Iterable[tuple[int, str]]) -> None:
    """Make comments found by the words of these texts, and no longer by others.

    Parameters
    ----------
    texts
        Number of a comment's row, and its text.
    """
    words = {row: words_of(text) for row, text in texts}
    if not words:
        return
    if _is_postgresql(session):
        key, value = "comment_id", func.array_to_tsvector
        session.execute(delete(_POSTGRESQL).where(_POSTGRESQL.c.comment_id.in_(words)))
        rows = [
            {key: row, "words": value(cast(list(found), ARRAY(Text)))}
            for row, found in words.items()
        ]
        session.execute(insert(_POSTGRESQL).values(rows))
    else:
        session.execute(delete(_SQLITE).where(_SQLITE.c.rowid.in_(words)))
        session.execute(
            insert(_SQLITE),
            [{"rowid": row, "words": " ".join(found)} for row, found in words.items()],
        )


def hits(session: Session, query: str) -> Select[int] | None:
    """Select the numbers of the comments that have words beginning with those of a query.

    Parameters
    ----------
    query
        What a person typed; nothing in it means anything but words.

    Returns
    -------
    Select or None
        ``None`` if there is no word in the query, so that nothing can be found.
    """
    words = words_of(query)[:MOST_WORDS]
    if not words:
        return None
    if _is_postgresql(session):
        return _found(session, " & ".join(f"'{word}':*" for word in words))
    return _found(session, " AND ".join(f'"{word}"*' for word in words))


def akin(session: Session, text: str) -> Select[int] | None:
    """Select the numbers of the comments that share one of a text's longest words.

    The longest are the rarest, as a rule. ``None`` if there is no word in the text.
    """
    words = sorted(words_of(text), key=len, reverse=True)[:TELLING_WORDS]
    if not words:
        return None
    if _is_postgresql(session):
        return _found(session, " | ".join(f"'{word}'" for word in words))
    return _found(session, " OR ".join(f'"{word}"' for word in words))


def _found(session: Session, query: str) -> Select[int]:
    if _is_postgresql(session):
        matches = _POSTGRESQL.c.words.op("@@")(cast(query, TSQUERY))
        return select(_POSTGRESQL.c.comment_id).where(matches)
    return select(_SQLITE.c.rowid).where(_SQLITE.c.comment_words.op("MATCH")(query))


def _is_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"
