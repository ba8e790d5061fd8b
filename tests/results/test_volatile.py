"""What is left out of a stored baseline, and what beside it stays."""

from __future__ import annotations

from typing import Any

import pytest

from harness.results.volatile import VOLATILE, without_volatile


@pytest.mark.parametrize(
    ("whole", "kept"),
    [
        (
            {"orderEvents": [{"id": "a-1-1", "orderId": 1}, {"algorithmId": "a", "orderEventId": 2}]},
            {"orderEvents": [{"orderId": 1}, {"orderEventId": 2}]},
        ),
        (
            {
                "state": {
                    "StartTime": 1,
                    "EndTime": 2,
                    "Hostname": "h",
                    "Name": "n",
                    "LogCount": 3,
                    "Status": "Completed",
                }
            },
            {"state": {"Status": "Completed"}},
        ),
        (
            {"serverStatistics": {"Hostname": "vm"}, "analysis": [1], "statistics": {"a": "1"}},
            {"statistics": {"a": "1"}},
        ),
        (
            {"algorithmConfiguration": {"name": "n", "parameters": {"a": 1}, "tags": []}},
            {"algorithmConfiguration": {"tags": []}},
        ),
        (
            {"totalPerformance": {"closedTrades": [{"id": "x", "quantity": 1.0}], "id": "kept"}},
            {"totalPerformance": {"closedTrades": [{"quantity": 1.0}], "id": "kept"}},
        ),
        (
            {"rollingWindow": {"M1_20251001": {"closedTrades": [{"id": "x", "isWin": True}], "id": 1}, "id": 2}},
            {"rollingWindow": {"M1_20251001": {"closedTrades": [{"isWin": True}], "id": 1}, "id": 2}},
        ),
        (
            {"charts": {"Performance": {}, "Portfolio Margin": {}, "Strategy Equity": {"Performance": 1}}},
            {"charts": {"Strategy Equity": {"Performance": 1}}},
        ),
        ([{"analysis": 1}, None, "id"], [{"analysis": 1}, None, "id"]),
    ],
)
def test_what_is_listed_is_left_out_and_nothing_else(whole: Any, kept: Any) -> None:
    assert without_volatile(whole) == kept


def test_a_part_is_looked_at_from_where_it_stands() -> None:
    assert without_volatile({"StartTime": 1, "Status": 2}, ("state",)) == {"Status": 2}
    assert without_volatile([{"id": 1, "isWin": True}], ("rollingWindow", "M1", "closedTrades")) == [{"isWin": True}]
    assert without_volatile({"StartTime": 1}, ("statistics",)) == {"StartTime": 1}
    assert without_volatile({"StartTime": 1}, ("statistics", "state", 0, "deeper")) == {"StartTime": 1}


def test_the_original_stays_and_every_entry_has_its_reason() -> None:
    whole = {"state": {"StartTime": 1}}
    assert without_volatile(whole) == {"state": {}}
    assert whole == {"state": {"StartTime": 1}}
    assert all(path and reason for path, reason in VOLATILE)
    assert len(dict(VOLATILE)) == len(VOLATILE)
