"""``harness profile`` and ``harness profile diff``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.common import (
    ProgressLine,
    engine_from,
    output_console,
    parse_parameters,
    print_json,
    settings_from,
    shown,
)
from harness.errors import InputError
from harness.profiling.tools import DEFAULT_RATE, Tool

if TYPE_CHECKING:
    from harness.profiling.record import ProfileRecord

EPILOG = (
    "Examples:  harness profile   harness profile --variant optimized --tool cprofile   "
    "harness profile diff runs/profile-A runs/profile-B"
)
DIFF_EPILOG = "Examples:  harness profile diff runs/profile-A runs/profile-B   harness profile diff A B --json"
ConfigOption = Annotated[Path | None, typer.Option("--config", help="Settings file; default: nearest harness.toml.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Pure JSON on standard output; progress on standard error.")]

profile_app = typer.Typer(
    help="Profile one backtest: where time and memory go. Never inside a timed run.",
    rich_markup_mode=None,
    invoke_without_command=True,
    epilog=EPILOG,
)


@profile_app.callback()
def profile(
    context: typer.Context,
    scenario: Annotated[str, typer.Option("--scenario", "-s", help="Scenario of harness.toml.")] = "default",
    quick: Annotated[bool, typer.Option("--quick", help="Short for --scenario quick.")] = False,
    variant: Annotated[str, typer.Option("--variant", help="Variant of harness.toml.")] = "baseline",
    tool: Annotated[
        list[Tool] | None,
        typer.Option(
            "--tool",
            help="py-spy and cprofile if not given (launcher: py-spy); memory traces every allocation and is slow. "
            "Can be repeated.",
        ),
    ] = None,
    rate: Annotated[int, typer.Option("--rate", min=1, max=2000, help="Samples a second (py-spy).")] = DEFAULT_RATE,
    top: Annotated[int, typer.Option("--top", min=1, max=300, help="Lines in each list.")] = 15,
    stage: Annotated[
        list[str] | None, typer.Option("--stage", help="file.py=stage: files of an algorithm with other names.")
    ] = None,
    param: Annotated[list[str] | None, typer.Option("--param", "-p", help="Algorithm parameter key=value.")] = None,
    engine: Annotated[str | None, typer.Option("--engine", help="embedded, or launcher (py-spy only).")] = None,
    output: Annotated[Path | None, typer.Option("--output", help="Folder for the profile; must be empty.")] = None,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Profile one backtest: flame graph, hotspots and memory, each by stage."""
    if context.invoked_subcommand is not None:
        return
    from harness.bench.prepare import resolve_variant, variant_request
    from harness.bench.session import refuse_problems
    from harness.bench.solo import new_folder
    from harness.commands.data import ensure_data
    from harness.measure.fingerprint import git_state
    from harness.profiling.capture import capture, tools_for
    from harness.profiling.hotspots import read_hotspots
    from harness.profiling.memory import read_memory
    from harness.profiling.record import ProfileRecord, save_profile
    from harness.profiling.samples import read_samples
    from harness.profiling.stages import DEFAULT_FILES, StageMap

    if quick and scenario not in ("default", "quick"):
        raise InputError(f"--quick is scenario quick, but --scenario says {scenario!r}; give one of them")
    name = "quick" if quick else scenario
    settings = settings_from(config)
    chosen = engine_from(settings, engine, name)
    tools = tools_for(chosen, tool or ())
    side = resolve_variant(settings, name, variant, parse_parameters(param))
    ensure_data(settings, name)
    folder = (output or new_folder(settings.path(settings.folders.runs), "profile")).resolve()
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder}: is not empty; give a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    refuse_problems(chosen.check(variant_request(settings, name, side, folder)))
    stages = StageMap(str(side.algorithm_file.parent), {**DEFAULT_FILES, **_stages(stage)})
    record = ProfileRecord(name, variant, dict(side.parameters), git_state(settings.root)[0])
    with ProgressLine() as line:
        for each in tools:
            made = capture(
                chosen,
                lambda run_folder: variant_request(settings, name, side, run_folder),
                each,
                folder,
                rate,
                lambda text, each=each: line.show(f"profiling with {each}", text),  # type: ignore[misc]
            )
            record = replace(record, files=(*record.files, *(file.name for file in made.files)))
            if each is Tool.PY_SPY:
                record = replace(record, samples=read_samples(made.files[1], stages))
            elif each is Tool.CPROFILE:
                record = replace(record, hotspots=read_hotspots(made.files[0], stages))
            else:
                record = replace(record, memory=read_memory(made.files[0], stages))
    save_profile(record, folder)
    if json:
        print_json({"folder": str(folder), **asdict(_shortened(record, top))})
        return
    _print(record, top)
    print(f"Profile: {shown(folder)} ({', '.join(record.files)})")


@profile_app.command(
    epilog="Examples:  harness profile diff runs/profile-A runs/profile-B   harness profile diff A B --json"
)
def diff(
    left: Annotated[Path, typer.Argument(help="Folder of a profile.")],
    right: Annotated[Path, typer.Argument(help="Folder of the profile to hold against it.")],
    top: Annotated[int, typer.Option("--top", min=1, max=300, help="Lines in each list.")] = 15,
    json: JsonOption = False,
) -> None:
    """Show what got faster and what got slower. Exit 0."""
    from harness.profiling.diff import Change, diff_profiles
    from harness.profiling.record import load_profile

    found = diff_profiles(load_profile(left), load_profile(right))
    if json:
        print_json(asdict(found))
        return

    def lines(title: str, changes: tuple[Change, ...]) -> None:
        if changes:
            print(title)
        for change in changes[:top]:
            before, after, delta = (_amount(value, change.unit) for value in (change.left, change.right, change.delta))
            print(f"  {delta:>12}  {before:>12} -> {after:>12}  {change.name}")

    lines("stages", found.stages)
    lines("faster", found.faster)
    lines("slower", found.slower)
    lines("memory by stage", found.memory)


def _stages(given: list[str] | None) -> dict[str, str]:
    found = {}
    for item in given or []:
        file, equals, stage = item.partition("=")
        if not equals or not file.endswith(".py") or not stage:
            raise InputError(f"--stage {item!r}: is not file.py=stage")
        found[file] = stage
    return found


def _shortened(record: ProfileRecord, top: int) -> ProfileRecord:
    return replace(
        record,
        samples=None if record.samples is None else replace(record.samples, functions=record.samples.functions[:top]),
        hotspots=None
        if record.hotspots is None
        else replace(record.hotspots, functions=record.hotspots.functions[:top]),
        memory=None if record.memory is None else replace(record.memory, allocations=record.memory.allocations[:top]),
    )


def _print(record: ProfileRecord, top: int) -> None:
    from rich.markup import escape
    from rich.table import Table

    console = output_console()

    def table(title: str, heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
        made = Table(title=title, title_justify="left", title_style="bold", pad_edge=False)
        for index, head in enumerate(heads):
            made.add_column(head, justify="left" if index == 0 else "right", no_wrap=True)
        for row in rows:
            made.add_row(*(escape(cell) for cell in row))
        console.print(made)

    if record.samples is not None:
        found = record.samples
        stages = ", ".join(f"{name} {100 * share:.0f} %" for name, share in _largest(found.stages))
        print(f"py-spy: {found.count} samples; by stage: {stages}")
        sampled = [
            (item.function, _place(item.file), f"{100 * item.own:.1f} %", f"{100 * item.cumulative:.1f} %")
            for item in found.functions[:top]
        ]
        table("Sampled functions", ("function", "file", "own", "with callees"), sampled)
    if record.hotspots is not None:
        counted = record.hotspots
        stages = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in _largest(counted.stages_s))
        print(f"cProfile: {counted.total_s:.2f} s (slowed by counting every call); by stage: {stages}")
        spots = [
            (f"{spot.function}", f"{_place(spot.file)}:{spot.line}", f"{spot.calls:,}", f"{spot.own_s:.3f} s",
             f"{spot.cumulative_s:.3f} s", spot.stage)
            for spot in counted.functions[:top]
        ]  # fmt: skip
        table("Hotspots", ("function", "file:line", "calls", "own", "cumulative", "stage"), spots)
    if record.memory is not None:
        memory = record.memory
        stages = ", ".join(f"{name} {held / 2**20:.1f} MiB" for name, held in _largest(memory.stages_bytes))
        print(f"tracemalloc: peak {memory.peak_bytes / 2**20:.1f} MiB of Python's allocations; by stage: {stages}")
        held_rows = [
            (f"{_place(spot.file)}:{spot.line}", f"{spot.held_bytes / 2**20:.2f} MiB", f"{spot.blocks:,}", spot.stage)
            for spot in memory.allocations[:top]
        ]
        table("Largest allocations", ("file:line", "held", "blocks", "stage"), held_rows)


def _largest(parts: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(parts.items(), key=lambda item: -item[1])


def _place(file: str) -> str:
    parts = Path(file).parts
    return "/".join(parts[-2:]) if len(parts) > 1 else file


def _amount(value: float, unit: str) -> str:
    if unit == "bytes":
        return f"{value / 2**20:.2f} MiB"
    return f"{100 * value:.1f} %" if unit == "share" else f"{value:.3f} s"
