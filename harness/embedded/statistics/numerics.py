"""The numerical routines under Lean's statistics, with their order of operations.

Lean mixes ``System.Decimal`` with doubles and takes its sample moments from Math.NET Numerics 5. The last digits depend
on the algorithm (streaming update or sum first), so each routine here names the one it follows. All take floats as
fractions (0.01 is one per cent) and follow IEEE 754 where Python would raise: a division by zero gives an infinity or
NaN. Sources: ``Statistics.cs``, ``Extensions.cs`` of Lean; ``StreamingStatistics``, ``RunningStatistics``,
``Normal`` of Math.NET Numerics.
"""

from __future__ import annotations

import decimal
import math
from collections.abc import Iterable, Sequence
from decimal import Decimal

from harness.embedded import clr

NAN = math.nan
MAX_DECIMAL = Decimal("79228162514264337593543950335")
HUNDRED = Decimal(100)

# Inverse of the complementary error function at 2(1 - c), for the confidence levels c that Lean asks for.
_ERFC_INVERSE = {0.99: 1.6449763571331868, 0.95: 1.1630871536766738}
_SQRT2 = math.sqrt(2.0)


class StatisticsError(ArithmeticError):
    """A statistic that cannot be computed; Lean then leaves the whole result empty and goes on."""


def divide(a: float, b: float) -> float:
    """``a / b`` by IEEE 754."""
    if b:
        return a / b
    if a == 0 or math.isnan(a) or math.isnan(b):
        return NAN
    return math.copysign(math.inf, a) * math.copysign(1.0, b)


def power(base: float, exponent: float) -> float:
    """``Math.Pow``: NaN for a negative base with a broken exponent, infinity when too large."""
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return math.inf
    except ValueError:
        return math.inf if base == 0 else NAN


def square_root(value: float) -> float:
    """``Math.Sqrt``: NaN below zero."""
    return math.sqrt(value) if value >= 0 else NAN


def is_nan_or_zero(value: float) -> bool:
    """NaN, or closer to zero than the smallest positive double."""
    return math.isnan(value) or value == 0


def average(values: Sequence[float]) -> float:
    """Sum in order, then one division. Raises ``StatisticsError`` when empty."""
    if not values:
        raise StatisticsError("Sequence contains no elements")
    total = 0.0
    for value in values:
        total += value
    return total / len(values)


def running_mean(values: Iterable[float]) -> float:
    """Mean updated value by value; NaN when empty."""
    mean, count = 0.0, 0
    for value in values:
        count += 1
        mean += (value - mean) / count
    return mean if count else NAN


def variance(values: Iterable[float]) -> float:
    """Sample variance (n - 1) by the running-sum update; NaN below two values."""
    total, result, count = 0.0, 0.0, 0
    for value in values:
        count += 1
        total += value
        if count > 1:
            difference = count * value - total
            result += (difference * difference) / (count * (count - 1))
    return result / (count - 1) if count > 1 else NAN


def standard_deviation(values: Iterable[float]) -> float:
    """Square root of :func:`variance`."""
    return square_root(variance(values))


def covariance(first: Sequence[float], second: Sequence[float]) -> float:
    """Sample covariance (n - 1), one pass. Raises ``StatisticsError`` for unequal lengths."""
    if len(first) != len(second):
        raise StatisticsError("All vectors must have the same dimensionality.")
    count, mean_first, mean_second, moment = 0, 0.0, 0.0, 0.0
    for a, b in zip(first, second, strict=True):
        before = mean_second
        count += 1
        mean_first += (a - mean_first) / count
        mean_second += (b - mean_second) / count
        moment += (a - mean_first) * (b - before)
    return moment / (count - 1) if count > 1 else NAN


def skewness_and_kurtosis(values: Iterable[float]) -> tuple[float, float]:
    """Unbiased skewness (type 2) and excess kurtosis (type 2) by the running update of the first four moments.

    NaN where there are fewer than three or four values.
    """
    n, m1, m2, m3, m4 = 0, 0.0, 0.0, 0.0, 0.0
    for value in values:
        n += 1
        d = value - m1
        s = d / n
        s2 = s * s
        t = d * s * (n - 1)
        m1 += s
        m4 += t * s2 * (n * n - 3 * n + 3) + 6 * s2 * m2 - 4 * s * m3
        m3 += t * s * (n - 2) - 3 * s * m2
        m2 += t
    skewness = NAN if n < 3 else divide(n * m3 * square_root(m2 / (n - 1)), m2 * m2 * (n - 2)) * (n - 1)
    if n < 4:
        return skewness, NAN
    kurtosis = (float(n) * n - 1) / ((n - 2) * (n - 3)) * (divide(n * m4, m2 * m2) - 3 + 6.0 / (n + 1))
    return skewness, kurtosis


def normal_cumulative(value: float) -> float:
    """Distribution function of the standard normal."""
    return NAN if math.isnan(value) else 0.5 * math.erfc(-value / _SQRT2)


def normal_quantile(mean: float, deviation: float, confidence: float) -> float:
    """Quantile at ``1 - confidence`` of a normal distribution; ``confidence`` is 0.99 or 0.95.

    Raises ``StatisticsError`` for a NaN deviation, as the cast to decimal does in Lean.
    """
    return mean - (deviation * _SQRT2 * _ERFC_INVERSE[confidence])


def to_decimal(value: float) -> Decimal:
    """``SafeDecimalCast``: clamped to decimal's range. Raises ``StatisticsError`` when not finite."""
    if not math.isfinite(value):
        raise StatisticsError(f"It is not possible to cast a non-finite floating-point value ({value}) as decimal.")
    if value >= 79228162514264337593543950335.0:
        return MAX_DECIMAL
    if value <= -79228162514264337593543950335.0:
        return -MAX_DECIMAL
    return clr.decimal_from_double(value)


def cast(value: float) -> Decimal:
    """``(decimal)value``. Raises ``StatisticsError`` when it is not finite or too large."""
    if not abs(value) < 79228162514264337593543950335.0:
        raise StatisticsError("Value was either too large or too small for a Decimal.")
    return clr.decimal_from_double(value)


def safe_division(numerator: Decimal, denominator: Decimal) -> Decimal:
    """``SafeDivision``: zero where the quotient is too large for a decimal. The denominator must not be zero."""
    quotient = clr.div(numerator, denominator)
    return clr.ZERO if abs(quotient) > MAX_DECIMAL else quotient


def times_100(value: Decimal) -> Decimal:
    """``SafeMultiply100``: clamped at decimal's largest value."""
    return MAX_DECIMAL if value >= MAX_DECIMAL / HUNDRED else clr.mul(value, HUNDRED)


def decimal_average(values: Sequence[Decimal]) -> Decimal:
    """Sum in order, then one decimal division. The sequence must not be empty."""
    total = clr.ZERO
    for value in values:
        total = clr.add(total, value)
    return clr.div(total, Decimal(len(values)))


def round_significant(value: Decimal, digits: int) -> Decimal:
    """``RoundToSignificantDigits``: half to even, through a power of ten as Lean does."""
    if not value:
        return clr.ZERO
    exponent = math.floor(math.log10(clr.to_float(abs(value)))) + 1
    scale = clr.decimal_from_double(math.pow(10.0, exponent))
    return clr.mul(scale, clr.round_half_even(clr.div(value, scale), digits))


def smart_rounding(value: Decimal) -> Decimal:
    """``SmartRounding``: four decimals above 1,000, else seven significant digits; no trailing zeros."""
    value = clr.normalize(value)
    _, digits, exponent = value.as_tuple()
    if value > 1000:
        return clr.round_half_even(value, 4)
    if len(digits) <= 7 and isinstance(exponent, int) and exponent <= 0:
        return value
    return clr.normalize(round_significant(value, 7))


def round_to_multiple(value: Decimal, step: Decimal) -> Decimal:
    """``DiscretelyRoundBy``: the nearest multiple of ``step``, halves away from zero."""
    return clr.mul(step, clr.div(value, step).to_integral_value(decimal.ROUND_HALF_UP))
