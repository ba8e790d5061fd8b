"""Comparing with a recording, on small recordings made on the spot: what is compared, and in which words."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from harness.errors import DamagedError, InputError
from harness.parity import recording
from harness.parity.missing import MISSING
from harness.parity.recording import ArtifactDifference, compare_with_recording
from tests.results.lean_folder import document, order_event, write_lean

HASH = "OrderListHash abc"
LINES = ["Total Orders 3", "Sharpe Ratio -8.83", HASH]


@pytest.fixture
def case(tmp_path: Path) -> Path:
    """A recording of class ``Algo`` that ended with 3."""
    folder = tmp_path / "case"
    write_lean(folder / "lean")
    (folder / "lean" / "statistics.txt").write_text("\n".join(LINES) + "\n")
    (folder / "recording.json").write_text(json.dumps({"class": "Algo", "exit_code": 3}))
    return folder


def compared(case: Path, printed: Any = None, code: int = 3, **changed: Any) -> list[str]:
    results = case.parent / "results"
    shutil.rmtree(results, ignore_errors=True)
    write_lean(results, **changed)
    return [str(one) for one in compare_with_recording(case, results, code, LINES if printed is None else printed)]


def test_each_artifact_says_where_and_what(case: Path) -> None:
    assert compared(case) == []
    changed = document(
        statistics={"Total Orders": "3", "Sharpe Ratio": "0"},
        profitLoss={"2025-10-06T15:30:00Z": 1},
        runtimeStatistics={"Equity": "$1"},
        state={"Status": "RuntimeError", "OrderCount": "4", "RuntimeError": "bad\r\n at x"},
    )
    changed["orders"]["2"]["price"] = 1
    performance = changed["totalPerformance"]
    performance["tradeStatistics"] = {"totalProfitLoss": "1"}
    performance["portfolioStatistics"] = {}
    performance["closedTrades"] = []
    changed["charts"]["Strategy Equity"]["name"] = "x"
    events = [order_event(1, 1), order_event(1, 2, status="canceled")]
    found = compared(case, sections=changed, events=events, log="2025-10-06 16:00:00 bye\n", code=4)
    clipped = repr(document()["totalPerformance"]["closedTrades"][0])
    assert [line for line in found if not line.startswith("closed trades")] == [
        "exit code: expected 3, got 4",
        "order events orderEvents[1].status: expected 'filled', got 'canceled'",
        "orders orders.2.price: expected 318.33, got 1",
        "statistics statistics.Sharpe Ratio: expected '-8.83', got '0'",
        "runtime statistics runtimeStatistics.Equity: expected '$99,119.75', got '$1'",
        "profit and loss profitLoss.2025-10-06T15:30:00Z: expected -324.5, got 1",
        "trade statistics totalPerformance.tradeStatistics.totalProfitLoss: expected '-867.50', got '1'",
        "portfolio statistics totalPerformance.portfolioStatistics.sharpeRatio: expected '-8.8302', got (missing)",
        "charts charts.Strategy Equity.name: expected 'Strategy Equity', got 'x'",
        "state state.OrderCount: expected '3', got '4'",
        "state state.RuntimeError: expected '', got 'bad'",
        "state state.Status: expected 'Completed', got 'RuntimeError'",
        "log line[0]: expected '2025-10-06 16:00:00 hello', got '2025-10-06 16:00:00 bye'",
    ]
    trades = [line for line in found if line.startswith("closed trades")]
    assert len(trades) == 1
    assert trades[0].startswith("closed trades totalPerformance.closedTrades[0]: expected {'id': 'bd8c300f")
    assert trades[0].endswith("..., got (missing)")
    assert len(clipped) > 300
    assert len(trades[0]) == len("closed trades totalPerformance.closedTrades[0]: expected , got (missing)") + 300


@pytest.mark.parametrize(
    "name", ["orders", "statistics", "runtimeStatistics", "profitLoss", "charts", "totalPerformance"]
)
def test_a_section_that_is_not_there_is_missing_not_empty(case: Path, name: str) -> None:
    sections = {key: value for key, value in document().items() if key != name}
    found = compared(case, sections=sections)
    assert len(found) == (3 if name == "totalPerformance" else 1)
    assert all(line.endswith("got (missing)") for line in found)
    for one in (None, []):
        assert compared(case, sections={**document(), name: one}) != []


def test_only_what_was_in_the_state_counts(case: Path) -> None:
    state = {"Status": "Completed", "OrderCount": "3"}
    assert compared(case, sections=document(state=state)) == []
    assert compared(case, sections=document(state={**state, "RuntimeError": "\nmore"})) == []
    assert compared(case, sections=document(state={"Status": "Completed", "RuntimeError": ""})) == [
        "state state.OrderCount: expected '3', got (missing)"
    ]
    assert compared(case, sections=document(state={"OrderCount": "3"})) == [
        "state state.Status: expected 'Completed', got (missing)"
    ]


@pytest.mark.parametrize("name", ["tradeStatistics", "portfolioStatistics", "closedTrades"])
def test_a_part_of_the_performance_that_is_not_there_is_missing_not_null(case: Path, name: str) -> None:
    sections = document()
    there = sections["totalPerformance"].pop(name)
    found = compared(case, sections=sections)
    assert len(found) == 1
    assert found[0].endswith("got (missing)")
    sections["totalPerformance"][name] = None
    assert compared(case, sections=sections)[0].endswith("got None")
    assert there is not None


@pytest.mark.parametrize(
    ("error", "first"),
    [
        ("no SPX\r\n at x\n at y", "no SPX"),
        ("bad \r\nmore", "bad "),
        ("one line", "one line"),
        (None, None),
    ],
)
def test_of_a_runtime_error_the_first_line_counts(case: Path, error: str | None, first: str | None) -> None:
    state = {"Status": "Completed", "OrderCount": "3", "RuntimeError": error}
    assert compared(case, sections=document(state=state)) == [f"state state.RuntimeError: expected '', got {first!r}"]


def test_numbers_are_compared_to_their_last_digit(case: Path) -> None:
    results = write_lean(case.parent / "exact")
    text = (results / "Algo.json").read_text()
    (results / "Algo.json").write_text(text.replace('"profitLoss": -275.0,', '"profitLoss": -275.00000000000000001,'))
    found = compare_with_recording(case, results, 3, LINES)
    assert [str(one) for one in found] == [
        "closed trades totalPerformance.closedTrades[0].profitLoss: expected -275.0, got -275.00000000000000001"
    ]


def test_both_values_are_shown_up_to_300_characters() -> None:
    for left, right in (("x" * 298, "y" * 298), ("x" * 299, "y" * 299)):
        shown = [repr(side) if len(side) == 298 else repr(side)[:297] + "..." for side in (left, right)]
        assert str(ArtifactDifference("a", "b", left, right)) == f"a b: expected {shown[0]}, got {shown[1]}"


def test_a_recording_with_several_results_is_the_one_of_its_class(case: Path) -> None:
    write_lean(case / "lean", "Another", sections=document(statistics={"Total Orders": "9"}))
    write_lean(case / "lean", "Zother", sections=document(statistics={"Total Orders": "9"}))
    assert compared(case) == []
    write_lean(case.parent / "both")
    write_lean(case.parent / "both", "Another", sections=document(statistics={"Total Orders": "9"}))
    assert compare_with_recording(case, case.parent / "both", 3, LINES) == []


def test_what_may_vary_is_left_out(case: Path) -> None:
    changed = document()
    for order in changed["orders"].values():
        order["brokerId"] = ["9"]
    changed["totalPerformance"]["closedTrades"][0]["id"] = "x"
    changed["charts"] |= {"Performance": {"name": "x"}, "Portfolio Margin": {"name": "y"}}
    assert compared(case, sections=changed, events=[order_event(1, 1, "Other"), order_event(1, 2, "Other")]) == []
    assert compared(case, sections=document(charts={**changed["charts"], "Portfolio": {}})) != []


def test_lines_of_the_log_by_the_wall_clock_are_left_out() -> None:
    lines = [
        "Launching analysis for x", "a completed in 3 seconds", "b Processing algorithm warm-up request 3%", "kept",
        " in main.py: line 7", " in /a b/main.py: line 7", " in main.py: line 7 or so", "x in main.py: line 7",
    ]  # fmt: skip
    assert recording._comparable_lines(lines) == ["kept", " in algorithm: line 7", *lines[5:]]
    assert recording._comparable_lines(None) is MISSING
    assert recording._comparable_lines([]) == []


def test_printed_lines_are_split_at_the_longest_known_name() -> None:
    lines = [
        "Net Profit 1 %\r\n", "STATISTICS:: Net 2", "Alpha\r\n", "", "  \n", "Not Known 5", "Alphabet 6", "one",
        "Index SPX", "Of None \r\n", "Tab\t7",
    ]  # fmt: skip
    expected = {
        "Net Profit": "1 %", "Net": "2", "Alpha": "", "Not Known": "5", "Alphabet": "6", "one": "",
        "Index": "SPX", "Of None": "", "Tab\t7": "",
    }  # fmt: skip
    for names in (["Net Profit", "Net", "Alpha"], ["Net", "Alpha", "Net Profit"]):
        assert recording._named(lines, names) == expected


def test_printed_statistics(case: Path) -> None:
    assert compared(case, printed=(f"STATISTICS:: {line}" for line in LINES)) == []
    assert compared(case, printed={"Total Orders": "3.0", "Sharpe Ratio": "-8.830", "OrderListHash": "abc"}) == []
    assert compared(case, printed=LINES[:2]) == ["order list hash: expected 'abc', got (missing)"]
    assert compared(case, printed=[*LINES[1:2], "OrderListHash 1", "New 7"]) == [
        "order list hash: expected 'abc', got '1'",
        "printed statistics statistics.New: expected (missing), got '7'",
        "printed statistics statistics.Total Orders: expected '3', got (missing)",
    ]
    (case / "lean" / "statistics.txt").write_text("\n".join(LINES[:2]))
    assert compared(case) == ["order list hash: expected (missing), got 'abc'"]
    assert compared(case, printed=LINES[:2]) == []
    (case / "lean" / "statistics.txt").write_bytes(b"Alpha \xff")
    with pytest.raises(DamagedError, match=r"statistics\.txt: is not UTF-8 \('utf-8' codec can't decode byte 0xff"):
        compared(case)
    (case / "lean" / "statistics.txt").unlink()
    with pytest.raises(InputError, match=r"statistics\.txt: cannot be read \(No such file or directory\)$"):
        compared(case)


def test_a_printed_name_that_begins_with_another_is_taken_whole(case: Path) -> None:
    """The recording has lines, the engine gives names: they meet only when the lines are split where Lean meant it."""
    statistics = {"Net": "é 2", "Net Profit": "1 %", "Alpha": "0"}
    sections = document(statistics=statistics)
    write_lean(case / "lean", sections=sections)
    lines = [f"{name} {value}" for name, value in statistics.items()]
    (case / "lean" / "statistics.txt").write_text("\n".join([*lines, HASH]), encoding="utf-8")
    assert compared(case, printed={**statistics, "OrderListHash": "abc"}, sections=sections) == []


def test_twenty_differences_of_an_artifact_are_listed(case: Path) -> None:
    sections = document(orders=30)
    (case / "lean" / "Algo.json").write_text(json.dumps(sections))
    twenty = json.loads(json.dumps(sections))
    for number in range(1, 21):
        twenty["orders"][str(number)]["price"] = 1
    assert len(compared(case, sections=twenty)) == 20
    twenty["orders"]["21"]["price"] = 1
    found = compared(case, sections=twenty)
    assert len(found) == 21
    assert found[-1] == "orders ...: expected 'the same', got 'more differences, not listed'"


def test_results_and_recordings_that_cannot_be_read(case: Path, tmp_path: Path) -> None:
    found = compare_with_recording(case, tmp_path / "none", 3, LINES)
    assert [(one.artifact, one.path, one.expected) for one in found] == [
        ("results", str(tmp_path / "none"), "readable results")
    ]
    assert isinstance(found[0], ArtifactDifference)
    assert str(tmp_path / "none") in found[0].actual
    events = write_lean(tmp_path / "damaged") / "Algo-order-events.json"
    events.write_text("[{]")
    damaged = compare_with_recording(case, events.parent, 3, LINES)
    assert [(one.artifact, one.actual.startswith(f"{events}: JSON is malformed")) for one in damaged] == [
        ("results", True)
    ]
    events.unlink()
    events.mkdir()
    assert [str(events) in one.actual for one in compare_with_recording(case, events.parent, 3, LINES)] == [True]
    file = case / "recording.json"
    for text in ("{", "[]", "{}", '{"class": "Algo"}', '{"exit_code": 1}', '{"class": "Algo", "exit_code": "x"}'):
        file.write_text(text)
        with pytest.raises(DamagedError, match=rf"{file}: not a recording \(.+\)$"):
            compared(case)
    file.unlink()
    with pytest.raises(InputError, match=rf"{file}: cannot be read \(No such file or directory\); give a recording's"):
        compared(case)


def test_results_under_another_id_are_taken(case: Path) -> None:
    assert compared(case, result_id="9876", events=[order_event(1, 1, "9876"), order_event(1, 2, "9876")]) == []
    (case.parent / "results" / "Algo.json").write_text("{}")
    found = compare_with_recording(case, case.parent / "results", 3, LINES)
    assert "statistics statistics: expected" in " ".join(map(str, found)) or found[0].artifact == "order events"
