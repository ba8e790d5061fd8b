"""Synthetic market data in Lean's folder format, the same bytes for the same spec.

API::

    synthesize(folder, spec, force=False, on_progress=None) -> SynthReport

What is written: second trade bars of every symbol for the days of the spec, hour and daily bars from
``spec.history_days`` trading days before, map files, factor files (a dividend for the second symbol and a two-for-one
split for the third, both in the history, raw prices consistent with them), the market hours and symbol properties
databases, interest rates, and a manifest with the digest of every file and of what is in it. Hour and daily bars of
days with second bars are aggregates of them. The fourth symbol is halted for twelve minutes on the middle day and
reopens with a jump.

The folder appears whole or not at all: everything is written beside it under a temporary name, which is then renamed;
what a killed run left is swept by the next one.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from harness.errors import InputError
from harness.marketdata.calendar import OPEN_S, ExchangeCalendar, check_covered, new_york_calendar
from harness.marketdata.lean_format import (
    PERIOD_US,
    BarTable,
    entry_name,
    factor_files_folder,
    format_bars,
    interest_rate_path,
    map_files_folder,
    market_hours_path,
    midnight_us,
    read_entry,
    symbol_properties_path,
    write_zip,
    zip_path,
)
from harness.marketdata.price_path import (
    CENT,
    PPB,
    DayBars,
    Draws,
    aggregate,
    day_bars,
    day_returns,
    draw_events,
    market_returns,
)
from harness.marketdata.reference_files import (
    factor_file_text,
    interest_rate_text,
    map_file_text,
    market_hours_text,
    symbol_properties_text,
)
from harness.marketdata.spec import SymbolSpec, SynthSpec

GENERATOR_VERSION = 2
"""Raised whenever the same spec gives other bytes; folders of an older version are made again."""
MANIFEST = "harness-data.json"

_MARKET_VOLATILITY_BP = 55
_HALT_S = (75 * 60, 87 * 60)  # since the open
_HALT_JUMP_PPB = -38_000_000
_LARGEST_PULL_PPB = 8_000_000
_SPLIT_DAYS_BEFORE = 22
_DIVIDEND_DAYS_BEFORE = 31


@dataclass(frozen=True)
class Progress:
    """``done`` of ``total`` units of work; ``what`` is being made."""

    done: int
    total: int
    what: str


@dataclass(frozen=True)
class SynthReport:
    """What a call did.

    ``action``: ``written``, ``rebuilt`` (was damaged, of an older version, or forced) or ``kept``. ``digest`` is that
    of the uncompressed contents: equal for equal specs on every machine.
    """

    folder: Path
    action: str
    files: int
    size_bytes: int
    wall_s: float
    digest: str


@dataclass(frozen=True)
class _CorporateAction:
    """From ``day`` on: ``split`` new shares for one, or ``dividend`` (1e-4 dollars) a share."""

    day: dt.date
    split: int = 1
    dividend: int = 0


def synthesize(
    folder: Path,
    spec: SynthSpec,
    force: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
) -> SynthReport:
    """Make the data of ``spec`` in ``folder``, or keep what is there when it is exactly that.

    A folder that this function made for the same spec but that is damaged or incomplete is made again. One made for
    another spec is replaced only with ``force``, one that holds anything else never: both raise :class:`InputError`,
    as do days outside the exchange calendar and a full disk.
    """
    started = time.perf_counter()
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 (links stay as the user gave them)
    check_covered(spec.start - dt.timedelta(days=2 * spec.history_days + 30), spec.end)
    _sweep(folder)
    state, manifest = inspect_folder(folder, spec)
    if state == "intact" and not force:
        sizes = [int(row["size"]) for row in manifest["files"].values()]
        return SynthReport(folder, "kept", len(sizes), sum(sizes), time.perf_counter() - started, manifest["digest"])
    if state == "other spec" and not force:
        raise InputError(
            f"{folder}: holds synthetic data of another spec; use --force to replace it or give another folder"
        )
    if state == "foreign":
        raise InputError(f"{folder}: holds files that are not synthetic data of this project; give another folder")
    temporary = folder.with_name(f".{folder.name}.building-{os.getpid()}")
    try:
        temporary.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
        _build(temporary, spec, on_progress)
        digest, files = _write_manifest(temporary, spec)
        if force or inspect_folder(folder, spec)[0] != "intact":  # else another process was quicker: the same bytes
            _put_in_place(temporary, folder)
    except OSError as error:
        where, reason = error.filename or folder, error.strerror or error
        raise InputError(f"{where}: cannot write the data ({reason}); free space or give another folder") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    action = "written" if state == "absent" else "rebuilt"
    return SynthReport(folder, action, len(files), sum(files.values()), time.perf_counter() - started, digest)


# ------------------------------------------------------------------------------------------------------ folder handling


def inspect_folder(folder: Path, spec: SynthSpec) -> tuple[str, dict[str, Any]]:
    """State of ``folder`` (absent, intact, damaged, other spec, foreign) and its manifest, {} without a readable one.

    Foreign: not empty, and without our manifest or with files that the manifest does not name.
    """
    if not folder.exists():
        return "absent", {}
    if not folder.is_dir():
        return "foreign", {}
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    if not present:
        return "absent", {}
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text("utf-8"))
        named = {MANIFEST, *manifest["files"].keys()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return "foreign", {}
    if present - named:
        return "foreign", manifest
    if manifest.get("spec") != spec.to_json():
        return "other spec", manifest
    if manifest.get("generator_version") != GENERATOR_VERSION or named - present:
        return "damaged", manifest
    return ("intact" if _is_intact(folder, manifest) else "damaged"), manifest


def _is_intact(folder: Path, manifest: dict[str, Any]) -> bool:
    """Every file has the size and digest that the manifest says."""
    files = manifest["files"]
    try:
        for name, row in files.items():
            path = folder / name
            if path.stat().st_size != row["size"] or _sha256(path) != row["sha256"]:
                return False
        return bool(_overall_digest(files) == manifest["digest"])
    except (OSError, KeyError, TypeError):
        return False


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _content_sha256(path: Path) -> str:
    """Digest of what a zip holds, so that data sets compare equal whichever zlib packed them."""
    return hashlib.sha256(read_entry(path)).hexdigest() if path.suffix == ".zip" else _sha256(path)


def _overall_digest(files: dict[str, dict[str, Any]]) -> str:
    """One digest of all names and contents."""
    text = "".join(f"{name} {files[name]['content_sha256']}\n" for name in sorted(files))
    return hashlib.sha256(text.encode()).hexdigest()


def _write_manifest(folder: Path, spec: SynthSpec) -> tuple[str, dict[str, int]]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    files: dict[str, dict[str, Any]] = {
        path.relative_to(folder).as_posix(): {
            "size": path.stat().st_size,
            "sha256": _sha256(path),
            "content_sha256": _content_sha256(path),
        }
        for path in paths
    }
    digest = _overall_digest(files)
    manifest = {
        "schema": 1,
        "generator_version": GENERATOR_VERSION,
        "spec": spec.to_json(),
        "digest": digest,
        "files": files,
    }
    target = folder / MANIFEST
    with target.open("w", encoding="utf-8", newline="\n") as file:
        json.dump(manifest, file, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    return digest, {name: int(row["size"]) for name, row in files.items()}


def _put_in_place(temporary: Path, folder: Path) -> None:
    """Rename into place; an older folder is moved aside first and removed after."""
    if not folder.exists():
        temporary.rename(folder)
        return
    aside = folder.with_name(f".{folder.name}.replaced-{os.getpid()}")
    folder.rename(aside)
    try:
        temporary.rename(folder)
    except OSError:
        aside.rename(folder)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Remove what killed runs left beside ``folder``; bring back a folder that was moved aside and never replaced."""
    if not folder.parent.is_dir():
        return
    pattern = re.compile(re.escape(f".{folder.name}.") + r"(building|replaced)-(\d+)")
    for path in folder.parent.iterdir():
        match = pattern.fullmatch(path.name)
        if match is None:
            continue
        owner = int(match[2])  # our own number can only be that of an earlier process that was killed
        if owner != os.getpid() and psutil.pid_exists(owner):
            continue
        if match[1] == "replaced" and not folder.exists():
            path.rename(folder)
        else:
            shutil.rmtree(path, ignore_errors=True)


# -------------------------------------------------------------------------------------------------------------- content


def _build(folder: Path, spec: SynthSpec, on_progress: Callable[[Progress], None] | None) -> None:
    calendar = new_york_calendar()
    days = calendar.days(spec.start, spec.end)
    if not days:
        raise InputError(f"{spec.start} to {spec.end} has no trading day; choose other dates")
    history = calendar.days_before(days[0], spec.history_days)
    _write_text(market_hours_path(folder), market_hours_text(calendar))
    _write_text(symbol_properties_path(folder), symbol_properties_text())
    _write_text(interest_rate_path(folder), interest_rate_text())
    total = len(spec.symbols)
    for index, symbol in enumerate(spec.symbols):
        if on_progress is not None:
            on_progress(Progress(index, total, symbol.ticker))
        _build_symbol(folder, spec, index, calendar, (history, days))
    if on_progress is not None:
        on_progress(Progress(total, total, "done"))


def _write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("ascii"))


def _actions(index: int, history: list[dt.date]) -> _CorporateAction | None:
    """The corporate action of the symbol at this place in the spec."""
    if index == 1:
        return _CorporateAction(history[-_DIVIDEND_DAYS_BEFORE], dividend=8_300)
    if index == 2:
        return _CorporateAction(history[-_SPLIT_DAYS_BEFORE], split=2)
    return None


def _build_symbol(
    folder: Path, spec: SynthSpec, index: int, calendar: ExchangeCalendar, days: tuple[list[dt.date], list[dt.date]]
) -> None:
    """All files of the symbol at ``index``; ``days`` are those of the history and those with second bars."""
    symbol, (history, second_days) = spec.symbols[index], days
    action = _actions(index, history)
    halted = second_days[len(second_days) // 2] if index == 3 else None
    hourly: list[DayBars] = []
    daily: list[DayBars] = []
    close = symbol.price * 10_000 * (action.split if action is not None else 1)
    reference = 0
    for day in [*history, *second_days]:
        if action is not None and day == action.day:
            reference = close
            close = close // action.split - action.dividend
        before_split = action is not None and day < action.day
        shares = symbol.daily_volume // (action.split if action is not None and before_split else 1)
        by_second = day in second_days
        session = _Session(day, calendar.close_s(day) - OPEN_S, by_second, halted == day)
        anchor = symbol.price * 10_000 * (action.split if action is not None and before_split else 1)
        bars = _day(spec.seed, symbol, session, (close, anchor), shares)
        close = int(bars.close[-1])
        step_s = 1 if by_second else 60
        second_of_day = OPEN_S + bars.step * step_s
        hourly.append(_stamped(aggregate(bars, second_of_day // 3600), day, PERIOD_US["hour"]))
        daily.append(_stamped(aggregate(bars, np.zeros_like(bars.step)), day, PERIOD_US["daily"]))
        if by_second:
            _write_seconds(folder, spec, symbol, day, bars)
    _write_table(folder, symbol.ticker, "hour", second_days[0], hourly)
    _write_table(folder, symbol.ticker, "daily", second_days[0], daily)
    name = symbol.ticker.lower()
    _write_text(map_files_folder(folder) / f"{name}.csv", map_file_text(symbol))
    last_before = max((day for day in history if action is not None and day < action.day), default=None)
    factors = factor_file_text(
        symbol, last_before, reference, action.split if action else 1, action.dividend if action else 0
    )
    _write_text(factor_files_folder(folder) / f"{name}.csv", factors)


@dataclass(frozen=True)
class _Session:
    """A regular session: its length, whether it is made second by second, whether trading is halted in it."""

    day: dt.date
    length_s: int
    by_second: bool
    halted: bool


def _day(seed: int, symbol: SymbolSpec, session: _Session, prices: tuple[int, int], shares: int) -> DayBars:
    """Bars of one session: one a second (with pauses) or, in the history, one a minute.

    ``prices``: the previous close and the level that the symbol returns to, in 1e-4 dollars.
    """
    previous_close, anchor = prices
    day, session_s, by_second = session.day, session.length_s, session.by_second
    steps = session_s if by_second else session_s // 60
    market = market_returns(Draws(seed, "market", day.toordinal()), steps, _MARKET_VOLATILITY_BP)
    draws = Draws(seed, symbol.ticker, day.toordinal())
    volatility = symbol.volatility_bp
    gap = int(draws.normal(1, (volatility // 3 + 20) * 100_000)[0])
    if draws.one(0, 8) == 0:
        gap *= 3
    # Overnight, prices lean back to where they began, so that a long history stays plausible.
    gap += max(-_LARGEST_PULL_PPB, min(_LARGEST_PULL_PPB, (anchor - previous_close) * PPB // anchor // 15))
    events = draw_events(draws, steps, session_s, volatility) if volatility > 50 else []
    returns = day_returns(draws, market, symbol.beta_pct, volatility, events)
    if session.halted:
        returns = returns.copy()
        returns[_HALT_S[1] :] += _HALT_JUMP_PPB
    open_price = max(CENT, previous_close * (PPB + gap) // PPB // CENT * CENT)
    step_volume = max(1, shares * 100 // (steps * max(symbol.activity_pct, 1))) if by_second else shares // steps
    bars = day_bars(draws, open_price, returns, max(1, step_volume), events)
    if not by_second:
        return bars
    kept = draws.uniform(steps, 0, 100) < symbol.activity_pct
    kept[[0, -1]] = True
    if session.halted:
        kept[_HALT_S[0] : _HALT_S[1]] = False
    return bars.take(kept)


def _stamped(bars: DayBars, day: dt.date, period_us: int) -> DayBars:
    """The group numbers of a day turned into local start times."""
    return DayBars(midnight_us(day) + bars.step * period_us, bars.open, bars.high, bars.low, bars.close, bars.volume)


def _write_table(folder: Path, ticker: str, resolution: str, day: dt.date, parts: list[DayBars]) -> None:
    names = ("step", "open", "high", "low", "close", "volume")
    start_us, *columns = (np.concatenate([getattr(part, name) for part in parts]) for name in names)
    table = BarTable("trade", start_us, tuple(columns))
    write_zip(
        zip_path(folder, ticker, resolution, day),
        entry_name(ticker, resolution, day),
        format_bars(table, resolution, day),
    )


def _write_seconds(folder: Path, spec: SynthSpec, symbol: SymbolSpec, day: dt.date, bars: DayBars) -> None:
    """The session's bars and a few trades before and after it, which engines leave out by default."""
    base = midnight_us(day)
    draws = Draws(spec.seed, symbol.ticker, "outside", day.toordinal())
    regular = DayBars(base + (OPEN_S + bars.step) * 1_000_000, bars.open, bars.high, bars.low, bars.close, bars.volume)
    last_s = int(bars.step[-1]) + OPEN_S + 1
    early = _outside(draws, base, range(7 * 3600, OPEN_S), int(bars.open[0]), symbol.activity_pct)
    late = _outside(draws, base, range(last_s, last_s + 2 * 3600), int(bars.close[-1]), symbol.activity_pct)
    _write_table(folder, symbol.ticker, "second", day, [early, regular, late])


def _outside(draws: Draws, base_us: int, span_s: range, price: int, activity_pct: int) -> DayBars:
    """Single trades near ``price`` at some of the seconds of ``span_s``."""
    seconds = np.arange(span_s.start, span_s.stop, dtype=np.int64)
    kept = draws.uniform(seconds.size, 0, 10_000) < activity_pct
    moves = draws.normal(seconds.size, 1_500_000)
    traded = (price * (PPB + moves) // PPB // CENT * CENT)[kept]
    volume = draws.uniform(seconds.size, 1, 300)[kept]
    return DayBars(base_us + seconds[kept] * 1_000_000, traded, traded, traded, traded, volume)
