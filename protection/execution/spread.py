"""Bid-ask spreads from bars, where no quotes are at hand."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from protection.contracts.errors import FixInput


def edge_spread(
    open: ArrayLike,
    high: ArrayLike,
    low: ArrayLike,
    close: ArrayLike,
    *,
    signed: bool = False,
) -> float:
    """Efficient estimate of the effective spread from open, high, low and close (EDGE).

    Four products of log price differences, each the squared spread in expectation, are combined
    with the weights of least variance; bars on which the price did not move are corrected for.

    Parameters
    ----------
    open, high, low, close : (n,) prices of successive bars; NaN where there was no trade
    signed : a negative estimate of the squared spread gives a negative spread instead of its size

    Returns
    -------
    Spread as a fraction of the price (full, not half); NaN with fewer than three bars or none
    that moved

    Raises
    ------
    FixInput
        When the shapes differ.

    Notes
    -----
    Source: Ardia, Guidotti and Kroencke (2024), "Efficient estimation of bid-ask spreads from
    open, high, low, and close prices", J. Financial Economics 161.
    """
    table = [np.asarray(values, dtype=float) for values in (open, high, low, close)]
    if any(values.ndim != 1 or values.shape != table[0].shape for values in table):
        raise FixInput(f"expected four series of one length, was {[v.shape for v in table]}")
    if table[0].size < 3:
        return math.nan
    prices = [np.where((values > 0.0) & np.isfinite(values), values, np.nan) for values in table]
    # Equality is asked of the prices: logarithms of equal numbers may differ in the last bit, as
    # the vector unit rounds other than the scalar one.
    po, ph, pl = (values[1:] for values in prices[:3])
    ph1, pl1, pc1 = (values[:-1] for values in prices[1:])
    known = np.isfinite(ph + pl + pc1)
    moved = np.where(known, (ph != pl) | (pl != pc1), np.nan).astype(float)

    def chance(first: np.ndarray, second: np.ndarray) -> float:
        seen = np.where(np.isfinite(first + second) & known, moved * (first != second), np.nan)
        return _mean(seen)

    o, h, lo, c = (np.log(values) for values in prices)
    middle = 0.5 * (h + lo)
    o, now, before, c1 = o[1:], middle[1:], middle[:-1], c[:-1]
    moves = _mean(moved)
    if not np.nansum(moved) >= 2:
        return math.nan
    at_open = chance(po, ph) + chance(po, pl)
    at_close = chance(pc1, ph1) + chance(pc1, pl1)
    if not (at_open > 0.0 and at_close > 0.0):
        return math.nan
    r1, r2, r3, r4, r5 = now - o, o - before, now - c1, c1 - before, o - c1
    d1 = r1 - moved * _mean(r1) / moves
    d3 = r3 - moved * _mean(r3) / moves
    d5 = r5 - moved * _mean(r5) / moves
    first = -4.0 / at_open * d1 * r2 - 4.0 / at_close * d3 * r4
    second = -4.0 / at_open * d1 * r5 - 4.0 / at_close * d5 * r4
    e1, e2 = _mean(first), _mean(second)
    v1, v2 = _mean(first**2) - e1**2, _mean(second**2) - e2**2
    total = v1 + v2
    square = (v2 * e1 + v1 * e2) / total if total > 0.0 else 0.5 * (e1 + e2)
    spread = math.sqrt(abs(square))
    return math.copysign(spread, square) if signed and square else spread


def roll_spread(prices: ArrayLike) -> float:
    """Roll's spread ``2 sqrt(-cov(dp_t, dp_(t-1)))`` of trade prices, in price units.

    Returns
    -------
    Spread; 0 when the covariance is positive, NaN with fewer than four finite prices

    Notes
    -----
    Source: Roll (1984), J. Finance 39.
    """
    values = np.asarray(prices, dtype=float)
    values = values[np.isfinite(values)]
    if values.size < 4:
        return math.nan
    steps = np.diff(values)
    covariance = float(np.cov(steps[1:], steps[:-1])[0, 1])
    return 2.0 * math.sqrt(max(0.0, -covariance))


def _mean(values: np.ndarray) -> float:
    seen = values[np.isfinite(values)]
    return float(seen.mean()) if seen.size else math.nan
