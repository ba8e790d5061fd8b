"""A small project with a stand-in engine, and the command line as a user types it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

STAND_IN = Path(__file__).with_name("stand_in_engine.py")
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Project:
    """A project folder; ``harness(...)`` runs a command in it."""

    folder: Path

    def harness(self, *words: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words), cwd=self.folder, env=self.environment(), capture_output=True, text=True,
            timeout=timeout_s, check=False,
        )  # fmt: skip

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*words), cwd=self.folder, env=self.environment(),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    @staticmethod
    def command(*words: str) -> list[str]:
        return [sys.executable, "-m", "harness.cli", *words]

    @staticmethod
    def environment() -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "140"}

    def settings(self, text: str) -> None:
        """Adds to the project's ``harness.toml``."""
        path = self.folder / "harness.toml"
        path.write_text(path.read_text() + text)


@pytest.fixture
def make_project(tmp_path: Path) -> Callable[..., Project]:
    """``make_project(base=..., new=...)``: parameters of the two variants, as TOML inline tables."""

    def make(base: str = "work = 9000000", new: str = "work = 100000", more: str = "") -> Project:
        folder = tmp_path / "project"
        data = folder / "lean-data"
        for name in ("market-hours/market-hours-database.json", "symbol-properties/symbol-properties-database.csv"):
            (data / name).parent.mkdir(parents=True, exist_ok=True)
            (data / name).write_text("")
        (folder / "algorithm").mkdir()
        (folder / "algorithm" / "main.py").write_text("class ReferenceAlgorithm(QCAlgorithm): pass\n")
        (folder / "harness.toml").write_text(
            f"""
[engines.embedded]
command = [{sys.executable!r}, {str(STAND_IN)!r}]
[bench]
pairs = 6
control_runs = 2
[targets]
memory_growth_percent = 30
[variants.baseline]
parameters = {{ {base} }}
[variants.optimized]
parameters = {{ {new} }}
[scenarios.default]
data = {{ folder = "lean-data", synthetic = false }}
{more}
"""
        )
        return Project(folder)

    return make
