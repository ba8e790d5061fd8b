"""What one container cost while it ran: CPU and memory from its control group, times from the Docker engine's events.

A container is no child of the client that starts it, so ``wait4`` does not see it. Its control group is read where it
is visible (Linux, same machine), else the engine's API is asked. Both are sampled: the CPU of the last
``SAMPLE_S`` of a container's life can be missing.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SAMPLE_S = 0.02
API_SAMPLE_S = 0.2
CGROUP_ROOT = Path("/sys/fs/cgroup")
LAST_EVENT_S = 5.0


@dataclass(frozen=True, slots=True)
class CgroupUse:
    """Counters of a control group. ``memory_bytes``: anonymous memory and mapped files, what a process calls resident.

    ``high_water_bytes`` is the kernel's own peak; it includes the page cache of every file that was read.
    """

    user_s: float
    system_s: float
    memory_bytes: int
    high_water_bytes: int = 0


@dataclass(slots=True)
class ContainerUse:
    """One container's life. Times are UTC epoch seconds, 0 for what did not happen; ``exit_code`` None likewise."""

    created_at: float = 0.0
    started_at: float = 0.0
    ended_at: float = 0.0
    exit_code: int | None = None
    out_of_memory: bool = False
    user_s: float = 0.0
    system_s: float = 0.0
    peak_memory_bytes: int = 0
    high_water_bytes: int = 0
    samples: int = 0
    source: str = ""

    def add(self, use: CgroupUse, source: str) -> None:
        """Takes one sample; counters only grow."""
        self.user_s = max(self.user_s, use.user_s)
        self.system_s = max(self.system_s, use.system_s)
        self.peak_memory_bytes = max(self.peak_memory_bytes, use.memory_bytes)
        self.high_water_bytes = max(self.high_water_bytes, use.high_water_bytes)
        self.samples += 1
        self.source = source


def cgroup_reader(cgroup_text: str, root: Path = CGROUP_ROOT) -> Callable[[], CgroupUse] | None:
    """A function that reads the group named in a ``/proc/<pid>/cgroup`` text; None where it is not visible.

    Version 2 has one line ``0::/path``, version 1 one line for each controller.
    """
    paths: dict[str, str] = {}
    for line in cgroup_text.splitlines():
        _, names, path = line.split(":", 2)
        paths.update(dict.fromkeys(names.split(","), path.lstrip("/")))
    if "cpuacct" in paths and "memory" in paths:
        cpu, memory = root / "cpuacct" / paths["cpuacct"], root / "memory" / paths["memory"]
        if (cpu / "cpuacct.usage").is_file() and (memory / "memory.stat").is_file():
            return lambda: _read_v1(cpu, memory)
    unified = root / paths.get("", "")
    if paths.get("") and (unified / "cpu.stat").is_file():
        return lambda: _read_v2(unified)
    return None


def _read_v1(cpu: Path, memory: Path) -> CgroupUse:
    usage_s = int((cpu / "cpuacct.usage").read_text()) / 1e9
    # ticks of 10 ms: only the share of user and system is taken from them
    ticks = _pairs(cpu / "cpuacct.stat")
    user_share = ticks["user"] / max(1, ticks["user"] + ticks["system"])
    stat = _pairs(memory / "memory.stat")
    high = int((memory / "memory.max_usage_in_bytes").read_text())
    return CgroupUse(
        usage_s * user_share, usage_s * (1 - user_share), stat["total_rss"] + stat["total_mapped_file"], high
    )


def _read_v2(group: Path) -> CgroupUse:
    cpu = _pairs(group / "cpu.stat")
    stat = _pairs(group / "memory.stat") if (group / "memory.stat").is_file() else {}
    peak = group / "memory.peak"
    return CgroupUse(
        cpu["user_usec"] / 1e6,
        cpu["system_usec"] / 1e6,
        stat.get("anon", 0) + stat.get("file_mapped", 0),
        int(peak.read_text()) if peak.is_file() else 0,
    )


def _pairs(path: Path) -> dict[str, int]:
    return {name: int(value) for name, value in (line.split() for line in path.read_text().splitlines())}


def api_use(stats: dict[str, Any]) -> CgroupUse:
    """The Docker API's ``/containers/{id}/stats`` as counters."""
    cpu = stats["cpu_stats"]["cpu_usage"]
    total_s = cpu["total_usage"] / 1e9
    user, system = cpu.get("usage_in_usermode", 0), cpu.get("usage_in_kernelmode", 0)
    share = user / (user + system) if user + system else 1.0
    memory = stats.get("memory_stats", {})
    parts = memory.get("stats", {})
    resident = parts.get("anon", parts.get("rss", 0)) + parts.get("file_mapped", parts.get("mapped_file", 0))
    return CgroupUse(total_s * share, total_s * (1 - share), resident, memory.get("max_usage", 0))


@dataclass(slots=True)
class ContainerWatch:
    """Watches the container that will get ``name``, from before it is made until it is gone. A context manager."""

    client: Any
    name: str
    use: ContainerUse = field(default_factory=ContainerUse)
    _ended: threading.Event = field(default_factory=threading.Event)
    _stream: Any = None
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> ContainerWatch:
        filters = {"type": "container", "container": [self.name]}
        self._stream = self.client.api.events(decode=True, filters=filters, since=int(time.time()) - 1)
        self._start(self._follow_events)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        with contextlib.suppress(Exception):  # the connection may be gone already
            self._stream.close()
        for thread in self._threads:
            thread.join(timeout=2.0)

    def wait_for_end(self, timeout_s: float = LAST_EVENT_S) -> None:
        """Waits for the event of a container's end, if it was started: the client can be faster than the event."""
        if self.use.started_at:
            self._ended.wait(timeout_s)

    def _start(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, daemon=True, name=f"{target.__name__} {self.name}")
        self._threads.append(thread)
        thread.start()

    def _follow_events(self) -> None:
        with contextlib.suppress(Exception):  # closing the stream from outside ends it with whatever it was doing
            for event in self._stream:
                self._take(event)
                if self.use.ended_at:
                    return

    def _take(self, event: dict[str, Any]) -> None:
        attributes = event.get("Actor", {}).get("Attributes", {})
        if attributes.get("name") != self.name:
            return
        at = event["timeNano"] / 1e9
        match event["Action"]:
            case "create":
                self.use.created_at = at
            case "start":
                self.use.started_at = at
                self._start(self._sample)
            case "oom":
                self.use.out_of_memory = True
            case "die":
                self.use.ended_at = at
                self.use.exit_code = int(attributes.get("exitCode", -1))
                self._ended.set()

    def _sample(self) -> None:
        read = self._reader()
        if read is not None:
            with contextlib.suppress(OSError, KeyError, ValueError):  # the group goes with the container
                while not self._ended.is_set():
                    self.use.add(read(), "cgroup")
                    self._ended.wait(SAMPLE_S)
            return
        for use in self._api_samples():
            self.use.add(use, "Docker API")

    def _reader(self) -> Callable[[], CgroupUse] | None:
        try:
            found = self.client.api.inspect_container(self.name)
            text = Path(f"/proc/{found['State']['Pid']}/cgroup").read_text()
        except Exception:  # gone already, or another machine's process
            return None
        # another machine's engine: that number is some other process here
        return cgroup_reader(text) if found["Id"] in text else None

    def _api_samples(self) -> Iterator[CgroupUse]:
        while not self._ended.is_set():
            try:
                yield api_use(self.client.api.stats(self.name, stream=False, one_shot=True))
            except Exception:  # gone
                return
            self._ended.wait(API_SAMPLE_S)
