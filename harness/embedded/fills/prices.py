"""What a fill model looks at and what it returns. Source: Lean's ``Prices``, ``FillModelParameters``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from harness.embedded.clr import from_python
from harness.embedded.naming import lean_api
from harness.embedded.orders.event import OrderEvent
from harness.embedded.orders.numbers import number


@lean_api
class Prices:
    """The range of prices of the last bar; local times. Made from a bar, from times and one side of a quote, or from
    seven values (``time, end_time, current, open, high, low, close``), where a zero stands for the current price."""

    __slots__ = ("_close", "_current", "_high", "_low", "_open", "end_time", "time")

    def __init__(self, *args: Any) -> None:
        if len(args) == 1:
            bar = args[0]
            self._set(bar.time, bar.end_time, bar._close, bar._open, bar._high, bar._low, bar._close)
        elif len(args) == 3:
            time, end_time, bar = args
            self._set(time, end_time, bar._close, bar._open, bar._high, bar._low, bar._close)
        else:
            time, end_time, *values = args
            self._set(time, end_time, *map(from_python, values))

    def _set(
        self,
        time: datetime,
        end_time: datetime,
        current: Decimal,
        open_price: Decimal,
        high: Decimal,
        low: Decimal,
        close: Decimal,
    ) -> None:
        self.time = time
        self.end_time = end_time
        self._current = current
        self._open = open_price or current
        self._high = high or current
        self._low = low or current
        self._close = close or current

    current = number("_current")
    open = number("_open")
    high = number("_high")
    low = number("_low")
    close = number("_close")


def _ignore(order: Any) -> None:
    return None


@lean_api
class FillModelParameters:
    """The order to fill, its security and the settings that matter for it."""

    __slots__ = (
        "config_provider",
        "on_order_updated",
        "order",
        "securities_for_orders",
        "security",
        "stale_price_time_span",
    )

    def __init__(
        self,
        security: Any,
        order: Any,
        config_provider: Any,
        stale_price_time_span: timedelta,
        securities_for_orders: dict[Any, Any] | None = None,
        on_order_updated: Callable[[Any], None] = _ignore,
    ) -> None:
        self.security = security
        self.order = order
        self.config_provider = config_provider
        self.stale_price_time_span = stale_price_time_span
        self.securities_for_orders = {order: security} if securities_for_orders is None else securities_for_orders
        self.on_order_updated = on_order_updated


@lean_api
class Fill:
    """The events a fill model gives for one order."""

    __slots__ = ("_events",)

    def __init__(self, order_events: OrderEvent | Iterable[OrderEvent]) -> None:
        self._events = [order_events] if isinstance(order_events, OrderEvent) else list(order_events)

    def __iter__(self) -> Iterator[OrderEvent]:
        return iter(self._events)

    def __len__(self) -> int:
        return len(self._events)
