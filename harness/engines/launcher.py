"""A local build of Lean: ``dotnet QuantConnect.Lean.Launcher.dll`` with a configuration written for each run."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from harness.engines.base import BacktestRequest, BacktestRun
from harness.engines.checks import check_request
from harness.engines.embedded import as_measurement, child_notes
from harness.engines.lean_config import CONFIG_NAME, OBJECT_STORE, launcher_config, write_config
from harness.engines.lean_log import LOG_NAME, epoch, read_log, split_phases
from harness.engines.lean_outcome import Allowances, judge
from harness.engines.lean_rules import lean_class_problems
from harness.errors import EngineError, InputError
from harness.measure.child import ChildCommand, run_child
from harness.measure.fingerprint import load_1min

LAUNCHER_DLL = "QuantConnect.Lean.Launcher.dll"
FOLDER_VARIABLE = "LEAN_LAUNCHER_DIR"
PYTHON_VARIABLE = "PYTHONNET_PYDLL"


@dataclass(frozen=True, slots=True)
class LauncherEngine:
    """Runs a build of Lean's launcher. Paths may be relative to ``root``, the folder of ``harness.toml``.

    ``folder``: the build's output folder, by default ``LEAN_LAUNCHER_DIR``. ``python_venv``: a virtual environment
    with pandas and wrapt. ``pythonnet_pydll``: the Python library, by default ``PYTHONNET_PYDLL``, else that of
    ``python_venv`` or of ``python3.11``. ``config``: more keys of Lean's configuration. ``allow_missing_data`` and
    ``accept_abort``: see :class:`harness.engines.lean_outcome.Allowances`. ``prefix``: words before ``dotnet``, for a
    program that starts it.
    """

    folder: str = ""
    dotnet: str = "dotnet"
    python_venv: str = ""
    pythonnet_pydll: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    allow_missing_data: bool = False
    accept_abort: bool = False
    prefix: tuple[str, ...] = ()
    niceness: int = 0
    root: Path = Path()
    name: str = "launcher"

    @property
    def launcher_folder(self) -> Path | None:
        """Where the build lies; None when nobody said."""
        given = os.environ.get(FOLDER_VARIABLE) or self.folder
        return (self.root / Path(given).expanduser()).resolve() if given else None

    def describe(self) -> Mapping[str, str]:
        """Name, assembly version, build mode as far as the path tells, and a digest over Lean's own assemblies."""
        folder = self.launcher_folder
        known = {"name": self.name}
        if folder is not None and (folder / LAUNCHER_DLL).is_file():
            known |= {
                "version": assembly_version(folder / LAUNCHER_DLL),
                "mode": build_mode(folder),
                "build": build_digest(folder),
            }
        return known

    def check(self, request: BacktestRequest) -> list[str]:
        return [*self.problems(), *check_request(request), *lean_class_problems(request)]

    def problems(self) -> Iterator[str]:
        """What is lacking on this machine, each one line with its remedy."""
        folder = self.launcher_folder
        if folder is None:
            yield (
                "engine launcher: no folder given; set folder in [engines.launcher], --launcher DIR or "
                f"{FOLDER_VARIABLE} to the folder that holds {LAUNCHER_DLL}"
            )
        elif not (folder / LAUNCHER_DLL).is_file():
            yield (
                f"{folder}: no {LAUNCHER_DLL} in it; build Lean with `dotnet build -c Release` and give its "
                "Launcher/bin/Release"
            )
        if self._dotnet() is None:
            yield f"{self.dotnet}: not found; install the .NET runtime, or set dotnet in [engines.launcher]"
        if self.python_venv and not (self.root / self.python_venv).is_dir():
            yield f"{self.root / self.python_venv}: no such folder; correct python_venv in [engines.launcher]"
        try:
            self.python_library()
            launcher_config(_ANY_REQUEST, Path(), "", self.config)
        except InputError as error:
            yield str(error)

    def python_library(self) -> Path:
        """The shared Python library that Lean loads. Raises ``InputError`` saying how to get one."""
        given = self.pythonnet_pydll or os.environ.get(PYTHON_VARIABLE, "")
        if given:
            path = self.root / Path(given).expanduser()
            if not path.exists():
                raise InputError(f"{path}: no such Python library; correct pythonnet_pydll or {PYTHON_VARIABLE}")
            return path
        venv = [self.root / self.python_venv / "bin" / "python"] if self.python_venv else []
        for python in [*map(str, venv), "python3.11"]:
            found = library_of(python)
            if found is not None:
                return found
        raise InputError(
            "engine launcher: no shared Python 3.11 library found; install one (Debian: apt install libpython3.11) or "
            f"set pythonnet_pydll in [engines.launcher] (or {PYTHON_VARIABLE}) to libpython3.11.so"
        )

    def run(self, request: BacktestRequest, on_progress: Callable[[float, str], None] | None = None) -> BacktestRun:
        folder, dotnet = self.launcher_folder, self._dotnet()
        if folder is None or dotnet is None:
            raise EngineError(next(self.problems()))
        refuse_stale(request)
        config_path = request.run_folder / CONFIG_NAME
        venv = str((self.root / self.python_venv).resolve()) if self.python_venv else ""
        (request.run_folder / OBJECT_STORE).mkdir(parents=True, exist_ok=True)
        write_config(config_path, launcher_config(request, folder, venv, self.config))
        load_before = load_1min()
        child = ChildCommand(
            # Only the file is named: every other option could be read differently on the command line.
            command=(*self.prefix, dotnet, LAUNCHER_DLL, "--config", str(config_path)),
            folder=folder,
            stdout=request.run_folder / "stdout.log",
            stderr=request.run_folder / "stderr.log",
            environment={**os.environ, PYTHON_VARIABLE: str(self.python_library()), **request.environment},
            time_limit_s=request.time_limit_s,
            cpu_affinity=request.cpu_affinity,
            niceness=self.niceness,
        )
        cost = run_child(child, None if on_progress is None else lambda elapsed: on_progress(0.0, f"{elapsed:.0f} s"))
        log = read_log(request.results_folder / LOG_NAME)
        allowed = Allowances(self.allow_missing_data, self.accept_abort)
        ending = judge(request, cost.exit_code, cost.timed_out, log, allowed)
        phases = split_phases(log, epoch(cost.started_at_utc), cost.wall_s)
        told = {"version": f"Lean {log.version}", "mode": log.mode.lower()} if log.version else {}
        return BacktestRun(
            request=request,
            outcome=ending.outcome,
            measurement=replace(
                as_measurement(cost, phases, load_before), engine_timers_s=log.timers.seconds if log.timers else {}
            ),
            detail=ending.detail,
            notes=(*ending.notes, *child_notes(cost)),
            engine={**self.describe(), **told},
            data_points=log.completion.data_points if log.completion else 0,
        )

    def _dotnet(self) -> str | None:
        given = str(self.root / self.dotnet) if "/" in self.dotnet else self.dotnet
        return shutil.which(given)


def refuse_stale(request: BacktestRequest) -> None:
    """Makes the results folder. Raises ``EngineError`` when something is in it already.

    Lean leaves an old order-events file where it is when a run has no events, and appends to an old log.
    """
    folder = request.results_folder
    folder.mkdir(parents=True, exist_ok=True)
    old = next(folder.iterdir(), None)
    if old is not None:
        raise EngineError(f"{folder}: is not empty ({old.name}); Lean would mix old files with new, give a new folder")


def build_digest(folder: Path) -> str:
    """First 12 hex digits of the digest over Lean's own assemblies in a build's output folder."""
    files = sorted(folder.glob("QuantConnect*.dll"))
    return _digest(tuple((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files))


@lru_cache(maxsize=8)
def _digest(files: tuple[tuple[str, int, int], ...]) -> str:
    digest = hashlib.sha256()
    for name, _, _ in files:
        path = Path(name)
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


def assembly_version(path: Path) -> str:
    """The version in an assembly's resources (UTF-16 text behind ``FileVersion``); empty when there is none."""
    data = path.read_bytes()
    at = data.rfind("FileVersion".encode("utf-16-le"))
    if at < 0:
        return ""
    text = data[at : at + 120].decode("utf-16-le", errors="ignore").removeprefix("FileVersion")
    found = re.search(r"\d+(?:\.\d+)+", text)
    return found[0] if found else ""


def build_mode(folder: Path) -> str:
    """``release`` or ``debug`` when the path says so (``Launcher/bin/Release``); Lean's log has the last word."""
    names = {part.lower() for part in folder.parts}
    return next((mode for mode in ("release", "debug") if mode in names), "")


@lru_cache(maxsize=8)
def library_of(python: str) -> Path | None:
    """The shared library of a Python 3.11 interpreter; None when there is none."""
    code = (
        "import sys, sysconfig as s; sys.version_info[:2] == (3, 11) and "
        "print(s.get_config_var('LIBDIR'), s.get_config_var('INSTSONAME'), sep='/')"
    )
    try:
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    path = Path(done.stdout.strip())
    return path if path.is_file() and (".so" in path.name or ".dylib" in path.name) else None


_ANY_REQUEST = BacktestRequest(Path(), "", Path(), Path())
