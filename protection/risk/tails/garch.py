"""GARCH(1,1), with leverage and with Student-t innovations: maximum likelihood."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from protection.contracts.errors import FixInput
from protection.risk.tails.compiled import passes
from protection.risk.tails.empirical import clean_losses

FEWEST_RETURNS = 100
LOWEST_DF = 2.05
HIGHEST_DF = 300.0
_NAMES = ("mu", "phi", "omega", "alpha", "gamma", "beta", "nu")


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
    problem = _Problem(
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


class _Problem:
    """Likelihood of one sample in the coordinates of the search."""

    def __init__(
        self,
        values: NDArray[np.float64],
        lags: NDArray[np.float64],
        spec: GarchSpec,
        backcast: float,
        kernels: Any,
    ) -> None:
        self.values = values
        self.lags = lags
        self.spec = spec
        self.backcast = backcast
        self.kernels = kernels
        self.normal = spec.innovations == "normal"
        # Coordinates: mu, atanh phi, log omega, alpha, gamma/2, logit persistence, log df.
        free = [True, spec.autoregressive, True, True, spec.leverage, True, not self.normal]
        self.free = np.flatnonzero(free)
        self.score = np.zeros(7)
        self.outer = np.zeros((7, 7))
        self.last = np.zeros(2)
        self.slope = np.zeros(6)

    def start(self, theta: NDArray[np.float64] | None) -> NDArray[np.float64]:
        """Coordinates of a first guess."""
        if theta is not None:
            return self.coordinates(theta)
        best, best_value = None, -math.inf
        for alpha, beta in ((0.05, 0.9), (0.1, 0.8), (0.03, 0.95)):
            gamma = 0.08 if self.spec.leverage else 0.0
            alpha_part = alpha - 0.5 * gamma + 0.01 if self.spec.leverage else alpha
            slack = 1.0 - alpha_part - 0.5 * gamma - beta
            guess = self.coordinates(np.array([0.0, 0.0, slack, alpha_part, gamma, beta, 6.0]))
            value = self.evaluate(guess, False)[0]
            if best is None or value > best_value:
                best, best_value = guess, value
        assert best is not None
        return best

    def coordinates(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """Coordinates of parameters."""
        mu, phi, omega, alpha, gamma, beta, nu = (float(entry) for entry in theta)
        persistence = min(max(alpha + 0.5 * gamma + beta, 1e-3), 1.0 - 1e-5)
        return np.array(
            [
                mu,
                math.atanh(min(max(phi, -0.98), 0.98)),
                math.log(max(omega, 1e-9)),
                alpha,
                0.5 * gamma,
                math.log(persistence / (1.0 - persistence)),
                math.log(max(min(nu, 0.99 * HIGHEST_DF) - LOWEST_DF, 1e-3)),
            ]
        )

    def theta(self, point: NDArray[np.float64]) -> NDArray[np.float64]:
        """Parameters at coordinates."""
        mu, phi, level, alpha, half, sway, d = (float(entry) for entry in point)
        persistence = 1.0 / (1.0 + math.exp(-max(min(sway, 12.0), -16.0)))
        return np.array(
            [
                mu,
                math.tanh(phi) if self.spec.autoregressive else 0.0,
                math.exp(min(max(level, -25.0), 5.0)),
                alpha,
                2.0 * half,
                persistence - alpha - half,
                8.0 if self.normal else min(LOWEST_DF + math.exp(min(d, 20.0)), HIGHEST_DF),
            ]
        )

    def jacobian(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """Derivative of the parameters by the coordinates, shape (7, 7)."""
        _, phi, omega, alpha, gamma, beta, nu = (float(entry) for entry in theta)
        persistence = alpha + 0.5 * gamma + beta
        jacobian = np.zeros((7, 7))
        jacobian[0, 0] = 1.0
        jacobian[1, 1] = 1.0 - phi * phi
        jacobian[2, 2] = omega
        jacobian[3, 3] = 1.0
        jacobian[4, 4] = 2.0
        jacobian[5, 3] = jacobian[5, 4] = -1.0
        jacobian[5, 5] = persistence * (1.0 - persistence)
        jacobian[6, 6] = nu - LOWEST_DF if nu < HIGHEST_DF else 0.0
        return jacobian

    def evaluate(
        self, point: NDArray[np.float64], with_outer: bool
    ) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
        """Value, gradient and (optionally) outer product in the free coordinates."""
        theta = self.theta(point)
        if theta[5] < 0.0:
            return -math.inf, np.zeros(self.free.size), np.zeros((0, 0))
        self.outer[:] = 0.0
        self.outer[0, 0] = 0.0 if with_outer else 1.0
        value = self.kernels.garch_pass(
            self.values,
            self.lags,
            theta,
            self.backcast,
            self.normal,
            self.score,
            self.outer,
            self.last,
            self.slope,
        )
        score = self.score.copy()
        count = self.values.size
        if self.normal:
            value -= 0.5 * count * math.log(2.0 * math.pi)
        else:
            from scipy import special

            nu = float(theta[6])
            value += count * (
                math.lgamma(0.5 * (nu + 1.0))
                - math.lgamma(0.5 * nu)
                - 0.5 * math.log(math.pi * (nu - 2.0))
            )
            each = 0.5 * float(special.psi(0.5 * (nu + 1.0)) - special.psi(0.5 * nu))
            each -= 0.5 / (nu - 2.0)
            if with_outer:
                # Scores of nu were added up without their constant: complete the outer product.
                self.outer[6, :6] += each * score[:6]
                self.outer[6, 6] += 2.0 * each * score[6] + count * each * each
            score[6] += count * each
        if not math.isfinite(value):
            return -math.inf, np.zeros(self.free.size), np.zeros((0, 0))
        jacobian = self.jacobian(theta)[:, self.free]
        gradient = jacobian.T @ score
        if not with_outer:
            return float(value), gradient, np.zeros((0, 0))
        full = np.tril(self.outer) + np.tril(self.outer, -1).T
        return float(value), gradient, jacobian.T @ full @ jacobian

    def climb(
        self, point: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], float, bool, NDArray[np.float64]]:
        """BFGS from the inverse outer product; the point, its value and whether it is a maximum.

        Coordinates that press against a bound stay there and leave the quadratic model: alpha and
        gamma at 0, the persistence just below 1, nu at its ends, phi at 0.96.
        """
        low, high = np.full(7, -np.inf), np.full(7, np.inf)
        low[1], high[1] = -2.0, 2.0
        low[3] = low[4] = 0.0
        low[6] = -8.0
        high[5], high[6] = 12.0, math.log(HIGHEST_DF - LOWEST_DF)
        low, high = low[self.free], high[self.free]
        reach = np.where(np.isin(self.free, (3, 4)), 0.15, 1.5)
        value, gradient, outer = self.evaluate(point, True)
        inside = _movable(point[self.free], gradient, low, high)
        inverse = _inverse(outer, inside)
        fresh = True
        converged = False
        for _ in range(150):
            now = _movable(point[self.free], gradient, low, high)
            if (now != inside).any():
                inside = now
                value, gradient, outer = self.evaluate(point, True)
                inverse = _inverse(outer, inside)
                fresh = True
            direction = inverse @ gradient
            # Half of ``promise`` is the gain in log-likelihood that a quadratic would give.
            promise = float(gradient @ direction)
            if 0.0 <= promise < 1e-8:
                converged = True
                break
            size = min(1.0, float((reach / np.maximum(np.abs(direction), 1e-300)).min()))
            moved = False
            for _ in range(25):
                there = point.copy()
                there[self.free] = np.clip(point[self.free] + size * direction, low, high)
                new_value, new_gradient, _ = self.evaluate(there, False)
                gain = float(gradient @ (there[self.free] - point[self.free]))
                if gain > 0.0 and new_value >= value + 1e-4 * gain:
                    moved = True
                    break
                size *= 0.4
            if not moved:
                if fresh:
                    # No gain along an ascent direction: at rounding level, this is the top.
                    converged = 0.0 <= promise < 1e-4
                    break
                value, gradient, outer = self.evaluate(point, True)
                inverse = _inverse(outer, inside)
                fresh = True
                continue
            fresh = False
            step = np.where(inside, there[self.free] - point[self.free], 0.0)
            change = np.where(inside, gradient - new_gradient, 0.0)
            point, value, gradient = there, new_value, new_gradient
            along = float(step @ change)
            if along > 1e-12:
                image = inverse @ change
                inverse += (
                    (1.0 + float(change @ image) / along) * np.outer(step, step)
                    - np.outer(image, step)
                    - np.outer(step, image)
                ) / along
        _, _, outer = self.evaluate(point, True)
        return point, value, converged, outer


def _movable(
    point: NDArray[np.float64],
    gradient: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Coordinates that are not held at a bound by their gradient."""
    return ((point > low) | (gradient > 0.0)) & ((point < high) | (gradient < 0.0))


def _inverse(outer: NDArray[np.float64], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Inverse of an outer product over the coordinates ``inside``, 0 elsewhere."""
    found = np.zeros_like(outer)
    part = outer[np.ix_(inside, inside)]
    diagonal = np.diag(part)
    ridge = 1e-9 * np.maximum(diagonal, 1e-6 * max(float(diagonal.max()), 1e-12))
    found[np.ix_(inside, inside)] = np.linalg.pinv(part + np.diag(ridge), hermitian=True)
    return found


def _result(
    problem: _Problem,
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
    covariance = _inverse(outer, everywhere)
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
