"""Security identifiers and symbols, encoded as LEAN encodes them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import total_ordering
from typing import Any, ClassVar

from engine.types.dotnet import LeanObject
from engine.types.enums import SecurityType
from engine.types.errors import ArgumentException, EngineUnsupported, InvalidOperationException

OA_EPOCH = datetime(1899, 12, 30)
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MARKET_OFFSET, _DAYS_OFFSET = 100, 10**14

_MARKETS: dict[str, int] = {
    "empty": 0, "usa": 1, "fxcm": 2, "oanda": 3, "dukascopy": 4, "bitfinex": 5, "cmeglobex": 6,
    "nymex": 7, "cbot": 8, "ice": 9, "cboe": 10, "india": 11, "gdax": 12, "kraken": 13,
    "bittrex": 14, "bithumb": 15, "binance": 16, "poloniex": 17, "coinone": 18, "hitbtc": 19,
    "okcoin": 20, "bitstamp": 21, "comex": 22, "cme": 23, "sgx": 24, "hkfe": 25, "nyseliffe": 26,
    "cfe": 33, "ftx": 34, "ftxus": 35, "binanceus": 36, "bybit": 37, "coinbase": 38,
    "interactivebrokers": 39, "eurex": 40, "ose": 41, "dydx": 42, "krx": 43,
}  # fmt: skip
_MARKET_NAMES = {code: name for name, code in _MARKETS.items()}

EquityResolver = Callable[[str, str, "date | None"], "tuple[str, datetime] | None"]
_equity_resolver: EquityResolver | None = None


def set_equity_resolver(resolver: EquityResolver | None) -> None:
    """Install the lookup ``(ticker, market, date) -> (first ticker, first date) | None``."""
    global _equity_resolver
    _equity_resolver = resolver
    Symbol._interned.clear()


class Market(LeanObject):
    """LEAN's market names."""

    USA = "usa"
    FXCM = "fxcm"
    OANDA = "oanda"
    DUKASCOPY = "dukascopy"
    BITFINEX = "bitfinex"
    GLOBEX = "cmeglobex"
    NYMEX = "nymex"
    CBOT = "cbot"
    ICE = "ice"
    CBOE = "cboe"
    CFE = "cfe"
    INDIA = "india"
    GDAX = "coinbase"
    KRAKEN = "kraken"
    BITSTAMP = "bitstamp"
    OK_COIN = "okcoin"
    BITHUMB = "bithumb"
    COINONE = "coinone"
    POLONIEX = "poloniex"
    BITTREX = "bittrex"
    HIT_BTC = "hitbtc"
    BINANCE = "binance"
    BINANCE_US = "binanceus"
    BYBIT = "bybit"
    COINBASE = "coinbase"
    COMEX = "comex"
    CME = "cme"
    SGX = "sgx"
    HKFE = "hkfe"
    FTX = "ftx"
    FTXUS = "ftxus"
    DYDX = "dydx"
    EUREX = "eurex"
    OSE = "ose"
    KRX = "krx"
    INTERACTIVE_BROKERS = "interactivebrokers"

    @staticmethod
    def add(market: str, identifier: int) -> None:
        """Register a market of the user's own."""
        _MARKETS[market.lower()] = identifier
        _MARKET_NAMES[identifier] = market.lower()

    @staticmethod
    def encode(market: str) -> int | None:
        return _MARKETS.get(market.lower())

    @staticmethod
    def decode(code: int) -> str | None:
        return _MARKET_NAMES.get(code)


def encode_base36(number: int) -> str:
    """Return LEAN's upper-case base 36 text of a number; 0 is the empty string."""
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text


class SecurityIdentifier(LeanObject):
    """Permanent name of a security: first ticker and packed properties (``SPY R735QTJ8XC9X``)."""

    __slots__ = (
        "_hash",
        "_properties",
        "_text",
        "date",
        "market",
        "security_type",
        "symbol",
        "underlying",
    )

    def __init__(
        self, symbol: str, properties: int, underlying: SecurityIdentifier | None = None
    ) -> None:
        self.symbol = symbol
        self._properties = properties
        self.security_type = SecurityType(properties % 100)
        self.market = _MARKET_NAMES.get(
            properties // _MARKET_OFFSET % 1000, str(properties // 100 % 1000)
        )
        self.date = OA_EPOCH + _days(properties // _DAYS_OFFSET % 100000)
        self.underlying = underlying
        text = f"{symbol} {encode_base36(properties) or '0'}"
        self._text = text if underlying is None else f"{text}|{underlying}"
        self._hash = hash(self._text)

    @property
    def has_underlying(self) -> bool:
        return self.underlying is not None

    @staticmethod
    def parse(value: str) -> SecurityIdentifier:
        """Read an identifier from its text."""
        head, _, tail = value.partition("|")
        symbol, _, properties = head.partition(" ")
        number = int(properties, 36) if properties and properties != "0" else 0
        return SecurityIdentifier(symbol, number, SecurityIdentifier.parse(tail) if tail else None)

    @staticmethod
    def _generate(
        moment: datetime,
        symbol: str,
        security_type: SecurityType,
        market: str,
        upper: bool = True,
        underlying: SecurityIdentifier | None = None,
    ) -> SecurityIdentifier:
        code = _MARKETS.get(market.lower())
        if code is None:
            raise ArgumentException(
                f"expected a market that LEAN knows, was {market!r}; "
                "register your own with Market.add(name, code)"
            )
        days = (moment - OA_EPOCH).days
        properties = days * _DAYS_OFFSET + code * _MARKET_OFFSET + int(security_type)
        return SecurityIdentifier(symbol.upper() if upper else symbol, properties, underlying)

    @staticmethod
    def generate_equity(
        symbol: str, market: str, map_symbol: bool = True, mapping_resolve_date: date | None = None
    ) -> SecurityIdentifier:
        """Return the identifier of the share that had this ticker (today, or on a date)."""
        first = OA_EPOCH
        if map_symbol and _equity_resolver is not None:
            found = _equity_resolver(symbol, market, mapping_resolve_date)
            if found is not None:
                symbol, first = found
        return SecurityIdentifier._generate(first, symbol, SecurityType.EQUITY, market)

    @staticmethod
    def generate_base(data_type: type | None, symbol: str, market: str) -> SecurityIdentifier:
        """Return the identifier of custom data: ``TICKER.TypeName``."""
        name = f"{symbol.upper()}.{data_type.__name__}" if data_type is not None else symbol.upper()
        return SecurityIdentifier._generate(OA_EPOCH, name, SecurityType.BASE, market, upper=False)

    @staticmethod
    def generate_constituent_identifier(
        symbol: str, security_type: SecurityType, market: str
    ) -> SecurityIdentifier:
        """Return the identifier of a universe of listed members; its name keeps its case."""
        return SecurityIdentifier._generate(OA_EPOCH, symbol, security_type, market, upper=False)

    @staticmethod
    def generate_forex(symbol: str, market: str) -> SecurityIdentifier:
        return SecurityIdentifier._generate(OA_EPOCH, symbol, SecurityType.FOREX, market)

    @staticmethod
    def generate_crypto(symbol: str, market: str) -> SecurityIdentifier:
        return SecurityIdentifier._generate(OA_EPOCH, symbol, SecurityType.CRYPTO, market)

    @staticmethod
    def generate_cfd(symbol: str, market: str) -> SecurityIdentifier:
        return SecurityIdentifier._generate(OA_EPOCH, symbol, SecurityType.CFD, market)

    @staticmethod
    def generate_index(symbol: str, market: str) -> SecurityIdentifier:
        return SecurityIdentifier._generate(OA_EPOCH, symbol, SecurityType.INDEX, market)

    def __str__(self) -> str:
        return self._text

    __repr__ = __str__

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecurityIdentifier) and self._text == other._text


def _days(count: int) -> Any:
    from datetime import timedelta

    return timedelta(days=count)


@total_ordering
class Symbol(LeanObject):
    """A security as the algorithm names it; equal symbols are one object.

    ``str(symbol)`` is the ticker it was asked for by, or its identifier when the algorithm never
    added it.
    """

    # symbols are looked up more than anything else: the hash of each one is a method of a number,
    # which Python finds in the slot and calls without a frame of its own
    __slots__ = ("__hash__", "__weakref__", "id", "security_type", "underlying", "value")

    _interned: ClassVar[dict[tuple[str, str], Symbol]] = {}
    EMPTY: Symbol
    NONE: Symbol

    id: SecurityIdentifier
    value: str
    security_type: SecurityType
    underlying: Symbol | None
    __hash__: Callable[[], int]

    def __new__(
        cls, sid: SecurityIdentifier, value: str, underlying: Symbol | None = None
    ) -> Symbol:
        key = (sid._text, value)
        known = Symbol._interned.get(key)
        if known is None:
            known = object.__new__(cls)
            known.id = sid
            known.value = value
            known.security_type = sid.security_type
            known.underlying = underlying
            # a subclass may have a method of that name; ``conjugate`` is the number itself
            _set_hash(known, hash(sid._text).conjugate)
            Symbol._interned[key] = known
        return known

    def __init__(self, *_: Any) -> None:
        """Nothing to do: :meth:`__new__` fills the object, once."""

    @staticmethod
    def create(
        ticker: str,
        security_type: SecurityType,
        market: str,
        alias: str | None = None,
        base_data_type: type | None = None,
    ) -> Symbol:
        """Make a symbol from a ticker, as LEAN's ``Symbol.create``."""
        if security_type == SecurityType.EQUITY:
            sid = SecurityIdentifier.generate_equity(ticker, market)
        elif security_type == SecurityType.BASE:
            sid = SecurityIdentifier.generate_base(base_data_type, ticker, market)
        elif security_type in (
            SecurityType.FOREX,
            SecurityType.CRYPTO,
            SecurityType.CFD,
            SecurityType.INDEX,
        ):
            sid = SecurityIdentifier._generate(OA_EPOCH, ticker, security_type, market)
        else:
            raise EngineUnsupported(
                f"engine does not implement symbols of type {SecurityType(security_type)}; "
                "use lean backtest"
            )
        return Symbol(sid, alias or ticker.upper())

    @staticmethod
    def create_base(base_type: type, underlying: Symbol, market: str | None = None) -> Symbol:
        """Make the symbol of custom data linked to an underlying, which the id leaves out."""
        sid = SecurityIdentifier._generate(
            underlying.id.date,
            f"{underlying.id.symbol}.{base_type.__name__}",
            SecurityType.BASE,
            market or "usa",
            upper=False,
        )
        return Symbol(sid, underlying.value, underlying)

    @property
    def has_underlying(self) -> bool:
        return self.underlying is not None

    @property
    def ID(self) -> SecurityIdentifier:
        return self.id

    def _identifier(self, column: str) -> Any:
        from engine.data.definitions import SecurityDefinitions
        from engine.run import current_engine

        engine = current_engine()
        return SecurityDefinitions(engine.data_folder, engine.maps).of(self, column)

    @property
    def cusip(self) -> str | None:
        return self._identifier("cusip")

    @property
    def composite_figi(self) -> str | None:
        return self._identifier("composite_figi")

    @property
    def sedol(self) -> str | None:
        return self._identifier("sedol")

    @property
    def isin(self) -> str | None:
        return self._identifier("isin")

    @property
    def cik(self) -> int | None:
        return self._identifier("cik")

    def is_canonical(self) -> bool:
        return False

    def has_canonical(self) -> bool:
        return False

    def update_mapped_symbol(self, mapped_symbol: str, contract_depth_offset: int = 0) -> Symbol:
        """Return the same security under the ticker it has after a rename."""
        return Symbol(self.id, mapped_symbol, self.underlying)

    def __str__(self) -> str:
        return SymbolCache._tickers.get(self.id._text) or self.id._text

    __repr__ = __str__

    def to_string(self) -> str:
        return str(self)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if isinstance(other, Symbol):
            return self.id._text == other.id._text
        if isinstance(other, str):
            known = SymbolCache._symbols.get(other.upper())
            if known is not None:
                return known.id._text == self.id._text
            return other == self.id._text or other == self.value
        return False

    def __lt__(self, other: object) -> bool:
        return str(self.value).lower() < str(getattr(other, "value", other)).lower()

    def __reduce__(self) -> Any:
        return (Symbol, (self.id, self.value, self.underlying))

    def __copy__(self) -> Symbol:
        return self

    def __deepcopy__(self, memo: Any) -> Symbol:
        return self


_set_hash = vars(Symbol)["__hash__"].__set__
Symbol.EMPTY = Symbol(SecurityIdentifier("", 0), "")
Symbol.NONE = Symbol(SecurityIdentifier("NONE", 0), "NONE")


class SymbolCache:
    """Ticker <-> symbol as the algorithm asked for them; emptied at the start of each run."""

    _symbols: ClassVar[dict[str, Symbol]] = {}
    _tickers: ClassVar[dict[str, str]] = {}

    @classmethod
    def set(cls, ticker: str, symbol: Symbol) -> None:
        """Remember that the algorithm calls this security ``ticker``; the first name given to it
        stays.
        """
        cls._symbols[ticker.upper()] = symbol
        cls._tickers[symbol.id._text] = (
            ticker.upper() if symbol.security_type != SecurityType.BASE else symbol.id.symbol
        )

    @classmethod
    def get_symbol(cls, ticker: str) -> Symbol:
        symbol = cls._find(ticker)
        if symbol is None:
            several = cls._beginning(ticker)
            if len(several) > 1:
                raise InvalidOperationException(
                    "We located multiple potentially matching tickers. For custom data, be sure to "
                    "append a dot followed by the custom data type name. For example: "
                    f"'BTC.Bitcoin'. Potential Matches: {', '.join(several)}"
                )
            raise ArgumentException(f"We were unable to locate the ticker '{ticker}'.")
        return symbol

    @classmethod
    def _find(cls, ticker: str) -> Symbol | None:
        symbol = cls._symbols.get(ticker.upper())
        if symbol is None and " " in ticker:
            for known in cls._symbols.values():
                if known.id._text == ticker:
                    return known
        if symbol is None:
            # BTC finds BTC.Bitcoin, and VXX finds VXX.1, when nothing else begins so
            several = cls._beginning(ticker)
            if len(several) == 1:
                symbol = cls._symbols[ticker.upper()] = cls._symbols[several[0]]
        return symbol

    @classmethod
    def _known(cls, symbol: Symbol | str) -> Symbol:
        """Return a symbol for what a user gave as one: LEAN takes the text of a ticker too."""
        return cls.get_symbol(symbol) if isinstance(symbol, str) else symbol

    @classmethod
    def _beginning(cls, ticker: str) -> list[str]:
        begin = ticker.upper() + "."
        return [known for known in cls._symbols if known.startswith(begin)]

    @classmethod
    def try_get_symbol(cls, ticker: str, _symbol: Any = None) -> tuple[bool, Symbol | None]:
        symbol = cls._find(ticker)
        return symbol is not None, symbol

    @classmethod
    def get_ticker(cls, symbol: Symbol) -> str:
        return cls._tickers.get(symbol.id._text, symbol.id._text)

    @classmethod
    def clear(cls) -> None:
        cls._symbols.clear()
        cls._tickers.clear()
