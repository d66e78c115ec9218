"""Geometric median: the point with the least sum of distances to the observations."""

from __future__ import annotations

from typing import Any

import numpy as np

from protection.contracts.errors import FixInput
from protection.estimation.inputs import Array, as_table
from protection.estimation.order import mad, median

_TOLERANCE = 1e-10
_STEPS = 500


def geometric_median(X: Any, *, standardize: bool = False) -> Array:
    """Minimiser of sum ||x_i - m||, which half of the observations cannot carry away.

    Weiszfeld's iteration with the step of Vardi and Zhang (2000), which does not stall on an
    observation, and Newton's step wherever that comes out lower. It stops when the point moves by
    less than 1e-10 of the typical distance, or at an observation that is the minimiser.

    It turns with the observations when they are turned and shifted, and grows with them when all
    columns are scaled alike, but not when columns are scaled differently: pass columns of like
    size, or ``standardize=True``.

    Parameters
    ----------
    X : finite observations in rows, shape (n, p)
    standardize : divide every column by its MAD first, and multiply the answer; columns whose MAD
        is 0 are left as they are

    Returns
    -------
    array of shape (p,). Observations on one line have the median along that line: for n = 2 the
    middle, for p = 1 the median.

    Raises
    ------
    FixInput
        When X is empty or not finite.
    """
    table = as_table(X)
    if standardize:
        scale = np.array([mad(np.ascontiguousarray(column)) for column in table.T])
        scale[scale == 0] = 1.0
        return _solve(table / scale) * scale
    return _solve(table)


def _solve(table: Array) -> Array:
    start = np.median(table, axis=0)
    with np.errstate(over="ignore"):
        centred = table - start
    size = float(np.abs(centred).max())
    if size == 0:
        return start
    if not np.isfinite(size):
        raise FixInput("expected X whose differences are finite, was too large; divide it first")
    centred /= size
    found = _on_a_line(centred)
    return start + size * (_minimise(centred) if found is None else found)


def _on_a_line(points: Array) -> Array | None:
    """Return the median of points on one line, where the minimiser need not be unique."""
    first = points[0]
    away = points - first
    lengths = np.einsum("ij,ij->i", away, away)
    direction = away[int(lengths.argmax())] / np.sqrt(lengths.max())
    along = away @ direction
    if np.abs(away - along[:, None] * direction).max() > 1e-13:
        return None
    return np.asarray(first + median(along) * direction)


def _minimise(points: Array) -> Array:
    n, p = points.shape
    y = np.zeros(p)
    tried: set[int] = set()
    for step in range(_STEPS):
        away = points - y
        distances = np.sqrt(np.einsum("ij,ij->i", away, away))
        nearest = int(distances.argmin())
        # The minimiser may be an observation, and then no smooth step arrives at it.
        if nearest not in tried and (step > 2 or distances[nearest] == 0):
            tried.add(nearest)
            if _is_minimiser(points, nearest):
                return np.array(points[nearest])
        if distances[nearest] == 0:
            y = _leave(points, y, distances)
            continue
        inverse = 1.0 / distances
        value = distances.sum()
        following = inverse @ points / inverse.sum()
        if p <= n:
            unit = away * inverse[:, None]
            hessian = inverse.sum() * np.eye(p) - (unit * inverse[:, None]).T @ unit
            try:
                newton = y + np.linalg.solve(hessian, unit.sum(axis=0))
            except np.linalg.LinAlgError:
                newton = following
            if _total(points, newton) < min(value, _total(points, following)):
                following = newton
        moved = float(np.linalg.norm(following - y))
        y = following
        if moved <= _TOLERANCE * value / n and nearest in tried:
            break
    return y


def _is_minimiser(points: Array, k: int) -> bool:
    pull, multiplicity, _ = _pull(points, points[k])
    return float(np.linalg.norm(pull)) <= multiplicity


def _pull(points: Array, y: Array) -> tuple[Array, int, float]:
    """Sum of unit vectors from y to the other points, how many lie on y, and sum 1 / distance."""
    away = points - y
    distances = np.sqrt(np.einsum("ij,ij->i", away, away))
    others = distances > 0
    inverse = 1.0 / distances[others]
    return inverse @ away[others], int((~others).sum()), float(inverse.sum())


def _leave(points: Array, y: Array, distances: Array) -> Array:
    """Vardi and Zhang's step away from an observation that is not the minimiser."""
    pull, multiplicity, weight = _pull(points, y)
    return np.asarray(y + (1 - multiplicity / float(np.linalg.norm(pull))) * pull / weight)


def _total(points: Array, y: Array) -> float:
    away = points - y
    return float(np.sqrt(np.einsum("ij,ij->i", away, away)).sum())
