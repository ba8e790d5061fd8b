"""Is the data that a backtest needs there, readable, in order and without large holes?

API::

    check_folder(folder, symbols, resolution, dates, tick_type="trade") -> CheckReport
    CheckReport: .rows .problems .warnings .is_ok

Each row is about one file, or about one day of it. ``error`` means that a backtest would be wrong or fail (missing,
unreadable, empty, out of order, a price of zero, a high below a low); ``warning`` that it may surprise (a pause in the
regular session longer than :data:`LONG_PAUSE_S`, no map or factor file); ``ok`` carries the figures. Symbols are the
tickers that name the files: a security that was renamed has its older files under its older ticker.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.errors import InputError
from harness.marketdata.calendar import OPEN_S, ExchangeCalendar, read_calendar
from harness.marketdata.lean_format import (
    DAY_US,
    PERIOD_US,
    RESOLUTIONS,
    TICK_TYPES,
    BarTable,
    FormatError,
    Int64,
    entry_name,
    factor_files_folder,
    interest_rate_path,
    is_daily_file,
    map_files_folder,
    midnight_us,
    read_bars,
    symbol_properties_path,
    zip_path,
)

LONG_PAUSE_S = 300


@dataclass(frozen=True)
class CheckRow:
    """One finding. ``date`` is None for a whole file; ``longest_pause_s`` is within the regular session."""

    symbol: str
    what: str
    date: dt.date | None
    level: str
    message: str
    path: Path
    bars: int = 0
    longest_pause_s: int = 0


@dataclass(frozen=True)
class CheckReport:
    """All findings of one check, in the order of databases, symbols, dates."""

    folder: Path
    rows: tuple[CheckRow, ...]

    @property
    def problems(self) -> tuple[CheckRow, ...]:
        return tuple(row for row in self.rows if row.level == "error")

    @property
    def warnings(self) -> tuple[CheckRow, ...]:
        return tuple(row for row in self.rows if row.level == "warning")

    @property
    def is_ok(self) -> bool:
        return not self.problems


def days_between(start: dt.date, end: dt.date) -> list[dt.date]:
    """Every calendar day from ``start`` to ``end``, both included."""
    return [start + dt.timedelta(days=index) for index in range((end - start).days + 1)]


def check_folder(
    folder: Path, symbols: Iterable[str], resolution: str, dates: Iterable[dt.date], tick_type: str = "trade"
) -> CheckReport:
    """Check the databases and every symbol's bars on every open day of ``dates``.

    Never raises for bad data, it is what the report is about; raises :class:`InputError` for a folder that is not
    there or an unknown resolution or tick type.
    """
    if resolution not in RESOLUTIONS or tick_type not in TICK_TYPES:
        raise InputError(
            f"{resolution} {tick_type}: choose one of {', '.join(RESOLUTIONS)} and {', '.join(TICK_TYPES)}"
        )
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; write data with `harness data synth` or give another folder")
    rows, calendar = _check_databases(folder)
    wanted = sorted(set(dates))
    days = wanted if calendar is None else [day for day in wanted if calendar.is_open(day)]
    for symbol in symbols:
        rows += _check_reference_files(folder, symbol)
        if is_daily_file(resolution):
            rows += _check_daily_file(folder, symbol, resolution, days, tick_type)
        else:
            rows += [_check_day_file(folder, symbol, resolution, day, tick_type, calendar=calendar) for day in days]
    return CheckReport(folder, tuple(rows))


def _check_databases(folder: Path) -> tuple[list[CheckRow], ExchangeCalendar | None]:
    rows = []
    calendar: ExchangeCalendar | None = None
    hours_path = folder / "market-hours" / "market-hours-database.json"
    try:
        calendar = read_calendar(folder)
        rows.append(CheckRow("", "market hours", None, "ok", f"{len(calendar.holidays)} holidays", hours_path))
    except FormatError as error:
        rows.append(CheckRow("", "market hours", None, "error", str(error), hours_path))
    for what, path, level, remedy in (
        ("symbol properties", symbol_properties_path(folder), "error", "engines do not start without it"),
        ("interest rates", interest_rate_path(folder), "warning", "engines then take 1 %"),
    ):
        try:
            lines = [line for line in path.read_text("utf-8-sig").splitlines() if line.strip() and line[0] != "#"]
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not text"
            rows.append(CheckRow("", what, None, level, f"{path}: cannot be read ({reason}); {remedy}", path))
            continue
        if len(lines) > 1:
            rows.append(CheckRow("", what, None, "ok", f"{len(lines) - 1} rows", path))
        else:
            rows.append(CheckRow("", what, None, level, f"{path}: holds no rows; {remedy}", path))
    return rows, calendar


def _check_reference_files(folder: Path, symbol: str) -> list[CheckRow]:
    rows = []
    for what, path, effect in (
        ("map file", map_files_folder(folder) / f"{symbol.lower()}.csv", "renames are unknown, the identifier changes"),
        ("factor file", factor_files_folder(folder) / f"{symbol.lower()}.csv", "prices are not adjusted"),
    ):
        if not path.is_file():
            rows.append(CheckRow(symbol, what, None, "warning", f"{path}: not there, {effect}", path))
    return rows


def _check_day_file(
    folder: Path, symbol: str, resolution: str, day: dt.date, tick_type: str, *, calendar: ExchangeCalendar | None
) -> CheckRow:
    path = zip_path(folder, symbol, resolution, day, tick_type)
    what = f"{resolution} {tick_type}"
    try:
        table = read_bars(path, resolution, tick_type, day, entry_name(symbol, resolution, day, tick_type))
    except FormatError as error:
        return CheckRow(symbol, what, day, "error", str(error), path)
    fault = _fault(table)
    if fault is not None:
        return CheckRow(symbol, what, day, "error", f"{path}: {fault}", path, len(table))
    base = midnight_us(day)
    close_s = calendar.close_s(day) if calendar is not None else 16 * 3600
    open_us, close_us = base + OPEN_S * 1_000_000, base + close_s * 1_000_000
    regular = table.start_us[(table.start_us >= open_us) & (table.start_us < close_us)]
    if not regular.size:
        return CheckRow(symbol, what, day, "error", f"{path}: no bar in the regular session", path, len(table))
    pause_s = _longest_pause_s(regular, open_us, close_us, PERIOD_US[resolution])
    if pause_s > LONG_PAUSE_S:
        message = f"{path}: nothing for {pause_s} s of the regular session"
        return CheckRow(symbol, what, day, "warning", message, path, len(table), pause_s)
    return CheckRow(symbol, what, day, "ok", f"{regular.size} regular bars", path, len(table), pause_s)


def _longest_pause_s(starts_us: Int64, open_us: int, close_us: int, period_us: int) -> int:
    """Longest time without a bar between the open and the close, seconds."""
    edges = np.concatenate(([open_us - period_us], starts_us, [close_us]))
    return max(0, int((np.diff(edges) - period_us).max()) // 1_000_000)


def _check_daily_file(
    folder: Path, symbol: str, resolution: str, days: list[dt.date], tick_type: str
) -> list[CheckRow]:
    path = zip_path(folder, symbol, resolution, days[0] if days else dt.date(1970, 1, 1), tick_type)
    what = f"{resolution} {tick_type}"
    try:
        table = read_bars(path, resolution, tick_type)
    except FormatError as error:
        return [CheckRow(symbol, what, None, "error", str(error), path)]
    fault = _fault(table)
    if fault is not None:
        return [CheckRow(symbol, what, None, "error", f"{path}: {fault}", path, len(table))]
    present = set((table.start_us // DAY_US).tolist())
    rows = [
        CheckRow(symbol, what, day, "error", f"{path}: no row for {day}", path)
        for day in days
        if midnight_us(day) // DAY_US not in present
    ]
    return rows or [CheckRow(symbol, what, None, "ok", f"{len(days)} days asked for", path, len(table))]


def _fault(table: BarTable) -> str | None:
    """The first thing that makes the rows unusable, with its line, or None."""
    if not len(table):
        return "holds no row"
    steps = np.diff(table.start_us)
    if bool((steps <= 0).any()):
        line = int(np.argmax(steps <= 0)) + 2
        return f"line {line} is not later than the line before"
    sides = [table.columns[:4]] if table.tick_type == "trade" else [table.columns[:4], table.columns[5:9]]
    for first, high, low, last in sides:
        quoted = np.ones(len(table), dtype=bool) if table.tick_type == "trade" else (first | high | low | last) != 0
        bad = quoted & ((low <= 0) | (high < np.maximum(first, last)) | (low > np.minimum(first, last)))
        if bool(bad.any()):
            return f"line {int(np.argmax(bad)) + 1}: open, high, low and close do not fit together"
    return None
