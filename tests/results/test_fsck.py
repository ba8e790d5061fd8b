import subprocess
import sys
from pathlib import Path

import pytest

from harness.results.baseline import load_baseline, save_baseline
from harness.results.fsck import Severity, check
from harness.results.lock import LOCK_NAME, FolderLock
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
