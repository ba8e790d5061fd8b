from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.embedded.statistics.trade import FillGroupingMethod, FillMatchingMethod, Trade, TradeDirection
from harness.embedded.statistics.trade_builder import PriceRange, TradeBuilder, price_range
from tests.embedded.statistics.recorded import case_names, recording, utc

START = datetime(2025, 10, 6, 13, 31)
ONE = Decimal(1)


def fill(order_id: int, quantity: Any, price: Any, minute: int = 0, symbol: str = "ALFA") -> Any:
    return SimpleNamespace(
        order_id=order_id,
        symbol=symbol,
        _utc_time=START + timedelta(minutes=minute),
        _fill_price=Decimal(str(price)),
        _fill_quantity=Decimal(quantity),
    )


def shown(trade: Trade) -> dict[str, Any]:
    names = ("entry_price", "exit_price", "quantity", "profit_loss", "total_fees", "mae", "mfe", "end_trade_drawdown")
    return {name: str(getattr(trade, f"_{name}")) for name in names} | {"orders": trade.order_ids}


def test_a_long_trade_with_its_excursions() -> None:
    builder = TradeBuilder()
    builder.process_fill(fill(1, 100, "318.3300"), ONE, Decimal(1))
    assert builder.has_open_position("ALFA")
    builder.set_market_range("ALFA", price_range(map(Decimal, ("319.0000", "316.0000", "317.0000"))))
    builder.process_fill(fill(2, -100, "317.5000", 5), ONE, Decimal("1.25"))
    (trade,) = builder.closed_trades
    assert shown(trade) == {
        "entry_price": "318.3300",
        "exit_price": "317.5000",
        "quantity": "100",
        "profit_loss": "-83.00",
        "total_fees": "2.25",
        "mae": "-233.00",
        "mfe": "67.00",
        "end_trade_drawdown": "300.00",
        "orders": [1, 2],
    }
    assert trade.direction == TradeDirection.LONG
    assert not trade.is_win
    assert trade.profit_loss == -83.0
    assert trade.duration == timedelta(minutes=5)
    assert not builder.has_open_position("ALFA")


def test_a_larger_fill_turns_the_position_and_its_fee_counts_once() -> None:
    builder = TradeBuilder()
    builder.process_fill(fill(1, -10, "20.00"), ONE, Decimal(1))
    builder.process_fill(fill(2, 25, "19.00", 1), ONE, Decimal(3))
    builder.process_fill(fill(3, -15, "21.00", 2), ONE, Decimal(2))
    first, second = builder.closed_trades
    assert (first.direction, first._profit_loss, first._total_fees) == (TradeDirection.SHORT, 10, 4)
    assert (second.direction, second._profit_loss, second._total_fees) == (TradeDirection.LONG, 30, 2)
    assert second.order_ids == [2, 3]


def test_a_smaller_fill_closes_a_part_first_in_first_out() -> None:
    builder = TradeBuilder()
    for number, price in ((1, "10.00"), (2, "11.00")):
        builder.process_fill(fill(number, 10, price, number), ONE, Decimal(1))
    builder.process_fill(fill(3, -15, "12.00", 5), ONE, Decimal(1))
    whole, part = builder.closed_trades
    assert (whole._quantity, whole._profit_loss, whole._total_fees) == (10, 20, 2)
    assert (part._quantity, part._profit_loss, part._total_fees) == (5, 5, 1)
    builder.process_fill(fill(4, -5, "12.00", 6), ONE, Decimal(1))
    assert builder.closed_trades[-1]._total_fees == 1


def test_last_in_first_out() -> None:
    builder = TradeBuilder(FillGroupingMethod.FILL_TO_FILL, FillMatchingMethod.LIFO)
    for number, price in ((1, "10.00"), (2, "11.00")):
        builder.process_fill(fill(number, 10, price, number))
    builder.process_fill(fill(3, -20, "12.00", 5))
    assert [trade._entry_price for trade in builder.closed_trades] == [11, 10]


@pytest.mark.parametrize("grouping", [FillGroupingMethod.FLAT_TO_FLAT, FillGroupingMethod.FLAT_TO_REDUCED])
def test_groups_average_the_fills(grouping: FillGroupingMethod) -> None:
    builder = TradeBuilder(grouping)
    builder.process_fill(fill(1, 10, "10.00"), ONE, Decimal(1))
    builder.process_fill(fill(2, 10, "12.00", 1), ONE, Decimal(1))
    builder.process_fill(fill(3, -30, "13.00", 2), ONE, Decimal(1))
    (trade,) = builder.closed_trades
    assert (trade._entry_price, trade._quantity, trade._profit_loss) == (11, 20, 40)
    assert trade._total_fees == 3
    assert sorted(trade.order_ids) == [1, 2, 3]
    builder.process_fill(fill(4, 10, "12.00", 3), ONE, Decimal(1))
    assert builder.closed_trades[-1].direction == TradeDirection.SHORT
    assert builder.closed_trades[-1]._profit_loss == 10


def test_flat_to_reduced_closes_at_every_reduction() -> None:
    builder = TradeBuilder(FillGroupingMethod.FLAT_TO_REDUCED)
    builder.process_fill(fill(1, 10, "10.00"))
    builder.process_fill(fill(2, -4, "11.00", 1))
    builder.process_fill(fill(3, -6, "12.00", 2))
    assert [(trade._quantity, trade._profit_loss) for trade in builder.closed_trades] == [(4, 4), (6, 12)]


def test_a_split_of_raw_data_scales_the_open_trade() -> None:
    builder = TradeBuilder()
    builder.process_fill(fill(1, 10, "100.00"))
    builder.set_market_price("ALFA", Decimal("90.00"))
    builder.apply_split("ALFA", Decimal("0.5"))
    builder.process_fill(fill(2, -20, "50.00", 3))
    (trade,) = builder.closed_trades
    assert (trade._quantity, trade._entry_price, trade._profit_loss) == (20, 50, 0)
    assert trade._mae == -100
    assert trade._end_trade_drawdown == 100


_PRICES = st.lists(st.integers(1, 60), max_size=12)


@given(st.sampled_from([1, -1]), st.lists(_PRICES, min_size=1, max_size=4), st.booleans())
def test_a_range_says_as_much_as_every_price(side: int, stretches: list[list[int]], add: bool) -> None:
    """Prices one by one (as Lean) and as ranges between fills (as the engine) give the same trades."""
    each, ranges = TradeBuilder(), TradeBuilder()
    for builder in (each, ranges):
        builder.process_fill(fill(1, 10 * side, 30))
    for number, stretch in enumerate(stretches):
        prices = [Decimal(price) for price in stretch]
        for price in prices:
            each.set_market_price("ALFA", price)
        together = price_range(prices)
        if together is not None:
            ranges.set_market_range("ALFA", together)
        if add:
            for builder in (each, ranges):
                builder.process_fill(fill(10 + number, 5 * side, 31, number))
    for builder in (each, ranges):
        builder.process_fill(fill(99, -40 * side, 29, 50))
    assert [shown(trade) for trade in each.closed_trades] == [shown(trade) for trade in ranges.closed_trades]
    assert each.closed_trades


def test_ranges_of_nothing_and_of_flat_symbols() -> None:
    assert price_range([]) is None
    builder = TradeBuilder()
    builder.set_market_range("ALFA", PriceRange(ONE, ONE, ONE, ONE))
    assert builder.open_symbols == []


# The one split in the recordings' data: 2 for 1, applied to the positions of algorithms with raw data.
_SPLIT_SYMBOL, _SPLIT_DAY, _SPLIT_FACTOR = "ECHO", datetime(2025, 10, 6), Decimal("0.5")
_RAW = 0


@pytest.mark.recordings
@pytest.mark.parametrize("name", case_names())
def test_recorded_fills_make_the_recorded_trades(name: str) -> None:
    """All but the excursions, which need the prices between the fills."""
    record = recording(name)
    orders = record.result.get("orders", {}).values()
    raw = {order["symbol"]["id"] for order in orders if order["priceAdjustmentMode"] == _RAW}
    to_split = {symbol for symbol in raw if symbol.startswith(_SPLIT_SYMBOL)}
    builder = TradeBuilder()
    for event in record.events:
        utc_time = datetime(1970, 1, 1) + timedelta(seconds=float(event["time"]))
        if utc_time >= _SPLIT_DAY:
            for symbol in to_split:
                builder.apply_split(symbol, _SPLIT_FACTOR)
            to_split = set()
        if event["status"] in ("filled", "partiallyFilled"):
            one = SimpleNamespace(
                order_id=event["orderId"],
                symbol=event["symbol"],
                _utc_time=utc_time,
                _fill_price=Decimal(event["fillPrice"]),
                _fill_quantity=Decimal(event["fillQuantity"]),
            )
            builder.process_fill(one, ONE, Decimal(event.get("orderFeeAmount", 0)))
    expected = record.result["totalPerformance"]["closedTrades"]
    trades = builder.closed_trades
    assert len(trades) == len(expected)
    for trade, fields in zip(trades, expected, strict=True):
        assert trade.symbols == [fields["symbols"][0]["id"]]
        assert (trade.entry_time, trade.exit_time) == (utc(fields["entryTime"]), utc(fields["exitTime"]))
        assert (trade._entry_price, trade._exit_price) == (fields["entryPrice"], fields["exitPrice"])
        assert (trade._quantity, trade.direction) == (fields["quantity"], fields["direction"])
        assert (trade._profit_loss, trade._total_fees) == (fields["profitLoss"], fields["totalFees"])
        assert (trade.order_ids, trade.is_win) == (fields["orderIds"], fields["isWin"])
