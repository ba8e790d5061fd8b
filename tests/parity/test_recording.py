import json
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from harness.errors import DamagedError, InputError
from harness.parity.recording import ArtifactDifference, compare_with_recording

pytestmark = pytest.mark.recordings


def cases(shared: Path) -> list[Path]:
    return [path.parent for path in sorted((shared / "conformance").glob("*/recording.json"))]


def compare(case: Path, results: Path, exit_code: int | None = None, printed: Any = None) -> list[ArtifactDifference]:
    recording = json.loads((case / "recording.json").read_text())
    lines = (case / "lean" / "statistics.txt").read_text().splitlines() if printed is None else printed
    return compare_with_recording(case, results, recording["exit_code"] if exit_code is None else exit_code, lines)


@pytest.fixture
def copy(shared: Path, tmp_path: Path) -> Path:
    """A writable copy of what real Lean left for market_minute."""
    target = tmp_path / "lean"
    shutil.copytree(shared / "conformance" / "market_minute" / "lean", target)
    for path in [target, *target.iterdir()]:
        path.chmod(0o755)
    return target


def test_every_recording_equals_itself(shared: Path) -> None:
    assert len(cases(shared)) >= 60
    for case in cases(shared):
        assert compare(case, case / "lean") == []


def test_no_recording_equals_another(shared: Path) -> None:
    folders = cases(shared)
    for case, other in pairwise(folders):
        found = compare(case, other / "lean")
        assert {one.artifact for one in found} & {"order events", "statistics", "log", "charts"}


def edit_document(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        path = folder / "MarketMinute.json"
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))

    return edit


def edit_text(name: str, old: str, new: str) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        path = folder / f"MarketMinute{name}"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    return edit


@pytest.mark.parametrize(
    ("plant", "artifact", "path"),
    [
        (
            edit_text("-order-events.json", '"fillPrice":318.33', '"fillPrice":318.34'),
            "order events",
            "orderEvents[1].fillPrice",
        ),
        (edit_text("-order-events.json", '"isAssignment":false,', ""), "order events", "orderEvents[0].isAssignment"),
        (edit_text("-log.txt", "EOD 2025-10-06 16:00:00 318.66", "EOD 2025-10-06 16:00:00 318.67"), "log", "line[0]"),
        (edit_document(lambda d: d["orders"]["3"].update(tag="other")), "orders", "orders.3.tag"),
        (edit_document(lambda d: d["orders"].pop("12")), "orders", "orders.12"),
        (
            edit_document(lambda d: d["statistics"].update({"Sharpe Ratio": "-8.84"})),
            "statistics",
            "statistics.Sharpe Ratio",
        ),
        (
            edit_document(lambda d: d["runtimeStatistics"].update(Fees="-$12.76")),
            "runtime statistics",
            "runtimeStatistics.Fees",
        ),
        (edit_document(lambda d: d["profitLoss"].popitem()), "profit and loss", "profitLoss.2025-10-08T18:45:00Z"),
        (
            edit_document(lambda d: d["totalPerformance"]["tradeStatistics"].update(totalFees="1")),
            "trade statistics",
            "totalPerformance.tradeStatistics.totalFees",
        ),
        (
            edit_document(lambda d: d["totalPerformance"]["portfolioStatistics"].update(beta="0.6231")),
            "portfolio statistics",
            "totalPerformance.portfolioStatistics.beta",
        ),
        (
            edit_document(lambda d: d["totalPerformance"]["closedTrades"][0].update(mae=0)),
            "closed trades",
            "totalPerformance.closedTrades[0].mae",
        ),
        (
            edit_document(
                lambda d: d["charts"]["Drawdown"]["series"]["Equity Drawdown"]["values"][1].__setitem__(1, -0.33)
            ),
            "charts",
            "charts.Drawdown.series.Equity Drawdown.values[1][1]",
        ),
        (edit_document(lambda d: d["charts"].pop("Capacity")), "charts", "charts.Capacity"),
        (edit_document(lambda d: d["charts"].update(Mine={"name": "Mine"})), "charts", "charts.Mine"),
        (edit_document(lambda d: d["state"].update(Status="RuntimeError")), "state", "state.Status"),
        (edit_document(lambda d: d["state"].update(OrderCount="13")), "state", "state.OrderCount"),
        (edit_document(lambda d: d["state"].update(RuntimeError="broken\n at x")), "state", "state.RuntimeError"),
    ],
)
def test_a_planted_difference_is_named(
    shared: Path, copy: Path, plant: Callable[[Path], None], artifact: str, path: str
) -> None:
    plant(copy)
    found = compare(shared / "conformance" / "market_minute", copy)
    assert [(one.artifact, one.path) for one in found] == [(artifact, path)]
    assert found[0].expected != found[0].actual


def test_what_may_vary_does_not_count(shared: Path, copy: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        content["state"].update(
            StartTime="x", EndTime="y", Hostname="z", Name="n", LogCount="99", RuntimeError="\nonly below"
        )
        content["serverStatistics"] = {}
        content["analysis"] = []
        content["algorithmConfiguration"] = {}
        content["rollingWindow"] = {}
        content["charts"]["Portfolio Margin"]["series"] = {"x": {}}
        for order in content["orders"].values():
            order["brokerId"] = ["other"]
        for trade in content["totalPerformance"]["closedTrades"]:
            trade["id"] = "random"

    edit_document(change)(copy)
    edit_text("-log.txt", "completed in 0.25 seconds", "completed in 9.99 seconds")(copy)
    edit_text("-order-events.json", "", "")(copy)
    events = copy / "MarketMinute-order-events.json"
    events.write_text(events.read_text().replace("MarketMinute", "1234567890").replace("100.0", "100"))
    assert compare(shared / "conformance" / "market_minute", copy) == []


def test_another_id_for_the_files_is_found(shared: Path, copy: Path) -> None:
    for path in copy.iterdir():
        path.rename(path.with_name(path.name.replace("MarketMinute", "1234567890")))
    assert compare(shared / "conformance" / "market_minute", copy) == []


def test_missing_order_events_are_not_none(shared: Path, copy: Path) -> None:
    (copy / "MarketMinute-order-events.json").unlink()
    found = compare(shared / "conformance" / "market_minute", copy)
    assert [(one.artifact, repr(one.actual)) for one in found] == [("order events", "(missing)")]
    init_error = shared / "conformance" / "init_error"
    events = copy / "InitErrorCase-order-events.json"
    for path in (init_error / "lean").iterdir():
        shutil.copy(path, copy)
    assert compare(init_error, copy) == []
    events.write_text("[]")
    assert [one.artifact for one in compare(init_error, copy)] == ["order events"]


def test_exit_code_and_printed_statistics(shared: Path) -> None:
    case = shared / "conformance" / "market_minute"
    assert [str(one) for one in compare(case, case / "lean", exit_code=1)] == ["exit code: expected 0, got 1"]
    lines = (case / "lean" / "statistics.txt").read_text().splitlines()
    assert compare(case, case / "lean", printed=[f"STATISTICS:: {line}" for line in lines]) == []
    statistics = json.loads((case / "lean" / "MarketMinute.json").read_text())["statistics"]
    digest = lines[-1].removeprefix("OrderListHash ")
    assert compare(case, case / "lean", printed={**statistics, "OrderListHash": digest}) == []
    found = compare(case, case / "lean", printed={**statistics, "OrderListHash": "0", "Beta": "1", "Extra": "2"})
    assert [(one.artifact, one.path) for one in found] == [
        ("order list hash", ""),
        ("printed statistics", "statistics.Beta"),
        ("printed statistics", "statistics.Extra"),
    ]
    assert [one.artifact for one in compare(case, case / "lean", printed=lines[:-1])] == ["order list hash"]


def test_results_that_cannot_be_read_are_a_difference(shared: Path, copy: Path, tmp_path: Path) -> None:
    case = shared / "conformance" / "market_minute"
    text = (copy / "MarketMinute.json").read_text()
    (copy / "MarketMinute.json").write_text(text[: len(text) // 2])
    found = compare(case, copy)
    assert [one.artifact for one in found] == ["results"]
    assert "half-written" in found[0].actual
    assert [one.artifact for one in compare(case, tmp_path / "none")] == ["results"]


def test_a_missing_or_damaged_recording_is_an_error(tmp_path: Path, copy: Path) -> None:
    with pytest.raises(InputError, match=r"recording\.json"):
        compare_with_recording(tmp_path, copy, 0, {})
    (tmp_path / "recording.json").write_text("{}")
    with pytest.raises(DamagedError, match="not a recording"):
        compare_with_recording(tmp_path, copy, 0, {})
