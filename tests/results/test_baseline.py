import errno
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import BusyError, DamagedError, HarnessError, InputError
from harness.results.baseline import BaselineExistsError, load_baseline, save_baseline
from harness.results.file_system import FileSystem, use_file_system
from harness.results.lean_results import LeanResults
from tests.results.lean_folder import document, order_event, write_lean

RECORD = {"medians": {"wall_s": 1.25}, "fingerprint": {"cpu": "one"}}


def test_a_baseline_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "baselines" / "default.json"
    folder = write_lean(tmp_path / "lean")
    assert save_baseline(path, RECORD, folder) == []
    names = sorted(file.name for file in path.parent.iterdir())
    assert names == ["default-order-events.json.gz", "default-result.json.gz", "default.json"]
    baseline = load_baseline(path)
    assert baseline.record == RECORD
    assert baseline.scenario == "default"
    assert baseline.order_event_count == 2
    assert baseline.summary["statistics"]["Sharpe Ratio"] == "-8.83"
    assert "StartTime" not in baseline.summary["state"]
    assert baseline.results.orders[0].id == 1
    assert baseline.results.order_events is not None
    with (folder / "Algo-order-events.json").open("rb") as original, baseline.results.open_order_events() as stored:
        assert stored.read() == original.read()


def test_its_bytes_depend_on_the_content_alone(tmp_path: Path) -> None:
    first, second = tmp_path / "a" / "default.json", tmp_path / "b" / "default.json"
    changed = document()
    changed["state"]["StartTime"] = "2027-01-01T00:00:00Z"
    changed["totalPerformance"]["closedTrades"][0]["id"] = "another"
    save_baseline(first, RECORD, write_lean(tmp_path / "one"))
    save_baseline(second, RECORD, write_lean(tmp_path / "two", sections=changed))
    for path in first.parent.iterdir():
        assert path.read_bytes() == (second.parent / path.name).read_bytes()


def test_it_is_not_overwritten_silently(tmp_path: Path) -> None:
    path = tmp_path / "default.json"
    save_baseline(path, RECORD, write_lean(tmp_path / "lean"))
    before = {file.name: file.read_bytes() for file in tmp_path.glob("default*")}
    assert save_baseline(path, RECORD, tmp_path / "lean") == []
    other = write_lean(tmp_path / "other", events=[order_event(1, 1)])
    with pytest.raises(BaselineExistsError, match=r"medians.wall_s: 1.25 -> 2.*--force") as raised:
        save_baseline(path, {**RECORD, "medians": {"wall_s": 2}}, other)
    assert {file.name: file.read_bytes() for file in tmp_path.glob("default*")} == before
    changes = save_baseline(path, {**RECORD, "medians": {"wall_s": 2}}, other, force=True)
    assert changes == raised.value.changes
    assert "order_event_count: 2 -> 1" in changes
    assert any(line.startswith("companions.order_events: sha256:") for line in changes)
    assert load_baseline(path).order_event_count == 1


def test_a_backtest_without_order_events_is_kept_apart_from_an_empty_one(tmp_path: Path) -> None:
    path = tmp_path / "default.json"
    save_baseline(path, {}, write_lean(tmp_path / "some"))
    save_baseline(path, {}, write_lean(tmp_path / "none", events=None), force=True)
    assert not (tmp_path / "default-order-events.json.gz").exists()
    assert load_baseline(path).results.order_events_path is None
    save_baseline(path, {}, write_lean(tmp_path / "empty", events=[]), force=True)
    assert load_baseline(path).order_event_count == 0
    assert load_baseline(path).results.order_events == []


def test_damage_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "default.json"
    with pytest.raises(InputError, match="no such file"):
        load_baseline(path)
    save_baseline(path, RECORD, write_lean(tmp_path / "lean"))
    for name in ("default-order-events.json.gz", "default-result.json.gz"):
        file = tmp_path / name
        stored = file.read_bytes()
        for changed in (stored[:-1], stored[:50] + b"x" + stored[51:], b""):
            file.write_bytes(changed)
            with pytest.raises(DamagedError, match=name):
                baseline = load_baseline(path).results
                _ = baseline.order_events, baseline.statistics
        file.unlink()
        with pytest.raises(DamagedError, match="is missing"):
            baseline = load_baseline(path).results
            _ = baseline.order_events, baseline.statistics
        file.write_bytes(stored)
    (tmp_path / "default-result.json.gz").unlink()
    changes = save_baseline(path, RECORD, tmp_path / "lean", force=True)
    assert "damaged" in changes[0]
    assert load_baseline(path).results.statistics["Total Orders"] == "3"


def test_every_bit_counts(tmp_path: Path) -> None:
    path = tmp_path / "default.json"
    save_baseline(path, RECORD, write_lean(tmp_path / "lean"))
    stored = content(path)
    source = random.Random(1)
    for file in sorted(tmp_path.glob("default*")):
        good = file.read_bytes()
        for _ in range(150):
            flipped = bytearray(good)
            flipped[source.randrange(len(good))] ^= 1 << source.randrange(8)
            file.write_bytes(flipped)
            try:
                assert content(path) == stored
            except DamagedError as error:
                assert "default" in str(error)
        file.write_bytes(good)


def test_two_writers_never_mix(tmp_path: Path) -> None:
    path = tmp_path / "baselines" / "default.json"
    code = (
        "import sys; from harness.results.baseline import save_baseline\n"
        "for n in range(8): save_baseline(sys.argv[1], {'who': sys.argv[3], 'n': n}, sys.argv[2], force=True)"
    )
    writers = []
    for name, events in (("a", [order_event(1, 1)]), ("b", [order_event(2, 1), order_event(2, 2)])):
        folder = write_lean(tmp_path / name, events=events)
        writers.append(subprocess.Popen([sys.executable, "-c", code, str(path), str(folder), name]))
    expected = {"a": [1], "b": [2, 2]}
    while any(writer.poll() is None for writer in writers):
        if path.exists():
            # A reader sees the old one or the new one; when it meets the moment between, it is told to try again.
            try:
                baseline = load_baseline(path)
                orders = [event.order_id for event in baseline.results.order_events or []]
            except BusyError:
                continue
            assert orders == expected[baseline.record["who"]]
    assert [writer.returncode for writer in writers] == [0, 0]
    baseline = load_baseline(path)
    assert [event.order_id for event in baseline.results.order_events or []] == expected[baseline.record["who"]]


class Stopping(FileSystem):
    """Fails, or kills the process, at the n-th call."""

    def __init__(self, at: int, kill: bool = False) -> None:
        self.at = at
        self.kill = kill
        self.count = 0

    def called(self, operation: str, path: str) -> None:
        self.count += 1
        if self.count == self.at:
            if self.kill:
                os._exit(9)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def content(path: Path) -> tuple[object, object, object]:
    baseline = load_baseline(path)
    with baseline.results.open_order_events() as stream:
        return baseline.record, json.loads(stream.read()), baseline.results.statistics


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Callable[[], object], Callable[[], object]]:
    """A path, a way to store the old baseline there afresh, and a way to replace it by a new one."""
    path = tmp_path / "baselines" / "default.json"
    old = write_lean(tmp_path / "old")
    new = write_lean(tmp_path / "new", sections=document(orders=5), events=[order_event(7, 1)])
    return (
        path,
        lambda: save_baseline(path, {"n": 0}, old, force=True),
        lambda: save_baseline(path, {"n": 1}, new, force=True),
    )


def test_a_full_disk_at_any_call_leaves_old_or_new(
    two: tuple[Path, Callable[[], object], Callable[[], object]],
) -> None:
    path, store_old, store_new = two
    store_old()
    before = content(path)
    with use_file_system(Stopping(-1)) as counter:
        store_new()
    after = content(path)
    assert before != after
    assert isinstance(counter, Stopping)
    for at in range(1, counter.count + 1):
        store_old()
        told = False
        try:
            with use_file_system(Stopping(at)):
                store_new()
        except HarnessError as error:
            told = True
            assert str(path.parent) in str(error)
        # A read that fails makes the old baseline count as damaged, which --force replaces.
        assert content(path) in ((before, after) if told else (after,)), at
        store_new()
        assert content(path) == after


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_kill_at_any_call_leaves_old_or_new(two: tuple[Path, Callable[[], object], Callable[[], object]]) -> None:
    path, store_old, store_new = two
    store_old()
    before = content(path)
    with use_file_system(Stopping(-1)) as counter:
        store_new()
    after = content(path)
    assert isinstance(counter, Stopping)
    for at in range(1, counter.count + 1):
        store_old()
        pid = os.fork()
        if pid == 0:
            try:
                with use_file_system(Stopping(at, kill=True)):
                    store_new()
            finally:
                os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9
        assert content(path) in (before, after), at
        store_new()
        assert content(path) == after
        assert not list(path.parent.glob("*.next"))


def test_what_a_baseline_holds(tmp_path: Path) -> None:
    lean = LeanResults(write_lean(tmp_path / "lean", events=[order_event(1, 1)]))
    path = tmp_path / "b" / "default.json"
    assert save_baseline(path, {"n": 1}, lean) == []  # results that are open already
    stored = load_baseline(path)
    events, result = stored.companion("order_events"), stored.companion("result")
    assert events is not None
    assert result is not None
    assert {kind: (entry["file"], entry["bytes"]) for kind, entry in stored.companions.items()} == {
        "order_events": ("default-order-events.json.gz", len(events)),
        "result": ("default-result.json.gz", len(result)),
    }
    assert b'"sharpeRatio":"-8.8302"' in result
    assert b'"profitLoss":-275.0,' in result  # digits as Lean wrote them
    assert b'"StartTime"' not in result
    assert (stored.scenario, stored.order_event_count) == ("default", 1)
    assert stored.summary["tradeStatistics"] == {"totalProfitLoss": "-867.50"}
    assert stored.summary["portfolioStatistics"] == {"sharpeRatio": "-8.8302"}
    assert stored.summary["statistics"] == {"Total Orders": "3", "Sharpe Ratio": "-8.83"}
    assert stored.companion("another") is None
    assert stored.companion_path("another") is None


@pytest.mark.parametrize(("changes", "shown"), [(2, ""), (3, ""), (5, "; 2 more")])
def test_a_refusal_shows_three_changes(tmp_path: Path, changes: int, shown: str) -> None:
    lean, path = write_lean(tmp_path / "lean"), tmp_path / "default.json"
    save_baseline(path, {f"k{number}": 0 for number in range(5)}, lean)
    with pytest.raises(BaselineExistsError) as raised:
        save_baseline(path, {f"k{number}": int(number < changes) for number in range(5)}, lean)
    assert len(raised.value.changes) == changes
    listed = "; ".join(raised.value.changes[:3])
    assert str(raised.value) == f"{path}: differs from the stored baseline ({listed}{shown}); use --force to replace it"
