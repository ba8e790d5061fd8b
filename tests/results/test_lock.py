import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from harness.errors import BusyError, InputError
from harness.results.lock import LOCK_NAME, FolderLock, read_owner

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
    with FolderLock(tmp_path, "again") as lock:
        assert lock.took_over is None


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
    with pytest.raises(InputError, match="cannot be locked"), FolderLock(file, "x"):
        pass


def test_an_unreadable_owner_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / LOCK_NAME).write_text("not json")
    assert read_owner(tmp_path) is None
    with FolderLock(tmp_path, "x"):
        pass
