"""``algorithm.date_rules``: on which days an event fires.

Source of the rules: ``Common/Scheduling/DateRules.cs`` and ``Time.EachDay``/``EachTradeableDay`` of Lean.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

from harness.embedded.enums import DayOfWeek
from harness.embedded.naming import lean_api
from harness.embedded.reference.market_hours import SecurityExchangeHours
from harness.embedded.scheduling.rules import FuncDateRule, ScheduleRules

_DAY = timedelta(days=1)
DateFunction = Callable[[datetime], datetime]


def midnight(moment: datetime | date) -> datetime:
    return datetime(moment.year, moment.month, moment.day)


def each_day(start: datetime, end: datetime) -> Iterator[datetime]:
    """Every day from ``start`` to ``end``, both included."""
    day, last = midnight(start), midnight(end)
    while day <= last:
        yield day
        day += _DAY


def each_tradeable_day(
    hours: SecurityExchangeHours, start: datetime, end: datetime, extended: bool = False
) -> Iterator[datetime]:
    """Every day from ``start`` to ``end`` on which the exchange opens."""
    return (day for day in each_day(start, end) if hours.is_date_open(day, extended))


def day_of_week(moment: datetime) -> DayOfWeek:
    return DayOfWeek((moment.weekday() + 1) % 7)


def _last_of_month(year: int, month: int) -> datetime:
    return datetime(year, month, calendar.monthrange(year, month)[1])


def _is_open(hours: SecurityExchangeHours | None, day: datetime, extended: bool) -> bool:
    return hours is None or hours.is_date_open(day, extended)


def _step(hours: SecurityExchangeHours | None, day: datetime, forward: bool) -> datetime:
    if hours is None:
        return day + _DAY if forward else day - _DAY
    return hours.get_next_trading_day(day) if forward else hours.get_previous_trading_day(day)


def _scheduled_day(
    hours: SecurityExchangeHours | None,
    base: datetime,
    offset: int,
    forward: bool,
    extended: bool,
    *,
    boundary: datetime | None = None,
) -> datetime:
    """The day ``offset`` trading days from ``base``, kept inside the period that ends at ``boundary``."""
    day = base if _is_open(hours, base, extended) else _step(hours, base, forward)
    for _ in range(offset):
        day = _step(hours, day, forward)
    if boundary is not None and (day > boundary if forward else day < boundary):
        return _scheduled_day(hours, boundary, 0, not forward, extended)
    return day


def _month(day: datetime) -> tuple[datetime, datetime]:
    return datetime(day.year, day.month, 1), _last_of_month(day.year, day.month)


def _quarter(day: datetime) -> tuple[datetime, datetime]:
    first = (day.month - 1) // 3 * 3 + 1
    return datetime(day.year, first, 1), _last_of_month(day.year, first + 2)


def _year(day: datetime) -> tuple[datetime, datetime]:
    return datetime(day.year, 1, 1), datetime(day.year, 12, 31)


def _offset_name(symbol: Any, kind: str, offset: int) -> str:
    shown = f"{offset:+d}" if offset else ""
    return f"{kind}{shown}" if symbol is None else f"{symbol.value}: {kind}{shown}"


@lean_api
class DateRules(ScheduleRules):
    """Rules for days. A symbol restricts a rule to the days on which it trades; tickers stand for symbols."""

    def on(self, *dates: Any, **named: int) -> FuncDateRule:
        """``on(year, month, day)``, ``on(date, ...)`` or ``on([date, ...])``."""
        if named:
            dates = (*dates, *(named[part] for part in ("year", "month", "day")[len(dates) :]))
        if len(dates) == 3 and all(isinstance(part, int) for part in dates):
            days = [datetime(*dates)]
        else:
            given = dates[0] if len(dates) == 1 and isinstance(dates[0], (list, tuple)) else dates
            days = [midnight(day) for day in given]
        name = ",".join(f"{day:%m/%d/%Y}" for day in days)
        return FuncDateRule(name, lambda start, end: [day for day in days if start <= day <= end])

    @property
    def today(self) -> FuncDateRule:
        """The algorithm's current day, when the rule is used."""
        return FuncDateRule("TodayOnly", lambda _start, _end: [self._context.local_today])

    @property
    def tomorrow(self) -> FuncDateRule:
        return FuncDateRule("TomorrowOnly", lambda _start, _end: [self._context.local_today + _DAY])

    def every(self, *days: Any) -> FuncDateRule:
        """``every(DayOfWeek.MONDAY, ...)``."""
        given = days[0] if len(days) == 1 and isinstance(days[0], (list, tuple)) else days
        wanted = [DayOfWeek(day) for day in given]
        name = ",".join(day.lean_name for day in wanted)
        return FuncDateRule(name, lambda start, end: (d for d in each_day(start, end) if day_of_week(d) in wanted))

    def every_day(self, symbol: Any = None, extended_market_hours: bool = False) -> FuncDateRule:
        """Every day, or every day on which a symbol trades."""
        if symbol is None:
            return FuncDateRule("EveryDay", each_day)
        symbol = self._symbol(symbol)
        hours = self._hours(symbol)
        return FuncDateRule(
            f"{symbol.value}: EveryDay",
            lambda start, end: each_tradeable_day(hours, start, end, extended_market_hours),
        )

    # ------------------------------------------------------------------------------- starts and ends of periods

    def _arguments(self, symbol: Any, offset: Any, extended: bool) -> tuple[Any, int, bool]:
        """``(symbol, offset, extended)`` of a call that may name an offset only."""
        if symbol is None or isinstance(symbol, int):
            return None, int(symbol if symbol is not None else offset), False
        return self._symbol(symbol), int(offset), extended

    def _period_rule(
        self, kind: str, arguments: tuple[Any, int, bool], limit: int, bounds: Callable[[datetime], Any], whole: Any
    ) -> FuncDateRule:
        symbol, offset, extended = arguments
        # Months without a symbol are not checked in Lean.
        if not 0 <= offset <= limit and not (symbol is None and kind.startswith("Month")):
            raise ValueError(f"DateRules.{kind}() : Offset must be between 0 and {limit} (Parameter 'daysOffset')")
        forward = kind.endswith("Start")

        def days(start: datetime, end: datetime) -> Iterator[datetime]:
            hours = None if symbol is None else self._hours(symbol)
            for day in each_day(whole(start)[0], whole(end)[1]):
                first, last = bounds(day)
                base, boundary = (first, last) if forward else (last, first)
                if day == base:
                    found = _scheduled_day(hours, base, offset, forward, extended, boundary=boundary)
                    if start <= found <= end:
                        yield found

        return FuncDateRule(_offset_name(symbol, kind, offset if forward else -offset), days)

    def month_start(self, symbol: Any = None, days_offset: int = 0, extended_market_hours: bool = True) -> FuncDateRule:
        """First (trading) day of the month, or ``days_offset`` (trading) days later."""
        return self._period_rule(
            "MonthStart", self._arguments(symbol, days_offset, extended_market_hours), 30, _month, _month
        )

    def month_end(self, symbol: Any = None, days_offset: int = 0, extended_market_hours: bool = True) -> FuncDateRule:
        """Last (trading) day of the month, or ``days_offset`` (trading) days earlier."""
        return self._period_rule(
            "MonthEnd", self._arguments(symbol, days_offset, extended_market_hours), 30, _month, _month
        )

    def quarter_start(
        self, symbol: Any = None, days_offset: int = 0, extended_market_hours: bool = True
    ) -> FuncDateRule:
        return self._period_rule(
            "QuarterStart", self._arguments(symbol, days_offset, extended_market_hours), 92, _quarter, _quarter
        )

    def quarter_end(self, symbol: Any = None, days_offset: int = 0, extended_market_hours: bool = True) -> FuncDateRule:
        return self._period_rule(
            "QuarterEnd", self._arguments(symbol, days_offset, extended_market_hours), 92, _quarter, _quarter
        )

    def year_start(self, symbol: Any = None, days_offset: int = 0, extended_market_hours: bool = True) -> FuncDateRule:
        # Lean looks from the start of the current month on, not of the year.
        return self._period_rule(
            "YearStart", self._arguments(symbol, days_offset, extended_market_hours), 365, _year, _month
        )

    def year_end(self, symbol: Any = None, days_offset: int = 0, extended_market_hours: bool = True) -> FuncDateRule:
        return self._period_rule(
            "YearEnd", self._arguments(symbol, days_offset, extended_market_hours), 365, _year, _month
        )

    def week_start(self, symbol: Any = None, days_offset: int = 0, extended_market_hours: bool = True) -> FuncDateRule:
        """First trading day of the week (Monday without a symbol), or ``days_offset`` later."""
        return self._week_rule("WeekStart", self._arguments(symbol, days_offset, extended_market_hours))

    def week_end(self, symbol: Any = None, days_offset: int = 0, extended_market_hours: bool = True) -> FuncDateRule:
        """Last trading day of the week (Friday without a symbol), or ``days_offset`` earlier."""
        return self._week_rule("WeekEnd", self._arguments(symbol, days_offset, extended_market_hours))

    def _week_rule(self, kind: str, arguments: tuple[Any, int, bool]) -> FuncDateRule:
        symbol, offset, extended = arguments
        forward = kind == "WeekStart"
        hours = None
        if symbol is None:
            if not 0 <= offset <= 6:
                raise ValueError(f"DateRules.{kind}() : Offset must be between 0 and 6 (Parameter 'daysOffset')")
            # Saturday + 1 and Sunday - 1 in the count of .NET, where Sunday is 0.
            base, boundary = (1, 7) if forward else (5, -1)
        else:
            hours = self._hours(symbol)
            trading = sorted(int(day) for day, value in hours.market_hours.items() if not value.is_closed_all_day)
            if offset > len(trading) - 1:
                names = [DayOfWeek(day).lean_name for day in trading]
                edge = f"{names[0]}+{offset}" if forward else f"{names[-1]}-{offset}"
                raise ValueError(
                    f"DateRules.{kind}() : {edge} is out of range for {symbol}'s schedule, please use an offset "
                    f"between 0 - {len(trading) - 1}; Schedule : {', '.join(names)} (Parameter 'daysOffset')"
                )
            base, boundary = (trading[0], trading[-1]) if forward else (trading[-1], trading[0])

        def days(start: datetime, end: datetime) -> Iterable[datetime]:
            for day in each_day(_monday_of_week(start), _monday_of_week(end) + 6 * _DAY):
                if day_of_week(day) != base:
                    continue
                limit = day + timedelta(days=boundary - base)
                found = _scheduled_day(hours, day, offset, forward, extended, boundary=limit)
                if start <= found <= end:
                    yield found

        return FuncDateRule(_offset_name(symbol, kind, offset if forward else -offset), days)


def _monday_of_week(day: datetime) -> datetime:
    """Monday of the week, which Sunday ends."""
    return midnight(day) - timedelta(days=day.weekday())
