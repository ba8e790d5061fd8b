"""Data written once and mapped by all: round trips, sharing, size of what travels, cleaning up."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.embedded.columns import ColumnStore
from harness.errors import DamagedError, InputError
from harness.sweep.executors import SpawnPool
from harness.sweep.optimization_data import OptimizationData, OptimizationDataContext

DAYS = pd.date_range("2025-10-01 09:30", periods=4, freq="15s")
FRAMES = {
    "prices": pd.DataFrame(np.arange(12.0).reshape(4, 3), columns=["open", "high", "low"], index=DAYS),
    "empty": pd.DataFrame(),
    "no rows": pd.DataFrame({"a": pd.Series(dtype="float64"), "b": pd.Series(dtype="datetime64[ns, UTC]")}),
    "no columns": pd.DataFrame(index=DAYS),
    "duplicate columns": pd.DataFrame(np.arange(8).reshape(4, 2), columns=["x", "x"]),
    "zoned index": pd.DataFrame({"v": [1, 2, 3, 4]}, index=DAYS.tz_localize("America/New_York")),
    "zoned column": pd.DataFrame({"t": DAYS.tz_localize("Europe/Berlin"), "n": [1, 2, 3, 4]}),
    "mixed": pd.DataFrame(
        {
            "number": [1.5, np.nan, np.inf, -0.0],
            "whole": np.array([1, 2, 3, 4], dtype="int8"),
            "flag": [True, False, True, False],
            "text": ["a", "ü", None, ""],
            "anything": [1, "b", None, (2, 3)],
            "day": DAYS,
            "span": pd.to_timedelta([1, 2, 3, 4], unit="s"),
            "kind": pd.Categorical(["x", "y", None, "x"]),
            "nullable": pd.array([1, None, 3, 4], dtype="Int64"),
        }
    ),
    "mixed duplicates": pd.DataFrame([[1, "a", 2.5]] * 3, columns=["q", "q", "q"]),
    "multi": pd.DataFrame(
        {"close": [1.0, 2.0, 3.0, 4.0]},
        index=pd.MultiIndex.from_product([["AAPL", "SPY"], DAYS[:2]], names=["symbol", "time"]),
    ),
    "multi columns": pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2)])),
    "named text index": pd.DataFrame({"v": [1.0, 2.0]}, index=pd.Index(["b", "a"], name="who")),
    "stepped range": pd.DataFrame({"v": [1, 2]}, index=pd.RangeIndex(10, 14, 2, name="n")),
    "repeated index": pd.DataFrame({"v": [1, 2]}, index=[7, 7]),
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_survives_the_round_trip(tmp_path: Path, name: str) -> None:
    with OptimizationData(tmp_path) as data:
        data.add_frame(name, FRAMES[name])
        context: OptimizationDataContext = pickle.loads(pickle.dumps(data.context()))
        pd.testing.assert_frame_equal(context.frame(name), FRAMES[name], check_freq=True)


def test_numbers_dates_and_zoned_dates_are_mapped_not_copied(tmp_path: Path) -> None:
    with OptimizationData(tmp_path) as data:
        data.add_frame("one block", FRAMES["prices"])
        data.add_frame("mixed", FRAMES["mixed"][["number", "whole", "flag", "day", "span"]])
        data.add_frame("zoned", FRAMES["zoned column"])
        context = data.context()
        assert _is_mapped(context.frame("one block").to_numpy())
        mixed = context.frame("mixed")
        for position in range(mixed.shape[1]):
            assert _is_mapped(mixed.iloc[:, position].array._ndarray), mixed.columns[position]
        assert _is_mapped(context.frame("zoned")["t"].array._ndarray)
        assert _is_mapped(context.frame("one block").index.array._ndarray)


def _is_mapped(array: np.ndarray) -> bool:
    base: object = array
    while base is not None and not isinstance(base, np.memmap):
        base = getattr(base, "base", None)
    return isinstance(base, np.memmap) and not array.flags.writeable


def test_what_travels_is_small_whatever_the_data(tmp_path: Path) -> None:
    with OptimizationData(tmp_path) as data:
        for number in range(200):
            data.add_frame(f"frame {number}", FRAMES["mixed"])
        data.add_array("big", np.zeros((1000, 1000)))
        context = data.context()
        _ = context.names  # what was read from disk must not travel either
        assert len(pickle.dumps(context)) < 1000
        assert context.mapped_bytes > 8_000_000


def test_spawned_workers_read_the_same_values(tmp_path: Path) -> None:
    with OptimizationData(tmp_path) as data, SpawnPool(2) as pool:
        data.add_frame("prices", FRAMES["prices"])
        context = data.context()
        sums = list(pool.map(_total, [context] * 4))
    assert sums == [66.0] * 4


def _total(context: OptimizationDataContext) -> float:
    return float(context.frame("prices").to_numpy().sum())


def test_engine_columns_are_those_of_the_engines_own_store(data_folder: Path, tmp_path: Path) -> None:
    path = data_folder / "equity" / "usa" / "second" / "aapl" / "20251001_trade.zip"
    day = pd.Timestamp("2025-10-01").date()
    with OptimizationData(tmp_path) as data:
        assert data.add_lean_folder(data_folder, ["AAPL"], "second", [day]) == 1  # no quotes in this data
        assert data.add_lean_folder(data_folder, ["AAPL"], "daily", []) == 1
        store = data.context().column_store()
        mapped, decoded = store.trade_bars(path, "second", day), ColumnStore(None).trade_bars(path, "second", day)
        assert mapped is not None and decoded is not None
        assert (mapped.rows, mapped.price_scale, mapped.volume_scale) == (decoded.rows, 4, decoded.volume_scale)
        np.testing.assert_array_equal(mapped.start_us, decoded.start_us)
        for left, right in zip(mapped.columns, decoded.columns, strict=True):
            np.testing.assert_array_equal(left, right)
        assert _is_mapped(mapped.close)
        assert store.trade_bars(path, "second", day) is mapped
        other = store.trade_bars(path.with_name("20251002_trade.zip"), "second", pd.Timestamp("2025-10-02").date())
        assert other is not None  # not shared, so decoded by the engine's store


def test_the_folder_is_removed_at_the_end_and_after_an_error(tmp_path: Path) -> None:
    with OptimizationData(tmp_path) as data:
        folder = data.folder
        assert folder.is_dir()
    assert not folder.exists()
    with pytest.raises(RuntimeError), OptimizationData(tmp_path) as data:
        folder = data.folder
        raise RuntimeError
    assert not folder.exists()


_OWNER = """
import sys, time
from harness.sweep.optimization_data import OptimizationData
data = OptimizationData(sys.argv[1])
print(data.folder, flush=True)
if sys.argv[2] == "raise":
    raise SystemExit(3)
time.sleep(60)
"""


def test_the_folder_of_a_killed_owner_is_swept_by_the_next_one(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", _OWNER, str(tmp_path), "wait"], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        folder = Path(owner.stdout.readline().decode().strip())
        with OptimizationData(tmp_path):
            assert folder.is_dir()  # its owner lives
        os.kill(owner.pid, signal.SIGKILL)
        owner.wait()
        assert folder.is_dir()
        with OptimizationData(tmp_path) as data:
            assert not folder.exists()
            assert data.folder.is_dir()


def test_the_folder_of_an_owner_that_fails_is_removed_at_once(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", _OWNER, str(tmp_path), "raise"], stdout=subprocess.PIPE, check=False)
    assert done.returncode == 3
    assert not Path(done.stdout.decode().strip()).exists()


def test_mistakes_are_one_line(tmp_path: Path) -> None:
    with OptimizationData(tmp_path) as data:
        data.add_array("a", np.arange(3))
        with pytest.raises(InputError, match="another name"):
            data.add_array("a", np.arange(3))
        with pytest.raises(InputError, match="cannot be mapped"):
            data.add_array("b", np.array(["x", None], dtype=object))
        context = data.context()
        with pytest.raises(InputError, match="there are a"):
            context.array("b")
        with pytest.raises(InputError, match="there are none"):
            context.frame("b")
        np.testing.assert_array_equal(context.array("a"), [0, 1, 2])
    with pytest.raises(DamagedError, match="gone"):
        pickle.loads(pickle.dumps(context)).array("a")


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="needs users and modes")
class TestPrivacy:
    @pytest.fixture(autouse=True)
    def loose_umask(self) -> Iterator[None]:
        before = os.umask(0)
        yield
        os.umask(before)

    def test_the_folder_and_its_pickles_are_this_users_alone(self, tmp_path: Path) -> None:
        with OptimizationData(tmp_path) as data:
            data.add_frame("mixed", FRAMES["mixed"])
            data.context()
            data.context()  # again, after more was added
            assert data.folder.stat().st_mode & 0o777 == 0o700
            pickles = list(data.folder.glob("*.pkl"))
            assert len(pickles) > 1
            assert {path.stat().st_mode & 0o777 for path in pickles} == {0o600}

    @pytest.mark.parametrize("mode", [0o620, 0o602])
    @pytest.mark.parametrize("name", ["manifest.pkl", "0*.pkl"])
    def test_a_pickle_that_others_can_write_is_not_read(self, tmp_path: Path, name: str, mode: int) -> None:
        with OptimizationData(tmp_path) as data:
            data.add_frame("mixed", FRAMES["mixed"])
            context = data.context()
            for path in data.folder.glob(name):
                path.chmod(mode)
            with pytest.raises(DamagedError, match="written by other users"):
                context.frame("mixed")

    def test_a_pickle_of_another_user_or_behind_a_link_is_not_read(self, tmp_path: Path) -> None:
        if os.getuid() != 0:
            pytest.skip("only root can give a file away")
        with OptimizationData(tmp_path) as data:
            data.add_frame("mixed", FRAMES["mixed"])
            manifest = data.folder / "manifest.pkl"
            contexts = [data.context() for _ in range(2)]
            os.chown(manifest, 12345, 12345)
            with pytest.raises(DamagedError, match="written by other users"):
                contexts[0].frame("mixed")
            os.chown(manifest, 0, 0)
            manifest.rename(data.folder / "elsewhere")
            manifest.symlink_to(data.folder / "elsewhere")
            with pytest.raises(DamagedError, match="gone or not whole"):
                contexts[1].frame("mixed")

    def test_a_folder_that_somebody_else_made_is_not_used(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        squatted = tmp_path / f"lean-harness-sweeps-{os.getuid()}"
        squatted.mkdir(mode=0o777)
        with pytest.raises(InputError, match="remove it or give another folder"):
            OptimizationData()
        squatted.chmod(0o700)
        with OptimizationData() as data:
            assert data.folder.parent == squatted

    def test_an_array_of_objects_is_never_mapped(self, tmp_path: Path) -> None:
        with OptimizationData(tmp_path) as data:
            data.add_array("a", np.arange(3))
            context = data.context()
            np.save(next(data.folder.glob("*.npy")), np.array([1, "b"], dtype=object), allow_pickle=True)
            with pytest.raises(DamagedError, match="never stored here"):
                context.array("a")
