"""Trading hours: against exchange_calendars on Lean's own database, and Lean's rules at the edges."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.embedded.enums import DayOfWeek
from harness.embedded.reference.market_hours import (
    MarketHoursDatabase,
    MarketHoursState,
    SecurityExchangeHours,
    daily_calendar,
    next_daily_end_time,
)
from harness.errors import InputError
from harness.marketdata.calendar import new_york_calendar
from harness.marketdata.lean_format import FormatError, market_hours_path
from harness.marketdata.reference_files import market_hours_text

SHARED = Path(__file__).resolve().parents[3].parent / "shared"
D = dt.datetime
H = dt.timedelta(hours=1)
MINUTE = dt.timedelta(minutes=1)


def _write(folder: Path, text: str) -> MarketHoursDatabase:
    path = market_hours_path(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return MarketHoursDatabase(folder)


@pytest.fixture(scope="module")
def hours(tmp_path_factory: pytest.TempPathFactory) -> SecurityExchangeHours:
    return _write(tmp_path_factory.mktemp("hours"), market_hours_text(new_york_calendar())).get_exchange_hours("SPY")


def _entry(**changes: object) -> dict[str, object]:
    day = [{"start": "09:30:00", "end": "16:00:00", "state": "market"}]
    week: dict[str, object] = dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), day)
    return {"dataTimeZone": "UTC", "exchangeTimeZone": "America/New_York", **week, "holidays": [], **changes}


def _database(folder: Path, **entries: dict[str, object]) -> MarketHoursDatabase:
    return _write(folder, json.dumps({"entries": {name.replace("_", "-"): entry for name, entry in entries.items()}}))


@pytest.mark.recordings
def test_leans_database_has_the_sessions_of_the_exchange() -> None:
    folder = SHARED / "lean-data"
    if not market_hours_path(folder).exists():
        pytest.skip("no market data beside the project")
    hours = MarketHoursDatabase(folder).get_exchange_hours("SPY")
    calendar = new_york_calendar()
    day = D(2015, 1, 1)
    while day < D(2025, 1, 1):
        if day.date() != dt.date(2025, 1, 9):
            assert hours.is_date_open(day) == calendar.is_open(day.date()), day
        if hours.is_date_open(day) and day.date() in calendar.early_closes:
            assert hours.get_next_market_close(day, False) == D(day.year, day.month, day.day, 13), day
        day += dt.timedelta(days=1)


def test_a_regular_day(hours: SecurityExchangeHours) -> None:
    day = D(2025, 10, 1)
    segments = hours.get_market_hours(day).segments
    assert [segment.state for segment in segments] == [
        *(MarketHoursState.PRE_MARKET, MarketHoursState.MARKET, MarketHoursState.POST_MARKET)
    ]
    assert [(segment.start / H, segment.end / H) for segment in segments] == [(4, 9.5), (9.5, 16), (16, 20)]
    assert hours.regular_market_duration == 6.5 * H
    assert (hours.time_zone, str(hours.zone), hours.is_market_always_open) == (*("America/New_York",) * 2, False)
    for time, regular, extended in (
        (D(2025, 10, 1, 3, 59, 59), False, False),
        (D(2025, 10, 1, 4), False, True),
        (D(2025, 10, 1, 9, 29, 59, 999_999), False, True),
        (D(2025, 10, 1, 9, 30), True, True),
        (D(2025, 10, 1, 15, 59, 59, 999_999), True, True),
        (D(2025, 10, 1, 16), False, True),
        (D(2025, 10, 1, 20), False, False),
    ):
        assert (hours.is_open(time, False), hours.is_open(time, True)) == (regular, extended), time


def test_both_spellings(hours: SecurityExchangeHours) -> None:
    spelled: Any = hours
    assert spelled.RegularMarketDuration == hours.regular_market_duration
    assert spelled.TimeZone == "America/New_York"
    assert spelled.IsMarketAlwaysOpen is False
    assert spelled.GetNextMarketOpen(D(2025, 10, 1), False) == D(2025, 10, 1, 9, 30)
    assert spelled.GetMarketHours(D(2025, 10, 1)).Segments[1].Start == 9.5 * H
    assert spelled.MarketHours[DayOfWeek.SUNDAY].IsClosedAllDay
    assert not spelled.MarketHours[DayOfWeek.FRIDAY].IsClosedAllDay


def test_bars_that_touch_the_session(hours: SecurityExchangeHours) -> None:
    day = D(2025, 10, 1)
    assert not hours.is_open(day + 9.4 * H, day + 9.5 * H, False)
    assert hours.is_open(day + 9.4 * H, day + 9.5 * H + MINUTE, False)
    assert hours.is_open_during_bar(day + 15.9 * H, day + 17 * H, False)
    assert not hours.is_open(day + 16 * H, day + 17 * H, False)
    assert hours.is_open(day, day + 24 * H, False)
    assert not hours.is_open(D(2025, 10, 4), D(2025, 10, 5), True)
    assert hours.is_open(D(2025, 10, 4), D(2025, 10, 6, 9, 31), False)
    assert not hours.is_open(D(2025, 10, 4), D(2025, 10, 6, 9, 30), False)


def test_an_early_close_ends_the_day_after_hours_included(hours: SecurityExchangeHours) -> None:
    day = D(2025, 11, 28)
    assert hours.get_market_hours(day).segments[-1].end == 13 * H
    assert hours.get_market_hours(day).market_duration == 3.5 * H
    assert hours.get_next_market_close(day, False) == day + 13 * H
    assert hours.get_next_market_close(day, True) == day + 13 * H
    assert not hours.is_open(day + 13 * H, True)
    assert day in hours.early_closes


def test_opens_and_closes_skip_closed_days(hours: SecurityExchangeHours) -> None:
    assert hours.get_next_market_open(D(2025, 11, 26, 16), False) == D(2025, 11, 28, 9, 30)
    assert hours.get_next_market_open(D(2025, 11, 26, 9, 29), False) == D(2025, 11, 26, 9, 30)
    assert hours.get_next_market_open(D(2025, 11, 26, 9, 30), False) == D(2025, 11, 28, 9, 30)
    assert hours.get_next_market_open(D(2025, 11, 26, 9, 30), True) == D(2025, 11, 28, 4)
    assert hours.get_next_market_close(D(2025, 11, 26, 15, 59), True) == D(2025, 11, 26, 20)
    assert hours.get_next_market_close(D(2025, 11, 26, 16), False) == D(2025, 11, 28, 13)
    assert hours.get_previous_market_open(D(2025, 11, 28, 9, 29), False) == D(2025, 11, 26, 9, 30)
    assert hours.get_previous_market_open(D(2025, 11, 28, 9, 30), False) == D(2025, 11, 28, 9, 30)
    assert hours.get_previous_market_open(D(2025, 11, 28, 12), True) == D(2025, 11, 28, 4)
    assert hours.get_previous_trading_day(D(2025, 11, 28)) == D(2025, 11, 26)
    assert hours.get_next_trading_day(D(2025, 11, 26, 5)) == D(2025, 11, 28, 5)
    assert D(2025, 11, 27) in hours.holidays


def test_daily_bars_cover_the_regular_session(hours: SecurityExchangeHours) -> None:
    # Lean asks with the end of the bar on disk, midnight after the day.
    assert daily_calendar(hours, D(2025, 11, 29)) == (D(2025, 11, 28, 9, 30), D(2025, 11, 28, 13))
    assert daily_calendar(hours, D(2025, 10, 2)) == (D(2025, 10, 1, 9, 30), D(2025, 10, 1, 16))
    assert next_daily_end_time(hours, D(2025, 10, 1, 9, 31)) == D(2025, 10, 1, 16)
    assert next_daily_end_time(hours, D(2025, 10, 1, 16)) == D(2025, 10, 2, 16)
    assert next_daily_end_time(hours, D(2025, 11, 26, 18)) == D(2025, 11, 28, 13)


def test_session_bounds_follow_the_clock_change(hours: SecurityExchangeHours) -> None:
    def us(time: dt.datetime) -> int:
        return int(time.replace(tzinfo=dt.UTC).timestamp()) * 1_000_000

    assert hours.session_bounds_us(D(2025, 10, 31)) == (us(D(2025, 10, 31, 13, 30)), us(D(2025, 10, 31, 20)))
    assert hours.session_bounds_us(D(2025, 11, 3)) == (us(D(2025, 11, 3, 14, 30)), us(D(2025, 11, 3, 21)))
    assert hours.session_bounds_us(dt.date(2025, 11, 3), True) == (us(D(2025, 11, 3, 9)), us(D(2025, 11, 4, 1)))
    assert hours.session_bounds_us(D(2025, 11, 2)) is None


@given(st.datetimes(D(2015, 2, 1), D(2026, 11, 30)), st.booleans())
def test_next_and_previous_agree_with_is_open(hours: SecurityExchangeHours, local: dt.datetime, extended: bool) -> None:
    tick = dt.timedelta(microseconds=1)
    opening, close = hours.get_next_market_open(local, extended), hours.get_next_market_close(local, extended)
    assert local < opening
    assert local < close
    assert hours.is_open(opening, extended)
    assert not hours.is_open(opening - tick, extended)
    assert hours.is_open(close - tick, extended)
    assert not hours.is_open(close, extended)
    assert hours.is_open(local, extended) == (close < opening)
    previous = hours.get_previous_market_open(local, extended)
    assert previous <= local
    assert hours.get_next_market_open(previous, extended) == opening


def test_late_opens_and_reopening_after_an_early_close(tmp_path: Path) -> None:
    hours = _database(
        tmp_path,
        **{
            "Equity_usa_[*]": _entry(
                earlyCloses={"10/2/2025": "12:00:00"}, lateOpens={"10/1/2025": "11:00:00", "10/2/2025": "14:00:00"}
            )
        },
    ).get_exchange_hours("SPY")
    assert hours.get_next_market_open(D(2025, 10, 1), False) == D(2025, 10, 1, 11)
    spans = [(segment.start / H, segment.end / H) for segment in hours.get_market_hours(D(2025, 10, 2)).segments]
    assert spans == [(9.5, 12), (14, 16)]
    assert hours.get_next_market_close(D(2025, 10, 2, 9), False, last_close=True) == D(2025, 10, 2, 16)
    assert D(2025, 10, 1) in hours.late_opens


def test_a_tickers_own_entry_adds_to_the_markets_holidays(tmp_path: Path) -> None:
    database = _database(
        tmp_path,
        **{
            "Equity_usa_[*]": _entry(holidays=["12/25/2025"], earlyCloses={"12/24/2025": "13:00:00"}),
            "Equity_usa_ABC": _entry(holidays=["10/1/2025"], earlyCloses={"12/24/2025": "12:00:00"}),
        },
    )
    own, common = database.get_exchange_hours("abc"), database.get_exchange_hours("SPY")
    assert not own.is_date_open(D(2025, 12, 25))
    assert not own.is_date_open(D(2025, 10, 1))
    assert common.is_date_open(D(2025, 10, 1))
    assert own.get_next_market_close(D(2025, 12, 24), False) == D(2025, 12, 24, 12)
    assert database.get_exchange_hours("IBM") is common


def test_round_the_clock(tmp_path: Path) -> None:
    whole = [{"start": "00:00:00", "end": "1.00:00:00", "state": "market"}]
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    hours = _database(tmp_path, **{"Equity_usa_[*]": _entry(**dict.fromkeys(days, whole))}).get_exchange_hours("X")
    assert hours.is_market_always_open
    assert next_daily_end_time(hours, D(2025, 10, 1, 5)) == D(2025, 10, 2)
    with pytest.raises(ValueError, match="no market close within two weeks"):
        hours.get_next_market_close(D(2025, 10, 1), False)


def test_unreadable_databases_are_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="cannot read the market hours database"):
        MarketHoursDatabase(tmp_path)
    with pytest.raises(InputError, match="no market hours for Equity-usa-SPY"):
        _write(tmp_path, "{}").get_exchange_hours("SPY")
    for text in ('{"entries": {"Equity-usa-[*]": {"monday": [', '{"entries": {"Equity-usa-[*]": 7}}'):
        with pytest.raises(FormatError, match="not valid JSON"):
            _write(tmp_path, text).get_exchange_hours("SPY")
    for entry in ({}, _entry(holidays=["soon"]), _entry(monday=[{"start": "x"}]), _entry(holidays=[7])):
        with pytest.raises(FormatError, match="cannot be read"):
            _database(tmp_path, **{"Equity_usa_[*]": entry}).get_exchange_hours("SPY")
