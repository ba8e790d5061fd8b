"""Which consolidators hang on which subscription, and when they must look at the clock.

Source of the rules: ``Common/Data/SubscriptionManager.cs`` and ``ConsolidatorWrapper.cs`` of Lean.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from typing import Any

from harness.embedded.clock import Clock, from_us, to_us
from harness.embedded.consolidators.base import ConsolidatorBase
from harness.embedded.consolidators.user_consolidator import UserConsolidatorWrapper, as_consolidator
from harness.embedded.data import QuoteBar, TradeBar
from harness.embedded.enums import RESOLUTION_US, Resolution, TickType
from harness.embedded.naming import lean_api
from harness.embedded.reference.time_zones import TimeZone
from harness.embedded.uncovered import refuses_uncovered

NEVER_US = 2**62
_LONG_AGO_US = -(2**62)
_DATA_TYPES: dict[TickType, type] = {TickType.TRADE: TradeBar, TickType.QUOTE: QuoteBar}


def data_type_of(config: Any) -> type:
    """The type of the bars that a subscription carries."""
    return _DATA_TYPES[TickType(config.tick_type)]


class ScanSchedule:
    """When one consolidator next looks at the clock without data. Times are UTC microseconds."""

    __slots__ = ("bar_span_us", "clock", "consolidator", "disposed", "increment_us", "number", "scan_us", "zone")

    def __init__(
        self, number: int, consolidator: ConsolidatorBase, increment_us: int, clock: Clock, zone: TimeZone
    ) -> None:
        self.number = number
        self.consolidator = consolidator
        self.increment_us = max(increment_us, 1_000_000)
        self.clock = clock
        self.zone = zone
        self.bar_span_us: int | None = None
        self.scan_us = _LONG_AGO_US
        self.disposed = False
        consolidator.engine_event += self._on_consolidated

    def _on_consolidated(self, _: Any, bar: Any) -> None:
        if bar is None:
            self.advance()
            return
        if self.bar_span_us is None:
            self.bar_span_us = max(bar._end_us - bar._start_us, self.increment_us)
        self.scan_us = self.zone.local_us_to_utc_us(bar._end_us) + self.bar_span_us

    def advance(self) -> None:
        """Move the next look on after one that made no bar."""
        now_us = self.clock.utc_us
        if self.scan_us > now_us:
            return
        if self.bar_span_us is not None:
            self.scan_us = now_us + self.bar_span_us
            return
        end_us = self._working_end_us()
        self.scan_us = end_us if end_us is not None and end_us > now_us else now_us + self.increment_us

    def _working_end_us(self) -> int | None:
        end = self.consolidator.working_end
        return None if end is None else self.zone.local_us_to_utc_us(to_us(end))

    def skip_to(self, from_us_: int, until_us: int) -> None:
        """:meth:`advance` from look to look up to ``until_us``, for a consolidator that can make no bar meanwhile."""
        step_us = self.bar_span_us
        if step_us is None:
            end_us = self._working_end_us()
            if end_us is not None and end_us > from_us_:
                self.scan_us = end_us
                return
            step_us = self.increment_us
        self.scan_us = from_us_ + max(1, -(-(until_us - from_us_) // step_us)) * step_us

    def dispose(self) -> None:
        self.disposed = True
        if self._on_consolidated in self.consolidator.engine_event.handlers:
            self.consolidator.engine_event -= self._on_consolidated


@refuses_uncovered("SubscriptionManager")
@lean_api
class SubscriptionManager:
    """``algorithm.subscription_manager``.

    ``subscriptions_of`` gives the subscription configurations of the algorithm in the order they were added, internal
    ones included; a configuration has ``symbol``, ``tick_type``, ``resolution``, ``is_internal_feed``,
    ``exchange_time_zone`` (name) and a list ``consolidators``. ``set_time`` sets the algorithm's UTC time in
    microseconds.
    """

    def __init__(
        self,
        clock: Clock,
        subscriptions_of: Callable[[], Iterable[Any]],
        set_time: Callable[[int], None] | None = None,
    ) -> None:
        self._clock = clock
        self._subscriptions_of = subscriptions_of
        self._set_time = set_time if set_time is not None else self._set_clock
        self._schedules: dict[int, ScanSchedule] = {}
        self._to_add: list[ScanSchedule] = []
        self._heap: list[tuple[int, int, ScanSchedule]] = []
        self._numbers = 0

    def _set_clock(self, utc_us: int) -> None:
        self._clock.utc_us = utc_us

    @property
    def subscriptions(self) -> list[Any]:
        """The algorithm's own subscriptions."""
        return [config for config in self._subscriptions_of() if not config.is_internal_feed]

    @property
    def count(self) -> int:
        return len(list(self._subscriptions_of()))

    def add_consolidator(self, symbol: Any, consolidator: Any, tick_type: TickType | None = None) -> None:
        """Feed a symbol's bars to a consolidator. Raises ``ValueError`` if no subscription fits."""
        subscriptions = [config for config in self.subscriptions if config.symbol == symbol]
        if not subscriptions:
            raise ValueError(
                "Please subscribe to this symbol before adding a consolidator for it. Symbol: "
                f"{getattr(symbol, 'value', symbol)}"
            )
        target = as_consolidator(consolidator)
        wanted = target.input_type
        for config in subscriptions:
            if isinstance(wanted, type) and issubclass(data_type_of(config), wanted):
                config.consolidators.append(target)
                self._numbers += 1
                schedule = ScanSchedule(
                    self._numbers,
                    target,
                    RESOLUTION_US[Resolution(config.resolution)],
                    self._clock,
                    TimeZone.get(str(config.exchange_time_zone)),
                )
                self._schedules[id(target)] = schedule
                self._to_add.append(schedule)
                return
        if tick_type is not None and all(config.tick_type != tick_type for config in subscriptions):
            available = ", ".join(TickType(config.tick_type).lean_name for config in subscriptions)
            raise ValueError(
                f"No subscription with the requested Tick Type {TickType(tick_type).lean_name} was found. "
                f"Available Tick Types: {available}"
            )
        supported = ",".join(data_type_of(config).__name__ for config in subscriptions)
        raise ValueError(
            f"Type mismatch found between consolidator and symbol. Symbol: {symbol.value} does not support input type: "
            f"{getattr(wanted, '__name__', wanted)}. Supported types: {supported}."
        )

    def remove_consolidator(self, symbol: Any, consolidator: Any) -> None:
        """Stop feeding a consolidator and drop its handlers. The symbol may be ``None``."""
        target = consolidator
        for config in self._subscriptions_of():
            if symbol is not None and config.symbol != symbol:
                continue
            for known in list(config.consolidators):
                if known is consolidator or (
                    isinstance(known, UserConsolidatorWrapper) and known.target is consolidator
                ):
                    target = known
                    config.consolidators.remove(known)
                    schedule = self._schedules.pop(id(known), None)
                    if schedule is not None:
                        schedule.dispose()
        if hasattr(target, "dispose"):
            target.dispose()

    def schedule_of(self, consolidator: Any) -> ScanSchedule | None:
        """The clock schedule of a consolidator that was added."""
        return self._schedules.get(id(consolidator))

    def suspend(self, consolidator: Any) -> ScanSchedule | None:
        """Take a consolidator off the clock: somebody else makes its bars (see ``consolidators.plan``)."""
        schedule = self._schedules.pop(id(consolidator), None)
        if schedule is not None:
            schedule.dispose()
        return schedule

    @property
    def next_scan_us(self) -> int:
        """UTC time of the earliest look; :meth:`scan_past_consolidators` has work for any later time."""
        if self._to_add:
            return _LONG_AGO_US
        return self._heap[0][0] if self._heap else NEVER_US

    def scan_past_consolidators(self, new_utc_us: int) -> None:
        """Let consolidators whose time came before ``new_utc_us`` look at the clock, at their time and in its order."""
        heap = self._heap
        if self._to_add:
            for schedule in self._to_add:
                schedule.advance()
                heapq.heappush(heap, (schedule.scan_us, schedule.number, schedule))
            self._to_add.clear()
        while heap and heap[0][0] < new_utc_us:
            due_us, _, schedule = heap[0]
            if schedule.disposed:
                heapq.heappop(heap)
                continue
            if schedule.scan_us <= due_us:
                if schedule.consolidator.may_emit_on_scan:
                    if due_us != self._clock.utc_us:
                        self._set_time(due_us)
                    local_us = due_us + schedule.zone.offset_us(due_us)
                    schedule.consolidator.scan(from_us(local_us))
                    schedule.advance()
                else:
                    schedule.skip_to(due_us, new_utc_us)
            heapq.heapreplace(heap, (schedule.scan_us, schedule.number, schedule))
