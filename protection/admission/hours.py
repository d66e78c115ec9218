"""When a market is open: silence counts only then."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from protection.contracts.errors import FixSettings


class TradingHours(Protocol):
    """Open time between two moments."""

    def open_seconds(self, start: datetime, end: datetime) -> float:
        """Seconds of open market between two aware times; 0 when ``end`` is not later."""
        ...


class AlwaysOpen:
    """A market without pauses."""

    def open_seconds(self, start: datetime, end: datetime) -> float:
        """Elapsed seconds."""
        return max(0.0, (end - start).total_seconds())


class WeeklyHours:
    """One session a day on some weekdays, closed on holidays, in the market's own time zone.

    Parameters
    ----------
    zone : IANA name
    opens, closes : local times; a session does not cross midnight
    weekdays : 0 for Monday to 6 for Sunday
    holidays : dates without a session
    early : other closing times by date

    Raises
    ------
    FixSettings
        For an unknown zone or a session that ends before it begins.
    """

    def __init__(
        self,
        zone: str = "America/New_York",
        opens: time = time(9, 30),
        closes: time = time(16, 0),
        weekdays: Iterable[int] = (0, 1, 2, 3, 4),
        holidays: Iterable[date] = (),
        early: dict[date, time] | None = None,
    ) -> None:
        try:
            self._zone = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise FixSettings(
                f"expected an IANA name like America/New_York, was {zone!r}"
            ) from error
        if opens >= closes:
            raise FixSettings(f"expected a session that closes after {opens}, was {closes}")
        self._opens, self._closes = opens, closes
        self._weekdays = frozenset(weekdays)
        self._holidays = frozenset(holidays)
        self._early = dict(early or {})
        self._cached: dict[date, tuple[datetime, datetime] | None] = {}

    def session(self, day: date) -> tuple[datetime, datetime] | None:
        """UTC open and close of a local date; None when it has no session."""
        if day not in self._cached:
            if len(self._cached) > 4000:
                self._cached.clear()
            self._cached[day] = self._session(day)
        return self._cached[day]

    def _session(self, day: date) -> tuple[datetime, datetime] | None:
        if day.weekday() not in self._weekdays or day in self._holidays:
            return None
        closes = self._early.get(day, self._closes)
        return (
            datetime.combine(day, self._opens, self._zone).astimezone(UTC),
            datetime.combine(day, closes, self._zone).astimezone(UTC),
        )

    def open_seconds(self, start: datetime, end: datetime) -> float:
        """Seconds of sessions between two aware times; spans above ten years count as ten."""
        if end <= start:
            return 0.0
        day = start.astimezone(self._zone).date()
        last = end.astimezone(self._zone).date()
        if (last - day).days > 3653:
            day = last - timedelta(days=3653)
        total = 0.0
        while day <= last:
            session = self.session(day)
            if session is not None:
                opens, closes = max(session[0], start), min(session[1], end)
                if closes > opens:
                    total += (closes - opens).total_seconds()
            day += timedelta(days=1)
        return total
