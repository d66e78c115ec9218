"""Placing orders: the trading methods of ``QCAlgorithm``."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from engine.algorithm.positions import PositionsMixin
from engine.orders.arguments import checked_options, order_symbol
from engine.orders.checks import DAILY_WARNING, MOO_WARNING, OrderChecks, daily_only, too_late
from engine.orders.exact import from_double, from_python
from engine.orders.kinds import trailing_stop_price
from engine.orders.properties import OrderProperties
from engine.orders.requests import OrderResponse, SubmitOrderRequest
from engine.orders.ticket import OrderTicket
from engine.orders.time_in_force import GoodTilDateTimeInForce, TimeInForce
from engine.types.decimals import ZERO
from engine.types.enums import OrderDirection, OrderType, SecurityType
from engine.types.errors import ArgumentException, EngineUnsupported, InvalidOperationException

_GTD_WARNING = (
    "Warning: Good-Til-Date Time-In-Force is not supported for MOO and MOC orders. "
    "The time-in-force will be reset to Good-Til-Canceled (GTC)."
)
_FUTURES = (SecurityType.FUTURE, SecurityType.FUTURE_OPTION)
_ON_OPEN = OrderType.MARKET_ON_OPEN


class TradingMixin(PositionsMixin):
    """Trading methods of ``QCAlgorithm``."""

    if TYPE_CHECKING:

        @property
        def _utc(self) -> datetime: ...

    _engine: Any
    _locked: bool
    live_mode: bool
    is_warming_up: bool
    portfolio: Any
    securities: Any
    settings: Any
    transactions: Any
    debug: Any
    error: Any
    add_security: Any
    _seed_securities: Any
    get_last_known_prices: Any

    def _init_trading(self) -> None:
        self.default_order_properties: Any = OrderProperties()
        self._max_orders = 2**31 - 1
        self._order_checks = OrderChecks(self)
        self._told: set[str] = set()

    def _tell_once(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self.debug(text)

    # -- market orders -------------------------------------------------------------------------

    def buy(self, symbol: Any, quantity: Any) -> OrderTicket:
        """Buy at the market; the sign of the quantity does not matter."""
        return self._send_market(symbol, abs(from_double(quantity)))

    def sell(self, symbol: Any, quantity: Any) -> OrderTicket:
        """Sell at the market; the sign of the quantity does not matter."""
        return self._send_market(symbol, -abs(from_double(quantity)))

    def order(
        self,
        symbol: Any,
        quantity: Any = None,
        asynchronous: Any = False,
        tag: Any = "",
        order_properties: Any = None,
    ) -> OrderTicket:
        """Send a market order; an order type as third argument (an old form) is ignored."""
        if quantity is None:
            raise EngineUnsupported(
                "engine does not implement QCAlgorithm.order of order_factory's requests; "
                "use lean backtest"
            )
        if isinstance(asynchronous, OrderType):
            asynchronous = False
        checked_options("order", asynchronous, tag)
        return self._send_market(symbol, from_double(quantity), asynchronous, tag, order_properties)

    def market_order(
        self,
        symbol: Any,
        quantity: Any,
        asynchronous: bool = False,
        tag: str | None = "",
        order_properties: Any = None,
    ) -> OrderTicket:
        """Send a market order; quantity is signed.

        While the market is closed it becomes a market-on-open order. With daily bars only, an open
        market makes it a market-on-close order, or market-on-open shortly before the close.
        """
        checked_options("market_order", asynchronous, tag)
        return self._send_market(symbol, from_double(quantity), asynchronous, tag, order_properties)

    def _send_market(
        self,
        symbol: Any,
        quantity: Decimal,
        asynchronous: bool = False,
        tag: str | None = "",
        order_properties: Any = None,
    ) -> OrderTicket:
        security = self._security_for_order(symbol)
        if security.type not in _FUTURES:
            exchange = security.exchange
            rest = (security, quantity, asynchronous, tag)
            if not exchange.exchange_open:
                ticket = self._send(_ON_OPEN, *rest, self._without_date(order_properties))
                if ticket.submit_request.response.is_success:
                    self._tell_once(MOO_WARNING)
                return ticket
            always_open = exchange.hours.is_market_always_open
            if not self.live_mode and not always_open and daily_only(security):
                late = too_late(security, self._utc)
                kind = _ON_OPEN if late else OrderType.MARKET_ON_CLOSE
                ticket = self._send(kind, *rest, self._without_date(order_properties))
                if ticket.submit_request.response.is_success:
                    self._tell_once(DAILY_WARNING)
                return ticket
        return self._send(OrderType.MARKET, security, quantity, asynchronous, tag, order_properties)

    def market_on_open_order(
        self,
        symbol: Any,
        quantity: Any,
        asynchronous: bool = False,
        tag: str | None = "",
        order_properties: Any = None,
    ) -> OrderTicket:
        """Send an order for the next open."""
        checked_options("market_on_open_order", asynchronous, tag)
        return self._on_open(symbol, from_double(quantity), asynchronous, tag, order_properties)

    def _on_open(
        self, symbol: Any, quantity: Decimal, asynchronous: bool, tag: str | None, properties: Any
    ) -> OrderTicket:
        properties = self._without_date(properties)
        security = self._security_for_order(symbol)
        return self._send(
            OrderType.MARKET_ON_OPEN, security, quantity, asynchronous, tag, properties
        )

    def market_on_close_order(
        self,
        symbol: Any,
        quantity: Any,
        asynchronous: bool = False,
        tag: str | None = "",
        order_properties: Any = None,
    ) -> OrderTicket:
        """Send an order for the next close, 15.5 minutes before it at the latest."""
        checked_options("market_on_close_order", asynchronous, tag)
        exact = from_double(quantity)
        properties = self._without_date(order_properties)
        security = self._security_for_order(symbol)
        return self._send(OrderType.MARKET_ON_CLOSE, security, exact, asynchronous, tag, properties)

    # -- orders with prices --------------------------------------------------------------------

    def limit_order(
        self,
        symbol: Any,
        quantity: Any,
        limit_price: Any,
        asynchronous: bool = False,
        tag: str | None = "",
        order_properties: Any = None,
    ) -> OrderTicket:
        """Send an order that fills at the limit price or better."""
        checked_options("limit_order", asynchronous, tag)
        return self._send(
            OrderType.LIMIT,
            self._security_for_order(symbol),
            from_double(quantity),
            asynchronous,
            tag,
            order_properties,
            limit_price=from_python(limit_price),
        )

    def stop_market_order(
        self,
        symbol: Any,
        quantity: Any,
        stop_price: Any,
        asynchronous: bool = False,
        tag: str | None = "",
        order_properties: Any = None,
    ) -> OrderTicket:
        """Send an order that becomes a market order when the stop price is passed."""
        checked_options("stop_market_order", asynchronous, tag)
        return self._send(
            OrderType.STOP_MARKET,
            self._security_for_order(symbol),
            from_double(quantity),
            asynchronous,
            tag,
            order_properties,
            stop_price=from_python(stop_price),
        )

    def stop_limit_order(
        self,
        symbol: Any,
        quantity: Any,
        stop_price: Any,
        limit_price: Any,
        asynchronous: bool = False,
        tag: str | None = "",
        order_properties: Any = None,
    ) -> OrderTicket:
        """Send an order that becomes a limit order when the stop price is passed."""
        checked_options("stop_limit_order", asynchronous, tag)
        return self._send(
            OrderType.STOP_LIMIT,
            self._security_for_order(symbol),
            from_double(quantity),
            asynchronous,
            tag,
            order_properties,
            stop_price=from_python(stop_price),
            limit_price=from_python(limit_price),
        )

    def limit_if_touched_order(
        self,
        symbol: Any,
        quantity: Any,
        trigger_price: Any,
        limit_price: Any,
        asynchronous: bool = False,
        tag: str | None = "",
        order_properties: Any = None,
    ) -> OrderTicket:
        """Send an order that becomes a limit order when the trigger price is touched."""
        checked_options("limit_if_touched_order", asynchronous, tag)
        return self._send(
            OrderType.LIMIT_IF_TOUCHED,
            self._security_for_order(symbol),
            from_double(quantity),
            asynchronous,
            tag,
            order_properties,
            trigger_price=from_python(trigger_price),
            limit_price=from_python(limit_price),
        )

    def trailing_stop_order(
        self, symbol: Any, quantity: Any, *args: Any, **kwargs: Any
    ) -> OrderTicket:
        """Send a stop that follows the market.

        ``(symbol, quantity[, stop_price], trailing_amount, trailing_as_percentage[, asynchronous,
        tag,
        order_properties])``; without a stop price it starts at the trailing distance from the last
        price.
        """
        names = ["trailing_amount", "trailing_as_percentage", "asynchronous", "tag"]
        names.append("order_properties")
        if "stop_price" in kwargs or (len(args) > 1 and not isinstance(args[1], bool)):
            names.insert(0, "stop_price")
        if len(args) > len(names):
            raise TypeError(f"expected at most {len(names) + 2} arguments, was {len(args) + 2}")
        given = dict(zip(names, args, strict=False)) | kwargs
        percentage = given.get("trailing_as_percentage")
        if not isinstance(percentage, bool):
            raise TypeError(
                "No method matches given arguments for trailing_stop_order: expected "
                f"trailing_as_percentage: bool, was {percentage!r}"
            )
        asynchronous, tag = given.get("asynchronous", False), given.get("tag", "")
        checked_options("trailing_stop_order", asynchronous, tag)
        security = self._security_for_order(symbol)
        amount, signed = from_python(given["trailing_amount"]), from_double(quantity)
        if "stop_price" in given:
            stop = from_python(given["stop_price"])
        else:
            side = OrderDirection.BUY if signed > 0 else OrderDirection.SELL
            stop = trailing_stop_price(security._price, amount, percentage, side)
        return self._send(
            OrderType.TRAILING_STOP,
            security,
            signed,
            asynchronous,
            tag,
            given.get("order_properties"),
            stop_price=stop,
            trailing_amount=amount,
            trailing_as_percentage=percentage,
        )

    # -- combos --------------------------------------------------------------------------------

    def combo_market_order(
        self,
        legs: Any,
        quantity: int,
        asynchronous: bool = False,
        tag: str | None = "",
        order_properties: Any = None,
    ) -> list[OrderTicket]:
        """Send market orders that fill together or not at all."""
        from engine.orders.combo import submit_combo

        return submit_combo(self, legs, quantity, ZERO, tag, order_properties, asynchronous)

    def combo_limit_order(
        self,
        legs: Any,
        quantity: int,
        limit_price: Any,
        asynchronous: bool = False,
        tag: str | None = "",
        order_properties: Any = None,
    ) -> list[OrderTicket]:
        """Send orders that fill together at a limit for the sum of their prices."""
        from engine.orders.combo import submit_combo

        price = from_python(limit_price)
        if not price:
            raise ArgumentException("ComboLimitOrder requires a limit price")
        if any(leg._order_price for leg in legs):
            raise ArgumentException(
                "ComboLimitOrder does not support limit prices for individual legs"
            )
        return submit_combo(self, legs, quantity, price, tag, order_properties, asynchronous)

    def combo_leg_limit_order(
        self,
        legs: Any,
        quantity: int,
        asynchronous: bool = False,
        tag: str | None = "",
        order_properties: Any = None,
    ) -> list[OrderTicket]:
        """Send limit orders that fill together, each at the limit of its leg."""
        from engine.orders.combo import submit_combo

        if not all(leg._order_price for leg in legs):
            raise ArgumentException("ComboLegLimitOrder requires a limit price for each leg")
        return submit_combo(self, legs, quantity, ZERO, tag, order_properties, asynchronous)

    # -- sending -------------------------------------------------------------------------------

    def submit_order_request(self, request: SubmitOrderRequest) -> OrderTicket:
        """Check a request and hand it over; a refused one gets a ticket with id -10."""
        refusal = self._pre_order_checks(request)
        if refusal is not None:
            return OrderTicket._refused(self.transactions, request, refusal)
        ticket: OrderTicket = self.transactions.process_request(request)
        return ticket

    def _pre_order_checks(self, request: SubmitOrderRequest) -> OrderResponse | None:
        """Return the refusal of a request, which is told; ``None`` when all checks pass."""
        refusal = self._order_checks.check(request)
        if refusal is not None:
            self.error(refusal.error_message)
        return refusal

    def _send(
        self,
        kind: OrderType,
        security: Any,
        quantity: Decimal,
        asynchronous: bool,
        tag: str | None,
        properties: Any,
        **prices: Any,
    ) -> OrderTicket:
        return self.submit_order_request(
            self._order_request(kind, security, quantity, asynchronous, tag, properties, **prices)
        )

    def _order_request(
        self,
        kind: OrderType,
        security: Any,
        quantity: Decimal,
        asynchronous: bool,
        tag: str | None,
        properties: Any,
        stop_price: Decimal = ZERO,
        limit_price: Decimal = ZERO,
        **more: Any,
    ) -> SubmitOrderRequest:
        if properties is None:
            properties = self._default_properties()
        if not more and stop_price is limit_price is ZERO:
            return SubmitOrderRequest._of_quantity(
                kind, security.type, security.symbol, quantity, self._utc, tag, properties,
                asynchronous,
            )  # fmt: skip
        return SubmitOrderRequest(
            kind, security.type, security.symbol, quantity, stop_price, limit_price,
            time=self._utc, tag=tag, properties=properties, asynchronous=asynchronous, **more,
        )  # fmt: skip

    def _default_properties(self) -> Any:
        default = self.default_order_properties
        return None if default is None else default.clone()

    def _without_date(self, properties: Any) -> Any:
        """Take the end date out of the properties of an order for an open or a close."""
        if properties is None:
            properties = self._default_properties()
        if properties is not None and isinstance(properties.time_in_force, GoodTilDateTimeInForce):
            properties.time_in_force = TimeInForce.GOOD_TIL_CANCELED
            self._tell_once(_GTD_WARNING)
        return properties

    def _security_for_order(self, what: Any) -> Any:
        """Return the security of an order; one that is not there (any more) is added and priced."""
        symbol = order_symbol(what)
        security = self.securities.get(symbol)
        if security is not None and (security.is_tradable or security.is_delisted):
            return security
        if symbol.underlying is None and symbol.security_type != SecurityType.INDEX:
            security = self.add_security(symbol)
            if not self.settings.seed_initial_prices:
                self._seed_securities([security])
            return security
        raise InvalidOperationException(
            f"The symbol {symbol} is not found in the algorithm's securities collection and cannot "
            "be "
            "re-added due to it being delisted or no longer tradable."
        )

    # -- questions -----------------------------------------------------------------------------

    def set_maximum_orders(self, max: int) -> None:
        """Set how many orders a run may send; only in ``initialize``."""
        if not self._locked:
            self._max_orders = int(max)
