"""Indicators of trade bars that use the volume."""

from __future__ import annotations

from datetime import date
from typing import Any

from engine.indicators.averages import (
    ExponentialMovingAverage,
    SimpleMovingAverage,
    as_indicator,
)
from engine.indicators.base import EMPTY, BarIndicator, TradeBarIndicator, _DataIndicator
from engine.indicators.basic import Sum
from engine.indicators.composite import IndicatorExtensions
from engine.indicators.sums import RollingSum
from engine.types.bars import BaseData, Tick, TradeBar
from engine.types.enums import MovingAverageType, TickType

_TINY = 4e-15  # rounding of a sum of three prices, relative


class OnBalanceVolume(TradeBarIndicator):
    """Volume added on rising closes and taken away on falling ones."""

    _label = "OBV"

    def _build(self) -> None:
        self._close: float | None = None

    @property
    def is_ready(self) -> bool:
        return self._close is not None

    @property
    def warm_up_period(self) -> int:
        return 1

    def _next_bar(self, bar: Any) -> float:
        before, self._close = self._close, bar.close
        if before is None:
            return bar.volume
        if bar.close > before:
            return self._value + bar.volume
        return self._value - bar.volume if bar.close < before else self._value

    def reset(self) -> None:
        super().reset()
        self._close = None


class SmoothedOnBalanceVolume(BarIndicator):
    """Moving average of the balance volume; zero until ready."""

    _label = "SOBV({period})"

    def _build(
        self, period: int, moving_average_type: MovingAverageType = MovingAverageType.SIMPLE
    ) -> None:
        self.warm_up_period = int(period)
        self.on_balance_volume = OnBalanceVolume()
        self._smoother = as_indicator(moving_average_type, self.name, period)

    @property
    def is_ready(self) -> bool:
        return self._smoother.is_ready

    def _next_bar(self, bar: Any) -> float:
        self.on_balance_volume._push_bar(bar)
        self._smoother._push(EMPTY, bar.end_time, self.on_balance_volume._value)
        return self._smoother._value if self._smoother.is_ready else 0.0

    def reset(self) -> None:
        super().reset()
        self._smoother.reset()
        self.on_balance_volume.reset()


class AccumulationDistribution(TradeBarIndicator):
    """Running sum of the volume times the place of the close in the bar (-1 to 1)."""

    _label = "AD"

    @property
    def is_ready(self) -> bool:
        return self.samples > 0

    @property
    def warm_up_period(self) -> int:
        return 1

    def _next_bar(self, bar: Any) -> float:
        high, low, close = bar.high, bar.low, bar.close
        spread = high - low
        if spread <= 0:
            return self._value
        return self._value + ((close - low) - (high - close)) / spread * bar.volume


class AccumulationDistributionOscillator(TradeBarIndicator):
    """Fast minus slow exponential average of the accumulation."""

    _label = "ADOSC({fast_period},{slow_period})"

    def _build(self, fast_period: int, slow_period: int) -> None:
        self._period = max(fast_period, slow_period)
        self._ad = AccumulationDistribution()
        self._fast, self._slow = map(ExponentialMovingAverage, (fast_period, slow_period))

    @property
    def is_ready(self) -> bool:
        return self.samples >= self._period

    @property
    def warm_up_period(self) -> int:
        return self._period

    def _next_bar(self, bar: Any) -> float:
        self._ad._push_bar(bar)
        self._fast._push(EMPTY, bar.end_time, self._ad._value)
        self._slow._push(EMPTY, bar.end_time, self._ad._value)
        return self._fast._value - self._slow._value if self.is_ready else 0.0

    def reset(self) -> None:
        super().reset()
        for part in (self._ad, self._fast, self._slow):
            part.reset()


class ChaikinOscillator(AccumulationDistributionOscillator):
    """The accumulation oscillator by another name."""

    _label = "ChaikinOscillator({fast_period},{slow_period})"


class ChaikinMoneyFlow(TradeBarIndicator):
    """Volume weighted place of the closes in their bars over ``period`` bars."""

    _label = "CMF({period})"

    def _build(self, period: int) -> None:
        self.warm_up_period = int(period)
        self._flow, self._volume = Sum(period), Sum(period)

    @property
    def is_ready(self) -> bool:
        return self._flow.is_ready

    def _next_bar(self, bar: Any) -> float:
        high, low, close, time = bar.high, bar.low, bar.close, bar.end_time
        spread, volume = high - low, bar.volume
        flow = volume * (close - low - (high - close)) / spread if spread > 0 else 0.0
        self._flow._push(EMPTY, time, flow)
        self._volume._push(EMPTY, time, volume)
        total = self._volume._value
        return self._flow._value / total if self.is_ready and total else 0.0

    def reset(self) -> None:
        super().reset()
        self._flow.reset()
        self._volume.reset()


class MoneyFlowIndex(TradeBarIndicator):
    """Share of the money that flowed at rising typical prices, in per cent."""

    _label = "MFI({period})"

    def _build(self, period: int) -> None:
        self.warm_up_period = int(period)
        self.positive_money_flow = Sum(self.name + "_PositiveMoneyFlow", period)
        self.negative_money_flow = Sum(self.name + "_NegativeMoneyFlow", period)
        self.previous_typical_price = 0.0

    @property
    def is_ready(self) -> bool:
        return self.positive_money_flow.is_ready and self.negative_money_flow.is_ready

    def _next_bar(self, bar: Any) -> float:
        typical, time = (bar.high + bar.low + bar.close) / 3.0, bar.end_time
        flow, change = typical * bar.volume, typical - self.previous_typical_price
        if abs(change) <= _TINY * typical:
            change = 0.0
        self.previous_typical_price = typical
        self.positive_money_flow._push(EMPTY, time, flow if change > 0 else 0.0)
        self.negative_money_flow._push(EMPTY, time, flow if change < 0 else 0.0)
        total = self.positive_money_flow._value + self.negative_money_flow._value
        return 100.0 * self.positive_money_flow._value / total if total else 100.0

    def reset(self) -> None:
        super().reset()
        self.previous_typical_price = 0.0
        self.positive_money_flow.reset()
        self.negative_money_flow.reset()


class VolumeWeightedAveragePriceIndicator(TradeBarIndicator):
    """Mean of (open + high + low + close) / 4 weighted by volume over ``period`` bars."""

    _label = "VWAP({period})"

    def _build(self, period: int) -> None:
        self._period = int(period)
        self._money, self._volume = RollingSum(self._period), RollingSum(self._period)
        self._last = 0.0

    @property
    def is_ready(self) -> bool:
        return self.samples >= self._period

    @property
    def warm_up_period(self) -> int:
        return self._period

    def _next_bar(self, bar: Any) -> float:
        price = (bar.open + bar.high + bar.low + bar.close) / 4
        money, volume = self._money.add(price * bar.volume), self._volume.add(bar.volume)
        if volume:
            self._last = money / volume
        return self._last

    def reset(self) -> None:
        super().reset()
        self._money.clear()
        self._volume.clear()
        self._last = 0.0


class IntradayVwap(_DataIndicator):
    """Volume weighted price of the day so far, from trades and trade bars that are not filled
    forward.
    """

    _label = "VWAP"
    _accepts = (BaseData,)

    def _build(self) -> None:
        self._date: date | None = None
        self._volume = self._money = 0.0

    @property
    def is_ready(self) -> bool:
        return self._volume > 0

    def _next_bar(self, bar: Any) -> float | None:
        if isinstance(bar, TradeBar) and not bar.is_fill_forward:
            volume, price = bar.volume, (bar.high + bar.low + bar.close) / 3.0
        elif isinstance(bar, Tick) and bar.tick_type == TickType.TRADE:
            volume, price = bar.quantity, bar.value
        else:
            return None
        day = bar.end_time.date()
        if day != self._date:
            self._date, self._volume, self._money = day, 0.0, 0.0
        self._volume += volume
        self._money += price * volume
        return self._money / self._volume if self._volume else float(bar.value)

    def reset(self) -> None:
        super().reset()
        self._date, self._volume, self._money = None, 0.0, 0.0


class EaseOfMovementValue(TradeBarIndicator):
    """Movement of the middle over the volume per range, averaged."""

    _label = "EMV({period}, {scale})"

    def _build(self, period: int = 1, scale: int = 10000) -> None:
        self._sma, self._scale = SimpleMovingAverage(period), scale
        self._high = self._low = 0.0

    @property
    def is_ready(self) -> bool:
        return self._sma.is_ready

    @property
    def warm_up_period(self) -> int:
        return self._sma.warm_up_period

    def _next_bar(self, bar: Any) -> float:
        high, low, volume, time = bar.high, bar.low, bar.volume, bar.end_time
        if not self._high and not self._low:
            self._high, self._low = high, low
        value = 0.0
        if volume and high != low:
            moved = (high + low) / 2 - (self._high + self._low) / 2
            value = moved / (volume / self._scale / (high - low))
            self._high, self._low = high, low
        self._sma._push(EMPTY, time, value)
        return self._sma._value

    def reset(self) -> None:
        super().reset()
        self._sma.reset()
        self._high = self._low = 0.0


class ForceIndex(TradeBarIndicator):
    """Moving average of the change of the close times the volume."""

    _label = "FI({period})"

    def _build(
        self,
        period: int,
        moving_average_type: MovingAverageType = MovingAverageType.EXPONENTIAL,
    ) -> None:
        self._smoother = as_indicator(moving_average_type, self.name, period)
        self.warm_up_period = period + 1
        self._close = 0.0

    @property
    def is_ready(self) -> bool:
        return self._smoother.is_ready

    def _next_bar(self, bar: Any) -> float:
        change, self._close = bar.close - self._close, bar.close
        if self.samples < 2:
            return 0.0
        self._smoother._push(EMPTY, bar.end_time, change * bar.volume)
        return self._smoother._value

    def reset(self) -> None:
        super().reset()
        self._smoother.reset()


class MassIndex(TradeBarIndicator):
    """Sum of the ratio of the range's average to its doubly smoothed average."""

    _label = "MASS({ema_period},{sum_period})"

    def _build(self, ema_period: int = 9, sum_period: int = 25) -> None:
        self._ema1 = ExponentialMovingAverage(ema_period)
        self._ema2 = IndicatorExtensions.ema(self._ema1, ema_period)
        self._sum = Sum(sum_period)
        self.warm_up_period = 2 * (ema_period - 1) + sum_period

    @property
    def is_ready(self) -> bool:
        return self._sum.is_ready

    def _next_bar(self, bar: Any) -> float:
        self._ema1._push(EMPTY, bar.end_time, bar.high - bar.low)
        if self._ema2.is_ready:
            slow = self._ema2._value
            self._sum._push(EMPTY, bar.end_time, self._ema1._value / slow if slow else 0.0)
        return self._sum._value if self._sum.is_ready else float(self._sum.period)

    def reset(self) -> None:
        super().reset()
        for part in (self._ema1, self._ema2, self._sum):
            part.reset()


class KlingerVolumeOscillator(TradeBarIndicator):
    """Fast minus slow average of the volume force, and its signal."""

    _label = "KVO({fast_period},{slow_period},{signal_period})"

    def _build(self, fast_period: int, slow_period: int, signal_period: int = 13) -> None:
        self._fast, self._slow = map(ExponentialMovingAverage, (fast_period, slow_period))
        self.signal = ExponentialMovingAverage(self.name + "_Signal", signal_period)
        self.warm_up_period = max(fast_period, slow_period, signal_period) + 2
        self._clear()

    def _clear(self) -> None:
        self._price: float | None = None
        self._trend = 0
        self._spread = self._movement = 0.0

    @property
    def is_ready(self) -> bool:
        return self._fast.is_ready and self._slow.is_ready and self.signal.is_ready

    def _next_bar(self, bar: Any) -> float:
        spread, price, time = bar.high - bar.low, bar.high + bar.low + bar.close, bar.end_time
        before, self._price = self._price, price
        last_spread, self._spread = self._spread, spread
        if before is None:
            return 0.0
        last_trend = self._trend
        self._trend = trend = 1 if price - before > _TINY * price else -1
        if not last_trend:
            return 0.0
        if not self._movement or trend != last_trend:
            self._movement = spread + last_spread
        else:
            self._movement += spread
        movement = 1e-8 if abs(self._movement) < 1e-8 else self._movement
        force = bar.volume * abs(2.0 * (spread / movement - 1.0)) * trend * 100.0
        self._fast._push(EMPTY, time, force)
        self._slow._push(EMPTY, time, force)
        ready = self._fast.is_ready and self._slow.is_ready
        value = self._fast._value - self._slow._value if ready else 0.0
        self.signal._push(EMPTY, time, value)
        return value

    def reset(self) -> None:
        super().reset()
        for part in (self._fast, self._slow, self.signal):
            part.reset()
        self._clear()
