"""Rates of change and oscillators of values."""

from __future__ import annotations

import math
from collections import deque
from datetime import datetime
from typing import Any

from engine.indicators.averages import (
    ExponentialMovingAverage,
    LinearWeightedMovingAverage,
    SimpleMovingAverage,
    as_indicator,
)
from engine.indicators.base import EMPTY, Indicator, IndicatorBase, WindowIndicator
from engine.indicators.basic import Delay, Identity
from engine.indicators.composite import IndicatorExtensions
from engine.indicators.volatility import StandardDeviation
from engine.types.enums import MovingAverageType
from engine.types.errors import ArgumentException

_SIMPLE, _EXPONENTIAL = MovingAverageType.SIMPLE, MovingAverageType.EXPONENTIAL


class RateOfChange(WindowIndicator):
    """Change against the value ``period`` inputs ago (the oldest known one before that), as a
    fraction.
    """

    _label = "ROC({period})"

    @property
    def is_ready(self) -> bool:
        return self.samples > self.period

    @property
    def warm_up_period(self) -> int:
        return self.period + 1

    def _roc(self, value: float) -> float:
        self._roll(value)
        before = self._win[0] if self._removed is None else self._removed
        return (value - before) / before if before else 0.0

    def _next(self, time: datetime, value: float) -> float:
        return self._roc(value)


class RateOfChangePercent(RateOfChange):
    """Rate of change in per cent."""

    _label = "ROCP({period})"

    def _next(self, time: datetime, value: float) -> float:
        return 100.0 * self._roc(value)


class RateOfChangeRatio(RateOfChange):
    """Rate of change plus one; zero where there was no change."""

    _label = "ROCR({period})"

    def _next(self, time: datetime, value: float) -> float:
        roc = self._roc(value)
        return roc + 1.0 if roc else 0.0


class MomentumPercent(RateOfChangePercent):
    """Rate of change in per cent, by another name."""

    _label = "MOMP({period})"


class Momentum(WindowIndicator):
    """Change against the value ``period`` inputs ago (the oldest known one before that)."""

    _label = "MOM({period})"

    @property
    def is_ready(self) -> bool:
        return self.samples > self.period

    @property
    def warm_up_period(self) -> int:
        return self.period + 1

    def _next(self, time: datetime, value: float) -> float:
        self._roll(value)
        return value - (self._win[0] if self._removed is None else self._removed)


class LogReturn(WindowIndicator):
    """Natural logarithm of the ratio to the value ``period`` inputs ago."""

    _label = "LOGR({period})"

    def _next(self, time: datetime, value: float) -> float:
        self._roll(value)
        before = self._win[0] if self._removed is None else self._removed
        ratio = value / before if before else 0.0
        if ratio < 0:
            raise ArgumentException(
                f"{self.name}: expected prices of one sign, was {value} after {before}"
            )
        return math.log(ratio) if ratio else 0.0


class RelativeStrengthIndex(Indicator):
    """``100 - 100 / (1 + average gain / average loss)``; 100 where the average loss is zero to ten
    digits.
    """

    _label = "RSI({period})"

    def _build(
        self, period: int, moving_average_type: MovingAverageType = MovingAverageType.WILDERS
    ) -> None:
        self.moving_average_type = moving_average_type
        self.average_gain = as_indicator(moving_average_type, self.name + "Up", period)
        self.average_loss = as_indicator(moving_average_type, self.name + "Down", period)
        self.warm_up_period = period + 1
        self._before: float | None = None

    @property
    def is_ready(self) -> bool:
        return self.average_gain.is_ready and self.average_loss.is_ready

    def _next(self, time: datetime, value: float) -> float:
        before, self._before = self._before, value
        gains, losses = self.average_gain, self.average_loss
        if before is not None:
            change = value - before
            gains._push(EMPTY, time, change if change > 0 else 0.0)
            losses._push(EMPTY, time, -change if change < 0 else 0.0)
        loss = max(0.0, losses._value)
        if round(loss, 10) == 0:
            return 100.0
        return 100.0 - 100.0 / (1.0 + max(0.0, gains._value) / loss)

    def reset(self) -> None:
        super().reset()
        self._before = None
        self.average_gain.reset()
        self.average_loss.reset()


class MovingAverageConvergenceDivergence(Indicator):
    """Difference of two averages, its own average (signal) and the distance (histogram)."""

    _label = "MACD({fast_period},{slow_period},{signal_period})"

    def _build(
        self,
        fast_period: int,
        slow_period: int,
        signal_period: int,
        type: MovingAverageType = _EXPONENTIAL,
    ) -> None:
        if fast_period >= slow_period:
            raise ArgumentException(
                "MovingAverageConvergenceDivergence: fastPeriod must be less than slowPeriod, "
                f"were {fast_period} and {slow_period}"
            )
        name = self.name
        self.fast = as_indicator(type, name + "_Fast", fast_period)
        self.slow = as_indicator(type, name + "_Slow", slow_period)
        self.signal = as_indicator(type, name + "_Signal", signal_period)
        self.histogram = Identity(name + "_Histogram")
        self.warm_up_period = slow_period + signal_period - 1

    @property
    def is_ready(self) -> bool:
        return self.signal.is_ready

    def _next(self, time: datetime, value: float) -> float | None:
        fast, slow = self.fast, self.slow
        fast._push(EMPTY, time, value)
        slow._push(EMPTY, time, value)
        macd = fast._value - slow._value
        if slow.is_ready and fast.is_ready:
            self.signal._push(EMPTY, time, macd)
            if self.signal.is_ready:
                self.histogram._push(EMPTY, time, macd - self.signal._value)
        return macd

    def reset(self) -> None:
        super().reset()
        for part in (self.fast, self.slow, self.signal, self.histogram):
            part.reset()


class AbsolutePriceOscillator(MovingAverageConvergenceDivergence):
    """Difference of a fast and a slow moving average."""

    _label = "APO({fast_period},{slow_period})"

    def _build(  # type: ignore[override]
        self,
        fast_period: int,
        slow_period: int,
        moving_average_type: MovingAverageType = _SIMPLE,
    ) -> None:
        super()._build(fast_period, slow_period, slow_period, moving_average_type)


class PercentagePriceOscillator(AbsolutePriceOscillator):
    """Difference of a fast and a slow moving average in per cent of the slow one."""

    _label = "PPO({fast_period},{slow_period})"

    def _next(self, time: datetime, value: float) -> float:
        macd = super()._next(time, value)
        assert macd is not None
        return 100.0 * macd / self.slow._value if self.slow._value else 0.0


class Trix(Indicator):
    """Change in per cent of a triple exponential average."""

    _label = "TRIX({period})"

    def _build(self, period: int) -> None:
        self._period = int(period)
        self._chain = tuple(ExponentialMovingAverage(period) for _ in range(3))
        self._roc = RateOfChangePercent(1)

    @property
    def is_ready(self) -> bool:
        return self._roc.is_ready

    @property
    def warm_up_period(self) -> int:
        return 3 * (self._period - 1) + 2

    def _next(self, time: datetime, value: float) -> float:
        last: Any = self._roc
        for part in (*self._chain, last):
            part._push(EMPTY, time, value)
            if not part.is_ready:
                break
            value = part._value
        return last._value

    def reset(self) -> None:
        super().reset()
        for part in self._chain:
            part.reset()
        self._roc.reset()


class ChandeMomentumOscillator(WindowIndicator):
    """100 (gains - losses) / (gains + losses), smoothed by Wilder's method."""

    _label = "CMO({period})"

    def _build(self, period: int) -> None:
        super()._build(period)
        self._before = self._gain = self._loss = 0.0

    @property
    def is_ready(self) -> bool:
        return self.samples > self.period

    @property
    def warm_up_period(self) -> int:
        return 1 + self.period

    def _next(self, time: datetime, value: float) -> float:
        period, change = self.period, value - self._before
        self._before = value
        if self.samples == 1:
            return 0.0
        if self.samples > period + 1:
            self._loss *= period - 1
            self._gain *= period - 1
        if change < 0:
            self._loss -= change
        else:
            self._gain += change
        if self.samples <= period:
            return 0.0
        self._loss /= period
        self._gain /= period
        total = self._gain + self._loss
        return 100.0 * ((self._gain - self._loss) / total) if total else 0.0

    def reset(self) -> None:
        super().reset()
        self._before = self._gain = self._loss = 0.0


class VariableIndexDynamicAverage(WindowIndicator):
    """Exponential average whose speed is the absolute Chande momentum."""

    _label = "VIDYA({period})"

    def _build(self, period: int) -> None:
        super()._build(period)
        self._cmo = ChandeMomentumOscillator(period)
        self._factor = 2.0 / (period + 1)
        self._vidya = 0.0

    @property
    def is_ready(self) -> bool:
        return self.samples > self.period

    @property
    def warm_up_period(self) -> int:
        return self.period + 1

    def _next(self, time: datetime, value: float) -> float:
        self._cmo._push(EMPTY, time, value)
        if self.samples <= self.period:
            self._vidya = value
            return 0.0
        speed = self._factor * abs(self._cmo._value / 100.0)
        self._vidya += speed * (value - self._vidya)
        return self._vidya

    def reset(self) -> None:
        super().reset()
        self._vidya = 0.0
        self._cmo.reset()


class ConnorsRelativeStrengthIndex(Indicator):
    """Mean of an RSI, the RSI of the streak length and the percentile of the last change."""

    _label = "CRSI({rsi_period},{rsi_period_streak},{look_back_period})"

    def _build(self, rsi_period: int, rsi_period_streak: int, look_back_period: int) -> None:
        self._rsi = RelativeStrengthIndex(rsi_period)
        self._streak_rsi = RelativeStrengthIndex(rsi_period_streak)
        self._changes: deque[float] = deque(maxlen=look_back_period)
        self._streak, self._before = 0, 0.0
        self._first = True
        self.warm_up_period = max(
            look_back_period, self._rsi.warm_up_period, self._streak_rsi.warm_up_period
        )

    @property
    def is_ready(self) -> bool:
        full = len(self._changes) == self._changes.maxlen
        return self._rsi.is_ready and self._streak_rsi.is_ready and full

    def _next(self, time: datetime, value: float) -> float:
        self._rsi._push(EMPTY, time, value)
        change = 0.0 if self._first else value - self._before
        if (self._streak > 0 and change < 0) or (self._streak < 0 and change > 0):
            self._streak = 0
        self._streak += (change > 0) - (change < 0)
        self._streak_rsi._push(EMPTY, time, float(self._streak))
        changes, before = self._changes, self._before
        first, self._first, self._before = self._first, False, value
        if first or before == 0:
            changes.append(0.0)
            return 0.0
        ratio, rank = change / before, 0.0
        if len(changes) == changes.maxlen:
            rank = 100.0 * sum(x < ratio for x in changes) / len(changes)
        changes.append(ratio)
        if not self.is_ready:
            return 0.0
        return (self._rsi._value + self._streak_rsi._value + rank) / 3

    def reset(self) -> None:
        super().reset()
        self._rsi.reset()
        self._streak_rsi.reset()
        self._changes.clear()
        self._streak, self._before, self._first = 0, 0.0, True


class CoppockCurve(IndicatorBase):
    """Weighted average of the sum of two rates of change."""

    _label = "CC({short_roc_period},{long_roc_period},{lwma_period})"

    def _build(
        self, short_roc_period: int = 11, long_roc_period: int = 14, lwma_period: int = 10
    ) -> None:
        self._short = RateOfChangePercent(short_roc_period)
        self._long = RateOfChangePercent(long_roc_period)
        self._lwma = LinearWeightedMovingAverage(lwma_period)
        longest = max(self._short.warm_up_period, self._long.warm_up_period)
        self.warm_up_period = longest + lwma_period - 1

    @property
    def is_ready(self) -> bool:
        return self._lwma.is_ready

    def _next(self, time: datetime, value: float) -> float:
        self._short._push(EMPTY, time, value)
        self._long._push(EMPTY, time, value)
        if not (self._long.is_ready and self._short.is_ready):
            return 0.0
        self._lwma._push(EMPTY, time, self._short._value + self._long._value)
        return self._lwma._value

    def reset(self) -> None:
        super().reset()
        for part in (self._short, self._long, self._lwma):
            part.reset()


class DerivativeOscillator(Indicator):
    """Doubly smoothed RSI minus its signal line."""

    _label = (
        "DO({rsi_period},{smoothing_rsi_period},{double_smoothing_rsi_period},{signal_line_period})"
    )

    def _build(
        self,
        rsi_period: int,
        smoothing_rsi_period: int,
        double_smoothing_rsi_period: int,
        signal_line_period: int,
    ) -> None:
        of = IndicatorExtensions.of
        self._rsi = RelativeStrengthIndex(rsi_period)
        self._smoothed = of(ExponentialMovingAverage(smoothing_rsi_period), self._rsi)
        self._double = of(ExponentialMovingAverage(double_smoothing_rsi_period), self._smoothed)
        self._line = of(SimpleMovingAverage(signal_line_period), self._double)
        self.warm_up_period = (
            rsi_period + smoothing_rsi_period + double_smoothing_rsi_period + signal_line_period
        ) - 2

    @property
    def is_ready(self) -> bool:
        return self._line.is_ready

    def _next(self, time: datetime, value: float) -> float:
        self._rsi._push(EMPTY, time, value)
        return self._double._value - self._line._value if self._line.is_ready else 0.0

    def reset(self) -> None:
        super().reset()
        for part in (self._rsi, self._smoothed, self._double, self._line):
            part.reset()


class DetrendedPriceOscillator(IndicatorBase):
    """Value half a period and one input ago minus the simple average."""

    _label = "DPO({period})"

    def _build(self, period: int) -> None:
        self._lag, self._sma = Delay(period // 2 + 1), SimpleMovingAverage(period)
        self.warm_up_period = int(period)

    @property
    def is_ready(self) -> bool:
        return self._sma.is_ready and self._lag.is_ready

    def _next(self, time: datetime, value: float) -> float:
        self._lag._push(EMPTY, time, value)
        self._sma._push(EMPTY, time, value)
        return self._lag._value - self._sma._value

    def reset(self) -> None:
        super().reset()
        self._lag.reset()
        self._sma.reset()


class KnowSureThing(Indicator):
    """Weighted sum of four smoothed rates of change and its signal line."""

    _label = (
        "KST({roc1_period},{roc1_ma_period},{roc2_period},{roc2_ma_period},{roc3_period},"
        "{roc3_ma_period},{roc4_period},{roc4_ma_period},{signal_period},{moving_average_type})"
    )

    def _build(
        self,
        roc1_period: int,
        roc1_ma_period: int,
        roc2_period: int,
        roc2_ma_period: int,
        roc3_period: int,
        roc3_ma_period: int,
        roc4_period: int,
        roc4_ma_period: int,
        signal_period: int,
        moving_average_type: MovingAverageType = _SIMPLE,
    ) -> None:
        periods = (
            (roc1_period, roc1_ma_period),
            (roc2_period, roc2_ma_period),
            (roc3_period, roc3_ma_period),
            (roc4_period, roc4_ma_period),
        )
        self.moving_average_type = moving_average_type
        self._pairs = [
            (RateOfChange(roc), as_indicator(moving_average_type, f"_ROC{i + 1}MA", average))
            for i, (roc, average) in enumerate(periods)
        ]
        (self.roc_1, self.roc_1_ma), (self.roc_2, self.roc_2_ma) = self._pairs[:2]
        (self.roc_3, self.roc_3_ma), (self.roc_4, self.roc_4_ma) = self._pairs[2:]
        self.signal_line = as_indicator(moving_average_type, "_SignalLine", signal_period)
        self.warm_up_period = max(sum(pair) for pair in periods)

    @property
    def is_ready(self) -> bool:
        return all(ma.is_ready for _, ma in self._pairs) and self.signal_line.is_ready

    def _next(self, time: datetime, value: float) -> float:
        total = 0.0
        for weight, (roc, average) in enumerate(self._pairs, 1):
            roc._push(EMPTY, time, value)
            if roc.is_ready:
                average._push(EMPTY, time, 100.0 * roc._value)
            total += weight * average._value
        self.signal_line._push(EMPTY, time, total)
        return total if self.signal_line.is_ready else 0.0

    def reset(self) -> None:
        super().reset()
        for roc, average in self._pairs:
            roc.reset()
            average.reset()
        self.signal_line.reset()


class Momersion(WindowIndicator):
    """Share of successive changes of one sign among all, in per cent; 50 before ready."""

    def _build(self, min_period: Any, full_period: Any = None) -> None:
        least, full = self._periods(min_period, full_period)
        if least is not None and least < 4:
            raise ArgumentException(f"The minimum period should be 4, was {least}.")
        super()._build(full)
        self._least = least
        self._products: deque[float] = deque(maxlen=full)
        self._counted = 0

    @staticmethod
    def _periods(first: Any, second: Any) -> tuple[Any, int]:
        return (None, first) if second is None else (first, second)

    def _default_name(self, values: dict[str, Any]) -> str:
        least, full = self._periods(values["min_period"], values["full_period"])
        return f"Momersion({'' if least is None else least},{full})"

    @property
    def warm_up_period(self) -> int:
        return self.period + 3 if self._least is None else int(self._least) + 2

    @property
    def is_ready(self) -> bool:
        if self._least is not None:
            return len(self._products) >= self._least
        return self._counted > self.period

    def _next(self, time: datetime, value: float) -> float:
        win, products = self._win, self._products
        win.append(value)
        if len(win) >= 3:
            products.append((win[-1] - win[-2]) * (win[-2] - win[-3]))
            self._counted += 1
        if self.is_ready and sum(x == 0 for x in products) < 0.5 * len(products):
            same, turned = sum(x > 0 for x in products), sum(x < 0 for x in products)
            return 100.0 * same / (same + turned)
        return 50.0

    def reset(self) -> None:
        super().reset()
        self._products.clear()
        self._counted = 0


class TrueStrengthIndex(Indicator):
    """Doubly smoothed change over the doubly smoothed absolute change, in per cent."""

    _label = "TSI({long_term_period},{short_term_period},{signal_period})"

    def _build(
        self,
        long_term_period: int = 25,
        short_term_period: int = 13,
        signal_period: int = 7,
        signal_type: MovingAverageType = _EXPONENTIAL,
    ) -> None:
        join, average = IndicatorExtensions, ExponentialMovingAverage
        self._change, self._size = average(long_term_period), average(long_term_period)
        self._change2 = join.of(average(short_term_period), self._change)
        self._size2 = join.of(average(short_term_period), self._size)
        self._tsi = join.times(join.over(self._change2, self._size2), 100)
        self.signal = join.of(as_indicator(signal_type, "_Signal", signal_period), self._tsi)
        self.warm_up_period = long_term_period + short_term_period
        self._before = 0.0

    @property
    def is_ready(self) -> bool:
        return self.samples >= self.warm_up_period

    def _next(self, time: datetime, value: float) -> float:
        change, self._before = value - self._before, value
        if self.samples == 1:
            return 0.0
        self._change._push(EMPTY, time, change)
        self._size._push(EMPTY, time, abs(change))
        return self._tsi._value

    def reset(self) -> None:
        super().reset()
        self._before = 0.0
        for part in (
            self._change,
            self._change2,
            self._size,
            self._size2,
            self._tsi,
            self.signal,
        ):
            part.reset()


class StochasticRelativeStrengthIndex(Indicator):
    """Two averages (``k``, ``d``) of the place of the RSI between its extremes; the value is the
    input.
    """

    _label = (
        "SRSI({rsi_period},{stoch_period},{k_smoothing_period},{d_smoothing_period},"
        "{moving_average_type})"
    )

    def _build(
        self,
        rsi_period: int,
        stoch_period: int,
        k_smoothing_period: int,
        d_smoothing_period: int,
        moving_average_type: MovingAverageType = _SIMPLE,
    ) -> None:
        self._rsi = RelativeStrengthIndex(rsi_period)
        self._recent: deque[float] = deque(maxlen=stoch_period)
        self.k = as_indicator(moving_average_type, self.name + "_K", k_smoothing_period)
        self.d = as_indicator(moving_average_type, self.name + "_D", d_smoothing_period)
        self.warm_up_period = (
            rsi_period + stoch_period + max(k_smoothing_period, d_smoothing_period)
        )

    @property
    def is_ready(self) -> bool:
        return self.samples >= self.warm_up_period

    def _next(self, time: datetime, value: float) -> float:
        self._rsi._push(EMPTY, time, value)
        recent = self._recent
        recent.append(self._rsi._value)
        if len(recent) < (recent.maxlen or 0):
            return 0.0
        lowest = min(recent)
        spread = max(recent) - lowest
        place = 100.0 * (recent[-1] - lowest) / spread if spread else 100.0
        self.k._push(EMPTY, time, place)
        self.d._push(EMPTY, time, self.k._value)
        return value

    def reset(self) -> None:
        super().reset()
        self._rsi.reset()
        self._recent.clear()
        self.k.reset()
        self.d.reset()


class AugenPriceSpike(Indicator):
    """Change of the value in standard deviations of its logarithmic returns."""

    _label = "APS({period})"

    def _build(self, period: int = 3) -> None:
        if period < 3:
            raise ArgumentException(
                f"AugenPriceSpike Indicator must have a period of at least 3, was {period}"
            )
        self._deviation = StandardDeviation(period)
        self._recent: deque[float] = deque(maxlen=3)
        self.warm_up_period = period + 2

    @property
    def is_ready(self) -> bool:
        return len(self._recent) == 3 and self._deviation.is_ready

    def _next(self, time: datetime, value: float) -> float:
        recent = self._recent
        recent.append(value)
        if len(recent) < 3:
            return 0.0
        oldest, before = recent[0], recent[1]
        log = math.log(before / oldest) if before and oldest else 0.0
        self._deviation._push(EMPTY, time, log)
        spread = self._deviation._value * before
        return (value - before) / spread if self._deviation.is_ready and spread else 0.0

    def reset(self) -> None:
        super().reset()
        self._recent.clear()
        self._deviation.reset()
