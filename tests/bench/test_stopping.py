from __future__ import annotations

import pytest

from benchmarks.sim_stopping import rates
from harness.bench.stopping import TOTAL_ALPHA, StoppingRule, fixed, sequential
from harness.errors import InputError


def test_fixed_looks_once() -> None:
    rule = fixed(10)
    assert rule.max_pairs == 10
    assert rule.look_at(10) is not None
    assert rule.look_at(9) is None
    assert rule.look_for(3) == rule.looks[0]


@pytest.mark.parametrize("max_pairs", [6, 7, 9, 10, 40, 200])
def test_sequential_spends_the_whole_error_budget_and_no_more(max_pairs: int) -> None:
    rule = sequential(max_pairs)
    counts = [look.pairs for look in rule.looks]
    assert counts == sorted(set(counts))
    assert counts[0] == 6
    assert counts[-1] == max_pairs
    assert sum(look.alpha for look in rule.looks) == pytest.approx(TOTAL_ALPHA)


def test_every_look_can_decide() -> None:
    for look in sequential(40).looks:
        assert 2.0**-look.pairs <= look.alpha


def test_a_session_that_ends_between_looks_is_judged_by_the_next() -> None:
    rule = sequential(40)
    assert rule.look_for(7).pairs == 9
    assert rule.look_for(6).pairs == 6


def test_fewer_than_six_pairs_cannot_be_adaptive() -> None:
    with pytest.raises(InputError, match="at least 6"):
        sequential(5)


@pytest.mark.parametrize("rule", [fixed(8), sequential(21)], ids=["fixed", "adaptive"])
@pytest.mark.parametrize(("ratio", "target"), [(0.75, 0.75), (1.0, 0.99)], ids=["at the target", "no effect"])
def test_a_session_seldom_passes_wrongly(rule: StoppingRule, ratio: float, target: float) -> None:
    """Seeded. At most 5 % by construction; 150 sessions of a true 5 % show more than 10 % once in 200 times."""
    found = rates(rule, ratio, target, "normal", sessions=150, seed=7)
    assert found.passed <= 0.05


def test_adaptive_sampling_needs_few_pairs_for_a_clear_effect_and_finds_it() -> None:
    clear = rates(sequential(21), 0.6, 0.75, "normal", sessions=60, seed=7)
    assert clear.passed == 1.0
    assert clear.pairs < 8
    slower = rates(sequential(21), 1.1, 0.75, "normal", sessions=60, seed=7)
    assert slower.failed == 1.0
