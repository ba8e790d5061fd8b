"""Runs of one variant alone: a single backtest for the user, or the few that a stored baseline is made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from harness.bench.evidence import Inspector
from harness.bench.plan import PlannedRun, RunKind
from harness.bench.records import ParityCheck, RunRow, make_row, row_to_dict
from harness.bench.session import refuse_problems
from harness.bench.setup import Variant
from harness.engines.base import BacktestRequest, BacktestRun, Engine
from harness.errors import EngineError, HarnessError
from harness.measure.data_state import data_changes, data_state
from harness.results.digests import FILES_FIELD, MEASUREMENT_NAME, file_digests
from harness.results.store import write_json


class NotDeterministicError(HarnessError):
    """The same code gave two results; nothing can be held against it."""

    exit_code = 1


def run_once(engine: Engine, request: BacktestRequest, on_text: Callable[[str], None] | None = None) -> BacktestRun:
    """One backtest. Raises ``EngineError`` when it cannot start; how it ended is in the answer."""
    request.run_folder.mkdir(parents=True, exist_ok=True)
    refuse_problems(engine.check(request))
    return engine.run(request, None if on_text is None else lambda _, text: on_text(text))


def run_repeatedly(
    engine: Engine,
    inspector: Inspector,
    requests: Sequence[BacktestRequest],
    variant: str,
    on_run: Callable[[int, str], None] | None = None,
) -> list[RunRow]:
    """The same backtest once for each request, each held against the first. All but the first are measured runs.

    Raises ``EngineError`` when one does not complete or the data change meanwhile, and ``NotDeterministicError`` when
    two differ.
    """
    rows: list[RunRow] = []
    before = data_state(requests[0].data_folder)
    for number, request in enumerate(requests, start=1):
        if on_run is not None:
            on_run(number, "")
        run = run_once(engine, request, None if on_run is None else partial(on_run, number))
        changed = data_changes(before, request.data_folder)
        if changed:
            raise EngineError(f"{request.data_folder}: data changed meanwhile ({changed}); run the command again")
        if not run.ok:
            raise EngineError(f"{request.run_folder}: ended as {run.outcome}: {run.detail}")
        kind = RunKind.WARMUP if number == 1 else RunKind.MEASURED
        planned = PlannedRun(number, kind, variant, number - 1, f"{variant}/{request.run_folder.name}")
        parity: tuple[ParityCheck, ...] = ()
        if number > 1:
            check = inspector.parity(requests[0].results_folder, request.results_folder, requests[0].run_folder.name)
            if not check.identical:
                raise NotDeterministicError(
                    f"{request.run_folder}: differs from the first run of the same code: {check.summary}"
                )
            parity = (check,)
        row = make_row(planned, run, inspector.stages(request.results_folder), parity)
        kept = {**row_to_dict(row), FILES_FIELD: file_digests(request.results_folder)}
        write_json(request.run_folder / MEASUREMENT_NAME, kept, schema="harness.measurement", version=1)
        rows.append(row)
    return rows


def baseline_record(
    scenario: str, variant: Variant, rows: Sequence[RunRow], fingerprint: Mapping[str, Any]
) -> dict[str, Any]:
    """What a stored baseline says about cost: medians, least and most over the measured rows; JSON-ready."""
    measured = [row for row in rows if row.kind is RunKind.MEASURED and row.completed]
    stages = dict.fromkeys(name for row in measured for name in row.stages)
    phases = dict.fromkeys(name for row in measured for name in row.phases_s)
    return {
        "scenario": scenario,
        "stored_at_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "class": variant.algorithm_class,
        "parameters": dict(variant.parameters),
        "runs": len(measured),
        "wall_s": _spread([row.wall_s for row in measured]),
        "cpu_s": _spread([row.cpu_s for row in measured]),
        "peak_rss_bytes": _spread([row.peak_rss_bytes for row in measured]),
        "data_points": max((row.data_points for row in measured), default=0),
        "phases_s": {name: median(row.phases_s.get(name, 0.0) for row in measured) for name in phases},
        "stages_s": {
            name: median(row.stages[name].wall_s if name in row.stages else 0.0 for row in measured) for name in stages
        },
        "fingerprint": dict(fingerprint),
    }


def new_folder(runs: Path, name: str) -> Path:
    """A folder of its own for runs outside a session."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
    return runs / f"{name}-{stamp}"


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": median(values), "least": min(values), "most": max(values)}
