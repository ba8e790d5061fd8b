"""What came out of one comparison with real Lean, and how it is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """``EQUAL`` in every artifact, ``DIFFERENT`` somewhere, ``REFUSED`` by naming what is not covered, ``NO_DATA``
    where the data it needs is not there, ``FAILED`` when the engine itself broke."""

    EQUAL = "equal"
    DIFFERENT = "different"
    REFUSED = "refused"
    NO_DATA = "no data"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that is not as Lean has it."""

    artifact: str
    path: str
    expected: str
    actual: str

    def __str__(self) -> str:
        return f"{self.artifact} {self.path}: Lean {self.expected}, here {self.actual}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One case: its area (cases of one area share a name up to the number), verdict, differences, and time."""

    name: str
    verdict: Verdict
    wall_s: float
    differences: Sequence[Difference] = field(default_factory=tuple)
    detail: str = ""

    @property
    def area(self) -> str:
        return self.name.rstrip("0123456789").rstrip("_") or self.name

    def to_dict(self) -> dict[str, object]:
        return {
            "name": self.name,
            "area": self.area,
            "verdict": str(self.verdict),
            "wall_s": round(self.wall_s, 3),
            "detail": self.detail,
            "differences": [
                {"artifact": d.artifact, "path": d.path, "expected": d.expected, "actual": d.actual}
                for d in self.differences
            ],
        }


def summary_line(outcomes: Sequence[Outcome]) -> str:
    """``n equal, n refused by name, n silently different``, and what else there was."""
    count = {verdict: sum(o.verdict is verdict for o in outcomes) for verdict in Verdict}
    text = (
        f"{count[Verdict.EQUAL]} equal, {count[Verdict.REFUSED]} refused by name, "
        f"{count[Verdict.DIFFERENT]} silently different"
    )
    if count[Verdict.NO_DATA]:
        text += f", {count[Verdict.NO_DATA]} without their data"
    if count[Verdict.FAILED]:
        text += f", {count[Verdict.FAILED]} failed"
    return text
