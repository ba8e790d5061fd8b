"""What changed between two stored documents, in lines a person reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.results.paths import Path, show_path

MOST_LINES = 50
_ABSENT = object()


def changed_lines(old: Any, new: Any) -> list[str]:
    """One line per leaf of two plain JSON values that differ, ``path: old -> new``.

    After :data:`MOST_LINES` of them the last line is ``and more``.
    """
    lines: list[str] = []
    for path, before, after in _changes(old, new, ()):
        if len(lines) == MOST_LINES:
            lines.append("and more")
            break
        lines.append(f"{show_path(path) or 'content'}: {_show(before)} -> {_show(after)}")
    return lines


def _changes(old: Any, new: Any, path: Path) -> Iterator[tuple[Path, Any, Any]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from _changes(old.get(key, _ABSENT), new.get(key, _ABSENT), (*path, key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, before in enumerate(old):
            yield from _changes(before, new[index], (*path, index))
    elif type(old) is not type(new) or old != new:
        yield path, old, new


def _show(value: Any) -> str:
    if value is _ABSENT:
        return "(none)"
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
