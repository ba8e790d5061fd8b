"""A small account with one or two stocks whose prices a test sets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from harness.embedded import clr
from harness.embedded.clock import Clock, to_us
from harness.embedded.data import TradeBar
from harness.embedded.enums import OrderDirection
from harness.embedded.feed.security_cache import Cursor, SecurityCache
from harness.embedded.orders import CashAmount, MarketOrder, OrderFee
from harness.embedded.reference.market_hours import (
    LocalMarketHours,
    MarketHoursSegment,
    MarketHoursState,
    SecurityExchangeHours,
)
from harness.embedded.reference.symbol_properties import SymbolProperties
from harness.embedded.reference.symbols import Symbol, symbol_cache
from harness.embedded.securities import Equity, SecurityManager, SecurityPortfolioManager
from harness.embedded.settings import AlgorithmSettings

NOON = datetime(2025, 10, 6, 16, 0)  # 12:00 in New York, a Monday


def us_hours(holidays: tuple[Any, ...] = ()) -> SecurityExchangeHours:
    segments = [
        MarketHoursSegment(MarketHoursState.PRE_MARKET, timedelta(hours=4), timedelta(hours=9, minutes=30)),
        MarketHoursSegment(MarketHoursState.MARKET, timedelta(hours=9, minutes=30), timedelta(hours=16)),
        MarketHoursSegment(MarketHoursState.POST_MARKET, timedelta(hours=16), timedelta(hours=20)),
    ]
    week = {day: LocalMarketHours(day, segments) for day in range(5)}
    return SecurityExchangeHours("America/New_York", week, holidays)


@dataclass
class Ticket:
    """What the buying power check reads of an order ticket."""

    _quantity_filled: Decimal = Decimal(0)


class Transactions:
    """Remembers what is recorded; every order has a ticket unless it is unknown."""

    def __init__(self) -> None:
        self.records: list[tuple[datetime, Decimal, bool]] = []
        self.tickets: dict[int, Ticket] = {}

    def get_order_ticket(self, order_id: int) -> Ticket | None:
        return self.tickets.get(order_id)

    def add_transaction_record(self, time: datetime, profit_loss: Decimal, is_win: bool) -> None:
        self.records.append((time, profit_loss, is_win))


@dataclass
class Fill:
    """What booking a fill reads of an order event."""

    symbol: Symbol
    _fill_quantity: Decimal
    _fill_price: Decimal
    order_fee: OrderFee
    _utc_time: datetime = NOON

    @property
    def direction(self) -> OrderDirection:
        return OrderDirection.BUY if self._fill_quantity > 0 else OrderDirection.SELL


class World:
    """``world.buy("SPY", 10, "100.5")`` books a fill; prices are set with ``price``."""

    def __init__(self, *tickers: str, cash: int = 100_000, holidays: tuple[Any, ...] = ()) -> None:
        clr.use_engine_context()
        self.clock = Clock(to_us(NOON))
        self.transactions = Transactions()
        self.settings = AlgorithmSettings()
        self.securities = SecurityManager(self.clock)
        self.portfolio = SecurityPortfolioManager(self.securities, self.transactions, self.settings, self.clock)
        self.portfolio.set_cash(cash)
        self.messages: list[str] = []
        self.hours = us_hours(holidays)
        for ticker in tickers or ("SPY",):
            self.add(ticker)

    def add(self, ticker: str) -> Equity:
        from harness.embedded.enums import SecurityType

        symbol = Symbol.create(ticker, SecurityType.EQUITY, "usa")
        symbol_cache.set(ticker, symbol)
        book = self.portfolio.cash_book
        cache = SecurityCache(Cursor())
        properties = SymbolProperties.get_default("USD")
        security = Equity(symbol, self.clock, self.hours, properties, book["USD"], book, cache)
        self.securities.add(security)
        return security

    def __getitem__(self, ticker: str) -> Equity:
        security = self.securities[ticker]
        assert isinstance(security, Equity)
        return security

    def price(self, ticker: str, price: str, volume: int = 1000) -> None:
        security = self[ticker]
        security.set_market_price(
            TradeBar(datetime(2025, 10, 6, 11, 59), security.symbol, *[Decimal(price)] * 4, volume)
        )
        self.portfolio.invalidate_total_portfolio_value()

    def fill(self, ticker: str, quantity: int | str, price: str, fee: str = "0") -> None:
        fee_of_order = OrderFee(CashAmount(Decimal(fee), "USD"))
        fill = Fill(self[ticker].symbol, Decimal(quantity), Decimal(price), fee_of_order, self.clock.utc)
        self.portfolio.process_fills([fill])

    def order(self, ticker: str, quantity: int, order_id: int = 1) -> MarketOrder:
        order = MarketOrder(self[ticker].symbol, Decimal(quantity), NOON)
        order.id = order_id
        self.transactions.tickets[order_id] = Ticket()
        return order

    def at(self, local: datetime) -> None:
        """Set the clock to a New York daylight time."""
        self.clock.utc_us = to_us(local + timedelta(hours=4))

    def algorithm(self) -> SimpleNamespace:
        """What ``PortfolioTarget.percent`` needs of an algorithm; texts go to ``messages``."""
        say = self.messages.append
        return SimpleNamespace(
            settings=self.settings, portfolio=self.portfolio, securities=self.securities, error=say, debug=say
        )


__all__ = ["NOON", "Fill", "Ticket", "Transactions", "World", "us_hours"]
