"""The arithmetic and text forms of .NET numbers, as far as Lean's results show them.

Lean computes money with ``System.Decimal``: a 96-bit integer with a scale of 0 to 28, every operation rounded half to
even once the exact result does not fit. Python's ``decimal`` with 29 digits and no exponent below -28 gives the same
value except when a 29-digit integer would not fit 96 bits; :func:`mul`, :func:`div`, :func:`add` and :func:`sub` handle
that too, the plain operators (after :func:`use_engine_context`) do not. Use the functions where long fractions arise
(averages, ratios), the operators elsewhere.

Source of the rules: .NET's ``System.Decimal`` documentation and ``VarR8FromDec``/``VarDecFromR8`` semantics; the
conversion of Python numbers is that of QuantConnect's pythonnet fork (``Converter``: text of the Python number parsed
as a decimal; decimals become ``double``).
"""

from __future__ import annotations

import decimal
import math
from datetime import timedelta
from decimal import Decimal

ZERO = Decimal(0)
ONE = Decimal(1)

# Emin is chosen so that the smallest exponent (Emin - prec + 1) is -28, System.Decimal's largest scale.
_C29 = decimal.Context(
    prec=29, rounding=decimal.ROUND_HALF_EVEN, Emin=0, Emax=60, traps=[decimal.DivisionByZero, decimal.InvalidOperation]
)
_C28 = decimal.Context(
    prec=28,
    rounding=decimal.ROUND_HALF_EVEN,
    Emin=-1,
    Emax=60,
    traps=[decimal.DivisionByZero, decimal.InvalidOperation],
)
_MAX_MANTISSA = 2**96 - 1
_POWERS = tuple(float(f"1e{i}") for i in range(29))
_TWO_64 = 18446744073709551616.0
_LOW_64 = 2**64 - 1
_DOUBLE_POWERS = tuple(float(f"1e{i}") for i in range(81))
_DECIMAL_OVERFLOW = "Value was either too large or too small for a Decimal."


def use_engine_context() -> None:
    """Make the plain operators of ``Decimal`` in this thread follow System.Decimal's size."""
    decimal.setcontext(_C29.copy())


_WIDE = decimal.Context(prec=60)
# Largest 96-bit integer with its first digit at 10**k: a result beyond it that has 29 digits does not fit. Python's
# negative list indices are the negative k.
_LIMITS = [Decimal(_MAX_MANTISSA).scaleb((k if k <= 60 else k - 89) - 28, _WIDE) for k in range(89)]
_NEGATIVE_LIMITS = [-limit for limit in _LIMITS]
_DIV29, _DIV28 = _C29.copy(), _C28.copy()
_divide, _divide_flags, _forget_flags = _DIV29.divide, _DIV29.flags, _DIV29.clear_flags
_multiply, _add, _subtract, _strip_zeros = _C29.multiply, _C29.add, _C29.subtract, _C29.normalize
_Inexact = decimal.Inexact


def mul(a: Decimal, b: Decimal) -> Decimal:
    """``a * b`` as System.Decimal."""
    wide = _multiply(a, b)
    place = wide.adjusted()
    return wide if _NEGATIVE_LIMITS[place] <= wide <= _LIMITS[place] else _C28.multiply(a, b)


def div(a: Decimal, b: Decimal) -> Decimal:
    """``a / b`` as System.Decimal, a rounded quotient without trailing zeros. Raises ``decimal.DivisionByZero``."""
    quotient = _divide(a, b)
    place = quotient.adjusted()
    if not _NEGATIVE_LIMITS[place] <= quotient <= _LIMITS[place]:
        quotient = _DIV28.divide(a, b)
        _divide_flags[_Inexact] = _DIV28.flags[_Inexact]
        _DIV28.clear_flags()
    if _divide_flags[_Inexact]:
        _forget_flags()
        return _strip_zeros(quotient)
    return quotient


def add(a: Decimal, b: Decimal) -> Decimal:
    """``a + b`` as System.Decimal."""
    wide = _add(a, b)
    place = wide.adjusted()
    return wide if _NEGATIVE_LIMITS[place] <= wide <= _LIMITS[place] else _C28.add(a, b)


def sub(a: Decimal, b: Decimal) -> Decimal:
    """``a - b`` as System.Decimal."""
    wide = _subtract(a, b)
    place = wide.adjusted()
    return wide if _NEGATIVE_LIMITS[place] <= wide <= _LIMITS[place] else _C28.subtract(a, b)


def to_float(value: Decimal) -> float:
    """``(double)value``: the mantissa as a double divided by a power of ten, which is what user code is given."""
    text = str(value)
    if "E" in text:
        text = f"{value:f}"
    elif len(text) <= 16:
        return float(text)
    whole, _, fraction = text.partition(".")
    scale = len(fraction)
    mantissa = int(whole + fraction)
    if -9007199254740992 < mantissa < 9007199254740992 and scale <= 22:
        return float(text)
    if mantissa < 0:
        mantissa = -mantissa
        return -((float(mantissa & _LOW_64) + float(mantissa >> 64) * _TWO_64) / _POWERS[scale])
    return (float(mantissa & _LOW_64) + float(mantissa >> 64) * _TWO_64) / _POWERS[scale]


def from_python(value: object) -> Decimal:
    """A number given by user code as System.Decimal: the text of the number, parsed.

    Raises ``TypeError`` for text, ``None`` and other things that are no number, as the call would fail in Lean.
    """
    if value.__class__ is Decimal:
        return value
    if value.__class__ is int:
        return Decimal(value)
    if isinstance(value, bool) or value is None or isinstance(value, str):
        raise TypeError(f"a number is needed here, not {value!r}")
    try:
        exact = _C29.create_decimal(str(value))
    except decimal.InvalidOperation:
        raise TypeError(f"a number is needed here, not {value!r}") from None
    if not exact.is_finite():
        raise TypeError(f"a number is needed here, not {value!r}")
    return exact


def decimal_from_double(value: float) -> Decimal:
    """``(decimal)value``: at most 15 significant digits, as the C# cast keeps.

    The cast scales the double by a power of ten in ``double`` arithmetic before it rounds to a 15-digit integer, so
    that its last digit is not always that of the exact value: ``(decimal)-0.9892735183189034`` is
    ``-0.989273518318904``.
    Source: .NET's ``Decimal.DecCalc.VarDecFromR8`` up to .NET 10.

    Raises ``OverflowError`` for NaN, infinity and what does not fit a ``decimal``.
    """
    exponent = math.frexp(value)[1]
    if not math.isfinite(value) or exponent > 96:
        raise OverflowError(_DECIMAL_OVERFLOW)
    if exponent < -94:
        return ZERO
    scaled = abs(value)
    power = 14 - ((exponent * 19728) >> 16)  # 19728 / 65536 is log10(2)
    if power >= 0:
        power = min(power, 28)
        scaled *= _DOUBLE_POWERS[power]
    elif power != -1 or scaled >= 1e15:
        scaled /= _DOUBLE_POWERS[-power]
    else:
        power = 0
    if scaled < 1e14 and power < 28:
        scaled *= 10.0
        power += 1
    digits = round(scaled)
    if power < 0:
        digits *= 10**-power
        power = 0
        if digits > _MAX_MANTISSA:
            raise OverflowError(_DECIMAL_OVERFLOW)
    while power and digits % 10 == 0:
        if not digits:
            return ZERO
        digits //= 10
        power -= 1
    return Decimal(-digits if value < 0 else digits).scaleb(-power, _WIDE)


def normalize(value: Decimal) -> Decimal:
    """The same value without trailing zeros after the point (and never in exponent form)."""
    if value == 0:
        return ZERO
    short = value.normalize(_C29)
    exponent = short.as_tuple().exponent
    return short.quantize(ONE) if isinstance(exponent, int) and exponent > 0 else short


def round_half_even(value: Decimal, digits: int) -> Decimal:
    """``Math.Round(value, digits)``: to nearest, ties to even; fewer digits are left as they are."""
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent >= -digits:
        return value
    return value.quantize(Decimal(1).scaleb(-digits), rounding=decimal.ROUND_HALF_EVEN, context=_WIDE)


def floor(value: Decimal) -> Decimal:
    """``Math.Floor``."""
    return value.to_integral_value(decimal.ROUND_FLOOR)


def truncate(value: Decimal) -> Decimal:
    """``Math.Truncate``: towards zero."""
    return value.to_integral_value(decimal.ROUND_DOWN)


def decimal_text(value: Decimal) -> str:
    """``value.ToString(InvariantCulture)``: plain digits, the scale kept, no negative zero."""
    if value.is_zero():
        value = abs(value)
    return f"{value:f}"


def double_text(value: float) -> str:
    """``double.ToString(InvariantCulture)`` of .NET Core 3 and later.

    The shortest digits that round-trip, in ``E`` form outside 1e-5..1e15.
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "-0" if math.copysign(1.0, value) < 0 else "0"
    digits, _, exponent_text = f"{Decimal(repr(value)).normalize():e}".partition("e")
    exponent = int(exponent_text or 0)
    if -5 <= exponent < 15:
        text = f"{Decimal(repr(value)):f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{digits}E{'+' if exponent >= 0 else '-'}{abs(exponent):02d}"


def time_span_text(value: timedelta, extra_ticks: int = 0) -> str:
    """``TimeSpan.ToString()``: ``[-][d.]hh:mm:ss[.fffffff]``; ``extra_ticks`` adds units of 100 ns."""
    ticks = (value.days * 86_400_000_000 + value.seconds * 1_000_000 + value.microseconds) * 10 + extra_ticks
    sign, ticks = ("-", -ticks) if ticks < 0 else ("", ticks)
    seconds, fraction = divmod(ticks, 10_000_000)
    days, seconds = divmod(seconds, 86_400)
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    if days:
        text = f"{days}.{text}"
    return f"{sign}{text}.{fraction:07d}" if fraction else f"{sign}{text}"
