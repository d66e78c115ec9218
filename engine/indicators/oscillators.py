"""Oscillators of bars: strength, vigor and movement of single bars."""

from __future__ import annotations

from typing import Any

from engine.indicators.averages import SimpleMovingAverage, as_indicator
from engine.indicators.base import EMPTY, BarIndicator, Indicator
from engine.indicators.basic import Sum
from engine.indicators.composite import IndicatorExtensions
from engine.indicators.volatility import AverageTrueRange
from engine.types.enums import MovingAverageType

_SIMPLE = MovingAverageType.SIMPLE


class AwesomeOscillator(BarIndicator):
    """Fast minus slow average of the middle of the bars."""

    _label = "AO({fast_period},{slow_period},{type})"

    def _build(self, fast_period: int, slow_period: int, type: Any = _SIMPLE) -> None:
        self.slow_ao = as_indicator(type, "AO_Slow", slow_period)
        self.fast_ao = as_indicator(type, "AO_Fast", fast_period)
        self.warm_up_period = max(slow_period, fast_period)

    @property
    def is_ready(self) -> bool:
        return self.slow_ao.is_ready and self.fast_ao.is_ready

    def _next_bar(self, bar: Any) -> float:
        middle, time = (bar.high + bar.low) / 2, bar.end_time
        self.slow_ao._push(EMPTY, time, middle)
        self.fast_ao._push(EMPTY, time, middle)
        return self.fast_ao._value - self.slow_ao._value if self.is_ready else 0.0

    def reset(self) -> None:
        super().reset()
        self.fast_ao.reset()
        self.slow_ao.reset()


class BalanceOfPower(BarIndicator):
    """(close - open) / (high - low)."""

    _label = "BOP"

    @property
    def is_ready(self) -> bool:
        return self.samples > 0

    @property
    def warm_up_period(self) -> int:
        return 1

    def _next_bar(self, bar: Any) -> float:
        spread = bar.high - bar.low
        return (bar.close - bar.open) / spread if spread > 0 else 0.0


class InternalBarStrength(BarIndicator):
    """(close - low) / (high - low); one half for a bar without range."""

    _label = "IBS()"

    @property
    def is_ready(self) -> bool:
        return self.samples > 0

    @property
    def warm_up_period(self) -> int:
        return 1

    def _next_bar(self, bar: Any) -> float:
        spread = bar.high - bar.low
        return (bar.close - bar.low) / spread if spread else 0.5


class DeMarkerIndicator(BarIndicator):
    """Share of rising highs in the movement of highs and lows."""

    _label = "DEM({period},{type})"

    def _build(self, period: int, type: MovingAverageType = _SIMPLE) -> None:
        self.warm_up_period = int(period)
        self._ups, self._downs = (as_indicator(type, "DEM", period) for _ in range(2))
        self._high = self._low = 0.0

    @property
    def is_ready(self) -> bool:
        return self._ups.is_ready and self._downs.is_ready

    def _next_bar(self, bar: Any) -> float:
        up = down = 0.0
        if self.samples > 1:
            up, down = max(bar.high - self._high, 0.0), max(self._low - bar.low, 0.0)
        self._ups._push(EMPTY, bar.end_time, up)
        self._downs._push(EMPTY, bar.end_time, down)
        self._high, self._low = bar.high, bar.low
        total = self._ups._value + self._downs._value
        return self._ups._value / total if total > 0 and self.is_ready else 0.0

    def reset(self) -> None:
        super().reset()
        self._high = self._low = 0.0
        self._ups.reset()
        self._downs.reset()


class RelativeVigorIndexSignal(Indicator):
    """Weighted mean of the last four values of the vigor index."""

    def _build(self) -> None:
        self._recent: list[float] = []

    @property
    def is_ready(self) -> bool:
        return len(self._recent) == 3

    @property
    def warm_up_period(self) -> int:
        return 3

    def _next(self, time: Any, value: float) -> float:
        recent = self._recent
        result = 0.0
        if len(recent) == 3:
            result = (value + 2 * (recent[2] + recent[1]) + recent[0]) / 6
        self._recent = [*recent, value][-3:]
        return result

    def reset(self) -> None:
        super().reset()
        self._recent = []


class RelativeVigorIndex(BarIndicator):
    """Weighted close - open over weighted high - low."""

    _label = "RVI({period},{type})"

    def _build(self, period: int, type: MovingAverageType = _SIMPLE) -> None:
        self.warm_up_period = period + 3
        self._closes, self._ranges = (as_indicator(type, "RVI", period) for _ in range(2))
        self.signal = RelativeVigorIndexSignal(f"{self.name}_S")
        self._before: list[tuple[float, float]] = []

    @property
    def is_ready(self) -> bool:
        return self._closes.is_ready and self._ranges.is_ready

    def _next_bar(self, bar: Any) -> float:
        now, before = (bar.close - bar.open, bar.high - bar.low), self._before
        self._before = [now, *before][:3]
        if len(before) < 3:
            return 0.0
        body, spread = ((x + 2 * (a + b) + c) / 6 for x, a, b, c in zip(now, *before, strict=False))
        time = bar.end_time
        self._closes._push(EMPTY, time, body)
        self._ranges._push(EMPTY, time, spread)
        if not self.is_ready:
            return 0.0
        value = self._closes._value / self._ranges._value if self._ranges._value else 0.0
        self.signal._push(EMPTY, time, value)
        return value

    def reset(self) -> None:
        super().reset()
        for part in (self._closes, self._ranges, self.signal):
            part.reset()
        self._before = []


class Vortex(BarIndicator):
    """Movement up (``plus_vortex``) and down (``minus_vortex``) over the true range; the value is
    their mean.
    """

    _label = "VTX({period})"

    def _build(self, period: int) -> None:
        join = IndicatorExtensions
        self._period = self.warm_up_period = int(period)
        self._atr = AverageTrueRange(1, _SIMPLE)
        self._range_sum = join.of(Sum("ATR_Sum", period), self._atr)
        self._plus, self._minus = Sum("PlusVM_Sum", period), Sum("MinusVM_Sum", period)
        self.plus_vortex = join.over(self._plus, self._range_sum)
        self.minus_vortex = join.over(self._minus, self._range_sum)
        self._before: Any = None

    @property
    def is_ready(self) -> bool:
        return self.samples >= self._period

    def _next_bar(self, bar: Any) -> float:
        self._atr._push_bar(bar)
        before, self._before = self._before, bar
        if before is not None:
            self._plus._push(EMPTY, bar.end_time, abs(bar.high - before.low))
            self._minus._push(EMPTY, bar.end_time, abs(bar.low - before.high))
        if self.samples < self._period:
            return 0.0
        return (self.plus_vortex._value + self.minus_vortex._value) / 2

    def reset(self) -> None:
        super().reset()
        for part in (self._atr, self._range_sum, self._plus, self._minus):
            part.reset()
        self.plus_vortex.reset()
        self.minus_vortex.reset()
        self._before = None


class WaveTrendOscillator(BarIndicator):
    """Smoothed distance of the typical price from its average, and its signal."""

    _label = "WTO({channel_period},{average_period},{signal_period})"

    def _build(self, channel_period: int, average_period: int, signal_period: int) -> None:
        kind, name = MovingAverageType.EXPONENTIAL, self.name
        self.channel_average = as_indicator(kind, name + "_ChannelAverage", channel_period)
        self.channel_deviation = as_indicator(kind, name + "_ChannelDeviation", channel_period)
        self.channel_index_average = as_indicator(
            kind, name + "_ChannelIndexAverage", average_period
        )
        self.signal = SimpleMovingAverage(name + "_Signal", signal_period)
        self.warm_up_period = 2 * channel_period + average_period + signal_period - 3

    @property
    def is_ready(self) -> bool:
        return self.signal.is_ready

    def _next_bar(self, bar: Any) -> float:
        typical, time = (bar.high + bar.low + bar.close) / 3.0, bar.end_time
        average, deviation = self.channel_average, self.channel_deviation
        average._push(EMPTY, time, typical)
        if not average.is_ready:
            return 0.0
        deviation._push(EMPTY, time, abs(typical - average._value))
        if not deviation.is_ready:
            return 0.0
        weighted = 0.015 * deviation._value
        if weighted == 0:
            return self._value
        index = self.channel_index_average
        index._push(EMPTY, time, (typical - average._value) / weighted)
        if index.is_ready:
            self.signal._push(EMPTY, time, index._value)
        return index._value

    def reset(self) -> None:
        super().reset()
        for part in (self.channel_average, self.channel_deviation, self.channel_index_average):
            part.reset()
        self.signal.reset()
