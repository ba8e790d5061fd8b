"""The embedded engine as a process, with a stand-in program in its place."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.engines.base import BacktestRequest, Engine, Outcome
from harness.engines.embedded import EmbeddedEngine
from harness.engines.registry import EngineChoice, make_engine
from harness.errors import InputError

STAND_IN = Path(__file__).resolve().parents[1] / "integration" / "stand_in_engine.py"


def request(folder: Path, **parameters: str) -> BacktestRequest:
    return BacktestRequest(
        algorithm_file=folder / "main.py",
        algorithm_class="A",
        data_folder=folder / "data",
        run_folder=folder,
        parameters=parameters,
        time_limit_s=60,
        cache_folder=folder / "cache",
    )


@pytest.fixture
def engine() -> EmbeddedEngine:
    return EmbeddedEngine(command=(sys.executable, str(STAND_IN)))


def test_the_command_line_has_the_launchers_names(tmp_path: Path) -> None:
    words = EmbeddedEngine(command=("engine",)).command_line(request(tmp_path, metrics="recompute", n="3"))
    options = dict(zip(words[1::2], words[2::2], strict=True))
    assert options["--parameters"] == "metrics:recompute,n:3"
    assert options["--algorithm-type-name"] == options["--algorithm-id"] == options["--backtest-name"] == "A"
    assert options["--results-destination-folder"] == str(tmp_path / "lean")
    assert options["--cache-folder"] == str(tmp_path / "cache")
    assert options["--close-automatically"] == "true"


def test_a_run_is_measured_and_its_phases_are_read(tmp_path: Path, engine: EmbeddedEngine) -> None:
    told: list[str] = []
    run = engine.run(request(tmp_path, ballast="64", work="3000000"), lambda _, text: told.append(text))
    assert run.outcome is Outcome.COMPLETED
    assert run.measurement is not None
    assert 64 * 2**20 < run.measurement.peak_rss_bytes < 200 * 2**20
    assert set(run.measurement.phases_s) == {"engine_start", "algorithm", "shutdown"}
    assert sum(run.measurement.phases_s.values()) <= run.measurement.wall_s
    assert run.data_points == 1000
    assert run.engine["name"] == "embedded"


@pytest.mark.parametrize(("fail", "outcome"), [("error", Outcome.RUNTIME_ERROR), ("crash", Outcome.ENGINE_CRASH)])
def test_what_the_algorithm_did_is_in_the_outcome(
    tmp_path: Path, engine: EmbeddedEngine, fail: str, outcome: Outcome
) -> None:
    run = engine.run(request(tmp_path, fail=fail))
    assert run.outcome is outcome
    assert run.detail


def test_engines_are_made_by_name_with_their_own_options() -> None:
    made = make_engine(EngineChoice("embedded", {"command": ["a", "b"]}, niceness=5))
    assert isinstance(made, EmbeddedEngine)
    assert isinstance(made, Engine)
    assert made.command == ("a", "b")
    assert made.niceness == 5
    with pytest.raises(InputError, match="engine 'steam': not known"):
        make_engine(EngineChoice("steam", {}))
    with pytest.raises(InputError, match=r"\[engines.embedded\].*colour"):
        make_engine(EngineChoice("embedded", {"colour": "red"}))
