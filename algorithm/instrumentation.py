"""Where the algorithm's own time goes: wall and CPU time by stage, exclusive of nested stages.

Two ways in, because two kinds of call differ a hundredfold in number:

- The pipeline of a bar (data, metrics, strategy) runs for every bar. Its wall time is measured at every bar. Reading
  the CPU clock is a system call, so it is read on every ``CPU_SAMPLE``-th bar only; the CPU time of the bars between is
  their wall time multiplied by the stage's ratio of CPU to wall in those that were read.
- Everything else (risk checks, orders, the morning's history) goes through :meth:`StageTimers.timed`, which measures
  both clocks at every call and takes the time of nested calls off the caller's.

What the engine does while a stage waits for it (sending an order, reading history) counts to that stage.
"""

# ruff: noqa: PLR1730 -- max() and min() cost a call, here for every bar

from __future__ import annotations

import json
from collections.abc import Callable
from time import perf_counter_ns, process_time_ns, thread_time_ns
from typing import Any, NamedTuple

STAGES = ("data", "metrics", "strategy", "risk", "orders")
CPU_SAMPLE = 64
LOG_MARK = "HARNESS_STAGES"
STORE_KEY = "harness_stages.json"


class Unsampled(NamedTuple):
    """Sums of one stage over the bars of a pipeline whose CPU time was not read."""

    stage: str
    calls: int
    wall_ns: int
    longest_ns: int


class _Stage:
    """Sums over the calls of a stage whose CPU time was read, and among them over the sampled bars."""

    __slots__ = ("count", "cpu_ns", "longest_ns", "sampled_cpu_ns", "sampled_wall_ns", "wall_ns")

    def __init__(self) -> None:
        self.count = 0
        self.wall_ns = 0
        self.cpu_ns = 0
        self.longest_ns = 0
        self.sampled_wall_ns = 0
        self.sampled_cpu_ns = 0

    def add(self, wall_ns: int, cpu_ns: int) -> None:
        self.count += 1
        self.wall_ns += wall_ns
        self.cpu_ns += cpu_ns
        self.longest_ns = max(self.longest_ns, wall_ns)

    def add_sample(self, wall_ns: int, cpu_ns: int) -> None:
        self.add(wall_ns, cpu_ns)
        self.sampled_wall_ns += wall_ns
        self.sampled_cpu_ns += cpu_ns


class StageTimers:
    """Times of all stages since this object was made."""

    __slots__ = (
        "_nested_cpu_ns",
        "_nested_wall_ns",
        "_pipelines",
        "_stages",
        "_start_cpu_ns",
        "_start_wall_ns",
    )

    def __init__(self) -> None:
        self._start_wall_ns = perf_counter_ns()
        self._start_cpu_ns = process_time_ns()
        self._stages = {name: _Stage() for name in STAGES}
        self._pipelines: list[Callable[[], tuple[Unsampled, ...]]] = []
        # Time of the timed calls that the running stage has made.
        self._nested_wall_ns = 0
        self._nested_cpu_ns = 0

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function``, its calls counted to ``stage`` less the timed calls that it makes itself."""
        sums = self._stages[stage]
        clock, cpu_clock = perf_counter_ns, thread_time_ns

        def call(*args: Any) -> Any:
            outer_wall_ns, self._nested_wall_ns = self._nested_wall_ns, 0
            outer_cpu_ns, self._nested_cpu_ns = self._nested_cpu_ns, 0
            start_cpu_ns = cpu_clock()
            start_wall_ns = clock()
            try:
                return function(*args)
            finally:
                wall_ns = clock() - start_wall_ns
                cpu_ns = cpu_clock() - start_cpu_ns
                sums.add(wall_ns - self._nested_wall_ns, max(0, cpu_ns - self._nested_cpu_ns))
                self._nested_wall_ns = outer_wall_ns + wall_ns
                self._nested_cpu_ns = outer_cpu_ns + cpu_ns

        return call

    def time_methods(self, stage: str, target: object, *names: str) -> None:
        """Replace methods of one object by timed ones."""
        for name in names:
            setattr(target, name, self.timed(stage, getattr(target, name)))

    def timed_pipeline(
        self,
        add: Callable[[Any], bool],
        update: Callable[[Any], Any],
        decide: Callable[[Any], None],
        data: Any,
    ) -> Callable[[Any, Any], None]:
        """The handler of a consolidator's bars: ``if add(bar): decide(update(data))``, each call timed as its stage."""
        clock = perf_counter_ns
        mask = CPU_SAMPLE - 1
        # Local to the handler and not attributes: it runs for every bar, and they cost half as much.
        bars = decided = 0
        data_ns = metrics_ns = strategy_ns = 0
        data_longest_ns = metrics_longest_ns = strategy_longest_ns = 0

        def on_bar(_: Any, bar: Any) -> None:
            nonlocal bars, data_ns, data_longest_ns
            nonlocal decided, metrics_ns, strategy_ns, metrics_longest_ns, strategy_longest_ns
            bars += 1
            if not bars & mask:
                self._sampled_bar(bar, add, update, decide, data)
                return
            self._nested_wall_ns = 0
            start_ns = clock()
            ready = add(bar)
            data_end_ns = clock()
            elapsed_ns = data_end_ns - start_ns
            data_ns += elapsed_ns
            if elapsed_ns > data_longest_ns:
                data_longest_ns = elapsed_ns
            if not ready:
                return
            figures = update(data)
            metrics_end_ns = clock()
            decide(figures)
            elapsed_ns = clock() - metrics_end_ns - self._nested_wall_ns
            decided += 1
            strategy_ns += elapsed_ns
            if elapsed_ns > strategy_longest_ns:
                strategy_longest_ns = elapsed_ns
            elapsed_ns = metrics_end_ns - data_end_ns
            metrics_ns += elapsed_ns
            if elapsed_ns > metrics_longest_ns:
                metrics_longest_ns = elapsed_ns

        def sums() -> tuple[Unsampled, ...]:
            return (
                Unsampled("data", bars - bars // CPU_SAMPLE, data_ns, data_longest_ns),
                Unsampled("metrics", decided, metrics_ns, metrics_longest_ns),
                Unsampled("strategy", decided, strategy_ns, strategy_longest_ns),
            )

        self._pipelines.append(sums)
        return on_bar

    def _sampled_bar(
        self,
        bar: Any,
        add: Callable[[Any], bool],
        update: Callable[[Any], Any],
        decide: Callable[[Any], None],
        data: Any,
    ) -> None:
        """One bar through the pipeline with both clocks read."""
        stages = self._stages
        self._nested_wall_ns = self._nested_cpu_ns = 0
        start_ns, start_cpu_ns = perf_counter_ns(), thread_time_ns()
        ready = add(bar)
        data_ns, data_cpu_ns = perf_counter_ns(), thread_time_ns()
        stages["data"].add_sample(data_ns - start_ns, data_cpu_ns - start_cpu_ns)
        if not ready:
            return
        start_ns, start_cpu_ns = perf_counter_ns(), thread_time_ns()
        figures = update(data)
        metrics_ns, metrics_cpu_ns = perf_counter_ns(), thread_time_ns()
        decide(figures)
        end_ns, end_cpu_ns = perf_counter_ns(), thread_time_ns()
        stages["metrics"].add_sample(metrics_ns - start_ns, metrics_cpu_ns - start_cpu_ns)
        stages["strategy"].add_sample(
            end_ns - metrics_ns - self._nested_wall_ns, max(0, end_cpu_ns - metrics_cpu_ns - self._nested_cpu_ns)
        )

    def report(self) -> dict[str, Any]:
        """``{"stages": {name: {wall_ns, cpu_ns, count, longest_ns}}, "total_wall_ns": .., "total_cpu_ns": ..}``.

        The totals run from the making of this object to now; the total CPU time is the whole process's.
        """
        stages = {
            name: {
                "wall_ns": sums.wall_ns,
                "cpu_ns": sums.cpu_ns,
                "count": sums.count,
                "longest_ns": sums.longest_ns,
            }
            for name, sums in self._stages.items()
        }
        for bars in (bars for pipeline in self._pipelines for bars in pipeline()):
            sums, row = self._stages[bars.stage], stages[bars.stage]
            row["wall_ns"] += bars.wall_ns
            row["count"] += bars.calls
            row["longest_ns"] = max(row["longest_ns"], bars.longest_ns)
            if sums.sampled_wall_ns:
                row["cpu_ns"] += bars.wall_ns * sums.sampled_cpu_ns // sums.sampled_wall_ns
            else:  # too few bars for a sample: the algorithm computes, it does not wait
                row["cpu_ns"] += bars.wall_ns
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
