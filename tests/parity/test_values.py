import decimal
import json
import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import InputError
from harness.parity import differing_leaves
from harness.parity.rules import ParityRules, Tolerance
from harness.parity.values import (
    MISSING,
    Difference,
    Differences,
    _containers_same,
    _nodes,
    amount,
    compare,
    plain_value,
    scalars_equal,
    show_value,
    tolerated,
)
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


# ------------------------------------------------------------------------------------------- the parts by themselves


def test_values_for_a_json_report() -> None:
    value = {"a": [Decimal("1.50"), {"b": MISSING}, None, True, 3, "x"]}
    assert plain_value(value) == {"a": ["1.50", {"b": None}, None, True, 3, "x"]}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Decimal("1.50"), "1.50"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1E+9"), "1000000000"),
        (Decimal("1E+10"), "1E+10"),
        (Decimal("1E-9"), "0.00000..."),
        (Decimal("1E-10"), "1E-10"),
        (Decimal("1234567890"), "1234567890"),
        (Decimal("12345.678901"), "12345.6..."),
        ("abcdefgh", "'abcdefgh'"),
        ("abcdefghi", "'abcdef..."),
        (None, "None"),
        (MISSING, "(missing)"),
    ],
)
def test_values_are_shown_on_one_short_line(value: Any, shown: str) -> None:
    assert show_value(value, 10) == shown
    assert len(shown) <= 10


def test_120_characters_are_shown() -> None:
    assert show_value("x" * 118) == f"'{'x' * 118}'"
    assert show_value("x" * 119) == f"'{'x' * 116}..."


def test_a_comparison_may_begin_inside_and_go_on_with_another() -> None:
    rules = ParityRules.from_settings({"ignore": ["a.left", "a.b[].out"], "tolerances": {"a.b[].x": "1"}})
    left, right = {"x": 1, "y": 1, "out": 1}, {"x": 2, "y": 2, "out": 2}
    into = Differences(5, tolerances_used={"a.b[].x ± 1": 2})
    assert compare(left, right, rules, ("a", "b", 3), into) is into
    assert [str(one) for one in into.found] == ["a.b[3].y: 1 | 2"]
    assert into.tolerances_used == {"a.b[].x ± 1": 3}
    assert compare(1, 2, rules, ("a", "left")).found == []
    assert compare(1, 2, rules, ("a", "left", "below")).found == []
    assert [str(one) for one in compare(1, 2, rules, ("a",)).found] == ["a: 1 | 2"]
    assert [str(one) for one in compare(1, 2, rules, ("a", "b", 0, "y")).found] == ["a.b[0].y: 1 | 2"]
    assert compare(1, 2, rules, ("a", "b", 0, "x")).tolerances_used == {"a.b[].x ± 1": 1}


@pytest.mark.parametrize("size", [1, 150])
def test_rules_hold_in_small_and_in_large_documents(size: int) -> None:
    """Small differing parts are handed to deepdiff, large ones are walked."""
    rules = ParityRules.from_settings({"ignore": ["out", "rows[].out"], "tolerances": {"rows[].x": "1", "n": "0.5"}})

    def made(step: int) -> dict[str, Any]:
        rows = [{"out": step, "x": number + step, "y": number, "same": [1, {"a": 2}]} for number in range(size)]
        return {"out": [step] * size, "n": step / 4, "rows": rows, "last": 1}

    left, right = made(0), made(1)
    found = compare(exact(left), exact(right), rules)
    assert found.found == []
    assert found.tolerances_used == {"rows[].x ± 1": size, "n ± 0.5": 1}
    right["rows"][-1]["x"] += 1
    right["rows"][0]["same"][1]["a"] = 3
    right["rows"].append({"y": 1})
    right["last"] = 2
    right["n"] = 3
    del left["out"], right["out"]
    left["gone"] = None
    found = compare(exact(left), exact(right), rules)
    where = [
        "gone: None | (missing)", "last: 1 | 2", "n: 0.0 | 3", "rows[0].same[1].a: 2 | 3",
        f"rows[{size - 1}].x: {size - 1} | {size + 1}", f"rows[{size}]: (missing) | {{'y': 1}}",
    ]  # fmt: skip
    assert sorted(str(one).replace("Decimal('0.0')", "0.0") for one in found.found) == where
    assert found.tolerances_used == ({"rows[].x ± 1": size - 1} if size > 1 else {})


@pytest.mark.parametrize("limit", [1, 3, 4, 5])
def test_there_is_more_only_when_something_is_left_out(limit: int) -> None:
    left = {key: number for number, key in enumerate("abcd")}
    right = {key: number + 1 for number, key in enumerate("abcd")}
    for padding in ([], [0] * 300):
        found = compare({**left, "p": padding}, {**right, "p": padding}, ParityRules(maximum_listed=limit))
        assert [one.path for one in found.found] == [(key,) for key in "abcd"[:limit]]
        assert found.more is (limit < 4)
    shorter = compare([[0] * 300, 1], [[0] * 300, 1, 2, 3], ParityRules(maximum_listed=limit))
    assert [str(one) for one in shorter.found] == ["[2]: (missing) | 2", "[3]: (missing) | 3"][:limit]
    assert shorter.more is (limit < 2)


def test_differences_come_in_the_order_of_their_paths() -> None:
    left = {"b": 1, "a": {str(number): 0 for number in range(3)}, "l": list(range(12))}
    right = {"b": 2, "a": {str(number): 1 for number in range(3)}, "l": [9] * 12}
    shown = [show_path(one.path) for one in compare(left, right, EXACT).found]
    assert shown == ["a.0", "a.1", "a.2", "b", *(f"l[{number}]" for number in range(12) if number != 9)]


def test_numbers_of_any_type() -> None:
    assert scalars_equal(1, Decimal("1.00"))
    assert scalars_equal(0.1, Decimal("0.1"))
    assert not scalars_equal(0.1, Decimal("0.1000000000000000055511151231257827"))
    assert not scalars_equal("1", 1)
    assert not scalars_equal(True, 1)
    assert scalars_equal(True, True)
    assert not scalars_equal("1.0.0", "1.0")
    assert amount(True) is None
    assert amount(0.1) == Decimal("0.1")
    assert amount(3) == 3
    assert amount([1]) is None
    assert amount("-$-1") == -1
    assert amount("1,234,567.5 %") == Decimal("1234567.5")


@pytest.mark.parametrize(
    ("left", "right", "tolerance", "covered"),
    [
        ("1", "1.1", Tolerance("x", absolute=Decimal("0.1")), True),
        ("1", "1.11", Tolerance("x", absolute=Decimal("0.1")), False),
        ("-1", "1", Tolerance("x", absolute=Decimal(2)), True),
        ("100", "99", Tolerance("x", relative=Decimal("0.01")), True),
        ("99", "100", Tolerance("x", relative=Decimal("0.01")), True),
        ("-100", "-99", Tolerance("x", relative=Decimal("0.01")), True),
        ("100", "98.99", Tolerance("x", relative=Decimal("0.01")), False),
        ("100", "98", Tolerance("x", absolute=Decimal(2), relative=Decimal("0.01")), True),
        ("100", "97", Tolerance("x", absolute=Decimal(1), relative=Decimal("0.03")), True),
        ("1", "1", Tolerance("x"), True),
        ("1", "2", Tolerance("x"), False),
        # What is too large to be computed is not within anything.
        ("9e999999999999999999", "-9e999999999999999999", Tolerance("x", absolute=Decimal(1)), False),
    ],
)
def test_a_tolerance_covers_up_to_its_edge(left: str, right: str, tolerance: Tolerance, covered: bool) -> None:
    assert tolerance.covers(Decimal(left), Decimal(right)) is covered
    assert tolerated(Decimal(left), right, tolerance) is covered
    assert tolerated("text", right, tolerance) is False
    assert tolerated(right, None, tolerance) is False


def test_tolerances_in_words() -> None:
    half = Decimal("0.5")
    assert str(Tolerance("a.b")) == "a.b ± 0"
    assert str(Tolerance("a", absolute=half)) == "a ± 0.5"
    assert str(Tolerance("a", relative=half)) == "a ± 50 %"
    assert str(Tolerance("a", absolute=Decimal("1E-3"), relative=Decimal("0.01"))) == "a ± 0.001 or 1 %"


@pytest.mark.parametrize(
    ("given_settings", "words"),
    [
        ({"zz": 1, "aa": 1}, "parity: unknown setting 'aa'; known are allow_zero_orders, ignore, maximum_listed, "
                             "neighbours, tolerances"),
        ({"allow_zero_orders": "yes"}, "parity.allow_zero_orders: 'yes' is neither true nor false"),
        ({"ignore": [1]}, "parity.ignore: must be a list of paths like 'charts.My Chart'"),
        ({"tolerances": []}, "parity.tolerances: must be a table of path = tolerance"),
        ({"tolerances": {"a": True}}, "parity.tolerances.a: True is not a number of at least 0"),
        ({"tolerances": {"a": {"relative": "NaN"}}}, "parity.tolerances.a: 'NaN' is not a number of at least 0"),
        ({"tolerances": {"a": {"z": 1, "b": 1}}}, "parity.tolerances.a: unknown 'b'; give absolute or relative"),
        ({"maximum_listed": True}, "parity.maximum_listed: True is not a whole number of at least 1"),
        ({"neighbours": -1}, "parity.neighbours: -1 is not a whole number of at least 0"),
    ],
)  # fmt: skip
def test_bad_settings_in_words(given_settings: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=rf"^{re.escape(words)}$"):
        ParityRules.from_settings(given_settings)


def test_the_least_settings_are_taken() -> None:
    rules = ParityRules.from_settings(
        {"maximum_listed": 1, "neighbours": 0, "ignore": ("a",), "tolerances": {"b": {"absolute": 0, "relative": "1"}}}
    )
    assert (rules.maximum_listed, rules.neighbours, rules.allow_zero_orders) == (1, 0, False)
    assert rules.ignored[-1] == ("a", "ignored by harness.toml")
    assert rules.tolerances == (Tolerance("b", Decimal(0), Decimal(1)),)
    assert (ParityRules().maximum_listed, ParityRules().neighbours) == (100, 2)


# ------------------------------------------------------------------------------------------- the short cuts


RULED = ParityRules.from_settings({"ignore": ["a.out"], "tolerances": {"a.x": "1", "a.rows[].x": "1"}})


@pytest.fixture
def looked_into(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, Any]]:
    """What was handed to deepdiff, which costs the most."""
    handed: list[tuple[Any, Any]] = []

    def noting(left: Any, right: Any, equal: Any) -> list[Any]:
        handed.append((left, right))
        return real(left, right, equal)

    real = differing_leaves.differing_leaves
    monkeypatch.setattr(differing_leaves, "differing_leaves", noting)
    return handed


def test_what_the_rules_allow_is_not_looked_into(looked_into: list[Any]) -> None:
    for size in (1, 300):
        left = {"a": {"out": [1] * size, "x": 1, "rows": [{"x": 1}] * size, "same": [{"k": [1, 2]}] * size}}
        right = {"a": {"out": [2] * size, "x": 2, "rows": [{"x": 2}] * size, "same": [{"k": [1, 2]}] * size}}
        assert compare(left, right, RULED).tolerances_used == {"a.x ± 1": 1, "a.rows[].x ± 1": size}
        inner = compare(left["a"], right["a"], RULED, ("a",))
        assert inner.tolerances_used == {"a.x ± 1": 1, "a.rows[].x ± 1": size}
        assert inner.found == []
        assert compare(left["a"]["rows"], right["a"]["rows"], RULED, ("a", "rows")).found == []
        ignoring = ParityRules.from_settings({"ignore": ["b.out"]})  # and no tolerance anywhere
        assert compare({"b": {"out": [1] * size, "k": 1}}, {"b": {"out": [2] * size, "k": 1}}, ignoring).found == []
    assert looked_into == []


def test_only_small_parts_that_differ_are_looked_into(looked_into: list[Any]) -> None:
    left = {"a": {"out": 1, "rows": [{"x": 1, "y": [0] * 90} for _ in range(9)], "last": {"k": 1}, "gone": 1}}
    right = json.loads(json.dumps(left))
    right["a"]["rows"][4]["y"][7] = 1
    right["a"]["rows"][2]["x"] = 2  # within its tolerance
    right["a"]["out"] = 2
    right["a"]["last"] = {"k": 2}
    del right["a"]["gone"]
    compared = compare(left, right, RULED)
    assert compared.tolerances_used == {"a.rows[].x ± 1": 1}
    found = [str(one) for one in compared.found]
    assert found == ["a.rows[4].y[7]: 0 | 1", "a.last.k: 1 | 2", "a.gone: 1 | (missing)"]
    assert looked_into == [(left["a"]["rows"][4], right["a"]["rows"][4]), ({"k": 1}, {"k": 2})]
    looked_into.clear()
    half, more = [0] * 99, [0] * 100  # 100 and 101 nodes
    assert [str(one) for one in compare(half, [1, *half[1:]], EXACT).found] == ["[0]: 0 | 1"]
    assert looked_into == [(half, [1, *half[1:]])]
    looked_into.clear()
    assert [str(one) for one in compare(more, [1, *more[1:]], EXACT).found] == ["[0]: 0 | 1"]
    assert looked_into == [(0, 1)]


def test_a_difference_that_deepdiff_does_not_see_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(differing_leaves, "differing_leaves", lambda left, right, equal: [])
    assert compare({"x": 1}, {"x": 2}, RULED, ("b",)).found == [Difference(("b",), {"x": 1}, {"x": 2})]
    monkeypatch.setattr(differing_leaves, "differing_leaves", lambda left, right, equal: [(("out",), 1, 2)])
    assert compare({"x": 1}, {"x": 3}, RULED, ("a",)).found == []  # seen, and it is the one that is ignored


def test_nodes_are_counted_as_far_as_it_matters() -> None:
    assert [_nodes(value) for value in (1, [], {}, [1, 2], {"a": [1, {"b": 2}], "c": "d"})] == [1, 1, 1, 3, 6]
    assert _nodes([0] * 199) == 200
    assert _nodes([0] * 1000) == 201


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ([], {}, False),
        ({}, [], False),
        ([1], [1, 2], False),
        ([1, 2], [1], False),
        ({"a": 1}, {"b": 1}, False),
        ({"a": 1}, {"a": 1, "b": 1}, False),
        ({"a": [1, {"b": "1.0"}]}, {"a": [1.0, {"b": "1"}]}, True),
        ([], 0, False),
        ({}, None, False),
    ],
)
def test_containers(left: Any, right: Any, same: bool) -> None:
    assert _containers_same(left, right) is same
    assert _containers_same(right, left) is same
    assert (compare(left, right, EXACT).found == []) is same
