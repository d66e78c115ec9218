"""Gauges: statistics from outside trip, pause, go stale, survive restarts, and can be put aside."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protection.contracts import (
    Action,
    FixInput,
    FixSettings,
    NameActor,
    OrderRequest,
    Portfolio,
    ProtectionSettings,
    Statistic,
)
from protection.contracts.gauge_settings import GaugeSettings, read_gauge
from protection.contracts.stores import MemoryStateStore, pack
from protection.contracts.stores.base import unpack

# statistic, a quiet value, a value beyond its threshold, the demand, seconds until it may end
TABLE = [
    ("volatility_spike", 2.0, 2.01, Action.FREEZE, 300),
    ("anchor", 1e-4, 0.99e-4, Action.ROLLBACK, 600),
    ("vpin", 0.75, 0.76, Action.SKIP_LEARN, 120),
    ("kl", 0.2, 0.21, Action.ROLLBACK, 600),
    ("hhi", 0.2, 0.21, Action.FREEZE, 60),
    ("news", 0.0, 1.0, Action.REDUCE, 0),
    ("api_latency", 499.0, 1001.0, Action.FREEZE, 60),
    ("slippage", 20.0, 21.0, Action.REDUCE, 300),
    ("imbalance", 3.0, 3.1, Action.REDUCE, 60),
    ("latency_spike", 50.0, 51.0, Action.REDUCE, 60),
    ("mute_feed", 3.0, 3.1, Action.FREEZE, 0),
    ("market_wide", 0.0, 1.0, Action.HALT, 0),
    ("luld", 0.0, 1.0, Action.FREEZE, 300),
]


def feed(world, name, value, scope="portfolio"):
    return world.system.observe(Statistic(scope, world.clock.now(), name, value))


def later(world, seconds):
    world.clock.advance(timedelta(seconds=seconds))
    return world.system.evaluate(world.portfolio())


@pytest.mark.parametrize(("name", "quiet", "loud", "action", "pause"), TABLE)
def test_each_gauge_trips_beyond_its_default_and_ends_after_its_pause(
    world, name, quiet, loud, action, pause
) -> None:
    world.system.evaluate(world.portfolio())
    feed(world, name, quiet)
    assert later(world, 1).state is Action.ALLOW

    feed(world, name, loud)
    verdict = later(world, 1)
    assert verdict.state is action
    assert verdict.reasons[0].guard == name

    feed(world, name, quiet)
    if pause:
        later(world, 1)
        feed(world, name, quiet)
        assert later(world, pause - 5).state is not Action.ALLOW
        feed(world, name, quiet)
    assert later(world, 10).state is Action.ALLOW


def test_a_gauge_that_was_never_fed_is_idle_and_one_that_falls_silent_trips(world) -> None:
    world.system.evaluate(world.portfolio())
    assert later(world, 100_000).state is Action.ALLOW

    feed(world, "vpin", 0.1)
    assert later(world, 900).state is Action.ALLOW
    verdict = later(world, 1)
    assert verdict.state is Action.SKIP_LEARN
    assert "stale" in verdict.reason

    feed(world, "vpin", 0.1)
    later(world, 1)
    assert later(world, 121).state is Action.ALLOW


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_figure_that_is_none_trips(world, value) -> None:
    world.system.evaluate(world.portfolio())
    answer = feed(world, "kl", value)
    assert not answer.accepted
    assert later(world, 1).state is Action.ROLLBACK


def test_a_figure_from_the_future_or_from_long_ago_trips(world) -> None:
    world.system.evaluate(world.portfolio())
    now = world.clock.now()
    assert not world.system.observe(
        Statistic("portfolio", now + timedelta(hours=1), "hhi", 0.1)
    ).accepted
    assert later(world, 1).state is Action.FREEZE

    other = type(world)()
    other.system.evaluate(other.portfolio())
    other.system.observe(Statistic("SPY", now - timedelta(days=2), "vpin", 0.1))
    assert later(other, 1).for_symbol("SPY").state is Action.SKIP_LEARN


def test_an_unknown_statistic_is_refused_by_name(world) -> None:
    answer = feed(world, "vpim", 0.9)
    assert not answer.accepted
    assert "vpin" in answer.reason


def test_scopes_hold_where_they_belong(world) -> None:
    world.system.evaluate(world.portfolio())
    feed(world, "luld", 1.0, "SPY")
    feed(world, "slippage", 60.0, "strategy:carry")
    verdict = later(world, 1)
    assert verdict.state is Action.ALLOW
    assert verdict.for_symbol("SPY").state is Action.FREEZE

    def ask(number, symbol, strategy):
        order = OrderRequest(
            number, symbol, 1.0, reference_price=100.0, reference_time=world.clock.now()
        )
        from dataclasses import replace

        return world.system.authorize(replace(order, strategy=strategy), world.portfolio())

    assert not ask(1, "SPY", "").allowed
    assert ask(2, "QQQ", "carry").multiplier == 0.5  # the second level of slippage
    assert ask(3, "QQQ", "trend").multiplier == 1.0
    feed(world, "api_latency", 2000.0, "venue:one")
    assert later(world, 1).state is Action.FREEZE


def test_latency_warns_before_it_trips(world) -> None:
    world.system.evaluate(world.portfolio())
    feed(world, "api_latency", 501.0)
    assert later(world, 1).state is Action.ALLOW
    assert world.transitions("api_latency") == [("closed", "warn")]


def test_a_repeated_execution_stays_latched_until_somebody_re_arms_it(world) -> None:
    world.system.evaluate(world.portfolio())
    feed(world, "repeated_execution", 1.0, "SPY")
    later(world, 1)
    feed(world, "repeated_execution", 0.0, "SPY")
    assert later(world, 100_000).for_symbol("SPY").state is Action.FREEZE
    assert world.system.rearm("repeated_execution", "Ada", "loop found")
    assert later(world, 1).for_symbol("SPY").state is Action.ALLOW


def test_tripped_and_fed_gauges_survive_a_restart(make_world) -> None:
    world = make_world(store=MemoryStateStore())
    world.system.evaluate(world.portfolio())
    feed(world, "kl", 0.3)
    world.restart()
    assert later(world, 1).state is Action.ROLLBACK
    assert later(world, 86_401).state is Action.ROLLBACK
    assert "stale" in world.system.verdict.reason


def test_a_disabled_breaker_is_visible_recorded_and_comes_back_by_itself(make_world) -> None:
    world = make_world(store=MemoryStateStore())
    world.system.evaluate(world.portfolio())
    feed(world, "kl", 0.3)
    end = world.clock.now() + timedelta(hours=1)

    assert world.system.disable("kl", end, "Ada", "retraining")
    world.restart()
    verdict = later(world, 1)
    assert verdict.state is Action.ALLOW
    assert "disabled until" in verdict.reasons[0].text
    assert "Ada: retraining" in verdict.reasons[0].text
    assert later(world, 3600).state is Action.ROLLBACK
    assert ("disabled", "guarding") in world.transitions("kl")


def test_disabling_needs_a_name_a_reason_and_an_end(world) -> None:
    end = world.clock.now() + timedelta(hours=1)
    with pytest.raises(NameActor):
        world.system.disable("kl", end, "Ada", " ")
    for bad in (timedelta(hours=-1), timedelta(hours=25)):
        with pytest.raises(FixInput, match="within 24 hours"):
            world.system.disable("kl", world.clock.now() + bad, "Ada", "why")
    assert not world.system.disable("kal", end, "Ada", "why")
    assert world.system.disable("kl", end, "Ada", "why")
    assert world.system.enable("kl", "Ada", "done")
    assert not world.system.enable("kl", "Ada", "done")


def test_state_of_version_one_is_migrated_and_of_a_later_one_refused(make_world) -> None:
    store = MemoryStateStore()
    world = make_world(store=store)
    world.day(100_000)
    state = unpack(store.read("protection.state"), "protection-state", 3)
    old = {key: value for key, value in state.items() if key not in ("orders", "journal")}
    old["board"] = {k: v for k, v in old["board"].items() if k not in ("gauges", "disabled")}

    store.write("protection.state", pack("protection-state", 1, old))
    assert world.restart().evaluate(world.portfolio()).state is Action.ALLOW
    assert world.system.reading.lifetime_peak == 100_000

    store.write("protection.state", pack("protection-state", 4, state))
    verdict = world.restart().evaluate(world.portfolio())
    assert verdict.state is Action.HALT
    assert "run the newer version" in verdict.reason


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0.75 freeze",
        "> x freeze",
        "> 1 explode",
        "> 1 freeze size=2",
        "> 1 freeze pause=3",
        "> nan freeze",
        "> 1 freeze cooldown=inf",
        "> 1 freeze sessions=0.5",
        "< 1 freeze warn=0.5",
        "> 1 freeze stale=1 stale=2",
        "> 1 liquidate",
    ],
)
def test_a_line_that_is_no_gauge_is_refused(text) -> None:
    with pytest.raises(FixSettings, match=r"gauges\.vpin"):
        ProtectionSettings.from_flat({"gauges.vpin": text or "?"})


def test_a_gauge_that_is_switched_off_ignores_its_statistic(make_world) -> None:
    world = make_world(ProtectionSettings.from_flat({"gauges.kl": "off"}))
    world.system.evaluate(world.portfolio())
    assert feed(world, "kl", 5.0).accepted
    assert later(world, 1).state is Action.ALLOW


@given(st.sampled_from(sorted(GaugeSettings().specs())), st.floats(), st.booleans())
def test_a_gauge_trips_exactly_beyond_its_threshold(name, value, edge) -> None:
    from tests.protection.conftest import World

    spec = read_gauge(getattr(GaugeSettings(), name))
    value = spec.threshold if edge else value
    world = World()
    world.system.evaluate(Portfolio(world.clock.now(), 100_000.0))
    feed(world, "slippage" if name == "slippage_high" else name, value)
    beyond = value < spec.threshold if spec.below else value > spec.threshold
    beyond |= not math.isfinite(value) or (not spec.strict and value == spec.threshold)
    guards = {reason.guard for reason in world.system.verdict.reasons}
    assert (name in guards) == beyond


def test_a_source_that_rests_over_night_is_not_missed_before_it_is_back(make_world) -> None:
    world = make_world(store=MemoryStateStore())
    world.system.evaluate(world.portfolio())
    back = world.clock.now() + timedelta(hours=17)
    world.system.observe(Statistic("SPY", world.clock.now(), "vpin", 0.3, back))

    assert later(world, 16 * 3600).for_symbol("SPY").state is Action.ALLOW
    world.restart()
    assert later(world, 3600 + 900).for_symbol("SPY").state is Action.ALLOW
    assert "stale" in later(world, 1).for_symbol("SPY").reason


def test_nobody_rests_longer_than_a_week(world) -> None:
    world.system.evaluate(world.portfolio())
    far = world.clock.now() + timedelta(days=4000)
    world.system.observe(Statistic("SPY", world.clock.now(), "vpin", 0.3, far))

    assert later(world, 7 * 86_400 + 900).for_symbol("SPY").state is Action.ALLOW
    assert later(world, 1).for_symbol("SPY").state is Action.SKIP_LEARN
