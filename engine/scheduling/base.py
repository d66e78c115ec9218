"""What date rules and time rules share: symbols, exchange hours, the default zone."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from engine.types.dotnet import LeanObject
from engine.types.enums import SecurityType
from engine.types.symbol import Symbol, SymbolCache
from engine.types.timezones import from_utc


class ScheduleRules(LeanObject):
    """Base of :class:`DateRules` and :class:`TimeRules`."""

    def __init__(self, algorithm: Any, time_zone: ZoneInfo) -> None:
        self._algorithm = algorithm
        self._zone = time_zone

    def _local_now(self) -> datetime:
        return from_utc(self._algorithm._utc, self._zone)

    def _symbol(self, symbol: Any) -> Symbol:
        if isinstance(symbol, Symbol):
            return symbol
        if not isinstance(symbol, str):
            return symbol.symbol  # a Security
        known = SymbolCache._find(symbol)
        if known is None:
            self._algorithm.debug(
                f"Warning: no existing symbol found for ticker {symbol}, "
                "it will be created with Equity type."
            )
            known = Symbol.create(symbol, SecurityType.EQUITY, "usa")
            SymbolCache.set(symbol, known)
        return known

    def _hours(self, symbol: Symbol) -> Any:
        algorithm = self._algorithm
        security = algorithm.securities.get(symbol)
        if security is not None:
            return security.exchange.hours
        return algorithm._engine.hours.get_entry(
            symbol.id.market, symbol, symbol.security_type
        ).exchange_hours
