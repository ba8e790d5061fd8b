"""What all indicators share: history, events, order of inputs, comparison, combination, and user indicators."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from typing import Any

import pytest

from harness.embedded.clr import use_engine_context
from harness.embedded.data import TradeBar
from harness.embedded.enums import Resolution
from harness.embedded.indicators.averages import ExponentialMovingAverage, SimpleMovingAverage, Sum
from harness.embedded.indicators.base import Identity, IndicatorDataPoint, IndicatorStatus
from harness.embedded.indicators.extensions import (
    CompositeIndicator,
    FunctionalIndicator,
    IndicatorExtensions,
    IndicatorResult,
)
from harness.embedded.indicators.factories import FACTORIES
from harness.embedded.indicators.history import _Collector
from harness.embedded.indicators.momentum import KnowSureThing
from harness.embedded.indicators.oscillators import MesaAdaptiveMovingAverage, SqueezeMomentum
from harness.embedded.indicators.statistics import SharpeRatio, TimeSeriesForecast
from harness.embedded.indicators.trend import InternalBarStrength, UltimateOscillator
from harness.embedded.indicators.user_indicator import PythonIndicator, as_indicator_base
from harness.embedded.indicators.volatility import AverageTrueRange, BollingerBands

START = datetime(2025, 10, 6, 9, 30)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def engine_context() -> None:
    use_engine_context()


def trade_bar(number: int, close: float = 10.0) -> TradeBar:
    return TradeBar(START + number * MINUTE, "X", close, close + 1, close - 1, close, 100, MINUTE)  # type: ignore[arg-type]


def test_a_new_indicator_has_one_value_of_the_beginning_of_time() -> None:
    indicator = SimpleMovingAverage(3)
    assert (indicator.current.value, indicator.current.time, indicator.samples) == (0, datetime.min, 0)
    assert indicator.previous.value == 0
    assert (indicator.window.count, indicator.window.samples, indicator.window.size) == (1, 1, 2)


@pytest.mark.parametrize("early", [True, False])
def test_history_is_the_same_whenever_it_is_asked_for(early: bool) -> None:
    indicator = Identity("x")
    if early:
        assert indicator.window.count == 1
    for number in range(1, 5):
        indicator.update(START + number * MINUTE, number)
    assert [point.value for point in indicator.window] == [4, 3]
    assert (indicator[0].value, indicator[1].value, indicator.previous.value) == (4, 3, 3)
    assert (indicator.window.samples, indicator.window.most_recently_removed.value) == (5, 2)
    assert indicator.current.end_time == START + 4 * MINUTE


def test_a_longer_window_keeps_more_values() -> None:
    indicator = Identity("x")
    indicator.window.size = 4
    for number in range(1, 7):
        indicator.update(START + number * MINUTE, number)
    assert [point.value for point in indicator.window] == [6, 5, 4, 3]
    assert indicator[3].value == 3
    assert indicator[9] is None
    assert indicator.window.size == 10


def test_older_inputs_are_ignored_and_equal_times_are_not() -> None:
    indicator = Sum(10)
    indicator.update(START, 1)
    indicator.update(START, 2)
    indicator.update(START - MINUTE, 100)
    assert (indicator.samples, indicator.current.value) == (2, 3)


def test_the_same_bar_counts_once_for_bar_indicators_and_twice_for_values() -> None:
    bar = trade_bar(0)
    true_range, total = AverageTrueRange(2), Sum(5)
    for indicator in (true_range, total):
        indicator.update(bar)
        indicator.update(bar)
    assert (true_range.samples, total.samples) == (1, 2)
    point = IndicatorDataPoint(START + MINUTE, 5)
    total.update(point)
    total.update(point)
    assert total.samples == 3


def test_updated_fires_with_indicator_and_point_until_removed() -> None:
    seen: list[tuple[str, float]] = []
    indicator = Identity("x")

    def handler(sender: Any, point: Any) -> None:
        seen.append((sender.name, point.value))

    indicator.updated += handler
    indicator.update(START, 1)
    indicator.updated -= handler
    indicator.update(START, 2)
    assert seen == [("x", 1)]
    with pytest.raises(ValueError, match="unknown event handler"):
        indicator.updated -= handler
    with pytest.raises(AttributeError):
        indicator.updated = handler  # type: ignore[assignment]


def test_both_spellings_reach_the_same_members() -> None:
    indicator: Any = SimpleMovingAverage(2)
    indicator.Update(START, 3)
    assert indicator.Current.Value == 3
    assert (indicator.IsReady, indicator.Samples, indicator.RollingSum.Current.Value) == (False, 1, 3)
    bands: Any = BollingerBands(2, 1)
    assert bands.UpperBand is bands.upper_band
    assert bands.WarmUpPeriod == 2


def test_comparison_is_by_value_against_numbers_and_identity_against_indicators() -> None:
    one, two = Identity("a"), Identity("b")
    one.update(START, 5)
    two.update(START, 5)
    assert one == 5
    assert one == 5.0
    assert one != 4
    assert one != two
    assert one >= two
    assert not one < two
    assert len({one, two}) == 2
    with pytest.raises(TypeError):
        one + 1  # type: ignore[operator]


def test_order_is_between_indicators_only_and_formats_are_not_taken() -> None:
    """IndicatorBase.CompareTo(object) and IndicatorDataPoint.CompareTo(object), which is what Python's operators reach
    for a class that does not declare C# operators itself; ``object.__format__`` takes no format.
    """
    one = SimpleMovingAverage(1)
    one.update(START, 5)
    for ask in (lambda: one > 4.5, lambda: one <= 5, lambda: one >= 0):
        with pytest.raises(TypeError, match=r"^Object must be of type SimpleMovingAverage$"):
            ask()
    with pytest.raises(TypeError, match=r"^Object must be of type IndicatorDataPoint$"):
        one.current > 4  # noqa: B015
    assert f"{one}" == "5.0"
    with pytest.raises(TypeError, match="unsupported format string"):
        f"{one:.2f}"


def test_names_and_argument_spellings_are_those_of_the_constructors() -> None:
    """Names: the constructors of SharpeRatio.cs, TimeSeriesForecast.cs, MesaAdaptiveMovingAverage.cs,
    InternalBarStrength.cs, SqueezeMomentum.cs. Spellings: C#'s and pythonnet's snake case (``ToSnakeCase``).
    """
    assert [indicator.name for indicator in (SharpeRatio(10), SharpeRatio(10, 0.02), SharpeRatio("x", 10))] == [
        "SR(10,0.0)",
        "SR(10,0.02)",
        "x",
    ]
    assert SharpeRatio(10, lambda _: 0.01).name == "SR(10)"
    assert TimeSeriesForecast(4).name == "TSF4)"
    assert MesaAdaptiveMovingAverage().name == "MAMA"
    assert InternalBarStrength().name == "IBS()"
    assert SqueezeMomentum(20, 2, 20, 1.5).name == "SM(20,2,20,1.5)"
    assert UltimateOscillator(period1=7, period_2=14, period_3=28).name == "ULTOSC(7,14,28)"
    assert SimpleMovingAverage(14.0).period == 14
    with pytest.raises(TypeError):
        SimpleMovingAverage(14.5)
    known: Any = KnowSureThing(1, 1, 1, 1, 1, 1, 1, 1, 1)
    assert (known.roc_1_ma, known.ROC4) == (known.ROC1MA, known.roc_4)


def test_text_has_one_to_five_decimals() -> None:
    indicator = Identity("x")
    assert str(indicator.current) == "0001-01-01T00:00:00 - 0"
    shown = []
    for value in ("0", "12", "0.123456", "-0.5", "1234567.891", "-0.000001"):
        indicator.update(START, __import__("decimal").Decimal(value))
        shown.append(str(indicator))
    assert shown == ["0.0", "12.0", "0.12346", "-0.5", "1234567.891", "0.0"]
    assert indicator.to_detailed_string() == "x - 0.0"


def test_chained_indicators_wait_for_the_first_to_be_ready() -> None:
    first = SimpleMovingAverage(3)
    waiting = IndicatorExtensions.of(Sum(10), first)
    eager = IndicatorExtensions.of(Sum(10), first, False)
    for number in range(4):
        first.update(START + number * MINUTE, 6)
    assert (waiting.samples, eager.samples) == (2, 4)
    assert IndicatorExtensions.sma(first, 5).name == "SMA5_Of_SMA(3)"
    assert IndicatorExtensions.ema(first, 5).name == "EMA5_Of_SMA(3)"


def test_combined_indicators_compute_once_both_sides_are_new() -> None:
    left, right = Identity("l"), Identity("r")
    total = IndicatorExtensions.plus(left, right)
    ratio = IndicatorExtensions.over(left, right)
    scaled = IndicatorExtensions.times(left, 3, "scaled")
    assert total.name == "COMPOSE(l,r)"
    left.update(START, 6)
    assert (total.samples, scaled.current.value) == (0, 18)
    right.update(START, 2)
    assert (total.current.value, ratio.current.value) == (8, 3)
    left.update(START + MINUTE, 7)
    right.update(START + MINUTE, 0)
    # A division by zero is no value: the last one stays.
    assert (ratio.samples, ratio.current.value, total.current.value) == (2, 3, 7)
    assert scaled.name == "scaled"


def test_composites_of_user_functions() -> None:
    left, right = Identity("l"), Identity("r")

    def choose(one: Any, two: Any) -> Any:
        if two.current.value == 0:
            return IndicatorResult(0, IndicatorStatus.MATH_ERROR)
        return one.current.value - two.current.value

    made = CompositeIndicator("mine", left, right, choose)
    left.update(START, 5)
    right.update(START, 2)
    assert (made.name, made.current.value, made.is_ready) == ("mine", 3, True)
    made.reset()
    assert (left.samples, made.samples) == (0, 0)


def test_weighted_mean_of_one_indicator_by_another() -> None:
    values, weights = Identity("v"), Identity("w")
    mean = IndicatorExtensions.weighted_by(values, weights, 2)
    for number, (value, weight) in enumerate([(1, 1), (2, 3), (4, 1)]):
        values.update(START + number * MINUTE, value)
        weights.update(START + number * MINUTE, weight)
    assert mean.current.value == 2.5
    assert mean.is_ready


def test_functional_indicator() -> None:
    made = FunctionalIndicator("twice", lambda data: 2 * data.value, lambda this: this.samples > 0)
    made.update(trade_bar(0, 7.0))
    assert (made.current.value, made.is_ready) == (14, True)


class Custom(PythonIndicator):
    def __init__(self, name: str, period: int) -> None:
        super().__init__()
        self.name = name
        self.value: float = 0
        self.warm_up_period = period
        self.queue: deque[float] = deque(maxlen=period)

    def update(self, data: Any) -> bool:
        self.queue.append(data.value)
        self.value = sum(self.queue) / len(self.queue)
        return len(self.queue) == self.queue.maxlen


class Bare:
    """No base class, and the C# spelling."""

    def __init__(self) -> None:
        self.Name = "bare"
        self.Value = 0.0
        self.IsReady = False

    def Update(self, data: Any) -> None:  # noqa: N802
        self.Value = data.value * 2
        self.IsReady = True


def test_user_indicator_shows_its_value_as_current() -> None:
    custom = Custom("mine", 2)
    view = as_indicator_base(custom)
    view.update(trade_bar(0, 10.0))
    assert (custom.current.value, custom.is_ready, view.name, view.warm_up_period) == (10, False, "mine", 2)
    view.update(trade_bar(1, 20.0))
    assert (custom.current.value, custom.is_ready, custom.samples) == (15, True, 2)
    assert as_indicator_base(custom) is view


def test_a_reset_by_the_engine_leaves_the_state_of_user_code() -> None:
    """PythonIndicator.cs does not override Reset: WarmUpIndicator resets samples and values, not what Python keeps."""
    calls: list[str] = []

    class Resettable(Custom):
        def reset(self) -> None:
            calls.append("reset")

    custom = Resettable("mine", 2)
    view = as_indicator_base(custom)
    view.update(trade_bar(0, 10.0))
    view.reset()
    assert (calls, view.samples, view.current.value, len(custom.queue)) == ([], 0, 0, 1)


def test_user_indicator_without_base_class() -> None:
    bare = Bare()
    view = as_indicator_base(bare)
    view.update(trade_bar(0, 10.0))
    assert (view.current.value, view.is_ready, view.name) == (20, True, "bare")


def test_an_object_that_is_no_indicator_is_told_what_it_lacks() -> None:
    with pytest.raises(NotImplementedError, match=r"Indicator.is_ready must be implemented"):
        as_indicator_base(object.__new__(type("Nothing", (), {})))


def test_factory_arguments_may_stop_early() -> None:
    by_name = {factory.name: factory for factory in FACTORIES}
    assert by_name["atr"].read((14, Resolution.DAILY), {})[1] == Resolution.DAILY
    values, resolution, selector = by_name["ema"].read((10, 0.5, Resolution.HOUR), {})
    assert (values["smoothing_factor"], resolution, selector) == (0.5, Resolution.HOUR, None)
    assert by_name["sma"].read((10, None, len), {})[2] is len
    assert by_name["aroon"].read((10,), {})[0] == {"up_period": 10, "down_period": 10}
    assert by_name["sto"].read((14,), {})[0] == {"period": 14, "k_period": 14, "d_period": 3}
    assert by_name["macd"].type_name(by_name["macd"].read((12, 26, 9), {})[0]) == "MACD(12,26,9)"
    assert by_name["rsi"].type_name(by_name["rsi"].read((14,), {})[0]) == "RSI(14,Wilders)"
    with pytest.raises(TypeError, match="sma: period is missing"):
        by_name["sma"].read((), {})
    with pytest.raises(TypeError, match="has no argument 'perod'"):
        by_name["sma"].read((), {"period": 3, "perod": 5})


def test_history_of_an_indicator_has_a_column_a_part() -> None:
    pytest.importorskip("pandas")
    from harness.embedded.indicators.history import IndicatorHistory

    bands = BollingerBands(2, 1)
    collector = _Collector(bands)
    bands._listeners = (collector,)
    for number in range(5):
        bands.update(START + number * MINUTE, 10 + number)
    history = IndicatorHistory(collector.by_time, collector.by_name, collector.others)
    frame = history.data_frame
    assert list(frame.columns) == sorted(frame.columns)
    assert {"current", "upperband", "lowerband", "percentb", "standarddeviation", "movingaveragetype"} <= set(
        frame.columns
    )
    assert frame["middleband"].tolist() == [10.5, 11.5, 12.5, 13.5]
    assert history.count == 4
    upper_band = history["upper_band"]
    assert upper_band is not None
    assert upper_band[-1].value == 14
    assert next(iter(history)).upper_band.value == 11
    assert ExponentialMovingAverage.smoothing_factor_default(9) == 0.2
