"""Ranges, deviations and the channels made of them."""

from __future__ import annotations

import math
from datetime import datetime
from operator import mul
from typing import Any

from engine.indicators.averages import (
    LeastSquaresMovingAverage,
    SimpleMovingAverage,
    as_indicator,
)
from engine.indicators.base import EMPTY, BarIndicator, Indicator, IndicatorBase, WindowIndicator
from engine.indicators.basic import Identity, Maximum, Minimum, Sum
from engine.indicators.composite import (
    FunctionalIndicator,
    IndicatorExtensions,
)
from engine.indicators.sums import RollingSum
from engine.types.enums import MovingAverageType

_SIMPLE, _WILDERS = MovingAverageType.SIMPLE, MovingAverageType.WILDERS


class Variance(WindowIndicator):
    r"""Population variance of the last ``period`` values.

    Computed from the differences to one of the values, so that it is exactly zero for constant
    prices and keeps its digits where the mean is large against the spread.
    """

    _label = "VAR({period})"

    def _build(self, period: int) -> None:
        super()._build(period)
        self._run, self._last = 0, 0.0

    def _variance(self, value: float) -> float:
        win = self._win
        win.append(value)
        if value == self._last:
            self._run += 1
        else:
            self._run, self._last = 1, value
        count = len(win)
        if count < 2 or self._run >= count:
            return 0.0
        shifted = [x - value for x in win]
        total = sum(shifted)
        return max(0.0, (sum(map(mul, shifted, shifted)) - total * total / count) / count)

    def _next(self, time: datetime, value: float) -> float:
        return self._variance(value)

    def reset(self) -> None:
        super().reset()
        self._run, self._last = 0, 0.0


class StandardDeviation(Variance):
    """Population standard deviation of the last ``period`` values."""

    _label = "STD({period})"

    def _next(self, time: datetime, value: float) -> float:
        return math.sqrt(self._variance(value))


class MeanAbsoluteDeviation(WindowIndicator):
    """Mean distance of the last ``period`` values from their mean."""

    _label = "MAD({period})"

    def _build(self, period: int) -> None:
        super()._build(period)
        self.mean = SimpleMovingAverage(period)

    @property
    def is_ready(self) -> bool:
        return self.samples >= self.period

    def _next(self, time: datetime, value: float) -> float:
        win = self._win
        win.append(value)
        self.mean._push(EMPTY, time, value)
        if self.samples < 2:
            return 0.0
        mean = self.mean._value
        return math.fsum(abs(x - mean) for x in win) / len(win)

    def reset(self) -> None:
        super().reset()
        self.mean.reset()


class TrueRange(BarIndicator):
    """Greatest of high - low, abs(close before - high), abs(close before - low)."""

    _label = "TR"

    def _build(self) -> None:
        self._close = 0.0

    @property
    def is_ready(self) -> bool:
        return self.samples > 1

    @property
    def warm_up_period(self) -> int:
        return 2

    def _next_bar(self, bar: Any) -> float:
        high, low, before = bar.high, bar.low, self._close
        self._close = bar.close
        if self.samples < 2:
            return high - low
        return max(high - low, abs(before - high), abs(before - low))


class AverageTrueRange(BarIndicator):
    """Moving average of the true range."""

    _label = "ATR({period})"

    def _build(self, period: int, moving_average_type: MovingAverageType = _WILDERS) -> None:
        self.warm_up_period = int(period)
        self.true_range = TrueRange(self.name)
        self._smoother = as_indicator(moving_average_type, self.name, period)

    @property
    def is_ready(self) -> bool:
        return self._smoother.is_ready

    def _next_bar(self, bar: Any) -> float:
        self.true_range._push_bar(bar)
        self._smoother._push(EMPTY, bar.end_time, self.true_range._value)
        return self._smoother._value

    def reset(self) -> None:
        super().reset()
        self._smoother.reset()
        self.true_range.reset()


class NormalizedAverageTrueRange(BarIndicator):
    """Average true range in per cent of the close."""

    _label = "NATR({period})"

    def _build(self, period: int) -> None:
        self._period = int(period)
        self._range = TrueRange()
        self._atr = AverageTrueRange(period, _SIMPLE)
        self._last = 0.0

    @property
    def is_ready(self) -> bool:
        return self.samples > self._period

    @property
    def warm_up_period(self) -> int:
        return self._period + 1

    def _next_bar(self, bar: Any) -> float:
        self._range._push_bar(bar)
        period = self._period
        if self.samples <= period + 1:
            self._atr._push_bar(bar)
            self._last = self._atr._value
        else:
            self._last = (self._last * (period - 1) + self._range._value) / period
        return self._last / bar.close * 100 if bar.close else 0.0

    def reset(self) -> None:
        super().reset()
        self._range.reset()
        self._atr.reset()


class AverageRange(BarIndicator):
    """Mean of high - low."""

    _label = "AR({period})"

    def _build(self, period: int) -> None:
        self._sma = SimpleMovingAverage(period)

    @property
    def is_ready(self) -> bool:
        return self._sma.is_ready

    @property
    def warm_up_period(self) -> int:
        return self._sma.warm_up_period

    def _next_bar(self, bar: Any) -> float:
        self._sma._push(EMPTY, bar.end_time, bar.high - bar.low)
        return self._sma._value

    def reset(self) -> None:
        super().reset()
        self._sma.reset()


class _Derived(IndicatorBase):
    """A value that its owner computes; ready when the owner's parts are."""

    def __init__(self, name: str, owner: Any) -> None:
        self._start(name)
        self._owner = owner

    @property
    def is_ready(self) -> bool:
        return bool(self._owner._parts_ready())


class BollingerBands(Indicator):
    """Mean and ``k`` standard deviations around it; the indicator's own value is the price.

    LEAN composes the bands of other indicators; here they are computed at once, in the same order.
    Where a divisor is zero the old value stays (LEAN's mathematical error): ``percent_b`` and, once
    ready, the price itself for a deviation of zero.
    """

    _label = "BB({period},{k})"

    def _build(self, period: int, k: Any, moving_average_type: MovingAverageType = _SIMPLE) -> None:
        name = self.name
        self.warm_up_period = int(period)
        self.moving_average_type = moving_average_type
        self._k = float(k)
        self.standard_deviation = StandardDeviation(name + "_StandardDeviation", period)
        self.middle_band = as_indicator(moving_average_type, name + "_MiddleBand", period)
        self.lower_band = _Derived(name + "_LowerBand", self)
        self.upper_band = _Derived(name + "_UpperBand", self)
        self.band_width = _Derived(name + "_BandWidth", self)
        self.price = Identity(name + "_Close")
        self.percent_b = _Derived(name + "_%B", self)

    def _parts_ready(self) -> bool:
        return self.standard_deviation.is_ready and self.middle_band.is_ready

    @property
    def is_ready(self) -> bool:
        return self._parts_ready()

    def _next(self, time: datetime, value: float) -> float | None:
        symbol = self._seen_symbol
        self.standard_deviation._push(symbol, time, value)
        self.middle_band._push(symbol, time, value)
        deviation, middle = self.standard_deviation._value, self.middle_band._value
        distance = deviation * self._k
        lower, width = middle - distance, 2.0 * distance
        self.lower_band._set(EMPTY, time, lower)
        self.upper_band._set(EMPTY, time, middle + distance)
        if middle:
            self.band_width._set(EMPTY, time, width / middle * 100.0)
        self.price._push(symbol, time, value)
        if width:
            self.percent_b._set(EMPTY, time, (value - lower) / width)
        if deviation == 0 and self._parts_ready():
            return None
        return value

    def reset(self) -> None:
        for part in (
            self.standard_deviation,
            self.middle_band,
            self.upper_band,
            self.lower_band,
            self.band_width,
            self.percent_b,
            self.price,
        ):
            part.reset()
        super().reset()


class KeltnerChannels(BarIndicator):
    """Mean of the typical price and ``k`` average true ranges around it."""

    _label = "KC({period},{k})"

    def _build(self, period: int, k: Any, moving_average_type: MovingAverageType = _SIMPLE) -> None:
        name, factor = self.name, float(k)
        self.warm_up_period = int(period)
        self.average_true_range = AverageTrueRange(name + "_AverageTrueRange", period, _SIMPLE)
        middle = as_indicator(moving_average_type, name + "_MiddleBand", period)
        self.middle_band = middle

        def band(label: str, sign: float) -> FunctionalIndicator:
            def compute(_bar: Any) -> float:
                if not middle.is_ready:
                    return 0.0
                return middle._value + sign * self.average_true_range._value * factor

            return FunctionalIndicator(
                name + label, compute, lambda _: middle.is_ready, middle.reset
            )

        self.lower_band = band("_LowerBand", -1.0)
        self.upper_band = band("_UpperBand", 1.0)

    @property
    def is_ready(self) -> bool:
        return self.middle_band.is_ready and self.average_true_range.is_ready

    def _next_bar(self, bar: Any) -> float:
        self.average_true_range._push_bar(bar)
        self.middle_band._push(EMPTY, bar.end_time, (bar.high + bar.low + bar.close) / 3.0)
        self.lower_band._push_bar(bar)
        self.upper_band._push_bar(bar)
        return self.middle_band._value

    def reset(self) -> None:
        super().reset()
        for part in (
            self.average_true_range,
            self.middle_band,
            self.upper_band,
            self.lower_band,
        ):
            part.reset()


class DonchianChannel(BarIndicator):
    """Highest high and lowest low; the value is their middle."""

    _label = "DCH({lower_period},{lower_period})"

    def _build(self, upper_period: int, lower_period: int | None = None) -> None:
        lower = upper_period if lower_period is None else lower_period
        self.warm_up_period = max(upper_period, lower)
        self.upper_band = Maximum(self.name + "_UpperBand", upper_period)
        self.lower_band = Minimum(self.name + "_LowerBand", lower)

    def _default_name(self, values: dict[str, Any]) -> str:
        lower = values["lower_period"]
        lower = values["upper_period"] if lower is None else lower
        return f"DCH({lower},{lower})"

    @property
    def is_ready(self) -> bool:
        return self.upper_band.is_ready and self.lower_band.is_ready

    def _next_bar(self, bar: Any) -> float:
        time = bar.end_time
        self.upper_band._push(EMPTY, time, bar.high)
        self.lower_band._push(EMPTY, time, bar.low)
        return (self.upper_band._value + self.lower_band._value) / 2

    def reset(self) -> None:
        super().reset()
        self.upper_band.reset()
        self.lower_band.reset()


class AccelerationBands(BarIndicator):
    """Bands that widen with the range of the bars."""

    _label = "ABANDS({period},{width},{moving_average_type})"

    def _build(
        self, period: int, width: Any = 4, moving_average_type: MovingAverageType = _SIMPLE
    ) -> None:
        name = self.name
        self.warm_up_period = int(period)
        self._width = float(width)
        self.moving_average_type = moving_average_type
        self.middle_band = as_indicator(moving_average_type, name + "_MiddleBand", period)
        self.lower_band = as_indicator(moving_average_type, name + "_LowerBand", period)
        self.upper_band = as_indicator(moving_average_type, name + "_UpperBand", period)

    @property
    def is_ready(self) -> bool:
        return self.middle_band.is_ready and self.lower_band.is_ready and self.upper_band.is_ready

    def _next_bar(self, bar: Any) -> float:
        high, low, time = bar.high, bar.low, bar.end_time
        coefficient = self._width * (high - low) / (high + low) if high + low else 0.0
        self.lower_band._push(EMPTY, time, low * (1 - coefficient))
        self.upper_band._push(EMPTY, time, high * (1 + coefficient))
        self.middle_band._push(EMPTY, time, bar.close)
        return self.middle_band._value

    def reset(self) -> None:
        super().reset()
        for part in (self.middle_band, self.lower_band, self.upper_band):
            part.reset()


class RegressionChannel(Indicator):
    """Least-squares line and ``k`` standard deviations around it."""

    _label = "RC({period},{k})"

    def _build(self, period: int, k: Any) -> None:
        name, join = self.name, IndicatorExtensions
        self.warm_up_period = int(period)
        self._deviation = StandardDeviation(period)
        self.linear_regression = LeastSquaresMovingAverage(name + "_LinearRegression", period)
        self.lower_channel = join.minus(
            self.linear_regression, join.times(self._deviation, k), name + "_LowerChannel"
        )
        self.upper_channel = join.plus(
            self.linear_regression, join.times(self._deviation, k), name + "_UpperChannel"
        )

    @property
    def intercept(self) -> Any:
        return self.linear_regression.intercept

    @property
    def slope(self) -> Any:
        return self.linear_regression.slope

    @property
    def is_ready(self) -> bool:
        return self._deviation.is_ready and self.linear_regression.is_ready

    def _next(self, time: datetime, value: float) -> float:
        self._deviation._push(EMPTY, time, value)
        self.linear_regression._push(EMPTY, time, value)
        return self.linear_regression._value

    def reset(self) -> None:
        super().reset()
        for part in (
            self._deviation,
            self.linear_regression,
            self.lower_channel,
            self.upper_channel,
        ):
            part.reset()


class ChoppinessIndex(BarIndicator):
    """How much of the path goes nowhere, 0 to 100 on a logarithmic scale."""

    _label = "CHOP({period})"

    def _build(self, period: int) -> None:
        self._period = self.warm_up_period = int(period)
        self._range = TrueRange()
        self._ranges = RollingSum(self._period)
        self._highs, self._lows = Maximum(period), Minimum(period)

    @property
    def is_ready(self) -> bool:
        return self.samples >= self._period

    def _next_bar(self, bar: Any) -> float:
        time = bar.end_time
        self._range._push_bar(bar)
        total = self._ranges.add(self._range._value)
        self._highs._push(EMPTY, time, bar.high)
        self._lows._push(EMPTY, time, bar.low)
        if self.samples < self._period:
            return 0.0
        span = self._highs._value - self._lows._value
        return 100.0 * math.log10(total / span) / math.log10(self._period) if span else 100.0

    def reset(self) -> None:
        super().reset()
        self._range.reset()
        self._ranges.clear()
        self._highs.reset()
        self._lows.reset()


class ChandeKrollStop(BarIndicator):
    """Stops that trail the extremes by a multiple of the average true range."""

    _label = "CKS({atr_period},{atr_mult},{period})"

    def _build(
        self,
        atr_period: int,
        atr_mult: Any,
        period: int,
        moving_average_type: MovingAverageType = _WILDERS,
    ) -> None:
        self.warm_up_period = atr_period + period - 1
        self._atr, self._mult = AverageTrueRange(atr_period, moving_average_type), float(atr_mult)
        self._highs, self._lows = Maximum(atr_period), Minimum(atr_period)
        self.long_stop = Minimum(self.name + "_Long", period)
        self.short_stop = Maximum(self.name + "_Short", period)

    @property
    def is_ready(self) -> bool:
        return self.samples >= self.warm_up_period

    def _next_bar(self, bar: Any) -> float:
        time = bar.end_time
        self._atr._push_bar(bar)
        distance = self._atr._value * self._mult
        self._highs._push(EMPTY, time, bar.high)
        self._lows._push(EMPTY, time, bar.low)
        self.short_stop._push(EMPTY, time, self._highs._value - distance)
        self.long_stop._push(EMPTY, time, self._lows._value + distance)
        return float(bar.value)

    def reset(self) -> None:
        super().reset()
        for part in (self._atr, self._highs, self._lows, self.short_stop, self.long_stop):
            part.reset()


class RogersSatchellVolatility(BarIndicator):
    """Volatility from open, high, low and close, without bias from the drift."""

    _label = "RSV({period})"

    def _build(self, period: int) -> None:
        self._period = self.warm_up_period = int(period)
        self._sum = Sum(period)

    @property
    def is_ready(self) -> bool:
        return self.samples >= self._period

    def _next_bar(self, bar: Any) -> float:
        o, h, l, c = bar.open, bar.high, bar.low, bar.close
        if not (o and h and l and c):
            return 0.0
        term = math.log(h / c) * math.log(h / o) + math.log(l / c) * math.log(l / o)
        self._sum._push(EMPTY, bar.end_time, term)
        if self.samples < self._period:
            return 0.0
        return math.sqrt(max(0.0, self._sum._value) / self._period)

    def reset(self) -> None:
        super().reset()
        self._sum.reset()


class SqueezeMomentum(BarIndicator):
    """1 while the Bollinger bands are inside the Keltner channels, else -1; 0 before both are
    ready.
    """

    _label = "SM({bollinger_period},{bollinger_multiplier},{keltner_period},{keltner_multiplier})"

    def _build(
        self,
        bollinger_period: int,
        bollinger_multiplier: Any,
        keltner_period: int,
        keltner_multiplier: Any,
    ) -> None:
        self.bollinger_bands = BollingerBands(bollinger_period, bollinger_multiplier)
        self.keltner_channels = KeltnerChannels(
            keltner_period, keltner_multiplier, MovingAverageType.EXPONENTIAL
        )
        self.warm_up_period = max(bollinger_period, keltner_period)

    @property
    def is_ready(self) -> bool:
        return self.bollinger_bands.is_ready and self.keltner_channels.is_ready

    def _next_bar(self, bar: Any) -> float:
        bands, channels = self.bollinger_bands, self.keltner_channels
        bands._take(bar)
        channels._push_bar(bar)
        if not self.is_ready:
            return 0.0
        inside = (
            channels.upper_band._value > bands.upper_band._value
            and channels.lower_band._value < bands.lower_band._value
        )
        return 1.0 if inside else -1.0

    def reset(self) -> None:
        super().reset()
        self.bollinger_bands.reset()
        self.keltner_channels.reset()
