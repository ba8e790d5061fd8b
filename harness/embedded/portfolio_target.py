"""A quantity to hold of a security, or what leads to a share of the portfolio. Source: Lean's ``PortfolioTarget``."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from harness.embedded.binding import safe_decimal
from harness.embedded.clr import ZERO, decimal_text, div, from_python, mul, normalize, to_float
from harness.embedded.naming import lean_api
from harness.embedded.reference.symbols import Symbol, symbol_cache
from harness.embedded.securities.arithmetic import net_add
from harness.embedded.securities.messages import SMALL_REBALANCE_WARNING, zero_price_message


def _as_symbol(symbol: Any) -> Symbol:
    if isinstance(symbol, Symbol):
        return symbol
    if isinstance(symbol, str):
        return symbol_cache.get_symbol(symbol)
    found: Symbol = symbol.symbol
    return found


@lean_api
class PortfolioTarget:
    """``quantity`` is units to hold, or a share of the portfolio where ``set_holdings`` takes the target."""

    __slots__ = ("_quantity", "symbol", "tag")

    minimum_order_margin_percentage_warning_sent: ClassVar[bool | None] = None
    """None until an order was left out for its small margin, then False until the warning was shown, then True."""

    def __init__(self, symbol: Any, quantity: Any, tag: str = "") -> None:
        self.symbol = _as_symbol(symbol)
        self._quantity = from_python(quantity)
        self.tag = tag

    @property
    def quantity(self) -> float:
        return to_float(self._quantity)

    @staticmethod
    def percent(
        algorithm: Any, symbol: Any, percent: Any, return_delta_quantity: bool | str | None = None, tag: str = ""
    ) -> PortfolioTarget | None:
        """The target that makes ``symbol`` a share of the portfolio's value less its free buffer.

        With ``return_delta_quantity`` the quantity is what to order. ``None``, after an error in the algorithm's log,
        when the share is out of the settings' range, the security is unknown or has no price, or margin says no.
        """
        # The overloads for ``double`` have no such flag, and take Python's own floats alone.
        is_double = type(percent) is float and (return_delta_quantity is None or isinstance(return_delta_quantity, str))
        if isinstance(return_delta_quantity, str):
            tag, return_delta_quantity = return_delta_quantity, False
        exact = safe_decimal(percent) if is_double else from_python(percent)
        settings, portfolio = algorithm.settings, algorithm.portfolio
        largest = settings._max_absolute_portfolio_target_percentage
        smallest = settings._min_absolute_portfolio_target_percentage
        size = abs(exact)
        if size > largest or (size != 0 and size < smallest):
            algorithm.error(
                f"The portfolio target percent: {decimal_text(exact)}, does not comply with the current "
                f"'self.settings.max_absolute_portfolio_target_percentage': {decimal_text(largest)} or "
                f"'self.settings.min_absolute_portfolio_target_percentage': {decimal_text(smallest)}. Skipping"
            )
            return None
        key = _as_symbol(symbol)
        security = algorithm.securities.get(key)
        if security is None:
            algorithm.error(f"{key} not found in portfolio. Request this data when initializing the algorithm.")
            return None
        if security._price == 0:
            algorithm.error(zero_price_message(key))
            return None
        result = _order_for_share(portfolio, security, exact, settings._minimum_order_margin_portfolio_percentage)
        if result.is_error:
            algorithm.error(f"Unable to compute order quantity of {key}. Reason: {result.reason} Returning null.")
            return None
        if PortfolioTarget.minimum_order_margin_percentage_warning_sent is False:
            PortfolioTarget.minimum_order_margin_percentage_warning_sent = True
            algorithm.debug(SMALL_REBALANCE_WARNING)
        lot = security.symbol_properties._lot_size
        quantity = mul(div(result._quantity, lot), lot)
        held = ZERO if return_delta_quantity else security.holdings._quantity
        return PortfolioTarget(key, net_add(quantity, held), tag)

    def __str__(self) -> str:
        text = f"{self.symbol}: {decimal_text(normalize(self._quantity))}"
        return f"{text} ({self.tag})" if self.tag else text

    __repr__ = __str__


def _order_for_share(portfolio: Any, security: Any, share: Decimal, minimum: Decimal) -> Any:
    from harness.embedded.models.parameters import GetMaximumOrderQuantityForTargetBuyingPowerParameters

    model = security._buying_power_model
    value = portfolio._total_portfolio_value
    if value == 0:
        raise ZeroDivisionError("Attempted to divide by zero.")
    adjusted = div(mul(share, portfolio._total_portfolio_value_less_free_buffer), value)
    target = div(adjusted, model._get_leverage(security))
    return model._get_maximum_order_quantity_for_target_buying_power(
        GetMaximumOrderQuantityForTargetBuyingPowerParameters(portfolio, security, target, minimum)
    )
