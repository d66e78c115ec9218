"""LEAN's time step: the one function that says what happens in which order.

Everything else is called from here. A step takes the data of one moment; callbacks of the user run
in exactly the order of LEAN's own loop, and the first error of a callback ends the run after the
point where LEAN would end it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sized
from datetime import datetime
from typing import Any

from engine.consolidators.base import ConsolidatorBase
from engine.orders.handler import TransactionHandler
from engine.quiet import MARGIN_CALL_EVERY, next_hour, run_quiet
from engine.securities.margin_call import DefaultMarginCallModel
from engine.securities.margin_interest import MarginInterestRateModel
from engine.securities.settlement import ImmediateSettlementModel
from engine.statistics.trade_builder import TradeBuilder
from engine.stretch import run_stretch, stretch_of
from engine.types.decimals import plain
from engine.types.enums import AlgorithmStatus, DataNormalizationMode, SplitType
from engine.types.slice import Slice
from engine.types.symbol import Symbol

_NO_INTEREST = MarginInterestRateModel.NULL
_NO_SCAN = ConsolidatorBase.scan
_PROCESS = TransactionHandler.process_synchronous_events
_RUNNING = AlgorithmStatus.RUNNING


class Stepper:
    """State of the loop between two steps, and :meth:`step`."""

    #: whether steps with the data of the same subscriptions may run in one go
    quick = True

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.feed = engine.feed
        self.schedule, self.transactions = engine.schedule, engine.transactions
        self.results = engine.results
        self.algorithm = engine.algorithm
        self.subscriptions = engine.algorithm.subscription_manager
        self.local = self.algorithm._clock.of(self.algorithm.time_zone)
        self.was_warming_up: bool = self.algorithm.is_warming_up
        self.next_margin_call = datetime.min
        self.next_hourly_scan = next_hour(self.algorithm._utc)
        # nothing of the engine's own clockwork comes before this moment
        self.next_look = datetime.min
        # the value of the account that was seen to be above zero
        self.solvent: Any = None

    def step(self, data: Any) -> bool:
        """Run one time step; False ends the run."""
        return self.run((data,))

    def run(self, stream: Iterable[Any], asked: Sized | None = None) -> bool:
        """Run a time step for each slice of data; False when one of them ended the run.

        ``asked`` tells that the stream is that of the engine's own feed, so that steps may be run
        ahead of it; it is no longer empty once the run has to stop.
        """
        engine, algorithm = self.engine, self.algorithm
        schedule, transactions, results = engine.schedule, engine.transactions, engine.results
        portfolio, subscriptions = algorithm.portfolio, algorithm.subscription_manager
        clock = algorithm._clock
        local = clock.of(algorithm.time_zone)
        # handlers of other kinds are always asked
        simple = type(transactions).process_synchronous_events is _PROCESS
        quick = self.quick and simple and asked is not None
        feed, solvent, next_look = engine.feed, self.solvent, self.next_look
        for data in stream:
            utc: datetime = data.utc

            # an error of an order event lets one more step begin: it ends before step 4
            if algorithm.status is not _RUNNING and algorithm._runtime_error is None:
                engine.feed.data_points -= data.count  # never reached the algorithm
                return False
            if portfolio._value is None or portfolio._value is not solvent:
                solvent = portfolio._total_portfolio_value
                if solvent <= 0:
                    results.add_system_debug(
                        "AlgorithmManager.Run(): Portfolio value is less than or equal to zero, "
                        "stopping algorithm."
                    )
                    return False

            # 1. what was due before this moment, each at its own time
            look, event = utc >= next_look, schedule.next_utc
            due = event <= utc
            if due and event < utc:
                self._call(schedule.scan_past, utc, "Scheduled event")
            if subscriptions._next_scan_utc <= utc:
                try:
                    subscriptions.scan_past_consolidators(utc, algorithm)
                except Exception as error:
                    algorithm._set_runtime_error(error, "Consolidators scan")
                    return False

            # what a lone subscription sends may begin the steps that run in one go
            if quick and feed._lead is not None:
                steps = self._give_back(data, solvent)
                if steps:
                    assert asked is not None
                    self.solvent, self.next_look = solvent, next_look
                    if not self._run_ahead(feed._band, steps, asked):
                        return False
                    solvent, next_look = self.solvent, self.next_look
                    continue

            # 2. the clock, and the data of this moment
            if self.was_warming_up:
                algorithm._set_utc(utc)
            else:
                clock.utc = utc
            eventful = data.eventful
            if eventful and data.is_time_pulse:
                self._check_warmup_finished()
                continue
            if look and not local.valid_from <= utc < local.valid_to:
                local.refresh(utc)
            points, updates = data.points, data.updates
            current = algorithm.current_slice = Slice(utc + local.offset, points, utc)
            changes = data.security_changes if eventful else None
            if changes is not None:
                algorithm._process_security_changes(changes)
                engine.on_securities_changed(changes)
            for config, point in updates:
                config._security._update(config, point)
            trade_builder = algorithm.trade_builder
            if trade_builder._positions:
                self._follow_trades(trade_builder, updates)
            if look and utc >= self.next_hourly_scan:
                self._hourly_scan(utc)
            if len(portfolio.cash_book) > 1:
                portfolio.cash_book._update_conversions()
                portfolio._invalidate()
            elif portfolio._parts is None or portfolio._parts:
                portfolio._follow_prices()
            if self.was_warming_up:
                self._check_warmup_finished()
            if eventful and data.symbol_changes and not self._symbol_changes(current):
                return False

            # 3. working orders meet the new data; then what is scheduled for this moment
            if (
                eventful
                or not simple
                or transactions._queue
                or (transactions.brokerage.needs_scan and not transactions.brokerage._all_wait())
            ):
                transactions.process_synchronous_events()
            if (due or schedule.next_utc is not event) and schedule.next_utc <= utc:
                self._call(schedule.set_time, utc, "Scheduled event")
            if algorithm.status is not _RUNNING:
                return False

            # 4. margin, universe changes, corporate actions
            if look and utc >= self.next_margin_call and not self._check_margin(utc):
                return False
            if look:
                next_look = min(self.next_hourly_scan, self.next_margin_call, local.valid_to)
            if changes is not None and not self._securities_changed(changes):
                return False
            if eventful:
                if data.dividends and not self._dividends(current):
                    return False
                if data.splits and not self._splits(current):
                    return False

            # 5. consolidators and indicators, then the user's handlers
            try:
                self._consolidate(updates)
            except Exception as error:
                algorithm._set_runtime_error(error, "Consolidators update")
                return False
            if eventful and not self._corporate_handlers(data, current):
                return False
            try:
                if points:
                    algorithm.on_data(current)
                algorithm._on_framework_data(current)
            except Exception as error:
                algorithm._set_runtime_error(error, "OnData")
                return False

            # 6. updates and cancels of this step, then the samples
            if (
                eventful
                or not simple
                or transactions._queue
                or (transactions.brokerage.needs_scan and not transactions.brokerage._all_wait())
            ):
                transactions.process_synchronous_events()
            results.on_step(utc)
            if algorithm._pending_universes or algorithm._pending_members:
                algorithm._apply_pending_universes()

            # what the same subscriptions send until something is due runs in one go
            band = feed._band if quick else ()
            if band and not self.was_warming_up and algorithm.status is _RUNNING:
                steps = stretch_of(self, band)
                if steps > 0:
                    assert asked is not None
                    self.solvent, self.next_look = solvent, next_look
                    if not self._run_ahead(band, steps, asked):
                        return False
                    solvent, next_look = self.solvent, self.next_look
        return True

    def _run_ahead(self, band: tuple[Any, ...], steps: int, asked: Sized) -> bool:
        """Run ``steps`` of the band, the quiet ones all at once; False when one ended the run."""
        feed, schedule, subscriptions = self.feed, self.schedule, self.subscriptions
        event, scan = schedule.next_utc, subscriptions._next_scan_utc
        while steps > 0:
            done = run_quiet(self, band, steps)
            if done is None:
                return run_stretch(self, band, steps, asked)
            if not done:
                done = 1
                if not run_stretch(self, band, done, asked):
                    return False
            steps -= done
            # the last of them may have called somebody
            if (
                feed._band is not band
                or schedule.next_utc is not event
                or subscriptions._next_scan_utc is not scan
                or self.algorithm.status is not _RUNNING
                or asked
            ):
                break
        return True

    def _give_back(self, data: Any, solvent: Any) -> int:
        """Give the data of a step back to the feed where it begins a stretch; return its length.

        What was due before has been done by now; with 0 the step goes on.
        """
        algorithm, feed = self.algorithm, self.feed
        value = algorithm.portfolio._value
        if (
            self.was_warming_up
            or data.eventful
            or algorithm.status is not _RUNNING
            # not to be looked at before the next step
            or value is None
            or (value is not solvent and value <= 0)
            or not feed._take_back(data)
        ):
            return 0
        steps = stretch_of(self, feed._band)
        if steps <= 0:
            feed._send_again()
            return 0
        return steps

    # -- parts ---------------------------------------------------------------------------------

    def _call(self, function: Callable[..., Any], argument: Any, context: str, *more: Any) -> bool:
        try:
            function(argument, *more)
        except Exception as error:
            self.algorithm._set_runtime_error(error, context)
            return False
        return True

    @staticmethod
    def _follow_trades(trade_builder: Any, updates: Iterable[Any]) -> None:
        """Tell the builder of trades the new prices of open ones."""
        positions = trade_builder._positions
        # builders of other kinds are always told
        always = type(trade_builder) is not TradeBuilder
        for config, _ in updates:
            security = config._security
            if always:
                trade_builder.set_market_price(security.symbol, security.cache._price)
                continue
            position = positions.get(security.symbol)
            if position is not None:
                cache = security.cache
                if cache._pending_trade is not None or cache._pending_quote is not None:
                    cache._settle()
                price = cache._p
                if price is not position.last:
                    position.follow(price)

    def _consolidate(self, updates: list[Any]) -> None:
        """Send the data of this moment to the consolidators of its subscriptions."""
        if len(updates) == 1:
            ((config, point),) = updates
            local = None
            for consolidator in tuple(config.consolidators):
                consolidator.update(point)
                if type(consolidator).scan is not _NO_SCAN:
                    if local is None:
                        local = self.algorithm._clock.local(config.exchange_time_zone)
                    consolidator.scan(local)
            return
        count, served = len(updates), None
        for position, (config, point) in enumerate(updates, 1):
            if config.consolidators and config is not served:
                served = config
                more: list[Any] = []
                if position < count and updates[position][0] is config:
                    # all points of a subscription go in before the one scan
                    more = [p for other, p in updates[position:] if other is config]
                local = None
                for consolidator in tuple(config.consolidators):
                    consolidator.update(point)
                    for further in more:
                        consolidator.update(further)
                    if type(consolidator).scan is not _NO_SCAN:
                        if local is None:
                            local = self.algorithm._clock.local(config.exchange_time_zone)
                        consolidator.scan(local)

    def _corporate_handlers(self, data: Any, current: Slice) -> bool:
        algorithm = self.algorithm
        if data.splits and not self._call(algorithm.on_splits, current.splits, "OnSplits"):
            return False
        if data.dividends and not self._call(
            algorithm.on_dividends, current.dividends, "OnDividends"
        ):
            return False
        return not data.delistings or self._call(
            algorithm.on_delistings, current.delistings, "OnDelistings"
        )

    def _check_warmup_finished(self) -> None:
        algorithm = self.algorithm
        if self.was_warming_up and not algorithm.is_warming_up:
            self.was_warming_up = False
            self.engine.results.on_warmup_finished()
            algorithm.on_warmup_finished()
            algorithm.debug("Algorithm finished warming up.")

    def _hourly_scan(self, utc: datetime) -> None:
        algorithm = self.algorithm
        if self._has_hourly():
            for security in list(algorithm.securities.values()):
                if security.margin_interest_rate_model is not _NO_INTEREST:
                    security._apply_margin_interest(utc)
                if type(security.settlement_model) is not ImmediateSettlementModel:
                    security._scan_settlement(algorithm.portfolio, utc)
        self.next_hourly_scan = next_hour(utc)

    def _has_hourly(self) -> bool:
        """Tell whether a security pays interest or has cash to settle at full hours."""
        for security in self.algorithm.securities.values():
            if (
                security.margin_interest_rate_model is not _NO_INTEREST
                or type(security.settlement_model) is not ImmediateSettlementModel
            ):
                return True
        return False

    def _symbol_changes(self, current: Slice) -> bool:
        events = current.symbol_changed_events
        if not self._call(self.algorithm.on_symbol_changed_events, events, "OnSymbolChangedEvents"):
            return False
        for symbol in list(events.keys()):
            for ticket in self.algorithm.transactions.get_open_order_tickets(symbol):
                ticket.cancel("Open order cancelled on symbol changed event")
        return True

    def _check_margin(self, utc: datetime) -> bool:
        self.next_margin_call = utc + MARGIN_CALL_EVERY
        portfolio = self.algorithm.portfolio
        if type(portfolio.margin_call_model) is DefaultMarginCallModel:
            # as the model does: most often nothing is held, or little
            invested = portfolio._invested_now
            if invested is not None and (not invested or portfolio.positions._is_margin_far()):
                return True
        return self._margin_call()

    def _margin_call(self) -> bool:
        algorithm = self.algorithm
        model = algorithm.portfolio.margin_call_model
        orders, warn = model._get_margin_call_orders()
        executed = 0
        if orders:
            try:
                securities = algorithm.securities
                if all(securities[order.symbol].exchange.exchange_open for order in orders):
                    changed = algorithm.on_margin_call(orders)
                    orders = orders if changed is None else list(changed)
                    tickets = model.execute_margin_call(orders)
                    executed = len(tickets)
                    for ticket in tickets:
                        algorithm.error(
                            f"{algorithm.time:%m/%d/%Y %H:%M:%S} - Executed MarginCallOrder: "
                            f"{ticket.symbol} - Quantity: {plain(ticket._quantity)} "
                            f"@ {plain(ticket._average_fill_price)}"
                        )
            except Exception as error:
                algorithm._set_runtime_error(error, "OnMarginCall")
                return False
        if not executed and warn:
            try:
                algorithm.on_margin_call_warning()
            except Exception as error:
                algorithm._set_runtime_error(error, "OnMarginCallWarning")
                return False
        return True

    def _securities_changed(self, changes: Any) -> bool:
        algorithm = self.algorithm
        shown = changes._for_user()
        try:
            algorithm.on_securities_changed(shown)
            algorithm._on_framework_securities_changed(shown)
        except Exception as error:
            algorithm._set_runtime_error(error, "OnSecuritiesChanged")
            return False
        return True

    def _mode(self, symbol: Symbol) -> DataNormalizationMode:
        return self.algorithm.subscription_manager._normalization_mode(symbol)

    def _dividends(self, current: Slice) -> bool:
        algorithm = self.algorithm
        try:
            for dividend in current.dividends.values():
                if not algorithm.is_warming_up:
                    algorithm.portfolio.apply_dividend(dividend, False, self._mode(dividend.symbol))
        except Exception as error:
            algorithm._set_runtime_error(error, "Dividend event")
            return False
        return True

    def _splits(self, current: Slice) -> bool:
        algorithm = self.algorithm
        try:
            for split in current.splits.values():
                if split.type is not SplitType.SPLIT_OCCURRED or algorithm.is_warming_up:
                    continue
                mode = self._mode(split.symbol)
                security = algorithm.securities.get(split.symbol)
                algorithm.portfolio.apply_split(split, security, False, mode)
                algorithm.trade_builder.apply_split(split, False, mode)
                if mode is DataNormalizationMode.RAW:
                    tickets = algorithm.transactions.get_open_order_tickets(split.symbol)
                    algorithm.brokerage_model.apply_split(list(tickets), split)
        except Exception as error:
            algorithm._set_runtime_error(error, "Split event")
            return False
        return True
