"""The loop over time steps: what happens at each, and in which order.

Source of the rules: Lean's ``AlgorithmManager.Run``. A step with nothing to do but ``on_data`` costs a dozen
comparisons: everything else is looked at only when something is due (an event, an open order, a consolidator, a
sample) or has changed (securities, the day).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from harness.embedded.clock import from_us
from harness.embedded.data import Delisting, Dividend, Slice, Split
from harness.embedded.enums import AlgorithmStatus, DataNormalizationMode, DelistingType, SplitType
from harness.embedded.feed.consolidation import ConsolidationDay
from harness.embedded.feed.subscription import NO_BAR, to_us_of
from harness.embedded.feed.timeline import DayPlan
from harness.embedded.model_errors import is_of_user_code
from harness.embedded.models.wrapping import is_engine_class
from harness.embedded.orders.request import SubmitOrderRequest
from harness.embedded.performance_tracking import PerformanceTracker
from harness.embedded.reference.time_zones import TimeZone
from harness.embedded.runtime_errors import USER_ERRORS, OutsidePythonError

if TYPE_CHECKING:
    from harness.embedded.engine import EngineContext

_FIVE_MINUTES_US = 300_000_000
_HOUR_US = 3_600_000_000
_NEVER = 1 << 62
_NO_REQUESTS = "on_margin_call must return a non-empty list of SubmitOrderRequest"
_RUINED = "AlgorithmManager.Run(): Portfolio value is less than or equal to zero, stopping algorithm."


class _Stop(Exception):  # noqa: N818 (a signal, not an error)
    """Leave the loop: the algorithm quit, or an error in user code ended it."""


class AlgorithmManager:
    """Runs the algorithm over the data of an :class:`EngineContext`."""

    def __init__(self, engine: EngineContext) -> None:
        self.engine = engine
        self.algorithm: Any = engine.algorithm
        self.data = engine.data
        self.clock = engine.clock
        self.cursor = engine.cursor
        self.scheduler = engine.scheduler
        self.handler = engine.transaction_handler
        self.results = engine.results
        self.portfolio = engine.algorithm.portfolio
        self.consolidation = engine.algorithm.subscription_manager
        self._next_margin_call_us = 0
        self._next_scan_us = 0
        self._last_us = 0
        self._exchange_zone = TimeZone.get("America/New_York")
        self._volatility = engine.volatility
        self.plan: DayPlan | None = None

    # -- the run -------------------------------------------------------------------------------------------------

    def run(self) -> None:
        algorithm = self.algorithm
        algorithm.schedule.on(
            "Daily Sampling",
            algorithm.date_rules.every_day(),
            algorithm.time_rules.midnight,
            lambda: self.results.sample(self.clock.utc),
        )
        start_us = self.clock.utc_us
        self._last_us = start_us
        self._next_scan_us = start_us // _HOUR_US * _HOUR_US + _HOUR_US
        finished = True
        self.step_done = False
        self._track()
        try:
            if algorithm.is_warming_up:
                algorithm.debug("Algorithm starting warm up...")
            else:
                self._call("on_warmup_finished", "OnWarmupFinished")
            self._days(start_us)
            self.step_done = True
        except _Stop:
            self._forget_unread()
            self.engine.equity.report_until(self.cursor.step - (0 if self.step_done else 1))
            finished = algorithm.run_time_error is None
        except Exception as error:
            # A model of user code failed where only Lean's engine as a whole catches it.
            if not is_of_user_code(error):
                raise
            algorithm.set_runtime_error(error, "AlgorithmManager.Run")
            self._forget_unread()
            self.engine.equity.report_until(self.cursor.step - 1)
            finished = False
        # An error that no later step could see, such as one in ``on_order_event`` at the last, does not skip the end.
        if finished:
            self._end()

    def _forget_unread(self) -> None:
        """What was planned and not reached has not been read."""
        if self.plan is not None:
            self.data.data_points -= _points_after(self.plan, self.cursor.step)

    def _track(self) -> None:
        """Measure the parts of a run whose settings ask for it."""
        performance = self._performance = PerformanceTracker(
            self.algorithm, lambda: self.engine.history_provider.data_points
        )
        if not performance.is_on:
            return
        performance.time_methods("Schedule", self.scheduler, ["set_time", "scan_past_events"])
        performance.time_methods("Transactions", self.handler, ["process_synchronous_events"])
        performance.time_methods("Consolidators", self, ["_consolidate", "_emit_past", "_scan_past_consolidators"])
        performance.time_methods("SplitsDividendsDelisting", self, ["_apply_dividends", "_apply_splits", "_delistings"])
        performance.time_methods("Subscriptions", self.data, ["begin_day", "corporate_events", "plan"])
        performance.time_methods("Selection", self.data, ["apply_changes"])

    def _sample_performance(self, now: int, plan: DayPlan | None, step: int) -> None:
        later = 0 if plan is None else _points_after(plan, step)
        self._performance.sample(now, self.data.data_points - later)

    def _end(self) -> None:
        algorithm = self.algorithm
        if self._performance.is_on:
            self._performance.shut_down(self.data.data_points)
        try:
            handler = algorithm._user("on_end_of_algorithm")
            if handler is not None:
                handler()
        except USER_ERRORS as error:
            algorithm.set_runtime_error(error, "OnEndOfAlgorithm")
            return
        self.results.process_synchronous_events(force=True)
        if algorithm.status == AlgorithmStatus.STOPPED:
            self.results.log_message("Algorithm Stopped")
        algorithm.set_status(AlgorithmStatus.COMPLETED)
        self.results.sample(from_us(self._last_us))

    def _days(self, start_us: int) -> None:
        data = self.data
        zone = self._exchange_zone
        first_day = from_us(zone.utc_us_to_local_us(start_us)).date()
        last_day = end_day = from_us(zone.utc_us_to_local_us(data.end_us)).date()
        if not self.algorithm.settings.daily_precise_end_time:
            # The daily bars of the last day end at the midnight after it.
            last_day += timedelta(days=1)
        changes = data.apply_changes(start_us, first=True)
        pending: tuple[int, Any] | None = (start_us, changes)
        day = first_day
        after_us = start_us - 1
        while day <= last_day:
            data.begin_day(day)
            events = data.corporate_events(day, start_us if day == first_day else 0) if day <= end_day else {}
            extra = {at for at in events if after_us < at <= data.end_us}
            if pending is not None:
                extra.add(pending[0])
            warm_end = self.engine.start_us if self.algorithm.is_warming_up else None
            plan = data.plan(day, after_us, extra)
            while True:
                self.engine.equity.new_day(plan)
                stopped_at = self._day(plan, events, pending, warm_end)
                pending = None
                self._close_columns(plan, len(plan.times) - 1 if stopped_at is None else stopped_at)
                self.today.close(stopped_at)
                if stopped_at is None:
                    plan.finish()
                    break
                # Securities came or went, or are scaled otherwise: the rest of the day is planned anew.
                now_us = plan.times[stopped_at]
                plan.interrupt(stopped_at)
                data.data_points -= _points_after(plan, stopped_at)
                if data.selection_due:
                    change = data.apply_changes(now_us, first=False)
                    # Events of today that are news to a subscription just started arrive with it.
                    fresh = data.corporate_events(day, now_us)
                    self._changes_step(now_us, change, tuple(event for at in sorted(fresh) for event in fresh[at]))
                later = {at for at in events if at > now_us}
                plan = data.plan(day, now_us, later)
            after_us = zone.local_us_to_utc_us(to_us_of(day) + 86_400_000_000) - 1
            day += timedelta(days=1)
        # Events scheduled after the last data are not fired: Lean ends with its last time slice.

    def _close_columns(self, plan: DayPlan, last_step: int) -> None:
        """Take what is still needed from a day's columns before they go."""
        if last_step >= 0:
            self.engine.equity.report_until(last_step)
            self.algorithm.trade_builder.end_of_day()
        for sub in plan.subscriptions:
            sub.subscription.security.cache.detach()
        self.cursor.step = -1

    def _changes_step(self, now_us: int, changes: Any, auxiliary: tuple[Any, ...]) -> None:
        """A step without bars in which securities come or go."""
        if now_us >= self._performance.next_us:
            self._sample_performance(now_us, None, -1)
        self.cursor.step = -1
        self.clock.utc_us = now_us
        self.algorithm.current_slice = Slice(None, -1, now_us, self._local_us(now_us), auxiliary)
        self._rest_of_step(now_us, changes, auxiliary, None, -1)

    def _local_us(self, utc_us: int) -> int:
        return utc_us + self.engine.zone_offset_us(self.algorithm.time_zone, utc_us)

    # -- one day -------------------------------------------------------------------------------------------------

    def _day(
        self, plan: DayPlan, events: dict[int, list[Any]], pending: tuple[int, Any] | None, warm_end: int | None
    ) -> int | None:
        """Run the steps of a plan; the step after which it has to be made anew, or ``None`` at its end."""
        times = plan.times
        algorithm = self.algorithm
        clock = self.clock
        cursor = self.cursor
        scheduler = self.scheduler
        handler = self.handler
        portfolio = self.portfolio
        results = self.results
        equity = self.engine.equity
        consolidation = self.consolidation
        data = self.data
        on_data = algorithm._user("on_data")
        user_data = plan.user_data
        today = self.today = ConsolidationDay(self.engine.consolidation, plan)
        self.plan = plan
        data.consolidators_changed = False
        portfolio.assess()
        if not times:
            return None
        volatility = self._volatility
        volatility.begin(plan)
        consolidated, past = today.flags, today.past
        # Asked at every step: looked at without a call while empty.
        queued, open_orders = handler._queue, handler._brokerage.pending
        new_scans, scans = consolidation._to_add, consolidation._heap
        midnight_offset = self._day_offset(times)
        offset = midnight_offset if midnight_offset is not None else 0
        pending_us = pending[0] if pending is not None else -1
        warm_us = warm_end if warm_end is not None else _NEVER
        running = AlgorithmStatus.RUNNING
        performance = self._performance
        sample_us = performance.next_us
        if performance.is_on and on_data is not None:
            on_data = performance.timed("OnData", on_data)

        for step, now in enumerate(times):
            # An error does not end the run here but where this step's events have fired (see _end_here).
            if algorithm.status is not running and algorithm.run_time_error is None:
                self.step_done = True
                raise _Stop
            if now >= sample_us:
                self._sample_performance(now, plan, step)
                sample_us = performance.next_us
            if portfolio.may_be_ruined and portfolio._total_portfolio_value <= 0:
                self.step_done = True
                self._last_us = now
                results.system_debug_message(_RUINED)
                raise _Stop
            if now > warm_us and algorithm.is_warming_up:
                # The step jumps over the start: Lean aligns the clock with it first.
                scheduler.scan_past_events(warm_us)
                self._scan_past_consolidators(warm_us)
                clock.utc_us = warm_us
                self._finish_warm_up()
                warm_us = _NEVER
            if scheduler.next_event_us < now:
                scheduler.scan_past_events(now)
            if past and step in past:
                self._emit_past(past[step])
            if new_scans or (scans and scans[0][0] < now):
                self._scan_past_consolidators(now)
            clock.utc_us = now
            cursor.step = step
            if midnight_offset is None:
                offset = self.engine.zone_offset_us(algorithm.time_zone, now)
            auxiliary = tuple(events[now]) if now in events else ()
            current = Slice(plan, step, now, now + offset, auxiliary)
            algorithm.current_slice = current
            portfolio._total_cache = None
            if portfolio.feeds_volatility:
                volatility.step(step, portfolio.models_version)
            if auxiliary or now == pending_us or now >= self._next_scan_us or now >= warm_us:
                changes = pending[1] if pending is not None and now == pending_us else None
                if now >= warm_us and algorithm.is_warming_up:
                    self._scan_models(now)
                    self._finish_warm_up()
                    warm_us = _NEVER
                self._rest_of_step(now, changes, auxiliary, plan, step)
                consolidated, past = today.flags, today.past
            else:
                if (queued or open_orders) and handler.has_work:
                    handler.process_synchronous_events()
                if scheduler.next_event_us <= now:
                    scheduler.set_time(now)
                if algorithm.status is not running:
                    self._end_here(now)
                if now >= self._next_margin_call_us:
                    self._margin_calls(now)
                if data.consolidators_changed:
                    self._take_consolidators(plan)
                    consolidated, past = today.flags, today.past
                if consolidated is not None and consolidated[step]:
                    self._consolidate(step)
                if on_data is not None and user_data[step]:
                    try:
                        on_data(current)
                    except USER_ERRORS as error:
                        algorithm.set_runtime_error(error, "OnData")
                        raise _Stop from None
                if (queued or open_orders) and handler.has_work:
                    handler.process_synchronous_events()
                if now >= results.next_sample_utc_us:
                    equity.report_until(step - 1)
                    equity.reported_step = step
                    results.process_synchronous_events()
            self._last_us = now
            if data.dirty:
                return step
            if data.consolidators_changed:
                self._take_consolidators(plan)
                consolidated, past = today.flags, today.past
        return None

    def _day_offset(self, times: list[int]) -> int | None:
        """Local minus UTC in the algorithm's zone if it is the same all day, else ``None``."""
        zone = self.algorithm.time_zone
        first = self.engine.zone_offset_us(zone, times[0])
        return first if first == self.engine.zone_offset_us(zone, times[-1]) else None

    def _rest_of_step(
        self, now: int, changes: Any, auxiliary: tuple[Any, ...], plan: DayPlan | None, step: int
    ) -> None:
        """All parts of a step after its data has been stored, for steps out of the ordinary."""
        algorithm = self.algorithm
        self._scan_models(now)
        self.portfolio._total_cache = None
        if changes is not None and changes.count:
            self.engine.end_of_day.on_securities_changed(changes.added_securities, changes.removed_securities)
        self._symbol_changes(auxiliary)
        if self.handler.has_work:
            self.handler.process_synchronous_events()
        # BacktestingTransactionHandler closes what is delisted here, before any of the step's events.
        self.handler.process_delistings([event for event in auxiliary if isinstance(event, Delisting)])
        if self.scheduler.next_event_us <= now:
            self.scheduler.set_time(now)
        if algorithm.status is not AlgorithmStatus.RUNNING:
            self._end_here(now)
        if now >= self._next_margin_call_us:
            self._margin_calls(now)
        if changes is not None and changes.count:
            self._call("on_securities_changed", "OnSecuritiesChanged", changes)
        if auxiliary:
            self._apply_dividends(auxiliary)
            self._apply_splits(auxiliary)
        if plan is not None:
            if self.data.consolidators_changed:
                self._take_consolidators(plan)
            if self.today.flags is not None and self.today.flags[step]:
                self._consolidate(step)
        if auxiliary:
            current = algorithm.current_slice
            for name, context, collection in (
                ("on_splits", "OnSplits", current.splits),
                ("on_dividends", "OnDividends", current.dividends),
                ("on_delistings", "OnDelistings", current.delistings),
            ):
                if len(collection):
                    self._call(name, context, collection)
            self._delistings(auxiliary)
        if auxiliary or (plan is not None and plan.has_user_data(step)):
            self._call("on_data", "OnData", algorithm.current_slice)
        if self.handler.has_work:
            self.handler.process_synchronous_events()
        equity = self.engine.equity
        if plan is None:
            # Securities join a tick (100 ns) after the step that asked for them, and leave at its own time.
            added = changes is not None and bool(changes.added_securities)
            self.results.process_synchronous_events(extra_ticks=1 if added else 0)
        elif now >= self.results.next_sample_utc_us:
            equity.report_until(step - 1)
            equity.reported_step = max(step, equity.reported_step)
            self.results.process_synchronous_events()

    # -- parts of a step -----------------------------------------------------------------------------------------

    def _call(self, name: str, context: str, *args: Any) -> None:
        handler = self.algorithm._user(name)
        if handler is None:
            return
        try:
            handler(*args)
        except USER_ERRORS as error:
            self.algorithm.set_runtime_error(error, context)
            raise _Stop from None

    def _end_here(self, now: int) -> None:
        """Leave the run in the middle of a step: the algorithm quit, or failed, before or in this step's events.

        The one place where Lean looks for an error that no handler of the loop itself raised, such as one in
        ``on_order_event``: until then the run goes on, into the next step if need be.
        """
        self._last_us = now
        raise _Stop

    def _scan_models(self, now: int) -> None:
        """Margin interest and settlement, once an hour."""
        if now < self._next_scan_us:
            return
        self.portfolio._scan_models(self.clock.utc)
        self._next_scan_us = now // _HOUR_US * _HOUR_US + _HOUR_US

    def _finish_warm_up(self) -> None:
        algorithm = self.algorithm
        algorithm.is_warming_up = False
        self.results.on_warmup_finished()
        self._call("on_warmup_finished", "OnWarmupFinished")
        algorithm.debug("Algorithm finished warming up.")

    def _scan_past_consolidators(self, now: int) -> None:
        try:
            self.consolidation.scan_past_consolidators(now)
        except USER_ERRORS as error:
            self.algorithm.set_runtime_error(error, "Consolidators update")
            raise _Stop from None

    def _margin_calls(self, now: int) -> None:
        algorithm = self.algorithm
        portfolio = self.portfolio
        self._next_margin_call_us = now + _FIVE_MINUTES_US
        model = portfolio._margin_call_model
        if not portfolio._held and is_engine_class(portfolio.margin_call_model):
            # Lean's own models have nothing to say then; user code's is asked all the same.
            return
        requests, warning = model._get_margin_call_orders()
        executed: list[Any] = []
        if requests and all(portfolio.securities[r.symbol].exchange.exchange_open for r in requests):
            try:
                answer = algorithm._user("on_margin_call")
                if answer is not None:
                    requests = _requests_of(answer(requests))
                executed = model._execute_margin_call(requests)
            except USER_ERRORS as error:
                algorithm.set_runtime_error(error, "OnMarginCall")
                raise _Stop from None
            for ticket in executed:
                algorithm.error(
                    f"{_general_time(algorithm.time)} - Executed MarginCallOrder: {ticket.symbol} - "
                    f"Quantity: {_plain(ticket._quantity)} @ {_plain(ticket._average_fill_price)}"
                )
        if not executed and warning:
            self._call("on_margin_call_warning", "OnMarginCallWarning")

    def _emit_past(self, waiting: list[Any]) -> None:
        """Planned bars whose time came between two steps, at their own time."""
        try:
            for utc_us, _, planned, index in waiting:
                if self.consolidation.next_scan_us < utc_us:
                    self.consolidation.scan_past_consolidators(utc_us)
                self.clock.utc_us = utc_us
                planned.emit(index)
        except USER_ERRORS as error:
            self.algorithm.set_runtime_error(error, "Consolidators update")
            raise _Stop from None

    def _take_consolidators(self, plan: DayPlan) -> None:
        """Consolidators that came or went; those that came before a step's bars are handed out get this step's."""
        self.data.consolidators_changed = False
        for sub in plan.subscriptions:
            self.engine.consolidation.drive(sub.subscription.config.consolidators)
        self.today.refresh()

    def _consolidate(self, step: int) -> None:
        try:
            self.today.run(step, self.clock)
        except USER_ERRORS as error:
            self.algorithm.set_runtime_error(error, "Consolidators update")
            raise _Stop from None

    def _symbol_changes(self, auxiliary: tuple[Any, ...]) -> None:
        if not auxiliary:
            return
        changed = self.algorithm.current_slice.symbol_changed_events
        if not len(changed):
            return
        self._call("on_symbol_changed_events", "OnSymbolChangedEvents", changed)
        for symbol in list(changed.keys()):
            for ticket in self.algorithm.transactions._open_order_tickets(symbol):
                ticket.cancel("Open order cancelled on symbol changed event")

    def _mode(self, symbol: Any) -> DataNormalizationMode:
        configs = self.data.configs_of(symbol)
        return configs[0].data_normalization_mode if configs else DataNormalizationMode.ADJUSTED

    def _apply_dividends(self, auxiliary: tuple[Any, ...]) -> None:
        for event in auxiliary:
            if isinstance(event, Dividend):
                if not self.algorithm.is_warming_up:
                    self.portfolio.apply_dividend(event, False, self._mode(event.symbol))
                self._volatility.on_split_or_dividend(self.algorithm.securities._securities.get(event.symbol))

    def _apply_splits(self, auxiliary: tuple[Any, ...]) -> None:
        algorithm = self.algorithm
        for event in auxiliary:
            if not isinstance(event, Split) or event.type == SplitType.WARNING:
                continue
            mode = self._mode(event.symbol)
            security = algorithm.securities._securities.get(event.symbol)
            if algorithm.is_warming_up:
                self._volatility.on_split_or_dividend(security)
                continue
            self.portfolio.apply_split(event, security, False, mode)
            if mode == DataNormalizationMode.RAW:
                algorithm.trade_builder.give(event.symbol)
                algorithm.trade_builder.apply_split(event.symbol, event._split_factor)
            if mode == DataNormalizationMode.RAW:
                tickets = algorithm.transactions._open_order_tickets(event.symbol)
                self.engine.engine_brokerage._apply_split(list(tickets), event)
            self._volatility.on_split_or_dividend(security)

    def _delistings(self, auxiliary: tuple[Any, ...]) -> None:
        for event in auxiliary:
            if isinstance(event, Delisting) and event.type == DelistingType.DELISTED:
                security = self.algorithm.securities._securities.get(event.symbol)
                if security is not None:
                    security.is_delisted = True
                    security.reset()
                    self.data.queue_remove(security)


def _points_after(plan: DayPlan, step: int) -> int:
    """Data points of a plan that were counted but are replanned."""
    return sum(int((sub.codes[step + 1 :] != NO_BAR).sum()) for sub in plan.subscriptions)


def _requests_of(answer: Any) -> list[Any]:
    """What ``on_margin_call`` gave back. Raises ``OutsidePythonError`` where it is no list of requests or an empty one.

    Source: Lean's ``AlgorithmPythonWrapper.OnMarginCall``.
    """
    if not hasattr(answer, "__iter__"):
        raise OutsidePythonError(_NO_REQUESTS, "AlgorithmPythonWrapper.cs:line 904")
    requests = [item for item in answer if isinstance(item, SubmitOrderRequest)]
    if not requests:
        raise OutsidePythonError(_NO_REQUESTS, "AlgorithmPythonWrapper.cs:line 922")
    return requests


def _general_time(moment: Any) -> str:
    """``DateTime.ToString(InvariantCulture)``: ``10/06/2025 09:40:00``."""
    return str(moment.strftime("%m/%d/%Y %H:%M:%S"))


def _plain(value: Any) -> str:
    from harness.embedded.clr import decimal_text

    return decimal_text(value)


__all__ = ["AlgorithmManager", "date"]
