"""Moving averages."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from engine.indicators.base import (
    EMPTY,
    Indicator,
    IndicatorBase,
    TradeBarIndicator,
    WindowIndicator,
    number_text,
)
from engine.indicators.basic import Delay, Identity, Sum
from engine.indicators.sums import RollingSum
from engine.types.bars import TradeBar
from engine.types.enums import MovingAverageType
from engine.types.errors import ArgumentException


class SimpleMovingAverage(WindowIndicator):
    """Mean of the last ``period`` values; before that, of those there are."""

    _label = "SMA({period})"

    def _build(self, period: int) -> None:
        super()._build(period)
        self._sum = RollingSum(self.period)
        self._win = self._sum.win

    @property
    def rolling_sum(self) -> Sum:
        """The sum of the window, as an indicator of the present moment."""
        made = Sum(f"{self.name}_Sum", self.period)
        made._sum, made._win = self._sum, self._sum.win
        made.samples = self.samples
        symbol, time, _ = self._cur
        made._value = self._sum.total + self._sum.error
        made._cur = (symbol, time, made._value)
        return made

    def _next(self, time: datetime, value: float) -> float:
        rolling = self._sum
        rolling.add(value)
        return rolling.mean()

    def reset(self) -> None:
        super().reset()
        self._sum.clear()


class ExponentialMovingAverage(Indicator):
    r"""Exponential moving average, seeded with the mean of the first ``period`` values.

    .. math:: E_t = E_{t-1} + k (x_t - E_{t-1}), \quad k = 2 / (period + 1)

    Zero until ready.
    """

    _label = "EMA({period},{smoothing_factor})"

    def _build(self, period: int, smoothing_factor: Any = None) -> None:
        self._period = int(period)
        given = smoothing_factor is not None
        self._k = float(smoothing_factor) if given else 2.0 / (1 + self._period)
        self._sum = RollingSum(self._period)

    def _default_name(self, values: dict[str, Any]) -> str:
        label = "EMA({period})" if values["smoothing_factor"] is None else self._label
        return label.format(**{k: number_text(v) for k, v in values.items()})

    @staticmethod
    def smoothing_factor_default(period: int) -> float:
        return 2.0 / (1 + period)

    @property
    def is_ready(self) -> bool:
        return self.samples >= self._period

    @property
    def warm_up_period(self) -> int:
        return self._period

    def _next(self, time: datetime, value: float) -> float:
        samples = self.samples
        if samples > self._period:
            last = self._value
            return last + self._k * (value - last)
        self._sum.add(value)
        return self._sum.mean() if samples == self._period else 0.0

    def _on_bar(self, sender: Any, bar: Any) -> None:
        """Do what the base does, with the average's own step in place once it is ready."""
        symbol, time = bar.symbol, bar.end_time
        samples = self.samples
        if (
            symbol is not self._seen_symbol
            or samples < self._period
            or type(bar) is not TradeBar
            or time < self._seen_time
        ):
            super()._on_bar(sender, bar)
            return
        self._seen_time = time
        self.samples = samples + 1
        value = self._value
        self._value = value = value + self._k * (bar.close - value)
        self._prev = self._cur
        self._cur = (symbol, time, value)
        if self._window is not None:
            self._window.add(self.current)
        if self._handlers:
            self.updated(self, self.current)

    def reset(self) -> None:
        super().reset()
        self._sum.clear()


class WilderMovingAverage(Indicator):
    r"""Wilder's average: :math:`W_t = W_{t-1} + (x_t - W_{t-1}) / period`; a plain mean before it
    is ready.
    """

    _label = "WWMA{period}"

    def _build(self, period: int) -> None:
        self._period = int(period)
        self._k = 1.0 / self._period
        self._sum = RollingSum(self._period)

    @property
    def is_ready(self) -> bool:
        return self.samples >= self._period

    @property
    def warm_up_period(self) -> int:
        return self._period

    def _next(self, time: datetime, value: float) -> float:
        if self.samples < self._period:
            self._sum.add(value)
            return self._sum.mean()
        last = self._value
        return last + self._k * (value - last)

    def reset(self) -> None:
        super().reset()
        self._sum.clear()


class DoubleExponentialMovingAverage(IndicatorBase):
    """``(v + 1) EMA - v EMA(EMA)`` with the volume factor ``v``."""

    _label = "DEMA({period})"

    def _build(self, period: int, volume_factor: Any = 1) -> None:
        self._period, self._factor = int(period), float(volume_factor)
        self._ema1, self._ema2 = (ExponentialMovingAverage(period) for _ in range(2))

    @property
    def is_ready(self) -> bool:
        return self.samples > 2 * (self._period - 1)

    @property
    def warm_up_period(self) -> int:
        return 1 + 2 * (self._period - 1)

    def _next(self, time: datetime, value: float) -> float:
        first, second = self._ema1, self._ema2
        first._push(EMPTY, time, value)
        if not first.is_ready:
            return first._value
        second._push(EMPTY, time, first._value)
        return (self._factor + 1) * first._value - self._factor * second._value

    def reset(self) -> None:
        super().reset()
        self._ema1.reset()
        self._ema2.reset()


class TripleExponentialMovingAverage(IndicatorBase):
    """``3 EMA - 3 EMA(EMA) + EMA(EMA(EMA))``."""

    _label = "TEMA({period})"

    def _build(self, period: int) -> None:
        self._period = int(period)
        self._chain = tuple(ExponentialMovingAverage(period) for _ in range(3))

    @property
    def is_ready(self) -> bool:
        return self._chain[2].is_ready

    @property
    def warm_up_period(self) -> int:
        return 3 * (self._period - 1) + 1

    def _next(self, time: datetime, value: float) -> float:
        first, second, third = self._chain
        first._push(EMPTY, time, value)
        if first.is_ready:
            second._push(EMPTY, time, first._value)
        if second.is_ready:
            third._push(EMPTY, time, second._value)
        if not third.is_ready:
            return 0.0
        return 3.0 * first._value - 3.0 * second._value + third._value

    def reset(self) -> None:
        super().reset()
        for part in self._chain:
            part.reset()


class T3MovingAverage(IndicatorBase):
    """Tillson's T3: three generalised DEMAs in a row."""

    _label = "T3({period},{volume_factor})"

    def _build(self, period: int, volume_factor: Any = 0.7) -> None:
        self._period = int(period)
        self._chain = tuple(DoubleExponentialMovingAverage(period, volume_factor) for _ in range(3))

    @property
    def is_ready(self) -> bool:
        return self.samples > 6 * (self._period - 1)

    @property
    def warm_up_period(self) -> int:
        return 1 + 6 * (self._period - 1)

    def _next(self, time: datetime, value: float) -> float:
        first, second, third = self._chain
        first._push(EMPTY, time, value)
        if not first.is_ready:
            return first._value
        second._push(EMPTY, time, first._value)
        if not second.is_ready:
            return second._value
        third._push(EMPTY, time, second._value)
        return third._value

    def reset(self) -> None:
        super().reset()
        for part in self._chain:
            part.reset()


class LinearWeightedMovingAverage(WindowIndicator):
    """Weights ``period`` for the newest value down to 1 for the oldest; zero until ready."""

    _label = "LWMA({period})"

    def _build(self, period: int) -> None:
        super()._build(period)
        self._weights = range(1, self.period + 1)
        self._denominator = self.period * (self.period + 1) // 2

    def _next(self, time: datetime, value: float) -> float:
        win = self._win
        win.append(value)
        if len(win) < self.period:
            return 0.0
        total = math.fsum(w * x for w, x in zip(self._weights, win, strict=False))
        return total / self._denominator


class HullMovingAverage(IndicatorBase):
    """LWMA over sqrt(period) of ``2 LWMA(period / 2) - LWMA(period)``."""

    _label = "HMA({period})"

    def _build(self, period: int) -> None:
        if period < 2:
            raise ArgumentException(
                "The Hull Moving Average period should be greater or equal to 2"
            )
        width = round(math.sqrt(period))
        self._slow = LinearWeightedMovingAverage(period)
        self._fast = LinearWeightedMovingAverage(round(period / 2))
        self._hull = LinearWeightedMovingAverage(width)
        self.warm_up_period = period + width - 1

    @property
    def is_ready(self) -> bool:
        return self._hull.is_ready

    def _next(self, time: datetime, value: float) -> float:
        fast, slow, hull = self._fast, self._slow, self._hull
        fast._push(EMPTY, time, value)
        slow._push(EMPTY, time, value)
        if fast.is_ready and slow.is_ready:
            hull._push(EMPTY, time, 2 * fast._value - slow._value)
        return hull._value

    def reset(self) -> None:
        super().reset()
        for part in (self._fast, self._slow, self._hull):
            part.reset()


class KaufmanEfficiencyRatio(WindowIndicator):
    """Net change over the sum of the changes of ``period`` inputs (1 in a straight line)."""

    _label = "KER({period})"

    def _build(self, period: int) -> None:
        super()._build(period + 1)
        self._changes = RollingSum(period)

    @property
    def is_ready(self) -> bool:
        return self.samples >= self.period

    def _ratio(self, value: float) -> float | None:
        win = self._win
        win.append(value)
        if self.samples > 1:
            path = self._changes.add(abs(value - win[-2]))
        if self.samples < self.period:
            return None
        net = value - win[0]
        return 1.0 if path <= net or path == 0.0 else abs(net / path)

    def _next(self, time: datetime, value: float) -> float:
        ratio = self._ratio(value)
        return value if ratio is None else ratio

    def reset(self) -> None:
        super().reset()
        self._changes.clear()


class KaufmanAdaptiveMovingAverage(KaufmanEfficiencyRatio):
    """Kaufman's average: smooths fast in trends and slowly in noise."""

    _label = "KAMA({period},{fast_ema_period},{slow_ema_period})"

    def _build(self, period: int, fast_ema_period: int = 2, slow_ema_period: int = 30) -> None:
        super()._build(period)
        self._slow = 2.0 / (slow_ema_period + 1.0)
        self._diff = 2.0 / (fast_ema_period + 1.0) - self._slow
        self._kama = 0.0

    def _next(self, time: datetime, value: float) -> float:
        ratio = self._ratio(value)
        if ratio is None:
            return value
        if self.samples == self.period:
            self._kama = self._win[-2]
        smoothing = ratio * self._diff + self._slow
        self._kama += (value - self._kama) * smoothing * smoothing
        return self._kama

    def reset(self) -> None:
        super().reset()
        self._kama = 0.0


class TriangularMovingAverage(Indicator):
    """A simple average of a simple average."""

    _label = "TRIMA({period})"

    def _build(self, period: int) -> None:
        self._period = int(period)
        first = (period + 1) // 2
        self._sma1 = SimpleMovingAverage(first)
        self._sma2 = SimpleMovingAverage(first + 1 if period % 2 == 0 else first)

    @property
    def is_ready(self) -> bool:
        return self.samples >= self._period

    @property
    def warm_up_period(self) -> int:
        return self._period

    def _next(self, time: datetime, value: float) -> float:
        self._sma1._push(EMPTY, time, value)
        self._sma2._push(EMPTY, time, self._sma1._value)
        return self._sma2._value

    def reset(self) -> None:
        super().reset()
        self._sma1.reset()
        self._sma2.reset()


class ArnaudLegouxMovingAverage(WindowIndicator):
    """Gaussian weights centred at ``offset`` of the window."""

    _label = "ALMA({period},{sigma},{offset})"

    def _build(self, period: int, sigma: int = 6, offset: Any = 0.85) -> None:
        super()._build(period)
        offset = float(offset)
        if not 0 <= offset <= 1:
            raise ArgumentException(f"Offset parameter range is [0,1]. Value: {offset}")
        centre = math.floor(round(offset * (period - 1), 12))
        width = period / sigma
        weights = [math.exp(-((i - centre) ** 2) / (2 * width * width)) for i in range(period)]
        total = sum(weights)
        self._weights = [w / total for w in weights]

    def _next(self, time: datetime, value: float) -> float:
        win = self._win
        win.append(value)
        if len(win) < self.period:
            return value
        return math.fsum(w * x for w, x in zip(self._weights, win, strict=False))


class ZeroLagExponentialMovingAverage(WindowIndicator):
    """EMA of the value plus its change over half the period."""

    _label = "ZLEMA({period})"

    def _build(self, period: int) -> None:
        super()._build(period)
        self._ema = ExponentialMovingAverage(period)
        self._delay = Delay(round((period - 1) / 2.0))

    @property
    def is_ready(self) -> bool:
        return self._delay.is_ready and self._ema.is_ready

    @property
    def warm_up_period(self) -> int:
        return self.period + self.period // 2

    def _next(self, time: datetime, value: float) -> float:
        self._delay._push(EMPTY, time, value)
        if not self._delay.is_ready:
            return 0.0
        self._ema._push(EMPTY, time, value + (value - self._delay._value))
        return self._ema._value

    def reset(self) -> None:
        super().reset()
        self._ema.reset()
        self._delay.reset()


class RelativeMovingAverage(Indicator):
    """``SMA(3 n) - SMA(2 n) + SMA(n)``."""

    _label = "RMA({period})"

    def _build(self, period: int) -> None:
        self.short_average = SimpleMovingAverage(period)
        self.medium_average = SimpleMovingAverage(period * 2)
        self.long_average = SimpleMovingAverage(period * 3)

    @property
    def is_ready(self) -> bool:
        return self.long_average.is_ready

    @property
    def warm_up_period(self) -> int:
        return self.long_average.warm_up_period

    def _next(self, time: datetime, value: float) -> float:
        parts = (self.short_average, self.medium_average, self.long_average)
        for part in parts:
            part._push(EMPTY, time, value)
        short, medium, long = (part._value for part in parts)
        return long - medium + short

    def reset(self) -> None:
        super().reset()
        for part in (self.short_average, self.medium_average, self.long_average):
            part.reset()


class LeastSquaresMovingAverage(WindowIndicator):
    """End point of the least-squares line through the last ``period`` values."""

    _label = "LSMA({period})"

    def _build(self, period: int) -> None:
        super()._build(period)
        self.intercept, self.slope = Identity("LSMA_Intercept"), Identity("LSMA_Slope")
        self._middle = (self.period + 1) / 2
        self._spread = sum((i + 1 - self._middle) ** 2 for i in range(self.period))

    def _next(self, time: datetime, value: float) -> float:
        win = self._win
        win.append(value)
        if len(win) < self.period:
            return value
        base = win[0]
        mean = math.fsum(x - base for x in win) / self.period
        slope = 0.0
        if self._spread:
            cross = (((i + 1 - self._middle) * (x - base)) for i, x in enumerate(win))
            slope = math.fsum(cross) / self._spread
        intercept = base + mean - slope * self._middle
        self.intercept._push(EMPTY, time, intercept)
        self.slope._push(EMPTY, time, slope)
        return intercept + slope * self.period

    def reset(self) -> None:
        super().reset()
        self.intercept.reset()
        self.slope.reset()


class TimeSeriesForecast(WindowIndicator):
    """The least-squares line of the last ``period`` values, one step ahead."""

    _label = "TSF{period})"

    def _build(self, period: int) -> None:
        if period < 2:
            raise ArgumentException(f"RollingWindow must have size of at least 2, was {period}.")
        super()._build(period)

    def _next(self, time: datetime, value: float) -> float:
        win, n = self._win, self.period
        win.append(value)
        if len(win) < n:
            return 0.0
        base, middle = win[0], (n + 1) / 2
        mean = math.fsum(x - base for x in win) / n
        spread = n * (n * n - 1) / 12
        slope = math.fsum((i + 1 - middle) * (x - base) for i, x in enumerate(win)) / spread
        return base + mean + slope * (n + 1 - middle)


class McGinleyDynamic(WindowIndicator):
    """McGinley's average: adapts its speed to the ratio of price and average."""

    _label = "MGD({period})"

    def _build(self, period: int) -> None:
        super()._build(period)
        self._sum = RollingSum(self.period)
        self._win = self._sum.win

    def _next(self, time: datetime, value: float) -> float:
        self._sum.add(value)
        if len(self._win) < self.period:
            return 0.0
        if self.samples == self.period:
            return self._sum.mean()
        last = self._value
        if last == 0 or value == 0:
            return last
        return last + (value - last) / (self.period * (value / last) ** 4)

    def reset(self) -> None:
        super().reset()
        self._sum.clear()


class VolumeWeightedMovingAverage(TradeBarIndicator):
    """Mean of the closes weighted by volume."""

    _label = "VWMA({period})"

    def _build(self, period: int) -> None:
        self.warm_up_period = int(period)
        self._products, self._volumes = Sum(period), Sum(period)

    @property
    def is_ready(self) -> bool:
        return self._volumes.is_ready

    def _next_bar(self, bar: Any) -> float:
        time, volume = bar.end_time, bar.volume
        self._products._push(EMPTY, time, bar.close * volume)
        self._volumes._push(EMPTY, time, volume)
        total = self._volumes._value
        return self._products._value / total if total else bar.close

    def reset(self) -> None:
        super().reset()
        self._products.reset()
        self._volumes.reset()


_KINDS: dict[MovingAverageType, type[IndicatorBase]] = {
    MovingAverageType.SIMPLE: SimpleMovingAverage,
    MovingAverageType.EXPONENTIAL: ExponentialMovingAverage,
    MovingAverageType.WILDERS: WilderMovingAverage,
    MovingAverageType.LINEAR_WEIGHTED_MOVING_AVERAGE: LinearWeightedMovingAverage,
    MovingAverageType.DOUBLE_EXPONENTIAL: DoubleExponentialMovingAverage,
    MovingAverageType.TRIPLE_EXPONENTIAL: TripleExponentialMovingAverage,
    MovingAverageType.TRIANGULAR: TriangularMovingAverage,
    MovingAverageType.T_3: T3MovingAverage,
    MovingAverageType.KAMA: KaufmanAdaptiveMovingAverage,
    MovingAverageType.HULL: HullMovingAverage,
    MovingAverageType.ALMA: ArnaudLegouxMovingAverage,
    MovingAverageType.ZLEMA: ZeroLagExponentialMovingAverage,
    MovingAverageType.MGD: McGinleyDynamic,
}


def as_indicator(kind: MovingAverageType, name: str, period: int) -> Any:
    """Make the moving average of a type.

    Raises
    ------
    ArgumentException
        For a type that does not exist.
    """
    made = _KINDS.get(kind)
    if made is None:
        raise ArgumentException(f"expected a MovingAverageType, was {kind!r}")
    return made(name, period)
