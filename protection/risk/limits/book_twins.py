"""Plain NumPy form of the passes in :mod:`book_kernels`."""

from __future__ import annotations

from typing import Any

import numpy as np

from protection.risk.tails.empirical_twins import largest, tail_of

Floats = Any


def books_alone(table: Floats, alone: Floats, books: Floats) -> tuple[Floats, Floats]:
    """Losses of several books in each scenario, and the volatility that each adds undiversified.

    ``table`` is (symbols, scenarios), ``books`` (books, symbols). Returns (books, scenarios) and
    (books,).
    """
    return -(books @ table), np.abs(books) @ alone


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
    answers = np.zeros((losses.shape[0], 4))
    for answer, own, lone in zip(answers, losses, apart, strict=True):
        for column, reached in ((0, ahead), (2, ahead + change)):
            if losses.shape[1]:
                moved = own - table[place] * (reached - start)
                answer[column : column + 2] = tail_of(largest(moved, count), position)
            added = lone + (abs(reached) - abs(start)) * alone[place]
            answer[column : column + 2] += added * units
    return answers


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
    """First book in which an order ends beyond a limit without lowering both, or -1."""
    answers = order_answers(
        losses, apart, table, alone, units, place, start, ahead, change, position, count
    )
    for b, (var, es, new_var, new_es) in enumerate(answers):
        if new_var <= most_var and new_es <= most_es:
            continue
        if not (new_var <= var * slack and new_es <= es * slack):
            return b
    return -1
