"""``QCAlgorithm``: what user code derives from.

Trading, indicators, plotting and history are mixins beside this module; here are dates, cash, securities, schedules,
parameters, logging and the event handlers that user code overrides. Source of the rules: Lean's ``QCAlgorithm`` and
its partial classes (``Algorithm/QCAlgorithm*.cs``) and ``AlgorithmPythonWrapper``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from harness.embedded.api_history import HistoryApi
from harness.embedded.api_indicators import IndicatorsApi
from harness.embedded.api_plotting import PlottingApi
from harness.embedded.api_trading import TradingApi
from harness.embedded.clr import decimal_text, from_python
from harness.embedded.data import KeyNotFoundException
from harness.embedded.dotnet import TagSet, number_text, parse_double, parse_int
from harness.embedded.enums import (
    AccountType,
    AlgorithmMode,
    AlgorithmStatus,
    BrokerageName,
    DataNormalizationMode,
    DeploymentTarget,
    LeanEnum,
    Resolution,
    SecurityType,
)
from harness.embedded.naming import lean_api, snake_case, user_method
from harness.embedded.not_supported import NotSupportedError
from harness.embedded.reference.symbols import Symbol, added_symbol
from harness.embedded.reference.time_zones import TimeZone
from harness.embedded.runtime_errors import BindingError
from harness.embedded.uncovered import missing_member
from harness.errors import InputError

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
_LONGEST_NAME, _MOST_TAGS = 200, 100

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


def _set_date(setter: Callable[[datetime], None], args: tuple[Any, ...], named: dict[str, Any]) -> None:
    """Set a day given as one date, or as year, month and day: what fails then is told as an invalid date."""
    values = (*args, *named.values())
    if len(values) == 1:
        setter(_as_datetime(values[0]))
        return
    by_name = dict(zip(("year", "month", "day"), args, strict=False)) | {snake_case(key): named[key] for key in named}
    try:
        try:
            day = datetime(**by_name)
        except ValueError:
            raise ValueError("Year, Month, and Day parameters describe an un-representable DateTime.") from None
        setter(day)
    except (ValueError, RuntimeError) as error:
        raise ValueError(f"Date Invalid: {error}") from None


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

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """What pythonnet refuses of a class derived from one of .NET's (``MetaType.tp_new``)."""
        super().__init_subclass__(**kwargs)
        if len(cls.__bases__) != 1:
            raise BindingError("cannot use multiple inheritance with managed classes")
        if "__slots__" in vars(cls):
            raise BindingError("subclasses of managed classes do not support __slots__")

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
        self._locked = False
        self._end_on(self._today())
        self.is_warming_up = True
        self._warm_up_bars: int | None = None
        self._warm_up_span: timedelta | None = None
        self.status = AlgorithmStatus.RUNNING
        self.run_time_error: BaseException | None = None
        # Name, parameters and identifier come after the constructor (BacktestingSetupHandler.Setup, Engine.Run).
        self._parameters: dict[str, str] = {}
        self._name = "QCAlgorithm"
        self._tags = TagSet()
        self._warned_of_tags = self._warned_of_tag = False
        self.algorithm_id = ""
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
        name = str(time_zone)
        try:
            TimeZone.get(name)
        except InputError:
            raise ValueError(
                f"TimeZone with id '{name}' was not found. For a complete list of time zones please visit: "
                "http://en.wikipedia.org/wiki/List_of_tz_database_time_zones"
            ) from None
        self._check_unlocked("self.set_time_zone(): Cannot change time zone after algorithm running.")
        self.time_zone = name
        self._engine.schedule_context.time_zone = name
        self._engine.set_local_time(self._start_date)

    def set_start_date(self, *args: Any, **named: Any) -> None:
        """``set_start_date(2025, 10, 1)`` or ``set_start_date(datetime)``."""
        _set_date(self._begin_on, args, named)

    def _begin_on(self, start: datetime) -> None:
        start = start.replace(hour=0, minute=0, second=0, microsecond=0)
        if start < datetime(1900, 1, 1):
            raise ValueError("Please select a start date after January 1st, 1900. (Parameter 'start')")
        if start > self._today():
            raise ValueError("Please select start date less than today (Parameter 'start')")
        self._check_unlocked("self.set_start_date(): Cannot change start date after algorithm initialized.")
        self._start_date = start
        self._engine.set_local_time(start)

    def set_end_date(self, *args: Any, **named: Any) -> None:
        """``set_end_date(2025, 10, 10)`` or ``set_end_date(datetime)``: the whole day belongs to the backtest."""
        _set_date(self._end_on, args, named)

    def _end_on(self, end: datetime) -> None:
        self._check_unlocked("self.set_end_date(): Cannot change end date after algorithm initialized.")
        # A backtest ends yesterday at the latest (QCAlgorithm.SetEndDate).
        end = min(end, self._today() - _ONE_DAY)
        self._end_date = end.replace(hour=0, minute=0, second=0, microsecond=0) + _ONE_DAY - timedelta(microseconds=1)

    def _today(self) -> datetime:
        """Midnight of the wall clock's day in the algorithm's time zone."""
        now = TimeZone.get(self.time_zone).utc_to_local(datetime.now(UTC).replace(tzinfo=None))
        return now.replace(hour=0, minute=0, second=0, microsecond=0)

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
        cash = None if starting_cash is None else from_python(starting_cash)
        with_cash = "" if cash is None else f", with a starting cash of {decimal_text(cash)}"
        self.debug(f"Changing account currency from {self.account_currency} to {account_currency}{with_cash}...")
        self.portfolio.set_account_currency(account_currency, cash)

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

    def cusip(self, cusip: Any, trading_date: datetime | None = None) -> Any:
        """The CUSIP of a symbol, or the symbol of a CUSIP; so with the other identifiers."""
        return self._by_identifier("cusip", cusip, trading_date)

    def composite_figi(self, composite_figi: Any, trading_date: datetime | None = None) -> Any:
        return self._by_identifier("composite_figi", composite_figi, trading_date)

    def sedol(self, sedol: Any, trading_date: datetime | None = None) -> Any:
        return self._by_identifier("sedol", sedol, trading_date)

    def isin(self, isin: Any, trading_date: datetime | None = None) -> Any:
        return self._by_identifier("isin", isin, trading_date)

    def cik(self, cik: Any, trading_date: datetime | None = None) -> Any:
        """The CIK of a symbol, or the symbols of a CIK."""
        return self._by_identifier("cik", cik, trading_date)

    def _by_identifier(self, kind: str, what: Any, trading_date: datetime | None) -> Any:
        definitions = self._engine.security_definitions
        if isinstance(what, Symbol):
            return definitions.of_symbol(what, kind)
        today = self.time.replace(hour=0, minute=0, second=0, microsecond=0)
        day = today if trading_date is None else _as_datetime(trading_date)
        if day > today:
            raise ValueError(
                f'The trading date provided: "{day:%Y-%m-%d}" is after the current algorithm\'s trading date: '
                f'"{today:%Y-%m-%d}"'
            )
        if kind == "cik":
            return definitions.symbols_of_cik(int(what), day)
        return definitions.symbol_of(str(what), kind, day)

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
        if symbol is None and kwargs["market"] is None:
            try:
                self._engine._require_default_market()
            except KeyNotFoundException as error:
                # Lean logs it with a stack trace of .NET, and adds nothing.
                raise NotSupportedError("QCAlgorithm.add_security", str(error)) from None
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
        if default_value is None or isinstance(default_value, str):
            return default_value if text is None else text
        if isinstance(default_value, int):
            number: Any = None if text is None else parse_int(text)
            return int(default_value) if number is None else number
        number = None if text is None else parse_double(text)
        return default_value if number is None else type(default_value)(number)

    def get_parameters(self) -> dict[str, str]:
        return dict(self._parameters)

    def set_parameters(self, parameters: dict[str, str]) -> None:
        self._parameters = {str(key): str(value) for key, value in parameters.items()}

    @property
    def name(self) -> str:
        """The backtest's name; at most 200 characters, set before the end of ``initialize``."""
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        self._check_unlocked("Cannot set algorithm name after it is initialized.")
        if name:
            self._name = name[:_LONGEST_NAME]

    def set_name(self, name: str) -> None:
        self.name = name

    @property
    def tags(self) -> TagSet:
        """At most a hundred tags of at most 200 characters."""
        return self._tags

    @tags.setter
    def tags(self, tags: Any) -> None:
        if tags is None:
            return
        kept = [tag for tag in tags if tag is not None and tag.strip()]
        if len(kept) > _MOST_TAGS and not self._warned_of_tags:
            self._warned_of_tags = True
            self.log(f"Warning: The tags collection cannot contain more than {_MOST_TAGS} items. It will be truncated.")
        self._tags = TagSet(tag[:_LONGEST_NAME] for tag in kept[:_MOST_TAGS])

    def add_tag(self, tag: str) -> None:
        if not tag or not tag.strip():
            return
        if len(self._tags) < _MOST_TAGS:
            self._tags.add(tag[:_LONGEST_NAME])
        elif not self._warned_of_tag:
            self._warned_of_tag = True
            self.log(f"Warning: AddTag({tag}): Unable to add tag. Tags are limited to a maximum of {_MOST_TAGS}.")

    def set_tags(self, tags: Any) -> None:
        self.tags = tags

    # -- logging -------------------------------------------------------------------------------------------------

    @staticmethod
    def _message(message: Any) -> str:
        """What is logged of any object: the overload that pythonnet chooses, and ``Extensions.ToSafeString``."""
        if isinstance(message, str):
            return message
        if isinstance(message, LeanEnum):
            return f"\n{message.lean_name}"
        text = number_text(message)
        if text is not None:
            return text
        kind = type(message)
        if kind.__name__ == "IndicatorDataPoint" and kind.__module__.startswith("harness.embedded"):
            return decimal_text(message._exact)
        if callable(getattr(message, "to_string", None)):
            return f"\n{message.to_string()}"
        # All objects of .NET have ToString, so they come on a line of their own.
        is_dotnet = kind.__module__.startswith("harness.embedded") and not isinstance(message, BaseException)
        return f"\n{message}" if is_dotnet else str(message)

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
