from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.embedded.results.json_writer import Raw, decimal_json, double_json, dumps, text_json, time_text

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=10,
)


@given(_JSON)
def test_a_document_reads_back(value: object) -> None:
    assert json.loads(dumps(value)) == value


def test_layout() -> None:
    document = {"a": [1, 2], "b": {}, "c": [], "d": {"e": None, "f": True}, "g": Raw("[1,2]")}
    assert dumps(document) == (
        '{\n  "a": [\n    1,\n    2\n  ],\n  "b": {},\n  "c": [],\n  "d": {\n    "e": null,\n    "f": true\n  },\n'
        '  "g": [1,2]\n}'
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [("100", "100.0"), ("318.3300", "318.3300"), ("-0.00", "0.00"), ("-0", "0.0"), ("1E+3", "1000.0")],
)
def test_decimals_keep_their_digits_and_have_a_point(value: str, expected: str) -> None:
    assert decimal_json(Decimal(value)) == expected


@pytest.mark.parametrize(("value", "expected"), [(1759757460.0, "1759757460.0"), (0.5, "0.5"), (1e20, "1E+20")])
def test_doubles(value: float, expected: str) -> None:
    assert double_json(value) == expected


def test_times() -> None:
    assert time_text(datetime(2025, 10, 6, 13, 31)) == "2025-10-06T13:31:00Z"
    assert time_text(datetime(2025, 10, 6, 13, 31, 0, 1000)) == "2025-10-06T13:31:00.001Z"
    assert time_text(datetime(2025, 10, 8), zone="") == "2025-10-08T00:00:00"
    assert dumps([datetime(2025, 10, 6)]) == '[\n  "2025-10-06T00:00:00Z"\n]'


def test_text_outside_ascii_stays_readable_but_line_separators() -> None:
    assert text_json('é "q" \n \u2028') == '"é \\"q\\" \\n \\u2028"'


def test_what_has_no_form_is_named() -> None:
    with pytest.raises(TypeError, match="object has no JSON form"):
        dumps({"a": object()})
