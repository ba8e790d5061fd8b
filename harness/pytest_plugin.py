"""A pytest plugin, so that a team's own suite can hold parity.

::

    def test_cached_metrics_change_nothing(lean_backtest, assert_parity):
        old = lean_backtest(scenario="quick", variant="baseline")
        new = lean_backtest(scenario="quick", variant="optimized")
        assert_parity(new, old)

    def test_against_the_stored_baseline(lean_backtest, assert_parity):
        assert_parity(lean_backtest(variant="optimized"))      # pytest --harness-baseline baseline

``--harness-baseline`` takes what ``harness diff`` takes: a stored baseline, a session's variant, a results folder.
Nothing of the harness is imported before a test asks for a fixture.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from harness.config import Settings
    from harness.engines.base import BacktestRun
    from harness.results.lean_results import LeanResults


@dataclass(frozen=True, slots=True)
class Backtest:
    """A completed backtest: what it cost and left (``run``), and its results, read when asked for."""

    run: BacktestRun
    results: LeanResults


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the group ``harness``."""
    group = parser.getgroup("harness", "backtests of the benchmark harness")
    group.addoption("--harness-baseline", metavar="LABEL", help="what assert_parity holds a backtest against")
    group.addoption("--harness-config", metavar="FILE", help="settings file; default: nearest harness.toml")


@pytest.fixture(scope="session")
def harness_settings(request: pytest.FixtureRequest) -> Settings:
    """The settings of ``--harness-config``, or of the nearest ``harness.toml`` above pytest's root."""
    from harness.config import find_settings, load_settings
    from harness.errors import HarnessError

    given = request.config.getoption("--harness-config")
    try:
        return load_settings(Path(given) if given else find_settings(request.config.rootpath))
    except HarnessError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def lean_backtest(harness_settings: Settings, tmp_path: Path) -> Callable[..., Backtest]:
    """``lean_backtest(scenario="default", variant="baseline", parameters={}, algorithm=None, class_name=None,
    data=None, engine=None)`` runs one backtest; the test fails with its reason when it does not complete."""

    def run(
        scenario: str = "default",
        variant: str = "baseline",
        parameters: Mapping[str, str] | None = None,
        algorithm: str | Path | None = None,
        class_name: str | None = None,
        data: str | Path | None = None,
        engine: str | None = None,
    ) -> Backtest:
        from harness.bench.prepare import resolve_variant, variant_request
        from harness.bench.setup import Variant
        from harness.bench.solo import run_once
        from harness.commands.common import engine_from
        from harness.commands.data import ensure_data
        from harness.commands.run import only_class
        from harness.errors import HarnessError
        from harness.results.lean_results import LeanResults

        try:
            side = resolve_variant(harness_settings, scenario, variant, parameters)
            if algorithm is not None:
                file = Path(algorithm).resolve()
                side = Variant(file, class_name or only_class(file), dict(parameters or {}))
            if data is None:
                ensure_data(harness_settings, scenario)
            number = sum(1 for path in tmp_path.iterdir() if path.name.startswith("backtest-"))
            folder = tmp_path / f"backtest-{number}"
            request = variant_request(harness_settings, scenario, side, folder, Path(data).resolve() if data else None)
            done = run_once(engine_from(harness_settings, engine), request)
        except HarnessError as error:
            pytest.fail(str(error), pytrace=False)
        if not done.ok:
            pytest.fail(f"the backtest ended as {done.outcome}: {done.detail}; see {folder}", pytrace=False)
        return Backtest(done, LeanResults(done.request.results_folder, done.request.result_id))

    return run


@pytest.fixture
def assert_parity(harness_settings: Settings, request: pytest.FixtureRequest) -> Callable[..., None]:
    """``assert_parity(new, old=None)``: fails with the first differing order event. ``old`` is another backtest or
    a label; by default what ``--harness-baseline`` says."""

    def check(new: Backtest | str, old: Backtest | str | None = None) -> None:
        from harness.commands.diff import difference_lines
        from harness.errors import HarnessError
        from harness.parity.diff import diff_results
        from harness.parity.rules import ParityRules

        reference = old if old is not None else request.config.getoption("--harness-baseline")
        if reference is None:
            pytest.fail("assert_parity: nothing to compare with; give a second backtest or --harness-baseline", False)
        try:
            rules = ParityRules.from_settings(harness_settings.parity)
            found = diff_results(_results(harness_settings, reference), _results(harness_settings, new), rules)
        except HarnessError as error:
            pytest.fail(str(error), pytrace=False)
        if not found.identical:
            pytest.fail("\n".join(["the results differ (left is expected)", *difference_lines(found)]), pytrace=False)

    return check


def _results(settings: Settings, given: Backtest | str) -> LeanResults:
    from harness.results.labels import resolve

    if isinstance(given, Backtest):
        return given.results
    return resolve(given, settings.root, settings.folders.runs, settings.folders.baselines).results
