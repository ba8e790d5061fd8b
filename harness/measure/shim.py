"""A tiny parent for one measured command. Standard library only; run as ``python -I -S -E shim.py``.

Why a process of its own: on Linux a forked child starts with its parent's resident size as its high-water mark,
and ``exec`` keeps that mark (``ru_maxrss``). Started from a harness that holds 500 MB, ``/bin/true`` would be
reported with 500 MB. Started from here it is reported with the few MB of this script, the floor that
``rss_floor_bytes`` states. One shim per command also means that ``wait4`` counts exactly one process tree.

Usage: ``shim.py REQUEST_JSON RESULT_FD CONTROL_FD``. The environment of the shim is the environment of the
command. One JSON object is written to ``RESULT_FD`` at the end. End of file on ``CONTROL_FD`` means "stop":
either the caller asked for it, or the caller is dead.

Request keys: ``command`` (list), ``folder``, ``stdout``, ``stderr`` (paths), ``time_limit_s``, ``grace_s``,
``stop_signal`` (number), ``output_limit_bytes`` and ``output_end_bytes`` (or null), ``cpu_affinity`` (list),
``niceness``.
"""
# Every import here is memory under the command and time before it: no pathlib, no contextlib, no typing.
# ruff: noqa: PTH112, PTH123, PTH202, PTH208, SIM105

from __future__ import annotations

import ctypes
import json
import os
import resource
import select
import signal
import sys
import time

TYPE_CHECKING = False  # `typing` itself would be one more import
if TYPE_CHECKING:
    from typing import Any

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
OUTPUT_CHECK_S = 0.25
RSS_UNIT_BYTES = 1 if sys.platform == "darwin" else 1024


def load_prctl() -> Any:
    """Linux's ``prctl``, or None elsewhere."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        return ctypes.CDLL(None, use_errno=True).prctl
    except (OSError, AttributeError):
        return None


def own_rss_bytes() -> int:
    """Resident size of this process now: the smallest peak that can be reported for the command."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT_BYTES


def live_children() -> list[tuple[int, str]]:
    """Direct children of this process that are still running, as (pid, command) pairs (Linux; else empty)."""
    me = str(os.getpid())
    found = []
    for entry in os.listdir("/proc") if os.path.isdir("/proc") else ():
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
                text = file.read()
        except OSError:
            continue  # it ended meanwhile
        name = text[text.index("(") + 1 : text.rindex(")")]
        state, parent = text[text.rindex(")") + 2 :].split()[:2]
        if parent == me and state != "Z":
            found.append((int(entry), name))
    return found


def kill_group(pid: int, signal_number: int) -> None:
    try:
        os.killpg(pid, signal_number)
    except (ProcessLookupError, PermissionError):
        pass  # already gone


def start_command(request: dict[str, Any], prctl: Any) -> tuple[int, int]:
    """Forks and executes the command in its own session. Returns (pid, error pipe); the pipe carries exec's error."""
    out = os.open(request["stdout"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
    err = os.open(request["stderr"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
    null = os.open(os.devnull, os.O_RDONLY)
    error_read, error_write = os.pipe()
    pid = os.fork()
    if pid:
        for fd in (out, err, null, error_write):
            os.close(fd)
        return pid, error_read
    try:
        os.setsid()
        if prctl is not None:
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        if request["cpu_affinity"]:
            os.sched_setaffinity(0, request["cpu_affinity"])
        if request["niceness"]:
            os.nice(request["niceness"])
        os.chdir(request["folder"])
        os.dup2(null, 0)
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.execvp(request["command"][0], request["command"])
    except BaseException as error:
        os.write(error_write, f"{type(error).__name__}: {error}".encode())
    finally:
        os._exit(127)


class Usage:
    """Sums of ``wait4`` over every process reaped here."""

    def __init__(self) -> None:
        self.user_s = 0.0
        self.system_s = 0.0
        self.peak_rss_bytes = 0

    def add(self, rusage: resource.struct_rusage) -> None:
        self.user_s += rusage.ru_utime
        self.system_s += rusage.ru_stime
        self.peak_rss_bytes = max(self.peak_rss_bytes, rusage.ru_maxrss * RSS_UNIT_BYTES)


def reap(usage: Usage, main_pid: int) -> tuple[int | None, bool]:
    """Reaps all that has ended. Returns (main's wait status or None, whether any child is left)."""
    status = None
    while True:
        try:
            pid, pid_status, rusage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return status, False
        if pid == 0:
            return status, True
        usage.add(rusage)
        if pid == main_pid:
            status = pid_status


def end_stragglers(usage: Usage, main_pid: int, grace_s: float) -> list[str]:
    """Kills what the command left running (TERM, then KILL) and reaps it. Returns its names."""
    names: dict[int, str] = {}
    deadline = time.monotonic() + grace_s
    number: int = signal.SIGTERM
    while True:
        _, left = reap(usage, main_pid)
        children = live_children() if left else []
        for pid, name in children:
            names.setdefault(pid, name)
        kill_group(main_pid, number)  # also where orphans do not become children of this process (macOS)
        if not left:
            return [f"{name} (pid {pid})" for pid, name in sorted(names.items())]
        if time.monotonic() > deadline:
            number = signal.SIGKILL
        for pid, _ in children:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        time.sleep(0.02)


def cut_outputs(request: dict[str, Any], dropped: dict[str, int]) -> int:
    """Keeps the head of each output file; files are open for append, so cutting never leaves a hole.

    Adds to ``dropped`` the bytes that were cut; returns how many were written in all.
    """
    limit = request["output_limit_bytes"]
    written = 0
    for key in ("stdout", "stderr"):
        size = os.path.getsize(request[key])
        if limit is not None and size > limit:
            os.truncate(request[key], limit)
            dropped[key] = dropped.get(key, 0) + size - limit
            size = limit
        written += size + dropped.get(key, 0)
    return written


def supervise(
    request: dict[str, Any], main_pid: int, usage: Usage, start_ns: int, *, control_fd: int, wake_fd: int
) -> dict[str, Any]:
    """Waits for the command; enforces the time limit, the output limits and the caller's stop. Returns a dict."""
    limit_ns = int(request["time_limit_s"] * 1e9)
    dropped: dict[str, int] = {}
    timed_out = stopped = output_ended = False
    kill_at_ns: int | None = None
    watch = [control_fd, wake_fd]
    while True:
        now_ns = time.monotonic_ns()
        if not (timed_out or stopped or output_ended) and now_ns - start_ns >= limit_ns:
            timed_out = True
            kill_group(main_pid, request["stop_signal"])
            kill_at_ns = now_ns + int(request["grace_s"] * 1e9)
        if kill_at_ns is not None and now_ns >= kill_at_ns:
            kill_group(main_pid, signal.SIGKILL)
            kill_at_ns = now_ns + 10**9
        next_ns = kill_at_ns if kill_at_ns is not None else start_ns + limit_ns
        timeout_s = max(0.0, (next_ns - now_ns) / 1e9)
        if request["output_limit_bytes"] is not None or request["output_end_bytes"] is not None:
            timeout_s = min(timeout_s, OUTPUT_CHECK_S)
        ready, _, _ = select.select(watch, [], [], timeout_s)
        woken_ns = time.monotonic_ns()
        stop = False
        if wake_fd in ready:
            stop = any(number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP) for number in os.read(wake_fd, 512))
        if control_fd in ready and not os.read(control_fd, 1):
            watch = [wake_fd]
            stop = True
        status, _ = reap(usage, main_pid)
        if status is not None:
            cut_outputs(request, dropped)
            return {
                "wall_ns": woken_ns - start_ns,
                "exit_code": os.waitstatus_to_exitcode(status),
                "timed_out": timed_out,
                "stopped": stopped,
                "output_dropped": sorted(dropped),
                "output_ended": output_ended,
            }
        if stop and not stopped:
            stopped = True
            kill_group(main_pid, request["stop_signal"])
            kill_at_ns = woken_ns + int(request["grace_s"] * 1e9)
        written, most = cut_outputs(request, dropped), request["output_end_bytes"]
        if most is not None and written > most and not (timed_out or stopped or output_ended):
            output_ended = True
            kill_group(main_pid, request["stop_signal"])
            kill_at_ns = woken_ns + int(request["grace_s"] * 1e9)


def ignore(_number: int, _frame: object) -> None:
    """The wake-up descriptor carries the signal; the handler only has to exist."""


def run(request: dict[str, Any], control_fd: int) -> dict[str, Any]:
    prctl = load_prctl()
    if prctl is not None:
        # Orphans of the command become children of this process, so that they are counted, found and ended.
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    wake_fd, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, ignore)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    usage = Usage()
    floor = own_rss_bytes()
    started_at = time.time()
    start_ns = time.monotonic_ns()
    pid, error_fd = start_command(request, prctl)
    answer = supervise(request, pid, usage, start_ns, control_fd=control_fd, wake_fd=wake_fd)
    left_running = end_stragglers(usage, pid, request["grace_s"])
    error = os.read(error_fd, 4096).decode(errors="replace")
    if error:
        return {"error": error}
    answer.update(
        user_s=usage.user_s,
        system_s=usage.system_s,
        peak_rss_bytes=usage.peak_rss_bytes,
        rss_floor_bytes=floor,
        started_at=started_at,
        left_running=left_running,
    )
    return answer


def main() -> None:
    request, result_fd, control_fd = json.loads(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    os.set_inheritable(result_fd, False)
    os.set_inheritable(control_fd, False)
    try:
        answer = run(request, control_fd)
    except OSError as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    os.write(result_fd, json.dumps(answer).encode())


if __name__ == "__main__":
    main()
