"""Parameters from text, and what is said about bad ones."""

from __future__ import annotations

import datetime as dt

import pytest
from parameters import Parameters, read_parameters

from harness.marketdata.spec import synth_spec


def read(**given: str) -> Parameters:
    return read_parameters(given.get)


def test_nothing_given_is_the_default_scenario() -> None:
    parameters = read()
    assert parameters == Parameters()
    spec = synth_spec()
    assert (*parameters.symbols, "SPY") == spec.tickers
    assert (parameters.start, parameters.end) == (spec.start, spec.end)


def test_text_is_converted_by_the_type_of_the_default() -> None:
    parameters = read(
        symbols="spy+AIG+spy",
        start="2013-10-07",
        end="2013-10-11",
        metrics="incremental",
        max_positions="2",
        stop_share="0.5",
    )
    assert parameters.symbols == ("SPY", "AIG")
    assert (parameters.start, parameters.end) == (dt.date(2013, 10, 7), dt.date(2013, 10, 11))
    assert (parameters.metrics, parameters.max_positions, parameters.stop_share) == ("incremental", 2, 0.5)


def test_symbols_may_be_separated_by_spaces_and_blank_text_is_no_text() -> None:
    assert read(symbols="AAPL NVDA").symbols == ("AAPL", "NVDA")
    assert read(symbols=" ", cash_dollars="").symbols == Parameters().symbols


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"metrics": "fast"}, "parameter metrics is 'fast': give recompute or incremental"),
        ({"instrumentation": "maybe"}, "parameter instrumentation is 'maybe': give on or off"),
        ({"start": "October"}, "parameter start is 'October': give a date like 2025-10-01"),
        ({"max_positions": "many"}, "parameter max_positions is 'many': give a number like 6"),
        ({"stop_share": "nan"}, "parameter stop_share is 'nan': give a finite number"),
        ({"stop_share": "-1"}, "parameter stop_share is -1.0: give a number that is not negative"),
        ({"window_bars": "0"}, "parameter window_bars is 0: give a number above zero"),
        ({"symbols": "+"}, "parameter symbols is empty: give tickers like SPY+AIG"),
        ({"start": "2025-10-11"}, "parameter end is 2025-10-10, before start 2025-10-11: swap them"),
        ({"volume_days": "31"}, "parameter volume_days is 31: give at most history_days"),
    ],
)
def test_a_bad_value_is_one_line_that_says_what_to_give(given: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        read(**given)
    assert str(caught.value) == message
