"""``SecurityTransactionManager``: ``self.transactions`` of an algorithm."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from engine.orders.exact import from_python
from engine.orders.requests import (
    CancelOrderRequest,
    OrderRequest,
    OrderResponse,
    SubmitOrderRequest,
    UpdateOrderRequest,
)
from engine.orders.ticket import OrderTicket
from engine.types.decimals import ZERO
from engine.types.dotnet import LeanObject
from engine.types.errors import InvalidOperationException
from engine.types.symbol import Symbol, SymbolCache
from engine.types.timezones import aware, naive

Filter = Callable[[Any], bool]
_MILLISECOND = timedelta(milliseconds=1)


def symbol_of(what: Any) -> Symbol | None:
    """Return the symbol meant by a symbol, a security or a ticker; ``None`` for anything else."""
    if isinstance(what, Symbol):
        return what
    if isinstance(what, str):
        return SymbolCache.get_symbol(what)
    found = None if callable(what) else getattr(what, "symbol", None)
    return found if isinstance(found, Symbol) else None


def _filter(what: Any) -> Filter | None:
    """Turn LEAN's argument (a function, a symbol, a ticker, nothing) into a filter."""
    if what is None:
        return None
    symbol = symbol_of(what)
    if symbol is None:
        return what
    return lambda thing: thing.symbol == symbol


class ProjectedHoldings(LeanObject):
    """Holdings now, what open orders will add, and both together."""

    __slots__ = ("_holdings_quantity", "_open_orders_quantity")

    def __init__(self, holdings_quantity: Any, open_orders_quantity: Any) -> None:
        self._holdings_quantity = from_python(holdings_quantity)
        self._open_orders_quantity = from_python(open_orders_quantity)

    @property
    def _projected_quantity(self) -> Decimal:
        return self._holdings_quantity + self._open_orders_quantity

    @property
    def holdings_quantity(self) -> float:
        return float(self._holdings_quantity)

    @property
    def open_orders_quantity(self) -> float:
        return float(self._open_orders_quantity)

    @property
    def projected_quantity(self) -> float:
        return float(self._projected_quantity)


class SecurityTransactionManager(LeanObject):
    """Orders, tickets and closed profits of a run; requests go to the transaction handler."""

    def __init__(self, algorithm: Any, security: Any = None) -> None:
        self._algorithm = algorithm
        self._processor: Any = None
        self._order_id = 0
        self._group_id = 0
        self._record: dict[datetime, tuple[Decimal, bool]] = {}
        self.market_order_fill_timeout = timedelta(0)

    def _set_order_processor(self, processor: Any) -> None:
        self._processor = processor

    @property
    def utc_time(self) -> datetime:
        return aware(self._algorithm._utc)

    # -- requests ------------------------------------------------------------------------------

    def process_request(self, request: OrderRequest) -> OrderTicket:
        """Hand a request over; not allowed in warm-up."""
        if self._algorithm.is_warming_up:
            raise InvalidOperationException(str(OrderResponse.warming_up(request)))
        if isinstance(request, SubmitOrderRequest) and request.order_id < 1:
            request.order_id = self.get_increment_order_id()
        ticket: OrderTicket = self._processor.process(request)
        return ticket

    def add_order(self, request: SubmitOrderRequest) -> OrderTicket:
        return self.process_request(request)

    def update_order(self, request: UpdateOrderRequest) -> OrderTicket:
        return self.process_request(request)

    def cancel_order(self, order_id: int, order_tag: str | None = None) -> OrderTicket:
        return self.remove_order(order_id, order_tag)

    def remove_order(self, order_id: int, tag: str | None = None) -> OrderTicket:
        return self.process_request(CancelOrderRequest(self._algorithm._utc, order_id, tag or ""))

    def cancel_open_orders(self, symbol: Any = None, tag: str | None = None) -> list[OrderTicket]:
        """Cancel the open orders of a symbol, or all; return their tickets."""
        if self._algorithm.is_warming_up:
            raise InvalidOperationException(
                "This operation is not allowed in initialize or during warm up: "
                "cancel_open_orders. "
                "Please move this code to the on_warmup_finished() method."
            )
        if symbol is None:
            utc = self._algorithm._utc
            tag = (
                f"Canceled by CancelOpenOrders() at {utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond:06d}0Z"
            )
        found = self.get_open_order_tickets(symbol)
        for ticket in found:
            ticket.cancel(tag)
        return found

    # -- looks ---------------------------------------------------------------------------------

    def get_order_tickets(self, filter: Any = None) -> list[OrderTicket]:
        return _chosen(self._processor.order_tickets.values(), _filter(filter))

    def get_open_order_tickets(self, filter: Any = None) -> list[OrderTicket]:
        return _chosen(self._processor._open_tickets(), _filter(filter))

    def get_order_ticket(self, order_id: int) -> OrderTicket | None:
        found: OrderTicket | None = self._processor.order_tickets.get(order_id)
        return found

    def _get_open_orders_remaining_quantity(self, what: Any = None) -> Decimal:
        total = ZERO
        tickets = self._processor._open_tickets()
        if not tickets:
            return total
        if type(what) is Symbol:
            for ticket in tickets:
                symbol = ticket.submit_request.symbol
                if symbol is what or symbol == what:
                    total += ticket._quantity_remaining
            return total
        for ticket in self.get_open_order_tickets(what):
            total += ticket._quantity_remaining
        return total

    def get_open_orders_remaining_quantity(self, filter: Any = None) -> float:
        return float(self._get_open_orders_remaining_quantity(filter))

    def get_open_orders(self, filter: Any = None) -> list[Any]:
        chosen = _chosen(self._processor._open_orders_list(), _filter(filter))
        return [order.clone() for order in chosen]

    def get_orders(self, filter: Any = None) -> list[Any]:
        chosen = _chosen(self._processor.orders.values(), _filter(filter))
        return [order.clone() for order in chosen]

    def get_order_by_id(self, order_id: int) -> Any:
        """Return a copy of an order, ``None`` when there is none."""
        order = self._processor.orders.get(order_id)
        return None if order is None else order.clone()

    def get_orders_by_brokerage_id(self, brokerage_id: str) -> list[Any]:
        orders = self._processor.orders.values()
        return [order.clone() for order in orders if str(brokerage_id) in order.broker_id]

    @property
    def orders_count(self) -> int:
        return int(self._processor.orders_count)

    def get_projected_holdings(self, security: Any) -> ProjectedHoldings:
        """Return the position that is there once all open orders are filled."""
        return ProjectedHoldings(
            security.holdings._quantity, self._get_open_orders_remaining_quantity(security.symbol)
        )

    def _projected_quantity(self, security: Any) -> Decimal:
        held: Decimal = security.holdings._quantity
        return held + self._get_open_orders_remaining_quantity(security.symbol)

    def wait_for_order(self, order_id: int) -> bool:
        """Tell whether the order is closed: a backtest never waits."""
        ticket = self.get_order_ticket(order_id)
        if ticket is None:
            return False
        self._processor._wait(ticket)
        return ticket._is_closed

    # -- ids -----------------------------------------------------------------------------------

    @property
    def last_order_id(self) -> int:
        return self._order_id

    def get_increment_order_id(self) -> int:
        self._order_id += 1
        return self._order_id

    def get_increment_group_order_manager_id(self) -> int:
        self._group_id += 1
        return self._group_id

    # -- closed profits ------------------------------------------------------------------------

    def add_transaction_record(
        self, time: datetime, transaction_profit_loss: Any, is_win: bool
    ) -> None:
        """Book the profit of a closed position."""
        self._add_transaction_record(naive(time), from_python(transaction_profit_loss), is_win)

    def _add_transaction_record(self, utc: datetime, profit: Decimal, is_win: bool) -> None:
        """Book a closed profit; two of one moment stand a millisecond apart."""
        while utc in self._record:
            utc += _MILLISECOND
        self._record[utc] = profit, bool(is_win)

    @property
    def _transaction_record(self) -> dict[datetime, Decimal]:
        return {moment: profit for moment, (profit, _) in self._record.items()}

    @property
    def transaction_record(self) -> dict[datetime, float]:
        return {moment: float(profit) for moment, (profit, _) in self._record.items()}

    @property
    def winning_transactions(self) -> dict[datetime, float]:
        return {moment: float(p) for moment, (p, win) in self._record.items() if win}

    @property
    def losing_transactions(self) -> dict[datetime, float]:
        return {moment: float(p) for moment, (p, win) in self._record.items() if not win}

    @property
    def win_count(self) -> int:
        return sum(win for _, win in self._record.values())

    @property
    def loss_count(self) -> int:
        return sum(not win for _, win in self._record.values())


def _chosen(things: Any, wanted: Filter | None) -> list[Any]:
    return list(things) if wanted is None else [thing for thing in things if wanted(thing)]
