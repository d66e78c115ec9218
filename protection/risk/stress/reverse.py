"""Reverse stress: the smallest shock that breaks a limit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from protection.contracts.errors import FixInput
from protection.risk.stress.replay import replay_portfolio
from protection.risk.stress.scenario import StressScenario

_HALVINGS = 60


@dataclass(frozen=True, slots=True)
class ReverseStress:
    """Answer of :func:`reverse_stress`.

    Attributes
    ----------
    moves : (p,) returns of the most plausible move that costs the limit
    distance : how far it is, in standard deviations of the book; infinite for a book without risk
    loss : what it costs, over equity
    """

    moves: NDArray[np.float64]
    distance: float
    loss: float


def reverse_stress(exposures: ArrayLike, covariance: ArrayLike, limit: float) -> ReverseStress:
    """Most plausible joint move that costs ``limit``.

    Among all moves r with loss ``-w'r = L`` the one of least Mahalanobis distance is
    ``r = -L S w / (w'S w)``, at distance ``L / sqrt(w'S w)``. Its plausibility under a normal is
    that of a move of one symbol by so many standard deviations; under fat tails it is larger.

    Parameters
    ----------
    exposures : (p,) signed values over equity
    covariance : (p, p) of returns per period
    limit : loss over equity, above 0

    Raises
    ------
    FixInput
        When shapes differ, figures are not finite, or the limit is not above 0.
    """
    w = np.atleast_1d(np.asarray(exposures, dtype=float))
    matrix = np.asarray(covariance, dtype=float)
    if w.ndim != 1 or matrix.shape != (w.size, w.size):
        raise FixInput(f"expected a covariance of {w.size} symbols, was shape {matrix.shape}")
    if not (np.all(np.isfinite(w)) and np.all(np.isfinite(matrix))):
        raise FixInput("expected finite exposures and covariance, was NaN or infinity")
    if not (math.isfinite(limit) and limit > 0.0):
        raise FixInput(f"expected a limit above 0, was {limit}")
    pull = matrix @ w
    variance = float(w @ pull)
    if not variance > 0.0:
        return ReverseStress(np.full_like(w, np.nan), math.inf, 0.0)
    return ReverseStress(-limit / variance * pull, limit / math.sqrt(variance), limit)


def smallest_multiple(
    scenario: StressScenario,
    exposures: Mapping[str, float],
    limit: float,
    *,
    betas: Mapping[str, float] | None = None,
    factors: Mapping[str, str] | None = None,
    largest: float = 20.0,
) -> float:
    """Smallest multiple of a scenario whose drawdown reaches a limit.

    0.6 means: six tenths of this crisis break the limit. Found by bisection on
    :func:`replay_portfolio`'s ``scale``; the drawdown of a held book grows with it until
    positions reach nothing.

    Returns
    -------
    Multiple in (0, largest]; infinite when even ``largest`` does not break it

    Raises
    ------
    FixInput
        For a limit outside (0, 1], and as :func:`replay_portfolio`.
    """
    if not 0.0 < limit <= 1.0:
        raise FixInput(f"expected a limit in (0, 1], was {limit}")

    def breaks(scale: float) -> bool:
        result = replay_portfolio(scenario, exposures, betas=betas, factors=factors, scale=scale)
        return result.drawdown >= limit

    grid = np.linspace(0.0, largest, 401)[1:]
    high = next((float(scale) for scale in grid if breaks(float(scale))), None)
    if high is None:
        return math.inf
    low = high - float(grid[0])
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if breaks(middle):
            high = middle
        else:
            low = middle
    return high


def largest_exposure(gap: float, limit: float) -> float:
    """Exposure at which a gap of that size costs exactly the limit: ``limit / gap``.

    A stop or breaker at ``limit`` does not help against a gap through it: only the size does.

    Raises
    ------
    FixInput
        When one of them is not above 0.
    """
    if not (gap > 0.0 and limit > 0.0):
        raise FixInput(f"expected gap and limit above 0, was {gap} and {limit}")
    return limit / gap
