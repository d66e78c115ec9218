"""The account with everything that may still fill, summed before an order is known.

What an order is held against is the rest of the account: every other symbol at its worst. Those
sums do not depend on the order, so they are made once for a snapshot and what is in flight, and
an order takes its own symbol out of them. They hold as long as their inputs are the same objects
and the positions still are what they were; a price that had to be asked for is asked anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import mul
from typing import Any

from protection.contracts.records import Position
from protection.risk.orders import Flight

PriceOf = Callable[[str], float | None]


class Holdings:
    """Positions of one snapshot and what they are worth.

    Attributes
    ----------
    positions : as handed in
    values : signed value of each in account currency
    gross : sum of their sizes
    """

    __slots__ = ("_seen", "gross", "positions", "values")

    def __init__(self, positions: Mapping[str, Position]) -> None:
        self.positions = positions
        self._seen = dict(positions)
        self.values = {name: p.quantity * p.price * p.multiplier for name, p in positions.items()}
        self.gross = sum(map(abs, self.values.values()))

    def tell(self, positions: Mapping[str, Position]) -> bool:
        """Whether these are the positions, unchanged: a record is frozen, a mapping need not be."""
        return positions is self.positions and positions == self._seen


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


class Reach:
    """Gross exposure at its worst, in quantities at the positions' prices.

    Attributes
    ----------
    total : over all symbols
    each : the worst of the symbols with pending orders
    faults : of those, which cannot be valued, and why
    lasting : whether it holds beyond this moment: no price was asked for
    """

    __slots__ = ("_values", "each", "faults", "lasting", "total")

    def __init__(self, holdings: Holdings, flight: Flight, price_of: PriceOf) -> None:
        values, total = holdings.values, holdings.gross
        self._values = values
        self.each: dict[str, float] = {}
        self.faults: dict[str, str] = {}
        self.lasting = True
        for name, orders in flight.by_symbol.items():
            buys = sells = closing = own = 0.0
            for _, _, quantity, resting, price, multiplier, _ in orders:
                if quantity > 0.0:
                    buys += quantity
                else:
                    sells += quantity
                if not resting:
                    closing += quantity
                if price is None:
                    price = price_of(name)
                    self.lasting = False
                if price is not None and price * multiplier > own:
                    own = price * multiplier
            position = holdings.positions.get(name)
            if position is None:
                if own <= 0.0:
                    self.faults[name] = f"expected a price for the open orders in {name}, was none"
                    continue
                self.each[name] = worst = max(buys, -sells) * own
                total += worst
                continue
            held = position.quantity
            long, short = held + buys, held + sells
            if held > 0.0 > closing:
                long = max(0.0, long + closing)
            elif held < 0.0 < closing:
                short = min(0.0, short + closing)
            worst = max(long, -short, 0.0) * (position.price * position.multiplier)
            self.each[name] = worst
            total += worst - abs(values[name])
        self.total = total

    def others(self, symbol: str) -> float | str:
        """Gross exposure of all other symbols at its worst, or why it cannot be told."""
        for name, text in self.faults.items():
            if name != symbol:
                return text
        each, values = self.each, self._values
        own = each.get(symbol)
        if own is None:
            own = abs(values.get(symbol, 0.0))
        total = self.total - own
        if not math.isfinite(total):  # the order's own symbol may be the one to blame
            total = sum(
                abs(value) for name, value in values.items() if name != symbol and name not in each
            )
            total += sum(worst for name, worst in each.items() if name != symbol)
            if not math.isfinite(total):
                return f"expected finite positions and prices, gross exposure was {total}"
        return total


class Shape:
    """Values that every symbol may reach, in account currency, and their sums.

    Attributes
    ----------
    values : of what is held
    lines : symbols with pending orders, their sure exits credited
    faults : of those, which cannot be valued, and why
    size, top, bottom : sums over all symbols of the largest size, value, and smallest value
    squares : sum of the squared largest sizes
    count : symbols held or pending
    finite : whether every sum is a finite number
    lasting : whether it holds beyond this moment: no price was asked for
    memo : what a limit worked out from it, by the limit
    """

    __slots__ = (
        "bottom",
        "count",
        "faults",
        "finite",
        "lasting",
        "lines",
        "memo",
        "size",
        "squares",
        "top",
        "values",
    )

    def __init__(self, holdings: Holdings, flight: Flight, price_of: PriceOf) -> None:
        values = self.values = holdings.values
        each = values.values()
        size, net = holdings.gross, sum(each)
        top = bottom = net
        squares, count = sum(map(mul, each, each)), len(values) - list(each).count(0.0)
        self.lines: dict[str, Line] = {}
        self.faults: dict[str, str] = {}
        self.lasting = True
        self.memo: dict[Any, Any] = {}
        for name in flight.by_symbol:
            line = self._line(name, holdings, flight, price_of)
            if line is None:
                self.faults[name] = f"expected a price for the open orders in {name}, was none"
                continue
            self.lines[name] = line
            held = line.held
            size += line.size - abs(held)
            top += line.top - held
            bottom += line.bottom - held
            squares += line.size * line.size - held * held
            count += (line.size > 0.0) - (held != 0.0)
        self.size, self.top, self.bottom = size, top, bottom
        self.squares, self.count = squares, count
        self.finite = math.isfinite(size + top + bottom)

    def _line(
        self, name: str, holdings: Holdings, flight: Flight, price_of: PriceOf
    ) -> Line | None:
        position = holdings.positions.get(name)
        unit = 0.0 if position is None else position.price * position.multiplier
        line = Line(self.values.get(name, 0.0))
        for p in flight.by_symbol[name]:
            own = unit
            if not own > 0.0:
                price = p.price
                if price is None:
                    price = price_of(name)
                    self.lasting = False
                if price is None or not price > 0.0:
                    return None
                own = price * p.multiplier
            value = p.quantity * own
            if value > 0.0:
                line.buys += value
            else:
                line.sells += value
            if not p.resting and value * line.held < 0.0:
                line.closing += value
        line.settle()
        return line
