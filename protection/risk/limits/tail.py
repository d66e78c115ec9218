"""VaR and ES of the book before an order is sent: the pre-trade limit on tail risk.

One-day VaR and ES at 95% from :class:`PortfolioTail`, with the order and everything that may still
fill. VaR above 5% of equity is a warning, above 8% no new positions are taken, ES above 7.5% the
same. An order that lowers both is let through at any level: it is the way back.

VaR limits cut when volatility is high already. That is a choice: it keeps the loss of the next day
bounded, and it sells after falls. The drawdown breakers do not depend on any of this.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from protection.contracts.limit_settings import TailSettings
from protection.contracts.records import Portfolio
from protection.risk.limits.base import Candidate, Objection
from protection.risk.limits.book import book_of
from protection.risk.limits.history import LEVEL, ScenarioFeed, Table
from protection.risk.limits.tally import Shape
from protection.risk.tails.student import student_var_es
from protection.risk.var_es.estimates import OrderEffect, TailEstimate
from protection.risk.var_es.online_portfolio import BASIS, SHORT

_SLACK = 1e-9
_HALVINGS = 24
_MOST = 6
"""Uncertain orders whose combinations are all tried."""


@dataclass(frozen=True, slots=True)
class TailReading:
    """Tail risk of the account.

    Attributes
    ----------
    var, es : one-day losses at 95% over equity; NaN when they cannot be told
    grade : ``ok``, ``warn`` or ``halt``
    basis : what answered; says so when it was the conservative fallback
    """

    var: float
    es: float
    grade: str
    basis: str


class Base(NamedTuple):
    """Books that may come about around a symbol, worked out before an order is known.

    Attributes
    ----------
    table : scenarios and where their tail is read, as they were then
    books : exposures (books, symbols)
    losses, apart : of them, see :func:`book_kernels.books_alone`
    """

    table: Table
    books: NDArray[np.float64]
    losses: NDArray[np.float64]
    apart: NDArray[np.float64]


class Prepared(NamedTuple):
    """An order among the books: its symbol's place and value in them, before it, and its own."""

    base: Base
    place: int
    start: float
    ahead: float
    change: float


class TailLimit:
    """Warning and limits on VaR and ES, counted with everything pending.

    Orders of the candidate's own side and symbol are counted in full. What other symbols may still
    do is uncertain: their sure exits are credited, and of the rest every combination is tried (of
    more than six, every combination of the six largest, with none and with all of the others). ES
    is convex in what fills, so no partial fill is worse than the worst combination.

    Parameters
    ----------
    settings : limits and memory
    """

    __slots__ = ("_feed", "_passes", "_settings", "_units")

    def __init__(self, settings: TailSettings, *, compiled: bool = True) -> None:
        self._settings = settings
        self._passes = book_passes(compiled)
        self._units = np.array(student_var_es(3.0, LEVEL, unit_variance=True))
        self._feed = ScenarioFeed(settings.window, settings.minimum, settings.prior_volatility)

    @property
    def feed(self) -> ScenarioFeed:
        """Where the scenarios come from."""
        return self._feed

    def observe(self, symbol: str, session: date, price: float) -> bool:
        """Take in a price; whether a session was finished by it."""
        return self._feed.observe(symbol, session, price)

    def read(self, portfolio: Portfolio) -> TailReading:
        """VaR and ES of what is held now."""
        equity = portfolio.equity
        if not (math.isfinite(equity) and equity > 0.0):
            return TailReading(math.nan, math.nan, "halt", "equity is not above 0")
        feed = self._feed
        for symbol in portfolio.positions:
            feed.know(symbol)
        if feed.tail is None:
            return TailReading(0.0, 0.0, "ok", "nothing is held")
        book = np.zeros(len(feed.places))
        for symbol, position in portfolio.positions.items():
            book[feed.places[symbol]] = position.value / equity
        if not math.isfinite(float(book.sum())):
            return TailReading(math.nan, math.nan, "halt", "a position has no finite value")
        estimate = feed.tail.var_es(book, LEVEL)
        return TailReading(estimate.var, estimate.es, self.grade(estimate), estimate.basis)

    def grade(self, estimate: TailEstimate) -> str:
        """``ok``, ``warn`` or ``halt`` for an estimate over equity."""
        s = self._settings
        if (s.halt is not None and not estimate.var <= s.halt) or (
            s.shortfall is not None and not estimate.es <= s.shortfall
        ):
            return "halt"
        return "warn" if s.warn is not None and estimate.var > s.warn else "ok"

    def effect(self, candidate: Candidate) -> OrderEffect | str:
        """Worst VaR and ES over equity before and after the order, or why it cannot be told."""
        prepared = self._prepare(candidate)
        if isinstance(prepared, str):
            return prepared
        rows = self._answers(prepared).tolist()
        return self._told(prepared, max(rows, key=lambda row: (row[3], row[2])), candidate)

    def object(self, candidate: Candidate) -> Objection | None:
        """Why the order may not pass, or None."""
        s = self._settings
        if s.halt is None and s.shortfall is None:
            return None
        prepared = self._prepare(candidate)
        if isinstance(prepared, str):
            return Objection("input", prepared, 0.0)
        equity = candidate.portfolio.equity
        caps = (
            (math.inf if s.halt is None else s.halt) * equity,
            (math.inf if s.shortfall is None else s.shortfall) * equity,
        )
        failing = self._failing(prepared, prepared.change, caps)
        if failing < 0:
            return None
        low, high = 0.0, 1.0
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            if self._failing(prepared, prepared.change * middle, caps) < 0:
                low = middle
            else:
                high = middle
        row = self._answers(prepared)[failing].tolist()
        after = self._told(prepared, row, candidate).after
        over_var = s.halt is not None and not after.var <= s.halt
        name, value, limit = (
            ("VaR", after.var, s.halt) if over_var else ("ES", after.es, s.shortfall)
        )
        text = (
            f"one-day 95% {name} with {candidate.symbol}: {value:.2%} of equity "
            f"({after.basis}), limit {limit:.1%}"
        )
        guard = "tail_var" if over_var else "tail_es"
        return Objection(guard, text, candidate.quantity * low)

    def allows(self, base: Mapping[str, float], adds: Mapping[str, float], equity: float) -> bool:
        """Whether a book may grow by some values at once.

        Parameters
        ----------
        base, adds : values by symbol in account currency, before and on top
        equity : of the account, above 0
        """
        feed = self._feed
        for symbol in (*base, *adds):
            feed.know(symbol)
        if feed.tail is None:
            return True
        before = np.zeros(len(feed.places))
        for symbol, value in base.items():
            before[feed.places[symbol]] = value / equity
        after = before.copy()
        for symbol, value in adds.items():
            after[feed.places[symbol]] += value / equity
        if not math.isfinite(float(after.sum())):
            return False
        new = feed.tail.var_es(after, LEVEL)
        if self.grade(new) != "halt":
            return True
        old, slack = feed.tail.var_es(before, LEVEL), 1.0 + _SLACK
        return new.var <= old.var * slack and new.es <= old.es * slack

    def _answers(self, asked: Prepared) -> NDArray[np.float64]:
        """VaR and ES before, VaR and ES after, in account currency, for each book."""
        base = asked.base
        table, alone, position, count = base.table
        found: NDArray[np.float64] = self._passes.order_answers(
            *(base.losses, base.apart, table, alone, self._units),
            *(asked.place, asked.start, asked.ahead, asked.change, position, count),
        )
        return found

    def _failing(self, asked: Prepared, change: float, caps: tuple[float, float]) -> int:
        """First way things may go in which an order of that size must not pass, or -1."""
        base = asked.base
        table, alone, position, count = base.table
        return int(
            self._passes.first_failing(
                *(base.losses, base.apart, table, alone, self._units),
                *(asked.place, asked.start, asked.ahead, change, position, count),
                *(caps[0], caps[1], 1.0 + _SLACK),
            )
        )

    def _told(self, asked: Prepared, row: list[float], candidate: Candidate) -> OrderEffect:
        base = asked.base
        alone = base.table[1]
        short = bool(alone[asked.place] > 0.0 or ((base.books != 0.0) & (alone > 0.0)).any())
        basis, equity = SHORT if short else BASIS, candidate.portfolio.equity
        var, es, new_var, new_es = (value / equity for value in row)
        return OrderEffect(
            TailEstimate(LEVEL, var, es, basis), TailEstimate(LEVEL, new_var, new_es, basis)
        )

    def _prepare(self, candidate: Candidate) -> Prepared | str:
        book = candidate.book or book_of(candidate)
        if isinstance(book, str):
            return book
        equity, feed, symbol = candidate.portfolio.equity, self._feed, candidate.symbol
        if not 0.0 < equity < math.inf:
            return f"expected equity above 0, was {equity}"
        change, shape = candidate.quantity * candidate.unit, book.shape
        if not math.isfinite(change):
            return f"expected a finite order value, was {change}"
        place = feed.know(symbol)
        aside = symbol if symbol in shape.lines else None
        known: dict[str | None, Base] | None = shape.memo.get(self)
        if known is None:
            known = shape.memo[self] = {}
        base = known.get(aside)
        if base is None or base.table is not feed.table:
            base = known[aside] = self._base(shape, aside)
        start = 0.0 if aside is not None else shape.values.get(symbol, 0.0)
        ahead = book.held + (book.buys if change > 0.0 else book.sells)
        return Prepared(base, place, start, ahead, change)

    def _base(self, shape: Shape, aside: str | None) -> Base:
        """Losses of what is held, in every way in which the pending orders may go.

        ``aside`` is the symbol with pending orders whose own order is asked about: it is left out.
        """
        feed = self._feed
        if not (shape.values.keys() <= feed.places.keys() >= shape.lines.keys()):
            for name in (*shape.values, *shape.lines):
                feed.know(name)
        places, table = feed.places, feed.table
        row = [0.0] * len(places)
        for name, value in shape.values.items():
            row[places[name]] = value
        uncertain: list[tuple[int, float]] = []
        for name, line in shape.lines.items():
            at, value = places[name], line.held
            if name == aside:
                row[at] = 0.0
                continue
            value += line.closing
            if value * line.held < 0.0:
                value = 0.0
            row[at] = value
            uncertain += [(at, rest) for rest in (line.top - value, line.bottom - value) if rest]
        books = np.array(_ways(row, uncertain)) if uncertain else np.array(row)[np.newaxis]
        losses, apart = self._passes.books_alone(table[0], table[1], books)
        return Base(table, books, losses, apart)

    def describe(self) -> str:
        """One line on what the limit will do."""
        s = self._settings

        def share(value: float | None) -> str:
            return "off" if value is None else f"{value:.1%}"

        return (
            f"tail: one-day 95% VaR of the book with all orders, warning {share(s.warn)}, no new "
            f"positions above {share(s.halt)} or ES above {share(s.shortfall)}; an order that "
            "lowers both passes"
        )


def _ways(row: list[float], uncertain: list[tuple[int, float]]) -> list[list[float]]:
    """Books that may come about: the row with every combination of the uncertain values."""
    books = [row]
    ordered = sorted(uncertain, key=lambda item: -abs(item[1]))
    groups = [[item] for item in ordered[:_MOST]]
    if len(ordered) > _MOST:
        groups.append(ordered[_MOST:])
    for group in groups:
        filled = [book.copy() for book in books]
        for book in filled:
            for at, value in group:
                book[at] += value
        books += filled
    return books


@cache
def book_passes(compiled: bool) -> Any:
    """Module of the passes, called once each: compiling inside an order's check takes a second."""
    passes: Any = None
    if compiled:
        try:
            from protection.risk.limits import book_kernels as passes
        except ImportError:  # numba is absent: the twin gives the same answer, more slowly
            compiled = False
    if not compiled:
        from protection.risk.limits import book_twins as passes
    table, one = np.zeros((1, 1)), np.zeros(1)
    losses, apart = passes.books_alone(table, one, table.copy())
    rest = (losses, apart, table, one, np.ones(2), 0, 0.0, 0.0, 0.0, 1.0, 1)
    passes.order_answers(*rest)
    passes.first_failing(*rest, 0.0, 0.0, 1.0)
    return passes
