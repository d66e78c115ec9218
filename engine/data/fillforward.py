"""Fill-forward: repeating the last bar where the market was open and no new bar came.

The rules are those of LEAN's ``FillForwardEnumerator``; runs of bars inside one session are made in
one go. Times are
local microseconds of the exchange since 1970.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from engine.data.sessions import SecurityExchangeHours
from engine.types.enums import MarketHoursState
from engine.types.timezones import from_micro, table, to_micro, to_utc_array

Ints = npt.NDArray[np.int64]
HOUR = 3_600_000_000
DAY = 86_400_000_000
_FAR = 2**62
_LONG_BREAK = 12
_MICRO = timedelta(microseconds=1)


class ZoneMath:
    """Integer conversions between local and UTC microseconds of one zone."""

    __slots__ = ("_local", "_offsets", "_utc", "fixed")

    def __init__(self, zone: ZoneInfo) -> None:
        held = table(zone)
        self._local, self._utc, self._offsets = held.local_starts, held.starts, held.offsets
        self.fixed = len(held.offsets) == 1

    def to_utc(self, local: int) -> int:
        at = bisect_right(self._local, local) - 1
        return max(local - self._offsets[at], self._utc[at])

    def from_utc(self, utc: int) -> int:
        return utc + self._offsets[bisect_right(self._utc, utc) - 1]

    def next_change(self, local: int) -> int:
        """Return the local time of the next clock change after ``local``."""
        at = bisect_right(self._local, local)
        return self._local[at] if at < len(self._local) else _FAR


class Rounding:
    """Rounding down in the time zone of the data, from exchange times."""

    __slots__ = ("_data", "_exchange", "_same", "hours")

    def __init__(self, hours: SecurityExchangeHours, data_zone: ZoneInfo) -> None:
        self.hours = hours
        self._exchange, self._data = ZoneMath(hours.time_zone), ZoneMath(data_zone)
        self._same = hours.time_zone.key == data_zone.key

    def down(self, local: int, interval: int) -> int:
        """Round an exchange time down to a multiple of ``interval`` of the data's clock."""
        if interval <= 0:
            return local
        if self._same:
            return local - local % interval
        there = self._data.from_utc(self._exchange.to_utc(local))
        return self._exchange.from_utc(self._data.to_utc(there - there % interval))

    def open_down(self, local: int, interval: int, extended: bool) -> int:
        """Round down, then go back in steps of ``interval`` to where the market is open."""
        there = self._data.from_utc(self._exchange.to_utc(local)) if not self._same else local
        while True:
            rounded = there - there % interval
            here = rounded if self._same else self._exchange.from_utc(self._data.to_utc(rounded))
            if self.hours.is_open(from_micro(here), from_micro(here + interval), extended):
                return here
            there -= interval


@dataclass(slots=True)
class Point:
    """What the rules need to know of a point: start, end, whether it was filled in, whether it is
    an event.
    """

    time: int
    end: int
    filled: bool = False
    event: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """``count`` filled bars: the first from ``time`` to ``end``, each one ``step`` later."""

    time: int
    end: int
    step: int
    count: int


class FillForward:
    """The rules for one subscription.

    Parameters
    ----------
    hours, data_zone
        The exchange's calendar and the time zone of the files.
    resolution, fill_resolution
        Length of the data's bars, and of the steps in which they are repeated, microseconds.
    extended
        Whether bars are filled in pre- and post-market sessions.
    strict
        Daily bars that run from open to close.
    end
        Local end of the subscription.
    """

    def __init__(
        self,
        hours: SecurityExchangeHours,
        data_zone: ZoneInfo,
        resolution: int,
        fill_resolution: int,
        extended: bool,
        strict: bool,
        end: int,
    ) -> None:
        self.hours = hours
        self.rounding = Rounding(hours, data_zone)
        self.zone = ZoneMath(hours.time_zone)
        self.resolution = resolution
        self.fill = fill_resolution
        self.small = min(resolution, fill_resolution)
        self.large = max(resolution, fill_resolution)
        self.extended = extended
        self.strict = strict
        self.end = end
        self.ended = False

    def _open(self, start: int, end: int) -> bool:
        return self.hours.is_open(from_micro(start), from_micro(end), self.extended)

    def _next_open(self, local: int, extended: bool) -> int:
        return to_micro(self.hours.get_next_market_open(from_micro(local), extended))

    def calendar(self, local: int) -> tuple[int, int]:
        """Return start and end of the daily bar that a moment belongs to."""
        start, end = self.hours._daily_calendar(from_micro(local))
        return to_micro(start), to_micro(end)

    def _due(self, previous: int, following: int) -> bool:
        gap = following - previous
        return gap > self.fill or gap > self.resolution

    def _candidates(self, previous_end: int) -> Iterator[tuple[int, int]]:
        """Yield ``(start, length)`` of the bars that may come next, in LEAN's order."""
        small, large = self.small, self.large
        if self.fill == self.resolution:
            if not self.strict:
                if self._open(previous_end, previous_end + small):
                    yield previous_end, small
                yield self._next_open(previous_end, self.extended), small
            else:
                start, end = self.calendar(self._next_open(previous_end, False))
                yield start, end - start
            return
        found: list[tuple[int, int]] = []
        if self._open(previous_end, previous_end + small):
            if self.strict:
                found.append((previous_end, small))
            else:
                yield previous_end, small
        if self.strict:
            start, end = self.calendar(previous_end)
            if previous_end < end:
                found.append((start, end - start))
        else:
            start = self.rounding.down(previous_end, large)
            if self._open(start, start + large):
                found.append((start, large))
        found.append((self._next_open(previous_end, self.extended), small))
        if self.strict:
            start, end = self.calendar(self._next_open(previous_end, False))
            found.append((start, end - start))
        found.sort(key=lambda item: item[0] + item[1])
        yield from found

    def _one(self, previous: Point, following: Point) -> tuple[Point, int] | None:
        """Return the next filled bar between two points and the step it was made with, if one is
        due.
        """
        zone = self.zone
        previous_utc, next_utc = zone.to_utc(previous.time), zone.to_utc(following.time)
        next_end_utc = zone.to_utc(following.end)
        if next_end_utc < previous_utc or not self._due(previous_utc, next_utc):
            return None
        period = next_end_utc - next_utc
        if previous.filled and (not self.strict or period <= HOUR):
            rounded = zone.to_utc(self.rounding.down(following.time, period))
            if not self._due(previous_utc, rounded):
                return None
        length = self.resolution
        if self.strict:
            length = following.end - following.time
        elif following.time == following.end:
            length = 0
        limit = next_utc + length
        for start, span in self._candidates(previous.end):
            begin = start if self.strict and span > HOUR else self.rounding.down(start, span)
            end_utc = zone.to_utc(begin) + span
            if not (end_utc < limit or (following.event and end_utc == limit)):
                break
            end = zone.from_utc(end_utc)
            if self._open(end - span, end):
                return Point(self._time_of(start, end, end_utc), end, True), span
        return None

    def _time_of(self, start: int, end: int, end_utc: int) -> int:
        if not self.strict:
            return self.zone.from_utc(end_utc - self.resolution)
        usual = self.hours.regular_market_duration
        moment = max(end - usual.days * DAY - usual.seconds * 1_000_000, start)
        session = self.hours.get_market_hours(from_micro(moment)).market_duration
        return self.zone.from_utc(end_utc - session.seconds * 1_000_000 - session.days * DAY)

    def between(self, previous: Point, following: Point) -> Iterator[Run]:
        """Yield the bars to fill in after ``previous`` and before ``following``; ``previous`` moves
        along.
        """
        while True:
            made = self._one(previous, following)
            if made is None:
                return
            if previous.end >= self.end:
                # the subscription is over, a real bar that would come later included
                self.ended = True
                return
            bar, span = made
            count = 1
            if span == self.small and self.small <= HOUR:
                count += self._more(bar, following)
            yield Run(bar.time, bar.end, self.small, count)
            shift = (count - 1) * self.small
            previous.time, previous.end, previous.filled = bar.time + shift, bar.end + shift, True

    def days(self, previous: Point, following: Point) -> tuple[Ints, Ints] | None:
        """Do what :meth:`between` does, at once, where every trading day gets its bar.

        Years are filled so behind the last row of a file.

        Returns
        -------
        tuple of int64 arrays, or None
            Start and end of each bar; None where the bars have to be made one after another.
        """
        period = following.end - following.time
        if not self.strict or self.fill != self.resolution or 0 < period <= HOUR:
            return None
        zone = self.zone
        next_utc = zone.to_utc(following.time)
        if not self._due(zone.to_utc(previous.time), next_utc):
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        first, last = previous.end // DAY, following.end // DAY + 1
        starts, ends = self.hours._sessions(first, last, False)
        low = int(np.searchsorted(starts, previous.end, side="right"))
        starts, ends = starts[low:], ends[low:]
        high = int(np.searchsorted(starts, following.end, side="right"))
        starts, ends = starts[:high], ends[:high]
        key = self.hours.time_zone
        starts_utc, ends_utc = to_utc_array(starts, key), to_utc_array(ends, key)
        days, spans = starts // DAY, ends - starts
        if (
            (days[1:] == days[:-1]).any()  # breaks at noon
            or (starts[1:] <= ends[:-1]).any()
            or (days != (ends - 1) // DAY).any()
            or (spans <= HOUR).any()
            or (spans != ends_utc - starts_utc).any()
            # closed for about as long as is looked ahead: the other way says so
            or (np.diff(days, prepend=first) > _LONG_BREAK).any()
        ):
            return None
        limit = next_utc + period + (1 if following.event else 0)
        gaps = next_utc - np.concatenate(([zone.to_utc(previous.time)], starts_utc[:-1]))
        before = np.concatenate(([previous.end], ends[:-1]))
        # all of them hold up to some bar
        due = int(((gaps[: len(ends)] > self.fill) & (ends_utc < limit)).sum())
        count = min(due, int((before[: len(ends)] < self.end).sum()))
        self.ended = self.ended or count < due
        if count:
            previous.time, previous.end = int(starts[count - 1]), int(ends[count - 1])
            previous.filled = True
        return starts[:count], ends[:count]

    def _more(self, bar: Point, following: Point) -> int:
        """Return how many more bars follow the same way: in the session, before the next point."""
        small = self.small
        limit = min(self._session_end(bar.end), self.zone.next_change(bar.end - DAY), self.end)
        if bar.end % small or limit <= bar.end:
            return 0
        if following.event:
            room = (following.time - bar.end) // small
        else:
            reach = following.end
            if not self.strict:
                period = following.end - following.time
                reach = self.rounding.down(following.time, period) + self.resolution
            room = (reach - bar.end - 1) // small
        # a daily bar's own end must be met exactly, others may reach over the close
        ahead = limit - bar.end
        count = min(room, ahead // small if self.strict else -(-ahead // small))
        return max(0, count)

    def _session_end(self, local: int) -> int:
        """Return the end of the session that a moment lies in (sessions that touch count as one
        day's).
        """
        day = local - local % DAY
        hours = self.hours.get_market_hours(from_micro(day))
        for segment in hours.segments:
            if not self.extended and segment.state != MarketHoursState.MARKET:
                continue
            start = day + segment.start // _MICRO
            end = day + segment.end // _MICRO
            if start <= local < end:
                return end
        return local

    def last_point(self) -> Point:
        """Return the bar that would end the subscription, up to which is filled when data
        runs out.
        """
        if self.strict:
            start, end = self.calendar(self.end)
            while end > self.end:
                start, end = self.calendar(start - DAY)
            return Point(start, end)
        start = self.rounding.down(self.end, self.resolution)
        return Point(start, start + self.resolution)
