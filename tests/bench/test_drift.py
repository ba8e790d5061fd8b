from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.bench.drift import drift_from
from harness.bench.session import run_session, start_session
from harness.bench.setup import Variant
from harness.bench.solo import baseline_record
from harness.engines.scripted import ScriptedEngine, ScriptedRun
from harness.errors import DamagedError
from tests.bench.conftest import ByteInspector

FINGERPRINT = {"cpu_model": "x"}


@pytest.fixture
def rows(tmp_path: Path, make_setup: Any) -> Any:
    start_session(make_setup(), tmp_path / "s")
    engine = ScriptedEngine({"base": [ScriptedRun(wall_s=2.0, cpu_s=1.0)], "new": [ScriptedRun(wall_s=9.0)]})
    return run_session(tmp_path / "s", engine, ByteInspector()).rows


def test_today_against_what_is_stored(rows: Any) -> None:
    record = baseline_record(
        "default", Variant(Path("a.py"), "A"), [r for r in rows if r.variant == "base"], FINGERPRINT
    )
    assert record["runs"] == 6
    assert record["wall_s"] == {"median": 2.0, "least": 2.0, "most": 2.0}
    same = drift_from(record, rows, "base", FINGERPRINT)
    assert same is not None
    assert (same.wall_ratio, same.cpu_ratio, same.peak_ratio) == (1.0, 1.0, 1.0)
    slower = drift_from({**record, "wall_s": {"median": 1.6}}, rows, "base", FINGERPRINT)
    assert slower is not None
    assert slower.wall_ratio == pytest.approx(1.25)


def test_times_of_another_machine_are_not_compared(rows: Any) -> None:
    record = baseline_record("default", Variant(Path("a.py"), "A"), rows, {"cpu_model": "y"})
    drift = drift_from(record, rows, "base", FINGERPRINT)
    assert drift is not None
    assert drift.wall_ratio is None
    assert drift.mismatches == ("CPU: y against x",)


def test_a_record_of_another_form_is_said_to_be_damaged(rows: Any) -> None:
    with pytest.raises(DamagedError, match="run `make baseline`"):
        drift_from({"wall_s": 3}, rows, "base", FINGERPRINT)
