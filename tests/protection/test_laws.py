"""Laws of the house as a state machine: any interleaving of orders, fills, faults and restarts.

A small broker holds the truth: holdings, working orders, and events that are delivered late,
twice and out of order. Holdings change before the event of a fill is delivered, as in LEAN.
"""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from protection.contracts import (
    BreakerState,
    ManualClock,
    OpenOrder,
    OrderEvent,
    OrderKind,
    OrderRequest,
    OrderStatus,
    Portfolio,
    Position,
    ProtectionSettings,
    RetryWrite,
    Statistic,
)
from protection.contracts.stores import FileStateStore
from protection.system import ProtectionSystem
from tests.protection.conftest import START, FaultyFileSystem

SYMBOLS = ("SPY", "QQQ")
CAP = 200  # units: 20% of 100,000 at a price of 100
SETTINGS = ProtectionSettings.from_flat(
    {
        "limits.max_position": "0.2",
        "cushion.promise": "off",
        "persistence.peaks": "step",
        "position.stop": "off",
        "rearm.liquidate_cooldown_sessions": "2",
        "rearm.probation_sessions": "2",
    }
)
LOCK_FAULTS = frozenset(("write_new", "replace", "sync_folder"))
JOURNAL_FAULTS = frozenset(("read_at", "write_at", "sync"))
KINDS = st.sampled_from([OrderKind.MARKET, OrderKind.LIMIT, OrderKind.STOP])


@dataclass
class Work:
    symbol: str
    total: int
    kind: OrderKind
    filled: int = 0

    @property
    def rest(self) -> int:
        return self.total - self.filled


class Trading(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.files = FaultyFileSystem()
        self.clock = ManualClock(START)
        self.latest = self.clock.now()
        self.held = dict.fromkeys(SYMBOLS, 0)
        self.work: dict[int, Work] = {}
        self.lagging: set[int] = set()  # let through, not yet in the host's list
        self.events: list[OrderEvent] = []
        self.old: list[OrderEvent] = []
        self.serial = 0
        self.equity = 100_000.0
        self.peak = 0.0
        self.killed: bool | None = False  # None: asked for, not acknowledged
        self.store_failed = False
        self.system = self.open()
        self.look()

    def teardown(self) -> None:
        shutil.rmtree(getattr(self, "folder", Path(tempfile.gettempdir()) / "none"), True)

    def open(self) -> ProtectionSystem:
        return ProtectionSystem(
            SETTINGS, clock=self.clock, store=FileStateStore(self.folder, self.files)
        )

    def number(self) -> int:
        self.serial += 1
        return self.serial

    def portfolio(self) -> Portfolio:
        return Portfolio(
            self.clock.now(),
            self.equity,
            {s: Position(s, q, 100.0, 100.0) for s, q in self.held.items() if q},
            tuple(
                OpenOrder(n, w.symbol, w.rest, w.kind, 100.0)
                for n, w in self.work.items()
                if n not in self.lagging
            ),
        )

    def look(self) -> None:
        failures = self.system.counters["store_errors"]
        self.system.evaluate(self.portfolio())
        self.store_failed = self.system.counters["store_errors"] > failures
        if math.isfinite(self.equity) and self.clock.now() >= self.latest:
            self.peak = max(self.peak, self.equity)

    def bad(self) -> bool:
        """Whether adding must be denied, as far as the broker's side knows."""
        return (
            self.killed is not False
            or not math.isfinite(self.equity)
            or self.clock.now() < self.latest
        )

    def say(self, number: int, status: OrderStatus, fill: int = 0, **more: float) -> None:
        work = self.work.get(number)
        symbol = SYMBOLS[0] if work is None else work.symbol
        self.events.append(
            OrderEvent(
                number,
                symbol,
                status,
                self.clock.now(),
                fill,
                100.0,
                event_id=self.number(),
                **more,
            )
        )

    def firm(self, symbol: str, quantity: int, exclude: int) -> tuple[int, int]:
        same = [
            w
            for n, w in self.work.items()
            if n != exclude and w.symbol == symbol and w.rest * quantity > 0
        ]
        firm = sum(abs(w.rest) for w in same if not w.kind.resting)
        return firm, sum(abs(w.rest) for w in same)

    def judge(
        self, number: int, symbol: str, quantity: int, kind: OrderKind, **more: object
    ) -> bool:
        held = self.held[symbol]
        firm, pending = self.firm(symbol, quantity, number)
        opposite = held * quantity < 0
        reduces = opposite and abs(quantity) + pending <= abs(held)
        may_exit = opposite and abs(quantity) + firm <= abs(held)
        request = OrderRequest(
            number,
            symbol,
            quantity,
            kind,
            reference_price=100.0,
            reference_time=min(self.clock.now(), self.latest),
        )
        request = replace(request, **more)  # type: ignore[arg-type]
        verdict = self.system.authorize(request, self.portfolio)
        if verdict.allowed:
            if self.bad() or not self.system.verdict.state.adding_allowed:
                assert may_exit, "law 1: an adding order passed in a bad state"
            if not reduces and may_exit and verdict.cancel:
                # one that is gone already, its news on the way, needs no cancel
                for other in self.work.keys() & set(verdict.cancel):
                    assert self.work[int(other)].kind.resting
                    self.drop(int(other))
        elif reduces and not self.events:
            raise AssertionError(f"law 1: a reducing order was refused: {verdict.reason}")
        return verdict.allowed

    @rule(
        symbol=st.sampled_from(SYMBOLS),
        quantity=st.integers(-250, 250),
        kind=KINDS,
        late=st.booleans(),
    )
    def submit(self, symbol: str, quantity: int, kind: OrderKind, late: bool) -> None:
        if quantity == 0:
            return
        number = self.number()
        if self.judge(number, symbol, quantity, kind):
            self.work[number] = Work(symbol, quantity, kind)
            if late:
                self.lagging.add(number)
            self.say(number, OrderStatus.SUBMITTED)
        else:
            self.say(number, OrderStatus.INVALID)

    @rule(symbol=st.sampled_from(SYMBOLS), share=st.integers(1, 2), kind=KINDS)
    def leave(self, symbol: str, share: int, kind: OrderKind) -> None:
        if self.held[symbol]:
            size = max(1, abs(self.held[symbol]) // share)
            self.submit(symbol, -int(math.copysign(size, self.held[symbol])), kind, False)

    def pick(self, data: st.DataObject) -> int:
        return data.draw(st.sampled_from(sorted(self.work)))

    @precondition(lambda self: self.work)
    @rule(data=st.data(), whole=st.booleans())
    def fill(self, data: st.DataObject, whole: bool) -> None:
        number = self.pick(data)
        work = self.work[number]
        size = abs(work.rest) if whole else data.draw(st.integers(1, abs(work.rest)))
        amount = int(math.copysign(size, work.rest))
        work.filled += amount
        self.held[work.symbol] += amount
        done = work.rest == 0
        self.say(number, OrderStatus.FILLED if done else OrderStatus.PARTIALLY_FILLED, amount)
        if done:
            del self.work[number]

    def drop(self, number: int) -> None:
        self.say(number, OrderStatus.CANCELED, filled_total=self.work[number].filled)
        del self.work[number]

    @precondition(lambda self: self.work)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        self.drop(self.pick(data))

    @precondition(lambda self: self.work)
    @rule(data=st.data(), size=st.integers(1, 300))
    def update(self, data: st.DataObject, size: int) -> None:
        number = self.pick(data)
        work = self.work[number]
        if work.filled or size == abs(work.total):
            return
        asked = int(math.copysign(size, work.total))
        if self.judge(number, work.symbol, asked, work.kind, is_update=True):
            work.total = asked
            self.say(number, OrderStatus.UPDATED, quantity=asked)

    @precondition(lambda self: self.events)
    @rule(data=st.data(), twice=st.booleans())
    def deliver(self, data: st.DataObject, twice: bool) -> None:
        event = self.events.pop(data.draw(st.integers(0, len(self.events) - 1)))
        for _ in range(1 + twice):
            self.system.on_order_event(event)
        self.old.append(event)

    @precondition(lambda self: self.old)
    @rule(data=st.data())
    def deliver_again(self, data: st.DataObject) -> None:
        self.system.on_order_event(data.draw(st.sampled_from(self.old)))

    @rule()
    def list_all(self) -> None:
        self.lagging.clear()

    @rule()
    def deliver_all(self) -> None:
        for event in self.events:
            self.system.on_order_event(event)
        self.old += self.events
        self.events = []

    @rule(
        equity=st.sampled_from([100_000.0, 99_000.0, 97_500.0, 84_000.0, 79_000.0, math.nan, -1.0])
    )
    def account(self, equity: float) -> None:
        self.equity = equity if equity > 0 else math.nan
        self.look()

    @rule(
        name=st.sampled_from(["vpin", "kl", "luld", "slippage", "repeated_execution"]),
        scope=st.sampled_from([*SYMBOLS, "portfolio", "strategy:other"]),
        value=st.sampled_from([0.0, 1.0, 60.0, math.nan]),
    )
    def statistic(self, name: str, scope: str, value: float) -> None:
        failures = self.system.counters["store_errors"]
        self.system.observe(Statistic(scope, self.clock.now(), name, value))
        self.store_failed |= self.system.counters["store_errors"] > failures
        if not math.isfinite(value) and scope == "portfolio" and name in ("kl", "luld"):
            assert not self.system.verdict.state.adding_allowed, "law 5: nonsense was ignored"

    @rule(breaker=st.sampled_from(["kl", "repeated_execution", "daily_loss"]))
    def put_aside(self, breaker: str) -> None:
        self.system.disable(breaker, self.clock.now() + timedelta(hours=2), "Ada", "test")
        self.system.enable(breaker, "Ada", "test")

    @rule(hours=st.sampled_from([0, 1, 24, 24 * 30, -5]))
    def time(self, hours: int) -> None:
        if self.clock.now() >= self.latest:
            self.latest = self.clock.now()
        self.clock.advance(timedelta(hours=hours))
        self.look()
        self.latest = max(self.latest, self.clock.now())

    @rule(faults=st.sets(st.sampled_from(sorted(LOCK_FAULTS | JOURNAL_FAULTS))), torn=st.booleans())
    def kill(self, faults: set[str], torn: bool) -> None:
        calls = self.files.calls
        waiting = {name for name, at in self.files.fail_at.items() if at > calls.get(name, 0)}
        faults = faults | waiting
        self.files.always |= faults
        self.files.torn = torn
        try:
            self.system.kill("Ada", "test")
            self.killed = True
        except RetryWrite:  # either of the two roads to the disk is enough
            assert faults & LOCK_FAULTS
            assert faults & JOURNAL_FAULTS
            self.killed = None if self.killed is not True else True
        self.files.always.clear()
        assert self.system.killed

    @precondition(lambda self: self.killed is not False)
    @rule(fault=st.sampled_from([None, "write_new", "replace", *sorted(JOURNAL_FAULTS)]))
    def resume(self, fault: str | None) -> None:
        if fault:
            self.files.always.add(fault)
        try:
            self.system.resume("Grace", "test")
            assert fault is None
            self.killed = False
        except RetryWrite:
            assert self.system.killed
        self.files.always.clear()
        self.look()

    @rule(fault=st.sampled_from(sorted(LOCK_FAULTS | JOURNAL_FAULTS)), torn=st.booleans())
    def fault_at_the_next_write(self, fault: str, torn: bool) -> None:
        self.files.torn = torn
        self.files.fail_at[fault] = self.files.calls.get(fault, 0) + 1

    @rule()
    def restart(self) -> None:
        self.files.fail_at.clear()
        tripped = {
            (b.rule.name, b.scope): b.state
            for b in self.system._board.breakers()
            if b.state not in (BreakerState.CLOSED, BreakerState.WARN)
        }
        unsaved = self.system._unsaved
        self.lagging.clear()
        self.system = self.open()
        # how far the clock had come is known as of the last stored account
        self.latest = self.system._account.last_time or self.clock.now()
        if self.killed is None:
            self.killed = None if self.system.killed else False
        assert self.system.killed or self.killed is False, "law 2: a restart forgot a kill"
        if not unsaved:
            now = {(b.rule.name, b.scope): b.state for b in self.system._board.breakers()}
            assert tripped.items() <= now.items(), "law 4: a restart forgot a trip"
        self.look()

    @invariant()
    def no_cap_is_exceeded(self) -> None:
        for symbol in SYMBOLS if hasattr(self, "held") else ():
            rests = [w.rest for w in self.work.values() if w.symbol == symbol]
            high = self.held[symbol] + sum(r for r in rests if r > 0)
            low = self.held[symbol] + sum(r for r in rests if r < 0)
            assert high <= CAP, "law 3"
            assert low >= -CAP, "law 3"

    @invariant()
    def a_kill_is_in_force(self) -> None:
        if hasattr(self, "system") and self.killed is not False:
            assert self.system.killed, "law 2"

    @invariant()
    def the_peak_never_drops(self) -> None:
        if hasattr(self, "system") and (reading := self.system.reading) is not None:
            assert reading.lifetime_peak == self.peak, "law 4"

    @invariant()
    def nothing_failed_inside(self) -> None:
        if hasattr(self, "system"):
            assert self.system.counters["internal_errors"] == 0, list(self.system.events)[-3:]


# `make soak` asks for many more
Trading.TestCase.settings = settings(
    max_examples=int(os.environ.get("SOAK_EXAMPLES", "500")),
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestTrading = Trading.TestCase
