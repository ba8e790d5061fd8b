"""The parameters that a sweep varies, and the values they may take.

One text a parameter, as on the command line::

    fast=5:50:5       from 5 to 50 in steps of 5 (both ends included when a step reaches them)
    fast=5:50         every whole number
    stop=0.2:1.0:0.1  decimal steps, exact
    stop=0.2:1.0      any number between
    mode=a,b,c        one of these
    cash=1000         always this
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from math import prod
from typing import TYPE_CHECKING, Any

from harness.errors import InputError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

MAX_STEPS = 1_000_000


@dataclass(frozen=True, slots=True)
class Dimension:
    """One parameter: either ``choices`` (texts), or numbers from ``low`` to ``high`` in steps of ``step``.

    ``step`` is None for any number between. ``high`` is a value that the steps reach.
    """

    name: str
    choices: tuple[str, ...] = ()
    low: Decimal = Decimal(0)
    high: Decimal = Decimal(0)
    step: Decimal | None = None

    @property
    def size(self) -> int | None:
        """How many values there are; None for a continuous range."""
        if self.choices:
            return len(self.choices)
        return None if self.step is None else int((self.high - self.low) / self.step) + 1

    @property
    def is_whole(self) -> bool:
        """Whether every value is a whole number."""
        parts = (self.low, self.step)
        return all(part is not None and part == part.to_integral_value() for part in parts)

    def text(self, index: int) -> str:
        """The value at ``index`` of a dimension with a size."""
        if self.choices:
            return self.choices[index]
        assert self.step is not None
        return _plain(self.low + index * self.step)

    def text_of(self, value: Any) -> str:
        """The text of a value that Optuna suggested: a step's exact decimal, a continuous number's shortest form."""
        if self.choices:
            return str(value)
        if self.step is None:
            return repr(float(value))
        return self.text(round((Decimal(repr(value)) - self.low) / self.step))

    def value_of(self, text: str) -> Any:
        """The value that Optuna stores for ``text``."""
        if self.choices:
            return text
        return int(Decimal(text)) if self.is_whole else float(text)

    def distribution(self) -> BaseDistribution:
        """The same set of values for Optuna."""
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        if self.choices:
            return CategoricalDistribution(self.choices)
        if self.is_whole:
            assert self.step is not None
            return IntDistribution(int(self.low), int(self.high), step=int(self.step))
        step = None if self.step is None else float(self.step)
        return FloatDistribution(float(self.low), float(self.high), step=step)


@dataclass(frozen=True, slots=True)
class SearchSpace:
    """All parameters of a sweep, in the order given; ``specs`` are the texts they were read from."""

    dimensions: tuple[Dimension, ...]
    specs: tuple[str, ...]

    @classmethod
    def parse(cls, specs: Sequence[str]) -> SearchSpace:
        """From texts ``name=values``. Raises ``InputError`` naming the text and the forms there are."""
        dimensions = tuple(_parse(spec) for spec in specs)
        names = [dimension.name for dimension in dimensions]
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"--param {name}: given {names.count(name)} times; give its values in one, like 1,2,3")
        if not dimensions:
            raise InputError("no parameter to vary; give at least one, like --param fast=5:50:5")
        return cls(dimensions, tuple(specs))

    @property
    def size(self) -> int | None:
        """How many different parameter sets there are; None when a range is continuous."""
        sizes = [dimension.size for dimension in self.dimensions]
        return None if None in sizes else prod(size for size in sizes if size is not None)

    def grid_point(self, index: int) -> dict[str, str]:
        """Parameter set ``index`` of ``size``; the last parameter changes fastest."""
        point: dict[str, str] = {}
        for dimension in reversed(self.dimensions):
            if dimension.size is None:
                raise InputError(f"--param {dimension.name}: a grid needs steps; write low:high:step")
            index, position = divmod(index, dimension.size)
            point[dimension.name] = dimension.text(position)
        return {dimension.name: point[dimension.name] for dimension in self.dimensions}

    def distributions(self) -> dict[str, BaseDistribution]:
        return {dimension.name: dimension.distribution() for dimension in self.dimensions}

    def texts(self, values: Mapping[str, Any]) -> dict[str, str]:
        """Optuna's values as an algorithm receives them."""
        return {dimension.name: dimension.text_of(values[dimension.name]) for dimension in self.dimensions}

    def values(self, texts: Mapping[str, str]) -> dict[str, Any]:
        """The reverse of :meth:`texts`."""
        return {dimension.name: dimension.value_of(texts[dimension.name]) for dimension in self.dimensions}


def _parse(spec: str) -> Dimension:
    name, equals, text = spec.partition("=")
    name, text = name.strip(), text.strip()
    if not equals or not name or not text:
        raise InputError(f"--param {spec!r}: is not name=values; write low:high:step, a,b,c or one value")
    if "," not in text and ":" in text:
        return _range(spec, name, text.split(":"))
    choices = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    if not all(choices):
        raise InputError(f"--param {spec!r}: an empty value in the list; remove the extra comma")
    return Dimension(name, choices)


def _range(spec: str, name: str, parts: list[str]) -> Dimension:
    try:
        numbers = [Decimal(part.strip()) for part in parts]
    except InvalidOperation:
        raise InputError(f"--param {spec!r}: low:high:step must be numbers") from None
    if len(numbers) not in (2, 3) or not all(number.is_finite() for number in numbers):
        raise InputError(f"--param {spec!r}: write low:high or low:high:step with finite numbers")
    low, high = numbers[0], numbers[1]
    if high < low:
        raise InputError(f"--param {spec!r}: high is below low; swap them")
    if len(numbers) == 3:
        step = numbers[2]
        if step <= 0:
            raise InputError(f"--param {spec!r}: the step must be above zero")
        if (high - low) / step > MAX_STEPS:
            raise InputError(f"--param {spec!r}: more than {MAX_STEPS:,} steps; take a larger step")
        return Dimension(name, (), low, low + (high - low) // step * step, step)
    whole = all(
        number == number.to_integral_value() and "." not in part for number, part in zip(numbers, parts, strict=True)
    )
    return Dimension(name, (), low, high, Decimal(1) if whole else None)


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
