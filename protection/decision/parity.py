"""Risk budgets: weights whose shares in the portfolio's volatility are given.

The weights are ``x / sum(x)`` for the minimiser of ``x'Sx / 2 - sum b_i log x_i``, which is unique
for a positive definite S and positive b (Maillard, Roncalli and Teiletche 2010; Spinu 2013). It is
found on the correlation matrix, whose coordinates are all of one size: cyclical coordinate descent
(Griveau-Billion, Richard and Roncalli 2013), which gets near from anywhere, and Newton steps from
there, which strong common factors do not slow down.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from protection.contracts.errors import FixInput

_SWEEPS = 10_000
_NEAR = 12
"""Sweeps before the first Newton step."""
_STEPS = 40


def risk_parity(
    covariance: ArrayLike,
    budgets: ArrayLike | None = None,
    *,
    tolerance: float = 1e-10,
    compiled: bool = True,
) -> NDArray[np.float64]:
    """Long-only weights, summing to 1, whose shares of risk equal the budgets.

    Parameters
    ----------
    covariance : (p, p) covariance of returns, any unit; a robust one (MRCD) is as good an input
    budgets : (p,) shares of risk, at least 0, scaled to sum 1; equal when None. A budget of 0
        leaves the asset out (weight 0).
    tolerance : largest absolute difference between a share of risk and its budget
    compiled : use the numba kernel where numba is installed; the plain twin else

    Returns
    -------
    (p,) weights

    Raises
    ------
    FixInput
        When the matrix is not square, finite and symmetric, when an asset of a positive budget
        has no variance, or when no solution exists (a long-only portfolio without risk).

    Notes
    -----
    Source: Griveau-Billion, Richard, Roncalli (2013), "A fast algorithm for computing
    high-dimensional risk parity portfolios", SSRN 2325255.
    """
    matrix = _matrix(covariance)
    p = matrix.shape[0]
    shares = _budgets(budgets, p)
    used = np.flatnonzero(shares > 0.0)
    variances = np.diag(matrix)[used]
    if not np.all(variances > 0.0):
        bad = int(used[int(np.argmin(variances))])
        raise FixInput(
            f"expected a variance above 0 for every asset with a budget, was {variances.min():g} "
            f"at {bad}; leave the asset out or give it budget 0"
        )
    deviations = np.sqrt(variances)
    correlation = np.ascontiguousarray(
        matrix[np.ix_(used, used)] / np.outer(deviations, deviations)
    )
    np.fill_diagonal(correlation, 1.0)
    x, error = _solve(correlation, shares[used], float(tolerance), compiled)
    scaled = x / deviations
    total = float(scaled.sum())
    # On a riskless long-only portfolio the iterates grow without end and no share settles.
    if not (error <= max(tolerance, 1e-8) and math.isfinite(total) and total > 0.0):
        raise FixInput(
            f"expected a covariance under which every long-only portfolio has risk, but the risk "
            f"shares are still {error:.1e} off; shrink the covariance"
        )
    weights = np.zeros(p)
    weights[used] = scaled / total
    return weights


def risk_contributions(weights: ArrayLike, covariance: ArrayLike) -> NDArray[np.float64]:
    """Shares of each position in the variance, ``w_i (Sw)_i / w'Sw``; they sum to 1.

    Returns
    -------
    (p,) shares; all 0 when the portfolio has no variance

    Raises
    ------
    FixInput
        When shapes differ or figures are not finite.
    """
    matrix = _matrix(covariance)
    w = np.asarray(weights, dtype=float)
    if w.shape != (matrix.shape[0],) or not np.all(np.isfinite(w)):
        raise FixInput(
            f"expected {matrix.shape[0]} finite weights, was an array of shape {w.shape}"
        )
    parts = w * (matrix @ w)
    total = float(parts.sum())
    return parts / total if total > 0.0 else np.zeros_like(parts)


def _solve(
    correlation: NDArray[np.float64], budgets: NDArray[np.float64], tolerance: float, compiled: bool
) -> tuple[NDArray[np.float64], float]:
    """Minimiser and its largest error of a risk share."""
    descend = _solver() if compiled else descend_plain
    x = np.sqrt(budgets)
    variance = float(x @ correlation @ x)
    if variance > 0.0:
        x = x / math.sqrt(variance)
    x, _, error = descend(correlation, budgets, x, tolerance, _NEAR)
    if error <= tolerance:
        return x, error
    for _ in range(_STEPS):
        gradient = correlation @ x - budgets / x
        try:
            step = np.linalg.solve(correlation + np.diag(budgets / x**2), -gradient)
        except np.linalg.LinAlgError:
            break
        # within this length the barrier cannot be crossed, and the model holds
        size = min(1.0, 0.9 / max(1e-300, float(np.max(-step / x))))
        x = x + size * step
        error = _error(x * (correlation @ x), budgets)
        if error <= tolerance:
            return x, error
        if not math.isfinite(error):
            break
    # rounding, or no minimum: the sweeps decide, they cannot get lost
    x, _, error = descend(correlation, budgets, np.sqrt(budgets), tolerance, _SWEEPS)
    return x, error


def descend_plain(
    correlation: NDArray[np.float64],
    budgets: NDArray[np.float64],
    start: NDArray[np.float64],
    tolerance: float,
    sweeps: int,
) -> tuple[NDArray[np.float64], int, float]:
    """Coordinate descent in plain NumPy: twin of the compiled kernel.

    Parameters
    ----------
    correlation : (p, p) with a unit diagonal
    budgets : (p,) positive, summing to 1
    start : (p,) positive
    tolerance : stop when no risk share is further from its budget
    sweeps : most passes over all coordinates

    Returns
    -------
    minimiser x of ``x'Cx / 2 - sum b log x``, passes used, largest error of a risk share
    """
    x = start.copy()
    product = correlation @ x
    error = math.inf
    for sweep in range(sweeps):
        for i in range(x.size):
            rest = product[i] - x[i]
            root = math.sqrt(rest * rest + 4.0 * budgets[i])
            new = 2.0 * budgets[i] / (rest + root) if rest > 0.0 else 0.5 * (root - rest)
            product += (new - x[i]) * correlation[i]
            x[i] = new
        error = _error(x * product, budgets)
        if error <= tolerance:
            return x, sweep + 1, error
        if not math.isfinite(error):
            break
    return x, sweeps, error


def _error(parts: NDArray[np.float64], budgets: NDArray[np.float64]) -> float:
    """Largest difference of a risk share from its budget; infinite without any risk."""
    total = float(parts.sum())
    if not total > 0.0:
        return math.inf
    return float(np.max(np.abs(parts / total - budgets)))


def _solver() -> Any:
    try:
        from protection.decision.budgeting import descend
    except ImportError:  # numba is absent: the twin gives the same answer, more slowly
        return descend_plain
    return descend


def _matrix(covariance: ArrayLike) -> NDArray[np.float64]:
    matrix = np.asarray(covariance, dtype=float)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.shape[0] == 0:
        raise FixInput(f"expected a square covariance, was an array of shape {matrix.shape}")
    if not np.isfinite(matrix.sum()) or not np.all(np.isfinite(matrix)):
        raise FixInput("expected a finite covariance, was one with NaN or infinity")
    scale = float(np.max(np.abs(matrix)))
    if float(np.max(np.abs(matrix - matrix.T))) > 1e-8 * scale:
        raise FixInput("expected a symmetric covariance, was not; use (S + S.T) / 2")
    return matrix


def _budgets(budgets: ArrayLike | None, p: int) -> NDArray[np.float64]:
    if budgets is None:
        return np.full(p, 1.0 / p)
    shares = np.asarray(budgets, dtype=float)
    if shares.shape != (p,):
        raise FixInput(f"expected {p} budgets, was an array of shape {shares.shape}")
    if not np.all(np.isfinite(shares)) or np.any(shares < 0.0) or not shares.sum() > 0.0:
        raise FixInput(f"expected budgets of at least 0 with a sum above 0, was {shares.tolist()}")
    return shares / shares.sum()
