"""``algorithm.time_rules``: at which times of a day an event fires.

Source of the rules: ``Common/Scheduling/TimeRules.cs`` of Lean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from harness.embedded.naming import lean_api
from harness.embedded.reference.market_hours import SecurityExchangeHours
from harness.embedded.reference.time_zones import TimeZone
from harness.embedded.runtime_errors import BindingError
from harness.embedded.scheduling.rules import FuncTimeRule, ScheduleRules

_MarketTimes = Callable[[SecurityExchangeHours, Iterable[datetime], bool, timedelta], Iterator[datetime]]

_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)
_ZERO = timedelta(0)
_HALF_DAY = timedelta(hours=12)
_HUNDREDTH = Decimal("0.01")
_TICKS_PER_MINUTE = 600_000_000.0


def _number(value: float) -> str:
    """``ToString("0.##")``: at most two decimals. .NET rounds the first fifteen digits, halves away from zero."""
    rounded = Decimal(f"{value:.15g}").quantize(_HUNDREDTH, ROUND_HALF_UP)
    return f"{rounded:f}".rstrip("0").rstrip(".")


def _minutes(value: Any) -> timedelta:
    """``TimeSpan.FromMinutes``, which cuts what is below a tick; below a microsecond the time seen is cut too."""
    return timedelta(microseconds=int(float(value) * _TICKS_PER_MINUTE) // 10)


def open_times(
    hours: SecurityExchangeHours, dates: Iterable[datetime], extended: bool, after: timedelta
) -> Iterator[datetime]:
    """UTC times ``after`` the open of each date that has one."""
    for date in dates:
        if not hours.is_date_open(date, extended):
            continue
        market_open = hours.get_first_daily_market_open(date + _DAY - _INSTANT, extended)
        if market_open.date() == date.date():
            yield hours.zone.local_to_utc(market_open + after)


def close_times(
    hours: SecurityExchangeHours, dates: Iterable[datetime], extended: bool, after: timedelta
) -> Iterator[datetime]:
    """UTC times ``after`` the last close of each date that has one."""
    for date in dates:
        if hours.is_date_open(date, extended):
            yield hours.zone.local_to_utc(hours.get_last_daily_market_close(date, extended) + after)


@lean_api
class TimeRules(ScheduleRules):
    """Rules for times of day; without a symbol or a time zone they count in the algorithm's time zone."""

    @property
    def now(self) -> FuncTimeRule:
        """The moment at which the rule is used."""
        return FuncTimeRule("Now", lambda dates: (self._context.clock.utc for _ in dates))

    @property
    def midnight(self) -> FuncTimeRule:
        return FuncTimeRule("Midnight", lambda dates: (self._context.zone.local_to_utc(date) for date in dates))

    @property
    def noon(self) -> FuncTimeRule:
        return FuncTimeRule("Noon", lambda dates: (self._context.zone.local_to_utc(date) + _HALF_DAY for date in dates))

    def at(self, *arguments: Any, time_zone: Any = None, **named: Any) -> FuncTimeRule:
        """``at(hour, minute[, second][, time_zone])`` or ``at(timedelta[, time_zone])``."""
        given = list(arguments)
        if given and not isinstance(given[-1], (int, timedelta)):
            time_zone = given.pop()
        if given and isinstance(given[0], timedelta):
            time_of_day = given[0]
        elif "time_of_day" in named:
            time_of_day = named["time_of_day"]
        else:
            parts = dict(zip(("hour", "minute", "second"), given, strict=False)) | named
            if not {"hour", "minute"} <= set(parts) or any(not isinstance(part, int) for part in parts.values()):
                raise BindingError("time_rules.at needs an hour and a minute (whole numbers), or a timedelta")
            time_of_day = timedelta(hours=parts["hour"], minutes=parts["minute"], seconds=parts.get("second", 0))
        zone = self._context.zone if time_zone is None else TimeZone.get(str(time_zone))
        return FuncTimeRule(
            _number(time_of_day / timedelta(hours=1)),
            lambda dates: (zone.local_to_utc(date + time_of_day) for date in dates),
        )

    def every(self, interval: timedelta) -> FuncTimeRule:
        """Every ``interval`` from midnight on. Raises ``ValueError`` unless it is positive."""
        if interval <= _ZERO:
            raise ValueError("TimeRules.Every(): time span interval can not be zero or less")

        def times(dates: Iterable[datetime], zone: TimeZone) -> Iterator[datetime]:
            for date in dates:
                time = _ZERO
                while time < _DAY:
                    yield zone.local_to_utc(date + time)
                    time += interval

        # Unlike noon and midnight it keeps the time zone of the moment at which the event is made.
        return FuncTimeRule(
            f"Every {_number(interval / timedelta(minutes=1))} min", lambda dates: times(dates, self._context.zone)
        )

    # ------------------------------------------------------------------------------------- relative to the market

    def after_market_open(
        self, symbol: Any = None, minutes_after_open: float = 0, extended_market_open: bool = False
    ) -> FuncTimeRule:
        """Minutes after the open of a symbol's exchange, or of any exchange of the algorithm."""
        symbol, minutes, extended = self._arguments(symbol, minutes_after_open, extended_market_open)
        side = "after" if minutes > 0 else "before"
        return self._around("MarketOpen", side, open_times, symbol, minutes, extended)

    def before_market_open(
        self, symbol: Any = None, minutes_before_open: float = 0, extended_market_open: bool = False
    ) -> FuncTimeRule:
        symbol, minutes, extended = self._arguments(symbol, minutes_before_open, extended_market_open)
        return self.after_market_open(symbol, -minutes, extended)

    def before_market_close(
        self, symbol: Any = None, minutes_before_close: float = 0, extended_market_close: bool = False
    ) -> FuncTimeRule:
        """Minutes before the close of a symbol's exchange, or of any exchange of the algorithm."""
        symbol, minutes, extended = self._arguments(symbol, minutes_before_close, extended_market_close)
        side = "before" if minutes > 0 else "after"
        return self._around("MarketClose", side, close_times, symbol, -minutes, extended)

    def after_market_close(
        self, symbol: Any = None, minutes_after_close: float = 0, extended_market_close: bool = False
    ) -> FuncTimeRule:
        symbol, minutes, extended = self._arguments(symbol, minutes_after_close, extended_market_close)
        return self.before_market_close(symbol, -minutes, extended)

    def _around(
        self, event: str, side: str, times: _MarketTimes, symbol: Any, minutes: float, extended: bool
    ) -> FuncTimeRule:
        name = f"{_number(abs(minutes))} min {side} {'Extended' if extended else ''}{event}"
        hours = self._context.default_hours() if symbol is None else self._hours(symbol)
        shown = name if symbol is None else f"{symbol}: {name}"
        return FuncTimeRule(shown, lambda dates: times(hours, dates, extended, _minutes(minutes)))

    def _arguments(self, symbol: Any, minutes: Any, extended: Any) -> tuple[Any, float, bool]:
        """``(symbol, minutes, extended)`` of a call that may leave the symbol out."""
        if isinstance(symbol, (int, float)):
            # Without a symbol the arguments move one place to the left.
            return None, symbol, bool(minutes) if isinstance(minutes, bool) else bool(extended)
        return (None if symbol is None else self._symbol(symbol)), minutes, bool(extended)
