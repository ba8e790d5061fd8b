import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import DamagedError
from harness.results import StrategyResults, TestResults, spans
from harness.results.baseline import save_baseline
from harness.results.spans import CACHE_FOLDER
from harness.results.test_results import estimated_bytes
from tests.results.lean_folder import document, write_lean

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
NAMES = st.text("abcdef", min_size=1, max_size=3)
TREES = st.dictionaries(
    NAMES,
    st.dictionaries(NAMES, st.dictionaries(TEXT, VALUES, max_size=4), min_size=1, max_size=4),
    min_size=1,
    max_size=3,
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two strategies of six datasets each; the datasets' statistics tell them apart."""
    root = tmp_path / "tree"
    for strategy in ("momentum", "reversal"):
        for number in range(6):
            folder = root / strategy
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"d{number}.json").write_text(json.dumps(document(orders=number + 1), indent=2))
    (root / "settings.json").write_text('{"cash": 100000}')
    return root


def age(path: Path) -> None:
    """Let the file's time differ from any time it had."""
    later = time.time_ns() + 5_000_000_000
    os.utime(path, ns=(later, later))


# ------------------------------------------------------------------------------------------- what is there


@given(TREES, st.sampled_from([None, 2]))
@settings(max_examples=40, deadline=None)
def test_lazy_equals_eager_equals_json(
    tmp_path_factory: pytest.TempPathFactory, content: dict[str, Any], indent: int | None
) -> None:
    root = tmp_path_factory.mktemp("tree")
    for strategy, datasets in content.items():
        (root / strategy).mkdir()
        for name, value in datasets.items():
            (root / strategy / f"{name}.json").write_text(json.dumps(value, indent=indent))
    lazy, eager = TestResults(root, lazy=True), TestResults(root)
    assert lazy.list_strategies() == eager.list_strategies() == sorted(content)
    assert lazy.list_datasets() == eager.list_datasets()
    assert len(lazy.list_datasets()) == sum(map(len, content.values()))
    for strategy, datasets in content.items():
        for name, value in datasets.items():
            pair = lazy.strategies[strategy].datasets[name], eager.strategies[strategy].datasets[name]
            for dataset in pair:
                assert dataset == value
                assert json.dumps(dict(dataset)) == json.dumps(value)
            assert type(pair[0]) is type(pair[1])
            assert lazy.datasets[f"{strategy}/{name}"] is pair[0]


def test_opening_reads_no_dataset(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scans: list[Path] = []
    real = spans.scan_sections
    monkeypatch.setattr(spans, "scan_sections", lambda fd, path: scans.append(path) or real(fd, path))
    test = TestResults(tree, lazy=True)
    assert test.list_strategies() == ["momentum", "reversal"]
    assert len(test.list_datasets()) == 12
    assert test.settings == {"cash": 100000}
    assert isinstance(test.strategies["momentum"], StrategyResults)
    assert test.strategies["momentum"].list_datasets() == [f"d{number}" for number in range(6)]
    assert scans == []
    assert test.cache_info().misses == 0
    assert test.datasets["momentum/d3"]["statistics"]["Total Orders"] == "4"
    assert scans == [tree / "momentum" / "d3.json"]


def test_decoding_one_section_decodes_no_other(tree: Path) -> None:
    path = tree / "momentum" / "d0.json"
    path.write_text(path.read_text().replace('"price": 318.33', '"price": oops'))
    dataset = TestResults(tree, lazy=True).datasets["momentum/d0"]
    assert dataset["statistics"]["Total Orders"] == "1"
    with pytest.raises(DamagedError, match=r"d0\.json, section 'orders'"):
        dataset["orders"]


def test_unknown_names_list_the_near_ones(tree: Path) -> None:
    test = TestResults(tree, lazy=True)
    for use, name, near in (
        (lambda: test.datasets["momentum/d9"], "momentum/d9", "near are"),
        (lambda: test.strategies["momentun"], "momentun", "near are momentum"),
        (lambda: test.strategies["momentum"].datasets["e5"], "e5", "near are d5"),
        (lambda: test.datasets["momentum/d1"]["statistic"], "statistic", "near are statistics"),
        (lambda: test.datasets["momentum/d1"].exact("ordres"), "ordres", "near are orders"),
        (lambda: test.datasets["d1"], "d1", "momentum/d1, reversal/d1"),
        (lambda: test.preload(["nothing alike"]), "nothing alike", "there are momentum/d0"),
    ):
        with pytest.raises(KeyError) as raised:
            use()
        assert name in str(raised.value)
        assert near in str(raised.value)
    assert "momentum/d1" in test.datasets
    assert "momentum/d9" not in test.datasets


@pytest.mark.parametrize(
    "parameters",
    [
        {"cache_size": 0},
        {"cache_size": -1},
        {"cache_size": 2.5},
        {"cache_size": True},
        {"cache_bytes": 0},
        {"lazy": "yes"},
    ],
)
def test_bad_parameters(tree: Path, parameters: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(parameters))):
        TestResults(tree, **{"lazy": True, **parameters})


def test_bad_paths(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such folder"):
        TestResults(tmp_path / "none", lazy=True)
    with pytest.raises(ValueError, match="test_path"):
        TestResults(None)  # type: ignore[arg-type]
    assert TestResults(str(tmp_path), lazy=True).list_datasets() == []


def test_a_tiny_cache_is_warned_about(tree: Path) -> None:
    with pytest.warns(UserWarning, match="cache_size 2"):
        TestResults(tree, lazy=True, cache_size=2)


# ------------------------------------------------------------------------------------------- cache


def test_the_least_recently_used_dataset_goes_first(tree: Path) -> None:
    test = TestResults(tree, lazy=True, cache_size=3)
    for name in ("momentum/d0", "momentum/d1", "momentum/d2"):
        test.datasets[name]["statistics"]
    test.datasets["momentum/d0"]["statistics"]
    info = test.cache_info()
    assert (info.hits, info.misses, info.evictions, info.datasets) == (1, 3, 0, 3)
    kept, evicted = test.datasets["momentum/d0"], test.datasets["momentum/d1"]
    test.datasets["momentum/d0"]  # d2 is the oldest now
    test.datasets["momentum/d3"]["statistics"]
    test.datasets["momentum/d4"]["statistics"]
    info = test.cache_info()
    assert (info.evictions, info.datasets) == (2, 3)
    assert kept.cached_bytes > 0
    assert evicted.cached_bytes == 0
    assert evicted["statistics"]["Total Orders"] == "2"  # still usable
    assert test.cache_info().datasets == 3


def test_the_cache_is_bounded_in_bytes(tree: Path) -> None:
    one = estimated_bytes(document()["orders"])
    test = TestResults(tree, lazy=True, cache_size=100, cache_bytes=3 * one)
    for name in test.list_datasets():
        assert len(test.datasets[name]["orders"]) == int(name[-1]) + 1
        info = test.cache_info()
        assert info.bytes <= 3 * one
    assert info.evictions > 0
    tiny = TestResults(tree, lazy=True, cache_bytes=10)
    assert len(tiny.datasets["momentum/d5"]["orders"]) == 6
    assert tiny.cache_info().bytes <= 10


def test_preload_and_invalidate(tree: Path) -> None:
    test = TestResults(tree, lazy=True)
    test.preload(datasets=["momentum/d1", "reversal/d2"])
    assert test.cache_info().datasets == 2
    assert set(test.datasets["momentum/d1"]._values) == set(document())
    before = test.datasets["momentum/d1"]["orders"]
    assert test.datasets["momentum/d1"]["orders"] is before
    test.invalidate_cache()
    assert test.cache_info() == TestResults(tree, lazy=True).cache_info()
    assert test.datasets["momentum/d1"]["orders"] is not before
    test.preload()
    assert test.cache_info().datasets == 10


def test_the_cache_is_cleared_at_the_end_of_a_with_block(tree: Path) -> None:
    with TestResults(tree, lazy=True) as test:
        dataset = test.datasets["momentum/d1"]
        assert dataset["statistics"]
        assert test.cache_info().bytes > 0
    assert test.cache_info().datasets == 0
    assert dataset.cached_bytes == 0


def test_eager_results_are_all_there_at_once(tree: Path) -> None:
    test = TestResults(tree)
    assert test.cache_info().datasets == 12
    shutil.rmtree(tree)
    for name in test.list_datasets():
        assert test.datasets[name]["statistics"]["Total Orders"] == str(int(name[-1]) + 1)
        assert dict(test.datasets[name]) == document(orders=int(name[-1]) + 1)


# ------------------------------------------------------------------------------------------- changes and damage


@pytest.mark.parametrize("lazy", [True, False])
def test_a_change_on_disk_is_noticed(tree: Path, lazy: bool) -> None:
    test = TestResults(tree, lazy=lazy)
    dataset = test.datasets["momentum/d0"]
    assert dataset["statistics"]["Total Orders"] == "1"
    path = tree / "momentum" / "d0.json"
    path.write_text(json.dumps({"statistics": {"Total Orders": "77"}, "new": 1}))
    age(path)
    assert dict(dataset) == {"statistics": {"Total Orders": "77"}, "new": 1}
    assert test.datasets["momentum/d0"] == {"statistics": {"Total Orders": "77"}, "new": 1}


def test_new_and_removed_datasets_are_seen_at_the_next_opening(tree: Path) -> None:
    def manifest_ns() -> int:
        return (tree / CACHE_FOLDER / "manifest.json").stat().st_mtime_ns

    TestResults(tree, lazy=True)
    for folder in (tree, tree / "momentum", tree / "reversal"):
        os.utime(folder, (1, 1))
    TestResults(tree, lazy=True)
    first = manifest_ns()
    TestResults(tree, lazy=True)
    assert manifest_ns() == first  # believed as it is
    (tree / "momentum" / "extra.json").write_text("{}")
    (tree / "reversal" / "d5.json").unlink()
    names = TestResults(tree, lazy=True).list_datasets()
    assert "momentum/extra" in names
    assert "reversal/d5" not in names
    (tree / CACHE_FOLDER / "manifest.json").write_text("damaged")
    assert TestResults(tree, lazy=True).list_datasets() == names


@pytest.mark.parametrize("text", ["", '{"a": ', "not json", '{"a": 1, "b": nonsense}', "[1, 2"])
def test_a_damaged_dataset_is_named_and_leaves_the_others(tree: Path, text: str) -> None:
    path = tree / "momentum" / "d0.json"
    path.write_text(text)
    lazy = TestResults(tree, lazy=True)
    with pytest.warns(UserWarning, match=r"d0\.json"):
        eager = TestResults(tree)
    for test in (lazy, eager):
        with pytest.raises(DamagedError, match=r"d0\.json"):
            dict(test.datasets["momentum/d0"])
        assert test.datasets["momentum/d1"]["statistics"]["Total Orders"] == "2"


def test_a_list_is_a_list(tree: Path) -> None:
    (tree / "momentum" / "list.json").write_text("[1.5, 2]")
    for lazy in (True, False):
        test = TestResults(tree, lazy=lazy)
        assert test.datasets["momentum/list"] == [1.5, 2]
        assert test.datasets["momentum/list"] is test.datasets["momentum/list"]


def test_a_tree_for_reading_only_is_read(tree: Path) -> None:
    (tree / CACHE_FOLDER).write_text("in the way of the cache")
    test = TestResults(tree, lazy=True)
    assert len(test.list_datasets()) == 12
    assert test.datasets["momentum/d0"]["statistics"]["Total Orders"] == "1"


def test_decimals_and_text_are_kept(tree: Path) -> None:
    path = tree / "momentum" / "d0.json"
    path.write_text('{"orders": {"price": 318.3300}}')
    dataset = TestResults(tree, lazy=True).datasets["momentum/d0"]
    assert dataset["orders"] == {"price": 318.33}
    assert str(dataset.exact("orders")["price"]) == "318.3300"
    assert dataset.text("orders") == b'{"price": 318.3300}'


# ------------------------------------------------------------------------------------------- layouts


def test_our_own_folders_and_lean_clis(tmp_path: Path) -> None:
    session = tmp_path / "runs" / "s1"
    for variant in ("baseline", "optimized"):
        for run in ("run_01", "warmup_01"):
            write_lean(session / variant / run / "lean")
            (session / variant / run / "measurement.json").write_text("{}")
    (session / "session.json").write_text('{"settings": {"pairs": 5}}')
    test = TestResults(session, lazy=True)
    assert test.list_datasets() == ["baseline/run_01", "baseline/warmup_01", "optimized/run_01", "optimized/warmup_01"]
    assert test.settings == {"pairs": 5}
    assert test.datasets["optimized/run_01"].lean.orders[0].id == 1
    assert TestResults(tmp_path / "runs", lazy=True).list_strategies() == ["s1/baseline", "s1/optimized"]

    project = tmp_path / "project"
    write_lean(project / "backtests" / "2025-10-01_10-00-00", "1234567890")
    (project / "backtests" / "2025-10-01_10-00-00" / "code").mkdir()
    (project / "backtests" / "2025-10-01_10-00-00" / "code" / "x.json").write_text("{}")
    (project / "config.json").write_text("{}")
    test = TestResults(project, lazy=True)
    assert test.list_datasets() == ["project/2025-10-01_10-00-00"]
    assert test.datasets["2025-10-01_10-00-00"]["state"]["Status"] == "Completed"


def test_a_stored_baseline_is_a_dataset(tmp_path: Path) -> None:
    path = tmp_path / "baselines" / "default.json"
    save_baseline(path, {"n": 1}, write_lean(tmp_path / "lean"))
    test = TestResults(path.parent, lazy=True)
    assert test.list_datasets() == ["baselines/default"]
    dataset = test.datasets["default"]
    assert dataset["statistics"] == document()["statistics"]
    assert dataset == TestResults(path.parent).datasets["default"]
    assert [event.key for event in dataset.lean.order_events or []] == [(1, 1), (1, 2)]
    save_baseline(path, {"n": 1}, write_lean(tmp_path / "other", sections=document(orders=9)), force=True)
    age(path)
    assert dataset["statistics"]["Total Orders"] == "9"


# ------------------------------------------------------------------------------------------- threads and cost


def test_many_threads_at_once(tree: Path) -> None:
    test = TestResults(tree, lazy=True, cache_size=3)
    names = test.list_datasets()
    failures: list[BaseException] = []

    def work(start: int) -> None:
        try:
            for step in range(150):
                name = names[(start * 7 + step * 5) % len(names)]
                dataset = test.datasets[name]
                assert dataset["statistics"]["Total Orders"] == str(int(name[-1]) + 1)
                assert len(dataset["orders"]) == int(name[-1]) + 1
                if step % 50 == 49:
                    test.invalidate_cache()
                assert test.cache_info().datasets <= 4
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(start,)) for start in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert test.cache_info().datasets <= 3


def test_the_reader_imports_nothing_heavy() -> None:
    code = (
        "import sys; import harness.results.test_results\n"
        "heavy = ('numpy', 'pandas', 'pyarrow', 'deepdiff', 'pydantic', 'scipy')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
