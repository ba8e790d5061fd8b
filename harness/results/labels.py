"""From what a user types to the results meant: a stored baseline, a session's variant, a run, any Lean folder."""

from __future__ import annotations

import difflib
import os
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from harness.errors import InputError
from harness.results.baseline import RESULT_SUFFIX, StoredBaseline, load_baseline
from harness.results.lean_results import SUMMARY_SUFFIX, LeanResults, find_result_ids

BASELINE_LABEL = "baseline"
DEFAULT_SCENARIO = "default"
SESSION_FILE = "session.json"

_RUN = re.compile(r"run_\d+\Z")
_LEAN_CLI_RUN = re.compile(r"\d{4}-\d{2}-\d{2}_\d{2}-\d{2}-\d{2}\Z")


class Kind(StrEnum):
    """What a label turned out to be."""

    BASELINE = "stored baseline"
    VARIANT = "session variant"
    RUN = "run"
    LEAN_FOLDER = "Lean results folder"


@dataclass(frozen=True)
class ResolvedRun:
    """The results behind a label. ``path`` is the baseline's file, or the folder with Lean's files."""

    label: str
    kind: Kind
    path: Path
    result_id: str | None = None
    baseline: StoredBaseline | None = None

    @cached_property
    def results(self) -> LeanResults:
        """The results, opened lazily. Raises as :class:`LeanResults` does."""
        return self.baseline.results if self.baseline is not None else LeanResults(self.path, self.result_id)

    def __str__(self) -> str:
        return f"{self.label} ({self.kind}, {self.path})"


def resolve(
    label: str,
    project_root: str | os.PathLike[str],
    runs_folder: str | os.PathLike[str] = "runs",
    baselines_folder: str | os.PathLike[str] = "baselines",
    default_scenario: str = DEFAULT_SCENARIO,
) -> ResolvedRun:
    """The results that ``label`` names; folders are relative to ``project_root``. Looked for in this order:

    1. ``baseline``: the stored baseline of the default scenario, else the latest session's variant of that name;
    2. a path (from here or from the project root): a stored baseline's file, a Lean result file, a folder with Lean's
       files, a run folder, a variant folder, a project of lean-cli (its latest backtest);
    3. ``<session>/<variant>`` or ``<session>/<variant>/<run>`` under the runs folder;
    4. ``<variant>``: the latest session that has it;
    5. ``<scenario>``: its stored baseline.

    A variant stands for its last run with a result. Raises ``InputError`` naming what is near when there is none,
    ``DamagedError`` when a stored baseline is not whole.
    """
    root = Path(project_root)
    runs, baselines = root / runs_folder, root / baselines_folder
    stored = baselines / f"{default_scenario}.json"
    if label == BASELINE_LABEL and stored.exists():
        return _stored(label, stored)
    found = _found(label, (Path(), root, runs), runs, baselines) if label else None
    if found is None:
        raise _unknown(label, runs, baselines, stored)
    return found


def _found(label: str, bases: tuple[Path, ...], runs: Path, baselines: Path) -> ResolvedRun | None:
    for base in bases:
        found = _from_path(label, base / label) if _is_there(base / label) else None
        if found is not None:
            return found
    for session in sessions_newest_first(runs):
        for folder in session.iterdir():
            if folder.name == label and folder.is_dir():
                return _variant(label, folder)
    for scenario in baselines.glob("*.json"):
        if scenario.name == f"{label}.json":
            return _stored(label, scenario)
    return None


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False  # a name that is too long for one


def sessions_newest_first(runs_folder: Path) -> list[Path]:
    """Session folders (those with a ``session.json``), the one written to last first."""
    found: list[tuple[int, str, Path]] = []
    if runs_folder.is_dir():
        for folder in runs_folder.iterdir():
            try:
                found.append(((folder / SESSION_FILE).stat().st_mtime_ns, folder.name, folder))
            except OSError:
                continue
    return [folder for _, _, folder in sorted(found, reverse=True)]


def variant_runs(variant_folder: Path) -> list[Path]:
    """The run folders of a variant, by number."""
    if not variant_folder.is_dir():
        return []
    runs = [folder for folder in variant_folder.iterdir() if _RUN.match(folder.name) and folder.is_dir()]
    return sorted(runs, key=lambda folder: int(folder.name.removeprefix("run_")))


def _stored(label: str, path: Path) -> ResolvedRun:
    return ResolvedRun(label, Kind.BASELINE, path, baseline=load_baseline(path))


def _from_path(label: str, path: Path) -> ResolvedRun | None:
    """What the existing ``path`` is; None when it is a folder that says nothing to this program."""
    if path.is_file():
        return _from_file(label, path)
    for name in ("lean", "results"):
        if _has_result(path / name):
            return ResolvedRun(label, Kind.RUN, path / name)
    if variant_runs(path):
        return _variant(label, path)
    if (path / SESSION_FILE).exists():
        variants = sorted(folder.name for folder in path.iterdir() if variant_runs(folder))
        names = ", ".join(f"{label.rstrip('/')}/{name}" for name in variants) or "none has a run yet"
        raise InputError(f"{path}: is a session; name one of its variants ({names})")
    for folder in (path, path / "backtests"):
        if folder.is_dir():
            backtests = sorted(one for one in folder.iterdir() if _LEAN_CLI_RUN.match(one.name) and _has_result(one))
            if backtests:
                return ResolvedRun(label, Kind.LEAN_FOLDER, backtests[-1])
    # Last: any JSON file could pass for a result of Lean.
    return ResolvedRun(label, Kind.LEAN_FOLDER, path) if _has_result(path) else None


def _from_file(label: str, path: Path) -> ResolvedRun:
    companion = path.with_name(path.name.removesuffix(".json") + RESULT_SUFFIX)
    result_id = path.name.removesuffix(SUMMARY_SUFFIX).removesuffix(".json")
    if not companion.exists() and result_id in find_result_ids(path.parent) and not _is_document(path):
        return ResolvedRun(label, Kind.LEAN_FOLDER, path.parent, result_id)
    return _stored(label, path)


def _is_document(path: Path) -> bool:
    """Whether ``path`` starts like a document of the store, intact or not; a Lean result has no schema."""
    try:
        with path.open("rb") as stream:
            return b'"schema"' in stream.read(64)
    except OSError:
        return False


def _has_result(folder: Path) -> bool:
    return folder.is_dir() and any((folder / f"{name}.json").exists() for name in find_result_ids(folder))


def _variant(label: str, folder: Path) -> ResolvedRun:
    for run in reversed(variant_runs(folder)):
        if _has_result(run / "lean"):
            return ResolvedRun(label, Kind.VARIANT, run / "lean")
    raise InputError(f"{folder}: no run of this variant has a result; run 'harness bench' again")


def _unknown(label: str, runs: Path, baselines: Path, stored: Path) -> InputError:
    if label == BASELINE_LABEL:
        return InputError(
            f"no baseline: {stored} is missing and no session has one; run 'make baseline' or 'make bench'"
        )
    known = known_labels(runs, baselines)
    near = difflib.get_close_matches(label, known, cutoff=0.5)
    if near:
        return InputError(f"{label!r}: no such label or folder; near are {', '.join(near)}")
    shown = ", ".join(known[:6]) or "none yet, run 'make bench' first"
    return InputError(f"{label!r}: no such label or folder; known are {shown}")


def known_labels(runs_folder: Path, baselines_folder: Path) -> list[str]:
    """Labels that resolve now: variants of sessions (newest first), session/variant, stored scenarios."""
    variants: dict[str, None] = {}
    full: list[str] = []
    for session in sessions_newest_first(runs_folder):
        for folder in sorted(session.iterdir()):
            if variant_runs(folder):
                variants.setdefault(folder.name)
                full.append(f"{session.name}/{folder.name}")
    scenarios = sorted(path.stem for path in baselines_folder.glob("*.json"))
    return [*variants, *(name for name in scenarios if name not in variants), *full]
