"""Resident memory of this process: now, and the highest since a mark."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

WARN_RATIO: Final = 1.5
WARN_FROM_BYTES: Final = 128 << 20
_STATUS: Final = Path("/proc/self/status")
_CLEAR_REFS: Final = Path("/proc/self/clear_refs")


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """``before_bytes``: resident when the run began; ``peak_bytes``: highest resident size during it;
    ``raw_bytes``: the columns of the bars that the run worked on."""

    before_bytes: int
    peak_bytes: int
    raw_bytes: int

    @property
    def growth_bytes(self) -> int:
        """What the run added at its peak."""
        return max(0, self.peak_bytes - self.before_bytes)

    @property
    def ratio(self) -> float:
        """Growth over raw data; 0 without data."""
        return self.growth_bytes / self.raw_bytes if self.raw_bytes else 0.0

    def warning(self) -> str | None:
        """A line when the ratio is above ``WARN_RATIO``; small data sets are left out, fixed costs rule there."""
        if self.raw_bytes < WARN_FROM_BYTES or self.ratio <= WARN_RATIO:
            return None
        return (
            f"memory grew by {self.growth_bytes >> 20} MiB for {self.raw_bytes >> 20} MiB of bars "
            f"({self.ratio:.2f} times, expected at most {WARN_RATIO}); use the column cache (drop --no-cache) or "
            "fewer workers"
        )


def resident_bytes() -> int:
    """Resident set size of this process now."""
    return int(psutil.Process().memory_info().rss)


def mark_peak() -> None:
    """Start the peak afresh where the kernel allows it (Linux); elsewhere it stays the peak since the start."""
    with suppress(OSError):
        if _CLEAR_REFS.exists():
            _CLEAR_REFS.write_text("5")


def peak_bytes() -> int:
    """Highest resident set size since :func:`mark_peak`, or since the process started."""
    with suppress(OSError):
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    info = psutil.Process().memory_info()
    peak = getattr(info, "peak_wset", 0)
    if not peak and sys.platform != "win32":
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return max(int(peak), int(info.rss))
