import json
import os
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from harness.errors import DamagedError, InputError
from harness.results import lean_results
from harness.results.lean_results import DataRequests, LeanResults, find_result_ids, result_ids_among
from tests.results.lean_folder import document, order_event, write_lean


def test_every_part_is_read(tmp_path: Path) -> None:
    results = LeanResults(write_lean(tmp_path))
    assert results.result_id == "Algo"
    assert results.status == "Completed"
    assert results.runtime_error == ""
    assert results.statistics["Sharpe Ratio"] == "-8.83"
    assert results.runtime_statistics == {"Equity": "$99,119.75"}
    assert [order.id for order in results.orders] == [1, 2, 3]
    assert results.orders[0].price == Decimal("318.33")
    assert results.orders[0].symbol.value == "ALFA"
    assert results.closed_trades[0].profit_loss == Decimal(-275)
    assert results.performance.trade_statistics == {"totalProfitLoss": "-867.50"}
    assert results.charts["Strategy Equity"].series["Equity"].values[0] == [1759723200, 1.0, 2.0, 0.5, 1.5]
    assert results.profit_loss == {"2025-10-06T15:30:00Z": Decimal("-324.5")}
    assert results.log_lines == ["2025-10-06 16:00:00 hello"]
    assert results.order_events is not None
    assert [event.key for event in results.order_events] == [(1, 1), (1, 2)]
    assert results.order_events[1].fill_price == Decimal("318.33")
    assert results.data_requests is None


def test_missing_is_not_empty(tmp_path: Path) -> None:
    missing = LeanResults(write_lean(tmp_path / "a", events=None, log=None))
    assert missing.order_events is None
    assert missing.order_events_path is None
    assert missing.log_lines is None
    assert missing.stages is None
    empty = LeanResults(write_lean(tmp_path / "b", events=[], log=""))
    assert empty.order_events == []
    assert empty.log_lines == []


def test_stage_timings_come_from_the_log(tmp_path: Path) -> None:
    stages = {"stages": {"data": {"wall_ns": 5, "cpu_ns": 4, "count": 2, "longest_ns": 3}}, "total_wall_ns": 9}
    log = (
        f"2025-10-08 16:00:00 text about HARNESS_STAGES\n2025-10-08 16:00:00 HARNESS_STAGES {json.dumps(stages)}\nend\n"
    )
    assert LeanResults(write_lean(tmp_path / "a", log=log)).stages == stages
    with pytest.raises(DamagedError, match="HARNESS_STAGES"):
        _ = LeanResults(write_lean(tmp_path / "b", log='x HARNESS_STAGES {"stages": {\n')).stages


def test_the_set_is_found_among_other_files(tmp_path: Path) -> None:
    write_lean(tmp_path)
    (tmp_path / "data-monitor-report-20261120221137271.json").write_text(
        '{"succeeded-data-requests-count":9,"failed-data-requests-count":2}'
    )
    (tmp_path / "failed-data-requests-20261120221134696.txt").write_text("/b\n/a\n")
    (tmp_path / "config.json").write_text("{}")
    requests = LeanResults(tmp_path).data_requests
    assert requests is not None
    assert (requests.succeeded, requests.failed, requests.failed_paths) == (9, 2, ("/a", "/b"))


def test_several_sets_need_a_name(tmp_path: Path) -> None:
    write_lean(tmp_path, "One")
    write_lean(tmp_path, "Two", sections=document(orders=1))
    assert find_result_ids(tmp_path) == ["One", "Two"]
    with pytest.raises(InputError, match="One, Two"):
        LeanResults(tmp_path)
    assert len(LeanResults(tmp_path, "Two").orders) == 1


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        LeanResults(tmp_path / "none")
    with pytest.raises(InputError, match="no Lean result"):
        LeanResults(tmp_path)
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(InputError, match="is a file"):
        LeanResults(file)


def test_a_half_written_result_is_named(tmp_path: Path) -> None:
    write_lean(tmp_path)
    text = (tmp_path / "Algo.json").read_text()
    (tmp_path / "Algo.json").write_text(text[: len(text) // 2])
    with pytest.raises(DamagedError, match=r"Algo\.json"):
        _ = LeanResults(tmp_path).statistics
    events = tmp_path / "Algo-order-events.json"
    events.write_text(events.read_text()[:-20])
    with pytest.raises(DamagedError, match="Algo-order-events"):
        _ = LeanResults(tmp_path).order_events


def test_a_section_of_another_shape_is_named(tmp_path: Path) -> None:
    write_lean(tmp_path, sections={"statistics": [1], "orders": {"1": {"id": "one"}}})
    with pytest.raises(DamagedError, match="'statistics'"):
        _ = LeanResults(tmp_path).statistics
    with pytest.raises(DamagedError, match="'orders'"):
        _ = LeanResults(tmp_path).orders


def test_null_sections_are_empty(tmp_path: Path) -> None:
    write_lean(tmp_path, sections={"statistics": None, "orders": None, "totalPerformance": None, "charts": None})
    results = LeanResults(tmp_path)
    assert (results.statistics, results.orders, results.closed_trades, results.charts) == ({}, [], [], {})


def test_unknown_fields_do_not_disturb(tmp_path: Path) -> None:
    write_lean(tmp_path, events=[order_event(1, 1, somethingNew=1)])
    events = LeanResults(tmp_path).order_events
    assert events is not None
    assert events[0].order_id == 1


@pytest.mark.recordings
def test_recordings_of_real_lean_are_read_whole(shared: Path) -> None:
    for recording in sorted((shared / "conformance").glob("*/recording.json")):
        expected = json.loads(recording.read_text())
        results = LeanResults(recording.parent / "lean")
        assert results.result_id == expected["class"]
        assert results.status == expected["status"]
        assert results.runtime_error == expected["runtime_error"]
        assert len(results.orders) == int(results.state["OrderCount"])
        plain = json.loads(results.path.read_text())
        assert len(results.closed_trades) == len(plain["totalPerformance"]["closedTrades"])
        assert set(results.charts) == set(plain["charts"])
        assert (results.order_events is None) == (results.state["OrderCount"] == "0")


@pytest.mark.recordings
def test_whole_folders_of_real_lean_are_read(shared: Path) -> None:
    sample = LeanResults(shared / "lean-runs" / "perf_sample" / "results")
    assert sample.stages == {"stages": {"data": {"wall_ns": 1}}}
    assert sample.data_requests is not None
    assert (sample.data_requests.succeeded, sample.data_requests.failed) == (9, 12)
    assert "/equity/usa/second/zulu/20251006_trade.zip" in sample.data_requests.failed_paths
    assert "Performance" in sample.charts
    with pytest.raises(InputError, match="no Lean result"):
        LeanResults(shared / "lean-runs" / "no_such_file" / "results")


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ({"A-summary.json"}, ["A"]),
        ({"B-order-events.json", "A-order-events.json", "B.json"}, ["A", "B"]),
        ({"A-log.txt", "A.json", "other.json"}, ["A"]),
        ({"A-log.txt", "other.json"}, ["other"]),
        ({"b.json", "a.json", "x.txt"}, ["a", "b"]),
        ({"-summary.json"}, []),
        (set(), []),
    ],
)
def test_which_results_are_among_files(names: set[str], found: list[str]) -> None:
    assert result_ids_among(names) == found


# ------------------------------------------------------------------------------------------- what is said


def told(kind: type[Exception], words: str, use: Callable[[], object]) -> None:
    with pytest.raises(kind, match=f"^{re.escape(words)}$"):
        use()


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told(InputError, f"{tmp_path / 'none'}: no such folder", lambda: LeanResults(tmp_path / "none"))
    words = f"{tmp_path}: no Lean result in it (no <id>.json with its -summary.json beside it)"
    told(InputError, words, lambda: LeanResults(tmp_path))
    (tmp_path / "file").write_text("")
    words = f"{tmp_path / 'file'}: is a file, not a results folder; give the folder that holds it"
    told(InputError, words, lambda: LeanResults(tmp_path / "file"))
    long = tmp_path / ("x" * 300)
    told(InputError, f"{long}: cannot be read (File name too long)", lambda: find_result_ids(long))

    def without_a_number(folder: Path) -> None:
        raise OSError("not of the operating system")

    monkeypatch.setattr(os, "scandir", without_a_number)
    told(InputError, f"{tmp_path}: cannot be read (not of the operating system)", lambda: find_result_ids(tmp_path))


def test_of_many_sets_five_are_named(tmp_path: Path) -> None:
    for name in "abcdef":
        write_lean(tmp_path, name)
    told(InputError, f"{tmp_path}: 6 results in it (a, b, c, d, e); name one of them", lambda: LeanResults(tmp_path))
    assert repr(LeanResults(tmp_path, "b")) == f"LeanResults({str(tmp_path)!r}, 'b')"


def test_a_summary_alone_stands_for_the_result(tmp_path: Path) -> None:
    write_lean(tmp_path, events=None, log=None)
    (tmp_path / "Algo.json").unlink()
    results = LeanResults(tmp_path)
    assert results.document.path == results.summary_path == tmp_path / "Algo-summary.json"
    assert results.statistics == document()["statistics"]
    assert results.runtime_statistics == results.state == results.algorithm_configuration == {}
    assert (results.orders, results.closed_trades, results.charts, results.profit_loss) == ([], [], {}, {})
    assert (results.section("orders"), results.status, results.runtime_error) == (None, "", "")


def test_a_section_is_floats_unless_decimals_are_asked_for(tmp_path: Path) -> None:
    results = LeanResults(write_lean(tmp_path, sections={"a": {"b": 1.5}}))
    for plain in (results.section("a"), results.section("a", exact=False)):
        assert type(plain["b"]) is float
    assert type(results.section("a", exact=True)["b"]) is Decimal
    assert results.section("b") is None
    words = f"{tmp_path / 'Algo.json'}, section 'statistics': is a list, not an object"
    broken = LeanResults(write_lean(tmp_path, sections={"statistics": [1]}))
    told(DamagedError, words, lambda: broken.statistics)


def test_only_a_large_document_keeps_its_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_lean(tmp_path)
    size = (tmp_path / "Algo.json").stat().st_size
    for least, kept in ((size + 1, False), (size, True)):
        monkeypatch.setattr(lean_results, "INDEX_FROM_BYTES", least)
        assert LeanResults(tmp_path).statistics
        assert (tmp_path / ".harness-cache" / "Algo.json.index").exists() is kept


def test_order_events_and_log_that_cannot_be_read_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = LeanResults(write_lean(tmp_path, events=None, log=None))
    told(InputError, f"{tmp_path}: no Algo-order-events.json in it", results.open_order_events)
    events, log = tmp_path / "Algo-order-events.json", tmp_path / "Algo-log.txt"
    events.mkdir()
    log.mkdir()
    told(InputError, f"{events}: cannot be read (Is a directory)", results.open_order_events)
    told(InputError, f"{events}: cannot be read (Is a directory)", lambda: results.order_events)
    told(InputError, f"{log}: cannot be read (Is a directory)", lambda: results.log_lines)

    def without_a_number(*_: object, **__: object) -> None:
        raise OSError("not of the operating system")

    monkeypatch.setattr(Path, "open", without_a_number)
    told(InputError, f"{events}: cannot be read (not of the operating system)", results.open_order_events)


def test_lines_of_a_log(tmp_path: Path) -> None:
    for text, lines in (("a\n\nb\n", ["a", "", "b"]), ("a\nb", ["a", "b"]), ("\n", [""]), ("", [])):
        assert LeanResults(write_lean(tmp_path, log=text)).log_lines == lines
    (tmp_path / "Algo-log.txt").write_bytes(b"a\xff\n")
    assert LeanResults(tmp_path).log_lines == ["a\ufffd"]
    assert LeanResults(tmp_path).stages is None
    assert LeanResults(write_lean(tmp_path, log='x HARNESS_STAGES {"a": 1}\nx HARNESS_STAGES {"a": 2}\n')).stages == {
        "a": 2
    }


def test_data_requests_are_those_of_the_latest_report(tmp_path: Path) -> None:
    write_lean(tmp_path)
    for number in (1, 2):
        (tmp_path / f"data-monitor-report-{number}.json").write_text(
            json.dumps({"succeeded-data-requests-count": number, "failed-data-requests-count": 0})
        )
    assert LeanResults(tmp_path).data_requests == DataRequests(2, 0, ())
    for number in (1, 2):
        (tmp_path / f"failed-data-requests-{number}.txt").write_text(f"/b{number}\n\n/a\n")
    assert LeanResults(tmp_path).data_requests == DataRequests(2, 0, ("/a", "/b2"))
    report = tmp_path / "data-monitor-report-3.json"
    report.write_text("{}")
    words = f"{report}: not a data monitor report ('succeeded-data-requests-count')"
    told(DamagedError, words, lambda: LeanResults(tmp_path).data_requests)
