"""Influence clipping: an observation beyond a Mahalanobis radius is pulled back onto it."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from protection.contracts.errors import FixInput
from protection.estimation.inputs import Array, as_frame, as_table
from protection.estimation.whitening import whiten

#: what the default radius leaves outside, of Gaussian observations
TAIL = 0.025


def clip_radius(p: int, *, tail: float = TAIL) -> float:
    """Radius beyond which a share ``tail`` of p-variate Gaussian observations lies.

    sqrt(chi2.isf(tail, p)): 2.24, 2.72, 3.06, 3.58, 4.53, 5.85 for p = 1, 2, 3, 5, 10, 20. A fixed
    radius means something else in every dimension: P(d > 3) is 0.0027 for p = 1 and 0.98 for
    p = 20. "3 sigma" in the sense of one variable is ``tail=0.0027``.

    Raises
    ------
    FixInput
        When p < 1 or the tail is outside (0, 1).
    """
    if p < 1:
        raise FixInput(f"expected p at least 1, was {p}")
    if not 0 < tail < 1:
        raise FixInput(f"expected tail in (0, 1), was {tail}")
    return float(np.sqrt(special.chdtri(p, tail)))


def clipping_factor(p: int, radius: float) -> float:
    """What clipping leaves of a Gaussian covariance: divide by it to be consistent.

    [p F_{p+2}(r^2) + r^2 (1 - F_p(r^2))] / p, with F_k the chi-square distribution: 0.995 for
    p = 1 and 0.449 for p = 20 at r = 3; 1 without clipping.
    """
    if p < 1:
        raise FixInput(f"expected p at least 1, was {p}")
    if not 0 < radius <= np.inf:
        raise FixInput(f"expected radius above 0, was {radius}")
    if radius == np.inf:
        return 1.0
    square = radius**2
    inside = special.chdtr(p + 2, square)
    return float(inside + square * special.chdtrc(p, square) / p)


def mahalanobis(X: Any, location: Any, covariance: Any) -> Array:
    """Mahalanobis distances d of the rows of X (n, p); not squared, shape (n,).

    Raises
    ------
    FixInput
        See :func:`clip_influence`.
    """
    table, centre, factor = _prepare(X, location, covariance)
    scale, z = _whiten(table, centre, factor)
    return scale * np.sqrt(np.einsum("ij,ij->i", z, z))


def clip_influence(X: Any, location: Any, covariance: Any, radius: float | None = None) -> Array:
    """Rows of X, each pulled towards the location until it is within the radius.

    y = mu0 + (x - mu0) min(1, r / d(x)), d the Mahalanobis distance in (mu0, Sigma0). The mean of
    the clipped rows moves by no more than 2 r m / n when m of n rows are replaced, whatever they
    are (:func:`~protection.estimation.clipping_bound`), as long as location and covariance were
    fixed before. The covariance of the clipped rows is too small by
    :func:`clipping_factor`.

    Parameters
    ----------
    X : observations in rows, shape (n, p)
    location, covariance : the frame, shapes (p,) and (p, p); robust, and not from these rows
    radius : in units of the frame; None is :func:`clip_radius`, the chi-square radius whose tail
        is 2.5%. ``numpy.inf`` leaves all rows as they are

    Returns
    -------
    array of shape (n, p); rows within the radius are returned unchanged

    Raises
    ------
    FixInput
        When X holds NaN or infinity, shapes do not match, the covariance is not positive definite
        or the radius is not above 0.
    """
    table, centre, factor = _prepare(X, location, covariance)
    r = clip_radius(table.shape[1]) if radius is None else float(radius)
    if not r > 0:
        raise FixInput(f"expected radius above 0, was {radius}")
    scale, z = _whiten(table, centre, factor)
    length = np.sqrt(np.einsum("ij,ij->i", z, z))
    clipped = table.copy()
    # d = scale * length, compared without the product, which may overflow
    far = length > r / scale
    if far.any():
        clipped[far] = centre + (r / length[far])[:, None] * (z[far] @ factor.T)
    return clipped


def _prepare(X: Any, location: Any, covariance: Any) -> tuple[Array, Array, Array]:
    table = as_table(X)
    centre, _, factor = as_frame(location, covariance)
    if table.shape[1] != centre.size:
        raise FixInput(
            f"expected X with {centre.size} columns, as the location, was {table.shape[1]}"
        )
    return table, centre, factor


def _whiten(table: Array, centre: Array, factor: Array) -> tuple[Array, Array]:
    """Return scales (n,) and z (n, p) with L^-1 (x - mu0) = scale * z, free of overflow."""
    largest = np.maximum(np.abs(table).max(axis=1), np.abs(centre).max())
    scale = np.where(largest > 1e100, largest, 1.0)
    z = table / scale[:, None] - centre / scale[:, None]
    return scale, whiten(z, factor)
