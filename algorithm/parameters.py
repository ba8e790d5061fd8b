"""Every trading parameter, once: name, default, unit. The defaults are the default scenario.

Plain Python without Lean, so that tests and tools can read it. Values come as text (Lean hands parameters to an
algorithm as strings) and are converted by the type of the default. Lean separates parameters by commas and names from
values by colons, so lists are written with ``+`` (or spaces): ``symbols:SPY+AIG``.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

CHOICES = {"metrics": ("recompute", "incremental"), "instrumentation": ("on", "off")}


@dataclass(frozen=True)
class Parameters:
    """The settings of one backtest.

    Names say the unit: ``_bars`` are consolidated bars of ``bar_seconds``, ``_minutes`` are of exchange time, ``_bp``
    are basis points, ``_cents`` are of a dollar, ``_dollars`` are dollars. A ``_share`` of a price distance is a share
    of the symbol's mean daily range, every other ``_share`` is a share of what its comment names.
    """

    symbols: tuple[str, ...] = (
        *("AAPL", "MSFT", "NVDA", "AMZN", "GOOGL", "META", "TSLA", "AVGO"),
        *("JPM", "V", "UNH", "XOM", "COST", "AMD", "NFLX"),
    )
    start: dt.date = dt.date(2025, 10, 1)
    end: dt.date = dt.date(2025, 10, 10)
    cash_dollars: int = 1_000_000

    metrics: str = "recompute"
    instrumentation: str = "on"

    # Windows
    bar_seconds: int = 15
    window_bars: int = 60  # 15 minutes
    history_days: int = 30
    volume_days: int = 7

    # Session
    first_entry_minutes: int = 20  # after the open
    last_entry_minutes: int = 30  # before the close
    flat_minutes: int = 5  # before the close

    # Entry
    max_gap_bp: float = 300.0
    min_volume_ratio: float = 0.7  # 7-day to 30-day mean volume
    min_session_volume_share: float = 0.03  # of the 30-day mean daily volume
    min_activity_share: float = 0.25  # of the window's part of a mean day's volume
    min_range_share: float = 0.3
    max_range_share: float = 1.6
    pullback_share: float = 0.10
    entry_offset_cents: int = 2
    trail_step_cents: int = 2
    max_armed_bars: int = 40  # 10 minutes
    cooldown_bars: int = 40  # 10 minutes

    # Exit
    target_share: float = 0.30
    stop_share: float = 0.25
    max_hold_bars: int = 240  # an hour

    # Risk
    risk_per_trade_dollars: int = 400
    max_symbol_dollars: int = 200_000
    max_symbol_trades: int = 3  # a day
    max_positions: int = 6
    daily_loss_limit_bp: float = 45.0  # of the equity at the open

    @property
    def session_bars(self) -> int:
        """Bars of a regular session of six and a half hours."""
        return 23_400 // self.bar_seconds


def read_parameters(lookup: Callable[[str], str | None]) -> Parameters:
    """The defaults with what ``lookup(name)`` gives as text in their place; ``None`` or blank keeps the default.

    Raises ``ValueError`` with one line that names the parameter, the text and what is expected.
    """
    defaults = Parameters()
    given: dict[str, Any] = {}
    for field in fields(Parameters):
        text = lookup(field.name)
        if text is not None and text.strip():
            given[field.name] = _convert(field.name, text.strip(), getattr(defaults, field.name))
    parameters = replace(defaults, **given)
    _check(parameters)
    return parameters


def _convert(name: str, text: str, default: Any) -> Any:
    try:
        if isinstance(default, tuple):
            return tuple(dict.fromkeys(part.upper() for part in re.split(r"[+\s]+", text) if part))
        if isinstance(default, dt.date):
            return dt.date.fromisoformat(text)
        value = type(default)(text)
    except ValueError:
        wanted = "a date like 2025-10-01" if isinstance(default, dt.date) else f"a number like {default}"
        raise ValueError(f"parameter {name} is {text!r}: give {wanted}") from None
    if name in CHOICES and value not in CHOICES[name]:
        raise ValueError(f"parameter {name} is {text!r}: give {' or '.join(CHOICES[name])}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"parameter {name} is {text!r}: give a finite number")
    return value


def _check(parameters: Parameters) -> None:
    for field in fields(parameters):
        value = getattr(parameters, field.name)
        if isinstance(value, (int, float)) and value < 0:
            raise ValueError(f"parameter {field.name} is {value}: give a number that is not negative")
    for name in ("bar_seconds", "window_bars", "history_days", "volume_days", "cash_dollars", "stop_share"):
        if getattr(parameters, name) <= 0:
            raise ValueError(f"parameter {name} is {getattr(parameters, name)}: give a number above zero")
    if not parameters.symbols:
        raise ValueError("parameter symbols is empty: give tickers like SPY+AIG")
    if parameters.end < parameters.start:
        raise ValueError(f"parameter end is {parameters.end}, before start {parameters.start}: swap them")
    if parameters.volume_days > parameters.history_days:
        raise ValueError(f"parameter volume_days is {parameters.volume_days}: give at most history_days")
