"""``harness report``, ``schema``, ``history`` and ``nightly`` as a user types them, with a stand-in engine."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable

from tests.integration.conftest import Project

Make = Callable[..., Project]


def test_a_session_is_reported_in_every_form_and_remembered(make_project: Make) -> None:
    project = make_project()
    done = project.harness("bench", "--pairs", "2", "--session", "one")
    assert done.returncode == 3, done.stderr
    for words, name in ((("--format", "html"), "page.html"), (("--format", "png"), "picture.png")):
        made = project.harness("report", "one", *words, "--output", name)
        assert made.returncode == 0, made.stderr
        assert (project.folder / name).stat().st_size > 10_000
    assert ">INCONCLUSIVE</span>" in (project.folder / "page.html").read_text()
    told = json.loads(project.harness("report", "runs/one/report.json", "--format", "json").stdout)
    assert told["session"] == "one"
    assert project.harness("report", "--format", "markdown").stdout.startswith("# ⚠️ INCONCLUSIVE")
    assert json.loads(project.harness("schema").stdout)["properties"]["version"]["const"] == told["version"]

    shown = project.harness("history", "--html", "trend.html")
    assert shown.returncode == 0, shown.stderr
    assert "wall over 1 sessions" in shown.stdout
    (project.folder / "runs" / "history.sqlite").unlink()
    again = json.loads(project.harness("history", "--rebuild", "--json").stdout)
    assert [entry["session"] for entry in again["sessions"]] == ["one"]
    assert project.harness("bench", "--pairs", "1", "--session", "two").returncode == 3
    shutil.rmtree(project.folder / "runs" / "one")
    kept = project.harness("history", "--rebuild", "--json")
    assert [entry["session"] for entry in json.loads(kept.stdout)["sessions"]] == ["one", "two"]
    assert "history: 1 rows made again from their sessions, 1 kept that no readable session is left of" in kept.stderr
    missing = project.harness("report", "nothing.json")
    assert missing.returncode == 2
    assert "no such file" in missing.stderr


def test_a_confirmed_regression_fails_the_night_and_a_quiet_one_does_not(make_project: Make) -> None:
    project = make_project(base="work = 400000", new="work = 200000")
    for _ in range(3):
        quiet = project.harness("nightly", "--pairs", "1", "--growth", "400")
        assert quiet.returncode == 0, quiet.stdout + quiet.stderr
    assert "(3 are needed)" in quiet.stdout
    path = project.folder / "harness.toml"
    path.write_text(path.read_text().replace("work = 200000", "work = 20000000"))
    slow = project.harness("nightly", "--pairs", "1", "--growth", "50", "--json")
    assert slow.returncode == 1, slow.stdout + slow.stderr
    told = json.loads(slow.stdout)
    assert (told["regression"], told["parity"], told["nights"]) == (True, True, 3)
    assert "wall" in {item["quantity"] for item in told["confirmed"]}
    assert "the session is repeated" in slow.stderr
    assert "CONFIRMED regression, wall" in slow.stderr
    path.write_text(path.read_text().replace("work = 20000000", 'work = 200000, price = "1.5"'))
    different = project.harness("nightly", "--pairs", "1")
    assert different.returncode == 1
    assert "nightly: parity differs" in different.stdout
