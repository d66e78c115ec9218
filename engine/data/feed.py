"""The merged feed: all subscriptions of a run, one time slice at a time, in LEAN's order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from engine.data.custom import CustomData, feed_chunks
from engine.data.filters import filtered
from engine.data.maps import AuxiliaryFiles
from engine.data.readers import FileReader
from engine.data.stream import Chunk, Request, Stream, use_strict_times
from engine.data.ticks import TickStream
from engine.types.bars import Delisting, Dividend, QuoteBar, Split, SymbolChangedEvent, Tick
from engine.types.enums import Resolution, SecurityType, TickType
from engine.types.subscription import INCREMENTS, SubscriptionDataConfig
from engine.types.timezones import from_micro, to_micro

_MICRO = timedelta(microseconds=1)
_NEVER = 2**62
_MINUTE = 60_000_000
_NOTED_SYMBOLS = 10
_DAYS_IN_MEMORY = 64


Pair = tuple[SubscriptionDataConfig, Any]


class _Uneventful:
    """What most slices are not; those that are have attributes of their own."""

    __slots__ = ()

    is_time_pulse: bool = False
    dividends: Sequence[Pair] = ()
    splits: Sequence[Pair] = ()
    delistings: Sequence[Pair] = ()
    symbol_changes: Sequence[Pair] = ()
    pulses: Sequence[Any] = ()
    security_changes: Any = None


class TimeSlice(_Uneventful):
    """Everything of one moment.

    ``updates`` are ``(config, bar)`` that set prices, ``points`` what the algorithm's slice shows
    (no internal feeds, corporate events included); ``dividends`` and the like are ``(config,
    event)``. ``pulses`` are the universes due now; a slice with ``is_time_pulse`` only moves the
    clock. ``eventful`` tells that there is more than prices. ``count`` is LEAN's number of data
    points.
    """

    __slots__ = ("__dict__", "count", "eventful", "points", "updates", "utc")

    def __init__(
        self, utc: datetime, updates: list[Pair], points: list[Any], count: int = 0
    ) -> None:
        self.utc = utc
        self.updates = updates
        self.points = points
        self.count = count
        self.eventful = False

    @staticmethod
    def pulse(utc: datetime) -> TimeSlice:
        """Return a slice that only moves the clock."""
        made = TimeSlice(utc, [], [])
        made.is_time_pulse = made.eventful = True
        return made

    @property
    def data_point_count(self) -> int:
        return self.count


class _Subscription:
    """A config with its stream: the next points and when they are due."""

    __slots__ = (
        "at", "chunks", "config", "cuts", "due", "emit", "end", "ends", "internal", "key", "mixed",
        "moments", "points", "rising", "size", "start", "warmup",
    )  # fmt: skip

    def __init__(
        self, config: SubscriptionDataConfig, key: tuple[Any, ...], start: datetime, end: datetime
    ) -> None:
        self.config = config
        self.key = key
        self.start, self.end = start, end
        self.warmup: tuple[Resolution | None, datetime] | None = None
        self.internal = config.is_internal_feed
        self.chunks: Iterator[Chunk] | None = None
        self.emit: list[int] = []
        self.moments: list[datetime] = []
        self.points: list[Any] = []
        self.ends: list[datetime] | None = None
        self.cuts: Sequence[int] = ()
        self.at = self.size = 0
        # events or suspicious ticks among the points; no two of one moment
        self.mixed = self.rising = False
        self.due = -_NEVER

    def load(self) -> None:
        """Take the next chunk that has points; without one the subscription is over."""
        assert self.chunks is not None
        for chunk in self.chunks:
            emit, points = chunk.emit, chunk.points
            if emit:
                self.emit, self.at, self.size = emit, 0, len(emit)
                micro = chunk.stamps
                if micro is None:
                    micro = np.array(emit, dtype=np.int64)
                self.moments = micro.view("M8[us]").tolist()
                self.rising = bool((micro[1:] > micro[:-1]).all())
                self.points, self.ends, self.cuts = points, chunk.ends, chunk.cuts
                self.mixed = not (chunk.plain or _EVENTS.isdisjoint(map(type, points)))
                if self.config._type is Tick:
                    self.mixed = self.mixed or any(point.suspicious for point in points)
                self.due = emit[0]
                return
        self.emit, self.points, self.ends, self.due = [], [], None, _NEVER
        self.at = self.size = 0


class _Pulse:
    __slots__ = ("due", "key", "times", "universe")

    def __init__(self, universe: Any, times: Iterator[datetime], key: Any) -> None:
        self.universe, self.times, self.key = universe, times, key
        self.due = -_NEVER
        self.advance()

    @property
    def is_disposed(self) -> bool:
        return bool(getattr(self.universe, "dispose_requested", False))

    def advance(self) -> None:
        moment = next(self.times, None)
        self.due = _NEVER if moment is None else to_micro(moment)


class Feed:
    """All subscriptions and universe pulses of a run.

    Parameters
    ----------
    root
        LEAN's data folder.
    auxiliary
        Map and factor files.
    start, end
        Naive UTC: first moment (of the warm-up, if there is one) and last moment of the run.
    warmup_end
        Naive UTC end of the warm-up; the feed sends a time pulse there when no data ends exactly
        then.
    warmup_resolution
        Resolution of the data until ``warmup_end``, if it is not that of the subscription.
    """

    def __init__(
        self,
        root: Path,
        auxiliary: AuxiliaryFiles,
        start: datetime,
        end: datetime,
        warmup_end: datetime | None = None,
        warmup_resolution: Resolution | None = None,
        files: FileReader | None = None,
    ) -> None:
        self.files = files or FileReader(root)
        self.auxiliary = auxiliary
        self.start, self.end = start, end
        self.warmup_end = warmup_end
        self.warmup_resolution = warmup_resolution
        self.custom = CustomData()
        self.selector: Callable[[datetime, list[Any]], Any] | None = None
        self.settle: Callable[[datetime], bool] | None = None
        self.restart: Callable[[Any], None] | None = None
        #: the last moment at which a slice came that LEAN stamps one tick (0.1 microseconds) later
        self.late_at: datetime | None = None
        self.data_points = 0
        self._limits: tuple[dict[Any, str], dict[Any, str]] = ({}, {})
        self._subscriptions: list[_Subscription] = []
        self._by_config: dict[int, _Subscription] = {}
        self._pulses: list[_Pulse] = []
        self._now = to_micro(start)
        self._fill = _MINUTE
        self._fill_known = False
        self._waiting_warmup = None if warmup_end is None else to_micro(warmup_end)
        self._held: TimeSlice | None = None
        self._frontier = 0
        self._stack: list[_Subscription] = []
        self._started = False
        self._previous = -_NEVER
        # the subscriptions that send next, all at one moment, and when another one has data; the
        # lead is the one that sends alone
        self._band: tuple[_Subscription, ...] = ()
        self._lead: _Subscription | None = None
        self._follower = -_NEVER
        # while steps are run ahead of the feed: brings its place up to theirs
        self._catch_up: Callable[[], None] | None = None

    # -- subscriptions -------------------------------------------------------------------------

    def add(
        self,
        config: SubscriptionDataConfig,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> bool:
        """Add a subscription from ``start`` (default: now) on; False when it is there already.

        The config's ``_security`` gives the exchange hours; a config with ``_security`` None uses
        its own.
        """
        if id(config) in self._by_config:
            return False
        self._no_band()
        begin = from_micro(self._now) if start is None else start
        held = _Subscription(config, self._order(config), begin, self.end if end is None else end)
        if (
            self._waiting_warmup is not None
            and self.warmup_end is not None
            and begin < self.warmup_end
        ):
            held.warmup = (self.warmup_resolution, self.warmup_end)
        self._by_config[id(config)] = held
        config._feed = self
        config._removed = False
        self._update_fill(config)
        self._subscriptions.append(held)
        self._subscriptions.sort(key=lambda s: s.key)
        return True

    def remove(self, config: SubscriptionDataConfig) -> bool:
        """Take a subscription out; points that it has in the slice being made are dropped."""
        self._no_band()
        held = self._by_config.pop(id(config), None)
        if held is None:
            return False
        ended = held.due == _NEVER
        self._subscriptions.remove(held)
        config._removed = True
        if self._held is not None:
            self._drop(self._held, config)
        if not ended:
            self._update_fill(None)
        return True

    def contains(self, config: SubscriptionDataConfig) -> bool:
        return id(config) in self._by_config

    @property
    def configs(self) -> list[SubscriptionDataConfig]:
        """Return the subscribed configs in the order of their data within a slice."""
        return [s.config for s in self._subscriptions]

    def add_pulse(self, universe: Any, times: Iterable[datetime]) -> None:
        """Let ``universe`` be selected at the given naive UTC times, in order of time."""
        self._no_band()
        self._pulses.append(_Pulse(universe, iter(times), len(self._pulses)))

    def remove_pulse(self, universe: Any) -> bool:
        """Stop selecting a universe."""
        before = len(self._pulses)
        self._pulses = [p for p in self._pulses if p.universe is not universe]
        return len(self._pulses) < before

    @staticmethod
    def _order(config: SubscriptionDataConfig) -> tuple[Any, ...]:
        return (int(config.security_type), int(config.tick_type), config.symbol.value.lower())

    def _update_fill(self, added: SubscriptionDataConfig | None) -> None:
        increments = [
            INCREMENTS[s.config.resolution] // _MICRO
            for s in self._subscriptions
            if not s.internal and s.config.resolution != Resolution.TICK
        ]
        if added is not None and not added.is_internal_feed and added.resolution != Resolution.TICK:
            increments.append(INCREMENTS[added.resolution] // _MICRO)
        fill = min(increments, default=_MINUTE)
        if fill == self._fill:
            return
        self._fill = fill
        self._no_band()
        # what is under way starts again behind this moment, as in LEAN; universes too
        if self.restart is not None:
            for pulse in list(self._pulses):
                if pulse.due != _NEVER and pulse.universe.configuration.fill_data_forward:
                    self.restart(pulse.universe)
        for held in self._subscriptions:
            if held.chunks is not None and held.config.fill_data_forward:
                held.start = from_micro(self._now + 1)
                held.chunks, held.due, held.warmup = None, -_NEVER, held.warmup

    # -- streams -------------------------------------------------------------------------------

    def _open(self, held: _Subscription) -> None:
        held.chunks = self._chunks(held)
        security = held.config._security
        if getattr(security, "data_filter", None) is not None:
            held.chunks = filtered(held.chunks, security)
        held.load()

    def _chunks(self, held: _Subscription) -> Iterator[Chunk]:
        config = held.config
        if config.is_custom_data:
            for emit, points in feed_chunks(self.custom, held, held.start, held.end, self._fill):
                yield Chunk(emit, points)
            return
        if held.warmup is None or held.warmup[0] in (None, config.resolution):
            yield from self._stream(held, held.start, held.end).chunks()
            return
        yield from self._warm(held, *held.warmup)

    def _warm(
        self, held: _Subscription, resolution: Resolution | None, pivot: datetime
    ) -> Iterator[Chunk]:
        """Yield the data of the warm-up at its own resolution, then that of the subscription."""
        assert resolution is not None
        limit, last = to_micro(pivot), -_NEVER
        share = held.config.security_type == SecurityType.EQUITY
        # shares have no quotes by hour or day
        valid = not (share and held.config._type is QuoteBar and resolution >= Resolution.HOUR)
        if valid:
            fill = INCREMENTS[resolution] // _MICRO
            stream = self._stream(held, held.start, pivot, resolution, fill)
            for chunk in stream.chunks():
                count = sum(1 for emit in chunk.emit if emit <= limit)
                if count:
                    last = chunk.emit[count - 1]
                yield Chunk(chunk.emit[:count], chunk.points[:count])
        stream = self._stream(held, pivot - timedelta(days=5), held.end)
        for chunk in stream.chunks():
            skip = sum(1 for emit in chunk.emit if emit < limit or emit <= last)
            yield Chunk(chunk.emit[skip:], chunk.points[skip:])

    def _stream(
        self,
        held: _Subscription,
        start: datetime,
        end: datetime,
        resolution: Resolution | None = None,
        fill: int | None = None,
    ) -> Stream:
        config = held.config
        request = request_of(config, start, end, self._fill if fill is None else fill)
        if resolution is not None:
            strict = use_strict_times(
                config._daily_precise_end_time, config.symbol, resolution, request.hours
            )
            request = replace(request, resolution=resolution, strict=strict)
        kind = TickStream if request.resolution is Resolution.TICK else Stream
        stream = kind(request, self.files, self.auxiliary)
        # bars of days to come lie in memory: few days where there are many subscriptions
        stream.days_ahead = max(1, min(stream.days_ahead, _DAYS_IN_MEMORY // len(self._by_config)))
        for told, note in zip(
            self._limits, (stream.limited_precision, stream.limited_start), strict=False
        ):
            if note:
                told.setdefault(config.symbol, note)
        return stream

    def closing_notes(self) -> list[str]:
        """Return what LEAN tells the user at the end of a run about data that began later than
        asked for.
        """
        texts = (
            "Due to numerical precision issues in the factor file, data for the following symbols "
            "was adjust to a later starting date: ",
            "The starting dates for the following symbols have been adjusted to match their map "
            "files first date: ",
        )
        return [
            text
            + ", ".join(list(told.values())[:_NOTED_SYMBOLS])
            + ("..." if len(told) >= _NOTED_SYMBOLS else "")
            for text, told in zip(texts, self._limits, strict=False)
            if told
        ]

    # -- slices --------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[TimeSlice]:
        """Yield the slices that :meth:`next` gives, until the end."""
        while True:
            slice_ = self.next()
            if slice_ is None:
                return
            yield slice_

    def next(self) -> TimeSlice | None:
        """Return the next slice, or None at the end.

        When universes are due, a time pulse comes first; the call after it selects them
        (:attr:`selector`) and returns
        the data of that moment, that of new subscriptions included.
        """
        lead = self._lead
        if lead is not None and lead.due < self._follower and not lead.mixed:
            return self._next_of(lead)
        if self._held is not None:
            slice_ = self._held
            self._select(slice_)
            self._held = None
            return self._done(slice_)
        band = self._band
        if band:
            # all streams are open, no universe is due any more, and the others' next is known
            frontier = self._follower
            for held in band:
                if held.due < frontier:
                    frontier = held.due
        else:
            frontier = self._frontier_of_all()
        if frontier == _NEVER:
            return self._warmup_over(_NEVER)
        if frontier < self._now:
            frontier = self._now
        if self._waiting_warmup is not None:
            over = self._warmup_over(frontier)
            if over is not None:
                return over
        self._now = frontier
        shown = frontier
        pulses = () if band else self._pulses
        if frontier % 10 == 1 and any(pulse.due == frontier for pulse in pulses):
            # a universe that starts late is one tick behind the moment, which no clock shows
            shown -= 1
            self.late_at = _EPOCH + timedelta(microseconds=shown)
        slice_ = TimeSlice(_EPOCH + timedelta(microseconds=shown), [], [])
        self._collect(slice_, frontier)
        if pulses:
            due_now = [pulse for pulse in pulses if pulse.due <= frontier]
            slice_.count += sum(_points(pulse.universe, slice_.utc) for pulse in due_now)
            # one that was disposed of is selected a last time, to let its members go
            gone = [p for p in pulses if p.due != _NEVER and p.is_disposed]
            due_now += [pulse for pulse in gone if pulse not in due_now]
            for pulse in due_now:
                while pulse.due <= frontier:
                    pulse.advance()
            if gone:
                self._pulses = [p for p in self._pulses if not p.is_disposed]
            slice_.pulses = [pulse.universe for pulse in due_now]
        if slice_.pulses or (self.settle is not None and not self._started):
            self._held = slice_
            self._frontier = frontier
            pulse_slice = TimeSlice.pulse(slice_.utc)
            pulse_slice.pulses = slice_.pulses
            return pulse_slice
        self._started = True
        self.data_points += slice_.count
        if self._waiting_warmup is None:
            self._find_band()
        return slice_

    def _frontier_of_all(self) -> int:
        """Return when the first of all is due; what was not open yet is opened."""
        frontier = _NEVER
        for held in self._subscriptions:
            due = held.due
            if due < frontier:
                if held.chunks is None:
                    self._open(held)
                    due = held.due
                if due < frontier:
                    frontier = due
        for pulse in self._pulses:
            if pulse.due < frontier:
                frontier = pulse.due
        return frontier

    def _find_band(self) -> None:
        """Note which subscriptions send next, and when the first of the others does."""
        first = follower = _NEVER
        band: list[_Subscription] = []
        for held in self._subscriptions:
            due = held.due
            if due < first:
                first, follower, band = due, first, [held]
            elif due == first:
                band.append(held)
            elif due < follower:
                follower = due
        for pulse in self._pulses:
            if pulse.due != _NEVER:
                band = []
        if band and self._now < first < _NEVER:
            self._band, self._follower = tuple(band), follower
            self._lead = band[0] if len(band) == 1 else None
        else:
            self._no_band()

    def _no_band(self) -> None:
        if self._catch_up is not None:
            self._catch_up()
        self._band, self._lead = (), None

    def _next_of(self, lead: _Subscription) -> TimeSlice:
        """Return the next slice where only one subscription has data."""
        self._now = lead.due
        at = lead.at
        point = lead.points[at]
        points = [] if lead.internal else [point]
        slice_ = TimeSlice(lead.moments[at], [(lead.config, point)], points, 1)
        self.data_points += 1
        at += 1
        if at < lead.size:
            lead.at = at
            lead.due = lead.emit[at]
        else:
            lead.load()
        if lead.due <= self._now:
            # more of this moment
            self._collect(slice_, self._now)
            self.data_points += slice_.count - 1
        return slice_

    def _went_on(self, lead: _Subscription, at: int) -> None:
        """Stand where the steps of the band before ``at``, one at least, have been taken."""
        lead.at, lead.due, self._now = at, lead.emit[at], lead.emit[at - 1]

    def _take_back(self, slice_: TimeSlice) -> bool:
        """Take back the last slice where it was the lead's alone: it is its next one again."""
        lead = self._lead
        if lead is None or slice_.count != 1 or len(slice_.updates) != 1:
            return False
        at = lead.at - 1
        if at < 0 or slice_.updates[0][1] is not lead.points[at]:
            return False
        lead.at, lead.due = at, lead.emit[at]
        self.data_points -= 1
        return True

    def _send_again(self) -> None:
        """Undo :meth:`_take_back`."""
        lead = self._lead
        assert lead is not None
        lead.at += 1
        lead.due = lead.emit[lead.at]
        self.data_points += 1

    def _warmup_over(self, frontier: int) -> TimeSlice | None:
        """Return the pulse that ends the warm-up when the next data lies behind it."""
        limit = self._waiting_warmup
        if limit is None or frontier < limit:
            return None
        self._waiting_warmup = None
        if frontier in (limit, _NEVER):
            return None
        self._now = limit
        return TimeSlice.pulse(from_micro(limit))

    def _done(self, slice_: TimeSlice) -> TimeSlice:
        self._started = True
        self.data_points += slice_.count
        return slice_

    def _select(self, slice_: TimeSlice) -> None:
        """Select the universes due, and let what they add come into the same slice."""
        pulses = slice_.pulses
        again = True
        while again:
            known = {id(s) for s in self._subscriptions}
            again = False
            if pulses and self.selector is not None:
                changes = self.selector(slice_.utc, list(pulses))
                pulses = ()
                if changes is not None:
                    slice_.security_changes = (
                        changes
                        if slice_.security_changes is None
                        else slice_.security_changes + changes
                    )
                    slice_.eventful = True
            if self.settle is not None:
                again = bool(self.settle(slice_.utc))
            again = again or any(id(s) not in known for s in self._subscriptions)
            if again:
                for held in self._subscriptions:
                    if held.chunks is None:
                        self._open(held)
                self._collect(slice_, self._frontier)

    def _collect(self, slice_: TimeSlice, frontier: int) -> None:
        updates, points, count = slice_.updates, slice_.points, 0
        for held in self._subscriptions:
            while held.due <= frontier:
                at = held.at
                point = held.points[at]
                count += 1
                if held.mixed and type(point) in _EVENTS:
                    self._special(slice_, held, (held.config, point))
                else:
                    # suspicious ticks are shown, but no price and nothing for consolidators
                    if not held.mixed or not getattr(point, "suspicious", False):
                        updates.append((held.config, point))
                    if not held.internal:
                        points.append(point)
                at += 1
                if at < held.size:
                    held.at = at
                    held.due = held.emit[at]
                else:
                    held.load()
        slice_.count += count

    @staticmethod
    def _special(slice_: TimeSlice, held: _Subscription, pair: Pair) -> None:
        name = _EVENT_FIELDS[type(pair[1])]
        if held.internal and name != "delistings":
            return
        if not held.internal:
            slice_.points.append(pair[1])
        setattr(slice_, name, [*getattr(slice_, name), pair])
        slice_.eventful = True

    @staticmethod
    def _drop(slice_: TimeSlice, config: SubscriptionDataConfig) -> None:
        gone = [id(pair[1]) for pair in slice_.updates if pair[0] is config]
        gone += [
            id(pair[1])
            for pairs in (
                slice_.dividends,
                slice_.splits,
                slice_.delistings,
                slice_.symbol_changes,
            )
            for pair in pairs
            if pair[0] is config
        ]
        dropped = set(gone)
        slice_.count -= len(gone)
        slice_.points = [p for p in slice_.points if id(p) not in dropped]
        for name in ("updates", "dividends", "splits", "delistings", "symbol_changes"):
            setattr(slice_, name, [p for p in getattr(slice_, name) if p[0] is not config])


def _points(universe: Any, utc: datetime) -> int:
    """Return how many data points a selection is: one, or those of its own data."""
    count = getattr(universe, "_points_at", None)
    return 1 if count is None else int(count(utc))


_EPOCH = from_micro(0)
_EVENT_FIELDS: dict[type, str] = {
    Dividend: "dividends",
    Split: "splits",
    Delisting: "delistings",
    SymbolChangedEvent: "symbol_changes",
}
_EVENTS = frozenset(_EVENT_FIELDS)


def request_of(
    config: SubscriptionDataConfig, start: datetime, end: datetime, fill: int | None
) -> Request:
    """Return the request of a subscription; the hours are those of its security."""
    security = config._security
    hours = security.exchange.hours
    return Request(
        symbol=config.symbol,
        resolution=config.resolution,
        tick_type=config.tick_type,
        hours=hours,
        data_zone=config.data_time_zone,
        start=start,
        end=end,
        quote=config._type is QuoteBar,
        fill=fill if config.fill_data_forward else None,
        extended=config.extended_market_hours,
        filtered=config.is_filtered_subscription,
        strict=use_strict_times(
            config._daily_precise_end_time, config.symbol, config.resolution, hours
        ),
        mode=config.data_normalization_mode,
        events=config._type is not QuoteBar and config.tick_type is not TickType.QUOTE,
        payouts=not config.is_internal_feed,
    )
