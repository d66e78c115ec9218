"""Reconciliation: the account that was known against the account that is found.

Between the two lies a time without ears: a restart, or a broken link. What was open then may have
filled, in part or whole, or may have ended; everything else is a difference that nobody explains:
a trade by hand, an assignment, a corporate action, another program, a lost record.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from protection.contracts.errors import RecoverState
from protection.contracts.stores import pack, unpack

_KIND = "account-record"
_VERSION = 1
_EPSILON = 1e-9


@dataclass(frozen=True, slots=True)
class KnownOrder:
    """An order that was working; ``quantity`` is the signed rest.

    ``number`` is the broker's id, empty where it is not known: such an order is recognised by
    symbol, side and kind.
    """

    number: str
    symbol: str
    quantity: float
    kind: str


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """An account at one moment: cash and equity in account currency, signed quantities."""

    time: str
    equity: float
    cash: float
    positions: Mapping[str, float]
    orders: tuple[KnownOrder, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing is held and nothing is working."""
        return not self.orders and not any(self.positions.values())

    def text(self) -> str:
        """Envelope for a store, read back by :func:`read_account`.

        Raises
        ------
        FixInput
            When a figure is not finite.
        """
        return pack(
            _KIND,
            _VERSION,
            {
                "time": self.time,
                "equity": self.equity,
                "cash": self.cash,
                "positions": dict(self.positions),
                "orders": [[o.number, o.symbol, o.quantity, o.kind] for o in self.orders],
            },
        )


def read_account(text: str) -> AccountRecord:
    """Account of an envelope.

    Raises
    ------
    RecoverState
        When it is not whole, or no account.
    """
    stored: dict[str, Any] = unpack(text, _KIND, _VERSION)
    try:
        return AccountRecord(
            str(stored["time"]),
            float(stored["equity"]),
            float(stored["cash"]),
            {str(symbol): float(size) for symbol, size in stored["positions"].items()},
            tuple(KnownOrder(str(n), str(s), float(q), str(k)) for n, s, q, k in stored["orders"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RecoverState(f"expected an account record, was not: {error!r}") from error


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it was.

    Attributes
    ----------
    kind : ``position``, ``order`` or ``cash``
    subject : symbol, or number of the order
    before, now : quantities (cash: amounts)
    explained : whether the orders that were open account for it
    text : one sentence
    """

    kind: str
    subject: str
    before: float
    now: float
    explained: bool
    text: str


def compare(before: AccountRecord, now: AccountRecord) -> list[Difference]:
    """Every difference over the union of both accounts; empty when there is none.

    An open order that is gone, or smaller, may have filled by as much: a position that moved no
    further than all such fills of its symbol together is explained. An order that nobody knows is
    not, and neither is a position beyond that. Cash is told, never judged: fees, dividends and
    interest move it. Comparing twice gives the same.
    """
    gone, foreign = _pair(before.orders, now.orders)
    found: list[Difference] = []
    low: dict[str, float] = {}
    high: dict[str, float] = {}
    for order, rest in gone:
        filled = order.quantity - rest
        bound = high if filled > 0 else low
        bound[order.symbol] = bound.get(order.symbol, 0.0) + filled
        name = order.number or order.symbol
        text = f"order {name} of {order.quantity:g} {order.symbol} is {rest:g} now"
        found.append(Difference("order", name, order.quantity, rest, True, text))
    for order in foreign:
        name = order.number or order.symbol
        text = f"order {name} of {order.quantity:g} {order.symbol} was not known"
        found.append(Difference("order", name, 0.0, order.quantity, False, text))
    for symbol in sorted({*before.positions, *now.positions}):
        was, has = before.positions.get(symbol, 0.0), now.positions.get(symbol, 0.0)
        slack = _EPSILON * max(1.0, abs(was), abs(has))
        if abs(has - was) <= slack:
            continue
        moved = has - was
        explained = low.get(symbol, 0.0) - slack <= moved <= high.get(symbol, 0.0) + slack
        text = f"position {symbol} was {was:g}, is {has:g}"
        found.append(Difference("position", symbol, was, has, explained, text))
    if not math.isclose(before.cash, now.cash, rel_tol=1e-9, abs_tol=0.005):
        moved = now.cash - before.cash
        trades = any(d.kind == "position" for d in found)
        text = f"cash moved by {moved:,.2f}"
        if not trades:
            text += " without a trade; if it was paid in or out, tell it (on_cash_flow)"
        found.append(Difference("cash", "cash", before.cash, now.cash, True, text))
    return found


def _pair(
    before: tuple[KnownOrder, ...], now: tuple[KnownOrder, ...]
) -> tuple[list[tuple[KnownOrder, float]], list[KnownOrder]]:
    """Orders that became smaller with their rests now, and orders that were not there."""
    left = list(now)
    gone: list[tuple[KnownOrder, float]] = []
    for order in before:
        same = next((o for o in left if order.number and o.number == order.number), None)
        if same is None:
            same = next((o for o in left if _alike(order, o)), None)
        if same is None:
            gone.append((order, 0.0))
            continue
        grown = same.quantity * order.quantity <= 0 or abs(same.quantity) > abs(order.quantity)
        if grown:  # changed by somebody: the old one ended, and the present one is not known
            gone.append((order, 0.0))
            continue
        left.remove(same)
        if same.quantity != order.quantity:
            gone.append((order, same.quantity))
    return gone, left


def _alike(order: KnownOrder, other: KnownOrder) -> bool:
    """Whether an order without a number in common may be the same one."""
    return (
        not (order.number and other.number)
        and (order.symbol, order.kind) == (other.symbol, other.kind)
        and order.quantity * other.quantity > 0
        and abs(other.quantity) <= abs(order.quantity)
    )
