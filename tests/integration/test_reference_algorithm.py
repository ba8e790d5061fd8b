"""The reference algorithm on the embedded engine, through the commands: synthetic data, and real data where it is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.integration.conftest import ROOT, Project
from tests.integration.test_bench_command import one_line

REAL_DATA = ROOT.parent / "shared" / "lean-data"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project's own algorithm and settings in a folder of its own, with a scenario of two symbols and a day."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "algorithm", folder / "algorithm", ignore=shutil.ignore_patterns("__pycache__"))
    settings = (ROOT / "harness.toml").read_text()
    tiny = """
[scenarios.tiny]
parameters = { symbols = "AAPL NVDA", start = "2025-10-01", end = "2025-10-01" }
data = { symbols = ["AAPL", "NVDA"], start = 2025-10-01, end = 2025-10-01 }
pairs = 1
control_runs = 0
"""
    (folder / "harness.toml").write_text(settings + tiny)
    return Project(folder)


def test_both_variants_do_the_same_and_too_few_pairs_decide_nothing(project: Project) -> None:
    done = project.harness("bench", "-s", "tiny", "--json", timeout_s=300)
    assert done.returncode == 3, done.stderr
    report = json.loads(done.stdout)
    assert report["parity"]["identical"]
    assert report["parity"]["order_events"] > 0
    assert report["parity"]["compared"] == 4
    names = [stage["name"] for stage in report["stages"]]
    assert names == ["data", "metrics", "strategy", "risk", "orders", "remainder"]
    assert all(stage["baseline_s"] >= 0 for stage in report["stages"])
    assert {"engine_start", "import", "initialize", "algorithm", "results"} <= {p["name"] for p in report["phases"]}
    assert project.harness("diff", "baseline", "optimized").returncode == 0


def test_a_stage_made_slower_by_a_tenth_of_the_run_fails_and_is_named(project: Project) -> None:
    """The real algorithm against a copy whose metrics do more work; eight pairs, so that no other stage is blamed."""
    slow = project.folder / "slow"
    shutil.copytree(project.folder / "algorithm", slow, ignore=shutil.ignore_patterns("__pycache__"))
    metrics = slow / "metrics.py"
    before = "        session_volume = sum(data.volumes)\n"
    more = "        for _ in range(40):\n            sum(data.volumes[-100:])\n"
    assert metrics.read_text().count(before) == 1
    metrics.write_text(metrics.read_text().replace(before, before + more))
    words = ("--candidate-algorithm", "slow/main.py", "--candidate-params", "metrics=recompute")
    done = project.harness("bench", "-s", "tiny", "--pairs", "8", "--session", "slow", *words, timeout_s=600)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "FAIL (exit code 1)" in done.stdout
    report = json.loads((project.folder / "runs" / "slow" / "report.json").read_text())
    cpu = next(item for item in report["quantities"] if item["name"] == "CPU")
    assert cpu["paired_ratio"] > 1.02, "the work added is lost in the noise; adjust the test"
    stage = next(stage for stage in report["stages"] if stage["name"] == "metrics")
    assert stage["cpu_low"] > 1
    named = report["slower_stages"]
    assert named[0].startswith("stage metrics is slower: +")
    assert f"({stage['cpu_low']:.3f} to {stage['cpu_high']:.3f})" in named[0]
    assert named[0] in " ".join(done.stdout.split("\n"))
    listed = project.harness("checklist", "slow")
    assert listed.returncode == 1
    assert named[0] in listed.stdout


def test_a_profile_and_the_difference_of_two(project: Project) -> None:
    done = project.harness("profile", "-s", "tiny", "--output", "p1", "--top", "12", timeout_s=300)
    assert done.returncode == 0, done.stderr
    assert "RecomputeMetrics.update" in done.stdout
    assert "by stage:" in done.stdout
    for name in ("flamegraph.svg", "speedscope.json", "cprofile.pstats"):
        assert (project.folder / "p1" / name).stat().st_size > 1000
    other = project.harness(
        "profile", "-s", "tiny", "--variant", "optimized", "--tool", "cprofile", "--output", "p2", "--json"
    )
    assert other.returncode == 0, other.stderr
    hotspots = json.loads(other.stdout)["hotspots"]
    assert len(hotspots["functions"]) >= 10
    assert set(hotspots["functions"][0]) >= {"function", "file", "line", "calls", "own_s", "cumulative_s", "stage"}
    changes = json.loads(project.harness("profile", "diff", "p1", "p2", "--json").stdout)
    metrics = next(change for change in changes["stages"] if change["name"] == "metrics")
    assert metrics["right"] < metrics["left"]
    again = project.harness("profile", "-s", "tiny", "--output", "p1")
    assert again.returncode == 2
    assert "is not empty" in one_line(again.stderr)
    none = project.harness("profile", "diff", "p1", "algorithm")
    assert none.returncode == 2
    assert "no profile in it" in one_line(none.stderr)


def test_a_damaged_data_file_is_named(project: Project) -> None:
    assert project.harness("data", "synth", "-s", "tiny").returncode == 0
    data = project.folder / "damaged"
    shutil.copytree(project.folder / "data" / "tiny", data)
    victim = data / "equity/usa/second/aapl/20251001_trade.zip"
    victim.write_bytes(victim.read_bytes()[:-100])
    done = project.harness("run", "tiny", "--data", str(data), timeout_s=120)
    assert done.returncode == 2
    assert victim.name in one_line(done.stderr)


def test_an_algorithm_that_does_not_import_is_one_line(project: Project) -> None:
    broken = project.folder / "broken.py"
    broken.write_text("from AlgorithmImports import *\nimport no_such_module\nclass Broken(QCAlgorithm): pass\n")
    done = project.harness("run", "tiny", "--algorithm", str(broken), timeout_s=120)
    assert done.returncode == 2
    assert "no_such_module" in one_line(done.stderr)


@pytest.mark.recordings
def test_it_trades_on_real_market_data(project: Project) -> None:
    if not REAL_DATA.is_dir():
        pytest.skip("Lean's sample data is not beside the project")
    given = {
        "symbols": "SPY",
        "start": "2013-10-07",
        "end": "2013-10-11",
    }
    words = [word for key, value in given.items() for word in ("-p", f"{key}={value}")]
    output = Path("real")
    done = project.harness(
        "run", "tiny", "--data", str(REAL_DATA), *words, "--output", str(output), "--json", timeout_s=300
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["order_events"] > 0
