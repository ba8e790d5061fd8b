"""What a finished (or interrupted) sweep leaves for people: tables, the best parameters, plots.

``trials.csv`` and ``trials.parquet`` hold only what does not depend on how the sweep was run, so two sweeps can be
compared byte by byte; who ran what and how long is in ``timings.csv``.
"""

from __future__ import annotations

import csv
import io
import logging
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.results.store import write_bytes, write_json
from harness.sweep.records import COMPLETE, TrialRow
from harness.sweep.runner import SweepResult

if TYPE_CHECKING:
    from optuna import Study

_log = logging.getLogger(__name__)
BEST_FILE = "best.json"
PLOTS_FOLDER = "plots"


def write_outputs(result: SweepResult, plots: bool = True) -> list[Path]:
    """Write tables, best parameters and plots into the sweep's folder; the paths written."""
    folder = result.folder
    written = [*write_tables(result.rows, folder), _write_best(result)]
    if plots:
        written += write_plots(result)
    return written


def write_tables(rows: Sequence[TrialRow], folder: Path) -> list[Path]:
    """``trials.csv``, ``trials.parquet`` and ``timings.csv``. Parquet needs pyarrow; without it only a log line."""
    table = [row.table_row() for row in rows]
    columns = list(dict.fromkeys(name for row in table for name in row))
    paths = [folder / "trials.csv", folder / "timings.csv"]
    write_bytes(paths[0], csv_bytes(columns, table), durable=False)
    timings = [
        {"number": row.number, "backtest_s": row.backtest_s, "worker": row.worker, "attempts": row.attempts}
        for row in rows
        if row.same_as is None
    ]
    write_bytes(paths[1], csv_bytes(["number", "backtest_s", "worker", "attempts"], timings), durable=False)
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError:
        _log.warning("trials.parquet is left out: pyarrow is not installed (extra 'sweep')")
        return paths
    types = {"number": pyarrow.int64(), "value": pyarrow.float64(), "same as": pyarrow.int64()}
    schema = pyarrow.schema([(name, types.get(name, pyarrow.string())) for name in columns])
    arrays = [pyarrow.array([row.get(name) for row in table], schema.field(name).type) for name in columns]
    stream = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_arrays(arrays, schema=schema), stream)
    paths.append(folder / "trials.parquet")
    write_bytes(paths[-1], stream.getvalue(), durable=False)
    return paths


def csv_bytes(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    """A CSV table; numbers in their shortest exact form, nothing for what is missing."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([repr(value) if isinstance(value := row.get(name), float) else value for name in columns])
    return stream.getvalue().encode()


def write_plots(result: SweepResult) -> list[Path]:
    """``plots/{history,importance,contour,slice}.html``, readable offline; those that cannot be drawn say why."""
    try:
        import optuna.visualization
        from optuna.importance import PedAnovaImportanceEvaluator

        draw: Any = optuna.visualization
        if not draw.is_available():
            raise ModuleNotFoundError("plotly")
    except ModuleNotFoundError:
        _log.warning("plots are left out: plotly is not installed (extra 'sweep')")
        return []
    study = _study_of(result)
    varied = [dimension.name for dimension in result.space.dimensions if dimension.size != 1]
    makers: dict[str, Callable[[], Any]] = {
        "history": lambda: draw.plot_optimization_history(study, target_name=result.settings.objective),
        "importance": lambda: draw.plot_param_importances(
            study, evaluator=PedAnovaImportanceEvaluator(), params=varied, target_name=result.settings.objective
        ),
        "contour": lambda: draw.plot_contour(study, params=varied[:6], target_name=result.settings.objective),
        "slice": lambda: draw.plot_slice(study, params=varied, target_name=result.settings.objective),
    }
    folder = result.folder / PLOTS_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, make in makers.items():
        path = folder / f"{name}.html"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Optuna's notes about experimental parts
                make().write_html(path, include_plotlyjs="directory")
            written.append(path)
        except (ValueError, RuntimeError, ZeroDivisionError) as error:
            # Optuna needs, for instance, two parameters for a contour and two different values for importances.
            _log.warning("plot %s is left out: %s", name, " ".join(str(error).split()))
    return written


def _study_of(result: SweepResult) -> Study:
    import optuna

    from harness.sweep.suggest import frozen_trial

    study = optuna.create_study(direction="maximize" if result.settings.maximize else "minimize")
    distributions = result.space.distributions()
    study.add_trials([frozen_trial(result.space, distributions, row) for row in result.rows if row.state == COMPLETE])
    return study


def _write_best(result: SweepResult) -> Path:
    best = result.best
    path = result.folder / BEST_FILE
    write_json(
        path,
        {
            "objective": result.settings.objective,
            "maximize": result.settings.maximize,
            "trial": None if best is None else best.number,
            "value": None if best is None else best.value,
            "parameters": {} if best is None else dict(best.parameters),
            "statistics": {} if best is None else dict(best.statistics),
            "trials": len(result.rows),
            "failed": result.failed,
            "duplicates": result.duplicates,
        },
        "harness.sweep-best",
        1,
    )
    return path
