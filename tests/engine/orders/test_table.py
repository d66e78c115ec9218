"""Open orders as LEAN's dictionary gives them, and the list of their tickets."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.orders.book import OrderBook
from engine.orders.table import OrderTable

#: ids that come (True) and go; an id that is there already goes, whatever is asked
_MOVES = st.lists(st.tuples(st.booleans(), st.integers(1, 400)), max_size=120)


def _moved(table: Any, moves: list[tuple[bool, int]]) -> list[tuple[bool, int]]:
    done = []
    for come, order_id in moves:
        if come and order_id not in table:
            table[order_id] = order_id, f"ticket {order_id}", None
        elif not come:
            table.pop(order_id)
        else:
            continue
        done.append((come, order_id))
    return done


@given(_MOVES)
def test_every_bucket_is_looked_at_in_its_turn_the_newest_order_first(
    moves: list[tuple[bool, int]],
) -> None:
    table = OrderTable()
    _moved(table, moves)
    buckets = sorted(table._chains)
    expected = [order_id for b in buckets for order_id in reversed(table._chains[b])]
    assert [order_id for order_id, _, _ in table.values()] == expected
    assert sorted(expected) == sorted(table._items)


@given(_MOVES)
def test_the_listed_tickets_are_those_of_the_open_orders_after_every_change(
    moves: list[tuple[bool, int]],
) -> None:
    book = OrderBook(None)
    for move in moves:
        _moved(book._open, [move])
        expected = [ticket for _, ticket, _ in book._open.values()]
        assert book._open_tickets() == expected
        assert book._open_tickets() == expected
