"""What two equal backtests may differ in, written down with the reason for each.

Everything that is not listed here must be equal. The list comes from where Lean takes a value from the clock, the
host, a random source or the command line instead of from the algorithm.
"""

from __future__ import annotations

from typing import Any

from harness.results.paths import Path, PatternTree

ORDER_EVENTS = "orderEvents"

VOLATILE: tuple[tuple[str, str], ...] = (
    ("orderEvents[].id", "starts with the algorithm id, which lean-cli draws at random"),
    ("orderEvents[].algorithmId", "the algorithm id, which lean-cli draws at random"),
    ("state.StartTime", "wall clock"),
    ("state.EndTime", "wall clock"),
    ("state.Hostname", "host"),
    ("state.Name", "the backtest's name, from the command line"),
    ("state.LogCount", "warm-up progress lines are written by wall time"),
    ("serverStatistics", "processor, memory, host and up time"),
    ("algorithmConfiguration.name", "the backtest's name, from the command line"),
    ("algorithmConfiguration.parameters", "what the two variants are told to differ in"),
    ("totalPerformance.closedTrades[].id", "a random GUID (TradeBuilder)"),
    ("rollingWindow.*.closedTrades[].id", "a random GUID (TradeBuilder)"),
    ("charts.Performance", "stage timings by wall clock (PerformanceTrackingTool)"),
    ('charts."Portfolio Margin"', "maps tickers as of today's date (PortfolioMarginChart)"),
    ("analysis", "findings about speed, by wall clock"),
)
"""The allow-list: paths (patterns of :mod:`harness.results.paths`), each with the reason."""


_TREE = PatternTree.of(VOLATILE)


def without_volatile(value: Any, at: Path = ()) -> Any:
    """A copy of the decoded ``value``, which stands at path ``at``, without what :data:`VOLATILE` lists."""
    node: PatternTree[str] | None = _TREE
    for part in at:
        node = node.step(part) if node is not None else None
    return _without(value, node)


def _without(value: Any, node: PatternTree[str] | None) -> Any:
    if node is None:
        return value
    if isinstance(value, dict):
        kept = ((key, item, node.step(key)) for key, item in value.items())
        return {key: _without(item, below) for key, item, below in kept if below is None or below.value is None}
    if isinstance(value, list):
        return [_without(item, node.step(index)) for index, item in enumerate(value)]
    return value
