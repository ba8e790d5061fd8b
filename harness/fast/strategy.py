"""Settings of the reference strategy's signal rule and of its trades, shared by the batch and the event mode."""

from __future__ import annotations

import math
from dataclasses import dataclass

from harness.fast.choices import Direction, EntryAt
from harness.fast.errors import FastPathError
from harness.fast.trades import NO_LIMIT, Overlap, SimulationRules


def seconds_of_day(text: str, option: str) -> int:
    """``HH:MM`` or ``HH:MM:SS`` to seconds since midnight; ``option`` names the setting in the error."""
    parts = text.split(":")
    if len(parts) in (2, 3) and all(part.isascii() and part.isdigit() and len(part) == 2 for part in parts):
        hours, minutes, seconds = (*map(int, parts), 0)[:3]
        if hours <= 24 and minutes < 60 and seconds < 60 and hours * 3600 + minutes * 60 + seconds <= 86_400:
            return hours * 3600 + minutes * 60 + seconds
    raise FastPathError(f"{option} is {text!r}: give a time of day such as 15:45 or 15:45:30")


@dataclass(frozen=True, slots=True)
class StrategySettings:
    """One position at a time and symbol, opened by a cross of the session VWAP's band, flat before the close.

    A long signal: the close rises above ``vwap * (1 + band)`` from at or below it; a short signal: it falls below
    ``vwap * (1 - band)``. Both only when the session has moved at least ``min_range`` (highest high over lowest low,
    less one), when the bar starts between ``first_entry_s`` and ``last_entry_s`` (seconds since midnight), and, with
    ``trend_days`` above 0, when the close lies on the signal's side of the mean of the last ``trend_days`` sessions'
    closes. A position is closed at the latest in the last bar that starts before ``flat_s``. ``stop_loss``,
    ``take_profit`` and ``trailing`` are fractions, NaN for none; ``max_bars`` is how long a trade may live.
    """

    direction: Direction = Direction.BOTH
    band: float = 0.001
    min_range: float = 0.0
    trend_days: int = 0
    first_entry_s: int = 0
    last_entry_s: int = 86_400
    flat_s: int = 86_400
    quantity: float = 100.0
    stop_loss: float = math.nan
    take_profit: float = math.nan
    trailing: float = math.nan
    max_bars: int = NO_LIMIT
    max_trades_per_session: int | None = None
    entry_at: EntryAt = EntryAt.NEXT_OPEN
    price_decimals: int | None = 2
    fee_per_share: float = 0.0
    fee_minimum: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.band < 1.0:
            raise FastPathError(f"band is {self.band}: give a fraction of 0 or more and below 1")
        if not self.min_range >= 0.0:
            raise FastPathError(f"min_range is {self.min_range}: give a fraction of 0 or more")
        if self.trend_days < 0:
            raise FastPathError(f"trend_days is {self.trend_days}: give 0 (no trend filter) or more")
        if not self.quantity > 0.0:
            raise FastPathError(f"quantity is {self.quantity}: give a number of shares above 0")
        if self.max_bars < 1:
            raise FastPathError(f"max_bars is {self.max_bars}: give at least 1")
        for name in ("stop_loss", "take_profit", "trailing"):
            value = getattr(self, name)
            if value < 0.0 or math.isinf(value):
                raise FastPathError(f"{name} is {value}: give a fraction of 0 or more")
        if self.first_entry_s > self.last_entry_s:
            raise FastPathError("the first entry time is after the last one")
        self.rules()

    @property
    def limits_hours(self) -> bool:
        """Whether some time of day allows no entry."""
        return self.first_entry_s > 0 or self.last_entry_s < 86_400

    def rules(self) -> SimulationRules:
        """The simulation rules that these settings mean."""
        return SimulationRules(
            entry_at=self.entry_at,
            overlap=Overlap.SKIP,
            price_decimals=self.price_decimals,
            max_trades_per_group=self.max_trades_per_session,
            fee_per_share=self.fee_per_share,
            fee_minimum=self.fee_minimum,
        )
