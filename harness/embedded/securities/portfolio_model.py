"""What a fill does to cash and position. Source: Lean's ``SecurityPortfolioModel``."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from harness.embedded.clr import ONE, ZERO, add, div, mul
from harness.embedded.enums import OrderDirection
from harness.embedded.model_errors import is_of_user_code
from harness.embedded.models.parameters import ApplyFundsSettlementModelParameters
from harness.embedded.naming import lean_api
from harness.embedded.not_supported import NotSupportedError
from harness.embedded.orders.fees import CashAmount
from harness.embedded.securities.arithmetic import net_add, net_sub

if TYPE_CHECKING:
    from harness.embedded.securities.portfolio import SecurityPortfolioManager
    from harness.embedded.securities.security import Security

_TWO = Decimal(2)


def _merged_price(average: Decimal, held: Decimal, price: Decimal, filled: Decimal) -> Decimal:
    return div(add(mul(average, held), mul(filled, price)), net_add(held, filled))


@lean_api
class SecurityPortfolioModel:
    """Books sale, fee, money, profit and position, in this order."""

    def process_fill(self, portfolio: SecurityPortfolioManager, security: Security, fill: Any) -> None:
        """An error on the way, such as one of user code's settlement model, leaves the position as it was.

        Lean writes it to its own log alone.
        """
        holdings = security.holdings
        average, held = holdings._average_price, holdings._quantity
        try:
            average, held = self._book(portfolio, security, fill)
        except NotSupportedError:
            raise
        except Exception as error:
            if not is_of_user_code(error):
                raise
        holdings.set_holdings(average, held)

    def _book(self, portfolio: SecurityPortfolioManager, security: Security, fill: Any) -> tuple[Decimal, Decimal]:
        """Average price and quantity of the position after the fill."""
        holdings = security.holdings
        was_long, was_short = holdings.is_long, holdings.is_short
        held, average = holdings._quantity, holdings._average_price
        filled: Decimal = fill._fill_quantity
        price: Decimal = fill._fill_price
        buys = fill.direction == OrderDirection.BUY
        sells = fill.direction == OrderDirection.SELL

        holdings.add_new_sale(holdings._quantity_value(filled.copy_abs(), price))
        fee = ZERO
        if fill.order_fee is not None and fill.order_fee.value._amount != 0:
            fee = portfolio.cash_book._to_account_currency(fill.order_fee.value)
            holdings.add_new_fee(fee)
            fill.order_fee.apply_to_portfolio(portfolio, fill)

        cost = mul(mul(filled.copy_negate(), price), security.symbol_properties._contract_multiplier)
        security._settlement_model._apply_funds(
            ApplyFundsSettlementModelParameters(
                portfolio, security, fill._utc_time, CashAmount(cost, security.quote_currency.symbol), fill
            )
        )

        if (was_long and sells) or (was_short and buys):
            profit = self._close_profit(security, filled, price)
            holdings.add_new_profit(profit)
            holdings.set_last_trade_profit(profit)
            # The entry's fee is taken to be that of the exit.
            net = net_sub(profit, mul(_TWO, fee))
            portfolio.transactions.add_transaction_record(security._utc_time, net, net > 0)

        if held == 0:
            average, held = price, filled
        elif (was_long and buys) or (was_short and sells):
            average = _merged_price(average, held, price, filled)
            held = net_add(held, filled)
        elif buys or sells:
            held = net_add(held, filled)
            if held == 0:
                average = ZERO
            elif (held > 0) is not was_long:
                average = price
        return average, held

    @staticmethod
    def _close_profit(security: Security, filled: Decimal, price: Decimal) -> Decimal:
        """Profit of the part of a position that a fill closes, before fees, in the account currency."""
        holdings = security.holdings
        closed = min(filled.copy_abs(), holdings._absolute_quantity)
        if filled > 0:
            closed = closed.copy_negate()
        multiplier = security.symbol_properties._contract_multiplier
        cost = mul(holdings._average_price, closed)
        sale = mul(price, closed)
        if multiplier != ONE:
            cost, sale = mul(cost, multiplier), mul(sale, multiplier)
        profit = net_sub(sale, cost)
        rate = security.quote_currency._conversion_rate
        return profit if rate == 1 else mul(profit, rate)
