"""Consolidators driven bar by bar: when they emit, what the bars hold, and who hears of it in which order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from harness.embedded.clock import Clock, to_us
from harness.embedded.clr import use_engine_context
from harness.embedded.consolidators.calendar import Calendar, CalendarInfo, Expiry
from harness.embedded.consolidators.environment import Environment
from harness.embedded.consolidators.identity import (
    FilteredIdentityDataConsolidator,
    IdentityDataConsolidator,
    SequentialConsolidator,
)
from harness.embedded.consolidators.market_hours import MarketHourAwareConsolidator
from harness.embedded.consolidators.period import (
    BaseDataConsolidator,
    QuoteBarConsolidator,
    TickConsolidator,
    TradeBarConsolidator,
)
from harness.embedded.consolidators.price_bars import BarDirection, RenkoBar, RenkoType
from harness.embedded.consolidators.price_based import (
    ClassicRangeConsolidator,
    ClassicRenkoConsolidator,
    DollarVolumeRenkoConsolidator,
    RangeConsolidator,
    RenkoConsolidator,
    VolumeRenkoConsolidator,
)
from harness.embedded.consolidators.subscription_manager import SubscriptionManager
from harness.embedded.consolidators.user_consolidator import PythonConsolidator, as_consolidator
from harness.embedded.data import Bar, BarFrame, QuoteBar, TradeBar
from harness.embedded.enums import Resolution, TickType
from harness.embedded.not_supported import NotSupportedError
from harness.embedded.reference.market_hours import MarketHoursDatabase

CONFORMANCE = Path(__file__).resolve().parents[4] / "shared" / "conformance"
OPEN = datetime(2025, 10, 6, 9, 30)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def engine_context() -> None:
    use_engine_context()


@pytest.fixture
def market_hours() -> Iterator[None]:
    if not CONFORMANCE.is_dir():
        pytest.skip("the recordings of real Lean are not on this machine")
    hours = MarketHoursDatabase(CONFORMANCE / "data").get_exchange_hours("SPY")
    Environment.exchange_hours = staticmethod(lambda _: hours)
    Environment.minimum_price_variation = staticmethod(lambda _: Decimal("0.01"))
    yield
    Environment.exchange_hours = None
    Environment.minimum_price_variation = None


def bar(time: datetime, *prices: Any, volume: Any = 100, length: timedelta = MINUTE, symbol: str = "X") -> TradeBar:
    opening, high, low, close = prices if len(prices) == 4 else (prices[0],) * 4
    return TradeBar(time, symbol, opening, high, low, close, volume, length)  # type: ignore[arg-type]


def collect(consolidator: Any) -> list[Any]:
    bars: list[Any] = []
    consolidator.data_consolidated += lambda _, made: bars.append(made)
    return bars


def feed(consolidator: Any, bars: list[TradeBar]) -> None:
    for item in bars:
        consolidator.update(item)
        consolidator.scan(item.end_time)


def shown(made: Any) -> tuple[str, str, float, float, float, float, float]:
    return (
        f"{made.time:%d %H:%M}",
        f"{made.end_time:%d %H:%M}",
        made.open,
        made.high,
        made.low,
        made.close,
        made.volume,
    )


def test_five_minutes_from_minutes() -> None:
    consolidator = TradeBarConsolidator(timedelta(minutes=5))
    bars = collect(consolidator)
    prices = [(10, 12, 9, 11), (11, 11, 10, 10.5), (10.5, 13, 10.5, 12), (12, 12, 8, 9), (9, 9.5, 9, 9.25)]
    feed(consolidator, [bar(OPEN + n * MINUTE, *p, volume=10 + n) for n, p in enumerate(prices)])
    assert [shown(item) for item in bars] == [("06 09:30", "06 09:35", 10, 13, 8, 9.25, 60)]
    assert consolidator.working_data is None
    assert bars[0].is_fill_forward is False


def test_bars_are_rounded_down_to_their_period_and_a_late_one_is_made_by_the_next_data() -> None:
    consolidator = TradeBarConsolidator(timedelta(hours=1))
    bars = collect(consolidator)
    consolidator.update(bar(OPEN, 10))
    assert consolidator.working_data.time == OPEN.replace(minute=0)
    consolidator.update(bar(OPEN + timedelta(hours=2), 20))
    assert [shown(item) for item in bars] == [("06 09:00", "06 10:00", 10, 10, 10, 10, 100)]
    assert consolidator.working_data.open == 20


def test_a_scan_before_the_end_makes_nothing_and_at_the_end_makes_the_bar() -> None:
    consolidator = TradeBarConsolidator(timedelta(minutes=5))
    bars = collect(consolidator)
    consolidator.update(bar(OPEN, 10))
    consolidator.scan(OPEN + timedelta(minutes=4, seconds=59))
    assert bars == []
    consolidator.scan(OPEN + timedelta(minutes=5))
    consolidator.scan(OPEN + timedelta(minutes=10))
    assert len(bars) == 1


def test_out_of_order_data_does_not_reopen_a_bar() -> None:
    consolidator = TradeBarConsolidator(timedelta(minutes=2))
    bars = collect(consolidator)
    feed(consolidator, [bar(OPEN, 10), bar(OPEN + MINUTE, 11)])
    consolidator.update(bar(OPEN + MINUTE, 99))
    assert consolidator.working_data is None
    assert len(bars) == 1


def test_periods_above_a_day_start_with_their_first_data() -> None:
    consolidator = TradeBarConsolidator(timedelta(days=2))
    consolidator.update(bar(OPEN, 10))
    assert consolidator.working_data.time == OPEN


def test_a_start_time_moves_the_bars() -> None:
    consolidator = TradeBarConsolidator(timedelta(hours=1), timedelta(minutes=30))
    bars = collect(consolidator)
    feed(consolidator, [bar(OPEN + n * MINUTE, 10) for n in range(61)])
    assert [shown(item)[:2] for item in bars] == [("06 09:30", "06 10:30")]


def test_by_count_the_bar_ends_with_its_last_data() -> None:
    consolidator = TradeBarConsolidator(3)
    bars = collect(consolidator)
    times = [0, 1, 5, 6, 7, 8]
    feed(consolidator, [bar(OPEN + n * MINUTE, 10 + n, volume=n) for n in times])
    assert [shown(item)[:2] for item in bars] == [("06 09:30", "06 09:36"), ("06 09:36", "06 09:39")]
    assert [(item.open, item.close, item.volume) for item in bars] == [(10, 15, 6), (16, 18, 21)]
    assert consolidator.max_count == 3


def test_by_count_or_time_whichever_is_first() -> None:
    consolidator = TradeBarConsolidator(10, timedelta(minutes=2))
    bars = collect(consolidator)
    for n in range(4):
        consolidator.update(bar(OPEN + n * MINUTE, 10 + n))
    # Mixed bars take in the data that closes them.
    assert [(item.open, item.close) for item in bars] == [(10, 12)]


def test_period_zero_passes_every_moment_on_and_refuses_bars() -> None:
    consolidator = TradeBarConsolidator(timedelta(0))
    bars = collect(consolidator)
    feed(consolidator, [bar(OPEN + n * MINUTE, 10 + n, length=timedelta(0)) for n in range(3)])
    assert [item.close for item in bars] == [10, 11, 12]
    assert bars[0].end_time == bars[0].time
    with pytest.raises(ValueError, match="can not consolidate bars of period: 00:00:00"):
        TradeBarConsolidator(timedelta(0)).update(bar(OPEN, 1))


def test_calendars() -> None:
    thursday = datetime(2025, 10, 9, 15, 0)
    assert Calendar.WEEKLY(thursday) == CalendarInfo(datetime(2025, 10, 6), timedelta(days=7))
    assert Calendar.WEEKLY(datetime(2025, 10, 12, 1)) == Calendar.WEEKLY(thursday)
    assert Calendar.MONTHLY(thursday) == CalendarInfo(datetime(2025, 10, 1), timedelta(days=31))
    assert Calendar.QUARTERLY(thursday).end == datetime(2026, 1, 1)
    assert Calendar.YEARLY(thursday).start == datetime(2025, 1, 1)
    assert Expiry.END_OF_MONTH(datetime(2024, 1, 31, 5)) == datetime(2024, 2, 1)
    assert Expiry.ONE_MONTH(datetime(2024, 1, 31)) == datetime(2024, 2, 29)


def test_weekly_bars_by_calendar() -> None:
    consolidator = TradeBarConsolidator(Calendar.WEEKLY)
    bars = collect(consolidator)
    days = [datetime(2025, 10, day, 9, 30) for day in (6, 8, 10, 13)]
    for day in days:
        consolidator.update(bar(day, day.day, length=timedelta(hours=6, minutes=30)))
    assert [shown(item)[:2] for item in bars] == [("06 00:00", "13 00:00")]
    assert (bars[0].open, bars[0].close, bars[0].volume) == (6, 10, 300)


def test_calendar_functions_of_the_user() -> None:
    def half_days(moment: datetime) -> CalendarInfo:
        return CalendarInfo(moment.replace(hour=moment.hour // 12 * 12, minute=0), timedelta(hours=12))

    consolidator = TradeBarConsolidator(half_days)
    bars = collect(consolidator)
    feed(
        consolidator, [bar(OPEN.replace(hour=hour, minute=0), hour, length=timedelta(hours=1)) for hour in (10, 11, 12)]
    )
    assert [shown(item)[:2] for item in bars] == [("06 00:00", "06 12:00")]
    with pytest.raises(ValueError, match="Should never return a time later"):
        TradeBarConsolidator(lambda moment: CalendarInfo(moment + MINUTE, MINUTE))


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(TypeError, match="Received type of QuoteBar but expected TradeBar"):
        TradeBarConsolidator(MINUTE).update(QuoteBar(OPEN, "X"))  # type: ignore[arg-type]
    with pytest.raises(
        ValueError, match="can not consolidate bars of period: 00:01:00, using data of the same or higher"
    ):
        TradeBarConsolidator(MINUTE).update(bar(OPEN, 1, length=timedelta(hours=1)))
    consolidator = TradeBarConsolidator(timedelta(minutes=5))
    consolidator.update(bar(OPEN, 1))
    with pytest.raises(TypeError, match="is created with a timedelta"):
        TradeBarConsolidator("5min")  # type: ignore[arg-type]
    with pytest.raises(NotSupportedError, match="TickConsolidator"):
        TickConsolidator(MINUTE)


def test_one_consolidator_takes_one_symbol() -> None:
    consolidator = TradeBarConsolidator(timedelta(minutes=5))
    one, two = SimpleNamespace(id="A"), SimpleNamespace(id="B")
    consolidator.update(bar(OPEN, 1, symbol=one))  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match=r"only be used with a single symbol.*\(A\).*\(B\)"):
        consolidator.update(bar(OPEN + MINUTE, 1, symbol=two))  # type: ignore[arg-type]
    consolidator.reset()
    consolidator.update(bar(OPEN, 1, symbol=two))  # type: ignore[arg-type]


def test_engine_hears_before_the_last_bar_is_replaced_and_user_after() -> None:
    consolidator = TradeBarConsolidator(MINUTE * 2)
    seen: list[tuple[str, Any]] = []
    consolidator.data_consolidated += lambda sender, made: seen.append(("user", sender.consolidated is made))
    consolidator.engine_event += lambda sender, made: seen.append(("engine", sender.consolidated is made))
    feed(consolidator, [bar(OPEN + n * MINUTE, 10) for n in range(2)])
    assert seen == [("engine", False), ("user", True)]
    assert consolidator[0] is consolidator.consolidated
    assert consolidator.window.size == 2


def test_handlers_can_be_taken_away() -> None:
    consolidator: Any = TradeBarConsolidator(MINUTE)
    heard: list[Any] = []

    def handler(_: Any, made: Any) -> None:
        heard.append(made)

    consolidator.DataConsolidated += handler
    consolidator.data_consolidated -= handler
    feed(consolidator, [bar(OPEN, 1), bar(OPEN + MINUTE, 1)])
    assert heard == []
    with pytest.raises(ValueError, match="unknown event handler"):
        consolidator.data_consolidated -= handler
    with pytest.raises(TypeError, match="must be callable"):
        consolidator.data_consolidated += "handler"


def quote(number: int, bid: tuple[Any, ...] | None, ask: tuple[Any, ...] | None, sizes: tuple[int, int]) -> QuoteBar:
    made = QuoteBar(OPEN + number * MINUTE, "X", None, 0, None, 0, MINUTE)  # type: ignore[arg-type]
    made.bid = None if bid is None else Bar(*bid)
    made.ask = None if ask is None else Bar(*ask)
    made._last_bid_size, made._last_ask_size = Decimal(sizes[0]), Decimal(sizes[1])
    return made


def test_quote_bars_open_at_the_last_quotes() -> None:
    consolidator = QuoteBarConsolidator(MINUTE * 2)
    bars = collect(consolidator)
    for number, (bid, ask) in enumerate(
        [
            ((10, 11, 9, 10), (12, 13, 11, 12)),
            ((10, 10, 8, 9), None),
            ((7, 7, 7, 7), (15, 15, 15, 15)),
            ((6, 6, 6, 6), None),
        ]
    ):
        item = quote(number, bid, ask, (number + 1, number + 10))
        consolidator.update(item)
        consolidator.scan(item.end_time)
    first, second = bars
    assert (first.bid.open, first.bid.high, first.bid.low, first.bid.close) == (10, 11, 8, 9)
    assert (first.ask.close, first.last_bid_size, first.last_ask_size) == (12, 2, 10)
    assert (second.bid.open, second.bid.high, second.bid.low, second.bid.close) == (9, 9, 6, 6)
    assert (second.ask.open, second.ask.close) == (12, 15)


def test_values_of_any_data_make_bars_without_volume() -> None:
    consolidator = BaseDataConsolidator(MINUTE * 2)
    bars = collect(consolidator)
    for n, price in enumerate((10, 12, 11)):
        consolidator.update(bar(OPEN + n * MINUTE, 1, 99, 1, price))
    assert [shown(item)[2:] for item in bars] == [(10, 12, 10, 12, 0)]


def test_identity_passes_each_end_time_once() -> None:
    consolidator = IdentityDataConsolidator[TradeBar]()
    bars = collect(consolidator)
    one = bar(OPEN, 1)
    for item in (one, bar(OPEN, 2), bar(OPEN + MINUTE, 3)):
        consolidator.update(item)
    assert [item.close for item in bars] == [1, 3]
    assert bars[0] is one
    kept = FilteredIdentityDataConsolidator(lambda data: data.close > 2)
    heard = collect(kept)
    feed(kept, [bar(OPEN + n * MINUTE, n) for n in range(5)])
    assert [item.close for item in heard] == [3, 4]


def test_one_after_another() -> None:
    consolidator = SequentialConsolidator(TradeBarConsolidator(MINUTE * 2), TradeBarConsolidator(2))
    bars = collect(consolidator)
    feed(consolidator, [bar(OPEN + n * MINUTE, 10 + n) for n in range(4)])
    assert [(item.open, item.close) for item in bars] == [(10, 13)]
    with pytest.raises(ValueError, match="must equal"):
        SequentialConsolidator(TradeBarConsolidator(2), QuoteBarConsolidator(2))


# --------------------------------------------------------------------------------------------------- price and volume


def prices(consolidator: Any, *values: Any) -> list[Any]:
    bars = collect(consolidator)
    for n, value in enumerate(values):
        consolidator.update(bar(OPEN + n * MINUTE, value))
    return bars


def test_wicked_renko_makes_a_bar_a_brick() -> None:
    bars = prices(RenkoConsolidator(1), 10.2, 11.5, 13.5, 11.2, 9.4)
    assert [(item.open, item.close, item.low) for item in bars] == [
        (10, 11, 10),
        (11, 12, 11),
        (12, 13, 12),
        (12, 11, 11),
        (11, 10, 10),
    ]
    assert [item.direction for item in bars][-2:] == [BarDirection.FALLING] * 2
    assert bars[3].high == 13.5


def test_classic_renko_closes_at_a_bricks_edge() -> None:
    bars = prices(ClassicRenkoConsolidator(1), 10.2, 11.5, 12.4, 9.0)
    assert [(item.open, item.close) for item in bars] == [(11, 12), (12, 11)]
    assert isinstance(bars[0], RenkoBar)
    uneven = prices(ClassicRenkoConsolidator(1, False), 10.2, 11.3)  # type: ignore[arg-type]
    assert [(item.open, item.close) for item in uneven] == [(10.2, 11.2)]
    by_low = prices(ClassicRenkoConsolidator(1, lambda data: data.low, lambda _: 5, True), 10, 11)
    assert [(item.close, item.volume) for item in by_low] == [(11, 10)]


def test_volume_bars_split_what_does_not_fit() -> None:
    consolidator = VolumeRenkoConsolidator(250)
    bars = prices(consolidator, 10, 11, 12, 13, 14)
    assert [(item.open, item.close, item.volume) for item in bars] == [(10, 12, 250), (12, 14, 250)]
    money = prices(DollarVolumeRenkoConsolidator(1500), 10, 11)
    assert [(item.close, item.volume) for item in money] == [(11, 1500)]


def test_range_bars(market_hours: None) -> None:
    consolidator = RangeConsolidator(100)
    bars = prices(consolidator, 10, 10.4, 11.2, 9.5)
    assert [(item.low, item.high, item.close) for item in bars] == [(10, 11, 11), (10.2, 11.2, 10.2)]
    assert consolidator.range_size == 1
    classic = prices(ClassicRangeConsolidator(100), 10, 11.2, 11.3)
    assert [(item.open, item.close) for item in classic] == [(10, 11)]


# ------------------------------------------------------------------------------------------------------- market hours


def test_daily_bars_run_from_open_to_close(market_hours: None) -> None:
    consolidator = MarketHourAwareConsolidator(True, Resolution.DAILY, TradeBar, TickType.TRADE, False)
    bars = collect(consolidator)
    feed(consolidator, [bar(OPEN.replace(hour=8), 99), bar(OPEN, 10), bar(OPEN.replace(hour=15, minute=59), 12)])
    assert [shown(item)[:2] for item in bars] == [("06 09:30", "06 16:00")]
    assert (bars[0].open, bars[0].close) == (10, 12)
    early = datetime(2025, 11, 28, 12, 59)
    feed(consolidator, [bar(early, 5)])
    assert shown(bars[-1])[:2] == ("28 09:30", "28 13:00")
    plain = MarketHourAwareConsolidator(False, Resolution.DAILY, TradeBar, TickType.TRADE, False)
    plain.update(bar(OPEN, 10))
    assert (plain.working_data.time, plain.working_data.period) == (OPEN.replace(hour=0, minute=0), timedelta(days=1))


def test_intraday_bars_count_from_the_open_and_stop_at_the_close(market_hours: None) -> None:
    consolidator = MarketHourAwareConsolidator(True, timedelta(hours=2), TradeBar, TickType.TRADE, False)
    bars = collect(consolidator)
    feed(consolidator, [bar(OPEN + n * MINUTE, n) for n in range(390)])
    assert [shown(item)[:2] for item in bars] == [
        ("06 09:30", "06 11:30"),
        ("06 11:30", "06 13:30"),
        ("06 13:30", "06 15:30"),
    ]
    # At the close the bar in the making starts where the last one ended, so only later data brings it out.
    consolidator.update(bar(OPEN + timedelta(days=1), 7))
    assert shown(bars[-1])[:2] == ("06 15:30", "06 16:00")


# ------------------------------------------------------------------------------------------------------ subscriptions


def manager_of(*tick_types: TickType) -> tuple[SubscriptionManager, Clock, list[Any]]:
    clock = Clock(to_us(OPEN) + 4 * 3_600_000_000)
    configs = [
        SimpleNamespace(
            symbol=SimpleNamespace(value="X"),
            tick_type=tick_type,
            resolution=Resolution.MINUTE,
            is_internal_feed=False,
            exchange_time_zone="America/New_York",
            consolidators=[],
        )
        for tick_type in tick_types
    ]
    for config in configs:
        config.symbol = configs[0].symbol
    return SubscriptionManager(clock, lambda: configs), clock, configs


def test_a_consolidator_goes_to_the_subscription_of_its_type() -> None:
    manager, _, configs = manager_of(TickType.TRADE, TickType.QUOTE)
    symbol = configs[0].symbol
    trade, quotes = TradeBarConsolidator(MINUTE), QuoteBarConsolidator(MINUTE)
    manager.add_consolidator(symbol, quotes)
    manager.add_consolidator(symbol, trade)
    assert [config.consolidators for config in configs] == [[trade], [quotes]]
    manager.remove_consolidator(symbol, trade)
    assert configs[0].consolidators == []
    only_trades, _, own = manager_of(TickType.TRADE)
    with pytest.raises(ValueError, match=r"X does not support input type: QuoteBar\. Supported types: TradeBar"):
        only_trades.add_consolidator(own[0].symbol, quotes)
    with pytest.raises(ValueError, match="Please subscribe to this symbol"):
        manager.add_consolidator(SimpleNamespace(value="Y"), trade)


def test_bars_left_open_are_made_at_their_time_before_the_next_step() -> None:
    manager, clock, configs = manager_of(TickType.TRADE)
    consolidator = TradeBarConsolidator(timedelta(minutes=5))
    made_at: list[int] = []
    consolidator.data_consolidated += lambda *_: made_at.append(clock.utc_us)
    manager.add_consolidator(configs[0].symbol, consolidator)
    start = clock.utc_us
    manager.scan_past_consolidators(start + 60_000_000)
    consolidator.update(bar(OPEN, 1))
    assert manager.next_scan_us <= start + 60_000_000
    manager.scan_past_consolidators(start + 299_000_000)
    assert made_at == []
    manager.scan_past_consolidators(start + 3_600_000_000)
    assert made_at == [start + 300_000_000]


class Doubling(PythonConsolidator):
    """Hands on every second bar."""

    def __init__(self) -> None:
        super().__init__()
        self.input_type = TradeBar
        self.output_type = TradeBar
        self.count = 0
        self.scans: list[datetime] = []

    def update(self, data: Any) -> None:
        self.count += 1
        if self.count % 2 == 0:
            self.on_data_consolidated(self, data)

    def scan(self, current_local_time: datetime) -> None:
        self.scans.append(current_local_time)


def test_consolidators_of_user_code_are_driven_and_removed() -> None:
    manager, clock, configs = manager_of(TickType.TRADE)
    mine = Doubling()
    bars = collect(mine)
    manager.add_consolidator(configs[0].symbol, mine)
    (engine_side,) = configs[0].consolidators
    for n in range(4):
        engine_side.update(bar(OPEN + n * MINUTE, n))
    assert [item.close for item in bars] == [1, 3]
    assert engine_side.consolidated is bars[-1]
    assert mine[0].close == 3
    manager.scan_past_consolidators(clock.utc_us + 10 * 60_000_000)
    assert mine.scans == [OPEN + n * MINUTE for n in range(5, 10)]
    manager.remove_consolidator(configs[0].symbol, mine)
    assert configs[0].consolidators == []
    with pytest.raises(NotImplementedError, match="missing methods on SimpleNamespace: Scan, Reset"):
        manager.add_consolidator(configs[0].symbol, SimpleNamespace(update=print))


def test_a_count_filled_by_old_data_alone_hands_on_nothing_and_leaves_the_window() -> None:
    """``ConsolidatorBase.OnDataConsolidated``: a null bar is handed on, but never pushed into the window."""
    consolidator = TradeBarConsolidator(2)
    bars = collect(consolidator)
    for minute in (0, 1):
        consolidator.update(bar(OPEN + minute * MINUTE, 10))
    made = bars[0]
    for _ in range(2):
        consolidator.update(bar(OPEN, 11))
    assert bars == [made, None]
    assert list(consolidator.window) == [made]
    assert consolidator.consolidated is None


def test_volume_renko_refuses_the_bars_of_other_price_consolidators() -> None:
    """``VolumeRenkoConsolidator.Update`` compares the type itself: a ``RenkoBar`` is not a ``TradeBar`` to it."""
    renko = RenkoConsolidator(1)
    consolidator = SequentialConsolidator(renko, VolumeRenkoConsolidator(100))
    consolidator.update(bar(OPEN, 10))
    with pytest.raises(ValueError, match="VolumeRenkoConsolidator must be used with TradeBar or Tick data"):
        consolidator.update(bar(OPEN + MINUTE, 12))


def test_classic_renko_takes_a_renko_type() -> None:
    """``ClassicRenkoConsolidator(decimal, RenkoType)``: the classic one, with even bars; the other is refused."""
    consolidator = ClassicRenkoConsolidator(1, RenkoType.CLASSIC)
    consolidator.update(bar(OPEN, 10.4))
    assert consolidator.working_data.open == 11
    with pytest.raises(ValueError, match="Please use the new RenkoConsolidator type if RenkoType is not Classic"):
        ClassicRenkoConsolidator(1, RenkoType.WICKED)


def test_a_filtered_consolidator_looks_at_the_type_before_it_asks() -> None:
    """``DataConsolidator.Update``: the type is checked before the typed ``Update`` asks the predicate."""
    asked: list[Any] = []

    def predicate(data: Any) -> bool:
        asked.append(data)
        return True

    consolidator = FilteredIdentityDataConsolidator[TradeBar](predicate)
    with pytest.raises(TypeError, match="Received type of QuoteBar but expected TradeBar"):
        consolidator.update(QuoteBar())
    assert asked == []


def test_the_text_of_a_calendar_period() -> None:
    """``CalendarInfo.ToString``: start and period, in the invariant culture."""
    assert str(Calendar.WEEKLY(datetime(2025, 10, 8, 12))) == "10/06/2025 00:00:00 7.00:00:00"
    assert str(CalendarInfo(OPEN, timedelta(hours=6, minutes=30))) == "10/06/2025 09:30:00 06:30:00"


def one_quote(minute: int, bid: float | None, ask: float | None) -> QuoteBar:
    sides = [None if price is None else Bar(price, price, price, price) for price in (bid, ask)]
    return QuoteBar(OPEN + minute * MINUTE, "X", sides[0], 1, sides[1], 2, MINUTE)  # type: ignore[arg-type]


def test_the_value_of_a_quote_bar_is_that_of_its_last_quote() -> None:
    """``QuoteBarConsolidator.AggregateBar`` copies the quote's value: with one side only it is not the close."""
    consolidator = QuoteBarConsolidator(timedelta(minutes=3))
    consolidator.update(one_quote(0, 10, 12))
    assert (consolidator.working_data.value, consolidator.working_data.close) == (11, 11)
    consolidator.update(one_quote(1, 14, None))
    working = consolidator.working_data
    assert (working.value, working.price, working.close) == (14, 14, 13)
    assert isinstance(working, QuoteBar)
    consolidator.update(one_quote(2, 14, 16))
    assert (consolidator.working_data.value, consolidator.working_data.close) == (15, 15)
    # A bar that opens with the quotes before it and hears of one side only.
    bars = collect(consolidator)
    consolidator.update(one_quote(3, None, 20))
    consolidator.update(one_quote(6, 10, 12))
    assert [(made.value, made.close) for made in bars] == [(15, 15), (20, 17)]


def test_an_object_that_lacks_members_of_a_consolidator_is_told_all_of_them() -> None:
    """``PythonWrapper.ValidateImplementationOf``: every member of ``IDataConsolidator``, in either spelling."""

    class Half:
        def update(self, data: Any) -> None: ...

        def Reset(self) -> None: ...  # noqa: N802

        working_data = None

    with pytest.raises(NotImplementedError) as raised:
        as_consolidator(Half())
    assert str(raised.value) == (
        "IDataConsolidator must be fully implemented. Please implement these missing methods on Half: Scan, "
        "Consolidated, InputType, OutputType, DataConsolidated"
    )

    class Derived(PythonConsolidator):
        def __init__(self) -> None:
            self.input_type = TradeBar

    assert as_consolidator(Derived()).input_type is TradeBar


def test_the_size_of_a_side_without_prices_is_not_read() -> None:
    """``QuoteBar.ParseQuote``: bid and ask sizes are read with their sides only."""
    start_us = np.array([0], dtype=np.int64)
    columns = [np.array([value], dtype=np.int64) for value in (0, 0, 0, 0, 7, 10, 10, 10, 10, 3)]
    frame = BarFrame(None, start_us, start_us + 60_000_000, columns, is_quote=True)  # type: ignore[arg-type]
    bar = QuoteBar.of_row(frame, 0)
    assert (bar.bid, bar.last_bid_size, bar.last_ask_size) == (None, 0, 3)
