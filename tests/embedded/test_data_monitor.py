"""The embedded engine leaves Lean's lists of data requests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.embedded.results.data_monitor import store_data_requests
from harness.engines.data_requests import request_lists

SHARED = Path(__file__).resolve().parents[3] / "shared"


def test_counts_are_rounded_as_lean_rounds_them(tmp_path: Path) -> None:
    """``DataMonitorReport.GetPercentage``: Math.Round, half to even, of 1/8 = 12.5 %; written as a double."""
    requests = {tmp_path / f"equity/usa/minute/a/{day}_trade.zip": day > 1 for day in range(1, 9)}
    store_data_requests(requests, tmp_path, tmp_path)
    (report,) = tmp_path.glob("data-monitor-report-*.json")
    assert report.read_text() == (
        '{"succeeded-data-requests-count":7,"failed-data-requests-count":1,"succeeded-universe-data-requests-count":0,'
        '"failed-universe-data-requests-count":0,"total-data-requests-count":8,"failed-data-requests-percentage":12.0,'
        '"total-universe-data-requests-count":0,"failed-universe-data-requests-percentage":0.0,"data-request-rates":[]}'
    )
    (failed,) = tmp_path.glob("failed-data-requests-*.txt")
    assert failed.read_text() == "/equity/usa/minute/a/1_trade.zip\n"


@pytest.mark.recordings
def test_the_lists_of_a_recorded_run(tmp_path: Path) -> None:
    """What real Lean did not find in a recorded run; of what it found, the market data."""
    case = SHARED / "conformance" / "market_minute"
    if not case.is_dir():
        pytest.skip("the recordings of real Lean are not beside the project")
    name = json.loads((case / "recording.json").read_text())["class"]
    words = ["--data-folder", str(SHARED / "conformance" / "data"), "--algorithm-location", str(case / "algorithm.py")]
    words += ["--algorithm-type-name", name, "--results-destination-folder", str(tmp_path)]
    subprocess.run([sys.executable, "-m", "harness.embedded", *words], check=True, capture_output=True, timeout=120)
    expected_found, expected_failed = request_lists(SHARED / "lean-runs" / "ok" / "results")
    found, failed = request_lists(tmp_path)
    assert failed == expected_failed
    assert set(found) <= set(expected_found)
    assert {path for path in expected_found if "/minute/" in path or "/hour/" in path} <= set(found)
