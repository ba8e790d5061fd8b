"""Where the algorithm's own time goes: wall and CPU time by stage, exclusive of nested stages.

Two ways in, because two kinds of call differ a hundredfold in number:

- The pipeline of a bar (data, metrics, strategy) runs for every bar. Its wall time is always measured, by one clock
  reading between two stages. Reading the CPU clock is a system call, so it is read on every ``CPU_SAMPLE``-th bar only,
  and the stage's CPU time is its wall time multiplied by the ratio of CPU to wall found there.
- Everything else (risk checks, orders, the morning's history) goes through :meth:`StageTimers.timed`, which measures
  both clocks at every call and takes the time of nested calls off the caller's.

What the engine does while a stage waits for it (sending an order, reading history) counts to that stage.
"""

# ruff: noqa: PLR1730 -- max() and min() cost a call, here for every bar

from __future__ import annotations

import json
from collections.abc import Callable
from time import perf_counter_ns, process_time_ns, thread_time_ns
from typing import Any

STAGES = ("data", "metrics", "strategy", "risk", "orders")
PIPELINE = ("data", "metrics", "strategy")
CPU_SAMPLE = 32
LOG_MARK = "HARNESS_STAGES"
STORE_KEY = "harness_stages.json"


class _Stage:
    """Sums of one stage's calls through :meth:`StageTimers.timed`, nanoseconds."""

    __slots__ = ("count", "cpu_ns", "longest_ns", "wall_ns")

    def __init__(self) -> None:
        self.count = 0
        self.wall_ns = 0
        self.cpu_ns = 0
        self.longest_ns = 0


class StageTimers:
    """Times of all stages since this object was made."""

    __slots__ = (
        "_bars",
        "_longest_ns",
        "_nested_cpu_ns",
        "_sampled_cpu_ns",
        "_sampled_wall_ns",
        "_stages",
        "_start_cpu_ns",
        "_start_wall_ns",
        "_until_sample",
        "_wall_ns",
        "nested_wall_ns",
    )

    def __init__(self) -> None:
        self._start_wall_ns = perf_counter_ns()
        self._start_cpu_ns = process_time_ns()
        self._stages = {name: _Stage() for name in STAGES}
        self._bars = 0
        self._wall_ns = [0, 0, 0]
        self._longest_ns = [0, 0, 0]
        self._sampled_wall_ns = [0, 0, 0]
        self._sampled_cpu_ns = [0, 0, 0]
        self._until_sample = 1
        self.nested_wall_ns = 0
        """Wall time of the timed calls that the running stage made."""
        self._nested_cpu_ns = 0

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function``, its calls counted to ``stage`` less the timed calls that it makes itself."""
        sums = self._stages[stage]

        def call(*args: Any) -> Any:
            outer_wall_ns, self.nested_wall_ns = self.nested_wall_ns, 0
            outer_cpu_ns, self._nested_cpu_ns = self._nested_cpu_ns, 0
            start_cpu_ns = thread_time_ns()
            start_wall_ns = perf_counter_ns()
            try:
                return function(*args)
            finally:
                wall_ns = perf_counter_ns() - start_wall_ns
                cpu_ns = thread_time_ns() - start_cpu_ns
                own_wall_ns = wall_ns - self.nested_wall_ns
                sums.count += 1
                sums.wall_ns += own_wall_ns
                sums.cpu_ns += max(0, cpu_ns - self._nested_cpu_ns)
                sums.longest_ns = max(sums.longest_ns, own_wall_ns)
                self.nested_wall_ns = outer_wall_ns + wall_ns
                self._nested_cpu_ns = outer_cpu_ns + cpu_ns

        return call

    def time_methods(self, stage: str, target: object, *names: str) -> None:
        """Replace methods of one object by timed ones."""
        for name in names:
            setattr(target, name, self.timed(stage, getattr(target, name)))

    def timed_pipeline(
        self, data: Callable[[Any], None], metrics: Callable[[], Any], strategy: Callable[[Any], None]
    ) -> Callable[[Any, Any], None]:
        """The handler of a consolidator's bars: ``data(bar)``, ``strategy(metrics())``, each timed as its stage."""
        clock = perf_counter_ns
        add = self._add

        def on_bar(_: Any, bar: Any) -> None:
            self._until_sample -= 1
            if not self._until_sample:
                self._sampled(bar, data, metrics, strategy)
                return
            self.nested_wall_ns = 0
            start_ns = clock()
            data(bar)
            data_ns = clock()
            figures = metrics()
            metrics_ns = clock()
            strategy(figures)
            add(start_ns, data_ns, metrics_ns, clock())

        return on_bar

    def _add(self, start_ns: int, data_ns: int, metrics_ns: int, end_ns: int) -> None:
        self._bars += 1
        wall_ns = self._wall_ns
        longest_ns = self._longest_ns
        end_ns -= metrics_ns + self.nested_wall_ns
        metrics_ns -= data_ns
        data_ns -= start_ns
        wall_ns[0] += data_ns
        wall_ns[1] += metrics_ns
        wall_ns[2] += end_ns
        if data_ns > longest_ns[0]:
            longest_ns[0] = data_ns
        if metrics_ns > longest_ns[1]:
            longest_ns[1] = metrics_ns
        if end_ns > longest_ns[2]:
            longest_ns[2] = end_ns

    def _sampled(
        self, bar: Any, data: Callable[[Any], None], metrics: Callable[[], Any], strategy: Callable[[Any], None]
    ) -> None:
        """A bar whose CPU time is measured too, beside the same wall times."""
        self._until_sample = CPU_SAMPLE
        self.nested_wall_ns = self._nested_cpu_ns = 0
        start_ns, start_cpu_ns = perf_counter_ns(), thread_time_ns()
        data(bar)
        data_ns, data_cpu_ns = perf_counter_ns(), thread_time_ns()
        figures = metrics()
        metrics_ns, metrics_cpu_ns = perf_counter_ns(), thread_time_ns()
        strategy(figures)
        end_ns, end_cpu_ns = perf_counter_ns(), thread_time_ns()
        walls_ns = (data_ns - start_ns, metrics_ns - data_ns, end_ns - metrics_ns - self.nested_wall_ns)
        cpus_ns = (
            data_cpu_ns - start_cpu_ns,
            metrics_cpu_ns - data_cpu_ns,
            end_cpu_ns - metrics_cpu_ns - self._nested_cpu_ns,
        )
        for index in range(len(PIPELINE)):
            self._sampled_wall_ns[index] += walls_ns[index]
            self._sampled_cpu_ns[index] += max(0, cpus_ns[index])
        self._add(start_ns, data_ns, metrics_ns, end_ns)

    def report(self) -> dict[str, Any]:
        """``{"stages": {name: {wall_ns, cpu_ns, count, longest_ns}}, "total_wall_ns": .., "total_cpu_ns": ..}``.

        The totals run from the making of this object to now; the total CPU time is the whole process's.
        """
        stages = {}
        for name, sums in self._stages.items():
            wall_ns, cpu_ns, count, longest_ns = sums.wall_ns, sums.cpu_ns, sums.count, sums.longest_ns
            if name in PIPELINE:
                index = PIPELINE.index(name)
                sampled_wall_ns = self._sampled_wall_ns[index]
                if sampled_wall_ns:
                    cpu_ns += self._wall_ns[index] * self._sampled_cpu_ns[index] // sampled_wall_ns
                wall_ns += self._wall_ns[index]
                count += self._bars
                longest_ns = max(longest_ns, self._longest_ns[index])
            stages[name] = {"wall_ns": wall_ns, "cpu_ns": cpu_ns, "count": count, "longest_ns": longest_ns}
        return {
            "stages": stages,
            "total_wall_ns": perf_counter_ns() - self._start_wall_ns,
            "total_cpu_ns": process_time_ns() - self._start_cpu_ns,
        }

    def emit(self, algorithm: Any) -> None:
        """Write the report as one line of the log and into the object store."""
        text = json.dumps(self.report())
        algorithm.log(f"{LOG_MARK} {text}")
        algorithm.object_store.save(STORE_KEY, text)
