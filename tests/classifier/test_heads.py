from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics import roc_auc_score

from moderation.classifier import UNKNOWN, FeatureExtractor, Heads, HeadSettings
from moderation.classifier.heads import LabelHead
from moderation.comment import Comment, Label

SLICES = {"words": slice(0, 4), "other": slice(4, 6)}


def sample(
    rate: float, size: int = 4000, seed: int = 0
) -> tuple[sparse.csr_matrix, np.ndarray, np.ndarray]:
    """Rows in which column 0 speaks for label 1, in groups of ten."""
    random = np.random.default_rng(seed)
    labels = (random.random(size) < rate).astype(int)
    rows = random.normal(size=(size, 6)).astype(np.float32)
    rows[:, 0] += labels
    return sparse.csr_matrix(rows), labels, np.arange(size) // 10


def test_a_head_looks_at_its_own_blocks_only() -> None:
    rows, labels, groups = sample(0.4)
    head = LabelHead(HeadSettings(("other",)), SLICES).fit(rows, labels, groups=groups)
    assert not head.weights_[SLICES["words"]].any()
    assert head.weights_[SLICES["other"]].all()


def test_its_probabilities_mean_what_they_say() -> None:
    rows, labels, groups = sample(0.3)
    head = LabelHead(HeadSettings(("words", "other")), SLICES).fit(rows, labels, groups=groups)
    fresh, truth, _ = sample(0.3, seed=1)
    scores = head.predict_proba(fresh)
    for low, high in [(0.0, 0.2), (0.2, 0.4), (0.4, 0.7)]:
        chosen = (scores >= low) & (scores < high)
        assert truth[chosen].mean() == pytest.approx(scores[chosen].mean(), abs=0.05)


def test_calibration_follows_the_comments_it_is_confined_to() -> None:
    many, many_labels, _ = sample(0.5)
    few, few_labels, _ = sample(0.1, seed=1)
    rows = sparse.vstack([many, few], format="csr")
    labels = np.concatenate([many_labels, few_labels])
    in_domain = np.arange(8000) >= 4000
    head = LabelHead(HeadSettings(("words",)), SLICES).fit(
        rows, labels, groups=np.arange(8000) // 10, calibrate_on=in_domain
    )
    fresh, _, _ = sample(0.1, seed=2)
    assert head.predict_proba(fresh).mean() == pytest.approx(0.1, abs=0.02)
    assert np.isnan(head.out_of_fold_[~in_domain]).all()
    assert not np.isnan(head.out_of_fold_[in_domain]).any()


def test_a_group_never_teaches_the_model_that_scores_it() -> None:
    # One column per group gives its label away; nobody outside the group can know it.
    random = np.random.default_rng(0)
    groups = np.arange(400) // 10
    labels = random.permutation(np.arange(40) % 2)[groups]
    rows = sparse.csr_matrix(np.eye(40, dtype=np.float32)[groups])
    head = LabelHead(HeadSettings(("words",), 100.0), {"words": slice(0, 40)})
    head.fit(rows, labels, groups=groups)
    assert np.abs(head.out_of_fold_ - 0.5).max() < 0.1


def test_a_sample_of_weight_zero_counts_for_nothing() -> None:
    rows, labels, groups = sample(0.4)
    wrong = np.where(np.arange(4000) < 2000, 1 - labels, labels)
    weight = (np.arange(4000) >= 2000).astype(float)
    head = LabelHead(HeadSettings(("words",)), SLICES).fit(
        rows, wrong, groups=groups, sample_weight=weight
    )
    assert head.weights_[0] > 0.5


def test_too_few_groups_for_a_calibration_are_refused() -> None:
    rows, labels, _ = sample(0.4, size=40)
    with pytest.raises(ValueError, match="at least 5 groups"):
        LabelHead(HeadSettings(("words",)), SLICES).fit(rows, labels, groups=np.zeros(40))


def test_heads_name_the_label_that_lacks_samples(
    extractor: FeatureExtractor, training_comments: list[Comment], training_groups: list[str]
) -> None:
    labels = np.zeros((len(training_comments), 3), int)
    with pytest.raises(ValueError, match="label disparaging"):
        Heads(extractor.slices).fit(
            extractor.transform(training_comments), labels, groups=training_groups
        )


def test_a_label_that_nobody_gave_is_not_learned_from(
    extractor: FeatureExtractor,
    training_comments: list[Comment],
    training_labels: list[tuple[int, int, int]],
    training_groups: list[str],
) -> None:
    features = extractor.transform(training_comments)
    known = Heads(extractor.slices).fit(features, training_labels, groups=training_groups)
    labels = np.concatenate([np.array(training_labels), [[1, UNKNOWN, UNKNOWN]]])
    more = Heads(extractor.slices).fit(
        extractor.transform([*training_comments, Comment("Ohne Artikel, du Wicht")]),
        labels,
        groups=[*training_groups, "anderswo"],
    )
    for label in (Label.OFF_TOPIC, Label.SPAM):
        np.testing.assert_array_equal(more.heads_[label].weights_, known.heads_[label].weights_)
    assert (
        more.heads_[Label.DISPARAGING].weights_ != known.heads_[Label.DISPARAGING].weights_
    ).any()


def test_weights_may_differ_by_label(
    extractor: FeatureExtractor,
    training_comments: list[Comment],
    training_labels: list[tuple[int, int, int]],
    training_groups: list[str],
) -> None:
    features = extractor.transform(training_comments)
    weights = np.ones((len(training_comments), 3))
    weights[:, 0] = 0.5
    plain = Heads(extractor.slices).fit(features, training_labels, groups=training_groups)
    weighted = Heads(extractor.slices).fit(
        features, training_labels, groups=training_groups, sample_weight=weights
    )
    assert (
        plain.heads_[Label.DISPARAGING].weights_ != weighted.heads_[Label.DISPARAGING].weights_
    ).any()
    np.testing.assert_array_equal(
        plain.heads_[Label.SPAM].weights_, weighted.heads_[Label.SPAM].weights_
    )


def fitted_head(
    rows: sparse.csr_matrix, labels: np.ndarray, groups: np.ndarray, *, calibrate: bool = True
) -> LabelHead:
    head = LabelHead(HeadSettings(("words",)), SLICES)
    return head.fit(rows, labels, groups=groups, calibrate=calibrate)


def knowing(seed: int, size: int = 2000) -> tuple[sparse.csr_matrix, np.ndarray, np.ndarray]:
    """Rows in which column 4 knows more of the label than what the head looks at."""
    rows, labels, groups = sample(0.3, size, seed)
    dense = rows.toarray()
    dense[:, 4] += 2 * labels
    return sparse.csr_matrix(dense), labels, groups


def test_a_blend_is_better_than_the_head_alone_and_means_what_it_says() -> None:
    head = fitted_head(*sample(0.3))
    fresh, truth, _ = knowing(seed=2)
    alone = roc_auc_score(truth, head.predict_proba(fresh))
    rows, labels, groups = knowing(seed=1)
    head.blend(rows, labels, columns=[4], groups=groups)
    scores = head.predict_proba(fresh)
    assert roc_auc_score(truth, scores) > alone + 0.1
    for low, high in [(0.0, 0.3), (0.3, 0.7), (0.7, 1.0)]:
        chosen = (scores >= low) & (scores < high)
        assert truth[chosen].mean() == pytest.approx(scores[chosen].mean(), abs=0.07)


def test_a_blend_needs_no_calibration_before_it() -> None:
    features, labels, groups = sample(0.3)
    rows, truth, articles = knowing(seed=1)
    fresh, _, _ = knowing(seed=2)
    scores = [
        fitted_head(features, labels, groups, calibrate=calibrate)
        .blend(rows, truth, columns=[4], groups=articles)
        .predict_proba(fresh)
        for calibrate in (True, False)
    ]
    assert (scores[0] == scores[1]).all()


def test_each_score_of_a_blend_comes_from_one_that_had_not_seen_the_group() -> None:
    head = fitted_head(*sample(0.3))
    rows, labels, groups = knowing(seed=1, size=300)
    chance = np.random.default_rng(0).permutation(labels)
    head.blend(rows, chance, columns=[4, 5], groups=groups)
    assert roc_auc_score(chance, head.out_of_fold_) < roc_auc_score(
        chance, head.predict_proba(rows)
    )


def test_comments_that_contradict_the_head_are_no_calibration() -> None:
    head = fitted_head(*sample(0.3))
    rows, labels, groups = sample(0.5, seed=3)
    with pytest.raises(ValueError, match="contradict"):
        head.blend(rows, 1 - labels, columns=[4], groups=groups)


def test_a_blend_needs_both_labels_in_several_groups() -> None:
    head = fitted_head(*sample(0.3))
    rows, labels, _ = sample(0.5, size=40)
    with pytest.raises(ValueError, match="at least 5 groups"):
        head.blend(rows, labels, columns=[4], groups=np.zeros(40))


def test_each_label_is_blended_with_the_columns_its_settings_name() -> None:
    settings = {
        Label.DISPARAGING: HeadSettings(("words",), blended_with=("rude",)),
        Label.SPAM: HeadSettings(("words",), blended_with=("shop", "rude")),
    }
    slices = {"words": slice(0, 4), "encoder": slice(4, 6)}
    rows, labels, groups = sample(0.4)
    both = np.column_stack([labels, labels])
    heads = Heads(slices, settings).fit(rows, both, groups=groups)
    heads.blend(rows, both, encoder_columns=("shop", "rude"), groups=groups)
    rude, shop = heads.heads_[Label.DISPARAGING], heads.heads_[Label.SPAM]
    assert np.flatnonzero(rude.weights_[4:]).tolist() == [1]
    assert np.flatnonzero(shop.weights_[4:]).tolist() == [0, 1]
