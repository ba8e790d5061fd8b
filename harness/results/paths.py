"""Paths into a result document, and patterns over them.

A path is a tuple of keys and indexes, shown as ``charts.Strategy Equity.series.Equity.values[3][1]``. A pattern is the
same text, where ``[]`` stands for any index and ``*`` for any key; a key that holds a dot or bracket is quoted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from harness.errors import InputError

Path = tuple[str | int, ...]
T = TypeVar("T")

ANY_INDEX = "[]"
ANY_KEY = "*"

_SEGMENT = re.compile(r'\.?(?:"(?P<quoted>[^"]*)"|\[(?P<index>\d*)\]|(?P<key>[^.\["]+))')


def show_path(path: Path) -> str:
    """``path`` as text."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            key = f'"{part}"' if re.search(r'[.\["]', part) else part
            text += f".{key}" if text else key
    return text


def parse_pattern(pattern: str) -> Path:
    """The segments of ``pattern``. ``InputError`` when it is empty or not of the form above."""
    parts: list[str | int] = []
    position = 0
    while position < len(pattern):
        match = _SEGMENT.match(pattern, position)
        if match is None:
            raise InputError(f"path {pattern!r}: not understood at {pattern[position:]!r}; write keys like a.b[].c")
        if match["index"] is not None:
            parts.append(int(match["index"]) if match["index"] else ANY_INDEX)
        else:
            parts.append(match["key"] if match["quoted"] is None else match["quoted"])
        position = match.end()
    if not parts:
        raise InputError("an empty path in the parity rules; write keys like a.b[].c")
    return tuple(parts)


@dataclass(slots=True)
class PatternTree(Generic[T]):
    """Patterns, each with a value, matched one step at a time while walking a document."""

    value: T | None = None
    children: dict[str | int, PatternTree[T]] = field(default_factory=dict)

    @classmethod
    def of(cls, patterns: Iterable[tuple[str, T]]) -> PatternTree[T]:
        root = cls()
        for pattern, value in patterns:
            node = root
            for part in parse_pattern(pattern):
                node = node.children.setdefault(part, cls())
            node.value = value
        return root

    def step(self, part: str | int) -> PatternTree[T] | None:
        """The patterns that go on below ``part``; None when there are none. An exact part wins over a wildcard."""
        exact = self.children.get(part)
        wild = self.children.get(ANY_INDEX if isinstance(part, int) else ANY_KEY)
        return _merged(exact, wild)

    def find(self, path: Path) -> T | None:
        """The value of the first pattern that covers ``path``: the path itself or one of its parents."""
        node: PatternTree[T] | None = self
        for part in path:
            if node is None:
                return None
            if node.value is not None:
                return node.value
            node = node.step(part)
        return node.value if node is not None else None


def _merged(exact: PatternTree[T] | None, wild: PatternTree[T] | None) -> PatternTree[T] | None:
    """What either goes on with; where both say something of one path, the exact one counts."""
    if exact is None or wild is None:
        return wild if exact is None else exact
    merged: PatternTree[T] = PatternTree(exact.value if exact.value is not None else wild.value)
    for key in {*exact.children, *wild.children}:
        below = _merged(exact.children.get(key), wild.children.get(key))
        assert below is not None
        merged.children[key] = below
    return merged
