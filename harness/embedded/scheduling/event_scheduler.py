"""The queue of scheduled events of a backtest, fired in Lean's order.

Source of the rules: ``BacktestingRealTimeHandler.cs``, ``BaseRealTimeHandler.cs`` and ``ScheduledEventFactory.cs`` in
Lean's ``Engine/RealTime``, and ``LinqExtensions.BinarySearch``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from harness.embedded.clock import Clock
from harness.embedded.naming import user_method
from harness.embedded.not_supported import NotSupportedError
from harness.embedded.reference.time_zones import TimeZone
from harness.embedded.runtime_errors import USER_ERRORS
from harness.embedded.scheduling.date_rules import each_day, each_tradeable_day
from harness.embedded.scheduling.scheduled_event import (
    ALGORITHM_END_OF_DAY_DELTA,
    NEVER_US,
    SECURITY_END_OF_DAY_DELTA,
    ScheduledEvent,
)

_LONG_AGO_US = -(2**62)


class EventScheduler:
    """Fires events before the step that follows them, or in the step that falls on them.

    ``set_time`` sets the algorithm's UTC time in microseconds; ``on_error`` takes an exception and where it came from.
    Both must be given before events fire.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.set_algorithm_time: Callable[[int], None] = self._set_clock
        self.on_error: Callable[[BaseException, str], None] = _raise
        self._events: dict[ScheduledEvent, int] = {}
        self._sorted: list[ScheduledEvent] = []
        self._needs_sorting = False
        self._numbers = 0
        self._started = False
        self.next_event_us = NEVER_US
        """UTC microseconds before which nothing is due (it may be earlier than the next event)."""

    def _set_clock(self, utc_us: int) -> None:
        self._clock.utc_us = utc_us

    def start(self) -> None:
        """Begin at the clock's time: earlier times of the events added so far are dropped."""
        self._started = True
        for event in self._in_order():
            event.skip_events_until(self._clock.utc_us)
        self._needs_sorting = True
        self.next_event_us = _LONG_AGO_US

    def add(self, event: ScheduledEvent) -> None:
        """Add an event; once started, its times before now are dropped."""
        if self._started:
            event.skip_events_until(self._clock.utc_us)
        self._numbers += 1
        self._events[event] = self._numbers
        self._needs_sorting = True
        self.next_event_us = _LONG_AGO_US

    def remove(self, event: ScheduledEvent) -> None:
        """Take an event away; during the step that fires it, it stays due."""
        self._events.pop(event, None)
        self._needs_sorting = True

    def _in_order(self) -> list[ScheduledEvent]:
        if self._needs_sorting:
            self._needs_sorting = False
            # By time, and events of one time in the order in which they were added.
            self._sorted = sorted(self._events, key=lambda event: (event.next_event_us, self._events[event]))
        return self._sorted

    def _refresh(self) -> None:
        if self._needs_sorting:
            self.next_event_us = _LONG_AGO_US
        else:
            self.next_event_us = self._sorted[0].next_event_us if self._sorted else NEVER_US

    def set_time(self, utc_us: int) -> None:
        """Fire what is due at the time of the current step."""
        events = self._in_order()
        while events and events[0].next_event_us <= utc_us:
            event = events[0]
            try:
                event.scan(utc_us)
            except USER_ERRORS as error:
                self.on_error(error, f"Scheduled event: '{event.name}'")
                break
            _sort_first(events)
        self._refresh()

    def scan_past_events(self, utc_us: int) -> None:
        """Fire what was due before a step, at its own time."""
        events = self._in_order()
        while events and events[0].next_event_us < utc_us:
            event = events[0]
            due_us = event.next_event_us
            self.set_algorithm_time(due_us)
            try:
                event.scan(due_us)
            except USER_ERRORS as error:
                self.on_error(error, f"Scheduled event: '{event.name}'")
                break
            _sort_first(events)
        self._refresh()


def _raise(error: BaseException, _where: str) -> None:
    raise error


def _sort_first(events: list[ScheduledEvent]) -> None:
    """Move the event that just fired to its new place; the rest is in order.

    Among events of its new time it goes behind the one that a binary search meets first, as in Lean.
    """
    event = events[0]
    next_us = event.next_event_us
    if len(events) < 2 or next_us <= events[1].next_event_us:
        return
    del events[0]
    lower, upper = 0, len(events) - 1
    while lower <= upper:
        middle = lower + (upper - lower) // 2
        other_us = events[middle].next_event_us
        if next_us < other_us:
            upper = middle - 1
        elif next_us > other_us:
            lower = middle + 1
        else:
            events.insert(middle + 1, event)
            return
    events.insert(lower, event)


# ---------------------------------------------------------------------------------------------------------- end of day


class EndOfDayEvents:
    """The events behind ``on_end_of_day``, made only if the algorithm overrides it.

    ``on_end_of_day(symbol)`` fires ten minutes before each security's close, ``on_end_of_day()`` two minutes before
    midnight of each day on which any security trades. ``debug`` is the algorithm's.
    """

    def __init__(self, algorithm: Any, scheduler: EventScheduler, clock: Clock) -> None:
        self._algorithm = algorithm
        self._scheduler = scheduler
        self._clock = clock
        self._handler = user_method(algorithm, "on_end_of_day")
        arguments = _argument_count(self._handler) if self._handler is not None else -1
        self._for_symbols = arguments == 1
        self._for_algorithm = arguments == 0
        self._by_symbol: dict[Any, ScheduledEvent] = {}
        self._global: ScheduledEvent | None = None

    def start(self) -> None:
        """When the backtest starts, before :meth:`EventScheduler.start`."""
        self._add_global()

    def on_securities_changed(self, added: Iterable[Any], removed: Iterable[Any]) -> None:
        """Securities (not internal ones) that joined or left the algorithm."""
        if self._for_symbols:
            for security in added:
                event = ScheduledEvent(
                    f"{security.symbol}.EndOfDay", self._security_times(security), self._security_callback(security)
                )
                self._by_symbol[security.symbol] = event
                self._scheduler.add(event)
            for security in removed:
                gone = self._by_symbol.pop(security.symbol, None)
                if gone is not None:
                    self._scheduler.remove(gone)
        self._add_global()

    def _security_times(self, security: Any) -> Iterator[datetime]:
        now, end = self._clock.utc, self._algorithm.end_date
        hours = security.exchange.hours
        extended = bool(getattr(security, "is_extended_market_hours", False))
        for day in each_tradeable_day(hours, now, end):
            close = hours.get_last_daily_market_close(day, extended)
            utc = hours.zone.local_to_utc(close - SECURITY_END_OF_DAY_DELTA)
            if utc > now:
                yield utc

    def _security_callback(self, security: Any) -> Callable[[str, datetime], None]:
        def call(name: str, _time: datetime) -> None:
            self._guarded(name, lambda: self._handler(security.symbol))

        return call

    def _guarded(self, name: str, call: Callable[[], Any]) -> None:
        # Unlike other events an end of day that fails is reported under the event's name and the queue goes on. Lean
        # tells the result handler, which puts the time before it and keeps the algorithm's first error.
        algorithm = self._algorithm
        try:
            call()
        except NotSupportedError:
            raise
        except USER_ERRORS as error:
            if algorithm.run_time_error is None:
                when = f"{algorithm.time:%Y-%m-%d %H:%M:%S}"
                named = RuntimeError(f"{when} Runtime error in {name} event: {error}")
                named.__cause__ = error
                self._scheduler.on_error(named, name)

    def _add_global(self) -> None:
        if not self._for_algorithm:
            return
        if self._global is not None:
            self._scheduler.remove(self._global)
        self._algorithm.debug(
            "Usage of QCAlgorithm.OnEndOfDay() without a symbol will be deprecated August 2021. Always use a symbol "
            "when overriding this method: OnEndOfDay(symbol)"
        )
        self._global = ScheduledEvent(
            "Algorithm.EndOfDay", self._global_times(), lambda name, _time: self._guarded(name, self._handler)
        )
        self._scheduler.add(self._global)

    def _global_times(self) -> Iterator[datetime]:
        algorithm = self._algorithm
        now, end = self._clock.utc, algorithm.end_date
        zone = TimeZone.get(str(algorithm.time_zone))
        for day in each_day(now, end):
            if any(security.exchange.hours.is_date_open(day) for security in list(algorithm.securities.values())):
                utc = zone.local_to_utc(day + timedelta(days=1) - ALGORITHM_END_OF_DAY_DELTA)
                if utc > now:
                    yield utc


def _argument_count(method: Callable[..., Any]) -> int:
    """Arguments that a bound method takes."""
    return len(inspect.signature(method).parameters)
