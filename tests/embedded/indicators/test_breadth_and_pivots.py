"""Indicators of many symbols, of turning points, of profiles and of cycles: computed by hand from Lean's rules."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import NormalDist, fmean, linear_regression, stdev
from typing import Any

import pytest

from harness.embedded.clr import use_engine_context
from harness.embedded.data import TradeBar
from harness.embedded.indicators.breadth import (
    AdvanceDeclineDifference,
    AdvanceDeclineRatio,
    ArmsIndex,
    McClellanOscillator,
    McClellanSummationIndex,
    NewHighsNewLowsVolume,
)
from harness.embedded.indicators.cycles import HilbertTransform, HurstExponent
from harness.embedded.indicators.pivots import PivotPointsHighLow, PivotPointType, TomDemarkSequential, ZigZag
from harness.embedded.indicators.profiles import RelativeDailyVolume, TimeProfile, VolumeProfile
from harness.embedded.indicators.statistics import ValueAtRisk, inverse_complementary_error, ranks

START = datetime(2025, 10, 6, 9, 30)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def engine_context() -> None:
    use_engine_context()


def bar(number: int, close: float, *, symbol: str = "X", volume: float = 100, spread: float = 0) -> TradeBar:
    return TradeBar(START + number * MINUTE, symbol, close, close + spread, close - spread, close, volume, MINUTE)  # type: ignore[arg-type]


def feed(indicator: Any, closes: Iterable[float], **options: Any) -> list[float]:
    values = []
    for number, close in enumerate(closes):
        indicator.update(bar(number, close, **options))
        values.append(indicator.current.value)
    return values


def test_breadth_has_a_value_once_all_symbols_have_this_bar_and_one_before() -> None:
    """AdvanceDeclineIndicator.cs: two of three rise, volumes 100 + 300 against 200; ArmsIndex.cs divides 2 by 2."""
    difference, ratio, arms = AdvanceDeclineDifference(), AdvanceDeclineRatio("r"), ArmsIndex()
    for indicator in (difference, ratio, arms):
        for symbol in "ABC":
            indicator.add(symbol)
        for symbol in "ABC":
            indicator.update(bar(0, 10, symbol=symbol))
        assert not indicator.is_ready
        indicator.update(bar(1, 11, symbol="A", volume=100))
        indicator.update(bar(1, 9, symbol="B", volume=200))
        assert indicator.current.value == 0
        indicator.update(bar(1, 12, symbol="C", volume=300))
        assert indicator.is_ready
    assert (difference.current.value, ratio.current.value) == (1, 2)
    assert (arms.adv_ratio.current.value, arms.current.value, arms.name) == (2, 1, "TRIN")  # type: ignore[attr-defined]
    # A symbol that is not watched changes nothing; nor does one that no longer is.
    ratio.update(bar(2, 50, symbol="Z"))
    assert ratio.current.value == 2


def test_summation_counts_the_oscillator_of_before_once_a_time_and_now_again() -> None:
    """McClellanSummationIndex.cs: the sum takes the first value at each time, the result adds the current one."""
    summation, oscillator = McClellanSummationIndex(1, 2), McClellanOscillator(1, 2)
    firsts = 0.0
    for indicator in (summation, oscillator):
        for symbol in "AB":
            indicator.add(symbol)
    for number in range(8):
        for symbol in "AB":
            data = bar(number, 10 + (number * number + (symbol == "B")) % 5, symbol=symbol)
            oscillator.update(data)
            summation.update(data)
            firsts += oscillator.current.value if symbol == "A" else 0
        assert summation.current.value == pytest.approx(firsts + oscillator.current.value)
    assert oscillator.current.value != 0
    assert (oscillator.warm_up_period, summation.warm_up_period) == (4, 4)


def test_new_highs_and_lows_against_the_bars_before() -> None:
    """NewHighsNewLows.cs with a period of 2: the bar of now is compared with the extremes of the two before."""
    indicator = NewHighsNewLowsVolume("x", 2)
    for symbol in "AB":
        indicator.add(symbol)
    for number, (a, b) in enumerate([(10, 10), (11, 9), (12, 8)]):
        indicator.update(bar(number, a, symbol="A", volume=300))
        indicator.update(bar(number, b, symbol="B", volume=100))
    assert (indicator.difference.current.value, indicator.ratio.current.value) == (0, 1)
    assert (indicator.volume_ratio.current.value, indicator.current.value) == (3, 3)
    assert indicator.warm_up_period == 3


def test_zig_zag_turns_after_a_share_and_a_number_of_bars() -> None:
    """ZigZag.cs with 10 %: 100 is the first low, 111 turns, 95 turns back."""
    indicator = ZigZag(0.1, 1)
    assert feed(indicator, [100, 105, 111, 112, 95, 96]) == [0, 100, 111, 112, 95, 95]
    assert (indicator.high_pivot.current.value, indicator.low_pivot.current.value) == (112, 95)
    assert indicator.pivot_type is PivotPointType.LOW
    assert indicator.name == "ZZ(0.1,1)"
    with pytest.raises(ValueError, match="Sensitivity must be between 0 and 1"):
        ZigZag(1)


@pytest.mark.parametrize(("strict", "expected"), [(True, [0, 0, 1, -1, 0]), (False, [0, 0, 1, -1, 1])])
def test_pivot_points_are_the_extremes_among_their_neighbours(strict: bool, expected: list[float]) -> None:
    """PivotPointsHighLow.cs: of 3 and 3 neither is strictly the higher."""
    indicator = PivotPointsHighLow("p", 1, 1, 100, strict)
    formed: list[Any] = []
    indicator.new_pivot_point_formed += lambda _, change: formed.append(change.pivot_point)
    assert feed(indicator, [1, 3, 2, 3, 3]) == expected
    assert [point.value for point in indicator.get_high_pivot_points_array()] == [3] * expected.count(1)
    assert [point.pivot_point_type for point in formed[:2]] == [PivotPointType.HIGH, PivotPointType.LOW]
    assert formed[0].end_time == START + 2 * MINUTE
    assert PivotPointsHighLow(10).name == "PivotPointsHighLow(10)"


def test_sequential_setup_and_countdown() -> None:
    """TomDemarkSequential.cs: a fall after a rise over four bars starts a buy setup, whose ninth bar completes it."""
    closes = [10, 11, 12, 13, 14, 15, *range(9, 0, -1), 0.5]
    indicator = TomDemarkSequential()
    values = feed(indicator, closes)
    assert values[:6] == [0] * 6
    assert values[6:] == [1] * 8 + [5, 3]
    assert indicator.setup_phase_step_count == 9
    # The nine oldest of the ten bars at the ninth step: from 15 on.
    assert indicator.resistance_price == 15
    assert indicator.countdown_phase_step_count == 2


def test_profiles_by_price_round_up_and_take_the_middle_of_equals() -> None:
    """MarketProfile.cs: 10.01 and 10.03 count at 10.05; 70 % of 400 is 280, so the area grows to the larger side."""
    volumes, times = VolumeProfile(4), TimeProfile(4)
    for number, (close, volume) in enumerate([(10.01, 100), (10.03, 50), (10.2, 200), (9.9, 50)]):
        for profile in (volumes, times):
            profile.update(bar(number, close, volume=volume))
    assert (volumes.current.value, volumes.poc_volume, times.current.value) == (10.2, 200, 10.05)
    assert (volumes.profile_low, volumes.profile_high) == (9.9, 10.2)
    assert (volumes.value_area_volume, volumes.value_area_low, volumes.value_area_high) == (280, 10.05, 10.2)
    volumes.update(bar(4, 9.9, volume=60))
    assert (volumes.poc_price, volumes.name) == (10.2, "VP(4,0.70,0.05)")


def test_relative_daily_volume_is_against_the_mean_at_this_time() -> None:
    """RelativeDailyVolume.cs: 30 by the second bar, against 20 and 40 on the days before."""
    indicator = RelativeDailyVolume(2)
    for day, volumes in enumerate([(10, 10), (20, 20), (10, 20)]):
        for slot, volume in enumerate(volumes):
            start = START + timedelta(days=day) + slot * MINUTE
            indicator.update(TradeBar(start, "X", 1, 1, 1, 1, volume, MINUTE))  # type: ignore[arg-type]
    assert indicator.is_ready
    assert indicator.current.value == 1


def test_hilbert_transform_of_a_straight_line() -> None:
    """HilbertTransform.cs with a length of 2 and factors 1/2 and 1/4: the detrended price is 2 from the third value on.

    Quadrature is 2 - 2/4 = 1.5 from the fourth on (0 - 2/4 at the third, which has no delayed price), plus a quarter of
    the one before the last: 1.5, 1.375, 1.875, 1.84375. In phase is (5/4)(2 - 1) = 1.25 from the sixth value on (at the
    fifth there is none), plus half of the one three before.
    """
    indicator = HilbertTransform("h", 2, 0.5, 0.25)
    quadratures, in_phases = [], []
    for number in range(1, 9):
        indicator.update(START + number * MINUTE, number)
        quadratures.append(indicator.quadrature.current.value)
        in_phases.append(indicator.in_phase.current.value)
    assert quadratures == [0, 0, -0.5, 1.5, 1.375, 1.875, 1.84375, 1.96875]
    assert in_phases == [0, 0, 0, 0, -1.25, 1.25, 1.25, 0.625]
    assert indicator.current.value == 8


def test_hurst_exponent_is_the_slope_of_the_logarithms() -> None:
    prices = [100 + 3 * math.sin(number) + number % 7 for number in range(40)]
    indicator = HurstExponent(40, 6)
    for number, price in enumerate(prices):
        indicator.update(START + number * MINUTE, price)
    lags = range(2, 7)
    deviations = []
    for lag in lags:
        changes = [before - now for before, now in zip(prices, prices[lag:], strict=False)]
        deviations.append(math.sqrt(fmean(change * change for change in changes) - fmean(changes) ** 2))
    x, y = [math.log(lag) for lag in lags], [math.log(deviation) for deviation in deviations]
    slope = linear_regression(x, y).slope
    assert indicator.current.value == pytest.approx(slope, rel=1e-9)


def test_value_at_risk_is_a_quantile_of_the_normal_distribution() -> None:
    """ValueAtRisk.cs: the first return is zero; Math.NET's inverse of the normal distribution function."""
    prices = [100, 101, 99, 102, 100, 103]
    indicator = ValueAtRisk(5, 0.95)
    for number, price in enumerate(prices):
        indicator.update(START + number * MINUTE, price)
    returns = [b / a - 1 for a, b in pairwise(prices)]
    assert indicator.current.value == pytest.approx(NormalDist(fmean(returns), stdev(returns)).inv_cdf(0.05), rel=1e-9)
    assert indicator.name == "VaR(5, 0.95)"
    for z in (0.02, 0.3, 0.9, 1.0, 1.4, 1.99):
        assert math.erfc(inverse_complementary_error(z)) == pytest.approx(z, rel=1e-12)


def test_equal_values_share_their_ranks() -> None:
    assert ranks([3.0, 1.0, 3.0, 2.0]) == [3.5, 1.0, 3.5, 2.0]
