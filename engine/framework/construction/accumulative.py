"""Construction by adding up: every active insight moves its symbol by one step."""

from __future__ import annotations

from typing import Any

from engine.framework.construction.base import BiasedConstructionModel
from engine.framework.insight import Insight
from engine.securities.native import method
from engine.types.enums import InsightDirection, PortfolioBias
from engine.types.symbol import Symbol


class AccumulativeInsightPortfolioConstructionModel(BiasedConstructionModel):
    """``percent`` of the portfolio per insight; a flat insight takes one step back."""

    def __init__(
        self,
        rebalance: Any = None,
        portfolio_bias: Any = PortfolioBias.LONG_SHORT,
        percent: float = 0.03,
    ) -> None:
        super().__init__(rebalance, portfolio_bias)
        self._percent = abs(float(percent))

    def get_target_insights(self) -> list[Insight]:
        wanted = method(self, "should_create_target_for_insight")
        active = self.algorithm.insights.get_active_insights(self.algorithm._utc)
        return sorted((i for i in active if wanted(i)), key=lambda i: i.generated_time_utc)

    def determine_target_percent(self, active_insights: list[Insight]) -> dict[Insight, float]:
        step = self._percent
        shares: dict[Symbol, float] = {}
        first: dict[Symbol, Insight] = {}
        for insight in active_insights:
            first.setdefault(insight.symbol, insight)
            share = shares.get(insight.symbol, 0.0)
            if insight.direction == InsightDirection.FLAT and insight.symbol in shares:
                if abs(share) < step:
                    share = 0.0
                else:
                    share += -step if share > 0 else step
            share += step * int(insight.direction)
            sign = (share > 0) - (share < 0)
            if self._bias != PortfolioBias.LONG_SHORT and sign != int(self._bias):
                share = 0.0
            shares[insight.symbol] = share
        return {insight: shares[symbol] for symbol, insight in first.items()}
