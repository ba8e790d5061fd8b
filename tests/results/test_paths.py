"""Paths into a document and the patterns over them."""

from __future__ import annotations

import re

import pytest

from harness.errors import InputError
from harness.results.paths import ANY_INDEX, ANY_KEY, PatternTree, parse_pattern, show_path


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("a",), "a"),
        (("a", "b c", 3, 1, "d"), "a.b c[3][1].d"),
        ((0, "a"), "[0].a"),
        (("a.b", "c[", "f]"), '"a.b"."c[".f]'),
    ],
)
def test_a_path_as_text(path: tuple[str | int, ...], text: str) -> None:
    assert show_path(path) == text


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("a", ("a",)),
        ("a.b c[3][].d", ("a", "b c", 3, ANY_INDEX, "d")),
        ("[12].a", (12, "a")),
        ("*.a", (ANY_KEY, "a")),
        ('"a.b[0]".c', ("a.b[0]", "c")),
        ('a.""', ("a", "")),
        ("charts.Strategy Equity.series.Equity.values[3][1]",
         ("charts", "Strategy Equity", "series", "Equity", "values", 3, 1)),
    ],
)  # fmt: skip
def test_a_pattern_as_segments(pattern: str, path: tuple[str | int, ...]) -> None:
    assert parse_pattern(pattern) == path


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("", "an empty path in the parity rules; write keys like a.b[].c"),
        ("a[x].b", "path 'a[x].b': not understood at '[x].b'; write keys like a.b[].c"),
        ("a..b", "path 'a..b': not understood at '..b'; write keys like a.b[].c"),
        ('a."b', "path 'a.\"b': not understood at '.\"b'; write keys like a.b[].c"),
    ],
)
def test_a_pattern_that_cannot_be_is_named(pattern: str, words: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(words)}$"):
        parse_pattern(pattern)


def test_the_first_pattern_that_covers_a_path_gives_the_value() -> None:
    tree = PatternTree.of([("a", "top"), ("a.b", "below"), ("l[].x", "any"), ("l[2].y", "third"), ("*.z", "wild")])
    assert tree.find(("a",)) == "top"
    assert tree.find(("a", "b", 4)) == "top"
    assert tree.find(()) is None
    assert tree.find(("l",)) is None
    assert tree.find(("l", 7, "x")) == "any"
    assert tree.find(("l", 2, "x")) == "any"  # an exact part does not hide what a wildcard has below
    assert tree.find(("l", 2, "y")) == "third"
    assert tree.find(("l", 1, "y")) is None
    assert tree.find(("other", "z", 1)) == "wild"
    assert tree.find(("other", "y", 1)) is None
    assert tree.find((5, "z")) is None  # an index is not any key
    assert PatternTree.of([]).find(("a",)) is None


def test_a_step_goes_down_in_all_patterns_at_once() -> None:
    tree = PatternTree.of([("a.x", 1), ("*.x", 2), ("*.y", 3), ("b", 4), ("*", 5), ("[1]", 6), ("[]", 7)])
    both = tree.step("a")
    assert both is not None
    assert both.value == 5  # the exact one has none
    assert {key: child.value for key, child in both.children.items()} == {"x": 1, "y": 3}
    exact = tree.step("b")
    assert exact is not None
    assert (exact.value, set(exact.children)) == (4, {"x", "y"})
    wild = tree.step("c")
    assert wild is not None
    assert (wild.value, set(wild.children)) == (5, {"x", "y"})
    first, other = tree.step(1), tree.step(0)
    assert first is not None
    assert other is not None
    assert (first.value, other.value) == (6, 7)
    assert PatternTree.of([("a", 0), ("*", 1)]).step("a").value == 0  # type: ignore[union-attr]
    assert PatternTree.of([("a.b", 1)]).step("c") is None
    assert PatternTree.of([("a.b", 1)]).step(0) is None


def test_an_exact_part_does_not_hide_what_a_wildcard_says_further_down() -> None:
    tree = PatternTree.of([("events[].id", "exact"), ("*[].quantity", "wild"), ("*[].id", "other")])
    assert tree.find(("events", 3, "quantity")) == "wild"
    assert tree.find(("events", 3, "id")) == "exact"
    assert tree.find(("orders", 3, "id")) == "other"
    assert tree.find(("events", 3, "price")) is None
