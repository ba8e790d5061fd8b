"""``harness checklist`` and ``harness log``."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.common import print_json, settings_from, shown

if TYPE_CHECKING:
    from harness.bench.session import Session
    from harness.config import Settings
    from harness.marketdata.check import CheckReport
    from harness.premerge.checklist import DataEvidence
    from harness.report.model import Report

CHECKLIST_EPILOG = "Examples:  harness checklist   harness checklist NAME --base main --output checklist.md"
LOG_EPILOG = (
    "Examples:  harness log   harness log 'Cache session VWAP' --why 'metrics -97 %, parity held' --tag PERF-12   "
    "harness log --tag PERF-12"
)
ConfigOption = Annotated[Path | None, typer.Option("--config", help="Settings file; default: nearest harness.toml.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Pure JSON on standard output.")]


def checklist(
    session: Annotated[str | None, typer.Argument(help="Name or folder; default: the latest.")] = None,
    base: Annotated[str, typer.Option("--base", help="Branch that the change will be merged into.")] = "main",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Markdown file; default: terminal.")] = None,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Write the pre-merge performance checklist. Exit 0 all met, 1 one missed, 3 evidence lacking."""
    from dataclasses import asdict

    from harness.bench.session import load_session
    from harness.commands.bench import find_session, stored_baseline
    from harness.premerge.checklist import checklist as decide
    from harness.premerge.checklist import checklist_exit_code, render_checklist
    from harness.report.model import build_report
    from harness.results.store import write_bytes

    settings = settings_from(config)
    folder = find_session(settings.path(settings.folders.runs), session)
    stored_session = load_session(folder)
    stored = stored_baseline(settings, stored_session.setup.scenario)
    report = build_report(stored_session, None if stored is None else stored.record)
    items = decide(report, _changed_files(settings.root, base), _data_evidence(settings, stored_session, report))
    text = render_checklist(report, items)
    if output is not None:
        write_bytes(output, text.encode(), durable=False)
        print(f"Checklist: {shown(output)}", file=sys.stderr if json else sys.stdout)
    if json:
        print_json({"session": report.session, "items": [asdict(item) for item in items]})
    elif output is None:
        print(text, end="")
    raise typer.Exit(checklist_exit_code(items))


def log(
    title: Annotated[str | None, typer.Argument(help="What was decided; without it, the log is shown.")] = None,
    why: Annotated[str, typer.Option("--why", help="The reason.")] = "",
    tag: Annotated[list[str] | None, typer.Option("--tag", help="Story tag; can be repeated.")] = None,
    evidence: Annotated[str, typer.Option("--evidence", help="Session, commit or link.")] = "",
    file: Annotated[Path | None, typer.Option("--file", help="Default: docs/decisions.md.")] = None,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Add a decision to docs/decisions.md, or show those there are (of a story by --tag)."""
    from dataclasses import asdict

    from harness.premerge.decisions import add_decision, read_decisions

    path = file or settings_from(config).root / "docs" / "decisions.md"
    tags = tuple(tag or ())
    if title is not None:
        found = [add_decision(path, datetime.now(UTC).date().isoformat(), title, why, tags, evidence)]
    else:
        found = [item for item in read_decisions(path) if set(tags) <= set(item.tags)]
    if json:
        print_json({"decisions": [asdict(item) for item in found]})
        return
    for item in found:
        print(f"{item.number}. {item.date} {item.title}" + "".join(f" #{name}" for name in item.tags))
        print(f"   {item.reason}" + (f" ({item.evidence})" if item.evidence else ""))
    if not found:
        print(f"{shown(path)}: no decision{' of this story' if tags else ''} yet")


def _changed_files(root: Path, base: str) -> list[str] | None:
    """Files that differ from the merge base with ``base``, committed or not; None when git cannot tell."""
    try:
        start = subprocess.run(
            ["git", "-C", str(root), "merge-base", "--end-of-options", base, "HEAD"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if start.returncode:
            return None
        done = subprocess.run(
            ["git", "-C", str(root), "diff", "--name-only", start.stdout.strip()],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    except OSError:
        return None
    return None if done.returncode else done.stdout.splitlines()


def _data_evidence(settings: Settings, session: Session, report: Report) -> DataEvidence | None:
    """What Lean's own data monitor counted in the session; else a check of the scenario's data as it is now."""
    from harness.premerge.checklist import DataEvidence

    failed = _failed_requests(report, session.folder)
    if failed is not None:
        told = f"{failed} failed data requests; `harness data check`" if failed else "no data request failed"
        return DataEvidence(failed, told)
    checked = _check_data(settings, session)
    if checked is None:
        return None
    first = f", first: {checked.problems[0].message}" if checked.problems else ""
    good = sum(row.level == "ok" for row in checked.rows)
    return DataEvidence(
        len(checked.problems),
        f"`harness data check --scenario {report.scenario}`: {good} files good, {len(checked.warnings)} warnings, "
        f"{len(checked.problems)} problems{first}",
    )


def _check_data(settings: Settings, session: Session) -> CheckReport | None:
    """The check of the data that the session ran on; None when harness.toml does not say what is to be in it."""
    from harness.commands.data import spec_of
    from harness.marketdata.check import check_folder, days_between

    setup = session.setup
    if setup.scenario not in settings.scenarios:
        return None
    data = settings.scenario(setup.scenario).data
    told = data.synthetic or (data.symbols and data.start and data.end)
    if not told or setup.data_folder.resolve() != settings.data_folder(setup.scenario).resolve():
        return None
    spec = spec_of(data)
    return check_folder(setup.data_folder, list(spec.tickers), "second", days_between(spec.start, spec.end))


def _failed_requests(report: Report, folder: Path) -> int | None:
    """Failed data requests of the first measured run of each variant; None when the engine leaves no record.

    Those that a user should know of: not the quotes of symbols that have trades only.
    """
    from harness.engines.data_requests import request_lists, telling_failures

    total = 0
    for variant in (report.baseline, report.candidate):
        run = next((run for run in report.runs if run.variant == variant and run.kind == "measured"), None)
        if run is None:
            return None
        succeeded, failed = request_lists(folder / run.folder / "lean")
        if not succeeded and not failed:
            return None
        total += len(telling_failures(succeeded, failed))
    return total
