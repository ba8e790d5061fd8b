"""Which containers are nobody's any more, told from their names; a Docker client with a list stands in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.engines import containers
from harness.engines.containers import (
    NAME_PREFIX,
    Owner,
    forget,
    leftovers,
    machine_key,
    new_name,
    owner_of,
    process_start,
    take_down_leftovers,
)

pytest.importorskip("docker")


class Docker:
    """Lists and removes containers as the Docker API does."""

    def __init__(self, *names: str, state: str = "running") -> None:
        self.there = dict.fromkeys(names, state)
        self.api = SimpleNamespace(containers=self.containers, remove_container=self.remove)

    def containers(self, **_: Any) -> list[dict[str, Any]]:
        mount = {"Destination": "/Results", "Source": "/runs/run_01/lean"}
        return [{"Names": [f"/{name}"], "State": state, "Mounts": [mount]} for name, state in self.there.items()]

    def remove(self, name: str, **_: Any) -> None:
        from docker.errors import NotFound

        if name not in self.there:
            raise NotFound("no such container")
        del self.there[name]


def name(pid: int, started: int, machine: str | None = None) -> str:
    return f"{NAME_PREFIX}{pid}_{started}_{machine or machine_key()}_0123456789ab"


def ended_process() -> int:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


def test_the_name_tells_the_owner() -> None:
    made = new_name()
    assert owner_of(made) == Owner(os.getpid(), process_start(os.getpid()), machine_key())
    assert process_start(os.getpid()) > 0
    assert owner_of(f"{NAME_PREFIX}12_0123456789ab") is None
    assert owner_of("something_else") is None
    forget(made)


def test_a_dead_owners_container_is_taken_down_and_described() -> None:
    orphan = name(ended_process(), 4711)
    client = Docker(orphan)
    (told,) = take_down_leftovers(client)
    assert str(told) == (
        f"container {orphan} of a harness process that was killed runs and writes into {Path('/runs/run_01/lean')}"
    )
    assert client.there == {}


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="start times are the kernel's")
def test_a_process_id_that_is_used_again_is_another_owner() -> None:
    parent = os.getppid()
    living, reused = name(parent, process_start(parent)), name(parent, process_start(parent) - 1)
    assert [one.name for one in leftovers(Docker(living, reused))] == [reused]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="a zombie is the kernel's word")
def test_a_process_that_ended_and_was_not_waited_for_is_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    started = process_start(child.pid)
    assert child.stdout is not None
    child.stdout.read()  # it has ended, or is about to
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert Owner(child.pid, started, machine_key()).dead()
    child.wait()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="as the kernel hides it")
def test_a_process_of_another_user_that_is_hidden_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int, number: int) -> None:
        raise PermissionError

    gone = ended_process()
    assert Owner(gone, 4711, machine_key()).dead()
    monkeypatch.setattr(os, "kill", refuse)
    assert not Owner(gone, 4711, machine_key()).dead()


def test_containers_of_other_machines_are_named_and_left_alone() -> None:
    foreign, old = name(ended_process(), 1, "ffffffff"), f"{NAME_PREFIX}{ended_process()}_0123456789ab"
    client = Docker(foreign, old)
    assert {one.name for one in leftovers(client) if one.foreign} == {foreign, old}
    assert take_down_leftovers(client) == []
    assert set(client.there) == {foreign, old}


def test_own_containers_count_while_they_are_in_use() -> None:
    made = new_name()
    assert leftovers(Docker(made)) == []
    forget(made)  # its removal had failed: this process makes good for it later
    assert [one.name for one in leftovers(Docker(made, state="exited"))] == [made]
    assert "is left" in str(leftovers(Docker(made, state="exited"))[0])


def test_a_removal_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    from docker.errors import APIError
    from requests.exceptions import ConnectionError as NoConnection

    client = Docker("x")
    monkeypatch.setattr(containers, "REMOVAL_S", 0.3)
    client.api.remove_container = lambda *_, **__: (_ for _ in ()).throw(APIError("removal\nin progress"))
    assert containers.remove_container(client, "x") == "removal in progress"
    client.api.remove_container = lambda *_, **__: (_ for _ in ()).throw(NoConnection("refused"))
    assert containers.remove_container(client, "x") == "the Docker engine does not answer (ConnectionError)"
