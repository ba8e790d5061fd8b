"""Turning points of the price.

Source of the rules: ``ZigZag.cs``, ``PivotPointsHighLow.cs`` and ``TomDemarkSequential.cs`` of Lean.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import Any

from harness.embedded.clr import ONE, ZERO, add, mul, sub, to_float
from harness.embedded.consolidators.events import EventHook
from harness.embedded.enums import LeanEnum
from harness.embedded.indicators.base import BarIndicator, Identity, IndicatorDataPoint, anything, decimal, whole
from harness.embedded.naming import lean_api


class PivotPointType(LeanEnum):
    LOW = -1
    NONE = 0
    HIGH = 1
    BOTH = 2


@lean_api
class PivotPoint(IndicatorDataPoint):
    """A turning point: whether it is a high or a low, its price and its time."""

    __slots__ = ("pivot_point_type",)

    pivot_point_type: PivotPointType

    @classmethod
    def at(cls, kind: PivotPointType, us: int, price: Decimal) -> PivotPoint:
        point = cls.__new__(cls)
        point.symbol = None
        point._start_us = point._end_us = us
        point.is_fill_forward = False
        point._exact = price
        point.pivot_point_type = kind
        return point


@lean_api
class PivotPointsEventArgs:
    """What the event of a new turning point carries."""

    __slots__ = ("pivot_point",)

    def __init__(self, pivot_point: PivotPoint) -> None:
        self.pivot_point = pivot_point


class PivotPointsHighLow(BarIndicator):
    """Whether the bar in the middle of the last ones is the highest, the lowest, both or neither."""

    __slots__ = ("_highs", "_lows", "_strict", "_turning", "new_pivot_point_formed")
    PARAMETERS = (
        whole("surrounding_bars_count_for_high_point"),
        whole("surrounding_bars_count_for_low_point"),
        whole("last_stored_values", 100),
        anything("strict", True),
    )
    NAME = "PivotPointsHighLow({surrounding_bars_count_for_high_point},{surrounding_bars_count_for_low_point})"

    def __init__(self, *arguments: Any, **named: Any) -> None:
        given = list(arguments)
        explicit = bool(given and isinstance(given[0], str))
        single = named.pop("surrounding_bars_count", None)
        if single is not None:
            given.insert(0, single)
        if not explicit and (single is not None or len(given) == 1):
            # Lean's form with one count: ``(surrounding_bars_count[, last_stored_values])``.
            given.insert(1, given[0])
            named.setdefault("name", f"PivotPointsHighLow({given[0]})")
        super().__init__(*given, **named)

    def _create(
        self,
        surrounding_bars_count_for_high_point: int,
        surrounding_bars_count_for_low_point: int,
        last_stored_values: int,
        strict: bool,
    ) -> None:
        self._highs: deque[Any] = deque(maxlen=2 * surrounding_bars_count_for_high_point + 1)
        self._lows: deque[Any] = deque(maxlen=2 * surrounding_bars_count_for_low_point + 1)
        self._turning: deque[PivotPoint] = deque(maxlen=last_stored_values)
        self._strict = bool(strict)
        self.new_pivot_point_formed = EventHook()
        self._warm_up = max(self._highs.maxlen or 0, self._lows.maxlen or 0)

    @property
    def is_ready(self) -> bool:
        return len(self._highs) == self._highs.maxlen and len(self._lows) == self._lows.maxlen

    def _next_bar(self, bar: Any) -> Decimal:
        self._highs.append(bar)
        self._lows.append(bar)
        high = low = None
        if len(self._highs) == self._highs.maxlen:
            middle = self._highs[len(self._highs) // 2]
            others = [item._high for item in self._highs if item is not middle]
            if all(item < middle._high or (not self._strict and item == middle._high) for item in others):
                high = PivotPoint.at(PivotPointType.HIGH, middle._end_us, middle._high)
        if len(self._lows) == self._lows.maxlen:
            middle = self._lows[len(self._lows) // 2]
            others = [item._low for item in self._lows if item is not middle]
            if all(item > middle._low or (not self._strict and item == middle._low) for item in others):
                low = PivotPoint.at(PivotPointType.LOW, middle._end_us, middle._low)
        for point in (high, low):
            if point is not None:
                self._turning.appendleft(point)
                self.new_pivot_point_formed(self, PivotPointsEventArgs(point))
        if high is not None:
            return Decimal(PivotPointType.BOTH if low is not None else PivotPointType.HIGH)
        return Decimal(PivotPointType.NONE if low is None else PivotPointType.LOW)

    def get_high_pivot_points_array(self) -> list[PivotPoint]:
        """The stored highs, newest first."""
        return [point for point in self._turning if point.pivot_point_type == PivotPointType.HIGH]

    def get_low_pivot_points_array(self) -> list[PivotPoint]:
        """The stored lows, newest first."""
        return [point for point in self._turning if point.pivot_point_type == PivotPointType.LOW]

    def get_all_pivot_points_array(self) -> list[PivotPoint]:
        """The stored turning points, newest first."""
        return list(self._turning)

    def reset(self) -> None:
        self._highs.clear()
        self._lows.clear()
        self._turning.clear()
        super().reset()


class ZigZag(BarIndicator):
    """The last turning point: the price must turn by a share of it, after some bars."""

    __slots__ = ("_count", "_is_low", "_length", "_pivot", "_sensitivity", "high_pivot", "low_pivot", "pivot_type")
    PARAMETERS = (decimal("sensitivity", "0.05"), whole("min_trend_length", 1))
    NAME = "ZZ({sensitivity},{min_trend_length})"
    LEFT_OUT_OF_HISTORY = frozenset({"high_pivot", "low_pivot"})

    def _create(self, sensitivity: Decimal, min_trend_length: int) -> None:
        if not 0 < sensitivity < 1:
            raise ValueError("Sensitivity must be between 0 and 1. (Parameter 'sensitivity')")
        if min_trend_length < 1:
            raise ValueError("Minimum trend length must be greater than 0. (Parameter 'minTrendLength')")
        self.high_pivot = Identity(self.name + "_HighPivot")
        self.low_pivot = Identity(self.name + "_LowPivot")
        self.pivot_type = PivotPointType.LOW
        self._sensitivity = sensitivity
        self._length = min_trend_length
        self._pivot: Any = None
        self._is_low = False
        self._count = 0
        self._warm_up = min_trend_length + 1

    @property
    def is_ready(self) -> bool:
        return self._samples > self._length

    def _next_bar(self, bar: Any) -> Decimal:
        pivot = self._pivot
        if pivot is None:
            self._turn(bar, True)
            return ZERO
        current: Decimal = pivot._low if self._is_low else pivot._high
        if self._is_low:
            if bar._high >= mul(pivot._low, add(ONE, self._sensitivity)) and self._count >= self._length:
                self._turn(bar, False)
                current = self.high_pivot._value
            elif bar._low <= pivot._low:
                self._turn(bar, True)
                current = self.low_pivot._value
        elif bar._low <= mul(pivot._high, sub(ONE, self._sensitivity)) and self._count >= self._length:
            self._turn(bar, True)
            current = self.low_pivot._value
        elif bar._high >= pivot._high:
            self._turn(bar, False)
            current = self.high_pivot._value
        self._count += 1
        return current

    def _turn(self, bar: Any, is_low: bool) -> None:
        self._pivot = bar
        self._count = 0
        if self._is_low != is_low:
            self.pivot_type = PivotPointType.LOW if is_low else PivotPointType.HIGH
        if is_low:
            self.low_pivot._push(bar._end_us, bar._low)
        else:
            self.high_pivot._push(bar._end_us, bar._high)
        self._is_low = is_low

    def reset(self) -> None:
        self._pivot = None
        self.pivot_type = PivotPointType.LOW
        self.high_pivot.reset()
        self.low_pivot.reset()
        super().reset()


class TomDemarkSequentialPhase(LeanEnum):
    NONE = 0
    BUY_SETUP = 1
    SELL_SETUP = 2
    BUY_COUNTDOWN = 3
    SELL_COUNTDOWN = 4
    BUY_SETUP_PERFECT = 5
    SELL_SETUP_PERFECT = 6


_PHASE = TomDemarkSequentialPhase


class TomDemarkSequential(BarIndicator):
    """Counts closes beyond those four bars before (the setup, to 9), then beyond extremes (the countdown, to 13)."""

    __slots__ = (
        *("_bars", "_phase", "_resistance", "_support"),
        *("countdown_phase_step_count", "setup_phase_step_count"),
    )
    NAME = "TomDemarkSequential"

    def _create(self) -> None:
        self._bars: deque[Any] = deque(maxlen=10)
        self._warm_up = 6
        self._clear()

    def _clear(self) -> None:
        self.setup_phase_step_count = self.countdown_phase_step_count = 0
        self._support = self._resistance = ZERO
        self._phase = _PHASE.NONE

    @property
    def period(self) -> int:
        return 10

    @property
    def is_ready(self) -> bool:
        return self._samples >= 6

    @property
    def support_price(self) -> float:
        return to_float(self._support)

    @property
    def resistance_price(self) -> float:
        return to_float(self._resistance)

    def _next_bar(self, bar: Any) -> Decimal:
        bars = self._bars
        bars.appendleft(bar)
        return Decimal(self._step(bar) if self.is_ready else _PHASE.NONE)

    def _step(self, bar: Any) -> TomDemarkSequentialPhase:
        bars, phase, close = self._bars, self._phase, bar._close
        if phase is _PHASE.NONE:
            last, before = bars[1]._close, bars[5]._close
            if last > before and close < bars[4]._close:
                self._phase = _PHASE.BUY_SETUP
            elif last < before and close > bars[4]._close:
                self._phase = _PHASE.SELL_SETUP
            else:
                return _PHASE.NONE
            self.setup_phase_step_count = 1
            return self._phase
        if phase in (_PHASE.BUY_SETUP, _PHASE.SELL_SETUP):
            return self._setup(bar, phase is _PHASE.BUY_SETUP)
        return self._countdown(bar, phase is _PHASE.BUY_COUNTDOWN)

    def _setup(self, bar: Any, buying: bool) -> TomDemarkSequentialPhase:
        bars, close = self._bars, bar._close
        goes_on = close < bars[4]._close if buying else close > bars[4]._close
        if not goes_on:
            self._phase = _PHASE.NONE
            return _PHASE.NONE
        self.setup_phase_step_count += 1
        if self.setup_phase_step_count != 9:
            return _PHASE.BUY_SETUP if buying else _PHASE.SELL_SETUP
        # The nine oldest of the ten bars kept, as Lean takes them.
        nine = list(bars)[len(bars) - 9 :]
        if buying:
            self._phase = _PHASE.BUY_COUNTDOWN
            self._resistance = max(item._high for item in nine)
            if close < bars[2]._low:
                self.countdown_phase_step_count = 1
            lowest = min(bars[3]._low, bars[2]._low)
            perfect = bars[1]._low < lowest or bars[0]._low < lowest
            return _PHASE.BUY_SETUP_PERFECT if perfect else _PHASE.BUY_SETUP
        self._phase = _PHASE.SELL_COUNTDOWN
        self._support = min(item._low for item in nine)
        if close > bars[2]._high:
            self.countdown_phase_step_count = 1
        highest = max(bars[3]._high, bars[2]._high)
        perfect = bars[1]._high > highest or bars[0]._high > highest
        return _PHASE.SELL_SETUP_PERFECT if perfect else _PHASE.SELL_SETUP

    def _countdown(self, bar: Any, buying: bool) -> TomDemarkSequentialPhase:
        close, before = bar._close, self._bars[2]
        counts = close <= before._low if buying else close >= before._high
        if counts:
            self.countdown_phase_step_count += 1
            if self.countdown_phase_step_count == 13:
                self._phase = _PHASE.NONE
            return _PHASE.BUY_COUNTDOWN if buying else _PHASE.SELL_COUNTDOWN
        broken = close > self._resistance if buying else close < self._support
        if broken:
            self._phase = _PHASE.NONE
        return _PHASE.NONE

    def reset(self) -> None:
        self._clear()
        self._bars.clear()
        super().reset()
