"""What happens to a comment that comes in."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moderation.comment import Article, Comment, Label, Outcome, Parent
from moderation.desk import Desk, InvalidInput, State, UnknownArticle, UnknownComment, UnknownParent
from moderation.store import Listing, Store

ARTICLE = Article(
    id="123",
    url="https://blog.example/akku",
    title="Der neue Akku im Test",
    text="Der Akku hält zwei Tage.",
)


def held_ids(desk: Desk) -> list[str | None]:
    return [item.comment.id for item in desk.listing(Listing.FLAGGED).items]


def test_an_insult_is_held_and_waits_in_the_queue(desk: Desk) -> None:
    submission = desk.submit(Comment("Du Trottel!", id="4711", author="Max", article=ARTICLE))

    assert submission.stored
    assert submission.verdict.outcome is Outcome.HOLD
    assert submission.verdict.flagged == (Label.DISPARAGING,)
    assert submission.state is State.HELD
    (item,) = desk.listing(Listing.FLAGGED).items
    assert item.comment == Comment("Du Trottel!", id="4711", author="Max", article=ARTICLE)
    assert (item.assessment, item.verdict) == (submission.assessment, submission.verdict)
    assert item.version == 1


def test_a_friendly_comment_is_approved_and_stays_out_of_the_queue(desk: Desk) -> None:
    submission = desk.submit(Comment("Danke für den Test!", id="1"))

    assert submission.state is State.APPROVED
    assert held_ids(desk) == []
    assert desk.counts() == {
        State.HELD: 0,
        State.DEFERRED: 0,
        State.APPROVED: 1,
        State.REJECTED: 0,
        State.RETRACTED: 0,
    }


def test_a_comment_without_an_id_gets_one_by_which_it_is_found(desk: Desk) -> None:
    first, second = (desk.submit(Comment("Danke!")) for _ in range(2))

    assert first.comment.id is not None
    assert first.comment.id != second.comment.id
    assert desk.comment(first.comment.id).comment.text == "Danke!"


def test_the_same_id_and_text_gives_the_stored_answer_and_changes_nothing(desk: Desk) -> None:
    comment = Comment("Du Trottel!", id="4711", author="Max", article=ARTICLE)
    first = desk.submit(comment)
    before = desk.comment("4711")

    assert desk.submit(comment) == first
    assert desk.submit(Comment("Du Trottel!", id="4711")) == first
    assert desk.comment("4711") == before
    assert held_ids(desk) == ["4711"]


def test_the_stored_answer_outlives_a_change_of_the_model(
    desk: Desk, store: Store, desk_with_newer_model: Desk
) -> None:
    first = desk.submit(Comment("Du Trottel!", id="4711"))

    assert desk_with_newer_model.submit(Comment("Du Trottel!", id="4711")) == first


def test_a_comment_is_assessed_in_its_context(desk: Desk) -> None:
    alone = desk.submit(Comment("Mein Zug kam zu spät", id="1"))
    below_an_article = desk.submit(Comment("Mein Zug kam zu spät", id="2", article=ARTICLE))

    assert alone.assessment.labels[Label.OFF_TOPIC] is None
    assert below_an_article.assessment.labels[Label.OFF_TOPIC] is not None


def test_assessing_gives_the_same_answer_and_stores_nothing(desk: Desk) -> None:
    comment = Comment("Du Trottel!", id="4711", article=ARTICLE)
    assessed = desk.assess(comment)

    assert not assessed.stored
    assert assessed.state is None
    with pytest.raises(UnknownComment):
        desk.comment("4711")
    with pytest.raises(UnknownArticle):
        desk.assess(Comment("Danke!", article=Article(id="123")))
    submitted = desk.submit(comment)
    assert (assessed.assessment, assessed.verdict) == (submitted.assessment, submitted.verdict)


@pytest.mark.parametrize(
    "reference",
    [
        Article(id="123"),
        Article(url="https://blog.example/akku"),
        Article(id="123", url="https://blog.example/akku"),
    ],
    ids=["id", "url", "both"],
)
def test_an_article_sent_once_may_be_named_from_then_on(desk: Desk, reference: Article) -> None:
    desk.submit(Comment("Danke!", id="1", article=ARTICLE))

    assert desk.assess(Comment("Danke!", article=reference)).comment.article == ARTICLE
    assert desk.submit(Comment("Danke!", id="2", article=reference)).comment.article == ARTICLE
    assert desk.comment("2").article == ARTICLE


def test_an_article_never_sent_is_refused_and_nothing_is_stored(desk: Desk) -> None:
    with pytest.raises(UnknownArticle, match="send its title and text once"):
        desk.submit(Comment("Danke!", id="1", article=Article(id="999")))
    with pytest.raises(UnknownComment):
        desk.comment("1")


def test_an_article_first_known_by_its_url_is_the_same_once_its_id_is_sent(desk: Desk) -> None:
    desk.submit(
        Comment("Danke!", id="1", article=Article(title="Der Akku", url="https://blog.example/a"))
    )
    desk.submit(
        Comment("Danke!", id="2", article=Article(id="7", url="https://blog.example/a", text="Neu"))
    )

    whole = Article(title="Der Akku", text="Neu", id="7", url="https://blog.example/a")
    assert desk.comment("1").article == whole
    assert desk.comment("2").article == whole


def test_an_id_counts_more_than_a_url_that_another_article_has(desk: Desk) -> None:
    desk.submit(Comment("Danke!", id="1", article=Article(title="Eins", id="1", url="https://b/x")))
    desk.submit(Comment("Danke!", id="2", article=Article(title="Zwei", id="2", url="https://b/x")))

    assert desk.comment("1").article == Article(title="Eins", id="1", url="https://b/x")
    assert desk.comment("2").article == Article(title="Zwei", id="2")


def test_an_article_known_once_by_id_and_once_by_url_stays_two(desk: Desk) -> None:
    desk.submit(Comment("Danke!", id="1", article=Article("Per Id", id="7")))
    desk.submit(Comment("Danke!", id="2", article=Article("Per URL", url="https://b/7")))
    desk.submit(Comment("Danke!", id="3", article=Article("Beides", id="7", url="https://b/7")))

    assert desk.comment("1").article == desk.comment("3").article == Article("Beides", id="7")
    assert desk.comment("2").article == Article("Per URL", url="https://b/7")


def test_a_newer_version_of_an_article_replaces_the_older_and_keeps_what_it_leaves_out(
    desk: Desk,
) -> None:
    desk.submit(Comment("Danke!", id="1", article=ARTICLE))
    desk.submit(Comment("Danke!", id="2", article=Article(id="123", title="Korrigiert")))

    assert desk.comment("1").article == Article(
        title="Korrigiert", text=ARTICLE.text, id=ARTICLE.id, url=ARTICLE.url
    )


def test_an_article_with_neither_id_nor_url_is_kept_with_its_comments(desk: Desk) -> None:
    article = Article(title="Ohne Namen", text="Nur Text.")
    for number in ("1", "2"):
        desk.submit(Comment("Danke!", id=number, article=article))

    assert desk.comment("1").article == desk.comment("2").article == article


def test_a_stored_parent_may_be_named_by_its_id(desk: Desk) -> None:
    desk.submit(Comment("Wie lange hält er?", id="4700"))
    answer = desk.submit(Comment("Zwei Tage", id="4701", parent=Parent("", id="4700")))

    assert answer.comment.parent == Parent("Wie lange hält er?", "4700")
    assert desk.comment("4701").parent == Parent("Wie lange hält er?", "4700")


def test_a_parent_sent_with_its_text_need_not_be_stored(desk: Desk) -> None:
    desk.submit(Comment("Zwei Tage", id="1", parent=Parent("Wie lange hält er?", "fremd")))

    assert desk.comment("1").parent == Parent("Wie lange hält er?", "fremd")


def test_a_parent_never_stored_is_refused_if_only_named(desk: Desk) -> None:
    with pytest.raises(UnknownParent, match="send its text"):
        desk.submit(Comment("Zwei Tage", parent=Parent("", id="4700")))


def test_the_thread_a_comment_was_read_in_is_kept(desk: Desk) -> None:
    desk.submit(Comment("Danke!", id="1", thread=("Erster!", "Zweiter 🙂")))

    assert desk.comment("1").comment.thread == ("Erster!", "Zweiter 🙂")


@pytest.mark.parametrize(
    ("comment", "field"),
    [
        (Comment(""), "text"),
        (Comment(" \n\t"), "text"),
        (Comment("a\0b"), "text"),
        (Comment("halb \ud83d"), "text"),
        (Comment("Danke!", id=""), "id"),
        (Comment("Danke!", id="x" * 256), "id"),
        (Comment("Danke!", id="4711\0"), "id"),
        (Comment("Danke!", author="Max\0"), "author"),
        (Comment("Danke!", article=Article(id="x" * 256)), "article.id"),
        (Comment("Danke!", article=Article(url="https://b/" + "ü" * 1100)), "article.url"),
        (Comment("Danke!", article=Article(text="\udfff")), "article.text"),
        (Comment("Danke!", parent=Parent("\0")), "parent.text"),
        (Comment("Danke!", thread=("gut", "\0")), "thread.1"),
    ],
)
def test_what_cannot_be_kept_as_it_is_is_refused_and_not_repeated(
    desk: Desk, comment: Comment, field: str
) -> None:
    for use in (desk.submit, desk.assess):
        with pytest.raises(InvalidInput, match=rf"^{re.escape(field)}: [^\0]*\.$") as refusal:
            use(comment)
        assert refusal.value.field == field
    assert sum(desk.counts().values()) == 0


def test_an_id_that_cannot_be_stored_is_simply_not_known(desk: Desk) -> None:
    for use in (desk.comment, desk.retract):
        with pytest.raises(UnknownComment):
            use("a\0b")


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_any_text_comes_back_as_it_was_sent(desk: Desk, text: str) -> None:
    if not text.strip():
        return
    submission = desk.submit(Comment(text))

    assert submission.comment.text == text
    assert desk.comment(submission.comment.id or "").comment.text == text


def test_the_longest_comment_is_kept_whole(desk: Desk) -> None:
    text = "Ä🙂" * 32_768
    desk.submit(Comment(text, id="1", article=Article(title="T", text=text)))

    assert desk.comment("1").comment.text == text
