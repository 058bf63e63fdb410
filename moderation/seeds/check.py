"""Checks what must hold of the corpus; every finding names the ids it is about."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any
from zlib import crc32

from datasketch import MinHash, MinHashLSH
from jsonschema import Draft202012Validator

from moderation.seeds.corpus import FUNCTIONS, Corpus, Seed, SeedsError, Split, read_corpus, rows
from moderation.seeds.leakage import LENGTHS, leakage
from moderation.seeds.pages import read_pages
from moderation.seeds.second_opinion import Opinion, Settlement, second_opinions
from moderation.seeds.tweets import TWEETS_FILE

FEWEST_ARTICLES = 130
FEWEST_COMMENTS = 4_000
FEWEST_OF_A_FUNCTION = 70
FEWEST_PAIRS = 400
SHARE_OF_SPLIT = {Split.TRAIN: 0.70, Split.DEV: 0.15, Split.TEST: 0.15}
SHARE_TOLERANCE = 0.03
MOST_LENGTH_LEAKAGE = 0.58
NEAR_DUPLICATE = 0.8
"""Jaccard similarity of character 5-grams from which two comments count as near-duplicates."""
LEAST_PAIR_SIMILARITY = 0.5
"""How alike (difflib's ratio) the two comments of a minimal pair must at least be."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong, in one sentence, and the ids it is about."""

    message: str
    ids: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the sentence followed by the ids."""
        return f"{self.message} {', '.join(self.ids)}".rstrip()


def check(folder: Path) -> list[Finding]:
    """Return everything that is wrong with a corpus; an empty list means it is sound.

    Parameters
    ----------
    folder
        Holds ``schema.json``, ``articles.jsonl``, ``comments.jsonl``, ``second_opinion.jsonl``.

    Raises
    ------
    SeedsError
        If a file is missing or not JSON, so that nothing can be checked.
    """
    findings = list(_schema_findings(folder))
    if findings:
        return findings
    try:
        corpus = read_corpus(folder)
        read_pages(folder)
    except SeedsError as error:
        return [Finding(str(error))]
    checks: Sequence[Callable[[Corpus], Iterator[Finding]]] = (
        _amounts,
        _splits,
        _labels_fit_functions,
        _duplicates,
        _near_duplicates,
        _pairs,
        _length_leakage,
    )
    findings = [finding for each in checks for finding in each(corpus)]
    return findings + list(_second_opinion_findings(folder, corpus))


def _schema_findings(folder: Path) -> Iterator[Finding]:
    schema = json.loads((folder / "schema.json").read_text(encoding="utf-8"))
    for name, kind in (
        ("articles", "article"),
        ("comments", "comment"),
        ("second_opinion", "second_opinion"),
        ("tweets", "tweet"),
    ):
        if kind == "tweet" and not (folder / TWEETS_FILE).exists():
            continue
        validator = Draft202012Validator(
            _without_references(schema["$defs"][kind], schema["$defs"])
        )
        seen: set[str] = set()
        for row in rows(folder / f"{name}.jsonl", needed={"id"}):
            for error in validator.iter_errors(row):
                yield Finding(
                    f"{name}.jsonl: {error.json_path}: {error.message[:120]}:", (str(row["id"]),)
                )
            if row["id"] in seen:
                yield Finding(f"{name}.jsonl: this id stands twice:", (row["id"],))
            seen.add(row["id"])
        if name == "comments":
            yield from _parent_findings(folder)


def _without_references(schema: Any, definitions: dict[str, Any]) -> Any:
    """Put definitions where they are referred to: looking each up for each line takes longer."""
    match schema:
        case {"$ref": str(reference)}:
            return _without_references(definitions[reference.removeprefix("#/$defs/")], definitions)
        case dict():
            return {key: _without_references(each, definitions) for key, each in schema.items()}
        case list():
            return [_without_references(each, definitions) for each in schema]
        case _:
            return schema


def _parent_findings(folder: Path) -> Iterator[Finding]:
    article_of: dict[str, str] = {}
    for row in rows(folder / "comments.jsonl", needed={"id", "article", "parent"}):
        if row["parent"] and article_of.get(row["parent"]) != row["article"]:
            yield Finding("The parent is not an earlier comment of the article:", (row["id"],))
        article_of[row["id"]] = row["article"]


def _amounts(corpus: Corpus) -> Iterator[Finding]:
    if len(corpus.articles) < FEWEST_ARTICLES:
        yield Finding(f"{len(corpus.articles)} articles; at least {FEWEST_ARTICLES} are needed.")
    if len(corpus.seeds) < FEWEST_COMMENTS:
        yield Finding(f"{len(corpus.seeds)} comments; at least {FEWEST_COMMENTS} are needed.")
    counts = Counter(seed.function for seed in corpus.seeds)
    for function in FUNCTIONS:
        if counts[function] < FEWEST_OF_A_FUNCTION:
            yield Finding(
                f"{function}: {counts[function]} comments; {FEWEST_OF_A_FUNCTION} are needed."
            )
    for split in Split:
        there = {seed.function for seed in corpus.of(split)}
        for function in FUNCTIONS.keys() - there:
            yield Finding(f"{function}: none in the split {split}.")


def _splits(corpus: Corpus) -> Iterator[Finding]:
    of_article: dict[str, set[Split]] = defaultdict(set)
    for seed in corpus.seeds:
        of_article[str(seed.comment.article and seed.comment.article.id)].add(seed.split)
    torn = tuple(article for article, splits in of_article.items() if len(splits) > 1)
    if torn:
        yield Finding("These articles have comments in more than one split:", torn)
    if empty := tuple(corpus.articles.keys() - of_article.keys()):
        yield Finding("These articles have no comments:", empty)
    for split, wanted in SHARE_OF_SPLIT.items():
        share = len(corpus.of(split)) / max(1, len(corpus.seeds))
        if abs(share - wanted) > SHARE_TOLERANCE:
            yield Finding(f"The split {split} has {share:.0%} of the comments, not {wanted:.0%}.")


def _labels_fit_functions(corpus: Corpus) -> Iterator[Finding]:
    for seed in corpus.seeds:
        label = FUNCTIONS[seed.function]
        if label is None and seed.violates:
            yield Finding(f"{seed.function} is fine, but a label is set:", (seed.id,))
        if label is not None and not seed.labels[label]:
            yield Finding(f"{seed.function} needs the label {label}:", (seed.id,))
        if seed.violates != (seed.severity is not None):
            yield Finding("Violations, and only they, have a severity:", (seed.id,))


def _duplicates(corpus: Corpus) -> Iterator[Finding]:
    by_text: dict[str, list[str]] = defaultdict(list)
    for seed in corpus.seeds:
        if len(seed.comment.text.split()) > 2:  # "Danke dir" may well be said twice
            by_text[" ".join(seed.comment.text.casefold().split())].append(seed.id)
    for ids in by_text.values():
        if len(ids) > 1:
            yield Finding("The same text:", tuple(ids))


def _near_duplicates(corpus: Corpus) -> Iterator[Finding]:
    index = MinHashLSH(threshold=NEAR_DUPLICATE, num_perm=128)
    empty = MinHash(num_perm=128, hashfunc=crc32)
    by_id = {seed.id: seed for seed in corpus.seeds}
    for seed in corpus.seeds:
        shingles = _shingles(seed.comment.text)
        if not shingles:
            continue
        minhash = empty.copy()
        minhash.update_batch([shingle.encode() for shingle in shingles])
        for other in index.query(minhash):
            twin = by_id[other]
            if seed.pair is not None and seed.pair == twin.pair:
                continue
            mine, theirs = shingles, _shingles(twin.comment.text)
            if len(mine & theirs) / len(mine | theirs) >= NEAR_DUPLICATE:
                yield Finding("Near-duplicates:", (other, seed.id))
        index.insert(seed.id, minhash)


def _shingles(text: str) -> set[str]:
    folded = " ".join(text.casefold().split())
    return {folded[i : i + 5] for i in range(len(folded) - 4)} if len(folded) >= 20 else set()


def _pairs(corpus: Corpus) -> Iterator[Finding]:
    pairs: dict[str, list[Seed]] = defaultdict(list)
    for seed in corpus.seeds:
        if seed.pair is not None:
            pairs[seed.pair].append(seed)
    if len(pairs) < FEWEST_PAIRS:
        yield Finding(f"{len(pairs)} minimal pairs; at least {FEWEST_PAIRS} are needed.")
    for name, members in pairs.items():
        ids = tuple(seed.id for seed in members)
        if len(members) != 2:
            yield Finding(f"The pair {name} does not have two comments:", ids)
            continue
        one, other = members
        if (
            one.comment.article != other.comment.article
            or one.comment.parent != other.comment.parent
        ):
            yield Finding(f"The pair {name} is not under one article and parent:", ids)
        if one.labels == other.labels:
            yield Finding(f"The pair {name} does not flip a label:", ids)
        alike = SequenceMatcher(None, one.comment.text, other.comment.text, autojunk=False).ratio()
        if alike < LEAST_PAIR_SIMILARITY:
            yield Finding(f"The pair {name} is more than a small change apart:", ids)


def _length_leakage(corpus: Corpus) -> Iterator[Finding]:
    for label, areas in leakage(corpus.of(Split.TRAIN), corpus.of(Split.DEV), LENGTHS).items():
        for kind, area in areas.items():
            if area > MOST_LENGTH_LEAKAGE:
                yield Finding(
                    f"The {kind} alone tells {label}: ROC AUC {area:.3f}, "
                    f"at most {MOST_LENGTH_LEAKAGE}."
                )


def _second_opinion_findings(folder: Path, corpus: Corpus) -> Iterator[Finding]:
    opinions = {opinion.id: opinion for opinion in second_opinions(folder)}
    ids = {seed.id for seed in corpus.seeds}
    if missing := sorted(ids - opinions.keys()):
        yield Finding("Without a second opinion:", tuple(missing))
    if unknown := sorted(opinions.keys() - ids):
        yield Finding("A second opinion on comments that do not exist:", tuple(unknown))
    unsettled = [
        seed.id
        for seed in corpus.seeds
        if seed.id in opinions and not _is_settled(opinions[seed.id], seed)
    ]
    if unsettled:
        yield Finding(
            "The second reader disagreed; rewrite, relabel or mark borderline:", tuple(unsettled)
        )


def _is_settled(opinion: Opinion, seed: Seed) -> bool:
    if opinion.first == opinion.second:
        return seed.labels == opinion.first
    match opinion.settled:
        case Settlement.BORDERLINE:
            return seed.borderline
        case Settlement.RELABELLED:
            return seed.labels == opinion.second
        case Settlement.REWRITTEN:
            return True
        case None:
            return False
