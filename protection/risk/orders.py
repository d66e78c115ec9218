"""Orders that may still fill: what the host lists, and what was let through and is on its way.

A snapshot of open orders can lag behind; an order let through a moment ago may not be in it yet,
or a fill may be in the holdings before its event arrived. The book therefore counts, per order,
the larger of what the snapshot says and what it knows itself, and forgets an order only when its
events account for it completely. Events may come late, twice and in any order.

Not thread-safe by itself: the gate's lock guards it.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from protection.contracts.records import (
    Fill,
    OpenOrder,
    OrderEvent,
    OrderId,
    OrderStatus,
    Portfolio,
)

_REMEMBERED = 20_000


@dataclass(slots=True)
class Working:
    """One order in flight; quantities are signed."""

    symbol: str
    total: float
    resting: bool
    price: float | None
    multiplier: float
    group: OrderId | None = None
    filled: float = 0.0
    accounted: float | None = None
    seen: set[Any] = field(default_factory=set)

    @property
    def remaining(self) -> float:
        """What may still reach the holdings."""
        goal = self.total if self.accounted is None else self.accounted
        rest = goal - self.filled
        return rest if rest * self.total > 0 else 0.0


class Pending(NamedTuple):
    """Remainder of one order as the gate counts it."""

    order_id: OrderId
    symbol: str
    quantity: float
    resting: bool
    price: float | None
    multiplier: float
    group: OrderId | None = None


# the generated constructor costs three times as much, and the gate makes one an open order
_new = tuple.__new__


class OrderBook:
    """What is in flight."""

    __slots__ = ("_finished", "_listed", "_refused", "_working", "unseen")

    def __init__(self) -> None:
        self._working: dict[OrderId, Working] = {}
        self._finished: OrderedDict[OrderId, None] = OrderedDict()
        self._refused: OrderedDict[OrderId, None] = OrderedDict()
        self.unseen: set[OrderId] = set()
        # the host's list looked at last, its ids, and what it says
        self._listed: tuple[tuple[OpenOrder, ...], frozenset[OrderId], list[Pending]] | None = None

    def __len__(self) -> int:
        return len(self._working)

    def reserve(
        self,
        order_id: OrderId,
        symbol: str,
        total: float,
        resting: bool,
        price: float | None,
        multiplier: float,
        group: OrderId | None = None,
    ) -> None:
        """Count an order from now on; an update keeps the larger of old and new size."""
        known = self._working.get(order_id)
        self._refused.pop(order_id, None)
        if known is None:
            self._finished.pop(order_id, None)
            self._working[order_id] = Working(symbol, total, resting, price, multiplier, group)
        elif abs(total) > abs(known.total) or total * known.total <= 0:
            known.total = total

    def withdraw(self, order_id: OrderId) -> None:
        """Take back a reservation whose order will not be sent after all."""
        self._working.pop(order_id, None)

    def refuse(self, order_id: OrderId) -> None:
        """Remember that a new order was refused: the host may list it for a moment."""
        if order_id not in self._working:
            _remember(self._refused, order_id)

    def working(self, order_id: OrderId) -> Working | None:
        """The order in flight under an id."""
        return self._working.get(order_id)

    def on_event(self, event: OrderEvent) -> None:
        """Take in the news of an order."""
        order_id, status = event.order_id, event.status
        known = self._working.get(order_id)
        if known is None:
            self._on_unknown(event)
            return
        if event.fill_quantity != 0.0:
            mark = (
                event.event_id
                if event.event_id is not None
                else (event.time, event.status, event.fill_quantity, event.fill_price)
            )
            if mark not in known.seen:
                known.seen.add(mark)
                known.filled += event.fill_quantity
        if status is OrderStatus.UPDATED and event.quantity is not None:
            known.total = event.quantity
        if status is OrderStatus.FILLED:
            known.accounted = known.total
        elif status is OrderStatus.CANCELED:
            known.accounted = known.filled if event.filled_total is None else event.filled_total
        elif status is OrderStatus.INVALID:
            known.accounted = known.filled
        if known.accounted is not None and known.remaining == 0.0:
            self._finish(order_id)

    def on_fill(self, fill: Fill) -> None:
        """Take in an execution that comes without an order event."""
        known = self._working.get(fill.order_id)
        if known is None:
            if fill.order_id not in self._finished:
                self.unseen.add(fill.order_id)
            return
        mark = fill.fill_id if fill.fill_id is not None else (fill.time, fill.quantity, fill.price)
        if mark in known.seen:
            return
        known.seen.add(mark)
        known.filled += fill.quantity
        if known.remaining == 0.0:
            self._finish(fill.order_id)

    def _on_unknown(self, event: OrderEvent) -> None:
        if event.status.terminal:
            self._refused.pop(event.order_id, None)
        if event.order_id in self._finished or event.order_id in self._refused:
            return
        if event.status is OrderStatus.INVALID:
            return
        self.unseen.add(event.order_id)

    def _finish(self, order_id: OrderId) -> None:
        self._working.pop(order_id, None)
        _remember(self._finished, order_id)

    def settle(self, portfolio: Portfolio) -> list[OrderId]:
        """Forget orders that ended but whose last fills were never told; returns their ids.

        To be called when holdings and open orders are known to be complete (after a
        reconciliation). Orders that nobody reported as ended stay: no news is not a cancel.
        """
        listed = {order.order_id for order in portfolio.open_orders}
        gone = [
            order_id
            for order_id, known in self._working.items()
            if known.accounted is not None and order_id not in listed
        ]
        for order_id in gone:
            self._finish(order_id)
        return gone

    def pending(self, listed: tuple[OpenOrder, ...], exclude: OrderId | None) -> list[Pending]:
        """Every order that may still fill, one entry each, without ``exclude``."""
        working, refused = self._working, self._refused
        if not listed and not working:
            return []
        said = self._listed
        if said is None or said[0] is not listed:
            said = self._listed = (listed, frozenset(order.order_id for order in listed), [])
            for o in listed:
                if o.quantity != 0.0:
                    head = (o.order_id, o.symbol, o.quantity, o.kind.resting)
                    said[2].append(_new(Pending, (*head, o.price, o.multiplier, o.group)))
        ids = said[1]
        matched: frozenset[OrderId] | set[OrderId]
        if exclude in ids or not ids.isdisjoint(refused) or not ids.isdisjoint(working):
            result, matched = self._compared(listed, exclude)
        else:
            result, matched = said[2].copy(), ids  # nothing known differs from what is listed
        for order_id, known in working.items():
            if order_id == exclude or order_id in matched:
                continue
            rest = known.remaining
            if rest != 0.0:
                line = (
                    *(order_id, known.symbol, rest, known.resting),
                    *(known.price, known.multiplier, known.group),
                )
                result.append(_new(Pending, line))
        return result

    def _compared(
        self, listed: tuple[OpenOrder, ...], exclude: OrderId | None
    ) -> tuple[list[Pending], set[OrderId]]:
        """The listed orders, each at the larger of what is listed and what is known."""
        working, refused = self._working, self._refused
        result: list[Pending] = []
        matched: set[OrderId] = set()
        for order in listed:
            order_id = order.order_id
            if order_id == exclude or order_id in refused:
                continue
            quantity, price = order.quantity, order.price
            known = working.get(order_id)
            if known is not None:
                matched.add(order_id)
                rest = known.remaining
                if abs(rest) > abs(quantity):
                    quantity = rest
                price = price if price is not None else known.price
            if quantity != 0.0:
                head = (order_id, order.symbol, quantity, order.kind.resting)
                result.append(_new(Pending, (*head, price, order.multiplier, order.group)))
        return result, matched


def _remember(memory: OrderedDict[OrderId, None], order_id: OrderId) -> None:
    memory[order_id] = None
    if len(memory) > _REMEMBERED:
        memory.popitem(last=False)
