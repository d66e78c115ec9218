"""VaR and ES of the book before an order is sent: the pre-trade limit on tail risk.

One-day VaR and ES at 95% from :class:`PortfolioTail`, with the order and everything that may still
fill. VaR above 5% of equity is a warning, above 8% no new positions are taken, ES above 7.5% the
same. An order that lowers both is let through at any level: it is the way back.

VaR limits cut when volatility is high already. That is a choice: it keeps the loss of the next day
bounded, and it sells after falls. The drawdown breakers do not depend on any of this.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from protection.contracts.limit_settings import TailSettings
from protection.contracts.records import Portfolio
from protection.risk.limits.base import Candidate, Objection
from protection.risk.limits.book import lines_of
from protection.risk.limits.history import ScenarioFeed
from protection.risk.var_es.estimates import OrderEffect, TailEstimate

LEVEL = 0.95
_SLACK = 1e-9
_HALVINGS = 24
_MOST = 6
"""Symbols with uncertain orders beyond which they are not tried one by one."""


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


class TailLimit:
    """Warning and limits on VaR and ES, counted with everything pending.

    Orders of the candidate's own side and symbol are counted in full. What other symbols may still
    do is uncertain: their sure exits are credited, and the rest is tried in the ways that matter
    (nothing fills, everything fills, only what adds risk fills); the worst counts.

    Parameters
    ----------
    settings : limits and memory
    """

    __slots__ = ("_feed", "_settings")

    def __init__(self, settings: TailSettings) -> None:
        self._settings = settings
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
        books, place, change = prepared
        return self._worst(books, place, change)

    def object(self, candidate: Candidate) -> Objection | None:
        """Why the order may not pass, or None."""
        s = self._settings
        if s.halt is None and s.shortfall is None:
            return None
        prepared = self._prepare(candidate)
        if isinstance(prepared, str):
            return Objection("input", prepared, 0.0)
        books, place, change = prepared
        failing = self._failing(books, place, change)
        if failing is None:
            return None
        low, high = 0.0, 1.0
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            if self._failing(books, place, change * middle) is None:
                low = middle
            else:
                high = middle
        after = failing.after
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

    def _failing(
        self, books: list[NDArray[np.float64]], place: int, change: float
    ) -> OrderEffect | None:
        """First way things may go in which the order must not pass, or None."""
        tail = self._feed.tail
        assert tail is not None
        for book in books:
            effect = tail.order_effect(book, place, change, LEVEL)
            if not self._passes(effect):
                return effect
        return None

    def _passes(self, effect: OrderEffect) -> bool:
        after, before = effect.after, effect.before
        if self.grade(after) != "halt":
            return True
        slack = 1.0 + _SLACK
        return after.var <= before.var * slack and after.es <= before.es * slack

    def _prepare(self, candidate: Candidate) -> tuple[list[NDArray[np.float64]], int, float] | str:
        lines = lines_of(candidate)
        if isinstance(lines, str):
            return lines
        equity, feed, symbol = candidate.portfolio.equity, self._feed, candidate.symbol
        if not (math.isfinite(equity) and equity > 0.0):
            return f"expected equity above 0, was {equity}"
        place = feed.know(symbol)
        places = feed.places
        for name in lines:
            if name not in places:
                feed.know(name)
                places = feed.places
        book = np.zeros(len(places))
        uncertain: list[tuple[int, float]] = []
        for name, line in lines.items():
            value = line.held
            if name == symbol:
                value += line.buys if candidate.quantity > 0 else line.sells
            elif line.buys or line.sells:
                at = places[name]
                value += line.closing
                if value * line.held < 0.0:
                    value = 0.0
                reach = (line.top - value, line.bottom - value)
                uncertain += [(at, rest / equity) for rest in reach if rest]
            book[places[name]] = value / equity
        books = [book]
        if uncertain:
            books += self._variants(book, uncertain)
        return books, place, candidate.quantity * candidate.unit / equity

    def _variants(
        self, book: NDArray[np.float64], uncertain: list[tuple[int, float]]
    ) -> list[NDArray[np.float64]]:
        everything = book.copy()
        for at, value in uncertain:
            everything[at] += value
        found = [everything]
        if 1 < len(uncertain) <= _MOST:
            tail = self._feed.tail
            assert tail is not None
            harmful = book.copy()
            for at, value in uncertain:
                if tail.order_effect(book, at, value, LEVEL).es_change > 0.0:
                    harmful[at] += value
            found.append(harmful)
        elif len(uncertain) > _MOST:
            # too many to try: as if each came alone and nothing offset it
            wide = book.copy()
            for at, value in uncertain:
                wide[at] += math.copysign(abs(value), book[at] or value)
            found.append(wide)
        return found

    def _worst(self, books: list[NDArray[np.float64]], place: int, change: float) -> OrderEffect:
        tail = self._feed.tail
        assert tail is not None
        worst = tail.order_effect(books[0], place, change, LEVEL)
        for book in books[1:]:
            other = tail.order_effect(book, place, change, LEVEL)
            if max(other.after.var, other.after.es) > max(worst.after.var, worst.after.es):
                worst = other
        return worst

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
