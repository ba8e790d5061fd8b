"""The order list hash: one digest of all orders, which Lean prints as the last statistic.

Source: ``GetHash`` and ``ToMD5`` in ``Extensions.cs`` of Lean: MD5 of the comma-joined JSON of the orders by id, after
prices were rounded to what both of Lean's languages agree on. An order's value is computed from the rounded price.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from harness.embedded.results.orders_json import OrderWriter


def order_list_hash(orders: Iterable[Any]) -> str:
    """The hash (32 hexadecimal digits) of orders given in ascending id."""
    write = OrderWriter(None, rounded=True).text
    text = ",".join([write(order) for order in orders])
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
