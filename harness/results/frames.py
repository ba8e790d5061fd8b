"""Orders, order events, closed trades and charts as data frames, and as Parquet files beside the results.

Frames are built from columns (typed decoding of the wanted fields, no object per value) and hold ``float64``: for
looking and plotting. Parity never reads them; it compares the decimal text of the JSON. pandas and pyarrow are
imported when first used.

A Parquet file knows the size, time and edge bytes of the JSON file it was made from and is used only while they hold.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from harness.errors import InputError
from harness.results.catalog import DatasetKind, open_catalog
from harness.results.decoding import decode_typed
from harness.results.lean_results import LeanResults
from harness.results.spans import CACHE_FOLDER, Identity, file_identity
from harness.results.store import write_bytes

if TYPE_CHECKING:
    import pandas as pd

_SOURCE_KEY = b"harness.source"


class _Symbol(msgspec.Struct, gc=False):
    value: str = ""


class _OrderRow(msgspec.Struct, gc=False):
    id: int
    symbol: _Symbol
    type: int = 0
    status: int = 0
    direction: int = 0
    quantity: float = 0.0
    price: float = 0.0
    value: float = 0.0
    time: str | None = None
    lastFillTime: str | None = None  # noqa: N815 - Lean's names
    stopPrice: float | None = None  # noqa: N815
    limitPrice: float | None = None  # noqa: N815
    tag: str = ""


class _EventRow(msgspec.Struct, gc=False):
    orderId: int  # noqa: N815
    orderEventId: int  # noqa: N815
    time: float
    status: str = ""
    symbolValue: str = ""  # noqa: N815
    direction: str = ""
    quantity: float = 0.0
    fillPrice: float = 0.0  # noqa: N815
    fillQuantity: float = 0.0  # noqa: N815
    orderFeeAmount: float | None = None  # noqa: N815
    stopPrice: float | None = None  # noqa: N815
    limitPrice: float | None = None  # noqa: N815
    message: str = ""


class _TradeRow(msgspec.Struct, gc=False):
    entryTime: str  # noqa: N815
    exitTime: str  # noqa: N815
    symbols: list[_Symbol] = []
    direction: int = 0
    quantity: float = 0.0
    entryPrice: float = 0.0  # noqa: N815
    exitPrice: float = 0.0  # noqa: N815
    profitLoss: float = 0.0  # noqa: N815
    totalFees: float = 0.0  # noqa: N815
    mae: float = 0.0
    mfe: float = 0.0
    duration: str = ""
    isWin: bool = False  # noqa: N815


class _Trades(msgspec.Struct, gc=False):
    closedTrades: list[_TradeRow] | None = None  # noqa: N815


def orders_frame(results: LeanResults) -> pd.DataFrame:
    """One row an order, by id; times are UTC. Lean's field names; ``symbol`` is the current ticker."""
    return _cached(results, "orders", _orders)


def order_events_frame(results: LeanResults) -> pd.DataFrame:
    """One row an order event, in file order; ``time`` is UTC. ``InputError`` when the file is missing."""
    return _cached(results, "order-events", _order_events)


def closed_trades_frame(results: LeanResults) -> pd.DataFrame:
    """One row a closed trade, in file order; times are UTC, ``symbol`` the first symbol's ticker."""
    return _cached(results, "closed-trades", _closed_trades)


def chart_frame(results: LeanResults, chart: str) -> pd.DataFrame:
    """One column a series (its last value a point: a candle's close), indexed by UTC time. ``InputError`` if none."""
    import pandas as pd

    charts = results.charts
    if chart not in charts:
        raise InputError(f"{results.document.path}: no chart {chart!r}; there are {', '.join(charts) or 'none'}")
    columns = {}
    for name, series in charts[chart].series.items():
        points = [(point[0], point[-1]) for point in series.values if isinstance(point, list) and len(point) > 1]
        times = pd.to_datetime([time for time, _ in points], unit="s", utc=True)
        column = pd.Series([value for _, value in points], index=times, dtype="float64")
        columns[name] = column[~column.index.duplicated(keep="last")]
    return pd.DataFrame(columns).sort_index()


def convert(folder: str | os.PathLike[str], on_file: Callable[[Path], None] | None = None) -> list[Path]:
    """Write Parquet files for every Lean result below ``folder``; returns them. Those up to date are not rewritten.

    They go to ``.harness-cache`` beside the results and speed up the frames above. ``on_file`` is told each file as
    it is done. Raises ``InputError`` when pyarrow is missing or the folder cannot be read.
    """
    _parquet()
    root = Path(folder)
    written: list[Path] = []
    for entry in open_catalog(root).entries:
        if entry.kind is not DatasetKind.LEAN:
            continue
        file = root / entry.file
        results = LeanResults(file.parent, file.name.removesuffix(".json"))
        builders: list[tuple[str, Callable[[LeanResults], pd.DataFrame]]] = [
            ("orders", _orders),
            ("closed-trades", _closed_trades),
        ]
        if results.order_events_path is not None:
            builders.append(("order-events", _order_events))
        for kind, build in builders:
            path = _side_file(results, kind)
            if _read_side_file(results, kind) is None:
                _write_side_file(path, build(results), _identity(results, kind))
            written.append(path)
            if on_file is not None:
                on_file(path)
    return written


# --------------------------------------------------------------------------------------------- building


def _orders(results: LeanResults) -> pd.DataFrame:
    import pandas as pd

    document = results.document
    orders = document.typed("orders", dict[str, _OrderRow]) if "orders" in document.names else {}
    rows = sorted(orders.values(), key=lambda row: row.id)
    frame = pd.DataFrame(_columns(rows, [name for name in _OrderRow.__struct_fields__ if name != "symbol"]))
    frame.insert(1, "symbol", [row.symbol.value for row in rows])
    return _with_times(frame, "time", "lastFillTime")


def _order_events(results: LeanResults) -> pd.DataFrame:
    import pandas as pd

    with results.open_order_events() as stream:
        rows = decode_typed(stream.read(), list[_EventRow], results.order_events_path)
    frame = pd.DataFrame(_columns(rows, list(_EventRow.__struct_fields__)))
    frame["time"] = pd.to_datetime(frame["time"], unit="s", utc=True)
    return frame


def _closed_trades(results: LeanResults) -> pd.DataFrame:
    import pandas as pd

    document = results.document
    trades = document.typed("totalPerformance", _Trades | None) if "totalPerformance" in document.names else None  # type: ignore[arg-type]
    rows = (trades.closedTrades if trades is not None else None) or []
    frame = pd.DataFrame(_columns(rows, [name for name in _TradeRow.__struct_fields__ if name != "symbols"]))
    frame.insert(0, "symbol", [row.symbols[0].value if row.symbols else "" for row in rows])
    return _with_times(frame, "entryTime", "exitTime")


def _columns(rows: Iterable[msgspec.Struct], names: list[str]) -> dict[str, list[Any]]:
    return {name: [getattr(row, name) for row in rows] for name in names}


def _with_times(frame: pd.DataFrame, *names: str) -> pd.DataFrame:
    import pandas as pd

    for name in names:
        frame[name] = pd.to_datetime(frame[name], utc=True, format="ISO8601")
    return frame


# --------------------------------------------------------------------------------------------- Parquet


def _cached(results: LeanResults, kind: str, build: Callable[[LeanResults], pd.DataFrame]) -> pd.DataFrame:
    stored = _read_side_file(results, kind)
    return build(results) if stored is None else stored


def _side_file(results: LeanResults, kind: str) -> Path:
    return results.folder / CACHE_FOLDER / f"{results.result_id}-{kind}.parquet"


def _identity(results: LeanResults, kind: str) -> Identity:
    path = results.order_events_path if kind == "order-events" else results.document.path
    if path is None:
        raise InputError(f"{results.folder}: no order events in it")
    return file_identity(path)


def _read_side_file(results: LeanResults, kind: str) -> pd.DataFrame | None:
    path = _side_file(results, kind)
    if not path.exists():
        return None
    parquet = _parquet()
    try:
        table = parquet.read_table(path)
        source = Identity(*json.loads(table.schema.metadata[_SOURCE_KEY]))
    except (OSError, ValueError, KeyError, TypeError):
        return None  # a cache: what cannot be read is made anew
    frame: pd.DataFrame = table.to_pandas()
    return frame if source == _identity(results, kind) else None


def _write_side_file(path: Path, frame: pd.DataFrame, source: Identity) -> None:
    import pyarrow as pa

    table = pa.Table.from_pandas(frame)
    mark = json.dumps([source.size, source.mtime_ns, source.edges]).encode()
    table = table.replace_schema_metadata({**table.schema.metadata, _SOURCE_KEY: mark})
    buffer = pa.BufferOutputStream()
    _parquet().write_table(table, buffer, compression="zstd")
    write_bytes(path, buffer.getvalue().to_pybytes(), durable=False)


def _parquet() -> Any:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise InputError(
            "Parquet files need pyarrow; install it with pip install 'lean-backtest-harness[fast]'"
        ) from error
    return pyarrow.parquet
