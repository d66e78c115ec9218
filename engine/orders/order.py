"""``Order``: what every kind of order has in common."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from engine.orders.exact import Exact, from_python, to_float
from engine.orders.properties import OrderProperties
from engine.orders.time_in_force import TimeInForce
from engine.types.decimals import ZERO, normalize, plain
from engine.types.dotnet import LeanObject
from engine.types.enums import (
    DataNormalizationMode,
    OrderDirection,
    OrderStatus,
    OrderType,
    SecurityType,
)
from engine.types.symbol import Symbol
from engine.types.timezones import aware, naive

NO_TIME = datetime(1, 1, 1)
_BUY = OrderDirection.BUY
_SELL = OrderDirection.SELL
_HOLD = OrderDirection.HOLD
_NO_STATUS = OrderStatus.NONE
_RAW = DataNormalizationMode.RAW
_MARKETABLE = (OrderType.MARKET, OrderType.COMBO_MARKET)


class OrderSubmissionData(LeanObject):
    """Bid, ask and last price when the order was submitted, with the scale of the data."""

    __slots__ = ("_ask_price", "_bid_price", "_last_price")

    bid_price = Exact()
    ask_price = Exact()
    last_price = Exact()

    def __init__(self, bid_price: Any, ask_price: Any, last_price: Any) -> None:
        if type(bid_price) is type(ask_price) is type(last_price) is Decimal:
            self._bid_price, self._ask_price, self._last_price = bid_price, ask_price, last_price
        else:
            self.bid_price, self.ask_price, self.last_price = bid_price, ask_price, last_price

    def clone(self) -> OrderSubmissionData:
        return OrderSubmissionData(self._bid_price, self._ask_price, self._last_price)


def _instant(name: str) -> Any:
    """Make a property that shows a naive UTC time as an aware one."""
    slot = "_" + name

    def get(order: Any) -> datetime | None:
        moment = getattr(order, slot)
        return None if moment is None else aware(moment)

    def put(order: Any, moment: datetime | None) -> None:
        setattr(order, slot, None if moment is None else naive(moment))

    return property(get, put)


class Order(LeanObject):
    """An order; ``quantity`` is signed, ``price`` the average fill price so far.

    Parameters
    ----------
    symbol, quantity, time, tag, properties
        As in LEAN; ``time`` is UTC.
    """

    type: OrderType
    _quantity: Decimal
    _prices: tuple[str, ...] = ()
    # .NET's ticks below a microsecond: universes run one tick after midnight
    _time_ticks = 0

    price = Exact(trim=True)
    time = _instant("time")
    last_fill_time = _instant("last_fill_time")
    last_update_time = _instant("last_update_time")
    canceled_time = _instant("canceled_time")

    def __init__(
        self,
        symbol: Any = Symbol.EMPTY,
        quantity: Any = ZERO,
        time: datetime = NO_TIME,
        tag: str = "",
        properties: Any = None,
    ) -> None:
        self._id = 0
        self.contingent_id = 0
        self.broker_id: list[str] = []
        self.symbol: Symbol = symbol
        self._price: Decimal = ZERO
        self.price_currency = ""
        self._time = time if time.tzinfo is None else naive(time)
        self._last_fill_time: datetime | None = None
        self._last_update_time: datetime | None = None
        self._canceled_time: datetime | None = None
        self.group_order_manager: Any = None
        self._quantity = normalize(quantity if type(quantity) is Decimal else from_python(quantity))
        self.status = _NO_STATUS
        self.tag = tag
        self.properties: Any = OrderProperties() if properties is None else properties
        self.order_submission_data: OrderSubmissionData | None = None
        self.price_adjustment_mode = _RAW
        self._events = 0

    # -- what it is ----------------------------------------------------------------------------

    @property
    def id(self) -> int:
        return self._id

    def _set_id(self, order_id: int) -> None:
        self._id = order_id
        if order_id and self.group_order_manager is not None:
            self.group_order_manager._order_ids.setdefault(order_id)

    @property
    def quantity(self) -> float:
        return float(self._quantity)

    @quantity.setter
    def quantity(self, value: Any) -> None:
        self._quantity = normalize(from_python(value))

    @property
    def _absolute_quantity(self) -> Decimal:
        return abs(self._quantity)

    @property
    def absolute_quantity(self) -> float:
        return abs(float(self._quantity))

    @property
    def created_time(self) -> datetime:
        return aware(self._time)

    @property
    def security_type(self) -> SecurityType:
        return self.symbol.security_type

    @property
    def direction(self) -> OrderDirection:
        quantity = self._quantity
        if quantity > 0:
            return _BUY
        return _SELL if quantity < 0 else _HOLD

    @property
    def time_in_force(self) -> TimeInForce:
        found: TimeInForce = self.properties.time_in_force
        return found

    @property
    def _value(self) -> Decimal:
        return self._quantity * self._price

    @property
    def value(self) -> float:
        return to_float(self._value)

    @property
    def is_marketable(self) -> bool:
        return self.type in _MARKETABLE

    # -- what the engine asks ------------------------------------------------------------------

    def _get_value(self, security: Any) -> Decimal:
        value = self._value_at(security)
        return (
            value
            * security.quote_currency._conversion_rate
            * security.symbol_properties._contract_multiplier
        )

    def get_value(self, security: Any) -> float:
        """Return the value of the order in the account currency."""
        return to_float(self._get_value(security))

    def _value_at(self, security: Any) -> Decimal:
        return self._quantity * security._price

    def get_default_tag(self) -> str:
        return ""

    def _new_event_id(self) -> int:
        self._events += 1
        return self._events

    def apply_update_order_request(self, request: Any) -> None:
        """Take the values of an update request."""
        if request.order_id != self._id:
            raise ValueError("Attempted to apply updates to the incorrect order!")
        if request._quantity is not None:
            self.quantity = request._quantity
        if request.tag is not None:
            self.tag = request.tag
        for name in self._prices:
            value = getattr(request, name, None)
            if value is not None:
                setattr(self, name, value)

    def clone(self) -> Any:
        """Return a copy with its own properties and submission data."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin.broker_id = list(self.broker_id)
        twin.properties = self.properties.clone()
        if self.order_submission_data is not None:
            twin.order_submission_data = self.order_submission_data.clone()
        twin._events = 0
        return twin

    def __str__(self) -> str:
        tag = f": {self.tag}" if self.tag else ""
        plural = "" if self._quantity == 1 else "s"
        return (
            f"OrderId: {self._id} (BrokerId: {','.join(self.broker_id)}) {self.status.to_string()} "
            f"{self.type.to_string()} order for {plain(self._quantity)} unit{plural} of "
            f"{self.symbol}{tag}"
        )

    @staticmethod
    def create_order(request: Any) -> Any:
        """Make the order that a submit request asks for."""
        from engine.orders.kinds import make_order

        return make_order(request)
