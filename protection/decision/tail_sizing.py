"""Sizes from the tail: the position whose expected shortfall is the wanted one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from protection.contracts.errors import FixInput


@dataclass(frozen=True, slots=True)
class SizeComparison:
    """One budget of loss, spent under three beliefs about the tail.

    Attributes
    ----------
    gaussian, tail : size under the normal expected shortfall and under the sample's own
    student : size under a Student t with the sample's volatility and ``nu`` degrees of freedom;
        NaN when no ``nu`` was given
    es_gaussian, es_tail, es_student : the expected shortfalls, losses positive, per unit
    """

    gaussian: float
    tail: float
    student: float
    es_gaussian: float
    es_tail: float
    es_student: float

    @property
    def excess(self) -> float:
        """How much too large the Gaussian size is: 0.3 is 30%. NaN without a tail size."""
        return self.gaussian / self.tail - 1.0 if self.tail > 0.0 else math.nan


def es_size(budget: float, expected_shortfall: float, *, cap: float = 1.0) -> float:
    """Exposure at which the expected shortfall is ``budget``: ``min(cap, budget / ES)``.

    Parameters
    ----------
    budget : share of equity that may be lost on average in the tail, as 0.02
    expected_shortfall : of one unit of exposure, loss positive, from any tail model
    cap : largest exposure

    Returns
    -------
    Exposure in [0, cap]. An expected shortfall that is NaN gives 0 (an unknown tail), infinity
    gives 0 (a tail without a mean), and one of 0 or less gives 0 as well: a sample without a loss
    says nothing about losses.

    Raises
    ------
    FixInput
        When budget or cap is not a finite number of at least 0.
    """
    for name, value in (("budget", budget), ("cap", cap)):
        if not (math.isfinite(value) and value >= 0.0):
            raise FixInput(f"expected {name} a finite number of at least 0, was {value}")
    if not (math.isfinite(expected_shortfall) and expected_shortfall > 0.0):
        return 0.0
    return min(cap, budget / expected_shortfall)


def gaussian_es(volatility: float, level: float = 0.975, mean: float = 0.0) -> float:
    """Expected shortfall of a normal: ``volatility pdf(z) / (1 - level) - mean``."""
    from scipy.special import ndtri

    _level(level)
    z = float(ndtri(level))
    density = math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    return volatility * density / (1.0 - level) - mean


def student_t_es(volatility: float, nu: float, level: float = 0.975, mean: float = 0.0) -> float:
    """Expected shortfall of a Student t with that standard deviation, nu above 2.

    The scale is ``volatility sqrt((nu - 2) / nu)``; forgetting it overstates the loss.

    Raises
    ------
    FixInput
        For nu not above 2, where a t has no standard deviation.
    """
    from scipy.special import gammaln, stdtrit

    _level(level)
    if not nu > 2.0:
        raise FixInput(f"expected nu above 2, was {nu}; below, a t has no standard deviation")
    t = float(stdtrit(nu, level))
    log_density = (
        float(gammaln(0.5 * (nu + 1.0)) - gammaln(0.5 * nu))
        - 0.5 * math.log(nu * math.pi)
        - 0.5 * (nu + 1.0) * math.log1p(t * t / nu)
    )
    tail = math.exp(log_density) * (nu + t * t) / ((1.0 - level) * (nu - 1.0))
    return volatility * math.sqrt((nu - 2.0) / nu) * tail - mean


def tail_mean(returns: ArrayLike, level: float = 0.975) -> float:
    """Mean of the worst ``1 - level`` of a sample, loss positive.

    The share that cuts through an observation counts it in part (Acerbi and Tasche 2002), so that
    the answer is coherent at every sample size.

    Raises
    ------
    FixInput
        For an empty sample or returns that are not finite.
    """
    _level(level)
    losses = -np.asarray(returns, dtype=float)
    if losses.ndim != 1 or losses.size == 0 or not np.all(np.isfinite(losses)):
        raise FixInput(f"expected finite returns in one dimension, was shape {losses.shape}")
    share = (1.0 - level) * losses.size
    whole = math.floor(share + 1e-9)
    ordered = np.sort(losses)[::-1]
    rest = max(0.0, share - whole)
    total = float(ordered[:whole].sum())
    if whole < losses.size:
        total += rest * float(ordered[whole])
    return total / share


def compare_sizes(
    returns: ArrayLike,
    budget: float,
    *,
    level: float = 0.975,
    nu: float | None = None,
    cap: float = math.inf,
) -> SizeComparison:
    """Size the same budget of loss by the normal's tail, by the sample's and by a Student t's.

    Parameters
    ----------
    returns : (n,) simple returns of one unit of exposure
    budget : expected shortfall that is wanted, share of equity
    level : of the expected shortfall
    nu : degrees of freedom of the Student t, where one was fitted
    cap : largest exposure

    Raises
    ------
    FixInput
        For an empty sample or returns that are not finite.
    """
    values = np.asarray(returns, dtype=float)
    empirical = tail_mean(values, level)
    deviation, mean = float(values.std()), float(values.mean())
    normal = gaussian_es(deviation, level, mean)
    student = math.nan if nu is None else student_t_es(deviation, nu, level, mean)
    top = cap if math.isfinite(cap) else 1e12
    return SizeComparison(
        es_size(budget, normal, cap=top),
        es_size(budget, empirical, cap=top),
        math.nan if nu is None else es_size(budget, student, cap=top),
        normal,
        empirical,
        student,
    )


def _level(level: float) -> None:
    if not 0.0 < level < 1.0:
        raise FixInput(f"expected level in (0, 1), was {level}; write 0.975 for 97.5%")
