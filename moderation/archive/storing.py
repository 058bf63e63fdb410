"""One comment of an archive into the store: judged, kept, and decided as people decided there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from moderation.archive.comparison import Scores
from moderation.archive.record import ArchivedComment, Status
from moderation.archive.rescore import Judges
from moderation.comment import (
    Action,
    Assessment,
    Decision,
    DecisionSource,
    Label,
    LabelAssessment,
    Outcome,
)
from moderation.desk.standing import standing, state
from moderation.store import AppliedRule, Judgement, LockedComment, NewDecision, Settled, Writer

DECISIONS: Mapping[Status, Action] = MappingProxyType(
    {
        Status.APPROVED: Action.APPROVE,
        Status.REJECTED: Action.REJECT,
        Status.SPAM: Action.REJECT,
    }
)
"""What people decided about comments with these statuses; about pending ones they have not."""


class Storing:
    """How comments of an archive are kept.

    Parameters
    ----------
    judges
        Every stored comment has an assessment; these make it.
    clock
        Tells the time in UTC.
    """

    def __init__(self, judges: Judges, clock: Callable[[], datetime]) -> None:
        self._judges = judges
        self._clock = clock

    def judgement(self, archived: ArchivedComment, scores: Scores) -> Judgement:
        """Judge a comment by its scores; one that people have not decided about is held."""
        rules, classifier = self._judges.rules, self._judges.classifier
        comment = archived.comment
        assessment = Assessment(
            {
                label: None if score is None else LabelAssessment(score)
                for label, score in scores.items()
            },
            classifier.version,
        )
        verdict = rules.judge(comment.text, assessment)
        if archived.status is Status.PENDING and verdict.outcome is Outcome.APPROVE:
            verdict = replace(verdict, outcome=Outcome.HOLD)
        if archived.status not in DECISIONS and verdict.outcome is Outcome.HOLD:
            # people will read it, so they shall see why
            assessment = classifier.assess(comment)
            verdict = replace(rules.judge(comment.text, assessment), outcome=verdict.outcome)
        applied = {
            label: AppliedRule(rules.rule_for(label).id, rules.threshold(label)) for label in scores
        }
        return Judgement(assessment, verdict, applied)

    def insert(
        self, writer: Writer, archived: ArchivedComment, judgement: Judgement
    ) -> LockedComment | None:
        """Store a new comment; ``None`` if one of its id is stored already."""
        comment, now = archived.comment, self._clock()
        row = writer.insert_comment(
            comment,
            judgement,
            article_row=self._article(writer, archived),
            state=state(judgement.verdict.outcome, None),
            # An archive's comments were all read by somebody, or nobody can say any more.
            sampled=False,
            at=archived.date or now,
            judged_at=now,
        )
        return None if row is None else writer.lock(str(comment.id))

    def edit(
        self,
        writer: Writer,
        locked: LockedComment,
        archived: ArchivedComment,
        judgement: Judgement,
    ) -> LockedComment | None:
        """Give a stored comment the text it has in the archive by now."""
        writer.replace_text(
            locked,
            archived.comment,
            judgement,
            article_row=self._article(writer, archived),
            state=state(judgement.verdict.outcome, None),
            sampled=False,
            at=self._clock(),
        )
        return writer.lock(locked.comment_id)

    def _article(self, writer: Writer, archived: ArchivedComment) -> int | None:
        article = archived.comment.article
        return None if article is None else writer.save_article(article, at=self._clock())

    def decide(
        self, writer: Writer, locked: LockedComment, action: Action, *, spam: bool = False
    ) -> Decision:
        """Keep what people decided in the archive, instead of what was in force here."""
        before = standing(locked.decisions)
        (decision,) = writer.append_decisions(
            [
                NewDecision(
                    locked=locked,
                    action=action,
                    moderator=None,
                    at=self._clock(),
                    source=DecisionSource.IMPORT,
                    supersedes=None if before is None else before.id,
                    rule=self.spam_rule if spam else None,
                )
            ]
        )
        stands = state(locked.judgement.verdict.outcome, decision)
        writer.settle([Settled(locked, stands, in_force=decision, sampled=False)])
        return decision

    @property
    def spam_rule(self) -> str:
        """The id of the rule that comments marked as spam have broken."""
        return self._judges.rules.rule_for(Label.SPAM).id
