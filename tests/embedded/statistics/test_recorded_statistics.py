"""Lean's statistics, recomputed from each recording's own charts, trades and transactions, digit for digit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from harness.embedded.results.document import performance_json
from harness.embedded.statistics import builder
from tests.embedded.statistics.recorded import Recording, case_names, recording, statistics_input

# The estimate changes once more after the last sample of its chart, so it cannot be recomputed from the files.
_NOT_IN_THE_FILES = "Estimated Strategy Capacity"


def _numbers(statistics: dict[str, Any]) -> dict[str, Any]:
    """Texts of numbers as decimals: the JSON of a recording does not tell 2 from 2.0 in what the sums start from."""
    plain = {}
    for name, value in statistics.items():
        is_number = isinstance(value, str) and ":" not in value and "-0" not in value[4:]
        plain[name] = Decimal(value) if is_number else value
    return plain


def _same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    for part in ("tradeStatistics", "portfolioStatistics"):
        texts = {
            name: f"{value:%Y-%m-%dT%H:%M:%SZ}" if hasattr(value, "year") else value
            for name, value in found[part].items()
        }
        assert list(texts) == list(expected[part])
        assert _numbers(texts) == _numbers(expected[part])


def _equity_sampled(record: Recording) -> None:
    if not record.points("Strategy Equity", "Equity"):
        assert record.result["statistics"] == {}
        pytest.skip("this recording has no samples, so it has no statistics")


@pytest.mark.recordings
@pytest.mark.parametrize("name", case_names())
def test_every_statistic_of_the_recording_comes_out(name: str) -> None:
    record = recording(name)
    _equity_sampled(record)
    data = statistics_input(record)
    results = builder.generate(data)
    expected = {k: v for k, v in record.result["statistics"].items() if k != _NOT_IN_THE_FILES}
    found = {k: v for k, v in results.summary.items() if k != _NOT_IN_THE_FILES}
    custom = set(expected) - set(found)
    assert custom <= {"Custom ratio"}
    assert found == {k: v for k, v in expected.items() if k not in custom}
    assert list(results.summary) == [k for k in record.result["statistics"] if k not in custom]


@pytest.mark.recordings
@pytest.mark.parametrize("name", case_names())
def test_whole_period_and_rolling_windows_come_out(name: str) -> None:
    record = recording(name)
    _equity_sampled(record)
    results = builder.generate(statistics_input(record))
    _same(performance_json(results.total_performance, with_trades=False), record.result["totalPerformance"])
    expected = record.result["rollingWindow"]
    assert list(results.rolling_performances) == list(expected)
    for window, performance in results.rolling_performances.items():
        _same(performance_json(performance, with_trades=False), expected[window])
