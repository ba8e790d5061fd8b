"""How the classes of this package show exact decimals to user code.

An exact value is kept under ``_name``; ``name`` gives user code a float, as pythonnet converts ``System.Decimal``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from harness.embedded import clr

C = TypeVar("C", bound=type)


def _float_property(name: str) -> property:
    attribute = f"_{name}"

    def read(self: Any) -> float:
        return clr.to_float(getattr(self, attribute))

    return property(read, doc="Lean's decimal of that name, as a float.")


def _duration_property(name: str) -> property:
    attribute = f"_{name}_ticks"

    def read(self: Any) -> timedelta:
        return timedelta(microseconds=getattr(self, attribute) / 10)

    return property(read, doc="Lean's TimeSpan of that name; kept in ticks of 100 ns.")


def shows(*, decimals: tuple[str, ...] = (), durations: tuple[str, ...] = ()) -> Callable[[C], C]:
    """Class decorator: add a float property for every name in ``decimals`` and a timedelta one for ``durations``."""

    def decorate(cls: C) -> C:
        for name in decimals:
            setattr(cls, name, _float_property(name))
        for name in durations:
            setattr(cls, name, _duration_property(name))
        return cls

    return decorate
