"""``harness checklist``, ``log``, ``instrumentation``, ``aggregate`` and sides of ``bench``, as a user types them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tests.integration.conftest import Project
from tests.integration.test_bench_command import one_line
from tests.versions.test_versions import git

Make = Callable[..., Project]


def items(project: Project, *words: str) -> tuple[int, dict[str, tuple[str, str]]]:
    """Exit code of ``harness checklist`` and by item its state and evidence."""
    done = project.harness("checklist", "one", "--json", *words)
    told = json.loads(done.stdout)["items"]
    return done.returncode, {item["name"]: (item["state"], item["evidence"]) for item in told}


def test_the_checklist_is_decided_by_what_there_is(make_project: Make) -> None:
    project = make_project(base="work = 12000000")
    git(project.folder, "init", "-q", "-b", "main")
    git(project.folder, "add", "algorithm")
    git(project.folder, "commit", "-q", "-m", "first")
    assert project.harness("bench", "--session", "one").returncode in (0, 3)
    code, found = items(project)
    assert code in (1, 3)  # on a loaded machine the machine was not quiet, which is missed
    assert found["Every order, fill and figure is the same"][0] == "met"
    assert found["CPU time reaches the target"][0] == "met"
    state, evidence = found["The stage timers cost at most 2 %"]
    assert (state, "harness instrumentation --session one" in evidence) == ("open", True)
    # The scenario brings its own data and does not say what is to be in it.
    state, evidence = found["The market data is complete"]
    assert (state, "harness data check" in evidence) == ("open", True)
    assert found["Documentation was touched with the code"] == ("met", "no code changed")

    (project.folder / "algorithm" / "main.py").write_text("class ReferenceAlgorithm(QCAlgorithm): x = 1\n")
    assert items(project)[1]["Documentation was touched with the code"][0] == "missed"
    assert items(project, "--base", "nowhere")[1]["Documentation was touched with the code"][0] == "open"

    written = project.harness("checklist", "-o", "list.md")
    assert written.returncode in (1, 3)
    text = (project.folder / "list.md").read_text()
    assert text.startswith("## Performance checklist: optimized against baseline")
    assert "- [x] Every order, fill and figure is the same" in text
    assert "- [ ] The stage timers cost at most 2 % **open**" in text
    missing = project.harness("checklist", "nothing")
    assert missing.returncode == 2
    assert "session 'nothing'" in one_line(missing.stderr)


def test_the_checklist_checks_synthetic_data_itself(make_project: Make) -> None:
    project = make_project(
        more='[scenarios.small]\ndata = { symbols = ["AAPL"], start = 2025-10-01, end = 2025-10-01 }'
    )
    done = project.harness("bench", "-s", "small", "--pairs", "1", "--session", "one")
    assert done.returncode == 3, done.stderr
    state, evidence = items(project)[1]["The market data is complete"]
    assert state == "met"
    assert "harness data check --scenario small" in evidence
    victim = project.folder / "data/small/equity/usa/second/aapl/20251001_trade.zip"
    victim.unlink()
    state, evidence = items(project)[1]["The market data is complete"]
    assert state == "missed"
    assert victim.name in evidence


def test_decisions_are_logged_and_shown_by_story(make_project: Make) -> None:
    project = make_project()
    assert "no decision yet" in project.harness("log").stdout
    added = project.harness("log", "Cache VWAP", "--why", "half the time", "--tag", "PERF-1", "--evidence", "one")
    assert added.returncode == 0, added.stderr
    assert project.harness("log", "Keep floats", "--why", "parity held").returncode == 0
    assert "`#PERF-1`" in (project.folder / "docs" / "decisions.md").read_text()
    shown = json.loads(project.harness("log", "--tag", "PERF-1", "--json").stdout)["decisions"]
    assert [(item["number"], item["title"], item["evidence"]) for item in shown] == [(1, "Cache VWAP", "one")]
    assert "no decision of this story yet" in project.harness("log", "--tag", "PERF-2").stdout
    refused = project.harness("log", "Why?")
    assert refused.returncode == 2
    assert "--why" in one_line(refused.stderr)


def test_the_timers_cost_is_measured_shown_and_refused_above_two_percent(make_project: Make) -> None:
    project = make_project(base="work = 100000", new="work = 9000000")
    assert project.harness("bench", "--pairs", "1", "--session", "one").returncode == 3
    dear = project.harness("instrumentation", "--pairs", "6", "--off", "work=100000", "--json")
    assert dear.returncode == 1, dear.stdout + dear.stderr
    told = json.loads(dear.stdout)
    assert told["accepted"] is False
    assert told["cpu_low"] > 1.02
    shown = project.harness("show", "--json")  # the latest is still the session, not the one that measured the timers
    report = json.loads(shown.stdout)
    assert report["session"] == "one"
    assert report["instrumentation"] == told
    assert any("the stage times are no evidence" in line for line in report["warnings"])
    assert items(project)[1]["The stage timers cost at most 2 %"][0] == "missed"
    free = project.harness("instrumentation", "--pairs", "6", "--session", "one", "--off", "work=20000000")
    assert free.returncode == 0, free.stdout + free.stderr
    assert "accepted; shown in one" in free.stdout
    assert project.harness("fsck").returncode == 0
    changed = project.harness("instrumentation", "--off", "price=1.5")
    assert changed.returncode == 1
    assert "the timers change the results" in one_line(changed.stderr)


def test_records_of_the_fast_path_are_summarised(make_project: Make) -> None:
    project = make_project(
        more='[scenarios.small]\ndata = { symbols = ["AAPL"], start = 2025-10-01, end = 2025-10-01 }'
    )
    assert project.harness("data", "synth", "-s", "small").returncode == 0
    for number in (1, 2):
        done = project.harness("backtest", "data/small", "--benchmark-out", f"records/{number}.json")
        assert done.returncode == 0, done.stderr
    made = project.harness("aggregate", "records", "--json", "--out", "summary.json")
    assert made.returncode == 0, made.stderr
    (group,) = json.loads(made.stdout)["groups"]
    assert group["runs"] == 2
    assert (project.folder / "summary.json").is_file()
    assert "2 records, 1 groups" in project.harness("aggregate", "records").stdout
    empty = project.harness("aggregate", "lean-data")
    assert empty.returncode == 2
    assert "no benchmark records" in one_line(empty.stderr)


def test_sides_named_on_the_command_line(make_project: Make) -> None:
    project = make_project(base="work = 12000000", new="work = 9000000")
    other = project.folder / "mine.py"
    other.write_text("class Mine(QCAlgorithm): pass\n")
    words = ("--candidate-algorithm", "mine.py:Mine", "--candidate-params", "work=100000")
    done = project.harness("bench", "--pairs", "1", "--session", "one", *words, "--json")
    assert done.returncode == 3, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert (report["baseline"], report["candidate"]) == ("baseline", "candidate-mine")
    assert report["variants"]["candidate-mine"] == {
        "algorithm": "mine.py",
        "class": "Mine",
        "parameters": {"work": "100000"},
    }
    again = report["repeat"][0].split()
    assert again == ["harness", "bench", "--scenario", "default", "--pairs", "1", *words]
    for words, message in (
        (("--baseline-algorithm", "no.py"), "no.py: algorithm file not found"),
        (("--candidate-algorithm", "mine.py:Nobody"), "no class 'Nobody' in it; it has Mine"),
        (("--baseline-params", "x"), "is not key=value"),
        (("--resume", "--candidate-params", "work=1"), "leave out options that change it"),
    ):
        wrong = project.harness("bench", *words)
        assert wrong.returncode == 2, wrong.stdout
        assert message in one_line(wrong.stderr)


def test_the_history_of_an_unknown_scenario_names_those_there_are(make_project: Make) -> None:
    project = make_project()
    assert project.harness("bench", "--pairs", "1", "--session", "one").returncode == 3
    done = project.harness("history", "-s", "other")
    assert done.returncode == 2
    assert "it has default" in one_line(done.stderr)
    assert Path(project.folder / "runs" / "history.sqlite").is_file()
