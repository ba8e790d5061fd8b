"""From a path to a dataset: which format, which files, from the cache or parsed, cleaned and accounted for."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from harness.fast.bars import Bars, check_fraction
from harness.fast.choices import InputFormat
from harness.fast.errors import IngestError
from harness.fast.ingest.clean import CleanOptions, RawBars, clean
from harness.fast.ingest.column_cache import ColumnCache, Ingested, source_key
from harness.fast.ingest.csv_reader import read_csv
from harness.fast.ingest.lean_reader import INTRADAY, is_lean_folder, lean_files, lean_symbols, read_lean
from harness.fast.ingest.parquet_reader import read_parquet
from harness.fast.ingest.report import IngestReport
from harness.marketdata.lean_format import RESOLUTIONS

CSV_ENDINGS: Final = (".csv", ".txt")
PARQUET_ENDINGS: Final = (".parquet", ".pq")
REGULAR_HOURS_S: Final = (34_200, 57_600)

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """What to read and how.

    ``symbols`` empty: all. ``resolution`` and the dates concern Lean folders; a Lean folder's second and minute bars
    are cut to the regular session (9:30 to 16:00) unless ``clean_options.hours_s`` says otherwise.
    """

    input_format: InputFormat = InputFormat.AUTO
    symbols: tuple[str, ...] = ()
    resolution: str = "second"
    first_date: dt.date | None = None
    last_date: dt.date | None = None
    fraction: float = 1.0
    portion: int = 1
    threads: int = 2
    clean_options: CleanOptions = field(default_factory=CleanOptions)
    cache_folder: Path | None = None

    def __post_init__(self) -> None:
        check_fraction(self.fraction, self.portion)
        if self.resolution not in RESOLUTIONS:
            raise IngestError(f"--resolution is {self.resolution!r}: give one of {', '.join(RESOLUTIONS)}")
        if self.threads < 1:
            raise IngestError(f"number of threads is {self.threads}: give at least 1")


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Clean bars by symbol with their accounts; ``cached`` counts the sources that were not parsed again."""

    source: Path
    input_format: InputFormat
    bars: tuple[Bars, ...]
    reports: tuple[IngestReport, ...]
    warnings: tuple[str, ...]
    sources: int
    cached: int

    @property
    def rows(self) -> int:
        """Bars of all symbols."""
        return sum(len(bars) for bars in self.bars)

    @property
    def nbytes(self) -> int:
        """Bytes of all columns."""
        return sum(bars.nbytes for bars in self.bars)


@dataclass(frozen=True, slots=True)
class _Source:
    """One file (CSV, Parquet) or the files of one symbol (Lean)."""

    name: str
    input_format: InputFormat
    files: tuple[Path, ...]
    days: tuple[dt.date | None, ...] = ()


def load_dataset(path: Path, options: LoadOptions, progress: Progress | None = None) -> Dataset:
    """Read ``path``: a CSV or Parquet file, a folder of them (one symbol a file), or a Lean data folder.

    Raises :class:`IngestError` for what cannot be read; notes worth the user's eye are in ``warnings``.
    """
    if not path.exists():
        raise IngestError(f"{path}: no such file or folder; give a CSV or Parquet file, or a Lean data folder")
    input_format, notes = detect_format(path, options.input_format)
    cache = ColumnCache(options.cache_folder) if options.cache_folder is not None else None
    sources = _sources(path, input_format, options)
    found: list[Ingested] = []
    cached = 0
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for source in sources:
            symbols, hit = _ingest(source, options, cache, progress)
            cached += hit
            found.extend(symbols)
    notes += list(dict.fromkeys(str(warning.message) for warning in caught))
    if options.symbols and input_format is not InputFormat.LEAN:
        wanted = set(options.symbols)
        found = [one for one in found if one.bars.symbol in wanted]
        lacking = sorted(wanted - {one.bars.symbol for one in found})
        if lacking:
            raise IngestError(f"{path}: no data for {', '.join(lacking)}")
    names = [one.bars.symbol for one in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise IngestError(f"{path}: {', '.join(twice)} is in more than one file; keep one file a symbol")
    for one in found:
        notes += one.report.warnings()
    return Dataset(
        path,
        input_format,
        tuple(one.bars for one in found),
        tuple(one.report for one in found),
        tuple(notes),
        len(sources),
        cached,
    )


def detect_format(path: Path, asked: InputFormat = InputFormat.AUTO) -> tuple[InputFormat, list[str]]:
    """The format of ``path``, and a note when it had to be guessed. Raises :class:`IngestError`."""
    if asked is not InputFormat.AUTO:
        return asked, []
    if path.is_dir():
        if is_lean_folder(path):
            return InputFormat.LEAN, []
        parquet, csv = _files(path, PARQUET_ENDINGS), _files(path, CSV_ENDINGS)
        if parquet and csv:
            return InputFormat.PARQUET, [f"{path}: holds Parquet and CSV; the Parquet files are read"]
        if parquet or csv:
            return (InputFormat.PARQUET if parquet else InputFormat.CSV), []
        raise IngestError(f"{path}: neither a Lean data folder nor CSV or Parquet files in it")
    with path.open("rb") as file:
        magic = file.read(4)
    by_ending = InputFormat.PARQUET if path.suffix.lower() in PARQUET_ENDINGS else InputFormat.CSV
    by_content = InputFormat.PARQUET if magic == b"PAR1" else InputFormat.CSV
    known = path.suffix.lower() in (*PARQUET_ENDINGS, *CSV_ENDINGS)
    if by_content is not by_ending or not known:
        return by_content, [f"{path}: read as {by_content.value} by its content; say so with --input-format"]
    return by_content, []


def _files(folder: Path, endings: Sequence[str]) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file() and path.suffix.lower() in endings)


def _sources(path: Path, input_format: InputFormat, options: LoadOptions) -> list[_Source]:
    if input_format is InputFormat.LEAN:
        return _lean_sources(path, options)
    if path.is_file():
        return [_Source(path.name, input_format, (path,))]
    endings = PARQUET_ENDINGS if input_format is InputFormat.PARQUET else CSV_ENDINGS
    files = _files(path, endings)
    if not files:
        raise IngestError(f"{path}: no {input_format.value} files in this folder")
    return [_Source(file.name, input_format, (file,)) for file in files]


def _lean_sources(path: Path, options: LoadOptions) -> list[_Source]:
    present = lean_symbols(path, options.resolution)
    symbols = options.symbols or tuple(present)
    lacking = sorted(set(symbols) - set(present))
    if lacking or not symbols:
        what = ", ".join(lacking) or "any symbol"
        raise IngestError(
            f"{path}: no {options.resolution} data for {what} (there are: {', '.join(present) or 'none'})"
        )
    sources = []
    for symbol in symbols:
        files = lean_files(path, symbol, options.resolution, options.first_date, options.last_date)
        if not files:
            raise IngestError(f"{path}: no {options.resolution} trade files of {symbol} for the dates asked for")
        sources.append(
            _Source(symbol, InputFormat.LEAN, tuple(file for file, _ in files), tuple(day for _, day in files))
        )
    return sources


def _ingest(
    source: _Source, options: LoadOptions, cache: ColumnCache | None, progress: Progress | None
) -> tuple[list[Ingested], bool]:
    """The source's symbols, and whether they came from the cache."""
    cleaning = options.clean_options
    if source.input_format is InputFormat.LEAN and cleaning.hours_s is None and options.resolution in INTRADAY:
        cleaning = CleanOptions(REGULAR_HOURS_S, cleaning.fill, cleaning.bar_seconds, cleaning.cadence_s)
    key = ""
    if cache is not None:
        key = source_key(source.files, (source.input_format.value, options.fraction, options.portion, cleaning))
        stored = cache.load(key)
        if stored is not None:
            return stored, True
    ingested = [Ingested(*clean(raw, cleaning)) for raw in _read(source, options, progress)]
    return (cache.store(key, ingested) if cache is not None else ingested), False


def _read(source: _Source, options: LoadOptions, progress: Progress | None) -> list[RawBars]:
    def report(done: int, total: int) -> None:
        if progress is not None:
            progress(source.name, done, total)

    if source.input_format is InputFormat.CSV:
        return read_csv(
            source.files[0],
            fraction=options.fraction,
            portion=options.portion,
            threads=options.threads,
            progress=report,
        )
    if source.input_format is InputFormat.PARQUET:
        return read_parquet(source.files[0], fraction=options.fraction, portion=options.portion, progress=report)
    files = list(zip(source.files, source.days, strict=True))
    return [
        read_lean(
            source.name,
            files,
            options.resolution,
            fraction=options.fraction,
            portion=options.portion,
            threads=options.threads,
            progress=report,
        )
    ]
