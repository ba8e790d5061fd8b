"""Lean's files of a made-up run of any size, for what only shows when there is much."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

START_S = 1_759_325_400


def write_large_run(folder: Path, trades: int, equity_points: int, symbol: str = "AAPL") -> Path:
    """``folder/trial_1/lean`` with ``trades`` closed trades (two fills each) and ``equity_points`` samples."""
    lean = folder / "trial_1" / "lean"
    lean.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(17)
    span_s = max(60 * equity_points, 120 * trades)
    equity = np.round(100_000 + random.normal(0, 25, equity_points).cumsum(), 2)
    times = START_S + np.linspace(0, span_s, equity_points).astype(int)
    prices = np.round(200 + random.normal(0, 0.05, 2 * trades).cumsum(), 2)
    fill_times = START_S + np.linspace(10, span_s - 10, 2 * trades).astype(int)
    name = {"value": symbol, "id": f"{symbol} R735QTJ8XC9X", "permtick": symbol}
    values = [[int(time), value, value, value, value] for time, value in zip(times, equity.tolist(), strict=True)]
    document: dict[str, Any] = {
        "charts": {
            "Strategy Equity": {
                "name": "Strategy Equity",
                "series": {"Equity": {"name": "Equity", "unit": "$", "index": 0, "seriesType": 2, "values": values}},
            }
        },
        "orders": {},
        "profitLoss": {},
        "statistics": {"Total Orders": str(2 * trades)},
        "runtimeStatistics": {},
        "state": {"Status": "Completed", "RuntimeError": ""},
        "algorithmConfiguration": {},
        "totalPerformance": {
            "closedTrades": [_trade(name, fill_times, prices, index) for index in range(trades)],
        },
    }
    (lean / "Large.json").write_text(json.dumps(document, indent=2))
    (lean / "Large-summary.json").write_text(json.dumps({**document, "charts": {}, "totalPerformance": {}}, indent=2))
    events = [_event(symbol, index, int(fill_times[index]), float(prices[index])) for index in range(2 * trades)]
    (lean / "Large-order-events.json").write_text(json.dumps(events))
    (lean / "Large-log.txt").write_text("")
    return folder / "trial_1"


def _trade(name: dict[str, str], times: Any, prices: Any, index: int) -> dict[str, Any]:
    entry, leave = 2 * index, 2 * index + 1
    profit = round(10 * float(prices[leave] - prices[entry]), 2)
    return {
        "symbols": [name],
        "entryTime": _text(times[entry]),
        "entryPrice": float(prices[entry]),
        "direction": 0,
        "quantity": 10.0,
        "exitTime": _text(times[leave]),
        "exitPrice": float(prices[leave]),
        "profitLoss": profit,
        "totalFees": 2.0,
        "mae": 0.0,
        "mfe": 0.0,
        "duration": "00:01:00",
        "isWin": profit > 0,
        "orderIds": [entry + 1, leave + 1],
    }


def _event(symbol: str, index: int, time: int, price: float) -> dict[str, Any]:
    sign = -1 if index % 2 else 1
    return {
        "id": f"Large-{index + 1}-2",
        "algorithmId": "Large",
        "orderId": index + 1,
        "orderEventId": 2,
        "symbol": f"{symbol} R735QTJ8XC9X",
        "symbolValue": symbol,
        "symbolPermtick": symbol,
        "time": float(time),
        "status": "filled",
        "orderFeeAmount": 1.0,
        "orderFeeCurrency": "USD",
        "fillPrice": price,
        "fillPriceCurrency": "USD",
        "fillQuantity": 10.0 * sign,
        "quantity": 10.0 * sign,
        "direction": "buy" if sign > 0 else "sell",
    }


def _text(seconds: Any) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
