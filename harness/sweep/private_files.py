"""Files that only this user can have written: what is unpickled must not come from anybody else."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from harness.errors import DamagedError, InputError
from harness.results.file_system import BINARY

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def make_private_folder(folder: Path) -> None:
    """Make ``folder`` (mode 0700), or take it when it is there and nobody else can write into it.

    Raises ``InputError`` otherwise. On Windows a user's temporary folder is private by itself.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700)
    except FileExistsError:
        pass
    except OSError as error:
        raise InputError(f"{folder}: cannot be made ({error.strerror}); free space or give another folder") from error
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or _is_others(status):
        raise InputError(f"{folder}: belongs to or can be written by other users; remove it or give another folder")


def write_private(path: Path, data: bytes) -> None:
    """Store ``data`` in a new file that only this user can read and write, whatever the umask is."""
    with suppress(FileNotFoundError):
        path.unlink()
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY, 0o600)
    with os.fdopen(fd, "wb") as stream:
        stream.write(data)


def read_private(path: Path) -> bytes:
    """The content. Raises ``DamagedError`` when somebody else could have written it, ``OSError`` when it is gone."""
    fd = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | BINARY)
    with os.fdopen(fd, "rb") as stream:
        if _is_others(os.fstat(fd)):
            raise DamagedError(
                f"{path}: belongs to or can be written by other users, so it is not read; "
                "run the sweep and its workers as one user"
            )
        return stream.read()


def _is_others(status: os.stat_result) -> bool:
    """Whether anyone but this user (and root, who can do anything) can change it."""
    if not hasattr(os, "getuid"):
        return False
    return status.st_uid not in (os.getuid(), 0) or bool(status.st_mode & _OTHERS_WRITE)
