"""What this machine can run: one row for each engine and for what the engines need, with the command that helps."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.config import Settings


@dataclass(frozen=True, slots=True)
class DoctorRow:
    """One thing looked at. ``remedy`` is one command or setting, empty when ``ok``."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


def rows(settings: Settings) -> list[DoctorRow]:
    """Every engine and tool, there or not. Never raises for what the machine lacks."""
    return [_embedded(), _launcher(settings), _lean(settings), *_docker(), _py_spy()]


def _embedded() -> DoctorRow:
    return DoctorRow("engine embedded", True, f"Python {'.'.join(map(str, sys.version_info[:3]))}")


def _launcher(settings: Settings) -> DoctorRow:
    from harness.engines.launcher import LauncherEngine
    from harness.engines.registry import EngineChoice, make_engine

    name = "engine launcher"
    try:
        engine = make_engine(EngineChoice("launcher", settings.engines.get("launcher", {}), root=settings.root))
        assert isinstance(engine, LauncherEngine)
        problem = next(iter(engine.problems()), "")
        described = " ".join(value for value in engine.describe().values() if value)
    except HarnessError as error:
        return _lacking(name, str(error))
    return _lacking(name, problem) if problem else DoctorRow(name, True, described)


def _lean(settings: Settings) -> DoctorRow:
    from harness.engines.registry import EngineChoice, make_engine
    from harness.workspace import module_list_problem

    name = "engine lean"
    if find_spec("docker") is None:
        return DoctorRow(name, False, "the Python package docker is not installed", "pip install docker")
    from harness.engines.lean_cli import LeanCliEngine, lean_package

    try:
        engine = make_engine(EngineChoice("lean", settings.engines.get("lean", {}), root=settings.root))
        assert isinstance(engine, LeanCliEngine)
        problem = next(iter(engine.problems()), "")
        described = " ".join(value for value in engine.describe().values() if value)
        command = engine.lean_command()
    except HarnessError as error:
        return _lacking(name, str(error))
    if problem:
        return _lacking(name, problem)
    package = lean_package(command) if command else None
    stale = module_list_problem(package, time.time()) if package else ""
    return DoctorRow(name, True, f"{described}{'; ' + stale if stale else ''}")


def _docker() -> Iterator[DoctorRow]:
    if find_spec("docker") is None:
        yield DoctorRow("docker", False, "the Python package docker is not installed", "pip install docker")
        return
    from harness.engines.lean_cli import docker_client

    try:
        with docker_client() as client:
            version = client.version()
            told = client.info()
    except HarnessError as error:
        yield _lacking("docker", str(error))
        return
    yield DoctorRow(
        "docker",
        True,
        f"{version.get('Version', '?')}, storage {told.get('Driver', '?')}, control groups v"
        f"{told.get('CgroupVersion', '?')}, {told.get('NCPU', '?')} CPUs",
    )


def _py_spy() -> DoctorRow:
    found = shutil.which("py-spy") or shutil.which("py-spy", path=str(Path(sys.executable).parent))
    if found:
        return DoctorRow("py-spy", True, found)
    return DoctorRow("py-spy", False, "not found; `harness profile` needs it", "pip install py-spy")


def _lacking(name: str, problem: str) -> DoctorRow:
    what, _, remedy = problem.removeprefix(f"{name}: ").removeprefix(f"{name.capitalize()}: ").rpartition("; ")
    return DoctorRow(name, False, what or problem, remedy if what else "")
