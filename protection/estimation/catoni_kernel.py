"""Sum of Catoni's influence function and its slope, and the root of that sum."""

from __future__ import annotations

import math

import numpy as np

from protection.estimation.compiled import compiled
from protection.estimation.inputs import Array

_LANES = 128
_DEPTH = 500  # factors in [1/2, 1]: 500 of them do not underflow


def narrow_sums_twin(x: Array, theta: float, alpha: float) -> tuple[float, float]:
    """NumPy twin of :func:`narrow_sums`."""
    u = alpha * (x - theta)
    a = np.minimum(np.abs(u), 1.0)
    t = 1.0 - a + 0.5 * a * a
    return float((-np.sign(u) * np.log(t)).sum()), float(((1.0 - a) / t).sum())


@compiled(twin=narrow_sums_twin)
def narrow_sums(x: Array, theta: float, alpha: float) -> tuple[float, float]:
    """Return sum psi(u_i) and sum psi'(u_i) of the narrow psi, u = alpha (x - theta).

    psi(u) = -log(1 - u + u^2/2) on [0, 1], log 2 beyond, odd. Logarithms are taken of products,
    one for every 500 terms, lane by lane, so that the loop is arithmetic a vector unit can do.
    """
    n = x.size
    up, down, slope = np.empty(_LANES), np.empty(_LANES), np.zeros(_LANES)
    total = 0.0
    rows = n // _LANES
    row = 0
    while row < rows:
        stop = min(row + _DEPTH, rows)
        up[:] = 1.0
        down[:] = 1.0
        for r in range(row, stop):
            block = x[r * _LANES : (r + 1) * _LANES]
            for j in range(_LANES):
                u = alpha * (block[j] - theta)
                a = abs(u)
                a = a if a < 1.0 else 1.0
                t = 1.0 - a + 0.5 * a * a
                up[j] *= t if u > 0 else 1.0
                down[j] *= t if u < 0 else 1.0
                slope[j] += (1.0 - a) / t
        for j in range(_LANES):
            total += math.log(down[j]) - math.log(up[j])
        row = stop
    slopes = slope.sum()
    for i in range(rows * _LANES, n):
        u = alpha * (x[i] - theta)
        a = min(abs(u), 1.0)
        t = 1.0 - a + 0.5 * a * a
        total += -math.log(t) if u > 0 else math.log(t)
        slopes += (1.0 - a) / t
    return total, slopes


def wide_sums(x: Array, theta: float, alpha: float) -> tuple[float, float]:
    """Return sum psi(u_i) and sum psi'(u_i) of the wide psi = sgn(u) log(1 + |u| + u^2/2)."""
    a = np.abs(alpha * (x - theta))
    # Beyond 1e150 the square overflows; there log(u^2 / 2) is all that is left of it.
    big = a > 1e150
    b = np.where(big, 1.0, a)
    value = np.where(big, 2 * np.log(np.where(big, a, 1.0)) - math.log(2), np.log1p(b + b * b / 2))
    slope = np.where(big, 0.0, (1.0 + b) / (1.0 + b + b * b / 2))
    return float((np.sign(x - theta) * value).sum()), float(slope.sum())
