"""Plain NumPy form of the pass in :mod:`gpd_kernels`."""

from __future__ import annotations

from typing import Any

import numpy as np

Floats = Any


def gpd_pass(
    excesses: Floats, shape: float, log_scale: float
) -> tuple[float, float, float, float, float, float]:
    """Log-likelihood, its gradient and its Hessian in (shape, log scale).

    With z = y / scale and w = 1 + shape z the log density is -log scale - (1 + 1/shape) log w; near
    shape 0 its expansion is used.
    """
    z = excesses * np.exp(-log_scale)
    w = 1.0 + shape * z
    if (w <= 0.0).any():
        return -np.inf, 0.0, 0.0, 0.0, 0.0, 0.0
    count = excesses.size
    ratio = z / w
    first, second, both = ratio.sum(), (ratio**2).sum(), (ratio / w).sum()
    if abs(shape) > 1e-4:
        logs = np.log(w).sum()
        one = 1.0 + 1.0 / shape
        value = -count * log_scale - one * logs
        slope = logs / shape**2 - one * first
        curve = -2.0 * logs / shape**3 + 2.0 * first / shape**2 + one * second
    else:
        cubic = z**2 - 2.0 / 3.0 * z**3
        value = -count * log_scale - (z + shape * (z - 0.5 * z**2)).sum()
        slope = (0.5 * z**2 - z + shape * cubic).sum()
        curve = cubic.sum()
    return (
        float(value),
        float(slope),
        float((1.0 + shape) * first - count),
        float(curve),
        float(first - (1.0 + shape) * second),
        float(-(1.0 + shape) * both),
    )
