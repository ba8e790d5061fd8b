"""Trading days: from ``exchange_calendars`` when data is made, from the market hours database when it is checked."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path

from harness.errors import InputError
from harness.marketdata.lean_format import FormatError, market_hours_path

FIRST_DAY = dt.date(2015, 1, 1)
LAST_DAY = dt.date(2027, 12, 31)
EXCHANGE = "XNYS"
OPEN_S = 9 * 3600 + 30 * 60
CLOSE_S = 16 * 3600


@dataclass(frozen=True)
class ExchangeCalendar:
    """Weekdays without trading and days that end early, New York, :data:`FIRST_DAY` to :data:`LAST_DAY`."""

    holidays: tuple[dt.date, ...]
    early_closes: dict[dt.date, int]
    """Date -> close in seconds since local midnight."""

    def is_open(self, day: dt.date) -> bool:
        return day.weekday() < 5 and day not in set(self.holidays)

    def close_s(self, day: dt.date) -> int:
        """Regular close of an open day, seconds since local midnight."""
        return self.early_closes.get(day, CLOSE_S)

    def days(self, start: dt.date, end: dt.date) -> list[dt.date]:
        """Open days from ``start`` to ``end``, both included."""
        closed = set(self.holidays)
        count = (end - start).days + 1
        every = (start + dt.timedelta(days=offset) for offset in range(count))
        return [day for day in every if day.weekday() < 5 and day not in closed]

    def days_before(self, day: dt.date, count: int) -> list[dt.date]:
        """The last ``count`` open days before ``day``."""
        return self.days(max(FIRST_DAY, day - dt.timedelta(days=2 * count + 30)), day - dt.timedelta(days=1))[-count:]


def new_york_calendar() -> ExchangeCalendar:
    """The New York Stock Exchange's days, from ``exchange_calendars``."""
    import exchange_calendars

    calendar = exchange_calendars.get_calendar(EXCHANGE, start=FIRST_DAY.isoformat(), end=LAST_DAY.isoformat())
    sessions = {session.date() for session in calendar.sessions}
    count = (LAST_DAY - FIRST_DAY).days + 1
    weekdays = [day for day in (FIRST_DAY + dt.timedelta(days=i) for i in range(count)) if day.weekday() < 5]
    early = {}
    for session in calendar.early_closes:
        close = calendar.session_close(session).tz_convert("America/New_York")
        early[session.date()] = int(close.hour) * 3600 + int(close.minute) * 60
    return ExchangeCalendar(tuple(day for day in weekdays if day not in sessions), early)


def read_calendar(data_folder: Path) -> ExchangeCalendar:
    """Holidays and early closes of ``Equity-usa-[*]`` in a data folder. Raises :class:`FormatError`."""
    path = market_hours_path(data_folder)
    try:
        entry = json.loads(path.read_text("utf-8-sig"))["entries"]["Equity-usa-[*]"]
        holidays = tuple(_parse_date(text) for text in entry["holidays"])
        early = {_parse_date(day): _parse_seconds(time) for day, time in (entry.get("earlyCloses") or {}).items()}
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror}); write one with `harness data synth`") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FormatError(f"{path}: no readable entry Equity-usa-[*] ({error!r})") from None
    return ExchangeCalendar(holidays, early)


def check_covered(start: dt.date, end: dt.date) -> None:
    """Raises :class:`InputError` for days outside the calendar."""
    if start < FIRST_DAY or end > LAST_DAY:
        raise InputError(f"{start} to {end} is outside the exchange calendar, {FIRST_DAY} to {LAST_DAY}")


def _parse_date(text: str) -> dt.date:
    month, day, year = text.split("/")
    return dt.date(int(year), int(month), int(day))


def _parse_seconds(text: str) -> int:
    hours, minutes, seconds = text.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds)
