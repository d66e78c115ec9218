"""The kinds of orders."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from engine.orders.exact import Exact, from_python, smart_rounding
from engine.orders.order import NO_TIME, Order
from engine.securities.currencies import currency_symbol
from engine.types.decimals import ONE, ZERO, plain
from engine.types.enums import OrderDirection, OrderStatus, OrderType
from engine.types.symbol import Symbol

_NEW = OrderStatus.NEW


def limit_value(quantity: Decimal, limit: Decimal, price: Decimal) -> Decimal:
    """Return quantity times the worse price: a sell takes the higher, a buy the lower."""
    if quantity < 0:
        return quantity * max(limit, price)
    return quantity * min(limit, price) if quantity > 0 else ZERO


def money(order: Order, price: Decimal) -> str:
    """Print a price as the texts of orders show it."""
    return currency_symbol(order.price_currency) + plain(smart_rounding(price))


class MarketOrder(Order):
    """Fills at the next price."""

    type = OrderType.MARKET


class MarketOnOpenOrder(Order):
    """Fills at the next open."""

    type = OrderType.MARKET_ON_OPEN


class MarketOnCloseOrder(Order):
    """Fills at the next close; has to be sent ``submission_time_buffer`` before it."""

    type = OrderType.MARKET_ON_CLOSE
    DEFAULT_SUBMISSION_TIME_BUFFER: ClassVar[timedelta] = timedelta(minutes=15.5)
    submission_time_buffer: ClassVar[timedelta] = DEFAULT_SUBMISSION_TIME_BUFFER


class LimitOrder(Order):
    """Fills at the limit price or better."""

    type = OrderType.LIMIT
    _prices = ("_limit_price",)
    _limit_price: Decimal = ZERO
    limit_price = Exact()

    def __init__(
        self,
        symbol: Any = Symbol.EMPTY,
        quantity: Any = ZERO,
        limit_price: Any = ZERO,
        time: datetime = NO_TIME,
        tag: str = "",
        properties: Any = None,
    ) -> None:
        super().__init__(symbol, quantity, time, tag, properties)
        self.limit_price = limit_price

    @property
    def is_marketable(self) -> bool:
        return self._is_marketable_at(self._limit_price)

    def _is_marketable_at(self, limit: Decimal) -> bool:
        data = self.order_submission_data
        if data is None:
            return False
        if self._quantity > 0:
            return limit >= data._ask_price
        return self._quantity < 0 and limit <= data._bid_price

    def _value_at(self, security: Any) -> Decimal:
        return limit_value(self._quantity, self._limit_price, security._price)

    def __str__(self) -> str:
        return f"{super().__str__()} at limit {money(self, self._limit_price)}"


class StopMarketOrder(Order):
    """Becomes a market order when the stop price is passed."""

    type = OrderType.STOP_MARKET
    _prices: tuple[str, ...] = ("_stop_price",)
    _stop_price: Decimal = ZERO
    stop_price = Exact()

    def __init__(
        self,
        symbol: Any = Symbol.EMPTY,
        quantity: Any = ZERO,
        stop_price: Any = ZERO,
        time: datetime = NO_TIME,
        tag: str = "",
        properties: Any = None,
    ) -> None:
        super().__init__(symbol, quantity, time, tag, properties)
        self.stop_price = stop_price

    def _value_at(self, security: Any) -> Decimal:
        return limit_value(self._quantity, self._stop_price, security._price)

    def __str__(self) -> str:
        return f"{super().__str__()} at stop {money(self, self._stop_price)}"


class StopLimitOrder(Order):
    """Becomes a limit order when the stop price is passed."""

    type = OrderType.STOP_LIMIT
    _prices = ("_stop_price", "_limit_price")
    _stop_price: Decimal = ZERO
    _limit_price: Decimal = ZERO
    stop_price = Exact()
    limit_price = Exact()
    stop_triggered = False

    def __init__(
        self,
        symbol: Any = Symbol.EMPTY,
        quantity: Any = ZERO,
        stop_price: Any = ZERO,
        limit_price: Any = ZERO,
        time: datetime = NO_TIME,
        tag: str = "",
        properties: Any = None,
    ) -> None:
        super().__init__(symbol, quantity, time, tag, properties)
        self.stop_price, self.limit_price = stop_price, limit_price

    def _value_at(self, security: Any) -> Decimal:
        return limit_value(self._quantity, self._limit_price, security._price)

    def __str__(self) -> str:
        return (
            f"{super().__str__()} at stop {money(self, self._stop_price)} "
            f"limit {money(self, self._limit_price)}"
        )


class LimitIfTouchedOrder(Order):
    """Becomes a limit order when the trigger price is touched."""

    type = OrderType.LIMIT_IF_TOUCHED
    _prices = ("_trigger_price", "_limit_price")
    _trigger_price: Decimal = ZERO
    _limit_price: Decimal = ZERO
    trigger_price = Exact()
    limit_price = Exact()
    trigger_touched = False

    def __init__(
        self,
        symbol: Any = Symbol.EMPTY,
        quantity: Any = ZERO,
        trigger_price: Any = ZERO,
        limit_price: Any = ZERO,
        time: datetime = NO_TIME,
        tag: str = "",
        properties: Any = None,
    ) -> None:
        super().__init__(symbol, quantity, time, tag, properties)
        self.trigger_price, self.limit_price = trigger_price, limit_price

    def _value_at(self, security: Any) -> Decimal:
        return limit_value(self._quantity, self._limit_price, security._price)

    def __str__(self) -> str:
        return (
            f"{super().__str__()} at trigger {money(self, self._trigger_price)} "
            f"limit {money(self, self._limit_price)}"
        )


def trailing_text(amount: Decimal, percentage: bool, currency: str) -> str:
    """Print a trailing amount: ``$0.4`` or ``1.0%``."""
    return f"{plain(amount * 100)}%" if percentage else currency + plain(amount)


class TrailingStopOrder(StopMarketOrder):
    """A stop that follows the market at a distance, in money or as a fraction of the price."""

    type = OrderType.TRAILING_STOP
    _prices = ("_stop_price", "_trailing_amount")
    _trailing_amount: Decimal = ZERO
    trailing_amount = Exact()
    trailing_as_percentage = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Make the order.

        ``(symbol, quantity[, stop_price], trailing_amount, trailing_as_percentage, time, tag,
        properties)``.
        """
        names = ["symbol", "quantity", "trailing_amount", "trailing_as_percentage"]
        if (len(args) > 4 and isinstance(args[4], bool)) or "stop_price" in kwargs:
            names.insert(2, "stop_price")
        given = dict(zip([*names, "time", "tag", "properties"], args, strict=False), **kwargs)
        super().__init__(
            given.get("symbol", Symbol.EMPTY),
            given.get("quantity", ZERO),
            given.get("stop_price", ZERO),
            given.get("time", NO_TIME),
            given.get("tag", ""),
            given.get("properties"),
        )
        self.trailing_amount = given.get("trailing_amount", ZERO)
        self.trailing_as_percentage = bool(given.get("trailing_as_percentage", False))

    def get_default_tag(self) -> str:
        return f"Trailing Amount: {self._distance()}"

    def _distance(self) -> str:
        return trailing_text(
            self._trailing_amount, self.trailing_as_percentage, currency_symbol(self.price_currency)
        )

    def __str__(self) -> str:
        return f"{super().__str__()}. Trailing amount: {self._distance()}"

    @staticmethod
    def calculate_stop_price(
        current_market_price: Any,
        trailing_amount: Any,
        trailing_as_percentage: bool,
        direction: OrderDirection,
    ) -> float:
        """Return the stop price at the trailing distance from the market."""
        return float(
            trailing_stop_price(
                from_python(current_market_price),
                from_python(trailing_amount),
                trailing_as_percentage,
                direction,
            )
        )


def trailing_stop_price(
    market: Decimal, amount: Decimal, percentage: bool, direction: OrderDirection
) -> Decimal:
    """Return the stop price at the trailing distance from the market."""
    buy = direction == OrderDirection.BUY
    if percentage:
        return market * (ONE + amount) if buy else market * (ONE - amount)
    return market + amount if buy else market - amount


def moved_stop_price(
    market: Decimal, stop: Decimal, amount: Decimal, percentage: bool, direction: OrderDirection
) -> Decimal | None:
    """Return the stop price that the market has pulled along, ``None`` when it stays."""
    distance = market - stop if direction == OrderDirection.SELL else stop - market
    if distance <= (market * amount if percentage else amount):
        return None
    return trailing_stop_price(market, amount, percentage, direction)


_WITHOUT_PRICES: dict[OrderType, type[Order]] = {
    OrderType.MARKET: MarketOrder,
    OrderType.MARKET_ON_OPEN: MarketOnOpenOrder,
    OrderType.MARKET_ON_CLOSE: MarketOnCloseOrder,
}


def make_order(request: Any) -> Any:
    """Make the order of a submit request: status NEW, the request's id."""
    kind = request.order_type
    head = (request.symbol, request._quantity)
    tail = (request._time, request.tag, request.order_properties)
    order: Order
    plain_kind = _WITHOUT_PRICES.get(kind)
    if plain_kind is not None:
        order = plain_kind(*head, *tail)
    elif kind == OrderType.LIMIT:
        order = LimitOrder(*head, request._limit_price, *tail)
    elif kind == OrderType.STOP_MARKET:
        order = StopMarketOrder(*head, request._stop_price, *tail)
    elif kind == OrderType.STOP_LIMIT:
        order = StopLimitOrder(*head, request._stop_price, request._limit_price, *tail)
    elif kind == OrderType.TRAILING_STOP:
        distance = (request._trailing_amount, request.trailing_as_percentage)
        order = TrailingStopOrder(*head, request._stop_price, *distance, *tail)
    elif kind == OrderType.LIMIT_IF_TOUCHED:
        order = LimitIfTouchedOrder(*head, request._trigger_price, request._limit_price, *tail)
    else:
        from engine.orders.combo import make_combo_order

        order = make_combo_order(request)
    order.status = _NEW
    order._set_id(request.order_id)
    return order
