"""``QCAlgorithm``: what user code derives from.

Trading, indicators, plotting and history are mixins beside this module; here are dates, cash, securities, schedules,
parameters, logging and the event handlers that user code overrides. Source of the rules: Lean's ``QCAlgorithm`` and
its partial classes (``Algorithm/QCAlgorithm*.cs``) and ``AlgorithmPythonWrapper``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from harness.embedded.api_history import HistoryApi
from harness.embedded.api_indicators import IndicatorsApi
from harness.embedded.api_plotting import PlottingApi
from harness.embedded.api_trading import TradingApi
from harness.embedded.clr import decimal_text, double_text, from_python
from harness.embedded.enums import (
    AccountType,
    AlgorithmMode,
    AlgorithmStatus,
    BrokerageName,
    DataNormalizationMode,
    DeploymentTarget,
    Resolution,
    SecurityType,
)
from harness.embedded.naming import lean_api, snake_case, user_method
from harness.embedded.not_supported import NotSupportedError
from harness.embedded.reference.symbols import Symbol, added_symbol
from harness.embedded.reference.time_zones import TimeZone
from harness.embedded.uncovered import missing_member

if TYPE_CHECKING:
    from harness.embedded.clock import Clock
    from harness.embedded.consolidators.subscription_manager import SubscriptionManager
    from harness.embedded.engine import EngineContext
    from harness.embedded.feed.observers import ObservedPortfolio
    from harness.embedded.object_store import ObjectStore
    from harness.embedded.scheduling.date_rules import DateRules
    from harness.embedded.scheduling.schedule_manager import ScheduleManager
    from harness.embedded.scheduling.time_rules import TimeRules
    from harness.embedded.securities.manager import SecurityManager
    from harness.embedded.settings import AlgorithmSettings
    from harness.embedded.statistics.trade_builder import TradeBuilder
    from harness.embedded.transactions.manager import SecurityTransactionManager

_NO_DATE = datetime(1998, 1, 1)
_ONE_DAY = timedelta(days=1)

# Made available to the constructor of QCAlgorithm: user classes may define __init__ without arguments.
_context: EngineContext | None = None


def set_context(context: EngineContext | None) -> None:
    """The engine that the next algorithm instance belongs to."""
    global _context
    _context = context


def _as_datetime(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    raise TypeError(f"a date is needed here, not {value!r}")


def _date_of(args: tuple[Any, ...], named: dict[str, Any]) -> datetime:
    """A day given as year, month, day (also by name) or as one date."""
    if named and set(named) <= {"year", "month", "day"}:
        return datetime(*args, **named)
    values = (*args, *named.values())
    return datetime(*values) if len(values) == 3 else _as_datetime(values[0])


class UniverseSettings:
    """Defaults for securities added without their own. Source: Lean's ``UniverseSettings``."""

    def __init__(self) -> None:
        self.resolution = Resolution.MINUTE
        self.leverage: float = 0
        self.fill_forward = True
        self.extended_market_hours = False
        self.data_normalization_mode = DataNormalizationMode.ADJUSTED
        self.minimum_time_in_universe = timedelta(days=1)
        self.asynchronous = False


lean_api(UniverseSettings)


@lean_api
class QCAlgorithm(TradingApi, IndicatorsApi, PlottingApi, HistoryApi):
    """Base class of every algorithm."""

    # Given by EngineContext.attach_algorithm.
    _engine: EngineContext
    clock: Clock
    securities: SecurityManager
    transactions: SecurityTransactionManager
    portfolio: ObservedPortfolio
    settings: AlgorithmSettings
    subscription_manager: SubscriptionManager
    trade_builder: TradeBuilder
    schedule: ScheduleManager
    date_rules: DateRules
    time_rules: TimeRules
    object_store: ObjectStore

    def __new__(cls, *args: Any, **kwargs: Any) -> QCAlgorithm:
        algorithm = super().__new__(cls)
        if _context is None:
            raise RuntimeError("an algorithm is made by the engine: python -m harness.embedded --help")
        algorithm._set_up(_context)
        return algorithm

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Everything is set up in __new__, so that user classes may forget super().__init__().
        pass

    def _set_up(self, engine: EngineContext) -> None:
        self._engine = engine
        self.clock = engine.clock
        self.time_zone = "America/New_York"
        self._start_date = _NO_DATE
        self._end_date = datetime.now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(microseconds=1)
        self._locked = False
        self.is_warming_up = True
        self._warm_up_bars: int | None = None
        self._warm_up_span: timedelta | None = None
        self.status = AlgorithmStatus.RUNNING
        self.run_time_error: BaseException | None = None
        self._parameters: dict[str, str] = dict(engine.parameters)
        self.name = engine.backtest_name
        self.tags: set[str] = set()
        self.algorithm_id = engine.algorithm_id
        self.project_id = 0
        self.current_slice: Any = None
        self._benchmark: Any = None
        self._previous_debug = ""
        self._previous_error = ""
        self.universe_settings = UniverseSettings()
        self.algorithm_mode = AlgorithmMode.BACKTESTING
        self.deployment_target = DeploymentTarget.LOCAL_PLATFORM
        self.live_mode = False
        from harness.embedded.orders import OrderProperties

        self.default_order_properties: Any = OrderProperties()
        engine.attach_algorithm(self)

    # -- time ----------------------------------------------------------------------------------------------------

    @property
    def time(self) -> datetime:
        """Current time in the algorithm's time zone."""
        return self.clock.local(self.time_zone)

    @property
    def utc_time(self) -> datetime:
        """Current time; aware of being UTC, as a .NET time of kind UTC is in Python."""
        return self.clock.utc.replace(tzinfo=UTC)

    @property
    def start_date(self) -> datetime:
        return self._start_date

    @property
    def end_date(self) -> datetime:
        return self._end_date

    def set_time_zone(self, time_zone: Any) -> None:
        self._check_unlocked("self.set_time_zone(): Cannot change time zone after algorithm running.")
        self.time_zone = str(time_zone)
        self._engine.schedule_context.time_zone = self.time_zone
        if self._start_date != _NO_DATE:
            self._engine.set_local_time(self._start_date)

    def set_start_date(self, *args: Any, **named: Any) -> None:
        """``set_start_date(2025, 10, 1)`` or ``set_start_date(datetime)``."""
        start = _date_of(args, named)
        start = start.replace(hour=0, minute=0, second=0, microsecond=0)
        self._check_unlocked("self.set_start_date(): Cannot change start date after algorithm initialized.")
        if start > datetime.now():
            raise ValueError(f"Please select start date less than today: {start}")
        self._start_date = start
        self._engine.set_local_time(start)

    def set_end_date(self, *args: Any, **named: Any) -> None:
        """``set_end_date(2025, 10, 10)`` or ``set_end_date(datetime)``: the whole day belongs to the backtest."""
        end = _date_of(args, named)
        self._check_unlocked("self.set_end_date(): Cannot change end date after algorithm initialized.")
        # A backtest ends yesterday at the latest (QCAlgorithm.SetEndDate).
        yesterday = TimeZone.get(self.time_zone).utc_to_local(datetime.now(UTC).replace(tzinfo=None)) - _ONE_DAY
        end = min(end, yesterday.replace(hour=0, minute=0, second=0, microsecond=0))
        self._end_date = end.replace(hour=0, minute=0, second=0, microsecond=0) + _ONE_DAY - timedelta(microseconds=1)

    def set_warm_up(self, period: Any, resolution: Resolution | None = None) -> None:
        """A number of bars, or a calendar span, before the start; ``resolution`` applies while warming up."""
        self._check_unlocked("self.set_warmup(): This method cannot be used after algorithm initialized")
        if isinstance(period, timedelta):
            self._warm_up_span, self._warm_up_bars = period, None
        else:
            self._warm_up_bars, self._warm_up_span = int(period), None
        self.settings.warmup_resolution = resolution

    set_warmup = set_warm_up

    def _check_unlocked(self, what: str) -> None:
        """Raise ``RuntimeError`` with Lean's words for it once the algorithm runs."""
        if self._locked:
            raise RuntimeError(what)

    # -- cash, models, settings ----------------------------------------------------------------------------------

    def set_cash(self, *args: Any, **named: Any) -> None:
        """``set_cash(100000)`` or ``set_cash("USD", 100000)``."""
        self._check_unlocked("self.set_cash(): Cannot change cash available after algorithm initialized.")
        if named:
            args = (*args, *named.values())
        if len(args) == 1:
            self.portfolio.set_cash(from_python(args[0]))
            return
        currency, amount = args[0], args[1]
        if currency != self.account_currency:
            raise NotSupportedError("QCAlgorithm.set_cash with another currency", f"{currency}")
        self.portfolio.set_cash(from_python(amount))

    set_starting_cash = set_cash

    @property
    def account_currency(self) -> str:
        return str(self.portfolio.cash_book.account_currency)

    def set_account_currency(self, account_currency: str, starting_cash: Any = None) -> None:
        self._check_unlocked("self.set_account_currency(): Cannot change AccountCurrency after algorithm initialized.")
        self.portfolio.set_account_currency(
            account_currency, from_python(starting_cash) if starting_cash is not None else None
        )

    def set_brokerage_model(self, brokerage: Any, account_type: AccountType = AccountType.MARGIN) -> None:
        self._engine.set_brokerage_model(brokerage, account_type)

    @property
    def brokerage_model(self) -> Any:
        return self._engine.brokerage_model

    @property
    def brokerage_name(self) -> BrokerageName:
        return self._engine.brokerage_name

    def set_security_initializer(self, initializer: Any) -> None:
        self._check_unlocked(
            "SetSecurityInitializer() cannot be called after algorithm initialization. When you use the "
            "SetSecurityInitializer() method it will apply to all universes and manually added securities."
        )
        self._engine.set_security_initializer(initializer)

    def add_security_initializer(self, initializer: Any) -> None:
        self._check_unlocked(
            "AddSecurityInitializer() cannot be called after algorithm initialization. When you use the "
            "AddSecurityInitializer() method it will apply to all universes and manually added securities."
        )
        self._engine.add_security_initializer(initializer)

    @property
    def security_initializer(self) -> Any:
        return self._engine.security_initializer

    def set_risk_free_interest_rate_model(self, model: Any) -> None:
        self._engine.risk_free_interest_rate_model = model

    @property
    def risk_free_interest_rate_model(self) -> Any:
        return self._engine.risk_free_interest_rate_model

    def set_trade_builder(self, trade_builder: Any) -> None:
        self._engine.set_trade_builder(trade_builder)

    @property
    def benchmark(self) -> Any:
        return self._benchmark

    def set_benchmark(self, *args: Any) -> None:
        """A ticker, a ``Symbol``, or a function of time giving the benchmark's value."""
        self._check_unlocked("self.set_benchmark(): Cannot change Benchmark after algorithm initialized.")
        self._engine.set_benchmark(*args)

    # -- securities ----------------------------------------------------------------------------------------------

    def symbol(self, ticker: str) -> Symbol:
        """The symbol of a ticker that was added. Raises ``RuntimeError`` for others."""
        return added_symbol(ticker)

    def ticker(self, symbol: Symbol) -> str:
        return symbol.value

    def add_equity(
        self,
        ticker: str,
        resolution: Resolution | None = None,
        market: str | None = None,
        fill_forward: bool = True,
        leverage: Any = 0,
        extended_market_hours: bool = False,
        data_normalization_mode: DataNormalizationMode | None = None,
        **pascal: Any,
    ) -> Any:
        named = {snake_case(key): value for key, value in pascal.items()}
        return self._engine.add_equity(
            ticker,
            resolution=named.get("resolution", resolution),
            market=named.get("market", market),
            fill_forward=named.get("fill_forward", fill_forward),
            leverage=named.get("leverage", leverage),
            extended_market_hours=named.get("extended_market_hours", extended_market_hours),
            data_normalization_mode=named.get("data_normalization_mode", data_normalization_mode),
        )

    def add_security(self, *args: Any, **kwargs: Any) -> Any:
        """``add_security(symbol, ...)`` or ``add_security(SecurityType.EQUITY, ticker, ...)``."""
        kwargs = {snake_case(key): value for key, value in kwargs.items()}
        security_type = kwargs.pop("security_type", None)
        if args and isinstance(args[0], SecurityType):
            security_type, args = args[0], args[1:]
        if args and isinstance(args[0], Symbol):
            kwargs["symbol"], args = args[0], args[1:]
        elif args:
            kwargs["ticker"], args = args[0], args[1:]
        names = ("resolution", "fill_forward", "leverage", "extended_market_hours")
        if "ticker" in kwargs and len(args) > 1 and isinstance(args[1], str):
            names = ("resolution", "market", "fill_forward", "leverage", "extended_market_hours")  # type: ignore[assignment]
        kwargs.update(zip(names, args, strict=False))
        symbol = kwargs.pop("symbol", None)
        ticker = kwargs.pop("ticker", None)
        if symbol is not None:
            security_type = symbol.security_type
        if security_type not in (None, SecurityType.EQUITY):
            raise NotSupportedError(f"QCAlgorithm.add_security of {security_type}")
        # What add_security is not told comes from the universe settings, but for the normalisation.
        for name in ("market", "fill_forward", "extended_market_hours"):
            kwargs.setdefault(name, None)
        if kwargs.get("data_normalization_mode") is None:
            kwargs["data_normalization_mode"] = DataNormalizationMode.ADJUSTED
        for name in ("data_mapping_mode", "contract_depth_offset"):
            kwargs.pop(name, None)
        return self._engine.add_equity(symbol if symbol is not None else ticker, **kwargs)

    def remove_security(self, symbol: Any, tag: str | None = None) -> bool:
        return self._engine.remove_security(self._engine.symbol_of(symbol), tag)

    @property
    def active_securities(self) -> Any:
        return self.securities

    def get_last_known_price(self, security: Any) -> Any:
        """The last trade bar, or the last quote bar where there is none."""
        known = self.get_last_known_prices(security)
        return min(known, key=lambda bar: hasattr(bar, "bid"), default=None)

    # -- parameters and results ----------------------------------------------------------------------------------

    def get_parameter(self, name: str, default_value: Any = None) -> Any:
        """The parameter as text, or converted to the type of the default; the default where absent or not a number."""
        text = self._parameters.get(name)
        if isinstance(default_value, bool) or default_value is None or isinstance(default_value, str):
            return default_value if text is None else text
        if text is None:
            return default_value
        try:
            return int(text) if isinstance(default_value, int) else type(default_value)(float(text))
        except ValueError:
            return default_value

    def get_parameters(self) -> dict[str, str]:
        return dict(self._parameters)

    def set_parameters(self, parameters: dict[str, str]) -> None:
        self._parameters.update({str(key): str(value) for key, value in parameters.items()})

    def set_name(self, name: str) -> None:
        self.name = name

    def add_tag(self, tag: str) -> None:
        self.tags.add(tag)

    def set_tags(self, tags: Any) -> None:
        self.tags = set(tags)

    # -- logging -------------------------------------------------------------------------------------------------

    def _message(self, message: Any) -> str:
        if isinstance(message, str):
            return message
        if isinstance(message, BaseException):
            return str(message)
        if isinstance(message, bool):
            return str(message)
        if isinstance(message, float):
            return double_text(float(message))
        if isinstance(message, Decimal):
            return decimal_text(message)
        return str(message)

    def log(self, message: Any) -> None:
        text = self._message(message)
        if text:
            self._engine.results.log(text)

    def debug(self, message: Any) -> None:
        text = self._message(message)
        if text and text != self._previous_debug:
            self._previous_debug = text
            self._engine.results.debug(text)

    def error(self, message: Any) -> None:
        text = self._message(message)
        if text and text != self._previous_error:
            self._previous_error = text
            self._engine.results.error(text)

    def quit(self, message: str = "") -> None:
        """Stop at the end of this step; the backtest counts as completed."""
        self.debug(f"Quit(): {message}")
        self.status = AlgorithmStatus.STOPPED

    def set_quit(self, quit: bool) -> None:
        if quit:
            self.status = AlgorithmStatus.STOPPED

    def set_status(self, status: AlgorithmStatus) -> None:
        self.status = status

    def get_locked(self) -> bool:
        return self._locked

    def set_runtime_error(self, error: BaseException, context: str) -> None:
        """End the backtest with an error in user code; of several the last one counts."""
        self.run_time_error = error
        self._engine.runtime_error_context = context
        self.status = AlgorithmStatus.RUNTIME_ERROR

    def train(self, *args: Any) -> Any:
        """A training function: after the current handler at this time, or on a schedule."""
        return self.schedule.training_now(*args) if len(args) == 1 else self.schedule.training(*args)

    # -- handlers for user code to override ----------------------------------------------------------------------

    def initialize(self) -> None:
        raise NotImplementedError("Please override the initialize method: it sets dates, cash and securities")

    def on_data(self, slice: Any) -> None:
        pass

    def on_order_event(self, order_event: Any) -> None:
        pass

    def on_securities_changed(self, changes: Any) -> None:
        pass

    def on_splits(self, splits: Any) -> None:
        pass

    def on_dividends(self, dividends: Any) -> None:
        pass

    def on_delistings(self, delistings: Any) -> None:
        pass

    def on_symbol_changed_events(self, symbols_changed: Any) -> None:
        pass

    def on_margin_call(self, requests: Any) -> Any:
        return requests

    def on_margin_call_warning(self) -> None:
        pass

    def on_end_of_algorithm(self) -> None:
        pass

    def on_warmup_finished(self) -> None:
        pass

    def on_end_of_day(self, symbol: Any = None) -> None:
        pass

    def on_brokerage_message(self, message_event: Any) -> None:
        pass

    def on_brokerage_disconnect(self) -> None:
        pass

    def on_brokerage_reconnect(self) -> None:
        pass

    def on_assignment_order_event(self, assignment_event: Any) -> None:
        pass

    def _user(self, name: str) -> Callable[..., Any] | None:
        """The user's handler of this name, under either spelling, or ``None``."""
        return user_method(self, name)  # type: ignore[no-any-return]

    def __getattr__(self, name: str) -> Any:
        # Reached only for names that do not exist. Attributes of instances have one spelling: the other comes here.
        plain = snake_case(name) if name[:1].isupper() else name
        if plain != name and plain in self.__dict__:
            return self.__dict__[plain]
        raise missing_member(self, "QCAlgorithm", name)
