"""Comparing decoded JSON values exactly, and listing where they differ.

Values come from :func:`harness.results.decoding.decode_exact`: ``int`` and ``Decimal``, never ``float``. Numbers are
equal when they are the same number (1 = 1.0 = 1.00, -0 = 0). Lean writes some decimals as text ("0.2940"), so two
texts that are both plain numbers are compared as numbers too; all other text must be the same text. A boolean is not
a number, a missing key is not null.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from harness.parity.missing import MISSING, Missing
from harness.parity.rules import ParityRules, Tolerance
from harness.results.paths import Path, PatternTree, show_path

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?\Z", re.ASCII)
_AMOUNT = re.compile(r"(-?)\$?(-?)(\d[\d,]*(?:\.\d+)?) ?%?\Z", re.ASCII)
_DEEPDIFF_NODES = 200


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two documents differ, with both values (:data:`MISSING` for none)."""

    path: Path
    left: Any
    right: Any

    def __str__(self) -> str:
        return f"{show_path(self.path)}: {show_value(self.left)} | {show_value(self.right)}"


@dataclass(slots=True)
class Differences:
    """What :func:`compare` found: up to ``limit`` differences; ``more`` when it stopped there."""

    limit: int
    found: list[Difference] = field(default_factory=list)
    more: bool = False
    tolerances_used: dict[str, int] = field(default_factory=dict)

    @property
    def full(self) -> bool:
        return len(self.found) >= self.limit

    def add(self, difference: Difference) -> None:
        if self.full:
            self.more = True
        else:
            self.found.append(difference)


def scalars_equal(left: Any, right: Any) -> bool:
    """Whether two JSON scalars are the same value by the rule above."""
    if isinstance(left, str) and isinstance(right, str):
        return left == right or bool(_NUMBER.match(left) and _NUMBER.match(right) and Decimal(left) == Decimal(right))
    if _is_number(left) and _is_number(right):
        return _number(left) == _number(right)
    return type(left) is type(right) and bool(left == right)


def show_value(value: Any, width: int = 120) -> str:
    """``value`` on one line of at most ``width`` characters."""
    if isinstance(value, Decimal):
        # Digits as Lean writes them, unless an exponent would make them endless.
        text = f"{value:f}" if abs(value.adjusted()) < width else str(value)
    else:
        text = repr(value)
    return text if len(text) <= width else text[: width - 3] + "..."


def plain_value(value: Any) -> Any:
    """``value`` for a JSON report: decimals as their text, missing as None."""
    if isinstance(value, Missing):
        return None
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return {key: plain_value(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain_value(item) for item in value]
    return value


def compare(left: Any, right: Any, rules: ParityRules, at: Path = (), into: Differences | None = None) -> Differences:
    """Every difference between two values that stand at path ``at``, up to the rules' limit."""
    found = into if into is not None else Differences(rules.maximum_listed)
    ignored: PatternTree[str] | None = rules.ignored_tree
    tolerances: PatternTree[Tolerance] | None = rules.tolerance_tree
    for part in at:
        ignored = _step(ignored, part)
        tolerances = _step(tolerances, part)
        if ignored is not None and ignored.value is not None:
            return found
    _Comparison(rules, found).walk(left, right, at, ignored, tolerances)
    return found


class _Comparison:
    """One walk over two values: skips what is equal or ignored, hands small differing parts to deepdiff."""

    def __init__(self, rules: ParityRules, found: Differences) -> None:
        self.rules = rules
        self.found = found
        self.pending: list[str] = []

    def walk(
        self,
        left: Any,
        right: Any,
        path: Path,
        ignored: PatternTree[str] | None,
        tolerances: PatternTree[Tolerance] | None,
    ) -> None:
        if self.found.more:
            return
        self.pending.clear()
        if self.same(left, right, ignored, tolerances):
            for name in self.pending:
                self.count_tolerance(name)
            return
        if not _same_container(left, right) or _nodes(left) + _nodes(right) <= _DEEPDIFF_NODES:
            self.deepdiff(left, right, path)
            return
        for part, left_item, right_item in _pairs(left, right):
            below = _step(ignored, part)
            if below is not None and below.value is not None:
                continue
            if isinstance(left_item, Missing) or isinstance(right_item, Missing):
                self.found.add(Difference((*path, part), left_item, right_item))
            else:
                self.walk(left_item, right_item, (*path, part), below, _step(tolerances, part))
            if self.found.more:
                return

    def same(
        self, left: Any, right: Any, ignored: PatternTree[str] | None, tolerances: PatternTree[Tolerance] | None
    ) -> bool:
        """Whether nothing in two values, which are not ignored themselves, differs but what the rules allow."""
        if not _same_container(left, right):
            if scalars_equal(left, right):
                return True
            tolerance = tolerances.value if tolerances is not None else None
            if tolerance is None or not tolerated(left, right, tolerance):
                return False
            self.pending.append(str(tolerance))
            return True
        if ignored is None and tolerances is None:
            return _containers_same(left, right)
        for part, left_item, right_item in _pairs(left, right):
            below = _step(ignored, part)
            if below is not None and below.value is not None:
                continue
            if not self.same(left_item, right_item, below, _step(tolerances, part)):
                return False
        return True

    def count_tolerance(self, name: str) -> None:
        self.found.tolerances_used[name] = self.found.tolerances_used.get(name, 0) + 1

    def deepdiff(self, left: Any, right: Any, path: Path) -> None:
        """List the leaves in which two small values differ."""
        # Imported here: deepdiff brings pandas, which equal runs never need.
        from harness.parity.differing_leaves import differing_leaves

        leaves = differing_leaves(left, right, scalars_equal)
        for below, one, other in sorted(leaves, key=lambda leaf: leaf[0]):
            where = (*path, *below)
            if self.rules.ignored_tree.find(where) is not None:
                continue
            tolerance = self.rules.tolerance_tree.find(where)
            if tolerance is not None and tolerated(one, other, tolerance):
                self.count_tolerance(str(tolerance))
                continue
            self.found.add(Difference(where, one, other))
        if not leaves:
            self.found.add(Difference(path, left, right))  # never lose a difference that deepdiff does not see


def tolerated(left: Any, right: Any, tolerance: Tolerance) -> bool:
    """Whether two values are numbers within ``tolerance``."""
    numbers = amount(left), amount(right)
    return numbers[0] is not None and numbers[1] is not None and tolerance.covers(numbers[0], numbers[1])


def amount(value: Any) -> Decimal | None:
    """``value`` as a number: a number, or text such as "0.2940", "-1.5%", "$-880.25", "$99,119.75"; else None."""
    if _is_number(value):
        return _number(value)
    if not isinstance(value, str):
        return None
    match = _AMOUNT.match(value)
    if match is None:
        return None
    number = Decimal(match[3].replace(",", ""))
    return number.copy_negate() if match[1] or match[2] else number


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def _number(value: Any) -> Decimal:
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def _same_container(left: Any, right: Any) -> bool:
    return (isinstance(left, dict) and isinstance(right, dict)) or (isinstance(left, list) and isinstance(right, list))


def _containers_same(left: Any, right: Any) -> bool:
    if isinstance(left, dict) and isinstance(right, dict):
        if left.keys() != right.keys():
            return False
        return all(_containers_same(value, right[key]) for key, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_containers_same, left, right))
    return scalars_equal(left, right)


def _nodes(value: Any) -> int:
    """Scalars and containers in ``value``, counted as far as it matters here."""
    count = 0
    waiting = [value]
    while waiting and count <= _DEEPDIFF_NODES:
        one = waiting.pop()
        count += 1
        if isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return count


def _pairs(left: Any, right: Any) -> Iterable[tuple[str | int, Any, Any]]:
    if isinstance(left, dict):
        for key, value in left.items():
            yield key, value, right.get(key, MISSING)
        for key, value in right.items():
            if key not in left:
                yield key, MISSING, value
        return
    shorter = min(len(left), len(right))
    for index in range(shorter):
        yield index, left[index], right[index]
    for index in range(shorter, len(left)):
        yield index, left[index], MISSING
    for index in range(shorter, len(right)):
        yield index, MISSING, right[index]


def _step(tree: PatternTree[Any] | None, part: str | int) -> PatternTree[Any] | None:
    return tree.step(part) if tree is not None else None
