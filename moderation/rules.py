"""The blog's rules as data: probabilities and thresholds become a verdict with reasons."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from moderation.comment import Assessment, Label, LabelAssessment, Outcome, Reason, Verdict

LONGEST_QUOTE = 90
"""Characters of a quoted passage shown in a reason; longer ones are cut at a word."""


_PLACE = re.compile(r"\{[^{}]*\}")


class RulesError(Exception):
    """The rules file is missing or wrong; the message says what to change."""


class Bilingual(BaseModel):
    """One text in German and English."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    de: str = Field(min_length=1)
    en: str = Field(min_length=1)


class BilingualList(BaseModel):
    """A list of texts in German and English, item by item the same."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    de: tuple[str, ...]
    en: tuple[str, ...]

    @model_validator(mode="after")
    def _same_length(self) -> Self:
        if len(self.de) != len(self.en):
            raise ValueError("de and en must list the same items")
        return self


class Rule(BaseModel):
    """One sentence of the blog's rules and the label that enforces it.

    ``hold_at`` is the score in [0, 1] from which a comment is held; without it the model's own
    threshold for the blog's ``target_miss_rate`` is used. ``reject_at`` is off unless set.
    ``message`` is a template of what moderators may send the author; ``{wording}`` in it stands
    for the rule's wording.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    label: Label
    name: Bilingual
    wording: Bilingual
    allowed: BilingualList
    reason: Bilingual
    reason_with_passage: Bilingual
    message: Bilingual | None = None
    hold_at: float | None = Field(default=None, ge=0, le=1)
    reject_at: float | None = Field(default=None, ge=0, le=1)

    @model_validator(mode="after")
    def _passages_are_quoted(self) -> Self:
        for text in (self.reason_with_passage.de, self.reason_with_passage.en):
            if "{passage}" not in text:
                raise ValueError("reason_with_passage must contain {passage}")
        return self

    @model_validator(mode="after")
    def _message_has_known_places(self) -> Self:
        for text in (self.message.de, self.message.en) if self.message else ():
            unknown = set(_PLACE.findall(text)) - {"{wording}"}
            if unknown:
                raise ValueError(f"message may contain {{wording}}, not {min(unknown)}")
        return self

    @property
    def message_to_author(self) -> Bilingual | None:
        """What the author of a rejected comment may be told, the rule's wording filled in."""
        if self.message is None:
            return None
        return Bilingual(
            de=self.message.de.replace("{wording}", self.wording.de),
            en=self.message.en.replace("{wording}", self.wording.en),
        )


class RuleBook(BaseModel):
    """All rules of a blog, one for each label.

    ``target_miss_rate`` is the share in (0, 1) of all violations that may slip through
    auto-approval; it decides every threshold that a rule does not fix itself.

    Examples
    --------
    >>> from moderation.settings import Settings
    >>> rules = RuleBook.load(Settings().rules_file)
    >>> rules.rule_for(Label.OFF_TOPIC).id
    'thema'
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    target_miss_rate: float = Field(default=0.02, gt=0, lt=1)
    rules: tuple[Rule, ...]

    @model_validator(mode="after")
    def _one_rule_a_label(self) -> Self:
        labels = sorted(rule.label for rule in self.rules)
        if labels != sorted(Label):
            raise ValueError(f"there must be exactly one rule for each of {', '.join(Label)}")
        if len({rule.id for rule in self.rules}) != len(self.rules):
            raise ValueError("rule ids must differ")
        return self

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a rules file.

        Raises
        ------
        RulesError
            If the file is missing, is not TOML, or says something a rule cannot mean.
        """
        try:
            return cls.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise RulesError(
                f"There is no rules file at {path}; set MODERATION_RULES_FILE to one."
            ) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise RulesError(f"{path} is not a TOML file in UTF-8: {error}.") from None
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the file"
            raise RulesError(f"{path}: at {where}: {first['msg']}.") from None

    def rule_for(self, label: Label) -> Rule:
        """Return the rule that a label enforces."""
        return next(rule for rule in self.rules if rule.label == label)

    def with_thresholds(self, of_model: Mapping[Label, Mapping[str, float]]) -> Self:
        """Return the rules with every ``hold_at`` filled in from the model's own table.

        Parameters
        ----------
        of_model
            For each label: target miss rate, as text such as ``"0.02"`` → score in [0, 1] from
            which a comment must be held to meet it. A target between two rows takes the stricter.

        Raises
        ------
        RulesError
            If the model has no row for a target that strict.
        """
        return self.model_copy(
            update={
                "rules": tuple(self._resolved(rule, of_model[rule.label]) for rule in self.rules)
            }
        )

    def _resolved(self, rule: Rule, table: Mapping[str, float]) -> Rule:
        if rule.hold_at is not None:
            return rule
        strict_enough = [row for row in table if float(row) <= self.target_miss_rate]
        if not strict_enough:
            raise RulesError(
                f"The model knows no thresholds for a miss rate of {self.target_miss_rate}; choose "
                f"one of {', '.join(table)} or set hold_at for every rule."
            )
        return rule.model_copy(update={"hold_at": table[max(strict_enough, key=float)]})

    def holding_at(self, thresholds: Mapping[Label, float]) -> Self:
        """Return the rules with other scores in [0, 1] from which they hold a comment.

        Parameters
        ----------
        thresholds
            By label; rules of other labels keep theirs.
        """
        return self.model_copy(
            update={
                "rules": tuple(
                    rule.model_copy(update={"hold_at": thresholds.get(rule.label, rule.hold_at)})
                    for rule in self.rules
                )
            }
        )

    @property
    def ids(self) -> Mapping[Label, str]:
        """The id of the rule behind each label."""
        return {rule.label: rule.id for rule in self.rules}

    def threshold(self, label: Label) -> float:
        """Return the score from which comments are held under a rule.

        Raises
        ------
        RulesError
            If the rule has no ``hold_at`` and no model's thresholds were filled in.
        """
        hold_at = self.rule_for(label).hold_at
        if hold_at is None:
            raise RulesError(f"The rule for {label} has no threshold; fill in the model's first.")
        return hold_at

    def judge(self, text: str, assessment: Assessment) -> Verdict:
        """Return the verdict on a comment with its reasons, the clearest violation first.

        Parameters
        ----------
        text
            The comment as it was sent; the assessment's spans point into it.
        assessment
            What the classifier said; labels that were not assessed cannot be broken.
        """
        assessed = {label: found for label, found in assessment.labels.items() if found}
        flagged = [
            label for label, found in assessed.items() if found.score >= self.threshold(label)
        ]
        flagged.sort(key=lambda label: assessed[label].score - self.threshold(label), reverse=True)
        outcome = Outcome.HOLD if flagged else Outcome.APPROVE
        for label in flagged:
            reject_at = self.rule_for(label).reject_at
            if reject_at is not None and assessed[label].score >= reject_at:
                outcome = Outcome.REJECT
        return Verdict(
            outcome=outcome,
            flagged=tuple(flagged),
            reasons=tuple(
                _reason(self.rule_for(label), text, assessed[label]) for label in flagged
            ),
        )


def _reason(rule: Rule, text: str, found: LabelAssessment) -> Reason:
    if found.spans:
        heaviest = max(found.spans, key=lambda span: span.weight)
        passage = text[heaviest.start : heaviest.end]
    elif found.evidence:
        passage = found.evidence.text
    else:
        passage = ""
    quote = shortened(passage)
    if not quote:
        return Reason(rule.label, rule.id, rule.reason.de, rule.reason.en)
    template = rule.reason_with_passage
    return Reason(
        rule.label,
        rule.id,
        template.de.replace("{passage}", quote),
        template.en.replace("{passage}", quote),
    )


def shortened(passage: str, longest: int = LONGEST_QUOTE) -> str:
    r"""Return a passage on one line, cut at a word and marked with … if it is too long.

    Examples
    --------
    >>> shortened("Der Akku hält  lange,\nsagt der Test.", longest=20)
    'Der Akku hält …'
    """
    line = " ".join(passage.split())
    if len(line) <= longest:
        return line
    cut = line[: longest - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut else cut).rstrip(" ,;:–-") + " …"
