"""The position in one security. Source: Lean's ``SecurityHolding`` and ``EquityHolding``."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from harness.embedded.clr import ZERO, decimal_text, div, from_python, mul, to_float
from harness.embedded.naming import lean_api
from harness.embedded.securities.arithmetic import net_add, net_sub, shown
from harness.embedded.securities.cash import ConvertibleCashAmount

if TYPE_CHECKING:
    from harness.embedded.enums import SecurityType
    from harness.embedded.reference.symbols import Symbol
    from harness.embedded.securities.security import Security


@lean_api
class SecurityHolding:
    """Quantity and average price held, and what trading the security has brought so far.

    ``quantity_changed`` is called after every change of the position.
    """

    __slots__ = (
        *("_average_price", "_invested", "_last_trade_profit", "_market_price", "_quantity", "_realized_profit"),
        *("_security", "_total_dividends", "_total_fees", "_total_sale_volume", "quantity_changed", "target"),
    )

    def __init__(self, security: Security) -> None:
        self._security = security
        self._average_price = ZERO
        self._quantity = ZERO
        self._invested = False
        self._market_price = ZERO
        self._total_sale_volume = ZERO
        self._realized_profit = ZERO
        self._last_trade_profit = ZERO
        self._total_fees = ZERO
        self._total_dividends = ZERO
        self.target: Any = None
        self.quantity_changed: Callable[[], None] | None = None

    # -- exact values --------------------------------------------------------------------------------------------

    @property
    def _price(self) -> Decimal:
        """Last market price; survives a reset of the security's cache, as a price once given to a holding does."""
        price = self._security.cache._price
        return price or self._market_price

    def _quantity_value(self, quantity: Decimal, price: Decimal) -> Decimal:
        """Value of a quantity in the account currency."""
        value = mul(price, quantity)
        security = self._security
        multiplier = security.symbol_properties._contract_multiplier
        if multiplier != 1:
            value = mul(value, multiplier)
        rate = security.quote_currency._conversion_rate
        return value if rate == 1 else mul(value, rate)

    @property
    def _holdings_cost(self) -> Decimal:
        return self._quantity_value(self._quantity, self._average_price) if self._quantity else ZERO

    @property
    def _holdings_value(self) -> Decimal:
        return self._quantity_value(self._quantity, self._price) if self._quantity else ZERO

    @property
    def _absolute_holdings_cost(self) -> Decimal:
        return self._holdings_cost.copy_abs()

    @property
    def _absolute_holdings_value(self) -> Decimal:
        return self._holdings_value.copy_abs()

    @property
    def _unlevered_holdings_cost(self) -> Decimal:
        return div(self._holdings_cost, self._leverage)

    @property
    def _unlevered_absolute_holdings_cost(self) -> Decimal:
        return self._unlevered_holdings_cost.copy_abs()

    @property
    def _leverage(self) -> Decimal:
        return self._security._buying_power_model._get_leverage(self._security)

    @property
    def _absolute_quantity(self) -> Decimal:
        return self._quantity.copy_abs()

    @property
    def _profit(self) -> Decimal:
        return net_add(self._realized_profit, self._total_dividends)

    @property
    def _net_profit(self) -> Decimal:
        return net_sub(self._profit, self._total_fees)

    @property
    def _unrealized_profit(self) -> Decimal:
        return self._total_close_profit() if self._invested else ZERO

    @property
    def _unrealized_profit_percent(self) -> Decimal:
        cost = self._absolute_holdings_cost
        return div(self._unrealized_profit, cost) if cost else ZERO

    def _total_close_profit(
        self,
        include_fees: bool = True,
        exit_price: Decimal | None = None,
        entry_price: Decimal | None = None,
        quantity: Decimal | None = None,
    ) -> Decimal:
        """Profit if the position were closed now: at the bid when long, at the ask otherwise, less the closing fee."""
        if quantity is None:
            if not self._invested:
                return ZERO
            quantity = self._quantity
        security = self._security
        fees = ZERO
        if include_fees:
            fees = security._market_order_fee(quantity.copy_negate())
        if exit_price is None:
            exit_price = security._bid_price if self._quantity > 0 else security._ask_price
        entry = self._quantity_value(quantity, self._average_price if entry_price is None else entry_price)
        return net_sub(net_sub(self._quantity_value(quantity, exit_price), entry), fees)

    # -- what user code sees -------------------------------------------------------------------------------------

    average_price = shown("_average_price")
    quantity = shown("_quantity")
    price = shown("_price")
    leverage = shown("_leverage")
    holdings_cost = shown("_holdings_cost")
    holdings_value = shown("_holdings_value")
    absolute_holdings_cost = shown("_absolute_holdings_cost")
    absolute_holdings_value = shown("_absolute_holdings_value")
    unlevered_holdings_cost = shown("_unlevered_holdings_cost")
    unlevered_absolute_holdings_cost = shown("_unlevered_absolute_holdings_cost")
    absolute_quantity = shown("_absolute_quantity")
    total_sale_volume = shown("_total_sale_volume")
    total_fees = shown("_total_fees")
    total_dividends = shown("_total_dividends")
    last_trade_profit = shown("_last_trade_profit")
    profit = shown("_profit")
    net_profit = shown("_net_profit")
    unrealized_profit = shown("_unrealized_profit")
    unrealized_profit_percent = shown("_unrealized_profit_percent")

    @property
    def symbol(self) -> Symbol:
        return self._security.symbol

    @property
    def type(self) -> SecurityType:
        return self._security.type

    @property
    def invested(self) -> bool:
        return self._invested

    hold_stock = invested

    @property
    def is_long(self) -> bool:
        return self._quantity > 0

    @property
    def is_short(self) -> bool:
        return self._quantity < 0

    def total_close_profit(
        self, include_fees: bool = True, exit_price: Any = None, entry_price: Any = None, quantity: Any = None
    ) -> float:
        given = [None if value is None else from_python(value) for value in (exit_price, entry_price, quantity)]
        return to_float(self._total_close_profit(include_fees, *given))

    def get_quantity_value(self, quantity: Any, price: Any = None) -> ConvertibleCashAmount:
        multiplier = self._security.symbol_properties._contract_multiplier
        given = self._price if price is None else from_python(price)
        amount = mul(mul(given, from_python(quantity)), multiplier)
        return ConvertibleCashAmount(amount, self._security.quote_currency)

    # -- changes -------------------------------------------------------------------------------------------------

    def add_new_fee(self, new_fee: Any) -> None:
        self._total_fees = net_add(self._total_fees, from_python(new_fee))

    def add_new_profit(self, profit_loss: Any) -> None:
        self._realized_profit = net_add(self._realized_profit, from_python(profit_loss))

    def add_new_sale(self, sale_value: Any) -> None:
        self._total_sale_volume = net_add(self._total_sale_volume, from_python(sale_value))

    def add_new_dividend(self, dividend: Any) -> None:
        self._total_dividends = net_add(self._total_dividends, from_python(dividend))

    def set_last_trade_profit(self, last_trade_profit: Any) -> None:
        self._last_trade_profit = from_python(last_trade_profit)

    def set_holdings(self, average_price: Any, quantity: Any) -> None:
        """Replace the position."""
        self._quantity = from_python(quantity)
        self._invested = self._quantity.copy_abs() >= self._security.symbol_properties._lot_size
        self._average_price = from_python(average_price)
        if self.quantity_changed is not None:
            self.quantity_changed()

    def update_market_price(self, closing_price: Any) -> None:
        self._market_price = from_python(closing_price)

    def __str__(self) -> str:
        return f"{self.symbol.value}: {decimal_text(self._quantity)} @ {decimal_text(self._average_price)}"

    __repr__ = __str__


@lean_api
class EquityHolding(SecurityHolding):
    """The position in a stock."""

    __slots__ = ()
