"""The protection on every crisis: it trips within one step, cannot add, and lets exits go."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest

from protection.contracts import (
    Action,
    Bar,
    OrderEvent,
    OrderRequest,
    OrderStatus,
    ProtectionSettings,
)
from protection.risk.stress.library import SCENARIOS, stress_scenario
from protection.risk.stress.replay import replay_portfolio, replay_strategy

HALT, LIQUIDATE = 0.15, 0.20
#: only the two drawdown breakers, so that the step at which they must act is known
BARE = {
    "cushion.promise": "off",
    "daily.loss": "none",
    "position.stop": "none",
    "volatility.ratio": "none",
    "flash.move": "none",
    "leverage.limit": "none",
    "drawdown.halt_hours": "100000",
}


def ask(world, number, quantity, price):
    order = OrderRequest(
        number, "X", quantity, reference_price=price, reference_time=world.clock.now()
    )
    return world.system.authorize(order, world.portfolio())


@pytest.mark.parametrize("name", SCENARIOS)
def test_breakers_latch_at_the_first_step_beyond_their_level(make_world, name) -> None:
    scenario = stress_scenario(name)
    expected = replay_portfolio(scenario, {"X": 1.0}, levels=(HALT, LIQUIDATE)).crossings
    at_close = {}
    peak = 0.0
    for step, level in enumerate(scenario.closes):
        peak = max(peak, level)
        for limit in (HALT, LIQUIDATE):
            if 1 - level / peak >= limit:
                at_close.setdefault(limit, step)
    world = make_world(ProtectionSettings.from_flat(BARE | {"rearm.mode": "manual"}))
    states = []
    for step, level in enumerate(scenario.closes):
        price = 100.0 * level
        world.hold("X", 1000, 100.0, price)
        verdict = world.day(100_000.0 * level)
        states.append(verdict.state)
        adding = ask(world, 10 * step, 1, price)
        reducing = ask(world, 10 * step + 1, -1000, price)
        assert reducing.allowed
        assert adding.allowed == (verdict.state < Action.FREEZE)
        for number in (10 * step, 10 * step + 1):
            world.system.on_order_event(
                OrderEvent(number, "X", OrderStatus.CANCELED, world.clock.now(), filled_total=0.0)
            )
    first_halt = next((i for i, s in enumerate(states) if s >= Action.HALT), None)
    first_exit = next((i for i, s in enumerate(states) if s is Action.LIQUIDATE), None)
    assert first_halt == min(at_close.values(), default=None)
    assert first_exit == at_close.get(LIQUIDATE)
    if first_exit is not None:
        assert all(state is Action.LIQUIDATE for state in states[first_exit:])  # still held
    # the low of a step may pass a level that its close does not
    assert {c.level for c in expected} >= set(at_close)


@pytest.mark.parametrize("name", [n for n in SCENARIOS if not n.startswith("crypto")])
def test_a_book_at_the_sizes_of_the_strategy_stays_within_its_promise(make_world, name) -> None:
    """Half the equity in the market under the lifetime promise: never 20% below the peak."""
    scenario = stress_scenario(name).filled()
    world = make_world(ProtectionSettings.from_flat({"cushion.promise": "lifetime"}))
    full = 0.5

    def decide(closes, equity, exposure):
        price = 100.0 * closes[-1]
        world.held.clear()
        if exposure:
            world.hold("X", 100_000 * equity * exposure / price, price, price)
        verdict = world.day(100_000.0 * equity).for_symbol("X")
        if verdict.state is Action.LIQUIDATE:
            return 0.0
        if not verdict.state.adding_allowed:
            return min(exposure, full * verdict.multiplier)
        return full * verdict.multiplier

    guarded = replay_strategy(scenario, decide, start=full)
    held = replay_strategy(scenario, lambda closes, equity, exposure: full, start=full)
    assert guarded.drawdown < 0.20
    assert guarded.drawdown <= held.drawdown + 0.02


@pytest.mark.parametrize("price", [math.nan, 0.0, -37.63, math.inf])
def test_impossible_prices_in_the_middle_of_a_crisis_deny_adding(make_world, price) -> None:
    world = make_world(ProtectionSettings.from_flat(BARE))
    for level in stress_scenario("2020-03").closes[:4]:
        world.clock.advance(timedelta(days=1))
        good = 100.0 * level
        bar = Bar("X", world.clock.now(), good, good, good, good)
        assert world.system.observe(bar).accepted
        world.system.evaluate(world.portfolio())
    world.clock.advance(timedelta(days=1))
    assert not world.system.observe(
        Bar("X", world.clock.now(), price, price, price, price)
    ).accepted
    assert not ask(world, 1, 10, price).allowed
    world.hold("X", 10, 100.0, 90.0)
    assert ask(world, 2, -10, price).allowed
