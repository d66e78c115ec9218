"""Members that a selection dropped but that cannot go yet.

A position, an open order, a target, unsettled cash.
"""

from __future__ import annotations

from typing import Any

from engine.framework.target_collection import quantity_of
from engine.securities.native import method
from engine.universes.universe import Member, Universe


class PendingRemovals:
    """Keeps such members in their universes until they are free."""

    def __init__(self, transactions: Any) -> None:
        self._transactions = transactions
        self._pending: dict[Universe, list[Member]] = {}

    def _is_free(self, member: Member) -> bool:
        security = member.security
        target = security.holdings.target
        if (
            security.hold_stock
            or (target is not None and quantity_of(target))
            or self._transactions.get_open_orders(security.symbol)
        ):
            return False
        unsettled = method(security.settlement_model, "get_unsettled_cash")()
        return unsettled is None or not unsettled.amount > 0

    def try_remove(self, member: Member, universe: Universe) -> list[tuple[Universe, Any]]:
        """Return the member if it can go now; else remember it."""
        if self._is_free(member):
            return [(universe, member.security)]
        waiting = self._pending.setdefault(universe, [])
        if member not in waiting:
            waiting.append(member)
        return []

    def contains(self, security: Any, internal: bool) -> bool:
        """Tell whether some universe waits to let a security go."""
        return any(
            m.is_internal == internal and m.security.symbol == security.symbol
            for waiting in self._pending.values()
            for m in waiting
        )

    def check(self, current: Universe) -> list[tuple[Universe, Any]]:
        """Return what can go by now; forget what ``current`` selected again."""
        found: list[tuple[Universe, Any]] = []
        for universe, waiting in list(self._pending.items()):
            for member in list(waiting):
                free = self._is_free(member)
                again = universe is current and member.security.symbol in current.selected
                if free or again:
                    waiting.remove(member)
                    if free:
                        found.append((universe, member.security))
            if not waiting:
                del self._pending[universe]
        return found
