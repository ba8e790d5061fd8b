import datetime as dt
import errno
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from harness.errors import BusyError, InputError
from harness.results import lock as lock_module
from harness.results.lock import LOCK_NAME, FolderLock, Owner, lock_descriptor, read_owner

HOLD = (
    "import sys, time; from harness.results.lock import FolderLock\n"
    "with FolderLock(sys.argv[1], 'a bench session'): print('held', flush=True); time.sleep(60)"
)


def holder(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_second_one_is_told_who_holds_it(tmp_path: Path) -> None:
    with FolderLock(tmp_path, "storing a baseline"):
        owner = read_owner(tmp_path)
        assert owner is not None
        assert (owner.pid, owner.purpose) == (os.getpid(), "storing a baseline")
        with (
            pytest.raises(BusyError, match=rf"storing a baseline \(process {os.getpid()} on .* since "),
            FolderLock(tmp_path, "x"),
        ):
            pass
    assert not (tmp_path / LOCK_NAME).exists()
    again = FolderLock(tmp_path, "again")
    assert again.took_over is None
    with again:
        assert again.took_over is None


def test_a_killed_owner_does_not_keep_it(tmp_path: Path) -> None:
    process = holder(tmp_path)
    with pytest.raises(BusyError, match="a bench session"), FolderLock(tmp_path, "x"):
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    with FolderLock(tmp_path, "after") as lock:
        assert lock.took_over is not None
        assert lock.took_over.pid == process.pid


def test_waiting_gets_it_when_the_owner_ends(tmp_path: Path) -> None:
    process = holder(tmp_path)
    threading.Timer(0.2, process.terminate).start()
    start = time.monotonic()
    with FolderLock(tmp_path, "patient", wait_s=10):
        assert time.monotonic() - start < 9
    process.wait()


def test_only_one_of_many_is_inside(tmp_path: Path) -> None:
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        for _ in range(10):
            with FolderLock(tmp_path, "thread", wait_s=30):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 40
    assert max(most) == 1


def test_a_folder_that_cannot_hold_a_lock(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    words = rf"^{file}: cannot be locked \((File exists|Not a directory)\); make it writable$"
    with pytest.raises(InputError, match=words), FolderLock(file, "x"):
        pass
    (tmp_path / LOCK_NAME).mkdir()
    words = f"{tmp_path / LOCK_NAME}: is not a plain file; remove it"
    with pytest.raises(InputError, match=f"^{re.escape(words)}$"), FolderLock(tmp_path, "x"):
        pass


def test_an_unreadable_owner_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / LOCK_NAME).write_text("not json")
    assert read_owner(tmp_path) is None
    with FolderLock(tmp_path, "x"):
        pass


# ------------------------------------------------------------------------------------------- parts of it


class Clock:
    """Stands in for the module's ``time``: every sleep lasts a quarter of a second and is noted."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.asked_s: list[float] = []

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, duration_s: float) -> None:
        self.asked_s.append(duration_s)
        self.now_s += 0.25


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    fake = Clock()
    monkeypatch.setattr(lock_module.time, "monotonic", fake.monotonic)
    monkeypatch.setattr(lock_module.time, "sleep", fake.sleep)
    return fake


@pytest.mark.parametrize(("given", "sleeps"), [({}, 0), ({"wait_s": 0.25}, 1), ({"wait_s": 1.0}, 4)])
def test_it_waits_as_long_as_it_was_told(tmp_path: Path, clock: Clock, given: dict[str, float], sleeps: int) -> None:
    with FolderLock(tmp_path, "first"), pytest.raises(BusyError), FolderLock(tmp_path, "second", **given):
        pass
    assert clock.asked_s == [0.05] * sleeps


def test_what_the_owner_says_of_itself(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there yet"
    with FolderLock(folder, "a bench session"):
        owner = read_owner(folder)
        text = (folder / LOCK_NAME).read_text()
        with pytest.raises(BusyError) as raised, FolderLock(folder, "x"):
            pass
    assert owner is not None
    assert (owner.pid, owner.host, owner.purpose) == (os.getpid(), socket.gethostname(), "a bench session")
    assert text == json.dumps(json.loads(text)) + "\n"
    assert str(raised.value) == (
        f"{folder}: in use by a bench session (process {os.getpid()} on {socket.gethostname()}, since "
        f"{owner.since_utc}); wait for it to end or stop it"
    )


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="needs a time zone of its own")
def test_an_owner_tells_the_time_in_utc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "Somewhere+5")
        time.tzset()
        earliest = dt.datetime.now(dt.UTC).replace(microsecond=0)
        with FolderLock(tmp_path, "x"):
            owner = read_owner(tmp_path)
        latest = dt.datetime.now(dt.UTC)
    time.tzset()
    assert owner is not None
    since = dt.datetime.strptime(owner.since_utc, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=dt.UTC)
    assert earliest <= since <= latest


def test_an_owner_that_left_no_name(tmp_path: Path) -> None:
    with FolderLock(tmp_path, "first"):
        (tmp_path / LOCK_NAME).write_bytes(b"")
        with pytest.raises(BusyError) as raised, FolderLock(tmp_path, "x"):
            pass
    assert str(raised.value) == f"{tmp_path}: in use by another process; wait for it to end or stop it"


@pytest.mark.parametrize(
    "text", ['{"pid": 1, "host": "h", "since_utc": "then"}', '{"pid": "x"}', '{"pid": 1e999}', "[1]", "[" * 100_000, ""]
)
def test_a_lock_file_that_names_nobody(tmp_path: Path, text: str) -> None:
    (tmp_path / LOCK_NAME).write_text(text)
    assert read_owner(tmp_path) is None


def test_a_longer_name_of_a_dead_owner_is_replaced_whole(tmp_path: Path) -> None:
    dead = {"pid": 7, "host": "vm", "since_utc": "then", "purpose": "long " * 100}
    (tmp_path / LOCK_NAME).write_text(json.dumps(dead))
    with FolderLock(tmp_path, "short") as lock:
        assert lock.took_over == Owner(7, "vm", "then", "long " * 100)
        owner = read_owner(tmp_path)
        assert owner is not None
        assert owner.purpose == "short"


def test_the_lock_file_may_be_read_by_everybody(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with FolderLock(tmp_path, "x"):
            assert (tmp_path / LOCK_NAME).stat().st_mode & 0o777 == 0o644
    finally:
        os.umask(before)


def test_a_full_disk_keeps_the_name_away_not_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(lock_module.os, "write", full)
    with FolderLock(tmp_path, "x"):
        assert read_owner(tmp_path) is None
        with pytest.raises(BusyError), FolderLock(tmp_path, "y"):
            pass


def test_a_lock_file_that_cannot_be_removed_names_nobody_and_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    with monkeypatch.context() as patched:
        patched.setattr(lock_module.Path, "unlink", refused)
        with FolderLock(tmp_path, "x"):
            pass
    assert (tmp_path / LOCK_NAME).read_bytes() == b""
    with FolderLock(tmp_path, "y") as lock:
        assert lock.took_over is None


def test_a_lock_that_the_system_will_not_give_back_ends_with_the_descriptor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(fd: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(lock_module, "unlock_descriptor", refused)
    with FolderLock(tmp_path, "x"):
        pass
    with FolderLock(tmp_path, "y"):
        pass


def test_what_was_locked_must_still_be_the_file_at_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last owner may remove the file after it was opened here and before it is locked: then nobody else sees it."""
    removed: list[int] = []

    def late(fd: int, wait: bool = False) -> bool:
        if len(removed) < 2:
            (tmp_path / LOCK_NAME).unlink()
            removed.append(fd)
        if len(removed) == 2:
            (tmp_path / LOCK_NAME).touch()  # another one made it anew meanwhile
        return lock_descriptor(fd, wait)

    monkeypatch.setattr(lock_module, "lock_descriptor", late)
    with FolderLock(tmp_path, "x", wait_s=60):
        assert len(removed) == 2
        with pytest.raises(BusyError, match="in use by x"), FolderLock(tmp_path, "y"):
            pass


def test_no_descriptor_stays_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []
    real = os.open

    def noted(path: Path, flags: int, mode: int) -> int:
        opened.append(real(path, flags, mode))
        return opened[-1]

    def is_open(fd: int) -> bool:
        try:
            os.fstat(fd)
        except OSError:
            return False
        return True

    monkeypatch.setattr(lock_module.os, "open", noted)
    with FolderLock(tmp_path, "x"):
        with pytest.raises(BusyError), FolderLock(tmp_path, "y"):
            pass
        assert [is_open(fd) for fd in opened] == [True, False]
    assert not is_open(opened[0])
