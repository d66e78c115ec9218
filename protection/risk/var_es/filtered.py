"""Models whose volatility is a GARCH recursion, with a law of the residuals on top."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protection.risk.tails.garch import FEWEST_RETURNS, GarchFit, GarchSpec, fit_garch
from protection.risk.var_es.model import CannotFit, TailModel, normal_quantile

LEAST_DF = 2.1
_PARAMETERS = ("mu", "phi", "omega", "alpha", "gamma", "beta", "nu")


class FilteredTail(TailModel):
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

    @abstractmethod
    def _fit_residuals(self, residuals: NDArray[np.float64]) -> None:
        """Fit the law of the standardised residuals."""

    @abstractmethod
    def _law(self, level: float) -> tuple[float, float]:
        """VaR and ES of a standardised residual loss."""

    @abstractmethod
    def _law_range(self, level: float, confidence: float) -> tuple[float, float, float, float]:
        """Low and high end of VaR and of ES of a standardised residual loss."""
