"""Values of indicators: by hand, against plain formulas, and the quirks that Lean's order of computing has."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import fmean, pstdev
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.embedded.clr import use_engine_context
from harness.embedded.data import QuoteBar, TradeBar
from harness.embedded.enums import MovingAverageType
from harness.embedded.indicators.averages import (
    Delay,
    DoubleExponentialMovingAverage,
    ExponentialMovingAverage,
    HullMovingAverage,
    KaufmanAdaptiveMovingAverage,
    LinearWeightedMovingAverage,
    SimpleMovingAverage,
    Sum,
    T3MovingAverage,
    TriangularMovingAverage,
    WilderMovingAverage,
    as_indicator,
)
from harness.embedded.indicators.base import IndicatorBase, Input
from harness.embedded.indicators.extremes import AroonOscillator, DonchianChannel, Maximum, Minimum, WilliamsPercentR
from harness.embedded.indicators.factories import FACTORIES
from harness.embedded.indicators.momentum import (
    CommodityChannelIndex,
    LogReturn,
    Momentum,
    MovingAverageConvergenceDivergence,
    RateOfChange,
    RateOfChangePercent,
    RelativeStrengthIndex,
    Stochastic,
)
from harness.embedded.indicators.oscillators import FilteredIdentity, Momersion
from harness.embedded.indicators.statistics import (
    LeastSquaresMovingAverage,
    SharpeRatio,
    fit_line,
    pearson,
    streaming_covariance,
    streaming_variance,
)
from harness.embedded.indicators.trend import AverageDirectionalIndex, HeikinAshi, ParabolicStopAndReverse
from harness.embedded.indicators.volatility import (
    AverageTrueRange,
    BollingerBands,
    StandardDeviation,
    TrueRange,
    Variance,
)
from harness.embedded.indicators.volume import (
    AccumulationDistribution,
    IntradayVwap,
    MoneyFlowIndex,
    OnBalanceVolume,
    VolumeWeightedAveragePriceIndicator,
)

START = datetime(2025, 10, 6, 9, 30)
MINUTE = timedelta(minutes=1)
PRICES = ["10", "11", "12.5", "11.25", "13", "14.75", "13.5", "12", "12.25", "15", "14", "16.5"]


@pytest.fixture(autouse=True)
def engine_context() -> None:
    use_engine_context()


def run(indicator: IndicatorBase, prices: list[Any]) -> list[float]:
    values = []
    for number, price in enumerate(prices):
        indicator.update(START + number * MINUTE, Decimal(price))
        values.append(indicator.current.value)
    return values


def bar(number: int, *prices: Any, volume: Any = 100) -> TradeBar:
    opening, high, low, close = (Decimal(str(price)) for price in prices)
    return TradeBar(START + number * MINUTE, "X", opening, high, low, close, volume, MINUTE)  # type: ignore[arg-type]


BARS = [
    bar(0, 10, 12, 9, 11, volume=100),
    bar(1, 11, 13, 10, 12.5, volume=300),
    bar(2, 12.5, 12.75, 11, 11.25, volume=200),
    bar(3, 11.25, 13, 11.25, 13, volume=50),
    bar(4, 13, 15, 12.75, 14.75, volume=400),
    bar(5, 14.75, 14.75, 13.25, 13.5, volume=250),
]


def run_bars(indicator: IndicatorBase) -> list[float]:
    values = []
    for item in BARS:
        indicator.update(item)
        values.append(indicator.current.value)
    return values


# -------------------------------------------------------------------------------------------------------------- by hand


def test_simple_average_grows_until_its_window_is_full() -> None:
    indicator = SimpleMovingAverage(3)
    assert run(indicator, PRICES[:5]) == pytest.approx([10, 10.5, 33.5 / 3, 34.75 / 3, 36.75 / 3], rel=1e-15)
    assert indicator.is_ready
    assert indicator.rolling_sum.current.value == 36.75


def test_exponential_average_starts_with_the_mean_and_is_zero_before() -> None:
    values = run(ExponentialMovingAverage(3), PRICES[:5])
    assert values == [
        0,
        0,
        33.5 / 3,
        pytest.approx(11.25 / 2 + 33.5 / 6),
        pytest.approx(13 / 2 + 11.25 / 4 + 33.5 / 12),
    ]


def test_wilder_average_starts_from_the_mean_of_one_value_less() -> None:
    values = run(WilderMovingAverage(3), PRICES[:4])
    third = 12.5 / 3 + 10.5 * 2 / 3
    assert values == [10, 10.5, pytest.approx(third), pytest.approx(11.25 / 3 + third * 2 / 3)]


def test_weighted_average_is_zero_until_ready() -> None:
    assert run(LinearWeightedMovingAverage(3), PRICES[:3]) == [0, 0, pytest.approx((12.5 * 3 + 11 * 2 + 10) / 6)]


def test_delay_repeats_the_first_value_until_ready() -> None:
    indicator = Delay(2)
    assert run(indicator, PRICES[:5]) == [10, 10, 10, 11, 12.5]
    assert indicator.is_ready


def test_sum_and_momentum_and_changes() -> None:
    assert run(Sum(2), PRICES[:4]) == [10, 21, 23.5, 23.75]
    assert run(Momentum(2), PRICES[:4]) == [0, 1, 2.5, 0.25]
    assert run(RateOfChange(1), PRICES[:3]) == [0, 0.1, pytest.approx(1.5 / 11)]
    assert run(RateOfChangePercent(1), PRICES[:2]) == [0, 10]
    assert run(LogReturn(1), PRICES[:2]) == [0, pytest.approx(math.log(1.1), abs=1e-14)]


def test_relative_strength_is_100_without_losses() -> None:
    indicator = RelativeStrengthIndex(2, MovingAverageType.SIMPLE)
    values = run(indicator, ["10", "11", "12", "11.5", "11"])
    assert values[:3] == [100, 100, 100]
    assert values[3] == pytest.approx(100 - 100 / (1 + 0.5 / 0.25))
    assert values[4] == 0
    assert indicator.is_ready


def test_macd_and_its_signal() -> None:
    indicator = MovingAverageConvergenceDivergence(2, 3, 2, MovingAverageType.SIMPLE)
    values = run(indicator, PRICES[:5])
    assert values == pytest.approx([0, 0, 11.75 - 33.5 / 3, 11.875 - 34.75 / 3, 12.125 - 36.75 / 3])
    signal = (values[3] + values[4]) / 2
    assert indicator.signal.current.value == pytest.approx(signal)
    assert indicator.histogram.current.value == pytest.approx(values[4] - signal)
    with pytest.raises(ValueError, match="fastPeriod must be less than slowPeriod"):
        MovingAverageConvergenceDivergence(3, 3, 2)


def test_bollinger_bands_and_a_collapsed_band_shows_no_new_value() -> None:
    indicator = BollingerBands(3, 2)
    run(indicator, PRICES[:4])
    window = [11, 12.5, 11.25]
    middle, width = fmean(window), 2 * pstdev(window)
    assert indicator.middle_band.current.value == pytest.approx(middle)
    assert indicator.upper_band.current.value == pytest.approx(middle + width)
    assert indicator.lower_band.current.value == pytest.approx(middle - width)
    assert indicator.band_width.current.value == pytest.approx(200 * width / middle)
    assert indicator.percent_b.current.value == pytest.approx((11.25 - middle + width) / (2 * width))
    before = indicator.percent_b.current.value
    run_from = [indicator.update(START + timedelta(hours=1, minutes=n), 20) for n in range(4)]
    assert run_from == [True] * 4
    assert indicator.percent_b.current.value != before
    assert indicator.current.end_time == START + timedelta(hours=1, minutes=1)


def test_variance_of_few_values() -> None:
    assert run(Variance(3), ["2", "4", "6", "8"]) == [0, 1, pytest.approx(8 / 3), pytest.approx(8 / 3)]
    assert run(StandardDeviation(2), ["2", "4", "4"]) == [0, 1, 0]


def test_true_range_counts_the_gap() -> None:
    indicator = TrueRange()
    indicator.update(bar(0, 10, 12, 9, 11))
    assert indicator.current.value == 3
    indicator.update(bar(1, 20, 21, 19, 20))
    assert indicator.current.value == 10


def test_average_true_range_by_mean() -> None:
    assert run_bars(AverageTrueRange(2, MovingAverageType.SIMPLE))[:3] == [3, 3, 2.375]


def test_extremes_and_when_they_were() -> None:
    highest = Maximum(3)
    assert run(highest, ["3", "5", "4", "2", "1"]) == [3, 5, 5, 5, 4]
    assert highest.periods_since_maximum == 2
    lowest = Minimum(2)
    assert run(lowest, ["3", "5", "5"]) == [3, 3, 5]
    assert lowest.periods_since_minimum == 0


def test_channels_of_bars() -> None:
    channel = DonchianChannel(2)
    run_bars(channel)
    assert (channel.upper_band.current.value, channel.lower_band.current.value) == (15, 12.75)
    assert channel.current.value == 13.875
    assert run_bars(WilliamsPercentR(2))[-1] == pytest.approx(-100 * 1.5 / 2.25)


def test_aroon_of_rising_bars() -> None:
    indicator = AroonOscillator(2, 2)
    run_bars(indicator)
    assert indicator.aroon_up.current.value == 50
    assert indicator.aroon_down.current.value == 0


def test_commodity_channel_index() -> None:
    indicator = CommodityChannelIndex(2)
    typical = [(item.high + item.low + item.close) / 3 for item in BARS[-2:]]
    run_bars(indicator)
    mean = fmean(typical)
    assert indicator.current.value == pytest.approx((typical[1] - mean) / (0.015 * abs(typical[1] - mean)))


def test_stochastic_smoothing() -> None:
    indicator = Stochastic(2, 2, 2)
    run_bars(indicator)
    fast = [(12.5 - 9) / 4, (11.25 - 10) / 3, (13 - 11) / 2, (14.75 - 11.25) / 3.75, (13.5 - 12.75) / 2.25]
    assert indicator.fast_stoch.current.value == pytest.approx(100 * fast[-1])
    assert indicator.stoch_k.current.value == pytest.approx(100 * (fast[-1] + fast[-2]) / 2)
    slow = [(fast[-1] + fast[-2]) / 2, (fast[-2] + fast[-3]) / 2]
    assert indicator.stoch_d.current.value == pytest.approx(100 * fmean(slow))


def test_volume_indicators() -> None:
    assert run_bars(OnBalanceVolume()) == [100, 400, 200, 250, 650, 400]
    assert run_bars(AccumulationDistribution())[0] == pytest.approx(100 * (2 - 1) / 3)
    flows = [(item.high + item.low + item.close) / 3 * item.volume for item in BARS]
    assert run_bars(MoneyFlowIndex(2))[-1] == pytest.approx(100 * flows[4] / (flows[4] + flows[5]))
    price = [(item.open + item.high + item.low + item.close) / 4 for item in BARS]
    expected = (price[4] * 400 + price[5] * 250) / 650
    assert run_bars(VolumeWeightedAveragePriceIndicator(2))[-1] == pytest.approx(expected)


def test_intraday_vwap_starts_anew_each_day_and_skips_filled_bars() -> None:
    indicator = IntradayVwap()
    first = bar(0, 10, 12, 9, 12, volume=100)
    filled = first.clone(True)
    filled.time = START + MINUTE
    filled.period = MINUTE
    indicator.update(first)
    assert indicator.current.value == 11
    indicator.update(filled)
    assert (indicator.samples, indicator.current.end_time) == (2, START + MINUTE)
    indicator.update(bar(24 * 60, 20, 20, 20, 20, volume=10))
    assert indicator.current.value == 20


def test_heikin_ashi_and_parabolic_stop() -> None:
    candles = HeikinAshi()
    run_bars(candles)
    assert candles.close.current.value == pytest.approx((14.75 + 14.75 + 13.25 + 13.5) / 4)
    stops = run_bars(ParabolicStopAndReverse())
    assert stops[:3] == [11, 9, pytest.approx(9 + 0.02 * 4)]


def test_directional_index_is_50_until_it_moves() -> None:
    indicator = AverageDirectionalIndex(2)
    assert run_bars(indicator)[:2] == [50, 50]
    assert indicator.samples == 6


def test_regression_line() -> None:
    assert fit_line([1.0, 3.0, 5.0]) == (-1.0, 2.0)
    indicator = LeastSquaresMovingAverage(3)
    assert run(indicator, ["1", "3", "5", "7"]) == [1, 3, 5, 7]
    assert (indicator.slope.current.value, indicator.intercept.current.value) == (2, 1)


def test_sharpe_ratio_of_returns() -> None:
    indicator = SharpeRatio(2)
    run(indicator, ["10", "11", "12.1", "12.1"])
    returns = [0.1, 0.0]
    assert indicator.current.value == pytest.approx(fmean(returns) / pstdev(returns))


def test_streaming_moments() -> None:
    one, two = [1.0, 2.0, 4.0, 7.0], [2.0, 1.0, 5.0, 6.0]
    assert streaming_variance(one) == pytest.approx(7.0)
    assert streaming_covariance(one, two) == pytest.approx(17 / 3)
    assert pearson(one, two) == pytest.approx((17 / 3) / math.sqrt(7.0 * 17 / 3))
    assert math.isnan(pearson([1.0, 1.0], one[:2]))


def test_filtered_identity_keeps_what_passed_and_momersion_counts_continued_moves() -> None:
    kept = FilteredIdentity("kept", lambda data: data.close > 12)
    assert run_bars(kept) == [0, 12.5, 12.5, 13, 14.75, 13.5]
    assert kept.is_ready
    moves = Momersion(4, 5)
    # Up, up, up, down, up: products +, +, -, -; two of four continue.
    assert run(moves, ["1", "2", "3", "4", "3", "4"])[-1] == 50
    assert run(Momersion(4, 5), ["1", "2", "3", "4", "5", "4"])[-1] == 75
    assert Momersion(5).name == "Momersion(,5)"


# ------------------------------------------------------------------------------------------- against plain arithmetic

prices = st.lists(st.integers(1_0000, 900_0000).map(lambda n: Decimal(n).scaleb(-4)), min_size=1, max_size=60)


@settings(max_examples=60, deadline=None)
@given(prices, st.integers(1, 12))
def test_windows_equal_their_definition(values: list[Decimal], period: int) -> None:
    use_engine_context()
    pairs: list[tuple[IndicatorBase, Callable[[list[float]], float]]] = [
        (SimpleMovingAverage(period), fmean),
        (Maximum(period), max),
        (Minimum(period), min),
        (Sum(period), sum),
    ]
    for number, value in enumerate(values):
        window = [float(item) for item in values[max(0, number + 1 - period) : number + 1]]
        for indicator, define in pairs:
            indicator.update(START + number * MINUTE, value)
            assert indicator.current.value == pytest.approx(define(window), rel=1e-12)
            assert indicator.is_ready == (number + 1 >= period)


@settings(max_examples=60, deadline=None)
@given(prices, st.integers(2, 12))
def test_deviation_equals_its_definition(values: list[Decimal], period: int) -> None:
    use_engine_context()
    indicator = StandardDeviation(period)
    for number, value in enumerate(values):
        indicator.update(START + number * MINUTE, value)
    window = [float(item) for item in values[-period:]]
    assert indicator.current.value == pytest.approx(pstdev(window), abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(prices, st.integers(2, 9))
def test_averages_stay_between_the_extremes_and_reset_forgets(values: list[Decimal], period: int) -> None:
    use_engine_context()
    kinds = (ExponentialMovingAverage, WilderMovingAverage, LinearWeightedMovingAverage, TriangularMovingAverage)
    for kind in kinds:
        indicator = kind(period)
        first = run(indicator, values)
        if indicator.is_ready:
            assert float(min(values)) - 1e-9 <= first[-1] <= float(max(values)) + 1e-9
        indicator.reset()
        assert (indicator.samples, indicator.is_ready, indicator.current.value) == (0, False, 0)
        assert run(indicator, values) == first


def test_values_keep_the_digits_of_a_decimal() -> None:
    indicator = SimpleMovingAverage(3)
    run(indicator, ["1", "1", "2"])
    assert str(indicator._value) == "1.3333333333333333333333333333"
    large = SimpleMovingAverage(3)
    run(large, ["900.01", "900.01", "900.03"])
    # 96 bits hold 28 digits here, and a rounded quotient keeps no trailing zeros.
    assert str(large._value) == "900.0166666666666666666666667"


# ------------------------------------------------------------------------------------------------- all that can be made


def _arguments(indicator: type[IndicatorBase], factory: Any) -> dict[str, Any]:
    chosen: dict[str, Any] = {"fast_period": 3, "slow_period": 6, "n": 4, "long_period": 10, "tool": 0, "delta": 0.1}
    chosen |= {"limit_move": Decimal(8), "length": 5, "length_high": 2, "length_low": 2}
    chosen |= {"in_phase_multiplication_factor": Decimal("0.6"), "quadrature_multiplication_factor": Decimal("0.3")}
    values: dict[str, Any] = {}
    for parameter in factory.parameters:
        name = parameter.name
        if name in chosen:
            values[name] = chosen[name]
        elif name in ("k", "multiplier", "atr_mult", "width", "offset", "volume_factor"):
            values[name] = Decimal("0.7")
        elif "type" in name:
            values[name] = MovingAverageType.SIMPLE
        elif "period" in name or name in ("sigma", "scale"):
            values[name] = 4
    return values


@pytest.mark.parametrize("factory", FACTORIES, ids=lambda factory: factory.name)
def test_every_indicator_runs_becomes_ready_when_it_says_and_repeats_itself_after_reset(factory: Any) -> None:
    values, resolution, selector = factory.read((), _arguments(factory.indicator, factory))
    assert (resolution, selector) == (factory.resolution, None)
    indicator = factory.indicator("made", *values.values())
    bars = []
    for number in range(120):
        middle = 100 + 10 * math.sin(number / 5) + number / 10
        opening, close = round(middle - 0.3, 2), round(middle + 0.3 * math.cos(number), 2)
        high, low = round(max(opening, close) + 0.5, 2), round(min(opening, close) - 0.4, 2)
        bars.append(bar(number, opening, high, low, close, volume=100 + number * 7 % 50))
    first = []
    for number, item in enumerate(bars, 1):
        indicator.update(item)
        first.append(indicator.current.value)
        if number >= indicator.warm_up_period + 3:
            assert indicator.is_ready
    assert indicator.is_ready
    assert any(value != 0 for value in first)
    assert all(math.isfinite(value) for value in first)
    indicator.reset()
    assert indicator.samples == 0
    second = []
    for item in bars:
        indicator.update(item)
        second.append(indicator.current.value)
    if factory.name not in ("psar", "sarext", "natr", "sr", "sortino"):  # Lean's reset leaves part of their state
        assert second == first


def test_every_kind_of_average_can_be_made() -> None:
    for kind in MovingAverageType:
        indicator = as_indicator(kind, 4)
        run(indicator, ["10"] * 40)
        assert indicator.current.value == pytest.approx(10)


def test_names_follow_the_parameters() -> None:
    assert SimpleMovingAverage(14).name == "SMA(14)"
    assert ExponentialMovingAverage(14).name == "EMA(14)"
    assert ExponentialMovingAverage(14, 0.5).name == "EMA(14,0.5)"
    assert BollingerBands(20, 2.5).name == "BB(20,2.5)"
    assert T3MovingAverage(5).name == "T3(5,0.7)"
    assert KaufmanAdaptiveMovingAverage(5).name == "KAMA(5,2,30)"
    assert HullMovingAverage("mine", 5).name == "mine"
    assert DoubleExponentialMovingAverage(name="named", period=5).name == "named"


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(TypeError, match="SimpleMovingAverage: period is missing"):
        SimpleMovingAverage()
    with pytest.raises(TypeError, match=r"a whole number is needed, not 2\.5"):
        SimpleMovingAverage(2.5)
    with pytest.raises(ValueError, match="size of at least 1"):
        SimpleMovingAverage(0)


def test_quote_bars_feed_bar_indicators_and_not_trade_bar_indicators() -> None:
    quote = QuoteBar(START, None, None, 0, None, 0, MINUTE)
    assert AverageTrueRange(2).INPUT is Input.BAR
    AverageTrueRange(2).update(quote)
    with pytest.raises(
        ValueError,
        match=r"of type QuantConnect\.Data\.Market\.TradeBar but is of type QuantConnect\.Data\.Market\.QuoteBar",
    ):
        OnBalanceVolume().update(quote)
    with pytest.raises(NotImplementedError, match=r"does not support the `Update\(DateTime, decimal\)`"):
        OnBalanceVolume().update(START, 1)
