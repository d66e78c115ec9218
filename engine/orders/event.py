"""``OrderEvent``: a change of an order's status, or a fill."""

from __future__ import annotations

import copy
from datetime import datetime
from decimal import Decimal
from typing import Any

from engine.orders.exact import Exact, smart_rounding
from engine.orders.kinds import trailing_text
from engine.orders.order import NO_TIME, Order
from engine.orders.requests import clock_text
from engine.securities.currencies import currency_symbol
from engine.types.decimals import ZERO, plain
from engine.types.dotnet import LeanObject
from engine.types.enums import OrderDirection, OrderStatus
from engine.types.symbol import Symbol
from engine.types.timezones import aware, naive

_BUY, _SELL, _HOLD = OrderDirection.BUY, OrderDirection.SELL, OrderDirection.HOLD


class _Optional(Exact):
    """A trimmed number that, once set, is not unset by ``None``."""

    __slots__ = ()

    def __set__(self, obj: Any, value: Any) -> None:
        if value is not None:
            super().__set__(obj, value)


class OrderEvent(LeanObject):
    """One event of an order.

    Made by ``OrderEvent(order, utc_time, order_fee, message="")`` or by
    ``OrderEvent(order_id, symbol, utc_time, status, direction, fill_price, fill_quantity,
    order_fee, message="")``.
    """

    fill_price = Exact(trim=True)
    fill_quantity = Exact(trim=True)
    quantity = Exact(trim=True)
    stop_price = _Optional(trim=True)
    limit_price = _Optional(trim=True)
    trigger_price = _Optional(trim=True)
    trailing_amount = _Optional(trim=True)

    # what an event has until it is set
    order_id = 0
    id = 0
    symbol: Symbol = Symbol.EMPTY
    _utc_time: datetime = NO_TIME
    status = OrderStatus.NEW
    order_fee: Any = None
    _fill_price: Decimal = ZERO
    fill_price_currency = ""
    _fill_quantity: Decimal = ZERO
    direction = OrderDirection.BUY
    message = ""
    is_assignment = False
    _stop_price: Decimal | None = None
    _trigger_price: Decimal | None = None
    _limit_price: Decimal | None = None
    _quantity: Decimal = ZERO
    is_in_the_money = False
    _trailing_amount: Decimal | None = None
    trailing_as_percentage: bool | None = None
    ticket: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not args and not kwargs:
            return
        if isinstance(args[0] if args else kwargs.get("order"), Order):
            names = ("order", "utc_time", "order_fee", "message")
            given = dict(zip(names, args, strict=False), **kwargs)
            made = OrderEvent._of(given["order"], naive(given["utc_time"]), given["order_fee"])
            self.__dict__.update(made.__dict__)
        else:
            given = dict(zip(_LONG, args, strict=False), **kwargs)
            self._utc_time = naive(given["utc_time"])
            self.order_fee = given["order_fee"]
            self.order_id = given["order_id"]
            self.symbol = given["symbol"]
            self.status = given["status"]
            self.direction = given["direction"]
            self.fill_price = given["fill_price"]
            self.fill_quantity = given["fill_quantity"]
        self.message = given.get("message", "")

    @staticmethod
    def _of(order: Any, utc: datetime, order_fee: Any) -> OrderEvent:
        """Make the event of an order at a naive UTC time; fill models do it for every look."""
        event = OrderEvent.__new__(OrderEvent)
        quantity = order._quantity
        event.order_id = order._id
        event.symbol = order.symbol
        event.status = order.status
        event._quantity = quantity
        event.direction = _BUY if quantity > 0 else _SELL if quantity < 0 else _HOLD
        event.fill_price_currency = order.price_currency
        event._utc_time = utc
        event.order_fee = order_fee
        return event

    @property
    def utc_time(self) -> datetime:
        return aware(self._utc_time)

    @utc_time.setter
    def utc_time(self, moment: datetime) -> None:
        self._utc_time = naive(moment)

    @property
    def _absolute_fill_quantity(self) -> Decimal:
        return abs(self._fill_quantity)

    @property
    def absolute_fill_quantity(self) -> float:
        return abs(float(self._fill_quantity))

    def clone(self) -> OrderEvent:
        return copy.copy(self)

    def __str__(self) -> str:
        sign = currency_symbol(self.fill_price_currency)
        parts = [
            f"Time: {clock_text(self._utc_time)} OrderID: {self.order_id} EventID: {self.id} "
            f"Symbol: {self.symbol.value} Status: {self.status.to_string()} Quantity: "
            f"{plain(self._quantity)}"
        ]
        if self._fill_quantity:
            parts.append(
                f"FillQuantity: {plain(self._fill_quantity)} "
                f"FillPrice: {sign}{plain(smart_rounding(self._fill_price))}"
            )
        if self._limit_price is not None:
            parts.append(f"LimitPrice: {sign}{plain(smart_rounding(self._limit_price))}")
        if self._stop_price is not None:
            parts.append(f"StopPrice: {sign}{plain(smart_rounding(self._stop_price))}")
        if self._trailing_amount is not None:
            distance = trailing_text(self._trailing_amount, bool(self.trailing_as_percentage), sign)
            parts.append(f"TrailingAmount: {distance}")
        if self._trigger_price is not None:
            parts.append(f"TriggerPrice: {sign}{plain(smart_rounding(self._trigger_price))}")
        if self.order_fee is not None and self.order_fee.value._amount:
            parts.append(f"OrderFee: {self.order_fee}")
        if self.message:
            parts.append(f"Message: {self.message}")
        return " ".join(parts)

    __repr__ = __str__

    def short_to_string(self) -> str:
        """Return the event in short words."""
        sign = currency_symbol(self.fill_price_currency)
        parts = [
            f"{clock_text(self._utc_time)} OID:{self.order_id} {self.symbol.value} "
            f"{self.status.to_string()} Q:{plain(self._quantity)}"
        ]
        if self._fill_quantity:
            price = plain(smart_rounding(self._fill_price))
            parts.append(f"FQ:{plain(self._fill_quantity)} FP:{sign}{price}")
        if self._limit_price is not None:
            parts.append(f"LP:{sign}{plain(smart_rounding(self._limit_price))}")
        if self._stop_price is not None:
            parts.append(f"SP:{sign}{plain(smart_rounding(self._stop_price))}")
        if self._trailing_amount is not None:
            distance = trailing_text(self._trailing_amount, bool(self.trailing_as_percentage), sign)
            parts.append(f"TA: {distance}")
        if self._trigger_price is not None:
            parts.append(f"TP:{sign}{plain(smart_rounding(self._trigger_price))}")
        if self.order_fee is not None and self.order_fee.value._amount:
            parts.append(f"OF:{sign}{self.order_fee}")
        if self.message:
            parts.append(f"M:{self.message}")
        return " ".join(parts)


_LONG = (
    "order_id",
    "symbol",
    "utc_time",
    "status",
    "direction",
    "fill_price",
    "fill_quantity",
    "order_fee",
    "message",
)
