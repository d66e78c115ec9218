"""What the broker knows of an account: it survives the death of the process."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from engine.livelike.broker import LiveBrokerage, Working
from engine.orders.status import FILLS
from engine.types.bars import TradeBar
from engine.types.decimals import ZERO
from engine.types.enums import OrderStatus, SecurityType

_MOVES_BASE = (SecurityType.CRYPTO, SecurityType.FOREX)


@dataclass(frozen=True, slots=True)
class Account:
    """Cash by currency, positions as (quantity, average price, price), and open orders."""

    cash: dict[str, Decimal] = field(default_factory=dict)
    positions: dict[Any, tuple[Decimal, Decimal, float]] = field(default_factory=dict)
    orders: tuple[Any, ...] = ()

    @staticmethod
    def of(algorithm: Any, brokerage: LiveBrokerage) -> Account:
        """Read an account at the end of a life.

        The books of the algorithm, and the fills of which it has not heard yet.
        """
        portfolio = algorithm.portfolio
        cash = {name: held._amount for name, held in portfolio.cash_book.items()}
        for name, held in portfolio.unsettled_cash_book.items():
            cash[name] = cash.get(name, ZERO) + held._amount
        for events in brokerage.travelling.values():
            for event in events:
                if event.status in FILLS:
                    _pay(algorithm, cash, event)
        positions = {}
        for symbol, quantity in brokerage.positions.items():
            security = algorithm.securities[symbol]
            average = security.holdings._average_price or security._price
            if quantity:
                positions[symbol] = (quantity, average, security.price)
        orders = []
        for number in sorted(brokerage.working):
            known = brokerage.working[number]
            order = known.order.clone()
            order.quantity = known.rest
            orders.append(order)
        return Account(cash, positions, tuple(orders))

    def give_back(self, algorithm: Any, brokerage: LiveBrokerage) -> None:
        """Load the account into a new life: after ``initialize``, without events and gate calls."""
        for currency, amount in self.cash.items():
            if amount or currency == algorithm.account_currency:
                algorithm.portfolio.set_cash(currency, amount, 0)
        for order in self.orders:
            self._security(algorithm, order.symbol)
            twin = order.clone()
            twin._id = 0
            twin.status = OrderStatus.SUBMITTED
            brokerage._handler.add_open_order(twin)
            mine = twin.clone()
            brokerage.working[twin.id] = Working(mine)
        for symbol, (quantity, average, price) in self.positions.items():
            security = self._security(algorithm, symbol)
            security.holdings.set_holdings(average, quantity)
            local = security.local_time
            security.set_market_price(TradeBar(local, symbol, price, price, price, price, 0))
            brokerage.positions[symbol] = quantity

    @staticmethod
    def _security(algorithm: Any, symbol: Any) -> Any:
        found = algorithm.securities.get(symbol)
        return algorithm.add_security(symbol) if found is None else found


def _pay(algorithm: Any, cash: dict[str, Decimal], event: Any) -> None:
    """Book the money of a fill that is still on its way."""
    security = algorithm.securities[event.symbol]
    quote = security.quote_currency.symbol
    multiplier = security.symbol_properties._contract_multiplier
    value = event._fill_quantity * event._fill_price * multiplier
    cash[quote] = cash.get(quote, ZERO) - value
    if security.type in _MOVES_BASE:
        base = security.base_currency.symbol
        cash[base] = cash.get(base, ZERO) + event._fill_quantity
    fee = event.order_fee.value
    if fee._amount:
        cash[fee.currency] = cash.get(fee.currency, ZERO) - fee._amount
