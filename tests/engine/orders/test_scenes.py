"""Recorded LEAN algorithms on a desk with real data: every order and every event must agree."""

from __future__ import annotations

import copy
import functools
import sys
from datetime import datetime, time
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import desk
import golden

from engine.orders.serialization import (
    dump,
    order_event_json,
    order_json,
    order_list_hash,
    plain_number,
)
from engine.orders.texts import events_text
from engine.types.jsontext import json_text


@functools.cache
def order_types() -> Any:
    made = desk.scene("05_order_types_minute")(datetime(2013, 10, 7))
    made.seq, made.extended, made.tickets = 0, False, {}
    made.spy = made.add("SPY").symbol
    made.ibm = made.add("IBM").symbol
    made.plans = [(time(13), made.at_one), (time(15, 30), made.near_close)]
    made.run(datetime(2013, 10, 11))
    made.on_end_of_algorithm()
    return made


def as_text(event: dict[str, Any]) -> str:
    return dump(event)


def test_every_order_type_gives_the_events_that_lean_recorded() -> None:
    run = golden.run("05_order_types_minute.json")

    made = order_types()

    ours = [order_event_json(e, "OrderTypesAlgorithm") for e in made.handler.order_events]
    assert [as_text(e) for e in ours] == [as_text(e) for e in run["order_events"]]


def test_the_text_of_events_is_that_of_their_records() -> None:
    events = order_types().handler.order_events
    odd = copy.copy(events[0])
    odd.message, odd.is_in_the_money, odd.is_assignment = 'a "b"\n€', True, True
    other = copy.copy(events[0])
    other.order_id = "7"
    for name in ("OrderTypesAlgorithm", 'A "name"'):
        records = [order_event_json(event, name, plain_number) for event in (*events, odd, other)]
        assert events_text([*events, odd, other], name) == json_text(records)
    assert events_text([], "Name") == "[]"


def test_every_order_type_ends_as_the_order_that_lean_recorded() -> None:
    run = golden.run("05_order_types_minute.json")

    made = order_types()

    ours = {str(i): dump(order_json(o)) for i, o in made.handler.orders.items()}
    assert ours == {key: dump(values) for key, values in run["orders"].items()}
    assert order_list_hash(made.handler.orders.values()) == run["statistics"]["OrderListHash"]


@pytest.mark.parametrize("prefix", ["event ", "update ", "cancel ", "final "])
def test_the_texts_of_events_tickets_and_orders_are_those_of_lean(prefix: str) -> None:
    run = golden.run("05_order_types_minute.json")
    made = order_types()

    def chosen(lines: list[str]) -> list[str]:
        tails = [line.split("| ", 1)[1] for line in lines if "| " in line]
        return [tail for tail in tails if tail.startswith(prefix)]

    assert chosen(made._engine.results.log) == chosen(run["log"])
    assert chosen(run["log"])
