"""Quantile regression, and the calibration line of VaR forecasts that it gives."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from protection.contracts.errors import FixInput
from protection.risk.tails.empirical import check_level


def quantile_regression(
    target: ArrayLike, regressors: ArrayLike, level: float
) -> NDArray[np.float64]:
    """Coefficients that minimise the pinball loss: intercept first, shape (1 + k,).

    Solved exactly as a linear program; where the minimum is not unique one of its corners is
    returned.

    Parameters
    ----------
    target : shape (n,)
    regressors : shape (n, k) or (n,); rows with a NaN on either side are left out
    level : probability of the quantile

    Raises
    ------
    FixInput
        For shapes that do not agree, infinite entries, or fewer rows than coefficients.

    References
    ----------
    Koenker and Bassett 1978, Econometrica 46.
    """
    from scipy import optimize, sparse

    level = check_level(level)
    y = np.asarray(target, dtype=np.float64)
    x = np.asarray(regressors, dtype=np.float64)
    if x.ndim == 1:
        x = x[:, None]
    if y.ndim != 1 or x.ndim != 2 or x.shape[0] != y.size:
        raise FixInput(
            f"expected target (n,) and regressors (n, k), was {y.shape} and {np.shape(regressors)}"
        )
    keep = ~(np.isnan(y) | np.isnan(x).any(axis=1))
    y, x = y[keep], x[keep]
    if not (np.isfinite(y).all() and np.isfinite(x).all()):
        raise FixInput("expected finite rows or NaN, was infinite; mend the data")
    rows, columns = x.shape
    if rows <= columns + 1:
        raise FixInput(f"expected more than {columns + 1} rows, was {rows}")
    design = np.column_stack([np.ones(rows), x])
    # Residuals are split into what lies above and below: level and 1 - level are their prices.
    cost = np.concatenate([np.zeros(columns + 1), np.full(rows, level), np.full(rows, 1.0 - level)])
    identity = sparse.identity(rows, format="csc")
    equal = sparse.hstack([sparse.csc_matrix(design), identity, -identity], format="csc")
    bounds = [(None, None)] * (columns + 1) + [(0.0, None)] * (2 * rows)
    found = optimize.linprog(cost, A_eq=equal, b_eq=y, bounds=bounds, method="highs-ds")
    if found.status != 0:
        raise FixInput(f"expected a solvable quantile regression: {found.message}")
    return np.asarray(found.x[: columns + 1], dtype=np.float64)


def calibration_line(losses: ArrayLike, var: ArrayLike, level: float) -> tuple[float, float]:
    """Intercept and slope of the quantile of losses on VaR: 0 and 1 for right forecasts.

    A slope below 1 says that VaR moves too much, above 1 too little (Gaglianone, Lima, Linton and
    Smith 2011).
    """
    found = quantile_regression(losses, var, level)
    return float(found[0]), float(found[1])
