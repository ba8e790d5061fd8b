"""Runs one backtest under one tool at a time and keeps what it saw. A profiled run is never a timed one."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.engines.base import BacktestRequest, Engine
from harness.engines.embedded import EmbeddedEngine
from harness.engines.launcher import LauncherEngine
from harness.errors import EngineError, InputError
from harness.profiling.attach import tracing_problem
from harness.profiling.tools import DEFAULT_RATE, Tool

FLAMEGRAPH = "flamegraph.svg"
SPEEDSCOPE = "speedscope.json"
CPROFILE_FILE = "cprofile.pstats"
MEMORY_FILE = "memory.json"


@dataclass(frozen=True, slots=True)
class Capture:
    """One profiled run: the tool, its wall seconds (no evidence of speed) and the files it left."""

    tool: Tool
    wall_s: float
    files: tuple[Path, ...]


def capture(
    engine: Engine,
    request_in: Callable[[Path], BacktestRequest],
    tool: Tool,
    folder: Path,
    rate: int = DEFAULT_RATE,
    on_progress: Callable[[str], None] | None = None,
) -> Capture:
    """Profiles by ``tool`` into ``folder``; ``request_in(run_folder)`` makes the backtest's request.

    py-spy runs twice, for the flame graph and for speedscope, since one recording has one form. Raises
    ``InputError`` when engine and tool do not fit, ``EngineError`` when the backtest fails.
    """
    if tool is Tool.PY_SPY:
        graph, stacks = folder / FLAMEGRAPH, folder / SPEEDSCOPE
        wall_s = 0.0
        for file, form in ((graph, "flamegraph"), (stacks, "speedscope")):
            wall_s += _run(_sampled(engine, file, form, rate), request_in(folder / f"run_{form}"), on_progress)
            _kept(tool, wall_s, file)
        return Capture(tool, wall_s, (graph, stacks))
    file = folder / (CPROFILE_FILE if tool is Tool.CPROFILE else MEMORY_FILE)
    wall_s = _run(_inside(engine, tool, file), request_in(folder / f"run_{tool}"), on_progress)
    return _kept(tool, wall_s, file)


def tools_for(engine: Engine, wanted: Sequence[Tool] = ()) -> tuple[Tool, ...]:
    """The tools to use: those that are wanted, or what suits the engine. Raises ``InputError`` where one does not fit.

    The launcher's Python is inside .NET: py-spy can join it, if it may trace processes here; the others cannot.
    """
    if isinstance(engine, EmbeddedEngine):
        return tuple(wanted) or (Tool.PY_SPY, Tool.CPROFILE)
    if not isinstance(engine, LauncherEngine):
        raise InputError(
            f"engine {engine.name}: runs in a container, where no profiler can look from here; use --engine launcher "
            "with a build of Lean on this machine, or --engine embedded"
        )
    unfit = next((tool for tool in wanted if tool is not Tool.PY_SPY), None)
    if unfit is not None:
        raise InputError(
            f"{unfit}: looks into the embedded engine's Python only; use --tool py-spy, or --engine embedded"
        )
    problem = tracing_problem(py_spy_program())
    if problem:
        raise InputError(
            f"py-spy: may not look into processes here ({problem}); run as root, set kernel.yama.ptrace_scope to 1 or "
            "less, give a container the capability SYS_PTRACE, or use --engine embedded"
        )
    return (Tool.PY_SPY,)


def py_spy_program() -> str:
    """Where py-spy lies. Raises ``InputError`` when it is not installed."""
    beside = Path(sys.executable).with_name("py-spy")
    found = str(beside) if beside.exists() else shutil.which("py-spy")
    if found is None:
        raise InputError("py-spy: not found; `pip install py-spy`, or profile with --tool cprofile")
    return found


def _sampled(engine: Engine, target: Path, form: str, rate: int) -> Engine:
    program, words = py_spy_program(), ("--output", str(target), "--format", form, "--rate", str(rate))
    if isinstance(engine, LauncherEngine):
        attach = (sys.executable, "-m", "harness.profiling.attach", "--py-spy", program, *words, "--")
        return replace(engine, prefix=attach)
    if not isinstance(engine, EmbeddedEngine):
        raise InputError(f"py-spy: cannot look into engine {engine.name}; use --engine launcher or embedded")
    return replace(engine, command=(program, "record", *words, "--full-filenames", "--", *engine.command))


def _inside(engine: Engine, tool: Tool, target: Path) -> Engine:
    if not isinstance(engine, EmbeddedEngine):
        raise InputError(f"{tool}: looks into the embedded engine's Python only; use --engine embedded")
    return replace(engine, command=(sys.executable, "-m", "harness.profiling.child", str(tool), str(target), "--"))


def _run(engine: Engine, request: BacktestRequest, on_progress: Callable[[str], None] | None) -> float:
    request.run_folder.mkdir(parents=True)
    told = None if on_progress is None else (lambda _, text: on_progress(text))
    done = engine.run(request, told)
    if not done.ok:
        sampled = isinstance(engine, EmbeddedEngine) and "py-spy" in str(engine)
        hint = " (may py-spy trace processes here? It needs the right ptrace)" if sampled else ""
        raise EngineError(f"{request.run_folder}: the profiled run ended as {done.outcome}: {done.detail}{hint}")
    return 0.0 if done.measurement is None else done.measurement.wall_s


def _kept(tool: Tool, wall_s: float, *files: Path) -> Capture:
    for file in files:
        if not file.exists():
            raise EngineError(f"{file}: {tool} left no such file; look at stderr.log in the run's folder")
    return Capture(tool, wall_s, files)
