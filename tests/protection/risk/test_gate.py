"""The order gate: what passes, what does not, and what must be cancelled along."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protection.contracts import (
    Action,
    Leg,
    OpenOrder,
    OrderEvent,
    OrderKind,
    OrderRequest,
    OrderStatus,
    ProtectionSettings,
)
from protection.risk.gate import judge_exit
from protection.risk.orders import Pending


def ask(world, number, quantity, symbol="SPY", price=100.0, portfolio=None, **more):
    order = OrderRequest(
        number,
        symbol,
        quantity,
        reference_price=price,
        reference_time=world.clock.now(),
        **more,
    )
    return world.system.authorize(order, world.portfolio() if portfolio is None else portfolio)


def happened(world, number, status, fill=0.0, symbol="SPY", **more):
    world.system.on_order_event(OrderEvent(number, symbol, status, world.clock.now(), fill, **more))


def test_a_plain_opening_passes_and_is_counted_until_its_events_account_for_it(world) -> None:
    assert ask(world, 1, 100).allowed
    assert world.system.in_flight == 1

    happened(world, 1, OrderStatus.SUBMITTED)
    happened(world, 1, OrderStatus.PARTIALLY_FILLED, 40, event_id=1)
    assert world.system.in_flight == 1
    happened(world, 1, OrderStatus.FILLED, 60, event_id=2)
    assert world.system.in_flight == 0
    happened(world, 1, OrderStatus.SUBMITTED)  # late
    happened(world, 1, OrderStatus.FILLED, 60, event_id=2)  # again
    assert world.system.in_flight == 0
    assert world.system.unseen_orders == frozenset()


@pytest.mark.parametrize("how", ["kill", "freeze", "stale", "nan", "clock back", "ledger"])
def test_in_every_bad_state_adding_is_denied_and_reducing_passes(make_world, how) -> None:
    class Dead:
        def append(self, entry) -> None:
            raise OSError("no space left")

    world = make_world(ledger=Dead() if how == "ledger" else None)
    world.hold("SPY", 100, 100)
    world.system.evaluate(world.portfolio())
    if how == "kill":
        world.system.kill("Ada", "test")
    elif how == "freeze":
        world.day(84_000)
    elif how == "nan":
        world.equity = math.nan
    old = world.portfolio()
    if how == "stale":
        world.clock.advance(timedelta(minutes=5))
    elif how == "clock back":
        world.clock.advance(timedelta(minutes=-5))
        old = world.portfolio()

    for number, quantity in enumerate([1, 100, -101, -200]):
        verdict = ask(world, number, quantity, portfolio=old)
        assert not verdict.allowed, quantity
        assert verdict.reason
    assert ask(world, 10, -60, portfolio=old).allowed
    assert ask(world, 11, -40, portfolio=old).allowed
    assert not ask(world, 12, -1, portfolio=old).allowed  # both exits together are the position


def test_short_positions_are_judged_the_same_way(world) -> None:
    world.hold("SPY", -100, 100)
    world.system.kill("Ada", "test")

    assert not ask(world, 1, -1).allowed
    assert not ask(world, 2, 101).allowed
    assert ask(world, 3, 100).allowed


def test_two_exits_racing_cannot_flip_the_position_while_killed(world) -> None:
    world.hold("SPY", 100, 100)
    world.system.kill("Ada", "test")
    moc = OpenOrder(7, "SPY", -100, OrderKind.MARKET_ON_CLOSE)

    verdict = ask(world, 8, -100, portfolio=world.portfolio([moc]))

    assert not verdict.allowed
    assert verdict.max_quantity == 0.0


def test_pending_buys_do_not_excuse_an_oversell(world) -> None:
    world.hold("SPY", 100, 100)
    world.system.kill("Ada", "test")
    buy = OpenOrder(7, "SPY", 50, OrderKind.LIMIT, 90.0)

    assert not ask(world, 8, -150, portfolio=world.portfolio([buy])).allowed
    assert ask(world, 9, -100, portfolio=world.portfolio([buy])).allowed


def test_an_exit_blocked_only_by_the_users_own_stop_passes_and_names_it(world) -> None:
    world.hold("SPY", 100, 100)
    stop = OpenOrder(7, "SPY", -100, OrderKind.STOP, 90.0)
    world.system.evaluate(world.portfolio())
    world.system.kill("Ada", "test")

    verdict = ask(world, 8, -100, portfolio=world.portfolio([stop]))

    assert verdict.allowed
    assert verdict.cancel == (7,)
    assert world.system.counters["excused"] == 1


def test_no_more_resting_orders_are_named_than_stand_in_the_way(world) -> None:
    world.hold("SPY", 100, 100)
    world.system.kill("Ada", "test")
    resting = [
        OpenOrder(7, "SPY", -30, OrderKind.STOP, 90.0),
        OpenOrder(8, "SPY", -30, OrderKind.LIMIT, 110.0),
        OpenOrder(9, "SPY", -30, OrderKind.STOP, 95.0),
    ]

    assert ask(world, 10, -10, portfolio=world.portfolio(resting)).cancel == ()
    assert ask(world, 11, -30, portfolio=world.portfolio(resting)).cancel == (9,)


def test_a_bracket_in_a_good_state_is_left_alone(world) -> None:
    world.hold("SPY", 100, 100)
    stop = OpenOrder(7, "SPY", -100, OrderKind.STOP, 90.0)

    verdict = ask(
        world, 8, -100, portfolio=world.portfolio([stop]), kind=OrderKind.LIMIT, limit_price=120.0
    )

    assert verdict.allowed
    assert verdict.cancel == ()


def test_the_own_id_among_the_open_orders_is_not_counted(world) -> None:
    world.hold("SPY", 100, 100)
    world.system.kill("Ada", "test")
    own = OpenOrder(8, "SPY", -100, OrderKind.MARKET)

    assert ask(world, 8, -100, portfolio=world.portfolio([own])).allowed


def test_a_refused_order_tells_the_part_that_would_have_passed(make_world) -> None:
    world = make_world(ProtectionSettings.from_flat({"limits.max_position": "0.2"}))
    world.hold("SPY", 100, 100)  # 10% of the account

    verdict = ask(world, 1, 500)
    assert not verdict.allowed
    assert verdict.max_quantity == pytest.approx(100)
    assert ask(world, 2, verdict.max_quantity).allowed

    world.system.kill("Ada", "test")
    assert ask(world, 3, -150).max_quantity == -100


def test_the_position_limit_counts_everything_that_may_still_fill(make_world) -> None:
    world = make_world(ProtectionSettings.from_flat({"limits.max_position": "0.2"}))
    resting = OpenOrder(7, "SPY", 100, OrderKind.LIMIT, 99.0)

    assert ask(world, 1, 60, portfolio=world.portfolio([resting])).allowed
    assert not ask(world, 2, 60, portfolio=world.portfolio([resting])).allowed  # 1 is in flight
    happened(world, 1, OrderStatus.CANCELED)
    assert ask(world, 3, 100, portfolio=world.portfolio([resting])).allowed


def test_an_update_is_judged_by_its_new_size_and_keeps_the_old_when_refused(make_world) -> None:
    world = make_world(ProtectionSettings.from_flat({"limits.max_position": "0.2"}))
    assert ask(world, 1, 100, kind=OrderKind.LIMIT, limit_price=100.0).allowed

    assert not ask(world, 1, 500, kind=OrderKind.LIMIT, is_update=True).allowed
    assert ask(world, 1, 150, kind=OrderKind.LIMIT, is_update=True).allowed
    assert not ask(world, 2, 60).allowed
    happened(world, 1, OrderStatus.UPDATED, quantity=120)
    assert ask(world, 3, 60).allowed


def test_the_gross_limit_holds_over_symbols_and_lets_a_rotation_pass(world) -> None:
    world.hold("SPY", 1500, 100)  # 150% of the account
    selling = OpenOrder(1, "SPY", -1500, OrderKind.MARKET_ON_OPEN)
    resting = OpenOrder(2, "SPY", -1500, OrderKind.LIMIT, 110.0)

    assert not ask(world, 3, 1500, "QQQ").allowed
    assert not ask(world, 4, 1500, "QQQ", portfolio=world.portfolio([resting])).allowed
    assert ask(world, 5, 1500, "QQQ", portfolio=world.portfolio([selling])).allowed
    assert not ask(world, 6, 1000, "IWM", portfolio=world.portfolio([selling])).allowed


def test_an_open_order_without_any_price_denies_adding(world) -> None:
    foreign = OpenOrder(9, "XYZ", 10, OrderKind.MARKET)

    verdict = ask(world, 1, 10, portfolio=world.portfolio([foreign]))

    assert not verdict.allowed
    assert "XYZ" in verdict.reason


@pytest.mark.parametrize("price", [None, 0.0, -1.0, math.nan, math.inf])
def test_a_missing_or_impossible_reference_price_denies_adding_only(world, price) -> None:
    world.hold("SPY", 100, 100)

    assert not ask(world, 1, 10, price=price).allowed
    assert ask(world, 2, -10, price=price).allowed


def test_a_stale_reference_price_denies_adding(world) -> None:
    old = world.clock.now() - timedelta(days=6)
    order = OrderRequest(1, "SPY", 10, reference_price=100.0, reference_time=old)

    verdict = world.system.authorize(order, world.portfolio())

    assert not verdict.allowed
    assert "stale" in verdict.reason


@pytest.mark.parametrize("quantity", [math.nan, math.inf])
def test_an_order_of_no_size_is_denied(world, quantity) -> None:
    assert not ask(world, 1, quantity).allowed


def test_an_exercise_is_judged_by_what_it_delivers(world) -> None:
    world.hold("SPY", -100, 100)
    world.hold("SPY CALL", 2, 5)
    world.system.kill("Ada", "test")

    def exercise(number, delivered):
        return ask(
            world,
            number,
            -1,
            "SPY CALL",
            kind=OrderKind.OPTION_EXERCISE,
            underlying="SPY" if delivered is not None else None,
            underlying_quantity=delivered,
        )

    assert exercise(1, 100).allowed  # covers the short
    assert not exercise(2, -100).allowed
    assert not exercise(3, None).allowed


def test_a_combination_stands_or_falls_as_one(world) -> None:
    world.hold("CALL 1", 1, 5)
    world.system.kill("Ada", "test")
    roll = (Leg("CALL 1", -1), Leg("CALL 2", 1))
    close = (Leg("CALL 1", -1),)

    assert not ask(world, 1, -1, "CALL 1", group=77, legs=roll).allowed
    second = ask(world, 2, 1, "CALL 2", group=77, legs=roll)
    assert not second.allowed
    assert "combination 77" in second.reason
    assert ask(world, 3, -1, "CALL 1", group=78, legs=close).allowed


def test_the_reduced_size_limits_what_may_be_added(make_world) -> None:
    world = make_world(ProtectionSettings.from_flat({"limits.full_gross": "1.0"}))
    world.system.evaluate(world.portfolio())
    for equity in (99_000, 98_000, 97_000, 96_000, 95_000, 94_000, 93_000, 92_000, 91_000, 90_000,
                   89_200, 88_000, 87_000, 86_000, 85_000, 84_000):  # fmt: skip
        verdict = world.day(equity)
    assert verdict.state is Action.REDUCE
    share = verdict.multiplier
    assert 0.4 < share < 0.6

    assert not ask(world, 1, 600).allowed
    assert ask(world, 2, math.floor(share * 840)).allowed


def test_an_order_killed_while_it_was_judged_is_taken_back(world, monkeypatch) -> None:
    world.system.evaluate(world.portfolio())
    answers = iter([False, True])
    monkeypatch.setattr(world.system._gate, "_killed", lambda: next(answers, True))

    assert ask(world, 1, 10).allowed
    verdict = ask(world, 2, 10)

    assert not verdict.allowed
    assert "killed" in verdict.reason
    assert world.system.in_flight == 1


def test_an_update_killed_while_it_was_judged_leaves_the_old_size_counted(
    world, monkeypatch
) -> None:
    assert ask(world, 1, 100, kind=OrderKind.LIMIT).allowed
    monkeypatch.setattr(world.system._gate, "_killed", lambda: True)

    assert not ask(world, 1, 150, kind=OrderKind.LIMIT, is_update=True).allowed

    assert [p.quantity for p in world.system._gate.book.pending((), None)] == [100]


quantities = st.integers(-300, 300)


@given(
    st.integers(-200, 200),
    quantities,
    st.lists(st.tuples(quantities, st.booleans()), max_size=5),
)
def test_whatever_reduces_cannot_grow_or_flip_the_position_in_any_order_of_fills(
    held: int, quantity: int, others: list[tuple[int, bool]]
) -> None:
    side = [
        Pending(n, "SPY", float(q), resting, None, 1.0)
        for n, (q, resting) in enumerate(others)
        if q * quantity > 0
    ]

    answer = judge_exit(float(held), float(quantity), side)

    pending = sum(p.quantity for p in side)
    kept = sum(p.quantity for p in side if p.order_id not in answer.cancel)
    if answer.reduces:
        assert abs(held + pending + quantity) <= abs(held)
        assert (held + pending + quantity) * held >= 0
    if answer.excused:
        assert (held + kept + quantity) * held >= 0
        assert all(p.resting for p in side if p.order_id in answer.cancel)
    alone = held * quantity < 0 and abs(quantity) <= abs(held)
    if alone and all(p.resting for p in side):
        assert answer.reduces or answer.excused  # the user's own resting orders block no exit
    assert abs(answer.room) <= abs(held)


def test_the_legs_of_one_combination_do_not_stand_in_each_others_way(world) -> None:
    world.hold("CALL 1", 2, 5)
    world.hold("CALL 2", -2, 3)
    world.system.kill("Ada", "test")
    legs = (Leg("CALL 1", -2), Leg("CALL 2", 2))
    own = [
        OpenOrder(1, "CALL 1", -2, OrderKind.COMBO_MARKET, group=77),
        OpenOrder(2, "CALL 2", 2, OrderKind.COMBO_MARKET, group=77),
    ]
    foreign = OpenOrder(9, "CALL 2", 1, OrderKind.MARKET)

    assert ask(world, 1, -2, "CALL 1", group=77, legs=legs, portfolio=world.portfolio(own)).allowed
    with_foreign = world.portfolio([*own, foreign])
    assert not ask(world, 3, -2, "CALL 1", group=78, legs=legs, portfolio=with_foreign).allowed


def test_a_rotation_out_of_a_short_passes_and_one_that_may_not_fill_does_not(world) -> None:
    world.hold("QQQ", -2000, 100)
    for kind, passes in ((OrderKind.MARKET, True), (OrderKind.LIMIT, False)):
        cover = OpenOrder(f"cover {kind.value}", "QQQ", 2000, kind, 99.0)
        world.open = [cover]
        assert ask(world, f"rotate {kind.value}", 1500).allowed is passes
        happened(world, f"rotate {kind.value}", OrderStatus.CANCELED, filled_total=0.0)
