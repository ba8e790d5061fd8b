"""Where the algorithm's own time goes: wall and CPU time by stage, exclusive of nested stages.

Three ways in, because the numbers of calls differ a hundredfold:

- The pipeline of a bar (data, metrics, strategy) runs for every bar, and :meth:`StageTimers.timed_often` is for what
  else does. Their wall time is measured at every call, the end of one stage being the beginning of the next. Reading
  the CPU clock is a system call, ten times as dear, and a call that ends within ``LONG_S`` has waited for nothing:
  its CPU time is its wall time. After a longer one the CPU clock is read, and what the thread did not run since the
  reading before is taken off. Readings are never more than ``READING_BARS`` bars of a symbol apart.
- Everything else (orders, fills, the morning's history) goes through :meth:`StageTimers.timed`, which reads both
  clocks at every call and takes the time of nested calls off the caller's.

What the engine does while a stage waits for it (sending an order, reading history) counts to that stage.

Times are kept in seconds as floats, which Python adds in a third of the time that it takes for nanoseconds as whole
numbers; they hold the clock's nanoseconds until a machine has been up for a hundred days.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from time import perf_counter, process_time, thread_time
from typing import Any

STAGES = ("data", "metrics", "strategy", "risk", "orders")
PIPELINE = ("data", "metrics", "strategy")
LONG_S = 100e-6
READING_BARS = 64
LOG_MARK = "HARNESS_STAGES"
STORE_KEY = "harness_stages.json"


class _Stage:
    """Sums over the calls of a stage. ``lost_s``: of its wall time, what the thread did not run."""

    __slots__ = ("count", "longest_s", "lost_s", "wall_s")

    def __init__(self) -> None:
        self.count = 0
        self.wall_s = 0.0
        self.lost_s = 0.0
        self.longest_s = 0.0

    def add(self, wall_s: float, cpu_s: float) -> None:
        self.count += 1
        self.wall_s += wall_s
        self.lost_s += wall_s - cpu_s
        self.longest_s = max(self.longest_s, wall_s)


class StageTimers:
    """Times of all stages since this object was made."""

    __slots__ = (
        "_frequent",
        "_nested_cpu_s",
        "_nested_wall_s",
        "_read_cpu_s",
        "_read_wall_s",
        "_stages",
        "_start_cpu_s",
        "_start_wall_s",
    )

    def __init__(self) -> None:
        self._start_wall_s = perf_counter()
        self._start_cpu_s = process_time()
        self._stages = {name: _Stage() for name in STAGES}
        # Each adds what it has kept for itself since it was asked last.
        self._frequent: list[Callable[[], None]] = []
        # Time of the timed calls that the running stage has made.
        self._nested_wall_s = 0.0
        self._nested_cpu_s = 0.0
        # When both clocks were read last, and what they showed.
        self._read_wall_s = perf_counter()
        self._read_cpu_s = thread_time()

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function``, its calls counted to ``stage`` less the timed calls that it makes itself."""
        sums = self._stages[stage]
        clock, cpu_clock = perf_counter, thread_time

        def call(*args: Any) -> Any:
            outer_wall_s, self._nested_wall_s = self._nested_wall_s, 0.0
            outer_cpu_s, self._nested_cpu_s = self._nested_cpu_s, 0.0
            start_cpu_s = cpu_clock()
            start_wall_s = clock()
            try:
                return function(*args)
            finally:
                wall_s = clock() - start_wall_s
                cpu_s = cpu_clock() - start_cpu_s
                sums.add(wall_s - self._nested_wall_s, max(0.0, cpu_s - self._nested_cpu_s))
                self._nested_wall_s = outer_wall_s + wall_s
                self._nested_cpu_s = outer_cpu_s + cpu_s

        return call

    def time_methods(self, stage: str, target: object, *names: str) -> None:
        """Replace methods of one object by timed ones."""
        for name in names:
            setattr(target, name, self.timed(stage, getattr(target, name)))

    def timed_often(self, stage: str, function: Callable[[], Any]) -> Callable[[], Any]:
        """``function``, called at every bar from outside all stages and making no timed calls, counted to ``stage``."""
        clock = perf_counter
        sums = self._stages[stage]
        calls = 0
        total_s = notable_s = 0.0

        def call() -> Any:
            nonlocal calls, total_s
            start_s = clock()
            answer = function()
            elapsed_s = clock() - start_s
            calls += 1
            total_s += elapsed_s
            if elapsed_s > notable_s:
                note(elapsed_s)
            return answer

        def note(elapsed_s: float) -> None:
            nonlocal notable_s
            sums.longest_s = max(sums.longest_s, elapsed_s)
            notable_s = min(LONG_S, sums.longest_s)
            if elapsed_s > LONG_S:
                sums.lost_s += min(self._lost_s(), elapsed_s)

        def settle() -> None:
            nonlocal calls, total_s
            sums.count += calls
            sums.wall_s += total_s
            calls, total_s = 0, 0.0

        self._frequent.append(settle)
        return call

    def timed_pipeline(
        self,
        add: Callable[[Any], bool],
        update: Callable[[Any], Any],
        decide: Callable[[Any], None],
        data: Any,
    ) -> Callable[[Any, Any], None]:
        """The handler of a consolidator's bars: ``if add(bar): decide(update(data))``, each call timed as its stage."""
        clock = perf_counter
        mask = READING_BARS - 1
        stages = tuple(self._stages[name] for name in PIPELINE)
        # Local to the handler and not attributes: it runs for every bar, and they cost half as much.
        bars = settled = not_ready = 0
        data_s = metrics_s = strategy_s = 0.0
        # A bar that takes no longer than this in all can neither hold a stage's longest call nor have waited.
        notable_s = 0.0

        def on_bar(_: Any, bar: Any) -> None:
            nonlocal bars, data_s, metrics_s, strategy_s
            bars += 1
            if not bars & mask:
                self._lost_s()
            self._nested_wall_s = self._nested_cpu_s = 0.0
            start_s = clock()
            if not add(bar):
                unready(clock() - start_s)
                return
            data_end_s = clock()
            figures = update(data)
            metrics_end_s = clock()
            decide(figures)
            end_s = clock()
            data_s += data_end_s - start_s
            metrics_s += metrics_end_s - data_end_s
            strategy_s += end_s - metrics_end_s
            if end_s - start_s > notable_s or self._nested_wall_s:
                strategy_s -= self._nested_wall_s
                note(data_end_s - start_s, metrics_end_s - data_end_s, end_s - metrics_end_s - self._nested_wall_s)

        def unready(elapsed_s: float) -> None:
            nonlocal not_ready, data_s
            not_ready += 1
            data_s += elapsed_s
            note(elapsed_s, 0.0, 0.0)

        def note(*elapsed_s: float) -> None:
            nonlocal notable_s
            for sums, own_s in zip(stages, elapsed_s, strict=True):
                sums.longest_s = max(sums.longest_s, own_s)
            notable_s = min(LONG_S, *(sums.longest_s for sums in stages))
            if sum(elapsed_s) > LONG_S:
                # What nested calls lost is known already; the rest was lost in the longest call first.
                lost_s = self._lost_s() - (self._nested_wall_s - self._nested_cpu_s)
                for own_s, place in sorted(zip(elapsed_s, range(len(stages)), strict=True), reverse=True):
                    taken_s = max(0.0, min(lost_s, own_s))
                    stages[place].lost_s += taken_s
                    lost_s -= taken_s

        def settle() -> None:
            nonlocal settled, not_ready, data_s, metrics_s, strategy_s
            calls = bars - settled
            for sums, count, wall_s in zip(
                stages, (calls, calls - not_ready, calls - not_ready), (data_s, metrics_s, strategy_s), strict=True
            ):
                sums.count += count
                sums.wall_s += wall_s
            settled, not_ready = bars, 0
            data_s = metrics_s = strategy_s = 0.0

        self._frequent.append(settle)
        return on_bar

    def _lost_s(self) -> float:
        """Reads both clocks: for how long the thread has not run since they were read last."""
        wall_s, cpu_s = perf_counter(), thread_time()
        lost_s = (wall_s - self._read_wall_s) - (cpu_s - self._read_cpu_s)
        self._read_wall_s, self._read_cpu_s = wall_s, cpu_s
        return max(0.0, lost_s)

    def report(self) -> dict[str, Any]:
        """``{"stages": {name: {wall_ns, cpu_ns, count, longest_ns}}, "total_wall_ns": .., "total_cpu_ns": ..}``.

        The totals run from the making of this object to now; the total CPU time is the whole process's.
        """
        for settle in self._frequent:
            settle()
        return {
            "stages": {
                name: {
                    "wall_ns": _ns(sums.wall_s),
                    "cpu_ns": _ns(sums.wall_s - sums.lost_s),
                    "count": sums.count,
                    "longest_ns": _ns(sums.longest_s),
                }
                for name, sums in self._stages.items()
            },
            "total_wall_ns": _ns(perf_counter() - self._start_wall_s),
            "total_cpu_ns": _ns(process_time() - self._start_cpu_s),
        }

    def emit(self, algorithm: Any) -> None:
        """Write the report as one line of the log and into the object store."""
        text = json.dumps(self.report())
        algorithm.log(f"{LOG_MARK} {text}")
        algorithm.object_store.save(STORE_KEY, text)


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)
