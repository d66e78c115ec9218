"""Linear quantile regression, its loss, and the calibration line of VaR forecasts that it gives.

The estimator minimises the sum of pinball losses (Koenker and Bassett, Regression Quantiles,
Econometrica 46, 1978). The linear programme is solved by the primal-dual interior point method of
Portnoy and Koenker (The Gaussian Hare and the Laplacian Tortoise, Statistical Science 12, 1997)
and then moved to the vertex beside it, so that the answer is that of an exact simplex.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from protection.contracts.errors import FixInput
from protection.risk.tails.empirical import check_level

Floats = NDArray[np.float64]

_STEP = 0.99995
_ROUNDS = 60


def pinball(residuals: Floats, tau: float) -> Floats:
    """Return the pinball loss of each residual (observed minus forecast).

    Parameters
    ----------
    residuals : any shape, units of the observations
    tau : level of the quantile in (0, 1)

    Returns
    -------
    Loss of the same shape, ``max(tau r, (tau - 1) r)``.
    """
    return np.maximum(tau * residuals, (tau - 1.0) * residuals)


def quantile_regression(target: ArrayLike, regressors: ArrayLike, level: float) -> Floats:
    """Coefficients that minimise the pinball loss: intercept first, shape (1 + k,).

    Parameters
    ----------
    target : shape (n,)
    regressors : shape (n, k) or (n,); rows with a NaN on either side are left out
    level : probability of the quantile

    Raises
    ------
    FixInput
        For shapes that do not agree, infinite entries, fewer rows than coefficients, or regressors
        that are constant or depend on each other.
    """
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
    rows, columns = x.shape
    if rows <= columns + 1:
        raise FixInput(f"expected more than {columns + 1} rows, was {rows}")
    return quantile_coefficients(np.column_stack([np.ones(rows), x]), y, level)


def calibration_line(losses: ArrayLike, var: ArrayLike, level: float) -> tuple[float, float]:
    """Intercept and slope of the quantile of losses on VaR: 0 and 1 for right forecasts.

    A slope below 1 says that VaR moves too much, above 1 too little (Gaglianone, Lima, Linton and
    Smith 2011).
    """
    found = quantile_regression(losses, var, level)
    return float(found[0]), float(found[1])


def quantile_coefficients(features: Floats, target: Floats, tau: float) -> Floats:
    """Return the coefficients of a linear conditional quantile on a design of one's own.

    Parameters
    ----------
    features : (n, p), first column usually ones
    target : (n,)
    tau : level in (0, 1)

    Returns
    -------
    (p,) coefficients.

    Raises
    ------
    FixInput
        For a level outside (0, 1), values that are not finite, fewer rows than columns, or columns
        that depend on each other.
    """
    x = np.ascontiguousarray(features, dtype=float)
    y = np.ascontiguousarray(target, dtype=float)
    if not 0.0 < tau < 1.0:
        raise FixInput(f"expected tau in (0, 1), was {tau}")
    if x.ndim != 2 or y.shape != (x.shape[0],):
        raise FixInput(
            f"expected features (n, p) and target (n,), were {x.shape} and {y.shape}; "
            "give one row of features per target"
        )
    rows, columns = x.shape
    if rows < columns or np.linalg.matrix_rank(x) < columns:
        raise FixInput(
            f"expected at least {columns} rows and independent columns, was {rows} rows of rank "
            f"{np.linalg.matrix_rank(x) if rows else 0}; drop a constant or repeated column"
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise FixInput("expected finite features and targets, was NaN or infinity; drop the row")
    return _vertex(x, y, tau, _interior(x, y, tau))


def _solve(weighted: Floats, x: Floats, right: Floats) -> Floats:
    gram = weighted.T @ x
    moment = weighted.T @ right
    try:
        return np.linalg.solve(gram, moment)
    except np.linalg.LinAlgError:
        return np.linalg.lstsq(gram, moment, rcond=None)[0]


def _length(*pairs: tuple[Floats, Floats]) -> float:
    longest = np.inf
    for value, change in pairs:
        falling = change < 0.0
        if falling.any():
            longest = min(longest, float(np.min(-value[falling] / change[falling])))
    return min(_STEP * longest, 1.0)


def _interior(x: Floats, y: Floats, tau: float) -> Floats:
    scale = float(np.mean(np.abs(y - np.median(y)))) or 1.0
    cost = -y / scale
    rows = len(y)
    primal = np.full(rows, 1.0 - tau)
    slack = 1.0 - primal
    bound = (1.0 - tau) * x.sum(axis=0)
    dual = np.linalg.lstsq(x, cost, rcond=None)[0]
    reduced = cost - x @ dual
    # away from the boundary: a start near it takes hundreds of short steps at extreme levels
    lower = np.maximum(reduced, 0.0) + 0.1
    upper = lower - reduced
    for _ in range(_ROUNDS):
        gap = float(cost @ primal - dual @ bound + upper.sum())
        if gap < 1e-10 * rows:
            break
        weight = 1.0 / (lower / primal + upper / slack)
        weighted = x * weight[:, None]
        rest = cost - x @ dual
        d_dual = _solve(weighted, x, rest)
        d_primal = weight * (x @ d_dual - rest)
        d_lower = -lower * (1.0 + d_primal / primal)
        d_upper = -upper * (1.0 - d_primal / slack)
        step_p = _length((primal, d_primal), (slack, -d_primal))
        step_d = _length((lower, d_lower), (upper, d_upper))
        if min(step_p, step_d) < 1.0:
            now = float(primal @ lower + slack @ upper)
            then = float(
                (primal + step_p * d_primal) @ (lower + step_d * d_lower)
                + (slack - step_p * d_primal) @ (upper + step_d * d_upper)
            )
            centre = now * (then / now) ** 3 / (2.0 * rows)
            cross_l = d_primal * d_lower
            cross_u = -d_primal * d_upper
            pull = centre * (1.0 / primal - 1.0 / slack) - (cross_l / primal - cross_u / slack)
            d_dual = _solve(weighted, x, rest - pull)
            d_primal = weight * (x @ d_dual - rest + pull)
            d_lower = (centre - cross_l - lower * d_primal) / primal - lower
            d_upper = (centre - cross_u + upper * d_primal) / slack - upper
            step_p = _length((primal, d_primal), (slack, -d_primal))
            step_d = _length((lower, d_lower), (upper, d_upper))
        primal = primal + step_p * d_primal
        slack = slack - step_p * d_primal
        dual = dual + step_d * d_dual
        lower = lower + step_d * d_lower
        upper = upper + step_d * d_upper
    return -dual * scale


def _vertex(x: Floats, y: Floats, tau: float, start: Floats) -> Floats:
    """Move to the solution that passes through p observations, if that is no worse."""
    columns = x.shape[1]
    order = np.argsort(np.abs(y - x @ start), kind="stable")
    chosen: list[int] = []
    for row in order[: 8 * columns]:
        trial = [*chosen, int(row)]
        if np.linalg.matrix_rank(x[trial]) == len(trial):
            chosen = trial
            if len(chosen) == columns:
                break
    if len(chosen) < columns:
        return start
    exact = np.linalg.solve(x[chosen], y[chosen])
    before = float(pinball(y - x @ start, tau).sum())
    after = float(pinball(y - x @ exact, tau).sum())
    return exact if after <= before * (1.0 + 1e-9) + 1e-12 else start
