"""Many parity checks at once: baseline against candidate, for many scenarios and parameter sets.

The runs share the machine, so nothing is timed and no time is reported.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import InputError
from harness.results.store import write_bytes, write_json
from harness.sweep.backtests import Backtest
from harness.sweep.outputs import csv_bytes
from harness.sweep.records import TrialOutcome, TrialTask
from harness.sweep.runner import ParallelOptimizationRunner, SweepProgress
from harness.sweep.settings import SweepSettings
from harness.sweep.space import SearchSpace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Executor
    from typing import Any

    from harness.parity.rules import ParityRules
    from harness.sweep.optimization_data import OptimizationDataContext

NOT_TIMED = "Runs shared the machine's cores: nothing was timed. Measure with `harness bench`."


@dataclass(frozen=True, slots=True)
class VerifyCase:
    """One pair of backtests that must be identical."""

    name: str
    baseline: Backtest
    candidate: Backtest


@dataclass(frozen=True, slots=True)
class Verified:
    """One case's result. ``identical`` is None when a backtest did not complete; ``detail`` is one line."""

    name: str
    identical: bool | None
    order_events: int
    detail: str


@dataclass(frozen=True, slots=True)
class PairObjective:
    """Runs both sides of the case that the trial's only parameter names, and compares them."""

    cases: tuple[VerifyCase, ...]
    rules: ParityRules
    keep_identical: bool = False

    def __call__(self, task: TrialTask, data: OptimizationDataContext | None) -> TrialOutcome:
        from harness.parity.diff import diff_results

        started = time.perf_counter()
        case = self.cases[int(task.parameters["case"])]
        sides = []
        for side, backtest in (("baseline", case.baseline), ("candidate", case.candidate)):
            place = replace(task, parameters={}, run_folder=task.run_folder / side / "run_01")
            sides.append(backtest.run_fresh(backtest.request(place), data))
        report = diff_results(sides[0], sides[1], self.rules)
        if report.identical and not self.keep_identical:
            shutil.rmtree(task.run_folder, ignore_errors=True)
        facts = {"events": str(report.order_event_count[1] or 0), "summary": report.summary_line}
        return TrialOutcome(float(report.identical), "", facts, time.perf_counter() - started)


def verify_many(
    cases: Sequence[VerifyCase],
    folder: Path,
    rules: ParityRules,
    workers: int,
    *,
    executor: Executor | Callable[[], Executor] | None = None,
    identity: Mapping[str, Any] | None = None,
    on_progress: Callable[[SweepProgress], None] | None = None,
) -> list[Verified]:
    """Check all ``cases`` in ``folder`` (resumable, like a sweep); writes ``parity.csv`` and ``parity.json``.

    Raises ``InputError`` when there is nothing to check or two cases have one name.
    """
    names = [case.name for case in cases]
    if not names:
        raise InputError("verify-many: no case to check; name a scenario")
    if len(set(names)) != len(names):
        raise InputError("verify-many: two cases have the same name; give each scenario and parameter set once")
    runner = ParallelOptimizationRunner(
        PairObjective(tuple(cases), rules),
        SearchSpace.parse([f"case=0:{len(cases) - 1}:1"]),
        folder,
        SweepSettings(objective="identical", trials=len(cases), sampler="grid", workers=workers),
        executor=executor,
        identity={**(identity or {}), "cases": names},
        on_progress=on_progress,
    )
    rows = runner.run().rows
    verified = [
        Verified(
            name,
            None if row.value is None else row.value == 1.0,
            int(row.statistics.get("events", "0")),
            row.reason or row.statistics.get("summary", ""),
        )
        for name, row in zip(names, rows, strict=True)
    ]
    table = [
        {"case": one.name, "result": state_of(one), "order events": one.order_events, "detail": one.detail}
        for one in verified
    ]
    write_bytes(folder / "parity.csv", csv_bytes(list(table[0]), table), durable=False)
    write_json(folder / "parity.json", {"cases": table, "note": NOT_TIMED}, "harness.verify-many", 1)
    return verified


def state_of(one: Verified) -> str:
    """``identical``, ``different`` or ``failed``."""
    return "failed" if one.identical is None else "identical" if one.identical else "different"
