"""Where the top-level sections of a JSON file are, without building its objects.

One scan finds the byte span of every top-level field; afterwards a section is read and decoded alone. Two scanners
with the same result:

* Lean's own layout (two spaces of indentation) is found by its line starts, in 1 MB pieces, so a file of any size
  costs one sequential read and 1 MB of memory. What it finds is checked against the layout's rules (a closing
  bracket on its own line at the same depth); any doubt falls through to the other scanner.
* Anything else is walked by msgspec's parser over the mapped file, which skips values without building them.

The index is a few kilobytes. It can be kept on disk; it is believed only while the file has the size, the
modification time and the edge bytes it was made from, and each section's own edge bytes are checked when it is read.
"""

from __future__ import annotations

import mmap
import os
import re
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from harness.errors import DamagedError, HarnessError, InputError
from harness.results.decoding import LARGE_BYTES, damaged, decode_exact, decode_plain, decode_typed
from harness.results.store import read_json, write_json

T = TypeVar("T")

INDEX_SCHEMA = "harness.section-index"
CACHE_FOLDER = ".harness-cache"
EDGE_BYTES = 4096
PIECE_BYTES = 1 << 20
MAXIMUM_SECTIONS = 100_000

_LINE_KEY = re.compile(rb'\n  "')
_KEY = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_SPACE = b" \t\r\n"
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Section:
    """One top-level field: its value is bytes ``start`` to ``end`` of the file; ``check`` is a CRC of its edges."""

    name: str
    start: int
    end: int
    check: int

    @property
    def length(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Identity:
    """What a file looked like when it was scanned: size, modification time (ns), CRC of its first and last bytes."""

    size: int
    mtime_ns: int
    edges: int


@dataclass(frozen=True, slots=True)
class SectionIndex:
    """The sections of one file, in file order, by name."""

    identity: Identity
    sections: dict[str, Section]


class Sections(Protocol):
    """A JSON object read section by section, wherever its text is kept."""

    path: Path

    @property
    def names(self) -> list[str]: ...

    def length(self, name: str) -> int: ...

    def raw(self, name: str) -> bytes: ...

    def value(self, name: str, exact: bool = False) -> Any: ...

    def typed(self, name: str, kind: type[T]) -> T: ...


class SectionText:
    """:class:`Sections` of a JSON object in memory; ``path`` is for messages. ``DamagedError`` when it is none."""

    def __init__(self, data: bytes, path: Path) -> None:
        self.path = path
        self._sections = decode_typed(data, dict[str, msgspec.Raw], path)

    @property
    def names(self) -> list[str]:
        return list(self._sections)

    def length(self, name: str) -> int:
        return len(self.raw(name))

    def raw(self, name: str) -> bytes:
        return bytes(self._sections[name])

    def value(self, name: str, exact: bool = False) -> Any:
        where = f"{self.path}, section {name!r}"
        return decode_exact(self._sections[name], where) if exact else decode_plain(self._sections[name], where)

    def typed(self, name: str, kind: type[T]) -> T:
        return decode_typed(self._sections[name], kind, f"{self.path}, section {name!r}")


class SectionFile:
    """A JSON object in a file, read section by section.

    ``index_path`` (optional) keeps the index on disk; a folder that cannot be written is no error. Thread-safe. The
    file is opened for each read, so a file replaced in between is noticed: the index is then made anew and
    ``generation`` grows by one (the first index makes it 1).

    Raises ``InputError`` when the file is missing, ``DamagedError`` when it is not a whole JSON object.
    """

    def __init__(self, path: Path, index_path: Path | None = None) -> None:
        self.path = path
        self.index_path = index_path
        self.generation = 0
        self._index: SectionIndex | None = None
        self._lock = threading.Lock()

    @property
    def names(self) -> list[str]:
        """The section names, in file order."""
        with self._open() as fd:
            return list(self._fresh_index(fd).sections)

    def length(self, name: str) -> int:
        """Bytes of the section's text. ``KeyError`` when there is none of that name."""
        with self._open() as fd:
            return self._fresh_index(fd).sections[name].length

    def refresh(self) -> int:
        """Look at the file again and re-index it if it changed. Returns ``generation``."""
        with self._open() as fd:
            self._fresh_index(fd)
        return self.generation

    def raw(self, name: str) -> bytes:
        """The section's text as it stands in the file. ``KeyError`` when there is none of that name."""
        with self._open() as fd:
            for _ in range(2):
                section = self._fresh_index(fd).sections[name]
                data = _read_span(fd, section.start, section.end)
                if _span_check(data) == section.check:
                    return data
                with self._lock:  # the file changed under an unchanged size and time
                    self._index = None
                    self._forget_stored_index()
        raise DamagedError(f"{self.path}: section {name!r} changes while it is read; wait for its writer to end")

    def value(self, name: str, exact: bool = False) -> Any:
        """The section as Python objects: floats as ``float``, or with ``exact`` as ``Decimal`` of their text."""
        where = f"{self.path}, section {name!r}"
        with self._text(name) as text:
            return decode_exact(text, where) if exact else decode_plain(text, where)

    def typed(self, name: str, kind: type[T]) -> T:
        """The section decoded as ``kind``; fields that ``kind`` does not have are skipped."""
        with self._text(name) as text:
            return decode_typed(text, kind, f"{self.path}, section {name!r}")

    @contextmanager
    def _text(self, name: str) -> Iterator[bytes | memoryview]:
        """The section's text for decoding: a large one is mapped, not copied."""
        with self._open() as fd:
            section = self._fresh_index(fd).sections[name]
            if section.length >= LARGE_BYTES and _file_span_check(fd, section.start, section.end) == section.check:
                with mmap.mmap(fd, 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as whole:
                    if hasattr(mmap, "MADV_SEQUENTIAL"):
                        mapped.madvise(mmap.MADV_SEQUENTIAL)
                    with whole[section.start : section.end] as text:
                        yield text
                return
        yield self.raw(name)

    # ---------------------------------------------------------------- index

    def _open(self) -> _Descriptor:
        return _Descriptor(self.path)

    def _fresh_index(self, fd: int) -> SectionIndex:
        status = os.fstat(fd)
        with self._lock:
            index = self._index
            if index is not None:
                if (index.identity.size, index.identity.mtime_ns) == (status.st_size, status.st_mtime_ns):
                    return index
                self._index = None
            elif (index := self._stored_index(fd, status)) is not None:
                self._index = index
                self.generation += 1
                return index
            index = SectionIndex(_identity(fd, status), scan_sections(fd, self.path))
            self.generation += 1
            self._index = index
            self._store_index(index)
            return index

    def _stored_index(self, fd: int, status: os.stat_result) -> SectionIndex | None:
        if self.index_path is None:
            return None
        try:
            document = read_json(self.index_path, schema=INDEX_SCHEMA, version=1)
            identity = Identity(document["size"], document["mtime_ns"], document["edges"])
            if identity != _identity(fd, status):
                return None
            sections = {row[0]: Section(*row) for row in document["sections"]}
        except (HarnessError, KeyError, TypeError, IndexError):
            return None
        return SectionIndex(identity, sections)

    def _store_index(self, index: SectionIndex) -> None:
        if self.index_path is None:
            return
        rows = [[section.name, section.start, section.end, section.check] for section in index.sections.values()]
        document = {"file": self.path.name, **_identity_fields(index.identity), "sections": rows}
        try:
            write_json(self.index_path, document, schema=INDEX_SCHEMA, durable=False)
        except HarnessError:
            self.index_path = None  # a folder for reading only: the index lives as long as this object

    def _forget_stored_index(self) -> None:
        if self.index_path is not None:
            self.index_path.unlink(missing_ok=True)


def file_identity(path: Path) -> Identity:
    """What ``path`` looks like now. ``InputError`` when it cannot be read."""
    with _Descriptor(path) as fd:
        return _identity(fd, os.fstat(fd))


def _identity_fields(identity: Identity) -> dict[str, int]:
    return {"size": identity.size, "mtime_ns": identity.mtime_ns, "edges": identity.edges}


def scan_sections(fd: int, path: Path) -> dict[str, Section]:
    """The sections of the JSON object behind ``fd`` (``path`` is for messages), by name, in file order."""
    size = os.fstat(fd).st_size
    first = _read_span(fd, 0, min(size, EDGE_BYTES))
    skipped = len(_BOM) if first.startswith(_BOM) else 0
    start = skipped + len(first[skipped:]) - len(first[skipped:].lstrip(_SPACE))
    if first[start : start + 1] != b"{":
        what = "is empty" if not size else "does not start with an object"
        raise DamagedError(f"{path}: {what}; not a result document, or half-written")
    last = _read_span(fd, max(0, size - EDGE_BYTES), size)
    content_end = size - (len(last) - len(last.rstrip(_SPACE)))
    if last.rstrip(_SPACE)[-1:] != b"}":
        raise DamagedError(f"{path}: ends before its closing bracket; half-written, run the backtest again")
    spans = _scan_indented(fd, start, content_end)
    if spans is None:
        spans = _scan_any(fd, path, skipped)
    sections: dict[str, Section] = {}
    for name, begin, end in spans:
        if name in sections:
            raise DamagedError(f"{path}: the field {name!r} is there twice; not a result document")
        sections[name] = Section(name, begin, end, _file_span_check(fd, begin, end))
    return sections


def _scan_indented(fd: int, start: int, content_end: int) -> list[tuple[str, int, int]] | None:
    """Spans of a file laid out with two spaces; None when it is not certainly that layout."""
    head = _read_span(fd, start, start + 4)
    tail = _read_span(fd, content_end - 2, content_end)
    if head != b"{\n  " or tail != b"\n}":
        return None
    keys: list[tuple[int, str, int]] = []  # line start, name, value start
    for position in _line_keys(fd, start, content_end):
        if len(keys) >= MAXIMUM_SECTIONS:
            return None
        text = _read_span(fd, position + 3, position + 3 + EDGE_BYTES)
        match = _KEY.match(text)
        if match is None or text[match.end() : match.end() + 2] != b": ":
            return None
        try:
            name = msgspec.json.decode(match.group(0), type=str)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        keys.append((position, name, position + 3 + match.end() + 2))
    if not keys or keys[0][0] != start + 1:
        return None
    spans: list[tuple[str, int, int]] = []
    for number, (_, name, begin) in enumerate(keys):
        if number + 1 < len(keys):
            end = keys[number + 1][0] - 1
            if _read_span(fd, end, end + 1) != b",":
                return None
        else:
            end = content_end - 2
        if not _closed(fd, begin, end):
            return None
        spans.append((name, begin, end))
    return spans


def _closed(fd: int, begin: int, end: int) -> bool:
    """Whether a value of the two-space layout ends where it should: on its line, or with its bracket on its own."""
    first = _read_span(fd, begin, begin + 1)
    last = _read_span(fd, max(begin, end - 4), end)
    if first in b"{[":
        bracket = b"}" if first == b"{" else b"]"
        if last == b"\n  " + bracket:
            return True
        if not last.endswith(bracket):
            return False
    if end - begin > PIECE_BYTES:
        return False  # a very long one-line value: the other scanner knows
    text = _read_span(fd, begin, end)
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return b"\n" not in text


def _line_keys(fd: int, start: int, end: int) -> Iterator[int]:
    """Offsets of the newline before every line that starts with two spaces and a quote."""
    buffer = bytearray(PIECE_BYTES)
    view = memoryview(buffer)
    position = start
    while position < end:
        count = os.preadv(fd, [view], position) if hasattr(os, "preadv") else _read_into(fd, view, position)
        if count <= 0:
            return
        limit = min(count, end - position)
        for match in _LINE_KEY.finditer(buffer, 0, limit):
            yield position + match.start()
        if position + limit >= end:
            return
        position += limit - 3  # a match may straddle two pieces


def _scan_any(fd: int, path: Path, skipped: int) -> list[tuple[str, int, int]]:
    """Spans of any JSON object, by msgspec's parser over the mapped file."""
    with mmap.mmap(fd, 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as whole, whole[skipped:] as content:
        try:
            values: dict[str, msgspec.Raw] = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise damaged(path, error) from error
        lengths = {name: len(memoryview(raw)) for name, raw in values.items()}
        del values
        spans: list[tuple[str, int, int]] = []
        position = _skip_space(mapped, skipped) + 1
        while mapped[position := _skip_space(mapped, position)] != ord("}"):
            if mapped[position] == ord(","):
                position = _skip_space(mapped, position + 1)
            match = _KEY.match(mapped, position)
            if match is None:
                raise DamagedError(f"{path}: the field {len(spans) + 1} cannot be told from its neighbours")
            name = msgspec.json.decode(match.group(0), type=str)
            position = _skip_space(mapped, _skip_space(mapped, match.end()) + 1)
            end = position + lengths.pop(name, -1)
            if end < position:
                raise DamagedError(f"{path}: the field {name!r} is there twice; not a result document")
            spans.append((name, position, end))
            position = end
            if mapped[_skip_space(mapped, position)] not in b",}":
                raise DamagedError(f"{path}: the field {name!r} is there twice; not a result document")
        return spans


def _skip_space(mapped: mmap.mmap, position: int) -> int:
    while mapped[position] in _SPACE:
        position += 1
    return position


# ---------------------------------------------------------------- bytes


class _Descriptor:
    """A file opened for reading, closed at the end of the block."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1

    def __enter__(self) -> int:
        try:
            self._fd = os.open(self._path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except FileNotFoundError as error:
            raise InputError(f"{self._path}: no such file") from error
        except OSError as error:
            raise InputError(f"{self._path}: cannot be read ({error.strerror or error})") from error
        return self._fd

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)


def _read_span(fd: int, start: int, end: int) -> bytes:
    """Bytes ``start`` to ``end``, fewer at the end of the file."""
    parts: list[bytes] = []
    while start < end:
        part = _read_at(fd, min(end - start, 1 << 30), start)
        if not part:
            break
        parts.append(part)
        start += len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


_seek_lock = threading.Lock()


def _read_at(fd: int, count: int, offset: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(fd, count, offset)
    with _seek_lock:
        os.lseek(fd, offset, os.SEEK_SET)
        return os.read(fd, count)


def _read_into(fd: int, view: memoryview, offset: int) -> int:
    data = _read_at(fd, len(view), offset)
    view[: len(data)] = data
    return len(data)


def _identity(fd: int, status: os.stat_result) -> Identity:
    return Identity(status.st_size, status.st_mtime_ns, _file_span_check(fd, 0, status.st_size))


def _file_span_check(fd: int, start: int, end: int) -> int:
    """:func:`_span_check` of a span of the file, reading only its edges."""
    if end - start <= 2 * EDGE_BYTES:
        return zlib.crc32(_read_span(fd, start, end))
    return zlib.crc32(_read_span(fd, end - EDGE_BYTES, end), zlib.crc32(_read_span(fd, start, start + EDGE_BYTES)))


def _span_check(data: bytes) -> int:
    if len(data) <= 2 * EDGE_BYTES:
        return zlib.crc32(data)
    return zlib.crc32(data[-EDGE_BYTES:], zlib.crc32(data[:EDGE_BYTES]))
