"""Ingestion: every format, every fault, and rows that add up."""

from __future__ import annotations

import builtins
import datetime as dt
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.fast.bars import NS_PER_S, Bars
from harness.fast.choices import InputFormat
from harness.fast.errors import FastPathError, IngestError
from harness.fast.ingest import csv_reader
from harness.fast.ingest.clean import UNKNOWN_TIME, CleanOptions, RawBars, clean
from harness.fast.ingest.column_cache import ColumnCache
from harness.fast.ingest.load import LoadOptions, detect_format, load_dataset
from harness.fast.ingest.report import Dropped, IngestReport
from harness.marketdata import lean_format

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")

START = np.datetime64("2025-10-01T09:30:00", "ns").astype(np.int64)
HEADER = "time,open,high,low,close,volume"


def line(number: int, *, time: str | None = None, price: float = 100.0, volume: float = 5.0) -> str:
    stamp = time or str(np.datetime64(int(START) + number * 15 * NS_PER_S, "ns"))[:19]
    return f"{stamp},{price},{price + 1},{price - 1},{price + 0.5},{volume}"


def write(path: Path, lines: list[str], header: str | None = HEADER) -> Path:
    path.write_text("\n".join([*([header] if header else []), *lines]) + "\n", encoding="utf-8")
    return path


def load(path: Path, **options: Any) -> tuple[Bars, IngestReport, tuple[str, ...]]:
    dataset = load_dataset(path, LoadOptions(**options))
    (bars,), (report,) = dataset.bars, dataset.reports
    return bars, report, dataset.warnings


# CSV ---------------------------------------------------------------------------------------------------------------


def test_a_clean_file(tmp_path: Path) -> None:
    bars, report, warnings = load(
        write(tmp_path / "spy.csv", [line(number, price=100 + number) for number in range(9)])
    )
    assert bars.symbol == "SPY"
    assert (bars.time_ns - START).tolist() == [number * 15 * NS_PER_S for number in range(9)]
    assert bars.open.tolist() == [100.0 + number for number in range(9)]
    assert bars.close.tolist() == [100.5 + number for number in range(9)]
    assert bars.volume.tolist() == [5.0] * 9
    assert (report.rows_in, report.rows_out, report.cadence_s, report.sessions) == (9, 9, 15.0, 1)
    assert warnings == ()


@pytest.mark.parametrize(
    ("times", "header"),
    [
        (["2025-10-01 09:30:00", "2025-10-01 09:30:15"], HEADER),
        (["2025-10-01T09:30:00.000", "2025-10-01T09:30:15.000"], HEADER),
        (["2025-10-01T13:30:00Z", "2025-10-01T13:30:15Z"], HEADER),
        (["2025-10-01T09:30:00-04:00", "2025-10-01T09:30:15-04:00"], HEADER),
        (["20251001 09:30:00", "20251001 09:30:15"], HEADER),
        (["1759311000", "1759311015"], HEADER),
        (["1759311000000", "1759311015000"], HEADER),
        (["1759311000000000000", "1759311015000000000"], HEADER),
        (["2025-10-01 09:30:00", "2025-10-01 09:30:15"], None),
        (["2025-10-01 09:30:00", "2025-10-01 09:30:15"], "Date,O,H,L,C,Vol"),
        (["2025-10-01 09:30:00", "2025-10-01 09:30:15"], '"Timestamp","Open","High","Low","Close","Volume"'),
    ],
)
@pytest.mark.parametrize("with_arrow", [True, False])
def test_times_and_headers_of_all_kinds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: list[str], header: str | None, with_arrow: bool
) -> None:
    if not with_arrow:
        without_pyarrow(monkeypatch)
    bars, _, warnings = load(write(tmp_path / "a.csv", [line(0, time=time) for time in times], header))
    assert (bars.time_ns - START).tolist() == [0, 15 * NS_PER_S]
    assert warnings == (() if with_arrow else (csv_reader.NO_PYARROW,))


def without_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *arguments: Any, **keywords: Any) -> Any:
        if name.split(".", maxsplit=1)[0] == "pyarrow":
            raise ImportError(name)
        return real(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", refuse)


def test_other_delimiters_windows_lines_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    text = "\r\n".join([HEADER, *(line(number) for number in range(3))]).replace(",", ";")
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    bars, report, _ = load(path)
    assert len(bars) == report.rows_in == 3


def test_every_fault_is_counted_once_and_the_rows_add_up(tmp_path: Path) -> None:
    lines = [
        line(0),
        line(2, price=103.0),
        line(1),
        line(2),
        "",
        "2025-10-01 09:31:00,1,2",
        line(5, price=7.0).replace(",7.0,", ",abc,"),
        line(6, time="yesterday"),
        line(7, price=-3.0),
        f"{line(8).split(',')[0]},10,9,8,10,5",
        line(9, volume=-1),
        line(10).rsplit(",", 1)[0] + ",",
        line(20),
        line(0),
    ]
    bars, report, warnings = load(write(tmp_path / "a.csv", lines))
    assert report.dropped == Dropped(blank=1, malformed=1, unreadable=3, invalid=3, duplicate=2)
    assert (report.rows_in, report.rows_out) == (14, 4)
    assert (report.out_of_order, report.conflicting) == (2, 1)
    assert (report.gaps, report.missing_bars) == (1, 17)
    assert report.listed_gaps[0].after == "2025-10-01T09:30:30"
    assert bars.open.tolist() == [100.0, 100.0, 103.0, 100.0]
    assert len(warnings) == 4
    assert "10 of 14 rows dropped" in warnings[0]


def test_pieces_give_the_same_as_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [line(number, price=50 + number % 7) for number in range(500)]
    lines[77] = "broken"
    lines[200] = ""
    lines[333] = line(333, price=9).replace(",9,", ",x,")
    path = write(tmp_path / "a.csv", lines)
    whole, report, _ = load(path)
    monkeypatch.setattr(csv_reader, "PIECE_BYTES", 300)
    for fraction, portions in ((1.0, 1), (0.5, 2), (0.3, 4)):
        parts = [load(path, fraction=fraction, portion=portion) for portion in range(1, portions + 1)]
        assert np.concatenate([bars.time_ns for bars, _, _ in parts]).tolist() == whole.time_ns.tolist()
        assert np.concatenate([bars.close for bars, _, _ in parts]).tolist() == whole.close.tolist()
        assert sum(part.rows_in for _, part, _ in parts) == report.rows_in == 500
        assert {part.source_rows for _, part, _ in parts} == {500 if fraction == 1.0 else None}
        assert all(abs(part.rows_in - 500 * fraction) < 10 for _, part, _ in parts[: int(1 / fraction)])


def test_a_file_with_a_symbol_column(tmp_path: Path) -> None:
    lines = [f"{symbol},{line(number)}" for number in range(4) for symbol in ("msft", "aapl")]
    path = write(tmp_path / "all.csv", lines, "symbol," + HEADER)
    dataset = load_dataset(path, LoadOptions())
    assert [bars.symbol for bars in dataset.bars] == ["AAPL", "MSFT"]
    assert [len(bars) for bars in dataset.bars] == [4, 4]
    half = load_dataset(path, LoadOptions(fraction=0.5, portion=2, symbols=("MSFT",)))
    assert half.bars[0].time_ns.tolist() == dataset.bars[1].time_ns[2:].tolist()
    with pytest.raises(IngestError, match="no data for TSLA"):
        load_dataset(path, LoadOptions(symbols=("TSLA",)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("time,open,high,low,close\n", "no column for volume"),
        ("1,2,3\n", "no header and 3 columns"),
        (f"{HEADER}\n5,1,1,1,1,1\n", "the time 5"),
        ("a\0b", "is not text"),
    ],
)
def test_files_that_cannot_be_read_say_why(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(IngestError, match=message) as caught:
        load(path)
    assert "\n" not in str(caught.value)


def test_a_header_alone_gives_no_bars(tmp_path: Path) -> None:
    bars, report, _ = load(write(tmp_path / "a.csv", []))
    assert (len(bars), report.rows_in, report.sessions) == (0, 0, 0)


# Cleaning ----------------------------------------------------------------------------------------------------------


@st.composite
def raw_rows(draw: st.DrawFn) -> RawBars:
    count = draw(st.integers(0, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    time_ns = START + rng.integers(0, 40, count) * 15 * NS_PER_S
    table = rng.integers(8, 12, (5, count)).astype(float)
    if draw(st.booleans()):
        time_ns[rng.random(count) < 0.1] = UNKNOWN_TIME
        table[rng.random(table.shape) < 0.05] = np.nan
        table[rng.random(table.shape) < 0.02] = np.inf
        table[rng.random(table.shape) < 0.02] = -1.0
    blank, malformed = draw(st.integers(0, 3)), draw(st.integers(0, 3))
    return RawBars(Bars.of("TEST", (time_ns, *table)), count + blank + malformed, blank, malformed)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(raw_rows(), st.booleans(), st.booleans())
def test_cleaning_equals_the_row_by_row_rule(raw: RawBars, fill: bool, hours: bool) -> None:
    span = (34_200, 34_500) if hours else None
    bars, report = clean(raw, CleanOptions(span, fill, cadence_s=15.0))
    dropped = {"unreadable": 0, "invalid": 0, "outside_hours": 0, "duplicate": 0}
    kept: dict[int, tuple[float, ...]] = {}
    for time, *values in zip(*(column.tolist() for column in raw.bars.columns()), strict=True):
        open_, high, low, close, volume = values
        if time == UNKNOWN_TIME or any(np.isnan(values)):
            dropped["unreadable"] += 1
        elif min(values[:4]) <= 0 or volume < 0 or high < max(values[:4]) or low > min(values[:4]) or np.inf in values:
            dropped["invalid"] += 1
        elif span is not None and not span[0] <= time // NS_PER_S % 86_400 < span[1]:
            dropped["outside_hours"] += 1
        elif time in kept:
            dropped["duplicate"] += 1
        else:
            kept[time] = (open_, high, low, close, volume)
    expected: list[tuple[float, ...]] = []
    filled = 0
    for time in sorted(kept):
        while fill and expected and time - expected[-1][0] > 15 * NS_PER_S:
            last = expected[-1]
            expected.append((last[0] + 15 * NS_PER_S, *(last[4],) * 4, 0.0))
            filled += 1
        expected.append((time, *kept[time]))
    assert list(zip(*(column.tolist() for column in bars.columns()), strict=True)) == expected
    assert report.dropped == Dropped(raw.blank, raw.malformed, **dropped)
    assert (report.filled, report.rows_out) == (filled, len(expected))
    assert report.rows_in == len(raw.bars) + raw.blank + raw.malformed


def test_an_account_that_does_not_add_up_is_refused() -> None:
    with pytest.raises(IngestError, match="do not add up"):
        IngestReport("TEST", 10, 10, 9, 9, Dropped(duplicate=2))


def test_clean_rows_are_not_copied() -> None:
    raw = RawBars(Bars.of("TEST", (START + np.arange(5) * NS_PER_S, *np.full((5, 5), 10.0))), 5)
    bars, _ = clean(raw, CleanOptions())
    assert bars.close is raw.bars.close


def test_overnight_is_no_gap_and_odd_distances_are_counted() -> None:
    offsets = np.array([0, 15, 30, 40, 60, 86_400, 86_415]) * NS_PER_S
    raw = RawBars(Bars.of("TEST", (START + offsets, *np.full((5, 7), 10.0))), 7)
    _, report = clean(raw, CleanOptions())
    assert (report.cadence_s, report.sessions, report.off_cadence) == (15.0, 2, 2)
    assert (report.gaps, report.missing_bars) == (1, 1)
    assert any("no multiple of 15 s" in text for text in report.warnings())


def test_consolidated_bars_are_reported(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [line(number) for number in range(8)])
    bars, report, _ = load(path, clean_options=CleanOptions(bar_seconds=60))
    assert (report.rows_out, report.bars, len(bars)) == (8, 2, 2)


@pytest.mark.parametrize(
    "options", [{"hours_s": (10, 10)}, {"hours_s": (-1, 5)}, {"bar_seconds": 0}, {"cadence_s": 0.0}]
)
def test_bad_cleaning_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(IngestError):
        CleanOptions(**options)


# Other formats -----------------------------------------------------------------------------------------------------


def parquet_table(count: int, **columns: Any) -> Any:
    stamps = (START + np.arange(count) * 15 * NS_PER_S).astype("datetime64[ns]")
    prices = {name: np.full(count, 10.0) for name in ("open", "high", "low", "close")}
    return pa.table({"time": stamps, **prices, "volume": np.arange(count), **columns})


def test_parquet_by_row_groups(tmp_path: Path) -> None:
    from pyarrow import parquet

    path = tmp_path / "qqq.parquet"
    parquet.write_table(parquet_table(100), path, row_group_size=7)
    bars, report, _ = load(path)
    assert (bars.symbol, len(bars), report.source_rows) == ("QQQ", 100, 100)
    parts = [load(path, fraction=0.25, portion=portion)[0] for portion in range(1, 5)]
    assert np.concatenate([part.volume for part in parts]).tolist() == bars.volume.tolist() == list(range(100))


def test_parquet_times_zones_and_symbols(tmp_path: Path) -> None:
    from pyarrow import parquet

    utc = pa.array((START + 4 * 3600 * NS_PER_S + np.arange(4) * NS_PER_S).astype("datetime64[ns]")).cast(
        pa.timestamp("us", tz="UTC")
    )
    table = parquet_table(4).set_column(0, "time", utc).append_column("ticker", pa.array(["b", "a", "b", "a"]))
    path = tmp_path / "all.parquet"
    parquet.write_table(table, path)
    dataset = load_dataset(path, LoadOptions())
    assert [bars.symbol for bars in dataset.bars] == ["A", "B"]
    assert (dataset.bars[1].time_ns - START).tolist() == [0, 2 * NS_PER_S]
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(IngestError, match="no readable Parquet file"):
        load(broken)


def lean_folder(root: Path, symbols: tuple[str, ...] = ("spy",), days: int = 2) -> Path:
    for symbol in symbols:
        for day in range(days):
            date = dt.date(2025, 10, 1 + day)
            seconds = np.arange(34_199, 34_260, dtype=np.int64)
            price = 1_000_000 + seconds * 100
            columns = (price, price + 50, price - 50, price + 25, np.full(len(seconds), 7, dtype=np.int64))
            table = lean_format.BarTable("trade", lean_format.midnight_us(date) + seconds * 1_000_000, columns)
            path = lean_format.zip_path(root, symbol, "second", date)
            entry = lean_format.entry_name(symbol, "second", date)
            lean_format.write_zip(path, entry, lean_format.format_bars(table, "second", date))
    return root


def test_lean_folder(tmp_path: Path) -> None:
    bars, report, _ = load(lean_folder(tmp_path), clean_options=CleanOptions(bar_seconds=15))
    assert (report.rows_in, report.dropped.outside_hours, report.rows_out, report.bars) == (122, 2, 120, 8)
    assert str(bars.time_ns[:1].astype("datetime64[ns]")[0])[:19] == "2025-10-01T09:30:00"
    assert bars.open[0] == (1_000_000 + 34_200 * 100) / 10_000
    assert bars.volume[0] == 105.0
    one_day, _, _ = load(tmp_path, first_date=dt.date(2025, 10, 2))
    assert len(one_day) == 60
    every, _, _ = load(tmp_path, clean_options=CleanOptions(hours_s=(0, 86_400)))
    assert len(every) == 122


def test_lean_folder_without_the_data_asked_for(tmp_path: Path) -> None:
    lean_folder(tmp_path)
    with pytest.raises(IngestError, match=r"no second data for TSLA \(there are: SPY\)"):
        load(tmp_path, symbols=("TSLA",))
    with pytest.raises(IngestError, match="no minute data"):
        load(tmp_path, resolution="minute")
    with pytest.raises(IngestError, match="for the dates"):
        load(tmp_path, first_date=dt.date(2026, 1, 1))


def test_formats_are_found_out(tmp_path: Path) -> None:
    csv = write(tmp_path / "a.csv", [line(0)])
    assert detect_format(csv) == (InputFormat.CSV, [])
    odd = write(tmp_path / "prices.dat", [line(0)])
    found, notes = detect_format(odd)
    assert found is InputFormat.CSV
    assert "read as csv" in notes[0]
    disguised = tmp_path / "b.csv"
    disguised.write_bytes(b"PAR1....")
    assert detect_format(disguised)[0] is InputFormat.PARQUET
    both = tmp_path / "both"
    both.mkdir()
    write(both / "a.csv", [line(0)])
    (both / "a.parquet").write_bytes(b"PAR1")
    found, notes = detect_format(both)
    assert found is InputFormat.PARQUET
    assert "the Parquet files are read" in notes[0]
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(IngestError, match="neither"):
        detect_format(empty)
    with pytest.raises(IngestError, match="no such file"):
        load(tmp_path / "absent.csv")
    assert detect_format(lean_folder(tmp_path / "lean"))[0] is InputFormat.LEAN


def test_a_folder_of_files_and_a_symbol_twice(tmp_path: Path) -> None:
    for name in ("spy.csv", "qqq.csv"):
        write(tmp_path / name, [line(number) for number in range(3)])
    assert [bars.symbol for bars in load_dataset(tmp_path, LoadOptions()).bars] == ["QQQ", "SPY"]
    write(tmp_path / "SPY.txt", [line(0)])
    with pytest.raises(IngestError, match="SPY is in more than one file"):
        load_dataset(tmp_path, LoadOptions())


def test_bad_load_options_are_refused() -> None:
    with pytest.raises(FastPathError, match="--data-frac"):
        LoadOptions(fraction=0.0)
    with pytest.raises(IngestError, match="--resolution"):
        LoadOptions(resolution="tick")
    with pytest.raises(IngestError, match="threads"):
        LoadOptions(threads=0)


# The cache ---------------------------------------------------------------------------------------------------------


def test_the_second_load_comes_from_the_cache(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [line(0), line(1), line(1), line(5)])
    options = LoadOptions(cache_folder=tmp_path / "cache")
    first = load_dataset(path, options)
    second = load_dataset(path, options)
    assert (first.cached, second.cached) == (0, 1)
    assert second.reports == first.reports
    assert second.warnings == first.warnings
    assert isinstance(second.bars[0].close, np.memmap)
    for one, two in zip(first.bars[0].columns(), second.bars[0].columns(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_changed_sources_and_options_are_read_again(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [line(0), line(1)])
    options = LoadOptions(cache_folder=tmp_path / "cache")
    load_dataset(path, options)
    assert load_dataset(path, LoadOptions(cache_folder=tmp_path / "cache", fraction=0.5)).cached == 0
    write(path, [line(0), line(1), line(2)])
    assert load_dataset(path, options).rows == 3
    before = path.stat().st_mtime_ns
    write(path, [line(0), line(1), line(3)])
    os.utime(path, ns=(before + 1, before + 1))
    assert load_dataset(path, options).cached == 0


def test_a_damaged_entry_is_made_again(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [line(number) for number in range(50)])
    options = LoadOptions(cache_folder=tmp_path / "cache")
    load_dataset(path, options)
    for name in ("close.npy", "meta.json"):
        (victim,) = (tmp_path / "cache").glob(f"*/{name}")
        victim.write_bytes(victim.read_bytes()[:60])
        again = load_dataset(path, options)
        assert (again.cached, again.rows) == (0, 50)
    assert load_dataset(path, options).cached == 1


def test_the_cache_drops_the_oldest_use(tmp_path: Path) -> None:
    raw = RawBars(Bars.of("TEST", (START + np.arange(100) * NS_PER_S, *np.full((5, 100), 10.0))), 100)
    from harness.fast.ingest.column_cache import Ingested

    cache = ColumnCache(tmp_path, max_bytes=14_000)
    for number, key in enumerate(("one", "two")):
        cache.store(key, [Ingested(*clean(raw, CleanOptions()))])
        os.utime(tmp_path / key / "meta.json", (1000 + number, 1000 + number))
    assert cache.load("one") is not None
    cache.store("three", [Ingested(*clean(raw, CleanOptions()))])
    assert cache.load("two") is None
    assert cache.load("one") is not None


def test_a_cache_folder_that_cannot_be_made_is_no_reason_to_fail(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    path = write(tmp_path / "a.csv", [line(0)])
    assert load_dataset(path, LoadOptions(cache_folder=blocked)).rows == 1
