"""The command line: one command per function, no logic. What a command does is in ``harness/commands``."""

from __future__ import annotations

import os
import signal
import sys
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from harness.commands import bisect as bisect_command
from harness.commands import history as history_command
from harness.commands import instrumentation as instrumentation_command
from harness.commands import premerge as premerge_command
from harness.commands import report as report_command
from harness.commands import sweep as sweep_command
from harness.commands.profile import profile_app
from harness.errors import HarnessError, InputError
from harness.fast import commands as fast_command

app = typer.Typer(
    name="harness",
    help="Benchmark and regression harness around QuantConnect Lean backtests: is every order the same, and is it "
    "really faster?",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Exit codes: 0 pass or identical, 1 parity or target missed, 2 usage or environment error, 3 inconclusive, "
    "130 interrupted.",
)
data_app = typer.Typer(help="Make and check market data.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(data_app, name="data")
results_app = typer.Typer(help="Stored results.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(results_app, name="results")
app.add_typer(profile_app, name="profile")


def _launcher_folder(folder: Path | None) -> Path | None:
    """The engine looks where LEAN_LAUNCHER_DIR says; the option is a shorter way to say it."""
    if folder is not None:
        os.environ["LEAN_LAUNCHER_DIR"] = str(folder.resolve())
    return folder


ConfigOption = Annotated[Path | None, typer.Option("--config", help="Settings file; default: nearest harness.toml.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Pure JSON on standard output; progress on standard error.")]
ScenarioOption = Annotated[str, typer.Option("--scenario", "-s", help="Scenario of harness.toml.")]
QuickOption = Annotated[bool, typer.Option("--quick", help="Short for --scenario quick.")]
EngineOption = Annotated[str | None, typer.Option("--engine", help="embedded, launcher or lean.")]
LauncherOption = Annotated[
    Path | None,
    typer.Option("--launcher", help="Folder of a Lean build, for --engine launcher.", callback=_launcher_folder),
]
ParamOption = Annotated[list[str] | None, typer.Option("--param", "-p", help="Algorithm parameter key=value.")]
DataOption = Annotated[Path | None, typer.Option("--data", help="Data folder in Lean's format, used as it is.")]

DEFAULT_SCENARIO = "default"


def _version(value: bool) -> None:
    if value:
        from harness import __version__

        print(f"harness {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    pass


@app.command(
    epilog="Examples:  harness bench   harness bench --quick   harness bench --adaptive --max-time 600   "
    "harness bench --resume   harness bench --quick --pairs 8 --json > report.json   "
    "harness bench --baseline-ref main --candidate-ref HEAD   "
    "harness bench --candidate-algorithm mine/main.py:Mine --candidate-params metrics=recompute"
)
def bench(
    scenario: ScenarioOption = DEFAULT_SCENARIO,
    quick: QuickOption = False,
    pairs: Annotated[int | None, typer.Option("--pairs", min=1, max=1000, help="Exactly so many pairs.")] = None,
    adaptive: Annotated[bool, typer.Option("--adaptive", help="Add pairs until the verdict is decided.")] = False,
    max_pairs: Annotated[int | None, typer.Option("--max-pairs", min=6, max=1000, help="With --adaptive.")] = None,
    max_time: Annotated[float | None, typer.Option("--max-time", min=1, help="Seconds, with --adaptive.")] = None,
    engine: EngineOption = None,
    launcher: LauncherOption = None,
    session: Annotated[str | None, typer.Option("--session", help="Name of the session.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an unfinished session.")] = False,
    cpus: Annotated[str | None, typer.Option("--cpus", help="Pin the engine to these CPUs, for example 2,3.")] = None,
    param: ParamOption = None,
    data: DataOption = None,
    baseline_ref: Annotated[str | None, typer.Option("--baseline-ref", help="Commit, branch or tag.")] = None,
    candidate_ref: Annotated[str | None, typer.Option("--candidate-ref", help="Commit, branch or tag.")] = None,
    baseline_params: Annotated[list[str] | None, typer.Option("--baseline-params", help="key=value.")] = None,
    candidate_params: Annotated[list[str] | None, typer.Option("--candidate-params", help="key=value.")] = None,
    baseline_algorithm: Annotated[str | None, typer.Option("--baseline-algorithm", help="file.py[:Class].")] = None,
    candidate_algorithm: Annotated[str | None, typer.Option("--candidate-algorithm", help="file.py[:Class].")] = None,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Measure baseline and candidate interleaved, hold every run to parity, and give a verdict."""
    from harness.bench.prepare import Wishes
    from harness.commands.bench import BenchChoice
    from harness.commands.bench import bench as command
    from harness.commands.common import parse_cpus, parse_parameters
    from harness.commands.sides import SideChoice

    if resume and (pairs or adaptive or max_pairs or max_time or param or data or cpus):
        raise InputError("--resume goes on with the plan as stored; leave out options that change it")
    if (max_pairs or max_time) and not adaptive:
        raise InputError("--max-pairs and --max-time limit adaptive sampling; give --adaptive too")
    wishes = Wishes(
        pairs=pairs,
        adaptive=adaptive,
        max_pairs=max_pairs,
        max_time_s=max_time,
        parameters=parse_parameters(param),
        data_folder=data.resolve() if data else None,
        cpu_affinity=parse_cpus(cpus),
    )
    sides = (
        SideChoice(baseline_ref, parse_parameters(baseline_params), baseline_algorithm),
        SideChoice(candidate_ref, parse_parameters(candidate_params), candidate_algorithm),
    )
    if resume and not (sides[0].empty and sides[1].empty):
        raise InputError("--resume goes on with the plan as stored; leave out options that change it")
    choice = BenchChoice(_scenario(scenario, quick), session, resume, engine, sides)
    _exit(command(config, choice, wishes, as_json=json))


@app.command(epilog="Examples:  harness baseline   harness baseline --force   harness baseline --session NAME")
def baseline(
    scenario: ScenarioOption = DEFAULT_SCENARIO,
    quick: QuickOption = False,
    runs: Annotated[int, typer.Option("--runs", min=1, max=100, help="Measured runs, after one warm-up.")] = 3,
    session: Annotated[str | None, typer.Option("--session", help="Take the runs of this session instead.")] = None,
    engine: EngineOption = None,
    launcher: LauncherOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a stored baseline that differs.")] = False,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Store the baseline variant's results and figures: what later runs are held against."""
    from harness.commands.baseline import baseline as command

    name = _scenario(scenario, quick)
    _exit(command(config, name, runs=runs, session=session, engine_name=engine, force=force, as_json=json))


@app.command(
    epilog="Examples:  harness diff baseline optimized   harness diff runs/A/baseline/run_01 path/to/lean/results"
)
def diff(
    left: Annotated[str, typer.Argument(help="Stored baseline, variant, session/variant, run or results folder.")],
    right: Annotated[str, typer.Argument(help="What to hold against it.")],
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Compare two results: order events, then every figure. Exit 0 identical, 1 different, 2 unreadable."""
    from harness.commands.diff import diff as command

    _exit(command(config, left, right, as_json=json))


@app.command(
    epilog="Examples:  harness run   harness run quick --variant optimized -p metrics=incremental   "
    "harness run --algorithm my.py --class MyAlgorithm --data path/to/lean/data"
)
def run(
    scenario: Annotated[str, typer.Argument(help="Scenario of harness.toml.")] = DEFAULT_SCENARIO,
    variant: Annotated[str, typer.Option("--variant", help="Variant of harness.toml.")] = "baseline",
    param: ParamOption = None,
    algorithm: Annotated[Path | None, typer.Option("--algorithm", help="Another algorithm's file.")] = None,
    class_name: Annotated[str | None, typer.Option("--class", help="Its class; default: the last in it.")] = None,
    data: DataOption = None,
    engine: EngineOption = None,
    launcher: LauncherOption = None,
    output: Annotated[Path | None, typer.Option("--output", help="Folder for the run; must be empty.")] = None,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Run one backtest and print its statistics and cost."""
    from harness.commands.common import parse_parameters
    from harness.commands.run import RunChoice
    from harness.commands.run import run as command

    choice = RunChoice(scenario, variant, parse_parameters(param), algorithm, class_name, data, engine, output)
    _exit(command(config, choice, as_json=json))


@app.command(epilog="Examples:  harness show   harness show --list   harness show NAME --runs")
def show(
    session: Annotated[str | None, typer.Argument(help="Name or folder; default: the latest.")] = None,
    listing: Annotated[bool, typer.Option("--list", help="One line for each session.")] = False,
    runs: Annotated[bool, typer.Option("--runs", help="Every run, and the environment.")] = False,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Print a session's report again, from what is stored. Exit 0 whatever the verdict."""
    from harness.commands.bench import show as command

    _exit(command(config, session, listing=listing, with_runs=runs, as_json=json))


@app.command(
    epilog="Examples:  harness init --algorithm MyProject/main.py   harness init --algorithm main.py --data lean/data"
    "   harness init   harness init --folder W --data path/to/lean/data"
)
def init(
    algorithm: Annotated[
        Path | None, typer.Option("--algorithm", help="Your algorithm's file: write a harness.toml for it.")
    ] = None,
    class_name: Annotated[str | None, typer.Option("--class", help="Its class; default: the last in it.")] = None,
    folder: Annotated[Path | None, typer.Option("--folder", help="Write here; default: the project's folder.")] = None,
    data: DataOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    config: ConfigOption = None,
) -> None:
    """Write a harness.toml for your own algorithm (--algorithm), or a lean.json with which `lean backtest` works
    without a login and without the network."""
    from harness.commands.init import OwnAlgorithm, init_settings
    from harness.commands.init import init as command

    if algorithm is not None:
        _exit(init_settings(folder or Path(), OwnAlgorithm(algorithm, class_name, data), force=force))
    _exit(command(config, folder, data, force=force))


@app.command(epilog="Examples:  harness doctor   harness doctor --noise   harness doctor --engine launcher")
def doctor(
    scenario: ScenarioOption = DEFAULT_SCENARIO,
    engine: EngineOption = None,
    launcher: LauncherOption = None,
    noise: Annotated[bool, typer.Option("--noise", help="Measure the noise floor (about 15 s).")] = False,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Look at settings, engine, data and machine; say what to correct. Exit 2 when a session would fail."""
    from harness.commands.doctor import doctor as command

    _exit(command(config, scenario, engine, noise=noise, as_json=json))


@app.command(
    epilog="Examples:  harness conformance   harness conformance market_minute dst_change   "
    "harness conformance --lean-source path/to/Lean"
)
def conformance(
    cases: Annotated[list[str] | None, typer.Argument(metavar="CASE", help="Only these; default: all.")] = None,
    recordings: Annotated[
        Path | None, typer.Option("--recordings", help="Recordings of real Lean; default: ../shared/conformance.")
    ] = None,
    lean_source: Annotated[Path | None, typer.Option("--lean-source", help="Lean's own algorithms instead.")] = None,
    data: DataOption = None,
    cache: Annotated[Path | None, typer.Option("--cache", help="Folder for decoded data.")] = None,
    keep: Annotated[Path | None, typer.Option("--keep", help="Keep the results here.")] = None,
    jobs: Annotated[int | None, typer.Option("--jobs", min=1, help="Processes at a time.")] = None,
    engine_command: Annotated[
        str | None, typer.Option("--engine-command", help="Another engine that takes the launcher's options.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Hold the embedded engine against recordings of real Lean. Exit 1 when anything differs."""
    import shlex

    from harness.conformance.command import conformance as command
    from harness.conformance.process import EMBEDDED

    _exit(
        command(
            recordings=recordings,
            cases=cases or [],
            lean_source=lean_source,
            data_folder=data,
            cache_folder=cache,
            keep=keep,
            jobs=jobs,
            engine=shlex.split(engine_command) if engine_command else EMBEDDED,
            as_json=json,
        )
    )


@app.command(
    epilog="Examples:  harness serve   harness serve --port 9000 --open   HARNESS_TOKEN=SECRET harness serve --host ::"
)
def serve(
    host: Annotated[str, typer.Option("--host", help="Anything but loopback needs HARNESS_TOKEN.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535)] = 8765,
    workers: Annotated[int, typer.Option("--workers", min=1, max=16, help="Runs at a time; more spoil times.")] = 1,
    rate: Annotated[float, typer.Option("--rate", min=1, help="Requests a second for each client.")] = 200.0,
    start_rate: Annotated[float, typer.Option("--start-rate", min=0.1, help="Starts a second for each client.")] = 5.0,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No line for each request.")] = False,
    config: ConfigOption = None,
) -> None:
    """Serve the API and the page over the project's runs; on this machine alone unless told otherwise."""
    from harness.server.commands import serve as command

    command(
        config,
        host=host,
        port=port,
        workers=workers,
        rate_per_s=rate,
        starts_per_s=start_rate,
        open_browser=open_browser,
        quiet=quiet,
    )


@app.command(epilog="Examples:  harness fsck   harness fsck --repair   harness fsck --json")
def fsck(
    repair: Annotated[bool, typer.Option("--repair", help="Do what loses nothing.")] = False,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Read every stored baseline, session, row file and the history; say what is damaged. Exit 1 when something is."""
    from harness.commands.fsck import fsck as command

    _exit(command(config, repair=repair, as_json=json))


@results_app.command(epilog="Examples:  harness results convert runs   harness results convert path/to/lean/backtests")
def convert(
    folder: Annotated[Path, typer.Argument(help="Lean results below this folder.")],
    json: JsonOption = False,
) -> None:
    """Store orders, order events and closed trades as Parquet beside the results."""
    from harness.commands.fsck import convert as command

    _exit(command(folder, as_json=json))


@data_app.command(epilog="Examples:  harness data synth   harness data synth --quick   harness data synth --folder D")
def synth(
    scenario: ScenarioOption = DEFAULT_SCENARIO,
    quick: QuickOption = False,
    folder: Annotated[Path | None, typer.Option("--folder", help="Write here instead.")] = None,
    symbols: Annotated[str | None, typer.Option("--symbols", help="Comma-separated; with --folder.")] = None,
    start: Annotated[datetime | None, typer.Option("--start", formats=["%Y-%m-%d"], help="With --folder.")] = None,
    end: Annotated[datetime | None, typer.Option("--end", formats=["%Y-%m-%d"], help="With --folder.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="With --folder.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace synthetic data of another kind.")] = False,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Write synthetic market data in Lean's format; kept when it is there and intact."""
    from harness.commands.data import synth as command

    changes = {
        "symbols": tuple(symbols.split(",")) if symbols else (),
        "start": start.date() if start else None,
        "end": end.date() if end else None,
        "seed": seed,
    }
    _exit(command(config, _scenario(scenario, quick), folder, changes, force=force, as_json=json))


@data_app.command(
    epilog="Examples:  harness data check   "
    "harness data check --folder D --symbols SPY --start 2013-10-07 --end 2013-10-11"
)
def check(
    scenario: ScenarioOption = DEFAULT_SCENARIO,
    quick: QuickOption = False,
    folder: Annotated[Path | None, typer.Option("--folder", help="Check this folder.")] = None,
    symbols: Annotated[str | None, typer.Option("--symbols", help="Comma-separated.")] = None,
    start: Annotated[datetime | None, typer.Option("--start", formats=["%Y-%m-%d"], help="First day.")] = None,
    end: Annotated[datetime | None, typer.Option("--end", formats=["%Y-%m-%d"], help="Last day.")] = None,
    resolution: Annotated[str, typer.Option("--resolution", help="second, minute, hour or daily.")] = "second",
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Check that market data is there, readable and in order. Exit 1 when it is not."""
    from harness.commands.data import check as command

    wanted = symbols.split(",") if symbols else []
    first, last = start.date() if start else None, end.date() if end else None
    name = _scenario(scenario, quick)
    _exit(command(config, name, folder, symbols=wanted, start=first, end=last, resolution=resolution, as_json=json))


app.command(epilog=report_command.EPILOG)(report_command.report)
app.command(epilog="Examples:  harness schema   harness schema > report.schema.json")(report_command.schema)
app.command(epilog=premerge_command.CHECKLIST_EPILOG)(premerge_command.checklist)
app.command(epilog=premerge_command.LOG_EPILOG)(premerge_command.log)
app.command(epilog=bisect_command.EPILOG)(bisect_command.bisect)
app.command(epilog=instrumentation_command.EPILOG)(instrumentation_command.instrumentation)
app.command(epilog=history_command.HISTORY_EPILOG)(history_command.history)
app.command(epilog=history_command.NIGHTLY_EPILOG)(history_command.nightly)
app.command(epilog=sweep_command.SWEEP_EPILOG)(sweep_command.sweep)
app.command("verify-many", epilog=sweep_command.VERIFY_EPILOG)(sweep_command.verify_many)
app.command(epilog=fast_command.BACKTEST_EPILOG)(fast_command.backtest)
app.command(epilog=fast_command.AGGREGATE_EPILOG)(fast_command.aggregate)


def _scenario(scenario: str, quick: bool) -> str:
    if quick and scenario not in (DEFAULT_SCENARIO, "quick"):
        raise InputError(f"--quick is scenario quick, but --scenario says {scenario!r}; give one of them")
    return "quick" if quick else scenario


def _exit(code: int) -> None:
    raise typer.Exit(code)


def _terminated(_number: int, _frame: FrameType | None) -> None:
    # A terminated harness must end its backtests as an interrupted one does.
    raise KeyboardInterrupt


def main() -> None:
    """Entry point. Every error is one line on standard error; a bug is one line too, its trace by HARNESS_DEBUG=1."""
    signal.signal(signal.SIGTERM, _terminated)
    try:
        code = app(standalone_mode=False)
    except KeyboardInterrupt:
        code = _fail("interrupted", 130)
    except HarnessError as error:
        code = _fail(str(error), error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # whoever read the output has seen enough
        code = 141
    except OSError as error:  # a full disk, a folder that cannot be written: not a bug
        where = f"{error.filename}: " if error.filename else ""
        code = _fail(f"{where}{error.strerror or error}; correct that and run the command again", 2)
    except Exception as error:
        usage = getattr(error, "format_message", None)  # a usage error of the command line library
        if os.environ.get("HARNESS_DEBUG"):
            raise
        if callable(usage):
            code = _fail(f"{usage()} (see `harness --help`)", 2)
        elif type(error).__name__ == "Abort":
            code = _fail("interrupted", 130)
        else:
            text = " ".join(f"{type(error).__name__}: {error}".split())
            code = _fail(f"internal error, please report it: {text} (HARNESS_DEBUG=1 shows the trace)", 2)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str, exit_code: int) -> int:
    print(f"harness: {' '.join(message.split())}", file=sys.stderr)
    return exit_code


if __name__ == "__main__":
    main()
