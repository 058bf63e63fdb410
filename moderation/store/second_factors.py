"""What is kept of moderators' second factors; secrets only as the desk has encrypted them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from moderation.store.records import SecondFactor
from moderation.store.tables import ModeratorRow, RecoveryCodeRow, SecondFactorRow


class SecondFactorReader:
    """Questions about second factors; see `Reader.second_factors`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def of(self, name: str) -> SecondFactor | None:
        """Find what is kept of a moderator's; ``None`` if they never began to set one up."""
        row = self._session.scalar(
            select(SecondFactorRow).join(ModeratorRow).where(ModeratorRow.name == name)
        )
        if row is None:
            return None
        return SecondFactor(
            secret=row.secret,
            begun_at=row.begun_at,
            confirmed_at=row.confirmed_at,
            last_step=row.last_step,
            removed_at=row.removed_at,
            removed_by=row.removed_by,
            recovery_codes=self._count_recovery_codes(row.moderator_id),
        )

    def _count_recovery_codes(self, moderator: int) -> int:
        return self._session.scalars(
            select(func.count()).where(RecoveryCodeRow.moderator_id == moderator)
        ).one()


class SecondFactorWriter(SecondFactorReader):
    """Changes of second factors; see `Writer.second_factors`."""

    def begin(self, name: str, secret: str, *, at: datetime) -> bool:
        """Keep a secret that waits for its first code.

        ``False`` if there is no such moderator, or the factor is in force.
        """
        moderator = self._moderator(name)
        if moderator is None:
            return False
        row = self._session.get(SecondFactorRow, moderator)
        if row is None:
            row = SecondFactorRow(moderator_id=moderator)
            self._session.add(row)
        if row.confirmed_at is not None:
            return False
        row.secret, row.begun_at = secret, at
        self._session.flush()
        return True

    def confirm(self, name: str, secret: str, *, step: int, at: datetime) -> bool:
        """Put the factor in force if it still waits with this secret."""
        return self._change(
            name,
            SecondFactorRow.secret == secret,
            SecondFactorRow.confirmed_at.is_(None),
            confirmed_at=at,
            last_step=step,
            removed_at=None,
            removed_by=None,
        )

    def use_step(self, name: str, secret: str, *, step: int) -> bool:
        """Keep which code was used; ``False`` if it or a later one was used before."""
        return self._change(
            name,
            SecondFactorRow.secret == secret,
            SecondFactorRow.confirmed_at.is_not(None),
            or_(SecondFactorRow.last_step.is_(None), SecondFactorRow.last_step < step),
            last_step=step,
        )

    def replace_recovery_codes(self, name: str, sha256s: Iterable[str]) -> None:
        """Keep new recovery codes instead of all there were."""
        moderator = self._moderator(name)
        self._session.execute(
            delete(RecoveryCodeRow).where(RecoveryCodeRow.moderator_id == moderator)
        )
        rows = [{"moderator_id": moderator, "sha256": sha256} for sha256 in sha256s]
        if rows:
            self._session.execute(insert(RecoveryCodeRow), rows)

    def use_recovery_code(self, name: str, sha256: str) -> bool:
        """Take a recovery code away; ``False`` if the moderator has none like it."""
        used = self._session.scalar(
            delete(RecoveryCodeRow)
            .where(
                RecoveryCodeRow.moderator_id == self._moderator(name),
                RecoveryCodeRow.sha256 == sha256,
            )
            .returning(RecoveryCodeRow.sha256)
        )
        return used is not None

    def remove(self, name: str, *, by: str | None, at: datetime) -> bool:
        """Take a factor off with its secret and codes; ``False`` if there is none, set up or not.

        ``by`` names who did it, ``None`` whoever runs this installation.
        """
        removed = self._change(
            name,
            SecondFactorRow.secret.is_not(None),
            secret=None,
            confirmed_at=None,
            last_step=None,
            removed_at=at,
            removed_by=by,
        )
        if removed:
            self.replace_recovery_codes(name, ())
        return removed

    def _change(self, name: str, *conditions: ColumnElement[bool], **values: object) -> bool:
        # in one statement, so that of two at once only one finds what it asks for
        changed = self._session.scalar(
            update(SecondFactorRow)
            .where(SecondFactorRow.moderator_id == self._moderator(name), *conditions)
            .values(values)
            .returning(SecondFactorRow.moderator_id)
        )
        return changed is not None

    def _moderator(self, name: str) -> int | None:
        return self._session.scalar(select(ModeratorRow.id).where(ModeratorRow.name == name))
