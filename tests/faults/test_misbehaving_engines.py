"""Whatever an engine does, the record says exactly that, nothing is left running, and the session can go on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.bench.session import load_session, run_session, start_session
from harness.engines.base import BacktestRequest, BacktestRun, Outcome
from harness.engines.embedded import EmbeddedEngine
from harness.engines.scripted import ScriptedEngine, ScriptedRun
from harness.errors import EngineError
from tests.bench.conftest import ByteInspector, make_setup  # noqa: F401 - a fixture

SCRIPT = Path(__file__).with_name("misbehaving_engine.py")
ENGINE = EmbeddedEngine(command=(sys.executable, str(SCRIPT)))


def run(tmp_path: Path, how: str, limit_s: float = 60.0) -> BacktestRun:
    folder = tmp_path / "run_01"
    folder.mkdir()
    request = BacktestRequest(
        tmp_path / "a.py", "A", tmp_path, folder, {"how": how}, time_limit_s=limit_s,
        environment={"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )  # fmt: skip
    return ENGINE.run(request)


def left_running(tmp_path: Path) -> list[str]:
    """Processes whose command line names this test's folder."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        words = process.info["cmdline"] or []
        if any(str(tmp_path) in word for word in words) and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(" ".join(words))
    return found


@pytest.mark.parametrize(
    ("how", "outcome", "says"),
    [
        ("crash before results", Outcome.ENGINE_CRASH, "killed by SIGSEGV"),
        ("crash during results", Outcome.ENGINE_CRASH, "killed by SIGKILL"),
        ("crash after results", Outcome.ABORTED_AFTER_RESULTS, "killed by SIGABRT after complete results"),
        ("partial result and exit 0", Outcome.ENGINE_CRASH, "exit code 0"),
        ("wrong encoding", Outcome.ENGINE_CRASH, "exit code 0"),
        ("no results and exit 0", Outcome.ENGINE_CRASH, "exit code 0"),
        ("exit 0 with failed state", Outcome.RUNTIME_ERROR, "on purpose"),
        ("status still running and exit 0", Outcome.INCONSISTENT, "status Running"),
    ],
)
def test_the_record_says_what_happened(tmp_path: Path, how: str, outcome: Outcome, says: str) -> None:
    ended = run(tmp_path, how)
    assert ended.outcome is outcome, ended.detail
    assert says in ended.detail
    assert "\n" not in ended.detail
    assert left_running(tmp_path) == []


@pytest.mark.parametrize("how", ["hang", "hang and ignore being asked to end", "endless output"])
def test_what_never_ends_is_ended_at_its_limit(tmp_path: Path, how: str) -> None:
    ended = run(tmp_path, how, limit_s=1.0)
    assert ended.outcome is Outcome.TIMED_OUT
    assert "not finished after 1 s" in ended.detail
    assert left_running(tmp_path) == []
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.log")) <= 64 * 2**20


def test_gigabytes_of_log_are_cut_and_the_record_says_so(tmp_path: Path) -> None:
    ended = run(tmp_path, "much output")
    assert ended.outcome is Outcome.COMPLETED
    assert any("stdout went over the size limit" in note for note in ended.notes)
    assert (tmp_path / "run_01" / "stdout.log").stat().st_size <= 64 * 2**20


def test_an_orphan_is_ended_and_named(tmp_path: Path) -> None:
    ended = run(tmp_path, "orphan")
    assert ended.outcome is Outcome.COMPLETED
    assert any("sleep" in note for note in ended.notes)
    assert not psutil.pid_exists(int((tmp_path / "run_01" / "orphan.pid").read_text()))


def test_a_session_stops_with_the_reason_and_goes_on_when_it_is_gone(tmp_path: Path, make_setup: Any) -> None:  # noqa: F811
    folder = tmp_path / "session"
    start_session(make_setup(pairs=1, warmups=0, control_runs=0), folder)
    crash = ScriptedRun(outcome=Outcome.ENGINE_CRASH, detail="killed by SIGSEGV")
    with pytest.raises(EngineError, match=r"ended as engine_crash: killed by SIGSEGV.*--resume"):
        run_session(folder, ScriptedEngine({"base": [crash], "new": [crash]}), ByteInspector())
    assert [row.outcome for row in load_session(folder).rows] == [Outcome.ENGINE_CRASH]
    good = {"base": [ScriptedRun(wall_s=1.0)], "new": [ScriptedRun(wall_s=0.5)]}
    done = run_session(folder, ScriptedEngine(good), ByteInspector())
    assert len(done.rows) == len(done.plan)
    assert all(row.completed for row in done.rows)
