"""Volatility models are fed with the bars of their security, and warmed up anew where raw prices jump."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest

from tests.embedded.tiny_runs import make_minutes, run_tiny


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_minutes(tmp_path_factory.mktemp("data"))


def test_a_users_model_sees_every_bar_before_events_and_orders_do(data_folder: Path, tmp_path: Path) -> None:
    """Security.Update comes right after the clock: a scheduled event at the bar's end finds the model updated."""
    run = run_tiny(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            outer = self

            class Own:
                volatility = 0

                def update(self, security, data):
                    assert security is outer.security
                    self.volatility += 1
                    self.last = f"{data.end_time:%H:%M} {data.price == security.price}"

                def get_history_requirements(self, security, utc_time):
                    return []

            self.model = Own()
            self.security.set_volatility_model(self.model)
            self.schedule.on(self.date_rules.on(2025, 10, 6), self.time_rules.at(9, 40), self.look)

        def look(self):
            self.note(f"{self.security.volatility_model.volatility} {self.model.last}")
            self.security.set_volatility_model(IndicatorVolatilityModel(Identity("x")))
        """,
    )
    assert run.exit_code == 0
    # Ten bars, from 9:31 to 9:40; then another model took over.
    assert run.seen == ["10 09:40 True 06 09:40", "end 07 16:00"]


def test_relative_deviation_samples_prices_and_an_indicator_is_warmed_up(data_folder: Path, tmp_path: Path) -> None:
    """RelativeStandardDeviationVolatilityModel.cs: a price every two minutes, the last three.

    VolatilityModelExtensions.cs: the last four minute bars go through the update function.
    """
    run = run_tiny(
        data_folder,
        tmp_path,
        """
        def set_up(self):
            self.security.set_volatility_model(RelativeStandardDeviationVolatilityModel(timedelta(minutes=2), 3))
            self.mean = SimpleMovingAverage(4)
            self.model = IndicatorVolatilityModel(
                self.mean, lambda security, data, indicator: indicator.update(data.end_time, data.price)
            )
            self.prices = []

        def on_data(self, data):
            self.prices.append(self.security.price)
            if self.at(6, 9, 40):
                VolatilityModelExtensions.warm_up(self.model, self, self.security, Resolution.MINUTE, 4)
                self.seen += [repr(price) for price in self.prices]
                self.seen += [repr(self.security.volatility_model.volatility), repr(self.model.volatility)]
        """,
    )
    assert run.exit_code == 0
    prices = [float(line) for line in run.seen[:10]]
    deviation, mean = float(run.seen[10]), float(run.seen[11])
    sampled = prices[4:9:2]
    assert deviation == pytest.approx(statistics.stdev(sampled) / statistics.fmean(sampled), rel=1e-12)
    assert mean == pytest.approx(statistics.fmean(prices[-4:]))
