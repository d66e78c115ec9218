"""Meters: market-wide halts by the rules of the exchanges, limit states, silent feeds."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from protection.circuit_breakers.meters import Cadence, LimitState, MarketWide
from protection.contracts import Action, Statistic

TEN = datetime(2020, 3, 16, 14, 0, tzinfo=UTC)  # 10:00 in New York


def minutes(number: float) -> datetime:
    return TEN + timedelta(minutes=number)


def test_the_first_two_levels_halt_for_a_quarter_of_an_hour_once_a_day() -> None:
    meter = MarketWide()
    assert meter.update(TEN, 93.1, 100.0) == 0
    assert meter.update(minutes(1), 93.0, 100.0) == 1
    assert meter.update(minutes(15), 92.0, 100.0) == 1
    assert meter.update(minutes(16), 92.0, 100.0) == 0  # once a day
    assert meter.update(minutes(20), 87.0, 100.0) == 2
    assert meter.update(minutes(36), 87.0, 100.0) == 0
    assert meter.update(minutes(40), 80.0, 100.0) == 3
    assert meter.update(minutes(300), 99.0, 100.0) == 3
    assert meter.update(TEN + timedelta(days=1), 99.0, 80.0) == 0


@pytest.mark.parametrize(("price", "level"), [(92.0, 0), (86.0, 0), (80.0, 3)])
def test_late_in_the_day_only_the_third_level_halts(price: float, level: int) -> None:
    assert MarketWide().update(minutes(325), price, 100.0) == level


def test_a_gap_through_several_levels_takes_the_deepest() -> None:
    meter = MarketWide()
    assert meter.update(TEN, 86.0, 100.0) == 2
    assert meter.update(minutes(16), 92.0, 100.0) == 0


@pytest.mark.parametrize("price", [math.nan, math.inf, 0.0, -37.63])
def test_an_impossible_price_is_no_level(price: float) -> None:
    assert math.isnan(MarketWide().update(TEN, price, 100.0))


def test_the_gauge_halts_while_the_market_does(world) -> None:
    world.system.evaluate(world.portfolio())
    meter = MarketWide()
    for step, price in ((0, 92.0), (14, 92.0), (16, 92.0)):
        world.clock.set(max(world.clock.now(), minutes(step)))
        value = meter.update(minutes(step), price, 100.0)
        world.system.observe(Statistic("portfolio", world.clock.now(), "market_wide", value))
        verdict = world.system.evaluate(world.portfolio())
        assert (verdict.state is Action.HALT) == (step < 16)


def test_a_price_at_a_band_counts_after_fifteen_seconds() -> None:
    meter = LimitState()
    assert meter.update(TEN, 95.0, (95.0, 105.0)) == 0
    assert meter.update(TEN + timedelta(seconds=15), 95.0, (95.0, 105.0)) == 0
    assert meter.update(TEN + timedelta(seconds=16), 94.0, (95.0, 105.0)) == 1
    assert meter.update(TEN + timedelta(seconds=17), 96.0, (95.0, 105.0)) == 0
    assert meter.update(TEN + timedelta(seconds=40), 200.0, None) == 0


def test_silence_is_measured_in_expected_times() -> None:
    meter = Cadence(timedelta(seconds=10))
    assert meter.value(minutes(60)) == 0
    meter.heard(TEN)
    assert meter.value(TEN + timedelta(seconds=31)) == pytest.approx(3.1)
