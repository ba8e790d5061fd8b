"""A fault in the engine, however small, is found by ``harness conformance``, in the artifact where it shows."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.recordings

_ENGINE = Path(__file__).with_name("faulty_engine.py")
_ROOT = Path(__file__).parents[2]


def _conformance(fault: str, recordings: Path, cache: Path) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "harness.cli", "conformance", "market_minute", "--json", "--jobs", "1"),
            *("--recordings", str(recordings), "--cache", str(cache)),
            *("--engine-command", shlex.join([sys.executable, str(_ENGINE), fault])),
        ],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, document


def test_engine_without_fault_is_equal(recordings: Path, cache_folder: Path) -> None:
    code, document = _conformance("none", recordings, cache_folder)
    assert (code, document["summary"]) == (0, "1 equal, 0 refused by name, 0 silently different")


@pytest.mark.parametrize(
    ("fault", "artifact", "first"),
    [
        ("fill_price_tick", "order events", "fillPrice"),
        ("bar_late", "order events", ""),
        ("events_swapped", "order events", "[1]"),
        ("fee_cent", "order events", "orderFeeAmount"),
        ("log_line", "log", ""),
        ("statistic", "statistics", "Sharpe Ratio"),
    ],
)
def test_fault_is_reported(fault: str, artifact: str, first: str, recordings: Path, cache_folder: Path) -> None:
    code, document = _conformance(fault, recordings, cache_folder)
    assert code == 1
    (case,) = document["cases"]
    assert case["verdict"] == "different"
    paths = [difference["path"] for difference in case["differences"] if difference["artifact"] == artifact]
    assert paths and first in paths[0]
