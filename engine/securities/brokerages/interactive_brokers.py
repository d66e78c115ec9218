"""Interactive Brokers."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar

from engine.orders.exact import from_python
from engine.securities.brokerages.default import (
    ACCEPTED,
    Answer,
    DefaultBrokerageModel,
    no_benchmark,
)
from engine.securities.brokerages.messages import (
    pascal,
    refuse,
    unsupported_order_type,
    unsupported_security,
    unsupported_time_in_force,
)
from engine.securities.brokerages.rules import refuse_market_on_open
from engine.securities.fees.interactive_brokers import InteractiveBrokersFeeModel
from engine.types.decimals import ONE
from engine.types.enums import AccountType, OrderType, SecurityType

_BEFORE_OPEN = timedelta(minutes=2)
_ON_OPEN, _ON_CLOSE = OrderType.MARKET_ON_OPEN, OrderType.MARKET_ON_CLOSE
_BASE, _FOREX = SecurityType.BASE, SecurityType.FOREX
_AT_OPEN = (
    SecurityType.CFD,
    SecurityType.EQUITY,
    SecurityType.OPTION,
    SecurityType.FUTURE_OPTION,
    SecurityType.INDEX_OPTION,
)
_AT_CLOSE = (SecurityType.FUTURE, SecurityType.EQUITY, SecurityType.CFD)
_TRADED = (
    SecurityType.EQUITY,
    SecurityType.FOREX,
    SecurityType.OPTION,
    SecurityType.FUTURE,
    SecurityType.FUTURE_OPTION,
    SecurityType.INDEX,
    SecurityType.INDEX_OPTION,
    SecurityType.CFD,
)
# least and most units of the base currency in one order
_PAIR_LIMITS = {
    "USD": (25_000, 7_000_000),
    "AUD": (25_000, 6_000_000),
    "CAD": (25_000, 6_000_000),
    "CHF": (25_000, 6_000_000),
    "CNH": (150_000, 40_000_000),
    "CZK": (0, 0),
    "DKK": (150_000, 35_000_000),
    "EUR": (20_000, 6_000_000),
    "GBP": (20_000, 5_000_000),
    "HKD": (200_000, 50_000_000),
    "HUF": (0, 0),
    "ILS": (0, 0),
    "KRW": (0, 200_000_000),
    "JPY": (2_500_000, 550_000_000),
    "MXN": (300_000, 70_000_000),
    "NOK": (150_000, 35_000_000),
    "NZD": (35_000, 8_000_000),
    "PLN": (0, 0),
    "RUB": (750_000, 30_000_000),
    "SEK": (175_000, 40_000_000),
    "SGD": (35_000, 8_000_000),
    "ZAR": (350_000, 100_000_000),
}


def _pair_size(ticker: str, quantity: Decimal) -> Answer:
    base = ticker[:3]
    least, most = _PAIR_LIMITS.get(base, (0, 0))
    size = abs(quantity)
    if (size > least if not least else size >= least) and size <= most:
        return ACCEPTED
    return refuse(
        f"The minimum and maximum limits for the allowable order size are ({least}, {most}){base}.",
        "OrderSizeLimit",
    )


def _open_window(session: Any) -> tuple[timedelta, timedelta]:
    return session.end, session.start - _BEFORE_OPEN


class InteractiveBrokersBrokerageModel(DefaultBrokerageModel):
    """Shares, pairs, indices and contracts; no coins; no benchmark of its own."""

    _markets: ClassVar[dict[SecurityType, str]] = {
        SecurityType.BASE: "usa",
        SecurityType.EQUITY: "usa",
        SecurityType.INDEX: "usa",
        SecurityType.OPTION: "usa",
        SecurityType.INDEX_OPTION: "usa",
        SecurityType.FUTURE: "cme",
        SecurityType.FUTURE_OPTION: "cme",
        SecurityType.FOREX: "oanda",
        SecurityType.CFD: "interactivebrokers",
    }
    DEFAULT_MARKET_MAP = _markets
    _order_types: ClassVar[tuple[OrderType, ...]] = (
        OrderType.MARKET,
        OrderType.MARKET_ON_OPEN,
        OrderType.MARKET_ON_CLOSE,
        OrderType.LIMIT,
        OrderType.STOP_MARKET,
        OrderType.STOP_LIMIT,
        OrderType.TRAILING_STOP,
        OrderType.LIMIT_IF_TOUCHED,
        OrderType.COMBO_MARKET,
        OrderType.COMBO_LIMIT,
        OrderType.COMBO_LEG_LIMIT,
        OrderType.OPTION_EXERCISE,
    )
    _times_in_force: ClassVar[tuple[str, ...]] = (
        "GoodTilCanceledTimeInForce",
        "DayTimeInForce",
        "GoodTilDateTimeInForce",
    )

    def get_benchmark(self, securities: Any) -> Any:
        return no_benchmark()

    def get_fee_model(self, security: Any) -> Any:
        return InteractiveBrokersFeeModel()

    def _get_leverage(self, security: Any) -> Decimal:
        if self.account_type == AccountType.CASH:
            return ONE
        if security.type == SecurityType.CFD:
            return Decimal(10)
        return super()._get_leverage(security)

    def can_submit_order(self, security: Any, order: Any, message: Any = None) -> Answer:
        kind, traded = order.type, security.type
        if kind not in self._order_types:
            return unsupported_order_type(self, order, self._order_types)
        if kind == _ON_CLOSE and traded not in _AT_CLOSE:
            return refuse(
                "InteractiveBrokers does not support Market-on-Close orders for other security "
                "types different than "
                "Future and Equity.",
                f"Unsupported order type for {pascal(security.type)} security type",
            )
        if kind == _ON_OPEN:
            answer = refuse_market_on_open(security, order, _open_window, _AT_OPEN)
            if not answer[0]:
                return answer
        if traded not in _TRADED:
            return unsupported_security(self, security)
        if traded == _FOREX:
            answer = _pair_size(order.symbol.value, order._quantity)
            if not answer[0]:
                return answer
        if type(order.time_in_force).__name__ not in self._times_in_force:
            return unsupported_time_in_force(self, order)
        return ACCEPTED

    def can_update_order(
        self, security: Any, order: Any, request: Any, message: Any = None
    ) -> Answer:
        if order.security_type == _FOREX and request.quantity is not None:
            return _pair_size(order.symbol.value, from_python(request.quantity))
        return ACCEPTED

    def can_execute_order(self, security: Any, order: Any) -> bool:
        return bool(order.security_type != _BASE)


class InteractiveBrokersFixModel(InteractiveBrokersBrokerageModel):
    """Interactive Brokers over FIX: fewer kinds of orders, no dates."""

    _order_types = tuple(
        kind
        for kind in InteractiveBrokersBrokerageModel._order_types
        if kind
        not in (OrderType.LIMIT_IF_TOUCHED, OrderType.COMBO_LEG_LIMIT, OrderType.OPTION_EXERCISE)
    )
    _times_in_force = ("GoodTilCanceledTimeInForce", "DayTimeInForce")
