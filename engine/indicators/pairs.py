"""Indicators of two symbols: beta, correlation, covariance, Jensen's alpha."""

from __future__ import annotations

import math
from collections import deque
from datetime import datetime, timedelta
from typing import Any

from engine.indicators.base import EMPTY, BarIndicator
from engine.indicators.momentum import RateOfChange
from engine.types.enums import CorrelationType
from engine.types.errors import ArgumentException
from engine.types.timezones import to_utc

_HOUR, _MINUTE, _SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)


def _symbol(value: Any) -> Any:
    from engine.consolidators.subscriptions import as_symbol

    return as_symbol(value)


class _Stream:
    """The last bars of one symbol and the moment of the newest one, cut to the resolution."""

    def __init__(self, symbol: Any, period: int) -> None:
        from engine.consolidators.market_hours import exchange_hours

        self.zone = exchange_hours(symbol).time_zone
        self.closes: deque[float] = deque(maxlen=period)
        self.clear()

    def clear(self) -> None:
        self.closes.clear()
        self.close = 0.0
        self.moment: datetime | None = None
        self.unit = "tick"

    def take(self, bar: Any) -> None:
        self.close = bar.close
        moment = to_utc(bar.end_time, self.zone)
        if self.unit == "day":
            moment = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        elif self.unit == "hour":
            moment = moment.replace(minute=0, second=0, microsecond=0)
        elif self.unit == "minute":
            moment = moment.replace(second=0, microsecond=0)
        self.moment = moment

    @property
    def full(self) -> bool:
        return len(self.closes) == self.closes.maxlen


class DualSymbolIndicator(BarIndicator):
    """Computes when both symbols have a bar of the same moment."""

    def _begin(self, target: Any, reference: Any, period: int) -> None:
        target, reference = _symbol(target), _symbol(reference)
        self._target_symbol, self._reference_symbol = target, reference
        self._target, self._reference = _Stream(target, period), _Stream(reference, period)
        self._result = 0.0
        self.warm_up_period = period + (self._target.zone != self._reference.zone)

    def _next_bar(self, bar: Any) -> float:
        target, reference = self._target, self._reference
        if bar.symbol == self._target_symbol:
            stream = target
        elif bar.symbol == self._reference_symbol:
            stream = reference
        else:
            raise ArgumentException(
                f"Input symbol {bar.symbol} does not correspond to any of the symbols this "
                f"indicator works on ({self._target_symbol}, {self._reference_symbol})"
            )
        if self.samples == 1:
            target.unit = reference.unit = _unit(bar.end_time - bar.time)
            stream.close = bar.close
            stream.take(bar)
            return 0.0
        stream.take(bar)
        if target.moment == reference.moment:
            target.closes.append(target.close)
            reference.closes.append(reference.close)
            self._result = self._compute()
        return self._result

    def _compute(self) -> float:
        raise NotImplementedError

    def reset(self) -> None:
        super().reset()
        self._result = 0.0
        self._target.clear()
        self._reference.clear()


def _unit(span: timedelta) -> str:
    if span > _HOUR:
        return "day"
    if span >= _HOUR:
        return "hour"
    return "minute" if span >= _MINUTE else "second"


def _check(kind: str, period: int) -> None:
    if period < 2:
        raise ArgumentException(
            f"Period parameter for {kind} indicator must be greater than 2 but was {period}."
        )


def _sample_moments(x: Any, y: Any) -> tuple[float, float]:
    """Return the sample covariance of both and the variance of the second; NaN below two values."""
    count = len(y)
    if count < 2:
        return math.nan, math.nan
    mean_x, mean_y = math.fsum(x) / count, math.fsum(y) / count
    pairs = zip(x, y, strict=True)
    covariance = math.fsum((a - mean_x) * (b - mean_y) for a, b in pairs) / (count - 1)
    return covariance, math.fsum((b - mean_y) ** 2 for b in y) / (count - 1)


class _Returns(DualSymbolIndicator):
    """Keeps the simple returns of both symbols."""

    def _build(self, target_symbol: Any, reference_symbol: Any, period: Any) -> None:
        if isinstance(target_symbol, int):
            # the old order: period, target, reference
            target_symbol, reference_symbol, period = reference_symbol, period, target_symbol
        _check(type(self).__name__, period)
        self._begin(target_symbol, reference_symbol, 2)
        self._returns: tuple[deque[float], deque[float]] = (
            deque(maxlen=period),
            deque(maxlen=period),
        )
        self.warm_up_period += period - 1

    @property
    def is_ready(self) -> bool:
        return all(len(returns) == returns.maxlen for returns in self._returns)

    def _moments(self) -> tuple[float, float]:
        for stream, returns in zip((self._target, self._reference), self._returns, strict=False):
            if stream.full:
                before, now = stream.closes
                returns.append(now / before - 1.0 if before else -1.0)
        return _sample_moments(*self._returns)

    def reset(self) -> None:
        super().reset()
        for returns in self._returns:
            returns.clear()


class Beta(_Returns):
    """Covariance of the returns over the variance of the reference's returns."""

    _label = "B({period})"

    def _compute(self) -> float:
        covariance, variance = self._moments()
        if math.isnan(covariance) or not covariance:
            return 0.0
        return covariance / (1.0 if math.isnan(variance) or not variance else variance)


class Covariance(_Returns):
    """Sample covariance of the returns."""

    _label = "COV({period})"

    def _compute(self) -> float:
        covariance, _ = self._moments()
        return 0.0 if math.isnan(covariance) else covariance


def _ranks(values: list[float]) -> list[float]:
    """Return the ranks from one, ties with their mean."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and values[order[end + 1]] == values[order[start]]:
            end += 1
        for i in range(start, end + 1):
            ranks[order[i]] = (start + end) / 2 + 1
        start = end + 1
    return ranks


class Correlation(DualSymbolIndicator):
    """Correlation of the closes (Pearson, or Spearman of their ranks)."""

    _label = "Correlation({period})"

    def _build(
        self,
        target_symbol: Any,
        reference_symbol: Any,
        period: int,
        correlation_type: CorrelationType = CorrelationType.PEARSON,
    ) -> None:
        _check("Correlation", period)
        self._begin(target_symbol, reference_symbol, period)
        self._spearman = correlation_type == CorrelationType.SPEARMAN

    @property
    def is_ready(self) -> bool:
        return self._target.full and self._reference.full

    def _compute(self) -> float:
        x, y = list(self._target.closes), list(self._reference.closes)
        if self._spearman:
            x, y = _ranks(x), _ranks(y)
        covariance, variance_y = _sample_moments(x, y)
        _, variance_x = _sample_moments(y, x)
        if math.isnan(covariance) or not variance_x or not variance_y:
            return 0.0
        return covariance / math.sqrt(variance_x * variance_y)


class Alpha(BarIndicator):
    """Jensen's alpha: return of the target beyond what beta and the risk-free rate explain."""

    _label = "ALPHA({target_symbol},{reference_symbol},{alpha_period},{beta_period})"

    def _build(
        self,
        target_symbol: Any,
        reference_symbol: Any,
        alpha_period: int,
        beta_period: int | None = None,
        risk_free_rate: Any = None,
    ) -> None:
        beta_period = alpha_period if beta_period is None else beta_period
        target_symbol, reference_symbol = _symbol(target_symbol), _symbol(reference_symbol)
        if target_symbol == reference_symbol:
            raise ArgumentException("The target and reference symbols cannot be the same.")
        if alpha_period < 1 or beta_period < 2:
            raise ArgumentException(
                "expected an alpha period of at least 1 and a beta period of at least 2, were "
                f"{alpha_period} and {beta_period}"
            )
        self._symbols = target_symbol, reference_symbol
        self._period = alpha_period
        self._target, self._reference = (RateOfChange(alpha_period) for _ in range(2))
        self._beta = Beta(target_symbol, reference_symbol, beta_period)
        self._rate = rate_function(risk_free_rate)
        self.warm_up_period = max(alpha_period, beta_period) + 1
        self._alpha = 0.0

    @property
    def is_ready(self) -> bool:
        return self._target.is_ready and self._beta.is_ready and self._reference.is_ready

    def _next_bar(self, bar: Any) -> float:
        target, reference = self._symbols
        if bar.symbol == target:
            self._target._push(EMPTY, bar.end_time, bar.close)
        elif bar.symbol == reference:
            self._reference._push(EMPTY, bar.end_time, bar.close)
        else:
            raise ArgumentException(
                f"The input symbol {bar.symbol} is not the target or reference symbol."
            )
        self._beta._push_bar(bar)
        if self._target.samples == self._reference.samples:
            self._alpha = 0.0
            if self.is_ready:
                rate = self._rate(self._target._cur[1])
                excess = self._reference._value / self._period - rate
                own = self._target._value / self._period
                self._alpha = own - (rate + self._beta._value * excess)
        return self._alpha

    def reset(self) -> None:
        super().reset()
        for part in (self._target, self._reference, self._beta):
            part.reset()
        self._alpha = 0.0


def rate_function(rate: Any) -> Any:
    """Return a function from time to the risk-free rate: of a number, a function or a model."""
    if rate is None:
        return lambda _time: 0.0
    if hasattr(rate, "get_interest_rate"):
        return lambda time: float(rate.get_interest_rate(time))
    if callable(rate):
        return rate
    return lambda _time, _rate=float(rate): _rate
