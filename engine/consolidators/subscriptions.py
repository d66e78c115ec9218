"""The subscription manager: configurations, their consolidators and the clock that closes bars
without data.
"""

from __future__ import annotations

import heapq
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from engine.consolidators.base import listen, unlisten
from engine.types.bars import BaseData, QuoteBar, Tick, TradeBar
from engine.types.dotnet import LeanObject
from engine.types.enums import DataNormalizationMode, SecurityType, TickType
from engine.types.errors import ArgumentException
from engine.types.subscription import SubscriptionDataConfig
from engine.types.symbol import Symbol, SymbolCache
from engine.types.timezones import to_utc

_SECOND = timedelta(seconds=1)
_TRADE, _QUOTE, _OPEN_INTEREST = TickType.TRADE, TickType.QUOTE, TickType.OPEN_INTEREST
_DERIVATIVE = [_QUOTE, _TRADE, _OPEN_INTEREST]
_DATA_TYPES = {
    SecurityType.BASE: [_TRADE],
    SecurityType.INDEX: [_TRADE],
    SecurityType.FOREX: [_QUOTE],
    SecurityType.EQUITY: [_TRADE, _QUOTE],
    SecurityType.OPTION: _DERIVATIVE,
    SecurityType.FUTURE_OPTION: _DERIVATIVE,
    SecurityType.INDEX_OPTION: _DERIVATIVE,
    SecurityType.CFD: [_QUOTE],
    SecurityType.FUTURE: _DERIVATIVE,
    SecurityType.COMMODITY: [_TRADE],
    SecurityType.CRYPTO: [_TRADE, _QUOTE],
    SecurityType.CRYPTO_FUTURE: [_TRADE, _QUOTE],
}


class _Scan:
    """When a consolidator is looked at next although no data came."""

    __slots__ = ("clock", "consolidator", "disposed", "number", "span", "step", "utc", "zone")

    def __init__(
        self, number: int, consolidator: Any, increment: timedelta, zone: ZoneInfo, clock: Any
    ) -> None:
        self.number, self.consolidator = number, consolidator
        self.step = max(increment, _SECOND)
        self.zone, self.clock = zone, clock
        self.span: timedelta | None = None
        self.utc = datetime.min
        self.disposed = False
        listen(consolidator, self.on_bar)

    def on_bar(self, _sender: Any, bar: Any) -> None:
        if bar is None:
            self.advance()
            return
        end = bar.end_time
        if self.span is None:
            self.span = max(end - bar.time, self.step)
        self.utc = to_utc(end, self.zone) + self.span

    def advance(self) -> None:
        now: datetime = self.clock.utc
        if self.utc > now:
            return
        if self.span is not None:
            self.utc = now + self.span
            return
        end = _working_end(self.consolidator)
        due = None if end is None else to_utc(end, self.zone)
        self.utc = due if due is not None and due > now else now + self.step

    def skip_to(self, utc: datetime) -> None:
        """Move on as so many scans without effect would."""
        step = self.step if self.span is None else self.span
        behind = utc - self.utc
        if behind > timedelta(0):
            self.utc += -(-behind // step) * step

    def run(self) -> None:
        self.consolidator.scan(self.clock.local(self.zone))
        self.advance()

    def dispose(self) -> None:
        self.disposed = True
        unlisten(self.consolidator, self.on_bar)


def _working_end(consolidator: Any) -> datetime | None:
    own = getattr(consolidator, "_working_end", None)
    if own is not None:
        found: datetime | None = own()
        return found
    working = consolidator.working_data
    return None if working is None else working.end_time


def is_common_type(kind: type) -> bool:
    """Whether a type is one of LEAN's own data types."""
    return kind in (TradeBar, QuoteBar, Tick)


def common_tick_type(kind: type, security_type: SecurityType) -> TickType | None:
    """Return the tick type that a data type comes from."""
    if issubclass(kind, TradeBar):
        return TickType.TRADE
    if issubclass(kind, QuoteBar):
        return TickType.QUOTE
    if issubclass(kind, Tick):
        quotes = (SecurityType.FOREX, SecurityType.CFD, SecurityType.CRYPTO)
        return TickType.QUOTE if security_type in quotes else TickType.TRADE
    return TickType.TRADE


def as_symbol(value: Any) -> Symbol:
    """Return the symbol of a symbol, a ticker that the algorithm uses, or a security."""
    if type(value) is Symbol:
        return value
    if isinstance(value, str):
        return SymbolCache.get_symbol(value)
    found: Symbol = value.symbol
    return found


class _ConfigService(LeanObject):
    """``subscription_data_config_service``: the configurations by symbol."""

    __slots__ = ("_manager",)

    def __init__(self, manager: SubscriptionManager) -> None:
        self._manager = manager

    def get_subscription_data_configs(
        self, symbol: Any = None, include_internal_configs: bool = False
    ) -> list[SubscriptionDataConfig]:
        """Return the configurations of a symbol, or all."""
        if symbol is None:
            return self._manager.subscriptions
        return self._manager._of(symbol, include_internal_configs)


class SubscriptionManager(LeanObject):
    """Subscriptions of an algorithm in the order in which they were made, and their consolidators.

    The feed adds and removes configurations with ``_add`` and ``_remove``. ``_next_scan_utc`` is
    the earliest time at which :meth:`scan_past_consolidators` has something to do.
    """

    def __init__(self, algorithm: Any) -> None:
        self._algorithm = algorithm
        self._clock = algorithm._clock
        self._configs: dict[Any, list[SubscriptionDataConfig]] = {}
        self._scans: dict[Any, _Scan] = {}
        self._new: list[_Scan] = []
        self._queue: list[tuple[datetime, int, _Scan]] = []
        self._numbers = count(1)
        self._next_scan_utc = datetime.max

    # configurations

    def _add(self, config: SubscriptionDataConfig) -> SubscriptionDataConfig:
        known = self._configs.setdefault(config.symbol, [])
        if config not in known:
            known.append(config)
        return config

    def _remove(self, config: SubscriptionDataConfig) -> None:
        known = self._configs.get(config.symbol, [])
        if config in known:
            known.remove(config)
        if not known:
            self._configs.pop(config.symbol, None)

    def _of(self, symbol: Any, internal: bool = False) -> list[SubscriptionDataConfig]:
        found = self._configs.get(symbol, [])
        return [c for c in found if internal or not c.is_internal_feed]

    def _normalization_mode(self, symbol: Any) -> DataNormalizationMode:
        found = self._of(symbol, internal=True)
        return found[0].data_normalization_mode if found else DataNormalizationMode.ADJUSTED

    @property
    def subscriptions(self) -> list[SubscriptionDataConfig]:
        return [c for known in self._configs.values() for c in known if not c.is_internal_feed]

    @property
    def subscription_data_config_service(self) -> _ConfigService:
        return _ConfigService(self)

    @property
    def available_data_types(self) -> dict[SecurityType, list[TickType]]:
        return _DATA_TYPES

    def get_data_types_for_security(self, security_type: SecurityType) -> list[TickType]:
        return _DATA_TYPES[security_type]

    @property
    def count(self) -> int:
        return sum(len(known) for known in self._configs.values())

    # consolidators

    def add_consolidator(
        self, symbol: Any, consolidator: Any, tick_type: TickType | None = None
    ) -> None:
        """Feed a consolidator with the first subscription of the symbol that has its type.

        Raises
        ------
        ArgumentException
            Without a subscription of the symbol, or none of the type.
        """
        symbol = as_symbol(symbol)
        configs = self._of(symbol)
        if not configs:
            raise ArgumentException(
                "Please subscribe to this symbol before adding a consolidator for it. "
                f"Symbol: {symbol.value}"
            )
        asked = tick_type
        if consolidator.input_type is BaseData and tick_type is None:
            tick_type = _DATA_TYPES[symbol.security_type][0]
        for config in configs:
            if _fits(config, consolidator, tick_type):
                self._hang(config, consolidator)
                return
        if asked is not None and all(c.tick_type != asked for c in configs):
            available = ", ".join(c.tick_type.to_string() for c in configs)
            raise ArgumentException(
                f"No subscription with the requested Tick Type {asked.to_string()} was found. "
                f"Available Tick Types: {available}"
            )
        types = ",".join(c._type.__name__ for c in configs)
        raise ArgumentException(
            "Type mismatch found between consolidator and symbol. "
            f"Symbol: {symbol.value} does not support input type: "
            f"{consolidator.input_type.__name__}. Supported types: {types}."
        )

    def _hang(self, config: SubscriptionDataConfig, consolidator: Any) -> None:
        if consolidator not in config.consolidators:
            config.consolidators.append(consolidator)
        if not getattr(consolidator, "_scans", True):
            return
        zone = config.exchange_time_zone
        scan = _Scan(next(self._numbers), consolidator, config.increment, zone, self._clock)
        self._scans[id(consolidator)] = scan
        self._new.append(scan)
        self._next_scan_utc = datetime.min

    def remove_consolidator(self, symbol: Any, consolidator: Any) -> None:
        """Stop feeding a consolidator and drop its handlers; without a symbol, wherever it is."""
        symbol = None if symbol is None else as_symbol(symbol)
        configs = self._configs.values() if symbol is None else [self._of(symbol, True)]
        for config in (c for known in configs for c in known):
            if consolidator in config.consolidators:
                config.consolidators.remove(consolidator)
        scan = self._scans.pop(id(consolidator), None)
        if scan is not None:
            scan.dispose()
        dispose = getattr(consolidator, "dispose", None)
        if dispose is not None:
            dispose()

    def scan_past_consolidators(self, new_utc_time: datetime, algorithm: Any) -> None:
        """Close the bars whose time came before ``new_utc_time``, each with the clock set to its
        end.

        Parameters
        ----------
        new_utc_time : datetime
            Naive UTC time of the coming step; bars that end exactly then are left to it.
        algorithm : QCAlgorithm
            Its clock is moved.
        """
        queue = self._queue
        if self._new:
            for scan in self._new:
                scan.advance()
                heapq.heappush(queue, (scan.utc, scan.number, scan))
            self._new = []
        while queue and queue[0][0] < new_utc_time:
            utc, number, scan = heapq.heappop(queue)
            if scan.disposed:
                continue
            if scan.utc <= utc:
                idle = getattr(scan.consolidator, "_idle", None)
                if idle is not None and idle():
                    scan.skip_to(new_utc_time)
                else:
                    if utc != self._clock.utc:
                        algorithm._set_utc(utc)
                    scan.run()
            heapq.heappush(queue, (scan.utc, number, scan))
        self._next_scan_utc = queue[0][0] if queue else datetime.max


def _fits(config: SubscriptionDataConfig, consolidator: Any, tick_type: TickType | None) -> bool:
    expected = consolidator.input_type
    if expected is not BaseData and not issubclass(config._type, expected):
        return False
    if config._type is not Tick:
        return True
    if tick_type is not None:
        return bool(config.tick_type == tick_type)
    if not is_common_type(consolidator.output_type):
        return True
    kind = common_tick_type(consolidator.output_type, config.security_type)
    return bool(config.tick_type == kind)
