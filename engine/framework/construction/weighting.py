"""Construction models that give each insight a weight.

Equal, its own, its confidence, or by sector.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine.framework.construction.base import BiasedConstructionModel
from engine.framework.insight import Insight
from engine.statistics.arithmetic import divide
from engine.types.decimals import ONE, ZERO
from engine.types.enums import InsightDirection, PortfolioBias, Resolution
from engine.types.symbol import Symbol

_FLAT = InsightDirection.FLAT


class EqualWeightingPortfolioConstructionModel(BiasedConstructionModel):
    """The same share for every insight that is not flat."""

    def determine_target_percent(self, active_insights: list[Insight]) -> dict[Insight, float]:
        count = sum(1 for i in active_insights if i.direction != _FLAT and self._respects(i))
        share = divide(ONE, Decimal(count)) if count else ZERO
        return {i: float(self._direction(i) * share) for i in active_insights}

    def respect_portfolio_bias(self, insight: Insight) -> bool:
        """Tell whether the bias admits an insight's direction."""
        return self._respects(insight)


class InsightWeightingPortfolioConstructionModel(EqualWeightingPortfolioConstructionModel):
    """The insight's own weight; weights that add up to more than 1 are scaled to 1."""

    def should_create_target_for_insight(self, insight: Insight) -> bool:
        return insight.weight is not None

    def determine_target_percent(self, active_insights: list[Insight]) -> dict[Insight, float]:
        total = sum(self.get_value(i) for i in active_insights if self._respects(i))
        factor = 1 / total if total > 1 else 1.0
        return {i: self._direction(i) * self.get_value(i) * factor for i in active_insights}

    def get_value(self, insight: Insight) -> float:
        """Return what an insight counts."""
        return 0.0 if insight.weight is None else abs(insight.weight)


class ConfidenceWeightedPortfolioConstructionModel(InsightWeightingPortfolioConstructionModel):
    """The insight's confidence as its weight."""

    def should_create_target_for_insight(self, insight: Insight) -> bool:
        return insight.confidence is not None

    def get_value(self, insight: Insight) -> float:
        return insight.confidence or 0.0


class SectorWeightingPortfolioConstructionModel(EqualWeightingPortfolioConstructionModel):
    """The same share for every sector, and for every insight of a sector.

    Needs fundamental data.
    """

    def __init__(self, rebalance: Any = Resolution.DAILY) -> None:
        super().__init__(rebalance, PortfolioBias.LONG_SHORT)
        self._sectors: dict[Symbol, str] = {}

    def should_create_target_for_insight(self, insight: Insight) -> bool:
        return insight.symbol in self._sectors

    def determine_target_percent(self, active_insights: list[Insight]) -> dict[Insight, float]:
        result: dict[Insight, float] = {}
        by_sector: dict[str, list[Insight]] = {}
        for insight in active_insights:
            if insight.direction == _FLAT:
                result[insight] = 0.0
            else:
                by_sector.setdefault(self._sectors[insight.symbol], []).append(insight)
        for members in by_sector.values():
            share = divide(divide(ONE, Decimal(len(by_sector))), Decimal(len(members)))
            for insight in members:
                result[insight] = float(int(insight.direction) * share)
        return result

    def on_securities_changed(self, algorithm: Any, changes: Any) -> None:
        for security in changes.removed_securities:
            self._sectors.pop(security.symbol, None)
        for security in changes.added_securities:
            code = self.get_sector_code(security)
            if code:
                self._sectors[security.symbol] = code
        super().on_securities_changed(algorithm, changes)

    def get_sector_code(self, security: Any) -> str | None:
        """Return the industry template code; without fundamental data there is none."""
        return None
