"""The account's snapshot as the breakers see it: whether it can be believed, and its positions."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import NamedTuple

from protection.circuit_breakers.board import Board, symbol_scope
from protection.contracts.actions import Action
from protection.contracts.records import Portfolio

_INFINITE = math.inf
# the generated constructor costs three times as much, and every step makes one
_new = tuple.__new__


class Walk(NamedTuple):
    """What a walk over the positions found.

    Attributes
    ----------
    gross : sum of absolute market values of the positions that can be valued
    flat : whether nothing is held
    changed : whether a position's breaker changed its state
    """

    gross: float
    flat: bool
    changed: bool


def portfolio_fault(
    portfolio: Portfolio, now: datetime, ahead: timedelta, max_age: timedelta
) -> str:
    """Why a snapshot's time cannot be believed, or an empty string."""
    time = portfolio.time
    if time.tzinfo is None:
        return f"expected a time with a time zone, was {time}"
    if time == now:
        return ""
    if time > now + ahead:
        return (
            f"expected a time up to the clock's {now.isoformat()}, was {time.isoformat()}; "
            "feed the clock first"
        )
    if now - time > max_age:
        return f"the snapshot of {time.isoformat()} is stale, the clock says {now.isoformat()}"
    return ""


def walk_positions(
    portfolio: Portfolio, board: Board, stop: float | None, now: datetime, equity: float
) -> Walk:
    """Value every position and hold it against its stop.

    A position whose price or average price is impossible cannot be judged: its symbol may not be
    added to until it can.
    """
    gross, flat, changed = 0.0, True, False
    # asked once: this runs at every step
    faulty, stopped = board.faulty, board.active_symbols("position_stop")
    level = _INFINITE if stop is None else stop
    for symbol, position in portfolio.positions.items():
        quantity = position.quantity
        if quantity == 0.0:
            continue
        flat = False
        price, average = position.price, position.average_price
        value = abs(quantity * price * position.multiplier)
        if not (price > 0.0 and average > 0.0 and value < _INFINITE):
            text = (
                f"position in {symbol}: expected finite figures above 0, was quantity "
                f"{quantity}, price {price}, average price {average}; adding denied"
            )
            board.set_fault("position", Action.FREEZE, text, now, symbol_scope(symbol))
            continue
        if faulty:
            text = f"position in {symbol} is good again"
            board.clear_fault("position", now, text, symbol_scope(symbol))
        gross += value
        loss = 1.0 - price / average if quantity > 0.0 else price / average - 1.0
        if loss >= level or symbol in stopped:
            changed |= board.step_symbol("position_stop", symbol, now, loss, equity, False)
    for symbol in board.active_symbols("position_stop"):
        kept = portfolio.positions.get(symbol)
        if kept is None or kept.quantity == 0.0:
            changed |= board.step_symbol("position_stop", symbol, now, 0.0, equity, True)
    return _new(Walk, (gross, flat, changed))
