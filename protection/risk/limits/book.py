"""Value of every position at its worst around one order, given what may still fill."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from protection.risk.limits.base import Candidate
from protection.risk.limits.tally import Holdings, Shape
from protection.risk.orders import Flight, Pending


@dataclass(slots=True)
class Book:
    """The account without the candidate.

    Attributes
    ----------
    shape : what all symbols may reach; the candidate's own symbol is not taken from it
    held, buys, sells : the candidate's own symbol at its reference price: the holding and what may
        still be bought (positive) and sold (negative), in full
    value : size of the order in account currency
    ahead : own value in the order's direction with everything pending on its side
    after : largest size of the own symbol with the order. An order against the present side
        shrinks the position first: it counts at least at what may be held anyway
    size, top, bottom, squares, count : sums over all other symbols, as in :class:`Shape`
    """

    shape: Shape
    held: float
    buys: float
    sells: float
    value: float
    ahead: float
    after: float
    size: float
    top: float
    bottom: float
    squares: float
    count: int


def book_of(candidate: Candidate) -> Book | str:
    """Book around a candidate, made once, or why it cannot be told.

    Pending orders of the candidate's own symbol are counted in full; of other symbols the orders
    that reduce and do not rest in the book are credited as exits, so that a rotation can pass.
    """
    if candidate.book is None:
        flight, symbol = Flight(candidate.pending), candidate.symbol
        holdings = Holdings(candidate.portfolio.positions)
        shape = Shape(holdings, flight, candidate.price_of)
        own = flight.by_symbol.get(symbol, ())
        candidate.book = book_within(candidate, holdings, flight, shape, own)
    return candidate.book


def book_within(
    candidate: Candidate,
    holdings: Holdings,
    flight: Flight,
    shape: Shape,
    pending: Sequence[Pending],
) -> Book | str:
    """Book around a candidate within a shape made before, or why it cannot be told.

    Parameters
    ----------
    candidate : the order
    holdings, flight, shape : of its account; an order of its own symbol may be among them
    pending : what may fill in its own symbol beside it
    """
    symbol, unit = candidate.symbol, candidate.unit
    if shape.faults:
        for name, text in shape.faults.items():
            if name != symbol:
                return text
    if not shape.finite:  # the own symbol may be the one to blame
        others = {name: p for name, p in holdings.positions.items() if name != symbol}
        lines = [line for line in flight.lines if line.symbol != symbol]
        shape = Shape(Holdings(others), Flight(lines), candidate.price_of)
        if not shape.finite:
            total = shape.size + shape.top + shape.bottom
            return f"expected finite positions and prices, was {total} in sum"
    size, top, bottom = shape.size, shape.top, shape.bottom
    squares, count = shape.squares, shape.count
    line, known = shape.lines.get(symbol), shape.values.get(symbol, 0.0)
    if line is not None:
        size, top, bottom = size - line.size, top - line.top, bottom - line.bottom
        squares -= line.size * line.size
        count -= line.size > 0.0
    elif known != 0.0:
        size, top, bottom = size - abs(known), top - known, bottom - known
        squares -= known * known
        count -= 1
    position = holdings.positions.get(symbol)
    held = 0.0 if position is None else position.quantity * unit
    buys = sells = 0.0
    for p in pending:
        waiting = p.quantity * unit
        if waiting > 0.0:
            buys += waiting
        else:
            sells += waiting
    most, least = held + buys, held + sells
    if not math.isfinite(most + least):
        return f"expected finite positions and prices, was {most + least} in sum"
    quantity = candidate.quantity
    if quantity > 0.0:
        value, ahead = quantity * unit, most
    else:
        value, ahead = -quantity * unit, -least
    after, whole = ahead + value, most if most > -least else -least
    return Book(
        shape,
        held,
        buys,
        sells,
        value,
        ahead,
        whole if whole > after else after,
        size,
        top,
        bottom,
        squares,
        count,
    )
