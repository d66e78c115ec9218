"""What a restart finds is explained by what was open before, or it is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protection.contracts.errors import RecoverState
from protection.execution.reconciliation import (
    AccountRecord,
    KnownOrder,
    compare,
    read_account,
)


def account(positions: dict[str, float], *orders: KnownOrder, cash: float = 100.0) -> AccountRecord:
    return AccountRecord("2020-01-06T15:00:00+00:00", 1000.0, cash, positions, orders)


def order(quantity: float, number: str = "b1", symbol: str = "SPY") -> KnownOrder:
    return KnownOrder(number, symbol, quantity, "limit")


def unexplained(before: AccountRecord, now: AccountRecord) -> list[tuple[str, str]]:
    return [(d.kind, d.subject) for d in compare(before, now) if not d.explained]


@pytest.mark.parametrize(
    ("was", "has", "rests", "strange"),
    [
        (10, 10, [5], []),  # nothing happened
        (10, 15, [], []),  # it filled
        (10, 12, [3], []),  # it filled in part
        (10, 10, [], []),  # it ended
        (10, 12, [], []),  # it filled in part and ended
        (10, 16, [], ["position"]),  # more than was asked for
        (10, 12, [4], ["position"]),  # more than the order lost
        (10, 9, [5], ["position"]),  # the wrong way
        (0, 0, [5, 7], ["order"]),  # somebody else's order
        (10, 10, [9], ["order"]),  # made larger by somebody
        (0, 3, [5], ["position"]),  # bought by hand
    ],
)
def test_a_fill_of_what_was_open_explains_and_nothing_else_does(
    was: float, has: float, rests: list[float], strange: list[str]
) -> None:
    before = account({"SPY": was}, order(5))
    orders = [order(rest, f"b{number + 1}") for number, rest in enumerate(rests)]
    found = unexplained(before, account({"SPY": has}, *orders))

    assert [kind for kind, _ in found] == strange


def test_symbols_on_one_side_only_are_compared_too() -> None:
    found = unexplained(account({"SPY": 5, "IBM": 1}), account({"AIG": -2, "IBM": 1}))

    assert found == [("position", "AIG"), ("position", "SPY")]


def test_an_order_without_a_number_is_known_by_symbol_side_and_kind() -> None:
    before = account({}, order(5, ""))

    assert unexplained(before, account({}, order(5, "x"))) == []
    assert unexplained(before, account({}, order(-5, "x"))) == [("order", "x")]


def test_cash_is_told_and_never_judged() -> None:
    found = compare(account({}), account({}, cash=600.0))

    assert [(d.kind, d.explained) for d in found] == [("cash", True)]
    assert "on_cash_flow" in found[0].text


SIZES = st.integers(-50, 50).filter(bool).map(float)
ORDERS = st.lists(SIZES, max_size=4)


@given(st.integers(-50, 50), ORDERS, st.data())
def test_any_partial_fills_of_open_orders_are_explained(
    held: int, sizes: list[float], data: st.DataObject
) -> None:
    before = account({"SPY": float(held)}, *(order(q, f"b{i}") for i, q in enumerate(sizes)))
    now, left = float(held), []
    for number, size in enumerate(sizes):
        filled = float(data.draw(st.integers(0, int(abs(size))))) * (1 if size > 0 else -1)
        now += filled
        if size - filled and data.draw(st.booleans()):
            left.append(order(size - filled, f"b{number}"))
    after = account({"SPY": now}, *left)

    assert unexplained(before, after) == []
    assert compare(after, after) == []


@given(st.dictionaries(st.text("ABC", min_size=1, max_size=2), SIZES, max_size=3), ORDERS)
def test_a_record_reads_back_as_it_was(positions: dict[str, float], sizes: list[float]) -> None:
    record = account(positions, *(order(q, f"b{i}") for i, q in enumerate(sizes)))

    assert read_account(record.text()) == record


@pytest.mark.parametrize("cut", [0, 10, -5])
def test_a_half_written_record_is_no_record(cut: int) -> None:
    with pytest.raises(RecoverState):
        read_account(account({"SPY": 1.0}).text()[:cut])
