"""What models are asked and what they answer. Source: Lean's parameter and result classes in ``Common/Securities``.

Numbers are exact under ``_name``; user code reads floats under ``name`` and may build these objects from any number.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from harness.embedded.clr import ZERO, from_python, to_float
from harness.embedded.enums import OrderDirection
from harness.embedded.naming import lean_api
from harness.embedded.securities.arithmetic import shown


class _Amount:
    """One exact number with a name of its own."""

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = from_python(value)

    def __float__(self) -> float:
        return to_float(self._value)


@lean_api
class InitialMargin(_Amount):
    """Margin needed to open or keep open a quantity, in the account currency."""

    __slots__ = ()
    ZERO: ClassVar[InitialMargin]
    value = shown("_value")


@lean_api
class OptionInitialMargin(InitialMargin):
    """Present for annotations only."""

    __slots__ = ()


@lean_api
class MaintenanceMargin(_Amount):
    """Margin that must stay to hold a quantity, in the account currency."""

    __slots__ = ()
    ZERO: ClassVar[MaintenanceMargin]
    value = shown("_value")


@lean_api
class BuyingPower(_Amount):
    """What is left for an order, in the account currency."""

    __slots__ = ()
    value = shown("_value")


@lean_api
class ReservedBuyingPowerForPosition(_Amount):
    """What a position takes, in the account currency."""

    __slots__ = ()
    absolute_used_buying_power = shown("_value")


InitialMargin.ZERO = InitialMargin(ZERO)
MaintenanceMargin.ZERO = MaintenanceMargin(ZERO)


@lean_api
class InitialMarginParameters:
    """A security and a signed quantity."""

    __slots__ = ("_quantity", "security")

    def __init__(self, security: Any, quantity: Any) -> None:
        self.security = security
        self._quantity = from_python(quantity)

    quantity = shown("_quantity")


@lean_api
class InitialMarginRequiredForOrderParameters:
    """A security, an order and what converts its fee."""

    __slots__ = ("currency_converter", "order", "security")

    def __init__(self, currency_converter: Any, security: Any, order: Any) -> None:
        self.currency_converter = currency_converter
        self.security = security
        self.order = order


@lean_api
class MaintenanceMarginParameters:
    """A security, a signed quantity, and what it cost and is worth."""

    __slots__ = ("_holdings_cost", "_holdings_value", "_quantity", "security")

    def __init__(self, security: Any, quantity: Any, holdings_cost: Any, holdings_value: Any) -> None:
        self.security = security
        self._quantity = from_python(quantity)
        self._holdings_cost = from_python(holdings_cost)
        self._holdings_value = from_python(holdings_value)

    @staticmethod
    def for_current_holdings(security: Any) -> MaintenanceMarginParameters:
        holdings = security.holdings
        return MaintenanceMarginParameters(
            security, holdings._quantity, holdings._holdings_cost, holdings._holdings_value
        )

    @staticmethod
    def for_quantity_at_current_price(security: Any, quantity: Any) -> MaintenanceMarginParameters:
        # Asked for every position at every order: filled in without the constructor's conversions.
        parameters = MaintenanceMarginParameters.__new__(MaintenanceMarginParameters)
        holdings = security.holdings
        parameters.security = security
        parameters._quantity = from_python(quantity)
        value = holdings._quantity_value(parameters._quantity, holdings._price)
        parameters._holdings_cost = parameters._holdings_value = value
        return parameters

    @property
    def _absolute_quantity(self) -> Decimal:
        return self._quantity.copy_abs()

    @property
    def _absolute_holdings_cost(self) -> Decimal:
        return self._holdings_cost.copy_abs()

    @property
    def _absolute_holdings_value(self) -> Decimal:
        return self._holdings_value.copy_abs()

    quantity = shown("_quantity")
    holdings_cost = shown("_holdings_cost")
    holdings_value = shown("_holdings_value")
    absolute_quantity = shown("_absolute_quantity")
    absolute_holdings_cost = shown("_absolute_holdings_cost")
    absolute_holdings_value = shown("_absolute_holdings_value")


@lean_api
class ReservedBuyingPowerForPositionParameters:
    """A security whose position is asked about."""

    __slots__ = ("security",)

    def __init__(self, security: Any) -> None:
        self.security = security

    def result_in_account_currency(self, reserved_buying_power: Any) -> ReservedBuyingPowerForPosition:
        return ReservedBuyingPowerForPosition(reserved_buying_power)


@lean_api
class BuyingPowerParameters:
    """A portfolio, a security and the direction of a future order."""

    __slots__ = ("direction", "portfolio", "security")

    def __init__(self, portfolio: Any, security: Any, direction: OrderDirection) -> None:
        self.portfolio = portfolio
        self.security = security
        self.direction = direction

    def result(self, buying_power: Any, currency: str) -> BuyingPower:
        return BuyingPower(buying_power)

    def result_in_account_currency(self, buying_power: Any) -> BuyingPower:
        return BuyingPower(buying_power)


@lean_api
class HasSufficientBuyingPowerForOrderResult:
    """Whether an order can be paid, and why not."""

    __slots__ = ("is_sufficient", "reason")

    def __init__(self, is_sufficient: bool, reason: str | None = None) -> None:
        self.is_sufficient = is_sufficient
        self.reason = reason or ""


@lean_api
class HasSufficientBuyingPowerForOrderParameters:
    """A portfolio, a security and an order."""

    __slots__ = ("order", "portfolio", "security")

    def __init__(self, portfolio: Any, security: Any, order: Any) -> None:
        self.portfolio = portfolio
        self.security = security
        self.order = order

    def sufficient(self) -> HasSufficientBuyingPowerForOrderResult:
        return HasSufficientBuyingPowerForOrderResult(True)

    def insufficient(self, reason: str) -> HasSufficientBuyingPowerForOrderResult:
        return HasSufficientBuyingPowerForOrderResult(False, reason)


@lean_api
class GetMaximumOrderQuantityResult:
    """How many units to order; ``is_error`` defaults to whether there is a reason."""

    __slots__ = ("_quantity", "is_error", "reason")

    def __init__(self, quantity: Any, reason: str | None = None, is_error: bool | None = None) -> None:
        self._quantity = from_python(quantity)
        self.reason = reason or ""
        self.is_error = bool(self.reason) if is_error is None else is_error

    quantity = shown("_quantity")


@lean_api
class GetMaximumOrderQuantityForTargetBuyingPowerParameters:
    """A target share of the portfolio's value, as margin."""

    __slots__ = (
        *("_minimum_order_margin_portfolio_percentage", "_target_buying_power"),
        *("portfolio", "security", "silence_non_error_reasons"),
    )

    def __init__(
        self,
        portfolio: Any,
        security: Any,
        target_buying_power: Any,
        minimum_order_margin_portfolio_percentage: Any,
        silence_non_error_reasons: bool = False,
    ) -> None:
        self.portfolio = portfolio
        self.security = security
        self._target_buying_power = from_python(target_buying_power)
        self._minimum_order_margin_portfolio_percentage = from_python(minimum_order_margin_portfolio_percentage)
        self.silence_non_error_reasons = silence_non_error_reasons

    target_buying_power = shown("_target_buying_power")
    minimum_order_margin_portfolio_percentage = shown("_minimum_order_margin_portfolio_percentage")


@lean_api
class GetMaximumOrderQuantityForDeltaBuyingPowerParameters:
    """A change of the margin used, in the account currency."""

    __slots__ = (
        *("_delta_buying_power", "_minimum_order_margin_portfolio_percentage"),
        *("portfolio", "security", "silence_non_error_reasons"),
    )

    def __init__(
        self,
        portfolio: Any,
        security: Any,
        delta_buying_power: Any,
        minimum_order_margin_portfolio_percentage: Any,
        silence_non_error_reasons: bool = False,
    ) -> None:
        self.portfolio = portfolio
        self.security = security
        self._delta_buying_power = from_python(delta_buying_power)
        self._minimum_order_margin_portfolio_percentage = from_python(minimum_order_margin_portfolio_percentage)
        self.silence_non_error_reasons = silence_non_error_reasons

    delta_buying_power = shown("_delta_buying_power")
    minimum_order_margin_portfolio_percentage = shown("_minimum_order_margin_portfolio_percentage")


@lean_api
class ApplyFundsSettlementModelParameters:
    """Money of a fill that a settlement model books."""

    __slots__ = ("cash_amount", "fill", "portfolio", "security", "utc_time")

    def __init__(
        self, portfolio: Any, security: Any, application_time_utc: datetime, cash_amount: Any, fill: Any = None
    ) -> None:
        self.portfolio = portfolio
        self.security = security
        self.utc_time = application_time_utc
        self.cash_amount = cash_amount
        self.fill = fill


@lean_api
class ScanSettlementModelParameters:
    """The moment at which a settlement model looks at what has settled."""

    __slots__ = ("portfolio", "security", "utc_time")

    def __init__(self, portfolio: Any, security: Any, time_utc: datetime) -> None:
        self.portfolio = portfolio
        self.security = security
        self.utc_time = time_utc


@lean_api
class MarginInterestRateParameters:
    """A security and the UTC time at which interest is due."""

    __slots__ = ("security", "time")

    def __init__(self, security: Any, time: datetime) -> None:
        self.security = security
        self.time = time


@lean_api
class MarginCallOrdersParameters:
    """One position of a portfolio that is short of margin."""

    __slots__ = ("_total_portfolio_value", "_total_used_margin", "position_group")

    def __init__(self, position_group: Any, total_portfolio_value: Any, total_used_margin: Any) -> None:
        self.position_group = position_group
        self._total_portfolio_value = from_python(total_portfolio_value)
        self._total_used_margin = from_python(total_used_margin)

    total_portfolio_value = shown("_total_portfolio_value")
    total_used_margin = shown("_total_used_margin")
