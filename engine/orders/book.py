"""The book of orders: orders and tickets by id, and what an order event changes."""

from __future__ import annotations

from typing import Any

from engine.orders.event import OrderEvent
from engine.orders.requests import OrderResponse, SubmitOrderRequest
from engine.orders.status import CLOSED, FILLS
from engine.orders.table import OrderTable
from engine.orders.ticket import OrderTicket
from engine.securities.fees.base import ModifiedFillQuantityOrderFee, OrderFee
from engine.types.enums import (
    DataNormalizationMode,
    OrderDirection,
    OrderRequestStatus,
    OrderStatus,
    OrderType,
    SecurityType,
)
from engine.types.errors import EngineError, InvalidOperationException
from engine.types.symbol import Symbol

_KEPT = (OrderStatus.FILLED, OrderStatus.CANCELED)
_NONE, _INVALID = OrderStatus.NONE, OrderStatus.INVALID
_CANCELED, _CRYPTO = OrderStatus.CANCELED, SecurityType.CRYPTO
_SENT = (OrderStatus.UPDATE_SUBMITTED, OrderStatus.SUBMITTED)
#: kinds with nothing but a quantity
_PLAIN = (
    OrderType.MARKET,
    OrderType.MARKET_ON_OPEN,
    OrderType.MARKET_ON_CLOSE,
    OrderType.COMBO_MARKET,
)


class OrderBook:
    """Orders of one run.

    Attributes
    ----------
    orders, order_tickets : dict
        All orders and tickets by id.
    orders_count : int
        How many orders were ever taken.
    order_events : list
        All order events as they were sent.
    """

    def __init__(self, algorithm: Any) -> None:
        self._algorithm = algorithm
        self.orders: dict[int, Any] = {}
        self.order_tickets: dict[int, OrderTicket] = {}
        self.orders_count = 0
        self.order_events: list[OrderEvent] = []
        # id -> (order, ticket, security)
        self._open = OrderTable()
        # the tickets of open orders after so many changes of the table
        self._listed_tickets: tuple[int, list[OrderTicket]] = (-1, [])
        self._before_cancel: dict[int, OrderStatus] = {}
        self._modes: dict[Symbol, DataNormalizationMode] = {}
        self._told_fee = False

    def _wait(self, ticket: OrderTicket) -> None:
        """Wait until an order is closed: a backtest never does."""

    # -- looks ---------------------------------------------------------------------------------

    def _open_tickets(self) -> list[OrderTicket]:
        """Return the tickets of open orders: the same list until one comes or goes, not to be
        changed.
        """
        changes, tickets = self._listed_tickets
        if changes != self._open._changes:
            changes = self._open._changes
            tickets = [ticket for _, ticket, _ in self._open.values()]
            self._listed_tickets = changes, tickets
        return tickets

    def _open_orders_list(self) -> list[Any]:
        return [order for order, _, _ in self._open.values()]

    def group_of(self, order: Any) -> list[Any] | None:
        """Return the orders of a combo by id; ``None`` while legs are missing."""
        group = order.group_order_manager
        if group is None:
            return [order]
        legs = [order if i == order.id else self.orders.get(i) for i in group._order_ids]
        if len(legs) != group.count or any(leg is None for leg in legs):
            return None
        return sorted(legs, key=lambda leg: leg.id)

    def _find(self, order_id: int) -> tuple[Any, OrderTicket, Any] | None:
        found = self._open._items.get(order_id)
        if found is None and order_id in self.orders and order_id in self.order_tickets:
            found = self.orders[order_id], self.order_tickets[order_id], None
        return found

    def _set_price_adjustment_mode(self, order: Any, security: Any) -> None:
        mode = self._modes.get(order.symbol)
        if mode is None:
            if not security.subscriptions:
                raise InvalidOperationException(
                    f"Unable to locate subscription data config for {order.symbol}"
                )
            mode = self._modes[order.symbol] = security.subscriptions[0].data_normalization_mode
        order.price_adjustment_mode = mode

    def add_open_order(self, order: Any) -> OrderTicket:
        """Register an order of the engine itself: no checks, no ``Submitted`` event."""
        algorithm = self._algorithm
        if order.status in (OrderStatus.NEW, OrderStatus.NONE):
            order.status = OrderStatus.SUBMITTED
        order._set_id(algorithm.transactions.get_increment_order_id())
        request = SubmitOrderRequest(
            order.type, order.security_type, order.symbol, order._quantity, 0, 0, order._time,
            order.tag, order.properties,
        )  # fmt: skip
        request._set_order_id(order.id)
        request.set_response(OrderResponse.success(request), OrderRequestStatus.PROCESSED)
        ticket = OrderTicket(algorithm.transactions, request)
        ticket._set_order(order)
        security = algorithm.securities[order.symbol]
        self._set_price_adjustment_mode(order, security)
        self._open[order.id] = order, ticket, security
        self.orders[order.id] = order
        self.order_tickets[order.id] = ticket
        self.orders_count += 1
        return ticket

    # -- events --------------------------------------------------------------------------------

    def _handle(self, order: Any, message: str = "") -> None:
        """Send an event with the order's present status."""
        self.handle_events([OrderEvent(order, self._algorithm._utc, OrderFee.ZERO, message)])

    def handle_events(self, events: list[OrderEvent]) -> None:
        """Book events, then tell the execution model and the algorithm."""
        self._book(events)
        self._tell(events)

    def _book(self, events: list[OrderEvent]) -> None:
        """Book events: first the orders, then the portfolio, the trades and the tickets."""
        algorithm = self._algorithm
        rows = []
        opened = self._open._items
        for event in events:
            found = opened.get(event.order_id) or self._find(event.order_id)
            if found is None:
                raise EngineError(
                    f"expected an event of a known order, was order {event.order_id}; the fill "
                    "model "
                    "must return events of the order it was asked about"
                )
            order, ticket, security = found
            if event.status in CLOSED:
                self._open.pop(event.order_id)
                self.orders[order._id], self.order_tickets[order._id] = order, ticket
            symbol = event.symbol
            if security is None or (security.symbol is not symbol and security.symbol != symbol):
                security = algorithm.securities[symbol]
            event.ticket = ticket
            rows.append((event, order, ticket, security))
        fills = []
        for event, order, ticket, security in rows:
            self._take(event, order, ticket)
            if event.status in FILLS:
                fills.append(event)
                if event.symbol.security_type == _CRYPTO:
                    self._fee_from_quantity(event, order, security)
        if fills:
            algorithm.portfolio.process_fills(fills)
        for event, _, ticket, security in rows:
            if event.status in FILLS:
                fee = event.order_fee.value
                algorithm.trade_builder.process_fill(
                    event,
                    security.quote_currency._conversion._conversion_rate,
                    algorithm.portfolio.cash_book._to_account(fee._amount, fee.currency),
                    security.symbol_properties._contract_multiplier,
                )
            ticket._add_event(event)

    def _tell(self, events: list[OrderEvent]) -> None:
        """Tell the execution model and the algorithm."""
        algorithm = self._algorithm
        results = algorithm._engine.results
        for event in events:
            if event.status == _NONE:
                continue
            self.order_events.append(event)
            results.on_order_event(event)
            algorithm.execution.on_order_event(algorithm, event)
            try:
                algorithm.on_order_event(event)
            except Exception as error:
                algorithm._set_runtime_error(error, "Order Event Handler")

    def _take(self, event: OrderEvent, order: Any, ticket: OrderTicket) -> None:
        """Carry status and time into the order, and the order's values into the event."""
        status = event.status
        if self._before_cancel and order._id in self._before_cancel:
            if status in CLOSED:
                del self._before_cancel[order._id]
            elif status != OrderStatus.CANCEL_PENDING:
                self._before_cancel[order._id] = status
        # a late refusal does not undo a fill or a cancel
        if status != _INVALID or order.status not in _KEPT:
            order.status = status
        event.id = order._new_event_id()
        if status in FILLS:
            order._last_fill_time = event._utc_time
        elif status == _CANCELED:
            order._canceled_time = event._utc_time
        elif ticket._updates and status in _SENT:
            order._last_update_time = event._utc_time
        event._quantity = order._quantity  # without trailing zeros in both
        kind = order.type
        if kind in _PLAIN:
            return
        if kind in (OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.LIMIT_IF_TOUCHED) or (
            kind is OrderType.COMBO_LEG_LIMIT
        ):
            event.limit_price = order._limit_price
        if kind in (OrderType.STOP_MARKET, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP):
            event.stop_price = order._stop_price
        if kind is OrderType.TRAILING_STOP:
            event.trailing_amount = order._trailing_amount
        elif kind is OrderType.LIMIT_IF_TOUCHED:
            event.trigger_price = order._trigger_price

    def _fee_from_quantity(self, event: OrderEvent, order: Any, security: Any) -> None:
        """Take a fee in the coin that is bought out of the filled quantity."""
        if (
            order.direction != OrderDirection.BUY
            or event.order_fee.value.currency != security.base_currency.symbol
        ):
            return
        fee = event.order_fee.value
        event.fill_quantity = event._fill_quantity - fee._amount
        event.order_fee = ModifiedFillQuantityOrderFee(
            fee, security.quote_currency.symbol, security.symbol_properties._contract_multiplier
        )
        if not self._told_fee:
            self._told_fee = True
            self._algorithm.debug(
                "When buying currency pairs, using Cash account types, fees in base currency will "
                "be "
                "deducted from the filled quantity so virtual positions reflect actual holdings."
            )
