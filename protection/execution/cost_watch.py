"""What happens when trading costs too much: a warning at 20 basis points, no adding at 50."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from protection.contracts import checks
from protection.contracts.actions import Action, Reason, Verdict
from protection.contracts.errors import FixSettings
from protection.contracts.schema import Section, setting
from protection.execution.tca import Shortfall


@dataclass(frozen=True)
class CostSettings(Section):
    """When the cost of trading is answered."""

    NAME = "cost"

    warn: float = setting(20.0, checks.above(0), "mean cost in basis points that halves sizes")
    critical: float = setting(50.0, checks.above(0), "mean cost in basis points that stops adding")
    size: float = setting(0.5, checks.size(), "share of the size while the warning lasts")
    orders: int = setting(20, checks.count(1), "orders of a symbol in the mean")
    least: int = setting(3, checks.count(1), "orders before the mean is judged")

    def __post_init__(self) -> None:
        Section.__post_init__(self)
        if self.warn > self.critical:
            raise FixSettings(
                f"expected cost.warn not above cost.critical ({self.critical:g}), was {self.warn:g}"
            )


def grade_cost(bps: float, warn: float = 20.0, critical: float = 50.0) -> Action:
    """ALLOW below ``warn`` basis points, REDUCE from there, FREEZE from ``critical``.

    A cost that is not a number is graded FREEZE: unknown input denies adding.
    """
    if not bps < critical:
        return Action.FREEZE
    return Action.REDUCE if bps >= warn else Action.ALLOW


class CostWatch:
    """Mean cost of the last orders of each symbol, and what it demands.

    The mean is weighted by notional. One order alone proves little (its drift is mostly chance),
    so nothing is demanded before ``least`` orders. Orders that reduce pass in every state: that is
    the gate's law, not this guard's.
    """

    __slots__ = ("_past", "_settings")

    def __init__(self, settings: CostSettings | None = None) -> None:
        self._settings = CostSettings() if settings is None else settings
        self._past: dict[str, deque[tuple[float, float]]] = {}

    def add(self, symbol: str, shortfall: Shortfall) -> Verdict:
        """Take in a finished order; returns :meth:`verdict`."""
        past = self._past.get(symbol)
        if past is None:
            past = self._past[symbol] = deque(maxlen=self._settings.orders)
        past.append((shortfall.total, shortfall.notional))
        return self.verdict(symbol)

    def mean_bps(self, symbol: str) -> float:
        """Mean cost in basis points, weighted by notional; NaN without orders."""
        past = self._past.get(symbol, ())
        notional = math.fsum(weight for _, weight in past)
        return 1e4 * math.fsum(cost for cost, _ in past) / notional if notional else math.nan

    def verdict(self, symbol: str) -> Verdict:
        """What the costs of a symbol demand now."""
        settings, scope = self._settings, f"symbol:{symbol}"
        count = len(self._past.get(symbol, ()))
        if count < settings.least:
            return Verdict(Action.ALLOW, scope)
        mean = self.mean_bps(symbol)
        action = grade_cost(mean, settings.warn, settings.critical)
        if action is Action.ALLOW:
            return Verdict(Action.ALLOW, scope, evidence={"bps": mean, "orders": count})
        limit = settings.critical if action is Action.FREEZE else settings.warn
        text = (
            f"cost of the last {count} orders in {symbol}: {mean:.1f} basis points, limit {limit:g}"
        )
        return Verdict(
            action,
            scope,
            text,
            evidence={"bps": mean, "orders": count},
            reasons=(Reason("cost", action, text),),
            multiplier=settings.size if action is Action.REDUCE else 1.0,
        )

    def describe(self) -> str:
        """One line on what the guard will do."""
        settings = self._settings
        return (
            f"cost: {settings.warn:g} basis points over the last {settings.orders} orders of a "
            f"symbol reduce its size to {settings.size:.0%}, {settings.critical:g} stop adding"
        )
