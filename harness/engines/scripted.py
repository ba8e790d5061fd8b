"""An engine for tests: its times and results are given, so that plans, sessions and verdicts are tested exactly."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.engines.base import BacktestRequest, BacktestRun, Measurement, Outcome

ORDER_EVENT: dict[str, Any] = {
    "id": "Scripted-1-1",
    "algorithmId": "Scripted",
    "orderId": 1,
    "orderEventId": 1,
    "symbol": "SPY R735QTJ8XC9X",
    "symbolValue": "SPY",
    "symbolPermtick": "SPY",
    "time": 1759325415.0,
    "status": "filled",
    "fillPrice": 660.25,
    "fillPriceCurrency": "USD",
    "fillQuantity": 10.0,
    "quantity": 10.0,
    "direction": "buy",
    "isAssignment": False,
}


@dataclass(frozen=True, slots=True)
class ScriptedRun:
    """One given run. ``stages_s`` become the algorithm's stage line (with ``stages_cpu_s`` where CPU time differs from
    wall time); ``order_events`` and ``statistics`` its files.

    ``error`` is raised instead of returning (``KeyboardInterrupt`` for Ctrl-C, ``OSError`` for a full disk).
    """

    wall_s: float = 1.0
    cpu_s: float = 1.0
    peak_rss_bytes: int = 100 * 2**20
    outcome: Outcome = Outcome.COMPLETED
    detail: str = ""
    phases_s: Mapping[str, float] = field(default_factory=dict)
    stages_s: Mapping[str, float] = field(default_factory=dict)
    stages_cpu_s: Mapping[str, float] = field(default_factory=dict)
    order_events: Sequence[Mapping[str, Any]] = (ORDER_EVENT,)
    statistics: Mapping[str, str] = field(default_factory=lambda: {"Total Orders": "1"})
    data_points: int = 1000
    error: BaseException | None = None


@dataclass(slots=True)
class ScriptedEngine:
    """Gives the runs of ``script`` in turn, by variant (the name of the run folder's parent); the last one repeats.

    ``started`` lists the run folders in the order in which they were asked for.
    """

    script: Mapping[str, Sequence[ScriptedRun]]
    name: str = "scripted"
    problems: Sequence[str] = ()
    started: list[str] = field(default_factory=list)

    def describe(self) -> Mapping[str, str]:
        return {"name": self.name, "version": "1"}

    def check(self, request: BacktestRequest) -> list[str]:
        return list(self.problems)

    def run(self, request: BacktestRequest, on_progress: Callable[[float, str], None] | None = None) -> BacktestRun:
        variant = request.run_folder.parent.name
        runs = self.script[variant]
        done = sum(1 for folder in self.started if folder.startswith(f"{variant}/"))
        run = runs[min(done, len(runs) - 1)]
        self.started.append(f"{variant}/{request.run_folder.name}")
        if run.error is not None:
            raise run.error
        write_lean_files(request, run)
        if on_progress is not None:
            on_progress(1.0, "done")
        return BacktestRun(
            request=request,
            outcome=run.outcome,
            measurement=Measurement(
                wall_s=run.wall_s,
                user_s=run.cpu_s,
                system_s=0.0,
                peak_rss_bytes=run.peak_rss_bytes,
                exit_code=0 if run.outcome is Outcome.COMPLETED else 1,
                started_at_utc="2025-10-01T00:00:00.000+00:00",
                phases_s=dict(run.phases_s),
            ),
            detail=run.detail,
            engine=self.describe(),
            data_points=run.data_points,
        )


def write_lean_files(request: BacktestRequest, run: ScriptedRun) -> None:
    """A small but complete set of Lean's files for a given run."""
    folder, name = request.results_folder, request.result_id
    folder.mkdir(parents=True, exist_ok=True)
    completed = run.outcome is Outcome.COMPLETED
    document = {
        "charts": {},
        "orders": {},
        "profitLoss": {},
        "statistics": dict(run.statistics),
        "runtimeStatistics": {},
        "state": {
            "Status": "Completed" if completed else "RuntimeError",
            "RuntimeError": "" if completed else run.detail,
            "OrderCount": str(len(run.order_events)),
        },
        "totalPerformance": {},
    }
    (folder / f"{name}.json").write_text(json.dumps(document, indent=2))
    summary = {key: value for key, value in document.items() if key not in ("orders", "profitLoss")}
    (folder / f"{name}-summary.json").write_text(json.dumps(summary, indent=2))
    if run.order_events:
        (folder / f"{name}-order-events.json").write_text(json.dumps([dict(event) for event in run.order_events]))
    stages = {
        stage: {
            "wall_ns": round(seconds * 1e9),
            "cpu_ns": round(run.stages_cpu_s.get(stage, seconds) * 1e9),
            "count": 1,
            "longest_ns": 0,
        }
        for stage, seconds in run.stages_s.items()
    }
    line = f"2025-10-10 16:00:00 HARNESS_STAGES {json.dumps({'stages': stages})}\n" if stages else ""
    (folder / f"{name}-log.txt").write_text(line)
