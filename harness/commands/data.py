"""``harness data``: make and check market data."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.commands.common import ProgressLine, output_console, print_json, settings_from, shown
from harness.errors import InputError

if TYPE_CHECKING:
    from harness.config import DataSettings, Settings
    from harness.marketdata.spec import SynthSpec
    from harness.marketdata.synth import SynthReport


def spec_of(data: DataSettings) -> SynthSpec:
    """What the scenario's data is to contain."""
    from harness.marketdata.spec import DEFAULT_SEED, synth_spec

    more: dict[str, Any] = {} if data.history_days is None else {"history_days": data.history_days}
    seed = DEFAULT_SEED if data.seed is None else data.seed
    return synth_spec(data.symbols or None, data.start, data.end, seed, quick=data.quick, **more)


def ensure_data(settings: Settings, scenario: str, force: bool = False) -> SynthReport | None:
    """Makes the scenario's synthetic data unless it is there and intact; None when the scenario brings its own."""
    from harness.marketdata.synth import synthesize

    data = settings.scenario(scenario).data
    if not data.synthetic:
        return None
    with ProgressLine() as line:
        return synthesize(
            settings.data_folder(scenario),
            spec_of(data),
            force,
            lambda step: line.show("market data", f"{step.done} of {step.total}: {step.what}"),
        )


def synth(
    config: Path | None,
    scenario: str,
    folder: Path | None,
    changes: dict[str, Any],
    *,
    force: bool,
    as_json: bool,
) -> int:
    """Makes synthetic data for a scenario, or in ``folder`` with what ``changes`` says."""
    from harness.config import DataSettings

    settings = settings_from(config)
    given = {key: value for key, value in changes.items() if value}
    if given and folder is None:
        raise InputError(
            f"data synth: {', '.join(sorted(given))} change what scenario {scenario} has; give --folder too"
        )
    if folder is None:
        if not settings.scenario(scenario).data.synthetic:
            raise InputError(f"scenario {scenario}: brings its own data (synthetic = false); give --folder")
        report = ensure_data(settings, scenario, force)
    else:
        from harness.marketdata.synth import synthesize

        base = settings.scenario(scenario).data.model_dump()
        with ProgressLine() as line:
            report = synthesize(
                folder.resolve(),
                spec_of(DataSettings(**{**base, **given})),
                force,
                lambda step: line.show("market data", f"{step.done} of {step.total}: {step.what}"),
            )
    if report is None:
        return 0
    fields = {**asdict(report), "folder": str(report.folder)}
    if as_json:
        print_json(fields)
    else:
        print(
            f"{shown(report.folder)}: {report.action}, {report.files} files, {report.size_bytes / 2**20:.1f} MiB, "
            f"{report.wall_s:.1f} s, digest {report.digest[:12]}"
        )
    return 0


def check(
    config: Path | None,
    scenario: str,
    folder: Path | None,
    *,
    symbols: list[str],
    start: date | None,
    end: date | None,
    resolution: str,
    as_json: bool,
) -> int:
    """Checks a scenario's data, or ``folder`` for ``symbols`` between two days. 0 when all is there, else 1."""
    from harness.marketdata.check import check_folder, days_between

    settings = settings_from(config)
    if folder is None:
        spec = spec_of(settings.scenario(scenario).data)
        symbols, start, end = symbols or list(spec.tickers), start or spec.start, end or spec.end
        folder = settings.data_folder(scenario)
    if not symbols or start is None or end is None:
        raise InputError("data check --folder needs --symbols, --start and --end: which data is to be there?")
    report = check_folder(folder.resolve(), symbols, resolution, days_between(start, end))
    if as_json:
        rows = [
            {**asdict(row), "date": row.date.isoformat() if row.date else None, "path": str(row.path)}
            for row in report.rows
        ]
        print_json({"folder": str(report.folder), "ok": report.is_ok, "rows": rows})
        return 0 if report.is_ok else 1
    console = output_console()
    for row in (*report.problems, *report.warnings):
        where = f"{row.symbol} {row.date or ''}".strip()
        console.print(f"{row.level}: {where} {row.what}: {row.message}", markup=False, soft_wrap=True)
    good = sum(1 for row in report.rows if row.level == "ok")
    console.print(
        f"{shown(report.folder)}: {good} files good, {len(report.warnings)} warnings, {len(report.problems)} problems",
        markup=False,
        soft_wrap=True,
    )
    return 0 if report.is_ok else 1
