"""``harness run``: one backtest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.commands.common import (
    ProgressLine,
    duration,
    engine_from,
    output_console,
    print_json,
    settings_from,
    shown,
)
from harness.commands.data import ensure_data
from harness.errors import EngineError, InputError

if TYPE_CHECKING:
    from harness.config import Settings
    from harness.engines.base import BacktestRun


@dataclass(frozen=True, slots=True)
class RunChoice:
    """What to run: a scenario and variant of the settings, changed by what is given here."""

    scenario: str
    variant: str
    parameters: Mapping[str, str]
    algorithm: Path | None
    class_name: str | None
    data: Path | None
    engine: str | None
    output: Path | None


def run(config: Path | None, choice: RunChoice, *, as_json: bool) -> int:
    """Runs one backtest and prints what it did and cost; 0 when it completed, else ``EngineError``."""
    from harness.bench.prepare import resolve_variant, variant_request
    from harness.bench.setup import Variant
    from harness.bench.solo import new_folder, run_once

    settings = _settings(config, choice)
    engine = engine_from(settings, choice.engine, choice.scenario)
    variant = resolve_variant(settings, choice.scenario, choice.variant, choice.parameters)
    if choice.algorithm is not None:
        file = choice.algorithm.resolve()
        # Another algorithm has other parameters: only those given here are its own.
        variant = Variant(file, choice.class_name or only_class(file), dict(choice.parameters))
    elif choice.class_name is not None:
        variant = Variant(variant.algorithm_file, choice.class_name, variant.parameters)
    if choice.data is None:
        ensure_data(settings, choice.scenario)
    folder = choice.output or new_folder(settings.path(settings.folders.runs), "run")
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder}: is not empty; give a new folder, so that no old file is taken for a result")
    request = variant_request(
        settings, choice.scenario, variant, folder.resolve(), choice.data.resolve() if choice.data else None
    )
    with ProgressLine() as line:
        done = run_once(engine, request, lambda text: line.show(f"running {request.result_id}", text))
    if not done.ok:
        raise EngineError(f"{request.algorithm_file}: ended as {done.outcome}: {done.detail}; see {request.run_folder}")
    _print(done, as_json=as_json)
    return 0


def _settings(config: Path | None, choice: RunChoice) -> Settings:
    """Those of ``harness.toml``; an algorithm and data that are both given need none."""
    from harness.config import find_settings, settings_without_file

    if config is None and choice.algorithm is not None and choice.data is not None:
        here = Path.cwd()
        if not find_settings(here).is_file():
            return settings_without_file(here, choice.scenario, choice.variant, choice.data.resolve())
    return settings_from(config)


def only_class(file: Path) -> str:
    """The class to run when none is named: the last one in the file that is derived from ``QCAlgorithm``."""
    from harness.engines.checks import algorithm_classes

    try:
        names = algorithm_classes(file)
    except FileNotFoundError as error:
        raise InputError(f"{file}: algorithm file not found; check --algorithm") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(f"{file}: cannot be read as Python ({error}); correct it, or give --class") from error
    if not names:
        raise InputError(f"{file}: no class derived from QCAlgorithm in it; name the class with --class")
    return names[-1]


def _print(done: BacktestRun, *, as_json: bool) -> None:
    from harness.results.lean_results import LeanResults

    request, cost = done.request, done.measurement
    results = LeanResults(request.results_folder, request.result_id)
    if cost is None:
        raise EngineError(f"{request.run_folder}: engine {done.engine.get('name')} did not measure the run")
    events = results.order_events or []
    if as_json:
        document: dict[str, Any] = {
            "outcome": str(done.outcome),
            "results_folder": str(request.results_folder),
            "result_id": results.result_id,
            "engine": dict(done.engine),
            "parameters": dict(request.parameters),
            "wall_s": cost.wall_s,
            "user_s": cost.user_s,
            "system_s": cost.system_s,
            "peak_rss_bytes": cost.peak_rss_bytes,
            "phases_s": dict(cost.phases_s),
            "data_points": done.data_points,
            "order_events": len(events),
            "statistics": results.statistics,
            "runtime_statistics": results.runtime_statistics,
            "notes": list(done.notes),
        }
        print_json(document)
        return
    from rich.table import Table

    console = output_console()
    table = Table(show_header=False, title=f"{request.algorithm_class}: {done.outcome}", title_justify="left")
    for name, value in {**results.statistics, **results.runtime_statistics}.items():
        table.add_row(name, value)
    console.print(table)
    phases = ", ".join(f"{name} {seconds:.2f}" for name, seconds in cost.phases_s.items())
    lines = [
        f"wall {cost.wall_s:.3f} s ({duration(cost.wall_s)}), CPU {cost.cpu_s:.3f} s, "
        f"peak {cost.peak_rss_bytes / 2**20:.1f} MiB, {done.data_points:,} data points",
        *([f"phases (s): {phases}"] if phases else []),
        f"engine: {' '.join(value for value in done.engine.values() if value)}",
        f"{len(events)} order events, results in {shown(request.results_folder)}",
        *(f"attention: {note}" for note in done.notes),
    ]
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
