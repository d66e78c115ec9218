"""Concentration steps: from h rows to the h rows nearest to their mean in their own scatter.

The scatter is regularised, K = rho I + (1 - rho) c S_H, and never formed when there are more
columns than rows: then all that is asked follows from the inner products of the rows
(Sherman-Morrison-Woodbury).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.linalg import cholesky, eigvalsh, solve_triangular

from protection.estimation.inputs import Array, Indices
from protection.estimation.whitening import whiten

_MOST_STEPS = 200


class Rows(Protocol):
    """Standardised rows, as the steps ask about them."""

    def spectrum(self, chosen: Indices) -> tuple[float, float]:
        """Smallest and largest eigenvalue of the chosen rows' covariance (divisor h - 1)."""

    def step(self, chosen: Indices, rho: float, consistency: float) -> tuple[Array, float]:
        """Squared distances of all rows in K, and log det K (divisor h)."""


class TallRows:
    """At least as many rows as columns: K itself is factored.

    Parameters
    ----------
    Z : shape (n, p)
    """

    def __init__(self, Z: Array) -> None:
        self._rows = Z

    def _scatter(self, chosen: Indices) -> tuple[Array, Array]:
        rows = self._rows[chosen]
        mean = rows.mean(axis=0)
        rows -= mean
        return mean, rows.T @ rows

    def spectrum(self, chosen: Indices) -> tuple[float, float]:
        _, scatter = self._scatter(chosen)
        values = eigvalsh(scatter, check_finite=False) / (chosen.size - 1)
        # With h <= p the smallest one is 0, whatever rounding makes of it.
        smallest = 0.0 if chosen.size <= scatter.shape[0] else max(0.0, float(values[0]))
        return smallest, float(values[-1])

    def step(self, chosen: Indices, rho: float, consistency: float) -> tuple[Array, float]:
        mean, scatter = self._scatter(chosen)
        scatter *= (1 - rho) * consistency / chosen.size
        scatter[np.diag_indices_from(scatter)] += rho
        factor = cholesky(scatter, lower=True, check_finite=False)
        z = whiten(self._rows - mean, factor)
        return np.einsum("ij,ij->i", z, z), 2 * float(np.log(np.diag(factor)).sum())


class WideRows:
    """More columns than rows: everything from the inner products of the rows.

    Parameters
    ----------
    Z : shape (n, p)
    """

    def __init__(self, Z: Array) -> None:
        self._width = Z.shape[1]
        self._products = Z @ Z.T

    def _centred(self, chosen: Indices) -> tuple[Array, Array]:
        """Y w for all rows (h, n) and ||w||^2 (n,), both about the mean of the chosen rows."""
        few = self._products[chosen]
        mean = few.mean(axis=0)  # <m, z_j>
        grand = float(mean[chosen].mean())  # <m, m>
        few = few - mean - (mean[chosen] - grand)[:, None]
        return few, np.diag(self._products) - 2 * mean + grand

    def spectrum(self, chosen: Indices) -> tuple[float, float]:
        few, _ = self._centred(chosen)
        h = chosen.size
        largest = eigvalsh(few[:, chosen], subset_by_index=[h - 1, h - 1], check_finite=False)
        return 0.0, float(largest[0]) / (h - 1)

    def step(self, chosen: Indices, rho: float, consistency: float) -> tuple[Array, float]:
        few, norms = self._centred(chosen)
        h = chosen.size
        ridge = rho * h / ((1 - rho) * consistency)
        inner = few[:, chosen]
        inner[np.diag_indices(h)] += ridge
        factor = cholesky(inner, lower=True, check_finite=False)
        g = solve_triangular(factor, few, lower=True, check_finite=False)
        squares = (norms - np.einsum("ij,ij->j", g, g)) / rho
        log_det = 2 * float(np.log(np.diag(factor)).sum()) - h * math.log(ridge)
        return squares, log_det + self._width * math.log(rho)


@dataclass(frozen=True, slots=True)
class Concentrated:
    """Where the steps from one start ended.

    Attributes
    ----------
    chosen : the h rows, ascending
    log_det : of K, with divisor h
    steps : number of steps that changed the rows
    """

    chosen: Indices
    log_det: float
    steps: int


def concentrate(
    rows: Rows,
    begin: Indices,
    rho: float,
    consistency: float,
    visited: dict[bytes, Concentrated],
) -> Concentrated:
    """Repeat steps until the rows stay, or 200 times.

    Parameters
    ----------
    visited : where earlier starts with the same rho came along, and where they ended; added to
    """
    chosen, log_det, steps = begin, math.nan, 0
    trail: list[bytes] = []
    for steps in range(_MOST_STEPS):
        key = chosen.tobytes()
        if key in visited:
            known = visited[key]
            end = Concentrated(known.chosen, known.log_det, steps + known.steps)
            break
        trail.append(key)
        squares, log_det = rows.step(chosen, rho, consistency)
        following = nearest(squares, chosen.size)
        if np.array_equal(following, chosen):
            end = Concentrated(chosen, log_det, steps)
            break
        chosen = following
    else:
        end = Concentrated(chosen, log_det, steps)
    for passed, key in enumerate(trail):
        visited.setdefault(key, Concentrated(end.chosen, end.log_det, end.steps - passed))
    return end


def nearest(squares: Array, h: int) -> Indices:
    """Indices of the h smallest, ascending; of equal ones the first."""
    limit = np.partition(squares, h - 1)[h - 1]
    kept = squares < limit
    ties = np.flatnonzero(squares == limit)
    kept[ties[: h - int(kept.sum())]] = True
    return np.flatnonzero(kept)


def smallest_rho(smallest: float, largest: float, consistency: float, maxcond: float) -> float:
    """Least regularisation with which the condition number of K is at most ``maxcond``.

    (rho + (1 - rho) c l_max) / (rho + (1 - rho) c l_min) = maxcond, solved; between 1e-5 and
    1 - 1e-6, and 1e-6 where none is needed.
    """
    excess = consistency * (largest - maxcond * smallest)
    if excess <= 0:
        return 1e-6
    rho = excess / (maxcond - 1 + excess)
    return 1e-6 if rho < 1e-5 else min(rho, 1 - 1e-6)
