"""How far one source can move an estimate: bounds that hold whatever the source sends.

Distances are measured in the frame (mu0, Sigma0) that the observations were clipped in: a location
moves by ||L^-1 (m' - m)|| and a covariance by the spectral norm of L^-1 (C' - C) L^-T, where
Sigma0 = L L'. Both are free of units, and for p = 1 they are standard deviations and variances of
the frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from protection.contracts.errors import FixInput
from protection.estimation.inputs import Array


@dataclass(frozen=True, slots=True)
class InfluenceBound:
    """Largest moves one source can cause.

    Attributes
    ----------
    share : share of the weight that is the source's, in [0, 1]
    location : bound of ||L^-1 (m' - m)||
    covariance : bound of the spectral norm of L^-1 (C' - C) L^-T
    """

    share: float
    location: float
    covariance: float


def clipping_bound(radius: float, share: float, factor: float = 1.0) -> InfluenceBound:
    """Bound for a mean and a covariance of observations clipped at ``radius``.

    Whatever ``share`` of the weight does, the rest being as it is: the mean moves by no more than
    2 r s, and the covariance (about its own mean, over the total weight, divided by ``factor``)
    by no more than 4 r^2 s (1 - s) / factor for s < 1/2, and r^2 / factor from there. All
    observations lie within a ball of radius r, so the part that is moved moves by at most its
    diameter; the variance in any direction is one of numbers in [-r, r]. Both are attained, by a
    source that jumps from one pole of the ball to the other (location) or away from a rest that
    sits at one pole (covariance).

    The frame must not depend on the observations that are judged: a frame estimated from the same
    batch voids the bound.

    Parameters
    ----------
    radius : clip radius in units of the frame, above 0
    share : share of the weight in [0, 1]; for n observations of equal weight, m / n
    factor : what the covariance is divided by, see :func:`~protection.estimation.clipping_factor`

    Raises
    ------
    FixInput
        When an argument is outside its range.
    """
    if not 0 < radius < np.inf:
        raise FixInput(f"expected radius above 0, was {radius}")
    if not 0 <= share <= 1:
        raise FixInput(f"expected share in [0, 1], was {share}")
    if not 0 < factor <= 1:
        raise FixInput(f"expected factor in (0, 1], was {factor}")
    spread = 4 * share * (1 - share) if share < 0.5 else 1.0
    return InfluenceBound(share, 2 * radius * share, radius**2 * spread / factor)


def capped_shares(log_weights: Array, cap: float) -> tuple[Array, float]:
    """Shares in proportion to weights, none above ``cap``, and what is left over.

    What is cut from a heavy source goes to the others in proportion, so that they never lose when
    a source sends more. With fewer than 1 / cap sources all stand at the cap and the rest of the
    mass belongs to nobody.

    Parameters
    ----------
    log_weights : natural logarithms of the weights, shape (S,); -inf for none
    cap : largest share in (0, 1]

    Returns
    -------
    shares of shape (S,) and the share that no source has

    Raises
    ------
    FixInput
        When the cap is outside (0, 1].
    """
    if not 0 < cap <= 1:
        raise FixInput(f"expected cap in (0, 1], was {cap}")
    shares = np.zeros(log_weights.size)
    order = np.argsort(-log_weights, kind="stable")
    order = order[log_weights[order] > -np.inf]
    for capped in range(order.size):
        rest = order[capped:]
        # Relative to the heaviest of the rest: weights e^700 apart do not vanish before the cap.
        part = np.exp(log_weights[rest] - log_weights[rest[0]])
        part *= max(0.0, 1 - capped * cap) / part.sum()
        if part[0] <= cap:
            shares[rest] = part
            return shares, 0.0
        shares[rest[0]] = cap
    return shares, max(0.0, 1 - order.size * cap)
