"""Immutable records that travel between the stages.

Records carry what the host says, unchecked: a price may be NaN or a time may lie in the future.
Judging that is the work of the stages (unknown input denies adding and allows reducing), so that
a bad value can never turn into an exception inside a callback of the host.

Times are timezone-aware UTC. Quantities are signed: buys positive, sells negative. ``multiplier``
turns quantity times price into account currency (contract multiplier times exchange rate).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import Enum
from typing import TypeAlias

from protection.contracts.actions import nothing
from protection.contracts.quick import maker, quick

OrderId: TypeAlias = int | str


@quick
@dataclass(frozen=True, slots=True)
class Bar:
    """Open, high, low, close of one period that ended at ``time``."""

    symbol: str
    time: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float = 0.0
    period: timedelta = timedelta(days=1)
    filled_forward: bool = False


@dataclass(frozen=True, slots=True)
class Quote:
    """Best bid and ask."""

    symbol: str
    time: datetime
    bid: float
    ask: float
    bid_size: float = 0.0
    ask_size: float = 0.0


@dataclass(frozen=True, slots=True)
class Trade:
    """One print of the tape."""

    symbol: str
    time: datetime
    price: float
    size: float = 0.0


@dataclass(frozen=True, slots=True)
class Statistic:
    """A figure computed elsewhere that a gauge watches.

    Attributes
    ----------
    symbol : scope: a symbol, ``portfolio``, ``strategy:NAME``, ``venue:NAME`` or ``model:NAME``
    time : moment the figure describes
    name : the statistic, as the gauge's setting is called: ``vpin``, ``kl``, ``slippage``
    value : in the unit of the setting; not finite counts as tripped
    until : when the next figure can come at all, where its source rests meanwhile (the exchange is
        closed); before that its absence is no fault. At most a week after ``time``.
    """

    symbol: str
    time: datetime
    name: str
    value: float
    until: datetime | None = None


Price: TypeAlias = Bar | Quote | Trade
Observation: TypeAlias = Bar | Quote | Trade | Statistic


@quick
@dataclass(frozen=True, slots=True)
class Admission:
    """Answer to an observation: whether it was taken in, why not, and with what weight."""

    accepted: bool
    reason: str = ""
    weight: float = 1.0


_RESTING = frozenset(
    {"limit", "stop", "stop_limit", "trailing_stop", "limit_if_touched", "combo_limit"}
)


class OrderKind(Enum):
    """Kinds of orders, as far as risk tells them apart."""

    __hash__ = object.__hash__  # each member is one object; Enum's own is a Python function

    MARKET = "market"
    MARKET_ON_OPEN = "market_on_open"
    MARKET_ON_CLOSE = "market_on_close"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TRAILING_STOP = "trailing_stop"
    LIMIT_IF_TOUCHED = "limit_if_touched"
    COMBO_MARKET = "combo_market"
    COMBO_LIMIT = "combo_limit"
    OPTION_EXERCISE = "option_exercise"

    resting: bool
    """Whether such an order waits in the book for a price, possibly for ever."""

    def __init__(self, word: str) -> None:
        # a plain attribute: the gate reads it for every open order
        self.resting = word in _RESTING


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg of a combination: symbol and signed quantity."""

    symbol: str
    quantity: float


@quick
@dataclass(frozen=True, slots=True)
class OrderRequest:
    """An order, or the change of one, that asks to pass.

    Attributes
    ----------
    order_id : the host's id; the order may already stand among the open orders under it
    symbol, quantity : what is asked, signed; for an update the new total quantity
    reference_price, reference_time : last price of the symbol (of the underlying for an exercise)
        and its time; a missing, non-finite or stale reference denies adding
    multiplier : account currency per unit of price and quantity
    group, legs : combination the order belongs to, and all its legs where the host knows them
    underlying, underlying_quantity : for OPTION_EXERCISE what the exercise delivers, signed
    is_update : the order exists and asks for another quantity
    filled : signed quantity of this order that has been filled already (updates)
    """

    order_id: OrderId
    symbol: str
    quantity: float
    kind: OrderKind = OrderKind.MARKET
    time: datetime | None = None
    reference_price: float | None = None
    reference_time: datetime | None = None
    multiplier: float = 1.0
    limit_price: float | None = None
    stop_price: float | None = None
    group: OrderId | None = None
    legs: tuple[Leg, ...] = ()
    underlying: str | None = None
    underlying_quantity: float | None = None
    is_update: bool = False
    filled: float = 0.0
    strategy: str = ""
    tag: str = ""


@quick
@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order that may still fill; ``quantity`` is the signed remainder."""

    order_id: OrderId
    symbol: str
    quantity: float
    kind: OrderKind = OrderKind.MARKET
    price: float | None = None
    multiplier: float = 1.0
    group: OrderId | None = None


@quick
@dataclass(frozen=True, slots=True)
class Position:
    """A holding: signed quantity, average entry price, last price."""

    symbol: str
    quantity: float
    average_price: float
    price: float
    multiplier: float = 1.0

    @property
    def value(self) -> float:
        """Signed market value in account currency."""
        return self.quantity * self.price * self.multiplier


@quick
@dataclass(frozen=True, slots=True)
class Portfolio:
    """The account at one moment.

    Attributes
    ----------
    time : moment of the snapshot, aware UTC
    equity : net liquidation value in account currency
    positions : by symbol; flat symbols may be left out
    open_orders : everything that may still fill, orders of other programs included
    session : trading day; None lets the system derive it from ``time`` and its time zone
    """

    time: datetime
    equity: float
    positions: Mapping[str, Position] = field(default_factory=nothing)
    open_orders: tuple[OpenOrder, ...] = ()
    cash: float = 0.0
    session: date | None = None


class OrderStatus(Enum):
    """Life of an order as its events tell it."""

    __hash__ = object.__hash__  # as of OrderKind

    NEW = "new"
    SUBMITTED = "submitted"
    UPDATED = "updated"
    PARTIALLY_FILLED = "partially_filled"
    CANCEL_PENDING = "cancel_pending"
    FILLED = "filled"
    CANCELED = "canceled"
    INVALID = "invalid"

    @property
    def terminal(self) -> bool:
        """Whether nothing of the order can be working any more."""
        return self in _TERMINAL


_TERMINAL = frozenset({OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.INVALID})


@quick
@dataclass(frozen=True, slots=True)
class OrderEvent:
    """News about one order; may come late, twice, or out of order.

    Attributes
    ----------
    fill_quantity : signed increment of this very event, 0 when it carries no fill
    quantity : signed total size of the order where the event tells it (updates)
    filled_total : signed cumulative fill where the event tells it
    event_id : makes duplicates recognisable; without it the content does
    fee : what this fill cost in account currency, where the event tells it
    """

    order_id: OrderId
    symbol: str
    status: OrderStatus
    time: datetime
    fill_quantity: float = 0.0
    fill_price: float = 0.0
    quantity: float | None = None
    filled_total: float | None = None
    event_id: int | str | None = None
    fee: float = 0.0


@dataclass(frozen=True, slots=True)
class Fill:
    """An execution, for hosts that report fills apart from order events."""

    order_id: OrderId
    symbol: str
    time: datetime
    quantity: float
    price: float
    fee: float = 0.0
    fill_id: int | str | None = None


class BrokerStatus(Enum):
    """State of the link to the broker."""

    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class BrokerEvent:
    """News about the link to the broker."""

    time: datetime
    status: BrokerStatus
    message: str = ""


@dataclass(frozen=True, slots=True)
class CashFlow:
    """Money put in (positive) or taken out (negative); no gain and no loss."""

    time: datetime
    amount: float


# what hosts make at every step and order, see :func:`protection.contracts.quick.maker`
make_bar = maker(Bar)
make_event = maker(OrderEvent)
make_open_order = maker(OpenOrder)
make_portfolio = maker(Portfolio)
make_position = maker(Position)
make_request = maker(OrderRequest)
