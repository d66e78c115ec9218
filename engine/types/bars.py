"""Bars and market events.

Exact decimals are computed from the file's integers in a :class:`BarSource`, on demand.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from engine.types.decimals import ZERO, normalize, plain, smart_rounding, to_decimal
from engine.types.dotnet import LeanObject
from engine.types.enums import (
    DelistingType,
    MarketDataType,
    Resolution,
    SecurityType,
    SplitType,
    TickType,
)
from engine.types.symbol import Symbol

DATE_MIN = datetime(1, 1, 1)
_ONE_MINUTE = timedelta(minutes=1)
_TWO = Decimal(2)
_EXACT = ("_d_open", "_d_high", "_d_low", "_d_close")


class BarSource:
    """Columns of one file (or one day of it), shared by its bars.

    ``floats[k][row]`` are the adjusted values the user sees and ``raw[k][row]`` the file's numbers
    as integers of
    ``10**-scale``; columns of trades: open, high, low, close; of quotes: bid OHLC then ask OHLC.
    ``factor`` multiplies prices (``None``: raw). ``sizes`` are volumes, or bid and ask sizes.
    """

    __slots__ = (
        "end_time",
        "factor",
        "factors",
        "floats",
        "raw",
        "scale",
        "sizes",
        "symbol",
        "time",
        "unit",
    )

    def __init__(
        self,
        symbol: Symbol,
        time: list[datetime],
        end_time: list[datetime],
        floats: list[list[float]],
        raw: list[Any],
        sizes: list[list[float]],
        scale: int = 4,
        factor: Decimal | None = None,
        factors: list[Decimal] | None = None,
    ) -> None:
        self.symbol = symbol
        self.time = time
        self.end_time = end_time
        self.floats = floats
        self.raw = raw
        self.sizes = sizes
        self.scale = scale
        self.unit = Decimal(1).scaleb(-scale)
        self.factor = factor
        self.factors = factors

    def exact(self, column: int, row: int) -> Decimal:
        """Return one price with .NET's scale: the file's integer times unit times factor."""
        value = int(self.raw[column][row]) * self.unit
        factor = self.factor if self.factors is None else self.factors[row]
        return value if factor is None else value * factor


class BaseData(LeanObject):
    """Anything with a symbol, a time and a value."""

    __slots__ = ("__dict__",)

    data_type = MarketDataType.BASE
    _src: BarSource | None = None
    _row: int
    ALL_RESOLUTIONS: ClassVar[list[Resolution]] = list(Resolution)
    DAILY_RESOLUTION: ClassVar[list[Resolution]] = [Resolution.DAILY]
    MINUTE_RESOLUTION: ClassVar[list[Resolution]] = [Resolution.MINUTE]
    HIGH_RESOLUTION: ClassVar[list[Resolution]] = [
        Resolution.MINUTE, Resolution.SECOND, Resolution.TICK,
    ]  # fmt: skip
    OPTION_RESOLUTIONS: ClassVar[list[Resolution]] = [
        Resolution.DAILY, Resolution.HOUR, Resolution.MINUTE,
    ]  # fmt: skip
    is_fill_forward = False
    symbol: Symbol = Symbol.EMPTY
    time: datetime = DATE_MIN

    def __init__(self) -> None:
        self.value = 0.0

    @property
    def end_time(self) -> datetime:
        return self.__dict__.get("_end_time", self.time)

    @end_time.setter
    def end_time(self, moment: datetime) -> None:
        self.__dict__["_end_time"] = moment

    @property
    def price(self) -> float:
        return float(self.value)

    def _exact_price(self) -> Decimal:
        return to_decimal(self.value)

    def requires_mapping(self) -> bool:
        """Tell whether the symbol follows renames: shares do."""
        return self.symbol.security_type == SecurityType.EQUITY

    def is_sparse_data(self) -> bool:
        """Tell whether days without data are no wonder: user data."""
        return self.symbol.security_type == SecurityType.BASE

    def should_cache_to_security(self) -> bool:
        """Tell whether a security remembers points of this type."""
        return True

    def default_resolution(self) -> Resolution:
        """Return the resolution of a subscription that names none."""
        return Resolution.MINUTE

    def supported_resolutions(self) -> list[Resolution]:
        """Return the resolutions of the type."""
        return list(self.ALL_RESOLUTIONS)

    def data_time_zone(self) -> Any:
        """Return the zone of the data's times."""
        from engine.types.timezones import TimeZones

        return TimeZones.NEW_YORK

    def update(
        self,
        last_trade: float,
        bid_price: float,
        ask_price: float,
        volume: float,
        bid_size: float,
        ask_size: float,
    ) -> None:
        """Take what is new of a trade or a quote."""
        self.value = last_trade

    def update_trade(self, last_trade: float, trade_size: float) -> None:
        """Take a trade."""
        self.update(last_trade, 0, 0, trade_size, 0, 0)

    def update_quote(
        self, bid_price: float, bid_size: float, ask_price: float, ask_size: float
    ) -> None:
        """Take a quote."""
        self.update(0, bid_price, ask_price, 0, bid_size, ask_size)

    def update_bid(self, bid_price: float, bid_size: float) -> None:
        """Take a bid."""
        self.update(0, bid_price, 0, 0, bid_size, 0)

    def update_ask(self, ask_price: float, ask_size: float) -> None:
        """Take an ask."""
        self.update(0, 0, ask_price, 0, 0, ask_size)

    def clone(self, fill_forward: bool = False) -> Any:
        """Return a copy."""
        import copy

        twin = copy.copy(self)
        if fill_forward:
            twin.is_fill_forward = True
        return twin

    def __str__(self) -> str:
        return f"{self.symbol}: {self.value}"


def _shown(value: Decimal) -> str:
    """Return a number as LEAN prints it in a bar: seven digits, above a thousand four decimals."""
    return plain(normalize(smart_rounding(value)))


class Bar(LeanObject):
    """Open, high, low and close of one side."""

    __slots__ = ("_first", "_row", "_src", "close", "high", "low", "open")

    _first: int
    _row: int

    def __init__(
        self, open: float = 0.0, high: float = 0.0, low: float = 0.0, close: float = 0.0
    ) -> None:
        self._src: BarSource | None = None
        self.open, self.high, self.low, self.close = (
            float(open),
            float(high),
            float(low),
            float(close),
        )

    def update(self, value: float) -> None:
        """Take a price into the bar."""
        if not value:
            return
        if not self.open:
            self.open = self.high = self.low = self.close = value
        else:
            self.high, self.low = max(self.high, value), min(self.low, value)
            self.close = value
        self._src = None

    def _exact(self, column: int, value: float) -> Decimal:
        src = self._src
        return to_decimal(value) if src is None else src.exact(self._first + column, self._row)

    @property
    def _d_open(self) -> Decimal:
        return self._exact(0, self.open)

    @property
    def _d_high(self) -> Decimal:
        return self._exact(1, self.high)

    @property
    def _d_low(self) -> Decimal:
        return self._exact(2, self.low)

    @property
    def _d_close(self) -> Decimal:
        return self._exact(3, self.close)

    def clone(self) -> Bar:
        twin = Bar(self.open, self.high, self.low, self.close)
        if self._src is not None:
            twin._src, twin._row, twin._first = self._src, self._row, self._first
        return twin

    def __str__(self) -> str:
        return f"O: {self.open} H: {self.high} L: {self.low} C: {self.close}"


class TradeBar(BaseData):
    """Open, high, low, close and volume of a period."""

    __slots__ = (
        "_row",
        "_src",
        "close",
        "end_time",
        "high",
        "is_fill_forward",
        "low",
        "open",
        "symbol",
        "time",
        "volume",
    )

    data_type = MarketDataType.TRADE_BAR

    def __init__(
        self,
        time: datetime = DATE_MIN,
        symbol: Any = Symbol.EMPTY,
        open: float = 0.0,
        high: float = 0.0,
        low: float = 0.0,
        close: float = 0.0,
        volume: float = 0.0,
        period: timedelta | None = None,
    ) -> None:
        self._src = None
        if isinstance(time, TradeBar):
            other = time
            time, symbol, open, high, low = (
                other.time,
                other.symbol,
                other.open,
                other.high,
                other.low,
            )
            close, volume, period = other.close, other.volume, other.period
            self._src = other._src
            if other._src is not None:
                self._row = other._row
        self.time, self.symbol = time, symbol
        self.open, self.high, self.low, self.close = (
            float(open),
            float(high),
            float(low),
            float(close),
        )
        self.volume = float(volume)
        self.end_time = time + (_ONE_MINUTE if period is None else period)
        self.is_fill_forward = False

    @staticmethod
    def _of(src: BarSource, row: int) -> TradeBar:
        """Make the bar of one row."""
        bar: TradeBar = object.__new__(TradeBar)
        bar._src, bar._row = src, row
        bar.symbol, bar.time, bar.end_time = src.symbol, src.time[row], src.end_time[row]
        bar.open, bar.high, bar.low, bar.close = (column[row] for column in src.floats)
        bar.volume = src.sizes[0][row]
        bar.is_fill_forward = False
        return bar

    @property
    def value(self) -> float:
        return self.close

    @value.setter
    def value(self, price: float) -> None:
        self.close = price

    @property
    def price(self) -> float:
        return self.close

    @property
    def period(self) -> timedelta:
        return self.end_time - self.time

    @period.setter
    def period(self, period: timedelta) -> None:
        self.end_time = self.time + period

    def _exact(self, column: int, value: float) -> Decimal:
        src = self._src
        return to_decimal(value) if src is None else src.exact(column, self._row)

    @property
    def _d_open(self) -> Decimal:
        return self._exact(0, self.open)

    @property
    def _d_high(self) -> Decimal:
        return self._exact(1, self.high)

    @property
    def _d_low(self) -> Decimal:
        return self._exact(2, self.low)

    @property
    def _d_close(self) -> Decimal:
        return self._exact(3, self.close)

    def _exact_price(self) -> Decimal:
        return self._d_close

    def update(
        self,
        last_trade: float,
        bid_price: float,
        ask_price: float,
        volume: float,
        bid_size: float,
        ask_size: float,
    ) -> None:
        """Take a trade into the bar; quotes do not count."""
        self.update_trade(last_trade, volume)

    def update_trade(self, last_trade: float, trade_size: float) -> None:
        """Take a trade into the bar."""
        if not self.open:
            self.open = self.high = self.low = last_trade
        self.high, self.low, self.close = (
            max(self.high, last_trade),
            min(self.low, last_trade),
            last_trade,
        )
        self.volume += trade_size
        self._src = None

    def clone(self, fill_forward: bool = False) -> TradeBar:
        twin = TradeBar(self)  # type: ignore[arg-type]
        twin.is_fill_forward = fill_forward or self.is_fill_forward
        if fill_forward:
            # a copy trades nothing
            twin.volume = 0.0
        return twin

    def __str__(self) -> str:
        o, h, l, c = map(_shown, (self._d_open, self._d_high, self._d_low, self._d_close))
        return f"{self.symbol}: O: {o} H: {h} L: {l} C: {c} V: {_shown(to_decimal(self.volume))}"

    def get_source(self, config: Any, date: datetime, is_live_mode: bool = False) -> Any:
        """Return where LEAN's file of trade bars of a date is."""
        from engine.data.sources import trade_source

        return trade_source(config, date)

    @staticmethod
    def parse_equity(config: Any, line: str, date: datetime) -> TradeBar:
        """Read a line of a file of shares."""
        from engine.data.sources import trade_bar

        return trade_bar(config, line, date, True)

    @staticmethod
    def parse_crypto(config: Any, line: str, date: datetime) -> TradeBar:
        """Read a line of a file of coins."""
        from engine.data.sources import trade_bar

        return trade_bar(config, line, date, False)

    @staticmethod
    def parse(config: Any, line: str, base_date: datetime) -> TradeBar:
        """Read a line of the file of a subscription."""
        from engine.data.sources import trade_bar

        return trade_bar(config, line, base_date, config.security_type == SecurityType.EQUITY)


def _side(name: str) -> Any:
    def get(self: QuoteBar) -> float:
        bid, ask = self.bid, self.ask
        if bid is not None and ask is not None:
            b, a = getattr(bid, name), getattr(ask, name)
            if b and a:
                middle: float = (b + a) / 2
                src = bid._src
                if src is not None and (src.factor is not None or src.factors is not None):
                    return middle
                # LEAN halves the decimals: 15 digits take the noise of the floats away
                return float(f"{middle:.15g}")
            return b or a
        one = bid if bid is not None else ask
        return 0.0 if one is None else getattr(one, name)

    return property(get)


def _exact_side(name: str) -> Any:
    def get(self: QuoteBar) -> Decimal:
        bid, ask = self.bid, self.ask
        if bid is not None and ask is not None:
            b, a = getattr(bid, name), getattr(ask, name)
            if b and a:
                return (b + a) / _TWO
            return b or a
        one = bid if bid is not None else ask
        return ZERO if one is None else getattr(one, name)

    return property(get)


class QuoteBar(BaseData):
    """Bid and ask bars of a period; its own prices are the middle."""

    __slots__ = (
        "_row",
        "_src",
        "ask",
        "bid",
        "end_time",
        "is_fill_forward",
        "last_ask_size",
        "last_bid_size",
        "symbol",
        "time",
    )

    data_type = MarketDataType.QUOTE_BAR
    open = _side("open")
    high = _side("high")
    low = _side("low")
    close = _side("close")
    _d_open = _exact_side("_d_open")
    _d_high = _exact_side("_d_high")
    _d_low = _exact_side("_d_low")
    _d_close = _exact_side("_d_close")

    def __init__(
        self,
        time: datetime = DATE_MIN,
        symbol: Any = Symbol.EMPTY,
        bid: Bar | None = None,
        last_bid_size: float = 0.0,
        ask: Bar | None = None,
        last_ask_size: float = 0.0,
        period: timedelta | None = None,
    ) -> None:
        self._src = None
        self.time, self.symbol = time, symbol
        self.bid = None if bid is None else bid.clone()
        self.ask = None if ask is None else ask.clone()
        self.last_bid_size, self.last_ask_size = float(last_bid_size), float(last_ask_size)
        self.end_time = time + (_ONE_MINUTE if period is None else period)
        self.is_fill_forward = False

    @property
    def value(self) -> float:
        return self.close

    @value.setter
    def value(self, _: float) -> None:
        raise AttributeError(
            "expected bid or ask of a quote bar to be set, its value is the middle"
        )

    @property
    def price(self) -> float:
        return self.close

    def _exact_price(self) -> Decimal:
        return self._d_close

    @property
    def period(self) -> timedelta:
        return self.end_time - self.time

    @period.setter
    def period(self, period: timedelta) -> None:
        self.end_time = self.time + period

    def collapse(self) -> TradeBar:
        """Return the middle as a trade bar."""
        return TradeBar(
            self.time, self.symbol, self.open, self.high, self.low, self.close, 0, self.period
        )

    def clone(self, fill_forward: bool = False) -> QuoteBar:
        twin = QuoteBar(
            self.time,
            self.symbol,
            self.bid,
            self.last_bid_size,
            self.ask,
            self.last_ask_size,
            self.period,
        )
        twin.is_fill_forward = fill_forward or self.is_fill_forward
        return twin

    def __str__(self) -> str:
        parts = []
        for name, side in (("Bid", self.bid), ("Ask", self.ask)):
            for letter, part in zip("OHLC", _EXACT, strict=True):
                value = "" if side is None else _shown(getattr(side, part))
                parts.append(f"{name}: {letter}: {value}")
        return f"{self.symbol}: {' '.join(parts)} "


class Tick(BaseData):
    """One trade or quote.

    Made as in LEAN from ``(time, symbol, bid, ask)``, ``(time, symbol, last, bid, ask)`` or
    ``(time, symbol, sale_condition, exchange, quantity, price)``.
    """

    data_type = MarketDataType.TICK

    def __init__(self, time: datetime = DATE_MIN, symbol: Any = Symbol.EMPTY, *args: Any) -> None:
        self.time, self.symbol = time, symbol
        self.value = self.quantity = 0.0
        self.bid_price = self.ask_price = self.bid_size = self.ask_size = 0.0
        self.exchange, self.sale_condition, self.suspicious = "", "", False
        self.tick_type = TickType.TRADE if len(args) in (0, 4) else TickType.QUOTE
        if len(args) == 2:
            self.bid_price, self.ask_price = (float(price) for price in args)
            self.value = (self.bid_price + self.ask_price) / 2
        elif len(args) == 3:
            self.value, self.bid_price, self.ask_price = (float(price) for price in args)
        elif len(args) == 4:
            self.sale_condition, self.exchange = str(args[0]), str(args[1])
            self.quantity, self.value = float(args[2]), float(args[3])
        elif args:
            raise TypeError(
                "expected bid and ask; last, bid and ask; or sale condition, exchange, quantity "
                f"and price after time and symbol of a tick, were {len(args)} values"
            )

    @property
    def last_price(self) -> float:
        return self.value


class Dividend(BaseData):
    """Cash paid per share at the ex-date."""

    data_type = MarketDataType.AUXILIARY

    def __init__(
        self,
        symbol: Any = Symbol.EMPTY,
        date: datetime = DATE_MIN,
        distribution: Any = 0,
        reference_price: Any = 0,
    ) -> None:
        self.symbol, self.time = symbol, date
        self._distribution, self._reference_price = (
            to_decimal(distribution),
            to_decimal(reference_price),
        )

    @property
    def distribution(self) -> float:
        return float(self._distribution)

    @property
    def reference_price(self) -> float:
        return float(self._reference_price)

    @property
    def value(self) -> float:
        return float(self._distribution)

    @value.setter
    def value(self, amount: Any) -> None:
        self._distribution = to_decimal(amount)

    def __str__(self) -> str:
        return f"Dividend: {self.symbol}: {self.distribution} | {self.reference_price}"


class Split(BaseData):
    """A split (factor 0.5: two for one), or the warning the day before."""

    data_type = MarketDataType.AUXILIARY

    def __init__(
        self,
        symbol: Any = Symbol.EMPTY,
        date: datetime = DATE_MIN,
        price: Any = 0,
        split_factor: Any = 1,
        type: SplitType = SplitType.SPLIT_OCCURRED,
    ) -> None:
        self.symbol, self.time, self.type = symbol, date, type
        self._reference_price, self._split_factor = to_decimal(price), to_decimal(split_factor)

    @property
    def split_factor(self) -> float:
        return float(self._split_factor)

    @property
    def reference_price(self) -> float:
        return float(self._reference_price)

    @property
    def value(self) -> float:
        return float(self._reference_price)

    @value.setter
    def value(self, price: Any) -> None:
        self._reference_price = to_decimal(price)

    def __str__(self) -> str:
        return f"{self.type}: {self.symbol}: {self.split_factor} | {self.reference_price}"


class Delisting(BaseData):
    """The last trading day of a security, or the day after."""

    data_type = MarketDataType.AUXILIARY

    def __init__(
        self,
        symbol: Any = Symbol.EMPTY,
        date: datetime = DATE_MIN,
        price: Any = 0,
        type: DelistingType = DelistingType.DELISTED,
    ) -> None:
        self.symbol, self.time, self.type = symbol, date, type
        self._price = to_decimal(price)
        self.value = float(self._price)
        self.ticket: Any = None

    def __str__(self) -> str:
        return f"Delisting: {self.symbol}: {self.type} | {self.value}"


class SymbolChangedEvent(BaseData):
    """A rename."""

    data_type = MarketDataType.AUXILIARY

    def __init__(
        self,
        requested_symbol: Any = Symbol.EMPTY,
        date: datetime = DATE_MIN,
        old_symbol: str = "",
        new_symbol: str = "",
    ) -> None:
        self.symbol, self.time, self.value = requested_symbol, date, 0.0
        self.old_symbol, self.new_symbol = old_symbol, new_symbol

    def __str__(self) -> str:
        return f"Symbol Changed: {self.old_symbol} -> {self.new_symbol}"


class IndicatorDataPoint(LeanObject):
    """A time and a value."""

    __slots__ = ("end_time", "symbol", "time", "value")

    def __init__(self, *args: Any) -> None:
        self.symbol: Any = Symbol.EMPTY
        self.time: datetime = DATE_MIN
        self.value: float = 0.0
        if len(args) == 2:
            self.time, self.value = args[0], float(args[1])
        elif len(args) == 3:
            self.symbol, self.time, self.value = args[0], args[1], float(args[2])
        self.end_time = self.time

    @property
    def price(self) -> float:
        return self.value

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        return f"{self.time:%m/%d/%Y %H:%M:%S} - {self.value:g}"

    def _other(self, other: Any) -> float:
        return float(getattr(other, "value", other))

    def __lt__(self, other: Any) -> bool:
        return self.value < self._other(other)

    def __le__(self, other: Any) -> bool:
        return self.value <= self._other(other)

    def __gt__(self, other: Any) -> bool:
        return self.value > self._other(other)

    def __ge__(self, other: Any) -> bool:
        return self.value >= self._other(other)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, IndicatorDataPoint):
            return self.value == other.value and self.time == other.time
        return isinstance(other, (int, float)) and self.value == other

    __hash__ = object.__hash__

    def __add__(self, other: Any) -> float:
        return self.value + self._other(other)

    def __radd__(self, other: Any) -> float:
        return self._other(other) + self.value

    def __sub__(self, other: Any) -> float:
        return self.value - self._other(other)

    def __rsub__(self, other: Any) -> float:
        return self._other(other) - self.value

    def __mul__(self, other: Any) -> float:
        return self.value * self._other(other)

    def __rmul__(self, other: Any) -> float:
        return self._other(other) * self.value

    def __truediv__(self, other: Any) -> float:
        return self.value / self._other(other)

    def __rtruediv__(self, other: Any) -> float:
        return self._other(other) / self.value
