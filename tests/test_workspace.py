"""Workspaces of the ``lean`` command, made without it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.engines.base import BacktestRequest
from harness.engines.lean_config import read_json_with_comments
from harness.errors import InputError
from harness.workspace import (
    copy_project,
    find_workspace,
    init_workspace,
    module_list_problem,
    output_problem,
    prepare_run,
    workspace_problems,
)


def test_what_init_writes_has_no_problem(tmp_path: Path) -> None:
    path = init_workspace(tmp_path / "w", tmp_path / "w" / "data" / "default")
    assert list(workspace_problems(path)) == []
    config = read_json_with_comments(path)
    assert config["data-folder"] == "data/default"
    assert config["job-organization-id"]
    assert find_workspace(tmp_path / "w" / "deep" / "er") == path
    assert find_workspace(tmp_path) is None


def test_data_elsewhere_is_named_by_its_whole_path(tmp_path: Path) -> None:
    path = init_workspace(tmp_path / "w", tmp_path / "data")
    assert read_json_with_comments(path)["data-folder"] == str(tmp_path / "data")


def test_a_lean_json_is_not_replaced_unasked(tmp_path: Path) -> None:
    (tmp_path / "lean.json").write_text("{}")
    with pytest.raises(InputError, match="--force"):
        init_workspace(tmp_path, tmp_path)
    init_workspace(tmp_path, tmp_path, force=True)
    assert list(workspace_problems(tmp_path / "lean.json")) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"data-folder": "data"}', "no organization id"),
        ('{"organization-id": "x"}', "no data-folder"),
        ("{", "not valid JSON"),
    ],
)
def test_problems_name_their_remedy(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "lean.json"
    path.write_text(text)
    (line,) = workspace_problems(path)
    assert problem in line
    assert str(path) in line
    assert "add" in line or "harness init" in line


def test_results_must_lie_below(tmp_path: Path) -> None:
    assert output_problem(tmp_path / "w" / "lean.json", tmp_path / "w" / "runs") == ""
    assert "is not below" in output_problem(tmp_path / "w" / "lean.json", tmp_path / "runs")


def test_a_run_gets_the_users_settings_and_its_own_places(tmp_path: Path) -> None:
    (tmp_path / "lean.json").write_text(
        '{ // mine\n "organization-id": "abc", "data-folder": "x", "symbol-second-limit": 7,\n'
        ' "file-database-last-update": "" }'
    )
    (tmp_path / "Library").mkdir()
    project = tmp_path / "project"
    project.mkdir()
    (project / "main.py").write_text("a = 1")
    run_folder = tmp_path / "runs" / "1"
    run_folder.mkdir(parents=True)
    request = BacktestRequest(project / "main.py", "A", tmp_path / "data", run_folder)
    run_json, algorithm = prepare_run(request, tmp_path / "lean.json", {"debug-mode": True})
    config = json.loads(run_json.read_text())
    assert config["data-folder"] == str(tmp_path / "data")
    assert config["symbol-second-limit"] == 7
    assert config["debug-mode"] is True
    assert config["job-organization-id"] == "abc"
    assert "organization-id" not in config, "lean would remember the run's folder as a workspace"
    assert config["file-database-last-update"].endswith("2100 00:00:00"), "lean would replace databases in the data"
    assert algorithm.read_text() == "a = 1"
    assert (run_folder / "Library").resolve() == tmp_path / "Library"


def test_only_what_belongs_to_a_project_is_copied(tmp_path: Path) -> None:
    source = tmp_path / "s"
    for name in ("main.py", "config.json", "part/more.py", "backtests/old/code/main.py", ".git/x.py", "data/a.csv",
                 "env/pyvenv.cfg", "env/lib.py", "big.zip", "__pycache__/main.pyc"):  # fmt: skip
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text("")
    copy_project(source, tmp_path / "t")
    copied = sorted(
        path.relative_to(tmp_path / "t").as_posix() for path in (tmp_path / "t").rglob("*") if path.is_file()
    )
    assert copied == ["config.json", "main.py", "part/more.py"]


def test_the_module_list_of_lean(tmp_path: Path) -> None:
    now = time.time()
    assert "no module list" in module_list_problem(tmp_path, now)
    path = tmp_path / "modules-1.14.json"
    path.write_text("{}")
    assert "damaged" in module_list_problem(tmp_path, now)
    path.write_text('{"modules": []}')
    assert module_list_problem(tmp_path, now) == ""
    os.utime(path, (now - 90000, now - 90000))
    assert "25 hours old" in module_list_problem(tmp_path, now)


def test_the_command_writes_it_beside_the_settings(tmp_path: Path) -> None:
    (tmp_path / "harness.toml").write_text("[variants.baseline]\n[variants.optimized]\n[scenarios.default]\n")
    command = [sys.executable, "-m", "harness.cli", "init"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert read_json_with_comments(tmp_path / "lean.json")["data-folder"] == "data/default"
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "--force" in done.stderr
    assert len(done.stderr.splitlines()) == 1
