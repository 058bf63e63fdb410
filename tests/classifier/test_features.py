from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.feature_extraction import FeatureHasher

from moderation.classifier import FeatureExtractor
from moderation.classifier.document import Document
from moderation.classifier.hashing import HashedTfidf, hashes
from moderation.classifier.ngrams import CharacterNgrams, Style, WordNgrams
from moderation.comment import Article, Comment, Parent


def columns(extractor: FeatureExtractor, comment: Comment, block: str) -> dict[str, float]:
    row = extractor.transform([comment])[:, extractor.slices[block]].toarray()[0]
    names = {"relevance": extractor.relevance.columns, "style": Style.columns}[block]
    return dict(zip(names, row.tolist(), strict=True))


def test_blocks_follow_each_other_without_gaps(extractor: FeatureExtractor) -> None:
    slices = list(extractor.slices.values())
    assert [s.start for s in slices] == [0, *(s.stop for s in slices[:-1])]
    assert slices[-1].stop == extractor.n_features


def test_a_row_is_the_same_alone_and_among_others(
    extractor: FeatureExtractor, training_comments: list[Comment]
) -> None:
    together = extractor.transform(training_comments)
    for number, comment in enumerate(training_comments):
        assert (together[number] != extractor.transform([comment])).nnz == 0


def test_no_comments_make_no_rows(extractor: FeatureExtractor) -> None:
    assert extractor.transform([]).shape == (0, extractor.n_features)


def test_an_extractor_cannot_learn_from_nothing() -> None:
    with pytest.raises(ValueError, match="at least one"):
        FeatureExtractor().fit([])


def test_a_saved_extractor_gives_the_same_rows_and_keeps_no_texts(
    extractor: FeatureExtractor, training_comments: list[Comment]
) -> None:
    expected = extractor.transform(training_comments)
    content = pickle.dumps(extractor)
    assert (pickle.loads(content).transform(training_comments) != expected).nnz == 0
    assert b"Zahnarzt" not in content
    assert b"OLED" not in content


def test_both_spellings_of_umlauts_give_the_same_row(extractor: FeatureExtractor) -> None:
    written, typed = extractor.transform([Comment("Größere Öfen"), Comment("Groessere Oefen")])
    assert (written != typed).nnz == 0


@pytest.mark.parametrize("block", [WordNgrams(2**10), CharacterNgrams(2**12)])
@given(text=st.text("abc äß🤡!1 ", max_size=60))
def test_contributions_add_up_to_the_weighted_sum(
    block: WordNgrams | CharacterNgrams, text: str
) -> None:
    document = Document.of(Comment(f"wort {text}"))
    block.fit([document, Document.of(Comment("ganz anders"))])
    weights = np.linspace(-1, 1, block.n_features, dtype=np.float32)
    found = block.occurrences(document)
    parts = block.contributions(found.hashes, [weights, -weights])
    expected = (block.transform([document]) @ weights)[0]
    assert_allclose(parts.sum(axis=0), [expected, -expected], atol=1e-4)
    assert len(found.hashes) == len(found.first) == len(found.last)


def test_rare_terms_weigh_more() -> None:
    tfidf = HashedTfidf(2**10).fit([hashes(["oft", "selten"]), hashes(["oft"]), hashes(["oft"])])
    often, rarely, never = tfidf.rarity(hashes(["oft", "selten", "nie"]))
    assert often < rarely < never


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=9), min_size=1))
def test_columns_are_those_of_scikit_learns_hasher(terms: list[str]) -> None:
    hasher = FeatureHasher(2**10, input_type="string", alternate_sign=False)
    expected = hasher.transform([term] for term in terms).indices
    assert_array_equal(HashedTfidf(2**10).columns(hashes(terms)), expected)


def test_many_documents_give_the_same_vectors_as_few() -> None:
    documents = [hashes([f"wort{number % 7}", f"name{number}"]) for number in range(2500)]
    tfidf = HashedTfidf(2**10).fit(documents)
    vectors = tfidf.transform(documents)
    assert vectors.shape == (2500, 2**10)
    for number in (0, 1023, 1024, 2499):
        assert (vectors[number] != tfidf.transform([documents[number]])).nnz == 0


def test_vectors_have_unit_length_or_are_empty() -> None:
    tfidf = HashedTfidf(2**10).fit([hashes(["a", "b"]), hashes(["a"])])
    vectors = tfidf.transform([hashes(["a", "b", "b"]), hashes([]), hashes(["nie"])]).toarray()
    assert_allclose(np.linalg.norm(vectors, axis=1), [1, 0, 1], rtol=1e-6)


def test_a_comment_on_the_article_shares_its_stems(
    extractor: FeatureExtractor, akku: Article
) -> None:
    near = columns(extractor, Comment("Der Akku hält bei mir zwei Tage", article=akku), "relevance")
    far = columns(extractor, Comment("Hunde bellen nachts oft", article=akku), "relevance")
    assert near["title_shared"] > far["title_shared"] == 0
    assert near["passage_stem_cosine"] > far["passage_stem_cosine"] == 0
    assert far["strange_content"] > near["strange_content"]


def test_what_is_strange_to_a_title_alone_is_told_apart(
    extractor: FeatureExtractor, akku: Article
) -> None:
    text = "Hunde bellen nachts oft"
    alone = columns(extractor, Comment(text, article=Article(akku.title, " ")), "relevance")
    whole = columns(extractor, Comment(text, article=akku), "relevance")
    assert alone["title_alone"] == 1
    assert alone["strange_content_under_title"] == alone["strange_content"] > 0
    assert whole["title_alone"] == whole["strange_content_under_title"] == 0


def test_a_compound_is_found_by_its_parts(extractor: FeatureExtractor, akku: Article) -> None:
    found = columns(extractor, Comment("Akkulaufzeit", article=akku), "relevance")
    assert found["article_shared"] == 0
    assert found["article_shared_in_part"] == 1
    assert found["title_character_cosine"] > 0


def test_a_reply_is_compared_with_its_parent_and_thread(
    extractor: FeatureExtractor, reply: Comment
) -> None:
    found = columns(extractor, reply, "relevance")
    assert found["is_reply"] == 1
    assert found["parent_shared"] > 0.5
    assert found["thread_shared"] == 0
    thread = (*reply.thread, "Drei Stunden sind zu viel.")
    longer = Comment(reply.text, article=reply.article, parent=reply.parent, thread=thread)
    assert columns(extractor, longer, "relevance")["thread_shared"] > 0


def test_without_context_only_the_comment_counts(extractor: FeatureExtractor) -> None:
    found = columns(extractor, Comment("Der Akku hält"), "relevance")
    present = {name for name, value in found.items() if value}
    assert present == {"strange_content", "content", "little_content"}


def test_a_comment_without_words_has_no_content(extractor: FeatureExtractor) -> None:
    found = columns(extractor, Comment("\u200b\u200b"), "relevance")
    assert {name for name, value in found.items() if value} == {"no_content"}


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("DAS IST DOCH SCHROTT", "capital_words"),
        ("Nein!", "exclamation_marks"),
        ("Wie?", "question_marks"),
        ("Tja …", "ellipses"),
        ("Neeeein", "stretched_words"),
        ("1d10t", "disguises"),
        ("Id**t", "masked_words"),
        ("www.seite.example", "links"),
        ("@max", "addressed_users"),
    ],
)
def test_style_counts_what_its_columns_say(
    extractor: FeatureExtractor, text: str, column: str
) -> None:
    assert columns(extractor, Comment(text), "style")[column] > 0
    assert columns(extractor, Comment("Ein Satz ohne alles."), "style")[column] == 0


@given(st.text(max_size=100), st.text(max_size=100), st.text(max_size=100))
def test_relevance_and_style_stay_within_bounds(
    extractor: FeatureExtractor, text: str, context: str, parent: str
) -> None:
    comment = Comment(text, article=Article(context, context), parent=Parent(parent))
    row = extractor.transform([comment])
    for block in ("style", "relevance"):
        values = row[:, extractor.slices[block]].toarray()
        assert np.isfinite(values).all()
        assert (values >= 0).all()
        assert (values <= 1.5).all()


def test_learning_twice_gives_the_same(training_comments: list[Comment]) -> None:
    first = FeatureExtractor().fit(training_comments)
    second = FeatureExtractor().fit(training_comments)
    assert_array_equal(first.characters.tfidf.idf_, second.characters.tfidf.idf_)
