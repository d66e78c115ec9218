"""Edges of the gate that whole systems seldom reach: odd units, odd orders, and what it says."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime, timedelta
from threading import RLock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protection.contracts import (
    Action,
    Leg,
    ManualClock,
    OpenOrder,
    OrderEvent,
    OrderKind,
    OrderRequest,
    OrderStatus,
    Portfolio,
    Position,
    ProtectionSettings,
    Verdict,
)
from protection.contracts.settings import LimitSettings
from protection.risk.gate import OrderGate, effect_of, judge_exit
from protection.risk.orders import Pending
from protection.system import ProtectionSystem

NOW = datetime(2020, 1, 6, 15, tzinfo=UTC)
EQUITY = 10_000.0
PRICE = {"A": 10.0, "B": 20.0, "OPTION": 1.0}
BOTH = LimitSettings(max_position=0.5, max_leverage=1.0)
GROSS = LimitSettings(max_position=None, max_leverage=1.0)
OFF = LimitSettings(max_position=None, max_leverage=None)


class Desk:
    """A gate alone, with a standing verdict and last prices that a test can change."""

    def __init__(
        self, limits: LimitSettings = BOTH, standing: Verdict | None = None, **more: float | None
    ) -> None:
        self.standing = Verdict(Action.ALLOW) if standing is None else standing
        self.prices: dict[str, tuple[float, datetime]] = {}
        self.gate = OrderGate(
            limits, RLock(), lambda: False, self.prices.get, timedelta(minutes=5), **more
        )

    def ask(
        self, number: int | str, symbol: str, quantity: float, account: Portfolio, **more: object
    ) -> Verdict:
        usual = {"reference_price": PRICE[symbol], "reference_time": NOW}
        order = OrderRequest(number, symbol, quantity, **{**usual, **more})  # type: ignore[arg-type]
        return self.gate.judge(order, account, lambda *_: self.standing, lambda *_: "")


def stopped() -> Desk:
    """A desk at which nothing may be added."""
    return Desk(standing=Verdict(Action.HALT, reason="stopped"))


def holding(*orders: OpenOrder, **held: float) -> Portfolio:
    positions = {s: Position(s, q, PRICE[s], PRICE[s]) for s, q in held.items()}
    return Portfolio(NOW, EQUITY, positions, orders)


# ---------------------------------------------------------------- units


moves = st.lists(st.tuples(st.integers(-600, 600).filter(bool), st.booleans()), max_size=3)


@given(
    st.integers(-700, 700),
    moves,
    st.integers(-900, 900).filter(bool),
    st.integers(0, 450),
    st.sampled_from([Action.ALLOW, Action.HALT]),
)
@settings(max_examples=150, deadline=None)
def test_an_answer_does_not_depend_on_the_unit_in_which_a_symbol_is_counted(
    held: int, pending: list[tuple[int, bool]], quantity: int, other: int, state: Action
) -> None:
    """Shares of 10 or coins of 10 million: with powers of two the arithmetic is the same."""

    def judged(unit: float) -> Verdict:
        price = 10.0 * unit
        orders = tuple(
            OpenOrder(n, "A", size / unit, OrderKind.LIMIT if resting else OrderKind.MARKET, price)
            for n, (size, resting) in enumerate(pending)
        )
        account = holding(*orders, B=float(other))
        positions = {**account.positions, "A": Position("A", held / unit, price, price)}
        account = replace(account, positions=positions)
        desk = Desk(standing=Verdict(state))
        return desk.ask("new", "A", quantity / unit, account, reference_price=price)

    whole, parts, lots = judged(1.0), judged(2.0**20), judged(2.0**-10)

    assert parts.allowed == whole.allowed == lots.allowed
    assert parts.cancel == whole.cancel == lots.cancel
    assert [r.guard for r in parts.reasons] == [r.guard for r in whole.reasons]
    if whole.max_quantity is None:
        assert parts.max_quantity is lots.max_quantity is None
        return
    assert parts.max_quantity == whole.max_quantity / 2.0**20
    assert lots.max_quantity == whole.max_quantity * 2.0**10


@pytest.mark.parametrize("unit", [2.0**-27, 1.0, 2.0**27])
def test_three_tenths_close_in_three_parts_and_not_a_tenth_more_in_any_unit(unit: float) -> None:
    side = [Pending(n, "A", -0.1 * unit, False, None, 1.0) for n in range(2)]

    assert 0.1 + 0.1 + 0.1 > 0.3  # what the last digit of a sum must not decide
    assert judge_exit(0.3 * unit, -0.1 * unit, side).reduces
    assert not judge_exit(0.3 * unit, -0.11 * unit, side).reduces
    assert not judge_exit(0.2 * unit, -0.3 * unit, ()).reduces


def test_what_was_judged_an_exit_stays_what_it_was() -> None:
    answer = judge_exit(10.0, -20.0, ())

    with pytest.raises(FrozenInstanceError):
        answer.reduces = True  # type: ignore[misc]


# ---------------------------------------------------------------- orders


def test_an_order_changes_its_symbol_by_what_is_left_of_it() -> None:
    assert effect_of(OrderRequest(1, "A", -100.0, filled=-40.0)) == ("A", -60.0)
    more = {"kind": OrderKind.OPTION_EXERCISE, "underlying": "A", "underlying_quantity": 100.0}
    assert effect_of(OrderRequest(1, "OPTION", -1.0, **more)) == ("A", 100.0)  # type: ignore[arg-type]


@pytest.mark.parametrize("quantity", [math.nan, math.inf, -math.inf])
def test_an_order_without_a_size_says_so_and_leaves_no_room(quantity: float) -> None:
    verdict = Desk().ask(1, "A", quantity, holding(A=10.0))

    assert (verdict.allowed, verdict.max_quantity) == (False, 0.0)
    assert verdict.reason == f"expected a finite quantity, was {quantity}"
    assert [reason.guard for reason in verdict.reasons] == ["input"]


def test_an_update_with_nothing_left_to_fill_passes_in_every_state() -> None:
    account = holding(OpenOrder(8, "A", -10.0, OrderKind.LIMIT, 10.0), A=60.0)

    verdict = stopped().ask(7, "A", -40.0, account, is_update=True, filled=-40.0)

    assert verdict.allowed
    assert not verdict.evidence


def test_an_update_that_enlarges_a_partly_filled_order_counts_at_what_is_left() -> None:
    desk = Desk()
    assert desk.ask(7, "A", 100.0, holding()).allowed
    part = OrderEvent(7, "A", OrderStatus.PARTIALLY_FILLED, NOW, 40.0, 10.0, event_id=1)
    desk.gate.book.on_event(part)
    account = holding(A=40.0)

    assert desk.ask(7, "A", 150.0, account, is_update=True, filled=40.0).allowed
    verdict = desk.ask(8, "A", 351.0, account)  # 40 are held, 110 on their way, 500 the limit

    assert (verdict.allowed, verdict.max_quantity) == (False, pytest.approx(350.0))


def test_an_exercise_asked_twice_is_counted_at_what_it_delivers() -> None:
    desk, account = stopped(), holding(A=100.0)
    facts = {"kind": OrderKind.OPTION_EXERCISE, "underlying": "A", "underlying_quantity": -100.0}

    for _ in range(2):
        assert desk.ask(1, "OPTION", 1.0, account, **facts).allowed

    assert not desk.ask(2, "A", -1.0, account).allowed  # all of it is on its way


def test_an_exercise_is_not_counted_again_as_the_option_it_is_listed_under() -> None:
    listed = OpenOrder(1, "OPTION", -1.0, OrderKind.OPTION_EXERCISE)  # worth nobody knows what
    facts = {"kind": OrderKind.OPTION_EXERCISE, "underlying": "A", "underlying_quantity": 100.0}

    assert Desk().ask(1, "OPTION", -1.0, holding(listed), **facts).allowed
    assert not Desk().ask(2, "OPTION", -1.0, holding(listed), **facts).allowed


def test_an_order_on_its_way_counts_at_the_price_it_was_judged_by() -> None:
    for own in (None, 20.0):
        desk = Desk(GROSS)
        desk.prices["B"] = (20.0, NOW) if own is None else (25.0, NOW)
        assert desk.ask(1, "B", 200.0, holding(), reference_price=own).allowed
        desk.prices["B"] = (30.0, NOW)

        verdict = desk.ask(2, "A", 1000.0, holding())

        assert verdict.max_quantity == pytest.approx((EQUITY - 200 * 20.0) / 10.0)


def test_a_refused_order_that_is_still_listed_is_not_counted_but_a_refused_update_is() -> None:
    desk = Desk()
    assert not desk.ask(1, "A", 9_000.0, holding()).allowed
    assert desk.ask(2, "A", 400.0, holding(OpenOrder(1, "A", 9_000.0))).allowed

    desk, account = Desk(), holding(OpenOrder("theirs", "A", 400.0, OrderKind.LIMIT, 10.0))
    assert not desk.ask("theirs", "A", 9_000.0, account, is_update=True).allowed
    assert desk.ask(3, "A", 200.0, account).max_quantity == pytest.approx(100.0)


# ---------------------------------------------------------------- combinations


def test_the_last_thousand_refused_combinations_are_known_and_older_ones_forgotten() -> None:
    desk, facts = Desk(), {"kind": OrderKind.COMBO_MARKET}
    for group in range(1024):
        assert not desk.ask(group, "A", 9_000.0, holding(), group=group, **facts).allowed
    for _ in range(3):  # that one comes again forgets no other
        assert "combination 0" in desk.ask("x", "A", 1.0, holding(), group=0, **facts).reason
    assert "combination 1 " in desk.ask("y", "A", 1.0, holding(), group=1, **facts).reason

    desk.ask(1024, "A", 9_000.0, holding(), group=1024, **facts)

    assert desk.ask("z", "A", 1.0, holding(), group=0, **facts).allowed


def test_a_refused_leg_that_comes_again_is_told_the_same_and_not_more_each_time() -> None:
    desk, facts = Desk(), {"kind": OrderKind.COMBO_MARKET, "group": 3}
    first = desk.ask(0, "A", 9_000.0, holding(), **facts).reason

    told = {desk.ask(n, "A", 1.0, holding(), **facts).reason for n in range(1, 5)}

    assert told == {f"another leg of combination 3 was refused: {first}"}


def test_a_refused_update_leaves_the_rest_of_its_combination_free_to_shrink() -> None:
    desk, facts = Desk(), {"kind": OrderKind.COMBO_LIMIT, "group": 3}
    for number, symbol in enumerate("AB"):
        assert desk.ask(number, symbol, 100.0, holding(), **facts).allowed

    assert not desk.ask(0, "A", 9_000.0, holding(), is_update=True, **facts).allowed

    for number, symbol in enumerate("AB"):
        assert desk.ask(number, symbol, 50.0, holding(), is_update=True, **facts).allowed


def test_a_combination_that_adds_cancels_no_stop_of_the_leg_that_closes() -> None:
    stop = OpenOrder("stop", "A", -60.0, OrderKind.STOP, 9.0)
    account = holding(stop, A=60.0, B=-30.0)

    def combo(symbol: str, *legs: Leg) -> Verdict:
        size = next(leg.quantity for leg in legs if leg.symbol == symbol)
        facts = {"kind": OrderKind.COMBO_MARKET, "group": 1, "legs": legs}
        return stopped().ask(1, symbol, size, account, **facts)

    adds = combo("A", Leg("A", -60.0), Leg("B", -30.0))
    assert (adds.allowed, adds.cancel) == (False, ())
    closes = Leg("A", -60.0), Leg("B", 30.0)
    assert combo("A", *closes).cancel == ("stop",)
    assert combo("A", *closes).allowed
    assert (combo("B", *closes).allowed, combo("B", *closes).cancel) == (True, ())
    assert not combo("B", Leg("A", -61.0), Leg("B", 30.0)).allowed


def test_while_adding_is_allowed_a_combination_counts_as_an_exit_when_all_of_it_is_free() -> None:
    legs = (Leg("A", -60.0), Leg("B", 30.0))
    facts = {"kind": OrderKind.COMBO_MARKET, "group": 1, "legs": legs}
    stop = OpenOrder("stop", "B", 30.0, OrderKind.STOP, 25.0)

    free = Desk().ask(1, "A", -60.0, holding(A=60.0, B=-30.0), **facts)
    raced = Desk().ask(1, "A", -60.0, holding(stop, A=60.0, B=-30.0), **facts)

    assert (free.allowed, dict(free.evidence)) == (True, {})
    assert (raced.allowed, dict(raced.evidence)) == (True, {"adds": True})


def test_legs_in_parts_of_a_coin_stand_in_the_way_of_each_other_like_whole_ones() -> None:
    legs = (Leg("A", -0.5), Leg("B", -0.5))
    facts = {"kind": OrderKind.COMBO_MARKET, "group": 1, "legs": legs}
    beside = OpenOrder(9, "B", -0.6, OrderKind.MARKET)

    assert stopped().ask(1, "A", -0.5, holding(A=0.5, B=1.0), **facts).allowed
    assert not stopped().ask(1, "A", -0.5, holding(beside, A=0.5, B=1.0), **facts).allowed


def test_a_leg_without_a_size_closes_nothing() -> None:
    facts = {"kind": OrderKind.COMBO_MARKET, "legs": (Leg("A", -60.0), Leg("B", 0.0))}
    account = holding(OpenOrder(9, "B", -5.0), A=60.0, B=30.0)

    verdict = stopped().ask(1, "A", -60.0, account, **facts)

    assert not verdict.allowed
    assert verdict.reason == "no adding of A: stopped"


# ---------------------------------------------------------------- limits


def test_a_gate_alone_tells_what_it_limits() -> None:
    told = "order gate: position limit {}, gross limit {}; an order that reduces always passes"

    assert Desk().gate.describe() == [told.format("50% of equity", "1 x equity")]
    assert Desk(OFF).gate.describe() == [told.format("off", "off")]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_refusal_tells_what_would_be_reached_and_what_may_be(sign: float) -> None:
    account = holding(A=sign * 100.0, B=300.0)
    full = Desk().ask(1, "A", sign * 500.0, account)
    position, gross = full.reasons

    assert position.text == (
        "position limit of A: 6,000.00 with everything pending, limit 50.0% of equity = 5,000.00"
    )
    assert gross.text == (
        "gross limit: 12,000.00 with everything pending, limit 1.00 x equity = 10,000.00"
    )
    assert full.max_quantity == pytest.approx(sign * 300.0)
    half = Desk(standing=Verdict(Action.REDUCE, multiplier=0.5)).ask(1, "A", sign * 500.0, account)
    assert "limit 50.0% of equity x 0.50 = 2,500.00" in half.reason


def test_a_reduced_size_without_any_limit_refers_to_the_equity_itself() -> None:
    reduced = Verdict(Action.REDUCE, multiplier=0.5)

    assert Desk(OFF, reduced).ask(1, "A", 500.0, holding()).allowed
    assert Desk(OFF, reduced).ask(1, "A", 501.0, holding()).max_quantity == pytest.approx(500.0)
    assert Desk(OFF, reduced, leverage_limit=2.0).ask(1, "A", 1000.0, holding()).allowed


def test_the_strategys_own_gross_is_no_limit_while_the_size_is_full() -> None:
    own = replace(GROSS, full_gross=0.8)

    assert Desk(own).ask(1, "A", 1000.0, holding()).allowed
    assert (
        not Desk(own, Verdict(Action.REDUCE, multiplier=0.99))
        .ask(1, "A", 1000.0, holding())
        .allowed
    )


@pytest.mark.parametrize("limits", [BOTH, GROSS, OFF])
@pytest.mark.parametrize("held", [math.nan, math.inf])
def test_nothing_is_added_to_a_position_nobody_can_tell(limits: LimitSettings, held: float) -> None:
    verdict = Desk(limits).ask(1, "A", 1.0, holding(A=held))

    assert (verdict.allowed, verdict.max_quantity) == (False, 0.0)
    assert verdict.reason == f"expected a finite position in A, was {held}"


def test_parts_of_a_coin_on_one_side_do_not_hide_what_the_other_side_may_reach() -> None:
    """0.9 may be sold before any of the 0.4 and 0.1 is bought."""
    price = 10_000.0
    own = [OpenOrder(n, "A", q, OrderKind.LIMIT, price) for n, q in enumerate((0.4, -0.9))]

    for other, passes in ((50.0, True), (51.0, False)):
        account = holding(*own, B=other)
        assert Desk(GROSS).ask(9, "A", 0.1, account, reference_price=price).allowed is passes


def test_a_position_that_grew_since_the_last_question_counts_though_no_order_is_on_its_way() -> (
    None
):
    desk = Desk(GROSS)
    assert not desk.ask(1, "A", 5_000.0, holding(B=10.0)).allowed

    verdict = desk.ask(2, "A", 200.0, holding(B=450.0))

    assert (verdict.allowed, verdict.max_quantity) == (False, pytest.approx(100.0))


def test_a_price_below_one_is_a_price() -> None:
    assert Desk().ask(1, "A", 10_000.0, holding(), reference_price=0.5).allowed
    assert not Desk().ask(1, "A", 10_001.0, holding(), reference_price=0.5).allowed


def test_the_limits_of_the_whole_book_are_asked_about_orders_only_that_pass_the_rest() -> None:
    flat = ProtectionSettings.wide_open().to_flat()
    flat |= {"limits.max_position": "0.5", "exposure.max_net": "0.3"}
    system = ProtectionSystem(ProtectionSettings.from_flat(flat), clock=ManualClock(NOW))

    def guards(number: int, quantity: float) -> list[str]:
        order = OrderRequest(number, "A", quantity, reference_price=10.0, reference_time=NOW)
        return [reason.guard for reason in system.authorize(order, holding()).reasons]

    assert guards(1, 400.0) == ["max_net"]
    assert guards(2, 600.0) == ["max_position"]


def test_the_room_of_a_check_below_that_of_the_exit_is_not_told() -> None:
    flat = ProtectionSettings.wide_open().to_flat() | {"orders.max_quantity": "10"}
    system = ProtectionSystem(ProtectionSettings.from_flat(flat), clock=ManualClock(NOW))
    order = OrderRequest(1, "A", -200.0, reference_price=10.0, reference_time=NOW)

    verdict = system.authorize(order, holding(A=40.0))

    assert (verdict.allowed, verdict.max_quantity) == (False, -40.0)
    assert system.authorize(replace(order, order_id=2, quantity=-40.0), holding(A=40.0)).allowed
