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
    names = sorted(["Net Profit", "Net", "Alpha"], key=len, reverse=True)
    lines = ["Net Profit 1 %\r\n", "STATISTICS:: Net 2", "Alpha", "", "  \n", "Not Known 5", "Alphabet 6", "one"]
    assert recording._named(lines, names) == {
        "Net Profit": "1 %", "Net": "2", "Alpha": "", "Not Known": "5", "Alphabet": "6", "one": "",
    }  # fmt: skip


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
    (case / "lean" / "statistics.txt").unlink()
    with pytest.raises(InputError, match=r"statistics\.txt: cannot be read \(No such file or directory\)$"):
        compared(case)


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
