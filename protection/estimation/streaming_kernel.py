"""The loop of the streaming moments: whiten, clip, decay, accumulate.

State of each source s, in whitened coordinates z = L^-1 (x - mu0), so that nothing can overflow:
``means[s]`` (p,) and ``seconds[s]`` (p, p) are the weighted means of z and z z',
and ``sums[s]`` holds the total weight at the source's latest time, the total of squared weights at
that time, that time, and the number of observations.
"""

from __future__ import annotations

import math

import numpy as np

from protection.estimation.compiled import compiled
from protection.estimation.inputs import Array, Indices

#: columns of ``sums``
WEIGHT, SQUARES, LATEST, COUNT = 0, 1, 2, 3


def absorb_twin(
    X: Array,
    times: Array,
    weights: Array,
    slots: Indices,
    centre: Array,
    columns: Array,
    radius: float,
    decay: float,
    means: Array,
    seconds: Array,
    sums: Array,
    distances: Array,
) -> None:
    """NumPy twin of :func:`absorb`."""
    inverse = np.linalg.inv(columns.T)
    for i in range(X.shape[0]):
        distances[i] = np.nan
        if not (np.isfinite(X[i]).all() and np.isfinite(times[i]) and 0 < weights[i] < np.inf):
            continue
        big = max(np.abs(X[i]).max(), np.abs(centre).max())
        scale = big if big > 1e100 else 1.0
        z = inverse @ (X[i] / scale - centre / scale)
        length = math.sqrt(z @ z)
        distances[i] = length * scale
        z = z * (radius / length if length > radius / scale else scale)
        s = int(slots[i])
        weight, latest = weights[i], sums[s, LATEST]
        if sums[s, COUNT] == 0:
            sums[s, LATEST] = times[i]
        elif times[i] > latest:
            fade = math.exp(-decay * (times[i] - latest)) if decay > 0 else 1.0
            sums[s, WEIGHT] *= fade
            sums[s, SQUARES] *= fade * fade
            sums[s, LATEST] = times[i]
        elif decay > 0:
            weight *= math.exp(-decay * (latest - times[i]))
        sums[s, COUNT] += 1
        sums[s, WEIGHT] += weight
        sums[s, SQUARES] += weight * weight
        if sums[s, WEIGHT] > 0:
            part = weight / sums[s, WEIGHT]
            means[s] += part * (z - means[s])
            seconds[s] += part * (np.outer(z, z) - seconds[s])


@compiled(twin=absorb_twin)
def absorb(
    X: Array,
    times: Array,
    weights: Array,
    slots: Indices,
    centre: Array,
    columns: Array,
    radius: float,
    decay: float,
    means: Array,
    seconds: Array,
    sums: Array,
    distances: Array,
) -> None:
    """Take in the rows of X, in order.

    A row that is not finite, or whose time or weight is not, changes nothing and has the distance
    NaN.

    Parameters
    ----------
    X : observations, shape (n, p)
    times : event times, shape (n,), in the unit of 1 / decay
    weights : above 0, shape (n,)
    slots : index of each row's source, shape (n,)
    centre, columns : the frame: mu0 (p,), and L' (p, p) for its lower Cholesky factor L
    radius : clip radius, may be infinite
    decay : rate at which weights fade, 0 for never
    means, seconds, sums : state, shapes (S, p), (S, p, p), (S, 4); written
    distances : Mahalanobis distance of each row before it is clipped, shape (n,); written
    """
    n, p = X.shape
    z = np.empty(p)
    far = 0.0
    for j in range(p):
        far = max(far, abs(centre[j]))
    for i in range(n):
        distances[i] = np.nan
        big = far
        finite = math.isfinite(times[i]) and 0 < weights[i] < np.inf
        for j in range(p):
            value = X[i, j]
            finite = finite and math.isfinite(value)
            big = max(big, abs(value))
        if not finite:
            continue
        scale = big if big > 1e100 else 1.0
        for j in range(p):
            z[j] = X[i, j] / scale - centre[j] / scale
        # Forward substitution by columns of L: the inner loop runs over contiguous memory.
        square = 0.0
        for k in range(p):
            value = z[k] / columns[k, k]
            z[k] = value
            square += value * value
            for j in range(k + 1, p):
                z[j] -= columns[k, j] * value
        length = math.sqrt(square)
        distances[i] = length * scale
        pull = radius / length if length > radius / scale else scale
        s = slots[i]
        weight = weights[i]
        latest = sums[s, LATEST]
        if sums[s, COUNT] == 0:
            sums[s, LATEST] = times[i]
        elif times[i] > latest:
            fade = math.exp(-decay * (times[i] - latest)) if decay > 0 else 1.0
            sums[s, WEIGHT] *= fade
            sums[s, SQUARES] *= fade * fade
            sums[s, LATEST] = times[i]
        elif decay > 0:
            weight *= math.exp(-decay * (latest - times[i]))
        sums[s, COUNT] += 1
        sums[s, WEIGHT] += weight
        sums[s, SQUARES] += weight * weight
        if sums[s, WEIGHT] > 0:
            part = weight / sums[s, WEIGHT]
            for j in range(p):
                z[j] *= pull
                means[s, j] += part * (z[j] - means[s, j])
            for j in range(p):
                value = z[j]
                for k in range(p):
                    seconds[s, j, k] += part * (value * z[k] - seconds[s, j, k])
