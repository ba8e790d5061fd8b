"""Labels and the catalog of results: order, choice and the words of a refusal."""

from __future__ import annotations

import os
import re
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from harness.errors import DamagedError, InputError
from harness.results.baseline import save_baseline
from harness.results.catalog import MANIFEST_NAME, MANIFEST_SCHEMA, DatasetKind, Entry, open_catalog
from harness.results.labels import Kind, known_labels, resolve, sessions_newest_first, variant_runs
from harness.results.lean_results import result_ids_among
from harness.results.spans import CACHE_FOLDER, SectionText
from harness.results.store import read_json, write_json
from harness.results.test_results import ParameterError, TestResults, UnknownNameError, estimated_bytes
from tests.results.lean_folder import document, write_lean


def session(root: Path, name: str, age: int, **variants: int) -> Path:
    """A session with so many runs of each variant; the larger ``age``, the older."""
    folder = root / "runs" / name
    for variant, runs in variants.items():
        for number in range(1, runs + 1):
            write_lean(folder / variant / f"run_{number:02d}" / "lean")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "session.json").write_text("{}")
    os.utime(folder / "session.json", (10_000 - age, 10_000 - age))
    return folder


def told(root: Path, label: str, words: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(words)}$"):
        resolve(label, root)


def test_runs_come_by_number_and_nothing_else_counts(tmp_path: Path) -> None:
    for name in ("run_2", "run_10", "run_1", "run_x", "xrun_3", "run_4x", "warmup_01"):
        (tmp_path / name).mkdir()
    (tmp_path / "run_9").write_text("a file")
    assert [path.name for path in variant_runs(tmp_path)] == ["run_1", "run_2", "run_10"]
    assert variant_runs(tmp_path / "none") == []


def test_known_labels_name_each_once_newest_first(tmp_path: Path) -> None:
    session(tmp_path, "old", 500, base=1, third=1)
    session(tmp_path, "new", 100, base=1, next=1)
    (tmp_path / "runs" / "no session").mkdir()
    baselines = tmp_path / "baselines"
    lean = tmp_path / "runs" / "new" / "base" / "run_01" / "lean"
    for name in ("quick", "base"):
        save_baseline(baselines / f"{name}.json", {}, lean)
    runs = tmp_path / "runs"
    assert [path.name for path in sessions_newest_first(runs)] == ["new", "old"]
    assert known_labels(runs, baselines) == [
        "base", "next", "third", "quick", "new/base", "new/next", "old/base", "old/third",
    ]  # fmt: skip
    assert known_labels(runs, tmp_path / "none") == ["base", "next", "third", *known_labels(runs, baselines)[4:]]
    assert known_labels(tmp_path / "none", baselines) == ["base", "quick"]
    assert sessions_newest_first(tmp_path / "none") == []
    told(tmp_path, "zzzz", "'zzzz': no such label or folder; known are base, next, third, quick, new/base, new/next")
    told(tmp_path, "quik", "'quik': no such label or folder; near are quick")
    told(tmp_path / "baselines", "zzzz", "'zzzz': no such label or folder; known are none yet, run 'make bench' first")
    stored = tmp_path / "baselines" / "default.json"
    told(
        tmp_path, "baseline",
        f"no baseline: {stored} is missing and no session has one; run 'make baseline' or 'make bench'",
    )  # fmt: skip
    told(tmp_path, "runs/new", f"{tmp_path / 'runs' / 'new'}: is a session; name one of its variants "
         "(runs/new/base, runs/new/next)")  # fmt: skip
    session(tmp_path, "empty", 1)
    told(tmp_path, "empty", f"{tmp_path / 'runs' / 'empty'}: is a session; name one of its variants "
         "(none has a run yet)")  # fmt: skip


def test_what_a_label_stands_for(tmp_path: Path) -> None:
    new = session(tmp_path, "new", 100, base=2)
    session(tmp_path, "old", 500, base=3, other=1)
    found = resolve("base", tmp_path)
    assert (found.label, found.kind, found.path) == ("base", Kind.VARIANT, new / "base" / "run_02" / "lean")
    assert str(found) == f"base (session variant, {new / 'base' / 'run_02' / 'lean'})"
    assert resolve("other", tmp_path).path.parts[-4:] == ("old", "other", "run_01", "lean")
    save_baseline(tmp_path / "baselines" / "quick.json", {"n": 1}, found.path)
    stored = resolve("quick", tmp_path)
    assert (stored.kind, stored.path) == (Kind.BASELINE, tmp_path / "baselines" / "quick.json")
    assert stored.baseline is not None
    assert stored.baseline.record == {"n": 1}
    assert resolve("baseline", tmp_path, default_scenario="quick").kind is Kind.BASELINE
    for path in ((new / "base" / "run_02" / "lean").iterdir(), (new / "base" / "run_01" / "lean").iterdir()):
        for file in path:
            file.unlink()
    told(tmp_path, "new/base", f"{new / 'base'}: no run of this variant has a result; run 'harness bench' again")
    told(tmp_path, "", "'': no such label or folder; known are base, other, quick, new/base, old/base, old/other")


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
    results = TestResults(tmp_path, lazy=True, cache_size=3)
    assert results.list_strategies() == ["baselines", "plain", "s/base"]
    assert results.strategies["s/base"].list_datasets() == ["run_01", "run_02"]
    assert repr(results.strategies["s/base"]) == "StrategyResults('s/base', 2 datasets)"
    assert repr(results.datasets) == "<5 datasets: baselines/quick, plain/list, plain/map, ...>"
    assert repr(results.strategies["s/base"].datasets) == "<2 datasets: run_01, run_02>"
    assert repr(results) == f"TestResults({str(tmp_path)!r}, lazy=True, 5 datasets)"
    assert results.datasets["list"] == [1, 2]
    one = results.datasets["plain/map"]
    assert dict(one) == {"a": {"b": 1.5}}
    assert isinstance(one["a"]["b"], float)
    assert str(one.exact("a")["b"]) == "1.5"
    assert one.text("a") == b'{"b": 1.5}'
    assert repr(one) == f"Dataset('plain/map', {str(tmp_path / 'plain' / 'map.json')!r})"
    assert results.datasets["run_01"]["statistics"] == document()["statistics"]
    assert results.datasets["baselines/quick"].lean.statistics == document()["statistics"]
    assert "list" in results.datasets
    assert "nothing" not in results.datasets
    for work, words in (
        (lambda: results.datasets["plain/mop"], "no dataset 'plain/mop'; near are plain/map, plain/list"),
        (lambda: results.strategies["s/bas"], "no strategy 's/bas'; near are s/base, baselines"),
        (lambda: one["b"], "no section 'b' in plain/map; there are a"),
        (lambda: one.exact("b"), "no section 'b' in plain/map; there are a"),
        (lambda: one.text("b"), "no section 'b' in plain/map; there are a"),
    ):
        with pytest.raises(UnknownNameError) as raised:
            work()
        assert str(raised.value) == words


def test_the_cache_counts_and_forgets(tmp_path: Path) -> None:
    for name in "abcd":
        write_lean(tmp_path / name)
    with TestResults(tmp_path, lazy=True, cache_size=3) as results:
        for name in ("a", "b", "c", "a", "d"):  # b is the one used longest ago
            assert results.datasets[f"{name}/Algo"]["statistics"]["Total Orders"] == "3"
        info = results.cache_info()
        assert (info.hits, info.misses, info.evictions) == (1, 4, 1)
        assert (info.datasets, info.maximum_datasets, info.maximum_bytes) == (3, 3, None)
        assert info.bytes > 0
        sizes = {name: results.datasets[f"{name}/Algo"].cached_bytes > 0 for name in "acdb"}
        assert sizes == {"a": True, "c": True, "d": True, "b": False}
    assert (results.cache_info().hits, results.cache_info().bytes, results.cache_info().datasets) == (0, 0, 0)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"lazy": 1}, "lazy is 1; give True or False"),
        ({"cache_size": 0}, "cache_size is 0; give a whole number of at least 1"),
        ({"cache_size": True}, "cache_size is True; give a whole number of at least 1"),
        ({"cache_bytes": 0}, "cache_bytes is 0; give a whole number of at least 1, or None"),
        ({"cache_bytes": 1.5}, "cache_bytes is 1.5; give a whole number of at least 1, or None"),
        ({"test_path": ""}, "test_path is ''; give the folder that holds the results"),
        ({"test_path": 3}, "test_path is 3; give the folder that holds the results"),
    ],
)
def test_parameters_that_cannot_be(tmp_path: Path, given: dict[str, object], words: str) -> None:
    with pytest.raises(ParameterError, match=f"^{re.escape(words)}$"):
        TestResults(**{"test_path": tmp_path, **given})  # type: ignore[arg-type]


def test_sections_of_a_text() -> None:
    text = SectionText(b'{"a": {"x": 1.50}, "b": [1], "n": 1e400}', Path("file.json"))
    assert text.names == ["a", "b", "n"]
    assert text.value("a") == {"x": 1.5}
    assert isinstance(text.value("a")["x"], float)
    assert text.value("a", exact=True) == {"x": Decimal("1.50")}
    assert str(text.value("a", exact=True)["x"]) == "1.50"
    assert (text.raw("a"), text.length("a")) == (b'{"x": 1.50}', 11)
    assert text.typed("b", list[int]) == [1]
    with pytest.raises(DamagedError, match=r"^file\.json, section 'b'"):
        text.typed("b", dict[str, int])
    with pytest.raises(DamagedError, match=r"^file\.json"):
        SectionText(b"[1]", Path("file.json"))


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ({"A-summary.json"}, ["A"]),
        ({"B-order-events.json", "A-order-events.json", "B.json"}, ["A", "B"]),
        ({"A-log.txt", "A.json", "other.json"}, ["A"]),
        ({"A-log.txt", "other.json"}, ["other"]),
        ({"b.json", "a.json", "x.txt"}, ["a", "b"]),
        ({"-summary.json"}, []),
        (set(), []),
    ],
)
def test_which_results_are_among_files(names: set[str], found: list[str]) -> None:
    assert result_ids_among(names) == found


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


def test_what_is_decoded_is_counted_and_shared(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_lean(tmp_path / name)
    results = TestResults(tmp_path, lazy=True, cache_size=3, cache_bytes=10**9)
    one = results.datasets["a/Algo"]
    assert one is results.datasets["a/Algo"]
    statistics = estimated_bytes(one["statistics"])
    assert one.cached_bytes == statistics
    assert one["statistics"] is one["statistics"]
    assert one.cached_bytes == statistics
    orders = estimated_bytes(one["orders"])
    assert one.cached_bytes == statistics + orders
    assert results.cache_info().bytes == one.cached_bytes
    assert (results.cache_info().maximum_bytes, results.cache_info().maximum_datasets) == (10**9, 3)
    one.release()
    assert one.cached_bytes == 0
    with pytest.raises(UnknownNameError) as raised:
        results.datasets["Algo"]
    assert str(raised.value) == "dataset 'Algo' is there 2 times: a/Algo, b/Algo"
    small = TestResults(tmp_path, lazy=True, cache_size=3, cache_bytes=1)
    assert small.datasets["a/Algo"]["orders"] is not small.datasets["a/Algo"]["orders"]  # larger than the cache
    assert small.datasets["a/Algo"] is small.datasets["a/Algo"]
    eager = TestResults(tmp_path, cache_size=3, cache_bytes=1)
    assert (eager.cache_info().maximum_datasets, eager.cache_info().maximum_bytes) == (None, None)
    assert eager.datasets["a/Algo"]["orders"] is eager.datasets["a/Algo"]["orders"]


def test_an_estimate_of_memory_counts_every_level() -> None:
    assert estimated_bytes(1.5) == sys.getsizeof(1.5)
    assert estimated_bytes("x" * 100) == sys.getsizeof("x" * 100)
    values = ["x" * 50] * 10
    assert estimated_bytes(values) == sys.getsizeof(values) + 10 * sys.getsizeof("x" * 50)
    table = {"k": 1.5, "l": values}
    keys = 2 * sys.getsizeof("k")
    assert estimated_bytes(table) == sys.getsizeof(table) + keys + sys.getsizeof(1.5) + estimated_bytes(values)
    long = [float(number) for number in range(100_000)]
    assert estimated_bytes(long) == sys.getsizeof(long) + 100_000 * sys.getsizeof(1.5)
    assert estimated_bytes([]) == sys.getsizeof([])
    assert estimated_bytes({}) == sys.getsizeof({})
