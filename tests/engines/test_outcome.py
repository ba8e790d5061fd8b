"""How a backtest ended, from its exit code and files: given ones, and recordings of real Lean."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.engines.base import BacktestRequest, Outcome
from harness.engines.checks import check_request
from harness.engines.outcome import read_ending

RECORDINGS = Path(__file__).resolve().parents[3] / "shared"


def request(folder: Path, **changes: object) -> BacktestRequest:
    fields = {
        "algorithm_file": folder / "main.py",
        "algorithm_class": "A",
        "data_folder": folder / "data",
        "run_folder": folder,
    }
    return BacktestRequest(**{**fields, **changes})  # type: ignore[arg-type]


def write(folder: Path, status: str = "Completed", error: str = "") -> None:
    (folder / "lean").mkdir(exist_ok=True)
    document = {"state": {"Status": status, "RuntimeError": error}, "statistics": {}}
    for name in ("A.json", "A-summary.json"):
        (folder / "lean" / name).write_text(json.dumps(document, indent=2))


@pytest.mark.parametrize(
    ("status", "error", "exit_code", "outcome"),
    [
        ("Completed", "", 0, Outcome.COMPLETED),
        ("Completed", "", 134, Outcome.ABORTED_AFTER_RESULTS),
        ("Completed", "", -6, Outcome.ABORTED_AFTER_RESULTS),
        ("RuntimeError", "2025 Runtime Error: x", 1, Outcome.RUNTIME_ERROR),
        ("RuntimeError", "2025 During the algorithm initialization, the following", 1, Outcome.INITIALIZE_ERROR),
        ("Running", "", 0, Outcome.INCONSISTENT),
        ("Completed", "something", 0, Outcome.RUNTIME_ERROR),
    ],
)
def test_endings(tmp_path: Path, status: str, error: str, exit_code: int, outcome: Outcome) -> None:
    write(tmp_path, status, error)
    assert read_ending(request(tmp_path), exit_code).outcome is outcome


def test_a_time_out_is_one_whatever_was_written(tmp_path: Path) -> None:
    write(tmp_path)
    ending = read_ending(request(tmp_path, time_limit_s=5.0), -9, timed_out=True)
    assert ending.outcome is Outcome.TIMED_OUT
    assert "not finished after 5 s" in ending.detail


def test_without_results_the_last_words_are_told(tmp_path: Path) -> None:
    (tmp_path / "lean").mkdir()
    (tmp_path / "stderr.log").write_text("first\nImportError: no module\n\n")
    ending = read_ending(request(tmp_path), -11)
    assert ending.outcome is Outcome.ENGINE_CRASH
    assert ending.detail == "killed by SIGSEGV, ImportError: no module"


def test_a_message_with_an_excerpt_below_it_is_told_by_its_first_line(tmp_path: Path) -> None:
    (tmp_path / "lean").mkdir()
    (tmp_path / "stderr.log").write_text(
        "engine: During the algorithm initialization, the following exception has occurred: No module x\n"
        "  at <module>\n    import x\n in a.py: line 2\n\n"
    )
    ending = read_ending(request(tmp_path), 1)
    assert ending.outcome is Outcome.INITIALIZE_ERROR
    assert ending.detail.endswith("No module x")


@pytest.mark.recordings
@pytest.mark.parametrize(
    ("case", "outcome"),
    [
        ("market_minute", Outcome.COMPLETED),
        ("runtime_error", Outcome.RUNTIME_ERROR),
        ("init_error", Outcome.INITIALIZE_ERROR),
    ],
)
def test_real_lean(case: str, outcome: Outcome) -> None:
    folder = RECORDINGS / "conformance" / case
    if not folder.is_dir():
        pytest.skip("the recordings of real Lean are not beside the project")
    recording = json.loads((folder / "recording.json").read_text())
    given = request(folder, algorithm_class=recording["class"])
    assert read_ending(given, recording["exit_code"]).outcome is outcome


def problems(folder: Path, source: str, **changes: object) -> list[str]:
    (folder / "main.py").write_text(source)
    for name in ("market-hours/market-hours-database.json", "symbol-properties/symbol-properties-database.csv"):
        (folder / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "data" / name).touch()
    return check_request(request(folder, **changes))


def test_a_good_request_has_no_problem(tmp_path: Path) -> None:
    assert problems(tmp_path, "from AlgorithmImports import *\nclass A(QCAlgorithm): pass\n") == []
    assert problems(tmp_path, "from other import A\n") == []


@pytest.mark.parametrize(
    ("source", "changes", "expected"),
    [
        ("class B: pass", {}, "no class 'A' in it; it has B"),
        ("", {}, "it has no class"),
        ("def (", {}, "line 1: not valid Python"),
        ("class A: pass", {"parameters": {"k": "a,b"}}, "parameter 'k' = 'a,b'"),
        ("class A: pass", {"parameters": {"k": "a:b"}}, "use other separators"),
        ("class A: pass", {"data_folder": Path("/nonexistent/x")}, "data folder not found"),
        ("class A: pass", {"algorithm_file": Path("/nonexistent/x.py")}, "algorithm file not found"),
    ],
)
def test_problems_are_one_line_each(tmp_path: Path, source: str, changes: dict[str, object], expected: str) -> None:
    found = problems(tmp_path, source, **changes)
    assert len(found) == 1
    assert expected in found[0]
