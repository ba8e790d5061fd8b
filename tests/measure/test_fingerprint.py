from __future__ import annotations

from pathlib import Path

from harness.measure.fingerprint import (
    DATA_MANIFEST,
    folder_digest,
    resume_mismatches,
    take_fingerprint,
    time_mismatches,
)


def project(folder: Path) -> tuple[Path, Path]:
    algorithm, data = folder / "algorithm", folder / "data"
    algorithm.mkdir()
    data.mkdir()
    (algorithm / "main.py").write_text("class A: pass\n")
    (data / "bars.csv").write_text("1,2,3\n")
    return algorithm / "main.py", data


def test_equal_for_the_same_things_and_different_for_each_change(tmp_path: Path) -> None:
    algorithm, data = project(tmp_path)
    engine = {"name": "embedded", "version": "1"}
    first = take_fingerprint(engine, [algorithm], data, tmp_path)
    assert time_mismatches(first, take_fingerprint(engine, [algorithm], data, tmp_path)) == []

    other_engine = take_fingerprint({"name": "embedded", "version": "2"}, [algorithm], data, tmp_path)
    assert time_mismatches(first, other_engine) == ["engine: name=embedded version=1 against name=embedded version=2"]

    algorithm.write_text("class A: x = 1\n")
    changed = take_fingerprint(engine, [algorithm], data, tmp_path)
    assert time_mismatches(first, changed) == []  # the algorithm is what is being compared
    assert resume_mismatches(first, changed) == ["algorithm: its source files changed"]

    (data / "bars.csv").write_text("1,2,3\n4,5,6\n")
    assert [
        line.split(":")[0] for line in time_mismatches(first, take_fingerprint(engine, [algorithm], data, tmp_path))
    ] == ["market data"]


def test_the_load_is_recorded_but_not_compared(tmp_path: Path) -> None:
    algorithm, data = project(tmp_path)
    first = take_fingerprint({}, [algorithm], data, tmp_path)
    assert "load_1min" in first
    assert time_mismatches(first, {**first, "load_1min": 99.0}) == []


def test_a_manifest_stands_for_the_data(tmp_path: Path) -> None:
    algorithm, data = project(tmp_path)
    (data / DATA_MANIFEST).write_text('{"digest": "d1"}')
    first = take_fingerprint({}, [algorithm], data, tmp_path)
    (data / "bars.csv").touch()
    assert take_fingerprint({}, [algorithm], data, tmp_path)["data_digest"] == first["data_digest"] == "d1"


def test_folder_digest_covers_names_and_contents_but_not_caches(tmp_path: Path) -> None:
    algorithm, _ = project(tmp_path)
    first = folder_digest(algorithm.parent, (".py",))
    cache = algorithm.parent / "__pycache__"
    cache.mkdir()
    (cache / "x.py").write_text("1")
    assert folder_digest(algorithm.parent, (".py",)) == first
    algorithm.rename(algorithm.with_name("other.py"))
    assert folder_digest(algorithm.parent, (".py",)) != first


def test_memory_is_the_same_machine_s_within_what_its_kernel_keeps() -> None:
    def machine(size: object) -> dict[str, object]:
        return {"memory_bytes": size}

    gib = 2**30
    assert time_mismatches(machine(24 * gib), machine(24 * gib - 4096)) == []
    assert time_mismatches(machine(100), machine(99)) == []
    assert time_mismatches(machine(98), machine(100)) == ["memory: 98 against 100"]
    assert time_mismatches(machine(24 * gib), machine("")) == [f"memory: {24 * gib} against unknown"]
    assert time_mismatches(machine(24 * gib), {}) != []
