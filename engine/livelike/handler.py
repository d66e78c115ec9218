"""The transaction handler of live trading: requests go to worker threads, events come later.

The same checks, the same gate and the same booking as in a backtest; what differs is who calls them
and when. Two transaction threads at the start, more while all are busy; the requests of one order
are worked off one after the other.
"""

from __future__ import annotations

from collections import deque
from datetime import timedelta
from typing import Any

from engine.orders.event import OrderEvent
from engine.orders.handler import TransactionHandler
from engine.orders.requests import OrderRequest, OrderResponse, SubmitOrderRequest
from engine.orders.ticket import OrderTicket
from engine.types.bars import Delisting
from engine.types.enums import OrderStatus, OrderType
from engine.types.errors import EngineError
from engine.types.symbol import Symbol

_FIRST_THREADS = 2
_UNTIL_SET = timedelta(seconds=1)


class _Dispatched:
    """Stands where a backtest has its queue: what is appended goes to the worker threads."""

    def __init__(self, handler: LiveTransactionHandler) -> None:
        self._handler = handler

    def append(self, request: OrderRequest) -> None:
        self._handler._dispatch(request)

    def __bool__(self) -> bool:
        return False


class LiveTransactionHandler(TransactionHandler):
    """The handler of a live-like run.

    Parameters
    ----------
    algorithm : QCAlgorithm
    session : Session
        Gives turns, faults, the broker and the record of decisions.
    """

    def __init__(self, algorithm: Any, session: Any) -> None:
        super().__init__(algorithm)
        self._session = session
        self._turns = session.turns
        self.brokerage: Any = session.make_brokerage(algorithm, self)
        self._queue = _Dispatched(self)  # type: ignore[assignment]
        self._ready: deque[tuple[int, OrderRequest]] = deque()
        self._in_flight: dict[int, deque[OrderRequest]] = {}
        self._threads = 0
        self._busy = 0

    # -- worker threads ------------------------------------------------------------------------

    def start_threads(self) -> None:
        """Start the transaction threads that are there from the beginning."""
        for _ in range(min(_FIRST_THREADS, self._session.gate_threads)):
            self._add_thread()

    def _add_thread(self) -> None:
        self._turns.spawn(f"transaction {self._threads}", self._work)
        self._threads += 1

    def _dispatch(self, request: OrderRequest) -> None:
        found = self._find(request.order_id)
        group = None if found is None else found[0].group_order_manager
        key = request.order_id if group is None else -group.id
        waiting = self._in_flight.get(key)
        if waiting is not None:
            waiting.append(request)
            return
        self._in_flight[key] = deque()
        if self._busy >= self._threads and self._threads < self._session.gate_threads:
            self._add_thread()
        self._ready.append((key, request))

    def _work(self) -> None:
        turns = self._turns
        while True:
            turns.wait(test=lambda: bool(self._ready), idle=True)
            if not self._ready:
                continue
            key, request = self._ready.popleft()
            self._busy += 1
            while True:
                self._work_on(request)
                waiting = self._in_flight[key]
                if not waiting:
                    del self._in_flight[key]
                    break
                request = waiting.popleft()
            self._busy -= 1

    def _work_on(self, request: OrderRequest) -> None:
        session = self._session
        if session.faults.gate_delay:
            self._turns.sleep(session.rng.uniform(0, session.faults.gate_delay))
        try:
            self._work_off(request)
        except Exception as error:
            # LEAN ends the run; positions and the other orders stay as they are
            session.note("error", f"order {request.order_id}: {error!r}")
            self._algorithm._set_runtime_error(error, "HandleOrderRequest")

    def _process_queue(self) -> None:
        """Nothing waits here: worker threads have it."""

    # -- requests ------------------------------------------------------------------------------

    def process(self, request: OrderRequest) -> OrderTicket:
        """Take a request from whatever thread; a market order may wait for its fill.

        A synchronous order waits one second at most until a worker has taken it up, a synchronous
        market order then five seconds at most (``market_order_fill_timeout``) until it is closed.
        """
        turns = self._turns
        with turns.guest("order request"):
            ticket = super().process(request)
            if (
                isinstance(request, SubmitOrderRequest)
                and not request.asynchronous
                and request.response.is_success
            ):
                turns.wait(until=turns.now + _UNTIL_SET, test=lambda: ticket.has_order)
                if request.order_type is OrderType.MARKET:
                    self._wait(ticket)
            return ticket

    def _wait(self, ticket: OrderTicket) -> None:
        turns = self._turns
        patience = self._algorithm.transactions.market_order_fill_timeout
        turns.wait(until=turns.now + patience, test=lambda: bool(ticket._is_closed))

    def _too_short(self, request: OrderRequest, symbol: Symbol, quantity: Any) -> OrderResponse:
        # live, LEAN warns and sends the order
        refusal = super()._too_short(request, symbol, quantity)
        self._algorithm.debug(f"Warning: {refusal.error_message}")
        return OrderResponse.success(request)

    # -- the gate ------------------------------------------------------------------------------

    def _without_power(self, legs: list[Any], securities: Any, request: Any) -> Any:
        self._turns.give_way()
        refusal = super()._without_power(legs, securities, request)
        if not isinstance(request, SubmitOrderRequest):
            answer = "taken" if refusal is None else "refused"
            self._session.note("update", f"order {request.order_id} {answer}")
        self._turns.give_way()
        return refusal

    def _ask_gate(self, security: Any, order: Any) -> Any:
        turns, session = self._turns, self._session
        turns.give_way()
        session.inside_gate += 1
        session.most_inside_gate = max(session.most_inside_gate, session.inside_gate)
        try:
            answer = super()._ask_gate(security, order)
            turns.give_way()
        finally:
            session.inside_gate -= 1
        able, message = answer
        session.note("gate", f"order {order.id} {'passed' if able else f'refused: {message}'}")
        return able, message

    def _ask_about_update(self, security: Any, order: Any, request: Any) -> Any:
        # live, LEAN does not ask the brokerage model about updates
        return True, None

    def _open_tickets(self) -> list[OrderTicket]:
        self._turns.give_way()
        return super()._open_tickets()

    def _open_orders_list(self) -> list[Any]:
        self._turns.give_way()
        return super()._open_orders_list()

    # -- events --------------------------------------------------------------------------------

    def process_synchronous_events(self) -> None:
        """Tell the broker that there is new data; look for delistings."""
        self.brokerage.on_data()
        current = self._algorithm.current_slice
        if current is not self._seen_slice:
            self._seen_slice = current
            if any(type(point) is Delisting for point in current._points):
                from engine.orders.delistings import process_delistings

                process_delistings(self, current)

    def _book(self, events: list[OrderEvent]) -> None:
        with self._turns.together():
            super()._book(events)

    def handle_events(self, events: list[OrderEvent]) -> None:
        """Book events and tell about them; one of an unknown order is logged and dropped."""
        for event in events:
            if self._find(event.order_id) is None:
                self._algorithm._engine.results.add_system_debug(
                    f"order event of an unknown order {event.order_id} was dropped"
                )
                return
        super().handle_events(events)

    def _tell(self, events: list[OrderEvent]) -> None:
        for event in events:
            if event.status == OrderStatus.NONE:
                continue
            self._session.note(
                "event",
                f"order {event.order_id} {event.status.name} {event._fill_quantity}",
            )
            self._turns.give_way()
            super()._tell([event])
            self._turns.give_way()

    def note_failure(self, error: Exception) -> None:
        """Log what a handler of events raised outside of the user's own callback."""
        if isinstance(error, EngineError):
            raise error
        self._algorithm._engine.results.add_system_debug(
            f"Brokerage.OnOrderEvents(): {type(error).__name__}: {error}"
        )
