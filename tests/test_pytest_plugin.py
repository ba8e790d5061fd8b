"""The pytest plugin as a team's suite uses it, in a pytest of its own, with a stand-in engine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

from tests.integration.conftest import Project, make_project  # noqa: F401 (the fixture)

SUITE = """
def test_same(lean_backtest, assert_parity):
    assert_parity(lean_backtest(variant="optimized"), lean_backtest(variant="baseline"))

def test_a_cent_more(lean_backtest, assert_parity):
    assert_parity(lean_backtest(parameters={"price": "660.26"}), lean_backtest())

def test_against_the_option(lean_backtest, assert_parity):
    assert_parity(lean_backtest())

def test_an_algorithm_that_fails(lean_backtest):
    lean_backtest(parameters={"fail": "error"})
"""


def run(project: Project, *words: str) -> str:
    loaded = () if "pytest11" in entry_points() else ("-p", "harness.pytest_plugin")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *loaded, *words, "suite.py"],
        cwd=project.folder, env=project.environment(), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


def entry_points() -> set[str]:
    from importlib.metadata import entry_points as all_points

    return {point.group for point in all_points(group="pytest11") if point.value == "harness.pytest_plugin"}


def test_a_suite_holds_parity(make_project: Callable[..., Project]) -> None:  # noqa: F811
    project = make_project(base="work = 1000", new="work = 2000")
    (project.folder / "suite.py").write_text(SUITE)
    told = run(project)
    assert "3 failed, 1 passed" in told
    assert "first differing order event, number 1" in told
    assert "660.26" in told
    assert "nothing to compare with" in told
    assert "runtime_error: 2025-10-01 10:00:00 Runtime Error: on purpose" in told

    kept = project.harness("run", "--variant", "baseline", "--output", "kept")
    assert kept.returncode == 0, kept.stderr
    assert "2 failed, 2 passed" in run(project, "--harness-baseline", "kept")
