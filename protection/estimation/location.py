"""Robust locations of one variable: Catoni, median of means, trimmed and winsorised means."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from protection.contracts.errors import FixInput
from protection.estimation.catoni_kernel import narrow_sums, wide_sums
from protection.estimation.inputs import Array, as_sample
from protection.estimation.order import mad, median, middle_pair

#: blocks of the specification; see :func:`block_plan` for what they promise
SPECIFIED_BLOCKS = 10
_SAMPLED = 8192


def catoni_mean(
    x: Any,
    *,
    mode: str = "confidence",
    delta: float = 0.05,
    c: float = 2.0,
    scale: float | None = None,
) -> float:
    """Catoni's mean with the narrow psi: no observation has more than a bounded say.

    The root theta of sum psi(alpha (x_i - theta)) = 0 (Catoni 2012), psi(u) = -log(1 - u + u^2/2)
    on [0, 1], log 2 beyond, odd.

    Parameters
    ----------
    x : finite observations, shape (n,)
    mode : ``"confidence"`` chooses alpha from ``delta``, n and the scale (Catoni's proposition
        2.4): an estimate of the mean, within :func:`catoni_halfwidth` of it with probability
        1 - 2 delta if the scale is the true standard deviation. ``"scale"`` takes
        alpha = 1 / (c scale) whatever n is: a robust location. For skewed data it is not the mean
        (for skewness -2 and c = 2 it is off by 0.03 standard deviations, the size of a daily mean
        return), and more data do not help.
    delta : half of the probability of being outside, in (0, 1); ``"confidence"`` only
    c : width in units of the scale, above 0; ``"scale"`` only
    scale : standard deviation; None is 1.4826 MAD, which no minority of observations can inflate

    Returns
    -------
    the estimate, in the unit of x. It is the median when n <= 2 log(1 / delta), too few for the
    confidence asked for, and when the MAD is 0 (more than half of the observations are equal).

    Raises
    ------
    FixInput
        When x is empty or not finite, or a parameter is outside its range.
    """
    sample = as_sample(x)
    if mode not in ("confidence", "scale"):
        raise FixInput(f"expected mode 'confidence' or 'scale', was {mode!r}")
    if not 0 < delta < 1:
        raise FixInput(f"expected delta in (0, 1), was {delta}")
    if not 0 < c < math.inf:
        raise FixInput(f"expected c above 0, was {c}")
    if scale is not None and not 0 < scale < math.inf:
        raise FixInput(f"expected scale above 0 or None, was {scale}")
    sample, unit = _fit_for_squares(sample)
    low, high = middle_pair(sample)
    centre = low + (high - low) / 2
    spread = mad(sample, centre) if scale is None else scale / unit
    n, tail = sample.size, math.log(1 / delta)
    if spread == 0 or (mode == "confidence" and n <= 2 * tail):
        return centre * unit
    if mode == "confidence":
        alpha = math.sqrt(2 * tail / (n * (1 + 2 * tail / (n - 2 * tail)))) / spread
    else:
        alpha = 1 / (c * spread)
    return _narrow_root(sample, alpha, low, high) * unit


def catoni_location(x: Any, alpha: float, *, psi: str = "narrow") -> float:
    """Root of sum psi(alpha (x_i - theta)), for a given alpha.

    Parameters
    ----------
    x : finite observations, shape (n,)
    alpha : one over the distance at which an observation has its full say, above 0
    psi : ``"narrow"``, bounded; or ``"wide"``, sgn(u) log(1 + |u| + u^2/2), which is **not**: one
        observation of 1e12 among 99 zeros moves it to 0.57, and on to infinity, with alpha = 1

    Returns
    -------
    the root; where the narrow psi has an interval of them (all observations further than 1 / alpha
    away, half on each side), its middle, which is the median

    Raises
    ------
    FixInput
        When x is empty or not finite, or a parameter is outside its range.
    """
    sample = as_sample(x)
    if not 0 < alpha < math.inf:
        raise FixInput(f"expected alpha above 0, was {alpha}")
    if psi not in ("narrow", "wide"):
        raise FixInput(f"expected psi 'narrow' or 'wide', was {psi!r}")
    low, high = middle_pair(sample)
    if psi == "narrow":
        return _narrow_root(sample, alpha, low, high)
    bottom, top = float(sample.min()), float(sample.max())
    return _root(wide_sums, sample, alpha, low + (high - low) / 2, bottom, top)


def catoni_halfwidth(n: int, scale: float, delta: float = 0.05) -> float:
    """Distance from the mean that Catoni's estimate exceeds with probability <= 2 delta.

    sqrt(2 v L / (n - 2 L)), v = scale^2, L = log(1 / delta), for independent observations whose
    standard deviation is at most ``scale``; infinite for n <= 2 L.
    """
    tail = math.log(1 / delta)
    return scale * math.sqrt(2 * tail / (n - 2 * tail)) if n > 2 * tail else math.inf


@dataclass(frozen=True, slots=True)
class BlockPlan:
    """A number of blocks for :func:`median_of_means`, and what it promises.

    Attributes
    ----------
    blocks : K
    delta : probability exp(-K / 8) with which the error may exceed
        ``halfwidth`` standard deviations, for independent clean observations
    halfwidth : sqrt(32 log(1 / delta) / n) = sqrt(4 K / n), in standard deviations
    tolerated : number of arbitrary observations that leave the majority of blocks clean
    is_median : whether n < 2 K, where the plain median is returned instead
    """

    blocks: int
    delta: float
    halfwidth: float
    tolerated: int
    is_median: bool


def block_plan(
    n: int, *, blocks: int | None = None, delta: float = 0.05, contaminated: int = 0
) -> BlockPlan:
    """Choose K from the confidence and the contamination, or tell what a given K promises.

    K is at least ceil(8 log(1 / delta)) (24 for 0.05, 37 for 0.01) and 2 m + 1 for m arbitrary
    observations. The specification's K = 10 promises delta = 0.287 and tolerates 4.

    Parameters
    ----------
    n : number of observations
    blocks : a configured K; None chooses
    delta : probability of a larger error, in (0, 1)
    contaminated : number of arbitrary observations to withstand, one in each block at worst

    Raises
    ------
    FixInput
        When an argument is outside its range.
    """
    if n < 1 or contaminated < 0 or not 0 < delta < 1:
        raise FixInput(
            "expected n >= 1, delta in (0, 1) and contaminated >= 0, "
            f"was n={n}, delta={delta}, contaminated={contaminated}"
        )
    if blocks is None:
        blocks = max(math.ceil(8 * math.log(1 / delta)), 2 * contaminated + 1)
    elif blocks < 1:
        raise FixInput(f"expected blocks at least 1, was {blocks}")
    is_median = n < 2 * blocks
    return BlockPlan(
        blocks=blocks,
        delta=math.exp(-blocks / 8),
        halfwidth=math.sqrt(4 * blocks / n),
        tolerated=(n - 1) // 2 if is_median else (blocks - 1) // 2,
        is_median=is_median,
    )


def median_of_means(
    x: Any, blocks: int = SPECIFIED_BLOCKS, *, rng: np.random.Generator | None = None
) -> float:
    """Median of the means of ``blocks`` blocks (Nemirovsky and Yudin 1983).

    Blocks are contiguous, as befits a time series, of the sizes of ``numpy.array_split``; with an
    even number of blocks the median averages the two in the middle. For n < 2 blocks the answer
    is the plain median. :func:`block_plan` chooses the number and says what it promises.

    Parameters
    ----------
    x : finite observations, shape (n,)
    blocks : number of blocks, at least 1
    rng : generator that shuffles the observations first; None keeps their order

    Raises
    ------
    FixInput
        When x is empty or not finite, or blocks < 1.
    """
    sample = as_sample(x)
    if blocks < 1:
        raise FixInput(f"expected blocks at least 1, was {blocks}")
    if sample.size < 2 * blocks:
        return median(sample)
    if rng is not None:
        sample = rng.permutation(sample)
    return median(block_means(sample, blocks))


def block_means(x: Array, blocks: int) -> Array:
    """Means of contiguous blocks, shape (blocks,); the first n % blocks have one row more."""
    size, longer = divmod(x.size, blocks)
    split = longer * (size + 1)
    return np.concatenate(
        [x[:split].reshape(longer, size + 1).mean(axis=1), x[split:].reshape(-1, size).mean(axis=1)]
    )


def trimmed_mean(x: Any, cut: float = 0.1) -> float:
    """Mean without the int(cut n) smallest and as many largest observations.

    Parameters
    ----------
    x : finite observations, shape (n,)
    cut : share left out on each side, in [0, 0.5)

    Raises
    ------
    FixInput
        When x is empty or not finite, or the cut is outside its range.
    """
    ordered, k = _cut(as_sample(x), cut)
    return float(ordered[k : ordered.size - k].mean())


def winsorised_mean(x: Any, cut: float = 0.1) -> float:
    """Mean in which the int(cut n) observations at each end count as the nearest one kept.

    Parameters and errors as for :func:`trimmed_mean`.
    """
    ordered, k = _cut(as_sample(x), cut)
    n = ordered.size
    kept = ordered[k : n - k]
    return float((kept.sum() + k * (kept.min() + kept.max())) / n)


def _cut(sample: Array, cut: float) -> tuple[Array, int]:
    if not 0 <= cut < 0.5:
        raise FixInput(f"expected cut in [0, 0.5), was {cut}; it is cut on each side")
    k = int(cut * sample.size)
    return (np.partition(sample, (k, sample.size - k - 1)) if k else sample), k


def _fit_for_squares(sample: Array) -> tuple[Array, float]:
    """Return the sample in a unit in which differences cannot overflow, and that unit."""
    largest = max(abs(float(sample.min())), abs(float(sample.max())))
    return (sample / largest, largest) if largest > 1e150 else (sample, 1.0)


def _narrow_root(sample: Array, alpha: float, low: float, high: float) -> float:
    centre = low + (high - low) / 2
    # Between observations that have all reached their full say the sum is flat, and zero between
    # the two in the middle: an interval of roots around the median.
    if (high - low) * alpha >= 2:
        return centre
    # Half of the observations are at or above `high`: the sum is not positive one width above it.
    bottom, top = low - 1 / alpha, high + 1 / alpha
    if sample.size > 16 * _SAMPLED:
        few = np.ascontiguousarray(sample[:: sample.size // _SAMPLED])
        low, high = middle_pair(few)
        if (high - low) * alpha < 2:
            start = _root(narrow_sums, few, alpha, centre, bottom, top)
            return _root(narrow_sums, sample, alpha, start, bottom, top)
    return _root(narrow_sums, sample, alpha, centre, bottom, top)


def _root(
    sums: Callable[[Array, float, float], tuple[float, float]],
    sample: Array,
    alpha: float,
    start: float,
    bottom: float,
    top: float,
) -> float:
    """Newton's method within a bracket that shrinks; bisection where it would leave it."""
    theta = min(max(start, bottom), top)
    for _ in range(200):
        value, slope = sums(sample, theta, alpha)
        if value == 0:
            return theta
        if value > 0:
            bottom = theta
        else:
            top = theta
        following = theta + value / (alpha * slope) if slope > 0 else math.inf
        if abs(following - theta) <= 4e-16 * abs(theta):
            return following
        newton = bottom < following < top
        if not newton:
            following = bottom + (top - bottom) / 2
        step = abs(following - theta)
        theta = following
        # After a Newton step of size s the error is of order alpha s^2 n / slope.
        near = newton and (alpha * step) ** 2 * sample.size <= 1e-17 * slope
        if near or top - bottom <= 4e-16 * abs(theta):
            return theta
    return theta
