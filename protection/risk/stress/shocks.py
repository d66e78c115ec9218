"""Shocks of one's own: a fall with higher volatility and correlation, and dry liquidity."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from protection.contracts.errors import FixInput

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ShockResult:
    """Answer of :func:`custom_shock`; figures over equity, losses positive.

    Attributes
    ----------
    loss : of the fall itself
    volatility, stressed_volatility : of the book per period, before and under the shock
    hedges_fail : volatility when every position moves against the book at once:
        ``sum |w| sigma`` of the stressed volatilities
    total : the fall and, after it, one bad period: ``loss + 2.5 stressed_volatility``
    """

    loss: float
    volatility: float
    stressed_volatility: float
    hedges_fail: float
    total: float


BAD_PERIOD = 2.5
"""Standard deviations of the bad period that follows a fall."""


def stressed_covariance(
    covariance: ArrayLike, vol_spike: float = 1.0, correlation: float = 0.0
) -> Array:
    """Covariance with volatilities multiplied and correlations moved towards one.

    ``rho* = rho + correlation (1 - rho)``: 0 leaves them, 1 makes every pair move as one. The
    result is positive semidefinite when the input is.

    Raises
    ------
    FixInput
        For a matrix that is not square and finite with variances of at least 0, a spike below 0
        or a correlation outside [0, 1].
    """
    matrix = np.asarray(covariance, dtype=float)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not np.all(np.isfinite(matrix)):
        raise FixInput(f"expected a finite square covariance, was shape {matrix.shape}")
    if np.any(np.diag(matrix) < 0.0):
        raise FixInput("expected variances of at least 0, was a negative one")
    if not (math.isfinite(vol_spike) and vol_spike >= 0.0 and 0.0 <= correlation <= 1.0):
        raise FixInput(
            "expected vol_spike of at least 0 and correlation in [0, 1], "
            f"was {vol_spike} and {correlation}"
        )
    deviation = np.sqrt(np.diag(matrix))
    blended = (1.0 - correlation) * matrix + correlation * np.outer(deviation, deviation)
    return vol_spike**2 * blended


def custom_shock(
    exposures: ArrayLike,
    covariance: ArrayLike,
    *,
    price_drop: float = 0.2,
    vol_spike: float = 2.0,
    correlation: float = 0.8,
    betas: ArrayLike | None = None,
) -> ShockResult:
    """Fall of all prices, with volatility and correlation rising at once.

    Parameters
    ----------
    exposures : (p,) signed values over equity
    covariance : (p, p) of returns per period
    price_drop : fall of the market, as 0.2; negative is a jump upwards
    vol_spike : multiple of every volatility
    correlation : part of the way to one, see :func:`stressed_covariance`
    betas : (p,) sensitivity to the fall; 1 when None

    Raises
    ------
    FixInput
        When shapes differ or figures are not finite.
    """
    w = _vector("exposures", exposures)
    matrix = np.asarray(covariance, dtype=float)
    after = stressed_covariance(matrix, vol_spike, correlation)
    if after.shape[0] != w.size:
        raise FixInput(f"expected a covariance of {w.size} symbols, was {after.shape[0]}")
    b = np.ones_like(w) if betas is None else _vector("betas", betas)
    if b.shape != w.shape or not (math.isfinite(price_drop) and price_drop <= 1.0):
        raise FixInput(
            f"expected {w.size} betas and a price_drop of at most 1, was {b.size} and {price_drop}"
        )
    moves = np.maximum(-1.0, -price_drop * b)
    loss = -float(w @ moves)
    before = math.sqrt(max(0.0, float(w @ matrix @ w)))
    stressed = math.sqrt(max(0.0, float(w @ after @ w)))
    fail = float(np.abs(w) @ np.sqrt(np.diag(after)))
    return ShockResult(loss, before, stressed, fail, loss + BAD_PERIOD * stressed)


def correlation_to_one(exposures: ArrayLike, covariance: ArrayLike) -> tuple[float, float, float]:
    """Volatility of a book now, with all pairs moving as one, and with every hedge failing.

    For a long book the last two agree; for a long-short book moving as one *lowers* the risk, and
    only the last is a stress: each position moves against the book, ``sum |w| sigma``.

    Returns
    -------
    Three volatilities per period over equity
    """
    w = _vector("exposures", exposures)
    matrix = np.asarray(covariance, dtype=float)
    as_one = stressed_covariance(matrix, 1.0, 1.0)
    if as_one.shape[0] != w.size:
        raise FixInput(f"expected a covariance of {w.size} symbols, was {as_one.shape[0]}")
    now = math.sqrt(max(0.0, float(w @ matrix @ w)))
    one = math.sqrt(max(0.0, float(w @ as_one @ w)))
    return now, one, float(np.abs(w) @ np.sqrt(np.diag(matrix)))


@dataclass(frozen=True, slots=True)
class LiquidityResult:
    """Answer of :func:`liquidity_withdrawal`.

    Attributes
    ----------
    cost : of closing everything, over equity
    spread, impact : its two parts
    days : days until the slowest position is closed at the allowed share of volume
    by_symbol : (p,) cost of each position over equity
    """

    cost: float
    spread: float
    impact: float
    days: float
    by_symbol: Array


def liquidity_withdrawal(
    exposures: ArrayLike,
    daily_values: ArrayLike,
    volatilities: ArrayLike,
    half_spreads: ArrayLike,
    *,
    equity: float,
    depth: float = 0.2,
    spread: float = 5.0,
    vol_spike: float = 2.0,
    participation: float = 0.1,
    coefficient: float = 0.7,
) -> LiquidityResult:
    """Cost and time of closing a book when the market thins out.

    Per position ``spread h + (2/3) Y sigma* sqrt(x / V*)`` with V* the volume that is left: the
    square-root law of ``protection.execution.impact`` on the stressed market, for an order worked
    within a day; a position above ``participation`` of V* takes several.

    Parameters
    ----------
    exposures : (p,) signed values over equity
    daily_values : (p,) usual traded value a day, in the unit of ``equity``
    volatilities : (p,) daily
    half_spreads : (p,) fractions of the price
    equity : account value
    depth : share of the usual volume that is left, in (0, 1]
    spread, vol_spike : multiples
    participation : largest share of the volume that is traded
    coefficient : Y

    Returns
    -------
    LiquidityResult
        A position without any volume costs its whole value and takes for ever.

    Raises
    ------
    FixInput
        When shapes differ, figures are not finite, or settings are out of range.
    """
    w = np.abs(_vector("exposures", exposures))
    volume = _vector("daily_values", daily_values)
    sigma = _vector("volatilities", volatilities)
    half = _vector("half_spreads", half_spreads)
    if not volume.shape == sigma.shape == half.shape == w.shape:
        raise FixInput(f"expected {w.size} figures for each symbol")
    if not (equity > 0.0 and 0.0 < depth <= 1.0 and 0.0 < participation <= 1.0):
        raise FixInput(
            "expected equity above 0, depth and participation in (0, 1], "
            f"was {equity}, {depth} and {participation}"
        )
    left = np.maximum(volume, 0.0) * depth
    held = w * equity
    share = np.divide(held, left, out=np.full_like(held, np.inf), where=left > 0.0)
    share = np.where(held == 0.0, 0.0, share)
    days = share / participation
    # worked over several days the share of each day stays at the participation
    worked = np.minimum(share, participation)
    pressure = np.sqrt(worked) * np.sqrt(np.maximum(days, 1.0))
    each_spread = w * np.minimum(1.0, spread * half)
    with np.errstate(invalid="ignore"):
        raw = (2.0 / 3.0) * coefficient * vol_spike * sigma * pressure
    each_impact = np.where(np.isfinite(raw), w * np.minimum(1.0, raw), w)
    each = np.minimum(w, each_spread + each_impact)
    return LiquidityResult(
        float(each.sum()),
        float(each_spread.sum()),
        float(each_impact.sum()),
        float(days.max(initial=0.0)),
        each,
    )


def _vector(name: str, values: ArrayLike) -> Array:
    array = np.atleast_1d(np.asarray(values, dtype=float))
    if array.ndim != 1 or not np.all(np.isfinite(array)):
        raise FixInput(f"expected finite {name} in one dimension, was shape {array.shape}")
    return array
