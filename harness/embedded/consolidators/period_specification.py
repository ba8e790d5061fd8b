"""Where the bar that a moment belongs to starts, and how long it is.

Times are exchange-local microseconds since 1970-01-01. Source of the rules: the period specifications inside
``Common/Data/Consolidators/PeriodCountConsolidatorBase.cs``, ``Extensions.RoundDown`` and
``LeanData.GetConsolidatorStartTime`` of Lean.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any

from harness.embedded.clock import from_us, to_us

DAY_US = 86_400_000_000
_EPOCH_FROM_YEAR_ONE_US = 719_162 * DAY_US


def timedelta_us(value: timedelta) -> int:
    """A length of time in microseconds."""
    return (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds


def round_down_us(moment_us: int, interval_us: int) -> int:
    """``DateTime.RoundDown``: multiples of the interval counted from the year 1."""
    if interval_us == 0:
        return moment_us
    return moment_us - (moment_us + _EPOCH_FROM_YEAR_ONE_US) % interval_us


def anchored_start(period: timedelta, start_time: timedelta, moment: datetime) -> datetime:
    """Start of the bar when bars are counted from a time of day, or of the month for a week and more."""
    reference = datetime.combine(moment.date(), time()) + start_time
    if period >= timedelta(days=7):
        reference = datetime(moment.year, moment.month, 1) + start_time
    intervals = math.floor((moment - reference).total_seconds() / period.total_seconds())
    return reference + timedelta(seconds=intervals * period.total_seconds())


class PeriodSpecification:
    """How a consolidator divides time. ``period_us`` is ``None`` while unknown or when only counting."""

    __slots__ = ("period_us",)

    def __init__(self, period_us: int | None = None) -> None:
        self.period_us = period_us

    def start_us(self, moment_us: int) -> int:
        """Start of the bar that a moment belongs to; a bar that is only counted starts with its first data."""
        return moment_us

    @property
    def is_plain(self) -> bool:
        """Whether starts are multiples of one period."""
        return False


class TimeSpanSpecification(PeriodSpecification):
    """Bars of one length: rounded down to it up to a day, starting with their first data above a day."""

    __slots__ = ("_anchor",)

    def __init__(self, period: timedelta, start_time: timedelta | None = None) -> None:
        super().__init__(timedelta_us(period))
        self._anchor = None if start_time is None else (period, start_time)

    def start_us(self, moment_us: int) -> int:
        if self._anchor is not None:
            return to_us(anchored_start(self._anchor[0], self._anchor[1], from_us(moment_us)))
        period_us = self.period_us
        assert period_us is not None
        return moment_us if period_us > DAY_US else round_down_us(moment_us, period_us)

    @property
    def is_plain(self) -> bool:
        return self._anchor is None and self.period_us is not None and 0 < self.period_us <= DAY_US


class CalendarSpecification(PeriodSpecification):
    """Bars whose start and length a function gives: ``Calendar.WEEKLY`` or the user's own."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[[datetime], Any]) -> None:
        super().__init__()
        check = datetime(2022, 1, 3, 10, 10, 10)
        if function(check).start > check:
            raise ValueError(
                "FuncPeriodSpecification: Please use a function that computes the start of the bar associated with the "
                "given date time. Should never return a time later than the one passed in."
            )
        self._function = function

    def start_us(self, moment_us: int) -> int:
        info = self._function(from_us(moment_us))
        self.period_us = timedelta_us(info.period)
        return to_us(info.start)
