"""Bars before now, for ``history()``, warm-up and seeding.

Source of the rules: Lean's ``SubscriptionDataReaderHistoryProvider`` (fill-forward at the requested resolution, bars
with start < end time <= end), ``HistoryRequestFactory``, ``Time.GetStartTimeForTradeBars``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harness.embedded.clock import from_us
from harness.embedded.data import BarFrame, QuoteBar, QuoteBars, Slice, TradeBar, TradeBars
from harness.embedded.enums import RESOLUTION_US, DataNormalizationMode, Resolution, TickType
from harness.embedded.feed.config import SubscriptionDataConfig
from harness.embedded.feed.sources import BarSource
from harness.embedded.feed.start_time import start_time_for_trade_bars
from harness.embedded.feed.subscription import CARRIED, Subscription
from harness.embedded.reference.corporate import CorporateEvents
from harness.embedded.reference.time_zones import TimeZone

if TYPE_CHECKING:
    from harness.embedded.engine import EngineContext

_ONE_DAY = timedelta(days=1)
_KEPT_DAYS = 400
_VOLUME = 4


@dataclass(frozen=True)
class HistoryRequest:
    """Bars of one symbol and side with ``start_us`` < end time <= ``end_us`` (UTC microseconds)."""

    symbol: Any
    resolution: Resolution
    tick_type: TickType
    start_us: int
    end_us: int
    fill_forward: bool
    extended_market_hours: bool
    data_normalization_mode: DataNormalizationMode


@dataclass(frozen=True)
class HistoryPart:
    """Bars of one request on one day: end times (UTC microseconds), and which row of which frame each repeats."""

    request: HistoryRequest
    day: date
    end_us: npt.NDArray[np.int64]
    codes: npt.NDArray[np.int32]
    frame: BarFrame | None
    carry_frame: BarFrame | None
    carry_row: int
    exchange_offset_us: int
    filled_span: Callable[[date, int], tuple[int, int]]

    def bar(self, index: int) -> Any:
        code = int(self.codes[index])
        kind: Any = QuoteBar if self.request.tick_type == TickType.QUOTE else TradeBar
        if code != CARRIED and not code & 1:
            return kind.of_row(self.frame, code >> 1)
        end_local = int(self.end_us[index]) + self.exchange_offset_us
        frame, row = (self.carry_frame, self.carry_row) if code == CARRIED else (self.frame, code >> 1)
        return kind.filled_forward(frame, row, *self.filled_span(self.day, end_local))

    def only_row(self, count: int) -> list[float]:
        """The first ``count`` columns of a part of one bar, as :meth:`floats` gives them."""
        code = int(self.codes[0])
        frame, row = (self.carry_frame, self.carry_row) if code == CARRIED else (self.frame, code >> 1)
        if frame is None:
            return [0.0] * count
        values: list[float] = [frame.floats(column)[row] for column in range(count)]
        if self.request.tick_type == TickType.TRADE and (code == CARRIED or code & 1):
            values[_VOLUME] = 0.0
        return values

    def floats(self, column: int) -> npt.NDArray[np.float64]:
        """A column of the file as floats, fill-forward included (volumes of repeated bars are 0)."""
        values = np.zeros(len(self.codes))
        own = self.codes != CARRIED
        size = column in (4, 9)
        if own.any():
            assert self.frame is not None
            rows = self.codes[own] >> 1
            values[own] = np.asarray(self.frame.floats(column))[rows]
        if not own.all() and self.carry_frame is not None:
            values[~own] = self.carry_frame.floats(column)[self.carry_row]
        if size and self.request.tick_type == TickType.TRADE:
            values[(self.codes == CARRIED) | ((self.codes & 1) == 1)] = 0.0
        return values


class HistoryProvider:
    """Answers requests from the same files and rules as the feed."""

    def __init__(self, engine: EngineContext) -> None:
        self.engine = engine
        self._sources: dict[tuple[Any, ...], tuple[SubscriptionDataConfig, BarSource]] = {}
        self.data_points = 0

    def parts(self, request: HistoryRequest) -> list[HistoryPart]:
        """The bars of a request, day by day."""
        config, source = self._source(request)
        events = self._dividends(request, source)
        subscription = Subscription(config, None, source, request.start_us, request.end_us, scaled_as_read=True)
        first = from_us(request.start_us + self._offset(config, request.start_us)).date()
        last = from_us(request.end_us + self._offset(config, request.end_us)).date()
        found: list[HistoryPart] = []
        day = first
        while day <= last:
            if events is not None and source.segments(day, config.extended_market_hours):
                events.events(datetime(day.year, day.month, day.day))
                source.sum_of_dividends = events.sum_of_dividends
            rows = subscription.day(day, config.period_us, request.start_us - 1)
            keep = (rows.end_us > request.start_us) & (rows.end_us <= request.end_us)
            if keep.any():
                found.append(
                    HistoryPart(
                        request,
                        day,
                        rows.end_us[keep],
                        rows.codes[keep],
                        rows.frame,
                        subscription.carry_frame,
                        subscription.carry_row,
                        -source.local_to_utc_us(day),
                        subscription.filled_span,
                    )
                )
                self.data_points += int(keep.sum())
            subscription.carry_on(rows)
            day += _ONE_DAY
        return found

    def _dividends(self, request: HistoryRequest, source: BarSource) -> CorporateEvents | None:
        """What counts the distributions since the request's first day, where prices are of total return."""
        if request.data_normalization_mode != DataNormalizationMode.TOTAL_RETURN or source.map_file is None:
            return None
        return CorporateEvents(source.map_file, self.engine.factor_file(request.symbol), renames=False)

    def _offset(self, config: SubscriptionDataConfig, utc_us: int) -> int:
        return TimeZone.get(config.exchange_time_zone).offset_us(utc_us)

    def _source(self, request: HistoryRequest) -> tuple[SubscriptionDataConfig, BarSource]:
        key = (
            request.symbol,
            request.resolution,
            request.tick_type,
            request.fill_forward,
            request.extended_market_hours,
            request.data_normalization_mode,
        )
        found = self._sources.get(key)
        if found is None:
            config = SubscriptionDataConfig(
                request.symbol,
                request.resolution,
                request.tick_type,
                fill_data_forward=request.fill_forward,
                extended_market_hours=request.extended_market_hours,
                is_internal_feed=True,
                data_normalization_mode=request.data_normalization_mode,
                exchange_time_zone=self.engine.exchange_hours(request.symbol).time_zone,
            )
            source = self.engine.data.make_source(config)
            found = (config, source)
            if request.data_normalization_mode == DataNormalizationMode.SCALED_RAW:
                # Prices relative to the end of this request.
                source.scaled_to = from_us(request.end_us + self._offset(config, request.end_us)).date()
                return found
            if request.data_normalization_mode == DataNormalizationMode.TOTAL_RETURN:
                # Prices with the distributions since the start of this request.
                return found
            if config.resolution in (Resolution.HOUR, Resolution.DAILY) and config.tick_type == TickType.TRADE:
                # Rolling windows ask for nearly the same days again and again.
                source.keep_days = _KEPT_DAYS
            self._sources[key] = found
        return found

    def bars(self, request: HistoryRequest) -> Iterator[Any]:
        for part in self.parts(request):
            for index in range(len(part.codes)):
                yield part.bar(index)

    def slices(self, requests: list[HistoryRequest]) -> list[Slice]:
        """The bars of several requests as slices, one a distinct end time."""
        by_time: dict[int, tuple[dict[Any, Any], dict[Any, Any]]] = {}
        ordered = sorted(requests, key=lambda r: (int(r.tick_type), r.symbol))
        for request in ordered:
            for part in self.parts(request):
                for index, end_us in enumerate(part.end_us.tolist()):
                    trades, quotes = by_time.setdefault(end_us, ({}, {}))
                    side = quotes if request.tick_type == TickType.QUOTE else trades
                    bar, known = part.bar(index), side.get(request.symbol)
                    # Of several the one of the highest resolution (TimeSliceFactory).
                    if known is None or known._end_us - known._start_us > bar._end_us - bar._start_us:
                        side[request.symbol] = bar
        zone = TimeZone.get(self.engine.algorithm.time_zone)
        found = []
        for end_us in sorted(by_time):
            trades, quotes = by_time[end_us]
            point = Slice(None, -1, end_us, zone.utc_us_to_local_us(end_us))
            point._bars = TradeBars(trades)
            point._quotes = QuoteBars(quotes)
            found.append(point)
        return found

    # -- when a request starts -----------------------------------------------------------------------------------

    def bar_count_start(self, symbol: Any, periods: int, resolution: Resolution | None) -> datetime:
        """Start, in the algorithm's time zone, of the last ``periods`` bars of a security.

        Of several resolutions the one that reaches back furthest counts. Source: Lean's
        ``QCAlgorithm.TryGetWarmupHistoryStartTime``.
        """
        configs = self.engine.data.configs_of(symbol)
        chosen = {resolution} if resolution is not None else {c.resolution for c in configs}
        return min(self.start_time(symbol, periods, Resolution(one), None) for one in chosen)

    def start_time(self, symbol: Any, periods: int, resolution: Resolution, extended: bool | None) -> datetime:
        """``Time.GetStartTimeForTradeBars`` of a symbol, in the algorithm's time zone."""
        engine = self.engine
        algorithm = engine.algorithm
        hours = engine.exchange_hours(symbol)
        include = False
        if resolution < Resolution.HOUR:
            if extended is not None:
                include = extended
            else:
                include = any(c.extended_market_hours for c in engine.data.configs_of(symbol, internal=True))
        local = hours.zone.utc_to_local(engine.clock.utc)
        precise = bool(algorithm.settings.daily_precise_end_time)
        start = start_time_for_trade_bars(hours, local, RESOLUTION_US[resolution], periods, include, precise)
        return TimeZone.get(algorithm.time_zone).utc_to_local(hours.zone.local_to_utc(start))
