"""Ratios of return and risk."""

from __future__ import annotations

import math
from collections import deque
from datetime import datetime
from statistics import NormalDist
from typing import Any

from engine.indicators.base import EMPTY, Indicator, IndicatorBase, WindowIndicator, number_text
from engine.indicators.basic import Identity
from engine.indicators.composite import IndicatorExtensions
from engine.indicators.momentum import RateOfChange
from engine.indicators.pairs import rate_function
from engine.indicators.volatility import StandardDeviation
from engine.types.errors import ArgumentException


class SharpeRatio(IndicatorBase):
    """Mean return minus the risk-free rate over the standard deviation, of the last ``period``
    returns.
    """

    _label = "SR({period})"

    def _build(self, period: int, risk_free_rate: Any = None) -> None:
        join = IndicatorExtensions
        self._period = int(period)
        self._rate = rate_function(risk_free_rate)
        self._roc = RateOfChange(1)
        self._risk_free = Identity("RiskFreeRate")
        self._numerator = join.minus(join.sma(self._roc, period), self._risk_free)
        self._ratio = join.over(self._numerator, join.of(StandardDeviation(period), self._roc))
        self.warm_up_period = self._period + 2

    def _default_name(self, values: dict[str, Any]) -> str:
        rate = values.get("risk_free_rate")
        if rate is not None and not isinstance(rate, (int, float)):
            return f"SR({values['period']})"
        return f"SR({values['period']},{number_text(0 if rate is None else rate)})"

    @property
    def is_ready(self) -> bool:
        return self._ratio.samples > self._period

    def _next(self, time: datetime, value: float) -> float:
        self._risk_free._push(EMPTY, time, self._rate(time))
        self._roc._push(EMPTY, time, value)
        return self._ratio._value

    def reset(self) -> None:
        super().reset()
        self._ratio.reset()
        self._roc.reset()


class TargetDownsideDeviation(IndicatorBase):
    """Root mean square of the returns below a minimum."""

    _label = "TDD({period},{minimum_acceptable_return})"

    def _build(self, period: int, minimum_acceptable_return: Any = 0) -> None:
        self._least = float(minimum_acceptable_return)
        self._roc = RateOfChange(1)
        self._returns: deque[float] = deque([0.0], maxlen=period)
        self.warm_up_period = period + 1

    @property
    def is_ready(self) -> bool:
        return self.samples >= self.warm_up_period

    def _next(self, time: datetime, value: float) -> float:
        self._roc._push(EMPTY, time, value)
        self._returns.append(self._roc._value)
        squares = (min(0.0, x - self._least) ** 2 for x in self._returns)
        return math.sqrt(math.fsum(squares) / len(self._returns))

    def reset(self) -> None:
        super().reset()
        self._roc.reset()
        self._returns.clear()
        self._returns.append(0.0)


class SortinoRatio(SharpeRatio):
    """Mean return minus the minimum over the downside deviation."""

    _label = "SORTINO({period},{minimum_acceptable_return})"

    def _build(self, period: int, minimum_acceptable_return: Any = 0) -> None:
        super()._build(period, float(minimum_acceptable_return))
        self._downside = TargetDownsideDeviation(period, minimum_acceptable_return)
        self._ratio = IndicatorExtensions.over(self._numerator, self._downside)

    def _default_name(self, values: dict[str, Any]) -> str:
        return IndicatorBase._default_name(self, values)

    def _next(self, time: datetime, value: float) -> float:
        self._downside._push(EMPTY, time, value)
        return super()._next(time, value)

    def reset(self) -> None:
        super().reset()
        self._downside.reset()


class ValueAtRisk(WindowIndicator):
    """Quantile of a normal distribution fitted to the last ``period`` returns."""

    _label = "VaR({period}, {confidence_level})"

    def _build(self, period: int, confidence_level: Any = 0.95) -> None:
        if period < 3:
            raise ArgumentException(
                "Period parameter for ValueAtRisk indicator must be greater than 2 "
                f"but was {period}"
            )
        super()._build(period)
        self._quantile = NormalDist().inv_cdf(1 - float(confidence_level))
        self._roc = RateOfChange(1)

    @property
    def is_ready(self) -> bool:
        return self.samples >= self.period

    def _next(self, time: datetime, value: float) -> float:
        self._roc._push(EMPTY, time, value)
        win = self._win
        win.append(self._roc._value)
        count = len(win)
        if count < 2:
            return 0.0
        mean = math.fsum(win) / count
        variance = math.fsum((x - mean) ** 2 for x in win) / (count - 1)
        return mean + self._quantile * math.sqrt(variance)

    def reset(self) -> None:
        super().reset()
        self._roc.reset()


class HurstExponent(Indicator):
    """Slope of the logarithms of the spread of lagged differences against those of the lags."""

    _label = "HE({period},{max_lag})"

    def _build(self, period: int, max_lag: int = 20) -> None:
        if max_lag < 3:
            raise ArgumentException(
                "The maxLag parameter must be greater than 2 to compute the Hurst Exponent, "
                f"was {max_lag}"
            )
        self.warm_up_period = int(period)
        self._prices: deque[float] = deque(maxlen=period)
        self._lags = range(2, max_lag + 1)

    @property
    def is_ready(self) -> bool:
        return len(self._prices) == self.warm_up_period

    def _next(self, time: datetime, value: float) -> float:
        self._prices.append(value)
        if not self.is_ready:
            return 0.0
        prices = list(self._prices)[::-1]
        xs, ys = [], []
        for lag in self._lags:
            moves = [b - a for a, b in zip(prices, prices[lag:], strict=False)]
            spread = 0.0
            if moves:
                mean = math.fsum(moves) / len(moves)
                spread = math.sqrt(math.fsum((m - mean) ** 2 for m in moves) / len(moves))
            xs.append(math.log(lag))
            ys.append(math.log(spread) if spread else 0.0)
        n, sum_x, sum_y = len(xs), math.fsum(xs), math.fsum(ys)
        sum_xy = math.fsum(x * y for x, y in zip(xs, ys, strict=False))
        return (n * sum_xy - sum_x * sum_y) / (n * math.fsum(x * x for x in xs) - sum_x * sum_x)

    def reset(self) -> None:
        super().reset()
        self._prices.clear()
