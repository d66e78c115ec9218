"""Kelly sizes from scenarios: the mean shrunk, a fraction taken, the worst gap survived."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from protection.contracts.errors import FixInput

QUARTER = 0.25
"""Default fraction of the full Kelly size: an error in the mean costs far less there."""

GAP_MARGIN = 1.5
"""The size keeps wealth above nothing at this multiple of the worst known loss."""


@dataclass(frozen=True, slots=True)
class KellySize:
    """Answer of :func:`fractional_kelly`.

    Attributes
    ----------
    weight : exposure as a multiple of wealth; negative for a short position
    full : size that maximises expected log growth over the scenarios with the shrunk mean
    mean, shrunk : probability-weighted mean of the outcomes, before and after shrinking
    worst : largest loss per unit of exposure that is reckoned with, positive
    limit : largest size that the worst loss allows, ``1 / (margin worst)``, and the cap
    binding : ``growth``, ``gap`` or ``cap``, whichever set the weight; ``none`` at weight 0
    """

    weight: float
    full: float
    mean: float
    shrunk: float
    worst: float
    limit: float
    binding: str

    def __float__(self) -> float:
        return self.weight


def fractional_kelly(
    outcomes: ArrayLike,
    probabilities: ArrayLike | None = None,
    *,
    fraction: float = QUARTER,
    prior_sharpe: float | None = 0.5 / math.sqrt(252.0),
    prior_mean: float = 0.0,
    worst_gap: float = 0.0,
    gap_margin: float = GAP_MARGIN,
    cap: float = 1.0,
    long_only: bool = True,
) -> KellySize:
    """Fraction of the Kelly size over scenarios, bounded by the worst gap.

    Steps: the outcomes are shifted so that their mean becomes the posterior mean of
    :func:`shrunk_mean`; the full size f* maximises ``E log(1 + f r)`` over sizes that survive every
    scenario; the answer is ``fraction f*``, but at most ``1 / (gap_margin worst)`` and ``cap``.
    The continuous-time formula mu / sigma^2 is no substitute: with returns unbounded below, log
    growth is minus infinity at every size, so scenarios and the gap decide.

    Parameters
    ----------
    outcomes : (n,) simple returns per period of one unit of exposure
    probabilities : (n,) weights of the outcomes, scaled to sum 1; equal when None
    fraction : share of the full size, in (0, 1]
    prior_sharpe : standard deviation of the prior on the mean over the outcomes' volatility, per
        period; the default says that a yearly Sharpe ratio of 0.5 is usual for daily returns.
        None takes the mean as it is.
    prior_mean : mean of that prior
    worst_gap : loss per unit that is reckoned with although no outcome shows it, as 0.2
    gap_margin : how much worse than the worst loss it may get
    cap : largest size
    long_only : a negative mean gives 0 instead of a short position

    Returns
    -------
    KellySize
        Weight 0 with fewer than two outcomes or a shrunk mean of 0. Outcomes without any loss
        give the cap: growth has no maximum.

    Raises
    ------
    FixInput
        For outcomes that are not finite, and settings out of range.
    """
    values, weights = _scenarios(outcomes, probabilities)
    if not 0.0 < fraction <= 1.0:
        raise FixInput(f"expected fraction in (0, 1], was {fraction}")
    if not (math.isfinite(cap) and cap >= 0.0):
        raise FixInput(f"expected cap a finite number of at least 0, was {cap}")
    if not (math.isfinite(worst_gap) and worst_gap >= 0.0 and gap_margin >= 1.0):
        raise FixInput(
            "expected worst_gap of at least 0 and gap_margin of at least 1, "
            f"was {worst_gap} and {gap_margin}"
        )
    if values.size < 2:
        return KellySize(0.0, 0.0, math.nan, math.nan, worst_gap, cap, "none")
    mean = float(weights @ values)
    shrunk = mean
    if prior_sharpe is not None:
        deviation = math.sqrt(max(0.0, float(weights @ (values - mean) ** 2)))
        count = 1.0 / float(weights @ weights)
        shrunk = shrunk_mean(mean, deviation, count, prior_sharpe * deviation, prior_mean)
    sign = -1.0 if shrunk < 0.0 and not long_only else 1.0
    shifted = sign * (values - mean + shrunk)
    worst = max(float(-(sign * values).min()), float(-shifted.min()), worst_gap, 0.0)
    limit = min(cap, 1.0 / (gap_margin * worst)) if worst > 0.0 else cap
    if not sign * shrunk > 0.0 or limit == 0.0:
        return KellySize(0.0, 0.0, mean, shrunk, worst, limit, "none")
    top = max(cap / fraction, limit)
    full = _growth_optimum(shifted, weights, top)
    size = fraction * full
    binding = "growth"
    if size >= limit:
        size = limit
        binding = "cap" if limit == cap else "gap"
    return KellySize(sign * size, sign * full, mean, shrunk, worst, limit, binding)


def shrunk_mean(
    mean: float, deviation: float, count: float, prior_deviation: float, prior_mean: float = 0.0
) -> float:
    """Posterior mean of a normal mean with a normal prior.

    ``m + k (mean - m)`` with ``k = s^2 / (s^2 + deviation^2 / count)``: s the prior's standard
    deviation, m its mean. Without any spread in prior and data the sample mean is kept.

    Raises
    ------
    FixInput
        For negative deviations or a count not above 0.
    """
    if not (deviation >= 0.0 and prior_deviation >= 0.0 and count > 0.0):
        raise FixInput(
            "expected deviations of at least 0 and a count above 0, was "
            f"{deviation}, {prior_deviation} and {count}"
        )
    noise, belief = deviation * deviation / count, prior_deviation * prior_deviation
    if noise + belief == 0.0:
        return mean
    return prior_mean + belief / (belief + noise) * (mean - prior_mean)


def binary_kelly(probability: float, odds: float) -> float:
    """Kelly size of a bet that pays ``odds`` for 1 with some probability: ``p - (1 - p) / odds``.

    Never below 0. Source: Kelly (1956).

    Raises
    ------
    FixInput
        For a probability outside [0, 1] or odds not above 0.
    """
    if not (0.0 <= probability <= 1.0 and odds > 0.0):
        raise FixInput(f"expected probability in [0, 1], odds above 0, was {probability}, {odds}")
    return max(0.0, probability - (1.0 - probability) / odds)


def gaussian_kelly(mean: float, volatility: float) -> float:
    """Continuous-time Kelly size ``mean / volatility^2``, for comparison.

    It is the limit of ever smaller steps. Over real steps with unbounded losses it does not
    survive: size with :func:`fractional_kelly`.

    Raises
    ------
    FixInput
        For a volatility not above 0.
    """
    if not volatility > 0.0:
        raise FixInput(f"expected volatility above 0, was {volatility}")
    return mean / (volatility * volatility)


def _growth_optimum(values: NDArray[np.float64], weights: NDArray[np.float64], top: float) -> float:
    """Maximiser of ``E log(1 + f r)`` on [0, top]; the mean is positive."""
    worst = -float(values.min())
    high = top if worst <= 0.0 else min(top, (1.0 - 1e-12) / worst)

    def slope(f: float) -> float:
        return float(weights @ (values / (1.0 + f * values)))

    if slope(high) >= 0.0:
        return high
    low = 0.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        if slope(middle) > 0.0:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def _scenarios(
    outcomes: ArrayLike, probabilities: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    values = np.asarray(outcomes, dtype=float)
    if values.ndim != 1:
        raise FixInput(f"expected outcomes in one dimension, was shape {values.shape}")
    if not np.all(np.isfinite(values)):
        raise FixInput("expected finite outcomes, was NaN or infinity; drop those periods")
    if probabilities is None:
        return values, np.full(values.size, 1.0 / max(1, values.size))
    weights = np.asarray(probabilities, dtype=float)
    if weights.shape != values.shape:
        raise FixInput(f"expected {values.size} probabilities, was shape {weights.shape}")
    if not np.all(np.isfinite(weights)) or np.any(weights < 0.0) or not weights.sum() > 0.0:
        raise FixInput("expected probabilities of at least 0 with a sum above 0")
    return values, weights / weights.sum()
