"""``Field``: what of a bar goes into an indicator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.types.bars import QuoteBar, Tick, TradeBar

Selector = Callable[[Any], float]
_BARS = (TradeBar, QuoteBar)


def _bar(function: Selector) -> Any:
    def select(data: Any) -> float:
        return function(data) if isinstance(data, _BARS) else float(data.value)

    return staticmethod(select)


def _quote(side: str, price: str) -> Any:
    def select(data: Any) -> float:
        if isinstance(data, QuoteBar):
            return float(getattr(getattr(data, side), price))
        return float(data.value)

    return staticmethod(select)


def _price(side: str) -> Any:
    def select(data: Any) -> float:
        if isinstance(data, Tick):
            return float(getattr(data, side + "_price"))
        if isinstance(data, QuoteBar):
            return float(getattr(data, side).close)
        return float(data.value)

    return staticmethod(select)


def _volume(data: Any) -> float:
    if isinstance(data, TradeBar):
        return data.volume
    return data.quantity if isinstance(data, Tick) else float(data.value)


def _close(data: Any) -> float:
    return float(data.value)


class Field:
    """Selectors: ``sma(symbol, 10, Resolution.DAILY, Field.HIGH)``; other data gives its value."""

    OPEN: Selector = _bar(lambda b: b.open)
    HIGH: Selector = _bar(lambda b: b.high)
    LOW: Selector = _bar(lambda b: b.low)
    CLOSE: Selector = staticmethod(_close)
    VOLUME: Selector = staticmethod(_volume)
    AVERAGE: Selector = _bar(lambda b: (b.open + b.high + b.low + b.close) / 4)
    MEDIAN: Selector = _bar(lambda b: (b.high + b.low) / 2)
    TYPICAL: Selector = _bar(lambda b: (b.high + b.low + b.close) / 3)
    WEIGHTED: Selector = _bar(lambda b: (b.high + b.low + 2 * b.close) / 4)
    SEVEN_BAR: Selector = _bar(lambda b: (2 * b.open + b.high + b.low + 3 * b.close) / 7)
    BID_OPEN: Selector = _quote("bid", "open")
    BID_HIGH: Selector = _quote("bid", "high")
    BID_LOW: Selector = _quote("bid", "low")
    BID_CLOSE: Selector = _quote("bid", "close")
    ASK_OPEN: Selector = _quote("ask", "open")
    ASK_HIGH: Selector = _quote("ask", "high")
    ASK_LOW: Selector = _quote("ask", "low")
    ASK_CLOSE: Selector = _quote("ask", "close")
    BID_PRICE: Selector = _price("bid")
    ASK_PRICE: Selector = _price("ask")
    Open, High, Low, Close, Volume = OPEN, HIGH, LOW, CLOSE, VOLUME
    Average, Median, Typical, Weighted, SevenBar = AVERAGE, MEDIAN, TYPICAL, WEIGHTED, SEVEN_BAR
    BidOpen, BidHigh, BidLow, BidClose = BID_OPEN, BID_HIGH, BID_LOW, BID_CLOSE
    AskOpen, AskHigh, AskLow, AskClose = ASK_OPEN, ASK_HIGH, ASK_LOW, ASK_CLOSE
    BidPrice, AskPrice = BID_PRICE, ASK_PRICE


QUOTE_FIELDS: frozenset[Any] = frozenset(
    getattr(Field, name) for name in dir(Field) if name.startswith(("BID_", "ASK_"))
)


def data_type_of(selector: Any) -> type | None:
    """Return the type of data that a selector of :class:`Field` needs, if it needs one."""
    if selector in QUOTE_FIELDS:
        return QuoteBar
    return TradeBar if selector is Field.VOLUME else None
