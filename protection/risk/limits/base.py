"""What a limit of the order gate is asked, and how it answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from protection.contracts.records import Portfolio
from protection.risk.orders import Pending

if TYPE_CHECKING:
    from protection.risk.limits.book import Book


@dataclass(slots=True)
class Candidate:
    """An order that adds exposure and has passed the gate's own limits.

    Attributes
    ----------
    symbol, quantity : what would be traded, signed
    unit : account currency per unit of quantity, at the reference price; above 0
    portfolio : the account
    pending : everything else that may still fill: open, sent, and let through a moment ago
    scale : share of the size that the verdict in force allows, in (0, 1]
    price_of : last known price of a symbol, or None
    book : values of the account, filled in by the gate or the first limit that needs them
    """

    symbol: str
    quantity: float
    unit: float
    portfolio: Portfolio
    pending: Sequence[Pending]
    scale: float
    price_of: Callable[[str], float | None]
    book: Book | str | None = None


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a limit refuses an order.

    Attributes
    ----------
    guard : name of the limit
    text : one sentence
    max_quantity : signed quantity that would have passed
    """

    guard: str
    text: str
    max_quantity: float


class OrderLimit(Protocol):
    """A limit that the gate asks after its own, under its lock; it must not send orders."""

    def object(self, candidate: Candidate) -> Objection | None:
        """Why the order may not pass, or None."""
        ...

    def describe(self) -> str:
        """One line on what the limit will do."""
        ...
