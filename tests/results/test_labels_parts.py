"""Labels: order, choice and the words of a refusal."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from harness.errors import DamagedError, InputError
from harness.results import labels
from harness.results.baseline import save_baseline
from harness.results.labels import Kind, known_labels, resolve, sessions_newest_first, variant_runs
from tests.results.lean_folder import write_lean


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


def test_what_a_path_stands_for(tmp_path: Path) -> None:
    lean = write_lean(tmp_path / "x" / "lean")
    assert resolve(str(tmp_path / "x"), tmp_path).kind is Kind.RUN
    found = resolve("x/lean/Algo.json", tmp_path)
    assert (found.label, found.kind, found.path, found.result_id) == (
        "x/lean/Algo.json", Kind.LEAN_FOLDER, lean, "Algo",
    )  # fmt: skip
    assert resolve("x/lean/Algo-summary.json", tmp_path).result_id == "Algo"
    assert found.results.statistics == resolve("x/lean", tmp_path).results.statistics
    write_lean(tmp_path / "x" / "lean", "Other")
    assert [resolve(f"x/lean/{name}.json", tmp_path).results.result_id for name in ("Algo", "Other")] == [
        "Algo", "Other",
    ]  # fmt: skip
    (tmp_path / "empty").mkdir()
    told(tmp_path, "empty", "'empty': no such label or folder; known are none yet, run 'make bench' first")
    told(tmp_path, "x" * 300, f"{'x' * 300!r}: no such label or folder; known are none yet, run 'make bench' first")
    (tmp_path / "notes.txt").write_text("notes")
    with pytest.raises(DamagedError, match=f"^{tmp_path / 'notes.txt'}: not valid JSON"):
        resolve("notes.txt", tmp_path)


def test_a_lean_result_may_have_a_field_named_schema(tmp_path: Path) -> None:
    path = tmp_path / "Algo.json"
    write_lean(tmp_path, sections={"statistics": {"a": "x" * 100}, "schema": "mine"})
    assert resolve(str(path), tmp_path).kind is Kind.LEAN_FOLDER
    for text in ('{"schema": 1, ', '{\n  "schema": "harness.baseline"\n'):  # begins as a document of ours
        path.write_text(text)
        with pytest.raises(DamagedError, match=f"^{path}: not valid JSON"):
            resolve(str(path), tmp_path)
    path.unlink()
    assert not labels._is_document(path)


def test_of_two_sessions_written_at_once_the_name_decides(tmp_path: Path) -> None:
    for name in ("b", "c", "a"):
        session(tmp_path, name, 100, base=1)
    for number in range(20):
        (tmp_path / "runs" / f"no session {number}").mkdir()
    session(tmp_path, "oldest", 200, base=1)
    assert [path.name for path in sessions_newest_first(tmp_path / "runs")] == ["c", "b", "a", "oldest"]
    for name in "abcd":  # a file is no variant
        (tmp_path / "runs" / "c" / name).write_text("")
    assert resolve("base", tmp_path).path == tmp_path / "runs" / "c" / "base" / "run_01" / "lean"
    told(tmp_path, "abcd", "'abcd': no such label or folder; known are base, c/base, b/base, a/base, oldest/base")
    told(tmp_path, "a", f"{tmp_path / 'runs' / 'a'}: is a session; name one of its variants (a/base)")
    told(tmp_path, "a/", f"{tmp_path / 'runs' / 'a'}: is a session; name one of its variants (a/base)")


def test_a_project_of_lean_cli_stands_for_its_latest_backtest_with_a_result(tmp_path: Path) -> None:
    backtests = tmp_path / "project" / "backtests"
    for day in (1, 3, 2):
        write_lean(backtests / f"2025-10-0{day}_10-00-00", "1234567890")
    write_lean(backtests / "2025-10-09_10-00-00x", "1234567890")
    (backtests / "2025-10-05_10-00-00").mkdir()
    (backtests / "2025-10-06_10-00-00").write_text("")
    (backtests / "2025-10-07_10-00-00").mkdir()
    (backtests / "2025-10-07_10-00-00" / "1-order-events.json").write_text("[]")  # its result is missing
    for label in ("project", "project/backtests"):
        found = resolve(label, tmp_path)
        assert (found.kind, found.path) == (Kind.LEAN_FOLDER, backtests / "2025-10-03_10-00-00")


def test_folders_may_be_named_otherwise(tmp_path: Path) -> None:
    session(tmp_path, "s", 100, base=1)
    (tmp_path / "runs").rename(tmp_path / "mine")
    save_baseline(tmp_path / "kept" / "quick.json", {}, tmp_path / "mine" / "s" / "base" / "run_01" / "lean")
    named = {"runs_folder": "mine", "baselines_folder": "kept"}
    assert resolve("base", tmp_path, **named).kind is Kind.VARIANT
    assert resolve("s/base", tmp_path, **named).kind is Kind.VARIANT
    assert resolve("quick", tmp_path, **named).kind is Kind.BASELINE
    words = "'basf': no such label or folder; near are base, s/base"
    with pytest.raises(InputError, match=f"^{words}$"):
        resolve("basf", tmp_path, **named)
    (tmp_path / "kept" / ".json").write_text("{}")
    with pytest.raises(InputError, match=r"^'': no such label or folder; known are base"):
        resolve("", tmp_path, **named)


def test_what_was_found_keeps_the_words_of_the_user(tmp_path: Path) -> None:
    lean = tmp_path / "runs" / "sX" / "base" / "run_01" / "lean"
    session(tmp_path, "sX", 100, base=1)
    write_lean(tmp_path / "project" / "backtests" / "2025-10-01_10-00-00", "1")
    for name in ("default", "quick"):
        save_baseline(tmp_path / "baselines" / f"{name}.json", {}, lean)
    for label in (
        "baseline", "quick", "baselines/quick.json", "sX/base", "base", "sX/base/run_01", "sX/base/run_01/lean",
        "sX/base/run_01/lean/Algo.json", "project", str(tmp_path / "project"),
    ):  # fmt: skip
        assert resolve(label, tmp_path).label == label
    told(tmp_path, "sX/", f"{tmp_path / 'runs' / 'sX'}: is a session; name one of its variants (sX/base)")
    (tmp_path / "text.txt").write_text("{")
    with pytest.raises(DamagedError):
        resolve("text.txt", tmp_path)


def test_names_that_are_half_alike_are_near(tmp_path: Path) -> None:
    session(tmp_path, "s", 100, optimized=1)
    told(tmp_path, "opt", "'opt': no such label or folder; near are optimized")


def test_a_stored_baseline_stays_one_whatever_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "quick.json"
    save_baseline(path, {}, write_lean(tmp_path / "lean"))
    path.write_text(path.read_text().replace('"schema"', '"schemb"'))
    with pytest.raises(DamagedError, match=f"^{path}: "):
        resolve("quick.json", tmp_path)
