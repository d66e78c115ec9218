"""Identities, delays, sums and extremes: the parts that other indicators are built from."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from engine.indicators.base import (
    BarIndicator,
    Indicator,
    IndicatorBase,
    WindowIndicator,
    _DataIndicator,
)
from engine.indicators.sums import RollingSum


class Identity(Indicator):
    """The input itself."""

    @property
    def is_ready(self) -> bool:
        return self.samples > 0

    @property
    def warm_up_period(self) -> int:
        return 1

    def _next(self, time: datetime, value: float) -> float:
        return value


class FilteredIdentity(_DataIndicator):
    """The last input that passed a filter."""

    def _build(self, filter: Callable[[Any], bool] | None = None) -> None:
        self._filter = filter
        self._passed = 0.0

    @property
    def is_ready(self) -> bool:
        return self.samples > 0 and self._value > 0

    def _next_bar(self, bar: Any) -> float:
        if self._filter is None or self._filter(bar):
            self._passed = float(bar.value)
        return self._passed


class WindowIdentity(WindowIndicator):
    """The input, ready after ``period`` of them."""

    _label = "WIN-ID{period}"

    def _next(self, time: datetime, value: float) -> float:
        self._roll(value)
        return value


class Delay(WindowIndicator):
    """The value of ``period`` inputs ago; the oldest known one before that."""

    _label = "DELAY({period})"

    @property
    def is_ready(self) -> bool:
        return self.samples > self.period

    @property
    def warm_up_period(self) -> int:
        return 1 + self.period

    def _next(self, time: datetime, value: float) -> float:
        self._roll(value)
        return self._win[0] if self._removed is None else self._removed


class Sum(WindowIndicator):
    """Sum of the last ``period`` values."""

    _label = "SUM({period})"

    def _build(self, period: int) -> None:
        super()._build(period)
        self._sum = RollingSum(self.period)
        self._win = self._sum.win

    def _next(self, time: datetime, value: float) -> float:
        return self._sum.add(value)

    def reset(self) -> None:
        super().reset()
        self._sum.clear()


class Maximum(WindowIndicator):
    """Highest of the last ``period`` values and how many inputs ago it was."""

    _label = "MAX({period})"

    def _build(self, period: int) -> None:
        super()._build(period)
        self.periods_since_maximum = 0

    @property
    def is_ready(self) -> bool:
        return self.samples >= self.period

    def _next(self, time: datetime, value: float) -> float:
        win = self._win
        win.append(value)
        if self.samples == 1 or value >= self._value:
            self.periods_since_maximum = 0
            return value
        if self.periods_since_maximum >= self.period - 1:
            highest = max(win)
            last = len(win) - 1
            self.periods_since_maximum = next(
                i for i in range(last + 1) if win[last - i] == highest
            )
            return highest
        self.periods_since_maximum += 1
        return self._value

    def reset(self) -> None:
        super().reset()
        self.periods_since_maximum = 0


class Minimum(WindowIndicator):
    """Lowest of the last ``period`` values and how many inputs ago it was."""

    _label = "MIN({period})"

    def _build(self, period: int) -> None:
        super()._build(period)
        self.periods_since_minimum = 0

    @property
    def is_ready(self) -> bool:
        return self.samples >= self.period

    def _next(self, time: datetime, value: float) -> float:
        win = self._win
        win.append(value)
        if self.samples == 1 or value <= self._value:
            self.periods_since_minimum = 0
            return value
        if self.periods_since_minimum >= self.period - 1:
            lowest = min(win)
            last = len(win) - 1
            self.periods_since_minimum = next(i for i in range(last + 1) if win[last - i] == lowest)
            return lowest
        self.periods_since_minimum += 1
        return self._value

    def reset(self) -> None:
        super().reset()
        self.periods_since_minimum = 0


class _Middle:
    """Highest and lowest of the last ``period`` values, halved."""

    def __init__(self, period: int) -> None:
        self.high, self.low = Maximum(period), Minimum(period)

    def add(self, symbol: Any, time: datetime, high: float, low: float) -> float:
        self.high._push(symbol, time, high)
        self.low._push(symbol, time, low)
        return (self.high._value + self.low._value) / 2

    def reset(self) -> None:
        self.high.reset()
        self.low.reset()


class MidPoint(IndicatorBase):
    """Middle between the highest and lowest of the last ``period`` values."""

    _label = "MIDPOINT({period})"

    def _build(self, period: int) -> None:
        self._period = int(period)
        self._middle = _Middle(self._period)

    @property
    def is_ready(self) -> bool:
        return self.samples >= self._period

    @property
    def warm_up_period(self) -> int:
        return self._period

    def _next(self, time: datetime, value: float) -> float:
        return self._middle.add(self._seen_symbol, time, value, value)

    def reset(self) -> None:
        super().reset()
        self._middle.reset()


class MidPrice(BarIndicator):
    """Middle between the highest high and the lowest low of the last ``period`` bars."""

    _label = "MIDPRICE({period})"

    def _build(self, period: int) -> None:
        self._period = int(period)
        self._middle = _Middle(self._period)

    @property
    def is_ready(self) -> bool:
        return self.samples >= self._period

    @property
    def warm_up_period(self) -> int:
        return self._period

    def _next_bar(self, bar: Any) -> float:
        return self._middle.add(bar.symbol, bar.end_time, bar.high, bar.low)

    def reset(self) -> None:
        super().reset()
        self._middle.reset()
