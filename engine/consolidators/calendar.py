"""Calendar periods: the bar that a time belongs to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from engine.types.dotnet import LeanObject


class CalendarInfo(LeanObject):
    """Start and period of a bar."""

    __slots__ = ("period", "start")

    def __init__(self, start: datetime, period: timedelta) -> None:
        if not isinstance(start, datetime):
            start = datetime(start.year, start.month, start.day)
        self.start, self.period = start, period

    @property
    def end(self) -> datetime:
        return self.start + self.period

    def __str__(self) -> str:
        return f"{self.start} {self.period}"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CalendarInfo):
            return False
        return self.start == other.start and self.period == other.period

    def __hash__(self) -> int:
        return hash((self.start, self.period))


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _weekly(moment: datetime) -> CalendarInfo:
    return CalendarInfo(_midnight(moment) - timedelta(days=moment.weekday()), timedelta(days=7))


def _monthly(moment: datetime) -> CalendarInfo:
    start = _midnight(moment).replace(day=1)
    end = (start + timedelta(days=32)).replace(day=1)
    return CalendarInfo(start, end - start)


def _quarterly(moment: datetime) -> CalendarInfo:
    start = datetime(moment.year, (moment.month - 1) // 3 * 3 + 1, 1)
    end = (start + timedelta(days=100)).replace(day=1)
    return CalendarInfo(start, end - start)


def _yearly(moment: datetime) -> CalendarInfo:
    start = datetime(moment.year, 1, 1)
    return CalendarInfo(start, datetime(moment.year + 1, 1, 1) - start)


class Calendar(LeanObject):
    """The calendar periods for ``consolidate`` and the consolidators."""

    WEEKLY: Callable[[datetime], CalendarInfo] = staticmethod(_weekly)
    MONTHLY: Callable[[datetime], CalendarInfo] = staticmethod(_monthly)
    QUARTERLY: Callable[[datetime], CalendarInfo] = staticmethod(_quarterly)
    YEARLY: Callable[[datetime], CalendarInfo] = staticmethod(_yearly)
    Weekly, Monthly, Quarterly, Yearly = WEEKLY, MONTHLY, QUARTERLY, YEARLY


class CalendarType(LeanObject):
    """The old name of :class:`Calendar`."""

    WEEKLY: Callable[[datetime], CalendarInfo] = staticmethod(_weekly)
    MONTHLY: Callable[[datetime], CalendarInfo] = staticmethod(_monthly)
    Weekly, Monthly = WEEKLY, MONTHLY
