"""``harness bench``, ``show``, ``baseline`` and ``diff`` as a user types them, with a stand-in engine."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.integration.conftest import Project

Make = Callable[..., Project]


def only_session(project: Project) -> Path:
    return next(path.parent for path in (project.folder / "runs").glob("*/session.json"))


def one_line(text: str) -> str:
    """The last line of standard error, which must be the only message and no trace."""
    assert "Traceback" not in text
    lines = [line for line in text.splitlines() if line.startswith("harness: ")]
    assert len(lines) == 1
    return lines[0]


def test_a_faster_candidate_passes_and_leaves_its_report(make_project: Make) -> None:
    project = make_project()
    done = project.harness("bench")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASS (exit code 0)" in done.stdout
    assert "identical: 1 order events" in done.stdout
    assert "run 17 of 17" in done.stderr
    assert "remaining" in done.stderr
    session = only_session(project)
    report = json.loads((session / "report.json").read_text())
    assert report["schema"] == "harness.report"
    assert report["verdict"] == "PASS"
    assert len(report["runs"]) == 17
    assert [stage["name"] for stage in report["stages"]] == ["metrics", "risk", "remainder"]
    assert (session / "report.md").read_text().startswith("# ✅ PASS")

    shown = project.harness("show", "--json")
    again = json.loads(shown.stdout)
    assert again["quantities"] == report["quantities"]
    assert session.name in project.harness("show", "--list").stdout
    assert "DIFFERENT" not in project.harness("show", session.name, "--runs").stdout

    stored = project.harness("baseline", "--session", session.name)
    assert stored.returncode == 0, stored.stderr
    same = project.harness("diff", "baseline", "optimized")
    assert same.returncode == 0, same.stdout + same.stderr
    assert "identical" in same.stdout


def test_json_is_pure_and_the_exit_code_is_the_verdicts(make_project: Make) -> None:
    project = make_project(base="work = 100000", new="work = 9000000")
    done = project.harness("bench", "--json", "--session", "same")
    report = json.loads(done.stdout)
    assert report["verdict"] == "FAIL"
    assert done.returncode == 1
    assert report["session"] == "same"


def test_one_changed_cent_is_refused_with_the_event(make_project: Make) -> None:
    project = make_project(new='work = 200000, price = "660.26"')
    done = project.harness("bench")
    assert done.returncode == 1
    assert "DIFFERENT (exit code 1)" in done.stdout
    assert "No verdict on speed" in done.stdout
    assert "optimized/warmup_01 against baseline/warmup_01" in done.stdout
    assert "fillPrice 660.25 | 660.26" in done.stdout
    session = only_session(project)
    shown = project.harness("diff", f"{session.name}/baseline/warmup_01", f"{session.name}/optimized/warmup_01")
    assert shown.returncode == 1
    assert "first differing order event, number 1" in shown.stdout
    assert "660.26" in shown.stdout


def test_too_few_pairs_are_inconclusive(make_project: Make) -> None:
    done = make_project().harness("bench", "--pairs", "2")
    assert done.returncode == 3
    assert "INCONCLUSIVE (exit code 3)" in done.stdout


def test_an_algorithm_that_fails_is_an_error_with_its_reason(make_project: Make) -> None:
    project = make_project(new='fail = "error"')
    done = project.harness("bench")
    assert done.returncode == 2
    message = one_line(done.stderr)
    assert "optimized/warmup_01) ended as runtime_error: 2025-10-01 10:00:00 Runtime Error: on purpose" in message
    assert "--resume" in message


def test_an_engine_that_crashes_says_its_last_words(make_project: Make) -> None:
    message = one_line(make_project(base='fail = "crash"').harness("bench").stderr)
    assert "engine_crash: exit code 7, the engine's last words" in message


def test_an_endless_algorithm_is_ended_and_recorded_as_timed_out(make_project: Make) -> None:
    project = make_project(base='fail = "endless"', more="[engine]\ntime_limit_s = 1")
    done = project.harness("bench", "--session", "s")
    assert done.returncode == 2
    assert "timed_out: not finished after 1 s" in one_line(done.stderr)
    row = json.loads((project.folder / "runs" / "s" / "rows.jsonl").read_text().splitlines()[0])
    assert row["outcome"] == "timed_out"


def test_ctrl_c_is_clean_and_the_session_goes_on_after_it(make_project: Make) -> None:
    project = make_project(base="work = 3000000", new="work = 400000")
    process = project.start("bench", "--session", "s")
    rows = project.folder / "runs" / "s" / "rows.jsonl"
    deadline = time.monotonic() + 60
    while not (rows.exists() and len(rows.read_text().splitlines()) >= 4) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted after" in one_line(errors)
    stored = rows.read_text()

    busy = project.start("bench", "--session", "s", "--resume")
    time.sleep(1.0)
    second = project.harness("bench", "--session", "s", "--resume")
    busy_out, busy_errors = busy.communicate(timeout=120)
    assert busy.returncode in (0, 3), busy_out + busy_errors  # that it finished is the point, not the verdict
    assert len(rows.read_text().splitlines()) == 17
    assert second.returncode == 2
    assert "in use by a benchmark session" in one_line(second.stderr)
    assert rows.read_text().startswith(stored)


def test_a_killed_session_loses_nothing_and_leaves_no_process_behind(make_project: Make) -> None:
    project = make_project(base="work = 6000000", new="work = 100000")
    process = project.start("bench", "--session", "s")
    rows = project.folder / "runs" / "s" / "rows.jsonl"
    deadline = time.monotonic() + 60
    while not (rows.exists() and len(rows.read_text().splitlines()) >= 3) and time.monotonic() < deadline:
        time.sleep(0.02)
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate(timeout=30)
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive
    stored = rows.read_bytes()
    with rows.open("ab") as file:
        file.write(b'{"number": 4, "torn')
    resumed = project.harness("bench", "--resume", "--json")
    assert json.loads(resumed.stdout)["runs_done"] == 17
    assert rows.read_bytes().startswith(stored)


def test_resume_refuses_changed_code(make_project: Make) -> None:
    project = make_project(new='fail = "crash"')
    project.harness("bench", "--session", "s")
    (project.folder / "algorithm" / "main.py").write_text("class ReferenceAlgorithm(QCAlgorithm): x = 1\n")
    message = one_line(project.harness("bench", "--session", "s", "--resume").stderr)
    assert "algorithm: its source files changed" in message


def test_adaptive_sampling_stops_early(make_project: Make) -> None:
    done = make_project().harness("bench", "--adaptive", "--max-pairs", "30", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 0
    assert report["verdict"] == "PASS"
    assert 6 <= report["pairs"] <= 14


def test_baseline_is_measured_stored_and_not_replaced_silently(make_project: Make) -> None:
    project = make_project(base="work = 200000")
    done = project.harness("baseline", "--runs", "2", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["record"]["runs"] == 2
    stored = project.folder / "baselines" / "default.json"
    before = stored.read_bytes()
    again = project.harness("baseline", "--runs", "2")
    assert again.returncode == 2
    assert "use --force" in one_line(again.stderr)
    assert stored.read_bytes() == before
    forced = project.harness("baseline", "--runs", "2", "--force")
    assert forced.returncode == 0
    assert "->" in forced.stdout
    assert stored.read_bytes() != before


def test_a_session_is_held_against_the_stored_baseline(make_project: Make) -> None:
    project = make_project(base='work = 200000, price = "1.5"', new='work = 200000, price = "1.5"')
    assert project.harness("baseline", "--runs", "1").returncode == 0
    settings = project.folder / "harness.toml"
    settings.write_text(settings.read_text().replace("1.5", "2.5"))
    done = project.harness("bench")
    assert done.returncode == 1
    assert "baseline/warmup_01 against the stored baseline" in done.stdout
