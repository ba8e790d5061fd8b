"""``harness run``, ``doctor``, ``data`` and what goes wrong before anything runs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.conftest import Project
from tests.integration.test_bench_command import one_line

Make = Callable[..., Project]


def test_run_prints_statistics_and_cost(make_project: Make) -> None:
    project = make_project()
    done = project.harness("run", "-p", "work=1000")
    assert done.returncode == 0, done.stderr
    assert "Total Orders" in done.stdout
    assert "1 order events, results in" in done.stdout


def test_run_as_json_with_another_algorithm(make_project: Make) -> None:
    project = make_project()
    (project.folder / "mine.py").write_text("class Helper: pass\nclass Mine(QCAlgorithm): pass\n")
    done = project.harness("run", "--algorithm", "mine.py", "--data", "lean-data", "--output", "out", "--json")
    document = json.loads(done.stdout)
    assert document["outcome"] == "completed"
    assert document["result_id"] == "Mine"
    assert document["parameters"] == {}
    assert document["wall_s"] > 0
    assert (project.folder / "out" / "lean" / "Mine.json").is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "nowhere"), "scenario 'nowhere': not in harness.toml; it has default"),
        (("run", "--variant", "nobody"), "variant 'nobody': not in harness.toml; it has baseline, optimized"),
        (("run", "-p", "novalue"), "--param 'novalue': is not key=value"),
        (("run", "-p", "a=1,2"), "parts parameters at ',' and ':'"),
        (("run", "--algorithm", "no.py"), "no.py: algorithm file not found"),
        (("run", "--class", "Nobody"), "no class 'Nobody' in it; it has ReferenceAlgorithm"),
        (("run", "--data", "nowhere"), "data folder not found"),
        (("run", "--data", "algorithm"), "is missing, so this is not a Lean data folder"),
        (("run", "--engine", "steam"), "engine 'steam': not known; there are embedded, launcher, lean"),
        (("run", "--config", "no.toml"), "no.toml: not found"),
        (("bench", "--quick", "--scenario", "other"), "--quick is scenario quick"),
        (("bench", "--session", "../x"), "give a plain name"),
        (("bench", "--resume"), "no unfinished session"),
        (("bench", "--resume", "--pairs", "7"), "leave out options that change it"),
        (("bench", "--max-pairs", "7"), "give --adaptive too"),
        (("bench", "--pairs", "0"), "--pairs"),
        (("bench", "--cpus", "x"), "is not a list of CPU numbers"),
        (("bench", "--cpus", "999"), "CPU affinity: [999] are not among the CPUs here"),
        (("bench", "--pairs", "7", "--adaptive"), "give one of them"),
        (("show",), "no session yet"),
        (("show", "x"), "session 'x': not in"),
        (("diff", "baseline", "optimized"), "no baseline"),
        (("diff", "lean-data", "optimized"), "lean-data"),
        (("data", "synth"), "brings its own data"),
        (("data", "check", "--folder", "lean-data"), "needs --symbols"),
        (("nonsense",), "No such command"),
        (("bench", "--nonsense"), "No such option"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(make_project: Make, words: tuple[str, ...], message: str) -> None:
    done = make_project().harness(*words)
    assert done.returncode == 2, done.stdout + done.stderr
    assert message in one_line(done.stderr)
    assert done.stdout == ""


def test_an_algorithm_that_is_not_python(make_project: Make) -> None:
    project = make_project()
    (project.folder / "algorithm" / "main.py").write_text("class ReferenceAlgorithm(:\n")
    assert "main.py, line 1: not valid Python" in one_line(project.harness("run").stderr)


def test_an_output_folder_with_something_in_it_is_refused(make_project: Make) -> None:
    project = make_project()
    assert "is not empty" in one_line(project.harness("run", "--output", "algorithm").stderr)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(make_project: Make) -> None:
    project = make_project()
    (project.folder / "runs").mkdir(mode=0o500)
    assert "runs" in one_line(project.harness("bench").stderr)


def test_doctor_finds_what_is_wrong(make_project: Make) -> None:
    project = make_project()
    good = project.harness("doctor", "--json")
    assert json.loads(good.stdout)["ok"] is True
    assert good.returncode == 0
    project.settings("\n[folders]\ndata = 3\n")
    bad = project.harness("doctor")
    assert bad.returncode == 2
    assert "folders.data = 3" in bad.stdout


def test_synthetic_data_is_made_once_and_checked(make_project: Make) -> None:
    project = make_project(
        more='[scenarios.small]\ndata = { symbols = ["AAPL"], start = 2025-10-01, end = 2025-10-01 }'
    )
    made = project.harness("data", "synth", "-s", "small", "--json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["action"] == "written"
    assert json.loads(project.harness("data", "synth", "-s", "small", "--json").stdout)["action"] == "kept"
    assert project.harness("data", "check", "-s", "small").returncode == 0
    Path(project.folder / "data/small/equity/usa/second/aapl/20251001_trade.zip").write_bytes(b"PK")
    broken = project.harness("data", "check", "-s", "small")
    assert broken.returncode == 1
    assert "20251001_trade.zip" in broken.stdout
    assert json.loads(project.harness("data", "synth", "-s", "small", "--json").stdout)["action"] == "rebuilt"
