import errno
import gzip
import json
import os
import random
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import BusyError, DamagedError, HarnessError, InputError
from harness.results.baseline import (
    BASELINE_SCHEMA,
    BASELINE_VERSION,
    BaselineExistsError,
    finish_baseline,
    load_baseline,
    save_baseline,
)
from harness.results.file_system import FileSystem, use_file_system
from harness.results.lean_results import LeanResults
from harness.results.lock import FolderLock
from harness.results.store import WriteError, bytes_digest, read_json, write_json
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


@pytest.mark.parametrize(("changes", "shown"), [(2, ""), (3, ""), (4, "; 1 more"), (5, "; 2 more")])
def test_a_refusal_shows_three_changes(tmp_path: Path, changes: int, shown: str) -> None:
    lean, path = write_lean(tmp_path / "lean"), tmp_path / "default.json"
    save_baseline(path, {f"k{number}": 0 for number in range(5)}, lean)
    with pytest.raises(BaselineExistsError) as raised:
        save_baseline(path, {f"k{number}": int(number < changes) for number in range(5)}, lean)
    assert len(raised.value.changes) == changes
    listed = "; ".join(raised.value.changes[:3])
    assert str(raised.value) == f"{path}: differs from the stored baseline ({listed}{shown}); use --force to replace it"


# ------------------------------------------------------------------------------------------- words and crafted files


def said(text: str) -> str:
    return f"^{re.escape(text)}$"


def store(path: Path, **changed: object) -> None:
    """The document of the baseline at ``path`` anew, with other fields."""
    fields = read_json(path)
    write_json(path, {**fields, **changed}, schema=BASELINE_SCHEMA)


def test_what_is_wrong_with_a_companion_in_words(tmp_path: Path) -> None:
    path, file = tmp_path / "default.json", tmp_path / "default-result.json.gz"
    save_baseline(path, RECORD, write_lean(tmp_path / "lean"))
    good = file.read_bytes()

    def told(words: str) -> None:
        stored = load_baseline(path)
        with pytest.raises(
            DamagedError, match=said(f"{file}: {words}; restore it from version control or run 'make baseline'")
        ):
            stored.companion("result")

    file.write_bytes(good + b"x")
    told("does not match its digest in the baseline")
    file.unlink()
    told("is missing")
    file.mkdir()
    told("Is a directory")
    file.rmdir()
    entries = read_json(path)["companions"]
    other = gzip.compress(b"{}")
    file.write_bytes(other)
    store(path, companions={**entries, "result": {**entries["result"], "packed_digest": bytes_digest(other)}})
    told("does not hold the text whose digest is in the baseline")
    for junk, reason in (
        (b"junk", "Not a gzipped file (b'ju')"),
        (other[:-4], "Compressed file ended before the end-of-stream marker was reached"),
    ):
        file.write_bytes(junk)
        store(path, companions={**entries, "result": {**entries["result"], "packed_digest": bytes_digest(junk)}})
        told(f"cannot be decompressed ({reason})")
    broken = good[:20] + bytes([good[20] ^ 255]) + good[21:]
    file.write_bytes(broken)
    store(path, companions={**entries, "result": {**entries["result"], "packed_digest": bytes_digest(broken)}})
    with pytest.raises(DamagedError, match=r"cannot be decompressed \(.+\)"):
        load_baseline(path).companion("result")


def test_a_baseline_that_was_replaced_while_it_was_read(tmp_path: Path) -> None:
    path = tmp_path / "default.json"
    lean, other = write_lean(tmp_path / "lean"), write_lean(tmp_path / "other", events=[order_event(1, 1)])
    save_baseline(path, RECORD, lean)
    early = load_baseline(path)
    save_baseline(path, RECORD, other, force=True)
    with pytest.raises(BusyError, match=said(f"{path}: was replaced while it was read; run again")):
        early.companion("order_events")
    for make in (
        path.unlink,
        lambda: write_json(path, {"companions": {}}, schema="other"),
        lambda: path.write_text(""),
    ):
        make()
        with pytest.raises(DamagedError, match=r"default-order-events.json.gz: does not match its digest"):
            early.companion("order_events")


def test_a_stored_baseline_is_read_like_a_results_folder(tmp_path: Path) -> None:
    path = tmp_path / "b" / "default.json"
    save_baseline(path, RECORD, write_lean(tmp_path / "lean"))
    stored = load_baseline(path)
    results = stored.results
    assert results.baseline is stored
    assert (results.folder, results.result_id) == (path.parent, "default")
    assert results.path == results.summary_path == path
    assert results.log_path == path.with_name("default-log.txt")
    assert results.order_events_path == path.with_name("default-order-events.json.gz")
    assert stored.companion_path("result") == path.with_name("default-result.json.gz")


def test_a_baseline_without_a_file_in_words(tmp_path: Path) -> None:
    path = tmp_path / "default.json"
    save_baseline(path, RECORD, write_lean(tmp_path / "lean", events=None))
    with pytest.raises(InputError, match=said(f"{path}: the baseline has no order events")):
        load_baseline(path).results.open_order_events()
    store(path, companions={})
    with pytest.raises(DamagedError, match=said(f"{path}: names no result file; run 'make baseline'")):
        _ = load_baseline(path).results.document
    fields = {name: value for name, value in read_json(path).items() if name != "record"}
    write_json(path, fields)
    with pytest.raises(DamagedError, match=said(f"{path}: the field 'record' is missing; run 'make baseline'")):
        load_baseline(path)
    write_json(path, fields, version=BASELINE_VERSION + 1)
    with pytest.raises(DamagedError, match=rf"version {BASELINE_VERSION + 1} of harness.baseline; this harness reads"):
        load_baseline(path)
    write_json(path, fields, schema="other")
    with pytest.raises(DamagedError, match=r"schema is 'other', expected 'harness.baseline'$"):
        load_baseline(path)


def test_a_damaged_section_is_told_with_the_file_it_is_in(tmp_path: Path) -> None:
    path, file = tmp_path / "default.json", tmp_path / "default-result.json.gz"
    save_baseline(path, RECORD, write_lean(tmp_path / "lean"))
    text = b'{"statistics": nothing}'
    packed = gzip.compress(text)
    file.write_bytes(packed)
    entry = {"file": file.name, "bytes": len(text), "digest": bytes_digest(text), "packed_digest": bytes_digest(packed)}
    store(path, companions={"result": entry})
    with pytest.raises(DamagedError, match=rf"^{file}"):
        _ = load_baseline(path).results.statistics


def test_the_compressed_bytes_say_neither_time_nor_name(tmp_path: Path) -> None:
    """RFC 1952: bytes 3 to 7 are flags and time, byte 8 is 2 for the strongest compression."""
    save_baseline(tmp_path / "default.json", RECORD, write_lean(tmp_path / "lean"))
    for file in tmp_path.glob("*.gz"):
        assert file.read_bytes()[:9] == b"\x1f\x8b\x08\0\0\0\0\0\x02"


def test_a_baseline_says_its_schema_and_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.results.baseline.BASELINE_VERSION", 7)
    save_baseline(tmp_path / "default.json", RECORD, write_lean(tmp_path / "lean"))
    fields = read_json(tmp_path / "default.json")
    assert (fields["schema"], fields["version"]) == (BASELINE_SCHEMA, 7)


def test_a_writer_waits_half_a_minute_for_another_and_names_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, lean = tmp_path / "b" / "default.json", write_lean(tmp_path / "lean")
    given: list[tuple[object, ...]] = []

    class Noted(FolderLock):
        def __init__(self, folder: Path, purpose: str, wait_s: float) -> None:
            given.append((folder, purpose, wait_s))
            super().__init__(folder, purpose, wait_s)

    monkeypatch.setattr("harness.results.baseline.FolderLock", Noted)
    save_baseline(path, RECORD, lean)
    assert given == [(path.parent, "storing the baseline default", 30.0)]


def test_the_digits_of_the_result_are_kept(tmp_path: Path) -> None:
    lean = write_lean(tmp_path / "lean")
    file = lean / "Algo.json"
    for digits in ("-275.100", "0.12345678901234567890123456789"):
        file.write_text(file.read_text().replace('"profitLoss": -275.0', f'"profitLoss": {digits}'))
        save_baseline(tmp_path / "default.json", RECORD, lean, force=True)
        assert f'"profitLoss":{digits},'.encode() in (
            load_baseline(tmp_path / "default.json").companion("result") or b""
        )
        file.write_text(file.read_text().replace(digits, "-275.0"))


def test_damaged_order_events_are_not_stored(tmp_path: Path) -> None:
    lean = write_lean(tmp_path / "lean")
    events = lean / "Algo-order-events.json"
    events.write_text(events.read_text()[:-1])
    with pytest.raises(HarnessError, match=rf"^{events}"):
        save_baseline(tmp_path / "b" / "default.json", RECORD, lean)
    assert not (tmp_path / "b").exists()


def test_sections_that_lean_left_out_are_empty_in_the_summary(tmp_path: Path) -> None:
    path = tmp_path / "default.json"
    sections = document()
    for name in ("statistics", "runtimeStatistics", "state", "totalPerformance"):
        del sections[name]
    save_baseline(path, {}, write_lean(tmp_path / "none", sections=sections))
    names = ("statistics", "runtimeStatistics", "state", "tradeStatistics", "portfolioStatistics")
    assert load_baseline(path).summary == {name: {} for name in names}
    save_baseline(path, {}, write_lean(tmp_path / "all"), force=True)
    assert load_baseline(path).summary == {
        "statistics": {"Total Orders": "3", "Sharpe Ratio": "-8.83"},
        "runtimeStatistics": {"Equity": "$99,119.75"},
        "state": {"Status": "Completed", "OrderCount": "3", "RuntimeError": ""},
        "tradeStatistics": {"totalProfitLoss": "-867.50"},
        "portfolioStatistics": {"sharpeRatio": "-8.8302"},
    }


def test_a_damaged_baseline_differs_and_says_how(tmp_path: Path) -> None:
    path, lean = tmp_path / "default.json", write_lean(tmp_path / "lean")
    save_baseline(path, RECORD, lean)
    file = tmp_path / "default-order-events.json.gz"
    file.unlink()
    damage = (
        f"the stored baseline is damaged ({file}: is missing; restore it from version control or run 'make baseline')"
    )
    with pytest.raises(BaselineExistsError) as raised:
        save_baseline(path, RECORD, lean)
    assert raised.value.changes == [damage]
    assert str(raised.value) == f"{path}: differs from the stored baseline ({damage}); use --force to replace it"
    assert save_baseline(path, RECORD, lean, force=True) == [damage]
    assert load_baseline(path).order_event_count == 2


def test_each_changed_part_is_a_line(tmp_path: Path) -> None:
    path = tmp_path / "default.json"
    save_baseline(path, {"n": 1}, write_lean(tmp_path / "lean"))
    old = load_baseline(path)
    store(path, scenario="other")
    new = write_lean(tmp_path / "new", sections=document(orders=4), events=[])
    with pytest.raises(BaselineExistsError) as raised:
        save_baseline(path, {"n": 2}, new)
    save_baseline(path, {"n": 2}, new, force=True)
    entries = load_baseline(path).companions
    assert raised.value.changes == [
        "scenario: other -> default",
        "record.n: 1 -> 2",
        "summary.statistics.Total Orders: 3 -> 4",
        "summary.state.OrderCount: 3 -> 4",
        "order_event_count: 2 -> 0",
        *(
            f"companions.{kind}: {old.companions[kind]['digest']} -> {entries[kind]['digest']}"
            for kind in ("order_events", "result")
        ),
    ]


@pytest.mark.parametrize(
    ("error", "reason"),
    [(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "No space left on device"), (OSError("no words"), "no words")],
)
@pytest.mark.parametrize("operation", ["rename", "fsync_folder", "read"])
def test_files_that_cannot_be_put_in_order(tmp_path: Path, error: OSError, reason: str, operation: str) -> None:
    path = tmp_path / "b" / "default.json"
    stored = threading.Event()

    class Failing(FileSystem):
        def called(self, name: str, place: str) -> None:
            if stored.is_set() and name == operation:
                raise error

        def fsync_folder(self, folder: Path) -> None:
            super().fsync_folder(folder)
            if path.exists():
                stored.set()

    words = f"{path}: stored, but its files could not be put in order ({reason}); run again"
    with use_file_system(Failing()), pytest.raises(WriteError, match=said(words)):
        save_baseline(path, RECORD, write_lean(tmp_path / "lean"))
    assert load_baseline(path).results.statistics["Total Orders"] == "3"
    assert save_baseline(path, RECORD, tmp_path / "lean") == []
    assert not list(path.parent.glob("*.next"))


def test_companions_of_an_older_attempt_are_removed(tmp_path: Path) -> None:
    path, lean = tmp_path / "b" / "default.json", write_lean(tmp_path / "lean")
    save_baseline(path, RECORD, lean)
    older = path.with_name("default-order-events.json.gz.next")
    result = path.with_name("default-result.json.gz")
    result.rename(result.with_name(f"{result.name}.next"))

    class Stubborn(FileSystem):
        def remove(self, path: Path) -> None:
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    older.write_bytes(b"of an older attempt")
    with use_file_system(Stubborn()):
        finish_baseline(load_baseline(path))  # what cannot be removed harms nobody
    assert older.exists()
    assert result.exists()
    finish_baseline(load_baseline(path))
    assert sorted(file.name for file in path.parent.iterdir()) == [
        "default-order-events.json.gz", "default-result.json.gz", "default.json",
    ]  # fmt: skip


def test_a_folder_of_renames_is_synced_and_old_order_events_go(tmp_path: Path) -> None:
    path = tmp_path / "b" / "default.json"
    save_baseline(path, RECORD, write_lean(tmp_path / "some"))
    calls: list[tuple[str, str]] = []

    class Noting(FileSystem):
        def called(self, operation: str, place: str) -> None:
            calls.append((operation, Path(place).name))

    with use_file_system(Noting()):
        save_baseline(path, RECORD, write_lean(tmp_path / "none", events=None), force=True)
    assert calls[-3:] == [
        ("read", "default-result.json.gz.next"), ("rename", "default-result.json.gz"), ("fsync_folder", "b"),
    ]  # fmt: skip
    assert sorted(file.name for file in path.parent.iterdir()) == ["default-result.json.gz", "default.json"]
