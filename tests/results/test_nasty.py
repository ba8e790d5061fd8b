"""Things that nobody should do to a project, and that it must survive or name."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.bench.session import load_session, run_session, start_session
from harness.engines.scripted import ScriptedEngine, ScriptedRun
from harness.errors import DamagedError, InputError
from harness.results import baseline as baseline_module
from harness.results.digests import verify_files
from harness.results.fsck import check
from harness.results.lock import LOCK_NAME, FolderLock, is_locked, read_owner
from harness.results.store import append_row, read_rows, rows_exist, write_json
from tests.bench.conftest import ByteInspector, make_setup

__all__ = ["make_setup"]

posix = pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of POSIX")


@posix
@pytest.mark.parametrize("kind", ["link", "dangling link", "folder", "pipe"])
def test_what_is_no_plain_file_is_no_lock(tmp_path: Path, kind: str) -> None:
    victim, lock = tmp_path / "victim", tmp_path / "f" / LOCK_NAME
    victim.write_text("precious")
    lock.parent.mkdir()
    match kind:
        case "link":
            lock.symlink_to(victim)
        case "dangling link":
            lock.symlink_to(tmp_path / "nowhere")
        case "folder":
            lock.mkdir()
        case "pipe":
            os.mkfifo(lock)
    with pytest.raises(InputError, match="is not a plain file; remove it"), FolderLock(lock.parent, "test"):
        pass
    assert read_owner(lock.parent) is None
    assert not is_locked(lock.parent)
    assert victim.read_text() == "precious"
    assert not (tmp_path / "nowhere").exists()
    (tmp_path / "runs").mkdir()
    lock.parent.rename(tmp_path / "baselines")
    told = check(tmp_path, repair=True)
    assert [str(one.path) for one in told.findings] == [str(tmp_path / "baselines" / LOCK_NAME)]
    assert not told.ok


@posix
@pytest.mark.parametrize("text", [b"", b'{"pid": 1', b"\xff" * 5000, b"null", b'{"pid": "x", "host": 1}'])
def test_a_half_written_lock_is_taken_over(tmp_path: Path, text: bytes) -> None:
    (tmp_path / LOCK_NAME).write_bytes(text)
    with FolderLock(tmp_path, "test") as lock:
        assert lock.took_over is None
        assert is_locked(tmp_path)
    assert not (tmp_path / LOCK_NAME).exists()


@posix
def test_a_lock_of_a_process_id_that_lives_again_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / LOCK_NAME).write_text(
        f'{{"pid": {os.getppid()}, "host": "h", "since_utc": "2025-01-01", "purpose": "a \\u001b[2J trick"}}'
    )
    with FolderLock(tmp_path, "test") as lock:
        assert str(lock.took_over).startswith("a ?[2J trick (process")


@posix
def test_a_lock_that_is_held_is_never_removed_for_its_text(tmp_path: Path) -> None:
    """Its owner may be in another process namespace, where its number says nothing here."""
    inner = tmp_path / "runs" / "s" / "inner"
    with FolderLock(inner, "another machine's work"):
        dead = subprocess.Popen([sys.executable, "-c", ""])
        dead.wait()
        (inner / LOCK_NAME).write_text(f'{{"pid": {dead.pid}, "host": "h", "since_utc": "2025-01-01", "purpose": "p"}}')
        assert check(tmp_path, repair=True).findings == ()
        assert (inner / LOCK_NAME).exists()
    (inner / LOCK_NAME).write_text(f'{{"pid": {dead.pid}, "host": "h", "since_utc": "2025-01-01", "purpose": "p"}}')
    assert [one.repaired for one in check(tmp_path, repair=True).findings] == [True]


def test_rows_whose_file_is_gone_are_not_an_empty_history(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "s" / "rows.jsonl"
    assert not rows_exist(path)
    append_row(path, {"folder": "a/run_01"})
    path.unlink()
    assert rows_exist(path)
    with pytest.raises(DamagedError, match="is gone, but 1 rows were acknowledged"):
        read_rows(path)
    assert any("rows.jsonl.head and begin anew" in one.remedy for one in check(tmp_path).findings)


def session(tmp_path: Path, make_setup: object) -> Path:
    folder = tmp_path / "runs" / "s"
    start_session(make_setup(pairs=1, warmups=0, control_runs=0), folder)  # type: ignore[operator]
    good = {"base": [ScriptedRun(wall_s=1.0)], "new": [ScriptedRun(wall_s=0.5)]}
    run_session(folder, ScriptedEngine(good), ByteInspector())
    assert check(tmp_path).findings == ()
    return folder


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("session.json", None, "is gone"),
        ("session.json", "{}", "the field 'schema' is missing"),
        ("base/run_01/measurement.json", "null", "not a stored document"),
        ("base/run_01/measurement.json", None, "is gone"),
        ("base/run_01/lean/*-order-events.json", "[]", "is not what the run left (digest)"),
        ("base/run_01/lean/*-order-events.json", None, "is gone"),
        ("rows.jsonl", None, "rows were acknowledged"),
    ],
)
def test_what_only_the_files_together_tell(
    tmp_path: Path,
    make_setup: object,
    file: str,
    text: str | None,
    says: str,
) -> None:
    folder = session(tmp_path, make_setup)
    (path,) = folder.glob(file)
    if text is None:
        path.unlink()
    else:
        path.write_text(text)
    told = check(tmp_path)
    assert [says in str(one) for one in told.findings if one.path == path] == [True], told
    if "lean" in file:
        with pytest.raises(DamagedError, match="run that backtest again"):
            verify_files(path.parent)


def test_runs_whose_rows_and_their_count_are_gone_are_missed(tmp_path: Path, make_setup: object) -> None:
    folder = session(tmp_path, make_setup)
    for name in ("rows.jsonl", "rows.jsonl.head"):
        (folder / name).unlink()
    (told,) = check(tmp_path).findings
    assert "runs were measured, but their rows are gone" in told.problem
    assert load_session(folder).rows == ()


def test_a_run_folder_that_somebody_removed_is_no_damage(tmp_path: Path, make_setup: object) -> None:
    import shutil

    folder = session(tmp_path, make_setup)
    shutil.rmtree(folder / "base" / "run_01")
    assert check(tmp_path).findings == ()


def test_a_baseline_of_a_few_kilobytes_cannot_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baseline_module, "MOST_UNPACKED_BYTES", 1 << 20)
    packed = gzip.compress(b"0" * (1 << 24))
    assert len(packed) < 20_000
    with pytest.raises(OSError, match="more than 1 MiB"):
        baseline_module._unpacked(packed)
    assert baseline_module._unpacked(gzip.compress(b"x" * 1000)) == b"x" * 1000


@pytest.mark.parametrize("companions", [[], {"result": None}, {"result": {"file": None}}, {"result": {"file": "x"}}])
def test_a_baseline_that_was_made_up_is_damaged_not_an_internal_error(tmp_path: Path, companions: object) -> None:
    fields = {"scenario": "s", "record": {}, "summary": {}, "order_event_count": 0, "companions": companions}
    write_json(tmp_path / "s.json", fields, schema=baseline_module.BASELINE_SCHEMA, version=1)
    with pytest.raises(DamagedError, match="companion files are not named as written"):
        baseline_module.load_baseline(tmp_path / "s.json")


def test_a_companion_is_looked_for_beside_its_baseline_only(tmp_path: Path) -> None:
    entry = {"file": "../../etc/passwd", "digest": "x", "packed_digest": "x"}
    fields = {"scenario": "s", "record": {}, "summary": {}, "order_event_count": 0, "companions": {"result": entry}}
    write_json(tmp_path / "s.json", fields, schema=baseline_module.BASELINE_SCHEMA, version=1)
    stored = baseline_module.load_baseline(tmp_path / "s.json")
    assert stored.companion_path("result") == tmp_path / "passwd"
    with pytest.raises(DamagedError, match="passwd: is missing"):
        stored.companion("result")


@posix
def test_a_link_that_leads_to_itself_is_named(tmp_path: Path) -> None:
    from harness.config import Settings

    (tmp_path / "runs").symlink_to(tmp_path / "runs")
    with pytest.raises(InputError, match="runs: a link that leads to itself"):
        Settings(root=tmp_path).path(Path("runs"))
