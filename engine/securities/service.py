"""Makes securities from symbols."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.orders.exact import from_python
from engine.securities.cache import SecurityCache
from engine.securities.cash import Cash, CashBook
from engine.securities.conversion import split_pair
from engine.securities.native import method
from engine.securities.price_variation import EquityPriceVariationModel
from engine.securities.security import Cfd, Crypto, Equity, Forex, Index, Security
from engine.types.enums import DataNormalizationMode, SecurityType
from engine.types.errors import ArgumentException, EngineUnsupported
from engine.types.symbol import Symbol, SymbolCache

_KINDS: dict[SecurityType, type[Security]] = {
    SecurityType.BASE: Security,
    SecurityType.EQUITY: Equity,
    SecurityType.FOREX: Forex,
    SecurityType.CFD: Cfd,
    SecurityType.CRYPTO: Crypto,
    SecurityType.INDEX: Index,
}
_PAIRS = (SecurityType.FOREX, SecurityType.CRYPTO)


class SecurityService:
    """Makes securities with the right hours, properties, currencies and models.

    Parameters
    ----------
    cash_book : of the account; gets the currencies of new securities.
    hours : market hours database.
    properties : symbol properties database.
    initializer : returns the algorithm's present security initializer.
    securities : ``SecurityManager``; a security that is there already is used again.
    time_keeper : the clock of the run.
    """

    def __init__(
        self,
        cash_book: CashBook,
        hours: Any,
        properties: Any,
        initializer: Callable[[], Any],
        securities: Any,
        time_keeper: Any,
    ) -> None:
        self._cash_book = cash_book
        self._hours = hours
        self._properties = properties
        self._initializer = initializer
        self._securities = securities
        self._keeper = time_keeper
        self._always_open: dict[Symbol, Any] = {}

    def create_security(
        self,
        symbol: Symbol,
        subscription_data_config_list: Any = (),
        leverage: Any = 0,
        add_to_symbol_cache: bool = True,
    ) -> Security:
        """Return the security of a symbol with these subscriptions, made or found.

        The caller adds a new one to the securities. ``leverage`` 0 leaves the model's own.

        Raises
        ------
        ArgumentException
            For coins and pairs that the symbol properties do not know.
        EngineUnsupported
            For kinds of securities that the engine does not have.
        """
        configs = subscription_data_config_list
        wanted = list(configs) if isinstance(configs, (list, tuple)) else [configs]
        internal = bool(wanted) and all(c.is_internal_feed for c in wanted)
        existing = self._securities.get(symbol)
        if existing is not None:
            for config in wanted:
                existing._add_data(config)
            if not internal:
                existing._make_tradable()
            self._initialize(existing)
            return existing
        security = self._make(symbol, add_to_symbol_cache)
        if security.is_tradable:
            security.is_tradable = not internal
        for config in wanted:
            security._add_data(config)
        self._initialize(security)
        if from_python(leverage):
            security.set_leverage(leverage)
        raw = security.data_normalization_mode == DataNormalizationMode.RAW
        if raw and security.type == SecurityType.EQUITY:
            security.price_variation_model = EquityPriceVariationModel()
        return security

    def create_benchmark_security(self, symbol: Symbol) -> Security:
        """Return a new security that has only a price."""
        security = self._make(symbol, False)
        security.set_leverage(1)
        return security

    def _cache_of(self, symbol: Symbol) -> SecurityCache:
        """Return a new cache; data of one's own is kept by type with that of its underlying."""
        cache = SecurityCache()
        own = symbol.security_type == SecurityType.BASE
        for other, security in list(self._securities.items()):
            linked = symbol.underlying if own else other.underlying
            if linked is not None and linked == (other if own else symbol):
                cache._share_types(security.cache)
        return cache

    def _initialize(self, security: Security) -> None:
        if not security._is_initialized:
            method(self._initializer(), "initialize")(security)
            security._is_initialized = True

    def _cash(self, code: str) -> Cash:
        known = self._cash_book.get(code)
        return self._cash_book.add(code, 0, 0) if known is None else known

    def _make(self, symbol: Symbol, add_to_symbol_cache: bool) -> Security:
        kind = _KINDS.get(symbol.security_type)
        market = symbol.id.market
        if kind is None:
            raise EngineUnsupported(
                f"engine does not implement {symbol.security_type.name.lower()} securities; use "
                "lean backtest"
            )
        known = self._properties.contains_key(market, symbol, symbol.security_type)
        if symbol.security_type == SecurityType.CRYPTO and not known:
            raise ArgumentException(
                f"Crypto '{symbol.value}' symbol could not be found in the database for {market} "
                "market"
            )
        hours = self._hours.get_entry(market, symbol, symbol.security_type).exchange_hours
        quote = self._cash_book.account_currency
        if symbol.security_type == SecurityType.FOREX:
            quote = symbol.value[3:]
        properties = self._properties.get_symbol_properties(
            market, symbol, symbol.security_type, quote
        )
        if add_to_symbol_cache:
            SymbolCache.set(symbol.value, symbol)
        quote_cash = self._cash(properties.quote_currency)
        arguments: list[Any] = [symbol, hours, quote_cash]
        if symbol.security_type in _PAIRS:
            pair = split_pair(symbol.value, symbol.security_type, properties.quote_currency)
            if pair is None:
                raise ArgumentException(
                    f"Failed to resolve base currency for '{symbol.id.symbol}', it might be "
                    "missing from the Symbol "
                    f"database or market '{market}' could be wrong"
                )
            arguments.append(self._cash(pair[0]))
        arguments += [properties, self._cash_book, None, self._cache_of(symbol)]
        security = kind(*arguments)
        security._set_keeper(self._keeper)
        return security
