"""What holds for every indicator: reset, forward-only time, constant prices, prefixes."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine.indicators as indicators
from engine.algorithm.indicator_table import Overload, overloads
from engine.indicators import (
    BollingerBands,
    ExponentialMovingAverage,
    RelativeStrengthIndex,
    SimpleMovingAverage,
    StandardDeviation,
    Sum,
    Variance,
)
from engine.indicators.base import IndicatorBase
from engine.types.bars import TradeBar
from engine.types.enums import MovingAverageType, SwissArmyKnifeTool
from engine.types.symbol import Symbol

START = datetime(2020, 1, 1)
DAY = timedelta(days=1)
NUMBERS = {"i": 5, "n": 5, "d": 0.5, "b": True, "k": SwissArmyKnifeTool.GAUSS}


def _instance(overload: Overload) -> IndicatorBase:
    values: list[Any] = []
    whole = 0
    for parameter in overload.parameters:
        if parameter.kind == "i" and parameter.required:
            whole += 1
            values.append(3 + 2 * whole)  # rising: the slow period comes after the fast one
        elif parameter.kind == "m" and parameter.required:
            values.append(MovingAverageType.SIMPLE)
        else:
            values.append(NUMBERS[parameter.kind] if parameter.required else parameter.default)
    if overload.method == "frama":
        values[0] = 6
    if overload.method == "arima":
        values[:4] = [2, 1, 2, 30]
    if overload.method in ("aroon", "dch") and len(values) == 1:
        values *= 2
    made: IndicatorBase = overload.made(*values)
    return made


CASES = [(f"{name}-{i}", one) for name, made in overloads().items() for i, one in enumerate(made)]


def _bars(count: int, seed: int = 7) -> list[TradeBar]:
    """Return a path of bars from a fixed recurrence."""
    bars, price, state = [], 100.0, seed
    for i in range(count):
        state = (1103515245 * state + 12345) % 2**31
        move = (state / 2**31 - 0.5) * 2
        opening, price = price, max(5.0, price + move)
        high, low = max(opening, price) + abs(move) / 3 + 0.01, min(opening, price) - 0.02
        time = START + i * DAY
        volume = float(1000 + state % 500)
        bars.append(TradeBar(time, Symbol.EMPTY, opening, high, low, price, volume, DAY))
    return bars


def _trace(indicator: IndicatorBase, bars: list[TradeBar]) -> list[tuple[float, bool, int]]:
    found = []
    for bar in bars:
        indicator.update(bar)
        found.append((indicator.current.value, indicator.is_ready, indicator.samples))
    return found


@pytest.mark.parametrize("overload", [one for _, one in CASES], ids=[name for name, _ in CASES])
def test_a_reset_indicator_repeats_its_first_run(overload: Overload) -> None:
    indicator, bars = _instance(overload), _bars(130)
    first = _trace(indicator, bars)
    indicator.reset()
    assert (indicator.samples, indicator.current.value) == (0, 0.0)
    # LEAN's parabolic stop forgets its acceleration only
    assert _trace(indicator, bars) == first
    assert all(math.isfinite(value) for value, _, _ in first)


@pytest.mark.parametrize("overload", [one for _, one in CASES], ids=[name for name, _ in CASES])
def test_an_indicator_is_ready_within_its_warm_up_period(overload: Overload) -> None:
    indicator = _instance(overload)
    if isinstance(indicator, indicators.RelativeDailyVolume):
        assert not hasattr(indicator, "warm_up_period")  # it counts days; LEAN gives it none either
        return
    period = indicator.warm_up_period  # type: ignore[attr-defined]
    assert period > 0
    assert _trace(indicator, _bars(period))[-1][1]


@pytest.mark.parametrize("overload", [one for _, one in CASES], ids=[name for name, _ in CASES])
def test_a_bar_of_the_past_changes_nothing(overload: Overload) -> None:
    indicator, bars = _instance(overload), _bars(60)
    _trace(indicator, bars)
    before = (indicator.current.value, indicator.samples)
    indicator.update(bars[10])
    assert (indicator.current.value, indicator.samples) == before


prices = st.floats(min_value=0.01, max_value=5000, allow_nan=False).map(lambda x: round(x, 2))


@given(price=prices, period=st.integers(2, 60), before=st.lists(prices, max_size=80))
@settings(max_examples=60, deadline=None)
def test_constant_prices_have_no_deviation_and_are_their_own_mean(
    price: float, period: int, before: list[float]
) -> None:
    made = [kind(period) for kind in (SimpleMovingAverage, StandardDeviation, Variance, Sum)]
    bands, rsi = BollingerBands(period, 2), RelativeStrengthIndex(period)
    for i, value in enumerate([*before, *[price] * (period + 1)]):
        for one in (*made, bands, rsi):
            one.update(START + i * DAY, value)
    mean, deviation, variance, total = (one.current.value for one in made)
    assert (mean, deviation, variance) == (price, 0.0, 0.0)
    assert total == price * period
    assert bands.upper_band.current.value == bands.lower_band.current.value == price


@given(values=st.lists(prices, min_size=1, max_size=300), period=st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_rolling_sums_do_not_drift(values: list[float], period: int) -> None:
    total, mean, variance = Sum(period), SimpleMovingAverage(period), Variance(period)
    for i, value in enumerate(values):
        for one in (total, mean, variance):
            one.update(START + i * DAY, value)
        window = values[max(0, i + 1 - period) : i + 1]
        exact = math.fsum(window)
        assert total.current.value == pytest.approx(exact, rel=1e-15)
        assert mean.current.value == pytest.approx(exact / len(window), rel=1e-15)
        centre = exact / len(window)
        spread = math.fsum((x - centre) ** 2 for x in window) / len(window)
        scale = max(window) ** 2
        assert variance.current.value == pytest.approx(spread, rel=1e-9, abs=1e-15 * scale)


@given(values=st.lists(prices, min_size=1, max_size=60), period=st.integers(1, 20))
@settings(max_examples=60, deadline=None)
def test_an_exponential_average_follows_its_recurrence(values: list[float], period: int) -> None:
    average, factor, expected = ExponentialMovingAverage(period), 2 / (period + 1), 0.0
    for i, value in enumerate(values):
        average.update(START + i * DAY, value)
        if i + 1 == period:
            expected = math.fsum(values[:period]) / period
        elif i + 1 > period:
            expected = value * factor + expected * (1 - factor)
        assert average.current.value == pytest.approx(expected, rel=1e-12)
        assert average.is_ready == (i + 1 >= period)


def test_every_public_name_is_an_indicator_or_known_helper() -> None:
    helpers = {"Field", "IndicatorExtensions", "RollingWindow", "IndicatorResult"}
    helpers |= {"IndicatorHistory", "IndicatorDataPoints", "PivotPoint", "PivotPointsEventArgs"}
    helpers |= {"TomDemarkSequentialPhase"}
    for name in set(indicators.__all__) - helpers:
        assert issubclass(getattr(indicators, name), IndicatorBase), name
