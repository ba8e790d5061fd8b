"""Patterns of four and five candles.

Source of the rules: the class of the same name in Lean's ``Indicators/CandlestickPatterns`` folder.
"""

from __future__ import annotations

from decimal import Decimal

from harness.embedded.clr import add, mul, sub
from harness.embedded.indicators.base import decimal
from harness.embedded.indicators.candlesticks.candle import (
    BODY_LONG,
    BODY_SHORT,
    NEAR,
    SHADOW_VERY_SHORT,
    Candles,
    CandlestickPattern,
    Total,
)


class Breakaway(CandlestickPattern):
    """A run in one direction, broken by its opposite."""

    __slots__ = ()
    NAME = "BREAKAWAY"
    SPAN = 15
    TOTALS = (Total(BODY_LONG, 5, None, 4, add=4, drop=14),)

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return (
            (w[0].color)
            if (
                w[4].body > mean(0, w[4])
                and w[4].color == w[3].color
                and w[3].color == w[1].color
                and w[1].color == -w[0].color
                and (
                    (
                        w[4].is_black
                        and w[3].body_below(w[4])
                        and w[2].high < w[3].high
                        and w[2].low < w[3].low
                        and w[1].high < w[2].high
                        and w[1].low < w[2].low
                        and w[0].close > w[3].open
                        and w[0].close < w[4].close
                    )
                    or (
                        w[4].is_white
                        and w[3].body_above(w[4])
                        and w[2].high > w[3].high
                        and w[2].low > w[3].low
                        and w[1].high > w[2].high
                        and w[1].low > w[2].low
                        and w[0].close < w[3].open
                        and w[0].close > w[4].close
                    )
                )
            )
            else 0
        )


class ConcealedBabySwallow(CandlestickPattern):
    """Four black candles, the last around the one before."""

    __slots__ = ()
    NAME = "CONCEALEDBABYSWALLOW"
    SPAN = 14
    TOTALS = (
        Total(SHADOW_VERY_SHORT, 4, None, 3, add=3, drop=13),
        Total(SHADOW_VERY_SHORT, 4, None, 2, add=2, drop=12),
        Total(SHADOW_VERY_SHORT, 4, None, 1, add=1, drop=11),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return int(
            w[3].is_black
            and w[2].is_black
            and w[1].is_black
            and w[0].is_black
            and w[3].lower_shadow < mean(0, w[3])
            and w[3].upper_shadow < mean(0, w[3])
            and w[2].lower_shadow < mean(1, w[2])
            and w[2].upper_shadow < mean(1, w[2])
            and w[1].body_below(w[2])
            and w[1].upper_shadow > mean(2, w[1])
            and w[1].high > w[2].close
            and w[0].high > w[1].high
            and w[0].low < w[1].low
        )


class LadderBottom(CandlestickPattern):
    """Three falling black candles, a fourth with an upper shadow, a white one above."""

    __slots__ = ()
    NAME = "LADDERBOTTOM"
    SPAN = 15
    TOTALS = (Total(SHADOW_VERY_SHORT, 5, None, 1, add=1, drop=11),)

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return int(
            w[4].is_black
            and w[3].is_black
            and w[2].is_black
            and w[4].open > w[3].open
            and w[3].open > w[2].open
            and w[4].close > w[3].close
            and w[3].close > w[2].close
            and w[1].is_black
            and w[1].upper_shadow > mean(0, w[1])
            and w[0].is_white
            and w[0].open > w[1].open
            and w[0].close > w[1].high
        )


class MatHold(CandlestickPattern):
    """A long white candle, a small retreat, and a new high."""

    __slots__ = ("_penetration",)
    PARAMETERS = (decimal("penetration", "0.5"),)
    NAME = "MATHOLD"
    SPAN = 15
    READY_AFTER = 1
    TOTALS = (
        Total(BODY_SHORT, 6, None, 3, add=3, drop=13),
        Total(BODY_SHORT, 6, None, 2, add=2, drop=12),
        Total(BODY_SHORT, 6, None, 1, add=1, drop=11),
        Total(BODY_LONG, 6, None, 4, add=4, drop=14),
    )

    def _create(self, penetration: Decimal) -> None:  # type: ignore[override]
        super()._create()
        self._penetration = penetration

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return int(
            w[4].body > mean(3, w[4])
            and w[3].body < mean(0, w[3])
            and w[2].body < mean(1, w[2])
            and w[1].body < mean(2, w[1])
            and w[4].is_white
            and w[3].is_black
            and w[0].is_white
            and w[3].body_above(w[4])
            and min(w[2].open, w[2].close) < w[4].close
            and min(w[1].open, w[1].close) < w[4].close
            and min(w[2].open, w[2].close) > sub(w[4].close, mul(w[4].body, self._penetration))
            and min(w[1].open, w[1].close) > sub(w[4].close, mul(w[4].body, self._penetration))
            and max(w[2].close, w[2].open) < w[3].open
            and max(w[1].close, w[1].open) < max(w[2].close, w[2].open)
            and w[0].open > w[1].close
            and w[0].close > max(w[3].high, w[2].high, w[1].high)
        )


class RiseFallThreeMethods(CandlestickPattern):
    """A long candle, three small ones against it inside its range, and a long one on."""

    __slots__ = ()
    NAME = "RISEFALLTHREEMETHODS"
    SPAN = 15
    READY_AFTER = 1
    TOTALS = (
        Total(BODY_SHORT, 6, None, 3, add=3, drop=13),
        Total(BODY_SHORT, 6, None, 2, add=2, drop=12),
        Total(BODY_SHORT, 6, None, 1, add=1, drop=11),
        Total(BODY_LONG, 6, None, 4, add=4, drop=14),
        Total(BODY_LONG, 6, None, 0, add=0, drop=10),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return (
            (w[4].color)
            if (
                w[4].body > mean(3, w[4])
                and w[3].body < mean(0, w[3])
                and w[2].body < mean(1, w[2])
                and w[1].body < mean(2, w[1])
                and w[0].body > mean(4, w[0])
                and w[4].color == -w[3].color
                and w[3].color == w[2].color
                and w[2].color == w[1].color
                and w[1].color == -w[0].color
                and min(w[3].open, w[3].close) < w[4].high
                and max(w[3].open, w[3].close) > w[4].low
                and min(w[2].open, w[2].close) < w[4].high
                and max(w[2].open, w[2].close) > w[4].low
                and min(w[1].open, w[1].close) < w[4].high
                and max(w[1].open, w[1].close) > w[4].low
                and w[2].close * w[4].color < w[3].close * w[4].color
                and w[1].close * w[4].color < w[2].close * w[4].color
                and w[0].open * w[4].color > w[1].close * w[4].color
                and w[0].close * w[4].color > w[4].close * w[4].color
            )
            else 0
        )


class ThreeBlackCrows(CandlestickPattern):
    """Three falling black candles after a white one."""

    __slots__ = ()
    NAME = "THREEBLACKCROWS"
    SPAN = 14
    TOTALS = (
        Total(SHADOW_VERY_SHORT, 4, None, 2, add=2, drop=12),
        Total(SHADOW_VERY_SHORT, 4, None, 1, add=1, drop=11),
        Total(SHADOW_VERY_SHORT, 4, None, 0, add=0, drop=10),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return -int(
            w[3].is_white
            and w[2].is_black
            and w[2].lower_shadow < mean(0, w[2])
            and w[1].is_black
            and w[1].lower_shadow < mean(1, w[1])
            and w[0].is_black
            and w[0].lower_shadow < mean(2, w[0])
            and w[1].open < w[2].open
            and w[1].open > w[2].close
            and w[0].open < w[1].open
            and w[0].open > w[1].close
            and w[3].high > w[2].close
            and w[2].close > w[1].close
            and w[1].close > w[0].close
        )


class ThreeLineStrike(CandlestickPattern):
    """Three candles in one direction and one that takes all back."""

    __slots__ = ()
    NAME = "THREELINESTRIKE"
    SPAN = 9
    TOTALS = (
        Total(NEAR, 4, None, 3, add=3, drop=8),
        Total(NEAR, 4, None, 2, add=2, drop=7),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return (
            (w[1].color)
            if (
                w[3].color == w[2].color
                and w[2].color == w[1].color
                and w[0].color == -w[1].color
                and w[2].open >= sub(min(w[3].open, w[3].close), mean(0, w[3]))
                and w[2].open <= add(max(w[3].open, w[3].close), mean(0, w[3]))
                and w[1].open >= sub(min(w[2].open, w[2].close), mean(1, w[2]))
                and w[1].open <= add(max(w[2].open, w[2].close), mean(1, w[2]))
                and (
                    (
                        w[1].is_white
                        and w[1].close > w[2].close
                        and w[2].close > w[3].close
                        and w[0].open > w[1].close
                        and w[0].close < w[3].open
                    )
                    or (
                        w[1].is_black
                        and w[1].close < w[2].close
                        and w[2].close < w[3].close
                        and w[0].open < w[1].close
                        and w[0].close > w[3].open
                    )
                )
            )
            else 0
        )
