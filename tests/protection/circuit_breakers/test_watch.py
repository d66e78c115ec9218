"""What is seen of one symbol."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protection.circuit_breakers.watch import (
    FlashMeter,
    SymbolWatch,
    VolatilityMeter,
    record_fault,
)
from protection.contracts import Bar, Quote, Trade
from protection.contracts.settings import FlashSettings, VolatilitySettings

START = datetime(2020, 1, 6, 15, tzinfo=UTC)
VOLATILITY = VolatilitySettings()
MINUTE = timedelta(minutes=1)


def ratio_by_numpy(closes: list[float], fast: int = 5, slow: int = 20) -> float:
    squares = np.diff(np.log(closes)) ** 2
    if len(squares) < fast + slow:
        return 0.0
    return float(np.sqrt(squares[-fast:].mean()) / np.sqrt(squares[-fast - slow : -fast].mean()))


def test_the_ratio_of_daily_bars_equals_the_formula_on_spy(lean_data: Path) -> None:
    with ZipFile(lean_data / "equity" / "usa" / "daily" / "spy.zip") as archive:
        lines = archive.read(archive.namelist()[0]).decode().splitlines()[:1500]
    closes = [float(line.split(",")[4]) / 1e4 for line in lines]
    meter, largest = VolatilityMeter(VOLATILITY), 0.0
    for number, close in enumerate(closes):
        day = (START + timedelta(days=number)).date()
        ratio = meter.update(close, day)
        # the first close has no return, so the first full window needs one session more
        if number > 25:
            assert ratio == pytest.approx(ratio_by_numpy(closes[: number + 1]), rel=1e-9)
            largest = max(largest, ratio)
    assert largest > 2.0  # the rule has something to do on real prices


def test_minute_bars_count_into_their_session_and_show_a_storm_at_once() -> None:
    meter, price = VolatilityMeter(VOLATILITY), 100.0
    for day in range(30):
        for step in range(20):
            price *= 1.001 if step % 2 else 1 / 1.001
            ratio = meter.update(price, (START + timedelta(days=day)).date())
    assert ratio == pytest.approx(1.0, abs=0.1)

    for step in range(20):
        price *= 1.02 if step % 2 else 1 / 1.02
        ratio = meter.update(price, (START + timedelta(days=30)).date())
        if ratio > 2.0:
            break
    assert step < 10


@given(st.lists(st.floats(1.0, 1000.0), min_size=2, max_size=60), st.integers(1, 59))
@settings(max_examples=60)
def test_a_restart_at_a_sessions_end_keeps_the_ratio(closes: list[float], cut: int) -> None:
    straight, broken = VolatilityMeter(VOLATILITY), VolatilityMeter(VOLATILITY)
    for number, close in enumerate(closes):
        day = (START + timedelta(days=number)).date()
        if number == cut:
            state = json.loads(json.dumps(broken.snapshot()))
            broken = VolatilityMeter(VOLATILITY)
            broken.restore(state)
        assert broken.update(close, day) == straight.update(close, day)


@given(
    st.lists(st.tuples(st.floats(1.0, 1000.0), st.booleans()), min_size=2, max_size=40),
    st.integers(1, 4),
    st.integers(2, 6),
    st.integers(0, 39),
)
@settings(max_examples=150)
def test_the_ratio_is_that_of_a_recount_of_all_sessions_also_after_restarts(
    closes: list[tuple[float, bool]], fast: int, slow: int, cut: int
) -> None:
    plan = VolatilitySettings(fast_sessions=fast, slow_sessions=slow)
    meter, sessions, last, day = VolatilityMeter(plan), [[]], 0.0, START.date()
    for number, (close, begins) in enumerate(closes):
        if begins and sessions[-1]:
            sessions.append([])
            day += timedelta(days=1)
        sessions[-1].append(math.log(close / last) if last else 0.0)
        last = close
        if number == cut:
            state = json.loads(json.dumps(meter.snapshot()))
            meter = VolatilityMeter(plan)
            meter.restore(state)
            assert meter.snapshot() == state
        found = meter.update(close, day)
        each = [sum(step * step for step in session) for session in sessions]
        normal, present = each[: max(0, len(each) - fast)][-slow:], each[-fast:]
        expected = 0.0
        if len(normal) == slow and sum(normal) > 0.0:
            expected = math.sqrt(sum(present) / fast) / math.sqrt(sum(normal) / slow)
        assert found == pytest.approx(expected, rel=1e-12)
        assert found == meter.ratio


def bar(minute: int, open_: float, high: float, low: float, close: float, **kw) -> Bar:
    return Bar("SPY", START + minute * MINUTE, open_, high, low, close, period=MINUTE, **kw)


def test_a_flash_move_is_seen_within_and_between_bars_and_fades_after_the_span() -> None:
    meter = FlashMeter(FlashSettings())
    assert meter.update(bar(0, 100, 100, 100, 100)) == 0.0
    assert meter.update(bar(1, 100, 100, 94, 99)) == pytest.approx(100 / 94 - 1)
    assert meter.update(bar(2, 99, 104, 99, 104)) == pytest.approx(104 / 99 - 1)
    assert meter.value(START + 3 * MINUTE) > 0.05
    assert meter.value(START + 3 * MINUTE + timedelta(seconds=1)) == 0.0


def test_gaps_over_night_and_long_bars_are_no_flash_move() -> None:
    meter = FlashMeter(FlashSettings())
    meter.update(bar(0, 100, 100, 100, 100))

    assert meter.update(bar(1080, 80, 80, 80, 80)) == 0.0
    day = Bar("SPY", START + timedelta(days=2), 100, 120, 70, 80)
    assert meter.update(day) == 0.0


@given(st.lists(st.tuples(st.integers(0, 40), st.floats(50, 200)), min_size=1, max_size=50))
@settings(max_examples=80)
def test_ticks_give_the_largest_move_from_any_price_of_the_last_minute(
    ticks: list[tuple[int, float]],
) -> None:
    meter, seen, time = FlashMeter(FlashSettings()), [], START
    for seconds, price in ticks:
        time += timedelta(seconds=seconds)
        seen.append((time, price))
        recent = [p for t, p in seen if t >= time - MINUTE]
        expected = max(price / min(recent) - 1, 1 - price / max(recent))
        assert meter.update(Trade("SPY", time, price)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    "record",
    [
        bar(0, math.nan, 1, 1, 1),
        bar(0, 1, math.inf, 1, 1),
        bar(0, 1, 1, 0, 1),
        bar(0, 1, 1, -37.63, 1),
        bar(0, 2, 1, 1, 1),
        bar(0, 1, 1, 1, 0.5),
        Quote("SPY", START, 101, 100),
        Quote("SPY", START, 0, 100),
        Trade("SPY", START, math.nan),
        Trade("SPY", START, 0),
    ],
)
def test_impossible_records_are_named(record) -> None:
    assert record_fault(record)


def test_good_records_pass_and_late_or_early_ones_do_not() -> None:
    watch = SymbolWatch("SPY", VOLATILITY, FlashSettings())
    first = Trade("SPY", START, 100)
    assert watch.judge(first, START) == ""
    watch.take(first, START.date())

    assert "from" in watch.judge(Trade("SPY", START - MINUTE, 100), START)
    assert "up to" in watch.judge(Trade("SPY", START + MINUTE, 100), START)
    assert "time zone" in watch.judge(Trade("SPY", datetime(2020, 1, 6), 100), START)
    # another kind of record of the same symbol may lag behind
    assert watch.judge(Quote("SPY", START - MINUTE, 99, 100), START) == ""


def test_a_filled_forward_bar_is_no_sign_of_life() -> None:
    watch = SymbolWatch("SPY", VOLATILITY, FlashSettings())
    watch.take(bar(0, 100, 100, 100, 100), START.date())
    watch.take(bar(1, 100, 100, 100, 100, filled_forward=True), START.date())

    assert watch.time == START
