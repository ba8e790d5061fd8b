"""From figures to PASS, FAIL or INCONCLUSIVE, with the reason in words, and from there to the exit code.

The rule, for each judged quantity with its target ratio T (time: 1 - reduction, memory: 1 + growth):

* PASS: the whole interval of the paired ratio is at or below T, the exact Wilcoxon test against T agrees, the ratio
  of medians is on the same side, and the effect is larger than the noise floor.
* FAIL: the whole interval is above T.
* INCONCLUSIVE: everything else, and every session of fewer than six pairs.

A difference in parity is not a verdict on speed: there is none, and the exit code is 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from harness.bench.statistics import MIN_PAIRS, NoiseFloor, PairedFigure

# Ratios are quotients of floats: 0.75 may arrive as 0.75 + 1 unit in the last place.
SLACK = 1e-9


class Verdict(StrEnum):
    PASS = "PASS"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    DIFFERENT = "DIFFERENT"


class ExitCode(IntEnum):
    """One meaning each. 130 (interrupted) and 143 (terminated) follow the shell's custom."""

    PASS = 0
    FAIL = 1
    ERROR = 2
    INCONCLUSIVE = 3
    INTERRUPTED = 130


EXIT_CODES = {
    Verdict.PASS: ExitCode.PASS,
    Verdict.FAIL: ExitCode.FAIL,
    Verdict.DIFFERENT: ExitCode.FAIL,
    Verdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on one quantity. ``alpha`` is what each tail of the interval left out."""

    quantity: str
    verdict: Verdict
    reason: str
    figure: PairedFigure
    noise: NoiseFloor | None
    alpha: float


@dataclass(frozen=True, slots=True)
class Overall:
    """The verdict on a session."""

    verdict: Verdict
    reasons: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        return int(EXIT_CODES[self.verdict])


def judge(quantity: str, figure: PairedFigure, noise: NoiseFloor | None, alpha: float) -> Judgement:
    """Applies the rule above to one quantity; the target is ``figure.threshold``."""
    verdict, reason = _decide(figure, noise, alpha)
    return Judgement(quantity, verdict, reason, figure, noise, alpha)


def _decide(figure: PairedFigure, noise: NoiseFloor | None, alpha: float) -> tuple[Verdict, str]:
    target, interval = figure.threshold, figure.paired_interval
    span = f"{100 * interval.confidence:.4g} % interval {interval.low:.3f} to {interval.high:.3f}"
    if figure.pairs < MIN_PAIRS:
        return (
            Verdict.INCONCLUSIVE,
            f"{figure.pairs} pairs are too few for a {100 * interval.confidence:.4g} % interval: "
            f"run at least {MIN_PAIRS}",
        )
    if interval.low > target * (1 + SLACK):
        return Verdict.FAIL, f"{span} lies wholly above the target {target:.3f}"
    if interval.high > target * (1 + SLACK):
        return Verdict.INCONCLUSIVE, f"{span} holds the target {target:.3f}: add pairs or quieten the machine"
    if figure.ratio > target * (1 + SLACK):
        return (
            Verdict.INCONCLUSIVE,
            f"pairs say {figure.paired_ratio:.3f} but the ratio of medians is {figure.ratio:.3f}, on the other "
            f"side of {target:.3f}: the machine drifted, repeat the session",
        )
    if figure.p_better > alpha:
        return (
            Verdict.INCONCLUSIVE,
            f"{span} clears the target {target:.3f} but the exact test does not (p = {figure.p_better:.3g}): add pairs",
        )
    if target < 1 and noise is not None and figure.paired_ratio > 1 / noise.ratio_floor:
        return (
            Verdict.INCONCLUSIVE,
            f"the change to {figure.paired_ratio:.3f} is within this machine's noise "
            f"(floor {1 / noise.ratio_floor:.3f}): quieten the machine",
        )
    return Verdict.PASS, f"{span} lies wholly at or below the target {target:.3f} (p = {figure.p_better:.2g})"


def overall(judgements: Sequence[Judgement], unmeasured: Sequence[str] = ()) -> Overall:
    """FAIL when any quantity fails, else INCONCLUSIVE when any is, else PASS; with the reasons that decided.

    ``unmeasured``: reasons why a quantity could not be judged at all; they make the session INCONCLUSIVE.
    """
    reasons = {
        verdict: tuple(f"{item.quantity}: {item.reason}" for item in judgements if item.verdict is verdict)
        for verdict in Verdict
    }
    if reasons[Verdict.FAIL]:
        return Overall(Verdict.FAIL, reasons[Verdict.FAIL])
    undecided = (*unmeasured, *reasons[Verdict.INCONCLUSIVE])
    if undecided:
        return Overall(Verdict.INCONCLUSIVE, undecided)
    return Overall(Verdict.PASS, reasons[Verdict.PASS])


def different(reason: str) -> Overall:
    """The outcome when orders or results differ: no verdict on speed."""
    return Overall(Verdict.DIFFERENT, (reason,))
