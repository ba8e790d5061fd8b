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
from io import FileIO
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

_KEY_LINE_START = re.compile(rb'\n  "')
_KEY_LINE = re.compile(rb'\n  ("(?:[^"\\]|\\.)*"): ')
_KEY = re.compile(rb'[ \t\r\n,]*"(?:[^"\\]|\\.)*"[ \t\r\n]*:[ \t\r\n]*')
_CLOSING = {b"{": b"\n  }", b"[": b"\n  ]"}
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
        with _open(self.path) as file:
            return list(self._fresh_index(file).sections)

    def length(self, name: str) -> int:
        """Bytes of the section's text. ``KeyError`` when there is none of that name."""
        with _open(self.path) as file:
            return self._fresh_index(file).sections[name].length

    def refresh(self) -> int:
        """Look at the file again and re-index it if it changed. Returns ``generation``."""
        with _open(self.path) as file:
            self._fresh_index(file)
        return self.generation

    def raw(self, name: str) -> bytes:
        """The section's text as it stands in the file. ``KeyError`` when there is none of that name."""
        with _open(self.path) as file:
            section = self._fresh_index(file).sections[name]
            data = _read_span(file, section.start, section.end)
            if _span_check(data) == section.check:
                return data
            with self._lock:  # the file changed under an unchanged size and time
                section = self._new_index(file).sections[name]
            data = _read_span(file, section.start, section.end)
            if _span_check(data) == section.check:
                return data
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
        with _open(self.path) as file:
            section = self._fresh_index(file).sections[name]
            if section.length >= LARGE_BYTES and _file_span_check(file, section.start, section.end) == section.check:
                with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as whole:
                    if hasattr(mmap, "MADV_SEQUENTIAL"):
                        mapped.madvise(mmap.MADV_SEQUENTIAL)
                    with whole[section.start : section.end] as text:
                        yield text
                return
        yield self.raw(name)

    # ---------------------------------------------------------------- index

    def _fresh_index(self, file: FileIO) -> SectionIndex:
        status = os.fstat(file.fileno())
        with self._lock:
            index = self._index
            if index is None:
                index = self._stored_index(file)
                if index is None:
                    return self._new_index(file)
                self._index = index
                self.generation += 1
            elif (index.identity.size, index.identity.mtime_ns) != (status.st_size, status.st_mtime_ns):
                return self._new_index(file)
            return index

    def _new_index(self, file: FileIO) -> SectionIndex:
        """For one who holds the lock."""
        self._index = None
        index = SectionIndex(_identity(file), scan_sections(file, self.path))
        self._index = index
        self.generation += 1
        self._store_index(index)
        return index

    def _stored_index(self, file: FileIO) -> SectionIndex | None:
        if self.index_path is None:
            return None
        try:
            document = read_json(self.index_path, schema=INDEX_SCHEMA, version=1)
            identity = Identity(document["size"], document["mtime_ns"], document["edges"])
            if identity != _identity(file):
                return None
            sections = {row[0]: Section(*row) for row in document["sections"]}
        except (HarnessError, KeyError, TypeError, IndexError):
            return None
        return SectionIndex(identity, sections)

    def _store_index(self, index: SectionIndex) -> None:
        if self.index_path is None:
            return
        rows = [[section.name, section.start, section.end, section.check] for section in index.sections.values()]
        document = {
            "file": self.path.name,
            "size": index.identity.size,
            "mtime_ns": index.identity.mtime_ns,
            "edges": index.identity.edges,
            "sections": rows,
        }
        try:
            write_json(self.index_path, document, schema=INDEX_SCHEMA, durable=False)
        except HarnessError:
            self.index_path = None  # a folder for reading only: the index lives as long as this object


def file_identity(path: Path) -> Identity:
    """What ``path`` looks like now. ``InputError`` when it cannot be read."""
    with _open(path) as file:
        return _identity(file)


def scan_sections(file: FileIO, path: Path) -> dict[str, Section]:
    """The sections of the JSON object in ``file`` (``path`` is for messages), by name, in file order."""
    size = os.fstat(file.fileno()).st_size
    first = _read_span(file, 0, EDGE_BYTES)
    text = first.removeprefix(_BOM).lstrip(_SPACE)
    if not text.startswith(b"{"):
        what = "is empty" if not size else "does not start with an object"
        raise DamagedError(f"{path}: {what}; not a result document, or half-written")
    start = len(first) - len(text)
    last = _read_span(file, size - len(first), size)
    text = last.rstrip(_SPACE)
    if not text.endswith(b"}"):
        raise DamagedError(f"{path}: ends before its closing bracket; half-written, run the backtest again")
    end = size - (len(last) - len(text))
    spans = _scan_indented(file, start, end)
    if spans is None:
        spans = _scan_any(file, path, start)
    sections: dict[str, Section] = {}
    for name, begin, stop in spans:
        if name in sections:
            raise _twice(path, name)
        sections[name] = Section(name, begin, stop, _file_span_check(file, begin, stop))
    return sections


def _twice(path: Path, name: str) -> DamagedError:
    return DamagedError(f"{path}: the field {name!r} is there twice; not a result document")


def _scan_indented(file: FileIO, start: int, end: int) -> list[tuple[str, int, int]] | None:
    """Spans of the object at ``start`` to ``end`` if it is certainly laid out with two spaces, else None."""
    if _read_span(file, start, start + 4) != b"{\n  " or _read_span(file, end - 2, end) != b"\n}":
        return None
    keys: list[tuple[int, str, int]] = []  # line start, name, value start
    for position in _lines_with_keys(file, start, end):
        match = _KEY_LINE.match(_read_span(file, position, position + EDGE_BYTES))
        if match is None or len(keys) == MAXIMUM_SECTIONS:
            return None
        try:
            name = msgspec.json.decode(match[1])
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        keys.append((position, name, position + match.end()))
    spans: list[tuple[str, int, int]] = []
    stop = end - 2
    for position, name, begin in reversed(keys):
        if not _closed(file, begin, stop):
            return None
        spans.append((name, begin, stop))
        stop = position - 1  # where the comma is, before the first field the opening bracket
        if stop > start and _read_span(file, stop, stop + 1) != b",":
            return None
    return spans[::-1] if stop == start else None


def _closed(file: FileIO, begin: int, stop: int) -> bool:
    """Whether a value of the two-space layout ends where it should: with its bracket on its own, or on its line."""
    if _read_span(file, stop - 4, stop) == _CLOSING.get(_read_span(file, begin, begin + 1)):
        return True
    if stop - begin > PIECE_BYTES:
        return False  # a very long one-line value: the other scanner knows
    text = _read_span(file, begin, stop)
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return text.strip() == text


def _lines_with_keys(file: FileIO, start: int, end: int) -> Iterator[int]:
    """Offsets of the newline before every line that starts with two spaces and a quote."""
    buffer = bytearray(PIECE_BYTES)
    while end - start > 3:
        file.seek(start)
        count = min(file.readinto(buffer), end - start)
        if count <= 3:
            return  # the file has become shorter
        for match in _KEY_LINE_START.finditer(buffer, 0, count):
            yield start + match.start()
        start += count - 3  # one may straddle two pieces


class _Key:
    """A field's name as a key that equals no other, so that a name that is there twice is found twice."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


def _scan_any(file: FileIO, path: Path, start: int) -> list[tuple[str, int, int]]:
    """Spans of any JSON object that begins at ``start``, by msgspec's parser over the mapped file."""
    with (
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
        memoryview(mapped) as whole,
        whole[start:] as content,
    ):
        try:
            values = msgspec.json.decode(content, type=dict[_Key, msgspec.Raw], dec_hook=lambda _, name: _Key(name))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise damaged(path, error) from error
        lengths = [(key.name, len(memoryview(raw))) for key, raw in values.items()]
        del values
        spans: list[tuple[str, int, int]] = []
        position = start + 1
        for name, length in lengths:
            match = _KEY.match(mapped, position)
            assert match is not None
            position = match.end() + length
            spans.append((name, match.end(), position))
        return spans


# ---------------------------------------------------------------- bytes


def _open(path: Path) -> FileIO:
    try:
        return FileIO(path)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error


def _read_span(file: FileIO, start: int, end: int) -> bytes:
    """Bytes ``start`` to ``end``, fewer at the end of the file."""
    file.seek(start)
    data = b""
    while (left := end - start - len(data)) > 0 and (part := file.read(left)):
        data += part  # one read gives at most 2 GiB
    return data


def _identity(file: FileIO) -> Identity:
    status = os.fstat(file.fileno())
    return Identity(status.st_size, status.st_mtime_ns, _file_span_check(file, 0, status.st_size))


def _file_span_check(file: FileIO, start: int, end: int) -> int:
    """:func:`_span_check` of a span of the file, reading only its edges."""
    head = _read_span(file, start, min(start + EDGE_BYTES, end))
    return zlib.crc32(_read_span(file, max(start, end - EDGE_BYTES), end), zlib.crc32(head))


def _span_check(data: bytes) -> int:
    return zlib.crc32(data[-EDGE_BYTES:], zlib.crc32(data[:EDGE_BYTES]))
