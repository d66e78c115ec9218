"""What the order checks remember of the market: volumes, and limit-up limit-down bands.

Bands (Plan to Address Extraordinary Market Volatility, through Amendment 18): the reference price
is the mean of the prices of the last five minutes, replaced when the mean differs by 1% or more
and the present one has held for 30 seconds; the first one of a session is its first price. Around
it, by the previous close: above $3 5% (tier 1) or 10% (tier 2), from $0.75 to $3 20%, below $0.75
the lesser of $0.15 and 75%; from 15:35 on doubled for tier 1 and for prices up to $3.
"""

from __future__ import annotations

from collections import deque
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from protection.contracts.records import Bar, Price, Trade

_SPAN = timedelta(minutes=5)
_HOLD = timedelta(seconds=30)
_STEP = 0.01
_OPEN, _LATE, _CLOSE = time(9, 30), time(15, 35), time(16, 0)
_NEW_YORK = ZoneInfo("America/New_York")


def luld_bands(
    reference: float, previous_close: float, tier: int, at: time
) -> tuple[float, float] | None:
    """Lower and upper band, or None outside 9:30-16:00 New York.

    Parameters
    ----------
    reference, previous_close : prices in dollars
    tier : 1 (S&P 500, Russell 1000, some exchange traded products) or 2
    at : time of day in New York
    """
    if not _OPEN <= at < _CLOSE:
        return None
    if previous_close > 3.0:
        width = reference * (0.05 if tier == 1 else 0.10)
    elif previous_close >= 0.75:
        width = reference * 0.20
    else:
        width = min(0.15, reference * 0.75)
    if at >= _LATE and (tier == 1 or previous_close <= 3.0):
        width *= 2.0
    return round(max(0.0, reference - width), 2), round(reference + width, 2)


class Reference:
    """Reference price of one symbol."""

    __slots__ = ("_prices", "_since", "close", "last", "price", "session")

    def __init__(self) -> None:
        self._prices: deque[tuple[datetime, float]] = deque()
        self._since = datetime.min
        self.session: date | None = None
        self.price = 0.0
        self.last = 0.0
        self.close = 0.0

    def update(self, now: datetime, price: float, session: date) -> None:
        """Take in a price."""
        if session != self.session:
            self._prices.clear()
            self.session, self.close = session, self.last
            self.price, self._since = price, now
        self.last = price
        prices = self._prices
        prices.append((now, price))
        while prices[0][0] <= now - _SPAN:
            prices.popleft()
        mean = sum(p for _, p in prices) / len(prices)
        if abs(mean / self.price - 1.0) >= _STEP and now - self._since >= _HOLD:
            self.price, self._since = mean, now


class Market:
    """Symbols seen, their volumes and reference prices; kept only as far as a check needs them.

    Parameters
    ----------
    sessions : length of the average daily volume; 0 for none
    bands : whether reference prices are kept
    """

    __slots__ = ("_bands", "_references", "_sessions", "_volumes", "seen")

    def __init__(self, sessions: int, bands: bool) -> None:
        self._sessions, self._bands = sessions, bands
        self.seen: set[str] = set()
        self._volumes: dict[str, tuple[deque[float], date, float]] = {}
        self._references: dict[str, Reference] = {}

    def observe(self, record: Price, session: date, price: float | None) -> None:
        """Take in a good record; copies of old bars tell nothing."""
        symbol = record.symbol
        self.seen.add(symbol)
        if isinstance(record, Bar):
            if record.filled_forward:
                return
            size = record.volume
        else:
            size = record.size if isinstance(record, Trade) else 0.0
        if self._sessions and size >= 0.0:
            past, day, running = self._volumes.get(symbol, (deque(), session, 0.0))
            if day != session:
                past.append(running)
                running = 0.0
                if len(past) > self._sessions:
                    past.popleft()
            self._volumes[symbol] = (past, session, running + size)
        if self._bands and price is not None:
            self._references.setdefault(symbol, Reference()).update(record.time, price, session)

    def average_volume(self, symbol: str) -> float:
        """Mean volume of the past sessions; 0 when none is known."""
        known = self._volumes.get(symbol)
        if known is None or not known[0]:
            return 0.0
        return sum(known[0]) / len(known[0])

    def bands(self, symbol: str, tier: int, now: datetime) -> tuple[float, float] | str | None:
        """Bands of a symbol, None where there are none now, or why they are unknown."""
        known = self._references.get(symbol)
        local = now.astimezone(_NEW_YORK)
        if known is None or known.session != local.date():
            return f"limit-up limit-down: no price of {symbol} was observed today"
        return luld_bands(known.price, known.close or known.price, tier, local.time())
