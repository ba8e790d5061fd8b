"""Hikkake: a false break-out of an inside bar, and its confirmation within three bars.

Source of the rules: ``Hikkake.cs`` and ``HikkakeModified.cs`` in Lean's ``Indicators/CandlestickPatterns`` folder.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from harness.embedded.clr import ZERO, add, sub
from harness.embedded.indicators.candlesticks.candle import NEAR, Candle, Candles, CandlestickPattern, Total


def _inside(inner: Candle, outer: Candle) -> bool:
    return inner.high < outer.high and inner.low > outer.low


def _break_out(w: Candles) -> int:
    """1 for a bar below the one before it (the break to come is upwards), -1 for one above, else 0."""
    if w[0].high < w[1].high and w[0].low < w[1].low:
        return 1
    return -1 if w[0].high > w[1].high and w[0].low > w[1].low else 0


class Hikkake(CandlestickPattern):
    """1 or -1 at the false break-out, 2 or -2 at its confirmation."""

    __slots__ = ("_index", "_result")
    NAME = "HIKKAKE"
    SPAN = 6

    def _create(self) -> None:
        super()._create()
        self._index = self._result = 0

    def _found(self, w: Candles) -> int:
        return _break_out(w) if _inside(w[1], w[2]) else 0

    def _sign(self, w: Candles) -> int:
        found = self._found(w)
        if found:
            self._result, self._index = found, self._samples - 1
            return found
        # Confirmed by a close beyond the bar before the break-out, three bars later at most.
        back = self._samples - self._index
        if back > 4:
            return 0
        up = self._result > 0 and w[0].close > w[back].high
        down = self._result < 0 and w[0].close < w[back].low
        if not (up or down):
            return 0
        self._index = 0
        return 2 if up else -2

    def _begin_totals(self) -> None:
        if self._samples >= 3:
            self._sign(self._candles)

    def reset(self) -> None:
        self._index = self._result = 0
        super().reset()


class HikkakeModified(Hikkake):
    """A hikkake after two inside bars, the second of which closes near its extreme."""

    __slots__ = ()
    NAME = "HIKKAKEMODIFIED"
    SPAN = 11
    TOTALS = (Total(NEAR),)

    def _found(self, w: Candles) -> int:
        if not (_inside(w[2], w[3]) and _inside(w[1], w[2])):
            return 0
        found = _break_out(w)
        if found > 0 and w[2].close <= add(w[2].low, self._mean(0, w[2])):
            return found
        return found if found < 0 and w[2].close >= sub(w[2].high, self._mean(0, w[2])) else 0

    def _next_bar(self, bar: Any) -> Decimal:
        candles = self._candles
        candles.appendleft(Candle(bar))
        samples = self._samples
        if samples < 3:
            return ZERO
        if samples < 8:
            self._take(NEAR.of(candles[2]))
            return ZERO
        sign = self._sign(candles)
        # Lean drops the oldest candle there is.
        self._take(sub(NEAR.of(candles[2]), NEAR.of(candles[min(samples, 11) - 1])))
        return Decimal(sign) if self.is_ready else ZERO

    def _take(self, change: Decimal) -> None:
        self._sums[0] = add(self._sums[0], change)
