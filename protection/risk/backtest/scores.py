"""Scores that rank forecasts: consistent for VaR, and for VaR with ES; and their comparison."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from protection.contracts.errors import FixInput
from protection.risk.backtest.quantile import pinball
from protection.risk.tails.empirical import check_level


def quantile_score(losses: ArrayLike, var: ArrayLike, level: float) -> NDArray[np.float64]:
    """Pinball loss (I - a)(VaR - L) with I = 1 where L > VaR and a = 1 - level; lower is better.

    Parameters
    ----------
    losses, var : shape (n,), losses positive, in one unit

    Returns
    -------
    Score of each day, shape (n,), in the unit of the losses.
    """
    level = check_level(level)
    loss, forecast = np.asarray(losses, dtype=np.float64), np.asarray(var, dtype=np.float64)
    return pinball(loss - forecast, level)


def fissler_ziegel(
    losses: ArrayLike, var: ArrayLike, es: ArrayLike, level: float
) -> NDArray[np.float64]:
    """Fissler and Ziegel's score of VaR and ES together, in the form of degree 0; lower is better.

    FZ0 = I (L - VaR) / (a ES) + VaR / ES + log ES - 1, with a = 1 - level and I = 1 where L > VaR:
    ES alone cannot be scored, the pair can (Fissler and Ziegel 2016, Patton, Ziegel and Chen
    2019). Differences do not depend on the unit of the losses.

    Parameters
    ----------
    losses : shape (n,), losses positive
    var, es : forecasts made before each loss, shape (n,) or scalar, es > 0

    Returns
    -------
    Score of each day, shape (n,); NaN where an input is NaN, infinite for an infinite ES.

    Raises
    ------
    FixInput
        For an ES that is not positive.
    """
    level = check_level(level)
    loss = np.asarray(losses, dtype=np.float64)
    limit = np.broadcast_to(np.asarray(var, dtype=np.float64), loss.shape)
    shortfall = np.broadcast_to(np.asarray(es, dtype=np.float64), loss.shape)
    if (shortfall <= 0.0).any():
        raise FixInput(
            f"expected es above 0 (losses positive), was {np.nanmin(shortfall):g}; change its sign"
        )
    hit = np.where(loss > limit, loss - limit, 0.0)
    return hit / ((1.0 - level) * shortfall) + limit / shortfall + np.log(shortfall) - 1.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """Diebold-Mariano comparison of two series of scores.

    Attributes
    ----------
    difference : mean score of the first minus that of the second; negative: the first is better
    statistic : difference over its standard error
    p_value : two-sided, from Student's t with n - 1 degrees of freedom
    count : days compared
    """

    difference: float
    statistic: float
    p_value: float
    count: int

    @property
    def p_better(self) -> float:
        """One-sided p-value of "the first is no better than the second"."""
        half = 0.5 * self.p_value
        return half if self.statistic < 0.0 else 1.0 - half


def diebold_mariano(
    first: ArrayLike, second: ArrayLike, *, horizon: int = 1, lags: int | None = None
) -> Comparison:
    """Is the mean difference of two score series 0.

    The variance is Newey and West's with Bartlett weights over ``lags`` autocovariances, by default
    max(horizon - 1, floor(4 (n / 100)^(2/9))); the statistic carries the small-sample factor of
    Harvey, Leybourne and Newbold 1997 and is compared with Student's t.

    Parameters
    ----------
    first, second : scores of the same days, lower is better, shape (n,); days with a NaN in either
        are left out
    horizon : steps ahead that were forecast
    lags : autocovariances in the variance

    Returns
    -------
    Comparison; equal series give statistic 0 and p-value 1.

    Raises
    ------
    FixInput
        For different shapes, infinite scores, or fewer than 10 common days.
    """
    from scipy import special

    left, right = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if left.ndim != 1 or left.shape != right.shape:
        raise FixInput(f"expected two series of one shape, was {left.shape} and {right.shape}")
    gap = left - right
    keep = ~(np.isnan(left) | np.isnan(right))
    gap = gap[keep]
    if not np.isfinite(gap).all():
        raise FixInput("expected finite scores, was infinite; an infinite ES cannot be compared")
    n = gap.size
    if n < 10:
        raise FixInput(f"expected 10 common days or more, was {n}")
    mean = float(gap.mean())
    away = gap - mean
    if lags is None:
        lags = max(horizon - 1, int(4.0 * (n / 100.0) ** (2.0 / 9.0)))
    long_run = float(away @ away) / n
    for k in range(1, min(lags, n - 1) + 1):
        long_run += 2.0 * (1.0 - k / (lags + 1.0)) * float(away[k:] @ away[:-k]) / n
    if long_run <= 0.0:
        same = mean == 0.0
        statistic = 0.0 if same else math.copysign(math.inf, mean)
        return Comparison(mean, statistic, 1.0 if same else 0.0, n)
    factor = (n + 1.0 - 2.0 * horizon + horizon * (horizon - 1.0) / n) / n
    statistic = mean / math.sqrt(long_run / n) * math.sqrt(max(factor, 1e-12))
    p_value = 2.0 * float(special.stdtr(n - 1, -abs(statistic)))
    return Comparison(mean, statistic, p_value, n)
