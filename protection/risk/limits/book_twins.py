"""Plain NumPy form of the pass in :mod:`book_kernels`."""

from __future__ import annotations

from typing import Any

import numpy as np

from protection.risk.tails.empirical_twins import largest, tail_of

Floats = Any


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
    answers = np.zeros((books.shape[0], 4))
    for answer, book in zip(answers, books, strict=True):
        after = book.copy()
        after[place] += change
        for column, exposures in ((0, book), (2, after)):
            if table.shape[1]:
                answer[column : column + 2] = tail_of(
                    largest(-(exposures @ table), count), position
                )
            answer[column : column + 2] += float(np.abs(exposures) @ alone) * units
    return answers
