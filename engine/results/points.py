"""Points of a chart. Values go through LEAN's rounding for charts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from operator import add
from typing import Any

from engine.statistics.arithmetic import chart_number
from engine.types.decimals import to_decimal
from engine.types.dotnet import LeanObject
from engine.types.jsontext import number_text
from engine.types.timezones import EPOCH, aware, from_micro, naive, to_micro

#: members of classes of LEAN's own take longer to look up than the call itself
_new: Any = object.__new__


def chart_value(value: Any) -> Decimal | None:
    """Round a value as charts keep it; ``None`` is a gap."""
    return None if value is None else chart_number(to_decimal(value))


def _moment(time: Any) -> datetime:
    if isinstance(time, datetime):
        return naive(time)
    return from_micro(int(time) * 1_000_000)


def _unix(utc: datetime) -> int:
    return to_micro(utc) // 1_000_000


@lru_cache(maxsize=1 << 14)
def _nearest_second(utc: datetime) -> int:
    """Seconds since 1970, to the even second from half a second on, as Convert.ToInt64 does.

    Series of one chart are sampled at the same times, so most times were asked for before.
    """
    return round(to_micro(utc) / 1e6)


class _Rounded:
    """An attribute that the user sees as float, kept as a rounded decimal under ``_name``."""

    __slots__ = ("slot",)

    def __set_name__(self, owner: type, name: str) -> None:
        self.slot = "_" + name

    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        if obj is None:
            return self
        value = getattr(obj, self.slot)
        return None if value is None else float(value)

    def __set__(self, obj: Any, value: Any) -> None:
        setattr(obj, self.slot, chart_value(value))


class ISeriesPoint(LeanObject):
    """A point of a series at a UTC time."""

    __slots__ = ("_utc",)
    _utc: datetime

    @property
    def time(self) -> datetime:
        return aware(self._utc)

    @time.setter
    def time(self, time: datetime) -> None:
        self._utc = naive(time)

    def clone(self) -> ISeriesPoint:
        raise NotImplementedError

    def _json(self) -> Any:
        raise NotImplementedError


class ChartPoint(ISeriesPoint):
    """``ChartPoint(time or unix seconds, value)`` or ``ChartPoint(point)``."""

    __slots__ = ("_y",)
    _y: Decimal | None
    y = _Rounded()

    def __init__(self, time: Any = EPOCH, value: Any = None) -> None:
        if isinstance(time, ChartPoint):
            self._utc, self._y = time._utc, time._y
        else:
            self._utc = _moment(time)
            self._y = chart_value(value)

    @classmethod
    def _at(cls, utc: datetime, value: Decimal | None) -> ChartPoint:
        """Make a point of a naive UTC time and an exact number: the engine's own samples."""
        return cls._rounded(utc, None if value is None else chart_number(value))

    @classmethod
    def _rounded(cls, utc: datetime, number: Decimal | None) -> ChartPoint:
        """Make a point of a naive UTC time and a number that is rounded for charts already."""
        point = _new(cls)
        point._utc = utc
        point._y = number
        return point

    @property
    def x(self) -> int:
        return _nearest_second(self._utc)

    @x.setter
    def x(self, seconds: int) -> None:
        self._utc = _moment(seconds)

    def clone(self) -> ChartPoint:
        return type(self)(self._utc, self._y)

    def _json(self) -> Any:
        return [self.x, self.y]

    def __str__(self) -> str:
        return f"{self._utc:%m/%d/%Y %H:%M:%S} - {self.y}"

    to_string = __str__


def json_points(points: Iterable[Any]) -> list[Any]:
    """Return what result files hold of points: ``[x, y]``, a candlestick's five numbers."""
    out: list[Any] = []
    known: Decimal | None = None
    number: float | None = None
    for point in points:
        if type(point) is ChartPoint:
            value = point._y
            if value is not known:  # days without trading share their number
                known, number = value, None if value is None else float(value)
            out.append([_nearest_second(point._utc), number])
        else:
            out.append(point._json())
    return out


def json_rows(times: Iterable[datetime], values: Iterable[Decimal | None]) -> list[Any]:
    """Do what :func:`json_points` does for points that are given as columns."""
    out: list[Any] = []
    known: Decimal | None = None
    number: float | None = None
    for second, value in zip(map(_nearest_second, times), values, strict=True):
        if value is not known:
            known, number = value, None if value is None else float(value)
        out.append([second, number])
    return out


@lru_cache(maxsize=1 << 14)
def _row_start(utc: datetime) -> str:
    return f"[{_nearest_second(utc)}, "


def rows_text(times: Sequence[datetime], values: Sequence[Decimal | None]) -> str:
    """Return the JSON of ``json_rows(times, values)``.

    Raises
    ------
    ValueError
        For a number that JSON does not know.
    """
    if not times:
        return "[]"
    known: Decimal | None = None
    shown = "null"
    ends = []
    for value in values:
        if value is not known:  # days without trading share their number
            known, shown = value, number_text(value)
        ends.append(shown)
    return f"[{'], '.join(map(add, map(_row_start, times), ends))}]]"


class ScatterChartPoint(ChartPoint):
    """A point of a scatter series, with a text to show."""

    __slots__ = ("tooltip",)

    def __init__(self, time: Any = EPOCH, value: Any = None, tooltip: str | None = None) -> None:
        super().__init__(time, value)
        self.tooltip = tooltip

    def clone(self) -> ScatterChartPoint:
        return ScatterChartPoint(self._utc, self._y, self.tooltip)

    def _json(self) -> Any:
        shown = {"x": self.x, "y": self.y}
        return shown if self.tooltip is None else {"tooltip": self.tooltip, **shown}


class Candlestick(ISeriesPoint):
    """Of time, open, high, low, close; of a bar; of a time and a bar; or of another candlestick."""

    __slots__ = ("_close", "_high", "_low", "_open", "_started")
    _open: Decimal | None
    _high: Decimal | None
    _low: Decimal | None
    _close: Decimal | None
    open = _Rounded()
    high = _Rounded()
    low = _Rounded()
    close = _Rounded()

    def __init__(self, *args: Any) -> None:
        self._started = False
        self._utc = EPOCH
        values: tuple[Any, ...] = (None, None, None, None)
        if len(args) == 5:
            self._utc, values = _moment(args[0]), args[1:]
        elif len(args) == 1 and isinstance(args[0], Candlestick):
            other = args[0]
            self._utc = other._utc
            values = (other._open, other._high, other._low, other._close)
        elif args:
            bar = args[-1]
            self._utc = _moment(args[0] if len(args) == 2 else bar.end_time)
            values = (bar.open, bar.high, bar.low, bar.close)
        self._open, self._high, self._low, self._close = map(chart_value, values)

    @classmethod
    def _of(cls, utc: datetime, prices: Iterable[Decimal]) -> Candlestick:
        """Make a candlestick of a naive UTC time and numbers that charts hold already."""
        candle = _new(cls)
        candle._started = False
        candle._utc = utc
        candle._open, candle._high, candle._low, candle._close = prices
        return candle

    @property
    def long_time(self) -> int:
        return _unix(self._utc)

    def update(self, value: Any) -> None:
        """Take a value into open, high, low and close."""
        number = chart_value(value)
        if number is None:
            return
        if not self._started:
            self._open = self._high = self._low = self._close = number
            self._started = True
            return
        if self._high is None or number > self._high:
            self._high = number
        elif self._low is None or number < self._low:
            self._low = number
        self._close = number

    def clone(self) -> Candlestick:
        return Candlestick(self)

    def _json(self) -> Any:
        open_, high, low, close = self._open, self._high, self._low, self._close
        if open_ is high is low is close:
            number = None if close is None else float(close)
            return [self.long_time, number, number, number, number]
        return [self.long_time, self.open, self.high, self.low, self.close]

    def _json_text(self) -> str:
        """Return the JSON of :meth:`_json`."""
        first, last, high, low = self._open, self._close, self._high, self._low
        open_ = number_text(first)
        close = open_ if last is first else number_text(last)
        # the highest and the lowest are mostly the first and the last
        top = open_ if high is first else close if high is last else number_text(high)
        bottom = open_ if low is first else close if low is last else number_text(low)
        return f"[{self.long_time}, {open_}, {top}, {bottom}, {close}]"

    def __str__(self) -> str:
        return (
            f"{self._utc:%m/%d/%Y %H:%M:%S} - O: {self.open} H: {self.high} L: {self.low} "
            f"C: {self.close}"
        )

    to_string = __str__
