"""Consolidated bars made in columns, a day ahead of the loop, and handed out at the steps at which Lean makes them.

A plain time-period :class:`TradeBarConsolidator` that was there when the day began is planned: which rows form each
bar and when it is emitted comes from ``consolidators.plan``, open, high, low, close and volume from the day's columns.
All others are driven step by step. Source of the rules: as named in ``consolidators.plan``.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.embedded.clr import ZERO
from harness.embedded.consolidators.period import TradeBarConsolidator
from harness.embedded.consolidators.plan import EmissionPlan, Phase, PlanState, plan
from harness.embedded.consolidators.subscription_manager import SubscriptionManager
from harness.embedded.data import BarFrame, TradeBar, view_of
from harness.embedded.feed.subscription import CARRIED, DAY_US, LATE, NO_BAR
from harness.embedded.feed.timeline import DayPlan, SubscriptionDay
from harness.embedded.naming import lean_api
from harness.embedded.reference.time_zones import TimeZone

if TYPE_CHECKING:
    from harness.embedded.engine import EngineContext

_OPEN, _HIGH, _LOW, _CLOSE, _VOLUME = range(5)


@lean_api
class SubscriptionDataConfigService:
    """What user code asks of the subscriptions. Source: Lean's ``ISubscriptionDataConfigService``."""

    def __init__(self, engine: EngineContext) -> None:
        self._engine = engine

    def get_subscription_data_configs(self, symbol: Any = None, include_internal_configs: bool = False) -> list[Any]:
        configs = self._engine.data.configs
        wanted = None if symbol is None else self._engine.symbol_of(symbol)
        return [
            config
            for config in configs
            if (include_internal_configs or not config.is_internal_feed) and wanted in (None, config.symbol)
        ]


@lean_api
class ObservedSubscriptionManager(SubscriptionManager):
    """A subscription manager that tells the loop when consolidators come or go."""

    engine: EngineContext

    @property
    def subscription_data_config_service(self) -> SubscriptionDataConfigService:
        return SubscriptionDataConfigService(self.engine)

    def add_consolidator(self, *args: Any, **kwargs: Any) -> None:
        super().add_consolidator(*args, **kwargs)
        self.engine.data.consolidators_changed = True

    def remove_consolidator(self, *args: Any, **kwargs: Any) -> None:
        super().remove_consolidator(*args, **kwargs)
        self.engine.data.consolidators_changed = True


def can_be_planned(consolidator: Any, period_us: int) -> bool:
    """Whether a consolidator is of the kind that ``consolidators.plan`` describes."""
    if type(consolidator) is not TradeBarConsolidator or consolidator.max_count is not None:
        return False
    bar_us = consolidator.specification.period_us
    return consolidator.specification.is_plain and bar_us is not None and period_us <= bar_us <= DAY_US


class _Rows:
    """What a subscription hands to its consolidators on a day, fill-forward bars included.

    ``start_us``/``end_us``: exchange-local times; ``steps``: the step of each row. ``columns``: int64 mantissas of
    open, high, low, close, and exact volumes, all of one scale and price factor, or ``None`` where rows of different
    factors meet.
    """

    def __init__(self, day: SubscriptionDay, plan_of_day: DayPlan) -> None:
        self.day = day
        codes = day.codes
        self.steps = np.flatnonzero(codes != NO_BAR)
        self.codes = codes[self.steps]
        offset = plan_of_day.exchange_offset_us
        shown_us = plan_of_day.timeline[self.steps] + offset
        real = (self.codes >= 0) & (self.codes & 1 == 0)
        self.start_us, self.end_us = np.empty_like(shown_us), shown_us.copy()
        frame = day.frame
        if frame is not None and real.any():
            self.start_us[real] = frame.start_us[self.codes[real] >> 1]
        if not real.all():
            again = ~real
            spans = day.subscription.filled_spans(plan_of_day.day, shown_us[again])
            self.start_us[again], self.end_us[again] = spans
        self.columns = self._columns(real)

    def _columns(self, real: Any) -> tuple[Any, ...] | None:
        frame, carry = self.day.frame, self.day.carry_frame
        carried = self.codes == CARRIED
        if frame is None:
            frame = carry
        if frame is None or (self.codes == LATE).any():
            return None
        if carried.any() and (
            carry is None or (carry.scale, carry.factor, carry.addend) != (frame.scale, frame.factor, frame.addend)
        ):
            return None
        rows = np.where(self.codes >= 0, self.codes >> 1, 0)
        columns = []
        for column in range(4):
            whole_day = self.day.frame
            values = np.zeros(len(rows), dtype=np.int64) if whole_day is None else whole_day.columns[column][rows]
            if carry is not None and carried.any():
                values = np.where(carried, int(carry.mantissa(column)[self.day.carry_row]), values)
            columns.append(values)
        volumes = np.zeros(len(rows), dtype=np.int64)
        if real.any():
            assert self.day.frame is not None
            whole = _whole_volumes(self.day.frame, rows[real])
            if whole is None:
                return None
            volumes[real] = whole
        return (*columns, volumes)

    @property
    def frame(self) -> BarFrame:
        frame = self.day.frame if self.day.frame is not None else self.day.carry_frame
        assert frame is not None
        return frame

    def exact(self, row: int) -> list[Decimal]:
        """Open, high, low, close and volume of one row, exactly."""
        code = int(self.codes[row])
        if code == CARRIED:
            carry = self.day.carry_frame
            assert carry is not None
            return [*(carry.exact(c, self.day.carry_row) for c in range(4)), ZERO]
        if code == LATE:
            late, last = self.day.rows.late_frame, int(self.day.rows.real_rows[-1])
            assert late is not None
            return [*(late.exact(c, last) for c in range(4)), ZERO]
        frame = self.day.frame
        assert frame is not None
        index = code >> 1
        volume = ZERO if code & 1 else frame.exact(_VOLUME, index)
        return [*(frame.exact(c, index) for c in range(4)), volume]


def _whole_volumes(frame: BarFrame, rows: Any) -> Any:
    """Volumes as Lean scales and rounds them, one by one, as integers; ``None`` where they hold fractions."""
    raw = frame.columns[_VOLUME][rows]
    factor = frame._volume_factor
    if frame.volume_scale:
        return None
    if factor is None or factor == 1:
        return raw
    scaled = raw * float(factor)
    whole = np.rint(scaled).astype(np.int64)
    # Near a half the product in doubles may fall on the wrong side: take the exact one there.
    close = np.flatnonzero(np.abs(np.abs(scaled - np.floor(scaled)) - 0.5) < 1e-6)
    for index in close.tolist():
        whole[index] = int(frame.exact(_VOLUME, int(rows[index])))
    return whole


class PlannedConsolidator:
    """One planned consolidator on one day."""

    def __init__(
        self, consolidator: Any, state: PlanState, carried: list[Decimal] | None, rows: _Rows, of_day: DayPlan
    ) -> None:
        self.consolidator = consolidator
        self.first_state = state
        self.first_carried = carried
        self.rows = rows
        self.of_day = of_day
        self.made = 0
        self.period_us = int(consolidator.specification.period_us)
        self.emissions = self._plan(len(rows.steps), of_day.timeline)
        self.state = self.emissions.state
        self.frame: BarFrame | None = None
        self.bars: list[TradeBar] | None = None
        self._make_bars()

    def _plan(self, count: int, timeline: Any) -> EmissionPlan:
        rows = self.rows
        return plan(
            rows.start_us[:count],
            rows.end_us[:count],
            rows.steps[:count],
            timeline,
            timeline + self.of_day.exchange_offset_us,
            period_us=self.period_us,
            zone=TimeZone.get(rows.day.subscription.config.exchange_time_zone),
            state=self.first_state,
        )

    def _make_bars(self) -> None:
        emissions, rows = self.emissions, self.rows
        if not len(emissions):
            return
        simple = rows.columns is not None and bool((emissions.first_row >= 0).all())
        if simple and bool((emissions.first_row[1:] == emissions.last_row[:-1] + 1).all()):
            assert rows.columns is not None
            first, last = emissions.first_row, emissions.last_row
            columns = rows.columns
            stop = int(last[-1]) + 1
            source = rows.frame
            frame = BarFrame(
                source.symbol,
                emissions.start_us,
                emissions.start_us + self.period_us,
                [
                    columns[_OPEN][first],
                    np.maximum.reduceat(columns[_HIGH][:stop], first),
                    np.minimum.reduceat(columns[_LOW][:stop], first),
                    columns[_CLOSE][last],
                    np.add.reduceat(columns[_VOLUME][:stop], first),
                ],
                period_us=self.period_us,
                scale=source.scale,
                factor=source.factor,
                addend=source.addend,
            )
            frame._volume_factor = None
            self.frame = frame
            return
        self.bars = [
            TradeBar.of_values(
                rows.frame.symbol,
                int(emissions.start_us[i]),
                int(emissions.start_us[i]) + self.period_us,
                self._values(int(emissions.first_row[i]), int(emissions.last_row[i])),
            )
            for i in range(len(emissions))
        ]

    def _values(self, first: int, last: int) -> list[Decimal]:
        """Values of the rows ``first`` to ``last``; -1 as first row: after those of earlier days."""
        values: list[Decimal] | None = None
        if first < 0:
            values = list(self.first_carried) if self.first_carried is not None else None
            first = 0
        for row in range(first, last + 1):
            item = self.rows.exact(row)
            if values is None:
                values = item
                continue
            values[_HIGH] = max(values[_HIGH], item[_HIGH])
            values[_LOW] = min(values[_LOW], item[_LOW])
            values[_CLOSE] = item[_CLOSE]
            values[_VOLUME] += item[_VOLUME]
        assert values is not None
        return values

    def emit(self, index: int) -> None:
        """Make one bar known: Lean's ``OnDataConsolidated``."""
        bar = TradeBar.of_row(self.frame, index) if self.frame is not None else self.bars[index]  # type: ignore[index]
        self.consolidator._on_data_consolidated(bar)
        self.made = index + 1

    def carry(self, last_step: int | None = None) -> tuple[PlanState, list[Decimal] | None]:
        """State and unfinished values after the day, or after one of its steps."""
        if last_step is None:
            state, count = self.state, len(self.rows.steps)
        else:
            count = int(np.searchsorted(self.rows.steps, last_step, side="right"))
            state = self._plan(count, self.of_day.timeline[: last_step + 1]).state
        if state.working_start_us is None:
            return state, None
        return state, self._values(state.working_first_row, count - 1)

    def working(self) -> TradeBar | None:
        """The bar in the making as of the loop's step."""
        step = self.rows.day.subscription.security.cache._cursor.step
        count = int(np.searchsorted(self.rows.steps, step, side="right"))
        if self.made < len(self.emissions):
            first, start = int(self.emissions.first_row[self.made]), int(self.emissions.start_us[self.made])
            last = min(int(self.emissions.last_row[self.made]), count - 1)
        elif self.state.working_start_us is not None:
            first, start, last = self.state.working_first_row, self.state.working_start_us, count - 1
        else:
            return None
        if last < max(first, 0) and not (first < 0 and self.first_carried is not None):
            return None
        return TradeBar.of_values(self.rows.frame.symbol, start, start + self.period_us, self._values(first, last))


class ConsolidationDay:
    """What consolidators do at the steps of a day.

    ``past``: step -> planned bars made before it, ``(utc_us, planned, index)``; ``flags[step]``: whether anything
    happens inside the step; :meth:`run` does it.
    """

    def __init__(self, book: ConsolidationBook, of_day: DayPlan) -> None:
        self.of_day = of_day
        self.book = book
        self.planned: dict[int, PlannedConsolidator] = {}
        self.past: dict[int, list[tuple[int, int, PlannedConsolidator, int]]] = {}
        self._inside: memoryview = memoryview(b"")
        self._makers: list[PlannedConsolidator] = []
        self._indices: list[int] = []
        self._driven: list[SubscriptionDay] = []
        self.flags: bytearray | None = None
        for day in of_day.subscriptions:
            rows: _Rows | None = None
            for consolidator in day.subscription.config.consolidators:
                state = book.state_of(consolidator, day)
                if state is None:
                    continue
                if rows is None:
                    rows = _Rows(day, of_day)
                planned = PlannedConsolidator(consolidator, *state, rows, of_day)
                self.planned[id(consolidator)] = planned
                consolidator._plan_view = planned
        self.refresh()

    def refresh(self) -> None:
        """Look at the lists of consolidators again: some came or went."""
        length = len(self.of_day.times)
        flags = np.zeros(length, dtype=bool)
        self.past = {}
        self._driven = []
        any_flag = False
        inside: list[tuple[PlannedConsolidator, Any]] = []
        order = 0
        for day in self.of_day.subscriptions:
            driven = False
            for consolidator in day.subscription.config.consolidators:
                planned = self.planned.get(id(consolidator))
                order += 1
                if planned is None:
                    driven = True
                    continue
                emissions = planned.emissions
                if not len(emissions):
                    continue
                any_flag = True
                is_past = emissions.phase == Phase.SCAN_PAST
                inside.append((planned, np.flatnonzero(~is_past)))
                for index in np.flatnonzero(is_past).tolist():
                    step = int(emissions.step[index])
                    self.past.setdefault(step, []).append((int(emissions.utc_us[index]), order, planned, index))
            if driven:
                self._driven.append(day)
                flags |= day.codes != NO_BAR
                any_flag = True
        for waiting in self.past.values():
            waiting.sort(key=lambda item: item[:2])
        self._order_inside(inside, length)
        flags |= np.diff(self._inside) > 0
        self.flags = bytearray(flags.tobytes()) if any_flag else None

    def _order_inside(self, inside: list[tuple[PlannedConsolidator, Any]], length: int) -> None:
        """Bars made inside steps, by step and then in the order of subscriptions: those of one step are a slice."""
        if not inside:
            self._inside, self._makers, self._indices = view_of(np.zeros(length + 1, dtype=np.int64)), [], []
            return
        steps = np.concatenate([planned.emissions.step[indices] for planned, indices in inside])
        self._inside = view_of(np.concatenate(([0], np.cumsum(np.bincount(steps, minlength=length)))))
        by_step = np.argsort(steps, kind="stable")
        number = np.repeat(np.arange(len(inside)), [len(indices) for _, indices in inside])
        self._makers = [inside[i][0] for i in number[by_step].tolist()]
        self._indices = np.concatenate([indices for _, indices in inside])[by_step].tolist()

    def run(self, step: int, clock: Any) -> None:
        """Everything consolidators do inside a step, in the order of subscriptions."""
        first, stop = self._inside[step], self._inside[step + 1]
        if not self._driven:
            makers, indices = self._makers, self._indices
            for position in range(first, stop):
                makers[position].emit(indices[position])
            return
        by_consolidator: dict[int, list[int]] = {}
        for planned, index in zip(self._makers[first:stop], self._indices[first:stop], strict=True):
            by_consolidator.setdefault(id(planned.consolidator), []).append(index)
        for day in self.of_day.subscriptions:
            consolidators = day.subscription.config.consolidators
            if not consolidators or day.view[step] == NO_BAR:
                continue
            bar: Any = None
            for consolidator in list(consolidators):
                planned_one = self.planned.get(id(consolidator))
                if planned_one is not None:
                    for index in by_consolidator.get(id(consolidator), ()):
                        planned_one.emit(index)
                    continue
                if bar is None:
                    bar = day.bar(step, self.of_day)
                    local = clock.local(day.subscription.config.exchange_time_zone)
                consolidator.update(bar)
                consolidator.scan(local)

    def close(self, last_step: int | None = None) -> None:
        """Keep the states for what follows: the next day, or the rest of this one after ``last_step``."""
        for planned in self.planned.values():
            self.book.keep(planned.consolidator, *planned.carry(last_step))


class ConsolidationBook:
    """Which consolidators are planned, with their states between days."""

    def __init__(self, engine: EngineContext) -> None:
        self.engine = engine
        self._states: dict[int, tuple[Any, PlanState, list[Decimal] | None]] = {}
        self._driven: dict[int, Any] = {}

    def state_of(self, consolidator: Any, day: SubscriptionDay) -> tuple[PlanState, list[Decimal] | None] | None:
        """The state to plan from, or ``None`` for a consolidator that is driven step by step."""
        key = id(consolidator)
        known = self._states.get(key)
        if known is not None:
            return known[1], known[2]
        if key in self._driven:
            return None
        period_us = day.subscription.period_us
        manager = self.engine.algorithm.subscription_manager
        schedule = manager.schedule_of(consolidator)
        fresh = (
            can_be_planned(consolidator, period_us)
            and schedule is not None
            and consolidator._working is None
            and consolidator._last_emit_us is None
        )
        if not fresh:
            self._driven[key] = consolidator
            return None
        # The exact bars of a frame are long-lived integers; a subscription of quotes never gets here.
        manager.suspend(consolidator)
        state = PlanState.initial(self.engine.clock.utc_us, period_us)
        self._states[key] = (consolidator, state, None)
        return state, None

    def keep(self, consolidator: Any, state: PlanState, carried: list[Decimal] | None) -> None:
        self._states[id(consolidator)] = (consolidator, state, carried)

    def drive(self, consolidators: list[Any]) -> None:
        """Consolidators that came while a day runs are driven step by step from then on."""
        for consolidator in consolidators:
            if id(consolidator) not in self._states:
                self._driven[id(consolidator)] = consolidator
