"""The gate against a plain recount: what passes, by how much it would have passed, and edges."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, example, given, settings
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
from protection.risk.gate import judge_exit
from protection.risk.orders import Pending
from protection.system import ProtectionSystem

NOW = datetime(2020, 1, 6, 15, tzinfo=UTC)
EQUITY = 10_000.0
PRICE = {"A": 2.0, "B": 20.0}
UNIT = {"A": 10.0, "B": 40.0}  # with the multipliers 5 and 2
MAX_POSITION, MAX_GROSS = 0.5, 1.0


def limited(**changes: float | None) -> ProtectionSettings:
    """Nothing on but the gate's own limits."""
    wide = ProtectionSettings.wide_open()
    given_ = {"max_position": MAX_POSITION, "max_leverage": MAX_GROSS, **changes}
    return replace(wide, limits=replace(wide.limits, **given_))  # type: ignore[arg-type]


def account(
    held: dict[str, float], pending: list[tuple[str, float, bool]], equity: float = EQUITY
) -> Portfolio:
    return Portfolio(
        NOW,
        equity,
        {s: Position(s, q, PRICE[s], PRICE[s], UNIT[s] / PRICE[s]) for s, q in held.items() if q},
        tuple(
            OpenOrder(
                100 + n,
                symbol,
                quantity,
                OrderKind.LIMIT if resting else OrderKind.MARKET,
                PRICE[symbol],
                UNIT[symbol] / PRICE[symbol],
            )
            for n, (symbol, quantity, resting) in enumerate(pending)
            if quantity
        ),
    )


def ask(
    system: ProtectionSystem, portfolio: Portfolio, number: int, quantity: float, **more: object
) -> Verdict:
    usual = {"reference_price": PRICE["A"], "reference_time": NOW, "multiplier": 5.0}
    given_ = {**usual, **more}
    return system.authorize(OrderRequest(number, "A", quantity, **given_), portfolio)  # type: ignore[arg-type]


def judged(
    portfolio: Portfolio, quantity: float, flat: ProtectionSettings | None = None
) -> Verdict:
    system = ProtectionSystem(flat or limited(), clock=ManualClock(NOW))
    return ask(system, portfolio, 1, quantity)


def reach(held: float, moves: list[float]) -> float:
    """Largest size a symbol can come to when any of its orders fill."""
    up, down = sum(m for m in moves if m > 0), sum(m for m in moves if m < 0)
    return max(abs(held), abs(held + up), abs(held + down))


def others_reach(held: float, moves: list[tuple[float, bool]]) -> float:
    """The same for a symbol that is not asked about: exits that wait for no price are sure."""
    sure = sum(m for m, resting in moves if not resting)
    up = held + sum(m for m, _ in moves if m > 0)
    down = held + sum(m for m, _ in moves if m < 0)
    if held > 0 > sure:
        up = max(0.0, up + sure)
    if held < 0 < sure:
        down = min(0.0, down + sure)
    return max(up, -down, 0.0)


def fits(held: dict[str, float], pending: list[tuple[str, float, bool]], quantity: float) -> bool:
    """Whether an adding order keeps to both limits, recounted."""
    own = [q for s, q, _ in pending if s == "A"]
    worst = abs(held["A"] + sum(q for q in own if q * quantity > 0) + quantity)
    gross = UNIT["A"] * reach(held["A"], [*own, quantity])
    moves = [(q, resting) for s, q, resting in pending if s == "B"]
    gross += UNIT["B"] * others_reach(held["B"], moves)
    slack = 1e-6
    return worst * UNIT["A"] <= MAX_POSITION * EQUITY + slack and (
        gross <= MAX_GROSS * EQUITY + slack
    )


amounts = st.integers(-300, 300).map(float)
orders = st.lists(
    st.tuples(st.sampled_from(["A", "B"]), st.integers(-120, 120).map(float), st.booleans()),
    max_size=4,
)


@given(amounts, st.integers(-150, 150).map(float), orders, st.integers(1, 800), st.booleans())
@settings(max_examples=250, deadline=None)
@example(0.0, -104.0, [("A", -105.0, False), ("B", -120.0, False)], 1, False)
def test_an_adding_order_passes_exactly_when_a_recount_fits_and_its_room_is_the_largest_that_does(
    mine: float,
    other: float,
    pending: list[tuple[str, float, bool]],
    size: int,
    short: bool,
) -> None:
    held = {"A": mine, "B": other}
    quantity = -float(size) if short else float(size)
    assume(mine * quantity >= 0)  # exits are judged below
    portfolio = account(held, pending)

    verdict = judged(portfolio, quantity)

    assert verdict.allowed == fits(held, pending, quantity)
    if verdict.allowed:
        return
    room = verdict.max_quantity
    assert room is not None
    assert room * quantity >= 0
    assert abs(room) < abs(quantity)
    if room:
        assert judged(portfolio, room * (1 - 1e-9)).allowed
    assert not judged(portfolio, room + math.copysign(0.01, quantity)).allowed


sides = st.lists(st.tuples(st.sampled_from([0.05, 0.25, 1.0, 40.0]), st.booleans()), max_size=4)


@given(
    st.sampled_from([0.25, 0.5, 1.0, 100.0]),
    st.sampled_from([0.05, 0.25, 0.5, 1.0, 60.0, 100.0]),
    sides,
    st.sampled_from([(1, -1), (-1, 1), (1, 1), (-1, -1)]),
)
@settings(max_examples=300, deadline=None)
def test_an_exit_passes_exactly_when_everything_on_its_side_closes_no_more_than_is_held(
    position: float, size: float, others: list[tuple[float, bool]], signs: tuple[int, int]
) -> None:
    held, quantity = signs[0] * position, signs[1] * size
    side = [
        Pending(n, "A", signs[1] * amount, resting, 10.0, 1.0, None)
        for n, (amount, resting) in enumerate(others)
    ]

    found = judge_exit(held, quantity, side)

    firm = sum(amount for amount, resting in others if not resting)
    free = sum(amount for amount, resting in others if resting)
    if signs[0] == signs[1]:
        assert (found.reduces, found.excused, found.cancel, found.room) == (False, False, (), 0.0)
        return
    assert found.reduces == (size + firm + free <= position + 1e-9)
    assert found.excused == (not found.reduces and size + firm <= position + 1e-9)
    if found.reduces:
        assert found.room == quantity
    else:
        assert found.room == pytest.approx(signs[1] * max(0.0, position - firm - free))
    if found.excused:
        # the newest resting ones, just as many as are needed
        dropped = [amount for n, (amount, _) in enumerate(others) if n in found.cancel]
        left = firm + free - sum(dropped)
        assert size + left <= position + 1e-9
        assert size + left + dropped[0 if len(dropped) == 1 else dropped.index(dropped[0])] > 0
        oldest = min(found.cancel)
        assert size + left + others[oldest][0] > position + 1e-12
        newer = [n for n, (_, resting) in enumerate(others) if resting and n > oldest]
        assert set(newer) <= set(found.cancel)
    else:
        assert found.cancel == ()


@pytest.mark.parametrize("held", [0.5, -0.5])
def test_parts_of_a_coin_are_judged_like_whole_ones(held: float) -> None:
    system = ProtectionSystem(limited(), clock=ManualClock(NOW))
    system.kill("Ada", "test")
    portfolio = account({"A": held, "B": 0.0}, [])

    assert not ask(system, portfolio, 1, held * 0.8).allowed  # it adds
    assert not ask(system, portfolio, 2, -held * 1.2).allowed  # it flips
    assert ask(system, portfolio, 3, -held * 0.8).allowed
    assert not ask(system, portfolio, 4, -held * 0.4).allowed  # both together are too much
    assert ask(system, portfolio, 5, -held * 0.2).allowed


def test_an_update_is_judged_by_what_is_left_to_fill() -> None:
    system = ProtectionSystem(limited(), clock=ManualClock(NOW))
    before = account({"A": 100.0, "B": 0.0}, [])
    assert ask(system, before, 7, -100.0).allowed
    system.kill("Ada", "test")
    after = account({"A": 60.0, "B": 0.0}, [])  # 40 of it were sold meanwhile

    same = ask(system, after, 7, -100.0, is_update=True, filled=-40.0)
    larger = ask(system, after, 7, -101.0, is_update=True, filled=-40.0)

    assert same.allowed
    assert not larger.allowed


def test_an_exercise_is_judged_by_what_it_delivers() -> None:
    system = ProtectionSystem(limited(), clock=ManualClock(NOW))
    portfolio = account({"A": 100.0, "B": 0.0}, [])
    system.kill("Ada", "test")
    more = {"kind": OrderKind.OPTION_EXERCISE, "underlying": "A"}

    def exercise(number: int, **facts: object) -> Verdict:
        order = OrderRequest(number, "OPTION", 1.0, **{**more, **facts})  # type: ignore[arg-type]
        return system.authorize(order, portfolio)

    assert exercise(1, underlying_quantity=-100.0).allowed
    assert not exercise(2, underlying_quantity=-1.0).allowed  # the first one takes it all
    assert not exercise(3, underlying_quantity=100.0).allowed
    assert "expected underlying" in exercise(4, underlying_quantity=None).reason
    assert "expected a finite quantity" in exercise(5, underlying_quantity=math.nan).reason


@pytest.mark.parametrize("multiplier", [0.0, -1.0, math.inf, math.nan])
def test_an_impossible_multiplier_is_refused(multiplier: float) -> None:
    system = ProtectionSystem(limited(), clock=ManualClock(NOW))
    verdict = ask(system, account({"A": 0.0, "B": 0.0}, []), 1, 1.0, multiplier=multiplier)

    assert not verdict.allowed
    assert "expected a multiplier above 0" in verdict.reason


@pytest.mark.parametrize(
    ("age", "passes"), [(0, True), (1, True), (59, True), (60, True), (61, False), (-5, True)]
)
def test_a_price_is_good_up_to_its_very_age(age: int, passes: bool) -> None:
    flat = limited()
    flat = replace(flat, data=replace(flat.data, max_price_age_seconds=60.0))
    system = ProtectionSystem(flat, clock=ManualClock(NOW))
    portfolio = account({"A": 0.0, "B": 0.0}, [])

    verdict = ask(system, portfolio, 1, 1.0, reference_time=NOW - timedelta(seconds=age))

    assert verdict.allowed == passes
    assert passes or "is stale" in verdict.reason
    naive = ask(system, portfolio, 2, 1.0, reference_time=datetime(2020, 1, 6, 15))
    assert "aware time" in naive.reason


def test_a_smaller_size_scales_both_limits() -> None:
    flat = limited(full_gross=0.8)
    flat = replace(flat, gauges=replace(flat.gauges, news=">= 1 reduce size=0.5"))
    system = ProtectionSystem(flat, clock=ManualClock(NOW))
    portfolio = account({"A": 0.0, "B": 0.0}, [])
    from protection.contracts import Statistic

    system.observe(Statistic("portfolio", NOW, "news", 1.0))
    most = 0.5 * MAX_POSITION * EQUITY / UNIT["A"]
    wide = ask(system, portfolio, 1, most + 1)
    assert (wide.allowed, wide.max_quantity) == (False, pytest.approx(most))
    assert "x 0.50" in wide.reason
    assert ask(system, portfolio, 2, most).allowed

    gross = account({"A": 0.0, "B": 0.5 * 0.8 * EQUITY / UNIT["B"]}, [])
    other = ProtectionSystem(flat, clock=ManualClock(NOW))
    other.observe(Statistic("portfolio", NOW, "news", 1.0))
    full = ask(other, gross, 1, 1.0)
    assert (full.allowed, full.max_quantity) == (False, 0.0)
    assert full.reasons[0].guard == "max_leverage"


@pytest.mark.parametrize("off", ["max_position", "max_leverage"])
def test_a_limit_that_is_off_asks_nothing(off: str) -> None:
    portfolio = account({"A": 0.0, "B": 0.0}, [])
    size = 0.8 * EQUITY / UNIT["A"]  # more than a position may have, less than all may
    assert judged(portfolio, size, limited(**{off: None})).allowed == (off == "max_position")
    assert judged(portfolio, 4 * size, limited(max_position=None, max_leverage=None)).allowed


def test_of_several_refusals_the_smallest_room_is_told_and_all_are_kept() -> None:
    # B leaves room for 200 of A, the position limit for 500
    portfolio = account({"A": 0.0, "B": 0.8 * EQUITY / UNIT["B"]}, [])

    verdict = judged(portfolio, 600.0)

    assert [reason.guard for reason in verdict.reasons] == ["max_position", "max_leverage"]
    assert verdict.max_quantity == pytest.approx(200.0)
    assert verdict.state is Action.FREEZE
    assert all(reason.action is Action.FREEZE for reason in verdict.reasons)


def test_a_combination_reduces_when_every_leg_does_beside_the_orders_of_others() -> None:
    legs = (Leg("A", -60.0), Leg("B", 30.0))
    killed = ProtectionSystem(limited(), clock=ManualClock(NOW))
    killed.kill("Ada", "test")

    def combo(number: int, portfolio: Portfolio, group: int) -> bool:
        facts = {"kind": OrderKind.COMBO_MARKET, "group": group, "legs": legs}
        return ask(killed, portfolio, number, -60.0, **facts).allowed

    assert combo(1, account({"A": 60.0, "B": -30.0}, []), 1)
    assert not combo(2, account({"A": 60.0, "B": -29.0}, []), 2)
    assert not combo(3, account({"A": 60.0, "B": 30.0}, []), 3)
    # somebody else buys B back already: the leg would flip it
    assert not combo(4, account({"A": 120.0, "B": -30.0}, [("B", 10.0, False)]), 4)
    # what sells B is on the other side
    assert combo(5, account({"A": 120.0, "B": -30.0}, [("B", -10.0, False)]), 5)


@pytest.mark.parametrize(("other", "passes"), [(160.0, True), (164.0, False)])
def test_resting_orders_of_the_other_side_count_when_they_reach_farther(
    other: float, passes: bool
) -> None:
    # A may come to 10 - 360 = -350, farther than 10 + 50; B takes the rest of the gross limit
    pending = [("A", -120.0, True)] * 3
    verdict = judged(account({"A": 10.0, "B": other}, pending), 50.0)

    assert verdict.allowed == passes == fits({"A": 10.0, "B": other}, pending, 50.0)


def test_of_two_rooms_the_larger_one_towards_the_order_is_told() -> None:
    # an exit of 40 is free although the whole of 200 would flip into more than the limit allows
    verdict = judged(account({"A": 40.0, "B": 0.95 * EQUITY / UNIT["B"]}, []), -200.0)

    assert not verdict.allowed
    assert verdict.max_quantity == pytest.approx(-(40.0 + 0.05 * EQUITY / UNIT["A"]))
    small = judged(account({"A": 40.0, "B": 1.2 * EQUITY / UNIT["B"]}, []), -200.0)
    assert small.max_quantity == pytest.approx(-40.0)  # the limits leave nothing, the exit does


def test_a_kill_that_comes_while_an_order_is_judged_refuses_and_forgets_it() -> None:
    class Killer:
        """A ledger in whose write somebody stops trading."""

        system: ProtectionSystem

        def append(self, entry: dict[str, object]) -> None:
            if entry["type"] == "order" and not self.system.killed:
                self.system.kill("Ada", "now")

    ledger = Killer()
    ledger.system = ProtectionSystem(limited(), clock=ManualClock(NOW), ledger=ledger)
    verdict = ask(ledger.system, account({"A": 0.0, "B": 0.0}, []), 1, 10.0)

    assert (verdict.allowed, verdict.max_quantity) == (False, 0.0)
    assert verdict.state is Action.HALT
    assert "killed while being judged" in verdict.reason
    assert ledger.system.in_flight == 0


def test_a_refusal_without_a_price_leaves_no_room() -> None:
    system = ProtectionSystem(limited(), clock=ManualClock(NOW))
    portfolio = account({"A": 0.0, "B": 0.0}, [])
    for number, facts in enumerate(
        (
            {"reference_price": None},
            {"reference_price": 0.0},
            {"reference_time": NOW - timedelta(days=30)},
            {"reference_time": datetime(2020, 1, 6, 15)},
        )
    ):
        verdict = ask(system, portfolio, number, 1.0, **facts)
        assert (verdict.allowed, verdict.max_quantity) == (False, 0.0), facts
    unknown = replace(portfolio, open_orders=(OpenOrder(9, "C", 5.0, OrderKind.LIMIT),))
    verdict = ask(system, unknown, 7, 1.0)
    assert (verdict.allowed, verdict.max_quantity) == (False, 0.0)
    assert "price for the open orders in C" in verdict.reason


def test_when_a_leg_was_refused_the_other_legs_are() -> None:
    system = ProtectionSystem(limited(), clock=ManualClock(NOW))
    portfolio = account({"A": 0.0, "B": 0.0}, [])
    facts = {"kind": OrderKind.COMBO_MARKET, "group": 3}

    assert not ask(system, portfolio, 1, 10_000.0, **facts).allowed
    second = ask(system, portfolio, 2, 1.0, **facts)

    assert (second.allowed, second.max_quantity) == (False, 0.0)
    assert "another leg of combination 3 was refused" in second.reason
    assert ask(system, portfolio, 3, 1.0).allowed


def test_a_leg_in_a_symbol_that_is_not_held_reduces_nothing_and_the_own_group_is_no_stranger() -> (
    None
):
    killed = ProtectionSystem(limited(), clock=ManualClock(NOW))
    killed.kill("Ada", "test")
    flat = {"kind": OrderKind.COMBO_MARKET, "group": 1}
    legs = (Leg("A", -60.0), Leg("B", -1.0))
    held = account({"A": 60.0, "B": 0.0}, [])
    assert not ask(killed, held, 1, -60.0, legs=legs, **flat).allowed

    both = account({"A": 60.0, "B": 30.0}, [])
    own = OpenOrder(8, "B", -30.0, OrderKind.COMBO_MARKET, PRICE["B"], 2.0, 2)
    legs = (Leg("A", -60.0), Leg("B", -30.0))
    facts = {"kind": OrderKind.COMBO_MARKET, "group": 2, "legs": legs}
    assert ask(killed, replace(both, open_orders=(own,)), 2, -60.0, **facts).allowed
    other = ProtectionSystem(limited(), clock=ManualClock(NOW))
    other.kill("Ada", "test")
    stranger = replace(both, open_orders=(replace(own, group=4),))
    assert not ask(other, stranger, 2, -60.0, **facts).allowed


def test_after_an_update_what_is_left_of_the_order_counts_once() -> None:
    system = ProtectionSystem(limited(), clock=ManualClock(NOW))
    assert ask(system, account({"A": 100.0, "B": 0.0}, []), 7, -90.0).allowed
    sold = {"fill_quantity": -40.0, "fill_price": 2.0, "event_id": 1}
    system.on_order_event(OrderEvent(7, "A", OrderStatus.PARTIALLY_FILLED, NOW, **sold))
    after = account({"A": 60.0, "B": 0.0}, [])
    system.kill("Ada", "test")

    assert ask(system, after, 7, -90.0, is_update=True, filled=-40.0).allowed
    assert not ask(system, after, 8, -11.0).allowed  # 50 of the 60 are on their way
    assert ask(system, after, 9, -10.0).allowed
