"""Lazy results: what the cache counts and holds, what is refused and in which words."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from harness.results.baseline import save_baseline
from harness.results.test_results import ParameterError, TestResults, UnknownNameError, estimated_bytes
from tests.results.lean_folder import document, write_lean


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
    assert estimated_bytes([]) == sys.getsizeof([])
    assert estimated_bytes({}) == sys.getsizeof({})
