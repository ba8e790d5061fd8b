"""Whatever happens to a container, the record says exactly that, nothing is left, and the session can go on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.bench.session import load_session
from harness.engines.base import BacktestRequest, Outcome
from harness.engines.containers import NAME_PREFIX, take_down_leftovers
from harness.engines.lean_cli import LeanCliEngine, docker_client
from scripts import with_docker

MakeRequest = Callable[..., BacktestRequest]
# What ends a container's last writes and lean's own tidying, on a machine that is busy.
SOON_S = 30.0


def containers(client: Any) -> list[str]:
    return [item["Names"][0].lstrip("/") for item in client.api.containers(all=True, filters={"name": NAME_PREFIX})]


def processes(folder: Path) -> list[str]:
    """Processes whose command line names the folder, that of a container included."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        words = process.info["cmdline"] or []
        if any(str(folder) in word for word in words) and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(" ".join(words)[:200])
    return found


def temporary_folders() -> set[str]:
    return {path.name for path in Path(tempfile.gettempdir()).glob("lean-cli-*")}


@pytest.fixture(autouse=True)
def nothing_is_left(client: Any, workspace: Path) -> Iterator[None]:
    """After each test: no container, no process, no temporary folder."""
    take_down_leftovers(client)  # of tests that were killed
    assert containers(client) == []
    before = temporary_folders()
    yield
    try:
        assert containers(client) == []
        assert processes(workspace) == []
        assert temporary_folders() - before == set()
    finally:
        for name in containers(client):
            client.api.remove_container(name, force=True)


def wait_until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + SOON_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {SOON_S:g} s: {what}"
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("how", "outcome", "exit_code", "text"),
    [
        ("crash_during", Outcome.ENGINE_CRASH, 137, "exit code 137"),
        ("partial", Outcome.ENGINE_CRASH, 0, "exit code 0, but "),
        ("failed_state", Outcome.RUNTIME_ERROR, 0, "failed, but exit code 0"),
    ],
)
def test_the_record_says_what_happened(
    engine: LeanCliEngine, make_request: MakeRequest, how: str, outcome: Outcome, exit_code: int, text: str
) -> None:
    run = engine.run(make_request(standin=how))
    assert run.outcome is outcome, run.detail
    assert text in run.detail
    assert "\n" not in run.detail
    assert run.measurement is not None
    assert run.measurement.exit_code == exit_code


def test_output_without_end(make_request: MakeRequest) -> None:
    """Docker writes it to its disk much faster than it reaches the harness, and all that would be there for hours."""
    request = make_request(standin="endless")
    run = LeanCliEngine(output_limit_mib=8).run(request)
    assert run.outcome is Outcome.ENGINE_CRASH
    assert "printed more than 8 MiB and was ended" in run.detail
    assert run.measurement is not None
    assert run.measurement.wall_s < request.time_limit_s / 2


def test_a_container_that_is_removed_from_outside(
    engine: LeanCliEngine, make_request: MakeRequest, client: Any
) -> None:
    def remove(_: float, __: str) -> None:
        for name in containers(client):
            client.api.remove_container(name, force=True)

    run = engine.run(make_request(standin="hang"), remove)
    assert run.outcome is Outcome.ENGINE_CRASH
    assert "exit code 137" in run.detail


def write_settings(workspace: Path, market_data: Path, standin: str = "") -> None:
    """`lean` as the engine; whatever is run goes wrong as ``standin`` says, though the session's settings do not."""
    (workspace / "harness.toml").write_text(
        '[algorithm]\nfile = "project/main.py"\nclass = "Trader"\n[engine]\nname = "lean"\ntime_limit_s = 300\n'
        "[bench]\nwarmups = 0\ncontrol_runs = 0\n[variants.baseline]\n[variants.optimized]\n"
        f'[scenarios.default]\ndata = {{ folder = "{market_data}", synthetic = false }}\n'
        f'[engines.lean.docker]\nenvironment = {{ STANDIN = "{standin}" }}\n'
    )


@pytest.fixture
def project(workspace: Path, market_data: Path) -> Path:
    """A workspace in which the engine never ends by itself."""
    algorithm = workspace / "project" / "main.py"
    algorithm.write_text(algorithm.read_text().replace("set_end_date(2025, 10, 2)", "set_end_date(2025, 10, 1)"))
    write_settings(workspace, market_data, "scribble")
    return workspace


def harness(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "harness.cli", *words],
        cwd=folder, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def started(folder: Path, client: Any, *words: str) -> tuple[subprocess.Popen[str], Path]:
    """A command whose container runs and has begun to write, and the file that it writes."""
    process = subprocess.Popen(
        [sys.executable, "-m", "harness.cli", *words],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    wait_until(lambda: list(folder.glob("runs/**/scribble.txt")) or process.poll() is not None, "the engine writes")
    (file,) = folder.glob("runs/**/scribble.txt")
    assert len(containers(client)) == 1
    return process, file


def test_the_harness_is_killed_while_a_container_runs(project: Path, client: Any) -> None:
    command, _ = started(project, client, "run")
    command.kill()
    command.communicate()
    wait_until(lambda: not containers(client) and not processes(project), "container and lean are gone")


def test_ctrl_c(project: Path, client: Any) -> None:
    command, _ = started(project, client, "run")
    command.send_signal(signal.SIGINT)
    _, error = command.communicate(timeout=60)
    assert command.returncode == 130, error
    assert "Traceback" not in error
    assert list(project.glob("runs/**/tmp")) == []


def test_harness_and_its_measuring_process_are_killed(project: Path, market_data: Path, client: Any) -> None:
    """Nobody is left who could end the container: fsck names it, the next command ends it and says so."""
    command, file = started(project, client, "bench", "--session", "s", "--pairs", "1")
    both = [psutil.Process(command.pid), *psutil.Process(command.pid).children()]
    for process in both:
        process.suspend()  # neither sees the other end
    for process in both:
        process.kill()
    command.communicate()
    size = file.stat().st_size
    wait_until(lambda: file.stat().st_size > size, "the orphan writes on")
    (name,) = containers(client)

    told = harness(project, "fsck")
    assert name in told.stdout
    assert f"writes into {file.parent}" in told.stdout
    assert containers(client) == [name], "only looked at"
    write_settings(project, market_data)
    resumed = harness(project, "bench", "--session", "s", "--resume")
    assert f"attention: container {name} of a harness process that was killed runs" in resumed.stderr
    assert containers(client) == []
    assert not file.exists()
    assert resumed.returncode in (1, 3), resumed.stderr
    assert all(row.completed for row in load_session(project / "runs" / "s").rows)
    assert " 0 damaged" in harness(project, "fsck").stdout


class OwnDocker:
    """A Docker engine of one test's own; can be started again after it has ended."""

    def __init__(self) -> None:
        self.engine: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.engine = with_docker.start_engine()
        assert self.engine is not None, (with_docker.FOLDER / "log").read_text()[-2000:]

    def end(self, how: int) -> None:
        if self.engine is not None:
            self.engine.send_signal(how)
            self.engine.wait(timeout=60)


@pytest.fixture
def own_docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnDocker]:
    if os.geteuid() != 0:
        pytest.skip("needs root, to start a Docker engine of its own")
    monkeypatch.setattr(with_docker, "FOLDER", tmp_path / "docker")
    monkeypatch.setattr(with_docker, "wait_for_folder", lambda: None)  # nobody else knows this folder
    monkeypatch.setenv("DOCKER_HOST", os.environ.get("DOCKER_HOST", ""))  # to be put back afterwards
    own = OwnDocker()
    with subprocess.Popen(["docker", "save", os.environ["LEAN_IMAGE"]], stdout=subprocess.PIPE) as saved:
        own.start()
        subprocess.run(["docker", "load"], stdin=saved.stdout, check=True, stdout=subprocess.DEVNULL)
    yield own
    own.end(signal.SIGTERM)
    for line in Path("/proc/mounts").read_text().splitlines():  # those of an engine that was killed
        if line.split()[1].startswith(str(tmp_path)):
            subprocess.run(["umount", "-l", line.split()[1]], check=False)
    shutil.rmtree(with_docker.socket_folder(), ignore_errors=True)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_the_docker_engine_ends_in_the_middle_of_a_run(
    project: Path, market_data: Path, own_docker: OwnDocker, how: int
) -> None:
    with docker_client() as client:
        command, _ = started(project, client, "bench", "--session", "s", "--pairs", "1")
    own_docker.end(how)
    _, error = command.communicate(timeout=120)
    assert command.returncode == 2
    assert "ended as engine_crash: the Docker engine does not answer" in error.splitlines()[-1]
    assert [row.outcome for row in load_session(project / "runs" / "s").rows] == [Outcome.ENGINE_CRASH]

    write_settings(project, market_data)
    refused = harness(project, "bench", "--session", "s", "--resume")
    assert refused.returncode == 2
    assert "no engine answers at" in refused.stderr.splitlines()[-1]
    own_docker.start()
    again = harness(project, "run")
    assert again.returncode == 0, again.stderr
    with docker_client() as client:
        assert containers(client) == []
