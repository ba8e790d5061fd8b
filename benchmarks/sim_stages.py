"""How often a stage is named as slower, rightly and wrongly, by simulation of sessions with six stages.

Each run draws its stages' CPU times around those of the quick scenario; noise of one run is common to all stages (the
whole process was slower) and of the stage's own, in equal parts. No effect: every name is wrong. An effect: one stage
takes 10 % longer, and it alone should be named. Judged by ``compare_stages``, as a session is. ``--markdown`` prints
the table of ``docs/statistics.md``, ``--short`` runs few sessions. Exit code 1 when a stage is named wrongly in more
than 5 % of the sessions of eight pairs or more (in six the least that an interval can leave out is 2^-6 a stage).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.bench.statistics import REMAINDER, compare_stages
from harness.bench.stopping import FIXED_ALPHA

# CPU seconds of a run of the baseline in the quick scenario: the algorithm's stages, and what no stage accounts for.
STAGES_S = {"data": 0.29, "metrics": 1.10, "strategy": 0.014, "risk": 0.033, "orders": 0.09, REMAINDER: 0.60}
SLOWED = "metrics"
NOISES = (0.01, 0.03, 0.05)
PAIRS = (6, 8, 10, 15)


@dataclass(frozen=True)
class Named:
    """Shares of sessions (0..1): the slowed stage was named, any other was."""

    rightly: float
    wrongly: float


def named(pairs: int, noise: float, effect: float, sessions: int, seed: int) -> Named:
    """Over simulated sessions; the same for the same seed."""
    generator = np.random.default_rng(seed)
    names = tuple(STAGES_S)
    means = np.array(list(STAGES_S.values()))
    rightly = wrongly = 0
    for _ in range(sessions):
        own = generator.normal(0, noise / np.sqrt(2), (2, pairs, len(names)))
        common = generator.normal(0, noise / np.sqrt(2), (2, pairs, 1))
        seconds = means * np.exp(own + common)
        seconds[1, :, names.index(SLOWED)] *= 1 + effect
        sides = [[dict(zip(names[:-1], run, strict=False)) for run in side] for side in seconds]
        totals = seconds.sum(axis=2)
        found = compare_stages(
            sides[0], sides[1], totals[0], totals[1], alpha=FIXED_ALPHA, seed=int(generator.integers(1 << 31))
        )
        slower = {stage.name for stage in found if stage.interval is not None and stage.interval.low > 1}
        rightly += effect > 0 and SLOWED in slower
        wrongly += bool(slower - {SLOWED} if effect else slower)
    return Named(rightly / sessions, wrongly / sessions)


def main() -> int:
    sessions = 50 if "--short" in sys.argv else 1000
    markdown = "--markdown" in sys.argv
    if markdown:
        print("| noise of a run | pairs | no effect: a stage named | one stage +10 %: named | another named |")
        print("|---:|---:|---:|---:|---:|")
    worst = 0.0
    for noise in NOISES:
        for pairs in PAIRS:
            none = named(pairs, noise, 0.0, sessions, seed=20251001)
            slow = named(pairs, noise, 0.1, sessions, seed=20251002)
            if pairs >= 8:
                worst = max(worst, none.wrongly, slow.wrongly)
            shares = (f"{100 * share:.1f} %" for share in (none.wrongly, slow.rightly, slow.wrongly))
            row = (f"{100 * noise:.0f} %", str(pairs), *shares)
            print("| " + " | ".join(row) + " |" if markdown else "  ".join(row), flush=True)
    print(f"\nlargest rate of wrong names from 8 pairs: {100 * worst:.1f} % over {sessions} sessions a row (limit 5 %)")
    return 0 if worst <= 0.05 else 1


if __name__ == "__main__":
    sys.exit(main())
