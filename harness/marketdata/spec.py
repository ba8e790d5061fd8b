"""What synthetic market data is to contain. Frozen, comparable, and written into the data folder's manifest.

Tickers are those of well-known companies so that reports read naturally; every price, volume, split and dividend is
made up.
"""

from __future__ import annotations

import datetime as dt
import re
import zlib
from dataclasses import asdict, dataclass
from typing import Any

from harness.errors import InputError

_TICKER = re.compile(r"[A-Z][A-Z0-9.]{0,11}")
BENCHMARK = "SPY"

DEFAULT_START = dt.date(2025, 10, 1)
DEFAULT_END = dt.date(2025, 10, 10)
QUICK_END = dt.date(2025, 10, 3)
DEFAULT_SEED = 20251001


@dataclass(frozen=True)
class SymbolSpec:
    """One symbol's character.

    ``price``: level at the start of the history, dollars. ``daily_volume``: shares. ``volatility_bp``: standard
    deviation of a day's own return, basis points. ``beta_pct``: share of the market's move, per cent.
    ``activity_pct``: seconds of the session with at least one trade, per cent.
    """

    ticker: str
    exchange: str
    first_date: dt.date
    price: int
    daily_volume: int
    volatility_bp: int
    beta_pct: int
    activity_pct: int


# ticker, exchange, first day, dollars, millions of shares a day, basis points a day, seconds with trades (per cent)
_TABLE = (
    ("AAPL", "Q", "1998-01-02", 238, 48, 145, 94),
    ("MSFT", "Q", "1998-01-02", 508, 20, 125, 84),
    ("NVDA", "Q", "1999-01-22", 178, 170, 215, 96),
    ("AMZN", "Q", "1998-01-02", 228, 40, 175, 88),
    ("GOOGL", "Q", "2004-08-19", 232, 35, 165, 84),
    ("META", "Q", "2012-05-18", 742, 12, 180, 72),
    ("TSLA", "Q", "2010-06-29", 352, 85, 290, 95),
    ("AVGO", "Q", "2009-08-06", 318, 18, 220, 74),
    ("JPM", "N", "1998-01-02", 301, 9, 120, 58),
    ("V", "N", "2008-03-19", 346, 6, 110, 48),
    ("UNH", "N", "1998-01-02", 312, 9, 210, 54),
    ("XOM", "N", "1998-01-02", 112, 14, 125, 62),
    ("COST", "Q", "1998-01-02", 948, 2, 115, 30),
    ("AMD", "Q", "1998-01-02", 164, 50, 260, 88),
    ("NFLX", "Q", "2002-05-23", 1190, 3, 185, 38),
)
_KNOWN = tuple(
    SymbolSpec(
        ticker, exchange, dt.date.fromisoformat(first), price, millions * 1_000_000, volatility_bp, 100, activity
    )
    for ticker, exchange, first, price, millions, volatility_bp, activity in _TABLE
)
_BENCHMARK = SymbolSpec(BENCHMARK, "P", dt.date(1998, 1, 2), 652, 70_000_000, 15, 100, 97)
QUICK_TICKERS = ("AAPL", "NVDA", "JPM", "TSLA", "NFLX")


@dataclass(frozen=True)
class SynthSpec:
    """A data set. Equal specs give equal bytes.

    ``symbols``: second, hour and daily trade bars of each; :data:`BENCHMARK` is always among them. ``start`` and
    ``end``: first and last day of the second bars. ``history_days``: trading days of hour and daily bars before.
    """

    symbols: tuple[SymbolSpec, ...]
    start: dt.date
    end: dt.date
    seed: int
    history_days: int

    @property
    def tickers(self) -> tuple[str, ...]:
        return tuple(symbol.ticker for symbol in self.symbols)

    def to_json(self) -> dict[str, Any]:
        """Plain types, for the manifest."""
        row = asdict(self)
        row["start"], row["end"] = self.start.isoformat(), self.end.isoformat()
        row["symbols"] = [{**asdict(symbol), "first_date": symbol.first_date.isoformat()} for symbol in self.symbols]
        return row


def symbol_spec(ticker: str) -> SymbolSpec:
    """The character of ``ticker``: the table's for known ones, else one derived from its letters."""
    name = ticker.upper()
    if not _TICKER.fullmatch(name):
        raise InputError(f"{ticker!r} is not a ticker: 1 to 12 capital letters, digits or dots, a letter first")
    for known in (*_KNOWN, _BENCHMARK):
        if known.ticker == name:
            return known
    code = zlib.crc32(name.encode())
    volume = (1 + code // 397 % 40) * 1_000_000
    return SymbolSpec(
        *(name, "Q", dt.date(2010, 1, 4), 20 + code % 380, volume, 120 + code // 7 % 120, 100, 40 + code // 31 % 55)
    )


def synth_spec(
    symbols: tuple[str, ...] | list[str] | None = None,
    start: dt.date | None = None,
    end: dt.date | None = None,
    seed: int = DEFAULT_SEED,
    *,
    quick: bool = False,
    history_days: int = 60,
) -> SynthSpec:
    """A spec from what a user gives; the rest are the defaults (15 symbols and SPY, 2025-10-01 to 2025-10-10).

    ``quick`` takes 5 symbols and 3 days instead. Raises :class:`InputError` for a bad ticker or range.
    """
    tickers = [ticker.upper() for ticker in symbols or ()]
    if not tickers:
        tickers = list(QUICK_TICKERS) if quick else [symbol.ticker for symbol in _KNOWN]
    first = start or DEFAULT_START
    last = end or (QUICK_END if quick and start is None else max(DEFAULT_END, first))
    if last < first:
        raise InputError(f"the end {last} is before the start {first}; give them the other way round")
    if (last - first).days > 400:
        raise InputError(f"{first} to {last} is more than 400 days of second bars; choose a shorter range")
    if not 0 <= seed < 2**63:
        raise InputError(f"the seed {seed} must be from 0 to 2**63 - 1")
    if not 45 <= history_days <= 1000:
        raise InputError(f"history_days {history_days} must be from 45 to 1000")
    names = list(dict.fromkeys([*tickers, BENCHMARK]))
    return SynthSpec(tuple(symbol_spec(name) for name in names), first, last, seed, history_days)
