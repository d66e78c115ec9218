"""Risk models that look at one position at a time."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine.framework.risk.base import RiskManagementModel, exact_limit, flatten
from engine.types.symbol import Symbol


class MaximumDrawdownPercentPerSecurity(RiskManagementModel):
    """Closes a position whose loss passes a share of its cost."""

    def __init__(self, maximum_drawdown_percent: float = 0.05) -> None:
        self._limit: Decimal = -exact_limit(maximum_drawdown_percent)

    def manage_risk(self, algorithm: Any, targets: list[Any]) -> list[Any]:
        return [
            flatten(algorithm, security.symbol)
            for security in list(algorithm.securities.values())
            if security.invested and security.holdings._unrealized_profit_percent < self._limit
        ]


class MaximumUnrealizedProfitPercentPerSecurity(RiskManagementModel):
    """Takes the profit of a position once it passes a share of its cost."""

    def __init__(self, maximum_unrealized_profit_percent: float = 0.05) -> None:
        self._limit: Decimal = exact_limit(maximum_unrealized_profit_percent)

    def manage_risk(self, algorithm: Any, targets: list[Any]) -> list[Any]:
        return [
            flatten(algorithm, security.symbol)
            for security in list(algorithm.securities.values())
            if security.invested and security.holdings._unrealized_profit_percent > self._limit
        ]


class TrailingStopRiskManagementModel(RiskManagementModel):
    """Closes a position whose value falls (short: rises) by a share from its best value.

    The base is the value of the holding, not the price, and starts at its cost: selling a part
    trips it too.
    """

    def __init__(self, maximum_drawdown_percent: float = 0.05) -> None:
        self._limit: Decimal = exact_limit(maximum_drawdown_percent)
        self._best: dict[Symbol, tuple[bool, Decimal]] = {}

    def manage_risk(self, algorithm: Any, targets: list[Any]) -> list[Any]:
        found = []
        for symbol, security in list(algorithm.securities.items()):
            if not security.invested:
                self._best.pop(symbol, None)
                continue
            holdings = security.holdings
            is_long = holdings.is_long
            value: Decimal = holdings._absolute_holdings_value
            known = self._best.get(symbol)
            if known is None or known[0] != is_long:
                known = self._best[symbol] = (is_long, holdings._absolute_holdings_cost)
            best = known[1]
            if (is_long and best < value) or (not is_long and best > value):
                self._best[symbol] = (is_long, value)
                continue
            if self._limit < abs((best - value) / best):
                del self._best[symbol]
                found.append(flatten(algorithm, symbol))
        return found
