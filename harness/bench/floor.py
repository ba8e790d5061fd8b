"""The noise floor of a machine: the same small piece of work, over and over, through the same measuring path."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from harness.bench.statistics import NoiseFloor, noise_floor
from harness.errors import EngineError
from harness.measure.child import ChildCommand, run_child

WORK = "total = 0\nfor number in range(6_000_000):\n    total += number * number % 7"
CONTROLS = 10
JUDGED_PAIRS = 10


def measure_floor(on_run: Callable[[int, int], None] | None = None) -> NoiseFloor:
    """Runs pairs of the same work (about half a second each) and says what ten pairs could tell from none."""
    walls: list[float] = []
    total = 2 * CONTROLS + 1
    with tempfile.TemporaryDirectory(prefix="harness-noise-") as name:
        folder = Path(name)
        command = ChildCommand((sys.executable, "-S", "-c", WORK), folder, folder / "out", folder / "err")
        for number in range(1, total + 1):
            if on_run is not None:
                on_run(number, total)
            result = run_child(command)
            if result.exit_code != 0:
                raise EngineError(f"{sys.executable}: the measuring work ended with exit code {result.exit_code}")
            walls.append(result.wall_s)
    measured = walls[1:]  # the first warms the caches
    floor = noise_floor(measured[::2], measured[1::2], JUDGED_PAIRS)
    if floor is None:
        raise EngineError("no pair was measured")
    return floor
