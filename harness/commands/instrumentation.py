"""``harness instrumentation``: what the algorithm's stage timers cost."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from harness.commands.common import ProgressLine, engine_from, parse_parameters, print_json, settings_from
from harness.errors import EngineError, HarnessError

EPILOG = "Examples:  harness instrumentation   harness instrumentation --scenario quick --pairs 10 --session NAME"


class InstrumentationError(HarnessError):
    """The timers changed the results, or cost more than may be believed."""

    exit_code = 1


def instrumentation(
    scenario: Annotated[str, typer.Option("--scenario", "-s", help="Scenario of harness.toml.")] = "default",
    pairs: Annotated[int, typer.Option("--pairs", min=6, max=100, help="Pairs with and without.")] = 8,
    session: Annotated[str | None, typer.Option("--session", help="Beside which session; default: the latest.")] = None,
    off: Annotated[str, typer.Option("--off", help="Parameter that turns the timers off.")] = "instrumentation=off",
    json: Annotated[bool, typer.Option("--json", help="Pure JSON on standard output.")] = False,
    config: Annotated[
        Path | None, typer.Option("--config", help="Settings file; default: nearest harness.toml.")
    ] = None,
) -> None:
    """Measure the candidate with and without its timers; the session's report shows the cost.

    Exit 0 when the interval of the CPU cost is at most 2 %, 1 when it lies above, 3 when it holds 2 %.
    """
    from harness.bench.prepare import Wishes, prepare, resolve_variant, session_name
    from harness.bench.session import load_session, run_session, start_session
    from harness.commands.bench import find_session, make_inspector
    from harness.commands.data import ensure_data
    from harness.report.model import (
        INSTRUMENTATION_NAME,
        INSTRUMENTATION_SCHEMA,
        LARGEST_INSTRUMENTATION_COST,
        InstrumentationLine,
    )
    from harness.report.tables import instrumentation_words
    from harness.results.store import write_json

    settings = settings_from(config)
    engine = engine_from(settings, None)
    runs = settings.path(settings.folders.runs)
    beside = find_session(runs, session)
    ensure_data(settings, scenario)
    timed = resolve_variant(settings, scenario, settings.bench.candidate)
    plain = replace(timed, parameters={**timed.parameters, **parse_parameters([off])})
    # In a folder of their own: a session that measures the timers is not the one a user means by "the latest".
    name = session_name(scenario)
    folder = runs / "instrumentation" / name
    setup = prepare(settings, scenario, engine, name, Wishes(pairs=pairs, sides=(("plain", plain), ("timed", timed))))
    start_session(replace(setup, plan=replace(setup.plan, control_runs=0)), folder)
    with ProgressLine() as line:
        run_session(
            folder,
            engine,
            make_inspector(setup.parity),
            (),
            lambda step: line.show(f"run {step.number} of {step.total}  {step.run.folder}", step.text),
        )
    analysis = load_session(folder).analyse()
    if not analysis.parity.identical:
        raise InstrumentationError(f"instrumentation: the timers change the results: {analysis.parity.problem}")
    figures = {item.quantity: item.figure for item in analysis.judgements}
    if "wall" not in figures or "CPU" not in figures:
        raise EngineError(f"{folder}: wall or CPU time was not measured")
    wall, cpu = figures["wall"], figures["CPU"]
    most = 1 + LARGEST_INSTRUMENTATION_COST
    found = InstrumentationLine(
        wall_ratio=wall.paired_ratio,
        wall_low=wall.paired_interval.low,
        wall_high=wall.paired_interval.high,
        cpu_ratio=cpu.paired_ratio,
        pairs=pairs,
        accepted=True if cpu.paired_interval.high <= most else False if cpu.paired_interval.low > most else None,
        cpu_low=cpu.paired_interval.low,
        cpu_high=cpu.paired_interval.high,
    )
    write_json(beside / INSTRUMENTATION_NAME, asdict(found), schema=INSTRUMENTATION_SCHEMA, version=1)
    if json:
        print_json(asdict(found))
    else:
        print(f"{instrumentation_words(found)}; shown in {beside.name}")
    raise typer.Exit({True: 0, False: 1, None: 3}[found.accepted])
