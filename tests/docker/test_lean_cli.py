"""``lean backtest`` for real: lean-cli from PyPI, a Docker engine, containers; only what is in the image stands in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.engines.base import BacktestRequest, Engine, Outcome
from harness.engines.containers import NAME_PREFIX
from harness.engines.embedded import EmbeddedEngine
from harness.engines.lean_cli import ALGORITHM_ID, LeanCliEngine
from harness.parity.diff import diff_results
from harness.results.lean_results import LeanResults

MakeRequest = Callable[..., BacktestRequest]


def containers(client: Any) -> list[str]:
    return [item["Names"][0] for item in client.api.containers(all=True, filters={"name": NAME_PREFIX})]


def test_a_run_is_measured_inside_and_outside_the_container(
    engine: LeanCliEngine, make_request: MakeRequest, client: Any
) -> None:
    request = make_request(quantity="7")
    assert isinstance(engine, Engine)
    assert engine.check(request) == []
    run = engine.run(request)
    assert run.outcome is Outcome.COMPLETED, run.detail
    cost = run.measurement
    assert cost is not None
    assert list(cost.phases_s) == [
        "client_start", "container_start", "engine_start", "python_start", "import", "initialize", "algorithm",
        "results", "shutdown", "client_end",
    ]  # fmt: skip
    assert sum(cost.phases_s.values()) == pytest.approx(cost.wall_s, abs=0.01)
    assert min(cost.phases_s.values()) >= 0
    assert cost.cpu_s > 0.1, "the container's own CPU"
    assert cost.client_cpu_s > 0.1, "the client's, apart"
    assert 20 * 2**20 < cost.peak_rss_bytes < 400 * 2**20
    assert run.engine["lean"] == "2.5.0.0"
    assert run.engine["digest"].startswith("sha256:")
    assert run.engine["version"].startswith("lean-cli 1.")
    assert run.data_points > 40000
    assert containers(client) == []


def test_results_are_those_of_the_same_engine_outside(engine: LeanCliEngine, make_request: MakeRequest) -> None:
    inside, outside = engine.run(make_request()), EmbeddedEngine().run(make_request())
    assert (inside.outcome, outside.outcome) == (Outcome.COMPLETED, Outcome.COMPLETED)
    left = LeanResults(outside.request.results_folder, outside.request.result_id)
    right = LeanResults(inside.request.results_folder, inside.request.result_id)
    report = diff_results(left, right)
    assert report.identical, report.summary_line
    assert right.result_id == ALGORITHM_ID


def test_memory_is_the_containers(engine: LeanCliEngine, make_request: MakeRequest) -> None:
    run = engine.run(make_request(standin="ballast"))
    assert run.measurement is not None
    assert 200 * 2**20 < run.measurement.peak_rss_bytes < 500 * 2**20


@pytest.mark.parametrize(
    ("parameters", "outcome", "exit_code", "text"),
    [
        ({"fail": "on_data"}, Outcome.RUNTIME_ERROR, 1, "deliberate failure in on_data"),
        ({"standin": "crash"}, Outcome.ENGINE_CRASH, 134, "exit code 134"),
        ({"standin": "abort"}, Outcome.ABORTED_AFTER_RESULTS, 134, "accept_abort"),
        ({"ticker": "ZULU"}, Outcome.MISSING_DATA, 0, "zulu"),
    ],
)
def test_failures(
    engine: LeanCliEngine,
    make_request: MakeRequest,
    client: Any,
    parameters: dict[str, str],
    outcome: Outcome,
    exit_code: int,
    text: str,
) -> None:
    run = engine.run(make_request(**parameters))
    assert run.outcome is outcome, run.detail
    assert text in run.detail
    assert run.measurement is not None
    assert run.measurement.exit_code == exit_code, "the container's, not the client's"
    assert containers(client) == []


@pytest.mark.parametrize("how", ["hang", "stubborn"])
def test_the_container_is_removed_after_the_time_limit(
    engine: LeanCliEngine, make_request: MakeRequest, client: Any, how: str
) -> None:
    started = time.monotonic()
    run = engine.run(make_request(time_limit_s=12, standin=how))
    assert run.outcome is Outcome.TIMED_OUT
    assert time.monotonic() - started < 40
    assert run.measurement is not None
    assert run.measurement.phases_s["engine_start"] > 0
    assert containers(client) == []


def test_the_container_is_removed_on_ctrl_c(engine: LeanCliEngine, make_request: MakeRequest, client: Any) -> None:
    def interrupt(_: float, __: str) -> None:
        if containers(client):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.run(make_request(standin="hang"), interrupt)
    assert containers(client) == []


def test_each_run_has_an_object_store_and_a_project_of_its_own(
    engine: LeanCliEngine, make_request: MakeRequest, workspace: Path
) -> None:
    request = make_request()
    engine.run(request)
    assert (request.run_folder / "storage").is_dir()
    assert (request.run_folder / "project" / "main.py").is_file()
    assert sorted(path.name for path in workspace.iterdir()) == ["lean.json", "project", "runs"]
    assert [path.name for path in (workspace / "project").iterdir()] == ["main.py"]


def test_a_workspace_of_harness_init_is_enough_for_the_user_too(workspace: Path) -> None:
    """``lean backtest project`` as a user types it: no login, no network, no options but the image."""
    done = subprocess.run(
        [os.environ["LEAN_COMMAND"], "backtest", "project", "--no-update", "--image", os.environ["LEAN_IMAGE"]],
        cwd=workspace, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (results,) = (workspace / "project" / "backtests").iterdir()
    assert LeanResults(results).status == "Completed"


def test_a_session_through_lean_and_docker(workspace: Path, market_data: Path) -> None:
    """``harness bench --engine lean``: interleaved runs, parity of each, and the container's figures in the report."""
    (workspace / "harness.toml").write_text(
        '[algorithm]\nfile = "project/main.py"\nclass = "Trader"\n'
        "[bench]\nwarmups = 0\ncontrol_runs = 0\n[variants.baseline]\n[variants.optimized]\n"
        f'[scenarios.default]\ndata = {{ folder = "{market_data}", synthetic = false }}\n'
    )
    words = ["bench", "--engine", "lean", "--pairs", "1", "--session", "s", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "harness.cli", *words],
        cwd=workspace, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode in (1, 3), done.stderr  # the same code twice: no speed-up, or too few pairs to say
    report = json.loads(done.stdout)
    assert report["parity"]["identical"]
    assert report["runs_done"] == report["runs_planned"] >= 2
    assert report["environment"]["engine"]["digest"].startswith("sha256:")
    assert report["environment"]["engine"]["mode"] == "release"
    phases = {phase["name"]: phase["baseline_s"] for phase in report["phases"]}
    assert phases["container_start"] > 0
    assert phases["CPU of the client"] > 0
    assert all(run["cpu_s"] > 0 and run["peak_mib"] > 20 for run in report["runs"])


def test_what_is_lacking_is_said_with_its_remedy(
    make_request: MakeRequest, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = make_request()
    monkeypatch.setenv("LEAN_IMAGE", "quantconnect/lean:none-such")
    assert "docker pull quantconnect/lean:none-such" in LeanCliEngine().check(request)[0]
    monkeypatch.setenv("LEAN_IMAGE", "localhost:5000/lean:x")
    assert "without a registry's port" in LeanCliEngine().check(request)[0]
    monkeypatch.delenv("LEAN_IMAGE")
    (workspace / "lean.json").write_text(json.dumps({"data-folder": "data"}))
    assert any("no organization id" in text for text in LeanCliEngine().check(request))
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    assert any("no engine answers at unix:///nowhere.sock" in text for text in LeanCliEngine().check(request))
    monkeypatch.setenv("LEAN_COMMAND", "no-such-lean")
    assert "make lean" in LeanCliEngine().check(request)[0]
