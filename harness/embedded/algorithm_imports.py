"""What ``from AlgorithmImports import *`` gives an algorithm: Lean's public classes as far as they are covered, and the
standard names that Lean's own module brings along. pandas and matplotlib are imported when first used.

Source of the list of names: Lean's ``Common/AlgorithmImports.py``.
"""

from __future__ import annotations

import importlib
import inspect
import json
import math
import pkgutil
import typing
from datetime import date, datetime, time, timedelta
from types import ModuleType
from typing import Any

import numpy as np

from harness.embedded import enums
from harness.embedded.algorithm import QCAlgorithm, UniverseSettings
from harness.embedded.clr import from_python, to_float
from harness.embedded.consolidators.events import EventHook
from harness.embedded.data import (
    Bar,
    BaseData,
    Delisting,
    Delistings,
    Dividend,
    Dividends,
    QuoteBar,
    QuoteBars,
    Slice,
    Split,
    Splits,
    SymbolChangedEvent,
    SymbolChangedEvents,
    TradeBar,
    TradeBars,
)
from harness.embedded.feed.config import SubscriptionDataConfig
from harness.embedded.feed.data_manager import SecurityChanges
from harness.embedded.indicators.candlesticks import PATTERNS
from harness.embedded.indicators.candlesticks.candle import CandleColor, CandleRangeType, CandlestickPattern
from harness.embedded.not_supported import NotSupportedError
from harness.embedded.orders.numbers import round_to_significant_digits, smart_rounding
from harness.embedded.reference.providers import (
    DefaultDataProvider,
    LocalDiskFactorFileProvider,
    LocalDiskMapFileProvider,
)
from harness.embedded.reference.symbols import SecurityIdentifier, Symbol, symbol_cache
from harness.embedded.reference.time_zones import TimeZone

_PACKAGES = ("orders", "fills", "securities", "models", "indicators", "consolidators", "scheduling")
_MODULES = (
    "harness.embedded.rolling_window",
    "harness.embedded.portfolio_target",
    "harness.embedded.results.charts",
    "harness.embedded.statistics.performance",
    "harness.embedded.statistics.portfolio_statistics",
    "harness.embedded.statistics.trade",
    "harness.embedded.statistics.trade_builder",
    "harness.embedded.statistics.trade_statistics",
    "harness.embedded.benchmark",
    "harness.embedded.color",
    "harness.embedded.candlestick_patterns",
    "harness.embedded.settings",
)


class _LazyModule:
    """Stands for a module that is imported when one of its members is read."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, member: str) -> Any:
        return getattr(importlib.import_module(self._name), member)


class Market:
    """Market codes. Only ``USA`` is covered; the others are names."""

    USA = "usa"
    OANDA = "oanda"
    FXCM = "fxcm"
    GDAX = "gdax"
    BINANCE = "binance"
    INDIA = "india"
    CBOE = "cboe"
    CME = "cme"


class Currencies:
    USD = "USD"
    EUR = "EUR"
    GBP = "GBP"


class TimeZones:
    """Names of time zones as ``set_time_zone`` takes them."""

    NEW_YORK = "America/New_York"
    CHICAGO = "America/Chicago"
    LOS_ANGELES = "America/Los_Angeles"
    LONDON = "Europe/London"
    UTC = "UTC"
    NewYork, Chicago, LosAngeles, London, Utc = NEW_YORK, CHICAGO, LOS_ANGELES, LONDON, UTC


class _OtherHelpers(type):
    """Lean's ``Extensions`` has hundreds of helpers for its own use: any that is not here is refused by name."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotSupportedError(f"Extensions.{name}")


class Extensions(metaclass=_OtherHelpers):
    """The helpers of Lean's ``Extensions`` that Python algorithms call."""

    @staticmethod
    def to_time_span(resolution: enums.Resolution) -> timedelta:
        return timedelta(microseconds=enums.RESOLUTION_US[resolution])

    @staticmethod
    def convert_from_utc(time: datetime, zone: Any, strict: bool = False) -> datetime:
        return TimeZone.get(str(zone)).utc_to_local(time.replace(tzinfo=None))

    @staticmethod
    def convert_to_utc(time: datetime, zone: Any, strict: bool = False) -> datetime:
        return TimeZone.get(str(zone)).local_to_utc(time.replace(tzinfo=None))

    @staticmethod
    def round_down(time: datetime, interval: timedelta) -> datetime:
        midnight = datetime(1, 1, 1)
        return midnight + (time - midnight) // interval * interval

    @staticmethod
    def round_to_significant_digits(value: Any, digits: int) -> float:
        return to_float(round_to_significant_digits(from_python(value), digits))

    @staticmethod
    def smart_rounding(value: Any) -> float:
        return to_float(smart_rounding(from_python(value)))

    ToTimeSpan, ConvertFromUtc, ConvertToUtc, RoundDown = to_time_span, convert_from_utc, convert_to_utc, round_down
    RoundToSignificantDigits, SmartRounding = round_to_significant_digits, smart_rounding


class RegressionTestException(Exception):  # noqa: N818 (Lean's name)
    """What Lean's own regression algorithms raise."""


class FuncRiskFreeRateInterestRateModel:
    """The risk-free rate as a function of the day. Source: Lean's class of this name."""

    def __init__(self, function: Any) -> None:
        self._function = function

    def get_interest_rate(self, day: datetime) -> Any:
        return self._function(day)

    GetInterestRate = get_interest_rate


class ConstantRiskFreeRateInterestRateModel:
    """One risk-free rate for all days."""

    def __init__(self, rate: Any) -> None:
        self._rate = rate

    def get_interest_rate(self, day: datetime) -> Any:
        return self._rate

    GetInterestRate = get_interest_rate


class CircularQueue:
    """Gives its items in turn, for ever, and fires ``circle_completed`` whenever it gives the first, at the start too.

    Source: Lean's ``CircularQueue<T>``.
    """

    def __init__(self, items: Any) -> None:
        self._items = list(items)
        self._index = 0
        self.circle_completed = EventHook()

    def __class_getitem__(cls, item: Any) -> Any:
        return cls

    def dequeue(self) -> Any:
        item = self._items[self._index]
        self._index = (self._index + 1) % len(self._items)
        if item == self._items[0]:
            self.circle_completed(self, None)
        return item

    Dequeue = dequeue


class _SymbolCache:
    """``SymbolCache`` with the calls that Python algorithms make."""

    @staticmethod
    def try_get_symbol(ticker: str, symbol: Any = None) -> tuple[bool, Any]:
        found = symbol_cache.try_get_symbol(ticker)
        return found is not None, found

    @staticmethod
    def get_symbol(ticker: str) -> Any:
        return symbol_cache.get_symbol(ticker)

    TryGetSymbol, GetSymbol = try_get_symbol, get_symbol


def _action(*args: Any) -> Any:
    """``Action(function)``: .NET delegates are plain functions here."""
    return args[-1]


class _Delegate:
    def __class_getitem__(cls, item: Any) -> Any:
        return _action

    def __new__(cls, *args: Any) -> Any:
        return _action(*args)


def AddReference(name: str) -> None:  # noqa: N802 (the name that pythonnet gives it)
    """Nothing to load: kept so that older algorithms import."""


def _public_classes() -> dict[str, Any]:
    found: dict[str, Any] = {}
    names = list(_MODULES)
    for package_name in _PACKAGES:
        package = importlib.import_module(f"harness.embedded.{package_name}")
        names += [f"{package.__name__}.{module.name}" for module in pkgutil.iter_modules(package.__path__)]
    for module_name in names:
        for name, value in vars(importlib.import_module(module_name)).items():
            if not name.startswith("_") and inspect.isclass(value) and value.__module__ == module_name:
                found[name] = value
    found.update({kind.__name__: kind for kind in (*PATTERNS, CandlestickPattern, CandleColor, CandleRangeType)})
    for name in dir(enums):
        value = getattr(enums, name)
        if inspect.isclass(value) and issubclass(value, enums.LeanEnum) and value is not enums.LeanEnum:
            found[name] = value
    return found


class _Uncovered(type):
    """A Lean class that is outside the embedded engine: any use says so."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        # A user's class derived from one is named by what it derives from.
        raise NotSupportedError(next(base.__name__ for base in cls.__mro__ if base.__name__ in UNCOVERED_CLASSES))

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotSupportedError(f"{cls.__name__}.{name}")


UNCOVERED_CLASSES = [
    "AccumulativeInsightPortfolioConstructionModel",
    "AlphaModel",
    "BlackLittermanOptimizationPortfolioConstructionModel",
    "BloombergFixOrderProperties",
    "BuyingPowerModelExtensions",
    "CandleSettings",
    "Cfd",
    "CoarseFundamental",
    "CoarseFundamentalUniverseSelectionModel",
    "Collective2SignalExport",
    "Command",
    "CompositeAlphaModel",
    "CompositeRiskManagementModel",
    "Compression",
    "ConfidenceWeightedPortfolioConstructionModel",
    "ConstantAlphaModel",
    "ConstituentsUniverse",
    "CorporateFactorProvider",
    "CrunchDAOSignalExport",
    "Crypto",
    "CustomDataEquity",
    "CustomUniverseSelectionModel",
    "DefaultExerciseModel",
    "DefaultOptionAssignmentModel",
    "DividendYieldProvider",
    "DynamicData",
    "ETFConstituentData",
    "ETFConstituentUniverse",
    "ETFConstituentsUniverseSelectionModel",
    "EqualWeightingPortfolioConstructionModel",
    "EtfConstituentUniverse",
    "Exchange",
    "ExecutionModel",
    "FileFormat",
    "FineFundamental",
    "FineFundamentalUniverseSelectionModel",
    "FixOrderProperties",
    "Forex",
    "Fundamental",
    "FundamentalUniverse",
    "FundamentalUniverseSelectionModel",
    "FuturePriceModels",
    "FutureUniverse",
    "FutureUniverseSelectionModel",
    "Futures",
    "FuturesChains",
    "GeneratedInsightsCollection",
    "Globals",
    "Greeks",
    "HistoricalReturnsAlphaModel",
    "IAlgorithm",
    "IBrokerageModel",
    "IDataConsolidator",
    "IPortfolioTarget",
    "IPositionGroup",
    "ISecuritySeeder",
    "ImmediateExecutionModel",
    "ImpliedVolatility",
    "InceptionDateUniverseSelectionModel",
    "Index",
    "IndiaOrderProperties",
    "Insight",
    "InsightDirection",
    "InsightScoreType",
    "InsightType",
    "InsightWeightingPortfolioConstructionModel",
    "InterestRateProvider",
    "IntrinioConfig",
    "IntrinioEconomicData",
    "LeanData",
    "Leg",
    "LinkedData",
    "LiquidETFUniverse",
    "ManualUniverseSelectionModel",
    "MarginInterestRate",
    "MaximumDrawdownPercentPerSecurity",
    "MaximumDrawdownPercentPortfolio",
    "MaximumUnrealizedProfitPercentPerSecurity",
    "MeanReversionPortfolioConstructionModel",
    "MeanVarianceOptimizationPortfolioConstructionModel",
    "NullAlphaModel",
    "NullExecutionModel",
    "NullOptionAssignmentModel",
    "NullPortfolioConstructionModel",
    "NullRiskManagementModel",
    "NumeraiSignalExport",
    "OpenInterest",
    "OpenInterestFutureUniverseSelectionModel",
    "Option",
    "OptionChain",
    "OptionChainedUniverseSelectionModel",
    "OptionChains",
    "OptionContract",
    "OptionExerciseOrder",
    "OptionFilterUniverse",
    "OptionGreekIndicatorsHelper",
    "OptionPriceModelResult",
    "OptionPriceModels",
    "OptionPricingModelType",
    "OptionRight",
    "OptionStrategies",
    "OptionStrategyPositionGroupBuyingPowerModel",
    "OptionStyle",
    "OptionSymbol",
    "OptionUniverseSelectionModel",
    "OrderExtensions",
    "OrderStrategy",
    "PortfolioBias",
    "PortfolioConstructionModel",
    "PortfolioTargetCollection",
    "PythonData",
    "PythonQuandl",
    "QLOptionPriceModel",
    "QLOptionPriceModelProvider",
    "RiskManagementModel",
    "RiskParityPortfolioConstructionModel",
    "ScheduledUniverse",
    "ScheduledUniverseSelectionModel",
    "SectorWeightingPortfolioConstructionModel",
    "SecurityDataFilter",
    "SignalExportTargetParameters",
    "SubscriptionDataSource",
    "SubscriptionTransportMedium",
    "TerminalLinkOrderProperties",
    "Tick",
    "Ticks",
    "Tiingo",
    "Time",
    "TimeSpan",
    "TradingTechnologiesOrderProperties",
    "Universe",
    "UniverseDefinitions",
    "UniverseSelectionModel",
    "UnlinkedData",
    "VBaseSignalExport",
    "WolverineOrderProperties",
]
"""Classes of Lean that its own Python algorithms use and that are outside the engine: any use says so."""


def _exports() -> dict[str, Any]:
    found = {name: getattr(typing, name) for name in typing.__all__ if not name.startswith("_")}
    found.update({name: _Uncovered(name, (), {}) for name in UNCOVERED_CLASSES})
    found.update(_public_classes())
    found.update(
        {
            "QCAlgorithm": QCAlgorithm,
            "QCAlgorithmFramework": QCAlgorithm,
            "QCAlgorithmFrameworkBridge": QCAlgorithm,
            "UniverseSettings": UniverseSettings,
            "Symbol": Symbol,
            "SecurityIdentifier": SecurityIdentifier,
            "SubscriptionDataConfig": SubscriptionDataConfig,
            "SecurityChanges": SecurityChanges,
            "Market": Market,
            "Currencies": Currencies,
            "TimeZones": TimeZones,
            "Extensions": Extensions,
            "Action": _Delegate,
            "Func": _Delegate,
            "AddReference": AddReference,
            "RegressionTestException": RegressionTestException,
            "FuncRiskFreeRateInterestRateModel": FuncRiskFreeRateInterestRateModel,
            "ConstantRiskFreeRateInterestRateModel": ConstantRiskFreeRateInterestRateModel,
            "CircularQueue": CircularQueue,
            "SymbolCache": _SymbolCache,
            "DefaultDataProvider": DefaultDataProvider,
            "LocalDiskMapFileProvider": LocalDiskMapFileProvider,
            "LocalDiskFactorFileProvider": LocalDiskFactorFileProvider,
            "SymbolChangedEvents": SymbolChangedEvents,
            "datetime": datetime,
            "timedelta": timedelta,
            "date": date,
            "time": time,
            "math": math,
            "json": json,
            "np": np,
            "pd": _LazyModule("pandas"),
            "plt": _LazyModule("matplotlib.pyplot"),
            "Exception": Exception,
        }
    )
    for kind in (
        Bar,
        BaseData,
        Delisting,
        Delistings,
        Dividend,
        Dividends,
        QuoteBar,
        QuoteBars,
        Slice,
        Split,
        Splits,
        SymbolChangedEvent,
        TradeBar,
        TradeBars,
    ):
        found[kind.__name__] = kind
    return found


_all = _exports()
globals().update(_all)
__all__ = list(_all)


def __getattr__(name: str) -> Any:
    """``from QuantConnect.X import Y`` style imports reach the same names."""
    if isinstance(globals().get(name), ModuleType):
        return globals()[name]
    raise AttributeError(f"AlgorithmImports has no name {name!r}")
