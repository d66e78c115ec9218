"""The further limits of the order gate, as the system sees them: one object, off by default."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING

from protection.contracts.actions import PORTFOLIO, Event
from protection.contracts.limit_settings import ExposureSettings, TailSettings
from protection.contracts.records import Portfolio
from protection.risk.limits.base import OrderLimit
from protection.risk.limits.exposure import ExposureLimits

if TYPE_CHECKING:
    from protection.risk.limits.tail import TailLimit


class FurtherLimits:
    """Limits on the shape and tail of the book, those that are on.

    Attributes
    ----------
    limits : in the order in which the gate asks them
    tail : the one on VaR and ES, None when it is off
    """

    __slots__ = ("_grade", "limits", "tail")

    def __init__(self, exposure: ExposureSettings, tail: TailSettings) -> None:
        found: list[OrderLimit] = []
        shape = ExposureLimits(exposure)
        if shape.active:
            found.append(shape)
        self.tail: TailLimit | None = None
        if tail.watch:
            from protection.risk.limits.tail import TailLimit  # needs NumPy

            self.tail = TailLimit(tail)
            found.append(self.tail)
        self.limits = tuple(found)
        self._grade = "ok"

    def observe(self, symbol: str, session: date, price: float | None) -> None:
        """Take in a price."""
        if self.tail is not None and price is not None:
            self.tail.observe(symbol, session, price)

    def news(self, portfolio: Portfolio, now: datetime) -> Event | None:
        """Event when the tail risk of what is held passed a grade since it was last asked."""
        if self.tail is None:
            return None
        found = self.tail.read(portfolio)
        if found.grade == self._grade:
            return None
        text = f"one-day 95% VaR {found.var:.2%}, ES {found.es:.2%} of equity ({found.basis})"
        before, self._grade = self._grade, found.grade
        evidence = {"var": found.var, "es": found.es}
        return Event(now, "tail", PORTFOLIO, before, found.grade, text, evidence)

    def cut(
        self,
        targets: dict[str, float],
        portfolio: Portfolio,
        price_of: Callable[[str], float | None],
    ) -> dict[str, float]:
        """Targets scaled to a book within the tail limits; as they are without them."""
        if self.tail is None:
            return targets
        from protection.risk.limits.targets import fit_targets

        return fit_targets(targets, portfolio, self.tail, price_of)
