import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import DamagedError
from harness.results import fsck
from harness.results.baseline import load_baseline, save_baseline
from harness.results.fsck import Check, Finding, Severity, check
from harness.results.lock import LOCK_NAME, FolderLock, read_owner
from harness.results.spans import CACHE_FOLDER
from harness.results.store import append_row, read_rows, write_json
from tests.results.lean_folder import order_event, write_lean


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a baseline and a session of two runs."""
    save_baseline(tmp_path / "baselines" / "default.json", {"n": 1}, write_lean(tmp_path / "lean"))
    session = tmp_path / "runs" / "s1"
    for run in ("run_01", "run_02"):
        write_lean(session / "baseline" / run / "lean")
        write_json(session / "baseline" / run / "measurement.json", {"wall_s": 1.5}, schema="harness.measurement")
    write_json(session / "session.json", {"plan": ["A", "B"]}, schema="harness.session")
    for number in range(3):
        append_row(session / "rows.jsonl", {"run": number})
    return tmp_path


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_sound_project_has_no_findings(project: Path) -> None:
    found = check(project)
    assert found.findings == ()
    assert found.ok
    assert found.files == 13
    assert check(project / "nothing here").files == 0


@pytest.mark.parametrize(
    "name",
    [
        "baselines/default.json",
        "baselines/default-order-events.json.gz",
        "baselines/default-result.json.gz",
        "runs/s1/session.json",
        "runs/s1/rows.jsonl",
        "runs/s1/baseline/run_02/measurement.json",
        "runs/s1/baseline/run_02/lean/Algo.json",
        "runs/s1/baseline/run_02/lean/Algo-order-events.json",
    ],
)
def test_each_damaged_file_is_found_and_only_that(project: Path, name: str) -> None:
    path = project / name
    stored = path.read_bytes()
    for damaged in (stored[: len(stored) // 2], stored[: len(stored) // 2] + b"\0" + stored[len(stored) // 2 + 1 :]):
        path.write_bytes(damaged)
        found = check(project)
        assert not found.ok
        assert len(found.findings) == 1
        assert found.findings[0].severity is Severity.DAMAGED
        assert found.findings[0].path.name.split("-")[0].split(".")[0] in path.name
        assert found.findings[0].remedy
        assert path.read_bytes() == damaged


def test_repair_keeps_the_good_rows_and_the_damaged_file(project: Path) -> None:
    path = project / "runs" / "s1" / "rows.jsonl"
    damaged = path.read_bytes().replace(b'"run": 1', b'"run": 8')
    path.write_bytes(damaged)
    found = check(project, repair=True)
    assert found.ok
    assert found.findings[0].repaired
    assert read_rows(path) == [{"run": 0}]
    assert path.with_name("rows.jsonl.damaged").read_bytes() == damaged
    append_row(path, {"run": 9})
    assert check(project).findings == ()


def test_leftovers_are_named_and_removed(project: Path) -> None:
    session = project / "runs" / "s1"
    (session / f".tmp-session.json.{dead_pid()}-1-0").write_text("half")
    (session / LOCK_NAME).write_text(f'{{"pid": {dead_pid()}, "host": "vm", "since_utc": "then", "purpose": "bench"}}')
    with (session / "rows.jsonl").open("a") as stream:
        stream.write('{"run": 3, "ch')
    found = check(project)
    assert found.ok
    assert [one.severity for one in found.findings] == [Severity.LEFTOVER] * 3
    assert check(project).findings == found.findings
    repaired = check(project, repair=True)
    assert all(one.repaired for one in repaired.findings)
    assert check(project).findings == ()
    assert read_rows(session / "rows.jsonl") == [{"run": number} for number in range(3)]


def test_an_interrupted_baseline_is_finished(project: Path) -> None:
    path = project / "baselines" / "default.json"
    before = path.read_bytes()
    file = project / "baselines" / "default-order-events.json.gz"
    old = file.read_bytes()
    save_baseline(path, {"n": 2}, write_lean(project / "new", events=[order_event(9, 1)]), force=True)
    file.rename(file.with_name(file.name + ".next"))
    file.write_bytes(old)
    assert before != path.read_bytes()
    assert load_baseline(path).results.order_events is not None
    assert [one.severity for one in check(project).findings] == [Severity.LEFTOVER]
    assert check(project, repair=True).ok
    assert check(project).findings == ()
    assert [event.order_id for event in load_baseline(path).results.order_events or []] == [9]


def test_a_folder_in_use_is_left_alone(project: Path) -> None:
    with FolderLock(project / "runs" / "s1", "a bench session"):
        assert check(project).ok
        found = check(project, repair=True)
    assert [one.severity for one in found.findings] == [Severity.BUSY]
    assert "a bench session" in str(found.findings[0])


def told(root: Path, repair: bool = False) -> list[str]:
    """Every finding as its line, without the project's path."""
    return [str(one).replace(f"{root}/", "") for one in check(root, repair=repair).findings]


def test_every_finding_in_words(project: Path) -> None:
    session, baselines = project / "runs" / "s1", project / "baselines"
    gone = dead_pid()
    lean = session / "baseline" / "run_02" / "lean"
    (baselines / "default.json").write_text("{}")
    (baselines / f".tmp-x.{gone}-1-0").write_text("")
    (baselines / ".tmp-anything").write_text("")
    (baselines / f".tmp-mine.{os.getpid()}-1-0").write_text("being written")
    (session / "session.json").write_text('{"schema": "x", "version": 1}')
    (session / "other.json").write_text("{")
    (session / "plain.json").write_text('{"schema": "not one of ours"}')
    (session / "baseline" / "run_01" / "measurement.json").write_text('{"length": 1, "digest": "x"}')
    (lean / "Algo.json").write_text("[]")
    (lean / "Algo-order-events.json").write_text('{"a": 1}')
    with (session / "rows.jsonl").open("a") as stream:
        stream.write("torn")
    append_row(project / "runs" / "loose.jsonl", {"n": 1})
    (project / "runs" / "loose.jsonl").write_text("x\n")
    owner = f'{{"pid": {gone}, "host": "vm", "since_utc": "then", "purpose": "bench"}}'
    (session / LOCK_NAME).write_text(owner)
    short = f"bench (process {gone} on vm, since then)"
    left = "leftover, a write that was interrupted; remove it"
    json_error = "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"
    found = told(project)
    assert found == [
        f"baselines/.tmp-anything: {left}",
        f"baselines/.tmp-x.{gone}-1-0: {left}",
        "baselines/default.json: damaged, the field 'schema' is missing; "
        "restore it from version control, or run 'make baseline' with --force",
        *(line for line in found if line.startswith("runs/s1/baseline/run_02/lean/")),
        f"runs/s1/.lock: leftover, its owner is dead: {short}; remove it",
        f"runs/s1/other.json: damaged, not valid JSON ({json_error}); run it again",
        "runs/s1/rows.jsonl: leftover, 4 bytes of a row that was never acknowledged; cut them",
        "runs/s1/session.json: damaged, the field 'length' is missing; "
        "the session's runs are kept; start a new session",
        "runs/s1/baseline/run_01/measurement.json: damaged, the field 'schema' is missing; run it again",
        "runs/loose.jsonl: damaged, 2 bytes, but 1 rows in 38 bytes were acknowledged; "
        "keep its good rows, set it aside as loose.jsonl.damaged",
    ]
    lines = [line for line in found if line.startswith("runs/s1/baseline/run_02/lean/")]
    assert [line.split(": ")[0].rsplit("/", 1)[1] for line in lines] == ["Algo.json", "Algo-order-events.json"]
    assert all(": damaged, " in line for line in lines)
    assert [line.rsplit("; ", 1)[1] for line in lines] == [
        "delete this run and resume the session", "delete this run and resume",
    ]  # fmt: skip
    repaired = told(project, repair=True)
    assert [line.split("; repaired: ")[0] for line in repaired if "; repaired: " in line] == [
        line.rsplit("; ", 1)[0] for line in found if ("leftover" in line or "loose" in line) and ".lock" not in line
    ]  # the dead owner's lock was taken over by the repair itself
    assert (baselines / f".tmp-mine.{os.getpid()}-1-0").exists()
    after = told(project)
    assert after == [line for line in found if "leftover" not in line and "loose" not in line]


def test_an_interrupted_baseline_in_words_and_a_repair_that_fails(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = project / "baselines" / "default-result.json.gz"
    file.rename(file.with_name(file.name + ".next"))
    line = "baselines/default.json: leftover, a store was interrupted before its last renames; "
    assert told(project) == [f"{line}finish them"]

    def refused(baseline: object) -> None:
        raise OSError("no")

    monkeypatch.setattr("harness.results.fsck.finish_baseline", refused)
    assert told(project, repair=True) == [f"{line.removesuffix('; ')}; repair failed (no); finish them"]
    monkeypatch.undo()
    assert told(project, repair=True) == [f"{line}repaired: finish them"]
    assert told(project) == []


def test_a_folder_in_use_in_words(project: Path) -> None:
    with FolderLock(project / "runs" / "s1", "a bench session"):
        (line,) = told(project, repair=True)
    assert line.startswith("runs/s1: in use, ")
    assert "in use by a bench session (process " in line
    assert line.endswith("; run again when it has ended")


def test_the_folders_may_have_other_names(project: Path) -> None:
    (project / "runs").rename(project / "elsewhere")
    (project / "baselines").rename(project / "kept")
    assert check(project).files == 0
    assert check(str(project), "elsewhere", project / "kept").files == 13
    assert check(project, runs_folder="elsewhere").files == 10
    assert check(project, baselines_folder="kept").files == 3


def test_every_baseline_is_read_with_its_companions(project: Path) -> None:
    save_baseline(project / "baselines" / "second.json", {"n": 1}, write_lean(project / "lean2", events=None))
    assert check(project, runs_folder="none").files == 3 + 2


def test_a_repair_says_who_it_is_to_others(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = project / "runs" / "s1"
    (session / "rows.jsonl").write_text("x\n")
    met: list[str] = []

    def salvage(path: Path) -> int:
        owner = read_owner(session)
        met.append(owner.purpose if owner else "nobody")
        return 0

    monkeypatch.setattr(fsck, "salvage_rows", salvage)
    check(project, repair=True)
    assert met == ["harness fsck --repair"]


def test_what_has_been_found_is_counted_by_what_is_left_of_it() -> None:
    damaged = Finding(Path("a"), Severity.DAMAGED, "p", "r")
    repaired = Finding(Path("a"), Severity.DAMAGED, "p", "r", repaired=True)
    left = Finding(Path("a"), Severity.LEFTOVER, "p", "r")
    assert not damaged.repaired
    assert [Check(1, found).ok for found in ((), (left,), (repaired, left), (left, damaged))] == [
        True, True, True, False,
    ]  # fmt: skip


def test_one_damaged_baseline_does_not_hide_the_others(project: Path) -> None:
    lean, folder = project / "lean", project / "baselines"
    for name in ("a", "b", "z"):
        save_baseline(folder / f"{name}.json", {"n": 1}, lean)
    (folder / "a-order-events.json.gz").unlink()
    (folder / "z.json").write_text("[]")
    remedy = "restore it from version control, or run 'make baseline' with --force"
    assert told(project) == [
        f"baselines/a.json: damaged, baselines/a-order-events.json.gz: is missing; {remedy}",
        f"baselines/z.json: damaged, holds a list, not a stored document; {remedy}",
    ]


def test_a_baseline_whose_result_is_no_result(project: Path) -> None:
    fields = json.loads((project / "baselines" / "default.json").read_text())
    for name in ("length", "digest"):
        del fields[name]
    write_json(project / "baselines" / "default.json", {**fields, "companions": {}})
    assert told(project) == [
        "baselines/default.json: damaged, names no result file; "
        "restore it from version control, or run 'make baseline' with --force"
    ]


def test_sessions_one_level_deeper_are_locked_by_themselves(project: Path) -> None:
    """As `harness bisect` keeps them: the folder above is nobody's session."""
    runs = project / "runs"
    (runs / "bisect").mkdir()
    for name in ("step1", "step2"):
        shutil.copytree(runs / "s1", runs / "bisect" / name)
        (runs / "bisect" / name / "baseline" / "run_01" / "lean" / "Algo.json").write_text("[]")
    assert check(project).files == 13 + 2 * 10
    with FolderLock(runs / "bisect" / "step1", "a bench session"):
        found = check(project, repair=True)
    places = [str(one.path.relative_to(runs)) for one in found.findings]
    assert places == ["bisect/step1", "bisect/step2/baseline/run_01/lean/Algo.json"]


def test_caches_engine_files_and_folders_are_not_read_as_documents(project: Path) -> None:
    session = project / "runs" / "s1"
    for folder in (CACHE_FOLDER, "lean", "kept.json", "kept.jsonl"):
        (session / folder).mkdir()
    for folder in (CACHE_FOLDER, "lean"):
        (session / folder / "x.json").write_text("{")
    (session / "notes.txt").write_text("{")
    assert told(project) == []
    (session / "kept.json" / "x.json").write_text("{")
    (line,) = told(project)
    assert line.startswith("runs/s1/kept.json/x.json: damaged, not valid JSON (")


def test_every_result_of_a_run_is_read(project: Path) -> None:
    lean = project / "runs" / "s1" / "baseline" / "run_01" / "lean"
    (lean / "Algo-summary.json").write_text('{"statistics": nothing}')
    write_lean(lean, "Second", events=None)
    (lean / "Second.json").write_text('{"charts": }')
    found = check(project)
    assert found.files == 13 + 2
    assert sorted((one.path.name, one.problem) for one in found.findings) == [
        ("Algo-summary.json", "JSON is malformed: invalid character (byte 16)"),
        ("Second.json", "JSON is malformed: invalid character (byte 11)"),
    ]
    assert {one.remedy for one in found.findings} == {"delete this run and resume the session"}
    assert {one.severity for one in found.findings} == {Severity.DAMAGED}


def test_a_run_without_engine_files_is_no_damage(project: Path) -> None:
    (project / "runs" / "s1" / "baseline" / "run_03").mkdir()
    assert told(project) == []


def test_a_file_that_cannot_be_read_is_damage(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = Path.read_bytes

    def refused(path: Path) -> bytes:
        if path.name in ("session.json", "Algo-order-events.json"):
            raise OSError("no")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refused)
    runs = [f"runs/s1/baseline/{run}/lean/Algo-order-events.json" for run in ("run_01", "run_02")]
    assert told(project) == [
        *(f"{run}: damaged, no; delete this run and resume" for run in runs),
        "runs/s1/session.json: damaged, not valid JSON (no); the session's runs are kept; start a new session",
    ]


@pytest.mark.parametrize(
    ("answer", "alive"),
    [(None, True), (PermissionError(), True), (ProcessLookupError(), False), (OverflowError(), False)],
)
def test_whose_owner_lives(
    project: Path, monkeypatch: pytest.MonkeyPatch, answer: Exception | None, alive: bool
) -> None:
    asked: list[tuple[int, int]] = []

    def kill(pid: int, signal: int) -> None:
        asked.append((pid, signal))
        if answer is not None:
            raise answer

    monkeypatch.setattr(fsck.os, "kill", kill)
    owner = '{"pid": 4194999, "host": "vm", "since_utc": "then", "purpose": "bench"}'
    (project / "runs" / "s1" / LOCK_NAME).write_text(owner)
    (project / "baselines" / ".tmp-x.4194998-1-0").write_text("")
    expected = [
        "baselines/.tmp-x.4194998-1-0: leftover, a write that was interrupted; remove it",
        "runs/s1/.lock: leftover, its owner is dead: bench (process 4194999 on vm, since then); remove it",
    ]
    assert told(project) == ([] if alive else expected)
    assert asked == [(4194998, 0), (4194999, 0)]


def test_the_own_lock_is_no_leftover(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dead(pid: int, signal: int) -> None:
        raise ProcessLookupError

    monkeypatch.setattr(fsck.os, "kill", dead)
    with FolderLock(project / "runs" / "s1", "this one"):
        assert told(project) == []


def test_repair_removes_what_is_left_over_even_when_it_went_meanwhile(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The runs folder itself is not locked: another repair may be at it."""
    gone = dead_pid()
    note = fsck._Inspector.note
    left, lock = project / "runs" / f".tmp-x.{gone}-1-0", project / "runs" / LOCK_NAME
    for already in (False, True):
        left.write_text("")
        lock.write_text(f'{{"pid": {gone}, "host": "vm", "since_utc": "then", "purpose": "bench"}}')
        if already:

            def late(self: fsck._Inspector, finding: Finding, repair: Callable[[], object]) -> None:
                finding.path.unlink()
                note(self, finding, repair)

            monkeypatch.setattr(fsck._Inspector, "note", late)
        found = check(project, repair=True).findings
        assert [(one.path, one.severity, one.repaired) for one in found] == [
            (left, Severity.LEFTOVER, True), (lock, Severity.LEFTOVER, True),
        ]  # fmt: skip
        assert not left.exists()
        assert not lock.exists()


@pytest.mark.parametrize("error", [OSError("no"), DamagedError("no")])
def test_a_repair_that_fails_leaves_the_damage(
    project: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    path = project / "runs" / "s1" / "rows.jsonl"
    path.write_text("x\n")

    def refused(path: Path) -> int:
        raise error

    monkeypatch.setattr(fsck, "salvage_rows", refused)
    found = check(project, repair=True)
    assert not found.ok
    (finding,) = found.findings
    assert not finding.repaired
    assert finding.problem.endswith(" bytes were acknowledged; repair failed (no)")
    assert finding.remedy == "keep its good rows, set it aside as rows.jsonl.damaged"
