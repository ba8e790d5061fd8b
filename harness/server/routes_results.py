"""What a run left: ``/api/lab/run/{run_id}/...``. ``trial`` names one of several; the first when left out."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
import orjson
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from harness.errors import InputError
from harness.results.lean_results import LeanResults
from harness.results.lean_types import Order
from harness.server import full_results
from harness.server.candles import PERIOD_S, fewer, parse_span, resample
from harness.server.requests import TRIAL_PATTERN, run_folder
from harness.server.routes_runs import Limit, Offset, RunId, example
from harness.server.sampling import sample_indices
from harness.server.service import Service, json_response, page_of, service_of, stored_response

Trial = Annotated[str | None, Query(pattern=TRIAL_PATTERN, max_length=201, examples=["trial_1"])]
Points = Annotated[int, Query(ge=4, le=100_000, description="About so many points at most")]
Seconds = Annotated[float | None, Query(ge=-1e11, le=1e11, allow_inf_nan=False, description="Seconds since 1970, UTC")]
Symbol = Annotated[str | None, Query(max_length=16, pattern=r"^[A-Za-z][A-Za-z0-9._-]*$", examples=["AAPL"])]

ORDER_STATUS = {
    **{0: "new", 1: "submitted", 2: "partiallyFilled", 3: "filled", 5: "canceled", 6: "none", 7: "invalid"},
    **{8: "cancelPending", 9: "updateSubmitted"},
}
ORDER_TYPE = {
    **{0: "market", 1: "limit", 2: "stopMarket", 3: "stopLimit", 4: "marketOnOpen", 5: "marketOnClose"},
    **{6: "optionExercise", 7: "limitIfTouched", 8: "comboMarket", 9: "comboLimit", 10: "comboLegLimit"},
    **{11: "trailingStop"},
}

router = APIRouter(prefix="/api/lab/run/{run_id}", tags=["results"])


@router.get(
    "/full_results",
    responses=example(
        {
            "schema": full_results.SCHEMA,
            "version": full_results.VERSION,
            "summary": {"status": "Completed", "statistics": {"Net Profit": "1.2%"}},
            "equity": {"time": [1759325400], "equity": [100000.0], "drawdown": [0.0]},
            "trades": {"symbol": ["AAPL"], "profit_loss": [12.5]},
            "fills": {"time": [1759325400.0], "symbol": ["AAPL"], "price": [255.1], "quantity": [10.0]},
            "candles_sampled": {"AAPL": {"resolution": "minute", "time": [1759325400], "open": [255.0]}},
        }
    ),
    summary="Everything in one document: stored bytes, with an ETag",
)
async def everything(request: Request, run_id: RunId, trial: Trial = None) -> Response:
    service = service_of(request)
    return stored_response(await service.full_results(service.trial(run_id, trial)), request)


@router.get(
    "/equity",
    responses=example({"points": 1, "of": 1, "time": [1759325400], "equity": [100000.0], "drawdown": [0.0]}),
    summary="Equity and drawdown; with points, fewer, but every extreme and every trade's end",
)
def equity(
    request: Request,
    run_id: RunId,
    trial: Trial = None,
    points: Points | None = None,
    start: Annotated[Seconds, Query(alias="from")] = None,
    end: Annotated[Seconds, Query(alias="to")] = None,
) -> Response:
    service = service_of(request)
    results = service.results(service.trial(run_id, trial))
    columns = full_results.equity_columns(results)
    time = columns["time"]
    first = 0 if start is None else int(np.searchsorted(time, start))
    last = len(time) if end is None else int(np.searchsorted(time, end, side="right"))
    chosen = {name: values[first:last] for name, values in columns.items()}
    of = len(chosen["time"])
    if points is not None:
        exits = full_results.trade_columns(results.closed_trades)["exit_time"]
        keep = np.searchsorted(chosen["time"], np.asarray(exits, dtype=np.float64)).astype(np.int64)
        deepest = sample_indices(chosen["drawdown"], min(points, 64))
        kept = sample_indices(chosen["equity"], points, np.concatenate((keep, deepest)))
        chosen = {name: np.ascontiguousarray(values[kept]) for name, values in chosen.items()}
    return json_response({"points": len(chosen["time"]), "of": of, **chosen})


@router.get(
    "/artifacts/trades",
    responses={
        200: {
            "description": "trades.csv, or one page of it as rows",
            "content": {
                "text/csv": {"example": "symbol,direction,quantity\nAAPL,long,10\n"},
                "application/json": {"example": {"total": 1, "items": [{"symbol": "AAPL", "profit_loss": 12.5}]}},
            },
        }
    },
    summary="Closed trades",
)
def trades(
    request: Request,
    run_id: RunId,
    trial: Trial = None,
    form: Annotated[Literal["csv", "json"], Query(alias="format")] = "csv",
    symbol: Symbol = None,
    direction: Literal["", "long", "short"] = "",
    outcome: Literal["", "win", "loss"] = "",
    offset: Offset = 0,
    limit: Limit = 100,
) -> Response:
    service = service_of(request)
    results = service.results(service.trial(run_id, trial))
    if form == "csv":
        return _csv(full_results.trades_csv(results.closed_trades), f"{run_id}-trades.csv")
    columns = full_results.trade_columns(results.closed_trades)
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    chosen = [
        row
        for row in rows
        if (symbol is None or row["symbol"] == symbol.upper())
        and (not direction or row["direction"] == direction)
        and (not outcome or (row["profit_loss"] > 0) == (outcome == "win"))
    ]
    return json_response(page_of(chosen, offset, limit))


@router.get(
    "/artifacts/equity",
    responses={200: {"description": "equity.csv", "content": {"text/csv": {"example": "time,equity,drawdown\n"}}}},
    summary="The equity curve as a table",
)
def equity_table(request: Request, run_id: RunId, trial: Trial = None) -> Response:
    service = service_of(request)
    columns = full_results.equity_columns(service.results(service.trial(run_id, trial)))
    return _csv(full_results.equity_csv(columns), f"{run_id}-equity.csv")


@router.get(
    "/candles",
    responses=example({"symbol": "AAPL", "resolution": "minute", "of": 1, "time": [1759325400], "open": [255.0]}),
    summary="Candles from the market data, windowed, resampled, merged to as many as are wanted",
)
def candles(
    request: Request,
    run_id: RunId,
    symbol: Annotated[str, Query(max_length=16, pattern=r"^[A-Za-z][A-Za-z0-9._-]*$", examples=["AAPL"])],
    trial: Trial = None,
    resolution: Literal["auto", "second", "minute", "hour", "daily"] = "auto",
    span: Annotated[str | None, Query(alias="resample", max_length=8, examples=["15s"])] = None,
    start: Annotated[Seconds, Query(alias="from")] = None,
    end: Annotated[Seconds, Query(alias="to")] = None,
    points: Points = 1500,
) -> Response:
    service = service_of(request)
    folder = service.trial(run_id, trial)
    reader = service.reader(folder)
    if start is None or end is None:
        times = full_results.equity_columns(service.results(folder))["time"]
        if not len(times):
            raise InputError("from and to: this run has no equity curve to take them from; give both")
        start = float(times[0]) if start is None else start
        end = float(times[-1]) if end is None else end
    if end < start:
        raise InputError("from is later than to")
    span_s = None if span is None else parse_span(span)
    chosen = resolution if resolution != "auto" else _fitting(reader.resolutions(symbol), end - start, points, span_s)
    found = reader.read(symbol, chosen, start, end)
    if span_s is not None:
        found = resample(found, span_s)
    shown = fewer(found, points)
    head = {"symbol": symbol.upper(), "resolution": chosen, "resample": span, "of": len(found), "points": len(shown)}
    return json_response({**head, **{name: np.ascontiguousarray(v) for name, v in shown.to_columns().items()}})


@router.get(
    "/orders",
    responses=example(
        {"total": 1, "offset": 0, "limit": 100, "items": [{"id": 1, "symbol": "AAPL", "type": "market"}]}
    ),
    summary="Orders, exact numbers as text",
)
def orders(
    request: Request,
    run_id: RunId,
    trial: Trial = None,
    symbol: Symbol = None,
    status: Literal["", "new", "submitted", "partiallyFilled", "filled", "canceled", "invalid"] = "",
    offset: Offset = 0,
    limit: Limit = 100,
) -> Response:
    service = service_of(request)
    found = service.results(service.trial(run_id, trial)).orders
    chosen = [
        order
        for order in found
        if (symbol is None or order.symbol.value == symbol.upper())
        and (not status or ORDER_STATUS.get(order.status) == status)
    ]
    page = page_of(chosen, offset, limit)
    return json_response({**page, "items": [_order(order) for order in page["items"]]})


@router.get(
    "/stages",
    responses=example(
        {"stages": {"metrics": {"wall_s": 1.5, "cpu_s": 1.4, "count": 900}}, "phases_s": {"import": 0.2}}
    ),
    summary="Where the time went: the algorithm's stages, the process's phases",
)
def stages(request: Request, run_id: RunId, trial: Trial = None) -> Response:
    service = service_of(request)
    folder = service.trial(run_id, trial)
    return json_response(
        {**_stages(service.results(folder)), "phases_s": _measurement(service, run_id, trial).get("phases_s", {})}
    )


@router.get(
    "/report",
    responses=example({"kind": "backtest", "statistics": {"Net Profit": "1.2%"}, "measurement": {"wall_s": 2.1}}),
    summary="A session's report, or a backtest's statistics and cost",
)
def report(request: Request, run_id: RunId, trial: Trial = None) -> Response:
    service = service_of(request)
    folder = run_folder(service.runs, run_id)
    if trial is None and (folder / "session.json").exists():
        from harness.server.routes_bench import session_report

        return json_response({"kind": "bench", **session_report(service, folder)})
    results = service.results(service.trial(run_id, trial))
    return json_response(
        {
            "kind": "backtest",
            "status": results.status,
            "runtime_error": results.runtime_error,
            "statistics": results.statistics,
            "runtime_statistics": results.runtime_statistics,
            "measurement": _measurement(service, run_id, trial),
            **_stages(results),
        }
    )


def _fitting(there: list[str], span_s: float, points: int, resample_s: int | None) -> str:
    """The coarsest resolution that has enough candles for the window (and no coarser than what is made of it)."""
    fits = [
        name
        for name in there
        if (PERIOD_S[name] <= resample_s if resample_s is not None else span_s / PERIOD_S[name] >= points / 2)
    ]
    return fits[-1] if fits else (there[0] if there else "second")


def _stages(results: LeanResults) -> dict[str, Any]:
    told = results.stages or {}
    stages = {
        name: {
            "wall_s": stage.get("wall_ns", 0) / 1e9,
            "cpu_s": stage.get("cpu_ns", 0) / 1e9,
            "count": stage.get("count", 0),
            "longest_s": stage.get("longest_ns", 0) / 1e9,
        }
        for name, stage in told.get("stages", {}).items()
    }
    return {"stages": stages, "total_wall_s": told.get("total_wall_ns", 0) / 1e9}


def _measurement(service: Service, run_id: str, trial: str | None) -> dict[str, Any]:
    try:
        told = orjson.loads((service.trial(run_id, trial) / "measurement.json").read_bytes())
    except (OSError, ValueError):
        return {}  # a folder of Lean results that nobody measured
    hidden = ("schema", "version", "length", "digest", "data_folder")
    content = told.get("content", told)
    return {key: value for key, value in content.items() if key not in hidden}


def _order(order: Order) -> dict[str, Any]:
    return {
        "id": order.id,
        "symbol": order.symbol.value,
        "type": ORDER_TYPE.get(order.type, str(order.type)),
        "status": ORDER_STATUS.get(order.status, str(order.status)),
        "direction": {0: "buy", 1: "sell"}.get(order.direction, "hold"),
        "quantity": order.quantity,
        "price": order.price,
        "value": order.value,
        "stop_price": order.stop_price,
        "limit_price": order.limit_price,
        "created_time": order.created_time or order.time,
        "last_fill_time": order.last_fill_time,
        "tag": order.tag,
    }


def _csv(body: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-cache"}
    return Response(body, 200, headers, "text/csv; charset=utf-8")
