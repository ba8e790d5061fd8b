"""How often a session passes wrongly, and how many pairs it takes, by simulation of the whole decision.

Each simulated session draws pairs with 3 % noise and is judged by the same functions that judge a real one: fixed
pairs, and adaptive sampling that looks again and again. Two ways to pass wrongly: the candidate is exactly at the
target (true ratio 0.75; the hardest case), and there is no effect at all (true ratio 1) while the target asks for any
improvement of 1 %. Wall and CPU are perfectly correlated here, which is the worst case: independent noise would have
to be lucky twice. ``--short`` runs few sessions (the test does). Exit code 1 when a false pass rate is above 5 %.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.sim_coverage import KINDS, samples
from harness.bench.statistics import compare_pairs
from harness.bench.stopping import StoppingRule, fixed, sequential
from harness.bench.verdict import Verdict, judge

TARGET = 0.75
RESAMPLES = 500


@dataclass(frozen=True)
class Rates:
    """Shares of sessions by verdict (0..1) and the mean number of pairs they took."""

    passed: float
    failed: float
    inconclusive: float
    pairs: float


def one_session(
    rule: StoppingRule, ratio: float, target: float, kind: str, generator: np.random.Generator
) -> tuple[Verdict, int]:
    """The verdict of one simulated session and the pairs it took."""
    left, right = samples(kind, (1, rule.max_pairs), generator)
    baseline, candidate = np.exp(left[0]), ratio * np.exp(right[0])
    seed = int(generator.integers(1 << 31))
    verdict = Verdict.INCONCLUSIVE
    for look in rule.looks:
        figure = compare_pairs(
            baseline[: look.pairs], candidate[: look.pairs], target, alpha=look.alpha, seed=seed, resamples=RESAMPLES
        )
        verdict = judge("wall", figure, None, look.alpha).verdict
        if verdict is not Verdict.INCONCLUSIVE:
            return verdict, look.pairs
    return verdict, rule.max_pairs


def rates(rule: StoppingRule, ratio: float, target: float, kind: str, sessions: int, seed: int) -> Rates:
    """Rates over simulated sessions; the same for the same seed."""
    generator = np.random.default_rng(seed)
    ended = [one_session(rule, ratio, target, kind, generator) for _ in range(sessions)]
    share = {verdict: sum(1 for found, _ in ended if found is verdict) / sessions for verdict in Verdict}
    mean_pairs = float(np.mean([pairs for _, pairs in ended]))
    return Rates(share[Verdict.PASS], share[Verdict.FAIL], share[Verdict.INCONCLUSIVE], mean_pairs)


RULES = {"fixed, 10 pairs": fixed(10), "adaptive, up to 40": sequential(40)}
CASES = (
    ("at the target", 0.75, TARGET),
    ("no effect, target 1 %", 1.0, 0.99),
    ("no effect, target 25 %", 1.0, TARGET),
    ("30 % less, target 25 %", 0.70, TARGET),
    ("40 % less, target 25 %", 0.60, TARGET),
)


def main() -> int:
    sessions = 200 if "--short" in sys.argv else 2000
    markdown = "--markdown" in sys.argv
    print(
        "| rule | truth | noise | PASS | FAIL | INCONCLUSIVE | mean pairs |\n|---|---|---|---:|---:|---:|---:|"
    ) if markdown else None
    worst = 0.0
    for rule_name, rule in RULES.items():
        for case, ratio, target in CASES:
            for kind in KINDS:
                found = rates(rule, ratio, target, kind, sessions, seed=20251001)
                if ratio >= target:
                    worst = max(worst, found.passed)
                cells = (
                    rule_name,
                    case,
                    kind,
                    *(f"{100 * x:.1f} %" for x in (found.passed, found.failed, found.inconclusive)),
                )
                row = (*cells, f"{found.pairs:.1f}")
                print("| " + " | ".join(row) + " |" if markdown else "  ".join(row), flush=True)
    print(f"\nlargest false pass rate: {100 * worst:.1f} % over {sessions} sessions a row (limit 5 %)")
    return 0 if worst <= 0.05 else 1


if __name__ == "__main__":
    sys.exit(main())
