"""Portfolio optimizers: weights from returns."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from engine.framework.construction.quadratic import minimize
from engine.securities.native import LeanModel
from engine.types.errors import ArgumentException

Vector = npt.NDArray[np.float64]


def covariance_of(returns: Vector) -> Vector:
    """Return the sample covariance of the columns."""
    return np.atleast_2d(np.cov(returns, rowvar=False))


def _inputs(
    historical_returns: Any, expected_returns: Any, covariance: Any
) -> tuple[Vector, Vector]:
    returns = np.asarray(historical_returns, float)
    means = returns.mean(axis=0) if expected_returns is None else np.asarray(expected_returns)
    matrix = covariance_of(returns) if covariance is None else np.asarray(covariance)
    return np.asarray(means, float).ravel(), np.asarray(matrix, float)


class MinimumVariancePortfolioOptimizer(LeanModel):
    """The least variance for a target return; weights within bounds add up to 1.

    When there is none, equal weights. The result is scaled to absolute weights of 1.
    """

    def __init__(self, lower: float = -1, upper: float = 1, target_return: float = 0.02) -> None:
        self._lower, self._upper, self._target = lower, upper, target_return

    def optimize(
        self, historical_returns: Any, expected_returns: Any = None, covariance: Any = None
    ) -> Vector:
        """Return the weights; rows of returns are moments, columns assets."""
        means, matrix = _inputs(historical_returns, expected_returns, covariance)
        size = len(matrix)
        equal = np.full(size, 1.0 / size)
        eye = np.eye(size)
        found = minimize(
            matrix,
            np.vstack((means, np.ones(size))),
            np.array([self._target, 1.0]),
            np.vstack((eye, -eye)),
            np.concatenate((np.full(size, self._lower), np.full(size, -self._upper))),
        )
        if found is None:
            return equal
        found = np.where(np.isfinite(found), found, 0.0)
        total = np.abs(found).sum()
        return found / total if total else equal


class MaximumSharpeRatioPortfolioOptimizer(LeanModel):
    """The highest Sharpe ratio with weights within bounds (Charnes-Cooper substitution)."""

    def __init__(self, lower: float = -1, upper: float = 1, risk_free_rate: float = 0.0) -> None:
        self._lower, self._upper, self._rate = lower, upper, risk_free_rate

    def optimize(
        self, historical_returns: Any, expected_returns: Any = None, covariance: Any = None
    ) -> Vector:
        """Return the weights; equal ones when no portfolio has a positive excess return."""
        means, matrix = _inputs(historical_returns, expected_returns, covariance)
        excess = means - self._rate
        size = len(matrix)
        equal = np.full(size, 1.0 / size)
        if not (np.any(excess > 0) if self._lower >= 0 else np.any(excess != 0)):
            return equal
        eye, ones = np.eye(size), np.ones((size, size))
        found = minimize(
            matrix,
            excess[np.newaxis, :],
            np.array([1.0]),
            np.vstack((self._upper * ones - eye, eye - self._lower * ones)),
            np.zeros(2 * size),
        )
        if found is None:
            return equal
        total = float(found.sum())
        return found / total if total > 0 else equal


class UnconstrainedMeanVariancePortfolioOptimizer(LeanModel):
    """Expected returns times the inverse covariance."""

    def optimize(
        self, historical_returns: Any, expected_returns: Any = None, covariance: Any = None
    ) -> Vector:
        """Return the weights, not scaled."""
        means, matrix = _inputs(historical_returns, expected_returns, covariance)
        weights: Vector = means @ np.linalg.inv(matrix)
        return weights


class RiskParityPortfolioOptimizer(LeanModel):
    """The same budget of risk for every asset (Newton's method on the log-barrier problem)."""

    def __init__(self, lower: float | None = None, upper: float | None = None) -> None:
        self._lower = 1e-05 if lower is None else lower
        self._upper = np.finfo(float).max if upper is None else upper

    def optimize(
        self, historical_returns: Any, expected_returns: Any = None, covariance: Any = None
    ) -> Vector:
        """Return positive weights that add up to 1, cut to the bounds.

        ``expected_returns`` are the budgets of risk; equal ones when None.

        Raises
        ------
        ArgumentException
            For more than 1000 assets.
        """
        matrix = covariance_of(np.asarray(historical_returns, float))
        if covariance is not None:
            matrix = np.asarray(covariance, float)
        size = len(matrix)
        if size > 1000:
            raise ArgumentException(
                'Argument "numberOfVariables" must be a positive integer between 1 and 1000'
            )
        budget = np.full(size, 1.0 / size)
        if expected_returns is not None:
            budget = np.asarray(expected_returns, float)
        weights = _newton(matrix, budget) if size > 1 else np.ones(1)
        return np.clip(weights / weights.sum(), self._lower, self._upper)


def _newton(matrix: Vector, budget: Vector) -> Vector:
    weights = np.full(len(matrix), 1.0 / len(matrix))
    before, now = np.inf, -np.inf
    for _ in range(15000):
        if abs(now - before) <= 1e-11:
            break
        before = now
        hessian = matrix + np.diag(budget / weights**2)
        weights = weights - np.linalg.inv(hessian) @ (matrix @ weights - budget / weights)
        with np.errstate(invalid="ignore"):
            now = float(0.5 * weights @ matrix @ weights - budget @ np.log(weights))
    return weights
