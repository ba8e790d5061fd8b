"""Trading hours of an exchange, from Lean's market hours database.

API::

    MarketHoursDatabase(data_folder).get_exchange_hours(ticker, market="usa", security_type="Equity")
    SecurityExchangeHours (times are naive datetimes of the exchange's clock)
        .is_open(local, extended) or .is_open(start, end, extended)     .is_open_during_bar(start, end, extended)
        .is_date_open(day, extended=False)
        .get_market_hours(day) -> LocalMarketHours(.segments .market_duration .is_closed_all_day ...)
        .get_next_market_open(local, extended) .get_next_market_close(local, extended)
        .get_previous_market_open(local, extended)
        .get_first_daily_market_open(local, extended) .get_last_daily_market_close(local, extended)
        .get_previous_trading_day(day) .get_next_trading_day(day)
        .regular_market_duration .time_zone (name) .zone (TimeZone) .holidays .early_closes .late_opens
        .session_bounds_us(day, extended) -> (open, close) in UTC microseconds, or None when closed
    daily_calendar(hours, local, extended=False) -> (start, end)    the day a strict daily bar covers
    next_daily_end_time(hours, local)                               when the daily bar of `local` ends

Source: Lean's ``MarketHoursDatabaseJsonConverter``, ``SecurityExchangeHours``, ``LocalMarketHours``,
``LeanData.GetDailyCalendar`` and ``LeanData.GetNextDailyEndTime``. Only the entries asked for are parsed: the whole
database of Lean is several megabytes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from harness.embedded.enums import DayOfWeek, LeanEnum
from harness.embedded.naming import lean_api
from harness.embedded.reference.time_zones import TimeZone, to_us
from harness.errors import InputError
from harness.marketdata.lean_format import FormatError, market_hours_path

ONE_DAY = dt.timedelta(days=1)
_TICK = dt.timedelta(microseconds=1)  # the finest step of datetime; Lean's is 100 ns
_ZERO = dt.timedelta(0)
_SEARCH_DAYS = 15
_WILDCARD = "[*]"
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class MarketHoursState(LeanEnum):
    """What kind of trading a segment is."""

    CLOSED = 0
    PRE_MARKET = 1
    MARKET = 2
    POST_MARKET = 3


@lean_api
class MarketHoursSegment:
    """``[start, end)`` of one day, as times since midnight (``timedelta``)."""

    __slots__ = ("end", "start", "state")

    def __init__(self, state: MarketHoursState, start: dt.timedelta, end: dt.timedelta) -> None:
        self.state = state
        self.start = start
        self.end = end

    def contains(self, time: dt.timedelta) -> bool:
        return self.start <= time < self.end

    def overlaps(self, start: dt.timedelta, end: dt.timedelta) -> bool:
        return self.start < end and self.end > start

    def __repr__(self) -> str:
        return f"{self.state.lean_name}: {self.start}-{self.end}"


@lean_api
class LocalMarketHours:
    """The open segments of one day."""

    __slots__ = (
        *("_market", "_open", "day_of_week", "is_closed_all_day"),
        *("is_open_all_day", "market_duration", "segments"),
    )

    def __init__(self, weekday: int, segments: Iterable[MarketHoursSegment]) -> None:
        """``weekday`` is Python's (0 is Monday)."""
        self.day_of_week = DayOfWeek((weekday + 1) % 7)
        self.segments = tuple(segment for segment in segments if segment.state != MarketHoursState.CLOSED)
        self._market = [segment for segment in self.segments if segment.state == MarketHoursState.MARKET]
        self.is_closed_all_day = not self.segments
        self.is_open_all_day = len(self.segments) == 1 == len(self._market) and (
            self._market[0].start,
            self._market[0].end,
        ) == (_ZERO, ONE_DAY)
        self.market_duration = sum((segment.end - segment.start for segment in self._market), _ZERO)

    def is_open(self, start: dt.timedelta, end: dt.timedelta | bool, extended: bool | None = None) -> bool:
        """``is_open(time, extended)`` at a time of day, or ``is_open(start, end, extended)`` at any time in a range."""
        if isinstance(end, bool):
            extended, end = end, start
        segments = self.segments if extended else self._market
        if start == end:
            # The first segment that contains the time decides, be it regular or not; segments do not overlap.
            return any(segment.start <= start < segment.end for segment in segments)
        return any(segment.start < end and segment.end > start for segment in segments)

    def get_market_open(
        self, time: dt.timedelta, extended: bool, previous_day_last_segment: dt.timedelta | None = None
    ) -> dt.timedelta | None:
        """First open after ``time`` that does not continue what was open before it, or None."""
        previous, from_previous_day = previous_day_last_segment, True
        for segment in self.segments if extended else self._market:
            if segment.end > time and not _is_continuous(previous, segment.start, from_previous_day):
                return segment.start
            previous, from_previous_day = segment.end, False
        return None

    def get_market_close(
        self,
        time: dt.timedelta,
        extended: bool,
        last_close: bool = False,
        next_day_first_segment: dt.timedelta | None = None,
    ) -> dt.timedelta | None:
        """First close after ``time`` that no segment continues (the last close with ``last_close``), or None."""
        last: dt.timedelta | None = None
        for index, segment in enumerate(self.segments):
            if segment.end <= time or not (extended or segment.state == MarketHoursState.MARKET):
                continue
            if last_close:
                last = segment.end
                continue
            is_last = index == len(self.segments) - 1
            following: dt.timedelta | None
            if is_last:
                following = next_day_first_segment
            elif extended or self.segments[index + 1].state == MarketHoursState.MARKET:
                following = self.segments[index + 1].start
            else:
                following = None
            if not _is_continuous(segment.end, following, is_last):
                return segment.end
        return last

    def __repr__(self) -> str:
        return f"{self.day_of_week.lean_name}: {', '.join(map(repr, self.segments)) or 'Closed All Day'}"


def _is_continuous(end: dt.timedelta | None, start: dt.timedelta | None, over_midnight: bool) -> bool:
    if end is None or start is None:
        return False
    return (end == ONE_DAY and start == _ZERO) if over_midnight else end == start


def _time_of_day(local: dt.datetime) -> dt.timedelta:
    return dt.timedelta(seconds=local.hour * 3600 + local.minute * 60 + local.second, microseconds=local.microsecond)


def _midnight(local: dt.datetime | dt.date) -> dt.datetime:
    return dt.datetime(local.year, local.month, local.day)


def _as_datetime(local: dt.datetime | dt.date) -> dt.datetime:
    return local if isinstance(local, dt.datetime) else _midnight(local)


@lean_api
class SecurityExchangeHours:
    """When one exchange trades: a weekly schedule with holidays, early closes and late opens."""

    __slots__ = (
        *("_bank_holidays", "_bounds", "_by_day", "_closed", "_early_closes", "_holidays", "_late_opens", "_week"),
        *("is_market_always_open", "regular_market_duration", "time_zone", "zone"),
    )

    def __init__(
        self,
        time_zone: str,
        week: Mapping[int, LocalMarketHours],
        holidays: Iterable[dt.date] = (),
        early_closes: Mapping[dt.date, dt.timedelta] | None = None,
        *,
        late_opens: Mapping[dt.date, dt.timedelta] | None = None,
        bank_holidays: Iterable[dt.date] = (),
    ) -> None:
        """``week`` maps Python weekdays (0 is Monday) to hours; days left out are closed."""
        self.time_zone = time_zone
        self.zone = TimeZone.get(time_zone)
        self._week = [week.get(day) or LocalMarketHours(day, ()) for day in range(7)]
        self._closed = [LocalMarketHours(day, ()) for day in range(7)]
        self._holidays = {day.toordinal() for day in holidays}
        self._bank_holidays = {day.toordinal() for day in bank_holidays}
        self._early_closes = {day.toordinal(): time for day, time in (early_closes or {}).items()}
        self._late_opens = {day.toordinal(): time for day, time in (late_opens or {}).items()}
        durations = [hours.market_duration for hours in self._week]
        # Most common duration of a day, the longer one of a tie.
        self.regular_market_duration = max(set(durations), key=lambda value: (durations.count(value), value))
        self.is_market_always_open = all(hours.is_open_all_day for hours in self._week)
        self._by_day: dict[int, LocalMarketHours] = {}
        self._bounds: dict[tuple[int, bool], tuple[int, int] | None] = {}

    @property
    def holidays(self) -> set[dt.datetime]:
        return {dt.datetime.fromordinal(day) for day in self._holidays}

    @property
    def bank_holidays(self) -> set[dt.datetime]:
        """Days that count as closed for expiry rules only; trading goes on."""
        return {dt.datetime.fromordinal(day) for day in self._bank_holidays}

    @property
    def early_closes(self) -> dict[dt.datetime, dt.timedelta]:
        return {dt.datetime.fromordinal(day): time for day, time in self._early_closes.items()}

    @property
    def late_opens(self) -> dict[dt.datetime, dt.timedelta]:
        return {dt.datetime.fromordinal(day): time for day, time in self._late_opens.items()}

    @property
    def market_hours(self) -> dict[DayOfWeek, LocalMarketHours]:
        """The regular week."""
        return {hours.day_of_week: hours for hours in self._week}

    def get_market_hours(self, local: dt.datetime | dt.date) -> LocalMarketHours:
        """Hours of one date, holidays, early closes and late opens applied."""
        ordinal = local.toordinal()
        hours = self._by_day.get(ordinal)
        if hours is None:
            hours = self._by_day[ordinal] = self._make_hours(ordinal)
        return hours

    def _make_hours(self, ordinal: int) -> LocalMarketHours:
        weekday = (ordinal + 6) % 7
        if ordinal in self._holidays:
            return self._closed[weekday]
        early_close, late_open = self._early_closes.get(ordinal), self._late_opens.get(ordinal)
        hours = self._week[weekday]
        if early_close is None and late_open is None:
            return hours
        segments = list(hours.segments)
        before: list[MarketHoursSegment] | None = None
        if early_close is not None:
            before = _until(segments, early_close)
            if late_open is None or early_close >= late_open:
                segments = before
        if late_open is not None:
            segments = _since(segments, late_open)
            if before is not None and early_close is not None and early_close <= late_open:
                segments = before + segments  # trading stops at the early close and resumes at the late open
        return LocalMarketHours(weekday, segments)

    def is_open(self, start: dt.datetime, end: dt.datetime | bool, extended: bool | None = None) -> bool:
        """``is_open(local, extended)`` at an instant, or ``is_open(start, end, extended)`` at any time in between."""
        if isinstance(end, bool):
            return self.get_market_hours(start).is_open(_time_of_day(start), end)
        if start == end:
            return self.get_market_hours(start).is_open(_time_of_day(start), bool(extended))
        day_end = min(end, _midnight(start) + ONE_DAY - _TICK)
        while True:
            if self.get_market_hours(start).is_open(_time_of_day(start), _time_of_day(day_end), bool(extended)):
                return True
            start = _midnight(start) + ONE_DAY
            day_end = min(end, day_end + ONE_DAY)
            if day_end <= start:
                return False

    def is_open_during_bar(self, start: dt.datetime, end: dt.datetime, extended: bool) -> bool:
        """Open at any time between the bar's start and end."""
        return self.is_open(start, end, extended)

    def is_date_open(self, local: dt.datetime | dt.date, extended: bool = False) -> bool:
        """Whether the date has a regular session (with ``extended``: any session)."""
        hours = self.get_market_hours(local)
        if hours.is_closed_all_day:
            return False
        return bool(extended) if hours.market_duration == _ZERO else True

    def get_next_market_open(self, local: dt.datetime, extended: bool) -> dt.datetime:
        """First open after ``local``. Raises :class:`ValueError` when there is none within two weeks."""
        time = _as_datetime(local)
        local, limit = time, _midnight(time) + _SEARCH_DAYS * ONE_DAY
        yesterday = self.get_market_hours(_midnight(time) - ONE_DAY).segments
        last_end = yesterday[-1].end if yesterday else None
        while time < limit:
            hours = self.get_market_hours(time)
            if hours.segments:
                found = hours.get_market_open(_time_of_day(time), extended, last_end)
                if found is not None and local < _midnight(time) + found:
                    return _midnight(time) + found
                last_end = None if time.toordinal() in self._early_closes else hours.segments[-1].end
            else:
                last_end = None
            time = _midnight(time) + ONE_DAY
        self._not_found("open", "after", local)

    def get_next_market_close(self, local: dt.datetime, extended: bool, last_close: bool = False) -> dt.datetime:
        """First close after ``local`` (``last_close``: the last one of that day). Raises :class:`ValueError`."""
        time = _as_datetime(local)
        local, limit = time, _midnight(time) + _SEARCH_DAYS * ONE_DAY
        while time < limit:
            hours = self.get_market_hours(time)
            if hours.segments:
                tomorrow = _midnight(time) + ONE_DAY
                following = None
                if tomorrow.toordinal() not in self._early_closes:
                    segments = self.get_market_hours(tomorrow).segments
                    following = segments[0].start if segments else None
                found = hours.get_market_close(_time_of_day(time), extended, last_close, following)
                if found is not None and local < _midnight(time) + found:
                    return _midnight(time) + found
            time = _midnight(time) + ONE_DAY
        self._not_found("close", "after", local)

    def get_previous_market_open(self, local: dt.datetime, extended: bool, first_open: bool = False) -> dt.datetime:
        """Last open at or before ``local`` (``first_open``: the first one of that day). Raises :class:`ValueError`."""
        local = time = _as_datetime(local)
        # Lean returns the next open when it is now; next opens are always later, so this never happens there either.
        for _ in range(9):
            candidate: dt.datetime | None = None
            for segment in reversed(self.get_market_hours(time).segments):
                start = _midnight(time) + segment.start
                if start > local or not (extended or segment.state == MarketHoursState.MARKET):
                    continue
                if first_open:
                    candidate = start
                elif self.get_next_market_open(start - _TICK, extended) == start:
                    return start
            if candidate is not None:
                return candidate
            time -= ONE_DAY
        self._not_found("open", "before", local)

    def get_first_daily_market_open(self, local: dt.datetime, extended: bool) -> dt.datetime:
        return self.get_previous_market_open(local, extended, first_open=True)

    def get_last_daily_market_close(self, local: dt.datetime, extended: bool) -> dt.datetime:
        return self.get_next_market_close(local, extended, last_close=True)

    def get_previous_trading_day(self, day: dt.datetime) -> dt.datetime:
        """The last date before ``day`` with a regular session; the time of day stays."""
        day -= ONE_DAY
        while not self.is_date_open(day):
            day -= ONE_DAY
        return day

    def get_next_trading_day(self, day: dt.datetime) -> dt.datetime:
        """The first date after ``day`` with a regular session; the time of day stays."""
        day += ONE_DAY
        while not self.is_date_open(day):
            day += ONE_DAY
        return day

    def session_bounds_us(self, day: dt.datetime | dt.date, extended: bool = False) -> tuple[int, int] | None:
        """First open and last close of a date as UTC microseconds since 1970, or None when it is closed."""
        key = (day.toordinal(), extended)
        if key not in self._bounds:
            hours, midnight = self.get_market_hours(day), to_us(_midnight(day))
            segments = [segment for segment in hours.segments if extended or segment.state == MarketHoursState.MARKET]
            self._bounds[key] = None
            if segments:
                first, last = (edge // _TICK for edge in (segments[0].start, segments[-1].end))
                to_utc = self.zone.local_us_to_utc_us
                self._bounds[key] = (to_utc(midnight + first), to_utc(midnight + last))
        return self._bounds[key]

    def _not_found(self, what: str, direction: str, local: dt.datetime) -> NoReturn:
        raise ValueError(f"no market {what} within two weeks {direction} {local:%Y-%m-%d %H:%M:%S} ({self.time_zone})")


def _until(segments: list[MarketHoursSegment], close: dt.timedelta) -> list[MarketHoursSegment]:
    """What is left of a day that closes at ``close``."""
    for index, segment in enumerate(segments):
        if segment.start <= close <= segment.end:
            return [*segments[:index], MarketHoursSegment(segment.state, segment.start, close)]
        if close < segment.start:
            # Lean drops the segment before the gap too.
            return segments[: max(index - 1, 0)]
    return list(segments)


def _since(segments: list[MarketHoursSegment], opening: dt.timedelta) -> list[MarketHoursSegment]:
    """What is left of a day that opens at ``opening``."""
    for index, segment in enumerate(segments):
        if segment.start <= opening <= segment.end:
            return [MarketHoursSegment(segment.state, opening, segment.end), *segments[index + 1 :]]
        if opening < segment.start:
            return list(segments[index:])
    return list(segments)


def daily_calendar(
    hours: SecurityExchangeHours, local: dt.datetime, extended: bool = False
) -> tuple[dt.datetime, dt.datetime]:
    """First open and last close of the trading day that ``local`` falls in or follows: the span of its daily bar."""
    start = hours.get_first_daily_market_open(local, extended)
    return start, hours.get_last_daily_market_close(start, extended)


def next_daily_end_time(hours: SecurityExchangeHours, local: dt.datetime) -> dt.datetime:
    """When the daily bar that contains ``local`` ends, with strict end times."""
    midnight = _midnight(local) + ONE_DAY
    if hours.is_market_always_open:
        return midnight
    close = hours.get_last_daily_market_close(local, extended=False)
    if close > midnight and hours.is_open(local, False):
        return midnight
    return close


# ------------------------------------------------------------------------------------------------------------ database


class MarketHoursDatabase:
    """The entries of ``market-hours-database.json``, parsed when asked for."""

    def __init__(self, data_folder: Path | str) -> None:
        """Raises :class:`FormatError` when the database is missing."""
        self.path = market_hours_path(data_folder)
        try:
            self._text = self.path.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise FormatError(
                f"{self.path}: cannot read the market hours database ({error}); "
                "write one with `harness data synth` or give another --data-folder"
            ) from None
        self._cache: dict[tuple[str, str, str], SecurityExchangeHours] = {}

    def get_exchange_hours(
        self, ticker: str, market: str = "usa", security_type: str = "Equity"
    ) -> SecurityExchangeHours:
        """Hours of ``ticker``: its own entry with the market's holidays added, or the market's entry.

        Raises :class:`FormatError` for an entry that cannot be read and :class:`InputError` when there is none.
        """
        common = self._entry(security_type, market, _WILDCARD)
        own = self._entry(security_type, market, ticker.upper())
        if own is None and common is None:
            raise InputError(f"{self.path}: no market hours for {security_type}-{market}-{ticker}")
        key = (security_type, market, _WILDCARD if own is None else ticker.upper())
        if key not in self._cache:
            try:
                self._cache[key] = _make_exchange_hours(own, common)
            except (KeyError, ValueError, TypeError, AttributeError, OverflowError) as error:
                raise FormatError(f"{self.path}: entry {'-'.join(key)} cannot be read ({error!r})") from None
        return self._cache[key]

    def _entry(self, security_type: str, market: str, symbol: str) -> dict[str, Any] | None:
        name = f'"{security_type}-{market}-{symbol}"'
        place = self._text.find(name)
        if place < 0:
            return None
        import json

        start = self._text.find("{", place + len(name))
        try:
            if start < 0 or self._text[place + len(name) : start].strip() != ":":
                raise ValueError(f"no object after {name}")
            entry, _ = json.JSONDecoder().raw_decode(self._text, start)
        except (ValueError, RecursionError) as error:
            raise FormatError(f"{self.path}: entry {name} is not valid JSON ({error})") from None
        return entry if isinstance(entry, dict) else None


def _parse_time_span(text: str) -> dt.timedelta:
    """``[d.]hh:mm:ss[.fffffff]``."""
    days, _, rest = text.partition(".") if "." in text.partition(":")[0] else ("0", "", text)
    hours, minutes, seconds = [*rest.split(":"), "0"][:3]
    return dt.timedelta(days=int(days), hours=int(hours), minutes=int(minutes), seconds=float(seconds))


def _parse_date(text: str) -> dt.date:
    """``M/d/yyyy``."""
    month, day, year = text.split("/")
    return dt.date(int(year), int(month), int(day))


def _parse_segment(row: Mapping[str, str]) -> MarketHoursSegment:
    state = MarketHoursState[
        {"PREMARKET": "PRE_MARKET", "POSTMARKET": "POST_MARKET"}.get(row["state"].upper(), row["state"].upper())
    ]
    return MarketHoursSegment(state, _parse_time_span(row["start"]), _parse_time_span(row["end"]))


def _parse_times(rows: Mapping[str, str]) -> dict[dt.date, dt.timedelta]:
    return {_parse_date(day): _parse_time_span(time) for day, time in rows.items()}


def _make_exchange_hours(own: dict[str, Any] | None, common: dict[str, Any] | None) -> SecurityExchangeHours:
    entry = own if own is not None else common
    assert entry is not None
    sources = [source for source in (common, own) if source is not None]  # a ticker's own times win over the market's
    week = {
        weekday: LocalMarketHours(weekday, [_parse_segment(row) for row in entry.get(name) or ()])
        for weekday, name in enumerate(_WEEKDAYS)
    }
    return SecurityExchangeHours(
        entry["exchangeTimeZone"],
        week,
        {_parse_date(day) for source in sources for day in source.get("holidays") or ()},
        {day: time for source in sources for day, time in _parse_times(source.get("earlyCloses") or {}).items()},
        late_opens={
            day: time for source in sources for day, time in _parse_times(source.get("lateOpens") or {}).items()
        },
        bank_holidays={_parse_date(day) for source in sources for day in source.get("bankHolidays") or ()},
    )
