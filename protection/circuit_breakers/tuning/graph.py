"""The market as a graph: assets, their exchange, their order book and the regime.

Nodes 0..N-1 are assets, then come the exchange, the book and the regime. An edge j -> i says that
i listens to j. Assets listen to the assets they moved with in the past (correlation of past
returns), and to the three market nodes; the exchange and the book listen to the assets; everything
listens to itself. Nothing here looks ahead: the edges come from a past window and the regime node
carries a filtered probability.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protection.circuit_breakers.tuning.features import Floats

#: Columns of a node: four for its kind, four for its state.
WIDTH = 8
#: Nodes beside the assets, in order.
MARKET_NODES: tuple[str, ...] = ("exchange", "book", "regime")


@dataclass(frozen=True, slots=True)
class MarketState:
    """What is known of the market nodes at one time; zeros where nothing is known.

    Attributes
    ----------
    volume : log of volume over its normal
    latency : log of latency over its normal
    imbalance : log of the order-imbalance ratio
    book_known : whether volume and imbalance were observed
    turbulent : filtered probability of the turbulent regime
    implied : log of implied over normal volatility
    regime_known : whether the regime was observed
    """

    volume: float = 0.0
    latency: float = 0.0
    imbalance: float = 0.0
    book_known: bool = False
    turbulent: float = 0.0
    implied: float = 0.0
    regime_known: bool = False


def listening(correlation: Floats, neighbours: int = 4) -> NDArray[np.bool_]:
    """Return the (N + 3, N + 3) matrix whose entry (i, j) says that i listens to j.

    Parameters
    ----------
    correlation : (N, N) of past returns; NaN counts as no relation
    neighbours : strongest absolute correlations kept per asset
    """
    count = len(correlation)
    total = count + len(MARKET_NODES)
    edges = np.eye(total, dtype=bool)
    strength = np.nan_to_num(np.abs(correlation), nan=0.0)
    np.fill_diagonal(strength, -1.0)
    kept = min(neighbours, count - 1)
    for asset in range(count):
        strongest = np.argsort(-strength[asset], kind="stable")[:kept]
        edges[asset, strongest[strength[asset, strongest] > 0.0]] = True
    edges[:count, count:] = True
    edges[count : count + 2, :count] = True
    edges[count, count + 2] = True
    return edges


def node_features(rows: Floats, market: MarketState | Floats) -> Floats:
    """Return (..., N + 3, 8) node features.

    Parameters
    ----------
    rows : (..., N, 4) features of the assets, columns as in :mod:`.features`
    market : state of the market nodes, or (..., 7) in the order of its fields
    """
    if isinstance(market, MarketState):
        values = [float(getattr(market, name)) for name in MarketState.__slots__]
        market = np.broadcast_to(np.array(values), (*rows.shape[:-2], 7))
    count = rows.shape[-2]
    nodes = np.zeros((*rows.shape[:-2], count + len(MARKET_NODES), WIDTH))
    mean = rows.mean(axis=-2)
    nodes[..., :count, 0] = 1.0
    nodes[..., :count, 4] = rows[..., 1]
    nodes[..., :count, 5] = rows[..., 2]
    nodes[..., :count, 6] = rows[..., 3]
    nodes[..., :count, 7] = rows[..., 1] - mean[..., None, 1]
    nodes[..., count, 1] = 1.0
    nodes[..., count, 4] = mean[..., 1]
    nodes[..., count, 5] = mean[..., 2]
    nodes[..., count, 6] = market[..., 0]
    nodes[..., count, 7] = market[..., 1]
    nodes[..., count + 1, 2] = 1.0
    nodes[..., count + 1, 4] = market[..., 2]
    nodes[..., count + 1, 5] = market[..., 0]
    nodes[..., count + 1, 6] = market[..., 3]
    nodes[..., count + 2, 3] = 1.0
    nodes[..., count + 2, 4] = market[..., 4]
    nodes[..., count + 2, 5] = market[..., 5]
    nodes[..., count + 2, 6] = market[..., 6]
    return nodes


@dataclass(frozen=True, slots=True)
class RegimeFilter:
    """Filtered probability of the turbulent one of two regimes of the market's log volatility.

    The forward recursion of a two-state hidden Markov model (Hamilton, Econometrica 57, 1989) with
    Gaussian emissions and a configured probability of staying.

    Attributes
    ----------
    calm, turbulent : means of the log volatility
    spread : standard deviation of both
    stay : probability that a regime lasts another observation
    """

    calm: float
    turbulent: float
    spread: float
    stay: float = 0.98

    @classmethod
    def fit(cls, log_volatility: Floats, stay: float = 0.98) -> RegimeFilter:
        """Take the means of the lower and the upper half of a past window."""
        middle = float(np.median(log_volatility))
        low = float(log_volatility[log_volatility <= middle].mean())
        above = log_volatility[log_volatility > middle]
        high = float(above.mean()) if len(above) else low
        rest = np.where(log_volatility > middle, log_volatility - high, log_volatility - low)
        return cls(low, high, max(float(rest.std()), 1e-6), stay)

    def step(self, probability: float, log_volatility: float) -> float:
        """Return the probability after one more observation."""
        prior = self.stay * probability + (1.0 - self.stay) * (1.0 - probability)
        # the difference of the two log densities; clipped where exp would overflow
        tilt = ((log_volatility - self.calm) ** 2 - (log_volatility - self.turbulent) ** 2) / (
            2.0 * self.spread**2
        )
        odds = prior / (1.0 - prior) * float(np.exp(np.clip(tilt, -50.0, 50.0)))
        return odds / (1.0 + odds)

    def filtered(self, log_volatility: Floats) -> Floats:
        """Return the probability after each observation of a series, starting at one half."""
        probability, answer = 0.5, np.empty(len(log_volatility))
        for index, value in enumerate(log_volatility):
            probability = self.step(probability, float(value))
            answer[index] = probability
        return answer
