"""What is known of one symbol: today's bars, and the days before.

Prices are kept as integers of 1e-4 dollar (``_e4``), the precision of Lean's data files, and volumes as integers. Sums
of integers do not depend on their order, which is why the two back ends of ``metrics.py`` agree to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

SCALE = 10_000


def to_e4(dollars: float) -> int:
    """Dollars as integer ten-thousandths."""
    return round(dollars * SCALE)


@dataclass(frozen=True)
class DailyHistory:
    """Completed days, oldest first: closes (1e-4 dollar), volumes (shares), ranges high less low (1e-4 dollar)."""

    closes: list[int]
    volumes: list[int]
    ranges: list[int]

    @staticmethod
    def from_columns(
        highs: Iterable[float], lows: Iterable[float], closes: Iterable[float], volumes: Iterable[float]
    ) -> DailyHistory:
        """From columns in dollars and shares, of equal length."""
        return DailyHistory(
            [to_e4(close) for close in closes],
            [int(volume) for volume in volumes],
            [to_e4(high) - to_e4(low) for high, low in zip(highs, lows, strict=True)],
        )


NO_HISTORY = DailyHistory([], [], [])


class DataManager:
    """Today's bars as columns, one element a bar, and the daily history up to yesterday."""

    def __init__(self, history_days: int) -> None:
        self.history_days = history_days
        self.daily = NO_HISTORY
        self.has_history = False
        """Whether there are enough completed days for the daily figures."""
        self.open_e4 = 0
        self.highs: list[int] = []
        self.lows: list[int] = []
        self.closes: list[int] = []
        self.typicals: list[int] = []  # high + low + close: three times the typical price
        self.volumes: list[int] = []

    def start_session(self, daily: DailyHistory) -> None:
        """A new day: forget yesterday's bars."""
        self.daily = daily
        self.has_history = len(daily.closes) == self.history_days
        self.open_e4 = 0
        for column in (self.highs, self.lows, self.closes, self.typicals, self.volumes):
            column.clear()

    def add(self, bar: Any) -> bool:
        """A finished bar (``TradeBar``: prices in dollars, volume in shares); whether the figures can be worked out."""
        if not self.closes:
            self.open_e4 = round(bar.open * SCALE)
        high = round(bar.high * SCALE)
        low = round(bar.low * SCALE)
        close = round(bar.close * SCALE)
        self.highs.append(high)
        self.lows.append(low)
        self.closes.append(close)
        self.typicals.append(high + low + close)
        self.volumes.append(int(bar.volume))
        return self.has_history
