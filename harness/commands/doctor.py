"""``harness doctor``: would a session work here, and is the machine quiet enough to believe it?"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness import __version__
from harness.commands.common import ProgressLine, engine_from, output_console, print_json, settings_from
from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.config import Settings

GOOD, ATTENTION, PROBLEM = "good", "attention", "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: ``level`` is good, attention or problem; ``text`` says what, and what to do."""

    level: str
    what: str
    text: str


def doctor(config: Path | None, scenario: str, engine: str | None, *, noise: bool, as_json: bool) -> int:
    """Prints what was found; 0 without a problem, else 2."""
    findings = list(_findings(config, scenario, engine))
    if noise:
        findings.append(_noise_floor())
    bad = any(item.level == PROBLEM for item in findings)
    if as_json:
        print_json({"ok": not bad, "findings": [asdict(item) for item in findings]})
        return 2 if bad else 0
    console = output_console()
    colours = {GOOD: "green", ATTENTION: "yellow", PROBLEM: "red"}
    for item in findings:
        console.print(f"[{colours[item.level]}]{item.level:9}[/] ", end="")
        console.print(f"{item.what}: {item.text}", markup=False, highlight=False, soft_wrap=True)
    return 2 if bad else 0


def _findings(config: Path | None, scenario: str, engine_name: str | None) -> Iterator[Finding]:
    version = sys.version.split()[0]
    good_python = sys.version_info >= (3, 11)
    yield Finding(GOOD if good_python else PROBLEM, "Python", f"{version}{'' if good_python else '; 3.11 is needed'}")
    yield Finding(GOOD, "harness", __version__)
    try:
        settings = settings_from(config)
        settings.scenario(scenario)
    except HarnessError as error:
        yield Finding(PROBLEM, "settings", str(error))
        return
    yield Finding(GOOD, "settings", f"{settings.root}: scenario {scenario}, variants {', '.join(settings.variants)}")
    yield from _engine_findings(settings, scenario, engine_name)
    yield from _coverage(settings, scenario)
    from harness.engines.doctor import rows

    for row in rows(settings):
        remedy = f"; {row.remedy}" if row.remedy else ""
        yield Finding(GOOD if row.ok else ATTENTION, row.name, f"{row.detail}{remedy}")
    yield from _machine_findings(settings)


def _engine_findings(settings: Settings, scenario: str, engine_name: str | None) -> Iterator[Finding]:
    from harness.bench.prepare import resolve_variant, variant_request

    try:
        engine = engine_from(settings, engine_name, scenario)
        described = " ".join(engine.describe().values())
    except HarnessError as error:
        yield Finding(PROBLEM, "engine", str(error))
        return
    problems: dict[str, None] = {}
    for name in settings.variants:
        variant = resolve_variant(settings, scenario, name)
        request = variant_request(settings, scenario, variant, settings.path(settings.folders.runs))
        problems.update(dict.fromkeys(engine.check(request)))
    data = settings.data_folder(scenario)
    if settings.scenario(scenario).data.synthetic and not data.exists():
        yield Finding(ATTENTION, "market data", f"{data}: not made yet; the first session makes it")
        problems = {text: None for text in problems if not text.startswith(str(data))}
    else:
        yield Finding(GOOD, "market data", str(data))
    yield from (Finding(PROBLEM, "engine", text) for text in problems)
    if not problems:
        yield Finding(GOOD, "engine", described)


def _coverage(settings: Settings, scenario: str) -> Iterator[Finding]:
    """Whether a file of each symbol and trading day is there; `harness data check` reads them."""
    from harness.commands.data import spec_of
    from harness.marketdata.calendar import read_calendar
    from harness.marketdata.lean_format import zip_path

    folder, data = settings.data_folder(scenario), settings.scenario(scenario).data
    if not folder.is_dir() or not (data.synthetic or data.symbols):
        return
    try:
        spec = spec_of(data)
        days = read_calendar(folder).days(spec.start, spec.end)
    except HarnessError as error:
        yield Finding(ATTENTION, "data coverage", str(error))
        return
    wanted = [zip_path(folder, ticker, "second", day) for ticker in spec.tickers for day in days]
    missing = [path for path in wanted if not path.is_file()]
    text = f"{len(wanted) - len(missing)} of {len(wanted)} files ({len(spec.tickers)} symbols, {len(days)} days)"
    if missing:
        yield Finding(ATTENTION, "data coverage", f"{text}; {missing[0].name} is missing: `harness data check`")
    else:
        yield Finding(GOOD, "data coverage", text)


def _machine_findings(settings: Settings) -> Iterator[Finding]:
    from harness.measure.fingerprint import cpu_model, git_state
    from harness.measure.instructions import availability
    from harness.measure.noise import read_machine, warnings_for

    runs = settings.path(settings.folders.runs)
    free_bytes = shutil.disk_usage(runs if runs.is_dir() else settings.root).free
    enough = free_bytes > 2**30
    text = f"{free_bytes / 2**30:.1f} GiB free for {runs}{'' if enough else '; free at least 1 GiB'}"
    yield Finding(GOOD if enough else ATTENTION, "disk", text)
    commit, dirty = git_state(settings.root)
    if commit:
        yield Finding(GOOD, "git", f"{commit[:12]}{' with changes that are not committed' if dirty else ''}")
    else:
        yield Finding(ATTENTION, "git", "not a repository: records will not say which version was measured")
    counting = availability()
    what = "instruction counts"
    yield (
        Finding(GOOD, what, "available")
        if counting.available
        else Finding(ATTENTION, what, f"absent: {counting.reason}")
    )
    state = read_machine()
    warnings = warnings_for(state)
    if not warnings:
        yield Finding(GOOD, "machine", f"{cpu_model()} x {state.cpu_count}, load {state.load_1min:.2f}: quiet")
    yield from (Finding(ATTENTION, "machine", warning) for warning in warnings)


def _noise_floor() -> Finding:
    from harness.bench.floor import measure_floor

    with ProgressLine() as line:
        floor = measure_floor(lambda done, total: line.show("measuring the noise floor", f"run {done} of {total}"))
    percent = 100 * (floor.ratio_floor - 1)
    text = (
        f"{floor.controls} pairs of the same work: effects under {percent:.1f} % cannot be told from none in 10 pairs "
        f"(middle ratio {floor.median_ratio:.4f})"
    )
    return Finding(GOOD if percent < 5 else ATTENTION, "noise floor", text)
