"""Filters, cycles, transforms and pivots."""

from __future__ import annotations

import math
from collections import deque
from datetime import datetime
from typing import Any

from engine.indicators.averages import ExponentialMovingAverage, as_indicator
from engine.indicators.base import EMPTY, BarIndicator, Indicator, TradeBarIndicator
from engine.indicators.basic import Identity, Maximum, Minimum
from engine.indicators.composite import IndicatorExtensions
from engine.indicators.momentum import MovingAverageConvergenceDivergence
from engine.indicators.trend import Stochastic
from engine.indicators.window import RollingWindow
from engine.types.bars import BaseData
from engine.types.dotnet import Event, LeanObject
from engine.types.enums import MovingAverageType, PivotPointType, SwissArmyKnifeTool
from engine.types.errors import ArgumentException

_EXPONENTIAL = MovingAverageType.EXPONENTIAL


class FisherTransform(BarIndicator):
    """Ehlers' transform of the place of the middle price between its extremes."""

    _label = "FISH({period})"

    def _build(self, period: int) -> None:
        self.warm_up_period = int(period)
        self._lowest, self._highest = Minimum(period), Maximum(period)
        self._before = 0.0

    @property
    def is_ready(self) -> bool:
        return self._highest.is_ready and self._lowest.is_ready

    def _next_bar(self, bar: Any) -> float:
        price, time = (bar.low + bar.high) / 2, bar.end_time
        self._lowest._push(EMPTY, time, price)
        self._highest._push(EMPTY, time, price)
        if not self.is_ready:
            return 0.0
        lowest, highest = self._lowest._value, self._highest._value
        x = y = 0.0
        if lowest != highest:
            place = (price - lowest) / (highest - lowest)
            x = 0.66 * (place - 0.5) + 0.67 * self._before
            cut = min(0.999, max(-0.999, x))
            y = 0.5 * math.log((1.0 + cut) / (1.0 - cut))
        self._before = x
        return y + 0.5 * self._value

    def reset(self) -> None:
        super().reset()
        self._before = 0.0
        self._lowest.reset()
        self._highest.reset()


class FractalAdaptiveMovingAverage(BarIndicator):
    """Ehlers' average whose speed follows the fractal dimension of the last ``n`` bars."""

    _label = "FRAMA({n},{long_period})"

    def _build(self, n: int, long_period: int = 198) -> None:
        if n % 2:
            raise ArgumentException(f"{self.name}: N must be even, N = {n}")
        self._n, self._w = int(n), math.log(2.0 / (1 + long_period))
        self._highs: deque[float] = deque(maxlen=n)
        self._lows: deque[float] = deque(maxlen=n)

    @property
    def is_ready(self) -> bool:
        return len(self._highs) == self._n

    @property
    def warm_up_period(self) -> int:
        return self._n

    def _next_bar(self, bar: Any) -> float:
        price, half = (bar.high + bar.low) / 2, self._n // 2
        self._highs.append(bar.high)
        self._lows.append(bar.low)
        if self.samples <= self._n:
            return price
        highs, lows = list(self._highs), list(self._lows)
        newer = (max(highs[half:]) - min(lows[half:])) / half
        older = (max(highs[:half]) - min(lows[:half])) / half
        whole = (max(highs) - min(lows)) / self._n
        dimension = 0.0
        if newer + older > 0 and whole > 0:
            dimension = math.log((newer + older) / whole) / math.log(2)
        alpha = min(1.0, max(0.01, math.exp(self._w * (dimension - 1))))
        return alpha * price + (1 - alpha) * self._value

    def reset(self) -> None:
        super().reset()
        self._highs.clear()
        self._lows.clear()


class _Filter(Indicator):
    """One of Ehlers' filters, given by its coefficients."""

    def _build(self, period: int, delta: float, tool: SwissArmyKnifeTool) -> None:
        self._period = int(period)
        self._c0, self._b, self._a = _coefficients(period, delta, tool)
        self._clear()

    def _clear(self) -> None:
        self._prices: tuple[float, float, float] | None = None
        self._out = (0.0, 0.0)

    @property
    def is_ready(self) -> bool:
        return self.samples >= self._period

    def _next(self, time: datetime, value: float) -> float:
        before = self._prices
        prices = (value,) * 3 if before is None else (value, before[0], before[1])
        self._prices = prices
        fed = sum(b * p for b, p in zip(self._b, prices, strict=False))
        signal = self._c0 * fed + self._a[0] * self._out[0] + self._a[1] * self._out[1]
        self._out = (signal, self._out[0])
        return signal

    def reset(self) -> None:
        super().reset()
        self._clear()


def _coefficients(
    period: int, delta: float, tool: SwissArmyKnifeTool
) -> tuple[float, tuple[float, ...], tuple[float, float]]:
    angle = 2 * math.pi / period
    beta = 2.415 * (1 - math.cos(angle))
    alpha = -beta + math.sqrt(beta * beta + 2 * beta)
    two_poles = (2 * (1 - alpha), -(1 - alpha) * (1 - alpha))
    if tool == SwissArmyKnifeTool.GAUSS:
        return alpha * alpha, (1.0, 0.0, 0.0), two_poles
    if tool == SwissArmyKnifeTool.BUTTER:
        return alpha * alpha / 4, (1.0, 2.0, 1.0), two_poles
    if tool == SwissArmyKnifeTool.HIGH_PASS:
        alpha = (math.cos(angle) + math.sin(angle) - 1) / math.cos(angle)
        return (1 + alpha) / 2, (1.0, -1.0, 0.0), (1 - alpha, 0.0)
    if tool == SwissArmyKnifeTool.TWO_POLE_HIGH_PASS:
        return (1 + alpha) * (1 + alpha) / 4, (1.0, -2.0, 1.0), two_poles
    beta = math.cos(angle)
    gamma = 1 / math.cos(4 * math.pi * delta / period)
    alpha = gamma - math.sqrt(gamma * gamma - 1)
    return (1 - alpha) / 2, (1.0, 0.0, -1.0), (-beta * (1 - alpha), alpha)


class SwissArmyKnife(Indicator):
    """Ehlers' filters in one: Gauss, Butterworth, high pass, two-pole high pass, band pass."""

    _label = "Swiss({period},{delta},{tool})"

    def _build(self, period: int, delta: float, tool: SwissArmyKnifeTool) -> None:
        self._period = self.warm_up_period = int(period)
        self._filters = {kind: _Filter(period, delta, kind) for kind in SwissArmyKnifeTool}
        kinds = SwissArmyKnifeTool
        self.gauss, self.butter = self._filters[kinds.GAUSS], self._filters[kinds.BUTTER]
        self.high_pass = self._filters[kinds.HIGH_PASS]
        self.two_pole_high_pass = self._filters[kinds.TWO_POLE_HIGH_PASS]
        self.band_pass = self._filters[kinds.BAND_PASS]
        self._tool = tool

    @property
    def is_ready(self) -> bool:
        return self.samples >= self._period

    def _next(self, time: datetime, value: float) -> float:
        for part in self._filters.values():
            part._push(EMPTY, time, value)
        return self._filters[self._tool]._value

    def reset(self) -> None:
        super().reset()
        for part in self._filters.values():
            part.reset()


class SchaffTrendCycle(Indicator):
    """A stochastic of a stochastic of the MACD, smoothed."""

    _label = "SchaffTrendCycle({cycle_period},{fast_period},{slow_period})"

    def _build(
        self,
        cycle_period: int = 10,
        fast_period: int = 23,
        slow_period: int = 50,
        type: MovingAverageType = _EXPONENTIAL,
    ) -> None:
        join = IndicatorExtensions
        self._macd = MovingAverageConvergenceDivergence(
            fast_period, slow_period, cycle_period, type
        )
        self._high = join.max(self._macd, cycle_period, False)
        self._low = join.min(self._macd, cycle_period, False)
        self._k = Identity("K")
        self._d = join.of(as_indicator(type, "D", 3), self._k, False)
        self._high_d = join.max(self._d, cycle_period, False)
        self._low_d = join.min(self._d, cycle_period, False)
        self._pf = Identity("PF")
        self._pff = join.of(as_indicator(type, "PFF", 3), self._pf, False)
        self.warm_up_period = self._macd.warm_up_period

    @property
    def is_ready(self) -> bool:
        return self._macd.is_ready

    @staticmethod
    def _place(value: float, highest: float, lowest: float) -> float:
        spread = highest - lowest
        return (value - lowest) / spread * 100 if spread > 0 else 0.0

    def _next(self, time: datetime, value: float) -> float:
        self._macd._push(EMPTY, time, value)
        self._k._push(
            EMPTY, time, self._place(self._macd._value, self._high._value, self._low._value)
        )
        self._pf._push(
            EMPTY, time, self._place(self._d._value, self._high_d._value, self._low_d._value)
        )
        return self._pff._value

    def reset(self) -> None:
        super().reset()
        for part in (self._macd, self._high, self._low, self._k, self._d):
            part.reset()
        for part in (self._high_d, self._low_d, self._pf, self._pff):
            part.reset()


class PremierStochasticOscillator(BarIndicator):
    """Hyperbolic tangent of the doubly smoothed stochastic."""

    _label = "PSO({period},{ema_period})"

    def _build(self, period: int, ema_period: int) -> None:
        self._stochastic = Stochastic(period, period, period)
        self._first = ExponentialMovingAverage(ema_period)
        self._second = IndicatorExtensions.ema(self._first, ema_period)
        self.warm_up_period = period + 2 * (ema_period - 1)

    @property
    def is_ready(self) -> bool:
        return self._second.is_ready

    def _next_bar(self, bar: Any) -> float:
        self._stochastic._push_bar(bar)
        fast = self._stochastic.fast_stoch
        if not fast.is_ready:
            return 0.0
        self._first._push(EMPTY, bar.end_time, 0.1 * (fast._value - 50))
        if not self._second.is_ready:
            return 0.0
        exp = math.exp(self._second._value)
        return (exp - 1) / (exp + 1)

    def reset(self) -> None:
        super().reset()
        for part in (self._stochastic, self._first, self._second):
            part.reset()


class MesaAdaptiveMovingAverage(BarIndicator):
    """Ehlers' MESA adaptive average (MAMA) and its follower (``fama``)."""

    _label = "MAMA"

    def _build(self, fast_limit: Any = 0.5, slow_limit: Any = 0.05) -> None:
        self._fast, self._slow = float(fast_limit), float(slow_limit)
        self.fama = Identity(self.name + "_Fama")
        self._clear()

    def _clear(self) -> None:
        self._prices: deque[float] = deque(maxlen=13)
        zeros = [0.0] * 6
        self._smooth, self._detrend = deque(zeros, 6), deque(zeros, 6)
        self._in, self._quad = deque(zeros, 6), deque(zeros, 6)
        self._period = self._in2 = self._quad2 = self._real = self._imaginary = 0.0
        self._smooth_period = self._phase = self._mama = 0.0

    @property
    def is_ready(self) -> bool:
        return self.samples >= 33

    @property
    def warm_up_period(self) -> int:
        return 33

    @staticmethod
    def _hilbert(value: float, past: Any, adjusted: float) -> float:
        """Filter a value and its past, which ends with the value before."""
        return (
            0.0962 * value + 0.5769 * past[-2] - 0.5769 * past[-4] - 0.0962 * past[-6]
        ) * adjusted

    def _next_bar(self, bar: Any) -> float:
        prices = self._prices
        prices.append((bar.high + bar.low) / 2)
        if len(prices) < 13:
            return 0.0
        mama, fama = self._both()
        self._mama = mama
        self.fama._push(EMPTY, bar.end_time, fama)
        return mama if self.samples >= 33 else 0.0

    def _both(self) -> tuple[float, float]:
        prices = self._prices
        adjusted = 0.075 * self._period + 0.54
        smooth = (4 * prices[-1] + 3 * prices[-2] + 2 * prices[-3] + prices[-4]) / 10
        detrended = self._hilbert(smooth, self._smooth, adjusted)
        quad1 = self._hilbert(detrended, self._detrend, adjusted)
        in1 = self._detrend[-3]
        in2 = in1 - self._hilbert(quad1, self._quad, adjusted)
        quad2 = quad1 + self._hilbert(in1, self._in, adjusted)
        in2, quad2 = 0.2 * in2 + 0.8 * self._in2, 0.2 * quad2 + 0.8 * self._quad2
        alpha = self._alpha(in1, quad1, in2, quad2)
        mama = alpha * prices[-1] + (1 - alpha) * self._mama
        fama = 0.5 * alpha * mama + (1 - 0.5 * alpha) * self.fama._value
        self._smooth.append(smooth)
        self._detrend.append(detrended)
        self._in.append(in1)
        self._quad.append(quad1)
        return mama, fama

    def _alpha(self, in1: float, quad1: float, in2: float, quad2: float) -> float:
        real = 0.2 * (in2 * self._in2 + quad2 * self._quad2) + 0.8 * self._real
        imaginary = 0.2 * (in2 * self._quad2 - quad2 * self._in2) + 0.8 * self._imaginary
        period, before = 0.0, self._period
        if imaginary and real:
            angle = math.degrees(math.atan(imaginary / real))
            period = 360.0 / angle if angle > 0 else 0.0
        period = max(min(period, 1.5 * before), 0.67 * before)
        period = 0.2 * min(50.0, max(6.0, period)) + 0.8 * before
        phase = math.degrees(math.atan(quad1 / in1)) if in1 else 0.0
        change = max(1.0, self._phase - phase)
        self._smooth_period = 0.33 * period + 0.67 * self._smooth_period
        self._in2, self._quad2, self._real, self._imaginary = in2, quad2, real, imaginary
        self._period, self._phase = period, phase
        return max(self._slow, self._fast / change)

    def reset(self) -> None:
        super().reset()
        self._clear()
        self.fama.reset()


class WilderSwingIndex(TradeBarIndicator):
    """Wilder's swing of one bar against the one before."""

    _label = "SI"

    def _build(self, limit_move: Any) -> None:
        self._limit = abs(float(limit_move))
        self._before: Any = None

    @property
    def is_ready(self) -> bool:
        return self.samples > 1

    @property
    def warm_up_period(self) -> int:
        return 2

    def _next_bar(self, bar: Any) -> float:
        before, self._before = self._before, bar
        if before is None:
            return 0.0
        body, last = bar.close - bar.open, before.close - before.open
        swing = bar.close - before.close + 0.5 * body + 0.25 * last
        above, below = bar.high - before.close, bar.low - before.close
        sizes = [abs(above), abs(below), abs(bar.high - bar.low)]
        widest = sizes.index(max(sizes))
        spread = sizes[widest] + abs(0.25 * last)
        if widest < 2:
            spread -= abs(0.5 * (below if widest == 0 else above))
        if spread == 0 or self._limit == 0:
            return 0.0
        return 50.0 * (swing / spread) * (max(sizes[0], sizes[1]) / self._limit)

    def reset(self) -> None:
        super().reset()
        self._before = None


class WilderAccumulativeSwingIndex(TradeBarIndicator):
    """Running sum of the swing index."""

    _label = "ASI"

    def _build(self, limit_move: Any) -> None:
        self._swing = WilderSwingIndex(limit_move)

    @property
    def is_ready(self) -> bool:
        return self.samples > 1

    @property
    def warm_up_period(self) -> int:
        return 2

    def _next_bar(self, bar: Any) -> float:
        self._swing._push_bar(bar)
        return self._value + self._swing._value if self._swing.is_ready else 0.0

    def reset(self) -> None:
        super().reset()
        self._swing.reset()


class ZigZag(BarIndicator):
    """The last turning point: reversals of at least ``sensitivity`` after ``min_trend_length``
    bars.
    """

    _label = "ZZ({sensitivity},{min_trend_length})"

    def _build(self, sensitivity: Any = 0.05, min_trend_length: int = 1) -> None:
        self._sensitivity, self._least = float(sensitivity), int(min_trend_length)
        if not 0 < self._sensitivity < 1:
            raise ArgumentException(f"Sensitivity must be between 0 and 1, was {sensitivity}.")
        if self._least < 1:
            raise ArgumentException(
                f"Minimum trend length must be greater than 0, was {min_trend_length}."
            )
        self.high_pivot = Identity(self.name + "_HighPivot")
        self.low_pivot = Identity(self.name + "_LowPivot")
        self.pivot_type = PivotPointType.LOW
        self._last: Any = None
        self._count, self._was_low = 0, False

    @property
    def is_ready(self) -> bool:
        return self.samples > self._least

    @property
    def warm_up_period(self) -> int:
        return self._least + 1

    def _next_bar(self, bar: Any) -> float:
        last = self._last
        if last is None:
            self._pivot(bar, True)
            return 0.0
        result = last.low if self._was_low else last.high
        if self._was_low:
            turned = bar.high >= last.low * (1 + self._sensitivity) and self._count >= self._least
            if turned:
                self._pivot(bar, False)
                result = self.high_pivot._value
            elif bar.low <= last.low:
                self._pivot(bar, True)
                result = self.low_pivot._value
        else:
            turned = bar.low <= last.high * (1 - self._sensitivity) and self._count >= self._least
            if turned:
                self._pivot(bar, True)
                result = self.low_pivot._value
            elif bar.high >= last.high:
                self._pivot(bar, False)
                result = self.high_pivot._value
        self._count += 1
        return result

    def _pivot(self, bar: Any, low: bool) -> None:
        self._last, self._count = bar, 0
        if self._was_low != low:
            self.pivot_type = PivotPointType.LOW if low else PivotPointType.HIGH
        side = self.low_pivot if low else self.high_pivot
        side._push(EMPTY, bar.end_time, bar.low if low else bar.high)
        self._was_low = low

    def reset(self) -> None:
        super().reset()
        self._last = None
        self.pivot_type = PivotPointType.LOW
        self.high_pivot.reset()
        self.low_pivot.reset()


class PivotPoint(BaseData):
    """A high or low that its neighbours do not reach."""

    def __init__(self, type: PivotPointType, price: float, time: datetime) -> None:
        self.pivot_point_type, self.value, self.time = type, price, time


class PivotPointsEventArgs(LeanObject):
    """What the event of a new pivot carries."""

    def __init__(self, pivot_point: PivotPoint) -> None:
        self.pivot_point = pivot_point


class PivotPointsHighLow(BarIndicator):
    """Finds pivots with ``length_high`` and ``length_low`` bars at both sides; the value is the
    kind found.
    """

    _label = "PivotPointsHighLow({length_high},{length_low})"

    def _build(
        self,
        length_high: int,
        length_low: int | None = None,
        last_stored_values: int = 100,
        strict: bool = True,
    ) -> None:
        length_low = length_high if length_low is None else length_low
        self._lengths = (length_high, length_low)
        self._highs: deque[Any] = deque(maxlen=2 * length_high + 1)
        self._lows: deque[Any] = deque(maxlen=2 * length_low + 1)
        self._pivots: RollingWindow[PivotPoint] = RollingWindow(last_stored_values)
        self._strict = strict
        self.new_pivot_point_formed = Event()
        self.warm_up_period = 2 * max(self._lengths) + 1

    @property
    def is_ready(self) -> bool:
        return len(self._highs) == self._highs.maxlen and len(self._lows) == self._lows.maxlen

    def _found(self, bars: deque[Any], length: int, sign: int) -> PivotPoint | None:
        if len(bars) < (bars.maxlen or 0):
            return None
        name = "high" if sign > 0 else "low"
        middle = bars[length]
        price = getattr(middle, name)
        for i, bar in enumerate(bars):
            distance = sign * (price - getattr(bar, name))
            if i != length and (distance <= 0 if self._strict else distance < 0):
                return None
        kind = PivotPointType.HIGH if sign > 0 else PivotPointType.LOW
        return PivotPoint(kind, price, middle.end_time)

    def _next_bar(self, bar: Any) -> float:
        self._highs.append(bar)
        self._lows.append(bar)
        high = self._found(self._highs, self._lengths[0], 1)
        low = self._found(self._lows, self._lengths[1], -1)
        for pivot in (high, low):
            if pivot is not None:
                self._pivots.add(pivot)
                self.new_pivot_point_formed(self, PivotPointsEventArgs(pivot))
        if high is not None:
            return float(PivotPointType.BOTH if low is not None else PivotPointType.HIGH)
        return float(PivotPointType.NONE if low is None else PivotPointType.LOW)

    def get_all_pivot_points_array(self) -> list[PivotPoint]:
        """Return the kept pivots, the newest first."""
        return list(self._pivots)

    def get_high_pivot_points_array(self) -> list[PivotPoint]:
        return [p for p in self._pivots if p.pivot_point_type == PivotPointType.HIGH]

    def get_low_pivot_points_array(self) -> list[PivotPoint]:
        return [p for p in self._pivots if p.pivot_point_type == PivotPointType.LOW]

    def reset(self) -> None:
        super().reset()
        self._highs.clear()
        self._lows.clear()
        self._pivots.reset()
