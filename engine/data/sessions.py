"""Market hours of LEAN's ``market-hours-database.json``: sessions, holidays, early closes and late
opens.

Moments are naive local times of the exchange. Rules follow ``SecurityExchangeHours`` and
``LocalMarketHours`` of LEAN;
:meth:`SecurityExchangeHours._sessions` gives the same calendar as arrays for the hot paths.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from engine.types.dotnet import LeanObject
from engine.types.enums import MarketHoursState
from engine.types.errors import ArgumentException, InvalidOperationException
from engine.types.timezones import EPOCH

ZERO = timedelta(0)
ONE_DAY = timedelta(days=1)
_TICK = timedelta(microseconds=1)
_MICRO = timedelta(microseconds=1)
DAY_US = 86_400_000_000
_EPOCH_ORDINAL = EPOCH.toordinal()
_MIDNIGHT = datetime.min.time()
_MARKET = MarketHoursState.MARKET


def midnight(moment: datetime) -> datetime:
    """Return the start of the day of a moment."""
    return datetime(moment.year, moment.month, moment.day)


def _moment(value: datetime | date) -> datetime:
    return value if isinstance(value, datetime) else datetime.combine(value, _MIDNIGHT)


class MarketHoursSegment(LeanObject):
    """A stretch of a day with one state: pre-market, market or post-market."""

    __slots__ = ("end", "start", "state")

    def __init__(self, state: MarketHoursState, start: timedelta, end: timedelta) -> None:
        self.state = state
        self.start = start
        self.end = end

    def contains(self, time: timedelta) -> bool:
        return self.start <= time < self.end

    def overlaps(self, start: timedelta, end: timedelta) -> bool:
        return self.start < end and self.end > start

    def __str__(self) -> str:
        return f"{self.state}: {self.start}-{self.end}"


def _continuous(previous: timedelta | None, following: timedelta | None, next_day: bool) -> bool:
    if previous is None or following is None:
        return False
    return (previous == ONE_DAY and following == ZERO) if next_day else previous == following


class LocalMarketHours(LeanObject):
    """Sessions of one day, as offsets from midnight; without segments the market is shut."""

    __slots__ = (
        "day_of_week",
        "is_closed_all_day",
        "is_open_all_day",
        "market_duration",
        "segments",
    )

    def __init__(self, day: int, segments: Iterable[MarketHoursSegment]) -> None:
        self.day_of_week = day
        self.segments = [s for s in segments if s.state != MarketHoursState.CLOSED]
        self.is_closed_all_day = not self.segments
        first = self.segments[0] if len(self.segments) == 1 else None
        self.is_open_all_day = (
            first is not None
            and first.start == ZERO
            and first.end == ONE_DAY
            and first.state == _MARKET
        )
        self.market_duration = sum(
            (s.end - s.start for s in self.segments if s.state == _MARKET), ZERO
        )

    def get_market_open(
        self,
        time: timedelta,
        extended_market_hours: bool = False,
        previous_day_last_segment: timedelta | None = None,
    ) -> timedelta | None:
        """Return the next opening after ``time``; segments that touch count as one session."""
        previous, other_day = previous_day_last_segment, True
        for segment in self.segments:
            counted = extended_market_hours or segment.state == _MARKET
            if not counted:
                continue
            if segment.end > time and not _continuous(previous, segment.start, other_day):
                return segment.start
            previous, other_day = segment.end, False
        return None

    def get_market_close(
        self,
        time: timedelta,
        extended_market_hours: bool = False,
        last_close: bool = False,
        next_day_segment_start: timedelta | None = None,
    ) -> timedelta | None:
        """Return the next close after ``time``, or the last one of the day."""
        found = None
        segments = self.segments
        for index, segment in enumerate(segments):
            if segment.end <= time:
                continue
            if index != len(segments) - 1:
                other, next_day = segments[index + 1], False
                counted = extended_market_hours or other.state == _MARKET
                following = other.start if counted else None
            else:
                following, next_day = next_day_segment_start, True
            if extended_market_hours or segment.state == _MARKET:
                if last_close:
                    found = segment.end
                elif not _continuous(segment.end, following, next_day):
                    return segment.end
        return found

    def is_open(self, time: timedelta, *args: Any) -> bool:
        """``is_open(time, extended)`` or ``is_open(start, end, extended)``."""
        if len(args) > 1:
            end, extended = args
            if end != time:
                return any(
                    s.overlaps(time, end) for s in self.segments if extended or s.state == _MARKET
                )
        else:
            extended = args[0] if args else False
        for segment in self.segments:
            if segment.contains(time):
                return bool(extended or segment.state == _MARKET)
        return False

    def __str__(self) -> str:
        if self.is_closed_all_day:
            return "Closed All Day"
        return "Open All Day" if self.is_open_all_day else " | ".join(map(str, self.segments))


def _cut(
    segments: Sequence[MarketHoursSegment], close: timedelta | None, late: timedelta | None
) -> list[MarketHoursSegment]:
    """Apply an early close and a late open to the segments of a day."""
    early: list[MarketHoursSegment] | None = None
    if close is not None:
        index, changed = len(segments), None
        for i, s in enumerate(segments):
            if s.start <= close <= s.end:
                index, changed = i, MarketHoursSegment(s.state, s.start, close)
                break
            if close < s.start:
                # LEAN drops the segment before the gap as well
                index = i - 1
                break
        early = list(segments[: max(index, 0)])
        if changed is not None:
            early.append(changed)
        if late is None or close >= late:
            segments = early
    if late is None:
        return list(segments)
    index, opened = 0, []
    for i, s in enumerate(segments):
        if s.start <= late <= s.end:
            opened.append(MarketHoursSegment(s.state, late, s.end))
            index = i + 1
            break
        if late < s.start:
            index = i
            break
    opened += segments[index:]
    if early is not None and close is not None and close <= late:
        return early + opened
    return opened


class SecurityExchangeHours(LeanObject):
    """When an exchange is open, in its own time zone."""

    __slots__ = (
        "_cache", "_close_cache", "_early", "_holidays", "_is_open_cache", "_late", "_open_cache",
        "_tables", "_week", "bank_holidays", "is_market_always_open", "regular_market_duration",
        "time_zone",
    )  # fmt: skip

    def __init__(
        self,
        time_zone: ZoneInfo,
        holiday_dates: Iterable[datetime | date],
        market_hours_for_each_day_of_week: dict[int, LocalMarketHours],
        early_closes: dict[Any, timedelta],
        late_opens: dict[Any, timedelta],
        bank_holiday_dates: Iterable[datetime | date] = (),
    ) -> None:
        self.time_zone = time_zone
        self._holidays = {d.toordinal() for d in holiday_dates}
        self.bank_holidays = {_moment(d) for d in bank_holiday_dates}
        self._early = {d.toordinal(): t for d, t in early_closes.items()}
        self._late = {d.toordinal(): t for d, t in late_opens.items()}
        # day numbers are .NET's: Sunday is 0
        self._week = [
            market_hours_for_each_day_of_week.get(day) or LocalMarketHours(day, ())
            for day in range(7)
        ]
        counts = Counter(h.market_duration for h in self._week)
        self.regular_market_duration = max(counts, key=lambda span: (counts[span], span))
        self.is_market_always_open = all(h.is_open_all_day for h in self._week)
        self._cache: dict[int, LocalMarketHours] = {}
        self._open_cache: dict[tuple[datetime, bool], datetime] = {}
        self._is_open_cache: dict[tuple[datetime, tuple[Any, ...]], bool] = {}
        self._close_cache: dict[tuple[datetime, bool, bool], datetime] = {}
        self._tables: dict[bool, tuple[int, int, npt.NDArray[np.int64], npt.NDArray[np.int64]]] = {}

    @staticmethod
    def always_open(time_zone: ZoneInfo) -> SecurityExchangeHours:
        """Return the hours of a market that never closes."""
        segment = MarketHoursSegment(_MARKET, ZERO, ONE_DAY)
        week = {day: LocalMarketHours(day, [segment]) for day in range(7)}
        return SecurityExchangeHours(time_zone, (), week, {}, {})

    @property
    def holidays(self) -> set[datetime]:
        return {datetime.fromordinal(d) for d in self._holidays}

    @property
    def early_closes(self) -> dict[datetime, timedelta]:
        return {datetime.fromordinal(d): t for d, t in self._early.items()}

    @property
    def late_opens(self) -> dict[datetime, timedelta]:
        return {datetime.fromordinal(d): t for d, t in self._late.items()}

    @property
    def market_hours(self) -> dict[int, LocalMarketHours]:
        return dict(enumerate(self._week))

    def get_market_hours(self, local_date_time: datetime | date) -> LocalMarketHours:
        """Return the sessions of a date; holidays have none."""
        return self._hours_of(local_date_time.toordinal())

    def _hours_of(self, day: int) -> LocalMarketHours:
        found = self._cache.get(day)
        if found is None:
            week = self._week[day % 7]
            if day in self._holidays:
                found = LocalMarketHours(day % 7, ())
            elif day in self._early or day in self._late:
                cut = _cut(week.segments, self._early.get(day), self._late.get(day))
                found = LocalMarketHours(day % 7, cut)
            else:
                found = week
            self._cache[day] = found
        return found

    def is_open(self, local_date_time: datetime, *args: Any) -> bool:
        """``is_open(time, extended)``, or ``is_open(start, end, extended)``: open at any moment
        between.
        """
        # an order asks five times, the orders of a moment the same
        key = local_date_time, args
        found = self._is_open_cache.get(key)
        if found is None:
            if len(self._is_open_cache) > 1_000:
                self._is_open_cache.clear()
            found = self._is_open_cache[key] = self._look_whether_open(local_date_time, *args)
        return found

    def _look_whether_open(self, local_date_time: datetime, *args: Any) -> bool:
        if len(args) > 1 or (args and isinstance(args[0], datetime)):
            end, extended = args[0], bool(args[1]) if len(args) > 1 else False
            return self._is_open_between(local_date_time, end, extended)
        # LocalMarketHours.is_open, without a call for each segment
        extended = args[0] if args else False
        time = local_date_time - midnight(local_date_time)
        for segment in self._hours_of(local_date_time.toordinal()).segments:
            if segment.start <= time < segment.end:
                return bool(extended or segment.state == _MARKET)
        return False

    def _is_open_between(self, start: datetime, end: datetime, extended: bool) -> bool:
        day = midnight(start)
        if start == end:
            return self._hours_of(start.toordinal()).is_open(start - day, extended)
        while True:
            hours = self._hours_of(day.toordinal())
            low = max(start - day, ZERO)
            high = end - day
            for segment in hours.segments:
                if (
                    (extended or segment.state == _MARKET)
                    and segment.start < high
                    and segment.end > low
                ):
                    return True
            day += ONE_DAY
            if day >= end:
                return False

    def is_date_open(
        self, local_date_time: datetime | date, extended_market_hours: bool = False
    ) -> bool:
        """Tell whether the date has a session (days with extended hours only count when asked
        for).
        """
        hours = self._hours_of(local_date_time.toordinal())
        if hours.is_closed_all_day:
            return False
        return bool(hours.market_duration) or extended_market_hours

    def get_next_market_open(
        self, local_date_time: datetime | date, extended_market_hours: bool = False
    ) -> datetime:
        """Return the first opening strictly after a moment.

        Raises
        ------
        ArgumentException
            When the market does not open within two weeks, as one that never closes.
        """
        start = _moment(local_date_time)
        key = (start, bool(extended_market_hours))
        found = self._open_cache.get(key)
        if found is not None:
            return found
        day = midnight(start)
        time = start - day
        last = self._hours_of(day.toordinal() - 1).segments
        tail = last[-1].end if last else None
        for _ in range(15):
            number = day.toordinal()
            hours = self._hours_of(number)
            if hours.segments and number not in self._holidays:
                opening = hours.get_market_open(time, extended_market_hours, tail)
                if opening is not None and start < day + opening:
                    if len(self._open_cache) > 20_000:
                        self._open_cache.clear()
                    self._open_cache[key] = day + opening
                    return day + opening
                # after an early close the session is over, however the next day starts
                tail = None if number in self._early else hours.segments[-1].end
            else:
                tail = None
            day, time = day + ONE_DAY, ZERO
        note = " Exchange is always open." if self.is_market_always_open else ""
        raise ArgumentException(f"Unable to locate next market open within two weeks.{note}")

    def get_next_market_close(
        self,
        local_date_time: datetime | date,
        extended_market_hours: bool = False,
        last_close: bool = False,
    ) -> datetime:
        """Return the first close strictly after a moment (or the last close of that day)."""
        start = _moment(local_date_time)
        key = (start, bool(extended_market_hours), last_close)
        found = self._close_cache.get(key)
        if found is not None:
            return found
        day = midnight(start)
        time = start - day
        for _ in range(15):
            number = day.toordinal()
            hours = self._hours_of(number)
            if hours.segments and number not in self._holidays:
                following = None
                if number + 1 not in self._early:
                    segments = self._hours_of(number + 1).segments
                    following = segments[0].start if segments else None
                close = hours.get_market_close(time, extended_market_hours, last_close, following)
                if close is not None and start < day + close:
                    if len(self._close_cache) > 20_000:
                        self._close_cache.clear()
                    self._close_cache[key] = day + close
                    return day + close
            day, time = day + ONE_DAY, ZERO
        note = " Exchange is always open." if self.is_market_always_open else ""
        raise ArgumentException(f"Unable to locate next market close within two weeks.{note}")

    def get_previous_market_open(
        self,
        local_date_time: datetime | date,
        extended_market_hours: bool = False,
        first_open: bool = False,
    ) -> datetime:
        """Return the last opening at or before a moment (``first_open``: the first one of its
        day).
        """
        start = _moment(local_date_time)
        if self.is_market_always_open:
            # LEAN looks for the next opening first, and there is none
            self.get_next_market_open(start, extended_market_hours)
        day = midnight(start)
        for _ in range(9):
            found = None
            for segment in reversed(self._hours_of(day.toordinal()).segments):
                moment = day + segment.start
                counted = extended_market_hours or segment.state == _MARKET
                if moment <= start and counted:
                    if first_open:
                        found = moment
                    elif self.get_next_market_open(moment - _TICK, extended_market_hours) == moment:
                        return moment
            if found is not None:
                return found
            day -= ONE_DAY
        raise InvalidOperationException(f"Did not find last market open for {start}.")

    def get_first_daily_market_open(
        self, local_date_time: datetime, extended_market_hours: bool = False
    ) -> datetime:
        """Return the first opening of the trading day that a moment belongs to."""
        return self.get_previous_market_open(local_date_time, extended_market_hours, True)

    def get_last_daily_market_close(
        self, local_date_time: datetime, extended_market_hours: bool = False
    ) -> datetime:
        """Return the last close of the trading day that a moment belongs to."""
        return self.get_next_market_close(local_date_time, extended_market_hours, True)

    def _daily_calendar(self, moment: datetime) -> tuple[datetime, datetime]:
        """Return start and end of the daily bar that a moment belongs to."""
        start = self.get_first_daily_market_open(moment, False)
        return start, self.get_last_daily_market_close(start, False)

    def get_previous_trading_day(self, local_date: datetime | date) -> Any:
        """Return the trading day before a date."""
        day = local_date - ONE_DAY
        while not self.is_date_open(day):
            day -= ONE_DAY
        return day

    def get_next_trading_day(self, date: datetime | date) -> Any:
        """Return the trading day after a date."""
        day = date + ONE_DAY
        while not self.is_date_open(day):
            day += ONE_DAY
        return day

    def _trading_days(
        self, first: datetime, last: datetime, extended: bool = False
    ) -> Iterator[datetime]:
        """Yield the midnights of the open dates from one moment's date to another's, both
        included.
        """
        day, stop = midnight(first), midnight(last)
        while day <= stop:
            if self.is_date_open(day, extended):
                yield day
            day += ONE_DAY

    def _sessions(
        self, first_day: int, last_day: int, extended: bool
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return start and end of every segment of a range of days, in local microseconds since
        1970.

        Parameters
        ----------
        first_day, last_day
            Days since 1970-01-01, both included.
        extended
            Whether pre- and post-market segments count.

        Returns
        -------
        tuple of int64 arrays of shape (n,)
            Sorted; segments of the days asked for, possibly of more days.
        """
        held = self._tables.get(extended)
        if held is None or first_day < held[0] or last_day > held[1]:
            if held is not None:
                first_day, last_day = min(first_day, held[0]), max(last_day, held[1])
            low, high = first_day - 40, last_day + 40
            days = np.arange(low, high + 1, dtype=np.int64)
            numbers = days + _EPOCH_ORDINAL
            special = np.array(
                sorted(
                    d
                    for d in self._holidays | self._early.keys() | self._late.keys()
                    if low + _EPOCH_ORDINAL <= d <= high + _EPOCH_ORDINAL
                ),
                dtype=np.int64,
            )
            regular = ~np.isin(numbers, special)
            starts, ends = [], []

            def add(where: npt.NDArray[np.int64], hours: LocalMarketHours) -> None:
                for s in hours.segments:
                    if extended or s.state == _MARKET:
                        starts.append(where * DAY_US + s.start // _MICRO)
                        ends.append(where * DAY_US + s.end // _MICRO)

            for weekday in range(7):
                add(days[regular & (numbers % 7 == weekday)], self._week[weekday])
            for number in special.tolist():
                add(np.array([number - _EPOCH_ORDINAL], dtype=np.int64), self._hours_of(number))
            begin = np.concatenate(starts) if starts else np.zeros(0, np.int64)
            finish = np.concatenate(ends) if ends else np.zeros(0, np.int64)
            order = np.argsort(begin, kind="stable")
            held = self._tables[extended] = (low, high, begin[order], finish[order])
        return held[2], held[3]

    def _open_mask(
        self, start: npt.NDArray[np.int64], end: npt.NDArray[np.int64], extended: bool
    ) -> npt.NDArray[np.bool_]:
        """Vectorised ``is_open(start, end, extended)`` on local microseconds (``end > start``)."""
        if not len(start):
            return np.zeros(0, bool)
        low, high = int(start.min()) // DAY_US, int(end.max()) // DAY_US
        begin, finish = self._sessions(low, high, extended)
        if not len(begin):
            return np.zeros(len(start), bool)
        at = np.searchsorted(finish, start, side="right")
        inside = at < len(begin)
        return inside & (begin[np.minimum(at, len(begin) - 1)] < end)

    def __str__(self) -> str:
        return f"{self.time_zone.key}: {self.regular_market_duration}"
