import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import DamagedError
from harness.parity import event_stream
from harness.parity.diff import ParityReport, diff_results
from harness.parity.rules import ParityRules
from harness.results.baseline import load_baseline, save_baseline
from harness.results.lean_results import LeanResults
from harness.results.paths import show_path
from tests.results.lean_folder import document, order_event, write_lean


def events(count: int, algorithm_id: str = "Algo") -> list[dict[str, Any]]:
    return [order_event(number // 2 + 1, number % 2 + 1, algorithm_id) for number in range(count)]


def diff(left: Path, right: Path, rules: ParityRules | None = None) -> ParityReport:
    return diff_results(LeanResults(left), LeanResults(right), rules)


def paths(report: ParityReport) -> list[str]:
    return [show_path(one.path) for one in report.differences]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of a few events, so that every seam between them is crossed."""
    monkeypatch.setattr(event_stream, "BLOCK_BYTES", 1500)


def test_equal_results_are_identical(tmp_path: Path) -> None:
    left = write_lean(tmp_path / "a", events=events(50))
    report = diff(left, write_lean(tmp_path / "b", events=events(50)))
    assert report.identical
    assert report.summary_line == "identical: 50 order events and every compared figure"
    assert report.order_event_count == (50, 50)
    assert report.first_difference is None
    assert diff(left, left).identical


def test_the_first_differing_event_comes_with_its_neighbours(tmp_path: Path) -> None:
    changed = events(50)
    changed[31] = {**changed[31], "fillPrice": 318.34, "fillQuantity": 99.0}
    changed[40] = {**changed[40], "quantity": 1.0}
    report = diff(write_lean(tmp_path / "a", events=events(50)), write_lean(tmp_path / "b", events=changed))
    assert not report.identical
    assert report.differing_event_count == 2
    first = report.first_difference
    assert first is not None
    assert first.index == 31
    assert first.left is not None
    assert (first.left["orderId"], first.left["orderEventId"]) == (16, 2)
    assert [str(one) for one in first.fields] == [
        "orderEvents[31].fillPrice: 318.33 | 318.34",
        "orderEvents[31].fillQuantity: 100.0 | 99.0",
    ]
    assert [event["orderId"] for event in first.before] == [15, 16]
    assert [event["orderId"] for event in first.left_after] == [17, 17]
    assert [one.index for one in report.event_differences] == [31, 40]
    assert "2 of 50 order events differ, the first is number 32 (fillPrice 318.33 | 318.34" in report.summary_line


def test_the_edges_have_fewer_neighbours(tmp_path: Path) -> None:
    for index in (0, 9):
        changed = events(10)
        changed[index] = {**changed[index], "quantity": 1.0}
        first = diff(
            write_lean(tmp_path / "a", events=events(10)), write_lean(tmp_path / "b", events=changed)
        ).first_difference
        assert first is not None
        assert first.index == index
        assert (len(first.before), len(first.left_after)) == ((0, 2) if index == 0 else (2, 0))


@pytest.mark.parametrize("longer", ["left", "right"])
def test_extra_events_are_differences(tmp_path: Path, longer: str) -> None:
    sizes = (50, 47) if longer == "left" else (47, 50)
    left = write_lean(tmp_path / "a", events=events(sizes[0]))
    report = diff(left, write_lean(tmp_path / "b", events=events(sizes[1])))
    assert report.order_event_count == sizes
    assert report.differing_event_count == 3
    first = report.first_difference
    assert first is not None
    assert first.index == 47
    assert (first.left is None) == (longer == "right")
    assert f"only on the {longer}" in report.summary_line


def test_comparing_stops_when_everything_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "COUNTED_EVENTS", 30)
    changed = [{**event, "quantity": 1.0} for event in events(70)]
    left, right = write_lean(tmp_path / "a", events=events(80)), write_lean(tmp_path / "b", events=changed)
    report = diff(left, right)
    assert report.more_differing_events
    assert 30 <= report.differing_event_count < 70
    assert report.order_event_count == (80, 70)
    assert report.summary_line.startswith(
        f"different: at least {report.differing_event_count} of 80 and 70 order events"
    )
    file = right / "Algo-order-events.json"
    file.write_text(file.read_text().replace('"orderId":34,', '"orderId":,'))
    with pytest.raises(DamagedError, match=str(file)):
        diff(left, right)


def test_damage_in_the_middle_names_its_file(tmp_path: Path) -> None:
    left, right = write_lean(tmp_path / "a", events=events(40)), write_lean(tmp_path / "b", events=events(40))
    for folder in (left, right):
        file = folder / "Algo-order-events.json"
        stored = file.read_text()
        file.write_text(stored.replace('"orderId":14,', '"orderId":,', 1))
        with pytest.raises(DamagedError, match=str(file)):
            diff(left, right)
        file.write_text(stored)


def test_numbers_are_compared_as_decimals(tmp_path: Path) -> None:
    left, right = write_lean(tmp_path / "a", events=events(20)), write_lean(tmp_path / "b", events=events(20))
    file = right / "Algo-order-events.json"
    file.write_text(file.read_text().replace("100.0", "100").replace("318.33", "318.3300").replace(":0.0,", ":-0,"))
    assert diff(left, right).identical
    file.write_text(file.read_text().replace("318.3300", "318.33000000000000000001", 1))
    assert diff(left, right).differing_event_count == 1


def test_another_algorithm_id_is_no_difference_but_another_message_is(tmp_path: Path) -> None:
    left = write_lean(tmp_path / "a", "Algo", events=events(50))
    right = write_lean(tmp_path / "b", "1234567890", events=events(50, "1234567890"))
    assert diff(left, right).identical
    file = right / "1234567890-order-events.json"
    stored = file.read_text()
    file.write_text(stored.replace('"orderId":20,', '"message":"1234567890","orderId":20,'))
    left_file = left / "Algo-order-events.json"
    left_file.write_text(left_file.read_text().replace('"orderId":20,', '"message":"Algo","orderId":20,'))
    report = diff(left, right)
    assert report.differing_event_count == 2
    ids = ParityRules(ignored=())
    assert diff(left, left, ids).identical
    assert not diff(left, right, ids).identical


def test_an_unknown_field_counts(tmp_path: Path) -> None:
    changed = events(10)
    changed[4]["trailingAmount"] = 1.5
    report = diff(write_lean(tmp_path / "a", events=events(10)), write_lean(tmp_path / "b", events=changed))
    assert report.differing_event_count == 1
    assert report.first_difference is not None
    assert [str(one) for one in report.first_difference.fields] == ["orderEvents[4].trailingAmount: (missing) | 1.5"]
    explicit = events(10)
    explicit[4]["isInTheMoney"] = False
    report = diff(tmp_path / "a", write_lean(tmp_path / "c", events=explicit))
    assert report.differing_event_count == 1


@pytest.mark.parametrize("indent", [None, 1])
def test_another_layout_of_the_file_is_read_whole(tmp_path: Path, indent: int | None) -> None:
    left, right = write_lean(tmp_path / "a", events=events(10)), write_lean(tmp_path / "b", events=events(10))
    changed = events(10)
    (right / "Algo-order-events.json").write_text(json.dumps(changed, indent=indent))
    assert diff(left, right).identical
    changed[3]["quantity"] = 1.0
    (right / "Algo-order-events.json").write_text(json.dumps(changed, indent=indent))
    report = diff(left, right)
    assert report.differing_event_count == 1
    assert report.first_difference is not None
    assert len(report.first_difference.right_after) == 2


def test_a_missing_file_is_not_an_empty_one(tmp_path: Path) -> None:
    empty = document(orders=0)
    missing = write_lean(tmp_path / "missing", sections=empty, events=None)
    nothing = write_lean(tmp_path / "nothing", sections=empty, events=[])
    allowed = ParityRules(allow_zero_orders=True)
    report = diff(missing, nothing, allowed)
    assert not report.identical
    assert report.order_event_count == (None, 0)
    assert paths(report) == ["orderEvents"]
    assert diff(missing, missing, allowed).identical
    assert diff(nothing, nothing, allowed).identical
    assert diff(missing, missing).problems[0].startswith("neither backtest has an order event")
    assert not diff(nothing, nothing).identical


def test_orders_without_an_order_events_file_are_no_pass(tmp_path: Path) -> None:
    folder = write_lean(tmp_path / "a", events=None)
    report = diff(folder, folder, ParityRules(allow_zero_orders=True))
    assert not report.identical
    assert "3 orders but no order-events file" in report.problems[0]


def test_a_half_written_file_is_named(tmp_path: Path) -> None:
    left, right = write_lean(tmp_path / "a", events=events(20)), write_lean(tmp_path / "b", events=events(20))
    for folder in (left, right):
        file = folder / "Algo-order-events.json"
        stored = file.read_bytes()
        file.write_bytes(stored[:-40])
        with pytest.raises(DamagedError, match=str(file)):
            diff(left, right)
        file.write_bytes(stored)
    for folder in (left, right):  # equal and broken is still broken
        file = folder / "Algo-order-events.json"
        file.write_bytes(file.read_bytes().replace(b'"orderId":4,', b'"orderId":,'))
    with pytest.raises(DamagedError, match="Algo-order-events"):
        diff(left, right)


def test_every_differing_figure_is_listed(tmp_path: Path) -> None:
    changed = document()
    changed["statistics"]["Sharpe Ratio"] = "-8.84"
    changed["orders"]["2"]["price"] = 318.34
    changed["totalPerformance"]["closedTrades"][0]["id"] = "another"
    changed["totalPerformance"]["closedTrades"][0]["profitLoss"] = -276
    changed["charts"]["Strategy Equity"]["series"]["Equity"]["values"][1][4] = 2
    changed["state"]["StartTime"] = "2027-01-01T00:00:00Z"
    changed["state"]["Status"] = "RuntimeError"
    changed["serverStatistics"]["Hostname"] = "other"
    del changed["profitLoss"]
    report = diff(write_lean(tmp_path / "a"), write_lean(tmp_path / "b", sections=changed, indent=None))
    assert paths(report) == [
        "statistics.Sharpe Ratio",
        "state.Status",
        "totalPerformance.closedTrades[0].profitLoss",
        "profitLoss",
        "orders.2.price",
        "charts.Strategy Equity.series.Equity.values[1][4]",
    ]
    assert report.differing_event_count == 0
    plain = report.to_dict()
    assert plain["differences"][0] == {
        "path": "statistics.Sharpe Ratio",
        "left": "-8.83",
        "right": "-8.84",
        "left_missing": False,
        "right_missing": False,
    }
    assert plain["differences"][3]["right_missing"] is True
    json.dumps(plain)


def test_large_sections_are_compared_part_by_part(tmp_path: Path) -> None:
    big, other = document(orders=2000), document(orders=2000)
    other["orders"]["1234"]["price"] = 1
    other["totalPerformance"]["closedTrades"] *= 1500
    big["totalPerformance"]["closedTrades"] *= 1499
    report = diff(write_lean(tmp_path / "a", sections=big), write_lean(tmp_path / "b", sections=other))
    assert paths(report) == ["totalPerformance.closedTrades[1499]", "orders.1234.price"]


def test_the_limit_holds_for_each_section(tmp_path: Path) -> None:
    other = document(orders=500)
    for order in other["orders"].values():
        order["price"] = 1
    other["statistics"]["Sharpe Ratio"] = "0"
    other["profitLoss"] = {}
    left = write_lean(tmp_path / "a", sections=document(orders=500))
    report = diff(left, write_lean(tmp_path / "b", sections=other), ParityRules(maximum_listed=5))
    assert paths(report) == ["statistics.Sharpe Ratio", "profitLoss.2025-10-06T15:30:00Z"] + [
        f"orders.{number}.price" for number in range(1, 6)
    ]
    assert report.more_differences
    assert "at least 7 figures differ" in report.summary_line


def test_tolerances_are_shown_when_used(tmp_path: Path) -> None:
    changed = events(50)
    for event in changed[1::2]:
        event["fillPrice"] = 318.3300001
    left = write_lean(tmp_path / "a", events=events(50))
    right = write_lean(tmp_path / "b", events=changed)
    assert diff(left, right).differing_event_count == 25
    rules = ParityRules.from_settings({"tolerances": {"orderEvents[].fillPrice": "0.000001"}})
    report = diff(left, right, rules)
    assert report.identical
    assert report.tolerances_used == ("orderEvents[].fillPrice ± 0.000001 (25 values)",)
    assert report.summary_line.startswith("identical within 1 tolerance: ")
    assert diff(left, left, rules).tolerances_used == ()


def test_a_stored_baseline_is_compared_like_a_folder(tmp_path: Path) -> None:
    left = write_lean(tmp_path / "a", events=events(50))
    save_baseline(tmp_path / "default.json", {}, left)
    stored = load_baseline(tmp_path / "default.json").results
    assert diff_results(stored, LeanResults(left)).identical
    changed = events(50)
    changed[7]["quantity"] = 5.0
    report = diff_results(stored, LeanResults(write_lean(tmp_path / "b", events=changed)))
    assert report.first_difference is not None
    assert report.first_difference.index == 7
    assert len(report.first_difference.before) == 2


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_streaming_finds_what_a_plain_comparison_finds(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    count = data.draw(st.integers(1, 40))
    left = events(count)
    right = [dict(event) for event in left]
    for index in data.draw(st.lists(st.integers(0, count - 1), max_size=4)):
        field = data.draw(st.sampled_from(["quantity", "fillPrice", "status", "message"]))
        right[index][field] = (
            data.draw(st.sampled_from([100.0, 7.25, "x" * 300, '},{"id":"y'])) if field != "status" else "canceled"
        )
    for _ in range(data.draw(st.integers(0, 2))):
        if right and data.draw(st.booleans()):
            right.pop(data.draw(st.integers(0, len(right) - 1)))
        else:
            right.insert(data.draw(st.integers(0, len(right))), order_event(99, 1))
    folder = tmp_path_factory.mktemp("events")
    before, event_stream.BLOCK_BYTES = event_stream.BLOCK_BYTES, data.draw(st.sampled_from([400, 1000, 5000]))
    try:
        report = diff(
            write_lean(folder / "a", events=left),
            write_lean(folder / "b", events=right),
            ParityRules(allow_zero_orders=True),
        )
    finally:
        event_stream.BLOCK_BYTES = before
    pairs = [(a, b) for a, b in zip(left, right, strict=False)]
    differing = [index for index, (a, b) in enumerate(pairs) if a != b] + list(
        range(min(len(left), len(right)), max(len(left), len(right)))
    )
    assert report.order_event_count == (len(left), len(right))
    assert report.differing_event_count == len(differing)
    assert (report.first_difference.index if report.first_difference else None) == (differing[0] if differing else None)


@pytest.mark.recordings
def test_real_lean_against_itself(shared: Path) -> None:
    """Two runs of the real engine, one of them of a whole folder, are identical by the rules."""
    recorded = LeanResults(shared / "conformance" / "market_minute" / "lean")
    again = LeanResults(shared / "lean-runs" / "ok" / "results")
    report = diff_results(recorded, again)
    assert report.identical, report.summary_line
    assert report.order_event_count == (24, 24)
    other = diff_results(recorded, LeanResults(shared / "conformance" / "market_second" / "lean"))
    assert not other.identical
