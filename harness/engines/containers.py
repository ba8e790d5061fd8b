"""The harness's containers by owner: which process made one, whether it still lives, and the end of what it left.

A container outlives the process that asked for it, and goes on writing into the run folder. lean-cli passes no labels
on, so the owner is in the container's name: process id, start of that process (a process id is used again), and the
machine and process namespace that the id belongs to (one Docker engine can serve several).
"""

from __future__ import annotations

import hashlib
import os
import socket
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAME_PREFIX = "harness_lean_"
REMOVAL_S = 30.0
RESULTS_MOUNT = "/Results"
UNKNOWN = 0

# Of this process, from before they are made until they are gone.
_active: set[str] = set()


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that made a container. ``started``: its start in the kernel's own count, 0 where that is unknown."""

    pid: int
    started: int
    machine: str

    def dead(self) -> bool:
        """Whether it is known to have ended; never for a process of another machine or namespace."""
        return self.machine == machine_key() and process_start(self.pid) not in (self.started, UNKNOWN)


@dataclass(frozen=True, slots=True)
class Leftover:
    """A container whose owner is dead, or is out of sight (``foreign``). ``results``: the folder that it writes."""

    name: str
    running: bool
    foreign: bool
    results: Path | None

    def __str__(self) -> str:
        where = f" and writes into {self.results}" if self.results is not None and self.running else ""
        whose = "whose owner cannot be seen from here" if self.foreign else "of a harness process that was killed"
        return f"container {self.name} {whose} {'runs' if self.running else 'is left'}{where}"


def new_name() -> str:
    """A name for a container of this process, which counts as in use until :func:`forget`."""
    me = os.getpid()
    name = f"{NAME_PREFIX}{me}_{process_start(me)}_{machine_key()}_{uuid.uuid4().hex[:12]}"
    _active.add(name)
    return name


def forget(name: str) -> None:
    """The container is gone, or this process gives it up."""
    _active.discard(name)


def owner_of(name: str) -> Owner | None:
    """The owner that a container's name tells; None when it tells none."""
    parts = name.removeprefix(NAME_PREFIX).split("_")
    if len(parts) != 4 or not (parts[0].isdigit() and parts[1].isdigit()):
        return None
    return Owner(int(parts[0]), int(parts[1]), parts[2])


def leftovers(client: Any) -> list[Leftover]:
    """The harness's containers that no living process of this machine answers for."""
    found = []
    for item in client.api.containers(all=True, filters={"name": NAME_PREFIX}):
        name = item["Names"][0].lstrip("/")
        owner = owner_of(name)
        own = owner is not None and owner == Owner(os.getpid(), process_start(os.getpid()), machine_key())
        foreign = owner is None or owner.machine != machine_key()
        if name in _active or not (own or foreign or (owner is not None and owner.dead())):
            continue
        results = next(
            (Path(m["Source"]) for m in item.get("Mounts", ()) if m.get("Destination") == RESULTS_MOUNT), None
        )
        found.append(Leftover(name, item.get("State") == "running", foreign, results))
    return sorted(found, key=lambda one: one.name)


def take_down_leftovers(client: Any) -> list[Leftover]:
    """Ends and removes the containers whose owners are dead; returns them. Those of other machines are left alone."""
    return [one for one in leftovers(client) if not one.foreign and not remove_container(client, one.name)]


def remove_container(client: Any, name: str) -> str:
    """Ends and removes the container of this name and waits until it is gone; empty, or why that failed."""
    from docker.errors import APIError, DockerException, NotFound
    from requests.exceptions import RequestException

    deadline = time.monotonic() + REMOVAL_S
    problem = ""
    while time.monotonic() < deadline:
        try:
            client.api.remove_container(name, force=True, v=True)
        except NotFound:
            return ""
        except APIError as error:  # its removal is in progress, as a rule
            problem = " ".join(str(error).split())
            time.sleep(0.1)
        except (DockerException, RequestException) as error:
            return f"the Docker engine does not answer ({type(error).__name__})"
    return problem or "it is still there"


def machine_key() -> str:
    """Eight hex digits, equal for processes that see one another's process ids."""
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts.append(Path("/etc/machine-id").read_text().strip())
    with suppress(OSError):
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:8]


def process_start(pid: int) -> int:
    """When a living process started: clock ticks after boot (Linux), else seconds since 1970; -1 when there is none."""
    if Path("/proc/self/stat").exists():
        try:
            fields = Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            return UNKNOWN if _hidden(pid) else -1
        return -1 if fields[0] in "ZX" else int(fields[19])
    import psutil

    try:
        return int(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return -1
    except psutil.Error:
        return UNKNOWN


def _hidden(pid: int) -> bool:
    """Whether there is such a process, of another user whose processes are not shown here (``hidepid``)."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return True
