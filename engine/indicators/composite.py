"""Indicators made of other indicators, constants and functions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from engine.indicators.base import (
    EMPTY,
    IndicatorBase,
    IndicatorResult,
    _DataIndicator,
    _ObjectIndicator,
    number_text,
)
from engine.types.bars import IndicatorDataPoint
from engine.types.enums import IndicatorStatus


class ConstantIndicator(_DataIndicator):
    """An indicator that always has the same value and is always ready."""

    def __init__(self, name: str, value: Any) -> None:
        self._start(name)
        self._constant = float(value)
        self._show()

    def _show(self) -> None:
        self._prev, self._cur = self._cur, (EMPTY, self._cur[1], self._constant)
        self._value, self._point = self._constant, None

    @property
    def is_ready(self) -> bool:
        return True

    def _next_bar(self, bar: Any) -> float:
        return self._constant

    def reset(self) -> None:
        super().reset()
        self._show()


class FunctionalIndicator(_ObjectIndicator):
    """An indicator given by functions.

    Parameters
    ----------
    name : str
    compute_next_value : callable
        From the input (a bar or a data point) to the value.
    is_ready : callable
        From this indicator to whether it is ready.
    reset : callable, optional
        Called by ``reset`` before the indicator forgets its own values.
    """

    def __init__(
        self,
        name: str,
        compute_next_value: Callable[[Any], float],
        is_ready: Callable[[Any], bool],
        reset: Callable[[], None] | None = None,
    ) -> None:
        self._start(name)
        self._compute, self._ready, self._on_reset = compute_next_value, is_ready, reset

    @property
    def is_ready(self) -> bool:
        return bool(self._ready(self))

    def update(self, input: Any, value: Any = None) -> bool:
        self._push_bar(input if value is None else IndicatorDataPoint(input, value))
        return self.is_ready

    def _next_bar(self, bar: Any) -> float:
        return float(self._compute(bar))

    def reset(self) -> None:
        if self._on_reset is not None:
            self._on_reset()
        super().reset()


class CompositeIndicator(IndicatorBase):
    """Two indicators and a function of both: ``CompositeIndicator(name, left, right, composer)``.

    It has a new value when both sides have one (a constant side counts as new). The composer takes
    the two indicators and returns a number or an :class:`IndicatorResult`.
    """

    def __init__(self, *args: Any) -> None:
        name = None
        if isinstance(args[0], str) or args[0] is None:
            name, args = args[0], args[1:]
        left, right, composer = args
        self._start(f"COMPOSE({left.name},{right.name})" if name is None else name)
        self.left, self.right = left, right
        self._composer = composer
        self._join()

    def _join(self) -> None:
        self._new_left = self._new_right = False
        self._left_constant = isinstance(self.left, ConstantIndicator)
        self._right_constant = isinstance(self.right, ConstantIndicator)
        self.left.updated += self._on_left
        self.right.updated += self._on_right

    def _on_left(self, _sender: Any, point: IndicatorDataPoint) -> None:
        self._new_left = True
        if self._new_right or self._right_constant:
            self._both(point.time)

    def _on_right(self, _sender: Any, point: IndicatorDataPoint) -> None:
        self._new_right = True
        if self._new_left or self._left_constant:
            self._both(point.time)

    def _both(self, time: datetime) -> None:
        left, right = self.left._cur[1], self.right._cur[1]
        self._push(EMPTY, max(time, left, right), 0.0)
        self._new_left = self._new_right = False

    def _next(self, time: datetime, value: float) -> float | None:
        result = self._composer(self.left, self.right)
        if type(result) is float or result is None:
            return result
        if isinstance(result, IndicatorResult):
            return result.value if result.status == IndicatorStatus.SUCCESS else None
        return float(result)

    @property
    def is_ready(self) -> bool:
        return self.left.is_ready and self.right.is_ready

    def reset(self) -> None:
        self.left.reset()
        self.right.reset()
        super().reset()


class ResetCompositeIndicator(CompositeIndicator):
    """A composite with something more to reset."""

    def __init__(self, *args: Any) -> None:
        *first, self._extra = args
        super().__init__(*first)
        if not isinstance(first[0], str):
            self.name = f"RESET_COMPOSE({self.left.name},{self.right.name})"

    def reset(self) -> None:
        super().reset()
        self._extra()


def _plus(left: Any, right: Any) -> float:
    return left._value + right._value


def _minus(left: Any, right: Any) -> float:
    return left._value - right._value


def _times(left: Any, right: Any) -> float:
    return left._value * right._value


def _over(left: Any, right: Any) -> float | None:
    return left._value / right._value if right._value else None


def managed(indicator: Any) -> Any:
    """Return an indicator as it is, or a Python class wrapped as one."""
    if isinstance(indicator, IndicatorBase):
        return indicator
    from engine.indicators.python_indicator import PythonIndicator

    return PythonIndicator(indicator)


def _joined(composer: Any, left: Any, right: Any, name: str | None) -> CompositeIndicator:
    left = managed(left)
    if isinstance(right, (int, float)) or hasattr(right, "as_tuple"):
        right = ConstantIndicator(number_text(right), right)
    return CompositeIndicator(name, left, managed(right), composer)


class IndicatorExtensions:
    """LEAN's functions that join indicators."""

    @staticmethod
    def of(second: Any, first: Any, wait_for_first_to_ready: bool = True) -> Any:
        """Feed ``second`` with the values of ``first`` and return it."""
        first, second = managed(first), managed(second)

        def feed(_sender: Any, point: IndicatorDataPoint) -> None:
            if not wait_for_first_to_ready or first.is_ready:
                second._take(point)

        first.updated += feed
        return second

    @staticmethod
    def plus(left: Any, right: Any, name: str | None = None) -> CompositeIndicator:
        """Return ``left + right``; ``right`` may be a number."""
        return _joined(_plus, left, right, name)

    @staticmethod
    def minus(left: Any, right: Any, name: str | None = None) -> CompositeIndicator:
        """Return ``left - right``; ``right`` may be a number."""
        return _joined(_minus, left, right, name)

    @staticmethod
    def times(left: Any, right: Any, name: str | None = None) -> CompositeIndicator:
        """Return ``left * right``; ``right`` may be a number."""
        return _joined(_times, left, right, name)

    @staticmethod
    def over(left: Any, right: Any, name: str | None = None) -> CompositeIndicator:
        """Return ``left / right``; a zero on the right keeps the old value."""
        return _joined(_over, left, right, name)

    @staticmethod
    def sma(left: Any, period: int, wait_for_first_to_ready: bool = True) -> Any:
        """Return a simple moving average of an indicator."""
        from engine.indicators.averages import SimpleMovingAverage

        left = managed(left)
        made = SimpleMovingAverage(f"SMA{period}_Of_{left.name}", period)
        return IndicatorExtensions.of(made, left, wait_for_first_to_ready)

    @staticmethod
    def ema(
        left: Any,
        period: int,
        smoothing_factor: Any = None,
        wait_for_first_to_ready: bool = True,
    ) -> Any:
        """Return an exponential moving average of an indicator."""
        from engine.indicators.averages import ExponentialMovingAverage

        left = managed(left)
        made = ExponentialMovingAverage(f"EMA{period}_Of_{left.name}", period, smoothing_factor)
        return IndicatorExtensions.of(made, left, wait_for_first_to_ready)

    @staticmethod
    def max(left: Any, period: int, wait_for_first_to_ready: bool = True) -> Any:
        """Return the highest of the last values of an indicator."""
        from engine.indicators.basic import Maximum

        left = managed(left)
        made = Maximum(f"MAX{period}_Of_{left.name}", period)
        return IndicatorExtensions.of(made, left, wait_for_first_to_ready)

    @staticmethod
    def min(left: Any, period: int, wait_for_first_to_ready: bool = True) -> Any:
        """Return the lowest of the last values of an indicator."""
        from engine.indicators.basic import Minimum

        left = managed(left)
        made = Minimum(f"MIN{period}_Of_{left.name}", period)
        return IndicatorExtensions.of(made, left, wait_for_first_to_ready)

    @staticmethod
    def weighted_by(value: Any, weight: Any, period: int) -> CompositeIndicator:
        """Return the mean of ``value`` over ``period``, weighted by ``weight``."""
        from engine.indicators.basic import Sum, WindowIdentity

        value, weight = managed(value), managed(weight)
        x, y = WindowIdentity(period), WindowIdentity(period)
        numerator, denominator = Sum("Sum_xy", period), Sum("Sum_y", period)

        def on_value(_sender: Any, point: IndicatorDataPoint) -> None:
            x._take(point)
            if x.samples == y.samples:
                numerator._push(EMPTY, point.time, point.value * y._value)

        def on_weight(_sender: Any, point: IndicatorDataPoint) -> None:
            y._take(point)
            if x.samples == y.samples:
                numerator._push(EMPTY, point.time, point.value * x._value)
            denominator._take(point)

        def more() -> None:
            x.reset()
            y.reset()

        value.updated += on_value
        weight.updated += on_weight
        return ResetCompositeIndicator(numerator, denominator, _over, more)

    SMA, EMA, MAX, MIN = sma, ema, max, min
    Of, Plus, Minus, Times, Over, WeightedBy = of, plus, minus, times, over, weighted_by
