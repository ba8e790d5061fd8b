"""Figures against known values, against SciPy, and, for the interval, against simulated truth."""

from __future__ import annotations

import itertools
import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchmarks.sim_coverage import KINDS, samples
from benchmarks.sim_stages import named
from harness.bench.statistics import (
    REMAINDER,
    STAGE_RESAMPLES,
    compare_pairs,
    compare_stages,
    expanded_tail,
    log_ratios,
    noise_floor,
    percentile_interval,
    resample_pairs,
    wilcoxon_less,
)


def brute_force_wilcoxon(differences: np.ndarray) -> float:
    """The definition: over all sign patterns, how often is the positive rank sum as small as the one seen."""
    ranks = stats.rankdata(np.abs(differences))
    observed = ranks[differences >= 0].sum()
    patterns = itertools.product((0, 1), repeat=differences.size)
    sums = [float(np.dot(pattern, ranks)) for pattern in patterns]
    return sum(1 for value in sums if value <= observed + 1e-9) / len(sums)


@given(st.lists(st.integers(-8, 8), min_size=1, max_size=9))
def test_wilcoxon_is_its_definition_with_ties_and_zeros(values: list[int]) -> None:
    differences = np.array(values, dtype=float)
    assert wilcoxon_less(differences) == pytest.approx(brute_force_wilcoxon(differences), abs=1e-12)


@given(st.lists(st.floats(-1, 1, allow_subnormal=False), min_size=3, max_size=25, unique_by=abs))
def test_wilcoxon_agrees_with_scipy_without_ties(values: list[float]) -> None:
    differences = np.array([value for value in values if abs(value) > 1e-6])
    sizes = np.sort(np.abs(differences))
    if differences.size < 3 or np.min(np.diff(sizes)) < 1e-9:
        return
    expected = stats.wilcoxon(differences, alternative="less", mode="exact").pvalue
    assert wilcoxon_less(differences) == pytest.approx(expected, abs=1e-12)


def test_wilcoxon_cannot_go_below_what_the_number_of_pairs_allows() -> None:
    assert wilcoxon_less(np.full(6, -1.0)) == 2**-6
    assert wilcoxon_less(np.zeros(6)) == 1.0


def test_wilcoxon_is_never_above_1_however_the_counts_are_rounded() -> None:
    for pairs in range(1, 101):  # from 54 pairs on 2^-n has more digits than a double
        assert wilcoxon_less(np.arange(1.0, pairs + 1)) <= 1.0
        assert wilcoxon_less(np.ones(pairs)) <= 1.0


def test_ratios_of_a_known_case() -> None:
    figure = compare_pairs([10, 20, 30], [5, 11, 18], 0.75)
    assert figure.baseline_median == 20
    assert figure.candidate_median == 11
    assert figure.ratio == 11 / 20
    assert figure.paired_ratio == pytest.approx(0.55)
    assert figure.pairs == 3


def test_equal_pairs_have_an_interval_of_no_width() -> None:
    figure = compare_pairs([2.0] * 8, [1.0] * 8, 0.75)
    assert figure.paired_interval.low == figure.paired_interval.high == pytest.approx(0.5)
    assert figure.p_better == 2**-8
    assert figure.p_worse == 1.0


def test_common_drift_cancels_in_the_paired_figure() -> None:
    drift = np.linspace(1, 3, 12)
    jitter = np.tile([1.02, 0.98], 6)
    figure = compare_pairs(10 * drift, 7 * drift * jitter, 0.75)
    assert 0.98 * 0.7 - 1e-9 <= figure.paired_interval.low <= figure.paired_interval.high <= 1.02 * 0.7 + 1e-9
    assert figure.paired_ratio == pytest.approx(0.7, rel=0.001)


def test_the_same_seed_gives_the_same_interval() -> None:
    left, right = [1.0, 1.2, 1.1, 1.3, 1.0, 1.15], [0.7, 0.9, 0.8, 0.85, 0.7, 0.9]
    assert compare_pairs(left, right, 0.75, seed=4) == compare_pairs(left, right, 0.75, seed=4)


def uneven(pairs: int) -> tuple[list[float], list[float]]:
    """Times of which no two are alike, so that every resample counts."""
    generator = np.random.default_rng(5)
    return list(np.exp(generator.normal(0, 0.1, pairs))), list(0.8 * np.exp(generator.normal(0, 0.1, pairs)))


def test_a_seed_decides_the_resamples_and_without_one_it_is_0() -> None:
    left, right = uneven(12)
    assert compare_pairs(left, right, 0.75, seed=4) == compare_pairs(left, right, 0.75, seed=4)
    assert compare_pairs(left, right, 0.75) == compare_pairs(left, right, 0.75, seed=0)
    assert compare_pairs(left, right, 0.75) != compare_pairs(left, right, 0.75, seed=1)
    drawn = resample_pairs(12, 500, 0)
    assert drawn.shape == (500, 12)
    assert drawn.tolist() == resample_pairs(12, 500, 0).tolist()
    assert set(drawn.ravel().tolist()) == set(range(12))


def test_the_intervals_are_the_expanded_percentiles_of_the_resampled_medians() -> None:
    left, right = (np.array(side) for side in uneven(9))
    figure = compare_pairs(list(left), list(right), 0.75, alpha=0.05, seed=3, resamples=999)
    drawn = resample_pairs(9, 999, 3)
    student = -math.sqrt(9 / 8) * stats.t.ppf(0.95, 8)
    tail = 100 * stats.norm.cdf(student)
    of_pairs = np.percentile(np.median(np.log(right / left)[drawn], axis=1), [tail, 100 - tail])
    of_medians = np.percentile(
        np.log(np.median(right[drawn], axis=1) / np.median(left[drawn], axis=1)), [tail, 100 - tail]
    )
    assert [figure.paired_interval.low, figure.paired_interval.high] == pytest.approx(np.exp(of_pairs))
    assert [figure.ratio_interval.low, figure.ratio_interval.high] == pytest.approx(np.exp(of_medians))
    assert figure.paired_interval.confidence == figure.ratio_interval.confidence == 0.9
    assert percentile_interval(np.log([2.0, 2.0]), 9, 0.025).confidence == 0.95


def test_probabilities_are_those_against_the_threshold() -> None:
    left, right = uneven(10)
    for threshold in (0.75, 1.2):
        against = np.log(right) - np.log(left) - math.log(threshold)
        figure = compare_pairs(left, right, threshold)
        assert figure.threshold == threshold
        assert figure.p_better == pytest.approx(stats.wilcoxon(against, alternative="less", mode="exact").pvalue)
        assert figure.p_worse == pytest.approx(stats.wilcoxon(against, alternative="greater", mode="exact").pvalue)


def test_times_may_be_any_numbers() -> None:
    exact = [Decimal("2"), Decimal("4")], [Decimal("1"), Decimal("2")]
    assert log_ratios(*exact).tolist() == [-math.log(2)] * 2  # type: ignore[arg-type]
    assert compare_pairs(*exact, 0.75) == compare_pairs([2, 4], [1, 2], 0.75)  # type: ignore[arg-type]


@pytest.mark.parametrize("values", [([], []), ([1.0], [1.0, 2.0]), ([[1.0]], [[1.0]])])
def test_what_is_not_paired_is_refused(values: tuple[list[float], list[float]]) -> None:
    with pytest.raises(ValueError, match=r"^paired samples must be two sequences of one equal length, not empty$"):
        log_ratios(*values)


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_what_cannot_be_a_ratio_is_refused(bad: float) -> None:
    for values in (([1.0, bad], [1.0, 1.0]), ([1.0, 1.0], [1.0, bad])):
        with pytest.raises(ValueError, match=r"^paired samples must be positive and finite$"):
            log_ratios(*values)


def test_nearly_equal_sizes_are_no_tie() -> None:
    """Ranks 1 and 2, the larger one positive: 3 of 4 sign patterns have a sum of at most 2; tied, all four."""
    assert wilcoxon_less(np.array([-1.0, 1.0 + 1e-10])) == 0.75
    assert wilcoxon_less(np.array([-1.0, 1.0 + 1e-14])) == 0.75
    assert wilcoxon_less(np.array([-1.0, 1.0])) == 0.75
    assert wilcoxon_less(np.array([-(1.0 + 1e-10), 1.0])) == 0.5
    assert wilcoxon_less(np.array([-(1.0 + 1e-14), 1.0])) == 0.75


def test_what_is_within_rounding_of_zero_is_zero() -> None:
    """Up to 1e-15: counted as positive, and two sizes no further apart are a tie."""
    assert wilcoxon_less(np.array([-1e-15])) == 1.0
    assert wilcoxon_less(np.array([-1.1e-15])) == 0.5
    assert wilcoxon_less(np.array([0.8e-15, -1.5e-15])) == 0.75  # tied: three of four sums are at most 1.5
    assert wilcoxon_less(np.array([0.8e-15, -2.5e-15])) == 0.5


def test_expanded_tail_is_narrower_than_nominal_and_tends_to_it() -> None:
    tails = [expanded_tail(pairs, 0.025) for pairs in (6, 10, 30, 100_000)]
    assert tails == sorted(tails)
    assert tails[0] < 0.01
    assert tails[-1] == pytest.approx(0.025, abs=1e-4)
    assert expanded_tail(1, 0.025) == 0.0
    for pairs in (2, 3, 6):
        expected = stats.norm.cdf(-math.sqrt(pairs / (pairs - 1)) * stats.t.ppf(0.975, pairs - 1))
        assert expanded_tail(pairs, 0.025) == pytest.approx(expected, rel=1e-6, abs=0)  # 1e-72 for two


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pairs", [6, 10])
def test_the_interval_covers_the_truth_as_often_as_it_says(kind: str, pairs: int) -> None:
    """Seeded; 600 sessions each. 95 % nominal; 600 draws of a true 95 % fall below 92.5 % once in 300 times."""
    generator = np.random.default_rng(20251001)
    sessions = 600
    covered = covered_medians = 0
    for left, right in zip(*samples(kind, (sessions, pairs), generator), strict=True):
        figure = compare_pairs(np.exp(left), np.exp(right), 1.0, resamples=400, seed=int(generator.integers(1 << 30)))
        covered += figure.paired_interval.low <= 1 <= figure.paired_interval.high
        covered_medians += figure.ratio_interval.low <= 1 <= figure.ratio_interval.high
    assert covered / sessions >= 0.925
    assert covered_medians / sessions >= 0.925


def test_noise_floor_of_a_known_case() -> None:
    floor = noise_floor([1.0, 1.0, 1.0, 1.0], [math.e**0.01, math.e**-0.01, math.e**0.01, math.e**-0.01], pairs=10)
    assert floor is not None
    assert floor.controls == 4
    assert floor.median_ratio == pytest.approx(1.0)
    expected = stats.t.ppf(0.975, 4) * 0.01 * math.sqrt(math.pi / 2) / math.sqrt(10)
    assert math.log(floor.ratio_floor) == pytest.approx(expected)
    assert noise_floor([], [], pairs=10) is None


def test_stages_and_their_remainder() -> None:
    baseline = [{"data": 1.0, "metrics": 4.0}] * 6
    candidate = [{"data": 1.0, "metrics": 1.0}] * 6
    figures = {item.name: item for item in compare_stages(baseline, candidate, [7.0] * 6, [4.5] * 6)}
    assert list(figures) == ["data", "metrics", REMAINDER]
    assert figures["metrics"].paired_ratio == pytest.approx(0.25)
    assert figures["metrics"].saved_s == 3.0
    assert figures[REMAINDER].baseline_median_s == 2.0
    assert figures[REMAINDER].candidate_median_s == 2.5


def test_a_stage_that_a_run_lacks_took_no_time_there_and_has_no_ratio() -> None:
    for sides, saved in ((([{"x": 1.0}], [{}]), 1.0), (([{}], [{"x": 1.0}]), -1.0), (([{"x": 0}], [{"x": 1.0}]), -1.0)):
        figures = {item.name: item for item in compare_stages(*sides, [2.0], [2.0])}
        assert figures["x"].paired_ratio is None
        assert figures["x"].interval is None
        assert figures["x"].saved_s == saved
    assert compare_stages([{}], [{}], [1.0], [1.0]) == []


def test_a_stages_interval_is_that_of_its_times_with_its_share_of_what_is_left_out() -> None:
    left, right = uneven(30)
    runs = [{"x": value} for value in left], [{"x": value} for value in right]
    totals = [9.0] * 30
    for alpha, seed in ((0.025, 0), (0.1, 7)):
        stage = compare_stages(*runs, totals, totals, alpha=alpha, seed=seed)[0]
        # Two rows, the stage and the remainder, share alpha.
        whole = compare_pairs(left, right, 1.0, alpha=alpha / 2, seed=seed, resamples=STAGE_RESAMPLES)
        assert (stage.paired_ratio, stage.interval) == (whole.paired_ratio, whole.paired_interval)
        other = compare_pairs(left, right, 1.0, alpha=alpha / 2, seed=seed + 1, resamples=STAGE_RESAMPLES)
        assert stage.interval != other.paired_interval
    assert compare_stages(*runs, totals, totals) == compare_stages(*runs, totals, totals, alpha=0.025, seed=0)


@pytest.mark.parametrize("totals", [([1.0, 2.0], [1.0]), ([1.0], [1.0, 2.0])])
def test_stages_without_their_total_are_refused(totals: tuple[list[float], list[float]]) -> None:
    with pytest.raises(ValueError, match=r"shorter|longer"):
        compare_stages([{"x": 1.0}], [{"x": 1.0}], *totals)


def test_a_slower_stage_is_named_and_the_others_seldom_are() -> None:
    found = named(pairs=8, noise=0.02, effect=0.1, sessions=40, seed=7)
    assert found.rightly >= 0.9
    assert found.wrongly <= 0.1
    assert named(pairs=8, noise=0.02, effect=0.0, sessions=40, seed=7).wrongly <= 0.1
