"""The order of enumeration, against sequences of cancellations recorded from real Lean."""

from __future__ import annotations

import pytest

from harness.embedded.transactions.int_dictionary import IntDictionary


def _with(keys: list[int]) -> IntDictionary[str]:
    table: IntDictionary[str] = IntDictionary()
    for key in keys:
        table[key] = f"value {key}"
    return table


@pytest.mark.parametrize(
    "recorded",
    [
        [37, 12, 29],
        [77, 81, 64, 68, 71],
        [186, 171, 173, 174, 177, 179],
        [132, 135, 214, 215, 216, 143, 218, 220, 146],
        [74, 75, 76, 77, 78, 41, 79, 81, 60, 61, 62, 63, 64, 67, 70, 71, 73],
    ],
)
def test_open_orders_come_by_bucket_newest_first(recorded: list[int]) -> None:
    assert list(_with(sorted(recorded))) == recorded


def test_removed_keys_are_gone_and_values_stay_with_their_keys() -> None:
    table = _with([1, 38, 2])
    assert list(table) == [38, 1, 2]
    assert table.pop(38) == "value 38"
    assert table.pop(38) is None
    assert table.values() == ["value 1", "value 2"]
    assert 38 not in table
    assert len(table) == 2


def test_the_table_grows_when_a_lock_guards_too_many_keys() -> None:
    # 37 buckets and two locks allow 18 keys a lock: the 19th odd one makes it grow, and 38 finds its own bucket
    table = _with([*range(1, 38), 38])
    assert list(table) == list(range(1, 39))


def test_replacing_a_value_keeps_the_place() -> None:
    table = _with([1, 38])
    table[1] = "new"
    assert table.values() == ["value 38", "new"]
