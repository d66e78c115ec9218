"""Numbers on their way between Python and .NET's decimal; lots; the order of open orders."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.orders.exact import from_double, from_python, smart_rounding, to_float
from engine.orders.order import Order
from engine.orders.sizing import adjust_by_lot_size
from engine.orders.table import OrderTable
from engine.orders.ticket import OrderTicket
from engine.statistics.arithmetic import divide
from engine.types.decimals import normalize
from engine.types.enums import OrderStatus


def test_a_float_argument_keeps_its_seventeen_digits() -> None:
    # recorded: limit_order(spy, 10, p - 0.30) gave the order limitPrice 144.51999999999998
    assert from_python(144.82 - 0.30) == Decimal("144.51999999999998")


def test_a_float_quantity_keeps_fifteen_digits() -> None:
    assert from_double(144.82 - 0.30) == Decimal("144.52")


def test_the_double_of_a_long_decimal_is_that_of_dotnet() -> None:
    # recorded: the order event of limitPrice 124.50999999999999 shows 124.51 to Python
    assert to_float(Decimal("124.50999999999999")) == 124.51
    assert to_float(Decimal("-124.50999999999999")) == -124.51


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_dotnet_cannot_hold_are_refused(value: float) -> None:
    with pytest.raises(OverflowError, match="finite"):
        from_python(value)


@pytest.mark.parametrize("value", ["5", None, True])
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="expected a number"):
        from_python(value)


@given(st.floats(-1e12, 1e12).filter(lambda x: x == 0 or abs(x) > 1e-9))
def test_a_float_survives_the_way_to_decimal_and_back(value: float) -> None:
    assert to_float(from_python(value)) == pytest.approx(value, rel=4e-16)


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        ("1234.567891", "1234.5679"),
        ("144.81630923400", "144.8163"),
        ("0.000123456789", "0.0001234568"),
        ("1000", "1000"),
        ("-1234.567891", "-1234.568"),
    ],
)
def test_smart_rounding_keeps_seven_digits_or_four_decimals(value: str, rounded: str) -> None:
    assert str(smart_rounding(Decimal(value))) == rounded


@given(
    st.decimals(-(10**7), 10**7, places=6),
    st.sampled_from([Decimal("0.00001"), Decimal("0.01"), Decimal(1), Decimal(1000)]),
)
def test_a_quantity_is_cut_to_whole_lots_towards_zero(quantity: Decimal, lot: Decimal) -> None:
    security = SimpleNamespace(symbol_properties=SimpleNamespace(_lot_size=lot))

    cut = adjust_by_lot_size(security, quantity)

    assert cut % lot == 0
    # a millionth of a lot short counts as whole
    assert abs(cut) <= abs(quantity) + lot / 1_000_000
    assert abs(quantity) - abs(cut) < lot
    assert cut * quantity >= 0
    # with the scale that a difference has, and the same for sales
    assert not quantity or cut.same_quantum(quantity - lot)
    assert str(abs(adjust_by_lot_size(security, -quantity))) == str(abs(cut))


def test_open_orders_come_bucket_by_bucket() -> None:
    # recorded: cancel_open_orders with orders 31, 33 and 48 open canceled 48 first
    table = OrderTable()
    for order_id in (31, 33, 48):
        table[order_id] = order_id

    assert table.values() == [48, 31, 33]


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 400)), max_size=400))
def test_the_table_holds_what_a_dictionary_holds(steps: list[tuple[bool, int]]) -> None:
    table, plain = OrderTable(), {}
    for add, order_id in steps:
        if add:
            table[order_id] = plain[order_id] = str(order_id)
        else:
            assert table.pop(order_id) == plain.pop(order_id, None)

    assert sorted(table.values()) == sorted(plain.values())
    assert len(table) == len(plain)


@given(
    st.decimals(min_value="0.0001", max_value="1e15", places=4),
    st.integers(-(10**16), 10**16).filter(bool),
)
def test_the_average_price_of_one_fill_is_the_quotient_of_value_and_quantity(
    price: Decimal, quantity: int
) -> None:
    exact, size = normalize(price), normalize(Decimal(quantity))
    ticket = OrderTicket(None, SimpleNamespace(order_id=1))  # type: ignore[arg-type]
    ticket._order = Order()
    ticket._add_event(
        SimpleNamespace(status=OrderStatus.FILLED, _fill_price=exact, _fill_quantity=size)
    )
    assert str(ticket._average_fill_price) == str(divide(abs(size) * exact, abs(size)))
    twin = Order()
    twin.price = ticket._average_fill_price
    assert str(ticket._order._price) == str(twin._price)
