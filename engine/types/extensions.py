"""``Extensions`` and ``Time``: the helpers of LEAN's that algorithms call by name."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from engine.types.dotnet import LeanObject
from engine.types.enums import OrderStatus, Resolution
from engine.types.subscription import INCREMENTS
from engine.types.timezones import convert, from_utc, naive, to_utc

_CLOSED = (OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.INVALID)


class Extensions(LeanObject):
    """Static helpers."""

    @staticmethod
    def convert_from_utc(time: datetime, to: ZoneInfo, strict: bool = False) -> datetime:
        """Return the local time of a UTC time."""
        return from_utc(naive(time), to)

    @staticmethod
    def convert_to_utc(time: datetime, from_: ZoneInfo, strict: bool = False) -> datetime:
        """Return the UTC time of a local time."""
        return to_utc(time.replace(tzinfo=None), from_)

    @staticmethod
    def convert_to(time: datetime, from_: ZoneInfo, to: ZoneInfo, strict: bool = False) -> datetime:
        """Return the time of another zone."""
        return convert(time.replace(tzinfo=None), from_, to)

    @staticmethod
    def to_time_span(resolution: Resolution) -> timedelta:
        return INCREMENTS[Resolution(resolution)]

    @staticmethod
    def round_down(value: Any, interval: timedelta) -> Any:
        """Return a time (or span) cut to a multiple of an interval."""
        if not interval:
            return value
        if isinstance(value, datetime):
            return value - (value - datetime.min) % interval
        return value - value % interval

    @staticmethod
    def round_up(value: datetime, interval: timedelta) -> datetime:
        down: datetime = Extensions.round_down(value, interval)
        return down if down == value else down + interval

    @staticmethod
    def is_closed(status: OrderStatus) -> bool:
        return status in _CLOSED

    @staticmethod
    def is_open(status: OrderStatus) -> bool:
        return status not in _CLOSED


class Time(LeanObject):
    """Spans by name."""

    END_OF_TIME = datetime(2050, 12, 31)
    BEGINNING_OF_TIME = datetime(1900, 1, 1)
    MAX_TIME_SPAN = timedelta.max
    ONE_YEAR = timedelta(days=365)
    ONE_DAY = timedelta(days=1)
    ONE_HOUR = timedelta(hours=1)
    ONE_MINUTE = timedelta(minutes=1)
    ONE_SECOND = timedelta(seconds=1)
    ONE_MILLISECOND = timedelta(milliseconds=1)
