"""The history: one row a session in a SQLite file, made from reports, never from memory.

The file can be deleted at any time: ``harness history --rebuild`` makes it again from the stored sessions.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import BusyError, DamagedError
from harness.measure.fingerprint import TIME_FIELDS
from harness.report.model import Report

FILE_NAME = "history.sqlite"
VERSION = 1
BUSY_S = 10.0
# What must be equal for times to be comparable, but not the engine: what it costs is what the history is about.
MACHINE_KEYS = tuple(key for key in TIME_FIELDS if key != "engine")

_TABLE = """
CREATE TABLE IF NOT EXISTS sessions (
    session TEXT PRIMARY KEY, created_at_utc TEXT NOT NULL, scenario TEXT NOT NULL,
    baseline TEXT NOT NULL, candidate TEXT NOT NULL, commit_id TEXT NOT NULL, dirty INTEGER NOT NULL,
    machine TEXT NOT NULL, engine TEXT NOT NULL, verdict TEXT NOT NULL, exit_code INTEGER NOT NULL,
    pairs INTEGER NOT NULL, quantities TEXT NOT NULL, stages TEXT NOT NULL)
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One session. ``quantities``: by name (wall, CPU, memory) ``baseline``, ``candidate`` (s or MiB),
    ``ratio``, ``low``, ``high``. ``stages``: by name ``baseline_s`` and ``candidate_s``."""

    session: str
    created_at_utc: str
    scenario: str
    baseline: str
    candidate: str
    commit: str
    dirty: bool
    machine: str
    engine: str
    verdict: str
    exit_code: int
    pairs: int
    quantities: Mapping[str, Mapping[str, float]]
    stages: Mapping[str, Mapping[str, float]]


def entry_of(report: Report) -> Entry:
    """The row of a report."""
    known = report.environment
    engine = known.get("engine") or {}
    return Entry(
        session=report.session,
        created_at_utc=report.created_at_utc,
        scenario=report.scenario,
        baseline=report.baseline,
        candidate=report.candidate,
        commit=str(known.get("git_commit") or ""),
        dirty=bool(known.get("git_dirty")),
        machine=machine_key(known),
        engine=" ".join(str(value) for value in engine.values()),
        verdict=report.verdict,
        exit_code=report.exit_code,
        pairs=report.pairs,
        quantities={
            item.name: {
                "baseline": item.baseline,
                "candidate": item.candidate,
                "ratio": item.paired_ratio,
                "low": item.low,
                "high": item.high,
            }
            for item in report.quantities
        },
        stages={
            stage.name: {"baseline_s": stage.baseline_s, "candidate_s": stage.candidate_s} for stage in report.stages
        },
    )


def machine_key(fingerprint: Mapping[str, Any]) -> str:
    """Eight hex digits that are equal only on machines whose times may be compared."""
    told = json.dumps([str(fingerprint.get(key, "")) for key in MACHINE_KEYS])
    return hashlib.sha256(told.encode()).hexdigest()[:8]


def append(path: Path, entry: Entry) -> None:
    """Stores the entry; a session that is there already (it was resumed) is replaced."""
    with _open(path) as connection, connection:
        connection.execute(
            "INSERT OR REPLACE INTO sessions VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                entry.session,
                entry.created_at_utc,
                entry.scenario,
                entry.baseline,
                entry.candidate,
                entry.commit,
                int(entry.dirty),
                entry.machine,
                entry.engine,
                entry.verdict,
                entry.exit_code,
                entry.pairs,
                json.dumps(entry.quantities),
                json.dumps(entry.stages),
            ),
        )


def entries(path: Path, scenario: str | None = None, candidate: str | None = None) -> list[Entry]:
    """The entries, oldest first; of one scenario and candidate when given. Empty when there is no file."""
    if not path.exists():
        return []
    with _open(path) as connection:
        rows = connection.execute(
            "SELECT * FROM sessions WHERE (?1 IS NULL OR scenario = ?1) AND (?2 IS NULL OR candidate = ?2) "
            "ORDER BY created_at_utc, session",
            (scenario, candidate),
        ).fetchall()
    return [_entry(row, path) for row in rows]


def _entry(row: tuple[Any, ...], path: Path) -> Entry:
    try:
        values = dict(zip(Entry.__slots__, row, strict=True))
        values |= {key: json.loads(values[key]) for key in ("quantities", "stages")}
        return Entry(**{**values, "dirty": bool(values["dirty"])})
    except (TypeError, ValueError) as error:
        raise DamagedError(f"{path}: the row of {row[0]} cannot be read; `harness history --rebuild`") from error


@contextmanager
def _open(path: Path) -> Iterator[sqlite3.Connection]:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = None
    try:
        connection = sqlite3.connect(path, timeout=BUSY_S)
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise DamagedError(f"{path}: version {version}, this harness reads up to {VERSION}; update it")
        if version < VERSION:
            connection.execute(_TABLE)
            connection.execute(f"PRAGMA user_version = {VERSION}")
            connection.commit()
        yield connection
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise BusyError(f"{path}: in use by another process; try again") from error
        raise DamagedError(
            f"{path}: {error}; check its rights, or delete it and `harness history --rebuild`"
        ) from error
    except sqlite3.DatabaseError as error:
        raise DamagedError(
            f"{path}: not a readable history ({error}); delete it and `harness history --rebuild`"
        ) from error
    finally:
        if connection is not None:
            connection.close()
