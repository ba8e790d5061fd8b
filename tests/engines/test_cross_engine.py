"""The same algorithm on two engines, by the command line: run, run, diff; and a whole session on the launcher."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.standin.project import ALGORITHM

SETTINGS = """
[algorithm]
file = "algorithm/main.py"
class = "Trader"

[engines.launcher]
folder = "Launcher/bin/Release"

[variants.baseline]
[variants.optimized]

[scenarios.default]
data = {{ folder = "{data}", synthetic = false }}

[scenarios.lacking]
data = {{ folder = "{data}", synthetic = false }}
parameters = {{ ticker = "ZULU" }}

[scenarios.allowed]
data = {{ folder = "{data}", synthetic = false }}
parameters = {{ ticker = "ZULU", standin = "abort" }}
allow_missing_data = true
accept_abort = true
"""

Harness = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def harness(launcher_folder: Path, tmp_path: Path, market_data: Path) -> Harness:
    """``harness(words...)`` in a project whose launcher is the stand-in."""
    (tmp_path / "algorithm").mkdir()
    (tmp_path / "algorithm" / "main.py").write_text(ALGORITHM)
    (tmp_path / "harness.toml").write_text(SETTINGS.format(data=market_data))

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "harness.cli", *words]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)

    return call


def test_two_engines_are_held_against_each_other(harness: Harness) -> None:
    for engine in ("embedded", "launcher"):
        done = harness("run", "--engine", engine, "--output", f"runs/{engine}")
        assert done.returncode == 0, done.stderr
        assert f"engine: {engine}" in done.stdout
    done = harness("diff", "runs/embedded", "runs/launcher")
    assert done.returncode == 0, done.stdout + done.stderr
    harness("run", "--engine", "launcher", "--output", "runs/more", "-p", "quantity=11")
    assert harness("diff", "runs/embedded", "runs/more").returncode == 1


@pytest.mark.parametrize("engine", ["embedded", "launcher"])
def test_a_scenario_says_what_is_accepted(harness: Harness, engine: str) -> None:
    done = harness("run", "lacking", "--engine", engine)
    assert done.returncode == 2
    assert "ended as missing_data" in done.stderr
    done = harness("run", "allowed", "--engine", engine)
    assert done.returncode == 0, done.stderr
    assert "data requests failed" in done.stdout
    assert ("accepted: exit code 134" in done.stdout) == (engine == "launcher")


def test_a_session_on_the_launcher_says_which_lean_ran(harness: Harness, tmp_path: Path) -> None:
    done = harness("bench", "--engine", "launcher", "--pairs", "1", "--session", "s", "--json")
    assert done.returncode in (1, 3), done.stderr  # the same code twice: no speed-up, or too few pairs to say
    report = json.loads(done.stdout)
    assert report["parity"]["identical"]
    engine = report["environment"]["engine"]
    assert (engine["name"], engine["version"], engine["mode"]) == ("launcher", "Lean 2.5.0.0", "release")
    assert {"engine_start", "algorithm", "shutdown"} <= {phase["name"] for phase in report["phases"]}
