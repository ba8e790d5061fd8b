"""What travels between the parent and its workers, and what is kept of a trial. Frozen and small."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from harness.sweep.optimization_data import OptimizationDataContext

COMPLETE = "complete"
FAILED = "failed"


@dataclass(frozen=True, slots=True)
class TrialTask:
    """One trial to evaluate. ``run_folder`` is where its files may go; it is made by who needs it."""

    number: int
    parameters: Mapping[str, str]
    run_folder: Path


@dataclass(frozen=True, slots=True)
class TrialOutcome:
    """What an evaluation gave. ``value`` is None exactly when it failed, and ``reason`` says why in one line.

    ``statistics`` are texts kept beside the value. ``backtest_s`` is the evaluation's own wall time.
    """

    value: float | None
    reason: str = ""
    statistics: Mapping[str, str] = field(default_factory=dict)
    backtest_s: float = 0.0

    @property
    def ok(self) -> bool:
        return self.value is not None


Evaluate: TypeAlias = "Callable[[TrialTask, OptimizationDataContext | None], TrialOutcome | float]"


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One row of the trial table.

    ``same_as`` is the number of the earlier trial with the same parameters whose outcome this is, else None.
    Only ``worker``, ``backtest_s`` and ``attempts`` depend on how the sweep was run; see :meth:`table_row`.
    """

    number: int
    parameters: Mapping[str, str]
    state: str
    value: float | None
    reason: str = ""
    statistics: Mapping[str, str] = field(default_factory=dict)
    same_as: int | None = None
    worker: str = ""
    backtest_s: float = 0.0
    attempts: int = 1

    def to_dict(self) -> dict[str, Any]:
        """As stored: JSON-ready."""
        return {
            "number": self.number,
            "parameters": dict(self.parameters),
            "state": self.state,
            "value": self.value,
            "reason": self.reason,
            "statistics": dict(self.statistics),
            "worker": self.worker,
            "backtest_s": self.backtest_s,
            "attempts": self.attempts,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> TrialRow:
        """The reverse of :meth:`to_dict`. Raises ``KeyError`` or ``TypeError`` for other content."""
        return cls(
            number=int(fields["number"]),
            parameters=dict(fields["parameters"]),
            state=str(fields["state"]),
            value=None if fields["value"] is None else float(fields["value"]),
            reason=str(fields["reason"]),
            statistics=dict(fields["statistics"]),
            worker=str(fields["worker"]),
            backtest_s=float(fields["backtest_s"]),
            attempts=int(fields["attempts"]),
        )

    def table_row(self) -> dict[str, Any]:
        """What does not depend on how many workers there were: the row as written to ``trials.csv``."""
        return {
            "number": self.number,
            "state": self.state,
            "value": self.value,
            **{f"param {name}": text for name, text in self.parameters.items()},
            "same as": self.same_as,
            "reason": self.reason,
            **self.statistics,
        }
