"""Online moving average reversion: weights that bet on the return of prices to their average."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from engine.framework.construction.base import PortfolioConstructionModel
from engine.framework.insight import Insight
from engine.types.enums import PortfolioBias, Resolution
from engine.types.errors import ArgumentException
from engine.types.symbol import Symbol

Vector = npt.NDArray[np.float64]


class MeanReversionPortfolioConstructionModel(PortfolioConstructionModel):
    """Moves the weights away from what is expected to fall, and projects them onto the simplex.

    With ``x`` the price of each asset by its moving average (or one plus the magnitude of its
    insight), ``b`` the weights and ``e`` the threshold, a step is
    ``max(0, (b.x - e) / |x - mean(x)|^2)`` along ``mean(x) - x``.

    Parameters
    ----------
    rebalance : Resolution, timedelta, date rule or function of time.
    portfolio_bias : not short.
    reversion_threshold, window_size, resolution : ``e``, and the bars of the average.

    Raises
    ------
    ArgumentException
        For a short bias.

    References
    ----------
    Li and Hoi, On-Line Portfolio Selection with Moving Average Reversion, ICML 2012; the projection
    is that of Duchi et al., ICML 2008.
    """

    def __init__(
        self,
        rebalance: Any = Resolution.DAILY,
        portfolio_bias: Any = PortfolioBias.LONG_SHORT,
        reversion_threshold: float = 1,
        window_size: int = 20,
        resolution: Resolution = Resolution.DAILY,
    ) -> None:
        super().__init__(rebalance)
        if PortfolioBias(portfolio_bias) == PortfolioBias.SHORT:
            raise ArgumentException(
                "Long position must be allowed in MeanReversionPortfolioConstructionModel."
            )
        self._reversion_threshold = float(reversion_threshold)
        self._window_size = int(window_size)
        self._resolution = Resolution(resolution)
        self._symbol_data: dict[Symbol, tuple[Any, Any]] = {}
        self._weight_vector: Vector = np.zeros(0)

    def determine_target_percent(self, active_insights: list[Insight]) -> dict[Insight, float]:
        """Return the weight of every insight; none before all averages are ready."""
        held = [self._symbol_data[insight.symbol] for insight in active_insights]
        if not held or not all(price.is_ready and mean.is_ready for price, mean in held):
            return {}
        if len(self._weight_vector) != len(held):
            self._weight_vector = np.ones(len(held)) * (1 / len(held))
        relatives = np.asarray(self.get_price_relatives(active_insights), float)
        away = relatives - relatives.mean()
        norm = float(np.linalg.norm(away)) ** 2
        step = 0.0
        if norm:
            step = max(0.0, (self._weight_vector @ relatives - self._reversion_threshold) / norm)
        self._weight_vector = self.simplex_projection(self._weight_vector - step * away)
        return dict(zip(active_insights, self._weight_vector.tolist(), strict=True))

    def get_price_relatives(self, active_insights: list[Insight]) -> Vector:
        """Return what each price is expected to become, by what it is."""
        found = []
        for insight in active_insights:
            price, mean = self._symbol_data[insight.symbol]
            if insight.magnitude is not None:
                found.append(1 + insight.magnitude * int(insight.direction))
            else:
                found.append(price.current.value / mean.current.value)
        return np.array(found)

    @staticmethod
    def simplex_projection(vector: Any, total: float = 1) -> Vector:
        """Return the nearest vector of numbers from 0 up that add up to ``total``.

        Raises
        ------
        ArgumentException
            When ``total`` is not above 0.
        """
        if total <= 0:
            raise ArgumentException(
                "Total must be > 0 for Euclidean Projection onto the Simplex. "
                f"expected total > 0, was {total}"
            )
        values = np.asarray(vector, float)
        descending = np.sort(values)[::-1]
        sums = np.cumsum(descending)
        count = np.arange(1, len(values) + 1)
        last = np.flatnonzero(descending > (sums - total) / count)[-1]
        return np.maximum(values - (sums[last] - total) / (last + 1), 0.0)

    def on_securities_changed(self, algorithm: Any, changes: Any) -> None:
        """Follow the price and its average of what is added."""
        super().on_securities_changed(algorithm, changes)
        for removed in changes.removed_securities:
            for indicator in self._symbol_data.pop(removed.symbol, ()):
                indicator.reset()
        for added in changes.added_securities:
            symbol = added.symbol
            if symbol in self._symbol_data:
                continue
            pair = (
                algorithm.identity(symbol, self._resolution),
                algorithm.sma(symbol, self._window_size, self._resolution),
            )
            for indicator in pair:
                algorithm.warm_up_indicator(symbol, indicator, self._resolution)
            self._symbol_data[symbol] = pair
