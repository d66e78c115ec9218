"""``self.securities``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from engine.securities.exchange import EPOCH
from engine.securities.security import Security
from engine.types.dotnet import Event, SymbolDict
from engine.types.errors import ArgumentException, KeyNotFoundException
from engine.types.symbol import Symbol, SymbolCache
from engine.types.timekeeper import TimeKeeper
from engine.types.timezones import aware


class SecurityManager(SymbolDict[Security]):
    """Securities by symbol (or ticker); iterating gives pairs.

    A security that was removed is no longer iterated, but is still found by its symbol.
    """

    def __init__(self, time_keeper: TimeKeeper | None = None) -> None:
        super().__init__()
        # quicker, as in the portfolio
        self.__dict__ = {}
        self._keeper = time_keeper or TimeKeeper(EPOCH)
        self._all: dict[Symbol, Security] = {}
        #: counts what was added and removed
        self._version = 0
        self._service: Any = None
        self.collection_changed = Event()
        # looked at by the engine itself: (security, added?)
        self._listeners: list[Callable[[Security, bool], None]] = []

    def _key(self, key: Any) -> Any:
        if type(key) is Symbol:
            return key
        if isinstance(key, Security):
            return key.symbol
        if isinstance(key, str):
            return SymbolCache._find(key) or key
        return key

    @property
    def utc_time(self) -> datetime:
        return aware(self._keeper.utc)

    @property
    def total(self) -> list[Security]:
        """All securities there ever were."""
        return list(self._all.values())

    def add(self, *args: Any) -> None:
        """``add(security)`` or ``add(symbol, security)``; one that is there already stays."""
        security: Security = args[-1]
        symbol = security.symbol
        if dict.__contains__(self, symbol):
            return
        dict.__setitem__(self, symbol, security)
        self._all[symbol] = security
        security._set_keeper(self._keeper)
        self._tell(security, True)

    def __setitem__(self, key: Any, security: Security) -> None:
        existing = dict.get(self, self._key(key))
        if existing is not None and existing is not security:
            raise ArgumentException(f"Unable to overwrite existing Security: {key}")
        self.add(security)

    def remove(self, key: Any) -> bool:
        security = dict.pop(self, self._key(key), None)
        if security is None:
            return False
        self._tell(security, False)
        return True

    def _tell(self, security: Security, added: bool) -> None:
        self._version += 1
        for listener in self._listeners:
            listener(security, added)
        if self.collection_changed:
            self.collection_changed(self, security)

    # the dictionary's own: nearly all are asked by the symbol of a security that is there
    __getitem__ = dict.__getitem__

    def __missing__(self, key: Any) -> Security:
        """Return a security that was removed, or that a ticker stands for."""
        found = self._all.get(self._key(key))
        return self._missing(key) if found is None else found

    def get(self, key: Any, default_value: Any = None) -> Any:
        return self._all.get(key if type(key) is Symbol else self._key(key), default_value)

    def _missing(self, key: Any) -> Security:
        raise KeyNotFoundException(
            f"This asset symbol ({key}) was not found in your security list. Please add this "
            "security before using it. "
            "To prevent the exception, use self.securities.get(symbol), which returns None when "
            "the symbol is not found, "
            "or guard the access with 'if symbol in self.securities:'."
        )

    def create_security(
        self,
        symbol: Symbol,
        subscription_data_config_list: Any,
        leverage: Any = 0,
        add_to_symbol_cache: bool = True,
    ) -> Security:
        """Make a security for subscriptions (see ``SecurityService``); it is not added here."""
        made: Security = self._service.create_security(
            symbol, subscription_data_config_list, leverage, add_to_symbol_cache
        )
        return made

    def create_benchmark_security(self, symbol: Symbol) -> Security:
        """Make a security that only has a price."""
        made: Security = self._service.create_benchmark_security(symbol)
        return made

    def set_security_service(self, security_service: Any) -> None:
        self._service = security_service
