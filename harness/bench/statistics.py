"""Every figure behind a verdict, as pure functions of arrays. No I/O, no clock, no global state.

Times enter as paired samples: ``baseline[i]`` and ``candidate[i]`` were run next to each other. Ratios are
candidate / baseline, so 0.75 means 25 % less. Work is done on log ratios, where "half" and "double" are equally far.

Why these methods (figures in ``docs/statistics.md``, from ``benchmarks/sim_coverage.py``): a plain percentile
bootstrap of a median covers 91-95 % instead of 95 % at 6 to 20 pairs; the expanded percentile interval used here
covers at least 95 % in every case simulated, from 6 pairs on. Below 6 pairs no interval of this kind can reach 95 %.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MIN_PAIRS = 6
RESAMPLES = 10_000
MEDIAN_EFFICIENCY = math.sqrt(math.pi / 2)


@dataclass(frozen=True, slots=True)
class Interval:
    """A two-sided interval for a ratio; ``confidence`` is its nominal coverage, 0..1."""

    low: float
    high: float
    confidence: float


@dataclass(frozen=True, slots=True)
class PairedFigure:
    """The comparison of one quantity over all pairs.

    ``ratio`` is the ratio of medians, ``paired_ratio`` the median of the per-pair ratios (on the log scale); each
    with its interval. ``p_better`` and ``p_worse`` are the exact one-sided Wilcoxon probabilities of the paired log
    ratios against ``threshold``: small ``p_better`` says that the candidate's true ratio is below the threshold,
    small ``p_worse`` that it is above.
    """

    pairs: int
    baseline_median: float
    candidate_median: float
    ratio: float
    ratio_interval: Interval
    paired_ratio: float
    paired_interval: Interval
    threshold: float
    p_better: float
    p_worse: float


@dataclass(frozen=True, slots=True)
class NoiseFloor:
    """What "no change" looks like on this machine today, from baseline runs beside baseline runs.

    ``ratio_floor``: an effect of a ratio between ``1/ratio_floor`` and ``ratio_floor`` cannot be told from none.
    ``median_ratio``: the middle of the control ratios; it should be near 1.
    """

    controls: int
    median_ratio: float
    ratio_floor: float


def log_ratios(baseline: Sequence[float], candidate: Sequence[float]) -> Floats:
    """Per-pair ln(candidate / baseline), shape (pairs,). Raises ``ValueError`` unless all are positive and finite."""
    left, right = np.asarray(baseline, dtype=np.float64), np.asarray(candidate, dtype=np.float64)
    if left.shape != right.shape or left.ndim != 1 or left.size == 0:
        raise ValueError("paired samples must be two sequences of one equal length, not empty")
    if not (np.all(np.isfinite(left)) and np.all(np.isfinite(right)) and np.all(left > 0) and np.all(right > 0)):
        raise ValueError("paired samples must be positive and finite")
    ratios: Floats = np.log(right) - np.log(left)
    return ratios


def expanded_tail(pairs: int, alpha: float) -> float:
    """The percentile that gives a one-sided tail of ``alpha`` after allowing for a sample of this size.

    Hesterberg (2015), "What Teachers Should Know About the Bootstrap", section 3.2: the bootstrap distribution is
    too narrow by sqrt((n-1)/n) and has normal instead of Student tails; asking for
    Phi(-sqrt(n/(n-1)) t(1-alpha, n-1)) instead of alpha corrects both.
    """
    from scipy.special import ndtr, stdtrit

    if pairs < 2:
        return 0.0
    student = -float(stdtrit(pairs - 1, alpha))
    return float(ndtr(-math.sqrt(pairs / (pairs - 1)) * student))


def resample_pairs(pairs: int, resamples: int, seed: int) -> NDArray[np.int64]:
    """Indices of whole pairs drawn with replacement, shape (resamples, pairs)."""
    return np.random.default_rng(seed).integers(pairs, size=(resamples, pairs))


def percentile_interval(log_values: Floats, pairs: int, alpha: float) -> Interval:
    """The expanded percentile interval of bootstrapped log ratios, ``alpha`` in each tail."""
    tail = expanded_tail(pairs, alpha)
    low, high = np.quantile(log_values, [tail, 1 - tail])
    return Interval(math.exp(low), math.exp(high), 1 - 2 * alpha)


def compare_pairs(
    baseline: Sequence[float],
    candidate: Sequence[float],
    threshold: float,
    *,
    alpha: float = 0.025,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> PairedFigure:
    """Compares paired samples against ``threshold`` (a ratio); ``alpha`` is the probability left in each tail."""
    differences = log_ratios(baseline, candidate)
    pairs = differences.size
    left, right = np.asarray(baseline, dtype=np.float64), np.asarray(candidate, dtype=np.float64)
    drawn = resample_pairs(pairs, resamples, seed)
    of_medians = np.log(np.median(right[drawn], axis=1)) - np.log(np.median(left[drawn], axis=1))
    of_pairs = np.median(differences[drawn], axis=1)
    baseline_median, candidate_median = float(np.median(left)), float(np.median(right))
    against = differences - math.log(threshold)
    return PairedFigure(
        pairs=pairs,
        baseline_median=baseline_median,
        candidate_median=candidate_median,
        ratio=candidate_median / baseline_median,
        ratio_interval=percentile_interval(of_medians, pairs, alpha),
        paired_ratio=math.exp(float(np.median(differences))),
        paired_interval=percentile_interval(of_pairs, pairs, alpha),
        threshold=threshold,
        p_better=wilcoxon_less(against),
        p_worse=wilcoxon_less(-against),
    )


def wilcoxon_less(differences: Floats) -> float:
    """Exact one-sided Wilcoxon signed-rank probability for "the centre is below zero".

    P(sum of the ranks of positive differences <= observed) over all 2^n sign patterns, by counting. Tied sizes
    share their mean rank (ranks are doubled so that counts stay whole). A difference of exactly zero is counted
    as positive, against the claim, so that it can never help it. Never below 2^-n.
    """
    sizes = np.abs(differences)
    order = np.argsort(sizes)
    doubled = np.empty(differences.size, dtype=np.int64)
    start = 0
    while start < order.size:
        end = start + 1
        while end < order.size and math.isclose(sizes[order[end]], sizes[order[start]], rel_tol=1e-12, abs_tol=1e-15):
            end += 1
        doubled[order[start:end]] = start + 1 + end
        start = end
    observed = int(doubled[differences >= -1e-15].sum())
    counts = np.zeros(int(doubled.sum()) + 1)
    counts[0] = 1.0
    for rank in doubled:
        shifted = counts.copy()
        shifted[rank:] += counts[: counts.size - rank]
        counts = shifted / 2.0
    return min(1.0, float(counts[: observed + 1].sum()))


def noise_floor(first: Sequence[float], second: Sequence[float], pairs: int, alpha: float = 0.025) -> NoiseFloor | None:
    """The smallest effect that ``pairs`` pairs could tell from none, from control pairs of the same code.

    The control log ratios have mean zero by construction, so their scale is s = sqrt(mean(d^2)) with as many degrees
    of freedom as controls; the floor is the Student quantile times s / sqrt(pairs), widened by sqrt(pi/2) because a
    median is judged, not a mean. None without controls.
    """
    from scipy.special import stdtrit

    if not first:
        return None
    differences = log_ratios(first, second)
    scale = math.sqrt(float(np.mean(differences**2)))
    student = -float(stdtrit(differences.size, alpha))
    return NoiseFloor(
        controls=differences.size,
        median_ratio=math.exp(float(np.median(differences))),
        ratio_floor=math.exp(student * scale * MEDIAN_EFFICIENCY / math.sqrt(pairs)),
    )


@dataclass(frozen=True, slots=True)
class StageFigure:
    """One stage of the algorithm, compared over all pairs. ``saved_s`` is baseline minus candidate (medians).

    ``paired_ratio`` and ``interval`` are None when a stage took no time in some run. The intervals of all stages hold
    together: each leaves out its share of what one interval would.
    """

    name: str
    baseline_median_s: float
    candidate_median_s: float
    saved_s: float
    paired_ratio: float | None
    interval: Interval | None


REMAINDER = "remainder"
STAGE_RESAMPLES = 4000


def compare_stages(
    baseline: Sequence[Mapping[str, float]],
    candidate: Sequence[Mapping[str, float]],
    baseline_total: Sequence[float],
    candidate_total: Sequence[float],
    *,
    alpha: float = 0.025,
    seed: int = 0,
) -> list[StageFigure]:
    """Per-stage paired figures and the remainder that no stage accounts for, in the order the algorithm gave.

    Each mapping is one run's seconds by stage. Stages that some run lacks count as 0 s there. ``alpha`` is what the
    intervals of all stages together leave out in each tail (Bonferroni): a stage that stands out must do so among all.
    """
    names = list(dict.fromkeys(name for run in (*baseline, *candidate) for name in run))
    if not names:
        return []
    columns = {
        name: ([run.get(name, 0.0) for run in baseline], [run.get(name, 0.0) for run in candidate]) for name in names
    }
    columns[REMAINDER] = (
        [total - sum(run.values()) for run, total in zip(baseline, baseline_total, strict=True)],
        [total - sum(run.values()) for run, total in zip(candidate, candidate_total, strict=True)],
    )
    figures = []
    for name, (left, right) in columns.items():
        ratio: float | None = None
        interval: Interval | None = None
        if min(left) > 0 and min(right) > 0:
            figure = compare_pairs(left, right, 1.0, alpha=alpha / len(columns), seed=seed, resamples=STAGE_RESAMPLES)
            ratio, interval = figure.paired_ratio, figure.paired_interval
        before, after = float(np.median(left)), float(np.median(right))
        figures.append(StageFigure(name, before, after, before - after, ratio, interval))
    return figures
