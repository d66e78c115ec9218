"""Value of every position at its worst, given what may still fill."""

from __future__ import annotations

import math
from dataclasses import dataclass

from protection.risk.limits.base import Candidate


@dataclass(slots=True)
class Line:
    """One symbol that may still move, in account currency, signed.

    Attributes
    ----------
    held : value of the holding
    buys, sells : values of what may still be bought (positive) and sold (negative)
    closing : the part of them that reduces the holding without waiting for a price
    top, bottom : largest and smallest value it may reach, its own sure exits credited
    size : largest absolute value it may reach
    """

    held: float
    buys: float = 0.0
    sells: float = 0.0
    closing: float = 0.0
    top: float = 0.0
    bottom: float = 0.0
    size: float = 0.0

    def settle(self) -> None:
        """Work out the extremes once everything pending is counted."""
        held, closing = self.held, self.closing
        top, bottom = held + self.buys, held + self.sells
        if held > 0.0 > closing:
            top = max(0.0, top + closing)
        elif held < 0.0 < closing:
            bottom = min(0.0, bottom + closing)
        self.top, self.bottom = top, bottom
        size = top if top > -bottom else -bottom
        self.size = size if size > 0.0 else 0.0


@dataclass(slots=True)
class Book:
    """The account without the candidate.

    Attributes
    ----------
    held : value of every position by symbol
    moving : symbols with pending orders, and always the candidate's own
    own : the candidate's own line
    net : sum of the values of all positions
    """

    held: dict[str, float]
    moving: dict[str, Line]
    own: Line
    net: float


def book_of(candidate: Candidate) -> Book | str:
    """Book around a candidate, made once, or why it cannot be told.

    Pending orders of the candidate's own symbol are counted in full; of other symbols the orders
    that reduce and do not rest in the book are credited as exits, so that a rotation can pass.
    """
    if candidate.book is None:
        candidate.book = _make(candidate)
    return candidate.book


def _make(candidate: Candidate) -> Book | str:
    symbol, positions = candidate.symbol, candidate.portfolio.positions
    if candidate.values is not None:
        held = dict(candidate.values)
    else:
        held = {name: p.quantity * p.price * p.multiplier for name, p in positions.items()}
    if symbol in held:
        held[symbol] = positions[symbol].quantity * candidate.unit
    own = Line(held.get(symbol, 0.0))
    moving = {symbol: own}
    total = 0.0
    for p in candidate.pending:
        name = p.symbol
        if name == symbol:
            unit = candidate.unit
        else:
            position = positions.get(name)
            unit = 0.0 if position is None else position.price * position.multiplier
            if not unit > 0.0:
                price = p.price if p.price is not None else candidate.price_of(name)
                if price is None or not price > 0.0:
                    return f"expected a price for the open orders in {name}, was none"
                unit = price * p.multiplier
        line = moving.get(name)
        if line is None:
            moving[name] = line = Line(held.get(name, 0.0))
        value = p.quantity * unit
        total += abs(value)
        if value > 0.0:
            line.buys += value
        else:
            line.sells += value
        if not p.resting and name != symbol and value * line.held < 0.0:
            line.closing += value
    net = sum(held.values())
    if not math.isfinite(total + net):
        return f"expected finite positions and prices, was {total + net} in sum"
    for line in moving.values():
        line.settle()
    return Book(held, moving, own, net)
