"""Tickers select what symbols name in a data frame. The rules are those of Lean's ``Common/PandasMapper.py``.

Each case runs in a process of its own, because pandas is changed for good.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.embedded.small_world import make_data, run


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("data"))


def test_tickers_and_lists_of_them_select(data_folder: Path, tmp_path: Path) -> None:
    outcome = run(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            full = self.add_equity("FULL", Resolution.DAILY).symbol
            thin = self.add_equity("THIN", Resolution.DAILY).symbol
            frame = self.history(["FULL", "THIN"], 2, Resolution.DAILY)
            time = frame.index[0][1]
            wide = frame["close"].unstack(level=0)
            self.note(len(frame.loc["FULL"]))
            self.note(len(frame.loc[full]))
            self.note(len(frame.loc[str(full.id)]))
            self.note(frame.loc[["THIN", "FULL"]].index.get_level_values(0).unique().size)
            self.note(frame.loc[("FULL", time)]["close"] == frame.loc[(full, time), "close"])
            self.note(frame.at[("THIN", time), "close"] == frame.loc[thin].loc[time].close)
            self.note(list(wide[["THIN", "FULL"]].columns) == [thin, full])
            self.note(list(wide["FULL"]) == list(wide[full]))
            self.note(["FULL" in wide, "THIN" in wide.columns, "OTHER" in wide.columns, "FULL" in frame.index])
            self.note(len(frame.xs("FULL")))
        """,
    )
    assert outcome.seen == ["2", "2", "2", "2", "True", "True", "True", "True", "[True, True, False, True]", "2"]


def test_a_missing_key_names_what_was_looked_for(data_folder: Path, tmp_path: Path) -> None:
    """Before the first frame with rows pandas is as it comes, since only ``PandasData`` imports the mapper."""
    outcome = run(
        data_folder,
        tmp_path,
        """
        def caught(self, function):
            try:
                function()
            except KeyError as error:
                self.note(f"{type(error).__name__} {error}")

        def set_up(self):
            self.add_equity("FULL", Resolution.DAILY)
            self.add_equity("THIN", Resolution.DAILY)
            empty = self.history(["FULL"], datetime(1999, 1, 4), datetime(1999, 1, 8), Resolution.DAILY)
            self.caught(lambda: empty["close"])
            frame = self.history(["FULL"], 2, Resolution.DAILY)
            self.caught(lambda: frame["price"])
            self.caught(lambda: frame.loc["THIN"])
            self.caught(lambda: frame.loc["OTHER"])
        """,
    )
    text = 'KeyError "No key found for either mapped or original key. Mapped Key: {}; Original Key: {}"'
    found = [text.format(f"['{name}']", f"['{name}']") for name in ("price", "THIN", "OTHER")]
    assert outcome.seen == ["KeyError 'close'", *found]
