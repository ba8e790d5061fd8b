"""``python -m harness.profiling.child cprofile|memory FILE -- ...``: the embedded engine, watched from inside.

What follows ``--`` are the embedded engine's own options. Its exit code is passed on; FILE is written either way.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tracemalloc

# Each frame more makes every allocation slower; ten reach from the engine's inner loops to the algorithm.
FRAMES = 10
LEAST_BYTES = 8 * 2**20
LOOK_S = 0.05
# A new snapshot only when this much more is held than at the last: taking one stops the program.
GROWTH = 1.25


class PeakWatch:
    """Snapshots of traced memory while it grows; ``traces`` are those of the last, the nearest to the peak."""

    def __init__(self) -> None:
        self.peak_bytes = 0
        self.snapshot: tracemalloc.Snapshot | None = None
        self._held_bytes = LEAST_BYTES
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakWatch:
        import tracemalloc

        tracemalloc.start(FRAMES)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        import tracemalloc

        self._end.set()
        self._thread.join()
        if self.snapshot is None:  # a small program: everything it still holds
            self.snapshot = tracemalloc.take_snapshot()
        self.peak_bytes = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    def _watch(self) -> None:
        while not self._end.wait(LOOK_S):
            self._look()

    def _look(self) -> None:
        import tracemalloc

        held_bytes, _ = tracemalloc.get_traced_memory()
        if held_bytes > self._held_bytes * GROWTH:
            self._held_bytes = held_bytes
            self.snapshot = tracemalloc.take_snapshot()


def main(arguments: list[str]) -> int:
    """Runs the engine with the options after ``--``; the engine's exit code."""
    kind, target, dashes, *options = arguments
    if dashes != "--" or kind not in ("cprofile", "memory"):
        print("usage: python -m harness.profiling.child cprofile|memory FILE -- ENGINE OPTIONS", file=sys.stderr)
        return 2
    from harness.embedded.__main__ import main as engine

    if kind == "cprofile":
        import cProfile

        profile = cProfile.Profile()
        try:
            return profile.runcall(engine, options)
        finally:
            profile.dump_stats(target)
    with PeakWatch() as watch:
        code = engine(options)
    _write(watch, Path(target))
    return code


def _write(watch: PeakWatch, target: Path) -> None:
    import json

    traces = []
    if watch.snapshot is not None:
        for statistic in watch.snapshot.statistics("traceback"):
            # tracemalloc has the innermost frame last
            frames = [(frame.filename, frame.lineno) for frame in reversed(list(statistic.traceback))]
            traces.append({"bytes": statistic.size, "blocks": statistic.count, "frames": frames})
    target.write_text(json.dumps({"peak_bytes": watch.peak_bytes, "traces": traces}), "utf-8")


if __name__ == "__main__":
    result = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(result)
