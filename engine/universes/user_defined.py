"""Universes made of what a user added, of a list, or of a function of time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from engine.types.enums import SecurityType
from engine.types.subscription import SubscriptionDataConfig
from engine.types.symbol import OA_EPOCH, SecurityIdentifier, Symbol
from engine.types.timezones import from_utc, to_utc
from engine.universes.settings import UniverseSettings
from engine.universes.universe import Universe

#: interval of a universe that is selected once
ONCE = timedelta(days=365000)


def plain_symbol(ticker: str, security_type: SecurityType, market: str) -> Symbol:
    """Make a symbol that names a universe: no map file is asked."""
    custom = security_type == SecurityType.BASE
    sid = SecurityIdentifier._generate(OA_EPOCH, ticker, security_type, market, upper=not custom)
    return Symbol(sid, ticker.upper())


class UserDefinedUniverse(Universe):
    """A list of symbols, subscriptions added by hand, or a function from local time to tickers."""

    _starts_late = True

    def __init__(
        self,
        configuration: SubscriptionDataConfig,
        universe_settings: UniverseSettings,
        interval: timedelta,
        symbols: Iterable[Symbol] | Callable[[datetime], Any],
    ) -> None:
        super().__init__(configuration, universe_settings)
        self._interval = interval
        self._configs: dict[SubscriptionDataConfig, None] = {}
        self._gone: dict[SubscriptionDataConfig, None] = {}
        self._function = symbols if callable(symbols) else None
        self._symbols = {} if callable(symbols) else dict.fromkeys(symbols)

    @staticmethod
    def create_symbol(security_type: SecurityType, market: str) -> Symbol:
        """Return the name of the universe of what is added by hand."""
        kind = SecurityType(security_type).to_string()
        return plain_symbol(
            f"qc-universe-userdefined-{market.lower()}-{kind}", security_type, market
        )

    @property
    def interval(self) -> timedelta:
        return self._interval

    def add(self, symbol: Any) -> bool:
        """Add a symbol or a subscription; False when it is here already."""
        if isinstance(symbol, SubscriptionDataConfig):
            fresh = symbol not in self._configs
            self._configs[symbol] = None
        else:
            fresh = symbol not in self._symbols
            self._symbols[symbol] = None
        return fresh

    def remove(self, symbol: Any) -> bool:
        """Take out a symbol (or security) with its subscriptions."""
        symbol = getattr(symbol, "symbol", symbol)
        gone = [c for c in self._configs if c.symbol == symbol]
        for config in gone:
            del self._configs[config]
            self._gone[config] = None
        listed = self._symbols.pop(symbol, self) is not self
        return listed or bool(gone)

    def select_symbols(self, utc_time: datetime, data: Any) -> Any:
        if self._function is None:
            return dict.fromkeys([*(c.symbol for c in self._configs), *self._symbols])
        config = self.configuration
        found = self._function(from_utc(utc_time, config.exchange_time_zone))
        if found is Universe.UNCHANGED:
            return found
        return [
            name
            if isinstance(name, Symbol)
            else Symbol.create(name, config.security_type, config.market)
            for name in found
        ]

    def _remove_member(self, utc: datetime, security: Any) -> bool:
        if not super()._remove_member(utc, security):
            return False
        self.remove(security.symbol)
        return True

    def _configs_for(self, security: Any, service: Any) -> list[SubscriptionDataConfig]:
        symbol = security.symbol
        found = [c for c in self._configs if c.symbol == symbol]
        if found:
            return found
        found = [c for c in self._gone if c.symbol == symbol]
        if found:
            for config in found:
                del self._gone[config]
            return found
        found = super()._configs_for(security, service)
        self._configs.update(dict.fromkeys(found))
        return found

    def _trigger_times(self, start: datetime, end: datetime, hours: Any) -> Iterator[datetime]:
        zone = hours.time_zone
        local, last = from_utc(start, zone), from_utc(end, zone)
        extended = self.configuration.extended_market_hours
        first = True
        while local <= last:
            if first or hours._is_open_between(local, local + self._interval, extended):
                yield to_utc(local, zone)
            first = False
            if self._interval >= ONCE:
                return
            local += self._interval


class _KnownSubscriptions(UserDefinedUniverse):
    """Uses the subscriptions that a symbol has already, if there are any."""

    def _configs_for(self, security: Any, service: Any) -> list[SubscriptionDataConfig]:
        known: list[SubscriptionDataConfig] = service.known(security.symbol)
        return known or super()._configs_for(security, service)


class ManualUniverse(_KnownSubscriptions):
    """A fixed list of symbols."""

    def __init__(
        self,
        configuration: SubscriptionDataConfig,
        universe_settings: UniverseSettings,
        symbols: Iterable[Symbol],
    ) -> None:
        super().__init__(configuration, universe_settings, ONCE, list(symbols))


class CustomUniverse(_KnownSubscriptions):
    """Tickers by a function of local time, asked at an interval."""
