import json
import os
import sys
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


def test_frames_column_by_column(tmp_path: Path) -> None:
    sections = document(orders=2)
    trade = sections["totalPerformance"]["closedTrades"][0]
    sections["totalPerformance"]["closedTrades"] = [trade, {**trade, "symbols": []}]
    sections["charts"]["Strategy Equity"]["series"]["Whole"] = {
        "name": "Whole",
        "values": [[1759809600, 2], [0, 1], [0, 3]],
    }
    results = LeanResults(write_lean(tmp_path, sections=sections))
    trades = frames.closed_trades_frame(results)
    assert list(trades)[:3] == ["symbol", "entryTime", "exitTime"]
    assert trades["symbol"].tolist() == ["ALFA", ""]
    assert list(frames.orders_frame(results))[:3] == ["id", "symbol", "type"]
    for frame, names in ((trades, ("entryTime", "exitTime")), (frames.orders_frame(results), ("time", "lastFillTime"))):
        assert {str(frame[name].dt.tz) for name in names} == {"UTC"}
    chart = frames.chart_frame(results, "Strategy Equity")
    assert {str(dtype) for dtype in chart.dtypes} == {"float64"}
    assert chart.index.tolist() == [
        pd.Timestamp(second, unit="s", tz="UTC") for second in (0, 1759723200, 1759809600)
    ]  # fmt: skip
    assert chart["Whole"].tolist()[::2] == [3.0, 2.0]  # the last of two at one time
    path = tmp_path / "Algo.json"
    with pytest.raises(InputError) as raised:
        frames.chart_frame(results, "No")
    assert str(raised.value) == f"{path}: no chart 'No'; there are Strategy Equity"
    none = LeanResults(write_lean(tmp_path / "none", sections=document(charts={})))
    with pytest.raises(InputError, match=r"there are none$"):
        frames.chart_frame(none, "No")


def test_each_frame_comes_from_its_own_file_and_notices_its_own_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    files = frames.convert(write_lean(tmp_path))
    kinds = {"orders": frames.orders_frame, "closed-trades": frames.closed_trades_frame,
             "order-events": frames.order_events_frame}  # fmt: skip
    assert [file.name for file in files] == [f"Algo-{kind}.parquet" for kind in kinds]
    results = LeanResults(tmp_path)
    before = {kind: frame(results) for kind, frame in kinds.items()}
    for builder in ("_orders", "_closed_trades", "_order_events"):
        monkeypatch.setattr(frames, builder, lambda results: pd.DataFrame({"made": ["anew"]}))
    for kind, frame in kinds.items():
        pd.testing.assert_frame_equal(frame(results), before[kind])
        assert parquet.read_schema(tmp_path / ".harness-cache" / f"Algo-{kind}.parquet").names == list(before[kind])
    (tmp_path / "Algo-order-events.json").write_text(json.dumps([order_event(9, 9)]))
    assert [list(frame(LeanResults(tmp_path))) == ["made"] for frame in kinds.values()] == [False, False, True]
    (tmp_path / "Algo.json").write_text(json.dumps(document(orders=9)))
    assert [list(frame(LeanResults(tmp_path))) for frame in kinds.values()] == [["made"]] * 3
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(InputError) as raised:
        frames.convert(tmp_path)
    assert str(raised.value) == "Parquet files need pyarrow; install it with pip install 'lean-backtest-harness[fast]'"


def test_what_is_no_point_is_left_out_of_a_chart(tmp_path: Path) -> None:
    def series(values: list[object]) -> dict[str, object]:
        return {"name": "S", "series": {"S": {"name": "S", "values": values}}}

    charts = {"Odd": series([[1], {"x": 1, "y": 2}, [2, 5], []]), "Whole": series([[1, 3]]), "None": series([])}
    results = LeanResults(write_lean(tmp_path, sections={"charts": charts}))
    assert frames.chart_frame(results, "Odd")["S"].tolist() == [5.0]
    for name, values in (("Whole", [3.0]), ("None", [])):
        column = frames.chart_frame(results, name)["S"]
        assert (column.tolist(), str(column.dtype)) == (values, "float64")
    with pytest.raises(InputError, match=r"Algo\.json: no chart 'No'; there are Odd, Whole, None$"):
        frames.chart_frame(results, "No")


def test_every_lean_result_is_converted_and_told(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    (tmp_path / "before").mkdir()
    (tmp_path / "before" / "plain.json").write_text("{}")
    for name in ("One", "Two"):
        write_lean(tmp_path / "s", name, events=None if name == "One" else "two")
    seen: list[Path] = []
    files = frames.convert(tmp_path, on_file=seen.append)
    cache = tmp_path / "s" / ".harness-cache"
    assert files == seen == [
        cache / f"{name}.parquet"
        for name in ("One-orders", "One-closed-trades", "Two-orders", "Two-closed-trades", "Two-order-events")
    ]  # fmt: skip
    assert {parquet.ParquetFile(file).metadata.row_group(0).column(0).compression for file in files} == {"ZSTD"}


def test_a_side_file_is_a_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    pyarrow = pytest.importorskip("pyarrow")
    wanted: list[dict[str, object]] = []
    real = frames.write_bytes
    monkeypatch.setattr(frames, "write_bytes", lambda *args, **given: wanted.append(given) or real(*args, **given))
    frames.convert(write_lean(tmp_path))
    assert wanted == [{"durable": False}] * 3
    events = tmp_path / ".harness-cache" / "Algo-order-events.parquet"
    before = frames.order_events_frame(LeanResults(tmp_path))
    for metadata in (None, {b"another": b"1"}, {b"harness.source": b"1"}, {b"harness.source": b"[1]"}):
        table = pyarrow.table({"made": ["by another"]}).replace_schema_metadata(metadata)
        parquet.write_table(table, events)
        pd.testing.assert_frame_equal(frames.order_events_frame(LeanResults(tmp_path)), before)
    frames.convert(tmp_path)
    (tmp_path / "Algo-order-events.json").unlink()
    with pytest.raises(InputError) as raised:
        frames.order_events_frame(LeanResults(tmp_path))
    assert str(raised.value) == f"{tmp_path}: no order events in it"


def test_a_document_without_orders_or_trades_gives_empty_frames(tmp_path: Path) -> None:
    results = LeanResults(write_lean(tmp_path, sections={"statistics": {}}))
    assert (len(frames.orders_frame(results)), len(frames.closed_trades_frame(results))) == (0, 0)


def test_times_with_and_without_fractions_stand_beside_each_other(tmp_path: Path) -> None:
    sections = document(orders=2)
    sections["orders"]["2"]["time"] = "2025-10-06T13:31:00.25Z"
    trade = sections["totalPerformance"]["closedTrades"][0]
    sections["totalPerformance"]["closedTrades"].append({**trade, "exitTime": "2025-10-06T15:30:00.5Z"})
    results = LeanResults(write_lean(tmp_path, sections=sections))
    assert frames.orders_frame(results)["time"].tolist() == [
        pd.Timestamp("2025-10-06T13:31:00Z"),
        pd.Timestamp("2025-10-06T13:31:00.25Z"),
    ]
    assert frames.closed_trades_frame(results)["exitTime"][1] == pd.Timestamp("2025-10-06T15:30:00.5Z")
