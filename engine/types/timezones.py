"""Time zones: fast conversions between naive local and naive UTC times.

Zone transitions are read once into tables of microseconds; a conversion is one bisection.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from engine.types.dotnet import LeanObject

UTC = UTC
EPOCH = datetime(1970, 1, 1)
_MICRO = timedelta(microseconds=1)
_MINUTE = timedelta(minutes=1)
#: how far apart two looks at an offset are; a change between them is sought by the minute
_STRIDE = timedelta(days=28)


class ZoneTable:
    """UTC offsets of one zone: ``starts`` (UTC microseconds) and ``offsets`` (microseconds)."""

    __slots__ = ("_last", "local_starts", "offsets", "starts", "step", "zone")

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        starts, offsets = [-(2**62)], []
        # UTC times that carry the zone, as `fromutc` takes them
        moment, end = datetime(1970, 1, 1, tzinfo=zone), datetime(2046, 1, 1, tzinfo=zone)
        offset = zone.fromutc(moment).utcoffset()
        assert offset is not None
        offsets.append(offset // _MICRO)
        while moment < end:
            following = moment + _STRIDE
            later = zone.fromutc(following).utcoffset()
            if later != offset:
                low, high = 0, _STRIDE // _MINUTE
                while high - low > 1:
                    middle = (low + high) // 2
                    if zone.fromutc(moment + _MINUTE * middle).utcoffset() == offset:
                        low = middle
                    else:
                        high = middle
                starts.append(to_micro((moment + _MINUTE * high).replace(tzinfo=None)))
                assert later is not None
                offsets.append(later // _MICRO)
                offset = later
            moment = following
        self.starts = starts
        self.offsets = offsets
        # a local time that comes twice in autumn is the second one; one that spring leaves out is
        # the moment of the change (see ``to_utc``)
        self.local_starts = [
            s + min(o, p) for s, o, p in zip(starts, offsets, [offsets[0], *offsets], strict=False)
        ]
        self.step = [timedelta(microseconds=o) for o in offsets]
        # the last answer of :meth:`offset_at`, with the times for which it holds
        self._last = (datetime.max, datetime.min, self.step[0])

    def offset_at(self, utc: datetime) -> timedelta:
        """Return the offset in force at a UTC time."""
        start, end, offset = self._last
        if not start <= utc < end:
            starts = self.starts
            row = bisect_right(starts, to_micro(utc)) - 1
            offset = self.step[row]
            start = from_micro(starts[row]) if row else datetime.min
            end = from_micro(starts[row + 1]) if row + 1 < len(starts) else datetime.max
            self._last = start, end, offset
        return offset

    def utc_of_local(self, local: datetime) -> datetime:
        """Return the UTC time of a local time."""
        micro = to_micro(local)
        at = bisect_right(self.local_starts, micro) - 1
        if micro - self.offsets[at] < self.starts[at]:
            return from_micro(self.starts[at])
        return local - self.step[at]


@cache
def table(zone: ZoneInfo) -> ZoneTable:
    """Return the (cached) offset table of a zone."""
    return ZoneTable(zone)


def to_micro(moment: datetime) -> int:
    """Return microseconds since 1970 of a naive time."""
    delta = moment - EPOCH
    return (delta.days * 86400 + delta.seconds) * 1_000_000 + delta.microseconds


def from_micro(micro: int) -> datetime:
    """Return the naive time of microseconds since 1970."""
    return EPOCH + timedelta(microseconds=micro)


def from_utc(utc: datetime, zone: ZoneInfo) -> datetime:
    """Turn a naive UTC time into the naive local time of ``zone``."""
    return utc + table(zone).offset_at(utc)


def to_utc(local: datetime, zone: ZoneInfo) -> datetime:
    """Turn a naive local time of ``zone`` into a naive UTC time."""
    return table(zone).utc_of_local(local)


def from_utc_array(utc: npt.NDArray[np.int64], zone: ZoneInfo) -> npt.NDArray[np.int64]:
    """Vectorised :func:`from_utc` on microseconds."""
    t = table(zone)
    where = np.searchsorted(np.asarray(t.starts), utc, side="right") - 1
    return utc + np.asarray(t.offsets)[where]


def to_utc_array(local: npt.NDArray[np.int64], zone: ZoneInfo) -> npt.NDArray[np.int64]:
    """Vectorised :func:`to_utc` on microseconds."""
    t = table(zone)
    where = np.searchsorted(np.asarray(t.local_starts), local, side="right") - 1
    utc: npt.NDArray[np.int64] = local - np.asarray(t.offsets)[where]
    return np.maximum(utc, np.asarray(t.starts)[where])


def convert(local: datetime, source: ZoneInfo, target: ZoneInfo) -> datetime:
    """Carry a naive local time from one zone into another."""
    if source is target or source.key == target.key:
        return local
    return from_utc(to_utc(local, source), target)


# the time that was marked last and as what: all that happens at a moment tells the same object
_MARKED = (EPOCH, EPOCH.replace(tzinfo=UTC))


def aware(utc: datetime) -> datetime:
    """Mark a naive UTC time as UTC, the form in which LEAN shows instants."""
    global _MARKED
    known, marked = _MARKED
    if known is utc:
        return marked
    if type(utc) is not datetime:
        return utc.replace(tzinfo=UTC)  # a time of pandas stays one
    # the same at a quarter of the price: `replace` looks for each of its nine names
    marked = datetime.combine(utc, utc.time(), UTC)
    _MARKED = utc, marked
    return marked


def naive(moment: datetime) -> datetime:
    """Return the naive UTC time of an aware time; a naive one is taken as UTC."""
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


class OffsetZone(ZoneInfo):
    """A zone at a fixed distance from UTC under the name that .NET gives it (``UTC-05``)."""

    def __str__(self) -> str:
        # the tz database counts the other way round: Etc/GMT+5 is five hours behind
        sign, hours = self.key[7], int(self.key[8:])
        return f"UTC{'-' if sign == '+' else '+'}{hours:02d}"


class TimeZones(LeanObject):
    """LEAN's names for time zones."""

    UTC = ZoneInfo("UTC")
    NEW_YORK = ZoneInfo("America/New_York")
    EASTERN_STANDARD = OffsetZone("Etc/GMT+5")
    LONDON = ZoneInfo("Europe/London")
    HONG_KONG = ZoneInfo("Asia/Hong_Kong")
    TOKYO = ZoneInfo("Asia/Tokyo")
    ROME = ZoneInfo("Europe/Rome")
    SYDNEY = ZoneInfo("Australia/Sydney")
    VANCOUVER = ZoneInfo("America/Vancouver")
    TORONTO = ZoneInfo("America/Toronto")
    CHICAGO = ZoneInfo("America/Chicago")
    LOS_ANGELES = ZoneInfo("America/Los_Angeles")
    PHOENIX = ZoneInfo("America/Phoenix")
    AUCKLAND = ZoneInfo("Pacific/Auckland")
    MOSCOW = ZoneInfo("Europe/Moscow")
    MADRID = ZoneInfo("Europe/Madrid")
    BUENOS_AIRES = ZoneInfo("America/Argentina/Buenos_Aires")
    BRISBANE = ZoneInfo("Australia/Brisbane")
    SAO_PAULO = ZoneInfo("America/Sao_Paulo")
    CAIRO = ZoneInfo("Africa/Cairo")
    JOHANNESBURG = ZoneInfo("Africa/Johannesburg")
    ANCHORAGE = ZoneInfo("America/Anchorage")
    DENVER = ZoneInfo("America/Denver")
    DETROIT = ZoneInfo("America/Detroit")
    MEXICO_CITY = ZoneInfo("America/Mexico_City")
    JERUSALEM = ZoneInfo("Asia/Jerusalem")
    SHANGHAI = ZoneInfo("Asia/Shanghai")
    MELBOURNE = ZoneInfo("Australia/Melbourne")
    AMSTERDAM = ZoneInfo("Europe/Amsterdam")
    ATHENS = ZoneInfo("Europe/Athens")
    BERLIN = ZoneInfo("Europe/Berlin")
    BUCHAREST = ZoneInfo("Europe/Bucharest")
    DUBLIN = ZoneInfo("Europe/Dublin")
    HELSINKI = ZoneInfo("Europe/Helsinki")
    ISTANBUL = ZoneInfo("Europe/Istanbul")
    MINSK = ZoneInfo("Europe/Minsk")
    PARIS = ZoneInfo("Europe/Paris")
    ZURICH = ZoneInfo("Europe/Zurich")
    HONOLULU = ZoneInfo("Pacific/Honolulu")
    KOLKATA = ZoneInfo("Asia/Kolkata")
