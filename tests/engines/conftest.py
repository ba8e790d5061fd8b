"""A stand-in for .NET, market data of one symbol, and an algorithm on it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.engines.base import BacktestRequest
from harness.engines.launcher import LAUNCHER_DLL
from tests.standin.project import ALGORITHM, market_data

__all__ = ["market_data"]

ROOT = Path(__file__).resolve().parents[2]
STAND_IN = ROOT / "tests" / "standin" / "dotnet.py"


@pytest.fixture
def launcher_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that looks like a build of Lean, with a stand-in ``dotnet`` first on PATH."""
    folder = tmp_path / "Launcher" / "bin" / "Release"
    folder.mkdir(parents=True)
    (folder / LAUNCHER_DLL).write_bytes(b"MZ" + "FileVersion\0\0002.5.0.0".encode("utf-16-le"))
    tools = tmp_path / "tools"
    tools.mkdir()
    dotnet = tools / "dotnet"
    shutil.copy(STAND_IN, dotnet)
    dotnet.write_text(f"#!{sys.executable}\n" + dotnet.read_text().partition("\n")[2])
    dotnet.chmod(0o755)
    library = tools / "libpython3.11.so"
    library.write_bytes(b"")
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTHONNET_PYDLL", str(library))
    monkeypatch.delenv("LEAN_LAUNCHER_DIR", raising=False)
    return folder


@pytest.fixture
def make_request(tmp_path: Path, market_data: Path) -> Callable[..., BacktestRequest]:
    """``make_request(time_limit_s=60, **parameters)``: the algorithm above in a run folder of its own."""

    def make(
        time_limit_s: float = 60, source: str = ALGORITHM, name: str = "Trader", **parameters: str
    ) -> BacktestRequest:
        project = tmp_path / "project"
        project.mkdir(exist_ok=True)
        (project / "main.py").write_text(source)
        run_folder = tmp_path / "runs" / f"run_{len(list(tmp_path.glob('runs/*'))) + 1:02d}"
        run_folder.mkdir(parents=True)
        return BacktestRequest(
            algorithm_file=project / "main.py",
            algorithm_class=name,
            data_folder=market_data,
            run_folder=run_folder,
            parameters=parameters,
            backtest_name="test",
            time_limit_s=time_limit_s,
        )

    return make
