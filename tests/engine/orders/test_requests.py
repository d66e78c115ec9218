"""What is refused, what may be written how, and how long an order works."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import golden
from desk import Desk

from engine.data.hours import MarketHoursDatabase
from engine.orders.arguments import order_symbol
from engine.orders.properties import OrderProperties
from engine.orders.requests import SubmitOrderRequest
from engine.orders.time_in_force import TimeInForce
from engine.types.bars import TradeBar
from engine.types.enums import (
    OrderField,
    OrderResponseErrorCode,
    OrderStatus,
    OrderType,
    Resolution,
    SecurityType,
)
from engine.types.errors import ArgumentException, InvalidOperationException
from engine.types.timezones import TimeZones, to_utc

OPEN = datetime(2013, 10, 8, 10)


def desk_at(moment: datetime = OPEN, price: float = 100.0) -> Any:
    """Return a desk with one share at a price and a local time."""
    made = Desk(moment)
    spy = made.add("SPY")
    if price:
        bar = TradeBar(moment - timedelta(minutes=1), spy.symbol, price, price, price, price, 1000)
        spy.set_market_price(bar)
    made.spy = spy.symbol
    return made


def code(ticket: Any) -> OrderResponseErrorCode:
    found: OrderResponseErrorCode = ticket.submit_request.response.error_code
    return found


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("tag", ["", "why", None])
def test_a_request_without_prices_is_the_same_made_quickly(
    tag: str | None, asynchronous: bool
) -> None:
    made, properties = desk_at(), OrderProperties()
    security = made.securities[made.spy]
    kind, quantity = OrderType.MARKET_ON_OPEN, Decimal("-7")
    quick = made._order_request(kind, security, quantity, asynchronous, tag, properties)
    plain = SubmitOrderRequest(
        kind, security.type, security.symbol, quantity, 0, 0, time=made._utc, tag=tag,
        properties=properties, asynchronous=asynchronous,
    )  # fmt: skip
    plain._stop_price = plain._limit_price = Decimal(0)

    names = (*vars(plain), "_trigger_price", "_trailing_amount")
    assert [getattr(quick, name) for name in names] == [getattr(plain, name) for name in names]


def test_a_ticket_shows_the_quantity_of_now() -> None:
    made = desk_at()
    ticket = made.limit_order(made.spy, 10, 50.0)
    for quantity in (7, 9, 7):
        ticket.update_quantity(quantity)
        made.transactions._processor.process_synchronous_events()
        assert (ticket.quantity, ticket.quantity, ticket.quantity_filled) == (quantity, quantity, 0)
        assert ticket._quantity == quantity


def test_the_price_of_a_security_is_shown_as_it_is_now() -> None:
    made = desk_at()
    spy = made.securities[made.spy]
    for price in (100.0, 101.5, 100.0, 0.25):
        moment = made._utc + timedelta(minutes=1)
        spy.set_market_price(TradeBar(moment, spy.symbol, price, price, price, price, 1000))
        assert (spy.price, spy.price) == (price, price)
        assert spy._price == Decimal(str(price))


def test_refusals_before_an_order_exists_have_no_id_and_leave_no_order() -> None:
    made = desk_at()
    made.is_warming_up = True
    warm = made.market_order(made.spy, 1)
    made.is_warming_up = False
    zero = made.market_order(made.spy, 0)
    small = made.market_order(made.spy, 0.4)
    opening = made.market_on_open_order(made.spy, 1)
    made.securities[made.spy].is_tradable = False
    made.securities[made.spy].is_delisted = True
    dead = made.limit_order(made.spy, 1, 90)

    tickets = [warm, zero, small, opening, dead]
    assert [code(t) for t in tickets] == [
        OrderResponseErrorCode.ALGORITHM_WARMING_UP,
        OrderResponseErrorCode.ORDER_QUANTITY_ZERO,
        OrderResponseErrorCode.ORDER_QUANTITY_LESS_THAN_LOT_SIZE,
        OrderResponseErrorCode.MARKET_ON_OPEN_NOT_ALLOWED_DURING_REGULAR_HOURS,
        OrderResponseErrorCode.NON_TRADABLE_SECURITY,
    ]
    assert {t.order_id for t in tickets} == {-10}
    assert {t.status for t in tickets} == {OrderStatus.INVALID}
    assert not made.handler.orders
    assert not made.handler.order_events


def test_a_security_without_a_price_cannot_be_ordered() -> None:
    made = desk_at(price=0.0)

    assert code(made.market_order(made.spy, 1)) == OrderResponseErrorCode.SECURITY_PRICE_ZERO


@pytest.mark.parametrize(
    ("moment", "accepted"),
    [(datetime(2013, 10, 8, 15, 44), True), (datetime(2013, 10, 8, 15, 45), False)],
)
def test_an_order_for_the_close_needs_fifteen_and_a_half_minutes(
    moment: datetime, accepted: bool
) -> None:
    made = desk_at(moment)

    ticket = made.market_on_close_order(made.spy, 1)

    assert ticket.submit_request.response.is_success is accepted


def test_a_market_order_while_the_market_is_shut_is_one_for_the_open() -> None:
    made = desk_at(datetime(2013, 10, 8, 8))

    ticket = made.market_order(made.spy, 5)

    assert ticket.order_type == OrderType.MARKET_ON_OPEN
    assert ticket.status == OrderStatus.SUBMITTED


def test_daily_bars_turn_a_market_order_of_the_day_into_one_for_the_close() -> None:
    made = Desk(datetime(2013, 10, 8, 11))
    spy = made.add("SPY", Resolution.DAILY)
    bar = TradeBar(
        datetime(2013, 10, 7, 9, 30), spy.symbol, 100, 100, 100, 100, 1, timedelta(hours=6.5)
    )
    spy.set_market_price(bar)

    ticket = made.market_order(spy.symbol, 5)

    assert ticket.order_type == OrderType.MARKET_ON_CLOSE
    assert "MarketOnClose orders" in made._engine.results.debug[0]


def test_a_tag_in_the_place_of_asynchronous_is_refused() -> None:
    made = desk_at()

    with pytest.raises(TypeError, match="market_order"):
        made.market_order(made.spy, 1, "tag")
    with pytest.raises(TypeError, match="liquidate_existing_holdings"):
        made.set_holdings(made.spy, 0.1, "tag")
    assert made.limit_order(made.spy, 1, 90, False, "tag").tag == "tag"


def test_a_ticker_that_was_never_added_names_a_security_without_data() -> None:
    symbol = order_symbol("ABSENT")

    assert (str(symbol), symbol.value, symbol.security_type) == (
        "ABSENT 0", "ABSENT", SecurityType.BASE,
    )  # fmt: skip
    assert desk_at().liquidate("ABSENT") == []


def test_a_text_that_can_be_no_ticker_is_refused() -> None:
    with pytest.raises(ArgumentException, match=r"Failed to implicitly convert System.String"):
        desk_at().market_order("NOT ADDED", 1)


def test_an_added_ticker_may_stand_for_its_symbol() -> None:
    made = desk_at()

    assert made.limit_order("SPY", 1, 90).symbol == made.spy


def test_a_trailing_stop_starts_at_its_distance_or_where_it_is_told() -> None:
    made = desk_at()

    by_money = made.trailing_stop_order(made.spy, -1, 2, False)
    by_share = made.trailing_stop_order(made.spy, 1, 0.05, True)
    told = made.trailing_stop_order(made.spy, -1, 97.5, 2, False, tag="told")

    stops = [t.get(OrderField.STOP_PRICE) for t in (by_money, by_share, told)]
    assert stops == [98.0, 105.0, 97.5]
    assert by_money.tag == "Trailing Amount: $2"
    assert told.tag == "told"


def test_a_field_that_the_kind_lacks_is_refused() -> None:
    made = desk_at()

    with pytest.raises(ArgumentException, match="Unable to get field StopPrice on order of type"):
        made.limit_order(made.spy, 1, 90).get(OrderField.STOP_PRICE)


def test_requests_about_orders_that_do_not_exist_are_answered() -> None:
    made = desk_at()

    ticket = made.transactions.cancel_order(99)

    assert ticket.status == OrderStatus.INVALID
    assert ticket.cancel_request.response.error_code == OrderResponseErrorCode.UNABLE_TO_FIND_ORDER


def test_a_second_cancel_is_refused_and_the_first_is_done_in_the_step() -> None:
    made = desk_at()
    ticket = made.limit_order(made.spy, 1, 90)

    first, second = ticket.cancel("why"), ticket.cancel()
    made.handler.process_synchronous_events()

    assert first.is_success
    assert second.error_code == OrderResponseErrorCode.REQUEST_CANCELED
    assert (ticket.status, ticket.tag) == (OrderStatus.CANCELED, "why")
    assert [e.status for e in made.handler.order_events] == [
        OrderStatus.SUBMITTED,
        OrderStatus.CANCEL_PENDING,
        OrderStatus.CANCELED,
    ]


def test_combos_are_sent_leg_by_leg_and_fill_together() -> None:
    from engine.orders.combo import Leg

    made = desk_at()
    ibm = made.add("IBM")
    ibm.set_market_price(
        TradeBar(OPEN - timedelta(minutes=1), ibm.symbol, 180, 180, 180, 180, 1000)
    )

    tickets = made.combo_market_order([Leg.create(made.spy, 1), Leg.create(ibm.symbol, -2)], 5)

    assert [(t.quantity, t.status) for t in tickets] == [
        (5.0, OrderStatus.FILLED),
        (-10.0, OrderStatus.FILLED),
    ]
    assert made.portfolio[ibm.symbol].quantity == -10.0


def test_orders_for_an_open_are_refused_where_there_is_none() -> None:
    made = desk_at()
    made.securities[made.spy].exchange.hours = MarketHoursDatabase._from_data_folder(
        golden.DATA
    ).get_exchange_hours("coinbase", "BTCUSD", SecurityType.CRYPTO)

    with pytest.raises(InvalidOperationException, match="Market never closes"):
        made.market_on_open_order(made.spy, 1)


# -- time in force -----------------------------------------------------------------------------


def order_and_security(sent: datetime, now: datetime, kind: SecurityType) -> tuple[Any, Any]:
    """Return an order sent at a New York time and a security whose clock shows another."""
    hours = MarketHoursDatabase._from_data_folder(golden.DATA)
    market, ticker = {
        SecurityType.EQUITY: ("usa", "SPY"),
        SecurityType.FOREX: ("oanda", "EURUSD"),
    }[kind]
    found = hours.get_exchange_hours(market, ticker, kind)
    order = SimpleNamespace(_time=to_utc(sent, TimeZones.NEW_YORK), security_type=kind)
    security = SimpleNamespace(exchange=SimpleNamespace(hours=found), local_time=now)
    return security, order


@pytest.mark.parametrize(
    ("now", "expired"),
    [(datetime(2013, 10, 8, 15, 59), False), (datetime(2013, 10, 8, 16), True)],
)
def test_a_day_order_of_a_share_ends_at_the_close(now: datetime, expired: bool) -> None:
    security, order = order_and_security(OPEN, now, SecurityType.EQUITY)

    assert TimeInForce.DAY.is_order_expired(security, order) is expired


@pytest.mark.parametrize(
    ("sent", "now", "expired"),
    [
        (datetime(2013, 10, 8, 10), datetime(2013, 10, 8, 16, 59), False),
        (datetime(2013, 10, 8, 10), datetime(2013, 10, 8, 17), True),
        (datetime(2013, 10, 8, 18), datetime(2013, 10, 8, 19), False),
        (datetime(2013, 10, 8, 18), datetime(2013, 10, 9, 17), True),
    ],
)
def test_a_day_order_of_a_pair_ends_at_five_in_new_york(
    sent: datetime, now: datetime, expired: bool
) -> None:
    security, order = order_and_security(sent, now, SecurityType.FOREX)

    assert TimeInForce.DAY.is_order_expired(security, order) is expired


def test_a_date_means_the_close_of_that_day_whatever_its_time() -> None:
    until = TimeInForce.good_til_date(datetime(2013, 10, 9, 11))
    security, order = order_and_security(OPEN, datetime(2013, 10, 9, 15), SecurityType.EQUITY)
    assert not until.is_order_expired(security, order)

    security.local_time = datetime(2013, 10, 9, 16)
    assert until.is_order_expired(security, order)


def test_an_order_for_the_close_loses_its_date_with_one_warning() -> None:
    made = desk_at()
    properties = OrderProperties()
    properties.time_in_force = TimeInForce.good_til_date(datetime(2013, 10, 9))

    ticket = made.market_on_close_order(made.spy, 1, order_properties=properties)

    kept = made.transactions.get_order_by_id(ticket.order_id).time_in_force
    assert kept is TimeInForce.GOOD_TIL_CANCELED
    assert sum("Good-Til-Date" in line for line in made._engine.results.debug) == 1
