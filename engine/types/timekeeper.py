"""The one clock of a run: UTC, and the local time of any zone."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from engine.types.timezones import from_micro, table, to_micro


class ZoneClock:
    """What is added to UTC in a zone, from ``valid_from`` until :meth:`refresh` at ``valid_to``.

    ``told`` is the moment that was asked for last, with its local time.
    """

    __slots__ = ("offset", "told", "valid_from", "valid_to", "zone")

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self.offset = timedelta(0)
        self.valid_from = self.valid_to = datetime.min
        self.told: tuple[datetime | None, datetime] = (None, datetime.min)

    def refresh(self, utc: datetime) -> None:
        zone_table = table(self.zone)
        row = bisect_right(zone_table.starts, to_micro(utc)) - 1
        self.offset = zone_table.step[row]
        starts = zone_table.starts
        self.valid_from = from_micro(starts[row]) if row else datetime.min
        self.valid_to = from_micro(starts[row + 1]) if row + 1 < len(starts) else datetime.max


class TimeKeeper:
    """UTC time of the run and its local times, one addition each."""

    __slots__ = ("_zones", "utc")

    def __init__(self, utc: datetime) -> None:
        self.utc = utc
        self._zones: dict[str, ZoneClock] = {}

    def of(self, zone: ZoneInfo) -> ZoneClock:
        """Return the clock of a zone."""
        clock = self._zones.get(zone.key)
        if clock is None:
            clock = self._zones[zone.key] = ZoneClock(zone)
        return clock

    def local(self, zone: ZoneInfo) -> datetime:
        """Return the naive local time of a zone now."""
        clock = self._zones.get(zone.key) or self.of(zone)
        utc = self.utc
        asked, local = clock.told
        if utc is not asked:
            if not clock.valid_from <= utc < clock.valid_to:
                clock.refresh(utc)
            local = utc + clock.offset
            clock.told = utc, local
        return local
