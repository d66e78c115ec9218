"""Limits on the shape of the book: net, sector, number of positions, concentration."""

from __future__ import annotations

import math
from collections.abc import Mapping
from operator import mul

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
        """Why the order may not pass, or None."""
        book = book_of(candidate)
        if isinstance(book, str):
            return Objection("input", book, 0.0)
        equity = candidate.portfolio.equity
        if not (math.isfinite(equity) and equity > 0.0):
            return Objection("input", f"expected equity above 0, was {equity}", 0.0)
        worst: Objection | None = None
        for check in (self._count, self._net, self._sector, self._concentration):
            objection = check(candidate, book)
            if objection is not None and (
                worst is None or abs(objection.max_quantity) < abs(worst.max_quantity)
            ):
                worst = objection
        return worst

    def _count(self, candidate: Candidate, book: Book) -> Objection | None:
        limit, own = self._settings.max_positions, book.own
        if limit is None or own.held or own.buys or own.sells:
            return None
        held, moving = book.held, book.moving
        count = sum(1 for name, value in held.items() if value and name not in moving)
        count += sum(1 for line in moving.values() if line.size > 0.0)
        if count < limit:
            return None
        text = f"number of positions: {count} held or pending, limit {limit}"
        return Objection("max_positions", text, 0.0)

    def _net(self, candidate: Candidate, book: Book) -> Objection | None:
        limit = self._settings.max_net
        if limit is None:
            return None
        net, up = book.net, candidate.quantity > 0
        for line in book.moving.values():
            net += (line.top if up else line.bottom) - line.held
        reached = net if up else -net
        return self._bounded("max_net", "net exposure", candidate, reached, limit)

    def _sector(self, candidate: Candidate, book: Book) -> Objection | None:
        limit = self._settings.max_sector
        if limit is None:
            return None
        sector = self.sector_of(candidate.symbol)
        held, moving = book.held, book.moving
        if not (held.keys() <= self._known.keys() >= moving.keys()):
            for name in (*held, *moving):
                self.sector_of(name)
        others = 0.0
        for name in self._members[sector]:
            line = moving.get(name)
            if line is None:
                others += abs(held.get(name, 0.0))
            elif name != candidate.symbol:
                others += line.size
        ahead, after = _own(candidate, book)
        cap = limit * candidate.scale * candidate.portfolio.equity
        if others + after <= cap * (1.0 + _SLACK):
            return None
        text = (
            f"sector {sector}: {others + after:,.2f} with everything pending, "
            f"limit {limit:.1%} of equity = {cap:,.2f}"
        )
        return Objection("max_sector", text, self._room(candidate, cap - others - ahead))

    def _concentration(self, candidate: Candidate, book: Book) -> Objection | None:
        limit = self._settings.max_concentration
        equity = candidate.portfolio.equity
        if limit is None:
            return None
        squares = sum(map(mul, book.held.values(), book.held.values()))
        for name, line in book.moving.items():
            squares -= line.held * line.held
            if name != candidate.symbol:
                squares += line.size * line.size
        others = max(0.0, squares) / (equity * equity)
        ahead, after = _own(candidate, book)
        reached = others + (after / equity) ** 2
        if reached <= limit * (1.0 + _SLACK):
            return None
        text = f"concentration: {reached:.3f} with everything pending, limit {limit:g}"
        room = math.sqrt(max(0.0, limit - others)) * equity - ahead
        return Objection("max_concentration", text, self._room(candidate, room))

    def _bounded(
        self, guard: str, name: str, candidate: Candidate, reached: float, limit: float
    ) -> Objection | None:
        value = abs(candidate.quantity) * candidate.unit
        cap = limit * candidate.scale * candidate.portfolio.equity
        if reached + value <= cap * (1.0 + _SLACK):
            return None
        text = (
            f"{name}: {reached + value:,.2f} with everything pending, "
            f"limit {limit:.2f} x equity = {cap:,.2f}"
        )
        return Objection(guard, text, self._room(candidate, cap - reached))

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


def _own(candidate: Candidate, book: Book) -> tuple[float, float]:
    """Size of the candidate's own symbol in its direction, without and with the order.

    An order against the present side shrinks the position first: it then still counts at least at
    what may be held anyway.
    """
    own = book.own
    ahead = own.held + own.buys if candidate.quantity > 0 else -(own.held + own.sells)
    return ahead, max(own.size, ahead + abs(candidate.quantity) * candidate.unit)
