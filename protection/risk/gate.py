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

from protection.contracts.actions import NOTHING, Action, Reason, Verdict, make_verdict
from protection.contracts.quick import maker, quick
from protection.contracts.records import OrderId, OrderKind, OrderRequest, Portfolio, Position
from protection.contracts.settings import LimitSettings
from protection.risk.checks.base import Asked, Refusal
from protection.risk.checks.build import OrderChecks
from protection.risk.limits.base import Candidate, OrderLimit
from protection.risk.limits.book import book_within
from protection.risk.limits.tally import Holdings, Reach, Shape
from protection.risk.orders import Flight, OrderBook, Pending

ADDS: Mapping[str, Any] = MappingProxyType({"adds": True})
"""Evidence of an allowed order that adds exposure."""

# asked of their class these cost 20 times as much in Python 3.11, and every order asks
_EXERCISE, _FREEZE = OrderKind.OPTION_EXERCISE, Action.FREEZE
_EPSILON = 1e-9
_GROUPS = 1024


@quick
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


_exit = maker(Exit)
_NO_EXIT = Exit(False, False, (), 0.0)


def effect_of(order: OrderRequest) -> tuple[str, float] | str:
    """Symbol that an order changes and by how much, signed, or why it cannot be told."""
    if order.kind is _EXERCISE:
        if order.underlying is None or order.underlying_quantity is None:
            return "expected underlying and underlying_quantity of an exercise, was none"
        symbol, quantity = order.underlying, order.underlying_quantity
    else:
        symbol, quantity = order.symbol, order.quantity - order.filled
    if not math.isfinite(quantity):
        return f"expected a finite quantity, was {quantity}"
    if not 0.0 < order.multiplier < math.inf:
        return f"expected a multiplier above 0, was {order.multiplier}"
    return symbol, quantity


def judge_exit(held: float, quantity: float, same_side: Sequence[Pending]) -> Exit:
    """Whether ``quantity`` reduces ``held``, given the pending orders on its side."""
    if not math.isfinite(held) or held * quantity >= 0.0:
        return _NO_EXIT
    size, position = abs(quantity), abs(held)
    slack = _EPSILON * position
    if not same_side and size <= position + slack:  # the usual case
        return _exit(True, False, (), quantity)
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
    checks : checks of single orders and of their flow
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
        checks: OrderChecks | None = None,
    ) -> None:
        self.book = OrderBook()
        self._limits = limits
        self._lock = lock
        self._killed = killed
        self._last_price = last_price
        self._max_age = max_age
        self._full_gross = limits.full_gross or limits.max_leverage or leverage_limit or 1.0
        self._groups: dict[OrderId, str] = {}
        self._checks = checks
        self._record = None if checks is None or not checks.active else checks.flow.record
        stage = None if checks is None else checks.stage
        self._more = (*(() if stage is None else (stage,)), *more)
        # what was worked out for the positions and the orders in flight looked at last
        self._holdings: Holdings | None = None
        self._reach: tuple[Holdings, Flight, Reach] | None = None
        self._shape: tuple[Holdings, Flight, Shape] | None = None
        self._passes: dict[str, tuple[Verdict, Verdict]] = {}

    def describe(self) -> list[str]:
        """One line per limit on what it will do."""
        limits = self._limits
        position = "off" if limits.max_position is None else f"{limits.max_position:.0%} of equity"
        gross = "off" if limits.max_leverage is None else f"{limits.max_leverage:g} x equity"
        return [
            f"order gate: position limit {position}, gross limit {gross}; an order that reduces "
            "always passes",
            *(() if self._checks is None else self._checks.describe()),
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
            symbol, quantity = order.symbol, order.quantity - order.filled
            if order.kind is _EXERCISE or not (
                -math.inf < quantity < math.inf and 0.0 < order.multiplier < math.inf
            ):
                effect = effect_of(order)
                if isinstance(effect, str):
                    answer = denial(Action.FREEZE, symbol, "input", effect, 0.0)
                    return self._refused(order, answer)
                symbol, quantity = effect
            answer, asked = self._judge(order, symbol, quantity, portfolio, verdict)
            if not answer.allowed:
                return self._refused(order, answer)
            book, order_id, price = self.book, order.order_id, order.reference_price
            known = book.working(order_id)
            total_before = None
            if known is not None:
                total_before = known.total
                if order.kind is not _EXERCISE:
                    quantity = order.quantity
            if price is None:
                price = self._known_price(symbol)
            resting, multiplier = order.kind.resting, order.multiplier
            book.reserve(order_id, symbol, quantity, resting, price, multiplier, order.group)
            fault = audit(order, answer)
            if asked is not None and (fault or self._killed()):
                if total_before is None:
                    book.withdraw(order_id)
                else:
                    book.resize(order_id, total_before)
                guard, text = ("audit", fault) if fault else ("kill", "killed while being judged")
                return self._refused(order, denial(Action.HALT, symbol, guard, text, 0.0))
            if self._record is not None:
                self._record(order, asked, portfolio.time)
            return answer

    def _known_price(self, symbol: str) -> float | None:
        known = self._last_price(symbol)
        return None if known is None else known[0]

    def _refused(self, order: OrderRequest, answer: Verdict) -> Verdict:
        if order.is_update:  # what works stays as it is, and so does its combination
            return answer
        self.book.refuse(order.order_id)
        if order.group is not None and order.group not in self._groups:
            if len(self._groups) >= _GROUPS:
                self._groups.pop(next(iter(self._groups)))
            self._groups[order.group] = answer.reason
        return answer

    def _judge(
        self,
        order: OrderRequest,
        symbol: str,
        quantity: float,
        portfolio: Portfolio,
        verdict: Callable[[str, str], Verdict],
    ) -> tuple[Verdict, Asked | None]:
        """Verdict, and the order as the checks saw it when it passed as an adding one."""
        standing = verdict(symbol, order.strategy)
        if order.group is not None and order.group in self._groups:
            text = f"another leg of combination {order.group} was refused: "
            text += self._groups[order.group]
            return denial(standing.state, symbol, "combo", text, 0.0), None
        flight, order_id = self.book.flight(portfolio.open_orders), order.order_id
        if flight.symbols.get(order_id, symbol) != symbol:  # as listed it moves another symbol
            flight = Flight(flight.without(order_id))
        own = flight.beside(order_id, symbol) if symbol in flight.by_symbol else ()
        side = [p for p in own if p.quantity * quantity > 0.0] if own else own
        position = portfolio.positions.get(symbol)
        held = 0.0 if position is None else position.quantity
        exit_ = judge_exit(held, quantity, side) if held * quantity < 0.0 else _NO_EXIT
        if quantity == 0.0 or (
            exit_.reduces and (not order.legs or self._legs_reduce(order, portfolio, flight))
        ):
            return _passed(standing, symbol), None
        refusals: list[Refusal] = []
        adding = standing.state < _FREEZE
        if adding:
            asked = Asked(order, portfolio, symbol, quantity, portfolio.time, 0.0, 0.0, own)
            self._check(asked, held, side, flight, standing, refusals)
            if not refusals:
                return self._adds(standing, symbol), asked
        if (exit_.excused or exit_.reduces) and (
            not order.legs or self._legs_reduce(order, portfolio, flight, excused=True)
        ):
            return _passed(standing, symbol, exit_.cancel), None
        room = exit_.room
        if not adding:
            text = f"no adding of {symbol}: {standing.reason}"
            return denial(standing.state, symbol, "state", text, room, standing.reasons), None
        most = min((refusal.max_quantity for refusal in refusals), key=abs)
        if most * quantity > 0.0 and abs(most) > abs(room):
            room = most
        reasons = tuple(Reason(r.guard, Action.FREEZE, r.text) for r in refusals)
        first = refusals[0]
        return denial(standing.state, symbol, first.guard, first.text, room, reasons), None

    def _adds(self, standing: Verdict, symbol: str) -> Verdict:
        """Verdict on an adding order that passed: the same one while the standing is the same."""
        known = self._passes.get(symbol)
        if known is not None and known[0] is standing:
            return known[1]
        answer = _passed(standing, symbol, (), ADDS)
        if len(self._passes) >= _GROUPS:
            self._passes.clear()
        self._passes[symbol] = (standing, answer)
        return answer

    def _check(
        self,
        asked: Asked,
        held: float,
        side: Sequence[Pending],
        flight: Flight,
        standing: Verdict,
        refusals: list[Refusal],
    ) -> None:
        """Every check in the fixed sequence, cheap before dear; all that refuse are kept.

        Without a reference price nothing after it can be judged, and the limits on the shape and
        tail of the whole book are asked about orders only that pass everything before them.
        """
        checks = self._checks
        if checks is not None:
            for check in checks.early:
                refusal = check(asked)
                if refusal is not None:
                    refusals.append(refusal)
            if checks.counted is not None:
                checks.counted(asked, refusals)
        refusal = self._price(asked)
        if refusal is not None:
            refusals.append(refusal)
            return
        if checks is not None:
            for check in checks.late:
                refusal = check(asked)
                if refusal is not None:
                    refusals.append(refusal)
        holdings = self._limits_refuse(asked, held, side, flight, standing.multiplier, refusals)
        if not refusals and self._more:
            refusal = self._more_refuse(asked, holdings, flight, standing.multiplier)
            if refusal is not None:
                refusals.append(refusal)

    def _price(self, asked: Asked) -> Refusal | None:
        """Reference price of the order, written into ``asked``, or why there is none."""
        order, symbol, now = asked.order, asked.symbol, asked.now
        price, seen = order.reference_price, order.reference_time
        if price is None and (known := self._last_price(symbol)) is not None:
            price, seen = known
        if price is None or not 0.0 < price < math.inf:
            text = f"expected a reference price of {symbol} above 0, was {price}"
            return Refusal("price", text, 0.0)
        if seen is not None:
            if seen.tzinfo is None:
                return Refusal("price", f"expected an aware time of {symbol}'s price", 0.0)
            if seen < now and now - seen > self._max_age:
                text = (
                    f"price of {symbol} is stale: last seen {seen.isoformat()}, "
                    f"now {now.isoformat()}"
                )
                return Refusal("price", text, 0.0)
        asked.price, asked.unit = price, price * order.multiplier
        return None

    def _legs_reduce(
        self, order: OrderRequest, portfolio: Portfolio, flight: Flight, excused: bool = False
    ) -> bool:
        """Whether every leg of the order's combination reduces, or is ``excused`` where asked."""
        for leg in order.legs:
            others = [
                p
                for p in flight.beside(order.order_id, leg.symbol)
                if p.quantity * leg.quantity > 0.0 and (p.group is None or p.group != order.group)
            ]
            position = portfolio.positions.get(leg.symbol)
            held = 0.0 if position is None else position.quantity
            found = judge_exit(held, leg.quantity, others)
            if not (found.reduces or (excused and found.excused)):
                return False
        return True

    def _limits_refuse(
        self,
        asked: Asked,
        held: float,
        side: Sequence[Pending],
        flight: Flight,
        scale: float,
        refusals: list[Refusal],
    ) -> Holdings | None:
        """Hold an order against the gate's own limits; the holdings where they were needed."""
        symbol, quantity, portfolio = asked.symbol, asked.quantity, asked.portfolio
        if not math.isfinite(held):
            text = f"expected a finite position in {symbol}, was {held}"
            refusals.append(Refusal("input", text, 0.0))
            return None
        limits, equity, unit = self._limits, portfolio.equity, asked.unit
        ahead = held + sum([p.quantity for p in side]) if side else held
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
                refusals.append(Refusal("max_position", text, direction * room))
        gross_limit = limits.max_leverage
        if scale < 1.0:
            scaled = scale * self._full_gross
            gross_limit = scaled if gross_limit is None else min(gross_limit, scaled)
        if gross_limit is None:
            return None
        holdings = self._held(portfolio.positions)
        other = self._reach_of(holdings, flight).others(symbol)
        if isinstance(other, str):
            refusals.append(Refusal("input", other, 0.0))
            return holdings
        before, after = abs(ahead), abs(worst)
        if asked.own:
            opposite = held + sum([p.quantity for p in asked.own if p.quantity * quantity < 0.0])
            before = max(before, abs(held), abs(opposite))
        if before > after:
            after = before
        cap = gross_limit * equity
        if other + after * unit > cap * (1.0 + _EPSILON):
            room = max(0.0, (cap - other) / unit - direction * ahead)
            if other + before * unit > cap * (1.0 + _EPSILON):
                room = 0.0  # it is beyond without this order, whatever its size
            text = (
                f"gross limit: {other + after * unit:,.2f} with everything pending, "
                f"limit {gross_limit:.2f} x equity = {cap:,.2f}"
            )
            refusals.append(Refusal("max_leverage", text, direction * room))
        return holdings

    def _more_refuse(
        self, asked: Asked, holdings: Holdings | None, flight: Flight, scale: float
    ) -> Refusal | None:
        """Answer of the further limits to an order that the gate's own let pass."""
        portfolio = asked.portfolio
        if holdings is None:
            holdings = self._held(portfolio.positions)
        candidate = Candidate(
            asked.symbol,
            asked.quantity,
            asked.unit,
            portfolio,
            flight.without(asked.order.order_id),
            scale,
            self._known_price,
        )
        shape = self._shape_of(holdings, flight)
        candidate.book = book_within(candidate, holdings, flight, shape, asked.own)
        for limit in self._more:
            objection = limit.object(candidate)
            if objection is not None:
                return Refusal(objection.guard, objection.text, objection.max_quantity)
        return None

    def _held(self, positions: Mapping[str, Position]) -> Holdings:
        """Values of the positions, worked out once for a snapshot."""
        known = self._holdings
        if known is None or not known.tell(positions):
            self._holdings = known = Holdings(positions)
        return known

    def _reach_of(self, holdings: Holdings, flight: Flight) -> Reach:
        """Gross exposure of every symbol, worked out once for a snapshot and what is in flight."""
        known = self._reach
        if known is not None and known[0] is holdings and known[1] is flight:
            return known[2]
        made = Reach(holdings, flight, self._known_price)
        self._reach = (holdings, flight, made) if made.lasting else None
        return made

    def _shape_of(self, holdings: Holdings, flight: Flight) -> Shape:
        """Values that every symbol may reach, worked out as rarely."""
        known = self._shape
        if known is not None and known[0] is holdings and known[1] is flight:
            return known[2]
        made = Shape(holdings, flight, self._known_price)
        self._shape = (holdings, flight, made) if made.lasting else None
        return made


def _passed(
    standing: Verdict,
    symbol: str,
    cancel: tuple[OrderId, ...] = (),
    evidence: Mapping[str, Any] = NOTHING,
) -> Verdict:
    return make_verdict(
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
