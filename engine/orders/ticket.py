"""``OrderTicket``: the algorithm's handle on one order."""

from __future__ import annotations

from datetime import datetime
from decimal import Context, Decimal
from typing import Any

from engine.orders.exact import to_float
from engine.orders.requests import (
    CancelOrderRequest,
    OrderRequest,
    OrderResponse,
    SubmitOrderRequest,
    UpdateOrderFields,
    UpdateOrderRequest,
)
from engine.orders.status import CLOSED, FILLS
from engine.statistics.arithmetic import divide
from engine.types.decimals import NOT_SEEN, ZERO, seen_once
from engine.types.dotnet import LeanObject
from engine.types.enums import (
    OrderField,
    OrderRequestStatus,
    OrderResponseErrorCode,
    OrderStatus,
    OrderType,
    SecurityType,
)
from engine.types.errors import ArgumentException
from engine.types.symbol import Symbol

_FOURTEEN = Context(prec=14, Emin=-999999, Emax=999999, traps=[])
_HAVE: dict[OrderField, tuple[OrderType, ...]] = {
    OrderField.LIMIT_PRICE: (
        OrderType.COMBO_LIMIT,
        OrderType.COMBO_LEG_LIMIT,
        OrderType.LIMIT,
        OrderType.STOP_LIMIT,
        OrderType.LIMIT_IF_TOUCHED,
    ),
    OrderField.STOP_PRICE: (OrderType.STOP_LIMIT, OrderType.STOP_MARKET, OrderType.TRAILING_STOP),
    OrderField.TRIGGER_PRICE: (OrderType.LIMIT_IF_TOUCHED,),
    OrderField.TRAILING_AMOUNT: (OrderType.TRAILING_STOP,),
    OrderField.TRAILING_AS_PERCENTAGE: (OrderType.TRAILING_STOP,),
}


class OrderTicket(LeanObject):
    """State of an order and the requests about it."""

    __slots__ = (
        "_average_fill_price", "_cancel_request", "_events", "_fill_value", "_is_closed", "_order",
        "_quantity_filled", "_shown_quantity", "_status_override", "_transactions", "_updates",
        "submit_request",
    )  # fmt: skip

    def __init__(self, transaction_manager: Any, submit_request: SubmitOrderRequest) -> None:
        self._transactions = transaction_manager
        self.submit_request = submit_request
        self._order: Any = None
        self._status_override: OrderStatus | None = None
        self._cancel_request: CancelOrderRequest | None = None
        self._updates: list[UpdateOrderRequest] = []
        self._events: list[Any] = []
        self._quantity_filled: Decimal = ZERO
        self._shown_quantity = NOT_SEEN
        self._average_fill_price: Decimal = ZERO
        self._fill_value: Decimal = ZERO
        self._is_closed = False

    # -- state ---------------------------------------------------------------------------------

    @property
    def order_id(self) -> int:
        return self.submit_request.order_id

    @property
    def status(self) -> OrderStatus:
        if self._status_override is not None:
            return self._status_override
        return OrderStatus.NEW if self._order is None else self._order.status

    @property
    def symbol(self) -> Symbol:
        return self.submit_request.symbol

    @property
    def security_type(self) -> SecurityType:
        return self.submit_request.security_type

    @property
    def order_type(self) -> OrderType:
        return self.submit_request.order_type

    @property
    def _quantity(self) -> Decimal:
        found: Decimal = (self.submit_request if self._order is None else self._order)._quantity
        return found

    # every new order asks the open ones
    quantity = seen_once("_quantity", "_shown_quantity")

    @property
    def quantity_filled(self) -> float:
        filled = self._quantity_filled
        return 0.0 if filled is ZERO else float(filled)

    @property
    def _quantity_remaining(self) -> Decimal:
        return self._quantity - self._quantity_filled

    @property
    def quantity_remaining(self) -> float:
        return float(self._quantity_remaining)

    @property
    def average_fill_price(self) -> float:
        return to_float(self._average_fill_price)

    @property
    def time(self) -> datetime:
        return self.get_most_recent_order_request().time

    @property
    def tag(self) -> str | None:
        return (self.submit_request if self._order is None else self._order).tag

    @property
    def has_order(self) -> bool:
        return self._order is not None

    @property
    def update_requests(self) -> list[UpdateOrderRequest]:
        return list(self._updates)

    @property
    def cancel_request(self) -> CancelOrderRequest | None:
        return self._cancel_request

    @property
    def order_events(self) -> list[Any]:
        return list(self._events)

    def get(self, field: OrderField) -> Any:
        """Return a price of the order, as the order has it now.

        Raises
        ------
        ArgumentException
            When orders of this kind have no such field.
        """
        return _shown(self._get(OrderField(field)))

    def _get(self, field: OrderField) -> Any:
        if self.order_type not in _HAVE[field]:
            raise ArgumentException(
                f"Unable to get field {field.to_string()} on order of type "
                f"{self.order_type.to_string()}"
            )
        holder = self.submit_request if self._order is None else self._order
        if self._order is not None and self.order_type == OrderType.COMBO_LIMIT:
            holder = self._order.group_order_manager
        name = field.name.lower()
        return getattr(holder, name if name.startswith("trailing_as") else "_" + name)

    # -- requests ------------------------------------------------------------------------------

    def update(self, fields: UpdateOrderFields) -> OrderResponse:
        """Ask for other values; a working order takes them after ``on_data``."""
        request = UpdateOrderRequest(
            self._transactions._algorithm._utc, self.submit_request.order_id, fields
        )
        ticket = self._transactions.update_order(request)
        response: OrderResponse = ticket._updates[-1].response
        return response

    def update_tag(self, tag: str) -> OrderResponse:
        return self.update(UpdateOrderFields(tag=tag))

    def update_quantity(self, quantity: Any, tag: str | None = None) -> OrderResponse:
        return self.update(UpdateOrderFields(quantity=quantity, tag=tag))

    def update_limit_price(self, limit_price: Any, tag: str | None = None) -> OrderResponse:
        return self.update(UpdateOrderFields(limit_price=limit_price, tag=tag))

    def update_stop_price(self, stop_price: Any, tag: str | None = None) -> OrderResponse:
        return self.update(UpdateOrderFields(stop_price=stop_price, tag=tag))

    def update_trigger_price(self, trigger_price: Any, tag: str | None = None) -> OrderResponse:
        return self.update(UpdateOrderFields(trigger_price=trigger_price, tag=tag))

    def update_stop_trailing_amount(
        self, trailing_amount: Any, tag: str | None = None
    ) -> OrderResponse:
        return self.update(UpdateOrderFields(trailing_amount=trailing_amount, tag=tag))

    def cancel(self, tag: str | None = None) -> OrderResponse:
        """Ask to cancel the order; the tag, when given, replaces the order's."""
        request = CancelOrderRequest(self._transactions._algorithm._utc, self.order_id, tag)
        pending = self._cancel_request
        if pending is not None and pending.status != OrderRequestStatus.ERROR:
            return OrderResponse.error(
                request,
                OrderResponseErrorCode.REQUEST_CANCELED,
                f"Order {self.order_id} has already received a cancellation request.",
            )
        ticket = self._transactions.process_request(request)
        response: OrderResponse = ticket._cancel_request.response
        return response

    def get_most_recent_order_response(self) -> OrderResponse:
        return self.get_most_recent_order_request().response

    def get_most_recent_order_request(self) -> OrderRequest:
        if self._cancel_request is not None:
            return self._cancel_request
        return self._updates[-1] if self._updates else self.submit_request

    # -- the engine's side ---------------------------------------------------------------------

    def _set_order(self, order: Any) -> None:
        if self._order is not None and self._order.id != order.id:
            raise ArgumentException("Order id mismatch")
        self._order = order

    def _add_event(self, event: Any) -> None:
        """Remember an event; fills move the filled quantity and the average price."""
        self._events.append(event)
        status, filled = event.status, event._fill_quantity
        if filled:
            first = not self._quantity_filled and not self._fill_value
            self._quantity_filled += filled
            price, size = event._fill_price, abs(filled)
            if status in FILLS:
                self._fill_value += size * price
            if first and status in FILLS and _is_short(price) and _is_short(size):
                # what the division gives, whose digits are all known and end without a zero
                self._average_fill_price = self._order._price = price
            else:
                self._average_fill_price = divide(self._fill_value, abs(self._quantity_filled))
                self._order.price = self._average_fill_price
        if status in CLOSED:
            self._is_closed = True

    def _try_set_cancel_request(self, request: CancelOrderRequest) -> bool:
        pending = self._cancel_request
        if pending is not None and pending.status != OrderRequestStatus.ERROR:
            return False
        self._cancel_request = request
        return True

    @staticmethod
    def _invalid(transactions: Any, request: OrderRequest) -> OrderTicket:
        """Make the ticket of a request about an order that does not exist."""
        submit = SubmitOrderRequest(
            OrderType.MARKET, SecurityType.BASE, Symbol.EMPTY, ZERO, ZERO, ZERO,
            request._time, request.tag,
        )  # fmt: skip
        submit.set_response(OrderResponse.unable_to_find_order(submit))
        submit._set_order_id(request.order_id)
        request.set_response(OrderResponse.unable_to_find_order(request))
        ticket = OrderTicket(transactions, submit)
        ticket._status_override = OrderStatus.INVALID
        if isinstance(request, UpdateOrderRequest):
            ticket._updates.append(request)
        elif isinstance(request, CancelOrderRequest):
            ticket._cancel_request = request
        return ticket

    @staticmethod
    def _refused(
        transactions: Any, request: SubmitOrderRequest, response: OrderResponse
    ) -> OrderTicket:
        """Make the ticket of an order that was refused before it had an id."""
        request.set_response(response)
        ticket = OrderTicket(transactions, request)
        ticket._status_override = OrderStatus.INVALID
        return ticket

    def __str__(self) -> str:
        requests: list[OrderRequest] = [self.submit_request, *self._updates]
        if self._cancel_request is not None:
            requests.append(self._cancel_request)
        answered = sum(r.response is not OrderResponse.UNPROCESSED for r in requests)
        counts = f"Request Count: {len(requests)} Response Count: {answered}"
        middle = "" if self._order is None else f"{self._order} "
        return f"{self.order_id}: {middle}{counts}"


def _is_short(value: Decimal) -> bool:
    """Tell whether a number has 14 digits at most: a product of two such numbers loses none."""
    return _FOURTEEN.plus(value).same_quantum(value)


def _shown(value: Any) -> Any:
    return to_float(value) if isinstance(value, Decimal) else value
