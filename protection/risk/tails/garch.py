"""GARCH(1,1), with leverage and with Student-t innovations: maximum likelihood."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from protection.contracts.errors import FixInput
from protection.risk.tails.compiled import passes
from protection.risk.tails.empirical import clean_losses
from protection.risk.tails.garch_search import LOWEST_DF, GarchProblem, inverse_outer

FEWEST_RETURNS = 100


@dataclass(frozen=True, slots=True)
class GarchSpec:
    """Which GARCH.

    Attributes
    ----------
    innovations : "t" (unit variance) or "normal" (quasi maximum likelihood)
    leverage : Glosten-Jagannathan-Runkle term for falls, held at 0 or above
    autoregressive : mean mu + phi r[t-1] instead of mu
    """

    innovations: str = "t"
    leverage: bool = False
    autoregressive: bool = False

    def __post_init__(self) -> None:
        if self.innovations not in ("t", "normal"):
            raise FixInput(f"expected innovations 't' or 'normal', was {self.innovations!r}")


@dataclass(frozen=True, slots=True)
class GarchFit:
    """Fitted recursion h[t+1] = omega + (alpha + gamma 1[e<0]) e[t]^2 + beta h[t].

    Attributes
    ----------
    mu, phi, omega, alpha, gamma, beta, nu : parameters in the unit of the returns; nu is infinite
        for normal innovations, gamma and phi are 0 when the specification leaves them out
    spec : what was fitted
    variance : of the step after the last return
    last : last return, for the autoregressive mean
    residuals : standardised, shape (n,), oldest first
    log_likelihood : with all constants
    log_volatility_error : standard error of log sqrt(variance) from the parameters' uncertainty
    converged : whether the gradient vanished
    count : returns used
    nu_error : standard error of nu from the outer product of scores; NaN for normal innovations
    note : why it did not converge, or an empty string
    """

    mu: float
    phi: float
    omega: float
    alpha: float
    gamma: float
    beta: float
    nu: float
    spec: GarchSpec
    variance: float
    last: float
    residuals: NDArray[np.float64] = field(repr=False)
    log_likelihood: float
    log_volatility_error: float
    converged: bool
    count: int
    nu_error: float = math.nan
    note: str = ""

    @property
    def persistence(self) -> float:
        """Share of a shock to the variance that is left a step later."""
        return self.alpha + 0.5 * self.gamma + self.beta

    @property
    def long_run(self) -> float:
        """Unconditional variance."""
        return self.omega / max(1.0 - self.persistence, 1e-12)

    def mean_next(self, last: float) -> float:
        """Conditional mean after a return of ``last``."""
        return self.mu + self.phi * last

    def variance_next(self, variance: float, residual: float) -> float:
        """One step of the recursion from a variance and the residual that followed it."""
        react = self.alpha + self.gamma if residual < 0.0 else self.alpha
        return self.omega + react * residual * residual + self.beta * variance


def fit_garch(
    returns: ArrayLike,
    spec: GarchSpec | None = None,
    *,
    start: GarchFit | None = None,
    backcast: float | None = None,
    twin: bool = False,
) -> GarchFit:
    """Fit by quasi-Newton ascent with the analytic gradient.

    The coordinates are log omega, alpha, gamma/2, the logit of the persistence and log (nu - 2.05):
    every fit is stationary, and alpha and gamma may end at 0. The first direction comes from the
    outer product of the scores, later ones from BFGS updates.

    Parameters
    ----------
    returns : shape (n,), any unit; NaN is left out
    spec : which model; GARCH(1,1)-t by default
    start : an earlier fit of the same specification; a refit then takes a few passes
    backcast : variance before the sample; the mean squared residual by default. arch's default is
        an exponentially weighted one
    twin : use the NumPy pass even where numba is present

    Raises
    ------
    FixInput
        For infinite returns, fewer than 100, or returns without variance: there is nothing to fit.

    References
    ----------
    Bollerslev 1987; Glosten, Jagannathan and Runkle 1993; Fiorentini, Calzolari and Panattoni 1996
    for the analytic derivatives.
    """
    spec = spec or GarchSpec()
    values = clean_losses(returns, "returns")
    if values.size < FEWEST_RETURNS:
        raise FixInput(
            f"expected {FEWEST_RETURNS} returns or more, was {values.size}; use a conservative "
            "model until there are"
        )
    centre, unit = float(values.mean()), float(values.std())
    if unit <= 1e-14 * max(1.0, abs(centre)):
        raise FixInput("expected returns that vary, was constant; is the feed frozen?")
    if spec.autoregressive:
        lags = (values[:-1] - centre) / unit
        scaled = (values[1:] - centre) / unit
    else:
        scaled = (values - centre) / unit
        lags = np.zeros(scaled.size)
    problem = GarchProblem(
        scaled,
        lags,
        spec,
        float((scaled**2).mean()) if backcast is None else backcast / unit**2,
        passes("garch", twin=twin),
    )
    point = problem.start(None if start is None else _as_theta(start, centre, unit))
    point, value, converged, gradient_outer = problem.climb(point)
    theta = problem.theta(point)
    return _result(problem, theta, value, converged, gradient_outer, values, centre, unit)


def _as_theta(fit: GarchFit, centre: float, unit: float) -> NDArray[np.float64]:
    """Parameters of an earlier fit in the standardised unit of a new sample."""
    nu = fit.nu if math.isfinite(fit.nu) else 8.0
    mu = (fit.mu - centre * (1.0 - fit.phi)) / unit
    return np.array([mu, fit.phi, fit.omega / unit**2, fit.alpha, fit.gamma, fit.beta, nu])


def _result(
    problem: GarchProblem,
    theta: NDArray[np.float64],
    value: float,
    converged: bool,
    outer: NDArray[np.float64],
    values: NDArray[np.float64],
    centre: float,
    unit: float,
) -> GarchFit:
    """Fit in the unit of the returns."""
    variances = np.empty(problem.values.size)
    variance = problem.kernels.garch_path(
        problem.values, problem.lags, theta, problem.backcast, variances
    )
    residuals = (problem.values - theta[0] - theta[1] * problem.lags) / np.sqrt(variances)
    jacobian = problem.jacobian(theta)[:6, problem.free]
    sensitivity = jacobian.T @ problem.slope / variance
    everywhere = np.diag(outer) > 0.0
    covariance = inverse_outer(outer, everywhere)
    spread = float(sensitivity @ covariance @ sensitivity)
    nu_error = math.nan
    if not problem.normal:
        nu_error = (float(theta[6]) - LOWEST_DF) * math.sqrt(max(0.0, float(covariance[-1, -1])))
    error = 0.5 * math.sqrt(max(0.0, spread))
    mu, phi, omega, alpha, gamma, beta, nu = (float(entry) for entry in theta)
    return GarchFit(
        mu * unit + centre * (1.0 - phi),
        phi,
        omega * unit**2,
        alpha,
        gamma,
        beta,
        math.inf if problem.normal else nu,
        problem.spec,
        variance * unit**2,
        float(values[-1]),
        residuals,
        value - problem.values.size * math.log(unit),
        error,
        converged,
        int(problem.values.size),
        nu_error,
        "" if converged else "the optimiser stopped before the gradient vanished",
    )
