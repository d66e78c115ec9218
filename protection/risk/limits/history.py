"""Daily returns of every symbol from whatever is observed, for the scenarios of the book."""

from __future__ import annotations

import math
from collections import deque
from datetime import date
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from protection.risk.tails.empirical import tail_rows
from protection.risk.var_es.online_portfolio import PortfolioTail

LEVEL = 0.95
"""Of the VaR and ES that limits refer to."""

Table: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64], float, int]

_KEPT = 320
"""Sessions kept to rebuild the scenarios when a symbol is new: the window and its warm-up."""


class ScenarioFeed:
    """Keeps a :class:`PortfolioTail` fed with one row of returns for each finished session.

    The return of a session is its last price over the last price of the session before it that
    had one. A session counts when the first record of a later one comes, so that scenarios never
    contain the running session. A symbol that is new makes the scenarios anew from the sessions
    kept: its own earlier rows are missing, and it is judged by the conservative fallback until it
    has enough of its own.

    Nothing is stored over a restart: the host's warm-up fills the window again.

    Parameters
    ----------
    window, minimum, prior_volatility : see :class:`PortfolioTail`
    """

    __slots__ = (
        "_before",
        "_last",
        "_minimum",
        "_prior",
        "_rows",
        "_session",
        "_table",
        "_window",
        "places",
        "tail",
    )

    def __init__(self, window: int, minimum: int, prior_volatility: float) -> None:
        self._window, self._minimum, self._prior = window, minimum, prior_volatility
        self._session: date | None = None
        self._last: dict[str, float] = {}
        self._before: dict[str, float] = {}
        self._rows: deque[dict[str, float]] = deque(maxlen=max(_KEPT, window + 60))
        self._table: Table | None = None
        self.places: dict[str, int] = {}
        self.tail: PortfolioTail | None = None

    @property
    def table(self) -> Table:
        """Scenarios by symbol, stand-alone volatilities, and where their 95% tail is read."""
        if self._table is None:
            returns, alone = (
                (np.zeros((0, 0)), np.zeros(0)) if self.tail is None else self.tail.table()
            )
            self._table = (returns, alone, *tail_rows(max(1, returns.shape[1]), LEVEL))
        return self._table

    def observe(self, symbol: str, session: date, price: float) -> bool:
        """Take in the price of a symbol; whether a session was finished by it.

        A price of an earlier session than the running one is left out.
        """
        finished = False
        if session != self._session:
            if self._session is not None:
                if session < self._session:
                    return False
                self._finish()
                finished = True
            self._session = session
        self._last[symbol] = price
        return finished

    def know(self, symbol: str) -> int:
        """Column of a symbol, made when it is new."""
        place = self.places.get(symbol)
        if place is None:
            self._rebuild([*self.places, symbol])
            place = self.places[symbol]
        return place

    def _finish(self) -> None:
        row: dict[str, float] = {}
        before = self._before
        for symbol, price in self._last.items():
            known = before.get(symbol)
            if known is not None and known > 0.0:
                value = price / known - 1.0
                if math.isfinite(value):
                    row[symbol] = value
            before[symbol] = price
        self._last.clear()
        if not row:
            return
        self._rows.append(row)
        fresh = [symbol for symbol in row if symbol not in self.places]
        if fresh:
            self._rebuild([*self.places, *fresh])
        elif self.tail is not None:
            self._take(self.tail, row)

    def _take(self, tail: PortfolioTail, row: dict[str, float]) -> None:
        values = np.full(len(self.places), np.nan)
        for symbol, value in row.items():
            values[self.places[symbol]] = value
        tail.update(values)
        self._table = None

    def _rebuild(self, symbols: list[str]) -> None:
        self.places = {symbol: place for place, symbol in enumerate(symbols)}
        tail = PortfolioTail(
            symbols,
            window=self._window,
            minimum=self._minimum,
            prior_volatility=self._prior,
        )
        for row in self._rows:
            self._take(tail, row)
        self.tail, self._table = tail, None
