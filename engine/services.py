"""Wires the parts of a run together: what LEAN's set-up handler and engine do around
``initialize``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from engine.algorithm.handlers import HandlersMixin
from engine.data.readers import file_path
from engine.scheduling.events import ScheduledEvent
from engine.types.bars import QuoteBar, TradeBar
from engine.types.enums import (
    AccountType,
    AlgorithmStatus,
    BrokerageName,
    DelistingType,
    Resolution,
    SecurityType,
    TickType,
)
from engine.types.errors import ArgumentException, EngineUnsupported
from engine.types.subscription import SubscriptionDataConfig
from engine.types.symbol import Symbol
from engine.types.timezones import from_utc, to_utc

_DAY = timedelta(days=1)
#: brokerages of coins: their statistics count 365 days a year
_EVERY_DAY = ("Coinbase", "Binance", "Bitfinex", "Bybit", "FTX", "Kraken")


def build(engine: Any, algorithm: Any) -> None:
    """Make the managers of an algorithm; called before its ``__init__``."""
    from engine.consolidators.subscriptions import SubscriptionManager
    from engine.orders.manager import SecurityTransactionManager
    from engine.orders.properties import OrderProperties
    from engine.results.handler import ResultHandler
    from engine.securities.manager import SecurityManager
    from engine.securities.portfolio import SecurityPortfolioManager
    from engine.securities.service import SecurityService
    from engine.statistics.trade_builder import TradeBuilder

    algorithm.default_order_properties = OrderProperties()
    algorithm.subscription_manager = SubscriptionManager(algorithm)
    algorithm.securities = SecurityManager(algorithm._clock)
    algorithm.transactions = SecurityTransactionManager(algorithm, algorithm.securities)
    algorithm.portfolio = SecurityPortfolioManager(
        algorithm.securities,
        algorithm.transactions,
        algorithm.settings,
        algorithm.default_order_properties,
    )
    algorithm.securities.set_security_service(
        SecurityService(
            algorithm.portfolio.cash_book,
            engine.hours,
            engine.properties,
            lambda: algorithm.security_initializer,
            algorithm.securities,
            algorithm._clock,
        )
    )
    algorithm.trade_builder = TradeBuilder()
    engine.results = ResultHandler(algorithm, engine)
    engine.transactions = engine.transaction_handler(algorithm)
    algorithm.transactions._set_order_processor(engine.transactions)


def default_brokerage_model(algorithm: Any) -> Any:
    """Return the model that an algorithm has before it sets one."""
    from engine.securities.brokerages import create_brokerage_model

    return create_brokerage_model(algorithm.transactions, BrokerageName.DEFAULT, AccountType.MARGIN)


def set_trading_days(algorithm: Any) -> None:
    """Set the days of a year in the statistics from the brokerage, unless the user did."""
    if algorithm.settings.trading_days_per_year is None:
        names = [kind.__name__ for kind in type(algorithm.brokerage_model).__mro__]
        every_day = any(name.startswith(_EVERY_DAY) for name in names)
        algorithm.settings.trading_days_per_year = 365 if every_day else 252


def post_initialize(engine: Any, algorithm: Any) -> None:
    """Do what follows ``initialize``: framework, benchmark, the start of the warm-up."""
    if algorithm.end_date < algorithm.start_date:
        raise ArgumentException(
            "Please select an algorithm end date greater than start date: "
            f"start {algorithm.start_date:%Y-%m-%d}, end {algorithm.end_date:%Y-%m-%d}"
        )
    algorithm._framework_post_initialize()
    if algorithm.benchmark is None:
        from engine.securities.benchmarks import wrap_benchmark

        found = algorithm.brokerage_model.get_benchmark(algorithm.securities)
        algorithm.benchmark = wrap_benchmark(found)
    warn_about_benchmark_zone(engine, algorithm)
    start = algorithm._warmup_start_utc()
    if start is not None:
        algorithm._set_utc(start)
    else:
        algorithm._set_finished_warming_up()


def warn_about_benchmark_zone(engine: Any, algorithm: Any) -> None:
    """Log LEAN's warning about daily statistics against a benchmark of another zone."""
    symbol = benchmark_symbol(algorithm)
    if symbol is None:
        return
    daily = algorithm.universe_settings.resolution == Resolution.DAILY or any(
        config.resolution == Resolution.DAILY
        for config in algorithm.subscription_manager.subscriptions
    )
    zone = engine.hours.get_entry(symbol.id.market, symbol, symbol.security_type).data_time_zone
    if daily and zone.key != algorithm.time_zone.key:
        algorithm.log(
            "QCAlgorithm.PostInitialize(): Warning: Using a security benchmark of a different "
            f"timezone ({zone}) than the algorithm TimeZone ({algorithm.time_zone}) may lead to "
            "skewed and incorrect statistics. Use a higher resolution than daily to minimize."
        )


def benchmark_symbol(algorithm: Any) -> Symbol | None:
    """Return the symbol of a benchmark that is a security."""
    security = getattr(algorithm.benchmark, "security", None)
    return None if security is None else security.symbol


class InternalFeeds:
    """Subscriptions that the engine needs and the user did not ask for: benchmark and exchange
    rates.
    """

    def __init__(self, engine: Any, algorithm: Any) -> None:
        self.engine, self.algorithm = engine, algorithm
        self._benchmark_done = False
        self._pending: list[SubscriptionDataConfig] = []

    def settle(self, utc: datetime) -> bool:
        """Add what is missing; True when something was added."""
        added = False
        if not self._benchmark_done:
            self._benchmark_done = True
            added = self._add_benchmark(utc)
        pending, self._pending = self._pending, []
        for config in pending:
            added = self.engine.feed.add(config, utc) or added
        return added

    def _config(
        self, security: Any, resolution: Resolution, kind: type, tick: TickType, fill: bool
    ) -> SubscriptionDataConfig:
        symbol = security.symbol
        hours = self.engine.hours
        entry = hours.get_entry(symbol.id.market, symbol, symbol.security_type)
        config = SubscriptionDataConfig(
            kind,
            symbol,
            resolution,
            entry.data_time_zone,
            entry.exchange_hours.time_zone,
            fill_forward=fill,
            is_internal_feed=True,
            tick_type=tick,
            daily_precise_end_time=self.algorithm.settings.daily_precise_end_time,
        )
        return config

    def _add_benchmark(self, utc: datetime) -> bool:
        security = getattr(self.algorithm.benchmark, "security", None)
        if security is None:
            return False
        quotes = security.symbol.security_type in (SecurityType.FOREX, SecurityType.CFD)
        kind, tick = (QuoteBar, TickType.QUOTE) if quotes else (TradeBar, TickType.TRADE)
        config = self._config(security, Resolution.HOUR, kind, tick, False)
        if security.symbol.security_type == SecurityType.BASE:
            known = self.algorithm.subscription_manager._of(security.symbol)
            if known:
                config = self._config(security, known[0].resolution, known[0]._type, tick, False)
                config.is_custom_data = True
        config._security = security
        security._set_keeper(self.algorithm._clock)
        self.algorithm.subscription_manager._add(config)
        return bool(self.engine.feed.add(config, self._day_before(config, security, utc)))

    def _day_before(self, config: Any, security: Any, utc: datetime) -> datetime:
        """Return the start of the last full session before a time, so that the price is never 0."""
        from engine.data.stream import use_strict_times
        from engine.data.times import start_for_bars

        hours = security.exchange.hours
        local = from_utc(utc, hours.time_zone)
        start = start_for_bars(
            hours,
            local,
            _DAY,
            1,
            False,
            config.data_time_zone,
            strict=use_strict_times(
                self.algorithm.settings.daily_precise_end_time,
                security.symbol,
                Resolution.DAILY,
                hours,
            ),
        )
        return to_utc(start, hours.time_zone)

    def on_added(self, added: Any) -> None:
        """Give currencies that came with new securities a rate, and its last price at once."""
        fresh = any(
            cash._currency_conversion.destination_currency is None
            for cash in self.algorithm.portfolio.cash_book.values()
        )
        self.ensure_currencies(tuple(added))
        if fresh:
            seed_currencies(self.algorithm)

    def ensure_currencies(self, added: tuple[Any, ...] = ()) -> list[Any]:
        """Give every currency of the cash book a rate; return the securities made for that."""
        algorithm = self.algorithm
        book = algorithm.portfolio.cash_book

        def make(symbol: Symbol) -> Any:
            subscribed = [c.resolution for c in algorithm.subscription_manager.subscriptions]
            resolution = min(subscribed, default=Resolution.MINUTE)
            # the first of its kinds of data: trades of a coin, quotes of a pair
            known = algorithm.subscription_manager.get_data_types_for_security(symbol.security_type)
            tick = known[0]
            kind = QuoteBar if tick == TickType.QUOTE else TradeBar
            security = algorithm.securities.create_security(symbol, [], 0, False)
            config = self._config(security, resolution, kind, tick, True)
            security._add_data(config)
            algorithm.subscription_manager._add(config)
            self._pending.append(config)
            security.is_tradable = False
            algorithm.securities.add(security)
            return security

        made = book._ensure_currency_data_feeds(
            algorithm.securities,
            self.engine.properties,
            algorithm.brokerage_model.default_markets,
            make,
            added,
        )
        return list(made)


def start(engine: Any, algorithm: Any) -> None:
    """Make the feed and the clockwork once the algorithm is set up."""
    from engine.data.feed import Feed
    from engine.step import Stepper
    from engine.universes.selection import UniverseSelection

    internal = engine.internal_feeds = InternalFeeds(engine, algorithm)
    end = to_utc(algorithm.end_date, algorithm.time_zone)
    warmup_end = None
    if algorithm.is_warming_up:
        warmup_end = to_utc(algorithm.start_date, algorithm.time_zone)
    feed = engine.feed = Feed(
        engine.data_folder,
        engine.maps,
        algorithm._utc,
        end,
        warmup_end,
        algorithm.settings.warmup_resolution,
        engine.files,
    )
    selection = engine.selection = UniverseSelection(algorithm, feed)
    selection.on_added = internal.on_added
    feed.selector = selection.select
    feed.settle = internal.settle
    internal.ensure_currencies()
    seed_currencies(algorithm)
    engine.results.begin(algorithm.portfolio._cash)
    algorithm.set_locked()
    engine.schedule = algorithm.schedule._handler
    engine.schedule.setup()
    algorithm.schedule.on(
        "Daily Sampling",
        algorithm.date_rules.every_day(),
        algorithm.time_rules.midnight,
        lambda: engine.results.sample(algorithm._utc),
    )
    algorithm.universe_manager.collection_changed += selection.on_universe_changed
    algorithm._apply_pending_universes()
    engine.stepper = Stepper(engine)


def seed_currencies(algorithm: Any) -> None:
    """Give currencies without a rate the last prices before the start; a rate given stays."""
    book = algorithm.portfolio.cash_book
    without = [cash for cash in book.values() if not cash._conversion_rate]
    wanted = []
    for cash in without:
        for security in cash._currency_conversion.conversion_rate_securities:
            if not security._price and security not in wanted:
                wanted.append(security)
    if wanted:
        prices = algorithm.get_last_known_prices(wanted)
        for security in wanted:
            for point in prices.get(security.symbol) or ():
                security.set_market_price(point)
    for cash in without:
        cash.update()


def begin_stream(engine: Any, algorithm: Any) -> None:
    """Tell that the warm-up begins, or that there is none."""
    if algorithm.is_warming_up:
        algorithm.debug("Algorithm starting warm up...")
    else:
        algorithm.on_warmup_finished()


def end_of_algorithm(engine: Any, algorithm: Any) -> None:
    """Call the last callback and take the last samples."""
    results = engine.results
    try:
        algorithm.on_end_of_algorithm()
    except Exception as error:
        algorithm._set_runtime_error(error, "OnEndOfAlgorithm")
        return
    results.on_step(algorithm._utc, True)
    if algorithm.status is AlgorithmStatus.STOPPED:
        results.log_message("Algorithm Stopped")
    results.sample(algorithm._utc)
    for note in engine.feed.closing_notes():
        results.add_system_debug(note)


def handle_delistings(engine: Any, data: Any) -> None:
    """Take securities that are delisted at this moment out of the algorithm."""
    for config, delisting in data.delistings:
        if delisting.type is DelistingType.DELISTED:
            changes = engine.selection.handle_delisting(config.symbol, config.is_internal_feed)
            if changes is not None:
                known = data.security_changes
                data.security_changes = changes if known is None else known + changes


def securities_without_data(engine: Any, algorithm: Any) -> Iterator[str]:
    """Yield a sentence for each security that never had a price because there is no file of it."""
    for security in algorithm.securities.values():
        for config in security.subscriptions:
            if security.has_data or config.is_custom_data or config.is_internal_feed:
                continue
            try:
                path = file_path(
                    engine.data_folder,
                    security.type,
                    security.symbol.id.market,
                    config.mapped_symbol or security.symbol.value,
                    config.resolution,
                    config.tick_type,
                    algorithm.start_date,
                )
            except EngineUnsupported:
                continue
            daily = config.resolution in (Resolution.DAILY, Resolution.HOUR)
            where = path if daily else path.parent
            if not where.exists():
                yield (
                    f"expected data of {security.symbol.value} in {where}, was nothing; it had no "
                    "price in this run"
                )
                break


class EndOfDay:
    """Schedules ``on_end_of_day(symbol)`` ten minutes before the close of every security.

    The old form without an argument comes once a day, two minutes before midnight.
    """

    _BEFORE_CLOSE = timedelta(minutes=10)
    _BEFORE_MIDNIGHT = timedelta(minutes=2)

    def __init__(self, algorithm: Any) -> None:
        self.algorithm = algorithm
        self._events: dict[Symbol, ScheduledEvent] = {}
        self._daily: ScheduledEvent | None = None
        handler = getattr(type(algorithm), "on_end_of_day", None)
        wanted = handler is not None and handler is not HandlersMixin.on_end_of_day
        count = code.co_argcount if (code := getattr(handler, "__code__", None)) else 2
        self.by_symbol = wanted and count == 2
        self.by_day = wanted and count == 1
        self._schedule_day(algorithm.time)

    def on_securities_changed(self, changes: Any) -> None:
        """Follow securities that come and go."""
        algorithm = self.algorithm
        if self.by_day:
            self._schedule_day(algorithm._utc)
        if not self.by_symbol:
            return
        shown = changes._for_engine()
        for security in shown.added_securities:
            event = ScheduledEvent(
                f"{security.symbol}.EndOfDay", self._times(security), self._call(security.symbol)
            )
            self._events[security.symbol] = event
            algorithm.schedule.add(event)
        for security in shown.removed_securities:
            gone = self._events.pop(security.symbol, None)
            if gone is not None:
                algorithm.schedule.remove(gone)

    def _schedule_day(self, start: datetime) -> None:
        if not self.by_day:
            return
        algorithm = self.algorithm
        if self._daily is not None:
            algorithm.schedule.remove(self._daily)
        algorithm.debug(
            "Usage of QCAlgorithm.OnEndOfDay() without a symbol will be deprecated August 2021. "
            "Always use a symbol when overriding this method: OnEndOfDay(symbol)"
        )
        times = self._days(start, algorithm._utc)
        self._daily = ScheduledEvent("Algorithm.EndOfDay", times, algorithm.on_end_of_day)
        algorithm.schedule.add(self._daily)

    def _days(self, start: datetime, now: datetime) -> Iterator[datetime]:
        algorithm = self.algorithm
        day = start.replace(hour=0, minute=0, second=0, microsecond=0)
        while day <= algorithm.end_date:
            securities = algorithm.securities.values()
            if any(security.exchange.hours.is_date_open(day, False) for security in securities):
                utc = to_utc(day + _DAY - self._BEFORE_MIDNIGHT, algorithm.time_zone)
                if utc > now:
                    yield utc
            day += _DAY

    def _call(self, symbol: Symbol) -> Callable[[], None]:
        return lambda: self.algorithm.on_end_of_day(symbol)

    def _times(self, security: Any) -> Iterator[datetime]:
        hours = security.exchange.hours
        start = self.algorithm._utc
        day = start.replace(hour=0, minute=0, second=0, microsecond=0)
        while day <= self.algorithm.end_date:
            if hours.is_date_open(day, False):
                if hours.is_market_always_open:
                    local = day + _DAY
                else:
                    # asked anew every day: the security may be given extended hours later
                    extended = security.is_extended_market_hours
                    local = hours.get_last_daily_market_close(day, extended) - self._BEFORE_CLOSE
                utc = to_utc(local, hours.time_zone)
                if utc > start:
                    yield utc
            day += _DAY
