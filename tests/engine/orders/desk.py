"""A trading desk for tests: real data, securities, account and orders, and a step with only the
order parts of it.

Scenes are recorded algorithms; their handlers run unchanged on the desk, so every event can be
compared with LEAN's.
"""

from __future__ import annotations

import importlib.util
import sys
import types
from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any

import golden

import engine.types.enums as enums
from engine.algorithm.settings import AlgorithmSettings
from engine.algorithm.trading import TradingMixin
from engine.data.feed import Feed
from engine.data.hours import MarketHoursDatabase
from engine.data.maps import AuxiliaryFiles
from engine.data.properties import SymbolPropertiesDatabase
from engine.framework.targets import PortfolioTarget
from engine.orders.handler import TransactionHandler
from engine.orders.manager import SecurityTransactionManager
from engine.orders.properties import InteractiveBrokersOrderProperties, OrderProperties
from engine.orders.requests import UpdateOrderFields
from engine.orders.time_in_force import TimeInForce
from engine.securities.brokerages import create_brokerage_model
from engine.securities.initializers import BrokerageModelSecurityInitializer
from engine.securities.manager import SecurityManager
from engine.securities.portfolio import SecurityPortfolioManager
from engine.securities.service import SecurityService
from engine.statistics.trade_builder import TradeBuilder
from engine.types.bars import QuoteBar, TradeBar
from engine.types.enums import (
    AccountType,
    BrokerageName,
    DataNormalizationMode,
    Resolution,
    SecurityType,
    TickType,
)
from engine.types.slice import Slice
from engine.types.subscription import SubscriptionDataConfig
from engine.types.symbol import Symbol, SymbolCache, set_equity_resolver
from engine.types.timekeeper import TimeKeeper
from engine.types.timezones import TimeZones, aware, from_utc, to_utc

DATA = golden.DATA


class Lines:
    """Stands for the result handler: keeps what it is told."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.errors: list[str] = []
        self.debug: list[str] = []

    def on_order_event(self, event: Any) -> None:
        """Events are read from the handler."""

    def add_system_debug(self, text: str) -> None:
        raise AssertionError(text)


class _Quiet:
    """An execution model that hears order events and does nothing."""

    def on_order_event(self, algorithm: Any, event: Any) -> None:
        """Do nothing."""


class Desk(TradingMixin):
    """An algorithm without data callbacks of its own: scenes put theirs on it."""

    live_mode = False
    is_warming_up = False
    _locked = False

    def __init__(self, first: datetime, cash: int = 100_000) -> None:
        SymbolCache.clear()
        self.time_zone = TimeZones.NEW_YORK
        self.keeper = TimeKeeper(to_utc(first, self.time_zone))
        self._engine = types.SimpleNamespace(results=Lines())
        maps = AuxiliaryFiles(DATA)
        maps.install()
        self.auxiliary = maps
        self.settings = AlgorithmSettings()
        self.brokerage_model: Any = create_brokerage_model(
            None, BrokerageName.DEFAULT, AccountType.MARGIN
        )
        self.securities = SecurityManager(self.keeper)
        self.transactions = SecurityTransactionManager(self)
        self.handler = TransactionHandler(self)
        self.transactions._set_order_processor(self.handler)
        self.portfolio = SecurityPortfolioManager(self.securities, self.transactions, self.settings)
        self.portfolio.set_cash(cash)
        self.service = SecurityService(
            self.portfolio.cash_book,
            MarketHoursDatabase._from_data_folder(DATA),
            SymbolPropertiesDatabase._from_data_folder(DATA),
            lambda: BrokerageModelSecurityInitializer(self.brokerage_model),
            self.securities,
            self.keeper,
        )
        self.trade_builder = TradeBuilder()
        self.execution = _Quiet()
        self.current_slice = Slice(first, [])
        self.failure: BaseException | None = None
        self.configs: list[SubscriptionDataConfig] = []
        self.plans: list[tuple[time, Callable[[], None]]] = []
        self._init_trading()

    # -- what the engine gives an algorithm ----------------------------------------------------

    @property
    def _utc(self) -> datetime:
        return self.keeper.utc

    @property
    def time(self) -> datetime:
        return from_utc(self.keeper.utc, self.time_zone)

    @property
    def utc_time(self) -> datetime:
        return aware(self.keeper.utc)

    def _stamp(self, text: str) -> str:
        return f"{self.time:%Y-%m-%d %H:%M:%S} {text}"

    def log(self, text: str) -> None:
        self._engine.results.log.append(self._stamp(text))

    def debug(self, text: str) -> None:
        self._engine.results.debug.append(self._stamp(text))

    def error(self, text: str) -> None:
        self._engine.results.errors.append(self._stamp(text))

    def _set_runtime_error(self, error: BaseException, context: str) -> None:
        raise error

    def on_order_event(self, event: Any) -> None:
        """Scenes may replace it."""

    def on_data(self, data: Any) -> None:
        """Scenes may replace it."""

    # -- set-up and run ------------------------------------------------------------------------

    def add(
        self,
        ticker: str,
        resolution: Resolution = Resolution.MINUTE,
        mode: DataNormalizationMode = DataNormalizationMode.ADJUSTED,
        extended: bool = False,
    ) -> Any:
        """Add a share with the subscriptions LEAN gives it."""
        symbol = Symbol.create(ticker, SecurityType.EQUITY, "usa")
        kinds: list[tuple[type, TickType]] = [(TradeBar, TickType.TRADE)]
        if resolution < Resolution.HOUR:
            kinds.append((QuoteBar, TickType.QUOTE))
        zone = TimeZones.NEW_YORK
        made = [
            SubscriptionDataConfig(
                kind, symbol, resolution, zone, zone, extended_hours=extended,
                tick_type=tick, data_normalization_mode=mode,
            )
            for kind, tick in kinds
        ]  # fmt: skip
        security = self.service.create_security(symbol, made)
        self.securities.add(security)
        for config in made:
            config._security = security
        self.configs += made
        return security

    def run(self, last: datetime) -> None:
        """Step through the data until the end of a day.

        A step has the order parts of a time step in LEAN's order.
        """
        end = to_utc(last + timedelta(days=1), self.time_zone) - timedelta(microseconds=1)
        feed = Feed(DATA, self.auxiliary, self.keeper.utc, end)
        for config in self.configs:
            feed.add(config)
        while (step := feed.next()) is not None:
            self.keeper.utc = step.utc
            if step.is_time_pulse:
                continue
            self.current_slice = Slice(self.time, step.points, step.utc)
            for config, point in step.updates:
                config._security.set_market_price(point)
            self.portfolio._invalidate()
            self.handler.process_synchronous_events()
            for moment, plan in self.plans:
                if self.time.time() == moment:
                    plan()
            if step.points:
                self.on_data(self.current_slice)
            self.handler.process_synchronous_events()
        set_equity_resolver(None)


def scene(name: str) -> type:
    """Load the algorithm class of a recorded run, deriving from :class:`Desk`."""
    module = types.ModuleType("AlgorithmImports")
    names = {k: v for k, v in vars(enums).items() if not k.startswith("_")}
    vars(module).update(names)
    vars(module).update(
        QCAlgorithm=Desk,
        PortfolioTarget=PortfolioTarget,
        OrderProperties=OrderProperties,
        InteractiveBrokersOrderProperties=InteractiveBrokersOrderProperties,
        TimeInForce=TimeInForce,
        UpdateOrderFields=UpdateOrderFields,
        datetime=datetime,
        timedelta=timedelta,
    )
    before = sys.modules.get("AlgorithmImports")
    sys.modules["AlgorithmImports"] = module
    try:
        spec = importlib.util.spec_from_file_location("scene_" + name, golden.path(f"{name}.py"))
        assert spec is not None
        assert spec.loader is not None
        loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)
    finally:
        if before is None:
            del sys.modules["AlgorithmImports"]
        else:
            sys.modules["AlgorithmImports"] = before
    found = [v for v in vars(loaded).values() if isinstance(v, type) and issubclass(v, Desk)]
    return next(v for v in found if v is not Desk)
