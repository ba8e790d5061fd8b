"""The column cache: what comes out of it is what is in the zip, whatever happened to the cache's files."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
from pathlib import Path

import numpy as np
import pytest

from harness.embedded.columns import BarColumns, ColumnStore
from harness.marketdata.lean_format import FormatError, entry_name, midnight_us, write_zip, zip_path

DAY = dt.date(2025, 10, 1)
TRADES = b"34200000,1000000,1000200,999900,1000100,5\n34205000,1000100,1000300,1000000,1000200,7\n"
QUOTES = b"34200000,,,,,0,7,8,6,7,500\n34260000,5,6,4,5,100,,,,,0\n"


def _zip(folder: Path, payload: bytes, tick_type: str = "trade", resolution: str = "second") -> Path:
    path = zip_path(folder, "SPY", resolution, DAY, tick_type)
    write_zip(path, entry_name("SPY", resolution, DAY, tick_type), payload)
    return path


def _values(bars: BarColumns | None) -> list[list[int]]:
    assert bars is not None
    return [bars.start_us.tolist(), *(column.tolist() for column in bars.columns)]


def _cache_files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.exists() else []


def test_trades_with_and_without_cache(tmp_path: Path) -> None:
    path = _zip(tmp_path, TRADES)
    base = midnight_us(DAY) + 34_200_000_000
    for store in (ColumnStore(None), ColumnStore(tmp_path / "cache"), ColumnStore(tmp_path / "cache")):
        bars = store.trade_bars(path, "second", DAY)
        assert bars is not None
        assert (len(bars), bars.rows, bars.price_scale, bars.volume_scale, bars.tick_type) == (2, 2, 4, 0, "trade")
        assert bars.start_us.tolist() == [base, base + 5_000_000]
        assert bars.close.tolist() == [1_000_100, 1_000_200]
        assert bars.volume.tolist() == [5, 7]
        for column in (bars.start_us, *bars.columns):
            assert column.dtype == np.int64
            assert column.flags.c_contiguous
            assert not column.flags.writeable


def test_quotes_and_daily_files(tmp_path: Path) -> None:
    store = ColumnStore(tmp_path / "cache")
    for _ in range(2):
        quotes = store.quote_bars(_zip(tmp_path, QUOTES, "quote", "minute"), "minute", DAY)
        assert quotes is not None
        assert (quotes.bid_close.tolist(), quotes.ask_size.tolist()) == ([0, 5], [500, 0])
        daily = store.trade_bars(_zip(tmp_path, b"20250930 00:00,1,2,1,2,3\n", resolution="daily"), "daily")
        assert daily is not None
        assert daily.start_us.tolist() == [midnight_us(dt.date(2025, 9, 30))]


def test_an_empty_file_and_an_absent_one(tmp_path: Path) -> None:
    store = ColumnStore(tmp_path / "cache")
    path = _zip(tmp_path, b"")
    for _ in range(2):
        bars = store.trade_bars(path, "second", DAY)
        assert bars is not None
        assert bars.rows == 0
    assert store.trade_bars(tmp_path / "absent.zip", "second", DAY) is None
    assert store.trade_bars(path / "below-a-file.zip", "second", DAY) is None


def test_fractions_keep_their_scale(tmp_path: Path) -> None:
    path = _zip(tmp_path, b"34200000,1.5,2,1,2,0.25\n")
    store = ColumnStore(tmp_path / "cache")
    for _ in range(2):
        bars = store.trade_bars(path, "second", DAY)
        assert bars is not None
        assert (bars.price_scale, bars.volume_scale, bars.open.tolist(), bars.volume.tolist()) == (5, 2, [15], [25])


def test_a_changed_source_is_decoded_again(tmp_path: Path) -> None:
    store = ColumnStore(tmp_path / "cache")
    path = _zip(tmp_path, TRADES)
    store.trade_bars(path, "second", DAY)
    status = path.stat()
    _zip(tmp_path, TRADES.replace(b",7\n", b",8\n"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    bars = store.trade_bars(path, "second", DAY)
    assert bars is not None
    assert bars.volume.tolist() == [5, 8]


def test_the_cache_is_really_used(tmp_path: Path) -> None:
    """A zip emptied behind the cache's back, with size and time kept, is not read again."""
    store = ColumnStore(tmp_path / "cache")
    path = _zip(tmp_path, TRADES)
    first = _values(store.trade_bars(path, "second", DAY))
    status = path.stat()
    path.write_bytes(b"\0" * status.st_size)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert _values(store.trade_bars(path, "second", DAY)) == first
    with pytest.raises(FormatError):
        ColumnStore(None).trade_bars(path, "second", DAY)


def test_every_damage_is_repaired(tmp_path: Path) -> None:
    store = ColumnStore(tmp_path / "cache")
    path = _zip(tmp_path, TRADES)
    right = _values(store.trade_bars(path, "second", DAY))
    (cached,) = _cache_files(tmp_path / "cache")
    whole = cached.read_bytes()
    used = [*range(120), *range(4096, len(whole))]
    for place in used[::3]:
        damaged = bytearray(whole)
        damaged[place] ^= 0x40
        cached.write_bytes(damaged)
        assert _values(store.trade_bars(path, "second", DAY)) == right, place
    for length in (0, 10, 4095, 4096, len(whole) - 8):
        cached.write_bytes(whole[:length])
        assert _values(store.trade_bars(path, "second", DAY)) == right, length
        assert cached.read_bytes() == whole


def test_two_data_folders_share_a_cache(tmp_path: Path) -> None:
    store = ColumnStore(tmp_path / "cache")
    one, two = _zip(tmp_path / "one", TRADES), _zip(tmp_path / "two", TRADES.replace(b",7\n", b",9\n"))
    for _ in range(2):
        assert [_values(store.trade_bars(path, "second", DAY))[-1] for path in (one, two)] == [[5, 7], [5, 9]]
    assert len(_cache_files(tmp_path / "cache")) == 2


def test_a_folder_that_cannot_be_written_only_costs_the_cache(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    bars = ColumnStore(tmp_path / "cache").trade_bars(_zip(tmp_path, TRADES), "second", DAY)
    assert _values(bars)[-1] == [5, 7]


def test_a_bad_zip_is_reported_and_not_cached(tmp_path: Path) -> None:
    path = _zip(tmp_path, b"34200000,1,2,3,x,5\n")
    store = ColumnStore(tmp_path / "cache")
    for _ in range(2):
        with pytest.raises(FormatError, match=r"20251001_trade\.zip: line 1: close 'x'"):
            store.trade_bars(path, "second", DAY)
    assert not _cache_files(tmp_path / "cache")


def _open_many(path: str, cache: str) -> list[int]:
    store = ColumnStore(cache)
    return [int(bars.volume.sum()) for _ in range(50) if (bars := store.trade_bars(path, "second", DAY)) is not None]


def test_many_processes_share_a_cache(tmp_path: Path) -> None:
    path = _zip(tmp_path, TRADES)
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        results = pool.starmap(_open_many, [(str(path), str(tmp_path / "cache"))] * 3)
    assert results == [[12] * 50] * 3
    assert len(_cache_files(tmp_path / "cache")) == 1
