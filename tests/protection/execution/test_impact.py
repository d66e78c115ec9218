"""Impact and schedules: the published tables, their closed forms, and what must hold always."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protection.contracts import FixInput
from protection.execution import almgren_2005, almgren_chriss, square_root_impact

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "impact.json").read_text())
PUBLISHED = {  # Almgren et al. 2005, table of examples: permanent, temporary, cost in basis points
    ("IBM", 0.1): (20, 22, 32),
    ("IBM", 0.2): (20, 15, 25),
    ("IBM", 0.5): (20, 8, 18),
    ("DRI", 0.1): (22, 32, 43),
    ("DRI", 0.2): (22, 21, 32),
    ("DRI", 0.5): (22, 12, 23),
}
PARAMETERS = GOLDEN["almgren_chriss2000"]["params"]


def schedule(aversion, **other):
    given = {
        "quantity": PARAMETERS["X"],
        "horizon": PARAMETERS["T"],
        "steps": PARAMETERS["N"],
        "volatility": PARAMETERS["sigma"],
        "temporary": PARAMETERS["eta"],
        "permanent": PARAMETERS["gamma"],
        "fixed": PARAMETERS["eps"],
    } | other
    return almgren_chriss(**given, risk_aversion=aversion)


@pytest.mark.parametrize("case", GOLDEN["almgren2005"], ids=lambda c: f"{c['name']} {c['T']}")
def test_the_table_of_2005_is_reproduced(case) -> None:
    answer = almgren_2005(
        case["X_over_V"] * case["V"], case["V"], case["Theta"], case["sigma"], case["T"]
    )
    exact = (case["perm_bp"], case["temp_bp"], case["J_bp"])
    found = (1e4 * answer.permanent, 1e4 * answer.temporary, 1e4 * answer.cost)
    assert found == pytest.approx(exact, abs=1e-9)
    assert tuple(round(x) for x in found) == PUBLISHED[case["name"], case["T"]]


def test_without_shares_outstanding_a_factor_is_given() -> None:
    with_shares = almgren_2005(-1e5, 1e6, 1.6e7, 0.02, 0.5)
    assert almgren_2005(1e5, 1e6, None, 0.02, 0.5, liquidity_factor=2.0) == with_shares
    for outstanding, factor in ((None, None), (1e7, 2.0)):
        with pytest.raises(FixInput, match="either"):
            almgren_2005(1e5, 1e6, outstanding, 0.02, 0.5, liquidity_factor=factor)
    for bad in (
        {"volume": 0.0},
        {"duration": math.nan},
        {"volatility": -1.0},
        {"quantity": math.inf},
    ):
        known = {
            "quantity": 1.0,
            "volume": 1.0,
            "outstanding": 1.0,
            "volatility": 0.01,
            "duration": 1.0,
        }
        with pytest.raises(FixInput):
            almgren_2005(**(known | bad))


def test_the_square_root_law_does_not_care_for_the_span() -> None:
    daily = square_root_impact(10_000, 1e6, 0.02)
    assert daily == pytest.approx(0.02 * math.sqrt(0.01))
    minute = square_root_impact(10_000, 1e6 / 390, 0.02 / math.sqrt(390))
    assert minute == pytest.approx(daily)
    assert square_root_impact(10_000, 1e6, 0.02, mean=True) == pytest.approx(2 / 3 * daily)
    assert square_root_impact(0, 0, math.nan) == 0.0


@given(st.floats(1e-3, 1e9), st.floats(1e-3, 1e9), st.floats(0.0, 5.0))
def test_impact_has_no_side_grows_with_size_and_is_linear_below_the_crossover(q, v, s) -> None:
    impact = square_root_impact(q, v, s)
    assert impact == square_root_impact(-q, v, s) >= 0
    assert square_root_impact(2 * q, v, s) >= impact
    small = square_root_impact(q, v, s, crossover=1e-4)
    assert small <= impact * (1 + 1e-12)
    if q / v < 4e-5:
        assert square_root_impact(2 * q, v, s, crossover=1e-4) == pytest.approx(2 * small)


@pytest.mark.parametrize(("volume", "volatility"), [(0, 0.1), (math.nan, 0.1), (1, math.nan)])
def test_what_cannot_be_told_is_not_free(volume, volatility) -> None:
    assert square_root_impact(1, volume, volatility) == math.inf


@pytest.mark.parametrize(
    "case", GOLDEN["almgren_chriss2000"]["sols"], ids=lambda c: f"lambda {c['lam']}"
)
def test_schedules_are_those_of_a_quadratic_program(case) -> None:
    answer = schedule(case["lam"])
    assert answer.kappa == pytest.approx(case["kappa"], abs=1e-9)
    np.testing.assert_allclose(answer.holdings, case["x"], atol=1e-6)
    assert answer.cost == pytest.approx(case["E"], rel=1e-12)
    assert answer.deviation == pytest.approx(case["sd"], rel=1e-12)
    assert answer.trades.sum() == pytest.approx(PARAMETERS["X"], abs=1e-6)


def test_the_example_of_the_paper_at_one_millionth() -> None:
    answer = schedule(1e-6)
    assert answer.kappa == pytest.approx(0.607, abs=5e-4)
    assert answer.deviation < schedule(0.0).deviation
    assert answer.cost > schedule(0.0).cost


@given(st.floats(1e-9, 1e6), st.integers(1, 40))
def test_any_urgency_gives_finite_holdings_that_fall_to_nothing(aversion, steps) -> None:
    answer = schedule(aversion, steps=steps, permanent=0.0)
    assert np.all(np.isfinite(answer.holdings))
    assert answer.holdings[0] == PARAMETERS["X"]
    assert answer.holdings[-1] == 0.0
    assert np.all(np.diff(answer.holdings) <= 1e-6)
    sold = schedule(aversion, steps=steps, permanent=0.0, quantity=-PARAMETERS["X"])
    np.testing.assert_array_equal(sold.holdings, -answer.holdings)
    assert sold.cost == answer.cost


def test_no_neighbouring_schedule_is_better() -> None:
    aversion, rng = 2e-6, np.random.default_rng(0)
    best = schedule(aversion)

    def objective(holdings):
        trades = -np.diff(holdings)
        tau = PARAMETERS["T"] / PARAMETERS["N"]
        eta = PARAMETERS["eta"] - 0.5 * PARAMETERS["gamma"] * tau
        cost = eta / tau * trades @ trades + PARAMETERS["eps"] * np.abs(trades).sum()
        return cost + aversion * PARAMETERS["sigma"] ** 2 * tau * holdings[1:] @ holdings[1:]

    for _ in range(50):
        other = best.holdings.copy()
        other[1:-1] += rng.normal(0, 1000, other.size - 2)
        assert objective(other) > objective(best.holdings)


def test_impossible_schedules_are_refused() -> None:
    with pytest.raises(FixInput, match="temporary"):
        schedule(1e-6, permanent=1e-3)
    with pytest.raises(FixInput, match="turn round"):
        schedule(-1e-4)
    for bad in ({"steps": 0}, {"horizon": 0.0}, {"quantity": math.nan}):
        with pytest.raises(FixInput):
            schedule(1e-6, **bad)
