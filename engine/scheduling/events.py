"""Scheduled events and the handler that fires them in LEAN's order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from engine.types.dotnet import LeanObject

NEVER = datetime(9999, 12, 31)


def _nothing() -> None:
    """Stand in for a callback that was not given."""


class ScheduledEvent(LeanObject):
    """A callback with its (lazy) stream of UTC times."""

    __slots__ = ("_callback", "_current", "_times", "enabled", "name")

    def __init__(
        self,
        name: str,
        ordered_event_utc_times: Iterable[datetime] | datetime,
        callback: Callable[..., Any] | None = None,
    ) -> None:
        self.name = name
        self.enabled = True
        self._callback = callback or _nothing
        times = ordered_event_utc_times
        self._times: Iterator[datetime] = iter((times,) if isinstance(times, datetime) else times)
        # LEAN asks for the first time only when it is needed: universes and warm-up may still move
        # the clock
        self._current: datetime | None = None

    @property
    def _next(self) -> datetime:
        current = self._current
        if current is None:
            current = self._current = next(self._times, NEVER)
        return current

    def _skip_until(self, utc: datetime) -> None:
        while self._next < utc:
            self._current = None

    def _scan(self, utc: datetime) -> None:
        while self._next <= utc:
            if self.enabled:
                self._callback()
            self._current = None

    def __str__(self) -> str:
        return self.name


class RealTimeHandler:
    """Fires scheduled events as LEAN's backtesting handler does.

    Events of one moment keep the order in which they were registered; an event that moves on is put
    back by the same binary search as LEAN's, so that ties come out the same way.
    """

    __slots__ = ("_algorithm", "_ids", "_new", "_running", "_sorted", "_stale", "next_utc")

    def __init__(self, algorithm: Any) -> None:
        self._algorithm = algorithm
        self._ids: dict[ScheduledEvent, int] = {}
        self._new = 0
        self._sorted: list[ScheduledEvent] = []
        self._stale = False
        self._running = False
        #: time of the earliest event: the step looks at it before it calls anything
        self.next_utc: datetime = NEVER

    def add(self, event: ScheduledEvent) -> None:
        """Register an event; times before now are skipped, once the run has begun.

        Events made in ``initialize`` are not asked for a time before the run begins: the warm-up
        may begin earlier than the clock shows there.
        """
        self._new += 1
        self._ids[event] = self._new
        self._stale = True
        if self._running:
            event._skip_until(self._algorithm._utc)
            self.next_utc = min(self.next_utc, event._next)

    def remove(self, event: ScheduledEvent) -> None:
        """Forget an event."""
        self._ids.pop(event, None)
        self._stale = True

    def setup(self) -> None:
        """Skip what lies before the (warm-up) start; called when the run begins."""
        self._running = True
        now = self._algorithm._utc
        for event in self._ids:
            event._skip_until(now)
        self._stale = True
        self._events()

    def _events(self) -> list[ScheduledEvent]:
        if self._stale:
            self._stale = False
            ids = self._ids
            self._sorted = sorted(ids, key=lambda e: (e._next, ids[e]))
            self.next_utc = self._sorted[0]._next if self._sorted else NEVER
        return self._sorted

    def scan_past(self, utc: datetime) -> None:
        """Fire what lies before ``utc``, each event at its own time of the algorithm's clock."""
        algorithm = self._algorithm
        events = self._events()
        while events and events[0]._next < utc:
            event = events[0]
            moment = event._next
            algorithm._set_utc(moment)
            event._scan(moment)
            _resort_first(events)
            events = self._events()
        self.next_utc = events[0]._next if events else NEVER

    def set_time(self, utc: datetime) -> None:
        """Fire what is due at ``utc``."""
        events = self._events()
        while events and events[0]._next <= utc:
            events[0]._scan(utc)
            _resort_first(events)
            events = self._events()
        self.next_utc = events[0]._next if events else NEVER


def _resort_first(events: list[ScheduledEvent]) -> None:
    event = events[0]
    moment = event._next
    if len(events) < 2 or moment <= events[1]._next:
        return
    del events[0]
    low, high = 0, len(events) - 1
    position = -1
    while low <= high:
        middle = low + (high - low) // 2
        other = events[middle]._next
        if moment < other:
            high = middle - 1
        elif moment > other:
            low = middle + 1
        else:
            position = middle + 1
            break
    events.insert(low if position < 0 else position, event)
