"""What a sample must be before it is estimated from, and the sentence when it is not."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from protection.contracts.errors import FixInput

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


def as_sample(x: Any, name: str = "x") -> Array:
    """One finite number per observation, as a contiguous array of shape (n,), n >= 1.

    Raises
    ------
    FixInput
        When it is empty, has another shape, or holds NaN or infinity.
    """
    array = _numbers(x, name)
    if array.ndim != 1 or array.size == 0:
        raise FixInput(f"expected {name} of shape (n,) with n >= 1, was {array.shape}")
    _all_finite(array, name)
    return array


def as_table(X: Any, name: str = "X") -> Array:
    """Finite observations in rows, as a C-contiguous array of shape (n, p), n >= 1, p >= 1.

    Raises
    ------
    FixInput
        When it is empty, has another shape, or holds NaN or infinity.
    """
    array = _numbers(X, name)
    if array.ndim != 2 or array.size == 0:
        raise FixInput(
            f"expected {name} of shape (n, p) with n, p >= 1, was {array.shape}; "
            "one variable is a table with one column: x[:, None]"
        )
    _all_finite(array, name)
    return array


def as_frame(location: Any, covariance: Any) -> tuple[Array, Array, Array]:
    """Location (p,), covariance (p, p) and its lower Cholesky factor (p, p).

    Raises
    ------
    FixInput
        When the shapes do not match, a number is not finite, or the covariance is not symmetric
        and positive definite.
    """
    centre = as_sample(np.atleast_1d(np.asarray(location, dtype=np.float64)), "location")
    scatter = _numbers(np.atleast_2d(np.asarray(covariance, dtype=np.float64)), "covariance")
    p = centre.size
    if scatter.shape != (p, p):
        raise FixInput(f"expected covariance of shape ({p}, {p}), was {scatter.shape}")
    _all_finite(scatter, "covariance")
    size = np.sqrt(np.abs(np.diag(scatter)))
    if (np.abs(scatter - scatter.T) > 1e-8 * np.outer(size, size) + 1e-300).any():
        raise FixInput("expected covariance symmetric, was not")
    scatter = (scatter + scatter.T) / 2
    try:
        factor = np.linalg.cholesky(scatter)
    except np.linalg.LinAlgError:
        lowest = float(np.linalg.eigvalsh(scatter)[0])
        raise FixInput(
            f"expected covariance positive definite, was with smallest eigenvalue {lowest:g}; "
            "drop constant or duplicate columns, or take the covariance of mrcd()"
        ) from None
    return centre, scatter, np.ascontiguousarray(factor)


def _numbers(value: Any, name: str) -> Array:
    try:
        array = np.ascontiguousarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise FixInput(f"expected {name} of numbers, was not: {error}") from error
    # ascontiguousarray makes a scalar (1,)
    return array if np.ndim(value) else array.reshape(())


def _all_finite(array: Array, name: str) -> None:
    # A finite sum proves finite terms, in one pass without a mask; an overflow is looked at again.
    with np.errstate(over="ignore", invalid="ignore"):
        total = array.sum()
    if not np.isfinite(total) and not np.isfinite(array).all():
        bad = np.argwhere(~np.isfinite(array))
        where = ", ".join(str(int(i)) for i in bad[0])
        raise FixInput(
            f"expected {name} finite, was {array[tuple(bad[0])]} at [{where}] "
            f"({len(bad)} of {array.size} values); reject or drop such observations first"
        )
