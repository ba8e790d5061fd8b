"""Patterns of three candles.

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
    FAR,
    NEAR,
    SHADOW_LONG,
    SHADOW_SHORT,
    SHADOW_VERY_SHORT,
    Candles,
    CandlestickPattern,
    Total,
)


class AbandonedBaby(CandlestickPattern):
    """A doji apart from a long candle before and its opposite after."""

    __slots__ = ("_penetration",)
    PARAMETERS = (decimal("penetration", "0.3"),)
    NAME = "ABANDONEDBABY"
    SPAN = 12
    READY_AFTER = 1
    TOTALS = (
        Total(BODY_LONG, 3, None, 2, add=2, drop=9),
        Total(BODY_DOJI, 3, None, 1, add=1, drop=10),
        Total(BODY_SHORT, 3, None, 0, add=0, drop=11),
    )

    def _create(self, penetration: Decimal) -> None:  # type: ignore[override]
        super()._create()
        self._penetration = penetration

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return (
            (w[0].color)
            if (
                w[2].body > mean(0, w[2])
                and w[1].body <= mean(1, w[1])
                and w[0].body > mean(2, w[0])
                and (
                    (
                        w[2].is_white
                        and w[0].is_black
                        and w[0].close < sub(w[2].close, mul(w[2].body, self._penetration))
                        and w[1].above(w[2])
                        and w[0].below(w[1])
                    )
                    or (
                        w[2].is_black
                        and w[0].is_white
                        and w[0].close > add(w[2].close, mul(w[2].body, self._penetration))
                        and w[1].below(w[2])
                        and w[0].above(w[1])
                    )
                )
            )
            else 0
        )


class AdvanceBlock(CandlestickPattern):
    """Three rising white candles that weaken."""

    __slots__ = ()
    NAME = "ADVANCEBLOCK"
    SPAN = 13
    TOTALS = (
        Total(SHADOW_SHORT, 3, None, 2, add=2, drop=12),
        Total(SHADOW_SHORT, 3, None, 1, add=1, drop=11),
        Total(SHADOW_SHORT, 3, None, 0, add=0, drop=10),
        Total(SHADOW_LONG),
        Total(SHADOW_LONG),
        Total(BODY_LONG, 3, None, 2, add=2, drop=12),
        Total(NEAR, 8, None, 2, add=2, drop=7),
        Total(NEAR, 8, None, 1, add=1, drop=6),
        Total(FAR, 8, None, 2, add=2, drop=7),
        Total(FAR, 8, None, 1, add=1, drop=6),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return -int(
            w[2].is_white
            and w[1].is_white
            and w[0].is_white
            and w[0].close > w[1].close
            and w[1].close > w[2].close
            and w[1].open > w[2].open
            and w[1].open <= add(w[2].close, mean(6, w[2]))
            and w[0].open > w[1].open
            and w[0].open <= add(w[1].close, mean(7, w[1]))
            and w[2].body > mean(5, w[2])
            and w[2].upper_shadow < mean(0, w[2])
            and (
                (w[1].body < sub(w[2].body, mean(8, w[2])) and w[0].body < add(w[1].body, mean(7, w[1])))
                or (w[0].body < sub(w[1].body, mean(9, w[1])))
                or (
                    w[0].body < w[1].body
                    and w[1].body < w[2].body
                    and (w[0].upper_shadow > mean(2, w[0]) or w[1].upper_shadow > mean(1, w[1]))
                )
                or (w[0].body < w[1].body and w[0].upper_shadow > mean(4, w[0]))
            )
        )


class EveningDojiStar(CandlestickPattern):
    """A long white candle, a doji above it, a black candle into the first."""

    __slots__ = ("_penetration",)
    PARAMETERS = (decimal("penetration", "0.3"),)
    NAME = "EVENINGDOJISTAR"
    SPAN = 13
    TOTALS = (
        Total(BODY_LONG, 1, 11, 0, add=2, drop=12),
        Total(BODY_DOJI, 2, 12, 0, add=1, drop=11),
        Total(BODY_SHORT, 3, None, 0, add=0, drop=10),
    )

    def _create(self, penetration: Decimal) -> None:  # type: ignore[override]
        super()._create()
        self._penetration = penetration

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return -int(
            w[2].body > mean(0, w[2])
            and w[2].is_white
            and w[1].body <= mean(1, w[1])
            and w[1].body_above(w[2])
            and w[0].body > mean(2, w[0])
            and w[0].is_black
            and w[0].close < sub(w[2].close, mul(w[2].body, self._penetration))
        )


class EveningStar(CandlestickPattern):
    """A long white candle, a short one above it, a black candle into the first."""

    __slots__ = ("_penetration",)
    PARAMETERS = (decimal("penetration", "0.3"),)
    NAME = "EVENINGSTAR"
    SPAN = 13
    TOTALS = (
        Total(BODY_LONG, 1, 11, 0, add=2, drop=12),
        Total(BODY_SHORT, 3, None, 1, add=1, drop=11),
        Total(BODY_SHORT, 3, None, 0, add=0, drop=10),
    )

    def _create(self, penetration: Decimal) -> None:  # type: ignore[override]
        super()._create()
        self._penetration = penetration

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return -int(
            w[2].body > mean(0, w[2])
            and w[2].is_white
            and w[1].body <= mean(1, w[1])
            and w[1].body_above(w[2])
            and w[0].body > mean(2, w[0])
            and w[0].is_black
            and w[0].close < sub(w[2].close, mul(w[2].body, self._penetration))
        )


class GapSideBySideWhite(CandlestickPattern):
    """Two like white candles on the same side of a gap."""

    __slots__ = ()
    NAME = "GAPSIDEBYSIDEWHITE"
    SPAN = 8
    TOTALS = (
        Total(NEAR, 3, None, 1, add=1, drop=6),
        Total(EQUAL, 3, None, 1, add=1, drop=6),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        if not (
            ((w[1].body_above(w[2]) and w[0].body_above(w[2])) or (w[1].body_below(w[2]) and w[0].body_below(w[2])))
            and w[1].is_white
            and w[0].is_white
            and w[0].body >= sub(w[1].body, mean(0, w[1]))
            and w[0].body <= add(w[1].body, mean(0, w[1]))
            and w[0].open >= sub(w[1].open, mean(1, w[1]))
            and w[0].open <= add(w[1].open, mean(1, w[1]))
        ):
            return 0
        return 1 if w[1].body_above(w[2]) else -1


class IdenticalThreeCrows(CandlestickPattern):
    """Three falling black candles that open at the close before."""

    __slots__ = ()
    NAME = "IDENTICALTHREECROWS"
    SPAN = 13
    TOTALS = (
        Total(SHADOW_VERY_SHORT, 3, None, 2, add=2, drop=12),
        Total(SHADOW_VERY_SHORT, 3, None, 1, add=1, drop=11),
        Total(SHADOW_VERY_SHORT, 3, None, 0, add=0, drop=10),
        Total(EQUAL, 8, None, 2, add=2, drop=7, begun_with=NEAR),
        Total(EQUAL, 8, None, 1, add=1, drop=6, begun_with=NEAR),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return -int(
            w[2].is_black
            and w[2].lower_shadow < mean(0, w[2])
            and w[1].is_black
            and w[1].lower_shadow < mean(1, w[1])
            and w[0].is_black
            and w[0].lower_shadow < mean(2, w[0])
            and w[2].close > w[1].close
            and w[1].close > w[0].close
            and w[1].open <= add(w[2].close, mean(3, w[2]))
            and w[1].open >= sub(w[2].close, mean(3, w[2]))
            and w[0].open <= add(w[1].close, mean(4, w[1]))
            and w[0].open >= sub(w[1].close, mean(4, w[1]))
        )


class MorningDojiStar(CandlestickPattern):
    """A long black candle, a doji below it, a white candle into the first."""

    __slots__ = ("_penetration",)
    PARAMETERS = (decimal("penetration", "0.3"),)
    NAME = "MORNINGDOJISTAR"
    SPAN = 13
    TOTALS = (
        Total(BODY_LONG, 1, 11, 0, add=2, drop=12),
        Total(BODY_DOJI, 2, 12, 0, add=1, drop=11),
        Total(BODY_SHORT, 3, None, 0, add=0, drop=10),
    )

    def _create(self, penetration: Decimal) -> None:  # type: ignore[override]
        super()._create()
        self._penetration = penetration

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return int(
            w[2].body > mean(0, w[2])
            and w[2].is_black
            and w[1].body <= mean(1, w[1])
            and w[1].body_below(w[2])
            and w[0].body > mean(2, w[0])
            and w[0].is_white
            and w[0].close > add(w[2].close, mul(w[2].body, self._penetration))
        )


class MorningStar(CandlestickPattern):
    """A long black candle, a short one below it, a white candle into the first."""

    __slots__ = ("_penetration",)
    PARAMETERS = (decimal("penetration", "0.3"),)
    NAME = "MORNINGSTAR"
    SPAN = 13
    TOTALS = (
        Total(BODY_LONG, 1, 11, 0, add=2, drop=12),
        Total(BODY_SHORT, 2, 12, 0, add=1, drop=11),
        Total(BODY_SHORT, 2, 12, 1, add=0, drop=10),
    )

    def _create(self, penetration: Decimal) -> None:  # type: ignore[override]
        super()._create()
        self._penetration = penetration

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return int(
            w[2].body > mean(0, w[2])
            and w[2].is_black
            and w[1].body <= mean(1, w[1])
            and w[1].body_below(w[2])
            and w[0].body > mean(2, w[0])
            and w[0].is_white
            and w[0].close > add(w[2].close, mul(w[2].body, self._penetration))
        )


class StalledPattern(CandlestickPattern):
    """Two long white candles and a small one at their top."""

    __slots__ = ()
    NAME = "STALLEDPATTERN"
    SPAN = 13
    TOTALS = (
        Total(BODY_LONG, 3, None, 2, add=2, drop=12),
        Total(BODY_LONG, 3, None, 1, add=1, drop=11),
        Total(BODY_SHORT, 3, None, 0, add=0, drop=10),
        Total(SHADOW_VERY_SHORT, 3, None, 1, add=1, drop=11),
        Total(NEAR, 8, None, 2, add=2, drop=7),
        Total(NEAR, 8, None, 1, add=1, drop=6),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return -int(
            w[2].is_white
            and w[1].is_white
            and w[0].is_white
            and w[0].close > w[1].close
            and w[1].close > w[2].close
            and w[2].body > mean(0, w[2])
            and w[1].body > mean(1, w[1])
            and w[1].upper_shadow < mean(3, w[1])
            and w[1].open > w[2].open
            and w[1].open <= add(w[2].close, mean(4, w[2]))
            and w[0].body < mean(2, w[0])
            and w[0].open >= sub(sub(w[1].close, w[0].body), mean(5, w[1]))
        )


class StickSandwich(CandlestickPattern):
    """A white candle between two black ones with the same close."""

    __slots__ = ()
    NAME = "STICKSANDWICH"
    SPAN = 8
    TOTALS = (Total(EQUAL, 3, None, 2, add=2, drop=7, begun_with=BODY_LONG),)

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return int(
            w[2].is_black
            and w[1].is_white
            and w[0].is_black
            and w[1].low > w[2].close
            and w[0].close <= add(w[2].close, mean(0, w[2]))
            and w[0].close >= sub(w[2].close, mean(0, w[2]))
        )


class TasukiGap(CandlestickPattern):
    """A gap, and an opposite candle that does not close it."""

    __slots__ = ()
    NAME = "TASUKIGAP"
    SPAN = 8
    TOTALS = (Total(NEAR, 3, None, 1, add=1, drop=6, begun_with=EQUAL),)

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return (
            (w[1].color)
            if (
                (
                    w[1].body_above(w[2])
                    and w[1].is_white
                    and w[0].is_black
                    and w[0].open < w[1].close
                    and w[0].open > w[1].open
                    and w[0].close < w[1].open
                    and w[0].close > max(w[2].close, w[2].open)
                    and abs(sub(w[1].body, w[0].body)) < mean(0, w[1])
                )
                or (
                    w[1].body_below(w[2])
                    and w[1].is_black
                    and w[0].is_white
                    and w[0].open < w[1].open
                    and w[0].open > w[1].close
                    and w[0].close > w[1].open
                    and w[0].close < min(w[2].close, w[2].open)
                    and abs(sub(w[1].body, w[0].body)) < mean(0, w[1])
                )
            )
            else 0
        )


class ThreeInside(CandlestickPattern):
    """A harami and its confirmation."""

    __slots__ = ()
    NAME = "THREEINSIDE"
    SPAN = 13
    TOTALS = (
        Total(BODY_LONG, 1, 11, 0, add=2, drop=12),
        Total(BODY_SHORT, 2, 12, 0, add=1, drop=11),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return (
            (-w[2].color)
            if (
                w[2].body > mean(0, w[2])
                and w[1].body <= mean(1, w[1])
                and max(w[1].close, w[1].open) < max(w[2].close, w[2].open)
                and min(w[1].close, w[1].open) > min(w[2].close, w[2].open)
                and (
                    (w[2].is_white and w[0].is_black and w[0].close < w[2].open)
                    or (w[2].is_black and w[0].is_white and w[0].close > w[2].open)
                )
            )
            else 0
        )


class ThreeOutside(CandlestickPattern):
    """An engulfing and its confirmation."""

    __slots__ = ()
    NAME = "THREEOUTSIDE"
    SPAN = 3

    def _sign(self, w: Candles) -> int:
        return (
            (w[1].color)
            if (
                (
                    w[1].is_white
                    and w[2].is_black
                    and w[1].close > w[2].open
                    and w[1].open < w[2].close
                    and w[0].close > w[1].close
                )
                or (
                    w[1].is_black
                    and w[2].is_white
                    and w[1].open > w[2].close
                    and w[1].close < w[2].open
                    and w[0].close < w[1].close
                )
            )
            else 0
        )


class ThreeStarsInSouth(CandlestickPattern):
    """Three ever smaller black candles."""

    __slots__ = ()
    NAME = "THREESTARSINSOUTH"
    SPAN = 13
    TOTALS = (
        Total(BODY_LONG, 3, None, 2, add=2, drop=12),
        Total(SHADOW_LONG),
        Total(SHADOW_VERY_SHORT, 3, None, 1, add=1, drop=11),
        Total(SHADOW_VERY_SHORT, 3, None, 0, add=0, drop=10),
        Total(BODY_SHORT, 3, None, 0, add=0, drop=10),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return int(
            w[2].is_black
            and w[1].is_black
            and w[0].is_black
            and w[2].body > mean(0, w[2])
            and w[2].lower_shadow > mean(1, w[2])
            and w[1].body < w[2].body
            and w[1].open > w[2].close
            and w[1].open <= w[2].high
            and w[1].low < w[2].close
            and w[1].low >= w[2].low
            and w[1].lower_shadow > mean(2, w[1])
            and w[0].body < mean(4, w[0])
            and w[0].lower_shadow < mean(3, w[0])
            and w[0].upper_shadow < mean(3, w[0])
            and w[0].low > w[1].low
            and w[0].high < w[1].high
        )


class ThreeWhiteSoldiers(CandlestickPattern):
    """Three rising long white candles."""

    __slots__ = ()
    NAME = "THREEWHITESOLDIERS"
    SPAN = 13
    TOTALS = (
        Total(SHADOW_VERY_SHORT, 3, None, 2, add=2, drop=12),
        Total(SHADOW_VERY_SHORT, 3, None, 1, add=1, drop=11),
        Total(SHADOW_VERY_SHORT, 3, None, 0, add=0, drop=10),
        Total(NEAR, 8, None, 2, add=2, drop=7),
        Total(NEAR, 8, None, 1, add=1, drop=6),
        Total(FAR, 8, None, 2, add=2, drop=7),
        Total(FAR, 8, None, 1, add=1, drop=6),
        Total(BODY_SHORT, 3, None, 0, add=0, drop=10),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return int(
            w[2].is_white
            and w[2].upper_shadow < mean(0, w[2])
            and w[1].is_white
            and w[1].upper_shadow < mean(1, w[1])
            and w[0].is_white
            and w[0].upper_shadow < mean(2, w[0])
            and w[0].close > w[1].close
            and w[1].close > w[2].close
            and w[1].open > w[2].open
            and w[1].open <= add(w[2].close, mean(3, w[2]))
            and w[0].open > w[1].open
            and w[0].open <= add(w[1].close, mean(4, w[1]))
            and w[1].body > sub(w[2].body, mean(5, w[2]))
            and w[0].body > sub(w[1].body, mean(6, w[1]))
            and w[0].body > mean(7, w[0])
        )


class Tristar(CandlestickPattern):
    """Three dojis, the middle one apart."""

    __slots__ = ()
    NAME = "TRISTAR"
    SPAN = 13
    TOTALS = (Total(BODY_DOJI, 1, 11, 0, add=2, drop=12),)

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        if not (w[2].body <= mean(0, w[2]) and w[1].body <= mean(0, w[2]) and w[0].body <= mean(0, w[2])):
            return 0
        if w[1].body_above(w[2]) and max(w[0].open, w[0].close) < max(w[1].open, w[1].close):
            return -1
        return int(w[1].body_below(w[2]) and min(w[0].open, w[0].close) > min(w[1].open, w[1].close))


class TwoCrows(CandlestickPattern):
    """A long white candle and two black ones above, the last into the first."""

    __slots__ = ()
    NAME = "TWOCROWS"
    SPAN = 13
    TOTALS = (Total(BODY_LONG, 1, 11, 0, add=2, drop=12),)

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return -int(
            w[2].is_white
            and w[2].body > mean(0, w[2])
            and w[1].is_black
            and w[1].body_above(w[2])
            and w[0].is_black
            and w[0].open < w[1].open
            and w[0].open > w[1].close
            and w[0].close > w[2].open
            and w[0].close < w[2].close
        )


class UniqueThreeRiver(CandlestickPattern):
    """A long black candle, a lower hammer, and a short white one below."""

    __slots__ = ()
    NAME = "UNIQUETHREERIVER"
    SPAN = 13
    TOTALS = (
        Total(BODY_LONG, 1, 11, 0, add=2, drop=12),
        Total(BODY_SHORT, 3, None, 0, add=0, drop=10),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return int(
            w[2].body > mean(0, w[2])
            and w[2].is_black
            and w[1].is_black
            and w[1].close > w[2].close
            and w[1].open <= w[2].open
            and w[1].low < w[2].low
            and w[0].body < mean(1, w[0])
            and w[0].is_white
            and w[0].open > w[1].low
        )


class UpDownGapThreeMethods(CandlestickPattern):
    """Two like candles with a gap, closed by an opposite one."""

    __slots__ = ()
    NAME = "UPDOWNGAPTHREEMETHODS"
    SPAN = 3

    def _sign(self, w: Candles) -> int:
        return (
            (w[2].color)
            if (
                w[2].color == w[1].color
                and w[1].color == -w[0].color
                and w[0].open < max(w[1].close, w[1].open)
                and w[0].open > min(w[1].close, w[1].open)
                and w[0].close < max(w[2].close, w[2].open)
                and w[0].close > min(w[2].close, w[2].open)
                and ((w[2].is_white and w[1].body_above(w[2])) or (w[2].is_black and w[1].body_below(w[2])))
            )
            else 0
        )


class UpsideGapTwoCrows(CandlestickPattern):
    """A long white candle and two black ones above, the second around the first."""

    __slots__ = ()
    NAME = "UPSIDEGAPTWOCROWS"
    SPAN = 13
    TOTALS = (
        Total(BODY_LONG, 1, 11, 0, add=2, drop=12),
        Total(BODY_SHORT, 2, 12, 0, add=1, drop=11),
    )

    def _sign(self, w: Candles) -> int:
        mean = self._mean
        return -int(
            w[2].is_white
            and w[2].body > mean(0, w[2])
            and w[1].is_black
            and w[1].body <= mean(1, w[1])
            and w[1].body_above(w[2])
            and w[0].is_black
            and w[0].open > w[1].open
            and w[0].close < w[1].close
            and w[0].close > w[2].close
        )
