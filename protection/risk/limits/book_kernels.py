"""Compiled passes over the scenarios of a book before and after an order."""

from __future__ import annotations

from typing import Any

import numpy as np

from protection.contracts.compiled import jit
from protection.risk.tails.empirical_kernels import largest, tail_of

Floats = Any


@jit
def books_alone(table: Floats, alone: Floats, books: Floats) -> tuple[Floats, Floats]:
    """Losses of several books in each scenario, and the volatility that each adds undiversified.

    ``table`` is (symbols, scenarios), ``books`` (books, symbols). Returns (books, scenarios) and
    (books,).
    """
    symbols, scenarios = table.shape
    losses = np.zeros((books.shape[0], scenarios))
    apart = np.zeros(books.shape[0])
    for b in range(books.shape[0]):
        own = losses[b]
        for i in range(symbols):
            weight = books[b, i]
            if weight != 0.0:
                apart[b] += abs(weight) * alone[i]
                row = table[i]
                for t in range(scenarios):
                    own[t] -= row[t] * weight
    return losses, apart


@jit
def moved_tail(
    losses: Floats,
    row: Floats,
    change: float,
    apart: float,
    units: Floats,
    position: float,
    count: int,
    work: Floats,
) -> tuple[float, float]:
    """VaR and ES of a book whose exposure to one symbol changes; ``work`` is overwritten."""
    var = es = 0.0
    if losses.size > 0:
        for t in range(losses.size):
            work[t] = losses[t] - row[t] * change
        var, es = tail_of(largest(work, count), position)
    return var + apart * units[0], es + apart * units[1]


@jit
def order_answers(
    losses: Floats,
    apart: Floats,
    table: Floats,
    alone: Floats,
    units: Floats,
    place: int,
    start: float,
    ahead: float,
    change: float,
    position: float,
    count: int,
) -> Floats:
    """VaR and ES of several books before and after one exposure changes.

    ``losses`` and ``apart`` are those of :func:`books_alone` with the exposure at ``start``; before
    the order it is ``ahead``, after it ``ahead + change``. Returns (books, 4): VaR, ES before;
    VaR, ES after.
    """
    row, lone, work = table[place], alone[place], np.empty(table.shape[1])
    answers = np.empty((losses.shape[0], 4))
    for b in range(losses.shape[0]):
        for k in range(2):
            reached = ahead + k * change
            added = apart[b] + (abs(reached) - abs(start)) * lone
            var, es = moved_tail(
                losses[b], row, reached - start, added, units, position, count, work
            )
            answers[b, 2 * k], answers[b, 2 * k + 1] = var, es
    return answers


@jit
def first_failing(
    losses: Floats,
    apart: Floats,
    table: Floats,
    alone: Floats,
    units: Floats,
    place: int,
    start: float,
    ahead: float,
    change: float,
    position: float,
    count: int,
    most_var: float,
    most_es: float,
    slack: float,
) -> int:
    """First book in which an order ends beyond a limit without lowering both, or -1.

    What was before the order is worked out only where the book after it is beyond a limit.
    """
    row, lone, work = table[place], alone[place], np.empty(table.shape[1])
    reached = ahead + change
    for b in range(losses.shape[0]):
        added = apart[b] + (abs(reached) - abs(start)) * lone
        var, es = moved_tail(losses[b], row, reached - start, added, units, position, count, work)
        if var <= most_var and es <= most_es:
            continue
        added = apart[b] + (abs(ahead) - abs(start)) * lone
        old = moved_tail(losses[b], row, ahead - start, added, units, position, count, work)
        if not (var <= old[0] * slack and es <= old[1] * slack):
            return b
    return -1
