"""Delistings: the position is sold at its last price, open orders are canceled."""

from __future__ import annotations

from typing import Any

from engine.orders.event import OrderEvent
from engine.orders.kinds import MarketOrder
from engine.securities.fees.base import OrderFee
from engine.types.enums import DelistingType, OrderStatus
from engine.universes.user_defined import UserDefinedUniverse

DELISTING_TAG = "Liquidate from delisting"


def process_delistings(book: Any, current: Any) -> None:
    """Sell what is delisted, take it out of the universes, cancel its orders."""
    algorithm = book._algorithm
    for delisting in list(current.delistings.values()):
        if delisting.type == DelistingType.WARNING:
            continue
        security = algorithm.securities[delisting.symbol]
        quantity = -security.holdings._quantity
        if quantity:
            order = MarketOrder(security.symbol, quantity, algorithm._utc, DELISTING_TAG)
            book.add_open_order(order)
            fill = OrderEvent(order, algorithm._utc, OrderFee.ZERO, DELISTING_TAG)
            fill.fill_price = security._price
            fill.status = OrderStatus.FILLED
            fill.fill_quantity = order._quantity
            book.handle_events([fill])
        _leave_universes(algorithm, security)
        if not algorithm.is_warming_up:
            algorithm.transactions.cancel_open_orders(delisting.symbol)


def _leave_universes(algorithm: Any, security: Any) -> None:
    """Take a delisted security out of every universe."""
    universes = algorithm.universe_manager
    for universe in list(universes.values()):
        if not universe.contains_member(security.symbol):
            continue
        if isinstance(universe, UserDefinedUniverse):
            if universe.remove(security.symbol):
                universes.update(universe.symbol, universe, "Replace")
        else:
            universe._remove_member(algorithm._utc, security)
    universes.process_changes()
