"""The catalog of a tree of results: which datasets there are, how they are named, when its manifest is believed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.errors import InputError
from harness.results import catalog
from harness.results.baseline import save_baseline
from harness.results.catalog import _RACY_NS as RACY_NS
from harness.results.catalog import MANIFEST_NAME, MANIFEST_SCHEMA, DatasetKind, Entry, open_catalog
from harness.results.spans import CACHE_FOLDER
from harness.results.store import read_json, write_json
from harness.results.test_results import TestResults
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


def test_no_dataset_hides_another(tmp_path: Path) -> None:
    files = ("a/lean/q.json", "a/results/q.json", "a/q.json", "lean/q.json", "q.json", "a/x.y.json")
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(f'{{"file": "{file}"}}')
    top = tmp_path.resolve().name
    entries = open_catalog(tmp_path).entries
    assert {entry.key: entry.file for entry in entries} == {
        "a/a/lean/q": "a/lean/q.json",
        "a/a/results/q": "a/results/q.json",
        "a/a/q": "a/q.json",
        "a/x.y": "a/x.y.json",
        f"{top}/lean/q": "lean/q.json",
        f"{top}/q": "q.json",
    }
    assert [entry.key for entry in entries] == sorted(entry.key for entry in entries)
    results = TestResults(tmp_path)
    assert {results.datasets[entry.key]["file"] for entry in entries} == set(files)


def test_which_files_and_folders_count(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    for name in (
        "b.json", "a.json", "lean-order-events.json", "alone-order-events.json", "lean.json", "c.txt", ".json",
        "report.json", "data-monitor-report-1.json", "x-result.json.gz", "x.json", "json",
    ):  # fmt: skip
        folder.mkdir(exist_ok=True)
        (folder / name).write_text("{}")
    (folder / "folder.json").mkdir()
    for skipped in ("code", "storage", "__pycache__", "node_modules", ".git"):
        (tmp_path / skipped).mkdir()
        (tmp_path / skipped / "x.json").write_text("{}")
    (tmp_path / "link").symlink_to(folder)
    (folder / "link.json").symlink_to(folder / "a.json")
    assert [(entry.key, entry.kind.value) for entry in open_catalog(tmp_path).entries] == [
        ("s/a", "json"),
        ("s/alone-order-events", "json"),
        ("s/b", "json"),
        ("s/lean", "lean"),
        ("s/link", "json"),
        ("s/x", "baseline"),
    ]
    assert catalog._entry(Path("/"), Path("/"), "x.json", DatasetKind.JSON).strategy == "results"
    assert catalog._entry(Path("/"), Path("/backtests"), "x.json", DatasetKind.JSON).strategy == "results"


def test_a_root_that_cannot_be_looked_through_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(InputError, match=f"^{file}: is a file; give the folder that holds the results$"):
        open_catalog(file)
    with pytest.raises(InputError, match=f"^{tmp_path / 'none'}: cannot be read \\(No such file or directory\\)$"):
        open_catalog(tmp_path / "none")

    def refuse(folder: Path) -> None:
        raise OSError("not of the operating system")

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(InputError, match=f"^{tmp_path}: cannot be read \\(not of the operating system\\)$"):
        open_catalog(tmp_path)


def test_the_manifest_as_it_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_lean(tmp_path / "a")
    wanted: list[dict[str, object]] = []
    real = catalog.write_json
    monkeypatch.setattr(catalog, "write_json", lambda *args, **given: wanted.append(given) or real(*args, **given))
    monkeypatch.setattr(catalog.time, "time_ns", lambda: 123)
    found = open_catalog(tmp_path)
    assert found.root == tmp_path
    stored = read_json(tmp_path / CACHE_FOLDER / MANIFEST_NAME, schema=MANIFEST_SCHEMA, version=1)
    assert {key: stored[key] for key in ("looked_ns", "folders", "datasets")} == {
        "looked_ns": 123,
        "folders": {".": tmp_path.stat().st_mtime_ns, "a": (tmp_path / "a").stat().st_mtime_ns},
        "datasets": [["a", "Algo", "lean", "a/Algo.json"]],
    }
    assert wanted == [{"schema": MANIFEST_SCHEMA, "durable": False}]


@pytest.mark.parametrize(
    ("changed", "believed"),
    [
        ({}, True),
        ({"folders": {".": 5, "a": 6}, "looked_ns": 6 + RACY_NS}, True),
        ({"folders": {".": 5, "a": 6}, "looked_ns": 5 + RACY_NS}, False),  # may have changed since, within its time
        ({"folders": {".": 6, "a": 6}}, False),
        ({"folders": {".": 5, "a": 5}}, False),
        ({"folders": {".": 5, "gone": 6}}, False),
        ({"folders": [".", "a"]}, False),
        ({"folders": {".": "5"}}, False),
        ({"datasets": [["x", "y", "another kind", "z.json"]]}, False),
        ({"datasets": [["x", "y", "json"]]}, False),
        ({"datasets": 1}, False),
        ({"looked_ns": None}, False),
        ({"no": "folders"}, False),
    ],
)
def test_when_a_manifest_is_believed(tmp_path: Path, changed: dict[str, object], believed: bool) -> None:
    write_lean(tmp_path / "a")
    manifest = tmp_path / CACHE_FOLDER / MANIFEST_NAME
    forged = {"looked_ns": 10**12, "folders": {".": 5, "a": 6}, "datasets": [["x", "y", "json", "z.json"]]}
    document = {key: value for key, value in {**forged, **changed}.items() if "no" not in changed or key != "folders"}
    write_json(manifest, document, schema=MANIFEST_SCHEMA)
    os.utime(tmp_path, ns=(5, 5))
    os.utime(tmp_path / "a", ns=(6, 6))
    found = open_catalog(tmp_path)
    assert found.root == tmp_path
    assert [entry.key for entry in found.entries] == (["x/y"] if believed else ["a/Algo"])
