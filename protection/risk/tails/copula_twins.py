"""Plain NumPy form of the passes in :mod:`copula_kernels`."""

from __future__ import annotations

from typing import Any

import numpy as np

Floats = Any


def scenario_parts(
    normals: Floats,
    mixing: Floats,
    tables: Floats,
    fars: Floats,
    reach: float,
    far_reach: float,
    exposures: Floats,
    parts: Floats,
) -> None:
    """Loss of each position in each row of correlated normals, into ``parts``."""
    half = fars.shape[1] // 2
    inner = np.linspace(-reach, reach, tables.shape[1])
    outer = np.linspace(np.log(reach), np.log(far_reach), half)
    for i in range(normals.shape[1]):
        y = normals[:, i] * mixing
        depth = np.log(np.maximum(np.abs(y), reach))
        below = np.interp(depth, outer, fars[i, :half])
        above = np.interp(depth, outer, fars[i, half:])
        far = np.where(y < 0.0, below, above)
        near = np.abs(y) < reach
        parts[:, i] = exposures[i] * np.where(near, np.interp(y, inner, tables[i]), far)


def scenario_losses(
    normals: Floats,
    mixing: Floats,
    tables: Floats,
    fars: Floats,
    reach: float,
    far_reach: float,
    exposures: Floats,
    losses: Floats,
) -> None:
    """Loss of a linear book in each row of correlated normals, into ``losses``."""
    parts = np.empty(normals.shape)
    scenario_parts(normals, mixing, tables, fars, reach, far_reach, exposures, parts)
    losses[:] = parts.sum(axis=1)
