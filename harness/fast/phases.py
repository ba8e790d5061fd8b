"""Where a run's time goes: phases by the clock, hotspots by cProfile."""

from __future__ import annotations

import cProfile
import pstats
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PHASES: Final = ("ingest", "indicators", "scan", "simulate", "report")


@dataclass(frozen=True, slots=True)
class Hotspot:
    """One function: calls, seconds in itself and with what it called."""

    function: str
    file: str
    line: int
    calls: int
    own_s: float
    cumulative_s: float


class PhaseClock:
    """Busy seconds per phase. With several workers the phases of one worker are added to those of the others."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = dict.fromkeys(PHASES, 0.0)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Add the time of the ``with`` block to phase ``name``."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.add(name, time.perf_counter() - start)

    def add(self, name: str, seconds: float) -> None:
        """Add ``seconds`` to phase ``name``."""
        self.seconds[name] += seconds


class Profiler:
    """cProfile over a ``with`` block of the calling thread; off unless ``enabled``."""

    def __init__(self, enabled: bool) -> None:
        self._profile = cProfile.Profile() if enabled else None

    def __enter__(self) -> Profiler:
        if self._profile is not None:
            self._profile.enable()
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._profile is not None:
            self._profile.disable()

    def hotspots(self, count: int = 20) -> tuple[Hotspot, ...]:
        """The ``count`` functions with the most time of their own, most first; empty when off."""
        if self._profile is None:
            return ()
        found = []
        for (file, line, function), (_, calls, own_s, cumulative_s, _) in pstats.Stats(self._profile).stats.items():  # type: ignore[attr-defined]
            found.append(Hotspot(function, _short(file), line, calls, own_s, cumulative_s))
        found.sort(key=lambda spot: (-spot.own_s, spot.file, spot.line, spot.function))
        return tuple(found[:count])


def _short(file: str) -> str:
    """The path from the package on, so that records of two machines can be compared."""
    parts = Path(file).parts
    for root in ("harness", "site-packages"):
        if root in parts:
            return "/".join(parts[len(parts) - parts[::-1].index(root) - (root == "harness") :])
    return Path(file).name if len(parts) > 1 else file
