"""``harness.toml`` as typed settings. Every mistake in it is one line: file, key, value, what is allowed."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from harness.errors import InputError

FILE_NAME = "harness.toml"

Number = int | float


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _as_text(values: Any) -> Any:
    """Parameters are strings to Lean; TOML's numbers, booleans and lists are written as Lean's users write them."""
    if not isinstance(values, dict):
        return values
    texts = {}
    for key, value in values.items():
        if isinstance(value, bool):
            texts[key] = "true" if value else "false"
        elif isinstance(value, list):
            texts[key] = " ".join(str(item) for item in value)
        elif isinstance(value, str | int | float):
            texts[key] = str(value)
        else:
            texts[key] = value
    return texts


class AlgorithmSettings(_Table):
    """The algorithm under test: file (relative to ``harness.toml``) and class."""

    file: Path = Path("algorithm/main.py")
    class_name: str = Field(default="ReferenceAlgorithm", alias="class", min_length=1)


class FolderSettings(_Table):
    """Where things are kept, relative to ``harness.toml``."""

    data: Path = Path("data")
    runs: Path = Path("runs")
    baselines: Path = Path("baselines")
    cache: Path = Path(".cache")


class EngineSettings(_Table):
    """How one backtest is started. ``cpu_affinity``: CPU numbers; ``niceness``: -20..19 (negative needs rights)."""

    name: str = "embedded"
    time_limit_s: float = Field(default=1800.0, gt=0)
    cpu_affinity: tuple[int, ...] = ()
    niceness: int = Field(default=0, ge=-20, le=19)


class BenchSettings(_Table):
    """How many runs. ``untouched_stages``: stages that the change cannot reach; they must not move."""

    baseline: str = "baseline"
    candidate: str = "optimized"
    pairs: int = Field(default=10, ge=1, le=1000)
    max_pairs: int = Field(default=40, ge=6, le=1000)
    max_time_s: float = Field(default=3600.0, gt=0)
    warmups: int = Field(default=1, ge=0, le=20)
    control_runs: int = Field(default=4, ge=0, le=100)
    seed: int = Field(default=20251001, ge=0)
    untouched_stages: tuple[str, ...] = ()


class TargetSettings(_Table):
    """What a candidate must reach. ``judged_phase``: the whole process, or only the algorithm's own part of it."""

    time_reduction_percent: float = Field(default=25.0, ge=-1000, lt=100)
    memory_growth_percent: float = Field(default=10.0, ge=0, le=10000)
    judged_phase: Literal["total", "algorithm"] = "total"

    @property
    def time_ratio(self) -> float:
        """25 % less time is a ratio of 0.75."""
        return 1 - self.time_reduction_percent / 100

    @property
    def memory_ratio(self) -> float:
        """10 % growth is a ratio of 1.10."""
        return 1 + self.memory_growth_percent / 100


class VariantSettings(_Table):
    """One version of the algorithm: parameters, and where it differs from ``[algorithm]``, file or class."""

    parameters: dict[str, str] = Field(default_factory=dict)
    file: Path | None = None
    class_name: str | None = Field(default=None, alias="class")

    _texts = field_validator("parameters", mode="before")(_as_text)


class DataSettings(_Table):
    """Which market data a scenario runs on.

    ``folder``: by default a folder of the scenario's name in ``[folders] data``. ``synthetic`` false: the folder is
    used as it is and never written. The rest is what ``harness data synth`` makes; left out, its own defaults.
    """

    folder: Path | None = None
    synthetic: bool = True
    quick: bool = False
    symbols: tuple[str, ...] = ()
    start: date | None = None
    end: date | None = None
    seed: int | None = Field(default=None, ge=0)
    history_days: int | None = Field(default=None, ge=45, le=1000)


class ScenarioSettings(_Table):
    """What is backtested: parameters common to all variants, data, and fewer or more runs than ``[bench]``.

    ``allow_missing_data``: a run counts although a subscribed symbol lacks data files. ``accept_abort``: although real
    Lean aborted after all its results were written.
    """

    description: str = ""
    parameters: dict[str, str] = Field(default_factory=dict)
    data: DataSettings = DataSettings()
    pairs: int | None = Field(default=None, ge=1, le=1000)
    control_runs: int | None = Field(default=None, ge=0, le=100)
    warmups: int | None = Field(default=None, ge=0, le=20)
    allow_missing_data: bool = False
    accept_abort: bool = False

    _texts = field_validator("parameters", mode="before")(_as_text)


class Settings(_Table):
    """The whole of ``harness.toml``. ``root`` is the folder it lies in; :meth:`path` resolves against it."""

    algorithm: AlgorithmSettings = AlgorithmSettings()
    folders: FolderSettings = FolderSettings()
    engine: EngineSettings = EngineSettings()
    bench: BenchSettings = BenchSettings()
    targets: TargetSettings = TargetSettings()
    parity: dict[str, Any] = Field(default_factory=dict)
    engines: dict[str, dict[str, Any]] = Field(default_factory=dict)
    variants: dict[str, VariantSettings] = Field(default_factory=dict)
    scenarios: dict[str, ScenarioSettings] = Field(default_factory=dict)
    root: Path = Path()

    @model_validator(mode="after")
    def _names_exist(self) -> Settings:
        for key in ("baseline", "candidate"):
            name = getattr(self.bench, key)
            if self.variants and name not in self.variants:
                raise ValueError(f"bench.{key} is {name!r}, but [variants] has only {', '.join(self.variants)}")
        return self

    def path(self, relative: Path) -> Path:
        """``relative`` as an absolute path, seen from ``harness.toml``."""
        try:
            return (self.root / relative).resolve()
        except (RuntimeError, OSError) as error:
            raise InputError(f"{self.root / relative}: a link that leads to itself; remove it") from error

    def variant(self, name: str) -> VariantSettings:
        """The variant of this name. Raises ``InputError`` naming those there are."""
        if name not in self.variants:
            raise InputError(f"variant {name!r}: not in {FILE_NAME}; it has {', '.join(self.variants) or 'none'}")
        return self.variants[name]

    def data_folder(self, scenario_name: str) -> Path:
        """Where the scenario's market data lies, absolute."""
        folder = self.scenario(scenario_name).data.folder
        return self.path(self.folders.data / scenario_name if folder is None else folder)

    def scenario(self, name: str) -> ScenarioSettings:
        """The scenario of this name. Raises ``InputError`` naming those there are."""
        if name not in self.scenarios:
            raise InputError(f"scenario {name!r}: not in {FILE_NAME}; it has {', '.join(self.scenarios) or 'none'}")
        return self.scenarios[name]


def load_settings(path: Path) -> Settings:
    """Reads ``harness.toml``. Raises ``InputError``: one line with file, key, value and what is allowed."""
    try:
        with path.open("rb") as file:
            document = tomllib.load(file)
    except FileNotFoundError as error:
        raise InputError(
            f"{path}: not found; run harness in the project's folder, give --config FILE, or make one with "
            "`harness init --algorithm FILE`"
        ) from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: not valid TOML: {error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text: {error}") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, brackets without end
        raise InputError(f"{path}: not usable TOML: {error}") from error
    if "root" in document:
        raise InputError(f"{path}: root: is not a setting; remove it")
    try:
        return Settings(**document, root=path.resolve().parent)
    except ValidationError as error:
        raise InputError(f"{path}: {_one_line(error)}") from error
    except TypeError as error:
        raise InputError(f"{path}: {error}") from error


def settings_without_file(root: Path, scenario: str, variant: str, data: Path) -> Settings:
    """What ``harness run --algorithm FILE --data FOLDER`` needs where there is no ``harness.toml``."""
    return Settings(
        root=root,
        scenarios={scenario: ScenarioSettings(data=DataSettings(folder=data, synthetic=False))},
        variants={variant: VariantSettings()},
        bench=BenchSettings(baseline=variant, candidate=variant),
    )


def find_settings(start: Path) -> Path:
    """The nearest ``harness.toml`` in ``start`` or above it; ``start / harness.toml`` when there is none."""
    for folder in (start, *start.parents):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    return start / FILE_NAME


def _one_line(error: ValidationError) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"{key}: unknown setting; allowed here: {_allowed(first['loc'])}"
    message = first["msg"].removeprefix("Value error, ")
    if not key:
        return message
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{key} = {first['input']!r}: {message[0].lower()}{message[1:]}{more}"


def _allowed(location: tuple[int | str, ...]) -> str:
    """The names allowed beside an unknown key, found by walking the models along its path."""
    model: type[BaseModel] = Settings
    named: dict[str, type[BaseModel]] = {"variants": VariantSettings, "scenarios": ScenarioSettings}
    skip = False
    for part in location[:-1]:
        if skip:
            skip = False
            continue
        if part in named and model is Settings:
            model, skip = named[str(part)], True
            continue
        annotation = model.model_fields[str(part)].annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            model = annotation
    return ", ".join(field.alias or name for name, field in model.model_fields.items() if name != "root")
