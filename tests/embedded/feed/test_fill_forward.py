"""Spans and grids of bars that are shown again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.embedded.small_world import MINUTE_DAYS, _line, _write, make_data, run


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("data"))


def test_hour_bar_shown_every_minute_keeps_the_span_of_the_last_open_hour(data_folder: Path, tmp_path: Path) -> None:
    """Lean's ``SubscriptionData.Create`` rounds the start down to an hour in which the market was open."""
    outcome = run(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            self.add_equity("FULL", Resolution.MINUTE)
            self.add_equity("THIN", Resolution.HOUR)

        def on_data(self, data):
            if self.at(7, 9, 45) or self.at(7, 10, 17) or self.at(7, 11, 0):
                bar = data.bars["THIN"]
                self.note(f"{bar.time:%d %H:%M} {bar.end_time:%d %H:%M} {bar.is_fill_forward} {bar.volume}")
        """,
    )
    assert outcome.seen == [
        "06 15:00 06 16:00 True 0.0",
        "07 09:00 07 10:00 True 0.0",
        "07 10:00 07 11:00 False 1000.0",
    ]


def test_daily_bar_shown_every_minute_keeps_the_last_session(data_folder: Path, tmp_path: Path) -> None:
    """Lean's ``SubscriptionData.Create``: a strict daily bar has the calendar of its day, from Friday over Monday."""
    outcome = run(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            self.set_start_date(2025, 10, 3)
            self.add_equity("FULL", Resolution.MINUTE)
            self.add_equity("THIN", Resolution.DAILY)

        def on_data(self, data):
            if self.at(6, 9, 31) or self.at(6, 15, 59) or self.at(6, 16, 0):
                bar = data.bars["THIN"]
                self.note(f"{bar.time:%d %H:%M} {bar.end_time:%d %H:%M} {bar.is_fill_forward}")
        """,
    )
    assert outcome.seen == [
        "03 09:30 03 16:00 True",
        "03 09:30 03 16:00 True",
        "06 09:30 06 16:00 False",
    ]


def test_indicator_of_an_hourly_symbol_ignores_bars_shown_again(data_folder: Path, tmp_path: Path) -> None:
    """Lean's ``IdentityDataConsolidator`` hands on one bar an end time; seven hours a day end in a session."""
    outcome = run(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            self.add_equity("FULL", Resolution.MINUTE)
            self.mean = self.sma(self.add_equity("THIN", Resolution.HOUR).symbol, 3)

        def on_data(self, data):
            if self.at(6, 16, 0) or self.at(7, 16, 0):
                self.note(f"{self.mean.samples} {self.mean.current.value:.2f}")
        """,
    )
    # The mean of the hours 13, 14 and 15, of days 279 and 280 of the year.
    assert outcome.seen == ["7 479.14", "14 480.14"]


def test_consolidator_of_an_hourly_symbol_takes_each_hour_once(data_folder: Path, tmp_path: Path) -> None:
    """Rows shown again start before the last bar's end or add nothing (``PeriodCountConsolidatorBase.Update``)."""
    outcome = run(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            self.add_equity("FULL", Resolution.MINUTE)
            stock = self.add_equity("THIN", Resolution.HOUR).symbol
            self.consolidate(stock, timedelta(hours=2), self.on_bar)

        def on_bar(self, bar):
            if self.time.day == 6:
                self.note(f"{self.time:%H:%M} {bar.time:%H:%M} {bar.end_time:%H:%M} {bar.close} {bar.volume}")
        """,
    )
    assert outcome.seen == [
        "10:00 08:00 10:00 479.09 1000.0",
        "12:00 10:00 12:00 479.11 2000.0",
        "14:00 12:00 14:00 479.13 2000.0",
        "16:00 14:00 16:00 479.15 2000.0",
    ]


def test_daily_bars_may_end_at_midnight(data_folder: Path, tmp_path: Path) -> None:
    """Without strict end times a bar that ends as the run starts belongs, and the last day's comes after the end.

    Source: the bounds in Lean's ``SubscriptionDataReader.MoveNext`` (end not before the start, start not after the
    end).
    """
    outcome = run(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            self.settings.daily_precise_end_time = False
            self.add_equity("FULL", Resolution.DAILY)

        def on_data(self, data):
            bar = data.bars["FULL"]
            self.note(f"{self.time:%d %H:%M} {bar.time:%d %H:%M} {bar.end_time:%d %H:%M} {bar.close}")
        """,
    )
    assert outcome.seen == [
        "07 00:00 06 00:00 07 00:00 479.0",
        "08 00:00 07 00:00 08 00:00 480.0",
        "09 00:00 08 00:00 09 00:00 481.0",
    ]


def test_daily_bar_of_midnight_shown_every_minute(data_folder: Path, tmp_path: Path) -> None:
    """Lean's ``ExchangeRoundDownInTimeZone`` goes back to the last whole day on which the market was open."""
    outcome = run(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            self.settings.daily_precise_end_time = False
            self.set_start_date(2025, 10, 3)
            self.add_equity("FULL", Resolution.MINUTE)
            self.add_equity("THIN", Resolution.DAILY)

        def on_data(self, data):
            if self.at(6, 9, 31) or self.at(6, 16, 0) or self.at(7, 0, 0):
                bar = data.bars["THIN"]
                self.note(f"{bar.time:%d %H:%M} {bar.end_time:%d %H:%M} {bar.is_fill_forward}")
        """,
    )
    assert outcome.seen == [
        "03 00:00 04 00:00 True",
        "03 00:00 04 00:00 True",
        "06 00:00 07 00:00 False",
    ]


def _with_rows_before_the_open(folder: Path) -> Path:
    """THIN has rows at 8:00 and 17:00 and one at 11:00 on each day of the run."""
    make_data(folder)
    for day in MINUTE_DAYS:
        lines = [_line(str(minute * 60_000), 300 + day.day + minute / 1000) for minute in (480, 660, 1020)]
        _write(folder, "THIN", "minute", day, lines)
    return folder


def test_rows_outside_the_session_are_shown_again_in_it(tmp_path: Path) -> None:
    """Lean's ``FileSystemDataFeed.ConfigureEnumerator`` fills forward first and then filters by market hours.

    So the bar of 8:00 is not emitted, but it is what is shown from 9:31 to 11:00, in the feed as in ``history``
    (``SubscriptionDataReaderHistoryProvider.CreateSubscription`` does the same).
    """
    folder = _with_rows_before_the_open(tmp_path / "data")
    outcome = run(
        folder,
        tmp_path,
        """
        def set_up(self):
            self.stock = self.add_equity("THIN", Resolution.MINUTE).symbol

        def on_data(self, data):
            if self.at(6, 9, 31) or self.at(7, 11, 0) or self.at(7, 11, 1) or self.at(7, 16, 0):
                bar = data.bars["THIN"]
                self.note(f"{self.time:%d %H:%M} {bar.close} {bar.is_fill_forward}")
            if self.at(7, 11, 1):
                found = list(self.history[TradeBar](self.stock, 120))
                self.note([len(found), *((f"{bar.end_time:%H:%M}", bar.close) for bar in found[-2:])])
        """,
    )
    assert outcome.seen == [
        "06 09:31 306.48 True",
        "07 11:00 307.48 True",
        "07 11:01 307.66 False",
        "[91, ('11:00', 307.48), ('11:01', 307.66)]",
        "07 16:00 307.66 True",
    ]


def test_daily_bar_with_extended_hours_is_not_shown_after_the_last_close(data_folder: Path, tmp_path: Path) -> None:
    """Lean's ``FillForwardEnumerator``: strict daily bars are filled up to the last close before the end of the data.

    On other days they go on being shown until 20:00.
    """
    outcome = run(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            self.add_equity("FULL", Resolution.MINUTE, extended_market_hours=True)
            self.add_equity("THIN", Resolution.DAILY, extended_market_hours=True)
            self.last = {}

        def on_data(self, data):
            if "THIN" in data.bars:
                self.last[self.time.day] = self.time

        def finish(self):
            for time in self.last.values():
                self.note(f"{time:%d %H:%M}")
        """,
    )
    assert outcome.seen == ["06 20:00", "07 20:00", "08 16:00"]


def test_total_return_knows_a_distribution_as_soon_as_the_next_bar_is_read(tmp_path: Path) -> None:
    """Lean's ``DividendEventProvider`` counts when the reader passes the day, which is before bars are shown again.

    A dollar on the 7th: the last bar of the 6th (15:31) is shown again with it, as the first of the 7th is read by
    then (``SubscriptionData.Create`` takes the sum of that moment).
    """
    folder = make_data(tmp_path / "data")
    factors = folder / "equity" / "usa" / "factor_files"
    (factors / "thin.csv").write_text("20250902,0.99,1,100\n20251006,0.99,1,100\n20501231,1,1,0\n", "utf-8")
    outcome = run(
        folder,
        tmp_path,
        """
        def set_up(self):
            self.add_equity("THIN", Resolution.MINUTE, data_normalization_mode=DataNormalizationMode.TOTAL_RETURN)
            self.consolidate("THIN", timedelta(minutes=10), self.on_bar)

        def on_bar(self, bar):
            if self.at(6, 15, 40) or self.at(6, 15, 50):
                self.note(f"{self.time:%d %H:%M} {bar.open:.2f} {bar.high:.2f} {bar.close:.2f} {bar.volume}")

        def on_data(self, data):
            if self.at(6, 15, 0) or self.at(6, 15, 31) or self.at(6, 15, 32) or self.at(7, 9, 31):
                bar = data.bars.get("THIN")
                self.note(f"{self.time:%d %H:%M} {bar.close:.2f} {bar.is_fill_forward}")
        """,
    )
    assert outcome.seen == [
        "06 15:00 106.87 True",
        "06 15:31 106.93 False",
        "06 15:32 107.93 True",
        "06 15:40 106.93 107.98 107.93 1000.0",
        "06 15:50 107.93 107.98 107.93 0.0",
        "07 09:31 108.57 False",
    ]
