"""The history: one row a session in a SQLite file, made from reports, never from memory.

Each row carries a digest of its values, and the table ``seal`` the number of rows and a digest of theirs, so that a
figure that changed, a row that was lost and one that was slipped in are all noticed when the file is read, and before
anything is added to it. ``harness history --rebuild`` makes the rows of the stored sessions again and keeps those of
sessions whose folder is gone; ``harness fsck --repair`` sets a damaged file aside and keeps its good rows.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import BusyError, DamagedError
from harness.measure.fingerprint import TIME_FIELDS
from harness.report.model import Report
from harness.results.file_system import file_system
from harness.results.store import TEMPORARY_PREFIX, WriteError, write_bytes

FILE_NAME = "history.sqlite"
VERSION = 2
BUSY_S = 10.0
# What must be equal for times to be comparable, but not the engine: what it costs is what the history is about.
MACHINE_KEYS = tuple(key for key in TIME_FIELDS if key != "engine")

_COLUMNS = """
    session TEXT PRIMARY KEY, created_at_utc TEXT NOT NULL, scenario TEXT NOT NULL,
    baseline TEXT NOT NULL, candidate TEXT NOT NULL, commit_id TEXT NOT NULL, dirty INTEGER NOT NULL,
    machine TEXT NOT NULL, engine TEXT NOT NULL, verdict TEXT NOT NULL, exit_code INTEGER NOT NULL,
    pairs INTEGER NOT NULL, quantities TEXT NOT NULL, stages TEXT NOT NULL, digest TEXT NOT NULL DEFAULT ''
"""
_SEAL = "CREATE TABLE seal (one INTEGER PRIMARY KEY CHECK (one = 1), rows INTEGER NOT NULL, digest TEXT NOT NULL)"
_INSERT = "INSERT OR REPLACE INTO sessions VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
_REMEDY = "`harness fsck --repair` keeps its good rows, `harness history --rebuild` makes it again"

_Row = tuple[Any, ...]


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


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """``made``: how many rows were made again. ``kept``: sessions with a row only. ``damage``: what had been wrong."""

    made: int
    kept: tuple[str, ...]
    damage: str = ""


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
    """Stores the entry; a session that is there already (it was resumed) is replaced.

    Raises ``DamagedError`` when the file is not what was stored: nothing is added to it then.
    """
    append_all(path, [entry])


def append_all(path: Path, made: Iterable[Entry]) -> None:
    """As :func:`append`, for all of them or for none."""
    with _open(path) as connection, _transaction(connection):
        _verified(connection, path)
        for entry in made:
            connection.execute(_INSERT, _signed(_values(entry)))
        _seal(connection)


def rebuild(path: Path, made: Iterable[Entry]) -> Rebuilt:
    """Makes the rows of these sessions again. Rows of other sessions stay: theirs may be all that is left of them.

    Of a damaged file the good rows are kept, and the file is set aside, as :func:`salvage` does.
    """
    damage = ""
    try:
        entries(path)
    except DamagedError as error:
        damage = str(error).removeprefix(f"{path}: ").split("; ")[0]
        salvage(path)
    stored = list(made)
    append_all(path, stored)
    names = {entry.session for entry in stored}
    return Rebuilt(len(stored), tuple(e.session for e in entries(path) if e.session not in names), damage)


def entries(path: Path, scenario: str | None = None, candidate: str | None = None) -> list[Entry]:
    """The entries, oldest first; of one scenario and candidate when given. Empty when there is no file.

    Raises ``DamagedError`` when any row, also one not asked for, is not what was stored.
    """
    if not path.exists():
        return []
    with _open(path) as connection:
        found = [_entry(row, path) for row in _verified(connection, path)]
    return [
        entry
        for entry in sorted(found, key=lambda entry: (entry.created_at_utc, entry.session))
        if scenario in (None, entry.scenario) and candidate in (None, entry.candidate)
    ]


def salvage(path: Path) -> int:
    """Sets a damaged file aside as ``<name>.damaged`` and stores the rows whose digest is right anew; how many."""
    good: list[_Row] = []
    with suppress(DamagedError), _open(path, migrate=False) as connection:
        # One by one: what comes before the first page that cannot be read is kept.
        for row in connection.execute("SELECT * FROM sessions"):
            if _is_signed(row):
                good.append(row)
    number, aside = 1, path.with_name(f"{path.name}.damaged")
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{number}")
    path.rename(aside)
    journal = path.with_name(f"{path.name}-journal")
    if journal.exists():  # of the damaged file; SQLite would roll it back into the new one
        journal.rename(aside.with_name(f"{aside.name}-journal"))
    with _open(path) as connection, _transaction(connection):
        for row in good:
            connection.execute(_INSERT, row)
        _seal(connection)
    return len(good)


def _values(entry: Entry) -> _Row:
    return (
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
    )


def _signed(values: _Row) -> _Row:
    """A row as it is stored: its values and their digest."""
    return (*values, hashlib.sha256(json.dumps(values, ensure_ascii=False).encode()).hexdigest())


def _is_signed(row: _Row) -> bool:
    try:
        return row == _signed(row[:-1])
    except (TypeError, ValueError):  # bytes, or text that no encoder takes
        return False


def _seal(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT OR REPLACE INTO seal VALUES (1, ?, ?)", _seal_of(connection))


def _seal_of(connection: sqlite3.Connection) -> tuple[int, str]:
    digests = sorted(str(digest) for (digest,) in connection.execute("SELECT digest FROM sessions"))
    return len(digests), hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _verified(connection: sqlite3.Connection, path: Path) -> list[_Row]:
    """All rows, each as it was stored, none missing. Raises ``DamagedError``."""
    found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        raise DamagedError(f"{path}: {_one_line(found)}; {_REMEDY}")
    rows = connection.execute("SELECT * FROM sessions").fetchall()
    for row in rows:
        if not _is_signed(row):
            raise DamagedError(f"{path}: the row of {row[0]!r} does not match its digest; {_REMEDY}")
    seal = connection.execute("SELECT rows, digest FROM seal").fetchall()
    if seal != [_seal_of(connection)]:
        raise DamagedError(f"{path}: {len(rows)} rows, not those that were stored; {_REMEDY}")
    return rows


def _entry(row: _Row, path: Path) -> Entry:
    try:
        values = dict(zip(Entry.__slots__, row[:-1], strict=True))
        values |= {key: json.loads(values[key]) for key in ("quantities", "stages")}
        return Entry(**{**values, "dirty": bool(values["dirty"])})
    except (TypeError, ValueError) as error:
        raise DamagedError(f"{path}: the row of {row[0]!r} cannot be read; {_REMEDY}") from error


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing, and no other writer between looking and writing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def _create(path: Path) -> None:
    """An empty history, there whole or not at all: a file of no bytes is always damage, never a beginning."""
    memory = sqlite3.connect(":memory:")
    try:
        memory.execute(f"CREATE TABLE sessions ({_COLUMNS})")
        memory.execute(_SEAL)
        _seal(memory)
        memory.execute(f"PRAGMA user_version = {VERSION}")
        memory.commit()
        raw = memory.serialize()
    finally:
        memory.close()
    own = path.with_name(f"{TEMPORARY_PREFIX}{path.name}.{os.getpid()}-{threading.get_ident()}-0")
    write_bytes(own, raw)
    try:
        try:
            os.link(own, path)  # unlike a rename it never takes the place of what another process has just begun
        except FileExistsError:
            return
        except OSError:  # a disk without hard links
            if not path.exists():
                own.replace(path)
        file_system().fsync_folder(path.parent)
    except OSError as error:
        raise WriteError(f"{path}: cannot be made ({error.strerror or error}); fix that and run again") from error
    finally:
        with suppress(OSError):
            own.unlink()


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Signs the rows of a file from before there were digests; no row is lost."""
    with _transaction(connection):
        version = _version(connection, path)
        if version == VERSION:
            return  # another process was first
        known = [name for _, name, *_ in connection.execute("PRAGMA table_info(sessions)")]
        if version != 1 or not known or "digest" in known:
            raise DamagedError(f"{path}: says version {version}, but is not built like one; {_REMEDY}")
        connection.execute("ALTER TABLE sessions ADD COLUMN digest TEXT NOT NULL DEFAULT ''")
        for row in connection.execute("SELECT * FROM sessions").fetchall():
            connection.execute(_INSERT, _signed(row[:-1]))
        connection.execute(_SEAL)
        _seal(connection)
        connection.execute(f"PRAGMA user_version = {VERSION}")


def _version(connection: sqlite3.Connection, path: Path) -> int:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if not 0 <= version <= VERSION:
        raise DamagedError(f"{path}: version {version}, this harness reads up to {VERSION}; update it")
    return version


def _one_line(error: object) -> str:
    """SQLite quotes the file's own text, which may be anything."""
    return " ".join(str(error).split())


@contextmanager
def _open(path: Path, migrate: bool = True) -> Iterator[sqlite3.Connection]:
    if not path.exists():
        _create(path)
    connection = None
    try:
        connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
        if migrate and _version(connection, path) < VERSION:
            _migrate(connection, path)
        yield connection
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise BusyError(f"{path}: in use by another process; try again") from error
        raise DamagedError(f"{path}: {_one_line(error)}; check its rights and the disk; {_REMEDY}") from error
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise DamagedError(f"{path}: not a readable history ({_one_line(error)}); {_REMEDY}") from error
    finally:
        if connection is not None:
            connection.close()
