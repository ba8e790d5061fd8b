"""How an order is written, apart from what the recordings show."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from types import SimpleNamespace

from harness.embedded.enums import SecurityType
from harness.embedded.orders.order import LimitOrder, OrderSubmissionData
from harness.embedded.results.orders_json import OrderWriter


def test_under_the_hash_marketable_is_computed_from_the_rounded_limit() -> None:
    """``GetHash`` of Lean's ``Extensions`` rounds the limit to seven digits, ``Order.IsMarketable`` then reads it.

    The bid of the submission is not rounded, so a sale at exactly the bid is marketable in the result file only.
    """
    bid = Decimal("145.447486652")
    symbol = SimpleNamespace(value="SPY", id="SPY R735QTJ8XC9X", security_type=SecurityType.EQUITY)
    order = LimitOrder(symbol, -10, bid, datetime(2013, 10, 7, 14))
    order.order_submission_data = OrderSubmissionData(bid, Decimal("145.46"), bid)
    assert '"isMarketable":true' in OrderWriter(None, rounded=False).text(order)
    assert '"limitPrice":145.4475,' in OrderWriter(None, rounded=True).text(order)
    assert '"isMarketable":false' in OrderWriter(None, rounded=True).text(order)
