"""One scheduled event: a name, its times in order, and what it calls.

Source of the rules: ``Common/Scheduling/ScheduledEvent.cs`` of Lean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from harness.embedded.clock import from_us, to_us
from harness.embedded.consolidators.events import EventHook
from harness.embedded.naming import lean_api

NEVER_US = 2**62
SECURITY_END_OF_DAY_DELTA = timedelta(minutes=10)
ALGORITHM_END_OF_DAY_DELTA = timedelta(minutes=2)


@lean_api
class ScheduledEvent:
    """An event; its times are drawn one by one, when they are needed.

    ``callback`` is called with (name, UTC time). ``event_fired`` has further handlers of the same kind.
    """

    __slots__ = ("_callback", "_current_us", "_ended", "_fired", "_needs_next", "_times", "enabled", "name")

    def __init__(
        self,
        name: str,
        event_utc_times: datetime | Iterable[datetime],
        callback: Callable[[str, datetime], Any] | None = None,
    ) -> None:
        self.name = name
        self.enabled = True
        self._callback = callback
        times = [event_utc_times] if isinstance(event_utc_times, datetime) else event_utc_times
        # Nothing is drawn before it is asked for: rules read the clock, and warm-up moves it back.
        self._times: Iterator[datetime] = iter(times)
        self._needs_next = True
        self._ended = False
        self._current_us = NEVER_US
        self._fired = EventHook()

    @property
    def event_fired(self) -> EventHook:
        return self._fired

    @event_fired.setter
    def event_fired(self, hook: EventHook) -> None:
        if hook is not self._fired:
            raise AttributeError("use += and -= on event_fired")

    def _move_next(self) -> bool:
        self._needs_next = False
        for moment in self._times:
            self._current_us = to_us(moment)
            return True
        self._ended = True
        self._current_us = NEVER_US
        return False

    @property
    def next_event_us(self) -> int:
        """UTC microseconds of the next time, :data:`NEVER_US` after the last."""
        if self._needs_next and not self._ended:
            self._move_next()
        return self._current_us

    @property
    def next_event_utc_time(self) -> datetime:
        """The next time; .NET's last moment after the last."""
        us = self.next_event_us
        return datetime.max if us == NEVER_US else from_us(us)

    def skip_events_until(self, utc_us: int) -> None:
        """Drop the times before a moment."""
        while self.next_event_us < utc_us:
            self._move_next()

    def scan(self, utc_us: int) -> None:
        """Fire for every time up to and including a moment."""
        while not self._ended:
            if self._needs_next and not self._move_next():
                return
            if utc_us < self._current_us:
                return
            if self.enabled:
                moment = from_us(self._current_us)
                if self._callback is not None:
                    self._callback(self.name, moment)
                for handler in self._fired.handlers:
                    handler(self.name, moment)
            self._needs_next = True

    def __str__(self) -> str:
        return self.name
