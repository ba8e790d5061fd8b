"""When the open orders need no attention.

A scan of the open orders costs microseconds at every step, although most steps cannot change anything. The watch says,
for all open orders together, within which prices and until when a scan would do nothing: no fill, no expiry, no
trailing of a stop and no refusal for want of buying power. It errs on the side of scanning.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from harness.embedded import clr
from harness.embedded.clock import to_us
from harness.embedded.enums import OrderDirection, OrderStatus, OrderType
from harness.embedded.fills.equity_fill_model import EquityFillModel
from harness.embedded.models.brokerage import DefaultBrokerageModel, InteractiveBrokersBrokerageModel
from harness.embedded.models.buying_power import SecurityMarginModel
from harness.embedded.models.parameters import InitialMarginRequiredForOrderParameters
from harness.embedded.models.slippage import UserSlippageModel
from harness.embedded.models.wrapping import is_engine_class
from harness.embedded.orders.order import (
    LimitIfTouchedOrder,
    LimitOrder,
    Order,
    StopLimitOrder,
    StopMarketOrder,
    TrailingStopOrder,
)
from harness.embedded.orders.time_in_force import DayTimeInForce, GoodTilCanceledTimeInForce, GoodTilDateTimeInForce
from harness.embedded.orders.zones import to_local, to_utc

FOREVER_US = 2**62
_NO_LOW = Decimal(-1)
_NO_HIGH = Decimal(10) ** 20
# Shrinks computed bounds, so that the rounding of a quotient cannot put them beyond the true ones.
_SAFETY = Decimal("0.000000000001")
_MARGIN_SAFETY = 0.9
_SMALLEST_MOVE = 0.002


@dataclass(frozen=True, slots=True)
class PriceBand:
    """Prices of a security at which nothing happens: every low above ``low`` and every high below ``high``."""

    security: Any
    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class PriceWatch:
    """Steps before ``until_us`` (UTC) need no scan while all new trade and quote bars stay within the bands.

    Holds as long as the handler's ``version`` is the one it was made at and cash, holdings and models do not change
    otherwise (dividends, splits, deposits, a new model).
    """

    until_us: int
    bands: tuple[PriceBand, ...]


class _Bands:
    """The narrowest band of each security."""

    def __init__(self) -> None:
        self._found: dict[int, tuple[Any, Decimal, Decimal]] = {}

    def add(self, security: Any, low: Decimal, high: Decimal) -> None:
        _, known_low, known_high = self._found.get(id(security), (security, _NO_LOW, _NO_HIGH))
        self._found[id(security)] = (security, max(low, known_low), min(high, known_high))

    def all(self) -> tuple[PriceBand, ...]:
        return tuple(PriceBand(*entry) for entry in self._found.values())


def price_watch(algorithm: Any, pending: Iterable[tuple[Order, Any]]) -> PriceWatch | None:
    """The watch over pending orders and their securities, ``None`` where every step has to be scanned."""
    if type(algorithm._engine.engine_brokerage) not in (DefaultBrokerageModel, InteractiveBrokersBrokerageModel):
        return None
    until_us = FOREVER_US
    bands = _Bands()
    for order, security in pending:
        quiet_until = _quiet_until(order, security)
        if quiet_until is None or not _watch_price(order, security, bands):
            return None
        if not _watch_buying_power(algorithm.portfolio, order, security, bands):
            return None
        until_us = min(until_us, quiet_until)
    return PriceWatch(until_us, bands.all())


def _quiet_until(order: Order, security: Any) -> int | None:
    """The first moment at which time alone matters: expiry, the session's open or its close."""
    if type(security.fill_model) is not EquityFillModel or not is_engine_class(security.fee_model):
        return None
    if order.status is OrderStatus.CANCEL_PENDING:
        return None
    if isinstance(order, TrailingStopOrder) and isinstance(security._slippage_model, UserSlippageModel):
        return None  # the fill model asks for the slippage at every bar, and user code may count on that
    hours = security.exchange.hours
    zone = hours.time_zone
    local = to_local(order._time, zone)
    force = order.time_in_force
    until: datetime | None = None
    if type(force) is DayTimeInForce:
        until = hours.get_last_daily_market_close(local, False)
    elif type(force) is GoodTilDateTimeInForce:
        expiry = force.expiry.replace(hour=0, minute=0, second=0, microsecond=0)
        until = hours.get_last_daily_market_close(expiry, False)
    elif type(force) is not GoodTilCanceledTimeInForce:
        return None
    moments = [] if until is None else [until]
    if order.type is OrderType.MARKET_ON_OPEN:
        if hours.is_open(security.local_time, False):
            return None
        moments.append(hours.get_next_market_open(security.local_time, False))
    elif order.type is OrderType.MARKET_ON_CLOSE:
        moments.append(hours.get_next_market_close(local, False))
    elif order.type is OrderType.MARKET:
        return None
    return to_us(to_utc(min(moments), zone)) if moments else FOREVER_US


def _watch_price(order: Order, security: Any, bands: _Bands) -> bool:
    """Add the band outside of which the order fills, triggers or trails."""
    low, high = _NO_LOW, _NO_HIGH
    buying = order._direction is OrderDirection.BUY
    if isinstance(order, TrailingStopOrder):
        edge = _trailing_edge(order, buying)
        if edge is None:
            return False
        low, high = (edge, order._stop_price) if buying else (order._stop_price, edge)
    elif isinstance(order, StopMarketOrder):
        low, high = (low, order._stop_price) if buying else (order._stop_price, high)
    elif isinstance(order, LimitOrder):
        low, high = (order._limit_price, high) if buying else (low, order._limit_price)
    elif isinstance(order, StopLimitOrder):
        if order.stop_triggered:
            low, high = (order._limit_price, high) if buying else (low, order._limit_price)
        else:
            low, high = (low, order._stop_price) if buying else (order._stop_price, high)
    elif isinstance(order, LimitIfTouchedOrder):
        edge = order._limit_price if order.trigger_touched else order._trigger_price
        low, high = (edge, high) if buying else (low, edge)
    bands.add(security, low, high)
    return _saw_nothing(order, security, low, high)


def _trailing_edge(order: TrailingStopOrder, buying: bool) -> Decimal | None:
    """The price beyond which the stop follows: above a sale's stop, below a purchase's."""
    stop, amount = order._stop_price, order._trailing_amount
    if not order.trailing_as_percentage:
        return stop - amount + _SAFETY if buying else stop + amount - _SAFETY
    if not 0 <= amount < 1:
        return None
    return clr.div(stop, 1 + amount) + _SAFETY if buying else clr.div(stop, 1 - amount) - _SAFETY


def _saw_nothing(order: Order, security: Any, low: Decimal, high: Decimal) -> bool:
    """Whether the last bars, as far as they count for the order, have done all they can do to it."""
    zone = security.exchange.hours.time_zone
    if isinstance(order, TrailingStopOrder):
        # the bar that has moved the stop lies on the edge, and does not move it again
        if order._direction is OrderDirection.BUY:
            low -= 2 * _SAFETY
        else:
            high += 2 * _SAFETY
    for bar in (security.cache.last_trade_bar(), security.cache.last_quote_bar()):
        if bar is None or to_utc(bar.end_time, zone) <= order._time:
            continue
        sides = (bar.bid, bar.ask) if hasattr(bar, "bid") else (bar,)
        if any(side is not None and not (side._low > low and side._high < high) for side in sides):
            return False
    return True


def _watch_buying_power(portfolio: Any, order: Order, security: Any, bands: _Bands) -> bool:
    """Add the price moves that the account can take before the order would be refused.

    If no price moves by more than a share f, the free margin falls by no more than f times twice the value of all
    holdings (value and margin used) and the required margin grows by no more than the factor 1 + f.
    """
    model = security._buying_power_model
    if type(model) is not SecurityMarginModel:
        return False
    held: Decimal = security.holdings._quantity
    if held * order._quantity < 0 and abs(held) >= abs(order._quantity):
        return True
    parameters = InitialMarginRequiredForOrderParameters(portfolio.cash_book, security, order)
    required = abs(float(model._get_initial_margin_required_for_order(parameters)))
    value = float(portfolio._total_portfolio_value)
    reserve = float(model._required_free_buying_power_percent)
    free = float(portfolio._get_margin_remaining()) - reserve * value
    held_others = (other for other in portfolio._held.values() if other is not security)
    exposed = [security, *(other for other in held_others if other.holdings._quantity != 0)]
    holdings = sum(abs(float(other.holdings._quantity * other._price)) for other in exposed)
    move = _MARGIN_SAFETY * (free - required) / (holdings * (2 + reserve) + required)
    if move < _SMALLEST_MOVE:
        return False
    for other in exposed:
        price = float(other._price)
        bands.add(other, Decimal(price * max(0.0, 1 - move)), Decimal(price * (1 + move)))
    return True
