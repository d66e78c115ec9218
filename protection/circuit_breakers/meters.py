"""Statistics for three gauges, from what a host sees anyway.

========== ============== ==========================================================
meter      gauge          figure
========== ============== ==========================================================
MarketWide ``market_wide`` level of the market-wide circuit breaker in force
LimitState ``luld``       1 when the price stands at a band for more than 15 seconds
Cadence    ``mute_feed``  silence over the expected time between two messages
========== ============== ==========================================================
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_NEW_YORK = ZoneInfo("America/New_York")
_LEVELS = ((3, 0.20), (2, 0.13), (1, 0.07))
_LATEST = time(15, 25)
_OPEN, _CLOSE = time(9, 30), time(16, 0)
_PAUSE = timedelta(minutes=15)
_STAND = timedelta(seconds=15)


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

    Parameters
    ----------
    expected : that time
    """

    __slots__ = ("_expected", "_last")

    def __init__(self, expected: timedelta) -> None:
        self._expected = expected
        self._last: datetime | None = None

    def heard(self, now: datetime) -> None:
        """A message came; copies of old bars are none."""
        self._last = now

    def value(self, now: datetime) -> float:
        """Silence in expected times; 0 before the first message."""
        return 0.0 if self._last is None else (now - self._last) / self._expected
