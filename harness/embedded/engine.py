"""One backtest: parts wired together, the algorithm created and initialised, the loop run, the results written.

Source of the rules: Lean's ``Engine``, ``BacktestingSetupHandler``, ``BaseSetupHandler``, ``SecurityService`` and
``QCAlgorithm.PostInitialize``.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import inspect
import sys
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.embedded import algorithm as algorithm_module
from harness.embedded.algorithm import QCAlgorithm
from harness.embedded.benchmark import FuncBenchmark, SecurityBenchmark
from harness.embedded.clock import Clock, to_us
from harness.embedded.clr import ZERO, from_python, use_engine_context
from harness.embedded.columns import ColumnStore
from harness.embedded.configuration import Configuration
from harness.embedded.consolidators.environment import Environment
from harness.embedded.data import KeyNotFoundException
from harness.embedded.enums import (
    RESOLUTION_US,
    AccountType,
    AlgorithmStatus,
    BrokerageName,
    DataNormalizationMode,
    Resolution,
    SecurityType,
    TickType,
)
from harness.embedded.feed.config import SubscriptionDataConfig
from harness.embedded.feed.consolidation import ConsolidationBook, ObservedSubscriptionManager
from harness.embedded.feed.data_manager import DataManager
from harness.embedded.feed.observers import EquityObserver, ObservedPortfolio, ObservedTradeBuilder, bars_between
from harness.embedded.feed.security_cache import Cursor, SecurityCache
from harness.embedded.feed.volatility import VolatilityFeed
from harness.embedded.history import HistoryProvider
from harness.embedded.loop import AlgorithmManager
from harness.embedded.model_errors import is_of_user_code
from harness.embedded.models.brokerage import (
    brokerage_benchmark,
    create_brokerage_model,
    engine_brokerage_model,
)
from harness.embedded.models.shortable import set_data_folder as set_shortable_data_folder
from harness.embedded.naming import snake_case, user_method
from harness.embedded.not_supported import NotSupportedError, first_refusal, forget_refusals
from harness.embedded.object_store import ObjectStore
from harness.embedded.orders.price_variation import EquityPriceVariationModel
from harness.embedded.portfolio_target import PortfolioTarget
from harness.embedded.reference.corporate import (
    CorporateFactorProvider,
    MapFileResolver,
    load_factor_file,
)
from harness.embedded.reference.interest_rate import InterestRateProvider
from harness.embedded.reference.market_hours import MarketHoursDatabase, SecurityExchangeHours
from harness.embedded.reference.security_definitions import SecurityDefinitions
from harness.embedded.reference.symbol_properties import SymbolPropertiesDatabase
from harness.embedded.reference.symbols import (
    Symbol,
    SymbolError,
    set_map_file_resolver,
    set_security_definitions,
    symbol_cache,
)
from harness.embedded.reference.time_zones import TimeZone
from harness.embedded.results.data_monitor import store_data_requests
from harness.embedded.results.orders_json import write_transaction_log
from harness.embedded.results.result_handler import BacktestingResultHandler, ResultSettings
from harness.embedded.runtime_errors import USER_ERRORS, OutsidePythonError, header_of, interpreted, stack_of
from harness.embedded.scheduling.event_scheduler import EndOfDayEvents, EventScheduler
from harness.embedded.scheduling.rules import ScheduleContext
from harness.embedded.scheduling.schedule_manager import ScheduleManager
from harness.embedded.securities.initializers import (
    BrokerageModelSecurityInitializer,
    CompositeSecurityInitializer,
    initialize_security,
    security_initializer_of,
)
from harness.embedded.securities.manager import SecurityManager
from harness.embedded.securities.security import Equity
from harness.embedded.settings import AlgorithmSettings
from harness.embedded.statistics.trade import FillMatchingMethod
from harness.embedded.transactions.handler import BacktestingTransactionHandler
from harness.embedded.transactions.manager import SecurityTransactionManager
from harness.errors import InputError

ENGINE_VERSION = "0.1.0"
"""Shown where Lean shows its own version."""


_DURING_INITIALIZATION = "During the algorithm initialization, the following exception has occurred: "
_NO_CLASS = "Please ensure that one class inherits from QCAlgorithm."


class AlgorithmLoadError(Exception):
    """The algorithm file is not there, or asks at once for what is not covered."""


class EngineContext:
    """Everything that belongs to one run."""

    algorithm: QCAlgorithm

    def __init__(self, configuration: Configuration) -> None:
        use_engine_context()
        self.configuration = configuration
        self.data_folder = configuration.data_folder
        self.parameters: Mapping[str, str] = configuration.parameters
        self.backtest_name = configuration.backtest_name
        self.algorithm_id = configuration.algorithm_id
        self.clock = Clock(to_us(datetime(1998, 1, 1, 5)))
        self.cursor = Cursor()
        self.columns = ColumnStore(configuration.cache_folder)
        symbol_cache.clear()
        self.map_files = MapFileResolver(self.data_folder)
        set_shortable_data_folder(self.data_folder)
        set_map_file_resolver(self.map_files)
        self.security_definitions = SecurityDefinitions(self.data_folder, self.map_files)
        set_security_definitions(self.security_definitions)
        self._hours_database = MarketHoursDatabase(self.data_folder)
        self._properties_database = SymbolPropertiesDatabase(self.data_folder)
        self._hours: dict[str, SecurityExchangeHours] = {}
        self._factor_files: dict[str, CorporateFactorProvider] = {}
        self._symbols: dict[str, Symbol] = {}
        self.runtime_error_context = ""
        self.is_set_up = False
        """Whether the algorithm's constructor is behind it."""
        self.benchmark_security: Any = None
        self.brokerage_name = BrokerageName.DEFAULT
        self.brokerage_model: Any = None
        self.engine_brokerage: Any = None
        self.security_initializer: Any = None
        self._initializer_is_users = False
        self.risk_free_interest_rate_model: Any = None
        self.requests: dict[Path, bool] = {}
        self.phases_s: dict[str, float] = {}
        self.data = DataManager(self)
        self.volatility = VolatilityFeed(self)

    # -- wiring --------------------------------------------------------------------------------------------------

    def attach_algorithm(self, algorithm: QCAlgorithm) -> None:
        """Give a new algorithm instance its parts."""
        self.algorithm = algorithm
        algorithm.settings = AlgorithmSettings()
        algorithm.securities = SecurityManager(self.clock)
        algorithm.transactions = SecurityTransactionManager(algorithm)
        algorithm.portfolio = ObservedPortfolio(
            algorithm.securities,
            algorithm.transactions,
            algorithm.settings,
            self.clock,
            algorithm.default_order_properties,
        )
        PortfolioTarget.minimum_order_margin_percentage_warning_sent = None
        algorithm.trade_builder = ObservedTradeBuilder()
        algorithm.trade_builder.attach(self)
        manager = ObservedSubscriptionManager(self.clock, lambda: self.data.configs, self._set_utc_us)
        manager.engine = self
        algorithm.subscription_manager = manager
        self.consolidation = ConsolidationBook(self)
        Environment.exchange_hours = self.exchange_hours
        Environment.minimum_price_variation = self._minimum_price_variation
        self.scheduler = EventScheduler(self.clock)
        self.scheduler.set_algorithm_time = self._set_utc_us
        self.scheduler.on_error = algorithm.set_runtime_error
        self.schedule_context = ScheduleContext(
            self.clock,
            algorithm.time_zone,
            self.exchange_hours,
            lambda: self.exchange_hours(None),
            create_symbol=self.symbol_of,
            debug=algorithm.debug,
        )
        algorithm.schedule = ScheduleManager(self.schedule_context, self.scheduler)
        algorithm.date_rules = algorithm.schedule.date_rules
        algorithm.time_rules = algorithm.schedule.time_rules
        algorithm._init_plotting()
        settings = self.configuration
        self.object_store = ObjectStore(
            settings.object_store_root,
            settings.storage_limit_bytes,
            settings.storage_file_count,
            lambda text: algorithm.debug(f"ObjectStore Persistence Error: {text}"),
        )
        algorithm.object_store = self.object_store
        self.interest_rates = InterestRateProvider(self.data_folder)
        self.results = self._new_result_handler()
        self.results.attach(algorithm)
        self.equity = EquityObserver(self)
        self.transaction_handler = BacktestingTransactionHandler(algorithm, self.results)
        algorithm.transactions.set_order_processor(self.transaction_handler)
        self.history_provider = HistoryProvider(self)
        self.set_brokerage_model(BrokerageName.DEFAULT, AccountType.MARGIN)

    def _new_result_handler(self) -> BacktestingResultHandler:
        return BacktestingResultHandler(
            ResultSettings(
                algorithm_id=self.algorithm_id,
                results_folder=self.configuration.results_folder,
                name=self.backtest_name,
                engine_version=f"embedded {ENGINE_VERSION}",
                maximum_chart_series=self.configuration.maximum_chart_series,
                maximum_points_per_series=self.configuration.maximum_points_per_series,
                optimization_id=self.configuration.optimization_id,
            )
        )

    def _set_utc_us(self, utc_us: int) -> None:
        self.clock.utc_us = utc_us

    def _minimum_price_variation(self, symbol: Symbol) -> Decimal:
        value: Decimal = self.symbol_properties(symbol)._minimum_price_variation
        return value

    def set_local_time(self, local: datetime) -> None:
        self.clock.utc_us = TimeZone.get(self.algorithm.time_zone).local_us_to_utc_us(to_us(local))

    @staticmethod
    def zone_offset_us(zone: str, utc_us: int) -> int:
        return TimeZone.get(zone).offset_us(utc_us)

    def data_monitor(self, path: Path, found: bool) -> None:
        self.requests[path] = found

    # -- reference data ------------------------------------------------------------------------------------------

    def exchange_hours(self, symbol: Any) -> SecurityExchangeHours:
        ticker = self.symbol_of(symbol).value if symbol is not None else "SPY"
        if ticker not in self._hours:
            self._hours[ticker] = self._hours_database.get_exchange_hours(ticker)
        return self._hours[ticker]

    market_hours = exchange_hours

    def symbol_properties(self, symbol: Symbol) -> Any:
        return self._properties_database.get_symbol_properties(symbol.value)

    def factor_file(self, symbol: Symbol) -> CorporateFactorProvider:
        map_file = self.map_files.resolve_for_symbol(symbol)
        permtick = map_file.permtick if not map_file.is_empty else symbol.value
        if permtick not in self._factor_files:
            self._factor_files[permtick] = load_factor_file(self.data_folder, permtick)
        return self._factor_files[permtick]

    def symbol_of(self, what: Any) -> Symbol:
        """A symbol from a symbol, a security or a ticker."""
        if isinstance(what, Symbol):
            return what
        if isinstance(what, str):
            found = self._symbols.get(what)
            if found is None:
                ticker = what.upper()
                found = symbol_cache.try_get_symbol(what) or Symbol.create(ticker, SecurityType.EQUITY, "usa")
                self._symbols[what] = found
            return found
        symbol = getattr(what, "symbol", None)
        if isinstance(symbol, Symbol):
            return symbol
        raise TypeError(f"a symbol, a security or a ticker is needed here, not {what!r}")

    # -- securities ----------------------------------------------------------------------------------------------

    def _require_default_market(self) -> None:
        """``QCAlgorithm.GetMarket``: a broker that trades no stocks names no market for them."""
        if SecurityType.EQUITY not in self.engine_brokerage.default_markets:
            raise KeyNotFoundException("No default market set for security type: Equity")

    def add_equity(
        self,
        ticker: Any,
        *,
        resolution: Resolution | None = None,
        market: str | None = None,
        fill_forward: bool | None = True,
        leverage: Any = 0,
        extended_market_hours: bool | None = False,
        data_normalization_mode: DataNormalizationMode | None = None,
    ) -> Any:
        algorithm = self.algorithm
        if not self.is_set_up:
            # A constructor runs before the algorithm gets its data manager (Engine.Run).
            raise RuntimeError("Object reference not set to an instance of an object.")
        settings = algorithm.universe_settings
        if market is not None and str(market).lower() != "usa":
            raise NotSupportedError("QCAlgorithm.add_equity", f"market {market!r}; only 'usa' is covered")
        if market is None and not isinstance(ticker, Symbol):
            self._require_default_market()
        resolution = settings.resolution if resolution is None else Resolution(resolution)
        if resolution == Resolution.TICK:
            raise NotSupportedError("Resolution.TICK")
        mode = settings.data_normalization_mode if data_normalization_mode is None else data_normalization_mode
        if mode not in (
            DataNormalizationMode.RAW,
            DataNormalizationMode.ADJUSTED,
            DataNormalizationMode.SPLIT_ADJUSTED,
            DataNormalizationMode.TOTAL_RETURN,
        ):
            raise NotSupportedError(f"DataNormalizationMode.{mode} for add_equity")
        symbol = ticker if isinstance(ticker, Symbol) else self._new_symbol(str(ticker))
        sides = [TickType.TRADE]
        if resolution in (Resolution.SECOND, Resolution.MINUTE):
            sides.append(TickType.QUOTE)
        hours = self.exchange_hours(symbol)
        configs = []
        known = self.data.configs_of(symbol)
        filling = settings.fill_forward if fill_forward is None else bool(fill_forward)
        extended = settings.extended_market_hours if extended_market_hours is None else bool(extended_market_hours)
        for side in sides:
            same = [
                c
                for c in known
                if c.resolution == resolution
                and c.tick_type == side
                and c.fill_data_forward == filling
                and c.extended_market_hours == extended
            ]
            configs.append(
                same[0]
                if same
                else SubscriptionDataConfig(
                    symbol,
                    resolution,
                    side,
                    fill_data_forward=filling,
                    extended_market_hours=extended,
                    data_normalization_mode=DataNormalizationMode(mode),
                    exchange_time_zone=hours.time_zone,
                )
            )
        fresh = [c for c in configs if c not in known]
        # Known before the security is made: seeding and initializers ask for history by them.
        self.data.configs.extend(fresh)
        security = self.place_security(symbol, configs, leverage)
        if fresh:
            self.data.queue_add(security, fresh)
        else:
            self.data.keep(security)
        return security

    def _new_symbol(self, ticker: str) -> Symbol:
        symbol = Symbol.create(ticker.upper(), SecurityType.EQUITY, "usa")
        symbol_cache.set(symbol.value, symbol)
        self._symbols[ticker] = self._symbols[symbol.value] = symbol
        return symbol

    def place_security(self, symbol: Symbol, configs: list[SubscriptionDataConfig], leverage: Any = 0) -> Any:
        """The security of a symbol among the algorithm's, made if there was none; ``configs`` become its own."""
        algorithm = self.algorithm
        existing = algorithm.securities._securities.get(symbol)
        if existing is not None:
            existing.add_data([c for c in configs if c not in existing.subscriptions])
            existing.is_tradable = True
            self._initialize_again(existing)
            return existing
        again = algorithm.securities._all.get(symbol)
        if again is not None and not again.is_delisted:
            # A security that was removed and comes back keeps its holdings and its cache, as in Lean.
            again.add_data(configs)
            again.is_tradable = True
            self._initialize_again(again)
            algorithm.securities.add(again)
            return again
        security = self.create_security(symbol, configs)
        if leverage:
            security.set_leverage(leverage)
        algorithm.securities.add(security)
        return security

    def _initialize_again(self, security: Any) -> None:
        """A security that was removed gets its models anew when it is added again (SecurityService)."""
        if not security.is_initialized:
            if self.algorithm.settings.seed_initial_prices:
                self.seed(security)
            if self.security_initializer is not None:
                initialize_security(self.security_initializer, security)
        security.is_initialized = True

    def create_security(self, symbol: Symbol, configs: list[SubscriptionDataConfig], *, initialize: bool = True) -> Any:
        algorithm = self.algorithm
        cash_book = algorithm.portfolio.cash_book
        security = Equity(
            symbol,
            self.clock,
            self.exchange_hours(symbol),
            self.symbol_properties(symbol),
            cash_book[algorithm.account_currency],
            cash_book,
            SecurityCache(self.cursor),
            configs,
        )
        if initialize:
            symbol_cache.set(symbol.value, symbol)
            self._symbols.setdefault(symbol.value, symbol)
        if initialize and algorithm.settings.seed_initial_prices:
            self.seed(security)
        if initialize and self.security_initializer is not None:
            initialize_security(self.security_initializer, security)
        if configs and configs[0].data_normalization_mode is DataNormalizationMode.RAW:
            # Raw prices have the exchange's step (SecurityService); all others are not rounded.
            security.price_variation_model = EquityPriceVariationModel()
        security.is_initialized = True
        return security

    def seed(self, security: Any) -> None:
        """Give a security without a price its last known ones. Source: Lean's ``AlgorithmUtils.SeedSecurities``."""
        if security.cache._price == 0:
            for point in self.algorithm.get_last_known_prices(security):
                security.set_market_price(point)

    def remove_security(self, symbol: Symbol, tag: str | None) -> bool:
        algorithm = self.algorithm
        security = algorithm.securities._all.get(symbol)
        if security is None:
            return False
        text = "Removed" if tag is None else tag
        if not algorithm.is_warming_up:
            algorithm.transactions.cancel_open_orders(symbol, text)
        if security.holdings._quantity:
            algorithm.liquidate(symbol, tag=text)
        security.reset()
        self.data.queue_remove(security)
        return True

    # -- models --------------------------------------------------------------------------------------------------

    def set_brokerage_model(self, brokerage: Any, account_type: AccountType) -> None:
        if isinstance(brokerage, BrokerageName):
            self.brokerage_name = brokerage
            self.brokerage_model = create_brokerage_model(brokerage, account_type)
        else:
            self.brokerage_model = brokerage
        self.engine_brokerage = engine_brokerage_model(self.brokerage_model)
        if self._initializer_is_users:
            return
        self.security_initializer = self._brokerage_initializer()
        for security in self.algorithm.securities.values():
            # The models change, the leverage of before stays (QCAlgorithm.SetBrokerageModel).
            leverage = security._leverage
            initialize_security(self.security_initializer, security)
            security.set_leverage(leverage)

    def _brokerage_initializer(self) -> Any:
        """The brokerage model's initializer, first among those that ``add_security_initializer`` has added."""
        own = BrokerageModelSecurityInitializer(self.brokerage_model)
        known = self.security_initializer
        if not isinstance(known, CompositeSecurityInitializer):
            return own
        self.algorithm.debug(
            "Warning: SetBrokerageModel(): a custom security initializer has been added. Please call "
            "SetBrokerageModel() before calling AddSecurityInitializer()."
        )
        added = known.initializers
        places = [index for index, one in enumerate(added) if isinstance(one, BrokerageModelSecurityInitializer)]
        if not places:
            return CompositeSecurityInitializer(own, *added)
        added[places[0]] = own
        return CompositeSecurityInitializer(*added)

    def set_security_initializer(self, initializer: Any) -> None:
        if self._initializer_is_users:
            self.algorithm.debug(
                "Warning: SetSecurityInitializer() has already been called, existing security initializers in all "
                "universes will be overwritten."
            )
        self._initializer_is_users = True
        self.security_initializer = security_initializer_of(initializer)

    def add_security_initializer(self, initializer: Any) -> None:
        added = security_initializer_of(initializer)
        if isinstance(self.security_initializer, CompositeSecurityInitializer):
            self.security_initializer.add_security_initializer(added)
        elif self.security_initializer is not None:
            self.security_initializer = CompositeSecurityInitializer(self.security_initializer, added)
        else:
            self.security_initializer = added

    def set_benchmark(self, *args: Any) -> None:
        what = args[-1]
        if callable(what) and not isinstance(what, (str, Symbol)):
            self.algorithm._benchmark = FuncBenchmark(what)
            return
        if isinstance(what, str):
            symbol = symbol_cache.try_get_symbol(what)
            if symbol is None:
                self.algorithm.debug(
                    f"Warning: SetBenchmark({what}): no existing symbol found, benchmark security will be added with "
                    "Equity type."
                )
                symbol = Symbol.create(what.upper(), SecurityType.EQUITY, "usa")
        else:
            symbol = self.symbol_of(what)
        self.algorithm._benchmark = symbol

    def _settle_benchmark(self) -> None:
        algorithm = self.algorithm
        chosen = algorithm._benchmark
        if isinstance(chosen, FuncBenchmark):
            return
        if not isinstance(chosen, Symbol):
            chosen = brokerage_benchmark(self.brokerage_model, algorithm.securities)
        if not isinstance(chosen, (Symbol, str)):
            algorithm._benchmark = chosen
            return
        symbol = chosen if isinstance(chosen, Symbol) else self._new_symbol(chosen)
        # Lean makes a security of its own for the benchmark: its hourly bars never reach the algorithm's security.
        security = self.create_security(symbol, [], initialize=False)
        self.benchmark_security = security
        algorithm._benchmark = SecurityBenchmark(security)

    # -- the run -------------------------------------------------------------------------------------------------

    def load(self) -> ModuleType:
        """Import the algorithm file. Raises :class:`AlgorithmLoadError` where there is none, else what it raises."""
        path = self.configuration.algorithm_location
        if not path.is_file():
            raise AlgorithmLoadError(f"algorithm file {path} is not there; check --algorithm-location")
        install_algorithm_imports()
        folder = str(path.parent)
        if folder not in sys.path:
            sys.path.insert(0, folder)
        spec = importlib.util.spec_from_file_location(path.stem, path)
        if spec is None or spec.loader is None:
            raise AlgorithmLoadError(f"{path} cannot be imported as a Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
        return module

    def create_algorithm(self) -> QCAlgorithm:
        """An instance of the module's algorithm class, as ``AlgorithmPythonWrapper`` makes it.

        Every class that is derived from ``QCAlgorithm`` and defined in the module is made, by name; the last one is
        the algorithm, whatever class the configuration names.
        """
        module = self.load()
        algorithm: QCAlgorithm | None = None
        for name in dir(module):
            kind = getattr(module, name)
            if inspect.isclass(kind) and issubclass(kind, QCAlgorithm) and kind.__module__.startswith(module.__name__):
                algorithm = kind()
        if algorithm is None:
            raise OutsidePythonError(_NO_CLASS, "AlgorithmPythonWrapper.cs:line 178")
        asked = self.configuration.algorithm_type_name
        ran = type(algorithm).__name__
        if asked != ran and inspect.isclass(getattr(module, asked, None)):
            self._warn_user(f"harness.embedded: as Lean does, this runs {ran}, the last class by name, not {asked}")
        return algorithm

    def run(self) -> int:
        """Run the backtest and write its results. The exit code is 0 when the algorithm completed, else 1."""
        started = time.perf_counter()
        forget_refusals()
        algorithm_module.set_context(self)
        try:
            algorithm = self.create_algorithm()
        except AlgorithmLoadError:
            raise
        except NotSupportedError as error:
            raise AlgorithmLoadError(str(error)) from error
        except USER_ERRORS as error:
            return self._end_without_algorithm(error)
        self.phases_s["import"] = time.perf_counter() - started
        started = time.perf_counter()
        try:
            self._initialize(algorithm)
        except USER_ERRORS as error:
            if isinstance(error, InputError) and not isinstance(error, SymbolError):
                raise
            # Lean shows what the algorithm said with error(), then the error with everything inside it.
            header = header_of(error)
            error_text = ",".join(self.results.log_store.waiting("Error")) + _DURING_INITIALIZATION + header
            algorithm.set_runtime_error(error, "RuntimeError")
            self.phases_s["initialize"] = time.perf_counter() - started
            self._warn_user(error_text)
            self._hand_over_to_results()
            self.results.runtime_error(error_text, header)
            self._print_statistics(self.results.send_final_result(step_done=False))
            self.clean_up()
            return 1
        self.phases_s["initialize"] = time.perf_counter() - started
        started = time.perf_counter()
        self.results.debug_message(
            f"Launching analysis for {self.algorithm_id} with the embedded engine {ENGINE_VERSION}"
        )
        manager = AlgorithmManager(self)
        try:
            manager.run()
        except (NotSupportedError, InputError):
            raise
        except USER_ERRORS as error:
            # Models and functions of the user's that the engine calls outside its handlers (Engine.Run).
            if not (stack_of(error) or is_of_user_code(error)):
                raise
            algorithm.set_runtime_error(error, "AlgorithmManager.Run")
        refused = first_refusal()
        if refused is not None:
            algorithm.set_runtime_error(refused, "a refusal that user code caught")
        self.phases_s["algorithm"] = time.perf_counter() - started
        started = time.perf_counter()
        if algorithm.run_time_error is not None:
            text = interpreted(algorithm.run_time_error)
            error_text = f"Runtime Error: {text}"
            self._warn_user(error_text)
            self.results.log_message(error_text)
            self.results.runtime_error(error_text, text)
        if self.configuration.transaction_log is not None:
            write_transaction_log(self.configuration.transaction_log, self.transaction_handler.orders.values())
        seconds = max(self.phases_s["algorithm"], 1e-6)
        points = self.data.data_points + self.history_provider.data_points
        self.results.debug_message(
            f"Algorithm Id:({self.algorithm_id}) completed in {seconds:.2f} seconds at "
            f"{points / seconds / 1000:.0f}k data points per second. Processing total of {points:,} data points."
        )
        try:
            statistics = self.results.send_final_result(step_done=manager.step_done)
        except (NotSupportedError, InputError):
            raise
        except USER_ERRORS as error:
            if not (stack_of(error) or is_of_user_code(error)):
                raise
            # BacktestingResultHandler.Exit values the account first of all; nothing in Lean catches what that raises.
            self._warn_user(f"Error running algorithm, which leaves no results: {interpreted(error)}")
            self.object_store.flush()
            return 1
        self._print_statistics(statistics)
        self.clean_up()
        self.phases_s["results"] = time.perf_counter() - started
        return 0 if algorithm.status == AlgorithmStatus.COMPLETED else 1

    def _end_without_algorithm(self, error: BaseException) -> int:
        """The module or a constructor failed: Lean leaves its result files all the same, without an algorithm."""
        header = header_of(error)
        reason = (
            f"{_DURING_INITIALIZATION}Loader.TryCreatePythonAlgorithm(): Unable to import python module "
            f"{self.configuration.algorithm_location}. AlgorithmPythonWrapper(): {header}"
        )
        text = f"Algorithm.Initialize() Error: {reason} Stack Trace: {reason}"
        self._warn_user(text)
        self.results = self._new_result_handler()
        self.results.runtime_error(text, reason)
        self._print_statistics(self.results.send_final_result(step_done=False))
        return 1

    @staticmethod
    def _print_statistics(statistics: list[tuple[str, str]]) -> None:
        for name, value in statistics:
            print(f"STATISTICS:: {name} {value}")

    def _warn_user(self, text: str) -> None:
        print(text, file=sys.stderr)

    def clean_up(self) -> None:
        self.object_store.flush()
        store_data_requests(self.requests, self.data_folder, self.configuration.results_folder)

    def _initialize(self, algorithm: QCAlgorithm) -> None:
        self.is_set_up = True
        algorithm.name = self.backtest_name
        algorithm.set_parameters(dict(self.parameters))
        initialize = algorithm._user("initialize")
        if initialize is None:
            algorithm.initialize()
        else:
            initialize()
        self._post_initialize(algorithm)

    def _post_initialize(self, algorithm: QCAlgorithm) -> None:
        if algorithm.settings.trading_days_per_year is None:
            # BaseSetupHandler.SetBrokerageTradingDayPerYear, for the brokers that trade equities.
            algorithm.settings.trading_days_per_year = 252
        if algorithm._end_date < algorithm._start_date:
            raise OutsidePythonError(
                "Please select an algorithm end date greater than start date.", "QCAlgorithm.cs:line 786"
            )
        self.set_local_time(algorithm._start_date)
        self._settle_benchmark()
        self._warn_of_benchmark_zone(algorithm)
        zone = TimeZone.get(algorithm.time_zone)
        self.start_us = self.clock.utc_us
        self.data.end_us = zone.local_us_to_utc_us(to_us(algorithm._end_date + timedelta(microseconds=1))) - 1
        warm_up_start = self._warm_up_start(algorithm)
        if warm_up_start is not None:
            self.clock.utc_us = zone.local_us_to_utc_us(to_us(warm_up_start))
        else:
            algorithm.is_warming_up = False
        # BacktestingSetupHandler puts the job's limit, which a local launcher leaves at the largest int, in place of
        # whatever the algorithm has set.
        algorithm.set_maximum_orders(2**31 - 1)
        algorithm._locked = True
        algorithm.algorithm_id = self.algorithm_id
        self.end_of_day = EndOfDayEvents(algorithm, self.scheduler, self.clock)
        self.end_of_day.start()
        self.scheduler.start()
        self._hand_over_to_results()
        algorithm.portfolio._observer = self.equity

    def _warn_of_benchmark_zone(self, algorithm: QCAlgorithm) -> None:
        """``QCAlgorithm.PostInitialize``: daily samples of a benchmark in another time zone are off by hours."""
        if self.benchmark_security is None:
            return
        zone = self.benchmark_security.exchange.hours.time_zone
        asked = [config.resolution for config in self.data.configs if not config.is_internal_feed]
        daily = Resolution.DAILY in asked or algorithm.universe_settings.resolution == Resolution.DAILY
        if daily and zone != algorithm.time_zone:
            algorithm.log(
                f"QCAlgorithm.PostInitialize(): Warning: Using a security benchmark of a different timezone ({zone}) "
                f"than the algorithm TimeZone ({algorithm.time_zone}) may lead to skewed and incorrect statistics. Use "
                "a higher resolution than daily to minimize."
            )

    def _hand_over_to_results(self) -> None:
        algorithm = self.algorithm
        benchmark = algorithm._benchmark
        self.results.set_algorithm(
            algorithm,
            algorithm.portfolio._cash,
            bars_between=lambda symbol, after_us, until_us: bars_between(self, symbol, after_us, until_us),
            transaction_handler=self.transaction_handler,
            risk_free_rate=self._risk_free_rate,
            benchmark=benchmark._evaluate if hasattr(benchmark, "_evaluate") else (lambda utc: ZERO),
        )

    def _risk_free_rate(self, day: Any) -> Decimal:
        """The rate of a day: the user's model if there is one, else what the data folder says."""
        model = self.risk_free_interest_rate_model
        if model is None:
            return self.interest_rates.get_interest_rate(day)
        get = user_method(model, "get_interest_rate") or model.get_interest_rate
        moment = day if isinstance(day, datetime) else datetime(day.year, day.month, day.day)
        return from_python(get(moment))

    def set_trade_builder(self, builder: Any) -> None:
        """Group fills into trades as the given builder would."""
        matching = FillMatchingMethod.LIFO if builder._lifo else FillMatchingMethod.FIFO
        observed = ObservedTradeBuilder(builder._grouping, matching)
        observed.attach(self)
        self.algorithm.trade_builder = observed

    def _warm_up_start(self, algorithm: QCAlgorithm) -> datetime | None:
        if algorithm._warm_up_bars is not None:
            symbols = list(algorithm.securities._securities)
            starts = [
                self.history_provider.bar_count_start(
                    symbol, algorithm._warm_up_bars, algorithm.settings.warmup_resolution
                )
                for symbol in symbols
            ]
            if starts:
                return min(starts)
            resolution = algorithm.settings.warmup_resolution
            length_us = RESOLUTION_US[algorithm.universe_settings.resolution if resolution is None else resolution]
            return algorithm.time - algorithm._warm_up_bars * timedelta(microseconds=length_us)
        if algorithm._warm_up_span is not None:
            return algorithm.time - algorithm._warm_up_span
        return None


def install_algorithm_imports() -> None:
    """Make ``from AlgorithmImports import *`` work."""
    from harness.embedded import algorithm_imports

    sys.modules.setdefault("AlgorithmImports", algorithm_imports)
    if not any(isinstance(finder, _NamespaceFinder) for finder in sys.meta_path):
        sys.meta_path.append(_NamespaceFinder())


class _Namespace(ModuleType):
    """A namespace, or a class of Lean that is not covered: an import cannot tell, what is done with it can."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise NotSupportedError(self.__name__)

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        raise NotSupportedError(self.__name__)


class _NamespaceFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports from ``QuantConnect...``, ``System...`` and ``clr`` reach the names of ``AlgorithmImports``."""

    _roots = ("QuantConnect", "System", "clr")

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        if fullname.partition(".")[0] not in self._roots:
            return None
        return importlib.util.spec_from_loader(fullname, self, is_package=True)

    def create_module(self, spec: Any) -> ModuleType:
        return _Namespace(spec.name)

    def exec_module(self, module: Any) -> None:
        from harness.embedded import algorithm_imports, dotnet

        names = {name: vars(algorithm_imports)[name] for name in algorithm_imports.__all__}
        names.update({name: getattr(dotnet, name) for name in dotnet.__all__})
        vars(module).update(names)
        vars(module)["__all__"] = list(names)


__all__ = ["AlgorithmLoadError", "Decimal", "EngineContext", "install_algorithm_imports", "snake_case"]
