"""The plan: balanced, seeded, stored. Order is what protects a comparison from drift."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.bench.plan import PlannedRun, PlanSettings, RunKind, leading_sides, make_plan, spread
from harness.errors import InputError


def settings(**changes: int) -> PlanSettings:
    return PlanSettings(**{"baseline": "a", "candidate": "b", "pairs": 6, **changes})  # type: ignore[arg-type]


def text(plan: tuple[PlannedRun, ...]) -> str:
    marks = {RunKind.WARMUP: "w", RunKind.MEASURED: "", RunKind.CONTROL: "c"}
    return " ".join(marks[run.kind] + run.variant for run in plan)


def test_warm_ups_hold_the_baseline_against_itself_first() -> None:
    assert text(make_plan(settings(pairs=1, seed=1))) in ("wa wa wb a b", "wa wa wb b a")
    assert text(make_plan(settings(pairs=1, warmups=0, seed=1))) in ("wa a b", "wa b a")


@given(pairs=st.integers(1, 60), seed=st.integers(0, 10_000), controls=st.integers(0, 20))
def test_every_plan_is_balanced(pairs: int, seed: int, controls: int) -> None:
    plan = make_plan(settings(pairs=pairs, seed=seed, control_runs=controls))
    measured = [run for run in plan if run.kind is RunKind.MEASURED]
    leads = [first.variant for first in measured[::2]]
    assert abs(leads.count("a") - leads.count("b")) <= 1
    assert [run.pair for run in measured] == [1 + index // 2 for index in range(2 * pairs)]
    for first, second in zip(measured[::2], measured[1::2], strict=True):
        assert {first.variant, second.variant} == {"a", "b"}
        assert second.number == first.number + 1
    assert [run.number for run in plan] == list(range(1, len(plan) + 1))
    assert len({run.folder for run in plan}) == len(plan)
    assert make_plan(settings(pairs=pairs, seed=seed, control_runs=controls)) == plan


@given(pairs=st.integers(1, 60), seed=st.integers(0, 100), controls=st.integers(1, 20))
def test_a_control_runs_beside_its_pairs_baseline_run(pairs: int, seed: int, controls: int) -> None:
    plan = make_plan(settings(pairs=pairs, seed=seed, control_runs=controls))
    found = [run for run in plan if run.kind is RunKind.CONTROL]
    assert len(found) == min(controls, pairs)
    for run in found:
        partner = next(
            other
            for other in plan
            if other.pair == run.pair and other.kind is RunKind.MEASURED and other.variant == "a"
        )
        assert run.variant == "a"
        assert abs(partner.number - run.number) == 1


def test_blocks_of_two_pairs_are_abba_or_baab_and_the_seed_decides() -> None:
    sides = {tuple(leading_sides(2, seed)) for seed in range(50)}
    assert sides == {(True, False), (False, True)}
    assert leading_sides(9, 3) == leading_sides(9, 3)
    assert any(leading_sides(10, 1) != leading_sides(10, seed) for seed in range(2, 6))


@given(count=st.integers(0, 30), over=st.integers(1, 40))
def test_spread_is_distinct_and_within(count: int, over: int) -> None:
    chosen = spread(count, over)
    assert len(chosen) == min(count, over)
    assert all(1 <= item <= over for item in chosen)


def test_folders_say_what_a_run_is() -> None:
    plan = make_plan(settings(pairs=2, control_runs=1, seed=0))
    folders = {run.folder for run in plan}
    assert {"a/warmup_01", "a/warmup_02", "b/warmup_01", "a/run_01", "b/run_02", "a/control_01"} <= folders


@pytest.mark.parametrize("changes", [{"pairs": 0}, {"warmups": -1}, {"control_runs": -1}])
def test_senseless_counts_are_refused(changes: dict[str, int]) -> None:
    with pytest.raises(InputError):
        make_plan(settings(**changes))


def test_a_variant_is_not_compared_with_itself() -> None:
    with pytest.raises(InputError, match="both 'a'"):
        make_plan(PlanSettings("a", "a", 5))
