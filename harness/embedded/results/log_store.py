"""The algorithm's messages and the log file's lines.

Source: ``BaseResultsHandler.ProcessAlgorithmLogs``/``AddToLogStore`` and ``QCAlgorithm.FormatLog`` of Lean. What the
algorithm says waits in a queue of its kind until the next sample and reaches the log as all debugs, then all errors,
then all logs. What the engine says is in the log at once. So lines of one sample interval are grouped by kind.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

MessageSink = Callable[[str, str], None]


def with_time(message: str, local_time: datetime) -> str:
    """``2025-10-06 09:31:00 message`` in the algorithm's time zone."""
    return f"{local_time:%Y-%m-%d %H:%M:%S} {message}"


class LogStore:
    """Messages waiting, and the lines logged so far. ``sink(kind, line)`` sees every line as it is logged."""

    def __init__(self, sink: MessageSink | None = None) -> None:
        self.lines: list[str] = []
        self._sink = sink
        self._waiting: dict[str, list[str]] = {"Debug": [], "Error": [], "Log": []}

    def queue(self, kind: str, line: str) -> None:
        """Keep an algorithm's line (``Debug``, ``Error`` or ``Log``) until :meth:`drain`."""
        self._waiting[kind].append(line)

    def waiting(self, kind: str) -> list[str]:
        """The lines of one kind that are not logged yet."""
        return list(self._waiting[kind])

    def drain(self) -> None:
        """Log what waits, kind by kind."""
        for kind, lines in self._waiting.items():
            if lines:
                for line in lines:
                    self.add(kind, line)
                lines.clear()

    def add(self, kind: str, line: str) -> None:
        """Log a line at once."""
        self.show(kind, line)
        self.lines.append(line)

    def show(self, kind: str, line: str) -> None:
        """Show a line to the sink without logging it."""
        if self._sink is not None:
            self._sink(kind, line)
