"""The order gate: one order against the account and everything that may still fill.

An order *reduces* when it lowers the absolute position after every pending order on its own side:
with position h, order q and pending quantity P on q's side, sign(q) = -sign(h) and
|q| + P <= |h|. Such an order passes in every state. An exit whose excess comes only from the
user's own resting orders (a protective stop, a take-profit) passes too while adding is denied;
the verdict names the orders to cancel with it. Everything else adds: openings, flips (whole, not
just the part beyond zero), a second exit racing the first.

An adding order is held against the state, its reference price, the position limit and the gross
limit. Positions are counted at their worst: all pending orders on the order's side filled. In the
gross figure, pending orders of *other* symbols that reduce and do not rest in the book (market,
on open, on close) are credited, so that a rotation out of one symbol into another can pass.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import RLock
from types import MappingProxyType
from typing import Any

from protection.contracts.actions import NOTHING, Action, Reason, Verdict
from protection.contracts.records import OrderId, OrderKind, OrderRequest, Portfolio
from protection.contracts.settings import LimitSettings
from protection.risk.limits.base import Candidate, OrderLimit
from protection.risk.orders import OrderBook, Pending

ADDS: Mapping[str, Any] = MappingProxyType({"adds": True})
"""Evidence of an allowed order that adds exposure."""

_EPSILON = 1e-9
_GROUPS = 1024


@dataclass(frozen=True, slots=True)
class Effect:
    """What an order does to the position it changes."""

    symbol: str
    quantity: float
    price: float | None
    multiplier: float


@dataclass(frozen=True, slots=True)
class Exit:
    """How far an order is an exit.

    Attributes
    ----------
    reduces : strictly reducing, whatever else is pending
    excused : reducing once ``cancel`` is cancelled
    cancel : resting orders on the same side that stand in the way
    room : signed quantity that would reduce strictly
    """

    reduces: bool
    excused: bool
    cancel: tuple[OrderId, ...]
    room: float


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an adding order may not pass, and the signed quantity that might."""

    guard: str
    text: str
    max_quantity: float


def effect_of(order: OrderRequest) -> Effect | str:
    """Position change of an order, or why it cannot be told."""
    if order.kind is OrderKind.OPTION_EXERCISE:
        if order.underlying is None or order.underlying_quantity is None:
            return "expected underlying and underlying_quantity of an exercise, was none"
        symbol, quantity = order.underlying, order.underlying_quantity
    else:
        symbol, quantity = order.symbol, order.quantity - order.filled
    if not math.isfinite(quantity):
        return f"expected a finite quantity, was {quantity}"
    if not (math.isfinite(order.multiplier) and order.multiplier > 0):
        return f"expected a multiplier above 0, was {order.multiplier}"
    return Effect(symbol, quantity, order.reference_price, order.multiplier)


def judge_exit(held: float, quantity: float, same_side: Sequence[Pending]) -> Exit:
    """Whether ``quantity`` reduces ``held``, given the pending orders on its side."""
    if not math.isfinite(held) or held * quantity >= 0.0:
        return Exit(False, False, (), 0.0)
    size, position = abs(quantity), abs(held)
    slack = _EPSILON * position
    firm = sum(abs(order.quantity) for order in same_side if not order.resting)
    resting = [order for order in same_side if order.resting]
    pending = firm + sum(abs(order.quantity) for order in resting)
    room = math.copysign(max(0.0, position - pending), quantity)
    if size + pending <= position + slack:
        return Exit(True, False, (), quantity)
    if size + firm > position + slack:
        return Exit(False, False, (), room)
    cancel: list[OrderId] = []
    for order in reversed(resting):  # the newest first, and no more than needed
        cancel.append(order.order_id)
        pending -= abs(order.quantity)
        if size + pending <= position + slack:
            break
    return Exit(False, True, tuple(cancel), room)


def denial(
    state: Action, symbol: str, guard: str, text: str, room: float, reasons: tuple[Reason, ...] = ()
) -> Verdict:
    """Verdict that refuses an order."""
    return Verdict(
        state=max(state, Action.FREEZE),
        scope=f"symbol:{symbol}",
        reason=text,
        reasons=reasons or (Reason(guard, Action.FREEZE, text),),
        allowed=False,
        max_quantity=room,
    )


class OrderGate:
    """Judges orders and counts what it lets through before it says so.

    Parameters
    ----------
    limits : position and gross limits
    lock : the system's re-entrant lock; no order is ever sent while it is held
    killed : re-read last, after the order was counted
    last_price : last known price of a symbol and its time, for orders that carry none
    max_age : age beyond which a reference price is stale
    more : further limits, asked in turn about orders that pass these
    """

    def __init__(
        self,
        limits: LimitSettings,
        lock: RLock,
        killed: Callable[[], bool],
        last_price: Callable[[str], tuple[float, datetime] | None],
        max_age: timedelta,
        leverage_limit: float | None = None,
        more: Sequence[OrderLimit] = (),
    ) -> None:
        self.book = OrderBook()
        self._limits = limits
        self._lock = lock
        self._killed = killed
        self._last_price = last_price
        self._max_age = max_age
        self._full_gross = limits.full_gross or limits.max_leverage or leverage_limit or 1.0
        self._groups: dict[OrderId, str] = {}
        self._more = tuple(more)

    def describe(self) -> list[str]:
        """One line per limit on what it will do."""
        limits = self._limits
        position = "off" if limits.max_position is None else f"{limits.max_position:.0%} of equity"
        gross = "off" if limits.max_leverage is None else f"{limits.max_leverage:g} x equity"
        return [
            f"order gate: position limit {position}, gross limit {gross}; an order that reduces "
            "always passes",
            *(limit.describe() for limit in self._more),
        ]

    def judge(
        self,
        order: OrderRequest,
        portfolio: Portfolio,
        verdict: Callable[[str, str], Verdict],
        audit: Callable[[OrderRequest, Verdict], str],
    ) -> Verdict:
        """Verdict on one order; an allowed one is counted when this returns.

        Parameters
        ----------
        order, portfolio : the request and the account, taken under the same lock
        verdict : the verdict in force for a symbol and a strategy
        audit : writes the decision down; returns why it could not, or an empty string
        """
        with self._lock:
            answer = self._judge(order, portfolio, verdict)
            if not answer.allowed:
                return self._refused(order, answer)
            effect = effect_of(order)
            if isinstance(effect, str):
                raise AssertionError("an order without a known effect was allowed")
            adds = answer.evidence.get("adds", False)
            known_before = self.book.working(order.order_id)
            total_before = None if known_before is None else known_before.total
            total = (
                effect.quantity
                if order.kind is OrderKind.OPTION_EXERCISE
                else (order.quantity if known_before is not None else effect.quantity)
            )
            self.book.reserve(
                order.order_id,
                effect.symbol,
                total,
                order.kind.resting,
                effect.price if effect.price is not None else self._known_price(effect.symbol),
                effect.multiplier,
                order.group,
            )
            fault = audit(order, answer)
            if adds and (fault or self._killed()):
                if total_before is None:
                    self.book.withdraw(order.order_id)
                else:
                    known = self.book.working(order.order_id)
                    if known is not None:
                        known.total = total_before
                guard, text = ("audit", fault) if fault else ("kill", "killed while being judged")
                return self._refused(order, denial(Action.HALT, effect.symbol, guard, text, 0.0))
            return answer

    def _known_price(self, symbol: str) -> float | None:
        known = self._last_price(symbol)
        return None if known is None else known[0]

    def _refused(self, order: OrderRequest, answer: Verdict) -> Verdict:
        if not order.is_update:
            self.book.refuse(order.order_id)
        if order.group is not None:
            if len(self._groups) >= _GROUPS:
                self._groups.pop(next(iter(self._groups)))
            self._groups[order.group] = answer.reason
        return answer

    def _judge(
        self, order: OrderRequest, portfolio: Portfolio, verdict: Callable[[str, str], Verdict]
    ) -> Verdict:
        effect = effect_of(order)
        if isinstance(effect, str):
            return denial(Action.FREEZE, order.symbol, "input", effect, 0.0)
        symbol, quantity = effect.symbol, effect.quantity
        standing = verdict(symbol, order.strategy)
        if order.group is not None and order.group in self._groups:
            text = f"another leg of combination {order.group} was refused: "
            return denial(standing.state, symbol, "combo", text + self._groups[order.group], 0.0)
        pending = self.book.pending(portfolio.open_orders, order.order_id)
        held = _held(portfolio, symbol)
        side = [p for p in pending if p.symbol == symbol and p.quantity * quantity > 0.0]
        exit_ = judge_exit(held, quantity, side)
        if quantity == 0.0 or (exit_.reduces and self._legs_reduce(order, portfolio, pending)):
            return _passed(standing, symbol)
        if standing.state.adding_allowed:
            refusal = self._limits_refuse(effect, order, portfolio, pending, side, standing)
            if refusal is None and self._more:
                refusal = self._more_refuse(effect, portfolio, pending, standing)
            if refusal is None:
                return _passed(standing, symbol, evidence=ADDS)
        else:
            refusal = Refusal("state", standing.reason, 0.0)
        if exit_.excused:
            return _passed(standing, symbol, cancel=exit_.cancel)
        room = exit_.room
        if refusal.max_quantity * quantity > 0.0 and abs(refusal.max_quantity) > abs(room):
            room = refusal.max_quantity
        if refusal.guard == "state":
            text = f"no adding of {symbol}: {standing.reason}"
            return denial(standing.state, symbol, "state", text, room, standing.reasons)
        return denial(standing.state, symbol, refusal.guard, refusal.text, room)

    def _legs_reduce(
        self, order: OrderRequest, portfolio: Portfolio, pending: Sequence[Pending]
    ) -> bool:
        """Whether every leg of the order's combination reduces; True for single orders."""
        for leg in order.legs:
            others = [
                p
                for p in pending
                if p.symbol == leg.symbol
                and p.quantity * leg.quantity > 0.0
                and (p.group is None or p.group != order.group)
            ]
            if not judge_exit(_held(portfolio, leg.symbol), leg.quantity, others).reduces:
                return False
        return True

    def _limits_refuse(
        self,
        effect: Effect,
        order: OrderRequest,
        portfolio: Portfolio,
        pending: Sequence[Pending],
        side: Sequence[Pending],
        standing: Verdict,
    ) -> Refusal | None:
        symbol, quantity = effect.symbol, effect.quantity
        price, seen = effect.price, order.reference_time
        if price is None and (known := self._last_price(symbol)) is not None:
            price, seen = known
        if price is None or not math.isfinite(price) or price <= 0.0:
            text = f"expected a reference price of {symbol} above 0, was {price}"
            return Refusal("price", text, 0.0)
        if seen is not None:
            if seen.tzinfo is None:
                return Refusal("price", f"expected an aware time of {symbol}'s price", 0.0)
            if portfolio.time - seen > self._max_age:
                text = (
                    f"price of {symbol} is stale: last seen {seen.isoformat()}, "
                    f"now {portfolio.time.isoformat()}"
                )
                return Refusal("price", text, 0.0)
        held = _held(portfolio, symbol)
        if not math.isfinite(held):
            return Refusal("input", f"expected a finite position in {symbol}, was {held}", 0.0)
        limits, equity = self._limits, portfolio.equity
        scale = standing.multiplier
        unit = price * effect.multiplier
        ahead = held + sum(p.quantity for p in side)
        worst = ahead + quantity
        direction = 1.0 if quantity > 0 else -1.0

        if limits.max_position is not None:
            cap = limits.max_position * scale * equity
            if direction * worst * unit > cap * (1.0 + _EPSILON):
                room = max(0.0, cap / unit - direction * ahead)
                text = (
                    f"position limit of {symbol}: {direction * worst * unit:,.2f} with everything "
                    f"pending, limit {limits.max_position:.1%} of equity"
                    f"{f' x {scale:.2f}' if scale < 1 else ''} = {cap:,.2f}"
                )
                return Refusal("max_position", text, direction * room)
        gross_limit = limits.max_leverage
        if scale < 1.0:
            scaled = scale * self._full_gross
            gross_limit = scaled if gross_limit is None else min(gross_limit, scaled)
        if gross_limit is None:
            return None
        other = self._gross_of_others(symbol, portfolio, pending)
        if isinstance(other, str):
            return Refusal("input", other, 0.0)
        opposite = held + sum(
            p.quantity for p in pending if p.symbol == symbol and p.quantity * quantity < 0.0
        )
        before = max(abs(ahead), abs(opposite), abs(held))
        after = max(abs(worst), before)
        cap = gross_limit * equity
        if other + after * unit > cap * (1.0 + _EPSILON):
            room = max(0.0, (cap - other) / unit - direction * ahead)
            text = (
                f"gross limit: {other + after * unit:,.2f} with everything pending, "
                f"limit {gross_limit:.2f} x equity = {cap:,.2f}"
            )
            return Refusal("max_leverage", text, direction * room)
        return None

    def _more_refuse(
        self,
        effect: Effect,
        portfolio: Portfolio,
        pending: Sequence[Pending],
        standing: Verdict,
    ) -> Refusal | None:
        """Answer of the further limits to an order that the gate's own let pass."""
        price = effect.price if effect.price is not None else self._known_price(effect.symbol)
        candidate = Candidate(
            effect.symbol,
            effect.quantity,
            (price or 0.0) * effect.multiplier,
            portfolio,
            pending,
            standing.multiplier,
            self._known_price,
        )
        for limit in self._more:
            objection = limit.object(candidate)
            if objection is not None:
                return Refusal(objection.guard, objection.text, objection.max_quantity)
        return None

    def _gross_of_others(
        self, symbol: str, portfolio: Portfolio, pending: Sequence[Pending]
    ) -> float | str:
        """Gross exposure of all other symbols at its worst, or why it cannot be told."""
        # symbol -> [buys, sells, those of them that do not rest, price times multiplier]
        books: dict[str, list[float]] = {}
        for p in pending:
            name = p.symbol
            if name == symbol:
                continue
            book = books.get(name)
            if book is None:
                books[name] = book = [0.0, 0.0, 0.0, 0.0]
            quantity = p.quantity
            book[0 if quantity > 0.0 else 1] += quantity
            if not p.resting:
                book[2] += quantity
            price = p.price if p.price is not None else self._known_price(name)
            if price is not None:
                book[3] = max(book[3], price * p.multiplier)
        total = 0.0
        for name, position in portfolio.positions.items():
            if name == symbol:
                continue
            held, unit = position.quantity, position.price * position.multiplier
            book = books.pop(name, None) if books else None
            if book is None:
                total += abs(held) * unit
                continue
            long, short, closing = held + book[0], held + book[1], book[2]
            if held > 0.0 > closing:
                long = max(0.0, long + closing)
            elif held < 0.0 < closing:
                short = min(0.0, short + closing)
            total += max(long, -short, 0.0) * unit
        for name, book in books.items():
            if book[3] <= 0.0:
                return f"expected a price for the open orders in {name}, was none"
            total += max(book[0], -book[1]) * book[3]
        if not math.isfinite(total):
            return f"expected finite positions and prices, gross exposure was {total}"
        return total


def _passed(
    standing: Verdict,
    symbol: str,
    evidence: Mapping[str, Any] = NOTHING,
    cancel: tuple[OrderId, ...] = (),
) -> Verdict:
    return Verdict(
        standing.state,
        f"symbol:{symbol}",
        standing.reason,
        standing.until,
        evidence,
        standing.reasons,
        standing.multiplier,
        True,
        None,
        cancel,
    )


def _held(portfolio: Portfolio, symbol: str) -> float:
    position = portfolio.positions.get(symbol)
    return 0.0 if position is None else position.quantity
