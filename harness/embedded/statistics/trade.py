"""A closed trade, and the enumerations of trade building.

Source: ``Trade.cs`` and ``TradeEnums.cs`` of Lean.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from harness.embedded import clr
from harness.embedded.enums import LeanEnum
from harness.embedded.naming import lean_api
from harness.embedded.statistics.exact import shows


class TradeDirection(LeanEnum):
    LONG = 0
    SHORT = 1


class FillGroupingMethod(LeanEnum):
    """What makes one trade: each fill against a fill, flat to flat, or flat to the first reduction."""

    FILL_TO_FILL = 0
    FLAT_TO_FLAT = 1
    FLAT_TO_REDUCED = 2


class FillMatchingMethod(LeanEnum):
    """Which open fill a closing fill is matched with."""

    FIFO = 0
    LIFO = 1


_DECIMALS = (
    "entry_price",
    "quantity",
    "exit_price",
    "profit_loss",
    "total_fees",
    "mae",
    "mfe",
    "end_trade_drawdown",
)


@lean_api(names={"mae": "MAE", "mfe": "MFE"})
@shows(decimals=_DECIMALS)
class Trade:
    """A closed trade (or, inside the builder, one still open). Times are naive UTC; money is account currency.

    ``id`` is unique within a run and the same in every run; Lean writes a random GUID there.
    """

    __slots__ = (
        "_end_trade_drawdown",
        "_entry_price",
        "_exit_price",
        "_mae",
        "_mfe",
        "_profit_loss",
        "_quantity",
        "_total_fees",
        "direction",
        "entry_time",
        "exit_time",
        "id",
        "is_win",
        "order_ids",
        "symbols",
    )

    def __init__(
        self,
        symbol: Any,
        *,
        entry_time: datetime,
        entry_price: Decimal,
        direction: TradeDirection,
        quantity: Decimal,
        total_fees: Decimal,
        order_ids: list[int],
    ) -> None:
        self.id = ""
        self.symbols = [symbol]
        self.entry_time = entry_time
        self._entry_price = entry_price
        self.direction = direction
        self._quantity = quantity
        self.exit_time = datetime.min
        self._exit_price = clr.ZERO
        self._profit_loss = clr.ZERO
        self._total_fees = total_fees
        self._mae = clr.ZERO
        self._mfe = clr.ZERO
        self._end_trade_drawdown = clr.ZERO
        self.is_win = False
        self.order_ids = order_ids

    @property
    def symbol(self) -> Any:
        """The first (for equities the only) symbol."""
        return self.symbols[0]

    @property
    def duration(self) -> timedelta:
        """Exit time less entry time."""
        return self.exit_time - self.entry_time
