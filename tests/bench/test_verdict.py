"""The rule, case by case, through the real figures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.bench.statistics import Interval, NoiseFloor, PairedFigure, compare_pairs
from harness.bench.verdict import SLACK, Judgement, Verdict, different, judge, overall


def judgement(ratios: list[float], target: float = 0.75, noise: NoiseFloor | None = None) -> Judgement:
    return judge("wall", compare_pairs([1.0] * len(ratios), ratios, target), noise, 0.025)


def test_wholly_below_the_target_passes() -> None:
    result = judgement([0.70, 0.71, 0.69, 0.72, 0.70, 0.71])
    assert result.verdict is Verdict.PASS
    assert "at or below the target 0.750" in result.reason


def test_wholly_above_the_target_fails() -> None:
    result = judgement([0.80, 0.81, 0.79, 0.82, 0.80, 0.81])
    assert result.verdict is Verdict.FAIL
    assert "wholly above" in result.reason


def test_astride_is_inconclusive() -> None:
    result = judgement([0.70, 0.80, 0.72, 0.78, 0.74, 0.76])
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "holds the target" in result.reason


def test_too_few_pairs_are_inconclusive_however_good() -> None:
    result = judgement([0.1] * 5)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "at least 6" in result.reason


def test_exactly_at_the_target_is_not_shown_to_be_better() -> None:
    assert judgement([0.75] * 10).verdict is Verdict.INCONCLUSIVE


def test_an_effect_within_the_noise_floor_is_no_claim() -> None:
    quiet, loud = NoiseFloor(4, 1.0, 1.01), NoiseFloor(4, 1.0, 1.10)
    ratios = [0.96, 0.961, 0.959, 0.96, 0.962, 0.958]
    assert judgement(ratios, target=0.97, noise=quiet).verdict is Verdict.PASS
    result = judgement(ratios, target=0.97, noise=loud)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "within this machine's noise" in result.reason


def test_memory_may_grow_up_to_its_target() -> None:
    assert judgement([1.05] * 6, target=1.10).verdict is Verdict.PASS
    assert judgement([1.15] * 6, target=1.10).verdict is Verdict.FAIL


def test_medians_on_the_other_side_are_inconclusive() -> None:
    baseline = [1.0, 1.0, 1.0, 1.0, 3.0, 3.0, 3.0]
    candidate = [0.7, 0.7, 0.7, 0.7, 2.1, 2.1, 2.1]
    agreeing = judge("wall", compare_pairs(baseline, candidate, 0.75), None, 0.025)
    assert agreeing.verdict is Verdict.PASS
    crossed = compare_pairs(baseline, [0.7, 0.7, 0.8, 0.74, 2.1, 2.1, 2.1], 0.72)
    assert judge("wall", crossed, None, 0.025).verdict is not Verdict.PASS


@pytest.mark.parametrize(
    ("ratios", "verdict", "exit_code"),
    [
        ([0.6, 0.6], Verdict.PASS, 0),
        ([0.6, 0.9], Verdict.FAIL, 1),
        ([0.6, 0.75], Verdict.INCONCLUSIVE, 3),
        ([0.9, 0.75], Verdict.FAIL, 1),
    ],
)
def test_the_worst_quantity_decides(ratios: list[float], verdict: Verdict, exit_code: int) -> None:
    result = overall([judgement([ratio] * 6) for ratio in ratios])
    assert result.verdict is verdict
    assert result.exit_code == exit_code
    assert result.reasons


def test_what_was_not_measured_is_inconclusive_but_does_not_hide_a_failure() -> None:
    assert overall([judgement([0.6] * 6)], ["CPU: not measured"]).verdict is Verdict.INCONCLUSIVE
    assert overall([judgement([0.9] * 6)], ["CPU: not measured"]).verdict is Verdict.FAIL


def test_a_difference_in_parity_exits_1() -> None:
    assert different("order 3").exit_code == 1
    assert different("order 3").verdict is Verdict.DIFFERENT


def figure(**changes: object) -> PairedFigure:
    """Ten pairs at a paired ratio of 0.70 against a target of 0.75, clearly better; changed as asked."""
    plain = PairedFigure(
        pairs=10,
        baseline_median=1.0,
        candidate_median=0.7,
        ratio=0.70,
        ratio_interval=Interval(0.69, 0.71, 0.95),
        paired_ratio=0.70,
        paired_interval=Interval(0.69, 0.71, 0.95),
        threshold=0.75,
        p_better=0.001,
        p_worse=0.999,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"paired_interval": Interval(0.69, 0.75 * (1 + SLACK), 0.95)}, Verdict.PASS),
        ({"paired_interval": Interval(0.69, 0.75 * (1 + 3 * SLACK), 0.95)}, Verdict.INCONCLUSIVE),
        ({"paired_interval": Interval(0.75 * (1 + SLACK), 0.8, 0.95)}, Verdict.INCONCLUSIVE),
        ({"paired_interval": Interval(0.75 * (1 + 3 * SLACK), 0.8, 0.95)}, Verdict.FAIL),
        ({"ratio": 0.75 * (1 + SLACK)}, Verdict.PASS),
        ({"ratio": 0.75 * (1 + 3 * SLACK)}, Verdict.INCONCLUSIVE),
        ({"p_better": 0.025}, Verdict.PASS),
        ({"p_better": 0.0251}, Verdict.INCONCLUSIVE),
        ({"pairs": 6}, Verdict.PASS),
        ({"pairs": 5}, Verdict.INCONCLUSIVE),
    ],
)
def test_each_boundary_belongs_to_the_side_the_rule_says(changes: dict[str, object], verdict: Verdict) -> None:
    assert judge("wall", figure(**changes), None, 0.025).verdict is verdict


@pytest.mark.parametrize(
    ("target", "paired_ratio", "verdict"),
    [
        (0.75, 1 / 1.6, Verdict.PASS),  # just at the floor
        (0.75, 0.63, Verdict.INCONCLUSIVE),
        (1.0, 0.70, Verdict.PASS),  # no reduction is claimed, so the floor does not count
        (1.5, 0.70, Verdict.PASS),
    ],
)
def test_the_noise_floor_counts_only_for_a_claimed_reduction(
    target: float, paired_ratio: float, verdict: Verdict
) -> None:
    judged = judge("wall", figure(threshold=target, paired_ratio=paired_ratio), NoiseFloor(4, 1.0, 1.6), 0.025)
    assert judged.verdict is verdict
    if verdict is Verdict.INCONCLUSIVE:
        assert judged.reason.endswith("(floor 0.625): quieten the machine")


def test_a_judgement_carries_what_it_was_made_from() -> None:
    noise, given = NoiseFloor(4, 1.0, 1.01), figure()
    judged = judge("CPU", given, noise, 0.025)
    assert (judged.quantity, judged.figure, judged.noise, judged.alpha) == ("CPU", given, noise, 0.025)
    assert judged.reason.startswith("95 % interval 0.690 to 0.710 lies wholly at or below the target 0.750")
    few = judge("CPU", figure(pairs=5), noise, 0.025)
    assert few.reason.startswith("5 pairs are too few for a 95 % interval")
    assert different("event 1 differs").reasons == ("event 1 differs",)
