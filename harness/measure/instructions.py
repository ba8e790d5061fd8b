"""Instruction counts: what a run executed, whatever the machine was doing. Linux ``perf``, where it is allowed.

Counts are steadier than times but not the same thing: they know nothing of memory, disk or clock speed. They come
from a run of their own, never from a timed one, because counting costs time.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

EVENT = "instructions:u"


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether instructions can be counted here, and if not, why not and what to do."""

    available: bool
    reason: str


def availability() -> Availability:
    """Asks ``perf`` to count a trivial program."""
    if shutil.which("perf") is None:
        return Availability(False, "perf is not installed; on Debian: apt install linux-perf")
    count, reason = count_instructions(("true",), Path.cwd())
    return Availability(count is not None, reason)


def count_instructions(command: tuple[str, ...], folder: Path, time_limit_s: float = 3600) -> tuple[int | None, str]:
    """(user-space instructions of the command and its children, "") or (None, why it cannot be said)."""
    full = ["perf", "stat", "-x", ";", "-e", EVENT, "--", *command]
    try:
        done = subprocess.run(
            full,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=time_limit_s,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, f"perf could not run ({error})"
    return parse_perf(done.stderr)


def parse_perf(text: str) -> tuple[int | None, str]:
    """The count in ``perf stat -x ;`` output (``count;unit;event;...``), or None and the reason."""
    for line in text.splitlines():
        fields = line.split(";")
        if len(fields) > 2 and fields[2].startswith("instructions"):
            if fields[0].isdigit():
                return int(fields[0]), ""
            return None, f"this machine does not count instructions ({fields[0].strip('<>')})"
    if "paranoid" in text or "Permission" in text or "permission" in text:
        return None, "not permitted; run `sudo sysctl kernel.perf_event_paranoid=2`"
    return None, f"perf says: {text.strip().splitlines()[-1] if text.strip() else 'nothing'}"
