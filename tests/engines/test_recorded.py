"""Everything that real Lean left in the recordings goes through readers, diff and report as it is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.parity.diff import diff_results
from harness.parity.rules import ParityRules
from harness.results.lean_results import LeanResults

SHARED = Path(__file__).resolve().parents[3] / "shared"
RUNS, CASES = SHARED / "lean-runs", SHARED / "conformance"
CASE_FOLDERS = sorted(path.parent for path in CASES.glob("*/lean")) if CASES.is_dir() else []

pytestmark = [
    pytest.mark.recordings,
    pytest.mark.skipif(not CASE_FOLDERS or not RUNS.is_dir(), reason="the recordings are not beside the project"),
]


@pytest.mark.parametrize("case", CASE_FOLDERS, ids=lambda path: path.name)
def test_a_recording_is_read_and_equals_itself(case: Path) -> None:
    left, right = LeanResults(case / "lean"), LeanResults(case / "lean")
    assert left.status in ("Completed", "RuntimeError")
    assert len(left.orders) == int(left.state["OrderCount"])
    if left.order_events is not None:
        assert {event.order_id for event in left.order_events} == {order.id for order in left.orders}
    report = diff_results(left, right, ParityRules(allow_zero_orders=True))
    assert report.identical, report.summary_line


def test_a_session_of_recorded_results_is_reported(launcher_folder: Path, tmp_path: Path) -> None:
    """The folder as Lean left it is what every run of the session leaves; one run of another folder is a difference."""
    settings = f"""
[algorithm]
file = "{CASES / "market_minute" / "algorithm.py"}"
class = "MarketMinute"
[engines.launcher]
folder = "{launcher_folder}"
[bench]
warmups = 0
control_runs = 0
[variants.baseline]
parameters = {{ replay = "{RUNS / "ok" / "results"}" }}
[variants.optimized]
parameters = {{ replay = "{{candidate}}" }}
[scenarios.default]
data = {{ folder = "{CASES / "data"}", synthetic = false }}
"""
    other = tmp_path / "other"
    other.mkdir()
    for path in (RUNS / "ok" / "results").iterdir():
        data = path.read_bytes()
        if path.name == "MarketMinute-order-events.json":
            data = data.replace(b'"fillQuantity":100.0', b'"fillQuantity":101.0')
            assert data != path.read_bytes()
        (other / path.name).write_bytes(data)
    for number, (candidate, identical) in enumerate([(RUNS / "ok" / "results", True), (other, False)]):
        (tmp_path / "harness.toml").write_text(settings.replace("{candidate}", str(candidate)))
        words = ["bench", "--engine", "launcher", "--pairs", "1", "--session", f"s{number}", "--json"]
        done = subprocess.run(
            [sys.executable, "-m", "harness.cli", *words],
            cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        report = json.loads(done.stdout)
        assert report["parity"]["identical"] is identical, done.stderr
        assert report["environment"]["engine"]["version"] == "Lean 2.5.0.0"
        assert report["parity"]["order_events"] == 24
        assert done.returncode == 1 or identical
