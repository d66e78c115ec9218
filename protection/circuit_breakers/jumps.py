"""Prices that jump so far that only the next one can say whether they are true.

A single wrong print, ten thousand times too high, would otherwise raise every peak for good (the
account then stands at a loss of 100% from a wealth it never had) and blind the volatility meter
for weeks.
"""

from __future__ import annotations

from collections.abc import Mapping

from protection.circuit_breakers.watch import record_price
from protection.contracts.records import Bar, Portfolio, Price


class JumpGuard:
    """Holds back one symbol's record that lies too far from the last believed price.

    A record within ``1 + limit`` times the last believed price, up or down, is believed. One
    beyond is held back. The next record of a later time decides: beside the one held back, both
    are believed, in their order; beside the last believed price, the one held back is dropped;
    beside neither, the new one is held back in its place. So a true jump counts one record late,
    and a wrong print never.

    Parameters
    ----------
    limit : relative move, 1 for a price that doubles or halves
    """

    __slots__ = ("_factor", "_held", "believed")

    def __init__(self, limit: float, believed: float | None = None) -> None:
        self._factor = 1.0 + limit
        self._held: Price | None = None
        self.believed = believed
        """The last believed price, None before the first record."""

    @property
    def held(self) -> Price | None:
        """The record that is held back, if any."""
        return self._held

    def sift(self, record: Price) -> tuple[Price, ...]:
        """Records to take in now, oldest first; none while the news is in doubt.

        A copy of an old bar says nothing and is handed on without deciding anything.
        """
        if isinstance(record, Bar) and record.filled_forward:
            return (record,)
        price, believed, held = record_price(record), self.believed, self._held
        if believed is None or self._near(price, believed):
            self.believed, self._held = price, None
            return (record,)
        if held is not None and record.time > held.time and self._near(price, record_price(held)):
            self.believed, self._held = price, None
            return held, record
        if held is None or record.time > held.time:
            self._held = record
        return ()

    def follow(self, price: float) -> bool:
        """Believe a price beside the last believed one; where it is none, :meth:`sift` decides."""
        believed, factor = self.believed, self._factor
        # as in `_near`, spelt out: every bar comes by here
        if believed is None or not (believed <= price * factor and price <= believed * factor):
            return False
        self.believed, self._held = price, None
        return True

    def _near(self, price: float, other: float) -> bool:
        return other <= price * self._factor and price <= other * self._factor

    def excess(self, quantity: float, price: float) -> float:
        """What a holding gains by a price that is not believed, per unit of multiplier, from 0."""
        believed = self.believed
        if believed is None or not price > 0.0 or self._near(price, believed):
            return 0.0
        return max(0.0, quantity * (price - believed))


def believed_equity(portfolio: Portfolio, guards: Mapping[str, JumpGuard]) -> float:
    """Equity without the gains that rest on prices nothing has confirmed.

    Losses are never taken out: a price that may be wrong can lower what is believed, not raise it.
    """
    equity = portfolio.equity
    for symbol, position in portfolio.positions.items():
        guard = guards.get(symbol)
        if guard is not None:
            equity -= guard.excess(position.quantity, position.price) * position.multiplier
    return equity
