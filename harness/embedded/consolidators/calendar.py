"""Calendar periods: where a weekly, monthly, quarterly or yearly bar starts and how long it is.

Source of the rules: ``Common/Data/Consolidators/Calendar.cs`` and ``Common/Expiry.cs`` of Lean.
"""

from __future__ import annotations

import calendar as _calendar
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from harness.embedded.clr import time_span_text
from harness.embedded.naming import lean_api

_DAY = timedelta(days=1)


@lean_api
@dataclass(frozen=True, slots=True, repr=False)
class CalendarInfo:
    """Start and length of the bar that a moment belongs to."""

    start: datetime
    period: timedelta

    @property
    def end(self) -> datetime:
        return self.start + self.period

    def __str__(self) -> str:
        return f"{self.start:%m/%d/%Y %H:%M:%S} {time_span_text(self.period)}"

    __repr__ = __str__


def _midnight(moment: datetime) -> datetime:
    return datetime.combine(moment.date(), time())


def add_months(moment: datetime, months: int) -> datetime:
    """``DateTime.AddMonths``: the day is cut to the length of the target month."""
    index = moment.year * 12 + moment.month - 1 + months
    year, month = divmod(index, 12)
    day = min(moment.day, _calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)


def _end_of_week(moment: datetime) -> datetime:
    return _midnight(moment + timedelta(days=7 - moment.weekday()))


def _end_of_month(moment: datetime) -> datetime:
    return _midnight(add_months(moment, 1)).replace(day=1)


def _start_of_quarter(moment: datetime) -> datetime:
    return datetime(moment.year, (moment.month - 1) // 3 * 3 + 1, 1)


def _end_of_quarter(moment: datetime) -> datetime:
    return add_months(_start_of_quarter(moment), 3)


def _end_of_year(moment: datetime) -> datetime:
    return datetime(moment.year + 1, 1, 1)


class Expiry:
    """Functions from a moment to the end of the period it belongs to."""

    @staticmethod
    def one_month(moment: datetime) -> datetime:
        return add_months(moment, 1)

    @staticmethod
    def one_quarter(moment: datetime) -> datetime:
        return add_months(moment, 3)

    @staticmethod
    def one_year(moment: datetime) -> datetime:
        return add_months(moment, 12)

    @staticmethod
    def end_of_day(moment: datetime) -> datetime:
        return _midnight(moment + _DAY)

    end_of_week = staticmethod(_end_of_week)
    end_of_month = staticmethod(_end_of_month)
    end_of_quarter = staticmethod(_end_of_quarter)
    end_of_year = staticmethod(_end_of_year)

    ONE_MONTH = OneMonth = one_month
    ONE_QUARTER = OneQuarter = one_quarter
    ONE_YEAR = OneYear = one_year
    END_OF_DAY = EndOfDay = end_of_day
    END_OF_WEEK = EndOfWeek = end_of_week
    END_OF_MONTH = EndOfMonth = end_of_month
    END_OF_QUARTER = EndOfQuarter = end_of_quarter
    END_OF_YEAR = EndOfYear = end_of_year


def _weekly(moment: datetime) -> CalendarInfo:
    return CalendarInfo(_end_of_week(moment) - timedelta(days=7), timedelta(days=7))


def _monthly(moment: datetime) -> CalendarInfo:
    start = _midnight(moment).replace(day=1)
    return CalendarInfo(start, _end_of_month(moment) - start)


def _quarterly(moment: datetime) -> CalendarInfo:
    start = _start_of_quarter(moment)
    return CalendarInfo(start, _end_of_quarter(moment) - start)


def _yearly(moment: datetime) -> CalendarInfo:
    start = datetime(moment.year, 1, 1)
    return CalendarInfo(start, _end_of_year(moment) - start)


CalendarFunction = Callable[[datetime], CalendarInfo]


class Calendar:
    """Calendar periods to consolidate by: ``Calendar.WEEKLY``, ``MONTHLY``, ``QUARTERLY``, ``YEARLY``."""

    weekly: CalendarFunction = staticmethod(_weekly)
    monthly: CalendarFunction = staticmethod(_monthly)
    quarterly: CalendarFunction = staticmethod(_quarterly)
    yearly: CalendarFunction = staticmethod(_yearly)
    WEEKLY = Weekly = weekly
    MONTHLY = Monthly = monthly
    QUARTERLY = Quarterly = quarterly
    YEARLY = Yearly = yearly


class CalendarType(Calendar):
    """Lean's older name of :class:`Calendar`."""
