"""The sweep itself: suggest, hand out, collect, store, commit in order.

Three rules make a sweep reproducible and safe:

* A trial's parameters depend on the seed, its number and earlier outcomes only (``suggest``), and outcomes are told
  in number order: any number of workers gives the same trial table.
* A finished trial is on disk (``trials.jsonl``, checked rows, fsync) before anything is concluded from it: whatever
  is killed, only trials that were still running are run again, with the same parameters.
* Equal parameter sets are run once; a later trial with the same parameters takes the first one's outcome.
"""

from __future__ import annotations

import logging
import pickle
import shutil
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.errors import DamagedError, EngineError, InputError
from harness.results.lock import FolderLock
from harness.results.store import append_rows, read_json, read_rows, write_json
from harness.sweep.executors import SpawnPool, end_now
from harness.sweep.optimization_data import OptimizationDataContext
from harness.sweep.records import COMPLETE, FAILED, Evaluate, TrialRow, TrialTask
from harness.sweep.settings import SweepSettings
from harness.sweep.space import SearchSpace
from harness.sweep.study import StudyMirror
from harness.sweep.suggest import Suggester, make_suggester, total_trials
from harness.sweep.worker import Answer, Payload, run_task

_log = logging.getLogger(__name__)

SWEEP_FILE = "sweep.json"
SWEEP_SCHEMA = "harness.sweep"
SWEEP_VERSION = 1
TRIALS_FILE = "trials.jsonl"
TRIALS_FOLDER = "trials"


@dataclass(frozen=True, slots=True)
class SweepProgress:
    """Where the sweep is: trials committed of all, the best so far, seconds so far and (estimated) to go."""

    done: int
    total: int
    running: int
    best: TrialRow | None
    failed: int
    elapsed_s: float
    remaining_s: float | None


@dataclass(frozen=True, slots=True)
class SweepResult:
    """All trials in number order, and the best one (None when none completed)."""

    folder: Path
    rows: tuple[TrialRow, ...]
    best: TrialRow | None
    settings: SweepSettings
    space: SearchSpace
    evaluated: int
    wall_s: float

    @property
    def failed(self) -> int:
        return sum(1 for row in self.rows if row.state == FAILED)

    @property
    def duplicates(self) -> int:
        return sum(1 for row in self.rows if row.same_as is not None)


@dataclass(slots=True)
class _Flight:
    """A trial that was handed out."""

    row: TrialRow
    attempts: int = 1


@dataclass(slots=True)
class _State:
    """What the loop knows. ``committed`` grows in number order; ``arrived`` waits for its turn."""

    suggester: Suggester
    total: int
    committed: list[TrialRow] = field(default_factory=list)
    arrived: dict[int, TrialRow] = field(default_factory=dict)
    next_number: int = 0
    first_of: dict[tuple[tuple[str, str], ...], int] = field(default_factory=dict)
    flights: dict[Future[Answer], _Flight] = field(default_factory=dict)
    suspects: deque[_Flight] = field(default_factory=deque)
    again: deque[_Flight] = field(default_factory=deque)
    best: TrialRow | None = None
    failed: int = 0
    evaluated: int = 0


class ParallelOptimizationRunner:
    """Runs a sweep over any ``concurrent.futures.Executor``.

    ``evaluate(task, data)`` gives a ``TrialOutcome`` or a number; it is pickled once and must be importable in the
    workers. ``executor`` is an executor, or a function that makes one: only then can a pool that broke (a worker was
    killed) be replaced. By default: ``settings.workers`` processes of this machine, started by spawn. An executor
    that was handed in is left running; one that was made is shut down. ``identity`` is what must be the same when
    the sweep is resumed (digests of algorithm, engine, data). ``storage_url`` as in :class:`StudyMirror`.
    ``keep_best_only`` removes the run folders of completed trials that are not the best one.

    ``on_progress`` is called after every change and at least twice a second. ``run`` raises ``InputError`` for a
    folder with another sweep in it, ``BusyError`` when somebody works in it, ``KeyboardInterrupt`` on Ctrl-C after
    everything that finished is stored.
    """

    def __init__(
        self,
        evaluate: Evaluate | Callable[..., Any],
        space: SearchSpace,
        folder: Path,
        settings: SweepSettings,
        *,
        executor: Executor | Callable[[], Executor] | None = None,
        data: OptimizationDataContext | None = None,
        identity: Mapping[str, Any] | None = None,
        storage_url: str | None = None,
        study_name: str | None = None,
        keep_best_only: bool = False,
        on_progress: Callable[[SweepProgress], None] | None = None,
    ) -> None:
        self.space, self.folder, self.settings = space, Path(folder), settings
        self._evaluate, self._data = evaluate, data
        self._given = executor
        self._identity = dict(identity or {})
        self._storage_url, self._study_name = storage_url, study_name or self.folder.name
        self._keep_best_only = keep_best_only
        self._on_progress = on_progress
        self._executor: Executor | None = None

    def run(self) -> SweepResult:
        """Start the sweep, or go on with the one in the folder, to its last trial."""
        started = time.monotonic()
        total = total_trials(self.space, self.settings)
        try:
            payload = Payload.of(self._evaluate, self._data)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise InputError(f"the objective cannot be sent to workers ({error}); define it in a module") from error
        with FolderLock(self.folder, f"sweep {self.folder.name}"):
            self._write_or_check()
            stored = self._stored_rows()
            state = _State(make_suggester(self.space, self.settings), total)
            mirror = StudyMirror(self.folder, self._study_name, self.space, self.settings, self._storage_url)
            self._executor = None
            try:
                self._loop(state, stored, payload, mirror, started)
            except BaseException:
                if self._executor is not None and (self._given is None or callable(self._given)):
                    end_now(self._executor)
                elif self._executor is not None:
                    for future in state.flights:
                        future.cancel()
                raise
            if self._executor is not None and (self._given is None or callable(self._given)):
                self._executor.shutdown()
        return SweepResult(
            self.folder,
            tuple(state.committed),
            state.best,
            self.settings,
            self.space,
            state.evaluated,
            time.monotonic() - started,
        )

    # -- the loop ------------------------------------------------------------------------------------------------

    def _loop(
        self,
        state: _State,
        stored: dict[int, TrialRow],
        payload: Payload,
        mirror: StudyMirror,
        started: float,
    ) -> None:
        in_flight = self.settings.workers + max(1, self.settings.workers // 4)  # so that no worker waits for the parent
        while len(state.committed) < state.total:
            self._hand_out(state, stored, payload, in_flight)
            before = len(state.committed)
            self._commit(state, mirror)
            if len(state.committed) > before:
                self._tell(state, started)
                continue  # what was committed may allow the next suggestion
            if not state.flights:
                continue
            done, _ = wait(state.flights, timeout=0.5, return_when=FIRST_COMPLETED)
            if done:
                self._collect(state, done)
            self._tell(state, started)

    def _hand_out(self, state: _State, stored: dict[int, TrialRow], payload: Payload, in_flight: int) -> None:
        # Trials whose worker died go first; those that may be the cause run alone, so that the cause shows itself.
        while state.suspects:
            if state.flights:
                return
            self._submit(state, payload, state.suspects.popleft())
            return
        while state.again and len(state.flights) < in_flight:
            self._submit(state, payload, state.again.popleft())
        while state.next_number < state.total and len(state.flights) < in_flight:
            number = state.next_number
            if state.suggester.needs(number) > len(state.committed):
                return
            parameters = state.suggester.ask(number)
            state.next_number += 1
            key = tuple(parameters.items())
            row = TrialRow(number, parameters, FAILED, None)
            if number in stored:
                state.arrived[number] = self._checked(stored.pop(number), parameters)
                state.first_of.setdefault(key, number)
            elif key in state.first_of:
                state.arrived[number] = replace(row, same_as=state.first_of[key])
            else:
                state.first_of[key] = number
                self._submit(state, payload, _Flight(row))
                if state.suspects or state.again:
                    return

    def _submit(self, state: _State, payload: Payload, flight: _Flight) -> None:
        task = TrialTask(flight.row.number, dict(flight.row.parameters), self._run_folder(flight.row.number))
        for _ in range(2):
            if self._executor is None:
                self._executor = self._new_executor()
            try:
                state.flights[self._executor.submit(run_task, payload, task)] = flight
                return
            except BrokenExecutor:  # died while idle: nobody is suspect
                self._drop_executor()
        raise EngineError("workers die as soon as they start; run one backtest by itself and look at its error")

    def _collect(self, state: _State, done: set[Future[Answer]]) -> None:
        rows: list[TrialRow] = []
        broken: list[_Flight] = []
        for future in done:
            flight = state.flights.pop(future)
            error = future.exception() if not future.cancelled() else EngineError("cancelled by the executor")
            if isinstance(error, BrokenExecutor):
                broken.append(flight)
            elif error is not None:
                self._retry(state, flight, rows, f"{type(error).__name__}: {error}", alone=False)
            else:
                rows.append(_finished(flight, future.result()))
        if broken:
            # One dead process breaks the whole pool: everything that was handed out is lost and none is known to be
            # the cause, unless it was alone.
            broken += state.flights.values()
            state.flights.clear()
            self._drop_executor()
            _log.warning("a worker process died; %d trials are run again", len(broken))
            for flight in sorted(broken, key=lambda one: one.row.number):
                self._retry(state, flight, rows, "the worker process died", alone=True)
        if rows:
            append_rows(self.folder / TRIALS_FILE, [row.to_dict() for row in rows])
            state.evaluated += len(rows)
            state.arrived.update({row.number: row for row in rows})

    def _retry(self, state: _State, flight: _Flight, rows: list[TrialRow], reason: str, *, alone: bool) -> None:
        if flight.attempts >= self.settings.max_attempts:
            reason = f"{reason} in each of {flight.attempts} attempts"
            rows.append(replace(flight.row, reason=" ".join(reason.split()), attempts=flight.attempts))
            return
        flight.attempts += 1
        (state.suspects if alone else state.again).append(flight)

    def _commit(self, state: _State, mirror: StudyMirror) -> None:
        while (number := len(state.committed)) in state.arrived:
            row = state.arrived.pop(number)
            if row.same_as is not None:
                first = state.committed[row.same_as]
                row = replace(
                    row, state=first.state, value=first.value, reason=first.reason, statistics=first.statistics
                )
            state.committed.append(row)
            state.suggester.tell(row)
            mirror.commit(row)
            state.failed += row.state == FAILED
            better = row.value is not None and _better(row, state.best, self.settings.maximize)
            superseded = state.best if better else row
            if better:
                state.best = row
            if self._keep_best_only and superseded is not None and superseded.state == COMPLETE:
                shutil.rmtree(self._run_folder(superseded.number), ignore_errors=True)

    def _tell(self, state: _State, started: float) -> None:
        if self._on_progress is None:
            return
        elapsed = time.monotonic() - started
        done = len(state.committed)
        rate = state.evaluated / elapsed if elapsed > 0 else 0.0
        remaining = (state.total - done) / rate if rate > 0 else None
        self._on_progress(
            SweepProgress(done, state.total, len(state.flights), state.best, state.failed, elapsed, remaining)
        )

    # -- executors -----------------------------------------------------------------------------------------------

    def _new_executor(self) -> Executor:
        if self._given is None:
            return SpawnPool(self.settings.workers)
        if isinstance(self._given, Executor):
            return self._given
        return self._given()

    def _drop_executor(self) -> None:
        if isinstance(self._given, Executor):
            raise EngineError(
                "the executor broke because a worker died; hand in a function that makes executors, so that it can be "
                "replaced. What finished is stored"
            )
        if self._executor is not None:
            end_now(self._executor)
        self._executor = None

    # -- on disk -------------------------------------------------------------------------------------------------

    def _run_folder(self, number: int) -> Path:
        return self.folder.resolve() / TRIALS_FOLDER / f"run_{number:05d}"

    def _write_or_check(self) -> None:
        path = self.folder / SWEEP_FILE
        document = {
            "space": list(self.space.specs),
            "search": self.settings.identity(),
            "identity": self._identity,
            "optuna": _optuna_version(),
            "trials": self.settings.trials,
            "storage": self._storage_url or "",
        }
        if not path.exists():
            if (self.folder / TRIALS_FILE).exists():
                raise DamagedError(f"{path}: is missing beside {TRIALS_FILE}; give the sweep another name")
            write_json(path, document, SWEEP_SCHEMA, SWEEP_VERSION)
            return
        stored = read_json(path, SWEEP_SCHEMA, SWEEP_VERSION)
        for key in ("space", "search", "identity", "optuna"):
            if stored.get(key) != document[key]:
                raise InputError(
                    f"{self.folder}: holds a sweep with another {key} ({_changed(stored.get(key), document[key])}); "
                    "resume it as it was, or give this sweep another name"
                )
        if stored["trials"] != self.settings.trials:  # more trials may be asked for; the first ones stay the same
            write_json(path, document, SWEEP_SCHEMA, SWEEP_VERSION)

    def _stored_rows(self) -> dict[int, TrialRow]:
        path = self.folder / TRIALS_FILE
        if not path.exists():
            return {}
        try:
            rows = [TrialRow.from_dict(fields) for fields in read_rows(path)]
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedError(f"{path}: a row is not a trial ({error!r})") from error
        return {row.number: row for row in rows}

    def _checked(self, row: TrialRow, parameters: Mapping[str, str]) -> TrialRow:
        if dict(row.parameters) != dict(parameters):
            raise DamagedError(
                f"{self.folder / TRIALS_FILE}: trial {row.number} has other parameters than the search gives it now; "
                "start a new sweep"
            )
        return row


def load_sweep(folder: Path) -> dict[str, Any]:
    """The stored ``sweep.json``. Raises ``InputError`` when the folder holds no sweep."""
    return read_json(folder / SWEEP_FILE, SWEEP_SCHEMA, SWEEP_VERSION)


def _finished(flight: _Flight, answer: Answer) -> TrialRow:
    outcome = answer.outcome
    return replace(
        flight.row,
        state=COMPLETE if outcome.ok else FAILED,
        value=outcome.value,
        reason=outcome.reason,
        statistics=dict(outcome.statistics),
        worker=answer.worker,
        backtest_s=round(outcome.backtest_s, 6),
        attempts=flight.attempts,
    )


def _better(row: TrialRow, best: TrialRow | None, maximize: bool) -> bool:
    if best is None or best.value is None or row.value is None:
        return best is None
    return row.value > best.value if maximize else row.value < best.value


def _optuna_version() -> str:
    from importlib.metadata import version

    return version("optuna")


def _changed(stored: Any, now: Any) -> str:
    if isinstance(stored, dict) and isinstance(now, dict):
        keys = [key for key in {*stored, *now} if stored.get(key) != now.get(key)]
        return "; ".join(f"{key}: {stored.get(key)} then, {now.get(key)} now" for key in sorted(keys))
    return f"{stored} then, {now} now"
