"""How .NET reads numbers and orders text keys."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from harness.embedded.color import Color
from harness.embedded.dotnet import TagSet, concurrent_order, number_text, parse_double, parse_int

_RECORDINGS = Path(__file__).parents[3] / "shared" / "conformance"


@pytest.mark.skipif(not _RECORDINGS.is_dir(), reason="needs the recordings of real Lean")
def test_charts_come_in_the_order_of_recorded_files() -> None:
    """Lean keeps its charts in a ``ConcurrentDictionary``; those of a bucket come newest first."""
    made = ["Strategy Equity", "Benchmark", "Drawdown", "Assets Sales Volume", "Exposure", "Capacity"]
    made += ["Portfolio Turnover", "Portfolio Margin", "Prices"]
    files = sorted(_RECORDINGS.glob("*/lean/*.json"))
    orders = [list(charts) for path in files if (charts := _charts(path)) and len(charts) > 2]
    assert len(orders) > 50
    for order in orders:
        assert concurrent_order([name for name in made if name in order]) == order


def _charts(path: Path) -> dict[str, object]:
    document = json.loads(path.read_text("utf-8"))
    charts: dict[str, object] = document.get("charts", {}) if isinstance(document, dict) else {}
    return charts


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5", 5),
        (" -7\t", -7),
        ("+3", 3),
        ("2147483648", None),
        ("1_0", None),
        ("5.0", None),
        ("", None),
        ("\u0661", None),
    ],
)
def test_int_try_parse(text: str, number: int | None) -> None:
    assert parse_int(text) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1.5", 1.5),
        (" 1,234.5 ", 1234.5),
        ("(2)", -2.0),
        ("3-", -3.0),
        (".5e2", 50.0),
        ("1e400", math.inf),
        ("Infinity", math.inf),
        ("-infinity", -math.inf),
        ("inf", None),
        ("1_0", None),
        ("0x1", None),
        ("", None),
    ],
)
def test_double_try_parse_of_any_style(text: str, number: float | None) -> None:
    assert parse_double(text) == number


def test_tags_are_distinct_and_keep_their_order() -> None:
    tags = TagSet(["b", "a", "b"])
    assert list(tags) == ["b", "a"]
    assert (tags.add("a"), tags.add("c"), tags.count, "c" in tags) == (False, True, 3, True)


def test_colors() -> None:
    assert Color.RED is Color.Red  # type: ignore[attr-defined]
    assert (Color.LIGHT_GOLDENROD_YELLOW.r, Color.from_argb(1, 2, 3).b) == (250, 3)  # type: ignore[attr-defined]
    assert Color.from_name("red").to_argb() == -65536
    assert Color.EMPTY.is_empty  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2.50, "2.5"),
        (1e20, "1E+20"),
        (np.float64(1e20), "100000000000000000000"),
        (np.float64("nan"), "NaN"),
        (True, "1"),
        (np.bool_(False), "0"),
        (np.int64(7), "7"),
        (3_000_000_000, "3000000000"),
        (Decimal("1.50"), "1.50"),
        (None, None),
        ([1], None),
        (np.array([1.0]), None),
    ],
)
def test_numbers_become_text_by_the_overload_that_takes_them(value: object, text: str | None) -> None:
    """pythonnet's ``MethodBinder``: decimal before double for all but a plain float; a truth value only fits double."""
    assert number_text(value) == text
