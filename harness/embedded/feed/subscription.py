"""One subscription's bars, day by day: rows inside the market hours, fill-forward included.

Source of the rules: Lean's ``SubscriptionDataReader`` (which rows are read), ``SubscriptionFilterEnumerator`` (market
hours), ``FillForwardEnumerator`` (which bars are shown again, with which times), ``StrictDailyEndTimesEnumerator``
(daily bars end at the close), ``SubscriptionUtils``/``Extensions.Scale`` (price factors by the date of the last real
bar).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harness.embedded.clock import from_us
from harness.embedded.data import BarFrame, QuoteBar, TradeBar
from harness.embedded.enums import DataNormalizationMode, Resolution, TickType
from harness.embedded.not_supported import NotSupportedError

if TYPE_CHECKING:
    from harness.embedded.feed.config import SubscriptionDataConfig
    from harness.embedded.feed.sources import BarSource

Int64 = npt.NDArray[np.int64]
Int32 = npt.NDArray[np.int32]

NO_BAR = -1
"""Code of a step at which a subscription emits nothing."""
CARRIED = -2
"""Code of a fill-forward bar that repeats a row of an earlier day."""
DAY_US = 86_400_000_000
_HOUR_US = 3_600_000_000
LATE = -3
"""Code of a fill-forward bar that repeats the day's last row with distributions that are known by then only."""
_EMPTY64 = np.empty(0, dtype=np.int64)
_EMPTY32 = np.empty(0, dtype=np.int32)


@dataclass(frozen=True, slots=True)
class DayRows:
    """What one subscription emits on one day.

    ``end_us``: UTC end times, strictly increasing, int64. ``codes``: int32, ``row * 2`` for a real bar,
    ``row * 2 + 1`` for a fill-forward bar that repeats a row of today, ``CARRIED`` for one that repeats the last row
    of an earlier day. ``real_end_us``/``real_rows`` are the real bars alone. ``late_row`` is a row from after the
    session, which is not emitted but shown again from the next session on; -1 if there is none. ``late_frame`` has the
    rows of the day as ``LATE`` bars show them.
    """

    frame: BarFrame | None
    end_us: Int64
    codes: Int32
    real_end_us: Int64
    real_rows: Int32
    late_row: int = -1
    late_frame: BarFrame | None = None


EMPTY_DAY = DayRows(None, _EMPTY64, _EMPTY32, _EMPTY64, _EMPTY32)


class Subscription:
    """A stream of bars with its place in the run: where it starts and ends, and its last real bar.

    ``start_us``/``end_us``: UTC microseconds; a bar belongs if its end is not before the start (after it, when
    ``start_exclusive``) and its local start is not after the end. ``last_end_us`` bounds the ends of bars too.
    ``fill_forward_us``: a fill-forward step of its own, whatever the other subscriptions have. ``scaled_as_read``:
    every row has the price factor of its own day (history), else one shown again has that of the last bar emitted.
    """

    def __init__(
        self,
        config: SubscriptionDataConfig,
        security: Any,
        source: BarSource,
        start_us: int,
        end_us: int,
        *,
        start_exclusive: bool = False,
        last_end_us: int | None = None,
        fill_forward_us: int | None = None,
        scaled_as_read: bool = False,
    ) -> None:
        self.config = config
        self.security = security
        self.symbol = config.symbol
        self.source = source
        self.start_us = start_us
        self.known_from_us = start_us
        """From when its symbol had data, before which nobody looks back."""
        self.end_us = end_us
        self.start_exclusive = start_exclusive
        self.last_end_us = last_end_us
        self.fill_forward_us = fill_forward_us
        self.is_quote = config.tick_type == TickType.QUOTE
        self.is_internal = config.is_internal_feed
        self.period_us = config.period_us
        self.carry_frame: BarFrame | None = None
        self.carry_row = 0
        self._scaled_as_read = scaled_as_read
        self._factor_day: date | None = None
        """The day of the last real bar emitted, whose price factor is in use."""
        self._carries_unseen = False
        """Whether the row carried on was outside the session, so that it was never emitted itself."""
        self._bar_class: Any = QuoteBar if self.is_quote else TradeBar
        self.hours = source.hours
        self.counts_from_us = 0
        """From when distributions count (UTC): the start of the run, after its warm-up."""
        self._open_slots: dict[int, int] = {}
        self._final_close_us: int | None = None
        self._no_gap_after_us: int | None = None
        self._mode = config.data_normalization_mode
        self._modes = {DataNormalizationMode.RAW, self._mode}
        if self._mode == DataNormalizationMode.RAW:
            # Raw prices can be had adjusted at any time.
            self._modes.add(DataNormalizationMode.ADJUSTED)

    def sort_key(self) -> tuple[int, int, Any]:
        """Order inside a time step: trades before quotes, then by symbol."""
        return (int(self.config.security_type), int(self.config.tick_type), self.symbol)

    def day(self, day: date, fill_forward_us: int, after_us: int) -> DayRows:
        """The bars whose end lies on a local day, later than ``after_us`` (UTC).

        ``fill_forward_us``: length of the finest fill-forward step of all subscriptions.
        """
        if self.fill_forward_us is not None:
            fill_forward_us = self.fill_forward_us
        frame, real_end, rows = self._real_rows(day)
        keep = self._belongs(real_end, after_us)
        if not keep.all():
            real_end, rows = real_end[keep], rows[keep]
        if not self.config.fill_data_forward:
            if not len(real_end):
                return EMPTY_DAY
            return DayRows(frame, real_end, (rows * 2).astype(np.int32), real_end, rows)
        unseen = self.source.unseen(day)
        late_row = -1 if unseen is None else self._take_unseen(day, frame, unseen, after_us)
        if self._carries_unseen:
            self._scale_unseen(day)
        return self._filled(day, frame, real_end, rows, fill_forward_us, after_us, late_row)

    def _belongs(self, end_us: Any, after_us: int) -> Any:
        """Which end times lie inside the subscription's own bounds and after ``after_us``."""
        keep = end_us > after_us
        if self.last_end_us is not None:
            keep &= end_us <= self.last_end_us
        if self.start_us > after_us:
            keep &= (end_us > self.start_us) if self.start_exclusive else (end_us >= self.start_us)
        return keep

    def _take_unseen(self, day: date, frame: BarFrame | None, unseen: tuple[int, int], after_us: int) -> int:
        """Carry on the last row before the day's session; the last one after it is the answer, -1 if there is none.

        Rows outside the session are never emitted, but it is them that are shown again. Source: Lean's
        ``FileSystemDataFeed.ConfigureEnumerator`` (fill-forward comes before the filter of market hours).
        """
        if frame is None:
            return -1
        offset = self.source.local_to_utc_us(day)
        intraday = self.period_us < _HOUR_US
        if intraday and self.start_us - offset >= to_us_of(day) + self.source.last_close_us(day):
            # Files of single days are opened on days of which some of the session is left.
            return -1
        found = []
        for row in unseen:
            end_us = int(frame.end_us[row]) + offset if row >= 0 else 0
            inside = row >= 0 and int(frame.start_us[row]) + offset <= self.end_us
            found.append(row if inside and bool(self._belongs(np.array([end_us]), after_us)[0]) else -1)
        early, late = found
        if early >= 0:
            self.carry_frame, self.carry_row, self._carries_unseen = frame, early, True
        return late

    def _scale_unseen(self, day: date) -> None:
        """Scale a carried row that was never emitted as the last bar that was, or else as of today.

        Source: Lean's ``SubscriptionUtils.CreateAndScheduleWorker`` (factors change with bars that are emitted).
        """
        if self._scaled_as_read or self.carry_frame is None:
            return
        own = from_us(int(self.carry_frame.ends[self.carry_row]) - 1).date()
        wanted = self._factor_day or day
        if self.source.factor(wanted) != self.source.factor(own):
            self.carry_frame = self.source.frame_again(own, wanted)
        self._carries_unseen = self._factor_day is None

    def carry_on(self, rows: DayRows, real_rows: int | None = None) -> None:
        """What a day leaves to be shown again later: its last row, or the last of its first ``real_rows`` bars."""
        count = len(rows.real_rows) if real_rows is None else real_rows
        if count:
            last = real_rows is None and rows.late_frame is not None
            self.carry_frame = rows.late_frame if last else rows.frame
            self.carry_row = int(rows.real_rows[count - 1])
            self._carries_unseen = False
            assert rows.frame is not None
            self._factor_day = from_us(int(rows.frame.starts[self.carry_row])).date()
        if real_rows is None and rows.late_row >= 0:
            self.carry_frame, self.carry_row, self._carries_unseen = rows.frame, rows.late_row, True

    def _real_rows(self, day: date) -> tuple[BarFrame | None, Int64, Int32]:
        frame, end_us, rows = self.source.session_rows(day)
        if frame is not None and len(rows):
            offset = self.source.local_to_utc_us(day)
            if int(frame.start_us[rows[-1]]) + offset > self.end_us:
                keep = frame.start_us[rows] + offset <= self.end_us
                return frame, end_us[keep], rows[keep]
        return frame, end_us, rows

    def _filled(
        self,
        day: date,
        frame: BarFrame | None,
        real_end: Int64,
        rows: Int32,
        fill_forward_us: int,
        after_us: int,
        late_row: int,
    ) -> DayRows:
        if self.carry_frame is None and not len(real_end):
            return EMPTY_DAY if late_row < 0 else DayRows(frame, _EMPTY64, _EMPTY32, _EMPTY64, _EMPTY32, late_row)
        grid = self._fill_times(day, fill_forward_us)
        if len(grid):
            first = after_us if self.carry_frame is not None else (int(real_end[0]) if len(real_end) else None)
            if first is None:
                grid = _EMPTY64
            else:
                first = max(first, self.start_us - 1)
                grid = grid[np.searchsorted(grid, first, side="right") :]
                grid = grid[: np.searchsorted(grid, self._last_filled_us(day), side="right")]
                grid = self._end_filling(day, grid, fill_forward_us)
                if self._factor_day is None and self._carries_unseen and len(grid):
                    self._factor_day = day
        if self._no_gap_after_us is not None:
            count = int(np.searchsorted(real_end, self._no_gap_after_us, side="right"))
            real_end, rows = real_end[:count], rows[:count]
        if not len(grid):
            if not len(real_end) and late_row < 0:
                return EMPTY_DAY
            return DayRows(frame, real_end, (rows * 2).astype(np.int32), real_end, rows, late_row)
        if len(real_end) == len(grid) and np.array_equal(real_end, grid):
            return DayRows(frame, real_end, (rows * 2).astype(np.int32), real_end, rows, late_row)
        end = _union(grid, real_end)
        place = np.searchsorted(real_end, end, side="right") - 1
        codes = np.full(len(end), CARRIED, dtype=np.int32)
        seen = place >= 0
        at = place[seen]
        codes[seen] = rows[at] * 2 + (real_end[at] != end[seen])
        late_frame = self._late_frame(day, frame) if len(real_end) and int(end[-1]) > int(real_end[-1]) else None
        if late_frame is not None:
            codes[end > real_end[-1]] = LATE
        return DayRows(frame, end, codes, real_end, rows, late_row, late_frame)

    def _late_frame(self, day: date, frame: BarFrame | None) -> BarFrame | None:
        """The day's rows with the distributions up to the next row, if there are any in between.

        A bar is shown again once the row after it has been read, and with it the events up to the day of that row.
        Source: Lean's ``DividendEventProvider`` and ``SubscriptionData.Create``.
        """
        if self._mode != DataNormalizationMode.TOTAL_RETURN or self._scaled_as_read or frame is None:
            return None
        total = self._distributed_by_next_row(day, day)
        if total == (frame.addend or 0):
            return None
        return self._frame_with(day, total)

    def _frame_with(self, day: date, distributed: Decimal) -> BarFrame | None:
        source = self.source
        known, source.sum_of_dividends = source.sum_of_dividends, distributed
        found = source.frame_again(day)
        source.sum_of_dividends = known
        return found

    def _distributed_by_next_row(self, today: date, last_day: date) -> Decimal:
        """What is distributed until the row after those of ``last_day`` is read, as seen on ``today``."""
        total = self.source.sum_of_dividends
        end = from_us(self.hours.zone.utc_us_to_local_us(self.end_us)).date()
        coming = [(when, amount) for when, amount in self.source.distributions() if today < when <= end]
        if not coming or self.hours.zone.local_us_to_utc_us(to_us_of(today)) < self.counts_from_us:
            return total
        day = last_day
        # Bars that end after midnight were read a day before.
        behind = 1 if self.source.ends_after_midnight else 0
        for when, amount in coming:
            while day.toordinal() < when.toordinal() + behind:
                if day > last_day and self.source.frame_again(day) is not None:
                    return total
                day = date.fromordinal(day.toordinal() + 1)
            total += amount
        return total

    def _end_filling(self, day: date, grid: Int64, fill_forward_us: int) -> Int64:
        """Cut the grid: the first bar shown again at the end of the data or later is the last of all.

        A real bar may follow it if nothing would be shown in between. Source: Lean's ``FillForwardEnumerator``.
        """
        if self._no_gap_after_us is None:
            over = int(np.searchsorted(grid, self.end_us))
            if over == len(grid):
                return grid
            step = min(fill_forward_us, self.period_us)
            self._no_gap_after_us = int(grid[over]) + step
            daily = self.config.resolution == Resolution.DAILY and self.source.strict_daily_end_times
            if daily and int(grid[over]) - self.source.daily_period_us(day) > self.end_us:
                return grid[:over]
            return grid[: over + 1]
        return grid[: np.searchsorted(grid, self._no_gap_after_us)]

    def _last_filled_us(self, day: date) -> int:
        """The last time at which a bar may be shown again: the end of the slot that the end of the data lies in.

        Daily bars with strict end times stop at the last close before the end. Source: Lean's
        ``FillForwardEnumerator`` (``_subscriptionEndDataCalendar``).
        """
        if self.config.resolution == Resolution.DAILY and self.source.strict_daily_end_times:
            return self._last_close_us()
        offset = self.source.local_to_utc_us(day)
        return (self.end_us - offset) // self.period_us * self.period_us + self.period_us + offset

    def _last_close_us(self) -> int:
        """The last close of a regular session before the end of the data (UTC); later if data follow that close."""
        if self._final_close_us is None:
            zone = self.hours.zone
            day = from_us(zone.utc_us_to_local_us(self.end_us)).date()
            while self._final_close_us is None:
                close = self.source.daily_close_us(day)
                close_us = None if close is None else int(zone.local_us_to_utc_us(to_us_of(day) + close))
                if close_us is not None and (close_us <= self.end_us or len(self.source.session_rows(day)[2])):
                    self._final_close_us = close_us
                day = date.fromordinal(day.toordinal() - 1)
        return self._final_close_us

    def _fill_times(self, day: date, fill_forward_us: int) -> Int64:
        """UTC end times at which a missing bar is shown again: the grid of the finest step inside the market hours."""
        # The same for all subscriptions alike, so it is kept with the calendar.
        cache = self.source.calendar.fill_times
        daily = self.config.resolution == Resolution.DAILY
        key = (day, min(fill_forward_us, self.period_us), self.config.extended_market_hours, daily)
        found = cache.get(key)
        if found is None:
            found = cache[key] = self._make_fill_times(day, fill_forward_us)
        return found

    def _make_fill_times(self, day: date, fill_forward_us: int) -> Int64:
        offset = self.source.local_to_utc_us(day)
        midnight = to_us_of(day)
        step = min(fill_forward_us, self.period_us)
        if step >= DAY_US:
            close = self.source.daily_close_us(day)
            return _EMPTY64 if close is None else np.array([midnight + close + offset], dtype=np.int64)
        extended = self.config.extended_market_hours
        pieces = []
        last_end = -1
        for open_us, close_us in self.source.segments(day, extended):
            first = open_us // step * step + step
            piece = np.arange(first, close_us + 1, step, dtype=np.int64)
            pieces.append(piece[piece > last_end])
            if len(piece):
                last_end = int(piece[-1])
        if self.config.resolution == Resolution.DAILY:
            close = self.source.daily_close_us(day)
            if close is not None:
                pieces.append(np.array([close], dtype=np.int64))
        if not pieces:
            return _EMPTY64
        if len(pieces) == 1:
            return pieces[0] + (midnight + offset)
        return np.unique(np.concatenate(pieces)) + (midnight + offset)

    def bar(self, rows_frame: BarFrame | None, code: int, end_local_us: int, day: date) -> Any:
        """The bar object of a code at a local end time."""
        if code == CARRIED:
            frame, row, filled = self.carry_frame, self.carry_row, True
        else:
            frame, row, filled = rows_frame, code >> 1, bool(code & 1)
        if not filled:
            return self._bar_class.of_row(frame, row)
        return self._bar_class.filled_forward(frame, row, *self.filled_span(day, end_local_us))

    def follow_mode(self, today: date) -> None:
        """Scale the bar that is carried on as the configuration says now.

        Raises :class:`NotSupportedError` for a mode that Lean has not prepared when the subscription began. Source:
        Lean's ``PrecalculatedSubscriptionData``; distributions count for bars shown again too
        (``SubscriptionData.Create``).
        """
        mode = self.config.data_normalization_mode
        if mode not in self._modes:
            raise NotSupportedError(
                f"DataNormalizationMode.{mode} set while the algorithm runs",
                f"{self.symbol.value} began as {self._mode}",
            )
        carry = self.carry_frame
        if carry is not None:
            row_day = from_us(carry.ends[self.carry_row]).date()
            total = self.source.sum_of_dividends
            if mode == DataNormalizationMode.TOTAL_RETURN:
                total = self._distributed_by_next_row(today, row_day)
            distributed = mode == DataNormalizationMode.TOTAL_RETURN and (carry.addend or 0) != total
            if mode != self._mode or distributed:
                self.carry_frame = self._frame_with(row_day, total)
                started = from_us(carry.starts[self.carry_row]).date()
                self._carries_unseen = self._carries_unseen or self._factor_day != started
        self._mode = mode

    def filled_span(self, day: date, emitted_us: int) -> tuple[int, int]:
        """Local start and end of a bar shown again on a day at a local time, microseconds.

        A bar keeps the span of its own resolution, however often it is shown again: that of the last slot ended by
        then in which the market was open, for a daily bar with strict end times that of the last session ended by
        then. Source: Lean's ``SubscriptionData.Create``, ``Extensions.ExchangeRoundDownInTimeZone``.
        """
        if self.config.resolution == Resolution.DAILY and self.source.strict_daily_end_times:
            bounds = self.source.calendar.regular(day)
            midnight = to_us_of(day)
            if bounds is not None and emitted_us - self.source.daily_period_us(day) >= midnight + bounds[0]:
                return midnight + bounds[0], midnight + bounds[1]
            return self.source.last_session_us(day)
        slot = (emitted_us - self.period_us) // self.period_us * self.period_us
        start = self._open_slots.get(slot)
        if start is None:
            start = slot
            while not self._is_open(start):
                start -= self.period_us
            self._open_slots[slot] = start
        return start, start + self.period_us

    def filled_spans(self, day: date, emitted_us: Int64) -> tuple[Int64, Int64]:
        """:meth:`filled_span` of many times of one day, ascending."""
        if self.config.resolution == Resolution.DAILY:
            # At most two: of the session before, and of the day's own.
            first, last = self.filled_span(day, int(emitted_us[0])), self.filled_span(day, int(emitted_us[-1]))
            own = emitted_us >= last[1] if first != last else np.zeros(len(emitted_us), dtype=bool)
            return np.where(own, last[0], first[0]), np.where(own, last[1], first[1])
        starts = (emitted_us - self.period_us) // self.period_us * self.period_us
        since_midnight = starts - to_us_of(day)
        is_open = np.zeros(len(starts), dtype=bool)
        for opening, close in self.source.segments(day, self.config.extended_market_hours):
            is_open |= (since_midnight < close) & (since_midnight + self.period_us > opening)
        for index in np.flatnonzero(~is_open).tolist():
            starts[index] = self.filled_span(day, int(emitted_us[index]))[0]
        return starts, starts + self.period_us

    def _is_open(self, start_us: int) -> bool:
        """Whether the market is open at some time of a slot of the subscription's length."""
        since_midnight = start_us % DAY_US
        day = from_us(start_us).date()
        return any(
            since_midnight < close and since_midnight + self.period_us > opening
            for opening, close in self.source.segments(day, self.config.extended_market_hours)
        )


def _union(grid: Int64, extra: Int64) -> Int64:
    """Sorted distinct values of two sorted arrays; usually the second lies within the first."""
    place = np.searchsorted(grid, extra)
    if len(extra) and place[-1] < len(grid) and np.array_equal(grid[place], extra):
        return grid
    return np.union1d(grid, extra)


def to_us_of(day: date) -> int:
    """Microseconds from 1970-01-01 to the midnight that starts a day."""
    return (day.toordinal() - 719_163) * DAY_US


__all__ = ["CARRIED", "EMPTY_DAY", "LATE", "NO_BAR", "DayRows", "Subscription", "to_us_of"]
