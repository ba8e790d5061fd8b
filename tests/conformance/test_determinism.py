"""The same inputs give the same bytes: with any hash seed, with a cold or a warm cache, alone or eight at once."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.results.volatile import without_volatile

pytestmark = pytest.mark.recordings

_CASE = "set_holdings_rebalance"
# Lean names the lists of data requests after the moment they were made.
_STAMP = re.compile(r"-\d{17}(?=\.)")
_WALL_CLOCK = ("completed in", "Launching analysis", "Your log was successfully created")


def _start(recordings: Path, results: Path, cache: Path, hash_seed: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "harness.embedded", "--data-folder", str(recordings / "data")),
            *(
                "--algorithm-location",
                str(recordings / _CASE / "algorithm.py"),
                "--algorithm-type-name",
                _class_name(recordings),
            ),
            *("--results-destination-folder", str(results), "--cache-folder", str(cache)),
        ],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _class_name(recordings: Path) -> str:
    return str(json.loads((recordings / _CASE / "recording.json").read_text("utf-8"))["class"])


def _end(process: subprocess.Popen[str], results: Path) -> dict[str, bytes]:
    """What a run printed and wrote, by file name, without what depends on the wall clock or the host."""
    printed, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    statistics = "\n".join(line for line in printed.splitlines() if line.startswith("STATISTICS:: "))
    found = {"printed": statistics.encode()}
    for path in sorted(results.iterdir()):
        data = path.read_bytes()
        if path.suffix == ".txt":
            lines = data.splitlines(keepends=True)
            data = b"".join(line for line in lines if not any(mark.encode() in line for mark in _WALL_CLOCK))
        elif not path.name.endswith("order-events.json"):
            data = json.dumps(without_volatile(json.loads(data))).encode()
        found[_STAMP.sub("", path.name)] = data
    return found


def test_same_bytes_with_any_hash_seed_and_at_once(recordings: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    folders = [tmp_path / f"run{number}" for number in range(8)]
    # All eight start on one empty cache at once: they also race for it.
    processes = [_start(recordings, folder, cache, str(seed)) for seed, folder in enumerate(folders)]
    outputs = [_end(process, folder) for process, folder in zip(processes, folders, strict=True)]
    alone = tmp_path / "alone"
    reference = _end(_start(recordings, alone, cache, "12345"), alone)
    assert {
        f"{_class_name(recordings)}{end}" for end in (".json", "-summary.json", "-order-events.json", "-log.txt")
    } <= set(reference)
    assert all(output == reference for output in outputs)
