"""Value of every position at its worst, given what may still fill."""

from __future__ import annotations

import math
from dataclasses import dataclass

from protection.contracts.records import Portfolio
from protection.risk.limits.base import Candidate


@dataclass(slots=True)
class Line:
    """One symbol, in account currency, signed.

    Attributes
    ----------
    held : value of the holding
    buys, sells : values of what may still be bought (positive) and sold (negative)
    closing : the part of them that reduces the holding without waiting for a price
    """

    held: float
    buys: float = 0.0
    sells: float = 0.0
    closing: float = 0.0

    @property
    def top(self) -> float:
        """Largest value it may reach, its own sure exits credited."""
        value = self.held + self.buys
        return max(0.0, value + self.closing) if self.held > 0.0 > self.closing else value

    @property
    def bottom(self) -> float:
        """Smallest value it may reach, its own sure exits credited."""
        value = self.held + self.sells
        return min(0.0, value + self.closing) if self.held < 0.0 < self.closing else value

    @property
    def size(self) -> float:
        """Largest absolute value it may reach."""
        return max(self.top, -self.bottom, 0.0)


def lines_of(candidate: Candidate) -> dict[str, Line] | str:
    """Every symbol held or pending, without the candidate itself, or why it cannot be told.

    Pending orders of the candidate's own symbol are counted in full; of other symbols the orders
    that reduce and do not rest in the book are credited as exits, so that a rotation can pass.
    """
    portfolio, symbol = candidate.portfolio, candidate.symbol
    lines: dict[str, Line] = {}
    units: dict[str, float] = {symbol: candidate.unit}
    for name, position in portfolio.positions.items():
        unit = candidate.unit if name == symbol else position.price * position.multiplier
        units[name] = unit
        lines[name] = Line(position.quantity * unit)
    for p in candidate.pending:
        unit = units.get(p.symbol, 0.0)
        if not unit > 0.0:
            price = p.price if p.price is not None else candidate.price_of(p.symbol)
            if price is None or not price > 0.0:
                return f"expected a price for the open orders in {p.symbol}, was none"
            units[p.symbol] = unit = price * p.multiplier
        line = lines.get(p.symbol)
        if line is None:
            lines[p.symbol] = line = Line(0.0)
        value = p.quantity * unit
        if value > 0.0:
            line.buys += value
        else:
            line.sells += value
        if not p.resting and p.symbol != symbol and value * line.held < 0.0:
            line.closing += value
    total = 0.0
    for line in lines.values():
        total += abs(line.held) + line.buys - line.sells
    if not math.isfinite(total):
        return f"expected finite positions and prices, gross exposure was {total}"
    return lines


def weights_of(portfolio: Portfolio) -> dict[str, float]:
    """Value of each position over equity; empty when the equity is not positive."""
    if not portfolio.equity > 0.0:
        return {}
    return {name: p.value / portfolio.equity for name, p in portfolio.positions.items()}
