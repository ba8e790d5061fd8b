from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.embedded.clock import to_us
from harness.embedded.enums import OrderStatus, Resolution
from harness.embedded.statistics.capacity import CapacityEstimate, MarketBars, SymbolCapacity, resolution_of

OPEN = datetime(2025, 10, 6, 13, 30)
OPEN_US = to_us(OPEN)
SECOND_US, MINUTE_US = 1_000_000, 60_000_000
CENT = Decimal("0.0001")


class Symbol(str):
    """A symbol with an identifier, as far as the estimate looks."""

    @property
    def id(self) -> str:
        return f"{self} X"


class BuyingPower:
    def _get_reserved_buying_power_for_position(self, parameters: Any) -> Decimal:
        return abs(parameters.security.holdings._quantity) * Decimal(50)


def security(symbol: Symbol, quantity: int = 0) -> Any:
    return SimpleNamespace(
        symbol=symbol,
        quote_currency=SimpleNamespace(_conversion_rate=Decimal(1)),
        symbol_properties=SimpleNamespace(_contract_multiplier=Decimal(1)),
        holdings=SimpleNamespace(_quantity=Decimal(quantity)),
        _buying_power_model=BuyingPower(),
        _leverage=Decimal(2),
    )


def event(symbol: Symbol, at_us: int, quantity: int = 10, price: str = "100", status: Any = OrderStatus.FILLED) -> Any:
    return SimpleNamespace(
        symbol=symbol,
        status=status,
        _utc_time=datetime(1970, 1, 1) + timedelta(microseconds=at_us),
        _fill_price=Decimal(price),
        _fill_quantity=Decimal(quantity),
    )


class Market:
    """Bars of one symbol; gives the columns between two times and counts the questions."""

    def __init__(self, rows: list[tuple[int, int, int]], period_us: int) -> None:
        self.rows = rows
        self.period_us = period_us

    def between(self, _symbol: Any, after_us: int, until_us: int) -> MarketBars:
        rows = [row for row in self.rows if after_us < row[0] <= until_us]
        columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[], [], []]
        return MarketBars(columns[0], columns[1], columns[2], self.period_us, CENT)


def test_resolutions() -> None:
    assert resolution_of(SECOND_US) == Resolution.SECOND
    assert resolution_of(MINUTE_US) == Resolution.MINUTE
    assert resolution_of(390 * MINUTE_US) == Resolution.HOUR
    assert resolution_of(1440 * MINUTE_US) == Resolution.DAILY


def test_a_minute_of_volume_after_a_fill_counts_a_fifth() -> None:
    bars = [(OPEN_US + minute * MINUTE_US, 1_000_000, 600_000) for minute in range(5)]
    capacity = SymbolCapacity(security(Symbol("ALFA")), Market(bars, MINUTE_US).between)
    capacity.on_order_event(event(Symbol("ALFA"), OPEN_US))
    capacity.advance(OPEN_US + 5 * MINUTE_US)
    # 60 million dollars a minute: watched for one minute after the order, so two bars; 20 % of their dollars.
    assert capacity.market_capacity_dollar_volume == Decimal(100) * 600_000 * 2 * Decimal("0.2")
    assert not capacity.watched
    assert capacity.sale_volume == 1000
    assert capacity.trades == 1


def test_thin_trading_is_watched_longer_and_quick_trading_counts_less() -> None:
    bars = [(OPEN_US + minute * MINUTE_US, 100_000, 1_000) for minute in range(400)]
    capacity = SymbolCapacity(security(Symbol("DLTA")), Market(bars, MINUTE_US).between)
    capacity.on_order_event(event(Symbol("DLTA"), OPEN_US))
    capacity.advance(OPEN_US + 400 * MINUTE_US)
    assert capacity.market_capacity_dollar_volume == 121 * Decimal(10) * 1_000 * Decimal("0.2")
    again = SymbolCapacity(security(Symbol("DLTA")), Market(bars, MINUTE_US).between)
    again.on_order_event(event(Symbol("DLTA"), OPEN_US))
    again.on_order_event(event(Symbol("DLTA"), OPEN_US + MINUTE_US))
    again.advance(OPEN_US + MINUTE_US)
    # The first bar in full, the second at the least share, 20 %.
    assert again.market_capacity_dollar_volume == (Decimal(10_000) + Decimal(10_000) * Decimal("0.2")) * Decimal("0.2")


def test_hours_count_when_they_enclose_the_order() -> None:
    hour_us = 60 * MINUTE_US
    ten = OPEN_US + 30 * MINUTE_US
    capacity = SymbolCapacity(security(Symbol("ALFA")), Market([(ten + hour_us, 1_000_000, 100)], hour_us).between)
    capacity.on_order_event(event(Symbol("ALFA"), ten + 60 * SECOND_US))
    capacity.advance(ten + 3 * hour_us)
    assert capacity.market_capacity_dollar_volume == 10_000 * Decimal("0.05")


_ROWS = st.lists(st.tuples(st.integers(1, 400), st.integers(900_000, 1_100_000), st.integers(0, 3_000)), max_size=60)


@settings(max_examples=60)
@given(_ROWS, st.lists(st.integers(0, 500), min_size=1, max_size=4), st.sampled_from([SECOND_US, MINUTE_US]))
def test_columns_at_once_equal_a_look_at_every_step(
    rows: list[tuple[int, int, int]], orders: list[int], period_us: int
) -> None:
    at = {row[0]: row for row in rows}
    bars = [(OPEN_US + number * period_us, close, volume) for number, close, volume in sorted(at.values())]
    market = Market(bars, period_us)
    lazy = SymbolCapacity(security(Symbol("ALFA")), market.between)
    eager = SymbolCapacity(security(Symbol("ALFA")), market.between)
    for number in range(520):
        now_us = OPEN_US + number * period_us
        for item in (lazy, eager):
            for _ in range(orders.count(number)):
                item.on_order_event(event(Symbol("ALFA"), now_us))
        eager.advance(now_us)
    lazy.advance(OPEN_US + 520 * period_us)
    assert lazy.market_capacity_dollar_volume == pytest.approx(
        eager.market_capacity_dollar_volume, rel=Decimal("1e-24")
    )
    assert lazy.watched == eager.watched
    assert (lazy.trades, lazy.sale_volume) == (eager.trades, eager.sale_volume)


def algorithm(securities: dict[Symbol, Any], days: int = 5) -> Any:
    start = datetime(2025, 10, 6)
    return SimpleNamespace(
        start_date=start,
        end_date=start + timedelta(days=days, microseconds=-1),
        securities=securities,
        portfolio=SimpleNamespace(_total_portfolio_value=Decimal(100_000)),
    )


def test_the_estimate_follows_the_symbol_with_least_volume() -> None:
    alfa, brvo = Symbol("ALFA"), Symbol("BRVO")
    bars = [(OPEN_US + minute * MINUTE_US, 1_000_000, 600_000) for minute in range(3)]
    estimate = CapacityEstimate(
        algorithm({alfa: security(alfa), brvo: security(brvo, 10)}), Market(bars, MINUTE_US).between
    )
    assert estimate.next_due_us is None
    estimate.on_order_event(event(alfa, OPEN_US, status=OrderStatus.SUBMITTED))
    assert estimate.next_due_us is None
    estimate.on_order_event(event(alfa, OPEN_US))
    estimate.on_order_event(event(brvo, OPEN_US + 2 * MINUTE_US, quantity=30))
    estimate.update(OPEN_US + 2 * MINUTE_US, force=False, step_done=False)
    assert estimate.capacity == 0
    due_us = estimate.next_due_us
    assert due_us is not None
    estimate.update(due_us, force=False, step_done=False)
    # BRVO saw one bar of 60 million dollars, of which 20 %; three quarters of the sales were BRVO's.
    assert estimate.lowest_capacity_asset == brvo
    assert estimate.capacity == 16_000_000
    assert estimate.next_due_us > due_us  # type: ignore[operator]


def test_a_forced_update_after_the_step_counts_its_bar_again() -> None:
    alfa = Symbol("ALFA")
    bars = [(OPEN_US, 1_000_000, 600_000)]
    values = []
    for step_done in (False, True):
        estimate = CapacityEstimate(algorithm({alfa: security(alfa)}), Market(bars, MINUTE_US).between)
        estimate.on_order_event(event(alfa, OPEN_US))
        estimate.update(OPEN_US, force=True, step_done=step_done)
        values.append(estimate.capacity)
    assert values == [12_000_000, 24_000_000]


def test_symbols_without_position_and_trades_are_forgotten_after_a_month() -> None:
    alfa, brvo = Symbol("ALFA"), Symbol("BRVO")
    estimate = CapacityEstimate(
        algorithm({alfa: security(alfa), brvo: security(brvo)}, 90), Market([], MINUTE_US).between
    )
    for symbol in (alfa, brvo):
        estimate.on_order_event(event(symbol, OPEN_US))
    later_us = OPEN_US + 40 * 1440 * MINUTE_US
    estimate.on_order_event(event(brvo, later_us))
    estimate.update(later_us, force=False, step_done=False)
    estimate.update(later_us + 8 * 1440 * MINUTE_US, force=False, step_done=False)
    assert estimate.lowest_capacity_asset == brvo
