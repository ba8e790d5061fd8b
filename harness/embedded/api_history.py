"""``QCAlgorithm.history`` and its relatives. Source of the rules: Lean's ``QCAlgorithm.History.cs`` and
``PandasConverter``/``PandasData`` (index, columns, which columns are dropped)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from harness.embedded.clock import to_us
from harness.embedded.data import DataDictionary, Delisting, Dividend, QuoteBar, QuoteBars, Split, TradeBar, TradeBars
from harness.embedded.enums import DataNormalizationMode, Resolution, TickType
from harness.embedded.history import HistoryRequest
from harness.embedded.naming import lean_api, snake_case
from harness.embedded.not_supported import NotSupportedError
from harness.embedded.reference.symbols import Symbol, added_symbol
from harness.embedded.reference.time_zones import TimeZone

if TYPE_CHECKING:
    import pandas as pd

_TRADE_COLUMNS = ("open", "high", "low", "close", "volume")
_QUOTE_COLUMNS = (
    *("bidopen", "bidhigh", "bidlow", "bidclose", "bidsize"),
    *("askopen", "askhigh", "asklow", "askclose", "asksize"),
)
# Lean's settings seed-lookback-period and seed-retry-*-lookback-period as they are unless configured.
_SEED_BARS = 5
_SEED_RETRY_BARS = {Resolution.MINUTE: 24 * 60, Resolution.HOUR: 24, Resolution.DAILY: 10}
_OPTION_NAMES = ("resolution", "fill_forward", "extended_market_hours", "data_mapping_mode", "data_normalization_mode")


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    return datetime(value.year, value.month, value.day)


class _TypedHistory:
    """``self.history[TradeBar]``: the same calls, giving bars instead of data frames."""

    __slots__ = ("_api", "_kind")

    def __init__(self, api: HistoryApi, kind: type) -> None:
        self._api = api
        self._kind = kind

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._api._typed(self._kind, args, kwargs)


class _History:
    """``self.history(...)`` and ``self.history[TradeBar](...)``."""

    __slots__ = ("_api",)

    def __init__(self, api: HistoryApi) -> None:
        self._api = api

    def __getitem__(self, kind: type) -> _TypedHistory:
        if kind not in (TradeBar, QuoteBar):
            if kind in (Split, Dividend, Delisting):
                raise NotSupportedError(f"QCAlgorithm.history[{kind.__name__}]")
            raise NotSupportedError(f"QCAlgorithm.history[{getattr(kind, '__name__', kind)}]")
        return _TypedHistory(self._api, kind)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._api._history(args, kwargs)


@lean_api
class HistoryApi:
    """Mixin of ``QCAlgorithm``."""

    _engine: Any

    @property
    def history(self) -> Any:
        return _History(self)

    @property
    def history_provider(self) -> Any:
        return self._engine.history_provider

    # -- arguments -----------------------------------------------------------------------------------------------

    def _options(self, rest: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        options = dict(zip(_OPTION_NAMES, rest, strict=False))
        options.update({snake_case(key): value for key, value in kwargs.items()})
        return options

    def _span(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
        """``(periods | timedelta | (start, end), other arguments, options)`` from a call's tail."""
        named = {snake_case(key): value for key, value in kwargs.items()}
        for name in ("periods", "span"):
            if name in named:
                return named.pop(name), args, named
        if "start" in named:
            start = named.pop("start")
            return (start, named.pop("end", self.time)), args, named  # type: ignore[attr-defined]
        first = args[0]
        if isinstance(first, (datetime, date)):
            end = named.pop("end") if "end" in named else args[1]
            return (first, end), args[2:] if "end" not in kwargs else args[1:], named
        return first, args[1:], named

    def _symbols(self, what: Any) -> list[Symbol]:
        if isinstance(what, (str, Symbol)) or hasattr(what, "symbol"):
            return [self._symbol(what)]
        if hasattr(what, "keys"):
            what = what.keys()
        return [self._symbol(item) for item in what]

    def _symbol(self, what: Any) -> Symbol:
        """A ticker must be one that was added (Lean's ``ConvertToSymbolEnumerable``)."""
        symbol: Symbol = added_symbol(what) if isinstance(what, str) else self._engine.symbol_of(what)
        return symbol

    def _requests(
        self,
        symbols: Iterable[Symbol],
        span: Any,
        options: dict[str, Any],
        kind: type | None = None,
        *,
        all_feeds: bool = False,
    ) -> list[HistoryRequest]:
        """Requests for the subscriptions of symbols; ``all_feeds``: for the engine's own ones too."""
        engine = self._engine
        zone = TimeZone.get(self.time_zone)  # type: ignore[attr-defined]
        resolution = options.get("resolution")
        extended = options.get("extended_market_hours")
        now_us: int = engine.clock.utc_us
        from_the_future = False
        found: list[HistoryRequest] = []
        for symbol in symbols:
            for config in _matching(engine, symbol, kind, resolution, all_feeds):
                chosen = Resolution(resolution) if resolution is not None else config.resolution
                if chosen == Resolution.TICK:
                    raise NotSupportedError("QCAlgorithm.history with Resolution.TICK")
                end = self.time  # type: ignore[attr-defined]
                if isinstance(span, tuple):
                    start, end = _moment(span[0]), _moment(span[1])
                elif isinstance(span, timedelta):
                    start = end - span
                else:
                    start = engine.history_provider.start_time(symbol, int(span), chosen, extended)
                fill = config.fill_data_forward if options.get("fill_forward") is None else options["fill_forward"]
                mode = options.get("data_normalization_mode")
                start_us, end_us = zone.local_us_to_utc_us(to_us(start)), zone.local_us_to_utc_us(to_us(end))
                if end_us > now_us:
                    # No look into the future (QCAlgorithm.GetFilterestRequests).
                    from_the_future = True
                    start_us, end_us = min(start_us, end_us), now_us
                request = HistoryRequest(
                    symbol,
                    chosen,
                    config.tick_type,
                    start_us,
                    end_us,
                    bool(fill),
                    config.extended_market_hours if extended is None else bool(extended),
                    config.data_normalization_mode if mode is None else DataNormalizationMode(mode),
                )
                # Several subscriptions may come to the same request: the first of its bars would win everywhere.
                if request not in found:
                    found.append(request)
        if from_the_future:
            self.debug("Request for future history modified to end now.")  # type: ignore[attr-defined]
        return found

    # -- calls ---------------------------------------------------------------------------------------------------

    def _history(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        named = {snake_case(key): value for key, value in kwargs.items()}
        for name in ("tickers", "symbols", "symbol", "ticker"):
            if name in named:
                args = (named.pop(name), *args)
        kind: type | None = None
        if args and isinstance(args[0], type):
            kind, args = args[0], args[1:]
            if kind not in (TradeBar, QuoteBar):
                raise NotSupportedError(f"QCAlgorithm.history of {kind.__name__}")
        flatten = named.pop("flatten", False)
        del flatten  # bars have no nested collections, so there is nothing to flatten
        if kind is None and args and isinstance(args[0], (int, timedelta)):
            span, rest, named = self._span(args, named)
            symbols = list(self.securities.keys())  # type: ignore[attr-defined]
            requests = self._requests(symbols, span, self._options(rest, named))
            return self._engine.history_provider.slices(requests)
        if args and isinstance(args[0], (int, timedelta)):
            symbols = list(self.securities.keys())  # type: ignore[attr-defined]
            tail = args
        else:
            symbols, tail = self._symbols(args[0]), args[1:]
        span, rest, named = self._span(tail, named)
        options = self._options(rest, named)
        if kind is None or not args or isinstance(args[0], (int, timedelta, list, tuple)):
            return self._frame(self._requests(symbols, span, options, kind))
        return self._frame(self._requests_of_one(symbols, span, options, kind))

    def _requests_of_one(
        self, symbols: list[Symbol], span: Any, options: dict[str, Any], kind: type
    ) -> list[HistoryRequest]:
        """Requests for one type of bar of one symbol; a number of bars means those of the finest resolution.

        Raises ``ValueError`` where the symbol has no such bars. Source: Lean's ``QCAlgorithm.History<T>``.
        """
        if not isinstance(span, (tuple, timedelta)) and options.get("resolution") is None:
            configs = self._engine.data.configs_of(symbols[0]) or self._engine.data.configs_of(symbols[0], True)
            if configs:
                options["resolution"] = min(c.resolution for c in configs)
        requests = self._requests(symbols, span, options, kind)
        if not requests:
            raise ValueError(
                "No history data could be fetched. This could be due to the specified security not being of the "
                f"requested type. Symbol: {symbols[0]} Requested Type: {kind.__name__}"
            )
        return requests

    def _typed(self, kind: type, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        named = {snake_case(key): value for key, value in kwargs.items()}
        for name in ("symbol", "symbols", "tickers", "ticker"):
            if name in named:
                args = (named.pop(name), *args)
        provider = self._engine.history_provider
        several = not args or isinstance(args[0], (int, timedelta)) or not isinstance(args[0], (str, Symbol))
        if several and args and hasattr(args[0], "symbol"):
            several = False
        if args and isinstance(args[0], (int, timedelta)):
            symbols, tail = list(self.securities.keys()), args  # type: ignore[attr-defined]
        else:
            symbols, tail = self._symbols(args[0]), args[1:]
        span, rest, named = self._span(tail, named)
        options = self._options(rest, named)
        name = "quote_bars" if kind is QuoteBar else "bars"
        if not several:
            requests = self._requests_of_one(symbols, span, options, kind)
            if len(requests) == 1:
                return list(provider.bars(requests[0]))
            return [getattr(point, name)[symbols[0]] for point in provider.slices(requests)]
        requests = self._requests(symbols, span, options, kind)
        collection: type[DataDictionary] = QuoteBars if kind is QuoteBar else TradeBars
        return [collection(getattr(point, name)._items) for point in provider.slices(requests)]

    def history_provider_bars(
        self,
        symbol: Symbol,
        span: Any,
        resolution: Resolution | None = None,
        kind: type | None = TradeBar,
        **options: Any,
    ) -> list[Any]:
        """Bars of one symbol for warming up indicators: ``span`` is a count, a timedelta or ``(start, end)``."""
        options["resolution"] = resolution
        provider = self._engine.history_provider
        return [bar for request in self._requests([symbol], span, options, kind) for bar in provider.bars(request)]

    def get_last_known_prices(self, what: Any) -> Any:
        """The last real bar of each kind before now, oldest first; for several symbols a dictionary of them."""
        if isinstance(what, (str, Symbol)) or hasattr(what, "symbol"):
            return self._last_known(self._symbols(what)[0])
        known = {symbol: self._last_known(symbol) for symbol in self._symbols(what)}
        return DataDictionary({symbol: bars for symbol, bars in known.items() if bars})

    def _last_known(self, symbol: Symbol) -> list[Any]:
        """``QCAlgorithm.GetLastKnownPrices``: what a short request does not find is asked for in two longer ones.

        Each kind of data is asked for again by itself. Seconds are looked for among minutes. The last try asks for
        days, so it can find trades only.
        """
        found: dict[TickType, Any] = {}

        def failed(requests: list[HistoryRequest]) -> list[HistoryRequest]:
            asked: dict[TickType, Any] = {}
            for request in requests:
                last = next(iter([*self._engine.history_provider.bars(request)][-1:]), None)
                known = asked.get(request.tick_type)
                # The latest of several; of those of one time the shortest, as in a slice.
                if last is not None and (known is None or _recency(last) > _recency(known)):
                    asked[request.tick_type] = last
            found.update(asked)
            return [request for request in requests if request.tick_type not in found]

        def ask(periods: int, resolution: Resolution | None, kind: type | None = None) -> list[HistoryRequest]:
            options = {"resolution": resolution, "fill_forward": False}
            return self._requests([symbol], periods, options, kind, all_feeds=True)

        requests: list[HistoryRequest] = []
        for request in ask(_SEED_BARS, None):
            if request.resolution < Resolution.MINUTE:
                kind = QuoteBar if request.tick_type == TickType.QUOTE else TradeBar
                requests += ask(_SEED_BARS, Resolution.MINUTE, kind)
            else:
                requests.append(request)
        missing = failed(requests)
        if missing:
            resolution = missing[0].resolution
            sides = {request.tick_type for request in missing}
            longer = ask(_SEED_RETRY_BARS[resolution], resolution)
            missing = failed([request for request in longer if request.tick_type in sides])
        if missing:
            failed(ask(min(60, 5 * _SEED_RETRY_BARS[Resolution.DAILY]), Resolution.DAILY))
        return sorted(found.values(), key=lambda bar: (bar.time, type(bar) is QuoteBar))

    def _frame(self, requests: list[HistoryRequest]) -> pd.DataFrame:
        from harness.embedded.pandas_frames import history_frame

        return history_frame(self._engine.history_provider, requests)


def _recency(bar: Any) -> tuple[int, int]:
    """Later bars are greater, and of those that end together the shorter ones."""
    return bar._end_us, bar._start_us


def _matching(engine: Any, symbol: Symbol, kind: type | None, resolution: Any, all_feeds: bool = False) -> list[Any]:
    """The subscriptions a request is made from: the algorithm's own if any, trades only for hours and days.

    Source: Lean's ``QCAlgorithm.GetMatchingSubscriptions``.
    """
    from harness.embedded.feed.config import SubscriptionDataConfig

    known = sorted(engine.data.configs_of(symbol, internal=True), key=lambda c: (-int(c.resolution), -int(c.tick_type)))
    configs = known
    if kind is not None:
        wanted = TickType.QUOTE if kind is QuoteBar else TickType.TRADE
        configs = [c for c in known if c.tick_type == wanted]
    own = [c for c in configs if not c.is_internal_feed]
    chosen = [*own, *(c for c in configs if c.is_internal_feed)] if all_feeds else own or configs
    coarse = resolution in (Resolution.DAILY, Resolution.HOUR)
    if chosen:
        if coarse:
            return [c for c in chosen if c.tick_type != TickType.QUOTE]
        if resolution is not None and kind is None and all(c.tick_type != TickType.QUOTE for c in chosen):
            first = chosen[0]
            quotes = SubscriptionDataConfig(
                symbol,
                Resolution(resolution),
                TickType.QUOTE,
                fill_data_forward=first.fill_data_forward,
                extended_market_hours=first.extended_market_hours,
                exchange_time_zone=first.exchange_time_zone,
            )
            return [quotes, *chosen]
        return chosen
    settings = engine.algorithm.universe_settings
    like = next((c for c in known if not c.is_internal_feed), None)
    if resolution is not None:
        asked = Resolution(resolution)
    else:
        asked = min((c.resolution for c in known), default=settings.resolution)
    sides = [TickType.QUOTE, TickType.TRADE] if asked in (Resolution.SECOND, Resolution.MINUTE) else [TickType.TRADE]
    if kind is not None:
        sides = [side for side in sides if side == wanted]
    return [
        SubscriptionDataConfig(
            symbol,
            asked,
            side,
            fill_data_forward=settings.fill_forward,
            extended_market_hours=settings.extended_market_hours if like is None else like.extended_market_hours,
            data_normalization_mode=(
                settings.data_normalization_mode if like is None else like.data_normalization_mode
            ),
            exchange_time_zone=engine.exchange_hours(symbol).time_zone,
        )
        for side in sides
    ]
