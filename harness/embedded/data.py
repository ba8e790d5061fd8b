"""Bars, corporate events and slices, as user code and the engine see them.

A bar made by the feed holds a frame (one subscription's rows of one day, as columns) and a row number; its values are
computed when somebody reads them. A bar made by user code or by a consolidator holds its values. Prices are exact
Decimals under ``_name`` and floats under ``name``.

Source of the rules: Lean's ``BaseData``, ``TradeBar``, ``QuoteBar``, ``Bar``, ``Slice``, ``DataDictionary`` and
``Extensions.Scale`` (price normalisation).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NoReturn, cast

import numpy as np
import numpy.typing as npt

from harness.embedded.clock import EPOCH, from_us, to_us
from harness.embedded.clr import ONE, ZERO, decimal_text, from_python, mul, normalize, round_half_even, to_float
from harness.embedded.enums import DelistingType, MarketDataType, SplitType
from harness.embedded.naming import lean_api
from harness.embedded.reference.symbols import Symbol, find_symbol, ticker_not_found
from harness.embedded.uncovered import refuses_uncovered

if TYPE_CHECKING:
    from typing_extensions import Buffer

Int64 = npt.NDArray[np.int64]
_SAFE_MANTISSA = 2**53
_TWO = Decimal(2)
_SIZE_COLUMNS = frozenset((4, 9))


def view_of(values: npt.NDArray[Any]) -> memoryview:
    """A view of an array that gives Python numbers when indexed, several times faster than the array does."""
    return memoryview(cast("Buffer", np.ascontiguousarray(values)))


class BarFrame:
    """The rows of one subscription on one day: local times and price mantissas, scaled when read.

    ``start_us``/``end_us``: int64, exchange-local microseconds. ``columns``: int64 mantissas in the order of Lean's
    file (trade: open, high, low, close, volume; quote: bid open, high, low, close, size, then ask). A price is
    ``mantissa * 10**-scale * factor + addend``; a volume is ``round(mantissa * 10**-volume_scale / factor)``.
    """

    __slots__ = (
        "_dec_cache",
        "_floats",
        "_mantissas",
        "_volume_factor",
        "addend",
        "columns",
        "end_us",
        "ends",
        "factor",
        "is_quote",
        "period_us",
        "scale",
        "start_us",
        "starts",
        "symbol",
        "volume_scale",
    )

    def __init__(
        self,
        symbol: Symbol,
        start_us: Int64,
        end_us: Int64,
        columns: Sequence[Int64],
        *,
        is_quote: bool = False,
        period_us: int = 0,
        scale: int = 4,
        volume_scale: int = 0,
        factor: Decimal | None = None,
        addend: Decimal | None = None,
    ) -> None:
        self.symbol = symbol
        self.start_us = start_us
        self.end_us = end_us
        self.starts = view_of(start_us)
        self.ends = view_of(end_us)
        self.columns = tuple(columns)
        self.is_quote = is_quote
        self.period_us = period_us
        self.scale = scale
        self.volume_scale = volume_scale
        self.factor = factor if factor is not None and factor != 1 else None
        if factor is None:
            self._volume_factor: Decimal | None = None
        else:
            self._volume_factor = ONE / factor
        self.addend = addend if addend else None
        self._floats: dict[int, memoryview] = {}
        self._mantissas: dict[int, memoryview] = {}
        self._dec_cache: dict[tuple[int, int], Decimal] = {}

    def __len__(self) -> int:
        return len(self.start_us)

    def is_size(self, column: int) -> bool:
        return column in _SIZE_COLUMNS

    def mantissa(self, column: int) -> memoryview:
        """The raw integers of a column, as a view that gives Python integers."""
        view = self._mantissas.get(column)
        if view is None:
            view = self._mantissas[column] = view_of(self.columns[column])
        return view

    def exact(self, column: int, row: int) -> Decimal:
        """The value of one cell as System.Decimal."""
        key = (column, row)
        value = self._dec_cache.get(key)
        if value is not None:
            return value
        raw = Decimal(self.mantissa(column)[row])
        if column in _SIZE_COLUMNS:
            value = raw.scaleb(-self.volume_scale) if self.volume_scale else raw
            if self._volume_factor is not None:
                value = round_half_even(mul(value, self._volume_factor), 0)
        else:
            value = raw.scaleb(-self.scale)
            if self.factor is not None:
                value = mul(value, self.factor)
            if self.addend is not None:
                value = value + self.addend
        if len(self._dec_cache) > 4096:
            self._dec_cache.clear()
        self._dec_cache[key] = value
        return value

    def floats(self, column: int) -> memoryview:
        """A whole column as doubles, each the ``(double)`` of the exact value; gives Python floats when indexed."""
        view = self._floats.get(column)
        if view is None:
            view = self._floats[column] = view_of(self._float_array(column))
        return view

    def _float_array(self, column: int) -> npt.NDArray[np.float64]:
        raw = self.columns[column]
        if column in _SIZE_COLUMNS:
            if self._volume_factor is None or self._volume_factor == 1:
                return np.ascontiguousarray(raw / 10.0**self.volume_scale)
        elif self.factor is None and self.addend is None:
            return np.ascontiguousarray(raw / 10.0**self.scale)
        elif self.addend is None and self.factor is not None:
            _, digits, exponent = self.factor.as_tuple()
            multiplier = int("".join(map(str, digits)))
            top = int(np.abs(raw).max(initial=0))
            if isinstance(exponent, int) and -22 + self.scale <= exponent <= 0 and top * multiplier < _SAFE_MANTISSA:
                return np.ascontiguousarray((raw * multiplier) / 10.0 ** (self.scale - exponent))
        return np.array([to_float(self.exact(column, row)) for row in range(len(raw))], dtype=np.float64)


class BaseData:
    """Common part of everything that a slice carries."""

    __slots__ = ("_end_us", "_start_us", "is_fill_forward", "symbol")

    data_type = MarketDataType.BASE

    def __init__(self) -> None:
        self.symbol: Any = None
        self._start_us = 0
        self._end_us = 0
        self.is_fill_forward = False

    @property
    def time(self) -> datetime:
        return from_us(self._start_us)

    @time.setter
    def time(self, value: datetime) -> None:
        self._start_us = to_us(value)

    @property
    def end_time(self) -> datetime:
        return from_us(self._end_us)

    @end_time.setter
    def end_time(self, value: datetime) -> None:
        self._end_us = to_us(value)

    @property
    def _value(self) -> Decimal:
        return ZERO

    @property
    def value(self) -> float:
        return to_float(self._value)

    price = value

    @property
    def _price(self) -> Decimal:
        return self._value

    def clone(self, is_fill_forward: bool = False) -> Any:
        raise NotImplementedError

    def __str__(self) -> str:
        return f"{self.symbol}: {currency_text(self._value)}"


def currency_text(value: Decimal) -> str:
    """``value.ToString("C")`` with the invariant culture: ``¤1,234.50``, negatives in parentheses."""
    text = f"¤{abs(round_half_even(value, 2)):,.2f}"
    return f"({text})" if value < 0 else text


@lean_api
class Bar:
    """Open, high, low and close of one side of a quote."""

    __slots__ = ("_close", "_high", "_low", "_open")

    def __init__(self, open: Any = 0, high: Any = 0, low: Any = 0, close: Any = 0) -> None:
        self._open = from_python(open)
        self._high = from_python(high)
        self._low = from_python(low)
        self._close = from_python(close)

    def update(self, value: Any) -> None:
        self._update(from_python(value))

    def _update(self, value: Decimal) -> None:
        # A bar of zeros has not been started; zero prices are no prices. Source: Bar.Update.
        if value == 0:
            return
        if self._open == 0:
            self._open = self._high = self._low = self._close = value
            return
        self._high = max(self._high, value)
        self._low = min(self._low, value)
        self._close = value

    def clone(self) -> Bar:
        return Bar(self._open, self._high, self._low, self._close)

    def __str__(self) -> str:
        parts = (("O", self._open), ("H", self._high), ("L", self._low), ("C", self._close))
        return " ".join(f"{name}: {_rounded_text(value)}" for name, value in parts)

    @property
    def open(self) -> float:
        return to_float(self._open)

    @property
    def high(self) -> float:
        return to_float(self._high)

    @property
    def low(self) -> float:
        return to_float(self._low)

    @property
    def close(self) -> float:
        return to_float(self._close)


def _trade_field(column: int) -> tuple[property, property]:
    def exact(self: TradeBar) -> Decimal:
        frame = self._frame
        if frame is None:
            value: Decimal = self._values[column]
            return value
        return frame.exact(column, self._row)

    def set_exact(self: TradeBar, value: Decimal) -> None:
        if self._frame is not None:
            self._materialize()
        self._values[column] = value

    def shown(self: TradeBar) -> float:
        frame = self._frame
        if frame is None:
            return to_float(self._values[column])
        view = frame._floats.get(column)  # BarFrame.floats without its call: read for every bar
        if view is None:
            view = frame.floats(column)
        value: float = view[self._row]
        return value

    def set_shown(self: TradeBar, value: Any) -> None:
        set_exact(self, from_python(value))

    return property(exact, set_exact), property(shown, set_shown)


@refuses_uncovered("TradeBar")
@lean_api
class TradeBar(BaseData):
    """Open, high, low, close and volume of a period. Source: Lean's ``TradeBar``."""

    __slots__ = ("_frame", "_row", "_values")

    data_type = MarketDataType.TRADE_BAR

    def __init__(
        self,
        time: datetime | TradeBar | None = None,
        symbol: Symbol | None = None,
        open: Any = 0,
        high: Any = 0,
        low: Any = 0,
        close: Any = 0,
        volume: Any = 0,
        period: timedelta | None = None,
    ) -> None:
        self.is_fill_forward = False
        self._frame: BarFrame | None = None
        self._row = 0
        if isinstance(time, TradeBar):
            self.symbol = time.symbol
            self._start_us, self._end_us = time._start_us, time._end_us
            self._values = [time._open, time._high, time._low, time._close, time._volume]
            return
        self.symbol = symbol
        self._values = [from_python(x) for x in (open, high, low, close, volume)]
        self._start_us = to_us(time) if time is not None else 0
        length = period if period is not None else timedelta(minutes=1)
        self._end_us = self._start_us + (length.days * 86_400 + length.seconds) * 1_000_000 + length.microseconds

    @classmethod
    def of_row(cls, frame: BarFrame, row: int) -> TradeBar:
        """The bar of one row of a frame."""
        bar = cls.__new__(cls)
        bar.symbol = frame.symbol
        bar._frame = frame
        bar._row = row
        bar._start_us = frame.starts[row]
        bar._end_us = frame.ends[row]
        bar.is_fill_forward = False
        return bar

    @classmethod
    def of_values(cls, symbol: Symbol, start_us: int, end_us: int, values: list[Decimal]) -> TradeBar:
        """A bar of exact values; times are exchange-local microseconds."""
        bar = cls.__new__(cls)
        bar.symbol = symbol
        bar._frame = None
        bar._row = 0
        bar._values = values
        bar._start_us = start_us
        bar._end_us = end_us
        bar.is_fill_forward = False
        return bar

    @classmethod
    def filled_forward(cls, frame: BarFrame, row: int, start_us: int, end_us: int) -> TradeBar:
        """The last bar shown again at a later time, its volume 0."""
        bar = _FilledTradeBar.__new__(_FilledTradeBar)
        bar.symbol = frame.symbol
        bar._frame = frame
        bar._row = row
        bar._start_us = start_us
        bar._end_us = end_us
        bar.is_fill_forward = True
        return bar

    def _materialize(self) -> None:
        self._values = [self._open, self._high, self._low, self._close, self._volume]
        self._frame = None

    _open, open = _trade_field(0)
    _high, high = _trade_field(1)
    _low, low = _trade_field(2)
    _close, close = _trade_field(3)
    _volume, volume = _trade_field(4)
    _value, value = _close, close
    price = close
    _price = _close

    @property
    def period(self) -> timedelta:
        return timedelta(microseconds=self._end_us - self._start_us)

    @period.setter
    def period(self, value: timedelta) -> None:
        self._end_us = self._start_us + (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds

    def update(
        self, last_trade: Any, bid_price: Any, ask_price: Any, volume: Any, bid_size: Any, ask_size: Any
    ) -> None:
        self._update_trade(from_python(last_trade), from_python(volume))

    def update_trade(self, last_trade: Any, volume: Any) -> None:
        self._update_trade(from_python(last_trade), from_python(volume))

    def _update_trade(self, price: Decimal, volume: Decimal) -> None:
        if self._frame is not None:
            self._materialize()
        values = self._values
        if values[0] == 0:
            values[0] = values[1] = values[2] = price
        values[3] = price
        values[1] = max(values[1], price)
        values[2] = min(values[2], price)
        values[4] += volume

    def clone(self, is_fill_forward: bool = False) -> TradeBar:
        volume = ZERO if is_fill_forward else self._volume
        bar = TradeBar.of_values(
            self.symbol, self._start_us, self._end_us, [self._open, self._high, self._low, self._close, volume]
        )
        bar.is_fill_forward = is_fill_forward
        return bar

    def __str__(self) -> str:
        parts = (("O", self._open), ("H", self._high), ("L", self._low), ("C", self._close), ("V", self._volume))
        shown = " ".join(f"{name}: {_rounded_text(value)}" for name, value in parts)
        return f"{self.symbol}: {shown}"


def _rounded_text(value: Decimal) -> str:
    return decimal_text(_smart_rounding(normalize(value)))


def _smart_rounding(value: Decimal) -> Decimal:
    """7 significant digits below 1e7, whole units above. Source: ``Extensions.SmartRounding``."""
    if value == 0 or abs(value) > 10_000_000:
        return round_half_even(value, 0) if abs(value) > 10_000_000 else value
    return round_half_even(value, max(0, 7 - value.adjusted() - 1))


@lean_api
class _FilledTradeBar(TradeBar):
    """A trade bar shown again by fill-forward: its volume is zero."""

    __slots__ = ()

    @property
    def _volume(self) -> Decimal:
        return ZERO

    @property
    def volume(self) -> float:
        return 0.0

    def _materialize(self) -> None:
        self._values = [self._open, self._high, self._low, self._close, ZERO]
        self._frame = None
        self.__class__ = TradeBar  # type: ignore[assignment]


def _mid(name: str) -> tuple[property, property]:
    def exact(self: QuoteBar) -> Decimal:
        bid, ask = self.bid, self.ask
        b: Decimal | None = getattr(bid, name) if bid is not None else None
        a: Decimal | None = getattr(ask, name) if ask is not None else None
        if b is not None and a is not None:
            if b != 0 and a != 0:
                return (b + a) / _TWO
            return b if b != 0 else a
        if b is not None:
            return b
        return a if a is not None else ZERO

    return property(exact), property(lambda self: to_float(exact(self)))


@refuses_uncovered("QuoteBar")
@lean_api
class QuoteBar(BaseData):
    """Bid and ask bars of a period; open, high, low and close are their mid prices. Source: Lean's ``QuoteBar``."""

    __slots__ = ("_given_value", "_last_ask_size", "_last_bid_size", "ask", "bid")

    data_type = MarketDataType.QUOTE_BAR

    def __init__(
        self,
        time: datetime | None = None,
        symbol: Symbol | None = None,
        bid: Bar | None = None,
        last_bid_size: Any = 0,
        ask: Bar | None = None,
        last_ask_size: Any = 0,
        period: timedelta | None = None,
    ) -> None:
        self.symbol = symbol
        self.is_fill_forward = False
        self.bid = bid
        self.ask = ask
        self._last_bid_size = from_python(last_bid_size)
        self._last_ask_size = from_python(last_ask_size)
        self._start_us = to_us(time) if time is not None else 0
        length = period if period is not None else timedelta(minutes=1)
        self._end_us = self._start_us + (length.days * 86_400 + length.seconds) * 1_000_000 + length.microseconds

    @classmethod
    def of_row(cls, frame: BarFrame, row: int) -> QuoteBar:
        """The quote of one row; a side whose prices are all zero on disk is absent."""
        bar = cls.__new__(cls)
        bar.symbol = frame.symbol
        bar._start_us = frame.starts[row]
        bar._end_us = frame.ends[row]
        bar.is_fill_forward = False
        sides: list[Bar | None] = []
        for first in (0, 5):
            if any(frame.mantissa(first + i)[row] for i in range(4)):
                side = Bar.__new__(Bar)
                side._open, side._high, side._low, side._close = (frame.exact(first + i, row) for i in range(4))
                sides.append(side)
            else:
                sides.append(None)
        bar.bid, bar.ask = sides
        # The size of a side that is absent is not read.
        bar._last_bid_size = ZERO if bar.bid is None else frame.exact(4, row)
        bar._last_ask_size = ZERO if bar.ask is None else frame.exact(9, row)
        return bar

    @classmethod
    def filled_forward(cls, frame: BarFrame, row: int, start_us: int, end_us: int) -> QuoteBar:
        bar = cls.of_row(frame, row)
        bar._start_us, bar._end_us = start_us, end_us
        bar.is_fill_forward = True
        return bar

    _open, open = _mid("_open")
    _high, high = _mid("_high")
    _low, low = _mid("_low")
    _close, close = _mid("_close")
    _value, value = _close, close
    price = close
    _price = _close

    def __str__(self) -> str:
        shown = f"{self.symbol}: "
        for name, side in (("Bid", self.bid), ("Ask", self.ask)):
            values = (None,) * 4 if side is None else (side._open, side._high, side._low, side._close)
            for letter, value in zip("OHLC", values, strict=True):
                shown += f"{name}: {letter}: {'' if value is None else _rounded_text(value)} "
        return shown

    @property
    def last_bid_size(self) -> float:
        return to_float(self._last_bid_size)

    @property
    def last_ask_size(self) -> float:
        return to_float(self._last_ask_size)

    @property
    def period(self) -> timedelta:
        return timedelta(microseconds=self._end_us - self._start_us)

    @period.setter
    def period(self, value: timedelta) -> None:
        self._end_us = self._start_us + (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds

    def collapse(self) -> TradeBar:
        """The mid prices as a trade bar without volume."""
        return TradeBar.of_values(
            self.symbol, self._start_us, self._end_us, [self._open, self._high, self._low, self._close, ZERO]
        )

    def clone(self, is_fill_forward: bool = False) -> QuoteBar:
        bar = QuoteBar.__new__(QuoteBar)
        bar.symbol = self.symbol
        bar._start_us, bar._end_us = self._start_us, self._end_us
        bar.is_fill_forward = is_fill_forward
        bar.bid = self.bid.clone() if self.bid is not None else None
        bar.ask = self.ask.clone() if self.ask is not None else None
        bar._last_bid_size, bar._last_ask_size = self._last_bid_size, self._last_ask_size
        return bar

    def _take_value(self, value: Decimal) -> None:
        """Give this bar a value of its own, which need not be its close."""
        self.__class__ = QuoteBar if value == self._close else ValuedQuoteBar
        self._given_value = value


@lean_api
class ValuedQuoteBar(QuoteBar):
    """A consolidated quote bar whose last quote had one side only: its value is that quote's, not its close."""

    __slots__ = ()
    _given_value: Decimal

    @property
    def _value(self) -> Decimal:
        return self._given_value

    _price = _value

    @property
    def value(self) -> float:
        return to_float(self._given_value)

    price = value

    def clone(self, is_fill_forward: bool = False) -> QuoteBar:
        bar = super().clone(is_fill_forward)
        bar._take_value(self._given_value)
        return bar


class _Auxiliary(BaseData):
    """A corporate event: it happens at one moment."""

    __slots__ = ()
    data_type = MarketDataType.AUXILIARY

    def _at(self, symbol: Symbol, local_us: int) -> None:
        self.symbol = symbol
        self._start_us = self._end_us = local_us
        self.is_fill_forward = False


@lean_api
class Dividend(_Auxiliary):
    """A cash distribution per share and the close before it."""

    __slots__ = ("_distribution", "_reference_price")

    def __init__(self, symbol: Symbol, local_us: int, distribution: Decimal, reference_price: Decimal) -> None:
        self._at(symbol, local_us)
        self._distribution = distribution
        self._reference_price = reference_price

    @property
    def _value(self) -> Decimal:
        return self._distribution

    @property
    def distribution(self) -> float:
        return to_float(self._distribution)

    @property
    def reference_price(self) -> float:
        return to_float(self._reference_price)

    def __str__(self) -> str:
        return f"Dividend: {self.symbol}: {decimal_text(self._distribution)} | {decimal_text(self._reference_price)}"

    def clone(self, is_fill_forward: bool = False) -> Dividend:
        return Dividend(self.symbol, self._start_us, self._distribution, self._reference_price)


@lean_api
class Split(_Auxiliary):
    """A share split: new shares = old shares / split factor."""

    __slots__ = ("_reference_price", "_split_factor", "type")

    def __init__(
        self, symbol: Symbol, local_us: int, reference_price: Decimal, split_factor: Decimal, kind: SplitType
    ) -> None:
        self._at(symbol, local_us)
        self._reference_price = reference_price
        self._split_factor = split_factor
        self.type = kind

    @property
    def _value(self) -> Decimal:
        return self._reference_price

    @property
    def split_factor(self) -> float:
        return to_float(self._split_factor)

    @property
    def reference_price(self) -> float:
        return to_float(self._reference_price)

    def __str__(self) -> str:
        name = "Split Warning" if self.type == SplitType.WARNING else "Split"
        return f"{name}: {self.symbol}: {decimal_text(self._split_factor)} | {decimal_text(self._reference_price)}"

    def clone(self, is_fill_forward: bool = False) -> Split:
        return Split(self.symbol, self._start_us, self._reference_price, self._split_factor, self.type)


@lean_api
class Delisting(_Auxiliary):
    """The last trading day of a symbol (warning) or its end (delisted)."""

    __slots__ = ("_last_price", "type")

    def __init__(self, symbol: Symbol, local_us: int, price: Decimal, kind: DelistingType) -> None:
        self._at(symbol, local_us)
        self._last_price = price
        self.type = kind

    @property
    def _value(self) -> Decimal:
        return self._last_price

    @property
    def ticket(self) -> None:
        return None

    def __str__(self) -> str:
        name = "Delisting Warning" if self.type == DelistingType.WARNING else "Delisted"
        return f"{name}: {self.symbol} {self.end_time:%m/%d/%Y %H:%M:%S}"

    def clone(self, is_fill_forward: bool = False) -> Delisting:
        return Delisting(self.symbol, self._start_us, self._last_price, self.type)


@lean_api
class SymbolChangedEvent(_Auxiliary):
    """A ticker that is renamed."""

    __slots__ = ("new_symbol", "old_symbol")

    def __init__(self, symbol: Symbol, local_us: int, old_symbol: str, new_symbol: str) -> None:
        self._at(symbol, local_us)
        self.old_symbol = old_symbol
        self.new_symbol = new_symbol

    def __str__(self) -> str:
        return f"{self.time:%m/%d/%Y %H:%M:%S} {self.old_symbol}->{self.new_symbol}"

    def clone(self, is_fill_forward: bool = False) -> SymbolChangedEvent:
        return SymbolChangedEvent(self.symbol, self._start_us, self.old_symbol, self.new_symbol)


class KeyNotFoundException(KeyError):  # noqa: N818 (.NET's name, which user code may catch)
    """A symbol that a collection does not hold now; text as Lean words it."""

    def __str__(self) -> str:
        return str(self.args[0])


def no_data_message(key: Any, kind: str) -> str:
    """What Lean says when a symbol is asked of a slice that does not carry it."""
    return (
        f"'{key}' wasn't found in the {kind} object, likely because there was no-data at this moment in time and it "
        "wasn't possible to fillforward historical data. To prevent the exception, use data.get(symbol), which returns "
        "None when the symbol is not found, or guard the access with 'if symbol in data:'."
    )


def absent(asked: Any, key: Any, kind: str) -> KeyNotFoundException:
    """The error for something that a collection does not hold, or for a ticker that nobody added."""
    if key is None and isinstance(asked, str):
        return KeyNotFoundException(ticker_not_found(asked))
    return KeyNotFoundException(no_data_message("" if key is None else key, kind))


class DataDictionary:
    """Data by symbol, in the order of symbols. Looked up by ``Symbol``, security or ticker that was added."""

    __slots__ = ("_items",)
    _kind = "DataDictionary"

    def __init__(self, items: dict[Any, Any] | None = None) -> None:
        self._items: dict[Any, Any] = items if items is not None else {}

    @staticmethod
    def _key(symbol: Any) -> Any:
        return symbol if symbol.__class__ is Symbol else find_symbol(symbol)

    def contains_key(self, symbol: Any) -> bool:
        return self._key(symbol) in self._items

    __contains__ = contains_key

    def __getitem__(self, symbol: Any) -> Any:
        key = self._key(symbol)
        try:
            return self._items[key]
        except KeyError:
            raise absent(symbol, key, self._kind) from None

    def __setitem__(self, symbol: Any, value: Any) -> None:
        self._items[self._key(symbol)] = value

    def get(self, symbol: Any, default: Any = None) -> Any:
        return self._items.get(self._key(symbol), default)

    def get_value(self, symbol: Any, default: Any = None) -> Any:
        return self.get(symbol, default)

    def try_get_value(self, symbol: Any, default: Any = None) -> tuple[bool, Any]:
        key = self._key(symbol)
        return (True, self._items[key]) if key in self._items else (False, None)

    def keys(self) -> list[Any]:
        return sorted(self._items)

    def values(self) -> list[Any]:
        return [self._items[key] for key in sorted(self._items)]

    def items(self) -> list[tuple[Any, Any]]:
        return [(key, self._items[key]) for key in sorted(self._items)]

    @property
    def count(self) -> int:
        return len(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Any]:
        return iter(KeyValuePair(key, self._items[key]) for key in sorted(self._items))

    # -- as a Python dictionary: Lean's ``ExtendedDictionary`` ---------------------------------------------------

    def clear(self) -> None:
        self._items.clear()

    def copy(self) -> dict[Any, Any]:
        return dict(self.items())

    def fromkeys(self, sequence: Any, value: Any = None) -> dict[Any, Any]:
        return {key: self.get(key, value) for key in sequence if key is not None}

    def pop(self, symbol: Any, default: Any = None) -> Any:
        return self._items.pop(self._key(symbol), default)

    def popitem(self) -> NoReturn:
        raise TypeError(f"popitem method is not supported for {self._kind}")

    def setdefault(self, symbol: Any, default: Any = None) -> Any:
        return self._items.setdefault(self._key(symbol), default)

    def update(self, other: Any) -> None:
        for symbol, value in other.items():
            self[symbol] = value

    def __str__(self) -> str:
        return f"QuantConnect.Data.Market.{self._kind}"


class KeyValuePair(tuple):  # type: ignore[type-arg]
    """What iterating over a .NET dictionary gives: ``.key``/``.value``, and it unpacks like a pair."""

    __slots__ = ()

    def __new__(cls, key: Any, value: Any) -> KeyValuePair:
        return tuple.__new__(cls, (key, value))

    @property
    def key(self) -> Any:
        return self[0]

    @property
    def value(self) -> Any:
        return self[1]

    Key, Value = key, value


for _alias, _name in (
    ("ContainsKey", "contains_key"),
    ("containsKey", "contains_key"),
    ("Keys", "keys"),
    ("Values", "values"),
    ("GetValue", "get_value"),
    ("TryGetValue", "try_get_value"),
    ("Count", "count"),
    ("has_key", "contains_key"),
):
    setattr(DataDictionary, _alias, DataDictionary.__dict__[_name])


class _KeysView(list):  # type: ignore[type-arg]
    """A list that may also be called: ``bars.keys()`` and C#'s ``bars.Keys`` both work."""

    def __call__(self) -> _KeysView:
        return self


class TradeBars(DataDictionary):
    __slots__ = ()
    _kind = "TradeBars"


class QuoteBars(DataDictionary):
    __slots__ = ()
    _kind = "QuoteBars"


class Splits(DataDictionary):
    __slots__ = ()
    _kind = "Splits"


class Dividends(DataDictionary):
    __slots__ = ()
    _kind = "Dividends"


class Delistings(DataDictionary):
    __slots__ = ()
    _kind = "Delistings"


class SymbolChangedEvents(DataDictionary):
    __slots__ = ()
    _kind = "SymbolChangedEvents"


class Ticks(DataDictionary):
    __slots__ = ()
    _kind = "Ticks"


_EMPTY_AUXILIARY: tuple[BaseData, ...] = ()


@refuses_uncovered("Slice")
class Slice:
    """All data of one moment. Its collections are built when first read.

    ``source`` gives the bars of the step (see ``feed.timeline``); ``auxiliary`` are the corporate events of the step.
    ``slice[symbol]`` is the trade bar. Source: Lean's ``Slice`` and ``SubscriptionManager.IsDefaultDataType``.
    """

    __slots__ = ("_aux", "_bars", "_local_us", "_quotes", "_source", "_step", "_utc_us")

    def __init__(
        self, source: Any, step: int, utc_us: int, local_us: int, auxiliary: tuple[BaseData, ...] = _EMPTY_AUXILIARY
    ) -> None:
        self._source = source
        self._step = step
        self._utc_us = utc_us
        self._local_us = local_us
        self._aux = auxiliary
        self._bars: TradeBars | None = None
        self._quotes: QuoteBars | None = None

    @property
    def time(self) -> datetime:
        return EPOCH + timedelta(microseconds=self._local_us)

    @property
    def utc_time(self) -> datetime:
        return EPOCH + timedelta(microseconds=self._utc_us)

    @property
    def bars(self) -> TradeBars:
        bars = self._bars
        if bars is None:
            bars = self._bars = self._source.trade_bars(self._step) if self._source is not None else TradeBars()
        return bars

    @property
    def quote_bars(self) -> QuoteBars:
        quotes = self._quotes
        if quotes is None:
            quotes = self._quotes = self._source.quote_bars(self._step) if self._source is not None else QuoteBars()
        return quotes

    def _events(self, kind: type, collection: type[DataDictionary]) -> DataDictionary:
        found = {event.symbol: event for event in self._aux if isinstance(event, kind)}
        return collection(found)

    @property
    def splits(self) -> Splits:
        return self._events(Split, Splits)  # type: ignore[return-value]

    @property
    def dividends(self) -> Dividends:
        return self._events(Dividend, Dividends)  # type: ignore[return-value]

    @property
    def delistings(self) -> Delistings:
        return self._events(Delisting, Delistings)  # type: ignore[return-value]

    @property
    def symbol_changed_events(self) -> SymbolChangedEvents:
        return self._events(SymbolChangedEvent, SymbolChangedEvents)  # type: ignore[return-value]

    @property
    def ticks(self) -> Ticks:
        return Ticks()

    @property
    def option_chains(self) -> DataDictionary:
        return DataDictionary()

    futures_chains = option_chains
    future_chains = option_chains

    @property
    def has_data(self) -> bool:
        return bool(self._aux) or (self._source is not None and self._source.has_user_data(self._step))

    @property
    def all_data(self) -> list[BaseData]:
        return [*itertools.chain(self.bars.values(), self.quote_bars.values()), *self._aux]

    def _points(self) -> dict[Any, Any]:
        """One trade bar a symbol (stocks are their trades, never their quotes); ``None`` where only an event came."""
        points = dict(self.bars._items)
        for event in self._aux:
            points.setdefault(event.symbol, None)
        return points

    def contains_key(self, symbol: Any) -> bool:
        if self.bars.contains_key(symbol):
            return True
        key = self.bars._key(symbol)
        return key is not None and any(event.symbol == key for event in self._aux)

    __contains__ = contains_key

    def __getitem__(self, symbol: Any) -> Any:
        bar = self.get_value(symbol)
        if bar is None:
            key = self.bars._key(symbol)
            # A symbol with nothing but a corporate event is there, without a bar.
            if key is None or not any(event.symbol == key for event in self._aux):
                raise absent(symbol, key, "Slice")
        return bar

    def get_value(self, symbol: Any, default: Any = None) -> Any:
        bar = self.bars.get(symbol)
        return bar if bar is not None else default

    def get(self, key: Any, default: Any = None) -> Any:
        """``slice.get(symbol)`` or, with a type, the collection of that type: ``slice.get(TradeBar)``."""
        if isinstance(key, type):
            by_type: dict[type, str] = {
                TradeBar: "bars",
                QuoteBar: "quote_bars",
                Split: "splits",
                Dividend: "dividends",
                Delisting: "delistings",
                SymbolChangedEvent: "symbol_changed_events",
            }
            name = by_type.get(key)
            if name is None:
                return DataDictionary()
            collection = getattr(self, name)
            return collection if default is None else collection[default]
        return self.get_value(key, default)

    def try_get_value(self, symbol: Any, default: Any = None) -> tuple[bool, Any]:
        value = self.get_value(symbol)
        return value is not None, value

    def keys(self) -> list[Any]:
        return sorted(self._points())

    def values(self) -> list[Any]:
        return [value for _, value in self.items()]

    def items(self) -> list[tuple[Any, Any]]:
        points = self._points()
        return [KeyValuePair(key, points[key]) for key in sorted(points) if points[key] is not None]

    @property
    def count(self) -> int:
        return len(self._points())

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Any]:
        return iter(self.items())

    def __bool__(self) -> bool:
        return True

    def __str__(self) -> str:
        return "QuantConnect.Data.Slice"

    # -- as a Python dictionary that cannot be changed: Lean's ``ExtendedDictionary`` ----------------------------

    def copy(self) -> dict[Any, Any]:
        return {key: self.get_value(key) for key in self.keys()}

    def fromkeys(self, sequence: Any, value: Any = None) -> dict[Any, Any]:
        return {key: self.get_value(key, value) for key in sequence if key is not None}

    def setdefault(self, symbol: Any, default: Any = None) -> Any:
        found = self.get_value(symbol)
        if found is None:
            text = no_data_message(self.bars._key(symbol), "Slice")
            raise KeyNotFoundException(f"{text} The collection is read-only, cannot set default.")
        return found

    def clear(self) -> NoReturn:
        raise RuntimeError("Clear/clear method call is an invalid operation. Slice is a read-only collection.")

    def pop(self, symbol: Any, default: Any = None) -> Any:
        if self.get_value(symbol) is None:
            return default
        raise RuntimeError("Remove/pop method call is an invalid operation. Slice is a read-only collection.")

    def popitem(self) -> NoReturn:
        raise TypeError("popitem method is not supported for Slice")

    def update(self, other: Any) -> NoReturn:
        raise RuntimeError("update method call is an invalid operation. Slice is a read-only collection.")

    def __setitem__(self, symbol: Any, value: Any) -> NoReturn:
        raise TypeError("The Slice object is read-only. You cannot set data in the slice.")


lean_api(Slice)
for _base in (BaseData,):
    lean_api(_base)
