"""Where an estimate stays whatever one source sends: computed from what the others sent.

Law 10 for the estimators that need no frame. Each answer holds for every value the source's
observations may take, at the positions they have; the number of its observations is what counts,
and quotas bound that before.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protection.contracts.errors import FixInput
from protection.estimation.catoni_kernel import narrow_sums
from protection.estimation.geometric import geometric_median
from protection.estimation.inputs import Array, as_sample, as_table
from protection.estimation.location import block_means
from protection.estimation.order import median

_LOG_2 = math.log(2)


def catoni_range(x: Any, source: Any, alpha: float) -> tuple[float, float]:
    """Least and greatest value of ``catoni_location(x, alpha)`` over all x[source].

    The extremes are reached when all of the source's observations have their full say, log 2 each,
    to one side. It holds for a given alpha (or a scale fixed before); a scale estimated from the
    same observations moves with them.

    Parameters
    ----------
    x : finite observations, shape (n,)
    source : which are the source's, boolean, shape (n,)
    alpha : as for :func:`~protection.estimation.catoni_location`

    Returns
    -------
    (low, high); infinite when the source has half of the observations or more

    Raises
    ------
    FixInput
        When an argument is outside its range.
    """
    sample = as_sample(x)
    mask = _mask(source, sample.size)
    if not 0 < alpha < math.inf:
        raise FixInput(f"expected alpha above 0, was {alpha}")
    rest, bad = sample[~mask], int(mask.sum())
    if 2 * bad >= sample.size:
        return -math.inf, math.inf
    return -_highest(-rest, bad, alpha), _highest(rest, bad, alpha)


def median_of_means_range(x: Any, source: Any, blocks: int) -> tuple[float, float]:
    """Least and greatest value of ``median_of_means(x, blocks)`` over all x[source].

    A block that holds one observation of the source is the source's. For n < 2 blocks, where the
    estimate is the median, every observation is a block.

    Parameters
    ----------
    x : finite observations in their order, shape (n,)
    source : which are the source's, boolean, shape (n,)
    blocks : as for :func:`~protection.estimation.median_of_means`

    Returns
    -------
    (low, high); infinite when the source sits in half of the blocks or more

    Raises
    ------
    FixInput
        When an argument is outside its range.
    """
    sample = as_sample(x)
    mask = _mask(source, sample.size)
    if blocks < 1:
        raise FixInput(f"expected blocks at least 1, was {blocks}")
    if sample.size < 2 * blocks:
        blocks = sample.size
    means = block_means(sample, blocks)
    taken = block_means(mask.astype(np.float64), blocks) > 0
    if 2 * taken.sum() >= blocks:
        return -math.inf, math.inf
    low, high = np.where(taken, -math.inf, means), np.where(taken, math.inf, means)
    return median(low), median(high)


def geometric_median_ball(X: Any, source: Any) -> tuple[Array, float]:
    """Ball that holds ``geometric_median(X)`` for all X[source].

    Its centre is the geometric median of the other rows. By lemma 2.1 of Minsker (2015) the
    estimate is within (1 - a) / sqrt(1 - 2 a) times r of any point from which no more than a share
    a < 1/2 of all rows is further than r; the best r is taken.

    Parameters
    ----------
    X : finite observations in rows, shape (n, p)
    source : which rows are the source's, boolean, shape (n,)

    Returns
    -------
    centre of shape (p,) and radius; infinite when the source has half of the rows or more

    Raises
    ------
    FixInput
        When an argument is outside its range.
    """
    table = as_table(X)
    n = table.shape[0]
    mask = _mask(source, n)
    bad = int(mask.sum())
    if bad == n:
        raise FixInput("expected rows of other sources too, were none")
    rest = table[~mask]
    centre = geometric_median(rest)
    distances = np.sort(np.linalg.norm(rest - centre, axis=1))
    outside = (n - np.arange(1, distances.size + 1)) / n  # the source's rows and the further ones
    fit = outside < 0.5
    if not fit.any():
        return centre, math.inf
    factors = (1 - outside[fit]) / np.sqrt(1 - 2 * outside[fit])
    return centre, float((factors * distances[fit]).min())


def _mask(source: Any, n: int) -> NDArray[np.bool_]:
    mask = np.asarray(source)
    if mask.shape != (n,) or mask.dtype != np.bool_:
        raise FixInput(
            f"expected source as a boolean array of shape ({n},), was {mask.dtype} {mask.shape}"
        )
    return mask


def _highest(rest: Array, bad: int, alpha: float) -> float:
    """Greatest theta at which sum psi over the rest, plus ``bad`` times log 2, is not below 0."""
    low, high = float(rest.min()) - 1 / alpha, float(rest.max()) + 1 / alpha
    # Rounding of the sum may not make the answer too small.
    slack = bad * _LOG_2 + 1e-13 * rest.size
    for _ in range(200):
        middle = low + (high - low) / 2
        if not low < middle < high:
            break
        if narrow_sums(rest, middle, alpha)[0] + slack >= 0:
            low = middle
        else:
            high = middle
    return high
