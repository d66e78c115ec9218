"""Statistics for four gauges, from what a host sees anyway.

============ =============== ==========================================================
meter        gauge           figure
============ =============== ==========================================================
MarketWide   ``market_wide`` level of the market-wide circuit breaker in force
LimitState   ``luld``        1 when the price stands at a band for more than 15 seconds
Cadence      ``mute_feed``   silence over the expected time between two messages
NewsCalendar ``news``        1 inside the window of an announcement
============ =============== ==========================================================
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from protection.contracts.actions import PORTFOLIO
from protection.contracts.clock import as_utc
from protection.contracts.errors import FixInput

_NEW_YORK = ZoneInfo("America/New_York")
_LEVELS = ((3, 0.20), (2, 0.13), (1, 0.07))
_LATEST = time(15, 25)
_OPEN, _CLOSE = time(9, 30), time(16, 0)
_PAUSE = timedelta(minutes=15)
_STAND = timedelta(seconds=15)
_GAPS = 100


class MarketWide:
    """Market-wide halts on the S&P 500 against its prior close.

    7% and 13% before 15:25 New York time halt for 15 minutes, each once a day; 20% at any time
    halts for the rest of the session.
    """

    __slots__ = ("_day", "_seen", "_until", "level")

    def __init__(self) -> None:
        self._day: date | None = None
        self._seen = 0
        self._until: datetime | None = None
        self.level = 0

    def update(self, now: datetime, price: float, prior_close: float) -> float:
        """Level in force; not a number when a price is impossible.

        Parameters
        ----------
        now : aware time of the price
        price, prior_close : of the index
        """
        if not (0.0 < price < float("inf") and 0.0 < prior_close < float("inf")):
            return float("nan")
        local = now.astimezone(_NEW_YORK)
        if local.date() != self._day:
            self._day, self._seen, self._until, self.level = local.date(), 0, None, 0
        if self._until is not None and now >= self._until:
            self._until, self.level = None, 0
        fall = 1.0 - price / prior_close
        if _OPEN <= local.time() < _CLOSE:
            for level, threshold in _LEVELS:
                if fall < threshold - 1e-12 or level <= self._seen:
                    continue
                if level == 3 or local.time() < _LATEST:
                    self._seen = self.level = level
                    self._until = None if level == 3 else now + _PAUSE
                break
        return float(self.level)


class LimitState:
    """How long a price has stood at a limit-up limit-down band."""

    __slots__ = ("_since",)

    def __init__(self) -> None:
        self._since: datetime | None = None

    def update(self, now: datetime, price: float, bands: tuple[float, float] | None) -> float:
        """1 when it has for more than 15 seconds, else 0; ``None`` bands are none in force."""
        if bands is None or bands[0] < price < bands[1]:
            self._since = None
            return 0.0
        if self._since is None:
            self._since = now
        return 1.0 if now - self._since > _STAND else 0.0


class Cadence:
    """Silence of a feed over the time that should lie between two messages.

    That time is the promised one, or longer for a source that is seldom heard: the interval that
    all but one in twenty of its last hundred were not longer than.

    Parameters
    ----------
    expected : the promised time
    """

    __slots__ = ("_expected", "_gaps", "_last", "_order")

    def __init__(self, expected: timedelta) -> None:
        self._expected = expected
        self._last: datetime | None = None
        self._order: deque[timedelta] = deque()
        self._gaps: list[timedelta] = []

    def heard(self, now: datetime) -> None:
        """A message came; copies of old bars are none."""
        if self._last is not None:
            gap = now - self._last
            self._order.append(gap)
            insort(self._gaps, gap)
            if len(self._order) > _GAPS:
                self._gaps.remove(self._order.popleft())
        self._last = now

    def pause(self) -> None:
        """The source rests: the time to its next message is no silence."""
        self._last = None

    @property
    def expected(self) -> timedelta:
        """Time that should lie between two messages."""
        gaps = self._gaps
        if len(gaps) < _GAPS // 5:
            return self._expected
        return max(self._expected, gaps[int(0.95 * (len(gaps) - 1))])

    def value(self, now: datetime) -> float:
        """Silence in expected times; 0 before the first message."""
        return 0.0 if self._last is None else (now - self._last) / self.expected


@dataclass(frozen=True, slots=True)
class Announcement:
    """One entry of a calendar; ``scope`` is ``portfolio`` or a ticker."""

    begin: datetime
    end: datetime
    scope: str


class NewsCalendar:
    """Windows around announcements.

    One a line: time with its zone, minutes before, minutes after, and a ticker where it concerns
    one alone::

        # FOMC, then earnings
        2024-03-20T14:00:00-04:00, 30, 60
        2024-05-02T16:30:00-04:00, 15, 120, AAPL

    A strategy on daily bars looks once a day: its windows must be as long as a day.
    """

    __slots__ = ("entries",)

    def __init__(self, entries: list[Announcement]) -> None:
        self.entries = sorted(entries, key=lambda entry: entry.begin)

    @classmethod
    def read(cls, text: str) -> NewsCalendar:
        """Calendar of a text.

        Raises
        ------
        FixInput
            For a line that is no entry; the sentence names it.
        """
        entries = []
        for number, line in enumerate(text.splitlines(), 1):
            parts = [part.strip() for part in line.partition("#")[0].split(",")]
            if parts == [""]:
                continue
            try:
                moment, before, after = as_utc(datetime.fromisoformat(parts[0])), *parts[1:3]
                begin = moment - timedelta(minutes=float(before))
                end = moment + timedelta(minutes=float(after))
                scope = parts[3] if len(parts) > 3 else PORTFOLIO
                if not begin <= moment < end or not scope or len(parts) > 4:
                    raise ValueError(line)
            except (ValueError, OverflowError, FixInput) as error:
                raise FixInput(
                    f"expected line {number} of the calendar as '2024-03-20T14:00:00-04:00, 30, "
                    f"60' and perhaps a ticker, was {line!r}"
                ) from error
            entries.append(Announcement(begin, end, scope))
        return cls(entries)

    def inside(self, now: datetime) -> set[str]:
        """Scopes in whose window a moment lies; the end is outside."""
        found = set()
        for entry in self.entries:
            if entry.begin > now:
                break
            if now < entry.end:
                found.add(entry.scope)
        return found
