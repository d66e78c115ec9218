"""Compiled pass of the generalised Pareto likelihood; see :mod:`gpd_twins` for the plain form."""

from __future__ import annotations

from typing import Any

import numpy as np

from protection.contracts.compiled import jit

Floats = Any


@jit
def gpd_pass(
    excesses: Floats, shape: float, log_scale: float
) -> tuple[float, float, float, float, float, float]:
    """Log-likelihood, its gradient and its Hessian in (shape, log scale)."""
    count = excesses.size
    inverse = np.exp(-log_scale)
    logs = first = second = both = curve = mixed = 0.0
    if abs(shape) > 1e-4:
        # The product of eight terms is taken before each logarithm: the same sum, fewer logs.
        product = 1.0
        for t in range(count):
            z = excesses[t] * inverse
            w = 1.0 + shape * z
            if w <= 0.0:
                return -np.inf, 0.0, 0.0, 0.0, 0.0, 0.0
            product *= w
            if product > 1e30 or product < 1e-30:
                logs += np.log(product)
                product = 1.0
            ratio = z / w
            first += ratio
            second += ratio * ratio
            both += ratio / w
        logs += np.log(product)
        one = 1.0 + 1.0 / shape
        value = -count * log_scale - one * logs
        slope = logs / shape**2 - one * first
        curve = -2.0 * logs / shape**3 + 2.0 * first / shape**2 + one * second
    else:
        value = -count * log_scale
        slope = 0.0
        for t in range(count):
            z = excesses[t] * inverse
            w = 1.0 + shape * z
            if w <= 0.0:
                return -np.inf, 0.0, 0.0, 0.0, 0.0, 0.0
            value -= z + shape * (z - 0.5 * z * z)
            slope += 0.5 * z * z - z + shape * (z * z - 2.0 / 3.0 * z**3)
            curve += z * z - 2.0 / 3.0 * z**3
            ratio = z / w
            first += ratio
            second += ratio * ratio
            both += ratio / w
    mixed = first - (1.0 + shape) * second
    return (
        value,
        slope,
        (1.0 + shape) * first - count,
        curve,
        mixed,
        -(1.0 + shape) * both,
    )
