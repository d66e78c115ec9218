"""Replay: the recorded inputs give the recorded decisions, and differences are located."""

from __future__ import annotations

import json
import random
import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protection.blockchain.ledger import Ledger
from protection.blockchain.records import Record, encode_entry, number
from protection.blockchain.replay import replay
from protection.blockchain.stores import MemoryStore
from protection.circuit_breakers.kill_switch import LOCK_KEY, lock_text
from protection.contracts import (
    Bar,
    BrokerEvent,
    BrokerStatus,
    CashFlow,
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
    Quote,
    Trade,
)
from protection.contracts.stores import MemoryStateStore
from protection.system import ProtectionSystem

START = datetime(2020, 1, 6, 15, 0, tzinfo=UTC)


def busy(seed: int, steps: int, ledger: Ledger) -> ProtectionSystem:
    """A stormy time: prices, orders, kills, restarts, bad data, foreign entries."""
    rng = random.Random(seed)
    clock, store = ManualClock(START), MemoryStateStore()
    system = ProtectionSystem(clock=clock, store=store, ledger=ledger)
    held, equity, price, number_ = 0.0, 100_000.0, 100.0, 0
    for step in range(steps):
        clock.advance(timedelta(minutes=rng.choice([1, 5, 420, 1440])))
        now = clock.now()
        move = rng.gauss(0, 0.02)
        equity += held * price * move
        price *= 1 + move
        system.observe(Bar("SPY", now, price, price * 1.01, price * 0.99, price, 1e6))
        if rng.random() < 0.1:
            system.observe(
                rng.choice(
                    [
                        Quote("SPY", now, float("nan"), price),
                        Quote("SPY", now, price, price * 1.001, 3, 4),
                        Trade("QQQ", now, float("inf")),
                    ]
                )
            )
        resting = (
            (OpenOrder(f"r{step}", "SPY", 5.0, OrderKind.LIMIT, price * 0.9),)
            if rng.random() < 0.2
            else ()
        )
        positions = {"SPY": Position("SPY", held, 99.5, price)} if held else {}
        account = Portfolio(now, equity, positions, resting, equity - held * price)
        if rng.random() < 0.9:
            system.evaluate(account)
        system.review({"SPY": float(rng.randint(-800, 800))}, account, {"SPY": price})
        for _ in range(rng.randint(0, 3)):
            number_ += 1
            wanted = float(rng.randint(-900, 900))
            request = OrderRequest(
                number_,
                "SPY",
                wanted,
                rng.choice([OrderKind.MARKET, OrderKind.LIMIT, OrderKind.STOP]),
                now,
                price,
                now,
                legs=(Leg("SPY", wanted),) if rng.random() < 0.1 else (),
                is_update=rng.random() < 0.05,
                tag="ü",
            )
            if system.authorize(request, lambda account=account: account).allowed:
                held += wanted
                system.on_order_event(
                    OrderEvent(
                        number_, "SPY", OrderStatus.FILLED, now, wanted, price, event_id=number_
                    )
                )
        chance = rng.random()
        if chance < 0.03:
            system.kill("ann", "drill", flatten=rng.random() < 0.5)
        elif chance < 0.06:
            system.resume("bob", "over")
        elif chance < 0.08:
            store.write(LOCK_KEY, lock_text("ops", "outside", now))
        elif chance < 0.10:
            system.on_broker(BrokerEvent(now, rng.choice(list(BrokerStatus)), "link"))
        elif chance < 0.12:
            system.on_cash_flow(CashFlow(now, 1000.0))
        elif chance < 0.14:
            system.rearm("*", "ann", "go")
        elif chance < 0.16:
            system.settle(account)
        elif chance < 0.19:
            system = ProtectionSystem(clock=clock, store=store, ledger=ledger)
        elif chance < 0.21:
            ledger.append({"type": "note", "step": step})
        elif chance < 0.23:
            system = ProtectionSystem.restore(
                system.snapshot(), clock=clock, store=store, ledger=ledger
            )
    ledger.flush()
    return system


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_the_same_inputs_give_the_same_decisions_and_the_same_root(seed: int) -> None:
    with Ledger(MemoryStore()) as ledger:
        busy(seed, 40, ledger)
        outcome = replay(ledger.records(), ProtectionSystem)

        assert outcome.divergence is None
        assert outcome.same
        assert outcome.records == ledger.size
        assert outcome.calls > 80
        assert outcome.root == outcome.replayed_root == ledger.root()


def changed(ledger: Ledger, seq: int, **fields: object) -> list[Record]:
    records = list(ledger.records())
    entry = {**json.loads(records[seq].payload)["entry"], **fields}
    records[seq] = Record(seq, number(encode_entry(entry), seq))
    return records


@pytest.fixture(scope="module")
def recorded():  # type: ignore[no-untyped-def]
    with Ledger(MemoryStore()) as ledger:
        busy(5, 60, ledger)
        yield ledger


def test_a_changed_decision_is_located(recorded: Ledger) -> None:
    for record in list(recorded.records(types={"order"}))[::7]:
        fields = {"allowed": not record.entry["allowed"]}
        outcome = replay(changed(recorded, record.seq, **fields), ProtectionSystem)
        assert outcome.divergence is not None
        assert outcome.divergence.seq == record.seq
        assert outcome.divergence.reason == "order: allowed differ"
        assert outcome.root != outcome.replayed_root


def test_a_changed_input_is_located_where_decisions_begin_to_differ(recorded: Ledger) -> None:
    record = next(recorded.records(5, types={"evaluate"}))
    portfolio = {**record.entry["portfolio"], "equity": 50_000}
    outcome = replay(changed(recorded, record.seq, portfolio=portfolio), ProtectionSystem)

    assert outcome.divergence is not None
    assert outcome.divergence.seq >= record.seq - 3
    assert not outcome.same


def test_a_missing_entry_is_located(recorded: Ledger) -> None:
    records = list(recorded.records())
    at = next(r.seq for r in records if r.type == "protection")
    outcome = replay(records[:at] + records[at + 1 :], ProtectionSystem)

    assert outcome.divergence is not None
    assert abs(outcome.divergence.seq - at) <= 2


def test_other_settings_show_what_would_have_been_decided() -> None:
    with Ledger(MemoryStore()) as ledger:
        clock = ManualClock(START)
        system = ProtectionSystem(clock=clock, ledger=ledger)
        for equity in (100_000, 80_000):
            clock.advance(timedelta(days=1))
            system.evaluate(Portfolio(clock.now(), equity))
        request = OrderRequest(
            1, "SPY", 10.0, time=clock.now(), reference_price=100.0, reference_time=clock.now()
        )
        assert not system.authorize(request, Portfolio(clock.now(), 80_000)).allowed
        ledger.flush()

        def looser(settings_: ProtectionSettings) -> ProtectionSettings:
            wide = {
                "drawdown.halt": "0.5",
                "drawdown.liquidate": "0.6",
                "daily.loss": "none",
                "cushion.promise": "off",
            }
            return ProtectionSettings.from_flat({**settings_.to_flat(), **wide})

        outcome = replay(ledger.records(), ProtectionSystem, change=looser)
        assert not outcome.same
        assert outcome.calls == 3
        order = next(entry for entry in outcome.entries if entry["type"] == "order")
        assert (order["order_id"], order["allowed"]) == (1, True)


def test_the_replay_passes_over_what_lies_before_the_first_start() -> None:
    with Ledger(MemoryStore()) as ledger:
        ledger.append({"type": "note"})
        busy(9, 10, ledger)
        records = list(ledger.records())
        outcome = replay(records, ProtectionSystem)
        assert outcome.same
        assert outcome.root == outcome.replayed_root == ledger.root()


def test_orders_from_many_threads_are_replayed_in_the_order_they_were_judged() -> None:
    with Ledger(MemoryStore()) as ledger:
        clock = ManualClock(START)
        system = ProtectionSystem(clock=clock, ledger=ledger)
        system.observe(Quote("SPY", START, 99.9, 100.1))
        account = Portfolio(START, 100_000.0, {"SPY": Position("SPY", 50.0, 99.0, 100.0)})
        system.evaluate(account)

        def trade(thread: int) -> None:
            rng = random.Random(thread)
            for i in range(40):
                clock.advance(timedelta(microseconds=1))
                quantity = float(rng.randint(-120, 120))
                request = OrderRequest(
                    f"{thread}-{i}",
                    "SPY",
                    quantity,
                    time=START,
                    reference_price=100.0,
                    reference_time=START,
                )
                answer = system.authorize(request, lambda: account)
                if answer.allowed and rng.random() < 0.5:
                    system.on_order_event(
                        OrderEvent(request.order_id, "SPY", OrderStatus.CANCELED, START)
                    )

        threads = [threading.Thread(target=trade, args=(i,)) for i in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ledger.flush()
        outcome = replay(ledger.records(), ProtectionSystem)

        assert outcome.divergence is None
        assert outcome.calls >= 242
        assert {r.entry["allowed"] for r in ledger.records(types={"order"})} == {True, False}


def test_equal_runs_have_equal_roots_and_other_runs_another() -> None:
    roots = []
    for seed in (3, 3, 4):
        with Ledger(MemoryStore()) as ledger:
            busy(seed, 30, ledger)
            roots.append(ledger.root())
    assert roots[0] == roots[1] != roots[2]
