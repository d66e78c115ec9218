"""Maximum likelihood of Student's t with location, scale and degrees of freedom."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from protection.risk.tails.compiled import passes
from protection.risk.tails.empirical import clean_losses

LOWEST_DF = 0.2
HIGHEST_DF = 1000.0
FEWEST_RETURNS = 10


@dataclass(frozen=True, slots=True)
class StudentFit:
    """Student-t distribution of returns.

    Attributes
    ----------
    df, loc, scale : degrees of freedom, centre, scale (not the standard deviation)
    count : returns used
    log_likelihood : at the fit
    covariance : of (loc, log scale, log df), shape (3, 3); NaN when there is none, 0 for a df held
        at its upper bound
    converged : whether a maximum was found; df at its upper bound is one
    note : why it did not converge, or an empty string
    """

    df: float
    loc: float
    scale: float
    count: int
    log_likelihood: float
    covariance: NDArray[np.float64]
    converged: bool
    note: str = ""


def _unknown() -> NDArray[np.float64]:
    return np.full((3, 3), math.nan)


def fit_student_t(returns: ArrayLike, *, twin: bool = False) -> StudentFit:
    """Fit Student's t to returns by damped Newton in (loc, log scale, log df).

    Parameters
    ----------
    returns : shape (n,), any unit; NaN is left out
    twin : use the NumPy pass even where numba is present

    Returns
    -------
    Fit with ``.df``, ``.loc`` and ``.scale``. Degrees of freedom lie in [0.2, 1000]; at 1000 the
    data are as good as normal. Constant returns: scale 0, df infinite, not converged. Fewer than
    10: the normal of the sample (df infinite), not converged; none: NaN. Where more than half of
    the returns are one value the likelihood has no maximum: the smallest scale allowed, a
    millionth of the standard deviation, comes back not converged.

    Raises
    ------
    FixInput
        For infinite returns.
    """
    values = clean_losses(returns, "returns")
    if values.size == 0:
        note = "no return"
        return StudentFit(math.inf, math.nan, math.nan, 0, math.nan, _unknown(), False, note)
    centre = float(np.median(values))
    deviation = float(values.std())
    # A constant series has a deviation of a few roundings, not of exactly 0.
    if deviation <= 1e-14 * max(1.0, abs(centre)) or float(np.ptp(values)) == 0.0:
        note = "constant returns"
        return StudentFit(math.inf, centre, 0.0, values.size, math.inf, _unknown(), False, note)
    if values.size < FEWEST_RETURNS:
        note = f"expected {FEWEST_RETURNS} returns or more, was {values.size}; the sample's normal"
        mean = float(values.mean())
        scale = float(values.std(ddof=1))
        return StudentFit(math.inf, mean, scale, values.size, math.nan, _unknown(), False, note)
    spread = 1.4826 * float(np.median(np.abs(values - centre)))
    unit = spread if spread > 0.0 else deviation
    scaled = (values - centre) / unit
    floor = math.log(1e-6 * deviation / unit)
    excess = float((scaled**4).mean() / (scaled**2).mean() ** 2) - 3.0
    df = min(max(4.0 + 6.0 / excess, 3.0), 30.0) if excess > 0.0 else 30.0
    point, value, hessian, converged = _climb(
        passes("student", twin=twin).student_pass,
        scaled,
        np.array([0.0, math.log(0.8), math.log(df)]),
        floor,
    )
    df = math.exp(point[2])
    covariance = _unknown()
    note = ""
    if converged:
        try:
            free = 2 if point[2] >= math.log(HIGHEST_DF) - 1e-9 else 3
            covariance = np.zeros((3, 3))
            covariance[:free, :free] = np.linalg.inv(-hessian[:free, :free])
        except np.linalg.LinAlgError:
            covariance, converged = _unknown(), False
        covariance[0] *= unit
        covariance[:, 0] *= unit
    if not converged:
        note = "no maximum inside the bounds; are many returns equal?"
    elif point[2] >= math.log(HIGHEST_DF) - 1e-9:
        note = "as good as normal: df at its upper bound"
    return StudentFit(
        df,
        centre + float(point[0]) * unit,
        math.exp(point[1]) * unit,
        int(values.size),
        value - values.size * math.log(unit),
        covariance,
        converged,
        note,
    )


def _objective(
    evaluate: Any, values: NDArray[np.float64], point: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Log-likelihood, gradient and Hessian in (loc, log scale, log df)."""
    from scipy import special

    loc, log_scale, log_df = (float(entry) for entry in point)
    scale, df = math.exp(log_scale), math.exp(log_df)
    count = values.size
    logs, weighted, squared, curve, mixed, spread, centre_df, scale_df, extra = (
        float(entry) for entry in evaluate(values, loc, scale, df)
    )
    half, upper = 0.5 * df, 0.5 * (df + 1.0)
    value = (
        count * (math.lgamma(upper) - math.lgamma(half) - 0.5 * math.log(df * math.pi) - log_scale)
        - upper * logs
    )
    digamma = float(special.psi(upper) - special.psi(half))
    trigamma = float(special.polygamma(1, upper) - special.polygamma(1, half))
    slope_df = 0.5 * (count * (digamma - 1.0 / df) - logs + squared / df)
    curve_df = 0.5 * (
        count * (0.5 * trigamma + 1.0 / df**2) + extra / df + scale_df / df - squared / df**2
    )
    gradient = np.array([weighted / scale, squared - count, slope_df * df])
    hessian = np.array(
        [
            [-curve / scale**2, -2.0 * df * mixed / scale, df * centre_df / scale],
            [0.0, -2.0 * df * spread, df * scale_df],
            [0.0, 0.0, curve_df * df * df + slope_df * df],
        ]
    )
    hessian[1, 0], hessian[2, 0], hessian[2, 1] = hessian[0, 1], hessian[0, 2], hessian[1, 2]
    return value, gradient, hessian


def _climb(
    evaluate: Any, values: NDArray[np.float64], point: NDArray[np.float64], floor: float
) -> tuple[NDArray[np.float64], float, NDArray[np.float64], bool]:
    """Newton with Levenberg damping; the point, its value, its Hessian, and convergence."""
    low = np.array([-np.inf, floor, math.log(LOWEST_DF)])
    high = np.array([np.inf, np.inf, math.log(HIGHEST_DF)])
    value, gradient, hessian = _objective(evaluate, values, point)
    damping = 1e-3
    converged = False
    for _ in range(200):
        curvature = -hessian
        curvature[np.diag_indices(3)] += damping * (np.abs(np.diag(hessian)) + 1e-3 * values.size)
        try:
            np.linalg.cholesky(curvature)
        except np.linalg.LinAlgError:
            damping *= 8.0
            if damping > 1e12:
                break
            continue
        step = np.clip(np.linalg.solve(curvature, gradient), -2.0, 2.0)
        there = np.clip(point + step, low, high)
        new_value, new_gradient, new_hessian = _objective(evaluate, values, there)
        moved = float(np.abs(there - point).sum())
        if new_value >= value:
            point, value, gradient, hessian = there, new_value, new_gradient, new_hessian
            damping = max(0.1 * damping, 1e-14)
            if moved < 1e-10:
                converged = True
                break
        else:
            if moved < 1e-8:
                converged = True
                break
            damping *= 8.0
            if damping > 1e12:
                break
    inside = bool((point[1:] > low[1:]).all())
    return point, value, hessian, converged and inside
