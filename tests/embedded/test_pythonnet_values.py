"""What values look like to user code behind QuantConnect's pythonnet fork: ``EnumObject.cs`` and ``Converter.cs``."""

from __future__ import annotations

import math
import pickle
from datetime import date, datetime, timedelta

import pytest

from harness.embedded.clock import from_us, to_us
from harness.embedded.enums import BrokerageName, MovingAverageType, OrderStatus, OrderType, Resolution, SeriesType


def test_a_member_equals_its_number_and_its_name_in_either_spelling() -> None:
    status = OrderStatus.PARTIALLY_FILLED
    assert status == 2
    assert status == 2.0
    assert status in ("PARTIALLY_FILLED", "never")
    assert status == "PartiallyFilled"
    assert status != "partially_filled"
    assert status != None  # noqa: E711
    assert OrderType.LIMIT != True  # noqa: E712
    # Members of different enumerations compare by their numbers.
    assert OrderType.STOP_MARKET == OrderStatus.PARTIALLY_FILLED
    assert {status: 1}[OrderStatus.PartiallyFilled] == 1


def test_text_of_a_member_is_its_name_in_upper_case_and_takes_no_format() -> None:
    assert f"{OrderStatus.UPDATE_SUBMITTED}" == str(OrderStatus.UPDATE_SUBMITTED) == "UPDATE_SUBMITTED"
    for spec in (">10", "d"):
        with pytest.raises(TypeError, match=r"unsupported format string passed to OrderStatus\.__format__"):
            format(OrderStatus.FILLED, spec)
    # ToSnakeCase parts digits from letters.
    assert (str(MovingAverageType.T3), str(SeriesType.Scatter3d)) == ("T_3", "SCATTER_3D")
    assert (BrokerageName.TD_AMERITRADE.lean_name, BrokerageName.BINANCE_US.lean_name) == ("TDAmeritrade", "BinanceUS")
    assert Resolution.DAILY > Resolution.HOUR
    assert int(Resolution.DAILY) == 4


def test_a_member_is_true_and_calculates_as_a_double() -> None:
    """``OpsHelper.cs``: the operators of enumerations take and give doubles. No type but a type has a truth slot."""
    assert bool(OrderType.MARKET)
    assert (OrderType.MARKET or 5) is OrderType.MARKET
    shown = [OrderStatus.FILLED + 1, 2 * OrderStatus.FILLED, 1 - OrderStatus.FILLED, OrderStatus.FILLED - 1]
    assert [repr(value) for value in shown] == ["4.0", "6.0", "-2.0", "2.0"]
    assert repr(sum([OrderStatus.FILLED])) == "3.0"
    assert (OrderStatus.FILLED / 2, 6 / OrderStatus.FILLED) == (1.5, 2.0)
    assert (-math.inf, math.inf) == (-1 / OrderStatus.NEW, OrderStatus.FILLED / 0)
    assert math.isnan(OrderStatus.NEW / 0)
    for other in (OrderStatus.NEW, "1", None):
        with pytest.raises(TypeError, match="unsupported operand"):
            OrderStatus.FILLED + other


def test_times_compare_with_days_and_subtract_them() -> None:
    time = from_us(to_us(datetime(2025, 10, 6, 9, 31)))
    assert time < date(2025, 10, 7)
    assert time <= date(2025, 10, 6)
    assert date(2025, 10, 5) < time
    assert time >= date(2025, 10, 6)
    assert time - date(2025, 10, 1) == timedelta(days=5)
    assert date(2025, 10, 8) - time == timedelta(days=2)
    assert (time + timedelta(days=1)) > date(2025, 10, 6)
    # Among times all is as ever.
    plain = datetime(2025, 10, 6, 9, 31)
    assert (time, hash(time), repr(time)) == (plain, hash(plain), repr(plain))
    assert time - datetime(2025, 10, 6) == timedelta(hours=9, minutes=31)
    assert type(pickle.loads(pickle.dumps(time))) is datetime
    with pytest.raises(TypeError, match=r"unsupported operand type\(s\) for \+: 'datetime' and 'int'"):
        time + 5  # type: ignore[operator]
