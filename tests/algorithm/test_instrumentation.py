"""Stage timers: exclusive attribution, on clocks that the test moves itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import instrumentation
import pytest
from instrumentation import LONG_S, READING_BARS, STAGES, StageTimers


class Clock:
    """Wall and CPU time that move only when told: both by work, wall time alone by waiting."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall_ns, self.cpu_ns = 1_000, 500
        self.readings = 0
        monkeypatch.setattr(instrumentation, "perf_counter", lambda: self.wall_ns / 1e9)
        monkeypatch.setattr(instrumentation, "thread_time", self.thread_time)
        monkeypatch.setattr(instrumentation, "process_time", lambda: self.cpu_ns / 1e9)

    def thread_time(self) -> float:
        self.readings += 1
        return self.cpu_ns / 1e9

    def work(self, work_ns: int, wait_ns: int = 0) -> Callable[..., None]:
        def run(*_: Any) -> None:
            self.wall_ns += work_ns + wait_ns
            self.cpu_ns += work_ns

        return run


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def figures(timers: StageTimers) -> dict[str, tuple[int, int, int, int]]:
    """By stage: wall and CPU ns, calls, the longest call's wall ns."""
    stages = timers.report()["stages"]
    return {name: (s["wall_ns"], s["cpu_ns"], s["count"], s["longest_ns"]) for name, s in stages.items()}


def test_a_nested_call_counts_to_its_own_stage_only(clock: Clock) -> None:
    timers = StageTimers()
    orders = timers.timed("orders", clock.work(60, 40))
    risk = timers.timed("risk", lambda: (clock.work(10)(), orders(), clock.work(5, 5)()))
    strategy = timers.timed("strategy", lambda: (clock.work(1000)(), risk(), orders()))
    strategy()
    assert figures(timers) == {
        "data": (0, 0, 0, 0),
        "metrics": (0, 0, 0, 0),
        "strategy": (1000, 1000, 1, 1000),
        "risk": (20, 15, 1, 20),
        "orders": (200, 120, 2, 100),
    }
    report = timers.report()
    assert (report["total_wall_ns"], report["total_cpu_ns"]) == (1220, 1135)


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
    bars, unready = 3 * READING_BARS, 2
    decided = bars - unready
    for number in range(bars):
        on_bar("sender", number)
    assert seen_bars == list(range(bars))
    assert seen == ["figures of data"] * decided
    expected = {
        "data": (20 * bars, 20 * bars, bars, 20),
        "metrics": (100 * decided, 100 * decided, decided, 100),
        "strategy": (30 * decided, 30 * decided, decided, 30),
        "risk": (0, 0, 0, 0),
        "orders": (400 * (decided // 10), 400 * (decided // 10), decided // 10, 400),
    }
    assert figures(timers) == expected
    assert figures(timers) == expected  # asking does not change the answer


def test_short_bars_seldom_read_the_cpu_clock(clock: Clock) -> None:
    timers = StageTimers()
    on_bar = timers.timed_pipeline(lambda bar: True, clock.work(100), clock.work(30), None)
    check = timers.timed_often("risk", clock.work(50))
    before = clock.readings
    for _ in range(10 * READING_BARS):
        on_bar(None, None)
        check()
    assert clock.readings - before == 10
    assert figures(timers)["risk"] == (500 * READING_BARS, 500 * READING_BARS, 10 * READING_BARS, 50)


def test_what_a_long_call_waited_is_no_cpu_time(clock: Clock) -> None:
    timers = StageTimers()
    long_ns = round(LONG_S * 1e9)
    waits = {"update": 0, "decide": 0}
    on_bar = timers.timed_pipeline(
        lambda bar: True,
        lambda data: clock.work(100, waits["update"])(),
        lambda figures: clock.work(30, waits["decide"])(),
        None,
    )
    on_bar(None, None)
    waits["update"] = 5 * long_ns
    on_bar(None, None)
    waits["update"], waits["decide"] = 0, 3 * long_ns
    on_bar(None, None)
    assert figures(timers)["metrics"] == (300 + 5 * long_ns, 300, 3, 100 + 5 * long_ns)
    assert figures(timers)["strategy"] == (90 + 3 * long_ns, 90, 3, 30 + 3 * long_ns)


def test_a_long_call_that_computes_keeps_its_cpu_time(clock: Clock) -> None:
    timers = StageTimers()
    long_ns = round(LONG_S * 1e9)
    on_bar = timers.timed_pipeline(lambda bar: True, clock.work(7 * long_ns), clock.work(30), None)
    clock.work(10, 20)()  # the engine, between: its waiting is not the stage's unless the stage is as long
    on_bar(None, None)
    wall_ns, cpu_ns, _, _ = figures(timers)["metrics"]
    assert wall_ns - cpu_ns == 20
    check = timers.timed_often("risk", clock.work(2 * long_ns, long_ns))
    check()
    assert figures(timers)["risk"] == (3 * long_ns, 2 * long_ns, 1, 3 * long_ns)


def test_waiting_of_a_nested_call_is_taken_off_once(clock: Clock) -> None:
    timers = StageTimers()
    long_ns = round(LONG_S * 1e9)
    orders = timers.timed("orders", clock.work(400, 4 * long_ns))
    on_bar = timers.timed_pipeline(
        lambda bar: True, clock.work(100), lambda figures: (clock.work(2 * long_ns, long_ns)(), orders()), None
    )
    on_bar(None, None)
    assert figures(timers)["orders"] == (400 + 4 * long_ns, 400, 1, 400 + 4 * long_ns)
    assert figures(timers)["strategy"] == (3 * long_ns, 2 * long_ns, 1, 3 * long_ns)
    assert figures(timers)["metrics"] == (100, 100, 1, 100)


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
