"""Thins out hopeless orders: each refused order costs an id and a line, and a strategy may try
every minute.
"""

from __future__ import annotations

from AlgorithmImports import *

import types
from typing import TYPE_CHECKING, Any

from protection.contracts.actions import Action

if TYPE_CHECKING:
    from algorithm.protect import Protection


class Thinning:
    """Wraps the algorithm's own order methods.

    While adding is denied and one order of a symbol has been refused already, further adding orders
    of that symbol are answered with the refused ticket instead of being sent again. What reduces is
    never touched.
    """

    def __init__(self, protection: Protection) -> None:
        self.protection = protection
        self._refused: dict[tuple[Symbol, Action], int] = {}
        for name in ("market_order", "limit_order", "stop_market_order", "set_holdings"):
            self._wrap(name)

    def _wrap(self, name: str) -> None:
        algorithm = self.protection.algorithm
        original = getattr(algorithm, name)

        def thinned(_: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                ticket = self._known_refusal(name, args)
            except BaseException as error:  # then the gate judges it, as it does every order
                self.protection.counts["thinning_errors"] += 1
                self.protection.say(f"an order could not be looked at ({error!r})")
                ticket = None
            if ticket is None:
                return original(*args, **kwargs)
            self.protection.counts["thinned"] += 1
            return [ticket] if name == "set_holdings" else ticket

        setattr(algorithm, name, types.MethodType(thinned, algorithm))

    def refused(self, security: Security, order: Order) -> None:
        """Remember that the gate refused an order of this symbol in the present state."""
        standing = self._standing(security.symbol)
        if not standing.adding_allowed:
            self._refused[(security.symbol, standing)] = int(order.id)

    def _standing(self, symbol: Symbol) -> Action:
        protection = self.protection
        return protection.system.verdict.for_symbol(protection.bridge.key(symbol)).state

    def _known_refusal(self, name: str, args: tuple[Any, ...]) -> OrderTicket | None:
        if not self._refused or len(args) < 2 or not isinstance(args[1], (int, float)):
            return None
        algorithm = self.protection.algorithm
        symbol = args[0] if isinstance(args[0], Symbol) else None
        if symbol is None and isinstance(args[0], str):
            symbol = algorithm.symbol(args[0])
        if symbol is None:
            return None
        number = self._refused.get((symbol, self._standing(symbol)))
        if number is None:
            return None
        held = float(algorithm.portfolio[symbol].quantity)
        quantity = float(args[1])
        if name == "set_holdings":
            quantity = float(algorithm.calculate_order_quantity(symbol, quantity))
        if held * quantity < 0:
            return None
        return algorithm.transactions.get_order_ticket(number)
