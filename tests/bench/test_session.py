"""Sessions through the scripted engine: order, storage, resuming, stopping; exact, without a clock."""

from __future__ import annotations

import errno
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.bench.plan import RunKind
from harness.bench.records import ROWS_NAME
from harness.bench.session import (
    Progress,
    Reference,
    Session,
    SessionInterruptedError,
    finished,
    load_session,
    refuse_changes,
    run_session,
    start_session,
)
from harness.bench.setup import Variant
from harness.bench.stopping import sequential
from harness.bench.verdict import Verdict
from harness.engines.base import Outcome
from harness.engines.scripted import ORDER_EVENT, ScriptedEngine, ScriptedRun
from harness.errors import BusyError, EngineError, InputError
from harness.measure.fingerprint import take_fingerprint
from harness.results.lock import FolderLock
from harness.results.store import read_rows
from tests.bench.conftest import ByteInspector

OTHER_EVENT = {**ORDER_EVENT, "fillPrice": 660.26}


def engine(base: Any = None, new: Any = None) -> ScriptedEngine:
    return ScriptedEngine({"base": base or [ScriptedRun(wall_s=2.0, cpu_s=1.9)], "new": new or [ScriptedRun()]})


def run(folder: Path, scripted: ScriptedEngine, **more: Any) -> Session:
    return run_session(folder, scripted, ByteInspector(), **more)


def test_a_whole_session_runs_in_the_planned_order_and_passes(tmp_path: Path, make_setup: Any) -> None:
    folder = tmp_path / "s"
    start_session(make_setup(control_runs=2), folder)
    scripted = engine()
    session = run(folder, scripted)
    assert scripted.started == [planned.folder for planned in session.plan]
    assert len(session.rows) == 3 + 12 + 2
    analysis = session.analyse()
    assert analysis.overall.verdict is Verdict.PASS
    assert analysis.overall.exit_code == 0
    assert analysis.finished
    assert finished(session)
    assert {item.quantity: item.figure.ratio for item in analysis.judgements} == {
        "wall": 0.5,
        "CPU": pytest.approx(1 / 1.9),
        "memory": 1.0,
    }
    assert analysis.parity.identical
    assert analysis.parity.compared == len(session.rows) - 1  # the first run is the reference


def test_every_run_leaves_a_row_and_its_own_measurement(tmp_path: Path, make_setup: Any) -> None:
    folder = tmp_path / "s"
    start_session(make_setup(pairs=1), folder)
    session = run(folder, engine(new=[ScriptedRun(wall_s=1.25, stages_s={"data": 0.5, "metrics": 0.25})]))
    rows = read_rows(folder / ROWS_NAME)
    assert [row["number"] for row in rows] == [1, 2, 3, 4, 5]
    for planned in session.plan:
        assert (folder / planned.folder / "measurement.json").is_file()
        assert (folder / planned.folder / "lean" / "Scripted.json").is_file()
    measured = next(row for row in session.rows if row.variant == "new" and row.kind is RunKind.MEASURED)
    assert measured.wall_s == 1.25
    assert {name: stage.wall_s for name, stage in measured.stages.items()} == {"data": 0.5, "metrics": 0.25}


def test_a_difference_stops_at_once_with_exit_1(tmp_path: Path, make_setup: Any) -> None:
    folder = tmp_path / "s"
    start_session(make_setup(), folder)
    same, changed = ScriptedRun(), ScriptedRun(order_events=[OTHER_EVENT])
    scripted = engine(new=[same, same, changed])
    session = run(folder, scripted)
    assert session.rows[-1].folder == scripted.started[-1]
    assert not session.rows[-1].identical
    analysis = session.analyse()
    assert analysis.overall.verdict is Verdict.DIFFERENT
    assert analysis.overall.exit_code == 1
    assert analysis.judgements == ()
    assert "event 1 differs" in analysis.overall.reasons[0]
    before = len(scripted.started)
    run(folder, scripted)  # resuming does not run past it
    assert len(scripted.started) == before


def test_a_baseline_that_differs_from_itself_is_found_before_the_candidate_runs(
    tmp_path: Path, make_setup: Any
) -> None:
    folder = tmp_path / "s"
    start_session(make_setup(), folder)
    scripted = engine(base=[ScriptedRun(), ScriptedRun(order_events=[OTHER_EVENT])])
    session = run(folder, scripted)
    assert scripted.started == ["base/warmup_01", "base/warmup_02"]
    assert session.analyse().overall.verdict is Verdict.DIFFERENT


def test_runs_are_held_against_a_stored_baseline_too(tmp_path: Path, make_setup: Any) -> None:
    stored = tmp_path / "stored"
    start_session(make_setup(pairs=1), stored)
    reference = Reference("stored baseline", run(stored, engine()).folder / "base/run_01/lean")
    folder = tmp_path / "s"
    start_session(make_setup(pairs=1), folder)
    changed = [ScriptedRun(order_events=[OTHER_EVENT])]
    session = run(folder, engine(changed, changed), references=[reference])
    assert len(session.rows) == 1
    assert "stored baseline" in session.analyse().overall.reasons[0]


def test_ctrl_c_then_resume_does_only_what_is_missing(tmp_path: Path, make_setup: Any) -> None:
    folder = tmp_path / "s"
    start_session(make_setup(), folder)
    interrupted = engine(new=[ScriptedRun(), ScriptedRun(), ScriptedRun(error=KeyboardInterrupt())])
    with pytest.raises(
        SessionInterruptedError, match=r"after \d+ of 15 runs; go on with .*--session s --resume"
    ) as error:
        run(folder, interrupted)
    assert error.value.exit_code == 130
    stored = load_session(folder)
    assert not finished(stored)
    assert len(stored.rows) == len(interrupted.started) - 1
    assert (folder / interrupted.started[-1]).exists()  # the unfinished run's folder is made again

    again = engine()
    session = run(folder, again)
    assert again.started == [planned.folder for planned in session.plan][len(stored.rows) :]
    assert session.rows[: len(stored.rows)] == stored.rows
    assert session.analyse().overall.verdict is Verdict.PASS


def test_killed_at_any_point_the_session_ends_the_same(tmp_path: Path, make_setup: Any) -> None:
    whole = tmp_path / "s"
    start_session(make_setup(pairs=2), whole)
    expected = run(whole, engine()).rows
    for kept in range(len(expected)):
        folder = tmp_path / f"k{kept}" / "s"
        start_session(make_setup(pairs=2), folder)
        with pytest.raises(SessionInterruptedError):
            run(folder, _Killed(kept))
        assert [row.folder for row in run(folder, engine()).rows] == [row.folder for row in expected]
        shutil.rmtree(folder)


class _Killed(ScriptedEngine):
    """Interrupted when ``after`` runs are done."""

    def __init__(self, after: int) -> None:
        super().__init__({"base": [ScriptedRun(wall_s=2.0, cpu_s=1.9)], "new": [ScriptedRun()]})
        self.after = after

    def run(self, request: Any, on_progress: Any = None) -> Any:
        if len(self.started) == self.after:
            raise KeyboardInterrupt
        return super().run(request, on_progress)


@pytest.mark.parametrize("outcome", [Outcome.TIMED_OUT, Outcome.RUNTIME_ERROR, Outcome.ENGINE_CRASH])
def test_a_run_that_does_not_complete_is_recorded_and_is_an_error_not_a_verdict(
    tmp_path: Path, make_setup: Any, outcome: Outcome
) -> None:
    folder = tmp_path / "s"
    start_session(make_setup(), folder)
    scripted = engine(new=[ScriptedRun(outcome=outcome, detail="because of this")])
    with pytest.raises(EngineError, match=rf"new/warmup_01\) ended as {outcome}: because of this") as error:
        run(folder, scripted)
    assert error.value.exit_code == 2
    assert load_session(folder).rows[-1].outcome is outcome
    assert run(folder, engine()).analyse().overall.verdict is Verdict.PASS  # repeated, and the last row counts


def test_a_full_disk_is_one_clear_line(tmp_path: Path, make_setup: Any) -> None:
    folder = tmp_path / "s"
    start_session(make_setup(), folder)
    full = OSError(errno.ENOSPC, "No space left on device", "/disk/x")
    with pytest.raises(EngineError, match=r"/disk/x: no space left on the disk .*--resume"):
        run(folder, engine(base=[ScriptedRun(), ScriptedRun(error=full)]))
    assert len(load_session(folder).rows) == 1


def test_problems_known_before_are_told_before_anything_runs(tmp_path: Path, make_setup: Any) -> None:
    folder = tmp_path / "s"
    start_session(make_setup(), folder)
    scripted = ScriptedEngine({"base": [ScriptedRun()], "new": [ScriptedRun()]}, problems=["no data", "no class"])
    with pytest.raises(EngineError, match=r"no data \(and 1 more\)"):
        run(folder, scripted)
    assert scripted.started == []


def test_a_second_session_in_the_same_folder_is_refused(tmp_path: Path, make_setup: Any) -> None:
    folder = tmp_path / "s"
    start_session(make_setup(), folder)
    with pytest.raises(InputError, match="already holds a session"):
        start_session(make_setup(), folder)
    with FolderLock(folder, "another benchmark"), pytest.raises(BusyError, match="another benchmark"):
        run(folder, engine())


def test_progress_counts_and_estimates(tmp_path: Path, make_setup: Any) -> None:
    folder = tmp_path / "s"
    start_session(make_setup(pairs=2), folder)
    seen: list[Progress] = []
    run(folder, engine(), on_progress=seen.append)
    starts = [item for item in seen if not item.text]
    assert [item.number for item in starts] == [1, 2, 3, 4, 5, 6, 7]
    assert {item.total for item in starts} == {7}
    assert starts[0].remaining_s is None
    assert [item.remaining_s for item in starts[3:]] == [6.0, pytest.approx(5.0, abs=1.1), 3.0, pytest.approx(2, abs=1)]


def test_adaptive_stops_at_the_first_look_that_decides(tmp_path: Path, make_setup: Any) -> None:
    folder = tmp_path / "s"
    rule = sequential(40)
    start_session(make_setup(pairs=40, rule=rule), folder)
    session = run(folder, engine())
    assert session.analyse().pairs == 6
    assert session.analyse().overall.verdict is Verdict.PASS
    assert finished(session)


def test_adaptive_goes_on_while_undecided_and_ends_at_its_last_look(tmp_path: Path, make_setup: Any) -> None:
    folder = tmp_path / "s"
    rule = sequential(14)
    start_session(make_setup(pairs=14, rule=rule), folder)
    new = [ScriptedRun(wall_s=2 * ratio, cpu_s=1.0) for ratio in (0.7, 0.8) * 8]
    session = run(folder, engine(new=new))
    assert session.analyse().pairs == 14
    assert session.analyse().overall.verdict is Verdict.INCONCLUSIVE
    assert session.analyse().overall.exit_code == 3
    assert finished(session)


def test_adaptive_ends_when_its_time_is_over(tmp_path: Path, make_setup: Any) -> None:
    folder = tmp_path / "s"
    start_session(make_setup(pairs=40, rule=sequential(40), max_time_s=0.0), folder)
    session = run(folder, engine())
    assert session.analyse().pairs == 1
    assert session.analyse().overall.verdict is Verdict.INCONCLUSIVE


def test_a_slower_candidate_fails(tmp_path: Path, make_setup: Any) -> None:
    folder = tmp_path / "s"
    start_session(make_setup(), folder)
    assert run(folder, engine(new=[ScriptedRun(wall_s=2.1, cpu_s=2.0)])).analyse().overall.exit_code == 1


def test_more_memory_fails_however_fast(tmp_path: Path, make_setup: Any) -> None:
    folder = tmp_path / "s"
    start_session(make_setup(), folder)
    analysis = run(folder, engine(new=[ScriptedRun(wall_s=0.5, cpu_s=0.4, peak_rss_bytes=120 * 2**20)])).analyse()
    assert analysis.overall.verdict is Verdict.FAIL
    assert analysis.overall.reasons[0].startswith("memory:")


def test_an_untouched_stage_that_moves_is_said(tmp_path: Path, make_setup: Any) -> None:
    folder = tmp_path / "s"
    start_session(make_setup(untouched_stages=("risk",)), folder)
    base = [ScriptedRun(wall_s=2.0, cpu_s=2.0, stages_s={"metrics": 1.0, "risk": 0.5})]
    new = [ScriptedRun(wall_s=1.0, cpu_s=1.0, stages_s={"metrics": 0.3, "risk": 0.2})]
    analysis = run(folder, engine(base, new)).analyse()
    assert len(analysis.moved_stages) == 1
    assert "stage risk is declared untouched but took 0.40 times" in analysis.moved_stages[0]


def test_the_judged_phase_can_be_the_algorithm_alone(tmp_path: Path, make_setup: Any) -> None:
    folder = tmp_path / "s"
    setup = make_setup()
    start_session(make_setup(targets=type(setup.targets)(judged_phase="algorithm")), folder)
    base = [ScriptedRun(wall_s=7.0, cpu_s=2.0, phases_s={"algorithm": 2.0, "engine_start": 5.0})]
    new = [ScriptedRun(wall_s=6.0, cpu_s=1.0, phases_s={"algorithm": 1.0, "engine_start": 5.0})]
    analysis = run(folder, engine(base, new)).analyse()
    assert analysis.judgements[0].figure.ratio == 0.5
    assert analysis.overall.verdict is Verdict.PASS
    assert analysis.phases["base"] == {"algorithm": 2.0, "engine_start": 5.0}


def test_a_changed_machine_cannot_resume(tmp_path: Path, make_setup: Any) -> None:
    folder = tmp_path / "s"
    start_session(make_setup(), folder)
    session = load_session(folder)
    refuse_changes(session, {"cpu_model": "x"})
    with pytest.raises(InputError, match="CPU: x against y"):
        refuse_changes(session, {"cpu_model": "y"})


def test_the_header_is_stored_as_it_was(tmp_path: Path, make_setup: Any) -> None:
    folder = tmp_path / "s"
    setup = make_setup(rule=sequential(20), untouched_stages=("risk",), cpu_affinity=(0, 1))
    start_session(setup, folder)
    assert load_session(folder).setup == setup
    with pytest.raises(InputError, match="no session in it"):
        load_session(tmp_path / "elsewhere")


def test_code_that_changes_under_the_session_stops_it(tmp_path: Path, make_setup: Any) -> None:
    algorithm = tmp_path / "code" / "algorithm.py"
    algorithm.parent.mkdir()
    algorithm.write_text("x = 1")
    scripted = engine()
    setup = make_setup(variants={name: Variant(algorithm, "Scripted") for name in ("base", "new")})
    fingerprint = take_fingerprint(scripted.describe(), [algorithm], tmp_path / "data", tmp_path)
    folder = tmp_path / "s"
    start_session(replace(setup, fingerprint=fingerprint), folder)

    def edit(step: Progress) -> None:
        if step.number == 4:
            algorithm.write_text("x = 2")

    with pytest.raises(EngineError, match=r"code changed while the session ran .*its source files changed"):
        run(folder, scripted, on_progress=edit)
    assert len(load_session(folder).rows) == 4
    algorithm.write_text("x = 1")
    assert run(folder, engine()).analyse().overall.verdict is Verdict.PASS
