"""The chart "Performance" and its summary line: where the wall time of a run goes.

Source: Lean's ``PerformanceTrackingTool`` and ``PerformanceTimer``. Only runs that set
``settings.performance_sample_period`` have it. Times are wall-clock seconds of each sample period. What is done
elsewhere than in Lean (storing prices, making slices) counts with the subscriptions.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from harness.embedded import clr
from harness.embedded.clock import from_us
from harness.embedded.enums import SeriesType
from harness.embedded.results.charts import Chart, Series

NEVER_US = 1 << 62
_TARGETS = (
    "OnData",
    "Subscriptions",
    "Schedule",
    "Selection",
    "Slice",
    "Consolidators",
    "Securities",
    "Transactions",
    "SplitsDividendsDelisting",
)
# In the order in which Lean adds them: name, unit, type, index.
_SERIES: tuple[tuple[str, str, SeriesType, int], ...] = (
    ("CPU", "%", SeriesType.LINE, 0),
    ("ManagedRAM", "", SeriesType.LINE, 0),
    ("TotalRAM", "", SeriesType.LINE, 0),
    ("OnData", "Δ", SeriesType.LINE, 0),
    ("Consolidators", "Δ", SeriesType.LINE, 0),
    ("Subscriptions", "Δ", SeriesType.LINE, 0),
    ("Schedule", "Δ", SeriesType.LINE, 0),
    ("WallTime", "Δ", SeriesType.LINE, 0),
    ("Securities", "Δ", SeriesType.LINE, 0),
    ("Selection", "Δ", SeriesType.LINE, 0),
    ("Slice", "Δ", SeriesType.LINE, 0),
    ("ActiveSecurities", "#", SeriesType.LINE, 0),
    ("DataPoints", "#", SeriesType.BAR, 1),
    ("HistoryDataPoints", "#", SeriesType.BAR, 1),
    ("Transactions", "Δ", SeriesType.LINE, 0),
    ("SplitsDividendsDelisting", "Δ", SeriesType.LINE, 0),
)
_SUMMARY = (
    ("OnData", "OnData"),
    ("DataSubscription", "Subscriptions"),
    ("SliceCreation", "Slice"),
    ("Selection", "Selection"),
    ("Schedule", "Schedule"),
    ("Consolidators", "Consolidators"),
    ("Securities", "Securities"),
    ("Transactions", "Transactions"),
    ("SplitsDividendsDelisting", "SplitsDividendsDelisting"),
)


class PerformanceTracker:
    """Samples once every period of the algorithm's time. ``next_us`` is when; it is never where tracking is off."""

    def __init__(self, algorithm: Any, history_points: Callable[[], int]) -> None:
        self.next_us = NEVER_US
        self._algorithm = algorithm
        self._history_points = history_points
        self._period_us = int(algorithm.settings.performance_sample_period.total_seconds() * 1_000_000)
        if self._period_us <= 0:
            return
        self._current_s = dict.fromkeys(_TARGETS, 0.0)
        self._total_s = dict.fromkeys(_TARGETS, 0.0)
        self._points = self._previous_points = self._previous_history = 0
        self._started_s = self._previous_s = time.perf_counter()
        self._previous_cpu_s = time.process_time()
        chart = Chart("Performance")
        self._series = {name: Series(name, kind, index, unit) for name, unit, kind, index in _SERIES}
        for series in self._series.values():
            chart.add_series(series)
        algorithm.add_chart(chart)
        self.next_us = algorithm.clock.utc_us + self._period_us

    @property
    def is_on(self) -> bool:
        return self._period_us > 0

    def timed(self, target: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """``call``, its wall time counted under a target."""

        def measured(*args: Any, **named: Any) -> Any:
            started_s = time.perf_counter()
            try:
                return call(*args, **named)
            finally:
                self._current_s[target] += time.perf_counter() - started_s

        return measured

    def time_methods(self, target: str, owner: Any, names: Iterable[str]) -> None:
        """Measure methods of one object under a target."""
        for name in names:
            setattr(owner, name, self.timed(target, getattr(owner, name)))

    def sample(self, utc_us: int, data_points: int) -> None:
        """The first step at or after :attr:`next_us`; ``data_points`` are all up to and including this step's."""
        now_s = time.perf_counter()
        moment = from_us(utc_us)
        for target in _TARGETS:
            spent_s = self._current_s[target]
            self._total_s[target] += spent_s
            self._current_s[target] = 0.0
            self._add(target, moment, _rounded(spent_s, 2))
        self._add("WallTime", moment, _rounded(now_s - self._previous_s, 2))
        self._add("ActiveSecurities", moment, len(self._algorithm.securities))
        self._add("DataPoints", moment, data_points - self._previous_points)
        history = self._history_points()
        self._add("HistoryDataPoints", moment, history - self._previous_history)
        cpu_s = time.process_time()
        self._add("CPU", moment, int(100 * (cpu_s - self._previous_cpu_s) / max(now_s - self._previous_s, 1e-9)))
        memory_mb = _rss_bytes() // 1_048_576
        self._add("ManagedRAM", moment, memory_mb)
        self._add("TotalRAM", moment, memory_mb)
        self._previous_points, self._previous_history = data_points, history
        self._previous_s, self._previous_cpu_s = now_s, cpu_s
        self.next_us = utc_us + self._period_us

    def _add(self, name: str, moment: datetime, value: Decimal | int) -> None:
        self._series[name].add_point(moment, value)

    def shut_down(self, data_points: int) -> None:
        """Say the summary, before the end of the algorithm."""
        seconds = int(time.perf_counter() - self._started_s)
        runtime = f"{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
        spent = " ".join(
            f"{name}: {clr.decimal_text(clr.normalize(_rounded(self._total_s[target], 1)))}s."
            for name, target in _SUMMARY
        )
        self._algorithm.debug(
            f"Dps {data_points}. HistoryDps {self._history_points()}. TotalRuntime: {runtime}. {spent} "
            f"ActiveSecurities: {len(self._algorithm.securities)}"
        )


def _rounded(seconds: float, digits: int) -> Decimal:
    return clr.decimal_from_double(round(seconds, digits))


def _rss_bytes() -> int:
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
