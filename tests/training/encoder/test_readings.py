from __future__ import annotations

from dataclasses import replace

import pytest

from moderation.classifier.encoder import EncoderSettings, TextReader
from moderation.comment import Article, Comment, Label, Parent
from moderation.seeds import Seed, Split
from moderation.training.corpora import Example
from moderation.training.encoder.readings import Reading, germeval_readings, seed_readings
from moderation.training.encoder.vocabulary import build_tokenizer

PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", *"abcdefghijklmnopqrstuvwxyz:"]
READER = TextReader(
    build_tokenizer(PIECES, [-2.0] * len(PIECES), 3),
    EncoderSettings(1, 1, 32, 96, 96, 8, ("off_topic",), "off_topic"),
)
SEED = Seed(
    comment=Comment("dazu noch eine frage", id="a001-02", article=Article("akku", "neu", "a001")),
    labels=dict.fromkeys(Label, False),
    function="question",
    severity=None,
    borderline=False,
    split=Split.TRAIN,
    pair="A",
)
LONG = Comment("dazu habe ich noch eine sehr kleine frage", article=Article("akku", "neu", "a001"))


def read(seed: Seed) -> Reading:
    (found,) = seed_readings([seed], {"a001": "phones"}, READER)
    return found


def spelled(tokens: tuple[int, ...] | None) -> str:
    return "".join(PIECES[token] for token in tokens or ())


def test_article_and_title_are_read_apart() -> None:
    found = read(SEED)
    assert found.article is not None
    assert spelled(found.article.title) == "<s>▁passage:▁akku</s>"
    assert [spelled(each) for each in found.article.passages] == ["<s>▁passage:▁neu</s>"]
    assert spelled(found.comment).startswith("<s>▁query:▁dazu▁noch")
    assert found.parent is None


def test_a_pair_belongs_to_its_article() -> None:
    assert read(SEED).pair == "a001/A"
    assert read(replace(SEED, pair=None)).pair is None


def test_a_borderline_comment_counts_less() -> None:
    assert read(replace(SEED, borderline=True)).weight < read(SEED).weight == 1


def test_a_tweet_has_our_label_where_our_readers_agree() -> None:
    tweets = [
        Example(Comment("na so was"), {}, group=group, source="germeval2018", fine="INSULT")
        for group in "abc"
    ]
    found = germeval_readings(tweets, READER, {"a": False, "b": None})
    assert [each.targets.get("disparaging") for each in found] == [0, None, None]
    assert all(each.targets["germeval_offence"] == 1 for each in found)


@pytest.mark.parametrize(
    ("seed", "bound"),
    [
        (replace(SEED, comment=LONG), True),
        (SEED, False),  # too short to say what it is about
        (replace(SEED, comment=LONG, function="quoted_insult"), False),
        (replace(SEED, comment=LONG, labels={**SEED.labels, Label.SPAM: True}), False),
        (replace(SEED, comment=replace(LONG, parent=Parent("ja"))), False),
    ],
)
def test_only_what_names_its_subject_is_off_topic_elsewhere(seed: Seed, bound: bool) -> None:
    assert read(seed).bound is bound


def test_a_comment_without_an_article_is_refused() -> None:
    with pytest.raises(ValueError, match="seed a001-02 has no article"):
        read(replace(SEED, comment=replace(SEED.comment, article=None)))
