"""The last known prices of a security.

Equities take their price from trades, quotes give them only bid and ask. Elsewhere the last bar
counts, and of a trade
and a quote bar of one moment the quote bar. Fill-forward bars change nothing.

Bars are only remembered when they arrive; prices are read out of them at the first look, and most
are never looked at.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from engine.securities.touches import TOUCHES
from engine.types.bars import QuoteBar, Tick, TradeBar
from engine.types.decimals import ZERO, to_decimal
from engine.types.dotnet import LeanObject
from engine.types.enums import MarketDataType, SecurityType, TickType

_FIELDS = ("open", "high", "low", "close")
_OF_TICKS = ("value", "bid_price", "ask_price")


class UserValues(dict[str, Any]):
    """Values under names of the user's own, which securities show as attributes."""

    def __setitem__(self, key: str, value: Any) -> None:
        from engine.securities.security import show_user_value

        super().__setitem__(key, value)
        show_user_value(key)


class SecurityCache(LeanObject):
    """Prices, sizes and last data of one security; exact values are under ``_price``,
    ``_bid_price``, ...
    """

    def __init__(self) -> None:
        self._properties = UserValues()
        self._is_equity: bool | None = None
        self.session: Any = None
        self.reset()

    def reset(self) -> None:
        """Forget all data; properties stay."""
        TOUCHES.count += 1
        self._pending_trade: TradeBar | None = None
        self._pending_quote: QuoteBar | None = None
        self._range: Any = None
        self._traded: Any = None
        self._p = self._o = self._h = self._l = self._c = ZERO
        self._bid = self._ask = self._bid_n = self._ask_n = self._vol = ZERO
        self.open_interest = 0
        self._quote_end: datetime | None = None
        self._bars_end: datetime | None = None
        self._last: Any = None
        self._by_type: dict[type, list[Any]] = {}
        self._ticks: dict[TickType, list[Any]] = {}

    @property
    def properties(self) -> dict[str, Any]:
        return self._properties

    def _share_types(self, other: SecurityCache) -> None:
        """Keep points by type together with another cache."""
        other._by_type.update(self._by_type)
        self._by_type = other._by_type

    # -- arrival ---------------------------------------------------------------------------------

    def _store_trade(self, bar: TradeBar) -> None:
        """Take a trade bar of an equity that is no fill-forward; nothing of it is read now."""
        TOUCHES.count += 1
        self._pending_trade = bar

    def _store_quote(self, bar: QuoteBar) -> None:
        """Take a quote bar of an equity that is no fill-forward; a bar with one side only is read
        at once.
        """
        TOUCHES.count += 1
        bid, ask = bar.bid, bar.ask
        complete = bid is not None and ask is not None and bid.close and ask.close
        if not complete:
            self._settle()
        self._pending_quote = bar
        if not complete:
            self._settle()

    def _settle(self) -> None:
        """Read the prices out of the bars that arrived."""
        trade, quote = self._pending_trade, self._pending_quote
        if trade is not None:
            self._pending_trade = None
            if type(trade) is TradeBar:
                self._take_trade(trade)
            else:
                self._take(trade)
        if quote is not None:
            self._pending_quote = None
            self._take(quote)

    def add_data(self, data: Any) -> None:
        """Take one point."""
        TOUCHES.count += 1
        self._settle()
        self._process(data, True)

    def add_data_list(self, data: list[Any], data_type: type, *_: Any) -> None:
        """Take the points of one moment of one type."""
        TOUCHES.count += 1
        self._settle()
        # the type of a subscription stands for its class
        data_type = getattr(data_type, "_kind", data_type)
        fresh = [point for point in data if not point.is_fill_forward]
        if fresh:
            self.store_data(fresh, data_type)
        for point in fresh:
            self._process(point, False)

    def store_data(self, data: list[Any], data_type: type) -> None:
        if data_type is Tick:
            self._ticks[data[-1].tick_type] = data
        else:
            self._by_type[data_type] = data

    def _process(self, data: Any, by_type: bool) -> None:
        if type(data) is Tick and data.tick_type == TickType.OPEN_INTEREST:
            self.open_interest = int(data.value)
            return
        if data.is_fill_forward:
            return
        if by_type:
            # of ticks of one moment LEAN keeps the whole list
            self.store_data(getattr(data, "_moment", None) or [data], type(data))
        if data.data_type == MarketDataType.AUXILIARY:
            return
        self._take(data)

    def _is_default(self, data: Any, quote: bool) -> bool:
        if not quote:
            return True
        equity = self._is_equity
        if equity is None:
            equity = self._is_equity = data.symbol.security_type == SecurityType.EQUITY
        return not equity

    def _take_trade(self, bar: TradeBar) -> None:
        """Take a trade bar: what :meth:`_take` does, without its questions."""
        end = bar.end_time
        fresh = self._quote_end != end
        if fresh or self._last is None:
            self._last = bar
        self._by_type[TradeBar] = [bar]
        if fresh or self._bars_end != end:
            self._bars_end = end
            src = bar._src
            if src is not None and bar.open and bar.high and bar.low and bar.close:
                self._range = bar
                self._p = self._c = src.exact(3, bar._row)
            else:
                self._take_prices(bar)
        if bar.volume:
            self._traded = bar.volume

    def _take(self, data: Any) -> None:
        kind = type(data)
        if isinstance(data, Tick):
            self._take_tick(data)
            return
        quote = isinstance(data, QuoteBar)
        default = self._is_default(data, quote)
        end = data.end_time
        trade = isinstance(data, TradeBar)
        if default and (self._last is None or self._quote_end != end or not trade):
            self._last = data
        if not (trade or quote):
            if data.data_type != MarketDataType.BASE or data.price:
                self._p = data._exact_price()
            return
        if kind is TradeBar or kind is QuoteBar:
            self._by_type[kind] = [data]
        if default and (self._quote_end != end or self._bars_end != end):
            self._bars_end = end
            self._take_prices(data)
        if trade:
            if data.volume:
                self._traded = data.volume
            return
        self._quote_end = end
        bid, ask = data.bid, data.ask
        if ask is not None and ask.close:
            self._ask = ask._d_close
        if bid is not None and bid.close:
            self._bid = bid._d_close
        if data.last_bid_size:
            self._bid_n = to_decimal(data.last_bid_size)
        if data.last_ask_size:
            self._ask_n = to_decimal(data.last_ask_size)

    def _take_prices(self, bar: Any) -> None:
        if bar.open and bar.high and bar.low:
            # seldom looked at: read then
            self._range = bar
        else:
            self._settle_range()
            if bar.open:
                self._o = bar._d_open
            if bar.high:
                self._h = bar._d_high
            if bar.low:
                self._l = bar._d_low
        if bar.close:
            self._p = self._c = bar._d_close

    def _settle_range(self) -> None:
        """Read open, high and low out of the bar that gives them, and the volume as it came."""
        traded = self._traded
        if traded is not None:
            self._traded = None
            self._vol = to_decimal(traded)
        bar = self._range
        if bar is not None:
            self._range = None
            self._o, self._h, self._l = bar._d_open, bar._d_high, bar._d_low

    def _take_tick(self, tick: Tick) -> None:
        if self._is_default(tick, tick.tick_type == TickType.QUOTE):
            self._last = tick
        # (value, bid, ask) as the file has them
        exact = dict(zip(_OF_TICKS, getattr(tick, "_exact", ()), strict=False))
        if tick.value:
            self._p = exact.get("value") or to_decimal(tick.value)
        if tick.tick_type == TickType.TRADE:
            if tick.quantity:
                self._traded = None
                self._vol = to_decimal(tick.quantity)
            return
        for name, slot in (
            ("bid_price", "_bid"),
            ("bid_size", "_bid_n"),
            ("ask_price", "_ask"),
            ("ask_size", "_ask_n"),
        ):
            value = getattr(tick, name)
            if value:
                setattr(self, slot, exact.get(name) or to_decimal(value))

    # -- looks ---------------------------------------------------------------------------------

    def _look(self, slot: str) -> Decimal:
        if self._pending_trade is not None or self._pending_quote is not None:
            self._settle()
        if self._range is not None or self._traded is not None:
            self._settle_range()
        value: Decimal = getattr(self, slot)
        return value

    def _look_at(self, slot: str) -> Decimal:
        """Read what every arrival sets at once: the close, and the sides of quotes."""
        if self._pending_trade is not None or self._pending_quote is not None:
            self._settle()
        value: Decimal = getattr(self, slot)
        return value

    @property
    def _price(self) -> Decimal:
        if self._pending_trade is not None or self._pending_quote is not None:
            self._settle()
        return self._p

    _open = property(lambda self: self._look("_o"))
    _high = property(lambda self: self._look("_h"))
    _low = property(lambda self: self._look("_l"))
    _close = property(lambda self: self._look_at("_c"))
    _bid_price = property(lambda self: self._look_at("_bid"))
    _ask_price = property(lambda self: self._look_at("_ask"))
    _bid_size = property(lambda self: self._look_at("_bid_n"))
    _ask_size = property(lambda self: self._look_at("_ask_n"))
    _volume = property(lambda self: self._look("_vol"))
    price = property(lambda self: float(self._price))
    open = property(lambda self: float(self._open))
    high = property(lambda self: float(self._high))
    low = property(lambda self: float(self._low))
    close = property(lambda self: float(self._close))
    bid_price = property(lambda self: float(self._bid_price))
    ask_price = property(lambda self: float(self._ask_price))
    bid_size = property(lambda self: float(self._bid_size))
    ask_size = property(lambda self: float(self._ask_size))
    volume = property(lambda self: float(self._volume))

    def get_data(self, data_type: type | None = None) -> Any:
        """Return the last point that gave the price, or the last one of a type."""
        if self._pending_trade is not None or self._pending_quote is not None:
            self._settle()
        if data_type is None:
            return self._last
        found = self.get_all(data_type)
        return found[-1] if found else None

    def get_all(self, data_type: type) -> list[Any]:
        """Return the points of the last moment of a type."""
        if self._pending_trade is not None or self._pending_quote is not None:
            self._settle()
        if data_type is Tick:
            return [*self._ticks.get(TickType.TRADE, ()), *self._ticks.get(TickType.QUOTE, ())]
        found = self._by_type.get(data_type)
        if found is None:
            found = next((v for k, v in self._by_type.items() if issubclass(k, data_type)), None)
        return list(found or ())

    def has_data(self, type: type) -> bool:
        return bool(self.get_all(type))

    def _apply_split(self, factor: Decimal) -> None:
        """Carry prices and sizes over a split, the remembered bars included."""
        TOUCHES.count += 1
        self._settle()
        self._settle_range()
        for slot in ("_p", "_o", "_h", "_l", "_c", "_bid", "_ask"):
            setattr(self, slot, getattr(self, slot) * factor)
        for slot in ("_vol", "_bid_n", "_ask_n"):
            setattr(self, slot, getattr(self, slot) / factor)
        for kind, points in self._by_type.items():
            scaled = [_scaled(point, factor) for point in points]
            for old, new in zip(points, scaled, strict=True):
                if old is self._last:
                    self._last = new
            self._by_type[kind] = scaled


def _scaled(point: Any, factor: Decimal) -> Any:
    """Return a copy of a bar with its prices times a factor; the bar itself may be in the user's
    hands.
    """
    if not isinstance(point, (TradeBar, QuoteBar)):
        return point
    twin = point.clone()
    sides = [twin] if isinstance(point, TradeBar) else [s for s in (twin.bid, twin.ask) if s]
    source = [point] if isinstance(point, TradeBar) else [s for s in (point.bid, point.ask) if s]
    for side, old in zip(sides, source, strict=True):
        prices = [getattr(old, f"_d_{name}") * factor for name in _FIELDS]
        side._src = None
        for name, price in zip(_FIELDS, prices, strict=True):
            setattr(side, name, float(price))
    twin._src = None
    if isinstance(point, TradeBar) and isinstance(twin, TradeBar):
        twin.volume = float(to_decimal(point.volume) / factor)
    return twin
