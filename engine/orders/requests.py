"""Requests to submit, update and cancel orders, and the responses to them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from engine.orders.exact import Exact, smart_rounding
from engine.types.decimals import ZERO, plain
from engine.types.dotnet import LeanObject
from engine.types.enums import (
    OrderRequestStatus,
    OrderRequestType,
    OrderResponseErrorCode,
    OrderType,
    SecurityType,
)
from engine.types.errors import ArgumentException
from engine.types.symbol import Symbol, SymbolCache
from engine.types.timezones import aware, naive

_NONE = OrderResponseErrorCode.NONE
_ERROR = OrderRequestStatus.ERROR
_NEW = OrderRequestStatus.UNPROCESSED
_UNKNOWN_ID = int(OrderResponseErrorCode.UNABLE_TO_FIND_ORDER)


def clock_text(moment: datetime) -> str:
    """Print a naive time as .NET's invariant culture does: ``10/07/2013 13:35:00``."""
    return f"{moment:%m/%d/%Y %H:%M:%S}"


class OrderResponse(LeanObject):
    """What became of a request: ``is_success``, ``error_code``, ``error_message``."""

    __slots__ = ("error_code", "error_message", "order_id")

    UNPROCESSED: OrderResponse

    def __init__(
        self, order_id: int, error_code: OrderResponseErrorCode, error_message: str | None
    ) -> None:
        self.order_id = order_id
        self.error_code = error_code
        self.error_message: str | None = None
        if error_code != _NONE:
            self.error_message = (
                "An unexpected error occurred." if error_message is None else error_message
            )

    @property
    def is_processed(self) -> bool:
        return self is not _UNPROCESSED

    @property
    def is_error(self) -> bool:
        return self.error_code != _NONE and self is not _UNPROCESSED

    @property
    def is_success(self) -> bool:
        return self.error_code == _NONE and self is not _UNPROCESSED

    def __str__(self) -> str:
        if not self.is_processed:
            return "Unprocessed"
        if self.is_error:
            return f"Error: {self.error_code.to_string()} - {self.error_message}"
        return "Success"

    @staticmethod
    def success(request: OrderRequest) -> OrderResponse:
        return OrderResponse(request.order_id, _NONE, None)

    @staticmethod
    def error(
        request: OrderRequest, error_code: OrderResponseErrorCode, error_message: str | None
    ) -> OrderResponse:
        return OrderResponse(request.order_id, error_code, error_message)

    @staticmethod
    def invalid_status(request: OrderRequest, order: Any) -> OrderResponse:
        return OrderResponse.error(
            request,
            OrderResponseErrorCode.INVALID_ORDER_STATUS,
            f"Unable to update order with id {request.order_id} because it already has "
            f"{order.status.to_string()} status.",
        )

    @staticmethod
    def invalid_new_status(request: OrderRequest, order: Any) -> OrderResponse:
        return OrderResponse.error(
            request,
            OrderResponseErrorCode.INVALID_NEW_ORDER_STATUS,
            f"Unable to update or cancel order with id {request.order_id} and status "
            f"{order.status.to_string()} because the submit confirmation has not been received "
            "yet.",
        )

    @staticmethod
    def unable_to_find_order(request: OrderRequest) -> OrderResponse:
        return OrderResponse.error(
            request,
            OrderResponseErrorCode.UNABLE_TO_FIND_ORDER,
            f"Unable to locate order with id {request.order_id}.",
        )

    @staticmethod
    def zero_quantity(request: OrderRequest) -> OrderResponse:
        return OrderResponse.error(
            request,
            OrderResponseErrorCode.ORDER_QUANTITY_ZERO,
            f"Unable to {request.order_request_type.name.lower()} order with id {request.order_id} "
            "that has zero quantity.",
        )

    @staticmethod
    def missing_security(request: SubmitOrderRequest) -> OrderResponse:
        return OrderResponse.error(
            request,
            OrderResponseErrorCode.MISSING_SECURITY,
            f"You haven't requested {request.symbol} data. Add this with add_security() in the "
            "initialize() method.",
        )

    @staticmethod
    def warming_up(request: OrderRequest) -> OrderResponse:
        return OrderResponse.error(
            request,
            OrderResponseErrorCode.ALGORITHM_WARMING_UP,
            "This operation is not allowed in initialize or during warm up: OrderRequest."
            f"{request.order_request_type.name.lower()}. Please move this code to the "
            "on_warmup_finished() method.",
        )


_UNPROCESSED = OrderResponse.UNPROCESSED = OrderResponse(-(2**31), _NONE, None)


class OrderRequest(LeanObject):
    """Base of the requests."""

    order_request_type: OrderRequestType

    def __init__(self, time: datetime, order_id: int, tag: str | None) -> None:
        self._time = time if time.tzinfo is None else naive(time)
        self.order_id = order_id
        self.tag = tag
        self.response = _UNPROCESSED
        self.status = _NEW

    @property
    def time(self) -> datetime:
        return aware(self._time)

    def set_response(
        self, response: OrderResponse, status: OrderRequestStatus = OrderRequestStatus.ERROR
    ) -> None:
        """Set the response; an error response makes the status ERROR whatever was asked."""
        if response is None:
            raise ArgumentException("Response can not be null")
        if response.error_code != _NONE and response is not _UNPROCESSED:
            status = _ERROR
        self.status = status if type(status) is OrderRequestStatus else OrderRequestStatus(status)
        self.response = response

    def __str__(self) -> str:
        return (
            f"{clock_text(self._time)} UTC: Order: ({self.order_id}) - {self.tag or ''} "
            f"Status: {self.status.to_string()}"
        )


class SubmitOrderRequest(OrderRequest):
    """A request for a new order; its id is -10 until the order is taken.

    Parameters
    ----------
    As in LEAN: ``(order_type, security_type, symbol, quantity, stop_price, limit_price[,
    trigger_price[,
    trailing_amount, trailing_as_percentage]], time, tag, properties, group_order_manager,
    asynchronous)``.
    """

    order_request_type = OrderRequestType.SUBMIT

    quantity = Exact()
    limit_price = Exact()
    stop_price = Exact()
    trigger_price = Exact()
    trailing_amount = Exact()

    # what a request has until it is set
    _limit_price: Decimal = ZERO
    _stop_price: Decimal = ZERO
    _trigger_price: Decimal = ZERO
    _trailing_amount: Decimal = ZERO

    def __init__(
        self,
        order_type: OrderType,
        security_type: SecurityType,
        symbol: Symbol | str,
        quantity: Any,
        stop_price: Any,
        limit_price: Any,
        *rest: Any,
        **named: Any,
    ) -> None:
        given = named
        if rest:
            optional = ["trigger_price", "trailing_amount", "trailing_as_percentage"]
            before = next((i for i, v in enumerate(rest) if isinstance(v, datetime)), len(rest))
            tail = ["time", "tag", "properties", "group_order_manager", "asynchronous"]
            given = dict(zip(optional[:before], rest[:before], strict=False))
            given |= dict(zip(tail, rest[before:], strict=False)) | named
        super().__init__(given["time"], _UNKNOWN_ID, given.get("tag", ""))
        self.order_type = order_type
        self.security_type = security_type
        self.symbol = symbol if type(symbol) is Symbol else SymbolCache._known(symbol)
        if type(quantity) is Decimal:
            self._quantity: Decimal = quantity
        else:
            self.quantity = quantity
        if stop_price is not ZERO:
            self.stop_price = stop_price
        if limit_price is not ZERO:
            self.limit_price = limit_price
        if "trigger_price" in given:
            self.trigger_price = given["trigger_price"]
        if "trailing_amount" in given:
            self.trailing_amount = given["trailing_amount"]
        self.trailing_as_percentage = bool(given.get("trailing_as_percentage", False))
        self.order_properties = given.get("properties")
        self.group_order_manager = given.get("group_order_manager")
        self.asynchronous = bool(given.get("asynchronous", False))

    @staticmethod
    def _of_quantity(
        order_type: OrderType,
        security_type: SecurityType,
        symbol: Symbol,
        quantity: Decimal,
        time: datetime,
        tag: str | None,
        properties: Any,
        asynchronous: bool,
    ) -> SubmitOrderRequest:
        """Make the request of an order without prices at a naive UTC time, as most are: keywords
        take as long as all the rest.
        """
        made = SubmitOrderRequest.__new__(SubmitOrderRequest)
        made._time = time
        made.order_id = _UNKNOWN_ID
        made.tag = tag
        made.response = _UNPROCESSED
        made.status = _NEW
        made.order_type = order_type
        made.security_type = security_type
        made.symbol = symbol
        made._quantity = quantity
        made.trailing_as_percentage = False
        made.order_properties = properties
        made.group_order_manager = None
        made.asynchronous = bool(asynchronous)
        return made

    def _set_order_id(self, order_id: int) -> None:
        self.order_id = order_id

    def __str__(self) -> str:
        from engine.orders.kinds import make_order

        return (
            f"{clock_text(self._time)} UTC: Submit Order: ({self.order_id}) - {make_order(self)} "
            f"{self.tag or ''} Status: {self.status.to_string()} Async: {self.asynchronous}"
        )


class UpdateOrderFields(LeanObject):
    """New values of an order; ``None`` leaves a value as it is."""

    quantity = Exact()
    limit_price = Exact()
    stop_price = Exact()
    trigger_price = Exact()
    trailing_amount = Exact()

    _quantity: Decimal | None = None
    _limit_price: Decimal | None = None
    _stop_price: Decimal | None = None
    _trigger_price: Decimal | None = None
    _trailing_amount: Decimal | None = None

    def __init__(self, **values: Any) -> None:
        self.tag: str | None = None
        for name, value in values.items():
            if name not in _FIELDS:
                raise TypeError(f"expected one of {', '.join(_FIELDS)}, was {name!r}")
            setattr(self, name, value)


_FIELDS = ("quantity", "limit_price", "stop_price", "trigger_price", "trailing_amount", "tag")


class UpdateOrderRequest(OrderRequest):
    """A request for other values of a working order."""

    order_request_type = OrderRequestType.UPDATE

    quantity = Exact()
    limit_price = Exact()
    stop_price = Exact()
    trigger_price = Exact()
    trailing_amount = Exact()

    def __init__(self, time: datetime, order_id: int, fields: Any) -> None:
        super().__init__(time, order_id, fields.tag)
        self._quantity: Decimal | None = fields._quantity
        self._limit_price: Decimal | None = fields._limit_price
        self._stop_price: Decimal | None = fields._stop_price
        self._trigger_price: Decimal | None = fields._trigger_price
        self._trailing_amount: Decimal | None = fields._trailing_amount

    def is_allowed_for_closed_order(self) -> bool:
        """Tell whether only the tag is to change."""
        return all(getattr(self, "_" + name) is None for name in _FIELDS[:-1])

    def __str__(self) -> str:
        updates = []
        names = ("quantity", "limit_price", "stop_price", "trailing_amount", "trigger_price")
        for name in names:
            value = getattr(self, "_" + name)
            if value is not None:
                shown = value if name == "quantity" else smart_rounding(value)
                title = "".join(part.capitalize() for part in name.split("_"))
                updates.append(f"{title}: {plain(shown)}")
        return (
            f"{clock_text(self._time)} UTC: Update Order: ({self.order_id}) - {', '.join(updates)} "
            f"{self.tag or ''} Status: {self.status.to_string()}"
        )


class CancelOrderRequest(OrderRequest):
    """A request to cancel an order."""

    order_request_type = OrderRequestType.CANCEL

    def __str__(self) -> str:
        return (
            f"{clock_text(self._time)} UTC: Cancel Order: ({self.order_id}) - {self.tag or ''} "
            f"Status: {self.status.to_string()}"
        )
