"""The engine's options: precedence, and one clear line for each thing that can be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.embedded.configuration import load, parse_parameters
from harness.errors import InputError


def _arguments(folder: Path, *more: str) -> list[str]:
    (folder / "data").mkdir(exist_ok=True)
    return [
        *("--data-folder", str(folder / "data"), "--algorithm-location", str(folder / "a.py")),
        *("--algorithm-type-name", "A"),
        *more,
    ]


def test_defaults_and_parameters(tmp_path: Path) -> None:
    found = load(_arguments(tmp_path, "--parameters", "fast:10,slow:20", "--close-automatically"))
    assert found.algorithm_id == "A"
    assert found.parameters == {"fast": "10", "slow": "20"}
    assert found.cache_folder is None


def test_command_line_wins_over_file(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text('{"algorithm-id": "file", "backtest-name": "kept", "parameters": {"fast": 1}}', "utf-8")
    found = load(_arguments(tmp_path, "--config", str(config), "--algorithm-id=line"))
    assert (found.algorithm_id, found.backtest_name, found.parameters) == ("line", "kept", {"fast": "1"})


def test_value_of_a_parameter_may_hold_a_colon() -> None:
    assert parse_parameters("at:09:30") == {"at": "09:30"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--parameters", "fast"], "name:value"),
        (["--no-such-option", "1"], "--no-such-option is not an option"),
        (["loose"], "'loose' is not an option"),
        (["--algorithm-language", "CSharp"], "Python algorithms only"),
        (["--config", "nowhere.json"], "cannot be read"),
        (["--data-folder", "nowhere"], "no such folder"),
        (["--algorithm-type-name", ""], "--algorithm-type-name is missing"),
    ],
)
def test_bad_input_is_told_in_one_line(more: list[str], said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load(_arguments(tmp_path, *more))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_damaged_file_is_told(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text("{", "utf-8")
    with pytest.raises(InputError, match="not valid JSON"):
        load(_arguments(tmp_path, "--config", str(config)))


def test_comments_in_the_file_and_keys_that_would_be_ignored(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    file = tmp_path / "config.json"
    start = f'// Lean writes comments\n{{"data-folder": "{data}", /* here */ "algorithm-location": "http://x", '
    file.write_text(start + '"algorithm-type-name": "Main", "maximum-chart-series": "5", "storage-limit": 10}')
    found = load(["--config", str(file)])
    assert (found.maximum_chart_series, found.storage_limit_bytes, found.algorithm_location.name) == (5, 10, "x")
    file.write_text(start + '"algorithm-type-name": "Main", "out-of-sample-days": 3}')
    with pytest.raises(InputError, match="out-of-sample-days is not covered"):
        load(["--config", str(file)])
