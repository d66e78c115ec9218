"""Volatility targets, tail-scaled sizes and the no-trade band."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protection.contracts import FixInput
from protection.decision import (
    compare_sizes,
    es_size,
    ewma_volatility,
    gaussian_es,
    no_trade_band,
    student_t_es,
    tail_mean,
    volatility_target,
)

CASE = json.loads((Path(__file__).parents[2] / "golden" / "sizing.json").read_text())["vol_target"]


def test_the_volatility_target_is_that_of_the_golden_file() -> None:
    case = CASE[0]
    size = volatility_target(case["target"], case["vol_daily"], periods=case["ann"])
    assert size == pytest.approx(case["w"], abs=1e-12)


@pytest.mark.parametrize("volatility", [0.0, -0.01, math.nan, math.inf])
def test_an_unknown_volatility_gives_no_position(volatility) -> None:
    assert volatility_target(0.1, volatility) == 0.0


def test_the_smallest_volatility_gives_the_cap_and_bad_settings_are_refused() -> None:
    assert volatility_target(0.1, 1e-300, cap=1.5) == 1.5
    with pytest.raises(FixInput, match="cap"):
        volatility_target(0.1, 0.01, cap=math.nan)
    with pytest.raises(FixInput, match="periods"):
        volatility_target(0.1, 0.01, periods=0)


@given(st.lists(st.floats(-0.2, 0.2), min_size=1, max_size=60), st.integers(0, 60))
def test_the_ewma_knows_no_future(values, cut) -> None:
    whole = ewma_volatility(values, least=2)
    part = ewma_volatility(values[:cut], least=2)
    np.testing.assert_array_equal(whole[: len(part)], part)


def test_the_ewma_is_a_plain_mean_first_and_skips_what_is_not_finite() -> None:
    values = np.array([0.01, -0.02, 0.03])
    assert ewma_volatility(values, least=1)[-1] == pytest.approx(np.sqrt(np.mean(values**2)))
    assert np.isnan(ewma_volatility(values, least=4)).all()
    with_gap = ewma_volatility([0.01, math.nan, -0.02, 0.03], least=1)
    assert with_gap[-1] == ewma_volatility(values, least=1)[-1]


@pytest.mark.parametrize(
    ("level", "normal", "t4"),
    [(0.95, 2.0627128075074257, 2.2647713805829697), (0.99, 2.665214220345805, 3.6915104856762944)],
)
def test_expected_shortfalls_are_those_of_quadrature(level, normal, t4) -> None:
    """Unit variance; scipy closed forms and quadrature, golden risk.json."""
    assert gaussian_es(1.0, level) == pytest.approx(normal, abs=1e-9)
    assert student_t_es(1.0, 4.0, level) == pytest.approx(t4, abs=1e-9)


def test_the_tail_mean_counts_a_cut_observation_in_part() -> None:
    returns = [-0.10, -0.05, -0.02, *([0.01] * 97)]
    assert tail_mean(returns, 0.98) == pytest.approx((0.10 + 0.05) / 2)
    assert tail_mean(returns, 0.975) == pytest.approx((0.10 + 0.05 + 0.5 * 0.02) / 2.5)
    assert tail_mean(returns, 0.995) == pytest.approx(0.10)


@given(
    st.lists(st.floats(-0.5, 0.5), min_size=1, max_size=50),
    st.floats(0.5, 0.99),
    st.floats(0.1, 5.0),
    st.floats(-0.1, 0.1),
)
def test_the_tail_mean_is_coherent(values, level, scale, shift) -> None:
    base = tail_mean(values, level)
    assert tail_mean(np.array(values) * scale, level) == pytest.approx(base * scale, abs=1e-12)
    assert tail_mean(np.array(values) + shift, level) == pytest.approx(base - shift, abs=1e-12)
    assert base <= -min(values) + 1e-12
    assert base >= tail_mean(values, level / 2) - 1e-12


def test_spy_sized_by_its_own_tail_is_smaller_than_by_a_normal(spy) -> None:
    closes = np.array([close for _, _, close in spy])
    returns = closes[1:] / closes[:-1] - 1
    sizes = compare_sizes(returns, 0.02, level=0.99, nu=3.0)
    assert sizes.tail < sizes.student < sizes.gaussian
    assert 0.4 < sizes.excess < 1.0  # a normal tail allows about 1.6 times the position
    assert es_size(0.02, sizes.es_tail) == pytest.approx(sizes.tail)


@pytest.mark.parametrize("shortfall", [math.nan, math.inf, 0.0, -0.01])
def test_an_unknown_or_missing_tail_gives_no_position(shortfall) -> None:
    assert es_size(0.02, shortfall) == 0.0


def test_a_sample_without_a_loss_or_without_figures() -> None:
    assert compare_sizes([0.01] * 30, 0.02).tail == 0.0
    for bad in ([], [math.nan]):
        with pytest.raises(FixInput):
            compare_sizes(bad, 0.02)
    with pytest.raises(FixInput, match="nu above 2"):
        student_t_es(0.01, 2.0)


def test_small_changes_stay_and_exits_are_never_delayed() -> None:
    held = [0.100, 0.100, 0.010, -0.05, 0.10]
    want = [0.105, 0.150, 0.000, 0.05, math.nan]
    np.testing.assert_allclose(no_trade_band(held, want, 0.1), [0.1, 0.15, 0.0, 0.05, 0.1])
    edge = no_trade_band(held, want, 0.1, to="edge")
    np.testing.assert_allclose(edge, [0.1, 0.135, 0.0, 0.05, 0.1])


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(0, 0.5), st.booleans())
def test_a_second_application_of_the_band_changes_nothing(held, want, band, relative) -> None:
    for to in ("target", "edge"):
        once = no_trade_band([held], [want], band, relative=relative, to=to)
        assert min(held, want) - 1e-12 <= once[0] <= max(held, want) + 1e-12
        again = no_trade_band(once, [want], band, relative=relative, to=to)
        assert again[0] == pytest.approx(once[0], abs=1e-12)
