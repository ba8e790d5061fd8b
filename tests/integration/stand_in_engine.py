"""A small program with the embedded engine's options: burns time by its parameters and writes Lean's files.

Parameters: ``work`` (loops), ``price`` (of the one fill), ``ballast`` (MiB), ``fail`` (how to go wrong).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from harness.engines.base import BacktestRequest, Outcome
from harness.engines.scripted import ORDER_EVENT, ScriptedRun, write_lean_files


def main() -> int:
    parser = argparse.ArgumentParser()
    for name in ("data-folder", "algorithm-location", "algorithm-type-name", "algorithm-language", "parameters"):
        parser.add_argument(f"--{name}", default="")
    for name in ("results-destination-folder", "algorithm-id", "backtest-name", "close-automatically"):
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--cache-folder", default="")
    parser.add_argument("--phases-file", default="")
    given = parser.parse_args()
    parameters = dict(item.split(":") for item in given.parameters.split(",") if item)
    fail = parameters.get("fail", "")
    if fail == "crash":
        print("the engine's last words", file=sys.stderr)
        return 7
    if fail == "endless":
        time.sleep(600)
    started = time.perf_counter()
    total = 0
    for number in range(int(parameters.get("work", "100000"))):
        total += number % 7
    ballast = bytearray(int(parameters.get("ballast", "0")) * 2**20)
    ballast[::4096] = b"x" * len(ballast[::4096])
    seconds = time.perf_counter() - started
    request = BacktestRequest(
        algorithm_file=Path(given.algorithm_location),
        algorithm_class=given.algorithm_type_name,
        data_folder=Path(given.data_folder),
        run_folder=Path(given.results_destination_folder).parent,
        algorithm_id=given.algorithm_id,
    )
    run = ScriptedRun(
        outcome=Outcome.RUNTIME_ERROR if fail == "error" else Outcome.COMPLETED,
        detail="2025-10-01 10:00:00 Runtime Error: on purpose",
        stages_s={"metrics": seconds * 0.9, "risk": seconds * 0.01},
        order_events=[{**ORDER_EVENT, "fillPrice": float(parameters.get("price", "660.25"))}],
    )
    write_lean_files(request, run)
    phases = {"phases_s": {"engine_start": 0.01, "algorithm": seconds, "shutdown": 0.001}, "data_points": 1000}
    Path(given.phases_file).write_text(json.dumps(phases))
    return 1 if fail == "error" else 0


if __name__ == "__main__":
    sys.exit(main())
