"""Volatility of a security's prices. Source: Lean's ``Common/Securities/Volatility``.

The statistics are those of MathNet's streaming mean and sample variance, newest value first, as Lean feeds them.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from harness.embedded.clock import from_us
from harness.embedded.clr import ZERO, decimal_from_double, div, from_python, mul, to_float
from harness.embedded.enums import RESOLUTION_US, DataNormalizationMode, Resolution
from harness.embedded.models.wrapping import is_engine_class, require
from harness.embedded.naming import lean_api, user_method
from harness.embedded.not_supported import NotSupportedError

_NEVER = datetime.min


def streaming_mean(values: Iterable[float]) -> float:
    """Mean by updates, in the order of the values; NaN of none."""
    mean, count = 0.0, 0
    for value in values:
        count += 1
        mean += (value - mean) / count
    return mean if count else math.nan


def streaming_standard_deviation(values: Iterable[float]) -> float:
    """Sample standard deviation by updates, in the order of the values; NaN of fewer than two."""
    variance, total, count = 0.0, 0.0, 0
    for value in values:
        count += 1
        total += value
        if count > 1:
            difference = count * value - total
            variance += (difference * difference) / (count * (count - 1))
    return math.sqrt(variance / (count - 1)) if count > 1 else math.nan


def _safe_decimal(value: float) -> Decimal:
    if math.isnan(value) or math.isinf(value):
        raise ValueError("cannot take a volatility of prices that are not finite")
    return decimal_from_double(value)


class _VolatilityModel:
    """Base; see ``Security.set_volatility_model`` for what the engine covers."""

    @property
    def needs_update(self) -> bool:
        """Whether the security's data must be given to the model."""
        return True

    @property
    def _volatility(self) -> Decimal:
        return ZERO

    @property
    def volatility(self) -> float:
        return to_float(self._volatility)

    Volatility = volatility

    def _update(self, security: Any, data: Any) -> None:
        """Take a data point of the security."""

    def _requirement(self, engine: Any, security: Any) -> tuple[Resolution | None, int] | None:
        """Forget all; resolution (``None``: daily) and number of the bars that warm the model up, or ``None``."""
        return None

    def update(self, security: Any, data: Any) -> None:
        self._update(security, data)

    Update = update


@lean_api
class BaseVolatilityModel(_VolatilityModel):
    """Base of volatility models: always zero."""

    @property
    def needs_update(self) -> bool:
        return False

    def get_history_requirements(
        self, security: Any, utc_time: datetime, resolution: Resolution | None = None, bar_count: int = 0
    ) -> list[Any]:
        """None; with a number of bars the request for them, which is not covered."""
        if bar_count:
            raise NotSupportedError("BaseVolatilityModel.get_history_requirements", "of a number of bars")
        return []

    def set_subscription_data_config_provider(self, subscription_data_config_provider: Any) -> None:
        self.subscription_data_config_provider = subscription_data_config_provider


class _NullVolatilityModel(_VolatilityModel):
    @property
    def needs_update(self) -> bool:
        return False


@lean_api
class VolatilityModel:
    """``VolatilityModel.NULL``: always zero, the default."""

    NULL: ClassVar[_NullVolatilityModel] = _NullVolatilityModel()
    Null: ClassVar[_NullVolatilityModel] = NULL


@lean_api
class IndicatorVolatilityModel(BaseVolatilityModel):
    """The value of an indicator, which user code updates itself or through ``indicator_update``."""

    def __init__(self, indicator: Any, indicator_update: Callable[[Any, Any, Any], None] | None = None) -> None:
        self._indicator = indicator
        self._indicator_update = indicator_update

    @property
    def needs_update(self) -> bool:
        return self._indicator_update is not None

    @property
    def _volatility(self) -> Decimal:
        return from_python(self._indicator.current.value)

    def _update(self, security: Any, data: Any) -> None:
        if self._indicator_update is not None:
            self._indicator_update(security, data, self._indicator)


@lean_api
class RelativeStandardDeviationVolatilityModel(BaseVolatilityModel):
    """Standard deviation of sampled prices over their mean."""

    def __init__(self, period_span: timedelta, periods: int) -> None:
        if periods < 2:
            raise ValueError("'periods' must be greater than or equal to 2. (Parameter 'periods')")
        self._period_span = period_span
        self._window: deque[float] = deque(maxlen=periods)
        self._last_update = _NEVER + period_span * periods
        self._value = ZERO
        self._needs_value = False

    @property
    def needs_update(self) -> bool:
        return True

    def _requirement(self, engine: Any, security: Any) -> tuple[Resolution | None, int]:
        periods = self._window.maxlen or 0
        self._window.clear()
        self._last_update = _NEVER + self._period_span * periods
        self._value = ZERO
        self._needs_value = False
        return min(config.resolution for config in engine.data.configs_of(security.symbol)), periods + 1

    @property
    def _volatility(self) -> Decimal:
        if len(self._window) < 2:
            return ZERO
        if self._needs_value:
            self._needs_value = False
            mean = abs(_safe_decimal(streaming_mean(self._window)))
            if mean:
                self._value = div(_safe_decimal(streaming_standard_deviation(self._window)), mean)
        return self._value

    def _update(self, security: Any, data: Any) -> None:
        end = from_us(data._end_us)
        price = data._value
        if end - self._last_update >= self._period_span and price > 0:
            self._needs_value = True
            self._window.appendleft(to_float(price))
            self._last_update = end


_PERIODS = {Resolution.TICK: 600, Resolution.SECOND: 600, Resolution.MINUTE: 1440, Resolution.HOUR: 720}


@lean_api
class StandardDeviationOfReturnsVolatilityModel(BaseVolatilityModel):
    """Standard deviation of returns, a year's worth (252 days). The first argument is periods or a resolution."""

    def __init__(
        self,
        periods: int | Resolution,
        resolution: Resolution | timedelta | None = None,
        update_frequency: timedelta | None = None,
    ) -> None:
        if isinstance(periods, Resolution):
            if isinstance(resolution, timedelta):
                update_frequency = resolution
            resolution = periods
            periods = _PERIODS.get(periods, 30)
        if periods < 2:
            raise ValueError("'periods' must be greater than or equal to 2. (Parameter 'periods')")
        span = timedelta(days=1)
        if isinstance(resolution, Resolution):
            span = timedelta(microseconds=RESOLUTION_US[resolution])
        self._resolution = resolution if isinstance(resolution, Resolution) else None
        self._period_span = span if update_frequency is None else update_frequency
        self._window: deque[float] = deque(maxlen=int(periods))
        self._clear()

    def _clear(self) -> None:
        self._window.clear()
        self._last_update = _NEVER
        self._last_price = ZERO
        self._value = ZERO
        self._needs_value = False

    @property
    def needs_update(self) -> bool:
        return True

    def _requirement(self, engine: Any, security: Any) -> tuple[Resolution | None, int]:
        self._clear()
        return self._resolution, (self._window.maxlen or 0) + 1

    @property
    def _volatility(self) -> Decimal:
        if len(self._window) < 2:
            return ZERO
        if self._needs_value:
            self._needs_value = False
            deviation = _safe_decimal(streaming_standard_deviation(self._window))
            self._value = mul(deviation, decimal_from_double(math.sqrt(252.0)))
        return self._value

    def _update(self, security: Any, data: Any) -> None:
        end = from_us(data._end_us)
        price = data._value
        if end - self._last_update >= self._period_span and price > 0:
            if self._last_price > 0:
                self._needs_value = True
                self._window.appendleft(to_float(div(price, self._last_price)) - 1.0)
            self._last_update = end
            self._last_price = price


class UserVolatilityModel(_VolatilityModel):
    """User code's model. Source: Lean's ``VolatilityModelPythonWrapper``."""

    def __init__(self, model: Any) -> None:
        self._model = model

    @property
    def _volatility(self) -> Decimal:
        value = getattr(self._model, "volatility", None)
        return from_python(self._model.Volatility if value is None else value)

    def _update(self, security: Any, data: Any) -> None:
        method = user_method(self._model, "update")
        (method or self._model._update)(security, data)

    def _requirement(self, engine: Any, security: Any) -> tuple[Resolution | None, int] | None:
        method = user_method(self._model, "get_history_requirements")
        if method is None:
            inherited: tuple[Resolution | None, int] | None = self._model._requirement(engine, security)
            return inherited
        if list(method(security, engine.clock.utc)):
            raise NotSupportedError("IVolatilityModel.get_history_requirements", "of a model of user code")
        return None


@lean_api
class VolatilityModelExtensions:
    """Warming a model up from history."""

    @staticmethod
    def warm_up(
        volatility_model: Any,
        algorithm: Any,
        security: Any,
        resolution: Resolution | None = None,
        bar_count: int = 0,
        data_normalization_mode: DataNormalizationMode | None = None,
    ) -> None:
        """Give an :class:`IndicatorVolatilityModel` the last ``bar_count`` bars of a resolution (``None``: daily).

        Raw prices are scaled so that they meet the present one. Lean's other form, over a history provider, is not
        covered.
        """
        if not isinstance(volatility_model, IndicatorVolatilityModel) or not hasattr(algorithm, "_engine"):
            raise NotSupportedError("VolatilityModelExtensions.warm_up", "of this model or over a history provider")
        algorithm._engine.volatility.warm_up(
            security, volatility_model, data_normalization_mode, (resolution, int(bar_count))
        )


def engine_volatility_model(model: Any) -> _VolatilityModel:
    """The model as the engine calls it."""
    if is_engine_class(model):
        engine: _VolatilityModel = model
        return engine
    require(model, "IVolatilityModel", ("volatility", "update", "get_history_requirements"))
    return UserVolatilityModel(model)
