"""Risk budgets against cvxpy (CLARABEL) and skfolio answers, and the laws of the solution."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protection.contracts import FixInput
from protection.decision import allocate, risk_contributions, risk_parity
from protection.decision.budgeting import descend
from protection.decision.parity import descend_plain
from protection.estimation import mrcd

GOLDEN = Path(__file__).parents[2] / "golden" / "sizing.json"
CASES = json.loads(GOLDEN.read_text())["risk_parity"]


def random_covariance(seed: int, p: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((p, p)) + rng.standard_normal((p, 1))
    return root @ root.T * 1e-4 + np.diag(rng.uniform(0.2, 2.0, p)) * 1e-4


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
@pytest.mark.parametrize("compiled", [True, False])
def test_weights_are_those_of_a_conic_solver(case, compiled) -> None:
    weights = risk_parity(case["Sigma"], case["b"], compiled=compiled)
    np.testing.assert_allclose(weights, case["w"], atol=1e-9)
    np.testing.assert_allclose(risk_contributions(weights, case["Sigma"]), case["b"], atol=1e-9)


def test_skfolio_agrees_to_its_own_accuracy() -> None:
    theirs = json.loads(GOLDEN.read_text())["skfolio_MRT2010"]
    np.testing.assert_allclose(risk_parity(CASES[0]["Sigma"]), theirs, atol=4e-6)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), p=st.integers(1, 12), unit=st.floats(1e-8, 1e8))
def test_shares_of_risk_are_the_budgets_in_any_unit_and_the_twin_agrees(seed, p, unit) -> None:
    covariance = random_covariance(seed, p) * unit
    budgets = np.random.default_rng(seed).uniform(0.05, 1.0, p)
    weights = risk_parity(covariance, budgets)
    assert np.all(weights > 0)
    assert weights.sum() == pytest.approx(1.0, abs=1e-12)
    shares = risk_contributions(weights, covariance)
    np.testing.assert_allclose(shares, budgets / budgets.sum(), atol=1e-9)
    plain = risk_parity(covariance, budgets, compiled=False)
    np.testing.assert_allclose(weights, plain, atol=1e-10)


@pytest.mark.parametrize("seed", range(5))
def test_strong_common_factors_do_not_stop_it(seed) -> None:
    rng = np.random.default_rng(seed)
    factors = rng.normal(0, 0.01, (60, 3))
    covariance = factors @ factors.T + np.diag(rng.uniform(1e-4, 1e-3, 60) ** 2)
    for compiled in (True, False):
        weights = risk_parity(covariance, compiled=compiled)
        shares = risk_contributions(weights, covariance)
        np.testing.assert_allclose(shares, 1 / 60, atol=1e-9)


def test_the_compiled_sweep_is_the_plain_one() -> None:
    covariance = random_covariance(7, 9)
    deviation = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(deviation, deviation)
    budgets, start = np.full(9, 1 / 9), np.full(9, 0.4)
    for sweeps in (1, 2, 50):
        ours = descend(correlation, budgets, start, 0.0, sweeps)
        twin = descend_plain(correlation, budgets, start, 0.0, sweeps)
        np.testing.assert_allclose(ours[0], twin[0], rtol=1e-12)
        assert ours[1] == twin[1]
        assert ours[2] == pytest.approx(twin[2], rel=1e-6, abs=1e-15)


def test_scaling_one_asset_scales_its_weight_inversely() -> None:
    covariance = random_covariance(1, 5)
    scale = np.array([1.0, 3.0, 1.0, 0.1, 1.0])
    expected = risk_parity(covariance) / scale
    weights = risk_parity(covariance * np.outer(scale, scale))
    np.testing.assert_allclose(weights, expected / expected.sum(), atol=1e-9)


def test_budget_nought_leaves_an_asset_out_even_one_without_variance() -> None:
    covariance = np.diag([0.04, 0.0, 0.01])
    np.testing.assert_allclose(risk_parity(covariance, [1, 0, 1]), [1 / 3, 0.0, 2 / 3])
    np.testing.assert_allclose(risk_parity([[0.5]]), [1.0])


@pytest.mark.parametrize(
    ("covariance", "budgets", "words"),
    [
        ([[1.0, 0.2]], None, "square"),
        ([[1.0, 0.2], [0.3, 1.0]], None, "symmetric"),
        ([[1.0, math.nan], [math.nan, 1.0]], None, "finite"),
        ([[1.0, 0.0], [0.0, 0.0]], None, "variance above 0"),
        ([[1.0, -1.0], [-1.0, 1.0]], None, "long-only portfolio has risk"),
        ([[1.0, 0.0], [0.0, 1.0]], [1.0], "2 budgets"),
        ([[1.0, 0.0], [0.0, 1.0]], [1.0, -1.0], "at least 0"),
    ],
)
def test_impossible_input_is_refused_with_what_to_do(covariance, budgets, words) -> None:
    with pytest.raises(FixInput, match=words):
        risk_parity(covariance, budgets)


def test_allocation_meets_its_volatility_until_a_cap_cuts_it() -> None:
    covariance = random_covariance(3, 6)
    loose = allocate(covariance, target_volatility=0.05, max_weight=9.0, max_gross=9.0)
    assert loose.volatility == pytest.approx(0.05, abs=1e-12)
    np.testing.assert_allclose(loose.weights / loose.exposure, loose.parity, atol=1e-12)
    tight = allocate(covariance, target_volatility=9.0, max_weight=0.2, max_gross=0.7)
    assert tight.weights.max() <= 0.2
    assert tight.exposure <= 0.7 + 1e-12
    held = tight.weights * 1.05
    still = allocate(
        covariance, target_volatility=9.0, max_weight=0.2, max_gross=0.7, current=held, band=0.1
    )
    assert still.exposure <= 0.7 + 1e-12
    assert still.weights.max() <= 0.2


def test_one_outlier_moves_the_weights_of_the_sample_covariance_and_not_those_of_the_mrcd() -> None:
    rng = np.random.default_rng(11)
    clean = rng.multivariate_normal(np.zeros(3), np.diag([1e-4, 4e-4, 9e-4]), 500)
    dirty = clean.copy()
    dirty[0] = (1.0, 0.0, 0.0)  # one wrong print

    def robust(returns):
        return allocate(mrcd(returns).covariance).weights

    truth = risk_parity(np.cov(clean.T))
    assert abs(risk_parity(np.cov(dirty.T))[0] - truth[0]) > 0.2
    np.testing.assert_allclose(robust(dirty), robust(clean), atol=0.01)
    np.testing.assert_allclose(risk_parity(mrcd(dirty).covariance), truth, atol=0.05)
