"""What happens when an account runs out of margin. Source: Lean's ``DefaultMarginCallModel``, ``MarginCallModel``."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from harness.embedded.clr import ONE, ZERO, div, from_python, mul
from harness.embedded.enums import OrderType
from harness.embedded.model_errors import InvalidAnswerError, InvalidReturnTypeError
from harness.embedded.models.parameters import (
    GetMaximumOrderQuantityForDeltaBuyingPowerParameters,
    MarginCallOrdersParameters,
)
from harness.embedded.models.wrapping import is_engine_class, require, with_out_parameter
from harness.embedded.naming import lean_api, user_method
from harness.embedded.orders.order import is_closed
from harness.embedded.orders.request import SubmitOrderRequest
from harness.embedded.securities.arithmetic import net_add, sign

if TYPE_CHECKING:
    from harness.embedded.orders.ticket import OrderTicket
    from harness.embedded.securities.portfolio import SecurityPortfolioManager

_WARNING_SHARE = Decimal("0.05")


class _MarginCallModel:
    def _get_margin_call_orders(self) -> tuple[list[SubmitOrderRequest], bool]:
        """Orders that would bring the account within its margin, and whether to warn."""
        return [], False

    def _execute_margin_call(self, requests: list[SubmitOrderRequest]) -> list[OrderTicket]:
        return []

    def get_margin_call_orders(self, issue_margin_call_warning: bool = False) -> tuple[list[SubmitOrderRequest], bool]:
        return self._get_margin_call_orders()

    def execute_margin_call(self, generated_margin_call_orders: list[SubmitOrderRequest]) -> list[OrderTicket]:
        return self._execute_margin_call(generated_margin_call_orders)

    GetMarginCallOrders = get_margin_call_orders
    ExecuteMarginCall = execute_margin_call


@lean_api
class NullMarginCallModel(_MarginCallModel):
    """Never calls."""


@lean_api
class MarginCallModel:
    """``MarginCallModel.NULL``: no margin calls."""

    NULL: ClassVar[NullMarginCallModel] = NullMarginCallModel()
    Null: ClassVar[NullMarginCallModel] = NULL


@lean_api
class DefaultMarginCallModel(_MarginCallModel):
    """Warns at 5 % of margin left; reduces positions, largest losses first, once more than 110 % is used."""

    def __init__(
        self, portfolio: SecurityPortfolioManager, default_order_properties: Any = None, margin_buffer: Any = "0.10"
    ) -> None:
        self.portfolio = portfolio
        self.default_order_properties = default_order_properties
        self._margin_buffer = Decimal("0.10") if margin_buffer == "0.10" else from_python(margin_buffer)

    def _get_margin_call_orders(self) -> tuple[list[SubmitOrderRequest], bool]:
        portfolio = self.portfolio
        if not portfolio._held:
            return [], False
        used = portfolio._total_margin_used
        if used <= 0:
            return [], False
        value = portfolio._total_portfolio_value
        remaining = portfolio._get_margin_remaining(value)
        warn = remaining <= mul(value, _WARNING_SHARE)
        requests: list[SubmitOrderRequest] = []
        if remaining <= 0:
            if used > mul(value, ONE + self._margin_buffer):
                for group in portfolio.positions.groups:
                    parameters = MarginCallOrdersParameters(group, value, used)
                    found = self._generate_margin_call_orders(parameters)
                    if found and all(request._quantity != 0 for request in found):
                        requests.extend(found)
            warn = bool(requests)
        return requests, warn

    def _generate_margin_call_orders(self, parameters: MarginCallOrdersParameters) -> list[SubmitOrderRequest]:
        """The order that reduces one position by the margin that is missing, or closes it."""
        portfolio, group = self.portfolio, parameters.position_group
        security = group.position._security
        if security.quote_currency._conversion_rate == 0:
            return []
        missing = parameters._total_used_margin - parameters._total_portfolio_value
        used = group._reserved_buying_power()
        keep = max(ZERO, used - missing)
        delta = (used - keep) * -sign(group._quantity)
        result = security._buying_power_model._get_maximum_order_quantity_for_delta_buying_power(
            GetMaximumOrderQuantityForDeltaBuyingPowerParameters(portfolio, security, delta, ZERO)
        )
        lots = div(result._quantity, security.symbol_properties._lot_size).copy_abs()
        quantity = lots * group.position._unit_quantity * -sign(group.position._quantity)
        properties = self.default_order_properties
        return [
            SubmitOrderRequest(
                OrderType.MARKET,
                security.type,
                security.symbol,
                quantity,
                security._utc_time,
                "Margin Call",
                properties.clone() if properties is not None else None,
            )
        ]

    def _execute_margin_call(self, requests: list[SubmitOrderRequest]) -> list[OrderTicket]:
        portfolio = self.portfolio
        if portfolio._margin_remaining >= 0:
            return []
        profits = [net_add(ZERO, portfolio[request.symbol]._unrealized_profit) for request in requests]
        order = sorted(range(len(requests)), key=profits.__getitem__)
        tickets: list[OrderTicket] = []
        for index in order:
            ticket = portfolio.transactions.add_order(requests[index])
            if not is_closed(ticket.status):
                portfolio.transactions.wait_for_order(ticket.order_id)
            tickets.append(ticket)
            if portfolio._margin_remaining >= 0:
                break
        return tickets


class UserMarginCallModel(_MarginCallModel):
    """User code's model. Source: Lean's ``MarginCallModelPythonWrapper``."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def _get_margin_call_orders(self) -> tuple[list[SubmitOrderRequest], bool]:
        method = user_method(self._model, "get_margin_call_orders")
        if method is None:
            requests, warn = self._model._get_margin_call_orders()
        else:
            requests, warn = with_out_parameter(method(False), "get_margin_call_orders")
            if not isinstance(requests, list) or any(not isinstance(item, SubmitOrderRequest) for item in requests):
                raise InvalidReturnTypeError("get_margin_call_orders", "List`1", requests)
            if warn is not True and warn is not False:
                raise InvalidAnswerError(
                    "Invalid out parameter type in method 'get_margin_call_orders'. Out parameter in position 0 "
                    f"expected type is 'Boolean' but was '{type(warn).__name__}'."
                )
        listed = list(requests)
        return listed, warn or bool(listed)

    def _execute_margin_call(self, requests: list[SubmitOrderRequest]) -> list[OrderTicket]:
        method = user_method(self._model, "execute_margin_call")
        if method is None:
            inherited: list[OrderTicket] = self._model._execute_margin_call(requests)
            return inherited
        answer = method(requests)
        if not isinstance(answer, list):
            raise InvalidReturnTypeError("execute_margin_call", "List`1", answer)
        return answer


def engine_margin_call_model(model: Any) -> _MarginCallModel:
    """The model as the engine calls it."""
    if is_engine_class(model):
        engine: _MarginCallModel = model
        return engine
    require(model, "IMarginCallModel", ("get_margin_call_orders", "execute_margin_call"))
    return UserMarginCallModel(model)
