"""Sample moments against NumPy and SciPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from engine.statistics import samples

RETURNS = np.random.default_rng(7).standard_t(4, 300) / 100
OTHERS = 0.4 * RETURNS + np.random.default_rng(8).normal(0, 0.01, 300)


def test_moments_agree_with_numpy_and_scipy() -> None:
    values = RETURNS.tolist()
    assert samples.mean(values) == pytest.approx(RETURNS.mean(), rel=1e-12)
    assert samples.variance(values) == pytest.approx(RETURNS.var(ddof=1), rel=1e-12)
    skewness, kurtosis = samples.skewness_and_kurtosis(values)
    assert skewness == pytest.approx(stats.skew(RETURNS, bias=False), rel=1e-10)
    assert kurtosis == pytest.approx(stats.kurtosis(RETURNS, bias=False), rel=1e-10)
    expected = np.cov(RETURNS, OTHERS)[0, 1]
    assert samples.covariance(values, OTHERS.tolist()) == pytest.approx(expected, rel=1e-12)


def test_normal_functions_agree_with_scipy() -> None:
    assert samples.normal_cdf(-1.3) == pytest.approx(stats.norm.cdf(-1.3), rel=1e-12)
    assert samples.normal_quantile(0.1, 2.0, 0.01) == pytest.approx(
        stats.norm.ppf(0.01, 0.1, 2.0), rel=1e-12
    )


def test_too_few_values_give_nan() -> None:
    assert math.isnan(samples.mean([]))
    assert math.isnan(samples.variance([1.0]))
    assert math.isnan(samples.skewness_and_kurtosis([1.0, 2.0])[0])


def test_a_covariance_of_unequal_lengths_is_refused() -> None:
    with pytest.raises(ValueError, match="2 and 1 values"):
        samples.covariance([1.0, 2.0], [1.0])
