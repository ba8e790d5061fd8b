"""Rules and the event queue, against hand-made expectations and the recorded log of real Lean."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.embedded.clock import Clock, to_us
from harness.embedded.enums import DayOfWeek
from harness.embedded.reference.market_hours import MarketHoursDatabase, SecurityExchangeHours
from harness.embedded.reference.symbols import SecurityIdentifier, Symbol, symbol_cache
from harness.embedded.scheduling.date_rules import DateRules
from harness.embedded.scheduling.event_scheduler import EndOfDayEvents, EventScheduler
from harness.embedded.scheduling.rules import FuncDateRule, FuncTimeRule, ScheduleContext
from harness.embedded.scheduling.schedule_manager import ScheduleManager
from harness.embedded.scheduling.scheduled_event import ScheduledEvent
from harness.embedded.scheduling.time_rules import TimeRules

CONFORMANCE = Path(__file__).resolve().parents[4] / "shared" / "conformance"
SPY = SimpleNamespace(value="SPY")


@pytest.fixture(scope="module")
def hours() -> SecurityExchangeHours:
    if not CONFORMANCE.is_dir():
        pytest.skip("the recordings of real Lean are not on this machine")
    return MarketHoursDatabase(CONFORMANCE / "data").get_exchange_hours("SPY")


class Bench:
    """A clock, a scheduler and rules without an engine."""

    def __init__(self, hours: SecurityExchangeHours, utc: datetime) -> None:
        self.clock = Clock(to_us(utc))
        self.scheduler = EventScheduler(self.clock)
        self.context = ScheduleContext(self.clock, "America/New_York", lambda _: hours, lambda: hours)
        self.schedule = ScheduleManager(self.context, self.scheduler)
        self.dates = self.schedule.date_rules
        self.times = self.schedule.time_rules
        self.fired: list[tuple[str, str]] = []

    def note(self, what: str) -> Callable[[], None]:
        return lambda: self.fired.append((f"{self.clock.local('America/New_York'):%m-%d %H:%M:%S}", what))

    def step(self, utc: datetime) -> None:
        us = to_us(utc)
        self.scheduler.scan_past_events(us)
        self.clock.utc_us = us
        self.scheduler.set_time(us)


@pytest.fixture
def bench(hours: SecurityExchangeHours) -> Bench:
    return Bench(hours, datetime(2025, 9, 29, 4))


def days(rule: Any, start: datetime, end: datetime) -> list[str]:
    return [f"{day:%Y-%m-%d}" for day in rule.get_dates(start, end)]


def utc_times(rule: Any, *dates: datetime) -> list[str]:
    return [f"{time:%Y-%m-%d %H:%M}" for time in rule.create_utc_event_times(dates)]


def minutes_of_sessions(hours: SecurityExchangeHours, first: datetime, last: datetime) -> Iterator[datetime]:
    day = first
    while day <= last:
        bounds = hours.session_bounds_us(day)
        if bounds is not None:
            opening, closing = bounds
            for us in range(opening + 60_000_000, closing + 1, 60_000_000):
                yield datetime(1970, 1, 1) + timedelta(microseconds=us)
        day += timedelta(days=1)


def test_the_recorded_schedule_of_real_lean_fires_at_the_same_times_in_the_same_order(
    bench: Bench, hours: SecurityExchangeHours
) -> None:
    log = CONFORMANCE / "schedule" / "lean" / "Schedule-log.txt"
    expected = []
    for line in log.read_text().splitlines():
        match = re.fullmatch(r"\S+ \S+ 2025-(\d\d-\d\d \d\d:\d\d:\d\d) (.*)", line)
        if match and not match[2].startswith("first data"):
            expected.append((match[1], match[2]))
    d, t, on = bench.dates, bench.times, bench.schedule.on
    on(d.every_day(), t.at(12, 0), bench.note("every_day noon"))
    on(d.every_day(SPY), t.after_market_open(SPY, 10), bench.note("open+10"))
    on(d.every_day(SPY), t.before_market_close(SPY, 5), bench.note("close-5"))
    on(d.every(DayOfWeek.MONDAY, DayOfWeek.FRIDAY), t.at(9, 45), bench.note("mon/fri"))
    on(d.week_start(SPY), t.after_market_open(SPY, 0), bench.note("week_start"))
    on(d.month_start(SPY), t.before_market_close(SPY, 0), bench.note("month_start"))
    on(d.month_end(SPY), t.after_market_open(SPY, 1), bench.note("month_end"))
    on(d.today, t.every(timedelta(hours=6)), bench.note("every 6h today"))
    on(d.on(2025, 10, 7), t.midnight, bench.note("midnight"))

    class Algorithm:
        end_date = datetime(2025, 10, 10, 23, 59, 59)
        time_zone = "America/New_York"

        def on_end_of_day(self, symbol: Any) -> None:
            bench.note("end of day ALFA")()

    end_of_day = EndOfDayEvents(Algorithm(), bench.scheduler, bench.clock)
    end_of_day.start()
    bench.scheduler.start()
    on("Daily Sampling", d.every_day(), t.midnight, lambda: None)
    added = False
    for utc in [datetime(2025, 9, 29, 4), *minutes_of_sessions(hours, datetime(2025, 9, 29), datetime(2025, 10, 10))]:
        us = to_us(utc)
        bench.scheduler.scan_past_events(us)
        bench.clock.utc_us = us
        if not added:
            added = True
            security = SimpleNamespace(symbol="ALFA", exchange=SimpleNamespace(hours=hours))
            end_of_day.on_securities_changed([security], [])
        bench.scheduler.set_time(us)
    assert bench.fired == expected


def test_week_rules_without_a_symbol_are_monday_and_friday(bench: Bench) -> None:
    start, end = datetime(2025, 11, 24), datetime(2025, 12, 7)
    assert days(bench.dates.week_start(), start, end) == ["2025-11-24", "2025-12-01"]
    assert days(bench.dates.week_end(), start, end) == ["2025-11-28", "2025-12-05"]
    assert days(bench.dates.week_start(2), start, end) == ["2025-11-26", "2025-12-03"]


def test_week_end_offset_counts_back_over_a_holiday(bench: Bench) -> None:
    # Thanksgiving is 2025-11-27: one trading day before Friday the 28th is Wednesday.
    start, end = datetime(2025, 11, 24), datetime(2025, 11, 30)
    assert days(bench.dates.week_end(SPY, 1), start, end) == ["2025-11-26"]


def test_week_offset_beyond_the_schedule_is_refused(bench: Bench) -> None:
    with pytest.raises(ValueError, match=r"DateRules.WeekStart\(\) : Monday\+5 is out of range"):
        bench.dates.week_start(SPY, 5)


def test_month_rules_move_to_trading_days(bench: Bench) -> None:
    start, end = datetime(2025, 10, 15), datetime(2026, 1, 31)
    assert days(bench.dates.month_start(SPY), start, end) == ["2025-11-03", "2025-12-01", "2026-01-02"]
    assert days(bench.dates.month_end(SPY), start, end) == ["2025-10-31", "2025-11-28", "2025-12-31", "2026-01-30"]
    assert days(bench.dates.month_start(SPY, 2), start, end) == ["2025-11-05", "2025-12-03", "2026-01-06"]
    assert days(bench.dates.month_start(), start, end) == ["2025-11-01", "2025-12-01", "2026-01-01"]
    assert days(bench.dates.month_end(1), start, end) == ["2025-10-30", "2025-11-29", "2025-12-30", "2026-01-30"]


def test_an_offset_beyond_the_month_stays_inside_it(bench: Bench) -> None:
    assert days(bench.dates.month_start(SPY, 30), datetime(2025, 11, 1), datetime(2025, 11, 30)) == ["2025-11-28"]
    assert days(bench.dates.month_end(SPY, 30), datetime(2025, 11, 1), datetime(2025, 11, 30)) == ["2025-11-03"]


def test_quarters_and_years(bench: Bench) -> None:
    start, end = datetime(2025, 9, 28), datetime(2026, 1, 31)
    assert days(bench.dates.quarter_start(SPY), start, end) == ["2025-10-01", "2026-01-02"]
    assert days(bench.dates.quarter_end(SPY), start, end) == ["2025-09-30", "2025-12-31"]
    assert days(bench.dates.year_end(SPY), start, end) == ["2025-12-31"]
    assert days(bench.dates.year_start(SPY, 1), start, end) == ["2026-01-05"]
    with pytest.raises(ValueError, match="Offset must be between 0 and 92"):
        bench.dates.quarter_start(93)


def test_fixed_dates(bench: Bench) -> None:
    start, end = datetime(2025, 1, 1), datetime(2026, 1, 1)
    assert days(bench.dates.on(2025, 10, 7), start, end) == ["2025-10-07"]
    assert days(bench.dates.on([datetime(2025, 3, 1, 5), datetime(2024, 3, 1)]), start, end) == ["2025-03-01"]
    assert days(bench.dates.today, start, end) == ["2025-09-29"]
    assert days(bench.dates.tomorrow, start, end) == ["2025-09-30"]


def test_times_follow_the_exchange_on_holidays_and_early_closes(bench: Bench) -> None:
    holiday, half_day, sunday = datetime(2025, 11, 27), datetime(2025, 11, 28), datetime(2025, 11, 30)
    rule = bench.times.before_market_close(SPY, 30)
    assert utc_times(rule, holiday, half_day, sunday) == ["2025-11-28 17:30"]
    assert utc_times(bench.times.after_market_open(SPY, 5), holiday, half_day, sunday) == ["2025-11-28 14:35"]
    assert utc_times(bench.times.after_market_open(SPY, 0, True), half_day) == ["2025-11-28 09:00"]
    assert utc_times(bench.times.after_market_close(SPY, 1), half_day) == ["2025-11-28 18:01"]
    assert utc_times(bench.times.before_market_open(15), half_day) == ["2025-11-28 14:15"]


def test_times_of_day_keep_to_the_clock_across_a_change(bench: Bench) -> None:
    before, after = datetime(2025, 11, 1), datetime(2025, 11, 2)
    assert utc_times(bench.times.at(10, 0), before, after) == ["2025-11-01 14:00", "2025-11-02 15:00"]
    assert utc_times(bench.times.at(timedelta(hours=9, minutes=31)), before) == ["2025-11-01 13:31"]
    assert utc_times(bench.times.at(12, 0, "Europe/London"), before) == ["2025-11-01 12:00"]
    assert utc_times(bench.times.noon, after) == ["2025-11-02 16:00"]
    assert utc_times(bench.times.every(timedelta(hours=12)), after) == ["2025-11-02 04:00", "2025-11-02 17:00"]
    with pytest.raises(ValueError, match="can not be zero or less"):
        bench.times.every(timedelta(0))


def test_events_of_one_time_fire_in_the_order_added_at_first_and_rotate_as_leans_queue_does(bench: Bench) -> None:
    at_ten = bench.times.at(10, 0)
    for name in ("a", "b", "c"):
        bench.schedule.on(bench.dates.every_day(), at_ten, bench.note(name))
    bench.scheduler.start()
    bench.step(datetime(2025, 9, 29, 13, 59))
    bench.step(datetime(2025, 9, 29, 14, 0))
    assert [what for _, what in bench.fired] == ["a", "b", "c"]
    bench.step(datetime(2025, 10, 2, 1, 0))
    # The last one to fire finds the others at its own next time and stays ahead of them.
    assert "".join(what for _, what in bench.fired) == "abc" + "cab" + "bca"


def test_events_between_steps_see_their_own_time(bench: Bench) -> None:
    bench.schedule.on(bench.dates.every_day(), bench.times.every(timedelta(hours=8)), bench.note("x"))
    bench.scheduler.start()
    bench.step(datetime(2025, 9, 29, 23, 0))
    assert bench.fired == [("09-29 00:00:00", "x"), ("09-29 08:00:00", "x"), ("09-29 16:00:00", "x")]


def test_times_before_the_start_are_dropped_and_next_event_us_is_a_lower_bound(bench: Bench) -> None:
    bench.schedule.on(bench.dates.every_day(), bench.times.at(10, 0), bench.note("x"))
    bench.clock.utc_us = to_us(datetime(2025, 9, 29, 20))
    bench.scheduler.start()
    bench.step(datetime(2025, 9, 29, 21))
    assert bench.fired == []
    assert bench.scheduler.next_event_us == to_us(datetime(2025, 9, 30, 14))


def test_an_event_added_while_firing_is_seen_at_the_next_step(bench: Bench) -> None:
    def add() -> None:
        bench.note("first")()
        bench.schedule.on(bench.dates.today, bench.times.now, bench.note("second"))

    bench.schedule.on(bench.dates.on(2025, 9, 29), bench.times.at(10, 0), add)
    bench.scheduler.start()
    bench.step(datetime(2025, 9, 29, 14))
    assert [what for _, what in bench.fired] == ["first"]
    bench.step(datetime(2025, 9, 29, 14, 1))
    assert bench.fired == [("09-29 10:00:00", "first"), ("09-29 10:00:00", "second")]


def test_a_removed_event_does_not_fire(bench: Bench) -> None:
    event = bench.schedule.on(bench.dates.every_day(), bench.times.at(10, 0), bench.note("x"))
    bench.scheduler.start()
    bench.schedule.remove(event)
    bench.step(datetime(2025, 9, 30))
    assert bench.fired == []


def test_a_disabled_event_is_passed_over(bench: Bench) -> None:
    event = bench.schedule.on(bench.dates.every_day(), bench.times.at(10, 0), bench.note("x"))
    bench.scheduler.start()
    event.enabled = False
    bench.step(datetime(2025, 9, 30))
    event.enabled = True
    bench.step(datetime(2025, 10, 1))
    assert bench.fired == [("09-30 10:00:00", "x")]


def test_an_error_is_handed_on_with_the_event_and_stops_the_round(bench: Bench) -> None:
    seen: list[tuple[str, str]] = []
    bench.scheduler.on_error = lambda error, where: seen.append((str(error), where))

    def fail() -> None:
        raise ValueError("broken")

    bench.schedule.on("mine", bench.dates.every_day(), bench.times.at(10, 0), fail)
    bench.schedule.on(bench.dates.every_day(), bench.times.at(10, 0), bench.note("after"))
    bench.scheduler.start()
    bench.step(datetime(2025, 9, 29, 14))
    assert seen == [("broken", "Scheduled event: 'mine'")]
    assert bench.fired == []


def test_fluent_events_combine_times_and_filters(bench: Bench) -> None:
    event = (
        bench.schedule.event("fluent")
        .every(DayOfWeek.MONDAY, DayOfWeek.TUESDAY)
        .at(10, 0)
        .at(9, 45)
        .where(lambda utc: utc.day != 29 or utc.hour == 13)
        .run(bench.note("x"))
    )
    assert isinstance(event, ScheduledEvent)
    bench.scheduler.start()
    bench.step(datetime(2025, 10, 5))
    assert [when for when, _ in bench.fired] == ["09-29 09:45:00", "09-30 09:45:00", "09-30 10:00:00"]


def test_rules_of_user_functions(bench: Bench) -> None:
    dates = FuncDateRule("mine", lambda start, end: [datetime(2025, 10, 1)])
    times = FuncTimeRule("odd", lambda found: [date + timedelta(hours=15) for date in found])
    bench.schedule.on(dates, times, bench.note("x"))
    bench.scheduler.start()
    bench.step(datetime(2025, 10, 3))
    assert bench.fired == [("10-01 11:00:00", "x")]


def test_names_of_rules_are_leans(bench: Bench) -> None:
    assert bench.times.at(9, 45).name == "9.75"
    assert bench.times.every(timedelta(minutes=10)).name == "Every 10 min"
    assert bench.dates.every(DayOfWeek.MONDAY).name == "Monday"
    assert bench.dates.month_end(SPY, 2).name == "SPY: MonthEnd-2"
    assert bench.dates.month_start().name == "MonthStart"
    assert bench.times.after_market_open(10).name == "10 min after MarketOpen"


def test_a_ticker_nobody_used_is_announced_once_and_made(hours: SecurityExchangeHours) -> None:
    said: list[str] = []
    clock = Clock(0)
    symbol = Symbol(SecurityIdentifier.generate_equity("ZZZ9", "usa"), "ZZZ9")
    context = ScheduleContext(
        clock, "America/New_York", lambda _: hours, lambda: hours, create_symbol=lambda _: symbol, debug=said.append
    )
    symbol_cache.clear()
    rules = DateRules(context)
    rules.every_day("ZZZ9")
    assert said == ["Warning: no existing symbol found for ticker ZZZ9, it will be created with Equity type."]
    TimeRules(context).after_market_open("ZZZ9", 1)
    assert len(said) == 1
    symbol_cache.clear()


def test_every_keeps_the_time_zone_of_the_moment_it_was_scheduled(bench: Bench) -> None:
    """``TimeRules.Every`` reads the zone when ``ScheduleManager.On`` asks the rule, ``Noon`` when a time is drawn."""
    rules = bench.times
    every = bench.schedule.on(bench.dates.every_day(), rules.every(timedelta(hours=12)), bench.note("every"))
    noon = bench.schedule.on(bench.dates.every_day(), rules.noon, bench.note("noon"))
    bench.context.time_zone = "UTC"
    bench.scheduler.start()
    assert every.next_event_utc_time == datetime(2025, 9, 29, 4)
    assert noon.next_event_utc_time == datetime(2025, 9, 29, 12)


def test_a_time_rule_of_user_code_is_asked_when_the_event_is_made(bench: Bench) -> None:
    """``ScheduleManager.On``: ``CreateUtcEventTimes`` is called at once; only the days come later."""
    asked: list[str] = []

    def times(dates: Any) -> list[datetime]:
        asked.append("times")
        return [day + timedelta(hours=15) for day in dates]

    def dates(start: datetime, _end: datetime) -> list[datetime]:
        asked.append(f"{start:%Y-%m-%d}")
        return [start, start + timedelta(days=1)]

    event = bench.schedule.on(FuncDateRule("days", dates), FuncTimeRule("times", times), bench.note("own"))
    assert asked == ["times", "2025-09-28"]
    bench.scheduler.start()
    assert event.next_event_utc_time == datetime(2025, 9, 29, 15)


def test_names_round_as_dotnet_does(bench: Bench) -> None:
    """``TimeRules.cs`` names times with ``0.##``: halves of the first fifteen digits go away from zero."""
    names = [
        bench.times.at(9, 37, 30).name,
        bench.times.at(9, 30).name,
        bench.times.at(0, 0).name,
        bench.times.every(timedelta(seconds=7.5)).name,
        bench.times.every(timedelta(minutes=100)).name,
        bench.times.after_market_open(SPY, 1.005).name.split(": ")[1],
    ]
    assert names == ["9.63", "9.5", "0", "Every 0.13 min", "Every 100 min", "1.01 min after MarketOpen"]


def test_minutes_are_cut_to_ticks(bench: Bench) -> None:
    """``TimeSpan.FromMinutes`` cuts to ticks: 0.69 minutes are, as a double, a tick short of 41.4 seconds."""
    day = datetime(2025, 9, 29)
    times = [
        *bench.times.after_market_open(SPY, 0.69).create_utc_event_times([day]),
        *bench.times.before_market_open(SPY, 0.69).create_utc_event_times([day]),
        *bench.times.before_market_close(SPY, 10).create_utc_event_times([day]),
        *bench.times.after_market_close(SPY, 0.5).create_utc_event_times([day]),
    ]
    assert times == [
        datetime(2025, 9, 29, 13, 30, 41, 399_999),
        # A tick after the whole microsecond, which Python does not see.
        datetime(2025, 9, 29, 13, 29, 18, 600_000),
        datetime(2025, 9, 29, 19, 50),
        datetime(2025, 9, 29, 20, 0, 30),
    ]


def test_at_takes_whole_numbers_only(bench: Bench) -> None:
    """``TimeRules.At(int, int, int)`` has no overload that a float converts to."""
    with pytest.raises(TypeError):
        bench.times.at(9.5, 30)


def test_the_name_of_a_training_now(bench: Bench) -> None:
    """``ScheduleManager.TrainingNow`` names the event with the UTC time in .NET's round-trip format."""
    assert bench.schedule.training_now(bench.note("x")).name == "Training: Now: 2025-09-29T04:00:00.0000000Z"
