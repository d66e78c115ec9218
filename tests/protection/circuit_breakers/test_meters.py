"""Meters: market-wide halts by the rules of the exchanges, limit states, silent feeds."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from protection.circuit_breakers.meters import (
    Cadence,
    LimitState,
    MarketWide,
    NewsCalendar,
)
from protection.contracts import Action, FixInput, Statistic

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


def test_a_source_that_is_seldom_heard_is_given_its_own_time() -> None:
    seldom, often = Cadence(timedelta(minutes=1)), Cadence(timedelta(minutes=1))
    for number in range(40):
        often.heard(minutes(number))
        seldom.heard(minutes(5 * number))

    assert often.expected == timedelta(minutes=1)
    assert seldom.expected == timedelta(minutes=5)
    assert often.value(minutes(39 + 4)) == pytest.approx(4.0)
    assert seldom.value(minutes(195 + 4)) == pytest.approx(0.8)


def test_one_long_gap_and_the_night_teach_nothing() -> None:
    meter = Cadence(timedelta(minutes=1))
    for number in range(60):
        meter.heard(minutes(number))
    meter.heard(minutes(90))
    assert meter.expected == timedelta(minutes=1)
    meter.pause()
    assert meter.value(minutes(1000)) == 0
    meter.heard(minutes(1440))
    assert meter.expected == timedelta(minutes=1)
    assert meter.value(minutes(1442)) == pytest.approx(2.0)


def test_what_was_seldom_a_hundred_messages_ago_is_forgotten() -> None:
    meter, now = Cadence(timedelta(minutes=1)), TEN
    for step in [5] * 100 + [1] * 100:
        meter.heard(now)
        now += timedelta(minutes=step)
    meter.heard(now)

    assert meter.expected == timedelta(minutes=1)


CALENDAR = """
# the Fed, then earnings
2020-03-18T14:00:00-04:00, 30, 60   # times with their zone
2020-03-16T10:30:00-04:00, 15, 120, AAPL
2020-03-16T14:00:00Z,0,1
"""


def test_a_calendar_says_in_whose_window_a_moment_lies() -> None:
    calendar = NewsCalendar.read(CALENDAR)

    assert calendar.inside(TEN - timedelta(seconds=1)) == set()
    assert calendar.inside(TEN) == {"portfolio"}
    assert calendar.inside(minutes(1)) == set()  # the end is outside
    assert calendar.inside(minutes(15)) == {"AAPL"}
    assert calendar.inside(minutes(149)) == {"AAPL"}
    assert calendar.inside(minutes(150)) == set()
    assert calendar.inside(datetime(2020, 3, 18, 17, 30, tzinfo=UTC)) == {"portfolio"}
    assert NewsCalendar.read("").inside(TEN) == set()


@pytest.mark.parametrize(
    "line",
    [
        "2020-03-18T14:00:00, 30, 60",
        "2020-03-18, 30, 60",
        "tomorrow, 30, 60",
        "2020-03-18T14:00:00Z, 30",
        "2020-03-18T14:00:00Z, 0, 0",
        "2020-03-18T14:00:00Z, -5, 60",
        "2020-03-18T14:00:00Z, nan, 60",
        "2020-03-18T14:00:00Z, 30, 1e300",
        "2020-03-18T14:00:00Z, 30, 60, AAPL, MSFT",
        "2020-03-18T14:00:00Z, 30, 60,",
    ],
)
def test_a_line_that_is_no_announcement_is_named(line: str) -> None:
    with pytest.raises(FixInput, match="line 2 of the calendar"):
        NewsCalendar.read("# head\n" + line)
