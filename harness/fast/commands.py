"""The commands ``harness backtest`` and ``harness aggregate``. Heavy modules are imported when a command runs."""

from __future__ import annotations

import math
import sys
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.fast.choices import Direction, EntryAt, InputFormat, Kernel, SimMode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.fast.aggregate import Aggregate
    from harness.fast.ingest.clean import CleanOptions
    from harness.fast.phases import Hotspot
    from harness.fast.record import BenchmarkRecord
    from harness.fast.run import RunResult

BACKTEST_EPILOG = (
    "Examples:  harness backtest data/quick   harness backtest bars.parquet --verify   "
    "harness backtest data/quick --benchmark-out records/now.json"
)
AGGREGATE_EPILOG = "Examples:  harness aggregate records   harness aggregate a.json b.json --json --out summary.json"
_DATA = "Market data"
_RULE = "Strategy"
_RUN = "Run"
_TRADE_COLUMNS = (
    *("symbol", "direction", "quantity", "entry_time", "entry_price"),
    *("exit_time", "exit_price", "reason", "profit"),
)
_LISTED_HOTSPOTS = 15
_LISTED_WARNINGS = 10


def backtest(
    data: Annotated[Path, typer.Argument(help="CSV or Parquet file, a folder of them, or a Lean data folder.")],
    sim_mode: Annotated[SimMode, typer.Option(help="Whole columns, or bar by bar.", rich_help_panel=_RUN)] = (
        SimMode.BATCH
    ),
    direction: Annotated[Direction, typer.Option(help="Signals to take.", rich_help_panel=_RULE)] = Direction.BOTH,
    verify: Annotated[
        bool, typer.Option(help="Run the other mode too; exit 1 unless every trade is the same.", rich_help_panel=_RUN)
    ] = False,
    input_format: Annotated[InputFormat, typer.Option(help="How DATA is stored.", rich_help_panel=_DATA)] = (
        InputFormat.AUTO
    ),
    data_frac: Annotated[
        float, typer.Option(help="Read this fraction of each symbol's rows.", rich_help_panel=_DATA)
    ] = 1.0,
    portion: Annotated[int, typer.Option(help="Which slice of that size, counted from 1.", rich_help_panel=_DATA)] = 1,
    symbols: Annotated[
        str | None, typer.Option(help="Only these symbols, separated by commas.", rich_help_panel=_DATA)
    ] = None,
    resolution: Annotated[
        str, typer.Option(help="Of a Lean folder: second, minute, hour or daily.", rich_help_panel=_DATA)
    ] = "second",
    start: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day (Lean folder).", rich_help_panel=_DATA)
    ] = None,
    end: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day (Lean folder).", rich_help_panel=_DATA)
    ] = None,
    bar_seconds: Annotated[
        int | None, typer.Option(help="Consolidate to bars of this length, such as 15.", rich_help_panel=_DATA)
    ] = None,
    hours: Annotated[
        str | None,
        typer.Option(help="Keep bars from HH:MM-HH:MM; 'all' for all (Lean: 09:30-16:00).", rich_help_panel=_DATA),
    ] = None,
    fill_gaps: Annotated[
        bool, typer.Option(help="Put flat bars where bars are missing in a session.", rich_help_panel=_DATA)
    ] = False,
    cadence: Annotated[
        float | None, typer.Option(help="Seconds between bars; found when not given.", rich_help_panel=_DATA)
    ] = None,
    cache_dir: Annotated[
        Path | None, typer.Option(help="Where parsed columns are kept.", rich_help_panel=_DATA)
    ] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Parse again, keep nothing.", rich_help_panel=_DATA)] = (
        False
    ),
    band: Annotated[
        float, typer.Option(help="Distance from the session VWAP to cross, as a fraction.", rich_help_panel=_RULE)
    ] = 0.001,
    min_range: Annotated[
        float, typer.Option(help="Least session range (high/low - 1) before an entry.", rich_help_panel=_RULE)
    ] = 0.0,
    trend_days: Annotated[
        int, typer.Option(help="Close on the signal's side of the mean of so many sessions.", rich_help_panel=_RULE)
    ] = 0,
    stop_loss: Annotated[float | None, typer.Option(help="Fraction; none: no stop.", rich_help_panel=_RULE)] = 0.005,
    take_profit: Annotated[float | None, typer.Option(help="Fraction; none: no target.", rich_help_panel=_RULE)] = 0.01,
    trailing: Annotated[
        float | None, typer.Option(help="Fraction from the best price; none: no trailing.", rich_help_panel=_RULE)
    ] = None,
    max_bars: Annotated[int | None, typer.Option(help="Exit after so many bars.", rich_help_panel=_RULE)] = None,
    max_trades: Annotated[
        int | None, typer.Option(help="Most trades a session and symbol.", rich_help_panel=_RULE)
    ] = None,
    first_entry: Annotated[str, typer.Option(help="No entry before this time.", rich_help_panel=_RULE)] = "00:00",
    last_entry: Annotated[str, typer.Option(help="No entry after this time.", rich_help_panel=_RULE)] = "24:00",
    flat: Annotated[
        str, typer.Option(help="Out at the last bar that starts before this time.", rich_help_panel=_RULE)
    ] = "24:00",
    entry: Annotated[EntryAt, typer.Option(help="Where a signal is filled.", rich_help_panel=_RULE)] = (
        EntryAt.NEXT_OPEN
    ),
    quantity: Annotated[float, typer.Option(help="Shares a trade.", rich_help_panel=_RULE)] = 100.0,
    price_decimals: Annotated[
        int, typer.Option(help="Round levels to so many decimals; -1 for none.", rich_help_panel=_RULE)
    ] = 2,
    fee_per_share: Annotated[float, typer.Option(help="Dollars, each side.", rich_help_panel=_RULE)] = 0.0,
    fee_minimum: Annotated[float, typer.Option(help="Least dollars, each side.", rich_help_panel=_RULE)] = 0.0,
    kernel: Annotated[Kernel, typer.Option(help="Code of the inner loops.", rich_help_panel=_RUN)] = Kernel.AUTO,
    workers: Annotated[int, typer.Option(help="Threads (batch) or processes (event).", rich_help_panel=_RUN)] = 1,
    deterministic: Annotated[
        bool, typer.Option(help="Fix seeds, hash seed and thread counts.", rich_help_panel=_RUN)
    ] = False,
    profile: Annotated[
        bool, typer.Option(help="Show phases and hotspots (one worker; slower).", rich_help_panel=_RUN)
    ] = False,
    benchmark_out: Annotated[
        Path | None, typer.Option(help="Write the benchmark record (JSON) here.", rich_help_panel=_RUN)
    ] = None,
    trades_out: Annotated[Path | None, typer.Option(help="Write the trades (CSV) here.", rich_help_panel=_RUN)] = None,
    json_out: Annotated[
        bool, typer.Option("--json", help="The record on standard output.", rich_help_panel=_RUN)
    ] = False,
) -> None:
    """Simulate the reference strategy's signal rule over columns of bars, many times faster than bar by bar."""
    from harness.fast import determinism
    from harness.fast.ingest.load import LoadOptions
    from harness.fast.phases import Profiler
    from harness.fast.progress import ProgressLine
    from harness.fast.record import make_record, write_record
    from harness.fast.run import RunSettings, run
    from harness.fast.strategy import StrategySettings, seconds_of_day
    from harness.fast.trades import NO_LIMIT

    if deterministic:
        code = determinism.rerun_with_fixed_hash_seed()
        if code is not None:
            raise typer.Exit(code)
        determinism.make_deterministic()
    settings = RunSettings(
        strategy=StrategySettings(
            direction=direction,
            band=band,
            min_range=min_range,
            trend_days=trend_days,
            first_entry_s=seconds_of_day(first_entry, "--first-entry"),
            last_entry_s=seconds_of_day(last_entry, "--last-entry"),
            flat_s=seconds_of_day(flat, "--flat"),
            quantity=quantity,
            stop_loss=_level(stop_loss),
            take_profit=_level(take_profit),
            trailing=_level(trailing),
            max_bars=NO_LIMIT if max_bars is None else max_bars,
            max_trades_per_session=max_trades,
            entry_at=entry,
            price_decimals=None if price_decimals == -1 else price_decimals,
            fee_per_share=fee_per_share,
            fee_minimum=fee_minimum,
        ),
        load=LoadOptions(
            input_format=input_format,
            symbols=tuple(name.strip().upper() for name in symbols.split(",") if name.strip()) if symbols else (),
            resolution=resolution,
            first_date=start.date() if start else None,
            last_date=end.date() if end else None,
            fraction=data_frac,
            portion=portion,
            clean_options=_clean_options(hours, fill_gaps, bar_seconds, cadence),
            cache_folder=None if no_cache else cache_dir or default_cache_folder(),
        ),
        mode=sim_mode,
        kernel=kernel,
        workers=1 if profile else workers,
        verify=verify,
        measure_efficiency=benchmark_out is not None and not profile,
    )
    notes = ["profiled with one worker; --workers is not used"] if profile and workers > 1 else []
    line = ProgressLine()
    profiler = Profiler(profile)
    try:
        with profiler:
            result = run(data, settings, line.update)
    finally:
        line.close()
    if trades_out is not None:
        started = time.perf_counter()
        write_trades(trades_out, result)
        result = replace(
            result, phases={**result.phases, "report": result.phases["report"] + time.perf_counter() - started}
        )
    notes += [*result.dataset.warnings, *filter(None, [result.memory.warning()])]
    hotspots = profiler.hotspots()
    record = make_record(result, settings, deterministic=deterministic, hotspots=hotspots, warnings=notes)
    if benchmark_out is not None:
        write_record(benchmark_out, record)
    if json_out:
        print(record.model_dump_json(indent=2))
    else:
        _show(record, result, hotspots)
    _show_warnings(notes)
    if result.fidelity is not None and not result.fidelity.identical:
        raise typer.Exit(1)


def aggregate(
    records: Annotated[list[Path], typer.Argument(help="Benchmark records, or folders of them.")],
    out: Annotated[Path | None, typer.Option(help="Write the summary (JSON) here.")] = None,
    json_out: Annotated[bool, typer.Option("--json", help="The summary on standard output.")] = False,
) -> None:
    """Summarise many benchmark records: median and spread of time, speed and memory of each group of like runs."""
    import json

    from harness.fast.aggregate import aggregate_files
    from harness.results.store import write_json

    summary = aggregate_files(records)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_json(out, summary.as_dict(), "harness.fast-benchmark-summary", 1)
    if json_out:
        print(json.dumps(summary.as_dict(), indent=2))
    else:
        _show_groups(summary)
    _show_warnings(summary.warnings)


def default_cache_folder() -> Path:
    """The user's cache folder for parsed columns (``XDG_CACHE_HOME`` and ``LOCALAPPDATA`` are heeded)."""
    import os

    base = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "lean-backtest-harness" / "columns"


def write_trades(path: Path, result: RunResult) -> None:
    """All trades as CSV, one line each, times in the exchange's wall clock. Raises :class:`InputError`."""
    import csv

    import numpy as np

    from harness.errors import InputError
    from harness.fast.trades import ExitReason

    names = {int(reason): reason.name.lower() for reason in ExitReason}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(
                [
                    "symbol",
                    "direction",
                    "quantity",
                    "entry_time",
                    "entry_price",
                    "exit_time",
                    "exit_price",
                    "reason",
                    "profit",
                ]
            )
            for bars in result.dataset.bars:
                trades = result.trades[bars.symbol]
                entered, exited = (
                    np.datetime_as_string(bars.time_ns[rows].astype("datetime64[ns]"), unit="s").tolist()
                    for rows in (trades.entry_index, trades.exit_index)
                )
                writer.writerows(
                    zip(
                        [bars.symbol] * len(trades),
                        trades.direction.tolist(),
                        trades.quantity.tolist(),
                        entered,
                        trades.entry_price.tolist(),
                        exited,
                        trades.exit_price.tolist(),
                        [names[reason] for reason in trades.reason.tolist()],
                        [f"{cents / 100:.2f}" for cents in trades.profit_cents.tolist()],
                        strict=True,
                    )
                )
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None


def _level(fraction: float | None) -> float:
    return math.nan if fraction is None or fraction == 0.0 else fraction


def _clean_options(hours: str | None, fill_gaps: bool, bar_seconds: int | None, cadence: float | None) -> CleanOptions:
    from harness.fast.errors import FastPathError
    from harness.fast.ingest.clean import CleanOptions
    from harness.fast.strategy import seconds_of_day

    span: tuple[int, int] | None = None
    if hours == "all":
        span = (0, 86_400)
    elif hours is not None:
        first, dash, last = hours.partition("-")
        if not dash:
            raise FastPathError(f"--hours is {hours!r}: give a span such as 09:30-16:00, or all")
        span = (seconds_of_day(first, "--hours"), seconds_of_day(last, "--hours"))
    return CleanOptions(span, fill_gaps, bar_seconds, cadence)


# What the user sees ------------------------------------------------------------------------------------------------


def _show(record: BenchmarkRecord, result: RunResult, hotspots: Sequence[Hotspot]) -> None:
    data, memory, parallel = record.dataset, record.memory, record.parallel
    part = "" if data.fraction == 1.0 else f", portion {data.portion} of fraction {data.fraction:g}"
    print(f"data       {data.source} ({data.input_format}), {len(data.symbols)} symbols{part}")
    print(
        f"rows       {data.rows_in:,} in - {data.rows_dropped:,} dropped + {data.rows_filled:,} filled = "
        f"{data.rows_out:,} out; {data.bars:,} bars; {data.gaps:,} gaps; "
        f"{data.sources_cached} of {data.sources} sources from the cache"
    )
    mode = record.mode if record.mode == "event" else f"{record.mode} ({record.kernel})"
    print(f"trades     {record.trades.count:,}, profit {record.trades.profit_cents / 100:,.2f} dollars, mode {mode}")
    phases = "  ".join(f"{name} {seconds * 1000:.1f}" for name, seconds in record.phases.items())
    print(f"phases ms  {phases}")
    efficiency = parallel.parallel_efficiency
    print(
        f"time       {record.wall_s:.3f} s, {record.bars_per_s / 1e6:.2f} million bars/s, {parallel.workers} workers"
        + (f", efficiency {efficiency:.2f}" if efficiency is not None else "")
    )
    print(
        f"memory     peak {memory.peak_bytes / 2**20:.0f} MiB, grew {memory.ratio:.2f} times the "
        f"{memory.raw_bytes / 2**20:.0f} MiB of bars"
    )
    if result.fidelity is not None:
        print(result.fidelity)
    if hotspots:
        print(f"\n{'own ms':>9} {'total ms':>9} {'calls':>9}  hotspot")
        for spot in hotspots[:_LISTED_HOTSPOTS]:
            print(
                f"{spot.own_s * 1000:9.1f} {spot.cumulative_s * 1000:9.1f} {spot.calls:9,}  "
                f"{spot.function} ({spot.file}:{spot.line})"
            )


def _show_groups(summary: Aggregate) -> None:
    print(f"{summary.records} records, {len(summary.groups)} groups")
    print(
        f"{'mode':6} {'kernel':6} {'data':20} {'bars':>11} {'frac':>5} {'wrk':>3} {'runs':>4} {'trades':>8} "
        f"{'median s':>9} {'min s':>9} {'max s':>9} {'Mbars/s':>8} {'memory':>6} {'eff':>5}"
    )
    for group in summary.groups:
        efficiency = f"{group.parallel_efficiency:5.2f}" if group.parallel_efficiency is not None else "    -"
        wall = group.wall_s
        print(
            f"{group.mode:6} {group.kernel:6} {group.source[:20]:20} {group.bars:11,} {group.fraction:5g} "
            f"{group.workers:3} {group.runs:4} {group.trades:8,} {wall.median:9.4f} {wall.minimum:9.4f} "
            f"{wall.maximum:9.4f} {group.bars_per_s.median / 1e6:8.2f} {group.memory_ratio.median:6.2f} {efficiency}"
        )


def _show_warnings(warnings: Sequence[str]) -> None:
    for text in warnings[:_LISTED_WARNINGS]:
        print(f"warning: {text}", file=sys.stderr)
    if len(warnings) > _LISTED_WARNINGS:
        print(f"warning: and {len(warnings) - _LISTED_WARNINGS} more (see --json)", file=sys.stderr)
