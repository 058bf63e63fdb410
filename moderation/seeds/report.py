"""The tables of ``seeds/README.md``: counts, agreement and leakage, made from the files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from sklearn.metrics import cohen_kappa_score

from moderation.comment import Label
from moderation.seeds.corpus import FUNCTIONS, Corpus, Split, read_corpus
from moderation.seeds.leakage import MODELS, leakage
from moderation.seeds.second_opinion import Settlement, kappa, second_opinions
from moderation.seeds.tweets import TweetLabel, TweetOpinion, tweet_opinions

BEGIN = "<!-- made by: moderation seeds report --write -->"
END = "<!-- end -->"


def report(folder: Path) -> str:
    """Return the tables as Markdown.

    Raises
    ------
    SeedsError
        If a file of the corpus is missing or unreadable.
    """
    corpus = read_corpus(folder)
    tables = [_sizes(corpus), _functions(corpus), _agreement(folder), _leakage(corpus)]
    if tweets := tweet_opinions(folder):
        tables.append(_tweets(tweets))
    return "\n\n".join(tables)


def write_report(readme: Path) -> None:
    """Put the tables into the README, between the two comments that mark their place."""
    readme.write_text(with_report(readme, report(readme.parent)), encoding="utf-8")


def with_report(readme: Path, tables: str) -> str:
    """Return the README's text with ``tables`` in their place."""
    before, _, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables}\n\n{END}{after}"


def _table(head: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    rule = "|".join([" --- "] + [" ---: "] * (len(head) - 1))
    body = "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
    return f"| {' | '.join(head)} |\n|{rule}|\n{body}"


def _sizes(corpus: Corpus) -> str:
    def line(name: str, *splits: Split) -> list[object]:
        seeds = corpus.of(*splits)
        per = 100 / max(1, len(seeds))
        return [
            name,
            len({seed.comment.article and seed.comment.article.id for seed in seeds}),
            len(seeds),
            f"{per * sum(not seed.violates for seed in seeds):.1f}",
            *(f"{per * sum(seed.labels[label] for seed in seeds):.1f}" for label in Label),
            f"{per * sum(sum(seed.labels.values()) > 1 for seed in seeds):.1f}",
            f"{per * sum(seed.comment.parent is not None for seed in seeds):.1f}",
            f"{per * sum(seed.borderline for seed in seeds):.1f}",
            len({seed.pair for seed in seeds if seed.pair}),
        ]

    head = ["split", "articles", "comments", "fine %", *(f"{label} %" for label in Label)]
    return _table(
        [*head, "several %", "replies %", "borderline %", "pairs"],
        [*(line(split, split) for split in Split), line("all", *Split)],
    )


def _functions(corpus: Corpus) -> str:
    counts = Counter((seed.function, seed.split) for seed in corpus.seeds)
    return _table(
        ["function", "label", *Split, "all"],
        (
            [
                function,
                label or "fine",
                *(counts[function, split] for split in Split),
                sum(counts[function, split] for split in Split),
            ]
            for function, label in FUNCTIONS.items()
        ),
    )


def _agreement(folder: Path) -> str:
    opinions = second_opinions(folder)
    settled = Counter(opinion.settled for opinion in opinions if opinion.settled)
    agreement = _table(
        ["label", "Cohen's κ", "both", "only writer", "only second", "neither"],
        (
            [label, f"{value:.3f}"]
            + [
                sum((o.first[label], o.second[label]) == cell for o in opinions)
                for cell in ((True, True), (True, False), (False, True), (False, False))
            ]
            for label, value in kappa(opinions).items()
        ),
    )
    return f"{agreement}\n\nDisagreements settled: " + ", ".join(
        f"{settled[how]} {how}" for how in Settlement
    )


def _leakage(corpus: Corpus) -> str:
    areas = leakage(corpus.of(Split.TRAIN), corpus.of(Split.DEV), MODELS)
    return _table(
        ["ROC AUC on dev of a model that sees only", *areas],
        ([kind, *(f"{each[kind]:.2f}" for each in areas.values())] for kind in MODELS),
    )


def _tweets(opinions: Sequence[TweetOpinion]) -> str:
    counts = Counter((each.first, each.second) for each in opinions)
    value = cohen_kappa_score([each.first for each in opinions], [each.second for each in opinions])
    head = [f"tweets, Cohen's κ {value:.2f}", *(f"second reader: {label}" for label in TweetLabel)]
    return _table(
        head,
        (
            [f"first reader: {first}", *(counts[first, second] for second in TweetLabel)]
            for first in TweetLabel
        ),
    )
