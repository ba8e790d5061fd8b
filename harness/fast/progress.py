"""One line of progress, rewritten in place and at most ten times a second."""

from __future__ import annotations

import sys
import threading
import time
from typing import Final, TextIO

_INTERVAL_S: Final = 0.1


class ProgressLine:
    """Shows ``phase done/total`` on a terminal; says nothing where the output is no terminal. Thread-safe."""

    def __init__(self, stream: TextIO | None = None, *, enabled: bool = True) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._on = enabled and self._stream.isatty()
        self._next_s = 0.0
        self._width = 0
        self._lock = threading.Lock()

    def update(self, phase: str, done: int, total: int) -> None:
        """Show the state, unless the line was written less than a tenth of a second ago."""
        if not self._on or time.monotonic() < self._next_s:
            return
        with self._lock:
            percent = 100 * done // total if total else 100
            text = f"{phase} {percent}% ({done:,}/{total:,})"
            self._stream.write("\r" + text.ljust(self._width))
            self._stream.flush()
            self._width = len(text)
            self._next_s = time.monotonic() + _INTERVAL_S

    def close(self) -> None:
        """Clear the line."""
        if self._on and self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._stream.flush()
            self._width = 0
