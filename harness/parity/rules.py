"""The rules of a comparison: exact, but for the written allow-list and the tolerances a user asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, InvalidOperation, Overflow
from functools import cached_property
from typing import Any

from harness.errors import InputError
from harness.results.paths import PatternTree, parse_pattern
from harness.results.volatile import VOLATILE

# Its own, because the thread's may be another's: the embedded engine computes with 29 digits and without traps.
_ARITHMETIC = Context(prec=60, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[InvalidOperation, Overflow])


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far two numbers at a path may be apart: ``absolute``, or ``relative`` to the larger; whichever is wider."""

    pattern: str
    absolute: Decimal = Decimal(0)
    relative: Decimal = Decimal(0)

    def covers(self, left: Decimal, right: Decimal) -> bool:
        try:
            allowed = max(self.absolute, _ARITHMETIC.multiply(self.relative, max(left.copy_abs(), right.copy_abs())))
            return _ARITHMETIC.subtract(left, right).copy_abs() <= allowed
        except Overflow:
            return False

    def __str__(self) -> str:
        parts = [f"{self.absolute:f}"] if self.absolute else []
        parts += [f"{(self.relative * 100).normalize():f} %"] if self.relative else []
        return f"{self.pattern} ± {' or '.join(parts) or '0'}"


@dataclass(frozen=True)
class ParityRules:
    """The rules of one comparison. The default is exact but for :data:`VOLATILE`.

    ``ignored``: (pattern, reason) pairs. ``tolerances``: by pattern, off by default. ``allow_zero_orders``: whether
    two backtests without a single order may count as identical. ``maximum_listed``: differences written out; all are
    looked for up to that number, then comparing stops at "at least".
    """

    ignored: tuple[tuple[str, str], ...] = VOLATILE
    tolerances: tuple[Tolerance, ...] = ()
    allow_zero_orders: bool = False
    maximum_listed: int = 100
    neighbours: int = 2

    @cached_property
    def ignored_tree(self) -> PatternTree[str]:
        return PatternTree.of(self.ignored)

    @cached_property
    def tolerance_tree(self) -> PatternTree[Tolerance]:
        return PatternTree.of((tolerance.pattern, tolerance) for tolerance in self.tolerances)

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> ParityRules:
        """Rules from ``harness.toml``'s table; every key is optional, an unknown one is an ``InputError``::

        allow_zero_orders = false
        maximum_listed = 100
        ignore = ["charts.My Chart"]
        [parity.tolerances]
        "statistics.Sharpe Ratio" = "0.001"
        "orderEvents[].fillPrice" = { relative = "1e-9" }
        """
        known = {"allow_zero_orders", "maximum_listed", "neighbours", "ignore", "tolerances"}
        unknown = sorted(set(settings) - known)
        if unknown:
            raise InputError(f"parity: unknown setting {unknown[0]!r}; known are {', '.join(sorted(known))}")
        allow = settings.get("allow_zero_orders", False)
        if not isinstance(allow, bool):
            raise InputError(f"parity.allow_zero_orders: {allow!r} is neither true nor false")
        ignore = settings.get("ignore", [])
        if not isinstance(ignore, (list, tuple)) or not all(isinstance(item, str) for item in ignore):
            raise InputError("parity.ignore: must be a list of paths like 'charts.My Chart'")
        for pattern in ignore:
            parse_pattern(pattern)
        tolerances = settings.get("tolerances", {})
        if not isinstance(tolerances, Mapping):
            raise InputError("parity.tolerances: must be a table of path = tolerance")
        return cls(
            ignored=VOLATILE + tuple((pattern, "ignored by harness.toml") for pattern in ignore),
            tolerances=tuple(_tolerance(pattern, given) for pattern, given in tolerances.items()),
            allow_zero_orders=allow,
            maximum_listed=_whole("maximum_listed", settings.get("maximum_listed", 100), 1),
            neighbours=_whole("neighbours", settings.get("neighbours", 2), 0),
        )


def _whole(name: str, value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(f"parity.{name}: {value!r} is not a whole number of at least {least}")
    return value


def _tolerance(pattern: str, given: Any) -> Tolerance:
    parse_pattern(pattern)
    fields = dict(given) if isinstance(given, Mapping) else {"absolute": given}
    unknown = sorted(set(fields) - {"absolute", "relative"})
    if unknown:
        raise InputError(f"parity.tolerances.{pattern}: unknown {unknown[0]!r}; give absolute or relative")
    numbers: dict[str, Decimal] = {}
    for name, value in fields.items():
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            number = Decimal("NaN")
        if isinstance(value, bool) or not number.is_finite() or number < 0:
            raise InputError(f"parity.tolerances.{pattern}: {value!r} is not a number of at least 0")
        numbers[name] = number
    return Tolerance(pattern, **numbers)
