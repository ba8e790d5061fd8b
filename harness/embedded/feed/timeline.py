"""The time steps of one day, over all subscriptions.

A :class:`DayPlan` merges the end times of all bars of a day into one sorted list; a step of the loop is an index into
it. Per subscription it holds what is emitted at each step as one integer, so that a step costs nothing until somebody
reads a bar. Source of the rules: Lean's ``SubscriptionSynchronizer`` and ``TimeSliceFactory`` (one slice per distinct
end time, trades before quotes, the bar of the highest resolution where a symbol has several).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.embedded.data import BarFrame, QuoteBars, TradeBars, view_of
from harness.embedded.feed.subscription import CARRIED, LATE, NO_BAR, DayRows, Subscription

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]


class SubscriptionDay:
    """One subscription on the day's time steps: ``codes[step]`` as in :class:`DayRows`, ``NO_BAR`` where silent."""

    __slots__ = (
        "carry_frame",
        "carry_row",
        "codes",
        "frame",
        "index",
        "last_real",
        "real_steps",
        "rows",
        "subscription",
        "view",
    )

    def __init__(self, subscription: Subscription, rows: DayRows, timeline: Int64, index: int) -> None:
        self.subscription = subscription
        self.index = index
        self.frame: BarFrame | None = rows.frame
        self.rows = rows
        self.carry_frame = subscription.carry_frame
        self.carry_row = subscription.carry_row
        if len(rows.end_us) == len(timeline):
            self.codes = np.ascontiguousarray(rows.codes)
        else:
            self.codes = np.full(len(timeline), NO_BAR, dtype=np.int32)
            self.codes[np.searchsorted(timeline, rows.end_us)] = rows.codes
        # Codes of real bars are even; counting them is quicker than looking their times up.
        self.real_steps = np.flatnonzero((self.codes >= 0) & (self.codes & 1 == 0))
        if len(self.real_steps) != len(rows.real_end_us):
            self.real_steps = np.searchsorted(timeline, rows.real_end_us)
        self.view = view_of(self.codes)

    def bar(self, step: int, plan: DayPlan) -> Any:
        """The bar emitted at a step (its code is not ``NO_BAR``)."""
        code = self.view[step]
        subscription = self.subscription
        if code == CARRIED:
            frame, row, filled = self.carry_frame, self.carry_row, 1
        elif code == LATE:
            frame, row, filled = self.rows.late_frame, int(self.rows.real_rows[-1]), 1
        else:
            frame, row, filled = self.frame, code >> 1, code & 1
        if not filled:
            return subscription._bar_class.of_row(frame, row)
        shown_us = plan.times[step] + plan.exchange_offset_us
        return subscription._bar_class.filled_forward(frame, row, *subscription.filled_span(plan.day, shown_us))


class DayPlan:
    """All subscriptions on the time steps of one local day.

    ``times``: UTC microseconds of the steps, ascending, as Python integers. ``exchange_offset_us``: local minus UTC.
    ``after_us``: UTC; bars end later than this.
    """

    def __init__(
        self,
        day: date,
        subscriptions: Sequence[Subscription],
        fill_forward_us: int,
        after_us: int,
        exchange_offset_us: int,
        extra_times: Iterable[int] = (),
    ) -> None:
        self.day = day
        self.after_us = after_us
        self.exchange_offset_us = exchange_offset_us
        rows = [subscription.day(day, fill_forward_us, after_us) for subscription in subscriptions]
        self.timeline = _merge([r.end_us for r in rows], extra_times)
        self.times: list[int] = self.timeline.tolist()
        self.data_points = sum(len(r.end_us) for r in rows)
        self.subscriptions = [
            SubscriptionDay(subscription, r, self.timeline, index)
            for index, (subscription, r) in enumerate(zip(subscriptions, rows, strict=True))
        ]
        self.trade_by_symbol: dict[Any, list[SubscriptionDay]] = {}
        self.quote_by_symbol: dict[Any, list[SubscriptionDay]] = {}
        users = [s for s in self.subscriptions if not s.subscription.is_internal]
        for sub in sorted(users, key=lambda s: s.subscription.period_us):
            by_symbol = self.quote_by_symbol if sub.subscription.is_quote else self.trade_by_symbol
            by_symbol.setdefault(sub.subscription.symbol, []).append(sub)
        self.user_data = _any_code(users, len(self.times))

    def has_user_data(self, step: int) -> bool:
        """Whether a subscription of the algorithm itself emits something at a step."""
        return bool(self.user_data[step])

    def trade_bars(self, step: int) -> TradeBars:
        return StepTradeBars(self, step)

    def quote_bars(self, step: int) -> QuoteBars:
        return StepQuoteBars(self, step)

    def finish(self) -> None:
        """Hand the last real bar of the day on to the subscriptions, for fill-forward on the next day."""
        for sub in self.subscriptions:
            sub.subscription.carry_on(sub.rows)

    def interrupt(self, step: int) -> None:
        """As :meth:`finish`, up to and including a step: the rest of the day is planned anew."""
        for sub in self.subscriptions:
            count = int(np.searchsorted(sub.real_steps, step, side="right"))
            sub.subscription.carry_on(sub.rows, count)


def _merge(parts: Sequence[Int64], extra: Iterable[int]) -> Int64:
    """Sorted distinct values; the usual case, all parts equal, costs a comparison each."""
    more = np.array(sorted(extra), dtype=np.int64)
    candidates = [part for part in parts if len(part)]
    if len(more):
        candidates.append(more)
    if not candidates:
        return np.empty(0, dtype=np.int64)
    merged = max(candidates, key=len)
    for part in candidates:
        if part is merged or (len(part) == len(merged) and np.array_equal(part, merged)):
            continue
        place = np.searchsorted(merged, part)
        inside = place < len(merged)
        if inside.all() and np.array_equal(merged[place], part):
            continue
        merged = np.union1d(merged, part)
    return merged


def _any_code(subs: Sequence[SubscriptionDay], length: int) -> memoryview:
    flags = np.zeros(length, dtype=np.uint8)
    for sub in subs:
        if len(sub.rows.end_us) == length:
            flags[:] = 1
            break
        flags |= sub.codes != NO_BAR
    return view_of(flags)


class StepTradeBars(TradeBars):
    """Trade bars of one step; a bar is made when it is first looked up."""

    __slots__ = ("_complete", "_made", "_plan", "_step")

    def __init__(self, plan: DayPlan, step: int) -> None:
        self._plan = plan
        self._step = step
        self._made: dict[Any, Any] = {}
        self._complete = False

    def _table(self) -> dict[Any, list[SubscriptionDay]]:
        return self._plan.trade_by_symbol

    @property
    def _items(self) -> dict[Any, Any]:  # type: ignore[override]
        if not self._complete:
            for symbol in self._table():
                if symbol not in self._made:
                    self._find(symbol)
            self._complete = True
        return self._made

    def _find(self, symbol: Any) -> Any:
        step = self._step
        for sub in self._table().get(symbol, ()):
            if sub.view[step] != NO_BAR:
                bar = sub.bar(step, self._plan)
                # The bar's own symbol has the ticker of its day.
                self._made[bar.symbol] = bar
                return bar
        return None

    def contains_key(self, symbol: Any) -> bool:
        step = self._step
        return any(sub.view[step] != NO_BAR for sub in self._table().get(self._key(symbol), ()))

    __contains__ = contains_key
    ContainsKey = contains_key
    containsKey = contains_key  # noqa: N815 (pythonnet's third spelling)
    has_key = contains_key

    def get(self, symbol: Any, default: Any = None) -> Any:
        key = self._key(symbol)
        bar = self._made.get(key)
        if bar is None:
            bar = self._find(key)
        return bar if bar is not None else default

    get_value = get
    GetValue = get

    def __getitem__(self, symbol: Any) -> Any:
        bar = self.get(symbol)
        if bar is None:
            return TradeBars.__getitem__(self, symbol)
        return bar


class StepQuoteBars(StepTradeBars, QuoteBars):
    """Quote bars of one step."""

    __slots__ = ()
    _kind = "QuoteBars"

    def _table(self) -> dict[Any, list[SubscriptionDay]]:
        return self._plan.quote_by_symbol
