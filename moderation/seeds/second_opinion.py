"""What a second reader, who saw the rules but not the first labels, thought of each comment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sklearn.metrics import cohen_kappa_score

from moderation.comment import Label
from moderation.seeds.corpus import rows


class Settlement(StrEnum):
    """How a disagreement between the two readers ended."""

    BORDERLINE = "borderline"
    RELABELLED = "relabelled"
    REWRITTEN = "rewritten"


@dataclass(frozen=True, slots=True)
class Opinion:
    """The writer's labels (``first``) and the second reader's, as both stood at that reading."""

    id: str
    first: Mapping[Label, bool]
    second: Mapping[Label, bool]
    settled: Settlement | None


def second_opinions(folder: Path) -> tuple[Opinion, ...]:
    """Read ``second_opinion.jsonl``.

    Raises
    ------
    SeedsError
        If the file is missing or a line is not a JSON object with the fields needed.
    """
    return tuple(
        Opinion(
            id=row["id"],
            first={label: bool(row["first"][label]) for label in Label},
            second={label: bool(row["second"][label]) for label in Label},
            settled=Settlement(row["settled"]) if row.get("settled") else None,
        )
        for row in rows(folder / "second_opinion.jsonl", needed={"id", "first", "second"})
    )


def kappa(opinions: Sequence[Opinion]) -> dict[Label, float]:
    """Return Cohen's kappa between writer and second reader for each label, before settlement.

    Cohen, J. (1960): A coefficient of agreement for nominal scales.
    """
    return {
        label: float(
            cohen_kappa_score(
                [opinion.first[label] for opinion in opinions],
                [opinion.second[label] for opinion in opinions],
            )
        )
        for label in Label
    }
