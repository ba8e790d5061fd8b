"""The indicators that ``QCAlgorithm`` makes with one call: ``self.sma("SPY", 20)``.

Source of names, argument order and defaults: ``Algorithm/QCAlgorithm.Indicators.cs`` of Lean.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.embedded.enums import MovingAverageType, Resolution
from harness.embedded.indicators import (
    averages,
    cycles,
    extremes,
    momentum,
    oscillators,
    pivots,
    profiles,
    statistics,
    trend,
    volatility,
    volume,
)
from harness.embedded.indicators.base import (
    IndicatorBase,
    Parameter,
    anything,
    argument_text,
    average,
    bind,
    decimal,
    double,
    whole,
)


@dataclass(frozen=True, slots=True)
class Factory:
    """One method: its names, what it makes, its arguments after the symbol, and how the indicator is called."""

    name: str
    lean_name: str
    indicator: type[IndicatorBase]
    parameters: tuple[Parameter, ...]
    template: str
    resolution: Resolution | None = None
    """Resolution when none is given."""
    adjust: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    """Fills arguments that depend on others."""
    named: bool = True
    """Whether the indicator is given the name; Lean forgets to for one of them."""
    single: str | None = None
    """The argument that ``period`` names where Lean has a form with a single period."""

    def read(self, arguments: tuple[Any, ...], named: dict[str, Any]) -> tuple[dict[str, Any], Any, Any]:
        """``(constructor arguments, resolution, selector)`` of a call. Raises ``TypeError`` if it does not fit."""
        values = dict(named)
        if self.single is not None and "period" in values:
            values[self.single] = values.pop("period")
        resolution = values.pop("resolution", self.resolution)
        selector = values.pop("selector", None)
        given = list(arguments)
        # A resolution, or a function, ends the indicator's own arguments: those left out keep their defaults.
        for index, argument in enumerate(given):
            if isinstance(argument, Resolution) or (callable(argument) and not isinstance(argument, type)):
                tail = given[index:]
                del given[index:]
                if isinstance(tail[0], Resolution):
                    resolution = tail.pop(0)
                if tail:
                    selector = tail.pop(0)
                if tail:
                    raise TypeError(f"{self.name} takes nothing after the selector")
                break
        count = len(self.parameters)
        if len(given) > count:
            if len(given) > count + 2:
                raise TypeError(f"{self.name} takes at most {count + 2} arguments after the symbol")
            tail = given[count:]
            del given[count:]
            resolution = tail[0] if tail[0] is not None else resolution
            if len(tail) > 1:
                selector = tail[1]
        found = bind(self.parameters, tuple(given), values, self.name)
        return (self.adjust(found) if self.adjust is not None else found), resolution, selector

    def type_name(self, values: dict[str, Any]) -> str:
        """The name without symbol and resolution."""
        return self.template.format(**{key: argument_text(value) for key, value in values.items()})


def _f(
    lean_name: str,
    indicator: type[IndicatorBase],
    template: str | None = None,
    parameters: tuple[Parameter, ...] | None = None,
    **options: Any,
) -> Factory:
    own = indicator.PARAMETERS if parameters is None else parameters
    if template is None:
        template = f"{lean_name}({','.join('{' + parameter.name + '}' for parameter in own)})" if own else lean_name
    name = options.pop("name", lean_name.lower())
    return Factory(name, lean_name, indicator, own, template, **options)


def _aroon(values: dict[str, Any]) -> dict[str, Any]:
    return values if values["down_period"] is not None else values | {"down_period": values["up_period"]}


def _channel(values: dict[str, Any]) -> dict[str, Any]:
    return values if values["lower_period"] is not None else values | {"lower_period": values["upper_period"]}


def _stochastic(values: dict[str, Any]) -> dict[str, Any]:
    if values["k_period"] is not None:
        return values
    return {"period": values["period"], "k_period": values["period"], "d_period": 3}


_KST = tuple(
    whole(name, default)
    for name, default in (
        *(("roc1_period", 10), ("roc1_ma_period", 10), ("roc2_period", 15), ("roc2_ma_period", 10)),
        *(("roc3_period", 20), ("roc3_ma_period", 10), ("roc4_period", 30), ("roc4_ma_period", 15)),
        ("signal_period", 9),
    )
)
_SIMPLE = MovingAverageType.SIMPLE
_WILDERS = MovingAverageType.WILDERS
_EXPONENTIAL = MovingAverageType.EXPONENTIAL

FACTORIES: tuple[Factory, ...] = (
    _f("ABANDS", volatility.AccelerationBands, "ABANDS({period},{width})"),
    _f("AD", volume.AccumulationDistribution),
    _f("ADOSC", volume.AccumulationDistributionOscillator),
    _f("ADX", trend.AverageDirectionalIndex),
    _f("ADXR", trend.AverageDirectionalMovementIndexRating),
    _f("ALMA", averages.ArnaudLegouxMovingAverage),
    _f("AO", momentum.AwesomeOscillator, None, (whole("fast_period"), whole("slow_period"), average(name="type"))),
    _f(
        "APO",
        momentum.AbsolutePriceOscillator,
        "APO({fast_period},{slow_period})",
        (whole("fast_period"), whole("slow_period"), average()),
    ),
    _f("APS", statistics.AugenPriceSpike),
    _f("AR", volatility.AverageRange),
    _f(
        "AROON",
        extremes.AroonOscillator,
        "AROON({up_period},{down_period})",
        (whole("up_period"), anything("down_period", None)),
        adjust=_aroon,
        single="up_period",
    ),
    _f("ATR", volatility.AverageTrueRange, "ATR({period})", (whole("period"), average(_SIMPLE, "type"))),
    _f("BB", volatility.BollingerBands, "BB({period},{k})"),
    _f("BOP", trend.BalanceOfPower),
    _f("CC", momentum.CoppockCurve),
    _f("CCI", momentum.CommodityChannelIndex, "CCI({period})"),
    _f("CHOP", volatility.ChoppinessIndex),
    _f("CKS", volatility.ChandeKrollStop, "CKS({atr_period},{atr_mult},{period})"),
    _f("CMF", volume.ChaikinMoneyFlow),
    _f("CMO", momentum.ChandeMomentumOscillator),
    _f("CO", volume.ChaikinOscillator),
    _f("CRSI", momentum.ConnorsRelativeStrengthIndex),
    _f(
        "DCH",
        extremes.DonchianChannel,
        "DCH({upper_period},{lower_period})",
        (whole("upper_period"), anything("lower_period", None)),
        adjust=_channel,
        single="upper_period",
    ),
    _f("DEM", statistics.DeMarkerIndicator, None, (whole("period"), average(name="type"))),
    _f("DEMA", averages.DoubleExponentialMovingAverage, None, (whole("period"),)),
    _f("DO", momentum.DerivativeOscillator),
    _f("DPO", momentum.DetrendedPriceOscillator),
    _f(
        "EMA",
        averages.ExponentialMovingAverage,
        "EMA({period})",
        (whole("period"), anything("smoothing_factor", None)),
    ),
    _f("EMV", volume.EaseOfMovementValue, "EMV({period}, {scale})"),
    _f("FI", volume.ForceIndex, "FI({period})", (whole("period"), average(_EXPONENTIAL, "type"))),
    _f("FISH", statistics.FisherTransform),
    _f(
        "FRAMA",
        statistics.FractalAdaptiveMovingAverage,
        "FRAMA({period},{long_period})",
        (whole("period"), whole("long_period", 198)),
    ),
    _f("HE", cycles.HurstExponent),
    _f("HeikinAshi", trend.HeikinAshi, "HA", name="heikin_ashi"),
    _f("HMA", averages.HullMovingAverage),
    _f(
        "HT",
        cycles.HilbertTransform,
        "HT({length}, {in_phase_multiplication_factor}, {quadrature_multiplication_factor})",
        (
            whole("length"),
            decimal("in_phase_multiplication_factor"),
            decimal("quadrature_multiplication_factor"),
        ),
        named=False,
    ),
    _f("IBS", trend.InternalBarStrength, "IBS"),
    _f(
        "ICHIMOKU",
        extremes.IchimokuKinkoHyo,
        None,
        tuple(whole(parameter.name) for parameter in extremes.IchimokuKinkoHyo.PARAMETERS),
    ),
    _f("KAMA", averages.KaufmanAdaptiveMovingAverage),
    _f("KCH", volatility.KeltnerChannels, "KCH({period},{k})"),
    _f("KER", averages.KaufmanEfficiencyRatio, None, (whole("period", 2),)),
    _f("KST", momentum.KnowSureThing, momentum.KnowSureThing.NAME, (*_KST, average(_SIMPLE))),
    _f("KVO", statistics.KlingerVolumeOscillator),
    _f("LOGR", momentum.LogReturn),
    _f("MAMA", oscillators.MesaAdaptiveMovingAverage),
    _f(
        "MOMERSION",
        oscillators.Momersion,
        "MOMERSION({min_period},{full_period})",
        (anything("min_period"), whole("full_period")),
    ),
    _f("SI", oscillators.WilderSwingIndex, "SI", resolution=Resolution.DAILY),
    _f("ASI", oscillators.WilderAccumulativeSwingIndex, "ASI", resolution=Resolution.DAILY),
    _f(
        "SM",
        oscillators.SqueezeMomentum,
        "SM({bollinger_period}, {bollinger_multiplier}, {keltner_period}, {keltner_multiplier})",
        (
            whole("bollinger_period", 20),
            decimal("bollinger_multiplier", "2"),
            whole("keltner_period", 20),
            decimal("keltner_multiplier", "1.5"),
        ),
    ),
    _f("WTO", oscillators.WaveTrendOscillator),
    _f("LSMA", statistics.LeastSquaresMovingAverage),
    _f("LWMA", averages.LinearWeightedMovingAverage),
    _f("MACD", momentum.MovingAverageConvergenceDivergence, "MACD({fast_period},{slow_period},{signal_period})"),
    _f("MAD", momentum.MeanAbsoluteDeviation),
    _f("MASS", volatility.MassIndex),
    _f("MFI", volume.MoneyFlowIndex),
    _f("MGD", averages.McGinleyDynamic),
    _f("MIDPOINT", extremes.MidPoint, name="midpoint"),
    _f("MIDPRICE", extremes.MidPrice, name="midprice"),
    _f("MOM", momentum.Momentum),
    _f("MOMP", momentum.MomentumPercent),
    _f("NATR", volatility.NormalizedAverageTrueRange),
    _f("OBV", volume.OnBalanceVolume),
    _f(
        "PPHL",
        pivots.PivotPointsHighLow,
        "PPHL({length_high},{length_low})",
        (whole("length_high"), whole("length_low"), whole("last_stored_values", 100), anything("strict", True)),
    ),
    _f(
        "PPO",
        momentum.PercentagePriceOscillator,
        "PPO({fast_period},{slow_period})",
        (whole("fast_period"), whole("slow_period"), average()),
    ),
    _f("PSAR", trend.ParabolicStopAndReverse),
    _f("PSO", statistics.PremierStochasticOscillator),
    _f("RC", statistics.RegressionChannel),
    _f("RMA", trend.RelativeMovingAverage),
    _f("ROC", momentum.RateOfChange),
    _f("ROCP", momentum.RateOfChangePercent),
    _f("ROCR", momentum.RateOfChangeRatio),
    _f("RSI", momentum.RelativeStrengthIndex, "RSI({period},{moving_average_type})"),
    _f("RSV", volatility.RogersSatchellVolatility),
    _f(
        "RVI",
        trend.RelativeVigorIndex,
        "RVI({period},{moving_average_type})",
        (whole("period"), average(_SIMPLE)),
    ),
    _f("SAREXT", trend.ParabolicStopAndReverseExtended, trend.ParabolicStopAndReverseExtended.NAME),
    _f("SMA", averages.SimpleMovingAverage),
    _f("SOBV", volume.SmoothedOnBalanceVolume, "SOBV({period})", (whole("period"), average(_SIMPLE, "type"))),
    _f(
        "SORTINO",
        statistics.SortinoRatio,
        None,
        (whole("sortino_period"), double("minimum_acceptable_return", 0.0)),
    ),
    _f(
        "SRSI",
        momentum.StochasticRelativeStrengthIndex,
        "SRSI({rsi_period},{stoch_period},{k_smoothing_period},{d_smoothing_period})",
    ),
    _f(
        "STC",
        statistics.SchaffTrendCycle,
        "STC({cycle_period},{fast_period},{slow_period})",
        (whole("cycle_period"), whole("fast_period"), whole("slow_period"), average(_EXPONENTIAL)),
    ),
    _f("STD", volatility.StandardDeviation),
    _f(
        "STO",
        momentum.Stochastic,
        "STO({period},{k_period},{d_period})",
        (whole("period"), anything("k_period", None), anything("d_period", None)),
        adjust=_stochastic,
    ),
    _f("STR", volatility.SuperTrend, "STR({period},{multiplier})"),
    _f("SUM", averages.Sum),
    _f("SWISS", statistics.SwissArmyKnife, "SWISS({period},{delta},{tool})"),
    _f("T3", averages.T3MovingAverage),
    _f("TDS", pivots.TomDemarkSequential, "TDS"),
    _f("TP", profiles.TimeProfile, resolution=Resolution.DAILY),
    _f("VP", profiles.VolumeProfile, resolution=Resolution.DAILY),
    _f("ZZ", pivots.ZigZag),
    _f("TDD", statistics.TargetDownsideDeviation),
    _f("TEMA", averages.TripleExponentialMovingAverage),
    _f("TR", volatility.TrueRange),
    _f("TRIMA", averages.TriangularMovingAverage),
    _f("TRIX", momentum.Trix),
    _f("TSF", statistics.TimeSeriesForecast),
    _f("TSI", momentum.TrueStrengthIndex, "TSI({long_term_period},{short_term_period},{signal_period})"),
    _f("ULTOSC", trend.UltimateOscillator),
    _f("V", volatility.Variance),
    _f("VIDYA", statistics.VariableIndexDynamicAverage),
    _f("VTX", trend.Vortex),
    _f("VWMA", volume.VolumeWeightedMovingAverage),
    _f("WILR", extremes.WilliamsPercentR),
    _f("WWMA", averages.WilderMovingAverage),
    _f("ZLEMA", averages.ZeroLagExponentialMovingAverage),
)
"""All of them but those with rules of their own (``max``, ``min``, ``vwap``, ``var``, ``identity``, ``trin``, ...)."""

UNCOVERED: tuple[str, ...] = ("arima", "d", "g", "iv", "r", "t")
"""Methods of Lean for indicators that this engine does not have."""
