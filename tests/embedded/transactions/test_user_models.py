"""Models of user code that give the wrong thing or fail, and where Lean catches it.

The texts are those of Lean's ``Messages.BasePythonWrapper``; the places that catch are ``BacktestingBrokerage.Scan``,
``BrokerageTransactionHandler`` and, for what neither does, ``Engine.Run``.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from trading_fakes import FakeAlgorithm

from harness.embedded.enums import OrderStatus
from harness.embedded.fills import EquityFillModel
from harness.embedded.model_errors import InvalidAnswerError, InvalidReturnTypeError, NullReferenceError
from harness.embedded.models import BuyingPowerModel, DefaultMarginCallModel, FeeModel
from harness.embedded.models.brokerage import DefaultBrokerageModel, engine_brokerage_model
from harness.embedded.models.buying_power import engine_buying_power_model
from harness.embedded.models.fees import engine_fee_model
from harness.embedded.models.margin_call import engine_margin_call_model
from harness.embedded.models.slippage import engine_slippage_model
from harness.embedded.models.wrapping import message_of_raised
from harness.embedded.orders import OrderFeeParameters
from harness.embedded.securities.security import _engine_fill_model
from tests.embedded import small_world


@pytest.fixture
def algorithm() -> FakeAlgorithm:
    world = FakeAlgorithm("ALFA")
    world.bar("ALFA", datetime(2025, 10, 6, 10, 0), (100, 101, 99, 100))
    return world


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_world.make_data(tmp_path_factory.mktemp("data"))


class NumberFills(EquityFillModel):
    def market_fill(self, asset: object, order: object) -> float:  # type: ignore[override]
        return 1.5


class NothingFills(EquityFillModel):
    def MarketFill(self, asset: object, order: object) -> None:  # type: ignore[override]  # noqa: N802
        return None


def test_a_fill_that_is_no_event_is_reported_at_every_scan(algorithm: FakeAlgorithm) -> None:
    """``BasePythonWrapper.InvokeMethod`` raises, ``BacktestingBrokerage.Scan`` reports and goes on."""
    algorithm.security("ALFA").fill_model = NumberFills()
    assert algorithm.market_order("ALFA", 1).status is OrderStatus.SUBMITTED
    assert algorithm.messages == [
        "Order Error: id: 1, Transaction model failed to fill for order type: Market with error: Invalid return type "
        "from method 'market_fill'. Expected a type convertible to 'OrderEvent' but was 'float'"
    ]


def test_no_fill_at_all_ends_the_algorithm(algorithm: FakeAlgorithm) -> None:
    """``Scan`` reads the status of every event outside of its ``try``; a request's processing reports what it gets."""
    algorithm.security("ALFA").fill_model = NothingFills()
    algorithm.market_order("ALFA", 1)
    null = "Object reference not set to an instance of an object."
    assert algorithm.messages[0].endswith(f"for order type: Market with error: {null}")
    assert algorithm.errors == [("HandleOrderRequest", null)]


def test_an_error_in_a_scan_of_the_loop_ends_the_run(data_folder: Path, tmp_path: Path) -> None:
    """``BrokerageModel.CanExecuteOrder`` is asked outside of any ``try`` but that of ``Engine.Run``."""
    outcome = small_world.run(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            class Moody(DefaultBrokerageModel):
                def can_execute_order(self, security, order):
                    raise ValueError("not today")
            self.set_brokerage_model(Moody())
            self.full = self.add_equity("FULL", Resolution.MINUTE).symbol

        def on_data(self, data):
            if self.at(6, 10, 0):
                self.limit_order(self.full, 1, 1)
        """,
    )
    assert outcome.state["Status"] == "RuntimeError"
    assert "Runtime Error: not today\n  at can_execute_order" in outcome.state["RuntimeError"]


class OldFees:
    def get_order_fee(self, security: object, order: object) -> str:
        return "2.5"


class NumberFees(FeeModel):
    def get_order_fee(self, parameters: object) -> float:  # type: ignore[override]
        return 1.5


class NoFees(FeeModel):
    def get_order_fee(self, parameters: object) -> None:  # type: ignore[override]
        return None


class Empty:
    pass


def test_fees(algorithm: FakeAlgorithm) -> None:
    """``FeeModelPythonWrapper``: the older signature gives a ``decimal``; the new one an ``OrderFee`` and no number."""
    parameters = OrderFeeParameters(algorithm.security("ALFA"), None)
    assert engine_fee_model(OldFees())._get_order_fee(parameters).value.amount == 2.5
    with pytest.raises(InvalidReturnTypeError, match="convertible to 'OrderFee' but was 'float'"):
        engine_fee_model(NumberFees())._get_order_fee(parameters)
    with pytest.raises(NullReferenceError):
        engine_fee_model(NoFees())._get_order_fee(parameters)
    with pytest.raises(AttributeError, match="'Empty' object has no attribute 'GetOrderFee'"):
        engine_fee_model(Empty())._get_order_fee(parameters)


class Slip:
    def get_slippage_approximation(self, asset: object, order: object) -> object:
        return asset


def test_slippage() -> None:
    """A ``decimal`` is read from a value's text."""
    model = engine_slippage_model(Slip())
    assert model.get_slippage_approximation("0.25", None) == 0.25
    with pytest.raises(InvalidReturnTypeError, match=r"'get_slippage_approximation'.*'Decimal' but was 'NoneType'"):
        model.get_slippage_approximation(None, None)


class Consents(BuyingPowerModel):
    def has_sufficient_buying_power_for_order(self, *arguments: object) -> bool:  # type: ignore[override]
        return True

    def get_maintenance_margin(self, parameters: object) -> float:  # type: ignore[override]
        return 12.5


def test_buying_power() -> None:
    """``BuyingPowerModelPythonWrapper``: margins may be plain numbers, results may not."""
    model = engine_buying_power_model(Consents())
    assert model._get_maintenance_margin(None) == 12.5  # type: ignore[arg-type]
    with pytest.raises(InvalidReturnTypeError, match="'HasSufficientBuyingPowerForOrderResult' but was 'bool'"):
        model._has_sufficient_buying_power_for_order(None)  # type: ignore[arg-type]


class Answers(DefaultBrokerageModel):
    answer: object = True

    def can_submit_order(self, *arguments: object) -> object:  # type: ignore[override]
        return self.answer

    def can_execute_order(self, *arguments: object) -> object:  # type: ignore[override]
        return self.answer


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (True, "Expected a tuple type but was 'bool'"),
        ((True,), "Expected a tuple with at least '2' items but only '1' were returned"),
        ((1, None), "Expected a type convertible to 'Boolean' but was 'int'"),
        ((True, "no"), "Out parameter in position 0 expected type is 'BrokerageMessageEvent' but was 'str'"),
    ],
)
def test_out_parameters(answer: object, text: str) -> None:
    """``PythonRuntimeChecker.InvokeMethodAndGetOutParameters``."""
    given = Answers()
    given.answer = answer
    model = engine_brokerage_model(given)
    with pytest.raises((InvalidAnswerError, InvalidReturnTypeError), match=text):
        model._can_submit_order(None, None)  # type: ignore[arg-type]
    if answer is not True:
        with pytest.raises(InvalidReturnTypeError, match="'can_execute_order'"):
            model._can_execute_order(None, None)  # type: ignore[arg-type]


class Calls(DefaultMarginCallModel):
    answer: object = ()

    def get_margin_call_orders(self, issue_margin_call_warning: bool = False) -> object:  # type: ignore[override]
        return self.answer


def test_margin_calls() -> None:
    """``MarginCallModelPythonWrapper``."""
    given = Calls(None)  # type: ignore[arg-type]
    model = engine_margin_call_model(given)
    given.answer = ([], True)
    assert model._get_margin_call_orders() == ([], True)
    given.answer = [], 1
    with pytest.raises(InvalidAnswerError, match="expected type is 'Boolean' but was 'int'"):
        model._get_margin_call_orders()
    given.answer = None, True
    with pytest.raises(InvalidReturnTypeError, match="'List`1' but was 'NoneType'"):
        model._get_margin_call_orders()


def test_user_codes_margin_call_model_is_asked_without_positions(data_folder: Path, tmp_path: Path) -> None:
    """``AlgorithmManager.Run`` asks every five minutes whatever is held."""
    outcome = small_world.run(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            algorithm = self
            class Asked(DefaultMarginCallModel):
                def get_margin_call_orders(self, warn):
                    algorithm.note(f"{algorithm.time:%H:%M}")
                    return [], False
            self.add_equity("FULL", Resolution.MINUTE)
            self.portfolio.set_margin_call_model(Asked(self.portfolio, self.default_order_properties))

        def on_data(self, data):
            if self.at(6, 9, 45):
                self.quit()
        """,
    )
    assert outcome.seen == ["00:00", "09:31", "09:36", "09:41"]


def test_a_fill_model_must_be_one_of_leans() -> None:
    """``FillModelPythonWrapper`` tells the model of itself when it is set."""
    with pytest.raises(AttributeError, match="'Empty' object has no attribute 'SetPythonWrapper'"):
        _engine_fill_model(Empty())


def test_the_message_of_a_missing_key_is_the_key() -> None:
    """CPython 3.11 keeps the bare key until an exception is made of it, and ``PythonException`` takes its text."""
    for code, text in (("{}['k']", "k"), ("raise KeyError('k')", "'k'"), ("1 / 0", "division by zero")):
        with pytest.raises(Exception) as raised:
            exec(code)
        assert message_of_raised(raised.value) == text


def test_a_settlement_model_that_fails_leaves_the_position(data_folder: Path, tmp_path: Path) -> None:
    """``SecurityPortfolioModel.ProcessFill`` catches everything; the order is filled all the same."""
    outcome = small_world.run(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            class Failing(ImmediateSettlementModel):
                def apply_funds(self, parameters):
                    raise ValueError("no money")
            self.full = self.add_equity("FULL", Resolution.MINUTE)
            self.full.set_settlement_model(Failing())

        def on_data(self, data):
            if self.at(6, 10, 0):
                ticket = self.market_order(self.full.symbol, 5)
                self.note(f"{ticket.status} {ticket.quantity_filled:.0f} {self.full.holdings.quantity:.0f}")
        """,
    )
    assert outcome.seen == ["FILLED 5 0"]
    assert outcome.state["Status"] == "Completed"
    assert not [line for line in outcome.log if "no money" in line]
