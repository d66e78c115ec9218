"""Sample moments in the order of operations of MathNet, the library LEAN uses.

Inputs are sequences of floats; too few samples give NaN, as there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

_NORMAL = NormalDist()


def mean(values: Sequence[float]) -> float:
    """Running mean; NaN for no values."""
    result = 0.0
    count = 0
    for value in values:
        count += 1
        result += (value - result) / count
    return result if count else math.nan


def plain_average(values: Sequence[float]) -> float:
    """Sum over count, as LINQ's ``Average``."""
    total = 0.0
    for value in values:
        total += value
    return total / len(values)


def variance(values: Sequence[float]) -> float:
    """Unbiased sample variance; NaN under two values."""
    total = 0.0
    result = 0.0
    count = 0
    for value in values:
        count += 1
        total += value
        if count > 1:
            difference = count * value - total
            result += difference * difference / (count * (count - 1))
    return result / (count - 1) if count > 1 else math.nan


def standard_deviation(values: Sequence[float]) -> float:
    """Unbiased sample standard deviation."""
    return math.sqrt(variance(values))


def covariance(first: Sequence[float], second: Sequence[float]) -> float:
    """Unbiased sample covariance of two sequences of one length; NaN under two values.

    Raises
    ------
    ValueError
        If the lengths differ.
    """
    if len(first) != len(second):
        raise ValueError(
            f"expected sequences of one length, were {len(first)} and {len(second)} values"
        )
    mean_first = mean_second = moment = 0.0
    count = 0
    for one, other in zip(first, second, strict=True):
        count += 1
        previous = mean_second
        mean_first += (one - mean_first) / count
        mean_second += (other - mean_second) / count
        moment += (one - mean_first) * (other - previous)
    return moment / (count - 1) if count > 1 else math.nan


def skewness_and_kurtosis(values: Sequence[float]) -> tuple[float, float]:
    """Unbiased skewness (three values at least) and excess kurtosis (four)."""
    m1 = m2 = m3 = m4 = 0.0
    n = 0
    for value in values:
        n += 1
        delta = value - m1
        scaled = delta / n
        squared = scaled * scaled
        weighted = delta * (n - 1)
        m1 += scaled
        m4 += weighted * scaled * squared * (n * n - 3 * n + 3) + 6 * squared * m2 - 4 * scaled * m3
        m3 += weighted * squared * (n - 2) - 3 * scaled * m2
        m2 += weighted * scaled
    if m2 == 0:
        return math.nan, math.nan
    skewness = (
        (n * m3 * math.sqrt(m2 / (n - 1)) / (m2 * m2 * (n - 2))) * (n - 1) if n >= 3 else math.nan
    )
    kurtosis = (
        (n * n - 1.0) / ((n - 2) * (n - 3)) * (n * m4 / (m2 * m2) - 3 + 6.0 / (n + 1))
        if n >= 4
        else math.nan
    )
    return skewness, kurtosis


def normal_cdf(value: float) -> float:
    """Standard normal distribution function."""
    return 0.5 * math.erfc(-value / math.sqrt(2.0))


def normal_quantile(location: float, scale: float, probability: float) -> float:
    """Quantile of a normal distribution; its location where the scale is zero."""
    if scale == 0:
        return location
    return location + scale * _NORMAL.inv_cdf(probability)
