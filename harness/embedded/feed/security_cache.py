"""The last data of a security, read from the day's columns when asked.

Source of the rules: Lean's ``SecurityCache``: fill-forward bars are not stored; a trade bar that ends with a quote bar
does not replace the quote's prices; zero values never replace earlier ones.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from harness.embedded.clr import ZERO, to_float
from harness.embedded.data import BarFrame, QuoteBar, TradeBar, view_of
from harness.embedded.feed.timeline import SubscriptionDay
from harness.embedded.naming import lean_api
from harness.embedded.uncovered import refuses_uncovered


class Cursor:
    """The step the loop stands at; shared by everything that reads columns.

    ``epoch`` grows when a security gets other columns or a bar given by hand.
    """

    __slots__ = ("epoch", "step")

    def __init__(self) -> None:
        self.epoch = 0
        self.step = -1


class _Updates:
    """Real bars of a security on the day's steps, in the order in which they are stored.

    ``at(step)`` is the number of the last update up to a step, -1 if there was none yet today.
    """

    __slots__ = ("_index", "frames", "rows", "steps", "subs")

    def __init__(self, days: list[SubscriptionDay], length: int) -> None:
        self.frames: list[BarFrame | None] = [day.frame for day in days]
        if len(days) == 1:
            self.steps = days[0].real_steps
            self.rows = days[0].rows.real_rows
            self.subs = None
        else:
            steps = np.concatenate([day.real_steps for day in days])
            rows = np.concatenate([day.rows.real_rows for day in days])
            subs = np.concatenate([np.full(len(day.real_steps), i, dtype=np.int32) for i, day in enumerate(days)])
            order = np.argsort(steps, kind="stable")
            self.steps = steps[order]
            self.rows = rows[order]
            self.subs = subs[order]
        self._index = view_of(np.cumsum(np.bincount(self.steps, minlength=length)) - 1)

    def at(self, step: int) -> int:
        return self._index[step] if step >= 0 else -1

    def first_outside(self, step: int, low: Decimal, high: Decimal) -> int | None:
        """The first step after ``step`` with a bar that reaches down to ``low`` or up to ``high``."""
        bounds = [None if frame is None else _mantissa_bounds(frame, low, high) for frame in self.frames]
        start, size = self.at(step) + 1, _FIRST_CHUNK
        while start < len(self.steps):
            end = start + size
            outside = np.zeros(min(end, len(self.steps)) - start, dtype=bool)
            for index, (frame, bound) in enumerate(zip(self.frames, bounds, strict=True)):
                if frame is None or bound is None:
                    continue
                mine = slice(None) if self.subs is None else np.flatnonzero(self.subs[start:end] == index)
                rows = self.rows[start:end][mine]
                for side in (0, 5) if frame.is_quote else (0,):
                    outside[mine] |= frame.columns[side + 2][rows] <= bound[0]
                    outside[mine] |= frame.columns[side + 1][rows] >= bound[1]
            if outside.any():
                return int(self.steps[start + int(outside.argmax())])
            start, size = end, size * 4
        return None

    def find(self, number: int) -> tuple[BarFrame, int]:
        sub = 0 if self.subs is None else int(self.subs[number])
        frame = self.frames[sub]
        assert frame is not None
        return frame, int(self.rows[number])


_FIRST_CHUNK = 256
_FILE_DECIMALS = 4


def _mantissa_bounds(frame: BarFrame, low: Decimal, high: Decimal) -> tuple[int, int]:
    """The bounds in the frame's integers, drawn in by one so that rounding cannot widen them."""

    def mantissa(price: Decimal) -> Decimal:
        shifted = price if frame.addend is None else price - frame.addend
        return (shifted if frame.factor is None else shifted / frame.factor).scaleb(frame.scale)

    limit = Decimal(2**62)
    return int(min(mantissa(low), limit)) + 1, int(min(mantissa(high), limit)) - 1


_BID_CLOSE, _BID_SIZE, _ASK_CLOSE, _ASK_SIZE = 3, 4, 8, 9
_GIVEN_QUOTE: dict[int, Callable[[QuoteBar], Decimal]] = {
    _BID_CLOSE: lambda bar: bar.bid._close if bar.bid is not None else ZERO,
    _BID_SIZE: lambda bar: bar._last_bid_size,
    _ASK_CLOSE: lambda bar: bar.ask._close if bar.ask is not None else ZERO,
    _ASK_SIZE: lambda bar: bar._last_ask_size,
}


class PricePath(NamedTuple):
    """Prices of a security over some steps: ``price = halves * unit + addend``, exactly.

    ``steps``: ascending, a step may occur twice; ``halves``: int64, twice the price's mantissa (so that the middle of
    a quote is whole).
    """

    steps: Any
    halves: Any
    unit: Decimal
    addend: Decimal

    def exact(self, index: int) -> Decimal:
        return int(self.halves[index]) * self.unit + self.addend


class StepPrices(NamedTuple):
    """A security's price at the end of every step of a day on which nothing but one series of bars sets it.

    ``floats``: float64, a value a step, each the double next to the exact price; ``largest``: of their absolute values.
    """

    floats: Any
    largest: float


def _half_mantissas(frame: BarFrame, rows: Any) -> Any:
    if not frame.is_quote:
        return frame.columns[3][rows] * 2
    bid, ask = frame.columns[3][rows], frame.columns[8][rows]
    return np.where((bid != 0) & (ask != 0), bid + ask, 2 * np.where(bid != 0, bid, ask))


def _bar_of(frame: BarFrame, row: int) -> Any:
    return QuoteBar.of_row(frame, row) if frame.is_quote else TradeBar.of_row(frame, row)


def _as_float(name: str) -> property:
    """What user code sees of an exact value."""
    return property(lambda cache: to_float(getattr(cache, name)))


@refuses_uncovered("SecurityCache")
@lean_api
class SecurityCache:
    """Prices of one security as of the loop's current step."""

    __slots__ = (
        "_ahead",
        "_all",
        "_ask",
        "_cursor",
        "_kept",
        "_last",
        "_last_quote",
        "_last_trade",
        "_memo_float",
        "_memo_price",
        "_memo_step",
        "_quotes",
        "_set_step",
        "_step_prices",
        "_trades",
        "properties",
    )

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        # Carried from earlier days, or set by hand: bar objects.
        self._last: Any = None
        self._last_trade: TradeBar | None = None
        self._last_quote: QuoteBar | None = None
        self._kept: dict[int, Decimal] = {}
        self._ahead: tuple[memoryview, memoryview] | None = None
        self._step_prices: StepPrices | None = None
        self._set_step = -1
        self._all: _Updates | None = None
        self._trades: _Updates | None = None
        self._quotes: _Updates | None = None
        self._memo_step = -2
        self._memo_price = ZERO
        self._memo_float = 0.0
        self.properties: dict[str, Any] = {}

    # -- the engine's side ---------------------------------------------------------------------------------------

    def attach(self, days: list[SubscriptionDay], length: int) -> None:
        """Read from a new day's columns; ``days`` are the security's subscriptions in slice order."""
        if self._last_quote is not None:
            # A quote given by hand before the day's first: what it says holds until a quote of the day says more.
            self._kept = {column: self._quote_value(column) for column in _GIVEN_QUOTE}
        trades = [day for day in days if not day.subscription.is_quote and len(day.rows.real_rows)]
        quotes = [day for day in days if day.subscription.is_quote and len(day.rows.real_rows)]
        self._trades = _Updates(trades, length) if trades else None
        self._quotes = _Updates(quotes, length) if quotes else None
        # Quotes never set a stock's price, nor are they its last data (SubscriptionManager.IsDefaultDataType).
        self._all = self._trades
        self._ahead = None
        self._step_prices = None
        self._set_step = -1
        self._memo_step = -2
        self._cursor.epoch += 1

    def detach(self) -> None:
        """Keep what is known now as bars, and let the day's columns go."""
        last, trade, quote = self.last_data(), self.last_trade_bar(), self.last_quote_bar()
        if quote is not None:
            self._kept = {column: self._quote_value(column) for column in _GIVEN_QUOTE}
        self._last, self._last_trade, self._last_quote = last, trade, quote
        self._all = self._trades = self._quotes = None
        self._ahead = None
        self._step_prices = None
        self._memo_step = -2

    def reset(self) -> None:
        self._last = self._last_trade = self._last_quote = None
        self._all = self._trades = self._quotes = None
        self._ahead = None
        self._step_prices = None
        self._memo_step = -2

    def store(self, bar: Any) -> None:
        """Take a bar given by hand (seeding, ``set_market_price``) as the last data."""
        if isinstance(bar, QuoteBar):
            self._last_quote = bar
        else:
            self._last = bar
            if isinstance(bar, TradeBar):
                self._last_trade = bar
        self._set_step = self._cursor.step
        self._memo_step = -2
        self._cursor.epoch += 1

    def first_outside(self, low: Decimal, high: Decimal) -> int | None:
        """The first of today's later steps whose new bar reaches down to ``low`` or up to ``high``; ``None``: none."""
        step = self._cursor.step
        found = [
            updates.first_outside(step, low, high) for updates in (self._trades, self._quotes) if updates is not None
        ]
        return min((number for number in found if number is not None), default=None)

    set_market_price = store
    add_data = store

    def _number(self, updates: _Updates | None) -> int:
        """The current update of today's columns, or -1 when a carried or given bar is newer."""
        if updates is None:
            return -1
        number = updates.at(self._cursor.step)
        if number >= 0 and self._set_step >= 0 and int(updates.steps[number]) <= self._set_step:
            return -1
        return number

    def _find(self, updates: _Updates | None) -> tuple[BarFrame, int] | None:
        number = self._number(updates)
        if number < 0 or updates is None:
            return None
        return updates.find(number)

    def updates_between(self, first_step: int, last_step: int) -> list[Any]:
        """The real bars stored from one step to another, both included, oldest first."""
        updates = self._all
        if updates is None:
            return []
        low, high = updates.at(first_step - 1) + 1, updates.at(last_step) + 1
        return [_bar_of(*updates.find(number)) for number in range(low, high)]

    def price_bounds_ahead(self) -> tuple[float, float]:
        """Lowest and highest close from now to the end of the day, in doubles."""
        price = self.price
        updates = self._all
        if updates is None:
            return price, price
        lowest, highest = self._closes_ahead(updates)
        first = max(updates.at(self._cursor.step), 0)
        return min(price, lowest[first]), max(price, highest[first])

    def price_bounds_of_day(self) -> tuple[float, float]:
        """Bounds of :meth:`price_bounds_ahead`, from the whole day's closes."""
        price = self.price
        if self._all is None:
            return price, price
        lowest, highest = self._closes_ahead(self._all)
        return min(price, lowest[0]), max(price, highest[0])

    def _closes_ahead(self, updates: _Updates) -> tuple[memoryview, memoryview]:
        """For each update of the day the lowest and the highest close from it on."""
        if self._ahead is None:
            closes = np.empty(len(updates.rows))
            for number, frame in enumerate(updates.frames):
                if frame is None:
                    continue
                own = slice(None) if updates.subs is None else np.flatnonzero(updates.subs == number)
                closes[own] = np.asarray(frame.floats(3))[updates.rows[own]]
            backwards = closes[::-1]
            self._ahead = (
                view_of(np.minimum.accumulate(backwards)[::-1]),
                view_of(np.maximum.accumulate(backwards)[::-1]),
            )
        return self._ahead

    def step_prices(self) -> StepPrices | None:
        """The prices at all steps of the day; ``None`` where several series or a bar given by hand have set them.

        Also ``None`` where a price has fewer decimals than files give it.
        """
        updates = self._all
        if updates is None or updates.subs is not None or self._set_step >= 0:
            return None
        if self._step_prices is None:
            frame = updates.frames[0]
            carried = self._last._close if self._last is not None else ZERO
            decimals = -int(carried.as_tuple().exponent)
            if frame is None or min(frame.scale, decimals) < _FILE_DECIMALS:
                return None
            numbers = np.asarray(updates._index)
            # Number -1, nothing yet today, takes any price first.
            floats = np.asarray(frame.floats(3))[updates.rows[numbers]]
            floats[numbers < 0] = to_float(carried)
            self._step_prices = StepPrices(floats, float(np.abs(floats).max(initial=0.0)))
        return self._step_prices

    def price_path(self, first_step: int, last_step: int) -> PricePath | None:
        """The prices set from one step to another, both included, in order; ``None`` if none was."""
        updates = self._all
        if updates is None:
            return None
        low, high = updates.at(first_step - 1) + 1, updates.at(last_step) + 1
        if high <= low:
            return None
        rows = updates.rows[low:high]
        if updates.subs is None:
            frame = updates.frames[0]
            assert frame is not None
            halves = _half_mantissas(frame, rows)
        else:
            subs = updates.subs[low:high]
            halves = np.empty(len(rows), dtype=np.int64)
            for index, candidate in enumerate(updates.frames):
                own = subs == index
                if candidate is not None and own.any():
                    frame = candidate
                    halves[own] = _half_mantissas(candidate, rows[own])
            assert frame is not None
        unit = Decimal(1).scaleb(-frame.scale) / 2
        if frame.factor is not None:
            unit = unit * frame.factor
        return PricePath(updates.steps[low:high], halves, unit, frame.addend or ZERO)

    # -- exact values --------------------------------------------------------------------------------------------

    @property
    def _price(self) -> Decimal:
        step = self._cursor.step
        if self._memo_step != step:
            found = self._find(self._all)
            if found is None:
                self._memo_price = self._last._close if self._last is not None else ZERO
            else:
                frame, row = found
                self._memo_price = QuoteBar.of_row(frame, row)._close if frame.is_quote else frame.exact(3, row)
            self._memo_float = to_float(self._memo_price)
            self._memo_step = step
        return self._memo_price

    @property
    def price(self) -> float:
        if self._memo_step != self._cursor.step:
            _ = self._price
        return self._memo_float

    _close = _price
    close = price

    @property
    def _open(self) -> Decimal:
        bar = self.last_data()
        return bar._open if bar is not None else ZERO

    @property
    def _high(self) -> Decimal:
        bar = self.last_data()
        return bar._high if bar is not None else ZERO

    @property
    def _low(self) -> Decimal:
        bar = self.last_data()
        return bar._low if bar is not None else ZERO

    @property
    def _volume(self) -> Decimal:
        updates = self._trades
        number = self._number(updates)
        while number >= 0 and updates is not None:
            frame, row = updates.find(number)
            volume = frame.exact(4, row)
            if volume != 0:
                return volume
            number -= 1
        return self._last_trade._volume if self._last_trade is not None else ZERO

    def _quote_value(self, column: int) -> Decimal:
        """The last value of a quote column that was not zero: zeros never replace what was known."""
        updates = self._quotes
        number = self._number(updates)
        while number >= 0 and updates is not None:
            frame, row = updates.find(number)
            if frame.mantissa(column)[row]:
                return frame.exact(column, row)
            number -= 1
        given = self._last_quote if self._set_step >= 0 or updates is None else None
        if given is not None:
            value = _GIVEN_QUOTE[column](given)
            if value:
                return value
        return self._kept.get(column, ZERO)

    @property
    def _bid_price(self) -> Decimal:
        return self._quote_value(_BID_CLOSE)

    @property
    def _ask_price(self) -> Decimal:
        return self._quote_value(_ASK_CLOSE)

    @property
    def _bid_size(self) -> Decimal:
        return self._quote_value(_BID_SIZE)

    @property
    def _ask_size(self) -> Decimal:
        return self._quote_value(_ASK_SIZE)

    open, high, low, volume = (_as_float(name) for name in ("_open", "_high", "_low", "_volume"))
    bid_price, ask_price = _as_float("_bid_price"), _as_float("_ask_price")
    bid_size, ask_size = _as_float("_bid_size"), _as_float("_ask_size")

    # -- bars ----------------------------------------------------------------------------------------------------

    @property
    def has_data(self) -> bool:
        return self._last is not None or self._number(self._all) >= 0

    def last_data(self) -> Any:
        """The last real bar of any kind (a quote before a trade of the same time), or ``None``."""
        found = self._find(self._all)
        return _bar_of(*found) if found is not None else self._last

    def last_trade_bar(self) -> TradeBar | None:
        found = self._find(self._trades)
        return TradeBar.of_row(*found) if found is not None else self._last_trade

    def last_quote_bar(self) -> QuoteBar | None:
        found = self._find(self._quotes)
        return QuoteBar.of_row(*found) if found is not None else self._last_quote

    def get_data(self, kind: Any = None) -> Any:
        if kind is TradeBar:
            return self.last_trade_bar()
        if kind is QuoteBar:
            return self.last_quote_bar()
        return self.last_data()
