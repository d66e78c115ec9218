"""OrderListHash and the JSON of orders against recorded LEAN runs."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from engine.orders.properties import InteractiveBrokersOrderProperties, OrderProperties
from engine.orders.serialization import (
    asks_nothing,
    dump,
    hashed_text,
    order_json,
    order_list_hash,
    order_record,
)
from engine.orders.texts import order_text, orders_text
from engine.orders.time_in_force import TimeInForce
from engine.types.exchanges import Exchange
from engine.types.jsontext import json_text

sys.path.insert(0, str(Path(__file__).parent))
import golden


@pytest.mark.parametrize(
    "properties",
    [
        OrderProperties(),
        OrderProperties(Exchange.NASDAQ),
        InteractiveBrokersOrderProperties(),
        type("Own", (OrderProperties,), {})(),
    ],
)
@pytest.mark.parametrize(
    "time_in_force",
    [
        TimeInForce.GOOD_TIL_CANCELED,
        TimeInForce.DAY,
        TimeInForce.good_til_date(datetime(2020, 1, 2)),
    ],
)
def test_properties_ask_for_nothing_only_when_their_record_says_so(
    properties: OrderProperties, time_in_force: TimeInForce
) -> None:
    asked = properties.clone()
    asked.time_in_force = time_in_force
    if asks_nothing(asked):
        assert asked._json(True) == asked._json(False) == {"timeInForce": {}}
    plain = type(properties) is OrderProperties and properties.exchange is None
    assert asks_nothing(asked) == (plain and time_in_force is TimeInForce.GOOD_TIL_CANCELED)


def raw_orders(name: str) -> dict[str, str]:
    """Return the recorded text of every order of a run (one order stands on one line)."""
    found = {}
    inside = False
    for line in golden.path(name).read_text().splitlines():
        if line.startswith(' "orders"'):
            inside = True
        elif inside and line.startswith((" }", " ]")):
            break
        elif inside and line.startswith('  "'):
            key, _, text = line.strip().partition(": ")
            found[key.strip('"')] = text.rstrip(",")
    return found


@pytest.mark.parametrize("name", golden.names())
def test_the_hash_of_recorded_orders_is_the_one_lean_reported(name: str) -> None:
    run = golden.run(name)
    orders = [golden.order_of(values) for values in run["orders"].values()]

    assert order_list_hash(orders) == run["statistics"]["OrderListHash"]


@pytest.mark.parametrize(
    "name",
    ["05_order_types_minute.json", "07_crypto_cash.json", "24_renames_delistings@scene=gooav.json"],
)
def test_the_json_of_an_order_is_the_text_lean_wrote(name: str) -> None:
    run = golden.run(name)
    texts = raw_orders(name)

    assert texts, "expected one order a line in the recorded file"
    for key, values in run["orders"].items():
        assert dump(order_json(golden.order_of(values))) == texts[key]


@pytest.mark.parametrize("name", golden.names())
def test_the_record_of_an_order_has_the_numbers_of_its_text(name: str) -> None:
    for values in golden.run(name)["orders"].values():
        order = golden.order_of(values)
        record = order_record(order)
        assert json.loads(dump(order_json(order))) == record
        assert list(record) == list(order_json(order))


@pytest.mark.parametrize("name", golden.names())
def test_the_quick_text_of_an_order_for_the_hash_is_that_of_its_members(name: str) -> None:
    for values in golden.run(name)["orders"].values():
        order = golden.order_of(values)
        assert hashed_text(order) == dump(order_json(order, rounded=True))


@pytest.mark.parametrize("name", golden.names())
def test_the_text_of_an_order_is_that_of_its_record(name: str) -> None:
    orders = {
        int(number): golden.order_of(values)
        for number, values in golden.run(name)["orders"].items()
    }
    for order in orders.values():
        assert order_text(order) == json_text(order_record(order))
    records = {str(number): order_record(order) for number, order in orders.items()}
    assert orders_text(orders) == json_text(records)


def test_what_a_user_writes_into_an_order_is_escaped_as_json_does() -> None:
    order = golden.order_of(next(iter(golden.run(golden.names()[0])["orders"].values())))
    for tag in ('a "b"\n€\\', "", None, 7):
        order.tag = tag
        order.broker_id = ["1", 'x"', "€"]
        order.price_currency = "\u2028"
        assert order_text(order) == json_text(order_record(order))


def test_a_number_of_an_order_that_json_does_not_know_is_refused() -> None:
    order = golden.order_of(next(iter(golden.run(golden.names()[0])["orders"].values())))
    order._price = Decimal("Infinity")
    with pytest.raises(ValueError, match="JSON"):
        orders_text({1: order})
