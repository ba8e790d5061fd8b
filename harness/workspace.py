"""Workspaces of the ``lean`` command: a folder with ``lean.json``, under which project and results lie.

``lean init`` needs a login and the network. What ``lean backtest`` itself needs is less (lean-cli:
``LeanConfigManager``, ``OrganizationManager``, ``LeanRunner``): a ``lean.json`` with a data folder and an organization
id, which may be any text, and the results folder somewhere below it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.engines.base import BacktestRequest
from harness.engines.lean_config import BACKTESTING, HANDLERS, read_json_with_comments, write_config
from harness.errors import InputError

FILE_NAME = "lean.json"
RUN_FILE_NAME = "config-lean.json"  # a name that no reader takes for a result
ORGANIZATION_KEYS = ("job-organization-id", "organization-id")
LOCAL_ORGANIZATION = "local"
# lean-cli replaces the market hours and symbol databases in the data folder when this is more than a day ago.
UPDATE_KEY = "file-database-last-update"
NEVER_UPDATE = "01/01/2100 00:00:00"
PROJECT_SUFFIXES = {".py", ".ipynb", ".json", ".txt", ".csv", ".css", ".html"}
NOT_PROJECT = {"backtests", "live", "optimizations", "__pycache__", "node_modules", "storage", "data", "runs"}


def init_workspace(folder: Path, data_folder: Path, force: bool = False) -> Path:
    """Writes ``lean.json`` into ``folder``; ``lean backtest`` then works there without a login and without the network.

    ``data_folder`` is written relative to ``folder`` when it lies below it. Raises ``InputError`` when there is a
    ``lean.json`` and not ``force``.
    """
    path = folder / FILE_NAME
    if path.exists() and not force:
        raise InputError(f"{path}: is there already; use it, or replace it with --force")
    folder.mkdir(parents=True, exist_ok=True)
    place = data_folder.resolve()
    shown = place.relative_to(folder.resolve()) if place.is_relative_to(folder.resolve()) else place
    write_config(path, base_config(shown.as_posix()))
    return path


def base_config(data_folder: str) -> dict[str, Any]:
    """A ``lean.json`` for backtests on local data."""
    return {
        "data-folder": data_folder,
        "job-organization-id": LOCAL_ORGANIZATION,
        UPDATE_KEY: NEVER_UPDATE,
        "environments": {"backtesting": dict(BACKTESTING)},
        **HANDLERS,
        "symbol-minute-limit": 10000,
        "symbol-second-limit": 10000,
        "symbol-tick-limit": 10000,
        "show-missing-data-logs": False,
        "maximum-data-points-per-chart-series": 1000000,
        "maximum-chart-series": 30,
        "force-exchange-always-open": False,
        "transaction-log": "",
    }


def find_workspace(start: Path) -> Path | None:
    """The nearest ``lean.json`` in ``start`` or above it, as ``lean`` looks for it."""
    return next((place / FILE_NAME for place in (start, *start.parents) if (place / FILE_NAME).is_file()), None)


def workspace_problems(lean_json: Path) -> Iterator[str]:
    """What would make ``lean backtest`` fail with this ``lean.json``, each one line with its remedy."""
    try:
        config = read_json_with_comments(lean_json)
    except InputError as error:
        yield f"{error}; make one with `harness init`"
        return
    if all(config.get(key) is None for key in ORGANIZATION_KEYS):
        yield (
            f'{lean_json}: has no organization id, which lean demands; add "job-organization-id": "local" (any text '
            "will do for local backtests)"
        )
    if not isinstance(config.get("data-folder"), str):
        yield f'{lean_json}: has no data-folder; add "data-folder": "data"'


def output_problem(lean_json: Path, folder: Path) -> str:
    """Why ``lean`` would fail after a good run whose project or results lie in ``folder``; empty when it would not."""
    root = lean_json.parent.resolve()
    if folder.resolve().is_relative_to(root):
        return ""
    return f"{folder}: is not below {root}, where {FILE_NAME} lies; lean fails after the run. Choose a folder below it"


def prepare_run(request: BacktestRequest, lean_json: Path, extra: Mapping[str, Any]) -> tuple[Path, Path]:
    """A workspace for one run in ``request.run_folder``: (its configuration, the algorithm's file in it).

    One for each run, because the object store lies beside ``lean.json``, because lean writes into the project, and
    because the code that was measured is then kept. Settings are those of the user's ``lean.json``; the data folder is
    the request's, and log and providers are those whose files the harness reads.
    """
    folder = request.run_folder
    config = read_json_with_comments(lean_json)
    organization = next((config[key] for key in ORGANIZATION_KEYS if config.get(key) is not None), LOCAL_ORGANIZATION)
    for key in ORGANIZATION_KEYS:
        config.pop(key, None)
    config.update(extra)
    config |= {
        "data-folder": str(request.data_folder),
        # Under its other name lean would remember every run's folder as a workspace.
        "job-organization-id": organization,
        UPDATE_KEY: NEVER_UPDATE,
        "log-handler": HANDLERS["log-handler"],
        "forward-console-messages": False,
    }
    write_config(folder / RUN_FILE_NAME, config)
    project = folder / "project"
    copy_project(request.algorithm_file.parent, project)
    library = lean_json.parent / "Library"
    if library.is_dir() and not (folder / "Library").exists():
        (folder / "Library").symlink_to(library.resolve(), target_is_directory=True)
    return folder / RUN_FILE_NAME, project / request.algorithm_file.name


def copy_project(source: Path, target: Path) -> None:
    """Copies what belongs to a Lean project: code, its settings and small data files; not results, data or caches."""

    def ignored(folder: str, names: list[str]) -> set[str]:
        place = Path(folder)
        return {
            name
            for name in names
            if name.startswith(".")
            or (name in NOT_PROJECT and (place / name).is_dir())
            or (place / name / "pyvenv.cfg").is_file()
            or ((place / name).is_file() and Path(name).suffix not in PROJECT_SUFFIXES)
        }

    shutil.copytree(source, target, ignore=ignored, dirs_exist_ok=True)
    # The container compiles as root: in a folder that is ours, its files can be removed without being root.
    for folder in {path.parent for path in target.rglob("*.py")}:
        (folder / "__pycache__").mkdir(exist_ok=True)


def module_list_problem(lean_package: Path, now: float) -> str:
    """What is wrong with the list of modules that ``lean`` downloads at import; empty when it is there and fresh."""
    path = next(iter(sorted(lean_package.glob("modules-*.json"))), None)
    if path is None:
        return f"{lean_package}: lean has no module list yet; run `lean --version` once with the network"
    try:
        json.loads(path.read_bytes())["modules"]
    except (OSError, ValueError, KeyError, TypeError):
        return f"{path}: is damaged; remove it and run `lean --version` once with the network"
    hours = (now - path.stat().st_mtime) / 3600
    if hours > 24:
        return f"{path}: is {hours:.0f} hours old; lean tries to download it again, which is part of the client's start"
    return ""
