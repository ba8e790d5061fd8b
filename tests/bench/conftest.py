"""A session with a scripted engine: times and results are given, nothing is timed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.bench.evidence import parse_stages
from harness.bench.plan import PlanSettings
from harness.bench.records import ParityCheck, StageTime
from harness.bench.setup import SessionSetup, Targets, Variant
from harness.bench.stopping import fixed
from harness.results.lean_results import LeanResults


class ByteInspector:
    """Parity by the bytes of the order events; enough where the diff itself is not under test."""

    def stages(self, results_folder: Path) -> Mapping[str, StageTime]:
        told = LeanResults(results_folder).stages
        return {} if told is None else parse_stages(told, results_folder)

    def parity(self, reference: Path | LeanResults, results_folder: Path, against: str) -> ParityCheck:
        left = reference if isinstance(reference, LeanResults) else LeanResults(reference)
        right = LeanResults(results_folder)
        assert left.order_events_path is not None
        assert right.order_events_path is not None
        same = left.order_events_path.read_bytes() == right.order_events_path.read_bytes()
        return ParityCheck(same, against, len(right.order_events or []), "identical" if same else "event 1 differs")


@pytest.fixture
def inspector() -> ByteInspector:
    return ByteInspector()


@pytest.fixture
def make_setup(tmp_path: Path) -> Any:
    """``make_setup(pairs=6, ...)``: changes are fields of the setup or of its plan."""

    def make(**changes: Any) -> SessionSetup:
        plan_fields = {key: changes.pop(key) for key in list(changes) if key in PlanSettings.__slots__}
        plan = PlanSettings(**{"baseline": "base", "candidate": "new", "pairs": 6, "seed": 1, **plan_fields})
        setup = SessionSetup(
            name="s",
            scenario="default",
            created_at_utc="2025-10-01T00:00:00+00:00",
            plan=plan,
            rule=fixed(plan.pairs),
            targets=Targets(),
            variants={
                "base": Variant(tmp_path / "algorithm.py", "Scripted", {"metrics": "recompute"}),
                "new": Variant(tmp_path / "algorithm.py", "Scripted", {"metrics": "incremental"}),
            },
            data_folder=tmp_path / "data",
            cache_folder=None,
            time_limit_s=60.0,
            max_time_s=3600.0,
            cpu_affinity=(),
            engine={"name": "scripted", "version": "1"},
            fingerprint={"cpu_model": "x"},
        )
        return replace(setup, **changes)

    return make
