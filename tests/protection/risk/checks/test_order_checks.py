"""Order checks: each refuses what it should, lets the rest pass, and never blocks an exit."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protection.contracts import (
    Action,
    Bar,
    FixSettings,
    OpenOrder,
    OrderKind,
    OrderRequest,
    ProtectionSettings,
    Trade,
)
from protection.contracts.stores import MemoryStateStore
from protection.risk.checks.catalogue import SEQUENCE
from protection.risk.checks.flow import Window
from protection.risk.checks.market import luld_bands
from tests.protection.conftest import World

MONDAY = datetime(2020, 1, 6, 15, 0, tzinfo=UTC)  # 10:00 in New York


def make(**orders: str) -> World:
    flat = {f"orders.{key}": value for key, value in orders.items()}
    world = World(ProtectionSettings.from_flat(flat))
    world.clock.set(MONDAY)
    world.restart()
    world.system.evaluate(world.portfolio())
    return world


def ask(world: World, number: int, quantity: float, symbol: str = "SPY", **more):  # type: ignore[no-untyped-def]
    given = {"reference_price": 100.0, "reference_time": world.clock.now(), **more}
    return world.system.authorize(
        OrderRequest(number, symbol, quantity, **given), world.portfolio()
    )


def refuses(verdict, guard: str) -> bool:  # type: ignore[no-untyped-def]
    return not verdict.allowed and guard in [reason.guard for reason in verdict.reasons]


# settings, an order that passes, an order that does not, the check
SINGLE = [
    ({"restricted": "GME; AMC"}, {}, {"symbol": "GME"}, "restricted"),
    ({"restricted": "GME"}, {"symbol": "GMEX"}, {"symbol": "GME R735QTJ8XC9X"}, "restricted"),
    ({"instruments": "SPY; QQQ"}, {}, {"symbol": "IWM"}, "instruments"),
    ({"max_quantity": "50"}, {"quantity": 50.0}, {"quantity": 50.1}, "max_quantity"),
    ({"max_notional": "5000"}, {"quantity": 50.0}, {"quantity": 50.1}, "max_notional"),
    (
        {"collar": "0.05"},
        {"kind": OrderKind.LIMIT, "limit_price": 105.0},
        {"kind": OrderKind.LIMIT, "limit_price": 105.1},
        "collar",
    ),
    (
        {"collar": "0.05"},
        {"kind": OrderKind.STOP, "stop_price": 95.0},
        {"kind": OrderKind.STOP, "stop_price": float("nan")},
        "collar",
    ),
    ({"stage_capital": "9000"}, {"quantity": 90.0}, {"quantity": 90.1}, "stage_capital"),
    ({"window_quantity": "10"}, {"quantity": 10.0}, {"quantity": 10.1}, "window_quantity"),
    ({"window_notional": "1000"}, {"quantity": 10.0}, {"quantity": 10.1}, "window_notional"),
]


@pytest.mark.parametrize(("on", "good", "bad", "guard"), SINGLE)
def test_a_check_of_one_order_refuses_exactly_beyond_its_limit(on, good, bad, guard) -> None:
    world = make(**on)
    verdict = ask(world, 1, **{"quantity": 10.0, **bad})
    assert refuses(verdict, guard)
    assert guard.replace("_", " ").split()[-1] in verdict.reason or verdict.reason
    assert ask(world, 2, **{"quantity": 10.0, **good}).allowed


@pytest.mark.parametrize(("on", "good", "bad", "guard"), SINGLE)
def test_no_check_blocks_an_exit(on, good, bad, guard) -> None:
    world = make(**on)
    order = {"quantity": 10.0, "symbol": "SPY", **bad}
    world.hold(order["symbol"], -abs(order["quantity"]), 100.0)
    assert ask(world, 1, **order).allowed


def test_a_symbol_must_have_been_observed() -> None:
    world = make(observed="true")
    assert refuses(ask(world, 1, 1.0), "observed")
    world.system.observe(Trade("SPY", world.clock.now(), 100.0))
    assert ask(world, 2, 1.0).allowed


@pytest.mark.parametrize(
    ("when", "passes"),
    [
        ("2020-01-06T14:29", False),
        ("2020-01-06T14:30", True),
        ("2020-01-06T20:59", True),
        ("2020-01-06T21:00", False),
        ("2020-01-04T15:00", False),
        ("2020-07-06T13:30", True),
    ],
)
def test_adding_keeps_to_the_session_in_its_own_zone(when, passes) -> None:
    world = make(session="09:30-16:00")
    world.clock.set(datetime.fromisoformat(when).replace(tzinfo=UTC))
    world.restart()
    assert ask(world, 1, 1.0).allowed is passes


def test_rates_count_everything_sent_and_free_themselves_with_time() -> None:
    world = make(max_messages="3", max_orders="2")
    assert ask(world, 1, 1.0).allowed
    assert ask(world, 2, 2.0).allowed
    verdict = ask(world, 3, 3.0)
    assert refuses(verdict, "order_rate")
    assert not refuses(verdict, "message_rate")
    assert ask(world, 2, 3.0, is_update=True).allowed  # a message, no new order
    both = ask(world, 4, 1.0)
    assert [reason.guard for reason in both.reasons] == ["message_rate", "order_rate"]
    world.clock.advance(timedelta(seconds=1))
    assert ask(world, 5, 1.0).allowed


def test_exits_are_counted_and_never_refused() -> None:
    world = make(max_orders="2")
    world.hold("SPY", 100, 100.0)
    for number in range(5):
        assert ask(world, number, -10.0).allowed
    assert refuses(ask(world, 9, 1.0, symbol="QQQ"), "order_rate")


def test_the_count_of_the_day_survives_a_restart_and_ends_with_the_session(make_world) -> None:
    store = MemoryStateStore()
    world = make_world(ProtectionSettings.from_flat({"orders.per_day": "2"}), store)
    world.day(100_000)
    assert ask(world, 1, 1.0).allowed
    assert ask(world, 2, 1.0).allowed
    world.restart()
    world.system.evaluate(world.portfolio())
    assert refuses(ask(world, 3, 1.0), "orders_per_day")
    world.day(100_000)
    assert ask(world, 4, 1.0).allowed


def test_the_same_order_twice_is_a_duplicate_and_another_one_is_not() -> None:
    world = make(duplicate_seconds="5")
    assert ask(world, 1, 10.0).allowed
    assert refuses(ask(world, 2, 10.0), "duplicate")
    assert ask(world, 3, 11.0).allowed
    assert ask(world, 4, 10.0, symbol="QQQ").allowed
    assert ask(world, 5, 10.0, strategy="other").allowed
    world.clock.advance(timedelta(seconds=5))
    assert ask(world, 6, 10.0).allowed


def test_the_same_signal_too_often_latches_its_symbol_until_re_armed_even_over_a_restart(
    make_world,
) -> None:
    store = MemoryStateStore()
    world = make_world(
        ProtectionSettings.from_flat({"orders.repeats": "3", "orders.repeat_seconds": "10"}), store
    )
    world.system.evaluate(world.portfolio())
    for number in range(3):
        assert ask(world, number, 1.0 + number).allowed
    assert refuses(ask(world, 4, 1.0), "repeated_execution")
    world.clock.advance(timedelta(hours=5))
    world.restart()
    world.system.evaluate(world.portfolio())
    assert refuses(ask(world, 5, 1.0), "repeated_execution")
    assert ask(world, 6, 1.0, symbol="QQQ").allowed
    world.system.rearm("repeated_execution", "Ada", "signal mended")
    assert ask(world, 7, 1.0).allowed


def test_a_far_larger_order_than_usual_is_a_fat_finger() -> None:
    world = make(history_multiple="10")
    for number in range(5):
        assert ask(world, number, 2.0).allowed
    verdict = ask(world, 9, 21.0)
    assert refuses(verdict, "history")
    assert verdict.max_quantity == pytest.approx(20.0)
    assert ask(world, 10, 20.0).allowed


def test_an_order_is_held_against_the_average_volume_of_past_sessions() -> None:
    world = make(adv_share="0.01")
    assert refuses(ask(world, 1, 1.0), "adv")  # no volume known
    for volume in (1000.0, 3000.0, 99.0):
        world.clock.advance(timedelta(days=1))
        world.system.observe(Bar("SPY", world.clock.now(), 100, 100, 100, 100, volume))
    assert ask(world, 2, 20.0).allowed
    verdict = ask(world, 3, 20.1)
    assert refuses(verdict, "adv")
    assert verdict.max_quantity == pytest.approx(20.0)


@pytest.mark.parametrize(
    ("quantity", "limit", "resting", "passes"),
    [
        (10, 100.0, -5, False),
        (10, 98.9, -5, True),
        (10, None, -5, False),
        (10, 100.0, 5, True),
        (-10, 99.0, 5, False),
        (-10, 99.1, 5, True),
    ],
)
def test_an_order_may_not_meet_a_resting_one_of_its_own(quantity, limit, resting, passes) -> None:
    world = make(self_trade="true")
    world.open = [OpenOrder(7, "SPY", resting, OrderKind.LIMIT, 99.0)]
    kind = OrderKind.MARKET if limit is None else OrderKind.LIMIT
    verdict = ask(world, 1, quantity, kind=kind, limit_price=limit)
    assert verdict.allowed is passes
    assert passes or refuses(verdict, "self_trade")


def test_a_protective_stop_is_no_self_trade() -> None:
    world = make(self_trade="true")
    world.open = [OpenOrder(7, "SPY", -5, OrderKind.STOP, 99.0)]
    assert ask(world, 1, 10.0).allowed


@pytest.mark.parametrize(
    ("reference", "close", "tier", "at", "bands"),
    [
        (100.0, 99.0, 1, time(10), (95.0, 105.0)),
        (100.0, 99.0, 2, time(10), (90.0, 110.0)),
        (100.0, 99.0, 1, time(9, 35), (95.0, 105.0)),  # no doubling at the open any more
        (100.0, 99.0, 1, time(15, 35), (90.0, 110.0)),
        (100.0, 99.0, 2, time(15, 35), (90.0, 110.0)),  # tier 2 above $3: not doubled
        (2.0, 2.0, 2, time(10), (1.6, 2.4)),
        (2.0, 3.0, 2, time(15, 59), (1.2, 2.8)),
        (0.5, 0.5, 2, time(10), (0.35, 0.65)),
        (0.12, 0.12, 2, time(10), (0.03, 0.21)),  # below $0.20 75% is the lesser
        (100.0, 99.0, 1, time(9, 29), None),
        (100.0, 99.0, 1, time(16), None),
    ],
)
def test_the_bands_are_those_of_the_plan(reference, close, tier, at, bands) -> None:
    found = luld_bands(reference, close, tier, at)
    assert found == (None if bands is None else pytest.approx(bands, abs=0.0051))


def test_adding_keeps_to_the_bands_around_the_five_minute_mean() -> None:
    world = make(luld_tier="1")
    assert refuses(ask(world, 1, 1.0), "luld")  # nothing observed today
    world.system.observe(Trade("SPY", world.clock.now(), 100.0))
    assert ask(world, 2, 1.0, reference_price=104.9).allowed
    assert refuses(ask(world, 3, 1.0, reference_price=105.1), "luld")
    for _ in range(6):
        world.clock.advance(timedelta(minutes=1))
        world.system.observe(Trade("SPY", world.clock.now(), 104.9))
    assert ask(world, 4, 1.0, reference_price=105.1).allowed


def test_all_evaluated_reasons_are_kept_in_the_fixed_sequence() -> None:
    world = make(
        restricted="SPY", instruments="QQQ", max_quantity="5", max_notional="400", collar="0.01"
    )
    verdict = ask(world, 1, 3000.0, kind=OrderKind.LIMIT, limit_price=150.0)
    guards = [reason.guard for reason in verdict.reasons]
    assert guards == [
        *("restricted", "instruments", "collar", "max_quantity", "max_notional", "max_leverage")
    ]
    order = [step.guard for step in SEQUENCE]
    assert guards == sorted(guards, key=order.index)
    assert verdict.max_quantity == 0.0
    assert verdict.state is Action.FREEZE


def test_without_a_reference_price_nothing_after_it_is_judged() -> None:
    world = make(restricted="SPY", max_notional="1")
    for price in (None, 0.0, float("nan"), float("inf"), -1.0):
        verdict = ask(world, 1, 10.0, reference_price=price)
        assert [reason.guard for reason in verdict.reasons] == ["restricted", "price"]


def test_nothing_is_checked_by_default() -> None:
    world = World()
    world.system.evaluate(world.portfolio())
    for number in range(50):
        assert ask(world, number, 10.0).allowed
    assert "order checks: off" in world.system.describe()


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("restricted", ";"),
        ("session", "16:00-09:30"),
        ("session", "9"),
        ("luld_tier", "3"),
        ("repeats", "1"),
        ("collar", "5"),
        ("history_multiple", "1"),
    ],
)
def test_impossible_settings_are_refused_by_name(key, text) -> None:
    with pytest.raises(FixSettings, match=rf"orders\.{key}"):
        ProtectionSettings.from_flat({f"orders.{key}": text})


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9)), max_size=40), st.integers(1, 20))
def test_a_window_holds_exactly_what_is_younger_than_its_span(steps, span) -> None:
    window, now, kept = Window(span), MONDAY, []
    for wait, amount in steps:
        now += timedelta(seconds=wait)
        window.add(now, amount)
        kept.append((now, amount))
        young = sum(a for t, a in kept if now - t < timedelta(seconds=span))
        assert window.total(now) == young
