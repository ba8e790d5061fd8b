"""A tiny world to trade in: one exchange, securities whose bars the test sets, a simple account."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from harness.embedded.api_trading import TradingApi
from harness.embedded.data import TradeBar
from harness.embedded.enums import AlgorithmStatus, DataNormalizationMode, Resolution
from harness.embedded.feed.config import SubscriptionDataConfig
from harness.embedded.fills import EquityFillModel
from harness.embedded.orders import CashAmount, OrderFee, OrderProperties
from harness.embedded.orders.price_variation import AdjustedPriceVariationModel
from harness.embedded.orders.zones import to_local, to_utc
from harness.embedded.reference.market_hours import (
    LocalMarketHours,
    MarketHoursSegment,
    MarketHoursState,
    SecurityExchangeHours,
)
from harness.embedded.reference.symbols import SecurityIdentifier, Symbol, symbol_cache
from harness.embedded.settings import AlgorithmSettings
from harness.embedded.transactions.handler import BacktestingTransactionHandler
from harness.embedded.transactions.manager import SecurityTransactionManager

NEW_YORK = "America/New_York"


def exchange_hours() -> SecurityExchangeHours:
    """Monday to Friday: 4:00 pre-market, 9:30 to 16:00, post-market until 20:00."""

    def segment(state: MarketHoursState, start: time, end: time) -> MarketHoursSegment:
        return MarketHoursSegment(
            state,
            timedelta(hours=start.hour, minutes=start.minute),
            timedelta(hours=end.hour, minutes=end.minute),
        )

    segments = [
        segment(MarketHoursState.PRE_MARKET, time(4), time(9, 30)),
        segment(MarketHoursState.MARKET, time(9, 30), time(16)),
        segment(MarketHoursState.POST_MARKET, time(16), time(20)),
    ]
    return SecurityExchangeHours(NEW_YORK, {day: LocalMarketHours(day, segments) for day in range(5)})


HOURS = exchange_hours()


class FakeCache:
    def __init__(self) -> None:
        self.trade: Any = None
        self.quote: Any = None

    def last_trade_bar(self) -> Any:
        return self.trade

    def last_quote_bar(self) -> Any:
        return self.quote

    def last_data(self) -> Any:
        bars = [bar for bar in (self.quote, self.trade) if bar is not None]
        return max(bars, key=lambda bar: bar.end_time) if bars else None


class FakeSecurity:
    """``local`` is the exchange's time; prices come from the last trade bar."""

    def __init__(self, ticker: str, world: Any, resolution: Resolution = Resolution.MINUTE) -> None:
        self.symbol = Symbol(SecurityIdentifier.generate_equity(ticker, "usa", None), ticker)
        symbol_cache.set(ticker, self.symbol)
        self.world = world
        self.cache = FakeCache()
        self.exchange = SimpleNamespace(hours=HOURS)
        self.subscriptions = self._streams = [SubscriptionDataConfig(self.symbol, resolution)]
        self.symbol_properties = SimpleNamespace(
            _lot_size=Decimal(1),
            _contract_multiplier=Decimal(1),
            _minimum_price_variation=Decimal("0.01"),
            quote_currency="USD",
        )
        self.quote_currency = SimpleNamespace(symbol="USD", _conversion_rate=Decimal(1))
        self.holdings = SimpleNamespace(_quantity=Decimal(0), invested=False)
        self.fill_model: Any = EquityFillModel()
        self.slip = Decimal(0)
        self.fee = OrderFee(CashAmount(1, "USD"))
        self._slippage_model = SimpleNamespace(_get_slippage_approximation=lambda asset, order: self.slip)
        self._fee_model = SimpleNamespace(_get_order_fee=lambda parameters: self.fee)
        self._shortable_provider = SimpleNamespace(_shortable_quantity=lambda symbol, local: None)
        self.price_variation_model: Any = AdjustedPriceVariationModel()
        self.is_tradable = True
        self.is_delisted = False
        self.has_data = True
        self.data_normalization_mode = DataNormalizationMode.ADJUSTED

    @property
    def local_time(self) -> datetime:
        return to_local(self.world.clock.utc, NEW_YORK)

    @property
    def _price(self) -> Decimal:
        return Decimal(0) if self.cache.trade is None else self.cache.trade._close

    _open = _high = _low = _close = _bid_price = _ask_price = _price


class FakePortfolio:
    def __init__(self, securities: dict[Symbol, FakeSecurity]) -> None:
        self.securities = securities
        self.refusal = ""
        self.checked: list[int] = []

    def has_sufficient_buying_power_for_order(self, orders: list[Any]) -> Any:
        self.checked.append(orders[0].id)
        return SimpleNamespace(is_sufficient=not self.refusal, reason=self.refusal)

    def process_fills(self, events: list[Any]) -> None:
        for event in events:
            holdings = self.securities[event.symbol].holdings
            holdings._quantity += event._fill_quantity
            holdings.invested = holdings._quantity != 0


class FakeAlgorithm(TradingApi):
    """Enough of ``QCAlgorithm`` for orders; times are given as New York local times."""

    def __init__(self, *tickers: str, resolution: Resolution = Resolution.MINUTE) -> None:
        self.clock = SimpleNamespace(utc=datetime(2025, 10, 6, 14, 0))
        self.is_warming_up = False
        self.status = AlgorithmStatus.RUNNING
        self._locked = True
        self.account_currency = "USD"
        self.messages: list[str] = []
        self.errors: list[tuple[str, str]] = []
        self.events: list[Any] = []
        self.securities = {}
        for ticker in tickers:
            security = FakeSecurity(ticker, self, resolution)
            self.securities[security.symbol] = security
        self.portfolio = FakePortfolio(self.securities)
        self.settings = AlgorithmSettings()
        self.default_order_properties = OrderProperties()
        self.subscription_manager = None
        self.trade_builder = None
        self._engine = SimpleNamespace(
            engine_brokerage=SimpleNamespace(
                _can_submit_order=lambda security, order: (True, None),
                _can_update_order=lambda security, order, request: (True, None),
                _can_execute_order=lambda security, order: True,
            )
        )
        self.transactions = SecurityTransactionManager(self)
        self.handler = BacktestingTransactionHandler(self)
        self.transactions.set_order_processor(self.handler)

    def debug(self, message: str) -> None:
        self.messages.append(message)

    def error(self, message: str) -> None:
        self.messages.append(message)

    def set_runtime_error(self, error: BaseException, context: str) -> None:
        self.errors.append((context, str(error)))

    def on_order_event(self, event: Any) -> None:
        self.events.append((event.order_id, event.id, event.status.name, event.fill_quantity, event.fill_price))

    def security(self, ticker: str) -> FakeSecurity:
        return self.securities[symbol_cache.get_symbol(ticker)]

    def at(self, local: datetime) -> None:
        """Set the time without data."""
        self.clock.utc = to_utc(local, NEW_YORK)

    def bar(
        self, ticker: str, end: datetime, prices: tuple[Any, Any, Any, Any], period: timedelta = timedelta(minutes=1)
    ) -> None:
        """A trade bar (open, high, low, close) arrives at its end, and the handler runs as the loop would run it."""
        self.at(end)
        self.security(ticker).cache.trade = self.make_bar(ticker, end, prices, period)
        if self.handler.has_work:
            self.handler.process_synchronous_events()

    def make_bar(
        self, ticker: str, end: datetime, prices: tuple[Any, ...], period: timedelta = timedelta(minutes=1)
    ) -> TradeBar:
        exact = [Decimal(str(price)) for price in prices]
        return TradeBar(end - period, self.security(ticker).symbol, *exact, 100, period)
