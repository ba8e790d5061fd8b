"""``harness bisect``: the commit that broke parity or speed."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.common import ProgressLine, engine_from, print_json, settings_from
from harness.errors import EngineError, InputError

if TYPE_CHECKING:
    from harness.bench.session import Session
    from harness.bench.setup import Variant
    from harness.config import Settings
    from harness.engines.base import Engine

EPILOG = "Examples:  harness bisect --good v1.0   harness bisect --good main~20 --bad main --speed --scenario quick"
MIN_SLOWER = 1.03


def bisect(
    good: Annotated[str, typer.Option("--good", help="A commit, branch or tag that is right.")],
    bad: Annotated[str, typer.Option("--bad", help="A later one that is not.")] = "HEAD",
    speed: Annotated[
        bool, typer.Option("--speed", help="Search for what made it slower, not for a difference.")
    ] = False,
    scenario: Annotated[str, typer.Option("--scenario", "-s", help="Scenario of harness.toml.")] = "default",
    variant: Annotated[str | None, typer.Option("--variant", help="Variant; default: the candidate.")] = None,
    pairs: Annotated[int, typer.Option("--pairs", min=6, max=100, help="Pairs for each commit, with --speed.")] = 6,
    engine: Annotated[str | None, typer.Option("--engine", help="embedded, launcher or lean.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Pure JSON on standard output.")] = False,
    config: Annotated[
        Path | None, typer.Option("--config", help="Settings file; default: nearest harness.toml.")
    ] = None,
) -> None:
    """Find the first commit whose results differ from the good one's, or that is slower. Exit 0 when it is found."""
    from harness.bench.prepare import resolve_variant
    from harness.commands.data import ensure_data
    from harness.commands.sides import versions_folder
    from harness.versions.bisect import Judgement, first_bad
    from harness.versions.worktrees import Repository

    settings = settings_from(config)
    chosen = engine_from(settings, engine)
    repository = Repository.of(settings.root, versions_folder(settings))
    commits = repository.between(good, bad)
    if not commits:
        raise InputError(f"bisect: {good!r} and {bad!r} are the same commit")
    ensure_data(settings, scenario)
    here = resolve_variant(settings, scenario, variant or settings.bench.candidate)

    def version(ref: str) -> Variant:
        from dataclasses import replace

        return replace(here, algorithm_file=repository.inside(repository.checkout(ref), here.algorithm_file))

    reference = version(good)

    def compare(commit: str) -> Session:
        return _compare(settings, scenario, chosen, reference, version(commit), commit[:10], pairs if speed else 0)

    whole = compare(commits[-1])
    limit = 1.0
    if speed:
        if any(not row.identical for row in whole.rows):
            raise InputError(f"bisect: {bad!r} differs in parity from {good!r}; search for that first, without --speed")
        low, ratio = _wall(whole)
        if low <= 1 or ratio < MIN_SLOWER:
            raise InputError(
                f"bisect: {bad!r} is not certainly slower than {good!r} (ratio {ratio:.3f}, from {low:.3f})"
            )
        limit = math.sqrt(ratio)  # half way between the two, on the scale of ratios
    elif all(row.identical for row in whole.rows):
        raise InputError(f"bisect: {bad!r} gives the same results as {good!r}; search for speed with --speed?")

    def judge(commit: str) -> Judgement:
        try:
            session = compare(commit)
        except (EngineError, InputError) as error:
            _say(commit, f"skipped: {error}", json)
            return Judgement.SKIPPED
        if speed and all(row.identical for row in session.rows):
            _, ratio = _wall(session)
            judgement = Judgement.BAD if ratio > limit else Judgement.GOOD
            _say(commit, f"{judgement} (wall ratio {ratio:.3f}, limit {limit:.3f})", json)
            return judgement
        differs = any(not row.identical for row in session.rows)
        if speed and differs:
            _say(commit, "skipped: its results differ", json)
            return Judgement.SKIPPED
        judgement = Judgement.BAD if differs else Judgement.GOOD
        _say(commit, str(judgement), json)
        return judgement

    found = first_bad(commits, judge)
    if json:
        print_json(
            {"commit": found.commit, "subject": repository.subject(found.commit), "undecided": list(found.undecided),
             "judged": found.judged, "of": len(commits)}
        )  # fmt: skip
        return
    print(f"first bad commit: {found.commit}  {repository.subject(found.commit)}")
    for commit in found.undecided:
        print(f"could not be judged, may be bad too: {commit[:10]}  {repository.subject(commit)}")


def _compare(
    settings: Settings, scenario: str, engine: Engine, good: Variant, other: Variant, label: str, pairs: int
) -> Session:
    """A session of the good version against another; with no pairs its warm-up runs alone, which parity needs."""
    from dataclasses import replace

    from harness.bench.prepare import Wishes, prepare, session_name
    from harness.bench.session import load_session, run_session, start_session
    from harness.commands.bench import make_inspector

    name = session_name(label)
    setup = prepare(
        settings, scenario, engine, name, Wishes(pairs=pairs or 1, sides=(("good", good), ("other", other)))
    )
    setup = replace(setup, plan=replace(setup.plan, control_runs=0, warmups=1 if pairs else 0))
    folder = settings.path(settings.folders.runs) / "bisect" / name
    start_session(setup, folder)
    with ProgressLine() as line:
        run_session(
            folder,
            engine,
            make_inspector(setup.parity),
            (),
            lambda step: line.show(f"{label}: run {step.number} of {step.total}", step.text),
        )
    return load_session(folder)


def _wall(session: Session) -> tuple[float, float]:
    """(lower end of the interval, ratio) of the pairs' wall times."""
    figure = next((item.figure for item in session.analyse().judgements if item.quantity == "wall"), None)
    if figure is None:
        raise EngineError(f"{session.folder}: wall time was not measured")
    return figure.paired_interval.low, figure.paired_ratio


def _say(commit: str, text: str, quiet: bool) -> None:
    if not quiet:
        print(f"{commit[:10]}  {text}", flush=True)
