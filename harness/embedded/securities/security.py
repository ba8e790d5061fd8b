"""A tradable security: its last prices, position, trading hours and models. Source: Lean's ``Security`` and ``Equity``.

Every model is kept twice: ``fee_model`` is the object that user code gave, ``_fee_model`` what the engine calls.
Attributes that user code invents are kept as Lean keeps them, in the cache's properties (``security["name"]``).
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from harness.embedded.clr import from_python, to_float
from harness.embedded.enums import DataNormalizationMode, Resolution, SecurityType
from harness.embedded.models.buying_power import BuyingPowerModel, SecurityMarginModel, engine_buying_power_model
from harness.embedded.models.fees import FeeModel, InteractiveBrokersFeeModel, engine_fee_model, interactive_brokers_fee
from harness.embedded.models.margin_interest import MarginInterestRateModel, engine_margin_interest_rate_model
from harness.embedded.models.settlement import ImmediateSettlementModel, engine_settlement_model
from harness.embedded.models.shortable import NullShortableProvider, engine_shortable_provider
from harness.embedded.models.slippage import NullSlippageModel, engine_slippage_model
from harness.embedded.models.volatility import VolatilityModel, engine_volatility_model
from harness.embedded.naming import lean_api
from harness.embedded.not_supported import NotSupportedError
from harness.embedded.orders.fees import OrderFeeParameters
from harness.embedded.orders.order import MarketOrder
from harness.embedded.orders.price_variation import AdjustedPriceVariationModel, EquityPriceVariationModel
from harness.embedded.securities.arithmetic import shown
from harness.embedded.securities.exchange import EquityExchange, SecurityExchange
from harness.embedded.securities.holding import EquityHolding, SecurityHolding
from harness.embedded.securities.splitting import scaled_bar
from harness.embedded.uncovered import missing_member

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from harness.embedded.clock import Clock
    from harness.embedded.feed.config import SubscriptionDataConfig
    from harness.embedded.feed.security_cache import SecurityCache
    from harness.embedded.models.margin_interest import _MarginInterestRateModel
    from harness.embedded.models.settlement import _SettlementModel
    from harness.embedded.models.shortable import _ShortableProvider
    from harness.embedded.models.slippage import _SlippageModel
    from harness.embedded.models.volatility import _VolatilityModel
    from harness.embedded.reference.market_hours import SecurityExchangeHours
    from harness.embedded.reference.symbol_properties import SymbolProperties
    from harness.embedded.reference.symbols import Symbol
    from harness.embedded.securities.cash import Cash, CashBook
    from harness.embedded.securities.portfolio_model import SecurityPortfolioModel


def _model(name: str, wrap: Callable[[Any], Any]) -> Any:
    """A property for one model: reading gives the user's object, assigning also makes what the engine calls."""
    given, engine = f"_given_{name}", f"_{name}"

    def read(target: Security) -> Any:
        return getattr(target, given)

    def write(target: Security, model: Any) -> None:
        setattr(target, engine, wrap(model))
        setattr(target, given, model)
        if target._models_changed is not None:
            target._models_changed()

    return property(read, write)


def _price_field(name: str) -> tuple[Any, Any]:
    """A price of the cache, or the last price where that one is zero."""

    def exact(target: Security) -> Decimal:
        value: Decimal = getattr(target.cache, name)
        return value or target.cache._price

    def read(target: Security) -> float:
        return to_float(exact(target))

    return property(exact), property(read)


class _Typed:
    """A generic method of C#, with or without its type: ``get("x")``, ``get[float]("x")``."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[[str], Any]) -> None:
        self._call = call

    def __call__(self, key: str) -> Any:
        return self._call(key)

    def __getitem__(self, kind: Any) -> _Typed:
        return self


def _engine_fill_model(model: Any) -> Any:
    """The model, which Lean tells of its wrapper: a class of user code that is none of Lean's cannot be told."""
    if model is not None and not hasattr(model, "SetPythonWrapper"):
        raise AttributeError(f"{type(model).__name__!r} object has no attribute 'SetPythonWrapper'")
    return model


@lean_api
class Security:
    """One security of the algorithm.

    ``configs`` are its subscriptions, ``clock`` the backtest's. ``_models_changed`` is called when a model is
    replaced, so that the portfolio knows which securities need its hourly scan.
    """

    __slots__ = (
        *("_buying_power_model", "_clock", "_configs", "_fee_model", "_given_buying_power_model", "_given_fee_model"),
        *("_given_margin_interest_rate_model", "_given_settlement_model", "_given_shortable_provider"),
        *("_given_slippage_model", "_given_volatility_model", "_margin_interest_rate_model", "_models_changed"),
        *("_settlement_model", "_shortable_provider", "_slippage_model", "_volatility_model", "_cash_book"),
        *("_fill_model", "_given_fill_model", "_streams"),
        *("cache", "data_filter", "exchange", "holdings", "is_delisted", "is_initialized", "is_tradable"),
        *("portfolio_model", "price_variation_model", "quote_currency", "symbol", "symbol_properties", "type"),
    )

    _fee_model: FeeModel
    _slippage_model: _SlippageModel
    _settlement_model: _SettlementModel
    _volatility_model: _VolatilityModel
    _buying_power_model: BuyingPowerModel
    _margin_interest_rate_model: _MarginInterestRateModel
    _shortable_provider: _ShortableProvider

    NULL_LEVERAGE = 0

    def __init__(
        self,
        symbol: Symbol,
        clock: Clock,
        hours: SecurityExchangeHours,
        symbol_properties: SymbolProperties,
        quote_currency: Cash,
        cash_book: CashBook,
        cache: SecurityCache,
        configs: Iterable[SubscriptionDataConfig] = (),
    ) -> None:
        from harness.embedded.securities.portfolio_model import SecurityPortfolioModel

        self._models_changed: Callable[[], None] | None = None
        self.symbol = symbol
        self.type = SecurityType(symbol.security_type)
        self._clock = clock
        self._cash_book = cash_book
        self._configs: list[SubscriptionDataConfig] = list(configs)
        # What the engine streams for it: goes on while a removed security still holds something.
        self._streams: list[SubscriptionDataConfig] = list(configs)
        self.quote_currency = quote_currency
        self.symbol_properties = symbol_properties
        self.cache = cache
        self.exchange: SecurityExchange = SecurityExchange(hours, clock)
        self.holdings: SecurityHolding = SecurityHolding(self)
        self.is_tradable = True
        self.is_delisted = False
        self.is_initialized = False
        self.data_filter: Any = None
        self.portfolio_model: SecurityPortfolioModel = SecurityPortfolioModel()
        self.price_variation_model: Any = EquityPriceVariationModel()
        self.fill_model = None
        self.fee_model = InteractiveBrokersFeeModel()
        self.slippage_model = NullSlippageModel.INSTANCE
        self.settlement_model = ImmediateSettlementModel()
        self.volatility_model = VolatilityModel.NULL
        self.buying_power_model = SecurityMarginModel()
        self.margin_interest_rate_model = MarginInterestRateModel.NULL
        self.shortable_provider = NullShortableProvider.INSTANCE

    # -- models --------------------------------------------------------------------------------------------------

    fee_model = _model("fee_model", engine_fee_model)
    slippage_model = _model("slippage_model", engine_slippage_model)
    settlement_model = _model("settlement_model", engine_settlement_model)
    volatility_model = _model("volatility_model", engine_volatility_model)
    buying_power_model = _model("buying_power_model", engine_buying_power_model)
    margin_model = buying_power_model
    fill_model = _model("fill_model", _engine_fill_model)
    margin_interest_rate_model = _model("margin_interest_rate_model", engine_margin_interest_rate_model)
    shortable_provider = _model("shortable_provider", engine_shortable_provider)

    def set_fee_model(self, fee_model: Any) -> None:
        self.fee_model = fee_model

    def set_fill_model(self, fill_model: Any) -> None:
        self.fill_model = fill_model

    def set_slippage_model(self, slippage_model: Any) -> None:
        self.slippage_model = slippage_model

    def set_settlement_model(self, settlement_model: Any) -> None:
        self.settlement_model = settlement_model

    def set_volatility_model(self, volatility_model: Any) -> None:
        """The model is updated with every bar of the security from now on."""
        self.volatility_model = volatility_model

    def set_buying_power_model(self, buying_power_model: Any) -> None:
        self.buying_power_model = buying_power_model

    def set_margin_model(self, margin_model: Any) -> None:
        self.buying_power_model = margin_model

    def set_margin_interest_rate_model(self, margin_interest_rate_model: Any) -> None:
        self.margin_interest_rate_model = margin_interest_rate_model

    def set_shortable_provider(self, shortable_provider: Any) -> None:
        self.shortable_provider = shortable_provider

    def set_data_filter(self, data_filter: Any) -> None:
        raise NotSupportedError("Security.set_data_filter")

    def set_leverage(self, leverage: Any) -> None:
        """Raises ``ValueError`` below 1."""
        self._buying_power_model._set_leverage(self, from_python(leverage))
        if self._models_changed is not None:
            self._models_changed()

    def _market_order_fee(self, quantity: Decimal) -> Decimal:
        """Fee in the account currency of a market order given now."""
        if type(self._fee_model) is InteractiveBrokersFeeModel and self.type == SecurityType.EQUITY:
            # Asked at every valuation of a holding: without an order object.
            size = quantity.copy_abs()
            return interactive_brokers_fee(size, lambda: self._account_value(size))
        order = MarketOrder(self.symbol, quantity, self._utc_time)
        fee_of_order = self._fee_model._get_order_fee(OrderFeeParameters(self, order)).value
        return self._cash_book._to_account_currency(fee_of_order)

    def _account_value(self, quantity: Decimal) -> Decimal:
        return self.holdings._quantity_value(quantity, self.cache._price).copy_abs()

    # -- prices --------------------------------------------------------------------------------------------------

    @property
    def _price(self) -> Decimal:
        return self.cache._price

    @property
    def price(self) -> float:
        return self.cache.price

    _open, open = _price_field("_open")
    _high, high = _price_field("_high")
    _low, low = _price_field("_low")
    _close, close = _price_field("_close")
    _bid_price, bid_price = _price_field("_bid_price")
    _ask_price, ask_price = _price_field("_ask_price")

    @property
    def _volume(self) -> Decimal:
        return self.cache._volume

    @property
    def _bid_size(self) -> Decimal:
        return self.cache._bid_size

    @property
    def _ask_size(self) -> Decimal:
        return self.cache._ask_size

    volume = shown("_volume")
    bid_size = shown("_bid_size")
    ask_size = shown("_ask_size")

    @property
    def open_interest(self) -> int:
        return 0

    @property
    def has_data(self) -> bool:
        return self.cache.has_data

    def get_last_data(self) -> Any:
        """The last real bar, or ``None``."""
        return self.cache.last_data()

    def set_market_price(self, data: Any) -> None:
        """Take ``data`` as the last data of the security."""
        if data is not None:
            self.cache.store(data)
            if self._volatility_model.needs_update and data._value:
                self._volatility_model._update(self, data)

    def reset_cache(self) -> None:
        """Forget the last data; the holding keeps the last price, as in Lean."""
        self.holdings._market_price = self.holdings._price
        self._streams.clear()
        self.cache.reset()

    @property
    def session(self) -> Any:
        raise NotSupportedError("Security.session")

    @property
    def fundamentals(self) -> Any:
        raise NotSupportedError("Security.fundamentals")

    @property
    def data(self) -> Any:
        raise NotSupportedError("Security.data")

    # -- state ---------------------------------------------------------------------------------------------------

    @property
    def _leverage(self) -> Decimal:
        return self.holdings._leverage

    leverage = shown("_leverage")

    @property
    def invested(self) -> bool:
        return self.holdings._invested

    hold_stock = invested

    @property
    def local_time(self) -> datetime:
        """Now, in the exchange's time zone."""
        return self._clock.local(self.exchange.time_zone)

    @property
    def _utc_time(self) -> datetime:
        return self._clock.utc

    # -- subscriptions -------------------------------------------------------------------------------------------

    @property
    def subscriptions(self) -> list[SubscriptionDataConfig]:
        return list(self._configs)

    @property
    def subscription_data_config(self) -> SubscriptionDataConfig | None:
        return self._configs[0] if self._configs else None

    def add_data(self, configs: Iterable[SubscriptionDataConfig]) -> None:
        """Add subscriptions that are not there yet."""
        for config in configs:
            if config not in self._configs:
                self._configs.append(config)
            if config not in self._streams:
                self._streams.append(config)

    @property
    def resolution(self) -> Resolution:
        """Finest of the subscriptions."""
        return min((config.resolution for config in self._configs), default=Resolution.DAILY)

    @property
    def is_fill_data_forward(self) -> bool:
        return any(config.fill_data_forward for config in self._configs)

    @property
    def is_extended_market_hours(self) -> bool:
        return any(config.extended_market_hours for config in self._configs)

    @property
    def data_normalization_mode(self) -> DataNormalizationMode:
        return self._configs[0].data_normalization_mode if self._configs else DataNormalizationMode.ADJUSTED

    def set_data_normalization_mode(self, mode: DataNormalizationMode) -> None:
        for config in self._configs:
            config.data_normalization_mode = mode

    def is_custom_data(self) -> bool:
        return False

    def make_tradable(self) -> None:
        self.is_tradable = True

    def reset(self) -> None:
        """Let go of the subscriptions; the security cannot be traded until it is added again."""
        self.is_initialized = False
        self.is_tradable = False
        self._configs.clear()

    def apply_split(self, split: Any) -> None:
        """Scale the cached prices as the split scaled the shares."""
        cache = self.cache
        last, trade, quote = cache.last_data(), cache.last_trade_bar(), cache.last_quote_bar()
        bars = [bar for bar in (trade, quote) if bar is not None]
        # The last data is stored last, so that it stays the last.
        bars.sort(key=lambda bar: type(bar) is type(last))
        for bar in bars:
            cache.store(scaled_bar(bar, split._split_factor))

    # -- attributes of user code ---------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_"):
            properties = self.cache.properties
            if name in properties:
                return properties[name]
        raise missing_member(self, "Security", name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_") or hasattr(type(self), name):
            object.__setattr__(self, name, value)
        else:
            self.cache.properties[name] = value

    def __getitem__(self, key: str) -> Any:
        return self.cache.properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.cache.properties[key] = value

    def add(self, key: str, value: Any) -> None:
        self.cache.properties[key] = value

    set = add

    @property
    def get(self) -> _Typed:
        """``get(key)`` or ``get[Type](key)``. Raises ``KeyError`` for a property that was never set."""
        return _Typed(self.cache.properties.__getitem__)

    @property
    def try_get(self) -> _Typed:
        """``try_get(key)`` or ``try_get[Type](key)``: whether there is such a property, and its value."""
        properties = self.cache.properties
        return _Typed(lambda key: (key in properties, properties.get(key)))

    @property
    def remove(self) -> _Typed:
        """``remove(key)``: whether there was such a property."""
        properties = self.cache.properties
        return _Typed(lambda key: properties.pop(key, self) is not self)

    def clear(self) -> None:
        self.cache.properties.clear()

    def __str__(self) -> str:
        return str(self.symbol)

    __repr__ = __str__


@lean_api
class Equity(Security):
    """A US stock: margin of two to one, the stock fill model, fees of Interactive Brokers."""

    __slots__ = ("primary_exchange",)

    DEFAULT_SETTLEMENT_DAYS = 1

    def __init__(
        self,
        symbol: Symbol,
        clock: Clock,
        hours: SecurityExchangeHours,
        symbol_properties: SymbolProperties,
        quote_currency: Cash,
        cash_book: CashBook,
        cache: SecurityCache,
        configs: Iterable[SubscriptionDataConfig] = (),
    ) -> None:
        from harness.embedded.fills import EquityFillModel

        super().__init__(symbol, clock, hours, symbol_properties, quote_currency, cash_book, cache, configs)
        self.exchange = EquityExchange(hours, clock)
        self.holdings = EquityHolding(self)
        self.fill_model = EquityFillModel()
        self.buying_power_model = SecurityMarginModel(2)
        self.price_variation_model = AdjustedPriceVariationModel()
        self.primary_exchange = ""

    @property
    def shortable(self) -> bool:
        quantity = self.total_shortable_quantity
        return quantity is None or quantity > 0

    @property
    def total_shortable_quantity(self) -> int | None:
        return self._shortable_provider._shortable_quantity(self.symbol, self.local_time)

    def set_data_normalization_mode(self, mode: DataNormalizationMode) -> None:
        """Also decides the price step of orders: none for adjusted prices, the exchange's for all others."""
        super().set_data_normalization_mode(mode)
        adjusted = mode == DataNormalizationMode.ADJUSTED
        self.price_variation_model = AdjustedPriceVariationModel() if adjusted else EquityPriceVariationModel()
