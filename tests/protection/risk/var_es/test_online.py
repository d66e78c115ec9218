"""Online forms depend on the past alone and continue after a restart."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protection.contracts import FixInput, FixSettings, UpgradeSoftware
from protection.risk import (
    FilteredHistorical,
    GarchEvt,
    Historical,
    OnlineTail,
    OrderEffect,
    PortfolioTail,
    RiskMetrics,
    empirical_var_es,
    evaluate,
    rolling_forecasts,
    student_var_es,
)

seeds = st.integers(0, 2**32 - 1)


def returns(seed: int, size: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    level = np.exp(np.cumsum(rng.normal(size=size) * 0.05) * 0.3)
    return 0.01 * level * rng.standard_t(5, size)


@pytest.mark.parametrize("make", [Historical, RiskMetrics, GarchEvt, FilteredHistorical])
def test_the_future_does_not_change_a_forecast(make: type) -> None:
    values = returns(1, 900)
    garbage = values.copy()
    garbage[700:] = 0.5 * (-1.0) ** np.arange(200)
    settings_ = {"levels": (0.95, 0.99), "window": 600, "first": 600}
    one = rolling_forecasts(values, make(), **settings_)
    other = rolling_forecasts(garbage, make(), **settings_)
    # The forecast for row 700 is made before that row is seen.
    np.testing.assert_array_equal(one.var[:101], other.var[:101])
    np.testing.assert_array_equal(one.es[:101], other.es[:101])
    assert (one.var[101:] != other.var[101:]).any()


def test_an_online_model_is_the_batch_fit_at_every_refit() -> None:
    values = returns(2, 1205)
    tail = OnlineTail(GarchEvt(), window=1000, refit_every=5)
    for value in values:
        tail.update(value)
    batch = GarchEvt().fit(values[-1000:])
    assert tail.estimate(0.99).var == pytest.approx(batch.var(0.99), rel=2e-3)
    assert tail.bars == 1205
    np.testing.assert_array_equal(tail.history(), values[-1000:])


@pytest.mark.parametrize("bars", [0, 3, 120, 499, 507, 1111, 1234])
def test_a_restart_changes_no_answer(bars: int) -> None:
    values = returns(3, bars + 12)
    tail = OnlineTail(GarchEvt(minimum=250), window=500, refit_every=7)
    for value in values[:bars]:
        tail.update(value)
    again = OnlineTail.restore(GarchEvt(minimum=250), json.loads(json.dumps(tail.snapshot())))
    for value in values[bars:]:
        assert again.estimate(0.99) == tail.estimate(0.99)
        tail.update(value)
        again.update(value)
    assert again.estimate(0.975, 1) == tail.estimate(0.975, 1)
    with pytest.raises(UpgradeSoftware, match="version"):
        OnlineTail.restore(GarchEvt(minimum=250), tail.snapshot() | {"version": 99})


def test_missing_bars_change_nothing_and_infinite_ones_are_refused() -> None:
    tail = OnlineTail(RiskMetrics(minimum=20), window=50)
    for value in returns(4, 40):
        tail.update(value)
    before = tail.estimate(0.99)
    tail.update(math.nan)
    with pytest.raises(FixInput, match="infinite"):
        tail.update(-math.inf)
    assert tail.estimate(0.99) == before
    assert tail.bars == 40
    with pytest.raises(FixSettings, match="minimum"):
        OnlineTail(GarchEvt(), window=100)


def test_rolling_forecasts_on_spy_cover_as_they_say(lean_data: Path) -> None:
    from research import risk_data

    values = risk_data.returns(lean_data, "spy")[1][-2500:]
    found = rolling_forecasts(values, GarchEvt(), window=1000, first=1000)
    assert not found.fallback.any()
    low, high = evaluate(found, 0.95), evaluate(found, 0.99)
    assert low.count == 1500
    assert low.coverage.p_value > 0.05
    assert high.coverage.p_value > 0.05
    assert low.exceedances == int((-values[1000:] > found.var[:, 0]).sum())
    assert abs(evaluate(found, 0.975).shortfall.z2) < 0.7
    plain = rolling_forecasts(values, RiskMetrics(), window=1000, first=1000)
    assert evaluate(found, 0.975).joint_score < evaluate(plain, 0.975).joint_score


# -- the book ---------------------------------------------------------------------


def filled(seed: int, bars: int = 330, size: int = 5, **options: object) -> PortfolioTail:
    tail = PortfolioTail([f"S{i}" for i in range(size)], **options)  # type: ignore[arg-type]
    rng = np.random.default_rng(seed)
    common = rng.standard_t(4, bars)
    for bar in range(bars):
        tail.update(0.01 * (0.6 * common[bar] + 0.8 * rng.standard_normal(size)))
    return tail


@given(seed=seeds, level=st.sampled_from([0.9, 0.95, 0.975, 0.99]))
@settings(max_examples=25, deadline=None)
def test_parts_of_the_book_sum_to_the_whole(seed: int, level: float) -> None:
    tail = filled(3)
    book = np.random.default_rng(seed).normal(size=5)
    found = tail.var_es(book, level)
    var, es = tail.components(book, level)
    assert var.sum() == pytest.approx(found.var, rel=1e-9, abs=1e-12)
    assert es.sum() == pytest.approx(found.es, rel=1e-9, abs=1e-12)
    assert found.es >= found.var


@given(seed=seeds, factor=st.floats(1e-3, 1e6))
@settings(max_examples=25, deadline=None)
def test_the_book_scales_and_diversifies(seed: int, factor: float) -> None:
    tail = filled(4)
    rng = np.random.default_rng(seed)
    one, other = rng.normal(size=5), rng.normal(size=5)
    found = tail.var_es(one, 0.95)
    assert tail.var_es(factor * one, 0.95).var == pytest.approx(factor * found.var, rel=1e-9)
    assert tail.var_es(factor * one, 0.95).es == pytest.approx(factor * found.es, rel=1e-9)
    both = tail.var_es(one + other, 0.95).es
    assert both <= found.es + tail.var_es(other, 0.95).es + 1e-12
    assert tail.var_es(np.zeros(5), 0.95).es == 0.0


@given(seed=seeds, change=st.floats(-3, 3), place=st.integers(0, 4))
@settings(max_examples=25, deadline=None)
def test_the_effect_of_an_order_is_the_difference_of_two_books(
    seed: int, change: float, place: int
) -> None:
    tail = filled(5)
    book = np.random.default_rng(seed).normal(size=5)
    effect: OrderEffect = tail.order_effect(book, place, change, 0.95)
    after = book.copy()
    after[place] += change
    assert effect.before == tail.var_es(book, 0.95)
    assert effect.after.var == pytest.approx(tail.var_es(after, 0.95).var, rel=1e-9, abs=1e-12)
    assert effect.after.es == pytest.approx(tail.var_es(after, 0.95).es, rel=1e-9, abs=1e-12)
    assert effect.es_change == effect.after.es - effect.before.es


def test_the_book_is_filtered_historical_simulation_by_hand() -> None:
    rng = np.random.default_rng(6)
    values = 0.01 * rng.standard_t(5, (300, 3))
    tail = PortfolioTail(["a", "b", "c"], window=200)
    variances, rows = np.full(3, 0.03**2), []
    for bar, row in enumerate(values):
        rows.append(row / np.sqrt(variances))
        variances += max(0.06, 1.0 / (bar + 2.0)) * (row**2 - variances)
        tail.update(row)
    book = np.array([1.0, -0.5, 2.0])
    losses = -(np.array(rows[-200:]) * np.sqrt(variances)) @ book
    found = tail.var_es(book, 0.99)
    assert (found.var, found.es) == pytest.approx(empirical_var_es(losses, 0.99), rel=1e-9)
    np.testing.assert_allclose(tail.volatilities(), np.sqrt(variances))


def test_the_books_answer_depends_on_the_past_alone_and_survives_a_restart() -> None:
    rng = np.random.default_rng(7)
    values = 0.01 * rng.standard_normal((420, 4))
    values[rng.random((420, 4)) < 0.1] = math.nan
    tail = PortfolioTail(["a", "b", "c", "d"], window=252)
    book = np.array([1.0, 2.0, -1.0, 0.5])
    for bar, row in enumerate(values):
        if bar in (0, 10, 100, 300, 415):
            again = PortfolioTail.restore(json.loads(json.dumps(tail.snapshot())))
            for later in values[bar : bar + 5]:
                again.update(later)
            fresh = PortfolioTail(["a", "b", "c", "d"], window=252)
            for earlier in values[: bar + 5]:
                fresh.update(earlier)
            assert again.var_es(book, 0.99) == fresh.var_es(book, 0.99)
        tail.update(row)
    with pytest.raises(UpgradeSoftware, match="version"):
        PortfolioTail.restore(tail.snapshot() | {"version": 99})


def test_a_symbol_without_history_is_added_without_diversification() -> None:
    tail = filled(8, size=3)
    wide = PortfolioTail(["S0", "S1", "S2", "new"])
    rng = np.random.default_rng(8)
    common = rng.standard_t(4, 330)
    for bar in range(330):
        row = 0.01 * (0.6 * common[bar] + 0.8 * rng.standard_normal(3))
        wide.update(np.append(row, math.nan))
    known = tail.var_es([1.0, 1.0, 1.0], 0.99)
    found = wide.var_es([1.0, 1.0, 1.0, -2.0], 0.99)
    unit_var, unit_es = student_var_es(3.0, 0.99, unit_variance=True)
    assert found.var == pytest.approx(known.var + 2.0 * 0.03 * unit_var)
    assert found.es == pytest.approx(known.es + 2.0 * 0.03 * unit_es)
    assert "short history" in found.basis
    var, es = wide.components([1.0, 1.0, 1.0, -2.0], 0.99)
    assert (var.sum(), es.sum()) == pytest.approx((found.var, found.es))
    effect = wide.order_effect([1.0, 1.0, 1.0, 0.0], 3, 2.0, 0.99)
    assert effect.var_change == pytest.approx(2.0 * 0.03 * unit_var)
    assert "short history" not in effect.before.basis


def test_gaps_widen_the_rest_of_a_symbols_history() -> None:
    rng = np.random.default_rng(9)
    values = 0.01 * rng.standard_normal((600, 1))
    full, holes = PortfolioTail(["a"], window=252), PortfolioTail(["a"], window=252)
    for bar, row in enumerate(values):
        full.update(row)
        holes.update(row if bar % 3 else [math.nan])
    assert holes.bars == 600
    ratio = holes.var_es([1.0], 0.95).es / full.var_es([1.0], 0.95).es
    assert 0.7 < ratio < 1.5


def test_days_without_any_bar_leave_the_book_alone() -> None:
    tail = filled(10)
    before = tail.var_es(np.ones(5), 0.99)
    for _ in range(400):
        tail.update(np.full(5, math.nan))
    assert tail.var_es(np.ones(5), 0.99) == before


def test_a_frozen_price_is_not_riskless() -> None:
    tail = PortfolioTail(["a"], window=100)
    for value in returns(12, 100):
        tail.update([value])
    assert "short" not in tail.var_es([1.0], 0.99).basis
    for _ in range(300):
        tail.update([0.0])
    found = tail.var_es([1.0], 0.99)
    assert "short" in found.basis
    assert found.var == pytest.approx(0.03 * student_var_es(3.0, 0.99, unit_variance=True)[0])


@pytest.mark.parametrize(
    "call",
    [
        lambda tail: tail.update([0.1, 0.2]),
        lambda tail: tail.update([math.inf] * 5),
        lambda tail: tail.var_es([1.0], 0.95),
        lambda tail: tail.var_es([math.nan] * 5, 0.95),
        lambda tail: tail.var_es(np.ones(5), 95),
        lambda tail: tail.order_effect(np.ones(5), 5, 1.0),
        lambda tail: tail.order_effect(np.ones(5), 0, math.inf),
        lambda tail: tail.place("nobody"),
    ],
)
def test_an_impossible_call_is_refused_and_changes_nothing(call: Any) -> None:
    tail = filled(11)
    before = tail.var_es(np.ones(5), 0.95)
    with pytest.raises(FixInput, match="expected"):
        call(tail)
    assert tail.var_es(np.ones(5), 0.95) == before


def test_settings_of_the_book_are_checked() -> None:
    for options in ({"decay": 1.0}, {"prior_volatility": 0.0}, {"minimum": 10}, {"window": 30}):
        with pytest.raises(FixSettings, match="expected"):
            PortfolioTail(["a"], **options)  # type: ignore[arg-type]
    with pytest.raises(FixSettings, match="repetition"):
        PortfolioTail(["a", "a"])
