"""Market data that a run asked for and did not find: Lean exits 0 then, and the orders are those of a poorer world.

Read from the lists that Lean's data monitor leaves in the results folder; every engine leaves them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from harness.engines.base import Outcome
from harness.engines.outcome import Ending

SHOWN = 3
# /equity/usa/second/spy/20251001_trade.zip, /equity/usa/hour/spy.zip
_DATA_FILE = re.compile(
    r"/?(?P<series>[a-z]+/[a-z]+/[a-z]+/[^/]+?)(?:/(?P<day>\d{8})_(?P<tick>trade|quote|openinterest)[^/]*)?\.zip$"
)
_BENCHMARK = "equity/usa/hour/spy"
_OTHER = {"trade": "quote", "quote": "trade"}


def judge_data(results_folder: Path, ending: Ending, *, allow_missing: bool) -> Ending:
    """``ending``, or why the data of a run that completed were not; failed requests stand in the notes."""
    if ending.outcome is not Outcome.COMPLETED:
        return ending
    succeeded, failed = request_lists(results_folder)
    lacking = missing_data(succeeded, failed)
    if failed and not succeeded and not allow_missing:
        return Ending(Outcome.MISSING_DATA, f"not one data file was found: {_shown(failed)}; check the data folder")
    if lacking and not allow_missing:
        return Ending(
            Outcome.MISSING_DATA,
            f"{_count(lacking, 'data file')} of subscribed symbols not there: {_shown(lacking)}; see `harness data "
            "check`, or set allow_missing_data = true for the scenario in harness.toml",
        )
    telling = telling_failures(succeeded, failed)
    if not telling:
        return ending
    return replace(ending, notes=(*ending.notes, f"{_count(telling, 'data request')} failed: {_shown(telling)}"))


def request_lists(results_folder: Path) -> tuple[list[str], list[str]]:
    """The data files that Lean's data monitor lists as found and as not found, sorted; empty without a list."""
    return _request_list(results_folder, "succeeded"), _request_list(results_folder, "failed")


def missing_data(succeeded: Iterable[str], failed: Iterable[str]) -> list[str]:
    """Failed requests that leave a subscribed symbol without data; sorted.

    Of one symbol, resolution and day, trades or quotes are enough: Lean asks for both and fills from what is there.
    The benchmark's own hourly file is left out, since without it only alpha and beta become zero.
    """
    found = {key for path in succeeded if (key := _key(path))}
    groups: dict[str, list[str]] = defaultdict(list)
    for path in failed:
        key = _key(path)
        if key and key not in found and not key.startswith(_BENCHMARK):
            groups[key].append(path)
    return sorted(min(paths, key=lambda path: ("_trade" not in path, path)) for paths in groups.values())


def telling_failures(succeeded: Iterable[str], failed: Iterable[str]) -> list[str]:
    """Failed requests that a user should know of: not the quotes of a symbol that has trades and no quotes at all.

    Lean asks for both kinds of every symbol, and most data folders hold one. A day without quotes among days that have
    them is another matter: fills change from quotes to trades there.
    """
    kinds = {(match["series"], match["tick"]) for path in succeeded if (match := _match(path))}

    def is_other_kind(path: str) -> bool:
        match = _match(path)
        if match is None or match["tick"] not in _OTHER:
            return False
        series, tick = match["series"], match["tick"]
        return (series, tick) not in kinds and (series, _OTHER[tick]) in kinds

    return [path for path in failed if not is_other_kind(path)]


def _request_list(folder: Path, kind: str) -> list[str]:
    lines = {
        line.strip()
        for path in folder.glob(f"{kind}-data-requests-*.txt")
        for line in path.read_text("utf-8", errors="replace").splitlines()
    }
    return sorted(line for line in lines if line)


def _key(path: str) -> str:
    match = _match(path)
    return "" if match is None else f"{match['series']}/{match['day'] or ''}"


def _match(path: str) -> re.Match[str] | None:
    return _DATA_FILE.search(path.replace("\\", "/"))


def _shown(paths: list[str]) -> str:
    more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
    return ", ".join(path.lstrip("/") for path in paths[:SHOWN]) + more


def _count(paths: list[str], word: str) -> str:
    return f"{len(paths)} {word}{'' if len(paths) == 1 else 's'}"
