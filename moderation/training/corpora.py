"""Public corpora of German comments, read from a folder given by path into plain records.

Every corpus says in :data:`CORPORA` under which licence it stands and whether what ships may be
trained on it; the others are for measuring only. Their texts stay where they are: what leaves
this module goes into weights and figures, never into a log or a file.

Users and links are masked on reading, so that no model learns a name or a site.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TypeVar

from moderation.comment import Article, Comment, Label, Parent

_T = TypeVar("_T")

MASKED_USER = "@user"
MASKED_LINK = "https://link"

_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_USER = re.compile(r"(?<![\w@.])@\w+")
_SENTENCES_OF_CONTEXT = 3


class CorpusError(ValueError):
    """A corpus cannot be read; the message says which file and what to do."""


@dataclass(frozen=True, slots=True)
class Example:
    """A labelled comment.

    Parameters
    ----------
    comment
        The comment with as much context as its corpus has.
    labels
        Label to whether the comment breaks that rule; ``None`` where nobody said.
    group
        What must not be split between folds: document, article, topic, or the text itself.
    source
        Name of the corpus.
    fine
        The corpus' own label, as written there.
    split
        The publisher's own split (``train``, ``dev``) where there is one.
    pair
        Shared by the members of a contrastive pair.
    """

    comment: Comment
    labels: Mapping[Label, bool | None]
    group: str
    source: str
    fine: str | None = None
    split: str | None = None
    pair: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Where a set of texts comes from and what may be done with it.

    ``file`` is relative to the data folder. Only what is ``trainable`` may have a part in weights
    that ship.
    """

    name: str
    file: str
    licence: str
    trainable: bool
    citation: str

    def path(self, data: Path) -> Path:
        """Return the file within the data folder.

        Raises
        ------
        CorpusError
            When it is not there.
        """
        path = data / self.file
        if not path.is_file():
            raise CorpusError(
                f"Corpus {self.name}: {path} is missing; give the folder that holds {self.file}."
            )
        return path

    def sha256(self, data: Path) -> str:
        """Return the SHA-256 of the file, in hexadecimal, for the manifest of what is trained."""
        with self.path(data).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class Corpus(Source):
    """A set of comments and the reader of its format."""

    rows: Callable[[Path], Iterator[Example]] = field(kw_only=True, repr=False)
    note: str = ""

    def read(self, data: Path) -> list[Example]:
        """Read all comments under a data folder, in the order of the file.

        Raises
        ------
        CorpusError
            When the file is missing or not in the corpus' format.
        """
        path = self.path(data)
        try:
            examples = list(self.rows(path))
        except (OSError, EOFError, UnicodeDecodeError, csv.Error, _MalformedError) as error:
            raise CorpusError(
                f"Corpus {self.name}: {path} cannot be read ({error}); "
                "restore the file as its publisher made it."
            ) from error
        if not examples:
            raise CorpusError(f"Corpus {self.name}: {path} holds no comments; restore the file.")
        return examples


@dataclass(frozen=True, slots=True)
class Lexicon(Source):
    """A list of words, one a line."""

    def read(self, data: Path) -> tuple[str, ...]:
        """Read the words under a data folder, in lower case, sorted and without repetition.

        Raises
        ------
        CorpusError
            When the file is missing, empty or not UTF-8.
        """
        path = self.path(data)
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError as error:
            raise CorpusError(
                f"Lexicon {self.name}: {path} is not UTF-8; restore the file."
            ) from error
        words = sorted({line.strip().lower() for line in lines if line.strip()})
        if not words:
            raise CorpusError(f"Lexicon {self.name}: {path} holds no words; restore the file.")
        return tuple(words)


class _MalformedError(ValueError):
    """A line that does not follow the format of its corpus; the message never quotes it."""


def mask(text: str) -> str:
    """Replace user names and links by stand-ins and trim the text.

    >>> mask("@Lena_B schau mal: https://blog.example/a?b=1 ")
    '@user schau mal: https://link'
    >>> mask("Post an lena@blog.example")
    'Post an lena@blog.example'
    """
    return _USER.sub(MASKED_USER, _LINK.sub(MASKED_LINK, text)).strip()


def _disparaging(value: bool | None) -> dict[Label, bool | None]:
    return {Label.DISPARAGING: value, Label.OFF_TOPIC: None, Label.SPAM: None}


def _text_group(text: str) -> str:
    """Give equal texts one group, whatever their case; corpora without authors have no better."""
    return hashlib.blake2b(text.casefold().encode(), digest_size=8).hexdigest()


def _open(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _records(
    path: Path, columns: Sequence[str], *, delimiter: str = "\t", quoted: bool = True
) -> Iterator[dict[str, str]]:
    """Yield the rows of a table with a header, each with all of ``columns`` and no others."""
    with _open(path) as file:
        rows = csv.reader(
            file, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
        )
        header = next(rows, [])
        missing = [column for column in columns if column not in header]
        if missing:
            raise _MalformedError(f"column {missing[0]!r} is missing in its first line")
        for row in rows:
            if len(row) != len(header):
                raise _MalformedError(
                    f"{len(row)} instead of {len(header)} fields in line {rows.line_num}"
                )
            record = dict(zip(header, row, strict=True))
            yield {column: record[column] for column in columns}


def _choice(value: str, choices: Mapping[str, _T], column: str) -> _T:
    if value not in choices:
        raise _MalformedError(
            f"{column} is {value[:20]!r}, expected one of {', '.join(sorted(choices))}"
        )
    return choices[value]


# Profanity without a target swears at nobody: allowed by the blog's rules, whatever the shared
# task counts as offensive.
_GERMEVAL_FINE = {"OTHER": False, "PROFANITY": False, "INSULT": True, "ABUSE": True}


def _germeval_tweets(source: str) -> Callable[[Path], Iterator[Example]]:
    """Read the tab-separated tweets of 2018 and 2019: text, coarse label, fine label.

    The coarse label OFFENSE is "fine label other than OTHER", so ``fine`` keeps both.
    """

    def rows(path: Path) -> Iterator[Example]:
        with _open(path) as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                fields = line.rstrip("\r\n").split("\t")
                if len(fields) != 3:
                    raise _MalformedError(f"{len(fields)} instead of 3 fields in line {number}")
                text, coarse, fine = (part.strip() for part in fields)
                disparaging = _choice(fine, _GERMEVAL_FINE, f"fine label in line {number}")
                expected = "OTHER" if fine == "OTHER" else "OFFENSE"
                if coarse != expected:
                    raise _MalformedError(f"labels contradict each other in line {number}")
                text = mask(text.replace("|LBR|", "\n"))
                yield Example(
                    comment=Comment(text),
                    labels=_disparaging(disparaging),
                    group=_text_group(text),
                    source=source,
                    fine=fine,
                )

    return rows


def _linked_groups(links: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Map each id that is linked to another to the smallest id of its connected set.

    >>> _linked_groups([("b", "a"), ("c", "b"), ("x", "y"), ("z", "")])
    {'b': 'a', 'a': 'a', 'c': 'a', 'x': 'x', 'y': 'x'}
    """
    root: dict[str, str] = {}

    def find(item: str) -> str:
        while root.setdefault(item, item) != item:
            item = root[item]
        return item

    for first, second in links:
        if second:
            low, high = sorted((find(first), find(second)))
            root[high] = low
    return {item: find(item) for item in root}


def _gahd(path: Path) -> Iterator[Example]:
    """Read adversarial sentences; the members of a contrastive pair share ``pair`` and group.

    The set knows hate against groups only: what insults a single person is 0 there.
    """
    columns = ("gahd_id", "text", "label", "split", "contrastive_gahd_id")
    records = list(_records(path, columns))
    pairs = _linked_groups([(row["gahd_id"], row["contrastive_gahd_id"]) for row in records])
    for row in records:
        text = mask(row["text"])
        if not text:
            continue
        pair = pairs.get(row["gahd_id"])
        yield Example(
            comment=Comment(text, id=row["gahd_id"]),
            labels=_disparaging(_choice(row["label"], {"0": False, "1": True}, "label")),
            group=pair or _text_group(text),
            source="gahd",
            fine=row["label"],
            split=_choice(row["split"], {"train": "train", "dev": "dev"}, "split"),
            pair=pair,
        )


_FALLACIES = (
    "Ad Hominem",
    "Appeal to Emotion",
    "Hasty Generalization",
    "Irrelevant Authority",
    "No Fallacy",
    "Red Herring",
)


def _argotario(path: Path) -> Iterator[Example]:
    """Read short arguments with their topic as the article's title.

    An author was asked to write a fallacy and players voted on which it is. A label is taken
    where the votes agree with the intention or there are too few of them; where they differ,
    nobody knows.
    """
    intended_column, voted_column = "Intended Fallacy", "Voted Fallacy"
    known = dict.fromkeys(_FALLACIES, True)
    for row in _records(path, ("Topic", intended_column, voted_column, "Text")):
        intended, voted = row[intended_column], row[voted_column]
        _choice(intended, known, intended_column)
        _choice(voted, known | {"-": False}, voted_column)
        agreed = voted in ("-", intended)
        yield Example(
            comment=Comment(mask(row["Text"]), article=Article(title=row["Topic"])),
            labels={
                Label.DISPARAGING: intended == "Ad Hominem" if agreed else None,
                Label.OFF_TOPIC: intended == "Red Herring" if agreed else None,
                Label.SPAM: False,
            },
            group=row["Topic"],
            source="argotario-de",
            fine=intended,
        )


def _cimt(path: Path) -> Iterator[Example]:
    """Read citizens' contributions: each sentence is a comment on the rest of its document.

    The article of a sentence is the document's title and the first other sentences, never the
    sentence itself; documents with neither are left out. The part CQ_B stands under CC BY-SA
    and is not read.
    """
    columns = ("document_id", "content", "code", "title/text", "dataset")
    documents: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in _records(path, columns):
        _choice(row["title/text"], {"title": True, "text": False}, "title/text")
        if row["dataset"] != "CQ_B":
            documents[row["document_id"]].append(row)
    for document, rows in documents.items():
        title = " ".join(mask(row["content"]) for row in rows if row["title/text"] == "title")
        sentences = [row for row in rows if row["title/text"] == "text"]
        for row in sentences:
            others = [mask(other["content"]) for other in sentences if other is not row]
            article = Article(
                title=title, text=" ".join(others[:_SENTENCES_OF_CONTEXT]), id=document
            )
            if not (article.title or article.text):
                continue
            yield Example(
                comment=Comment(mask(row["content"]), article=article),
                labels=dict.fromkeys(Label, False),
                group=document,
                source="cimt",
                fine=row["code"],
            )


def _germeval2021(path: Path) -> Iterator[Example]:
    """Read Facebook comments; toxic is taken as disparaging."""
    columns = ("comment_id", "comment_text", "Sub1_Toxic")
    for row in _records(path, columns, delimiter=","):
        text = mask(row["comment_text"])
        yield Example(
            comment=Comment(text, id=row["comment_id"]),
            labels=_disparaging(_choice(row["Sub1_Toxic"], {"0": False, "1": True}, "Sub1_Toxic")),
            group=_text_group(text),
            source="germeval2021",
            fine=row["Sub1_Toxic"],
        )


def _hasoc2019(path: Path) -> Iterator[Example]:
    """Read Facebook and Twitter posts; hateful and offensive are disparaging, profane is not."""
    fine = {"NONE": False, "PRFN": False, "OFFN": True, "HATE": True}
    for row in _records(path, ("text_id", "text", "task_2"), quoted=False):
        text = mask(row["text"])
        yield Example(
            comment=Comment(text, id=row["text_id"]),
            labels=_disparaging(_choice(row["task_2"], fine, "task_2")),
            group=_text_group(text),
            source="hasoc2019-de",
            fine=row["task_2"],
        )


def _rp_crowd(path: Path) -> Iterator[Example]:
    """Read newspaper comments that most crowd workers would, or would not, reject.

    They reject for any reason, advertising included; ``disparaging`` is the nearest of our
    labels and a rough one.
    """
    for row in _records(path, ("text", "label")):
        text = mask(row["text"])
        if not text:
            continue
        yield Example(
            comment=Comment(text),
            labels=_disparaging(_choice(row["label"], {"0.0": False, "1.0": True}, "label")),
            group=_text_group(text),
            source="rp-crowd-3",
            fine=row["label"],
        )


def _derstandard(path: Path) -> Iterator[Example]:
    """Read unlabelled comments of a newspaper's web pages with article title and parent."""
    columns = ("article_title", "published", "parent_text", "headline", "text")
    for row in _records(path, columns):
        # The publisher's export quotes twice: a pair of quotation marks is left where one was.
        plain = {column: mask(value.replace('""', '"')) for column, value in row.items()}
        text = "\n".join(part for part in (plain["headline"], plain["text"]) if part)
        parent = plain["parent_text"]
        yield Example(
            comment=Comment(
                text,
                article=Article(title=plain["article_title"]),
                parent=Parent(parent) if parent else None,
            ),
            labels=dict.fromkeys(Label),
            group=f"{plain['article_title']} ({plain['published']})",
            source="derstandard-2019-web",
        )


CORPORA: Mapping[str, Corpus] = {
    corpus.name: corpus
    for corpus in (
        Corpus(
            "germeval2018",
            "germeval2018/germeval2018.training.txt",
            "CC BY 4.0",
            True,
            "Wiegand, Siegel & Ruppenhofer 2018",
            rows=_germeval_tweets("germeval2018"),
        ),
        Corpus(
            "gahd",
            "gahd/gahd_train_dev.tsv",
            "CC BY 4.0",
            True,
            "Goldzycher, Röttger & Schneider 2024",
            rows=_gahd,
        ),
        Corpus(
            "argotario-de",
            "argotario-de/arguments-de-2018-01-15.tsv",
            "CC0 1.0",
            True,
            "Habernal et al. 2017",
            rows=_argotario,
        ),
        Corpus(
            "cimt",
            "cimt/cimt_sentences.tsv.gz",
            "CC BY 4.0",
            True,
            "Romberg & Conrad 2021",
            rows=_cimt,
            note="without the part CQ_B, which is CC BY-SA",
        ),
        Corpus(
            "germeval2019",
            "measure-only/germeval2019/training_subtask1_2.txt",
            "no clear licence",
            False,
            "Struß et al. 2019",
            rows=_germeval_tweets("germeval2019"),
        ),
        Corpus(
            "germeval2021",
            "measure-only/germeval2021/train.csv",
            "non-commercial or no clear licence",
            False,
            "Risch et al. 2021",
            rows=_germeval2021,
        ),
        Corpus(
            "hasoc2019-de",
            "measure-only/hasoc2019-de/train.tsv",
            "non-commercial or no clear licence",
            False,
            "Mandl et al. 2019",
            rows=_hasoc2019,
        ),
        Corpus(
            "rp-crowd-3",
            "measure-only/rp-crowd-3/dev.tsv",
            "non-commercial or no clear licence",
            False,
            "Assenmacher et al. 2021",
            rows=_rp_crowd,
        ),
        Corpus(
            "derstandard-2019-web",
            "measure-only/derstandard-2019-web/comments_dev.tsv.gz",
            "non-commercial or no clear licence",
            False,
            "comments of an Austrian newspaper, 2019",
            rows=_derstandard,
        ),
    )
}
"""Every corpus by name."""

LEXICONS: Mapping[str, Lexicon] = {
    lexicon.name: lexicon
    for lexicon in (
        Lexicon(
            "ldnoobw",
            "lexicons/ldnoobw_de.txt",
            "CC BY 4.0",
            True,
            "List of Dirty, Naughty, Obscene and Otherwise Bad Words",
        ),
        Lexicon(
            "ldnoobw-v2",
            "lexicons/ldnoobw_v2_de.txt",
            "CC0 1.0",
            True,
            "List of Dirty, Naughty, Obscene and Otherwise Bad Words, version 2",
        ),
    )
}
"""Every list of swear words by name."""
