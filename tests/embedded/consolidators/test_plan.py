"""The columnar plan must make the bars that the event-driven consolidator makes, at the same steps and times."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.embedded.clock import Clock, from_us
from harness.embedded.clr import use_engine_context
from harness.embedded.consolidators.period import TradeBarConsolidator
from harness.embedded.consolidators.plan import Phase, PlanState, plan
from harness.embedded.consolidators.subscription_manager import SubscriptionManager
from harness.embedded.data import TradeBar
from harness.embedded.enums import Resolution, TickType
from harness.embedded.reference.time_zones import TimeZone

SECOND = 1_000_000
ZONE = TimeZone.get("America/New_York")
# 2025-10-31 09:30 in New York; the clock changes on the second of November.
OPEN_US = 1_761_917_400 * SECOND
Emission = tuple[int, int, int, int, int, int]
Case = tuple[list[tuple[int, int]], list[int], int, int, int]


@dataclass
class Recorder:
    clock: Clock
    emissions: list[Emission] = field(default_factory=list)
    step: int = 0
    phase: Phase = Phase.SCAN_PAST

    def take(self, _: Any, bar: TradeBar) -> None:
        first, last = int(bar._open), int(bar._close)
        self.emissions.append((first, last, bar._start_us, self.step, self.clock.utc_us, int(self.phase)))


def drive(case: Case) -> list[Emission]:
    """Step by step: rows are (step, local start); open and close of a bar are the numbers of its rows."""
    rows, steps, length_us, period_us, first_now = case
    use_engine_context()
    clock = Clock(first_now)
    config = SimpleNamespace(
        symbol="X",
        tick_type=TickType.TRADE,
        resolution=Resolution.SECOND if length_us == SECOND else Resolution.MINUTE,
        is_internal_feed=False,
        exchange_time_zone="America/New_York",
        consolidators=[],
    )
    manager = SubscriptionManager(clock, lambda: [config])
    consolidator = TradeBarConsolidator(timedelta(microseconds=period_us))
    recorder = Recorder(clock)
    manager.add_consolidator("X", consolidator)
    consolidator.data_consolidated += recorder.take
    by_step = {step: (number, start) for number, (step, start) in enumerate(rows)}
    for index, utc_us in enumerate(steps):
        recorder.step, recorder.phase = index, Phase.SCAN_PAST
        manager.scan_past_consolidators(utc_us)
        clock.utc_us = utc_us
        if index in by_step:
            number, start = by_step[index]
            values = [Decimal(number)] * 4 + [Decimal(1)]
            bar = TradeBar.of_values("X", start, start + length_us, values)  # type: ignore[arg-type]
            recorder.phase = Phase.UPDATE
            consolidator.update(bar)
            recorder.phase = Phase.SCAN
            consolidator.scan(from_us(utc_us + ZONE.offset_us(utc_us)))
    return recorder.emissions


def planned(case: Case, cut: int) -> list[Emission]:
    """The same by :func:`plan`, in two batches that part at step ``cut``."""
    rows, steps, length_us, period_us, first_now = case
    state = PlanState.initial(first_now, length_us)
    found: list[Emission] = []
    carried_first = 0
    for low, high in ((0, cut), (cut, len(steps))):
        if low == high:
            continue
        mine = [(step - low, start, number) for number, (step, start) in enumerate(rows) if low <= step < high]
        utc = np.array(steps[low:high], dtype=np.int64)
        local = np.array([us + ZONE.offset_us(us) for us in steps[low:high]], dtype=np.int64)
        starts = np.array([start for _, start, _ in mine], dtype=np.int64)
        result = plan(
            starts,
            starts + length_us,
            np.array([step for step, _, _ in mine], dtype=np.int64),
            utc,
            local,
            period_us=period_us,
            zone=ZONE,
            state=state,
        )
        offset = mine[0][2] if mine else len(rows)
        for first, last, start, step, when, phase in zip(
            result.first_row, result.last_row, result.start_us, result.step, result.utc_us, result.phase, strict=True
        ):
            first_number = carried_first if first < 0 else int(first) + offset
            last_number = (offset - 1) if last < 0 else int(last) + offset
            found.append((first_number, last_number, int(start), int(step) + low, int(when), int(phase)))
        if result.state.working_start_us is not None and result.state.working_first_row >= 0:
            carried_first = result.state.working_first_row + offset
        state = result.state
    return found


@st.composite
def sessions(draw: st.DrawFn) -> tuple[Case, int]:
    length = draw(st.sampled_from([SECOND, 60 * SECOND]))
    period = length * draw(st.sampled_from([1, 2, 5, 7, 15, 60, 300]))
    period = min(period, 86_400 * SECOND)
    runs = draw(
        st.lists(
            st.tuples(
                st.integers(0, 40) | st.sampled_from([400, 4000, 70_000, 190_000]),  # bars skipped before the run
                st.integers(1, 40),  # rows
                st.booleans(),  # whether the steps of the gap exist (other symbols trade)
            ),
            min_size=1,
            max_size=6,
        )
    )
    rows: list[tuple[int, int]] = []
    steps: list[int] = []
    utc = OPEN_US
    for longest, count, others in runs:
        gap = min(longest, 190_000 * SECOND // length)
        if others:
            stride = max(1, gap // 20)
            steps.extend(utc + length * position for position in range(1, gap + 1, stride))
        utc += gap * length
        for _ in range(count):
            utc += length
            if steps and steps[-1] >= utc:
                continue
            rows.append((len(steps), utc + ZONE.offset_us(utc) - length))
            steps.append(utc)
    cut = draw(st.integers(0, len(steps)))
    first_now = OPEN_US - draw(st.sampled_from([0, 1, 15, 3600, 34_200])) * SECOND
    return (rows, steps, length, period, first_now), cut


@settings(max_examples=150, deadline=None)
@given(sessions())
def test_plan_equals_the_event_driven_consolidator(session: tuple[Case, int]) -> None:
    case, cut = session
    assert planned(case, cut) == drive(case)


def test_fifteen_second_bars_of_a_full_morning_are_emitted_with_their_last_row() -> None:
    steps = [OPEN_US + SECOND * (index + 1) for index in range(3600)]
    rows = [(index, utc + ZONE.offset_us(utc) - SECOND) for index, utc in enumerate(steps)]
    case: Case = (rows, steps, SECOND, 15 * SECOND, OPEN_US)
    found = planned(case, len(steps))
    assert len(found) == 240
    assert found == drive(case)
    assert found[0] == (0, 14, rows[0][1], 14, steps[14], int(Phase.SCAN))


@pytest.mark.parametrize("period_s", [15, 60])
def test_bar_that_ends_in_a_gap_is_made_at_its_end_before_the_next_later_step(period_s: int) -> None:
    steps = [OPEN_US + SECOND * (index + 1) for index in range(200)]
    rows = [(index, steps[index] + ZONE.offset_us(steps[index]) - SECOND) for index in range(70)]
    case: Case = (rows, steps, SECOND, period_s * SECOND, OPEN_US)
    found = planned(case, len(steps))
    last = found[-1]
    end_us = (70 // period_s + 1) * period_s * SECOND
    assert last[4] == OPEN_US + end_us
    assert steps[last[3]] == OPEN_US + end_us + SECOND
    assert last[5] == int(Phase.SCAN_PAST)
    assert found == drive(case)
