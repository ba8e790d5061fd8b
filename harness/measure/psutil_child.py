"""Measuring without ``wait4`` (Windows): psutil samples the process tree.

Less exact than the shim: memory is the largest sample, and what a descendant used after its last sample is lost.
"""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable

import psutil

from harness.errors import EngineError
from harness.measure.child import TICK_S, ChildCommand, ChildResult, utc_text

SAMPLE_S = 0.01


class _TreeUsage:
    """Largest resident size of any process, and the last CPU figures seen for each."""

    def __init__(self, root: psutil.Process) -> None:
        self._root = root
        self._cpu_s: dict[int, tuple[float, float]] = {}
        self.peak_rss_bytes = 0
        self.descendants: dict[int, psutil.Process] = {}

    def sample(self) -> None:
        processes = [self._root]
        with contextlib.suppress(psutil.Error):
            processes += self._root.children(recursive=True)
        for process in processes:
            with contextlib.suppress(psutil.Error):
                times, memory = process.cpu_times(), process.memory_info()
                self._cpu_s[process.pid] = (times.user, times.system)
                # Windows keeps the true high-water mark; elsewhere the sample has to do.
                self.peak_rss_bytes = max(self.peak_rss_bytes, getattr(memory, "peak_wset", memory.rss))
                if process.pid != self._root.pid:
                    self.descendants[process.pid] = process

    def cpu_s(self) -> tuple[float, float]:
        return sum(user for user, _ in self._cpu_s.values()), sum(system for _, system in self._cpu_s.values())


def run_child_psutil(child: ChildCommand, on_tick: Callable[[float], None] | None = None) -> ChildResult:
    """As :func:`harness.measure.child.run_child`, by sampling."""
    with child.stdout.open("wb") as out, child.stderr.open("wb") as err:
        started_at, start_ns = time.time(), time.monotonic_ns()
        try:
            process = psutil.Popen(
                list(child.command),
                cwd=child.folder,
                env=None if child.environment is None else dict(child.environment),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        except OSError as error:
            raise EngineError(f"cannot run {child.command[0]}: {error}") from error
    usage = _TreeUsage(process)
    timed_out = False
    next_tick_s = TICK_S
    exit_code: int | None = None
    try:
        if child.cpu_affinity and hasattr(process, "cpu_affinity"):
            process.cpu_affinity(list(child.cpu_affinity))
        while exit_code is None:
            usage.sample()
            try:
                exit_code = process.wait(timeout=SAMPLE_S)
            except psutil.TimeoutExpired:
                elapsed_s = (time.monotonic_ns() - start_ns) / 1e9
                if elapsed_s >= child.time_limit_s:
                    timed_out = True
                    _end(process, usage)
                if on_tick is not None and elapsed_s >= next_tick_s:
                    next_tick_s = elapsed_s + TICK_S
                    on_tick(elapsed_s)
        wall_s = (time.monotonic_ns() - start_ns) / 1e9
    except BaseException:
        _end(process, usage)
        raise
    left = [item for item in usage.descendants.values() if item.is_running() and item.status() != psutil.STATUS_ZOMBIE]
    names = tuple(f"{item.name()} (pid {item.pid})" for item in left)
    for item in left:
        with contextlib.suppress(psutil.Error):
            item.kill()
    user_s, system_s = usage.cpu_s()
    return ChildResult(
        wall_s=wall_s,
        user_s=user_s,
        system_s=system_s,
        peak_rss_bytes=usage.peak_rss_bytes,
        rss_floor_bytes=0,
        exit_code=exit_code,
        started_at_utc=utc_text(started_at),
        timed_out=timed_out,
        left_running=names,
    )


def _end(process: psutil.Popen, usage: _TreeUsage) -> None:
    usage.sample()
    for item in (process, *usage.descendants.values()):
        with contextlib.suppress(psutil.Error):
            item.kill()
