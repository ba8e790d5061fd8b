"""What was asked for and how far it got, in SQLite: survives a restart and a killed process.

One connection, used under a lock; every change is one transaction. States go ``queued -> running -> completed |
failed | cancelled``; a job that was running when the service ended is ``interrupted`` and can be queued again.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson

from harness.errors import DamagedError

SEQUENCE_JUMP = 1_000_000
"""Progress between two stored changes has sequence numbers that are not stored; a restart passes them by this much."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    run_id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    request TEXT NOT NULL,
    created_at_utc TEXT NOT NULL,
    queued INTEGER NOT NULL,
    started_at_utc TEXT NOT NULL DEFAULT '',
    finished_at_utc TEXT NOT NULL DEFAULT '',
    detail TEXT NOT NULL DEFAULT '',
    progress TEXT NOT NULL DEFAULT '{}',
    sequence INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, queued);
"""


class JobState(StrEnum):
    """Where a job is."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"

    @property
    def over(self) -> bool:
        """Whether nothing more happens without a new request."""
        return self not in (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True, slots=True)
class Job:
    """One job. ``kind`` is ``backtest`` or ``bench``; ``progress`` the last that was told; times ISO 8601 in UTC."""

    run_id: str
    kind: str
    state: JobState
    request: Mapping[str, Any]
    created_at_utc: str
    started_at_utc: str
    finished_at_utc: str
    detail: str
    progress: Mapping[str, Any]
    sequence: int


class JobStore:
    """The jobs of one runs folder. Thread-safe."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        try:
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            # Survives a killed process; a power cut may take the last moments. A sync for each change would hold up
            # the event loop.
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.executescript(_SCHEMA)
        except sqlite3.DatabaseError as error:
            raise DamagedError(f"{path}: the service's state cannot be read ({error}); move it away") from error

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def add(self, run_id: str, kind: str, request: Mapping[str, Any], queue_length: int) -> bool:
        """Queues a new job; False when ``queue_length`` jobs wait already."""
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            waiting, last = self._db.execute(
                "SELECT COUNT(*) FILTER (WHERE state = 'queued'), COALESCE(MAX(queued), 0) FROM jobs"
            ).fetchone()
            if waiting >= queue_length:
                return False
            self._db.execute(
                "INSERT INTO jobs (run_id, kind, state, request, created_at_utc, queued) VALUES (?, ?, ?, ?, ?, ?)",
                (run_id, kind, JobState.QUEUED, orjson.dumps(request).decode(), utc_now(), last + 1),
            )
            return True

    def requeue(self, run_id: str, queue_length: int) -> bool:
        """Queues a job that is over once more; False when the queue is full."""
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            waiting, last = self._db.execute(
                "SELECT COUNT(*) FILTER (WHERE state = 'queued'), COALESCE(MAX(queued), 0) FROM jobs"
            ).fetchone()
            if waiting >= queue_length:
                return False
            self._db.execute(
                "UPDATE jobs SET state = 'queued', queued = ?, finished_at_utc = '', detail = '', progress = '{}' "
                "WHERE run_id = ?",
                (last + 1, run_id),
            )
            return True

    def take(self) -> Job | None:
        """The job that waits longest, now running; None when none waits."""
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            row = self._db.execute("SELECT run_id FROM jobs WHERE state = 'queued' ORDER BY queued LIMIT 1").fetchone()
            if row is None:
                return None
            self._db.execute(
                "UPDATE jobs SET state = 'running', started_at_utc = ? WHERE run_id = ?", (utc_now(), *row)
            )
            return self._get(row[0])

    def record(self, run_id: str, state: JobState, detail: str, progress: Mapping[str, Any], sequence: int) -> None:
        """Stores where a job is; the time of its end when it is over."""
        with self._lock, self._db:
            self._db.execute(
                "UPDATE jobs SET state = ?, detail = ?, progress = ?, sequence = ?, finished_at_utc = ? "
                "WHERE run_id = ?",
                (
                    state,
                    detail,
                    orjson.dumps(progress).decode(),
                    sequence,
                    utc_now() if state.over else "",
                    run_id,
                ),
            )

    def interrupt_running(self) -> list[str]:
        """At start: whatever was running when the last service ended is interrupted. Their names."""
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            names = [row[0] for row in self._db.execute("SELECT run_id FROM jobs WHERE state = 'running'")]
            self._db.execute(
                "UPDATE jobs SET state = 'interrupted', finished_at_utc = ?, sequence = sequence + ?, "
                "detail = 'the service ended while this ran; resume it' WHERE state = 'running'",
                (utc_now(), SEQUENCE_JUMP),
            )
            return names

    def get(self, run_id: str) -> Job | None:
        with self._lock:
            return self._get(run_id)

    def list(self, offset: int, limit: int, state: str = "", kind: str = "") -> tuple[int, list[Job]]:
        """How many jobs match, and one page of them, the newest first."""
        where, values = "WHERE (? = '' OR state = ?) AND (? = '' OR kind = ?)", (state, state, kind, kind)
        with self._lock:
            total = self._db.execute(f"SELECT COUNT(*) FROM jobs {where}", values).fetchone()[0]
            rows = self._db.execute(
                f"SELECT * FROM jobs {where} ORDER BY created_at_utc DESC, queued DESC LIMIT ? OFFSET ?",
                (*values, limit, offset),
            ).fetchall()
        return total, [_job(row) for row in rows]

    def position(self, run_id: str) -> int:
        """How many jobs are ahead of a queued one."""
        with self._lock:
            row = self._db.execute(
                "SELECT COUNT(*) FROM jobs WHERE state = 'running' OR (state = 'queued' AND queued < "
                "(SELECT queued FROM jobs WHERE run_id = ?))",
                (run_id,),
            ).fetchone()
        return int(row[0])

    def _get(self, run_id: str) -> Job | None:
        row = self._db.execute("SELECT * FROM jobs WHERE run_id = ?", (run_id,)).fetchone()
        return None if row is None else _job(row)


def utc_now() -> str:
    """Now, ISO 8601 in UTC with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _job(row: tuple[Any, ...]) -> Job:
    run_id, kind, state, request, created, _, started, finished, detail, progress, sequence = row
    return Job(
        run_id, kind, JobState(state), orjson.loads(request), created, started, finished, detail,
        orjson.loads(progress), sequence,
    )  # fmt: skip
