"""Logs, lists and files of real Lean, as recorded, and lines in their form."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.engines.base import BacktestRequest, Outcome
from harness.engines.data_requests import missing_data, request_lists
from harness.engines.lean_log import epoch, parse_log, read_log, split_phases
from harness.engines.lean_outcome import Allowances, inconsistencies, judge
from harness.parity.diff import diff_results
from harness.results.lean_results import LeanResults

RUNS = Path(__file__).resolve().parents[3] / "shared" / "lean-runs"
PHASES = ["engine_start", "python_start", "import", "initialize", "algorithm", "results", "shutdown"]

recorded = [
    pytest.mark.recordings,
    pytest.mark.skipif(not RUNS.is_dir(), reason="the recorded folders of real Lean are not beside the project"),
]
IDS = {"ok": "MarketMinute", "perf_sample": "PerfSample", "runtime_error": "RuntimeErrorCase",
       "init_error": "InitErrorCase", "no_such_class": "NoSuchClass", "no_such_file": "NoSuchFile"}  # fmt: skip


def recorded_run(name: str, tmp_path: Path) -> tuple[BacktestRequest, int]:
    """The recorded folder in the place where an engine leaves it, and the recorded exit code."""
    (tmp_path / "lean").symlink_to(RUNS / name / "results")
    (tmp_path / "stderr.log").write_text("")
    (tmp_path / "stdout.log").write_text((RUNS / name / "console.txt").read_text())
    exit_code = int((RUNS / name / "exit.txt").read_text().rpartition("=")[2])
    return BacktestRequest(Path("main.py"), IDS[name], Path("data"), tmp_path), exit_code


class TestRecorded:
    pytestmark = recorded

    def test_phases_of_a_whole_run(self) -> None:
        log = read_log(RUNS / "ok" / "results" / "log.txt")
        started, wall_s = epoch("2026-11-20T22:11:34.100+00:00"), 7.0
        phases = split_phases(log, started, wall_s)
        assert list(phases) == PHASES
        assert sum(phases.values()) == pytest.approx(wall_s, abs=1e-6)
        assert phases["import"] == pytest.approx(1.5477, abs=1e-3)
        assert phases["initialize"] == pytest.approx(0.3158, abs=1e-3)
        assert phases["algorithm"] == pytest.approx(0.2557, abs=1e-3)
        # Half of this short run is the end of Python, after all results are on disk.
        assert phases["shutdown"] > 3.7

    def test_phases_after_a_failed_initialize(self) -> None:
        log = read_log(RUNS / "init_error" / "results" / "log.txt")
        phases = split_phases(log, epoch("2026-11-20T22:11:20.500Z"), 6.5)
        assert "algorithm" not in phases
        assert sum(phases.values()) == pytest.approx(6.5, abs=1e-6)

    def test_no_phase_is_ended_when_the_file_is_missing(self) -> None:
        log = read_log(RUNS / "no_such_file" / "results" / "log.txt")
        assert (log.version, log.mode) == ("2.5.0.0", "RELEASE")
        assert split_phases(log, 0.0, 1.0) == {"engine_start": 1.0}

    def test_completion_and_version(self) -> None:
        log = read_log(RUNS / "ok" / "results" / "log.txt")
        assert log.completion is not None
        assert log.completion.algorithm_id == "MarketMinute"
        assert (log.completion.seconds, log.completion.data_points) == (0.27, 1199)
        assert log.order_list_hash == "7b9d6ce3b67877e5c772a917830d4216"
        assert log.requests == {"total": 9, "succeeded": 6, "failed": 3}
        assert log.timers is None

    def test_leans_own_stage_timers(self) -> None:
        timers = read_log(RUNS / "perf_sample" / "results" / "log.txt").timers
        assert timers is not None
        assert timers.seconds == {
            "OnData": 0.2, "DataSubscription": 0.2, "SliceCreation": 0.3, "Selection": 0.0, "Schedule": 0.0,
            "Consolidators": 0.2, "Securities": 0.3, "Transactions": 0.1, "SplitsDividendsDelisting": 0.1,
        }  # fmt: skip
        assert (timers.data_points, timers.active_securities) == (140429, 3)

    @pytest.mark.parametrize(
        ("name", "outcome", "text"),
        [
            ("ok", Outcome.COMPLETED, ""),
            (
                "perf_sample",
                Outcome.MISSING_DATA,
                "3 data files of subscribed symbols not there: equity/usa/second/zulu",
            ),
            ("runtime_error", Outcome.RUNTIME_ERROR, "deliberate"),
            ("init_error", Outcome.INITIALIZE_ERROR, "deliberate failure in initialize"),
            ("no_such_file", Outcome.ENGINE_CRASH, "exit code 134"),
        ],
    )
    def test_outcomes(self, tmp_path: Path, name: str, outcome: Outcome, text: str) -> None:
        request, exit_code = recorded_run(name, tmp_path)
        log = read_log(request.results_folder / "log.txt")
        ending = judge(request, exit_code, False, log, Allowances())
        assert ending.outcome is outcome
        assert text in ending.detail

    def test_missing_data_can_be_allowed_and_is_counted(self, tmp_path: Path) -> None:
        request, exit_code = recorded_run("perf_sample", tmp_path)
        log = read_log(request.results_folder / "log.txt")
        ending = judge(request, exit_code, False, log, Allowances(missing_data=True))
        assert ending.outcome is Outcome.COMPLETED
        assert ending.notes[0].startswith("6 data requests failed: equity/usa/second/zulu/")

    @pytest.mark.parametrize("allowed", [False, True])
    def test_an_abort_at_shutdown(self, tmp_path: Path, allowed: bool) -> None:
        request, _ = recorded_run("ok", tmp_path)
        log = read_log(request.results_folder / "log.txt")
        assert inconsistencies(request) == []
        ending = judge(request, 134, False, log, Allowances(abort_after_results=allowed))
        assert ending.outcome is (Outcome.COMPLETED if allowed else Outcome.ABORTED_AFTER_RESULTS)

    def test_a_class_that_does_not_exist_ran_the_only_one(self) -> None:
        """Exit code 0, status Completed, the same results: nothing after the run tells; it is checked before."""
        report = diff_results(LeanResults(RUNS / "ok" / "results"), LeanResults(RUNS / "no_such_class" / "results"))
        assert report.identical

    def test_a_recorded_folder_is_identical_to_itself_and_different_from_another(self) -> None:
        ok = LeanResults(RUNS / "ok" / "results")
        assert diff_results(ok, LeanResults(RUNS / "ok" / "results")).identical
        assert not diff_results(ok, LeanResults(RUNS / "perf_sample" / "results")).identical

    def test_request_lists(self) -> None:
        succeeded, failed = request_lists(RUNS / "ok" / "results")
        assert (len(succeeded), len(failed)) == (6, 3)
        assert missing_data(succeeded, failed) == []


def test_only_the_last_start_counts() -> None:
    """Lean appends to an old log."""
    old = "2025-01-01T00:00:0{}.0000000Z TRACE:: "
    lines = [
        old.format(0) + "Engine.Main(): LEAN ALGORITHMIC TRADING ENGINE v1.0 Mode: DEBUG (64bit) Host: a",
        old.format(1) + "PythonInitializer.Initialize(): start...",
        old.format(5) + "Engine.Main(): LEAN ALGORITHMIC TRADING ENGINE v2.0 Mode: RELEASE (64bit) Host: a",
        old.format(7) + "PythonInitializer.Initialize(): start...",
        old.format(8) + "Log: 2025-10-01 Engine.Run(): Exiting Algorithm Manager",
    ]
    log = parse_log(lines)
    assert (log.version, log.mode) == ("2.0", "RELEASE")
    assert log.marks == {"engine_start": epoch("2025-01-01T00:00:07Z")}
    assert split_phases(log, epoch("2025-01-01T00:00:04Z"), 6.0) == {"engine_start": 3.0, "python_start": 3.0}


def test_a_log_that_is_not_one_tells_nothing(tmp_path: Path) -> None:
    assert read_log(tmp_path / "none.txt").marks == {}
    (tmp_path / "log.txt").write_bytes(b"\xff\xfe\x00 TRACE:: PythonInitializer.Initialize(): start\n\n")
    assert split_phases(read_log(tmp_path / "log.txt"), 0.0, 1.0) == {}


def test_clocks_that_disagree_never_make_a_negative_phase() -> None:
    log = parse_log(["2025-01-01T00:00:09.0000000Z TRACE:: PythonInitializer.Initialize(): start..."])
    phases = split_phases(log, epoch("2025-01-01T00:00:10Z"), 1.0)
    assert min(phases.values()) >= 0
    assert sum(phases.values()) == pytest.approx(1.0)


def test_which_failed_requests_are_missing_data() -> None:
    succeeded = ["/equity/usa/second/a/20251001_trade.zip", "/equity/usa/second/b/20251001_quote.zip"]
    failed = [
        "/equity/usa/second/a/20251001_quote.zip",  # trades are there
        "/equity/usa/second/b/20251001_trade.zip",  # quotes are there
        "/equity/usa/second/a/20251002_quote.zip",
        "/equity/usa/second/a/20251002_trade.zip",
        "/equity/usa/hour/spy.zip",  # the benchmark
        "/alternative/interest-rate/usa/interest-rate.csv",
        "/equity/usa/daily/a.zip",
    ]
    assert missing_data(succeeded, failed) == ["/equity/usa/daily/a.zip", "/equity/usa/second/a/20251002_trade.zip"]
