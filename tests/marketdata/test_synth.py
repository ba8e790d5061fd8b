"""Synthetic data: the same bytes for a seed, whole or not at all, and nobody's files overwritten."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from harness.errors import InputError
from harness.marketdata.calendar import new_york_calendar
from harness.marketdata.lean_format import DAY_US, midnight_us, read_bars, zip_path
from harness.marketdata.spec import SynthSpec, symbol_spec, synth_spec
from harness.marketdata.synth import MANIFEST, Progress, inspect_folder, synthesize

DAY = dt.date(2025, 10, 1)


@pytest.fixture(scope="module")
def spec() -> SynthSpec:
    return synth_spec(["AAPL", "MSFT", "NVDA", "COST"], DAY, DAY, history_days=45)


@pytest.fixture(scope="module")
def folder(spec: SynthSpec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("synth") / "data"
    assert synthesize(target, spec).action == "written"
    return target


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_seed_gives_the_same_bytes(spec: SynthSpec, folder: Path, tmp_path: Path) -> None:
    seen: list[Progress] = []
    report = synthesize(tmp_path / "again", spec, on_progress=seen.append)
    assert _contents(tmp_path / "again") == _contents(folder)
    assert [step.done for step in seen] == [0, 1, 2, 3, 4, 5]
    assert seen[-1].total == 5
    assert report.files == len(_contents(folder)) - 1  # all but the manifest
    other = synth_spec(["AAPL", "MSFT", "NVDA", "COST"], DAY, DAY, seed=1, history_days=45)
    assert synthesize(tmp_path / "other", other).digest != report.digest


def test_a_small_set_has_this_very_digest(tmp_path: Path) -> None:
    """Other bytes for the same seed make stored baselines worthless: raise GENERATOR_VERSION with such a change."""
    report = synthesize(tmp_path / "data", synth_spec(["AAPL"], DAY, DAY))
    assert report.digest == "103ef94a8b997c50bb5feac388bce52726d85adb16feccb1e9710601b4694938"


def test_intact_data_is_kept(spec: SynthSpec, folder: Path) -> None:
    before = (folder / MANIFEST).stat().st_mtime_ns
    assert synthesize(folder, spec).action == "kept"
    assert (folder / MANIFEST).stat().st_mtime_ns == before


def test_damaged_data_is_made_again(spec: SynthSpec, tmp_path: Path) -> None:
    target = tmp_path / "data"
    first = synthesize(target, spec)
    victim = zip_path(target, "AAPL", "daily", DAY)
    for damage in ("flip", "remove"):
        payload = bytearray(victim.read_bytes())
        if damage == "flip":
            payload[len(payload) // 2] ^= 1
            victim.write_bytes(payload)
        else:
            victim.unlink()
        assert inspect_folder(target, spec)[0] == "damaged"
        again = synthesize(target, spec)
        assert (again.action, again.digest) == ("rebuilt", first.digest)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_manifest_that_lacks_fields_is_damage_not_a_crash(spec: SynthSpec, tmp_path: Path) -> None:
    target = tmp_path / "data"
    synthesize(target, spec)
    manifest = json.loads((target / MANIFEST).read_text())
    for row in manifest["files"].values():
        del row["sha256"]
    (target / MANIFEST).write_text(json.dumps(manifest))
    assert synthesize(target, spec).action == "rebuilt"
    (target / MANIFEST).write_text('{"files": 7}')
    with pytest.raises(InputError, match="not synthetic data"):
        synthesize(target, spec)


def test_other_data_is_not_overwritten(spec: SynthSpec, tmp_path: Path) -> None:
    target = tmp_path / "data"
    synthesize(target, spec)
    other = synth_spec(["AAPL"], DAY, DAY, history_days=45)
    with pytest.raises(InputError, match="another spec"):
        synthesize(target, other)
    assert synthesize(target, other, force=True).action == "rebuilt"
    (target / "mine.csv").write_text("precious")
    for force in (False, True):
        with pytest.raises(InputError, match="not synthetic data"):
            synthesize(target, other, force=force)
    assert (target / "mine.csv").read_text() == "precious"


def test_a_folder_without_manifest_is_never_touched(spec: SynthSpec, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "file").write_text("x")
    with pytest.raises(InputError, match="not synthetic data"):
        synthesize(tmp_path / "data", spec, force=True)
    (tmp_path / "data" / "file").unlink()
    assert synthesize(tmp_path / "data", spec).action == "written"


def test_a_killed_run_leaves_no_half_folder(tmp_path: Path) -> None:
    target = tmp_path / "data"
    script = (
        "import sys; from pathlib import Path; from harness.marketdata.synth import synthesize;"
        "from harness.marketdata.spec import synth_spec;"
        "synthesize(Path(sys.argv[1]), synth_spec(), on_progress=lambda p: print(p.done, flush=True))"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(target)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == "2":
            break
    process.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    process.wait()
    process.stdout.close()
    assert not target.exists()
    assert len(list(tmp_path.iterdir())) == 1  # the unfinished folder, hidden
    small = synth_spec(["AAPL"], DAY, DAY, history_days=45)
    assert synthesize(target, small).action == "written"
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_an_error_while_writing_leaves_nothing(
    spec: SynthSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("harness.marketdata.synth.write_zip", full)
    with pytest.raises(InputError, match="No space left on device"):
        synthesize(tmp_path / "data", spec)
    assert list(tmp_path.iterdir()) == []


def test_hour_and_daily_bars_are_the_seconds_added_up(folder: Path, spec: SynthSpec) -> None:
    for ticker in spec.tickers:
        seconds = read_bars(zip_path(folder, ticker, "second", DAY), "second", "trade", DAY)
        base = midnight_us(DAY)
        regular = (seconds.start_us >= base + 34_200_000_000) & (seconds.start_us < base + 57_600_000_000)
        opens, highs, lows, closes, volumes = (column[regular] for column in seconds.columns)
        daily = read_bars(zip_path(folder, ticker, "daily", DAY), "daily")
        last = [int(column[-1]) for column in daily.columns]
        assert last == [opens[0], highs.max(), lows.min(), closes[-1], volumes.sum()]
        assert int(daily.start_us[-1]) == base
        assert len(daily) == 46
        hours = read_bars(zip_path(folder, ticker, "hour", DAY), "hour")
        today = hours.start_us >= base
        assert ((hours.start_us[today] - base) // 3_600_000_000).tolist() == [9, 10, 11, 12, 13, 14, 15]
        assert int(hours.columns[4][today].sum()) == int(volumes.sum())
        assert int(hours.columns[1][today].max()) == int(highs.max())


def test_history_is_long_enough_and_on_trading_days(folder: Path) -> None:
    daily = read_bars(zip_path(folder, "SPY", "daily", DAY), "daily")
    days = [dt.date(1970, 1, 1) + dt.timedelta(days=int(us // DAY_US)) for us in daily.start_us]
    calendar = new_york_calendar()
    assert days == calendar.days(days[0], DAY)


def test_split_and_dividend_are_consistent_with_raw_prices(folder: Path) -> None:
    for ticker, kind in (("MSFT", "dividend"), ("NVDA", "split")):
        rows = (folder / "equity/usa/factor_files" / f"{ticker.lower()}.csv").read_text().splitlines()
        day, price_factor, split_factor, reference = rows[1].split(",")
        daily = read_bars(zip_path(folder, ticker, "daily", DAY), "daily")
        row = daily.start_us.tolist().index(midnight_us(dt.datetime.strptime(day, "%Y%m%d").date()))
        raw_close = Decimal(int(daily.columns[3][row])) / 10_000
        assert raw_close == Decimal(reference)
        next_open = Decimal(int(daily.columns[0][row + 1])) / 10_000
        if kind == "split":
            assert (price_factor, split_factor) == ("1", "0.5")
            assert abs(next_open / raw_close - Decimal("0.5")) < Decimal("0.08")
        else:
            assert split_factor == "1"
            assert round(raw_close - raw_close * Decimal(price_factor), 2) == Decimal("0.83")


def test_the_fourth_symbol_is_halted(folder: Path) -> None:
    table = read_bars(zip_path(folder, "COST", "second", DAY), "second", "trade", DAY)
    assert int(np.diff(table.start_us[table.start_us >= midnight_us(DAY) + 34_200_000_000]).max()) >= 720_000_000


def test_databases_are_what_exchange_calendars_says(folder: Path) -> None:
    text = (folder / "market-hours/market-hours-database.json").read_text()
    entry = json.loads(text)["entries"]["Equity-usa-[*]"]
    assert {"7/4/2025", "11/27/2025", "1/9/2025", "12/25/2026"} <= set(entry["holidays"])
    assert entry["earlyCloses"]["11/28/2025"] == "13:00:00"
    assert "10/1/2025" not in entry["holidays"]


def test_bad_requests_are_named() -> None:
    with pytest.raises(InputError, match="not a ticker"):
        synth_spec(["../x"])
    with pytest.raises(InputError, match="before the start"):
        synth_spec(start=dt.date(2025, 10, 2), end=DAY)
    with pytest.raises(InputError, match="outside the exchange calendar"):
        synthesize(Path("never-made"), synth_spec(["AAPL"], dt.date(2010, 1, 4), dt.date(2010, 1, 5)))
    with pytest.raises(InputError, match="no trading day"):
        synthesize(Path("never-made"), synth_spec(["AAPL"], dt.date(2025, 10, 4), dt.date(2025, 10, 5)))
    assert not Path("never-made").exists()


def test_unknown_tickers_have_a_character_of_their_own() -> None:
    assert symbol_spec("zzzz") == symbol_spec("ZZZZ")
    assert symbol_spec("ZZZZ") != symbol_spec("ZZZY")


def test_the_temporary_name_of_a_living_run_is_left_alone(tmp_path: Path) -> None:
    other = tmp_path / f".data.building-{os.getppid()}"
    other.mkdir()
    synthesize(tmp_path / "data", synth_spec(["AAPL"], DAY, DAY, history_days=45))
    assert other.exists()


def test_a_folder_left_by_a_killed_run_with_our_number_is_swept(tmp_path: Path) -> None:
    left = tmp_path / f".data.building-{os.getpid()}"
    left.mkdir()
    (left / "half.zip").write_bytes(b"half")
    synthesize(tmp_path / "data", synth_spec(["AAPL"], DAY, DAY, history_days=45))
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_folder_moved_aside_by_a_killed_run_comes_back(spec: SynthSpec, tmp_path: Path) -> None:
    synthesize(tmp_path / "data", spec)
    (tmp_path / "data").rename(tmp_path / f".data.replaced-{2**22 + 1}")
    assert synthesize(tmp_path / "data", spec).action == "kept"
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
