from __future__ import annotations

import pytest

from harness.bench.stopping import TOTAL_ALPHA, fixed, sequential
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
