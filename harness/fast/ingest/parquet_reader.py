"""Parquet to raw columns, row group by row group; only the groups of the portion are decoded."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.fast.bars import Bars, portion_rows
from harness.fast.errors import IngestError
from harness.fast.ingest.clean import RawBars
from harness.fast.ingest.columns import ColumnMap, epoch_unit, map_columns, symbol_of
from harness.fast.ingest.csv_reader import arrow_time_ns, arrow_values


def read_parquet(
    path: Path, *, fraction: float = 1.0, portion: int = 1, progress: Callable[[int, int], None] | None = None
) -> list[RawBars]:
    """Raw rows of each symbol in the file, in file order. Raises :class:`IngestError`."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise IngestError(f"{path}: Parquet needs pyarrow: pip install '.[fast]'") from None
    try:
        with parquet.ParquetFile(path) as file:
            columns = map_columns(file.schema_arrow.names, path)
            start, stop = 0, file.metadata.num_rows
            if columns.symbol is None:
                start, stop = portion_rows(stop, fraction, portion)
            table = _rows(file, columns, start, stop, progress)
            total = file.metadata.num_rows
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise IngestError(f"{path}: no readable Parquet file ({reason})") from None
    if columns.symbol is None:
        return [RawBars(Bars.of(symbol_of(path), table.columns), total)]
    found = []
    assert table.symbols is not None
    for name in np.unique(table.symbols).tolist():
        rows = np.flatnonzero(table.symbols == name)
        start, stop = portion_rows(len(rows), fraction, portion)
        part = rows[start:stop]
        found.append(RawBars(Bars.of(str(name).upper(), (column[part] for column in table.columns)), len(rows)))
    return found


class _Table:
    """Time, open, high, low, close, volume as arrays, and the symbols of the rows or ``None``."""

    def __init__(self, rows: int) -> None:
        prices = [np.empty(rows) for _ in range(5)]
        self.columns: tuple[Any, ...] = (np.empty(rows, dtype=np.int64), *prices)
        self.symbols: npt.NDArray[np.str_] | None = None


def _rows(file: Any, columns: ColumnMap, start: int, stop: int, progress: Callable[[int, int], None] | None) -> _Table:
    names = [*columns.fields, *([columns.symbol] if columns.symbol is not None else [])]
    table = _Table(stop - start)
    symbols: list[npt.NDArray[np.str_]] = []
    first = 0
    for index in range(file.num_row_groups):
        count = file.metadata.row_group(index).num_rows
        begin, end = max(start, first), min(stop, first + count)
        if begin < end:
            group = file.read_row_group(index, columns=names).slice(begin - first, end - begin)
            rows = slice(begin - start, end - start)
            table.columns[0][rows] = _times(group[columns.fields[0]])
            for target, name in zip(table.columns[1:], columns.fields[1:], strict=True):
                target[rows] = arrow_values(group[name].cast("float64"), math.nan)
            if columns.symbol is not None:
                symbols.append(np.array(group[columns.symbol].cast("string").to_pylist(), dtype=np.str_))
            if progress is not None:
                progress(end - start, stop - start)
        first += count
    if columns.symbol is not None:
        table.symbols = np.concatenate(symbols) if symbols else np.zeros(0, dtype=np.str_)
    return table


def _times(column: Any) -> npt.NDArray[np.int64]:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        zoned = pa.types.is_timestamp(kind) and kind.tz is not None
        return arrow_time_ns(pc.cast(column, pa.timestamp("ns", tz=kind.tz if zoned else None)), "", zoned=zoned)
    if pa.types.is_integer(kind):
        known = column.drop_null()
        unit = epoch_unit(known[0].as_py(), Path("time column")) if len(known) else "ns"
        return arrow_time_ns(column, unit, zoned=False)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return arrow_time_ns(pc.cast(column, pa.timestamp("ns")), "", zoned=False)
    raise IngestError(f"the time column is of type {kind}; store timestamps or numbers since 1970")
