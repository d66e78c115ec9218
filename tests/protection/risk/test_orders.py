"""The order book: late, doubled, disordered and partial news never make exposure disappear."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from protection.contracts import Fill, OpenOrder, OrderEvent, OrderKind, OrderStatus, Portfolio
from protection.risk.orders import OrderBook

NOW = datetime(2020, 1, 6, 15, tzinfo=UTC)


def event(status, fill=0.0, event_id=None, **more):
    return OrderEvent(1, "SPY", status, NOW, fill, 100.0, event_id=event_id, **more)


def book_with(total: float = 100.0) -> OrderBook:
    book = OrderBook()
    book.reserve(1, "SPY", total, False, 100.0, 1.0)
    return book


def counted(book: OrderBook, *listed: OpenOrder) -> float:
    return sum(p.quantity for p in book.pending(listed, None))


def test_an_event_told_twice_counts_once() -> None:
    book = book_with()
    for _ in range(2):
        book.on_event(event(OrderStatus.PARTIALLY_FILLED, 40, 1))
    assert counted(book) == 60

    nameless = book_with()
    for _ in range(2):
        nameless.on_event(event(OrderStatus.PARTIALLY_FILLED, 40))
    assert counted(nameless) == 60


def test_a_fill_told_as_fill_and_as_event_counts_once() -> None:
    book = book_with()
    book.on_event(event(OrderStatus.PARTIALLY_FILLED, 40, 7))
    book.on_fill(Fill(1, "SPY", NOW, 40, 100.0, fill_id=7))
    assert counted(book) == 60
    book.on_fill(Fill(1, "SPY", NOW, 60, 100.0, fill_id=8))
    assert len(book) == 0


def test_the_last_fill_before_the_first_keeps_the_first_counted() -> None:
    book = book_with()
    book.on_event(event(OrderStatus.FILLED, 60, 2))
    assert counted(book) == 40
    book.on_event(event(OrderStatus.PARTIALLY_FILLED, 40, 1))
    assert counted(book) == 0
    assert len(book) == 0


def test_a_cancel_before_the_fills_it_knows_of_keeps_them_counted() -> None:
    book = book_with()
    book.on_event(event(OrderStatus.CANCELED, filled_total=30.0))
    assert counted(book) == 30
    book.on_event(event(OrderStatus.PARTIALLY_FILLED, 30, 1))
    assert len(book) == 0

    plain = book_with()
    plain.on_event(event(OrderStatus.CANCELED))
    assert len(plain) == 0


def test_while_an_update_is_on_its_way_the_larger_size_counts() -> None:
    book = book_with(100)
    book.reserve(1, "SPY", 40, False, 100.0, 1.0)
    assert counted(book) == 100
    book.reserve(1, "SPY", 150, False, 100.0, 1.0)
    assert counted(book) == 150
    book.on_event(event(OrderStatus.UPDATED, quantity=40.0))
    assert counted(book) == 40


def test_of_list_and_own_knowledge_the_larger_counts() -> None:
    book = book_with(100)
    assert counted(book, OpenOrder(1, "SPY", 60.0)) == 100
    assert counted(book, OpenOrder(1, "SPY", 160.0)) == 160
    assert counted(book, OpenOrder(2, "SPY", 60.0)) == 160


def test_an_order_that_was_refused_is_not_counted_though_the_host_lists_it() -> None:
    book = OrderBook()
    book.refuse(1)
    assert counted(book, OpenOrder(1, "SPY", 60.0)) == 0
    book.reserve(1, "SPY", 60.0, False, 100.0, 1.0)  # asked again and let through
    assert counted(book, OpenOrder(1, "SPY", 60.0)) == 60


def test_news_after_the_end_revives_nothing() -> None:
    book = book_with()
    book.on_event(event(OrderStatus.FILLED, 100, 1))
    book.on_event(event(OrderStatus.SUBMITTED))
    book.on_event(event(OrderStatus.FILLED, 100, 1))
    assert len(book) == 0
    assert book.unseen == set()


@pytest.mark.parametrize("kind", list(OrderKind))
def test_every_kind_knows_whether_it_rests(kind: OrderKind) -> None:
    waits = {"limit", "stop", "stop_limit", "trailing_stop", "limit_if_touched", "combo_limit"}
    assert kind.resting is (kind.value in waits)


def test_settling_forgets_the_ended_and_keeps_the_unknown() -> None:
    book = book_with()
    book.reserve(2, "SPY", 50.0, False, 100.0, 1.0)
    book.on_event(event(OrderStatus.FILLED, 60, 2))  # the first part was never told

    assert book.settle(Portfolio(NOW, 1.0)) == [1]
    assert counted(book) == 50  # no news is not a cancel
