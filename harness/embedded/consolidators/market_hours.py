"""Consolidation that follows the exchange's hours: daily bars from open to close, intraday bars counted from the open.

Source of the rules: ``MarketHourAwareConsolidator.cs`` in Lean's ``Common/Data/Consolidators`` and
``LeanData.GetDailyCalendar``, ``GetIntradayCalendar`` and ``UseStrictEndTime``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from harness.embedded.clock import from_us, to_us
from harness.embedded.consolidators.base import ConsolidatorBase
from harness.embedded.consolidators.calendar import CalendarInfo
from harness.embedded.consolidators.environment import Environment
from harness.embedded.consolidators.period import QuoteBarConsolidator, TradeBarConsolidator
from harness.embedded.consolidators.period_specification import round_down_us, timedelta_us
from harness.embedded.data import QuoteBar, TradeBar
from harness.embedded.enums import RESOLUTION_US, Resolution
from harness.embedded.naming import lean_api
from harness.embedded.not_supported import NotSupportedError
from harness.embedded.reference.market_hours import SecurityExchangeHours, daily_calendar

_DAY = timedelta(days=1)
_HOUR_US = 3_600_000_000
_INSTANT = timedelta(microseconds=1)


def higher_resolution(period: timedelta) -> Resolution:
    """The largest resolution that is not longer than a period. Source: ``Extensions.ToHigherResolutionEquivalent``."""
    us = timedelta_us(period)
    for resolution in (Resolution.DAILY, Resolution.HOUR, Resolution.MINUTE, Resolution.SECOND):
        if RESOLUTION_US[resolution] <= us:
            return resolution
    return Resolution.TICK


def intraday_calendar(local: datetime, period: timedelta, hours: SecurityExchangeHours, extended: bool) -> CalendarInfo:
    """The bar of ``local`` when bars are counted from the market's opening; the last one ends at the close."""
    reference = local + _INSTANT if hours.is_open(local, extended) else local
    market_open = hours.get_previous_market_open(reference, extended)
    start = market_open + math.floor((local - market_open) / period) * period
    end = min(start + period, hours.get_next_market_close(market_open, extended))
    return CalendarInfo(start, end - start)


def _rounded(local: datetime, period: timedelta) -> datetime:
    return from_us(round_down_us(to_us(local), timedelta_us(period)))


@lean_api
class MarketHourAwareConsolidator(ConsolidatorBase):
    """Daily or intraday bars that skip data outside the market's hours.

    ``period`` is a resolution or a length; ``data_type`` is ``TradeBar`` or ``QuoteBar``. Daily bars run from the open
    to the close when ``daily_strict_end_time_enabled``.
    """

    __slots__ = ("_extended", "_hours", "_inner", "_period", "_strict", "_strict_enabled")

    def __init__(
        self,
        daily_strict_end_time_enabled: bool,
        resolution: Resolution | timedelta,
        data_type: type,
        tick_type: Any = None,
        extended_market_hours: bool = False,
    ) -> None:
        super().__init__()
        self._strict_enabled = daily_strict_end_time_enabled
        self._extended = extended_market_hours
        self._strict = False
        self._hours: SecurityExchangeHours | None = None
        if isinstance(resolution, timedelta):
            self._period = resolution
            exact = higher_resolution(resolution)
            by_resolution = RESOLUTION_US[exact] == timedelta_us(resolution)
        else:
            exact = Resolution(resolution)
            self._period = timedelta(microseconds=RESOLUTION_US[exact])
            by_resolution = True
        calendar: timedelta | Callable[[datetime], CalendarInfo]
        if by_resolution:
            calendar = self._daily_calendar if exact == Resolution.DAILY else self._period
        else:
            calendar = self._intraday_calendar if self._period < _DAY else self._daily_calendar
        self._inner = self._create(calendar, data_type)
        self._inner.engine_event += self._forward

    @staticmethod
    def _create(calendar: Any, data_type: type) -> TradeBarConsolidator | QuoteBarConsolidator:
        if data_type is TradeBar:
            return TradeBarConsolidator(calendar)
        if data_type is QuoteBar:
            return QuoteBarConsolidator(calendar)
        raise NotSupportedError("MarketHourAwareConsolidator", f"{data_type.__name__} data")

    def _forward(self, _: Any, bar: Any) -> None:
        self._on_data_consolidated(bar)

    def _daily_calendar(self, local: datetime) -> CalendarInfo:
        if not self._strict or self._period > _DAY or self._hours is None:
            return CalendarInfo(local if self._period > _DAY else _rounded(local, self._period), self._period)
        start, end = daily_calendar(self._hours, local, self._extended)
        return CalendarInfo(start, end - start)

    def _intraday_calendar(self, local: datetime) -> CalendarInfo:
        hours = self._hours
        if hours is None or hours.is_market_always_open:
            return CalendarInfo(_rounded(local, self._period), self._period)
        return intraday_calendar(local, self._period, hours, self._extended)

    @property
    def input_type(self) -> type:
        return self._inner.input_type

    @property
    def output_type(self) -> type:
        return self._inner.output_type

    @property
    def working_data(self) -> Any:
        return self._inner.working_data

    @property
    def may_emit_on_scan(self) -> bool:
        return self._inner.may_emit_on_scan

    @property
    def working_end(self) -> datetime | None:
        return self._inner.working_end

    @property
    def inner(self) -> TradeBarConsolidator | QuoteBarConsolidator:
        """The consolidator that does the work."""
        return self._inner

    def update(self, data: Any) -> None:
        hours = self._hours
        if hours is None:
            hours = self._hours = Environment.hours_of(data.symbol)
            self._strict = (
                self._strict_enabled and not hours.is_market_always_open and self._period > timedelta(hours=1)
            )
        if self._extended:
            self._inner.update(data)
            return
        time = data.time
        if hours.is_open(time, False) or (
            self._period == _DAY
            and data._end_us - data._start_us >= _HOUR_US
            and hours.is_open(time, data.end_time, False)
        ):
            self._inner.update(data)

    def scan(self, current_local_time: datetime) -> None:
        self._inner.scan(current_local_time)

    def dispose(self) -> None:
        self._inner.engine_event -= self._forward
        self._inner.dispose()
        super().dispose()

    def reset(self) -> None:
        self._strict = False
        self._hours = None
        self._inner.reset()
        super().reset()
