"""How often the history shows a change of level that is none, and how often it finds one, by simulation.

Each simulated history is a series of medians of one quantity on one machine, with 2 % noise from session to session,
searched by the function that ``harness history`` uses. No change: every change point is a false alarm. A change: the
level rises by 10 % in the middle, and a change point within one session of it counts as found. *Wandering* noise is
a random walk (an operating system that is updated, a machine that ages): its levels do change, with no cause in the
code, so what is found there is not counted as false alarm but shows what such a machine looks like. Seeded.
``--markdown`` prints the table of ``docs/statistics.md``, ``--short`` runs few series. Exit code 1 when the
false-alarm rate is above 2 % in any other row.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.history.changes import change_points

Floats = NDArray[np.float64]
NOISE = 0.02
STEP = 1.10
LENGTHS = (7, 10, 20, 40, 100)
WANDERING = "wandering"
KINDS = ("normal", "outliers", "skewed", "two modes", WANDERING)


@dataclass(frozen=True)
class Rates:
    """Shares of series (0..1): with any change point where there is no change, with the planted one found."""

    false_alarms: float
    found: float


def noise(kind: str, length: int, generator: np.random.Generator) -> Floats:
    """Logarithms of one series without a change."""
    plain = generator.normal(0, NOISE, length)
    if kind == "outliers":
        return np.asarray(plain + (generator.random(length) < 0.1) * generator.exponential(0.2, length))
    if kind == "skewed":
        return np.asarray(generator.exponential(NOISE, length))
    if kind == "two modes":
        return np.asarray(plain + (generator.random(length) < 0.3) * 0.10)
    if kind == WANDERING:
        return np.asarray(np.cumsum(generator.normal(0, NOISE / 4, length)) + plain)
    return plain


def rates(kind: str, length: int, series: int, seed: int) -> Rates:
    """Over simulated series; the same for the same seed."""
    generator = np.random.default_rng(seed)
    middle = length // 2
    step = np.where(np.arange(length) < middle, 1.0, STEP)
    false_alarms = found = 0
    for number in range(series):
        values = np.exp(noise(kind, length, generator))
        false_alarms += bool(change_points(list(values), seed=number))
        found += any(abs(change.index - middle) <= 1 for change in change_points(list(values * step), seed=number))
    return Rates(false_alarms / series, found / series)


def main() -> int:
    series = 100 if "--short" in sys.argv else 2000
    markdown = "--markdown" in sys.argv
    if markdown:
        print("| noise | sessions | no change: a change shown | level +10 %: found |\n|---|---:|---:|---:|")
    worst = 0.0
    for kind in KINDS:
        for length in LENGTHS:
            measured = rates(kind, length, series, seed=20251001)
            if kind != WANDERING:
                worst = max(worst, measured.false_alarms)
            row = (kind, str(length), f"{100 * measured.false_alarms:.1f} %", f"{100 * measured.found:.1f} %")
            print("| " + " | ".join(row) + " |" if markdown else "  ".join(row), flush=True)
    print(f"\nlargest false-alarm rate: {100 * worst:.1f} % over {series} series a row (limit 2 %)")
    return 0 if worst <= 0.02 else 1


if __name__ == "__main__":
    sys.exit(main())
