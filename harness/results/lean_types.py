"""Lean's result records as typed structs. Numbers are ``Decimal`` of the text in the file; times stay Lean's text.

Field names are Lean's, in snake case; fields not listed are skipped. Source: Lean's ``SerializedOrderEvent``,
``Order``, ``Trade``, ``Chart`` and ``BaseSeries``, as written by its result handlers.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec


class Symbol(msgspec.Struct, frozen=True, kw_only=True):
    """A security: current ticker, security identifier, ticker at first listing."""

    value: str
    id: str = ""
    permtick: str = ""


class OrderEvent(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """One line of an order's life; prices in the quote currency.

    ``time`` is seconds since 1970, UTC, of algorithm time.
    """

    id: str = ""
    algorithm_id: str = ""
    order_id: int
    order_event_id: int
    symbol: str
    symbol_value: str = ""
    symbol_permtick: str = ""
    time: Decimal
    status: str
    order_fee_amount: Decimal | None = None
    order_fee_currency: str | None = None
    fill_price: Decimal = Decimal(0)
    fill_price_currency: str = ""
    fill_quantity: Decimal = Decimal(0)
    direction: str = ""
    message: str = ""
    is_assignment: bool = False
    quantity: Decimal = Decimal(0)
    stop_price: Decimal | None = None
    limit_price: Decimal | None = None
    is_in_the_money: bool = False

    @property
    def key(self) -> tuple[int, int]:
        """What names the event within its backtest: order id and event id."""
        return self.order_id, self.order_event_id


class Order(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """One order at the end of the backtest. ``type``, ``status`` and ``direction`` are Lean's enum numbers."""

    id: int
    type: int
    symbol: Symbol
    quantity: Decimal
    status: int
    direction: int
    price: Decimal = Decimal(0)
    price_currency: str = ""
    value: Decimal = Decimal(0)
    time: str = ""
    created_time: str = ""
    last_fill_time: str | None = None
    last_update_time: str | None = None
    canceled_time: str | None = None
    contingent_id: int = 0
    broker_id: list[str] = []
    tag: str = ""
    security_type: int = 0
    is_marketable: bool | None = None
    price_adjustment_mode: int = 0
    stop_price: Decimal | None = None
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    trailing_amount: Decimal | None = None
    trailing_as_percentage: bool | None = None
    stop_triggered: bool | None = None
    trigger_touched: bool | None = None
    properties: dict[str, Any] = {}
    order_submission_data: dict[str, Decimal] | None = None


class Trade(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """One closed trade. ``direction`` 0 long, 1 short; ``duration`` is ``[days.]hh:mm:ss``. ``id`` is random."""

    id: str = ""
    symbols: list[Symbol] = []
    entry_time: str
    entry_price: Decimal
    direction: int
    quantity: Decimal
    exit_time: str
    exit_price: Decimal
    profit_loss: Decimal
    total_fees: Decimal
    mae: Decimal = Decimal(0)
    mfe: Decimal = Decimal(0)
    duration: str = ""
    end_trade_drawdown: Decimal = Decimal(0)
    is_win: bool = False
    order_ids: list[int] = []


class Series(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """One series of a chart. A value is ``[time, y]``, or ``[time, open, high, low, close]``; time as in events."""

    name: str
    unit: str = ""
    index: int = 0
    series_type: int = 0
    values: list[Any] = []


class Chart(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """One chart: its series by name."""

    name: str
    chart_type: int = 0
    series: dict[str, Series] = {}


class TotalPerformance(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """Lean's ``AlgorithmPerformance``: closed trades, and the figures over trades and over the portfolio as text."""

    trade_statistics: dict[str, Any] | None = None
    portfolio_statistics: dict[str, Any] | None = None
    closed_trades: list[Trade] | None = None
