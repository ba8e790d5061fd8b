"""Market data as columns, decoded once and memory-mapped from then on.

API::

    store = ColumnStore(cache_folder)          None: decode in memory, nothing is written
    store.trade_bars(zip_path, "second", date) -> BarColumns | None      None when the zip is not there
    store.quote_bars(zip_path, "minute", date) -> BarColumns | None
    BarColumns: .rows .tick_type .start_us .price_scale .volume_scale
        trades: .open .high .low .close .volume
        quotes: .bid_open .bid_high .bid_low .bid_close .bid_size .ask_open ... .ask_size

Every column is a read-only, contiguous ``int64`` array of ``rows`` values. ``start_us`` is the start of each bar in
microseconds since 1970-01-01 00:00 of the *exchange's local* clock (for data files in America/New_York); the value of
a price is ``mantissa / 10**price_scale`` (4 unless the file holds fractions), of a volume or size
``mantissa / 10**volume_scale`` (0 likewise). A quote side that is not there is all zeros. Second and minute zips hold
one date, hour and daily zips all dates of a symbol.

One cache file belongs to one zip: a header of 4096 bytes, then the columns one after the other. It is used only when
its header is whole and carries the zip's path, size and modification time, and its length and checksums are right; in
any other case it is silently made again. Files are written under a temporary name and renamed, so that many processes
may share a folder; when the folder cannot be written the data is decoded in memory. The checksums (sum and
exclusive-or of all 64-bit words) find damage of single words and torn or zeroed pages; they are no defence against
somebody who forges a file.
"""

# 120 files are opened before the first bar: building Path objects would cost as much as opening them.
# ruff: noqa: PTH100, PTH103, PTH105, PTH108, PTH116, PTH118, PTH119, PTH120, PTH123

from __future__ import annotations

import datetime as dt
import itertools
import mmap
import os
import struct
from pathlib import Path

import numpy as np

from harness.marketdata.lean_format import BarTable, Int64, column_names, entry_name, read_bars

FORMAT_VERSION = 2
_MAGIC = b"LBHCOLS\n"
_HEADER_BYTES = 4096  # one page, so that the columns start aligned
# version, quote?, rows, price scale, volume scale, source size, source mtime, sum, xor, length of the source's path
_FIELDS = struct.Struct("<8sIIqiiqqQQI")
_HEADER_CHECK = struct.Struct("<I")  # CRC-32 of everything in the header before it, at the header's end
_LONGEST_PATH = _HEADER_BYTES - _FIELDS.size - _HEADER_CHECK.size
_unique = itertools.count()


class BarColumns:
    """The bars of one zip. See the module's text for the columns and their units."""

    __slots__ = (
        *("_block", "_mapping", "price_scale", "rows", "start_us", "tick_type", "volume_scale"),
        *("open", "high", "low", "close", "volume"),
        *("bid_open", "bid_high", "bid_low", "bid_close", "bid_size"),
        *("ask_open", "ask_high", "ask_low", "ask_close", "ask_size"),
    )

    open: Int64
    high: Int64
    low: Int64
    close: Int64
    volume: Int64
    bid_open: Int64
    bid_high: Int64
    bid_low: Int64
    bid_close: Int64
    bid_size: Int64
    ask_open: Int64
    ask_high: Int64
    ask_low: Int64
    ask_close: Int64
    ask_size: Int64

    def __init__(self, tick_type: str, block: Int64, price_scale: int, volume_scale: int) -> None:
        """``block`` has one row a column: the start times, then the columns of ``tick_type`` in their order."""
        self.tick_type = tick_type
        self._block = block
        self.rows: int = block.shape[1]
        self.price_scale = price_scale
        self.volume_scale = volume_scale
        self.start_us: Int64 = block[0]
        for index, name in enumerate(column_names(tick_type), start=1):
            setattr(self, name, block[index])

    def __len__(self) -> int:
        return self.rows

    @property
    def columns(self) -> tuple[Int64, ...]:
        """The value columns in the order of the file."""
        return tuple(self._block[1:])


class ColumnStore:
    """Opens zips as :class:`BarColumns`, through a folder of cache files when one is given."""

    def __init__(self, cache_folder: Path | str | None) -> None:
        self._folder = None if cache_folder is None else os.fspath(cache_folder)

    def trade_bars(self, zip_path: Path | str, resolution: str, date: dt.date | None = None) -> BarColumns | None:
        """Trade bars of one zip, or None when there is no such file.

        ``date`` is needed for second and minute zips. Raises :class:`harness.marketdata.lean_format.FormatError` for a
        zip that cannot be read; nothing is cached then.
        """
        return self._open(os.fspath(zip_path), resolution, "trade", date)

    def quote_bars(self, zip_path: Path | str, resolution: str, date: dt.date | None = None) -> BarColumns | None:
        """Quote bars of one zip; as :meth:`trade_bars`."""
        return self._open(os.fspath(zip_path), resolution, "quote", date)

    def _open(self, path: str, resolution: str, tick_type: str, date: dt.date | None) -> BarColumns | None:
        try:
            status = os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        if self._folder is None:
            return _from_table(_decode(path, resolution, tick_type, date))
        path = os.path.abspath(path)
        cache_path = os.path.join(self._folder, _cache_name(path, resolution, tick_type))
        identity = (status.st_size, status.st_mtime_ns)
        found = _load(cache_path, path, identity, tick_type)
        if found is None:
            found = _from_table(_decode(path, resolution, tick_type, date))
            _save(cache_path, path, identity, found)
        return found


def _cache_name(path: str, resolution: str, tick_type: str) -> str:
    """Readable and, by a checksum of the folder, distinct; the header has the whole path in case two are alike."""
    import zlib

    folder, name = os.path.split(path)
    place = zlib.crc32(folder.encode("utf-8", "surrogateescape"))
    return f"{resolution}_{os.path.basename(folder)}_{name[:-4]}_{tick_type}_{place:08x}.cols"


def _decode(path: str, resolution: str, tick_type: str, date: dt.date | None) -> BarTable:
    parent = os.path.basename(os.path.dirname(path))
    hint = None if date is None else entry_name(parent, resolution, date, tick_type)
    return read_bars(path, resolution, tick_type, date, hint)


def _from_table(table: BarTable) -> BarColumns:
    block = np.empty((1 + len(table.columns), len(table)), dtype=np.int64)
    block[0] = table.start_us
    for index, column in enumerate(table.columns, start=1):
        block[index] = column
    block.flags.writeable = False
    return BarColumns(table.tick_type, block, table.price_scale, table.volume_scale)


def _checksums(block: Int64) -> tuple[int, int]:
    words = block.reshape(-1).view(np.uint64)
    return int(np.add.reduce(words)), int(np.bitwise_xor.reduce(words))


def _crc32(data: bytes) -> int:
    import zlib

    return zlib.crc32(data)


def _load(cache_path: str, source: str, identity: tuple[int, int], tick_type: str) -> BarColumns | None:
    """The cached columns, or None when there are none that belong to exactly this source."""
    try:
        descriptor = os.open(cache_path, os.O_RDONLY)
    except OSError:
        return None
    try:
        mapping = mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):
        return None
    finally:
        os.close(descriptor)
    length = len(mapping)
    if length < _HEADER_BYTES:
        return None
    head = mapping[: _HEADER_BYTES - _HEADER_CHECK.size]
    if _HEADER_CHECK.unpack_from(mapping, len(head)) != (_crc32(head),):
        return None
    fields = _FIELDS.unpack_from(mapping)
    magic, version, is_quote, rows, price_scale, volume_scale, size, mtime_ns, total, parity, path_bytes = fields
    width = 1 + len(column_names(tick_type))
    if (magic, version, is_quote) != (_MAGIC, FORMAT_VERSION, int(tick_type == "quote")):
        return None
    if (size, mtime_ns) != identity or rows < 0 or length != _HEADER_BYTES + rows * width * 8:
        return None
    if path_bytes > _LONGEST_PATH:
        return None
    if mapping[_FIELDS.size : _FIELDS.size + path_bytes] != os.fsencode(source):
        return None
    block: Int64 = np.frombuffer(mapping, dtype="<i8", offset=_HEADER_BYTES).reshape(width, rows)
    if _checksums(block) != (total, parity):
        return None
    return BarColumns(tick_type, block, price_scale, volume_scale)


def _save(cache_path: str, source: str, identity: tuple[int, int], columns: BarColumns) -> None:
    """Write the cache file whole or not at all. A folder that cannot be written only costs the cache."""
    encoded = os.fsencode(source)
    if len(encoded) > _LONGEST_PATH:
        return
    block = columns._block
    total, parity = _checksums(block)
    header = _FIELDS.pack(
        *(_MAGIC, FORMAT_VERSION, int(columns.tick_type == "quote"), columns.rows),
        *(columns.price_scale, columns.volume_scale, *identity, total, parity, len(encoded)),
    )
    head = (header + encoded).ljust(_HEADER_BYTES - _HEADER_CHECK.size, b"\0")
    temporary = f"{cache_path}.{os.getpid()}.{next(_unique)}.tmp"
    try:
        os.makedirs(os.path.dirname(cache_path), exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(head + _HEADER_CHECK.pack(_crc32(head)))
            file.write(block.astype("<i8", copy=False).tobytes())
        os.replace(temporary, cache_path)
    except OSError:
        try:
            os.unlink(temporary)
        except OSError:
            return
