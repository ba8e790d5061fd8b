"""Patterns of one candle.

Source of the rules: the class of the same name in Lean's ``Indicators/CandlestickPatterns`` folder.
"""

from __future__ import annotations

from harness.embedded.clr import add, div, sub
from harness.embedded.indicators.candlesticks.candle import (
    BODY_DOJI,
    BODY_LONG,
    BODY_SHORT,
    NEAR,
    SHADOW_LONG,
    SHADOW_SHORT,
    SHADOW_VERY_LONG,
    SHADOW_VERY_SHORT,
    TWO,
    Candles,
    CandlestickPattern,
    Total,
)


class BeltHold(CandlestickPattern):
    """A long candle that opens at its extreme."""

    __slots__ = ()
    NAME = "BELTHOLD"
    SPAN = 11
    TOTALS = (
        Total(BODY_LONG, 1, None, 0, add=0, drop=10),
        Total(SHADOW_VERY_SHORT, 1, None, 0, add=0, drop=10),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return (
            (w[0].color)
            if (
                w[0].body > mean(0, w[0])
                and (
                    (w[0].is_white and w[0].lower_shadow < mean(1, w[0]))
                    or (w[0].is_black and w[0].upper_shadow < mean(1, w[0]))
                )
            )
            else 0
        )


class ClosingMarubozu(CandlestickPattern):
    """A long candle that closes at its extreme."""

    __slots__ = ()
    NAME = "CLOSINGMARUBOZU"
    SPAN = 11
    TOTALS = (
        Total(BODY_LONG, 1, None, 0, add=0, drop=10),
        Total(SHADOW_VERY_SHORT, 1, None, 0, add=0, drop=10),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return (
            (w[0].color)
            if (
                w[0].body > mean(0, w[0])
                and (
                    (w[0].is_white and w[0].upper_shadow < mean(1, w[0]))
                    or (w[0].is_black and w[0].lower_shadow < mean(1, w[0]))
                )
            )
            else 0
        )


class Doji(CandlestickPattern):
    """Open and close about equal."""

    __slots__ = ()
    NAME = "DOJI"
    SPAN = 11
    TOTALS = (Total(BODY_DOJI, 1, None, 0, add=0, drop=10),)

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return int(w[0].body <= mean(0, w[0]))


class DragonflyDoji(CandlestickPattern):
    """A doji at the top of its range."""

    __slots__ = ()
    NAME = "DRAGONFLYDOJI"
    SPAN = 11
    TOTALS = (
        Total(BODY_DOJI, 1, None, 0, add=0, drop=10),
        Total(SHADOW_VERY_SHORT, 1, None, 0, add=0, drop=10),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return int(
            w[0].body <= mean(0, w[0]) and w[0].upper_shadow < mean(1, w[0]) and w[0].lower_shadow > mean(1, w[0])
        )


class GravestoneDoji(CandlestickPattern):
    """A doji at the bottom of its range."""

    __slots__ = ()
    NAME = "GRAVESTONEDOJI"
    SPAN = 11
    TOTALS = (
        Total(BODY_DOJI, 1, None, 0, add=0, drop=10),
        Total(SHADOW_VERY_SHORT, 1, None, 0, add=0, drop=10),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return int(
            w[0].body <= mean(0, w[0]) and w[0].lower_shadow < mean(1, w[0]) and w[0].upper_shadow > mean(1, w[0])
        )


class HighWaveCandle(CandlestickPattern):
    """A short body with very long shadows."""

    __slots__ = ()
    NAME = "HIGHWAVECANDLE"
    SPAN = 11
    TOTALS = (
        Total(BODY_SHORT, 1, None, 0, add=0, drop=10),
        Total(SHADOW_VERY_LONG),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return (
            (w[0].color)
            if (w[0].body < mean(0, w[0]) and w[0].upper_shadow > mean(1, w[0]) and w[0].lower_shadow > mean(1, w[0]))
            else 0
        )


class LongLeggedDoji(CandlestickPattern):
    """A doji with a long shadow."""

    __slots__ = ()
    NAME = "LONGLEGGEDDOJI"
    SPAN = 11
    TOTALS = (
        Total(BODY_DOJI, 1, None, 0, add=0, drop=10),
        Total(SHADOW_LONG),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return int(
            w[0].body <= mean(0, w[0]) and (w[0].lower_shadow > mean(1, w[0]) or w[0].upper_shadow > mean(1, w[0]))
        )


class LongLineCandle(CandlestickPattern):
    """A long body with short shadows."""

    __slots__ = ()
    NAME = "LONGLINECANDLE"
    SPAN = 11
    TOTALS = (
        Total(BODY_LONG, 1, None, 0, add=0, drop=10),
        Total(SHADOW_SHORT, 1, None, 0, add=0, drop=10),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return (
            (w[0].color)
            if (w[0].body > mean(0, w[0]) and w[0].upper_shadow < mean(1, w[0]) and w[0].lower_shadow < mean(1, w[0]))
            else 0
        )


class Marubozu(CandlestickPattern):
    """A long body without shadows."""

    __slots__ = ()
    NAME = "MARUBOZU"
    SPAN = 11
    TOTALS = (
        Total(BODY_LONG, 1, None, 0, add=0, drop=10),
        Total(SHADOW_VERY_SHORT, 1, None, 0, add=0, drop=10),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return (
            (w[0].color)
            if (w[0].body > mean(0, w[0]) and w[0].upper_shadow < mean(1, w[0]) and w[0].lower_shadow < mean(1, w[0]))
            else 0
        )


class RickshawMan(CandlestickPattern):
    """A doji with long shadows in the middle of its range."""

    __slots__ = ()
    NAME = "RICKSHAWMAN"
    SPAN = 11
    TOTALS = (
        Total(BODY_DOJI, 1, None, 0, add=0, drop=10),
        Total(SHADOW_LONG),
        Total(NEAR, 6, None, 0, add=0, drop=5),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return int(
            w[0].body <= mean(0, w[0])
            and w[0].lower_shadow > mean(1, w[0])
            and w[0].upper_shadow > mean(1, w[0])
            and (
                min(w[0].open, w[0].close) <= add(add(w[0].low, div(w[0].range, TWO)), mean(2, w[0]))
                and max(w[0].open, w[0].close) >= sub(add(w[0].low, div(w[0].range, TWO)), mean(2, w[0]))
            )
        )


class ShortLineCandle(CandlestickPattern):
    """A short body with short shadows."""

    __slots__ = ()
    NAME = "SHORTLINECANDLE"
    SPAN = 11
    TOTALS = (
        Total(BODY_SHORT, 1, None, 0, add=0, drop=10),
        Total(SHADOW_SHORT, 1, None, 0, add=0, drop=10),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return (
            (w[0].color)
            if (w[0].body < mean(0, w[0]) and w[0].upper_shadow < mean(1, w[0]) and w[0].lower_shadow < mean(1, w[0]))
            else 0
        )


class SpinningTop(CandlestickPattern):
    """A short body with longer shadows."""

    __slots__ = ()
    NAME = "SPINNINGTOP"
    SPAN = 11
    TOTALS = (Total(BODY_SHORT, 1, None, 0, add=0, drop=10),)

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return (
            (w[0].color)
            if (w[0].body < mean(0, w[0]) and w[0].upper_shadow > w[0].body and w[0].lower_shadow > w[0].body)
            else 0
        )


class Takuri(CandlestickPattern):
    """A doji at the top of its range with a very long lower shadow."""

    __slots__ = ()
    NAME = "TAKURI"
    SPAN = 11
    TOTALS = (
        Total(BODY_DOJI, 1, None, 0, add=0, drop=10),
        Total(SHADOW_VERY_SHORT, 1, None, 0, add=0, drop=10),
        Total(SHADOW_VERY_LONG),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return int(
            w[0].body <= mean(0, w[0]) and w[0].upper_shadow < mean(1, w[0]) and w[0].lower_shadow > mean(2, w[0])
        )
