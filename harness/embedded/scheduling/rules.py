"""What date rules and time rules share, and rules made of a function.

Source of the rules: ``BaseScheduleRules.cs``, ``FuncDateRule.cs``, ``FuncTimeRule.cs`` and ``CompositeTimeRule.cs`` in
Lean's ``Common/Scheduling``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from harness.embedded.clock import Clock
from harness.embedded.naming import lean_api
from harness.embedded.reference.market_hours import SecurityExchangeHours
from harness.embedded.reference.symbols import symbol_cache
from harness.embedded.reference.time_zones import TimeZone

END_OF_TIME = datetime(2050, 12, 31)


@lean_api
class FuncDateRule:
    """A name and a function from (first day, last day) to the days in between."""

    __slots__ = ("_get_dates", "name")

    def __init__(self, name: str, get_dates_function: Callable[[datetime, datetime], Iterable[datetime]]) -> None:
        if not callable(get_dates_function):
            raise ValueError("Python DateRule provided is not a function")
        self.name = name
        self._get_dates = get_dates_function

    def get_dates(self, start: datetime, end: datetime) -> Iterable[datetime]:
        return self._get_dates(start, end)


@lean_api
class FuncTimeRule:
    """A name and a function from days to the UTC times of the events on them."""

    __slots__ = ("_create", "name")

    def __init__(
        self, name: str, create_utc_event_times_function: Callable[[Iterable[datetime]], Iterable[datetime]]
    ) -> None:
        if not callable(create_utc_event_times_function):
            raise ValueError("Python TimeRule provided is not a function")
        self.name = name
        self._create = create_utc_event_times_function

    def create_utc_event_times(self, dates: Iterable[datetime]) -> Iterable[datetime]:
        return self._create(dates)


@lean_api
class CompositeTimeRule:
    """Several time rules as one: their times of a day, each once, in order."""

    __slots__ = ("rules",)

    def __init__(self, *rules: Any) -> None:
        self.rules = list(rules[0]) if len(rules) == 1 and isinstance(rules[0], (list, tuple)) else list(rules)

    @property
    def name(self) -> str:
        return ",".join(rule.name for rule in self.rules)

    def create_utc_event_times(self, dates: Iterable[datetime]) -> Iterator[datetime]:
        for date in dates:
            yield from sorted({time for rule in self.rules for time in rule.create_utc_event_times([date])})


def dates_of(rule: Any, start: datetime, end: datetime) -> Iterable[datetime]:
    """The days of a date rule of this engine or of user code."""
    method = getattr(rule, "get_dates", None) or rule.GetDates
    return method(start, end)  # type: ignore[no-any-return]


def times_of(rule: Any, dates: Iterable[datetime]) -> Iterable[datetime]:
    """The UTC times of a time rule of this engine or of user code."""
    method = getattr(rule, "create_utc_event_times", None) or rule.CreateUtcEventTimes
    return method(dates)  # type: ignore[no-any-return]


class ScheduleContext:
    """What rules must know of the backtest.

    ``hours_of`` gives a symbol's exchange hours, ``default_hours`` those of US equities; ``create_symbol`` makes the
    symbol of a ticker that nobody has used yet; ``debug`` is the algorithm's. ``time_zone`` is the algorithm's and may
    change until the rules are used.
    """

    def __init__(
        self,
        clock: Clock,
        time_zone: str,
        hours_of: Callable[[Any], SecurityExchangeHours],
        default_hours: Callable[[], SecurityExchangeHours],
        *,
        create_symbol: Callable[[str], Any] | None = None,
        debug: Callable[[str], None] | None = None,
    ) -> None:
        self.clock = clock
        self.time_zone = time_zone
        self.hours_of = hours_of
        self.default_hours = default_hours
        self.create_symbol = create_symbol
        self.debug = debug

    @property
    def zone(self) -> TimeZone:
        return TimeZone.get(self.time_zone)

    @property
    def local_today(self) -> datetime:
        """Midnight of the algorithm's current day."""
        return self.clock.local(self.time_zone).replace(hour=0, minute=0, second=0, microsecond=0)


class ScheduleRules:
    """Base of the date rules and the time rules."""

    def __init__(self, context: ScheduleContext) -> None:
        self._context = context
        self._warned = False

    def set_default_time_zone(self, time_zone: Any) -> None:
        """Make a time zone the one in which rules without a symbol count."""
        self._context.time_zone = str(time_zone)

    def _symbol(self, symbol: Any) -> Any:
        if not isinstance(symbol, str):
            # Where a symbol is wanted a security serves too, as Lean converts it.
            return getattr(symbol, "symbol", symbol)
        found = symbol_cache.try_get_symbol(symbol)
        if found is not None:
            return found
        if not self._warned:
            self._warned = True
            if self._context.debug is not None:
                self._context.debug(
                    f"Warning: no existing symbol found for ticker {symbol}, it will be created with Equity type."
                )
        if self._context.create_symbol is None:
            raise ValueError(f"{symbol} is not a symbol of this algorithm")
        created = self._context.create_symbol(symbol)
        symbol_cache.set(symbol, created)
        return created

    def _hours(self, symbol: Any) -> SecurityExchangeHours:
        return self._context.hours_of(symbol)
