"""One wrong print moves nothing; a true jump counts one record late."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protection.circuit_breakers.jumps import JumpGuard, believed_equity
from protection.circuit_breakers.watch import record_price
from protection.contracts import (
    Action,
    Bar,
    ManualClock,
    Portfolio,
    Position,
    ProtectionSettings,
    Trade,
    Verdict,
)
from protection.contracts.stores import MemoryStateStore
from protection.risk.drawdown import DrawdownAccount
from protection.system import ProtectionSystem

START = datetime(2020, 1, 6, 15, tzinfo=UTC)
prices = st.floats(0.01, 1e6)


def trade(number: int, price: float) -> Trade:
    return Trade("SPY", START + timedelta(seconds=number), price, 1.0)


def taken(guard: JumpGuard, *values: float) -> list[float]:
    return [
        record_price(record)
        for number, value in enumerate(values)
        for record in guard.sift(trade(number, value))
    ]


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ((100, 101, 1e9, 102, 103), [100, 101, 102, 103]),  # a wrong print is dropped
        ((100, 0.001, 99), [100, 99]),
        ((100, 250, 240, 245), [100, 250, 240, 245]),  # a true jump comes one record late
        ((100, 40, 41), [100, 40, 41]),
        ((100, 200, 50, 100), [100, 200, 100]),  # 200 is within the limit, 50 was never confirmed
        ((100, 1e9, 1e3, 1e-3, 100), [100, 100]),  # none confirms another
        ((100, 1e9, 1e9, 100), [100, 1e9, 1e9]),  # two agree: they are believed
    ],
)
def test_only_what_the_next_price_confirms_is_believed(
    values: tuple[float, ...], wanted: list[float]
) -> None:
    assert taken(JumpGuard(1.0), *values) == wanted


def test_the_same_moment_and_a_copied_bar_confirm_nothing() -> None:
    guard = JumpGuard(1.0, believed=100.0)
    assert guard.sift(trade(1, 1e9)) == ()
    assert guard.sift(trade(1, 1e9)) == ()
    copy = Bar("SPY", START + timedelta(seconds=9), 1e9, 1e9, 1e9, 1e9, 0.0, timedelta(seconds=1))
    copied = replace(copy, filled_forward=True)
    assert guard.sift(copied) == (copied,)
    assert guard.believed == 100.0
    assert guard.held == trade(1, 1e9)


@given(st.lists(prices, max_size=30), st.lists(prices, max_size=5))
def test_what_was_believed_does_not_depend_on_what_comes(
    past: list[float], future: list[float]
) -> None:
    whole = taken(JumpGuard(1.0), *past, *future)
    assert whole[: len(taken(JumpGuard(1.0), *past))] == taken(JumpGuard(1.0), *past)


@given(st.lists(prices, min_size=2, max_size=30))
def test_every_step_of_the_believed_prices_is_small_or_confirmed(values: list[float]) -> None:
    kept = taken(JumpGuard(1.0), *values)
    for number in range(1, len(kept)):
        ratio = kept[number] / kept[number - 1]
        if not 0.49999 <= ratio <= 2.00001:
            assert 0.49999 <= kept[number + 1] / kept[number] <= 2.00001


def test_gains_that_nothing_confirms_are_not_wealth_and_losses_are_losses() -> None:
    def account(quantity: float, price: float) -> float:
        guards = {"SPY": JumpGuard(1.0, believed=100.0)}
        held = {"SPY": Position("SPY", quantity, 90.0, price, 2.0), "IBM": Position("IBM", 1, 1, 1)}
        return believed_equity(Portfolio(START, 10_000.0, held), guards)

    assert account(10, 150.0) == 10_000.0
    assert account(10, 300.0) == 10_000.0 - 10 * 200 * 2
    assert account(10, 1.0) == 10_000.0
    assert account(-10, 1.0) == 10_000.0 - 10 * 99 * 2
    assert account(-10, 300.0) == 10_000.0


def test_unbelieved_wealth_raises_no_peak_and_no_start_of_a_day() -> None:
    account = DrawdownAccount()
    day = START.date()
    account.update(START, 100.0, day)
    spike, _ = account.update(START + timedelta(hours=1), 1e9, day, believed=101.0)
    assert (spike.equity, spike.lifetime_peak, spike.window, spike.recent) == (1e9, 101.0, 0, 0)
    back, _ = account.update(START + timedelta(days=1), 100.0, day + timedelta(days=1))
    assert (back.lifetime_peak, back.window_peak, back.recent_peak) == (101.0, 101.0, 101.0)
    assert back.day_start == 101.0
    assert account.believed == 100.0


@given(st.lists(st.tuples(st.floats(1, 1e6), st.floats(-1e6, 2e6)), min_size=1, max_size=20))
def test_what_is_believed_never_lowers_a_base_below_the_equity_before(
    path: list[tuple[float, float]],
) -> None:
    account, plain = DrawdownAccount(), DrawdownAccount()
    for hour, (equity, believed) in enumerate(path):
        time = START + timedelta(hours=hour)
        before = account.believed
        reading, _ = account.update(time, equity, time.date(), believed)
        full, _ = plain.update(time, equity, time.date())
        assert reading.lifetime_peak <= full.lifetime_peak
        assert account.believed >= min(equity, before)
        assert account.believed <= equity


def bar(day: int, price: float) -> Bar:
    return Bar("SPY", START + timedelta(days=day), price, price, price, price, 1e6)


def test_a_wrong_print_of_a_holding_leaves_peaks_meters_and_trading_as_they_were() -> None:
    clock, store = ManualClock(START), MemoryStateStore()
    system = ProtectionSystem(ProtectionSettings(), clock=clock, store=store)

    def day(number: int, price: float) -> Verdict:
        clock.set(START + timedelta(days=number))
        system.observe(bar(number, price))
        held = Position("SPY", 100, 100.0, price)
        return system.evaluate(Portfolio(clock.now(), 90_000 + held.value, {"SPY": held}))

    for number in range(3):
        assert day(number, 100.0 + number).state is Action.ALLOW
    spiked = day(3, 1e7)
    assert spiked.for_symbol("SPY").state is Action.FREEZE
    assert "not confirmed" in spiked.for_symbol("SPY").reason
    assert system.counters["doubted"] == 1
    assert system.reading is not None
    assert system.reading.lifetime_peak == 100_200.0
    # valued before the bar itself is shown: the price of the holding is looked at, too
    clock.set(START + timedelta(days=3, minutes=1))
    held = Position("SPY", 100, 100.0, 2e7)
    system.evaluate(Portfolio(clock.now(), 90_000 + held.value, {"SPY": held}))
    after = day(4, 103.0)
    assert after.state is Action.ALLOW
    assert system.reading.window == pytest.approx(0.0, abs=1e-12)
    assert system.reading.day == pytest.approx(0.0, abs=1e-12)

    system.flush()
    again = ProtectionSystem(ProtectionSettings(), clock=clock, store=store)
    assert not again.observe(bar(5, 1e7)).accepted


def test_a_true_doubling_is_wealth_from_the_next_bar_on() -> None:
    clock = ManualClock(START)
    system = ProtectionSystem(ProtectionSettings(), clock=clock)
    for number, price in enumerate((100.0, 100.0, 330.0, 335.0)):
        clock.set(START + timedelta(days=number))
        system.observe(bar(number, price))
        held = Position("SPY", 100, 100.0, price)
        system.evaluate(Portfolio(clock.now(), 90_000 + held.value, {"SPY": held}))
        assert system.reading is not None
        assert system.reading.lifetime_peak == (123_500.0 if number == 3 else 100_000.0)
