"""``harness init``: settings for a user's own algorithm, and a workspace for the ``lean`` command."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.commands.common import settings_from, shown
from harness.errors import InputError

PROJECT_FILE = "config.json"  # of a project of the lean command; its "parameters" are what Lean gives the algorithm
SETTINGS_TEXT = """\
# Settings of the harness for {class_name}. Paths are relative to this file; `harness doctor` checks them.

[algorithm]
file = {file}
class = {class_text}

# What is compared. Both sides run the file above; tell them apart in one of these ways:
#   parameters:  [variants.optimized] parameters = {{ cache = "on" }}
#   a file:      [variants.optimized] file = "optimized.py" (and class = "..." where it has another name)
#   commits:     leave this as it is, and `harness bench --baseline-ref main` holds your work against that branch
[variants.baseline]
[variants.optimized]

[scenarios.default]
parameters = {parameters}
data = {{ folder = {data}, synthetic = false }}

[targets]
time_reduction_percent = 25    # wall and CPU: ratio at most 0.75
memory_growth_percent = 10     # peak memory: ratio at most 1.10
"""


@dataclass(frozen=True, slots=True)
class OwnAlgorithm:
    """A user's algorithm: file, class (None: the last one in it), market data (None: that of ``lean.json``)."""

    file: Path
    class_name: str | None
    data: Path | None


def init(config: Path | None, folder: Path | None, data: Path | None, *, force: bool) -> int:
    """Writes ``lean.json`` and says what to do with it; 0, or ``InputError`` when there is one."""
    from harness.workspace import init_workspace

    if folder is None or data is None:
        settings = settings_from(config)
        folder = folder or settings.root
        data = data or settings.data_folder(
            "default" if "default" in settings.scenarios else next(iter(settings.scenarios))
        )
    path = init_workspace(folder.resolve(), data, force)
    print(f"{path}: written; data folder {data}")
    print("next: `make lean` installs the lean command, `docker pull quantconnect/lean:latest` its engine, then")
    print("`harness doctor --engine lean`")
    return 0


def init_settings(folder: Path, own: OwnAlgorithm, *, force: bool) -> int:
    """Writes ``harness.toml`` for a user's algorithm; 0, or ``InputError`` when there is one."""
    from harness.commands.run import only_class
    from harness.config import FILE_NAME, load_settings
    from harness.results.store import write_bytes

    path = folder.resolve() / FILE_NAME
    if path.exists() and not force:
        raise InputError(f"{path}: is there already; edit it, or replace it with --force")
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give one that is there with --folder")
    file = own.file.resolve()
    class_name = own.class_name or only_class(file)
    text = SETTINGS_TEXT.format(
        class_name=class_name,
        class_text=_text(class_name),
        file=_text(_from(path.parent, file)),
        parameters=_table(project_parameters(file.parent)),
        data=_text(_from(path.parent, own.data.resolve() if own.data else workspace_data(file.parent))),
    )
    write_bytes(path, text.encode())
    load_settings(path)
    print(f"{path}: written, for {class_name} of {shown(file)}")
    print(
        "next: `harness doctor`, `harness run`, then `harness bench --baseline-ref main`, or give the two variants in"
    )
    print("it their own parameters or files and call `harness bench`. Keep runs/ and .cache/ out of git.")
    return 0


def workspace_data(start: Path) -> Path:
    """The data folder of the nearest ``lean.json``, absolute. Raises ``InputError`` when there is none."""
    from harness.engines.lean_config import read_json_with_comments
    from harness.workspace import find_workspace

    lean_json = find_workspace(start.resolve())
    if lean_json is None:
        raise InputError(f"{start}: no lean.json in it or above it tells where the market data are; give --data FOLDER")
    told = read_json_with_comments(lean_json).get("data-folder")
    if not isinstance(told, str):
        raise InputError(f"{lean_json}: has no data-folder; give --data FOLDER")
    return (lean_json.parent / told).resolve()


def project_parameters(folder: Path) -> dict[str, str]:
    """The parameters in the ``config.json`` of a project of the ``lean`` command; none where there is no such file."""
    from harness.engines.lean_config import read_json_with_comments

    path = folder / PROJECT_FILE
    if not path.is_file():
        return {}
    parameters = read_json_with_comments(path).get("parameters", {})
    if not isinstance(parameters, dict):
        raise InputError(f"{path}: parameters is no object; correct it")
    return {str(key): str(value) for key, value in parameters.items()}


def _from(root: Path, path: Path) -> str:
    """``path`` seen from ``root`` when it lies below it, else whole."""
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()


def _table(values: Mapping[str, str]) -> str:
    inside = ", ".join(f"{_text(key)} = {_text(value)}" for key, value in values.items())
    return f"{{ {inside} }}" if inside else "{}"


def _text(value: str) -> str:
    """A TOML basic string; JSON's escapes are TOML's too."""
    return json.dumps(value, ensure_ascii=False)
