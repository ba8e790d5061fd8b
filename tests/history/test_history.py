"""The store of sessions, change points, and when a night is a regression."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.errors import DamagedError
from harness.history.changes import change_points
from harness.history.nightly import confirmed, suspicions
from harness.history.store import Entry, append, entries, machine_key
from harness.history.trend import change_sentence, sparkline, trends


def entry(number: int, wall: float = 1.0, **changes: object) -> Entry:
    figures = {"baseline": 2.0, "candidate": wall, "ratio": wall / 2, "low": wall / 2, "high": wall / 2}
    made = Entry(
        f"s{number:03}", f"2025-10-01T00:00:{number:02}+00:00", "default", "base", "new", "abc", False, "m1", "e",
        "PASS", 0, 6, {"wall": figures}, {"metrics": {"baseline_s": 1.0, "candidate_s": 0.5}},
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def test_entries_come_back_in_order_and_are_replaced_not_doubled(tmp_path: Path) -> None:
    path = tmp_path / "h.sqlite"
    for number in (2, 1, 2):
        append(path, entry(number))
    append(path, entry(3, scenario="quick"))
    assert entries(path) == [entry(1), entry(2), entry(3, scenario="quick")]
    assert entries(path, "quick") == [entry(3, scenario="quick")]
    assert entries(tmp_path / "none.sqlite") == []


def test_a_damaged_file_says_how_to_make_it_again(tmp_path: Path) -> None:
    path = tmp_path / "h.sqlite"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(DamagedError, match="--rebuild"):
        entries(path)


def test_machines_that_differ_in_one_fact_have_different_keys() -> None:
    one = {"cpu_model": "x", "cpu_count": 2, "engine": {"source": "1"}}
    assert machine_key(one) == machine_key({**one, "engine": {"source": "2"}, "load_1min": 3})
    assert machine_key(one) != machine_key({**one, "cpu_count": 4})


def test_a_step_is_found_where_it_is_and_an_outlier_is_none() -> None:
    generator = np.random.default_rng(1)
    noise = np.exp(generator.normal(0, 0.02, 30))
    step = np.r_[np.ones(18), np.full(12, 1.15)] * noise
    found = change_points(list(step))
    assert [change.index for change in found] == [18]
    assert found[0].ratio == pytest.approx(1.15, abs=0.03)
    outlier = noise.copy()
    outlier[10] = 5.0
    assert change_points(list(outlier)) == []
    assert change_points([1.0] * 20) == []
    assert change_points([]) == []


def test_two_steps_are_both_found() -> None:
    noise = np.exp(np.random.default_rng(3).normal(0, 0.01, 36))
    values = np.r_[np.ones(12), np.full(12, 1.3), np.full(12, 0.9)] * noise
    assert [change.index for change in change_points(list(values))] == [12, 24]


def test_chance_seldom_makes_a_change_point() -> None:
    generator = np.random.default_rng(7)
    false = sum(bool(change_points(list(np.exp(generator.normal(0, 0.05, 20))))) for _ in range(200))
    assert false <= 8  # 1 % each: 8 or more of 200 would come about once in 1000 such tests


def test_trends_never_mix_machines_and_name_the_session_of_a_change() -> None:
    history = [entry(number, 1.0 + number / 1000) for number in range(10)]
    history += [entry(number, 1.5 + number / 1000) for number in range(10, 20)]
    history.append(entry(21, 9.0, machine="m2"))
    first, second = trends(history, "wall")
    assert (first.machine, second.machine, len(second.values)) == ("m1", "m2", 1)
    assert "slower) from s010" in change_sentence(first, first.changes[0])
    assert len(sparkline(first.values)) == 20


def test_a_night_is_suspect_only_above_all_the_nights_before() -> None:
    history = [entry(number, wall) for number, wall in enumerate((1.0, 1.02, 1.2, 1.01))]
    assert suspicions(history, entry(9, 1.15), 0.05) == []
    first = suspicions(history, entry(9, 1.3), 0.05)
    assert [item.quantity for item in first] == ["wall"]
    assert suspicions(history[:2], entry(9, 1.3), 0.05) == []
    assert suspicions(history, entry(9, 1.3, machine="m2"), 0.05) == []
    assert confirmed(first, []) == []
    assert confirmed(first, first) == first
