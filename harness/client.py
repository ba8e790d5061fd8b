"""A typed client of the service: start runs, watch them, read their results.

::

    with HarnessClient("http://127.0.0.1:8765") as client:
        run = client.start_backtest(scenario="quick", variant="optimized")
        for message in client.watch(run.run_id):
            print(message.type, message.body)
        print(client.full_results(run.run_id)["summary"]["statistics"])
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import httpx

from harness.errors import EngineError, HarnessError

OVER = ("completed", "failed", "cancelled", "interrupted")


class ServiceError(HarnessError):
    """The service refused. ``status`` and ``kind`` as in its problem document; ``body`` is all of it."""

    def __init__(self, status: int, kind: str, detail: str, body: Mapping[str, Any]) -> None:
        super().__init__(detail)
        self.status, self.kind, self.body = status, kind, dict(body)


@dataclass(frozen=True, slots=True)
class RunStatus:
    """Where a run is. ``percent`` is 0..100; ``simulated_time`` the algorithm's own clock, empty when not known."""

    run_id: str
    kind: str
    state: str
    detail: str
    percent: float
    simulated_time: str
    sequence: int
    ahead: int

    @property
    def over(self) -> bool:
        return self.state in OVER


@dataclass(frozen=True, slots=True)
class WatchMessage:
    """One message of ``/ws/run``. ``milestone`` counts those that are never left out; 0 for progress."""

    type: str
    sequence: int
    milestone: int
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list; ``total`` counts all pages."""

    total: int
    offset: int
    items: list[dict[str, Any]]


class HarnessClient:
    """One service. Raises ``ServiceError`` for a refusal, ``EngineError`` when nobody answers."""

    def __init__(self, address: str, token: str = "", timeout_s: float = 60.0) -> None:
        self.address, self.token = address.rstrip("/"), token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(base_url=self.address, headers=headers, timeout=timeout_s)

    def __enter__(self) -> HarnessClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    # ---------------------------------------------------------------- runs

    def start_backtest(
        self,
        scenario: str = "default",
        variant: str = "baseline",
        parameters: Mapping[str, str] | None = None,
        trials: Sequence[Mapping[str, str]] = (),
        **more: Any,
    ) -> RunStatus:
        """Queues a backtest. ``more``: ``algorithm``, ``class_name``, ``engine``, ``time_limit_s``."""
        body = {"scenario": scenario, "variant": variant, "parameters": dict(parameters or {}), **more}
        if trials:
            body["trials"] = [dict(trial) for trial in trials]
        return self.status(self._json("POST", "/api/lab/run/backtest", body)["run_id"])

    def start_bench(self, scenario: str = "default", **more: Any) -> RunStatus:
        """Queues a benchmark session. ``more``: ``pairs``, ``adaptive``, ``parameters``, ``engine``."""
        return self.status(self._json("POST", "/api/bench", {"scenario": scenario, **more})["run_id"])

    def run_sync(self, scenario: str = "default", variant: str = "baseline", **more: Any) -> dict[str, Any]:
        """Runs a short backtest and waits; its statistics and run id."""
        return self._json("POST", "/api/backtest/run_sync", {"scenario": scenario, "variant": variant, **more})

    def status(self, run_id: str) -> RunStatus:
        return _status(self._json("GET", f"/api/lab/run/{run_id}/status"))

    def runs(self, offset: int = 0, limit: int = 50, state: str = "", kind: str = "") -> Page:
        return self._page("/api/lab/runs", offset=offset, limit=limit, state=state, kind=kind)

    def cancel(self, run_id: str) -> RunStatus:
        return _status(self._json("DELETE", f"/api/lab/run/{run_id}"))

    def resume(self, run_id: str) -> RunStatus:
        self._json("POST", f"/api/lab/run/{run_id}/resume")
        return self.status(run_id)

    def wait(self, run_id: str, timeout_s: float = 600.0, poll_s: float = 0.2) -> RunStatus:
        """The status once the run is over. Raises ``EngineError`` after ``timeout_s``."""
        deadline = time.monotonic() + timeout_s
        while not (status := self.status(run_id)).over:
            if time.monotonic() > deadline:
                raise EngineError(f"run {run_id}: still {status.state} after {timeout_s:g} s")
            time.sleep(poll_s)
        return status

    def watch(self, run_id: str, since: int = 0) -> Iterator[WatchMessage]:
        """The run's messages after ``since``, until it is over."""
        from websockets.sync.client import connect

        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        address = f"ws{self.address.removeprefix('http')}/ws/run/{run_id}?since={since}"
        with connect(address, additional_headers=headers, max_size=1 << 20) as socket:
            for text in socket:
                yield read_message(text)

    # ---------------------------------------------------------------- results

    def trials(self, run_id: str) -> list[str]:
        names: list[str] = self._json("GET", f"/api/lab/run/{run_id}/trials")["trials"]
        return names

    def full_results(self, run_id: str, trial: str | None = None) -> dict[str, Any]:
        return self._json("GET", f"/api/lab/run/{run_id}/full_results", **_given(trial=trial))

    def equity(self, run_id: str, trial: str | None = None, points: int | None = None) -> dict[str, Any]:
        return self._json("GET", f"/api/lab/run/{run_id}/equity", **_given(trial=trial, points=points))

    def candles(self, run_id: str, symbol: str, **more: Any) -> dict[str, Any]:
        """``more``: ``resolution``, ``resample``, ``points``, ``trial``, and ``start``/``end`` in seconds."""
        names = {"start": "from", "end": "to"}
        query = {names.get(key, key): value for key, value in more.items()}
        return self._json("GET", f"/api/lab/run/{run_id}/candles", symbol=symbol, **query)

    def orders(self, run_id: str, **filters: Any) -> Page:
        return self._page(f"/api/lab/run/{run_id}/orders", **filters)

    def trades(self, run_id: str, **filters: Any) -> Page:
        return self._page(f"/api/lab/run/{run_id}/artifacts/trades", format="json", **filters)

    def trades_csv(self, run_id: str, trial: str | None = None) -> str:
        return self._send("GET", f"/api/lab/run/{run_id}/artifacts/trades", None, _given(trial=trial)).text

    def stages(self, run_id: str, trial: str | None = None) -> dict[str, Any]:
        return self._json("GET", f"/api/lab/run/{run_id}/stages", **_given(trial=trial))

    def report(self, run_id: str, trial: str | None = None) -> dict[str, Any]:
        return self._json("GET", f"/api/lab/run/{run_id}/report", **_given(trial=trial))

    # ---------------------------------------------------------------- sessions and sweeps

    def sessions(self, offset: int = 0, limit: int = 50) -> Page:
        return self._page("/api/sessions", offset=offset, limit=limit)

    def session(self, name: str) -> dict[str, Any]:
        return self._json("GET", f"/api/sessions/{name}")

    def verdict(self, name: str) -> dict[str, Any]:
        return self._json("GET", f"/api/sessions/{name}/verdict")

    def compare(self, left: str, right: str) -> dict[str, Any]:
        return self._json("GET", "/api/compare", left=left, right=right)

    def parity(self, left: str, right: str) -> dict[str, Any]:
        return self._json("GET", "/api/parity", left=left, right=right)

    def history(self, quantity: str = "wall", scenario: str | None = None) -> list[dict[str, Any]]:
        """Trends; ``quantity`` is wall, CPU or memory."""
        found: list[dict[str, Any]] = self._json("GET", "/api/history", **_given(quantity=quantity, scenario=scenario))[
            "trends"
        ]
        return found

    def sweeps(self, offset: int = 0, limit: int = 50) -> Page:
        return self._page("/api/sweeps", offset=offset, limit=limit)

    # ---------------------------------------------------------------- transport

    def _page(self, path: str, **query: Any) -> Page:
        body = self._json("GET", path, **query)
        return Page(body["total"], body["offset"], body["items"])

    def _json(self, method: str, path: str, body: Mapping[str, Any] | None = None, **query: Any) -> dict[str, Any]:
        content: dict[str, Any] = self._send(method, path, body, query).json()
        return content

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None, query: Mapping[str, Any]) -> httpx.Response:
        try:
            response = self._http.request(method, path, json=body, params=query or None)
        except httpx.HTTPError as error:
            raise EngineError(f"{self.address}: does not answer ({error}); start it with `harness serve`") from error
        if response.is_error:
            try:
                problem: dict[str, Any] = response.json()
            except ValueError:
                problem = {}
            kind = str(problem.get("type", "")).rpartition(":")[2]
            detail = str(problem.get("detail", response.reason_phrase))
            raise ServiceError(response.status_code, kind, detail, problem)
        return response


def _status(body: Mapping[str, Any]) -> RunStatus:
    progress = body["progress"]
    return RunStatus(
        run_id=body["run_id"],
        kind=body["kind"],
        state=body["state"],
        detail=body["detail"],
        percent=float(progress.get("percent") or 0.0),
        simulated_time=str(progress.get("simulated_time", "")),
        sequence=body["sequence"],
        ahead=body["ahead"],
    )


def read_message(text: str | bytes) -> WatchMessage:
    """One message of ``/ws/run``. Raises ``EngineError`` for anything else."""
    try:
        body = json.loads(text)
        message = WatchMessage(body["type"], body["sequence"], body.get("milestone", 0), body)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise EngineError(f"not a message of this service ({type(error).__name__}: {text[:80]!r})") from error
    if not isinstance(message.type, str) or type(message.sequence) is not int or type(message.milestone) is not int:
        raise EngineError(f"not a message of this service ({text[:80]!r})")
    return message


def _given(**query: Any) -> dict[str, Any]:
    return {key: value for key, value in query.items() if value is not None}
