"""Compiled passes of the copula simulation; see :mod:`copula_twins` for the plain form."""

from __future__ import annotations

from typing import Any

import numpy as np

from protection.contracts.compiled import jit

Floats = Any


@jit
def margin_value(y: float, table: Floats, far: Floats, reach: float, far_reach: float) -> float:
    """Loss of one margin at a t variate: the inner table is even in y, the outer in log |y|."""
    if -reach < y < reach:
        place = (y + reach) * ((table.size - 1) / (2.0 * reach))
        cell = min(int(place), table.size - 2)
        return table[cell] + (place - cell) * (table[cell + 1] - table[cell])
    half = far.size // 2
    depth = np.log(abs(y) / reach) / np.log(far_reach / reach) * (half - 1)
    cell = min(int(depth), half - 2)
    start = 0 if y < 0.0 else half
    share = min(depth - cell, 1.0)
    return far[start + cell] + share * (far[start + cell + 1] - far[start + cell])


@jit
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
    rows, columns = normals.shape
    inner = (tables.shape[1] - 1) / (2.0 * reach)
    last = tables.shape[1] - 2
    for t in range(rows):
        total = 0.0
        scale = mixing[t]
        for i in range(columns):
            y = normals[t, i] * scale
            if -reach < y < reach:
                place = (y + reach) * inner
                cell = min(int(place), last)
                low = tables[i, cell]
                value = low + (place - cell) * (tables[i, cell + 1] - low)
            else:
                value = margin_value(y, tables[i], fars[i], reach, far_reach)
            total += exposures[i] * value
        losses[t] = total


@jit
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
    rows, columns = normals.shape
    for t in range(rows):
        for i in range(columns):
            y = normals[t, i] * mixing[t]
            parts[t, i] = exposures[i] * margin_value(y, tables[i], fars[i], reach, far_reach)
