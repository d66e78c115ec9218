"""Loops over time: variances of a pooled GARCH model, and paths simulated from its residuals.

Compiled where numba is installed; without it the same functions run as plain Python.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from protection.contracts.compiled import jit

Function = TypeVar("Function", bound=Callable[..., Any])

# Without numpy's error model every division looks for a zero and no loop with one is vectorised.
_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy"}


def compiled(function: Function) -> Function:
    """Compile at the first call, where that is possible."""
    try:
        return jit(function, nogil=True)
    except ImportError:  # no numba: the same loops, uncompiled
        return function


@compiled
def variances(squares: Any, split: int, own: float, common: float, keep: float) -> Any:
    """Conditional variances of standardised squares (N, p), starting at 1 in each segment.

    ``h = (1 - own - common - keep) + own x^2 + common mean(x^2) + keep h``.
    """
    rows, p = squares.shape
    out = np.empty((rows, p))
    base = 1.0 - own - common - keep
    for t in range(rows):
        if t == 0 or t == split:
            for i in range(p):
                out[t, i] = 1.0
            continue
        mean = 0.0
        for i in range(p):
            mean += squares[t - 1, i]
        mean /= p
        for i in range(p):
            out[t, i] = base + own * squares[t - 1, i] + common * mean + keep * out[t - 1, i]
    return out


@compiled
def deviance(squares: Any, split: int, own: float, common: float, keep: float) -> float:
    """Mean of ``log h + x^2 / h``: -2/N of the Gaussian log-likelihood, pooled over columns.

    Columns are summed side by side, and a logarithm is taken of products of 16 variances.
    """
    rows, p = squares.shape
    base = 1.0 - own - common - keep
    level, product = np.ones(p), np.ones(p)
    ratios, logs = np.zeros(p), 0.0
    for t in range(rows):
        if t == 0 or t == split:
            for i in range(p):
                level[i] = 1.0
        else:
            mean = 0.0
            if common > 0.0:
                for i in range(p):
                    mean += squares[t - 1, i]
                mean *= common / p
            for i in range(p):
                level[i] = base + own * squares[t - 1, i] + mean + keep * level[i]
        for i in range(p):
            product[i] *= level[i]
            ratios[i] += squares[t, i] / level[i]
        if t % 16 == 15:
            for i in range(p):
                logs += np.log(product[i])
                product[i] = 1.0
    for i in range(p):
        logs += np.log(product[i]) + ratios[i]
    return logs / (rows * p)


@compiled
def path(
    shocks: Any, order: Any, burn: int, carry: Any, own: float, common: float, keep: float, out: Any
) -> None:
    """One segment: rows ``shocks[order]`` through the variance and AR(1) recursions into ``out``.

    The first ``burn`` rows of ``order`` only bring the recursion to its stationary law.
    """
    steps, p = order.size, shocks.shape[1]
    base = 1.0 - own - common - keep
    still = own == 0.0 and common == 0.0
    level, value, e = np.ones(p), np.zeros(p), np.empty(p)
    for t in range(steps):
        row = order[t]
        if still:
            for i in range(p):
                value[i] = carry[i] * value[i] + shocks[row, i]
        else:
            for i in range(p):
                e[i] = shocks[row, i] * np.sqrt(level[i])
                value[i] = carry[i] * value[i] + e[i]
                level[i] = base + own * e[i] * e[i] + keep * level[i]
            if common > 0.0:
                mean = 0.0
                for i in range(p):
                    mean += e[i] * e[i]
                mean = common * mean / p
                for i in range(p):
                    level[i] += mean
        if t >= burn:
            for i in range(p):
                out[t - burn, i] = value[i]


@compiled
def moments(rows: Any, mean: Any) -> Any:
    """Covariance (divisor n - 1) of ``rows``, which are centred in place; mean into ``mean``."""
    n, p = rows.shape
    for i in range(p):
        mean[i] = 0.0
    for t in range(n):
        for i in range(p):
            mean[i] += rows[t, i]
    for i in range(p):
        mean[i] /= n
    for t in range(n):
        for i in range(p):
            rows[t, i] -= mean[i]
    return np.dot(rows.T, rows) / (n - 1)


@compiled
def lower(cov: Any, out: Any) -> bool:
    """Cholesky factor into ``out``; False when ``cov`` is not positive definite."""
    p = cov.shape[0]
    for i in range(p):
        for j in range(i + 1):
            total = cov[i, j]
            for k in range(j):
                total -= out[i, k] * out[j, k]
            if i == j:
                if not total > 0.0:
                    return False
                out[i, i] = np.sqrt(total)
            else:
                out[i, j] = total / out[j, j]
    return True


@compiled
def largest(rows: Any, shift: Any, factor: Any) -> float:
    """Largest squared length of ``factor^-1 (row - shift)``."""
    p = shift.size
    inverse = np.zeros((p, p))
    for j in range(p):
        for i in range(j, p):
            total = 1.0 if i == j else 0.0
            for k in range(j, i):
                total -= factor[i, k] * inverse[k, j]
            inverse[i, j] = total / factor[i, i]
    white = np.dot(rows, inverse.T)
    moved = np.zeros(p)
    for i in range(p):
        for k in range(i + 1):
            moved[i] += inverse[i, k] * shift[k]
    best = 0.0
    for t in range(white.shape[0]):
        total = 0.0
        for i in range(p):
            gap = white[t, i] - moved[i]
            total += gap * gap
        if total > best:
            best = total
    return best


@compiled
def simulate(
    shocks: Any,
    first: Any,
    second: Any,
    burn: int,
    carry: Any,
    own: float,
    common: float,
    keep: float,
    drift: Any,
    whitened: Any,
    anomaly: Any,
) -> None:
    """Null draws of the corridor: for each row of ``first`` (anchor) and ``second`` (candidate).

    Writes the drift's square, the candidate's covariance in the anchor's frame (its eigenvalues
    are the spectrum) and the ratio of the anchor's largest distances; NaN where degenerate.
    """
    draws, p = first.shape[0], shocks.shape[1]
    anchor = np.empty((first.shape[1] - burn, p))
    candidate = np.empty((second.shape[1] - burn, p))
    mean_r, mean_a = np.empty(p), np.empty(p)
    low_r, low_a = np.zeros((p, p)), np.zeros((p, p))
    solved, shift, origin = np.empty(p), np.empty(p), np.zeros(p)
    half = np.empty((p, p))
    for b in range(draws):
        path(shocks, first[b], burn, carry, own, common, keep, anchor)
        path(shocks, second[b], burn, carry, own, common, keep, candidate)
        cov_r = moments(anchor, mean_r)
        cov_a = moments(candidate, mean_a)
        if not (lower(cov_r, low_r) and lower(cov_a, low_a)):
            drift[b] = np.nan
            anomaly[b] = np.nan
            whitened[b] = np.nan
            continue
        total = 0.0
        for i in range(p):
            shift[i] = mean_a[i] - mean_r[i]
            value = shift[i]
            for k in range(i):
                value -= low_r[i, k] * solved[k]
            solved[i] = value / low_r[i, i]
            total += solved[i] * solved[i]
        drift[b] = total
        # half = low_r^-1 low_a, lower triangular; whitened = half half'
        for j in range(p):
            for i in range(p):
                if i < j:
                    half[i, j] = 0.0
                    continue
                value = low_a[i, j]
                for k in range(j, i):
                    value -= low_r[i, k] * half[k, j]
                half[i, j] = value / low_r[i, i]
        for i in range(p):
            for j in range(i + 1):
                value = 0.0
                for k in range(j + 1):
                    value += half[i, k] * half[j, k]
                whitened[b, i, j] = value
                whitened[b, j, i] = value
        anomaly[b] = largest(anchor, shift, low_a) / largest(anchor, origin, low_r)
