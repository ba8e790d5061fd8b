"""Fewer candlesticks for the summary file.

Source: ``SeriesSampler.cs`` of Lean (its path for candlestick series with sub-sampling on, from the beginning to the
end of time, values truncated to whole dollars), as ``BacktestingResultHandler.CreateResultSummary`` uses it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from harness.embedded import clr
from harness.embedded.clock import to_us
from harness.embedded.results.charts import Candlestick, CandlestickSeries
from harness.embedded.statistics.numerics import smart_rounding


def summary_equity(series: CandlestickSeries) -> CandlestickSeries:
    """The equity series of the summary: as it is below 200 points, else sampled every 2 to 7 days."""
    days = min(7, len(series.values) // 100)
    return sample(series, timedelta(days=days)) if days > 1 else series


def sample(series: CandlestickSeries, step: timedelta) -> CandlestickSeries:
    """One candlestick per ``step`` from the first point on, closes interpolated, values truncated."""
    sampled = series.clone_empty()
    points: list[Candlestick] = series.values
    if len(points) < 2 or points[0].time >= points[1].time:
        sampled.values = [_truncated(point.clone()) for point in points]
        return sampled
    sampled.values = _Sampler(points, step).candlesticks()
    return sampled


class _Sampler:
    """Walks the points once; ``_next`` is the time of the next candlestick to make."""

    def __init__(self, points: list[Candlestick], step: timedelta) -> None:
        self._points = points
        self._step = step
        self._step_s = clr.decimal_from_double(step.total_seconds())
        self._next = points[0].time
        self._made: list[Candlestick] = []

    def candlesticks(self) -> list[Candlestick]:
        points = self._points
        self._made.append(points[0].clone())
        self._next += self._step
        start = 1
        for index in range(start, len(points)):
            if self._next > points[index].time:
                continue
            self._fill(start, index)
            start = index + 1
        return self._made

    def _fill(self, start: int, index: int) -> None:
        """Make the candlesticks between ``points[start]`` and ``points[index]``."""
        current = self._points[index]
        following = self._points[index + 1] if index + 1 < len(self._points) else None
        template = _aggregate(self._points[start : index + 1], self._next)
        opened = self._points[start - 1].time
        previous: Candlestick | None = None
        while True:
            bar = self._interpolated(template, self._points[start], current, opened)
            self._next += self._step
            if previous is not None:
                bar._open = previous._close
            self._made.append(bar)
            previous = bar
            if start == index:
                _span_open_and_close(bar)
            empty = following is not None and self._next + self._step < following.time and bar._open is None
            if not (self._next <= current.time or empty):
                return

    def _interpolated(
        self, template: Candlestick, first: Candlestick, current: Candlestick, opened: datetime
    ) -> Candlestick:
        """The candlestick at the next time: the template with its close on the line from open to close."""
        if opened == current.time:
            result = current.clone()
            result.time = self._next
            return result
        result = template.clone()
        result.time = self._next
        start = (_unix(opened), first._open)
        end = (Decimal(current.long_time), current._close)
        close = _on_line(start, end, _unix(self._next), self._step_s)
        result._close = None if close is None else smart_rounding(close)
        return result


def _span_open_and_close(bar: Candlestick) -> None:
    bar._high = bar._low = bar._close
    if bar._open is None:
        return
    if bar._close is None or bar._open > bar._close:
        bar._high = bar._open
    if bar._close is None or bar._open < bar._close:
        bar._low = bar._open


def _aggregate(points: list[Candlestick], time: datetime) -> Candlestick:
    result = Candlestick(time)
    for point in points:
        for value in (point._open, point._high, point._low, point._close):
            result._update(value)
    return _truncated(result)


def _truncated(point: Candlestick) -> Candlestick:
    point._open, point._high = _truncate(point._open), _truncate(point._high)
    point._low, point._close = _truncate(point._low), _truncate(point._close)
    return point


def _truncate(value: Decimal | None) -> Decimal | None:
    return None if value is None else smart_rounding(clr.truncate(value))


def _unix(time: datetime) -> Decimal:
    return clr.decimal_from_double(to_us(time) / 1_000_000)


def _on_line(
    start: tuple[Decimal, Decimal | None], end: tuple[Decimal, Decimal | None], target: Decimal, step: Decimal
) -> Decimal | None:
    """The value at ``target`` between two points (time in seconds, value); a missing end counts within a step."""
    (x0, y0), (x1, y1) = start, end
    if y1 is None:
        return y0 if target - x0 <= step else None
    if y0 is None:
        return y1 if x1 - target <= step else None
    return clr.add(clr.div(clr.mul(y1 - y0, target - x0), x1 - x0), y0)
