"""What an order or a position takes of the account. Source: Lean's ``BuyingPowerModel`` and its subclasses.

The engine calls the methods with a leading underscore, which take and give exact numbers. As in Lean, a method that a
Python subclass inherits does not come back to that subclass's overrides; only calls through ``security`` do.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from harness.embedded.clr import ONE, ZERO, decimal_text, div, floor, from_python, mul, normalize, sub, to_float
from harness.embedded.enums import OrderDirection
from harness.embedded.models.parameters import (
    BuyingPower,
    BuyingPowerParameters,
    GetMaximumOrderQuantityForDeltaBuyingPowerParameters,
    GetMaximumOrderQuantityForTargetBuyingPowerParameters,
    GetMaximumOrderQuantityResult,
    HasSufficientBuyingPowerForOrderParameters,
    HasSufficientBuyingPowerForOrderResult,
    InitialMargin,
    InitialMarginParameters,
    InitialMarginRequiredForOrderParameters,
    MaintenanceMargin,
    MaintenanceMarginParameters,
    ReservedBuyingPowerForPosition,
    ReservedBuyingPowerForPositionParameters,
)
from harness.embedded.models.wrapping import exact_value, instance, is_engine_class, require
from harness.embedded.naming import lean_api, user_method
from harness.embedded.orders.fees import OrderFeeParameters
from harness.embedded.orders.order import MarketOrder
from harness.embedded.portfolio_target import PortfolioTarget
from harness.embedded.securities.arithmetic import ceiling, net_add, sign
from harness.embedded.securities.messages import zero_price_message

if TYPE_CHECKING:
    from harness.embedded.orders.order import Order
    from harness.embedded.securities.portfolio import SecurityPortfolioManager
    from harness.embedded.securities.security import Security


def _requirement(value: Any, what: str) -> Decimal:
    exact = from_python(value)
    if exact < 0 or exact > 1:
        raise ValueError(f"{what} requirement must be between 0 and 1")
    return exact


def _margin_of_leverage(leverage: Any) -> Decimal:
    exact = from_python(leverage)
    if exact < 1:
        raise ValueError("Leverage must be greater than or equal to 1.")
    return div(ONE, exact)


def above_minimum_order_margin(
    portfolio: SecurityPortfolioManager, minimum_percentage: Decimal, absolute_margin: Decimal
) -> bool:
    """Whether a change of margin is worth an order; always when no margin is left."""
    minimum = mul(portfolio._total_portfolio_value, minimum_percentage)
    return not (minimum > absolute_margin and portfolio._get_margin_remaining() > 0)


@lean_api
class BuyingPowerModel:
    """Margin as a share of the value of a position.

    ``BuyingPowerModel(leverage, required_free_buying_power_percent)``, or with three arguments the initial and the
    maintenance requirement and the free share, each between 0 and 1. Raises ``ValueError`` outside.
    """

    NULL: BuyingPowerModel

    def __init__(self, *arguments: Any, **named: Any) -> None:
        initial = named.get("initial_margin_requirement", named.get("initialMarginRequirement"))
        if len(arguments) == 3 or initial is not None:
            maintenance = named.get("maintenance_margin_requirement", named.get("maintenanceMarginRequirement"))
            given = [initial, maintenance, named.get("required_free_buying_power_percent", 0)]
            given[: len(arguments)] = arguments
            self._initial_margin_requirement = _requirement(given[0], "Initial margin")
            self._maintenance_margin_requirement = _requirement(given[1], "Maintenance margin")
            free = given[2]
        else:
            leverage = arguments[0] if arguments else named.get("leverage", 1)
            free = arguments[1] if len(arguments) > 1 else named.get("required_free_buying_power_percent", 0)
            self._initial_margin_requirement = _margin_of_leverage(leverage)
            self._maintenance_margin_requirement = self._initial_margin_requirement
        self._required_free_buying_power_percent = _requirement(free, "Free Buying Power Percent")

    # -- the engine's side ---------------------------------------------------------------------------------------

    def _get_leverage(self, security: Security) -> Decimal:
        return div(ONE, self._initial_margin_requirement)

    def _set_leverage(self, security: Security, leverage: Decimal) -> None:
        self._initial_margin_requirement = self._maintenance_margin_requirement = _margin_of_leverage(leverage)

    def _get_maintenance_margin(self, parameters: MaintenanceMarginParameters) -> Decimal:
        return mul(parameters._absolute_holdings_value, self._maintenance_margin_requirement)

    def _get_initial_margin_requirement(self, security: Security, quantity: Decimal) -> Decimal:
        return mul(_unit_value(security, quantity), self._initial_margin_requirement)

    def _get_initial_margin_required_for_order(self, parameters: InitialMarginRequiredForOrderParameters) -> Decimal:
        security, order = parameters.security, parameters.order
        fee = security._fee_model._get_order_fee(OrderFeeParameters(security, order)).value
        fees = parameters.currency_converter._to_account_currency(fee)
        margin = self._get_initial_margin_requirement(security, order._quantity)
        return net_add(margin, sign(margin) * fees)

    def _get_margin_remaining(
        self, portfolio: SecurityPortfolioManager, security: Security, direction: OrderDirection
    ) -> Decimal:
        """Margin free for an order; one that reduces a position also has what closing and reopening it frees."""
        value = portfolio._total_portfolio_value
        result = portfolio._get_margin_remaining(value)
        holdings = security.holdings
        closing = OrderDirection.SELL if holdings.is_long else OrderDirection.BUY if holdings.is_short else None
        if direction is not OrderDirection.HOLD and direction is closing:
            frees = self._get_maintenance_margin(MaintenanceMarginParameters.for_current_holdings(security))
            opens = self._get_initial_margin_requirement(security, holdings._absolute_quantity)
            result = result + (frees + opens)
        if self._required_free_buying_power_percent:
            result -= mul(value, self._required_free_buying_power_percent)
        return ZERO if result < 0 else result

    def _has_sufficient_buying_power_for_order(
        self, parameters: HasSufficientBuyingPowerForOrderParameters
    ) -> HasSufficientBuyingPowerForOrderResult:
        order = parameters.order
        if order._quantity == 0:
            return parameters.sufficient()
        ticket = parameters.portfolio.transactions.get_order_ticket(order.id)
        if ticket is None:
            return parameters.insufficient(f"Null order ticket for id: {order.id}")
        held: Decimal = parameters.security.holdings._quantity
        if held * order._quantity < 0 and abs(held) >= abs(order._quantity):
            return parameters.sufficient()
        free = self._get_margin_remaining(parameters.portfolio, parameters.security, order.direction)
        required = self._get_initial_margin_required_for_order(
            InitialMarginRequiredForOrderParameters(parameters.portfolio.cash_book, parameters.security, order)
        )
        size: Decimal = order._quantity.copy_abs()
        unfilled = div(size - ticket._quantity_filled.copy_abs(), size)
        required = mul(unfilled, required)
        if required.copy_abs() > free:
            return parameters.insufficient(
                f"Id: {order.id}, Initial Margin: {decimal_text(normalize(required))}, "
                f"Free Margin: {decimal_text(normalize(free))}"
            )
        return parameters.sufficient()

    def _get_maximum_order_quantity_for_delta_buying_power(
        self, parameters: GetMaximumOrderQuantityForDeltaBuyingPowerParameters
    ) -> GetMaximumOrderQuantityResult:
        security = parameters.security
        used = security._buying_power_model._get_reserved_buying_power_for_position(
            ReservedBuyingPowerForPositionParameters(security)
        )
        signed = used if security.holdings.is_long else used.copy_negate()
        target_margin = signed + parameters._delta_buying_power
        value = parameters.portfolio._total_portfolio_value
        return self._get_maximum_order_quantity_for_target_buying_power(
            GetMaximumOrderQuantityForTargetBuyingPowerParameters(
                parameters.portfolio,
                security,
                div(target_margin, value) if value != 0 else ZERO,
                parameters._minimum_order_margin_portfolio_percentage,
                parameters.silence_non_error_reasons,
            )
        )

    def _get_maximum_order_quantity_for_target_buying_power(
        self, parameters: GetMaximumOrderQuantityForTargetBuyingPowerParameters
    ) -> GetMaximumOrderQuantityResult:
        """Orders the most that keeps the position's margin within the target, fees taken off the portfolio first."""
        security, portfolio, target = parameters.security, parameters.portfolio, parameters._target_buying_power
        value = portfolio._total_portfolio_value
        reserve = mul(value, self._required_free_buying_power_percent)
        target_margin = mul(target, value - reserve)
        held: Decimal = security.holdings._quantity
        if target_margin == 0:
            return GetMaximumOrderQuantityResult(held.copy_negate(), "", False)
        current_margin = self._get_initial_margin_requirement(security, held)
        unit_margin = self._get_initial_margin_requirement(security, ONE)
        if unit_margin == 0:
            return GetMaximumOrderQuantityResult(ZERO, zero_price_message(security.symbol))
        difference = sub(target_margin, current_margin).copy_abs()
        minimum = parameters._minimum_order_margin_portfolio_percentage
        if not above_minimum_order_margin(portfolio, minimum, difference):
            reason = None
            if not parameters.silence_non_error_reasons:
                reason = (
                    f"The target order margin {decimal_text(difference)} is less than the minimum "
                    f"{decimal_text(mul(value, minimum))}."
                )
            if PortfolioTarget.minimum_order_margin_percentage_warning_sent is None:
                PortfolioTarget.minimum_order_margin_percentage_warning_sent = False
            return GetMaximumOrderQuantityResult(ZERO, reason, False)
        time = security._utc_time
        last_quantity = ZERO
        while True:
            quantity, margin = self._get_amount_to_order(security, target_margin, unit_margin)
            if quantity == 0:
                reason = None
                if not parameters.silence_non_error_reasons:
                    lot = decimal_text(security.symbol_properties._lot_size)
                    reason = (
                        f"The order quantity is less than the lot size of {lot} and has been rounded to zero. "
                        f"Target order margin {decimal_text(sub(target_margin, current_margin))}. "
                    )
                return GetMaximumOrderQuantityResult(ZERO, reason, False)
            order = MarketOrder(security.symbol, quantity, time)
            fee = security._fee_model._get_order_fee(OrderFeeParameters(security, order)).value
            fees = portfolio.cash_book._to_account_currency(fee)
            target_margin = mul(value - fees - reserve, target)
            if last_quantity == quantity:
                raise ValueError(_no_convergence(parameters, target_margin, fees))
            last_quantity = quantity
            if margin.copy_abs() <= target_margin.copy_abs():
                return GetMaximumOrderQuantityResult(quantity)

    def _get_amount_to_order(
        self, security: Security, target_margin: Decimal, unit_margin: Decimal
    ) -> tuple[Decimal, Decimal]:
        """Whole lots to order, rounded towards a smaller position, and the margin of the position they lead to."""
        lot = security.symbol_properties._lot_size
        held = security.holdings._quantity
        size = net_add(held.copy_negate(), div(target_margin, unit_margin))
        lots = div(size, lot)
        size = mul(lot, ceiling(lots) if target_margin < 0 else floor(lots))
        margin = self._get_initial_margin_requirement(security, net_add(size, held))
        difference = sub(margin, target_margin)
        while (target_margin < 0 and difference < 0) or (target_margin > 0 and difference > 0):
            size = net_add(size, lot if target_margin < 0 else lot.copy_negate())
            margin = self._get_initial_margin_requirement(security, net_add(size, held))
            new_difference = sub(margin, target_margin)
            if abs(new_difference) > abs(difference) and sign(new_difference) == sign(difference):
                raise ValueError(_wrong_direction(security, target_margin, unit_margin))
            difference = new_difference
        return size, margin

    def _get_reserved_buying_power_for_position(self, parameters: ReservedBuyingPowerForPositionParameters) -> Decimal:
        return self._get_maintenance_margin(MaintenanceMarginParameters.for_current_holdings(parameters.security))

    def _get_buying_power(self, parameters: BuyingPowerParameters) -> Decimal:
        return self._get_margin_remaining(parameters.portfolio, parameters.security, parameters.direction)

    # -- what user code calls ------------------------------------------------------------------------------------

    def get_leverage(self, security: Security) -> float:
        return to_float(self._get_leverage(security))

    def set_leverage(self, security: Security, leverage: Any) -> None:
        self._set_leverage(security, from_python(leverage))

    def get_maintenance_margin(self, parameters: Any) -> MaintenanceMargin:
        if not isinstance(parameters, MaintenanceMarginParameters):
            parameters = MaintenanceMarginParameters.for_current_holdings(parameters)
        return MaintenanceMargin(self._get_maintenance_margin(parameters))

    def get_initial_margin_requirement(self, parameters: Any, quantity: Any = None) -> Any:
        """Of :class:`InitialMarginParameters` an :class:`InitialMargin`; of a security and a quantity a float."""
        if isinstance(parameters, InitialMarginParameters):
            return InitialMargin(self._get_initial_margin_requirement(parameters.security, parameters._quantity))
        return to_float(self._get_initial_margin_requirement(parameters, from_python(quantity)))

    def get_initial_margin_required_for_order(
        self, parameters: InitialMarginRequiredForOrderParameters
    ) -> InitialMargin:
        return InitialMargin(self._get_initial_margin_required_for_order(parameters))

    def has_sufficient_buying_power_for_order(
        self, parameters: Any, security: Security | None = None, order: Order | None = None
    ) -> HasSufficientBuyingPowerForOrderResult:
        if security is not None:
            parameters = HasSufficientBuyingPowerForOrderParameters(parameters, security, order)
        return self._has_sufficient_buying_power_for_order(parameters)

    def get_maximum_order_quantity_for_target_buying_power(
        self, parameters: Any, security: Security | None = None, target: Any = None, minimum: Any = None
    ) -> GetMaximumOrderQuantityResult:
        if security is not None:
            parameters = GetMaximumOrderQuantityForTargetBuyingPowerParameters(parameters, security, target, minimum)
        return self._get_maximum_order_quantity_for_target_buying_power(parameters)

    def get_maximum_order_quantity_for_delta_buying_power(
        self, parameters: GetMaximumOrderQuantityForDeltaBuyingPowerParameters
    ) -> GetMaximumOrderQuantityResult:
        return self._get_maximum_order_quantity_for_delta_buying_power(parameters)

    def get_reserved_buying_power_for_position(self, parameters: Any) -> Any:
        """Of the parameter object a :class:`ReservedBuyingPowerForPosition`; of a security a float."""
        if isinstance(parameters, ReservedBuyingPowerForPositionParameters):
            return ReservedBuyingPowerForPosition(self._get_reserved_buying_power_for_position(parameters))
        return to_float(
            self._get_reserved_buying_power_for_position(ReservedBuyingPowerForPositionParameters(parameters))
        )

    def get_buying_power(
        self, parameters: Any, security: Security | None = None, direction: OrderDirection = OrderDirection.BUY
    ) -> Any:
        """Of the parameter object a :class:`BuyingPower`; of portfolio, security and direction a float."""
        if security is None:
            return BuyingPower(self._get_buying_power(parameters))
        return to_float(self._get_buying_power(BuyingPowerParameters(parameters, security, direction)))


def _unit_value(security: Security, quantity: Decimal) -> Decimal:
    rate = security.quote_currency._conversion_rate
    multiplier = security.symbol_properties._contract_multiplier
    price = security._price if rate == 1 == multiplier else mul(mul(rate, multiplier), security._price)
    return mul(price, quantity)


def _no_convergence(
    parameters: GetMaximumOrderQuantityForTargetBuyingPowerParameters, target_margin: Decimal, fees: Decimal
) -> str:
    security, text = parameters.security, decimal_text
    return (
        f"GetMaximumOrderQuantityForTargetBuyingPower failed to converge on the target margin: {text(target_margin)}; "
        "the following information can be used to reproduce the issue. Total Portfolio Cash: "
        f"{text(parameters.portfolio._cash)}; Security : {security.symbol.id}; Price : {text(security._close)}; "
        f"Leverage: {text(security.holdings._leverage)}; Order Fee: {text(fees)}; "
        f"Lot Size: {text(security.symbol_properties._lot_size)}; Current Holdings: "
        f"{text(security.holdings._quantity)} @ {text(security.holdings._average_price)}; "
        f"Target Percentage: %{text(mul(parameters._target_buying_power, Decimal(100)))};"
    )


def _wrong_direction(security: Security, target_margin: Decimal, unit_margin: Decimal) -> str:
    text = decimal_text
    return (
        "BuyingPowerModel().GetAmountToOrder(): Margin is being adjusted in the wrong direction. Reproduce this issue "
        f"with the following variables, Target Margin: {text(target_margin)}; MarginForOneUnit: {text(unit_margin)}; "
        f"Security Holdings: {text(security.holdings._quantity)} @ {text(security.holdings._average_price)}; "
        f"LotSize: {text(security.symbol_properties._lot_size)}; Price: {text(security._close)}; "
        f"Leverage: {text(security.holdings._leverage)}"
    )


@lean_api
class SecurityMarginModel(BuyingPowerModel):
    """Margin of stocks: twice the cash by default, set by the security or the brokerage model."""


@lean_api
class ConstantBuyingPowerModel(BuyingPowerModel):
    """The same margin for every unit, whatever its price; leverage cannot be set."""

    def __init__(self, margin_required_per_unit_in_account_currency: Any) -> None:
        super().__init__()
        self._margin_per_unit = from_python(margin_required_per_unit_in_account_currency)

    def _set_leverage(self, security: Security, leverage: Decimal) -> None:
        """Has no effect."""

    def _get_initial_margin_requirement(self, security: Security, quantity: Decimal) -> Decimal:
        return mul(quantity, self._margin_per_unit)

    def _get_maintenance_margin(self, parameters: MaintenanceMarginParameters) -> Decimal:
        return mul(parameters._absolute_quantity, self._margin_per_unit)


@lean_api
class PatternDayTradingMarginModel(SecurityMarginModel):
    """More leverage while the market is open and does not close within ten minutes; leverage cannot be set."""

    def __init__(self, closed_market_leverage: Any = 2, open_market_leverage: Any = 4) -> None:
        super().__init__(open_market_leverage)
        self._closed_correction = div(from_python(open_market_leverage), from_python(closed_market_leverage))

    def _correction(self, security: Security) -> Decimal:
        exchange = security.exchange
        return ONE if exchange.exchange_open and not exchange.closing_soon else self._closed_correction

    def _set_leverage(self, security: Security, leverage: Decimal) -> None:
        """Has no effect."""

    def _get_leverage(self, security: Security) -> Decimal:
        return mul(super()._get_leverage(security), div(ONE, self._correction(security)))

    def _get_initial_margin_requirement(self, security: Security, quantity: Decimal) -> Decimal:
        return mul(super()._get_initial_margin_requirement(security, quantity), self._correction(security))

    def _get_maintenance_margin(self, parameters: MaintenanceMarginParameters) -> Decimal:
        return mul(super()._get_maintenance_margin(parameters), self._correction(parameters.security))


@lean_api
class CashBuyingPowerModel(BuyingPowerModel):
    """For currencies; as in Lean, orders of stocks are refused."""

    def __init__(self) -> None:
        super().__init__(1, 0, 0)

    def _get_leverage(self, security: Security) -> Decimal:
        return ONE

    def _set_leverage(self, security: Security, leverage: Decimal) -> None:
        if leverage != 1:
            raise RuntimeError("CashBuyingPowerModel does not allow setting leverage. Cash accounts have no leverage.")

    def _get_initial_margin_requirement(self, security: Security, quantity: Decimal) -> Decimal:
        return _unit_value(security, quantity)

    def _has_sufficient_buying_power_for_order(
        self, parameters: HasSufficientBuyingPowerForOrderParameters
    ) -> HasSufficientBuyingPowerForOrderResult:
        return parameters.insufficient(
            f"The '{parameters.security.symbol.value}' security is not supported by this cash model. "
            "Currently only Crypto and Forex are supported."
        )

    def _get_maximum_order_quantity_for_delta_buying_power(
        self, parameters: GetMaximumOrderQuantityForDeltaBuyingPowerParameters
    ) -> GetMaximumOrderQuantityResult:
        raise NotImplementedError(
            "The CashBuyingPowerModel does not require 'GetMaximumOrderQuantityForDeltaBuyingPower'."
        )

    def _get_maximum_order_quantity_for_target_buying_power(
        self, parameters: GetMaximumOrderQuantityForTargetBuyingPowerParameters
    ) -> GetMaximumOrderQuantityResult:
        if mul(parameters._target_buying_power, parameters.portfolio._total_portfolio_value) < 0:
            return GetMaximumOrderQuantityResult(ZERO, "The cash model does not allow shorting.")
        return GetMaximumOrderQuantityResult(ZERO, "The security type must be Cryptoor Forex.")

    def _get_reserved_buying_power_for_position(self, parameters: ReservedBuyingPowerForPositionParameters) -> Decimal:
        return ZERO

    def _get_buying_power(self, parameters: BuyingPowerParameters) -> Decimal:
        return ZERO


@lean_api
class NullBuyingPowerModel(BuyingPowerModel):
    """Every order can be paid and no position needs margin."""

    def _get_maintenance_margin(self, parameters: MaintenanceMarginParameters) -> Decimal:
        return ZERO

    def _has_sufficient_buying_power_for_order(
        self, parameters: HasSufficientBuyingPowerForOrderParameters
    ) -> HasSufficientBuyingPowerForOrderResult:
        return parameters.sufficient()


BuyingPowerModel.NULL = NullBuyingPowerModel()
BuyingPowerModel.Null = BuyingPowerModel.NULL  # type: ignore[attr-defined]

_INTERFACE = (
    "get_leverage",
    "set_leverage",
    "get_maintenance_margin",
    "get_initial_margin_requirement",
    "get_initial_margin_required_for_order",
    "has_sufficient_buying_power_for_order",
    "get_maximum_order_quantity_for_target_buying_power",
    "get_maximum_order_quantity_for_delta_buying_power",
    "get_reserved_buying_power_for_position",
    "get_buying_power",
)


class UserBuyingPowerModel(BuyingPowerModel):
    """User code's buying power model. Source: Lean's ``BuyingPowerModelPythonWrapper``."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._methods = {name: user_method(model, name) for name in _INTERFACE}

    def _get_leverage(self, security: Security) -> Decimal:
        method = self._methods["get_leverage"]
        if method is None:
            return self._inherited._get_leverage(security)
        return exact_value(method(security), "get_leverage")

    def _set_leverage(self, security: Security, leverage: Decimal) -> None:
        method = self._methods["set_leverage"]
        if method is None:
            self._inherited._set_leverage(security, leverage)
        else:
            method(security, to_float(leverage))

    def _get_maintenance_margin(self, parameters: MaintenanceMarginParameters) -> Decimal:
        method = self._methods["get_maintenance_margin"]
        if method is None:
            return self._inherited._get_maintenance_margin(parameters)
        return exact_value(method(parameters), "get_maintenance_margin", "MaintenanceMargin")

    def _get_initial_margin_requirement(self, security: Security, quantity: Decimal) -> Decimal:
        method = self._methods["get_initial_margin_requirement"]
        if method is None:
            return self._inherited._get_initial_margin_requirement(security, quantity)
        return exact_value(
            method(InitialMarginParameters(security, quantity)), "get_initial_margin_requirement", "InitialMargin"
        )

    def _get_initial_margin_required_for_order(self, parameters: InitialMarginRequiredForOrderParameters) -> Decimal:
        method = self._methods["get_initial_margin_required_for_order"]
        if method is None:
            return self._inherited._get_initial_margin_required_for_order(parameters)
        return exact_value(method(parameters), "get_initial_margin_required_for_order", "InitialMargin")

    def _has_sufficient_buying_power_for_order(
        self, parameters: HasSufficientBuyingPowerForOrderParameters
    ) -> HasSufficientBuyingPowerForOrderResult:
        method = self._methods["has_sufficient_buying_power_for_order"]
        if method is None:
            return self._inherited._has_sufficient_buying_power_for_order(parameters)
        return instance(
            method(parameters), HasSufficientBuyingPowerForOrderResult, "has_sufficient_buying_power_for_order"
        )

    def _get_maximum_order_quantity_for_target_buying_power(
        self, parameters: GetMaximumOrderQuantityForTargetBuyingPowerParameters
    ) -> GetMaximumOrderQuantityResult:
        method = self._methods["get_maximum_order_quantity_for_target_buying_power"]
        if method is None:
            return self._inherited._get_maximum_order_quantity_for_target_buying_power(parameters)
        return instance(
            method(parameters), GetMaximumOrderQuantityResult, "get_maximum_order_quantity_for_target_buying_power"
        )

    def _get_maximum_order_quantity_for_delta_buying_power(
        self, parameters: GetMaximumOrderQuantityForDeltaBuyingPowerParameters
    ) -> GetMaximumOrderQuantityResult:
        method = self._methods["get_maximum_order_quantity_for_delta_buying_power"]
        if method is None:
            return self._inherited._get_maximum_order_quantity_for_delta_buying_power(parameters)
        return instance(
            method(parameters), GetMaximumOrderQuantityResult, "get_maximum_order_quantity_for_delta_buying_power"
        )

    def _get_reserved_buying_power_for_position(self, parameters: ReservedBuyingPowerForPositionParameters) -> Decimal:
        method = self._methods["get_reserved_buying_power_for_position"]
        if method is None:
            return self._inherited._get_reserved_buying_power_for_position(parameters)
        return exact_value(
            method(parameters), "get_reserved_buying_power_for_position", "ReservedBuyingPowerForPosition"
        )

    def _get_buying_power(self, parameters: BuyingPowerParameters) -> Decimal:
        method = self._methods["get_buying_power"]
        if method is None:
            return self._inherited._get_buying_power(parameters)
        return exact_value(method(parameters), "get_buying_power", "BuyingPower")

    @property
    def _inherited(self) -> BuyingPowerModel:
        model: BuyingPowerModel = self._model
        return model


def engine_buying_power_model(model: Any) -> BuyingPowerModel:
    """The model as the engine calls it."""
    if is_engine_class(model):
        engine: BuyingPowerModel = model
        return engine
    require(model, "IBuyingPowerModel", _INTERFACE)
    return UserBuyingPowerModel(model)
