"""The embedded engine with one fault in it: ``python faulty_engine.py FAULT [options of the engine]``.

The engine knows nothing of this: the fault is put into its classes before it starts. ``none`` changes nothing.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np

from harness.embedded import __main__ as engine
from harness.embedded.enums import OrderStatus
from harness.embedded.feed.subscription import Subscription
from harness.embedded.models.fees import InteractiveBrokersFeeModel
from harness.embedded.orders.fees import CashAmount, OrderFee
from harness.embedded.results.result_handler import BacktestingResultHandler
from harness.embedded.statistics import builder
from harness.embedded.transactions.handler import BacktestingTransactionHandler

_CENT = Decimal("0.01")
_LATE_ROW = 29


def none() -> None:
    """No fault."""


def fill_price_tick() -> None:
    """The second fill is a cent too high."""
    original = BacktestingTransactionHandler._handle_order_events
    fills = itertools.count(1)

    def handle(self: Any, events: list[Any]) -> None:
        for event in events:
            if event.status is OrderStatus.FILLED and next(fills) == 2:
                event._fill_price += _CENT
        original(self, events)

    BacktestingTransactionHandler._handle_order_events = handle  # type: ignore[method-assign]


def bar_late() -> None:
    """On the first day the bar that ends at 10:00 comes a minute later, in place of the next one."""
    original = Subscription._real_rows
    days: set[Any] = set()

    def real_rows(self: Any, day: Any) -> Any:
        frame, ends, rows = original(self, day)
        if len(rows) > _LATE_ROW + 1 and not self.is_quote and not self.is_internal and not days - {day}:
            days.add(day)
            ends, rows = np.delete(ends, _LATE_ROW), np.delete(rows, _LATE_ROW + 1)
        return frame, ends, rows

    Subscription._real_rows = real_rows  # type: ignore[method-assign]


def events_swapped() -> None:
    """The second and the third order event change places."""
    original = BacktestingResultHandler.send_final_result

    def send(self: Any, step_done: bool = True) -> list[tuple[str, str]]:
        events = self._transaction_handler.order_events
        events[1], events[2] = events[2], events[1]
        return original(self, step_done)

    BacktestingResultHandler.send_final_result = send  # type: ignore[method-assign]


def fee_cent() -> None:
    """The third order costs a cent more."""
    original = InteractiveBrokersFeeModel._get_order_fee
    asked = itertools.count(1)

    def fee_of(self: Any, parameters: Any) -> OrderFee:
        fee = original(self, parameters)
        known = getattr(parameters.order, "id", 0)
        if known == 3 and parameters.order.status is not OrderStatus.NEW and next(asked) >= 1:
            return OrderFee(CashAmount(fee.value._amount + _CENT, fee.value.currency))
        return fee

    InteractiveBrokersFeeModel._get_order_fee = fee_of  # type: ignore[method-assign]


def log_line() -> None:
    """The algorithm's second log line ends with another character."""
    original = BacktestingResultHandler.log
    lines = itertools.count(1)

    def log(self: Any, text: str) -> None:
        original(self, text + "." if next(lines) == 2 else text)

    BacktestingResultHandler.log = log  # type: ignore[method-assign]


def statistic() -> None:
    """One statistic differs in its last digit."""
    original = builder.summary

    def summary(total: Any, data: Any) -> dict[str, str]:
        found = original(total, data)
        value = found["Sharpe Ratio"]
        found["Sharpe Ratio"] = value[:-1] + ("1" if value[-1] != "1" else "2")
        return found

    builder.summary = summary


FAULTS: dict[str, Callable[[], None]] = {
    fault.__name__: fault for fault in (none, fill_price_tick, bar_late, events_swapped, fee_cent, log_line, statistic)
}

if __name__ == "__main__":
    FAULTS[sys.argv[1]]()
    code = engine.main(sys.argv[2:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
