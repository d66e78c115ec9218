"""The transaction handler: takes requests, keeps orders and tickets, books events.

In a backtest everything happens on the algorithm's thread. A new order is worked off inside the
call that submits it,
with whatever requests wait before it; updates and cancels wait for the next order or the end of the
step.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from engine.orders.brokerage import BacktestingBrokerage, insufficient_text
from engine.orders.event import OrderEvent
from engine.orders.kinds import MarketOrder, make_order
from engine.orders.order import OrderSubmissionData
from engine.orders.requests import (
    CancelOrderRequest,
    OrderRequest,
    OrderResponse,
    SubmitOrderRequest,
    UpdateOrderRequest,
)
from engine.orders.rounding import OrderRounder, price_step
from engine.orders.status import CLOSED, FILLS
from engine.orders.ticket import OrderTicket
from engine.securities.fees.base import ModifiedFillQuantityOrderFee, OrderFee
from engine.types.bars import Delisting
from engine.types.decimals import plain, round_half_even
from engine.types.enums import (
    DataNormalizationMode,
    DelistingType,
    OrderDirection,
    OrderRequestStatus,
    OrderResponseErrorCode,
    OrderStatus,
    OrderType,
    SecurityType,
)
from engine.types.errors import EngineError, InvalidOperationException
from engine.types.symbol import Symbol
from engine.universes.user_defined import UserDefinedUniverse

DELISTING_TAG = "Liquidate from delisting"
_KEPT = (OrderStatus.FILLED, OrderStatus.CANCELED)


class TransactionHandler:
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
        self.brokerage = BacktestingBrokerage(algorithm, self)
        self._rounder = OrderRounder(algorithm)
        self.orders: dict[int, Any] = {}
        self.order_tickets: dict[int, OrderTicket] = {}
        self.orders_count = 0
        self.order_events: list[OrderEvent] = []
        self._open: dict[int, tuple[Any, OrderTicket, Any]] = {}
        self._queue: deque[OrderRequest] = deque()
        self._before_cancel: dict[int, OrderStatus] = {}
        self._modes: dict[Symbol, DataNormalizationMode] = {}
        self._seen_slice: Any = None
        self._told_fee = False

    # -- looks ---------------------------------------------------------------------------------

    def _open_tickets(self) -> list[OrderTicket]:
        return [ticket for _, ticket, _ in self._open.values()]

    def _open_orders_list(self) -> list[Any]:
        return [order for order, _, _ in self._open.values()]

    def group_of(self, order: Any) -> list[Any] | None:
        """Return the orders of a combo by id, the order alone, or ``None`` while legs are
        missing.
        """
        group = order.group_order_manager
        if group is None:
            return [order]
        legs = [order if i == order.id else self.orders.get(i) for i in group._order_ids]
        if len(legs) != group.count or any(leg is None for leg in legs):
            return None
        return sorted(legs, key=lambda leg: leg.id)

    def _find(self, order_id: int) -> tuple[Any, OrderTicket, Any] | None:
        found = self._open.get(order_id)
        if found is None and order_id in self.orders and order_id in self.order_tickets:
            found = self.orders[order_id], self.order_tickets[order_id], None
        return found

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
        response = (
            OrderResponse.warming_up(request)
            if algorithm.is_warming_up
            else OrderResponse.success(request)
        )
        if request._quantity < 0 and not algorithm._shortable(request.symbol, request._quantity):
            response = self._too_short(request, request.symbol, request._quantity)
        request.set_response(response)
        ticket = OrderTicket(algorithm.transactions, request)
        security = algorithm.securities[request.symbol]
        order = make_order(request)
        order._time_ticks = getattr(algorithm, "_utc_ticks", 0)
        self.orders_count += 1
        self.order_tickets[ticket.order_id] = ticket
        if response.is_success:
            order.order_submission_data = OrderSubmissionData(
                security._bid_price, security._ask_price, security._close
            )
            self._open[order.id] = order, ticket, security
            self._queue.append(request)
            self._process_queue()
        else:
            warming = response.error_code == OrderResponseErrorCode.ALGORITHM_WARMING_UP
            tag = "Algorithm warming up." if warming else response.error_message
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
                    self._process_delistings(current)
                    break

    def _process_queue(self) -> None:
        """Handle requests in the order of their arrival; an error ends the run after this step."""
        queue = self._queue
        try:
            while queue:
                request = queue.popleft()
                if isinstance(request, SubmitOrderRequest):
                    response = self._handle_submit(request)
                elif isinstance(request, UpdateOrderRequest):
                    response = self._handle_update(request)
                else:
                    response = self._handle_cancel(request)
                request.set_response(response, OrderRequestStatus.PROCESSED)
                self.brokerage.scan()
        except Exception as error:
            self._algorithm._set_runtime_error(error, "HandleOrderRequest")

    def _handle_submit(self, request: SubmitOrderRequest) -> OrderResponse:
        algorithm = self._algorithm
        order, ticket, security = self._open[request.order_id]
        self.orders[order.id] = order
        order.price_currency = security.symbol_properties.quote_currency
        if not order.tag:
            order.tag = order.get_default_tag()
        self._rounder.quantity(order, security)
        legs = self.group_of(order)
        self._rounder.prices(order, security)
        if order.type is OrderType.COMBO_LIMIT and legs is not None:
            self._round_combo_limit(order, legs)
        self._set_price_adjustment_mode(order, security)
        ticket._set_order(order)
        if legs is None:
            return OrderResponse.success(request)
        if any(not leg._quantity for leg in legs):
            response = OrderResponse.zero_quantity(request)
            algorithm.error(response.error_message)
            self._invalidate(legs, response.error_message or "")
            return response
        securities = {leg: algorithm.securities[leg.symbol] for leg in legs}
        refusal = self._without_power(legs, securities, request)
        if refusal is not None:
            return refusal
        for leg, asset in securities.items():
            able, message = algorithm.brokerage_model.can_submit_order(asset, leg, None)
            if not able:
                ids = ",".join(str(one.id) for one in legs)
                shown = "Warning - Code: InvalidOrder - " if message is None else message
                text = f"BrokerageModel declared unable to submit order: [{ids}] {shown}"
                self._invalidate(legs, text)
                algorithm.error(text)
                return OrderResponse.error(
                    request, OrderResponseErrorCode.BROKERAGE_MODEL_REFUSED_TO_SUBMIT_ORDER, text
                )
        if not all(self.brokerage.place(leg) for leg in legs):
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
        able, message = algorithm.brokerage_model.can_update_order(security, order, request, None)
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

    def _set_price_adjustment_mode(self, order: Any, security: Any) -> None:
        mode = self._modes.get(order.symbol)
        if mode is None:
            if not security.subscriptions:
                raise InvalidOperationException(
                    f"Unable to locate subscription data config for {order.symbol}"
                )
            mode = self._modes[order.symbol] = security.subscriptions[0].data_normalization_mode
        order.price_adjustment_mode = mode

    def _invalidate(self, orders: list[Any], message: str) -> None:
        for order in orders:
            if order.status not in CLOSED:
                order.status = OrderStatus.INVALID
            self._handle(order, message)

    # -- events --------------------------------------------------------------------------------

    def _handle(self, order: Any, message: str = "") -> None:
        """Send an event with the order's present status."""
        self.handle_events([OrderEvent(order, self._algorithm._utc, OrderFee.ZERO, message)])

    def handle_events(self, events: list[OrderEvent]) -> None:
        """Book events: orders, portfolio, trades, tickets; then tell the execution model and the
        algorithm.
        """
        algorithm = self._algorithm
        rows = []
        for event in events:
            found = self._find(event.order_id)
            if found is None:
                raise EngineError(
                    f"expected an event of a known order, was order {event.order_id}; the fill "
                    "model "
                    "must return events of the order it was asked about"
                )
            order, ticket, security = found
            if event.status in CLOSED:
                self._open.pop(event.order_id, None)
                self.orders[order.id], self.order_tickets[order.id] = order, ticket
            if security is None or security.symbol != event.symbol:
                security = algorithm.securities[event.symbol]
            event.ticket = ticket
            rows.append((event, order, ticket, security))
        fills = []
        for event, order, ticket, security in rows:
            self._take(event, order, ticket)
            if event.status in FILLS:
                fills.append(event)
                self._fee_from_quantity(event, order, security)
        if fills:
            algorithm.portfolio.process_fills(fills)
        for event, _, ticket, security in rows:
            if event.status in FILLS:
                fee = event.order_fee.value
                algorithm.trade_builder.process_fill(
                    event,
                    security.quote_currency._conversion_rate,
                    algorithm.portfolio.cash_book._to_account(fee._amount, fee.currency),
                    security.symbol_properties._contract_multiplier,
                )
            ticket._add_event(event)
        results = algorithm._engine.results
        for event in events:
            if event.status == OrderStatus.NONE:
                continue
            self.order_events.append(event)
            results.on_order_event(event)
            algorithm.execution.on_order_event(algorithm, event)
            try:
                algorithm.on_order_event(event)
            except Exception as error:
                algorithm._set_runtime_error(error, "Order Event Handler")

    def _take(self, event: OrderEvent, order: Any, ticket: OrderTicket) -> None:
        """Carry an event's status and time into the order, and the order's values into the
        event.
        """
        status = event.status
        if order.id in self._before_cancel:
            if status in CLOSED:
                del self._before_cancel[order.id]
            elif status != OrderStatus.CANCEL_PENDING:
                self._before_cancel[order.id] = status
        # a late refusal does not undo a fill or a cancel
        if status != OrderStatus.INVALID or order.status not in _KEPT:
            order.status = status
        event.id = order._new_event_id()
        if status in FILLS:
            order._last_fill_time = event._utc_time
        elif status == OrderStatus.CANCELED:
            order._canceled_time = event._utc_time
        elif status in (OrderStatus.UPDATE_SUBMITTED, OrderStatus.SUBMITTED) and ticket._updates:
            order._last_update_time = event._utc_time
        event.quantity = order._quantity
        kind = order.type
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
            event.symbol.security_type != SecurityType.CRYPTO
            or order.direction != OrderDirection.BUY
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

    # -- delistings ----------------------------------------------------------------------------

    def add_open_order(self, order: Any) -> OrderTicket:
        """Register an order that LEAN itself makes: it passes no check and has no ``Submitted``
        event.
        """
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

    def _process_delistings(self, current: Any) -> None:
        """Sell what is delisted at its last price, take it out of the universes, cancel its
        orders.
        """
        algorithm = self._algorithm
        for delisting in list(current.delistings.values()):
            if delisting.type == DelistingType.WARNING:
                continue
            security = algorithm.securities[delisting.symbol]
            quantity = -security.holdings._quantity
            if quantity:
                order = MarketOrder(security.symbol, quantity, algorithm._utc, DELISTING_TAG)
                self.add_open_order(order)
                fill = OrderEvent(order, algorithm._utc, OrderFee.ZERO, DELISTING_TAG)
                fill.fill_price = security._price
                fill.status = OrderStatus.FILLED
                fill.fill_quantity = order._quantity
                self.handle_events([fill])
            self._leave_universes(security)
            if not algorithm.is_warming_up:
                algorithm.transactions.cancel_open_orders(delisting.symbol)

    def _leave_universes(self, security: Any) -> None:
        """Take a delisted security out of every universe."""
        algorithm = self._algorithm
        universes = algorithm.universe_manager
        for universe in list(universes.values()):
            if not universe.contains_member(security.symbol):
                continue
            if isinstance(universe, UserDefinedUniverse):
                if universe.remove(security.symbol):
                    universes.update(universe.symbol, universe, "Replace")
            else:
                universe._remove_member(algorithm._utc, security)
        universes.process_changes()
