"""Combo orders: legs that fill together or not at all."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from math import gcd
from typing import Any

from engine.orders.event import OrderEvent
from engine.orders.exact import Exact, from_python
from engine.orders.kinds import limit_value
from engine.orders.order import NO_TIME, Order
from engine.orders.ticket import OrderTicket
from engine.types.decimals import ZERO, normalize
from engine.types.dotnet import LeanObject
from engine.types.enums import OrderDirection, OrderType, SecurityType
from engine.types.errors import ArgumentException
from engine.types.symbol import Symbol


class Leg(LeanObject):
    """One security of a combo: a ratio, and a limit price for leg-limit combos."""

    quantity: int
    order_price = Exact()

    def __init__(
        self, symbol: Any = Symbol.EMPTY, quantity: int = 0, order_price: Any = None
    ) -> None:
        self.symbol: Symbol = symbol
        self.quantity = quantity
        self._order_price: Decimal | None = None
        self.order_price = order_price

    @staticmethod
    def create(symbol: Any, quantity: int, limit_price: Any = None) -> Leg:
        """Make a leg."""
        return Leg(getattr(symbol, "symbol", symbol), quantity, limit_price)


class GroupOrderManager(LeanObject):
    """What the legs of one combo share."""

    quantity = Exact()
    limit_price = Exact()

    def __init__(self, id: int, leg_count: int, quantity: Any, limit_price: Any = ZERO) -> None:
        self.id = id
        self.count = leg_count
        self.quantity = quantity
        self.limit_price = limit_price
        # a dict keeps the order in which the legs came
        self._order_ids: dict[int, None] = {}

    @property
    def order_ids(self) -> list[int]:
        return list(self._order_ids)

    @property
    def absolute_quantity(self) -> float:
        return abs(float(self._quantity))

    @property
    def direction(self) -> OrderDirection:
        if self._quantity > 0:
            return OrderDirection.BUY
        return OrderDirection.SELL if self._quantity < 0 else OrderDirection.HOLD

    def _json(self) -> dict[str, Any]:
        from engine.orders.serialization import number

        return {
            "id": self.id,
            "quantity": number(self._quantity),
            "count": self.count,
            "limitPrice": number(self._limit_price),
            "orderIds": self.order_ids,
            "direction": int(self.direction),
        }


class ComboOrder(Order):
    """A leg: its quantity is its ratio times the quantity of the group."""

    def __init__(
        self,
        symbol: Any = Symbol.EMPTY,
        quantity: Any = ZERO,
        time: datetime = NO_TIME,
        group_order_manager: Any = None,
        tag: str = "",
        properties: Any = None,
    ) -> None:
        self._ratio = ZERO
        super().__init__(symbol, ZERO, time, tag, properties)
        self.group_order_manager = group_order_manager
        self.quantity = quantity

    @property
    def _quantity(self) -> Decimal:
        group = self.group_order_manager
        return normalize(self._ratio if group is None else self._ratio * group._quantity)

    @_quantity.setter
    def _quantity(self, value: Decimal) -> None:
        group = self.group_order_manager
        self._ratio = value if group is None else value / group._quantity

    def apply_update_order_request(self, request: Any) -> None:
        """Take the values of an update; a quantity is that of the group."""
        if request.order_id != self.id:
            raise ArgumentException("Attempted to apply updates to the incorrect order!")
        if request.tag is not None:
            self.tag = request.tag
        if request._quantity is not None:
            self.group_order_manager._quantity = request._quantity


class ComboMarketOrder(ComboOrder):
    """A leg at the market."""

    type = OrderType.COMBO_MARKET


class ComboLimitOrder(ComboOrder):
    """A leg of a combo with one limit for the sum."""

    type = OrderType.COMBO_LIMIT

    def _value_at(self, security: Any) -> Decimal:
        return limit_value(self._quantity, self.group_order_manager._limit_price, security._price)

    def apply_update_order_request(self, request: Any) -> None:
        super().apply_update_order_request(request)
        if request._limit_price is not None:
            self.group_order_manager._limit_price = request._limit_price


class ComboLegLimitOrder(ComboOrder):
    """A leg with a limit of its own."""

    type = OrderType.COMBO_LEG_LIMIT
    _limit_price: Decimal = ZERO
    limit_price = Exact()

    def _value_at(self, security: Any) -> Decimal:
        return limit_value(self._quantity, self._limit_price, security._price)

    def apply_update_order_request(self, request: Any) -> None:
        super().apply_update_order_request(request)
        if request._limit_price is not None:
            self._limit_price = request._limit_price


_CLASSES: dict[OrderType, type[ComboOrder]] = {
    OrderType.COMBO_MARKET: ComboMarketOrder,
    OrderType.COMBO_LIMIT: ComboLimitOrder,
    OrderType.COMBO_LEG_LIMIT: ComboLegLimitOrder,
}


def make_combo_order(request: Any) -> ComboOrder:
    """Make the leg that a submit request asks for."""
    group = request.group_order_manager
    order = _CLASSES[request.order_type](
        request.symbol, request._quantity, request._time, group, request.tag,
        request.order_properties,
    )  # fmt: skip
    if isinstance(order, ComboLegLimitOrder):
        order._limit_price = request._limit_price
    elif isinstance(order, ComboLimitOrder):
        group._limit_price = request._limit_price
    return order


def submit_combo(
    algorithm: Any,
    legs: Any,
    quantity: Any,
    limit: Decimal,
    tag: str | None,
    properties: Any,
    asynchronous: bool,
) -> list[OrderTicket]:
    """Check and send the legs of a combo; the first refused leg ends it before anything is sent."""
    legs = list(legs)
    size = from_python(quantity)
    divisor = gcd(*(abs(int(leg.quantity)) for leg in legs))
    if divisor != 1:
        was = ", ".join(f"{leg.quantity} {leg.symbol}" for leg in legs)
        good = ", ".join(f"{leg.quantity // divisor} {leg.symbol}" for leg in legs)
        raise ArgumentException(
            "The global combo quantity should be used to increase or reduce the size of the order, "
            "while "
            "the leg quantities should be used to specify the ratio of the order. The combo order "
            f"quantities should be reduced from {quantity}x({was}) to "
            f"{quantity * divisor}x({good})."
        )
    kind = OrderType.COMBO_LIMIT if limit else OrderType.COMBO_MARKET
    transactions = algorithm.transactions
    group = GroupOrderManager(
        transactions.get_increment_group_order_manager_id(), len(legs), size, limit
    )
    requests = []
    for leg in legs:
        security = algorithm._security_for_order(leg.symbol)
        if leg._order_price is not None:
            limit, kind = leg._order_price, OrderType.COMBO_LEG_LIMIT
        request = algorithm._order_request(
            kind, security, from_python(leg.quantity) * size, asynchronous, tag, properties,
            limit_price=limit, group_order_manager=group,
        )  # fmt: skip
        refusal = algorithm._pre_order_checks(request)
        if refusal is not None:
            return [OrderTicket._refused(transactions, request, refusal)]
        requests.append(request)
    return [transactions.add_order(request) for request in requests]


def combo_limit_fill(model: Any, order: Any, legs: list[tuple[Any, Any]]) -> list[OrderEvent]:
    """Fill all legs when the sum of their prices is better than the limit of the group.

    A leg's price counts with its ratio; 100 shares stand for one contract.
    """
    from engine.orders.fills import common
    from engine.orders.fills.model import complete

    group = order.group_order_manager
    buy = group.direction == OrderDirection.BUY
    total = ZERO
    priced = []
    for leg, security in legs:
        prices = model.get_prices(security, leg.direction)
        if common.utc_of(security, prices.end_time) < leg._time:
            return []
        price = prices._low if buy else prices._high
        ratio = leg._quantity / group._quantity
        if security.type == SecurityType.EQUITY:
            ratio /= 100
        total += price * ratio
        priced.append((leg, security, price))
    limit = group._limit_price
    if total < limit if buy else total > limit:
        return [complete(common.new_fill(s, leg), leg, price) for leg, s, price in priced]
    return []
