"""Consolidators by price movement or volume: Renko, volume Renko and range bars.

Source of the rules: ``RenkoConsolidator.cs``, ``ClassicRenkoConsolidator.cs``, ``VolumeRenkoConsolidator.cs``,
``DollarVolumeRenkoConsolidator.cs``, ``BaseTimelessConsolidator.cs``, ``RangeConsolidator.cs`` and
``ClassicRangeConsolidator.cs`` in Lean.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_CEILING, Decimal
from typing import Any

from harness.embedded.clr import ZERO, div, floor, from_python, round_half_even, to_float
from harness.embedded.consolidators.base import ConsolidatorBase, require_input
from harness.embedded.consolidators.environment import Environment
from harness.embedded.consolidators.events import EventHook
from harness.embedded.consolidators.price_bars import BaseRenkoBar, RangeBar, RenkoBar, RenkoType, VolumeRenkoBar
from harness.embedded.data import BaseData, TradeBar
from harness.embedded.naming import lean_api

Selector = Callable[[Any], Any]
_EPSILON = Decimal("1e-28")


def _ceiling(value: Decimal) -> Decimal:
    return value.to_integral_value(ROUND_CEILING)


def closest_multiple(price: Decimal, bar_size: Decimal) -> Decimal:
    """The multiple of ``bar_size`` nearest to a price. Raises ``ValueError`` unless the size is positive."""
    if bar_size <= 0:
        raise ValueError("BarSize must be strictly greater than zero")
    whole = floor(div(price, bar_size))
    modulus = price - bar_size * whole
    return bar_size * (whole + round_half_even(div(modulus, bar_size), 0))


class _TypedEventConsolidator(ConsolidatorBase):
    """A consolidator whose typed event fires before the engine's."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__()
        self._typed_event = EventHook()

    @property
    def input_type(self) -> Any:
        return BaseData

    InputType = input_type

    @property
    def may_emit_on_scan(self) -> bool:
        return False

    def _before_engine_event(self, bar: Any) -> None:
        self._fire_typed_event(bar)

    def dispose(self) -> None:
        self._typed_event.clear()
        super().dispose()

    Dispose = dispose


@lean_api
class RenkoConsolidator(_TypedEventConsolidator):
    """Wicked Renko bars of one size; several may come from one price."""

    __slots__ = ("_bar_size", "_close_us", "_current", "_first", "_high", "_last", "_low", "_open", "_open_us")

    def __init__(self, bar_size: Any) -> None:
        super().__init__()
        size = from_python(bar_size)
        if size <= 0:
            raise ValueError("Renko consolidator BarSize must be strictly greater than zero")
        self._bar_size = size
        self._clear()

    def _clear(self) -> None:
        self._first = True
        self._last: RenkoBar | None = None
        self._current: RenkoBar | None = None
        self._open_us = self._close_us = 0
        self._open = self._high = self._low = ZERO

    @property
    def type(self) -> RenkoType:
        return RenkoType.WICKED

    @property
    def output_type(self) -> Any:
        return RenkoBar

    @property
    def working_data(self) -> Any:
        return None if self._current is None else self._current.clone()

    @staticmethod
    def get_closest_multiple(price: Any, bar_size: Any) -> float:
        return to_float(closest_multiple(from_python(price), from_python(bar_size)))

    def _before_engine_event(self, bar: Any) -> None:
        super()._before_engine_event(bar)
        self._current = bar

    def _emit(self, symbol: Any, prices: list[Decimal]) -> None:
        bar = RenkoBar.wicked(symbol, self._open_us, self._close_us, self._bar_size, prices)
        self._last = bar
        self._on_data_consolidated(bar)
        self._open_us = self._close_us
        self._open = prices[3]

    def update(self, data: Any) -> None:
        rate = data._price
        if self._first:
            self._first = False
            rate = closest_multiple(rate, self._bar_size)
            self._open_us = self._close_us = data._start_us
            self._open = self._high = self._low = rate
            return
        self._close_us = data._start_us
        self._high = max(self._high, rate)
        self._low = min(self._low, rate)
        size, last = self._bar_size, self._last
        if rate > self._open:
            if last is None or last._open < last._close:
                self._rise(data.symbol, rate)
                return
            limit = last._open + size
            if rate > limit:
                self._emit(data.symbol, [last._open, limit, self._low, limit])
                self._low = limit
                self._rise(data.symbol, rate)
        elif rate < self._open:
            if last is None or last._open > last._close:
                self._fall(data.symbol, rate)
                return
            limit = last._open - size
            if rate < limit:
                self._emit(data.symbol, [last._open, self._high, limit, limit])
                self._high = limit
                self._fall(data.symbol, rate)

    def _rise(self, symbol: Any, rate: Decimal) -> None:
        limit = self._open + self._bar_size
        while rate > limit:
            self._emit(symbol, [self._open, limit, self._low, limit])
            self._low = limit
            limit = self._open + self._bar_size

    def _fall(self, symbol: Any, rate: Decimal) -> None:
        limit = self._open - self._bar_size
        while rate < limit:
            self._emit(symbol, [self._open, self._high, limit, limit])
            self._high = limit
            limit = self._open - self._bar_size

    def reset(self) -> None:
        self._clear()
        super().reset()


@lean_api
class WickedRenkoConsolidator(RenkoConsolidator):
    """Lean's other name of :class:`RenkoConsolidator`."""

    __slots__ = ()


@lean_api
class VolumeRenkoConsolidator(ConsolidatorBase):
    """Bars of one amount of volume. Takes trade bars only."""

    __slots__ = ("_bar_size", "_current")

    def __init__(self, bar_size: Any) -> None:
        super().__init__()
        self._bar_size = from_python(bar_size)
        self._current: VolumeRenkoBar | None = None
        self._typed_event = EventHook()

    @property
    def input_type(self) -> Any:
        return BaseData

    @property
    def output_type(self) -> Any:
        return VolumeRenkoBar

    @property
    def working_data(self) -> Any:
        return self._current

    @property
    def may_emit_on_scan(self) -> bool:
        return False

    def _adjusted(self, volume: Decimal, price: Decimal) -> Decimal:
        return volume

    def update(self, data: Any) -> None:
        require_input(data, BaseData)
        # Trade bars themselves: the bars of another Renko or range consolidator are refused.
        if not isinstance(data, TradeBar) or isinstance(data, (BaseRenkoBar, RangeBar)):
            raise ValueError(f"{type(self).__name__} must be used with TradeBar or Tick data.")
        opening, high, low, close = data._open, data._high, data._low, data._close
        volume = self._adjusted(data._volume, close)
        bar = self._current
        if bar is None:
            bar = self._current = VolumeRenkoBar.starting(
                data.symbol, data._start_us, data._end_us, self._bar_size, [opening, high, low, close]
            )
        left = bar.take(data._end_us, high, low, close, volume)
        while left >= 0:
            self._on_data_consolidated(bar)
            bar = self._current = bar.rollover()
            left = bar.take(data._end_us, high, low, close, left)

    def _on_data_consolidated(self, bar: Any) -> None:
        super()._on_data_consolidated(bar)
        self._fire_typed_event(bar)

    def reset(self) -> None:
        super().reset()
        self._current = None


@lean_api
class DollarVolumeRenkoConsolidator(VolumeRenkoConsolidator):
    """Bars of one amount of traded money."""

    __slots__ = ()

    def _adjusted(self, volume: Decimal, price: Decimal) -> Decimal:
        return volume * price


class _TimelessConsolidator(_TypedEventConsolidator):
    """A consolidator by a value chosen from the data (its price unless a selector is given) and a volume."""

    __slots__ = ("_current", "_selector", "_volume_selector")

    def __init__(self, selector: Selector | None, volume_selector: Selector | None) -> None:
        super().__init__()
        for name, given in (("valueSelector", selector), ("volumeSelector", volume_selector)):
            if given is not None and not callable(given):
                raise TypeError(f"Unable to convert parameter {name} to delegate type Func<IBaseData, decimal>")
        self._selector = selector
        self._volume_selector = volume_selector
        self._current: Any = None

    @property
    def working_data(self) -> Any:
        return None if self._current is None else self._current.clone()

    WorkingData = working_data

    def update(self, data: Any) -> None:
        value = data._value if self._selector is None else from_python(self._selector(data))
        if self._volume_selector is not None:
            volume = from_python(self._volume_selector(data))
        else:
            volume = data._volume if isinstance(data, TradeBar) else ZERO
        if self._current is not None:
            self._update_bar(data._start_us, value, volume)
        if self._current is None:
            self._create_bar(data, value, volume)

    Update = update

    def _update_bar(self, time_us: int, value: Decimal, volume: Decimal) -> None:
        raise NotImplementedError

    def _create_bar(self, data: Any, value: Decimal, volume: Decimal) -> None:
        raise NotImplementedError

    def reset(self) -> None:
        self._current = None
        super().reset()


@lean_api
class ClassicRenkoConsolidator(_TimelessConsolidator):
    """Classic Renko bars: a bar closes once the value reaches a brick's edge; one bar per piece of data at most."""

    __slots__ = ("_bar_size", "_even_bars", "_last_close")

    def __init__(
        self,
        bar_size: Any,
        selector: Selector | RenkoType | None = None,
        volume_selector: Selector | None = None,
        even_bars: bool = True,
    ) -> None:
        if isinstance(selector, RenkoType):
            if selector != RenkoType.CLASSIC:
                raise ValueError("Please use the new RenkoConsolidator type if RenkoType is not Classic")
            selector = None
        elif isinstance(selector, bool):
            selector, even_bars = None, selector
        super().__init__(selector, volume_selector)
        self._bar_size = from_python(bar_size)
        if self._bar_size < _EPSILON:
            raise ValueError("RenkoConsolidator bar size must be positve and greater than 1e-28 (Parameter 'barSize')")
        self._even_bars = even_bars
        self._last_close: Decimal | None = None

    @property
    def type(self) -> RenkoType:
        return RenkoType.CLASSIC

    @property
    def output_type(self) -> Any:
        return RenkoBar

    def _update_bar(self, time_us: int, value: Decimal, volume: Decimal) -> None:
        bar = self._current
        if bar.take(time_us, value, volume):
            self._last_close = bar._close
            self._on_data_consolidated(bar)
            self._current = None

    def _create_bar(self, data: Any, value: Decimal, volume: Decimal) -> None:
        opening = value if self._last_close is None else self._last_close
        if self._even_bars and self._last_close is None:
            opening = _ceiling(div(opening, self._bar_size)) * self._bar_size
        self._current = RenkoBar.classic(data.symbol, data._start_us, self._bar_size, opening, volume)

    def reset(self) -> None:
        super().reset()
        self._last_close = None


@lean_api
class RangeConsolidator(_TimelessConsolidator):
    """Range bars: ``range`` times the symbol's smallest price change."""

    __slots__ = ("_first", "_range", "_range_size", "_tick_size")

    def __init__(
        self,
        range: int,
        selector: Selector | None = None,
        volume_selector: Selector | None = None,
    ) -> None:
        super().__init__(selector, volume_selector)
        self._range = int(range)
        self._first = True
        self._tick_size = ZERO
        self._range_size = ZERO

    @property
    def range(self) -> int:
        return self._range

    @property
    def range_size(self) -> float:
        return to_float(self._range_size)

    @property
    def output_type(self) -> Any:
        return RangeBar

    def _update_bar(self, time_us: int, value: Decimal, volume: Decimal) -> None:
        bar = self._current
        rising = value > bar._high
        bar.take(time_us, value, volume)
        while bar.is_closed:
            self._on_data_consolidated(bar)
            step = bar._high + self._tick_size if rising else bar._low - self._tick_size
            following = RangeBar.starting(bar.symbol, bar._end_us, self._range_size, step, ZERO)
            self._current = following
            # Bars that the price only passed through carry no volume.
            following.take(time_us, value, ZERO if abs(following._low - value) > self._range_size else volume)
            bar = following

    def _create_bar(self, data: Any, value: Decimal, volume: Decimal) -> None:
        opening = value
        if self._first:
            self._tick_size = Environment.tick_size_of(data.symbol)
            self._range_size = self._tick_size * self._range
            opening = _ceiling(div(opening, self._range_size)) * self._range_size
            self._first = False
        self._current = RangeBar.starting(data.symbol, data._start_us, self._range_size, opening, volume)

    def reset(self) -> None:
        super().reset()
        self._first = True
        self._tick_size = ZERO
        self._range_size = ZERO


@lean_api
class ClassicRangeConsolidator(RangeConsolidator):
    """Range bars where the price that closes a bar is left to open the next."""

    __slots__ = ()

    def _update_bar(self, time_us: int, value: Decimal, volume: Decimal) -> None:
        bar = self._current
        bar.take(time_us, value, volume)
        if bar.is_closed:
            self._on_data_consolidated(bar)
            self._current = None
