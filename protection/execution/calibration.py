"""Cost coefficients from own fills: a robust regression that starts from the published ones."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protection.contracts.errors import FixInput

PRIOR = (1.0, 0.7)
"""Published coefficients: all of the half-spread, and Y of the square-root law."""

PRIOR_ERROR = (0.3, 0.35)
"""Standard deviations of the belief in them."""

_HUBER = 1.345
_ROUNDS = 100


@dataclass(frozen=True, slots=True)
class OwnFill:
    """What one fill cost, beside what the model saw when the order was sent.

    Attributes
    ----------
    cost : ``side (price - arrival middle) / arrival middle``, a fraction; negative when lucky
    half_spread : half-spread predicted then, a fraction of the price
    pressure : volatility times the square root of the share of volume, of the same span
    noise : standard deviation of the price over the order's life, a fraction; 1 for all when the
        fills are alike. A fill in a wild market says less about the mean.
    """

    cost: float
    half_spread: float
    pressure: float
    noise: float = 1.0


@dataclass(frozen=True, slots=True)
class CalibrationFit:
    """Coefficients of ``cost = spread * half_spread + impact * pressure``.

    Attributes
    ----------
    spread, impact : posterior estimates, at least 0
    spread_error, impact_error : their standard deviations
    scale : robust scale of the residuals in units of ``noise``
    fills : fills used; ones with a figure that is not finite are left out
    left_out : how many were
    outliers : fills whose weight was cut
    """

    spread: float
    impact: float
    spread_error: float
    impact_error: float
    scale: float
    fills: int
    left_out: int
    outliers: int


def fit_coefficients(
    fills: Iterable[OwnFill],
    *,
    prior: tuple[float, float] = PRIOR,
    prior_error: tuple[float, float] = PRIOR_ERROR,
) -> CalibrationFit:
    """Huber regression with a normal prior, by iterated weighting.

    Residuals beyond 1.345 robust standard deviations count linearly, so that a handful of fills in
    a gap does not set the cost of all others; the scale is the normalised median of the absolute
    residuals. With few fills the answer stays near the prior, and without any it is the prior.

    Parameters
    ----------
    fills : own executions
    prior, prior_error : belief in (spread, impact) before any fill, and its standard deviations

    Raises
    ------
    FixInput
        For a prior that is negative or an error of it that is not above 0.

    Notes
    -----
    Source: Huber (1964), Ann. Math. Stat. 35; the prior is ridge regression around its mean.
    """
    centre, width = np.asarray(prior, float), np.asarray(prior_error, float)
    if centre.shape != (2,) or not (np.all(centre >= 0.0) and np.all(np.isfinite(centre))):
        raise FixInput(f"expected a prior of two figures of at least 0, was {prior}")
    if width.shape != (2,) or not (np.all(width > 0.0) and np.all(np.isfinite(width))):
        raise FixInput(f"expected two prior errors above 0, was {prior_error}")
    table = np.array(
        [(fill.cost, fill.half_spread, fill.pressure, fill.noise) for fill in fills], dtype=float
    ).reshape(-1, 4)
    good = np.all(np.isfinite(table), axis=1) & (table[:, 3] > 0.0)
    left_out = int(table.shape[0] - good.sum())
    table = table[good]
    if table.shape[0] == 0:
        return CalibrationFit(*prior, *prior_error, math.nan, 0, left_out, 0)
    noise = table[:, 3:4]
    x: NDArray[np.float64] = table[:, 1:3] / noise
    y: NDArray[np.float64] = table[:, 0] / noise[:, 0]
    belief = np.diag(1.0 / width)
    answer = centre.copy()
    weights = np.ones(y.size)
    scale = 0.0
    covariance = np.diag(width**2)
    for _ in range(_ROUNDS):
        residuals = y - x @ answer
        # the scale is about nought, not about the median: a common cost is no noise
        scale = max(1.4826 * float(np.median(np.abs(residuals))), 1e-6 * float(np.abs(y).max()))
        if scale == 0.0:
            break
        size = np.abs(residuals) / scale
        weights = np.where(size <= _HUBER, 1.0, _HUBER / np.maximum(size, _HUBER))
        root = np.sqrt(weights) / scale
        rows = np.vstack([x * root[:, None], belief])
        right = np.concatenate([y * root, belief @ centre])
        # least squares on the rows themselves: the normal equations lose parallel regressors
        new = np.linalg.lstsq(rows, right, rcond=None)[0]
        covariance = np.linalg.pinv(rows.T @ rows)
        change = float(np.max(np.abs(new - answer)))
        answer = new
        if change <= 1e-10:
            break
    answer = np.maximum(answer, 0.0)
    errors = np.sqrt(np.diag(covariance))
    return CalibrationFit(
        float(answer[0]),
        float(answer[1]),
        float(errors[0]),
        float(errors[1]),
        scale,
        int(y.size),
        left_out,
        int(np.sum(weights < 1.0)),
    )
