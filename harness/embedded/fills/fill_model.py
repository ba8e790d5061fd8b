"""The base fill model. Source of the rules: Lean's ``FillModel`` and ``FillModelPythonWrapper``.

User code may override any method under either spelling; the model calls itself through :meth:`FillModel._call`, as
Lean goes through its Python wrapper.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from harness.embedded import clr
from harness.embedded.enums import OrderDirection, OrderStatus, OrderType
from harness.embedded.fills.prices import Fill, FillModelParameters, Prices
from harness.embedded.fills.subscribed import Subscribed, is_extended_market_hours, subscribed
from harness.embedded.model_errors import InvalidReturnTypeError
from harness.embedded.naming import lean_api, user_method
from harness.embedded.not_supported import NotSupportedError
from harness.embedded.orders.event import OrderEvent
from harness.embedded.orders.fees import OrderFee
from harness.embedded.orders.numbers import time_text
from harness.embedded.orders.order import (
    LimitIfTouchedOrder,
    LimitOrder,
    MarketOnCloseOrder,
    MarketOnOpenOrder,
    MarketOrder,
    Order,
    StopLimitOrder,
    StopMarketOrder,
    TrailingStopOrder,
)
from harness.embedded.orders.zones import to_local, to_utc

_ONE_HOUR = timedelta(hours=1)

_METHODS = {
    OrderType.MARKET: "market_fill",
    OrderType.LIMIT: "limit_fill",
    OrderType.LIMIT_IF_TOUCHED: "limit_if_touched_fill",
    OrderType.STOP_MARKET: "stop_market_fill",
    OrderType.TRAILING_STOP: "trailing_stop_fill",
    OrderType.STOP_LIMIT: "stop_limit_fill",
    OrderType.MARKET_ON_OPEN: "market_on_open_fill",
    OrderType.MARKET_ON_CLOSE: "market_on_close_fill",
}


@lean_api
class FillModel:
    """Fills whole orders at the price of the last bar that the algorithm is subscribed to."""

    _parameters: Any = None

    @property
    def parameters(self) -> Any:
        """The parameters of the fill under way."""
        return self._parameters

    def set_python_wrapper(self, python_wrapper: Any) -> None:
        """Lean's hook for Python models; overridden methods are found without it."""

    def _call(self, name: str, *args: Any) -> Any:
        method = user_method(self, name)
        if method is None:
            return getattr(self, name)(*args)
        answer = method(*args)
        expected = Prices if name == "get_prices" else OrderEvent
        if answer is not None and not isinstance(answer, expected):
            raise InvalidReturnTypeError(name, expected.__name__, answer)
        return answer

    def fill(self, parameters: FillModelParameters) -> Fill:
        """The events of one order at the current time: one event, of the order's own status when nothing happens."""
        self._parameters = parameters
        name = _METHODS.get(parameters.order.type)
        if name is None:
            raise NotSupportedError(f"FillModel.{parameters.order.type.lean_name}Fill")
        return Fill([self._call(name, parameters.security, parameters.order)])

    # -- one method an order type ---------------------------------------------------------------------------------

    def market_fill(self, asset: Any, order: MarketOrder) -> OrderEvent:
        """At the current price, plus slippage; on stale data the order waits."""
        fill = unfilled(asset, order)
        if order.status is OrderStatus.CANCELED or not self._is_exchange_open(asset, False):
            return fill
        prices = self._prices(asset, order._direction)
        end_utc = to_utc(prices.end_time, asset.exchange.hours.time_zone)
        if end_utc + self._parameters.stale_price_time_span < order._time:
            if self._should_wait_for_fresh_data_on_stale(asset, end_utc, order._time):
                return fill
            zone = asset.exchange.hours.time_zone
            fill.message = f"Warning: fill at stale price ({time_text(prices.end_time)} {zone})"
        _complete(fill, asset, order, self._market_fill_price(asset, order, prices))
        return fill

    def stop_market_fill(self, asset: Any, order: StopMarketOrder) -> OrderEvent:
        """Once a later bar passes the stop: at the worse of stop and current price."""
        fill = unfilled(asset, order)
        if order.status is OrderStatus.CANCELED or not self._is_exchange_open(asset, False):
            return fill
        prices = self._prices(asset, order._direction)
        if is_stale(prices.end_time, asset, order):
            return fill
        _fill_stop(fill, asset, order, prices, inclusive=False)
        return fill

    def trailing_stop_fill(self, asset: Any, order: TrailingStopOrder) -> OrderEvent:
        """Like a stop, touched or passed; when it does not fill, the stop follows the bar's better extreme."""
        fill = unfilled(asset, order)
        if order.status is OrderStatus.CANCELED or not self._is_exchange_open(asset, False):
            return fill
        prices = self._prices(asset, order._direction)
        if is_stale(prices.end_time, asset, order):
            return fill
        _fill_stop(fill, asset, order, prices, inclusive=True)
        if fill.status is not OrderStatus.FILLED:
            updated = TrailingStopOrder.updated_stop_price(
                prices._high if order._direction is OrderDirection.SELL else prices._low,
                order._stop_price,
                order._trailing_amount,
                order.trailing_as_percentage,
                order._direction,
            )
            if updated is not None:
                order._stop_price = updated
                self._parameters.on_order_updated(order)
        return fill

    def stop_limit_fill(self, asset: Any, order: StopLimitOrder) -> OrderEvent:
        """Once a later bar passes the stop, and the current price is better than the limit."""
        fill = unfilled(asset, order)
        if order.status is OrderStatus.CANCELED or not self._is_exchange_open(
            asset, self._trades_extended_hours(asset)
        ):
            return fill
        prices = self._prices(asset, order._direction)
        if is_stale(prices.end_time, asset, order):
            return fill
        buying = order._direction is OrderDirection.BUY
        if buying:
            passed = prices._high > order._stop_price
        else:
            passed = order._direction is OrderDirection.SELL and prices._low < order._stop_price
        if passed or order.stop_triggered:
            if not order.stop_triggered:
                order.stop_triggered = True
                self._parameters.on_order_updated(order)
            if buying and prices._current < order._limit_price:
                mark_filled(fill, order, min(prices._high, order._limit_price))
            elif order._direction is OrderDirection.SELL and prices._current > order._limit_price:
                mark_filled(fill, order, max(prices._low, order._limit_price))
        return fill

    def limit_if_touched_fill(self, asset: Any, order: LimitIfTouchedOrder) -> OrderEvent:
        """Once a later trade bar touches the trigger, and the other side's price is good enough: at the limit."""
        fill = unfilled(asset, order)
        if order.status is OrderStatus.CANCELED or not self._is_exchange_open(
            asset, self._trades_extended_hours(asset)
        ):
            return fill
        bar = asset.cache.last_trade_bar() if self._subscribed(asset).has_trades else None
        if bar is None or is_stale(bar.end_time, asset, order):
            return fill
        if order._direction is OrderDirection.SELL:
            if bar._high >= order._trigger_price or order.trigger_touched:
                order.trigger_touched = True
                if self._quoted_price(asset, "ask") >= order._limit_price:
                    mark_filled(fill, order, order._limit_price)
        elif order._direction is OrderDirection.BUY and (bar._low <= order._trigger_price or order.trigger_touched):
            order.trigger_touched = True
            if self._quoted_price(asset, "bid") <= order._limit_price:
                mark_filled(fill, order, order._limit_price)
        return fill

    def limit_fill(self, asset: Any, order: LimitOrder) -> OrderEvent:
        """Once a later bar passes the limit: at the worse of the bar's far extreme and the limit."""
        fill = unfilled(asset, order)
        if order.status is OrderStatus.CANCELED or not self._is_exchange_open(
            asset, self._trades_extended_hours(asset)
        ):
            return fill
        prices = self._prices(asset, order._direction)
        if is_stale(prices.end_time, asset, order):
            return fill
        if order._direction is OrderDirection.BUY:
            if prices._low < order._limit_price:
                mark_filled(fill, order, min(prices._high, order._limit_price))
        elif order._direction is OrderDirection.SELL and prices._high > order._limit_price:
            mark_filled(fill, order, max(prices._low, order._limit_price))
        return fill

    def market_on_open_fill(self, asset: Any, order: MarketOnOpenOrder) -> OrderEvent:
        """At the open of the first bar of the next session."""
        if asset.exchange.hours.is_market_always_open:
            raise RuntimeError(_never_closes(asset))
        fill = unfilled(asset, order)
        if order.status is OrderStatus.CANCELED:
            return fill
        bar = asset.cache.last_data()
        local_order_time = to_local(order._time, asset.exchange.hours.time_zone)
        if bar is None or local_order_time >= bar.end_time:
            return fill
        hours = asset.exchange.hours
        if hours.is_open(local_order_time, False) and local_order_time.date() == asset.local_time.date():
            return fill
        if not self._is_exchange_open(asset, False):
            return fill
        _complete(fill, asset, order, self._prices(asset, order._direction)._open)
        return fill

    def market_on_close_fill(self, asset: Any, order: MarketOnCloseOrder) -> OrderEvent:
        """At the close of the last bar, once the session has ended."""
        if asset.exchange.hours.is_market_always_open:
            raise RuntimeError(_never_closes(asset))
        fill = unfilled(asset, order)
        if order.status is OrderStatus.CANCELED or before_close(asset, order):
            return fill
        _complete(fill, asset, order, self._prices(asset, order._direction)._close)
        return fill

    def combo_market_fill(self, order: Order, parameters: FillModelParameters) -> list[OrderEvent]:
        raise NotSupportedError("FillModel.combo_market_fill")

    def combo_limit_fill(self, order: Order, parameters: FillModelParameters) -> list[OrderEvent]:
        raise NotSupportedError("FillModel.combo_limit_fill")

    def combo_leg_limit_fill(self, order: Order, parameters: FillModelParameters) -> list[OrderEvent]:
        raise NotSupportedError("FillModel.combo_leg_limit_fill")

    # -- prices and times -----------------------------------------------------------------------------------------

    def get_prices(self, asset: Any, direction: OrderDirection) -> Prices:
        """The last bar's prices on the side that an order of this direction meets."""
        return self._latest_prices(asset, direction, self._subscribed(asset))

    def _prices(self, asset: Any, direction: OrderDirection) -> Prices:
        prices: Prices = self._call("get_prices", asset, direction)
        return prices

    def _subscribed(self, asset: Any) -> Subscribed:
        return subscribed(asset, internal=True)

    @staticmethod
    def _trades_extended_hours(asset: Any) -> bool:
        if not asset.subscriptions:
            raise RuntimeError(f"Cannot perform fill for {asset.symbol} because no data subscription were found.")
        return is_extended_market_hours(asset, internal=True)

    @staticmethod
    def _latest_prices(asset: Any, direction: OrderDirection, types: Subscribed) -> Prices:
        if direction is not OrderDirection.HOLD:
            quote = asset.cache.last_quote_bar() if types.has_quotes else None
            if quote is not None:
                side = quote.bid if direction is OrderDirection.SELL else quote.ask
                if side is not None:
                    return Prices(quote.time, quote.end_time, side)
            trade = asset.cache.last_trade_bar() if types.has_trades else None
            if trade is not None:
                return Prices(trade)
        return cached_prices(asset)

    def _quoted_price(self, asset: Any, side: str) -> Decimal:
        """Close of the quote's side, or of the trade bar. Raises ``RuntimeError`` when there is neither."""
        types = self._subscribed(asset)
        quote = asset.cache.last_quote_bar() if types.has_quotes else None
        if quote is not None:
            bar = getattr(quote, side)
            return (quote if bar is None else bar)._close  # type: ignore[no-any-return]
        trade = asset.cache.last_trade_bar() if types.has_trades else None
        if trade is not None:
            return trade._close  # type: ignore[no-any-return]
        raise RuntimeError(
            f"Cannot get {side} price to perform fill for {asset.symbol} because no market data was found."
        )

    def _is_exchange_open(self, asset: Any, extended: bool) -> bool:
        # Lean's Python wrapper does not pass this one on to user code
        return FillModel.is_exchange_open(self, asset, extended)

    def is_exchange_open(self, asset: Any, is_extended_market_hours: bool) -> bool:
        """Open now, or (for bars longer than the time since the close) open during the bar that has just ended."""
        hours = asset.exchange.hours
        local = asset.local_time
        if hours.is_open(local, is_extended_market_hours):
            return True
        bar = asset.cache.last_data()
        if bar is None:
            return False
        is_long = bar.end_time - bar.time > _ONE_HOUR
        within = local.date() == bar.end_time.date() if is_long else local <= bar.end_time
        return bool(within and hours.is_open_during_bar(bar.time, bar.end_time, is_extended_market_hours))

    @staticmethod
    def _should_wait_for_fresh_data(asset: Any) -> bool:
        """With hourly and daily bars only, a market order never fills on an old bar."""
        return subscribed(asset, internal=True).coarse_only

    def _should_wait_for_fresh_data_on_stale(self, asset: Any, data_end_utc: datetime, order_time: datetime) -> bool:
        """On old data an order waits if the data is more than one bar older than the order, or all bars are coarse."""
        types = subscribed(asset, internal=True)
        if types.coarse_only:
            return True
        return bool(types.bar_span) and order_time - data_end_utc > types.bar_span

    def _market_fill_price(self, asset: Any, order: Order, prices: Prices) -> Decimal:
        """The current price; with coarse bars only, the open of a bar that began after the order was made."""
        if prices._open != 0 and self._should_wait_for_fresh_data(asset):
            start = to_utc(prices.time, asset.exchange.hours.time_zone)
            if order._time <= start:
                return prices._open
        return prices._current


def cached_prices(asset: Any) -> Prices:
    last = asset.cache.last_data()
    start, end = (datetime.min, datetime.min) if last is None else (last.time, last.end_time)
    return Prices(start, end, asset._price, asset._open, asset._high, asset._low, asset._close)


def unfilled(asset: Any, order: Order) -> OrderEvent:
    return OrderEvent(order, to_utc(asset.local_time, asset.exchange.hours.time_zone), OrderFee.ZERO)


def is_stale(end_time: datetime, asset: Any, order: Order) -> bool:
    """Whether data that ended at this local time is no newer than the order."""
    if end_time == datetime.min:
        return True
    return to_utc(end_time, asset.exchange.hours.time_zone) <= order._time


def before_close(asset: Any, order: Order) -> bool:
    """Whether the regular close that follows the order is still to come."""
    hours = asset.exchange.hours
    return bool(asset.local_time < hours.get_next_market_close(to_local(order._time, hours.time_zone), False))


def _never_closes(asset: Any) -> str:
    return f"Market never closes for this symbol {asset.symbol}, can no submit a orderType order."


def mark_filled(fill: OrderEvent, order: Order, price: Decimal) -> None:
    fill.status = OrderStatus.FILLED
    fill._fill_price = clr.normalize(price)
    fill._fill_quantity = order._quantity


def slippage(asset: Any, order: Order) -> Decimal:
    """The slippage model's answer, exact."""
    slip: Decimal = asset._slippage_model._get_slippage_approximation(asset, order)
    return slip


def with_slippage(price: Decimal, order: Order, slip: Decimal) -> Decimal:
    """A purchase pays the slippage, a sale loses it."""
    return price - slip if order._direction is OrderDirection.SELL else price + slip


def _complete(fill: OrderEvent, asset: Any, order: Order, price: Decimal) -> None:
    mark_filled(fill, order, with_slippage(price, order, slippage(asset, order)))


def _fill_stop(fill: OrderEvent, asset: Any, order: StopMarketOrder, prices: Prices, *, inclusive: bool) -> None:
    slip = slippage(asset, order)
    stop = order._stop_price
    if order._direction is OrderDirection.SELL:
        if prices._low < stop or (inclusive and prices._low == stop):
            mark_filled(fill, order, min(stop, prices._current - slip))
    elif order._direction is OrderDirection.BUY and (prices._high > stop or (inclusive and prices._high == stop)):
        mark_filled(fill, order, max(stop, prices._current + slip))
