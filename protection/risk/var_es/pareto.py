"""The tail both the unfiltered and the filtered models use: order statistics, then Pareto."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from protection.risk.tails.empirical import empirical_var_es
from protection.risk.tails.gpd import GpdFit, ShapePrior, fit_gpd
from protection.risk.tails.pot import pot_interval, tail_var_es
from protection.risk.var_es.model import CannotFit, empirical_range


class ParetoTail:
    """Order statistics up to a threshold, a generalised Pareto distribution beyond.

    Raises
    ------
    CannotFit
        When fewer than 10 losses exceed the threshold.
    """

    def __init__(self, losses: NDArray[np.float64], share: float, prior: ShapePrior | None) -> None:
        self._losses = losses
        self.prior = prior
        self.threshold = empirical_var_es(losses, 1.0 - share)[0]
        excesses = losses[losses > self.threshold] - self.threshold
        if excesses.size < 10:
            raise CannotFit(f"expected 10 losses above the threshold or more, was {excesses.size}")
        # The exceedance share the threshold was read at, not the counted one: VaR is then
        # continuous where the order statistics hand over.
        self.share = share
        self.fit: GpdFit = fit_gpd(excesses, prior=prior)
        self._tail_es = tail_var_es(
            1.0 - share, self.threshold, self.fit.shape, self.fit.scale, share
        )[1]

    def var_es(self, level: float) -> tuple[float, float]:
        """VaR and ES at a level."""
        if level >= 1.0 - self.share:
            return tail_var_es(level, self.threshold, self.fit.shape, self.fit.scale, self.share)
        var = empirical_var_es(self._losses, level)[0]
        # Mean of the quantile between the level and the threshold's, then the Pareto tail.
        body = self._body(level)
        return var, (body + self.share * self._tail_es) / (1.0 - level)

    def _body(self, level: float) -> float:
        whole = empirical_var_es(self._losses, level)[1] * (1.0 - level)
        return whole - empirical_var_es(self._losses, 1.0 - self.share)[1] * self.share

    def range(self, level: float, confidence: float) -> tuple[float, float, float, float]:
        """Interval of VaR and ES."""
        if level >= 1.0 - self.share:
            return pot_interval(
                self._losses, level, self.threshold, confidence=confidence, prior=self.prior
            )
        return empirical_range(self._losses, level, confidence)

    def parameters(self) -> dict[str, float]:
        """Fitted values by name."""
        fit = self.fit
        return {
            "shape": fit.shape,
            "scale": fit.scale,
            "threshold": self.threshold,
            "excesses": float(fit.count),
            "shape_error": fit.shape_error,
        }

    def warnings(self) -> tuple[str, ...]:
        """What a user should know of the fit."""
        found = [self.fit.note] if self.fit.note else []
        if self.fit.shape >= 1.0:
            found.append("shape of 1 or more: the mean loss beyond VaR is infinite")
        elif self.fit.shape >= 0.5:
            found.append("shape of 0.5 or more: the variance is infinite")
        return tuple(found)
