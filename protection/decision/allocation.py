"""From a covariance to weights: risk budgets, one volatility for the whole, caps, no-trade band."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from protection.contracts.errors import FixInput
from protection.decision.bands import no_trade_band
from protection.decision.parity import risk_parity


@dataclass(frozen=True, slots=True)
class Allocation:
    """Answer of :func:`allocate`.

    Attributes
    ----------
    weights : (p,) shares of equity to hold
    parity : (p,) risk-budget weights, summing to 1
    exposure : gross exposure of the answer
    volatility : forecast of the answer per year
    traded : one-way turnover from ``current``; NaN without it
    """

    weights: NDArray[np.float64]
    parity: NDArray[np.float64]
    exposure: float
    volatility: float
    traded: float


def allocate(
    covariance: ArrayLike,
    budgets: ArrayLike | None = None,
    *,
    target_volatility: float = 0.10,
    periods: float = 252.0,
    max_weight: float = 0.20,
    max_gross: float = 1.0,
    current: ArrayLike | None = None,
    band: float = 0.1,
) -> Allocation:
    """Risk-budget weights at a target volatility, capped.

    The covariance decides everything here, so hand in one that outliers do not move: the MRCD of
    ``protection.estimation`` rather than the sample's. Caps cut without redistribution: what a cap
    takes away stays in cash.

    Parameters
    ----------
    covariance : (p, p) covariance of returns per period
    budgets : (p,) shares of risk; equal when None
    target_volatility : per year
    periods : periods a year
    max_weight, max_gross : largest single weight and largest sum
    current : (p,) weights held, for the no-trade band
    band : relative half-width of the band; see :func:`no_trade_band`

    Raises
    ------
    FixInput
        As :func:`risk_parity`, and for limits not above 0.
    """
    for name, value in (
        ("target_volatility", target_volatility),
        ("periods", periods),
        ("max_weight", max_weight),
        ("max_gross", max_gross),
    ):
        if not (math.isfinite(value) and value > 0.0):
            raise FixInput(f"expected {name} above 0, was {value}")
    matrix = np.asarray(covariance, dtype=float)
    parity = risk_parity(matrix, budgets)
    yearly = math.sqrt(float(parity @ matrix @ parity) * periods)
    weights = np.minimum(parity * (target_volatility / yearly), max_weight)
    gross = float(weights.sum())
    if gross > max_gross:
        weights = weights * (max_gross / gross)
    traded = math.nan
    if current is not None:
        held = np.asarray(current, dtype=float)
        weights = no_trade_band(held, weights, band)
        # positions inside their bands may leave the whole a little above the caps: they give way
        weights = np.minimum(weights, max_weight)
        gross = float(np.abs(weights).sum())
        if gross > max_gross:
            weights = weights * (max_gross / gross)
        traded = float(np.abs(weights - held).sum()) / 2.0
    volatility = math.sqrt(max(0.0, float(weights @ matrix @ weights)) * periods)
    return Allocation(weights, parity, float(np.abs(weights).sum()), volatility, traded)
