"""The trading methods of the algorithm: overloads, checks before an order exists, targets and liquidation."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from trading_fakes import FakeAlgorithm

from harness.embedded import api_trading
from harness.embedded.enums import (
    AlgorithmStatus,
    OrderField,
    OrderResponseErrorCode,
    OrderStatus,
    OrderType,
    Resolution,
)
from harness.embedded.indicators.base import IndicatorDataPoint
from harness.embedded.models.brokerage import DefaultBrokerageMessageHandler
from harness.embedded.not_supported import NotSupportedError
from harness.embedded.orders import MarketOnCloseOrder, OrderProperties, TimeInForce
from harness.embedded.portfolio_target import PortfolioTarget
from harness.embedded.reference.symbols import SecurityIdentifier, Symbol, symbol_cache
from harness.embedded.runtime_errors import message_of

TEN = datetime(2025, 10, 6, 10, 0)
EVENING = datetime(2025, 10, 6, 20, 0)


@pytest.fixture
def algorithm() -> FakeAlgorithm:
    world = FakeAlgorithm("ALFA", "BRVO", "CHRL")
    for ticker in ("ALFA", "BRVO", "CHRL"):
        world.bar(ticker, TEN, (100, 101, 99, 100))
    return world


def test_symbols_tickers_and_securities_are_the_same_thing(algorithm: FakeAlgorithm) -> None:
    security = algorithm.security("ALFA")
    for what in ("ALFA", security.symbol, security):
        assert algorithm.market_order(what, 1).symbol == security.symbol
    with pytest.raises(TypeError, match="argument 1 \\('symbol'\\) expected Symbol, got int"):
        algorithm.market_order(17, 1)


def test_unknown_tickers_have_no_price(algorithm: FakeAlgorithm) -> None:
    for ticket in (
        algorithm.market_order("NOPE", 1),
        algorithm.limit_order("NOPE", 1, 5),
        algorithm.trailing_stop_order("NOPE", 1, 0.1, True),
    ):
        assert ticket.status is OrderStatus.INVALID
        assert ticket.submit_request.response.error_code is OrderResponseErrorCode.SECURITY_PRICE_ZERO
    assert algorithm.messages[0].startswith("NOPE: The security does not have an accurate price")
    assert algorithm.handler.orders_count == 0


def test_buy_and_sell_take_the_size_of_the_quantity(algorithm: FakeAlgorithm) -> None:
    assert algorithm.buy("ALFA", -3).quantity == 3
    assert algorithm.sell("ALFA", 3).quantity == -3
    assert algorithm.Order("ALFA", 2).quantity == 2


def test_a_python_float_keeps_fifteen_digits_as_a_double_cast_to_decimal(algorithm: FakeAlgorithm) -> None:
    ticket = algorithm.limit_order("ALFA", 10 / 3, 10 / 3)
    assert ticket.submit_request._quantity == Decimal("3.33333333333333")
    assert ticket.submit_request._limit_price == Decimal("3.3333333333333335")
    with pytest.raises(ValueError, match="non-finite floating-point value \\(NaN\\)"):
        algorithm.market_order("ALFA", float("nan"))


def test_a_tag_in_the_place_of_asynchronous_is_an_error(algorithm: FakeAlgorithm) -> None:
    with pytest.raises(TypeError, match="\\('asynchronous'\\) expected bool, got str"):
        algorithm.market_order("ALFA", 1, "my tag")  # type: ignore[arg-type]


def test_trailing_stop_overloads(algorithm: FakeAlgorithm) -> None:
    def made(*args: object, **named: object) -> tuple[float, float, bool]:
        request = algorithm.trailing_stop_order("ALFA", -1, *args, **named).submit_request
        return request.stop_price, request.trailing_amount, request.trailing_as_percentage

    assert made(0.01, True) == (99, 0.01, True)
    assert made(2, False, tag="t") == (98, 2, False)
    assert made(trailing_amount=2, trailing_as_percentage=False) == (98, 2, False)
    assert made(97, 2, False) == (97, 2, False)
    assert made(97, 2, trailing_as_percentage=False) == (97, 2, False)
    assert made(stop_price=97, trailing_amount=0.01, trailing_as_percentage=True) == (97, 0.01, True)
    assert made(0.01, True, False) == (99, 0.01, True)


def test_refusals_before_an_order_exists_use_no_id(algorithm: FakeAlgorithm) -> None:
    def refused(quantity: object, ticker: str = "ALFA") -> OrderResponseErrorCode:
        ticket = algorithm.limit_order(ticker, quantity, 90)
        assert ticket.status is OrderStatus.INVALID
        code: OrderResponseErrorCode = ticket.submit_request.response.error_code
        return code

    codes = OrderResponseErrorCode
    assert refused(0) is codes.ORDER_QUANTITY_ZERO
    assert algorithm.messages[-1] == "Unable to submit order with id -10 that has zero quantity."
    assert refused(0.5) is codes.ORDER_QUANTITY_LESS_THAN_LOT_SIZE
    assert (
        algorithm.messages[-1] == "Unable to submit order with id -10 which quantity (0.5) is less than lot size (1)."
    )
    algorithm.security("ALFA").is_tradable = False
    algorithm.security("ALFA").is_delisted = True
    assert refused(1) is codes.NON_TRADABLE_SECURITY
    algorithm.security("BRVO").cache.trade = None
    assert refused(1, "BRVO") is codes.SECURITY_PRICE_ZERO
    algorithm.is_warming_up = True
    assert refused(1, "CHRL") is codes.ALGORITHM_WARMING_UP
    assert (algorithm.handler.orders_count, algorithm.transactions.last_order_id, algorithm.events) == (0, 0, [])


def test_too_many_orders_stop_the_algorithm(algorithm: FakeAlgorithm) -> None:
    algorithm._locked = False
    algorithm.set_maximum_orders(1)
    algorithm._locked = True
    algorithm.set_maximum_orders(100)
    statuses = [algorithm.market_order("ALFA", 1).status for _ in range(3)]
    assert statuses == [OrderStatus.FILLED, OrderStatus.FILLED, OrderStatus.INVALID]
    assert algorithm.status is AlgorithmStatus.STOPPED


def test_market_orders_out_of_hours_wait_for_the_open_with_one_warning(algorithm: FakeAlgorithm) -> None:
    algorithm.at(EVENING)
    assert algorithm.market_order("ALFA", 1).order_type is OrderType.MARKET_ON_OPEN
    assert algorithm.market_order("ALFA", 1).order_type is OrderType.MARKET_ON_OPEN
    assert len(algorithm.messages) == 1
    assert algorithm.messages[0].startswith("Warning: market orders submitted while the market is closed")


def test_market_on_open_is_refused_while_the_market_is_open(algorithm: FakeAlgorithm) -> None:
    response = algorithm.market_on_open_order("ALFA", 1).submit_request.response
    assert response.error_message == "Cannot submit a MarketOnOpen order while the market is open."


def test_market_on_close_must_be_sent_in_time(algorithm: FakeAlgorithm) -> None:
    algorithm.at(datetime(2025, 10, 6, 15, 44, 30))
    assert algorithm.market_on_close_order("ALFA", 1).status is OrderStatus.SUBMITTED
    algorithm.at(datetime(2025, 10, 6, 15, 44, 31))
    response = algorithm.market_on_close_order("ALFA", 1).submit_request.response
    assert response.error_code is OrderResponseErrorCode.MARKET_ON_CLOSE_ORDER_TOO_LATE
    assert "within 00:15:30 before market close" in str(response.error_message)
    before = MarketOnCloseOrder.submission_time_buffer
    MarketOnCloseOrder.submission_time_buffer = timedelta(minutes=5)
    assert algorithm.market_on_close_order("ALFA", 1).status is OrderStatus.SUBMITTED
    MarketOnCloseOrder.submission_time_buffer = before


def test_daily_orders_near_the_close_wait_for_the_open() -> None:
    world = FakeAlgorithm("ALFA", resolution=Resolution.DAILY)
    world.bar("ALFA", datetime(2025, 10, 3, 16, 0), (90, 91, 89, 90), timedelta(hours=6.5))
    world.at(datetime(2025, 10, 6, 15, 50))
    assert world.market_order("ALFA", 1).order_type is OrderType.MARKET_ON_OPEN


def test_dated_orders_for_an_auction_become_good_until_canceled(algorithm: FakeAlgorithm) -> None:
    properties = OrderProperties()
    properties.time_in_force = TimeInForce.good_til_date(datetime(2025, 10, 8))
    algorithm.market_on_close_order("ALFA", 1, order_properties=properties)
    assert properties.time_in_force is TimeInForce.GOOD_TIL_CANCELED
    assert algorithm.messages[0].startswith("Warning: Good-Til-Date Time-In-Force is not supported")


def test_default_properties_are_copied_into_each_order(algorithm: FakeAlgorithm) -> None:
    algorithm.default_order_properties.time_in_force = TimeInForce.DAY
    ticket = algorithm.limit_order("ALFA", 1, 50)
    algorithm.default_order_properties.time_in_force = TimeInForce.GOOD_TIL_CANCELED
    assert ticket.submit_request.order_properties.time_in_force is TimeInForce.DAY


class _Percent:
    """Stands for the target computation: 100 units per 1.0 of the portfolio, as a change of holdings."""

    @staticmethod
    def percent(algorithm: FakeAlgorithm, symbol: Symbol, percent: Decimal, delta: bool) -> PortfolioTarget | None:
        held = algorithm.securities[symbol].holdings._quantity
        return PortfolioTarget(symbol, percent * 100 - held) if percent < 10 else None


@pytest.fixture
def simple_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_trading, "PortfolioTarget", _Percent)


@pytest.mark.usefixtures("simple_targets")
class TestTargets:
    def test_share_of_the_portfolio(self, algorithm: FakeAlgorithm) -> None:
        (ticket,) = algorithm.set_holdings("ALFA", 0.3, tag="why")
        assert (ticket.quantity, ticket.tag) == (30, "why")
        assert algorithm.set_holdings("ALFA", 0.3) == []
        assert algorithm.set_holdings("ALFA", 11) == []
        assert algorithm.calculate_order_quantity("ALFA", 0.5) == 20

    def test_other_holdings_are_sold_first(self, algorithm: FakeAlgorithm) -> None:
        algorithm.market_order("CHRL", 4)
        algorithm.market_order("BRVO", 5)
        tickets = algorithm.set_holdings("ALFA", 0.1, True)
        assert [(ticket.symbol.value, ticket.quantity, ticket.tag) for ticket in tickets] == [
            ("BRVO", -5, "Liquidated"),
            ("CHRL", -4, "Liquidated"),
            ("ALFA", 10, ""),
        ]

    def test_open_market_orders_count(self, algorithm: FakeAlgorithm) -> None:
        algorithm.at(EVENING)
        (first,) = algorithm.set_holdings("ALFA", 0.3)
        (second,) = algorithm.set_holdings("ALFA", 0.5)
        assert (first.order_type, first.quantity, second.quantity) == (OrderType.MARKET_ON_OPEN, 30, 20)

    def test_a_list_trades_reductions_first_then_the_largest(self, algorithm: FakeAlgorithm) -> None:
        algorithm.market_order("CHRL", 50)
        targets = [PortfolioTarget("ALFA", 0.1), PortfolioTarget("BRVO", 0.4), PortfolioTarget("CHRL", 0.2)]
        tickets = algorithm.set_holdings(targets)
        assert [(ticket.symbol.value, ticket.quantity) for ticket in tickets] == [
            ("CHRL", -30),
            ("BRVO", 40),
            ("ALFA", 10),
        ]


def test_liquidate_everything_cancels_and_closes_in_the_order_of_tickers(algorithm: FakeAlgorithm) -> None:
    algorithm.market_order("BRVO", 5)
    algorithm.market_order("ALFA", -3)
    resting = algorithm.limit_order("BRVO", -2, 120)
    tickets = algorithm.liquidate(tag="out")
    assert [(ticket.symbol.value, ticket.quantity, ticket.tag) for ticket in tickets] == [
        ("ALFA", 3, "out"),
        ("BRVO", -5, "out"),
    ]
    assert (resting.status, resting.tag) == (OrderStatus.CANCELED, "out")


def test_liquidate_takes_symbols_lists_and_the_obsolete_form(algorithm: FakeAlgorithm) -> None:
    algorithm.market_order("BRVO", 5)
    algorithm.market_order("ALFA", 3)
    assert algorithm.liquidate("CHRL") == []
    assert [ticket.quantity for ticket in algorithm.liquidate(["ALFA"])] == [-3]
    assert algorithm.liquidate("BRVO", "old form") == [4]
    assert algorithm.transactions.get_order_ticket(4).tag == "old form"


def test_liquidate_warns_once_of_what_is_not_there(algorithm: FakeAlgorithm) -> None:
    other = Symbol(SecurityIdentifier.generate_equity("ZULU", "usa", None), "ZULU")
    symbol_cache.set("ZULU", other)
    for _ in range(2):
        assert algorithm.liquidate(other) == []
    assert algorithm.messages == [
        "Warning: liquidate ignored symbol 'ZULU' because it has not been added to the algorithm. "
        "Add the security before liquidating it."
    ]


def test_liquidate_can_be_switched_off(algorithm: FakeAlgorithm) -> None:
    algorithm.market_order("BRVO", 5)
    algorithm.settings.liquidate_enabled = False
    assert algorithm.liquidate() == []


def test_market_hours(algorithm: FakeAlgorithm) -> None:
    assert algorithm.is_market_open("ALFA")
    algorithm.at(EVENING)
    assert not algorithm.is_market_open("ALFA")


def test_what_can_be_sold_short(algorithm: FakeAlgorithm) -> None:
    assert algorithm.shortable("ALFA", 1_000_000)
    algorithm.security("ALFA")._shortable_provider._shortable_quantity = lambda symbol, local: 10
    assert (algorithm.shortable("ALFA", 10), algorithm.shortable("ALFA", 11)) == (True, False)
    assert algorithm.shortable_quantity("ALFA") == 10


@pytest.mark.parametrize("price", [float("nan"), float("inf")])
def test_nan_is_no_price(algorithm: FakeAlgorithm, price: float) -> None:
    """pythonnet parses the text of a number as ``System.Decimal``, which has no NaN and no infinity."""
    with pytest.raises(TypeError, match="argument 3 \\('limit_price'\\) expected float, got float"):
        algorithm.limit_order("ALFA", 1, price)


def test_numpy_numbers_are_read_as_decimals(algorithm: FakeAlgorithm) -> None:
    """pythonnet's ``Converter.GetTypeByAlias`` knows ``float`` itself alone: numpy's go to the ``decimal`` overload."""
    ticket = algorithm.limit_order("ALFA", np.float64(10 / 3), 1)
    assert ticket.submit_request._quantity == Decimal("3.3333333333333335")
    assert algorithm.limit_order("ALFA", np.int64(3), np.float32(1.5)).submit_request._quantity == 3


def test_what_reads_as_a_number_is_one(algorithm: FakeAlgorithm) -> None:
    """``Converter.ToPrimitive`` parses a value's text for ``decimal``; ``True`` is 1.0 for ``double``."""
    request = algorithm.limit_order("ALFA", "2", "99.5").submit_request
    assert (request._quantity, request._limit_price) == (2, Decimal("99.5"))
    assert algorithm.market_order("ALFA", True).quantity == 1
    assert (
        algorithm.limit_order("ALFA", Decimal("3"), IndicatorDataPoint(TEN, 98.25)).get(OrderField.LIMIT_PRICE) == 98.25
    )


def test_only_two_arguments_make_a_double_of_order() -> None:
    """``QCAlgorithm.Order``: the form with a tag has a ``decimal`` overload alone, which keeps all digits."""
    world = FakeAlgorithm("ALFA")
    world.bar("ALFA", TEN, (100, 101, 99, 100))
    assert world.order("ALFA", 100.99999999999999).quantity == 101
    assert world.order("ALFA", 100.99999999999999, tag="t").quantity == 100
    assert world.order("ALFA", 5, OrderType.LIMIT).order_type is OrderType.MARKET


def test_the_text_of_a_call_that_no_overload_takes(algorithm: FakeAlgorithm) -> None:
    """``MethodBinder.Invoke`` and ``MethodSignatureFormatter``; Lean's ``NoMethodMatchPythonExceptionInterpreter``."""
    with pytest.raises(TypeError) as raised:
        algorithm.market_order("ALFA", 1, tga="x")
    hint = (
        "The following overloads are available:\n"
        "  market_order(symbol: Symbol, quantity: float, asynchronous: bool = False, "
        'tag: str = "", order_properties: IOrderProperties = None)\n'
        "  market_order(symbol: Symbol, quantity: int, asynchronous: bool = False, "
        'tag: str = "", order_properties: IOrderProperties = None)'
    )
    assert str(raised.value) == (
        "No method matches given arguments for market_order: (<class 'str'>, <class 'int'>). "
        f"Got an unexpected keyword argument 'tga'. Did you mean 'tag'? {hint}"
    )
    assert message_of(raised.value) == (
        "Trying to dynamically access a method that does not exist throws a TypeError exception. To prevent the "
        "exception, ensure each parameter type matches those required by the market_order method. Please checkout the "
        f"API documentation. {hint}"
    )
    with pytest.raises(TypeError) as raised:
        algorithm.is_market_open()
    assert str(raised.value) == (
        "No method matches given arguments for is_market_open: (). "
        "The expected signature is:\n  is_market_open(symbol: Symbol)"
    )


def test_liquidate_takes_a_list_one_by_one(algorithm: FakeAlgorithm) -> None:
    """``ConvertToSymbolEnumerable`` is lazy: an unknown ticker starts the list again, all of it converted."""
    algorithm.market_order("BRVO", 5)
    assert algorithm.liquidate(None) == []
    assert [ticket.quantity for ticket in algorithm.liquidate(["BRVO", "NOPE"])] == [-5]
    assert algorithm.messages[-1].startswith("Warning: liquidate ignored symbol 'NOPE 0'")
    with pytest.raises(ValueError, match="should be Symbol or a list of Symbol"):
        algorithm.liquidate([5])


def test_a_brokerage_message_handler_is_kept(algorithm: FakeAlgorithm) -> None:
    """``QCAlgorithm.SetBrokerageMessageHandler``: a backtest's brokerage sends nothing to it."""

    class Handler:
        def handle_message(self, message: object) -> None:
            """Nothing comes."""

    with pytest.raises(NotImplementedError, match="missing methods on Handler: HandleOrder"):
        algorithm.set_brokerage_message_handler(Handler())
    with pytest.raises(ValueError, match=r"Parameter 'handler'"):
        algorithm.set_brokerage_message_handler(None)
    handler = DefaultBrokerageMessageHandler(algorithm)
    algorithm.SetBrokerageMessageHandler(handler)
    assert algorithm.brokerage_message_handler is handler


def test_a_mismatch_names_types_as_c_does(algorithm: FakeAlgorithm) -> None:
    """``Runtime.PyObject_GetTypeName`` reads ``tp_name``, which has the module for types that are not Python's own."""
    with pytest.raises(TypeError, match=r"\('asynchronous'\) expected bool, got numpy.bool_?\.$"):
        algorithm.market_order("ALFA", 1, np.bool_(True))
    with pytest.raises(TypeError, match=r"keyword argument 'tag' expected str, got int\.$"):
        algorithm.market_order("ALFA", 1, tag=5)


def test_an_unknown_ticker_is_refused_where_user_code_would_hear_of_it() -> None:
    """Lean adds it as a security without data, and tells ``on_securities_changed``."""

    class Listening(FakeAlgorithm):
        def on_securities_changed(self, changes: object) -> None:
            """Would be told."""

    with pytest.raises(NotSupportedError, match="trading an unknown ticker"):
        Listening("ALFA").market_order("NOPE", 1)


def test_parameters_have_the_names_of_the_spelling(algorithm: FakeAlgorithm) -> None:
    """pythonnet's ``MethodInformation.ParameterNames``: snake_case for the one spelling, C#'s own for the other."""
    properties = OrderProperties()
    ticket = algorithm.LimitOrder("ALFA", 1, limitPrice=50, orderProperties=properties)
    assert (ticket.get(OrderField.LIMIT_PRICE), ticket.submit_request.order_properties) == (50, properties)
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'limitPrice'\. Did you mean 'limit_price'"):
        algorithm.limit_order("ALFA", 1, limitPrice=50)
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'limit_price'\. Did you mean 'limitPrice'"):
        algorithm.LimitOrder("ALFA", 1, limit_price=50)
    assert ticket.UpdateLimitPrice(limitPrice=51).is_success
