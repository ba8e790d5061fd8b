"""Damage to stored files: every bit of small ones, one bit at every offset of larger ones, a cut at every length.

After each the reader gives exactly what was stored, or tells the damage in one line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from harness.errors import HarnessError

SMALL_BYTES = 2048
READERS = ("document", "rows", "baseline", "column_cache")


def damaged(whole: bytes, stride: int) -> Iterator[tuple[str, bytes]]:
    """Every damaged form of ``whole`` with its name; of every ``stride``-th place only."""
    for length in range(0, len(whole), stride):
        yield f"cut to {length} bytes", whole[:length]
    for offset in range(0, len(whole), stride):
        for bit in range(8) if len(whole) <= SMALL_BYTES else (offset % 8,):
            flipped = bytearray(whole)
            flipped[offset] ^= 1 << bit
            yield f"bit {bit} of byte {offset} flipped", bytes(flipped)


def damage(scratch: Path, stride: int, wanted: Callable[[str], bool]) -> Iterator[tuple[str, int, list[str]]]:
    """(kind of file, cases, violations) for each kind that is ``wanted``."""
    from tests.fuzz.targets import TARGETS, call

    for name in READERS:
        if not wanted(f"damage: {name}"):
            continue
        folder = scratch / f"damage-{name}"
        folder.mkdir()
        target, cases, violations = TARGETS[name], 0, []
        for seed in target.seeds(folder):
            for what, data in damaged(seed, stride):
                cases += 1
                try:
                    call(target, data, folder)
                except Exception as error:
                    violations.append(f"{name}, {what}: {type(error).__name__}: {error}")
        yield f"damage: {name}", cases, violations
    if wanted("damage: history"):
        yield _history(scratch, stride)


def _history(scratch: Path, stride: int) -> tuple[str, int, list[str]]:
    from harness.history.store import append, entries
    from tests.faults.scenarios import History

    path = scratch / "damage.sqlite"
    for number in range(3):
        append(path, History.entry(number))
    stored, whole = entries(path), path.read_bytes()
    cases, violations = 0, []
    for what, data in damaged(whole, stride):
        cases += 1
        path.write_bytes(data)
        try:
            if entries(path) != stored:
                violations.append(f"history, {what}: other entries")
        except HarnessError as error:
            if "\n" in str(error):
                violations.append(f"history, {what}: {error}")
        except Exception as error:
            violations.append(f"history, {what}: {type(error).__name__}: {error}")
    return "damage: history", cases, violations
