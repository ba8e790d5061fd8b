from __future__ import annotations

from dataclasses import replace

import pytest

from harness.measure.noise import MachineState, read_machine, series_warnings, warnings_for

QUIET = MachineState(
    cpu_count=4,
    load_1min=0.1,
    governor="performance",
    turbo=False,
    swap_used_bytes=0,
    memory_available_bytes=8 * 2**30,
    memory_bytes=16 * 2**30,
    steal_percent=0.0,
    battery_discharging=False,
    hottest_celsius=50.0,
)


def test_a_quiet_machine_has_no_warning() -> None:
    assert warnings_for(QUIET) == []


@pytest.mark.parametrize(
    ("change", "seen", "remedy"),
    [
        ({"load_1min": 3.0}, "load average 3.00 on 4 CPUs", "close other programs"),
        ({"governor": "powersave"}, "governor is powersave", "cpupower"),
        ({"frequency_limit_percent": 60.0}, "60 % of its frequency", "scaling_max_freq"),
        ({"turbo": True}, "turbo boost is on", "switch it off"),
        ({"memory_available_bytes": 2**28}, "256 MiB of memory available", "close other programs"),
        ({"swap_used_bytes": 12 * 2**30}, "in swap", "swapoff"),
        ({"steal_percent": 10.0}, "10 % of CPU time", "dedicated host"),
        ({"battery_discharging": True}, "on battery", "power supply"),
        ({"hottest_celsius": 95.0}, "95 °C", "cool"),
        ({"other_harness_runs": ("pid 7",)}, "pid 7", "wait for them"),
    ],
)
def test_each_sign_has_one_warning_with_its_remedy(change: dict[str, object], seen: str, remedy: str) -> None:
    lines = warnings_for(replace(QUIET, **change))  # type: ignore[arg-type]
    assert len(lines) == 1
    assert seen in lines[0]
    assert remedy in lines[0]


def test_reading_the_machine_works_here() -> None:
    state = read_machine()
    assert state.cpu_count >= 1
    assert 0 < state.memory_available_bytes <= state.memory_bytes


def test_steady_samples_have_no_warning() -> None:
    assert series_warnings("baseline", [1.0, 1.01, 0.99, 1.0, 1.01, 0.99], [0.99] * 6) == []


def test_outlier_drift_and_waiting_are_named() -> None:
    assert "run 3 is an outlier" in series_warnings("a", [1.0, 1.01, 2.0, 1.0, 1.01, 0.99], [1.0] * 6)[0]
    assert "drifts" in series_warnings("a", [1.0, 1.0, 1.0, 1.2, 1.2, 1.2], [1.0] * 6)[0]
    assert "50 % of the wall time" in series_warnings("a", [1.0, 1.01, 1.0, 1.0], [0.5] * 4)[0]
