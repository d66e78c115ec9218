"""Statistics for gauges from minute bars, quotes, fills and acknowledgements.

========== ==================== ==============================================================
meter      gauge                figure
========== ==================== ==============================================================
Spike      ``volatility_spike`` volatility of the last minutes over the usual at this time of day
Vpin       ``vpin``             share of one-sided volume in the last 50 buckets of volume
Imbalance  ``imbalance``        larger over smaller side of the book, mean of the last quotes
FillCost   ``slippage``         basis points paid beyond the arrival price, mean of the last fills
AckTimes   ``api_latency``      slowest acknowledgement of the last minute, in milliseconds
AckTimes   ``latency_spike``    the same above the median of the last hundred
========== ==================== ==============================================================

Every figure is a function of what was told before. ``None`` means that too little is known yet.
"""

from __future__ import annotations

import math
from bisect import insort
from collections import deque
from datetime import date, datetime, timedelta
from statistics import median

_PART = 30
"""Minutes of a part of the day."""


class Spike:
    """Volatility of the last quarter of an hour over the usual of this half hour of the day.

    The day has its own pattern: the first half hour is livelier than the third on every day. So the
    usual is the mean variance per minute of the same half hour in past sessions. The step from one
    session to the next counts as nothing.

    Parameters
    ----------
    span : length of the present
    sessions, least : past sessions remembered, and how many of them are needed
    bars : fewest steps in the present
    """

    __slots__ = (
        "_bars",
        "_known",
        "_last",
        "_least",
        "_now",
        "_past",
        "_session",
        "_sessions",
        "_span",
    )

    def __init__(
        self,
        span: timedelta = timedelta(minutes=15),
        sessions: int = 20,
        least: int = 5,
        bars: int = 5,
    ) -> None:
        self._span, self._sessions, self._least, self._bars = span, sessions, least, bars
        self._session: date | None = None
        self._last: tuple[datetime, float] | None = None
        # time, squared logarithmic step, minutes it took
        self._now: deque[tuple[datetime, float, float]] = deque()
        # per half hour of the day and session: sums of squares and of minutes
        self._past: dict[int, deque[list[float]]] = {}
        self._known: tuple[int, float | None] = (-1, None)  # half hour and its usual, this session

    def update(self, time: datetime, price: float, session: date, local: datetime) -> float | None:
        """Take in the close of a bar; present over usual volatility, or None.

        Parameters
        ----------
        time, price : end of the bar and its close, above 0
        session : trading day
        local : the same time on the exchange's clock
        """
        if session != self._session:
            self._session, self._last = session, None
            self._now.clear()
            self._known = (-1, None)
        last, self._last = self._last, (time, price)
        if last is None:
            return None
        minutes = (time - last[0]).total_seconds() / 60.0
        if minutes <= 0.0:
            return None
        square = math.log(price / last[1]) ** 2
        part = (local.hour * 60 + local.minute) // _PART
        if part != self._known[0]:
            self._known = (part, self._usual(part, session))
        usual = self._known[1]
        self._remember(part, session, square, minutes)
        now = self._now
        now.append((time, square, minutes))
        while now[0][0] <= time - self._span:
            now.popleft()
        if usual is None or len(now) < self._bars:
            return None
        present = sum(step[1] for step in now) / sum(step[2] for step in now)
        return math.sqrt(present / usual)

    def _usual(self, part: int, session: date) -> float | None:
        day = float(session.toordinal())
        known = [row for row in self._past.get(part, ()) if row[0] != day]
        squares, minutes = sum(row[1] for row in known), sum(row[2] for row in known)
        if len(known) < self._least or squares <= 0.0:
            return None
        return squares / minutes

    def _remember(self, part: int, session: date, square: float, minutes: float) -> None:
        rows = self._past.setdefault(part, deque(maxlen=self._sessions + 1))
        day = float(session.toordinal())
        if not rows or rows[-1][0] != day:
            rows.append([day, 0.0, 0.0])
        rows[-1][1] += square
        rows[-1][2] += minutes


class Vpin:
    """Volume-synchronised probability of informed trading, by bulk classification of bars.

    A bucket holds a fiftieth of the mean volume of the past sessions; a bar is split where it fills
    one. Its volume counts as bought in the share ``Phi(change of price / standard deviation of such
    changes)`` (Easley, Lopez de Prado and O'Hara, Flow Toxicity and Liquidity in a High-Frequency
    World, Review of Financial Studies 25, 2012).

    Parameters
    ----------
    buckets : in a day's mean volume, and in the figure
    sessions : past sessions of the mean volume
    changes, least : price changes of the standard deviation, and the fewest needed

    Attributes
    ----------
    value : the figure in [0, 1]; None before enough buckets are full
    """

    __slots__ = (
        "_bought",
        "_buckets",
        "_changes",
        "_filled",
        "_last",
        "_least",
        "_session",
        "_size",
        "_sold",
        "_sums",
        "_today",
        "_volumes",
        "value",
    )

    def __init__(
        self, buckets: int = 50, sessions: int = 20, changes: int = 390, least: int = 30
    ) -> None:
        self._buckets, self._least = buckets, least
        self._volumes: deque[float] = deque(maxlen=sessions)
        self._changes: deque[float] = deque(maxlen=changes)
        self._sums = [0.0, 0.0]  # of the changes, of their squares
        self._session: date | None = None
        self._today = 0.0
        self._last = 0.0
        self._size = 0.0
        self._bought = self._sold = 0.0
        self._filled: deque[tuple[float, float]] = deque(maxlen=buckets)  # one-sided, size
        self.value: float | None = None

    def update(self, price: float, volume: float, session: date) -> float | None:
        """Take in a bar's close and volume; the figure, or None before enough buckets are full."""
        if session != self._session:
            if self._today > 0.0:
                self._volumes.append(self._today)
            self._session, self._today, self._last = session, 0.0, 0.0
            if self._volumes and self._bought + self._sold == 0.0:
                self._size = sum(self._volumes) / len(self._volumes) / self._buckets
        self._today += volume
        change = price - self._last if self._last > 0.0 else 0.0
        deviation = self._deviation()
        if self._last > 0.0:
            self._note(change)
        self._last = price
        if volume > 0.0 and self._size > 0.0 and deviation is not None:
            self._fill(volume, bought_share(change, deviation))
        return self.value

    def _note(self, change: float) -> None:
        changes, sums = self._changes, self._sums
        if len(changes) == changes.maxlen:
            old = changes[0]
            sums[0] -= old
            sums[1] -= old * old
        changes.append(change)
        sums[0] += change
        sums[1] += change * change

    def _deviation(self) -> float | None:
        count = len(self._changes)
        if count < self._least:
            return None
        mean = self._sums[0] / count
        return math.sqrt(max(0.0, self._sums[1] / count - mean * mean))

    def _fill(self, volume: float, share: float) -> None:
        while volume > 0.0:
            room = self._size - self._bought - self._sold
            part = min(volume, room)
            self._bought += part * share
            self._sold += part * (1.0 - share)
            volume -= part
            if part >= room:
                self._filled.append((abs(self._bought - self._sold), self._size))
                self._bought = self._sold = 0.0
                self._size = sum(self._volumes) / len(self._volumes) / self._buckets
                if len(self._filled) == self._buckets:
                    whole = sum(row[1] for row in self._filled)
                    self.value = sum(row[0] for row in self._filled) / whole


def bought_share(change: float, deviation: float) -> float:
    """Share of a bar's volume that was bought, from its change of price."""
    if change == 0.0:
        return 0.5
    if deviation <= 0.0:
        return 1.0 if change > 0.0 else 0.0
    return 0.5 * math.erfc(-change / deviation / math.sqrt(2.0))


class Imbalance:
    """Larger over smaller side of the book, geometric mean over the last quotes.

    One quote says little: the sizes at the best prices differ by more than threefold in an ordinary
    minute. Their geometric mean over half an hour of minutes differs when one side stays away.

    Parameters
    ----------
    quotes : of which the mean is taken, all of which are needed
    """

    __slots__ = ("_logs",)

    def __init__(self, quotes: int = 30) -> None:
        self._logs: deque[float] = deque(maxlen=quotes)

    def update(self, bid_size: float, ask_size: float) -> float | None:
        """Take in the sizes of a quote; a missing side counts as a thousandth of the other."""
        if not (0.0 <= bid_size < math.inf and 0.0 <= ask_size < math.inf):
            return None
        if bid_size == 0.0 and ask_size == 0.0:
            return None  # a feed without sizes
        most = 1e-3 * max(bid_size, ask_size)
        logs = self._logs
        logs.append(math.log(max(bid_size, most) / max(ask_size, most)))
        if len(logs) < (logs.maxlen or 1):
            return None
        return math.exp(abs(sum(logs)) / len(logs))


class FillCost:
    """Basis points paid beyond the arrival price, mean of the last fills of a day.

    Parameters
    ----------
    fills : of which the mean is taken, weighted by their size
    memory : after which a fill is forgotten
    """

    __slots__ = ("_memory", "_rows")

    def __init__(self, fills: int = 5, memory: timedelta = timedelta(days=1)) -> None:
        self._memory = memory
        self._rows: deque[tuple[datetime, float, float]] = deque(maxlen=fills)

    def fill(self, now: datetime, quantity: float, price: float, arrival: float) -> float:
        """Take in a fill; the mean, negative when it was better than at arrival.

        Parameters
        ----------
        quantity : signed
        price, arrival : of the fill, and in force when the order was sent; above 0
        """
        paid = math.copysign(1.0, quantity) * (price / arrival - 1.0) * 1e4
        self._rows.append((now, abs(quantity) * arrival, paid))
        return self.value(now)

    def value(self, now: datetime) -> float:
        """The mean; 0 when there was no fill within the memory."""
        rows = [row for row in self._rows if row[0] > now - self._memory]
        weight = sum(row[1] for row in rows)
        return sum(row[1] * row[2] for row in rows) / weight if weight > 0.0 else 0.0


class AckTimes:
    """How long the broker takes to acknowledge orders.

    An order that waits counts with the time it has waited so far. After a minute without orders
    the figure is 0: so a slow broker is tried again and is not slow for ever.

    Parameters
    ----------
    span : over which the slowest counts
    usual, least : acknowledgements of the median, and the fewest needed
    """

    __slots__ = ("_done", "_least", "_order", "_sorted", "_span", "_usual", "_waiting")

    def __init__(
        self, span: timedelta = timedelta(minutes=1), usual: int = 100, least: int = 10
    ) -> None:
        self._span, self._usual, self._least = span, usual, least
        self._waiting: dict[int | str, datetime] = {}
        self._done: deque[tuple[datetime, float]] = deque(maxlen=1000)
        self._order: deque[float] = deque()
        self._sorted: list[float] = []

    def sent(self, order: int | str, now: datetime) -> None:
        """An order went out."""
        self._waiting.setdefault(order, now)

    def heard(self, order: int | str, now: datetime) -> None:
        """The first answer to an order; later ones say nothing about it."""
        begun = self._waiting.pop(order, None)
        if begun is None:
            return
        taken = max(0.0, (now - begun).total_seconds() * 1e3)
        self._done.append((now, taken))
        self._order.append(taken)
        insort(self._sorted, taken)
        if len(self._order) > self._usual:
            self._sorted.remove(self._order.popleft())

    def slowest(self, now: datetime) -> float:
        """Milliseconds of the slowest within the span, those that still wait included."""
        done = self._done
        while done and done[0][0] <= now - self._span:
            done.popleft()
        waits = [(now - begun).total_seconds() * 1e3 for begun in self._waiting.values()]
        return max([taken for _, taken in done] + waits, default=0.0)

    def spike(self, now: datetime) -> float | None:
        """Milliseconds by which the slowest is above the usual; None before that is known."""
        if len(self._sorted) < self._least:
            return None
        return max(0.0, self.slowest(now) - median(self._sorted))
