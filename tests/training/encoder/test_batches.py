from __future__ import annotations

from collections import Counter
from random import Random

from moderation.classifier.encoder import ArticleTokens
from moderation.comment import Label
from moderation.training.encoder.batches import (
    PublicShares,
    SeedShares,
    public_batches,
    seed_batches,
)
from moderation.training.encoder.readings import PublicReadings, Reading

LABELS = {str(label): 0.0 for label in Label}


def seed(article: int, number: int) -> Reading:
    return Reading(
        comment=(article, *[number] * (number % 9 + 1)),
        targets=LABELS,
        article=ArticleTokens((article,), ((article, 1),)),
        group=str(article),
        topic=str(article % 3),
        pair=f"{article}/A" if number < 2 else None,
        bound=number % 2 == 0,
    )


SEEDS = [seed(article, number) for article in range(12) for number in range(20)]
PUBLIC = PublicReadings(
    germeval=[Reading((1, n), {"germeval_offence": 0.0}) for n in range(100)],
    gahd=[Reading((2, n), {"gahd_hate": 1.0}) for n in range(100)],
    argotario=[Reading((3, n), {"ad_hominem": 1.0}) for n in range(10)],
    documents=[
        Reading((4, n), {}, ArticleTokens((5, n // 2), ()), group=str(n // 2), bound=True)
        for n in range(40)
    ],
)


def batches_of(**shares: float) -> list[list[Reading]]:
    return seed_batches(SEEDS, PUBLIC, SeedShares(**shares), Random(3))  # type: ignore[arg-type]


def test_in_each_pass_each_seed_is_seen_once() -> None:
    seen = Counter(reading.comment for batch in batches_of(passes=2, public=0) for reading in batch)
    assert seen == Counter({reading.comment: 2 for reading in SEEDS})


def test_a_batch_has_few_articles_so_that_each_is_read_for_many() -> None:
    for batch in batches_of(passes=1, public=0):
        assert 2 <= len({row.article for row in batch}) <= 5


def test_the_members_of_a_pair_are_seen_together() -> None:
    for batch in batches_of(passes=1, public=0):
        pairs = Counter(row.pair for row in batch if row.pair)
        assert set(pairs.values()) <= {2}


def test_public_comments_are_mixed_in() -> None:
    sources = Counter(
        next(iter(row.targets)) for batch in batches_of(passes=4, public=1.0) for row in batch
    )
    assert sources["germeval_offence"] > sources["gahd_hate"] > 0


def test_the_same_seed_gives_the_same_batches() -> None:
    assert batches_of() == batches_of()


def test_public_corpora_are_seen_as_often_as_asked() -> None:
    shares = PublicShares(germeval=1.5, gahd=0.2, argotario=2, document_batches=3)
    batches = public_batches(PUBLIC, shares, Random(3))
    seen = Counter(name for batch in batches for row in batch for name in row.targets)
    assert (seen["germeval_offence"], seen["gahd_hate"], seen["ad_hominem"]) == (150, 20, 20)
    assert sum(1 for batch in batches if not batch[0].targets) == 3


def test_a_sentence_stands_among_those_of_other_documents() -> None:
    shares = PublicShares(germeval=0, gahd=0, argotario=0, document_batches=8)
    for batch in public_batches(PUBLIC, shares, Random(3)):
        assert len({row.group for row in batch}) == len(batch) > 1


def test_sentences_under_their_documents_are_mixed_into_each_pass() -> None:
    batches = batches_of(passes=2, public=0, document_batches=3)
    assert sum(1 for batch in batches if not batch[0].targets) == 6


def test_of_some_batches_nothing_but_titles_is_known() -> None:
    batches = batches_of(passes=4, public=0, title_only=0.5)
    known = [{bool(row.article and row.article.passages) for row in batch} for batch in batches]
    assert {True} in known
    assert {False} in known
    assert {True, False} not in known
