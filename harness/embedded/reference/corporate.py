"""Map files (renames, first and last day) and factor files (splits, dividends), with Lean's rules.

API::

    MapFileResolver(data_folder).resolve_map_file(ticker, as_of)   MapFile that `ticker` belonged to on a day
    MapFileResolver(data_folder).resolve_for_symbol(symbol)        MapFile of a symbol, by its identifier
    MapFile: .permtick .rows .first_date .first_ticker .delisting_date .is_empty
             .get_mapped_symbol(day, default) .has_data(day)
    load_factor_file(data_folder, permtick) -> CorporateFactorProvider
    CorporateFactorProvider: .get_price_factor(day, mode) .get_price_scale(day, mode, end_day) .minimum_date
             .dividend_on_next_trading_day(day) .split_on_next_trading_day(day) .dividends_and_splits(hours)
    CorporateEvents(map_file, factor_file).events(day, last_raw_price, last_price) -> list of events, in Lean's order;
             call it once for each tradable day in order; .sum_of_dividends is then what TOTAL_RETURN adds to prices

Days are naive ``datetime`` at midnight of the exchange's clock (times of day are ignored). All numbers are ``Decimal``.
A factor holds up to and including the day of its row; the event itself comes on the next tradable day.
Source: Lean's ``MapFile``, ``MapFileResolver``, ``LocalDiskMapFileProvider``, ``CorporateFactorProvider``,
``CorporateFactorRow``, ``PriceScalingExtensions``, ``SplitEventProvider``, ``DividendEventProvider``,
``MappingEventProvider``, ``DelistingEventProvider``, ``Dividend.ComputeDistribution``.
"""

from __future__ import annotations

import datetime as dt
import os
from bisect import bisect_left
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from harness.embedded.clr import ONE, ZERO, div, mul, round_half_even, sub
from harness.embedded.enums import DataNormalizationMode
from harness.embedded.reference.symbols import DEFAULT_DATE, Symbol
from harness.marketdata.lean_format import FormatError, factor_files_folder, map_files_folder

if TYPE_CHECKING:
    from harness.embedded.reference.market_hours import SecurityExchangeHours

BEGINNING_OF_TIME = DEFAULT_DATE
END_OF_TIME = dt.datetime(2050, 12, 31)


# ------------------------------------------------------------------------------------------------------------ map files


@dataclass(frozen=True, slots=True)
class MapFileRow:
    """``ticker`` was in use up to and including ``date``; ``exchange`` is the file's code, such as ``Q``, or empty."""

    date: dt.datetime
    ticker: str
    exchange: str


class MapFile:
    """The tickers of one security over time."""

    def __init__(self, permtick: str, rows: list[MapFileRow]) -> None:
        self.permtick = permtick.upper()
        self.rows: tuple[MapFileRow, ...] = tuple(sorted(dict.fromkeys(rows), key=lambda row: row.date))
        self.first_date = self.rows[0].date if self.rows else BEGINNING_OF_TIME
        self.delisting_date = self.rows[-1].date if self.rows else END_OF_TIME
        self.first_ticker = _without_number(self.get_mapped_symbol(self.first_date, self.permtick))

    @property
    def is_empty(self) -> bool:
        """True when there is no map file: the ticker never changed and was never delisted."""
        return not self.rows

    def get_mapped_symbol(self, day: dt.datetime, default: str = "") -> str:
        """Ticker in use on ``day``; ``default`` after the last row."""
        for row in self.rows:
            if row.date >= day:
                return row.ticker
        return default

    def has_data(self, day: dt.datetime) -> bool:
        """False before the first and after the last day of the security."""
        return not self.rows or self.first_date <= day <= self.delisting_date


def _without_number(ticker: str) -> str:
    """``AAA.1`` -> ``AAA``: the number that keeps file names apart is no part of the ticker."""
    name, dot, number = ticker.rpartition(".")
    return name if dot and name and number.isdigit() else ticker


class MapFileResolver:
    """All map files of a market, found by ticker and day or by name."""

    def __init__(self, data_folder: Path | str, market: str = "usa") -> None:
        self.data_folder = data_folder
        self._folder = map_files_folder(data_folder, market)
        self._texts: dict[str, str] | None = None
        self._files: dict[str, MapFile] = {}

    def _all_texts(self) -> dict[str, str]:
        """Permtick (upper case) -> text of its file, in lower case. Read once; parsed only where a ticker occurs."""
        if self._texts is None:
            texts: dict[str, str] = {}
            if self._folder.is_dir():
                with os.scandir(self._folder) as entries:
                    for entry in sorted(entries, key=lambda item: item.name):
                        if entry.name.endswith(".csv"):
                            texts[entry.name[:-4].upper()] = Path(entry.path).read_text("latin-1").lower()
            self._texts = texts
        return self._texts

    def get_by_permtick(self, permtick: str) -> MapFile | None:
        """The map file of this name, or None."""
        key = permtick.upper()
        text = self._all_texts().get(key)
        if text is None:
            return None
        if key not in self._files:
            self._files[key] = MapFile(key, _parse_map_rows(self._folder / f"{key.lower()}.csv", text))
        return self._files[key]

    def resolve_map_file(self, ticker: str, as_of: dt.datetime) -> MapFile:
        """The map file of the security that was called ``ticker`` on the day ``as_of``; an empty one if there is none.

        Raises :class:`FormatError` for an unreadable map file, or when two securities used the ticker on one day.
        """
        entries: dict[dt.datetime, str] = {}
        needle, upper = f",{ticker.lower()}", ticker.upper()
        for permtick, text in self._all_texts().items():
            map_file = self.get_by_permtick(permtick) if needle in text else None
            for row in map_file.rows if map_file is not None else ():
                if row.ticker == upper and entries.setdefault(row.date, permtick) != permtick:
                    raise FormatError(
                        f"{self._folder}: {entries[row.date]} and {permtick} both map {upper} on {row.date:%Y-%m-%d}"
                    )
        permtick = upper
        if entries:
            days = sorted(entries)
            permtick = entries[days[min(bisect_left(days, as_of), len(days) - 1)]]
        found = self.get_by_permtick(permtick)
        if found is None or (found.first_date > as_of and as_of != DEFAULT_DATE):
            return MapFile(permtick, [])
        return found

    def resolve_for_symbol(self, symbol: Symbol) -> MapFile:
        """The map file of ``symbol``, by the first ticker and first day in its identifier."""
        return self.resolve_map_file(symbol.id.symbol, symbol.id.date)


def _parse_day(text: str) -> dt.datetime:
    if len(text) != 8 or not text.isascii() or not text.isdigit():
        raise ValueError(f"{text!r} is not a day as yyyyMMdd")
    return dt.datetime(int(text[:4]), int(text[4:6]), int(text[6:]))


def _parse_map_rows(path: Path, text: str) -> list[MapFileRow]:
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        fields = line.split(",")
        try:
            if len(fields) < 2 or not fields[1]:
                raise ValueError("a day and a ticker are needed")
            exchange = fields[2].strip().upper() if len(fields) > 2 else ""
            rows.append(MapFileRow(_parse_day(fields[0]), fields[1].strip().upper(), exchange))
        except ValueError as error:
            raise FormatError(f"{path}: line {number}: {error}") from None
    return rows


# --------------------------------------------------------------------------------------------------------- factor files


@dataclass(frozen=True, slots=True)
class CorporateFactorRow:
    """Factors that hold up to and including ``date``; ``reference_price`` is that day's raw close."""

    date: dt.datetime
    price_factor: Decimal
    split_factor: Decimal
    reference_price: Decimal
    price_scale_factor: Decimal
    """``price_factor * split_factor``: raw price to adjusted price."""


@dataclass(frozen=True, slots=True)
class DividendEvent:
    """A cash dividend: ``distribution`` a share (rounded to the cent), ``reference_price`` the raw close before it."""

    date: dt.datetime
    distribution: Decimal
    reference_price: Decimal


@dataclass(frozen=True, slots=True)
class SplitEvent:
    """A split (``split_factor`` 0.5 = two for one), or its warning on the tradable day before."""

    date: dt.datetime
    split_factor: Decimal
    reference_price: Decimal
    is_warning: bool


@dataclass(frozen=True, slots=True)
class SymbolChangedEvent:
    """The security trades under ``new_symbol`` from ``date``."""

    date: dt.datetime
    old_symbol: str
    new_symbol: str


@dataclass(frozen=True, slots=True)
class DelistingEvent:
    """The security stops trading; ``price`` is the last known price."""

    date: dt.datetime
    price: Decimal
    is_warning: bool


CorporateEvent: TypeAlias = DividendEvent | SplitEvent | SymbolChangedEvent | DelistingEvent


def compute_distribution(close: Decimal, price_factor_ratio: Decimal, decimal_places: int = 2) -> Decimal:
    """Cash a share that turns ``close`` into ``close * price_factor_ratio``, rounded half to even."""
    return round_half_even(sub(close, mul(close, price_factor_ratio)), decimal_places)


class CorporateFactorProvider:
    """The factor file of one security."""

    def __init__(self, permtick: str, rows: list[CorporateFactorRow]) -> None:
        self.permtick = permtick.upper()
        first_of_day: dict[dt.datetime, CorporateFactorRow] = {}
        for row in rows:
            first_of_day.setdefault(row.date, row)
        self.rows: tuple[CorporateFactorRow, ...] = tuple(first_of_day[day] for day in sorted(first_of_day))
        self._dates = [row.date for row in self.rows]
        self._index = {row.date: index for index, row in enumerate(self.rows)}
        self.minimum_date: dt.datetime | None = self._dates[0] - dt.timedelta(days=1) if rows else None
        """The day before the first usable row; data before it is not read. None without rows."""

    def get_price_factor(self, day: dt.datetime, mode: DataNormalizationMode) -> Decimal:
        """What a raw price of ``day`` is multiplied by: 1 after the last row, 0 for RAW (which is never applied)."""
        if mode == DataNormalizationMode.RAW:
            return ZERO
        index = bisect_left(self._dates, dt.datetime(day.year, day.month, day.day))
        if mode in (DataNormalizationMode.TOTAL_RETURN, DataNormalizationMode.SPLIT_ADJUSTED):
            return self.rows[index].split_factor if index < len(self.rows) else ONE
        if mode in (DataNormalizationMode.ADJUSTED, DataNormalizationMode.SCALED_RAW):
            return self.rows[index].price_scale_factor if index < len(self.rows) else ONE
        raise ValueError(f"{mode} does not apply to equities")

    def get_price_scale(
        self, day: dt.datetime, mode: DataNormalizationMode, end_day: dt.datetime | None = None
    ) -> Decimal:
        """As :meth:`get_price_factor`; SCALED_RAW is relative to the factor of ``end_day``, which it needs."""
        factor = self.get_price_factor(day, mode)
        if mode != DataNormalizationMode.SCALED_RAW:
            return factor
        if end_day is None:
            raise ValueError("SCALED_RAW needs the end of the request")
        return div(factor, self.get_price_factor(end_day, mode))

    def _change_after(self, day: dt.datetime) -> tuple[CorporateFactorRow, CorporateFactorRow] | None:
        index = self._index.get(day)
        return (self.rows[index], self.rows[index + 1]) if index is not None and index + 1 < len(self.rows) else None

    def dividend_on_next_trading_day(self, day: dt.datetime) -> tuple[Decimal, Decimal] | None:
        """``(price factor ratio, raw close of day)`` when a dividend takes effect on the next tradable day."""
        change = self._change_after(day)
        if change is None or change[0].price_factor == change[1].price_factor:
            return None
        return div(change[0].price_factor, change[1].price_factor), change[0].reference_price

    def split_on_next_trading_day(self, day: dt.datetime) -> tuple[Decimal, Decimal] | None:
        """``(split factor, raw close of day)`` when a split takes effect on the next tradable day."""
        change = self._change_after(day)
        if change is None or change[0].split_factor == change[1].split_factor:
            return None
        return div(change[0].split_factor, change[1].split_factor), change[0].reference_price

    def dividends_and_splits(
        self, hours: SecurityExchangeHours, decimal_places: int = 2
    ) -> list[DividendEvent | SplitEvent]:
        """Everything the file says, in order of time; each event on the trading day after its row."""
        events: list[DividendEvent | SplitEvent] = []
        for row, following in zip(self.rows[-2::-1], self.rows[:0:-1], strict=True):
            day = hours.get_next_trading_day(row.date)
            ratio = div(row.price_factor, following.price_factor)
            distribution = compute_distribution(row.reference_price, ratio, decimal_places)
            if distribution != ZERO:
                events.append(DividendEvent(day, distribution, row.reference_price))
            split_factor = div(row.split_factor, following.split_factor)
            if split_factor != ONE:
                events.append(SplitEvent(day, split_factor, row.reference_price, is_warning=False))
        return sorted(events, key=lambda event: event.date)


def load_factor_file(data_folder: Path | str, permtick: str, market: str = "usa") -> CorporateFactorProvider:
    """The factor file of ``permtick``; without a file, one without rows (all factors 1).

    Rows with ``inf`` or an exponent, and rows of factor zero, are left out as Lean does: prices before them cannot be
    computed. Raises :class:`FormatError` for a line that is no factor row.
    """
    path = factor_files_folder(data_folder, market) / f"{permtick.lower()}.csv"
    try:
        text = path.read_text("latin-1")
    except FileNotFoundError:
        return CorporateFactorProvider(permtick, [])
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or "inf" in line or "e+" in line:
            continue
        try:
            row = _parse_factor_row(line)
        except (ValueError, InvalidOperation) as error:
            what = error if isinstance(error, ValueError) else f"{line[:60]!r} holds something that is no number"
            raise FormatError(f"{path}: line {number}: {what}") from None
        if row.price_scale_factor > 0:
            rows.append(row)
    return CorporateFactorProvider(permtick, rows)


def _parse_factor_row(line: str) -> CorporateFactorRow:
    fields = line.split(",")
    if len(fields) < 3:
        raise ValueError("a day, a price factor and a split factor are needed")
    numbers = [Decimal(field.strip()) for field in fields[1:4]]
    if not all(number.is_finite() for number in numbers):
        raise ValueError(f"{line[:60]!r} holds something that is no number")
    reference = numbers[2] if len(numbers) > 2 else ZERO
    return CorporateFactorRow(_parse_day(fields[0]), numbers[0], numbers[1], reference, mul(numbers[0], numbers[1]))


# --------------------------------------------------------------------------------------------------------------- events


class CorporateEvents:
    """Splits, dividends, renames and delisting of one subscription, day by day.

    ``splits_and_dividends`` and ``renames`` switch the kinds off for subscriptions that do not emit them.
    """

    def __init__(
        self,
        map_file: MapFile,
        factor_file: CorporateFactorProvider,
        *,
        mapped_symbol: str = "",
        start: dt.datetime | None = None,
        splits_and_dividends: bool = True,
        renames: bool = True,
    ) -> None:
        self._map_file = map_file
        self._factor_file = factor_file
        self._emits_factors = splits_and_dividends
        self._emits_renames = renames
        self._split: tuple[Decimal, Decimal] | None = None
        self._dividend: tuple[Decimal, Decimal] | None = None
        self._warned = self._delisted = False
        self.sum_of_dividends = ZERO
        """Distributions emitted so far: what TOTAL_RETURN normalisation adds to every price."""
        self.mapped_symbol = mapped_symbol
        """Ticker in use, which names the data files."""
        if start is not None and map_file.has_data(_midnight(start)):
            self.mapped_symbol = map_file.get_mapped_symbol(_midnight(start), mapped_symbol)

    def events(
        self, day: dt.datetime, last_raw_price: Decimal | None = None, last_price: Decimal | None = None
    ) -> list[CorporateEvent]:
        """Events of one tradable day, at its midnight. Days must come in order, each once.

        ``last_raw_price``: raw close of the last bar read (the warning's reference price); ``last_price``: the last
        price as the algorithm saw it (of a delisting). Raises :class:`FormatError` for a reference price of zero.
        """
        events: list[CorporateEvent] = []
        if self._map_file.has_data(day):
            if self._emits_factors:
                self._add_split(events, day, last_raw_price)
                self._add_dividend(events, day)
            if self._emits_renames:
                self._add_rename(events, day)
        self._add_delisting(events, day, last_price)
        return events

    def _add_split(self, events: list[CorporateEvent], day: dt.datetime, last_raw_price: Decimal | None) -> None:
        if self._split is not None:
            factor, reference = self._split
            self._split = None
            if reference == 0:
                raise self._zero_reference("split", day)
            events.append(SplitEvent(day, factor, reference, is_warning=False))
        self._split = self._factor_file.split_on_next_trading_day(day)
        if self._split is not None:
            events.append(SplitEvent(day, self._split[0], last_raw_price or ZERO, is_warning=True))

    def _add_dividend(self, events: list[CorporateEvent], day: dt.datetime) -> None:
        if self._dividend is not None:
            ratio, reference = self._dividend
            self._dividend = None
            if reference == 0:
                raise self._zero_reference("dividend", day)
            event = DividendEvent(day, compute_distribution(reference, ratio), reference)
            self.sum_of_dividends += event.distribution
            events.append(event)
        self._dividend = self._factor_file.dividend_on_next_trading_day(day)

    def _zero_reference(self, kind: str, day: dt.datetime) -> FormatError:
        name = self._factor_file.permtick.lower()
        return FormatError(
            f"factor_files/{name}.csv: the row before the {kind} of {day:%Y-%m-%d} has no reference price"
        )

    def _add_rename(self, events: list[CorporateEvent], day: dt.datetime) -> None:
        old, new = self.mapped_symbol, self._map_file.get_mapped_symbol(day, self.mapped_symbol)
        if old != new:
            self.mapped_symbol = new
            events.append(SymbolChangedEvent(day, old, new))

    def _add_delisting(self, events: list[CorporateEvent], day: dt.datetime, last_price: Decimal | None) -> None:
        last_day = self._map_file.delisting_date
        if not self._warned and day >= last_day:
            self._warned = True
            events.append(DelistingEvent(last_day, last_price or ZERO, is_warning=True))
        if not self._delisted and day > last_day:
            self._delisted = True
            events.append(DelistingEvent(last_day + dt.timedelta(days=1), last_price or ZERO, is_warning=False))


def _midnight(day: dt.datetime) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day)
