"""Judgements as JSON for a column, and back, without losing a digit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moderation.comment import (
    Assessment,
    Evidence,
    EvidenceSource,
    Label,
    LabelAssessment,
    ModelVersion,
    Outcome,
    Reason,
    Span,
    Verdict,
)
from moderation.store.records import AppliedRule, Judgement


def labels_to_json(labels: Mapping[Label, LabelAssessment | None]) -> dict[str, Any]:
    """Write scores, spans and evidence; a label that was not assessed stays ``null``."""
    return {label.value: _label_to_json(found) for label, found in labels.items()}


def _label_to_json(found: LabelAssessment | None) -> dict[str, Any] | None:
    if found is None:
        return None
    evidence = found.evidence
    return {
        "score": found.score,
        "spans": [[span.start, span.end, span.weight] for span in found.spans],
        "evidence": evidence
        and {
            "source": evidence.source.value,
            "text": evidence.text,
            "similarity": evidence.similarity,
        },
    }


def _label_from_json(found: dict[str, Any] | None) -> LabelAssessment | None:
    if found is None:
        return None
    evidence = found["evidence"]
    return LabelAssessment(
        score=found["score"],
        spans=tuple(Span(*span) for span in found["spans"]),
        evidence=evidence
        and Evidence(
            source=EvidenceSource(evidence["source"]),
            text=evidence["text"],
            similarity=evidence["similarity"],
        ),
    )


def reasons_to_json(verdict: Verdict) -> list[Any]:
    """Write the reasons of a verdict in both languages."""
    return [
        {"label": reason.label.value, "rule": reason.rule, "de": reason.de, "en": reason.en}
        for reason in verdict.reasons
    ]


def rules_to_json(rules: Mapping[Label, AppliedRule]) -> dict[str, Any]:
    """Write which rule and threshold each label was judged by."""
    return {
        label.value: {"rule": rule.id, "threshold": rule.threshold} for label, rule in rules.items()
    }


def judgement_from_json(
    *,
    model: ModelVersion,
    labels: dict[str, Any],
    outcome: Outcome,
    flagged: list[Any],
    reasons: list[Any],
    rules: dict[str, Any],
) -> Judgement:
    """Read back what the columns of an assessment say."""
    return Judgement(
        assessment=Assessment(
            labels={Label(label): _label_from_json(found) for label, found in labels.items()},
            model=model,
        ),
        verdict=Verdict(
            outcome=outcome,
            flagged=tuple(Label(label) for label in flagged),
            reasons=tuple(
                Reason(label=Label(each["label"]), rule=each["rule"], de=each["de"], en=each["en"])
                for each in reasons
            ),
        ),
        rules={
            Label(label): AppliedRule(id=rule["rule"], threshold=rule["threshold"])
            for label, rule in rules.items()
        },
    )
