"""Which comments a finished model is measured on."""

import gzip
from pathlib import Path

from moderation.classifier import Classifier
from moderation.comment import Comment, Label
from moderation.seeds import PageComment
from moderation.settings import Settings
from moderation.training.sets import measure_pages, public_sets


def test_of_a_corpus_trained_on_only_what_was_held_back_is_measured(tmp_path: Path):
    (tmp_path / "gahd").mkdir()
    lines = ["gahd_id\ttext\tlabel\tround\tsplit\tcontrastive_gahd_id"]
    lines += [f"id{n}\tSatz Nummer {n}\t0\tR1\t{'dev' if n % 2 else 'train'}\t" for n in range(10)]
    (tmp_path / "gahd" / "gahd_train_dev.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    [found] = public_sets(tmp_path, ["gahd"], random_state=1)
    assert found.name == "gahd dev"
    assert {example.split for example in found.examples} == {"dev"}
    assert len(found.examples) == 5


def test_a_corpus_never_trained_on_is_measured_whole(tmp_path: Path):
    folder = tmp_path / "measure-only" / "hasoc2019-de"
    folder.mkdir(parents=True)
    lines = ["text_id\ttext\ttask_1\ttask_2"]
    lines += [f"h{n}\tSatz Nummer {n}\tNOT\tNONE" for n in range(7)]
    (folder / "train.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    [found] = public_sets(tmp_path, ["hasoc2019-de"], random_state=1)
    assert found.name == "hasoc2019-de (measured only)"
    assert len(found.examples) == 7


def test_unlabelled_comments_are_on_topic_under_their_own_article_and_off_under_another(
    tmp_path: Path,
):
    folder = tmp_path / "measure-only" / "derstandard-2019-web"
    folder.mkdir(parents=True)
    rows = [
        "article_title\tchannel\tressort\tpublished\tdepth\tparent_text\theadline\ttext",
        *(f"Titel {n}\tWeb\tNetz\t1. Mai 2019\t1\tEltern {n}\t\tText {n}" for n in range(12)),
    ]
    with gzip.open(folder / "comments_dev.tsv.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join(rows) + "\n")
    [found] = public_sets(tmp_path, ["derstandard-2019-web"], random_state=1)
    for example in found.examples:
        number = example.comment.text.removeprefix("Text ")
        under_its_own = example.comment.article.title == f"Titel {number}"
        assert example.labels[Label.OFF_TOPIC] is not under_its_own
        # a parent would give the article away
        assert example.comment.parent is None
        assert example.labels[Label.DISPARAGING] is None
    own = [each for each in found.examples if not each.labels[Label.OFF_TOPIC]]
    assert len(own) == 12
    assert len(found.examples) > 12


def test_of_a_page_it_counts_what_is_held_and_what_slips():
    # a comment that has no article is not judged by its subject
    comments = [
        PageComment(Comment("Danke für den Test!", id="p-0"), "p", None),
        PageComment(Comment("Du bist so ein dummer Vollidiot!", id="p-1"), "p", Label.DISPARAGING),
        PageComment(Comment("Du bist so ein dummer Vollidiot!", id="q-0"), "q", None),
        PageComment(Comment("Danke für den Test!", id="q-1"), "q", Label.DISPARAGING),
    ]
    classifier = Classifier.load(Settings().model_dir)
    found = measure_pages(comments, classifier, dict.fromkeys(Label, 0.5))
    assert (found.pages, found.fine, found.violations) == (2, 2, 2)
    assert (found.fine_held, found.misses) == (1, 1)
    assert found.wrong == ("q-0", "q-1")
