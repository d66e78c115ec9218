"""Orders and order events as the text of result files.

Each is the JSON of its record (:func:`engine.orders.serialization.order_record`,
:func:`~engine.orders.serialization.order_event_json`), made without the record: a run has thousands
of both, and most have the same members.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from engine.orders.serialization import (
    MOMENTS,
    asks_nothing,
    lower_camel,
    only_quantity,
    order_event_json,
    order_record,
    plain_number,
    symbol_json,
    time_text,
)
from engine.types.jsontext import joined, json_text, number_text, seconds_text, value_text
from engine.types.symbol import Symbol


def orders_text(orders: Mapping[int, Any]) -> str:
    """Return the JSON of the orders' records by their numbers.

    Raises
    ------
    ValueError
        For a number that JSON does not know.
    """
    texts = [f'"{number}": {order_text(order)}' for number, order in orders.items()]
    return f"{{{', '.join(texts)}}}"


def order_text(order: Any) -> str:
    """Return the JSON of ``order_record(order)``."""
    number, contingent = order._id, order.contingent_id
    if not only_quantity(order) or type(number) is not int or type(contingent) is not int:
        return json_text(order_record(order))
    moment = time_text(order._time, ticks=order._time_ticks)
    price, quantity, data = order._price, order._quantity, order.order_submission_data
    text = (
        f'{{"type": {int(order.type)}, "id": {number}, "contingentId": {contingent}, '
        f'"brokerId": {joined(map(value_text, order.broker_id))}, '
        f'"symbol": {_symbol_text(order.symbol)}, "price": {_number(price)}, '
        f'"priceCurrency": {value_text(order.price_currency)}, '
        f'"time": "{moment}", "createdTime": "{moment}", '
    )
    for slot, name in MOMENTS:
        moment_of = getattr(order, slot)
        if moment_of is not None:
            text += f'"{name}": "{time_text(moment_of)}", '
    text += f'"quantity": {_number(quantity)}, "status": {int(order.status)}, '
    if order.tag is not None:
        text += f'"tag": {value_text(order.tag)}, '
    properties = order.properties
    shown = _NOTHING if asks_nothing(properties) else json_text(properties._json(False))
    text += (
        f'"properties": {shown}, '
        f'"securityType": {int(order.security_type)}, "direction": {int(order.direction)}, '
        f'"value": {_number(quantity * price)}, "orderSubmissionData": '
    )
    if data is None:
        text += "null"
    else:
        last, bid, ask = data._last_price, data._bid_price, data._ask_price
        shown = _number(last)
        text += (
            f'{{"bidPrice": {shown if bid is last else _number(bid)}, '
            f'"askPrice": {shown if ask is last else _number(ask)}, "lastPrice": {shown}}}'
        )
    return (
        f'{text}, "isMarketable": {value_text(order.is_marketable)}, '
        f'"priceAdjustmentMode": {int(order.price_adjustment_mode)}}}'
    )


_NOTHING = json_text({"timeInForce": {}})
_SYMBOLS: dict[tuple[str, str], str] = {}


def _symbol_text(symbol: Symbol) -> str:
    if symbol.underlying is not None:
        return json_text(symbol_json(symbol))
    # symbols under two tickers are equal
    key = symbol.id._text, symbol.value
    text = _SYMBOLS.get(key)
    if text is None:
        text = _SYMBOLS[key] = json_text(symbol_json(symbol))
    return text


def _number(value: Decimal) -> str:
    # there is no negative zero
    return number_text(value) if value else "0.0"


def events_text(events: Iterable[Any], algorithm_id: str) -> str:
    """Return the JSON of the list of ``order_event_json(event, algorithm_id, plain_number)``.

    Raises
    ------
    ValueError
        For a number that JSON does not know.
    """
    name = value_text(algorithm_id)
    head, own = f'{{"id": {name[:-1]}-', f'", "algorithmId": {name}, "orderId": '
    symbols: dict[tuple[str, str], str] = {}
    codes: dict[str | None, str] = {}  # of currencies
    texts = []
    for event in events:
        number, count, symbol = event.order_id, event.id, event.symbol
        if type(number) is not int or type(count) is not int:
            texts.append(json_text(order_event_json(event, algorithm_id, plain_number)))
            continue
        key = symbol.id._text, symbol.value
        names = symbols.get(key)
        if names is None:
            names = symbols[key] = (
                f'"symbol": {value_text(str(symbol.id))}, "symbolValue": {value_text(symbol.value)}'
                f', "symbolPermtick": {value_text(symbol.id.symbol)}'
            )
        fee, code = event.order_fee.value, event.fill_price_currency
        shown = codes.get(code)
        if shown is None:
            shown = codes[code] = value_text(code)
        text = (
            f"{head}{number}-{count}{own}{number}, "
            f'"orderEventId": {count}, {names}, "time": {seconds_text(event._utc_time)}, '
            f'"status": "{lower_camel(event.status)}", '
        )
        if fee.currency != "QCC":
            text += (
                f'"orderFeeAmount": {_number(fee._amount)}, '
                f'"orderFeeCurrency": {shown if fee.currency == code else value_text(fee.currency)}'
                ", "
            )
        text += (
            f'"fillPrice": {_number(event._fill_price)}, '
            f'"fillPriceCurrency": {shown}, '
            f'"fillQuantity": {_number(event._fill_quantity)}, '
            f'"direction": "{lower_camel(event.direction)}", '
        )
        if event.message:
            text += f'"message": {value_text(event.message)}, '
        text += (
            f'"isAssignment": {value_text(event.is_assignment)}, '
            f'"quantity": {_number(event._quantity)}'
        )
        if event._stop_price is not None:
            text += f', "stopPrice": {_number(event._stop_price)}'
        if event._limit_price is not None:
            text += f', "limitPrice": {_number(event._limit_price)}'
        if event.is_in_the_money:
            text += ', "isInTheMoney": true'
        texts.append(text + "}")
    return joined(texts)
