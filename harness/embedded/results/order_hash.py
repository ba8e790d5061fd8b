"""The order list hash: one digest of all orders, which Lean prints as the last statistic.

Source: ``GetHash`` and ``ToMD5`` in ``Extensions.cs`` of Lean: MD5 of the comma-joined JSON of the orders by id, after
prices were rounded to what both of Lean's languages agree on. An order's value is computed from the rounded price.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from harness.embedded import clr
from harness.embedded.results.orders_json import compact, order_fields
from harness.embedded.statistics.numerics import smart_rounding


def order_list_hash(orders: Iterable[Any]) -> str:
    """The hash (32 hexadecimal digits) of orders given in ascending id."""
    text = ",".join(compact(_hashed_fields(order)) for order in orders)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _hashed_fields(order: Any) -> dict[str, Any]:
    fields = order_fields(order, smart_rounding)
    # The price setter of an order drops trailing zeros; the other prices keep what the rounding leaves.
    price = clr.normalize(fields["price"])
    fields["price"] = price
    fields["value"] = order._quantity * price
    return fields
