"""Time as the host tells it; nothing in ``protection`` reads the wall clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from typing import Protocol, runtime_checkable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from protection.contracts.errors import FixInput, FixSettings

_FRIDAY = 4
_DAY = timedelta(days=1)


@runtime_checkable
class Clock(Protocol):
    """Source of the present time, aware UTC."""

    def now(self) -> datetime:
        """Present time, timezone-aware UTC."""
        ...


def as_utc(time: datetime) -> datetime:
    """Aware UTC of a time; a naive one is refused, because guessing its zone moves limits.

    Raises
    ------
    FixInput
        When ``time`` has no time zone.
    """
    if time.tzinfo is None:
        raise FixInput(f"expected a time with a time zone, was {time!r}; attach timezone.utc")
    return time.astimezone(UTC)


class ManualClock:
    """A clock that stands still until it is moved, in either direction; for tests and replays."""

    __slots__ = ("_now",)

    def __init__(self, start: datetime) -> None:
        self._now = as_utc(start)

    def now(self) -> datetime:
        """Time it was last set to."""
        return self._now

    def set(self, time: datetime) -> None:
        """Jump to ``time``."""
        self._now = as_utc(time)

    def advance(self, step: timedelta) -> None:
        """Move by ``step``, which may be negative."""
        self._now += step


class HostClock:
    """A clock fed by the host: every time it is told of moves it, forwards only.

    Late messages therefore cannot turn time back; a host whose own clock went back is seen by the
    system, which compares each portfolio's time with the last one.
    """

    __slots__ = ("_now",)

    def __init__(self, start: datetime = datetime(1970, 1, 1, tzinfo=UTC)) -> None:
        self._now = as_utc(start)

    def now(self) -> datetime:
        """Latest time the host told."""
        return self._now

    def feed(self, time: datetime) -> datetime:
        """Tell the host's time (aware); returns the present time."""
        if time is not self._now:  # told the present moment again, nothing moves
            utc = as_utc(time)
            if utc > self._now:
                self._now = utc
        return self._now


class SessionCalendar:
    """Trading day of a moment: the local date in one time zone.

    The bounds of the present day are remembered, so that the usual question costs two comparisons.

    Parameters
    ----------
    zone : IANA name, for example ``America/New_York``; ``UTC`` for markets that never close
    weekends : whether Saturday and Sunday are sessions of their own; else they belong to Friday

    Raises
    ------
    FixSettings
        When the zone is unknown.
    """

    __slots__ = ("_date", "_day", "_end", "_midnight", "_start", "_weekends", "_zone")

    def __init__(self, zone: str, weekends: bool = True) -> None:
        self._weekends = weekends
        try:
            self._zone = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise FixSettings(
                f"expected session.timezone an IANA name like America/New_York, was {zone!r}"
            ) from error
        far = datetime.max.replace(tzinfo=UTC)
        self._midnight = clock_time(tzinfo=self._zone)
        # local date in the zone, its bounds, and the session it belongs to
        self._date, self._day = date.max, date.min
        self._start, self._end = far, far

    def session(self, time: datetime) -> date:
        """Trading day of an aware time."""
        if self._start <= time < self._end:
            return self._day
        day = time.astimezone(self._zone).date()
        if day - self._date == _DAY:  # it begins where the one before ended
            self._start = self._end
        else:
            self._start = datetime.combine(day, self._midnight).astimezone(UTC)
        self._end = datetime.combine(day + _DAY, self._midnight).astimezone(UTC)
        self._date = day
        if not self._weekends and day.weekday() > _FRIDAY:
            day -= timedelta(days=day.weekday() - _FRIDAY)
        self._day = day
        return day
