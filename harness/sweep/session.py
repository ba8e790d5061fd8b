"""From a user's wishes to sweeps and parity checks of the project's own scenarios."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from harness.bench.prepare import resolve_variant
from harness.config import Settings
from harness.engines.base import Engine
from harness.engines.registry import EngineChoice, engine_choice, make_engine
from harness.errors import InputError
from harness.measure.fingerprint import code_digest, data_digest
from harness.results.store import read_json, write_json
from harness.sweep.backtests import Backtest, EmbeddedBacktest, EngineBacktest
from harness.sweep.executors import SpawnPool, dask_executor
from harness.sweep.objective import maximize_by_default
from harness.sweep.records import TrialOutcome, TrialRow, TrialTask
from harness.sweep.runner import ParallelOptimizationRunner, SweepProgress, SweepResult
from harness.sweep.settings import SweepSettings
from harness.sweep.space import Dimension, SearchSpace
from harness.sweep.suggest import total_trials
from harness.sweep.verify import VerifyCase
from harness.sweep.walk_forward import Window, WindowResult, parse_walk_forward, run_windows, windows

REQUEST_FILE = "request.json"
REQUEST_SCHEMA = "harness.sweep-request"


@dataclass(frozen=True, slots=True)
class SweepRequest:
    """What ``harness sweep`` was asked for; stored beside the sweep, so that ``--resume`` needs no other option.

    ``isolation``: ``worker`` runs the embedded engine inside the worker processes, ``process`` starts one process a
    trial (always so for other engines). ``keep``: ``all``, ``best`` or ``none`` of the trials' result files.
    """

    scenario: str
    params: tuple[str, ...]
    variant: str
    objective: str = "Sharpe Ratio"
    maximize: bool | None = None
    trials: int = 100
    sampler: str = "tpe"
    seed: int = 20251001
    lag: int = 8
    engine: str = "embedded"
    isolation: str = "worker"
    keep: str = "best"
    storage: str | None = None
    walk_forward: str | None = None
    date_parameters: str = "start,end"

    def settings(self, workers: int) -> SweepSettings:
        maximize = maximize_by_default(self.objective) if self.maximize is None else self.maximize
        sampler: Any = self.sampler
        return SweepSettings(self.objective, maximize, self.trials, sampler, self.seed, self.lag, workers)


def store_request(request: SweepRequest, folder: Path) -> None:
    """Keep the request beside the sweep. Raises ``InputError`` when the folder has a different one."""
    path = folder / REQUEST_FILE
    if path.exists():
        stored = load_request(folder)
        if replace(stored, trials=request.trials, keep=request.keep) != request:
            raise InputError(
                f"{folder}: was started with other options; go on with `harness sweep --resume --name {folder.name}`, "
                "or give this sweep another --name"
            )
    write_json(path, {"request": {**asdict(request), "params": list(request.params)}}, REQUEST_SCHEMA, 1)


def load_request(folder: Path) -> SweepRequest:
    """The stored request. Raises ``InputError`` when the folder holds no sweep."""
    fields = read_json(folder / REQUEST_FILE, REQUEST_SCHEMA, 1)["request"]
    return SweepRequest(**{**fields, "params": tuple(fields["params"])})


def latest_sweep(runs: Path) -> Path:
    """The sweep written to last. Raises ``InputError`` when there is none."""
    found = sorted(runs.glob(f"*/{REQUEST_FILE}"), key=lambda path: path.stat().st_mtime_ns)
    if not found:
        raise InputError(f"{runs}: no sweep yet; start one with `harness sweep SCENARIO --param name=values`")
    return found[-1].parent


def make_backtest(
    settings: Settings, scenario: str, variant_name: str, engine: str, isolation: str, objective: str, keep: bool
) -> Backtest:
    """The backtest that all trials vary. Raises ``InputError`` for an unknown engine, scenario or variant."""
    variant = resolve_variant(settings, scenario, variant_name)
    if isolation not in ("worker", "process"):
        raise InputError(f"--isolation {isolation!r}: give worker or process")
    choice = engine_choice(settings, engine, scenario)
    make_engine(choice)  # an unknown engine is said now, not by each trial
    common: dict[str, Any] = {
        "algorithm_file": variant.algorithm_file,
        "algorithm_class": variant.algorithm_class,
        "data_folder": settings.data_folder(scenario),
        "objective": objective,
        "parameters": dict(variant.parameters),
        "backtest_name": scenario,
        "cache_folder": settings.path(settings.folders.cache),
        "time_limit_s": settings.engine.time_limit_s,
        "keep_results": keep,
    }
    if choice.name == "embedded" and isolation == "worker":
        return EmbeddedBacktest(**common, allow_missing_data=settings.scenario(scenario).allow_missing_data)
    return EngineBacktest(**common, engine=choice)


def engine_of(backtest: Backtest) -> Engine:
    """The engine that runs the trials, in a process of its own or in the worker's."""
    return make_engine(backtest.engine if isinstance(backtest, EngineBacktest) else EngineChoice("embedded", {}))


def check_first(backtest: Backtest, folder: Path, parameters: Mapping[str, str]) -> None:
    """Raises ``InputError`` with what would make every trial fail."""
    task = TrialTask(0, parameters, folder.resolve() / "trials" / "run_00000")
    problems = engine_of(backtest).check(backtest.request(task))
    if problems:
        raise InputError("; ".join(problems))


def identity_of(backtest: Backtest) -> dict[str, Any]:
    """What must not change while a sweep is resumed."""
    return {
        "engine": dict(engine_of(backtest).describe()),
        "algorithm": code_digest([backtest.algorithm_file]),
        "class": backtest.algorithm_class,
        "data": data_digest(backtest.data_folder),
        "parameters": dict(backtest.parameters),
    }


@contextmanager
def executors(scheduler: str | None, workers: int | None) -> Iterator[tuple[Callable[[], Executor] | Executor, int]]:
    """(executor or how to make one, number of workers) for processes here or a Dask cluster."""
    if scheduler is None:
        count = workers or 1
        yield (lambda: SpawnPool(count)), count
        return
    client, executor, threads = dask_executor(scheduler)
    try:
        yield executor, workers or threads
    finally:
        client.close()


def run_sweep(
    settings: Settings,
    request: SweepRequest,
    folder: Path,
    *,
    scheduler: str | None = None,
    workers: int | None = None,
    on_progress: Callable[[SweepProgress], None] | None = None,
) -> SweepResult:
    """Run or resume one sweep in ``folder``."""
    backtest, space = _prepared(settings, request, folder)
    with executors(scheduler, workers) as (executor, count):
        return _search(request, folder, backtest, space, executor, count, on_progress)


def run_walk_forward(
    settings: Settings,
    request: SweepRequest,
    folder: Path,
    days: Sequence[dt.date],
    *,
    scheduler: str | None = None,
    workers: int | None = None,
    on_progress: Callable[[Window, SweepProgress], None] | None = None,
) -> list[WindowResult]:
    """Run or resume a walk-forward analysis over the trading ``days``."""
    steps = windows(days, parse_walk_forward(request.walk_forward or ""))
    start_name, comma, end_name = request.date_parameters.partition(",")
    if not comma or not start_name or not end_name:
        raise InputError(f"--date-parameters {request.date_parameters!r}: give the two names, like start,end")
    backtest, space = _prepared(settings, request, folder)

    def dated(between: tuple[dt.date, dt.date], keep: bool) -> Backtest:
        dates = {start_name: between[0].isoformat(), end_name: between[1].isoformat()}
        return replace(backtest, parameters={**backtest.parameters, **dates}, keep_results=keep)

    with executors(scheduler, workers) as (executor, count):

        def search(window: Window, place: Path) -> SweepResult:
            tell = None if on_progress is None else (lambda progress: on_progress(window, progress))
            trained = dated(window.train, request.keep != "none")
            return _search(request, place, trained, space, executor, count, tell)

        def test(window: Window, best: TrialRow, place: Path) -> TrialOutcome:
            # A sweep of one trial: it is stored, retried and resumed like any other.
            dimensions = tuple(Dimension(key, (value,)) for key, value in best.parameters.items())
            only = SearchSpace(dimensions, tuple(f"{key}={value}" for key, value in best.parameters.items()))
            one = replace(request, trials=1, sampler="random", storage=None)
            found = _search(one, place / "test", dated(window.test, True), only, executor, count, None).rows[0]
            return TrialOutcome(found.value, found.reason, found.statistics, found.backtest_s)

        return run_windows(folder, steps, search, test)


def parity_cases(
    settings: Settings, scenarios: Sequence[str], specs: Sequence[str], engine: str, isolation: str
) -> list[VerifyCase]:
    """Baseline against candidate for every scenario and every point of the grid that ``specs`` span."""
    space = SearchSpace.parse(specs) if specs else None
    count = 1 if space is None else space.size
    if count is None:
        raise InputError("verify-many: a continuous range has no end of parameter sets; write low:high:step")
    cases = []
    for scenario in scenarios:
        sides = [
            make_backtest(settings, scenario, side, engine, isolation, "", True)
            for side in (settings.bench.baseline, settings.bench.candidate)
        ]
        for index in range(count):
            point = {} if space is None else space.grid_point(index)
            name = " ".join([scenario, *(f"{key}={value}" for key, value in point.items())])
            baseline, candidate = (replace(side, parameters={**side.parameters, **point}) for side in sides)
            cases.append(VerifyCase(name, baseline, candidate))
    return cases


def _prepared(settings: Settings, request: SweepRequest, folder: Path) -> tuple[Backtest, SearchSpace]:
    space = SearchSpace.parse(request.params)
    if request.keep not in ("all", "best", "none"):
        raise InputError(f"--keep {request.keep!r}: give all, best or none")
    total_trials(space, request.settings(1))
    backtest = make_backtest(
        settings,
        request.scenario,
        request.variant,
        request.engine,
        request.isolation,
        request.objective,
        request.keep != "none",
    )
    lows = {dimension.name: _some_value(space, dimension.name) for dimension in space.dimensions}
    check_first(backtest, folder, lows)
    store_request(request, folder)
    return backtest, space


def _some_value(space: SearchSpace, name: str) -> str:
    dimension = next(one for one in space.dimensions if one.name == name)
    return dimension.text(0) if dimension.size is not None else dimension.text_of(float(dimension.low))


def _search(
    request: SweepRequest,
    folder: Path,
    backtest: Backtest,
    space: SearchSpace,
    executor: Callable[[], Executor] | Executor,
    workers: int,
    on_progress: Callable[[SweepProgress], None] | None,
) -> SweepResult:
    runner = ParallelOptimizationRunner(
        backtest,
        space,
        folder,
        request.settings(workers),
        executor=executor,
        identity=identity_of(backtest),
        storage_url=request.storage,
        study_name=folder.name if request.walk_forward is None else f"{folder.parent.name}-{folder.name}",
        keep_best_only=request.keep == "best",
        on_progress=on_progress,
    )
    return runner.run()
