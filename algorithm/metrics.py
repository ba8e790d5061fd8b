"""The figures that entries are decided on, by two back ends that agree to the last bit.

:class:`RecomputeMetrics` derives every figure from its window at every bar, as its definition reads.
:class:`IncrementalMetrics` keeps sums and extremes and moves them by one bar. Both work on integers and divide once, at
the end, in the same helper; integer sums are exact in any order, so equal inputs give equal bits.
"""

# ruff: noqa: PLR1730 -- max() and min() cost a call, here for every bar

from __future__ import annotations

from collections import deque
from operator import mul, sub
from typing import NamedTuple, Protocol

from data_manager import DataManager
from parameters import Parameters


class Metrics(NamedTuple):
    """One bar's figures. Prices and distances in 1e-4 dollar, volumes in shares, ``gap_bp`` in basis points."""

    high: int
    low: int
    close: int
    vwap: float
    """Volume-weighted mean of the bars' typical prices since the open; the close while nothing has traded."""
    session_high: int
    session_low: int
    session_volume: int
    mean_close: float
    """30-day moving average of the close, today's latest price being the thirtieth."""
    mean_volume: float
    """Mean volume of the last 30 completed days."""
    recent_mean_volume: float
    """Mean volume of the last 7 completed days."""
    mean_range: float
    """Mean of high less low of the last 30 completed days."""
    gap_bp: float
    """Today's open against yesterday's close."""
    drop: int
    """Highest high of the last 15 minutes less the close."""
    rise: int
    """Close less the lowest low of the last 15 minutes."""
    window_volume: int
    """Volume of the last 15 minutes."""
    mean_bar_range: float
    """Mean of high less low of the bars of the last 15 minutes."""


class MetricsCalculator(Protocol):
    """What both back ends offer. ``data.has_history`` must hold."""

    def start_session(self, data: DataManager) -> None:
        """Called once a day, before the first bar."""

    def update(self, data: DataManager) -> Metrics:
        """The figures after the bar that was just added to ``data``."""


def metrics_calculator(parameters: Parameters) -> MetricsCalculator:
    """A fresh back end, chosen by the parameter ``metrics``. One a symbol."""
    kind = RecomputeMetrics if parameters.metrics == "recompute" else IncrementalMetrics
    return kind(parameters.window_bars, parameters.volume_days)


def _vwap(turnover: int, volume: int, close: int) -> float:
    """``turnover``: sum of three times the typical price times volume."""
    return turnover / (3 * volume) if volume else float(close)


def _gap_bp(open_e4: int, previous_close: int) -> float:
    return 10_000 * (open_e4 - previous_close) / previous_close


class RecomputeMetrics:
    """Every figure from its window, at every bar. Holds no state."""

    def __init__(self, window_bars: int, volume_days: int) -> None:
        self.window_bars = window_bars
        self.volume_days = volume_days

    def start_session(self, data: DataManager) -> None:
        """Nothing to prepare: there is no state."""

    def update(self, data: DataManager) -> Metrics:
        """The figures of ``data`` as it is; cost grows with the number of today's bars."""
        daily = data.daily
        days = len(daily.closes)
        close = data.closes[-1]
        session_volume = sum(data.volumes)
        window = slice(-self.window_bars, None)
        highs, lows = data.highs[window], data.lows[window]
        return Metrics(
            high=data.highs[-1],
            low=data.lows[-1],
            close=close,
            vwap=_vwap(sum(map(mul, data.typicals, data.volumes)), session_volume, close),
            session_high=max(data.highs),
            session_low=min(data.lows),
            session_volume=session_volume,
            mean_close=(sum(daily.closes[1:]) + close) / days,
            mean_volume=sum(daily.volumes) / days,
            recent_mean_volume=sum(daily.volumes[-self.volume_days :]) / self.volume_days,
            mean_range=sum(daily.ranges) / days,
            gap_bp=_gap_bp(data.open_e4, daily.closes[-1]),
            drop=max(highs) - close,
            rise=close - min(lows),
            window_volume=sum(data.volumes[window]),
            mean_bar_range=sum(map(sub, highs, lows)) / len(highs),
        )


class IncrementalMetrics:
    """Running sums and extremes, moved by one bar; daily figures once a day."""

    def __init__(self, window_bars: int, volume_days: int) -> None:
        self.window_bars = window_bars
        self.volume_days = volume_days
        self._clear()

    def _clear(self) -> None:
        self._count = 0
        self._turnover = 0
        self._volume = 0
        self._high = 0
        self._low = 0
        self._window_volume = 0
        self._window_range = 0
        # Candidates for the window's extreme as (bar number, price); the first is the extreme, each later one takes
        # over when those before it have left the window.
        self._maxima: deque[tuple[int, int]] = deque()
        self._minima: deque[tuple[int, int]] = deque()
        self._gap_bp = 0.0

    def start_session(self, data: DataManager) -> None:
        """Sums of the daily history, for the whole day."""
        self._clear()
        daily = data.daily
        self._days = len(daily.closes)
        self._closes = sum(daily.closes[1:])
        self._mean_volume = sum(daily.volumes) / self._days
        self._recent_mean_volume = sum(daily.volumes[-self.volume_days :]) / self.volume_days
        self._mean_range = sum(daily.ranges) / self._days

    def update(self, data: DataManager) -> Metrics:
        """Move all figures by the last bar of ``data``; must be called for every bar."""
        number = self._count
        self._count = count = number + 1
        high = data.highs[-1]
        low = data.lows[-1]
        close = data.closes[-1]
        volume = data.volumes[-1]
        self._turnover = turnover = self._turnover + data.typicals[-1] * volume
        self._volume = session_volume = self._volume + volume
        if number == 0:
            self._high = high
            self._low = low
            self._gap_bp = _gap_bp(data.open_e4, data.daily.closes[-1])
        elif high > self._high:
            self._high = high
        if low < self._low:
            self._low = low

        self._window_volume = window_volume = self._window_volume + volume
        self._window_range = window_range = self._window_range + high - low
        maxima = self._maxima
        while maxima and maxima[-1][1] <= high:
            maxima.pop()
        maxima.append((number, high))
        minima = self._minima
        while minima and minima[-1][1] >= low:
            minima.pop()
        minima.append((number, low))
        gone = number - self.window_bars
        if gone >= 0:
            count = self.window_bars
            self._window_volume = window_volume = window_volume - data.volumes[gone]
            self._window_range = window_range = window_range - data.highs[gone] + data.lows[gone]
            if maxima[0][0] == gone:
                maxima.popleft()
            if minima[0][0] == gone:
                minima.popleft()

        # By position, in the order of the fields: keywords cost a third more.
        return Metrics(
            high,
            low,
            close,
            _vwap(turnover, session_volume, close),
            self._high,
            self._low,
            session_volume,
            (self._closes + close) / self._days,
            self._mean_volume,
            self._recent_mean_volume,
            self._mean_range,
            self._gap_bp,
            maxima[0][1] - close,
            close - minima[0][1],
            window_volume,
            window_range / count,
        )
