"""What a check of the order gate is asked, and how it answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from protection.contracts.records import OrderRequest, Portfolio
from protection.risk.orders import Pending


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an adding order may not pass, and the signed quantity that might."""

    guard: str
    text: str
    max_quantity: float


@dataclass(slots=True)
class Asked:
    """An order that adds, as the checks see it.

    Attributes
    ----------
    order, portfolio : the request and the account
    symbol, quantity : what changes, signed
    now : the snapshot's time
    price : reference price, above 0; 0 while the early checks run
    unit : account currency per unit of quantity; 0 while the early checks run
    own : everything else that may still fill in the symbol
    likeness : what makes it the same order as another one, once a check has asked
    """

    order: OrderRequest
    portfolio: Portfolio
    symbol: str
    quantity: float
    now: datetime
    price: float
    unit: float
    own: Sequence[Pending]
    likeness: tuple[Any, ...] | None = None

    def sized(self, size: float) -> float:
        """A size in the direction of the order."""
        return max(0.0, size) if self.quantity > 0.0 else -max(0.0, size)


Check: TypeAlias = Callable[[Asked], Refusal | None]
