"""What is checked before an order gets an id."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from engine.orders.kinds import MarketOnCloseOrder
from engine.orders.requests import OrderResponse, SubmitOrderRequest
from engine.securities.buying_power import zero_price_message
from engine.types.decimals import plain
from engine.types.enums import (
    AlgorithmStatus,
    OrderResponseErrorCode,
    OrderType,
    Resolution,
    SecurityType,
)
from engine.types.errors import InvalidOperationException
from engine.types.timezones import to_utc

MOO_WARNING = (
    "Warning: market orders submitted while the market is closed are automatically converted into "
    "MarketOnOpen orders to fill at the next market open."
)
DAILY_WARNING = (
    "Warning: market orders on daily resolution data sent during market hours are automatically "
    "converted into MarketOnClose orders (or MarketOnOpen near the close) to avoid filling at the "
    "stale "
    "previous close. Note: in live trading this conversion is not applied, as the order fills at "
    "the "
    "current market price."
)


_MARKET_ON_OPEN = OrderType.MARKET_ON_OPEN
_MARKET_ON_CLOSE = OrderType.MARKET_ON_CLOSE
_PAIRS = (SecurityType.FOREX, SecurityType.CRYPTO)


def daily_only(security: Any) -> bool:
    """Tell whether the algorithm sees nothing but daily bars of a security."""
    configs = [c for c in security.subscriptions if not c.is_internal_feed]
    return bool(configs) and all(c.resolution == Resolution.DAILY for c in configs)


def too_late(security: Any, utc: datetime) -> bool:
    """Tell whether the next close is too near for a market-on-close order."""
    hours = security.exchange.hours
    if hours.is_market_always_open:
        return False
    close = hours.get_next_market_close(security.local_time, False)
    last = to_utc(close, hours.time_zone) - MarketOnCloseOrder.submission_time_buffer
    return bool(utc > last)


def _span_text(buffer: Any) -> str:
    seconds = int(buffer.total_seconds())
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


class OrderChecks:
    """LEAN's pre-order checks, in its order; the first that fails is the answer."""

    def __init__(self, algorithm: Any) -> None:
        self._algorithm = algorithm

    def check(self, request: SubmitOrderRequest) -> OrderResponse | None:
        """Return the refusal of the first failed check, ``None`` when all pass."""
        algorithm = self._algorithm
        code = OrderResponseErrorCode

        if algorithm.is_warming_up:
            return OrderResponse.warming_up(request)
        security = algorithm.securities.get(request.symbol)
        if security is None:
            return OrderResponse.missing_security(request)
        if not request._quantity:
            return OrderResponse.zero_quantity(request)
        lot = security.symbol_properties._lot_size
        if abs(request._quantity) < lot:
            return OrderResponse.error(
                request,
                code.ORDER_QUANTITY_LESS_THAN_LOT_SIZE,
                f"Unable to {request.order_request_type.name.lower()} order with id "
                f"{request.order_id} which quantity ({plain(abs(request._quantity))}) is less than "
                "lot "
                f"size ({plain(lot)}).",
            )
        if not security.is_tradable:
            return OrderResponse.error(
                request,
                code.NON_TRADABLE_SECURITY,
                f"The security with symbol '{request.symbol}' is marked as non-tradable.",
            )
        if not security._price:
            text = zero_price_message(request.symbol)
            return OrderResponse.error(request, code.SECURITY_PRICE_ZERO, text)
        currency = self._without_currency(request, security)
        if currency is not None:
            return currency
        if security.cache.get_data() is None:
            return OrderResponse.error(
                request,
                code.SECURITY_HAS_NO_DATA,
                "There is no data for this symbol yet, please check the security.HasData flag to "
                "ensure "
                "there is at least one data point.",
            )
        if (
            not algorithm.live_mode
            and algorithm.transactions._processor.orders_count > algorithm._max_orders
        ):
            algorithm.status = AlgorithmStatus.STOPPED
            return OrderResponse.error(
                request,
                code.EXCEEDED_MAXIMUM_ORDERS,
                f"You have exceeded maximum number of orders ({algorithm._max_orders}), for "
                "unlimited "
                "orders upgrade your account.",
            )
        kind = request.order_type
        if kind == _MARKET_ON_OPEN:
            hours = self._closing_hours(request, security)
            if hours.is_open(security.local_time, False) and not daily_only(security):
                return OrderResponse.error(
                    request,
                    code.MARKET_ON_OPEN_NOT_ALLOWED_DURING_REGULAR_HOURS,
                    "Cannot submit a MarketOnOpen order while the market is open.",
                )
        elif kind == _MARKET_ON_CLOSE:
            self._closing_hours(request, security)
            if too_late(security, algorithm._utc):
                buffer = _span_text(MarketOnCloseOrder.submission_time_buffer)
                return OrderResponse.error(
                    request,
                    code.MARKET_ON_CLOSE_ORDER_TOO_LATE,
                    f"MarketOnClose orders must be placed within {buffer} before market close. "
                    "Override "
                    "this TimeSpan buffer by setting "
                    "Orders.MarketOnCloseOrder.SubmissionTimeBuffer in "
                    "QCAlgorithm.Initialize().",
                )
        return None

    def _without_currency(self, request: SubmitOrderRequest, security: Any) -> OrderResponse | None:
        """Return the refusal of a security whose currencies have no rate."""
        book = self._algorithm.portfolio.cash_book
        cash = security.quote_currency
        quote, ticker = cash.symbol, request.symbol.value
        code = OrderResponseErrorCode
        if quote not in book:
            text = f"{ticker}: requires {quote} in the cashbook to trade."
            return OrderResponse.error(request, code.QUOTE_CURRENCY_REQUIRED, text)
        if not cash._conversion._conversion_rate:
            text = (
                f"{ticker}: requires {quote} to have a non-zero conversion rate. This can be "
                "caused by "
                "lack of data."
            )
            return OrderResponse.error(request, code.CONVERSION_RATE_ZERO, text)
        if security.type not in _PAIRS:
            return None
        base = security.base_currency.symbol
        if base not in book:
            text = f"{ticker}: requires {base} and {quote} in the cashbook to trade."
            return OrderResponse.error(request, code.FOREX_BASE_AND_QUOTE_CURRENCIES_REQUIRED, text)
        if not book[base]._conversion_rate:
            text = (
                f"{ticker}: requires {base} and {quote} to have non-zero conversion rates. This "
                "can be "
                "caused by lack of data."
            )
            return OrderResponse.error(request, code.FOREX_CONVERSION_RATE_ZERO, text)
        return None

    @staticmethod
    def _closing_hours(request: SubmitOrderRequest, security: Any) -> Any:
        """Return the hours of an exchange that closes; orders for an open or close need one."""
        hours = security.exchange.hours
        if hours.is_market_always_open:
            raise InvalidOperationException(
                f"Market never closes for this symbol {security.symbol}, can no submit a "
                f"{request.order_type.to_string()} order."
            )
        return hours
