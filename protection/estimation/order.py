"""Medians and order statistics of long samples without sorting them."""

from __future__ import annotations

import numpy as np

from protection.estimation.compiled import compiled
from protection.estimation.inputs import Array

#: makes the median absolute deviation consistent for Gaussian data: 1 / Phi^-1(3/4)
MAD_FACTOR = 1.482602218505602
_SHORT = 20_000
_PIVOTS = 4096


def middle_pair(x: Array, about: float | None = None) -> tuple[float, float]:
    """Order statistics (n - 1) // 2 and n // 2, whose mean is the median; equal for odd n.

    Parameters
    ----------
    x : finite observations, shape (n,)
    about : of the absolute deviations from this point instead
    """
    n = x.size
    low, high = (n - 1) // 2, n // 2
    if n >= _SHORT:
        # A regular sample of the data brackets the middle; only what lies between is selected
        # from. A sample that misleads is noticed by the counts and costs one full selection.
        pivots = np.sort(_deviations(x[:: n // _PIVOTS], about))
        centre, half = pivots.size // 2, int(2.5 * np.sqrt(pivots.size) / 2) + 1
        between = np.empty(n)
        below, inside = _between(
            x,
            about is not None,
            about or 0.0,
            pivots[centre - half],
            pivots[centre + half],
            between,
        )
        if below <= low and high < below + inside:
            return _select(between[:inside], low - below, high - below)
    return _select(_deviations(x, about), low, high)


def median(x: Array, about: float | None = None) -> float:
    """Median of a finite sample, or of its absolute deviations from a point."""
    low, high = middle_pair(x, about)
    return low + (high - low) / 2


def mad(x: Array, centre: float | None = None) -> float:
    """Median absolute deviation about ``centre`` (the median), times 1.4826."""
    return MAD_FACTOR * median(x, median(x) if centre is None else centre)


def _deviations(x: Array, about: float | None) -> Array:
    return x if about is None else np.abs(x - about)


def _select(x: Array, low: int, high: int) -> tuple[float, float]:
    ordered = np.partition(x, (low, high) if low != high else low)
    return float(ordered[low]), float(ordered[high])


def _between_twin(
    x: Array, folded: bool, about: float, lowest: float, highest: float, out: Array
) -> tuple[int, int]:
    """NumPy twin of :func:`_between`."""
    values = np.abs(x - about) if folded else x
    kept = values[(values >= lowest) & (values <= highest)]
    out[: kept.size] = kept
    return int((values < lowest).sum()), kept.size


@compiled(twin=_between_twin)
def _between(
    x: Array, folded: bool, about: float, lowest: float, highest: float, out: Array
) -> tuple[int, int]:
    """Copy what lies in [lowest, highest] to the front of ``out``; count it and what is below."""
    below, inside = 0, 0
    for i in range(x.size):
        value = abs(x[i] - about) if folded else x[i]
        # Without branches: every value is written, and the place advances when it belongs.
        out[inside] = value
        below += value < lowest
        inside += (value >= lowest) & (value <= highest)
    return below, inside
