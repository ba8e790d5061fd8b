"""Baselines and sessions in random order, with crashes in between, held against a dictionary."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from harness.bench.plan import PlanSettings
from harness.bench.session import load_session, run_session, start_session
from harness.bench.setup import SessionSetup, Targets, Variant
from harness.bench.stopping import fixed
from harness.engines.base import BacktestRequest
from harness.engines.scripted import ORDER_EVENT, ScriptedEngine, ScriptedRun, write_lean_files
from harness.parity.diff import diff_results
from harness.report.model import build_report
from harness.results.baseline import BaselineExistsError, load_baseline, save_baseline
from harness.results.file_system import FileSystem, use_file_system
from harness.results.fsck import check
from harness.results.lean_results import LeanResults
from tests.bench.conftest import ByteInspector

PRICES = st.sampled_from([660.25, 660.26, 700.0])
NAMES = st.sampled_from(["a", "b"])
SPEEDS = {"base": 1.0, "new": 0.6}


class _DiesAt(FileSystem):
    """Kills the process at the n-th call of the store."""

    def __init__(self, calls: int) -> None:
        self.left = calls

    def called(self, operation: str, path: str) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def setup_of(root: Path, name: str) -> SessionSetup:
    plan = PlanSettings(baseline="base", candidate="new", pairs=2, warmups=0, control_runs=0, seed=1)
    variant = Variant(root / "algorithm.py", "Scripted", {})
    return SessionSetup(
        name=name,
        scenario="default",
        created_at_utc="2025-10-01T00:00:00+00:00",
        plan=plan,
        rule=fixed(plan.pairs),
        targets=Targets(),
        variants={"base": variant, "new": variant},
        data_folder=root / "data",
        cache_folder=None,
        time_limit_s=60.0,
        max_time_s=3600.0,
        cpu_affinity=(),
        engine={"name": "scripted", "version": "1"},
        fingerprint={"cpu_model": "x"},
    )


def engine(stop_at: int | None = None) -> ScriptedEngine:
    """Runs of known cost; the ``stop_at``-th of each variant ends with Ctrl-C."""
    script = {}
    for variant, wall_s in SPEEDS.items():
        good = ScriptedRun(wall_s=wall_s, cpu_s=wall_s)
        script[variant] = [good] * stop_at + [ScriptedRun(error=KeyboardInterrupt())] if stop_at is not None else [good]
    return ScriptedEngine(script)


class Store(RuleBasedStateMachine):
    """``baselines``: name to price. ``sessions``: name to (fewest rows it may have, whether it is finished)."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="state-"))
        self.baselines: dict[str, float] = {}
        self.sessions: dict[str, tuple[int, bool]] = {}

    @initialize()
    def results(self) -> None:
        for price in (660.25, 660.26, 700.0):
            request = BacktestRequest(
                self.root, "Scripted", self.root, self.root / f"result-{price}", algorithm_id="Scripted"
            )
            write_lean_files(request, ScriptedRun(order_events=[{**ORDER_EVENT, "fillPrice": price}]))

    def lean(self, price: float) -> LeanResults:
        return LeanResults(self.root / f"result-{price}" / "lean")

    def path(self, name: str) -> Path:
        return self.root / "baselines" / f"{name}.json"

    def in_child(self, work: object, calls: int) -> bool:
        """Runs ``work`` in a forked process that is killed at its ``calls``-th store call; whether it ended itself."""
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                with use_file_system(_DiesAt(calls)):
                    work()  # type: ignore[operator]
                code = 0
            finally:
                os._exit(code)
        status = os.waitpid(pid, 0)[1]
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
        return not os.WIFSIGNALED(status)

    @rule(name=NAMES, price=PRICES, force=st.booleans())
    def baseline(self, name: str, price: float, force: bool) -> None:
        differs = name in self.baselines and self.baselines[name] != price
        try:
            save_baseline(self.path(name), {"price": price}, self.lean(price), force)
            assert force or not differs
            self.baselines[name] = price
        except BaselineExistsError:
            assert differs
            assert not force

    @rule(name=NAMES, price=PRICES, calls=st.integers(1, 60))
    def baseline_killed(self, name: str, price: float, calls: int) -> None:
        def work() -> None:
            save_baseline(self.path(name), {"price": price}, self.lean(price), force=True)

        if self.in_child(work, calls):
            self.baselines[name] = price
            return
        if self.path(name).exists():
            found = load_baseline(self.path(name)).record["price"]
            assert found in {price, self.baselines.get(name)}
            self.baselines[name] = found
        else:
            assert name not in self.baselines

    @rule(name=NAMES)
    def bench(self, name: str) -> None:
        folder = self.root / "runs" / name
        if name not in self.sessions:
            start_session(setup_of(self.root, name), folder)
        run_session(folder, engine(), ByteInspector())
        self.sessions[name] = (len(load_session(folder).plan), True)

    @rule(name=NAMES, done=st.integers(0, 1))
    def bench_interrupted(self, name: str, done: int) -> None:
        folder = self.root / "runs" / name
        if name not in self.sessions:
            start_session(setup_of(self.root, name), folder)
            self.sessions[name] = (0, False)
        rows, finished = self.sessions[name]
        try:
            run_session(folder, engine(stop_at=done), ByteInspector())
            finished = True
        except Exception as error:
            assert "interrupted" in str(error)
            assert not finished
        self.sessions[name] = (max(rows, len(load_session(folder).rows)), finished)

    @rule(name=NAMES, calls=st.integers(1, 120))
    def bench_killed(self, name: str, calls: int) -> None:
        folder = self.root / "runs" / name
        if name not in self.sessions:
            start_session(setup_of(self.root, name), folder)
            self.sessions[name] = (0, False)
        ended = self.in_child(lambda: run_session(folder, engine(), ByteInspector()), calls)
        session = load_session(folder)
        rows, finished = self.sessions[name]
        assert len(session.rows) >= rows
        self.sessions[name] = (len(session.rows), finished or ended)

    @rule(name=NAMES)
    @precondition(lambda self: self.sessions)
    def show(self, name: str) -> None:
        if name in self.sessions:
            report = build_report(load_session(self.root / "runs" / name))
            assert len(report.runs) == len(load_session(self.root / "runs" / name).rows)
            assert report.finished == self.sessions[name][1] or len(report.runs) == self.sessions[name][0]

    @rule(left=NAMES, right=NAMES)
    @precondition(lambda self: self.baselines)
    def diff(self, left: str, right: str) -> None:
        if left in self.baselines and right in self.baselines:
            report = diff_results(load_baseline(self.path(left)).results, load_baseline(self.path(right)).results)
            assert report.identical == (self.baselines[left] == self.baselines[right])

    @rule()
    def fsck(self) -> None:
        assert check(self.root, repair=True).ok
        assert [str(one) for one in check(self.root).findings] == []

    @rule(name=NAMES)
    def remove_session(self, name: str) -> None:
        shutil.rmtree(self.root / "runs" / name, ignore_errors=True)
        self.sessions.pop(name, None)

    @invariant()
    def everything_stored_is_what_was_acknowledged(self) -> None:
        for name, price in self.baselines.items():
            stored = load_baseline(self.path(name))
            assert stored.record == {"price": price}
            assert json.loads(stored.companion("order_events") or b"")[0]["fillPrice"] == price
        for name, (rows, finished) in self.sessions.items():
            session = load_session(self.root / "runs" / name)
            assert len(session.rows) >= rows
            assert not finished or len(session.rows) == len(session.plan)
            assert all(row.wall_s == SPEEDS[row.variant] for row in session.rows)

    def teardown(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)


Store.TestCase.settings = settings(
    max_examples=int(os.environ.get("STATE_MACHINE_EXAMPLES", "12")),
    stateful_step_count=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
TestStore = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")(Store.TestCase)
