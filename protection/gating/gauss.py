"""How far one Gaussian model lies from another: drift, spectrum and divergence."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protection.contracts.errors import FixInput

Array = NDArray[np.float64]


def factor(covariance: Array, name: str = "covariance") -> Array:
    """Lower Cholesky factor.

    Raises
    ------
    FixInput
        When the matrix is not positive definite.
    """
    if not np.isfinite(covariance).all():
        raise FixInput(f"expected {name} finite, was not")
    try:
        lower: Array = np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError as error:
        raise FixInput(
            f"expected {name} positive definite, was not; drop constant or collinear columns"
        ) from error
    diagonal = np.diag(lower)
    if diagonal.min() ** 2 <= 1e-13 * float(np.diag(covariance).max()):
        raise FixInput(f"expected {name} of full rank, was not; drop constant or collinear columns")
    return lower


def compare(
    candidate_mean: Any, candidate_cov: Any, anchor_mean: Any, anchor_cov: Any
) -> tuple[float, Array, float]:
    """Drift, generalised eigenvalues and divergence of a candidate from an anchor.

    ``drift^2 = d' R^-1 d`` with the difference of the means ``d`` and the anchor's covariance
    ``R``; eigenvalues of ``A v = lambda R v``, ascending; and in nats ``KL(candidate || anchor) =
    (sum(lambda - 1 - log lambda) + drift^2) / 2``, infinite where an eigenvalue is 0.

    Raises
    ------
    FixInput
        When the anchor's covariance is not positive definite.
    """
    mean = np.asarray(candidate_mean, dtype=float) - np.asarray(anchor_mean, dtype=float)
    lower = factor(np.asarray(anchor_cov, dtype=float), "the anchor's covariance")
    covariance = np.asarray(candidate_cov, dtype=float)
    drift = np.linalg.solve(lower, mean)
    half = np.linalg.solve(lower, covariance)
    white = np.linalg.solve(lower, half.T)
    values: Array = np.linalg.eigvalsh((white + white.T) / 2.0)
    values[np.abs(values) < 1e-12 * max(1.0, float(values[-1]))] = 0.0  # rounding, not variance
    square = float(drift @ drift)
    return math.sqrt(square), values, divergence(values, square)


def divergence(values: Array, drift_square: float) -> float:
    """Kullback-Leibler divergence in nats from the eigenvalues and the squared drift."""
    if values.min() <= 0.0:
        return math.inf
    return 0.5 * (float((values - 1.0 - np.log(values)).sum()) + drift_square)


def noise_of(p: int, candidate_rows: float, anchor_rows: float) -> float:
    """Divergence that independent Gaussian rows of one law show on average, to first order.

    ``(p + p (p + 1) / 2) / (2 n)`` with ``1/n = 1/n_A + 1/n_R``.
    """
    return (p + p * (p + 1) / 2.0) / 2.0 * (1.0 / candidate_rows + 1.0 / anchor_rows)
