from __future__ import annotations

import math
import statistics as stdlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.embedded.statistics import numerics

_RETURNS = st.lists(st.floats(-0.5, 0.5), min_size=4, max_size=40)


@given(_RETURNS)
def test_variance_and_covariance_agree_with_the_definition(values: list[float]) -> None:
    expected = stdlib.variance(values)
    assert numerics.variance(values) == pytest.approx(expected, rel=1e-9, abs=1e-18)
    assert numerics.covariance(values, values) == pytest.approx(expected, rel=1e-9, abs=1e-15)
    assert numerics.running_mean(values) == pytest.approx(stdlib.fmean(values), abs=1e-12)


def test_moments_of_a_known_sample() -> None:
    scipy_stats = pytest.importorskip("scipy.stats")
    sample = [0.01, -0.02, 0.005, 0.03, -0.011, 0.0]
    skewness, kurtosis = numerics.skewness_and_kurtosis(sample)
    assert skewness == pytest.approx(scipy_stats.skew(sample, bias=False), rel=1e-12)
    assert kurtosis == pytest.approx(scipy_stats.kurtosis(sample, bias=False), rel=1e-12)


def test_too_few_values_have_no_moments() -> None:
    assert math.isnan(numerics.variance([1.0]))
    skewness, kurtosis = numerics.skewness_and_kurtosis([1.0, 2.0])
    assert math.isnan(skewness)
    assert math.isnan(kurtosis)
    with pytest.raises(numerics.StatisticsError):
        numerics.average([])
    with pytest.raises(numerics.StatisticsError, match="dimensionality"):
        numerics.covariance([1.0], [1.0, 2.0])


def test_ieee_where_python_raises() -> None:
    assert numerics.divide(1.0, 0.0) == math.inf
    assert numerics.divide(-1.0, 0.0) == -math.inf
    assert math.isnan(numerics.divide(0.0, 0.0))
    assert math.isnan(numerics.power(-1.0, 0.5))
    assert numerics.power(10.0, 400.0) == math.inf
    assert math.isnan(numerics.square_root(-1.0))


def test_quantile_is_the_inverse_of_the_distribution() -> None:
    for confidence in (0.99, 0.95):
        at = numerics.normal_quantile(0.0, 1.0, confidence)
        assert numerics.normal_cumulative(at) == pytest.approx(1 - confidence, rel=1e-12)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("99683.75000", "99683.75"),
        ("1000.00004", "1000.0000"),
        ("1000.00005", "1000.0000"),
        ("318.3300", "318.33"),
        ("0.0022571384", "0.002257138"),
        ("-12345.678951", "-12345.68"),
        ("0", "0"),
    ],
)
def test_smart_rounding(value: str, expected: str) -> None:
    assert str(numerics.smart_rounding(Decimal(value))) == expected


def test_capacity_figure_keeps_two_significant_digits() -> None:
    assert str(numerics.round_significant(Decimal("411000.00"), 2)) == "410000.00"
    assert str(numerics.round_significant(Decimal(0), 2)) == "0"
    assert numerics.round_to_multiple(Decimal("415500"), Decimal(1000)) == 416000
    assert numerics.round_to_multiple(Decimal("-500"), Decimal(1000)) == -1000


def test_not_finite_is_no_decimal_and_large_is_clamped() -> None:
    for value in (math.nan, math.inf):
        with pytest.raises(numerics.StatisticsError, match="non-finite"):
            numerics.to_decimal(value)
    assert numerics.to_decimal(1e30) == numerics.MAX_DECIMAL
    assert numerics.to_decimal(-1e30) == -numerics.MAX_DECIMAL
    assert numerics.times_100(numerics.MAX_DECIMAL) == numerics.MAX_DECIMAL
