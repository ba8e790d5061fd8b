"""Patterns of two candles.

Source of the rules: the class of the same name in Lean's ``Indicators/CandlestickPatterns`` folder.
"""

from __future__ import annotations

from decimal import Decimal

from harness.embedded.clr import add, mul, sub
from harness.embedded.indicators.base import decimal
from harness.embedded.indicators.candlesticks.candle import (
    BODY_DOJI,
    BODY_LONG,
    BODY_SHORT,
    EQUAL,
    HALF,
    NEAR,
    SHADOW_LONG,
    SHADOW_VERY_SHORT,
    Candles,
    CandlestickPattern,
    Total,
)


class Counterattack(CandlestickPattern):
    """Two long opposite candles with the same close."""

    __slots__ = ()
    NAME = "COUNTERATTACK"
    SPAN = 12
    TOTALS = (
        Total(EQUAL, 7, None, 1, add=0, drop=6),
        Total(BODY_LONG, 2, None, 1, add=1, drop=11),
        Total(BODY_LONG, 2, None, 0, add=0, drop=10),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return (
            (w[0].color)
            if (
                w[1].color == -w[0].color
                and w[1].body > mean(1, w[1])
                and w[0].body > mean(2, w[0])
                and w[0].close <= add(w[1].close, mean(0, w[1]))
                and w[0].close >= sub(w[1].close, mean(0, w[1]))
            )
            else 0
        )


class DarkCloudCover(CandlestickPattern):
    """A black candle that opens above a long white one and closes well into it."""

    __slots__ = ("_penetration",)
    PARAMETERS = (decimal("penetration", "0.5"),)
    NAME = "DARKCLOUDCOVER"
    SPAN = 12
    TOTALS = (Total(BODY_LONG, 2, None, 1, add=1, drop=11),)

    def _create(self, penetration: Decimal) -> None:  # type: ignore[override]
        super()._create()
        self._penetration = penetration

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return -int(
            w[1].is_white
            and w[1].body > mean(0, w[1])
            and w[0].is_black
            and w[0].open > w[1].high
            and w[0].close > w[1].open
            and w[0].close < sub(w[1].close, mul(w[1].body, self._penetration))
        )


class DojiStar(CandlestickPattern):
    """A doji apart from a long candle."""

    __slots__ = ()
    NAME = "DOJISTAR"
    SPAN = 12
    TOTALS = (
        Total(BODY_LONG, 1, 11, 0, add=1, drop=11),
        Total(BODY_DOJI, 2, None, 0, add=0, drop=10),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return (
            (-w[1].color)
            if (
                w[1].body > mean(0, w[1])
                and w[0].body <= mean(1, w[0])
                and ((w[1].is_white and w[0].body_above(w[1])) or (w[1].is_black and w[0].body_below(w[1])))
            )
            else 0
        )


class Engulfing(CandlestickPattern):
    """A body around the opposite one before it."""

    __slots__ = ()
    NAME = "ENGULFING"
    SPAN = 3

    def _sign(self, w: Candles) -> int:
        return (
            (w[0].color)
            if (
                (w[0].is_white and w[1].is_black and w[0].close > w[1].open and w[0].open < w[1].close)
                or (w[0].is_black and w[1].is_white and w[0].open > w[1].close and w[0].close < w[1].open)
            )
            else 0
        )


class Hammer(CandlestickPattern):
    """A small body with a long lower shadow near the low before."""

    __slots__ = ()
    NAME = "HAMMER"
    SPAN = 12
    TOTALS = (
        Total(BODY_SHORT, 2, None, 0, add=0, drop=10),
        Total(SHADOW_LONG),
        Total(SHADOW_VERY_SHORT, 2, None, 0, add=0, drop=10),
        Total(NEAR, 6, 11, 0, add=1, drop=6),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return int(
            w[0].body < mean(0, w[0])
            and w[0].lower_shadow > mean(1, w[0])
            and w[0].upper_shadow < mean(2, w[0])
            and min(w[0].close, w[0].open) <= add(w[1].low, mean(3, w[1]))
        )


class HangingMan(CandlestickPattern):
    """A small body with a long lower shadow near the high before."""

    __slots__ = ()
    NAME = "HANGINGMAN"
    SPAN = 12
    TOTALS = (
        Total(BODY_SHORT, 2, None, 0, add=0, drop=10),
        Total(SHADOW_LONG),
        Total(SHADOW_VERY_SHORT, 2, None, 0, add=0, drop=10),
        Total(NEAR, 6, 11, 0, add=1, drop=6),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return -int(
            w[0].body < mean(0, w[0])
            and w[0].lower_shadow > mean(1, w[0])
            and w[0].upper_shadow < mean(2, w[0])
            and min(w[0].close, w[0].open) >= sub(w[1].high, mean(3, w[1]))
        )


class Harami(CandlestickPattern):
    """A short body inside a long one before."""

    __slots__ = ()
    NAME = "HARAMI"
    SPAN = 12
    TOTALS = (
        Total(BODY_LONG, 1, 11, 0, add=1, drop=11),
        Total(BODY_SHORT, 2, None, 0, add=0, drop=10),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return (
            (-w[1].color)
            if (
                w[1].body > mean(0, w[1])
                and w[0].body <= mean(1, w[0])
                and max(w[0].close, w[0].open) < max(w[1].close, w[1].open)
                and min(w[0].close, w[0].open) > min(w[1].close, w[1].open)
            )
            else 0
        )


class HaramiCross(CandlestickPattern):
    """A doji inside a long body before."""

    __slots__ = ()
    NAME = "HARAMICROSS"
    SPAN = 12
    TOTALS = (
        Total(BODY_LONG, 1, 11, 0, add=1, drop=11),
        Total(BODY_DOJI, 2, None, 0, add=0, drop=10),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return (
            (-w[1].color)
            if (
                w[1].body > mean(0, w[1])
                and w[0].body <= mean(1, w[0])
                and max(w[0].close, w[0].open) < max(w[1].close, w[1].open)
                and min(w[0].close, w[0].open) > min(w[1].close, w[1].open)
            )
            else 0
        )


class HomingPigeon(CandlestickPattern):
    """A short black body inside a long black one."""

    __slots__ = ()
    NAME = "HOMINGPIGEON"
    SPAN = 12
    TOTALS = (
        Total(BODY_LONG, 2, None, 1, add=1, drop=11),
        Total(BODY_SHORT, 2, None, 0, add=0, drop=10),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return int(
            w[1].is_black
            and w[0].is_black
            and w[1].body > mean(0, w[1])
            and w[0].body <= mean(1, w[0])
            and w[0].open < w[1].open
            and w[0].close > w[1].close
        )


class InNeck(CandlestickPattern):
    """A white candle that closes at the close of a long black one."""

    __slots__ = ()
    NAME = "INNECK"
    SPAN = 12
    TOTALS = (
        Total(EQUAL, 7, None, 1, add=1, drop=6),
        Total(BODY_LONG, 2, None, 1, add=1, drop=11),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return -int(
            w[1].is_black
            and w[1].body > mean(1, w[1])
            and w[0].is_white
            and w[0].open < w[1].low
            and w[0].close <= add(w[1].close, mean(0, w[1]))
            and w[0].close >= w[1].close
        )


class InvertedHammer(CandlestickPattern):
    """A small body with a long upper shadow below the one before."""

    __slots__ = ()
    NAME = "INVERTEDHAMMER"
    SPAN = 12
    TOTALS = (
        Total(BODY_SHORT, 2, None, 0, add=0, drop=10),
        Total(SHADOW_LONG),
        Total(SHADOW_VERY_SHORT, 2, None, 0, add=0, drop=10),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return int(
            w[0].body < mean(0, w[0])
            and w[0].upper_shadow > mean(1, w[0])
            and w[0].lower_shadow < mean(2, w[0])
            and w[0].body_below(w[1])
        )


class Kicking(CandlestickPattern):
    """Two opposite marubozus with a gap."""

    __slots__ = ()
    NAME = "KICKING"
    SPAN = 12
    TOTALS = (
        Total(SHADOW_VERY_SHORT, 2, None, 1, add=1, drop=11),
        Total(SHADOW_VERY_SHORT, 2, None, 0, add=0, drop=10),
        Total(BODY_LONG, 2, None, 1, add=1, drop=11),
        Total(BODY_LONG, 2, None, 0, add=0, drop=10),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return (
            (w[0].color)
            if (
                w[1].color == -w[0].color
                and w[1].body > mean(2, w[1])
                and w[1].upper_shadow < mean(0, w[1])
                and w[1].lower_shadow < mean(0, w[1])
                and w[0].body > mean(3, w[0])
                and w[0].upper_shadow < mean(1, w[0])
                and w[0].lower_shadow < mean(1, w[0])
                and ((w[1].is_black and w[0].above(w[1])) or (w[1].is_white and w[0].below(w[1])))
            )
            else 0
        )


class KickingByLength(CandlestickPattern):
    """Two opposite marubozus with a gap; the longer one gives the sign."""

    __slots__ = ()
    NAME = "KICKINGBYLENGTH"
    SPAN = 12
    TOTALS = (
        Total(SHADOW_VERY_SHORT, 2, None, 1, add=1, drop=11),
        Total(SHADOW_VERY_SHORT, 2, None, 0, add=0, drop=10),
        Total(BODY_LONG, 2, None, 1, add=1, drop=11),
        Total(BODY_LONG, 2, None, 0, add=0, drop=10),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return (
            ((w[0] if w[0].body > w[1].body else w[1]).color)
            if (
                w[1].color == -w[0].color
                and w[1].body > mean(2, w[1])
                and w[1].upper_shadow < mean(0, w[1])
                and w[1].lower_shadow < mean(0, w[1])
                and w[0].body > mean(3, w[0])
                and w[0].upper_shadow < mean(1, w[0])
                and w[0].lower_shadow < mean(1, w[0])
                and ((w[1].is_black and w[0].above(w[1])) or (w[1].is_white and w[0].below(w[1])))
            )
            else 0
        )


class MatchingLow(CandlestickPattern):
    """Two black candles with the same close."""

    __slots__ = ()
    NAME = "MATCHINGLOW"
    SPAN = 7
    TOTALS = (Total(EQUAL, 2, None, 1, add=1, drop=6),)

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return int(
            w[1].is_black
            and w[0].is_black
            and w[0].close <= add(w[1].close, mean(0, w[1]))
            and w[0].close >= sub(w[1].close, mean(0, w[1]))
        )


class OnNeck(CandlestickPattern):
    """A white candle that closes at the low of a long black one."""

    __slots__ = ()
    NAME = "ONNECK"
    SPAN = 12
    TOTALS = (
        Total(EQUAL, 7, None, 1, add=1, drop=6),
        Total(BODY_LONG, 2, None, 1, add=1, drop=11),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return -int(
            w[1].is_black
            and w[1].body > mean(1, w[1])
            and w[0].is_white
            and w[0].open < w[1].low
            and w[0].close <= add(w[1].low, mean(0, w[1]))
            and w[0].close >= sub(w[1].low, mean(0, w[1]))
        )


class Piercing(CandlestickPattern):
    """A long white candle from below into the upper half of a long black one."""

    __slots__ = ()
    NAME = "PIERCING"
    SPAN = 12
    TOTALS = (
        Total(BODY_LONG, 2, None, 1, add=1, drop=11),
        Total(BODY_LONG, 2, None, 0, add=0, drop=10),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return int(
            w[1].is_black
            and w[1].body > mean(0, w[1])
            and w[0].is_white
            and w[0].body > mean(1, w[0])
            and w[0].open < w[1].low
            and w[0].close < w[1].open
            and w[0].close > add(w[1].close, mul(w[1].body, HALF))
        )


class SeparatingLines(CandlestickPattern):
    """Two opposite candles with the same open, the second long."""

    __slots__ = ()
    NAME = "SEPARATINGLINES"
    SPAN = 12
    TOTALS = (
        Total(SHADOW_VERY_SHORT, 2, None, 0, add=0, drop=10),
        Total(BODY_LONG, 2, None, 0, add=0, drop=10),
        Total(EQUAL, 7, None, 1, add=1, drop=6),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return (
            (w[0].color)
            if (
                w[1].color == -w[0].color
                and w[0].open <= add(w[1].open, mean(2, w[1]))
                and w[0].open >= sub(w[1].open, mean(2, w[1]))
                and w[0].body > mean(1, w[0])
                and (
                    (w[0].is_white and w[0].lower_shadow < mean(0, w[0]))
                    or (w[0].is_black and w[0].upper_shadow < mean(0, w[0]))
                )
            )
            else 0
        )


class ShootingStar(CandlestickPattern):
    """A small body with a long upper shadow above the one before."""

    __slots__ = ()
    NAME = "SHOOTINGSTAR"
    SPAN = 12
    TOTALS = (
        Total(BODY_SHORT, 2, None, 0, add=0, drop=10),
        Total(SHADOW_LONG),
        Total(SHADOW_VERY_SHORT, 2, None, 0, add=0, drop=10),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return -int(
            w[0].body < mean(0, w[0])
            and w[0].upper_shadow > mean(1, w[0])
            and w[0].lower_shadow < mean(2, w[0])
            and w[0].body_above(w[1])
        )


class Thrusting(CandlestickPattern):
    """A white candle from below into the lower half of a long black one."""

    __slots__ = ()
    NAME = "THRUSTING"
    SPAN = 12
    TOTALS = (
        Total(EQUAL, 7, None, 1, add=1, drop=6),
        Total(BODY_LONG, 2, None, 1, add=1, drop=11),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return -int(
            w[1].is_black
            and w[1].body > mean(1, w[1])
            and w[0].is_white
            and w[0].open < w[1].low
            and w[0].close > add(w[1].close, mean(0, w[1]))
            and w[0].close <= add(w[1].close, mul(w[1].body, HALF))
        )
