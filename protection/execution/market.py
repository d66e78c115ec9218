"""State of one symbol's market as far as the cost of trading depends on it."""

from __future__ import annotations

import math
from collections import deque
from datetime import timedelta

import numpy as np

from protection.contracts.records import Bar
from protection.execution.spread import edge_spread

_LONG = timedelta(hours=12)
_REFRESH = 10
"""Bars between two estimates of the spread from bars."""


class MarketState:
    """Exponential means of spread, volatility and volume.

    Each mean starts as a plain one: the weight of a new value is ``max(1 / n, 1 / span)``, so that
    the first value does not count for more than its share.

    Volatility and volume are those of one bar. Bars shorter than half a day count from open to
    close, as the night between two sessions trades no volume; longer ones from close to close.

    Parameters
    ----------
    memory, usual : bars in the present and in the usual volatility
    quotes : quotes in the present spread
    window : bars behind a spread estimated from bars
    """

    __slots__ = (
        "_bars",
        "_close",
        "_count",
        "_edge",
        "_fast",
        "_memory",
        "_quote_span",
        "_quoted",
        "_seen",
        "_slow",
        "_usual",
        "_volume",
    )

    def __init__(self, memory: int, usual: int, quotes: int, window: int) -> None:
        self._memory, self._usual, self._quote_span = memory, usual, quotes
        self._bars: deque[tuple[float, float, float, float]] = deque(maxlen=window)
        self._close = 0.0
        self._count = self._seen = 0
        self._fast = self._slow = self._volume = 0.0
        self._quoted = 0.0
        self._edge: float | None = None

    def take_quote(self, bid: float, ask: float) -> None:
        """Take in best bid and ask; crossed, one-sided and impossible ones are left out."""
        if not (0.0 < bid <= ask < math.inf):
            return
        self._seen += 1
        half = (ask - bid) / (ask + bid)
        self._quoted += max(1.0 / self._seen, 1.0 / self._quote_span) * (half - self._quoted)

    def take_bar(self, bar: Bar) -> None:
        """Take in a bar of trades; copies of earlier ones and impossible ones are left out."""
        prices = (bar.open, bar.high, bar.low, bar.close)
        if bar.filled_forward or not all(0.0 < price < math.inf for price in prices):
            return
        start = bar.open if bar.period < _LONG or not self._close else self._close
        self._close = bar.close
        step = math.log(bar.close / start)
        self._count += 1
        fast = max(1.0 / self._count, 1.0 / self._memory)
        slow = max(1.0 / self._count, 1.0 / self._usual)
        self._fast += fast * (step * step - self._fast)
        self._slow += slow * (step * step - self._slow)
        volume = bar.volume if 0.0 <= bar.volume < math.inf else 0.0
        self._volume += fast * (volume - self._volume)
        self._bars.append(prices)
        if self._count % _REFRESH == 0 and not self._seen and len(self._bars) >= 20:
            table = np.array(self._bars)
            spread = edge_spread(*table.T)
            if math.isfinite(spread):
                self._edge = 0.5 * spread

    @property
    def volatility(self) -> float:
        """Present volatility of one bar; 0 before the first."""
        return math.sqrt(self._fast)

    @property
    def volume(self) -> float:
        """Present volume of one bar."""
        return self._volume

    @property
    def regime(self) -> float:
        """Present over usual volatility, at least 1."""
        return math.sqrt(max(1.0, self._fast / self._slow)) if self._slow > 0.0 else 1.0

    @property
    def half_spread(self) -> float | None:
        """Half-spread as a fraction of the price: quoted, else from bars, else None."""
        return self._quoted if self._seen else self._edge

    @property
    def source(self) -> str:
        """Where the half-spread is from."""
        if self._seen:
            return "quotes"
        return "unknown" if self._edge is None else "bars"

    def pressure(self, quantity: float) -> tuple[float, float]:
        """``sigma sqrt(|Q| / V)`` and ``|Q| / V``.

        Without any volume an order is the whole market: the share counts as 1 and is told as NaN.
        """
        size = abs(quantity)
        if size == 0.0:
            return 0.0, 0.0
        if not self._volume > 0.0:
            return self.volatility, math.nan
        share = size / self._volume
        return self.volatility * math.sqrt(share), share
