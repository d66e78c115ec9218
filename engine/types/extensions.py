"""``Extensions`` and ``Time``: the helpers of LEAN's that algorithms call by name."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from engine.types.decimals import round_to_significant, to_decimal
from engine.types.dotnet import LeanObject
from engine.types.enums import Resolution, SecurityType, TickType
from engine.types.subscription import INCREMENTS
from engine.types.timezones import convert, from_utc, naive, to_utc


def _bare(time: datetime) -> datetime:
    """Return a time without its zone; ``replace`` is dear, and most times have none."""
    if type(time) is datetime and time.tzinfo is None:
        return time
    return time.replace(tzinfo=None)


class Extensions(LeanObject):
    """Static helpers."""

    @staticmethod
    def convert_from_utc(time: datetime, to: ZoneInfo, strict: bool = False) -> datetime:
        """Return the local time of a UTC time."""
        return from_utc(naive(time), to)

    @staticmethod
    def convert_to_utc(time: datetime, _from: ZoneInfo, strict: bool = False) -> datetime:
        """Return the UTC time of a local time."""
        return to_utc(_bare(time), _from)

    @staticmethod
    def convert_to(time: datetime, _from: ZoneInfo, to: ZoneInfo, strict: bool = False) -> datetime:
        """Return the time of another zone."""
        return convert(_bare(time), _from, to)

    @staticmethod
    def to_time_span(resolution: Resolution) -> timedelta:
        return INCREMENTS[Resolution(resolution)]

    @staticmethod
    def resolution_to_lower(resolution: Resolution) -> str:
        return Resolution(resolution).name.lower()

    @staticmethod
    def tick_type_to_lower(tick_type: TickType) -> str:
        return TickType(tick_type).name.lower().replace("_", "")

    @staticmethod
    def security_type_to_lower(security_type: SecurityType) -> str:
        return SecurityType(security_type).name.lower().replace("_", "")

    @staticmethod
    def round_to_significant_digits(d: float, digits: int) -> float:
        """Return a number rounded to its first digits, half to even."""
        return float(round_to_significant(to_decimal(d), digits))

    @staticmethod
    def round_down(date_time: Any, interval: timedelta) -> Any:
        """Return a time (or span) cut to a multiple of an interval."""
        if not interval:
            return date_time
        if isinstance(date_time, datetime):
            return date_time - (date_time - datetime.min) % interval
        return date_time - date_time % interval

    @staticmethod
    def round_up(time: datetime, interval: timedelta) -> datetime:
        down: datetime = Extensions.round_down(time, interval)
        return down if down == time else down + interval


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
