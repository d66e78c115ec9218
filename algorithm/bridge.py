"""LEAN objects <-> protection records: the only file that knows both vocabularies."""

from __future__ import annotations

from AlgorithmImports import *

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from protection.contracts import records
from protection.contracts.errors import FixSettings, RetryWrite
from protection.contracts.records import OpenOrder, OrderKind
from protection.contracts.records import OrderStatus as Status
from protection.contracts.stores import (
    ChunkedStateStore,
    FileStateStore,
    ObjectStateStore,
    StateStore,
)

if TYPE_CHECKING:
    from protection.blockchain.ledger import Ledger

_KINDS = {
    OrderType.MARKET: OrderKind.MARKET,
    OrderType.LIMIT: OrderKind.LIMIT,
    OrderType.STOP_MARKET: OrderKind.STOP,
    OrderType.STOP_LIMIT: OrderKind.STOP_LIMIT,
    OrderType.MARKET_ON_OPEN: OrderKind.MARKET_ON_OPEN,
    OrderType.MARKET_ON_CLOSE: OrderKind.MARKET_ON_CLOSE,
    OrderType.OPTION_EXERCISE: OrderKind.OPTION_EXERCISE,
    OrderType.LIMIT_IF_TOUCHED: OrderKind.LIMIT_IF_TOUCHED,
    OrderType.COMBO_MARKET: OrderKind.COMBO_MARKET,
    OrderType.COMBO_LIMIT: OrderKind.COMBO_LIMIT,
    OrderType.COMBO_LEG_LIMIT: OrderKind.COMBO_LIMIT,
    OrderType.TRAILING_STOP: OrderKind.TRAILING_STOP,
}
# asked of their class these cost twenty times as much in Python 3.11, and every order asks
_MARKET, _EXERCISE, _NEW = OrderKind.MARKET, OrderKind.OPTION_EXERCISE, Status.NEW
#: kinds of orders that have neither a limit nor a stop price
_UNPRICED = frozenset(
    {OrderKind.MARKET, OrderKind.MARKET_ON_OPEN, OrderKind.MARKET_ON_CLOSE, OrderKind.COMBO_MARKET}
)
_STATUS = {
    OrderStatus.NEW: Status.NEW,
    OrderStatus.SUBMITTED: Status.SUBMITTED,
    OrderStatus.PARTIALLY_FILLED: Status.PARTIALLY_FILLED,
    OrderStatus.FILLED: Status.FILLED,
    OrderStatus.CANCELED: Status.CANCELED,
    OrderStatus.NONE: Status.NEW,
    OrderStatus.INVALID: Status.INVALID,
    OrderStatus.CANCEL_PENDING: Status.CANCEL_PENDING,
    OrderStatus.UPDATE_SUBMITTED: Status.UPDATED,
}


def utc(moment: datetime) -> datetime:
    """Return LEAN's UTC time with Python's own UTC zone; the two kinds cannot be compared with each
    other.
    """
    if moment.tzinfo is UTC:
        return moment
    if type(moment) is not datetime:
        return moment.replace(tzinfo=UTC)
    # the same at a quarter of the price: `replace` looks for each of its nine names
    return datetime.combine(moment, moment.time(), UTC)


class Bridge:
    """Reads an algorithm into records. Everything here is read-only and never raises on a price of
    zero.
    """

    def __init__(self, algorithm: QCAlgorithm) -> None:
        self.algorithm = algorithm
        self._keys: dict[Symbol, str] = {}
        self._symbols: dict[str, Symbol] = {}
        self._moment: datetime | None = None
        self._now = datetime.min
        self._fills = 0
        # what the positions were read at: time, equity, cash and fills, and the slice
        self._read: tuple[datetime, float, float, int] | None = None
        self._slice: Slice | None = None
        # open orders as they were read last at the same prices, by id
        self._listed: dict[int | str, OpenOrder] = {}
        self._positions: dict[str, records.Position] = {}
        # end of a bar that was asked for last: as the bar says it, its zone, and in UTC
        self._ended: tuple[datetime, Any, datetime] | None = None
        # live: orders placed elsewhere that LEAN does not know, and the rhythm of each feed
        self.foreign: tuple[OpenOrder, ...] = ()
        self._cadences: dict[Symbol, float | None] = {}

    # -- names ---------------------------------------------------------------------------------

    def key(self, symbol: Symbol) -> str:
        """Return the stable name of a symbol (its identifier: tickers change)."""
        known = self._keys.get(symbol)
        if known is None:
            known = self._keys[symbol] = str(symbol.id)
            self._symbols[known] = symbol
        return known

    def symbol(self, key: str) -> Symbol | None:
        """Return the symbol of a name that :meth:`key` gave."""
        return self._symbols.get(key)

    def now(self) -> datetime:
        """Return the time of the algorithm in UTC."""
        moment = self.algorithm.utc_time
        if moment is not self._moment:
            self._moment, self._now = moment, utc(moment)
        return self._now

    # -- the account ---------------------------------------------------------------------------

    def multiplier(self, security: Security) -> float:
        """Return account currency per unit of price and quantity."""
        size = float(security.symbol_properties.contract_multiplier)
        return size * _rate(security.quote_currency)

    def portfolio(self) -> records.Portfolio:
        """Return the account at this moment, everything that may still fill included.

        In a backtest the positions of one slice are read again only after a fill: several orders of
        one step are judged on the same ones.
        """
        algorithm = self.algorithm
        account = algorithm.portfolio
        now = self.now()
        equity, cash = float(account.total_portfolio_value), float(account.cash)
        current = algorithm.current_slice
        read = None if algorithm.live_mode else (now, equity, cash, self._fills)
        if read is None or read != self._read or current is not self._slice:
            self._listed = {}
            self._positions = self._all_positions()
            self._read, self._slice = read, current
        return records.make_portfolio(now, equity, self._positions, self.open_orders(), cash)

    def _all_positions(self) -> dict[str, records.Position]:
        positions: dict[str, records.Position] = {}
        names, make = self._keys, records.make_position
        currency: Any = None  # most are quoted in one currency, whose rate is read once
        rate = 1.0
        for symbol, security in list(self.algorithm.securities.items()):
            holdings = security.holdings
            if not holdings.invested:
                continue
            quoted = security.quote_currency
            if quoted is not currency:
                currency, rate = quoted, _rate(quoted)
            key = names.get(symbol) or self.key(symbol)
            positions[key] = make(
                key,
                float(holdings.quantity),
                float(holdings.average_price),
                float(security.price),
                float(security.symbol_properties.contract_multiplier) * rate,
            )
        return positions

    def holdings(self) -> list[tuple[str, Symbol, float]]:
        """Return name, symbol and quantity of what is held."""
        return [
            (self.key(symbol), symbol, float(security.holdings.quantity))
            for symbol, security in list(self.algorithm.securities.items())
            if security.holdings.invested
        ]

    def open_orders(self) -> tuple[OpenOrder, ...]:
        """Return what is working, from the tickets."""
        algorithm, listed = self.algorithm, self._listed
        found: dict[int | str, OpenOrder] = {}
        for ticket in algorithm.transactions.get_open_order_tickets():
            rest = float(ticket.quantity) - float(ticket.quantity_filled)
            if rest == 0:
                continue
            number = int(ticket.order_id)
            known = listed.get(number)
            if known is None or known.quantity != rest:
                symbol = ticket.symbol
                security = algorithm.securities[symbol]
                known = records.make_open_order(
                    number,
                    self.key(symbol),
                    rest,
                    _KINDS.get(ticket.order_type, _MARKET),
                    float(security.price),
                    self.multiplier(security),
                )
            found[number] = known
        self._listed = found if self._read else {}
        return (*found.values(), *self.foreign)

    # -- orders --------------------------------------------------------------------------------

    def request(
        self,
        security: Security,
        order: Order,
        *,
        update: bool = False,
        filled: float = 0.0,
        quantity: float | None = None,
    ) -> records.OrderRequest:
        """Return an order that asks to pass; for an update with its new total quantity."""
        kind = _KINDS.get(order.type, _MARKET)
        underlying: str | None = None
        delivered: float | None = None
        if kind is _EXERCISE:
            underlying, delivered = self._exercise(security, order)
        last, group = security.get_last_data(), order.group_order_manager
        unpriced = kind in _UNPRICED
        return records.make_request(  # in sequence: with its names a call costs half as much again
            int(order.id),
            self.key(order.symbol),
            float(order.quantity) if quantity is None else quantity,
            kind,
            self.now(),
            float(security.price),
            None if last is None else self._end(security, last),
            self.multiplier(security),
            None if unpriced else _price(order, "limit_price"),
            None if unpriced else _price(order, "stop_price"),
            None if group is None else int(group.id),
            (),  # LEAN shows one leg of a combination at a time
            underlying,
            delivered,
            update,
            filled,
            "",  # the algorithm is one strategy
            str(order.tag or ""),
        )

    @staticmethod
    def kind(order_type: OrderType) -> OrderKind:
        """Return the kind of an order."""
        return _KINDS.get(order_type, OrderKind.MARKET)

    def _end(self, security: Security, point: BaseData) -> datetime:
        """Return the end of a bar in UTC; most bars of a step end together."""
        end, zone = point.end_time, security.exchange.time_zone
        known = self._ended
        if known is not None and known[0] == end and known[1] is zone:
            return known[2]
        made = utc(Extensions.convert_to_utc(end, zone))
        self._ended = (end, zone, made)
        return made

    def _exercise(self, security: Security, order: Order) -> tuple[str, float]:
        symbol = order.symbol
        size = float(security.symbol_properties.contract_multiplier)
        sign = 1.0 if symbol.id.option_right == OptionRight.CALL else -1.0
        return self.key(symbol.underlying), -sign * float(order.quantity) * size

    def event(self, event: OrderEvent) -> records.OrderEvent:
        """Return an order event."""
        filled_now = float(event.fill_quantity)
        if filled_now != 0.0:
            self._fills += 1
        ticket = self.algorithm.transactions.get_order_ticket(event.order_id)
        filled = None if ticket is None else float(ticket.quantity_filled)
        return records.make_event(
            int(event.order_id),
            self.key(event.symbol),
            _STATUS.get(event.status, _NEW),
            utc(event.utc_time),
            filled_now,
            float(event.fill_price),
            float(event.quantity),
            filled,
            int(event.id),
            _fee(event),
        )

    # -- data ----------------------------------------------------------------------------------

    def cadence(self, security: Security) -> float | None:
        """Return the seconds between two prices that a symbol's data promises; None beyond an hour:
        then silence says nothing within a day.
        """
        symbol = security.symbol
        if symbol not in self._cadences:
            steps = [each.increment.total_seconds() for each in security.subscriptions]
            least = min(steps, default=86400.0)
            self._cadences[symbol] = None if least > 3600.0 else least
        return self._cadences[symbol]

    def last_end(self, security: Security) -> datetime | None:
        """Return the end of a symbol's last own price in UTC; copies do not count."""
        last = security.get_last_data()
        return None if last is None else self._end(security, last)

    def bars(self) -> list[records.Bar]:
        """Return the trade and quote bars of the present moment that are news, not copies."""
        data = self.algorithm.current_slice
        if data is None:
            return []
        found: dict[str, records.Bar] = {}
        now, names, make = self.now(), self._keys, records.make_bar
        both: tuple[Any, ...] = (data.bars, data.quote_bars)
        for bars in both:
            for symbol, bar in list(bars.items()):
                key = names.get(symbol) or self.key(symbol)
                if bar.is_fill_forward or key in found:
                    continue
                found[key] = make(
                    key,
                    now,
                    float(bar.open),
                    float(bar.high),
                    float(bar.low),
                    float(bar.close),
                    float(getattr(bar, "volume", 0.0)),
                    bar.end_time - bar.time,
                )
        return list(found.values())


def _rate(currency: Any) -> float:
    """Return account currency per unit of a currency; 1 while it is not known."""
    rate = float(currency.conversion_rate)
    return rate if rate > 0 else 1.0


def _price(order: Order, name: str) -> float | None:
    value = getattr(order, name, None)
    return None if value is None else float(value)


def _fee(event: OrderEvent) -> float:
    """Return the fee of an event, as the fee model told it."""
    fee = event.order_fee
    return 0.0 if fee is None else float(fee.value.amount)


def of_engine(order: Order) -> bool:
    """Whether an order is of a kind that LEAN makes itself and shows to no gate."""
    return order.type == OrderType.OPTION_EXERCISE or str(order.tag) == "Liquidate from delisting"


def make_ledger(algorithm: QCAlgorithm, audit: str) -> tuple[Ledger | None, str]:
    """Return the ledger of every input and decision, and a sentence about it.

    In a backtest a slow disk never changes a decision, and entries are written in groups. ``auto``
    does without a ledger where no folder of our own can be made, as in QuantConnect's cloud.

    Raises
    ------
    RetryWrite
        When another process writes there, or the place cannot be written.
    """
    if audit == "off" or (audit == "auto" and not algorithm.live_mode):
        return None, "is off"
    from protection.blockchain.ledger import Ledger  # a backtest without one need not wait for it

    place = audit
    if audit in ("on", "auto"):
        space = "live" if algorithm.live_mode else "backtest"
        probe = str(algorithm.object_store.get_file_path("protection/_probe"))
        place = os.path.join(os.path.dirname(probe), "audit-" + space)
    if not algorithm.live_mode:
        return Ledger(place, group=True, stall=600.0), f"is kept in {place}"
    try:
        return Ledger(place), f"is kept in {place}"
    except (OSError, RetryWrite) as error:
        if audit != "auto" or os.path.isdir(place):
            raise
        return None, f"is off (no folder of our own: {error})"


def make_store(algorithm: QCAlgorithm, state: str) -> tuple[StateStore | None, str]:
    """Return where state is kept, and a sentence about it.

    Locally that is a folder of our own, with forced writes, beside the files of the Object Store;
    in QuantConnect's cloud the Object Store itself.

    Raises
    ------
    FixSettings
        For an unknown kind of state, and for ``memory`` live: a restart would forget a kill.
    RetryWrite
        When there is a folder of our own, but it cannot be used: a kill may lie in it.
    """
    if state not in ("auto", "keep", "memory"):
        raise FixSettings(f"expected state to be auto, keep or memory, was {state!r}")
    if state == "memory" and algorithm.live_mode:
        raise FixSettings("expected state to be auto or keep in live trading, was 'memory'")
    if state == "memory" or (state == "auto" and not algorithm.live_mode):
        return None, "is kept for this run only"
    space = "live" if algorithm.live_mode else "backtest"
    try:
        probe = str(algorithm.object_store.get_file_path("protection/_probe"))
        folder = os.path.join(os.path.dirname(probe), "state-" + space)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        return FileStateStore(folder), f"is kept in {folder}"
    except (OSError, RetryWrite) as error:
        if os.path.isdir(folder):
            raise
        entries = ObjectStateStore(algorithm.object_store, f"protection-{space}-")
        store = ChunkedStateStore(entries)
        return store, f"is kept in the Object Store (no folder of our own: {error})"
