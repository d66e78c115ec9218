"""Names of .NET's ``System`` that ``AlgorithmImports`` brings along."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from engine.types.decimals import round_half_even, to_decimal
from engine.types.dotnet import LeanObject, LeanType
from engine.types.errors import ArgumentException

_MICRO = timedelta(microseconds=1)


class _SpanType(LeanType):
    """``TimeSpan(...)`` gives Python's ``timedelta``, which is what LEAN hands over for it."""

    def __call__(cls, *parts: int) -> timedelta:
        if len(parts) == 1:
            return timedelta(microseconds=parts[0] // 10)
        if len(parts) == 3:
            hours, minutes, seconds = parts
            return timedelta(hours=hours, minutes=minutes, seconds=seconds)
        if len(parts) in (4, 5):
            days, hours, minutes, seconds, *rest = parts
            return timedelta(days, seconds, 0, rest[0] if rest else 0, minutes, hours)
        if not parts:
            return timedelta(0)
        raise ArgumentException(
            "expected TimeSpan(ticks), (hours, minutes, seconds) or (days, hours, minutes, "
            f"seconds[, milliseconds]), was {parts}"
        )

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, timedelta)


class TimeSpan(LeanObject, metaclass=_SpanType):
    """``System.TimeSpan``: makes spans."""

    ZERO = timedelta(0)
    MAX_VALUE = timedelta.max
    MIN_VALUE = timedelta.min
    TICKS_PER_DAY = 864_000_000_000
    TICKS_PER_HOUR = 36_000_000_000
    TICKS_PER_MINUTE = 600_000_000
    TICKS_PER_SECOND = 10_000_000
    TICKS_PER_MILLISECOND = 10_000

    @staticmethod
    def from_days(value: float) -> timedelta:
        return timedelta(days=value)

    @staticmethod
    def from_hours(value: float) -> timedelta:
        return timedelta(hours=value)

    @staticmethod
    def from_minutes(value: float) -> timedelta:
        return timedelta(minutes=value)

    @staticmethod
    def from_seconds(value: float) -> timedelta:
        return timedelta(seconds=value)

    @staticmethod
    def from_milliseconds(value: float) -> timedelta:
        return timedelta(milliseconds=value)

    @staticmethod
    def from_ticks(value: int) -> timedelta:
        return timedelta(microseconds=value // 10)


class DateTime(LeanObject):
    """``System.DateTime``: the static members that algorithms use."""

    MIN_VALUE = datetime.min
    MAX_VALUE = datetime.max

    def __new__(  # type: ignore[misc]
        cls,
        year: int,
        month: int,
        day: int,
        hour: int = 0,
        minute: int = 0,
        second: int = 0,
        millisecond: int = 0,
    ) -> datetime:
        return datetime(year, month, day, hour, minute, second, millisecond * 1000)


class Math(LeanObject):
    """``System.Math``."""

    PI = math.pi
    E = math.e

    abs = staticmethod(abs)
    acos = staticmethod(math.acos)
    asin = staticmethod(math.asin)
    atan = staticmethod(math.atan)
    atan2 = staticmethod(math.atan2)
    ceiling = staticmethod(math.ceil)
    cos = staticmethod(math.cos)
    exp = staticmethod(math.exp)
    floor = staticmethod(math.floor)
    log = staticmethod(math.log)
    log10 = staticmethod(math.log10)
    max = staticmethod(max)
    min = staticmethod(min)
    pow = staticmethod(math.pow)
    sin = staticmethod(math.sin)
    sqrt = staticmethod(math.sqrt)
    tan = staticmethod(math.tan)
    tanh = staticmethod(math.tanh)
    truncate = staticmethod(math.trunc)

    @staticmethod
    def round(value: float, digits: int = 0) -> float:
        """Round half to even, on the number as it prints."""
        return float(round_half_even(to_decimal(value), digits))

    @staticmethod
    def sign(value: float) -> int:
        return (value > 0) - (value < 0)


_BIG = 2**31 - 1
_SEED = 161803398


class Random(LeanObject):
    """``System.Random``: with a seed the numbers of .NET, Knuth's subtractive generator.

    Without one they are different in every run, as there.
    """

    def __init__(self, seed: int | None = None) -> None:
        if seed is None:
            seed = random.SystemRandom().randrange(_BIG)
        self._state = _subtractive_state(seed)
        self._first, self._second = 0, 21

    def _sample(self) -> int:
        self._first = self._first % 55 + 1
        self._second = self._second % 55 + 1
        value = self._state[self._first] - self._state[self._second]
        if value == _BIG:
            value -= 1
        if value < 0:
            value += _BIG
        self._state[self._first] = value
        return value

    def next_double(self) -> float:
        """Return a number from 0 up to, but not including, 1."""
        return self._sample() * (1.0 / _BIG)

    def next(self, *bounds: int) -> int:
        """Return an integer: ``next()``, ``next(below)`` or ``next(from, below)``."""
        if not bounds:
            return self._sample()
        low, high = (0, bounds[0]) if len(bounds) == 1 else (bounds[0], bounds[1])
        if low > high:
            raise ArgumentException(f"expected {low} <= {high} as bounds of Random.next")
        span = high - low
        if span <= _BIG:
            return int(self.next_double() * span) + low
        wide = self._sample()
        if self._sample() % 2 == 0:
            wide = -wide
        return int((wide + (_BIG - 1)) / (2.0 * _BIG - 1) * span) + low


def _subtractive_state(seed: int) -> list[int]:
    state = [0] * 56
    value = _SEED - (_BIG if seed == -(2**31) else abs(seed))
    state[55] = value
    following = 1
    position = 0
    for _ in range(1, 55):
        position += 21
        if position >= 55:
            position -= 55
        state[position] = following
        following = value - following
        if following < 0:
            following += _BIG
        value = state[position]
    for _ in range(4):
        for index in range(1, 56):
            other = index + 30
            if other >= 55:
                other -= 55
            # .NET's integers wrap around
            state[index] = (state[index] - state[1 + other] + 2**31) % 2**32 - 2**31
            if state[index] < 0:
                state[index] += _BIG
    return state


class Object(LeanObject):
    """``System.Object``."""

    @staticmethod
    def reference_equals(first: Any, second: Any) -> bool:
        return first is second


class RegressionTestException(Exception):
    """What LEAN's regression algorithms raise when they find a difference."""


class _Delegate(LeanObject):
    def __new__(cls, function: Callable[..., Any]) -> Callable[..., Any]:  # type: ignore[misc]
        return function

    def __class_getitem__(cls, types: Any) -> type:
        return cls


class Action(_Delegate):
    """``System.Action``: the function itself."""


class Func(_Delegate):
    """``System.Func``: the function itself."""


class String(LeanObject):
    """``System.String``: the static members that algorithms use."""

    EMPTY = ""

    @staticmethod
    def format(template: str, *values: Any) -> str:
        return template.format(*values)

    @staticmethod
    def is_null_or_empty(text: str | None) -> bool:
        return not text

    @staticmethod
    def is_null_or_white_space(text: str | None) -> bool:
        return not (text and text.strip())

    @staticmethod
    def join(separator: str, values: Iterable[Any]) -> str:
        return separator.join(str(value) for value in values)
