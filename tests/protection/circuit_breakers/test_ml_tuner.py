"""The tuner: promised names, bounds that hold for any market, honest fallbacks, restarts."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protection.circuit_breakers.ml_tuner import LOOSEN, MLCircuitBreakerTuner
from protection.circuit_breakers.tuning.profiles import EVENTS, EXCHANGES, ExchangeProfile
from protection.contracts.errors import RecoverState, UpgradeSoftware

MARKET = {
    "exchange_latency": 20,
    "exchange_volume": 5000,
    "exchange_volatility": 0.05,
    "regime_vix": 20,
}
NAMES = ("volatility_threshold", "latency_spike_ms", "order_imbalance_ratio", "cooling_period")
NUMBERS = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([0, -1, 1e-300, 1e300])
)


def test_it_answers_as_promised_without_arguments_or_network() -> None:
    params = MLCircuitBreakerTuner().predict(MARKET)
    for name in NAMES:
        assert params[name] == getattr(params, name) > 0
    assert set(params) == set(NAMES)
    assert params.source == "har"


@pytest.mark.parametrize("model", ["har", "gat", "static"])
@settings(max_examples=30, deadline=None)
@given(
    values=st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS),
    venue=st.sampled_from(sorted(EXCHANGES)),
    events=st.lists(st.sampled_from(sorted(EVENTS)), max_size=4),
    moves=st.lists(st.floats(-0.5, 0.5), max_size=30),
)
def test_learned_thresholds_stay_inside_the_bounds_set_by_hand(
    model: str, values: tuple[float, ...], venue: str, events: list[str], moves: list[float]
) -> None:
    tuner = MLCircuitBreakerTuner(venue, model=model)
    for move in moves:
        tuner.observe(move, latency_ms=abs(move) * 100, imbalance=1 + abs(move))
    market = dict(zip(MARKET, values, strict=True))
    static = tuner.static()
    for params in (tuner.predict(market, events=events), tuner.adjust(market, events=events)):
        for name in NAMES:
            assert 0.5 * static[name] - 1e-12 <= params[name] <= 1.5 * static[name] + 1e-12


@pytest.mark.parametrize("bad", [math.nan, math.inf, 0.0, -1.0])
@pytest.mark.parametrize("key", list(MARKET))
def test_unusable_input_leaves_the_static_threshold_and_says_so(key: str, bad: float) -> None:
    tuner = MLCircuitBreakerTuner()
    params = tuner.predict(MARKET | {key: bad})
    assert params.source == "static"
    assert params.volatility_threshold == tuner.static().volatility_threshold
    assert any(key in reason for reason in params.reasons)


def test_missing_unknown_and_odd_keys_are_named_with_their_unit() -> None:
    tuner = MLCircuitBreakerTuner()
    with pytest.raises(ValueError, match=r"regime_vix .points"):
        tuner.predict({key: MARKET[key] for key in list(MARKET)[:3]})
    with pytest.raises(ValueError, match="'vix'"):
        tuner.predict(MARKET | {"vix": 20})
    with pytest.raises(ValueError, match=r"exchange_latency to be a number .milliseconds"):
        tuner.predict(MARKET | {"exchange_latency": "20"})


def test_a_quiet_market_tightens_at_once_and_a_wild_one_loosens_slowly() -> None:
    tuner = MLCircuitBreakerTuner()
    static = tuner.static().volatility_threshold
    quiet = tuner.adjust(MARKET | {"exchange_volatility": 0.003, "regime_vix": 8})
    assert quiet.volatility_threshold == pytest.approx(0.5 * static)
    before = quiet.volatility_threshold
    for _ in range(10):
        wild = tuner.adjust(MARKET | {"exchange_volatility": 0.2, "regime_vix": 80})
        assert wild.volatility_threshold <= before + LOOSEN * static + 1e-12
        before = wild.volatility_threshold
    assert before > quiet.volatility_threshold


def test_events_only_tighten() -> None:
    tuner = MLCircuitBreakerTuner()
    plain = tuner.predict(MARKET | {"exchange_volatility": 0.012, "regime_vix": 15})
    for name in EVENTS:
        tight = tuner.predict(
            MARKET | {"exchange_volatility": 0.012, "regime_vix": 15}, events=[name]
        )
        assert tight.volatility_threshold <= plain.volatility_threshold
        assert tight.latency_spike_ms <= plain.latency_spike_ms
        assert tight.order_imbalance_ratio <= plain.order_imbalance_ratio
        assert tight.cooling_period >= plain.cooling_period


def test_without_weights_the_graph_model_falls_back_and_says_so(tmp_path: Path) -> None:
    params = MLCircuitBreakerTuner(model="gat", weights=tmp_path).predict(MARKET)
    assert params.source == "har"
    assert any("no weights" in reason for reason in params.reasons)


def test_learned_latency_and_imbalance_come_from_their_own_past() -> None:
    tuner = MLCircuitBreakerTuner(alpha=0.05)
    rng = np.random.default_rng(0)
    for _ in range(400):
        tuner.observe(
            0.01 * rng.standard_normal(),
            latency_ms=float(40 * np.exp(0.1 * rng.standard_normal())),
            imbalance=float(2 + rng.random()),
        )
    params = tuner.predict(MARKET)
    assert 40 < params.latency_spike_ms < 60
    assert 2.8 < params.order_imbalance_ratio <= 3.1
    assert params.reasons == ()


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 199))
def test_a_restart_forgets_nothing_and_the_future_changes_nothing(seed: int, cut: int) -> None:
    profile = ExchangeProfile("mine", 0.01, period=2)
    moves = 0.01 * np.random.default_rng(seed).standard_t(4, 200)

    def run(values: Any, stop: int) -> tuple[MLCircuitBreakerTuner, list[float]]:
        tuner, seen = MLCircuitBreakerTuner(profile, alpha=0.05), []
        for index, move in enumerate(values[:stop]):
            if index == cut:
                state = json.loads(json.dumps(tuner.snapshot()))
                tuner = MLCircuitBreakerTuner(profile, alpha=0.05)
                tuner.restore(state)
            tuner.observe(float(move))
            seen.append(tuner.adjust(MARKET).volatility_threshold)
        return tuner, seen

    straight = MLCircuitBreakerTuner(profile, alpha=0.05)
    wanted = []
    for move in moves:
        straight.observe(float(move))
        wanted.append(straight.adjust(MARKET).volatility_threshold)
    tuner, seen = run(moves, 200)
    assert seen == wanted
    assert tuner.snapshot() == straight.snapshot()
    garbage = moves.copy()
    garbage[cut:] = 0.4
    assert run(garbage, 200)[1][:cut] == wanted[:cut]


def test_state_of_another_venue_or_a_later_version_is_refused() -> None:
    state = MLCircuitBreakerTuner("cme").snapshot()
    with pytest.raises(RecoverState, match="cme"):
        MLCircuitBreakerTuner("nyse").restore(state)
    with pytest.raises(UpgradeSoftware):
        MLCircuitBreakerTuner("cme").restore(state | {"version": 99})
    with pytest.raises(RecoverState, match="unreadable"):
        MLCircuitBreakerTuner("cme").restore(state | {"history": None})


def test_observations_that_are_no_numbers_teach_nothing() -> None:
    tuner = MLCircuitBreakerTuner()
    before = tuner.snapshot()
    assert not tuner.observe(math.nan, latency_ms=math.inf, imbalance=0.5)
    assert tuner.snapshot() == before


def test_the_shipped_default_crosses_its_threshold_about_as_often_as_wanted() -> None:
    """A synthetic series with changing volatility; the docs have the table on real data."""
    profile = ExchangeProfile("mine", 0.01, period=1)
    tuner = MLCircuitBreakerTuner(profile, alpha=0.05)
    rng = np.random.default_rng(2)
    level, crossed = np.log(0.01), []
    for _ in range(4000):
        level += 0.05 * (np.log(0.01) - level) + 0.1 * rng.standard_normal()
        move = float(np.exp(level) * rng.standard_normal())
        pending = tuner.snapshot()["pending"]
        calibrated = tuner._scores.calibrated
        before = tuner._scores.errors
        tuner.observe(move)
        if pending and calibrated:
            crossed.append(tuner._scores.errors - before)
    assert np.mean(crossed) == pytest.approx(0.05, rel=0.2)
