"""The rules file, and how scores become verdicts with reasons."""

import tomllib

import pytest

from moderation.comment import (
    Assessment,
    Evidence,
    EvidenceSource,
    Label,
    LabelAssessment,
    ModelVersion,
    Outcome,
    Span,
)
from moderation.rules import RuleBook, RulesError
from moderation.settings import Settings

THRESHOLDS = {label: {"0.01": 0.2, "0.02": 0.4, "0.05": 0.6} for label in Label}


@pytest.fixture
def rules():
    return RuleBook.load(Settings().rules_file).with_thresholds(THRESHOLDS)


def assessed(**scores):
    return Assessment(
        {
            label: None if scores.get(label) is None else LabelAssessment(scores[label])
            for label in Label
        },
        ModelVersion("1", "0" * 64),
    )


def test_a_comment_below_every_threshold_is_approved(rules):
    verdict = rules.judge("Schöner Test.", assessed(disparaging=0.1, off_topic=0.39, spam=0.0))
    assert verdict.outcome is Outcome.APPROVE
    assert verdict.flagged == ()
    assert verdict.reasons == ()


def test_a_comment_at_a_threshold_is_held(rules):
    verdict = rules.judge("Du Depp.", assessed(disparaging=0.4, off_topic=0.0, spam=0.0))
    assert verdict.outcome is Outcome.HOLD
    assert verdict.flagged == (Label.DISPARAGING,)


def test_the_clearest_violation_comes_first(rules):
    verdict = rules.judge("…", assessed(disparaging=0.5, off_topic=0.9, spam=0.7))
    assert verdict.flagged == (Label.OFF_TOPIC, Label.SPAM, Label.DISPARAGING)
    assert [reason.rule for reason in verdict.reasons] == ["thema", "werbung", "respekt"]


def test_what_was_not_assessed_cannot_be_broken(rules):
    verdict = rules.judge("Hallo", assessed(disparaging=0.0, off_topic=None, spam=0.0))
    assert verdict.outcome is Outcome.APPROVE


def test_nothing_is_rejected_unless_the_blog_switches_it_on(rules):
    verdict = rules.judge("…", assessed(disparaging=1.0, off_topic=1.0, spam=1.0))
    assert verdict.outcome is Outcome.HOLD


def test_a_score_beyond_reject_at_is_rejected_once_switched_on(rules):
    strict = rules.model_copy(
        update={"rules": tuple(r.model_copy(update={"reject_at": 0.99}) for r in rules.rules)}
    )
    assert strict.judge("…", assessed(spam=0.995)).outcome is Outcome.REJECT
    assert strict.judge("…", assessed(spam=0.98)).outcome is Outcome.HOLD


def test_the_reason_quotes_the_heaviest_span(rules):
    text = "Also der Autor ist ein Dampfplauderer, echt jetzt."
    spans = (Span(0, 4, 0.1), Span(23, 37, 0.9))
    found = {Label.DISPARAGING: LabelAssessment(0.9, spans), Label.OFF_TOPIC: None}
    [reason] = rules.judge(text, Assessment(found, ModelVersion("1", ""))).reasons
    assert reason.de == "Setzt womöglich eine Person herab: „Dampfplauderer“"
    assert reason.en == "May put a person down: “Dampfplauderer”"


def test_an_off_topic_reason_quotes_the_nearest_passage(rules):
    evidence = Evidence(EvidenceSource.ARTICLE, "Der Akku hält {acht} Stunden.", 0.12)
    found = {Label.OFF_TOPIC: LabelAssessment(0.9, evidence=evidence)}
    [reason] = rules.judge("Servus!", Assessment(found, ModelVersion("1", ""))).reasons
    assert "„Der Akku hält {acht} Stunden.“" in reason.de


def test_a_target_between_two_rows_takes_the_stricter(rules):
    book = RuleBook.load(Settings().rules_file)
    lenient = book.model_copy(update={"target_miss_rate": 0.04})
    assert lenient.with_thresholds(THRESHOLDS).threshold(Label.SPAM) == 0.4


def test_a_target_stricter_than_the_model_knows_is_refused_with_the_choices(rules):
    book = RuleBook.load(Settings().rules_file)
    strict = book.model_copy(update={"target_miss_rate": 0.001})
    with pytest.raises(RulesError, match=r"choose one of 0\.01, 0\.02, 0\.05 or set hold_at"):
        strict.with_thresholds(THRESHOLDS)


def test_a_fixed_threshold_beats_the_models(rules):
    book = RuleBook.load(Settings().rules_file)
    fixed = book.model_copy(
        update={"rules": tuple(r.model_copy(update={"hold_at": 0.77}) for r in book.rules)}
    )
    assert fixed.with_thresholds(THRESHOLDS).threshold(Label.DISPARAGING) == 0.77


def test_judging_without_thresholds_says_what_is_missing():
    with pytest.raises(RulesError, match="fill in the model's first"):
        RuleBook.load(Settings().rules_file).judge("…", assessed(spam=0.5))


def edited(tmp_path, old, new):
    text = Settings().rules_file.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "rules.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    tomllib.loads(path.read_text(encoding="utf-8"))
    return path


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('id = "thema"', 'id = "Das Thema"', r"rules\.1\.id"),
        ('label = "spam"', 'label = "off_topic"', "exactly one rule for each of"),
        ("target_miss_rate = 0.02", "target_miss_rate = 2", "less than 1"),
        ("target_miss_rate = 0.02", "taget_miss_rate = 0.02", "taget_miss_rate"),
        ("herab: „{passage}“", "herab.", r"must contain \{passage\}"),
        ('"eine eigene Erfahrung zum Thema",', "", "must list the same items"),
    ],
)
def test_a_wrong_rules_file_is_refused_with_the_place(tmp_path, old, new, message):
    with pytest.raises(RulesError, match=message):
        RuleBook.load(edited(tmp_path, old, new))


def test_a_missing_rules_file_is_named_with_the_setting(tmp_path):
    with pytest.raises(RulesError, match="MODERATION_RULES_FILE"):
        RuleBook.load(tmp_path / "rules.toml")


def test_a_rules_file_that_is_not_toml_is_refused(tmp_path):
    path = tmp_path / "rules.toml"
    path.write_bytes(b"\xff\xfe rules")
    with pytest.raises(RulesError, match="not a TOML file in UTF-8"):
        RuleBook.load(path)


def test_a_message_to_the_author_quotes_the_rule(rules):
    for rule in rules.rules:
        message = rule.message_to_author
        assert rule.wording.de in message.de
        assert rule.wording.en in message.en
        assert rule.model_copy(update={"message": None}).message_to_author is None


def test_a_message_with_an_unknown_place_is_refused(tmp_path):
    text = Settings().rules_file.read_text(encoding="utf-8")
    path = tmp_path / "rules.toml"
    path.write_text(text.replace("„{wording}“", "„{author}“"), encoding="utf-8")
    with pytest.raises(RulesError, match=r"may contain \{wording\}, not \{author\}"):
        RuleBook.load(path)


def test_other_thresholds_leave_the_rest_of_the_rules_alone(rules):
    stricter = rules.holding_at({Label.SPAM: 0.1})
    assert stricter.threshold(Label.SPAM) == 0.1
    assert stricter.threshold(Label.DISPARAGING) == rules.threshold(Label.DISPARAGING)
    assert stricter.holding_at({Label.SPAM: 0.4}) == rules
