"""``harness bench --…-ref`` and ``harness bisect`` over a git repository with a planted commit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.conftest import STAND_IN, Project
from tests.versions.test_versions import git

Make = Callable[..., Project]
# The stand-in reads no algorithm; this one takes price and work from the algorithm file of the version it is given.
ENGINE = f"""
import sys
sys.path.insert(0, {str(STAND_IN.parent)!r})
import stand_in_engine
place = sys.argv.index("--algorithm-location") + 1
found = dict(line.split(" = ") for line in open(sys.argv[place]).read().splitlines() if " = " in line)
sys.argv += ["--parameters", ",".join(f"{{key}}:{{value}}" for key, value in found.items())]
sys.exit(stand_in_engine.main())
"""


def versions(project: Project, contents: list[str]) -> list[str]:
    """Commits the algorithm with each content in turn; their ids."""
    engine = project.folder / "engine.py"
    engine.write_text(ENGINE)
    path = project.folder / "harness.toml"
    path.write_text(path.read_text().replace(str(STAND_IN), str(engine)))
    git(project.folder, "init", "-q", "-b", "main")
    commits = []
    for number, content in enumerate(contents):
        text = f"{content}\nclass ReferenceAlgorithm(QCAlgorithm): pass\n"
        (project.folder / "algorithm" / "main.py").write_text(text)
        git(project.folder, "add", "algorithm")
        git(project.folder, "commit", "-q", "-m", f"commit {number}")
        commits.append(git(project.folder, "rev-parse", "HEAD"))
    return commits


def test_two_versions_are_compared_each_in_its_own_folder(make_project: Make) -> None:
    project = make_project()
    commits = versions(project, ["work = 9000000", "work = 100000"])
    done = project.harness("bench", "--baseline-ref", "HEAD~1", "--candidate-ref", "main", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["verdict"] == "PASS"
    assert (report["baseline"], report["candidate"]) == (f"baseline-{commits[0][:10]}", f"candidate-{commits[1][:10]}")
    assert f"--baseline-ref {commits[0][:10]} --candidate-ref {commits[1][:10]}" in report["repeat"][0]
    wrong = project.harness("bench", "--baseline-ref", "nowhere")
    assert wrong.returncode == 2
    assert "no such commit" in wrong.stderr


def test_bisect_finds_the_planted_commit_that_changed_one_cent(make_project: Make) -> None:
    project = make_project()
    commits = versions(project, [f"work = {1000 + n}\nprice = {660.25 if n < 4 else 660.26}" for n in range(7)])
    done = project.harness("bisect", "--good", commits[0])
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"first bad commit: {commits[4]}  commit 4" in done.stdout
    same = project.harness("bisect", "--good", commits[4])
    assert same.returncode == 2
    assert "gives the same results" in same.stderr


@pytest.mark.parametrize("planted", [2])
def test_bisect_finds_the_planted_commit_that_is_slower(make_project: Make, planted: int, tmp_path: Path) -> None:
    project = make_project()
    commits = versions(project, [f"work = {(100000 if n < planted else 12000000) + n}" for n in range(4)])
    done = project.harness("bisect", "--good", commits[0], "--speed", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["commit"] == commits[planted]
