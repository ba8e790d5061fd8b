"""``harness init --algorithm`` and ``harness run`` without settings: the first steps with an algorithm of one's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.commands.init import OwnAlgorithm, init_settings
from harness.commands.run import RunChoice, run
from harness.config import load_settings
from harness.errors import InputError
from tests.standin.project import ALGORITHM, market_data

__all__ = ["market_data"]


def write_project(folder: Path) -> Path:
    """A workspace of the lean command with one project; the algorithm's file."""
    file = folder / "Mine" / "main.py"
    file.parent.mkdir()
    file.write_text(ALGORITHM)
    (folder / "lean.json").write_text('{"data-folder": "bars", /* a comment */ "organization-id": "x"}')
    (file.parent / "config.json").write_text(json.dumps({"parameters": {"quan tity": '1"0', "\u00e9": 2}}))
    return file


def test_a_project_of_the_lean_command_brings_its_data_folder_and_parameters(tmp_path: Path) -> None:
    file = write_project(tmp_path)
    assert init_settings(tmp_path, OwnAlgorithm(file, None, None), force=False) == 0
    settings = load_settings(tmp_path / "harness.toml")
    assert settings.path(settings.algorithm.file) == file.resolve()
    assert settings.algorithm.class_name == "Trader"
    assert settings.data_folder("default") == (tmp_path / "bars").resolve()
    assert not settings.scenario("default").data.synthetic
    assert settings.scenario("default").parameters == {"quan tity": '1"0', "\u00e9": "2"}
    assert list(settings.variants) == ["baseline", "optimized"]
    assert (settings.targets.time_ratio, settings.targets.memory_ratio) == (0.75, 1.1)


def test_settings_are_not_replaced_unasked(tmp_path: Path) -> None:
    file = write_project(tmp_path)
    (tmp_path / "harness.toml").write_text("# mine")
    with pytest.raises(InputError, match="is there already; edit it, or replace it with --force"):
        init_settings(tmp_path, OwnAlgorithm(file, None, None), force=False)
    assert (tmp_path / "harness.toml").read_text() == "# mine"
    init_settings(tmp_path, OwnAlgorithm(file, "Other", tmp_path / "elsewhere"), force=True)
    settings = load_settings(tmp_path / "harness.toml")
    assert settings.algorithm.class_name == "Other"
    assert settings.data_folder("default") == (tmp_path / "elsewhere").resolve()


def test_without_a_lean_json_the_data_folder_must_be_given(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(ALGORITHM)
    with pytest.raises(InputError, match="give --data FOLDER"):
        init_settings(tmp_path, OwnAlgorithm(tmp_path / "main.py", None, None), force=False)
    assert not (tmp_path / "harness.toml").exists()


def test_a_run_with_algorithm_and_data_needs_no_settings(
    tmp_path: Path, market_data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "main.py").write_text(ALGORITHM)
    monkeypatch.chdir(tmp_path)
    choice = RunChoice("default", "baseline", {"quantity": "7"}, Path("main.py"), None, market_data, None, None)
    assert run(None, choice, as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["order_events"], told["parameters"], told["notes"]) == (2, {"quantity": "7"}, [])
    assert Path(told["results_folder"]).is_relative_to(tmp_path / "runs")


def test_without_data_the_settings_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "main.py").write_text(ALGORITHM)
    monkeypatch.chdir(tmp_path)
    choice = RunChoice("default", "baseline", {}, Path("main.py"), None, None, None, None)
    with pytest.raises(InputError, match="harness init --algorithm FILE"):
        run(None, choice, as_json=True)
