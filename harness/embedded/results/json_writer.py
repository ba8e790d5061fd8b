"""Writes JSON as Lean's Newtonsoft serializer does.

Decimals and doubles keep their digits and always carry a decimal point, times are ISO with as many fractional digits as
needed, an indented document has two spaces a level, empty objects and lists stay on one line.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from harness.embedded import clr

_ESCAPED = {"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"}


_quoted = json.JSONEncoder(ensure_ascii=False).encode


class Raw(str):
    """Text that is JSON already and goes into the document as it is."""

    __slots__ = ()


def text_json(value: str) -> str:
    """A string literal; text outside ASCII stays readable."""
    literal = _quoted(value)
    if not literal.isascii():
        for character, escape in _ESCAPED.items():
            literal = literal.replace(character, escape)
    return literal


def decimal_json(value: Decimal) -> str:
    """``100`` is written ``100.0``; other digits as they are."""
    text = str(value)
    if "E" in text or text[0] == "-":
        text = clr.decimal_text(value)
    return text if "." in text else text + ".0"


def double_json(value: float) -> str:
    """Shortest digits of a double, with a decimal point."""
    if value.is_integer() and abs(value) < 1e15 and value:
        return f"{int(value)}.0"
    text = clr.double_text(value)
    return text if any(mark in text for mark in ".EN") or text.endswith("Infinity") else text + ".0"


def time_text(value: datetime, zone: str = "Z") -> str:
    """``2025-10-06T13:31:00Z``; fractions of a second without trailing zeros. ``zone`` is "" for local times."""
    text = value.isoformat() if value.tzinfo is None else value.replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if value.microsecond else text) + zone


def dumps(value: Any, indent: int = 2) -> str:
    """A document. Accepts mappings, sequences, text, numbers, booleans, ``None``, datetimes (UTC) and :class:`Raw`."""
    parts: list[str] = []
    _write(parts, value, "\n", " " * indent)
    return "".join(parts)


def _write(parts: list[str], value: Any, newline: str, step: str) -> None:
    kind = value.__class__
    if kind is Raw:
        parts.append(value)
    elif kind is str:
        parts.append(text_json(value))
    elif value is None:
        parts.append("null")
    elif kind is bool:
        parts.append("true" if value else "false")
    elif kind is Decimal:
        parts.append(decimal_json(value))
    elif isinstance(value, Mapping):
        _write_object(parts, value, newline, step)
    elif isinstance(value, str):
        parts.append(text_json(value))
    elif isinstance(value, int):
        parts.append(str(int(value)))
    elif isinstance(value, float):
        parts.append(double_json(value))
    elif isinstance(value, datetime):
        parts.append(f'"{time_text(value)}"')
    elif isinstance(value, Sequence):
        _write_list(parts, value, newline, step)
    else:
        raise TypeError(f"{kind.__name__} has no JSON form")


def _write_object(parts: list[str], value: Mapping[str, Any], newline: str, step: str) -> None:
    if not value:
        parts.append("{}")
        return
    inner = newline + step
    separator = "{" + inner
    for key, item in value.items():
        parts.append(separator)
        parts.append(text_json(key))
        parts.append(": ")
        _write(parts, item, inner, step)
        separator = "," + inner
    parts.append(newline + "}")


def _write_list(parts: list[str], value: Sequence[Any], newline: str, step: str) -> None:
    if not value:
        parts.append("[]")
        return
    inner = newline + step
    separator = "[" + inner
    for item in value:
        parts.append(separator)
        _write(parts, item, inner, step)
        separator = "," + inner
    parts.append(newline + "]")
