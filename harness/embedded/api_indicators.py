"""Mixin of ``QCAlgorithm``: indicators, consolidators, and how they are fed and warmed up.

Source of the rules: ``Algorithm/QCAlgorithm.Indicators.cs`` and the indicator and consolidator parts of
``Algorithm/QCAlgorithm.Python.cs`` of Lean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from harness.embedded.candlestick_patterns import CandlestickPatterns
from harness.embedded.clr import decimal_text, double_text, from_python, time_span_text
from harness.embedded.consolidators.identity import IdentityDataConsolidator
from harness.embedded.consolidators.market_hours import MarketHourAwareConsolidator, higher_resolution
from harness.embedded.consolidators.period import BaseDataConsolidator, QuoteBarConsolidator, TradeBarConsolidator
from harness.embedded.consolidators.period_specification import timedelta_us
from harness.embedded.consolidators.price_bars import RangeBar, RenkoBar, VolumeRenkoBar
from harness.embedded.consolidators.price_based import RangeConsolidator, RenkoConsolidator, VolumeRenkoConsolidator
from harness.embedded.consolidators.subscription_manager import data_type_of
from harness.embedded.consolidators.user_consolidator import as_consolidator
from harness.embedded.data import BaseData, QuoteBar, TradeBar
from harness.embedded.enums import RESOLUTION_US, Resolution, TickType
from harness.embedded.feed.start_time import start_time_for_trade_bars
from harness.embedded.indicators.base import Identity, IndicatorBase, Input
from harness.embedded.indicators.breadth import (
    AdvanceDeclineDifference,
    AdvanceDeclineRatio,
    AdvanceDeclineVolumeRatio,
    ArmsIndex,
    McClellanOscillator,
    McClellanSummationIndex,
    NewHighsNewLows,
    NewHighsNewLowsVolume,
)
from harness.embedded.indicators.extremes import Maximum, Minimum
from harness.embedded.indicators.factories import FACTORIES, UNCOVERED, Factory
from harness.embedded.indicators.feeding import Selector, data_type_of_selector, feeder
from harness.embedded.indicators.oscillators import FilteredIdentity
from harness.embedded.indicators.profiles import RelativeDailyVolume
from harness.embedded.indicators.statistics import (
    Alpha,
    Beta,
    Correlation,
    CorrelationType,
    Covariance,
    DualSymbolIndicator,
    SharpeRatio,
    ValueAtRisk,
)
from harness.embedded.indicators.user_indicator import as_indicator_base
from harness.embedded.indicators.volume import IntradayVwap, VolumeWeightedAveragePriceIndicator
from harness.embedded.naming import lean_api
from harness.embedded.not_supported import NotSupportedError
from harness.embedded.reference.time_zones import TimeZone
from harness.embedded.runtime_errors import BindingError

_RESOLUTION_TEXT = {
    Resolution.TICK: "tick",
    Resolution.SECOND: "sec",
    Resolution.MINUTE: "min",
    Resolution.HOUR: "hr",
    Resolution.DAILY: "day",
}
_BAR_TYPES: dict[Input, tuple[type, ...]] = {
    Input.BAR: (TradeBar, QuoteBar),
    Input.TRADE_BAR: (TradeBar,),
    Input.DATA: (BaseData,),
}


def _tick_type_of(data_type: Any) -> TickType | None:
    """The side that carries a type of data. Source: ``LeanData.GetCommonTickTypeForCommonDataTypes``."""
    if data_type is None:
        return None
    return TickType.QUOTE if isinstance(data_type, type) and issubclass(data_type, QuoteBar) else TickType.TRADE


@lean_api
class IndicatorsApi:
    """What an algorithm can do with indicators and consolidators."""

    _engine: Any
    subscription_manager: Any
    settings: Any
    _daily_consolidation_warned = False
    _warm_up_warned = False

    @property
    def candlestick_patterns(self) -> CandlestickPatterns:
        """Makes candlestick patterns."""
        return CandlestickPatterns(self)

    # ------------------------------------------------------------------------------------------------ subscriptions

    def _subscription(self, symbol: Any, tick_type: TickType | None = None) -> Any:
        """The subscription that consolidators of a symbol read. Raises ``RuntimeError`` if there is none."""
        configs = self._engine.data.configs_of(symbol)
        if not configs:
            self.add_security(symbol)  # type: ignore[attr-defined]
            configs = self._engine.data.configs_of(symbol)
        if not configs:
            raise RuntimeError(
                f"Please register to receive data for symbol '{symbol}' using the AddSecurity() function."
            )
        ordered = sorted(configs, key=lambda config: int(config.tick_type))
        for config in ordered:
            if tick_type is None or config.tick_type == tick_type:
                return config
        return ordered[0]

    def create_indicator_name(self, symbol: Any, type: str, resolution: Resolution | None = None) -> str:
        """``SMA(14)`` of SPY in minutes is ``SMA(14,SPY_min)``."""
        named = symbol is not None and getattr(symbol, "value", "") != ""
        if resolution is None and named:
            resolution = self._subscription(symbol).resolution
        parts = [str(symbol)] if named else []
        parts.append("" if resolution is None else _RESOLUTION_TEXT[Resolution(resolution)])
        return f"{type}({'_'.join(parts)})".replace(")(", ",")

    # ---------------------------------------------------------------------------------------------- consolidators

    @staticmethod
    def _identity(data_type: type) -> Any:
        for known in (TradeBar, QuoteBar):
            if issubclass(data_type, known):
                return IdentityDataConsolidator(data_type=known)
        return IdentityDataConsolidator()

    @staticmethod
    def _by(period: Any, data_type: type) -> Any:
        """A consolidator by a length of time or a calendar."""
        if issubclass(data_type, TradeBar):
            return TradeBarConsolidator(period)
        if issubclass(data_type, QuoteBar):
            return QuoteBarConsolidator(period)
        return BaseDataConsolidator(period)

    @staticmethod
    def create_consolidator(period: timedelta, consolidator_input_type: type, tick_type: TickType | None = None) -> Any:
        """A consolidator of a length of time for a type of bars; of length zero it passes them through."""
        if period == timedelta(0):
            return IndicatorsApi._identity(consolidator_input_type)
        return IndicatorsApi._by(period, consolidator_input_type)

    def _consolidator_for(
        self,
        symbol: Any,
        *,
        calendar: Any = None,
        tick_type: TickType | None = None,
        period: timedelta | None = None,
        resolution: Resolution | None = None,
    ) -> Any:
        config = self._subscription(symbol, tick_type)
        increment = timedelta(microseconds=RESOLUTION_US[config.resolution])
        if (period is not None and period < increment) or (resolution is not None and resolution < config.resolution):
            raise ValueError(
                f"Unable to create {symbol} consolidator because {symbol} is registered for "
                f"{config.resolution.lean_name} data. Consolidators require higher resolution data to produce lower "
                "resolution data."
            )
        data_type = data_type_of(config)
        if calendar is not None:
            return self._by(calendar, data_type)
        if period is None and resolution is None:
            period = increment
        if period == increment or resolution == config.resolution:
            return self._identity(data_type)
        if resolution is not None:
            if resolution == Resolution.DAILY:
                return self._daily_consolidator(symbol, config, data_type)
            period = timedelta(microseconds=RESOLUTION_US[resolution])
        assert period is not None
        return self.create_consolidator(period, data_type, config.tick_type)

    def _daily_consolidator(self, symbol: Any, config: Any, data_type: type) -> Any:
        extended = bool(self.settings.daily_consolidation_use_extended_market_hours)
        if config.extended_market_hours and not extended and not self._daily_consolidation_warned:
            self._daily_consolidation_warned = True
            self.debug(  # type: ignore[attr-defined]
                f"Warning: The subscription for {symbol} has ExtendedMarketHours=true, but "
                "Settings.DailyConsolidationUseExtendedMarketHours=false. Daily consolidations will exclude extended "
                "market hours. Enable algorithm.Settings.DailyConsolidationUseExtendedMarketHours to include them."
            )
        return MarketHourAwareConsolidator(
            bool(self.settings.daily_precise_end_time),
            Resolution.DAILY,
            data_type,
            config.tick_type,
            extended and config.extended_market_hours,
        )

    def resolve_consolidator(
        self, symbol: Any, resolution: Resolution | timedelta | None = None, data_type: type | None = None
    ) -> Any:
        """The consolidator that makes bars of a resolution or length from a symbol's subscription."""
        symbol = self._engine.symbol_of(symbol)
        tick_type = _tick_type_of(data_type)
        if isinstance(resolution, timedelta):
            return self._consolidator_for(symbol, tick_type=tick_type, period=resolution)
        chosen = None if resolution is None else Resolution(resolution)
        return self._consolidator_for(symbol, tick_type=tick_type, resolution=chosen)

    def consolidate(self, *arguments: Any, **named: Any) -> Any:
        """``consolidate(symbol, period, [tick_type,] handler)``; the period is a resolution, a length or a calendar.

        ``consolidate(bar_type, symbol, size, tick_type, handler)`` makes bars by size or count. The consolidator is
        returned; without a handler it is not fed.
        """
        given = list(arguments)
        if given and isinstance(given[0], type):
            return self._consolidate_by_size(given, named)
        values = dict(zip(("symbol", "period"), given, strict=False))
        rest = given[2:]
        if rest and not callable(rest[0]):
            values["tick_type"] = rest.pop(0)
        if rest:
            values["handler"] = rest.pop(0)
        values.update(named)
        if "calendar" in values:
            values["period"] = values.pop("calendar")
        if rest or not {"symbol", "period", "handler"} <= set(values):
            raise TypeError("consolidate is called with a symbol, a period, an optional tick type and a handler")
        symbol = self._engine.symbol_of(values["symbol"])
        period, handler = values["period"], values["handler"]
        tick_type = None if values.get("tick_type") is None else TickType(values["tick_type"])
        if isinstance(period, timedelta):
            consolidator = self._consolidator_for(symbol, tick_type=tick_type, period=period)
        elif callable(period):
            consolidator = self._consolidator_for(symbol, tick_type=tick_type, calendar=period)
        else:
            consolidator = self._consolidator_for(symbol, tick_type=tick_type, resolution=Resolution(period))
        self._attach(symbol, consolidator, tick_type, handler)
        return consolidator

    def _attach(self, symbol: Any, consolidator: Any, tick_type: TickType | None, handler: Any) -> None:
        if handler is None:
            return
        if not callable(handler):
            raise TypeError("consolidate: the handler must be a function")
        consolidator.engine_event += lambda _, bar: handler(bar)
        self.subscription_manager.add_consolidator(symbol, consolidator, tick_type)

    def _consolidate_by_size(self, given: list[Any], named: dict[str, Any]) -> Any:
        names = ("type", "symbol", "size", "tick_type", "handler")
        values = dict(zip(names, given, strict=False)) | named
        if len(given) > len(names) or set(values) != set(names):
            raise BindingError(
                "consolidate by size is called with a type, a symbol, a size, a tick type (or None) and a handler"
            )
        kind, size = values["type"], values["size"]
        symbol = self._engine.symbol_of(values["symbol"])
        consolidator: Any
        if kind is RenkoBar:
            consolidator = RenkoConsolidator(size)
        elif kind is VolumeRenkoBar:
            consolidator = VolumeRenkoConsolidator(size)
        elif kind is RangeBar:
            consolidator = RangeConsolidator(int(size))
        elif kind is TradeBar:
            consolidator = TradeBarConsolidator(int(size))
        elif kind is QuoteBar:
            consolidator = QuoteBarConsolidator(int(size))
        else:
            consolidator = BaseDataConsolidator(int(size))
        self._subscription(symbol)
        self._attach(symbol, consolidator, values.get("tick_type"), values.get("handler"))
        return consolidator

    # ------------------------------------------------------------------------------------------ feeding indicators

    def register_indicator(self, symbol: Any, indicator: Any, *arguments: Any, **named: Any) -> None:
        """``register_indicator(symbol, indicator[, resolution | timedelta | consolidator][, selector])``."""
        names = ("resolution", "selector")
        values = dict(zip(names, arguments, strict=False)) | named
        by = values.get("consolidator", values.get("resolution"))
        symbol = self._engine.symbol_of(symbol)
        target = as_indicator_base(indicator)
        if by is None or isinstance(by, (Resolution, timedelta)):
            consolidator = self.resolve_consolidator(symbol, by)
        elif isinstance(by, (str, float)):
            raise ValueError("Invalid third argument, should be either a valid consolidator or timedelta object.")
        else:
            consolidator = as_consolidator(by)
        self._register(symbol, target, consolidator, values.get("selector"))

    def _register(self, symbol: Any, indicator: IndicatorBase, consolidator: Any, selector: Selector | None) -> None:
        indicator._consolidators.append(consolidator)
        self.subscription_manager.add_consolidator(symbol, consolidator, None)
        if indicator.INPUT is not Input.POINT:
            output = consolidator.output_type
            if not (isinstance(output, type) and issubclass(output, _BAR_TYPES[indicator.INPUT])):
                raise ValueError(
                    f"Type mismatch found between consolidator and indicator for symbol: {symbol}.Consolidator outputs "
                    f"type {getattr(output, '__name__', output)} but indicator expects input type "
                    f"{indicator.INPUT.value}"
                )
        feed = feeder(indicator, selector)
        consolidator.engine_event += lambda _, bar: feed(bar)

    def deregister_indicator(self, indicator: Any) -> None:
        """Stop feeding an indicator."""
        target = as_indicator_base(indicator)
        for consolidator in list(target._consolidators):
            self.subscription_manager.remove_consolidator(None, consolidator)
        target._consolidators.clear()

    def unregister_indicator(self, indicator: Any) -> None:
        """Stop feeding an indicator."""
        self.deregister_indicator(indicator)

    # ----------------------------------------------------------------------------------------------------- warm-up

    def warm_up_indicator(self, symbol: Any, indicator: Any, *arguments: Any, **named: Any) -> None:
        """``warm_up_indicator(symbols, indicator[, resolution | timedelta][, selector])`` from history."""
        values = dict(zip(("resolution", "selector"), arguments, strict=False)) | named
        by = values.get("period", values.get("resolution"))
        target = as_indicator_base(indicator)
        symbols = self._symbols_of(symbol)
        if isinstance(by, timedelta):
            self._warm_up_by_period(symbols, target, by, values.get("selector"))
        else:
            self._warm_up(symbols, target, None if by is None else Resolution(by), values.get("selector"))

    def _symbols_of(self, symbols: Any) -> list[Any]:
        if isinstance(symbols, str) or not isinstance(symbols, Iterable):
            return [self._engine.symbol_of(symbols)]
        return [self._engine.symbol_of(symbol) for symbol in symbols]

    def _has_warm_up_period(self, indicator: IndicatorBase) -> bool:
        if indicator._warm_up is not None:
            return True
        if not self._warm_up_warned:
            self._warm_up_warned = True
            self.debug(  # type: ignore[attr-defined]
                "Warning: the 'WarmUpIndicator' feature only works with indicators which inherit from "
                "'IIndicatorWarmUpPeriodProvider' and define a warm up period, setting property 'WarmUpPeriod' with a "
                f"value > 0. The provided indicator of type '{type(indicator).__name__}' will not be warmed up."
            )
        return False

    def _warm_up(
        self, symbols: list[Any], indicator: IndicatorBase, resolution: Resolution | None, selector: Selector | None
    ) -> None:
        if not self._has_warm_up_period(indicator):
            return
        indicator.reset()
        feed = feeder(indicator, selector)
        for bar in self._history_points(symbols, indicator.warm_up_period, resolution, indicator, selector):
            feed(bar)

    def _history_points(
        self,
        symbols: list[Any],
        span: Any,
        resolution: Resolution | None,
        indicator: IndicatorBase,
        selector: Selector | None,
    ) -> list[Any]:
        """The bars of a history request that an indicator sees, in their order."""
        if span == 0:
            return []
        requests = self._requests(symbols, span, {"resolution": resolution})  # type: ignore[attr-defined]
        slices = self._engine.history_provider.slices(requests)
        wanted = data_type_of_selector(selector) if indicator.INPUT is Input.POINT else None
        if indicator.INPUT is Input.TRADE_BAR:
            wanted = TradeBar
        if wanted is None:
            return [bar for point in slices for bar in point.values()]
        name = "quote_bars" if wanted is QuoteBar else "bars"
        return [bar for point in slices for bar in getattr(point, name).values()]

    def _start_before(self, symbol: Any, start: datetime, periods: int, resolution: Resolution | None) -> datetime:
        """A time ``periods`` bars before another one, both in the algorithm's time zone."""
        config = self._subscription(symbol)
        chosen = config.resolution if resolution is None else resolution
        hours = self._engine.exchange_hours(symbol)
        zone = TimeZone.get(self.time_zone)  # type: ignore[attr-defined]
        found = start_time_for_trade_bars(
            hours,
            hours.zone.utc_to_local(zone.local_to_utc(start)),
            RESOLUTION_US[chosen],
            periods,
            bool(config.extended_market_hours) and chosen < Resolution.HOUR,
            bool(self.settings.daily_precise_end_time),
        )
        return zone.utc_to_local(hours.zone.local_to_utc(found))

    def _warm_up_by_period(
        self, symbols: list[Any], indicator: IndicatorBase, period: timedelta, selector: Selector | None
    ) -> None:
        if not self._has_warm_up_period(indicator) or indicator.warm_up_period == 0:
            return
        resolution = higher_resolution(period)
        length_us = RESOLUTION_US[resolution]
        periods = indicator.warm_up_period
        if length_us:
            periods *= timedelta_us(period) // length_us
        identity = length_us == timedelta_us(period)
        feed = feeder(indicator, selector)
        consolidators: dict[Any, Any] = {}
        for symbol in symbols:
            if self._engine.data.configs_of(symbol):
                tick_type = TickType.TRADE if indicator.INPUT is Input.TRADE_BAR else None
                consolidator = self._consolidator_for(symbol, tick_type=tick_type, period=period)
            else:
                consolidator = self.create_consolidator(timedelta(0) if identity else period, TradeBar)
            consolidator.engine_event += lambda _, bar: feed(bar)
            consolidators[symbol] = consolidator
        requests = self._requests(symbols, periods, {"resolution": resolution})  # type: ignore[attr-defined]
        for point in self._engine.history_provider.slices(requests):
            for symbol, consolidator in consolidators.items():
                bars = point.quote_bars if issubclass(consolidator.input_type, QuoteBar) else point.bars
                bar = bars.get(symbol)
                if bar is not None:
                    consolidator.update(bar)
        for symbol, consolidator in consolidators.items():
            if consolidator.working_data is not None:
                hours = self._engine.exchange_hours(symbol)
                consolidator.scan(self._engine.clock.local(hours.time_zone))

    def indicator_history(self, indicator: Any, symbol: Any, *arguments: Any, **named: Any) -> Any:
        """Values of an indicator over history: ``(indicator, symbols, periods | timedelta | start, end, ...)``."""
        from harness.embedded.indicators.history import indicator_history

        return indicator_history(self, indicator, symbol, arguments, named)

    # -------------------------------------------------------------------------------------------------- factories

    def _initialize(
        self,
        symbol: Any,
        indicator: IndicatorBase,
        resolution: Resolution | None,
        selector: Selector | None,
        *others: Any,
    ) -> None:
        data_type = data_type_of_selector(selector) if indicator.INPUT is Input.POINT else None
        if indicator.INPUT is Input.TRADE_BAR:
            data_type = TradeBar
        elif indicator.INPUT is Input.BAR:
            data_type = BaseData
        symbols = [symbol, *others]
        for each in symbols:
            self._register(each, indicator, self.resolve_consolidator(each, resolution, data_type), selector)
        if self.settings.automatic_indicator_warm_up:
            self._warm_up(symbols, indicator, resolution, selector)

    def _make(self, factory: Factory, symbol: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        symbol = self._engine.symbol_of(symbol)
        values, resolution, selector = factory.read(arguments, named)
        name = self.create_indicator_name(symbol, factory.type_name(values), resolution)
        indicator = factory.indicator(*((name,) if factory.named else ()), *values.values())
        self._initialize(symbol, indicator, resolution, selector)
        return indicator

    def max(self, symbol: Any, period: int, resolution: Any = None, selector: Any = None) -> Maximum:
        """Highest high (of quote data: highest value) of ``period`` bars."""
        symbol = self._engine.symbol_of(symbol)
        made = Maximum(self.create_indicator_name(symbol, f"MAX({period})", resolution), period)
        if selector is None and data_type_of(self._subscription(symbol)) is TradeBar:
            selector = _high
        self._initialize(symbol, made, resolution, selector)
        return made

    def min(self, symbol: Any, period: int, resolution: Any = None, selector: Any = None) -> Minimum:
        """Lowest low (of quote data: lowest value) of ``period`` bars."""
        symbol = self._engine.symbol_of(symbol)
        made = Minimum(self.create_indicator_name(symbol, f"MIN({period})", resolution), period)
        if selector is None and data_type_of(self._subscription(symbol)) is TradeBar:
            selector = _low
        self._initialize(symbol, made, resolution, selector)
        return made

    def vwap(self, symbol: Any, period: int | None = None, resolution: Any = None, selector: Any = None) -> Any:
        """Of the day without a period, of the last ``period`` bars with one."""
        symbol = self._engine.symbol_of(symbol)
        if period is None:
            intraday = IntradayVwap(self.create_indicator_name(symbol, "VWAP", None))
            self._register(symbol, intraday, self.resolve_consolidator(symbol, None, BaseData), None)
            return intraday
        name = self.create_indicator_name(symbol, f"VWAP({period})", resolution)
        made = VolumeWeightedAveragePriceIndicator(name, period)
        self._initialize(symbol, made, resolution, selector)
        return made

    def _pair(
        self, kind: type[DualSymbolIndicator], short_name: str, target: Any, reference: Any, *rest: Any
    ) -> DualSymbolIndicator:
        resolution, selector, arguments = rest[0], rest[1], rest[2:]
        symbols = self._engine.symbol_of(target), self._engine.symbol_of(reference)
        name = self.create_indicator_name(None, f"{short_name}({arguments[0]})", resolution)
        made = kind(name, *symbols, *arguments)
        self._initialize(symbols[0], made, resolution, selector, symbols[1])
        return made

    def b(self, target: Any, reference: Any, period: int, resolution: Any = None, selector: Any = None) -> Any:
        """Beta of a symbol against a reference."""
        return self._pair(Beta, "B", target, reference, resolution, selector, period)

    def cov(self, target: Any, reference: Any, period: int, resolution: Any = None, selector: Any = None) -> Any:
        """Covariance of the returns of two symbols."""
        return self._pair(Covariance, "COV", target, reference, resolution, selector, period)

    def c(self, target: Any, reference: Any, period: int, *arguments: Any, **named: Any) -> Any:
        """Correlation of the closes of two symbols: ``c(target, reference, period, correlation_type, ...)``."""
        values = dict(zip(("correlation_type", "resolution", "selector"), arguments, strict=False)) | named
        kind = values.get("correlation_type", CorrelationType.PEARSON)
        resolution, selector = values.get("resolution"), values.get("selector")
        return self._pair(Correlation, "C", target, reference, resolution, selector, period, kind)

    def sr(
        self,
        symbol: Any,
        sharpe_period: int,
        risk_free_rate: Any = None,
        resolution: Any = None,
        selector: Any = None,
    ) -> SharpeRatio:
        """Sharpe ratio over a period; the rate is the algorithm's model's unless one is given."""
        symbol = self._engine.symbol_of(symbol)
        rate = None if risk_free_rate is None else from_python(risk_free_rate)
        shown = f"SR({sharpe_period})" if rate is None else f"SR({sharpe_period},{decimal_text(rate)})"
        made = SharpeRatio(
            self.create_indicator_name(symbol, shown, resolution),
            sharpe_period,
            self._interest_rate if rate is None else rate,
        )
        self._initialize(symbol, made, resolution, selector)
        return made

    def _interest_rate(self, time: datetime) -> Any:
        # Asked when a value is needed: the model may be set after the indicator was made.
        model = self.risk_free_interest_rate_model  # type: ignore[attr-defined]
        return (self._engine.interest_rates if model is None else model).get_interest_rate(time)

    def var(self, symbol: Any, period: int, *arguments: Any, **named: Any) -> Any:
        """Variance; with a confidence level, ``var(symbol, period, confidence_level, ...)``, the value at risk."""
        names = ("confidence_level", "resolution", "selector")
        if "confidence_level" not in named and not (arguments and isinstance(arguments[0], float)):
            return self.v(symbol, period, *arguments, **named)  # type: ignore[attr-defined]
        values = dict(zip(names, arguments, strict=False)) | named
        symbol, resolution = self._engine.symbol_of(symbol), values.get("resolution")
        level = float(values["confidence_level"])
        name = self.create_indicator_name(symbol, f"VAR({period},{double_text(level)})", resolution)
        made = ValueAtRisk(name, period, level)
        self._initialize(symbol, made, resolution, values.get("selector"))
        return made

    def a(
        self,
        target: Any,
        reference: Any,
        alpha_period: int = 1,
        beta_period: int = 252,
        resolution: Any = None,
        *rest: Any,
        **named: Any,
    ) -> Alpha:
        """Alpha of a symbol: ``a(target, reference, alpha_period, beta_period, resolution, risk_free_rate, ...)``."""
        values = dict(zip(("risk_free_rate", "selector"), rest, strict=False)) | named
        symbols = self._engine.symbol_of(target), self._engine.symbol_of(reference)
        rate = None if values.get("risk_free_rate") is None else from_python(values["risk_free_rate"])
        shown = f"A({alpha_period},{beta_period}{'' if rate is None else ',' + decimal_text(rate)})"
        made = Alpha(
            self.create_indicator_name(symbols[0], shown, resolution),
            *symbols,
            alpha_period,
            beta_period,
            self._interest_rate if rate is None else rate,
        )
        self._initialize(symbols[0], made, resolution, values.get("selector"), symbols[1])
        return made

    def rdv(self, symbol: Any, period: int = 2, resolution: Any = Resolution.DAILY, selector: Any = None) -> Any:
        """Volume of the day so far over its mean of ``period`` days."""
        symbol = self._engine.symbol_of(symbol)
        made = RelativeDailyVolume(self.create_indicator_name(symbol, f"RDV({period})", resolution), period)
        self._register(symbol, made, self.resolve_consolidator(symbol, resolution, TradeBar), selector)
        return made

    def _of_many(
        self, kind: type[IndicatorBase], shown: str, symbols: Any, resolution: Any, selector: Any, *arguments: int
    ) -> Any:
        """An indicator to which all symbols are added."""
        found = self._symbols_of(symbols)
        chosen = self._subscription(found[0]).resolution if resolution is None else resolution
        made: Any = kind(self.create_indicator_name(None, shown, chosen), *arguments)
        for symbol in found:
            made.add(symbol)
        self._initialize(found[0], made, resolution, selector, *found[1:])
        return made

    def trin(self, symbols: Any, resolution: Any = None, selector: Any = None) -> Any:
        """Arms index of several symbols."""
        return self._of_many(ArmsIndex, "TRIN", symbols, resolution, selector)

    def adr(self, symbols: Any, resolution: Any = None, selector: Any = None) -> Any:
        """Rising over falling symbols."""
        return self._of_many(AdvanceDeclineRatio, "A/D Ratio", symbols, resolution, selector)

    def advr(self, symbols: Any, resolution: Any = None, selector: Any = None) -> Any:
        """Volume of rising over volume of falling symbols."""
        return self._of_many(AdvanceDeclineVolumeRatio, "A/D Volume Rate", symbols, resolution, selector)

    def addiff(self, symbols: Any, resolution: Any = None, selector: Any = None) -> Any:
        """Rising less falling symbols."""
        return self._of_many(AdvanceDeclineDifference, "A/D Difference", symbols, resolution, selector)

    def mosc(
        self, symbols: Any, fast_period: int = 19, slow_period: int = 39, resolution: Any = None, selector: Any = None
    ) -> Any:
        """McClellan oscillator of several symbols."""
        shown = f"MO({fast_period},{slow_period})"
        return self._of_many(McClellanOscillator, shown, symbols, resolution, selector, fast_period, slow_period)

    def msi(
        self, symbols: Any, fast_period: int = 19, slow_period: int = 39, resolution: Any = None, selector: Any = None
    ) -> Any:
        """McClellan summation index of several symbols."""
        shown = f"MSI({fast_period},{slow_period})"
        return self._of_many(McClellanSummationIndex, shown, symbols, resolution, selector, fast_period, slow_period)

    def nhnl(self, symbols: Any, period: int, resolution: Any = None, selector: Any = None) -> Any:
        """New highs less new lows of several symbols."""
        return self._of_many(NewHighsNewLows, f"NH/NL({period})", symbols, resolution, selector, period)

    def nhnlv(self, symbols: Any, period: int, resolution: Any = None, selector: Any = None) -> Any:
        """Volume at new highs over volume at new lows of several symbols."""
        return self._of_many(NewHighsNewLowsVolume, f"NH/NL Volume({period})", symbols, resolution, selector, period)

    def identity(self, symbol: Any, *arguments: Any, **named: Any) -> Identity:
        """``identity(symbol[, resolution | timedelta][, selector][, field_name])``."""
        symbol = self._engine.symbol_of(symbol)
        given = list(arguments)
        by = named.get("resolution")
        if given and isinstance(given[0], (Resolution, timedelta)):
            by = given.pop(0)
        selector = given.pop(0) if given else named.get("selector")
        field_name = given.pop(0) if given else named.get("field_name")
        shown = "close" if field_name is None else str(field_name)
        if isinstance(by, timedelta):
            made = Identity(f"{symbol}({shown},{time_span_text(by)})")
            self._register(symbol, made, self.resolve_consolidator(symbol, by), selector)
            return made
        resolution = self._subscription(symbol).resolution if by is None else Resolution(by)
        made = Identity(self.create_indicator_name(symbol, shown, resolution))
        self._initialize(symbol, made, resolution, selector)
        return made

    def filtered_identity(self, symbol: Any, *arguments: Any, **named: Any) -> FilteredIdentity:
        """``filtered_identity(symbol[, resolution | timedelta][, selector][, filter][, field_name])``."""
        symbol = self._engine.symbol_of(symbol)
        given = list(arguments)
        by = named.get("resolution")
        if given and isinstance(given[0], (Resolution, timedelta)):
            by = given.pop(0)
        values = dict(zip(("selector", "filter", "field_name"), given, strict=False)) | named
        shown = "close" if values.get("field_name") is None else str(values["field_name"])
        if isinstance(by, timedelta):
            name = f"{symbol}({shown}_{time_span_text(by)})"
        else:
            by = self._subscription(symbol).resolution if by is None else Resolution(by)
            name = self.create_indicator_name(symbol, shown, by)
        made = FilteredIdentity(name, values.get("filter"))
        self._register(symbol, made, self.resolve_consolidator(symbol, by), values.get("selector"))
        return made

    @property
    def enable_automatic_indicator_warm_up(self) -> bool:
        return bool(self.settings.automatic_indicator_warm_up)

    @enable_automatic_indicator_warm_up.setter
    def enable_automatic_indicator_warm_up(self, value: bool) -> None:
        self.settings.automatic_indicator_warm_up = value


def _high(bar: Any) -> Any:
    return bar._high


def _low(bar: Any) -> Any:
    return bar._low


def _method(factory: Factory) -> Callable[..., Any]:
    def make(self: IndicatorsApi, symbol: Any, *arguments: Any, **named: Any) -> Any:
        return self._make(factory, symbol, arguments, named)

    make.__name__ = factory.name
    make.__qualname__ = f"IndicatorsApi.{factory.name}"
    names = ", ".join(parameter.name for parameter in factory.parameters)
    make.__doc__ = f"``{factory.name}(symbol{', ' + names if names else ''}, resolution=None, selector=None)``."
    return make


def _uncovered(name: str) -> Callable[..., Any]:
    def refuse(self: IndicatorsApi, *_: Any, **__: Any) -> Any:
        raise NotSupportedError(f"QCAlgorithm.{name}")

    return refuse


for _factory in FACTORIES:
    _made = _method(_factory)
    setattr(IndicatorsApi, _factory.name, _made)
    setattr(IndicatorsApi, _factory.lean_name, _made)
for _name in (
    *("max", "min", "vwap", "var", "a", "b", "c", "cov", "sr", "rdv"),
    *("trin", "adr", "advr", "addiff", "mosc", "msi", "nhnl", "nhnlv"),
):
    setattr(IndicatorsApi, _name.upper(), getattr(IndicatorsApi, _name))
IndicatorsApi.FilteredIdentity = IndicatorsApi.filtered_identity  # type: ignore[attr-defined]
for _name in UNCOVERED:
    if not hasattr(IndicatorsApi, _name):
        setattr(IndicatorsApi, _name, _uncovered(_name))
