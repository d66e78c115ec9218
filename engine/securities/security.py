"""A security: its prices, position, exchange, subscriptions and models."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from engine.securities.cache import SecurityCache
from engine.securities.cash import Cash
from engine.securities.dynamic_data import DynamicSecurityData
from engine.securities.exchange import (
    EPOCH,
    CfdExchange,
    CryptoExchange,
    EquityExchange,
    ForexExchange,
    IndexExchange,
    SecurityExchange,
)
from engine.securities.holding import (
    CfdHolding,
    CryptoHolding,
    EquityHolding,
    ForexHolding,
    IndexHolding,
    SecurityHolding,
)
from engine.securities.native import exact, method
from engine.securities.price_variation import (
    AdjustedPriceVariationModel,
    SecurityPriceVariationModel,
)
from engine.securities.session import Session
from engine.securities.touches import TOUCHES
from engine.types.bars import QuoteBar, Split, TradeBar
from engine.types.decimals import NOT_SEEN, seen, seen_once, to_decimal
from engine.types.dotnet import LeanObject, missing
from engine.types.enums import (
    DataNormalizationMode,
    MarketDataType,
    Resolution,
    SecurityType,
)
from engine.types.errors import ArgumentException
from engine.types.generic import Generic
from engine.types.members import Absent
from engine.types.symbol import Symbol
from engine.types.timekeeper import TimeKeeper
from engine.types.timezones import aware


def _cached(name: str) -> Any:
    """A price of the cache that falls back to the last price while it is zero."""

    def get(self: Security) -> Decimal:
        value: Decimal = getattr(self.cache, name)
        return value or self._price

    return property(get)


_EQUITY = SecurityType.EQUITY


class _UserValue:
    """A value of the user's own as an attribute: ``security["count"]`` is ``security.count``."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        if obj is None:
            return self
        found = obj.cache._properties
        return found[self.name] if self.name in found else missing(obj, self.name)


def show_user_value(name: str) -> None:
    """Let securities show a value under the name that the user gave it, unless it is LEAN's."""
    for kind in (Security, *_kinds_of(Security)):
        found = (vars(base)[name] for base in kind.__mro__ if name in vars(base))
        if type(next(found, None)) in (type(None), Absent):
            setattr(kind, name, _UserValue(name))


def _kinds_of(kind: type) -> Iterator[type]:
    derived: type
    for derived in type.__subclasses__(kind):
        yield derived
        yield from _kinds_of(derived)


class Security(LeanObject):
    """One tradable (or followed) thing; prices are in its quote currency."""

    _exchange_type: type[SecurityExchange] = SecurityExchange
    _holding_type: type[SecurityHolding] = SecurityHolding
    _default_leverage = 1
    _shown_price = NOT_SEEN
    _price_step: Any = SecurityPriceVariationModel

    def __init__(
        self,
        symbol: Any,
        exchange_hours: Any,
        quote_currency: Cash,
        symbol_properties: Any,
        currency_converter: Any,
        registered_types: Any = None,
        cache: SecurityCache | None = None,
    ) -> None:
        from engine.securities.buying_power import SecurityMarginModel
        from engine.securities.fees.interactive_brokers import InteractiveBrokersFeeModel
        from engine.securities.margin_interest import MarginInterestRateModel
        from engine.securities.portfolio_model import SecurityPortfolioModel
        from engine.securities.settlement import ImmediateSettlementModel
        from engine.securities.shortable import NullShortableProvider
        from engine.securities.slippage import NullSlippageModel
        from engine.securities.volatility import VolatilityModel

        config = None
        if not isinstance(symbol, Symbol):
            config, symbol = symbol, symbol.symbol
        if symbol_properties.quote_currency != quote_currency.symbol:
            raise ArgumentException(
                "symbolProperties.QuoteCurrency must match the quoteCurrency.Symbol"
            )
        self.symbol: Symbol = symbol
        self.type: SecurityType = symbol.security_type
        self.quote_currency = quote_currency
        self.symbol_properties = symbol_properties
        self.cache = cache or SecurityCache()
        self._keeper = TimeKeeper(EPOCH)
        self.exchange = self._exchange_type(exchange_hours)
        self.is_tradable = self.type != SecurityType.INDEX
        self.is_delisted = False
        self._is_initialized = False
        self.subscriptions: list[Any] = []
        self._fill_model: Any = None
        self.fee_model: Any = InteractiveBrokersFeeModel()
        self.slippage_model: Any = NullSlippageModel.INSTANCE
        self.portfolio_model: Any = SecurityPortfolioModel()
        self.buying_power_model = SecurityMarginModel(self._default_leverage)
        self.margin_interest_rate_model: Any = MarginInterestRateModel.NULL
        self.settlement_model: Any = ImmediateSettlementModel()
        self.volatility_model: Any = VolatilityModel.NULL
        self._no_volatility = self.volatility_model
        self.price_variation_model: Any = self._price_step()
        self.data_filter: Any = None
        self.shortable_provider: Any = NullShortableProvider.INSTANCE
        self.holdings = self._holding_type(self, currency_converter)
        if config is not None:
            self._add_data(config)

    # -- clock and data ------------------------------------------------------------------------

    def _set_keeper(self, keeper: TimeKeeper) -> None:
        """Share the clock of the run."""
        self._keeper = keeper
        self._exchange._keeper = keeper

    def _set_local_time(self, utc: datetime) -> None:
        """Set the (shared) clock to a naive UTC time."""
        self._keeper.utc = utc

    @property
    def exchange(self) -> SecurityExchange:
        return self._exchange

    @exchange.setter
    def exchange(self, exchange: SecurityExchange) -> None:
        self._exchange = exchange
        exchange._keeper = self._keeper

    @property
    def local_time(self) -> datetime:
        return self._keeper.local(self._exchange.hours.time_zone)

    @property
    def _utc_time(self) -> datetime:
        return self._keeper.utc

    def _update(self, config: Any, data: Any) -> None:
        """Take the data of one subscription: the engine's way, once per step and point."""
        kind = type(data)
        cache = self.cache
        if not data.is_fill_forward:
            if kind is TradeBar and self.type is _EQUITY:
                if not data.close:
                    cache._settle()
                cache._pending_trade = data
            elif kind is QuoteBar and self.type is _EQUITY:
                cache._store_quote(data)
            else:
                cache.add_data(data)
        model = self.volatility_model
        if model is self._no_volatility or getattr(model, "_is_null", False):
            self.holdings._set_price = None
        elif data.data_type != MarketDataType.AUXILIARY and data.price:
            self.holdings._set_price = None
            method(self.volatility_model, "update")(self, data)

    def set_market_price(self, data: Any) -> None:
        """Take one point, as a seeder does."""
        if data is None:
            return
        self.cache.add_data(data)
        if data.data_type != MarketDataType.AUXILIARY and data.price:
            self.holdings._set_price = None
            method(self.volatility_model, "update")(self, data)

    def update(
        self, data: list[Any], data_type: type, contains_fill_forward_data: bool | None = None
    ) -> None:
        """Take the points of one moment of one type."""
        self.cache.add_data_list(data, data_type)
        last = data[-1]
        if last.data_type != MarketDataType.AUXILIARY and last.price:
            self.holdings._set_price = None
            method(self.volatility_model, "update")(self, last)

    def get_last_data(self) -> Any:
        return self.cache.get_data()

    @property
    def has_data(self) -> bool:
        return self.cache.get_data() is not None

    def _apply_split(self, split: Split) -> None:
        self.cache._apply_split(to_decimal(split.split_factor))
        self.holdings._set_price = None

    # -- prices --------------------------------------------------------------------------------

    @property
    def _price(self) -> Decimal:
        # as the cache's own, without a call of it: nothing is asked for more often
        cache = self.cache
        if cache._pending_trade is not None or cache._pending_quote is not None:
            cache._settle()
        return cache._p

    _open = _cached("_open")
    _high = _cached("_high")
    _low = _cached("_low")
    _close = _cached("_close")
    _bid_price = _cached("_bid_price")
    _ask_price = _cached("_ask_price")
    _bid_size = property(lambda self: self.cache._bid_size)
    _ask_size = property(lambda self: self.cache._ask_size)
    _volume = property(lambda self: self.cache._volume)

    price = seen_once("_price", "_shown_price")
    open = seen("_open")
    high = seen("_high")
    low = seen("_low")
    close = seen("_close")
    bid_price = seen("_bid_price")
    ask_price = seen("_ask_price")
    bid_size = seen("_bid_size")
    ask_size = seen("_ask_size")
    volume = seen("_volume")

    @property
    def open_interest(self) -> int:
        return self.cache.open_interest

    @property
    def invested(self) -> bool:
        return self.holdings.invested

    @property
    def hold_stock(self) -> bool:
        return self.holdings.invested

    # -- subscriptions -------------------------------------------------------------------------

    def _add_data(self, config: Any) -> None:
        if config.symbol != self.symbol:
            raise ArgumentException("Symbols must match.")
        if config not in self.subscriptions:
            self.subscriptions.append(config)
        config._security = self
        if self.cache.session is not None:
            self.cache.session._attach(config)

    @property
    def session(self) -> Session:
        """The bars of the trading days; give it a ``size`` to switch it on."""
        session: Session | None = self.cache.session
        if session is None:
            session = self.cache.session = Session._of(self)
        return session

    @property
    def data(self) -> DynamicSecurityData:
        """The last points by their type, those of the user's own data about this security too."""
        return DynamicSecurityData(self.cache)

    @property
    def subscription_data_config(self) -> Any:
        return self.subscriptions[0] if self.subscriptions else None

    @property
    def resolution(self) -> Resolution:
        return min((c.resolution for c in self.subscriptions), default=Resolution.DAILY)

    @property
    def is_fill_data_forward(self) -> bool:
        return any(c.fill_data_forward for c in self.subscriptions)

    @property
    def is_extended_market_hours(self) -> bool:
        return any(c.extended_market_hours for c in self.subscriptions)

    @property
    def data_normalization_mode(self) -> DataNormalizationMode:
        modes = (c.data_normalization_mode for c in self.subscriptions)
        return next(modes, DataNormalizationMode.ADJUSTED)

    def set_data_normalization_mode(self, mode: DataNormalizationMode) -> None:
        for config in self.subscriptions:
            config.data_normalization_mode = DataNormalizationMode(mode)

    def is_custom_data(self) -> bool:
        return any(c.is_custom_data for c in self.subscriptions)

    def _is_internal_feed(self) -> bool:
        return bool(self.subscriptions) and all(c.is_internal_feed for c in self.subscriptions)

    def _make_tradable(self) -> None:
        if self.type != SecurityType.INDEX:
            self.is_tradable = True

    def reset(self) -> None:
        """Give up the subscriptions; the position and the models stay."""
        self._is_initialized = False
        self.is_tradable = False
        self.subscriptions.clear()

    # -- models --------------------------------------------------------------------------------

    @property
    def fill_model(self) -> Any:
        if self._fill_model is None:
            from engine.securities.brokerages.default import default_fill_model

            self._fill_model = default_fill_model(self)
        return self._fill_model

    @fill_model.setter
    def fill_model(self, model: Any) -> None:
        self._fill_model = model

    @property
    def buying_power_model(self) -> Any:
        return self._buying_power_model

    @buying_power_model.setter
    def buying_power_model(self, model: Any) -> None:
        TOUCHES.count += 1
        self._buying_power_model: Any = model

    @property
    def margin_model(self) -> Any:
        return self.buying_power_model

    @margin_model.setter
    def margin_model(self, model: Any) -> None:
        self.buying_power_model = model

    @property
    def _leverage(self) -> Decimal:
        return exact(self.buying_power_model, "get_leverage", self)

    leverage = seen("_leverage")

    def set_leverage(self, leverage: Any) -> None:
        method(self.buying_power_model, "set_leverage")(self, leverage)

    def set_fee_model(self, feel_model: Any) -> None:  # LEAN's own spelling
        self.fee_model = feel_model

    def set_fill_model(self, fill_model: Any) -> None:
        self.fill_model = fill_model

    def set_slippage_model(self, slippage_model: Any) -> None:
        self.slippage_model = slippage_model

    def set_settlement_model(self, settlement_model: Any) -> None:
        self.settlement_model = settlement_model

    def set_volatility_model(self, volatility_model: Any) -> None:
        self.volatility_model = volatility_model

    def set_buying_power_model(self, buying_power_model: Any) -> None:
        self.buying_power_model = buying_power_model

    def set_margin_model(self, margin_model: Any) -> None:
        self.buying_power_model = margin_model

    def set_margin_interest_rate_model(self, margin_interest_rate_model: Any) -> None:
        self.margin_interest_rate_model = margin_interest_rate_model

    def set_shortable_provider(self, shortable_provider: Any) -> None:
        self.shortable_provider = shortable_provider

    def set_data_filter(self, data_filter: Any) -> None:
        self.data_filter = data_filter

    def _apply_margin_interest(self, utc: datetime) -> None:
        model = self.margin_interest_rate_model
        if getattr(model, "_is_null", False):
            return
        from engine.securities.margin_interest import MarginInterestRateParameters

        method(model, "apply_margin_interest_rate")(MarginInterestRateParameters(self, utc))

    def _scan_settlement(self, portfolio: Any, utc: datetime) -> None:
        model = self.settlement_model
        if getattr(model, "_is_immediate", False):
            return
        from engine.securities.settlement import ScanSettlementModelParameters

        method(model, "scan")(ScanSettlementModelParameters(portfolio, self, aware(utc)))

    # -- the user's own values -----------------------------------------------------------------

    def _user_value(self, key: str) -> Any:
        """Return a value by name; one that was set as an attribute is one of them."""
        found = self.cache._properties
        if key not in found and key in vars(self) and not key.startswith("_"):
            return vars(self)[key]
        return found[key]

    def __getitem__(self, key: str) -> Any:
        return self._user_value(key)

    def __setitem__(self, key: str, value: Any) -> None:
        self.cache._properties[key] = value

    def add(self, key: str, value: Any) -> None:
        self.cache._properties[key] = value

    def set(self, key: str, value: Any) -> None:
        self.cache._properties[key] = value

    @property
    def get(self) -> Generic:
        """``get(name)``, or LEAN's ``get[Type](name)``."""
        return Generic(self._user_value)

    def try_get(self, key: str, _value: Any = None) -> tuple[bool, Any]:
        return key in self.cache._properties, self.cache._properties.get(key)

    def remove(self, key: str) -> bool:
        return self.cache._properties.pop(key, self) is not self

    def clear(self) -> None:
        self.cache._properties.clear()

    def __str__(self) -> str:
        return str(self.symbol)

    __repr__ = __str__


class Equity(Security):
    """A share."""

    default_settlement_days = 1
    DEFAULT_SETTLEMENT_TIME = timedelta(hours=6)
    _exchange_type = EquityExchange
    _holding_type = EquityHolding
    _default_leverage = 2
    _price_step = AdjustedPriceVariationModel

    @property
    def shortable(self) -> bool:
        """Whether the provider knows of shares to borrow now; a provider without data sets no
        limit.
        """
        provider = self.shortable_provider
        quantity = method(provider, "shortable_quantity")(self.symbol, self.local_time)
        return quantity is None or quantity > 0

    @property
    def total_shortable_quantity(self) -> int | None:
        return method(self.shortable_provider, "shortable_quantity")(self.symbol, self.local_time)


class _PairSecurity(Security):
    """A pair of currencies: it has a base and a quote cash."""

    def __init__(
        self,
        symbol: Any,
        exchange_hours: Any,
        quote_currency: Cash,
        base_currency: Cash,
        symbol_properties: Any,
        currency_converter: Any,
        registered_types: Any = None,
        cache: SecurityCache | None = None,
    ) -> None:
        super().__init__(
            symbol,
            exchange_hours,
            quote_currency,
            symbol_properties,
            currency_converter,
            registered_types,
            cache,
        )
        self.base_currency = base_currency


class Forex(_PairSecurity):
    """A currency pair."""

    _exchange_type = ForexExchange
    _holding_type = ForexHolding
    _default_leverage = 50

    @staticmethod
    def decompose_currency_pair(currency_pair: str) -> tuple[str, str]:
        """Return base and quote of a pair of six letters."""
        if currency_pair is None or len(currency_pair) != 6:
            raise ArgumentException(f"Currency pairs must be exactly 6 characters: {currency_pair}")
        return currency_pair[:3], currency_pair[3:]


class Crypto(_PairSecurity):
    """A pair of coins, or of a coin and a currency."""

    _exchange_type = CryptoExchange
    _holding_type = CryptoHolding

    @property
    def _price(self) -> Decimal:
        # the last trade is the price; the middle of the quotes only converts currencies
        cache = self.cache
        cache._settle()
        trades = cache._by_type.get(TradeBar)
        price: Decimal = trades[-1]._d_close if trades else cache._p
        return price


class Cfd(Security):
    """A contract for difference."""

    _exchange_type = CfdExchange
    _holding_type = CfdHolding
    _default_leverage = 50

    @property
    def contract_multiplier(self) -> float:
        return float(self.symbol_properties._contract_multiplier)

    @property
    def minimum_price_variation(self) -> float:
        return float(self.symbol_properties._minimum_price_variation)


class Index(Security):
    """An index: it has a price and cannot be traded."""

    _exchange_type = IndexExchange
    _holding_type = IndexHolding
