"""``python -m harness.embedded``: one backtest in this process, with the options of Lean's launcher.

Example::

    python -m harness.embedded --data-folder data --algorithm-location algorithm/main.py \\
        --algorithm-type-name ReferenceAlgorithm --results-destination-folder /tmp/results \\
        --parameters metrics:incremental --close-automatically true

Exit code 0 only when the algorithm completed, else 1. Own options: ``--cache-folder DIR`` keeps decoded market data,
``--phases-file FILE`` receives the wall time of each phase as JSON.
"""

from __future__ import annotations

import gc
import os
import sys
import time

_STARTED = time.perf_counter()
_OBJECTS_BETWEEN_COLLECTIONS = 10_000


def _seconds_since_process_start() -> float:
    """Wall time from the start of the process to this module, from the kernel's clock where there is one."""
    try:
        with open("/proc/self/stat", encoding="ascii") as stat:  # noqa: PTH123 (pathlib is not imported yet)
            ticks = int(stat.read().rpartition(")")[2].split()[19])
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK"))
    except (OSError, ValueError, AttributeError, IndexError):
        return 0.0


def main(argv: list[str] | None = None) -> int:
    """Run one backtest; the exit code."""
    start_s = _seconds_since_process_start()
    arguments = sys.argv[1:] if argv is None else argv
    if "--help" in arguments or "-h" in arguments:
        print(__doc__)
        return 0
    # A run makes few cycles and keeps most of what it makes: Python's own 700 looks through it for nothing.
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    from harness.embedded.not_supported import NotSupportedError
    from harness.errors import HarnessError

    try:
        from harness.embedded.configuration import load

        configuration = load(arguments)
        configuration.results_folder.mkdir(parents=True, exist_ok=True)
        from harness.embedded.engine import AlgorithmLoadError, EngineContext

        engine = EngineContext(configuration)
        engine.phases_s["engine_start"] = start_s + time.perf_counter() - _STARTED
        try:
            code = engine.run()
        except AlgorithmLoadError as error:
            print(f"harness.embedded: {error}", file=sys.stderr)
            code = 1
    except (HarnessError, NotSupportedError) as error:
        print(f"harness.embedded: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        print(
            f"harness.embedded: {error.strerror or error}:{where}; check the path, its rights and the free space",
            file=sys.stderr,
        )
        return 1
    if configuration.phases_file is not None:
        import json

        record = {
            "phases_s": engine.phases_s,
            "data_points": engine.data.data_points,
            "python_start_s": start_s,
        }
        part = configuration.phases_file.with_name(f".{configuration.phases_file.name}.{os.getpid()}.tmp")
        part.write_text(json.dumps(record), "utf-8")
        part.replace(configuration.phases_file)
    return code


if __name__ == "__main__":
    result = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Everything is on disk; tearing down modules and arrays one by one would only cost time.
    os._exit(result)
