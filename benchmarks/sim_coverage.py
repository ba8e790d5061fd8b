"""How often the intervals hold the truth, by simulation: the reason for the method that ``bench/statistics.py`` uses.

Prints, for each kind of noise and number of pairs, the coverage of the nominal 95 % interval and its median width in
per cent, for the interval in use (expanded percentile) and for the plain percentile interval that it replaces, each
for the paired ratio and the ratio of medians. The true ratio is 1 in all. Seeded: prints the same figures each time.
``--markdown`` prints the table of ``docs/statistics.md``. Exit code 1 when the interval in use covers less than 94 %.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.bench.statistics import expanded_tail

Floats = NDArray[np.float64]
SESSIONS = 4000
RESAMPLES = 1000
KINDS = ("normal", "outliers", "skewed", "drifting", "two modes")
PAIRS = (6, 8, 10, 15, 20)
ALPHA = 0.025


def samples(kind: str, shape: tuple[int, int], generator: np.random.Generator) -> tuple[Floats, Floats]:
    """Log times of both sides, of one distribution, so that the true ratio is 1. ``shape``: (sessions, pairs)."""
    left, right = generator.normal(0, 0.03, shape), generator.normal(0, 0.03, shape)
    if kind == "outliers":
        left = left + (generator.random(shape) < 0.1) * generator.exponential(0.3, shape)
        right = right + (generator.random(shape) < 0.1) * generator.exponential(0.3, shape)
    elif kind == "skewed":
        left, right = generator.exponential(0.04, shape), generator.exponential(0.04, shape)
    elif kind == "drifting":
        drift = np.cumsum(generator.normal(0, 0.03, shape), axis=1)
        left, right = left + drift, right + drift
    elif kind == "two modes":
        left = left + (generator.random(shape) < 0.3) * 0.15
        right = right + (generator.random(shape) < 0.3) * 0.15
    return left, right


def coverage(kind: str, pairs: int, generator: np.random.Generator) -> dict[str, tuple[float, float]]:
    """Coverage and median width (both in per cent) by method."""
    left, right = samples(kind, (SESSIONS, pairs), generator)
    tails = {"expanded": expanded_tail(pairs, ALPHA), "percentile": ALPHA}
    bounds: dict[str, list[Floats]] = {f"{name} {what}": [] for name in tails for what in ("pairs", "medians")}
    for session in range(SESSIONS):
        drawn = generator.integers(0, pairs, (RESAMPLES, pairs))
        one, other = left[session][drawn], right[session][drawn]
        values = {
            "pairs": np.median(other - one, axis=1),
            "medians": np.median(other, axis=1) - np.median(one, axis=1),
        }
        for name, tail in tails.items():
            for what, estimates in values.items():
                bounds[f"{name} {what}"].append(np.quantile(estimates, [tail, 1 - tail]))
    answer = {}
    for name, rows in bounds.items():
        low, high = np.array(rows).T
        answer[name] = (100 * float(np.mean((low <= 0) & (high >= 0))), 100 * float(np.median(high - low)))
    return answer


def main() -> int:
    generator = np.random.default_rng(20251001)
    names = ("expanded pairs", "expanded medians", "percentile pairs", "percentile medians")
    markdown = "--markdown" in sys.argv
    if markdown:
        print("| noise | pairs | " + " | ".join(names) + " |")
        print("|---|---:|" + "---:|" * len(names))
    worst = 100.0
    for kind in KINDS:
        for pairs in PAIRS:
            found = coverage(kind, pairs, generator)
            worst = min(worst, found["expanded pairs"][0], found["expanded medians"][0])
            cells = [f"{found[name][0]:.1f} % ({found[name][1]:.1f})" for name in names]
            if markdown:
                print(f"| {kind} | {pairs} | " + " | ".join(cells) + " |", flush=True)
            else:
                print(
                    f"{kind:10} {pairs:3} " + "  ".join(f"{n}: {c}" for n, c in zip(names, cells, strict=True)),
                    flush=True,
                )
    print(f"\nleast coverage of the interval in use: {worst:.1f} % (nominal 95 %, {SESSIONS} sessions a row)")
    return 0 if worst >= 94 else 1


if __name__ == "__main__":
    sys.exit(main())
