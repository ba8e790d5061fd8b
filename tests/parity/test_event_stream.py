"""The parts of a comparison by themselves: what is looked at, counted, detailed and named in an error."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import DamagedError
from harness.parity import diff as diffing
from harness.parity import event_stream
from harness.parity.diff import ParityReport, diff_results
from harness.parity.event_stream import EventComparison, compare_events, events_at
from harness.parity.missing import MISSING
from harness.parity.rules import ParityRules
from harness.parity.values import Differences, compare
from harness.results.decoding import decode_exact
from harness.results.lean_results import LeanResults
from tests.results.lean_folder import document, order_event, write_lean

EVENTS = "Algo-order-events.json"


def events(count: int, algorithm_id: str = "Algo") -> list[dict[str, Any]]:
    return [order_event(number // 2 + 1, number % 2 + 1, algorithm_id) for number in range(count)]


def with_changes(count: int, indexes: range | list[int], **changed: Any) -> list[dict[str, Any]]:
    return [{**event, **(changed if index in indexes else {})} for index, event in enumerate(events(count))]


def compared(tmp_path: Path, left: Any, right: Any, rules: ParityRules | None = None) -> EventComparison:
    sides = [LeanResults(write_lean(tmp_path / name, events=side)) for name, side in (("a", left), ("b", right))]
    return compare_events(sides[0], sides[1], rules or ParityRules())


def reported(tmp_path: Path, left: Any, right: Any, rules: ParityRules | None = None) -> ParityReport:
    sides = [LeanResults(write_lean(tmp_path / name, events=side)) for name, side in (("a", left), ("b", right))]
    return diff_results(sides[0], sides[1], rules)


@pytest.fixture(params=[1500, 1 << 20], ids=["small blocks", "one block"])
def blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "BLOCK_BYTES", request.param)


# ------------------------------------------------------------------------------------------- looking up events


@pytest.mark.parametrize("indent", [None, 1])
def test_every_event_is_found_at_its_index(tmp_path: Path, blocks: None, indent: int | None) -> None:
    folder = write_lean(tmp_path / "a", events=events(30))
    if indent:
        (folder / EVENTS).write_text(json.dumps(events(30), indent=indent))
    results = LeanResults(folder)
    for index in range(30):
        found = events_at(results, {index})
        assert list(found) == [index]
        assert found[index]["id"] == events(30)[index]["id"]
    assert set(events_at(results, {0, 7, 29, 30, 99})) == {0, 7, 29}
    assert events_at(results, set()) == {}
    assert events_at(results, {30}) == {}


def test_an_event_that_cannot_be_read_names_its_file(tmp_path: Path) -> None:
    folder = write_lean(tmp_path / "a", events=events(4))
    file = folder / EVENTS
    file.write_text(file.read_text().replace('"orderId":2,', '"orderId":,'))
    with pytest.raises(DamagedError, match=str(file)):
        events_at(LeanResults(folder), {2})
    file.write_text(file.read_text()[:-30])
    with pytest.raises(DamagedError, match=rf"{file}: ends in the middle of an event"):
        events_at(LeanResults(folder), {3})


@pytest.mark.parametrize("text", ['{"a": 1}', "[1, 2]", '[{"a": 1}, 2]', '"x"'])
def test_what_is_no_list_of_events_is_named(tmp_path: Path, text: str) -> None:
    folder = write_lean(tmp_path / "a", events=events(4))
    (folder / EVENTS).write_text(text)
    results = LeanResults(folder)
    for work in (lambda: events_at(results, {0}), lambda: compare_events(results, results, ParityRules())):
        with pytest.raises(DamagedError, match=rf"{folder / EVENTS}: is not a list of order events"):
            work()
    (folder / EVENTS).write_text("[ {,")
    with pytest.raises(DamagedError, match=str(folder / EVENTS)):
        events_at(results, {0})


# ------------------------------------------------------------------------------------------- counting and detailing


def test_twenty_differences_are_detailed_and_all_are_counted(tmp_path: Path, blocks: None) -> None:
    found = compared(tmp_path, events(60), with_changes(60, range(5, 30), quantity=1.0))
    assert (found.left_count, found.right_count, found.differing, found.more) == (60, 60, 25, False)
    assert [one.index for one in found.details] == list(range(5, 25))
    assert [str(field) for field in found.details[0].fields] == ["orderEvents[5].quantity: 100.0 | 1.0"]
    assert found.details[0].left["quantity"] == Decimal("100.0")
    assert found.details[0].right["quantity"] == Decimal("1.0")


def test_rules_about_events_are_kept_for_every_one_of_them(tmp_path: Path, blocks: None) -> None:
    right = with_changes(60, range(60), quantity=100.5)
    for index in (3, 55):
        right[index]["quantity"] = 103.0
    rules = ParityRules.from_settings({"tolerances": {"orderEvents[].quantity": "1"}})
    found = compared(tmp_path, events(60), right, rules)
    assert [one.index for one in found.details] == [3, 55]
    assert (found.differing, found.tolerances_used) == (2, {"orderEvents[].quantity ± 1": 58})
    right = with_changes(60, range(60), quantity=7.0)
    assert compared(tmp_path, events(60), right, ParityRules.from_settings({"ignore": ["orderEvents[].quantity"]})) == (
        EventComparison(60, 60)
    )
    wide = compared(tmp_path, events(60), with_changes(60, range(60), quantity=200.0), rules)
    assert (wide.differing, len(wide.details)) == (60, 20)


@pytest.mark.parametrize("longer", ["left", "right"])
def test_events_of_one_side_alone(tmp_path: Path, blocks: None, longer: str) -> None:
    sides = (events(45), events(12)) if longer == "left" else (events(12), events(45))
    found = compared(tmp_path, *sides)
    assert (found.left_count, found.right_count, found.differing) == (len(sides[0]), len(sides[1]), 33)
    assert [one.index for one in found.details] == list(range(12, 32))
    for one in found.details:
        there, absent = (one.left, one.right) if longer == "left" else (one.right, one.left)
        assert absent is MISSING
        assert there["id"] == events(45)[one.index]["id"]
        assert one.fields == ()


@pytest.mark.parametrize("pattern", ["orderEvents", "orderEvents[]"])
def test_ignored_events_are_no_differences_however_many(tmp_path: Path, blocks: None, pattern: str) -> None:
    rules = ParityRules.from_settings({"ignore": [pattern]})
    found = compared(tmp_path, with_changes(80, range(25), quantity=1.0), events(30), rules)
    assert found == EventComparison(80, 30)


def test_details_of_both_kinds_are_twenty_together(tmp_path: Path, blocks: None) -> None:
    found = compared(tmp_path, with_changes(40, range(8), quantity=1.0), events(12))
    assert [one.index for one in found.details] == [*range(8), *range(12, 24)]
    assert found.differing == 8 + 28
    many = compared(tmp_path, with_changes(40, range(30), quantity=1.0), events(32))
    assert [one.index for one in many.details] == list(range(20))
    assert many.differing == 30 + 8


def test_counting_stops_at_a_number_and_says_whether_there_was_more(
    tmp_path: Path, blocks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "COUNTED_EVENTS", 6)
    exactly = compared(tmp_path, events(6), with_changes(6, range(6), quantity=1.0))
    assert (exactly.left_count, exactly.right_count, exactly.differing, exactly.more) == (6, 6, 6, False)
    # Long messages on one side: its blocks hold fewer events, so that some of the other side are waiting.
    right = with_changes(40, range(40), message="x" * 400)
    found = compared(tmp_path, events(50), right)
    assert (found.left_count, found.right_count) == (50, 40)
    assert found.differing >= 6
    assert found.more
    file = tmp_path / "a" / EVENTS
    stored = file.read_text()
    for number in (20, 25):
        file.write_text(stored.replace(f'"orderId":{number},', '"orderId":,', 1))
        with pytest.raises(DamagedError, match=str(file)):
            compare_events(LeanResults(tmp_path / "a"), LeanResults(tmp_path / "b"), ParityRules())


@pytest.mark.parametrize("side", ["a", "b"])
def test_damage_beside_a_difference_names_its_file(tmp_path: Path, blocks: None, side: str) -> None:
    for name, stored in (("a", events(30)), ("b", with_changes(34, [5], quantity=1.0))):
        write_lean(tmp_path / name, events=stored)
    folders = tmp_path / "a", tmp_path / "b"
    whole = {folder: (folder / EVENTS).read_text() for folder in folders}
    for order in (3, 4, 9, 17):
        number = f'"orderId":{order},'
        for folder in folders:
            (folder / EVENTS).write_text(whole[folder])
        file = tmp_path / side / EVENTS
        file.write_text(whole[tmp_path / side].replace(number, '"orderId":,', 1))
        if number not in whole[tmp_path / side]:
            continue
        with pytest.raises(DamagedError, match=str(file)):
            compare_events(LeanResults(folders[0]), LeanResults(folders[1]), ParityRules())
    for folder in folders:  # the same damage on both sides, in a block that differs elsewhere
        (folder / EVENTS).write_text(whole[folder].replace('"orderId":4,', '"orderId":,', 1))
    with pytest.raises(DamagedError, match=str(tmp_path / "a" / EVENTS)):
        compare_events(LeanResults(folders[0]), LeanResults(folders[1]), ParityRules())


def test_another_algorithm_id_costs_no_look_at_the_events(
    tmp_path: Path, blocks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, algorithm in (("a", "Algo"), ("b", "Other-2"), ("c", "Algo")):
        write_lean(tmp_path / name, events=events(40, algorithm))
    looked_at: list[int] = []
    real = event_stream._Comparer.compare_texts

    def noting(self: Any, index: int, left: list[bytes], right: list[bytes]) -> None:
        looked_at.append(index)
        real(self, index, left, right)

    monkeypatch.setattr(event_stream._Comparer, "compare_texts", noting)
    for one, other in (("a", "b"), ("b", "a"), ("a", "c")):
        found = compare_events(LeanResults(tmp_path / one), LeanResults(tmp_path / other), ParityRules())
        assert (found.left_count, found.right_count, found.differing) == (40, 40, 0)
    if event_stream.BLOCK_BYTES > 1500:  # smaller blocks are cut elsewhere when an id is longer
        assert looked_at == []


def test_white_space_may_follow_the_events(tmp_path: Path, blocks: None) -> None:
    for name in ("a", "b"):
        write_lean(tmp_path / name, events=events(30))
    file = tmp_path / "a" / EVENTS
    text = file.read_text()
    file.write_text(f"{text} \r\n\t")
    found = compare_events(LeanResults(tmp_path / "a"), LeanResults(tmp_path / "b"), ParityRules())
    assert (found.left_count, found.right_count, found.differing) == (30, 30, 0)
    file.write_text(f"{text}\f")
    with pytest.raises(DamagedError, match=f"^{file}: ends in the middle of an event; half-written"):
        compare_events(LeanResults(tmp_path / "a"), LeanResults(tmp_path / "b"), ParityRules())


@pytest.mark.parametrize(
    ("error", "reason"), [(OSError(5, "Input/output error"), "Input/output error"), (OSError("odd"), "odd")]
)
def test_a_stream_that_cannot_be_read_to_its_end_is_named(error: OSError, reason: str) -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise error

    with pytest.raises(DamagedError, match=rf"^file: cannot be read \({reason}\)$"):
        event_stream._Side(Failing(), "file")


@pytest.mark.parametrize("side", ["a", "b"])
@pytest.mark.parametrize("index", [7, 31])
def test_a_number_beyond_all_bounds_names_its_file(tmp_path: Path, blocks: None, side: str, index: int) -> None:
    """In an event that both sides have, and in one that only one side has."""
    for name in ("a", "b"):
        write_lean(tmp_path / name, events=events(34 if name == side else 30))
    file = tmp_path / side / EVENTS
    stored = json.loads(file.read_text())
    stored[index]["quantity"] = "beyond"
    file.write_text(json.dumps(stored, separators=(",", ":")).replace('"beyond"', "1e99999999999999999999"))
    with pytest.raises(DamagedError, match=f"^{file}: a number has an exponent beyond all bounds"):
        compare_events(LeanResults(tmp_path / "a"), LeanResults(tmp_path / "b"), ParityRules())


@pytest.mark.parametrize("side", ["a", "b"])
def test_damage_in_events_of_one_side_alone_names_its_file(tmp_path: Path, blocks: None, side: str) -> None:
    for name in ("a", "b"):
        write_lean(tmp_path / name, events=events(34 if name == side else 30))
    file = tmp_path / side / EVENTS
    file.write_text(file.read_text().replace('"orderId":17,', '"orderId":,', 1))
    with pytest.raises(DamagedError, match=f"^{file}: JSON is malformed"):
        compare_events(LeanResults(tmp_path / "a"), LeanResults(tmp_path / "b"), ParityRules())


@pytest.mark.parametrize("side", ["a", "b"])
def test_an_event_that_does_not_begin_with_its_id_is_one_too(tmp_path: Path, blocks: None, side: str) -> None:
    changed = with_changes(6, [1, 2, 3, 4], quantity=1.0)
    sides = {name: list(changed if name == side else events(6)) for name in ("a", "b")}
    sides[side][3] = dict(reversed(sides[side][3].items()))
    found = compared(tmp_path, sides["a"], sides["b"])
    assert (found.left_count, found.right_count, found.differing) == (6, 6, 4)
    assert [one.index for one in found.details] == [1, 2, 3, 4]
    many = with_changes(60, range(60), quantity=1.0)  # so many that the later ones are counted only
    many[50] = dict(reversed(many[50].items()))
    found = compared(tmp_path, *((many, events(60)) if side == "a" else (events(60), many)))
    assert (found.left_count, found.right_count, found.differing) == (60, 60, 60)


def test_an_event_within_a_text_is_never_taken_for_two(tmp_path: Path, blocks: None) -> None:
    """A nested object that begins like an event: the text is decoded as a whole then."""
    odd = '{"a":{"b":1},"c":[{"id":"x","d":{}},{"id":"y"}]}'
    for name, last in (("a", 1), ("b", 2)):
        folder = write_lean(tmp_path / name, events=events(6))
        text = json.dumps(events(6), separators=(",", ":"))
        text = text.replace('"orderId":2,', f'"odd":{odd},"orderId":2,').replace(
            '"orderId":3,', f'"last":{last},"orderId":3,'
        )
        (folder / EVENTS).write_text(text)
    found = compare_events(LeanResults(tmp_path / "a"), LeanResults(tmp_path / "b"), ParityRules())
    assert (found.left_count, found.right_count, found.differing) == (6, 6, 2)
    assert [str(one.fields[0]) for one in found.details] == ["orderEvents[4].last: 1 | 2", "orderEvents[5].last: 1 | 2"]
    same = compare_events(LeanResults(tmp_path / "a"), LeanResults(tmp_path / "a"), ParityRules())
    assert same == EventComparison(6, 6)


@pytest.mark.parametrize(
    ("chosen", "special"),
    [
        ({}, False),
        ({"ignore": ["charts.Mine"], "tolerances": {"statistics.*": 1}}, False),
        ({"ignore": ["orderEvents[].message"]}, True),
        ({"ignore": ["orderEvents"]}, True),
        ({"ignore": ["orderEvents[]"]}, True),
        ({"ignore": ["orderEvents[3]"]}, True),
        ({"tolerances": {"orderEvents[].fillPrice": 1}}, True),
        ({"tolerances": {"*[].fillPrice": 1}}, True),
        ({"ignore": ["*[3]"]}, True),
        ({"ignore": ["*"]}, True),
        ({"ignore": ["*.message"]}, True),
    ],
)
def test_which_rules_say_anything_about_events(chosen: dict[str, Any], special: bool) -> None:
    assert event_stream._special(ParityRules.from_settings(chosen)) is special


def test_rules_without_any_ignored_path_are_not_special() -> None:
    assert event_stream._special(ParityRules(ignored=())) is False
    assert event_stream._special(ParityRules(ignored=(("orderEvents[].id", "x"),))) is False
    assert event_stream._special(ParityRules(ignored=(("orderEvents[3]", "x"),))) is True


@pytest.mark.parametrize(
    ("patterns", "differing"),
    [
        (("orderEvents[].id", "orderEvents[].algorithmId"), []),
        (("*[].id", "*[].algorithmId"), []),
        (("orderEvents[].*",), []),
        (("orderEvents[]",), []),
        (("orderEvents",), []),
        (("orderEvents[0].id", "orderEvents[0].algorithmId"), [1, 2, 3]),
        (("orderEvents[1].id", "orderEvents[1].algorithmId"), [0, 2, 3]),
        (("orderEvents[0]", "orderEvents[3]"), [1, 2]),
        (("orderEvents[].id", "orderEvents[0].algorithmId"), [1, 2, 3]),
        (("orderEvents.*.id", "orderEvents.*.algorithmId"), [0, 1, 2, 3]),  # * is a key, and events have none
        (("orders[].id", "orders[].algorithmId"), [0, 1, 2, 3]),
    ],
)
def test_ids_are_left_out_of_those_events_that_the_rules_name(
    tmp_path: Path, patterns: tuple[str, ...], differing: list[int]
) -> None:
    rules = ParityRules(ignored=tuple((pattern, "x") for pattern in patterns))
    left = LeanResults(write_lean(tmp_path / "a", "Algo", events=events(4)))
    right = LeanResults(write_lean(tmp_path / "b", "Other", events=events(4, "Other")))
    found = compare_events(left, right, rules)
    assert [one.index for one in found.details] == differing
    assert found.differing == len(differing)


def test_a_wildcard_rule_holds_for_every_event_beyond_the_detailed_ones(tmp_path: Path, blocks: None) -> None:
    right = with_changes(60, range(60), quantity=100.5)
    for index in range(25):
        right[index]["quantity"] = 103.0
    found = compared(tmp_path, events(60), right, ParityRules.from_settings({"tolerances": {"*[].quantity": "1"}}))
    assert (found.differing, found.tolerances_used) == (25, {"*[].quantity ± 1": 35})
    ignoring = ParityRules(ignored=(("*[].id", "x"), ("*[].algorithmId", "x"), ("*[3]", "x")))
    found = compared(tmp_path, events(60), with_changes(60, [3, 5], quantity=1.0), ignoring)
    assert [one.index for one in found.details] == [5]


# ------------------------------------------------------------------------------------------- the report


def test_neighbours_are_those_of_each_side(tmp_path: Path) -> None:
    left, right = events(10), with_changes(10, [1], quantity=1.0)
    right[2]["message"] = "also"
    for number in (0, 1, 3):
        first = reported(tmp_path, left, right, ParityRules(neighbours=number)).first_difference
        assert first is not None
        assert (first.index, first.left, first.right) == (1, first.left, first.right)
        assert [event["id"] for event in first.before] == (["Algo-1-1"] if number else [])
        assert [event["id"] for event in first.left_after] == ["Algo-2-1", "Algo-2-2", "Algo-3-1"][:number]
        assert [event.get("message") for event in first.right_after] == ["also", None, None][:number]
        assert all("message" not in event for event in first.left_after)
    write_lean(tmp_path / "c", "Other", events=with_changes(10, [1], quantity=1.0))
    file = tmp_path / "c" / "Other-order-events.json"
    file.write_text(file.read_text().replace("Algo", "Other"))
    first = diff_results(LeanResults(tmp_path / "a"), LeanResults(tmp_path / "c")).first_difference
    assert first is not None
    assert [event["id"] for event in first.before] == ["Algo-1-1"]


def test_the_report_as_plain_json(tmp_path: Path) -> None:
    left = write_lean(tmp_path / "a", events=events(3))
    changed = document(statistics={"Total Orders": "3", "Sharpe Ratio": "-9"})
    right = write_lean(tmp_path / "b", events=with_changes(3, [1], quantity=1.5), sections=changed)
    rules = ParityRules(ignored=(*ParityRules().ignored, ("charts", "not of interest")), neighbours=1)
    report = diff_results(LeanResults(left), LeanResults(right), rules)
    stored = [
        {key: value if isinstance(value, str | bool) or "Id" in key else str(value) for key, value in event.items()}
        for event in events(3)
    ]
    assert report.to_dict() == {
        "identical": False,
        "summary": (
            "different: 1 of 3 order events differ, the first is number 2 (quantity 100.0 | 1.5); "
            "1 figure differs, the first is statistics.Sharpe Ratio: '-8.83' | '-9'"
        ),
        "order_event_count": {"left": 3, "right": 3},
        "differing_event_count": 1,
        "more_differing_events": False,
        "first_difference": {
            "index": 1,
            "left": stored[1],
            "right": {**stored[1], "quantity": "1.5"},
            "fields": [
                {"path": "orderEvents[1].quantity", "left": "100.0", "right": "1.5", "left_missing": False,
                 "right_missing": False}
            ],
            "before": [stored[0]],
            "left_after": [stored[2]],
            "right_after": [stored[2]],
        },
        "differences": [
            {"path": "statistics.Sharpe Ratio", "left": "-8.83", "right": "-9", "left_missing": False,
             "right_missing": False}
        ],
        "more_differences": False,
        "problems": [],
        "tolerances_used": [],
        "ignored": [{"path": path, "reason": reason} for path, reason in rules.ignored],
    }  # fmt: skip
    fewer = reported(tmp_path / "fewer", events(3), events(2)).to_dict()
    assert fewer["order_event_count"] == {"left": 3, "right": 2}
    same = diff_results(LeanResults(left), LeanResults(left)).to_dict()
    assert (same["identical"], same["first_difference"], same["differences"]) == (True, None, [])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"quantity": 1.0}, "(quantity 100.0 | 1.0)"),
        ({"quantity": 1.0, "fillPrice": 2.0}, "(fillPrice 0.0 | 2.0, quantity 100.0 | 1.0)"),
        (
            {"quantity": 1.0, "fillPrice": 2.0, "status": "x"},
            "(fillPrice 0.0 | 2.0, quantity 100.0 | 1.0, status 'submitted' | 'x')",
        ),
        (
            {"quantity": 1.0, "fillPrice": 2.0, "status": "x", "direction": "s"},
            "(direction 'buy' | 's', fillPrice 0.0 | 2.0, quantity 100.0 | 1.0, 1 more)",
        ),
        (
            {"quantity": 1.0, "fillPrice": 2.0, "status": "x", "time": 1.0, "direction": "s"},
            "(direction 'buy' | 's', fillPrice 0.0 | 2.0, quantity 100.0 | 1.0, 2 more)",
        ),
    ],
)
def test_the_summary_names_the_first_three_fields(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    line = reported(tmp_path, events(4), with_changes(4, [2], **changes)).summary_line
    assert line == f"different: 1 of 4 order events differ, the first is number 3 {words}"


def test_the_summary_clips_long_values(tmp_path: Path) -> None:
    line = reported(tmp_path, with_changes(4, [2], status="l" * 60), with_changes(4, [2], status="r" * 60)).summary_line
    assert f"(status '{'l' * 36}... | '{'r' * 36}...)" in line


@pytest.mark.parametrize(("text", "kind"), [('{"a":1}', dict), ("[1,2]", list), ('"text"', type(None))])
def test_only_large_containers_are_taken_apart(text: str, kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diffing, "_SPLIT_BYTES", len(text))
    assert diffing._parts(text.encode(), "file") is None
    monkeypatch.setattr(diffing, "_SPLIT_BYTES", len(text) - 1)
    parts = diffing._parts(text.encode(), "file")
    assert isinstance(parts, kind)
    assert parts is None or len(parts) == len(json.loads(text))


@pytest.mark.parametrize("side", ["a", "b"])
@pytest.mark.parametrize("listed", [False, True])
def test_damage_in_a_large_section_names_its_file(tmp_path: Path, side: str, listed: bool) -> None:
    for name in ("a", "b"):
        rows = [{"x": number + (name == "b")} for number in range(9000)]
        section = rows if listed else {str(number): row for number, row in enumerate(rows)}
        write_lean(tmp_path / name, events=events(2), sections={"orders": {}, "s": section})
    file = tmp_path / side / "Algo.json"
    file.write_text(file.read_text().replace('"x": 500\n', '"x": oops\n'))
    with pytest.raises(DamagedError, match=f"^{file}: JSON is malformed.*run the backtest again$"):
        diff_results(LeanResults(tmp_path / "a"), LeanResults(tmp_path / "b"))


def test_one_missing_file_beside_a_damaged_one_names_the_damaged_one(tmp_path: Path) -> None:
    left, right = write_lean(tmp_path / "a", events=events(4)), write_lean(tmp_path / "b", events=None)
    (left / EVENTS).write_text("[{]")
    with pytest.raises(DamagedError, match=rf"{left / EVENTS}: .*run the backtest again"):
        diff_results(LeanResults(left), LeanResults(right))


# ------------------------------------------------------------------------------------------- figures of the document


def figures(
    tmp_path: Path, left: dict[str, Any], right: dict[str, Any], rules: ParityRules | None = None
) -> ParityReport:
    sides = [
        LeanResults(write_lean(tmp_path / name, events=events(2), sections=sections))
        for name, sections in (("a", left), ("b", right))
    ]
    return diff_results(sides[0], sides[1], rules)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["a", "1", "1.0"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=4),
    max_leaves=20,
)


@given(PLAIN, PLAIN)
@settings(max_examples=150, deadline=None)
def test_taking_sections_apart_finds_what_a_whole_comparison_finds(left: Any, right: Any) -> None:
    rules = ParityRules(maximum_listed=1000)
    expected = sorted(map(str, compare(_exact(left), _exact(right), rules, ("s",)).found))
    before = diffing._SPLIT_BYTES
    try:
        for diffing._SPLIT_BYTES in (1, 6):
            found = Differences(1000)
            texts = [json.dumps(side).encode() for side in (left, right)]
            diffing._compare_texts(*texts, ("s",), rules, found=found, where=("a", "b"))
            assert sorted(map(str, found.found)) == expected
    finally:
        diffing._SPLIT_BYTES = before


def _exact(value: Any) -> Any:
    return decode_exact(json.dumps(value).encode(), "test")


@pytest.mark.parametrize("split", [1, 1 << 16])
def test_the_limit_holds_however_a_section_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, split: int) -> None:
    monkeypatch.setattr(diffing, "_SPLIT_BYTES", split)
    rules = ParityRules(maximum_listed=3)
    for left, right, more in (
        ({"a": [1, 2, 3]}, {"a": [4, 5, 6]}, False),
        ({"a": [1, 2, 3, 4]}, {"a": [4, 5, 6, 7]}, True),
        ({"a": {"b": 1, "c": 2, "d": 3, "e": 4}}, {"a": {"b": 2, "c": 3, "d": 4, "e": 5}}, True),
    ):
        report = figures(tmp_path, {"s": left, "t": 1}, {"s": right, "t": 2}, rules)
        assert [str(one.path[0]) for one in report.differences] == ["s", "s", "s", "t"]
        assert report.more_differences is more
        assert report.summary_line.startswith(
            f"different: {'at least ' if more else ''}4 figures differ, the first is s"
        )
    ignoring = ParityRules.from_settings({"ignore": ["s.a[1]", "t"]})
    report = figures(tmp_path, {"s": {"a": [1, 2, 3]}, "t": 1}, {"s": {"a": [1, 5, 6]}, "t": 2}, ignoring)
    assert [str(one) for one in report.differences] == ["s.a[2]: 3 | 6"]


def test_sections_of_one_side_and_those_read_first(tmp_path: Path) -> None:
    left = {"z": 1, "same": 3, "orders": {"1": 1}, "analysis": 1, "only left": {"a": 1}}
    right = {"only right": [2], "z": 2, "same": 3, "orders": {"1": 2}, "analysis": 2, "last": 1}
    assert [str(one) for one in figures(tmp_path, left, right).differences] == [
        "orders.1: 1 | 2",
        "z: 1 | 2",
        "only left: {'a': 1} | (missing)",
        "only right: (missing) | [2]",
        "last: (missing) | 1",
    ]


@pytest.mark.parametrize("side", ["a", "b"])
@pytest.mark.parametrize("there", ["both", "one"])
@pytest.mark.parametrize("indent", [None, 2])
def test_a_section_that_cannot_be_read_names_its_file(
    tmp_path: Path, side: str, there: str, indent: int | None
) -> None:
    for name in ("a", "b"):
        sections = {"orders": {}, "s": {"x": 1 if name == "a" else 2}}
        if there == "one" and name != side:
            del sections["s"]
        write_lean(tmp_path / name, events=events(2), sections=sections, indent=indent)
    file = tmp_path / side / "Algo.json"
    text = file.read_text()
    file.write_text(text.replace('"x": ', '"x": "\\ud800", "y": 0'))
    assert file.read_text() != text
    with pytest.raises(DamagedError, match=str(file)):
        diff_results(LeanResults(tmp_path / "a"), LeanResults(tmp_path / "b"))


def test_tolerances_of_events_and_figures_are_counted_together(tmp_path: Path) -> None:
    rules = ParityRules.from_settings({"tolerances": {"*.quantity": "1", "orderEvents[].quantity": "1", "s.*": "0.5"}})
    for name, quantity, one, two in (("a", 100.0, "1.1", 5), ("b", 100.5, "1.2", 5.1)):
        changed = [order_event(1, 1, quantity=quantity), order_event(1, 2)]
        write_lean(tmp_path / name, events=changed, sections={"s": {"x": one, "y": two}, "t": {"quantity": quantity}})
    report = diff_results(LeanResults(tmp_path / "a"), LeanResults(tmp_path / "b"), rules)
    assert report.tolerances_used == (
        "*.quantity ± 1 (1 value)", "orderEvents[].quantity ± 1 (1 value)", "s.* ± 0.5 (2 values)"
    )  # fmt: skip
    assert report.summary_line == "identical within 3 tolerances: 2 order events and every compared figure"
    assert diffing._tolerances({"x": 1, "b": 2}, {"x": 3}) == ("b (2 values)", "x (4 values)")
    two = ParityRules.from_settings({"tolerances": {"*.quantity": "1", "orderEvents[].quantity": "1", "s": "0.5"}})
    for name in ("a", "b"):
        path = tmp_path / name / "Algo.json"
        path.write_text(path.read_text().replace("100.5", "100.0").replace("1.2", "1.1").replace("5.1", "5"))
    report = diff_results(LeanResults(tmp_path / "a"), LeanResults(tmp_path / "b"), two)
    assert report.summary_line.startswith("identical within 1 tolerance: 2 order events")
    (tmp_path / "b" / "Algo.json").write_text((tmp_path / "b" / "Algo.json").read_text().replace("100.0", "100.5"))
    report = diff_results(LeanResults(tmp_path / "a"), LeanResults(tmp_path / "b"), two)
    assert report.summary_line.startswith("identical within 2 tolerances: 2 order events")


def test_summaries_of_files_that_are_missing(tmp_path: Path) -> None:
    left = write_lean(tmp_path / "a", events=events(2))
    right = write_lean(tmp_path / "b", events=None)
    report = diff_results(LeanResults(left), LeanResults(right))
    assert report.summary_line == (
        f"different: 1 figure differs, the first is orderEvents: 'Algo-order-events.json' | (missing); "
        f"{right}: 3 orders but no order-events file; run that backtest again"
    )
    assert report.order_event_count == (2, None)
    right = write_lean(tmp_path / "b", events=None, sections=document(statistics={"Total Orders": "3"}))
    report = diff_results(LeanResults(left), LeanResults(right))
    assert [str(one).partition(":")[0] for one in report.differences] == ["orderEvents", "statistics.Sharpe Ratio"]
    allowed = ParityRules(allow_zero_orders=True)
    none = write_lean(tmp_path / "c", events=None, sections=document(orders=0))
    empty = write_lean(tmp_path / "d", events=[], sections=document(orders=0))
    same = diff_results(LeanResults(none), LeanResults(none), allowed)
    assert same.summary_line == "identical: no file order events and every compared figure"
    more = diff_results(LeanResults(empty), LeanResults(write_lean(tmp_path / "e", events=events(2))), allowed)
    assert "2 of 0 and 2 order events differ, the first is number 1 (only on the right)" in more.summary_line


@pytest.mark.parametrize("state", [{}, {"OrderCount": ""}, {"OrderCount": "0"}])
def test_no_events_are_no_problem_of_a_file_when_there_were_no_orders(tmp_path: Path, state: dict[str, str]) -> None:
    none = LeanResults(write_lean(tmp_path, events=None, sections={"state": state}))
    assert diff_results(none, none).problems == (
        "neither backtest has an order event, which proves nothing; set allow_zero_orders if it should",
    )
    assert diff_results(none, none, ParityRules(allow_zero_orders=True)).problems == ()


def test_ids_are_compared_when_the_rules_do_not_leave_them_out(tmp_path: Path) -> None:
    left = write_lean(tmp_path / "a", "Algo", events=events(4))
    right = write_lean(tmp_path / "b", "Other", events=events(4, "Other"))
    exact = ParityRules(ignored=())
    found = compare_events(LeanResults(left), LeanResults(right), exact)
    assert found.differing == 4
    assert str(found.details[0].fields[0]) == "orderEvents[0].algorithmId: 'Algo' | 'Other'"
    half = ParityRules(ignored=(("orderEvents[].id", "x"),))
    assert compare_events(LeanResults(left), LeanResults(right), half).differing == 4
