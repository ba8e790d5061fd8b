"""Bodies of requests, checked before anything is done with them, and names in paths."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from harness.config import Settings
from harness.errors import InputError
from harness.server.problems import ApiError, not_found

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*$"
TRIAL_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*(/[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*)?$"
_TRIAL = re.compile(TRIAL_PATTERN.replace("$", r"\Z"))

Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN, max_length=100)]
# The launcher takes parameters as key:value,key:value: no comma in either, no colon in a key.
ParameterKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]+$", max_length=100)]
ParameterValue = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f,\x7f]*$", max_length=1000)]
Parameters = Annotated[dict[ParameterKey, ParameterValue], Field(max_length=100)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class BacktestBody(_Body):
    """A backtest of a scenario and variant of ``harness.toml``, or of another algorithm of the workspace.

    ``trials``: the same backtest once for each set of parameters (on top of ``parameters``); one run without any when
    left out. ``algorithm``: a Python file below the folder of ``harness.toml``; its parameters are only those given.
    """

    scenario: Name = "default"
    variant: Name = "baseline"
    parameters: Parameters = {}
    trials: Annotated[list[Parameters], Field(max_length=200)] = []
    algorithm: Annotated[str, StringConstraints(max_length=500)] | None = None
    class_name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=100)] | None = None
    engine: Name | None = None
    time_limit_s: Annotated[float, Field(gt=0, le=86400, strict=False, allow_inf_nan=False)] | None = None

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"scenario": "quick", "variant": "optimized"},
                {"scenario": "quick", "trials": [{"metrics": "recompute"}, {"metrics": "incremental"}]},
            ]
        }
    )


class SyncBody(BacktestBody):
    """As a backtest; ``time_limit_s`` counts from the request and must not pass the service's own limit."""


class BenchBody(_Body):
    """A benchmark session of baseline and candidate, as ``harness bench`` runs it."""

    scenario: Name = "default"
    pairs: Annotated[int, Field(ge=1, le=1000)] | None = None
    adaptive: bool = False
    parameters: Parameters = {}
    engine: Name | None = None

    model_config = ConfigDict(json_schema_extra={"examples": [{"scenario": "quick", "pairs": 6}]})


class TokenBody(_Body):
    """The token, for the page's session."""

    token: Annotated[str, StringConstraints(max_length=1000)]


def backtest_request(settings: Settings, body: BacktestBody) -> dict[str, Any]:
    """What the worker needs, every name resolved and checked. Raises ``InputError``."""
    scenario = settings.scenario(body.scenario)
    settings.variant(body.variant)
    _check_engine(body.engine)
    algorithm, class_name = "", body.class_name or ""
    if body.algorithm is not None:
        file = workspace_file(settings.root, body.algorithm)
        algorithm, class_name = str(file), class_name or _last_class(file, body.algorithm)
    trials = [{**body.parameters, **trial} for trial in body.trials] or [dict(body.parameters)]
    return {
        "scenario": body.scenario,
        "variant": body.variant,
        "trials": trials,
        "algorithm": algorithm,
        "class_name": class_name,
        "engine": body.engine or "",
        "time_limit_s": body.time_limit_s or 0.0,
        "synthetic": scenario.data.synthetic,
    }


def bench_request(settings: Settings, body: BenchBody) -> dict[str, Any]:
    """What the worker needs for a session. Raises ``InputError``."""
    settings.scenario(body.scenario)
    _check_engine(body.engine)
    if body.pairs and body.adaptive:
        raise InputError("pairs fixes the number of pairs and adaptive does not; give one of them")
    return {
        "scenario": body.scenario,
        "pairs": body.pairs,
        "adaptive": body.adaptive,
        "parameters": dict(body.parameters),
        "engine": body.engine or "",
    }


def workspace_file(root: Path, name: str) -> Path:
    """A Python file below ``root``, links resolved. Raises ``InputError`` without saying what lies outside."""
    refusal = InputError(f"algorithm {name[:100]!r}: is not a Python file below the project's folder")
    if "\x00" in name or not name.endswith(".py"):
        raise refusal
    try:
        file = (root / name).resolve()
        if not file.is_relative_to(root.resolve()) or not file.is_file():
            raise refusal
    except OSError as error:
        raise refusal from error
    return file


def run_folder(runs: Path, run_id: str) -> Path:
    """The folder of a run or session. Raises ``ApiError`` 404 when there is none inside ``runs``."""
    folder = (runs / run_id).resolve()
    if not folder.is_relative_to(runs.resolve()) or not folder.is_dir() or folder == runs.resolve():
        raise not_found(f"run {run_id}: no such run; GET /api/lab/runs lists the runs")
    return folder


def trial_names(folder: Path) -> list[str]:
    """Folders of a run or session that hold Lean's files: ``trial_1`` or ``baseline/run_01``."""
    found = [path.parent for pattern in ("*/lean", "*/*/lean") for path in folder.glob(pattern) if path.is_dir()]
    return [path.relative_to(folder).as_posix() for path in sorted(found, key=_by_number)]


def trial_folder(folder: Path, trial: str | None) -> Path:
    """The trial's folder, by default the first. Raises ``ApiError`` 404 or 422."""
    if trial is None:
        names = trial_names(folder)
        if not names:
            raise not_found(f"run {folder.name}: has no results yet; its status says how far it is")
        return folder / names[0]
    if len(trial) > 201 or not _TRIAL.match(trial):
        raise ApiError(422, "input", "trial: is not a name like trial_1 or baseline/run_01")
    chosen = (folder / trial).resolve()
    if not chosen.is_relative_to(folder) or not (chosen / "lean").is_dir():
        raise not_found(f"run {folder.name}: has no trial {trial} with results")
    return chosen


def new_run_id(kind: str) -> str:
    """A new name that sorts by time."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{kind}-{secrets.token_hex(3)}"


def _by_number(path: Path) -> tuple[object, ...]:
    return tuple(int(part) if part.isdigit() else part for part in re.split(r"(\d+)", path.as_posix()))


def _check_engine(name: str | None) -> None:
    from harness.engines.registry import ENGINES

    if name is not None and name.replace("-", "_") not in ENGINES:
        raise InputError(f"engine {name!r}: not known; there are {', '.join(ENGINES)}")


def _last_class(file: Path, shown: str) -> str:
    """The last class of the file that is derived from ``QCAlgorithm``."""
    from harness.engines.checks import algorithm_classes

    try:
        names = algorithm_classes(file)
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(f"algorithm {shown!r}: cannot be read as Python; correct it, or give class_name") from error
    if not names:
        raise InputError(f"algorithm {shown!r}: no class derived from QCAlgorithm in it; give class_name")
    return names[-1]
