"""Lean's folder and file formats for US equities, in one place, for readers and writers alike.

Paths (all relative to the data folder)::

    zip_path(folder, ticker, resolution, date, tick_type)    equity/usa/second/spy/20251001_trade.zip
    entry_name(ticker, resolution, date, tick_type)          20251001_spy_second_trade.csv
    map_files_folder / factor_files_folder / market_hours_path / symbol_properties_path / interest_rate_path

Bars::

    parse_bars(payload, resolution, tick_type, date, source) -> BarTable     CSV bytes -> int64 columns
    read_bars(path, resolution, tick_type, date)             -> BarTable     the same, from a zip
    format_bars(table, resolution, date)                     -> bytes        BarTable -> CSV bytes
    write_zip(path, entry, payload)                                          one deterministic zip, written whole

``resolution`` is ``"second"``, ``"minute"``, ``"hour"`` or ``"daily"``; ``tick_type`` is ``"trade"`` or ``"quote"``.

A row of second and minute files starts with the milliseconds since midnight, a row of hour and daily files with
``yyyyMMdd HH:mm``; both name the start of the bar in the exchange's local time (America/New_York). Trade rows go on
with open, high, low, close, volume; quote rows with bid open, high, low, close, size and the same for the ask, a
missing side being four empty prices and a size of 0. Prices are dollars times 10,000. There is no header.
Source: Lean's ``LeanData``, ``TradeBar.Reader``, ``QuoteBar.Reader`` and ``Data/equity/readme.md``.
"""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from harness.errors import InputError

Int64: TypeAlias = npt.NDArray[np.int64]

RESOLUTIONS = ("second", "minute", "hour", "daily")
TICK_TYPES = ("trade", "quote")
TRADE_COLUMNS = ("open", "high", "low", "close", "volume")
QUOTE_COLUMNS = (
    *("bid_open", "bid_high", "bid_low", "bid_close", "bid_size"),
    *("ask_open", "ask_high", "ask_low", "ask_close", "ask_size"),
)
PRICE_SCALE = 4
"""Decimal digits of a price on disk: 1,234,500 is 123.45 dollars."""

PERIOD_US = {"second": 1_000_000, "minute": 60_000_000, "hour": 3_600_000_000, "daily": 86_400_000_000}
DAY_US = 86_400_000_000
_DAY_MS = 86_400_000
_EPOCH_ORDINAL = dt.date(1970, 1, 1).toordinal()
_MAX_DIGITS = 18  # a field of 18 digits always fits a signed 64-bit integer
_STAMP_LENGTH = 14  # "yyyyMMdd HH:mm"
MAX_ENTRY_BYTES = 1 << 30
"""A file in a zip that unpacks to more is refused: a day of second bars has 2 MB, twenty years of daily bars 1 MB."""


class FormatError(InputError):
    """A data file that cannot be read as Lean's format; the message names the file, the line and what is wrong."""


@dataclass(frozen=True, eq=False)
class BarTable:
    """The rows of one file, as columns of equal length.

    ``start_us``: start of each bar, microseconds since 1970-01-01 00:00 of the exchange's local clock, int64.
    ``columns``: int64 mantissas in the order of ``TRADE_COLUMNS`` or ``QUOTE_COLUMNS``. The value of a price is
    ``mantissa / 10**price_scale``, of a volume or size ``mantissa / 10**volume_scale``. The scales are 4 and 0 unless
    the file holds fractions. A missing quote side has zeros in all its columns.
    """

    tick_type: str
    start_us: Int64
    columns: tuple[Int64, ...]
    price_scale: int = PRICE_SCALE
    volume_scale: int = 0

    def __len__(self) -> int:
        return int(self.start_us.size)


def column_names(tick_type: str) -> tuple[str, ...]:
    """Names of the value columns of a tick type."""
    return TRADE_COLUMNS if tick_type == "trade" else QUOTE_COLUMNS


def is_daily_file(resolution: str) -> bool:
    """True when all dates of a symbol are in one zip (hour and daily)."""
    return resolution in ("hour", "daily")


def midnight_us(date: dt.date) -> int:
    """Midnight of ``date`` in microseconds since 1970-01-01, on the same clock."""
    return (date.toordinal() - _EPOCH_ORDINAL) * DAY_US


# ---------------------------------------------------------------------------------------------------------------- paths


def equity_folder(data_folder: Path | str, market: str = "usa") -> Path:
    """``<data>/equity/usa``."""
    return Path(data_folder) / "equity" / market


def zip_path(
    data_folder: Path | str,
    ticker: str,
    resolution: str,
    date: dt.date,
    tick_type: str = "trade",
    *,
    market: str = "usa",
) -> Path:
    """Path of the zip that holds the bars of ``ticker`` on ``date``. ``date`` is not used for hour and daily."""
    name = ticker.lower()
    folder = f"{os.fspath(data_folder)}/equity/{market}/{resolution}"
    if is_daily_file(resolution):
        return Path(f"{folder}/{name}.zip")
    return Path(f"{folder}/{name}/{date:%Y%m%d}_{tick_type}.zip")


def entry_name(ticker: str, resolution: str, date: dt.date, tick_type: str = "trade") -> str:
    """Name of the CSV inside :func:`zip_path`'s zip."""
    name = ticker.lower()
    return f"{name}.csv" if is_daily_file(resolution) else f"{date:%Y%m%d}_{name}_{resolution}_{tick_type}.csv"


def map_files_folder(data_folder: Path | str, market: str = "usa") -> Path:
    """Folder of ``<permtick>.csv`` with rows ``yyyyMMdd,ticker,exchange``."""
    return equity_folder(data_folder, market) / "map_files"


def factor_files_folder(data_folder: Path | str, market: str = "usa") -> Path:
    """Folder of ``<permtick>.csv`` with rows ``yyyyMMdd,priceFactor,splitFactor,referencePrice``."""
    return equity_folder(data_folder, market) / "factor_files"


def market_hours_path(data_folder: Path | str) -> Path:
    """Path of the market hours database."""
    return Path(data_folder) / "market-hours" / "market-hours-database.json"


def symbol_properties_path(data_folder: Path | str) -> Path:
    """Path of the symbol properties database."""
    return Path(data_folder) / "symbol-properties" / "symbol-properties-database.csv"


def interest_rate_path(data_folder: Path | str, market: str = "usa") -> Path:
    """Path of the interest rates (``DATE,PCREDIT8`` in per cent)."""
    return Path(data_folder) / "alternative" / "interest-rate" / market / "interest-rate.csv"


# -------------------------------------------------------------------------------------------------------------- reading


def read_entry(path: Path | str, entry: str | None = None) -> bytes:
    """Bytes of ``entry`` in the zip, or of its first entry when the name is not there (as Lean opens equity zips).

    Raises :class:`FormatError` for a file that is missing, truncated, encrypted, empty or no zip, and for an entry
    that unpacks to more than :data:`MAX_ENTRY_BYTES`, whatever size its header claims. Nothing is ever written by the
    names in a zip, so a name that leads out of its folder does no harm.
    """
    import zipfile
    import zlib

    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if not names:
                raise FormatError(f"{path}: the zip holds no file; write or download it again")
            with archive.open(entry if entry in names else names[0]) as stream:
                payload = stream.read(MAX_ENTRY_BYTES + 1)
            if len(payload) > MAX_ENTRY_BYTES:
                raise FormatError(f"{path}: unpacks to more than {MAX_ENTRY_BYTES >> 20} MiB; it is not market data")
            return payload
    except FileNotFoundError:
        raise FormatError(f"{path}: no such file") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError) as error:
        reason = str(error) or type(error).__name__
        raise FormatError(f"{path}: not a readable zip ({reason}); write or download it again") from None


def read_bars(
    path: Path | str, resolution: str, tick_type: str = "trade", date: dt.date | None = None, entry: str | None = None
) -> BarTable:
    """All rows of one zip. ``date`` is needed for second and minute files. Raises :class:`FormatError`."""
    return parse_bars(read_entry(path, entry), resolution, tick_type, date, str(path))


def parse_bars(
    payload: bytes, resolution: str, tick_type: str = "trade", date: dt.date | None = None, source: str = "data"
) -> BarTable:
    """CSV bytes to columns. ``source`` names the file in error messages.

    Raises :class:`FormatError` naming the first bad line. Regular files (digits only) are read by numpy as a whole; a
    file with fractions, blanks or empty quote sides is read line by line.
    """
    stamped = is_daily_file(resolution)
    if not stamped and date is None:
        raise ValueError(f"the date of a {resolution} file is not in its rows; give it")
    if b"\r" in payload:
        payload = payload.replace(b"\r\n", b"\n")
    if payload and not payload.endswith(b"\n"):
        payload += b"\n"
    base_us = 0 if date is None else midnight_us(date)
    table = _parse_regular(payload, stamped, tick_type, base_us)
    return table if table is not None else _parse_lines(payload, stamped, tick_type, base_us, source)


def _parse_regular(payload: bytes, stamped: bool, tick_type: str, base_us: int) -> BarTable | None:
    """The whole file at once, or None when any line is not plainly regular (then the line reader decides)."""
    width = len(column_names(tick_type)) + 1
    if not payload:
        empty = np.empty(0, dtype=np.int64)
        return BarTable(tick_type, empty, (empty,) * (width - 1))
    raw = np.frombuffer(payload, dtype=np.uint8)
    stamps: Int64 | None = None
    if stamped:
        line_ends = np.flatnonzero(raw == 10)
        starts = np.concatenate(([0], line_ends[:-1] + 1))
        if int((line_ends - starts).min()) <= _STAMP_LENGTH:
            return None
        stamps = _parse_stamps(raw, starts)
        if stamps is None:
            return None
        kept = np.ones(raw.size, dtype=bool)
        kept[(starts[:, None] + np.array([8, 11])).ravel()] = False  # the blank and the colon: 202409030000 remains
        raw = raw[kept]
    separators = np.flatnonzero(raw < 48)
    if separators.size % width or bool((raw > 57).any()):
        return None
    kinds = raw[separators].reshape(-1, width)
    if not (bool((kinds[:, :-1] == 44).all()) and bool((kinds[:, -1] == 10).all())):
        return None
    lengths = np.diff(separators, prepend=-1)
    if int(lengths.min()) < 2 or int(lengths.max()) > _MAX_DIGITS + 1:
        return None
    flat = raw.copy()
    flat[separators] = 44
    values: Int64 = np.fromstring(flat.tobytes(), dtype=np.int64, sep=",").reshape(-1, width)
    table: Int64 = np.ascontiguousarray(values.T)
    if stamps is None:
        if int(table[0].max()) >= _DAY_MS:
            return None
        stamps = table[0] * 1000 + base_us
    return BarTable(tick_type, stamps, tuple(table[1:]))


def _parse_stamps(raw: npt.NDArray[np.uint8], starts: Int64) -> Int64 | None:
    """``yyyyMMdd HH:mm`` at every line start to local microseconds, or None when any is not a valid time."""
    text = raw[starts[:, None] + np.arange(_STAMP_LENGTH)]
    digits = text[:, [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 12, 13]].astype(np.int64) - 48
    if bool((digits < 0).any()) or bool((digits > 9).any()):
        return None
    if bool((text[:, 8] != 32).any()) or bool((text[:, 11] != 58).any()):
        return None
    year = digits[:, :4] @ np.array([1000, 100, 10, 1])
    month, day = digits[:, 4] * 10 + digits[:, 5], digits[:, 6] * 10 + digits[:, 7]
    hour, minute = digits[:, 8] * 10 + digits[:, 9], digits[:, 10] * 10 + digits[:, 11]
    if not bool(((month >= 1) & (month <= 12) & (day >= 1) & (hour < 24) & (minute < 60) & (year >= 1)).all()):
        return None
    first_of_month = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    first_day = first_of_month.astype("datetime64[D]").astype(np.int64)
    next_month = (first_of_month + 1).astype("datetime64[D]").astype(np.int64)
    if bool((first_day + day > next_month).any()):
        return None
    stamps: Int64 = (first_day + day - 1) * DAY_US + (hour * 60 + minute) * 60_000_000
    return stamps


@dataclass(frozen=True)
class _Number:
    """A decimal read from text: ``mantissa / 10**digits``."""

    mantissa: int
    digits: int


def _number(field: str) -> _Number | None:
    """A non-negative plain decimal (``12``, ``12.50``), or None."""
    text = field.strip(" ")
    whole, point, fraction = text.partition(".")
    digits = whole + fraction
    if not digits or not digits.isascii() or not digits.isdigit() or (point and not fraction):
        return None
    if len(fraction) > _MAX_DIGITS or len(digits.lstrip("0")) > 2 * _MAX_DIGITS:
        return None  # no price or volume; and thousands of digits would cost memory before they are refused
    return _Number(int(digits), len(fraction))


def _parse_lines(payload: bytes, stamped: bool, tick_type: str, base_us: int, source: str) -> BarTable:
    """The careful reader: fractions, blanks, blank lines at the end, missing quote sides; names what it refuses."""
    names = column_names(tick_type)
    starts: list[int] = []
    rows: list[list[_Number]] = []
    lines = payload.decode("latin-1").rstrip("\n ").split("\n") if payload.strip(b"\n ") else []
    for number, line in enumerate(lines, start=1):
        fields = line.split(",")
        if len(fields) != len(names) + 1:
            raise _line_error(source, number, line, f"{len(fields)} fields, {len(names) + 1} expected")
        start = _parse_stamp(fields[0]) if stamped else _parse_milliseconds(fields[0], base_us)
        if start is None:
            wanted = "yyyyMMdd HH:mm" if stamped else "milliseconds since midnight"
            raise _line_error(source, number, line, f"the time {_shown(fields[0])} is not {wanted}")
        starts.append(start)
        rows.append(_parse_values(fields[1:], names, source, number, line))
    price_columns = [i for i, name in enumerate(names) if not name.endswith(("volume", "size"))]
    size_columns = [i for i in range(len(names)) if i not in price_columns]
    price_digits = max((row[i].digits for row in rows for i in price_columns), default=0)
    size_digits = max((row[i].digits for row in rows for i in size_columns), default=0)
    columns = []
    for i, name in enumerate(names):
        digits = price_digits if i in price_columns else size_digits
        mantissas = [row[i].mantissa * 10 ** (digits - row[i].digits) for row in rows]
        for number, mantissa in enumerate(mantissas, start=1):
            if mantissa >= 10**_MAX_DIGITS:
                raise _line_error(source, number, lines[number - 1], f"{name} has more than {_MAX_DIGITS} digits")
        columns.append(np.array(mantissas, dtype=np.int64))
    start_us = np.array(starts, dtype=np.int64)
    return BarTable(tick_type, start_us, tuple(columns), PRICE_SCALE + price_digits, size_digits)


def _parse_values(fields: list[str], names: tuple[str, ...], source: str, number: int, line: str) -> list[_Number]:
    row: list[_Number] = []
    for side in range(0, len(fields), 5):
        # Lean reads an empty field as zero and takes four zero prices for a side that is not quoted.
        if len(names) > 5 and not any(fields[side : side + 4]):
            fields[side : side + 5] = ["0", "0", "0", "0", fields[side + 4] or "0"]
    for name, field in zip(names, fields, strict=True):
        value = _number(field)
        if value is None:
            raise _line_error(source, number, line, f"{name} {_shown(field)} is not a number of zero or more")
        row.append(value)
    return row


def _parse_milliseconds(field: str, base_us: int) -> int | None:
    value = _number(field)
    if value is None or value.digits > 3 or value.mantissa >= _DAY_MS * 10**value.digits:
        return None
    return base_us + value.mantissa * (1000, 100, 10, 1)[value.digits]


def _parse_stamp(field: str) -> int | None:
    text = field.strip(" ")
    digits = text[:8] + text[9:11] + text[12:]
    if len(text) != _STAMP_LENGTH or text[8] != " " or text[11] != ":" or not digits.isascii() or not digits.isdigit():
        return None
    hour, minute = int(digits[8:10]), int(digits[10:12])
    if hour > 23 or minute > 59:
        return None
    try:
        date = dt.date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return None
    return midnight_us(date) + (hour * 60 + minute) * 60_000_000


def _shown(field: str) -> str:
    return repr(field if len(field) <= 30 else field[:27] + "...")


def _line_error(source: str, number: int, line: str, what: str) -> FormatError:
    return FormatError(f"{source}: line {number}: {what} (line reads {_shown(line)})")


# -------------------------------------------------------------------------------------------------------------- writing


def format_bars(table: BarTable, resolution: str, date: dt.date | None = None) -> bytes:
    """CSV bytes of ``table``, one ``\\n``-terminated line a row; the inverse of :func:`parse_bars`.

    ``date`` is the day of a second or minute file. Raises :class:`ValueError` for a bar of another day, a negative
    number, or a scale below Lean's.
    """
    extra = table.price_scale - PRICE_SCALE
    if extra < 0 or table.volume_scale < 0:
        raise ValueError("a price scale below 4 or a negative volume scale cannot be written")
    if any(bool((column < 0).any()) for column in table.columns):
        raise ValueError("a negative price or volume cannot be written")
    stamps = _stamp_texts(table.start_us) if is_daily_file(resolution) else _ms_texts(table.start_us, date)
    texts = [stamps]
    for name, column in zip(column_names(table.tick_type), table.columns, strict=True):
        scale = table.volume_scale if name.endswith(("volume", "size")) else extra
        texts.append([_decimal_text(value, scale) for value in column.tolist()])
    if table.tick_type == "quote":
        _blank_missing_sides(texts)
    return "".join(",".join(row) + "\n" for row in zip(*texts, strict=True)).encode("ascii")


def _ms_texts(start_us: Int64, date: dt.date | None) -> list[str]:
    if date is None:
        raise ValueError("the day of a second or minute file is needed")
    milliseconds, rest = np.divmod(start_us - midnight_us(date), 1000)
    if bool((rest != 0).any()) or bool(((milliseconds < 0) | (milliseconds >= _DAY_MS)).any()):
        raise ValueError(f"a bar does not start on a millisecond of {date}")
    return [str(value) for value in milliseconds.tolist()]


def _stamp_texts(start_us: Int64) -> list[str]:
    if bool((start_us % 60_000_000 != 0).any()):
        raise ValueError("an hour or daily bar does not start on a minute")
    texts = np.datetime_as_string(start_us.astype("datetime64[us]"), unit="m").tolist()
    return [text.replace("-", "").replace("T", " ") for text in texts]


def _decimal_text(mantissa: int, scale: int) -> str:
    if not scale:
        return str(mantissa)
    whole, fraction = divmod(mantissa, 10**scale)
    digits = f"{fraction:0{scale}d}".rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)


def _blank_missing_sides(texts: list[list[str]]) -> None:
    for first in (1, 6):
        prices = texts[first : first + 4]
        for row, values in enumerate(zip(*prices, strict=True)):
            if values == ("0", "0", "0", "0") and texts[first + 4][row] == "0":
                for column in prices:
                    column[row] = ""


def write_zip(path: Path, entry: str, payload: bytes) -> None:
    """One file in one zip, whole or not at all; the same input gives the same bytes on every run and platform."""
    import io
    import zipfile

    info = zipfile.ZipInfo(entry, date_time=(1980, 1, 1, 0, 0, 0))
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = 3
    info.external_attr = 0o644 << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, payload, compresslevel=6)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(buffer.getvalue())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
