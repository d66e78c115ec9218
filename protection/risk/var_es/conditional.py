"""Models with a volatility filter: RiskMetrics, GARCH-t, filtered simulation, GARCH-EVT."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from protection.contracts.errors import FixInput
from protection.risk.tails.empirical import empirical_var_es
from protection.risk.tails.garch import FEWEST_RETURNS, GarchFit, GarchSpec, fit_garch
from protection.risk.tails.gpd import DEFAULT_PRIOR, ShapePrior
from protection.risk.tails.student import student_var_es
from protection.risk.var_es.model import CannotFit, TailModel, empirical_range, normal_quantile
from protection.risk.var_es.static import ParetoTail

LEAST_DF = 2.1
_PARAMETERS = ("mu", "phi", "omega", "alpha", "gamma", "beta", "nu")


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


class _Filtered(TailModel):
    """GARCH filter with a law of the standardised residuals on top.

    The fallback answers when the likelihood has no interior maximum, the innovations have no
    variance (df below 2.1), or more than half of the returns are one value.
    """

    horizon_rule = "sum of expected variances, one-period law of residuals"

    def __init__(self, spec: GarchSpec, *, minimum: int, prior_volatility: float) -> None:
        super().__init__(
            minimum=max(int(minimum), FEWEST_RETURNS + 1), prior_volatility=prior_volatility
        )
        self.spec = spec
        self._warm: GarchFit | None = None
        self._known: dict[float, tuple[float, float]] = {}

    def _fit(self, values: NDArray[np.float64]) -> None:
        if float(np.median(np.abs(values - np.median(values)))) == 0.0:
            raise CannotFit("expected returns that vary, more than half were one value")
        found = fit_garch(values, self.spec, start=self._warm)
        if not found.converged and self._warm is not None:
            found = fit_garch(values, self.spec)
        if not (found.converged and 0.0 < found.variance < math.inf):
            self._warm = None
            raise CannotFit(found.note or "the GARCH fit has no variance")
        if found.nu < LEAST_DF:
            self._warm = None
            raise CannotFit(f"expected innovations with a variance, df was {found.nu:.3f}")
        self._found = self._warm = found
        self._variance, self._last = found.variance, found.last
        self._residuals = found.residuals
        self._known = {}
        self._fit_residuals(found.residuals)

    def _step(self, value: float) -> None:
        found = self._found
        residual = value - found.mean_next(self._last)
        self._variance = found.variance_next(self._variance, residual)
        self._last = value

    def _one(self, level: float) -> tuple[float, float]:
        # The law of residuals is fixed between fits: each level is looked up once.
        law = self._known.get(level)
        if law is None:
            law = self._known[level] = self._law(level)
        mean, scale = self._found.mean_next(self._last), math.sqrt(self._variance)
        return -mean + scale * law[0], -mean + scale * law[1]

    def _total(self, horizon: int) -> tuple[float, float]:
        """Expected sum of returns and of variances over the horizon."""
        found = self._found
        persistence = min(found.persistence, 1.0 - 1e-12)
        fade = (1.0 - persistence**horizon) / (1.0 - persistence)
        variance = horizon * found.long_run + (self._variance - found.long_run) * fade
        if found.persistence > 1.0 - 1e-4:
            variance = horizon * self._variance + found.omega * horizon * (horizon - 1) / 2
        centre = found.mu / (1.0 - found.phi)
        away = found.mean_next(self._last) - centre
        mean = horizon * centre + away * (1.0 - found.phi**horizon) / (1.0 - found.phi)
        return mean, max(variance, self._variance)

    def _many(self, level: float, horizon: int) -> tuple[float, float]:
        var, es = self._law(level)
        mean, variance = self._total(horizon)
        return -mean + math.sqrt(variance) * var, -mean + math.sqrt(variance) * es

    def _range(self, level: float, confidence: float) -> tuple[float, float, float, float]:
        z = normal_quantile(confidence)
        mean, scale = self._found.mean_next(self._last), math.sqrt(self._variance)
        shared = z * self._found.log_volatility_error
        ends = []
        law = self._law(level)
        for place, end in enumerate(self._law_range(level, confidence)):
            middle = law[place // 2]
            if not (0.0 < end < math.inf and 0.0 < middle < math.inf):
                ends.append(end)
                continue
            reach = min(math.hypot(math.log(end / middle), shared), 50.0)
            sign = -1.0 if place % 2 == 0 else 1.0
            ends.append(-mean + scale * middle * math.exp(sign * reach))
        return ends[0], ends[1], max(ends[2], ends[0]), ends[3]

    def _range_method(self) -> str:
        return "law of residuals and error of the volatility, joined on the log scale"

    def _parameters(self) -> dict[str, float]:
        found = self._found
        return {name: float(getattr(found, name)) for name in _PARAMETERS} | {
            "volatility": math.sqrt(self._variance)
        }

    def _converged(self) -> bool:
        return self._found.converged

    def _warnings(self) -> tuple[str, ...]:
        return (self._found.note,) if self._found.note else ()

    def warm_state(self) -> dict[str, Any]:
        """Parameters that the next fit starts from."""
        if self._warm is None:
            return {}
        return {name: float(getattr(self._warm, name)) for name in _PARAMETERS}

    def warm_start(self, state: Mapping[str, Any]) -> None:
        """Take over :meth:`warm_state` of an earlier process."""
        if not state:
            return
        mu, phi, omega, alpha, gamma, beta, nu = (float(state[name]) for name in _PARAMETERS)
        self._warm = GarchFit(
            mu=mu,
            phi=phi,
            omega=omega,
            alpha=alpha,
            gamma=gamma,
            beta=beta,
            nu=nu,
            spec=self.spec,
            variance=math.nan,
            last=math.nan,
            residuals=np.empty(0),
            log_likelihood=math.nan,
            log_volatility_error=math.nan,
            converged=True,
            count=0,
        )

    def _fit_residuals(self, residuals: NDArray[np.float64]) -> None:
        raise NotImplementedError(f"{type(self).__name__} has no law of residuals")

    def _law(self, level: float) -> tuple[float, float]:
        """VaR and ES of a standardised residual loss."""
        raise NotImplementedError(f"{type(self).__name__} has no law of residuals")

    def _law_range(self, level: float, confidence: float) -> tuple[float, float, float, float]:
        raise NotImplementedError(f"{type(self).__name__} has no law of residuals")


class GarchT(_Filtered):
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


class FilteredHistorical(_Filtered):
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


class GarchEvt(_Filtered):
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
