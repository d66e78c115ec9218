"""Qn, the robust scale of Rousseeuw and Croux (1993)."""

from __future__ import annotations

from typing import Any

import numpy as np

from protection.contracts.errors import FixInput
from protection.estimation.inputs import Array, as_table
from protection.estimation.pairwise import kth_difference

#: consistency for Gaussian data, as rounded by the reference (robustbase); exactly 2.2191444660
QN_FACTOR = 2.21914
# Finite-sample factors for n = 2 .. 12 (Croux and Rousseeuw 1992, refined in robustbase).
_SMALL = (
    0.399356, 0.99365, 0.51321, 0.84401, 0.61220, 0.85877, 0.66993, 0.87344, 0.72014, 0.88906,
    0.75743,
)  # fmt: skip


def qn_scale(X: Any) -> Array:
    """Qn of every column: half of the rows cannot carry it away, at 82% Gaussian efficiency.

    2.21914 d_n times the k-th smallest |x_i - x_j|, i < j, with k = h (h - 1) / 2 and
    h = n // 2 + 1; d_n makes it unbiased for Gaussian samples of size n.

    Parameters
    ----------
    X : finite observations in rows, shape (n, p), n >= 2

    Returns
    -------
    array of shape (p,); 0 for a column of which more than about half is one value

    Raises
    ------
    FixInput
        When X is not finite or has fewer than two rows.
    """
    table = as_table(X)
    if table.shape[0] < 2:
        raise FixInput(f"expected X with at least 2 rows, was {table.shape[0]}")
    return qn_rows(columns_of(table))


def columns_of(X: Array) -> Array:
    """Columns of X as rows of a new array, to be sorted in place."""
    return np.array(X.T, order="C", copy=True)


def qn_rows(rows: Array) -> Array:
    """Qn of every row, shape (m,); the rows (m, n), n >= 2, are finite and are sorted in place."""
    n = rows.shape[1]
    half = n // 2 + 1
    rows.sort(axis=1)
    out = np.empty(rows.shape[0])
    kth_difference(rows, half * (half - 1) // 2, out)
    out *= qn_factor(n)
    return out


def qn_factor(n: int) -> float:
    """What the order statistic of n observations is multiplied by."""
    if n <= 12:
        return QN_FACTOR * _SMALL[n - 2]
    if n % 2:
        finite = 1.60188 + (-2.1284 - 5.172 / n) / n
    else:
        finite = 3.67561 + (1.9654 + (6.987 - 77 / n) / n) / n
    return QN_FACTOR / (finite / n + 1)
