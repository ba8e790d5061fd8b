"""Lazy results: what the cache counts and holds, what is refused and in which words."""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pytest

from harness.errors import DamagedError, InputError
from harness.results import baseline
from harness.results.baseline import save_baseline
from harness.results.catalog import DatasetKind
from harness.results.spans import CACHE_FOLDER
from harness.results.test_results import ParameterError, TestResults, UnknownNameError, estimated_bytes
from tests.results.lean_folder import document, write_lean
from tests.results.test_lazy_results import age


def test_names_words_and_values_of_a_tree(tmp_path: Path) -> None:
    write_lean(tmp_path / "s" / "base" / "run_01" / "lean")
    write_lean(tmp_path / "s" / "base" / "run_02" / "lean")
    (tmp_path / "s" / "base" / "session.json").write_text("{}")
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "list.json").write_text("\ufeff [1, 2]")
    (tmp_path / "plain" / "map.json").write_text('{"a": {"b": 1.5}}')
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "x.json").write_text("{}")
    save_baseline(tmp_path / "baselines" / "quick.json", {}, tmp_path / "s" / "base" / "run_01" / "lean")
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
    for empty in ([], {}):
        assert estimated_bytes(empty) == sys.getsizeof(empty)
    assert estimated_bytes(["x"]) == sys.getsizeof(["x"]) + sys.getsizeof("x")
    assert estimated_bytes({"key": "x"}) == sys.getsizeof({"key": "x"}) + sys.getsizeof("key") + sys.getsizeof("x")


@pytest.mark.parametrize(("depth", "most"), [(0, 200), (1, 100), (2, 50), (7, 1), (8, 1), (9, 1)])
def test_of_a_long_container_a_sample_is_measured(depth: int, most: int) -> None:
    small, large = sys.getsizeof(""), sys.getsizeof("x" * 1000)
    for count in (most, most + 1, 2 * most, 2 * most + 1):
        step = -(-count // most)
        measured = range(0, count, step)
        for index in {*range(min(count, 5)), count - 1}:
            items = ["x" * 1000 if index == place else "" for place in range(count)]
            expected = small * len(measured) + (large - small) * (index in measured)
            value, outside = items, 0
            for _ in range(depth):
                outside += sys.getsizeof([value])
                value = [value]
            assert estimated_bytes(value) == outside + sys.getsizeof(items) + expected * count // len(measured)
    many = {"k" * 500 if place == 1 else str(place): 1 for place in range(201)}
    sampled = list(many)[::2]
    parts = sum(map(sys.getsizeof, sampled)) * 201 // 101 + sys.getsizeof(1) * 101 * 201 // 101
    assert estimated_bytes(many) == sys.getsizeof(many) + parts


# ------------------------------------------------------------------------------------------- words


def test_unknown_names_in_words(tmp_path: Path) -> None:
    for name in ("aa", "ab", "ac", "ad", "ae"):
        write_lean(tmp_path / name)
    results = TestResults(tmp_path, lazy=True)
    assert repr(results.datasets) == "<5 datasets: aa/Algo, ab/Algo, ac/Algo, ...>"

    def told(name: str, mapping: Mapping[str, object] | None = None) -> str:
        with pytest.raises(UnknownNameError) as raised:
            (results.datasets if mapping is None else mapping)[name]
        return str(raised.value)

    all_five = "aa/Algo, ab/Algo, ac/Algo, ad/Algo, ae/Algo"
    assert told("Algo") == f"dataset 'Algo' is there 5 times: {all_five}"
    assert told("zzzz") == f"no dataset 'zzzz'; there are {all_five}"
    assert told("aa/Alg") == "no dataset 'aa/Alg'; near are aa/Algo, ae/Algo, ad/Algo"
    assert told("zzzz", results.strategies) == "no strategy 'zzzz'; there are aa, ab, ac, ad, ae"
    assert "Algo" not in results.datasets
    write_lean(tmp_path / "af")
    results = TestResults(tmp_path, lazy=True)
    assert told("Algo") == f"dataset 'Algo' is there 6 times: {all_five}"
    assert told("zzzz") == f"no dataset 'zzzz'; there are {all_five}, ..."
    (tmp_path / "aa" / "Algo.json").write_text("{}")
    assert told("b", results.datasets["aa/Algo"]) == "no section 'b' in aa/Algo; there are none"
    for count, shown in ((3, "a/1, a/2, a/3"), (4, "a/1, a/2, a/3, ...")):
        root = tmp_path / f"tree{count}"
        (root / "a").mkdir(parents=True)
        for number in range(count):
            (root / "a" / f"{number + 1}.json").write_text("{}")
        assert repr(TestResults(root, lazy=True).datasets) == f"<{count} datasets: {shown}>"


def test_warnings_in_words(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    with pytest.warns(UserWarning) as warned:
        TestResults(tmp_path, lazy=True, cache_size=2)
        TestResults(tmp_path)
    assert [str(warning.message) for warning in warned] == [
        "cache_size 2 keeps almost nothing: comparing datasets will read them again and again; use 3 or more",
        f"{tmp_path / 'a.json'}: ends before its closing bracket; half-written, run the backtest again",
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        TestResults(tmp_path, lazy=True, cache_size=3)
    with pytest.warns(UserWarning, match="^cache_size 1 keeps almost nothing"):
        assert TestResults(tmp_path, lazy=True, cache_size=1).cache_info().maximum_datasets == 1


def test_settings(tmp_path: Path) -> None:
    assert TestResults(tmp_path).settings == {}
    session, own = tmp_path / "session.json", tmp_path / "settings.json"
    session.write_text('{"settings": {"pairs": 5}, "x": 1}')
    assert TestResults(tmp_path).settings == {"pairs": 5}
    own.write_text("[1]")
    assert TestResults(tmp_path).settings == {"pairs": 5}
    own.write_text('{"settings": 1, "cash": 2}')
    results = TestResults(tmp_path)
    assert results.settings == {"settings": 1, "cash": 2}
    own.write_text("{}")
    assert results.settings == {"settings": 1, "cash": 2}  # read once
    for text, reason in (("{", "Expecting property name"), ("[" * 100_000, "maximum recursion depth")):
        own.write_text(text)
        with pytest.raises(DamagedError, match=f"^{re.escape(str(own))}: not valid JSON \\({reason}"):
            _ = TestResults(tmp_path).settings


def test_a_file_that_is_gone_is_said_where_it_is_used(tmp_path: Path) -> None:
    for name, text in (("map", '{"a": 1, "b": 2}'), ("list", "[1]"), ("empty", "{}")):
        (tmp_path / f"{name}.json").write_text(text)
    lazy, eager = TestResults(tmp_path, lazy=True), TestResults(tmp_path)
    partly = TestResults(tmp_path)
    used, unused = lazy.datasets["map"], TestResults(tmp_path, lazy=True)
    assert dict(used) == {"a": 1, "b": 2}
    assert lazy.datasets["list"] == [1]
    partly.datasets["map"].release()
    assert partly.datasets["map"]["a"] == 1
    for name in ("map", "list", "empty"):
        (tmp_path / f"{name}.json").unlink()
    words = "no such file"
    for use in (lambda: used["a"], lambda: dict(unused.datasets["map"]), lambda: partly.datasets["map"]["a"]):
        with pytest.raises(InputError, match=f"^{re.escape(str(tmp_path / 'map.json'))}: {words}$"):
            use()
    dataset = unused.datasets["list"]  # nothing says any more that it was a list
    with pytest.raises(InputError, match=f"{words}$"):
        len(dataset)
    words = f"{tmp_path / 'list.json'}: cannot be read (No such file or directory)"
    with pytest.raises(InputError, match=f"^{re.escape(words)}$"):
        lazy.datasets["list"]
    assert dict(eager.datasets["map"]) == {"a": 1, "b": 2}  # read eagerly, the values outlive their files
    assert eager.datasets["list"] == [1]
    assert dict(eager.datasets["empty"]) == {}
    eager.invalidate_cache()
    for name in ("map", "empty"):
        with pytest.raises(InputError, match=r"no such file$"):
            dict(eager.datasets[name])


def test_a_list_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "list.json"
    path.write_text("[1]")
    results = TestResults(tmp_path, lazy=True)
    for error, reason in ((OSError("odd"), "odd"), (PermissionError(13, "Permission denied"), "Permission denied")):

        def refuse(_: Path, error: OSError = error) -> bytes:
            raise error

        monkeypatch.setattr(Path, "read_bytes", refuse)
        with pytest.raises(InputError, match=f"^{re.escape(f'{path}: cannot be read ({reason})')}$"):
            results.datasets["list"]


# ------------------------------------------------------------------------------------------- the cache


def test_lists_are_counted_and_evicted_as_the_others(tmp_path: Path) -> None:
    for name in "abcd":
        (tmp_path / f"{name}.json").write_text(f'[1.5, "{name}"]')
    results = TestResults(tmp_path, lazy=True, cache_size=3)
    first = results.datasets["a"]
    assert results.datasets["a"] is first
    size = estimated_bytes(first)
    info = results.cache_info()
    assert (info.hits, info.misses, info.datasets, info.bytes) == (1, 1, 1, size)
    for name in "bcd":
        assert results.datasets[name] == [1.5, name]
    info = results.cache_info()
    assert (info.hits, info.misses, info.datasets, info.evictions, info.bytes) == (1, 4, 3, 1, 3 * size)
    assert results.datasets["a"] == first
    assert results.datasets["a"] is not first
    (tmp_path / "a.json").write_text("\ufeff [2]")
    age(tmp_path / "a.json")
    assert results.datasets["a"] == [2]


def test_a_damaged_list_weighs_nothing(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / f"{name}.json").write_text("[1, 2, 3]")
    size = estimated_bytes(TestResults(tmp_path, lazy=True).datasets["a"])
    results = TestResults(tmp_path, lazy=True, cache_bytes=2 * size)
    for name in "abca":  # a is evicted and read again
        assert results.datasets[name] == [1, 2, 3]
    assert (results.cache_info().datasets, results.cache_info().bytes) == (2, 2 * size)
    (tmp_path / "b.json").write_text("[1, 2, 3")
    with pytest.raises(DamagedError, match=r"b\.json"):
        results.datasets["b"]
    assert (results.cache_info().datasets, results.cache_info().bytes) == (3, 2 * size)
    fresh = TestResults(tmp_path, lazy=True)
    with pytest.raises(DamagedError, match=r"b\.json"):
        fresh.datasets["b"]
    assert fresh.cache_info().bytes == 0


def test_what_just_fits_stays(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.json").write_text("[1.5, 2.5]")
    size = estimated_bytes(TestResults(tmp_path, lazy=True).datasets["a"])
    fitting = TestResults(tmp_path, lazy=True, cache_bytes=2 * size)
    less = TestResults(tmp_path, lazy=True, cache_bytes=2 * size - 1)
    least = TestResults(tmp_path, lazy=True, cache_bytes=size - 1)
    for results, held, evictions in ((fitting, 2, 0), (less, 1, 1), (least, 0, 2)):
        assert [results.datasets[name] for name in "ab"] == [[1.5, 2.5]] * 2
        info = results.cache_info()
        assert (info.datasets, info.bytes, info.evictions) == (held, held * size, evictions)


def test_a_dataset_says_what_it_is_and_stays_the_same_one(tmp_path: Path) -> None:
    for name in "abcd":
        write_lean(tmp_path / name)
    results = TestResults(tmp_path, lazy=True, cache_size=3)
    one = results.datasets["a/Algo"]
    assert (one.name, one.strategy, one.kind, one.cached_bytes) == ("Algo", "a", DatasetKind.LEAN, 0)
    assert one.path == tmp_path / "a" / "Algo.json"
    assert one.lean.statistics == document()["statistics"]
    for name in "bcd":
        assert len(results.datasets[f"{name}/Algo"]) == len(document())
    assert results.cache_info().evictions == 1
    assert results.datasets["a/Algo"] is one
    for _ in range(2):
        assert results.datasets["a/Algo"] is one
    info = results.cache_info()
    assert (info.hits, info.misses, info.evictions) == (2, 5, 2)
    index = sha256(b"a/Algo.json").hexdigest()[:12]  # two files of one name have an index each
    assert one["statistics"]
    assert (tmp_path / CACHE_FOLDER / f"Algo.json-{index}.index").is_file()


def test_values_from_before_a_change_under_the_same_size_and_time_are_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"a": 111, "b": 2}')
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    dataset = TestResults(tmp_path, lazy=True).datasets["a"]
    assert dataset["a"] == 111
    path.write_text('{"a": 11, "b": 23}')
    os.utime(path, ns=times)
    assert dataset["b"] == 23  # where the change is seen
    assert dict(dataset) == {"a": 11, "b": 23}


def test_a_stored_baseline_is_opened_once_and_again_when_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "baselines" / "quick.json"
    save_baseline(path, {}, write_lean(tmp_path / "one"))
    opened: list[Path] = []
    real = baseline.load_baseline
    monkeypatch.setattr(baseline, "load_baseline", lambda path: opened.append(path) or real(path))
    dataset = TestResults(path.parent, lazy=True).datasets["quick"]
    assert dataset["statistics"] == dataset.exact("statistics") == document()["statistics"]
    assert len(opened) == 1
    save_baseline(path, {}, write_lean(tmp_path / "two", sections=document(orders=1)), force=True)
    age(path)
    opened.clear()
    assert list((path.parent / CACHE_FOLDER).glob("*.index")) == []
    for _ in range(2):
        assert len(dataset["orders"]) == 1
    assert len(opened) == 1
