"""Every reader of a file or text that others wrote, as a function of bytes.

A target returns normally or raises ``HarnessError`` (the one line a user sees); anything else is a violation. Where a
right answer can be known, it asserts it. ``seeds`` are small whole inputs that a fuzzer starts from.
"""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from harness.embedded.columns import ColumnStore
from harness.embedded.reference.corporate import MapFileResolver, load_factor_file
from harness.embedded.reference.interest_rate import InterestRateProvider
from harness.embedded.reference.market_hours import MarketHoursDatabase
from harness.embedded.reference.symbol_properties import SymbolPropertiesDatabase
from harness.engines.base import BacktestRequest, Outcome
from harness.engines.outcome import read_ending
from harness.engines.scripted import ORDER_EVENT, ScriptedRun, write_lean_files
from harness.errors import HarnessError
from harness.marketdata.lean_format import (
    BarTable,
    format_bars,
    interest_rate_path,
    map_files_folder,
    market_hours_path,
    midnight_us,
    parse_bars,
    read_entry,
    symbol_properties_path,
)
from harness.parity.diff import diff_results
from harness.parity.rules import ParityRules
from harness.results.baseline import load_baseline, save_baseline
from harness.results.decoding import decode_exact, decode_plain
from harness.results.file_system import FileSystem, use_file_system
from harness.results.lean_results import LeanResults
from harness.results.store import append_rows, read_json, read_rows, write_json

DATE = dt.date(2025, 10, 1)


@dataclass(frozen=True)
class Target:
    """``call(data, folder)``: ``folder`` is the target's own, filled by ``seeds(folder)`` and used again and again.

    ``weight``: its share of a long run; readers of text in memory are cheap and take more.
    """

    name: str
    call: Callable[[bytes, Path], None]
    seeds: Callable[[Path], list[bytes]]
    weight: int = 1


class _NoSync(FileSystem):
    """Fuzzing is not a test of power cuts."""

    def fsync(self, fd: int) -> None:
        return

    def fsync_folder(self, folder: Path) -> None:
        return


# ------------------------------------------------------------------------------------------------------ market data


def _bars(resolution: str, tick_type: str) -> Callable[[bytes, Path], None]:
    def call(data: bytes, folder: Path) -> None:
        table = parse_bars(data, resolution, tick_type, DATE, "fuzz")
        assert all(len(column) == len(table) for column in table.columns)
        assert all(not bool((column < 0).any()) for column in table.columns)
        if resolution in ("minute", "second") and bool((table.start_us % 1000 != 0).any()):
            return  # half milliseconds are read, but not written
        again = parse_bars(format_bars(table, resolution, DATE), resolution, tick_type, DATE, "fuzz")
        assert np.array_equal(again.start_us, table.start_us)
        for left, right in zip(table.columns, again.columns, strict=True):
            # The scale may be smaller after writing without trailing zeros; the values are the same.
            assert len(left) == len(right)
        if (again.price_scale, again.volume_scale) == (table.price_scale, table.volume_scale):
            assert all(np.array_equal(a, b) for a, b in zip(table.columns, again.columns, strict=True))

    return call


def _bar_seeds(folder: Path) -> list[bytes]:
    return [
        b"34200000,1000000,1000500,999000,1000100,100\n34260000,1000100,1000500,999000,1000100,0\n",
        b"34200000,1000000.5,1000500,999000,1000100,100.25\n",
        b"20250902 09:30,1000000,1000500,999000,1000100,100\n20250903 00:00,1,1,1,1,1\r\n",
        b"34200000,,,,,0,1000100,1000200,1000000,1000100,7\n34200000,1,1,1,1,1,1,1,1,1,1\n",
        b"",
    ]


def _zip(data: bytes, folder: Path) -> None:
    path = folder / "fuzz.zip"
    path.write_bytes(data)
    payload = read_entry(path, "a.csv")
    assert len(payload) <= 1 << 30


def zip_of(entries: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _zip_seeds(folder: Path) -> list[bytes]:
    return [zip_of({"a.csv": b"1,2,3\n"}), zip_of({"../../a.csv": b"1,2,3\n", "b": b""}), zip_of({})]


def _columns(data: bytes, folder: Path) -> None:
    """``data`` in the place of a cache file: used only when it is what was decoded from the zip."""
    source, cache = folder / "spy" / "20251001_trade.zip", folder / "cache"
    name = next(cache.iterdir()).name
    (cache / name).write_bytes(data)
    bars = ColumnStore(cache).trade_bars(source, "minute", DATE)
    assert bars is not None
    assert (bars.price_scale, bars.volume_scale) == (4, 0)
    assert bars.start_us.tolist() == [midnight_us(DATE) + 34_200_000_000]
    assert [column.tolist() for column in bars.columns] == [[1], [2], [1], [2], [5]]


def _columns_seeds(folder: Path) -> list[bytes]:
    source = folder / "spy" / "20251001_trade.zip"
    source.parent.mkdir(parents=True)
    table = BarTable(
        "trade",
        np.array([midnight_us(DATE) + 34_200_000_000]),
        tuple(np.array([number]) for number in (1, 2, 1, 2, 5)),
    )
    source.write_bytes(zip_of({"20251001_spy_minute_trade.csv": format_bars(table, "minute", DATE)}))
    ColumnStore(folder / "cache").trade_bars(source, "minute", DATE)
    return [next((folder / "cache").iterdir()).read_bytes()]


def _reference(data: bytes, folder: Path) -> None:
    """The first byte chooses which of Lean's reference files the rest is."""
    kind = data[0] % 5 if data else 0
    places = [
        map_files_folder(folder) / "spy.csv",
        folder / "equity" / "usa" / "factor_files" / "spy.csv",
        interest_rate_path(folder),
        symbol_properties_path(folder),
        market_hours_path(folder),
    ]
    place = places[kind]
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data[1:])
    if kind == 0:
        MapFileResolver(folder).resolve_map_file("SPY", dt.datetime(2020, 1, 1))
    elif kind == 1:
        load_factor_file(folder, "spy")
    elif kind == 2:
        InterestRateProvider(folder).get_interest_rate(DATE)
    elif kind == 3:
        SymbolPropertiesDatabase(folder).get_symbol_properties("SPY")
    else:
        MarketHoursDatabase(folder).get_exchange_hours("SPY")


def _reference_seeds(folder: Path) -> list[bytes]:
    hours = {
        "entries": {
            "Equity-usa-[*]": {
                "dataTimeZone": "America/New_York",
                "exchangeTimeZone": "America/New_York",
                "monday": [{"start": "09:30:00", "end": "16:00:00", "state": "market"}],
                "holidays": ["1/1/2025"],
                "earlyCloses": {"7/3/2025": "13:00:00"},
            }
        }
    }
    return [
        b"\x0019980102,spy,P\n20501231,spy,P\n",
        b"\x0119980102,0.8,1,0\n20501231,1,1,0\n",
        b"\x02DATE,PCREDIT8\n2020-01-02,2.25\n",
        b"\x03market,symbol,type,description,quote_currency,contract_multiplier,minimum_price_variation,lot_size\n"
        b"usa,[*],equity,,USD,1,0.01,1\n",
        b"\x04" + json.dumps(hours).encode(),
    ]


# ---------------------------------------------------------------------------------------------------------- results


def _touch(results: LeanResults) -> None:
    for name in ("state", "statistics", "runtime_statistics", "algorithm_configuration", "profit_loss", "orders"):
        getattr(results, name)
    for name in ("performance", "closed_trades", "charts", "order_events", "log_lines", "stages", "data_requests"):
        getattr(results, name)


def _each(work: Callable[[], object]) -> None:
    try:
        work()
    except HarnessError as error:
        assert "\n" not in str(error).strip() or len(str(error)) < 10_000


def _result(data: bytes, folder: Path) -> None:
    (folder / "lean" / "A.json").write_bytes(data)
    results = LeanResults(folder / "lean", "A")
    for name in ("state", "statistics", "profit_loss", "orders", "performance", "charts"):
        _each(lambda name=name: getattr(results, name))  # type: ignore[misc]
    _each(lambda: diff_results(LeanResults(folder / "good" / "lean", "A"), LeanResults(folder / "lean", "A")))
    request = BacktestRequest(folder / "a.py", "A", folder, folder, algorithm_id="A")
    ending = read_ending(request, 0)
    assert ending.outcome in Outcome


def _good(folder: Path) -> Path:
    request = BacktestRequest(folder / "a.py", "A", folder, folder, algorithm_id="A")
    write_lean_files(request, ScriptedRun(stages_s={"data": 1.0}))
    return request.results_folder


def _result_seeds(folder: Path) -> list[bytes]:
    _good(folder / "good")
    lean = _good(folder)
    order = {"id": 1, "symbol": {"value": "SPY", "id": "SPY R735QTJ8XC9X"}, "type": 0, "price": 1.5, "quantity": 2.0}
    more = {
        "charts": {"C": {"name": "C", "series": {"S": {"name": "S", "values": [[1, 2.5], [2, 1, 2, 3, 4]]}}}},
        "orders": {"1": order},
        "profitLoss": {"2025-10-01T00:00:00Z": 1.25},
        "state": {"Status": "Completed"},
        "totalPerformance": {"closedTrades": [{"entryTime": "2025-10-01T00:00:00Z", "isWin": True}]},
    }
    return [(lean / "A.json").read_bytes(), json.dumps(more).encode(), json.dumps(more, indent=2).encode()]


def _events(data: bytes, folder: Path) -> None:
    (folder / "lean" / "A-order-events.json").write_bytes(data)
    results = LeanResults(folder / "lean", "A")
    _each(lambda: results.order_events)
    good = LeanResults(folder / "good" / "lean", "A")
    report = diff_results(good, results, ParityRules())
    if report.identical:  # never silently: the same events by another reader, but for their ids (they are volatile)
        same = [json.loads(text, parse_float=Decimal) for text in (data, json.dumps([ORDER_EVENT]).encode())]
        for event in (*same[0], *same[1]):
            event.pop("id", None)
            event.pop("algorithmId", None)
        assert same[0] == same[1]


def _events_seeds(folder: Path) -> list[bytes]:
    _result_seeds(folder)
    return [json.dumps([ORDER_EVENT]).encode(), json.dumps([ORDER_EVENT], indent=2).encode(), b"[]"]


def _log(data: bytes, folder: Path) -> None:
    (folder / "lean" / "A-log.txt").write_bytes(data)
    (folder / "lean" / "data-monitor-report-1.json").write_bytes(data)
    results = LeanResults(folder / "lean", "A")
    for name in ("log_lines", "stages", "data_requests"):
        _each(lambda name=name: getattr(results, name))  # type: ignore[misc]
    from harness.engines.lean_log import read_log

    read_log(folder / "lean" / "A-log.txt")


def _log_seeds(folder: Path) -> list[bytes]:
    lean = _good(folder)
    report = {"succeeded-data-requests-count": 1, "failed-data-requests-count": 0}
    return [
        (lean / "A-log.txt").read_bytes(),
        json.dumps(report).encode(),
        b"20251001 09:30:00.123 TRACE:: Engine.Main(): LEAN ALGORITHMIC TRADING ENGINE v2.5\n"
        b"Algorithm Id:(A) completed in 1.50 seconds at 12k data points per second. Processing total of 1,000 data "
        b"points.\n",
        b"Algorithm Id:(A) completed in 1...5 seconds at 12k data points per second. Processing total of , data "
        b"points.\n"
        b"DATA USAGE:: Total data requests " + b"9" * 5000 + b"\n",
    ]


def _decode(data: bytes, folder: Path) -> None:
    """Both decoders against the standard library's, digit by digit."""
    _each(lambda: decode_plain(data, "fuzz"))
    value = decode_exact(data, "fuzz")
    try:
        expected = json.loads(data.decode("utf-8"), parse_float=Decimal, parse_int=Decimal)
    except (ValueError, RecursionError, InvalidOperation):
        return
    assert _as_decimals(value) == expected


def _as_decimals(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_decimals(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_as_decimals(one) for one in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    return value


def _decode_seeds(folder: Path) -> list[bytes]:
    return [b'{"a": [1, 2.50, -3e5, 1E-7, true, null, "\\u00e9"], "b": {"c": 0.1}}', b"[1,[2,[3]]]", b'"x"', b"12.340"]


# ------------------------------------------------------------------------------------------------------- our own files


def _document(data: bytes, folder: Path) -> None:
    (folder / "document.json").write_bytes(data)
    document = read_json(folder / "document.json", schema="fuzz", version=1)
    assert document == {"schema": "fuzz", "version": 1, "name": "é", "figures": [1, 2.5], "more": {"a": None}}


def _document_seeds(folder: Path) -> list[bytes]:
    write_json(folder / "seed.json", {"name": "é", "figures": [1, 2.5], "more": {"a": None}}, schema="fuzz")
    return [(folder / "seed.json").read_bytes()]


ROWS = [{"n": 0, "text": "a"}, {"n": 1, "text": "b"}, {"n": 2}]


def _rows(data: bytes, folder: Path) -> None:
    """Three rows were acknowledged: they are read, or damage is told."""
    (folder / "rows.jsonl").write_bytes(data)
    assert read_rows(folder / "rows.jsonl")[:3] == ROWS


def _rows_seeds(folder: Path) -> list[bytes]:
    with use_file_system(_NoSync()):
        append_rows(folder / "rows.jsonl", ROWS)
    return [(folder / "rows.jsonl").read_bytes()]


def _baseline(data: bytes, folder: Path) -> None:
    """The first byte chooses the baseline or one of its companions."""
    names = ["default.json", "default-order-events.json.gz", "default-result.json.gz"]
    chosen = names[data[0] % 3] if data else names[0]
    whole = (folder / "kept" / chosen).read_bytes()
    (folder / "stored" / chosen).write_bytes(data[1:])
    try:
        stored = load_baseline(folder / "stored" / "default.json")
        for kind in stored.companions:
            stored.companion(kind)
        assert stored.record == {"wall_s": 1.5}
        assert json.loads(stored.companion("order_events") or b"") == [ORDER_EVENT]
    finally:
        (folder / "stored" / chosen).write_bytes(whole)


def _baseline_seeds(folder: Path) -> list[bytes]:
    lean = _good(folder / "run")
    seeds = []
    for name in ("stored", "kept"):
        save_baseline(folder / name / "default.json", {"wall_s": 1.5}, lean)
    for number, name in enumerate(["default.json", "default-order-events.json.gz", "default-result.json.gz"]):
        seeds.append(bytes([number]) + (folder / "kept" / name).read_bytes())
    seeds.append(b"\x01" + gzip.compress(b"[]", mtime=0))
    return seeds


def _settings(data: bytes, folder: Path) -> None:
    from harness.config import load_settings

    (folder / "harness.toml").write_bytes(data)
    settings = load_settings(folder / "harness.toml")
    ParityRules.from_settings(settings.parity)


def _settings_seeds(folder: Path) -> list[bytes]:
    text = (Path(__file__).resolve().parents[2] / "harness.toml").read_bytes()
    return [
        text,
        b'[parity]\nallow_zero_orders = true\nignore = ["charts.A"]\n[parity.tolerances]\n"a.b" = "0.1"\n',
        b'[variants.baseline]\nparameters = { a = 1 }\n[scenarios.s]\ndata = { start = 2025-10-01, symbols = ["A"] }\n',
    ]


def _api(data: bytes, folder: Path) -> None:
    """Bodies of the server, as they arrive."""
    from pydantic import ValidationError

    from harness.server.requests import BacktestBody, BenchBody, workspace_file

    for kind in (BacktestBody, BenchBody):
        try:
            body = kind.model_validate_json(data)
        except ValidationError:
            continue
        assert kind.model_validate_json(body.model_dump_json()) == body
    name = data.decode("latin-1")
    try:
        path = workspace_file(folder, name)
    except (HarnessError, ValidationError):
        return
    assert path.resolve().is_relative_to(folder.resolve())


def _api_seeds(folder: Path) -> list[bytes]:
    (folder / "a.py").write_text("")
    return [
        b'{"scenario": "quick", "variant": "optimized", "parameters": {"a": "1"}, "time_limit_s": 1.5}',
        b'{"scenario": "quick", "trials": [{"a": "b"}]}',
        b'{"pairs": 6}',
        b"a.py",
        b"../a.py",
        b"/etc/passwd",
    ]


def _message(data: bytes, folder: Path) -> None:
    """A WebSocket message as the client reads it."""
    from harness.client import read_message

    for text in (data, data.decode("utf-8", "replace")):
        try:
            message = read_message(text)
        except HarnessError:
            continue
        assert message.body == json.loads(text)
        assert isinstance(message.type, str)
        assert (type(message.sequence), type(message.milestone)) == (int, int)


def _message_seeds(folder: Path) -> list[bytes]:
    return [
        b'{"type": "progress", "sequence": 7, "percent": 12.5, "simulated_time": "2025-10-01T14:30:00Z"}',
        b'{"type": "state", "sequence": 8, "milestone": 2, "state": "completed", "detail": ""}',
        b"[1]",
    ]


TOKEN = "a-secret-of-more-than-32-characters"


@cache
def _guarded(folder: Path) -> Any:
    """The settings of a service that asks for a token."""
    from harness.config import load_settings
    from harness.server.settings import ServerSettings

    (folder / "harness.toml").write_text("")
    return ServerSettings(load_settings(folder / "harness.toml"), token=TOKEN)


def _guard(data: bytes, folder: Path) -> None:
    """Headers of a request or a WebSocket handshake (lines ``name: value``, then the body) through the guard.

    Whatever they are, the application is called or the request is refused; with a foreign origin or without the
    token it is never called.
    """
    import asyncio

    from harness.server.guard import Guard

    head, _, body = data.partition(b"\n\n")
    lines = [line.partition(b": ") for line in head.split(b"\n")]
    headers = [(name.lower(), value) for name, _, value in lines]
    kind = "websocket" if len(data) % 2 else "http"
    called: list[str] = []
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        called.append(scope["type"])

    async def receive() -> Any:
        return {"type": f"{kind}.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": kind, "method": "POST", "path": "/ws/run/x", "headers": headers, "client": ("127.0.0.1", 1),
    }  # fmt: skip
    asyncio.run(Guard(app, _guarded(folder))(scope, receive, send))
    assert bool(called) != bool(sent)
    if called:
        told = dict(headers)
        assert TOKEN.encode() in told.get(b"authorization", b"") or b"harness_session=" in told.get(b"cookie", b"")
        assert told.get(b"sec-fetch-site", b"same-origin") not in (b"cross-site", b"same-site")


def _guard_seeds(folder: Path) -> list[bytes]:
    from harness.server.guard import session_value

    return [
        f"host: localhost:8765\norigin: http://localhost:8765\nauthorization: Bearer {TOKEN}\n\n{{}}".encode(),
        f"host: 127.0.0.1\ncontent-length: 2\nauthorization: bearer {TOKEN}\n\n{{}}".encode(),
        b"host: 127.0.0.1\nsec-fetch-site: same-origin\n\n",
        f"host: [::1]:80\ncookie: harness_session={session_value(TOKEN)}; a=b\n\n".encode(),
        b"host: ://[\norigin: //[]\n\n",
        b"host: localhost\ntransfer-encoding: chunked\nsec-fetch-site: cross-site\n\nbody",
    ]


TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        Target("bars_trade_minute", _bars("minute", "trade"), _bar_seeds, weight=8),
        Target("bars_quote_second", _bars("second", "quote"), _bar_seeds, weight=8),
        Target("bars_trade_daily", _bars("daily", "trade"), _bar_seeds, weight=8),
        Target("zip", _zip, _zip_seeds),
        Target("column_cache", _columns, _columns_seeds, weight=4),
        Target("reference_files", _reference, _reference_seeds),
        Target("result", _result, _result_seeds),
        Target("order_events", _events, _events_seeds),
        Target("log", _log, _log_seeds),
        Target("decoding", _decode, _decode_seeds, weight=8),
        Target("document", _document, _document_seeds, weight=4),
        Target("rows", _rows, _rows_seeds, weight=4),
        Target("baseline", _baseline, _baseline_seeds),
        Target("settings", _settings, _settings_seeds),
        Target("api", _api, _api_seeds, weight=4),
        Target("watch_message", _message, _message_seeds, weight=4),
        Target("guard", _guard, _guard_seeds),
    )
}


def call(target: Target, data: bytes, folder: Path) -> None:
    """One input; what the user would see as one line is no violation."""
    try:
        target.call(data, folder)
    except HarnessError as error:
        assert str(error)
