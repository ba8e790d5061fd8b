"""The catalog of a tree of results: which datasets there are, how they are named, when its manifest is believed."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.results.baseline import save_baseline
from harness.results.catalog import MANIFEST_NAME, MANIFEST_SCHEMA, DatasetKind, Entry, open_catalog
from harness.results.spans import CACHE_FOLDER
from harness.results.store import read_json, write_json
from tests.results.lean_folder import write_lean


def test_datasets_of_a_tree(tmp_path: Path) -> None:
    write_lean(tmp_path / "s" / "base" / "run_01" / "lean")
    write_lean(tmp_path / "s" / "base" / "run_02" / "lean")
    (tmp_path / "s" / "base" / "session.json").write_text("{}")
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "list.json").write_text("\ufeff [1, 2]")
    (tmp_path / "plain" / "map.json").write_text('{"a": {"b": 1.5}}')
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "x.json").write_text("{}")
    save_baseline(tmp_path / "baselines" / "quick.json", {}, tmp_path / "s" / "base" / "run_01" / "lean")
    for _ in range(2):  # looked for, then from the manifest
        assert open_catalog(tmp_path).entries == (
            Entry("baselines", "quick", DatasetKind.BASELINE, "baselines/quick.json"),
            Entry("plain", "list", DatasetKind.JSON, "plain/list.json"),
            Entry("plain", "map", DatasetKind.JSON, "plain/map.json"),
            Entry("s/base", "run_01", DatasetKind.LEAN, "s/base/run_01/lean/Algo.json"),
            Entry("s/base", "run_02", DatasetKind.LEAN, "s/base/run_02/lean/Algo.json"),
        )


def test_datasets_that_come_to_the_same_name_are_named_by_their_files_too(tmp_path: Path) -> None:
    for file in ("a/run_1/x.json", "a/run_1/y.json", "a/z.json", "a/lean/q.json", "run_3/r.json"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("{}")
    for name in (
        "session.json",
        "data-monitor-report-1.json",
        "alone-summary.json",
        "b-summary.json",
        "b.json",
        ".json",
    ):
        (tmp_path / "a" / name).write_text("{}")
    top = tmp_path.resolve().name
    assert [(entry.key, entry.kind.value, entry.file) for entry in open_catalog(tmp_path).entries] == sorted(
        [
            ("a/run_1/x", "json", "a/run_1/x.json"),
            ("a/run_1/y", "json", "a/run_1/y.json"),
            ("a/z", "json", "a/z.json"),
            ("a/q", "json", "a/lean/q.json"),
            ("a/alone-summary", "json", "a/alone-summary.json"),
            ("a/b", "lean", "a/b.json"),
            (f"{top}/run_3", "json", "run_3/r.json"),
        ]
    )


@pytest.mark.parametrize(("schema", "version"), [("another", 1), (MANIFEST_SCHEMA, 2)])
def test_a_manifest_of_another_kind_is_not_believed(tmp_path: Path, schema: str, version: int) -> None:
    write_lean(tmp_path / "a")
    made = open_catalog(tmp_path)
    manifest = tmp_path / CACHE_FOLDER / MANIFEST_NAME
    stored = read_json(manifest)
    forged = {**stored, "looked_ns": stored["looked_ns"] + 10**12, "datasets": [["x", "y", "json", "z.json"]]}
    write_json(manifest, {**forged, "schema": schema, "version": version})
    assert open_catalog(tmp_path) == made
    write_json(manifest, {**forged, "schema": MANIFEST_SCHEMA, "version": 1})
    assert [entry.key for entry in open_catalog(tmp_path).entries] == ["x/y"]  # what is up to date is believed
