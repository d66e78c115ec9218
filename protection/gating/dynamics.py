"""How observations hang together in time: fitted on rows, put back into simulated ones.

A gate that takes serial dependence for a change of the world cries wolf: the variance of a mean
under AR(1) with 0.3 is 1.9 times that of independent rows, the variance of a variance under
GARCH(0.1, 0.85) 8 times. :func:`fit` estimates a first autocorrelation per column and one pooled
GARCH(1,1) for all columns, whose innovations act on their own column and on all alike; what it
leaves are residual rows that keep their cross-section and their tails.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protection.gating.dynamics_kernel import deviance, variances

Array = NDArray[np.float64]

_LAGS = 10
_LEVEL = 1.645  # one-sided 5%
_PERSISTENCE = 0.985
# Both were set by simulation of clean GARCH(0.10, 0.85) pairs with 2, 5 and 20 columns of 250 rows
# (make gate-calibration). BIAS: rows times what variance targeting takes from the persistence.
# BLEND: how far the two segments are brought to one variance before the fit, up to 5 columns and
# from 20 columns on. 0 lets a clean difference of their variances pass for persistence (false
# alarms too rare), 1 takes all slow waves out (0.11 instead of 0.05 with 2 columns). The more
# columns share one fit, the less such a difference can mislead it. Below 250 rows a segment is
# too short to know its own level, and the exponent falls in proportion.
BIAS = 4.0
BLEND = (0.25, 0.12)


@dataclass(frozen=True, slots=True)
class Dynamics:
    """Serial dependence of rows.

    Attributes
    ----------
    shocks : (N, p) residual rows, each column of unit variance where there is clustering (every
        check of the corridor is the same in all scales)
    carry : (p,) first autocorrelation of each column, 0 where it is not significant
    own, common, keep : GARCH coefficients on the column's own square, on the mean square of all
        columns, and on the last variance; all 0 without significant clustering
    """

    shocks: Array
    carry: Array
    own: float
    common: float
    keep: float

    @property
    def persistence(self) -> float:
        """``own + common + keep``."""
        return self.own + self.common + self.keep

    @property
    def independent(self) -> bool:
        """Whether rows may simply change places."""
        return self.own == self.common == 0.0 and not self.carry.any()


def fit(rows: Array, split: int) -> Dynamics:
    """Estimate the dynamics of two segments, ``rows[:split]`` and ``rows[split:]``.

    Parameters
    ----------
    rows : (N, p), no constant column
    split : where the second segment starts; N when there is only one
    """
    count, p = rows.shape
    centred = rows - rows.mean(axis=0)
    inner = np.ones(count - 1, dtype=bool)
    if 0 < split < count:
        inner[split - 1] = False
    ahead, behind = centred[1:][inner], centred[:-1][inner]
    carry = (ahead * behind).sum(axis=0) / (behind * behind).sum(axis=0)
    carry = np.clip(carry, -0.95, 0.95)
    carry[np.abs(carry) < 2.0 / math.sqrt(count)] = 0.0
    shocks = centred.copy()
    shocks[1:][inner] -= carry * behind
    if 0 < split < count:
        shocks[split] = centred[split] * np.sqrt(1.0 - carry * carry)
    shocks[0] = centred[0] * np.sqrt(1.0 - carry * carry)
    whole = np.sqrt((shocks * shocks).mean(axis=0))
    standard = shocks / whole
    few, many = BLEND
    blend = few + (many - few) * min(max(math.log(p / 5.0) / math.log(4.0), 0.0), 1.0)
    blend *= min(1.0, min(split, count - split) / 250.0)
    for segment in (standard[:split], standard[split:]):
        if len(segment):
            size = np.sqrt((segment * segment).mean(axis=0))
            segment /= np.where(size > 0.0, size, 1.0) ** blend
    own_on, common_on = clustering(standard, inner)
    if not (own_on or common_on):
        return Dynamics(shocks, carry, 0.0, 0.0, 0.0)
    squares = np.ascontiguousarray(standard * standard)
    own, common, keep = _garch(squares, split, own_on, common_on and p > 1)
    if own + common < 0.005:
        return Dynamics(shocks, carry, 0.0, 0.0, 0.0)
    level = variances(squares, split, own, common, keep)
    residual = standard / np.sqrt(level)
    residual /= np.sqrt((residual * residual).mean(axis=0))
    return Dynamics(residual, carry, own, common, keep)


def clustering(standard: Array, inner: Any) -> tuple[bool, bool]:
    """Whether absolute values cluster in time: per column, and for all columns together.

    Signed sum of the first ten autocorrelations of the ranks of absolute values (bounded, so
    heavy tails cannot pass for clustering), against its normal law under independence.
    """
    count, p = standard.shape
    ranks = np.argsort(np.argsort(np.abs(standard), axis=0), axis=0) / (count - 1) - 0.5
    together = ranks.mean(axis=1)
    apart = ranks - together[:, None]
    common = _signed(together[:, None], inner)
    own = _signed(apart, inner) * math.sqrt(max(p - 1, 1)) if p > 1 else common
    return own > _LEVEL, common > _LEVEL


def _signed(series: Array, inner: Any) -> float:
    count = series.shape[0]
    # a lag product is left out when the pair lies in two segments
    segment = np.concatenate([[0], np.cumsum(~inner)])
    total = 0.0
    norm = float((series * series).sum())
    for lag in range(1, min(_LAGS, count - 2) + 1):
        same = (segment[lag:] == segment[:-lag])[:, None]
        total += float((series[lag:] * series[:-lag] * same).sum()) / norm
    return total * math.sqrt(count / _LAGS)


def _garch(squares: Array, split: int, own_on: bool, common_on: bool) -> tuple[float, float, float]:
    """Pooled quasi-maximum likelihood with variance targeting, by a shrinking pattern search."""

    def coefficients(point: tuple[float, float, float]) -> tuple[float, float, float]:
        persistence, impact, share = point
        return impact * (1.0 - share), impact * share, max(persistence - impact, 0.0)

    shares = (0.0,) if not common_on else (1.0,) if not own_on else (0.0, 0.5, 1.0)
    best, value = (0.9, 0.05, shares[0]), math.inf
    for persistence in (0.5, 0.8, 0.9, 0.95, 0.98):
        for impact in (0.03, 0.08, 0.15, 0.3):
            for share in shares:
                point = (persistence, impact, share)
                found = deviance(squares, split, *coefficients(point))
                if found < value:
                    best, value = point, found
    step = [0.03, 0.04, 0.25 if len(shares) > 1 else 0.0]
    for _ in range(40):
        moved = False
        for axis in range(3):
            if step[axis] == 0.0:
                continue
            for sign in (1.0, -1.0):
                trial = list(best)
                trial[axis] += sign * step[axis]
                trial[0] = min(max(trial[0], 0.0), _PERSISTENCE)
                trial[1] = min(max(trial[1], 0.0), trial[0])
                trial[2] = min(max(trial[2], 0.0), 1.0)
                point = (trial[0], trial[1], trial[2])
                found = deviance(squares, split, *coefficients(point))
                if found < value - 1e-12:
                    best, value, moved = point, found, True
                    break
        if not moved:
            step = [size / 2 for size in step]
            if step[0] < 0.002:
                break
    # The sample variance of each segment stands for its true one, which takes the slowest waves
    # away; as for any autocorrelation around an estimated mean, persistence comes out too small.
    own, common, keep = coefficients(best)
    keep += min(BIAS / squares.shape[0], max(0.0, _PERSISTENCE - own - common - keep))
    return own, common, keep
