"""One owner at a time for a folder, named, and released by its death.

The operating system holds the lock (``flock``, or ``msvcrt.locking`` on Windows) on ``<folder>/.lock``, so a killed
owner never leaves it locked. The file's content names the owner for whoever is refused.
"""

from __future__ import annotations

import json
import os
import socket
import stat
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

from harness.errors import BusyError, InputError
from harness.results.file_system import BINARY

LOCK_NAME = ".lock"
# A link in the lock's place would have its target emptied, a pipe would never answer.
_PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | BINARY
_MOST_BYTES = 4096

if sys.platform == "win32":  # pragma: no cover - other platforms
    import msvcrt

    def lock_descriptor(fd: int, wait: bool = False) -> bool:
        """Lock the file behind ``fd`` for this descriptor; False when another holds it and ``wait`` is off."""
        os.lseek(fd, 1 << 30, os.SEEK_SET)
        while True:
            try:
                msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
                return True
            except OSError:
                if not wait:
                    return False
                time.sleep(0.02)

    def unlock_descriptor(fd: int) -> None:
        """Release :func:`lock_descriptor`."""
        os.lseek(fd, 1 << 30, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def lock_descriptor(fd: int, wait: bool = False) -> bool:
        """Lock the file behind ``fd`` for this descriptor; False when another holds it and ``wait`` is off."""
        try:
            fcntl.flock(fd, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def unlock_descriptor(fd: int) -> None:
        """Release :func:`lock_descriptor`."""
        fcntl.flock(fd, fcntl.LOCK_UN)


@dataclass(frozen=True, slots=True)
class Owner:
    """Who holds a lock: process id, host, start of the hold (UTC, ISO 8601), and what for."""

    pid: int
    host: str
    since_utc: str
    purpose: str

    def __str__(self) -> str:
        told = f"{self.purpose} (process {self.pid} on {self.host}, since {self.since_utc})"
        return "".join(char if char.isprintable() else "?" for char in told)


class FolderLock:
    """Context manager: sole use of ``folder`` for ``purpose`` (a few words, shown to whoever is refused).

    Waits up to ``wait_s`` seconds, then raises ``BusyError`` naming the owner. ``took_over`` is the dead owner whose
    lock was left behind, else None. Not re-entrant; one object, one ``with`` block. ``InputError`` when the folder
    cannot hold a lock file.
    """

    def __init__(self, folder: str | os.PathLike[str], purpose: str, wait_s: float = 0.0) -> None:
        self.folder = Path(folder)
        self.purpose = purpose
        self.wait_s = wait_s
        self.took_over: Owner | None = None
        self._fd: int

    def __enter__(self) -> FolderLock:
        deadline = time.monotonic() + self.wait_s
        while (fd := self._try()) is None:
            if time.monotonic() >= deadline:
                owner = read_owner(self.folder)
                raise BusyError(f"{self.folder}: in use by {owner or 'another process'}; wait for it to end or stop it")
            time.sleep(0.05)
        self.took_over = read_owner(self.folder)
        owner = Owner(
            os.getpid(), socket.gethostname(), time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), self.purpose
        )
        # Only for messages: the lock itself is the kernel's, so a full disk must not stop the work here.
        with suppress(OSError):
            os.ftruncate(fd, 0)
            os.write(fd, json.dumps(asdict(owner)).encode() + b"\n")
        self._fd = fd
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        fd = self._fd
        del self._fd  # its number may be another file's from here on
        with suppress(OSError):
            os.ftruncate(fd, 0)  # where an open file cannot be removed, it names nobody at least
            (self.folder / LOCK_NAME).unlink()
        with suppress(OSError):
            unlock_descriptor(fd)
        os.close(fd)

    def _try(self) -> int | None:
        """The locked descriptor, or None when another holds it."""
        path = self.folder / LOCK_NAME
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            fd = os.open(path, os.O_RDWR | os.O_CREAT | _PLAIN, 0o644)
        except OSError as error:
            if path.is_symlink() or (path.exists() and not path.is_file()):
                raise InputError(f"{path}: is not a plain file; remove it") from error
            raise InputError(
                f"{self.folder}: cannot be locked ({error.strerror or error}); make it writable"
            ) from error
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise InputError(f"{path}: is not a plain file; remove it")
        if lock_descriptor(fd):
            # The last owner removes the file when it ends: what was locked must still be the file at this path.
            with suppress(OSError):
                if os.path.samestat(os.fstat(fd), path.stat()):
                    return fd
        os.close(fd)
        return None


def is_locked(folder: str | os.PathLike[str]) -> bool:
    """Whether a process holds the folder's lock now, whatever its file says."""
    try:
        fd = os.open(Path(folder) / LOCK_NAME, os.O_RDWR | _PLAIN)
    except OSError:
        return False
    try:
        return not lock_descriptor(fd)
    finally:
        os.close(fd)


def read_owner(folder: str | os.PathLike[str]) -> Owner | None:
    """The owner written in ``folder``'s lock file; None when nobody is, or it cannot be read."""
    try:
        fd = os.open(Path(folder) / LOCK_NAME, os.O_RDONLY | _PLAIN)
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                return None
            fields = json.loads(os.read(fd, _MOST_BYTES))
        finally:
            os.close(fd)
        return Owner(int(fields["pid"]), str(fields["host"]), str(fields["since_utc"]), str(fields["purpose"]))
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
