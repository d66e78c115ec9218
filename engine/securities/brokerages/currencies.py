"""Brokers of currency pairs and contracts: Oanda and FXCM."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine.orders.exact import from_python
from engine.securities.brokerages.default import (
    ACCEPTED,
    Answer,
    DefaultBrokerageModel,
    _benchmark,
)
from engine.securities.brokerages.messages import (
    pascal,
    refuse,
    unsupported_order_type,
    unsupported_security,
    unsupported_time_in_force,
)
from engine.securities.fees.base import ConstantFeeModel
from engine.securities.fees.brokers import FxcmFeeModel
from engine.securities.settlement import (
    AccountCurrencyImmediateSettlementModel,
    ImmediateSettlementModel,
)
from engine.types.decimals import plain
from engine.types.enums import AccountType, OrderDirection, OrderType, SecurityType
from engine.types.errors import InvalidOperationException

_TRADED = (SecurityType.FOREX, SecurityType.CFD)
_STEPS = 10 * 15000


def _markets_of(market: str) -> dict[SecurityType, str]:
    return {
        SecurityType.BASE: "usa",
        SecurityType.EQUITY: "usa",
        SecurityType.OPTION: "usa",
        SecurityType.FOREX: market,
        SecurityType.CFD: market,
    }


def _good_til_canceled(order: Any) -> bool:
    return type(order.time_in_force).__name__ == "GoodTilCanceledTimeInForce"


def _settlement(security: Any) -> Any:
    if security.type == SecurityType.CFD:
        return AccountCurrencyImmediateSettlementModel()
    return ImmediateSettlementModel()


class OandaBrokerageModel(DefaultBrokerageModel):
    """Oanda: margin accounts, good-til-canceled orders, no fees."""

    _markets = _markets_of("oanda")
    DEFAULT_MARKET_MAP = _markets
    _order_types = (
        OrderType.LIMIT,
        OrderType.MARKET,
        OrderType.STOP_MARKET,
        OrderType.STOP_LIMIT,
    )

    def __init__(self, account_type: Any = None) -> None:
        super().__init__(account_type)
        if self._account_type == AccountType.CASH:
            raise InvalidOperationException(
                "Oanda brokerage can only be used with a Margin account type"
            )

    def get_benchmark(self, securities: Any) -> Any:
        return _benchmark(securities, "EURUSD", SecurityType.FOREX, "oanda")

    def get_fee_model(self, security: Any) -> Any:
        return ConstantFeeModel(0)

    def get_settlement_model(self, security: Any, _account_type: Any = None) -> Any:
        return _settlement(security)

    def can_submit_order(self, security: Any, order: Any, message: Any = None) -> Answer:
        if security.type not in _TRADED:
            return unsupported_security(self, security)
        if order.type not in self._order_types:
            return unsupported_order_type(self, order, self._order_types)
        if not _good_til_canceled(order):
            return unsupported_time_in_force(self, order)
        return ACCEPTED


class FxcmBrokerageModel(DefaultBrokerageModel):
    """FXCM: whole lots, three kinds of orders, prices on the right side of the market and not too
    far away.
    """

    _markets = _markets_of("fxcm")
    DEFAULT_MARKET_MAP = _markets
    _order_types = (OrderType.LIMIT, OrderType.MARKET, OrderType.STOP_MARKET)

    def get_benchmark(self, securities: Any) -> Any:
        return _benchmark(securities, "EURUSD", SecurityType.FOREX, "fxcm")

    def get_fee_model(self, security: Any) -> Any:
        return FxcmFeeModel()

    def get_settlement_model(self, security: Any, _account_type: Any = None) -> Any:
        return _settlement(security)

    def can_submit_order(self, security: Any, order: Any, message: Any = None) -> Answer:
        if security.type not in _TRADED:
            return unsupported_security(self, security)
        if order.type not in self._order_types:
            return unsupported_order_type(self, order, self._order_types)
        answer = _whole_lots(security, order._quantity)
        if not answer[0]:
            return answer
        market = security._price
        if order.type == OrderType.LIMIT:
            return _prices(security, order.type, order.direction, market, order._limit_price)
        if order.type == OrderType.STOP_MARKET:
            return _prices(security, order.type, order.direction, order._stop_price, market)
        if not _good_til_canceled(order):
            return unsupported_time_in_force(self, order)
        return ACCEPTED

    def can_update_order(
        self, security: Any, order: Any, request: Any, message: Any = None
    ) -> Answer:
        quantity: Decimal = order._quantity
        if request.quantity is not None:
            quantity = from_python(request.quantity)
            answer = _whole_lots(security, quantity)
            if not answer[0]:
                return answer
        direction = OrderDirection.BUY if quantity > 0 else OrderDirection.SELL
        prices = [
            security._price if price is None else from_python(price)
            for price in (request.stop_price, request.limit_price)
        ]
        return _prices(security, order.type, direction, *prices)


def _whole_lots(security: Any, quantity: Decimal) -> Answer:
    lot = security.symbol_properties._lot_size
    if quantity % lot:
        return refuse(f"The order quantity must be a multiple of lot_size: [{plain(lot)}].")
    return ACCEPTED


def _prices(
    security: Any, kind: OrderType, direction: OrderDirection, stop: Decimal, limit: Decimal
) -> Answer:
    market: Decimal = security._price
    buys = direction == OrderDirection.BUY
    at_limit = kind == OrderType.LIMIT
    if not at_limit and kind != OrderType.STOP_MARKET:
        return ACCEPTED
    price = limit if at_limit else stop
    # a bought limit and a sold stop lie below the market, the others above
    below = buys == at_limit
    if price > market if below else price < market:
        return refuse(
            "Limit Buy orders and Stop Sell orders must be below market, Limit Sell orders and "
            "Stop Buy orders must be "
            "above market."
        )
    step = security.symbol_properties._minimum_price_variation
    far = min(step * _STEPS, market / 2)
    if price < market - far if below else price > market + far:
        return refuse(
            f"The {pascal(kind)} {pascal(direction)} order price ({plain(price)}) is too far from "
            "the current market "
            f"price ({plain(market)})."
        )
    return ACCEPTED
