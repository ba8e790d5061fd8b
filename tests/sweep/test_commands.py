"""The commands over the project's own algorithm and a small scenario, as a user calls them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from harness.commands import sweep as commands
from harness.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = """
[algorithm]
file = "algorithm/main.py"
class = "ReferenceAlgorithm"
[variants.baseline]
parameters = { metrics = "recompute", instrumentation = "off" }
[variants.optimized]
parameters = { metrics = "incremental", instrumentation = "off" }
[variants.broken]
file = "broken/main.py"
[scenarios.small]
parameters = { symbols = "AAPL JPM", start = "2025-10-01", end = "2025-10-01" }
data = { quick = true, symbols = ["AAPL", "JPM"] }
[scenarios.days]
parameters = { symbols = "AAPL JPM", start = "2025-10-01", end = "2025-10-03" }
data = { folder = "data/small", synthetic = false }
"""

app = typer.Typer()
app.command("sweep")(commands.sweep)
app.command("verify-many")(commands.verify_many)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "algorithm", folder / "algorithm", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "harness.toml").write_text(SETTINGS)
    return folder


def call(project: Path, *words: str, code: int = 0) -> dict[str, Any]:
    found = CliRunner().invoke(app, [*words, "--config", str(project / "harness.toml"), "--json"])
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    assert found.exit_code == code, found.output
    document: dict[str, Any] = json.loads(found.stdout)
    return document


def test_sweep_then_resume_with_more_trials(project: Path) -> None:
    words = ["-p", "target_share=0.1:0.6:0.1", "-p", "stop_share=0.2,0.3", "--name", "one"]
    first = call(project, "sweep", "small", *words, "--trials", "4", "-j", "2")
    assert (first["trials"], first["failed"]) == (4, 0)
    assert first["best"]["parameters"].keys() == {"target_share", "stop_share"}
    assert {Path(path).name for path in first["files"]} >= {"trials.csv", "trials.parquet", "best.json", "slice.html"}
    more = call(project, "sweep", "--resume", "--name", "one", "--trials", "6")
    assert (more["trials"], more["evaluated"] + more["duplicates"] - first["duplicates"]) == (6, 2)
    rows = (project / "runs" / "one" / "trials.csv").read_text().splitlines()
    assert len(rows) == 7
    with pytest.raises(InputError, match="other options"):
        call(project, "sweep", "small", "-p", "target_share=0.1", "--name", "one")


def test_one_process_a_trial_gives_the_same_table(project: Path) -> None:
    words = ["small", "-p", "target_share=0.2,0.4", "--sampler", "grid", "--keep", "none", "--no-plots"]
    call(project, "sweep", *words, "--name", "inside")
    call(project, "sweep", *words, "--name", "outside", "--isolation", "process")
    runs = project / "runs"
    assert (runs / "inside" / "trials.csv").read_bytes() == (runs / "outside" / "trials.csv").read_bytes()
    assert not any((runs / "inside" / "trials").glob("*/lean"))


def test_walk_forward_tests_each_windows_best_on_the_days_after(project: Path) -> None:
    call(project, "sweep", "small", "-p", "target_share=0.3", "--trials", "1", "--no-plots", "--name", "data")
    words = ["days", "-p", "target_share=0.2,0.4", "--sampler", "grid", "--walk-forward", "train=1d,test=1d"]
    done = call(project, "sweep", *words, "--name", "walk")
    assert [(row["train"], row["test"]) for row in done["windows"]] == [
        ("2025-10-01 to 2025-10-01", "2025-10-02 to 2025-10-02"),
        ("2025-10-02 to 2025-10-02", "2025-10-03 to 2025-10-03"),
    ]
    assert all(isinstance(row["test value"], float) for row in done["windows"])
    again = call(project, "sweep", "--resume", "--name", "walk")
    assert again["windows"] == done["windows"]
    assert len((project / "runs" / "walk" / "walk_forward.csv").read_text().splitlines()) == 3


def test_verify_many_says_which_differ_and_times_nothing(project: Path) -> None:
    done = call(project, "verify-many", "small", "-p", "target_share=0.2,0.4", "-j", "2", "--name", "parity")
    assert [case["result"] for case in done["cases"]] == ["identical", "identical"]
    assert all(case["order_events"] > 0 for case in done["cases"])
    assert "nothing was timed" in done["note"] and "wall_s" not in done
    planted = project / "algorithm" / "strategy.py"
    text = planted.read_text()
    metrics = project / "algorithm" / "parameters.py"
    original = metrics.read_text()
    # A difference that only the candidate has: its variant's name decides.
    metrics.write_text(
        original.replace(
            "    parameters = replace(defaults, **given)\n",
            "    parameters = replace(defaults, **given)\n"
            "    if parameters.metrics == 'incremental':\n"
            "        parameters = replace(parameters, entry_offset_cents=3)\n",
        )
    )
    assert metrics.read_text() != original
    try:
        different = call(project, "verify-many", "small", "-j", "2", "--name", "planted", code=1)
    finally:
        metrics.write_text(original)
        planted.write_text(text)
    assert [case["result"] for case in different["cases"]] == ["different"]
    assert different["not_identical"] == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["sweep", "small"], "at least one"),
        (["sweep", "nowhere", "-p", "a=1"], "not in harness.toml"),
        (["sweep", "small", "-p", "a=1", "--sampler", "annealing"], "there are tpe, grid, random"),
        (["sweep", "small", "-p", "a=1", "--engine", "warp"], "there are embedded"),
        (["sweep", "small", "-p", "a=1:x"], "must be numbers"),
        (["sweep", "small", "-p", "a=1", "--keep", "some"], "all, best or none"),
        (["sweep", "small", "-p", "a=1", "--name", "../up"], "plain name"),
        (["sweep", "--resume", "--name", "nothing"], "request.json"),
        (["sweep", "small", "-p", "target_share=x", "--trials", "1", "--name", "bad"], "no trial completed"),
        (["verify-many", "small", "-p", "a=0.1:0.2"], "low:high:step"),
    ],
)
def test_mistakes_are_one_line(project: Path, words: list[str], says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        call(project, *words)
    assert "\n" not in str(caught.value)
