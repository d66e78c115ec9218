"""Spread estimates, the market's state, predictions, and calibration on own fills."""

from __future__ import annotations

import itertools
import json
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protection.contracts import Bar, FixInput, FixSettings, Quote, Trade
from protection.execution import (
    OwnFill,
    SlippageModel,
    SlippageSettings,
    edge_spread,
    fit_coefficients,
    roll_spread,
)

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "spreads.json").read_text())
START = datetime(2020, 1, 6, 14, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def bar(i: int, open_: float, close: float, volume: float = 1000.0, **more) -> Bar:
    high, low = max(open_, close), min(open_, close)
    return Bar("X", START + i * MINUTE, open_, high, low, close, volume, MINUTE, **more)


def quoted(half: float, price: float = 100.0) -> Quote:
    return Quote("X", START, price * (1 - half), price * (1 + half))


@pytest.mark.parametrize("case", GOLDEN["edge"], ids=lambda c: f"spread {c['true']}")
def test_edge_is_that_of_its_authors_package(case) -> None:
    """bidask 2.1.0."""
    table = np.array(case["ohlc"]).T
    assert edge_spread(*table) == pytest.approx(case["edge120"], abs=1e-12)
    assert edge_spread(*table, signed=True) == pytest.approx(case["edge120_signed"], abs=1e-12)
    scaled = edge_spread(*(table * 1000))
    assert scaled == pytest.approx(case["edge120"], rel=1e-9)


def test_roll_is_the_closed_form() -> None:
    case = GOLDEN["roll"]
    assert roll_spread(case["p"]) == pytest.approx(case["spread"], abs=1e-9)
    assert roll_spread(np.arange(10.0)) == 0.0
    assert math.isnan(roll_spread([1.0, 2.0]))


def test_spreads_of_degenerate_bars_are_unknown_and_gaps_do_not_matter() -> None:
    flat = np.full(50, 100.0)
    assert math.isnan(edge_spread(flat, flat, flat, flat))
    assert math.isnan(edge_spread(flat[:2], flat[:2], flat[:2], flat[:2]))
    table = np.array(GOLDEN["edge"][2]["ohlc"]).T
    table[:, 30] = math.nan
    assert edge_spread(*table) == pytest.approx(0.03, abs=0.01)
    with pytest.raises(FixInput):
        edge_spread(flat, flat, flat, flat[:3])


def test_an_unknown_market_costs_the_fallback_and_never_more_than_the_cap() -> None:
    model = SlippageModel()
    estimate = model.predict("X", 1e9)
    assert (estimate.total, estimate.source) == (0.0010, "unknown")
    assert not model.known("X")
    model.observe(quoted(0.0005))
    for i in range(30):
        model.observe(bar(i, 100, 101 if i % 2 else 99))
    assert model.predict("X", 1e12).total == model.settings.cap
    assert model.predict("X", math.nan).total == model.settings.cap
    assert model.predict("X", math.inf).total == model.settings.cap


def test_the_cost_is_the_half_spread_and_the_square_root_law() -> None:
    model = SlippageModel()
    for i in range(200):
        model.observe(quoted(0.0002))
        model.observe(bar(i, 100.0, 100.0 * math.exp(0.001 if i % 2 else -0.001), 5000))
    estimate = model.predict("X", -500)
    assert estimate.half_spread == pytest.approx(0.0002, rel=1e-3)
    assert estimate.impact == pytest.approx(0.7 * 0.001 * math.sqrt(0.1), rel=1e-9)
    assert estimate.total == estimate.half_spread + estimate.impact
    assert estimate.established
    assert not model.predict("X", 501).established
    assert model.predict("X", 0).impact == 0.0


def test_a_spread_from_bars_grows_with_the_regime() -> None:
    case = np.array(GOLDEN["edge"][1]["ohlc"])
    model = SlippageModel()
    for i, row in enumerate(case):
        model.observe(Bar("X", START + i * MINUTE, *row, 100.0, MINUTE))
    calm = model.predict("X", 0)
    assert calm.source == "bars"
    assert calm.half_spread == pytest.approx(0.0053, rel=0.3)
    for i in range(9):  # fewer than the refresh of the estimate: only the regime moves
        model.observe(bar(200 + i, 50, 55))
    wild = model.predict("X", 0)
    assert wild.regime > 1.5
    assert wild.half_spread == pytest.approx(calm.raw_half_spread * wild.regime**0.5, rel=0.2)


@settings(max_examples=60, deadline=None)
@given(
    records=st.lists(
        st.one_of(
            st.builds(
                Bar,
                st.just("X"),
                st.just(START),
                *[st.floats(allow_nan=True, allow_infinity=True)] * 5,
                st.sampled_from([MINUTE, timedelta(days=1)]),
                st.booleans(),
            ),
            st.builds(Quote, st.just("X"), st.just(START), st.floats(), st.floats()),
            st.builds(Trade, st.just("X"), st.just(START), st.floats(), st.floats()),
        ),
        max_size=30,
    ),
    quantity=st.floats(),
)
def test_no_record_can_break_a_prediction(records, quantity) -> None:
    model = SlippageModel()
    for record in records:
        model.observe(record)
    total = model.predict("X", quantity).total
    assert 0.0 <= total <= model.settings.cap


@given(st.lists(st.floats(90, 110), min_size=2, max_size=50), st.floats(0, 1e6), st.floats(1, 4))
def test_a_larger_order_never_costs_less(prices, quantity, times) -> None:
    model = SlippageModel()
    for i, (first, last) in enumerate(itertools.pairwise(prices)):
        model.observe(bar(i, first, last))
    assert model.predict("X", quantity * times).total >= model.predict("X", quantity).total


def fills(n: int, spread: float, impact: float, seed: int = 0, noise: float = 3e-4):
    rng = np.random.default_rng(seed)
    half, pressure = rng.uniform(1e-4, 5e-4, n), rng.uniform(0, 1e-3, n)
    cost = spread * half + impact * pressure + rng.normal(0, noise, n)
    return [
        OwnFill(float(c), float(h), float(p), noise)
        for c, h, p in zip(cost, half, pressure, strict=True)
    ]


def test_many_fills_find_the_coefficients_and_few_stay_with_the_prior() -> None:
    fit = fit_coefficients(fills(5000, 0.8, 1.2))
    assert fit.spread == pytest.approx(0.8, abs=4 * fit.spread_error)
    assert fit.impact == pytest.approx(1.2, abs=4 * fit.impact_error)
    assert fit.spread_error < 0.03
    assert fit.scale == pytest.approx(1.0, rel=0.05)
    few = fit_coefficients(fills(5, 0.0, 3.0))
    assert few.spread == pytest.approx(1.0, abs=0.3)
    none = fit_coefficients([])
    assert (none.spread, none.impact, none.fills) == (1.0, 0.7, 0)


def test_a_tenth_of_wild_fills_hardly_moves_the_coefficients() -> None:
    clean = fills(1000, 1.0, 0.7, seed=3)
    wild = [OwnFill(0.05, f.half_spread, f.pressure, f.noise) for f in clean[:100]] + clean[100:]
    fit = fit_coefficients(wild)
    assert fit.outliers >= 100
    assert fit.spread == pytest.approx(1.0, abs=0.25)
    assert fit.impact == pytest.approx(0.7, abs=0.2)
    rows = np.array([(f.half_spread, f.pressure) for f in wild])
    plain = np.linalg.lstsq(rows, [f.cost for f in wild], rcond=None)[0]
    assert abs(plain[0] - 1.0) > 5.0


def test_degenerate_fills_have_answers() -> None:
    same = fit_coefficients([OwnFill(0.0002, 0.0002, 0.0)] * 50)
    assert same.spread == pytest.approx(1.0, abs=1e-6)
    assert same.impact == pytest.approx(0.7)
    assert fit_coefficients([OwnFill(0.0, 0.0, 0.0)] * 9).spread == 1.0
    broken = fit_coefficients([OwnFill(math.nan, 1, 1), OwnFill(1, 1, 1, 0.0)])
    assert (broken.fills, broken.left_out) == (0, 2)
    negative = fit_coefficients([OwnFill(-0.01, 0.001, 0.001, 1e-5)] * 500)
    assert negative.spread == 0.0
    with pytest.raises(FixInput):
        fit_coefficients([], prior=(-1.0, 0.0))
    with pytest.raises(FixSettings):
        SlippageSettings(cap=2.0)


def test_a_model_learns_from_its_own_fills() -> None:
    model = SlippageModel()
    for i in range(100):
        model.observe(quoted(0.0004))
        model.observe(bar(i, 100.0, 100.0 * math.exp(0.002 if i % 2 else -0.002), 5000))
    rng = np.random.default_rng(1)
    own = []
    for _ in range(2000):
        quantity, side = float(rng.uniform(10, 500)), int(rng.choice([-1, 1]))
        seen = model.predict("X", quantity)
        cost = 0.5 * seen.raw_half_spread + 1.5 * seen.pressure + rng.normal(0, 1e-4)
        own.append(model.own_fill("X", quantity, side, 100 * (1 + side * cost), 100.0))
    learned = model.calibrated(own)
    assert learned.settings.spread == pytest.approx(0.5, abs=0.1)
    assert learned.settings.impact == pytest.approx(1.5, abs=0.1)
    assert learned.known("X")
    assert model.settings.spread == 1.0
