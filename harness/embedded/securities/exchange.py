"""When a security's exchange is open, at the time of the algorithm. Source: Lean's ``SecurityExchange``."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from harness.embedded.naming import lean_api
from harness.embedded.uncovered import refuses_uncovered

if TYPE_CHECKING:
    from harness.embedded.clock import Clock
    from harness.embedded.reference.market_hours import SecurityExchangeHours


@refuses_uncovered("SecurityExchange")
@lean_api
class SecurityExchange:
    """Trading hours seen from the backtest's clock."""

    __slots__ = ("_clock", "hours", "time_zone", "trading_days_per_year")

    def __init__(self, hours: SecurityExchangeHours, clock: Clock, trading_days_per_year: int = 365) -> None:
        self.hours = hours
        self.time_zone: str = hours.time_zone
        self.trading_days_per_year = trading_days_per_year
        self._clock = clock

    @property
    def local_time(self) -> datetime:
        return self._clock.local(self.time_zone)

    @property
    def exchange_open(self) -> bool:
        """Regular session now."""
        return self.hours.is_open(self.local_time, False)

    @property
    def closing_soon(self) -> bool:
        """No regular session ten minutes from now."""
        return self.is_closing_soon(10)

    def is_closing_soon(self, minutes_to_close: int) -> bool:
        return not self.hours.is_open(self.local_time + timedelta(minutes=minutes_to_close), False)

    def date_is_open(self, date_to_check: datetime, extended_market_hours: bool = False) -> bool:
        return self.hours.is_date_open(date_to_check, extended_market_hours)

    def date_time_is_open(self, date_time: datetime) -> bool:
        return self.hours.is_open(date_time, False)

    def is_open_during_bar(
        self, bar_start_time: datetime, bar_end_time: datetime, is_extended_market_hours: bool
    ) -> bool:
        return self.hours.is_open(bar_start_time, bar_end_time, is_extended_market_hours)


@lean_api
class EquityExchange(SecurityExchange):
    """A stock exchange: 252 trading days a year."""

    __slots__ = ()

    def __init__(self, hours: SecurityExchangeHours, clock: Clock) -> None:
        super().__init__(hours, clock, 252)
