"""Lean's file formats: exact round trips, and one clear error for everything that is not such a file."""

from __future__ import annotations

import datetime as dt
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.marketdata.lean_format import (
    DAY_US,
    BarTable,
    FormatError,
    column_names,
    entry_name,
    format_bars,
    is_daily_file,
    midnight_us,
    parse_bars,
    read_bars,
    write_zip,
    zip_path,
)

DAY = dt.date(2025, 10, 1)
SHARED = Path(__file__).resolve().parents[2].parent / "shared"


def _column(rows: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(0, 10**12), min_size=rows, max_size=rows)


@st.composite
def tables(draw: st.DrawFn) -> tuple[BarTable, str]:
    """A table with any resolution, tick type and scales, in increasing time order."""
    resolution = draw(st.sampled_from(["second", "minute", "hour", "daily"]))
    tick_type = draw(st.sampled_from(["trade", "quote"]))
    rows = draw(st.integers(0, 8))
    if is_daily_file(resolution):
        starts = [draw(st.integers(0, 30_000)) * DAY_US + draw(st.integers(0, 1439)) * 60_000_000 for _ in range(rows)]
    else:
        starts = [midnight_us(DAY) + draw(st.integers(0, 86_399_999)) * 1000 for _ in range(rows)]
    columns = tuple(np.array(draw(_column(rows)), dtype=np.int64) for _ in column_names(tick_type))
    start_us = np.array(sorted(starts), dtype=np.int64)
    return BarTable(tick_type, start_us, columns, 4 + draw(st.integers(0, 3)), draw(st.integers(0, 3))), resolution


def _exact(table: BarTable) -> list[list[tuple[int, int]]]:
    """Every value as (mantissa, digits) in lowest terms, so that tables of different scales compare."""
    values = []
    for name, column in zip(column_names(table.tick_type), table.columns, strict=True):
        scale = table.volume_scale if name.endswith(("volume", "size")) else table.price_scale
        column_values = []
        for mantissa in column.tolist():
            number, digits = mantissa, scale
            while digits and number % 10 == 0:
                number, digits = number // 10, digits - 1
            column_values.append((number, digits))
        values.append(column_values)
    return values


@given(tables())
def test_what_is_written_is_read_back(case: tuple[BarTable, str]) -> None:
    table, resolution = case
    payload = format_bars(table, resolution, DAY)
    again = parse_bars(payload, resolution, table.tick_type, DAY)
    assert again.start_us.tolist() == table.start_us.tolist()
    assert _exact(again) == _exact(table)
    assert format_bars(again, resolution, DAY) == payload


@settings(max_examples=300)
@given(st.one_of(st.binary(max_size=120), st.text("0123456789,.\n -:\r", max_size=120).map(str.encode)), st.data())
def test_garbage_is_read_or_refused_with_the_clear_error(payload: bytes, data: st.DataObject) -> None:
    resolution = data.draw(st.sampled_from(["second", "minute", "hour", "daily"]))
    tick_type = data.draw(st.sampled_from(["trade", "quote"]))
    try:
        table = parse_bars(payload, resolution, tick_type, DAY, "file.zip")
    except FormatError as error:
        assert str(error).startswith("file.zip: line ")
        assert "\n" not in str(error)
    else:
        assert all(column.size == len(table) and column.dtype == np.int64 for column in table.columns)


@given(tables(), st.data())
def test_one_changed_byte_is_read_or_refused_naming_its_line(case: tuple[BarTable, str], data: st.DataObject) -> None:
    table, resolution = case
    payload = bytearray(format_bars(table, resolution, DAY))
    if not payload:
        return
    place = data.draw(st.integers(0, len(payload) - 1))
    payload[place] = data.draw(st.integers(0, 255))
    line = bytes(payload[:place]).count(b"\n") + 1
    try:
        parse_bars(bytes(payload), resolution, table.tick_type, DAY, "file.zip")
    except FormatError as error:
        # A joined or split line is found where it begins.
        assert any(f"file.zip: line {number}:" in str(error) for number in (line, line + 1))


@pytest.mark.parametrize(
    ("payload", "resolution", "said"),
    [
        (b"34200000,1,2,3,4,5\n34201000,1,2,x,4,5\n", "second", "line 2: low 'x' is not a number"),
        (b"34200000,1,2,3,4\n", "second", "line 1: 5 fields, 6 expected"),
        (b"86400000,1,2,3,4,5\n", "minute", "line 1: the time '86400000' is not milliseconds since midnight"),
        (b"20250230 00:00,1,2,3,4,5\n", "daily", "line 1: the time '20250230 00:00' is not yyyyMMdd HH:mm"),
        (b"20250228 24:00,1,2,3,4,5\n", "hour", "line 1: the time '20250228 24:00' is not yyyyMMdd HH:mm"),
        (b"34200000,-1,2,3,4,5\n", "second", "line 1: open '-1' is not a number of zero or more"),
        (b"34200000,1e3,2,3,4,5\n", "second", "line 1: open '1e3' is not a number"),
        (b"34200000,1,2,3,4,\n", "second", "line 1: volume '' is not a number"),
        (b"34200000,1,2,3,4,9999999999999999999\n", "second", "line 1: volume has more than 18 digits"),
    ],
)
def test_bad_lines_are_named(payload: bytes, resolution: str, said: str) -> None:
    with pytest.raises(FormatError) as error:
        parse_bars(payload, resolution, "trade", DAY, "a.zip")
    assert str(error.value).startswith(f"a.zip: {said}")


def test_fractions_keep_every_digit() -> None:
    table = parse_bars(b"34200000,1.5,2,3.25,4,0.125\r\n34201000,1,2,3,4,7", "second", "trade", DAY)
    assert (table.price_scale, table.volume_scale) == (6, 3)
    assert [column.tolist() for column in table.columns] == [
        [150, 100],
        [200, 200],
        [325, 300],
        [400, 400],
        [125, 7000],
    ]


def test_a_missing_quote_side_is_zeros_and_is_written_as_lean_does() -> None:
    payload = b"34200000,,,,,0,7,8,6,7,500\n34260000,5,6,4,5,100,,,,,0\n"
    table = parse_bars(payload, "minute", "quote", DAY)
    assert [column.tolist() for column in table.columns[:5]] == [[0, 5], [0, 6], [0, 4], [0, 5], [0, 100]]
    assert format_bars(table, "minute", DAY) == payload


def test_paths_are_leans() -> None:
    assert zip_path("d", "SPY", "second", DAY).as_posix() == "d/equity/usa/second/spy/20251001_trade.zip"
    assert zip_path("d", "SPY", "minute", DAY, "quote").as_posix() == "d/equity/usa/minute/spy/20251001_quote.zip"
    assert zip_path("d", "TAP.A", "daily", DAY).as_posix() == "d/equity/usa/daily/tap.a.zip"
    assert entry_name("SPY", "second", DAY) == "20251001_spy_second_trade.csv"
    assert entry_name("SPY", "hour", DAY) == "spy.csv"


def test_zips_are_the_same_bytes_every_time(tmp_path: Path) -> None:
    write_zip(tmp_path / "a.zip", "x.csv", b"34200000,1,2,3,4,5\n" * 50)
    write_zip(tmp_path / "b" / "c.zip", "x.csv", b"34200000,1,2,3,4,5\n" * 50)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b" / "c.zip").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "b"]


def test_unreadable_zips_are_one_clear_error(tmp_path: Path) -> None:
    good = tmp_path / "good.zip"
    write_zip(good, "x.csv", b"34200000,1,2,3,4,5\n" * 50)
    whole = good.read_bytes()
    broken = tmp_path / "broken.zip"
    for cut in range(0, len(whole), 7):
        broken.write_bytes(whole[:cut])
        with pytest.raises(FormatError, match=r"broken\.zip: not a readable zip"):
            read_bars(broken, "second", "trade", DAY)
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    with pytest.raises(FormatError, match="the zip holds no file"):
        read_bars(tmp_path / "empty.zip", "second", "trade", DAY)
    with pytest.raises(FormatError, match="no such file"):
        read_bars(tmp_path / "absent.zip", "second", "trade", DAY)


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_zip_with_one_changed_byte_is_read_or_refused(place: int, value: int) -> None:
    import io
    import tempfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.csv", b"34200000,1,2,3,4,5\n34205000,10,20,3,4,5\n")
    payload = bytearray(buffer.getvalue())
    payload[place % len(payload)] = value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.zip"
        path.write_bytes(payload)
        try:
            read_bars(path, "second", "trade", DAY)
        except FormatError as error:
            assert str(path) in str(error)


@pytest.mark.recordings
def test_real_files_survive_a_round_trip() -> None:
    """Every data file beside the project: what is read and written again is the same text."""
    paths = sorted(SHARED.glob("lean-data/equity/usa/*/**/*.zip")) + sorted(
        SHARED.glob("conformance/data/equity/usa/*/**/*.zip")
    )
    if not paths:
        pytest.skip("no market data beside the project")
    for path in paths:
        resolution = next(part for part in path.parts if part in ("second", "minute", "hour", "daily"))
        tick_type = "quote" if path.stem.endswith("quote") else "trade"
        day = None if is_daily_file(resolution) else dt.datetime.strptime(path.name[:8], "%Y%m%d").date()
        with zipfile.ZipFile(path) as archive:
            text = archive.read(archive.namelist()[0])
        table = read_bars(path, resolution, tick_type, day)
        assert format_bars(table, resolution, day).rstrip(b"\n") == text.rstrip(b"\n"), path
