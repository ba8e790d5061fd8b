"""What candlestick patterns are made of: a candle's parts, and what counts as long, short, near, far or equal.

A part is long or short against the mean of earlier candles. Lean keeps the sums of those candles by adding one and
dropping one at each bar; which ones they are, a few odd choices included, is written down with each pattern
(:class:`Total`), so that the sums are Lean's at every bar.

Source of the rules: ``CandlestickPattern.cs`` and ``CandleSettings.cs`` in Lean's ``Indicators/CandlestickPatterns``.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from harness.embedded.clr import ONE, ZERO, add, div, mul, sub
from harness.embedded.enums import LeanEnum
from harness.embedded.indicators.base import BarIndicator

HALF = Decimal("0.5")
TWO = Decimal("2.0")


class CandleColor(LeanEnum):
    WHITE = 1
    BLACK = -1


class CandleRangeType(LeanEnum):
    REAL_BODY = 0
    HIGH_LOW = 1
    SHADOWS = 2


class Candle:
    """The parts of a bar."""

    __slots__ = ("body", "close", "color", "high", "low", "lower_shadow", "open", "range", "upper_shadow")

    def __init__(self, bar: Any) -> None:
        self.open: Decimal = bar._open
        self.high: Decimal = bar._high
        self.low: Decimal = bar._low
        self.close: Decimal = bar._close
        top, bottom = max(self.open, self.close), min(self.open, self.close)
        self.color: int = 1 if self.close >= self.open else -1
        self.body = sub(top, bottom)
        self.range = sub(self.high, self.low)
        self.upper_shadow = sub(self.high, top)
        self.lower_shadow = sub(bottom, self.low)

    @property
    def is_white(self) -> bool:
        return self.color > 0

    @property
    def is_black(self) -> bool:
        return self.color < 0

    def above(self, other: Candle) -> bool:
        """Whether its low is above the other's high."""
        return self.low > other.high

    def below(self, other: Candle) -> bool:
        """Whether its high is below the other's low."""
        return self.high < other.low

    def body_above(self, other: Candle) -> bool:
        """Whether its body is above the other's."""
        return min(self.open, self.close) > max(other.open, other.close)

    def body_below(self, other: Candle) -> bool:
        """Whether its body is below the other's."""
        return max(self.open, self.close) < min(other.open, other.close)


Candles = deque[Candle]
"""Newest first."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A part of a candle is compared with ``factor`` times its mean over ``period`` candles (0: with this candle's)."""

    part: CandleRangeType
    period: int
    factor: Decimal

    def of(self, candle: Candle) -> Decimal:
        if self.part is CandleRangeType.REAL_BODY:
            return candle.body
        if self.part is CandleRangeType.HIGH_LOW:
            return candle.range
        return add(candle.upper_shadow, candle.lower_shadow)


BODY_LONG = Setting(CandleRangeType.REAL_BODY, 10, ONE)
BODY_VERY_LONG = Setting(CandleRangeType.REAL_BODY, 10, Decimal(3))
BODY_SHORT = Setting(CandleRangeType.REAL_BODY, 10, ONE)
BODY_DOJI = Setting(CandleRangeType.HIGH_LOW, 10, Decimal("0.1"))
SHADOW_LONG = Setting(CandleRangeType.REAL_BODY, 0, ONE)
SHADOW_VERY_LONG = Setting(CandleRangeType.REAL_BODY, 0, Decimal(2))
SHADOW_SHORT = Setting(CandleRangeType.SHADOWS, 10, ONE)
SHADOW_VERY_SHORT = Setting(CandleRangeType.HIGH_LOW, 10, Decimal("0.1"))
NEAR = Setting(CandleRangeType.HIGH_LOW, 5, Decimal("0.2"))
FAR = Setting(CandleRangeType.HIGH_LOW, 5, Decimal("0.6"))
EQUAL = Setting(CandleRangeType.HIGH_LOW, 5, Decimal("0.05"))


@dataclass(frozen=True, slots=True)
class Total:
    """A running sum of a part of earlier candles.

    Before the pattern is ready, bars number ``first`` to ``last`` (not included; ``None``: up to the end) add the
    candle ``begin`` places back; from then on the candle ``add`` places back comes in and that ``drop`` places back
    goes out. ``begun_with`` is what is summed up before the pattern is ready, where Lean takes another part there.
    """

    setting: Setting
    first: int = 1 << 30
    last: int | None = None
    begin: int = 0
    add: int = 0
    drop: int = 0
    begun_with: Setting | None = None


class CandlestickPattern(BarIndicator):
    """1 where the pattern is found and points up, -1 where it points down, else 0 (some give 2 and -2, confirmed)."""

    __slots__ = ("_candles", "_sums")
    SPAN: ClassVar[int] = 1
    TOTALS: ClassVar[tuple[Total, ...]] = ()
    READY_AFTER: ClassVar[int] = 0
    """How many bars more than its span a pattern needs."""

    def _create(self) -> None:
        self._candles: Candles = deque(maxlen=type(self).SPAN)
        self._sums = [ZERO] * len(type(self).TOTALS)
        self._warm_up = type(self).SPAN

    @property
    def period(self) -> int:
        return type(self).SPAN

    @property
    def is_ready(self) -> bool:
        return self._samples >= type(self).SPAN + type(self).READY_AFTER

    def _mean(self, number: int, candle: Candle) -> Decimal:
        """What a part of ``candle`` is compared with, by the pattern's total of that number."""
        setting = type(self).TOTALS[number].setting
        usual = div(self._sums[number], Decimal(setting.period)) if setting.period else setting.of(candle)
        return div(mul(setting.factor, usual), TWO if setting.part is CandleRangeType.SHADOWS else ONE)

    def _next_bar(self, bar: Any) -> Decimal:
        candles, sums = self._candles, self._sums
        candles.appendleft(Candle(bar))
        if not self.is_ready:
            self._begin_totals()
            return ZERO
        sign = self._sign(candles)
        for number, total in enumerate(type(self).TOTALS):
            if total.setting.period:
                change = sub(total.setting.of(candles[total.add]), total.setting.of(candles[total.drop]))
                sums[number] = add(sums[number], change)
        return Decimal(sign)

    def _begin_totals(self) -> None:
        samples = self._samples
        for number, total in enumerate(type(self).TOTALS):
            if samples >= total.first and (total.last is None or samples < total.last):
                setting = total.begun_with or total.setting
                self._sums[number] = add(self._sums[number], setting.of(self._candles[total.begin]))

    def _sign(self, w: Candles) -> int:
        """What the candles show; ``w[0]`` is the newest."""
        raise NotImplementedError

    def reset(self) -> None:
        self._candles.clear()
        self._sums = [ZERO] * len(type(self).TOTALS)
        super().reset()
