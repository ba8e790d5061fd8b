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
    TradeBar,
    TradeBars,
)
from harness.embedded.feed.config import SubscriptionDataConfig
from harness.embedded.feed.data_manager import SecurityChanges
from harness.embedded.not_supported import NotSupportedError
from harness.embedded.reference.symbols import SecurityIdentifier, Symbol

_PACKAGES = ("orders", "fills", "securities", "models", "indicators", "consolidators", "scheduling")
_MODULES = (
    "harness.embedded.rolling_window",
    "harness.embedded.portfolio_target",
    "harness.embedded.results.charts",
    "harness.embedded.statistics.performance",
    "harness.embedded.benchmark",
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


class Extensions:
    """The helpers of Lean's ``Extensions`` that Python algorithms call."""

    @staticmethod
    def to_time_span(resolution: enums.Resolution) -> timedelta:
        return timedelta(microseconds=enums.RESOLUTION_US[resolution])

    ToTimeSpan = to_time_span


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
    for name in dir(enums):
        value = getattr(enums, name)
        if inspect.isclass(value) and issubclass(value, enums.LeanEnum) and value is not enums.LeanEnum:
            found[name] = value
    return found


class _Uncovered(type):
    """A Lean class that is outside the embedded engine: any use says so."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        raise NotSupportedError(cls.__name__)

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotSupportedError(f"{cls.__name__}.{name}")


_UNCOVERED = ["AlphaModel", "PortfolioConstructionModel", "ExecutionModel", "RiskManagementModel", "UniverseSelectionModel", "Insight", "ManualUniverseSelectionModel", "EqualWeightingPortfolioConstructionModel", "ImmediateExecutionModel", "ConstantAlphaModel", "NullAlphaModel", "NullPortfolioConstructionModel", "NullExecutionModel", "NullRiskManagementModel", "PythonData", "Tick", "Ticks", "Futures", "Option", "OptionStrategies", "OptionRight", "OptionStyle", "FuturePriceModels", "OptionPriceModels", "CoarseFundamental", "FineFundamental", "Fundamental", "UniverseDefinitions", "Universe", "ScheduledUniverseSelectionModel", "InsightDirection", "InsightType", "Leg", "OrderStrategy", "Forex", "Cfd", "Crypto", "Index", "MaximumDrawdownPercentPerSecurity", "EtfConstituentUniverse", "CorporateFactorProvider"]


def _exports() -> dict[str, Any]:
    found = {name: getattr(typing, name) for name in typing.__all__ if not name.startswith("_")}
    found.update({name: _Uncovered(name, (), {}) for name in _UNCOVERED})
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
