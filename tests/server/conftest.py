"""A small project with synthetic data, and the service over it as a process of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("tsdownsample")

from harness.client import HarnessClient, RunStatus
from harness.errors import EngineError

ROOT = Path(__file__).resolve().parents[2]
SLOW_ALGORITHM = """\
import time as clock

from AlgorithmImports import *


class Slow(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2025, 10, 1)
        self.set_end_date(2025, 10, 3)
        self.add_equity("AAPL", Resolution.HOUR)

    def on_data(self, data):
        clock.sleep(float(self.get_parameter("pause", "0.5")))
"""


@dataclass
class Server:
    """A running ``harness serve`` over ``folder``."""

    folder: Path
    port: int
    token: str = ""
    words: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Server:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        environment.pop("HARNESS_TOKEN", None)
        if self.token:
            environment["HARNESS_TOKEN"] = self.token
        command = [sys.executable, "-m", "harness.cli", "serve", "--port", str(self.port), "--quiet", *self.words]
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, env=environment, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        with self.client() as client:
            while True:
                try:
                    client._json("GET", "/api/health")
                    return self
                except EngineError:
                    assert self.process.poll() is None, (self.folder / "server.log").read_text()
                    assert time.monotonic() < deadline, "the service does not answer"
                    time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(40)

    def client(self, token: str | None = None) -> HarnessClient:
        return HarnessClient(self.address, self.token if token is None else token)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the reference algorithm, its settings and quick data."""
    from harness.marketdata.spec import synth_spec
    from harness.marketdata.synth import synthesize

    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(ROOT / "algorithm", folder / "algorithm")
    settings = (ROOT / "harness.toml").read_text()
    (folder / "harness.toml").write_text(settings.replace("control_runs = 2", "control_runs = 0\nwarmups = 0"))
    (folder / "slow.py").write_text(SLOW_ALGORITHM)
    synthesize(folder / "data" / "quick", synth_spec(quick=True))
    return folder


@pytest.fixture(scope="session")
def server(project: Path) -> Iterator[Server]:
    """One service for all tests that do not stop it; rate limits out of the way."""
    running = Server(project, free_port(), words=("--rate", "100000", "--start-rate", "100000")).start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def client(server: Server) -> Iterator[HarnessClient]:
    with server.client() as one:
        yield one


@pytest.fixture(scope="session")
def finished(client: HarnessClient) -> RunStatus:
    """One completed run of the reference algorithm, two trials."""
    run = client.start_backtest("quick", trials=[{"metrics": "recompute"}, {"metrics": "incremental"}])
    done = client.wait(run.run_id, 120)
    assert done.state == "completed", done.detail
    return done


@pytest.fixture
def make_server(project: Path, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Services of their own, each with its own runs folder; ended with the test."""
    started: list[Server] = []

    def make(token: str = "", *words: str) -> Server:
        folder = tmp_path / f"project{len(started)}"
        folder.mkdir()
        for name in ("algorithm", "data", "slow.py"):
            (folder / name).symlink_to(project / name)
        (folder / "harness.toml").write_text((project / "harness.toml").read_text())
        # Links out of the workspace are refused, so the slow algorithm is a file here.
        (folder / "slow.py").unlink()
        (folder / "slow.py").write_text(SLOW_ALGORITHM)
        started.append(Server(folder, free_port(), token, words).start())
        return started[-1]

    yield make
    for one in started:
        one.stop()
