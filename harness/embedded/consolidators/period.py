"""Consolidators by time, by count, or by both: trade bars, quote bars and single values.

Source of the rules: ``PeriodCountConsolidatorBase.cs``, ``TradeBarConsolidator.cs``, ``QuoteBarConsolidator.cs`` and
``BaseDataConsolidator.cs`` in Lean's ``Common/Data/Consolidators``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from harness.embedded.clock import from_us, to_us
from harness.embedded.clr import ZERO, time_span_text
from harness.embedded.consolidators.base import ConsolidatorBase, require_input
from harness.embedded.consolidators.events import EventHook
from harness.embedded.consolidators.period_specification import (
    CalendarSpecification,
    PeriodSpecification,
    TimeSpanSpecification,
    timedelta_us,
)
from harness.embedded.data import Bar, BaseData, QuoteBar, TradeBar
from harness.embedded.enums import RESOLUTION_US, Resolution
from harness.embedded.naming import lean_api
from harness.embedded.not_supported import NotSupportedError

_HOUR_US = 3_600_000_000
_BEFORE_ALL_TIME = -(2**62)

PeriodArgument = timedelta | int | Callable[[datetime], Any]


@lean_api
class PeriodCountConsolidator(ConsolidatorBase):
    """Common part of the time and count consolidators.

    A bar by time is made once data starts at or after its end (update) or the clock reaches its end (scan). A bar by
    count is made with its last data. Created with a ``timedelta`` (optionally with the time of day bars are counted
    from), a number of data points, both, or a function giving a :class:`CalendarInfo`.
    """

    __slots__ = (
        "_count",
        "_last_emit_us",
        "_max_count",
        "_period_us",
        "_plan_view",
        "_specification",
        "_symbol",
        "_validated",
        "_working",
    )

    _input: type = BaseData
    _output: type = BaseData
    _takes_start_time = True

    def __init__(
        self,
        period: PeriodArgument | None = None,
        start_time: timedelta | None = None,
        *,
        max_count: int | None = None,
        func: Callable[[datetime], Any] | None = None,
    ) -> None:
        super().__init__()
        first: Any = period if period is not None else func
        if isinstance(first, int) and not isinstance(first, (bool, Resolution)):
            max_count, first = first, start_time
            start_time = None
        self._max_count = None if max_count is None else int(max_count)
        specification: PeriodSpecification
        if max_count is not None:
            if first is not None and not isinstance(first, timedelta):
                raise self._no_such_constructor(first)
            specification = PeriodSpecification(None if first is None else timedelta_us(first))
        elif isinstance(first, timedelta):
            if start_time is not None and not self._takes_start_time:
                raise self._no_such_constructor(start_time)
            specification = TimeSpanSpecification(first, start_time)
        elif callable(first):
            specification = CalendarSpecification(first)
        else:
            raise self._no_such_constructor(first)
        self._specification = specification
        self._period_us = specification.period_us
        self._typed_event = EventHook()
        self._symbol: Any = None
        self._validated = False
        self._count = 0
        self._working: Any = None
        self._last_emit_us: int | None = None
        self._plan_view: Any = None
        """Who knows the bar in the making when the engine makes this consolidator's bars in columns."""

    @classmethod
    def _no_such_constructor(cls, argument: object) -> TypeError:
        return TypeError(
            f"{cls.__name__} is created with a timedelta, a number of bars, both, or a function that returns a "
            f"CalendarInfo, not with {argument!r}"
        )

    @classmethod
    def from_resolution(cls, resolution: Resolution) -> Any:
        """A consolidator of one bar of a resolution."""
        return cls(timedelta(microseconds=RESOLUTION_US[Resolution(resolution)]))

    @property
    def input_type(self) -> type:
        return self._input

    @property
    def output_type(self) -> type:
        return self._output

    @property
    def working_data(self) -> Any:
        if self._plan_view is not None:
            return self._plan_view.working()
        return None if self._working is None else self._working.clone()

    @property
    def may_emit_on_scan(self) -> bool:
        return self._working is not None

    @property
    def working_end(self) -> datetime | None:
        return None if self._working is None else from_us(self._working._end_us)

    @property
    def is_time_based(self) -> bool:
        return self._max_count is None

    @property
    def specification(self) -> PeriodSpecification:
        """How this consolidator divides time."""
        return self._specification

    @property
    def max_count(self) -> int | None:
        return self._max_count

    # ------------------------------------------------------------------------------------------------ aggregation

    def _start(self, data: Any) -> Any:
        """The bar in the making, begun with its first data."""
        raise NotImplementedError

    def _add(self, working: Any, data: Any) -> None:
        """Add one more piece of data to the bar in the making."""
        raise NotImplementedError

    def _aggregate(self, data: Any) -> None:
        working = self._working
        if working is None:
            self._working = self._start(data)
        else:
            self._add(working, data)

    def _start_us_of(self, moment_us: int) -> int:
        start_us = self._specification.start_us(moment_us)
        if self._working is None:
            # The length of a bar is fixed when it begins.
            self._period_us = self._specification.period_us
        return start_us

    def _start_us_of_data(self, data: Any) -> int:
        begin_us, end_us = data._start_us, data._end_us
        start_us = self._start_us_of(begin_us)
        period_us = self._period_us
        if period_us is not None and start_us + period_us < end_us:
            # The data reaches beyond the bar it would belong to. Hour bars of US equities start before the market
            # opens, so their end tells the day; other data starts its own bar.
            if end_us - begin_us == _HOUR_US and from_us(start_us).date() < from_us(begin_us).date():
                return self._start_us_of(end_us)
            return int(begin_us)
        return start_us

    def _length_us(self, data: Any) -> int:
        if self._max_count is None and self._period_us is not None:
            return self._period_us
        return int(data._end_us - data._start_us)

    # ----------------------------------------------------------------------------------------------------- update

    def update(self, data: Any) -> None:
        if not isinstance(data, self._input):
            require_input(data, self._input)
        symbol = data.symbol
        if symbol is not self._symbol:
            if self._symbol is None:
                self._symbol = symbol
            elif symbol != self._symbol:
                raise RuntimeError(
                    "Consolidators can only be used with a single symbol. The previous consolidated SecurityIdentifier "
                    f"({self._symbol.id}) is not the same as in the current data ({symbol.id})."
                )
        begin_us = data._start_us
        period_us = self._period_us
        if not self._validated and period_us is not None and isinstance(self._specification, TimeSpanSpecification):
            self._validated = True
            length_us = data._end_us - begin_us
            if length_us > period_us:
                raise ValueError(
                    f"For Symbol {symbol} can not consolidate bars of period: "
                    f"{time_span_text(timedelta(microseconds=period_us))}, using data of the same or higher period: "
                    f"{time_span_text(timedelta(microseconds=length_us))}"
                )
        counting = self._max_count is not None
        fire = False
        if self._max_count is not None:
            self._count += 1
            if self._count >= self._max_count:
                self._count = 0
                fire = True
        if self._last_emit_us is None:
            self._last_emit_us = begin_us if counting else _BEFORE_ALL_TIME
        working = self._working
        aggregate_first = counting
        if period_us is not None:
            if (
                working is not None
                and begin_us - working._start_us >= period_us
                and self._start_us_of_data(data) > self._last_emit_us
            ):
                fire = True
            if period_us == 0:
                fire = aggregate_first = True
        if aggregate_first and begin_us >= self._last_emit_us:
            self._aggregate(data)
            if counting:
                self._working._end_us = data._end_us
        if fire:
            working = self._working
            if working is not None and self._period_us is not None and isinstance(working, TradeBar):
                working._end_us = working._start_us + self._period_us
            self._last_emit_us = working._end_us if not counting and working is not None else begin_us
            self._on_data_consolidated(working)
        if not aggregate_first and begin_us >= self._last_emit_us:
            self._aggregate(data)

    def scan(self, current_local_time: datetime) -> None:
        if self._working is not None:
            self.scan_us(to_us(current_local_time))

    def scan_us(self, local_us: int) -> None:
        """:meth:`scan` with the exchange-local time in microseconds."""
        working = self._working
        period_us = self._period_us
        if (
            working is not None
            and period_us
            and local_us - working._start_us >= period_us
            and self._start_us_of(local_us) > (self._last_emit_us or _BEFORE_ALL_TIME)
        ):
            self._last_emit_us = working._end_us
            self._on_data_consolidated(working)

    def _on_data_consolidated(self, bar: Any) -> None:
        # The base's, written out: this runs for every bar of a backtest. The typed event comes after the engine's, so
        # that `consolidated` is already the new bar there.
        if bar is not None:
            self.window.add(bar)
        for handler in self.engine_event.handlers:
            handler(self, bar)
        self._consolidated = bar
        for handler in self._typed_event.handlers:
            handler(self, bar)
        self._working = None

    def reset(self) -> None:
        super().reset()
        self._symbol = None
        self._validated = False
        self._count = 0
        self._working = None
        self._last_emit_us = None


@lean_api
class TradeBarConsolidator(PeriodCountConsolidator):
    """Trade bars from shorter trade bars: first open, highest high, lowest low, last close, summed volume."""

    __slots__ = ()
    _input = TradeBar
    _output = TradeBar

    @property
    def working_bar(self) -> Any:
        return self.working_data

    def _start(self, data: Any) -> TradeBar:
        start_us = self._start_us_of_data(data)
        values = [data._open, data._high, data._low, data._close, data._volume]
        return TradeBar.of_values(data.symbol, start_us, start_us + self._length_us(data), values)

    def _add(self, working: Any, data: Any) -> None:
        values = working._values
        values[3] = data._close
        values[4] += data._volume
        low = data._low
        values[2] = min(values[2], low)
        high = data._high
        values[1] = max(values[1], high)


@lean_api
class BaseDataConsolidator(PeriodCountConsolidator):
    """Trade bars without volume made of the values of any data."""

    __slots__ = ()
    _input = BaseData
    _output = TradeBar
    _takes_start_time = False

    @property
    def working_bar(self) -> Any:
        return self.working_data

    def _start(self, data: Any) -> TradeBar:
        # Lean leaves the length of this bar at a minute until the bar is emitted by an update.
        start_us = self._start_us_of(data._start_us)
        value = data._value
        return TradeBar.of_values(data.symbol, start_us, start_us + 60_000_000, [value, value, value, value, ZERO])

    def _add(self, working: Any, data: Any) -> None:
        values = working._values
        value = data._value
        values[3] = value
        values[2] = min(values[2], value)
        values[1] = max(values[1], value)


@lean_api
class QuoteBarConsolidator(PeriodCountConsolidator):
    """Quote bars from shorter quote bars; a new bar opens at the last bar's closing quotes."""

    __slots__ = ()
    _input = QuoteBar
    _output = QuoteBar

    def _start(self, data: Any) -> QuoteBar:
        start_us = self._start_us_of_data(data)
        working = QuoteBar(symbol=data.symbol)
        working._start_us = start_us
        working._end_us = start_us + self._length_us(data)
        previous = self._consolidated
        if previous is not None:
            for side in ("bid", "ask"):
                last: Bar | None = getattr(previous, side)
                price = last._close if last is not None else ZERO
                if price != 0:
                    setattr(working, side, Bar(price, price, price, price))
            if previous._last_bid_size > 0:
                working._last_bid_size = previous._last_bid_size
            if previous._last_ask_size > 0:
                working._last_ask_size = previous._last_ask_size
        self._add(working, data)
        return working

    def _add(self, working: Any, data: Any) -> None:
        if data.bid is not None:
            working._last_bid_size = data._last_bid_size
            working.bid = _merged(working.bid, data.bid)
        if data.ask is not None:
            working._last_ask_size = data._last_ask_size
            working.ask = _merged(working.ask, data.ask)
        if data.bid is None or data.ask is None or data.__class__ is not QuoteBar or working.__class__ is not QuoteBar:
            # Otherwise the value is the close all the same.
            working._take_value(data._value)


def _merged(bar: Bar | None, data: Bar) -> Bar:
    if bar is None:
        return data.clone()
    bar._close = data._close
    bar._high = max(bar._high, data._high)
    bar._low = min(bar._low, data._low)
    return bar


class TickConsolidator:
    """Trade bars from ticks: this engine has no tick data."""

    def __init__(self, *_: object, **__: object) -> None:
        raise NotSupportedError("TickConsolidator", "tick data")


class TickQuoteBarConsolidator:
    """Quote bars from ticks: this engine has no tick data."""

    def __init__(self, *_: object, **__: object) -> None:
        raise NotSupportedError("TickQuoteBarConsolidator", "tick data")


class OpenInterestConsolidator:
    """Open interest from ticks: this engine has no tick data."""

    def __init__(self, *_: object, **__: object) -> None:
        raise NotSupportedError("OpenInterestConsolidator", "open interest data")


class DynamicDataConsolidator:
    """Bars from custom data types: this engine has no custom data."""

    def __init__(self, *_: object, **__: object) -> None:
        raise NotSupportedError("DynamicDataConsolidator", "custom data")
