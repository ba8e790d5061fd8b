"""Gives volatility models the data of their securities, and warms them up anew at splits and dividends.

Source of the rules: Lean's ``Security.Update`` (every bar of the security, filled-forward and quote bars included, as
soon as its price is known), ``VolatilityModelExtensions``, ``AlgorithmManager.ApplySplitOrDividendToVolatilityModel``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.embedded.clock import to_us
from harness.embedded.enums import RESOLUTION_US, DataNormalizationMode, Resolution, SecurityType, TickType
from harness.embedded.feed.start_time import start_time_for_trade_bars
from harness.embedded.feed.subscription import NO_BAR
from harness.embedded.history import HistoryRequest

if TYPE_CHECKING:
    from harness.embedded.engine import EngineContext
    from harness.embedded.feed.timeline import DayPlan, SubscriptionDay


class VolatilityFeed:
    """The models of the securities on the steps of a day."""

    def __init__(self, engine: EngineContext) -> None:
        self._engine = engine
        self._plan: DayPlan | None = None
        self._version = -1
        self._fed: list[SubscriptionDay] = []

    def begin(self, plan: DayPlan) -> None:
        """Before the first step of a plan."""
        self._plan = plan
        self._version = -1

    def step(self, step: int, version: int) -> None:
        """Give the bars of a step to the models. ``version`` grows whenever a security gets another model."""
        plan = self._plan
        assert plan is not None
        if version != self._version:
            self._version = version
            self._fed = [
                day
                for day in plan.subscriptions
                if getattr(day.subscription.security, "_volatility_model", None) is not None
                and day.subscription.security._volatility_model.needs_update
            ]
        for day in self._fed:
            if day.view[step] != NO_BAR:
                bar = day.bar(step, plan)
                if bar._value:
                    security = day.subscription.security
                    security._volatility_model._update(security, bar)

    def on_split_or_dividend(self, security: Any) -> None:
        """Prices that are not adjusted jump here: the model is warmed up with prices scaled to today."""
        if security is None or security.type != SecurityType.EQUITY:
            return
        configs = self._engine.data.configs_of(security.symbol)
        if configs and configs[0].data_normalization_mode == DataNormalizationMode.RAW:
            self.warm_up(security, security._volatility_model, DataNormalizationMode.RAW)

    def warm_up(
        self,
        security: Any,
        model: Any,
        mode: DataNormalizationMode | None = None,
        span: tuple[Resolution | None, int] | None = None,
    ) -> None:
        """Update a model with the bars that it asks for, or with those of a ``span``: resolution and number.

        Without a resolution the bars are daily. Raw prices are scaled so that they meet the present one.
        """
        wanted = model._requirement(self._engine, security) if span is None else span
        if wanted is None:
            return
        resolution, count = wanted
        for bar in self._bars(security, resolution, count, mode):
            model._update(security, bar)

    def _bars(
        self, security: Any, resolution: Resolution | None, count: int, mode: DataNormalizationMode | None
    ) -> list[Any]:
        engine = self._engine
        configs = sorted(engine.data.configs_of(security.symbol), key=lambda config: int(config.tick_type))
        config = configs[0]
        chosen = Resolution.DAILY if resolution is None else Resolution(resolution)
        extended = chosen != Resolution.HOUR and any(item.extended_market_hours for item in configs)
        hours = engine.exchange_hours(security.symbol)
        start = start_time_for_trade_bars(
            hours, hours.zone.utc_to_local(engine.clock.utc), RESOLUTION_US[chosen], count, extended, False
        )
        request = HistoryRequest(
            security.symbol,
            chosen,
            TickType.QUOTE if config.tick_type == TickType.QUOTE else TickType.TRADE,
            to_us(hours.zone.local_to_utc(start)),
            engine.clock.utc_us,
            True,
            extended,
            DataNormalizationMode.SCALED_RAW if mode == DataNormalizationMode.RAW else config.data_normalization_mode,
        )
        return list(engine.history_provider.bars(request))
