from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from moderation.classifier import Classifier
from moderation.classifier.evidence import LONGEST_PASSAGE, passages
from moderation.comment import Article, Comment, EvidenceSource, Label, Parent


def test_passages_end_with_sentences() -> None:
    first = (
        "Der Akku hält zwei Tage, sagt der Hersteller in seiner Mitteilung vom letzten Dienstag. "
        * 2
    )
    second = "Im Test war nach anderthalb Tagen Schluss, bei voller Helligkeit noch eher."
    assert passages(first + second) == [first.strip(), second]


def test_abbreviations_end_no_sentence() -> None:
    filler = "a" * 150
    text = f"{filler} Das kostet ca. 40 Euro, z. B. im Handel. {filler}."
    assert passages(text)[0].endswith("z. B. im Handel.")


def test_an_endless_sentence_is_cut_between_words() -> None:
    found = passages("lang " * 200)
    assert len(found) > 1
    assert all(passage.split() == ["lang"] * len(passage.split()) for passage in found)


@given(st.text(max_size=800))
def test_no_passage_is_too_long_or_empty(text: str) -> None:
    assert all(0 < len(passage) <= LONGEST_PASSAGE for passage in passages(text))


@given(st.lists(st.sampled_from(["Akku", "hält.", "Zwei", "z.", "B.", "Tage!", "Nr.", "5."])))
def test_no_word_is_lost(parts: list[str]) -> None:
    assert " ".join(passages(" ".join(parts))).split() == parts


def evidence(classifier: Classifier, comment: Comment) -> tuple[EvidenceSource, str] | None:
    assessment = classifier.assess(comment).labels[Label.OFF_TOPIC]
    assert assessment is not None
    found = assessment.evidence
    return (found.source, found.text) if found else None


def test_it_shows_the_passage_of_the_article_nearest_to_the_comment(
    classifier: Classifier,
) -> None:
    charging = "Das Laden dauert mit dem neuen Netzteil nur noch eine knappe Stunde."
    article = Article(
        "Neuer Akku",
        "Der Hersteller zeigt einen Akku mit 5000 mAh, der vor allem Vielnutzer ansprechen soll und"
        " der ab Mai in drei Farben zu haben sein wird, wie eine Sprecherin auf der Messe in"
        " Barcelona am Montag sagte. " + charging,
    )
    comment = Comment("Beim Laden hilft das neue Netzteil wirklich.", article=article)
    assert evidence(classifier, comment) == (EvidenceSource.ARTICLE, charging)


def test_it_shows_the_parent_when_the_comment_goes_on_from_there(
    classifier: Classifier, akku: Article
) -> None:
    parent = "Mein Ladekabel von Belkin ist nach drei Monaten gebrochen."
    comment = Comment(
        "Ladekabel von Belkin brechen leider oft.", article=akku, parent=Parent(parent)
    )
    assert evidence(classifier, comment) == (EvidenceSource.PARENT, parent)


def test_it_shows_the_thread_when_nothing_else_is_near(
    classifier: Classifier, akku: Article
) -> None:
    thread = ("Kabellose Ladeschalen werden immer zu warm.",)
    comment = Comment("Warm werden Ladeschalen nur mit Hülle.", article=akku, thread=thread)
    assert evidence(classifier, comment) == (EvidenceSource.THREAD, thread[0])


def test_it_shows_nothing_when_nothing_is_near(classifier: Classifier, akku: Article) -> None:
    assert evidence(classifier, Comment("🤡🤡", article=akku)) is None
