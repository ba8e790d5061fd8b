"""The launcher engine against a stand-in for .NET that is as strict as Lean and fails as Lean fails."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from harness.engines.base import BacktestRequest, Engine, Outcome
from harness.engines.launcher import LAUNCHER_DLL, LauncherEngine
from harness.engines.registry import EngineChoice, make_engine
from harness.errors import EngineError
from harness.results.lean_results import LeanResults

MakeRequest = Callable[..., BacktestRequest]


@pytest.fixture
def engine(launcher_folder: Path) -> LauncherEngine:
    return LauncherEngine(folder=str(launcher_folder))


def test_a_run_completes_and_is_split_into_phases(engine: LauncherEngine, make_request: MakeRequest) -> None:
    request = make_request()
    assert engine.check(request) == []
    run = engine.run(request)
    assert run.outcome is Outcome.COMPLETED, run.detail
    cost = run.measurement
    assert cost is not None
    assert list(cost.phases_s) == [
        "engine_start", "python_start", "import", "initialize", "algorithm", "results", "shutdown",
    ]  # fmt: skip
    assert sum(cost.phases_s.values()) == pytest.approx(cost.wall_s, abs=0.002)
    assert cost.cpu_s > 0.05
    assert run.engine["version"] == "Lean 2.5.0.0"
    assert run.engine["mode"] == "release"
    assert run.data_points > 700
    events = LeanResults(request.results_folder, "Trader").order_events
    assert events is not None
    assert [event.status for event in events] == ["submitted", "filled"]


def test_each_run_gets_a_configuration_and_object_store_of_its_own(
    engine: LauncherEngine, make_request: MakeRequest
) -> None:
    request = make_request(quantity="3")
    engine.run(request)
    config = json.loads((request.run_folder / "config.json").read_text())
    assert config["parameters"] == {"quantity": "3"}
    assert config["object-store-root"] == str(request.run_folder / "object-store")
    assert config["results-destination-folder"] == str(request.results_folder)
    assert config["close-automatically"] is True
    assert config["algorithm-id"] == "Trader"
    assert config["environment"] in config["environments"]


def test_leans_own_stage_timers_are_kept(engine: LauncherEngine, make_request: MakeRequest) -> None:
    cost = engine.run(make_request(standin="timers")).measurement
    assert cost is not None
    assert cost.engine_timers_s["SliceCreation"] == 0.3
    assert len(cost.engine_timers_s) == 9


def test_memory_is_that_of_the_process_tree(engine: LauncherEngine, make_request: MakeRequest) -> None:
    run = engine.run(make_request(standin="ballast"))
    assert run.measurement is not None
    assert run.measurement.peak_rss_bytes > 200 * 2**20


def test_no_order_events_file_for_no_orders(engine: LauncherEngine, make_request: MakeRequest) -> None:
    request = make_request(quantity="0")
    run = engine.run(request)
    assert run.outcome is Outcome.COMPLETED
    assert LeanResults(request.results_folder, "Trader").order_events is None


@pytest.mark.parametrize(
    ("parameters", "outcome", "text"),
    [
        ({"fail": "on_data"}, Outcome.RUNTIME_ERROR, "deliberate failure in on_data"),
        ({"fail": "initialize"}, Outcome.INITIALIZE_ERROR, "deliberate failure in initialize"),
        ({"standin": "crash"}, Outcome.ENGINE_CRASH, "exit code 134, Unhandled exception. System.AccessViolation"),
        ({"standin": "abort"}, Outcome.ABORTED_AFTER_RESULTS, "accept_abort = true"),
        ({"standin": "abort_inconsistent"}, Outcome.INCONSISTENT, "order 1 has no order event"),
        ({"ticker": "ZULU"}, Outcome.MISSING_DATA, "zulu"),
    ],
)
def test_failures(
    engine: LauncherEngine, make_request: MakeRequest, parameters: dict[str, str], outcome: Outcome, text: str
) -> None:
    run = engine.run(make_request(**parameters))
    assert run.outcome is outcome, run.detail
    assert text in run.detail
    assert "\n" not in run.detail


def test_an_abort_after_complete_results_is_accepted_when_allowed(
    launcher_folder: Path, make_request: MakeRequest
) -> None:
    engine = LauncherEngine(folder=str(launcher_folder), accept_abort=True)
    run = engine.run(make_request(standin="abort"))
    assert run.outcome is Outcome.COMPLETED
    assert run.notes[0].startswith("accepted: exit code 134 after complete results")
    assert engine.run(make_request(standin="abort_inconsistent")).outcome is Outcome.INCONSISTENT


def test_missing_data_is_accepted_and_counted_when_allowed(launcher_folder: Path, make_request: MakeRequest) -> None:
    engine = LauncherEngine(folder=str(launcher_folder), allow_missing_data=True)
    run = engine.run(make_request(ticker="ZULU"))
    assert run.outcome is Outcome.COMPLETED, run.detail
    assert any("data requests failed" in note for note in run.notes)


def test_a_debug_build_is_pointed_out(engine: LauncherEngine, make_request: MakeRequest) -> None:
    run = engine.run(make_request(standin="debug"))
    assert any("DEBUG mode" in note for note in run.notes)
    assert run.engine["mode"] == "debug"


@pytest.mark.parametrize("how", ["hang", "stubborn"])
def test_a_hanging_engine_is_ended(engine: LauncherEngine, make_request: MakeRequest, how: str) -> None:
    request = make_request(time_limit_s=1.0, standin=how)
    started = time.monotonic()
    run = engine.run(request)
    assert run.outcome is Outcome.TIMED_OUT
    assert time.monotonic() - started < 15
    assert run.measurement is not None
    assert set(run.measurement.phases_s) <= {"engine_start"}
    marker = str(request.run_folder)
    assert not [process for process in psutil.process_iter() if marker in " ".join(_words(process))]


def test_ctrl_c_ends_the_engine(engine: LauncherEngine, make_request: MakeRequest) -> None:
    request = make_request(standin="hang")

    def interrupt(_: float, __: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.run(request, interrupt)
    marker = str(request.run_folder)
    assert not [process for process in psutil.process_iter() if marker in " ".join(_words(process))]


def test_old_files_are_refused(engine: LauncherEngine, make_request: MakeRequest) -> None:
    request = make_request(quantity="0")
    request.results_folder.mkdir()
    (request.results_folder / "Trader-order-events.json").write_text("[]")
    with pytest.raises(EngineError, match=r"is not empty \(Trader-order-events.json\)"):
        engine.run(request)


def test_the_class_name_is_checked_before_the_run(engine: LauncherEngine, make_request: MakeRequest) -> None:
    assert "no class 'Nobody'" in engine.check(make_request(name="Nobody"))[0]


def test_lean_runs_the_last_class_whatever_is_asked(engine: LauncherEngine, make_request: MakeRequest) -> None:
    two = "from AlgorithmImports import *\nclass Alpha(QCAlgorithm):\n    pass\nclass Zeta(Alpha):\n    pass\n"
    assert "real Lean runs 'Zeta'" in engine.check(make_request(source=two, name="Alpha"))[0]
    assert engine.check(make_request(source=two, name="Zeta")) == []


def test_what_is_lacking_is_said_with_its_remedy(
    launcher_folder: Path, make_request: MakeRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = make_request()
    (text,) = LauncherEngine().check(request)
    assert "LEAN_LAUNCHER_DIR" in text
    (text,) = LauncherEngine(folder=str(tmp_path)).check(request)
    assert f"no {LAUNCHER_DLL} in it" in text
    (text,) = LauncherEngine(folder=str(launcher_folder), dotnet="no-such-dotnet").check(request)
    assert "install the .NET runtime" in text
    (text,) = LauncherEngine(folder=str(launcher_folder), config={"parameters": {}}).check(request)
    assert "set by the harness" in text
    monkeypatch.setenv("PYTHONNET_PYDLL", str(tmp_path / "none.so"))
    (text,) = LauncherEngine(folder=str(launcher_folder)).check(request)
    assert "none.so: no such Python library" in text


def test_folder_from_the_environment_and_relative_to_the_settings(
    launcher_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_engine(EngineChoice("launcher", {"folder": "Launcher/bin/Release"}, root=tmp_path))
    assert isinstance(made, Engine)
    assert made.describe()["version"] == "2.5.0.0"
    assert made.describe()["mode"] == "release"
    monkeypatch.setenv("LEAN_LAUNCHER_DIR", str(launcher_folder))
    assert LauncherEngine().launcher_folder == launcher_folder


def test_another_build_is_another_engine(launcher_folder: Path) -> None:
    engine = LauncherEngine(folder=str(launcher_folder))
    before = engine.describe()["build"]
    (launcher_folder / "QuantConnect.Common.dll").write_bytes(b"other")
    assert engine.describe()["build"] != before


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline() if process.status() != psutil.STATUS_ZOMBIE else []
    except psutil.Error:
        return []
