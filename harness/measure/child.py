"""Runs one command as its own process tree and says what the operating system counted for it.

POSIX: through ``shim.py`` and ``wait4``. Elsewhere (Windows), or when asked, through psutil, which samples memory.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.errors import EngineError

SHIM = Path(__file__).with_name("shim.py")
DEFAULT_OUTPUT_LIMIT_BYTES = 64 * 1024 * 1024
DEFAULT_GRACE_S = 2.0
TICK_S = 0.25

Tick = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class ChildCommand:
    """One command to measure. ``environment`` None means the caller's own; paths are absolute.

    Of each output the first ``output_limit_bytes`` are kept; after ``output_end_bytes`` in all the command is ended.
    ``stop_signal`` asks it to end (time limit, Ctrl-C, death of the caller); ``grace_s`` later it is killed.
    """

    command: tuple[str, ...]
    folder: Path
    stdout: Path
    stderr: Path
    environment: Mapping[str, str] | None = None
    time_limit_s: float = 3600.0
    grace_s: float = DEFAULT_GRACE_S
    output_limit_bytes: int | None = DEFAULT_OUTPUT_LIMIT_BYTES
    output_end_bytes: int | None = None
    cpu_affinity: tuple[int, ...] = ()
    niceness: int = 0
    stop_signal: int = signal.SIGTERM


@dataclass(frozen=True, slots=True)
class ChildResult:
    """What one process tree cost.

    ``wall_s``: start of the command to its end, monotonic clock. ``user_s``/``system_s``: the command and every
    descendant that was waited for, orphans included. ``peak_rss_bytes``: the largest resident size of any one
    process of the tree; never below ``rss_floor_bytes``, the size of the process that started it.
    ``exit_code``: negative for a signal. ``left_running``: processes the command left behind; they were killed.
    ``output_dropped``: which of stdout and stderr went over the limit and were cut. ``output_ended``: it was ended
    because of what it wrote.
    """

    wall_s: float
    user_s: float
    system_s: float
    peak_rss_bytes: int
    rss_floor_bytes: int
    exit_code: int
    started_at_utc: str
    timed_out: bool = False
    left_running: tuple[str, ...] = ()
    output_dropped: tuple[str, ...] = ()
    output_ended: bool = False

    @property
    def cpu_s(self) -> float:
        return self.user_s + self.system_s


def run_child(child: ChildCommand, on_tick: Tick | None = None, use_psutil: bool | None = None) -> ChildResult:
    """Runs ``child`` to its end and returns its cost.

    ``on_tick`` is called about four times a second with the elapsed seconds. On Ctrl-C the whole process tree is
    ended before ``KeyboardInterrupt`` goes on to the caller. Raises ``EngineError`` when the command cannot start.
    """
    if use_psutil is None:
        use_psutil = not hasattr(os, "wait4")
    if use_psutil:
        from harness.measure.psutil_child import run_child_psutil

        return run_child_psutil(child, on_tick)
    return _run_shim(child, on_tick)


def utc_text(timestamp: float) -> str:
    """ISO 8601 in UTC with milliseconds, for example ``2025-10-01T09:30:00.000+00:00``."""
    return datetime.fromtimestamp(timestamp, UTC).isoformat(timespec="milliseconds")


def _run_shim(child: ChildCommand, on_tick: Tick | None) -> ChildResult:
    request = {
        "command": list(child.command),
        "folder": str(child.folder),
        "stdout": str(child.stdout),
        "stderr": str(child.stderr),
        "time_limit_s": child.time_limit_s,
        "grace_s": child.grace_s,
        "stop_signal": int(child.stop_signal),
        "output_limit_bytes": child.output_limit_bytes,
        "output_end_bytes": child.output_end_bytes,
        "cpu_affinity": list(child.cpu_affinity),
        "niceness": child.niceness,
    }
    result_read, result_write = os.pipe()
    control_read, control_write = os.pipe()
    try:
        shim = subprocess.Popen(
            [sys.executable, "-I", "-S", "-E", str(SHIM), json.dumps(request), str(result_write), str(control_read)],
            env=None if child.environment is None else dict(child.environment),
            pass_fds=(result_write, control_read),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,  # the terminal's Ctrl-C is for the harness; it stops the shim in its own way
        )
    except OSError as error:
        for fd in (result_read, control_write):
            os.close(fd)
        raise EngineError(f"cannot start a process: {error}") from error
    finally:
        os.close(result_write)
        os.close(control_read)
    control_open = True
    try:
        answer = _read_answer(result_read, on_tick)
    except BaseException:
        os.close(control_write)
        control_open = False
        _read_answer(result_read, None)
        raise
    finally:
        if control_open:
            os.close(control_write)
        os.close(result_read)
        _, problem = shim.communicate()
    if not answer:
        raise EngineError(f"the measuring process ended without an answer: {problem.decode(errors='replace').strip()}")
    fields: dict[str, Any] = json.loads(answer)
    if "error" in fields:
        raise EngineError(f"cannot run {child.command[0]}: {fields['error']}")
    return ChildResult(
        wall_s=fields["wall_ns"] / 1e9,
        user_s=fields["user_s"],
        system_s=fields["system_s"],
        peak_rss_bytes=fields["peak_rss_bytes"],
        rss_floor_bytes=fields["rss_floor_bytes"],
        exit_code=fields["exit_code"],
        started_at_utc=utc_text(fields["started_at"]),
        timed_out=fields["timed_out"],
        left_running=tuple(fields["left_running"]),
        output_dropped=tuple(fields["output_dropped"]),
        output_ended=fields["output_ended"],
    )


def _read_answer(fd: int, on_tick: Tick | None) -> bytes:
    started = time.monotonic()
    parts: list[bytes] = []
    while True:
        if on_tick is not None:
            ready, _, _ = select.select([fd], [], [], TICK_S)
            if not ready:
                on_tick(time.monotonic() - started)
                continue
        part = os.read(fd, 65536)
        if not part:
            return b"".join(parts)
        parts.append(part)
