"""Consolidators by time span, count, both, or a calendar function."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from engine.consolidators.base import ConsolidatorBase
from engine.consolidators.calendar import CalendarInfo
from engine.consolidators.identity import check_input
from engine.types.bars import DATE_MIN, Bar, BaseData, QuoteBar, Tick, TradeBar
from engine.types.enums import Resolution, TickType
from engine.types.errors import ArgumentException, InvalidOperationException
from engine.types.subscription import INCREMENTS

ZERO_SPAN, DAY, HOUR = timedelta(0), timedelta(days=1), timedelta(hours=1)
_VERIFY = datetime(2022, 1, 3, 10, 10, 10)


def round_down(moment: datetime, span: timedelta) -> datetime:
    """Round down to a multiple of a span counted from year 1 (midnight for parts of a day)."""
    return moment - (moment - DATE_MIN) % span if span else moment


def _anchored(period: timedelta, start: timedelta, moment: datetime) -> datetime:
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if period >= timedelta(days=7):
        day = day.replace(day=1)
    reference = day + start
    return reference + (moment - reference) // period * period


class _FromResolution:
    """``from_resolution`` of the consolidators that have it in LEAN."""

    @classmethod
    def from_resolution(cls, resolution: Resolution) -> Any:
        """Make the consolidator of a resolution's time span."""
        make: Any = cls
        return make(INCREMENTS[Resolution(resolution)])


class PeriodCountConsolidatorBase(ConsolidatorBase):
    """Bars of a time span, of a count of inputs, of whichever comes first, or of a calendar
    function.

    ``(period)``, ``(period, start_time)``, ``(max_count)``, ``(max_count, period)`` or
    ``(function)`` from a time to :class:`CalendarInfo`. Spans up to a day are aligned to their
    multiples, longer ones begin with the first data.
    """

    _typed = "after"

    # what a subclass has that does not call our __init__
    _working: Any = None
    _period: timedelta | None = None
    _start_time: timedelta | None = None
    _max_count: int | None = None
    _function: Callable[[datetime], CalendarInfo] | None = None
    _fixed = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        count, period, start, function = self._parse(args, kwargs)
        self._max_count = count
        self._period = period
        self._start_time, self._function = start, function
        self._fixed = function is None and count is None
        if function is not None:
            if function(_VERIFY).start > _VERIFY:
                raise ArgumentException(
                    "FuncPeriodSpecification: Please use a function that computes the start of the "
                    "bar associated with the given date time. Should never return a time later "
                    "than the one passed in."
                )
            self._period = timedelta(seconds=1)
        self._clear()

    def _clear(self) -> None:
        self._count = 0
        self._symbol: Any = None
        self._last_emit: datetime | None = None
        self._checked = False
        self._working = None

    @staticmethod
    def _parse(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, Any, Any]:
        count = kwargs.get("max_count")
        period, start = kwargs.get("period"), kwargs.get("start_time")
        function = kwargs.get("func", kwargs.get("pyfuncobj", kwargs.get("py_object")))
        for value in args:
            if isinstance(value, timedelta):
                if period is None:
                    period = value
                else:
                    start = value
            elif callable(value):
                function = value
            elif isinstance(value, Resolution):
                raise ArgumentException(
                    f"expected a timedelta, a count or a calendar function, was {value!r}; "
                    "use TradeBarConsolidator.from_resolution"
                )
            elif isinstance(value, int):
                count = value
            elif value is not None:
                raise ArgumentException(
                    "Unable to create a consolidator period from "
                    f"{value!r}: it is not a supported period type."
                )
        if count is None and period is None and function is None:
            raise ArgumentException(
                "expected a timedelta, a count or a calendar function, was none"
            )
        return count, period, start, function

    @property
    def working_data(self) -> Any:
        return None if self._working is None else self._working.clone()

    def _working_end(self) -> datetime | None:
        return None if self._working is None else self._working.end_time

    def _idle(self) -> bool:
        # a subclass may look for its own bars
        return self._working is None and type(self).scan is PeriodCountConsolidatorBase.scan

    @property
    def period(self) -> timedelta | None:
        return self._period

    # times

    def _rounded(self, moment: datetime) -> datetime:
        if self._function is not None:
            info: CalendarInfo = self._function(moment)
            if self._working is None:
                self._period = info.period
            return info.start
        if not self._fixed:
            return moment
        period = self._period
        assert period is not None
        if self._start_time is not None:
            return _anchored(period, self._start_time, moment)
        return moment if period > DAY else moment - (moment - DATE_MIN) % period

    def _rounded_of(self, data: Any) -> datetime:
        time = data.time
        start = self._rounded(time)
        if self._period is not None:
            end = data.end_time
            if start + self._period < end:
                if end - time == HOUR and start.date() < time.date():
                    start = self._rounded(end)
                else:
                    start = time
        return start

    # data

    def update(self, data: Any) -> None:
        symbol = data.symbol
        if symbol is not self._symbol:
            self._check(data, symbol)
        if not self._wanted(data):
            return
        time, period, count = data.time, self._period, self._max_count
        if not self._checked:
            self._check_span(data)
        fire, together = False, count is not None
        if count is not None:
            self._count += 1
            if self._count >= count:
                self._count, fire = 0, True
        last = self._last_emit
        if last is None:
            last = self._last_emit = DATE_MIN if count is None else time
        if period is not None:
            working = self._working
            if (
                working is not None
                and time - working.time >= period
                and self._rounded_of(data) > last
            ):
                fire = True
            if not period:
                fire = together = True
        if together and time >= last:
            self._aggregate(data)
            if count is not None:
                self._working.end_time = data.end_time
        if fire:
            working = self._working
            if period is not None and isinstance(working, TradeBar):
                working.end_time = working.time + (self._period or ZERO_SPAN)
            self._last_emit = working.end_time if count is None and working is not None else time
            self._send(working)
        if not together and time >= (self._last_emit or DATE_MIN):
            self._aggregate(data)

    def _check(self, data: Any, symbol: Any) -> None:
        check_input(self, data)
        if self._symbol is not None and self._symbol.id != symbol.id:
            raise InvalidOperationException(
                "Consolidators can only be used with a single symbol. The previous consolidated "
                f"SecurityIdentifier ({self._symbol.id}) is not the same as in the current data "
                f"({symbol.id})."
            )
        self._symbol = symbol

    def _check_span(self, data: Any) -> None:
        self._checked = True
        if self._fixed and self._period is not None:
            length = data.end_time - data.time
            if length > self._period:
                raise ArgumentException(
                    f"For Symbol {data.symbol} can not consolidate bars of period: {self._period}, "
                    f"using data of the same or higher period: {length}"
                )

    def _wanted(self, data: Any) -> bool:
        return True

    def _aggregate(self, data: Any) -> None:
        raise NotImplementedError

    def aggregate_bar(self, working_bar: Any, data: Any) -> Any:
        """Put data into a bar (none: a new one) and return it; for subclasses."""
        own, self._working = self._working, working_bar
        self._aggregate(data)
        made, self._working = self._working, own
        return made

    def _send(self, bar: Any) -> None:
        self._emit(bar)
        self._working = None

    def scan(self, current_local_time: datetime) -> None:
        working, period = self._working, self._period
        if (
            working is not None
            and period
            and current_local_time - working.time >= period
            and self._rounded(current_local_time) > (self._last_emit or DATE_MIN)
        ):
            self._last_emit = working.end_time
            self._send(working)

    def reset(self) -> None:
        super().reset()
        self._clear()

    def _span(self, data: Any) -> timedelta:
        """The period of a new bar: the consolidator's if it goes by time, else the data's."""
        if self._max_count is None and self._period is not None:
            return self._period
        return data.end_time - data.time


class TradeBarConsolidator(_FromResolution, PeriodCountConsolidatorBase):
    """Trade bars from smaller trade bars."""

    _input_type = _output_type = TradeBar

    @property
    def working_bar(self) -> Any:
        return self.working_data

    def _aggregate(self, data: Any) -> None:
        working = self._working
        if working is None:
            start = self._rounded_of(data)
            self._working = TradeBar(
                start, data.symbol, data.open, data.high, data.low, data.close, data.volume,
                self._span(data),
            )  # fmt: skip
            return
        working.close = data.close
        working.volume += data.volume
        if data.low < working.low:
            working.low = data.low
        if data.high > working.high:
            working.high = data.high


class _ValueConsolidator(PeriodCountConsolidatorBase):
    """Trade bars from values."""

    _output_type = TradeBar

    @property
    def working_bar(self) -> Any:
        return self.working_data

    def _value(self, working: Any, value: float, volume: float) -> None:
        working.close = value
        working.volume += volume
        if value < working.low:
            working.low = value
        if value > working.high:
            working.high = value


class BaseDataConsolidator(_FromResolution, _ValueConsolidator):
    """Trade bars from the values of any data."""

    _input_type = BaseData

    def _aggregate(self, data: Any) -> None:
        value = float(data.value)
        if self._working is None:
            start = self._rounded(data.time)
            self._working = TradeBar(start, data.symbol, value, value, value, value)
        else:
            self._value(self._working, value, 0.0)


class TickConsolidator(_ValueConsolidator):
    """Trade bars from trade ticks."""

    _input_type = Tick

    def _wanted(self, data: Any) -> bool:
        return bool(data.tick_type == TickType.TRADE)

    def _aggregate(self, data: Any) -> None:
        value, size = data.value, data.quantity
        if self._working is None:
            start = self._rounded_of(data)
            self._working = TradeBar(
                start, data.symbol, value, value, value, value, size, self._period
            )
        else:
            self._value(self._working, value, size)


class DynamicDataConsolidator(PeriodCountConsolidatorBase):
    """Trade bars from custom data with open, high, low, close and volume, or only a value."""

    _input_type, _output_type = BaseData, TradeBar

    def _aggregate(self, data: Any) -> None:
        value = float(data.value)
        fields = ("open", "high", "low", "close")
        o, h, l, c = (_field(data, name, value) for name in fields)
        volume = float(int(_field(data, "volume", 0.0)))
        working = self._working
        if working is None:
            self._working = TradeBar(self._rounded_of(data), data.symbol, o, h, l, c, volume)
            return
        working.close = c
        working.volume += volume
        working.low, working.high = min(working.low, l), max(working.high, h)


def _field(data: Any, name: str, default: float) -> float:
    found = getattr(data, "__dict__", {})
    for key in (name, name.capitalize()):
        if key in found:
            return float(found[key])
    storage = found.get("_storage")
    if isinstance(storage, dict):
        for key in (name, name.capitalize()):
            if key in storage:
                return float(storage[key])
    return default


def _side(bar: Bar | None, other: Bar) -> Bar:
    if bar is None:
        return Bar(other.open, other.high, other.low, other.close)
    bar._src = None
    bar.close = other.close
    bar.high, bar.low = max(bar.high, other.high), min(bar.low, other.low)
    return bar


class QuoteBarConsolidator(_FromResolution, PeriodCountConsolidatorBase):
    """Quote bars from smaller quote bars; a bar opens at the close of the one before."""

    _input_type = _output_type = QuoteBar

    def _aggregate(self, data: Any) -> None:
        bid, ask = data.bid, data.ask
        working = self._working
        if working is None:
            start = self._rounded_of(data)
            working = self._working = QuoteBar(
                start, data.symbol, None, 0.0, None, 0.0, self._span(data)
            )
            _open_at(working, self.consolidated)
        if bid is not None:
            working.last_bid_size = data.last_bid_size
            working.bid = _side(working.bid, bid)
        if ask is not None:
            working.last_ask_size = data.last_ask_size
            working.ask = _side(working.ask, ask)


def _open_at(working: QuoteBar, before: Any) -> None:
    """Open a bar at the closes of the one before."""
    if before is None:
        return
    if before.bid is not None and before.bid.close:
        price = before.bid.close
        working.bid = Bar(price, price, price, price)
        working.last_bid_size = before.last_bid_size or working.last_bid_size
    if before.ask is not None and before.ask.close:
        price = before.ask.close
        working.ask = Bar(price, price, price, price)
        working.last_ask_size = before.last_ask_size or working.last_ask_size


class TickQuoteBarConsolidator(PeriodCountConsolidatorBase):
    """Quote bars from quote ticks."""

    _input_type, _output_type = Tick, QuoteBar

    def _wanted(self, data: Any) -> bool:
        return bool(data.tick_type == TickType.QUOTE)

    def _aggregate(self, data: Any) -> None:
        working = self._working
        if working is None:
            start = self._rounded_of(data)
            working = self._working = QuoteBar(
                start, data.symbol, None, 0.0, None, 0.0, self._period
            )
            _open_at(working, self.consolidated)
        for side, price, size in (
            ("bid", data.bid_price, data.bid_size),
            ("ask", data.ask_price, data.ask_size),
        ):
            if price:
                bar = getattr(working, side)
                if bar is None:
                    setattr(working, side, Bar(price, price, price, price))
                else:
                    bar.update(price)
            if size:
                setattr(working, f"last_{side}_size", size)
        if self._period is None:
            working.end_time = self._rounded(data.end_time)
