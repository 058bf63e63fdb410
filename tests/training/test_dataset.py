"""What a model learns from, and what it never sees."""

from pathlib import Path

import pytest

from moderation.comment import Article, Comment, Label
from moderation.seeds import Split, read_corpus
from moderation.settings import PROJECT_ROOT
from moderation.training.corpora import CORPORA, CorpusError, Example
from moderation.training.dataset import (
    from_seeds,
    held_back,
    mismatched,
    mismatched_documents,
    read_public,
    trainable,
    under_titles,
)
from moderation.training.train import training_examples

SEEDS = PROJECT_ROOT / "seeds"


@pytest.fixture(scope="module")
def corpus():
    return read_corpus(SEEDS)


def test_only_the_train_split_of_the_seeds_is_learned_from(corpus):
    learned = {example.comment.text for example in training_examples(SEEDS, [], None)}
    held = {seed.comment.text for seed in corpus.of(Split.DEV, Split.TEST)}
    # "Danke dir!" may be said in any thread
    assert all(len(text.split()) < 6 for text in learned & held)


def test_no_article_of_a_held_back_split_serves_as_a_mismatch(corpus):
    articles = {example.comment.article for example in training_examples(SEEDS, [], None)}
    held = {seed.comment.article for seed in corpus.of(Split.DEV, Split.TEST)}
    assert not articles & held


def test_a_mismatched_comment_is_off_topic_under_another_article(corpus):
    train = corpus.of(Split.TRAIN)
    own = {seed.id: seed.comment.article for seed in train}
    moved = mismatched(train, corpus, random_state=1)
    assert len(moved) > 300
    for example in moved:
        assert example.comment.article != own[example.comment.id]
        assert example.labels[Label.OFF_TOPIC] is True
        assert example.labels[Label.DISPARAGING] is None


def test_under_a_title_alone_the_same_is_off_topic_and_nothing_else_is_said(corpus):
    seeds = corpus.of(Split.TRAIN)
    for seed, example in zip(seeds, under_titles(seeds), strict=True):
        article, whole = example.comment.article, seed.comment.article
        assert (article.title, article.text) == (whole.title, "")
        assert (example.comment.text, example.comment.parent) == (
            seed.comment.text,
            seed.comment.parent,
        )
        assert example.labels == {
            Label.OFF_TOPIC: seed.labels[Label.OFF_TOPIC],
            Label.DISPARAGING: None,
            Label.SPAM: None,
        }


def test_mismatches_are_the_same_every_time(corpus):
    train = corpus.of(Split.TRAIN)
    assert mismatched(train, corpus, 1) == mismatched(train, corpus, 1)
    assert mismatched(train, corpus, 1) != mismatched(train, corpus, 2)


def test_a_corpus_that_may_only_be_measured_on_is_refused():
    with pytest.raises(CorpusError, match="measured on only"):
        trainable(["germeval2021"])


def test_an_unknown_corpus_is_refused_with_the_choices():
    with pytest.raises(CorpusError, match="choose from germeval2018"):
        trainable(["wikipedia"])


def test_the_publishers_split_decides_what_is_held_back():
    assert not held_back(Example(Comment("x"), {}, group="g", source="gahd", split="train"))
    assert held_back(Example(Comment("x"), {}, group="g", source="gahd", split="dev"))


def test_without_one_a_fifth_of_the_groups_is_held_back_whole():
    groups = [f"group {n}" for n in range(1000)]
    held = [g for g in groups if held_back(Example(Comment("x"), {}, group=g, source="cimt"))]
    assert 150 < len(held) < 250
    again = [g for g in groups if held_back(Example(Comment("y"), {}, group=g, source="cimt"))]
    assert held == again


def test_documents_are_also_put_under_one_anothers_beginning():
    examples = [
        Example(
            Comment(f"Satz {n}", article=Article(title=f"Titel {n}")),
            dict.fromkeys(Label, False),
            group=f"d{n}",
            source="cimt",
        )
        for n in range(20)
    ]
    for example in mismatched_documents(examples, random_state=3):
        number = example.comment.text.removeprefix("Satz ")
        assert example.comment.article.title != f"Titel {number}"
        assert example.labels == {**dict.fromkeys(Label), Label.OFF_TOPIC: True}


def test_two_sentences_of_a_document_are_taken(tmp_path: Path):
    import gzip

    rows = ["id\tdocument_id\tsentence_nr\tcontent\tcode\ttitle/text\tcurated/single\tdataset\turl"]
    for d in range(4):
        rows.append(f"{d}t\tD{d}\t1\tTitel {d}\tnon-arg\ttitle\tcurated\tCD_B\thttps://x.example")
        rows += [
            f"{d}{n}\tD{d}\t{n}\tSatz {n} von {d}.\tpremise\ttext\tcurated\tCD_B\thttps://x.example"
            for n in range(2, 7)
        ]
    (tmp_path / "cimt").mkdir()
    with gzip.open(tmp_path / "cimt" / "cimt_sentences.tsv.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join(rows) + "\n")
    examples = list(read_public([CORPORA["cimt"]], tmp_path, random_state=1, tweets={}))
    own = [example for example in examples if example.labels[Label.OFF_TOPIC] is False]
    assert len(own) == 8
    assert all(example.labels[Label.OFF_TOPIC] for example in examples if example not in own)


def test_what_swears_is_not_called_harmless_by_a_corpus_that_knows_group_hate_only(tmp_path: Path):
    (tmp_path / "gahd").mkdir()
    rows = [("a1", "Du Blödhammel, lies doch mal", 0), ("b2", "Blödhammel gehören alle weg", 1),
            ("c3", "Der Akku hält lange", 0)]  # fmt: skip
    lines = ["gahd_id\ttext\tlabel\tround\tsplit\tcontrastive_gahd_id"]
    lines += [f"{id}\t{text}\t{label}\tR1\ttrain\t" for id, text, label in rows]
    (tmp_path / "gahd" / "gahd_train_dev.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "lexicons").mkdir()
    for name in ("ldnoobw_de.txt", "ldnoobw_v2_de.txt"):
        (tmp_path / "lexicons" / name).write_text("blödhammel\n", encoding="utf-8")
    examples = read_public([CORPORA["gahd"]], tmp_path, random_state=1, tweets={})
    assert [each.labels[Label.DISPARAGING] for each in examples] == [None, True, False]


def test_of_a_tweet_our_reading_counts_and_not_its_publishers(tmp_path: Path):
    (tmp_path / "germeval2018").mkdir()
    texts = {"eins": "INSULT", "zwei": "OTHER", "drei": "ABUSE", "vier": "INSULT"}
    (tmp_path / "germeval2018" / "germeval2018.training.txt").write_text(
        "".join(f"{t}\t{'OTHER' if f == 'OTHER' else 'OFFENSE'}\t{f}\n" for t, f in texts.items())
    )
    tweets = [CORPORA["germeval2018"]]
    theirs = list(read_public(tweets, tmp_path, random_state=1, tweets={}))
    assert [each.labels[Label.DISPARAGING] for each in theirs] == [True, False, True, True]
    read = dict(zip((each.group for each in theirs), (False, True, None), strict=False))
    ours = list(read_public(tweets, tmp_path, random_state=1, tweets=read))
    assert [each.labels[Label.DISPARAGING] for each in ours] == [False, True, None, True]
    assert [each.fine for each in ours] == list(texts.values())


def test_seeds_become_examples_grouped_by_article(corpus):
    examples = from_seeds(corpus.seeds)
    assert len(examples) == len(corpus.seeds)
    assert {example.group for example in examples} == {f"seeds/{id}" for id in corpus.articles}
