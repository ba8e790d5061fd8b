"""Profiles of the launcher engine: py-spy joins a program that becomes Python only after a while, as .NET does."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from harness.engines.base import BacktestRequest
from harness.engines.embedded import EmbeddedEngine
from harness.engines.launcher import LauncherEngine
from harness.errors import EngineError, InputError
from harness.profiling import capture as capture_module
from harness.profiling.attach import has_samples, tracing_problem
from harness.profiling.capture import capture, py_spy_program, tools_for
from harness.profiling.samples import read_samples
from harness.profiling.stages import DEFAULT_FILES, REMAINDER, StageMap
from harness.profiling.tools import Tool
from tests.engines.conftest import launcher_folder, make_request, market_data

__all__ = ["launcher_folder", "make_request", "market_data"]

SLOW = """
from AlgorithmImports import *
from metrics import busy

class Trader(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2025, 10, 1)
        self.set_end_date(2025, 10, 1)
        self.add_equity("AAPL", Resolution.SECOND)
        self.set_benchmark(lambda time: 1)
        busy(40000000)
"""
METRICS = "def busy(n):\n    total = 0\n    for i in range(n):\n        total += i\n    return total\n"

needs_tracing = pytest.mark.skipif(
    sys.platform == "win32" or bool(tracing_problem(py_spy_program())), reason="py-spy may not trace processes here"
)


def requests(made: BacktestRequest) -> Callable[[Path], BacktestRequest]:
    (made.algorithm_file.parent / "metrics.py").write_text(METRICS)
    return lambda folder: replace(made, run_folder=folder)


@needs_tracing
def test_the_launchers_python_is_sampled_by_stage(
    tmp_path: Path, launcher_folder: Path, make_request: Callable[..., BacktestRequest]
) -> None:
    """A shell script first: for half a second there is no Python in the program."""
    dotnet = tmp_path / "tools" / "dotnet"
    late = dotnet.rename(dotnet.with_name("late"))
    dotnet.write_text(f'#!/bin/sh\nsleep 0.5\nexec {late} "$@"\n')
    dotnet.chmod(0o755)
    engine = LauncherEngine(folder=str(launcher_folder))
    assert tools_for(engine) == (Tool.PY_SPY,)
    made = capture(engine, requests(make_request(source=SLOW)), Tool.PY_SPY, tmp_path / "profile")
    graph, stacks = made.files
    assert b"busy" in graph.read_bytes()
    found = read_samples(stacks, StageMap(str(tmp_path / "project"), DEFAULT_FILES))
    assert found.count > 5
    assert found.stages["metrics"] > 0.05
    assert found.stages[REMAINDER] > 0
    assert "busy" in {item.function for item in found.functions}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"<svg><text>busy (metrics.py:3)</text></svg>", True),
        (b"<svg><text>ERROR: No valid input provided to flamegraph</text></svg>", False),
        (b'{"profiles": [{"samples": []}, {"samples": [[0, 1]]}]}', True),
        (b'{"profiles": [{"samples": []}]}', False),
        (b'{"profiles": []}', False),
    ],
)
def test_a_recording_without_samples_is_none(tmp_path: Path, content: bytes, expected: bool) -> None:
    """py-spy leaves such a file when the program replaces itself just when it was joined; it is then joined again."""
    output = tmp_path / "recording"
    assert not has_samples(output)
    output.write_bytes(content)
    assert has_samples(output) is expected
    assert output.exists() is expected


@needs_tracing
def test_a_program_without_python_is_said_to_have_none(
    tmp_path: Path, launcher_folder: Path, make_request: Callable[..., BacktestRequest]
) -> None:
    engine = LauncherEngine(folder=str(launcher_folder))
    recorded = engine.run(make_request()).request.results_folder
    target = tmp_path / "profile" / "run_flamegraph" / "lean"
    (tmp_path / "tools" / "dotnet").write_text(f"#!/bin/sh\nsleep 0.5\ncp -r {recorded}/. {target}/\n")
    with pytest.raises(EngineError, match=r"flamegraph.svg: py-spy left no such file") as told:
        capture(engine, requests(make_request()), Tool.PY_SPY, tmp_path / "profile")
    assert "\n" not in str(told.value)
    assert "saw no Python" in (target.parent / "stderr.log").read_text()


@needs_tracing
def test_a_profiled_run_that_hangs_is_ended_with_all_that_belongs_to_it(
    tmp_path: Path, launcher_folder: Path, make_request: Callable[..., BacktestRequest]
) -> None:
    made = requests(make_request(time_limit_s=4, standin="hang"))
    with pytest.raises(EngineError, match="timed_out"):
        capture(LauncherEngine(folder=str(launcher_folder)), made, Tool.PY_SPY, tmp_path / "profile")
    left = [
        process.info["cmdline"]
        for process in psutil.process_iter(["cmdline", "status"])
        if process.info["status"] != psutil.STATUS_ZOMBIE and str(tmp_path) in " ".join(process.info["cmdline"] or [])
    ]
    assert left == []


def test_what_cannot_be_profiled_is_refused_with_what_to_do(
    tmp_path: Path, launcher_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher = LauncherEngine(folder=str(launcher_folder))
    assert tools_for(EmbeddedEngine()) == (Tool.PY_SPY, Tool.CPROFILE)
    assert tools_for(EmbeddedEngine(), [Tool.MEMORY]) == (Tool.MEMORY,)
    with pytest.raises(InputError, match="cprofile: looks into the embedded engine's Python only; use --tool py-spy"):
        tools_for(launcher, [Tool.PY_SPY, Tool.CPROFILE])
    denied = tmp_path / "py-spy"
    denied.write_text("#!/bin/sh\necho 'Permission Denied: Try again\nas root' >&2\nexit 1\n")
    denied.chmod(0o755)
    monkeypatch.setattr(capture_module, "py_spy_program", lambda: str(denied))
    with pytest.raises(InputError, match=r"may not look into processes here .Permission Denied.*ptrace_scope") as told:
        tools_for(launcher)
    assert "\n" not in str(told.value)


def test_containers_are_refused_with_what_to_do() -> None:
    pytest.importorskip("docker")
    from harness.engines.lean_cli import LeanCliEngine

    with pytest.raises(InputError, match=r"runs in a container.*use --engine launcher"):
        tools_for(LeanCliEngine())
