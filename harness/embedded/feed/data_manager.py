"""Which subscriptions there are, and the plan of each day over them.

Source of the rules: Lean's ``DataManager``, ``UniverseSelection`` (user-defined universes: when securities start and
stop), ``SubscriptionCollection`` (fill-forward resolution: the finest of the algorithm's own subscriptions; order of
subscriptions), ``UniverseSelection.AddPendingInternalDataFeeds`` (the hourly feed of the benchmark).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from harness.embedded.clock import from_us, to_us
from harness.embedded.data import Delisting, Dividend, Split, SymbolChangedEvent, TradeBar
from harness.embedded.enums import (
    RESOLUTION_US,
    DelistingType,
    Resolution,
    SplitType,
    TickType,
)
from harness.embedded.feed.config import SubscriptionDataConfig
from harness.embedded.feed.sources import BarSource, SessionCalendar
from harness.embedded.feed.start_time import start_time_for_trade_bars
from harness.embedded.feed.subscription import Subscription, to_us_of
from harness.embedded.feed.timeline import DayPlan
from harness.embedded.naming import lean_api
from harness.embedded.reference.corporate import (
    CorporateEvents,
    DelistingEvent,
    DividendEvent,
    SplitEvent,
)
from harness.embedded.reference.corporate import SymbolChangedEvent as RenameEvent

if TYPE_CHECKING:
    from harness.embedded.engine import EngineContext

_MINUTE_US = RESOLUTION_US[Resolution.MINUTE]


@lean_api
@dataclass
class SecurityChanges:
    """Securities that joined or left at this step, in the order of symbols."""

    added_securities: list[Any] = field(default_factory=list)
    removed_securities: list[Any] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.added_securities) + len(self.removed_securities)

    def __str__(self) -> str:
        if not self.count:
            return "SecurityChanges: None"
        added = ",".join(str(s.symbol.id) for s in self.added_securities)
        removed = ",".join(str(s.symbol.id) for s in self.removed_securities)
        return f"SecurityChanges: {f' Added: {added}' if added else ''}{f' Removed: {removed}' if removed else ''}"


@dataclass(frozen=True)
class _AfterWarmUp:
    """A subscription that begins when the warm-up ends; ``warm`` stands in for it until then, if any does."""

    config: SubscriptionDataConfig
    security: Any
    warm: Subscription | None
    pivot_us: int
    """From when its bars are read, for fill-forward at the start (UTC)."""


class DataManager:
    """Subscriptions of a run. ``dirty`` tells the loop that something changed since the day was planned.

    ``selection_due``: that it is what securities there are.
    """

    def __init__(self, engine: EngineContext) -> None:
        self.engine = engine
        self.subscriptions: list[Subscription] = []
        self.configs: list[SubscriptionDataConfig] = []
        self.dirty = False
        self.selection_due = False
        self.consolidators_changed = False
        self._to_add: list[tuple[Any, list[SubscriptionDataConfig]]] = []
        self._to_remove: list[Any] = []
        self._members: list[Any] = []
        self._fill_forward_us = _MINUTE_US
        self._pending_removals: list[Any] = []
        self._wanted_again: list[Any] = []
        self._calendars: dict[str, SessionCalendar] = {}
        self._corporate: dict[int, CorporateEvents] = {}
        self._benchmark_started = False
        self.end_us = 0
        self.data_points = 0
        self._events_done_until: dict[int, date] = {}
        self._after_warm_up: list[_AfterWarmUp] = []

    # -- what user code asks for ---------------------------------------------------------------------------------

    def queue_add(self, security: Any, configs: list[SubscriptionDataConfig]) -> None:
        self.keep(security)
        self._to_add.append((security, configs))
        self.dirty = self.selection_due = True

    def queue_remove(self, security: Any) -> None:
        self._to_add = [item for item in self._to_add if item[0] is not security]
        if security in self._members and security not in self._to_remove:
            self._to_remove.append(security)
        self.dirty = self.selection_due = True

    def keep(self, security: Any) -> None:
        """A security was added again before it was gone: it stays, or starts anew if nothing holds it any more."""
        self._to_remove = [item for item in self._to_remove if item is not security]
        if security in self._pending_removals:
            self._wanted_again.append(security)
            self.dirty = self.selection_due = True

    def _mode_changed(self) -> None:
        self.dirty = True

    def configs_of(self, symbol: Any, internal: bool = False) -> list[SubscriptionDataConfig]:
        return [c for c in self.configs if c.symbol == symbol and (internal or not c.is_internal_feed)]

    # -- calendar ------------------------------------------------------------------------------------------------

    def calendar(self, symbol: Any) -> SessionCalendar:
        hours = self.engine.exchange_hours(symbol)
        key = str(id(hours))
        if key not in self._calendars:
            self._calendars[key] = SessionCalendar(hours)
        return self._calendars[key]

    def make_source(self, config: SubscriptionDataConfig) -> BarSource:
        engine = self.engine
        map_file = engine.map_files.resolve_for_symbol(config.symbol)
        return BarSource(
            config,
            self.calendar(config.symbol),
            engine.columns,
            engine.data_folder,
            map_file,
            engine.factor_file(config.symbol),
            strict_daily_end_times=bool(engine.algorithm.settings.daily_precise_end_time),
            monitor=engine.data_monitor,
        )

    # -- changes -------------------------------------------------------------------------------------------------

    def apply_changes(self, now_us: int, *, first: bool) -> SecurityChanges:
        """Start and stop what was asked for; new bars end after ``now_us`` (not before it, at the very start)."""
        changes = SecurityChanges()
        adding, removing = self._to_add, self._to_remove
        self._to_add, self._to_remove = [], []
        self.dirty = self.selection_due = False
        waiting, self._pending_removals = self._pending_removals, []
        wanted, self._wanted_again = self._wanted_again, []
        for security in waiting:
            if self._is_needed(security):
                if security not in wanted:
                    self._pending_removals.append(security)
                continue
            configs = self.configs_of(security.symbol)
            self._stop(security)
            if security in wanted:
                security.reset()
                self.configs.extend(configs)
                self.engine.place_security(security.symbol, configs)
                adding = [(security, configs), *(item for item in adding if item[0] is not security)]
        for security in removing:
            self._stop(security)
            if not security.is_delisted:
                changes.removed_securities.append(security)
        self._follow_fill_forward(now_us)
        fresh = [security for security in dict.fromkeys(item[0] for item in adding) if security not in self._members]
        idle = []
        for security in fresh:
            # A security that is there already gets no further data: it was selected before (UniverseSelection).
            asked = [config for item in adding if item[0] is security for config in item[1]]
            over = [config for config in asked if not self._has_tradable_day(config, now_us)]
            self.configs = [config for config in self.configs if config not in over]
            if len(over) == len(asked):
                idle.append(security)
            for config in asked:
                if config not in over:
                    self._follow_fill_forward(now_us, config)
                    self._start(security, config, now_us, exclusive=not first)
        fresh = [security for security in fresh if security not in idle]
        self._members += fresh
        changes.added_securities += fresh
        if not self._benchmark_started:
            self._start_benchmark(now_us)
        if changes.count:
            # The selection that adds or removes them is a data point of its own in Lean's count.
            self.data_points += 1
        changes.added_securities.sort(key=lambda s: s.symbol)
        changes.removed_securities.sort(key=lambda s: s.symbol)
        self.subscriptions.sort(key=Subscription.sort_key)
        if self.engine.algorithm.settings.seed_initial_prices:
            # Those without a price are seeded again when they are selected (UniverseSelection.SeedAddedSecurities).
            for security in changes.added_securities:
                self.engine.seed(security)
        return changes

    def _has_tradable_day(self, config: SubscriptionDataConfig, now_us: int) -> bool:
        """Whether a session is left until the end of the data; without one nothing is subscribed or selected."""
        calendar = self.calendar(config.symbol)
        zone = calendar.hours.zone
        local_us = zone.utc_us_to_local_us(now_us)
        day, last = from_us(local_us).date(), from_us(zone.utc_us_to_local_us(self.end_us)).date()
        since_us = local_us - to_us_of(day)
        while day <= last:
            sessions = calendar.segments(day, config.extended_market_hours)
            if sessions and sessions[-1][1] > since_us:
                return True
            day, since_us = day + timedelta(days=1), -1
        return False

    def _follow_fill_forward(self, now_us: int, coming: SubscriptionDataConfig | None = None) -> None:
        """Start the subscriptions that fill forward anew when the finest resolution has changed.

        They forget what they have shown: nothing is filled forward before their next real bar. Source: Lean's
        ``SubscriptionCollection.UpdateFillForwardResolution`` and the handler of its event in ``DataManager``.
        """
        own = [(s.security, s.config, s) for s in self.subscriptions if not s.is_internal]
        warm = {id(item.warm) for item in self._after_warm_up}
        own = [item for item in own if id(item[2]) not in warm]
        waiting = [item for item in self._after_warm_up if not item.config.is_internal_feed]
        lengths = [config.period_us for _, config, _ in own] + [item.config.period_us for item in waiting]
        if coming is not None:
            lengths.append(coming.period_us)
        finest = min(lengths, default=_MINUTE_US)
        if finest == self._fill_forward_us:
            return
        self._fill_forward_us = finest
        for security, config, old in own:
            if config.fill_data_forward:
                self.subscriptions.remove(old)
                started = self._start(security, config, now_us, exclusive=True)
                if started is not None:
                    started.known_from_us = old.known_from_us
        for item in waiting:
            if item.config.fill_data_forward:
                self._after_warm_up.remove(item)
                self.subscriptions = [s for s in self.subscriptions if s is not item.warm]
                self._start(item.security, item.config, now_us, exclusive=True)

    def _start(
        self, security: Any, config: SubscriptionDataConfig, now_us: int, *, exclusive: bool
    ) -> Subscription | None:
        algorithm = self.engine.algorithm
        warm_up = algorithm.settings.warmup_resolution
        if algorithm.is_warming_up and warm_up is not None:
            return self._start_warm_up(security, config, now_us, Resolution(warm_up), exclusive=exclusive)
        source = self.make_source(config)
        subscription = Subscription(config, security, source, now_us, self.end_us, start_exclusive=exclusive)
        self._add(subscription, now_us)
        return subscription

    def _add(self, subscription: Subscription, events_from_us: int) -> None:
        self.subscriptions.append(subscription)
        # The number of an object that is gone may come again.
        self._events_done_until.pop(id(subscription), None)
        self._corporate.pop(id(subscription), None)
        subscription.config.on_mode_change = self._mode_changed
        subscription.counts_from_us = self.engine.start_us
        config, source = subscription.config, subscription.source
        if not config.is_internal_feed:
            # Quotes count distributions too (total-return prices), but only trades tell of events.
            start = from_us(events_from_us + self.engine.zone_offset_us(config.exchange_time_zone, events_from_us))
            self._corporate[id(subscription)] = CorporateEvents(
                source.map_file,  # type: ignore[arg-type]
                self.engine.factor_file(config.symbol),
                mapped_symbol=config.symbol.value,
                start=start,
                splits_and_dividends=True,
            )

    # -- warm-up at a resolution of its own ----------------------------------------------------------------------

    def _start_warm_up(
        self, security: Any, config: SubscriptionDataConfig, now_us: int, resolution: Resolution, *, exclusive: bool
    ) -> Subscription | None:
        """Read bars of the warm-up's resolution until the start, those of the configuration from there.

        Source: Lean's ``FileSystemDataFeed.CreateSubscription``. Quotes have no hourly or daily bars: they are silent
        until the start.
        """
        start_us = self.engine.start_us
        pivot_us = start_us
        warm: Subscription | None = None
        # Bars of two resolutions pass through one list of consolidators: they are driven step by step.
        self.engine.consolidation.drive(config.consolidators)
        if config.tick_type == TickType.TRADE or resolution < Resolution.HOUR:
            source = self.make_source(replace(config, resolution=resolution))
            warm = Subscription(
                source.config,
                security,
                source,
                now_us,
                start_us,
                start_exclusive=exclusive,
                last_end_us=start_us,
                fill_forward_us=RESOLUTION_US[resolution],
            )
            self._add(warm, now_us)
            hours = self.engine.exchange_hours(config.symbol)
            local = from_us(hours.zone.utc_us_to_local_us(start_us))
            precise = bool(self.engine.algorithm.settings.daily_precise_end_time)
            before = start_time_for_trade_bars(hours, local, RESOLUTION_US[Resolution.DAILY], 1, False, precise)
            pivot_us = max(now_us, hours.zone.local_us_to_utc_us(to_us(before)))
        self._after_warm_up.append(_AfterWarmUp(config, security, warm, pivot_us))
        return warm

    def begin_day(self, day: date) -> None:
        """Before the first plan of a local day: the end of the warm-up changes subscriptions."""
        if not self._after_warm_up:
            return
        start_us = self.engine.start_us
        calendar = self.main_calendar()
        waiting = self._after_warm_up
        if calendar.midnight_utc_us(day) >= start_us:
            over = {id(item.warm) for item in waiting}
            self._after_warm_up = []
            self.subscriptions = [s for s in self.subscriptions if id(s) not in over]
        elif calendar.midnight_utc_us(day + timedelta(days=1)) <= start_us:
            return
        known = {id(s.config) for s in self.subscriptions}
        for item in waiting:
            if id(item.config) not in known:
                self._start_after_warm_up(item, day)
        self.subscriptions.sort(key=Subscription.sort_key)

    def _start_after_warm_up(self, item: _AfterWarmUp, day: date) -> None:
        start_us = self.engine.start_us
        # What both resolutions have at the start itself is shown once (ConcatEnumerator): a daily bar of midnight.
        again = item.warm is not None and item.warm.config.resolution == Resolution.DAILY
        source = self.make_source(item.config)
        subscription = Subscription(item.config, item.security, source, start_us, self.end_us, start_exclusive=again)
        self._add(subscription, item.pivot_us)
        if item.warm is not None:
            subscription.carry_frame, subscription.carry_row = item.warm.carry_frame, item.warm.carry_row
        events = self._corporate.get(id(subscription))
        zone = self.engine.exchange_hours(item.config.symbol).zone
        before = from_us(zone.utc_us_to_local_us(item.pivot_us)).date()
        while before <= day:
            frame, ends, rows = subscription._real_rows(before)
            count = int(((ends >= item.pivot_us) & (ends < start_us)).sum())
            if count:
                subscription.carry_frame, subscription.carry_row = frame, int(rows[ends < start_us][-1])
            if events is not None and before < day and source.segments(before, item.config.extended_market_hours):
                events.events(datetime(before.year, before.month, before.day))
                source.sum_of_dividends = events.sum_of_dividends
            before += timedelta(days=1)

    def _is_needed(self, security: Any) -> bool:
        unsettled = security._settlement_model._get_unsettled_cash()
        return bool(
            security.holdings._quantity
            or self.engine.algorithm.transactions.get_open_orders(security.symbol)
            or (unsettled is not None and unsettled._amount > 0)
        )

    def _stop(self, security: Any) -> None:
        """Take a security's data away, or put that off while something of it is held, open or unsettled.

        What was put off is looked at again when securities come or go next. Source: Lean's ``PendingRemovalsManager``.
        """
        if self._is_needed(security):
            self._pending_removals.append(security)
            return
        self._members = [member for member in self._members if member is not security]
        self.subscriptions = [s for s in self.subscriptions if s.security is not security or s.config.is_internal_feed]
        self._after_warm_up = [
            item for item in self._after_warm_up if item.security is not security or item.config.is_internal_feed
        ]
        self.configs = [c for c in self.configs if c.symbol != security.symbol or c.is_internal_feed]
        security.reset_cache()
        self.engine.algorithm.securities.remove(security.symbol)

    def _start_benchmark(self, now_us: int) -> None:
        self._benchmark_started = True
        security = self.engine.benchmark_security
        if security is None:
            return
        config = SubscriptionDataConfig(
            security.symbol, Resolution.HOUR, TickType.TRADE, fill_data_forward=False, is_internal_feed=True
        )
        config.exchange_time_zone = self.engine.exchange_hours(security.symbol).time_zone
        hours = self.engine.exchange_hours(security.symbol)
        local = from_us(now_us + self.engine.zone_offset_us(config.exchange_time_zone, now_us))
        precise = bool(self.engine.algorithm.settings.daily_precise_end_time)
        begin = start_time_for_trade_bars(hours, local, RESOLUTION_US[Resolution.DAILY], 1, False, precise)
        start_us = hours.zone.local_us_to_utc_us(to_us(begin))
        self.configs.append(config)
        subscription = self._start(security, config, start_us, exclusive=False)
        if subscription is not None:
            self._replay(subscription, begin.date(), now_us)

    def _replay(self, subscription: Subscription, first: date, now_us: int) -> None:
        """Take in the bars between a subscription's start and the present, which arrive together in the first step."""
        day = first
        last = from_us(now_us).date()
        while day <= last:
            rows = subscription.day(day, subscription.period_us, subscription.start_us - 1)
            for end_us, row in zip(rows.real_end_us.tolist(), rows.real_rows.tolist(), strict=True):
                if end_us > now_us:
                    break
                self.data_points += 1
                assert rows.frame is not None
                subscription.security.cache.store(TradeBar.of_row(rows.frame, row))
            day += timedelta(days=1)

    # -- plans ---------------------------------------------------------------------------------------------------

    def fill_forward_us(self) -> int:
        """The finest resolution among the algorithm's own subscriptions."""
        return self._fill_forward_us

    def exchange_offset_us(self, day: date) -> int:
        calendar = self.main_calendar()
        return -calendar.local_to_utc_us(day)

    def main_calendar(self) -> SessionCalendar:
        symbol = self.subscriptions[0].symbol if self.subscriptions else None
        return self.calendar(symbol)

    def plan(self, day: date, after_us: int, extra_times: set[int]) -> DayPlan:
        if not self.selection_due:
            self.dirty = False
        for subscription in self.subscriptions:
            subscription.follow_mode(day)
        plan = DayPlan(
            day,
            self.subscriptions,
            self.fill_forward_us(),
            after_us,
            self.exchange_offset_us(day),
            extra_times,
        )
        self.data_points += plan.data_points
        by_security: dict[int, list[Any]] = {}
        for sub in plan.subscriptions:
            by_security.setdefault(id(sub.subscription.security.cache), []).append(sub)
        for days in by_security.values():
            days[0].subscription.security.cache.attach(days, len(plan.times))
        return plan

    def corporate_events(self, day: date, after_us: int) -> dict[int, list[Any]]:
        """Splits, dividends, renames and delistings of a trading day: UTC time -> events, in the order of symbols."""
        found: dict[int, list[Any]] = {}
        midnight_local = to_us_of(day)
        for subscription in self.subscriptions:
            provider = self._corporate.get(id(subscription))
            if provider is None or self._events_done_until.get(id(subscription), date.min) >= day:
                continue
            calendar = subscription.source.calendar
            if not calendar.segments(day, subscription.config.extended_market_hours):
                continue
            self._events_done_until[id(subscription)] = day
            moment = calendar.midnight_utc_us(day)
            raw = self._last_raw_price(subscription)
            before = provider.mapped_symbol
            events = provider.events(datetime(day.year, day.month, day.day), raw, subscription.security.cache._price)
            if moment < self.engine.start_us:
                # Distributions of the warm-up are counted on a configuration that ends with it.
                provider.sum_of_dividends = Decimal(0)
            subscription.source.sum_of_dividends = provider.sum_of_dividends
            if subscription.is_quote:
                continue
            for event in events:
                # Renames come after splits and dividends of their day, and before delistings.
                early = isinstance(event, (SplitEvent, DividendEvent))
                ticker = before if early else provider.mapped_symbol
                symbol = subscription.symbol
                if ticker and ticker != symbol.value:
                    symbol = symbol.update_mapped_symbol(ticker)
                point = _event_point(symbol, midnight_local, event)
                at = max(moment, after_us)
                self.data_points += 1
                group = found.setdefault(at, [])
                if not any(type(p) is type(point) and p.symbol == point.symbol for p in group):
                    group.append(point)
        return found

    def _last_raw_price(self, subscription: Subscription) -> Any:
        frame = subscription.carry_frame
        if frame is None:
            return None
        return Decimal(frame.mantissa(3)[subscription.carry_row]).scaleb(-frame.scale)


def _event_point(symbol: Any, local_us: int, event: Any) -> Any:
    if isinstance(event, DividendEvent):
        return Dividend(symbol, local_us, event.distribution, event.reference_price)
    if isinstance(event, SplitEvent):
        kind = SplitType.WARNING if event.is_warning else SplitType.SPLIT_OCCURRED
        return Split(symbol, local_us, event.reference_price, event.split_factor, kind)
    if isinstance(event, RenameEvent):
        return SymbolChangedEvent(symbol, local_us, event.old_symbol, event.new_symbol)
    assert isinstance(event, DelistingEvent)
    kind2 = DelistingType.WARNING if event.is_warning else DelistingType.DELISTED
    return Delisting(symbol, local_us, event.price, kind2)
