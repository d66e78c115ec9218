"""Orders that may still fill: what the host lists, and what was let through and is on its way.

A snapshot of open orders can lag behind; an order let through a moment ago may not be in it yet,
or a fill may be in the holdings before its event arrived. The book therefore counts, per order,
the larger of what the snapshot says and what it knows itself, and forgets an order only when its
events account for it completely. Events may come late, twice and in any order.

Not thread-safe by itself: the gate's lock guards it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
# asked of their class these cost 20 times as much in Python 3.11, and every event asks
_UPDATED, _FILLED = OrderStatus.UPDATED, OrderStatus.FILLED
_CANCELED, _INVALID = OrderStatus.CANCELED, OrderStatus.INVALID


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
    seen: set[Any] | None = None

    @property
    def remaining(self) -> float:
        """What may still reach the holdings."""
        goal = self.total if self.accounted is None else self.accounted
        rest = goal - self.filled
        return rest if rest * self.total > 0 else 0.0

    def take(self, mark: Any, quantity: float) -> bool:
        """Count a fill; False when it was counted before."""
        if self.seen is None:
            self.seen = {mark}
        elif mark in self.seen:
            return False
        else:
            self.seen.add(mark)
        self.filled += quantity
        return True


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


class Flight:
    """Every order that may still fill, at one moment; not changed after it was made.

    Attributes
    ----------
    lines : one entry an order
    symbols : symbol of each order by its id
    by_symbol : the entries of each symbol, in sequence
    """

    __slots__ = ("by_symbol", "lines", "symbols")

    def __init__(self, lines: Sequence[Pending]) -> None:
        self.lines = lines
        self.symbols: dict[OrderId, str] = {}
        self.by_symbol: dict[str, list[Pending]] = {}
        for line in lines:
            symbol = line[1]
            self.symbols[line[0]] = symbol
            known = self.by_symbol.get(symbol)
            if known is None:
                self.by_symbol[symbol] = [line]
            else:
                known.append(line)

    def without(self, order_id: OrderId) -> Sequence[Pending]:
        """The entries of all other orders."""
        if order_id not in self.symbols:
            return self.lines
        return [line for line in self.lines if line[0] != order_id]

    def beside(self, order_id: OrderId, symbol: str) -> Sequence[Pending]:
        """The entries of all other orders in a symbol."""
        found = self.by_symbol.get(symbol)
        if found is None:
            return ()
        if order_id not in self.symbols:
            return found
        return [line for line in found if line[0] != order_id]


_EMPTY = Flight(())


class OrderBook:
    """What is in flight."""

    __slots__ = ("_finished", "_flight", "_listed", "_refused", "_working", "unseen")

    def __init__(self) -> None:
        self._working: dict[OrderId, Working] = {}
        self._finished: OrderedDict[OrderId, None] = OrderedDict()
        self._refused: OrderedDict[OrderId, None] = OrderedDict()
        self.unseen: set[OrderId] = set()
        # the host's list looked at last and what it says; and what may fill with what is known
        # beside it, until something is learnt
        self._listed: tuple[tuple[OpenOrder, ...], Flight] | None = None
        self._flight: tuple[tuple[OpenOrder, ...], Flight] | None = None

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
        self._flight = None
        known = self._working.get(order_id)
        if order_id in self._refused:
            del self._refused[order_id]
        if known is None:
            if order_id in self._finished:
                del self._finished[order_id]
            self._working[order_id] = Working(symbol, total, resting, price, multiplier, group)
        elif abs(total) > abs(known.total) or total * known.total <= 0:
            known.total = total

    def withdraw(self, order_id: OrderId) -> None:
        """Take back a reservation whose order will not be sent after all."""
        self._flight = None
        self._working.pop(order_id, None)

    def resize(self, order_id: OrderId, total: float) -> None:
        """Take back an update: the order is counted at its old size again."""
        self._flight = None
        known = self._working.get(order_id)
        if known is not None:
            known.total = total

    def refuse(self, order_id: OrderId) -> None:
        """Remember that a new order was refused: the host may list it for a moment."""
        if order_id not in self._working:
            self._flight = None
            _remember(self._refused, order_id)

    def working(self, order_id: OrderId) -> Working | None:
        """The order in flight under an id."""
        return self._working.get(order_id)

    def on_event(self, event: OrderEvent) -> None:
        """Take in the news of an order."""
        order_id, status = event.order_id, event.status
        self._flight = None
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
            known.take(mark, event.fill_quantity)
        if status is _UPDATED and event.quantity is not None:
            known.total = event.quantity
        if status is _FILLED:
            known.accounted = known.total
        elif status is _CANCELED:
            known.accounted = known.filled if event.filled_total is None else event.filled_total
        elif status is _INVALID:
            known.accounted = known.filled
        if known.accounted is not None and known.remaining == 0.0:
            self._finish(order_id)

    def on_fill(self, fill: Fill) -> None:
        """Take in an execution that comes without an order event."""
        self._flight = None
        known = self._working.get(fill.order_id)
        if known is None:
            if fill.order_id not in self._finished:
                self.unseen.add(fill.order_id)
            return
        mark = fill.fill_id if fill.fill_id is not None else (fill.time, fill.quantity, fill.price)
        if known.take(mark, fill.quantity) and known.remaining == 0.0:
            self._finish(fill.order_id)

    def _on_unknown(self, event: OrderEvent) -> None:
        if event.status.terminal:
            self._refused.pop(event.order_id, None)
        if event.order_id in self._finished or event.order_id in self._refused:
            return
        if event.status is _INVALID:
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
        self._flight = None
        for order_id in gone:
            self._finish(order_id)
        return gone

    def pending(self, listed: tuple[OpenOrder, ...], exclude: OrderId | None) -> list[Pending]:
        """Every order that may still fill, one entry each, without ``exclude``."""
        return [line for line in self.flight(listed).lines if line.order_id != exclude]

    def flight(self, listed: tuple[OpenOrder, ...]) -> Flight:
        """Every order that may still fill, given the host's list of open orders.

        The same object as before while the list is the same tuple and nothing was learnt that
        tells otherwise, so that what was worked out from it holds as long as it is handed out.
        """
        if type(listed) is not tuple:
            listed = tuple(listed)  # one that can change in place is read anew each time
        known = self._flight
        if known is not None and known[0] is listed:
            return known[1]
        made = self._make(listed)
        self._flight = (listed, made)
        return made

    def _make(self, listed: tuple[OpenOrder, ...]) -> Flight:
        working, refused = self._working, self._refused
        if not listed and not working:
            return _EMPTY
        if not refused and not working:
            return self._said(listed)
        ids = {order.order_id for order in listed}
        if working.keys().isdisjoint(ids) and refused.keys().isdisjoint(ids):
            said = self._said(listed)
            if not working:
                return said
            lines, matched = list(said.lines), ids  # nothing known differs from the list
        else:
            lines, matched = self._compared(listed)
        for order_id, known in working.items():
            if order_id in matched:
                continue
            rest = known.remaining
            if rest != 0.0:
                line = (
                    *(order_id, known.symbol, rest, known.resting),
                    *(known.price, known.multiplier, known.group),
                )
                lines.append(_new(Pending, line))
        return Flight(lines)

    def _said(self, listed: tuple[OpenOrder, ...]) -> Flight:
        """What the host's list alone says, worked out once for a list."""
        known = self._listed
        if known is None or known[0] is not listed:
            known = self._listed = (listed, Flight(_told(listed)))
        return known[1]

    def _compared(self, listed: tuple[OpenOrder, ...]) -> tuple[list[Pending], set[OrderId]]:
        """The listed orders, each at the larger of what is listed and what is known."""
        working, refused = self._working, self._refused
        result: list[Pending] = []
        matched: set[OrderId] = set()
        for order in listed:
            order_id = order.order_id
            if order_id in refused:
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


def _told(listed: Iterable[OpenOrder]) -> list[Pending]:
    """What the host's list alone says."""
    return [
        _new(
            Pending,
            (o.order_id, o.symbol, o.quantity, o.kind.resting, o.price, o.multiplier, o.group),
        )
        for o in listed
        if o.quantity != 0.0
    ]


def _remember(memory: OrderedDict[OrderId, None], order_id: OrderId) -> None:
    memory[order_id] = None
    if len(memory) > _REMEMBERED:
        memory.popitem(last=False)
