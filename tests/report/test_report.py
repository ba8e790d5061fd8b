"""The report: one model, and every renderer says the same."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from harness.bench.session import run_session, start_session
from harness.engines.scripted import ORDER_EVENT, ScriptedEngine, ScriptedRun
from harness.report.files import write_report
from harness.report.markdown import render_markdown
from harness.report.model import Report, build_report, report_to_dict
from harness.report.terminal import print_report
from harness.results.store import read_json
from tests.bench.conftest import ByteInspector, make_setup  # noqa: F401 (the fixture)

PHASES = {"engine_start": 0.1, "algorithm": 1.0}


@pytest.fixture
def report_of(tmp_path: Path, make_setup: Any) -> Any:  # noqa: F811
    def make(new: ScriptedRun, **changes: Any) -> Report:
        folder = tmp_path / "s"
        start_session(make_setup(control_runs=2, **changes), folder)
        base = ScriptedRun(
            wall_s=2.0, cpu_s=1.9, stages_s={"metrics": 1.5, "risk": 0.2}, phases_s=PHASES, data_points=500
        )
        return build_report(run_session(folder, ScriptedEngine({"base": [base], "new": [new]}), ByteInspector()))

    return make


FAST = ScriptedRun(wall_s=1.0, cpu_s=0.9, stages_s={"metrics": 0.5, "risk": 0.2}, phases_s=PHASES, data_points=500)


def terminal_text(report: Report, with_runs: bool = False) -> str:
    stream = io.StringIO()
    print_report(report, Console(file=stream, width=160), with_runs)
    return stream.getvalue()


def test_the_model_has_the_figures(report_of: Any) -> None:
    report = report_of(FAST)
    wall = report.quantities[0]
    assert (wall.name, wall.baseline, wall.candidate, wall.ratio, wall.unit) == ("wall", 2.0, 1.0, 0.5, "s")
    assert wall.noise_floor == pytest.approx(1.0)
    assert report.quantities[2].baseline == 100.0
    assert report.quantities[2].unit == "MiB"
    stages = {stage.name: stage for stage in report.stages}
    assert stages["metrics"].saved_s == 1.0
    assert stages["metrics"].share_of_baseline == pytest.approx(0.75)
    assert stages["remainder"].baseline_s == pytest.approx(0.3)
    assert sum(stage.share_of_baseline for stage in report.stages) == pytest.approx(1.0)
    assert report.pair_ratios == (0.5,) * 6
    assert report.bars_per_second == {"base": 500.0, "new": 500.0}
    assert report.exit_code == 0


def test_terminal_and_markdown_say_the_same(report_of: Any) -> None:
    report = report_of(FAST)
    terminal, markdown = terminal_text(report, with_runs=True), render_markdown(report)
    for text in ("0.500 (-50.0 %)", "1.500 s", "+1.000 s", "PASS", "0.300 s", "16 comparisons over 17 runs", "<= 0.75"):
        assert text in terminal
        assert text.replace("<", "\\<") in markdown
    assert markdown.startswith("# ✅ PASS: new against base, scenario default")
    assert markdown.endswith("```\n")
    assert "harness diff s/base s/new" in markdown


def test_a_difference_has_no_speed_figures_anywhere(report_of: Any) -> None:
    changed = ScriptedRun(wall_s=0.1, order_events=[{**ORDER_EVENT, "fillPrice": 1.0}])
    report = report_of(changed)
    assert report.quantities == ()
    assert report.stages == ()
    assert report.verdict == "DIFFERENT"
    for text in (terminal_text(report), render_markdown(report)):
        assert "DIFFERENT" in text
        assert "No verdict on speed" in text
        assert "ratio" not in text


def test_markdown_keeps_special_characters_as_they_are(report_of: Any) -> None:
    report = report_of(FAST, warnings=("a|b *c* <d>",))
    assert "a\\|b \\*c\\* \\<d\\>" in render_markdown(report)
    assert "a|b *c* <d>" in terminal_text(report)


def test_markup_in_names_is_not_obeyed_on_the_terminal(report_of: Any) -> None:
    assert "[red]x[/red]" in terminal_text(report_of(FAST, warnings=("[red]x[/red]",)))


def test_files_are_written_whole_and_read_back(report_of: Any, tmp_path: Path) -> None:
    report = report_of(FAST)
    paths = write_report(report, tmp_path)
    assert [path.name for path in paths] == ["report.json", "report.md", "report.html", "report.png"]
    stored = read_json(tmp_path / "report.json", schema="harness.report", version=3)
    assert stored == json.loads(json.dumps(report_to_dict(report)))
