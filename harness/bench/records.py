"""What a session stores: the header once, then one row for each finished run, never changed afterwards.

``session.json`` holds the header, ``rows.jsonl`` the rows. A run that was repeated (after a time-out, say) has several
rows; the last one counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from harness.bench.plan import PlannedRun, PlanSettings, RunKind
from harness.engines.base import BacktestRun, Outcome
from harness.errors import DamagedError

SCHEMA_VERSION = 1
HEADER_NAME = "session.json"
ROWS_NAME = "rows.jsonl"


@dataclass(frozen=True, slots=True)
class StageTime:
    """One stage of the algorithm in one run, as its own timers counted it. ``longest_s`` is the longest single pass."""

    wall_s: float
    cpu_s: float = 0.0
    count: int = 0
    longest_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ParityCheck:
    """One run held against a reference. ``against`` names the reference; ``summary`` is one line for the user."""

    identical: bool
    against: str
    order_events: int
    summary: str


@dataclass(frozen=True, slots=True)
class RunRow:
    """One finished run: what was planned, how it ended, what it cost, and whether it did the same as the others."""

    number: int
    kind: RunKind
    variant: str
    pair: int
    folder: str
    outcome: Outcome
    detail: str
    notes: tuple[str, ...]
    wall_s: float
    user_s: float
    system_s: float
    peak_rss_bytes: int
    exit_code: int
    started_at_utc: str
    load_before: float
    client_cpu_s: float
    phases_s: Mapping[str, float] = field(default_factory=dict)
    data_points: int = 0
    stages: Mapping[str, StageTime] = field(default_factory=dict)
    parity: tuple[ParityCheck, ...] = ()
    engine_timers_s: Mapping[str, float] = field(default_factory=dict)
    engine: Mapping[str, str] = field(default_factory=dict)

    @property
    def cpu_s(self) -> float:
        return self.user_s + self.system_s

    @property
    def completed(self) -> bool:
        return self.outcome is Outcome.COMPLETED

    @property
    def identical(self) -> bool:
        return all(check.identical for check in self.parity)


def make_row(
    planned: PlannedRun, run: BacktestRun, stages: Mapping[str, StageTime], parity: tuple[ParityCheck, ...]
) -> RunRow:
    """The row of a finished run; an engine that could not measure leaves zeros, and then the outcome says why."""
    cost = run.measurement
    return RunRow(
        number=planned.number,
        kind=planned.kind,
        variant=planned.variant,
        pair=planned.pair,
        folder=planned.folder,
        outcome=run.outcome,
        detail=run.detail,
        notes=run.notes,
        wall_s=cost.wall_s if cost else 0.0,
        user_s=cost.user_s if cost else 0.0,
        system_s=cost.system_s if cost else 0.0,
        peak_rss_bytes=cost.peak_rss_bytes if cost else 0,
        exit_code=cost.exit_code if cost else -1,
        started_at_utc=cost.started_at_utc if cost else "",
        load_before=cost.load_before if cost else 0.0,
        client_cpu_s=cost.client_cpu_s if cost else 0.0,
        phases_s=dict(cost.phases_s) if cost else {},
        data_points=run.data_points,
        stages=dict(stages),
        parity=parity,
        engine_timers_s=dict(cost.engine_timers_s) if cost else {},
        engine=dict(run.engine),
    )


def row_to_dict(row: RunRow) -> dict[str, Any]:
    """JSON-ready form of a row."""
    return {"schema_version": SCHEMA_VERSION, **asdict(row)}


_NUMBERS = ("number", "pair", "wall_s", "user_s", "system_s", "peak_rss_bytes", "exit_code")


def row_from_dict(fields: Mapping[str, Any], where: str) -> RunRow:
    """A row from its stored form. Raises ``DamagedError`` naming ``where`` when it cannot be read."""
    try:
        known = {key: value for key, value in fields.items() if key in RunRow.__slots__}
        for key in _NUMBERS:
            if not isinstance(fields[key], int | float):
                raise TypeError(f"{key} is not a number")
        return RunRow(
            **{
                **known,
                "kind": RunKind(fields["kind"]),
                "outcome": Outcome(fields["outcome"]),
                "notes": tuple(fields["notes"]),
                "stages": {name: StageTime(**stage) for name, stage in fields["stages"].items()},
                "parity": tuple(ParityCheck(**check) for check in fields["parity"]),
            }
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedError(f"{where}: a row cannot be read ({error}); was it written by another version?") from error


def latest_rows(rows: Iterable[RunRow]) -> dict[int, RunRow]:
    """The last row of each run, by run number, in run order."""
    last = {row.number: row for row in rows}
    return dict(sorted(last.items()))


def plan_settings_from_dict(fields: Mapping[str, Any], where: str) -> PlanSettings:
    """Plan settings from a stored header. Raises ``DamagedError`` naming ``where``."""
    try:
        return PlanSettings(**fields)
    except TypeError as error:
        raise DamagedError(f"{where}: the plan cannot be read ({error})") from error
