"""Open orders as LEAN's dictionary gives them, and the list of their tickets."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.orders.book import OrderBook
from engine.orders.table import OrderTable, next_prime

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


class _Chains:
    """.NET's dictionary word by word: chains by bucket, and locks that count what they guard."""

    def __init__(self) -> None:
        self.chains: dict[int, list[int]] = {}
        self.size, self.counts, self.budget = 37, [0, 0], 18

    def ids(self) -> list[int]:
        return [i for bucket in sorted(self.chains) for i in reversed(self.chains[bucket])]

    def come(self, order_id: int) -> None:
        bucket = order_id % self.size
        self.chains.setdefault(bucket, []).append(order_id)
        self.counts[bucket % len(self.counts)] += 1
        if self.counts[bucket % len(self.counts)] > self.budget:
            self.grow()

    def go(self, order_id: int) -> None:
        bucket = order_id % self.size
        self.chains[bucket].remove(order_id)
        self.counts[bucket % len(self.counts)] -= 1

    def grow(self) -> None:
        ids = self.ids()
        if len(ids) < self.size // 4:
            self.budget *= 2
            return
        self.size = next_prime(self.size * 2)
        self.chains, self.counts = {}, [0] * len(self.counts) * 2
        for order_id in ids:
            self.chains.setdefault(order_id % self.size, []).append(order_id)
            self.counts[order_id % self.size % len(self.counts)] += 1
        self.budget = max(1, self.size // len(self.counts))


@given(_MOVES)
def test_every_bucket_is_looked_at_in_its_turn_the_newest_order_first(
    moves: list[tuple[bool, int]],
) -> None:
    table, plain = OrderTable(), _Chains()
    there: set[int] = set()
    for come, order_id in _moved(table, moves):
        if come:
            plain.come(order_id)
            there.add(order_id)
        elif order_id in there:
            plain.go(order_id)
            there.remove(order_id)
    assert [order_id for order_id, _, _ in table.values()] == plain.ids()
    assert set(table._items) == there


def test_a_table_grows_as_that_of_dotnet_when_many_orders_are_open() -> None:
    table, plain = OrderTable(), _Chains()
    for order_id in range(1, 1500):
        table[order_id * 7] = order_id * 7, None, None
        plain.come(order_id * 7)
        if order_id % 5 == 0:
            assert table.pop(order_id * 7 - 14) is not None
            plain.go(order_id * 7 - 14)
        if order_id % 100 == 0:
            assert [i for i, _, _ in table.values()] == plain.ids()
    assert table._size == plain.size > 1000


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
