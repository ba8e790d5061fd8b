"""The one seam between the store and the operating system.

Every call by which the store changes or reads a trusted file goes through the current :class:`FileSystem`. A fault
test replaces it with one that fails, or kills the process, at the n-th call; nothing else in the store knows.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

BINARY = getattr(os, "O_BINARY", 0)
"""Flag for ``os.open`` on Windows, which would change line ends otherwise; nothing elsewhere."""


class FileSystem:
    """Thin, whole-operation wrappers over ``os``. Raises ``OSError`` like ``os`` does.

    Thread-safe: holds no state. A subclass for fault injection overrides :meth:`called`, which runs before every
    operation with its name, or single operations (a short :meth:`write`, for instance).
    """

    def called(self, operation: str, path: str) -> None:
        """Hook, run before ``operation`` touches ``path``; does nothing here."""

    def create(self, path: Path) -> int:
        """Open a new file for writing; ``FileExistsError`` when it is there. Returns the descriptor."""
        self.called("create", str(path))
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY, 0o644)

    def open_update(self, path: Path) -> int:
        """Open ``path`` for reading and writing, creating it empty when missing. Returns the descriptor."""
        self.called("open_update", str(path))
        return os.open(path, os.O_RDWR | os.O_CREAT | BINARY, 0o644)

    def write(self, fd: int, data: bytes | memoryview) -> int:
        """Write some of ``data`` at the descriptor's position. Returns the bytes written, perhaps fewer."""
        self.called("write", str(fd))
        return os.write(fd, data)

    def seek(self, fd: int, offset: int) -> None:
        self.called("seek", str(fd))
        os.lseek(fd, offset, os.SEEK_SET)

    def truncate(self, fd: int, length: int) -> None:
        self.called("truncate", str(fd))
        os.ftruncate(fd, length)

    def size(self, fd: int) -> int:
        self.called("size", str(fd))
        return os.fstat(fd).st_size

    def fsync(self, fd: int) -> None:
        self.called("fsync", str(fd))
        os.fsync(fd)

    def close(self, fd: int) -> None:
        self.called("close", str(fd))
        os.close(fd)

    def rename(self, source: Path, target: Path) -> None:
        """Put ``source`` in the place of ``target`` in one step."""
        self.called("rename", str(target))
        source.replace(target)

    def fsync_folder(self, folder: Path) -> None:
        """Make a rename in ``folder`` last through a power cut. Nothing to do where folders cannot be opened."""
        self.called("fsync_folder", str(folder))
        if os.name == "nt":
            return
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def remove(self, path: Path) -> None:
        self.called("remove", str(path))
        path.unlink()

    def make_folder(self, folder: Path) -> None:
        self.called("make_folder", str(folder))
        folder.mkdir(parents=True, exist_ok=True)

    def read(self, path: Path) -> bytes:
        self.called("read", str(path))
        return path.read_bytes()

    def read_from(self, path: Path, offset: int) -> bytes:
        """The bytes of ``path`` from ``offset`` to its end."""
        self.called("read_from", str(path))
        with path.open("rb") as stream:
            stream.seek(offset)
            return stream.read()


_current = FileSystem()


def file_system() -> FileSystem:
    """The file system every store function uses now."""
    return _current


@contextmanager
def use_file_system(replacement: FileSystem) -> Iterator[FileSystem]:
    """Use ``replacement`` for the whole process within the block. For fault tests; not for several threads."""
    global _current
    before = _current
    _current = replacement
    try:
        yield replacement
    finally:
        _current = before


def close_quietly(fd: int) -> None:
    """Close ``fd`` on a path that already reports a more important error."""
    with suppress(OSError):
        os.close(fd)
