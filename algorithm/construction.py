"""Sizes: equal risk per trend, scaled to a portfolio volatility, capped per position and in sum."""

from __future__ import annotations

from AlgorithmImports import *

import math

import numpy as np

from algorithm.prices import Closes

WINDOW = 60
SHRINKAGE = 0.2
SESSIONS = 252
#: a security never counts as calmer than 2% a year
LEAST = 0.02 / math.sqrt(SESSIONS)


def target_weights(
    scores: np.ndarray,
    returns: np.ndarray,
    target_volatility: float,
    max_position: float,
    max_gross: float,
) -> np.ndarray:
    """Return long-only weights for a target volatility.

    Each security starts at its score over its own volatility; the whole is scaled to the target
    with the sample covariance (covariances shrunk by a fifth towards zero, variances kept), then
    capped.

    Parameters
    ----------
    scores : numpy.ndarray, shape (n,)
        Trend scores in [0, 1].
    returns : numpy.ndarray, shape (t, n)
        Daily log returns.
    target_volatility : float
        Yearly volatility of the portfolio, as 0.10.
    max_position, max_gross : float
        Highest weight of one position and highest sum of weights.
    """
    # standard deviation and covariance as numpy.std and numpy.cov compute them, without their
    # preparations
    count = len(returns)
    centred = returns - np.add.reduce(returns, axis=0, keepdims=True) / count
    volatility = np.sqrt(np.add.reduce(centred * centred, axis=0) / (count - 1))
    volatility = np.maximum(volatility, LEAST)
    raw = scores / volatility
    whole = np.add.reduce(raw)
    if not whole > 0:
        return np.zeros_like(raw)
    raw = raw / whole
    covariance = np.dot(centred.T, centred) * (1 / (count - 1))
    covariance = (1 - SHRINKAGE) * covariance
    covariance.flat[:: len(raw) + 1] = volatility * volatility
    deviation = math.sqrt(raw @ covariance @ raw * SESSIONS)
    weights = raw * (target_volatility / deviation)
    weights = np.minimum(weights, max_position)
    gross = np.add.reduce(weights)
    return weights * (max_gross / gross) if gross > max_gross else weights


class VolatilityTargetConstruction(PortfolioConstructionModel):
    """Turns the week's insights into targets; small changes are not worth their cost and are left
    out.
    """

    def __init__(
        self,
        closes: Closes,
        target_volatility: float,
        max_position: float,
        max_gross: float,
        band: float = 0.1,
    ) -> None:
        super().__init__()
        self.closes = closes
        self.target_volatility = target_volatility
        self.max_position = max_position
        self.max_gross = max_gross
        self.band = band

    def create_targets(
        self, algorithm: QCAlgorithm, insights: list[Insight]
    ) -> list[IPortfolioTarget]:
        if not insights:
            return []
        has, securities = self.closes.has, algorithm.securities
        symbols, holdings, scores = [], [], []
        for insight in insights:
            symbol = insight.symbol
            if has(symbol, WINDOW + 1) and (security := securities[symbol]).price > 0:
                symbols.append(symbol)
                holdings.append(security.holdings)
                scores.append(float(insight.weight or 0.0))
        if not symbols:
            return []
        logs = np.log(self.closes.table(symbols, WINDOW + 1))
        weights = target_weights(
            np.array(scores),
            # a row per day: sums over days are made in the sequence of days
            np.ascontiguousarray((logs[:, 1:] - logs[:, :-1]).T),
            self.target_volatility,
            self.max_position,
            self.max_gross,
        )
        value = float(algorithm.portfolio.total_portfolio_value)
        targets: list[IPortfolioTarget] = []
        for symbol, holding, weight in zip(symbols, holdings, weights.tolist(), strict=True):
            held = float(holding.holdings_value) / value if value > 0 else 0.0
            if weight > 0 and abs(weight - held) < self.band * weight:
                continue
            target = PortfolioTarget.percent(algorithm, symbol, weight)
            if target is not None:
                targets.append(target)
        return targets

    def on_securities_changed(self, algorithm: QCAlgorithm, changes: SecurityChanges) -> None:
        super().on_securities_changed(algorithm, changes)
