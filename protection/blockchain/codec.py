"""Records of the contracts as plain data and back, for the ledger.

Fields that hold their default are left out. Times are UTC text, enums their values, floats that
are no numbers are text that ``float()`` reads. What is decoded equals what was encoded as far as
the contracts' types were kept; a host that hands in other things gets their ``repr`` recorded.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any

from protection.blockchain.canonical import SAFE, utc_text
from protection.contracts.actions import Verdict
from protection.contracts.errors import FixInput
from protection.contracts.passage import Passage
from protection.contracts.records import (
    Bar,
    BrokerEvent,
    BrokerStatus,
    CashFlow,
    Fill,
    Leg,
    OpenOrder,
    OrderEvent,
    OrderKind,
    OrderRequest,
    OrderStatus,
    Portfolio,
    Position,
    Quote,
    Statistic,
    Trade,
)

_MISSING = dataclasses.MISSING
OBSERVATIONS = {"bar": Bar, "quote": Quote, "trade": Trade, "statistic": Statistic}
_KINDS = {kind: name for name, kind in OBSERVATIONS.items()}


def _layout(kind: type) -> tuple[tuple[str, Any], ...]:
    return tuple(
        (
            field.name,
            field.default
            if field.default is not _MISSING
            else field.default_factory()
            if field.default_factory is not _MISSING
            else _MISSING,
        )
        for field in dataclasses.fields(kind)
    )


_LAYOUTS = {
    kind: _layout(kind)
    for kind in (
        Bar,
        Quote,
        Trade,
        Statistic,
        OrderRequest,
        OrderEvent,
        Fill,
        BrokerEvent,
        CashFlow,
        Verdict,
    )
}


_ASKED = frozenset({"order_id", "symbol", "quantity", "kind", "is_update"})
_REQUEST = tuple(item for item in _LAYOUTS[OrderRequest] if item[0] not in _ASKED)


def fields_of(record: Any) -> dict[str, Any]:
    """Fields of a record that are not at their default."""
    layout = _LAYOUTS.get(type(record))
    if layout is None:
        return {"repr": repr(record)[:2000]}
    return _fields(record, layout)


def passage_fields(passage: Passage) -> dict[str, Any]:
    """How the door answered, as it stands in an entry."""
    out: dict[str, Any] = {"source": passage.source}
    if passage.cause:
        out |= {"cause": passage.cause, "reason": passage.reason}
    if not passage.genuine:
        out["genuine"] = False
    if passage.weight != 1.0:
        out["weight"] = passage.weight
    if passage.released:
        out["released"] = [
            {"kind": _KINDS[type(each)], "record": fields_of(each)} for each in passage.released
        ]
    return out


def passage_of(fields: Mapping[str, Any]) -> Passage:
    """The answer of :func:`passage_fields`.

    Raises
    ------
    FixInput
        When a record in it cannot be read.
    """
    known = dict(fields)
    known["released"] = tuple(
        record_of(OBSERVATIONS[each["kind"]], each["record"]) for each in known.get("released", ())
    )
    return Passage(**known)


def request_fields(order: OrderRequest) -> dict[str, Any]:
    """Fields of an order beyond the five that its entry names."""
    return _fields(order, _REQUEST)


def _fields(record: Any, layout: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, default in layout:
        value = getattr(record, name)
        if value is default:
            continue
        kind = type(value)
        if kind is float or kind is str or kind is int:
            if value != default:
                out[name] = value
        elif kind is datetime:
            out[name] = utc_text(value) if value.tzinfo is not None else value.isoformat()
        elif value != default:
            out[name] = plain(value)
    return out


def plain(value: Any) -> Any:
    """Plain data of anything: what has no JSON form becomes text."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is datetime:
        return utc_text(value) if value.tzinfo is not None else value.isoformat()
    if kind is float:
        return value if math.isfinite(value) else _not_finite(value)
    if kind is int:
        return value if -SAFE <= value <= SAFE else str(value)
    if isinstance(value, datetime):
        return utc_text(value) if value.tzinfo is not None else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, Leg):
        return [value.symbol, plain(value.quantity)]
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(map(str, value))
    try:
        return plain(float(value))
    except (TypeError, ValueError):
        return repr(value)[:2000]


def _not_finite(value: float) -> str:
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"


def verdict_fields(verdict: Verdict, said: bool = False) -> dict[str, Any]:
    """Plain data of a verdict; without what an order's entry says itself when ``said``."""
    out: dict[str, Any] = {}
    if not said:
        out["state"], out["allowed"] = verdict.state.name, verdict.allowed
        if verdict.reason:
            out["reason"] = verdict.reason
        if verdict.cancel:
            out["cancel"] = plain(verdict.cancel)
    if verdict.scope != "portfolio":
        out["scope"] = verdict.scope
    if verdict.until is not None:
        out["until"] = plain(verdict.until)
    if verdict.multiplier != 1.0:
        out["multiplier"] = plain(verdict.multiplier)
    if verdict.max_quantity is not None:
        out["max_quantity"] = plain(verdict.max_quantity)
    if verdict.evidence:
        out["evidence"] = plain(verdict.evidence)
    if verdict.reasons:
        out["reasons"] = [
            [reason.guard, reason.action.name, reason.text, plain(reason.until)]
            for reason in verdict.reasons
        ]
    if verdict.by_symbol:
        out["by_symbol"] = {name: worse.state.name for name, worse in verdict.by_symbol.items()}
    return out


class PortfolioWriter:
    """Portfolios as plain data; a snapshot that was written already is only pointed at."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: Portfolio | None = None

    def write(self, portfolio: Portfolio) -> dict[str, Any] | None:
        """Fields of a snapshot; None when it is the last one, ``positions`` None when they are."""
        last = self._last
        if portfolio is last:
            return None
        self._last = portfolio
        positions = portfolio.positions
        same = last is not None and positions is last.positions
        out: dict[str, Any] = {
            "time": plain(portfolio.time),
            "equity": plain(portfolio.equity),
            "cash": plain(portfolio.cash),
            "positions": None if same else {str(s): _position(p) for s, p in positions.items()},
        }
        if portfolio.session is not None:
            out["session"] = plain(portfolio.session)
        if portfolio.open_orders:
            out["open_orders"] = [_open_order(order) for order in portfolio.open_orders]
        return out


def _position(position: Any) -> Any:
    if type(position) is not Position:
        return plain(position)
    values = [position.quantity, position.average_price, position.price, position.multiplier]
    return values if math.isfinite(math.fsum(values)) else [plain(value) for value in values]


def _open_order(order: Any) -> Any:
    if type(order) is not OpenOrder:
        return plain(order)
    return [
        plain(order.order_id),
        order.symbol,
        plain(order.quantity),
        order.kind.value,
        plain(order.price),
        plain(order.multiplier),
        plain(order.group),
    ]


class PortfolioReader:
    """The other direction of :class:`PortfolioWriter`, with the same object for the same one."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: Portfolio | None = None

    def read(self, values: Mapping[str, Any] | None) -> Portfolio:
        """Snapshot of its fields.

        Raises
        ------
        FixInput
            When a snapshot is pointed at that was never written.
        """
        last = self._last
        if values is None:
            if last is None:
                raise FixInput("expected a portfolio, was a reference without one before it")
            return last
        positions: Mapping[str, Position]
        if values["positions"] is None:
            if last is None:
                raise FixInput("expected positions, was a reference without any before it")
            positions = last.positions
        else:
            positions = {
                symbol: Position(symbol, *(float(value) for value in row))
                for symbol, row in values["positions"].items()
            }
        session = values.get("session")
        portfolio = Portfolio(
            datetime.fromisoformat(values["time"]),
            float(values["equity"]),
            positions,
            tuple(
                OpenOrder(
                    row[0],
                    row[1],
                    float(row[2]),
                    OrderKind(row[3]),
                    None if row[4] is None else float(row[4]),
                    float(row[5]),
                    row[6],
                )
                for row in values.get("open_orders", ())
            ),
            float(values["cash"]),
            None if session is None else date.fromisoformat(session),
        )
        self._last = portfolio
        return portfolio


def _number(value: Any) -> float:
    return float(value)


_READERS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(
        ("time", "reference_time", "until"), lambda value: datetime.fromisoformat(value)
    ),
    **dict.fromkeys(
        (
            *("open", "high", "low", "close", "volume", "bid", "ask", "bid_size", "ask_size"),
            *("price", "size", "quantity", "reference_price", "multiplier", "limit_price"),
            *("stop_price", "underlying_quantity", "filled", "fill_quantity", "fill_price"),
            *("filled_total", "fee", "amount", "value"),
        ),
        _number,
    ),
    "period": lambda value: timedelta(seconds=value),
    "legs": lambda value: tuple(Leg(symbol, float(quantity)) for symbol, quantity in value),
}


def record_of(kind: type, values: Mapping[str, Any]) -> Any:
    """Record of a contract from its fields.

    Raises
    ------
    FixInput
        When the fields are no such record.
    """
    known = dict(values)
    out: dict[str, Any] = {}
    try:
        for name, value in known.items():
            if name == "kind":
                out[name] = OrderKind(value)
            elif name == "status":
                out[name] = BrokerStatus(value) if kind is BrokerEvent else OrderStatus(value)
            elif value is not None and name in _READERS:
                out[name] = _READERS[name](value)
            else:
                out[name] = value
        return kind(**out)
    except (TypeError, ValueError) as error:
        raise FixInput(f"expected the fields of a {kind.__name__}, was {known!r}: {error}") from (
            error
        )
