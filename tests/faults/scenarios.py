"""What is disturbed, and what must hold afterwards. Each scenario is a real command on a project of its own.

``act`` runs in a process that is disturbed; ``verify`` in an undisturbed one, later, and returns every broken promise
as one line. What was acknowledged (a row before the next run began, a command that exited with 0) is noted in
``acknowledged.txt`` beside the project, out of the fault's reach.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from harness.engines.base import BacktestRequest, BacktestRun
from harness.engines.scripted import ORDER_EVENT, ScriptedEngine, ScriptedRun
from harness.errors import DamagedError, HarnessError, InputError
from harness.marketdata.lean_format import BarTable, format_bars, midnight_us, write_zip

WALL_S = {"baseline": 1.0, "optimized": 0.6}
OLD_PRICE, NEW_PRICE = 660.25, 661.5
GOOD_CODES = (0, 1, 3)  # a verdict
SAID_CODES = (2, 130)  # a refusal in one line
DATE = dt.date(2025, 10, 1)


@dataclass(slots=True)
class FaultEngine:
    """The scripted engine as ``harness`` makes it by name; tells beside the project that a run began."""

    name: str = "embedded"

    def describe(self) -> Mapping[str, str]:
        return {"name": self.name, "version": "1"}

    def check(self, request: BacktestRequest) -> list[str]:
        return []

    def run(self, request: BacktestRequest, on_progress: Callable[[float, str], None] | None = None) -> BacktestRun:
        variant = request.run_folder.parent.name
        acknowledge(f"began {variant}/{request.run_folder.name}")
        price = float(os.environ.get("FAULT_PRICE", str(OLD_PRICE)))
        run = ScriptedRun(
            wall_s=WALL_S[variant], cpu_s=WALL_S[variant], order_events=[{**ORDER_EVENT, "fillPrice": price}]
        )
        return ScriptedEngine({variant: [run]}).run(request, on_progress)


class Scenario(Protocol):
    """``prepare`` fills an empty folder; all three work on ``folder / "project"``."""

    name: str

    def prepare(self, folder: Path) -> None: ...
    def act(self, folder: Path) -> int: ...
    def verify(self, folder: Path, exit_code: int | None) -> list[str]: ...


def acknowledge(line: str) -> None:
    with Path(os.environ["FAULT_ACKNOWLEDGED"]).open("a") as file:
        file.write(line + "\n")


def acknowledged(folder: Path) -> list[str]:
    path = folder / "acknowledged.txt"
    return path.read_text().splitlines() if path.exists() else []


def command(project: Path, *words: str) -> int:
    """``harness WORDS`` in this process, as the console script runs it; returns its exit code."""
    import harness.report.files as report_files
    from harness.cli import main
    from harness.engines import registry

    registry.ENGINES["embedded"] = (__name__, "FaultEngine", "")
    report_files.find_spec = lambda name: None  # type: ignore[attr-defined]  # no plots: they would be most of the time
    sys.argv = ["harness", *words]
    os.chdir(project)
    try:
        main()
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else 0
    return 0


def make_project(folder: Path) -> Path:
    project = folder / "project"
    data = project / "lean-data"
    for name in ("market-hours/market-hours-database.json", "symbol-properties/symbol-properties-database.csv"):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_text("")
    (project / "algorithm").mkdir()
    (project / "algorithm" / "main.py").write_text("class ReferenceAlgorithm(QCAlgorithm): pass\n")
    (project / "harness.toml").write_text(
        """
[bench]
pairs = 1
control_runs = 0
warmups = 0
[variants.baseline]
parameters = { metrics = "recompute" }
[variants.optimized]
parameters = { metrics = "incremental" }
[scenarios.default]
data = { folder = "lean-data", synthetic = false }
"""
    )
    return project


def fsck_problems(project: Path, when: str) -> list[str]:
    from harness.results.fsck import Severity, check

    return [
        f"{when}: fsck says {finding}"
        for finding in check(project).findings
        if finding.severity is Severity.DAMAGED and "/lean/" not in str(finding.path)
    ]


def stored_price(project: Path) -> float | None:
    """The fill price of the stored baseline, every byte of it verified; None when there is none."""
    import json

    from harness.results.baseline import load_baseline

    path = project / "baselines" / "default.json"
    if not path.exists():
        return None
    stored = load_baseline(path)
    events = stored.companion("order_events")
    stored.companion("result")
    assert events is not None
    return float(json.loads(events)[0]["fillPrice"])


@dataclass(frozen=True)
class Baseline:
    """``harness baseline``; with ``replace`` over one that is there, which must be the old or the new one, whole."""

    name: str
    replace: bool

    def prepare(self, folder: Path) -> None:
        project = make_project(folder)
        if self.replace:
            os.environ["FAULT_PRICE"] = str(OLD_PRICE)
            assert command(project, "baseline", "--runs", "1") == 0

    def act(self, folder: Path) -> int:
        os.environ["FAULT_PRICE"] = str(NEW_PRICE)
        return command(folder / "project", "baseline", "--runs", "1", *(["--force"] if self.replace else []))

    def verify(self, folder: Path, exit_code: int | None) -> list[str]:
        project = folder / "project"
        problems = fsck_problems(project, "after the fault")
        price = stored_price(project)
        allowed = {NEW_PRICE} if exit_code == 0 else {NEW_PRICE, OLD_PRICE if self.replace else None}
        if price not in allowed:
            problems.append(f"the stored baseline has price {price}, allowed {allowed}, exit code {exit_code}")
        os.environ["FAULT_PRICE"] = str(NEW_PRICE)
        if (code := command(project, "baseline", "--runs", "1", "--force")) != 0:
            problems.append(f"the next `harness baseline` exits with {code}")
        elif stored_price(project) != NEW_PRICE:
            problems.append("the next baseline is not the one that was stored")
        return problems + repaired(project)


def repaired(project: Path) -> list[str]:
    """After ``fsck --repair`` nothing is damaged and nothing of the store's is left over."""
    from harness.results.fsck import check

    check(project, repair=True)
    again = check(project)
    return [f"after fsck --repair: {finding}" for finding in again.findings if "/lean/" not in str(finding.path)]


@dataclass(frozen=True)
class Bench:
    """``harness bench``, then ``--resume``: every run that was acknowledged is there, with its own figures."""

    name: str = "bench session"

    def prepare(self, folder: Path) -> None:
        make_project(folder)

    def act(self, folder: Path) -> int:
        os.environ["FAULT_PRICE"] = str(OLD_PRICE)
        return command(folder / "project", "bench", "--session", "s")

    def verify(self, folder: Path, exit_code: int | None) -> list[str]:
        from harness.bench.session import finished, load_session
        from harness.results.labels import SESSION_FILE

        os.environ["FAULT_PRICE"] = str(OLD_PRICE)
        project, session_folder = folder / "project", folder / "project" / "runs" / "s"
        problems = fsck_problems(project, "after the fault")
        began = [line for line in acknowledged(folder) if line.startswith("began ")]
        if (session_folder / SESSION_FILE).exists():
            session = load_session(session_folder)
            rows = [row for row in session.rows if row.completed]
            if len(rows) < len(began) - 1:
                problems.append(f"{len(began)} runs began, but only {len(rows)} are stored")
            problems += [f"run {row.number} has {row.wall_s} s" for row in rows if row.wall_s != WALL_S[row.variant]]
            if exit_code in GOOD_CODES and not finished(session):
                problems.append(f"exit code {exit_code} of an unfinished session")
            words: tuple[str, ...] = ("bench", "--session", "s", "--resume")
        else:
            if len(began) > 1:
                problems.append(f"{len(began)} runs began, but there is no session")
            words = ("bench", "--session", "s")
        code = command(project, *words)
        if code not in GOOD_CODES:
            return [*problems, f"`harness {' '.join(words)}` exits with {code}"]
        session = load_session(session_folder)
        if not finished(session) or len(session.rows) != len(session.plan):
            problems.append("the resumed session is not whole")
        problems += [
            f"run {row.number} has {row.wall_s} s" for row in session.rows if row.wall_s != WALL_S[row.variant]
        ]
        return problems + repaired(project)


@dataclass(frozen=True)
class Rows:
    """Appending to a row file, as sessions, sweeps and the history do."""

    name: str = "row append"

    def prepare(self, folder: Path) -> None:
        from harness.results.store import append_rows

        (folder / "project" / "runs").mkdir(parents=True)
        append_rows(folder / "project" / "runs" / "history.jsonl", [{"n": 0}, {"n": 1}])

    def act(self, folder: Path) -> int:
        from harness.results.store import append_row

        path = folder / "project" / "runs" / "history.jsonl"
        for number in (2, 3):
            try:
                append_row(path, {"n": number, "text": "x" * 50})
            except HarnessError as error:
                print(f"harness: {error}", file=sys.stderr)
                return error.exit_code
            acknowledge(f"row {number}")
        return 0

    def verify(self, folder: Path, exit_code: int | None) -> list[str]:
        from harness.results.store import append_row, read_rows

        path = folder / "project" / "runs" / "history.jsonl"
        problems = fsck_problems(folder / "project", "after the fault")
        least = 2 + len(acknowledged(folder))
        found = [row["n"] for row in read_rows(path)]
        if found != list(range(len(found))) or len(found) < least:
            problems.append(f"rows {found}, at least {least} were acknowledged")
        append_row(path, {"n": len(found)})
        if [row["n"] for row in read_rows(path)] != list(range(len(found) + 1)):
            problems.append("the next append did not go on from there")
        return problems + repaired(folder / "project")


def small_bars(price: int) -> BarTable:
    start = midnight_us(DATE) + np.arange(1, 31, dtype=np.int64) * 60_000_000
    columns = tuple(np.full(30, price + number, dtype=np.int64) for number in range(5))
    return BarTable("trade", start, columns)


@dataclass(frozen=True)
class Cache:
    """Decoding a zip through the column cache: the bars are the file's own, whatever the cache went through."""

    name: str = "cache build"

    def prepare(self, folder: Path) -> None:
        path = folder / "project" / "minute" / "spy" / "20251001_trade.zip"
        write_zip(path, "20251001_spy_minute_trade.csv", format_bars(small_bars(1_000_000), "minute", DATE))

    def act(self, folder: Path) -> int:
        try:
            problems = self._read(folder)
        except InputError as error:
            print(f"harness: {error}", file=sys.stderr)
            return error.exit_code
        for problem in problems:
            acknowledge(f"wrong {problem}")
        return 0

    def verify(self, folder: Path, exit_code: int | None) -> list[str]:
        wrong = [line for line in acknowledged(folder) if line.startswith("wrong")]
        return wrong + self._read(folder) + self._read(folder)

    @staticmethod
    def _read(folder: Path) -> list[str]:
        from harness.embedded.columns import ColumnStore

        project = folder / "project"
        store = ColumnStore(project / "cache")
        bars = store.trade_bars(project / "minute" / "spy" / "20251001_trade.zip", "minute", DATE)
        expected = small_bars(1_000_000)
        if bars is None:
            return ["the zip is there, but no bars came"]
        same = np.array_equal(bars.start_us, expected.start_us) and all(
            np.array_equal(left, right) for left, right in zip(bars.columns, expected.columns, strict=True)
        )
        return [] if same and (bars.price_scale, bars.volume_scale) == (4, 0) else ["bars are not those of the zip"]


@dataclass(frozen=True)
class History:
    """Adding sessions to the history: whole, in order, and every one that was acknowledged."""

    name: str = "history append"

    @staticmethod
    def entry(number: int) -> Any:
        from harness.history.store import Entry

        text = dict.fromkeys(Entry.__dataclass_fields__, "x")
        return Entry(
            **{  # type: ignore[arg-type]
                **text, "session": f"s{number}", "created_at_utc": f"2025-10-{number + 1:02d}", "dirty": False,
                "exit_code": 0, "pairs": 6, "quantities": {"wall": {"ratio": number / 10}}, "stages": {},
            }
        )  # fmt: skip

    def prepare(self, folder: Path) -> None:
        from harness.history.store import append

        append(folder / "project" / "runs" / "history.sqlite", self.entry(0))

    def act(self, folder: Path) -> int:
        from harness.history.store import append

        for number in (1, 2):
            try:
                append(folder / "project" / "runs" / "history.sqlite", self.entry(number))
            except HarnessError as error:
                print(f"harness: {error}", file=sys.stderr)
                return error.exit_code
            acknowledge(f"entry {number}")
        return 0

    def verify(self, folder: Path, exit_code: int | None) -> list[str]:
        from harness.history.store import append, entries

        path = folder / "project" / "runs" / "history.sqlite"
        found = entries(path)
        problems = [] if found == [self.entry(number) for number in range(len(found))] else [f"entries {found}"]
        if len(found) < 1 + len(acknowledged(folder)):
            problems.append(f"{len(found)} entries, {len(acknowledged(folder))} were acknowledged after the first")
        append(path, self.entry(3))
        return problems if entries(path)[-1] == self.entry(3) else [*problems, "the next entry is not there"]


class Inline(Executor):
    """Works in this process, where the fault is."""

    def submit(self, work: Callable[..., Any], /, *given: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(work(*given, **named))
        except Exception as error:
            future.set_exception(error)
        return future


def square(task: Any, data: Any) -> float:
    """A trial: leaves a file in its run folder, as a backtest does."""
    task.run_folder.mkdir(parents=True, exist_ok=True)
    (task.run_folder / "log.txt").write_text("done\n")
    return float(task.parameters["x"]) ** 2


@dataclass(frozen=True)
class Sweep:
    """A sweep's steps: every committed trial is there with its own value, and going on gives the whole table."""

    name: str = "sweep step"
    trials: int = 4

    def _run(self, folder: Path) -> Any:
        from harness.sweep.runner import ParallelOptimizationRunner
        from harness.sweep.settings import SweepSettings
        from harness.sweep.space import SearchSpace

        return ParallelOptimizationRunner(
            square,
            SearchSpace.parse(["x=1,2,3,4"]),
            folder / "project" / "runs" / "s",
            SweepSettings("value", True, self.trials, "grid"),
            executor=Inline(),
            keep_best_only=True,
            on_progress=lambda progress: acknowledge(f"committed {progress.done}"),
        ).run()

    def prepare(self, folder: Path) -> None:
        (folder / "project" / "runs").mkdir(parents=True)

    def act(self, folder: Path) -> int:
        try:
            self._run(folder)
        except (HarnessError, OSError) as error:  # as the command line does
            print(f"harness: {error}", file=sys.stderr)
            return 2
        return 0

    def verify(self, folder: Path, exit_code: int | None) -> list[str]:
        from harness.results.store import read_rows
        from harness.sweep.runner import TRIALS_FILE

        project = folder / "project"
        problems = fsck_problems(project, "after the fault")
        committed = max((int(line.split()[1]) for line in acknowledged(folder)), default=0)
        path = project / "runs" / "s" / TRIALS_FILE
        before = {row["number"]: row for row in read_rows(path)} if path.exists() else {}
        if len(before) < committed:
            problems.append(f"{committed} trials were committed, {len(before)} are stored")
        if exit_code == 0 and len(before) != self.trials:
            problems.append(f"exit code 0, but {len(before)} trials are stored")
        result = self._run(folder)
        for number, row in enumerate(result.rows):
            failed = row.value is None and before.get(number, {}).get("reason")
            if row.number != number or (row.value != (number + 1) ** 2 and not failed):
                problems.append(f"trial {number} after going on: {row}")
        if sum(row.value is None for row in result.rows) > 1 or len(result.rows) != self.trials:
            problems.append(f"the table after going on: {result.rows}")
        right = max(row.value for row in result.rows if row.value is not None)
        if result.best is None or result.best.value != right:
            problems.append(f"the best trial is {result.best}")
        return problems + repaired(project)


SCENARIOS: tuple[Scenario, ...] = (
    Baseline("baseline, first", replace=False),
    Baseline("baseline, replaced", replace=True),
    Bench(),
    Rows(),
    Cache(),
    History(),
    Sweep(),
)


def describe(error: BaseException) -> Any:
    return f"{type(error).__name__}: {error}" if not isinstance(error, DamagedError) else f"damaged: {error}"
