"""Bars as columns: sessions, portions, consolidation, mapped files."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.fast.bars import (
    NS_PER_DAY,
    NS_PER_S,
    Bars,
    ColumnBuffers,
    mapped_root,
    portion_rows,
    resample,
    session_bounds,
    session_last_rows,
)
from harness.fast.errors import FastPathError


def simple_bars(time_s: list[int]) -> Bars:
    count = len(time_s)
    close = 100.0 + np.arange(count)
    times = np.array(time_s, dtype=np.int64) * NS_PER_S
    return Bars("TEST", times, close - 0.5, close + 1.0, close - 1.0, close, np.arange(1.0, count + 1.0))


def test_columns_of_different_lengths_are_refused() -> None:
    column = np.zeros(2)
    with pytest.raises(FastPathError, match="different lengths"):
        Bars("TEST", np.zeros(3, dtype=np.int64), column, column, column, column, column)


@given(st.lists(st.integers(-3, 40), max_size=60), st.integers(1, 3))
def test_session_bounds_are_the_changes_of_day(hours: list[int], scale: int) -> None:
    times = np.sort(np.array(hours, dtype=np.int64)) * scale * 6 * 3600 * NS_PER_S
    days = [int(time) // NS_PER_DAY for time in times]
    expected = [row for row in range(len(days)) if row == 0 or days[row] != days[row - 1]]
    assert session_bounds(times).tolist() == [*expected, len(days)]


def test_last_row_of_the_session_of_each_row() -> None:
    bounds = np.array([0, 3, 4, 9], dtype=np.int64)
    assert session_last_rows(bounds, np.array([0, 2, 3, 4, 8], dtype=np.int64)).tolist() == [2, 2, 3, 8, 8]


@given(st.integers(0, 10_000), st.sampled_from([1.0, 0.5, 0.25, 0.3, 0.07, 1e-3]))
def test_portions_hold_every_row_once(rows: int, fraction: float) -> None:
    portions = int(np.ceil(1.0 / fraction - 1e-9))
    spans = [portion_rows(rows, fraction, portion) for portion in range(1, portions + 1)]
    assert spans[0][0] == 0
    assert spans[-1][1] == rows
    assert all(before[1] == after[0] for before, after in itertools.pairwise(spans))


@pytest.mark.parametrize(("fraction", "portion"), [(0.0, 1), (-0.5, 1), (1.1, 1), (float("nan"), 1)])
def test_bad_fractions_are_refused(fraction: float, portion: int) -> None:
    with pytest.raises(FastPathError, match="--data-frac"):
        portion_rows(10, fraction, portion)


@pytest.mark.parametrize(("fraction", "portion"), [(1.0, 2), (0.25, 0), (0.25, 5), (0.3, 5)])
def test_bad_portions_are_refused(fraction: float, portion: int) -> None:
    with pytest.raises(FastPathError, match="--portion"):
        portion_rows(10, fraction, portion)


def test_consolidation_takes_first_extremes_last_and_sum() -> None:
    bars = simple_bars([30, 31, 44, 45, 61, 90])
    made = resample(bars, 15)
    assert (made.time_ns // NS_PER_S).tolist() == [30, 45, 60, 90]
    assert made.open.tolist() == [99.5, 102.5, 103.5, 104.5]
    assert made.high.tolist() == [103.0, 104.0, 105.0, 106.0]
    assert made.low.tolist() == [99.0, 102.0, 103.0, 104.0]
    assert made.close.tolist() == [102.0, 103.0, 104.0, 105.0]
    assert made.volume.tolist() == [6.0, 4.0, 5.0, 6.0]
    assert resample(made, 15) is made
    with pytest.raises(FastPathError, match="bar length"):
        resample(bars, 0)


def mapped_bars(folder: Path, count: int = 5000) -> Bars:
    bars = simple_bars(list(range(count)))
    columns = []
    for number, column in enumerate(bars.columns()):
        np.save(folder / f"{number}.npy", column)
        columns.append(np.load(folder / f"{number}.npy", mmap_mode="r"))
    return Bars.of("TEST", columns, "mapped")


def test_mapped_columns_are_read_into_buffers(tmp_path: Path) -> None:
    bars = mapped_bars(tmp_path)
    buffers = ColumnBuffers()
    for start, stop in ((0, 5000), (700, 1900), (4999, 5000), (10, 10)):
        part = bars.slice(start, stop)
        resident = buffers.resident(part)
        for read, mapped in zip(resident.columns(), part.columns(), strict=True):
            np.testing.assert_array_equal(read, mapped)
            assert start == stop or mapped_root(read) is None
        assert resident.data_key == part.data_key


def test_columns_in_memory_are_not_copied() -> None:
    bars = simple_bars([1, 2, 3])
    assert ColumnBuffers().resident(bars).close is bars.close


def test_a_dropped_file_is_still_read_through_its_mapping(tmp_path: Path) -> None:
    bars = mapped_bars(tmp_path)
    expected = [column.copy() for column in bars.columns()]
    for file in tmp_path.iterdir():
        file.unlink()
    for read, column in zip(ColumnBuffers().resident(bars).columns(), expected, strict=True):
        np.testing.assert_array_equal(read, column)
