"""Runs queued jobs in worker processes, a bounded number at a time, and tells their watchers.

One worker at a time is the default: two backtests at once would spoil each other's times.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from harness.server.hub import Channel, Hub
from harness.server.jobs import Job, JobState, JobStore
from harness.server.problems import ApiError, not_found
from harness.server.settings import ServerSettings

LOG = logging.getLogger("harness.server")
LINE_LIMIT_BYTES = 1 << 20
KILL_AFTER_S = 20.0
WORKER = (sys.executable, "-m", "harness.server.worker")


class JobQueue:
    """The queue of one service. All methods belong to the event loop's thread."""

    def __init__(self, settings: ServerSettings, store: JobStore, hub: Hub, settings_file: Path) -> None:
        self.settings, self.store, self.hub, self.settings_file = settings, store, hub, settings_file
        self._wanted = asyncio.Event()
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._cancelled: set[str] = set()
        self._closing = False
        self._loops: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begins to take jobs. Those that waited before a restart go on waiting; those that ran are interrupted."""
        for run_id in self.store.interrupt_running():
            LOG.warning("run %s was interrupted by the end of the last service", run_id)
        self._loops = [asyncio.create_task(self._work()) for _ in range(self.settings.limits.workers)]
        self._wanted.set()

    async def close(self) -> None:
        """Ends the workers; what they ran is interrupted and can be resumed."""
        self._closing = True
        for process in list(self._processes.values()):
            await _end(process)
        for task in self._loops:
            task.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        self.store.interrupt_running()

    def submit(self, run_id: str, kind: str, request: Mapping[str, Any]) -> Job:
        """Queues a new job. Raises ``ApiError`` 503 when the queue is full."""
        if not self.store.add(run_id, kind, request, self.settings.limits.queue_length):
            raise self._full()
        return self._queued(run_id)

    def resume(self, run_id: str) -> Job:
        """Queues a job that was interrupted, cancelled or failed once more; it goes on where it was."""
        job = self._job(run_id)
        if not job.state.over or job.state is JobState.COMPLETED:
            raise ApiError(409, "state", f"run {run_id} is {job.state}; only a run that ended early can be resumed")
        if not self.store.requeue(run_id, self.settings.limits.queue_length):
            raise self._full()
        return self._queued(run_id)

    async def cancel(self, run_id: str, detail: str = "cancelled") -> Job:
        """Ends a job that waits or runs; what it finished is kept."""
        job = self._job(run_id)
        if job.state.over:
            raise ApiError(409, "state", f"run {run_id} is {job.state} already")
        self._cancelled.add(run_id)
        process = self._processes.get(run_id)
        if process is not None:
            await _end(process)
        elif job.state is JobState.QUEUED:
            self._record(run_id, JobState.CANCELLED, detail, {})
            self._cancelled.discard(run_id)
        return self._job(run_id)

    def channel(self, job: Job) -> Channel:
        """The job's channel; after a restart it starts with the stored state."""
        known = job.run_id in self.hub.channels
        channel = self.hub.channel(job.run_id, job.sequence)
        if not known and job.state is not JobState.QUEUED:
            channel.publish_milestone(job.state, {"detail": job.detail, "progress": job.progress}, job.state.over)
        return channel

    def _job(self, run_id: str) -> Job:
        job = self.store.get(run_id)
        if job is None:
            raise not_found(f"run {run_id}: was not started here; GET /api/lab/runs lists the runs")
        return job

    def _full(self) -> ApiError:
        length = self.settings.limits.queue_length
        return ApiError(503, "queue-full", f"{length} runs wait already; try again later", {"Retry-After": "30"})

    def _queued(self, run_id: str) -> Job:
        job = self._job(run_id)
        channel = self.hub.channel(run_id, job.sequence)
        channel.publish_milestone(JobState.QUEUED, {"ahead": self.store.position(run_id)})
        self._wanted.set()
        return job

    def _record(self, run_id: str, state: JobState, detail: str, progress: Mapping[str, Any]) -> None:
        job = self._job(run_id)
        channel = self.hub.channel(run_id, job.sequence)
        sequence = channel.publish_milestone(state, {"detail": detail, "progress": progress}, state.over)
        self.store.record(run_id, state, detail, progress, sequence)

    async def _work(self) -> None:
        # Once the service ends, a worker whose run was ended must not take the next: it would be interrupted as well.
        while not self._closing:
            await self._wanted.wait()
            job = self.store.take()
            if job is None:
                self._wanted.clear()
                continue
            try:
                await self._run(job)
            except asyncio.CancelledError:
                raise
            except Exception:
                LOG.exception("run %s could not be run", job.run_id)
                self._record(job.run_id, JobState.FAILED, "the service could not run it; see its log", {})

    async def _run(self, job: Job) -> None:
        folder = self.settings.runs_folder / job.run_id
        folder.mkdir(parents=True, exist_ok=True)
        environment = {key: value for key, value in os.environ.items() if key != "HARNESS_TOKEN"}
        process = await asyncio.create_subprocess_exec(
            *WORKER, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            cwd=self.settings.project.root, env=environment, limit=LINE_LIMIT_BYTES, start_new_session=True,
        )  # fmt: skip
        self._processes[job.run_id] = process
        self._record(job.run_id, JobState.RUNNING, "", {})
        try:
            ended, progress = await self._follow(job, folder, process)
        finally:
            self._processes.pop(job.run_id, None)
        if job.run_id in self._cancelled:
            self._cancelled.discard(job.run_id)
            state, detail = JobState.CANCELLED, "cancelled"
        elif self._closing and ended is None:
            state, detail = JobState.INTERRUPTED, "the service ended while this ran; resume it"
        elif ended is None:
            state, detail = JobState.FAILED, f"the worker ended without an answer (exit code {process.returncode})"
        else:
            state = JobState.COMPLETED if ended["ok"] else JobState.FAILED
            detail = ended["detail"]
        if state is JobState.COMPLETED:
            # The last position that was seen is older than the end.
            progress = {key: value for key, value in progress.items() if key not in ("simulated_time", "text")}
            progress["percent"] = 100.0
        self._record(job.run_id, state, detail, progress)

    async def _follow(
        self, job: Job, folder: Path, process: asyncio.subprocess.Process
    ) -> tuple[dict[str, Any] | None, dict[str, Any]]:
        """Passes on what the worker tells, to its end; its last word, and the last progress."""
        assert process.stdin is not None and process.stdout is not None
        task = {"kind": job.kind, "settings": str(self.settings_file), "folder": str(folder), "request": job.request}
        with suppress(ConnectionError):
            process.stdin.write(orjson.dumps(task) + b"\n")
            await process.stdin.drain()
        if job.run_id in self._cancelled:
            await _end(process)
        channel = self.hub.channel(job.run_id)
        ended: dict[str, Any] | None = None
        progress: dict[str, Any] = {}
        told_at = 0.0
        while line := await process.stdout.readline():
            try:
                told = orjson.loads(line)
                kind = told.pop("kind")
            except (ValueError, KeyError, AttributeError):
                continue  # something the algorithm's imports printed
            if kind == "end":
                ended = told
            elif kind == "milestone":
                name = told.pop("type")
                if name == "verdict":
                    progress = {**progress, "verdict": told}
                channel.publish_milestone(name, told)
            else:
                progress = {**progress, **told}
                now = time.monotonic()
                if now - told_at >= self.settings.limits.progress_interval_s:
                    told_at = now
                    channel.publish_progress(progress)
        await process.wait()
        return ended, progress


async def _end(process: asyncio.subprocess.Process) -> None:
    """Closing standard input asks the worker to end its backtest; what does not listen is killed later."""
    if process.returncode is not None:
        return
    if process.stdin is not None:
        process.stdin.close()
    loop = asyncio.get_running_loop()
    loop.call_later(KILL_AFTER_S, _kill, process)
    if not loop.is_closed():
        with suppress(TimeoutError):
            async with asyncio.timeout(KILL_AFTER_S):
                await process.wait()


def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL) if hasattr(os, "killpg") else process.kill()
