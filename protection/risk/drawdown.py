"""Drawdown accounting: peaks, the 24-hour window, the day's start.

Every figure at time t is a function of the observations up to t alone. Nothing that trips ever
lowers a peak; only money paid in or out moves the peaks, in proportion, so that the drawdown in
per cent is the same just before and just after the payment (the account is measured like a fund's
unit value). Adding the amount to the peak instead would let a deposit talk a drawdown away.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from protection.contracts.errors import FixInput, RecoverState

SESSIONS_PER_YEAR = 252


class DrawdownReading(NamedTuple):
    """State of the account after one observation; losses are fractions, positive is bad.

    Attributes
    ----------
    equity : the observation
    lifetime_peak, window_peak, forgiving_peak, recent_peak : highest equity ever, of the last
        sessions, ever but decaying, and within the window of hours
    day_start : equity at the end of the last session
    lifetime, window, recent, day : loss from the peak of that name, and from the day's start
    session_index : number of sessions seen, the first is 0
    """

    equity: float
    lifetime_peak: float
    window_peak: float
    forgiving_peak: float
    recent_peak: float
    day_start: float
    lifetime: float
    window: float
    recent: float
    day: float
    session_index: int


# the generated constructor costs three times as much
_new = tuple.__new__


class DrawdownAccount:
    """Online accounting of one account's drawdowns.

    Parameters
    ----------
    sessions : length of the rolling peak, the present session included
    hours : length of the short window; equity is taken as a step function, so the value that was
        in force when the window began belongs to it. On daily bars a 24-hour window therefore
        holds the last session's close, also over a weekend.
    decay : yearly decay of the forgiving peak, applied per session as (1 - decay)^(1/252)
    """

    __slots__ = (
        "_day_start",
        "_fade",
        "_flow",
        "_forgiving",
        "_highs",
        "_index",
        "_last",
        "_last_time",
        "_lifetime",
        "_reading",
        "_recent",
        "_session",
        "_sessions",
        "_span",
    )

    def __init__(self, sessions: int = 252, hours: float = 24.0, decay: float = 0.05) -> None:
        self._sessions = sessions
        self._span = timedelta(hours=hours)
        self._fade = math.pow(1.0 - decay, 1.0 / SESSIONS_PER_YEAR)
        self._session: date | None = None
        self._index = -1
        self._last = 0.0
        self._last_time: datetime | None = None
        self._lifetime = 0.0
        self._forgiving = 0.0
        self._day_start = 0.0
        self._flow = 0.0
        # (session number, its highest equity), highs falling: the front is the rolling peak
        self._highs: deque[tuple[int, float]] = deque()
        # (end of validity, equity), equity falling: the front is the window's peak
        self._recent: deque[tuple[datetime, float]] = deque()
        self._reading: DrawdownReading | None = None

    @property
    def reading(self) -> DrawdownReading | None:
        """The last reading, None before the first observation."""
        return self._reading

    @property
    def session(self) -> date | None:
        """Session of the last observation."""
        return self._session

    @property
    def session_index(self) -> int:
        """Number of the present session, -1 before the first observation."""
        return self._index

    @property
    def last_time(self) -> datetime | None:
        """Time of the last observation."""
        return self._last_time

    @property
    def believed(self) -> float:
        """Believed equity of the last observation, 0 before the first."""
        return self._last

    @property
    def pending_flow(self) -> float:
        """Money paid in or out that the next observation will contain."""
        return self._flow

    def cash_flow(self, amount: float) -> None:
        """Announce money paid in (positive) or out (negative).

        The next observation must contain it. Peaks are then scaled by equity over equity without
        the payment.

        Raises
        ------
        FixInput
            When the amount is not finite.
        """
        if not math.isfinite(amount):
            raise FixInput(f"expected a finite cash flow, was {amount}")
        self._flow += amount

    def update(
        self, time: datetime, equity: float, session: date, believed: float | None = None
    ) -> tuple[DrawdownReading, float]:
        """Take one observation.

        Parameters
        ----------
        time : aware UTC, not before the last one
        equity : net liquidation value, finite and positive
        session : trading day it belongs to, not before the last one
        believed : equity without gains that nothing confirms; peaks and the day's start rise to
            that only. It lowers none of them. None: all of it is believed

        Returns
        -------
        reading, factor : the new reading, and the factor by which a cash flow scaled every base
            (1.0 without one), for whoever keeps bases of his own

        Raises
        ------
        FixInput
            When equity, time or session is impossible; nothing has changed then.
        """
        if not (equity > 0.0 and math.isfinite(equity)):
            raise FixInput(f"expected a finite equity above 0, was {equity}")
        last_time = self._last_time
        if last_time is not None and time < last_time:
            raise FixInput(f"expected a time from {last_time} on, was {time}")
        if self._session is not None and session < self._session:
            raise FixInput(f"expected a session from {self._session} on, was {session}")

        factor = 1.0
        if self._flow != 0.0 and self._index >= 0:
            factor = self._apply_flow(equity)
        self._flow = 0.0

        highs = self._highs
        if session != self._session:
            self._day_start = self._last if self._index >= 0 else equity
            self._session = session
            self._index += 1
            self._forgiving *= self._fade
            while highs and highs[0][0] <= self._index - self._sessions:
                highs.popleft()
        recent = self._recent
        if last_time is not None:
            last = self._last
            while recent and recent[-1][1] <= last:
                recent.pop()
            recent.append((time, last))
            begin = time - self._span
            while recent and recent[0][0] <= begin:
                recent.popleft()

        # What is not believed counts as the value before it, if that was not more.
        base = equity if believed is None else min(equity, max(believed, self._last))
        if base > self._lifetime:
            self._lifetime = base
        if base > self._forgiving:
            self._forgiving = base
        while highs and highs[-1][1] <= base:
            highs.pop()
        if not highs or highs[-1][0] != self._index:
            highs.append((self._index, base))
        self._last = base
        self._last_time = time

        window_peak = highs[0][1]
        recent_peak = recent[0][1] if recent and recent[0][1] > base else base
        lifetime, start = self._lifetime, self._day_start
        figures = (
            equity,
            lifetime,
            window_peak,
            self._forgiving,
            recent_peak,
            start,
            1.0 - equity / lifetime if lifetime > equity else 0.0,
            1.0 - equity / window_peak if window_peak > equity else 0.0,
            1.0 - equity / recent_peak if recent_peak > equity else 0.0,
            1.0 - equity / start if start > equity else 0.0,
            self._index,
        )
        self._reading = reading = _new(DrawdownReading, figures)
        return reading, factor

    def _apply_flow(self, equity: float) -> float:
        before = equity - self._flow
        # An account refilled from nothing has no unit value to keep: its old peaks stand.
        factor = equity / before if before > 0.0 else 1.0
        self._last *= factor
        self._lifetime *= factor
        self._forgiving *= factor
        self._day_start *= factor
        self._highs = deque((index, high * factor) for index, high in self._highs)
        self._recent = deque((end, value * factor) for end, value in self._recent)
        return factor

    def snapshot(self) -> dict[str, Any]:
        """Everything a restart needs, as plain data."""
        return {
            "session": None if self._session is None else self._session.isoformat(),
            "index": self._index,
            "last": self._last,
            "last_time": None if self._last_time is None else self._last_time.isoformat(),
            "lifetime": self._lifetime,
            "forgiving": self._forgiving,
            "day_start": self._day_start,
            "flow": self._flow,
            "highs": [[index, high] for index, high in self._highs],
            "recent": [[end.isoformat(), value] for end, value in self._recent],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over a snapshot.

        Raises
        ------
        RecoverState
            When it is not one.
        """
        try:
            session, last_time = state["session"], state["last_time"]
            highs = deque((int(index), float(high)) for index, high in state["highs"])
            recent = deque(
                (datetime.fromisoformat(t), float(value)) for t, value in state["recent"]
            )
            numbers = {
                name: float(state[name])
                for name in ("last", "lifetime", "forgiving", "day_start", "flow")
            }
            index = int(state["index"])
            parsed_session = None if session is None else date.fromisoformat(session)
            parsed_time = None if last_time is None else datetime.fromisoformat(last_time)
        except (KeyError, TypeError, ValueError) as error:
            raise RecoverState(f"expected a drawdown snapshot, was not: {error!r}") from error
        if (index >= 0) != (parsed_time is not None and parsed_session is not None and bool(highs)):
            raise RecoverState(f"expected a drawdown snapshot with its peaks, had {len(highs)}")
        self._session, self._last_time, self._index = parsed_session, parsed_time, index
        self._highs, self._recent = highs, recent
        self._last, self._lifetime = numbers["last"], numbers["lifetime"]
        self._forgiving, self._day_start = numbers["forgiving"], numbers["day_start"]
        self._flow = numbers["flow"]
        self._reading = None
