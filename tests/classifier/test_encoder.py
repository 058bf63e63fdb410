from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from moderation.classifier import ModelIncompatible, ModelMissing
from moderation.classifier.document import Document
from moderation.classifier.encoder import (
    COSINES,
    NETWORK,
    RELATION_WEIGHTS,
    TOKENIZER,
    Encoder,
    EncoderSettings,
    TextReader,
    mask,
    undisguised,
)
from moderation.comment import Article, Comment, Evidence, EvidenceSource, Parent


@pytest.fixture(scope="module")
def encoder(encoder_folder: Path) -> Encoder:
    return Encoder.load(encoder_folder)


ARTICLE = Article("Akku hält länger", "Der neue Akku hält zwei Tage.")
COMMENTS = (
    Comment("Danke!", article=ARTICLE, parent=Parent("Das Laden dauert eine Stunde.")),
    Comment("Und was kostet er?", article=ARTICLE),
    Comment("Mein alter hielt nur einen halben Tag, dann war Schluss.", article=ARTICLE),
    Comment("Und was kostet er?", article=Article("Bahn fährt öfter")),
    Comment("Und was kostet er?"),
    Comment("", article=ARTICLE),
    Comment("1d10t 🤡", article=ARTICLE, parent=Parent("  ")),
)
DOCUMENTS = [Document.of(comment) for comment in COMMENTS]


@pytest.mark.parametrize("threads", [1, 3])
def test_a_comment_means_the_same_alone_and_in_any_batch(
    encoder_folder: Path, threads: int
) -> None:
    encoder = Encoder.load(encoder_folder, threads=threads)
    together = encoder.encode(DOCUMENTS)
    backwards = encoder.encode(DOCUMENTS[::-1])[::-1]
    alone = np.concatenate([Encoder.load(encoder_folder).encode([each]) for each in DOCUMENTS])
    assert np.array_equal(together, alone)
    assert np.array_equal(backwards, alone)


def test_there_is_a_row_for_each_comment_and_a_column_for_each_number(encoder: Encoder) -> None:
    encoded = encoder.encode(DOCUMENTS)
    assert encoder.columns == (
        *encoder.settings.outputs,
        *("title", "nearest", "mean", "parent", "parent_related", "reply", "title_alone"),
    )
    assert encoded.shape == (len(DOCUMENTS), len(encoder.columns))
    assert encoded.dtype == np.float32
    assert np.isfinite(encoded).all()
    assert encoder.encode([]).shape == (0, len(encoder.columns))


def test_it_tells_when_nothing_but_a_title_is_known(encoder: Encoder) -> None:
    articles = (Article("Akku"), Article("Akku", " "), Article("Akku", "Er hält."), None)
    rows = encoder.encode([Document.of(Comment("Gut!", article=each)) for each in articles])
    assert rows[:, encoder.columns.index("title_alone")].tolist() == [1, 1, 0, 0]


LONG_SENTENCE = "Der neue Akku hält im Test mit voller Helligkeit und im Flugmodus zwei Tage. " * 3


TEXTS = pytest.mark.parametrize("text", ["Und was kostet er?", "Der Akku!", "Moin zusammen!"])


@TEXTS
def test_similarity_is_how_likely_a_comment_is_on_topic(encoder: Encoder, text: str) -> None:
    comment = Comment(text, article=Article("Akku hält länger"))
    found = encoder.evidence(Document.of(comment))
    assert found is not None
    off_topic = row_of(encoder, comment)[encoder.columns.index("off_topic")]
    assert found.similarity == pytest.approx(1 / (1 + np.exp(off_topic)), abs=1e-5)


@TEXTS
def test_the_evidence_is_the_passage_a_comment_most_likely_belongs_to(
    encoder: Encoder, text: str
) -> None:
    def evidence(article: Article) -> Evidence | None:
        return encoder.evidence(Document.of(Comment(text, article=article)))

    short = "Der Akku hält länger.", "Er kostet 40 Euro."
    # whichever comes first as the title, it is not always the likeliest
    for title, last in (short, short[::-1]):
        passages = (title, LONG_SENTENCE.strip(), last)
        alone = [evidence(Article("", each)) for each in passages]
        assert [found.text for found in alone if found] == list(passages)
        likeliest = max(alone, key=lambda found: found.similarity if found else 0)
        assert evidence(Article(title, LONG_SENTENCE + last)) == likeliest


def test_without_an_article_the_evidence_comes_from_the_parent(encoder: Encoder) -> None:
    parent = Parent("Das Laden dauert eine Stunde.")
    found = encoder.evidence(Document.of(Comment("Danke!", parent=parent)))
    assert found is not None
    assert (found.source, found.text) == (EvidenceSource.PARENT, parent.text)
    assert encoder.evidence(Document.of(Comment("Danke!", parent=Parent("  ")))) is None
    assert encoder.evidence(Document.of(Comment("Danke!"))) is None


def row_of(encoder: Encoder, comment: Comment) -> np.ndarray:
    return encoder.encode([Document.of(comment)])[0]


def test_of_a_reply_it_also_tells_how_related_the_parent_is(encoder: Encoder) -> None:
    parent = Comment("Mein alter hielt nur einen halben Tag.", article=ARTICLE)
    reply = Comment("Danke!", article=ARTICLE, parent=Parent(parent.text))
    related = encoder.columns.index(encoder.settings.related)
    above = [encoder.columns.index(name) for name in ("parent_related", "reply")]
    told = row_of(encoder, reply)[above]
    assert told == pytest.approx([row_of(encoder, parent)[related], 1.0])
    assert row_of(encoder, parent)[above] == pytest.approx([0.0, 0.0])


def test_article_and_parent_change_what_is_on_topic_and_nothing_else(encoder: Encoder) -> None:
    here, elsewhere, nowhere = (row_of(encoder, COMMENTS[number]) for number in (1, 3, 4))
    reply = row_of(encoder, replace(COMMENTS[1], parent=Parent("Er ist ab Montag im Handel.")))
    assert len({here[0], elsewhere[0], nowhere[0], reply[0]}) == 1
    assert len({here[1], elsewhere[1], nowhere[1], reply[1]}) == 4


def test_relations_are_cosines_and_nothing_where_there_is_no_context(encoder: Encoder) -> None:
    encoded = encoder.encode(DOCUMENTS)
    relations = encoded[:, len(encoder.settings.outputs) :]
    title, nearest, mean, parent = relations[:, : len(COSINES)].T
    assert (np.abs(relations[:, : len(COSINES)]) <= 1 + 1e-6).all()
    assert (nearest >= title).all()
    assert (nearest >= mean - 1e-6).all()
    assert (relations[4] == 0).all()
    assert np.flatnonzero(parent).tolist() == [0]


def test_what_repeats_its_title_is_as_near_as_can_be_to_the_title(encoder: Encoder) -> None:
    article = Article("zwei Tage Akku")
    said = row_of(encoder, Comment("zwei Tage Akku", article=article))
    other = row_of(encoder, Comment("Gestern war es kalt.", article=article))
    title = encoder.columns.index("title")
    assert said[title] > other[title]


def test_an_empty_article_or_parent_is_none(encoder: Encoder) -> None:
    empty = Comment("Und was kostet er?", article=Article(" ", ""), parent=Parent("\n"))
    assert np.array_equal(row_of(encoder, empty), row_of(encoder, COMMENTS[4]))


def test_the_thread_is_not_looked_at(encoder: Encoder) -> None:
    among_others = replace(COMMENTS[1], thread=("Etwas anderes.",))
    assert np.array_equal(row_of(encoder, among_others), row_of(encoder, COMMENTS[1]))


def test_names_and_sites_make_no_difference(encoder: Encoder) -> None:
    first = Comment("@anna siehe https://a.example/1 und shop.example")
    second = Comment("@bert siehe www.b.example und https://c.example")
    assert np.array_equal(row_of(encoder, first), row_of(encoder, second))


@pytest.fixture(scope="module")
def reader(encoder_folder: Path, encoder_settings: EncoderSettings) -> TextReader:
    return TextReader(Tokenizer.from_file(str(encoder_folder / TOKENIZER)), encoder_settings)


def test_of_a_long_comment_beginning_and_end_are_read(
    reader: TextReader, encoder_settings: EncoderSettings, encoder_pieces: list[str]
) -> None:
    tokens = reader.comment(Document.of(Comment("anfang " + "x" * 3_000 + " ende")))
    assert len(tokens) == encoder_settings.comment_tokens
    assert "".join(encoder_pieces[token] for token in tokens).startswith("<s>▁query:▁anfang")
    assert [encoder_pieces[token] for token in tokens[-6:]] == ["▁", *"ende", "</s>"]


@pytest.mark.parametrize("length", [0, 1, 21, 22, 23, 1_000])
def test_no_text_is_longer_than_the_settings_allow(
    reader: TextReader, encoder_settings: EncoderSettings, length: int
) -> None:
    text = "ab" * length
    assert len(reader.comment(Document.of(Comment(text)))) <= encoder_settings.comment_tokens
    assert len(reader.parent(Parent(text))) <= encoder_settings.comment_tokens
    article = reader.article(Article(text, f"{text}. " * 9))
    if article is not None:
        assert len(article.passages) <= encoder_settings.passages
        assert all(
            len(each) <= encoder_settings.passage_tokens
            for each in (article.title, *article.passages)
        )


def test_an_article_without_a_title_is_known_by_its_beginning(reader: TextReader) -> None:
    found = reader.article(Article("", "neu"))
    assert found is not None
    assert found.title == found.passages[0]
    assert reader.article(Article(" ", "\n")) is None


def test_a_disguised_word_is_read_in_its_plain_spelling() -> None:
    assert "idiot" in undisguised(Document.of(Comment("So ein 1d10t @anna")))
    assert "@user" in undisguised(Document.of(Comment("So ein 1d10t @anna")))
    assert undisguised(Document.of(Comment("Schöne Grüße"))) == "Schöne Grüße"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Siehe z.B. Node.js oder 3.5 GB", "Siehe z.B. Node.js oder 3.5 GB"),
        ("auf akku.example/test?x=1!", "auf https://link!"),
        ("schreib an a.b@c.example", "schreib an mail@link"),
        ("danke @user, https://link", "danke @user, https://link"),
    ],
)
def test_only_addresses_are_masked(text: str, masked: str) -> None:
    assert mask(text) == masked
    assert mask(masked) == masked


def test_settings_survive_the_file(encoder_settings: EncoderSettings) -> None:
    assert EncoderSettings.from_json(encoder_settings.to_json()) == encoder_settings


@pytest.mark.parametrize(
    "text", ["{", "{}", '{"schema_version": 2}', '{"schema_version": 1, "outputs": []}']
)
def test_other_settings_are_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json's own message varies
        EncoderSettings.from_json(text)


@pytest.mark.parametrize("name", [NETWORK, TOKENIZER, RELATION_WEIGHTS])
def test_a_missing_file_is_named(encoder_folder: Path, tmp_path: Path, name: str) -> None:
    for each in encoder_folder.iterdir():
        if each.name != name:
            (tmp_path / each.name).write_bytes(each.read_bytes())
    with pytest.raises(ModelMissing, match=name):
        Encoder.load(tmp_path)


def damage(content: bytes) -> bytes:
    return content[: len(content) // 2]


@pytest.mark.parametrize("change", [damage, lambda _: b"", lambda _: b"{}"])
@pytest.mark.parametrize("name", [NETWORK, TOKENIZER, RELATION_WEIGHTS])
def test_a_damaged_file_is_refused_with_what_to_do(
    encoder_folder: Path, tmp_path: Path, name: str, change: Callable[[bytes], bytes]
) -> None:
    for each in encoder_folder.iterdir():
        content = each.read_bytes()
        (tmp_path / each.name).write_bytes(change(content) if each.name == name else content)
    with pytest.raises(ModelIncompatible, match="moderation train encoder"):
        Encoder.load(tmp_path)
