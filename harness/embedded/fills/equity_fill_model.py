"""The fill model of US equities. Source of the rules: Lean's ``EquityFillModel`` and its messages."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from harness.embedded import clr
from harness.embedded.enums import OrderDirection, OrderStatus
from harness.embedded.fills.fill_model import (
    FillModel,
    before_close,
    is_stale,
    mark_filled,
    slippage,
    unfilled,
    with_slippage,
)
from harness.embedded.fills.prices import Prices
from harness.embedded.fills.subscribed import Subscribed, is_extended_market_hours, subscribed
from harness.embedded.naming import lean_api
from harness.embedded.orders.event import OrderEvent
from harness.embedded.orders.numbers import time_text
from harness.embedded.orders.order import (
    LimitIfTouchedOrder,
    LimitOrder,
    MarketOnCloseOrder,
    MarketOnOpenOrder,
    MarketOrder,
    StopMarketOrder,
)
from harness.embedded.orders.zones import to_local, to_utc

_ONE_HOUR = timedelta(hours=1)


class _BestEffort(NamedTuple):
    """A bid or ask, what to say about it, and the UTC end of the bar it came from if that is too old."""

    price: Decimal
    message: str
    stale_end_utc: datetime | None


@lean_api
class EquityFillModel(FillModel):
    """Fills by quotes for market orders and by trade bars for the others; gaps fill at the open."""

    def market_fill(self, asset: Any, order: MarketOrder) -> OrderEvent:
        """At the last quote's ask or bid, else at the last trade bar's close; on stale data the order waits."""
        fill = unfilled(asset, order)
        if order.status is OrderStatus.CANCELED or not self._is_exchange_open(asset, False):
            return fill
        slip = slippage(asset, order)
        price, message = clr.ZERO, ""
        if order._direction is not OrderDirection.HOLD:
            best = self._best_effort_price(asset, order._time, order._direction)
            stale_end = best.stale_end_utc
            if stale_end is not None and self._should_wait_for_fresh_data_on_stale(asset, stale_end, order._time):
                return fill
            price, message = with_slippage(best.price, order, slip), best.message
        mark_filled(fill, order, price)
        fill.message = message
        return fill

    def stop_market_fill(self, asset: Any, order: StopMarketOrder) -> OrderEvent:
        """Once a later trade bar reaches the stop: at the stop, or at the open if the bar opened beyond it."""
        fill = unfilled(asset, order)
        if order.status is OrderStatus.CANCELED or not self._is_exchange_open(asset, False):
            return fill
        bar = self._best_effort_trade_bar(asset, order)
        if bar is None:
            return fill
        stop = order._stop_price
        if order._direction is OrderDirection.SELL:
            reached, gap = bar._low <= stop, bar._open <= stop
        else:
            reached = order._direction is OrderDirection.BUY and bar._high >= stop
            gap = bar._open >= stop
        if reached:
            price = bar._open if gap else stop
            mark_filled(fill, order, with_slippage(price, order, slippage(asset, order)))
            if gap:
                fill.message = _gap_message("an unfavorable", asset, bar)
        return fill

    def limit_fill(self, asset: Any, order: LimitOrder) -> OrderEvent:
        """Once a later trade bar passes the limit: at the limit, or at the open if the bar opened beyond it."""
        fill = unfilled(asset, order)
        if order.status is OrderStatus.CANCELED or not self._is_exchange_open(asset, _extended(asset)):
            return fill
        bar = self._best_effort_trade_bar(asset, order)
        if bar is None:
            return fill
        limit = order._limit_price
        if order._direction is OrderDirection.BUY:
            passed, gap = bar._low < limit, bar._open < limit
        else:
            passed = order._direction is OrderDirection.SELL and bar._high > limit
            gap = bar._open > limit
        if passed:
            mark_filled(fill, order, bar._open if gap else limit)
            if gap:
                fill.message = _gap_message("a favorable", asset, bar)
        return fill

    def limit_if_touched_fill(self, asset: Any, order: LimitIfTouchedOrder) -> OrderEvent:
        """Once a later trade bar touches the trigger, and the quote is at the limit or better: at that quote."""
        fill = unfilled(asset, order)
        if order.status is OrderStatus.CANCELED or not self._is_exchange_open(asset, _extended(asset)):
            return fill
        bar = self._best_effort_trade_bar(asset, order)
        if bar is None:
            return fill
        limit = order._limit_price
        if order._direction is OrderDirection.BUY:
            if bar._low <= order._trigger_price or order.trigger_touched:
                order.trigger_touched = True
                best = self._best_effort_price(asset, order._time, OrderDirection.BUY)
                if best.price <= limit:
                    mark_filled(fill, order, min(best.price, limit))
                    fill.message = best.message
        elif order._direction is OrderDirection.SELL and (bar._high >= order._trigger_price or order.trigger_touched):
            order.trigger_touched = True
            best = self._best_effort_price(asset, order._time, OrderDirection.SELL)
            if best.price >= limit:
                mark_filled(fill, order, max(best.price, limit))
                fill.message = best.message
        return fill

    @staticmethod
    def _trades_extended_hours(asset: Any) -> bool:
        return _extended(asset)

    def market_on_open_fill(self, asset: Any, order: MarketOnOpenOrder) -> OrderEvent:
        """At the open of the first trade bar that begins in a session after the order; quotes without trades."""
        fill = unfilled(asset, order)
        if order.status is OrderStatus.CANCELED:
            return fill
        hours = asset.exchange.hours
        local_order_time = to_local(order._time, hours.time_zone)
        end_time = datetime.min
        price = clr.ZERO
        if self._subscribed(asset).has_trades:
            bar = asset.cache.last_trade_bar()
            if bar is not None:
                if bar.time < local_order_time:
                    return fill
                if bar.period < _ONE_HOUR and not hours.is_open(bar.time, False):
                    return fill
                end_time = bar.end_time
                price = bar._open
        else:
            fill.message = _quote_message(asset)
        if local_order_time >= end_time:
            return fill
        if hours.is_open(local_order_time, False) and local_order_time.date() == end_time.date():
            return fill
        if not self._is_exchange_open(asset, False):
            return fill
        self._fill_auction(fill, asset, order, price)
        return fill

    def market_on_close_fill(self, asset: Any, order: MarketOnCloseOrder) -> OrderEvent:
        """At the close of the last trade bar, once the session has ended; quotes where there are no trades."""
        fill = unfilled(asset, order)
        if order.status is OrderStatus.CANCELED or before_close(asset, order):
            return fill
        price = clr.ZERO
        if self._subscribed(asset).has_trades:
            bar = asset.cache.last_trade_bar()
            if bar is not None:
                price = bar._close
        else:
            fill.message = _quote_message(asset)
        self._fill_auction(fill, asset, order, price)
        return fill

    def _fill_auction(
        self, fill: OrderEvent, asset: Any, order: MarketOnOpenOrder | MarketOnCloseOrder, price: Decimal
    ) -> None:
        slip = slippage(asset, order)
        if price == 0 and order._direction is not OrderDirection.HOLD:
            best = self._best_effort_price(asset, order._time, order._direction)
            price = best.price
            fill.message += best.message
        mark_filled(fill, order, with_slippage(price, order, slip))

    # -- prices -----------------------------------------------------------------------------------------------------

    def _subscribed(self, asset: Any) -> Subscribed:
        return subscribed(asset, internal=False)

    def get_prices(self, asset: Any, direction: OrderDirection) -> Prices:
        """The last bar's prices on the side that an order of this direction meets."""
        return self._latest_prices(asset, direction, subscribed(asset, internal=False))

    def _best_effort_price(self, asset: Any, order_time: datetime, direction: OrderDirection) -> _BestEffort:
        """The ask for a purchase, the bid for a sale; else the trade bar's close; the newer one if both are old.

        Raises ``RuntimeError`` when there is no data at all.
        """
        side = "bid" if direction is OrderDirection.SELL else "ask"
        zone = asset.exchange.hours.time_zone
        cut_off = to_local(order_time, zone) - self._parameters.stale_price_time_span
        types = self._subscribed(asset)
        price: Decimal | None = None
        message = ""
        end_time = datetime.min
        quote = asset.cache.last_quote_bar() if types.has_quotes else None
        if quote is not None:
            bar = getattr(quote, side)
            price = (quote if bar is None else bar)._close
            end_time = quote.end_time
            if end_time >= cut_off:
                return _BestEffort(price, "", None)
            message = f"Warning: fill at stale price ({time_text(end_time)} {zone}), using QuoteBar data."
        trade = asset.cache.last_trade_bar() if types.has_trades else None
        if trade is not None and (price is None or trade.end_time > end_time):
            price = trade._close
            end_time = trade.end_time
            when = f"{time_text(end_time)} {zone}"
            message = f"Warning: No quote information available at {when}, order filled using TradeBar data"
            if end_time >= cut_off:
                return _BestEffort(price, message, None)
        if price is None:
            raise RuntimeError(
                f"Cannot get {side} price to perform fill for {asset.symbol} because no market data was found."
                f" SubscribedTypes: [{','.join(types.types)}]"
            )
        return _BestEffort(price, message, to_utc(end_time, zone))

    def _best_effort_trade_bar(self, asset: Any, order: Any) -> Any:
        """The last trade bar if it ended after the order was made, else ``None``."""
        if not self._subscribed(asset).has_trades:
            return None
        bar = asset.cache.last_trade_bar()
        return None if bar is None or is_stale(bar.end_time, asset, order) else bar


def _extended(asset: Any) -> bool:
    return is_extended_market_hours(asset, internal=False)


def _gap_message(kind: str, asset: Any, bar: Any) -> str:
    when = f"{time_text(bar.end_time)} {asset.exchange.hours.time_zone}"
    return f"Due to {kind} gap at {when}, order filled using the open price ({clr.decimal_text(bar._open)})"


def _quote_message(asset: Any) -> str:
    when = f"{time_text(asset.local_time)} {asset.exchange.hours.time_zone}"
    return f"Warning: No trade information available at {when}, order filled using Quote data"
