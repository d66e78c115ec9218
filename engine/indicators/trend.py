"""Indicators of bars: direction, stops, channels of extremes."""

from __future__ import annotations

from typing import Any

from engine.indicators.averages import WilderMovingAverage, as_indicator
from engine.indicators.base import EMPTY, BarIndicator
from engine.indicators.basic import Delay, Identity, Maximum, Minimum, Sum
from engine.indicators.composite import FunctionalIndicator, IndicatorExtensions
from engine.indicators.volatility import AverageTrueRange, MeanAbsoluteDeviation, TrueRange
from engine.types.bars import TradeBar
from engine.types.enums import MovingAverageType

_SIMPLE, _WILDERS = MovingAverageType.SIMPLE, MovingAverageType.WILDERS


class CommodityChannelIndex(BarIndicator):
    """Distance of the typical price from its mean in 0.015 mean deviations."""

    _label = "CCI({period})"

    def _build(self, period: int, moving_average_type: MovingAverageType = _SIMPLE) -> None:
        self.warm_up_period = int(period)
        self.moving_average_type = moving_average_type
        self.typical_price_average = as_indicator(
            moving_average_type, self.name + "_TypicalPriceAvg", period
        )
        self.typical_price_mean_deviation = MeanAbsoluteDeviation(
            self.name + "_TypicalPriceMAD", period
        )

    @property
    def is_ready(self) -> bool:
        return self.typical_price_average.is_ready and self.typical_price_mean_deviation.is_ready

    def _next_bar(self, bar: Any) -> float:
        typical, time = (bar.high + bar.low + bar.close) / 3.0, bar.end_time
        self.typical_price_average._push(EMPTY, time, typical)
        self.typical_price_mean_deviation._push(EMPTY, time, typical)
        weighted = 0.015 * self.typical_price_mean_deviation._value
        if weighted == 0:
            return 0.0
        return (typical - self.typical_price_average._value) / weighted

    def reset(self) -> None:
        super().reset()
        self.typical_price_average.reset()
        self.typical_price_mean_deviation.reset()


class _Wilder:
    """Wilder's running sum: grows until ``period`` values are in, then loses a ``period``-th at
    each step.
    """

    __slots__ = ("period", "value")

    def __init__(self, period: int) -> None:
        self.period, self.value = period, 0.0

    def add(self, samples: int, value: float) -> float:
        lost = self.value / self.period if samples > self.period + 1 else 0.0
        self.value = self.value + value - lost
        return self.value


class AverageDirectionalIndex(BarIndicator):
    """Wilder's average of the directional index; 50 as long as there is no movement."""

    _label = "ADX({period})"

    def _build(self, period: int) -> None:
        self._period = int(period)
        self.positive_directional_index = self._index("_PositiveDirectionalIndex")
        self.negative_directional_index = self._index("_NegativeDirectionalIndex")
        self._average = WilderMovingAverage(period)
        self._clear()

    def _index(self, label: str) -> FunctionalIndicator:
        return FunctionalIndicator(
            self.name + label, lambda _: 0.0, lambda _: self.samples > self._period
        )

    def _clear(self) -> None:
        self._range, self._plus, self._minus = (_Wilder(self._period) for _ in range(3))
        self._before: Any = None

    @property
    def is_ready(self) -> bool:
        return self._average.is_ready

    @property
    def warm_up_period(self) -> int:
        return self._period * 2

    def _next_bar(self, bar: Any) -> float:
        high, low, close, time = bar.high, bar.low, bar.close, bar.end_time
        before, self._before = self._before, (high, low, close)
        true_range = plus = minus = 0.0
        if before is not None:
            last_high, last_low, last_close = before
            true_range = max(high - low, abs(high - last_close), abs(low - last_close))
            up, down = high - last_high, last_low - low
            if high > last_high and up >= down:
                plus = up
            if last_low > low and down > up:
                minus = down
        samples = self.samples
        spread = self._range.add(samples, true_range)
        plus, minus = self._plus.add(samples, plus), self._minus.add(samples, minus)
        positive = negative = 0.0
        if spread and samples > self._period:
            positive, negative = 100.0 * plus / spread, 100.0 * minus / spread
        self.positive_directional_index._set(EMPTY, time, positive)
        self.negative_directional_index._set(EMPTY, time, negative)
        total = positive + negative
        if total == 0:
            return 50.0
        self._average._push(EMPTY, time, 100.0 * abs(positive - negative) / total)
        return self._average._value

    def reset(self) -> None:
        super().reset()
        self._clear()
        self._average.reset()
        self.positive_directional_index.reset()
        self.negative_directional_index.reset()


class AverageDirectionalMovementIndexRating(BarIndicator):
    """Mean of the directional index now and ``period - 1`` bars ago; 50 before it is ready."""

    _label = "ADXR({period})"

    def _build(self, period: int) -> None:
        self._period = int(period)
        self.adx = AverageDirectionalIndex(self.name + "_ADX", period)
        self._history: list[float] = []

    @property
    def is_ready(self) -> bool:
        return len(self._history) == self._period

    @property
    def warm_up_period(self) -> int:
        return self._period * 3 - 1

    def _next_bar(self, bar: Any) -> float:
        self.adx._push_bar(bar)
        if self.adx.is_ready:
            self._history = [*self._history, self.adx._value][-self._period :]
        return (self.adx._value + self._history[0]) / 2 if self.is_ready else 50.0

    def reset(self) -> None:
        super().reset()
        self.adx.reset()
        self._history = []


class AroonOscillator(BarIndicator):
    """Age of the highest high against the age of the lowest low."""

    _label = "AROON({up_period},{down_period})"

    def _build(self, up_period: int, down_period: int) -> None:
        highest = Maximum(self.name + "_Max", up_period + 1)
        lowest = Minimum(self.name + "_Min", down_period + 1)

        def up(point: Any) -> float:
            highest._take(point)
            return 100.0 * (up_period - highest.periods_since_maximum) / up_period

        def down(point: Any) -> float:
            lowest._take(point)
            return 100.0 * (down_period - lowest.periods_since_minimum) / down_period

        self.aroon_up = FunctionalIndicator(
            self.name + "_AroonUp", up, lambda _: highest.is_ready, highest.reset
        )
        self.aroon_down = FunctionalIndicator(
            self.name + "_AroonDown", down, lambda _: lowest.is_ready, lowest.reset
        )
        self.warm_up_period = 1 + max(up_period, down_period)

    @property
    def is_ready(self) -> bool:
        return self.aroon_up.is_ready and self.aroon_down.is_ready

    def _next_bar(self, bar: Any) -> float:
        self.aroon_up.update(bar.end_time, bar.high)
        self.aroon_down.update(bar.end_time, bar.low)
        return self.aroon_up._value - self.aroon_down._value

    def reset(self) -> None:
        super().reset()
        self.aroon_up.reset()
        self.aroon_down.reset()


class Stochastic(BarIndicator):
    """Place of the close between the extremes (``fast_stoch``) and its averages (``stoch_k``,
    ``stoch_d``).
    """

    _label = "STO({period},{k_period},{d_period})"

    def _build(self, period: int, k_period: int, d_period: int) -> None:
        name = self.name
        highest, lowest = Maximum(period), Minimum(period)
        fast_sum, slow_sum = Sum(k_period), Sum(d_period)
        self._parts = (highest, lowest, fast_sum, slow_sum)

        def fast(bar: Any) -> float:
            if not highest.is_ready:
                return 0.0
            spread = highest._value - lowest._value
            if spread == 0:
                return 0.0
            place = (bar.close - lowest._value) / spread
            fast_sum._push(EMPTY, bar.end_time, place)
            return place * 100.0

        def slow(bar: Any) -> float:
            if not fast_sum.is_ready:
                return 0.0
            place = fast_sum._value / k_period
            slow_sum._push(EMPTY, bar.end_time, place)
            return place * 100.0

        def slowest(_bar: Any) -> float:
            return slow_sum._value / d_period * 100.0 if slow_sum.is_ready else 0.0

        self.fast_stoch = FunctionalIndicator(name + "_FastStoch", fast, lambda _: highest.is_ready)
        self.stoch_k = FunctionalIndicator(name + "_StochK", slow, lambda _: fast_sum.is_ready)
        self.stoch_d = FunctionalIndicator(name + "_StochD", slowest, lambda _: slow_sum.is_ready)
        self.warm_up_period = period + k_period + d_period - 2

    @property
    def is_ready(self) -> bool:
        return all(part.is_ready for part in (self.fast_stoch, self.stoch_k, self.stoch_d))

    def _next_bar(self, bar: Any) -> float:
        time = bar.end_time
        self._parts[0]._push(EMPTY, time, bar.high)
        self._parts[1]._push(EMPTY, time, bar.low)
        self.fast_stoch._push_bar(bar)
        self.stoch_k._push_bar(bar)
        self.stoch_d._push_bar(bar)
        return self.fast_stoch._value

    def reset(self) -> None:
        super().reset()
        for part in (self.fast_stoch, self.stoch_k, self.stoch_d, *self._parts):
            part.reset()


class WilliamsPercentR(BarIndicator):
    """Distance of the close from the highest high, 0 to -100."""

    _label = "WILR({period})"

    def _build(self, period: int) -> None:
        self.maximum = Maximum(self.name + "_Max", period)
        self.minimum = Minimum(self.name + "_Min", period)
        self.warm_up_period = int(period)

    @property
    def is_ready(self) -> bool:
        return self.maximum.is_ready and self.minimum.is_ready

    def _next_bar(self, bar: Any) -> float:
        self.minimum._push(EMPTY, bar.end_time, bar.low)
        self.maximum._push(EMPTY, bar.end_time, bar.high)
        if not self.is_ready:
            return 0.0
        spread = self.maximum._value - self.minimum._value
        return -100.0 * (self.maximum._value - bar.close) / spread if spread else 0.0

    def reset(self) -> None:
        super().reset()
        self.maximum.reset()
        self.minimum.reset()


class UltimateOscillator(BarIndicator):
    """Buying pressure over true range at three lengths, weighted 4, 2, 1; 50 before it is ready."""

    _label = "ULTOSC({period1},{period2},{period3})"

    def _build(self, period1: int, period2: int, period3: int) -> None:
        periods = (period1, period2, period3)
        self._period = max(periods)
        self._range = TrueRange()
        self._sums = [(Sum(period), Sum(period)) for period in periods]
        self._close = 0.0

    @property
    def is_ready(self) -> bool:
        return self.samples > self._period

    @property
    def warm_up_period(self) -> int:
        return self._period + 1

    def _next_bar(self, bar: Any) -> float:
        self._range._push_bar(bar)
        before, self._close = self._close, bar.close
        if self.samples == 1:
            return 50.0
        pressure, time = bar.close - min(bar.low, before), bar.end_time
        for buying, spread in self._sums:
            buying._push(EMPTY, time, pressure)
            spread._push(EMPTY, time, self._range._value)
        if self.samples <= self._period:
            return 50.0
        if any(spread._value == 0 for _, spread in self._sums):
            return self._value
        one, two, three = (buying._value / spread._value for buying, spread in self._sums)
        return 100.0 * (4 * one + 2 * two + three) / 7

    def reset(self) -> None:
        super().reset()
        self._range.reset()
        for buying, spread in self._sums:
            buying.reset()
            spread.reset()


class ParabolicStopAndReverseExtended(BarIndicator):
    """Parabolic stop with separate accelerations for both sides; negative while short."""

    _label = (
        "SAREXT({sar_start},{offset_on_reverse},{af_start_short},{af_increment_short},"
        "{af_max_short},{af_start_long},{af_increment_long},{af_max_long})"
    )

    def _build(
        self,
        sar_start: Any = 0.0,
        offset_on_reverse: Any = 0.0,
        af_start_short: Any = 0.02,
        af_increment_short: Any = 0.02,
        af_max_short: Any = 0.2,
        af_start_long: Any = 0.02,
        af_increment_long: Any = 0.02,
        af_max_long: Any = 0.2,
    ) -> None:
        self._first, self._offset = float(sar_start), float(offset_on_reverse)
        self._short = tuple(map(float, (af_start_short, af_increment_short, af_max_short)))
        self._long = tuple(map(float, (af_start_long, af_increment_long, af_max_long)))
        self._af_short, self._af_long = self._short[0], self._long[0]
        self._is_long = False
        self._sar = self._extreme = self._output = 0.0
        self._before: tuple[float, float] = (0.0, 0.0)

    @property
    def is_ready(self) -> bool:
        return self.samples >= 2

    @property
    def warm_up_period(self) -> int:
        return 2

    def _next_bar(self, bar: Any) -> float:
        high, low = bar.high, bar.low
        if self.samples == 1:
            self._before = (high, low)
            return self._first or bar.close
        if self.samples == 2:
            self._begin(high, low)
            self._before = (high, low)
        if self._is_long:
            self._in_long(high, low)
        else:
            self._in_short(high, low)
        self._before = (high, low)
        return self._output

    def _begin(self, high: float, low: float) -> None:
        last_high, last_low = self._before
        if self._first:
            self._is_long, self._sar = self._first > 0, abs(self._first)
        else:
            falling = low < last_low and high - last_high < last_low - low
            self._is_long = not falling
            self._sar = last_low if self._is_long else last_high
        self._extreme = high if self._is_long else low

    def _in_long(self, high: float, low: float) -> None:
        last_high, last_low = self._before
        if low <= self._sar:
            self._is_long = False
            sar = max(self._extreme, last_high, high)
            if self._offset:
                sar += sar * self._offset
            self._output = -sar
            self._af_short, self._extreme = self._short[0], low
            self._sar = max(sar + self._af_short * (low - sar), last_high, high)
            return
        self._output = sar = self._sar
        if high > self._extreme:
            self._extreme = high
            self._af_long = min(self._af_long + self._long[1], self._long[2])
        self._sar = min(sar + self._af_long * (self._extreme - sar), last_low, low)

    def _in_short(self, high: float, low: float) -> None:
        last_high, last_low = self._before
        if high >= self._sar:
            self._is_long = True
            sar = min(self._extreme, last_low, low)
            if self._offset:
                sar -= sar * self._offset
            self._output = sar
            self._af_long, self._extreme = self._long[0], high
            self._sar = min(sar + self._af_long * (high - sar), last_low, low)
            return
        sar = self._sar
        self._output = -sar
        if low < self._extreme:
            self._extreme = low
            self._af_short = min(self._af_short + self._short[1], self._short[2])
        self._sar = max(sar + self._af_short * (self._extreme - sar), last_high, high)

    def reset(self) -> None:
        super().reset()
        self._af_short, self._af_long = self._short[0], self._long[0]


class ParabolicStopAndReverse(ParabolicStopAndReverseExtended):
    """Wilder's parabolic stop and reverse."""

    _label = "PSAR({af_start},{af_increment},{af_max})"

    def _build(  # type: ignore[override]
        self, af_start: Any = 0.02, af_increment: Any = 0.02, af_max: Any = 0.2
    ) -> None:
        both = (af_start, af_increment, af_max)
        super()._build(0.0, 0.0, *both, *both)

    def _next_bar(self, bar: Any) -> float:
        return abs(super()._next_bar(bar))


class SuperTrend(BarIndicator):
    """Trailing stop a multiple of the average true range away; changes side when crossed."""

    _label = "SuperTrend({period},{multiplier})"

    def _build(
        self, period: int, multiplier: Any, moving_average_type: MovingAverageType = _WILDERS
    ) -> None:
        self._period, self._multiplier = int(period), float(multiplier)
        self._atr = AverageTrueRange(period, moving_average_type)
        self.basic_upper_band = self.basic_lower_band = 0.0
        self.current_trailing_upper_band = self.current_trailing_lower_band = 0.0
        self._trend = 0.0
        self._clear()

    def _clear(self) -> None:
        self._upper = self._lower = self._close = 0.0
        self._before = -1.0

    @property
    def is_ready(self) -> bool:
        return self._atr.is_ready

    @property
    def warm_up_period(self) -> int:
        return self._period

    def _next_bar(self, bar: Any) -> float:
        self._atr._push_bar(bar)
        close = bar.close
        if not self._atr.is_ready:
            self._close = close
            return 0.0
        middle, distance = (bar.high + bar.low) / 2, self._multiplier * self._atr._value
        below, above = middle - distance, middle + distance
        lower = below if below > self._lower or self._close < self._lower else self._lower
        upper = above if above < self._upper or self._close > self._upper else self._upper
        if self._before in (-1.0, self._upper):
            self._trend = upper if close <= upper else lower
        elif self._before == self._lower:
            self._trend = lower if close >= lower else upper
        self.basic_lower_band, self.basic_upper_band = below, above
        self.current_trailing_lower_band, self.current_trailing_upper_band = lower, upper
        self._close, self._before = close, self._trend
        self._lower, self._upper = lower, upper
        return self._trend

    def reset(self) -> None:
        super().reset()
        self._atr.reset()
        self._clear()


class IchimokuKinkoHyo(BarIndicator):
    """The five lines of the cloud chart."""

    _label = (
        "ICHIMOKU({tenkan_period},{kijun_period},{senkou_a_period},{senkou_b_period},"
        "{senkou_a_delay_period},{senkou_b_delay_period})"
    )

    def _build(
        self,
        tenkan_period: int = 9,
        kijun_period: int = 26,
        senkou_a_period: int = 26,
        senkou_b_period: int = 52,
        senkou_a_delay_period: int = 26,
        senkou_b_delay_period: int = 26,
    ) -> None:
        name, join = self.name, IndicatorExtensions
        self.warm_up_period = max(
            tenkan_period + senkou_a_delay_period,
            kijun_period + senkou_a_delay_period,
            senkou_b_period + senkou_b_delay_period,
        )
        self.tenkan_maximum = Maximum(name + "_TenkanMax", tenkan_period)
        self.tenkan_minimum = Minimum(name + "_TenkanMin", tenkan_period)
        self.kijun_maximum = Maximum(name + "_KijunMax", kijun_period)
        self.kijun_minimum = Minimum(name + "_KijunMin", kijun_period)
        self.senkou_b_maximum = Maximum(name + "_SenkouBMaximum", senkou_b_period)
        self.senkou_b_minimum = Minimum(name + "_SenkouBMinimum", senkou_b_period)
        self.delayed_maximum_senkou_b = join.of(
            Delay(name + "DelayedMax", senkou_b_delay_period), self.senkou_b_maximum
        )
        self.delayed_minimum_senkou_b = join.of(
            Delay(name + "DelayedMin", senkou_b_delay_period), self.senkou_b_minimum
        )
        self.tenkan = join.over(join.plus(self.tenkan_maximum, self.tenkan_minimum), 2)
        self.delayed_tenkan_senkou_a = join.of(
            Delay(name + "DelayedTenkan", senkou_a_delay_period), self.tenkan
        )
        self.kijun = join.over(join.plus(self.kijun_maximum, self.kijun_minimum), 2)
        self.delayed_kijun_senkou_a = join.of(
            Delay(name + "DelayedKijun", senkou_a_delay_period), self.kijun
        )
        self.senkou_a = join.over(
            join.plus(self.delayed_tenkan_senkou_a, self.delayed_kijun_senkou_a), 2
        )
        self.senkou_b = join.over(
            join.plus(self.delayed_maximum_senkou_b, self.delayed_minimum_senkou_b), 2
        )
        self.chikou = Delay(name + "_Chikou", senkou_a_delay_period)

    @property
    def is_ready(self) -> bool:
        return (
            self.tenkan.is_ready
            and self.kijun.is_ready
            and self.senkou_a.is_ready
            and self.senkou_b.is_ready
        )

    def _next_bar(self, bar: Any) -> float:
        high, low, time = bar.high, bar.low, bar.end_time
        self.tenkan_maximum._push(EMPTY, time, high)
        self.tenkan_minimum._push(EMPTY, time, low)
        self.kijun_maximum._push(EMPTY, time, high)
        self.kijun_minimum._push(EMPTY, time, low)
        self.senkou_b_maximum._push(EMPTY, time, high)
        self.senkou_b_minimum._push(EMPTY, time, low)
        self.chikou._push(EMPTY, time, bar.close)
        return bar.close

    def reset(self) -> None:
        super().reset()
        for part in (
            self.tenkan_maximum,
            self.tenkan_minimum,
            self.tenkan,
            self.kijun_maximum,
            self.kijun_minimum,
            self.kijun,
            self.delayed_tenkan_senkou_a,
            self.delayed_kijun_senkou_a,
            self.senkou_a,
            self.senkou_b_maximum,
            self.senkou_b_minimum,
            self.delayed_maximum_senkou_b,
            self.delayed_minimum_senkou_b,
            self.chikou,
            self.senkou_b,
        ):
            part.reset()


class HeikinAshi(BarIndicator):
    """Averaged bars: ``open``, ``high``, ``low``, ``close``, ``volume``; the value is the close."""

    _label = "HA"

    def _build(self) -> None:
        name = self.name
        self.open, self.high = Identity(name + "_Open"), Identity(name + "_High")
        self.low, self.close = Identity(name + "_Low"), Identity(name + "_Close")
        self.volume = Identity(name + "_Volume")

    @property
    def is_ready(self) -> bool:
        return self.samples > 1

    @property
    def warm_up_period(self) -> int:
        return 2

    def _next_bar(self, bar: Any) -> float:
        o, h, l, c, time = bar.open, bar.high, bar.low, bar.close, bar.end_time
        close = (o + h + l + c) / 4
        if self.samples < 2:
            start = (o + c) / 2
        else:
            start = (self.open._value + self.close._value) / 2
            h, l = max(h, start, close), min(l, start, close)
        self.open._push(EMPTY, time, start)
        self.close._push(EMPTY, time, close)
        self.high._push(EMPTY, time, h)
        self.low._push(EMPTY, time, l)
        self.volume._push(EMPTY, time, bar.volume if isinstance(bar, TradeBar) else 0.0)
        return close

    def reset(self) -> None:
        super().reset()
        for part in (self.open, self.high, self.low, self.close, self.volume):
            part.reset()
