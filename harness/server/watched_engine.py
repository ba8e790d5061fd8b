"""``python -m harness.server.watched_engine``: the embedded engine, which also tells how far it is.

A thread beside the backtest writes the simulated time and the share of the simulated period that is done to
``--progress-file``, four times a second. The backtest itself is the same.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

from harness.embedded import engine as engine_module
from harness.embedded.__main__ import main as embedded_main

INTERVAL_S = 0.25


class _WatchedContext(engine_module.EngineContext):
    """Starts the watching thread with the run."""

    progress_file = Path()

    def run(self) -> int:
        threading.Thread(target=self._watch, daemon=True).start()
        return super().run()

    def _watch(self) -> None:
        pause = threading.Event()
        part = self.progress_file.with_name(f".{self.progress_file.name}.part")
        while not pause.wait(INTERVAL_S):
            told = self._position()
            if told is not None:
                try:
                    part.write_text(json.dumps(told))
                    part.replace(self.progress_file)
                except OSError:
                    return  # nobody to tell; the backtest matters more

    def _position(self) -> dict[str, Any] | None:
        algorithm = getattr(self, "algorithm", None)
        if algorithm is None:
            return None
        try:
            now, start, end = algorithm.time, algorithm.start_date, algorithm.end_date
            span_s = (end - start).total_seconds()
            share = (now - start).total_seconds() / span_s if span_s > 0 else 0.0
        except (AttributeError, TypeError, RuntimeError):
            return None  # still being set up
        return {"simulated_time": now.isoformat(sep=" ", timespec="seconds"), "share": min(1.0, max(0.0, share))}


def main() -> int:
    """As the embedded engine's command, with ``--progress-file FILE`` in front."""
    option, path, *rest = sys.argv[1:]
    if option != "--progress-file":
        print("harness.server.watched_engine: the first option is --progress-file FILE", file=sys.stderr)
        return 2
    _WatchedContext.progress_file = Path(path)
    engine_module.EngineContext = _WatchedContext  # type: ignore[misc]
    return embedded_main(rest)


if __name__ == "__main__":
    result = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(result)
