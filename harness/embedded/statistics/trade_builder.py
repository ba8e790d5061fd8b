"""Builds closed trades from fills and prices.

Source: ``TradeBuilder.cs`` of Lean. Lean gives the builder every new price of a security (``SetMarketPrice`` after each
security update of a time step). What it makes of the prices between two fills is fully given by four numbers, so the
engine hands over a :class:`PriceRange` instead of every price:

* ``low`` and ``high`` of the prices, for the maximum adverse and favourable excursion;
* ``fall``, the largest drop from an earlier price to a later one, and ``rise``, the largest climb. The drawdown of an
  open long trade is the largest difference between the best profit so far and the current profit. With the best profit
  ``M`` before the range it becomes ``max(M + entry - low, fall)``; for a short trade ``max(high - entry + M, rise)``.

The prices of a range are the values of ``security.price`` after each update of the symbol since the previous call
(exclusive) up to now, in order. An update is every bar that a time step carries for the symbol: also a fill-forward
bar, which leaves the price as it was, and a bar of an internal feed such as the benchmark's. The price of the current
time step belongs in the range **before** a fill of the same step, since Lean updates securities before it processes
orders. So a position that opens at a step does not see that step's price, unless the symbol's next bar is a
fill-forward one: then the price counts from there. Prices that a position never saw must not be in a range: the
builder forgets a symbol when it is flat, so calls without an open position are ignored.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from harness.embedded import clr
from harness.embedded.naming import lean_api
from harness.embedded.statistics.trade import FillGroupingMethod, FillMatchingMethod, Trade, TradeDirection

_ZERO = clr.ZERO
# Lean remembers the fee of this many orders; an older order that still fills is charged again.
_REMEMBERED_ORDERS = 1000


class PriceRange(NamedTuple):
    """What a series of prices does to open trades; all in dollars, ``fall`` and ``rise`` at least zero."""

    low: Decimal
    high: Decimal
    fall: Decimal
    rise: Decimal


def price_range(prices: Iterable[Decimal]) -> PriceRange | None:
    """The :class:`PriceRange` of prices in time order; ``None`` when there are none."""
    iterator = iter(prices)
    first = next(iterator, None)
    if first is None:
        return None
    low = high = first
    fall = rise = _ZERO
    for price in iterator:
        if price > high:
            high = price
        elif price < low:
            low = price
        fall = max(fall, high - price)
        rise = max(rise, price - low)
    return PriceRange(low, high, fall, rise)


@dataclass(slots=True)
class _Fill:
    """The part of an order event that the builder keeps and changes."""

    order_id: int
    utc_time: datetime
    price: Decimal
    quantity: Decimal


class _OpenTrade:
    __slots__ = ("max_drawdown", "max_profit", "trade")

    def __init__(self, trade: Trade) -> None:
        self.trade = trade
        self.max_profit = _ZERO
        self.max_drawdown = _ZERO

    def see(self, prices: PriceRange) -> None:
        entry = self.trade._entry_price
        if self.trade.direction == TradeDirection.LONG:
            drawdown = max(self.max_profit + entry - prices.low, prices.fall)
            profit = prices.high - entry
        else:
            drawdown = max(prices.high - entry + self.max_profit, prices.rise)
            profit = entry - prices.low
        self.max_drawdown = max(self.max_drawdown, drawdown)
        self.max_profit = max(self.max_profit, profit)


class _Position:
    __slots__ = ("fills", "max_price", "min_price", "total_fees", "trades")

    def __init__(self, price: Decimal) -> None:
        self.trades: list[_OpenTrade] = []
        self.fills: list[_Fill] = []
        self.total_fees = _ZERO
        self.max_price = price
        self.min_price = price

    def see(self, prices: PriceRange) -> None:
        self.max_price = max(self.max_price, prices.high)
        self.min_price = min(self.min_price, prices.low)
        for trade in self.trades:
            trade.see(prices)


def _sign(value: Decimal) -> int:
    return (value > 0) - (value < 0)


@lean_api
class TradeBuilder:
    """Lean's trade builder; the default groups fill to fill and matches first in, first out."""

    def __init__(
        self,
        grouping_method: FillGroupingMethod = FillGroupingMethod.FILL_TO_FILL,
        matching_method: FillMatchingMethod = FillMatchingMethod.FIFO,
    ) -> None:
        self._lifo = matching_method == FillMatchingMethod.LIFO
        self._grouping = grouping_method
        self._closed: list[Trade] = []
        self._positions: dict[Any, _Position] = {}
        self._fee_assigned: dict[int, None] = {}

    @property
    def closed_trades(self) -> list[Trade]:
        """The closed trades, oldest first; a new list each time."""
        return list(self._closed)

    def has_open_position(self, symbol: Any) -> bool:
        """Whether fills of the symbol are still open."""
        position = self._positions.get(symbol)
        if position is None:
            return False
        return bool(position.trades if self._grouping == FillGroupingMethod.FILL_TO_FILL else position.fills)

    @property
    def open_symbols(self) -> Sequence[Any]:
        """The symbols whose prices matter at present."""
        return list(self._positions)

    def set_market_price(self, symbol: Any, price: Decimal) -> None:
        """One price of a symbol, as Lean gives it after each security update."""
        self.set_market_range(symbol, PriceRange(price, price, _ZERO, _ZERO))

    def set_market_range(self, symbol: Any, prices: PriceRange) -> None:
        """Everything that the prices since the last call say (see the module's text). Ignored when flat."""
        position = self._positions.get(symbol)
        if position is not None:
            position.see(prices)

    def apply_split(self, symbol: Any, factor: Decimal) -> None:
        """A split of an equity whose data are raw; the caller checks the normalisation mode (others: no call).

        The prices up to the split must have been given before.
        """
        position = self._positions.get(symbol)
        if position is None:
            return
        position.min_price = clr.mul(position.min_price, factor)
        position.max_price = clr.mul(position.max_price, factor)
        for state in position.trades:
            trade = state.trade
            trade._quantity = clr.div(trade._quantity, factor)
            trade._entry_price = clr.mul(trade._entry_price, factor)
            trade._exit_price = clr.mul(trade._exit_price, factor)
            state.max_profit = clr.mul(state.max_profit, factor)
            state.max_drawdown = clr.mul(state.max_drawdown, factor)
        for fill in position.fills:
            fill.quantity = clr.div(fill.quantity, factor)
            fill.price = clr.mul(fill.price, factor)

    def process_fill(
        self,
        event: Any,
        conversion_rate: Decimal = clr.ONE,
        fee_in_account_currency: Decimal = _ZERO,
        multiplier: Decimal = clr.ONE,
    ) -> None:
        """A filled or partially filled order event (``order_id, symbol, _utc_time, _fill_price, _fill_quantity``).

        The fee counts only at an order's first fill.
        """
        fee = _ZERO
        if event.order_id not in self._fee_assigned:
            fee = fee_in_account_currency
            self._fee_assigned[event.order_id] = None
            if len(self._fee_assigned) > _REMEMBERED_ORDERS:
                del self._fee_assigned[next(iter(self._fee_assigned))]
        fill = _Fill(event.order_id, event._utc_time, event._fill_price, event._fill_quantity)
        rate = conversion_rate * multiplier
        if self._grouping == FillGroupingMethod.FILL_TO_FILL:
            self._fill_to_fill(event.symbol, fill, fee, rate)
        elif self._grouping == FillGroupingMethod.FLAT_TO_FLAT:
            self._flat_to_flat(event.symbol, fill, fee, rate)
        else:
            self._flat_to_reduced(event.symbol, fill, fee, rate)

    def _open_trade(self, symbol: Any, fill: _Fill, fee: Decimal) -> _OpenTrade:
        direction = TradeDirection.LONG if fill.quantity > 0 else TradeDirection.SHORT
        return _OpenTrade(
            Trade(
                symbol,
                entry_time=fill.utc_time,
                entry_price=fill.price,
                direction=direction,
                quantity=abs(fill.quantity),
                total_fees=fee,
                order_ids=[fill.order_id],
            )
        )

    def _see_fill_price(self, position: _Position, fill: _Fill) -> None:
        position.see(PriceRange(fill.price, fill.price, _ZERO, _ZERO))

    def _fill_to_fill(self, symbol: Any, fill: _Fill, fee: Decimal, rate: Decimal) -> None:
        position = self._positions.get(symbol)
        if position is None or not position.trades:
            self._positions[symbol] = position = _Position(fill.price)
            position.trades.append(self._open_trade(symbol, fill, fee))
            return
        self._see_fill_price(position, fill)
        index = len(position.trades) - 1 if self._lifo else 0
        side = 1 if position.trades[index].trade.direction == TradeDirection.LONG else -1
        if _sign(fill.quantity) == side:
            position.trades.append(self._open_trade(symbol, fill, fee))
            return
        size = abs(fill.quantity)
        executed = _ZERO
        unassigned_fee = fee
        while position.trades and abs(executed) < size:
            state = position.trades[index]
            trade = state.trade
            direction = 1 if trade.direction == TradeDirection.LONG else -1
            remaining = size - abs(executed)
            if remaining >= trade._quantity:
                executed -= trade._quantity * direction
                del position.trades[index]
                if fill.order_id not in trade.order_ids:
                    trade.order_ids.append(fill.order_id)
                if index > 0 and self._lifo:
                    index -= 1
                closed, quantity = trade, trade._quantity
                closed._total_fees += unassigned_fee
            else:
                executed -= remaining * direction
                trade._quantity -= remaining
                order_ids = [*trade.order_ids, *([] if fill.order_id in trade.order_ids else [fill.order_id])]
                fees = trade._total_fees + unassigned_fee
                closed = Trade(
                    symbol,
                    entry_time=trade.entry_time,
                    entry_price=trade._entry_price,
                    direction=trade.direction,
                    quantity=remaining,
                    total_fees=fees,
                    order_ids=order_ids,
                )
                quantity = remaining
                trade._total_fees = _ZERO
            closed.exit_time = fill.utc_time
            closed._exit_price = fill.price
            entry = closed._entry_price
            worst, best = (position.min_price, position.max_price)[::direction]
            closed._profit_loss = _cents((fill.price - entry) * quantity * direction * rate)
            closed._mae = _cents((worst - entry) * direction * quantity * rate)
            closed._mfe = _cents((best - entry) * direction * quantity * rate)
            closed._end_trade_drawdown = _cents(state.max_drawdown * quantity * rate)
            self._close(closed)
            unassigned_fee = _ZERO
        if abs(executed) == size and not position.trades:
            del self._positions[symbol]
        elif abs(executed) < size:
            # The fill was larger than what was open: the rest opens a trade the other way, its fee already counted.
            fill.quantity -= executed
            position.trades = [self._open_trade(symbol, fill, _ZERO)]
            position.min_price = position.max_price = fill.price

    def _new_flat_position(self, symbol: Any, fill: _Fill, fee: Decimal) -> None:
        position = self._positions[symbol] = _Position(fill.price)
        position.fills.append(fill)
        position.total_fees = fee

    def _flat_to_flat(self, symbol: Any, fill: _Fill, fee: Decimal, rate: Decimal) -> None:
        position = self._positions.get(symbol)
        if position is None or not position.fills:
            self._new_flat_position(symbol, fill, fee)
            return
        self._see_fill_price(position, fill)
        open_quantity = sum((x.quantity for x in position.fills), _ZERO)
        opposite = _sign(position.fills[0].quantity) != _sign(fill.quantity)
        position.fills.append(fill)
        position.total_fees += fee
        if not opposite or not (open_quantity + fill.quantity == 0 or abs(fill.quantity) > abs(open_quantity)):
            return
        reverse_quantity = sum((x.quantity for x in position.fills), _ZERO)
        entry_time = position.fills[0].utc_time
        entry_quantity = exit_quantity = entry_price = exit_price = _ZERO
        order_ids: list[int] = []
        for current in reversed(position.fills) if self._lifo else position.fills:
            if _sign(current.quantity) != _sign(fill.quantity):
                entry_quantity += current.quantity
                entry_price += clr.div(clr.mul(current.price - entry_price, current.quantity), entry_quantity)
            else:
                exit_quantity += current.quantity
                exit_price += clr.div(clr.mul(current.price - exit_price, current.quantity), exit_quantity)
            if current.order_id not in order_ids:
                order_ids.append(current.order_id)
        direction = TradeDirection.LONG if fill.quantity < 0 else TradeDirection.SHORT
        trade = Trade(
            symbol,
            entry_time=entry_time,
            entry_price=entry_price,
            direction=direction,
            quantity=abs(entry_quantity),
            total_fees=position.total_fees,
            order_ids=order_ids,
        )
        trade.exit_time = fill.utc_time
        trade._exit_price = exit_price
        profit = clr.mul(exit_price - entry_price, abs(entry_quantity))
        trade._profit_loss = _cents(profit * _sign(entry_quantity) * rate)
        self._close(trade)
        del self._positions[symbol]
        if reverse_quantity != 0:
            fill.quantity = reverse_quantity
            self._new_flat_position(symbol, fill, _ZERO)

    def _flat_to_reduced(self, symbol: Any, fill: _Fill, fee: Decimal, rate: Decimal) -> None:
        position = self._positions.get(symbol)
        if position is None or not position.fills:
            self._new_flat_position(symbol, fill, fee)
            return
        self._see_fill_price(position, fill)
        index = len(position.fills) - 1 if self._lifo else 0
        position.total_fees += fee
        if _sign(fill.quantity) == _sign(position.fills[index].quantity):
            position.fills.append(fill)
            return
        entry_time = position.fills[index].utc_time
        executed = entry_price = _ZERO
        order_ids = [fill.order_id]
        size = abs(fill.quantity)
        while position.fills and abs(executed) < size:
            current = position.fills[index]
            remaining = size - abs(executed)
            if remaining >= abs(current.quantity):
                if self._lifo:
                    entry_time = current.utc_time
                executed -= current.quantity
                entry_price -= clr.div(clr.mul(current.price - entry_price, current.quantity), executed)
                del position.fills[index]
                if self._lifo and index > 0:
                    index -= 1
            else:
                part = remaining * _sign(fill.quantity)
                executed += part
                entry_price += clr.div(clr.mul(current.price - entry_price, part), executed)
                current.quantity += part
            if current.order_id not in order_ids:
                order_ids.append(current.order_id)
        direction = TradeDirection.LONG if executed < 0 else TradeDirection.SHORT
        trade = Trade(
            symbol,
            entry_time=entry_time,
            entry_price=entry_price,
            direction=direction,
            quantity=abs(executed),
            total_fees=position.total_fees,
            order_ids=order_ids,
        )
        trade.exit_time = fill.utc_time
        trade._exit_price = fill.price
        profit = clr.mul(fill.price - entry_price, abs(executed))
        trade._profit_loss = _cents(profit * -_sign(executed) * rate)
        self._close(trade)
        if abs(executed) < size:
            fill.quantity -= executed
            position.fills = [fill]
            position.total_fees = _ZERO
            position.min_price = position.max_price = fill.price
        elif not position.fills:
            del self._positions[symbol]
        else:
            position.total_fees = _ZERO

    def _close(self, trade: Trade) -> None:
        trade.is_win = trade._profit_loss > 0
        self._closed.append(trade)
        trade.id = f"{len(self._closed):08x}-0000-4000-8000-000000000000"


def _cents(value: Decimal) -> Decimal:
    return clr.round_half_even(value, 2)
