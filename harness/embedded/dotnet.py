"""The few .NET classes that Python algorithms of Lean use by name, and how .NET reads numbers from text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from harness.embedded import clr
from harness.embedded.data import KeyValuePair

__all__ = ["Dictionary", "HashSet", "List"]


class Dictionary(dict[Any, Any]):
    """``Dictionary[str, int]()`` with .NET's members beside Python's; iterating gives ``key`` and ``value`` pairs."""

    def __iter__(self) -> Iterator[Any]:
        return (KeyValuePair(key, value) for key, value in self.items())

    def add(self, key: Any, value: Any) -> None:
        if key in self:
            raise ValueError(f"An item with the same key has already been added. Key: {key}")
        self[key] = value

    def contains_key(self, key: Any) -> bool:
        return key in self

    def remove(self, key: Any) -> bool:
        return self.pop(key, self) is not self

    @property
    def count(self) -> int:
        return len(self)

    Add, ContainsKey, Remove, Count = add, contains_key, remove, count


class List(list[Any]):
    """``List[int]()`` with .NET's members beside Python's."""

    def add(self, item: Any) -> None:
        self.append(item)

    def contains(self, item: Any) -> bool:
        return item in self

    Add, Contains = add, contains


class HashSet(set[Any]):
    """``HashSet[str]()`` with .NET's members beside Python's."""

    def contains(self, item: Any) -> bool:
        return item in self

    Contains = contains


class TagSet(dict[str, None]):
    """A ``HashSet<string>`` as .NET shows it: distinct texts in the order in which they came."""

    def __init__(self, items: Iterable[str] = ()) -> None:
        super().__init__(dict.fromkeys(items))

    def add(self, item: str) -> bool:
        if item in self:
            return False
        self[item] = None
        return True

    def contains(self, item: str) -> bool:
        return item in self

    def remove(self, item: str) -> bool:
        return self.pop(item, self) is not self

    @property
    def count(self) -> int:
        return len(self)

    Add, Contains, Remove, Count = add, contains, remove, count


_BUCKETS = 37
"""The next of .NET's primes after the 31 that a ``ConcurrentDictionary`` asks for."""


def concurrent_order(names: Iterable[str]) -> list[str]:
    """The order in which a ``ConcurrentDictionary`` of .NET gives its text keys, added in the order given.

    By bucket, as long as it has not grown, the newest first within one. The hash of a text is .NET's that is not
    randomised (``String.GetNonRandomizedHashCode``).
    """
    return [
        name for _, _, name in sorted((_text_hash(name) % _BUCKETS, -number, name) for number, name in enumerate(names))
    ]


def _text_hash(text: str) -> int:
    units = text.encode("utf-16-le") + b"\0\0\0\0"
    first = second = (5381 << 16) + 5381
    length, at = len(units) // 2 - 2, 0
    while length > 2:
        first = _mixed(first, units[at : at + 4])
        second = _mixed(second, units[at + 4 : at + 8])
        length, at = length - 4, at + 8
    if length > 0:
        second = _mixed(second, units[at : at + 4])
    return (first + second * 1566083941) & 0xFFFFFFFF


def _mixed(value: int, four_bytes: bytes) -> int:
    turned = (value << 5 | value >> 27) & 0xFFFFFFFF
    return ((turned + value) & 0xFFFFFFFF) ^ int.from_bytes(four_bytes, "little")


def number_text(value: Any) -> str | None:
    """The text of a number given where .NET takes an int, a double or a decimal; ``None`` for what is no number.

    The overload that pythonnet chooses decides (``MethodBinder.Bind``): a plain float is a double, a subclass of it
    such as NumPy's is a decimal where it fits, a truth value a double.
    """
    kind = type(value)
    if kind is float:
        return clr.double_text(value)
    if kind is bool or (kind.__name__ in ("bool_", "bool") and hasattr(value, "dtype")):
        return "1" if value else "0"
    if isinstance(value, Decimal):
        return clr.decimal_text(value)
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float) or getattr(getattr(value, "dtype", None), "kind", "") in ("f", "i", "u"):
        if getattr(value, "ndim", 0):
            return None
        try:
            return clr.decimal_text(clr.from_python(value))
        except TypeError:
            return clr.double_text(float(value))
    return None


_BLANK = "\t\n\v\f\r "
_INT = re.compile(r"[+-]?[0-9]+")
_DOUBLE = re.compile(r"([0-9][0-9,]*(?:\.[0-9]*)?|\.[0-9]+)(?:[eE]([+-]?[0-9]+))?")


def parse_int(text: str) -> int | None:
    """``int.TryParse``: 32 bits, blanks around it and a sign; ``None`` for other text."""
    stripped = text.strip(_BLANK)
    if not _INT.fullmatch(stripped):
        return None
    value = int(stripped)
    return value if -(2**31) <= value < 2**31 else None


def parse_double(text: str) -> float | None:
    """``double.TryParse`` with ``NumberStyles.Any`` and the invariant culture; ``None`` for other text.

    Takes thousands separators, a sign before or after, parentheses for a negative number, and the currency sign.
    """
    stripped = text.strip(_BLANK)
    plain = stripped.lower()
    if plain in ("nan", "-nan", "+nan"):
        return float("nan")
    if plain.lstrip("+-") == "infinity" and len(plain) <= 9:
        return float(plain)
    negative = False
    if stripped.startswith("(") and stripped.endswith(")"):
        negative, stripped = True, stripped[1:-1]
    stripped = stripped.replace("\u00a4", "", 1).strip(_BLANK)
    for sign in "+-":
        if negative:
            break
        if stripped.startswith(sign):
            negative, stripped = sign == "-", stripped[1:]
            break
        if stripped.endswith(sign):
            negative, stripped = sign == "-", stripped[:-1]
            break
    match = _DOUBLE.fullmatch(stripped.strip(_BLANK))
    if match is None:
        return None
    value = float(match.group(1).replace(",", "") + (f"e{match.group(2)}" if match.group(2) else ""))
    return -value if negative else value
