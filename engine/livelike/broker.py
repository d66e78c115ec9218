"""The broker of a live-like run: takes orders, fills them in its own time, tells about it later.

The broker keeps its own copies of the orders; the algorithm learns what happened from events that
travel on the broker's threads, delayed, in parts, twice, late or in the wrong order, as the faults
say. What the broker did is the truth: a restart begins with it.
"""

from __future__ import annotations

import copy
import heapq
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from engine.orders.brokerage import BacktestingBrokerage, insufficient_text
from engine.orders.event import OrderEvent
from engine.orders.status import CLOSED, FILLS
from engine.securities.fees.base import OrderFee
from engine.types.decimals import ZERO
from engine.types.enums import OrderDirection, OrderStatus

_SOON = timedelta(milliseconds=1)


class Working:
    """An order as the broker has it."""

    __slots__ = ("done", "order")

    def __init__(self, order: Any, done: Decimal = ZERO) -> None:
        self.order = order
        self.done = done

    @property
    def rest(self) -> Decimal:
        rest: Decimal = self.order._quantity - self.done
        return rest


class LiveBrokerage(BacktestingBrokerage):
    """LEAN's side of the broker, and the broker behind it."""

    def __init__(self, algorithm: Any, handler: Any, session: Any) -> None:
        super().__init__(algorithm, handler)
        self._session = session
        self._turns = session.turns
        self._faults = session.faults
        self._rng = session.rng
        self.working: dict[int, Working] = {}
        self.connected = True
        self.held_until: datetime | None = None
        self._jobs: list[tuple[datetime, int, Callable[[], None], bool]] = []
        self._count = 0
        self._last_due: dict[int, datetime] = {}
        self._looking = False
        #: events that the broker has sent and nobody has got yet
        self.travelling: dict[int, list[OrderEvent]] = {}
        self.positions: dict[Any, Decimal] = {}
        self.exposure: dict[Any, tuple[Decimal, Decimal]] = {}
        self.load: dict[Any, float] = {}

    # -- jobs ----------------------------------------------------------------------------------

    def later(self, seconds: float, job: Callable[[], None], always: bool = False) -> None:
        """Do something on a thread of the broker; with a broken link only what is ``always``."""
        self._push(self._turns.now + timedelta(seconds=seconds), job, always)

    def _push(self, due: datetime, job: Callable[[], None], always: bool = False) -> None:
        self._count += 1
        heapq.heappush(self._jobs, (due, self._count, job, always))

    def next_due(self) -> datetime | None:
        """Return when there is something to do."""
        return self._jobs[0][0] if self._jobs else None

    def serve(self) -> None:
        """Work off jobs: the body of a thread of the broker."""
        turns = self._turns
        while True:
            turns.wait(due=self.next_due, idle=True)
            if not self._jobs or self._jobs[0][0] > turns.now:
                continue
            due, _, job, always = heapq.heappop(self._jobs)
            if self.held_until is not None and not always:
                # the link is broken: what is on its way arrives afterwards
                self._push(max(due, self.held_until) + self._way(), job)
                continue
            self._session.tick()
            job()

    def _way(self) -> timedelta:
        return timedelta(seconds=self._rng.uniform(0.001, max(0.001, self._faults.delay)))

    # -- requests: on LEAN's threads ------------------------------------------------------------

    def place(self, order: Any) -> bool:
        if order.status != OrderStatus.NEW or self._rng.random() < self._faults.reject:
            return False
        self._mark(order)
        mine = order.clone()
        mine.status = OrderStatus.SUBMITTED
        self.working[order.id] = Working(mine)
        self._measure(order.symbol)
        self._send([self._event(order, OrderStatus.SUBMITTED)])
        self.later(self._way().total_seconds(), lambda: self._look_at(order.id))
        return True

    def update(self, order: Any) -> bool:
        changed = order.clone()
        self.later(self._way().total_seconds(), lambda: self._take_update(changed))
        return True

    def cancel(self, order: Any) -> bool:
        group = self._handler.group_of(order)
        if group is None:
            return False
        for leg in group:
            number = leg.id
            if self._rng.random() < self._faults.lost_cancel:
                self._session.note("fault", f"the cancel of order {number} is lost")
                continue
            self.later(self._way().total_seconds(), partial(self._take_cancel, number))
        return True

    # -- at the broker: on its threads ---------------------------------------------------------

    def _take_update(self, changed: Any) -> None:
        known = self.working.get(changed.id)
        if known is None:
            return
        changed.status = OrderStatus.SUBMITTED
        known.order = changed
        self._measure(changed.symbol)
        self._send([self._event(changed, OrderStatus.UPDATE_SUBMITTED)])
        if known.rest * (1 if changed._quantity >= 0 else -1) <= 0:
            # made smaller than what is filled already: nothing is left of it
            self._close(known, OrderStatus.FILLED)
        else:
            self._look_at(changed.id)

    def _take_cancel(self, number: int) -> None:
        known = self.working.get(number)
        if known is not None:
            self._close(known, OrderStatus.CANCELED)

    def _close(self, known: Working, status: OrderStatus, message: str = "") -> None:
        self.working.pop(known.order.id, None)
        known.order.status = status
        self._send([self._event(known.order, status, message)])

    def _remove(self, orders: list[Any], status: OrderStatus, message: str = "") -> None:
        for order in orders:
            known = self.working.get(order.id)
            if known is not None:
                self._close(known, status, message)

    def on_data(self) -> None:
        """Look at the working orders soon: there is new data."""
        if self.working and not self._looking:
            self._looking = True
            self.later(0.001, self._look)

    def scan(self) -> None:
        """Nothing: the broker looks at orders in its own time."""

    def _look(self) -> None:
        self._looking = False
        for number in sorted(self.working):
            self._look_at(number)

    def _look_at(self, number: int) -> None:
        """Fill what can be filled of one order, or of its group once all legs are there."""
        known = self.working.get(number)
        if known is None or known.order.status in CLOSED:
            return
        group = [known]
        manager = known.order.group_order_manager
        if manager is not None:
            legs = [self.working.get(leg) for leg in manager._order_ids]
            if len(legs) != manager.count or not all(legs):
                return
            group = [leg for leg in legs if leg is not None]
        securities = self._securities([one.order for one in group])
        if securities is None:
            self._remove([one.order for one in group], OrderStatus.INVALID)
            return
        if not self._may_fill(securities):
            return
        if self._faults.account == "paper" and not self._has_power(group, securities):
            return
        fills: list[Any] = []
        try:
            self._ask_models(known.order, securities, fills)
        except Exception as error:
            self._algorithm.error(f"Order Error: id: {number}, the fill failed: {error}")
            return
        by_id = {one.order.id: one for one in group}
        for fill in fills:
            if fill.status in FILLS and fill.order_id in by_id:
                self._execute(by_id[fill.order_id], fill, whole=len(group) > 1)

    def _has_power(self, group: list[Working], securities: dict[Any, Any]) -> bool:
        orders = [one.order for one in group]
        power = self._algorithm.portfolio.has_sufficient_buying_power_for_order(orders)
        if not power.is_sufficient:
            message = insufficient_text(securities, power.reason)
            self._remove(orders, OrderStatus.INVALID, message)
            self._algorithm.error(message)
        return bool(power.is_sufficient)

    def _execute(self, known: Working, fill: OrderEvent, whole: bool) -> None:
        """Book an execution at the broker and send its event."""
        order, rest = known.order, known.rest
        sign = 1 if rest > 0 else -1
        amount = min(abs(fill._fill_quantity), abs(rest))
        lot = self._algorithm.securities[order.symbol].symbol_properties._lot_size or Decimal(1)
        if not whole and amount > lot and self._rng.random() < self._faults.partial:
            share = Decimal(repr(round(self._rng.uniform(0.1, 0.9), 6)))
            amount = max(lot, amount * share // lot * lot)
        if not amount:
            return
        known.done += sign * amount
        event = copy.copy(fill)
        event.fill_quantity = sign * amount
        event._utc_time = self._turns.now
        finished = not known.rest
        event.status = OrderStatus.FILLED if finished else OrderStatus.PARTIALLY_FILLED
        self.positions[order.symbol] = self.position(order.symbol) + sign * amount
        if finished:
            self.working.pop(order.id, None)
            order.status = OrderStatus.FILLED
        else:
            event.order_fee = OrderFee.ZERO
            self.later(self._way().total_seconds() * 5, lambda: self._look_at(order.id))
        self._send([event])

    # -- events: to LEAN -----------------------------------------------------------------------

    def _event(self, order: Any, status: OrderStatus, message: str = "") -> OrderEvent:
        event = OrderEvent(order, self._turns.now, OrderFee.ZERO, message)
        event.status = status
        return event

    def _send(self, events: list[OrderEvent]) -> None:
        """Put events on their way."""
        rng, faults = self._rng, self._faults
        number = events[0].order_id
        due = self._turns.now + self._way()
        if rng.random() < faults.late:
            due += timedelta(seconds=rng.uniform(0, faults.late_seconds))
        if rng.random() >= faults.out_of_order:
            due = max(due, self._last_due.get(number, due) + _SOON)
            self._last_due[number] = due
        self._travel(due, events)
        if rng.random() < faults.duplicate:
            copies = [copy.copy(event) for event in events]
            for event in copies:
                if event.status in FILLS:
                    event.fill_quantity = ZERO
                    event.order_fee = OrderFee.ZERO
            self._travel(due + self._way(), copies)
        if events[0].status in FILLS and rng.random() < faults.double_booking:
            self._travel(due + self._way(), [copy.copy(event) for event in events])

    def _travel(self, due: datetime, events: list[OrderEvent]) -> None:
        self._count += 1
        key = self._count
        self.travelling[key] = events

        def arrive() -> None:
            # the same events may come to two lives only through the account, never twice
            self.travelling.pop(key, None)
            try:
                self._handler.handle_events(events)
            except Exception as error:
                self._handler.note_failure(error)

        self._push(due, arrive)

    # -- the account ---------------------------------------------------------------------------

    def position(self, symbol: Any) -> Decimal:
        """Return the position as the broker has it."""
        return self.positions.get(symbol, ZERO)

    def _measure(self, symbol: Any) -> None:
        """Remember the worst that position and working orders together may become, per side."""
        long = short = self.position(symbol)
        for known in self.working.values():
            if known.order.symbol == symbol:
                if known.order.direction == OrderDirection.BUY:
                    long += known.rest
                else:
                    short += known.rest
        top, bottom = self.exposure.get(symbol, (ZERO, ZERO))
        self.exposure[symbol] = (max(top, long), min(bottom, short))
        equity = self._algorithm.portfolio._total_portfolio_value
        if equity > 0:
            security = self._algorithm.securities[symbol]
            value = max(long, -short) * security._price
            value *= security.symbol_properties._contract_multiplier
            value *= security.quote_currency._conversion_rate
            self.load[symbol] = max(self.load.get(symbol, 0.0), float(value / equity))
