"""VaR and ES of a book, bar by bar: filtered historical scenarios in a ring."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from protection.contracts.errors import FixInput, FixSettings, UpgradeSoftware
from protection.risk.tails.compiled import passes
from protection.risk.tails.empirical import check_level, rank_weights, tail_rows
from protection.risk.tails.student import student_var_es
from protection.risk.var_es.estimates import OrderEffect, TailEstimate

VERSION = 1
BASIS = "filtered historical scenarios"
SHORT = "conservative t3 added undiversified for short history"


@cache
def _ready() -> Any:
    """Passes, each called once: compiling inside an order's check would cost it a second."""
    kernels = passes("empirical")
    table, ones, whole = np.ones((1, 1)), np.ones(1), np.ones(1, dtype=np.int64)
    kernels.ring_step(ones, ones.copy(), whole, table[0], whole.copy(), whole.copy(), 0.1, 0.1, 1)
    kernels.ring_scales(ones, whole, 1, 1, 0.1, 0.1, ones.copy(), ones.copy())
    kernels.book_losses(table, ones, ones)
    kernels.book_tail(table, ones, ones, 1.0, 1)
    kernels.order_tail(table, ones, ones, 0, 1.0, 1.0, 1)
    return kernels


class PortfolioTail:
    """Scenario VaR and ES of a linear book, updated in O(symbols) a bar.

    Every bar the return of each symbol is divided by the volatility forecast made before it, and
    the row goes into a ring of ``window`` rows; a scenario for the next bar is a row times today's
    volatilities (filtered historical simulation with RiskMetrics volatility, Barone-Adesi 1999):
    dates stay together, so the symbols fall together as they did. The volatility of symbol i moves
    by v <- v + max(1 - decay, 1 / (n + 1)) (r^2 - v) and starts at ``prior_volatility``.

    A symbol whose rows fill less than half of the ring, or that has fewer than ``minimum``, cannot
    be simulated: its own conservative Student-t VaR and ES (df 3, the larger of its volatility and
    the prior) are added without any diversification, and the basis says so. Missing (NaN) returns
    leave the volatility as it is; the symbol's other rows are widened to make up for them.

    Machine code is made ready by the constructor, not by the first order. One thread may update;
    queries on other threads see the bars before or after.

    Parameters
    ----------
    symbols : names, in the order of every array handed in later
    window : rows of the ring
    decay : of the volatility, RiskMetrics' 0.94 for daily bars
    prior_volatility : of one bar, for symbols without history (0.03 is 3% a bar)
    minimum : rows that a symbol needs before it is simulated
    floor : volatility of one bar at which a price counts as frozen and its history as short; from
        the prior of 3% that takes about 230 bars without a move, so staleness must be caught
        earlier, by the checks on the feed

    Raises
    ------
    FixSettings
        For repeated symbols or settings outside their range.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        *,
        window: int = 252,
        decay: float = 0.94,
        prior_volatility: float = 0.03,
        minimum: int = 60,
        floor: float = 1e-5,
    ) -> None:
        if len(set(symbols)) != len(symbols):
            raise FixSettings("expected symbols without repetition; remove the double ones")
        if not 0.0 < decay < 1.0:
            raise FixSettings(f"expected decay in (0, 1), was {decay}")
        if not (prior_volatility > 0.0 and floor > 0.0):
            raise FixSettings(
                "expected prior_volatility and floor above 0, "
                f"was {prior_volatility} and {floor}; write 0.03 for 3%"
            )
        if not 20 <= minimum <= window:
            raise FixSettings(f"expected 20 <= minimum <= window, was {minimum} and {window}")
        self.symbols = tuple(symbols)
        self.window = int(window)
        self._decay = float(decay)
        self._prior = float(prior_volatility)
        self._minimum = int(minimum)
        self._floor = float(floor)
        self._places = {symbol: place for place, symbol in enumerate(self.symbols)}
        size = len(self.symbols)
        self._rows = np.zeros((self.window, size))
        self._filled = np.zeros((self.window, size), dtype=np.int64)
        self._valid = np.zeros(size, dtype=np.int64)
        self._counts = np.zeros(size, dtype=np.int64)
        self._variances = np.full(size, self._prior**2)
        self._scales = np.zeros(size)
        self._alone = np.zeros(size)
        self._bars = 0
        self._kept = 0
        self._kernels = _ready()
        self._refresh()

    @property
    def bars(self) -> int:
        """Bars seen."""
        return self._bars

    def place(self, symbol: str) -> int:
        """Column of a symbol.

        Raises
        ------
        FixInput
            For a symbol that is not in the book.
        """
        found = self._places.get(symbol)
        if found is None:
            raise FixInput(f"expected one of {len(self.symbols)} known symbols, was {symbol!r}")
        return found

    def volatilities(self) -> NDArray[np.float64]:
        """Volatility forecast of each symbol for the next bar, shape (symbols,)."""
        return np.sqrt(np.maximum(self._variances, self._floor**2))

    def update(self, returns: ArrayLike) -> None:
        """Take in one bar of simple returns, shape (symbols,), NaN where there was none.

        Raises
        ------
        FixInput
            For another shape or an infinite return; nothing is changed then.
        """
        values = np.array(returns, dtype=np.float64)
        if values.shape != self._variances.shape:
            raise FixInput(
                f"expected returns of shape {self._variances.shape}, was {values.shape}; "
                "put NaN for a symbol without a bar"
            )
        if np.isinf(values).any():
            raise FixInput("expected finite returns or NaN, was infinite; mend the feed")
        slot = self._kept % self.window
        fresh = self._kernels.ring_step(
            values,
            self._variances,
            self._counts,
            self._rows[slot],
            self._filled[slot],
            self._valid,
            1.0 - self._decay,
            self._floor**2,
            min(20, self._minimum),
        )
        self._bars += 1
        self._kept += fresh > 0
        self._refresh()

    def _refresh(self) -> None:
        """Derive what queries read: scales of the scenarios and the symbols left out of them."""
        self._depth = min(self._kept, self.window)
        self._view = self._rows[: self._depth]
        short = self._kernels.ring_scales(
            self._variances,
            self._valid,
            self._depth,
            self._minimum,
            self._floor**2,
            self._prior,
            self._scales,
            self._alone,
        )
        self._all_simulated = short == 0

    def table(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns that each symbol may make over the next bar, and who stands alone.

        Returns
        -------
        (symbols, scenarios) simple returns, equally likely, a row for each symbol (0 for those
        that cannot be simulated); and (symbols,) volatilities of those, added undiversified with
        a Student t of 3 degrees of freedom, 0 for the others. Both are copies.
        """
        return np.ascontiguousarray((self._view * self._scales).T), self._alone.copy()

    def _book(self, exposures: ArrayLike) -> NDArray[np.float64]:
        # A copy of one layout: a view or a read-only array would make numba compile once more.
        book = np.array(exposures, dtype=np.float64)
        if book.shape != self._variances.shape:
            raise FixInput(f"expected exposures of shape {self._variances.shape}, was {book.shape}")
        if not math.isfinite(book.sum()):
            raise FixInput("expected finite exposures; a position without price has no risk figure")
        return book

    def var_es(self, exposures: ArrayLike, level: float = 0.95) -> TailEstimate:
        """VaR and ES of a book over the next bar.

        Parameters
        ----------
        exposures : signed market value of each symbol, shape (symbols,), any unit (money, or share
            of equity)
        level : probability

        Raises
        ------
        FixInput
            For a wrong shape, a level outside (0, 1) or an exposure that is not finite.
        """
        book = self._book(exposures)
        check_level(level)
        var = es = 0.0
        if self._depth:
            position, count = tail_rows(self._depth, level)
            var, es = self._kernels.book_tail(self._view, self._scales, book, position, count)
        return self._estimate(level, var, es, book)

    def order_effect(
        self, exposures: ArrayLike, place: int, change: float, level: float = 0.95
    ) -> OrderEffect:
        """VaR and ES of a book before and after one order fills.

        Parameters
        ----------
        exposures : signed market value of each symbol, open and pending orders included
        place : column of the order's symbol, from :meth:`place`
        change : signed market value of the order, in the unit of the exposures
        level : probability

        Raises
        ------
        FixInput
            As :meth:`var_es`, and for a column that does not exist.
        """
        book = self._book(exposures)
        check_level(level)
        place = int(place)
        if not 0 <= place < book.size:
            raise FixInput(f"expected place in [0, {book.size}), was {place}")
        if not math.isfinite(change):
            raise FixInput(f"expected a finite order value, was {change}")
        var = es = new_var = new_es = 0.0
        if self._depth:
            position, count = tail_rows(self._depth, level)
            var, es, new_var, new_es = self._kernels.order_tail(
                self._view, self._scales, book, place, float(change), position, count
            )
        before = self._estimate(level, var, es, book)
        if self._all_simulated:
            return OrderEffect(before, TailEstimate(level, new_var, new_es, BASIS))
        after = book.copy()
        after[place] += change
        return OrderEffect(before, self._estimate(level, new_var, new_es, after))

    def _estimate(
        self, level: float, var: float, es: float, book: NDArray[np.float64]
    ) -> TailEstimate:
        if self._all_simulated:
            return TailEstimate(level, var, es, BASIS)
        alone = float(np.abs(book) @ self._alone)
        if alone == 0.0:
            return TailEstimate(level, var, es, BASIS)
        unit_var, unit_es = student_var_es(3.0, level, unit_variance=True)
        return TailEstimate(level, var + alone * unit_var, es + alone * unit_es, SHORT)

    def components(
        self, exposures: ArrayLike, level: float = 0.95
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Euler parts of VaR and ES by symbol, shape (symbols,) each; they sum to the whole.

        The part of ES is the symbol's mean loss over the scenarios that make it up, with their
        weights; the part of VaR is its loss in the one or two scenarios that the quantile lies
        between, which is noisy: allocate by ES.
        """
        book = self._book(exposures)
        check_level(level)
        var_parts = np.abs(book) * self._alone
        es_parts = var_parts.copy()
        unit_var, unit_es = student_var_es(3.0, level, unit_variance=True)
        var_parts *= unit_var
        es_parts *= unit_es
        if self._depth:
            losses = self._kernels.book_losses(self._view, self._scales, book)
            position, count = tail_rows(self._depth, level)
            order = np.argsort(-losses, kind="stable")[:count]
            var_weights, es_weights = rank_weights(position, count)
            each = -self._view[order] * (self._scales * book)
            var_parts += var_weights @ each
            es_parts += es_weights @ each
        return var_parts, es_parts

    def snapshot(self) -> dict[str, Any]:
        """Everything a restart needs, as plain lists and numbers."""
        return {
            "version": VERSION,
            "symbols": list(self.symbols),
            "window": self.window,
            "decay": self._decay,
            "prior_volatility": self._prior,
            "minimum": self._minimum,
            "floor": self._floor,
            "bars": self._bars,
            "kept": self._kept,
            "rows": self._rows.tolist(),
            "filled": self._filled.tolist(),
            "counts": self._counts.tolist(),
            "variances": self._variances.tolist(),
        }

    @classmethod
    def restore(cls, state: dict[str, Any]) -> PortfolioTail:
        """Continue from a snapshot with the same answers.

        Raises
        ------
        UpgradeSoftware
            When a newer version wrote it.
        """
        if state["version"] > VERSION:
            raise UpgradeSoftware(
                f"expected portfolio tail state of version {VERSION} or older, "
                f"was {state['version']}"
            )
        tail = cls(
            state["symbols"],
            window=state["window"],
            decay=state["decay"],
            prior_volatility=state["prior_volatility"],
            minimum=state["minimum"],
            floor=state["floor"],
        )
        tail._bars = int(state["bars"])
        tail._kept = int(state["kept"])
        shape = tail._rows.shape
        tail._rows = np.asarray(state["rows"], dtype=np.float64).reshape(shape)
        tail._filled = np.asarray(state["filled"], dtype=np.int64).reshape(shape)
        tail._counts = np.asarray(state["counts"], dtype=np.int64)
        tail._variances = np.asarray(state["variances"], dtype=np.float64)
        tail._valid = tail._filled.sum(axis=0)
        tail._refresh()
        return tail
