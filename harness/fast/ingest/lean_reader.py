"""Lean's data folder to raw columns: the trade bars of one symbol and resolution, all days in order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from harness.fast.bars import Bars, portion_rows
from harness.fast.errors import IngestError
from harness.fast.ingest.clean import RawBars
from harness.marketdata import lean_format

INTRADAY = ("second", "minute")


def is_lean_folder(path: Path) -> bool:
    """Whether ``path`` holds US equities in Lean's layout."""
    return lean_format.equity_folder(path).is_dir()


def lean_symbols(folder: Path, resolution: str) -> list[str]:
    """Tickers with data of the resolution, in capitals, sorted."""
    root = lean_format.equity_folder(folder) / resolution
    if not root.is_dir():
        return []
    if lean_format.is_daily_file(resolution):
        return sorted(path.stem.upper() for path in root.glob("*.zip"))
    return sorted(path.name.upper() for path in root.iterdir() if path.is_dir())


def lean_files(
    folder: Path, symbol: str, resolution: str, first: dt.date | None = None, last: dt.date | None = None
) -> list[tuple[Path, dt.date | None]]:
    """The symbol's trade files with their days (``None``: all days in one file), in order of time."""
    if lean_format.is_daily_file(resolution):
        path = lean_format.zip_path(folder, symbol, resolution, dt.date.min)
        return [(path, None)] if path.is_file() else []
    root = lean_format.equity_folder(folder) / resolution / symbol.lower()
    found: list[tuple[Path, dt.date | None]] = []
    for path in sorted(root.glob("*_trade.zip")):
        stamp = path.name[:8]
        try:
            day = dt.datetime.strptime(stamp, "%Y%m%d").date()
        except ValueError:
            continue
        if (first is None or day >= first) and (last is None or day <= last):
            found.append((path, day))
    return found


def read_lean(
    symbol: str,
    files: Sequence[tuple[Path, dt.date | None]],
    resolution: str,
    *,
    fraction: float = 1.0,
    portion: int = 1,
    threads: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> RawBars:
    """All bars of the files, raw (unadjusted) prices in dollars. Raises :class:`IngestError` when there are none."""
    if not files:
        raise IngestError(f"{symbol}: no {resolution} trade data in the Lean folder for the dates asked for")
    done = 0

    def read(item: tuple[Path, dt.date | None]) -> lean_format.BarTable:
        nonlocal done
        table = lean_format.read_bars(item[0], resolution, "trade", item[1])
        done += 1
        if progress is not None:
            progress(done, len(files))
        return table

    with ThreadPoolExecutor(threads) as pool:
        tables = list(pool.map(read, files))
    rows = sum(len(table) for table in tables)
    start, stop = portion_rows(rows, fraction, portion)
    time_ns = np.concatenate([table.start_us for table in tables])[start:stop] * 1000
    columns = []
    for index in range(5):
        parts = []
        for table in tables:
            scale = table.volume_scale if index == 4 else table.price_scale
            parts.append(table.columns[index] / 10.0**scale)
        columns.append(np.concatenate(parts)[start:stop])
    return RawBars(Bars.of(symbol, (time_ns, *columns)), rows)
