"""Runs through the API: start, watch, end, restart."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness.client import HarnessClient, RunStatus, ServiceError
from harness.results.lean_results import LeanResults
from tests.server.conftest import Server

Make = Callable[..., Server]
SLOW: dict[str, Any] = {"scenario": "quick", "algorithm": "slow.py", "class_name": "Slow"}


def test_a_run_leaves_leans_files_and_tables(project: Path, client: HarnessClient, finished: RunStatus) -> None:
    assert client.trials(finished.run_id) == ["trial_1", "trial_2"]
    for trial in ("trial_1", "trial_2"):
        folder = project / "runs" / finished.run_id / trial
        results = LeanResults(folder / "lean")
        assert results.status == "Completed"
        rows = (folder / "trades.csv").read_text().splitlines()
        assert len(rows) == 1 + len(results.closed_trades) > 1
        equity = (folder / "equity.csv").read_text().splitlines()
        assert len(equity) == 1 + len(results.charts["Strategy Equity"].series["Equity"].values)
    assert client.parity(f"{finished.run_id}/trial_1", f"{finished.run_id}/trial_2")["identical"]


def test_watching_gives_every_milestone_and_the_simulated_date(client: HarnessClient) -> None:
    run = client.start_backtest(parameters={"pause": "0.12"}, **SLOW)
    messages = list(client.watch(run.run_id))
    milestones = [message for message in messages if message.milestone]
    assert [message.milestone for message in milestones] == list(range(1, len(milestones) + 1))
    assert [message.type for message in milestones] == [
        "queued", "running", "trial_started", "trial_finished", "completed",
    ]  # fmt: skip
    sequences = [message.sequence for message in messages]
    assert sequences == sorted(set(sequences))
    progress = [message.body for message in messages if message.type == "progress"]
    times = [body["simulated_time"] for body in progress if body.get("simulated_time")]
    assert times and times == sorted(times) and times[-1].startswith("2025-10-0")
    percents = [body["percent"] for body in progress]
    assert percents == sorted(percents) and 0 < percents[-1] <= 100

    middle = milestones[2].sequence
    again = list(client.watch(run.run_id, since=middle))
    assert [message.type for message in again if message.milestone] == ["trial_finished", "completed"]


def test_cancel_ends_the_backtest_and_resume_finishes_it(client: HarnessClient, project: Path) -> None:
    run = client.start_backtest(
        trials=[{"pause": "0"}, {"pause": "30"}], scenario="quick", algorithm="slow.py", class_name="Slow"
    )
    for message in client.watch(run.run_id):
        if message.type == "trial_finished":
            break
    cancelled = client.cancel(run.run_id)
    assert client.wait(run.run_id, 40).state == "cancelled", cancelled
    assert client.trials(run.run_id)[0] == "trial_1"
    with pytest.raises(ServiceError) as refused:
        client.cancel(run.run_id)
    assert refused.value.status == 409
    before = (project / "runs" / run.run_id / "trial_1" / "measurement.json").read_bytes()
    client.resume(run.run_id)
    client.cancel(run.run_id)
    assert client.wait(run.run_id, 40).state == "cancelled"
    assert (project / "runs" / run.run_id / "trial_1" / "measurement.json").read_bytes() == before


def test_a_failing_algorithm_says_why(client: HarnessClient, project: Path) -> None:
    (project / "broken.py").write_text(
        "from AlgorithmImports import *\n"
        "class Broken(QCAlgorithm):\n    def initialize(self):\n        raise ValueError('no')\n"
    )
    run = client.start_backtest("quick", algorithm="broken.py")
    done = client.wait(run.run_id, 60)
    assert done.state == "failed"
    assert "no" in done.detail and "Traceback" not in done.detail


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_state_survives_the_end_of_the_service(make_server: Make, how: signal.Signals) -> None:
    server = make_server()
    with server.client() as client:
        running = client.start_backtest(parameters={"pause": "0.2"}, **SLOW)
        waiting = client.start_backtest(parameters={"pause": "0"}, **SLOW)
        seen = 0
        for message in client.watch(running.run_id):
            seen = message.sequence
            if message.type == "trial_started":
                break
        server.stop(how)
        server.start()
        interrupted = client.wait(running.run_id, 5)
        assert interrupted.state == "interrupted"
        assert client.wait(waiting.run_id, 60).state == "completed"
        assert [message.type for message in client.watch(running.run_id, since=seen)] == ["interrupted"]
        client.resume(running.run_id)
        assert client.wait(running.run_id, 60).state == "completed"


def test_the_queue_is_bounded(make_server: Make) -> None:
    from harness.server.jobs import JobStore

    folder = make_server().folder
    store = JobStore(folder / "other.sqlite")
    assert [store.add(f"r{number}", "backtest", {}, 3) for number in range(5)] == [True, True, True, False, False]
    assert store.position("r2") == 2
    taken = store.take()
    assert taken is not None and taken.run_id == "r0" and store.add("r9", "backtest", {}, 3)
    store.close()


def test_run_sync_answers_or_refuses(client: HarnessClient, finished: RunStatus) -> None:
    done = client.run_sync("quick", "optimized")
    assert done["state"] == "completed" and "Net Profit" in done["statistics"]
    for more, status, kind in (
        ({"time_limit_s": 3600}, 422, "sync-limit"),
        ({"time_limit_s": 1.0, "algorithm": "slow.py", "parameters": {"pause": "20"}}, 504, "sync-time"),
    ):
        with pytest.raises(ServiceError) as refused:
            client.run_sync("quick", **more)
        assert (refused.value.status, refused.value.kind) == (status, kind)


def test_full_results_agree_with_the_parts(client: HarnessClient, finished: RunStatus, project: Path) -> None:
    full = client.full_results(finished.run_id)
    results = LeanResults(project / "runs" / finished.run_id / "trial_1" / "lean")
    assert full["summary"]["statistics"] == results.statistics
    assert full["equity"] == {key: client.equity(finished.run_id)[key] for key in ("time", "equity", "drawdown")}
    assert len(full["trades"]["symbol"]) == client.trades(finished.run_id, limit=1).total == len(results.closed_trades)
    filled = [event for event in results.order_events or [] if event.status == "filled"]
    assert len(full["fills"]["time"]) == len(filled)
    assert full["fills"]["price"] == [float(event.fill_price) for event in filled]
    assert set(full["candles_sampled"]) == set(full["fills"]["symbol"])


def test_results_are_never_stale(client: HarnessClient, finished: RunStatus, project: Path, server: Server) -> None:
    run_id = finished.run_id
    folder = project / "runs" / run_id / "trial_2" / "lean"
    address = f"{server.address}/api/lab/run/{run_id}/full_results?trial=trial_2"
    first = httpx.get(address)
    assert httpx.get(address, headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    plain = httpx.get(address, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers and plain.json() == first.json()
    path = next(folder.glob("*-summary.json")).with_name("ReferenceAlgorithm.json")
    text = path.read_text()
    document = json.loads(text)
    document["statistics"]["Net Profit"] = "77%"
    path.write_text(json.dumps(document, indent=2))
    try:
        second = httpx.get(address, headers={"If-None-Match": first.headers["etag"]})
        assert second.status_code == 200
        assert second.json()["summary"]["statistics"]["Net Profit"] == "77%"
    finally:
        path.write_text(text)
    assert client.full_results(run_id, "trial_2")["summary"]["statistics"]["Net Profit"] != "77%"


def test_paging_and_filters(client: HarnessClient, finished: RunStatus) -> None:
    whole = client.orders(finished.run_id, limit=10000)
    pages = [client.orders(finished.run_id, offset=offset, limit=40).items for offset in range(0, whole.total, 40)]
    assert [order for page in pages for order in page] == whole.items
    filled = client.orders(finished.run_id, status="filled", limit=10000)
    assert filled.items == [order for order in whole.items if order["status"] == "filled"] and filled.total
    symbol = filled.items[0]["symbol"]
    trades = client.trades(finished.run_id, symbol=symbol, outcome="loss")
    assert all(trade["symbol"] == symbol and trade["profit_loss"] <= 0 for trade in trades.items)


def test_candles_keep_extremes_at_any_detail(client: HarnessClient, finished: RunStatus) -> None:
    fine = client.candles(finished.run_id, "AAPL", resolution="second", points=100_000)
    for more in ({"points": 100}, {"resample": "15s", "points": 100_000}, {"resample": "1h"}):
        coarse = client.candles(finished.run_id, "AAPL", resolution="second", **more)
        assert len(coarse["time"]) < len(fine["time"])
        assert (max(coarse["high"]), min(coarse["low"])) == (max(fine["high"]), min(fine["low"]))
        assert (coarse["open"][0], coarse["close"][-1]) == (fine["open"][0], fine["close"][-1])
        assert sum(coarse["volume"]) == pytest.approx(sum(fine["volume"]), rel=0, abs=0.5)
    start, end = fine["time"][100], fine["time"][200]
    window = client.candles(finished.run_id, "AAPL", resolution="second", start=start, end=end)
    assert window["time"] == fine["time"][100:201]


def test_a_bench_session_through_the_service(client: HarnessClient) -> None:
    run = client.start_bench("quick", pairs=1)
    kinds = [message.type for message in client.watch(run.run_id)]
    assert kinds[-1] == "completed" and "verdict" in kinds, client.status(run.run_id).detail
    assert kinds.count("run_started") == client.session(run.run_id)["runs_done"] >= 2
    verdict = client.verdict(run.run_id)
    assert verdict["finished"] and verdict["parity"]["identical"] and verdict["exit_code"] in (0, 1, 3)
    assert client.sessions().items[0]["session"] == run.run_id
    compared = client.compare(run.run_id, run.run_id)
    assert compared["environment_differs_in"] == []
    assert {item["candidate_change"] for item in compared["quantities"]} == {1.0}
    trials = client.trials(run.run_id)
    assert {"baseline/run_01", "optimized/run_01"} <= set(trials)
    full = client.full_results(run.run_id, "optimized/run_01")
    assert full["summary"]["status"] == "Completed" and full["candles_sampled"]
    assert client.report(run.run_id)["kind"] == "bench"
    trend = next(item for item in client.history() if run.run_id in item["sessions"])
    assert trend["values"][trend["sessions"].index(run.run_id)] > 0


def test_only_one_service_at_a_time(make_server: Make) -> None:
    first = make_server()
    second = Server(first.folder, first.port + 1)
    with pytest.raises(AssertionError):
        second.start()
    assert second.process is not None and second.process.returncode != 0


def test_sweeps_are_read_from_their_files(client: HarnessClient, project: Path) -> None:
    from harness.results.store import append_rows, write_json

    folder = project / "runs" / "some-sweep"
    folder.mkdir()
    write_json(folder / "sweep.json", {"metric": "Sharpe Ratio"}, schema="harness.sweep", version=1)
    append_rows(
        folder / "trials.jsonl",
        [
            {"number": 0, "parameters": {"a": "1"}, "state": "complete", "value": 1.5},
            {"number": 1, "parameters": {"a": "2"}, "state": "failed", "value": None},
        ],
    )
    found = next(item for item in client.sweeps().items if item["sweep"] == "some-sweep")
    assert (found["trials_done"], found["failed"], found["greatest"]) == (2, 1, 1.5)
    assert found["settings"]["metric"] == "Sharpe Ratio"
