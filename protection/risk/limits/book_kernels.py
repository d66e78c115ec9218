"""Compiled pass over the scenarios of a book before and after an order."""

from __future__ import annotations

from typing import Any

import numpy as np

from protection.contracts.compiled import jit
from protection.risk.tails.empirical_kernels import largest, tail_of

Floats = Any


@jit
def order_books(
    table: Floats,
    alone: Floats,
    units: Floats,
    books: Floats,
    place: int,
    change: float,
    position: float,
    count: int,
) -> Floats:
    """VaR and ES of several books before and after one exposure changes.

    ``table`` is (symbols, scenarios), ``books`` (books, symbols), ``units`` VaR and ES of a unit
    of stand-alone volatility. Returns (books, 4): VaR, ES before; VaR, ES after.
    """
    symbols, scenarios = table.shape
    answers = np.zeros((books.shape[0], 4))
    for b in range(books.shape[0]):
        losses = np.zeros(scenarios)
        apart = 0.0
        for i in range(symbols):
            weight = books[b, i]
            if weight != 0.0:
                apart += abs(weight) * alone[i]
                row = table[i]
                for t in range(scenarios):
                    losses[t] -= row[t] * weight
        if scenarios > 0:
            before = tail_of(largest(losses, count), position)
            answers[b, 0], answers[b, 1] = before[0], before[1]
            row = table[place]
            for t in range(scenarios):
                losses[t] -= row[t] * change
            after = tail_of(largest(losses, count), position)
            answers[b, 2], answers[b, 3] = after[0], after[1]
        moved = apart + (abs(books[b, place] + change) - abs(books[b, place])) * alone[place]
        answers[b, 0] += apart * units[0]
        answers[b, 1] += apart * units[1]
        answers[b, 2] += moved * units[0]
        answers[b, 3] += moved * units[1]
    return answers
