"""Fewer candlesticks for the summary file.

Source: ``SeriesSampler.cs`` of Lean (its path for candlestick series with sub-sampling on, from the beginning to the end
of time, values truncated to whole dollars), as ``BacktestingResultHandler.CreateResultSummary`` uses it.
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
    if len(points) < 2:
        sampled.values = [_truncated(point.clone()) for point in points]
        return sampled
    step_s = clr.decimal_from_double(step.total_seconds())
    next_time = points[0].time
    later = next((index for index, point in enumerate(points) if point.time > next_time), -1)
    start = later - 1
    if start < 0:
        sampled.values = [_truncated(point.clone()) for point in points]
        return sampled
    if points[start].time == next_time:
        sampled.values.append(points[start].clone())
        next_time += step
        start += 1
    for index in range(start, len(points)):
        current = points[index]
        if next_time > current.time:
            continue
        following = points[index + 1] if index + 1 < len(points) else None
        next_time = _fill(sampled, points, start, index, following, next_time, step, step_s)
        start = index + 1
    return sampled


def _fill(
    sampled: CandlestickSeries,
    points: list[Candlestick],
    start: int,
    index: int,
    following: Candlestick | None,
    next_time: datetime,
    step: timedelta,
    step_s: Decimal,
) -> datetime:
    """Add the candlesticks between ``points[start]`` and ``points[index]``; return the next time to sample."""
    current, first = points[index], points[start]
    template = _aggregate(points[start : index + 1], next_time)
    if start > 0:
        first_open = points[start - 1].time
    else:
        first_open = first.time - (points[start + 1].time - points[start].time)
    previous: Candlestick | None = None
    while True:
        bar = _interpolated(template, first, current, first_open, next_time, step_s)
        next_time += step
        if previous is not None:
            bar._open = previous._close
        sampled.values.append(bar)
        previous = bar
        if start == index:
            _span_open_and_close(bar)
        empty = following is not None and next_time + step < following.time and bar._open is None
        if not (next_time <= current.time or empty):
            return next_time


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


def _interpolated(
    template: Candlestick,
    first: Candlestick,
    current: Candlestick,
    first_open: datetime,
    target: datetime,
    step_s: Decimal,
) -> Candlestick:
    if first_open == current.time:
        result = current.clone()
        result.time = target
        return result
    result = template.clone()
    result.time = target
    close = _line(
        _unix(first_open), first._open, Decimal(current.long_time), current._close, _unix(target), step_s
    )
    result._close = None if close is None else smart_rounding(close)
    return result


def _line(
    x0: Decimal, y0: Decimal | None, x1: Decimal, y1: Decimal | None, target: Decimal, step: Decimal
) -> Decimal | None:
    if y1 is None:
        return y0 if target - x0 <= step else None
    if y0 is None:
        return y1 if x1 - target <= step else None
    return clr.add(clr.div(clr.mul(y1 - y0, target - x0), x1 - x0), y0)
