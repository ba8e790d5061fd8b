"""Parameter texts, the values they mean, and the numbers read from statistics."""

from __future__ import annotations

import datetime as dt

import pytest

from harness.errors import InputError
from harness.sweep.objective import maximize_by_default, objective_value
from harness.sweep.space import SearchSpace
from harness.sweep.walk_forward import WalkForward, parse_walk_forward, windows


@pytest.mark.parametrize(
    ("spec", "values"),
    [
        ("fast=5:20:5", ["5", "10", "15", "20"]),
        ("fast=5:22:5", ["5", "10", "15", "20"]),
        ("fast=1:3", ["1", "2", "3"]),
        ("stop=0.1:0.5:0.1", ["0.1", "0.2", "0.3", "0.4", "0.5"]),
        ("stop=0:1:0.25", ["0", "0.25", "0.5", "0.75", "1"]),
        ("stop=0.2,0.5,1", ["0.2", "0.5", "1"]),
        ("stop=0.2,0.5,0.2", ["0.2", "0.5"]),
        ("low=-10:10:10", ["-10", "0", "10"]),
        ("mode=fast", ["fast"]),
        ("time=09:30,10:00", ["09:30", "10:00"]),
    ],
)
def test_a_text_means_exactly_these_values(spec: str, values: list[str]) -> None:
    space = SearchSpace.parse([spec])
    name = spec.split("=", maxsplit=1)[0]
    assert space.size == len(values)
    assert [space.grid_point(index)[name] for index in range(len(values))] == values
    for value in values:  # to Optuna and back
        assert space.texts(space.values({name: value})) == {name: value}
        assert space.distributions()[name]._contains(
            space.distributions()[name].to_internal_repr(space.values({name: value})[name])
        )


def test_a_grid_changes_the_last_parameter_fastest() -> None:
    space = SearchSpace.parse(["a=1,2", "b=x,y,z"])
    assert [tuple(space.grid_point(index).values()) for index in range(6)] == [
        ("1", "x"),
        ("1", "y"),
        ("1", "z"),
        ("2", "x"),
        ("2", "y"),
        ("2", "z"),
    ]


def test_a_continuous_range_has_no_size_and_keeps_every_digit() -> None:
    space = SearchSpace.parse(["stop=0.2:1.0"])
    assert space.size is None
    assert space.texts({"stop": 0.1 + 0.2}) == {"stop": "0.30000000000000004"}


@pytest.mark.parametrize(
    "spec",
    [
        *("fast", "=1", "fast=", "fast=5:1", "fast=1:5:0", "fast=1:5:-1", "fast=a:b", "fast=1:2:3:4", "fast=1,,2"),
        *("fast=0:1:0.0000000001", "fast=nan:1", "fast=1:inf:1"),
    ],
)
def test_a_text_that_means_nothing_is_refused_in_one_line(spec: str) -> None:
    with pytest.raises(InputError) as caught:
        SearchSpace.parse([spec])
    assert spec in str(caught.value) and "\n" not in str(caught.value)


def test_no_parameter_and_a_parameter_twice_are_refused() -> None:
    with pytest.raises(InputError, match="at least one"):
        SearchSpace.parse([])
    with pytest.raises(InputError, match="given 2 times"):
        SearchSpace.parse(["a=1", "a=2"])


@pytest.mark.parametrize(
    ("text", "value"), [("1.5", 1.5), ("-12.3%", -12.3), ("$1,234.50", 1234.5), ("$-3.20", -3.2), ("0", 0.0)]
)
def test_statistics_are_read_as_numbers(text: str, value: float) -> None:
    assert objective_value({"S": text}, "S") == value


@pytest.mark.parametrize(("statistics", "says"), [({"A": "1"}, "there are: A"), ({"S": "N/A"}, "no number")])
def test_a_statistic_that_is_no_number_says_so(statistics: dict[str, str], says: str) -> None:
    with pytest.raises(InputError, match=says):
        objective_value(statistics, "S")


def test_the_direction_follows_the_statistic() -> None:
    assert maximize_by_default("Sharpe Ratio") and not maximize_by_default("Drawdown")


def test_walk_forward_windows_move_by_the_test_and_never_overlap_it() -> None:
    days = [dt.date(2025, 10, day) for day in (1, 2, 3, 6, 7, 8, 9, 10)]
    steps = windows(days, parse_walk_forward("train=4d,test=2d"))
    assert [(step.train, step.test) for step in steps] == [
        ((days[0], days[3]), (days[4], days[5])),
        ((days[2], days[5]), (days[6], days[7])),
    ]
    with pytest.raises(InputError, match="there are 8"):
        windows(days, WalkForward(7, 2))


@pytest.mark.parametrize("text", ["", "train=4d", "train=4,test=2", "train=0d,test=1d", "test=1d,test=2d"])
def test_walk_forward_texts_show_their_form(text: str) -> None:
    with pytest.raises(InputError, match="train=20d,test=5d"):
        parse_walk_forward(text)
