"""How long an insight lives: close times counted in the trading time of an exchange."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from engine.framework.support import END_OF_TIME, END_OF_TIME_SPAN, span_of
from engine.types.enums import Resolution
from engine.types.errors import ArgumentException
from engine.types.timezones import from_utc, to_utc

_SECOND, _MINUTE = timedelta(seconds=1), timedelta(minutes=1)
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
BAD_BARS = "Insight barCount must be greater than zero. (Parameter 'barCount')"
BAD_PERIOD = "Insight period must be greater than or equal to 1 second. (Parameter 'period')"
#: ``(generated, hours) -> (period, close)``, both times naive UTC
LifeRule = Callable[[datetime, Any], "tuple[timedelta, datetime]"]


def end_of_bars(hours: Any, start: datetime, size: timedelta, count: int) -> datetime:
    """Return the local end of ``count`` bars that touch a regular session, counted from ``start``.

    Bars of a day count the days on which the exchange opens.
    """
    current = start
    if size == _DAY:
        while count:
            current += _DAY
            if hours.is_date_open(current):
                count -= 1
        return current
    if hours.is_market_always_open:
        return start + size * count
    while count:
        if hours.is_open(current, False):
            close = hours.get_next_market_close(current, False)
            touching = min(count, max(1, -((current - close) // size)))
            current += touching * size
            count -= touching
        else:
            ahead = hours.get_next_market_open(current, False) - current
            skipped = ahead // size
            current += skipped * size
            if ahead % size:
                # this bar reaches over the open
                current += size
                count -= 1
    return current


def close_after_bars(
    hours: Any, generated: datetime, resolution: Resolution, count: int
) -> datetime:
    """Return the UTC close of a number of bars after a UTC time; an hour is 60 trading minutes."""
    if count < 1:
        raise ArgumentException(BAD_BARS)
    if resolution == Resolution.TICK:
        resolution = Resolution.SECOND
    if resolution == Resolution.HOUR:
        count, resolution = count * 60, Resolution.MINUTE
    zone = hours.time_zone
    return to_utc(end_of_bars(hours, from_utc(generated, zone), span_of(resolution), count), zone)


def _bar_size(period: timedelta) -> Resolution:
    if period < _MINUTE:
        return Resolution.SECOND
    return Resolution.MINUTE if period < _DAY else Resolution.DAILY


@lru_cache(maxsize=64)
def close_after_span(hours: Any, generated: datetime, period: timedelta) -> datetime:
    """Return the UTC close of a time span: open minutes below a day, else trading days.

    What is left over of whole days counts as a share of a regular session. Insights of one moment
    mostly live equally long, so answers are kept.
    """
    if period < _SECOND:
        raise ArgumentException(BAD_PERIOD)
    resolution = _bar_size(period)
    size = span_of(resolution)
    count = period // size
    close = close_after_bars(hours, generated, resolution, count)
    if close == generated:
        return close_after_bars(hours, generated, Resolution.SECOND, 1)
    rest = period - size * count
    if rest and resolution == Resolution.DAILY:
        rest = hours.regular_market_duration * (rest / _DAY)
    minutes = rest // _MINUTE
    if minutes > 0:
        close = close_after_bars(hours, close, Resolution.MINUTE, minutes)
    return close


def for_span(period: timedelta) -> LifeRule:
    """Live for a time span; the period stays as it was given."""
    period = period or _SECOND

    def rule(generated: datetime, hours: Any) -> tuple[timedelta, datetime]:
        return period, close_after_span(hours, generated, period)

    return rule


def for_bars(resolution: Resolution, count: int) -> LifeRule:
    """Live for a number of bars."""

    def rule(generated: datetime, hours: Any) -> tuple[timedelta, datetime]:
        close = close_after_bars(hours, generated, resolution, count)
        return close - generated, close

    return rule


def _open_at(hours: Any, local: datetime) -> datetime:
    return local if hours.is_open(local, False) else hours.get_next_market_open(local, False)


def until(close_local: datetime) -> LifeRule:
    """Live until a local time, or until the open after it."""

    def rule(generated: datetime, hours: Any) -> tuple[timedelta, datetime]:
        close = to_utc(_open_at(hours, close_local), hours.time_zone)
        if generated > close:
            raise ArgumentException(
                "Insight closeTimeLocal must not be in the past. (Parameter 'closeTimeLocal')"
            )
        return close - generated, close

    return rule


def by_function(expiry: Callable[[datetime], datetime]) -> LifeRule:
    """Live until what a function makes of the local time, or until the open after it."""

    def rule(generated: datetime, hours: Any) -> tuple[timedelta, datetime]:
        local = expiry(from_utc(generated, hours.time_zone))
        close = to_utc(_open_at(hours, local), hours.time_zone)
        return close - generated, close

    return rule


def for_ever(_generated: datetime, _hours: Any) -> tuple[timedelta, datetime]:
    """Never close."""
    return END_OF_TIME_SPAN, END_OF_TIME
