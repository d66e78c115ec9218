"""A consolidator that follows the hours of the exchange."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from engine.consolidators.base import ConsolidatorBase, listen, unlisten
from engine.consolidators.calendar import CalendarInfo
from engine.consolidators.period import (
    DAY,
    HOUR,
    QuoteBarConsolidator,
    TickConsolidator,
    TickQuoteBarConsolidator,
    TradeBarConsolidator,
    round_down,
)
from engine.types.bars import QuoteBar, Tick, TradeBar
from engine.types.enums import Resolution, SecurityType, TickType
from engine.types.errors import ArgumentException
from engine.types.subscription import INCREMENTS

_STEP = timedelta(microseconds=1)


def exchange_hours(symbol: Any) -> Any:
    """Return the exchange hours of a symbol from the data folder of the run."""
    from engine.run import current_engine

    return current_engine().hours.get_exchange_hours(symbol.id.market, symbol, symbol.security_type)


def daily_calendar(moment: datetime, hours: Any, extended: bool) -> CalendarInfo:
    """Return the session that a time belongs to."""
    start = hours.get_first_daily_market_open(moment, extended)
    return CalendarInfo(start, hours.get_last_daily_market_close(start, extended) - start)


def intraday_calendar(
    moment: datetime, period: timedelta, hours: Any, extended: bool
) -> CalendarInfo:
    """Return the part of the session, counted from its open and cut at its close."""
    asked = moment + _STEP if hours.is_open(moment, extended) else moment
    market_open = hours.get_previous_market_open(asked, extended)
    start = market_open + (moment - market_open) // period * period
    end = min(start + period, hours.get_next_market_close(market_open, extended))
    return CalendarInfo(start, end - start)


def use_strict_end_time(enabled: bool, symbol: Any, increment: timedelta, hours: Any) -> bool:
    """Whether daily bars of a symbol begin and end with the session."""
    if hours.is_market_always_open or increment <= HOUR:
        return False
    kind = symbol.security_type
    if kind == SecurityType.CFD and symbol.id.market == "oanda":
        return False
    return enabled and kind not in (SecurityType.FOREX, SecurityType.BASE)


class MarketHourAwareConsolidator(ConsolidatorBase):
    """Daily (or longer or shorter) bars of the regular session.

    Parameters
    ----------
    daily_strict_end_time_enabled : bool
        Whether daily bars end with the session (else at midnight).
    period : Resolution or timedelta
    data_type : type
        ``TradeBar``, ``QuoteBar`` or ``Tick``.
    tick_type : TickType
    extended_market_hours : bool
        Whether the extended session counts.
    """

    def __init__(
        self,
        daily_strict_end_time_enabled: bool,
        period: Any,
        data_type: type,
        tick_type: TickType,
        extended_market_hours: bool,
    ) -> None:
        super().__init__()
        self._strict_enabled, self._extended = daily_strict_end_time_enabled, extended_market_hours
        resolution = _resolution(period)
        self._period = period if isinstance(period, timedelta) else INCREMENTS[resolution]
        rule: Any = self._period
        if resolution == Resolution.DAILY and self._period == DAY:
            rule = self._daily
        elif INCREMENTS[resolution] != self._period:
            rule = self._intraday if self._period < DAY else self._daily
        self._hours: Any = None
        self._strict = False
        self._inner = _make(rule, data_type, tick_type)
        listen(self._inner, self._forward)

    @property
    def input_type(self) -> type:
        return self._inner.input_type

    @property
    def output_type(self) -> type:
        return self._inner.output_type

    @property
    def working_data(self) -> Any:
        return self._inner.working_data

    def _idle(self) -> bool:
        return bool(self._inner._idle())

    def _working_end(self) -> datetime | None:
        return self._inner._working_end()

    def update(self, data: Any) -> None:
        hours = self._hours
        if hours is None:
            hours = self._hours = exchange_hours(data.symbol)
            self._strict = use_strict_end_time(
                self._strict_enabled, data.symbol, self._period, hours
            )
        time = data.time
        if self._extended or hours.is_open(time, False) or self._whole_session(data, time):
            self._inner.update(data)

    def _whole_session(self, data: Any, time: datetime) -> bool:
        """A daily or hourly bar that begins before the open still belongs to the session."""
        if self._period != DAY or data.end_time - time < HOUR:
            return False
        return bool(self._hours.is_open(time, data.end_time, False))

    def scan(self, current_local_time: datetime) -> None:
        self._inner.scan(current_local_time)

    def _daily(self, moment: datetime) -> CalendarInfo:
        if not self._strict or self._period > DAY:
            start = moment if self._period > DAY else round_down(moment, self._period)
            return CalendarInfo(start, self._period)
        return daily_calendar(moment, self._hours, self._extended)

    def _intraday(self, moment: datetime) -> CalendarInfo:
        if self._hours is None or self._hours.is_market_always_open:
            return CalendarInfo(round_down(moment, self._period), self._period)
        return intraday_calendar(moment, self._period, self._hours, self._extended)

    def _forward(self, _sender: Any, bar: Any) -> None:
        self._emit(bar)

    def dispose(self) -> None:
        unlisten(self._inner, self._forward)
        self._inner.dispose()
        super().dispose()

    def reset(self) -> None:
        self._strict, self._hours = False, None
        self._inner.reset()
        super().reset()


def _resolution(period: Any) -> Resolution:
    """Return the largest resolution that is not longer than a period."""
    if not isinstance(period, timedelta):
        return Resolution(period)
    for resolution in (Resolution.DAILY, Resolution.HOUR, Resolution.MINUTE, Resolution.SECOND):
        if INCREMENTS[resolution] <= period:
            return resolution
    return Resolution.TICK


def _make(rule: Any, data_type: type, tick_type: TickType) -> Any:
    if issubclass(data_type, Tick):
        if tick_type == TickType.TRADE:
            return TickConsolidator(rule)
        return TickQuoteBarConsolidator(rule)
    if issubclass(data_type, TradeBar):
        return TradeBarConsolidator(rule)
    if issubclass(data_type, QuoteBar):
        return QuoteBarConsolidator(rule)
    raise ArgumentException(f"{data_type.__name__} not supported")
