"""Feeds and history calls over LEAN's sample data, without an algorithm."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from engine.algorithm.history import HistoryMixin
from engine.consolidators.subscriptions import SubscriptionManager
from engine.data.feed import Feed
from engine.data.hours import MarketHoursDatabase
from engine.data.maps import AuxiliaryFiles
from engine.data.sessions import midnight
from engine.types.bars import QuoteBar, TradeBar
from engine.types.enums import DataNormalizationMode, Resolution, SecurityType, TickType
from engine.types.subscription import SubscriptionDataConfig
from engine.types.symbol import Symbol, SymbolCache
from engine.types.timekeeper import TimeKeeper
from engine.types.timezones import TimeZones, from_utc, to_utc

ROOT = Path(__file__).resolve().parents[3]
DATA = Path(os.environ.get("LEAN_DATA", ROOT.parent / "shared" / "lean-data"))


@lru_cache(maxsize=1)
def hours() -> MarketHoursDatabase:
    return MarketHoursDatabase._from_data_folder(DATA)


@lru_cache(maxsize=1)
def files() -> AuxiliaryFiles:
    found = AuxiliaryFiles(DATA)
    return found


def config(
    ticker: str,
    resolution: Resolution,
    market: str = "usa",
    security_type: SecurityType = SecurityType.EQUITY,
    kind: type = TradeBar,
    **options: Any,
) -> SubscriptionDataConfig:
    files().install()
    symbol = Symbol.create(ticker, security_type, market)
    entry = hours().get_entry(market, symbol, security_type)
    tick = TickType.QUOTE if kind is QuoteBar else TickType.TRADE
    made = SubscriptionDataConfig(
        kind,
        symbol,
        resolution,
        entry.data_time_zone,
        entry.exchange_hours.time_zone,
        tick_type=tick,
        **options,
    )
    made._security = SimpleNamespace(
        symbol=symbol, exchange=SimpleNamespace(hours=entry.exchange_hours)
    )
    return made


def feed(
    start: datetime,
    end: datetime,
    warm: datetime | None = None,
    warm_resolution: Resolution | None = None,
    zone: Any = TimeZones.NEW_YORK,
) -> Feed:
    """Return a feed of whole days, local to ``zone``."""
    first = to_utc(start, zone)
    last = to_utc(end + timedelta(days=1) - timedelta(microseconds=1), zone)
    begin = first if warm is None else to_utc(warm, zone)
    return Feed(DATA, files(), begin, last, None if warm is None else first, warm_resolution)


def add_equity(made: Feed, tickers: str, resolution: Resolution, **options: Any) -> None:
    for ticker in tickers.split():
        made.add(config(ticker, resolution, **options))
        if resolution in (Resolution.MINUTE, Resolution.SECOND):
            made.add(config(ticker, resolution, kind=QuoteBar, **options))


def add_benchmark(made: Feed, ticker: str = "SPY") -> None:
    """Add hourly bars from the session before the start on, as LEAN does for its benchmark."""
    internal = config(ticker, Resolution.HOUR, is_internal_feed=True, fill_forward=False)
    exchange = internal._security.exchange.hours
    day = exchange.get_previous_trading_day(midnight(from_utc(made.start, exchange.time_zone)))
    made.add(internal, to_utc(day, exchange.time_zone))


def slices(made: Feed) -> list[Any]:
    found = []
    while (one := made.next()) is not None:
        found.append(one)
    return found


def points(made: Feed) -> list[tuple[datetime, Any]]:
    return [(one.utc, point) for one in slices(made) for point in one.points]


class Historian(HistoryMixin):
    """The history part of an algorithm at a moment in New York."""

    def __init__(self, now: datetime) -> None:
        files().install()
        SymbolCache.clear()
        self.time_zone = TimeZones.NEW_YORK
        self._clock = TimeKeeper(to_utc(now, self.time_zone))
        self._engine = SimpleNamespace(data_folder=DATA, maps=files(), hours=hours())
        self.settings = SimpleNamespace(daily_precise_end_time=True, warmup_resolution=None)
        self.universe_settings = SimpleNamespace(
            extended_market_hours=False,
            data_normalization_mode=DataNormalizationMode.ADJUSTED,
            fill_forward=True,
            resolution=Resolution.MINUTE,
        )
        self.subscription_manager = SubscriptionManager(self)
        self.securities: dict[Any, Any] = {}
        self.universe_manager: dict[Any, Any] = {}
        self.messages: list[str] = []
        self.debug = self.error = self.messages.append
        self._init_history()

    @property
    def _utc(self) -> datetime:  # type: ignore[override]
        return self._clock.utc

    @property
    def time(self) -> datetime:  # type: ignore[override]
        return self._clock.local(self.time_zone)

    def add_equity(self, ticker: str, resolution: Resolution) -> Symbol:
        trade = config(ticker, resolution)
        self.subscription_manager._add(trade)
        if resolution == Resolution.MINUTE:
            self.subscription_manager._add(config(ticker, resolution, kind=QuoteBar))
        SymbolCache.set(ticker, trade.symbol)
        self.securities[trade.symbol] = trade._security
        return trade.symbol
