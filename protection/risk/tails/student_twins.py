"""Plain NumPy form of the pass in :mod:`student_kernels`."""

from __future__ import annotations

from typing import Any

import numpy as np

Floats = Any


def student_pass(values: Floats, loc: float, scale: float, df: float) -> Floats:
    """Sums over the data behind the log-likelihood, its gradient and its Hessian.

    With z = (x - loc) / scale, r = 1 / (df + z^2) and w = (df + 1) r, the sums of log(1 + z^2/df),
    w z, w z^2, w (df - z^2) r, w z r, w z^2 r, z (z^2 - 1) r^2, z^2 (z^2 - 1) r^2 and z^2 r.
    """
    z = (values - loc) / scale
    square = z * z
    reach = 1.0 / (df + square)
    weight = (df + 1.0) * reach
    tilt = (square - 1.0) * reach**2
    return np.array(
        [
            np.log1p(square / df).sum(),
            (weight * z).sum(),
            (weight * square).sum(),
            (weight * (df - square) * reach).sum(),
            (weight * z * reach).sum(),
            (weight * square * reach).sum(),
            (z * tilt).sum(),
            (square * tilt).sum(),
            (square * reach).sum(),
        ]
    )
