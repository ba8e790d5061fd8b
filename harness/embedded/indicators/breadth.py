"""Market breadth: indicators of many symbols, which are added one by one.

Source of the rules: the class of the same name in Lean's ``Indicators`` folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from harness.embedded.clr import ZERO, add, div
from harness.embedded.indicators.averages import ExponentialMovingAverage
from harness.embedded.indicators.base import BarIndicator, Derived, IndicatorBase, TradeBarIndicator, whole
from harness.embedded.indicators.extensions import IndicatorExtensions
from harness.embedded.indicators.extremes import Maximum, Minimum


def _count(bars: Iterable[Any]) -> Decimal:
    return Decimal(sum(1 for _ in bars))


def _volume(bars: Iterable[Any]) -> Decimal:
    total = ZERO
    for bar in bars:
        total = add(total, bar._volume)
    return total


class AdvanceDeclineIndicator(TradeBarIndicator):
    """Rising against falling symbols; it has a value once every symbol has a bar of the period and one before it."""

    __slots__ = ("_bars", "_before", "_period_us")
    MEASURE: Callable[[Iterable[Any]], Decimal] = staticmethod(_count)

    def _create(self) -> None:
        self._before: dict[Any, Any] = {}
        self._bars: dict[Any, Any] = {}
        self._period_us: int | None = None
        self._warm_up = 2

    def add(self, asset: Any) -> None:
        """Watch a symbol."""
        self._bars.setdefault(asset, None)

    def remove(self, asset: Any) -> None:
        """Watch a symbol no longer."""
        self._bars.pop(asset, None)

    add_stock = add
    remove_stock = remove

    @property
    def is_ready(self) -> bool:
        return bool(self._before)

    def _take(self, bar: Any) -> None:
        """Keep a bar. A new period begins with the first bar that starts later than the ones before."""
        period_us = self._period_us
        if bar._end_us == period_us:
            self._before[bar.symbol] = bar
            return
        if period_us is not None and bar._start_us > period_us:
            self._before = dict(self._bars)
            self._bars = dict.fromkeys(self._bars)
            self._period_us = period_us = bar._start_us
        if bar.symbol in self._bars and period_us in (None, bar._start_us):
            self._bars[bar.symbol] = bar
            self._period_us = bar._start_us

    def _next_bar(self, bar: Any) -> Decimal | None:
        self._take(bar)
        if not self._before or any(item is None for item in self._bars.values()):
            return None
        rising, falling = [], []
        for symbol, now in self._bars.items():
            before = self._before.get(symbol)
            if before is not None and now._close < before._close:
                falling.append(now)
            elif before is not None and now._close > before._close:
                rising.append(now)
        measure = type(self).MEASURE
        return self._compare(measure(rising), measure(falling))

    def _compare(self, rising: Decimal, falling: Decimal) -> Decimal:
        return rising if falling == 0 else div(rising, falling)

    def reset(self) -> None:
        self._before = {}
        self._bars = dict.fromkeys(self._bars)
        self._period_us = None
        super().reset()


class AdvanceDeclineDifference(AdvanceDeclineIndicator):
    """Number of rising less number of falling symbols."""

    __slots__ = ()
    NAME = "A/D Difference"

    def _compare(self, rising: Decimal, falling: Decimal) -> Decimal:
        return rising - falling


class AdvanceDeclineRatio(AdvanceDeclineIndicator):
    """Number of rising over number of falling symbols."""

    __slots__ = ()
    NAME = "A/D Ratio"


class AdvanceDeclineVolumeRatio(AdvanceDeclineIndicator):
    """Volume of rising over volume of falling symbols."""

    __slots__ = ()
    NAME = "A/D Volume Rate"
    MEASURE = staticmethod(_volume)


class ArmsIndex(TradeBarIndicator):
    """The ratio of rising to falling symbols over that of their volumes."""

    __slots__ = ("_arms", "ad_ratio", "adv_ratio")
    NAME = "TRIN"

    def _create(self) -> None:
        self.ad_ratio = AdvanceDeclineRatio(self.name + "_A/D Ratio")
        self.adv_ratio = AdvanceDeclineVolumeRatio(self.name + "_A/D Volume Ratio")
        self._arms = IndicatorExtensions.over(self.ad_ratio, self.adv_ratio, self.name)
        self._warm_up = 2

    @property
    def is_ready(self) -> bool:
        return self.ad_ratio.is_ready and self.adv_ratio.is_ready

    def _next_bar(self, bar: Any) -> Decimal:
        self.ad_ratio._push_bar(bar)
        self.adv_ratio._push_bar(bar)
        return ZERO if self.adv_ratio._value == 0 else self._arms._value

    def add(self, asset: Any) -> None:
        """Watch a symbol."""
        self.ad_ratio.add(asset)
        self.adv_ratio.add(asset)

    def remove(self, asset: Any) -> None:
        """Watch a symbol no longer."""
        self.ad_ratio.remove(asset)
        self.adv_ratio.remove(asset)

    add_stock = add
    remove_stock = remove

    def reset(self) -> None:
        self.ad_ratio.reset()
        self.adv_ratio.reset()
        self._arms.reset()
        super().reset()


class McClellanOscillator(TradeBarIndicator):
    """A fast less a slow average of the advance/decline difference."""

    __slots__ = ("_difference", "ad_difference", "ema_fast", "ema_slow")
    PARAMETERS = (whole("fast_period", 19), whole("slow_period", 39))
    NAME = "McClellanOscillator"

    def _create(self, fast_period: int, slow_period: int) -> None:
        if fast_period > slow_period:
            raise ValueError("fastPeriod must be less than slowPeriod.")
        self.ad_difference = AdvanceDeclineDifference("ADD")
        self.ema_fast: ExponentialMovingAverage = IndicatorExtensions.ema(self.ad_difference, fast_period)
        self.ema_slow: ExponentialMovingAverage = IndicatorExtensions.ema(self.ad_difference, slow_period)
        self._difference = IndicatorExtensions.minus(self.ema_fast, self.ema_slow)
        self._warm_up = slow_period + 2

    @property
    def is_ready(self) -> bool:
        return self.ema_slow.is_ready

    def _next_bar(self, bar: Any) -> Decimal:
        self.ad_difference._push_bar(bar)
        return self._difference._value

    def add(self, asset: Any) -> None:
        """Watch a symbol."""
        self.ad_difference.add(asset)

    def remove(self, asset: Any) -> None:
        """Watch a symbol no longer."""
        self.ad_difference.remove(asset)

    def reset(self) -> None:
        for part in (self.ad_difference, self.ema_fast, self.ema_slow, self._difference):
            part.reset()
        super().reset()


class McClellanSummationIndex(TradeBarIndicator):
    """Running sum of the McClellan oscillator, one of its values a time."""

    __slots__ = ("_sum", "_sum_us", "mc_clellan_oscillator")
    PARAMETERS = (whole("fast_period", 19), whole("slow_period", 39))
    NAME = "McClellanSummationIndex"

    def _create(self, fast_period: int, slow_period: int) -> None:
        self._sum = ZERO
        self._sum_us: int | None = None
        self.mc_clellan_oscillator = McClellanOscillator(fast_period, slow_period)
        self.mc_clellan_oscillator._listeners = (self._add_up,)
        self._warm_up = self.mc_clellan_oscillator.warm_up_period

    def _add_up(self, oscillator: IndicatorBase) -> None:
        if oscillator._us != self._sum_us:
            self._sum_us = oscillator._us
            self._sum = add(self._sum, oscillator._value)

    @property
    def is_ready(self) -> bool:
        return self.mc_clellan_oscillator.is_ready

    def _next_bar(self, bar: Any) -> Decimal:
        self.mc_clellan_oscillator._push_bar(bar)
        return add(self._sum, self.mc_clellan_oscillator._value)

    def add(self, asset: Any) -> None:
        """Watch a symbol."""
        self.mc_clellan_oscillator.add(asset)

    def remove(self, asset: Any) -> None:
        """Watch a symbol no longer."""
        self.mc_clellan_oscillator.remove(asset)

    def reset(self) -> None:
        # Lean keeps the sum.
        self.mc_clellan_oscillator.reset()
        super().reset()


for _kind, _names in (
    (ArmsIndex, {"ad_ratio": "ADRatio", "adv_ratio": "ADVRatio"}),
    (McClellanOscillator, {"ad_difference": "ADDifference", "ema_fast": "EMAFast", "ema_slow": "EMASlow"}),
):
    for _snake, _pascal in _names.items():
        setattr(_kind, _pascal, _kind.__dict__[_snake])


class _Tracked:
    """A symbol's bar of the period and the extremes of the periods before."""

    __slots__ = ("bar", "highest", "lowest")

    def __init__(self, period: int) -> None:
        self.bar: Any = None
        self.highest = Maximum(period)
        self.lowest = Minimum(period)

    def take(self, us: int, bar: Any) -> None:
        if bar is not None:
            self.highest._push(us, bar._high)
            self.lowest._push(us, bar._low)

    @property
    def is_ready(self) -> bool:
        return self.highest.is_ready and self.lowest.is_ready

    def reset(self) -> None:
        self.bar = None
        self.highest.reset()
        self.lowest.reset()


class NewHighsNewLows(BarIndicator):
    """Symbols above their highest high of a period less those below their lowest low."""

    __slots__ = ("_highs", "_lows", "_period", "_period_us", "_tracked", "difference", "ratio")
    PARAMETERS = (whole("period"),)
    NAME = ""

    def __init__(self, name: str, period: int) -> None:
        super().__init__(name, period)

    def _create(self, period: int) -> None:
        self._tracked: dict[Any, _Tracked] = {}
        self._period = period
        self._period_us: int | None = None
        self._highs: list[Any] = []
        self._lows: list[Any] = []
        self.difference = Derived(self.name + "_Difference", lambda: self.is_ready)
        self.ratio = Derived(self.name + "_Ratio", lambda: self.is_ready)
        self._warm_up = period + 1

    def add(self, asset: Any) -> None:
        """Watch a symbol."""
        if asset not in self._tracked:
            self._tracked[asset] = _Tracked(self._period)

    def remove(self, asset: Any) -> None:
        """Watch a symbol no longer."""
        self._tracked.pop(asset, None)

    @property
    def is_ready(self) -> bool:
        return bool(self._tracked) and all(tracked.is_ready for tracked in self._tracked.values())

    def _take(self, bar: Any) -> None:
        """Keep a bar. A new period begins with the first bar that starts later than the ones before."""
        period_us, tracked = self._period_us, self._tracked.get(bar.symbol)
        if period_us is not None and bar._end_us == period_us:
            if tracked is not None:
                tracked.take(period_us, bar)
            return
        if period_us is not None and bar._start_us > period_us:
            for item in self._tracked.values():
                item.take(period_us, item.bar)
                item.bar = None
            self._period_us = period_us = bar._start_us
        if tracked is not None and period_us in (None, bar._start_us):
            tracked.bar = bar
            self._period_us = bar._start_us

    def _next_bar(self, bar: Any) -> Decimal | None:
        self._take(bar)
        if any(tracked.bar is None for tracked in self._tracked.values()) or not self.is_ready:
            return None
        return self._compute(bar)

    def _compute(self, bar: Any) -> Decimal:
        tracked = self._tracked.values()
        self._highs = [item.bar for item in tracked if item.bar._high > item.highest._value]
        self._lows = [item.bar for item in tracked if item.bar._low < item.lowest._value]
        highs, lows = Decimal(len(self._highs)), Decimal(len(self._lows))
        self.difference._set(bar._end_us, highs - lows)
        self.ratio._set(bar._end_us, highs if lows == 0 else div(highs, lows))
        return self.difference._value

    def reset(self) -> None:
        for tracked in self._tracked.values():
            tracked.reset()
        self._period_us = None
        self.difference.reset()
        self.ratio.reset()
        super().reset()


class NewHighsNewLowsVolume(NewHighsNewLows):
    """Volume of the symbols at new highs over that of those at new lows."""

    __slots__ = ("volume_ratio",)
    INPUT = TradeBarIndicator.INPUT

    def _create(self, period: int) -> None:
        super()._create(period)
        self.volume_ratio = Derived(self.name + "_VolumeRatio", lambda: self.is_ready)

    def _compute(self, bar: Any) -> Decimal:
        super()._compute(bar)
        highs, lows = _volume(self._highs), _volume(self._lows)
        self.volume_ratio._set(bar._end_us, highs if lows == 0 else div(highs, lows))
        return self.volume_ratio._value

    def reset(self) -> None:
        self.volume_ratio.reset()
        super().reset()
