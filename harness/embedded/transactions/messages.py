"""Texts of refusals and warnings. Source: Lean's ``Messages`` and ``BrokerageTransactionHandler``."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from harness.embedded.clr import decimal_text
from harness.embedded.orders.numbers import price_text
from harness.embedded.orders.order import Order


def insufficient_buying_power(order: Order, security: Any, reason: str) -> str:
    """An order that the account cannot carry."""
    value = price_text(order._get_value(security))
    problem = f"Insufficient buying power to complete orders (Value:[{value}])"
    return f"Order Error: ids: [{order.id}], {problem}, Reason: {reason}."


def insufficient_buying_power_for_update(order: Order, reason: str) -> str:
    """A change of an order that the account cannot carry."""
    return (
        f"Brokerage failed to update order with id: {order.id}, Symbol: {order.symbol.value}, "
        f"Insufficient buying power to complete order, Reason: {reason}."
    )


def exceeds_shortable_quantity(symbol: Any, shortable_quantity: int, quantity: Decimal) -> str:
    """A short sale of more than can be borrowed (the unmatched bracket is Lean's)."""
    return (
        f"Order exceeds shortable quantity {shortable_quantity} for Symbol {symbol} requested {decimal_text(quantity)})"
    )


def lot_size_warning(lot_size: Decimal) -> str:
    """Given once, when a quantity was cut to whole lots."""
    return (
        "Warning: Due to brokerage limitations, orders will be rounded to the nearest lot size of "
        f"{decimal_text(lot_size)}"
    )


def price_rounding_warning(name: str, rounded: Decimal, original: Decimal) -> str:
    """Given once, when a price was rounded to the security's step."""
    return (
        f"Warning: To meet brokerage precision requirements, order {name} was rounded to {decimal_text(rounded)} "
        f"from {decimal_text(original)}"
    )
