"""One subscription as a stream of chunks: files, strict daily times, corporate events, fill-
forward, hours filter, factors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from engine.data.columns import Factors, Rows, make_bars
from engine.data.events import Due, corporate_events
from engine.data.factors import FactorFile
from engine.data.fillforward import FillForward, Point, Rounding, Run
from engine.data.maps import AuxiliaryFiles, MapFile
from engine.data.parsing import Ints
from engine.data.readers import FileReader
from engine.data.sessions import ONE_DAY, SecurityExchangeHours, midnight
from engine.types.bars import Delisting
from engine.types.decimals import ONE, ZERO
from engine.types.enums import (
    DataNormalizationMode,
    DelistingType,
    MarketHoursState,
    Resolution,
    SecurityType,
    TickType,
)
from engine.types.errors import DataError
from engine.types.subscription import INCREMENTS
from engine.types.symbol import Symbol
from engine.types.timezones import convert, from_micro, from_utc, to_micro, to_utc_array

DAY = 86_400_000_000
_MICRO = timedelta(microseconds=1)
_MILLI = timedelta(milliseconds=1)
_FILES = (Resolution.DAILY, Resolution.HOUR)
# rows of hour or daily bars that are turned into one chunk
_ROWS_PER_CHUNK = 4096
_FILLED_PER_CHUNK = 4096
_DAYS_AHEAD = 4


@dataclass(frozen=True, slots=True)
class Request:
    """What a stream delivers.

    ``start`` and ``end`` are naive UTC; ``fill`` is the fill-forward step in microseconds (None: no
    fill-forward);
    ``strict`` asks for daily bars from open to close. ``payouts`` False leaves out splits and
    dividends (internal feeds).
    """

    symbol: Symbol
    resolution: Resolution
    tick_type: TickType
    hours: SecurityExchangeHours
    data_zone: ZoneInfo
    start: datetime
    end: datetime
    quote: bool = False
    fill: int | None = None
    extended: bool = False
    filtered: bool = True
    strict: bool = False
    mode: DataNormalizationMode = DataNormalizationMode.ADJUSTED
    scale_end: datetime | None = None
    events: bool = True
    payouts: bool = True


@dataclass(frozen=True, slots=True)
class Chunk:
    """Points in order of time with the UTC microseconds at which they are sent.

    ``stamps`` are the same as an array, where there is one; ``plain`` tells that the points are
    bars alone. ``ends`` are the local ends of bars that are all sent at their ends; at ``cuts`` the
    distance between the two changes.
    """

    emit: list[int]
    points: list[Any]
    stamps: Ints | None = None
    plain: bool = False
    ends: list[datetime] | None = None
    cuts: Sequence[int] = ()


def use_strict_times(
    enabled: bool, symbol: Symbol, resolution: Resolution, hours: SecurityExchangeHours
) -> bool:
    """Tell whether bars run from the open to the close: daily bars of exchanges that close."""
    if (
        not enabled
        or resolution != Resolution.DAILY
        or hours.is_market_always_open
        or symbol.security_type in (SecurityType.FOREX, SecurityType.BASE)
    ):
        return False
    return not (symbol.security_type == SecurityType.CFD and symbol.id.market == "oanda")


def tradable_dates(
    hours: SecurityExchangeHours,
    start: datetime,
    end: datetime,
    data_zone: ZoneInfo,
    extended: bool,
) -> Iterator[datetime]:
    """Yield the dates of the data's zone on which the exchange is open, from local ``start`` to
    ``end``.
    """
    zone = hours.time_zone
    same = zone.key == data_zone.key
    now, stop = start, midnight(end) + ONE_DAY
    while now < stop:
        there = now if same else convert(now, zone, data_zone)
        following = midnight(there) + ONE_DAY
        here = following if same else convert(following, data_zone, zone)
        here = min(here, stop)
        if hours.is_open(now, here, extended):
            yield midnight(there)
        now = here


class Stream:
    """The chunks of one request, made one at a time."""

    def __init__(self, request: Request, files: FileReader, auxiliary: AuxiliaryFiles) -> None:
        self.request = request
        self.files = files
        #: so many day files are read together
        self.days_ahead = _DAYS_AHEAD
        r = request
        zone = r.hours.time_zone
        self.start, self.end = from_utc(r.start, zone), from_utc(r.end, zone)
        self.mapping: MapFile = auxiliary.map_file(r.symbol)
        self.factors: FactorFile | None = auxiliary.factor_file(r.symbol)
        self.first = self.start
        # notes for the user about data that begins later than asked for, as LEAN words them
        self.limited_precision = self.limited_start = ""
        if r.symbol.security_type == SecurityType.EQUITY:
            lowest = None if self.factors is None else self.factors.minimum_date
            if lowest is not None and self.first < lowest:
                self.first = lowest
                self.limited_precision = f"[{r.symbol.value}, {lowest:%m/%d/%Y}]"
            if self.mapping.rows and self.first < self.mapping.first_date:
                self.first = self.mapping.first_date
                self.limited_start = f"[{r.symbol.value}, {self.first:%Y-%m-%d}]"
        self.increment = INCREMENTS[r.resolution] // _MICRO
        self.filler = None
        if r.fill is not None:
            self.filler = FillForward(
                r.hours,
                r.data_zone,
                self.increment,
                r.fill,
                r.extended,
                r.strict,
                to_micro(self.end),
            )
        self._due: list[Due] = []
        if r.events and r.symbol.security_type == SecurityType.EQUITY:
            self._due = corporate_events(
                r.symbol, self.mapping, self.factors, r.hours, self.start, self.end, r.extended
            )
        self._paid = [(to_micro(d.time), d.dividend) for d in self._due if d.dividend is not None]
        if not r.payouts:
            self._due = [d for d in self._due if not d.payout]
        self._due_at = [to_micro(d.time) for d in self._due]
        self._next_due = 0
        self._carry: Rows | None = None
        self._previous: Point | None = None
        self._over = False
        self._rounding = Rounding(r.hours, r.data_zone)
        self._slots: dict[int, int] = {}

    # -- files ---------------------------------------------------------------------------------

    def _blocks(self) -> Iterator[Rows]:
        r = self.request
        if self.mapping.rows and self.start > self.mapping.delisting_date + ONE_DAY:
            return
        fresh = self._fresh(self._days() if r.resolution not in _FILES else self._histories())
        for rows in fresh if r.resolution in _FILES else self._together(fresh):
            if r.strict:
                rows = self._strict(rows)
                if not len(rows):
                    continue
            step = _ROWS_PER_CHUNK
            if r.fill is not None and r.fill < self.increment:
                step = max(2, _FILLED_PER_CHUNK * r.fill // self.increment)
            if r.resolution in _FILES and len(rows) > step:
                for at in range(0, len(rows), step):
                    yield rows.take(slice(at, at + step))
            else:
                yield rows

    def _fresh(self, blocks: Iterator[Rows]) -> Iterator[Rows]:
        """Leave out rows outside of the request, and those that are not later than all before."""
        held, first, last = -(2**62), to_micro(self.first), to_micro(self.end)
        for rows in blocks:
            if rows.end[0] <= held or rows.end[0] < first or rows.time[-1] > last:
                rows = rows.take((rows.end > held) & (rows.end >= first) & (rows.time <= last))
            if len(rows):
                held = int(rows.end[-1])
                yield rows

    def _together(self, days: Iterator[Rows]) -> Iterator[Rows]:
        """Join the rows of a few days: what is done with them costs little more than for one."""
        held: list[Rows] = []
        count = 0
        while True:
            try:
                rows = next(days, None)
            except DataError:
                # what came before the broken file is sent first
                if held:
                    yield join(*held)
                raise
            if rows is not None:
                held.append(rows)
                count += len(rows)
            if held and (rows is None or len(held) >= self.days_ahead or count >= _ROWS_PER_CHUNK):
                yield join(*held)
                held, count = [], 0
            if rows is None:
                return

    def _read(self, ticker: str, day: datetime | None) -> Rows | None:
        r = self.request
        return self.files.rows(
            r.symbol.security_type, r.symbol.id.market, ticker, r.resolution, r.tick_type, r.quote,
            r.data_zone, r.hours.time_zone, day, self._session(day),
        )  # fmt: skip

    def _session(self, day: datetime | None) -> tuple[int, int] | None:
        """Return the part of a day's file that can be seen, when its clock is the exchange's."""
        r = self.request
        if day is None or r.extended or not r.filtered or r.data_zone.key != r.hours.time_zone.key:
            return None
        segments = [
            s for s in r.hours.get_market_hours(day).segments if s.state == MarketHoursState.MARKET
        ]
        if not segments:
            return None
        return segments[0].start // _MILLI, segments[-1].end // _MILLI

    def _days(self) -> Iterator[Rows]:
        r = self.request
        for day in tradable_dates(r.hours, self.start, self.end, r.data_zone, r.extended):
            if not self.mapping.has_data(day):
                continue
            rows = self._read(self.mapping.ticker_on(day, r.symbol.value), day)
            if rows is not None and len(rows):
                yield rows

    def _histories(self) -> Iterator[Rows]:
        r = self.request
        if not self.mapping.rows:
            rows = self._read(r.symbol.value, None)
            if rows is not None:
                yield rows
            return
        low, found = -(2**62), False
        for last, ticker in self.mapping.rows[1:] or self.mapping.rows:
            high = to_micro(last) + DAY
            if last >= midnight(self.start):
                rows = self._read(ticker, None)
                if rows is not None:
                    # LEAN enters a file ten days and a row before its date; without data so far,
                    # these rows count
                    enter = low if found else low - 10 * DAY
                    at = int(np.searchsorted(rows.time, enter, side="left" if found else "right"))
                    rows = rows.take(slice(at if found else max(at - 1, 0), None))
                    rows = rows.take(rows.time < high)
                    found = found or bool(np.any(rows.end >= to_micro(self.first)))
                    yield rows
            low = high

    def _strict(self, rows: Rows) -> Rows:
        opens, closes = self._daily(int(rows.time[0]), int(rows.end[-1]))
        at = np.searchsorted(opens, rows.end, side="right") - 1
        begin, finish = opens[at], closes[at]
        keep = (finish >= rows.time) & (finish >= to_micro(self.start))
        return rows.retimed(begin, finish) if keep.all() else rows.retimed(begin, finish).take(keep)

    def _daily(self, low: int, high: int) -> tuple[Ints, Ints]:
        """Return first open and last close of every trading day around a range."""
        begin, finish = self.request.hours._sessions(low // DAY - 30, high // DAY + 1, False)
        days = begin // DAY
        first = np.concatenate(([True], days[1:] != days[:-1]))
        last = np.concatenate((days[1:] != days[:-1], [True]))
        return begin[first], finish[last]

    # -- chunks --------------------------------------------------------------------------------

    def chunks(self) -> Iterator[Chunk]:
        """Yield the chunks of the stream until its end."""
        for rows in self._blocks():
            yield self._chunk(rows, False)
            if self._over:
                return
        yield self._chunk(None, True)

    def _chunk(self, block: Rows | None, final: bool) -> Chunk:
        carried = self._carry is not None
        if block is None:
            rows = self._carry
        else:
            rows = join(self._carry, block) if self._carry is not None else block
        build = _Builder()
        count = 0 if rows is None else len(rows)
        start = 1 if carried else 0
        if rows is not None and count > start:
            self._merge(rows, start, build)
        if final:
            self._finish(rows, build)
        if rows is not None and count:
            self._carry = rows.take(slice(count - 1, count))
        return self._deliver(rows, build)

    def _merge(self, rows: Rows, start: int, build: _Builder) -> None:
        time, end = rows.time, rows.end
        count = len(rows)
        special = np.zeros(count, bool)
        filler = self.filler
        if filler is not None and count > 1:
            previous_end = end[:-1]
            gap = time[1:] - time[:-1] > filler.small
            if gap.any():
                until = (
                    time[1:]
                    if filler.fill == filler.resolution and self.request.strict
                    else end[1:]
                )
                where = np.flatnonzero(gap & (until > previous_end))
                hours = self.request.hours
                open_ = hours._open_mask(previous_end[where], until[where], self.request.extended)
                special[where[open_] + 1] = True
        if filler is not None and start and self._previous is not None and self._previous.filled:
            special[start] = True
        reach = int(end[-1])
        while self._next_due < len(self._due) and self._due_at[self._next_due] < reach:
            at = int(np.searchsorted(end, self._due_at[self._next_due], side="right"))
            special[max(at, start)] = True
            self._next_due += 1
        first_due = self._taken
        cursor = start
        for index in np.flatnonzero(special[start:]) + start:
            index = int(index)
            if index > cursor:
                build.rows(cursor, index, time, end)
                self._previous = Point(int(time[index - 1]), int(end[index - 1]))
            while first_due < self._next_due and self._due_at[first_due] < int(end[index]):
                self._event(first_due, rows, index - 1, build)
                first_due += 1
            self._fill(Point(int(time[index]), int(end[index])), index - 1, build)
            if self._over:
                return
            cursor = index
        self._taken = self._next_due
        build.rows(cursor, count, time, end)
        self._previous = Point(int(time[-1]), int(end[-1]))

    _taken = 0

    def _fill(self, following: Point, row: int, build: _Builder) -> None:
        filler, previous = self.filler, self._previous
        if filler is not None and previous is not None:
            days = filler.days(previous, following)
            if days is None:
                for run in filler.between(previous, following):
                    build.run(run, row)
            elif len(days[0]):
                build.days(*days, row)
            self._over = self._over or filler.ended

    def _event(self, index: int, rows: Rows | None, row: int, build: _Builder) -> None:
        due, at = self._due[index], self._due_at[index]
        self._fill(Point(at, at, event=True), row, build)
        price = rows.close(row) if rows is not None and row >= 0 else ZERO
        event = due.make(price)
        build.event(event, at)
        if isinstance(event, Delisting) and event.type == DelistingType.DELISTED:
            self._over = True

    def _finish(self, rows: Rows | None, build: _Builder) -> None:
        row = -1 if rows is None else len(rows) - 1
        for index in range(self._taken, len(self._due)):
            self._event(index, rows, row, build)
        self._taken = len(self._due)
        previous, filler = self._previous, self.filler
        if filler is None or previous is None or self._over or previous.end >= to_micro(self.end):
            return
        last = filler.last_point()
        self._fill(last, row, build)
        hours = self.request.hours
        open_ = hours.is_open(from_micro(last.time), from_micro(last.end), self.request.extended)
        if open_ and previous.end != last.end and previous.end < to_micro(self.end):
            build.run(Run(last.time, last.end, 1, 1), row)

    def _deliver(self, rows: Rows | None, build: _Builder) -> Chunk:
        which, time, end, filled, events = build.arrays()
        if not len(which):
            return Chunk([], [])
        r = self.request
        real = which >= 0
        if r.filtered:
            keep = ~real
            keep[real] = r.hours._open_mask(time[real], end[real], r.extended)
            if not keep.all():
                which, time, end, filled, real = (
                    which[keep], time[keep], end[keep], filled[keep], real[keep],
                )  # fmt: skip
                events = (
                    [e for e, k in zip(events, keep[build.event_places()], strict=False) if k]
                    if events
                    else []
                )
        stamps = to_utc_array(end, r.hours.time_zone)
        emit = stamps.tolist()
        shift = stamps - end
        copies = bool(filled.any())
        if copies:
            time, end = self._shown(time, end, filled)
        bars: list[Any] = []
        if rows is not None and real.any():
            factors = self._scales(rows)
            if real.all():
                bars = make_bars(r.symbol, r.quote, rows, which, time, end, filled, factors)
            else:
                bars = make_bars(
                    r.symbol, r.quote, rows, which[real], time[real], end[real], filled[real],
                    factors,
                )  # fmt: skip
        if not events:
            if copies or not bars:
                return Chunk(emit, bars, stamps, True)
            cuts = (np.flatnonzero(shift[1:] != shift[:-1]) + 1).tolist()
            return Chunk(emit, bars, stamps, True, bars[0]._src.end_time, cuts)
        data, special = iter(bars), iter(events)
        points = [next(data) if is_bar else next(special) for is_bar in real.tolist()]
        return Chunk(emit, points)

    def _shown(self, time: Ints, end: Ints, filled: npt.NDArray[np.bool_]) -> tuple[Ints, Ints]:
        """Give filled bars the times that the algorithm sees: those of a whole bar of the data's
        resolution.
        """
        r = self.request
        assert self.filler is not None
        time, end = time.copy(), end.copy()
        where = np.flatnonzero(filled)
        if r.strict:
            opens, closes = self._daily(int(time[where].min()), int(end[where].max()))
            at = np.searchsorted(opens, time[where], side="right") - 1
            time[where], end[where] = opens[at], closes[at]
        else:
            span = self.increment
            for index in where:
                local = int(time[index])
                slot = self._rounding.down(local, span)
                shown = self._slots.get(slot)
                if shown is None:
                    shown = self._slots[slot] = self._rounding.open_down(local, span, r.extended)
                time[index] = shown
                end[index] = shown + span
        return time, end

    def _scales(self, rows: Rows) -> Factors | None:
        """Return the factors of rows, with the dividends paid since the start of the stream for
        total return.
        """
        r = self.request
        if self.factors is None or r.mode == DataNormalizationMode.RAW or not self.factors.rows:
            return None
        days = rows.time // DAY
        crossing = (days != rows.end // DAY) & (rows.end % DAY > 0)
        if crossing.any():
            days = np.where(crossing, rows.end // DAY, days)
        dates, index = np.unique(self.factors.index_of(days), return_inverse=True)
        values = [self.factors.scale_at(int(at), r.mode, r.scale_end or self.end) for at in dates]
        addends = None
        if r.mode == DataNormalizationMode.TOTAL_RETURN and self._paid:
            paid_at = np.array([at // DAY for at, _ in self._paid])
            sums = [ZERO]
            for _, paid in self._paid:
                sums.append(sums[-1] + paid)
            addends = [sums[k] for k in np.searchsorted(paid_at, days, side="right").tolist()]
            if not any(addends):
                addends = None
        if addends is None and all(value == ONE for value in values):
            return None
        return Factors(values, index.reshape(-1), addends)


class _Builder:
    """Collects pieces of a chunk: stretches of rows, runs of filled bars, events."""

    def __init__(self) -> None:
        self._which: list[Ints] = []
        self._time: list[Ints] = []
        self._end: list[Ints] = []
        self._filled: list[npt.NDArray[np.bool_]] = []
        self._events: list[Any] = []
        self._places: list[int] = []
        self._count = 0

    def _add(self, which: Ints, time: Ints, end: Ints, filled: bool) -> None:
        self._which.append(which)
        self._time.append(time)
        self._end.append(end)
        self._filled.append(np.full(len(which), filled))
        self._count += len(which)

    def rows(self, start: int, stop: int, time: Ints, end: Ints) -> None:
        if stop > start:
            self._add(np.arange(start, stop), time[start:stop], end[start:stop], False)

    def run(self, run: Run, row: int) -> None:
        shift = np.arange(run.count, dtype=np.int64) * run.step
        self._add(np.full(run.count, row), run.time + shift, run.end + shift, True)

    def days(self, time: Ints, end: Ints, row: int) -> None:
        self._add(np.full(len(time), row), time, end, True)

    def event(self, event: Any, at: int) -> None:
        self._places.append(self._count)
        self._events.append(event)
        one = np.array([at])
        self._add(np.array([-1]), one, one, False)

    def event_places(self) -> list[int]:
        return self._places

    def arrays(self) -> tuple[Ints, Ints, Ints, npt.NDArray[np.bool_], list[Any]]:
        if not self._which:
            none = np.zeros(0, np.int64)
            return none, none, none, np.zeros(0, bool), []
        return (
            np.concatenate(self._which),
            np.concatenate(self._time),
            np.concatenate(self._end),
            np.concatenate(self._filled),
            self._events,
        )


def join(*blocks: Rows) -> Rows:
    """Put the rows of blocks of one stream into one."""
    if len(blocks) == 1:
        return blocks[0]
    scales, scale = None, blocks[-1].scale
    if any(block.scale != scale or block.scales is not None for block in blocks):
        scales = np.concatenate([_scales_of(block) for block in blocks], axis=1)
    return Rows(
        np.concatenate([block.time for block in blocks]),
        np.concatenate([block.end for block in blocks]),
        np.concatenate([block.prices for block in blocks], axis=1),
        scales,
        scale,
        np.concatenate([block.sizes for block in blocks], axis=1),
    )


def _scales_of(rows: Rows) -> npt.NDArray[np.int8]:
    if rows.scales is not None:
        return rows.scales
    return np.full(rows.prices.shape, rows.scale, np.int8)


def at_resolution(request: Request, resolution: Resolution, **changes: Any) -> Request:
    """Return a request for bars of another resolution."""
    return replace(request, resolution=resolution, **changes)
