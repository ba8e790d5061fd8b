"""Bars of one symbol, resolution and side, day by day, as frames.

Source of the rules: Lean's ``SubscriptionDataReader`` (ticker of the day from the map file, first day from map and
factor files), ``LeanData`` (file names), ``StrictDailyEndTimesEnumerator``.
"""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.embedded.clock import to_us
from harness.embedded.data import BarFrame
from harness.embedded.enums import DataNormalizationMode, Resolution, TickType
from harness.embedded.feed.subscription import DAY_US, Int32, Int64, to_us_of
from harness.embedded.reference.corporate import DividendEvent
from harness.embedded.reference.market_hours import MarketHoursState

if TYPE_CHECKING:
    from harness.embedded.columns import BarColumns, ColumnStore
    from harness.embedded.feed.config import SubscriptionDataConfig
    from harness.embedded.reference.corporate import CorporateFactorProvider, MapFile
    from harness.embedded.reference.market_hours import SecurityExchangeHours
    from harness.embedded.reference.symbols import Symbol

_RESOLUTION_NAMES = {
    Resolution.SECOND: "second",
    Resolution.MINUTE: "minute",
    Resolution.HOUR: "hour",
    Resolution.DAILY: "daily",
}
_MICROSECOND = 10**6
SessionRows = tuple[BarFrame | None, Int64, Int32]
_NO_TIMES: Int64 = np.empty(0, dtype=np.int64)
_NO_ROWS: Int32 = np.empty(0, dtype=np.int32)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())


class SessionCalendar:
    """Market hours of an exchange by day, in microseconds since the local midnight; one object per exchange."""

    def __init__(self, hours: SecurityExchangeHours) -> None:
        self.hours = hours
        self._segments: dict[tuple[date, bool], list[tuple[int, int]]] = {}
        self._offsets: dict[date, int] = {}
        self.fill_times: dict[Any, Any] = {}
        """Grids of fill-forward times by day, step and kind; see ``Subscription._fill_times``."""

    def segments(self, day: date, extended: bool) -> list[tuple[int, int]]:
        key = (day, extended)
        found = self._segments.get(key)
        if found is None:
            found = self._segments[key] = [
                (_microseconds(segment.start), _microseconds(segment.end))
                for segment in self.hours.get_market_hours(_midnight(day)).segments
                if extended or segment.state == MarketHoursState.MARKET
            ]
        return found

    def local_to_utc_us(self, day: date) -> int:
        """What is added to a local time of the day (after 3 a.m.) to get UTC, in microseconds."""
        offset = self._offsets.get(day)
        if offset is None:
            noon = to_us_of(day) + DAY_US // 2
            offset = self._offsets[day] = self.hours.zone.local_us_to_utc_us(noon) - noon
        return offset

    def midnight_utc_us(self, day: date) -> int:
        return self.hours.zone.local_us_to_utc_us(to_us_of(day))

    def regular(self, day: date) -> tuple[int, int] | None:
        """First open and last close of the regular session, microseconds since local midnight."""
        segments = self.segments(day, False)
        return (segments[0][0], segments[-1][1]) if segments else None


def _microseconds(span: Any) -> int:
    return int((span.days * 86_400 + span.seconds) * _MICROSECOND + span.microseconds)


class BarSource:
    """Frames of one configuration, read when a day is asked for.

    ``sum_of_dividends`` is what has been distributed since the subscription began (total-return mode);
    ``scaled_to`` the day whose prices stay as they are (scaled-raw mode).
    """

    def __init__(
        self,
        config: SubscriptionDataConfig,
        calendar: SessionCalendar,
        store: ColumnStore,
        data_folder: Path,
        map_file: MapFile | None,
        factors: CorporateFactorProvider | None,
        *,
        strict_daily_end_times: bool = True,
        monitor: Any = None,
    ) -> None:
        self.config = config
        self.calendar = calendar
        self.hours = calendar.hours
        self.store = store
        self.data_folder = data_folder
        self.map_file = map_file
        self.factors = factors
        self.strict_daily_end_times = strict_daily_end_times
        self.sum_of_dividends: Decimal = Decimal(0)
        self.scaled_to: date | None = None
        self._monitor = monitor
        self._resolution = _RESOLUTION_NAMES.get(config.resolution, "")
        self._side = "quote" if config.tick_type == TickType.QUOTE else "trade"
        self._whole: dict[str, BarColumns | None] = {}
        self._last_sides: dict[int, list[int]] | None = None
        self._last_sides_day: date | None = None
        self._factor_day: date | None = None
        self._first_day = self._limit()
        self.keep_days = 0
        """How many days :meth:`session_rows` keeps: for sources of which the same days are asked for again."""
        self._kept: dict[date, SessionRows] = {}
        self._symbols: dict[str, Symbol] = {}
        self._distributions: list[tuple[date, Decimal]] | None = None
        self._unseen: dict[date, tuple[int, int]] = {}

    def _limit(self) -> date | None:
        """First day that Lean reads: not before the map file's first date or the factor file's usable rows."""
        if self.config.data_normalization_mode == DataNormalizationMode.RAW:
            return None
        days = []
        if self.factors is not None and self.factors.minimum_date is not None:
            days.append(self.factors.minimum_date.date())
        if self.map_file is not None and not self.map_file.is_empty:
            days.append(self.map_file.first_date.date())
        return max(days) if days else None

    # -- the calendar --------------------------------------------------------------------------------------------

    def segments(self, day: date, extended: bool) -> list[tuple[int, int]]:
        return self.calendar.segments(day, extended)

    def local_to_utc_us(self, day: date) -> int:
        return self.calendar.local_to_utc_us(day)

    def daily_close_us(self, day: date) -> int | None:
        """When the daily bar of a day ends, microseconds since its midnight; ``None`` without a session.

        Without strict end times a daily bar ends at the midnight after its day, so the day before decides.
        """
        if self.strict_daily_end_times:
            bounds = self.calendar.regular(day)
            return bounds[1] if bounds is not None else None
        before = date.fromordinal(day.toordinal() - 1)
        return 0 if self.calendar.regular(before) is not None else None

    def daily_period_us(self, day: date) -> int:
        """Length of a daily bar shown again on a day: the market's hours of that day, or 24 hours."""
        if not self.strict_daily_end_times:
            return DAY_US
        return sum(close - opening for opening, close in self.calendar.segments(day, False))

    def last_session_us(self, day: date) -> tuple[int, int]:
        """Local open and close of the last trading day before a day, microseconds."""
        number = day.toordinal() - 1
        while (bounds := self.calendar.regular(date.fromordinal(number))) is None:
            number -= 1
        midnight = to_us_of(date.fromordinal(number))
        return midnight + bounds[0], midnight + bounds[1]

    # -- the data ------------------------------------------------------------------------------------------------

    def ticker(self, day: date) -> str:
        name = self.config.symbol.value
        if self.map_file is None or self.map_file.is_empty:
            return name
        return self.map_file.get_mapped_symbol(_midnight(day), name) or name

    def symbol(self, day: date) -> Symbol:
        """The symbol as the bars of a day carry it: under the ticker of that day (``MappingEventProvider``)."""
        ticker = self.ticker(day)
        if ticker == self.config.symbol.value:
            return self.config.symbol
        found = self._symbols.get(ticker)
        if found is None:
            found = self._symbols[ticker] = self.config.symbol.update_mapped_symbol(ticker)
        return found

    def has_day(self, day: date) -> bool:
        if self._first_day is not None and day < self._first_day:
            return False
        if self.map_file is None or self.map_file.is_empty:
            return True
        return self.map_file.has_data(_midnight(day))

    def frame(self, day: date) -> BarFrame | None:
        """The rows that end on a local day (for daily bars without strict end times: those of the day before)."""
        daily = self.config.resolution == Resolution.DAILY
        if self.ends_after_midnight:
            day = date.fromordinal(day.toordinal() - 1)
        if not self.has_day(day) or not self.calendar.segments(day, self.config.extended_market_hours):
            return None
        if self.config.resolution in (Resolution.HOUR, Resolution.DAILY):
            return self._slice_of_file(day, daily)
        columns = self._read(self.ticker(day), day)
        if columns is None or not len(columns.start_us):
            return None
        start = columns.start_us
        return self._make(day, start, start + self.config.period_us, columns, slice(None))

    @property
    def ends_after_midnight(self) -> bool:
        """Whether bars end at the midnight after their day: daily ones without strict end times."""
        return self.config.resolution == Resolution.DAILY and not self.strict_daily_end_times

    def session_rows(self, day: date) -> SessionRows:
        """A day's frame, with the UTC end times and the numbers of its rows that lie in the day's sessions.

        Rows are in time order. Kept for the last ``keep_days`` days asked for.
        """
        found = self._kept.get(day)
        if found is None:
            found = self._session_rows(day)
            if self.keep_days:
                if len(self._kept) >= self.keep_days:
                    del self._kept[next(iter(self._kept))]
                self._kept[day] = found
        return found

    def _session_rows(self, day: date) -> SessionRows:
        frame = self.frame(day)
        if frame is None or not len(frame):
            return None, _NO_TIMES, _NO_ROWS
        extended = self.config.extended_market_hours and self.config.resolution != Resolution.DAILY
        offset = self.local_to_utc_us(day)
        midnight = to_us_of(day)
        start = frame.start_us - midnight
        end = frame.end_us - midnight
        if self.ends_after_midnight:
            # The bar of the day before, whose sessions were looked at for the frame.
            keep = np.ones(len(frame), dtype=bool)
        else:
            keep = np.zeros(len(frame), dtype=bool)
            for open_us, close_us in self.segments(day, extended):
                keep |= (start < close_us) & (end > open_us)
        rows = np.flatnonzero(keep).astype(np.int32)
        if len(rows) < len(frame) and self.config.fill_data_forward:
            first_open = self.segments(day, extended)[0][0]
            early = int(np.searchsorted(end, first_open, side="right")) - 1
            last = len(frame) - 1
            if len(self._unseen) > self.keep_days:
                del self._unseen[next(iter(self._unseen))]
            self._unseen[day] = (early, last if not keep[last] and last != early else -1)
        return frame, frame.end_us[rows] + offset, rows

    def unseen(self, day: date) -> tuple[int, int] | None:
        """Of a day just read: the last row before its session and the last one after it, -1 for none.

        ``None`` where all rows lie in the session.
        """
        return self._unseen.get(day)

    def last_close_us(self, day: date) -> int:
        """When the last session of the subscription's kind ends on a trading day, microseconds since its midnight."""
        return self.segments(day, self.config.extended_market_hours)[-1][1]

    def distributions(self) -> list[tuple[date, Decimal]]:
        """When what is distributed a share, by the factor file, in order."""
        if self._distributions is None:
            events = [] if self.factors is None else self.factors.dividends_and_splits(self.hours)
            self._distributions = [(e.date.date(), e.distribution) for e in events if isinstance(e, DividendEvent)]
        return self._distributions

    def factor(self, day: date) -> Decimal | None:
        """What prices of a day are multiplied by; ``None`` where they stay as they are."""
        mode = self.config.data_normalization_mode
        if mode == DataNormalizationMode.RAW or self.factors is None:
            return None
        reference = None if self.scaled_to is None else _midnight(self.scaled_to)
        return self.factors.get_price_scale(_midnight(day), mode, reference)

    def frame_again(self, day: date, factor_day: date | None = None) -> BarFrame | None:
        """:meth:`frame` of a day that was read before, scaled as things stand now, or by the factor of another day."""
        sides = self._last_sides, self._last_sides_day
        self._factor_day = factor_day
        found = self.frame(day)
        self._factor_day = None
        self._last_sides, self._last_sides_day = sides
        return found

    def _slice_of_file(self, day: date, daily: bool) -> BarFrame | None:
        ticker = self.ticker(day)
        if ticker not in self._whole:
            self._whole[ticker] = self._read(ticker, day)
        columns = self._whole[ticker]
        if columns is None:
            return None
        midnight = to_us_of(day)
        first, last = np.searchsorted(columns.start_us, (midnight, midnight + DAY_US))
        if first == last:
            return None
        part = slice(int(first), int(last))
        if not daily:
            start = columns.start_us[part]
            return self._make(day, start, start + self.config.period_us, columns, part)
        part = slice(int(last) - 1, int(last)) if last - first > 1 else part
        if self.strict_daily_end_times:
            bounds = self.calendar.regular(day)
            if bounds is None:
                return None
            opening, close = bounds
        else:
            opening, close = 0, DAY_US
        start = np.array([midnight + opening], dtype=np.int64)
        end = np.array([midnight + close], dtype=np.int64)
        return self._make(day, start, end, columns, part)

    def _make(self, day: date, start: Any, end: Any, columns: BarColumns, part: slice) -> BarFrame:
        factor = self.factor(self._factor_day or day)
        addend: Decimal | None = None
        if factor is not None and self.config.data_normalization_mode == DataNormalizationMode.TOTAL_RETURN:
            addend = self.sum_of_dividends
        values = [column[part] for column in columns.columns]
        if self._side == "quote" and self.config.fill_data_forward:
            self._copy_missing_sides(values, day)
        return BarFrame(
            self.symbol(day),
            start,
            end,
            values,
            is_quote=self._side == "quote",
            period_us=self.config.period_us,
            scale=columns.price_scale,
            volume_scale=columns.volume_scale,
            factor=factor,
            addend=addend,
        )

    def _copy_missing_sides(self, values: list[Any], day: date) -> None:
        """A quote without one side takes it from the quote before, also from the day before when days come in order.

        Source: Lean's ``QuoteBarFillForwardEnumerator``.
        """
        before = self._last_sides if self._last_sides_day is not None and self._last_sides_day < day else None
        last: dict[int, list[int]] = {}
        for first in (0, 5):
            side = values[first : first + 4]
            present = (side[0] != 0) | (side[1] != 0) | (side[2] != 0) | (side[3] != 0)
            if not present.all():
                source = np.maximum.accumulate(np.where(present, np.arange(len(present)), -1))
                for offset in range(4):
                    earlier = before[first][offset] if before is not None and first in before else 0
                    values[first + offset] = np.where(source >= 0, side[offset][np.maximum(source, 0)], earlier)
            if len(present) and (present.any() or before is not None):
                last[first] = [int(values[first + offset][-1]) for offset in range(4)]
        self._last_sides, self._last_sides_day = last, day

    def _read(self, ticker: str, day: date) -> BarColumns | None:
        from harness.marketdata.lean_format import zip_path

        path = zip_path(self.data_folder, ticker, self._resolution, day, self._side)
        read = self.store.quote_bars if self._side == "quote" else self.store.trade_bars
        columns = read(path, self._resolution, day)
        if self._monitor is not None:
            self._monitor(path, columns is not None)
        return columns


__all__ = ["BarSource", "SessionCalendar", "to_us"]
