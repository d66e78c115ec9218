"""Models of the unconditional distribution: historical, normal, Student-t, Pareto, expansion."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protection.risk.tails.empirical import empirical_var_es
from protection.risk.tails.gpd import DEFAULT_PRIOR, ShapePrior
from protection.risk.tails.student import student_var_es
from protection.risk.tails.student_fit import StudentFit, fit_student_t
from protection.risk.var_es.model import CannotFit, TailModel, empirical_range, normal_quantile
from protection.risk.var_es.pareto import ParetoTail


class Historical(TailModel):
    """Order statistics of the window; says nothing beyond its worst loss."""

    name = "historical"

    def _fit(self, values: NDArray[np.float64]) -> None:
        self._losses = -values

    def _one(self, level: float) -> tuple[float, float]:
        return empirical_var_es(self._losses, level)

    def _range(self, level: float, confidence: float) -> tuple[float, float, float, float]:
        return empirical_range(self._losses, level, confidence)

    def _range_method(self) -> str:
        return "order statistics of independent losses; clusters of volatility make it wider"

    def _parameters(self) -> dict[str, float]:
        return {"worst": float(self._losses.max()), "volatility": float(self._losses.std(ddof=1))}

    def _warnings(self) -> tuple[str, ...]:
        short = self._losses.size < 99
        return ("99% lies beyond the worst loss of the window",) if short else ()


class Gaussian(TailModel):
    """Normal with the window's mean and deviation: the reference that is wrong in the tail."""

    name = "Gaussian"

    def _fit(self, values: NDArray[np.float64]) -> None:
        self._mean, self._deviation = float(values.mean()), float(values.std(ddof=1))
        self._size = values.size

    def _one(self, level: float) -> tuple[float, float]:
        var, es = student_var_es(math.inf, level)
        return -self._mean + self._deviation * var, -self._mean + self._deviation * es

    def _many(self, level: float, horizon: int) -> tuple[float, float]:
        var, es = student_var_es(math.inf, level)
        drift, scale = -self._mean * horizon, self._deviation * math.sqrt(horizon)
        return drift + scale * var, drift + scale * es

    def _range(self, level: float, confidence: float) -> tuple[float, float, float, float]:
        width = normal_quantile(confidence) * self._deviation / math.sqrt(self._size)
        ends = []
        for quantile, whole in zip(student_var_es(math.inf, level), self._one(level), strict=True):
            reach = width * math.sqrt(1.0 + 0.5 * quantile**2)
            ends += [whole - reach, whole + reach]
        return ends[0], ends[1], ends[2], ends[3]

    def _range_method(self) -> str:
        return "normal theory; wrong for fat tails"

    def _parameters(self) -> dict[str, float]:
        return {"mean": self._mean, "volatility": self._deviation}


class StudentT(TailModel):
    """Student-t with fitted location, scale and degrees of freedom.

    ES is infinite when the degrees of freedom are 1 or fewer. Over h periods figures are scaled by
    h^max(1/2, 1/df): a tail without variance grows faster than the square root.
    """

    name = "Student-t"
    horizon_rule = "time to the power max(1/2, 1/df)"

    def _fit(self, values: NDArray[np.float64]) -> None:
        self._found: StudentFit = fit_student_t(values)
        if not self._found.scale > 0.0:
            raise CannotFit("the Student-t fit has no scale")
        if not self._found.converged:
            raise CannotFit(self._found.note)

    def _one(self, level: float) -> tuple[float, float]:
        found = self._found
        var, es = student_var_es(found.df, level)
        return -found.loc + found.scale * var, -found.loc + found.scale * es

    def _many(self, level: float, horizon: int) -> tuple[float, float]:
        var, es = self._one(level)
        factor = horizon ** max(0.5, 1.0 / self._found.df)
        return var * factor, es * factor

    def _range(self, level: float, confidence: float) -> tuple[float, float, float, float]:
        found, z = self._found, normal_quantile(confidence)
        if not np.isfinite(found.covariance).all():
            return math.nan, math.nan, math.nan, math.nan
        point = np.array([found.loc, math.log(found.scale), math.log(found.df)])

        def answer(at: NDArray[np.float64]) -> tuple[float, float]:
            var, es = student_var_es(math.exp(at[2]), level)
            scale = math.exp(at[1])
            return -float(at[0]) + scale * var, -float(at[0]) + scale * es

        ends: list[float] = []
        for which in range(2):
            middle = answer(point)[which]
            slope = np.zeros(3)
            for k in range(3):
                step = np.zeros(3)
                step[k] = 1e-4 * (found.scale if k == 0 else 1.0)
                up, down = answer(point + step)[which], answer(point - step)[which]
                slope[k] = (up - down) / (2.0 * step[k])
            error = math.sqrt(max(0.0, float(slope @ found.covariance @ slope)))
            ends += [middle - z * error, middle + z * error]
        low_df = found.df * math.exp(-z * math.sqrt(max(0.0, float(found.covariance[2, 2]))))
        high = math.inf if low_df <= 1.0 else ends[3]
        return ends[0], ends[1], max(ends[2], ends[0]), high

    def _range_method(self) -> str:
        return "delta method on the observed information, for independent returns"

    def _parameters(self) -> dict[str, float]:
        found = self._found
        return {"df": found.df, "loc": found.loc, "scale": found.scale}

    def _converged(self) -> bool:
        return self._found.converged

    def _warnings(self) -> tuple[str, ...]:
        found = [self._found.note] if self._found.note else []
        if self._found.df <= 2.0:
            found.append("df of 2 or fewer: the variance is infinite")
        return tuple(found)


class PeaksOverThreshold(TailModel):
    """Generalised Pareto tail over the window's empirical (1 - share) quantile.

    Levels below the threshold come from order statistics. The shape has a prior, because 50
    excesses do not fix it; None fits by maximum likelihood alone. ES is infinite for a shape of 1
    or more.

    Parameters
    ----------
    share : of the losses that make the tail
    prior : of the shape
    """

    name = "POT-GPD"
    horizon_rule = "time to the power max(1/2, shape)"

    def __init__(
        self,
        *,
        share: float = 0.1,
        prior: ShapePrior | None = DEFAULT_PRIOR,
        minimum: int = 500,
        prior_volatility: float = 0.03,
    ) -> None:
        super().__init__(minimum=minimum, prior_volatility=prior_volatility)
        self.share = float(share)
        self.prior = prior

    def _fit(self, values: NDArray[np.float64]) -> None:
        self._losses = -values
        self._tail = ParetoTail(self._losses, self.share, self.prior)

    def _one(self, level: float) -> tuple[float, float]:
        return self._tail.var_es(level)

    def _many(self, level: float, horizon: int) -> tuple[float, float]:
        var, es = self._one(level)
        factor = horizon ** max(0.5, self._tail.fit.shape)
        return var * factor, es * factor

    def _range(self, level: float, confidence: float) -> tuple[float, float, float, float]:
        return self._tail.range(level, confidence)

    def _range_method(self) -> str:
        return "posterior of shape, scale and share for independent losses"

    def _parameters(self) -> dict[str, float]:
        return self._tail.parameters()

    def _converged(self) -> bool:
        return self._tail.fit.converged

    def _warnings(self) -> tuple[str, ...]:
        return self._tail.warnings()


class CornishFisher(TailModel):
    """Cornish-Fisher expansion, only inside its domain; not for daily returns, which leave it.

    The polynomial's parameters are those whose distribution has the sample's skew and kurtosis
    (Maillard 2012), not the sample moments themselves. Outside the domain the fallback answers.
    """

    name = "Cornish-Fisher"

    def _fit(self, values: NDArray[np.float64]) -> None:
        from protection.risk.tails.cornish_fisher import in_domain, parameters_of

        self._mean, self._deviation = float(values.mean()), float(values.std(ddof=1))
        centred = (values - self._mean) / values.std()
        skew, kurtosis = float((centred**3).mean()), float((centred**4).mean()) - 3.0
        found: Any = parameters_of(skew, kurtosis)
        if found is None or not in_domain(found[0], found[1]):
            raise CannotFit(
                f"expected skew and excess kurtosis inside Cornish-Fisher's domain, was {skew:.3g} "
                f"and {kurtosis:.3g}"
            )
        self._skew, self._kurtosis, self._unit = found
        self._size = values.size

    def _one(self, level: float) -> tuple[float, float]:
        from protection.risk.tails.cornish_fisher import cornish_fisher_var_es

        scale = self._deviation / self._unit
        var, es = cornish_fisher_var_es(level, self._skew, self._kurtosis)
        return -self._mean + scale * var, -self._mean + scale * es

    def _range(self, level: float, confidence: float) -> tuple[float, float, float, float]:
        return math.nan, math.nan, math.nan, math.nan

    def _range_method(self) -> str:
        return "none: the error of sample kurtosis has no finite variance for fat tails"

    def _parameters(self) -> dict[str, float]:
        return {"skew": self._skew, "kurtosis": self._kurtosis, "volatility": self._deviation}
