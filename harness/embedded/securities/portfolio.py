"""Cash, positions, value and margin of the account. Source: Lean's ``SecurityPortfolioManager``.

The value is kept until something changes; while nothing is held, asking for it touches no security.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from harness.embedded.clr import ZERO, div, from_python, mul, to_float, truncate
from harness.embedded.data import KeyValuePair
from harness.embedded.enums import DataNormalizationMode, OrderDirection, SecurityType
from harness.embedded.models.fees import UserFeeModel
from harness.embedded.models.margin_call import DefaultMarginCallModel, engine_margin_call_model
from harness.embedded.models.parameters import (
    HasSufficientBuyingPowerForOrderParameters,
    HasSufficientBuyingPowerForOrderResult,
    MarginInterestRateParameters,
    ScanSettlementModelParameters,
)
from harness.embedded.naming import lean_api
from harness.embedded.not_supported import NotSupportedError
from harness.embedded.securities.arithmetic import net_add, shown
from harness.embedded.securities.cash import CashBook
from harness.embedded.securities.manager import Listing
from harness.embedded.securities.positions import SecurityPositionGroupModel
from harness.embedded.uncovered import refuses_uncovered

if TYPE_CHECKING:
    from harness.embedded.clock import Clock
    from harness.embedded.reference.symbols import Symbol
    from harness.embedded.securities.holding import SecurityHolding
    from harness.embedded.securities.manager import SecurityManager
    from harness.embedded.securities.security import Security
    from harness.embedded.settings import AlgorithmSettings


@refuses_uncovered("SecurityPortfolioManager")
@lean_api
class SecurityPortfolioManager:
    """``algorithm.portfolio``. Indexing by symbol or ticker gives the holding of a security."""

    _observer: Any = None
    """Its ``before_change()`` is called before cash or positions change."""

    def __init__(
        self,
        securities: SecurityManager,
        transactions: Any,
        settings: AlgorithmSettings,
        clock: Clock,
        default_order_properties: Any = None,
    ) -> None:
        self.securities = securities
        self.transactions = transactions
        self._settings = settings
        self._clock = clock
        self._account_currency_set = False
        self._total_cache: Decimal | None = None
        """The account's value until something changes; the loop sets it to ``None`` at every step."""
        self._held: dict[Symbol, Security] = {}
        """Securities with at least one lot, in the order of the securities."""
        self.version = 0
        """Grows with every change of cash, positions and models (not of prices)."""
        self.may_be_ruined = False
        """Whether prices alone could make the account worthless: something is short, or cash is used up."""
        self.cash_book = CashBook()
        self.unsettled_cash_book = CashBook()
        for book in (self.cash_book, self.unsettled_cash_book):
            book._updated = self.invalidate_total_portfolio_value
            book._changing = self._before_change
        self._base_cash = self.cash_book["USD"]
        self._base_cash.set_amount(100_000)
        self.positions = SecurityPositionGroupModel(securities, self._positions_changed)
        self.margin_call_model = DefaultMarginCallModel(self, default_order_properties)
        self._scanned: list[Security] | None = None
        self.models_version = 0
        """Grows whenever a security gets another model, comes or goes."""
        self.feeds_volatility = False
        """Whether a security has a volatility model that wants its data."""
        for security in securities.values():
            security._models_changed = self._forget_scanned
        securities.changed.append(self._securities_changed)

    # -- the hourly scan -----------------------------------------------------------------------------------------

    def _securities_changed(self, security: Security, added: bool) -> None:
        security._models_changed = self._forget_scanned if added else None
        self._scanned = None
        self._models_have_changed()
        self._total_cache = None

    def _before_change(self) -> None:
        if self._observer is not None:
            self._observer.before_change()

    def _positions_changed(self) -> None:
        self._held = {security.symbol: security for security in self.positions.held}
        self.invalidate_total_portfolio_value()

    def _forget_scanned(self) -> None:
        self._scanned = None
        self.version += 1
        self._models_have_changed()

    def _models_have_changed(self) -> None:
        self.models_version += 1
        self.feeds_volatility = any(
            security._volatility_model.needs_update for security in self.securities._securities.values()
        )

    def _models_to_scan(self) -> list[Security]:
        if self._scanned is None:
            self._scanned = [
                security
                for security in self.securities._securities.values()
                if security._settlement_model.needs_scan or security._margin_interest_rate_model.needs_scan
            ]
        return self._scanned

    def _scan_models(self, utc_time: datetime) -> None:
        """Book the interest of each security, and move what has settled into the cash book, as Lean does once an hour.

        Source: ``AlgorithmManager.Run``, which does both for one security before it comes to the next.
        """
        for security in self._models_to_scan():
            security._margin_interest_rate_model._apply_margin_interest_rate(
                MarginInterestRateParameters(security, utc_time)
            )
            security._settlement_model._scan(ScanSettlementModelParameters(self, security, utc_time))

    # -- exact values --------------------------------------------------------------------------------------------

    @property
    def _cash(self) -> Decimal:
        return self.cash_book._total_value_in_account_currency

    @property
    def _unsettled_cash(self) -> Decimal:
        return self.unsettled_cash_book._total_value_in_account_currency

    @property
    def _total_portfolio_value(self) -> Decimal:
        value = self._total_cache
        if value is None:
            holdings = ZERO
            for security in self._held.values():
                holdings = holdings + security.holdings._holdings_value
            value = self._total_cache = self._cash + self._unsettled_cash + holdings
        return value

    def invalidate_total_portfolio_value(self) -> None:
        """Prices, cash or positions have changed."""
        self.version += 1
        self._total_cache = None
        self.may_be_ruined = self._cash <= 0 or any(item.holdings._quantity < 0 for item in self._held.values())

    @property
    def _total_portfolio_value_less_free_buffer(self) -> Decimal:
        value = self._total_portfolio_value
        free = self._settings._free_portfolio_value
        if free is None:
            free = mul(value, self._settings._free_portfolio_value_percentage)
        return value - free

    def _sum(self, attribute: str) -> Decimal:
        total = ZERO
        for security in self.positions.not_flat:
            total = net_add(total, getattr(security.holdings, attribute))
        return total

    def _sum_of_all(self, attribute: str) -> Decimal:
        total = ZERO
        for security in self.securities._all.values():
            total = net_add(total, getattr(security.holdings, attribute))
        return total

    @property
    def _total_unlevered_absolute_holdings_cost(self) -> Decimal:
        return self._sum("_unlevered_absolute_holdings_cost")

    @property
    def _total_absolute_holdings_cost(self) -> Decimal:
        return self._sum("_absolute_holdings_cost")

    @property
    def _total_holdings_value(self) -> Decimal:
        return self._sum("_absolute_holdings_value")

    @property
    def _total_unrealized_profit(self) -> Decimal:
        return self._sum("_unrealized_profit")

    @property
    def _asks_fee_models(self) -> bool:
        """Whether valuing the positions calls user code: Lean does it at the end of every time step.

        Source: ``BaseResultsHandler.UpdatePortfolioValues``, which asks every position what closing it would cost.
        """
        return any(isinstance(security._fee_model, UserFeeModel) for security in self.positions.held)

    @property
    def _total_fees(self) -> Decimal:
        return self._sum_of_all("_total_fees")

    @property
    def _total_profit(self) -> Decimal:
        return self._sum_of_all("_profit")

    @property
    def _total_net_profit(self) -> Decimal:
        return self._sum_of_all("_net_profit")

    @property
    def _total_sale_volume(self) -> Decimal:
        return self._sum_of_all("_total_sale_volume")

    @property
    def _total_margin_used(self) -> Decimal:
        return self.positions._total_margin_used

    def _get_margin_remaining(self, total_portfolio_value: Decimal | None = None) -> Decimal:
        value = self._total_portfolio_value if total_portfolio_value is None else total_portfolio_value
        return value - self._unsettled_cash - self._total_margin_used

    @property
    def _margin_remaining(self) -> Decimal:
        return self._get_margin_remaining()

    # -- what user code sees -------------------------------------------------------------------------------------

    cash = shown("_cash")
    unsettled_cash = shown("_unsettled_cash")
    total_portfolio_value = shown("_total_portfolio_value")
    total_portfolio_value_less_free_buffer = shown("_total_portfolio_value_less_free_buffer")
    total_unlevered_absolute_holdings_cost = shown("_total_unlevered_absolute_holdings_cost")
    total_absolute_holdings_cost = shown("_total_absolute_holdings_cost")
    total_holdings_value = shown("_total_holdings_value")
    total_unrealized_profit = shown("_total_unrealized_profit")
    total_unrealised_profit = shown("_total_unrealized_profit")
    total_fees = shown("_total_fees")
    total_profit = shown("_total_profit")
    total_net_profit = shown("_total_net_profit")
    total_sale_volume = shown("_total_sale_volume")
    total_margin_used = shown("_total_margin_used")
    margin_remaining = shown("_margin_remaining")

    @property
    def invested(self) -> bool:
        return bool(self._held)

    hold_stock = invested

    def get_margin_remaining(self, symbol: Any, direction: OrderDirection = OrderDirection.BUY) -> float:
        """Margin for an order of ``symbol``; given a number, what a portfolio of that value has left."""
        if isinstance(symbol, (int, float, Decimal)) and not isinstance(symbol, bool):
            return to_float(self._get_margin_remaining(from_python(symbol)))
        return to_float(self._position_buying_power(self.securities[symbol], direction))

    def get_buying_power(self, symbol: Any, direction: OrderDirection = OrderDirection.BUY) -> float:
        return self.get_margin_remaining(symbol, direction)

    def _position_buying_power(self, security: Security, direction: OrderDirection) -> Decimal:
        power = self._margin_remaining
        holdings = security.holdings
        if holdings._invested:
            closing = OrderDirection.SELL if holdings.is_long else OrderDirection.BUY
            if direction is closing:
                group = next(item for item in self.positions.groups if item.position.symbol == security.symbol)
                model = security._buying_power_model
                power = power + group._reserved_buying_power()
                power = power + model._get_initial_margin_requirement(security, holdings._quantity).copy_abs()
        return power

    # -- settings ------------------------------------------------------------------------------------------------

    def set_cash(self, *arguments: Any, **named: Any) -> None:
        """``set_cash(amount)``, or ``set_cash("USD", amount, rate)``. Raises for another currency."""
        values = [*arguments, *named.values()]
        if values and isinstance(values[0], str):
            if values[0].upper() != self.cash_book.account_currency:
                raise NotSupportedError("set_cash", f"currency {values[0]}: only USD is covered")
            values = values[1:]
        self._base_cash.set_amount(values[0])

    def set_account_currency(self, account_currency: str, starting_cash: Any = None) -> None:
        """Only the US dollar is covered; the first call counts. Raises ``RuntimeError`` once there are securities."""
        if self._account_currency_set:
            return
        self._account_currency_set = True
        if len(self.securities):
            raise RuntimeError(
                "SecurityPortfolioManager.SetAccountCurrency(): Cannot change AccountCurrency after adding a Security. "
                "Please move set_account_currency() before add_security()."
            )
        if account_currency.upper() != self.cash_book.account_currency:
            raise NotSupportedError("set_account_currency", f"currency {account_currency}: only USD is covered")
        if starting_cash is not None:
            self.set_cash(starting_cash)

    @property
    def margin_call_model(self) -> Any:
        return self._given_margin_call_model

    @margin_call_model.setter
    def margin_call_model(self, model: Any) -> None:
        self._given_margin_call_model = model
        self._margin_call_model = engine_margin_call_model(model)

    def set_margin_call_model(self, margin_call_model: Any) -> None:
        self.margin_call_model = margin_call_model

    def set_positions(self, position_group_model: Any) -> None:
        raise NotSupportedError("SecurityPortfolioManager.set_positions")

    # -- changes -------------------------------------------------------------------------------------------------

    def process_fills(self, fills: list[Any]) -> None:
        """Book fills one after the other."""
        self._before_change()
        for fill in fills:
            security = self.securities[fill.symbol]
            security.portfolio_model.process_fill(self, security, fill)
        self._total_cache = None

    def apply_dividend(self, dividend: Any, live_mode: bool, mode: DataNormalizationMode) -> None:
        """Pay a dividend, unless the prices are adjusted for it."""
        if live_mode or mode not in (DataNormalizationMode.RAW, DataNormalizationMode.SPLIT_ADJUSTED):
            return
        security = self.securities[dividend.symbol]
        total = mul(security.holdings._quantity, dividend._distribution)
        rate = security.quote_currency._conversion_rate
        if rate != 1:
            total = mul(total, rate)
        self._base_cash.add_amount(total)
        security.holdings.add_new_dividend(total)

    def apply_split(self, split: Any, security: Security, live_mode: bool, mode: DataNormalizationMode) -> None:
        """Scale a position whose prices are raw; a fraction of a share is paid in cash."""
        if security.type != SecurityType.EQUITY or (not live_mode and mode != DataNormalizationMode.RAW):
            return
        self._before_change()
        factor: Decimal = split._split_factor
        holdings = security.holdings
        quantity = div(holdings._quantity, factor)
        average = mul(holdings._average_price, factor)
        whole = truncate(quantity)
        left_over = quantity - whole
        holdings.set_holdings(average, whole)
        last = security.cache.last_data()
        if last is None:
            self._base_cash.add_amount(mul(mul(left_over, split._reference_price), factor))
            return
        security.apply_split(split)
        # The last bar itself was scaled by the split.
        self._base_cash.add_amount(mul(left_over, security.cache.last_data()._value))
        self._total_cache = None

    def has_sufficient_buying_power_for_order(self, orders: list[Any]) -> HasSufficientBuyingPowerForOrderResult:
        """The first refusal, or consent."""
        result = HasSufficientBuyingPowerForOrderResult(True)
        for order in orders:
            security = self.securities[order.symbol]
            result = security._buying_power_model._has_sufficient_buying_power_for_order(
                HasSufficientBuyingPowerForOrderParameters(self, security, order)
            )
            if not result.is_sufficient:
                break
        return result

    def add_transaction_record(self, time: datetime, transaction_profit_loss: Any, is_win: bool) -> None:
        self.transactions.add_transaction_record(time, from_python(transaction_profit_loss), is_win)

    def log_margin_information(self, order_request: Any = None) -> None:
        """Lean writes margin figures to the engine's own log, which is not part of a backtest's results."""

    # -- dictionary ----------------------------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> SecurityHolding:
        return self.securities[key].holdings

    def get(self, key: Any, default: Any = None) -> Any:
        security = self.securities.get(key)
        return default if security is None else security.holdings

    def __contains__(self, key: object) -> bool:
        return key in self.securities

    def contains_key(self, key: Any) -> bool:
        return key in self.securities

    def try_get_value(self, key: Any) -> tuple[bool, SecurityHolding | None]:
        holding = self.get(key)
        return holding is not None, holding

    def __len__(self) -> int:
        return len(self.securities)

    @property
    def count(self) -> int:
        return len(self.securities)

    def __iter__(self) -> Iterator[KeyValuePair]:
        return iter(self.items())

    def keys(self) -> list[Symbol]:
        return self.securities.keys()

    def values(self) -> list[SecurityHolding]:
        return [security.holdings for security in self.securities._securities.values()]

    def items(self) -> list[KeyValuePair]:
        return [KeyValuePair(symbol, security.holdings) for symbol, security in self.securities._securities.items()]


SecurityPortfolioManager.Keys = property(lambda self: Listing(self.keys()))  # type: ignore[attr-defined]
SecurityPortfolioManager.Values = property(lambda self: Listing(self.values()))  # type: ignore[attr-defined]
