"""``harness conformance``: run cases side by side, show progress, print tables, exit 1 on any difference."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from harness.conformance.lean_source import default_parameters, find_algorithms, run_algorithm
from harness.conformance.outcome import Outcome, Verdict, summary_line
from harness.conformance.process import EMBEDDED
from harness.conformance.recordings import default_recordings, find_cases, run_case

_COLOURS = {
    Verdict.EQUAL: "green",
    Verdict.DIFFERENT: "red",
    Verdict.REFUSED: "yellow",
    Verdict.NO_DATA: "yellow",
    Verdict.FAILED: "red",
}


def run_all(tasks: Sequence[tuple[str, Callable[[], Outcome]]], jobs: int, console: Console) -> list[Outcome]:
    """Run tasks in parallel processes, with a progress line; outcomes in the order of the tasks."""
    outcomes: dict[str, Outcome] = {}
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress, ThreadPoolExecutor(jobs) as pool:
        line = progress.add_task("conformance", total=len(tasks))
        waiting = {pool.submit(run): name for name, run in tasks}
        for done in as_completed(waiting):
            outcomes[waiting[done]] = done.result()
            progress.update(line, advance=1, description=f"conformance {waiting[done]}")
    return [outcomes[name] for name, _ in tasks]


def conformance(
    *,
    recordings: Path | None = None,
    cases: Sequence[str] = (),
    lean_source: Path | None = None,
    data_folder: Path | None = None,
    cache_folder: Path | None = None,
    keep: Path | None = None,
    jobs: int | None = None,
    engine: Sequence[str] = EMBEDDED,
    as_json: bool = False,
) -> int:
    """Run recordings, or with ``lean_source`` Lean's own algorithms; 0 when nothing differs, else 1."""
    console = Console(stderr=as_json)
    workers = jobs or max(1, os.cpu_count() or 1)
    if lean_source is not None:
        data = data_folder if data_folder is not None else lean_source / "Data"
        parameters = default_parameters(lean_source)
        tasks = [
            (a.name, lambda a=a: run_algorithm(a, data, cache_folder, parameters, keep, engine))
            for a in find_algorithms(lean_source, cases)
        ]
    else:
        folder = recordings if recordings is not None else default_recordings(Path.cwd())
        data = data_folder if data_folder is not None else folder / "data"
        tasks = [
            (case.name, lambda case=case: run_case(case, data, cache_folder, keep, engine))
            for case in find_cases(folder, cases)
        ]
    outcomes = run_all(tasks, workers, console)
    if as_json:
        document = {"summary": summary_line(outcomes), "cases": [outcome.to_dict() for outcome in outcomes]}
        json.dump(document, sys.stdout, indent=1)
        print()
    else:
        if lean_source is None:
            console.print(_area_table(outcomes))
        else:
            console.print(_algorithm_table(outcomes))
        for outcome in outcomes:
            if outcome.verdict in (Verdict.DIFFERENT, Verdict.FAILED) and lean_source is None:
                first = outcome.differences[0] if outcome.differences else outcome.detail
                console.print(f"{outcome.name}: {first}", markup=False, highlight=False)
        console.print(summary_line(outcomes))
    bad = [o for o in outcomes if o.verdict in (Verdict.DIFFERENT, Verdict.FAILED)]
    if lean_source is not None:
        bad = [o for o in outcomes if o.verdict is Verdict.DIFFERENT]
    return 1 if bad else 0


def _area_table(outcomes: Sequence[Outcome]) -> Table:
    """Rows: areas. Columns: cases equal, and for each artifact the number of differences."""
    artifacts = sorted({d.artifact for o in outcomes for d in o.differences})
    table = Table(title="Embedded engine against recordings of real Lean", title_justify="left")
    table.add_column("area")
    table.add_column("equal", justify="right")
    table.add_column("verdict")
    for artifact in artifacts:
        table.add_column(artifact, justify="right")
    table.add_column("wall s", justify="right")
    areas: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        areas.setdefault(outcome.area, []).append(outcome)
    for area, group in areas.items():
        equal = sum(o.verdict is Verdict.EQUAL for o in group)
        worst = max(group, key=lambda o: list(Verdict).index(o.verdict)).verdict
        counts = [sum(d.artifact == artifact for o in group for d in o.differences) for artifact in artifacts]
        table.add_row(
            area,
            f"{equal}/{len(group)}",
            f"[{_COLOURS[worst]}]{worst}[/]",
            *[str(count) if count else "" for count in counts],
            f"{sum(o.wall_s for o in group):.1f}",
        )
    return table


def _algorithm_table(outcomes: Sequence[Outcome]) -> Table:
    table = Table(title="Embedded engine against Lean's regression algorithms", title_justify="left")
    table.add_column("algorithm", overflow="fold")
    table.add_column("verdict")
    table.add_column("where or why", overflow="fold")
    table.add_column("wall s", justify="right")
    for outcome in outcomes:
        why = outcome.detail
        if outcome.verdict is Verdict.DIFFERENT:
            why = "; ".join(f"{d.path}: {d.expected} / {d.actual}" for d in outcome.differences[:3])
            if len(outcome.differences) > 3:
                why += f"; and {len(outcome.differences) - 3} more"
        table.add_row(outcome.name, f"[{_COLOURS[outcome.verdict]}]{outcome.verdict}[/]", why, f"{outcome.wall_s:.1f}")
    return table
