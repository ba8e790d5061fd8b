"""Data frames as Lean gives them to Python. pandas is imported only here, when the first frame is asked for.

Source of the rules: Lean's ``PandasConverter`` and ``PandasData``: index (symbol, time), columns in alphabetical
order, columns without any value other than zero dropped; quotes are taken first and overwritten by trades.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from harness.embedded import pandas_mapper
from harness.embedded.enums import TickType
from harness.embedded.history import HistoryPart, HistoryProvider, HistoryRequest
from harness.embedded.reference.symbols import Symbol

_TRADES = ("open", "high", "low", "close", "volume")
_QUOTES = (
    *("bidopen", "bidhigh", "bidlow", "bidclose", "bidsize"),
    *("askopen", "askhigh", "asklow", "askclose", "asksize"),
)


def _columns(parts: list[HistoryPart], names: tuple[str, ...]) -> tuple[np.ndarray[Any, Any], dict[str, Any]]:
    times = np.concatenate([part.end_us + part.exchange_offset_us for part in parts])
    columns: list[Any] = []
    if len(times) == len(parts):
        # A row a part, as with days: numbers are cheaper than arrays of one.
        rows = [part.only_row(len(names)) for part in parts]
        columns = list(np.array(rows).T.copy())
    else:
        columns = [np.concatenate([part.floats(index) for part in parts]) for index in range(len(names))]
    return times, dict(zip(names, columns, strict=True))


def _quote_columns(parts: list[HistoryPart]) -> tuple[np.ndarray[Any, Any], dict[str, Any]]:
    times, raw = _columns(parts, _QUOTES)
    found: dict[str, Any] = {}
    sides = {}
    for side in ("bid", "ask"):
        present = np.zeros(len(times), dtype=bool)
        for name in ("open", "high", "low", "close"):
            present |= raw[side + name] != 0
        sides[side] = present
    for name in ("open", "high", "low", "close"):
        bid, ask = raw["bid" + name], raw["ask" + name]
        # Lean's mid price is exact; the exact bars give the same value to the last bit.
        both = (bid != 0) & (ask != 0)
        found[name] = np.where(both, (bid + ask) / 2, np.where(bid != 0, bid, ask))
        for side in ("bid", "ask"):
            found[side + name] = np.where(sides[side], raw[side + name], np.nan)
    # Sizes are the quote bar's own: zero where a side is absent.
    found["bidsize"] = np.where(sides["bid"], raw["bidsize"], 0.0)
    found["asksize"] = np.where(sides["ask"], raw["asksize"], 0.0)
    return times, found


def history_frame(provider: HistoryProvider, requests: list[HistoryRequest]) -> pd.DataFrame:
    """One frame over all requests, symbols in the order in which they first have data, then of the requests."""
    by_symbol: dict[Symbol, dict[TickType, list[HistoryPart]]] = {}
    for request in requests:
        parts = provider.parts(request)
        if parts:
            by_symbol.setdefault(request.symbol, {}).setdefault(request.tick_type, []).extend(parts)
    asked = {symbol: place for place, symbol in enumerate(dict.fromkeys(request.symbol for request in requests))}
    frames: list[tuple[int, int, pd.DataFrame]] = []
    for symbol, sides in by_symbol.items():
        tables = []
        if TickType.TRADE in sides:
            tables.append(_distinct(*_columns(sides[TickType.TRADE], _TRADES)))
        if TickType.QUOTE in sides:
            tables.append(_distinct(*_quote_columns(sides[TickType.QUOTE])))
        times, columns = tables[0]
        if len(tables) == 2:
            joined = _table(times, columns).combine_first(_table(*tables[1]))
            times = joined.index.to_numpy().astype("datetime64[us]").astype(np.int64)
            columns = {name: joined[name].to_numpy() for name in joined.columns}
        frames.append((int(times[0]), asked[symbol], _frame_of(symbol, times, columns)))
    if not frames:
        return pd.DataFrame()
    pandas_mapper.install()
    frames.sort(key=lambda item: item[:2])
    if len(frames) == 1:
        return frames[0][2]
    return pd.concat([frame for _, _, frame in frames], sort=True)


def _distinct(times: np.ndarray[Any, Any], columns: dict[str, Any]) -> tuple[np.ndarray[Any, Any], dict[str, Any]]:
    """Bars of several requests: a row a time, that of the first request."""
    if len(times) > 1 and (np.diff(times) <= 0).any():
        times, first = np.unique(times, return_index=True)
        columns = {name: values[first] for name, values in columns.items()}
    return times, columns


def _time_index(times: np.ndarray[Any, Any]) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(times.astype("datetime64[us]").astype("datetime64[ns]"), name="time")


def _table(times: np.ndarray[Any, Any], columns: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(columns, index=_time_index(times))


def _frame_of(symbol: Symbol, times: np.ndarray[Any, Any], columns: dict[str, Any]) -> pd.DataFrame:
    """The frame of one symbol; times ascend.

    Put together from what pandas would make of it, a row of one block a column and the levels and codes of the index:
    its own ways from columns to there take most of the time of a short request.
    """
    useful = sorted(name for name, values in columns.items() if ((values != 0) & ~np.isnan(values)).any())
    block = np.array([columns[name] for name in useful]) if useful else np.empty((0, len(times)))
    levels: Any = [pd.Index([symbol], dtype=object), _time_index(times)]
    codes: Any = [np.zeros(len(times), dtype=np.int8), np.arange(len(times))]
    index = pd.MultiIndex(levels=levels, codes=codes, names=["symbol", "time"], verify_integrity=False)
    return pd.DataFrame(block.T, index=index, columns=pd.Index(useful, dtype=object))
