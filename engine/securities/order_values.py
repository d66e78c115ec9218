"""Numbers of an order that margin and fees need."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine.types.decimals import ZERO
from engine.types.enums import OrderType

_AT_LIMIT = (OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.LIMIT_IF_TOUCHED)
_AT_STOP = (OrderType.STOP_MARKET, OrderType.TRAILING_STOP)


def own_price(order: Any) -> Decimal | None:
    """Return the limit or stop price of an order; ``None`` for orders at the market."""
    if order.type in _AT_LIMIT:
        limit: Decimal = order._limit_price
        return limit
    if order.type in _AT_STOP:
        stop: Decimal = order._stop_price
        return stop
    return None


def order_value(order: Any, security: Any) -> Decimal:
    """Return the value of an order in the account currency.

    An order with a price of its own is valued at the worse of it and the market: the lower one for
    a buy, the higher one for a sell, as ``Order.GetValue`` does.
    """
    quantity: Decimal = order._quantity
    price: Decimal = security._price
    own = own_price(order) if order._prices else None
    if own is not None:
        price = max(own, price) if quantity < 0 else min(own, price) if quantity > 0 else ZERO
    return _worth(security, quantity, price)


def value_at_market(security: Any, quantity: Decimal) -> Decimal:
    """Return the value of an order at the market without the order."""
    return _worth(security, quantity, security._price)


def _worth(security: Any, quantity: Decimal, price: Decimal) -> Decimal:
    value = quantity * price
    return (
        value
        * security.quote_currency._conversion._conversion_rate
        * security.symbol_properties._contract_multiplier
    )
