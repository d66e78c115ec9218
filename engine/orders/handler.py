"""The transaction handler: takes requests and works them off.

In a backtest everything happens on the algorithm's thread. A new order is worked off inside the
call that submits it, with whatever requests wait before it; updates and cancels wait for the next
order or the end of the step.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from engine.orders.book import OrderBook
from engine.orders.brokerage import BacktestingBrokerage, insufficient_text
from engine.orders.delistings import process_delistings
from engine.orders.kinds import make_order
from engine.orders.order import OrderSubmissionData
from engine.orders.requests import (
    CancelOrderRequest,
    OrderRequest,
    OrderResponse,
    SubmitOrderRequest,
    UpdateOrderRequest,
)
from engine.orders.rounding import OrderRounder, price_step
from engine.orders.status import CLOSED
from engine.orders.ticket import OrderTicket
from engine.types.bars import Delisting
from engine.types.decimals import plain, round_half_even
from engine.types.enums import (
    OrderDirection,
    OrderRequestStatus,
    OrderResponseErrorCode,
    OrderStatus,
    OrderType,
)
from engine.types.errors import EngineError
from engine.types.symbol import Symbol

_PROCESSED, _COMBO_LIMIT = OrderRequestStatus.PROCESSED, OrderType.COMBO_LIMIT


def _prices_now(security: Any) -> OrderSubmissionData:
    """Return bid, ask and last price of a security; its price stands for those it has not."""
    price = security._price  # this settles what has arrived in the cache
    cache = security.cache
    return OrderSubmissionData(cache._bid or price, cache._ask or price, cache._c or price)


class TransactionHandler(OrderBook):
    """The handler of a backtest."""

    def __init__(self, algorithm: Any) -> None:
        super().__init__(algorithm)
        self.brokerage = BacktestingBrokerage(algorithm, self)
        self._rounder = OrderRounder(algorithm)
        self._queue: deque[OrderRequest] = deque()
        self._seen_slice: Any = None

    # -- requests ------------------------------------------------------------------------------

    def process(self, request: OrderRequest) -> OrderTicket:
        """Take a request; return the ticket of its order."""
        if isinstance(request, SubmitOrderRequest):
            return self._submit(request)
        if isinstance(request, UpdateOrderRequest):
            return self._update(request)
        assert isinstance(request, CancelOrderRequest)
        return self._cancel(request)

    def _submit(self, request: SubmitOrderRequest) -> OrderTicket:
        algorithm = self._algorithm
        refusal = OrderResponse.warming_up(request) if algorithm.is_warming_up else None
        if request._quantity < 0 and not algorithm._shortable(request.symbol, request._quantity):
            refusal = self._too_short(request, request.symbol, request._quantity)
        request.set_response(OrderResponse.success(request) if refusal is None else refusal)
        ticket = OrderTicket(algorithm.transactions, request)
        security = algorithm.securities[request.symbol]
        order = make_order(request)
        order._time_ticks = getattr(algorithm, "_utc_ticks", 0)
        self.orders_count += 1
        self.order_tickets[request.order_id] = ticket
        if refusal is None:
            order.order_submission_data = _prices_now(security)
            self._open[order._id] = order, ticket, security
            self._queue.append(request)
            self._process_queue()
        else:
            warming = refusal.error_code == OrderResponseErrorCode.ALGORITHM_WARMING_UP
            tag = "Algorithm warming up." if warming else refusal.error_message
            order.price_currency = security.symbol_properties.quote_currency
            order.status = OrderStatus.INVALID
            order.tag = tag
            ticket._set_order(order)
            self.orders[order.id] = order
            self._handle(order, tag or "")
        return ticket

    def _too_short(self, request: OrderRequest, symbol: Symbol, quantity: Any) -> OrderResponse:
        available = self._algorithm.shortable_quantity(symbol)
        text = (
            f"Order exceeds shortable quantity {available} for Symbol {symbol} "
            f"requested {plain(quantity)})"
        )
        return OrderResponse.error(request, OrderResponseErrorCode.EXCEEDS_SHORTABLE_QUANTITY, text)

    def _update(self, request: UpdateOrderRequest) -> OrderTicket:
        algorithm = self._algorithm
        found = self._find(request.order_id)
        if found is None:
            return OrderTicket._invalid(algorithm.transactions, request)
        order, ticket, _ = found
        ticket._updates.append(request)
        quantity = ticket._quantity if request._quantity is None else request._quantity
        shortable = True
        if order.direction == OrderDirection.SELL or quantity < 0:
            shortable = algorithm._shortable(ticket.symbol, quantity, order.id)
        if order.status == OrderStatus.NEW:
            request.set_response(OrderResponse.invalid_new_status(request, order))
        elif order.status in CLOSED and not request.is_allowed_for_closed_order():
            request.set_response(OrderResponse.invalid_status(request, order))
        elif request._quantity is not None and not request._quantity:
            request.set_response(OrderResponse.zero_quantity(request))
        elif algorithm.is_warming_up:
            request.set_response(OrderResponse.warming_up(request))
        elif not shortable:
            request.set_response(self._too_short(request, ticket.symbol, ticket._quantity))
        else:
            request.set_response(OrderResponse.success(request), OrderRequestStatus.PROCESSING)
            self._queue.append(request)
        return ticket

    def _cancel(self, request: CancelOrderRequest) -> OrderTicket:
        algorithm = self._algorithm
        found = self._find(request.order_id)
        if found is None:
            return OrderTicket._invalid(algorithm.transactions, request)
        order, ticket, _ = found
        if not ticket._try_set_cancel_request(request):
            request.set_response(
                OrderResponse.error(
                    request,
                    OrderResponseErrorCode.INVALID_REQUEST,
                    "Cancellation is already in progress.",
                )
            )
            return ticket
        if request.tag is not None:
            order.tag = request.tag
        if order.status == OrderStatus.NEW:
            request.set_response(OrderResponse.invalid_new_status(request, order))
        elif order.status in CLOSED:
            request.set_response(OrderResponse.invalid_status(request, order))
        elif algorithm.is_warming_up:
            request.set_response(OrderResponse.warming_up(request))
        else:
            self._before_cancel[order.id] = order.status
            order.status = OrderStatus.CANCEL_PENDING
            try:
                self._handle(order)
            except EngineError:
                raise
            except Exception as error:
                # LEAN answers with a processing error and the order stays
                request.set_response(
                    OrderResponse.error(
                        request, OrderResponseErrorCode.PROCESSING_ERROR, str(error)
                    )
                )
                return ticket
            request.set_response(OrderResponse.success(request), OrderRequestStatus.PROCESSING)
            self._queue.append(request)
        return ticket

    # -- the queue -----------------------------------------------------------------------------

    def process_synchronous_events(self) -> None:
        """Work off what waits, scan working orders, book delistings: twice in a step."""
        if self._queue:
            self._process_queue()
        if self.brokerage.needs_scan:
            self.brokerage.scan()
        current = self._algorithm.current_slice
        if current is not self._seen_slice:
            self._seen_slice = current
            for point in current._points:
                if type(point) is Delisting:
                    process_delistings(self, current)
                    break

    def _process_queue(self) -> None:
        """Handle requests in the order of their arrival; an error ends the run after this step."""
        queue = self._queue
        try:
            while queue:
                self._work_off(queue.popleft())
                self.brokerage.scan()
        except Exception as error:
            self._algorithm._set_runtime_error(error, "HandleOrderRequest")

    def _work_off(self, request: OrderRequest) -> None:
        if isinstance(request, SubmitOrderRequest):
            response = self._handle_submit(request)
        elif isinstance(request, UpdateOrderRequest):
            response = self._handle_update(request)
        else:
            response = self._handle_cancel(request)
        request.set_response(response, _PROCESSED)

    def _ask_gate(self, security: Any, order: Any) -> Any:
        return self._algorithm.brokerage_model.can_submit_order(security, order, None)

    def _ask_about_update(self, security: Any, order: Any, request: UpdateOrderRequest) -> Any:
        return self._algorithm.brokerage_model.can_update_order(security, order, request, None)

    def _handle_submit(self, request: SubmitOrderRequest) -> OrderResponse:
        algorithm = self._algorithm
        order, ticket, security = self._open[request.order_id]
        self.orders[order._id] = order
        order.price_currency = security.symbol_properties.quote_currency
        if not order.tag:
            order.tag = order.get_default_tag()
        self._rounder.quantity(order, security)
        legs = self.group_of(order)
        self._rounder.prices(order, security)
        if order.type is _COMBO_LIMIT and legs is not None:
            self._round_combo_limit(order, legs)
        self._set_price_adjustment_mode(order, security)
        ticket._set_order(order)
        if legs is None:
            return OrderResponse.success(request)
        securities = {}
        for leg in legs:
            if not leg._quantity:
                response = OrderResponse.zero_quantity(request)
                algorithm.error(response.error_message)
                self._invalidate(legs, response.error_message or "")
                return response
            securities[leg] = algorithm.securities[leg.symbol]
        refusal = self._without_power(legs, securities, request)
        if refusal is not None:
            return refusal
        for leg, asset in securities.items():
            able, message = self._ask_gate(asset, leg)
            if not able:
                ids = ",".join(str(one.id) for one in legs)
                shown = "Warning - Code: InvalidOrder - " if message is None else message
                text = f"BrokerageModel declared unable to submit order: [{ids}] {shown}"
                self._invalidate(legs, text)
                algorithm.error(text)
                return OrderResponse.error(
                    request, OrderResponseErrorCode.BROKERAGE_MODEL_REFUSED_TO_SUBMIT_ORDER, text
                )
        placed = True
        for leg in legs:
            placed = placed and self.brokerage.place(leg)
        if not placed:
            text = f"Brokerage failed to place orders: [{','.join(str(leg.id) for leg in legs)}]"
            self._invalidate(legs, text)
            algorithm.error(text)
            return OrderResponse.error(
                request, OrderResponseErrorCode.BROKERAGE_FAILED_TO_SUBMIT_ORDER, text
            )
        return OrderResponse.success(request)

    def _without_power(
        self, legs: list[Any], securities: dict[Any, Any], request: OrderRequest
    ) -> OrderResponse | None:
        """Return the refusal of orders that the account cannot carry, ``None`` when it can."""
        algorithm, order = self._algorithm, legs[0]
        try:
            power = algorithm.portfolio.has_sufficient_buying_power_for_order(legs)
        except EngineError:
            raise
        except Exception as error:
            algorithm.error(f"Order Error: id: {order.id}, Error executing margin models: {error}")
            self._handle(order, "Error executing margin models")
            return OrderResponse.error(
                request,
                OrderResponseErrorCode.PROCESSING_ERROR,
                "An error occurred while checking sufficient buying power for the orders.",
            )
        if power.is_sufficient:
            return None
        if isinstance(request, UpdateOrderRequest):
            text = (
                f"Brokerage failed to update order with id: {order.id}, Symbol: "
                f"{order.symbol.value}, "
                f"Insufficient buying power to complete order, Reason: {power.reason}."
            )
            algorithm.error(text)
            self._handle(order, text)
            code = OrderResponseErrorCode.BROKERAGE_FAILED_TO_UPDATE_ORDER
        else:
            text = insufficient_text(securities, power.reason)
            algorithm.error(text)
            self._invalidate(legs, text)
            code = OrderResponseErrorCode.INSUFFICIENT_BUYING_POWER
        return OrderResponse.error(request, code, text)

    def _handle_update(self, request: UpdateOrderRequest) -> OrderResponse:
        algorithm = self._algorithm
        found = self._find(request.order_id)
        if found is None:
            return OrderResponse.unable_to_find_order(request)
        order, ticket, security = found
        if order.status == OrderStatus.NEW:
            return OrderResponse.invalid_new_status(request, order)
        closed = order.status in CLOSED
        if closed and not request.is_allowed_for_closed_order():
            return OrderResponse.invalid_status(request, order)
        if security is None:
            security = algorithm.securities[order.symbol]
        self._rounder.quantity(order, security)
        able, message = self._ask_about_update(security, order, request)
        if not able:
            shown = message
            if message is None:
                shown = (
                    "Warning - Code: InvalidRequest - BrokerageModel declared unable to update "
                    f"order: {order.id}"
                )
            text = f"OrderID: {order.id} {shown}"
            algorithm.error(text)
            self._handle(order, "BrokerageModel declared unable to update order")
            return OrderResponse.error(
                request, OrderResponseErrorCode.BROKERAGE_MODEL_REFUSED_TO_UPDATE_ORDER, text
            )
        if order.group_order_manager is None:
            changed = order.clone()
            changed.apply_update_order_request(request)
            refusal = self._without_power([changed], {changed: security}, request)
            if refusal is not None:
                return refusal
        order.apply_update_order_request(request)
        self._rounder.prices(order, security)
        ticket._set_order(order)
        if not closed and not self.brokerage.update(order):
            text = f"Brokerage failed to update order with id {request.order_id}"
            algorithm.error(text)
            self._handle(order, "Brokerage failed to update order")
            return OrderResponse.error(
                request, OrderResponseErrorCode.BROKERAGE_FAILED_TO_UPDATE_ORDER, text
            )
        return OrderResponse.success(request)

    def _handle_cancel(self, request: OrderRequest) -> OrderResponse:
        found = self._find(request.order_id)
        if found is None:
            return OrderResponse.unable_to_find_order(request)
        order, ticket, _ = found
        if order.status == OrderStatus.NEW:
            self._fall_back(order)
            return OrderResponse.invalid_new_status(request, order)
        if order.status in CLOSED:
            self._fall_back(order)
            return OrderResponse.invalid_status(request, order)
        ticket._set_order(order)
        if not self.brokerage.cancel(order):
            text = f"Brokerage failed to cancel order with id {order.id}"
            self._algorithm.error(text)
            self._fall_back(order)
            return OrderResponse.error(
                request, OrderResponseErrorCode.BROKERAGE_FAILED_TO_CANCEL_ORDER, text
            )
        if request.tag is not None:
            order.tag = request.tag
        return OrderResponse.success(request)

    def _fall_back(self, order: Any) -> None:
        """Give an order whose cancel failed the status it had before."""
        status = self._before_cancel.pop(order.id, None)
        if status is not None:
            order.status = status

    def _round_combo_limit(self, order: Any, legs: list[Any]) -> None:
        """Round the price of a combo to the smallest price step among its legs."""
        group = order.group_order_manager
        steps = [price_step(self._algorithm.securities[leg.symbol], leg._price) for leg in legs]
        step = min((s for s in steps if s > 0), default=None)
        if step is not None:
            price = group._limit_price
            group._limit_price = round_half_even(price / step, 0) * step
            self._rounder.warn("LimitPrice", group._limit_price, price)

    def _invalidate(self, orders: list[Any], message: str) -> None:
        for order in orders:
            if order.status not in CLOSED:
                order.status = OrderStatus.INVALID
            self._handle(order, message)
