"""Positions: shares of the portfolio, liquidation, and what may be sold short."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from engine.orders.arguments import checked_options, no_overload, order_symbol
from engine.orders.exact import from_double, from_python
from engine.orders.ticket import OrderTicket
from engine.securities.native import method
from engine.types.decimals import ZERO
from engine.types.enums import OrderType
from engine.types.symbol import Symbol
from engine.types.timezones import from_utc

_MARKET_KINDS = (OrderType.MARKET, OrderType.MARKET_ON_OPEN)


class PositionsMixin:
    """Methods of ``QCAlgorithm`` about positions; they send orders through the trading methods."""

    if TYPE_CHECKING:

        @property
        def _utc(self) -> datetime: ...

    _engine: Any
    _told: set[str]
    _send_market: Any
    _on_open: Any
    settings: Any
    securities: Any
    transactions: Any
    debug: Any
    error: Any

    def calculate_order_quantity(self, symbol: Any, target: Any) -> float:
        """Return the quantity to order for a share of the portfolio value, 0 if unknown."""
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
        passed = (symbol, *(() if percentage is None else (percentage,)), *args)
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
            raise no_overload(
                "set_holdings",
                passed,
                f"liquidate_existing_holdings: bool, was {liquidate!r}; write tag=... by name",
            )
        asynchronous, tag = given.get("asynchronous", False), given.get("tag")
        checked_options("set_holdings", asynchronous, tag, passed)
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
        send = self._send_market if security.exchange.exchange_open else self._on_open
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
        """Cancel open orders and close positions: of a symbol, of a list, or all.

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
        checked_options("liquidate", asynchronous, tag)
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
                tickets.append(
                    self._send_market(symbol, -held - waiting, asynchronous, tag, properties)
                )
        return tickets

    def _tell_liquidate_unknown(self, symbol: Symbol) -> None:
        if "liquidate" not in self._told:
            self._told.add("liquidate")
            self.debug(
                f"Warning: liquidate ignored symbol '{symbol}' because it has not been added to "
                "the "
                "algorithm. Add the security before liquidating it."
            )

    def is_market_open(self, symbol: Any) -> bool:
        """Tell whether the regular session of a symbol's market is open now."""
        one = order_symbol(symbol)
        security = self.securities.get(one)
        if security is not None:
            return bool(security.exchange.hours.is_open(security.local_time, False))
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
        security = self.securities[order_symbol(symbol)]
        found = method(security.shortable_provider, "shortable_quantity")(
            security.symbol, security.local_time
        )
        return 0 if found is None else int(found)
