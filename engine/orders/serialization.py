"""JSON of orders and order events, and the hash of an order list.

The members stand in the order in which LEAN writes them (those of the kind first); numbers keep
.NET's scale, because ``OrderListHash`` is the MD5 of exactly this text.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from functools import cache, lru_cache
from json.encoder import encode_basestring
from typing import Any

from engine.orders.exact import smart_rounding
from engine.orders.properties import OrderProperties
from engine.orders.time_in_force import GoodTilCanceledTimeInForce
from engine.types.decimals import json_number, normalize
from engine.types.enums import OrderType
from engine.types.symbol import Symbol
from engine.types.timezones import to_micro

_KIND_MEMBERS: dict[OrderType, tuple[str, ...]] = {
    OrderType.MARKET: ("type",),
    OrderType.MARKET_ON_OPEN: ("type",),
    OrderType.MARKET_ON_CLOSE: ("type",),
    OrderType.LIMIT: ("limit_price", "type"),
    OrderType.STOP_MARKET: ("stop_price", "type"),
    OrderType.STOP_LIMIT: ("stop_price", "stop_triggered", "limit_price", "type"),
    OrderType.LIMIT_IF_TOUCHED: ("type", "trigger_price", "limit_price", "trigger_touched"),
    OrderType.TRAILING_STOP: ("trailing_amount", "trailing_as_percentage", "type", "stop_price"),
    # the legs of a combo have a quantity of their own, so it stands with the members of the kind
    OrderType.COMBO_MARKET: ("type", "quantity"),
    OrderType.COMBO_LIMIT: ("type", "quantity"),
    OrderType.COMBO_LEG_LIMIT: ("type", "limit_price", "quantity"),
}


class _Token(float):
    """A number printed by its own text."""

    _text: str

    def __new__(cls, text: str) -> _Token:
        token = super().__new__(cls, text)
        token._text = text
        return token

    def __repr__(self) -> str:
        return self._text


class _Raw(str):
    """JSON that is there already."""

    __slots__ = ()


def symbol_json(symbol: Symbol) -> dict[str, Any]:
    """Return a symbol as LEAN writes it, its underlying inside."""
    out: dict[str, Any] = {
        "value": symbol.value,
        "id": str(symbol.id),
        "permtick": symbol.value,
    }
    if symbol.underlying is not None:
        out["underlying"] = symbol_json(symbol.underlying)
    return out


def number(value: Decimal) -> float:
    """Wrap a decimal so that :func:`dump` prints its exact digits."""
    return _Token(json_number(value))


def plain_number(value: Decimal) -> float:
    """Return the float of the digits that :func:`number` prints: there is no negative zero."""
    return float(value) + 0.0


def _text_of(value: Decimal) -> str:
    return _Raw(json_number(value))


def _symbol_text(symbol: Symbol) -> str:
    # symbols under two tickers are equal
    key = symbol.id._text, symbol.value
    text = _SYMBOLS.get(key)
    if text is None:
        text = _SYMBOLS[key] = _Raw(dump(symbol_json(symbol)))
    return text


_SYMBOLS: dict[tuple[str, str], str] = {}


@lru_cache(maxsize=1 << 14)  # several orders have one time, and every order several texts
def time_text(moment: datetime, utc: bool = True, ticks: int = 0) -> str:
    """Print a naive time as .NET's JSON does: fractions without trailing zeros.

    ``ticks`` are .NET's 100 nanoseconds below a microsecond.
    """
    if moment.microsecond or ticks:
        text = moment.isoformat(timespec="seconds")
        text += f".{moment.microsecond:06d}{ticks}".rstrip("0")
    else:
        text = moment.isoformat()
    return text + "Z" if utc else text


def dump(value: Any) -> str:
    """Print compact JSON, decimals by their exact digits."""
    return _write(value)


def _write(value: Any) -> str:
    # what orders consist of mostly, before the questions that take longer
    kind = type(value)
    if kind is str:
        return encode_basestring(value)
    if kind is _Raw:
        written: str = value
        return written
    if kind is _Token:
        text: str = value._text
        return text
    if kind is int:
        return str(value)
    if isinstance(value, dict):
        members = [
            _key(k) + (v if type(v) is _Raw else _write(v))  # most of an order's
            for k, v in value.items()
        ]
        return "{" + ",".join(members) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(_write, value)) + "]"
    if isinstance(value, Decimal):
        return json_number(value)
    return json.dumps(value, ensure_ascii=False)


@cache
def _key(name: Any) -> str:
    return json.dumps(name) + ":"


@cache
def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


# members of two enumerations may be equal
@lru_cache(maxsize=None, typed=True)
def lower_camel(member: Any) -> str:
    """Return the name of an enumeration's member as result files have it: ``partiallyFilled``."""
    return _camel(member.name.lower())


_QUANTITY_ALONE = ("type",)
_PLAIN = '{"timeInForce":{}}'
#: times that an order may have: slots and members
MOMENTS = (
    ("_last_fill_time", "lastFillTime"),
    ("_last_update_time", "lastUpdateTime"),
    ("_canceled_time", "canceledTime"),
)


def order_json(order: Any, rounded: bool = False) -> dict[str, Any]:
    """Return the JSON members of an order; with ``rounded`` as the hash wants it.

    Numbers keep their digits only for :func:`dump`.
    """
    # the hash needs the text only
    return _members(order, _text_of if rounded else number, rounded)


def order_record(order: Any) -> dict[str, Any]:
    """Return the JSON members of an order as result files hold them."""
    return _members(order, plain_number, False)


def _members(order: Any, shown: Callable[[Decimal], Any], rounded: bool) -> dict[str, Any]:
    out: dict[str, Any] = {}
    kind = order.type
    for name in _KIND_MEMBERS[kind]:
        if name == "type":
            out["type"] = int(kind)
        elif name in ("stop_triggered", "trigger_touched", "trailing_as_percentage"):
            out[_camel(name)] = getattr(order, name)
        elif name == "quantity" or kind is OrderType.COMBO_LEG_LIMIT:
            out[_camel(name)] = shown(getattr(order, "_" + name))
        else:
            value = getattr(order, "_" + name)
            out[_camel(name)] = shown(smart_rounding(value) if rounded else value)
    filled = normalize(smart_rounding(order._price)) if rounded else order._price
    # LEAN rounds the limit in place before it looks whether the order could fill at once
    limit = smart_rounding(order._limit_price) if rounded and kind is OrderType.LIMIT else None
    symbol, data, group = order.symbol, order.order_submission_data, order.group_order_manager
    out["id"] = order._id
    out["contingentId"] = order.contingent_id
    out["brokerId"] = list(order.broker_id)
    out["symbol"] = _symbol_text(symbol) if rounded else symbol_json(symbol)
    out["price"] = shown(filled)
    out["priceCurrency"] = order.price_currency
    out["time"] = out["createdTime"] = time_text(order._time, ticks=order._time_ticks)
    for slot, name in MOMENTS:
        moment = getattr(order, slot)
        if moment is not None:
            out[name] = time_text(moment)
    if "quantity" not in out:
        out["quantity"] = shown(order._quantity)
    out["status"] = int(order.status)
    if order.tag is not None:
        out["tag"] = order.tag
    out["properties"] = order.properties._json(rounded)
    out["securityType"] = int(order.security_type)
    out["direction"] = int(order.direction)
    out["value"] = shown(order._quantity * filled)
    if data is None:
        out["orderSubmissionData"] = None
    else:
        last, bid, ask = data._last_price, data._bid_price, data._ask_price
        text = shown(last)
        out["orderSubmissionData"] = {
            "bidPrice": text if bid is last else shown(bid),
            "askPrice": text if ask is last else shown(ask),
            "lastPrice": text,
        }
    out["isMarketable"] = (
        order._is_marketable_at(limit) if limit is not None else (order.is_marketable)
    )
    if group is not None:
        out["groupOrderManager"] = group._json()
    out["priceAdjustmentMode"] = int(order.price_adjustment_mode)
    return out


def only_quantity(order: Any) -> bool:
    """Tell whether an order has a quantity and no members of its kind, as most have."""
    return _KIND_MEMBERS[order.type] == _QUANTITY_ALONE and order.group_order_manager is None


def asks_nothing(properties: Any) -> bool:
    """Tell whether the JSON of properties is ``{"timeInForce": {}}``, seen without it, as for most
    orders.
    """
    return (
        type(properties) is OrderProperties
        and type(properties.time_in_force) is GoodTilCanceledTimeInForce
        and properties.exchange is None
    )


def hashed_text(order: Any) -> str:
    """Return ``dump(order_json(order, rounded=True))``; quick for orders with a quantity alone."""
    if not only_quantity(order):
        return dump(order_json(order, rounded=True))
    kind = order.type
    filled = normalize(smart_rounding(order._price))
    data, written, contingent = order.order_submission_data, json_number, order.contingent_id
    moment = time_text(order._time, ticks=order._time_ticks)
    brokers = ",".join([_write(name) for name in order.broker_id])
    text = (
        f'{{"type":{int(kind)},"id":{order._id},'
        f'"contingentId":{contingent if type(contingent) is int else _write(contingent)},'
        f'"brokerId":[{brokers}],"symbol":{_symbol_text(order.symbol)},'
        f'"price":{written(filled)},"priceCurrency":{_write(order.price_currency)},'
        f'"time":"{moment}","createdTime":"{moment}",'
    )
    for slot, name in MOMENTS:
        moment_of = getattr(order, slot)
        if moment_of is not None:
            text += f'"{name}":"{time_text(moment_of)}",'
    text += f'"quantity":{written(order._quantity)},"status":{int(order.status)},'
    if order.tag is not None:
        text += f'"tag":{_write(order.tag)},'
    properties = order.properties
    text += (
        f'"properties":{_PLAIN if asks_nothing(properties) else _write(properties._json(True))},'
        f'"securityType":{int(order.security_type)},"direction":{int(order.direction)},'
        f'"value":{written(order._quantity * filled)},"orderSubmissionData":'
    )
    if data is None:
        text += "null"
    else:
        last, bid, ask = data._last_price, data._bid_price, data._ask_price
        shown = written(last)
        text += (
            f'{{"bidPrice":{shown if bid is last else written(bid)},'
            f'"askPrice":{shown if ask is last else written(ask)},"lastPrice":{shown}}}'
        )
    marketable = "true" if order.is_marketable else "false"
    return (
        f'{text},"isMarketable":{marketable},'
        f'"priceAdjustmentMode":{int(order.price_adjustment_mode)}}}'
    )


def order_list_hash(orders: Iterable[Any]) -> str:
    """Return LEAN's ``OrderListHash``: MD5 of the orders' JSON in the order of their ids.

    >>> order_list_hash([])
    'd41d8cd98f00b204e9800998ecf8427e'
    """
    ordered = sorted(orders, key=lambda order: order.id)
    text = ",".join([hashed_text(order) for order in ordered])
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def order_event_json(
    event: Any, algorithm_id: str, shown: Callable[[Decimal], float] = number
) -> dict[str, Any]:
    """Return the JSON members of an order event as result files hold them.

    Numbers keep their digits for :func:`dump`; with ``plain_number`` they are floats and no more.
    """
    symbol, fee = event.symbol, event.order_fee.value
    out: dict[str, Any] = {
        "id": f"{algorithm_id}-{event.order_id}-{event.id}",
        "algorithmId": algorithm_id,
        "orderId": event.order_id,
        "orderEventId": event.id,
        "symbol": str(symbol.id),
        "symbolValue": symbol.value,
        "symbolPermtick": symbol.id.symbol,
        "time": to_micro(event._utc_time) / 1e6,
        "status": lower_camel(event.status),
    }
    if fee.currency != "QCC":
        out["orderFeeAmount"] = shown(fee._amount)
        out["orderFeeCurrency"] = fee.currency
    out["fillPrice"] = shown(event._fill_price)
    out["fillPriceCurrency"] = event.fill_price_currency
    out["fillQuantity"] = shown(event._fill_quantity)
    out["direction"] = lower_camel(event.direction)
    if event.message:
        out["message"] = event.message
    out["isAssignment"] = event.is_assignment
    out["quantity"] = shown(event._quantity)
    if event._stop_price is not None:
        out["stopPrice"] = shown(event._stop_price)
    if event._limit_price is not None:
        out["limitPrice"] = shown(event._limit_price)
    if event.is_in_the_money:
        out["isInTheMoney"] = True
    return out
