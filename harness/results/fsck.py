"""Is everything that a later command trusts what was written? And where not: what is lost, what can be made again.

:func:`check` reads every baseline, session and row file and reports what is damaged or left over. With ``repair`` it
does only what loses nothing: removes what no reader looks at, finishes a baseline's interrupted renames, cuts torn
tails, and sets a damaged row file aside after saving its good rows.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path

import msgspec

from harness.errors import BusyError, DamagedError, HarnessError, InputError
from harness.results.baseline import NEXT, BaselineResults, finish_baseline, load_baseline
from harness.results.digests import MEASUREMENT_NAME, changed_files
from harness.results.labels import SESSION_FILE
from harness.results.lean_results import find_result_ids
from harness.results.lock import LOCK_NAME, FolderLock, is_locked, read_owner
from harness.results.spans import CACHE_FOLDER, SectionFile
from harness.results.store import (
    ENVELOPE,
    TEMPORARY_PREFIX,
    read_json,
    read_rows,
    rows_exist,
    rows_torn_bytes,
    salvage_rows,
    trim_rows,
)

_Inspection = Callable[[Path], None]
_Repair = Callable[[], object]
ROWS_FILE = "rows.jsonl"
HEAD_SUFFIX = ".head"
# Written by the store and by nobody else: without an envelope they are not what was written.
STORED = frozenset({SESSION_FILE, MEASUREMENT_NAME, "report.json", "profile.json", "walk_forward.json", "parity.json"})
_TEMPORARY = re.compile(re.escape(TEMPORARY_PREFIX) + r".*\.(\d+)-\d+-\d+\Z")


class Severity(StrEnum):
    """``DAMAGED``: something stored is not what was written. ``LEFTOVER``: remains of a killed process, harmless."""

    DAMAGED = "damaged"
    LEFTOVER = "leftover"
    BUSY = "in use"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: the file, what is wrong, what brings it back; ``repaired`` when that was done."""

    path: Path
    severity: Severity
    problem: str
    remedy: str
    repaired: bool = False

    def __str__(self) -> str:
        end = f"repaired: {self.remedy}" if self.repaired else self.remedy
        return f"{self.path}: {self.severity}, {self.problem}; {end}"


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome of :func:`check`: how many files were read, and the findings."""

    files: int
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Nothing damaged is left unrepaired."""
        return all(one.severity is not Severity.DAMAGED or one.repaired for one in self.findings)


def check(
    project_root: str | os.PathLike[str],
    runs_folder: str | os.PathLike[str] = "runs",
    baselines_folder: str | os.PathLike[str] = "baselines",
    repair: bool = False,
) -> Check:
    """Check everything stored below ``project_root``. Folders in use by another process are named, not touched."""
    root = Path(project_root)
    inspector = _Inspector(repair)
    inspector.baselines(root / baselines_folder)
    runs = root / runs_folder
    if runs.is_dir():
        for folder in sorted(path for path in runs.iterdir() if path.is_dir()):
            # `harness bisect` and `harness instrumentation` keep sessions one level deeper.
            inner = sorted(path.parent for path in folder.glob(f"*/{SESSION_FILE}"))
            for tree in inner or [folder]:
                inspector.locked(tree, inspector.tree)
        inspector.files_in(runs)
    return Check(inspector.files, tuple(inspector.findings))


class _Inspector:
    """Collects findings; repairs as it goes when asked to."""

    def __init__(self, repair: bool) -> None:
        self.repair = repair
        self.files = 0
        self.findings: list[Finding] = []

    def locked(self, folder: Path, inspect: _Inspection) -> None:
        """Inspect ``folder`` as its sole user when repairing; only read it otherwise."""
        if not self.repair:
            inspect(folder)
            return
        try:
            with FolderLock(folder, "harness fsck --repair"):
                inspect(folder)
        except BusyError as error:
            self.findings.append(Finding(folder, Severity.BUSY, str(error), "run again when it has ended"))
        except InputError as error:
            self.findings.append(Finding(folder / LOCK_NAME, Severity.DAMAGED, str(error), "then run again"))

    def baselines(self, folder: Path) -> None:
        if folder.is_dir():
            self.locked(folder, self._baselines)

    def _baselines(self, folder: Path) -> None:
        self.leftovers(folder)
        for path in sorted(folder.glob("*.json")):
            self.files += 1
            try:
                baseline = load_baseline(path)
                for kind in baseline.companions:
                    self.files += 1
                    baseline.companion(kind)
                BaselineResults(baseline).document.names  # noqa: B018 - read for its errors
            except (DamagedError, InputError) as error:
                remedy = "restore it from version control, or run 'make baseline' with --force"
                self.findings.append(Finding(path, Severity.DAMAGED, _problem(error, path), remedy))
                continue
            if any(path.with_name(entry["file"] + NEXT).exists() for entry in baseline.companions.values()):
                problem = "a store was interrupted before its last renames"
                self.note(Finding(path, Severity.LEFTOVER, problem, "finish them"), partial(finish_baseline, baseline))

    def tree(self, folder: Path) -> None:
        """A session, a sweep or anything else below the runs folder."""
        for variant in sorted(path for path in folder.iterdir() if path.is_dir()):
            for lean in sorted(variant.glob("*/lean")):
                self.run(lean.parent)
        for current, folders, _ in os.walk(folder):
            folders[:] = [name for name in folders if name not in (CACHE_FOLDER, "lean")]
            self.files_in(Path(current))

    def files_in(self, folder: Path) -> None:
        self.leftovers(folder)
        if (folder / SESSION_FILE).exists() or (folder / ROWS_FILE).exists():
            self.session(folder)
        for path in sorted(path for path in folder.iterdir() if path.is_file()):
            if path.suffix == ".jsonl":
                self.rows(path)
            elif path.suffix == ".json":
                self.document(path)
            elif path.suffix == HEAD_SUFFIX and not path.with_suffix("").exists():
                self.rows(path.with_suffix(""))

    def session(self, folder: Path) -> None:
        """What only the files of a session together tell: each run that was acknowledged is there, and has its row."""
        if not (folder / SESSION_FILE).exists():
            remedy = "restore it; the runs and their rows are kept"
            self.findings.append(Finding(folder / SESSION_FILE, Severity.DAMAGED, "is gone", remedy))
        rows_path = folder / ROWS_FILE
        try:
            rows = read_rows(rows_path) if rows_exist(rows_path) else []
        except (DamagedError, InputError):
            return  # told by `rows`
        if not all("folder" in row for row in rows):
            return  # rows of something else
        with_row = {str(row.get("folder")) for row in rows}
        measured = {path.parent.relative_to(folder).as_posix() for path in folder.glob(f"*/*/{MEASUREMENT_NAME}")}
        # One may be without: a run is measured first, then acknowledged.
        if len(measured - with_row) > 1:
            problem = f"{len(measured - with_row)} runs were measured, but their rows are gone"
            self.findings.append(Finding(rows_path, Severity.DAMAGED, problem, "restore it, or start a new session"))
        for name in sorted({str(row.get("folder")) for row in rows if row.get("outcome") == "completed"}):
            run = folder / name
            # A whole folder that is gone was removed by somebody; its row still says what was found.
            for part in (run / MEASUREMENT_NAME, run / "lean"):
                if run.is_dir() and not part.exists():
                    self.findings.append(Finding(part, Severity.DAMAGED, "is gone", "run that backtest again"))

    def document(self, path: Path) -> None:
        """A JSON file: whole JSON, and when it looks like a stored document, what was stored."""
        self.files += 1
        rebuilt = "the session's runs are kept; start a new session" if path.name == SESSION_FILE else "run it again"
        try:
            fields = json.loads(path.read_bytes())
            known = path.name in STORED or path.name.endswith(HEAD_SUFFIX)
            if known or (isinstance(fields, dict) and sum(name in fields for name in ENVELOPE) >= 2):
                read_json(path)
        except (OSError, ValueError, RecursionError) as error:
            self.findings.append(Finding(path, Severity.DAMAGED, f"not valid JSON ({error})", rebuilt))
        except HarnessError as error:
            self.findings.append(Finding(path, Severity.DAMAGED, _problem(error, path), rebuilt))

    def rows(self, path: Path) -> None:
        self.files += 1
        try:
            read_rows(path)
            torn = rows_torn_bytes(path)
        except (DamagedError, InputError) as error:
            if not path.exists():
                remedy = f"restore it, or remove {path.name}{HEAD_SUFFIX} and begin anew"
                self.findings.append(Finding(path, Severity.DAMAGED, _problem(error, path), remedy))
                return
            remedy = f"keep its good rows, set it aside as {path.name}.damaged"
            self.note(Finding(path, Severity.DAMAGED, _problem(error, path), remedy), lambda: salvage_rows(path))
            return
        if torn:
            problem = f"{torn} bytes of a row that was never acknowledged"
            self.note(Finding(path, Severity.LEFTOVER, problem, "cut them"), lambda: trim_rows(path))

    def run(self, folder: Path) -> None:
        """A run's Lean files: whole JSON in every section."""
        lean = folder / "lean"
        if not lean.is_dir():
            return
        for path, problem in changed_files(lean):
            self.findings.append(Finding(path, Severity.DAMAGED, problem, "run that backtest again"))
        for result_id in find_result_ids(lean):
            for path in (lean / f"{result_id}.json", lean / f"{result_id}-summary.json"):
                if path.exists():
                    self.files += 1
                    self.sections(path)
            events = lean / f"{result_id}-order-events.json"
            if events.exists():
                self.files += 1
                try:
                    msgspec.json.decode(events.read_bytes(), type=list[msgspec.Raw])
                except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                    self.findings.append(Finding(events, Severity.DAMAGED, str(error), "delete this run and resume"))

    def sections(self, path: Path) -> None:
        try:
            document = SectionFile(path)
            for name in document.names:
                document.typed(name, msgspec.Raw)
        except (DamagedError, InputError) as error:
            remedy = "delete this run and resume the session"
            self.findings.append(Finding(path, Severity.DAMAGED, _problem(error, path), remedy))

    def leftovers(self, folder: Path) -> None:
        """Temporary files of dead writers, and lock files of dead owners."""
        for path in _temporary_files(folder):
            finding = Finding(path, Severity.LEFTOVER, "a write that was interrupted", "remove it")
            self.note(finding, partial(path.unlink, missing_ok=True))
        owner = read_owner(folder)
        if owner is not None and owner.pid != os.getpid() and not _alive(owner.pid) and not is_locked(folder):
            lock = folder / LOCK_NAME
            finding = Finding(lock, Severity.LEFTOVER, f"its owner is dead: {owner}", "remove it")
            self.note(finding, lambda: lock.unlink(missing_ok=True))

    def note(self, finding: Finding, repair: _Repair) -> None:
        """Record ``finding`` and, when asked to, repair it."""
        if self.repair:
            try:
                repair()
                finding = replace(finding, repaired=True)
            except (OSError, HarnessError) as error:
                finding = replace(finding, problem=f"{finding.problem}; repair failed ({error})")
        self.findings.append(finding)


def _temporary_files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.glob(f"{TEMPORARY_PREFIX}*")):
        match = _TEMPORARY.match(path.name)
        if match is None or not _alive(int(match[1])):
            yield path


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # another user's
    return True


def _problem(error: HarnessError, path: Path) -> str:
    return str(error).removeprefix(f"{path}: ").split("; ")[0]
