"""``harness fsck`` and ``harness results convert``: look after what is stored."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from harness.commands.common import print_json, settings_from, shown

if TYPE_CHECKING:
    from harness.results.fsck import Finding

DOCKER_ANSWER_S = 5.0
DECISIONS = Path("docs") / "decisions.md"


def fsck(config: Path | None, *, repair: bool, as_json: bool) -> int:
    """Reads every stored file and says what is damaged, left over or in use; 1 when damage is left unrepaired."""
    from harness.commands.history import history_path
    from harness.history.damage import inspect_history
    from harness.results.fsck import Check, check

    settings = settings_from(config)
    folders = settings.folders
    found = check(settings.root, settings.path(folders.runs), settings.path(folders.baselines), repair)
    if (path := history_path(settings)).exists():
        more = inspect_history(path, repair)
        found = Check(found.files + 1, found.findings if more is None else (*found.findings, more))
    found = Check(found.files, (*found.findings, *_decisions(settings.root / DECISIONS), *_containers(repair)))
    if as_json:
        rows = [
            {
                "path": str(one.path),
                "severity": str(one.severity),
                "problem": one.problem,
                "remedy": one.remedy,
                "repaired": one.repaired,
            }
            for one in found.findings
        ]
        print_json({"files": found.files, "ok": found.ok, "findings": rows})
        return 0 if found.ok else 1
    for finding in found.findings:
        print(finding)
    damaged = sum(str(one.severity) == "damaged" and not one.repaired for one in found.findings)
    advice = " (`harness fsck --repair` does what loses nothing)" if found.findings and not repair else ""
    print(f"{found.files} files read, {len(found.findings)} findings, {damaged} damaged{advice}")
    return 0 if found.ok else 1


def _decisions(path: Path) -> list[Finding]:
    from harness.errors import DamagedError
    from harness.premerge.decisions import read_decisions
    from harness.results.fsck import Finding, Severity

    try:
        read_decisions(path)
    except (DamagedError, OSError) as error:
        problem = str(error).removeprefix(f"{path}: ").split("; ")[0]
        return [Finding(path, Severity.DAMAGED, problem, "restore it from version control")]
    return []


def _containers(repair: bool) -> list[Finding]:
    """Containers of harness processes that were killed; none where no Docker engine answers."""
    from importlib.util import find_spec

    from harness.errors import EngineError
    from harness.results.fsck import Finding, Severity

    if find_spec("docker") is None:
        return []
    from harness.engines.containers import leftovers, remove_container
    from harness.engines.lean_cli import docker_client

    findings = []
    with suppress(EngineError), docker_client(timeout_s=DOCKER_ANSWER_S) as client:
        for one in leftovers(client):
            problem = "" if one.foreign or not repair else remove_container(client, one.name)
            remedy = f"`docker rm -f {one.name}` when nobody uses it" if one.foreign else "end and remove it"
            findings.append(
                Finding(
                    one.results or Path(one.name),
                    Severity.LEFTOVER,
                    f"{one}{f' (repair failed: {problem})' if problem else ''}",
                    remedy,
                    repaired=repair and not one.foreign and not problem,
                )
            )
    return findings


def convert(folder: Path, *, as_json: bool) -> int:
    """Writes orders, order events and closed trades below ``folder`` as Parquet beside the results."""
    from harness.results.frames import convert as convert_results

    written = convert_results(folder, None if as_json else lambda path: print(shown(path)))
    if as_json:
        print_json({"files": [str(path) for path in written]})
    else:
        print(f"{len(written)} files; frames are read from them as long as the results do not change")
    return 0
