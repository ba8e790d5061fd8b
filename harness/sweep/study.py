"""The sweep as an Optuna study on disk or in a database: for Optuna's own tools, plots and dashboard.

The truth of a sweep is its checked row file ``trials.jsonl``; the study holds the same trials in number order and is
made again from the rows when it is missing, torn or behind. Measured on one machine (docs/sweeps.md), one finished
trial costs 0.3 ms in Optuna's journal file and 3.5 ms in SQLite, so the journal is the default; a database is chosen
by URL when other machines are to read the study while the sweep runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import EngineError, InputError
from harness.sweep.records import TrialRow
from harness.sweep.settings import SweepSettings
from harness.sweep.space import SearchSpace
from harness.sweep.suggest import frozen_trial

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import BaseStorage

JOURNAL = "optuna.journal"


class StudyMirror:
    """Keeps an Optuna study equal to the committed trials.

    ``url`` is a database as Optuna takes it (``postgresql://...``, ``mysql://...``, ``sqlite:///...``), or None for a
    journal file in ``folder``. ``name`` is the study's name there. Raises ``InputError`` when a database cannot be
    opened or holds another sweep's trials under this name.
    """

    def __init__(
        self, folder: Path, name: str, space: SearchSpace, settings: SweepSettings, url: str | None = None
    ) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._space = space
        self._distributions = space.distributions()
        self._storage = _database(url) if url else _new_journal(folder / JOURNAL)
        try:
            self.study: Study = optuna.create_study(
                storage=self._storage,
                study_name=name,
                direction="maximize" if settings.maximize else "minimize",
                load_if_exists=True,
            )
            self._there = self.study.get_trials(deepcopy=False)
            self._count = len(self._there)
        except Exception as error:
            raise InputError(f"Optuna storage {url or folder}: cannot be used ({_short(error)})") from error

    def commit(self, row: TrialRow) -> None:
        """Add this trial unless the study has it already. Trials come in number order."""
        if row.number >= self._count:
            self.add(row)
        elif self._there[row.number].params != self._space.values(row.parameters):
            raise InputError(
                f"Optuna study {self.study.study_name!r}: its trial {row.number} has other parameters; it belongs to "
                "another sweep, give this one another name"
            )

    def add(self, row: TrialRow) -> None:
        """Add one trial; its number in the study is its number in the sweep."""
        trial = frozen_trial(self._space, self._distributions, row)
        try:
            self._storage.create_new_trial(self.study._study_id, template_trial=trial)
        except Exception as error:
            raise EngineError(
                f"Optuna storage: trial {row.number} could not be added ({_short(error)}); nothing is lost, "
                "go on with --resume"
            ) from error
        self._count += 1


def _new_journal(path: Path) -> BaseStorage:
    # A killed writer may leave a torn last line, which Optuna would append to, and a stale lock. Writing the journal
    # anew from the checked rows costs 0.3 ms a trial and needs neither to be repaired.
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    for old in path.parent.glob(f"{path.name}*"):
        old.unlink()
    return JournalStorage(JournalFileBackend(str(path)))


def _database(url: str) -> BaseStorage:
    from optuna.storages import RDBStorage

    try:
        return RDBStorage(url)
    except ModuleNotFoundError as error:
        raise InputError(f"--storage {url}: needs the Python package {error.name!r}; install it") from error
    except Exception as error:
        raise InputError(f"--storage {url}: cannot be opened ({_short(error)}); check address and rights") from error


def _short(error: BaseException) -> str:
    text: Any = str(error).strip()
    return " ".join(text.split())[:200] or type(error).__name__
