"""``harness baseline``: store what parity is held against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.bench.prepare import resolve_variant, variant_request
from harness.bench.records import RunRow
from harness.bench.session import Session, finished, first_baseline_folder, load_session
from harness.bench.setup import Variant
from harness.bench.solo import new_folder, run_repeatedly
from harness.commands.bench import find_session, make_inspector
from harness.commands.common import ProgressLine, engine_from, print_json, settings_from, shown
from harness.commands.data import ensure_data
from harness.config import Settings
from harness.engines.base import Engine
from harness.errors import InputError
from harness.measure.fingerprint import take_fingerprint


def baseline(
    config: Path | None,
    scenario: str,
    *,
    runs: int,
    session: str | None,
    engine_name: str | None,
    force: bool,
    as_json: bool,
) -> int:
    """Measures the baseline variant (or takes a finished session's runs) and stores it as ``<scenario>.json``."""
    from harness.bench.solo import baseline_record
    from harness.results.baseline import save_baseline

    settings = settings_from(config)
    if session is None:
        source = _measure(settings, scenario, engine_from(settings, engine_name, scenario), runs)
    else:
        source = _from_session(load_session(find_session(settings.path(settings.folders.runs), session)))
    path = settings.path(settings.folders.baselines) / f"{source.scenario}.json"
    existed = path.exists()
    record = baseline_record(source.scenario, source.variant, source.rows, source.fingerprint)
    changes = save_baseline(path, record, source.results_folder, force)
    if as_json:
        print_json({"path": str(path), "replaced": existed, "changes": changes, "record": record})
        return 0
    wall, peak = record["wall_s"]["median"], record["peak_rss_bytes"]["median"] / 2**20
    print(f"{shown(path)}: {'replaced' if existed else 'stored'}, {record['runs']} runs, {wall:.3f} s, {peak:.1f} MiB")
    for line in changes:
        print(f"  {line}")
    return 0


@dataclass(frozen=True, slots=True)
class _Source:
    """What a baseline is made from. ``rows`` hold the costs, ``results_folder`` Lean's files."""

    scenario: str
    variant: Variant
    rows: Sequence[RunRow]
    fingerprint: Mapping[str, Any]
    results_folder: Path


def _from_session(session: Session) -> _Source:
    if not finished(session) or not all(row.identical and row.completed for row in session.rows):
        raise InputError(
            f"{session.folder}: not finished, or not every run completed with identical results; no baseline from it"
        )
    setup, name = session.setup, session.setup.plan.baseline
    rows = [row for row in session.rows if row.variant == name]
    return _Source(setup.scenario, setup.variants[name], rows, setup.fingerprint, first_baseline_folder(session))


def _measure(settings: Settings, scenario: str, engine: Engine, runs: int) -> _Source:
    """One warm-up and ``runs`` measured runs of the baseline variant, all with identical results."""
    name = settings.bench.baseline
    variant = resolve_variant(settings, scenario, name)
    ensure_data(settings, scenario)
    fingerprint = take_fingerprint(
        engine.describe(), [variant.algorithm_file], settings.data_folder(scenario), settings.root
    )
    folder = new_folder(settings.path(settings.folders.runs), f"baseline-{scenario}")
    folders = [folder / name / ("warmup_01" if number == 0 else f"run_{number:02d}") for number in range(runs + 1)]
    requests = [variant_request(settings, scenario, variant, item) for item in folders]
    with ProgressLine() as line:
        rows = run_repeatedly(
            engine,
            make_inspector(settings.parity),
            requests,
            name,
            lambda number, text: line.show(f"run {number} of {runs + 1}", text),
        )
    return _Source(scenario, variant, rows, fingerprint, requests[0].results_folder)
