"""One document with everything the page needs of a backtest, stored compressed and served as it is stored.

``full_results.json.gz`` and the tables ``trades.csv`` and ``equity.csv`` lie in the trial's folder, beside Lean's own
files in ``lean/``. The document names the files it was made from (size and time); when they change it is made anew.
Tables are columns: ``{"time": [..], "equity": [..]}``. Times are seconds since 1970, UTC.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import orjson

from harness.errors import DamagedError, HarnessError, InputError
from harness.results.lean_results import LeanResults
from harness.results.lean_types import Trade
from harness.results.store import write_bytes
from harness.server.candles import PERIOD_S, CandleReader, fewer
from harness.server.sampling import drawdown

NAME = "full_results.json.gz"
TRADES_NAME = "trades.csv"
EQUITY_NAME = "equity.csv"
SCHEMA = "harness.full_results"
VERSION = 1
CANDLES_SAMPLED = 240
MOST_SAMPLED_SYMBOLS = 50
GZIP_LEVEL = 6

TRADE_COLUMNS = (
    *("symbol", "direction", "quantity", "entry_time", "entry_price", "exit_time", "exit_price"),
    *("profit_loss", "total_fees", "mae", "mfe", "duration", "order_ids"),
)
FILL_STATUSES = ("filled", "partiallyFilled")


class _Event(msgspec.Struct, gc=False):
    orderId: int  # noqa: N815 - Lean's names
    time: float
    status: str
    symbolValue: str = ""  # noqa: N815
    fillPrice: float = 0.0  # noqa: N815
    fillQuantity: float = 0.0  # noqa: N815
    orderFeeAmount: float = 0.0  # noqa: N815


@dataclass(frozen=True, slots=True)
class Stored:
    """Bytes as they go over the wire: gzip, and the ETag of their content."""

    body: bytes
    etag: str

    def plain(self) -> bytes:
        """For a client that takes no gzip."""
        return gzip.decompress(self.body)


def source_identity(trial_folder: Path) -> list[list[Any]]:
    """Name, size and time of each Lean file of the trial: what its results are made from."""
    try:
        files = sorted(path for path in (trial_folder / "lean").iterdir() if path.suffix in (".json", ".txt"))
        return [[path.name, (stat := path.stat()).st_size, stat.st_mtime_ns] for path in files]
    except FileNotFoundError as error:
        raise InputError(f"{trial_folder.name}: has no results yet") from error


def load(trial_folder: Path, data_folder: CandleReader | None) -> Stored:
    """The stored document, made anew when Lean's files are others than it was made from. Takes disk and time."""
    sources = source_identity(trial_folder)
    found = _read(trial_folder / NAME, sources)
    return build(trial_folder, data_folder, sources) if found is None else found


def build(trial_folder: Path, candles: CandleReader | None, sources: list[list[Any]] | None = None) -> Stored:
    """Makes and stores the document and the tables from Lean's files."""
    sources = source_identity(trial_folder) if sources is None else sources
    results = LeanResults(trial_folder / "lean")
    document = _document(results, candles)
    write_bytes(trial_folder / TRADES_NAME, trades_csv(results.closed_trades), durable=False)
    write_bytes(trial_folder / EQUITY_NAME, equity_csv(document["equity"]), durable=False)
    plain = orjson.dumps({**document, "sources": sources}, option=orjson.OPT_SERIALIZE_NUMPY)
    body = gzip.compress(plain, GZIP_LEVEL, mtime=0)
    stored = Stored(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')
    # Beside it, not in it: the stored bytes are exactly what goes over the wire.
    head = orjson.dumps({"sources": sources, "etag": stored.etag, "version": VERSION})
    try:
        write_bytes(trial_folder / NAME, body, durable=False)
        write_bytes(trial_folder / f"{NAME}.head", head, durable=False)
    except HarnessError:
        pass  # a folder that cannot be written is served from memory
    return stored


def _read(path: Path, sources: list[list[Any]]) -> Stored | None:
    try:
        head = orjson.loads(path.with_name(f"{NAME}.head").read_bytes())
        if head["version"] != VERSION or head["sources"] != sources:
            return None
        body = path.read_bytes()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    return Stored(body, etag) if etag == head["etag"] else None


def _document(results: LeanResults, reader: CandleReader | None) -> dict[str, Any]:
    equity = equity_columns(results)
    fills = fill_columns(results)
    trades = trade_columns(results.closed_trades)
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "summary": {
            "result_id": results.result_id,
            "status": results.status,
            "runtime_error": results.runtime_error,
            "statistics": results.statistics,
            "runtime_statistics": results.runtime_statistics,
            "configuration": results.algorithm_configuration,
            "orders": len(results.section("orders") or {}),
            "trades": len(results.closed_trades),
            "fills": len(fills["time"]),
            "symbols": sorted(set(fills["symbol"])),
        },
        "equity": equity,
        "trades": trades,
        "fills": fills,
        "stages": results.stages,
        "candles_sampled": {} if reader is None else _candles_sampled(reader, fills, equity),
    }


def equity_columns(results: LeanResults) -> dict[str, Any]:
    """``time``, ``equity`` (a sample's close) and ``drawdown`` of Lean's Strategy Equity chart."""
    chart = results.charts.get("Strategy Equity")
    series = None if chart is None else chart.series.get("Equity")
    points = [] if series is None else [point for point in series.values if isinstance(point, list) and len(point) > 1]
    time = np.array([point[0] for point in points], dtype=np.int64)
    equity = np.array([point[-1] for point in points], dtype=np.float64)
    return {"time": time, "equity": equity, "drawdown": np.round(drawdown(equity), 8)}


def fill_columns(results: LeanResults) -> dict[str, Any]:
    """Every fill: ``time``, ``symbol``, ``price``, ``quantity`` (signed), ``fee``, ``order_id``."""
    path = results.order_events_path
    if path is None:
        events: list[_Event] = []
    else:
        try:
            events = msgspec.json.decode(path.read_bytes(), type=list[_Event], strict=False)
        except msgspec.DecodeError as error:
            raise DamagedError(f"{path}: {error}; run the backtest again") from error
    fills = [event for event in events if event.status in FILL_STATUSES]
    return {
        "time": [event.time for event in fills],
        "symbol": [event.symbolValue for event in fills],
        "price": [event.fillPrice for event in fills],
        "quantity": [event.fillQuantity for event in fills],
        "fee": [event.orderFeeAmount for event in fills],
        "order_id": [event.orderId for event in fills],
    }


def trade_columns(trades: Iterable[Trade]) -> dict[str, list[Any]]:
    """Closed trades as columns; money as numbers (``trades.csv`` has Lean's own digits)."""
    columns: dict[str, list[Any]] = {name: [] for name in TRADE_COLUMNS}
    for trade in trades:
        row = (
            trade.symbols[0].value if trade.symbols else "",
            "short" if trade.direction else "long",
            float(trade.quantity),
            _seconds(trade.entry_time),
            float(trade.entry_price),
            _seconds(trade.exit_time),
            float(trade.exit_price),
            float(trade.profit_loss),
            float(trade.total_fees),
            float(trade.mae),
            float(trade.mfe),
            trade.duration,
            trade.order_ids,
        )
        for name, value in zip(TRADE_COLUMNS, row, strict=True):
            columns[name].append(value)
    return columns


def trades_csv(trades: Iterable[Trade]) -> bytes:
    """Closed trades with Lean's own digits; times ISO 8601 in UTC; order ids separated by blanks."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(TRADE_COLUMNS)
    for trade in trades:
        writer.writerow(
            (
                trade.symbols[0].value if trade.symbols else "",
                "short" if trade.direction else "long",
                trade.quantity,
                trade.entry_time,
                trade.entry_price,
                trade.exit_time,
                trade.exit_price,
                trade.profit_loss,
                trade.total_fees,
                trade.mae,
                trade.mfe,
                trade.duration,
                " ".join(map(str, trade.order_ids)),
            )
        )
    return text.getvalue().encode()


def equity_csv(equity: dict[str, Any]) -> bytes:
    """``time`` (seconds since 1970 UTC), ``equity``, ``drawdown`` (fraction)."""
    rows = zip(equity["time"].tolist(), equity["equity"].tolist(), equity["drawdown"].tolist(), strict=True)
    lines = "".join(f"{time},{value!r},{down!r}\n" for time, value, down in rows)
    return f"time,equity,drawdown\n{lines}".encode()


def _candles_sampled(reader: CandleReader, fills: dict[str, Any], equity: dict[str, Any]) -> dict[str, Any]:
    """A few hundred candles of each traded symbol over the whole run, from the coarsest data that has so many."""
    time = equity["time"]
    if not len(time):
        return {}
    start_s, end_s = float(time[0]), float(time[-1])
    sampled: dict[str, Any] = {}
    for symbol in sorted(set(fills["symbol"]))[:MOST_SAMPLED_SYMBOLS]:
        try:
            there = reader.resolutions(symbol)
            enough = [name for name in there if (end_s - start_s) / PERIOD_S[name] >= CANDLES_SAMPLED / 2]
            if not there:
                continue
            resolution = enough[-1] if enough else there[0]
            candles = fewer(reader.read(symbol, resolution, start_s, end_s), CANDLES_SAMPLED)
        except HarnessError:
            continue  # data that moved away since the run; the candles endpoint says why
        sampled[symbol] = {"resolution": resolution, **candles.to_columns()}
    return sampled


def _seconds(text: str) -> float:
    """Lean's time text (UTC) as seconds since 1970."""
    try:
        moment = dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return 0.0
    return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()
