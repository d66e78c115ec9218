"""Compiled pass of the Student-t likelihood; see :mod:`student_twins` for the plain form."""

from __future__ import annotations

from typing import Any

import numpy as np

from protection.contracts.compiled import jit

Floats = Any


@jit
def student_pass(values: Floats, loc: float, scale: float, df: float) -> Floats:
    """Sums over the data behind the log-likelihood, its gradient and its Hessian."""
    logs = weighted = squared = curve = mixed = spread = centre_df = scale_df = extra = 0.0
    inverse = 1.0 / scale
    # Terms are multiplied before each logarithm: the same sum, fewer logs.
    product = 1.0
    for t in range(values.size):
        z = (values[t] - loc) * inverse
        square = z * z
        reach = 1.0 / (df + square)
        weight = (df + 1.0) * reach
        product *= 1.0 + square / df
        if product > 1e200:
            logs += np.log(product)
            product = 1.0
        weighted += weight * z
        squared += weight * square
        curve += weight * (df - square) * reach
        mixed += weight * z * reach
        spread += weight * square * reach
        tilt = (square - 1.0) * reach * reach
        centre_df += z * tilt
        scale_df += square * tilt
        extra += square * reach
    logs += np.log(product)
    return np.array([logs, weighted, squared, curve, mixed, spread, centre_df, scale_df, extra])
