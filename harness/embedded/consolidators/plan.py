"""When the bars of a time-period trade bar consolidator are made, for a whole batch of rows at once.

The engine consolidates in columns: given the rows of one subscription and the steps of the loop, :func:`plan` says
which rows form each bar and at which step, at which algorithm time and in which phase of the step it is emitted. The
answer is the one :class:`TradeBarConsolidator` and ``SubscriptionManager.scan_past_consolidators`` give when they are
driven step by step.

Rows that fill their bar to its end (the usual case) are planned with numpy: such a bar is always emitted in the step
of its last row, by the scan after the update. Bars that end in a gap are walked through row by row.

Source of the rules: ``PeriodCountConsolidatorBase.Update``/``Scan``, ``SubscriptionManager.ScanPastConsolidators`` and
``ConsolidatorWrapper.AdvanceScanTime`` of Lean.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from harness.embedded.consolidators.period_specification import DAY_US, round_down_us
from harness.embedded.reference.time_zones import TimeZone

Int64 = npt.NDArray[np.int64]
Int8 = npt.NDArray[np.int8]
_BEFORE_ALL_TIME = -(2**62)
_EPOCH_FROM_YEAR_ONE_US = 719_162 * DAY_US
_HOUR_US = 3_600_000_000
_CARRIED = -1


class Phase(IntEnum):
    """Where in a step of the loop a bar is emitted."""

    SCAN_PAST = 0
    """Before the step's time is set; the algorithm's time is that of the scan."""
    UPDATE = 1
    """When the step's row arrives, before it is added to a bar."""
    SCAN = 2
    """After the step's row was added."""


@dataclass(frozen=True, slots=True)
class PlanState:
    """What one batch leaves to the next. Times are microseconds; local ones are the exchange's."""

    entry_us: int
    """When the consolidator's entry in the queue of scans comes up (UTC)."""
    scan_us: int
    """When its next scan is due (UTC)."""
    increment_us: int
    """Length of the subscription's bars, at least a second."""
    bar_span_us: int | None = None
    """Length of the first bar made, ``None`` before it."""
    last_emit_us: int = _BEFORE_ALL_TIME
    """End of the last bar made (local)."""
    working_start_us: int | None = None
    """Start of the unfinished bar (local); its rows are the last ones of the batch."""
    working_first_row: int = 0
    """First row of the unfinished bar in its batch; -1 if it already began in an earlier one."""

    @classmethod
    def initial(cls, now_us: int, increment_us: int) -> PlanState:
        """A consolidator just added; ``now_us`` is the algorithm's UTC time when it is first scanned."""
        increment_us = max(increment_us, 1_000_000)
        due_us = now_us + increment_us
        return cls(due_us, due_us, increment_us)


@dataclass(frozen=True, slots=True)
class EmissionPlan:
    """The bars of a batch in the order they are made; all arrays have one element a bar."""

    first_row: Int64
    """First row of the bar; -1 where the bar began in an earlier batch (then all rows from 0 belong to it)."""
    last_row: Int64
    """Last row of the bar; -1 where all of it lies in earlier batches."""
    start_us: Int64
    """Start of the bar, exchange-local."""
    step: Int64
    """Index of the step in which the bar is emitted."""
    utc_us: Int64
    """Algorithm time at the emission."""
    phase: Int8
    """A :class:`Phase` each."""
    state: PlanState

    def __len__(self) -> int:
        return len(self.first_row)


class _Walk:
    """The consolidator and its scan schedule, moved row by row."""

    def __init__(self, period_us: int, state: PlanState, step_utc_us: Int64, zone: TimeZone) -> None:
        self.period_us = period_us
        self.step_utc_us = step_utc_us
        self.zone = zone
        self.increment_us = state.increment_us
        self.entry_us = state.entry_us
        self.scan_us = state.scan_us
        self.span_us = state.bar_span_us
        self.last_emit_us = state.last_emit_us
        self.working_start_us = state.working_start_us
        self.first_row = _CARRIED
        self.last_row = _CARRIED
        self.bars: list[tuple[int, int, int, int, int, int]] = []

    def state(self) -> PlanState:
        return PlanState(
            self.entry_us,
            self.scan_us,
            self.increment_us,
            self.span_us,
            self.last_emit_us,
            self.working_start_us,
            self.first_row,
        )

    def _emit(self, step: int, utc_us: int, phase: Phase) -> None:
        start_us = self.working_start_us
        assert start_us is not None
        self.bars.append((self.first_row, self.last_row, start_us, step, utc_us, int(phase)))
        end_us = start_us + self.period_us
        self.last_emit_us = end_us
        self.working_start_us = None
        if self.span_us is None:
            self.span_us = max(self.period_us, self.increment_us)
        self.scan_us = self.zone.local_us_to_utc_us(end_us) + self.span_us

    def _due(self, local_us: int) -> bool:
        start_us = self.working_start_us
        return (
            start_us is not None
            and local_us - start_us >= self.period_us
            and round_down_us(local_us, self.period_us) > self.last_emit_us
        )

    def scan_past(self, until_us: int) -> None:
        """All scans before a UTC time."""
        while self.entry_us < until_us:
            now_us = self.entry_us
            if self.scan_us <= now_us:
                working = self.working_start_us is not None
                if working and self._due(now_us + self.zone.offset_us(now_us)):
                    step = int(np.searchsorted(self.step_utc_us, now_us, side="right"))
                    self._emit(step, now_us, Phase.SCAN_PAST)
                self._advance(now_us, until_us)
            self.entry_us = self.scan_us

    def _advance(self, now_us: int, until_us: int) -> None:
        if self.scan_us > now_us:
            return
        step_us = self.span_us
        if step_us is None:
            if self.working_start_us is not None:
                end_us = self.zone.local_us_to_utc_us(self.working_start_us + self.period_us)
                if end_us > now_us:
                    self.scan_us = end_us
                    return
            step_us = self.increment_us
        count = 1
        if self.working_start_us is None:
            count = max(1, -(-(until_us - now_us) // step_us))
        self.scan_us = now_us + count * step_us

    def row(self, row: int, start_us: int, end_us: int, step: int, local_us: int) -> None:
        """One row: the scans before its step, its update, and the scan after it."""
        utc_us = int(self.step_utc_us[step])
        self.scan_past(utc_us)
        period_us = self.period_us
        if (
            self.working_start_us is not None
            and start_us - self.working_start_us >= period_us
            and self._bar_start(start_us, end_us) > self.last_emit_us
        ):
            self._emit(step, utc_us, Phase.UPDATE)
        if start_us >= self.last_emit_us:
            if self.working_start_us is None:
                self.working_start_us = self._bar_start(start_us, end_us)
                self.first_row = row
            self.last_row = row
        if self._due(local_us):
            self._emit(step, utc_us, Phase.SCAN)

    def _bar_start(self, start_us: int, end_us: int) -> int:
        potential_us = round_down_us(start_us, self.period_us)
        if potential_us + self.period_us < end_us:
            if end_us - start_us == _HOUR_US and potential_us // DAY_US < start_us // DAY_US:
                return round_down_us(end_us, self.period_us)
            return start_us
        return potential_us


def plan(
    start_us: Int64,
    end_us: Int64,
    row_step: Int64,
    step_utc_us: Int64,
    step_local_us: Int64,
    *,
    period_us: int,
    zone: TimeZone,
    state: PlanState,
) -> EmissionPlan:
    """The bars that a consolidator of ``period_us`` (at most a day) makes of a batch of rows.

    ``start_us``/``end_us``: int64, exchange-local times of the rows given to ``update``, fill-forward rows included,
    one row a step at most. ``row_step``: index of each row's step. ``step_utc_us``/``step_local_us``: the times of all
    steps of the loop in the batch, those without a row of this subscription too; strictly increasing.
    """
    count = len(start_us)
    walk = _Walk(period_us, state, step_utc_us, zone)
    bar_of_row = start_us - (start_us + _EPOCH_FROM_YEAR_ONE_US) % period_us
    if (
        count
        and bool(np.all(end_us <= bar_of_row + period_us))
        and bool(np.all(step_local_us[row_step] == end_us))
        # Near a change of the clock a bar's end may stand for another instant than its step.
        and zone.offset_us(int(step_utc_us[0]) - DAY_US) == zone.offset_us(int(step_utc_us[-1]) + DAY_US)
    ):
        edges = np.flatnonzero(np.diff(bar_of_row)) + 1
        firsts = np.concatenate(([0], edges))
        lasts = np.concatenate((edges, [count])) - 1
        full = end_us[lasts] == bar_of_row[lasts] + period_us
        rows = _Rows(start_us, end_us, row_step, step_local_us, bar_of_row)
        return _plan_groups(walk, rows, firsts, lasts, full)
    _walk_rows(walk, _Rows(start_us, end_us, row_step, step_local_us, bar_of_row), 0, count)
    return _finish(walk, [], step_utc_us)


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of a batch: local start and end, step, local times of all steps, and start of the bar of each row."""

    start_us: Int64
    end_us: Int64
    step: Int64
    step_local_us: Int64
    bar_us: Int64


def _walk_rows(walk: _Walk, rows: _Rows, first: int, stop: int) -> None:
    for row in range(first, stop):
        step = int(rows.step[row])
        walk.row(row, int(rows.start_us[row]), int(rows.end_us[row]), step, int(rows.step_local_us[step]))


def _plan_groups(walk: _Walk, rows: _Rows, firsts: Int64, lasts: Int64, full: npt.NDArray[np.bool_]) -> EmissionPlan:
    """Runs of full bars at once, everything else by walking."""
    groups = len(firsts)
    step_utc_us = walk.step_utc_us
    period_us = walk.period_us
    parts: list[tuple[Int64, ...]] = []
    last_utc_us = step_utc_us[rows.step[lasts]]
    group = 0
    while group < groups:
        stop = group
        if walk.working_start_us is None and int(rows.start_us[firsts[group]]) >= walk.last_emit_us:
            irregular = np.flatnonzero(~full[group:])
            stop = groups if len(irregular) == 0 else group + int(irregular[0])
        run = _run_length(last_utc_us, group, stop, period_us)
        if run:
            taken = slice(group, group + run)
            ends = lasts[taken]
            parts.append(
                (
                    np.asarray(firsts[taken]),
                    ends,
                    rows.bar_us[ends],
                    rows.step[ends],
                    last_utc_us[taken],
                    np.full(run, int(Phase.SCAN), dtype=np.int64),
                )
            )
            _after_run(walk, int(rows.bar_us[ends[-1]]), int(last_utc_us[group + run - 1]))
            group += run
            continue
        before = len(walk.bars)
        _walk_rows(walk, rows, int(firsts[group]), int(lasts[group]) + 1)
        if len(walk.bars) > before:
            parts.append(tuple(np.array(column, dtype=np.int64) for column in zip(*walk.bars[before:], strict=True)))
        group += 1
    walk.bars.clear()
    return _finish(walk, parts, step_utc_us)


def _run_length(last_utc_us: Int64, group: int, stop: int, period_us: int) -> int:
    """How many full bars from ``group`` on may be planned at once.

    The run must end with two bars that follow each other without a gap: from there the schedule of scans is known
    without having followed it.
    """
    if stop - group < 2:
        return 0
    contiguous = np.flatnonzero(np.diff(last_utc_us[group:stop]) == period_us)
    return 0 if len(contiguous) == 0 else int(contiguous[-1]) + 2


def _after_run(walk: _Walk, bar_start_us: int, emitted_utc_us: int) -> None:
    """The state after two full bars in a row.

    Between their ends the queue's entry came up, found the next scan due one period later and was set to it, so entry
    and emission now coincide and the next scan is one period away.
    """
    walk.last_emit_us = bar_start_us + walk.period_us
    walk.working_start_us = None
    if walk.span_us is None:
        walk.span_us = max(walk.period_us, walk.increment_us)
    walk.entry_us = emitted_utc_us
    walk.scan_us = emitted_utc_us + walk.span_us


def _finish(walk: _Walk, parts: list[tuple[Int64, ...]], step_utc_us: Int64) -> EmissionPlan:
    if len(step_utc_us):
        walk.scan_past(int(step_utc_us[-1]))
    if walk.bars:
        parts.append(tuple(np.array(column, dtype=np.int64) for column in zip(*walk.bars, strict=True)))
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)] if parts else [np.empty(0, np.int64)] * 6
    state = walk.state()
    if state.working_start_us is None:
        state = replace(state, working_first_row=0)
    first_row, last_row, start_us, step, utc_us, phase = columns
    return EmissionPlan(first_row, last_row, start_us, step, utc_us, phase.astype(np.int8), state)
