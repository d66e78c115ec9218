"""The base of all indicators: scalars inside, LEAN's data points only when somebody looks.

An indicator keeps its newest two values as plain tuples; ``current``, ``previous``, ``window`` and
the events make :class:`IndicatorDataPoint` objects on demand, so that an update of an EMA costs
well under a microsecond.

Inputs are of four kinds (``_input``): ``point`` (a time and a value), ``bar`` (anything with open,
high, low and close), ``trade`` (trade bars) and ``data`` (anything). A subclass writes ``_build``
(its parameters, LEAN's constructor without the name), ``_label`` (its default name) and ``_next``
or ``_next_bar``, which return the new value or ``None`` where LEAN reports a mathematical error and
keeps the old one.
"""

from __future__ import annotations

import inspect
import logging
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime
from sys import getrefcount
from typing import TYPE_CHECKING, Any

from engine.indicators.names import PascalNames
from engine.indicators.window import RollingWindow
from engine.types.bars import DATE_MIN, BaseData, IndicatorDataPoint, QuoteBar, TradeBar
from engine.types.decimals import normalize, plain, to_decimal
from engine.types.dotnet import Event, LeanObject
from engine.types.enums import IndicatorStatus, LeanEnum, pascal_name
from engine.types.errors import ArgumentException, InvalidOperationException
from engine.types.symbol import Symbol

EMPTY = Symbol.EMPTY
_NOTHING = (EMPTY, DATE_MIN, 0.0)
_new_point = object.__new__
_LOG = logging.getLogger("engine.indicators")


def number_text(value: Any) -> str:
    """Print a parameter in a name as .NET does: ``2.0`` is ``2``, an enum its .NET name."""
    if value is None:
        return ""
    if isinstance(value, LeanEnum):
        return pascal_name(value.name)
    if isinstance(value, (bool, str)):
        return str(value)
    if isinstance(value, (int, float)) or hasattr(value, "as_tuple"):
        return plain(normalize(to_decimal(value)))
    return str(value)


def _unkept() -> int:
    """Return the count of references to a point that only an indicator and a local name have."""
    indicator = [IndicatorDataPoint()]
    point = indicator[0]
    return getrefcount(point)


_UNKEPT = _unkept()


class IndicatorResult(LeanObject):
    """A value and its status."""

    def __init__(self, value: float, status: IndicatorStatus = IndicatorStatus.SUCCESS) -> None:
        self.value = float(value)
        self.status = status


class IndicatorBase(PascalNames):
    """What all indicators share: name, samples, current and previous value, window and event.

    Raises
    ------
    ArgumentException
        For parameters that LEAN refuses.
    """

    _input = "point"
    _label = ""
    _parameters: inspect.Signature | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._start("")
        name: Any = None
        if args and isinstance(args[0], str):
            name, args = args[0], args[1:]
        elif "name" in kwargs:
            name = kwargs.pop("name")
        cls = type(self)
        signature = cls.__dict__.get("_parameters")
        if signature is None:
            signature = cls._parameters = inspect.signature(cls._build)
        bound = signature.bind(self, *args, **kwargs)
        bound.apply_defaults()
        values = dict(bound.arguments)
        del values["self"]
        if name is None:
            name = self._default_name(values)
        self.name = name
        self._build(**values)

    def _start(self, name: str) -> None:
        self.name = name
        self.samples = 0
        self.consolidators: set[Any] = set()
        self.updated = Event()
        self._handlers = self.updated._handlers
        self._value = 0.0
        self._cur: tuple[Any, datetime, float] = _NOTHING
        self._prev: tuple[Any, datetime, float] | None = None
        # the last point shown, and what it shows
        self._point: IndicatorDataPoint | None = None
        self._point_of: tuple[Any, datetime, float] | None = None
        self._window: RollingWindow[IndicatorDataPoint] | None = None
        self._seen_symbol: Any = None
        self._seen_time = DATE_MIN
        self._seen_input: Any = None
        self._others: dict[Any, tuple[datetime, Any]] = {}
        self._warned = False

    if TYPE_CHECKING:
        _build: Callable[..., None]
    else:

        def _build(self) -> None:
            """Take the parameters of the constructor."""

    def _default_name(self, values: dict[str, Any]) -> str:
        return self._label.format(**{k: number_text(v) for k, v in values.items()})

    # values

    @property
    def current(self) -> IndicatorDataPoint:
        point: Any = self._point
        now = self._cur
        if self._point_of is not now or point is None:
            if getrefcount(point) != _UNKEPT:
                # nobody but the indicator may have a point that becomes the next one
                point = self._point = _new_point(IndicatorDataPoint)
            symbol, time, value = now
            point.symbol, point.time, point.end_time = symbol, time, time
            point.value = value if type(value) is float else float(value)
            self._point_of = now
        return point

    @property
    def previous(self) -> IndicatorDataPoint:
        if self._window is not None:
            found = self._window[1] if self._window.count > 1 else None
            return IndicatorDataPoint() if found is None else found
        return IndicatorDataPoint(*(self._prev or _NOTHING))

    @property
    def window(self) -> RollingWindow[IndicatorDataPoint]:
        found = self._window
        if found is None:
            found = self._window = RollingWindow(2)
            if self._prev is not None:
                found.add(IndicatorDataPoint(*self._prev))
            found.add(self.current)
            found._samples = max(found._samples, self.samples + 1)
        return found

    @property
    def is_ready(self) -> bool:
        raise NotImplementedError

    def __getitem__(self, i: int) -> IndicatorDataPoint:
        return self.window[i]

    def __iter__(self) -> Iterator[IndicatorDataPoint]:
        return iter(self.window)

    # updates

    def update(self, input: Any, value: Any = None) -> bool:
        """Take the next input: ``update(time, value)``, ``update(point)`` or ``update(bar)``.

        Returns
        -------
        bool
            Whether the indicator is ready.
        """
        if value is not None:
            self._push(EMPTY, input, value if type(value) is float else float(value))
        else:
            self._take(input)
        return self.is_ready

    def _take(self, item: Any) -> None:
        """Take an object: a data point or a bar, whose value counts."""
        if type(item) is IndicatorDataPoint:
            if item is self._seen_input:
                return
            self._push(item.symbol, item.end_time, item.value)
            self._seen_input = item
        else:
            self._push(item.symbol, item.end_time, float(item.value))

    def _push(self, symbol: Any, time: datetime, value: float) -> None:
        if symbol is self._seen_symbol:
            if time < self._seen_time:
                self._past(time)
                return
        elif not self._switch(symbol, time):
            return
        self._seen_time = time
        self.samples += 1
        result = self._next(time, value)
        if result is None:
            return
        self._prev = self._cur
        self._cur = (symbol, time, result)
        self._value = result
        if self._window is not None:
            self._window.add(self.current)
        if self._handlers:
            self.updated(self, self.current)

    def _on_bar(self, _sender: Any, bar: Any) -> None:
        """Take the value of a bar from a consolidator: ``_push`` without the way to it."""
        symbol, time = bar.symbol, bar.end_time
        value = bar.close if type(bar) is TradeBar else float(bar.value)
        if symbol is not self._seen_symbol or time < self._seen_time:
            self._push(symbol, time, value)
            return
        self._seen_time = time
        self.samples += 1
        result = self._next(time, value)
        if result is None:
            return
        self._prev = self._cur
        self._cur = (symbol, time, result)
        self._value = result
        if self._window is not None:
            self._window.add(self.current)
        if self._handlers:
            self.updated(self, self.current)

    def _set(self, symbol: Any, time: datetime, result: float) -> None:
        """Publish a value that was computed elsewhere, without the checks of an update."""
        self.samples += 1
        self._prev = self._cur
        self._cur = (symbol, time, result)
        self._value = result
        if self._window is not None:
            self._window.add(self.current)
        if self._handlers:
            self.updated(self, self.current)

    def on_updated(self, consolidated: IndicatorDataPoint) -> None:
        """Tell the handlers of a new value; for subclasses that compute their own."""
        self.updated(self, consolidated)

    def _switch(self, symbol: Any, time: datetime) -> bool:
        """Change to another symbol's stream of inputs; false for an input of the past."""
        before = self._seen_symbol
        if before is not None:
            self._others[before] = (self._seen_time, self._seen_input)
        last, last_input = self._others.get(symbol, (DATE_MIN, None))
        self._seen_symbol, self._seen_time, self._seen_input = symbol, last, last_input
        if time < last:
            self._past(time)
            return False
        return True

    def _past(self, time: datetime) -> None:
        if not self._warned:
            self._warned = True
            _LOG.error(
                "This is a forward only indicator: %s Input: %s Previous: %s. "
                "It will not be updated with this input.",
                self.name, time, self._seen_time,
            )  # fmt: skip

    def _next(self, time: datetime, value: float) -> float | None:
        raise NotImplementedError(f"{type(self).__name__} has no value of a time and a number")

    def reset(self) -> None:
        """Go back to the state before the first input."""
        self.samples = 0
        self._value = 0.0
        self._cur, self._prev, self._point = _NOTHING, None, None
        self._seen_symbol = self._seen_input = None
        self._seen_time = DATE_MIN
        self._others.clear()
        if self._window is not None:
            self._window.reset()
            self._window.add(self.current)

    # numbers

    def __float__(self) -> float:
        return self._value

    def __str__(self) -> str:
        text = f"{self._value:.5f}".rstrip("0")
        return text + "0" if text.endswith(".") else text

    def __repr__(self) -> str:
        return f"{self.name} - {self}"

    def to_detailed_string(self) -> str:
        return f"{self.name} - {self}"

    @staticmethod
    def _number(other: Any) -> Any:
        if isinstance(other, IndicatorBase):
            return other._value
        if isinstance(other, IndicatorDataPoint):
            return other.value
        return other

    def __lt__(self, other: Any) -> Any:
        return self._value < self._number(other)

    def __le__(self, other: Any) -> Any:
        return self._value <= self._number(other)

    def __gt__(self, other: Any) -> Any:
        return self._value > self._number(other)

    def __ge__(self, other: Any) -> Any:
        return self._value >= self._number(other)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if isinstance(other, IndicatorBase) or other is None or isinstance(other, str):
            return False
        try:
            return bool(self._value == float(other))  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return False

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        return True


class Indicator(IndicatorBase):
    """An indicator of values."""


class _ObjectIndicator(IndicatorBase):
    """An indicator that computes on whole objects."""

    _accepts: tuple[type, ...] | None = None
    _expected = "IBaseData"

    def update(self, input: Any, value: Any = None) -> bool:
        if value is not None:
            more = ", Update(Tick)" if self._input == "data" else ""
            raise InvalidOperationException(
                f"{type(self).__name__} does not support the `Update(DateTime, decimal)` method. "
                "Use one of the following methods instead: "
                f"Update(TradeBar), Update(QuoteBar){more}"
            )
        self._push_bar(input)
        return self.is_ready

    def _take(self, item: Any) -> None:
        self._push_bar(item)

    def _push_bar(self, bar: Any) -> None:
        symbol, time = bar.symbol, bar.end_time
        if symbol is self._seen_symbol:
            if time < self._seen_time:
                self._past(time)
                return
        elif not self._switch(symbol, time):
            return
        if bar is self._seen_input:
            return
        if self._accepts is not None and not isinstance(bar, self._accepts):
            raise ArgumentException(
                f"IndicatorBase.Update() 'input' expected to be of type {self._expected} "
                f"but is of type {type(bar).__name__}"
            )
        self._seen_time, self._seen_input = time, bar
        self.samples += 1
        result = self._next_bar(bar)
        if result is None:
            return
        self._prev = self._cur
        self._cur = (symbol, time, result)
        self._value = result
        if self._window is not None:
            self._window.add(self.current)
        if self._handlers:
            self.updated(self, self.current)

    def _next_bar(self, bar: Any) -> float | None:
        raise NotImplementedError


class BarIndicator(_ObjectIndicator):
    """An indicator of trade or quote bars."""

    _input = "bar"
    _accepts = (TradeBar, QuoteBar)
    _expected = "QuantConnect.Data.Market.IBaseDataBar"


class TradeBarIndicator(_ObjectIndicator):
    """An indicator of trade bars."""

    _input = "trade"
    _accepts = (TradeBar,)
    _expected = "QuantConnect.Data.Market.TradeBar"


class _DataIndicator(_ObjectIndicator):
    """An indicator of any data."""

    _input = "data"
    _accepts: tuple[type, ...] | None = (BaseData, IndicatorDataPoint)


class WindowIndicator(IndicatorBase):
    """An indicator of the last ``period`` values; ``_win`` holds them, the newest at the right."""

    def _build(self, period: int) -> None:
        if period < 1:
            raise ArgumentException(f"RollingWindow must have size of at least 1, was {period}.")
        self.period = int(period)
        self._win: deque[float] = deque(maxlen=self.period)
        self._removed: float | None = None

    def _roll(self, value: float) -> None:
        win = self._win
        if len(win) == self.period:
            self._removed = win[0]
        win.append(value)

    @property
    def is_ready(self) -> bool:
        return len(self._win) == self.period

    @property
    def warm_up_period(self) -> int:
        return self.period

    def reset(self) -> None:
        super().reset()
        self._win.clear()
        self._removed = None
