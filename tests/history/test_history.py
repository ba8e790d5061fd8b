"""The store of sessions, change points, and when a night is a regression."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.sim_changes import rates
from harness.errors import DamagedError
from harness.history.changes import change_points
from harness.history.damage import inspect_history
from harness.history.nightly import confirmed, suspicions
from harness.history.store import Entry, append, append_all, entries, machine_key, rebuild
from harness.history.trend import change_sentence, sparkline, trends
from harness.results.fsck import Severity


def entry(number: int, wall: float = 1.0, **changes: object) -> Entry:
    figures = {"baseline": 2.0, "candidate": wall, "ratio": wall / 2, "low": wall / 2, "high": wall / 2}
    made = Entry(
        f"s{number:03}", f"2025-10-01T00:00:{number:02}+00:00", "default", "base", "new", "abc", False, "m1", "e",
        "PASS", 0, 6, {"wall": figures}, {"metrics": {"baseline_s": 1.0, "candidate_s": 0.5}},
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def test_entries_come_back_in_order_and_are_replaced_not_doubled(tmp_path: Path) -> None:
    path = tmp_path / "h.sqlite"
    for number in (2, 1, 2):
        append(path, entry(number))
    append(path, entry(3, scenario="quick"))
    assert entries(path) == [entry(1), entry(2), entry(3, scenario="quick")]
    assert entries(path, "quick") == [entry(3, scenario="quick")]
    assert entries(tmp_path / "none.sqlite") == []


def test_a_damaged_file_says_how_to_make_it_again(tmp_path: Path) -> None:
    path = tmp_path / "h.sqlite"
    for damaged in (b"not a database" * 100, b""):
        path.write_bytes(damaged)
        with pytest.raises(DamagedError, match="--rebuild"):
            entries(path)
        with pytest.raises(DamagedError, match="--rebuild"):
            append(path, entry(1))
        assert path.read_bytes() == damaged


def test_a_rebuild_keeps_what_no_session_is_left_of(tmp_path: Path) -> None:
    path = tmp_path / "h.sqlite"
    for number in (1, 2, 3):
        append(path, entry(number))
    done = rebuild(path, [entry(2, wall=9.0), entry(4)])
    assert (done.made, done.kept, done.damage) == (2, ("s001", "s003"), "")
    assert entries(path) == [entry(1), entry(2, wall=9.0), entry(3), entry(4)]


def test_a_rebuild_of_a_damaged_file_keeps_its_good_rows(tmp_path: Path) -> None:
    path = tmp_path / "h.sqlite"
    for number in (1, 2, 3):
        append(path, entry(number))
    changed(path, "UPDATE sessions SET pairs = 7 WHERE session = 's001'")
    done = rebuild(path, [entry(2)])
    assert (done.made, done.kept) == (1, ("s003",))
    assert "does not match its digest" in done.damage
    assert entries(path) == [entry(2), entry(3)]
    assert path.with_name("h.sqlite.damaged").exists()
    path.write_bytes(b"")
    assert rebuild(path, [entry(2)]).kept == ()
    assert entries(path) == [entry(2)]


def test_a_rebuild_that_fails_half_way_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "h.sqlite"
    append(path, entry(1))

    def some() -> Iterator[Entry]:
        yield entry(2)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild(path, some())
    with pytest.raises(KeyboardInterrupt):
        append_all(path, some())
    assert entries(path) == [entry(1)]


def changed(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE sessions SET pairs = 7 WHERE session = 's002'",
        "UPDATE sessions SET quantities = replace(quantities, '2.0', '2.1') WHERE session = 's002'",
        "UPDATE sessions SET digest = '' WHERE session = 's002'",
        "DELETE FROM sessions WHERE session = 's002'",
        "INSERT INTO sessions SELECT 's009', created_at_utc, scenario, baseline, candidate, commit_id, dirty, machine, "
        "engine, verdict, exit_code, pairs, quantities, stages, digest FROM sessions WHERE session = 's002'",
        "DELETE FROM seal",
        "PRAGMA user_version = 0",
        "PRAGMA user_version = 1",
        "PRAGMA user_version = 3",
    ],
)
def test_whatever_was_changed_is_told_and_nothing_is_added_to_it(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "h.sqlite"
    for number in range(1, 4):
        append(path, entry(number))
    changed(path, statement)
    before = path.read_bytes()
    for work in (lambda: entries(path), lambda: entries(path, "another"), lambda: append(path, entry(4))):
        with pytest.raises(DamagedError, match=r"h\.sqlite: "):
            work()
    assert path.read_bytes() == before


@pytest.mark.parametrize("cut", [False, True])
def test_no_flipped_bit_and_no_cut_makes_another_history(tmp_path: Path, cut: bool) -> None:
    """At 400 places each; ``make faults`` takes every one."""
    path = tmp_path / "h.sqlite"
    expected = [entry(number) for number in range(1, 4)]
    for one in expected:
        append(path, one)
    whole = path.read_bytes()
    told = 0
    places = range(0, len(whole), len(whole) // 400)
    for place in places:
        path.write_bytes(whole[:place] if cut else flipped(whole, place))
        try:
            assert entries(path) == expected
        except DamagedError as error:
            told += 1
            assert "\n" not in str(error)
    assert told == len(places) if cut else told > 20


def flipped(whole: bytes, place: int) -> bytes:
    return whole[:place] + bytes([whole[place] ^ (1 << place % 8)]) + whole[place + 1 :]


def first_version(path: Path, stored: list[Entry]) -> None:
    """A file as it was before there were digests."""
    whole = {"dirty": "INTEGER", "exit_code": "INTEGER", "pairs": "INTEGER", "session": "TEXT PRIMARY KEY"}
    columns = ", ".join(f"{name} {whole.get(name, 'TEXT')} NOT NULL" for name in Entry.__slots__)
    changed(path, f"CREATE TABLE sessions ({columns})".replace(" commit ", " commit_id "))
    for one in stored:
        values = [getattr(one, name) for name in Entry.__slots__]
        texts = [json.dumps(value) if isinstance(value, dict) else value for value in values]
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(f"INSERT INTO sessions VALUES ({','.join('?' * len(texts))})", texts)
    changed(path, "PRAGMA user_version = 1")


def test_a_file_from_before_there_were_digests_keeps_every_row(tmp_path: Path) -> None:
    path = tmp_path / "h.sqlite"
    first_version(path, [entry(1), entry(2)])
    append(path, entry(3))
    kept = entries(path)
    assert [one.session for one in kept] == ["s001", "s002", "s003"]
    assert kept[0].quantities == entry(1).quantities
    changed(path, "DELETE FROM sessions WHERE session = 's001'")
    with pytest.raises(DamagedError, match="2 rows, not those"):
        entries(path)


def test_fsck_tells_and_repair_keeps_the_good_rows(tmp_path: Path) -> None:
    path = tmp_path / "h.sqlite"
    for number in range(1, 4):
        append(path, entry(number))
    assert inspect_history(path) is None
    changed(path, "UPDATE sessions SET pairs = 7 WHERE session = 's002'")
    damaged = path.read_bytes()
    found = inspect_history(path)
    assert found is not None
    assert (found.severity, found.repaired) == (Severity.DAMAGED, False)
    assert "the row of 's002' does not match its digest" in found.problem
    repaired = inspect_history(path, repair=True)
    assert repaired is not None
    assert repaired.repaired
    assert "2 good rows kept" in repaired.remedy
    assert (tmp_path / "h.sqlite.damaged").read_bytes() == damaged
    assert entries(path) == [entry(1), entry(3)]
    path.write_bytes(b"x" * 5000)
    assert inspect_history(path, repair=True) is not None
    assert (tmp_path / "h.sqlite.damaged-2").exists()
    assert entries(path) == []


def test_many_processes_that_append_at_once_lose_no_row(tmp_path: Path) -> None:
    path = tmp_path / "h.sqlite"
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda number: append(path, entry(number)), range(30)))
    assert entries(path) == [entry(number) for number in range(30)]
    assert [item.name for item in tmp_path.iterdir()] == ["h.sqlite"]


def test_machines_that_differ_in_one_fact_have_different_keys() -> None:
    one = {"cpu_model": "x", "cpu_count": 2, "engine": {"source": "1"}}
    assert machine_key(one) == machine_key({**one, "engine": {"source": "2"}, "load_1min": 3})
    assert machine_key(one) != machine_key({**one, "cpu_count": 4})


def test_a_step_is_found_where_it_is_and_an_outlier_is_none() -> None:
    generator = np.random.default_rng(1)
    noise = np.exp(generator.normal(0, 0.02, 30))
    step = np.r_[np.ones(18), np.full(12, 1.15)] * noise
    found = change_points(list(step))
    assert [change.index for change in found] == [18]
    assert found[0].ratio == pytest.approx(1.15, abs=0.03)
    outlier = noise.copy()
    outlier[10] = 5.0
    assert change_points(list(outlier)) == []
    assert change_points([1.0] * 20) == []
    assert change_points([]) == []


def test_two_steps_are_both_found() -> None:
    noise = np.exp(np.random.default_rng(3).normal(0, 0.01, 36))
    values = np.r_[np.ones(12), np.full(12, 1.3), np.full(12, 0.9)] * noise
    assert [change.index for change in change_points(list(values))] == [12, 24]


def test_chance_seldom_makes_a_change_point() -> None:
    generator = np.random.default_rng(7)
    false = sum(bool(change_points(list(np.exp(generator.normal(0, 0.05, 20))))) for _ in range(200))
    assert false <= 8  # 1 % each: 8 or more of 200 would come about once in 1000 such tests


def test_trends_never_mix_machines_and_name_the_session_of_a_change() -> None:
    history = [entry(number, 1.0 + number / 1000) for number in range(10)]
    history += [entry(number, 1.5 + number / 1000) for number in range(10, 20)]
    history.append(entry(21, 9.0, machine="m2"))
    first, second = trends(history, "wall")
    assert (first.machine, second.machine, len(second.values)) == ("m1", "m2", 1)
    assert "slower) from s010" in change_sentence(first, first.changes[0])
    assert len(sparkline(first.values)) == 20


def test_a_night_is_suspect_only_above_all_the_nights_before() -> None:
    history = [entry(number, wall) for number, wall in enumerate((1.0, 1.02, 1.2, 1.01))]
    assert suspicions(history, entry(9, 1.15), 0.05) == []
    first = suspicions(history, entry(9, 1.3), 0.05)
    assert [item.quantity for item in first] == ["wall"]
    assert suspicions(history[:2], entry(9, 1.3), 0.05) == []
    assert suspicions(history, entry(9, 1.3, machine="m2"), 0.05) == []
    assert confirmed(first, []) == []
    assert confirmed(first, first) == first


def test_false_alarms_are_rare_and_a_step_of_ten_percent_is_found() -> None:
    found = rates("normal", 20, series=40, seed=7)
    assert found.false_alarms <= 0.05
    assert found.found >= 0.9
    assert rates("normal", 9, series=10, seed=7).found == 0  # too few for any split to be rare
