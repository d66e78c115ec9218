"""The system and its ledger: what is recorded, and what a failing ledger does to orders."""

from __future__ import annotations

import errno
import math
import os
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from protection.blockchain.disk import Disk
from protection.blockchain.ledger import Ledger
from protection.blockchain.stores import FileStore, MemoryStore
from protection.contracts import (
    BrokerEvent,
    BrokerStatus,
    CashFlow,
    Fill,
    OrderEvent,
    OrderRequest,
    OrderStatus,
    Quote,
    Verdict,
)


def order(world, number: int, quantity: float, price: float = 100.0) -> Verdict:  # type: ignore[no-untyped-def]
    now = world.clock.now()
    request = OrderRequest(
        number, "SPY", quantity, time=now, reference_price=price, reference_time=now
    )
    return world.system.authorize(request, world.portfolio())


def types(ledger: Ledger) -> list[str]:
    ledger.flush()
    return [record.type for record in ledger.records()]


class FailingDisk(Disk):
    code = 0

    def sync(self, handle: int) -> None:
        if self.code:
            raise OSError(self.code, os.strerror(self.code))
        super().sync(handle)


class HangingDisk(Disk):
    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()

    def sync(self, handle: int) -> None:
        self.gate.wait()
        super().sync(handle)


def test_every_call_leaves_one_entry_with_its_answer(make_world) -> None:  # type: ignore[no-untyped-def]
    with Ledger(MemoryStore()) as ledger:
        world = make_world(ledger=ledger)
        world.hold("SPY", 100, 100)
        now = world.clock.now()
        system = world.system
        system.observe(Quote("SPY", now, 99.9, 100.1))
        system.observe(Quote("QQQ", now, math.nan, 100.1))
        world.minute()
        portfolio = world.portfolio()
        system.review({"SPY": 50.0}, portfolio)
        order(world, 1, 1)
        system.on_order_event(OrderEvent(1, "SPY", OrderStatus.SUBMITTED, now))
        system.on_fill(Fill(1, "SPY", now, 1.0, 100.0, fill_id=7))
        system.settle(portfolio)
        system.on_broker(BrokerEvent(now, BrokerStatus.DISCONNECTED, "gone"))
        system.on_cash_flow(CashFlow(now, 10.0))
        system.kill("ann", "drill")
        system.resume("bob", "over")
        system.rearm("*", "ann", "go")

        found = [kind for kind in types(ledger) if kind != "protection"]
        assert found == [
            *("start", "observe", "observe", "evaluate", "review", "order", "order_event"),
            *("fill", "settle", "broker", "cash_flow", "kill", "resume", "rearm"),
        ]
        by_type = {record.type: record.entry for record in ledger.records()}
        assert by_type["observe"]["record"]["bid"] == "NaN"
        assert by_type["observe"]["accepted"] is False
        assert by_type["evaluate"]["portfolio"]["positions"] == {"SPY": [100, 100, 100, 1]}
        assert by_type["review"]["result"] == {"SPY": 50}
        assert by_type["order"]["allowed"] is True
        assert by_type["order"]["request"]["reference_price"] == 100
        assert (by_type["kill"]["actor"], by_type["kill"]["reason"]) == ("ann", "drill")
        assert by_type["resume"]["actor"] == "bob"


def test_an_order_that_adds_is_on_the_disk_before_it_may_go(make_world, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with Ledger(tmp_path / "a") as ledger:
        world = make_world(ledger=ledger)
        world.minute()
        assert order(world, 1, 1).allowed
        last = ledger.record(ledger.size - 1)
        assert (last.type, last.entry["order_id"], last.entry["allowed"]) == ("order", 1, True)


@pytest.mark.parametrize("group", [False, True])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_failing_disk_stops_adding_and_never_reducing_and_recovers(  # type: ignore[no-untyped-def]
    make_world, tmp_path: Path, code: int, group: bool
) -> None:
    disk = FailingDisk()
    with Ledger(FileStore(tmp_path / "a", disk=disk), group=group) as ledger:
        world = make_world(ledger=ledger)
        world.hold("SPY", 100, 100)
        world.minute()
        assert order(world, 1, 1).allowed
        ledger.flush(5.0)

        disk.code = code
        order(world, 2, 1)  # in group mode this one may still go: the disk fails behind it
        until = time.monotonic() + 5.0
        while not ledger.failing and time.monotonic() < until:
            time.sleep(0.005)
        refused = order(world, 3, 1)
        assert not refused.allowed
        assert "recorded" in refused.reason
        assert order(world, 4, -1).allowed
        assert world.minute().state.name == "FREEZE"

        disk.code = 0
        ledger.flush(5.0)
        world.minute()
        assert order(world, 5, 1).allowed
        ledger.flush(5.0)
        answers = [
            (record.entry["order_id"], record.entry["allowed"])
            for record in ledger.records(types={"order"})
        ]
        assert {number for number, _ in answers} == {1, 2, 3, 4, 5}
        last = dict(answers)  # the last answer to an order is the one that holds
        assert (last[3], last[4], last[5]) == (False, True, True)
        assert ledger.verify()


def test_a_hanging_disk_holds_nobody_longer_than_the_stall(make_world, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    disk = HangingDisk()
    ledger = Ledger(FileStore(tmp_path / "a", disk=disk), stall=0.1)
    world = make_world(ledger=ledger)
    world.hold("SPY", 100, 100)
    world.minute()
    ledger.flush(5.0)
    disk.gate.clear()

    began = time.monotonic()
    refused = order(world, 1, 1)
    first = time.monotonic() - began
    began = time.monotonic()
    allowed = order(world, 2, -1)
    second = time.monotonic() - began
    disk.gate.set()

    assert not refused.allowed
    assert allowed.allowed
    assert 0.05 < first < 5.0
    assert second < first  # it is known by now that the disk hangs: nobody waits for it
    ledger.flush(5.0)
    world.minute()
    assert order(world, 3, 1).allowed
    ledger.close()


def test_entries_that_could_not_even_be_queued_leave_a_gap_entry(  # type: ignore[no-untyped-def]
    make_world, tmp_path: Path
) -> None:
    disk = HangingDisk()
    ledger = Ledger(FileStore(tmp_path / "a", disk=disk), stall=0.05, queue=4)
    world = make_world(ledger=ledger)
    world.minute()
    ledger.flush(5.0)
    disk.gate.clear()
    for _ in range(10):
        world.minute()
    assert not order(world, 1, 1).allowed
    disk.gate.set()
    ledger.flush(5.0)
    world.minute()
    assert order(world, 2, 1).allowed

    gap = next(ledger.records(types={"gap"})).entry
    assert gap["missed"] >= 5
    assert "waiting for the disk" in gap["reason"]
    following = next(ledger.records(types={"evaluate"}, where=lambda r: r.seq > 12), None)
    assert following is None or following.entry["portfolio"] is not None
    ledger.close()


def test_group_mode_does_not_wait_for_the_disk(make_world, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    disk = HangingDisk()
    ledger = Ledger(FileStore(tmp_path / "a", disk=disk), stall=30.0, group=True)
    world = make_world(ledger=ledger)
    world.minute()
    disk.gate.clear()

    assert order(world, 1, 1).allowed

    disk.gate.set()
    ledger.flush(5.0)
    assert types(ledger)[-1] == "order"
    ledger.close()


def test_a_call_is_judged_at_one_time_even_when_the_clock_runs_on(make_world) -> None:  # type: ignore[no-untyped-def]
    with Ledger(MemoryStore()) as ledger:
        world = make_world(ledger=ledger)
        host = world.clock

        class Running:
            def now(self):  # type: ignore[no-untyped-def]
                host.advance(timedelta(microseconds=1))
                return host.now()

        world.clock = Running()
        world.restart()
        portfolio = world.portfolio()
        world.system.evaluate(portfolio)
        world.system.on_broker(BrokerEvent(portfolio.time, BrokerStatus.DISCONNECTED))
        ledger.flush()
        *_, event, call = ledger.records(types={"protection", "broker"})
        assert event.entry["time"] == call.entry["time"]
