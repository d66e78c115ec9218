"""Limits on the shape of the book: net, sector, number of positions, concentration."""

from __future__ import annotations

import math
from collections.abc import Mapping

from protection.contracts.limit_settings import ExposureSettings
from protection.risk.limits.base import Candidate, Objection
from protection.risk.limits.book import Line, lines_of

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

    __slots__ = ("_sectors", "_settings")

    def __init__(self, settings: ExposureSettings) -> None:
        self._settings = settings
        self._sectors: Mapping[str, str] = settings.sector_map()

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
        found = self._sectors.get(symbol)
        if found is None:
            found = self._sectors.get(symbol.split(" ", 1)[0])
        return symbol if found is None else found

    def object(self, candidate: Candidate) -> Objection | None:
        """Why the order may not pass, or None."""
        lines = lines_of(candidate)
        if isinstance(lines, str):
            return Objection("input", lines, 0.0)
        equity = candidate.portfolio.equity
        if not (math.isfinite(equity) and equity > 0.0):
            return Objection("input", f"expected equity above 0, was {equity}", 0.0)
        own = lines.get(candidate.symbol)
        if own is None:
            own = lines[candidate.symbol] = Line(0.0)
        rooms = (
            self._count(candidate, lines, own),
            self._net(candidate, lines),
            self._sector(candidate, lines, own),
            self._concentration(candidate, lines, own),
        )
        worst: Objection | None = None
        for objection in rooms:
            if objection is not None and (
                worst is None or abs(objection.max_quantity) < abs(worst.max_quantity)
            ):
                worst = objection
        return worst

    def _count(
        self, candidate: Candidate, lines: Mapping[str, Line], own: Line
    ) -> Objection | None:
        limit = self._settings.max_positions
        if limit is None or own.held or own.buys or own.sells:
            return None
        count = sum(1 for line in lines.values() if line.size > 0.0)
        if count < limit:
            return None
        text = f"number of positions: {count} held or pending, limit {limit}"
        return Objection("max_positions", text, 0.0)

    def _net(self, candidate: Candidate, lines: Mapping[str, Line]) -> Objection | None:
        limit = self._settings.max_net
        if limit is None:
            return None
        direction = 1.0 if candidate.quantity > 0 else -1.0
        reached = sum(line.top if direction > 0 else -line.bottom for line in lines.values())
        return self._bounded("max_net", "net exposure", candidate, reached, limit)

    def _sector(
        self, candidate: Candidate, lines: Mapping[str, Line], own: Line
    ) -> Objection | None:
        limit = self._settings.max_sector
        if limit is None:
            return None
        sector = self.sector_of(candidate.symbol)
        others = sum(
            line.size
            for name, line in lines.items()
            if name != candidate.symbol and self.sector_of(name) == sector
        )
        ahead = own.held + own.buys if candidate.quantity > 0 else -(own.held + own.sells)
        # an order against the present side of the symbol first shrinks it
        kept = max(own.size, 0.0)
        value = abs(candidate.quantity) * candidate.unit
        cap = limit * candidate.scale * candidate.portfolio.equity
        if others + max(kept, ahead + value) <= cap * (1.0 + _SLACK):
            return None
        text = (
            f"sector {sector}: {others + max(kept, ahead + value):,.2f} with everything pending, "
            f"limit {limit:.1%} of equity = {cap:,.2f}"
        )
        return Objection("max_sector", text, self._room(candidate, cap - others - ahead))

    def _concentration(
        self, candidate: Candidate, lines: Mapping[str, Line], own: Line
    ) -> Objection | None:
        limit = self._settings.max_concentration
        equity = candidate.portfolio.equity
        if limit is None:
            return None
        others = sum(
            (line.size / equity) ** 2 for name, line in lines.items() if name != candidate.symbol
        )
        ahead = own.held + own.buys if candidate.quantity > 0 else -(own.held + own.sells)
        value = abs(candidate.quantity) * candidate.unit
        reached = others + (max(own.size, ahead + value) / equity) ** 2
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
