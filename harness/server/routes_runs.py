"""Start, watch and end runs: ``/api/lab/run``, ``/api/backtest/run_sync``, ``/ws/run``."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, WebSocket
from starlette.responses import Response
from starlette.websockets import WebSocketDisconnect, WebSocketState

from harness.results.lean_results import LeanResults
from harness.server.hub import Channel
from harness.server.problems import ApiError, not_found
from harness.server.requests import (
    NAME_PATTERN,
    BacktestBody,
    BenchBody,
    SyncBody,
    backtest_request,
    bench_request,
    new_run_id,
    run_folder,
    trial_names,
)
from harness.server.service import Service, job_to_dict, json_response, require_json, service_of

RunId = Annotated[str, Path(pattern=NAME_PATTERN, max_length=100, examples=["20251001-093000-backtest-1f3a2b"])]
Offset = Annotated[int, Query(ge=0, le=10_000_000)]
Limit = Annotated[int, Query(ge=1, le=10_000)]

STATUS_EXAMPLE = {
    "run_id": "20251001-093000-backtest-1f3a2b",
    "kind": "backtest",
    "state": "running",
    "created_at_utc": "2025-10-01T09:30:00.000+00:00",
    "detail": "",
    "progress": {"simulated_time": "2025-10-02 11:15:00", "percent": 37.5, "trial": "trial_1", "number": 1, "total": 1},
    "sequence": 17,
    "ahead": 0,
}
ACCEPTED_EXAMPLE = {
    "run_id": "20251001-093000-backtest-1f3a2b",
    "state": "queued",
    "ahead": 0,
    "status_url": "/api/lab/run/20251001-093000-backtest-1f3a2b/status",
}


def example(content: Any, status: int = 200, description: str = "Successful Response") -> dict[int | str, Any]:
    """An answer for the OpenAPI page."""
    return {status: {"description": description, "content": {"application/json": {"example": content}}}}


router = APIRouter(tags=["runs"])


@router.post(
    "/api/lab/run/backtest",
    status_code=202,
    dependencies=[Depends(require_json)],
    responses=example(ACCEPTED_EXAMPLE, 202, "Queued"),
    summary="Queue a backtest, one run for each trial",
)
async def start_backtest(request: Request, body: BacktestBody) -> Response:
    service = service_of(request)
    wanted = await asyncio.to_thread(backtest_request, service.project, body)
    return _accepted(service, new_run_id("backtest"), "backtest", wanted)


@router.post(
    "/api/bench",
    status_code=202,
    dependencies=[Depends(require_json)],
    responses=example({**ACCEPTED_EXAMPLE, "run_id": "20251001-093000-bench-1f3a2b"}, 202, "Queued"),
    summary="Queue a benchmark session; its name is the run_id",
    tags=["bench"],
)
async def start_bench(request: Request, body: BenchBody) -> Response:
    service = service_of(request)
    return _accepted(service, new_run_id("bench"), "bench", bench_request(service.project, body))


@router.post(
    "/api/backtest/run_sync",
    dependencies=[Depends(require_json)],
    responses=example(
        {"run_id": "20251001-093000-sync-1f3a2b", "state": "completed", "statistics": {"Net Profit": "1.2%"}}
    ),
    summary="Run a short backtest and wait for it",
)
async def run_sync(request: Request, body: SyncBody) -> Response:
    service = service_of(request)
    most_s = service.settings.limits.sync_time_limit_s
    limit_s = most_s if body.time_limit_s is None else body.time_limit_s
    if limit_s > most_s:
        raise ApiError(
            422, "sync-limit", f"time_limit_s: at most {most_s:g} here; POST /api/lab/run/backtest takes longer runs"
        )
    if len(body.trials) > 1:
        raise ApiError(422, "sync-trials", "trials: one at most here; POST /api/lab/run/backtest takes more")
    if _busy(service):
        raise ApiError(
            409, "busy", "other runs are waiting or running; use POST /api/lab/run/backtest", {"Retry-After": "10"}
        )
    wanted = await asyncio.to_thread(backtest_request, service.project, body)
    job = service.queue.submit(new_run_id("sync"), "backtest", wanted)
    channel = service.queue.channel(job)
    try:
        async with asyncio.timeout(limit_s):
            while not channel.over:
                await channel.wait()
    except TimeoutError:
        await _cancel_quietly(service, job.run_id)
        raise ApiError(
            504,
            "sync-time",
            f"not finished within {limit_s:g} s and ended; POST /api/lab/run/backtest takes longer runs",
            more={"run_id": job.run_id},
        ) from None
    done = service.store.get(job.run_id)
    if done is None or done.state != "completed":
        detail = "" if done is None else done.detail
        raise ApiError(422, "run-failed", detail or "the run did not complete", more={"run_id": job.run_id})
    folder = service.trial(job.run_id, None)
    results = await asyncio.to_thread(LeanResults, folder / "lean")
    return json_response(
        {
            "run_id": job.run_id,
            "state": done.state,
            "statistics": results.statistics,
            "runtime_statistics": results.runtime_statistics,
            "full_results_url": f"/api/lab/run/{job.run_id}/full_results",
        }
    )


@router.get(
    "/api/lab/runs",
    responses=example({"total": 1, "offset": 0, "limit": 50, "items": [STATUS_EXAMPLE]}),
    summary="Runs, the newest first",
)
def list_runs(
    request: Request,
    offset: Offset = 0,
    limit: Limit = 50,
    state: Literal["", "queued", "running", "completed", "failed", "cancelled", "interrupted"] = "",
    kind: Literal["", "backtest", "bench"] = "",
) -> Response:
    service = service_of(request)
    total, jobs = service.store.list(offset, limit, state, kind)
    items = [job_to_dict(service, job) for job in jobs]
    return json_response({"total": total, "offset": offset, "limit": limit, "items": items})


@router.get("/api/lab/run/{run_id}/status", responses=example(STATUS_EXAMPLE), summary="Where a run is")
async def status(request: Request, run_id: RunId) -> Response:
    service = service_of(request)
    return json_response(job_to_dict(service, _job(service, run_id)))


@router.delete("/api/lab/run/{run_id}", responses=example(STATUS_EXAMPLE), summary="Cancel a run")
async def cancel(request: Request, run_id: RunId) -> Response:
    service = service_of(request)
    return json_response(job_to_dict(service, await service.queue.cancel(run_id)))


@router.post(
    "/api/lab/run/{run_id}/resume",
    status_code=202,
    responses=example(ACCEPTED_EXAMPLE, 202, "Queued"),
    summary="Go on with a run that was interrupted, cancelled or failed",
)
async def resume(request: Request, run_id: RunId) -> Response:
    service = service_of(request)
    job = service.queue.resume(run_id)
    return json_response(_reference(service, job.run_id), 202)


@router.get(
    "/api/lab/run/{run_id}/trials",
    responses=example({"run_id": "20251001-093000-backtest-1f3a2b", "trials": ["trial_1", "trial_2"]}),
    summary="Trials of a run, or runs of a session, that have results",
)
def trials(request: Request, run_id: RunId) -> Response:
    return json_response({"run_id": run_id, "trials": trial_names(run_folder(service_of(request).runs, run_id))})


@router.websocket("/ws/run/{run_id}")
async def watch(socket: WebSocket, run_id: RunId, since: Annotated[int, Query(ge=0)] = 0) -> None:
    """Messages of a run after sequence number ``since``. Closes with 1000 when the run is over."""
    service: Service = socket.app.state.service
    job = service.store.get(run_id)
    if job is None:
        await socket.close(4404, "no such run")
        return
    channel = service.queue.channel(job)
    if not service.hub.enter(channel):
        await socket.close(1013, "too many watchers")
        return
    try:
        await socket.accept()
        await _feed(socket, channel, since, service.settings.limits.watch_send_s)
    except (WebSocketDisconnect, TimeoutError, RuntimeError):
        pass  # gone, or too slow to take one message in the time allowed
    finally:
        service.hub.leave(channel)
        if socket.client_state is WebSocketState.CONNECTED:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(socket.close(1000), 2)


async def _feed(socket: WebSocket, channel: Channel, sequence: int, send_s: float) -> None:
    gone = asyncio.create_task(_until_gone(socket))
    try:
        while not gone.done():
            # Nothing awaits between looking and waiting, so no message falls in between.
            changed = asyncio.ensure_future(channel.wait())
            await asyncio.sleep(0)
            for message in channel.after(sequence):
                await asyncio.wait_for(socket.send_text(message.text), send_s)
                sequence = message.sequence
            if channel.over and not channel.after(sequence):
                changed.cancel()
                return
            await asyncio.wait((changed, gone), return_when=asyncio.FIRST_COMPLETED)
            changed.cancel()
    finally:
        gone.cancel()


async def _until_gone(socket: WebSocket) -> None:
    """Watchers only listen: what they send is read and dropped, until they leave."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


def _busy(service: Service) -> bool:
    return any(service.store.list(0, 1, state)[0] for state in ("queued", "running"))


async def _cancel_quietly(service: Service, run_id: str) -> None:
    with contextlib.suppress(ApiError):  # it ended in the same moment
        await service.queue.cancel(run_id, "passed the time limit of run_sync")


def _job(service: Service, run_id: str) -> Any:
    job = service.store.get(run_id)
    if job is None:
        raise not_found(f"run {run_id}: was not started here; GET /api/lab/runs lists the runs")
    return job


def _accepted(service: Service, run_id: str, kind: str, wanted: dict[str, Any]) -> Response:
    service.queue.submit(run_id, kind, wanted)
    return json_response(_reference(service, run_id), 202, {"Location": f"/api/lab/run/{run_id}/status"})


def _reference(service: Service, run_id: str) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "state": "queued",
        "ahead": service.store.position(run_id),
        "status_url": f"/api/lab/run/{run_id}/status",
    }
