"""Replays, shocks of one's own, reverse stress, gaps and dry liquidity."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protection.contracts import FixInput
from protection.risk.stress.library import SCENARIOS, stress_scenario
from protection.risk.stress.replay import levels_crossed, replay_portfolio, replay_strategy
from protection.risk.stress.reverse import largest_exposure, reverse_stress, smallest_multiple
from protection.risk.stress.shocks import (
    correlation_to_one,
    custom_shock,
    liquidity_withdrawal,
    stressed_covariance,
)

LEVELS = (0.05, 0.10, 0.15, 0.20)


def covariance(seed: int, p: int) -> np.ndarray:
    root = np.random.default_rng(seed).normal(0, 0.01, (p, p + 2))
    return root @ root.T


@pytest.mark.parametrize("name", SCENARIOS)
def test_one_unit_of_the_market_follows_the_path_itself(name) -> None:
    scenario = stress_scenario(name)
    result = replay_portfolio(scenario, {"X": 1.0})
    assert result.equity == pytest.approx(scenario.closes)
    assert result.low == pytest.approx(scenario.lows)
    assert result.drawdown == pytest.approx(scenario.drawdown)
    assert result.worst_step == pytest.approx(scenario.worst_step)
    assert replay_portfolio(scenario, {}).drawdown == 0.0


def test_a_hedged_book_loses_only_what_is_not_hedged_and_factors_have_their_own_path() -> None:
    scenario = stress_scenario("2020-03")
    hedged = replay_portfolio(scenario, {"A": 0.8, "B": -0.8})
    assert hedged.worst == pytest.approx(0.0, abs=1e-12)
    betas = replay_portfolio(scenario, {"A": 0.5}, betas={"A": 2.0})
    assert betas.drawdown > replay_portfolio(scenario, {"A": 0.5}).drawdown
    luna = replay_portfolio(
        stress_scenario("crypto-2022-05"), {"L": 0.1}, factors={"L": "LUNA"}, levels=LEVELS
    )
    assert luna.worst == pytest.approx(0.1, abs=1e-4)
    ruin = replay_portfolio(stress_scenario("1987"), {"X": 5.0})
    assert ruin.ruined


def test_a_gap_passes_several_levels_at_one_step() -> None:
    crossings = replay_portfolio(stress_scenario("1987"), {"X": 1.0}, levels=LEVELS).crossings
    assert [c.level for c in crossings] == list(LEVELS)
    assert [c.step for c in crossings] == [2, 3, 4, 4]
    assert crossings[-1].drawdown == pytest.approx(1 - 224.84 / 314.52)
    assert levels_crossed([1.0, 0.7], LEVELS) == tuple(
        type(crossings[0])(level, 1, pytest.approx(0.3)) for level in LEVELS
    )
    with pytest.raises(FixInput):
        levels_crossed([1.0], [0.0])


def test_a_strategy_reacts_one_step_late_and_never_to_the_future() -> None:
    scenario = stress_scenario("1987")
    seen = []

    def flee(closes, equity, exposure):
        seen.append(len(closes))
        return 0.0 if closes[-1] < 0.92 else exposure

    result = replay_strategy(scenario, flee)
    # out at the close of 16 October, at 282.70: Black Monday is not met
    assert result.worst == pytest.approx(1 - 282.70 / 314.52)
    assert seen == list(range(2, len(scenario.steps) + 1))
    held = replay_strategy(scenario, lambda closes, equity, exposure: exposure)
    assert held.equity == pytest.approx(scenario.closes)
    costly = replay_strategy(scenario, flee, cost=0.001)
    # one trade of the whole position, at ten times the usual spread
    assert costly.equity[-1] == pytest.approx(result.equity[-1] * (1 - 0.01))


@settings(max_examples=50, deadline=None)
@given(
    name=st.sampled_from(sorted(SCENARIOS)),
    decisions=st.lists(st.floats(-2, 2), min_size=16, max_size=16),
    start=st.floats(-2, 2),
)
def test_a_decision_cannot_change_what_came_before_it(name, decisions, start) -> None:
    scenario = stress_scenario(name)
    half = len(scenario.steps) // 2

    def follow(plan):
        return lambda closes, equity, exposure: plan[len(closes) - 1]

    other = decisions[:half] + [-x for x in decisions[half:]]
    first = replay_strategy(scenario, follow(decisions), start=start)
    second = replay_strategy(scenario, follow(other), start=start)
    assert first.equity[: half + 1] == second.equity[: half + 1]


def test_the_custom_shock_is_the_sum_of_its_words() -> None:
    matrix = np.diag([0.0004, 0.0001])
    result = custom_shock([0.6, 0.4], matrix, price_drop=0.3, vol_spike=3.0, correlation=1.0)
    assert result.loss == pytest.approx(0.3)
    assert result.stressed_volatility == pytest.approx(3 * (0.6 * 0.02 + 0.4 * 0.01))
    assert result.hedges_fail == pytest.approx(result.stressed_volatility)
    assert result.total == pytest.approx(0.3 + 2.5 * result.stressed_volatility)
    calm = custom_shock([0.6, 0.4], matrix, price_drop=0.0, vol_spike=1.0, correlation=0.0)
    assert calm.stressed_volatility == calm.volatility
    short = custom_shock([-1.0], [[0.0001]], price_drop=0.2, betas=[1.5])
    assert short.loss == pytest.approx(-0.3)
    assert custom_shock([1.0], [[0.0]], price_drop=0.9, betas=[2.0]).loss == 1.0


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 999),
    p=st.integers(1, 6),
    spike=st.floats(0.1, 5),
    mix=st.floats(0, 1),
)
def test_a_stressed_covariance_is_a_covariance_and_only_hedges_failing_is_the_worst(
    seed, p, spike, mix
) -> None:
    matrix = covariance(seed, p)
    after = stressed_covariance(matrix, spike, mix)
    assert np.linalg.eigvalsh(after).min() >= -1e-12
    np.testing.assert_allclose(np.diag(after), spike**2 * np.diag(matrix))
    w = np.random.default_rng(seed).normal(0, 1, p)
    now, one, fail = correlation_to_one(w, matrix)
    assert now <= fail * (1 + 1e-9)
    assert one <= fail * (1 + 1e-9)
    _, long_one, long_fail = correlation_to_one(np.abs(w), matrix)
    assert long_one == pytest.approx(long_fail)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 999), p=st.integers(1, 6), limit=st.floats(0.01, 0.5))
def test_no_nearer_move_breaks_the_limit(seed, p, limit) -> None:
    rng = np.random.default_rng(seed)
    matrix, w = covariance(seed, p), rng.normal(0, 1, p)
    answer = reverse_stress(w, matrix, limit)
    assert -w @ answer.moves == pytest.approx(limit)
    inverse = np.linalg.inv(matrix)
    assert math.sqrt(answer.moves @ inverse @ answer.moves) == pytest.approx(answer.distance)
    for _ in range(20):
        other = rng.multivariate_normal(np.zeros(p), matrix)
        other *= 0.999 * answer.distance / math.sqrt(other @ inverse @ other)
        assert -w @ other < limit


def test_books_without_risk_cannot_be_broken() -> None:
    assert reverse_stress([0.0, 0.0], np.eye(2), 0.1).distance == math.inf
    assert smallest_multiple(stress_scenario("1987"), {}, 0.1) == math.inf
    for limit in (0.0, math.nan):
        with pytest.raises(FixInput):
            reverse_stress([1.0], [[1.0]], limit)
        with pytest.raises(FixInput):
            smallest_multiple(stress_scenario("1987"), {"X": 1.0}, limit)


@pytest.mark.parametrize("name", ["1987", "2008", "2020-03", "crypto-2021-05-19"])
def test_the_smallest_multiple_breaks_and_a_little_less_does_not(name) -> None:
    scenario = stress_scenario(name)
    multiple = smallest_multiple(scenario, {"X": 0.8}, 0.2)
    assert 0 < multiple < 3
    assert replay_portfolio(scenario, {"X": 0.8}, scale=multiple).drawdown >= 0.2
    assert replay_portfolio(scenario, {"X": 0.8}, scale=multiple * 0.999).drawdown < 0.2


def test_the_size_that_survives_a_gap_is_the_limit_over_the_gap() -> None:
    size = largest_exposure(0.2047, 0.15)
    start = stress_scenario("1987").steps[3].close
    assert size * (1 - 224.84 / start) == pytest.approx(0.15, abs=1e-4)
    with pytest.raises(FixInput):
        largest_exposure(0.0, 0.1)


def test_closing_a_book_costs_more_and_takes_longer_when_the_market_thins() -> None:
    book = {
        "exposures": [0.5, -0.3],
        "daily_values": [1e9, 1e6],
        "volatilities": [0.01, 0.03],
        "half_spreads": [1e-4, 1e-3],
    }
    calm = liquidity_withdrawal(**book, equity=1e6, depth=1.0, spread=1.0, vol_spike=1.0)
    dry = liquidity_withdrawal(**book, equity=1e6)
    assert calm.spread == pytest.approx(0.5 * 1e-4 + 0.3 * 1e-3)
    share = 0.3e6 / 1e6
    expected = 2 / 3 * 0.7 * 0.03 * math.sqrt(0.1) * math.sqrt(share / 0.1)
    assert calm.by_symbol[1] == pytest.approx(0.3 * (1e-3 + expected))
    assert calm.days == pytest.approx(3.0)
    assert dry.days == pytest.approx(15.0)
    assert dry.cost > 4 * calm.cost
    assert dry.cost == pytest.approx(dry.by_symbol.sum())
    gone = liquidity_withdrawal([0.5], [0.0], [0.01], [1e-4], equity=1e6)
    assert gone.cost == 0.5
    assert gone.days == math.inf
    empty = liquidity_withdrawal([0.0], [0.0], [0.01], [1e-4], equity=1e6)
    assert (empty.cost, empty.days) == (0.0, 0.0)
    with pytest.raises(FixInput):
        liquidity_withdrawal([1.0], [1.0, 2.0], [0.1], [0.1], equity=1.0)
    with pytest.raises(FixInput):
        liquidity_withdrawal([1.0], [1.0], [0.1], [0.1], equity=1.0, depth=0.0)


def test_impossible_books_are_refused() -> None:
    for call in (
        lambda: replay_portfolio(stress_scenario("1987"), {"X": math.nan}),
        lambda: replay_strategy(stress_scenario("1987"), lambda *_: math.nan),
        lambda: custom_shock([1.0, 2.0], [[1.0]]),
        lambda: custom_shock([1.0], [[1.0]], price_drop=2.0),
        lambda: stressed_covariance([[1.0]], correlation=1.5),
        lambda: stressed_covariance([[-1.0]]),
    ):
        with pytest.raises(FixInput):
            call()
