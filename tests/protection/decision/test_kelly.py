"""Kelly sizes: closed forms, the published risk-constrained example, survival of the worst gap."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protection.contracts import FixInput
from protection.decision import (
    binary_kelly,
    drawdown_aversion,
    drawdown_fraction,
    fractional_kelly,
    gaussian_kelly,
    risk_constrained_kelly,
    shrunk_mean,
)

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "sizing.json").read_text())
RETURNS = np.array(GOLDEN["rck"]["returns"])[:, :3] - 1.0  # the fourth bet is cash


@pytest.mark.parametrize(("p", "odds", "size"), [(0.6, 1.0, 0.2), (0.55, 2.0, 0.325)])
def test_two_outcomes_give_the_closed_form(p, odds, size) -> None:
    assert binary_kelly(p, odds) == pytest.approx(size)
    answer = fractional_kelly(
        [odds, -1.0], [p, 1 - p], fraction=1.0, prior_sharpe=None, gap_margin=1.0
    )
    assert answer.weight == pytest.approx(size, abs=1e-9)
    assert answer.binding == "growth"


def test_the_continuous_limit_is_that_of_the_golden_file() -> None:
    case = GOLDEN["kelly_gauss"][0]
    assert gaussian_kelly(case["mu"], case["sigma"]) == pytest.approx(case["f"])


def test_a_quarter_is_a_quarter_and_the_gap_binds_where_it_must() -> None:
    outcomes = np.tile([0.012, -0.01], 500)
    full = fractional_kelly(outcomes, fraction=1.0, prior_sharpe=None, cap=100.0)
    quarter = fractional_kelly(outcomes, prior_sharpe=None, cap=100.0)
    assert quarter.weight == pytest.approx(full.full / 4)
    gap = fractional_kelly(outcomes, prior_sharpe=None, worst_gap=0.5, cap=100.0)
    assert gap.binding == "gap"
    assert gap.weight == pytest.approx(1 / (1.5 * 0.5))


def test_a_short_sample_shrinks_the_mean_to_a_fifth_of_itself_after_a_year() -> None:
    rng = np.random.default_rng(5)
    values = rng.normal(0.001, 0.01, 252)
    answer = fractional_kelly(values)
    # n h^2 / (n h^2 + 1) with h = 0.5 / sqrt(252) is 0.2
    assert answer.shrunk == pytest.approx(0.2 * answer.mean)
    assert shrunk_mean(0.01, 0.0, 10, 0.0) == 0.01


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.floats(-0.9, 2.0), min_size=2, max_size=40),
    gap=st.floats(0.0, 1.0),
    fraction=st.floats(0.05, 1.0),
    long_only=st.booleans(),
)
def test_no_answer_can_lose_everything_at_the_worst_outcome(
    values, gap, fraction, long_only
) -> None:
    answer = fractional_kelly(
        values, fraction=fraction, worst_gap=gap, long_only=long_only, cap=10.0
    )
    assert math.isfinite(answer.weight)
    assert abs(answer.weight) <= 10.0
    assert 1 + answer.weight * min(values) > 0
    assert 1 + answer.weight * max(values) > 0
    assert abs(answer.weight) * max(gap, 0.0) <= 1 / 1.5 + 1e-12
    if long_only:
        assert answer.weight >= 0


def test_degenerate_outcomes_have_the_documented_answers() -> None:
    assert fractional_kelly([0.01]).weight == 0.0
    assert fractional_kelly([]).weight == 0.0
    assert fractional_kelly([0.0] * 50).weight == 0.0
    assert fractional_kelly([0.01] * 50, cap=2.0).weight == 2.0
    assert fractional_kelly([-0.01] * 50).weight == 0.0
    assert fractional_kelly([-0.01, -0.02] * 50, long_only=False).weight < 0.0
    for bad in ([0.1, math.nan], [0.1, math.inf], [[0.1]]):
        with pytest.raises(FixInput):
            fractional_kelly(bad)


@pytest.mark.parametrize("case", GOLDEN["rck"]["sols"], ids=lambda case: f"lambda {case['lam']}")
def test_risk_constrained_weights_are_those_of_a_conic_solver(case) -> None:
    answer = risk_constrained_kelly(RETURNS, GOLDEN["rck"]["pi"], aversion=case["lam"])
    np.testing.assert_allclose(answer.weights, case["b"][:3], atol=2e-3)
    assert answer.growth == pytest.approx(case["growth"], abs=1e-6)
    if case["lam"]:
        assert answer.constraint <= 1e-9


def test_the_bound_on_the_fall_holds_in_simulation() -> None:
    assert drawdown_aversion(0.7, 0.1) == pytest.approx(GOLDEN["rck_lambda"]["lam"])
    answer = risk_constrained_kelly(RETURNS, wealth=0.7, chance=0.1)
    rng = np.random.default_rng(2)
    draws = rng.integers(0, len(RETURNS), (4000, 150))
    steps = np.log1p(RETURNS @ answer.weights)[draws]
    lowest = np.exp(np.minimum.accumulate(np.cumsum(steps, axis=1), axis=1)[:, -1])
    share = float(np.mean(lowest < 0.7))
    assert 0.03 < share < 0.1  # the golden simulation says 0.067


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 999), n=st.integers(1, 4))
def test_a_tighter_bound_never_grows_faster_and_never_breaks_itself(seed, n) -> None:
    rng = np.random.default_rng(seed)
    table = np.clip(rng.normal(0.02, 0.15, (40, n)), -0.95, None)
    growth = math.inf
    for aversion in (0.0, 2.0, 10.0):
        answer = risk_constrained_kelly(table, aversion=aversion)
        assert np.all(answer.weights >= 0.0)
        assert answer.weights.sum() <= 1.0
        assert 0.0 <= answer.growth <= growth + 1e-9
        growth = answer.growth
        if aversion:
            moment = np.mean((1 + table @ answer.weights) ** -aversion)
            assert moment <= 1 + 1e-8


def test_the_scale_of_a_given_portfolio_is_the_one_weight_of_the_solver() -> None:
    values = RETURNS @ [0.1, 0.5, 0.4]
    scale = drawdown_fraction(values, wealth=0.7, chance=0.1)
    solved = risk_constrained_kelly(values, wealth=0.7, chance=0.1)
    assert solved.bounded
    assert scale == pytest.approx(solved.weights[0], abs=1e-5)
    assert np.mean((1 + scale * values) ** -drawdown_aversion(0.7, 0.1)) == pytest.approx(1.0)


def test_bets_without_a_mean_get_nothing() -> None:
    for table in ([[0.1], [-0.1]], [[-0.1], [-0.2]], [[0.0], [0.0]]):
        answer = risk_constrained_kelly(table)
        assert answer.weights.tolist() == [0.0]
        assert answer.growth == 0.0
        assert drawdown_fraction(np.array(table)[:, 0]) == 0.0
    with pytest.raises(FixInput, match="-1"):
        risk_constrained_kelly([[-1.5], [3.0]])
