"""Placing orders: the trading methods of ``QCAlgorithm``."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from engine.orders.checks import DAILY_WARNING, MOO_WARNING, OrderChecks, daily_only, too_late
from engine.orders.exact import from_double, from_python
from engine.orders.kinds import trailing_stop_price
from engine.orders.properties import OrderProperties
from engine.orders.requests import SubmitOrderRequest
from engine.orders.ticket import OrderTicket
from engine.orders.time_in_force import GoodTilDateTimeInForce, TimeInForce
from engine.types.decimals import ZERO
from engine.types.enums import OrderDirection, OrderType, SecurityType
from engine.types.errors import ArgumentException, InvalidOperationException
from engine.types.symbol import Symbol, SymbolCache

_MARKET_KINDS = (OrderType.MARKET, OrderType.MARKET_ON_OPEN)
_GTD_WARNING = (
    "Warning: Good-Til-Date Time-In-Force is not supported for MOO and MOC orders. "
    "The time-in-force will be reset to Good-Til-Canceled (GTC)."
)


def order_symbol(what: Any) -> Symbol:
    """Return the symbol meant by a symbol, a security or the ticker of an added security."""
    if isinstance(what, Symbol):
        return what
    if isinstance(what, str):
        found = SymbolCache._find(what)
        if found is None:
            raise ArgumentException(
                f"Failed to implicitly convert System.String to QuantConnect.Symbol: {what!r} was "
                "never added; add the security in initialize first"
            )
        return found
    symbol = getattr(what, "symbol", None)
    if isinstance(symbol, Symbol):
        return symbol
    raise TypeError(f"expected a symbol, a security or a ticker, was {what!r}")


def _checked(name: str, asynchronous: Any, tag: Any) -> None:
    """Refuse what LEAN's overloads refuse: after the numbers come a bool, then a text."""
    if not isinstance(asynchronous, bool) or not (tag is None or isinstance(tag, str)):
        raise TypeError(
            f"No method matches given arguments for {name}: expected asynchronous: bool, then tag: "
            "str, "
            f"was {asynchronous!r}, {tag!r}; write tag=... by name"
        )


class TradingMixin:
    """Trading methods of ``QCAlgorithm``."""

    _engine: Any
    _utc: datetime
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
        return self._market(symbol, abs(from_double(quantity)))

    def sell(self, symbol: Any, quantity: Any) -> OrderTicket:
        """Sell at the market; the sign of the quantity does not matter."""
        return self._market(symbol, -abs(from_double(quantity)))

    def order(
        self,
        symbol: Any,
        quantity: Any,
        asynchronous: Any = False,
        tag: Any = "",
        order_properties: Any = None,
    ) -> OrderTicket:
        """Send a market order; LEAN's old form with an order type as third argument means the
        same.
        """
        if isinstance(asynchronous, OrderType):
            asynchronous = False
        _checked("order", asynchronous, tag)
        return self._market(symbol, from_double(quantity), asynchronous, tag, order_properties)

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
        _checked("market_order", asynchronous, tag)
        return self._market(symbol, from_double(quantity), asynchronous, tag, order_properties)

    def _market(
        self,
        symbol: Any,
        quantity: Decimal,
        asynchronous: bool = False,
        tag: str | None = "",
        order_properties: Any = None,
    ) -> OrderTicket:
        security = self._security_for_order(symbol)
        if security.type not in (SecurityType.FUTURE, SecurityType.FUTURE_OPTION):
            exchange = security.exchange
            rest = (quantity, asynchronous, tag, order_properties)
            if not exchange.exchange_open:
                ticket = self._on_open(security.symbol, *rest)
                if ticket.submit_request.response.is_success:
                    self._tell_once(MOO_WARNING)
                return ticket
            always_open = exchange.hours.is_market_always_open
            if not self.live_mode and not always_open and daily_only(security):
                late = too_late(security, self._utc)
                send = self._on_open if late else self._on_close
                ticket = send(security.symbol, *rest)
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
        _checked("market_on_open_order", asynchronous, tag)
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
        _checked("market_on_close_order", asynchronous, tag)
        return self._on_close(symbol, from_double(quantity), asynchronous, tag, order_properties)

    def _on_close(
        self, symbol: Any, quantity: Decimal, asynchronous: bool, tag: str | None, properties: Any
    ) -> OrderTicket:
        properties = self._without_date(properties)
        security = self._security_for_order(symbol)
        return self._send(
            OrderType.MARKET_ON_CLOSE, security, quantity, asynchronous, tag, properties
        )

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
        _checked("limit_order", asynchronous, tag)
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
        _checked("stop_market_order", asynchronous, tag)
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
        _checked("stop_limit_order", asynchronous, tag)
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
        _checked("limit_if_touched_order", asynchronous, tag)
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
        _checked("trailing_stop_order", asynchronous, tag)
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
        response = self._pre_order_checks(request)
        if response.is_error:
            return OrderTicket._refused(self.transactions, request, response)
        ticket: OrderTicket = self.transactions.add_order(request)
        return ticket

    def _pre_order_checks(self, request: SubmitOrderRequest) -> Any:
        response = self._order_checks.check(request)
        if response.is_error:
            self.error(response.error_message)
        return response

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
            self._request(kind, security, quantity, asynchronous, tag, properties, **prices)
        )

    def _request(
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
                for point in self.get_last_known_prices(security):
                    security.set_market_price(point)
            return security
        raise InvalidOperationException(
            f"The symbol {symbol} is not found in the algorithm's securities collection and cannot "
            "be "
            "re-added due to it being delisted or no longer tradable."
        )

    # -- positions -----------------------------------------------------------------------------

    def calculate_order_quantity(self, symbol: Any, target: Any) -> float:
        """Return the quantity to order for a share of the portfolio value; 0 when it cannot be
        told.
        """
        return float(self._order_quantity(order_symbol(symbol), from_double(target)))

    def _order_quantity(self, symbol: Symbol, share: Decimal) -> Decimal:
        from engine.framework.targets import target_for_share

        target = target_for_share(self, symbol, share, True)
        return ZERO if target is None else target._quantity

    def set_holdings(
        self,
        symbol: Any = None,
        percentage: Any = None,
        *args: Any,
        **kwargs: Any,
    ) -> list[OrderTicket]:
        """Order what brings a position to a share of the portfolio value (1 is all of it).

        ``set_holdings(symbol, share[, liquidate_existing_holdings, asynchronous, tag,
        order_properties])`` or
        ``set_holdings(targets[, liquidate_existing_holdings, asynchronous, tag,
        order_properties])`` with a list of
        ``PortfolioTarget`` whose quantities are shares; reductions go out first, then the largest
        order.
        """
        names = ["liquidate_existing_holdings", "asynchronous", "tag", "order_properties"]
        targets = kwargs.pop("targets", None)
        if targets is None and isinstance(symbol, (list, tuple)):
            targets = symbol
            if percentage is not None:
                args = (percentage, *args)
        elif targets is not None:
            args = tuple(v for v in (symbol, percentage) if v is not None) + args
        if len(args) > len(names):
            raise TypeError(f"expected at most {len(names)} options, was {len(args)}")
        given: dict[str, Any] = dict(zip(names, args, strict=False))
        for name, value in kwargs.items():
            if name not in names or name in given:
                raise TypeError(
                    f"No method matches given arguments for set_holdings: unexpected {name!r}"
                )
            given[name] = value
        liquidate = given.get("liquidate_existing_holdings", False)
        if not isinstance(liquidate, bool):
            raise TypeError(
                "No method matches given arguments for set_holdings: expected "
                f"liquidate_existing_holdings: bool, was {liquidate!r}; write tag=... by name"
            )
        asynchronous, tag = given.get("asynchronous", False), given.get("tag")
        _checked("set_holdings", asynchronous, tag)
        properties = given.get("order_properties")
        if targets is not None:
            return self._set_many(targets, liquidate, asynchronous, tag, properties)
        one = order_symbol(symbol)
        quantity = self._order_quantity(one, from_double(percentage))
        return self._set_one(one, quantity, liquidate, asynchronous, tag, properties)

    def _set_many(
        self, targets: Any, liquidate: bool, asynchronous: bool, tag: str | None, properties: Any
    ) -> list[OrderTicket]:
        from engine.framework.target_collection import order_by_margin_impact, quantity_of
        from engine.framework.targets import PortfolioTarget

        targets = list(targets)
        tickets: list[OrderTicket] = []
        if liquidate:
            tickets += self._liquidate_others({t.symbol for t in targets}, tag, properties)
        sized = [
            PortfolioTarget(t.symbol, self._order_quantity(t.symbol, quantity_of(t)))
            for t in targets
        ]
        for target in order_by_margin_impact(sized, self, target_is_delta=True):
            tickets += self._set_one(
                target.symbol, target._quantity, False, asynchronous, tag, properties
            )
        return tickets

    def _set_one(
        self,
        symbol: Symbol,
        quantity: Decimal,
        liquidate: bool,
        asynchronous: bool,
        tag: str | None,
        properties: Any,
    ) -> list[OrderTicket]:
        tickets: list[OrderTicket] = []
        if liquidate:
            tickets += self._liquidate_others({symbol}, tag, properties)
        tag = "" if tag is None else tag
        waiting = ZERO
        for ticket in self.transactions.get_open_order_tickets(symbol):
            if ticket.order_type in _MARKET_KINDS:
                waiting += ticket._quantity_remaining
        quantity = quantity - waiting
        if not quantity:
            return tickets
        security = self.securities.get(symbol)
        if security is None:
            self.error(
                f"{symbol} not found in portfolio. Request this data when initializing the "
                "algorithm."
            )
            return tickets
        send = self._market if security.exchange.exchange_open else self._on_open
        tickets.append(send(symbol, quantity, asynchronous, tag, properties))
        return tickets

    def _liquidate_others(
        self, kept: set[Symbol], tag: str | None, properties: Any
    ) -> list[OrderTicket]:
        others = [s for s in list(self.securities.keys()) if s not in kept]
        others.sort(key=lambda s: s.value)
        return self._liquidate(others, False, tag, properties)

    def liquidate(
        self,
        symbol: Any = None,
        asynchronous: Any = False,
        tag: str | None = None,
        order_properties: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Cancel the open orders of a symbol, of a list of symbols or of all, and close the
        positions.

        Returns the tickets of the closing orders; LEAN's old form ``liquidate(symbol, tag)``
        returns their ids.
        """
        for name in kwargs:
            if name not in ("symbols", "symbol_to_liquidate"):
                raise TypeError(
                    f"No method matches given arguments for liquidate: unexpected {name!r}"
                )
        symbol = kwargs.get("symbols", kwargs.get("symbol_to_liquidate", symbol))
        old = isinstance(asynchronous, str)
        if old:
            asynchronous, tag = False, asynchronous
        _checked("liquidate", asynchronous, tag)
        if symbol is None:
            chosen = sorted(self.securities.keys(), key=lambda s: s.value)
        elif isinstance(symbol, Iterable) and not isinstance(symbol, str):
            chosen = [order_symbol(one) for one in symbol]
        else:
            chosen = [order_symbol(symbol)]
        tickets = self._liquidate(chosen, asynchronous, tag, order_properties)
        return [ticket.order_id for ticket in tickets] if old else tickets

    def _liquidate(
        self, symbols: Iterable[Symbol], asynchronous: bool, tag: str | None, properties: Any
    ) -> list[OrderTicket]:
        tickets: list[OrderTicket] = []
        if not self.settings.liquidate_enabled:
            self.debug(
                "Liquidate() is currently disabled by settings. To re-enable please set "
                "'Settings.LiquidateEnabled' to true"
            )
            return tickets
        tag = "Liquidated" if tag is None else tag
        for symbol in symbols:
            security = self.securities.get(symbol)
            if security is None:
                self._tell_liquidate_unknown(symbol)
                continue
            orders = self.transactions.get_open_orders(symbol)
            held = security.holdings._quantity if security.holdings.invested else ZERO
            only = orders[0] if len(orders) == 1 and held else None
            if only is not None and only._quantity == -held and only.type == OrderType.MARKET:
                continue
            waiting = ZERO
            for order in orders:
                if order.type == OrderType.MARKET:
                    ticket = self.transactions.get_order_ticket(order.id)
                    if ticket is not None:
                        waiting += ticket._quantity_remaining
                else:
                    self.transactions.cancel_order(order.id, tag)
            if held:
                tickets.append(self._market(symbol, -held - waiting, asynchronous, tag, properties))
        return tickets

    def _tell_liquidate_unknown(self, symbol: Symbol) -> None:
        if "liquidate" not in self._told:
            self._told.add("liquidate")
            self.debug(
                f"Warning: liquidate ignored symbol '{symbol}' because it has not been added to "
                "the "
                "algorithm. Add the security before liquidating it."
            )

    # -- questions -----------------------------------------------------------------------------

    def set_maximum_orders(self, max: int) -> None:
        """Set how many orders a run may send; only in ``initialize``."""
        if not self._locked:
            self._max_orders = int(max)

    def is_market_open(self, symbol: Any) -> bool:
        """Tell whether the regular session of a symbol's market is open now."""
        one = order_symbol(symbol)
        security = self.securities.get(one)
        if security is not None:
            return bool(security.exchange.hours.is_open(security.local_time, False))
        from engine.types.timezones import from_utc

        hours = self._engine.hours.get_exchange_hours(one.id.market, one, one.security_type)
        return bool(hours.is_open(from_utc(self._utc, hours.time_zone), False))

    def shortable(
        self, symbol: Any, short_quantity: Any = 0, update_order_id: int | None = None
    ) -> bool:
        """Tell whether the shortable provider allows a sale of this size."""
        return self._shortable(order_symbol(symbol), from_python(short_quantity), update_order_id)

    def _shortable(
        self, symbol: Symbol, quantity: Decimal, update_order_id: int | None = None
    ) -> bool:
        from engine.securities.native import method

        security = self.securities[symbol]
        provider = security.shortable_provider
        available = method(provider, "shortable_quantity")(symbol, security.local_time)
        if available is None:
            return True
        waiting = ZERO
        for ticket in self.transactions.get_open_order_tickets(symbol):
            if ticket.order_id != update_order_id:
                waiting += ticket._quantity_remaining
        position = security.holdings._quantity + waiting
        if position <= -available:
            return False
        return bool(position - abs(quantity) >= -available)

    def shortable_quantity(self, symbol: Any) -> int:
        """Return how many shares can be borrowed; 0 when the provider does not say."""
        from engine.securities.native import method

        security = self.securities[order_symbol(symbol)]
        found = method(security.shortable_provider, "shortable_quantity")(
            security.symbol, security.local_time
        )
        return 0 if found is None else int(found)
