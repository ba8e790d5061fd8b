"""``harness sweep`` and ``harness verify-many``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.config import Settings
    from harness.sweep.runner import SweepProgress, SweepResult
    from harness.sweep.session import SweepRequest
    from harness.sweep.walk_forward import WindowResult

SWEEP_EPILOG = (
    "Examples:  harness sweep quick -p target_share=0.1:0.6:0.1 -p stop_share=0.2,0.25,0.3 --trials 40 --n-jobs 2   "
    "harness sweep --resume   harness sweep -p max_positions=2:8 --walk-forward train=4d,test=2d"
)
VERIFY_EPILOG = "Examples:  harness verify-many -j 2   harness verify-many quick -p stop_share=0.2:0.4:0.05 -j 2"
_LISTED_TRIALS = 10


def sweep(
    scenario: Annotated[str, typer.Argument(help="Scenario of harness.toml.")] = "default",
    param: Annotated[
        list[str] | None, typer.Option("--param", "-p", help="name=low:high:step, name=a,b,c or name=value.")
    ] = None,
    objective: Annotated[str, typer.Option("--objective", help="Statistic to optimise.")] = "Sharpe Ratio",
    maximize: Annotated[
        bool | None, typer.Option("--maximize/--minimize", help="Default: by the statistic's name.")
    ] = None,
    trials: Annotated[int | None, typer.Option("--trials", min=1, help="Default: 100.")] = None,
    n_jobs: Annotated[int | None, typer.Option("--n-jobs", "-j", min=1, help="Backtests at a time.")] = None,
    sampler: Annotated[str, typer.Option("--sampler", help="tpe, grid or random.")] = "tpe",
    engine: Annotated[
        str | None, typer.Option("--engine", help="embedded, launcher or lean; default: of harness.toml.")
    ] = None,
    isolation: Annotated[
        str, typer.Option("--isolation", help="worker: inside the workers; process: one process a trial.")
    ] = "worker",
    variant: Annotated[str | None, typer.Option("--variant", help="Default: the candidate.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0)] = 20251001,
    lag: Annotated[int, typer.Option("--lag", min=1, help="tpe: trial k sees trials up to k-lag; most at a time.")] = 8,
    walk_forward: Annotated[
        str | None, typer.Option("--walk-forward", help="Trading days, like train=20d,test=5d.")
    ] = None,
    date_parameters: Annotated[
        str, typer.Option("--date-parameters", help="The algorithm's parameters for first and last day.")
    ] = "start,end",
    scheduler: Annotated[str | None, typer.Option("--scheduler", help="Dask cluster, like tcp://host:8786.")] = None,
    storage: Annotated[
        str | None, typer.Option("--storage", help="Optuna database URL; default: a journal file.")
    ] = None,
    keep: Annotated[str, typer.Option("--keep", help="Result files of the trials: all, best or none.")] = "best",
    name: Annotated[str | None, typer.Option("--name", help="Folder in runs/; the same name goes on.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on as stored (--name, else the latest).")] = False,
    plots: Annotated[bool, typer.Option("--plots/--no-plots", help="Draw the HTML plots.")] = True,
    json: Annotated[bool, typer.Option("--json", help="Pure JSON on standard output.")] = False,
    config: Annotated[Path | None, typer.Option("--config", help="Settings file.")] = None,
) -> None:
    """Run a parameter sweep: Optuna decides, worker processes backtest over one copy of the data."""
    from dataclasses import replace

    from harness.commands.common import settings_from
    from harness.sweep.session import SweepRequest, latest_sweep, load_request

    settings = settings_from(config)
    runs = settings.path(settings.folders.runs)
    if resume:
        if param:
            raise InputError("--resume goes on with the sweep as stored; leave out --param")
        folder = runs / name if name else latest_sweep(runs)
        request = load_request(folder)
        if trials is not None:
            request = replace(request, trials=trials)
    else:
        request = SweepRequest(
            scenario=scenario,
            params=tuple(param or ()),
            variant=variant or settings.bench.candidate,
            objective=objective,
            maximize=maximize,
            trials=trials or 100,
            sampler=sampler,
            seed=seed,
            lag=lag,
            engine=engine or settings.engine.name,
            isolation=isolation,
            keep=keep,
            storage=storage,
            walk_forward=walk_forward,
            date_parameters=date_parameters,
        )
        folder = runs / _folder_name(name, scenario, "sweep")
    if (n_jobs or 1) > request.lag and request.sampler == "tpe":
        _say(f"--n-jobs {n_jobs}: with --lag {request.lag} only {request.lag} trials run at a time; raise --lag")
    from harness.commands.data import ensure_data

    ensure_data(settings, request.scenario)
    try:
        if request.walk_forward:
            _walk(settings, request, folder, scheduler, n_jobs, as_json=json)
        else:
            _sweep(settings, request, folder, scheduler, n_jobs, plots=plots, as_json=json)
    except KeyboardInterrupt:
        _say(
            f"interrupted; everything that finished is stored, go on with: harness sweep --resume --name {folder.name}"
        )
        raise


def verify_many(
    scenarios: Annotated[list[str] | None, typer.Argument(help="Scenarios of harness.toml; default: all.")] = None,
    param: Annotated[
        list[str] | None, typer.Option("--param", "-p", help="Check every combination: name=low:high:step or a,b,c.")
    ] = None,
    n_jobs: Annotated[int | None, typer.Option("--n-jobs", "-j", min=1, help="Checks at a time.")] = None,
    engine: Annotated[
        str | None, typer.Option("--engine", help="embedded, launcher or lean; default: of harness.toml.")
    ] = None,
    isolation: Annotated[
        str, typer.Option("--isolation", help="worker: inside the workers; process: one process a backtest.")
    ] = "worker",
    scheduler: Annotated[str | None, typer.Option("--scheduler", help="Dask cluster, like tcp://host:8786.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="Folder in runs/; the same name goes on.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Pure JSON on standard output.")] = False,
    config: Annotated[Path | None, typer.Option("--config", help="Settings file.")] = None,
) -> None:
    """Check parity of many scenarios or parameter sets at once. Nothing is timed. Exit 1 when anything differs."""
    from harness.commands.common import output_console, print_json, settings_from
    from harness.commands.data import ensure_data
    from harness.parity.rules import ParityRules
    from harness.sweep.session import executors, identity_of, parity_cases
    from harness.sweep.verify import NOT_TIMED, state_of
    from harness.sweep.verify import verify_many as verify

    settings = settings_from(config)
    names = scenarios or list(settings.scenarios)
    cases = parity_cases(settings, names, param or [], engine or settings.engine.name, isolation)
    for scenario in names:
        ensure_data(settings, scenario)
    folder = settings.path(settings.folders.runs) / _folder_name(name, "parity", "verify")
    identity = {case.name: [identity_of(side) for side in (case.baseline, case.candidate)] for case in cases[:1]}
    with executors(scheduler, n_jobs) as (executor, count), _progress("checks", folder) as show:
        rules = ParityRules.from_settings(settings.parity)
        verified = verify(cases, folder, rules, count, executor=executor, identity=identity, on_progress=show)
    failed = sum(1 for one in verified if not one.identical)
    if json:
        rows = [{**asdict(one), "result": state_of(one)} for one in verified]
        print_json({"folder": str(folder), "cases": rows, "not_identical": failed, "note": NOT_TIMED})
    else:
        from rich.table import Table

        table = Table("case", "result", "order events", "detail", title="Parity", title_justify="left")
        for one in verified:
            table.add_row(one.name, state_of(one), str(one.order_events), one.detail)
        console = output_console()
        console.print(table)
        console.print(f"{len(verified) - failed} of {len(verified)} identical. {NOT_TIMED}", markup=False)
    raise typer.Exit(1 if failed else 0)


def _sweep(
    settings: Settings,
    request: SweepRequest,
    folder: Path,
    scheduler: str | None,
    n_jobs: int | None,
    *,
    plots: bool,
    as_json: bool,
) -> None:
    from harness.commands.common import output_console, print_json, shown
    from harness.sweep.outputs import write_outputs
    from harness.sweep.session import run_sweep

    with _progress(request.objective, folder) as show:
        result = run_sweep(settings, request, folder, scheduler=scheduler, workers=n_jobs, on_progress=show)
    written = write_outputs(result, plots)
    if as_json:
        print_json(_document(result, written))
    else:
        output_console().print(_table(result))
        print(
            f"{len(result.rows)} trials ({result.duplicates} duplicates not run again, {result.failed} failed), "
            f"{result.evaluated} backtests in this run, {result.wall_s:.1f} s"
        )
        if result.best is not None:
            best = " ".join(f"{key}={value}" for key, value in result.best.parameters.items())
            print(f"Best: trial {result.best.number}, {request.objective} {result.best.value:g}: {best}")
        print(f"Files: {' '.join(shown(path) for path in written)}")
    if result.best is None:
        reason = next((row.reason for row in result.rows if row.reason), "")
        raise InputError(f"{folder.name}: no trial completed; the first one says: {reason}")


def _walk(
    settings: Settings, request: SweepRequest, folder: Path, scheduler: str | None, n_jobs: int | None, *, as_json: bool
) -> None:
    from harness.commands.common import output_console, print_json
    from harness.sweep.session import run_walk_forward

    with _progress(request.objective, folder) as show:
        results = run_walk_forward(
            settings,
            request,
            folder,
            _trading_days(settings, request),
            scheduler=scheduler,
            workers=n_jobs,
            on_progress=lambda window, progress: show(progress),
        )
    if as_json:
        print_json({"folder": str(folder), "windows": [_window_row(result) for result in results]})
        return
    from rich.table import Table

    table = Table(title=f"Walk-forward: {request.objective}", title_justify="left")
    for column in ("window", "train", "test", "trial", "train value", "test value", "parameters"):
        table.add_column(column)
    for result in results:
        row = _window_row(result)
        table.add_row(*(str(row[column]) for column in row))
    output_console().print(table)


def _window_row(result: WindowResult) -> dict[str, Any]:
    window, best, test = result.window, result.best, result.test
    return {
        "window": window.number,
        "train": f"{window.train[0]} to {window.train[1]}",
        "test": f"{window.test[0]} to {window.test[1]}",
        "trial": None if best is None else best.number,
        "train value": None if best is None else best.value,
        "test value": "no trial completed" if test is None else test.reason if test.value is None else test.value,
        "parameters": "" if best is None else " ".join(f"{key}={value}" for key, value in best.parameters.items()),
    }


def _trading_days(settings: Settings, request: SweepRequest) -> Sequence[Any]:
    import datetime as dt

    from harness.bench.prepare import resolve_variant
    from harness.commands.data import spec_of
    from harness.marketdata.calendar import new_york_calendar

    spec = spec_of(settings.scenario(request.scenario).data)
    given = resolve_variant(settings, request.scenario, request.variant).parameters
    names = request.date_parameters.split(",")
    first = dt.date.fromisoformat(given[names[0]]) if names[0] in given else spec.start
    last = dt.date.fromisoformat(given[names[-1]]) if names[-1] in given else spec.end
    return new_york_calendar().days(first, last)


def _document(result: SweepResult, written: list[Path]) -> dict[str, Any]:
    best = result.best
    return {
        "folder": str(result.folder),
        "trials": len(result.rows),
        "evaluated": result.evaluated,
        "failed": result.failed,
        "duplicates": result.duplicates,
        "wall_s": result.wall_s,
        "best": None
        if best is None
        else {"trial": best.number, "value": best.value, "parameters": dict(best.parameters)},
        "files": [str(path) for path in written],
    }


def _table(result: SweepResult) -> Any:
    from rich.table import Table

    sign = -1 if result.settings.maximize else 1
    ranked = sorted(
        (row for row in result.rows if row.value is not None and row.same_as is None),
        key=lambda row: (sign * (row.value or 0.0), row.number),
    )
    names = [dimension.name for dimension in result.space.dimensions]
    table = Table("trial", result.settings.objective, *names, title="Best trials", title_justify="left")
    for row in ranked[:_LISTED_TRIALS]:
        table.add_row(str(row.number), f"{row.value:g}", *(row.parameters[name] for name in names))
    return table


@contextmanager
def _progress(what: str, folder: Path) -> Iterator[Callable[[SweepProgress], None]]:
    """Shows progress, the best so far and the remaining time on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from harness.commands.common import duration

    said = -1
    interactive = sys.stderr.isatty()
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[best]}"),
        TextColumn("remaining {task.fields[remaining]}"),
        console=Console(stderr=True),
        disable=not interactive,
        transient=True,
    )
    with bar:
        task = bar.add_task(folder.name, total=None, best="", remaining="?")

        def show(progress: SweepProgress) -> None:
            nonlocal said
            best = "" if progress.best is None or progress.best.value is None else f"best {progress.best.value:g}"
            failed = f", {progress.failed} failed" if progress.failed else ""
            remaining = "?" if progress.remaining_s is None else duration(progress.remaining_s)
            bar.update(task, total=progress.total, completed=progress.done, best=best + failed, remaining=remaining)
            tenth = 10 * progress.done // max(1, progress.total)
            if not interactive and tenth != said:
                said = tenth
                _say(f"{what}: {progress.done} of {progress.total}  {best}{failed}  remaining {remaining}")

        yield show


def _folder_name(given: str | None, scenario: str, kind: str) -> str:
    from harness.bench.prepare import session_name

    if given is None:
        return session_name(f"{kind}-{scenario}")
    if Path(given).name != given or given.startswith("."):
        raise InputError(f"--name {given!r}: give a plain name; it becomes a folder among the runs")
    return given


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
