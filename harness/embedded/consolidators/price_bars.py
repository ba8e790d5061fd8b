"""Bars whose extent is a price range or a volume instead of time.

Source of the rules: ``RenkoBar.cs``, ``VolumeRenkoBar.cs`` and ``RangeBar.cs`` in Lean's ``Common/Data/Market``.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from harness.embedded.clr import ZERO, to_float
from harness.embedded.data import TradeBar
from harness.embedded.enums import LeanEnum
from harness.embedded.naming import lean_api


class RenkoType(LeanEnum):
    CLASSIC = 0
    WICKED = 1


class BarDirection(LeanEnum):
    RISING = 0
    NO_DELTA = 1
    FALLING = 2


@lean_api
class BaseRenkoBar(TradeBar):
    """Common part of the Renko bars. Times are exchange-local microseconds inside, datetimes outside."""

    __slots__ = ("_brick_size", "_closed", "_type")

    def _begin(self, symbol: Any, start_us: int, end_us: int, values: list[Decimal], brick_size: Decimal) -> None:
        self.symbol = symbol
        self.is_fill_forward = False
        self._frame = None
        self._row = 0
        self._start_us = start_us
        self._end_us = end_us
        self._values = values
        self._brick_size = brick_size
        self._closed = False
        self._type = RenkoType.CLASSIC

    @property
    def type(self) -> RenkoType:
        return self._type

    @property
    def brick_size(self) -> float:
        return to_float(self._brick_size)

    @property
    def start(self) -> Any:
        return self.time

    @property
    def is_closed(self) -> bool:
        return self._closed

    def clone(self, is_fill_forward: bool = False) -> Any:
        copy = type(self).__new__(type(self))
        copy._begin(self.symbol, self._start_us, self._end_us, list(self._values), self._brick_size)
        copy._closed = self._closed
        copy._type = self._type
        return copy


@lean_api
class RenkoBar(BaseRenkoBar):
    """A bar of one price range: classic ones close at a brick's edge, wicked ones also keep how far the price went."""

    __slots__ = ()

    @classmethod
    def classic(cls, symbol: Any, time_us: int, brick_size: Decimal, open_price: Decimal, volume: Decimal) -> RenkoBar:
        bar = cls.__new__(cls)
        bar._begin(symbol, time_us, time_us, [open_price, open_price, open_price, open_price, volume], brick_size)
        return bar

    @classmethod
    def wicked(cls, symbol: Any, start_us: int, end_us: int, brick_size: Decimal, prices: list[Decimal]) -> RenkoBar:
        """``prices``: open, high, low, close."""
        bar = cls.__new__(cls)
        bar._begin(symbol, start_us, end_us, [*prices, ZERO], brick_size)
        bar._type = RenkoType.WICKED
        return bar

    @property
    def direction(self) -> BarDirection:
        if self._open < self._close:
            return BarDirection.RISING
        return BarDirection.FALLING if self._open > self._close else BarDirection.NO_DELTA

    @property
    def spread(self) -> float:
        return to_float(abs(self._close - self._open))

    @property
    def end(self) -> Any:
        return self.end_time

    def take(self, time_us: int, value: Decimal, volume: Decimal) -> bool:
        """Add a value to an open classic bar; whether that closed it."""
        if self._closed:
            return True
        self._end_us = time_us
        values = self._values
        low_close = values[0] - self._brick_size
        high_close = values[0] + self._brick_size
        close = min(high_close, max(low_close, value))
        values[3] = close
        values[4] += volume
        if value <= low_close or value >= high_close:
            self._closed = True
        values[1] = max(values[1], close)
        values[2] = min(values[2], close)
        return self._closed


@lean_api
class VolumeRenkoBar(BaseRenkoBar):
    """A bar of one amount of volume."""

    __slots__ = ()

    @classmethod
    def starting(
        cls, symbol: Any, start_us: int, end_us: int, brick_size: Decimal, prices: list[Decimal]
    ) -> VolumeRenkoBar:
        """``prices``: open, high, low, close."""
        bar = cls.__new__(cls)
        bar._begin(symbol, start_us, end_us, [*prices, ZERO], brick_size)
        return bar

    @property
    def is_closed(self) -> bool:
        return bool(self._values[4] >= self._brick_size)

    def take(self, time_us: int, high: Decimal, low: Decimal, close: Decimal, volume: Decimal) -> Decimal:
        """Add volume; the part of it that no longer fits (negative: how much is still missing)."""
        values = self._values
        if values[4] >= self._brick_size:
            return ZERO
        self._end_us = time_us
        excess: Decimal = values[4] + volume - self._brick_size
        values[4] = self._brick_size if excess > 0 else values[4] + volume
        values[3] = close
        values[1] = max(values[1], high)
        values[2] = min(values[2], low)
        return excess

    def rollover(self) -> VolumeRenkoBar:
        """The next bar: it opens where this one closed."""
        close = self._values[3]
        return VolumeRenkoBar.starting(
            self.symbol, self._end_us, self._end_us, self._brick_size, [close, close, close, close]
        )


@lean_api
class RangeBar(TradeBar):
    """A bar that closes once its price range would be exceeded."""

    __slots__ = ("_closed", "_range_size")

    _closed: bool
    _range_size: Decimal

    @classmethod
    def starting(cls, symbol: Any, end_us: int, range_size: Decimal, open_price: Decimal, volume: Decimal) -> RangeBar:
        bar = cls.__new__(cls)
        bar.symbol = symbol
        bar.is_fill_forward = False
        bar._frame = None
        bar._row = 0
        # Lean sets only the end of this bar, so its start stays at the beginning of time.
        bar._start_us = YEAR_ONE_US
        bar._end_us = end_us
        bar._values = [open_price, open_price, open_price, open_price, volume]
        bar._range_size = range_size
        bar._closed = False
        return bar

    @property
    def range_size(self) -> float:
        return to_float(self._range_size)

    @property
    def is_closed(self) -> bool:
        return self._closed

    def take(self, time_us: int, value: Decimal, volume: Decimal) -> None:
        """Add a value; the bar closes when its range would be exceeded."""
        self._end_us = time_us
        values = self._values
        if value < values[2]:
            if values[1] - value > self._range_size:
                self._closed = True
                values[2] = values[3] = values[1] - self._range_size
                return
            values[2] = value
        elif value > values[1]:
            if value - values[2] > self._range_size:
                self._closed = True
                values[1] = values[3] = values[2] + self._range_size
                return
            values[1] = value
        values[4] += volume

    def clone(self, is_fill_forward: bool = False) -> RangeBar:
        copy = RangeBar.starting(self.symbol, self._end_us, self._range_size, self._values[0], self._values[4])
        copy._start_us = self._start_us
        copy._values = list(self._values)
        copy._closed = self._closed
        return copy


YEAR_ONE_US = -719_162 * 86_400_000_000
"""0001-01-01, .NET's earliest moment, in microseconds since 1970-01-01."""
