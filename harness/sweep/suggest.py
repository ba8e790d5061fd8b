"""Which parameters trial k gets: a function of the seed, k, and the outcomes of trials 0 to k - lag. Nothing else.

Each trial has a sampler seeded for it alone, so a resumed sweep needs no sampler state, and outcomes are told in the
order of trial numbers, so it does not matter which worker was faster.

The tree-structured Parzen estimator's cost for one suggestion grows with the trials it looks at (measured: 3 ms at
300, 94 ms at 10,000). It is therefore shown a bounded history, the best and the latest ones, renewed every
``EPOCH`` trials: the cost stays flat.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from harness.errors import InputError
from harness.sweep.records import COMPLETE, TrialRow
from harness.sweep.settings import SweepSettings
from harness.sweep.space import SearchSpace

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

EPOCH = 64
KEPT_BEST = 30
KEPT_LATEST = 90


class Suggester(Protocol):
    """``ask`` is called for each number once, in order; ``tell`` too, for every number, in order.

    ``needs(k)`` is how many trials must have been told before ``ask(k)``.
    """

    def needs(self, number: int) -> int: ...

    def ask(self, number: int) -> dict[str, str]: ...

    def tell(self, row: TrialRow) -> None: ...


def make_suggester(space: SearchSpace, settings: SweepSettings) -> Suggester:
    """The suggester of ``settings.sampler``."""
    if settings.sampler == "grid":
        return GridSuggester(space)
    if settings.sampler == "random":
        return RandomSuggester(space, settings.seed)
    return TpeSuggester(space, settings)


def total_trials(space: SearchSpace, settings: SweepSettings) -> int:
    """How many trials there will be: a grid ends with its last point."""
    if settings.sampler != "grid":
        return settings.trials
    if space.size is None:
        names = ", ".join(dimension.name for dimension in space.dimensions if dimension.size is None)
        raise InputError(f"--sampler grid: {names} has no steps; write low:high:step, or take --sampler tpe")
    return min(settings.trials, space.size)


def trial_seed(seed: int, number: int) -> int:
    """A seed for one trial; 32 bits."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


class GridSuggester:
    """Every point of the grid once, the last parameter changing fastest."""

    def __init__(self, space: SearchSpace) -> None:
        self._space = space

    def needs(self, number: int) -> int:
        return 0

    def ask(self, number: int) -> dict[str, str]:
        return self._space.grid_point(number)

    def tell(self, row: TrialRow) -> None:
        """A grid does not learn."""


class RandomSuggester:
    """Uniform draws by Optuna's random sampler."""

    def __init__(self, space: SearchSpace, seed: int) -> None:
        self._space, self._seed = space, seed
        self._distributions = space.distributions()
        self._study = _memory_study(True)
        self._trial = self._study.ask()._get_latest_trial()

    def needs(self, number: int) -> int:
        return 0

    def ask(self, number: int) -> dict[str, str]:
        from optuna.samplers import RandomSampler

        sampler = RandomSampler(seed=trial_seed(self._seed, number))
        values = {
            name: sampler.sample_independent(self._study, self._trial, name, distribution)
            for name, distribution in self._distributions.items()
        }
        return self._space.texts(values)

    def tell(self, row: TrialRow) -> None:
        """Random draws do not learn."""


class TpeSuggester:
    """Optuna's tree-structured Parzen estimator over a bounded history.

    Trials that still run count as bad ones (``constant_liar``), which keeps parallel suggestions apart.
    """

    def __init__(self, space: SearchSpace, settings: SweepSettings) -> None:
        self._space, self._settings = space, settings
        self._distributions = space.distributions()
        self._asked: list[dict[str, str]] = []
        self._told: list[TrialRow] = []
        self._study: Study | None = None
        self._running: dict[int, FrozenTrial] = {}
        self._shown = 0
        self._together: dict[str, Any] = {}

    def needs(self, number: int) -> int:
        return max(0, number - self._settings.lag + 1)

    def tell(self, row: TrialRow) -> None:
        self._told.append(row)

    def ask(self, number: int) -> dict[str, str]:
        if number != len(self._asked):
            raise ValueError(f"asked for trial {number} after {len(self._asked)}")
        visible = self.needs(number)
        if self._study is None or number % EPOCH == 0:
            self._renew(number, visible)
        else:
            self._show(visible)
        assert self._study is not None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # constant_liar is called experimental
            self._study.sampler = _one_space_sampler()(
                self._together, seed=trial_seed(self._settings.seed, number), constant_liar=True, n_startup_trials=10
            )
        trial = self._study.ask(self._distributions)
        self._running[number] = trial._get_latest_trial()
        texts = self._space.texts(trial.params)
        self._asked.append(texts)
        return texts

    def _renew(self, number: int, visible: int) -> None:
        self._study = _memory_study(self._settings.maximize)
        self._running = {}
        chosen = chosen_history(self._told[:visible], self._settings.maximize)
        self._study.add_trials([frozen_trial(self._space, self._distributions, row) for row in chosen])
        for index in range(visible, number):
            self._add_running(index)
        self._shown = visible

    def _add_running(self, index: int) -> None:
        from optuna.trial import TrialState, create_trial

        assert self._study is not None
        trial = create_trial(
            state=TrialState.RUNNING,
            params=self._space.values(self._asked[index]),
            distributions=self._distributions,
        )
        self._study.add_trial(trial)
        self._running[index] = self._study.get_trials(deepcopy=False)[-1]

    def _show(self, visible: int) -> None:
        from optuna.trial import TrialState

        assert self._study is not None
        for index in range(self._shown, visible):
            row, trial = self._told[index], self._running.pop(index)
            if row.value is None:
                self._study.tell(trial.number, state=TrialState.FAIL)
            else:
                self._study.tell(trial.number, row.value)
        self._shown = visible


@cache
def _one_space_sampler() -> Any:
    from optuna.samplers import TPESampler

    class OneSpaceSampler(TPESampler):
        """Looks for the parameters that all finished trials have until there is one: here they have the same.

        A sampler made for each trial would otherwise go through the whole history again. ``known`` is shared by them.
        """

        def __init__(self, known: dict[str, Any], **options: Any) -> None:
            super().__init__(**options)
            self._known = known

        def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, Any]:
            if not self._known:
                self._known.update(super().infer_relative_search_space(study, trial))
            return self._known

    return OneSpaceSampler


def chosen_history(rows: Sequence[TrialRow], maximize: bool) -> list[TrialRow]:
    """The trials shown to the estimator, in number order: the best that completed, and the latest."""
    latest = rows[-KEPT_LATEST:]
    earlier = [row for row in rows[: len(rows) - len(latest)] if row.state == COMPLETE and row.same_as is None]
    sign = -1.0 if maximize else 1.0
    best = sorted(earlier, key=lambda row: (sign * (row.value or 0.0), row.number))[:KEPT_BEST]
    return sorted(best, key=lambda row: row.number) + list(latest)


def frozen_trial(space: SearchSpace, distributions: dict[str, Any], row: TrialRow) -> FrozenTrial:
    """A trial row as Optuna's finished trial."""
    from optuna.trial import TrialState, create_trial

    attributes: dict[str, Any] = dict(row.statistics)
    if row.reason:
        attributes["reason"] = row.reason
    if row.same_as is not None:
        attributes["same as"] = row.same_as
    return create_trial(
        state=TrialState.COMPLETE if row.state == COMPLETE else TrialState.FAIL,
        value=row.value,
        params=space.values(row.parameters),
        distributions=distributions,
        user_attrs=attributes,
    )


def _memory_study(maximize: bool) -> Study:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(direction="maximize" if maximize else "minimize")
