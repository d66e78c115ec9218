"""What a verdict demands of orders and positions: cancels of what adds, exits where it says so."""

from __future__ import annotations

from AlgorithmImports import *

import math
import threading
from datetime import datetime
from typing import TYPE_CHECKING

from protection.contracts.actions import Action, Verdict

if TYPE_CHECKING:
    from algorithm.protect import Protection

# asked of their class these cost several times as much in Python 3.11
_HALT, _LIQUIDATE = Action.HALT, Action.LIQUIDATE
#: kinds that wait for a price, possibly for ever
_RESTING = (
    OrderType.LIMIT,
    OrderType.STOP_MARKET,
    OrderType.STOP_LIMIT,
    OrderType.TRAILING_STOP,
    OrderType.LIMIT_IF_TOUCHED,
)
#: calls after which an exit goes although the cancels before it are not confirmed, when no clock
#: moves any more
_ENOUGH_CALLS = 40
#: longest wait, in seconds, between two exits of a symbol that are refused
_LONGEST_WAIT = 60.0


def rest_of(ticket: OrderTicket) -> float:
    """Return the signed part of an order that is not filled."""
    return float(ticket.quantity) - float(ticket.quantity_filled)


class Exits:
    """Follows verdicts step by step, on the algorithm's own thread."""

    def __init__(self, protection: Protection) -> None:
        self.protection = protection

    def follow(self, verdict: Verdict) -> bool:
        """Cancel and close what the verdict wants; whether nothing is left to do."""
        self._cancel_adding(verdict)
        self._flatten(verdict)
        return True

    def _cancel_adding(self, verdict: Verdict) -> None:
        protection = self.protection
        for ticket in list(protection.algorithm.transactions.get_open_order_tickets()):
            standing = verdict.for_symbol(protection.bridge.key(ticket.symbol))
            if standing.state < _HALT or ticket.status == OrderStatus.CANCEL_PENDING:
                continue
            if self.adds(ticket):
                ticket.cancel(f"Protection: {standing.reason}"[:200])
                protection.counts["adding_cancelled"] += 1

    def adds(self, ticket: OrderTicket) -> bool:
        """Whether an order would do more than lower its position."""
        rest = rest_of(ticket)
        held = float(self.protection.algorithm.portfolio[ticket.symbol].quantity)
        return held * rest >= 0 or abs(rest) > abs(held)

    def _flatten(self, verdict: Verdict) -> None:
        protection = self.protection
        algorithm = protection.algorithm
        for key, symbol, held in protection.bridge.holdings():
            standing = verdict.for_symbol(key)
            if standing.state is not _LIQUIDATE or self.going(symbol, held) >= abs(held):
                continue
            algorithm.transactions.cancel_open_orders(symbol)
            protection.counts["exits"] += 1
            algorithm.market_order(symbol, -held, False, f"Protection: {standing.reason}"[:200])

    def going(self, symbol: Symbol, held: float) -> float:
        """Return how much of a position orders close that fill without waiting for a price."""
        found = 0.0
        for ticket in self.protection.algorithm.transactions.get_open_order_tickets(symbol):
            if ticket.status != OrderStatus.CANCEL_PENDING and closes(ticket, held):
                found += abs(rest_of(ticket))
        return found


def closes(ticket: OrderTicket, held: float) -> bool:
    """Whether an order closes a position without waiting for a price."""
    return rest_of(ticket) * held < 0 and ticket.order_type not in _RESTING


class GradedExits(Exits):
    """Follows verdicts live: from any thread, one at a time, nothing waits for anything.

    First every order is cancelled that stands against the verdict: those that add, and on the way
    to a closed position all that wait for a price, whoever placed them. A symbol's exit goes when
    its cancels are confirmed, or after ``live.patience_seconds``; as an asynchronous market order,
    in ``live.portions``. An exit that is refused is tried again, after ever longer waits.
    """

    def __init__(self, protection: Protection) -> None:
        super().__init__(protection)
        live = protection.system.settings.live
        self._patience = live.patience_seconds
        self._portions = live.portions
        self._busy = threading.Lock()
        # when and at which call a cancel was asked for, by order
        self._asked: dict[int, tuple[datetime, int]] = {}
        # by symbol: when the last exit went, how many were sent without effect, what was held then
        self._sent: dict[str, tuple[datetime, int, float]] = {}
        self._portion: dict[str, float] = {}
        self._own: set[int] = set()
        self._calls = 0

    def follow(self, verdict: Verdict) -> bool:
        if not self._busy.acquire(False):
            return False  # another thread is at it
        try:
            self._calls += 1
            cancelled, closed = self._cancel(verdict), self._reduce(verdict)
            return cancelled and closed
        finally:
            self._busy.release()

    def _cancel(self, verdict: Verdict) -> bool:
        protection, now = self.protection, self.protection.clock.now()
        algorithm, found = protection.algorithm, set()
        for ticket in list(algorithm.transactions.get_open_order_tickets()):
            number = int(ticket.order_id)
            standing = verdict.for_symbol(protection.bridge.key(ticket.symbol))
            if standing.state < _HALT or number in self._own:
                continue
            held = float(algorithm.portfolio[ticket.symbol].quantity)
            if standing.state is _LIQUIDATE:
                keep = closes(ticket, held) and not self.adds(ticket)
            else:
                keep = not self.adds(ticket)
            if keep:
                continue
            found.add(number)
            if number not in self._asked:
                self._asked[number] = (now, self._calls)
                protection.counts["cancels"] += 1
                try:
                    ticket.cancel(f"Protection: {standing.reason}"[:200])
                except SystemExit:
                    raise
                except BaseException as error:  # the other orders are cancelled all the same
                    protection.counts["exit_errors"] += 1
                    protection.say(f"order {number} could not be cancelled ({error!r})")
        for number in self._asked.keys() - found:
            del self._asked[number]
        return not found

    def _reduce(self, verdict: Verdict) -> bool:
        protection, now = self.protection, self.protection.clock.now()
        done, holdings = True, protection.bridge.holdings()
        for key in (self._sent.keys() | self._portion.keys()) - {key for key, _, _ in holdings}:
            self._sent.pop(key, None)
            self._portion.pop(key, None)
        for key, symbol, held in holdings:
            standing = verdict.for_symbol(key)
            if standing.state is not _LIQUIDATE:
                continue
            done = False
            going = self.going(symbol, held)
            if going >= abs(held) or (going and self._portions > 1) or self._waits(symbol, now):
                continue
            last, tries, before = self._sent.get(key, (now, 0, held))
            if abs(held) < abs(before):
                tries = 0
            elif tries and (now - last).total_seconds() < min(_LONGEST_WAIT, 2.0 ** (tries - 1)):
                continue
            size = self._size(key, symbol, abs(held) - going)
            self._sent[key] = (now, tries + 1, held)
            protection.counts["exits"] += 1
            quantity = math.copysign(size, -held)
            text = f"Protection: {standing.reason}"[:200]
            try:
                ticket = protection.algorithm.market_order(symbol, quantity, True, text)
                self._own.add(int(ticket.order_id))
            except SystemExit:
                raise
            except BaseException as error:  # one symbol's trouble must not keep the others open
                protection.counts["exit_errors"] += 1
                protection.say(f"the exit of {key} could not be sent ({error!r}); tried again")
        return done

    def _size(self, key: str, symbol: Symbol, most: float) -> float:
        """Return the size of the next portion, whole lots, the last one whatever is left."""
        if self._portions == 1:
            return most
        lot = float(self.protection.algorithm.securities[symbol].symbol_properties.lot_size) or 1.0
        if key not in self._portion:
            self._portion[key] = math.ceil(most / self._portions / lot) * lot
        portion = self._portion[key]
        return most if most - portion < lot else portion

    def _waits(self, symbol: Symbol, now: datetime) -> bool:
        """Whether a cancel of this symbol is on its way, and not for too long."""
        for ticket in self.protection.algorithm.transactions.get_open_order_tickets(symbol):
            asked = self._asked.get(int(ticket.order_id))
            if asked is None:
                continue
            moment, call = asked
            waited = (now - moment).total_seconds()
            if waited < self._patience and self._calls - call < _ENOUGH_CALLS:
                return True
        return False
