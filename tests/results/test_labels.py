import os
from pathlib import Path

import pytest

from harness.errors import DamagedError, InputError
from harness.results.baseline import save_baseline
from harness.results.labels import Kind, known_labels, resolve, sessions_newest_first
from tests.results.lean_folder import document, write_lean


def session(root: Path, name: str, time_s: int, *variants: str) -> Path:
    folder = root / "runs" / name
    for variant in variants:
        for run in (1, 2):
            write_lean(folder / variant / f"run_{run:02d}" / "lean", sections=document(orders=run))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "session.json").write_text("{}")
    os.utime(folder / "session.json", (time_s, time_s))
    return folder


def test_baseline_is_the_stored_one_else_the_latest_sessions(tmp_path: Path) -> None:
    session(tmp_path, "s1", 100, "baseline", "optimized")
    found = resolve("baseline", tmp_path)
    assert (found.kind, found.path) == (Kind.VARIANT, tmp_path / "runs/s1/baseline/run_02/lean")
    save_baseline(tmp_path / "baselines" / "default.json", {}, found.path)
    found = resolve("baseline", tmp_path)
    assert found.kind is Kind.BASELINE
    assert len(found.results.orders) == 2


def test_a_variant_is_the_latest_sessions_last_run_with_a_result(tmp_path: Path) -> None:
    session(tmp_path, "s2", 100, "baseline", "optimized")
    latest = session(tmp_path, "s1", 200, "baseline", "optimized")
    session(tmp_path, "s3", 300, "baseline")
    (latest / "optimized" / "run_10" / "lean").mkdir(parents=True)
    assert [folder.name for folder in sessions_newest_first(tmp_path / "runs")] == ["s3", "s1", "s2"]
    found = resolve("optimized", tmp_path)
    assert found.path == latest / "optimized" / "run_02" / "lean"
    assert len(found.results.orders) == 2


@pytest.mark.parametrize(
    ("label", "folder", "kind"),
    [
        ("s1/optimized", "runs/s1/optimized/run_02/lean", Kind.VARIANT),
        ("s1/optimized/run_01", "runs/s1/optimized/run_01/lean", Kind.RUN),
        ("runs/s1/optimized/run_01", "runs/s1/optimized/run_01/lean", Kind.RUN),
        ("runs/s1/optimized/run_01/lean", "runs/s1/optimized/run_01/lean", Kind.LEAN_FOLDER),
        ("runs/s1/optimized/run_01/lean/Algo.json", "runs/s1/optimized/run_01/lean", Kind.LEAN_FOLDER),
        ("project", "project/backtests/2025-10-02_10-00-00", Kind.LEAN_FOLDER),
        ("project/backtests", "project/backtests/2025-10-02_10-00-00", Kind.LEAN_FOLDER),
        ("project/backtests/2025-10-01_10-00-00", "project/backtests/2025-10-01_10-00-00", Kind.LEAN_FOLDER),
        ("launcher", "launcher/results", Kind.RUN),
    ],
)
def test_paths(tmp_path: Path, label: str, folder: str, kind: Kind) -> None:
    session(tmp_path, "s1", 100, "optimized")
    for day in (1, 2):
        write_lean(tmp_path / "project" / "backtests" / f"2025-10-{day:02d}_10-00-00", "1234567890")
    write_lean(tmp_path / "launcher" / "results")
    for stray in ("runs/s1/optimized", "runs/s1/optimized/run_01", "project", "project/backtests", "launcher"):
        (tmp_path / stray / "notes.json").write_text("{}")
    for given in (label, str(tmp_path / label)):
        if given.startswith("s1/") or (tmp_path / label).exists():
            found = resolve(given, tmp_path)
            assert (found.kind, found.path.resolve()) == (kind, (tmp_path / folder).resolve())
            assert found.results.status == "Completed"


def test_a_stored_scenario_by_name_and_by_file(tmp_path: Path) -> None:
    path = tmp_path / "baselines" / "quick.json"
    save_baseline(path, {"n": 1}, write_lean(tmp_path / "lean"))
    for label in ("quick", "baselines/quick.json", str(path)):
        found = resolve(label, tmp_path)
        assert found.kind is Kind.BASELINE
        assert found.baseline is not None
        assert found.baseline.record == {"n": 1}
    path.write_text(path.read_text().replace('"n": 1', '"n": 2'))
    for label in ("quick", str(path)):
        with pytest.raises(DamagedError, match=r"quick\.json"):
            resolve(label, tmp_path)


def test_an_unknown_label_names_the_near_ones(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="make baseline"):
        resolve("baseline", tmp_path)
    with pytest.raises(InputError, match="run 'make bench' first"):
        resolve("optimized", tmp_path)
    session(tmp_path, "s1", 100, "baseline", "optimized")
    with pytest.raises(InputError, match="near are optimized"):
        resolve("optimised", tmp_path)
    with pytest.raises(InputError, match="known are baseline, optimized, s1/baseline, s1/optimized"):
        resolve("zzz", tmp_path)
    with pytest.raises(InputError, match="known are"):
        resolve("", tmp_path)
    assert known_labels(tmp_path / "runs", tmp_path / "baselines")[:2] == ["baseline", "optimized"]


def test_a_session_needs_a_variant(tmp_path: Path) -> None:
    session(tmp_path, "s1", 100, "baseline", "optimized")
    with pytest.raises(InputError, match="s1/baseline, s1/optimized"):
        resolve("s1", tmp_path)


def test_a_variant_without_a_result_says_so(tmp_path: Path) -> None:
    folder = session(tmp_path, "s1", 100)
    (folder / "baseline" / "run_01" / "lean").mkdir(parents=True)
    with pytest.raises(InputError, match="no run of this variant has a result"):
        resolve("baseline", tmp_path)
