"""``harness history`` and ``harness nightly``."""

from __future__ import annotations

import sys
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.common import print_json, settings_from, shown
from harness.errors import HarnessError, InputError

if TYPE_CHECKING:
    from harness.config import Settings
    from harness.history.nightly import Suspicion
    from harness.history.store import Entry
    from harness.report.model import Report

HISTORY_EPILOG = (
    "Examples:  harness history   harness history --scenario quick --quantity memory   "
    "harness history --html trend.html"
)
NIGHTLY_EPILOG = "Examples:  harness nightly   harness nightly --scenario quick --growth 8   (cron: 0 3 * * * ...)"


class Quantity(StrEnum):
    """What a trend can show."""

    WALL = "wall"
    CPU = "CPU"
    MEMORY = "memory"


ConfigOption = Annotated[Path | None, typer.Option("--config", help="Settings file; default: nearest harness.toml.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Pure JSON on standard output.")]


def history(
    scenario: Annotated[str | None, typer.Option("--scenario", "-s", help="Only this scenario.")] = None,
    quantity: Annotated[Quantity, typer.Option("--quantity", help="What to show.", case_sensitive=False)] = (
        Quantity.WALL
    ),
    html: Annotated[Path | None, typer.Option("--html", help="Write the trend chart to this file.")] = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Make the rows of stored sessions again; other rows are kept.")
    ] = False,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show what the sessions found over time, and where the level changed. Always exit 0."""
    from harness.history.page import render_history
    from harness.history.store import entries
    from harness.history.trend import change_sentence, sparkline, trends
    from harness.results.store import write_bytes

    settings = settings_from(config)
    path = history_path(settings)
    if rebuild:
        _rebuild(settings)
    found = entries(path, scenario)
    if not found and scenario is not None and (known := {entry.scenario for entry in entries(path)}):
        raise InputError(f"scenario {scenario!r}: no session of it in the history; it has {', '.join(sorted(known))}")
    if not found:
        raise InputError(f"{path}: no session in the history yet; make one with `harness bench`, or --rebuild it")
    made = trends(found, str(quantity))
    if html is not None:
        write_bytes(html, render_history(made).encode(), durable=False)
    if json:
        document = {
            "sessions": [asdict(entry) for entry in found],
            "changes": [
                {"scenario": trend.scenario, "candidate": trend.candidate, "machine": trend.machine,
                 "session": trend.entries[change.index].session, "commit": trend.entries[change.index].commit,
                 "ratio": change.ratio, "p": change.p}
                for trend in made for change in trend.changes
            ],
        }  # fmt: skip
        print_json(document)
        return
    for trend in made:
        print(
            f"{trend.scenario}, {trend.candidate}, machine {trend.machine}: {trend.quantity} over "
            f"{len(trend.values)} sessions, {min(trend.values):.3f} to {max(trend.values):.3f} {trend.unit}"
        )
        print(f"  {sparkline(trend.values)}")
        for change in trend.changes:
            print(f"  {change_sentence(trend, change)}")
    refused = [entry for entry in found if entry.verdict == "DIFFERENT"]
    for entry in refused:
        print(f"{entry.session}: DIFFERENT, no figures")
    if html is not None:
        print(f"Chart: {shown(html)}")


def nightly(
    scenario: Annotated[str, typer.Option("--scenario", "-s", help="Scenario of harness.toml.")] = "default",
    growth: Annotated[float, typer.Option("--growth", min=0, help="Growth in percent that is allowed.")] = 5.0,
    pairs: Annotated[int | None, typer.Option("--pairs", min=1, max=1000, help="Exactly so many pairs.")] = None,
    engine: Annotated[str | None, typer.Option("--engine", help="embedded, launcher or lean.")] = None,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Run a session and hold it against the nights before. Exit 1 only for a regression that a repetition confirms
    or for a difference in parity; a missed target alone is no regression."""
    from harness.history.nightly import LEAST_NIGHTS, comparable, confirmed, suspicions
    from harness.history.store import entries

    settings = settings_from(config)
    path = history_path(settings)

    def say(line: str) -> None:
        print(f"nightly: {line}", file=sys.stderr if json else sys.stdout, flush=True)

    def end(now: Entry, nights: int, suspects: list[Suspicion], found: list[Suspicion], parity: bool) -> None:
        failed = bool(found) or not parity
        if json:
            print_json(
                {
                    "session": now.session,
                    "verdict": now.verdict,
                    "regression": failed,
                    "parity": parity,
                    "nights": nights,
                    "suspect": [asdict(item) for item in suspects],
                    "confirmed": [asdict(item) for item in found],
                }
            )
        raise typer.Exit(1 if failed else 0)

    now = _session(config, scenario, pairs, engine, quiet=json)
    known = entries(path)
    nights = len(comparable(known, now))
    if now.verdict == "DIFFERENT":
        say("parity differs; see the report of the session")
        end(now, nights, [], [], parity=False)
    first = suspicions(known, now, growth / 100)
    if not first:
        say(f"no regression against {nights} sessions" + ("" if nights >= LEAST_NIGHTS else " (3 are needed)"))
        end(now, nights, [], [], parity=True)
    for item in first:
        say(f"suspect, {item}; the session is repeated")
    again = _session(config, scenario, pairs, engine, quiet=json)
    known = [entry for entry in entries(path) if entry.session != now.session]
    both = confirmed(first, suspicions(known, again, growth / 100))
    for item in both:
        say(f"CONFIRMED regression, {item}")
    if again.verdict == "DIFFERENT":
        say("parity differs in the repetition; see the report of the session")
    elif not both:
        say("not confirmed by the repetition; no regression")
    end(again, nights, first, both, parity=again.verdict != "DIFFERENT")


def history_path(settings: Settings) -> Path:
    """Where the history lies: beside the sessions."""
    from harness.history.store import FILE_NAME

    return settings.path(settings.folders.runs) / FILE_NAME


def remember(settings: Settings, report: Report) -> None:
    """Adds a session to the history; that it cannot be written is told and does not change the verdict."""
    from harness.history.store import append, entry_of

    try:
        append(history_path(settings), entry_of(report))
    except HarnessError as error:
        print(f"attention: not added to the history: {error}", file=sys.stderr)


def _rebuild(settings: Settings) -> None:
    from harness.bench.session import load_session
    from harness.history.store import entry_of, rebuild
    from harness.report.model import build_report
    from harness.results.labels import sessions_newest_first

    def say(line: str) -> None:
        print(line, file=sys.stderr)

    made = []
    for folder in reversed(sessions_newest_first(settings.path(settings.folders.runs))):
        try:
            session = load_session(folder)
            if session.rows:
                made.append(entry_of(build_report(session)))
        except HarnessError as error:  # its row, if there is one, stays as it is
            say(f"attention: not made again: {error}")
    path = history_path(settings)
    done = rebuild(path, made)
    if done.damage:
        say(f"attention: {path} was damaged ({done.damage}); it is set aside, its good rows are kept")
    kept = f", {len(done.kept)} kept that no readable session is left of" if done.kept else ""
    say(f"history: {done.made} rows made again from their sessions{kept}")


def _session(config: Path | None, scenario: str, pairs: int | None, engine: str | None, *, quiet: bool) -> Entry:
    """Runs a session with its report on the terminal (unless ``quiet``); its entry in the history."""
    from contextlib import nullcontext, redirect_stdout

    from harness.bench.prepare import Wishes, session_name
    from harness.bench.session import load_session
    from harness.commands.bench import BenchChoice, bench, find_session
    from harness.history.store import entry_of
    from harness.report.model import build_report

    settings = settings_from(config)
    name = session_name(scenario)
    with redirect_stdout(sys.stderr) if quiet else nullcontext():
        bench(config, BenchChoice(scenario, name, False, engine), Wishes(pairs=pairs), as_json=False)
    return entry_of(build_report(load_session(find_session(settings.path(settings.folders.runs), name))))
