"""The chart "Performance", by Lean's ``PerformanceTrackingTool`` and a recording of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.embedded.clock import to_us
from harness.embedded.performance_tracking import NEVER_US, PerformanceTracker
from tests.embedded.results.fake_engine import START, ZONE

_SHARED = Path(__file__).parents[3] / "shared"


@pytest.mark.skipif(not (_SHARED / "lean-runs").is_dir(), reason="needs the recordings of real Lean")
def test_series_times_and_counts_are_those_of_a_recording(tmp_path: Path) -> None:
    case = _SHARED / "lean-runs" / "perf_sample"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "harness.embedded", "--data-folder", str(_SHARED / "conformance" / "data")),
            *("--algorithm-location", str(case / "algorithm.py"), "--algorithm-type-name", "PerfSample"),
            *("--results-destination-folder", str(tmp_path)),
        ],
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0

    def series_of(folder: Path) -> dict[str, Any]:
        charts = json.loads((folder / "PerfSample.json").read_text("utf-8"))["charts"]
        found: dict[str, Any] = charts["Performance"]["series"]
        return found

    lean, ours = series_of(case / "results"), series_of(tmp_path)
    for name, series in lean.items():
        mine = ours[name]
        assert {key: series[key] for key in series if key != "values"} == {
            key: mine[key] for key in series if key != "values"
        }
        assert [point[0] for point in series["values"]] == [point[0] for point in mine["values"]], name
    assert set(lean) == set(ours)
    for name in ("DataPoints", "HistoryDataPoints", "ActiveSecurities"):
        assert ours[name]["values"] == lean[name]["values"]
    line = next(line for line in (tmp_path / "PerfSample-log.txt").read_text().splitlines() if " Dps " in line)
    assert line.startswith("2025-10-08 16:00:00 Dps 140429. HistoryDps 0. TotalRuntime: 00:0")
    assert line.endswith("s. ActiveSecurities: 3")


def test_off_by_default() -> None:
    from datetime import timedelta

    algorithm = SimpleNamespace(settings=SimpleNamespace(performance_sample_period=timedelta(0)))
    tracker = PerformanceTracker(algorithm, lambda: 0)
    assert not tracker.is_on
    assert tracker.next_us == NEVER_US > to_us(START + ZONE)
