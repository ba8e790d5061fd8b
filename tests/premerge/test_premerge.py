"""The checklist's items, each by its evidence, and the decision log."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.bench.session import run_session, start_session
from harness.engines.scripted import ScriptedEngine, ScriptedRun
from harness.errors import DamagedError, InputError
from harness.premerge.checklist import DataEvidence, State, checklist, checklist_exit_code, render_checklist
from harness.premerge.decisions import add_decision, read_decisions
from harness.report.model import InstrumentationLine, Report, build_report
from tests.bench.conftest import ByteInspector, make_setup  # noqa: F401 (the fixture)
from tests.report.test_report import FAST, report_of  # noqa: F401 (the fixture)

CHEAP = InstrumentationLine(1.01, 0.99, 1.02, 1.01, 8, True, 1.0, 1.02)


def data(problems: int) -> DataEvidence:
    return DataEvidence(problems, f"{problems} problems")


def states(report: Report, files: list[str] | None, missing: int | None) -> list[State]:
    return [item.state for item in checklist(report, files, None if missing is None else data(missing))]


def test_everything_met_is_ticked(report_of: Any) -> None:  # noqa: F811
    report = replace(report_of(FAST), instrumentation=CHEAP)
    items = checklist(report, ["a.py", "docs/a.md"], data(0))
    assert [item.state for item in items] == [State.MET] * 9
    assert checklist_exit_code(items) == 0
    text = render_checklist(report, items)
    assert text.count("- [x]") == 9
    assert "-50.0 %" in text


def test_lacking_evidence_is_open_and_never_ticked(report_of: Any) -> None:  # noqa: F811
    report = report_of(FAST)
    items = checklist(report, None, None)
    assert [item.name for item in items if item.state is State.OPEN] == [
        "The stage timers cost at most 2 %",
        "The market data is complete",
        "Documentation was touched with the code",
    ]
    assert checklist_exit_code(items) == 3
    assert render_checklist(report, items).count("- [ ]") == 3


def test_what_is_missed_fails(report_of: Any) -> None:  # noqa: F811
    report = replace(report_of(FAST), instrumentation=replace(CHEAP, wall_ratio=1.03, accepted=False))
    assert states(report, ["a.py"], 2)[5:] == [State.MISSED, State.MISSED, State.MET, State.MISSED]
    assert checklist_exit_code(checklist(report, ["a.py"], data(2))) == 1


def test_a_cost_of_the_timers_that_the_noise_hides_is_open(report_of: Any) -> None:  # noqa: F811
    report = replace(report_of(FAST), instrumentation=replace(CHEAP, cpu_high=1.05, accepted=None))
    item = next(item for item in checklist(report, ["a.md"], data(0)) if item.name.startswith("The stage timers"))
    assert item.state is State.OPEN
    assert "(+0.0 % to +5.0 %)" in item.evidence
    assert "add --pairs" in item.evidence


def test_a_stage_ten_percent_slower_is_a_fail_that_names_it(report_of: Any) -> None:  # noqa: F811
    slow = ScriptedRun(wall_s=2.15, cpu_s=2.05, stages_s={"metrics": 1.65, "risk": 0.2})
    report = report_of(slow)
    assert report.verdict == "FAIL"
    assert len(report.slower_stages) == 1
    assert report.slower_stages[0].startswith("stage metrics is slower: +10.0 %")
    assert report.slower_stages[0] in report.reasons
    assert states(report, [], 0)[4] is State.MISSED


def busy(metrics_s: float, wall_factors: list[float]) -> list[ScriptedRun]:
    """Runs on a busy machine: wall times are multiplied by the factors, CPU times are the code's own."""
    stages = {"metrics": metrics_s, "risk": 0.2}
    return [
        ScriptedRun(
            wall_s=(0.5 + sum(stages.values())) * factor,
            cpu_s=0.5 + sum(stages.values()),
            stages_s={name: seconds * factor for name, seconds in stages.items()},
            stages_cpu_s=stages,
        )
        for factor in wall_factors
    ]


def test_a_slower_stage_is_named_by_cpu_time_when_the_machine_is_busy(tmp_path: Path, make_setup: Any) -> None:  # noqa: F811
    calm, wild = [1.0, 1.0, 1.6, 0.9, 1.0, 1.4, 1.0, 1.0], [1.0, 1.3, 0.9, 1.0, 1.5, 0.8, 1.2]
    start_session(make_setup(control_runs=0), tmp_path / "s")
    runs = {"base": busy(1.5, calm), "new": busy(1.65, wild)}
    report = build_report(run_session(tmp_path / "s", ScriptedEngine(runs), ByteInspector()))
    assert report.verdict == "FAIL"
    assert report.slower_stages == (
        "stage metrics is slower: +10.0 % CPU (1.100 to 1.100), 0.150 s more, 100 % of all that was added",
    )
    stage = next(stage for stage in report.stages if stage.name == "metrics")
    assert stage.low is not None
    assert stage.low < 1  # wall time alone would have named nothing
    assert (stage.baseline_cpu_s, stage.candidate_cpu_s) == (1.5, 1.65)


def test_a_stage_that_waits_longer_is_named_by_wall_time(report_of: Any) -> None:  # noqa: F811
    waiting = ScriptedRun(wall_s=2.3, cpu_s=1.9, stages_s={"metrics": 1.8, "risk": 0.2}, stages_cpu_s={"metrics": 1.5})
    report = report_of(waiting)
    assert report.slower_stages == (
        "stage metrics is slower: +20.0 % wall (1.200 to 1.200), 0.300 s more, 100 % of all that was added",
    )


def test_decisions_are_numbered_added_and_found_by_story(tmp_path: Path) -> None:
    path = tmp_path / "docs" / "decisions.md"
    first = add_decision(path, "2025-10-01", "Cache VWAP", "It is faster.", ("PERF-1",), "session s")
    second = add_decision(path, "2025-10-02", "Keep floats", "Parity held.\n\nBoth ways.")
    assert read_decisions(path) == [first, second]
    assert (first.number, second.number, first.tags) == (1, 2, ("PERF-1",))
    for title, why, tags in (("", "x", ()), ("x", "", ()), ("x", "y", ("a b",)), ("x", "## y", ())):
        with pytest.raises(InputError):
            add_decision(path, "2025-10-03", title, why, tags)
    assert len(read_decisions(path)) == 2


def test_decisions_that_are_added_at_once_are_all_kept(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    path = tmp_path / "docs" / "decisions.md"
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda number: add_decision(path, "2025-10-01", f"t{number}", "why"), range(24)))
    assert sorted(item.number for item in made) == list(range(1, 25))
    assert {item.title for item in read_decisions(path)} == {f"t{number}" for number in range(24)}


def test_a_log_that_is_not_utf8_is_damaged_not_an_internal_error(tmp_path: Path) -> None:
    path = tmp_path / "decisions.md"
    path.write_bytes(b"# D\n\n\xff")
    with pytest.raises(DamagedError, match="is not UTF-8"):
        read_decisions(path)
    with pytest.raises(DamagedError, match="is not UTF-8"):
        add_decision(path, "2025-10-01", "t", "why")
    assert path.read_bytes() == b"# D\n\n\xff"
