"""What the routes share: settings, queue, hub, caches, and how results are found and kept."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
import orjson
from starlette.requests import Request
from starlette.responses import Response

from harness.config import FILE_NAME
from harness.errors import HarnessError
from harness.results.lean_results import LeanResults
from harness.server import full_results
from harness.server.cache import ByteCache
from harness.server.candles import CandleReader, Candles
from harness.server.full_results import Stored
from harness.server.hub import Hub
from harness.server.job_queue import JobQueue
from harness.server.jobs import Job, JobStore
from harness.server.problems import ApiError
from harness.server.requests import run_folder, trial_folder
from harness.server.settings import ServerSettings

PARSED_BYTES = 96 << 20
CANDLE_BYTES = 96 << 20
DECODED_FACTOR = 5
"""Decoded Lean results take about this many times their file, at most."""


class Service:
    """One service over one project. Made at start, closed at the end."""

    def __init__(self, settings: ServerSettings, settings_file: Path | None = None) -> None:
        limits = settings.limits
        self.settings, self.project = settings, settings.project
        self.runs = settings.runs_folder
        self.hub = Hub(limits.watchers)
        self.store = JobStore(settings.state_folder / "state.sqlite")
        self.queue = JobQueue(settings, self.store, self.hub, settings_file or self.project.root / FILE_NAME)
        self.full: ByteCache[Stored] = ByteCache(limits.cache_entries, limits.cache_bytes)
        self.parsed: ByteCache[LeanResults] = ByteCache(16, PARSED_BYTES)
        self.candles: ByteCache[Candles] = ByteCache(4096, CANDLE_BYTES)
        # A session's report with the stamp and path of the stored baseline that it was held against.
        self.reports: ByteCache[tuple[Any, Path, dict[str, Any]]] = ByteCache(200, 64 << 20)
        self._making: dict[Path, asyncio.Lock] = {}

    def trial(self, run_id: str, trial: str | None) -> Path:
        """The folder of a trial. Raises ``ApiError`` 404 or 422."""
        return trial_folder(run_folder(self.runs, run_id), trial)

    async def full_results(self, folder: Path) -> Stored:
        """From memory when Lean's files are still those it was made from, else from the files; made once at a time."""
        key, identity = str(folder), _identity(folder)
        found = self.full.get(key, identity)
        if found is not None:
            return found
        lock = self._making.setdefault(folder, asyncio.Lock())
        try:
            async with lock:
                found = self.full.get(key, identity)
                if found is None:
                    found = await asyncio.to_thread(full_results.load, folder, self.reader(folder))
                    self.full.put(key, identity, found, len(found.body) + 500)
        finally:
            if not lock.locked():
                self._making.pop(folder, None)
        return found

    def results(self, folder: Path) -> LeanResults:
        """Lean's results of a trial, decoded parts kept while the files are the same."""
        identity = _identity(folder)
        found = self.parsed.get(str(folder), identity)
        if found is None:
            found = LeanResults(folder / "lean")
            size = sum(entry[1] for entry in full_results.source_identity(folder))
            self.parsed.put(str(folder), identity, found, DECODED_FACTOR * size)
        return found

    def reader(self, folder: Path) -> CandleReader:
        """The market data that the trial ran on."""
        return CandleReader(self._data_folder(folder), self.candles)

    def _data_folder(self, folder: Path) -> Path:
        for path in (folder / "measurement.json", folder.parent.parent / "session.json"):
            try:
                told = orjson.loads(path.read_bytes())
            except (OSError, ValueError):
                continue
            found = _find(told, "data_folder")
            if isinstance(found, str):
                return Path(found)
        return self.project.path(self.project.folders.data)


def _find(told: Any, key: str) -> Any:
    """``key`` in a stored document, at its top or one level down."""
    if not isinstance(told, dict):
        return None
    inner = [value.get(key) for value in told.values() if isinstance(value, dict)]
    return told.get(key) or next((value for value in inner if value), None)


def _identity(folder: Path) -> tuple[Any, ...]:
    return tuple(tuple(entry) for entry in full_results.source_identity(folder))


def service_of(request: Request) -> Service:
    """For routes: the service that runs this application."""
    service: Service = request.app.state.service
    return service


def json_response(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON without the framework's encoder; arrays go as they are, decimals as text."""
    body = orjson.dumps(content, default=_plain, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)
    return Response(body, status, {"Cache-Control": "no-store", **(headers or {})}, "application/json")


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value)


def stored_response(stored: Stored, request: Request) -> Response:
    """The stored bytes as they are; 304 when the client has them."""
    takes_gzip = "gzip" in request.headers.get("accept-encoding", "")
    etag = stored.etag if takes_gzip else f'{stored.etag[:-1]}-plain"'
    headers = {"ETag": etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    known = request.headers.get("if-none-match", "")
    if known and (known.strip() == "*" or etag in [item.strip().removeprefix("W/") for item in known.split(",")]):
        return Response(None, 304, headers)
    if not takes_gzip:
        return Response(stored.plain(), 200, headers, "application/json")
    return Response(stored.body, 200, {**headers, "Content-Encoding": "gzip"}, "application/json")


def job_to_dict(service: Service, job: Job) -> dict[str, Any]:
    """A job as the API shows it."""
    fields = asdict(job)
    fields["ahead"] = service.store.position(job.run_id) if job.state == "queued" else 0
    channel = service.hub.channels.get(job.run_id)
    if channel is not None:
        fields["sequence"] = channel.sequence
        if channel.progress is not None:
            fields["progress"] = {
                key: value
                for key, value in orjson.loads(channel.progress.text).items()
                if key not in ("type", "run_id", "sequence")
            }
    fields["request"] = {key: value for key, value in job.request.items() if key != "algorithm"}
    if job.request.get("algorithm"):
        path = Path(job.request["algorithm"])
        root = service.project.root
        fields["request"]["algorithm"] = str(path.relative_to(root)) if path.is_relative_to(root) else path.name
    return fields


def require_json(request: Request) -> None:
    """A page of another origin cannot send this type without asking first."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise ApiError(415, "content-type", "send the body as application/json")


def page_of(items: list[Any], offset: int, limit: int) -> dict[str, Any]:
    """One page of a list, with what is needed to ask for the next."""
    return {"total": len(items), "offset": offset, "limit": limit, "items": items[offset : offset + limit]}


def quietly(call: Any, *args: Any) -> Any:
    """``call(*args)``; None for what the project itself reports as unreadable."""
    try:
        return call(*args)
    except HarnessError:
        return None
