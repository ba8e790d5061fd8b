import decimal
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import InputError
from harness.parity.rules import ParityRules, Tolerance
from harness.parity.values import MISSING, amount, compare, scalars_equal
from harness.results.decoding import decode_exact
from harness.results.paths import PatternTree, parse_pattern, show_path

EXACT = ParityRules()


def exact(value: Any) -> Any:
    return decode_exact(json.dumps(value).encode(), "test")


def listed(left: Any, right: Any, rules: ParityRules = EXACT) -> list[str]:
    return [str(one) for one in compare(exact(left), exact(right), rules).found]


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("1", "1.0", True),
        ("1.0", "1.00", True),
        ("100", "1e2", True),
        ("-0", "0", True),
        ("-0.0", "0", True),
        ("0.1", "0.10000000000000000001", False),
        ("12345678901234567890.123456789", "12345678901234567890.123456788", False),
        ('"0.2940"', '"0.294"', True),
        ('"-0"', '"0"', True),
        ('"1,000"', '"1000"', False),
        ('"$1.0"', '"$1.00"', False),
        ('"1"', "1", False),
        ("true", "1", False),
        ("false", "0", False),
        ("null", "0", False),
        ("null", "null", True),
        ('"a"', '"A"', False),
        ('""', "null", False),
    ],
)
def test_scalars(left: str, right: str, same: bool) -> None:
    values = decode_exact(left.encode(), "left"), decode_exact(right.encode(), "right")
    assert scalars_equal(*values) is same
    assert scalars_equal(*reversed(values)) is same
    assert (compare(*values, EXACT).found == []) is same
    assert (compare([{"a": values[0]}], [{"a": values[1]}], EXACT).found == []) is same


def test_every_differing_leaf_is_named_with_both_values() -> None:
    left = {"statistics": {"Sharpe Ratio": "1.5", "Same": "x"}, "list": [1, {"a": True}, 3], "gone": None}
    right = {"statistics": {"Sharpe Ratio": "1.6", "Same": "x"}, "list": [1, {"a": 1}], "new": []}
    assert listed(left, right) == [
        "gone: None | (missing)",
        "list[1].a: True | 1",
        "list[2]: 3 | (missing)",
        "new: (missing) | []",
        "statistics.Sharpe Ratio: '1.5' | '1.6'",
    ]


def test_a_change_of_shape_is_one_difference() -> None:
    assert listed({"a": {"b": 1}}, {"a": [1]}) == ["a: {'b': 1} | [1]"]
    assert listed({"a": {}}, {"a": None}) == ["a: {} | None"]


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["a", "1", "1.0", "-0"]) | st.floats(-2, 2),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=4),
    max_leaves=30,
)


@given(PLAIN, PLAIN)
@settings(max_examples=300, deadline=None)
def test_nothing_is_listed_exactly_when_the_values_are_equal(left: Any, right: Any) -> None:
    def same(a: Any, b: Any) -> bool:
        if isinstance(a, dict) and isinstance(b, dict):
            return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
        if isinstance(a, list) and isinstance(b, list):
            return len(a) == len(b) and all(map(same, a, b))
        if isinstance(a, (dict, list)) or isinstance(b, (dict, list)):
            return False
        return scalars_equal(a, b)

    def at(value: Any, path: tuple[str | int, ...]) -> Any:
        for part in path:
            known = part in value if isinstance(value, dict) else part < len(value)
            value = value[part] if known else MISSING
        return value

    a, b = exact(left), exact(right)
    found = compare(a, b, EXACT).found
    assert (found == []) == same(a, b)
    assert compare(a, a, EXACT).found == []
    for one in found:  # each listed difference is one
        values = [at(value, one.path) for value in (a, b)]
        assert values == [one.left, one.right]
        assert not same(*values)


def test_large_documents_stop_at_the_limit() -> None:
    left = {"values": [[n, n * 2] for n in range(5000)]}
    right = {"values": [[n, n * 2 + (n % 10 == 0)] for n in range(5000)]}
    found = compare(left, right, ParityRules(maximum_listed=7))
    assert [show_path(one.path) for one in found.found] == [f"values[{n}][1]" for n in range(0, 70, 10)]
    assert found.more
    assert len(compare(left, right, ParityRules(maximum_listed=1000)).found) == 500


def test_volatile_paths_are_left_out() -> None:
    left = {"state": {"StartTime": "a", "Status": "x"}, "serverStatistics": {"Hostname": "1"}, "analysis": [1]}
    right = {"state": {"StartTime": "b", "Status": "y"}, "serverStatistics": {"Hostname": "2"}, "analysis": []}
    assert listed(left, right) == ["state.Status: 'x' | 'y'"]
    trades = [{"totalPerformance": {"closedTrades": [{"id": name, "quantity": 1}] * 100}} for name in "ab"]
    assert listed(*trades) == []
    trades[1]["totalPerformance"]["closedTrades"][99] = {"id": "b", "quantity": 2}
    assert listed(*trades) == ["totalPerformance.closedTrades[99].quantity: 1 | 2"]


def test_tolerances_hold_where_they_are_given_and_are_counted() -> None:
    rules = ParityRules.from_settings({"tolerances": {"statistics.*": "0.1", "orders[].price": {"relative": "1e-9"}}})
    left = {
        "statistics": {"Sharpe Ratio": "1.50", "Return": "-0.88 %", "Equity": "$99,119.75"},
        "orders": [{"price": 100.00000001}],
    }
    right = {
        "statistics": {"Sharpe Ratio": "1.55", "Return": "-0.90 %", "Equity": "$99,119.80"},
        "orders": [{"price": 100.00000002}],
    }
    found = compare(exact(left), exact(right), rules)
    assert found.found == []
    assert found.tolerances_used == {"statistics.* ± 0.1": 3, "orders[].price ± 0.0000001 %": 1}
    right["statistics"]["Sharpe Ratio"] = "1.61"
    found = compare(exact(left), exact(right), rules)
    assert [show_path(one.path) for one in found.found] == ["statistics.Sharpe Ratio"]
    assert len(compare(exact(left), exact(right), EXACT).found) == 4


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0.2940", "0.2940"),
        ("-1.5%", "-1.5"),
        ("$-880.25", "-880.25"),
        ("-$12.75", "-12.75"),
        ("$99,119.75", "99119.75"),
        ("-0.88 %", "-0.88"),
    ],
)
def test_amounts(text: str, number: str) -> None:
    assert amount(text) == Decimal(number)


@pytest.mark.parametrize("text", ["", "ALFA UJ0T0SKEFN1H", "01:59:00", "1.2.3", True, None, "٣"])
def test_no_amounts(text: Any) -> None:
    assert amount(text) is None


def test_monstrous_exponents_cost_nothing() -> None:
    left, right = decode_exact(b"[1e999999, 3]", "left"), decode_exact(b"[-1e999999, 3]", "right")
    rules = ParityRules.from_settings({"tolerances": {"[]": {"relative": 0.5}}})
    assert [str(one) for one in compare(left, right, rules).found] == ["[0]: 1E+999999 | -1E+999999"]


def test_comparing_does_not_depend_on_the_threads_decimal_context() -> None:
    """The embedded engine leaves one of 29 digits, no trap and a small largest exponent."""
    rules = ParityRules.from_settings({"tolerances": {"[]": {"absolute": "1e-35"}}})
    near, far, other = (decode_exact(text, "x") for text in (
        b"[1.0000000000000000000000000000000000000]",
        b"[1.0000000000000000000000000000000000009]",
        b"[1e999999]",
    ))  # fmt: skip
    wider = "-1." + "0" * 35 + "9%"
    with decimal.localcontext(decimal.Context(prec=3, Emax=60, Emin=-1, traps=[])):
        assert not compare(near, far, rules).found
        assert compare(near, other, rules).found
        assert compare([1], [Decimal("1.0000000000000000000000000000000001")], rules).found
        assert str(amount(wider)) == wider[:-1]


# ------------------------------------------------------------------------------------------- paths and rules


@given(st.lists(st.text(st.characters(exclude_characters='"'), min_size=1) | st.integers(0, 99), min_size=1))
def test_a_shown_path_parses_back(parts: list[str | int]) -> None:
    shown = show_path(tuple(parts))
    if all(isinstance(part, int) or not any(char in part for char in ".[]*") for part in parts):
        assert parse_pattern(shown) == tuple(parts)


def test_an_exact_pattern_wins_over_a_wildcard() -> None:
    tree = PatternTree.of(
        [("a.*", "any"), ("a.b.c", "deep"), ("l[]", "item"), ("l[2].x", "third"), ('q."x.y"', "dotted")]
    )
    assert tree.find(("a", "z")) == "any"
    assert tree.find(("a", "b", "c")) == "any"  # a.* covers all below a.b
    assert tree.find(("l", 0)) == "item"
    assert tree.find(("q", "x.y")) == "dotted"
    assert tree.find(("q", "x")) is None


@pytest.mark.parametrize(
    ("given_settings", "reason"),
    [
        ({"tolerance": {}}, "unknown setting 'tolerance'"),
        ({"allow_zero_orders": 1}, "neither true nor false"),
        ({"ignore": "charts"}, "list of paths"),
        ({"ignore": [""]}, "empty path"),
        ({"ignore": ["a[x]"]}, "not understood"),
        ({"tolerances": {"a": "much"}}, "'much' is not a number"),
        ({"tolerances": {"a": -1}}, "-1 is not a number"),
        ({"tolerances": {"a": {"relativ": 1}}}, "unknown 'relativ'"),
        ({"tolerances": 0.1}, "table"),
        ({"maximum_listed": 0}, "at least 1"),
        ({"neighbours": 1.5}, "whole number"),
    ],
)
def test_bad_settings_are_named(given_settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        ParityRules.from_settings(given_settings)


def test_settings_become_rules() -> None:
    rules = ParityRules.from_settings(
        {
            "allow_zero_orders": True,
            "ignore": ["charts.Mine"],
            "tolerances": {"a": 0.5},
            "maximum_listed": 3,
            "neighbours": 1,
        }
    )
    assert rules.allow_zero_orders
    assert rules.ignored_tree.find(("charts", "Mine", "series")) == "ignored by harness.toml"
    assert rules.ignored_tree.find(("state", "EndTime")) == "wall clock"
    assert rules.tolerances == (Tolerance("a", absolute=Decimal("0.5")),)
    assert ParityRules.from_settings({}) == ParityRules()
