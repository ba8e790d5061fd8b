"""One trial as a backtest: in the worker's own process (embedded engine), or as a process of any engine."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.engines.base import BacktestRequest, Outcome
from harness.engines.registry import EngineChoice, make_engine
from harness.errors import EngineError, HarnessError, InputError
from harness.sweep.objective import objective_value
from harness.sweep.records import TrialOutcome, TrialTask

if TYPE_CHECKING:
    from harness.embedded.columns import ColumnStore
    from harness.results.lean_results import LeanResults
    from harness.sweep.optimization_data import OptimizationDataContext

# The engine keeps state of the one run it is in; a worker with threads (Dask's default) must take turns.
_one_at_a_time = threading.Lock()
_stores: dict[tuple[str | None, str | None], ColumnStore] = {}


class _TimeLimitError(BaseException):
    """Raised inside a backtest that takes too long. No ``Exception``, so that user code does not swallow it."""


@dataclass(frozen=True, slots=True)
class Backtest:
    """What all trials of a sweep have in common. ``keep_results`` false removes Lean's files after reading them."""

    algorithm_file: Path
    algorithm_class: str
    data_folder: Path
    objective: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    backtest_name: str = ""
    cache_folder: Path | None = None
    time_limit_s: float = 3600.0
    keep_results: bool = True

    def request(self, task: TrialTask) -> BacktestRequest:
        """This trial's backtest: the common parameters, then the trial's own."""
        return BacktestRequest(
            algorithm_file=self.algorithm_file,
            algorithm_class=self.algorithm_class,
            data_folder=self.data_folder,
            run_folder=task.run_folder,
            parameters={**self.parameters, **task.parameters},
            backtest_name=self.backtest_name,
            time_limit_s=self.time_limit_s,
            cache_folder=self.cache_folder,
        )

    def run(self, request: BacktestRequest, data: OptimizationDataContext | None) -> tuple[Outcome, str]:
        """Run it and wait: how it ended, and one line when it did not complete. The run folder is empty before."""
        raise NotImplementedError("take EmbeddedBacktest or EngineBacktest")

    def run_fresh(self, request: BacktestRequest, data: OptimizationDataContext | None) -> LeanResults:
        """Empty the run folder, run, and open the results. Raises ``EngineError`` unless it completed."""
        from harness.results.lean_results import LeanResults

        try:
            shutil.rmtree(request.run_folder, ignore_errors=True)  # an earlier attempt may have left half its files
            request.run_folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"{request.run_folder}: cannot be made ({error.strerror}); check rights and space"
            ) from error
        outcome, detail = self.run(request, data)
        if outcome is not Outcome.COMPLETED:
            raise EngineError(f"{outcome}: {detail}")
        return LeanResults(request.results_folder)

    def __call__(self, task: TrialTask, data: OptimizationDataContext | None) -> TrialOutcome:
        """The trial's outcome; a failed one keeps its files as evidence."""
        started = time.perf_counter()
        request = self.request(task)
        try:
            results = self.run_fresh(request, data)
            value = objective_value({**results.statistics, **results.runtime_statistics}, self.objective)
        except HarnessError as error:
            return TrialOutcome(None, str(error), {}, time.perf_counter() - started)
        if not self.keep_results:
            shutil.rmtree(request.run_folder, ignore_errors=True)
        return TrialOutcome(value, "", results.statistics, time.perf_counter() - started)


@dataclass(frozen=True, slots=True)
class EngineBacktest(Backtest):
    """Each trial is a process of ``engine``, exactly as ``harness run`` starts it."""

    engine: EngineChoice = field(default_factory=lambda: EngineChoice("embedded", {}))

    def run(self, request: BacktestRequest, data: OptimizationDataContext | None) -> tuple[Outcome, str]:
        run = make_engine(self.engine).run(request)
        return run.outcome, run.detail


@dataclass(frozen=True, slots=True)
class EmbeddedBacktest(Backtest):
    """Each trial runs in the worker's process: nothing is started or imported again but the algorithm's own files.

    Results are those of a fresh process, byte for byte (tested); the algorithm's modules are imported anew for each
    trial, so its module-level state does not leak from one to the next. A module that it changes elsewhere (a
    library's global) would; use :class:`EngineBacktest` for such an algorithm.
    """

    allow_missing_data: bool = False

    def run(self, request: BacktestRequest, data: OptimizationDataContext | None) -> tuple[Outcome, str]:
        with _one_at_a_time:
            try:
                return _run_here(request, data, allow_missing_data=self.allow_missing_data)
            except _TimeLimitError:
                return Outcome.TIMED_OUT, f"not finished after {request.time_limit_s:g} s"


def _run_here(
    request: BacktestRequest, data: OptimizationDataContext | None, *, allow_missing_data: bool
) -> tuple[Outcome, str]:
    from harness.embedded.configuration import Configuration
    from harness.embedded.engine import AlgorithmLoadError, EngineContext
    from harness.embedded.not_supported import NotSupportedError
    from harness.engines.data_requests import judge_data
    from harness.engines.outcome import read_ending

    configuration = Configuration(
        data_folder=request.data_folder,
        algorithm_location=request.algorithm_file,
        algorithm_type_name=request.algorithm_class,
        results_folder=request.results_folder,
        algorithm_id=request.result_id,
        backtest_name=request.backtest_name or request.result_id,
        parameters=dict(request.parameters),
        object_store_root=request.results_folder / "storage",
        cache_folder=request.cache_folder,
    )
    request.results_folder.mkdir(parents=True, exist_ok=True)
    streams = (request.run_folder / "stdout.log", request.run_folder / "stderr.log")
    with (
        streams[0].open("w", encoding="utf-8") as out,
        streams[1].open("w", encoding="utf-8") as err,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        own_imports(request.algorithm_file.parent),
    ):
        try:
            with time_limit(request.time_limit_s):
                engine = EngineContext(configuration)
                engine.columns = _store(request.cache_folder, data)
                code = engine.run()
        except (AlgorithmLoadError, NotSupportedError, HarnessError) as error:
            print(f"harness.embedded: {error}", file=err)
            code = 1
        except Exception as error:
            print(f"{type(error).__name__}: {error}", file=err)
            code = 1
        except SystemExit as error:  # sys.exit() in the algorithm ends the trial, not the worker
            print(f"the algorithm called sys.exit({error.code!r})", file=err)
            code = 1
    ending = judge_data(request.results_folder, read_ending(request, code), allow_missing=allow_missing_data)
    return ending.outcome, ending.detail


def _store(cache_folder: Path | None, data: OptimizationDataContext | None) -> ColumnStore:
    """The process's one store for this data."""
    from harness.sweep.engine_columns import KeptColumnStore

    key = (None if cache_folder is None else str(cache_folder), None if data is None else data.folder)
    if key not in _stores:
        _stores.clear()  # a new sweep in an old worker: let the old mappings go
        _stores[key] = KeptColumnStore(cache_folder, data)
    return _stores[key]


@contextlib.contextmanager
def own_imports(folder: Path) -> Iterator[None]:
    """Imports of one backtest's own files: none from an earlier backtest before, none left behind.

    Two algorithms may have modules of the same name in different folders, so the search path is put back too.
    """
    path = list(sys.path)
    sys.path[:] = [entry for entry in path if entry != str(folder)]
    forget_modules(folder)
    try:
        yield
    finally:
        sys.path[:] = path
        forget_modules(folder)


def forget_modules(folder: Path) -> None:
    """Drop every imported module whose file is in ``folder``, so that the next import runs it again."""
    inside = str(folder) + os.sep
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and file.startswith(inside) and name != "__main__":
            del sys.modules[name]


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raises :class:`_TimeLimitError` in the calling thread once ``seconds`` have passed.

    It takes effect at the next Python instruction: an endless call inside a C extension is not ended.
    """
    thread_id = threading.get_ident()
    ended = threading.Event()

    def expire() -> None:
        if not ended.is_set():
            set_error: Any = ctypes.pythonapi.PyThreadState_SetAsyncExc
            set_error(ctypes.c_ulong(thread_id), ctypes.py_object(_TimeLimitError))

    timer = threading.Timer(seconds, expire)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        ended.set()
        timer.cancel()
