"""The six deterministic starts of the MRCD: which h rows look central to begin with."""

from __future__ import annotations

import numpy as np
from scipy import special, stats

from protection.estimation.inputs import Array, Indices
from protection.estimation.qn import columns_of, qn_rows

#: least scale of a standardised column in the reference
MINSCALE = 1e-3


def standardize(X: Array, floor: float | None) -> tuple[Array, Array, Array, float]:
    """Columns less their median over their Qn, which is at least ``floor``.

    Returns
    -------
    standardised rows (n, p), medians (p,), scales (p,), and the floor: for None it is MINSCALE
    times the median scale, or MINSCALE if that is more than 1
    """
    centre = np.median(X, axis=0)
    scale = qn_rows(columns_of(X))
    if floor is None:
        some = scale[scale > 0]
        floor = MINSCALE * min(1.0, float(np.median(some)) if some.size else 1.0)
    scale = np.maximum(scale, floor)
    return (X - centre) / scale, centre, scale, floor


def starts(X: Array, h: int, minscale: float) -> list[Indices]:
    """Return the h most central rows as six rough scatters of X (n, p) see them.

    The scatters (Hubert, Rousseeuw and Verdonck 2012): correlations of tanh, of ranks and of
    normal scores; of spatial signs; the covariance of the half with the smallest norms; and the
    first step of the orthogonalised Gnanadesikan-Kettenring estimate.
    """
    Z = standardize(X, minscale)[0]
    n = Z.shape[0]
    norms = np.sqrt(np.einsum("ij,ij->i", Z, Z))
    ranks = stats.rankdata(Z, axis=0)
    scores = special.ndtri((ranks - 1 / 3) / (n + 1 / 3))
    signs = Z / np.where(norms > 0, norms, 1.0)[:, None]
    inner = Z[np.argsort(norms, kind="stable")[: (n + 1) // 2]]
    scatters = (
        _correlation(np.tanh(Z)),
        _correlation(ranks),
        _correlation(scores),
        signs.T @ signs,
        np.atleast_2d(np.cov(inner, rowvar=False)),
        _pairwise_scatter(Z),
    )
    return [_central(Z, scatter, h, minscale) for scatter in scatters]


def _correlation(values: Array) -> Array:
    centred = values - values.mean(axis=0)
    size = np.sqrt(np.einsum("ij,ij->j", centred, centred))
    centred /= np.where(size > 0, size, 1.0)
    return np.asarray(centred.T @ centred)


def _pairwise_scatter(Z: Array) -> Array:
    """(Qn(z_i + z_j)^2 - Qn(z_i - z_j)^2) / 4 for every pair of columns."""
    columns = np.ascontiguousarray(Z.T)
    p, n = columns.shape
    scatter = np.empty((p, p))
    scatter[np.diag_indices(p)] = qn_rows(columns.copy()) ** 2
    both = np.empty((2 * p, n))
    for i in range(p - 1):
        rest = p - 1 - i
        np.add(columns[i + 1 :], columns[i], out=both[:rest])
        np.subtract(columns[i + 1 :], columns[i], out=both[rest : 2 * rest])
        scales = qn_rows(both[: 2 * rest])
        scatter[i, i + 1 :] = (scales[:rest] ** 2 - scales[rest:] ** 2) / 4
        scatter[i + 1 :, i] = scatter[i, i + 1 :]
    return scatter


def _central(Z: Array, scatter: Array, h: int, minscale: float) -> Indices:
    """Rows with the smallest distances in the axes of a scatter, with scales along them by Qn."""
    _, axes = np.linalg.eigh(scatter)
    rotated = Z @ axes
    scale = np.maximum(qn_rows(columns_of(rotated)), minscale)
    sphered = (rotated / scale) @ axes.T
    location = (np.median(sphered, axis=0) @ axes) * scale
    distances = (rotated - location) / scale
    squares = np.einsum("ij,ij->i", distances, distances)
    return np.sort(np.argsort(squares, kind="stable")[:h])
