"""Limits on the shape of the book: net, sector, number of positions, concentration."""

from __future__ import annotations

import math
from collections.abc import Mapping

from protection.contracts.limit_settings import ExposureSettings
from protection.risk.limits.base import Candidate, Objection
from protection.risk.limits.book import Book, book_of

_SLACK = 1e-9


class ExposureLimits:
    """Net, sector, count and concentration, with everything pending at its worst.

    ================= ===========================================================================
    limit             what may not exceed it
    ================= ===========================================================================
    net               sum of the largest (smallest) values that the positions may reach, over
                      equity, in the direction of the order
    sector            sum of the largest absolute values of a sector's symbols, over equity. A
                      symbol without a sector is a sector of its own
    positions         symbols held or pending
    concentration     sum of squared shares of equity: 0.1 is ten positions at 10% or two at 22%
    ================= ===========================================================================

    Parameters
    ----------
    settings : the limits; None is off
    """

    __slots__ = ("_known", "_members", "_sectors", "_settings")

    def __init__(self, settings: ExposureSettings) -> None:
        self._settings = settings
        self._sectors: Mapping[str, str] = settings.sector_map()
        self._known: dict[str, str] = {}
        self._members: dict[str, list[str]] = {}

    @property
    def active(self) -> bool:
        """Whether any limit is set."""
        s = self._settings
        return not (
            s.max_net is None
            and s.max_sector is None
            and s.max_positions is None
            and s.max_concentration is None
        )

    def sector_of(self, symbol: str) -> str:
        """Sector of a symbol, by its key or the ticker in front of it; itself when unknown."""
        known = self._known.get(symbol)
        if known is None:
            sectors = self._sectors
            known = sectors.get(symbol) or sectors.get(symbol.split(" ", 1)[0]) or symbol
            self._known[symbol] = known
            self._members.setdefault(known, []).append(symbol)
        return known

    def object(self, candidate: Candidate) -> Objection | None:
        """Why the order may not pass, or None; of several the one that leaves the least room."""
        book = candidate.book or book_of(candidate)
        if isinstance(book, str):
            return Objection("input", book, 0.0)
        equity = candidate.portfolio.equity
        if not 0.0 < equity < math.inf:
            return Objection("input", f"expected equity above 0, was {equity}", 0.0)
        settings, found = self._settings, []
        limit = settings.max_positions
        if limit is not None and book.count >= limit and not (book.held or book.buys or book.sells):
            text = f"number of positions: {book.count} held or pending, limit {limit}"
            found.append(Objection("max_positions", text, 0.0))
        money = candidate.scale * equity
        most = money * (1.0 + _SLACK)
        share = settings.max_net
        if share is not None:
            net = book.ahead + (book.top if candidate.quantity > 0.0 else -book.bottom)
            if not net + book.value <= share * most:
                found.append(self._beyond_net(candidate, share, net, book.value, share * money))
        share = settings.max_sector
        if share is not None:
            others = self._others(book, candidate.symbol)
            if not others + book.after <= share * most:
                found.append(self._beyond_sector(candidate, book, share, others, share * money))
        share = settings.max_concentration
        if share is not None:
            squares = book.squares
            others = 0.0 if squares < 0.0 else squares / (equity * equity)
            reached = others + (book.after / equity) ** 2
            if not reached <= share * (1.0 + _SLACK):
                text = f"concentration: {reached:.3f} with everything pending, limit {share:g}"
                room = math.sqrt(max(0.0, share - others)) * equity - book.ahead
                found.append(Objection("max_concentration", text, self._room(candidate, room)))
        if not found:
            return None
        return min(found, key=lambda objection: abs(objection.max_quantity))

    def _others(self, book: Book, symbol: str) -> float:
        """Sum of the largest sizes of the other symbols of a symbol's sector."""
        shape, sector = book.shape, self.sector_of(symbol)
        values, lines = shape.values, shape.lines
        sums: dict[str, float] | None = shape.memo.get(self)
        if sums is None:
            sums = shape.memo[self] = {}
            if not (values.keys() <= self._known.keys() >= lines.keys()):
                for name in (*values, *lines):
                    self.sector_of(name)
        total = sums.get(sector)
        if total is None:
            total = 0.0
            for name in self._members[sector]:
                line = lines.get(name)
                total += abs(values.get(name, 0.0)) if line is None else line.size
            sums[sector] = total
        own = lines.get(symbol)
        return total - (abs(values.get(symbol, 0.0)) if own is None else own.size)

    def _beyond_net(
        self, candidate: Candidate, limit: float, net: float, value: float, cap: float
    ) -> Objection:
        text = (
            f"net exposure: {net + value:,.2f} with everything pending, "
            f"limit {limit:.2f} x equity = {cap:,.2f}"
        )
        return Objection("max_net", text, self._room(candidate, cap - net))

    def _beyond_sector(
        self, candidate: Candidate, book: Book, limit: float, others: float, cap: float
    ) -> Objection:
        text = (
            f"sector {self.sector_of(candidate.symbol)}: {others + book.after:,.2f} with "
            f"everything pending, limit {limit:.1%} of equity = {cap:,.2f}"
        )
        return Objection("max_sector", text, self._room(candidate, cap - others - book.ahead))

    @staticmethod
    def _room(candidate: Candidate, value: float) -> float:
        return math.copysign(max(0.0, value) / candidate.unit, candidate.quantity)

    def describe(self) -> str:
        """One line on what the limits will do."""
        s = self._settings
        parts = []
        if s.max_net is not None:
            parts.append(f"net {s.max_net:g} x equity")
        if s.max_sector is not None:
            parts.append(f"sector {s.max_sector:.0%}")
        if s.max_positions is not None:
            parts.append(f"{s.max_positions} positions")
        if s.max_concentration is not None:
            parts.append(f"squared shares {s.max_concentration:g}")
        return "exposure limits: " + (", ".join(parts) if parts else "off")
