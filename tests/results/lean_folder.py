"""Small Lean result folders made on the spot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def order_event(order: int, event: int, algorithm_id: str = "Algo", **changed: Any) -> dict[str, Any]:
    """One order event as Lean writes it."""
    fields: dict[str, Any] = {
        "id": f"{algorithm_id}-{order}-{event}",
        "algorithmId": algorithm_id,
        "orderId": order,
        "orderEventId": event,
        "symbol": "ALFA UJ0T0SKEFN1H",
        "symbolValue": "ALFA",
        "symbolPermtick": "ALFA",
        "time": 1759757460.0 + order,
        "status": "submitted" if event == 1 else "filled",
        "fillPrice": 0.0 if event == 1 else 318.33,
        "fillPriceCurrency": "USD",
        "fillQuantity": 0.0 if event == 1 else 100.0,
        "direction": "buy",
        "isAssignment": False,
        "quantity": 100.0,
    }
    return {**fields, **changed}


def document(orders: int = 3, **changed: Any) -> dict[str, Any]:
    """A small result document with every kind of section."""
    sections: dict[str, Any] = {
        "rollingWindow": {},
        "charts": {
            "Strategy Equity": {
                "name": "Strategy Equity",
                "chartType": 0,
                "series": {
                    "Equity": {
                        "name": "Equity",
                        "seriesType": 2,
                        "values": [[1759723200, 1.0, 2.0, 0.5, 1.5], [1759809600, 1, 1, 1, 1]],
                    }
                },
            }
        },
        "orders": {
            str(number): {
                "type": 0,
                "id": number,
                "brokerId": [str(number)],
                "symbol": {"value": "ALFA", "id": "ALFA UJ0T0SKEFN1H", "permtick": "ALFA"},
                "price": 318.33,
                "quantity": 100.0,
                "status": 3,
                "direction": 0,
                "time": "2025-10-06T13:31:00Z",
            }
            for number in range(1, orders + 1)
        },
        "profitLoss": {"2025-10-06T15:30:00Z": -324.5},
        "statistics": {"Total Orders": str(orders), "Sharpe Ratio": "-8.83"},
        "runtimeStatistics": {"Equity": "$99,119.75"},
        "state": {
            "StartTime": "2026-01-01T00:00:00Z",
            "Status": "Completed",
            "OrderCount": str(orders),
            "RuntimeError": "",
        },
        "serverStatistics": {"Hostname": "vm"},
        "totalPerformance": {
            "tradeStatistics": {"totalProfitLoss": "-867.50"},
            "portfolioStatistics": {"sharpeRatio": "-8.8302"},
            "closedTrades": [
                {
                    "id": "bd8c300f-9d6c-4f12-aca6-8951c3d223e7",
                    "symbols": [{"value": "ALFA", "id": "ALFA UJ0T0SKEFN1H", "permtick": "ALFA"}],
                    "entryTime": "2025-10-06T13:31:00Z",
                    "entryPrice": 318.33,
                    "direction": 0,
                    "quantity": 100.0,
                    "exitTime": "2025-10-06T15:30:00Z",
                    "exitPrice": 315.58,
                    "profitLoss": -275.00,
                    "totalFees": 2.25,
                    "isWin": False,
                    "orderIds": [1, 3],
                }
            ],
        },
        "analysis": [],
    }
    return {**sections, **changed}


def write_lean(
    folder: Path,
    result_id: str = "Algo",
    *,
    sections: dict[str, Any] | None = None,
    events: list[dict[str, Any]] | str | None = "two",
    log: str | None = "2025-10-06 16:00:00 hello\n",
    indent: int | None = 2,
) -> Path:
    """Lean's file set in ``folder``; ``events=None`` leaves the order events out."""
    folder.mkdir(parents=True, exist_ok=True)
    content = document() if sections is None else sections
    (folder / f"{result_id}.json").write_text(json.dumps(content, indent=indent))
    (folder / f"{result_id}-summary.json").write_text(
        json.dumps({"statistics": content.get("statistics", {})}, indent=2)
    )
    if events == "two":
        events = [order_event(1, 1, result_id), order_event(1, 2, result_id)]
    if events is not None:
        (folder / f"{result_id}-order-events.json").write_text(json.dumps(events, separators=(",", ":")))
    if log is not None:
        (folder / f"{result_id}-log.txt").write_text(log)
    return folder
