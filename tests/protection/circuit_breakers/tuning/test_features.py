"""HAR features: the past only, the same online and in one go, free of scale."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from protection.circuit_breakers.tuning.features import RollingFeatures, har_table


def series(seed: int, count: int = 160) -> np.ndarray:
    return 0.01 * np.random.default_rng(seed).standard_t(4, count)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(120, 159))
def test_features_at_a_time_do_not_see_what_follows(seed: int, period: int, cut: int) -> None:
    returns = series(seed)
    garbage = returns.copy()
    garbage[cut:] = 1e6
    whole, spoiled = har_table(returns, period=period), har_table(garbage, period=period)
    np.testing.assert_array_equal(whole.features[:cut], spoiled.features[:cut])
    np.testing.assert_array_equal(whole.base[:cut], spoiled.base[:cut])
    np.testing.assert_array_equal(whole.target[: cut - period], spoiled.target[: cut - period])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 5))
@example(127, 1)  # a day without movement behind ordinary ones
def test_the_rolling_row_is_the_last_row_of_the_table(seed: int, period: int) -> None:
    returns = series(seed)
    rolling = RollingFeatures(period)
    table = har_table(returns, period=period)
    for index, value in enumerate(returns):
        if index == 100:
            rolling = RollingFeatures.restored(json.loads(json.dumps(rolling.state())))
        rolling.add(float(value))
        if rolling.ready:
            row, base = rolling.row()
            np.testing.assert_allclose(row, table.features[index], rtol=1e-7, atol=1e-9)
            assert base == pytest.approx(table.base[index], rel=1e-9)
        else:
            assert not table.known[index]


def test_the_target_is_the_volatility_of_the_next_period() -> None:
    returns = series(1)
    table = har_table(returns, period=5)
    realised = 0.5 * np.log(np.mean(returns[121:126] ** 2))
    assert table.target[120] + table.base[120] == pytest.approx(realised)
    assert np.isnan(table.target[-5:]).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.floats(1.0, 100))
def test_features_and_targets_do_not_depend_on_the_unit(seed: int, unit: float) -> None:
    one, other = har_table(series(seed), period=5), har_table(unit * series(seed), period=5)
    np.testing.assert_allclose(one.features, other.features, atol=1e-7)
    np.testing.assert_allclose(one.target, other.target, atol=1e-7)


def test_a_series_without_movement_has_finite_features() -> None:
    table = har_table(np.zeros(60))
    assert np.isfinite(table.features[table.known]).all()


def test_a_bad_observation_is_refused() -> None:
    with pytest.raises(ValueError, match="finite returns"):
        har_table(np.array([0.1, np.nan]))
