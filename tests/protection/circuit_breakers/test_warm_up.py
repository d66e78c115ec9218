"""History warms the guards up: the same states, marked; the learned threshold in the system."""

from __future__ import annotations

import json
from datetime import timedelta

import numpy as np

from operations.reporting.protocol import episodes, read_summary
from protection.blockchain.ledger import Ledger
from protection.blockchain.replay import replay
from protection.blockchain.stores.memory import MemoryStore
from protection.contracts import Bar, ProtectionSettings, Trade
from protection.contracts.actions import WARM_UP
from protection.contracts.stores import MemoryStateStore
from protection.system import ProtectionSystem


def closes(count: int, storms: dict[int, float]) -> list[float]:
    """Daily closes that swing by 1%, and on some days by more."""
    price, found = 100.0, []
    for day in range(count):
        price *= 1.0 + (storms.get(day, 0.01) if day % 2 else -0.01)
        found.append(price)
    return found


def show(world, prices, *, warm_up: bool, live: bool) -> None:
    for price in prices:
        world.clock.advance(timedelta(days=1))
        bar = Bar("SPY", world.clock.now(), price, price, price, price)
        world.system.observe(bar, warm_up=warm_up)
        if live:
            world.system.evaluate(world.portfolio())


def test_history_moves_the_states_and_its_events_are_marked(world) -> None:
    show(world, closes(40, {39: 0.10}), warm_up=True, live=False)

    assert world.transitions("volatility") == [("closed", "open")]
    event = world.system.events[-1]
    assert event.evidence[WARM_UP] is True
    assert event.evidence["value"] > 2.0  # the rest of the evidence is there
    assert world.system.verdict.for_symbol("SPY").multiplier == 0.5

    show(world, closes(12, {}), warm_up=False, live=True)
    released = [e for e in world.system.events if e.breaker == "volatility"][1:]
    assert [e.after for e in released] == ["cooldown", "closed"]
    assert not any(WARM_UP in e.evidence for e in released)


def test_a_trip_of_the_first_live_record_is_a_trip(world) -> None:
    show(world, closes(39, {}), warm_up=True, live=False)
    world.clock.advance(timedelta(minutes=1))
    for price in (100.0, 107.0):
        world.system.observe(Trade("QQQ", world.clock.now(), price))

    assert world.transitions("flash") == [("closed", "open")]
    assert WARM_UP not in world.system.events[-1].evidence


def test_the_report_counts_no_trip_of_the_history(world) -> None:
    show(world, closes(40, {39: 0.10}), warm_up=True, live=False)
    show(world, closes(60, {51: 0.12}), warm_up=False, live=True)
    assert world.transitions("volatility").count(("closed", "open")) == 2
    summary = read_summary(
        json.dumps(
            {
                "events": [event.as_dict() for event in world.system.events],
                "daily": [],
                "counters": {},
                "gate": {},
                "settings": {},
                "describe": [],
            }
        )
    )

    found = [e for e in episodes(summary.events, np.datetime64("2020-06-01")) if e.symbol == "SPY"]

    assert [(e.breaker, e.trips) for e in found] == [("volatility", 1)]


def test_a_recorded_warm_up_is_replayed_as_one(make_world) -> None:
    ledger = Ledger(MemoryStore())
    world = make_world(ledger=ledger)
    show(world, closes(40, {39: 0.10}), warm_up=True, live=False)
    show(world, closes(12, {}), warm_up=False, live=True)
    ledger.flush()

    records = list(ledger.records())
    assert sum(bool(r.entry.get(WARM_UP)) for r in records if r.type == "observe") == 40
    assert replay(records, ProtectionSystem).same


def test_a_learned_threshold_moves_within_its_bounds_and_a_restart_changes_nothing(
    make_world,
) -> None:
    storms = {day: 0.02 + 0.001 * (day % 40) for day in range(21, 700, 23)}
    prices = closes(700, storms)
    straight, broken = (
        make_world(ProtectionSettings.from_flat({"volatility.rate": "8"}), store=MemoryStateStore())
        for _ in range(2)
    )
    show(straight, prices, warm_up=False, live=True)
    for first in range(0, 700, 70):
        show(broken, prices[first : first + 70], warm_up=False, live=True)
        broken.system.flush()
        broken.restart()

    limits = [e.evidence["threshold"] for e in straight.system.events if e.after == "open"]
    assert len(set(limits)) > 3
    assert all(1.0 <= limit <= 3.0 for limit in limits)
    assert broken.system.snapshot() == straight.system.snapshot()


def test_without_a_wanted_rate_the_threshold_is_the_one_written_by_hand(world) -> None:
    show(world, closes(300, dict.fromkeys(range(41, 300, 22), 0.08)), warm_up=False, live=True)

    limits = {e.evidence["threshold"] for e in world.system.events if e.breaker == "volatility"}
    assert limits == {2.0}
    assert "rate" not in world.system.snapshot()["watches"]["SPY"]
