"""The base of the indicators: inputs, windows, events, names, comparisons, Python indicators."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from engine.indicators import (
    AverageTrueRange,
    BollingerBands,
    Delay,
    ExponentialMovingAverage,
    Identity,
    IndicatorExtensions,
    IntradayVwap,
    Maximum,
    PythonIndicator,
    RollingWindow,
    SimpleMovingAverage,
)
from engine.types.bars import DATE_MIN, IndicatorDataPoint, QuoteBar, TradeBar
from engine.types.errors import ArgumentException, InvalidOperationException
from engine.types.symbol import Symbol

START = datetime(2021, 3, 1)
MINUTE = timedelta(minutes=1)


def bar(i: int, close: float, volume: float = 10.0) -> TradeBar:
    time = START + i * MINUTE
    return TradeBar(time, Symbol.EMPTY, close, close + 1, close - 1, close, volume, MINUTE)


def feed(indicator: Any, *values: float) -> Any:
    for i, value in enumerate(values):
        indicator.update(START + i * MINUTE, value)
    return indicator


def test_a_window_keeps_the_newest_first_and_tells_what_fell_out() -> None:
    window: RollingWindow[int] = RollingWindow[int](3)
    for value in range(5):
        window.add(value)
    assert (list(window), window.count, window.samples, window.is_ready) == ([4, 3, 2], 3, 5, True)
    assert window.most_recently_removed == 1
    assert (window[-1], window[0]) == (2, 4)


def test_an_index_beyond_the_window_makes_it_larger() -> None:
    window: RollingWindow[int] = RollingWindow(2)
    window.add(1)
    assert window[4] is None
    assert window.size == 5
    window[2] = 9
    assert list(window) == [None, None, 9] or window[2] == 9


def test_a_window_that_never_was_full_has_removed_nothing() -> None:
    window: RollingWindow[int] = RollingWindow(2)
    with pytest.raises(InvalidOperationException, match="No items have been removed"):
        _ = window.most_recently_removed
    with pytest.raises(ArgumentException, match="at least 0"):
        RollingWindow(-1)


def test_a_new_indicator_shows_zero_at_the_first_moment_of_time() -> None:
    average = SimpleMovingAverage(3)
    assert (average.current.value, average.samples, average.window.count) == (0.0, 0, 1)
    assert average.previous.value == 0.0
    assert average.current.end_time == datetime(1, 1, 1)


def test_the_window_of_an_indicator_can_grow() -> None:
    average = SimpleMovingAverage(1)
    average.window.size = 3
    feed(average, 1.0, 2.0, 3.0)
    assert [point.value for point in average.window] == [3.0, 2.0, 1.0]
    assert (average[0].value, average[1].value, average.previous.value) == (3.0, 2.0, 2.0)


def test_the_event_carries_the_indicator_and_the_new_point() -> None:
    average, seen = SimpleMovingAverage(2), []
    average.updated += lambda sender, point: seen.append((sender is average, point.value))
    feed(average, 1.0, 3.0)
    assert seen == [(True, 1.0), (True, 2.0)]


def test_the_same_point_counts_once_and_the_same_bar_twice() -> None:
    identity, point = Identity("x"), IndicatorDataPoint(START, 5.0)
    identity.update(point)
    identity.update(point)
    assert identity.samples == 1
    one = bar(0, 5.0)
    identity.update(one)
    identity.update(one)
    assert identity.samples == 3


def test_a_bar_indicator_takes_a_bar_once_and_refuses_numbers() -> None:
    atr, one = AverageTrueRange(2), bar(0, 5.0)
    atr.update(one)
    atr.update(one)
    assert atr.samples == 1
    with pytest.raises(InvalidOperationException, match="Update\\(TradeBar\\)"):
        atr.update(START, 5.0)
    with pytest.raises(ArgumentException, match="IBaseDataBar"):
        atr.update(IndicatorDataPoint(START + MINUTE, 5.0))


def test_indicators_compare_with_numbers_and_each_other() -> None:
    low, high = feed(Identity("low"), 1.0), feed(Identity("high"), 2.0)
    assert low < high
    assert high > 1.5
    assert low == 1.0
    assert low != 2.0
    assert low != high
    assert float(high) == 2.0
    assert str(feed(Identity("x"), 1.234567)) == "1.23457"


def test_dotnet_names_work_for_methods_properties_and_parts() -> None:
    bands = BollingerBands(2, 2)
    bands.Update(START, 1.0)
    bands.Update(START + MINUTE, 3.0)
    assert bands.IsReady
    assert bands.UpperBand.Current.Value == 4.0
    assert (bands.Samples, bands.Name, bands.WarmUpPeriod) == (2, "BB(2,2)", 2)


@pytest.mark.parametrize(
    ("made", "name"),
    [
        (SimpleMovingAverage(5), "SMA(5)"),
        (SimpleMovingAverage("mine", 5), "mine"),
        (ExponentialMovingAverage(5), "EMA(5)"),
        (ExponentialMovingAverage(5, 0.25), "EMA(5,0.25)"),
        (BollingerBands(20, 2.0), "BB(20,2)"),
        (BollingerBands(20, 1.5), "BB(20,1.5)"),
    ],
)
def test_default_names_are_leans(made: Any, name: str) -> None:
    assert made.name == name


def test_a_period_below_one_is_refused() -> None:
    with pytest.raises(ArgumentException, match="at least 1"):
        SimpleMovingAverage(0)


def test_a_delay_shows_the_oldest_known_value_until_it_is_ready() -> None:
    delay = Delay(2)
    seen = [feed(delay, *range(1, n + 1)) and delay.current.value for n in (1,)]
    assert seen == [1.0]
    delay.reset()
    values = []
    for i in range(5):
        delay.update(START + i * MINUTE, float(i))
        values.append(delay.current.value)
    assert values == [0.0, 0.0, 0.0, 1.0, 2.0]


def test_a_maximum_knows_how_long_ago_it_was() -> None:
    highest = Maximum(3)
    ages = []
    for i, value in enumerate((5.0, 1.0, 2.0, 3.0, 1.0)):
        highest.update(START + i * MINUTE, value)
        ages.append((highest.current.value, highest.periods_since_maximum))
    assert ages == [(5.0, 0), (5.0, 1), (5.0, 2), (3.0, 0), (3.0, 1)]


def test_a_composite_waits_for_both_sides() -> None:
    left, right = Identity("left"), Identity("right")
    total = IndicatorExtensions.plus(left, right)
    left.update(START, 1.0)
    assert total.samples == 0
    right.update(START, 2.0)
    assert (total.samples, total.current.value, total.name) == (1, 3.0, "COMPOSE(left,right)")
    left.update(START + MINUTE, 5.0)
    assert total.current.value == 3.0


def test_a_division_by_zero_keeps_the_old_value() -> None:
    left, right = Identity("left"), Identity("right")
    ratio = IndicatorExtensions.over(left, right)
    for i, (a, b) in enumerate(((4.0, 2.0), (9.0, 0.0))):
        left.update(START + i * MINUTE, a)
        right.update(START + i * MINUTE, b)
    assert (ratio.current.value, ratio.samples) == (2.0, 2)


def test_an_indicator_of_an_indicator_waits_until_the_first_is_ready() -> None:
    first = SimpleMovingAverage(2)
    second = IndicatorExtensions.of(Identity("second"), first)
    eager = IndicatorExtensions.of(Identity("eager"), first, False)
    feed(first, 1.0, 3.0)
    assert (second.samples, eager.samples) == (1, 2)
    assert IndicatorExtensions.sma(first, 4).name == "SMA4_Of_SMA(2)"


def test_the_intraday_price_starts_anew_every_day_and_skips_filled_bars() -> None:
    vwap = IntradayVwap("VWAP")
    vwap.update(bar(0, 10.0, 100))
    vwap.update(bar(1, 20.0, 300))
    assert vwap.current.value == pytest.approx(17.5)
    filled = bar(2, 99.0).clone(True)
    vwap.update(filled)
    assert vwap.current.value == pytest.approx(17.5)
    vwap.update(bar(60 * 24, 5.0, 1))
    assert vwap.current.value == pytest.approx(5.0)


class Doubled(PythonIndicator):
    """Twice the value, ready after two inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.name = "doubled"
        self.value = 0.0
        self.count = 0
        self.warm_up_period = 2

    def update(self, input: Any) -> bool:  # type: ignore[override]
        self.value = input.value * 2
        self.count += 1
        return self.count >= 2


class Plain:
    """An indicator without a base, in .NET's names."""

    def __init__(self) -> None:
        self.Name, self.Value, self.IsReady = "plain", 0.0, False

    def Update(self, data: Any) -> bool:
        self.Value, self.IsReady = data.value + 1, True
        return True


def test_a_python_indicator_is_updated_by_the_engine() -> None:
    doubled, seen = Doubled(), []
    doubled.updated += lambda sender, point: seen.append(point.value)
    doubled._push_bar(bar(0, 3.0))
    assert not doubled.is_ready
    doubled._push_bar(bar(1, 4.0))
    assert doubled.is_ready
    assert (doubled.current.value, doubled.samples, seen) == (8.0, 2, [6.0, 8.0])
    assert doubled.warm_up_period == 2


def test_a_class_without_a_base_is_wrapped() -> None:
    wrapped = PythonIndicator(Plain())
    wrapped.update(bar(0, 3.0))
    assert (wrapped.name, wrapped.current.value, wrapped.is_ready) == ("plain", 4.0, True)


def test_a_class_that_lacks_a_member_is_refused_by_name() -> None:
    class Broken:
        value = 1.0

        def update(self, data: Any) -> bool:
            return True

    with pytest.raises(NotImplementedError, match=r"Indicator\.is_ready must be"):
        PythonIndicator(Broken())


def test_quote_bars_feed_bar_indicators() -> None:
    from engine.types.bars import Bar

    atr = AverageTrueRange(2)
    quote = QuoteBar(START, Symbol.EMPTY, Bar(1, 3, 1, 2), 1, Bar(3, 5, 3, 4), 1, MINUTE)
    atr.update(quote)
    assert atr.current.value == pytest.approx(2.0)


def test_a_point_that_somebody_keeps_stays_as_it_is_when_the_indicator_moves_on() -> None:
    """Only a point in nobody's hands becomes the next one."""
    average, other = ExponentialMovingAverage(3), SimpleMovingAverage(2)
    chained: Any = IndicatorExtensions.of(other, average)
    kept: list[tuple[Any, Any, Any]] = []
    told: list[tuple[Any, Any, Any]] = []
    average.updated += lambda _, point: told.append((point, point.time, point.value))
    unkept = ExponentialMovingAverage(3)
    reused = 0
    last = None
    for k in range(60):
        moment, value = datetime(2020, 1, 1) + timedelta(minutes=k), 100.0 + k * k % 7
        average.update(moment, value)
        unkept.update(moment, value)
        assert (unkept.current.time, unkept.current.value) == (moment, unkept._value)
        reused += id(unkept.current) == last
        last = id(unkept.current)
        point = average.current
        assert point is average.current
        if k % 3 == 0:
            kept.append((point, moment, average._value))
        elif k % 3 == 1:
            kept.append((SimpleNamespace(point=point).point, moment, average._value))
        del point
    assert chained.samples == len(told) - 2
    assert other.current.value == chained.current.value
    assert [value for _, _, value in told] == [point.value for point, _, _ in told]
    for held in (kept, told):
        assert len({id(point) for point, _, _ in held}) == len(held) >= 40
        for point, moment, value in held:
            assert (point.time, point.end_time, point.value) == (moment, moment, value)
    assert reused > 50


def test_a_reset_shows_nothing_even_where_nothing_was_shown_before() -> None:
    average = ExponentialMovingAverage(1)
    assert average.current.value == 0.0
    average.reset()
    assert average.current.value == 0.0
    assert average.current.time == DATE_MIN
    average.update(datetime(2020, 1, 1), 5.0)
    assert average.current.value == 5.0
    average.reset()
    assert average.current.value == 0.0
    assert average.current.time == DATE_MIN
