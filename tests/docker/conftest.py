"""A real Docker engine, the real ``lean`` command and the stand-in image; made by ``scripts/with_docker.py``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.engines.base import BacktestRequest
from harness.engines.lean_cli import LeanCliEngine, docker_client
from harness.workspace import init_workspace
from tests.standin.project import ALGORITHM, market_data

__all__ = ["market_data"]

READY = all(os.environ.get(name) for name in ("LEAN_COMMAND", "LEAN_IMAGE"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.docker)
            if not READY:
                item.add_marker(pytest.mark.skip(reason="needs the lean command and Docker; run `make test-docker`"))


@pytest.fixture
def client() -> Iterator[Any]:
    with docker_client() as connection:
        yield connection


@pytest.fixture
def engine() -> LeanCliEngine:
    return LeanCliEngine()


@pytest.fixture
def workspace(tmp_path: Path, market_data: Path) -> Path:
    """A workspace with one project, as ``harness init`` leaves it."""
    folder = tmp_path / "workspace"
    init_workspace(folder, market_data)
    (folder / "project").mkdir()
    (folder / "project" / "main.py").write_text(ALGORITHM)
    return folder


@pytest.fixture
def make_request(workspace: Path, market_data: Path) -> Callable[..., BacktestRequest]:
    """``make_request(time_limit_s=60, **parameters)``: a run of the workspace's project in a folder of its own."""

    def make(time_limit_s: float = 120, **parameters: str) -> BacktestRequest:
        run_folder = workspace / "runs" / f"run_{len(list(workspace.glob('runs/*'))) + 1:02d}"
        run_folder.mkdir(parents=True)
        return BacktestRequest(
            algorithm_file=workspace / "project" / "main.py",
            algorithm_class="Trader",
            data_folder=market_data,
            run_folder=run_folder,
            parameters=parameters,
            backtest_name="docker test",
            time_limit_s=time_limit_s,
        )

    return make
