"""Several commands and the service on one folder at the same time: each succeeds, or one is told to wait."""

from __future__ import annotations

import json
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from harness.history.store import entries
from harness.results.baseline import load_baseline
from harness.results.store import read_rows
from tests.integration.conftest import Project

Make = Callable[..., Project]


@contextmanager
def served(project: Project) -> Iterator[str]:
    """The address of ``harness serve`` over the project."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = project.start("serve", "--port", str(port), "--quiet", "--rate", "100000")
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.communicate(timeout=40)


def answer(address: str) -> int:
    """The status of a request; 0 while nobody answers."""
    try:
        with urllib.request.urlopen(address, timeout=10) as response:
            json.loads(response.read())
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


@pytest.mark.skipif(sys.platform == "win32", reason="ends the service by a signal")
def test_two_baselines_a_session_a_sweep_and_the_service_share_a_folder(make_project: Make) -> None:
    pytest.importorskip("fastapi")
    pytest.importorskip("optuna")
    project = make_project(base="work = 2000", new="work = 1000")
    words = {
        "baseline 1": ("baseline", "--runs", "1", "--force"),
        "baseline 2": ("baseline", "--runs", "1", "--force"),
        "bench 1": ("bench", "--session", "s", "--pairs", "1"),
        "bench 2": ("bench", "--session", "s", "--pairs", "1"),
        "sweep": (
            "sweep", "default", "--param", "price=1,2", "--name", "w", "--isolation", "process",
            "--objective", "Total Orders", "--sampler", "grid", "--trials", "2", "--n-jobs", "1", "--no-plots",
        ),
    }  # fmt: skip
    with served(project) as address:
        running = {name: project.start(*given) for name, given in words.items()}
        statuses: set[int] = set()
        while any(process.poll() is None for process in running.values()):
            statuses |= {answer(f"{address}/api/{path}") for path in ("sessions", "lab/runs", "sessions/s")}
            time.sleep(0.05)
        ended = {name: (process.communicate(timeout=60), process.returncode) for name, process in running.items()}
        assert answer(f"{address}/api/sessions/s") == 200
    assert statuses <= {0, 200, 404, 409, 503}, statuses
    told = {name: f"{code}: {' '.join((out + err).split())}" for name, ((out, err), code) in ended.items()}
    codes = {name: code for name, (_, code) in ended.items()}

    assert [codes["baseline 1"], codes["baseline 2"], codes["sweep"]] == [0, 0, 0], told
    # One of the two sessions of one name measured; its verdict is not the question here, with a pair of short runs.
    measured, refused = sorted(("bench 1", "bench 2"), key=lambda name: codes[name] == 2)
    assert codes[measured] in (0, 1, 3), told
    assert codes[refused] == 2, told
    assert "in use by" in told[refused] or "already holds a session" in told[refused], told
    assert "Traceback" not in str(told)

    stored = load_baseline(project.folder / "baselines" / "default.json")
    assert len(stored.results.order_events or []) == 1
    runs = project.folder / "runs"
    assert [row["number"] for row in read_rows(runs / "w" / "trials.jsonl")] == [0, 1]
    assert [entry.session for entry in entries(runs / "history.sqlite")] == ["s"]
    checked = project.harness("fsck")
    assert checked.returncode == 0, checked.stdout
    assert " 0 damaged" in checked.stdout
