"""Questions about order statuses and kinds."""

from __future__ import annotations

from engine.types.dotnet import LeanObject
from engine.types.enums import OrderStatus, OrderType

CLOSED = frozenset((OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.INVALID))
FILLS = frozenset((OrderStatus.FILLED, OrderStatus.PARTIALLY_FILLED))
LIMIT_KINDS = frozenset((OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.LIMIT_IF_TOUCHED))
STOP_KINDS = frozenset((OrderType.STOP_MARKET, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP))


class OrderExtensions(LeanObject):
    """LEAN's ``OrderExtensions``."""

    @staticmethod
    def is_closed(status: OrderStatus) -> bool:
        return status in CLOSED

    @staticmethod
    def is_open(status: OrderStatus) -> bool:
        return status not in CLOSED

    @staticmethod
    def is_fill(status: OrderStatus) -> bool:
        return status in FILLS

    @staticmethod
    def is_limit_order(order_type: OrderType) -> bool:
        return order_type in LIMIT_KINDS

    @staticmethod
    def is_stop_order(order_type: OrderType) -> bool:
        return order_type in STOP_KINDS
