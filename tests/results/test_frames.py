import json
import os
import time
from pathlib import Path

import pandas as pd
import pytest

from harness.errors import DamagedError, InputError
from harness.results import frames
from harness.results.lean_results import LeanResults
from tests.results.lean_folder import document, order_event, write_lean


def test_frames_hold_the_columns(tmp_path: Path) -> None:
    results = LeanResults(write_lean(tmp_path))
    orders = frames.orders_frame(results)
    assert list(orders["id"]) == [1, 2, 3]
    assert orders["price"].dtype == "float64"
    assert orders["symbol"].tolist() == ["ALFA"] * 3
    assert orders["time"][0] == pd.Timestamp("2025-10-06T13:31:00Z")
    events = frames.order_events_frame(results)
    assert events["fillPrice"].tolist() == [0.0, 318.33]
    assert events["time"][0] == pd.Timestamp(1759757461, unit="s", tz="UTC")
    trades = frames.closed_trades_frame(results)
    assert trades.loc[0, ["symbol", "profitLoss", "isWin"]].tolist() == ["ALFA", -275.0, False]
    chart = frames.chart_frame(results, "Strategy Equity")
    assert chart["Equity"].tolist() == [1.5, 1.0]
    assert str(chart.index.tz) == "UTC"


def test_empty_results_give_empty_frames(tmp_path: Path) -> None:
    results = LeanResults(write_lean(tmp_path, sections={"orders": {}, "totalPerformance": None}, events=[]))
    for frame in (
        frames.orders_frame(results),
        frames.order_events_frame(results),
        frames.closed_trades_frame(results),
    ):
        assert len(frame) == 0
        assert "symbol" in frame or "symbolValue" in frame
    with pytest.raises(InputError, match="no chart"):
        frames.chart_frame(results, "Nothing")
    missing = LeanResults(write_lean(tmp_path / "b", events=None))
    with pytest.raises(InputError, match="order-events"):
        frames.order_events_frame(missing)


def test_parquet_gives_the_same_frames_and_is_made_once(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    for name in ("one", "two"):
        write_lean(tmp_path / name)
    seen: list[Path] = []
    before = frames.orders_frame(LeanResults(tmp_path / "one"))
    files = frames.convert(tmp_path, on_file=seen.append)
    assert len(files) == len(seen) == 6
    times = [file.stat().st_mtime_ns for file in files]
    assert frames.convert(tmp_path) == files
    assert [file.stat().st_mtime_ns for file in files] == times
    results = LeanResults(tmp_path / "one")
    pd.testing.assert_frame_equal(frames.orders_frame(results), before)
    pd.testing.assert_frame_equal(frames.order_events_frame(results), frames._order_events(results))
    pd.testing.assert_frame_equal(frames.closed_trades_frame(results), frames._closed_trades(results))


def test_a_stale_or_damaged_parquet_file_is_not_used(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    files = frames.convert(write_lean(tmp_path))
    path = tmp_path / "Algo.json"
    path.write_text(json.dumps(document(orders=7), indent=2))
    later = time.time_ns() + 5_000_000_000
    os.utime(path, ns=(later, later))
    assert len(frames.orders_frame(LeanResults(tmp_path))) == 7
    for file in files:
        file.write_bytes(b"not parquet")
    assert len(frames.orders_frame(LeanResults(tmp_path))) == 7
    frames.convert(tmp_path)
    assert all(file.read_bytes()[:4] == b"PAR1" for file in files)


def test_a_damaged_result_is_named(tmp_path: Path) -> None:
    write_lean(tmp_path, events=[order_event(1, 1, time="late")])
    with pytest.raises(DamagedError, match="Algo-order-events"):
        frames.order_events_frame(LeanResults(tmp_path))


@pytest.mark.recordings
def test_recordings_of_real_lean_become_frames(shared: Path) -> None:
    results = LeanResults(shared / "conformance" / "monkey_01" / "lean")
    assert len(frames._orders(results)) == len(results.orders)
    assert len(frames._closed_trades(results)) == len(results.closed_trades)
    assert len(frames._order_events(results)) == len(results.order_events or [])
