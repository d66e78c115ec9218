"""Quantiles of the next period's log volatility, linear in the HAR features.

One quantile regression per level; the levels of one forecast are put in order (Chernozhukov,
Fernandez-Val and Galichon, Quantile and Probability Curves Without Crossing, Econometrica 78,
2010), so that the forecast of 99% is never below that of 90%.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from protection.circuit_breakers.tuning.features import COLUMNS, Floats, HarTable
from protection.contracts.errors import FixInput
from protection.risk.backtest.quantile import quantile_coefficients

#: Levels every model of this package forecasts.
LEVELS: tuple[float, float, float] = (0.5, 0.9, 0.99)


@dataclass(frozen=True, slots=True)
class HarQuantile:
    """Fitted coefficients.

    Attributes
    ----------
    levels : quantile levels, ascending
    coefficients : (len(levels), 4), columns :data:`~.features.COLUMNS`
    """

    levels: tuple[float, ...]
    coefficients: Floats

    def __post_init__(self) -> None:
        shape = (len(self.levels), len(COLUMNS))
        if self.coefficients.shape != shape or not np.isfinite(self.coefficients).all():
            raise FixInput(
                f"expected finite coefficients of shape {shape}, was {self.coefficients.shape}"
            )

    @classmethod
    def fit(cls, tables: list[HarTable], levels: tuple[float, ...] = LEVELS) -> HarQuantile:
        """Fit on the rows of one or several series whose targets are known.

        Raises
        ------
        FixInput
            When there are fewer rows than ten per extreme observation of the highest level.
        """
        features, target = [], []
        for table in tables:
            usable = table.known & np.isfinite(table.target)
            features.append(table.features[usable])
            target.append(table.target[usable])
        x, y = np.concatenate(features), np.concatenate(target)
        needed = int(np.ceil(2.0 / (1.0 - max(levels))))
        if len(y) < needed:
            raise FixInput(
                f"expected at least {needed} rows to fit the {max(levels):g} quantile, was "
                f"{len(y)}; use a longer history or a lower level"
            )
        rows = [quantile_coefficients(x, y, level) for level in levels]
        return cls(tuple(levels), np.array(rows))

    def forecast(self, features: Floats) -> Floats:
        """Return (..., len(levels)) quantiles of the target, ascending along the last axis."""
        return np.sort(features @ self.coefficients.T, axis=-1)
