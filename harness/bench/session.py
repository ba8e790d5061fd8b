"""Runs a plan, one backtest after another, and stores each as it ends. Killed at any moment, it goes on from there."""

from __future__ import annotations

import errno
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from harness.bench.analysis import Analysis, analyse, decided, is_finished, rows_up_to
from harness.bench.evidence import Inspector
from harness.bench.plan import PlannedRun, make_plan
from harness.bench.records import (
    HEADER_NAME,
    ROWS_NAME,
    ParityCheck,
    RunRow,
    latest_rows,
    make_row,
    row_from_dict,
    row_to_dict,
)
from harness.bench.setup import SCHEMA, VERSION, SessionSetup, setup_from_dict, setup_to_dict
from harness.engines.base import BacktestRequest, Engine
from harness.errors import EngineError, HarnessError, InputError
from harness.measure.data_state import data_changes, data_state
from harness.measure.fingerprint import code_mismatches, resume_mismatches
from harness.results.digests import FILES_FIELD, MEASUREMENT_NAME, file_digests
from harness.results.lean_results import LeanResults
from harness.results.lock import FolderLock
from harness.results.store import append_row, read_json, read_rows, rows_exist, write_json

LEAST_FREE_BYTES = 100 * 2**20
# Commands that measure by sessions of their own keep them in a folder of the command's name below the runs, so that
# "the latest session" is one that the user asked for.
APART = ("bisect", "instrumentation")


class SessionInterruptedError(HarnessError):
    """Ctrl-C. What is stored stays stored; the message says how to go on."""

    exit_code = 130


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a session is: run ``number`` of ``total`` (at most, when sampling is adaptive) starts or is running.

    ``remaining_s`` is None until there is something to estimate it from.
    """

    number: int
    total: int
    run: PlannedRun
    text: str
    elapsed_s: float
    remaining_s: float | None


@dataclass(frozen=True, slots=True)
class Session:
    """A session as stored: its settings, plan and the last row of each run, in run order."""

    folder: Path
    setup: SessionSetup
    plan: tuple[PlannedRun, ...]
    rows: tuple[RunRow, ...]

    def analyse(self) -> Analysis:
        return analyse(self.rows, self.setup, len(self.plan))


@dataclass(frozen=True, slots=True)
class Reference:
    """Results that every run is held against: a folder or a stored baseline, and the name the user knows it by."""

    name: str
    results: Path | LeanResults


def load_session(folder: Path) -> Session:
    """Reads a stored session. Raises ``InputError`` when there is none, ``DamagedError`` when it was changed."""
    header = folder / HEADER_NAME
    if not header.is_file():
        raise InputError(f"{folder}: no session in it ({HEADER_NAME} is missing); `harness show` lists the sessions")
    setup = setup_from_dict(read_json(header, schema=SCHEMA, version=VERSION), str(header))
    path = folder / ROWS_NAME
    stored = read_rows(path) if rows_exist(path) else []
    rows = latest_rows(row_from_dict(fields, f"{path}, row {index}") for index, fields in enumerate(stored, start=1))
    return Session(folder, setup, make_plan(setup.plan), tuple(rows.values()))


def start_session(setup: SessionSetup, folder: Path) -> None:
    """Stores the header of a new session. Raises ``InputError`` when the folder already holds one."""
    if (folder / HEADER_NAME).exists():
        raise InputError(
            f"{folder}: already holds a session; go on with it by --resume, or give another name with --session"
        )
    make_plan(setup.plan)
    write_json(folder / HEADER_NAME, setup_to_dict(setup), schema=SCHEMA, version=VERSION)


def run_session(
    folder: Path,
    engine: Engine,
    inspector: Inspector,
    references: Sequence[Reference] = (),
    on_progress: Callable[[Progress], None] | None = None,
) -> Session:
    """Runs what is missing of the session in ``folder`` and returns it whole.

    Each run is stored before the next begins. Stops at once at the first difference in parity. Raises
    ``EngineError`` when a backtest does not complete or code or data change under the session, ``BusyError`` when
    another process runs this session, ``SessionInterruptedError`` on Ctrl-C; the session can then be resumed.
    """
    with FolderLock(folder, "a benchmark session"):
        session = load_session(folder)
        runner = _Runner(session, engine, inspector, tuple(references), on_progress)
        try:
            runner.run()
        except KeyboardInterrupt:
            raise SessionInterruptedError(
                f"interrupted after {len(runner.rows)} of {len(session.plan)} runs; {_how_to_resume(folder)}"
            ) from None
        except OSError as error:
            raise _storage_error(error, folder) from error
    return load_session(folder)


def refuse_changes(session: Session, fingerprint_now: dict[str, object]) -> None:
    """Raises ``InputError`` when machine, engine, data or algorithm are not those the session began with."""
    changed = resume_mismatches(session.setup.fingerprint, fingerprint_now)
    if changed:
        raise InputError(
            f"{session.folder}: cannot be resumed, this is no longer what it began with ({'; '.join(changed)}); "
            "start a new session"
        )


def make_request(setup: SessionSetup, variant_name: str, run_folder: Path) -> BacktestRequest:
    """The backtest of one variant in ``run_folder``. The same algorithm id for both sides: ids are in the results."""
    variant = setup.variants[variant_name]
    return BacktestRequest(
        algorithm_file=variant.algorithm_file,
        algorithm_class=variant.algorithm_class,
        data_folder=setup.data_folder,
        run_folder=run_folder,
        parameters=dict(variant.parameters),
        algorithm_id=setup.variants[setup.plan.baseline].algorithm_class,
        backtest_name=setup.scenario,
        time_limit_s=setup.time_limit_s,
        cpu_affinity=setup.cpu_affinity,
        cache_folder=setup.cache_folder,
    )


class _Runner:
    """The loop over the plan, with what it has seen so far."""

    def __init__(
        self,
        session: Session,
        engine: Engine,
        inspector: Inspector,
        references: tuple[Reference, ...],
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self.folder, self.setup, self.plan = session.folder, session.setup, session.plan
        self.rows: list[RunRow] = [row for row in session.rows if row.completed]
        self.engine, self.inspector, self.references = engine, inspector, references
        self.on_progress = on_progress
        self.started = time.monotonic()
        self.spent_before_s = sum(row.wall_s for row in self.rows)
        self.checked: set[str] = set()
        self.data_before = data_state(self.setup.data_folder)

    def run(self) -> None:
        done = {row.number for row in self.rows}
        for index, planned in enumerate(self.plan):
            if self._pair_begins(index) and self._ends_before(planned.pair):
                return
            if planned.number not in done:
                self._run_one(planned)
            if any(not row.identical for row in self.rows):
                return

    def _pair_begins(self, index: int) -> bool:
        planned = self.plan[index]
        return planned.pair > 0 and (index == 0 or self.plan[index - 1].pair != planned.pair)

    def _ends_before(self, pair: int) -> bool:
        """Whether the stopping rule, or the time budget, ends the session before this pair."""
        done = pair - 1
        seen = rows_up_to(self.rows, done)
        look = self.setup.rule.look_at(done)
        if look is not None and decided(seen, self.setup, look.alpha):
            return True
        adaptive = len(self.setup.rule.looks) > 1
        return adaptive and done > 0 and self._elapsed_s() > self.setup.max_time_s

    def _run_one(self, planned: PlannedRun) -> None:
        run_folder = self.folder / planned.folder
        if run_folder.exists():
            shutil.rmtree(run_folder)  # a run that did not end; what ended has a row
        run_folder.mkdir(parents=True)
        free_bytes = shutil.disk_usage(run_folder).free
        if free_bytes < LEAST_FREE_BYTES:
            raise OSError(errno.ENOSPC, f"only {free_bytes / 2**20:.0f} MiB free", str(run_folder))
        self._refuse_changed_code()
        self._tell(planned, "")
        request = make_request(self.setup, planned.variant, run_folder)
        self._check_variants(request)
        run = self.engine.run(request, lambda _, text: self._tell(planned, text))
        self._refuse_changed_data(planned)
        if run.ok:
            stages = self.inspector.stages(request.results_folder)
            parity = self._parity(planned, request.results_folder)
        else:
            stages, parity = {}, ()
        row = make_row(planned, run, stages, parity)
        kept = {**row_to_dict(row), FILES_FIELD: file_digests(request.results_folder)}
        write_json(run_folder / MEASUREMENT_NAME, kept, schema="harness.measurement", version=1)
        append_row(self.folder / ROWS_NAME, row_to_dict(row))
        if not run.ok:
            raise EngineError(
                f"run {planned.number} of {len(self.plan)} ({planned.folder}) ended as {run.outcome}: {run.detail}; "
                f"after correcting it: {_how_to_resume(self.folder)}"
            )
        self.rows.append(row)

    def _refuse_changed_code(self) -> None:
        """Before every run: someone may edit the algorithm while the session measures it."""
        stored = self.setup.fingerprint
        if "algorithm_digest" not in stored:
            return
        files = [variant.algorithm_file for variant in self.setup.variants.values()]
        changed = code_mismatches(stored, self.engine.describe(), files)
        if changed:
            raise EngineError(
                f"{self.folder}: code changed while the session ran ({'; '.join(changed)}); undo it and "
                f"{_how_to_resume(self.folder)}, or start a new session"
            )

    def _refuse_changed_data(self, planned: PlannedRun) -> None:
        """After every run: on other data than the runs before it, it is no evidence and is not stored."""
        changed = data_changes(self.data_before, self.setup.data_folder)
        if changed:
            raise EngineError(
                f"{self.setup.data_folder}: data changed while the session ran ({changed}); run {planned.number} is "
                f"not kept; restore the data and {_how_to_resume(self.folder)}, or start a new session"
            )

    def _check_variants(self, request: BacktestRequest) -> None:
        """Before the first run: what would make any run of any variant fail."""
        for name in self.setup.variants:
            if name not in self.checked:
                self.checked.add(name)
                refuse_problems(self.engine.check(make_request(self.setup, name, request.run_folder)))

    def _parity(self, planned: PlannedRun, results_folder: Path) -> tuple[ParityCheck, ...]:
        """The run against the session's first baseline run and against each stored reference."""
        first = next(run for run in self.plan if run.variant == self.setup.plan.baseline)
        references = list(self.references)
        if planned.number != first.number:
            references.insert(0, Reference(first.folder, self.folder / first.folder / "lean"))
        return tuple(self.inspector.parity(item.results, results_folder, item.name) for item in references)

    def _elapsed_s(self) -> float:
        return self.spent_before_s + time.monotonic() - self.started

    def _tell(self, planned: PlannedRun, text: str) -> None:
        if self.on_progress is not None:
            self.on_progress(
                Progress(planned.number, len(self.plan), planned, text, self._elapsed_s(), self._remaining_s(planned))
            )

    def _remaining_s(self, planned: PlannedRun) -> float | None:
        """Median wall time of each variant so far, for every run that is still to do."""
        known: dict[str, float] = {}
        for variant in {run.variant for run in self.plan}:
            walls = [row.wall_s for row in self.rows if row.variant == variant]
            if not walls:
                return None
            known[variant] = median(walls)
        return sum(known[run.variant] for run in self.plan if run.number >= planned.number)


def refuse_problems(problems: Sequence[str]) -> None:
    """Raises ``EngineError`` with the first problem, if there is one."""
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise EngineError(f"{problems[0]}{more}")


def finished(session: Session) -> bool:
    """Whether nothing is left to run."""
    return is_finished(session.rows, session.setup)


def first_baseline_folder(session: Session) -> Path:
    """The Lean results of the first run of the baseline."""
    first = next(run for run in session.plan if run.variant == session.setup.plan.baseline)
    return session.folder / first.folder / "lean"


def _how_to_resume(folder: Path) -> str:
    if folder.parent.name in APART:
        return f"run `harness {folder.parent.name}` again"
    return f"go on with `harness bench --session {folder.name} --resume`"


def _storage_error(error: OSError, folder: Path) -> HarnessError:
    where = error.filename or folder
    if error.errno == errno.ENOSPC:
        return EngineError(
            f"{where}: no space left on the disk ({error.strerror}); free some, then {_how_to_resume(folder)}"
        )
    return EngineError(f"{where}: {error.strerror or error}; {_how_to_resume(folder)}")
