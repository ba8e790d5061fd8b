"""Attribution to stages, and the readers of what the tools leave; made-up files with known answers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import DamagedError, InputError
from harness.profiling.diff import diff_profiles
from harness.profiling.hotspots import Hotspot, Hotspots, read_hotspots
from harness.profiling.memory import read_memory
from harness.profiling.record import ProfileRecord, load_profile, save_profile
from harness.profiling.samples import read_samples
from harness.profiling.stages import DEFAULT_FILES, REMAINDER, StageMap

STAGES = StageMap("/a", DEFAULT_FILES)


def test_the_innermost_frame_of_a_stage_decides() -> None:
    assert STAGES.stage_of_stack(["/engine/orders.py", "/a/order_manager.py", "/a/strategy.py"]) == "orders"
    assert STAGES.stage_of_stack(["/engine/loop.py", "/a/main.py"]) == REMAINDER
    assert STAGES.stage_of("/elsewhere/metrics.py") is None


def test_samples_add_up_and_go_to_their_stage(tmp_path: Path) -> None:
    frames = [{"name": "loop", "file": "/e/loop.py"}, {"name": "update", "file": "/a/metrics.py"}, {"name": "sum"}]
    document = {
        "shared": {"frames": frames},
        "profiles": [{"samples": [[0], [0, 1], [0, 1, 2], []], "weights": [1, 2, 1, 5]}],
    }
    path = tmp_path / "s.json"
    path.write_text(json.dumps(document))
    found = read_samples(path, STAGES)
    assert found.count == 3
    assert found.stages == {REMAINDER: 0.25, "metrics": 0.75}
    by_name = {item.function: item for item in found.functions}
    assert (by_name["update"].own, by_name["update"].cumulative, by_name["loop"].cumulative) == (0.5, 0.75, 1.0)
    path.write_text(json.dumps({**document, "profiles": []}))
    with pytest.raises(DamagedError, match="no sample"):
        read_samples(path, STAGES)


def test_a_helper_called_from_two_stages_is_shared_between_them(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("def burn(n):\n    return sum(i * i for i in range(n))\n")
    for name, loops in (("metrics", 300_000), ("strategy", 100_000)):
        (tmp_path / f"{name}.py").write_text(f"import helper\ndef go():\n    return helper.burn({loops})\n")
    (tmp_path / "main.py").write_text(
        f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\nimport metrics, strategy\nmetrics.go(); strategy.go()\n"
    )
    # A process of its own: other tests have imported modules of these names.
    command = [sys.executable, "-m", "cProfile", "-o", str(tmp_path / "p.pstats"), str(tmp_path / "main.py")]
    subprocess.run(command, check=True)
    found = read_hotspots(tmp_path / "p.pstats", StageMap(str(tmp_path), DEFAULT_FILES))
    assert sum(found.stages_s.values()) == pytest.approx(found.total_s)
    assert found.stages_s["metrics"] > 1.5 * found.stages_s["strategy"] > 0
    burn = next(item for item in found.functions if item.function == "burn")
    assert (burn.calls, burn.stage) == (2, "metrics")
    (tmp_path / "p.pstats").write_bytes(b"no")
    with pytest.raises(DamagedError, match="not a cProfile file"):
        read_hotspots(tmp_path / "p.pstats", STAGES)


def test_memory_goes_to_the_stage_that_asked(tmp_path: Path) -> None:
    traces = [
        {"bytes": 100, "blocks": 2, "frames": [["/e/x.py", 5], ["/a/data_manager.py", 9]]},
        {"bytes": 30, "blocks": 1, "frames": [["/e/x.py", 5], ["/e/loop.py", 1]]},
    ]
    path = tmp_path / "m.json"
    path.write_text(json.dumps({"peak_bytes": 150, "traces": traces}))
    found = read_memory(path, STAGES)
    assert found.stages_bytes == {"data": 100, REMAINDER: 30}
    assert (found.peak_bytes, found.snapshot_bytes) == (150, 130)
    assert [(item.line, item.held_bytes) for item in found.allocations] == [(5, 100), (5, 30)]


def record(own_s: float, folder: str) -> ProfileRecord:
    spots = (Hotspot("update", f"/{folder}/algorithm/metrics.py", 7, 10, own_s, own_s, "metrics"),)
    return ProfileRecord("quick", "v", {}, "abc", hotspots=Hotspots(spots, {"metrics": own_s}, own_s), files=("p",))


def test_a_profile_comes_back_and_two_versions_are_held_together(tmp_path: Path) -> None:
    left, right = record(2.0, "old"), record(0.5, "new")
    save_profile(left, tmp_path)
    assert load_profile(tmp_path) == left
    found = diff_profiles(left, right)
    assert [(item.name, item.delta) for item in found.faster] == [("algorithm/metrics.py:update", -1.5)]
    assert found.slower == ()
    with pytest.raises(InputError, match="no tool in common"):
        diff_profiles(left, ProfileRecord("quick", "v", {}, "abc"))
    with pytest.raises(InputError, match="no profile"):
        load_profile(tmp_path / "none")
