"""CSV to raw columns: the file is cut at line ends into pieces that threads parse straight into the final arrays."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import itertools
import math
import threading
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from harness.fast.bars import Bars, portion_rows
from harness.fast.errors import IngestError
from harness.fast.ingest.clean import UNKNOWN_TIME, RawBars
from harness.fast.ingest.columns import (
    EXCHANGE_ZONE,
    FIELDS,
    NS_PER_UNIT,
    ColumnMap,
    epoch_unit,
    map_columns,
    symbol_of,
)

if TYPE_CHECKING:
    import pandas as pd

PIECE_BYTES: Final = 1 << 20
_HEAD_BYTES: Final = 1 << 13
_NEWLINE: Final = 10
_thread: Final = threading.local()
_COMPACT_TIME_FORMATS: Final = ("%Y%m%d %H:%M:%S", "%Y%m%d %H:%M", "%Y%m%d")
NO_PYARROW: Final = "pyarrow is not installed, so CSV is read with pandas (slower): pip install '.[fast]'"

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class _Layout:
    """How the file is written. ``time_unit``: of an epoch number, else empty; ``time_format``: of a compact time,
    else empty; ``zoned``: times carry a UTC offset and are moved to the exchange's clock."""

    path: Path
    delimiter: str
    names: tuple[str, ...]
    columns: ColumnMap
    data_start: int
    time_unit: str
    time_format: str
    zoned: bool


@dataclass(frozen=True, slots=True)
class _Piece:
    """Bytes ``start`` to ``stop`` of the file, whole lines; ``row``: where its first row goes."""

    start: int
    stop: int
    row: int
    lines: int


@dataclass(slots=True)
class _Columns:
    """The arrays that pieces are parsed into; ``symbol`` holds codes into ``symbol_names``."""

    time_ns: npt.NDArray[np.int64]
    prices: list[npt.NDArray[np.float64]]
    symbol: npt.NDArray[np.int32] | None
    symbol_codes: dict[str, int]
    lock: threading.Lock


def read_csv(
    path: Path, *, fraction: float = 1.0, portion: int = 1, threads: int = 2, progress: Progress | None = None
) -> list[RawBars]:
    """Raw rows of each symbol in the file, in file order.

    Of a file without a symbol column only the portion is read: the lines that begin in its share of the bytes.
    (Counting the lines of the whole file first would cost as much as parsing a quarter of it.)
    Raises :class:`IngestError` when the file cannot be read or its columns cannot be told.
    """
    try:
        layout = _layout(path)
        by_bytes = layout.columns.symbol is None
        pieces = _pieces(layout, threads, *((fraction, portion) if by_bytes else (1.0, 1)))
        rows = sum(piece.lines for piece in pieces)
        columns, counts, malformed = _parse(layout, pieces, rows, threads, progress)
    except OSError as error:
        raise IngestError(f"{path}: cannot be read ({error.strerror or error})") from None
    columns = _without_unused(columns, pieces, counts)
    blank = rows - sum(counts) - malformed
    if columns.symbol is None:
        source_rows = rows if fraction == 1.0 else None
        return [RawBars(_bars(symbol_of(path), columns, slice(None)), source_rows, blank, malformed)]
    return _by_symbol(path, columns, fraction=fraction, portion=portion, blank=blank, malformed=malformed)


def _bars(symbol: str, columns: _Columns, rows: slice | npt.NDArray[np.int64]) -> Bars:
    return Bars.of(symbol, (column[rows] for column in (columns.time_ns, *columns.prices)))


def _by_symbol(
    path: Path, columns: _Columns, *, fraction: float, portion: int, blank: int, malformed: int
) -> list[RawBars]:
    found: list[RawBars] = []
    assert columns.symbol is not None
    if "" in columns.symbol_codes:
        count = int(np.count_nonzero(columns.symbol == columns.symbol_codes[""]))
        raise IngestError(f"{path}: {count} rows have no symbol; name it in each row or remove them")
    for name, code in sorted(columns.symbol_codes.items()):
        rows = np.flatnonzero(columns.symbol == code)
        start, stop = portion_rows(len(rows), fraction, portion)
        # Lines without fields belong to no symbol; they are counted with the first.
        extra = (blank, malformed) if not found else (0, 0)
        found.append(RawBars(_bars(name, columns, rows[start:stop]), len(rows) + sum(extra), *extra))
    return found


# The layout, from the head of the file -----------------------------------------------------------------------------


def _layout(path: Path) -> _Layout:
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    start = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    if b"\0" in head[:4096]:
        raise IngestError(f"{path}: is not text; give CSV, Parquet or a Lean data folder")
    text = head[start:].decode("utf-8", errors="replace")
    lines = text.splitlines(keepends=True)
    while lines and not lines[0].strip():
        start += len(lines.pop(0).encode())
    if not lines:
        raise IngestError(f"{path}: is empty; give a file with at least one bar")
    first = lines[0]
    delimiter = max(",;\t", key=first.count)
    fields = [field.strip().strip('"') for field in first.rstrip("\r\n").split(delimiter)]
    has_header = not _is_number(fields[-1])
    names = tuple(fields) if has_header else _names_without_header(fields, path)
    data_start = start + len(first.encode()) if has_header else start
    columns = map_columns(names, path)
    data_lines = [line for line in lines[has_header:] if line.strip()]
    time = _field(data_lines[0], delimiter, names.index(columns.fields[0])) if data_lines else ""
    unit, form, zoned = _time_kind(time, path)
    return _Layout(path, delimiter, names, columns, data_start, unit, form, zoned)


def _names_without_header(fields: Sequence[str], path: Path) -> tuple[str, ...]:
    if len(fields) != len(FIELDS):
        raise IngestError(
            f"{path}: no header and {len(fields)} columns; without a header there must be {len(FIELDS)}: "
            f"{', '.join(FIELDS)}"
        )
    return FIELDS


def _field(line: str, delimiter: str, index: int) -> str:
    fields = line.rstrip("\r\n").split(delimiter)
    return fields[index].strip().strip('"') if index < len(fields) else ""


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _time_kind(text: str, path: Path) -> tuple[str, str, bool]:
    """Epoch unit, compact format and whether there is a UTC offset, of the first time in the file."""
    for form in _COMPACT_TIME_FORMATS:
        with contextlib.suppress(ValueError):
            if len(text) == len(dt.datetime(2000, 1, 1).strftime(form)):
                dt.datetime.strptime(text, form)  # only the shape is of interest
                return "", form, False
    if text.isascii() and text.isdigit():
        return epoch_unit(int(text), path), "", False
    clock = text[10:]
    return "", "", clock.endswith(("Z", "z")) or "+" in clock or "-" in clock


# Pieces ------------------------------------------------------------------------------------------------------------


def _pieces(layout: _Layout, threads: int, fraction: float, portion: int) -> list[_Piece]:
    """Cut the portion at line ends into pieces of about ``PIECE_BYTES`` and count their lines."""
    size = layout.path.stat().st_size
    start, stop = portion_rows(size - layout.data_start, fraction, portion)
    with layout.path.open("rb") as file:

        def line_at(offset: int) -> int:
            """Begin of the first line that begins at ``offset`` or after it."""
            if offset <= layout.data_start:
                return layout.data_start
            file.seek(offset - 1)
            file.readline()
            return min(file.tell(), size)

        last = line_at(layout.data_start + stop)
        cuts = [line_at(layout.data_start + start)]
        while cuts[-1] < last:
            cuts.append(min(line_at(cuts[-1] + PIECE_BYTES), last))

    def count(bounds: tuple[int, int]) -> int:
        data = np.frombuffer(_read(layout.path, *bounds), dtype=np.uint8)
        unfinished = len(data) > 0 and int(data[-1]) != _NEWLINE
        return int(np.count_nonzero(data == _NEWLINE)) + unfinished

    spans = list(itertools.pairwise(cuts))
    counts = list(_pool(threads).map(count, spans))
    firsts = np.concatenate(([0], np.cumsum(counts, dtype=np.int64))).tolist()
    return [_Piece(*span, row, lines) for span, row, lines in zip(spans, firsts, counts, strict=False)]


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """The threads that read, kept with their buffers from file to file."""
    return ThreadPoolExecutor(threads, thread_name_prefix="read-csv")


def _read(path: Path, start: int, stop: int) -> memoryview:
    """These bytes of the file, in a buffer of the calling thread: valid until its next call.

    A fresh block of memory for each piece would cost more, in page faults, than reading the piece.
    """
    buffer: bytearray = getattr(_thread, "buffer", None) or bytearray()
    if len(buffer) < stop - start:
        buffer = _thread.buffer = bytearray(stop - start)
    view = memoryview(buffer)[: stop - start]
    filled = 0
    with io.FileIO(path) as file:
        file.seek(start)
        while filled < len(view):
            count = file.readinto(view[filled:])
            if not count:
                raise IngestError(f"{path}: became shorter while it was read; read it again when it is complete")
            filled += count
    return view


# Parsing -----------------------------------------------------------------------------------------------------------


def _parse(
    layout: _Layout, pieces: Sequence[_Piece], rows: int, threads: int, progress: Progress | None
) -> tuple[_Columns, list[int], int]:
    """Parse every piece into its rows; the number of rows each gave, and the malformed lines of all."""
    columns = _Columns(
        np.empty(rows, np.int64),
        [np.empty(rows) for _ in FIELDS[1:]],
        np.empty(rows, np.int32) if layout.columns.symbol is not None else None,
        {},
        threading.Lock(),
    )
    read_piece = _piece_reader(layout)
    done = 0
    total = sum(piece.stop - piece.start for piece in pieces)

    def parse(piece: _Piece) -> tuple[int, int]:
        nonlocal done
        counted = read_piece(_read(layout.path, piece.start, piece.stop), piece, columns)
        with columns.lock:
            done += piece.stop - piece.start
            if progress is not None:
                progress(done, total)
        return counted

    results = list(_pool(threads).map(parse, pieces))
    return columns, [count for count, _ in results], sum(bad for _, bad in results)


_PieceReader = Callable[[memoryview, _Piece, _Columns], tuple[int, int]]


def _piece_reader(layout: _Layout) -> _PieceReader:
    try:
        import pyarrow  # noqa: F401 - only whether it is there
    except ImportError:
        warnings.warn(NO_PYARROW, stacklevel=2)
        return _PandasReader(layout)
    return _ArrowReader(layout)


class _ArrowReader:
    """Typed parsing by pyarrow; a piece with a field that is no number or time is read again, field by field."""

    def __init__(self, layout: _Layout) -> None:
        self._layout = layout
        self._careful = _PandasReader(layout)

    def __call__(self, data: memoryview, piece: _Piece, columns: _Columns) -> tuple[int, int]:
        import pyarrow as pa
        from pyarrow import csv

        layout = self._layout
        malformed = 0

        def skip(_row: object) -> str:
            nonlocal malformed
            malformed += 1
            return "skip"

        time_name, *price_names = layout.columns.fields
        types = dict.fromkeys(price_names, pa.float64())
        if layout.time_unit:
            types[time_name] = pa.int64()
        else:
            types[time_name] = pa.timestamp("ns", tz="UTC") if layout.zoned else pa.timestamp("ns")
        if layout.columns.symbol is not None:
            types[layout.columns.symbol] = pa.dictionary(pa.int32(), pa.string())
        try:
            table = csv.read_csv(
                pa.BufferReader(pa.py_buffer(data)),
                # One block, one thread: the pieces themselves are what runs in parallel.
                read_options=csv.ReadOptions(
                    use_threads=False, block_size=len(data) + 1, column_names=list(layout.names)
                ),
                parse_options=csv.ParseOptions(delimiter=layout.delimiter, invalid_row_handler=skip),
                convert_options=csv.ConvertOptions(
                    column_types=types,
                    include_columns=list(types),
                    timestamp_parsers=[layout.time_format] if layout.time_format else [csv.ISO8601],
                ),
                # Arrow's own pool keeps what a thread once needed; the system's gives it back.
                memory_pool=pa.system_memory_pool(),
            )
        except pa.ArrowInvalid:
            return self._careful(data, piece, columns)
        rows = slice(piece.row, piece.row + table.num_rows)
        columns.time_ns[rows] = arrow_time_ns(table[time_name], layout.time_unit, zoned=layout.zoned)
        for target, name in zip(columns.prices, price_names, strict=True):
            target[rows] = arrow_values(table[name], math.nan)
        if columns.symbol is not None:
            codes = table[layout.columns.symbol].combine_chunks()
            names = [symbol or "" for symbol in codes.dictionary.to_pylist()]
            indices = arrow_values(pa.chunked_array([codes.indices]), -1)
            columns.symbol[rows] = _coded(names, columns)[indices] if names else 0
        return table.num_rows, malformed


def arrow_values(column: Any, null: float) -> npt.NDArray[Any]:
    """An Arrow column of numbers (double, int64, int32) as an array, ``null`` for missing values.

    Read from the buffers: ``to_numpy`` would import pandas, which costs more memory than a million bars.
    """
    if column.null_count:
        column = column.fill_null(null)
    dtype = {"double": np.float64, "int64": np.int64, "int32": np.int32}[str(column.type)]
    parts = []
    for chunk in column.chunks:
        values = np.frombuffer(chunk.buffers()[1], dtype=dtype)
        parts.append(values[chunk.offset : chunk.offset + len(chunk)])
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=dtype)


def arrow_time_ns(column: Any, unit: str, *, zoned: bool) -> npt.NDArray[np.int64]:
    """Arrow times as wall-clock nanoseconds, ``UNKNOWN_TIME`` for null. ``unit``: of an epoch number, else empty."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if unit:
        values = arrow_values(column.cast(pa.int64()), UNKNOWN_TIME)
        return np.where(values == UNKNOWN_TIME, UNKNOWN_TIME, values * NS_PER_UNIT[unit])
    if zoned:
        column = pc.local_timestamp(pc.cast(column, pa.timestamp("ns", tz=EXCHANGE_ZONE)))
    return np.asarray(arrow_values(column.cast(pa.int64()), UNKNOWN_TIME))


def _coded(names: Sequence[str], columns: _Columns) -> npt.NDArray[np.int32]:
    """Codes of the symbols, new ones added."""
    with columns.lock:
        codes = columns.symbol_codes
        return np.array([codes.setdefault(name.strip().upper(), len(codes)) for name in names], dtype=np.int32)


class _PandasReader:
    """Every field as text first, then to numbers and times; what is none becomes NaN or ``UNKNOWN_TIME``."""

    def __init__(self, layout: _Layout) -> None:
        self._layout = layout

    def __call__(self, data: memoryview, piece: _Piece, columns: _Columns) -> tuple[int, int]:
        import pandas as pd

        layout = self._layout
        kept, malformed = _well_formed(bytes(data), layout)
        if not kept.strip():
            return 0, malformed
        table = pd.read_csv(
            io.BytesIO(kept),
            header=None,
            names=list(layout.names),
            dtype=str,
            sep=layout.delimiter,
            na_filter=False,
            encoding_errors="replace",
            index_col=False,
        )
        time_name, *price_names = layout.columns.fields
        rows = slice(piece.row, piece.row + len(table))
        columns.time_ns[rows] = _text_time_ns(table[time_name], layout)
        for target, name in zip(columns.prices, price_names, strict=True):
            target[rows] = pd.to_numeric(table[name], errors="coerce").to_numpy(np.float64)
        if columns.symbol is not None:
            codes, names = pd.factorize(table[str(layout.columns.symbol)])
            columns.symbol[rows] = _coded([str(name) for name in names], columns)[codes]
        return len(table), malformed


def _well_formed(data: bytes, layout: _Layout) -> tuple[bytes, int]:
    """The lines with the right number of fields, and how many others there were; blank lines go too."""
    lines = [line for line in data.splitlines(keepends=True) if line.strip()]
    delimiter = layout.delimiter.encode()
    kept = [line for line in lines if line.count(delimiter) == len(layout.names) - 1]
    return b"".join(kept), len(lines) - len(kept)


def _text_time_ns(column: pd.Series[str], layout: _Layout) -> npt.NDArray[np.int64]:
    import pandas as pd

    if layout.time_unit:
        numbers = pd.to_numeric(column, errors="coerce")
        known = numbers.notna().to_numpy()
        # Unreadable fields make the column floats; whole numbers of up to 2**53 survive that, nanoseconds do not.
        values = np.full(len(column), UNKNOWN_TIME, dtype=np.int64)
        values[known] = column[known].astype(np.int64).to_numpy() * NS_PER_UNIT[layout.time_unit]
        return values
    times = pd.to_datetime(column, errors="coerce", format=layout.time_format or "ISO8601", utc=layout.zoned)
    if layout.zoned:
        times = times.dt.tz_convert(EXCHANGE_ZONE).dt.tz_localize(None)
    return np.asarray(times.to_numpy().astype("datetime64[ns]").view(np.int64))


def _without_unused(columns: _Columns, pieces: Sequence[_Piece], counts: Sequence[int]) -> _Columns:
    """Close the holes that blank and malformed lines left in the arrays."""
    if all(piece.lines == count for piece, count in zip(pieces, counts, strict=True)):
        return columns
    keep = np.zeros(len(columns.time_ns), dtype=np.bool_)
    for piece, count in zip(pieces, counts, strict=True):
        keep[piece.row : piece.row + count] = True
    columns.time_ns = columns.time_ns[keep]
    for index, price in enumerate(columns.prices):
        columns.prices[index] = price[keep]
    if columns.symbol is not None:
        columns.symbol = columns.symbol[keep]
    return columns
