"""``harness fsck`` and ``harness results convert``: look after what is stored."""

from __future__ import annotations

from pathlib import Path

from harness.commands.common import print_json, settings_from, shown


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


def convert(folder: Path, *, as_json: bool) -> int:
    """Writes orders, order events and closed trades below ``folder`` as Parquet beside the results."""
    from harness.results.frames import convert as convert_results

    written = convert_results(folder, None if as_json else lambda path: print(shown(path)))
    if as_json:
        print_json({"files": [str(path) for path in written]})
    else:
        print(f"{len(written)} files; frames are read from them as long as the results do not change")
    return 0
