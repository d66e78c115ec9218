"""Rows in units of a frame: z = L^-1 x for every row x, L lower triangular."""

from __future__ import annotations

import numpy as np
from scipy.linalg import solve_triangular

from protection.estimation.compiled import compiled
from protection.estimation.inputs import Array

_NARROW = 32


def whiten(rows: Array, factor: Array) -> Array:
    """Solve L z = x for every row.

    Parameters
    ----------
    rows : shape (n, p)
    factor : L, shape (p, p), lower triangular with a positive diagonal

    Returns
    -------
    array of shape (n, p)
    """
    if factor.shape[0] > _NARROW:
        return whiten_twin(rows, factor)
    # A threaded library spends milliseconds on waking its threads for a few columns.
    out = np.ascontiguousarray(rows).copy()
    _substitute(out, np.ascontiguousarray(factor.T))
    return out


def whiten_twin(rows: Array, factor: Array) -> Array:
    """Twin of :func:`whiten` by LAPACK."""
    return np.asarray(solve_triangular(factor, rows.T, lower=True, check_finite=False).T)


def _substitute_twin(rows: Array, columns: Array) -> None:
    """NumPy twin of :func:`_substitute`."""
    for k in range(rows.shape[1]):
        rows[:, k] /= columns[k, k]
        rows[:, k + 1 :] -= rows[:, k : k + 1] * columns[k, k + 1 :]


@compiled(twin=_substitute_twin)
def _substitute(rows: Array, columns: Array) -> None:
    """Forward substitution in place; ``columns`` is L'."""
    n, p = rows.shape
    for i in range(n):
        for k in range(p):
            value = rows[i, k] / columns[k, k]
            rows[i, k] = value
            for j in range(k + 1, p):
                rows[i, j] -= columns[k, j] * value
