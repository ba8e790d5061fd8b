"""``algorithm.schedule``: making events of rules and callbacks.

Source of the rules: ``ScheduleManager.cs`` and ``FluentScheduledEventBuilder.cs`` in Lean's ``Common/Scheduling``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from harness.embedded.naming import lean_api
from harness.embedded.scheduling.date_rules import DateRules, midnight
from harness.embedded.scheduling.event_scheduler import EventScheduler
from harness.embedded.scheduling.rules import END_OF_TIME, CompositeTimeRule, ScheduleContext, dates_of, times_of
from harness.embedded.scheduling.scheduled_event import ScheduledEvent
from harness.embedded.scheduling.time_rules import TimeRules
from harness.embedded.uncovered import refuses_uncovered

Predicate = Callable[[datetime], Any]


@refuses_uncovered("ScheduleManager")
@lean_api
class ScheduleManager:
    """Creates scheduled events and hands them to the event scheduler."""

    def __init__(self, context: ScheduleContext, scheduler: EventScheduler) -> None:
        self._context = context
        self._scheduler = scheduler
        self.date_rules = self.DateRules = DateRules(context)
        self.time_rules = self.TimeRules = TimeRules(context)

    def add(self, scheduled_event: ScheduledEvent) -> None:
        self._scheduler.add(scheduled_event)

    def remove(self, scheduled_event: ScheduledEvent) -> None:
        self._scheduler.remove(scheduled_event)

    def on(self, *arguments: Any, **named: Any) -> ScheduledEvent:
        """``on([name,] date_rule, time_rule, callback)``; the callback takes no arguments."""
        given = list(arguments)
        name = named.pop("name", None)
        if given and isinstance(given[0], str):
            name = given.pop(0)
        for key in ("date_rule", "time_rule", "callback"):
            if key in named:
                given.append(named.pop(key))
        if len(given) != 3 or named:
            raise TypeError("schedule.on is called with an optional name, a date rule, a time rule and a function")
        date_rule, time_rule, callback = given
        if not callable(callback):
            raise TypeError("schedule.on: the last argument must be a function")
        if name is None:
            name = f"{_rule_name(date_rule)}: {_rule_name(time_rule)}"
        return self._schedule(name, date_rule, time_rule, lambda _name, _time: callback(), None)

    def _schedule(
        self,
        name: str,
        date_rule: Any,
        time_rule: Any,
        callback: Callable[[str, datetime], Any],
        predicate: Predicate | None,
    ) -> ScheduledEvent:
        times: Iterable[datetime] = _deferred_times(self._context, date_rule, time_rule)
        if predicate is not None:
            times = filter(predicate, times)
        event = ScheduledEvent(name, times, callback)
        self.add(event)
        return event

    def event(self, name: str | None = None) -> FluentScheduledEventBuilder:
        """Start describing an event step by step: ``event().every_day().at(10, 0).run(f)``."""
        return FluentScheduledEventBuilder(self, self._context, name)

    def training_now(self, training_code: Callable[[], Any]) -> ScheduledEvent:
        """Run once, at the next step."""
        name = f"Training: Now: {self._context.clock.utc:%Y-%m-%dT%H:%M:%S.%f}0Z"
        return self.on(name, self.date_rules.today, self.time_rules.now, training_code)

    def training(self, date_rule: Any, time_rule: Any, training_code: Callable[[], Any]) -> ScheduledEvent:
        return self.on(date_rule, time_rule, training_code)


def _rule_name(rule: Any) -> str:
    return str(getattr(rule, "name", None) or getattr(rule, "Name", ""))


def _deferred_times(context: ScheduleContext, date_rule: Any, time_rule: Any) -> Iterator[datetime]:
    """Event times from the day before the current one on.

    The time rule is asked at once, the date rule when the time rule asks for its first day.
    """

    def dates() -> Iterator[datetime]:
        start = midnight(context.clock.utc) - timedelta(days=1)
        yield from dates_of(date_rule, start, END_OF_TIME)

    return iter(times_of(time_rule, dates()))


@lean_api
class FluentScheduledEventBuilder:
    """An event in the making."""

    __slots__ = ("_context", "_date_rule", "_manager", "_name", "_predicates", "_time_rule")

    def __init__(self, manager: ScheduleManager, context: ScheduleContext, name: str | None) -> None:
        self._manager = manager
        self._context = context
        self._name = name
        self._date_rule: Any = None
        self._time_rule: Any = None
        self._predicates: list[Predicate] = []

    def _on_dates(self, rule: Any) -> FluentScheduledEventBuilder:
        self._date_rule = rule
        return self

    def _at_times(self, rule: Any) -> FluentScheduledEventBuilder:
        if self._time_rule is None:
            self._time_rule = rule
        elif isinstance(self._time_rule, CompositeTimeRule):
            self._time_rule = CompositeTimeRule(*self._time_rule.rules, rule)
        else:
            self._time_rule = CompositeTimeRule(self._time_rule, rule)
        return self

    def on(self, *dates: Any) -> FluentScheduledEventBuilder:
        return self._on_dates(self._manager.date_rules.on(*dates))

    def every(self, *what: Any) -> FluentScheduledEventBuilder:
        """Days of the week, or a ``timedelta`` between times."""
        if len(what) == 1 and isinstance(what[0], timedelta):
            return self._at_times(self._manager.time_rules.every(what[0]))
        return self._on_dates(self._manager.date_rules.every(*what))

    def every_day(self, symbol: Any = None) -> FluentScheduledEventBuilder:
        return self._on_dates(self._manager.date_rules.every_day(symbol))

    def month_start(self, symbol: Any = None) -> FluentScheduledEventBuilder:
        return self._on_dates(self._manager.date_rules.month_start(symbol))

    def at(self, *arguments: Any, **named: Any) -> FluentScheduledEventBuilder:
        return self._at_times(self._manager.time_rules.at(*arguments, **named))

    def after_market_open(
        self, symbol: Any, minutes_after_open: float = 0, extended_market_open: bool = False
    ) -> FluentScheduledEventBuilder:
        rules = self._manager.time_rules
        return self._at_times(rules.after_market_open(symbol, minutes_after_open, extended_market_open))

    def before_market_close(
        self, symbol: Any, minute_before_close: float = 0, extended_market_close: bool = False
    ) -> FluentScheduledEventBuilder:
        rules = self._manager.time_rules
        return self._at_times(rules.before_market_close(symbol, minute_before_close, extended_market_close))

    def where(self, predicate: Predicate) -> FluentScheduledEventBuilder:
        """Keep the UTC times that a function accepts."""
        self._predicates.append(predicate)
        return self

    def during_market_hours(self, symbol: Any, extended_market: bool = False) -> FluentScheduledEventBuilder:
        hours = self._context.hours_of(symbol)
        return self.where(lambda utc: hours.is_open(hours.zone.utc_to_local(utc), extended_market))

    def run(self, callback: Callable[[], Any]) -> ScheduledEvent:
        """Schedule the event."""
        name = self._name
        if name is None:
            name = f"{_rule_name(self._date_rule)}: {_rule_name(self._time_rule)}"
        predicates = list(self._predicates)
        accept: Predicate | None = None
        if predicates:

            def accept(time: datetime) -> bool:
                return all(predicate(time) for predicate in predicates)

        return self._manager._schedule(name, self._date_rule, self._time_rule, lambda _n, _t: callback(), accept)
