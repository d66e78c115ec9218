"""Quadratic programs: the dual active-set method of Goldfarb and Idnani (1983)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
_TINY = 1e-12


def minimize(
    matrix: Vector, equal: Vector, equal_to: Vector, at_least: Vector, bounds: Vector
) -> Vector | None:
    """Minimise ``x' G x / 2`` where ``E x = e`` and ``A x >= b``.

    Parameters
    ----------
    matrix : (n, n) array
        G, positive definite.
    equal, equal_to : (p, n) and (p,) arrays
        E and e.
    at_least, bounds : (m, n) and (m,) arrays
        A and b.

    Returns
    -------
    (n,) array, or None when G is not positive definite or nothing satisfies the constraints.
    """
    size = len(matrix)
    try:
        np.linalg.cholesky(matrix)
        inverse = np.linalg.inv(matrix)
    except np.linalg.LinAlgError:
        return None
    normals = np.vstack((equal.reshape(-1, size), at_least.reshape(-1, size)))
    limits = np.concatenate((equal_to, bounds))
    equalities = len(equal_to)
    x = np.zeros(size)
    active: list[int] = []
    signs: list[float] = []
    duals: list[float] = []
    for _ in range(50 * (len(limits) + 1)):
        chosen = _violated(normals @ x - limits, equalities, active)
        if chosen is None:
            return x
        slack = float(normals[chosen] @ x - limits[chosen])
        sign = -1.0 if slack > 0 else 1.0
        dual = 0.0
        while True:
            normal = sign * normals[chosen]
            held = np.array([s * normals[i] for i, s in zip(active, signs, strict=True)])
            step, response = _directions(inverse, held, normal)
            free = [
                (duals[k] / response[k], k)
                for k, i in enumerate(active)
                if i >= equalities and response[k] > _TINY
            ]
            partial, dropped = min(free, default=(np.inf, -1))
            curvature = float(step @ normal)
            missing = -sign * float(normals[chosen] @ x - limits[chosen])
            full = missing / curvature if curvature > _TINY else np.inf
            length = min(partial, full)
            if not np.isfinite(length):
                return None
            duals = [u - length * r for u, r in zip(duals, response, strict=True)]
            dual += length
            if np.isfinite(full):
                x = x + length * step
            if length == full:
                active.append(chosen)
                signs.append(sign)
                duals.append(dual)
                break
            for values in (active, signs, duals):
                del values[dropped]
    return None


def _violated(slack: Vector, equalities: int, active: list[int]) -> int | None:
    """Return an equality that is not active yet, else the inequality that is broken most."""
    for index in range(equalities):
        if index not in active:
            return index
    worst, found = -1e-10, None
    for index in range(equalities, len(slack)):
        if index not in active and slack[index] < worst:
            worst, found = float(slack[index]), index
    return found


def _directions(inverse: Vector, held: Vector, normal: Vector) -> tuple[Vector, Vector]:
    """Return the step in x, and how the multipliers of the active constraints answer to it."""
    if not len(held):
        return inverse @ normal, np.zeros(0)
    projected = held @ inverse
    response = np.linalg.lstsq(projected @ held.T, projected @ normal, rcond=None)[0]
    return inverse @ (normal - held.T @ response), response
