"""The lines that say what a new baseline would change."""

from __future__ import annotations

from typing import Any

import pytest

from harness.results.changes import MOST_LINES, changed_lines


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ({"a": 1, "b": [1, {"c": 2}]}, {"a": 1, "b": [1, {"c": 3}]}, ["b[1].c: 2 -> 3"]),
        ({"a": 1}, {"b": 2}, ["a: 1 -> (none)", "b: (none) -> 2"]),
        ({"a": {"b": 1}}, {"a": [1]}, ["a: {'b': 1} -> [1]"]),
        ({"a": [1]}, {"a": {"b": 1}}, ["a: [1] -> {'b': 1}"]),
        ({"a": [1, 2]}, {"a": [1]}, ["a: [1, 2] -> [1]"]),
        (1, 2, ["content: 1 -> 2"]),
        ({"a": "x" * 80}, {"a": "x" * 81}, [f"a: {'x' * 80} -> {'x' * 77}..."]),
        ({"a": 1}, {"a": 1}, []),
    ],
)
def test_each_change_is_a_line(old: Any, new: Any, lines: list[str]) -> None:
    assert changed_lines(old, new) == lines


def test_a_long_list_of_changes_ends_with_a_word() -> None:
    def changed(count: int) -> list[str]:
        return changed_lines([0] * count, [1] * count)

    lines = [f"[{index}]: 0 -> 1" for index in range(MOST_LINES)]
    assert changed(MOST_LINES) == lines
    assert changed(MOST_LINES + 1) == changed(MOST_LINES + 9) == [*lines, "and more"]
