"""Stage timers: exclusive attribution, on clocks that the test moves itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import instrumentation
import pytest
from instrumentation import CPU_SAMPLE, STAGES, StageTimers


class Clock:
    """Wall and CPU time that move only when told; CPU runs at half the speed of wall time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall_ns = 1_000
        monkeypatch.setattr(instrumentation, "perf_counter_ns", lambda: self.wall_ns)
        monkeypatch.setattr(instrumentation, "thread_time_ns", lambda: self.wall_ns // 2)
        monkeypatch.setattr(instrumentation, "process_time_ns", lambda: self.wall_ns // 2)

    def work(self, wall_ns: int) -> Callable[..., None]:
        def run(*_: Any) -> None:
            self.wall_ns += wall_ns

        return run


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_a_nested_call_counts_to_its_own_stage_only(clock: Clock) -> None:
    timers = StageTimers()
    orders = timers.timed("orders", clock.work(100))
    risk = timers.timed("risk", lambda: (clock.work(10)(), orders(), clock.work(10)()))
    strategy = timers.timed("strategy", lambda: (clock.work(1000)(), risk(), orders()))
    strategy()
    report = timers.report()
    stages = report["stages"]
    assert {name: (s["wall_ns"], s["cpu_ns"], s["count"], s["longest_ns"]) for name, s in stages.items()} == {
        "data": (0, 0, 0, 0),
        "metrics": (0, 0, 0, 0),
        "strategy": (1000, 500, 1, 1000),
        "risk": (20, 10, 1, 20),
        "orders": (200, 100, 2, 100),
    }
    assert (report["total_wall_ns"], report["total_cpu_ns"]) == (1220, 610)


def test_a_call_that_raises_is_counted_and_its_caller_still_exact(clock: Clock) -> None:
    timers = StageTimers()

    def fail() -> None:
        clock.work(50)()
        raise RuntimeError("refused")

    def caller() -> None:
        clock.work(7)()
        with pytest.raises(RuntimeError):
            timers.timed("orders", fail)()

    timers.timed("risk", caller)()
    stages = timers.report()["stages"]
    assert (stages["orders"]["wall_ns"], stages["risk"]["wall_ns"]) == (50, 7)


def test_the_pipeline_of_a_bar(clock: Clock) -> None:
    timers = StageTimers()
    seen: list[Any] = []
    orders = timers.timed("orders", clock.work(400))

    def strategy(figures: Any) -> None:
        seen.append(figures)
        clock.work(30)()
        if len(seen) % 10 == 0:
            orders()

    def add(bar: Any) -> bool:
        seen_bars.append(bar)
        clock.work(20)()
        return bar >= unready

    def update(data: Any) -> str:
        clock.work(100)()
        return f"figures of {data}"

    seen_bars: list[Any] = []
    on_bar = timers.timed_pipeline(add, update, strategy, "data")
    bars, unready = 3 * CPU_SAMPLE, 2
    decided = bars - unready
    for number in range(bars):
        on_bar("sender", number)
    assert seen_bars == list(range(bars))
    assert seen == ["figures of data"] * decided
    stages = timers.report()["stages"]
    assert {name: (s["wall_ns"], s["cpu_ns"], s["count"], s["longest_ns"]) for name, s in stages.items()} == {
        "data": (20 * bars, 10 * bars, bars, 20),
        "metrics": (100 * decided, 50 * decided, decided, 100),
        "strategy": (30 * decided, 15 * decided, decided, 30),
        "risk": (0, 0, 0, 0),
        "orders": (400 * (decided // 10), 200 * (decided // 10), decided // 10, 400),
    }


def test_few_bars_need_no_sample(clock: Clock) -> None:
    timers = StageTimers()
    on_bar = timers.timed_pipeline(lambda bar: True, clock.work(100), clock.work(30), None)
    on_bar(None, None)
    metrics = timers.report()["stages"]["metrics"]
    assert (metrics["wall_ns"], metrics["cpu_ns"]) == (100, 100)


def test_methods_are_replaced_on_the_object_given_only() -> None:
    class Target:
        def add(self, left: int, right: int) -> int:
            return left + right

    timers = StageTimers()
    timed, plain = Target(), Target()
    timers.time_methods("data", timed, "add")
    assert (timed.add(2, 3), plain.add(4, 5)) == (5, 9)
    assert timers.report()["stages"]["data"]["count"] == 1


def test_on_real_clocks_stages_sum_to_no_more_than_the_whole() -> None:
    timers = StageTimers()
    orders = timers.timed("orders", lambda: sum(range(2_000)))
    on_bar = timers.timed_pipeline(lambda bar: True, lambda data: sum(range(500)), lambda figures: orders(), None)
    for _ in range(500):
        on_bar(None, None)
    report = timers.report()
    stages = report["stages"]
    assert list(stages) == list(STAGES)
    assert sum(stage["wall_ns"] for stage in stages.values()) <= report["total_wall_ns"]
    assert all(stage["longest_ns"] <= stage["wall_ns"] for stage in stages.values())
    assert stages["metrics"]["wall_ns"] > stages["data"]["wall_ns"]


def test_the_report_is_one_log_line_and_one_stored_text() -> None:
    logged: list[str] = []
    stored: dict[str, str] = {}

    class Store:
        save = staticmethod(stored.__setitem__)

    class Algorithm:
        log = staticmethod(logged.append)
        object_store = Store()

    StageTimers().emit(Algorithm())
    (line,) = logged
    mark, text = line.split(" ", 1)
    assert mark == "HARNESS_STAGES"
    assert set(json.loads(text)) == {"stages", "total_wall_ns", "total_cpu_ns"}
    assert stored == {"harness_stages.json": text}
