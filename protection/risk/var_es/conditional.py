"""Models with a volatility filter: RiskMetrics, GARCH-t, filtered simulation, GARCH-EVT."""

from __future__ import annotations

import math
from typing import Self

import numpy as np
from numpy.typing import NDArray

from protection.contracts.errors import FixInput
from protection.risk.tails.empirical import empirical_var_es
from protection.risk.tails.garch import GarchSpec
from protection.risk.tails.gpd import DEFAULT_PRIOR, ShapePrior
from protection.risk.tails.student import student_var_es
from protection.risk.var_es.filtered import FilteredTail
from protection.risk.var_es.model import CannotFit, TailModel, empirical_range, normal_quantile
from protection.risk.var_es.pareto import ParetoTail


class RiskMetrics(TailModel):
    """Normal with exponentially weighted variance around 0 (RiskMetrics 1996); a reference.

    Parameters
    ----------
    decay : 0.94 for daily returns
    """

    name = "RiskMetrics"

    def __init__(
        self, *, decay: float = 0.94, minimum: int = 250, prior_volatility: float = 0.03
    ) -> None:
        super().__init__(minimum=minimum, prior_volatility=prior_volatility)
        if not 0.0 < decay < 1.0:
            raise FixInput(f"expected decay in (0, 1), was {decay}")
        self.decay = float(decay)

    def _fit(self, values: NDArray[np.float64]) -> None:
        start = min(values.size, 25)
        self._variance = float((values[:start] ** 2).mean())
        # The last 25 / (1 - decay) returns carry all but a rounding of the weight.
        span = min(values.size - start, int(25.0 / (1.0 - self.decay)))
        for value in values[values.size - span :].tolist():
            self._step(value)
        if not self._variance > 0.0:
            raise CannotFit("expected a variance above 0; is the feed frozen?")

    def _step(self, value: float) -> None:
        self._variance += (1.0 - self.decay) * (value * value - self._variance)

    def _one(self, level: float) -> tuple[float, float]:
        var, es = student_var_es(math.inf, level)
        scale = math.sqrt(self._variance)
        return scale * var, scale * es

    def _range(self, level: float, confidence: float) -> tuple[float, float, float, float]:
        # The weights square to (1 - decay) / (1 + decay): the size of an equal sample.
        size = (1.0 + self.decay) / (1.0 - self.decay)
        spread = math.exp(normal_quantile(confidence) / math.sqrt(2.0 * size))
        var, es = self._one(level)
        return var / spread, var * spread, es / spread, es * spread

    def _range_method(self) -> str:
        return "effective sample of the weights, normal returns; wrong for fat tails"

    def _parameters(self) -> dict[str, float]:
        return {"volatility": math.sqrt(self._variance)}


class GarchT(FilteredTail):
    """GARCH(1,1) with Student-t innovations of unit variance.

    Parameters
    ----------
    leverage : falls raise the variance more than rises
    """

    name = "GARCH-t"

    def __init__(
        self, *, leverage: bool = False, minimum: int = 500, prior_volatility: float = 0.03
    ) -> None:
        spec = GarchSpec("t", leverage)
        super().__init__(spec, minimum=minimum, prior_volatility=prior_volatility)

    def _fit_residuals(self, residuals: NDArray[np.float64]) -> None:
        return None

    def _law(self, level: float) -> tuple[float, float]:
        return student_var_es(self._found.nu, level, unit_variance=True)

    def _law_range(self, level: float, confidence: float) -> tuple[float, float, float, float]:
        # 1 / nu is nearer to normal than nu, and its range ends at the normal distribution.
        inverse = 1.0 / self._found.nu
        reach = normal_quantile(confidence) * self._found.nu_error * inverse**2
        thin = student_var_es(1.0 / max(inverse - reach, 1e-3), level, unit_variance=True)
        fat = student_var_es(1.0 / min(inverse + reach, 0.48), level, unit_variance=True)
        var, es = sorted((thin[0], fat[0])), sorted((thin[1], fat[1]))
        return var[0], var[1], es[0], es[1]


class FilteredHistorical(FilteredTail):
    """Filtered historical simulation: GARCH volatility times the window's own residuals.

    Over h periods, ``paths`` sequences of residuals are drawn with replacement and run through the
    recursion (Barone-Adesi, Giannopoulos and Vosper 1999); the seed makes answers repeatable.

    Parameters
    ----------
    leverage : falls raise the variance more than rises
    paths, seed : of the simulation over more than one period
    """

    name = "filtered historical"
    horizon_rule = "simulated paths of residuals through the recursion"

    def __init__(
        self,
        *,
        leverage: bool = True,
        minimum: int = 500,
        prior_volatility: float = 0.03,
        paths: int = 10_000,
        seed: int = 20_000_101,
    ) -> None:
        spec = GarchSpec("t", leverage)
        super().__init__(spec, minimum=minimum, prior_volatility=prior_volatility)
        if paths < 1000:
            raise FixInput(f"expected 1000 paths or more, was {paths}")
        self.paths, self.seed = int(paths), int(seed)

    def _fit_residuals(self, residuals: NDArray[np.float64]) -> None:
        return None

    def _law(self, level: float) -> tuple[float, float]:
        return empirical_var_es(-self._residuals, level)

    def _law_range(self, level: float, confidence: float) -> tuple[float, float, float, float]:
        return empirical_range(-self._residuals, level, confidence)

    def _many(self, level: float, horizon: int) -> tuple[float, float]:
        found, rng = self._found, np.random.default_rng(self.seed)
        variance = np.full(self.paths, self._variance)
        last = np.full(self.paths, self._last)
        growth = np.ones(self.paths)
        for _ in range(horizon):
            residual = np.sqrt(variance) * rng.choice(self._residuals, self.paths)
            last = found.mu + found.phi * last + residual
            growth *= 1.0 + np.maximum(last, -1.0)
            react = found.alpha + found.gamma * (residual < 0.0)
            variance = found.omega + react * residual**2 + found.beta * variance
        return empirical_var_es(1.0 - growth, level)


class GarchEvt(FilteredTail):
    """GARCH volatility with a Pareto tail on the residuals (McNeil and Frey 2000).

    The recommended model: Student-t likelihood with leverage, order statistics of the residuals up
    to the 95% level, a generalised Pareto tail with a prior on its shape beyond.

    Parameters
    ----------
    spec : of the filter
    share : of the residuals that make the tail
    prior : of the shape; None fits by maximum likelihood alone
    """

    name = "GARCH-EVT"

    def __init__(
        self,
        *,
        spec: GarchSpec | None = None,
        share: float = 0.05,
        prior: ShapePrior | None = DEFAULT_PRIOR,
        minimum: int = 500,
        prior_volatility: float = 0.03,
    ) -> None:
        spec = spec or GarchSpec("t", leverage=True)
        super().__init__(spec, minimum=minimum, prior_volatility=prior_volatility)
        if not 0.0 < share <= 0.25:
            raise FixInput(f"expected share in (0, 0.25], was {share}")
        self.share = float(share)
        self.prior = prior

    @classmethod
    def mcneil_frey(cls) -> Self:
        """As published: AR(1)-GARCH(1,1) by normal quasi likelihood, largest 10% of 1000."""
        spec = GarchSpec("normal", leverage=False, autoregressive=True)
        return cls(spec=spec, share=0.1, prior=None, minimum=1000)

    def _fit_residuals(self, residuals: NDArray[np.float64]) -> None:
        self._tail = ParetoTail(-residuals, self.share, self.prior)

    def _law(self, level: float) -> tuple[float, float]:
        return self._tail.var_es(level)

    def _law_range(self, level: float, confidence: float) -> tuple[float, float, float, float]:
        return self._tail.range(level, confidence)

    def _parameters(self) -> dict[str, float]:
        return super()._parameters() | self._tail.parameters()

    def _warnings(self) -> tuple[str, ...]:
        return super()._warnings() + self._tail.warnings()


def recommended() -> TailModel:
    """The model to use when there is no reason for another."""
    return GarchEvt()
