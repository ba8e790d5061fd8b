"""``harness bench``, ``harness show`` and what they share: finding, running and reporting a session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
from harness.commands.sides import SideChoice, resolve_sides
from harness.errors import InputError

if TYPE_CHECKING:
    from harness.bench.evidence import LeanInspector
    from harness.bench.plan import PlanSettings
    from harness.bench.prepare import Wishes
    from harness.bench.session import Progress, Reference, Session
    from harness.config import Settings
    from harness.engines.base import Engine
    from harness.results.baseline import StoredBaseline


@dataclass(frozen=True, slots=True)
class BenchChoice:
    """Which session: a new one of ``scenario`` (named ``session`` if given), or with ``resume`` a stored one."""

    scenario: str
    session: str | None
    resume: bool
    engine: str | None
    sides: tuple[SideChoice, SideChoice] = (SideChoice(), SideChoice())


def bench(config: Path | None, choice: BenchChoice, wishes: Wishes, *, as_json: bool) -> int:
    """Runs or resumes a session, writes and prints its report; returns the verdict's exit code."""
    from harness.bench.session import run_session

    settings = settings_from(config)
    engine = engine_from(settings, choice.engine, choice.scenario)
    session = _resumed(settings, choice, engine) if choice.resume else _started(settings, choice, engine, wishes)
    for warning in session.setup.warnings:
        _tell(f"attention: {warning}")
    with ProgressLine() as line:
        done = run_session(
            session.folder,
            engine,
            make_inspector(session.setup.parity),
            # Sides that the command line named need not do what the stored baseline does.
            stored_references(settings, session.setup.scenario)
            if session.setup.plan.baseline in settings.variants
            else (),
            lambda step: line.show(*_progress_text(step)),
        )
    return report_session(settings, done, as_json=as_json, write=True)


def show(config: Path | None, name: str | None, *, listing: bool, with_runs: bool, as_json: bool) -> int:
    """Prints a stored session's report, made again from its rows; by default the latest. Always returns 0."""
    from harness.bench.session import load_session
    from harness.results.labels import sessions_newest_first

    settings = settings_from(config)
    runs = settings.path(settings.folders.runs)
    if listing:
        return _list_sessions([load_session(folder) for folder in sessions_newest_first(runs)], as_json=as_json)
    report_session(settings, load_session(find_session(runs, name)), as_json=as_json, with_runs=with_runs)
    return 0


def find_session(runs: Path, name: str | None) -> Path:
    """The session's folder by name or path; the latest when no name is given."""
    from harness.results.labels import sessions_newest_first

    if name is None:
        found = sessions_newest_first(runs)
        if not found:
            raise InputError(f"{runs}: no session yet; make one with `harness bench`")
        return found[0]
    for folder in (runs / name, Path(name)):
        if folder.is_dir():
            return folder.resolve()
    known = ", ".join(folder.name for folder in sessions_newest_first(runs)[:5]) or "none"
    raise InputError(f"session {name!r}: not in {runs}; the latest are: {known}")


def report_session(
    settings: Settings, session: Session, *, as_json: bool, write: bool = False, with_runs: bool = False
) -> int:
    """Prints the session's report (and writes it beside the session); returns the verdict's exit code."""
    from harness.commands.history import remember
    from harness.report.files import write_report
    from harness.report.model import build_report, report_to_dict

    stored = stored_baseline(settings, session.setup.scenario)
    report = build_report(session, None if stored is None else stored.record)
    written = write_report(report, session.folder) if write else []
    if write:
        remember(settings, report)
    if as_json:
        print_json(report_to_dict(report))
        return report.exit_code
    from harness.report.terminal import print_report

    print_report(report, output_console(), with_runs)
    if written:
        print(f"Report: {' '.join(shown(path) for path in written)}")
    return report.exit_code


def make_inspector(parity: Any) -> LeanInspector:
    """Looks at results by the rules of ``[parity]``."""
    from harness.bench.evidence import LeanInspector
    from harness.parity.rules import ParityRules

    return LeanInspector(ParityRules.from_settings(parity))


def stored_baseline(settings: Settings, scenario: str) -> StoredBaseline | None:
    """The scenario's stored baseline, if there is one."""
    from harness.results.baseline import load_baseline

    path = settings.path(settings.folders.baselines) / f"{scenario}.json"
    return load_baseline(path) if path.exists() else None


def stored_references(settings: Settings, scenario: str) -> Sequence[Reference]:
    """What every run is held against besides the session's own first run."""
    from harness.bench.session import Reference

    stored = stored_baseline(settings, scenario)
    return [] if stored is None else [Reference("the stored baseline", stored.results)]


def _started(settings: Settings, choice: BenchChoice, engine: Engine, wishes: Wishes) -> Session:
    from harness.bench.prepare import prepare, session_name
    from harness.bench.session import load_session, start_session

    if wishes.data_folder is None:
        ensure_data(settings, choice.scenario)
    name = choice.session or session_name(choice.scenario)
    if Path(name).name != name or name.startswith("."):
        raise InputError(f"--session {name!r}: give a plain name; it becomes a folder in {settings.folders.runs}")
    folder = settings.path(settings.folders.runs) / name
    sides = resolve_sides(settings, choice.scenario, wishes.parameters, *choice.sides)
    wishes = replace(wishes, sides=sides or wishes.sides)
    setup = prepare(settings, choice.scenario, engine, name, wishes)
    start_session(replace(setup, command=_command(choice, setup.plan, wishes)), folder)
    return load_session(folder)


def _command(choice: BenchChoice, plan: PlanSettings, wishes: Wishes) -> str:
    """What to type to measure the same again. A branch is told as the commit that it was."""
    import shlex

    words = ["harness", "bench", "--scenario", choice.scenario]

    def add(option: str, value: object) -> None:
        if value is not None:
            words.extend((option, str(value)))

    add("--engine", choice.engine)
    add("--pairs", wishes.pairs)
    if wishes.adaptive:
        words.append("--adaptive")
    add("--max-pairs", wishes.max_pairs)
    add("--max-time", None if wishes.max_time_s is None else f"{wishes.max_time_s:g}")
    add("--cpus", ",".join(map(str, wishes.cpu_affinity)) or None)
    add("--data", wishes.data_folder)
    for key, value in wishes.parameters.items():
        add("--param", f"{key}={value}")
    for word, name, side in zip(("baseline", "candidate"), (plan.baseline, plan.candidate), choice.sides, strict=True):
        add(f"--{word}-ref", None if side.ref is None else name.removeprefix(f"{word}-"))
        add(f"--{word}-algorithm", side.algorithm)
        for key, value in side.parameters.items():
            add(f"--{word}-params", f"{key}={value}")
    return shlex.join(words)


def _resumed(settings: Settings, choice: BenchChoice, engine: Engine) -> Session:
    from harness.bench.session import finished, load_session, make_request, refuse_changes, refuse_problems
    from harness.measure.fingerprint import take_fingerprint
    from harness.results.labels import sessions_newest_first

    runs = settings.path(settings.folders.runs)
    if choice.session is not None:
        session = load_session(find_session(runs, choice.session))
    else:
        stored = (load_session(folder) for folder in sessions_newest_first(runs))
        unfinished = next((item for item in stored if not finished(item)), None)
        if unfinished is None:
            raise InputError(f"{runs}: no unfinished session to resume; start one with `harness bench`")
        session = unfinished
    setup = session.setup
    # First what the engine lacks: a Docker engine that does not answer looks like another engine.
    refuse_problems(engine.check(make_request(setup, setup.plan.baseline, session.folder)))
    files = [variant.algorithm_file for variant in setup.variants.values()]
    refuse_changes(session, take_fingerprint(engine.describe(), files, setup.data_folder, settings.root))
    return session


def _progress_text(step: Progress) -> tuple[str, str]:
    remaining = "" if step.remaining_s is None else f"  remaining {duration(step.remaining_s)}"
    running = f"  running {step.text}" if step.text else ""
    return (
        f"run {step.number} of {step.total}  {step.run.folder}",
        f"elapsed {duration(step.elapsed_s)}{remaining}{running}",
    )


def _list_sessions(sessions: list[Session], *, as_json: bool) -> int:
    from harness.report.model import build_report, report_to_dict

    reports = [build_report(session) for session in sessions]
    if as_json:
        print_json({"sessions": [report_to_dict(report) for report in reports]})
        return 0
    for report in reports:
        state = report.verdict if report.finished else "unfinished"
        ratio = f"wall {report.quantities[0].ratio:.3f}" if report.quantities else ""
        print(f"{report.session}  {report.scenario}  {state}  {report.pairs} pairs  {ratio}".rstrip())
    return 0


def _tell(line: str) -> None:
    import sys

    print(line, file=sys.stderr, flush=True)
