"""The simulated brokerage: working orders, and the scan that fills, expires or refuses them."""

from __future__ import annotations

from typing import Any

from engine.orders.event import OrderEvent
from engine.orders.exact import smart_rounding
from engine.orders.fills.prices import Fill, FillModelParameters, SubscriptionConfigs
from engine.orders.status import CLOSED
from engine.securities.fees.base import OrderFee, OrderFeeParameters
from engine.securities.native import method
from engine.types.decimals import plain
from engine.types.enums import OrderStatus, OrderType
from engine.types.errors import EngineError
from engine.types.timezones import from_utc

_NO_FEE = OrderFee.ZERO
_NEW, _FILLED = OrderStatus.NEW, OrderStatus.FILLED
_SUBMITTED = OrderStatus.SUBMITTED
_MARKET_ON_OPEN = OrderType.MARKET_ON_OPEN
_AT_ONCE = (OrderType.MARKET, OrderType.COMBO_MARKET)


def insufficient_text(securities: dict[Any, Any], reason: str) -> str:
    """Return LEAN's sentence about orders without buying power."""
    ids = ",".join(str(order.id) for order in securities)
    values = ",".join(
        plain(smart_rounding(order._get_value(security))) for order, security in securities.items()
    )
    return (
        f"Order Error: ids: [{ids}], Insufficient buying power to complete orders "
        f"(Value:[{values}]), Reason: {reason}."
    )


def _waits(order: Any, time: Any, security: Any, bar: Any) -> bool:
    """Tell whether an order for the open still waits for another bar than this."""
    cache = security.cache
    return (
        cache._last is bar
        and cache._pending_trade is None
        and cache._pending_quote is None
        and order._time is time
        and order.status not in CLOSED
    )


class BacktestingBrokerage:
    """Keeps working orders by id and turns data into fills.

    Parameters
    ----------
    algorithm : QCAlgorithm
    handler : TransactionHandler
        Receives the order events of each change at once.
    """

    def __init__(self, algorithm: Any, handler: Any) -> None:
        self._algorithm = algorithm
        self._handler = handler
        self._configs = SubscriptionConfigs(algorithm)
        self.pending: dict[int, Any] = {}
        # orders for the open that wait for a bar: order, its time, security and its last bar
        self._waiting: dict[int, tuple[Any, Any, Any, Any]] = {}
        self._seen_securities = -1
        self.needs_scan = False

    # -- requests ------------------------------------------------------------------------------

    def place(self, order: Any) -> bool:
        """Take a new order and send its ``Submitted`` event."""
        if order.status != _NEW:
            return False
        self.needs_scan = True
        self.pending[order._id] = order
        self._mark(order)
        self._send([self._event(order, _SUBMITTED)])
        return True

    def update(self, order: Any) -> bool:
        """Take the new values of a working order; False when it is not working."""
        if order.id not in self.pending:
            return False
        self.needs_scan = True
        self.pending[order.id] = order
        self._waiting.pop(order.id, None)
        self._mark(order)
        self._send([self._event(order, OrderStatus.UPDATE_SUBMITTED)])
        return True

    def cancel(self, order: Any) -> bool:
        """Cancel a working order with the others of its group; False when one was not working."""
        group = self._handler.group_of(order)
        if group is None:
            return False
        done = True
        for leg in group:
            self._waiting.pop(leg.id, None)
            if self.pending.pop(leg.id, None) is None:
                done = False
            self._mark(leg)
            self._send([self._event(leg, OrderStatus.CANCELED)])
        return done

    @staticmethod
    def _mark(order: Any) -> None:
        text = str(order._id)
        if text not in order.broker_id:
            order.broker_id.append(text)

    def _event(self, order: Any, status: OrderStatus, message: str = "") -> OrderEvent:
        event = OrderEvent._of(order, self._algorithm._utc, _NO_FEE)
        event.message = message
        event.status = status
        return event

    def _send(self, events: list[OrderEvent]) -> None:
        """Hand events over.

        As in LEAN an error of the execution model's handler goes to the engine's log only.
        """
        try:
            self._handler.handle_events(events)
        except EngineError:
            raise
        except Exception as error:
            self._algorithm._engine.results.add_system_debug(
                f"Brokerage.OnOrderEvents(): {type(error).__name__}: {error}"
            )

    def _remove(self, orders: list[Any], status: OrderStatus, message: str = "") -> None:
        events = []
        for order in orders:
            events.append(self._event(order, status, message))
            self.pending.pop(order.id, None)
            self._waiting.pop(order.id, None)
        self._send(events)

    # -- the scan ------------------------------------------------------------------------------

    def scan(self) -> None:
        """Look at every working order once, in the order of ids.

        Handlers of the events may submit orders, which scans again from inside; orders that were
        closed meanwhile are skipped.
        """
        if not self.needs_scan or self._all_wait():
            return
        now, pending = self._algorithm._utc, self.pending
        waiting_orders = self._waiting
        for order_id, order in sorted(pending.items()):
            if order.status in CLOSED:
                pending.pop(order_id, None)
                waiting_orders.pop(order_id, None)
                continue
            # only market orders fill in the step of their submission
            if order._time == now and order.type not in _AT_ONCE:
                continue
            waiting = waiting_orders.get(order_id)
            if waiting is not None:
                if _waits(*waiting) and waiting[0] is order:
                    continue
                del waiting_orders[order_id]
            if order.group_order_manager is None:
                group = [order]
            else:
                found = self._handler.group_of(order)
                if found is None:
                    continue
                group = found
            securities = self._securities(group)
            if securities is None:
                self._remove(group, OrderStatus.INVALID)
                continue
            if self._may_fill(securities):
                self._try_fill(order, group, securities)
        self.needs_scan = bool(pending)
        if not pending:
            waiting_orders.clear()

    def _all_wait(self) -> bool:
        """Tell whether every working order still waits for the next bar of its security."""
        version = self._algorithm.securities._version
        if version != self._seen_securities:
            # a security may have been taken out and another put in its place
            self._seen_securities = version
            self._waiting.clear()
            return False
        if not self.pending or len(self._waiting) != len(self.pending):
            return False
        for order, time, security, bar in self._waiting.values():
            # :func:`_waits`, without a call for each
            cache = security.cache
            if (
                cache._last is not bar
                or cache._pending_trade is not None
                or cache._pending_quote is not None
                or order._time is not time
                or order.status in CLOSED
            ):
                return False
        return True

    def _waits_for(self, security: Any) -> bool:
        """Tell whether an order waits for the next bar of a security."""
        return any(waiting[2] is security for waiting in self._waiting.values())

    def _securities(self, group: list[Any]) -> dict[Any, Any] | None:
        found = {}
        for order in group:
            security = self._algorithm.securities.get(order.symbol)
            if security is None:
                return None
            found[order] = security
        return found

    def _may_fill(self, securities: dict[Any, Any]) -> bool:
        """Check what must hold before a fill is tried; an expired order is canceled here."""
        for order, security in securities.items():
            if order.type is _MARKET_ON_OPEN:
                bar = security.cache.get_data()
                if bar is None:
                    return False
                if from_utc(order._time, security.exchange.time_zone) >= bar.end_time:
                    if len(securities) == 1:
                        # asked again when there is another bar
                        self._waiting[order._id] = order, order._time, security, bar
                    return False
            if order.properties.time_in_force.is_order_expired(security, order):
                self._remove(list(securities), OrderStatus.CANCELED, "The order has expired.")
                return False
            if not self._algorithm.brokerage_model.can_execute_order(security, order):
                return False
        return True

    def _try_fill(self, order: Any, group: list[Any], securities: dict[Any, Any]) -> None:
        algorithm = self._algorithm
        try:
            power = algorithm.portfolio.has_sufficient_buying_power_for_order(group)
        except EngineError:
            raise
        except Exception as error:
            self._remove(group, OrderStatus.INVALID, str(error))
            ids = ",".join(str(leg.id) for leg in group)
            algorithm.error(f"Order Error: ids: [{ids}], Error executing margin models: {error}")
            return
        if not power.is_sufficient:
            # a canceled order waits for its cancel
            if order.status != OrderStatus.CANCEL_PENDING:
                message = insufficient_text(securities, power.reason)
                self._remove(group, OrderStatus.INVALID, message)
                algorithm.error(message)
            return
        fills: list[Any] = []
        try:
            self._ask_models(order, securities, fills)
        except EngineError:
            raise
        except Exception as error:
            algorithm.error(
                f"Order Error: id: {order.id}, Transaction model failed to fill for order type: "
                f"{order.type.to_string()} with error: {error}"
            )
        if not fills:
            return
        events = []
        for leg in group:
            for fill in fills:
                if fill.order_id == leg._id and (leg.status != fill.status or fill._fill_quantity):
                    # set at once: handlers of the event may scan again
                    leg.status = fill.status
                    events.append(fill)
        if events:
            self._send(events)
        for fill in fills:
            if fill.status not in CLOSED:
                return
        for leg in group:
            self.pending.pop(leg._id, None)
            self._waiting.pop(leg._id, None)

    def _ask_models(self, order: Any, securities: dict[Any, Any], fills: list[Any]) -> None:
        """Collect the fills of the fill model and the fees of the complete ones."""
        security = securities[order]
        parameters = FillModelParameters(
            security,
            order,
            self._configs,
            self._algorithm.settings.stale_price_time_span,
            securities,
        )
        answer = method(security.fill_model, "fill")(parameters)
        made = list(answer._events if type(answer) is Fill else answer)
        for fill in made:
            if fill is None:
                raise TypeError(
                    f"expected the fill model {type(security.fill_model).__name__} to return an "
                    "OrderEvent, was None"
                )
        for fill in made:
            if not order.properties.time_in_force.is_fill_valid(security, order, fill):
                return
        fills.extend(made)
        for fill in fills:
            if fill.status == _FILLED and not fill.order_fee.value._amount:
                leg, asset = order, security
                if fill.order_id != order._id:
                    leg, asset = next(p for p in securities.items() if p[0].id == fill.order_id)
                fill.order_fee = method(asset.fee_model, "get_order_fee")(
                    OrderFeeParameters(asset, leg)
                )
