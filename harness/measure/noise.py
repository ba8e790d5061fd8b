"""Signs that this machine is too restless to time on, each with what to do about it.

``read_machine`` looks; ``warnings_for`` decides. The decision is pure, so each warning is tested without the
machine having to misbehave.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil

from harness.measure.fingerprint import cpu_governor, load_1min

BUSY_LOAD_PER_CPU = 0.5
LOW_MEMORY_FRACTION = 0.10
HOT_CELSIUS = 85.0
STEAL_FRACTION = 0.02
OUTLIER_MODIFIED_Z = 3.5
CPU_DISAGREEMENT = 0.05


@dataclass(frozen=True, slots=True)
class MachineState:
    """One look at the machine. Percentages are 0..100; ``None`` means that the machine does not tell."""

    cpu_count: int
    load_1min: float
    governor: str
    turbo: bool | None
    swap_used_bytes: int
    memory_available_bytes: int
    memory_bytes: int
    steal_percent: float
    battery_discharging: bool | None
    hottest_celsius: float | None
    other_harness_runs: tuple[str, ...] = ()
    frequency_limit_percent: float | None = None


def read_machine() -> MachineState:
    """Looks at the machine now (Linux tells most; elsewhere what psutil knows)."""
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    battery = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
    return MachineState(
        cpu_count=psutil.cpu_count() or 1,
        load_1min=load_1min(),
        governor=cpu_governor(),
        turbo=_turbo(),
        swap_used_bytes=swap.used,
        memory_available_bytes=memory.available,
        memory_bytes=memory.total,
        steal_percent=float(getattr(psutil.cpu_times_percent(interval=0.1), "steal", 0.0)),
        battery_discharging=None if battery is None else not battery.power_plugged,
        hottest_celsius=_hottest(),
        other_harness_runs=_other_runs(),
        frequency_limit_percent=_frequency_limit(),
    )


def warnings_for(state: MachineState) -> list[str]:
    """One line for each sign of trouble: what was seen, then the remedy."""
    found: list[str] = []
    if state.load_1min > BUSY_LOAD_PER_CPU * state.cpu_count:
        found.append(
            f"load average {state.load_1min:.2f} on {state.cpu_count} CPUs: close other programs, or wait until "
            f"`uptime` shows less than {BUSY_LOAD_PER_CPU * state.cpu_count:.1f}"
        )
    if state.governor and state.governor != "performance":
        found.append(
            f"CPU governor is {state.governor}: run `sudo cpupower frequency-set -g performance` for the session"
        )
    if state.frequency_limit_percent is not None and state.frequency_limit_percent < 99:
        found.append(
            f"CPU 0 may run at no more than {state.frequency_limit_percent:.0f} % of its frequency: raise "
            "/sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq, or look for a power or heat limit"
        )
    if state.turbo:
        found.append(
            "turbo boost is on, so the clock depends on heat: switch it off in the BIOS or in "
            "/sys/devices/system/cpu, or add pairs"
        )
    if state.memory_available_bytes < LOW_MEMORY_FRACTION * state.memory_bytes:
        found.append(
            f"only {state.memory_available_bytes / 2**20:.0f} MiB of memory available: close other programs, "
            "or the engine may be swapped out"
        )
    if state.swap_used_bytes > 0.5 * state.memory_bytes:
        found.append(
            f"{state.swap_used_bytes / 2**20:.0f} MiB in swap: close other programs, then "
            "`sudo swapoff -a && sudo swapon -a`"
        )
    if state.steal_percent > 100 * STEAL_FRACTION:
        found.append(
            f"{state.steal_percent:.0f} % of CPU time is taken by other virtual machines: use a dedicated host, "
            "or add pairs and judge by CPU time"
        )
    if state.battery_discharging:
        found.append("running on battery: plug in the power supply")
    if state.hottest_celsius is not None and state.hottest_celsius > HOT_CELSIUS:
        found.append(f"a sensor reads {state.hottest_celsius:.0f} °C: let the machine cool, or it will throttle")
    if state.other_harness_runs:
        found.append(
            f"other harness runs are active ({', '.join(state.other_harness_runs)}): wait for them, "
            "two sessions disturb each other"
        )
    return found


def series_warnings(label: str, wall_s: Sequence[float], cpu_s: Sequence[float]) -> list[str]:
    """What the samples of one variant say about the machine: outliers, drift, and waiting.

    Outliers by the modified z-score, 0.6745 (x - median) / MAD, above 3.5 (Iglewicz and Hoaglin 1993).
    """
    found: list[str] = []
    if len(wall_s) < 4:
        return found
    centre = median(wall_s)
    spread = median([abs(value - centre) for value in wall_s])
    if spread > 0:
        outliers = [
            index + 1
            for index, value in enumerate(wall_s)
            if 0.6745 * abs(value - centre) / spread > OUTLIER_MODIFIED_Z and abs(value / centre - 1) > 0.02
        ]
        if outliers:
            runs = ", ".join(str(item) for item in outliers)
            found.append(f"{label}: run {runs} is an outlier: find what else ran then, or repeat the session")
    half = len(wall_s) // 2
    early, late = median(wall_s[:half]), median(wall_s[-half:])
    if abs(late / early - 1) > CPU_DISAGREEMENT:
        found.append(
            f"{label}: second half {100 * (late / early - 1):+.0f} % against the first: the machine drifts "
            "(heat, other work); pairs cancel most of it, a cooler machine the rest"
        )
    waiting = 1 - median([cpu / wall for cpu, wall in zip(cpu_s, wall_s, strict=True)])
    if waiting > 0.15:
        found.append(
            f"{label}: {100 * waiting:.0f} % of the wall time was spent waiting, not computing: check disk and other "
            "work, and trust CPU time more"
        )
    return found


def _turbo() -> bool | None:
    no_turbo = Path("/sys/devices/system/cpu/intel_pstate/no_turbo")
    boost = Path("/sys/devices/system/cpu/cpufreq/boost")
    with contextlib.suppress(OSError):
        if no_turbo.exists():
            return no_turbo.read_text().strip() == "0"
        if boost.exists():
            return boost.read_text().strip() == "1"
    return None


def _frequency_limit() -> float | None:
    folder = Path("/sys/devices/system/cpu/cpu0/cpufreq")
    try:
        allowed, most = (int((folder / name).read_text()) for name in ("scaling_max_freq", "cpuinfo_max_freq"))
    except (OSError, ValueError):
        return None
    return 100 * allowed / most


def _hottest() -> float | None:
    if not hasattr(psutil, "sensors_temperatures"):
        return None
    readings = [sensor.current for group in psutil.sensors_temperatures().values() for sensor in group]
    return max(readings, default=None)


def _other_runs() -> tuple[str, ...]:
    """Engines and benchmark sessions that are not this process or its parents."""
    mine = {psutil.Process().pid, *(parent.pid for parent in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter(["pid", "cmdline"]):
        words = process.info["cmdline"] or []
        if process.info["pid"] in mine or not words:
            continue
        names = [Path(word).name for word in words[:3]]
        if "harness.embedded" in words or ("harness" in names and "bench" in words):
            found.append(f"pid {process.info['pid']}")
    return tuple(found)
