"""The search for the maximum of a GARCH likelihood: coordinates, bounds and quasi-Newton ascent."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from protection.risk.tails.garch import GarchSpec

LOWEST_DF = 2.05
HIGHEST_DF = 300.0


class GarchProblem:
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
        inverse = inverse_outer(outer, inside)
        fresh = True
        converged = False
        for _ in range(150):
            now = _movable(point[self.free], gradient, low, high)
            if (now != inside).any():
                inside = now
                value, gradient, outer = self.evaluate(point, True)
                inverse = inverse_outer(outer, inside)
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
                inverse = inverse_outer(outer, inside)
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


def inverse_outer(outer: NDArray[np.float64], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Inverse of an outer product over the coordinates ``inside``, 0 elsewhere."""
    found = np.zeros_like(outer)
    part = outer[np.ix_(inside, inside)]
    diagonal = np.diag(part)
    ridge = 1e-9 * np.maximum(diagonal, 1e-6 * max(float(diagonal.max()), 1e-12))
    found[np.ix_(inside, inside)] = np.linalg.pinv(part + np.diag(ridge), hermitian=True)
    return found
