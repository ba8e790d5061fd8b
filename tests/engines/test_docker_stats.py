"""Control groups of both versions, the Docker API's figures, and the phases around a container."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.engines.docker_stats import CgroupUse, ContainerUse, ContainerWatch, api_use, cgroup_reader
from harness.engines.lean_cli import container_phases
from harness.engines.lean_log import LeanLog, epoch
from harness.measure.child import ChildResult

IDENTIFIER = "4f" * 32


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_version_1(tmp_path: Path) -> None:
    write(tmp_path, {
        f"cpuacct/docker/{IDENTIFIER}/cpuacct.usage": "2500000000\n",
        f"cpuacct/docker/{IDENTIFIER}/cpuacct.stat": "user 150\nsystem 50\n",
        f"memory/docker/{IDENTIFIER}/memory.stat": "cache 900\nrss 5\ntotal_rss 100\ntotal_mapped_file 20\n",
        f"memory/docker/{IDENTIFIER}/memory.max_usage_in_bytes": "1024\n",
    })  # fmt: skip
    lines = ("9:name=systemd:", "4:memory:", "2:cpu,cpuacct:")
    text = "".join(f"{line}/docker/{IDENTIFIER}\n" for line in lines) + "0::/\n"
    read = cgroup_reader(text, tmp_path)
    assert read is not None
    assert read() == CgroupUse(1.875, 0.625, 120, 1024)


@pytest.mark.parametrize("with_peak", [True, False])
def test_version_2(tmp_path: Path, with_peak: bool) -> None:
    group = f"system.slice/docker-{IDENTIFIER}.scope"
    write(tmp_path, {
        f"{group}/cpu.stat": "usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\n",
        f"{group}/memory.stat": "anon 100\nfile 999\nfile_mapped 20\n",
    })  # fmt: skip
    if with_peak:
        write(tmp_path, {f"{group}/memory.peak": "2048\n"})
    read = cgroup_reader(f"0::/{group}\n", tmp_path)
    assert read is not None
    assert read() == CgroupUse(2.0, 0.5, 120, 2048 if with_peak else 0)


def test_a_group_that_is_not_visible(tmp_path: Path) -> None:
    assert cgroup_reader("0::/docker/x\n", tmp_path) is None
    assert cgroup_reader("0::/\n", tmp_path) is None


def test_the_apis_figures() -> None:
    stats = {
        "cpu_stats": {
            "cpu_usage": {"total_usage": 3_000_000_000, "usage_in_usermode": 200, "usage_in_kernelmode": 100}
        },
        "memory_stats": {"stats": {"anon": 10, "file_mapped": 5, "inactive_file": 99}},
    }
    assert api_use(stats) == CgroupUse(2.0, 1.0, 15, 0)


def test_samples_only_grow() -> None:
    use = ContainerUse()
    use.add(CgroupUse(1.0, 0.5, 100, 200), "cgroup")
    use.add(CgroupUse(1.5, 0.6, 50, 200), "cgroup")
    assert (use.user_s, use.system_s, use.peak_memory_bytes, use.samples) == (1.5, 0.6, 100, 2)


class Events:
    """A Docker client that tells of one container's life."""

    def __init__(self, *events: dict[str, object]) -> None:
        self.api, self.told = self, events

    def events(self, **_: object) -> Events:
        return self

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(self.told)

    def close(self) -> None: ...

    def inspect_container(self, name: str) -> dict[str, object]:
        raise OSError(name)

    def stats(self, name: str, **_: object) -> dict[str, object]:
        raise OSError(name)


def event(action: str, at_s: float, name: str = "mine", **attributes: str) -> dict[str, object]:
    return {"Action": action, "timeNano": int(at_s * 1e9), "Actor": {"Attributes": {"name": name, **attributes}}}


def test_events_give_the_times_and_the_exit_code() -> None:
    client = Events(
        event("create", 1.0), event("start", 2.0, "other"), event("start", 2.5), event("oom", 3.0),
        event("die", 4.0, exitCode="137"),
    )  # fmt: skip
    with ContainerWatch(client, "mine") as watch:
        watch._ended.wait(5)
    use = watch.use
    assert (use.created_at, use.started_at, use.ended_at) == (1.0, 2.5, 4.0)
    assert use.exit_code == 137
    assert use.out_of_memory
    assert use.samples == 0


STARTED = "2025-10-01T00:00:00.000+00:00"


def cost(wall_s: float) -> ChildResult:
    return ChildResult(wall_s, 0.1, 0.1, 1, 1, 0, STARTED)


def test_phases_around_the_container() -> None:
    at = epoch(STARTED)
    use = ContainerUse(created_at=at + 1, started_at=at + 1.5, ended_at=at + 9)
    log = LeanLog(version="2", marks={"engine_start": at + 2, "initialize": at + 4, "algorithm": at + 8})
    assert container_phases(log, cost(10.0), use) == pytest.approx({
        "client_start": 1.0, "container_start": 0.5, "engine_start": 0.5, "initialize": 2.0, "algorithm": 4.0,
        "results": 1.0, "client_end": 1.0,
    })  # fmt: skip


def test_phases_without_a_log_or_a_container() -> None:
    at = epoch(STARTED)
    use = ContainerUse(created_at=at + 1, started_at=at + 1.5, ended_at=at + 2)
    assert container_phases(LeanLog(), cost(3.0), use)["engine_start"] == pytest.approx(0.5)
    assert container_phases(LeanLog(), cost(3.0), ContainerUse()) == {"client_start": 3.0}
    # a container that never ran, and an engine that is killed before its end is told
    for use in (ContainerUse(created_at=at + 1), ContainerUse(created_at=at + 1, started_at=at + 2)):
        phases = container_phases(LeanLog(), cost(3.0), use)
        assert sum(phases.values()) == pytest.approx(3.0)
        assert min(phases.values()) >= 0
