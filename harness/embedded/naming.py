"""Lean's two spellings of every public name.

Lean shows its C# members to Python as ``PascalCase`` and as ``snake_case``. The engine is written in ``snake_case``;
:func:`lean_api` adds the other spelling to a class, so both reach the same function. Source of the rule: the
``ToSnakeCase`` conversion in QuantConnect's pythonnet fork (constants and enumeration members in upper case).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar, overload

T = TypeVar("T", bound=type)

# Words that Lean writes in capitals inside a PascalCase name.
_SPECIAL = {
    "id": "ID",
    "cusip": "CUSIP",
    "isin": "ISIN",
    "sedol": "SEDOL",
    "cik": "CIK",
    "composite_figi": "CompositeFIGI",
    "mgd": "MGD",
}
_CAMEL_EDGE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def pascal_case(name: str) -> str:
    """``market_on_close_order`` -> ``MarketOnCloseOrder``; a lone ``id`` becomes ``ID`` as in Lean."""
    if name in _SPECIAL:
        return _SPECIAL[name]
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def snake_case(name: str) -> str:
    """``MarketOnCloseOrder`` -> ``market_on_close_order``."""
    return _CAMEL_EDGE.sub("_", name).lower()


@overload
def lean_api(cls: T) -> T: ...
@overload
def lean_api(*, names: dict[str, str]) -> Callable[[T], T]: ...
def lean_api(cls: Any = None, *, names: dict[str, str] | None = None) -> Any:
    """Class decorator: every public ``snake_case`` member also answers to Lean's ``PascalCase`` name.

    ``names`` maps a snake_case member to its PascalCase spelling where the rule does not give it. Slots, functions,
    properties and class attributes are all aliased; a name that the class already defines is left alone. A member with
    ``under_pascal_case`` (see ``binding.clr_call``) is another one under that name, as its parameters have other names.
    """

    def decorate(target: T) -> T:
        special = names or {}
        for name, member in list(vars(target).items()):
            if name.startswith("_") or not name[0].islower():
                continue
            alias = special.get(name) or pascal_case(name)
            if alias not in vars(target):
                setattr(target, alias, getattr(member, "under_pascal_case", member))
        return target

    return decorate(cls) if cls is not None else decorate


_USER_METHODS: dict[tuple[type, str], str | None] = {}


def user_method(target: Any, name: str) -> Any:
    """The bound method that user code gave ``target`` under either spelling, or ``None``.

    Only definitions outside ``harness.embedded`` count, so that a base class's default is not taken for an override.
    The most derived definition wins, whichever way it is spelled.
    """
    kind = type(target)
    key = (kind, name)
    if key not in _USER_METHODS:
        found = None
        alias = pascal_case(name)
        for cls in kind.__mro__:
            if cls.__module__.startswith("harness.embedded") or cls is object:
                continue
            if name in cls.__dict__:
                found = name
            elif alias in cls.__dict__:
                found = alias
            if found:
                break
        _USER_METHODS[key] = found
    found = _USER_METHODS[key]
    if found is not None:
        return getattr(target, found)
    instance = getattr(target, "__dict__", {})
    return instance.get(name) or instance.get(pascal_case(name))
