"""kill -9 at random points of a running gate and ledger: ``make kill-9``.

A child holds a protected account: three threads send orders, one evaluates an account that falls
and rises and feeds statistics, one person kills, resumes, re-arms and disables. Everything that was
acknowledged is told through a pipe; then the child is killed with SIGKILL. The next life goes on in
the same folders. After each death this must hold:

- every acknowledged adding order and every act of a person is in the ledger;
- the stored state is the last acknowledged one, or the one that was being written;
- a restart comes up with exactly that state, killed if a kill was acknowledged, and then refuses
  to add and allows to reduce;
- no adding order passed between an acknowledged kill and the resume that followed.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import random
import select
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from protection.blockchain.ledger import Ledger
from protection.blockchain.records import BrokenLedger
from protection.contracts import (
    ManualClock,
    OrderEvent,
    OrderRequest,
    OrderStatus,
    Portfolio,
    Position,
    ProtectionSettings,
    Statistic,
)
from protection.contracts.stores import FileStateStore
from protection.system import ProtectionSystem

BEGIN = datetime(2020, 1, 6, 15, tzinfo=UTC)
SYMBOLS = ("SPY", "QQQ", "IWM")
SETTINGS = ProtectionSettings.from_flat(
    {
        "cushion.promise": "off",
        "orders.per_day": "100000",
        "rearm.liquidate_cooldown_sessions": "1",
        "rearm.probation_sessions": "1",
    }
)
LIVES = 20
"""Lives in one folder, each after the kill of the one before."""
MOST_SECONDS = 3.0
"""Longest life, but for a moment."""


@dataclass
class Outcome:
    """What happened over some kills."""

    kills: int = 0
    orders: int = 0
    persons: int = 0
    states: int = 0
    refused_while_killed: int = 0
    while_opening: int = 0
    while_saving: int = 0
    while_killing: int = 0
    while_resuming: int = 0
    killed_at_death: int = 0
    stalled: int = 0
    lost: int = 0
    passed_after_kill: int = 0
    other_state: int = 0
    not_killed: int = 0
    unreadable: int = 0
    broken: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether everything held."""
        return not (
            self.lost
            or self.passed_after_kill
            or self.other_state
            or self.not_killed
            or self.unreadable
            or self.broken
        )

    def fault(self, name: str, what: str) -> None:
        """Count something that must not be."""
        setattr(self, name, getattr(self, name) + 1)
        self.examples.append(f"{name}: {what}")


def digest(value: Any) -> str:
    """Digest of a state; whole numbers and floats that are equal count as equal."""

    def even(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: even(inner) for key, inner in part.items()}
        if isinstance(part, list):
            return [even(inner) for inner in part]
        return float(part) if isinstance(part, int) and not isinstance(part, bool) else part

    return sha256(json.dumps(even(value), sort_keys=True).encode()).hexdigest()[:16]


def account(now: datetime, equity: float) -> Portfolio:
    """An account with something to reduce."""
    held = {symbol: Position(symbol, 100.0, 100.0, 100.0) for symbol in SYMBOLS}
    return Portfolio(now, equity, held)


class Life:
    """What the child does until it is killed."""

    def __init__(self, folder: Path, seed: int, begin: datetime, pipe: int) -> None:
        self.pipe, self.seed = pipe, seed
        self.parent = os.getppid()
        self.clock = ManualClock(begin)
        self.equity = 100_000.0
        self.killed = 0  # odd: a kill was acknowledged, and no resume has begun since
        store = FileStateStore(folder / "state")
        ledger = Ledger(folder / "audit")
        self.system = ProtectionSystem(SETTINGS, clock=self.clock, store=store, ledger=ledger)
        save = self.system._vault.save

        def told_save(payload: dict[str, Any], *more: Any, **named: Any) -> bool:
            mark = digest(payload)
            self.tell("saving", mark)
            done = save(payload, *more, **named)
            if done:
                self.tell("saved", mark)
            return done

        self.system._vault.save = told_save  # type: ignore[method-assign,assignment]
        self.killed = int(self.system.killed)
        self.tell("ready", "")

    def tell(self, word: str, what: str) -> None:
        """Tell the parent; one write, so that lines of several threads stay whole."""
        os.write(self.pipe, f"{word} {what}\n".encode())

    def portfolio(self) -> Portfolio:
        """The account now."""
        return account(self.clock.now(), self.equity)

    def run(self) -> None:
        """Start everything and wait for the end."""
        work = [self.send, self.send, self.send, self.watch, self.person]
        for number, task in enumerate(work):
            draw = random.Random(self.seed * 10 + number)
            threading.Thread(target=self.guarded, args=(task, draw, number), daemon=True).start()
        while os.getppid() == self.parent:  # nobody is left to kill it
            time.sleep(0.2)

    def guarded(
        self, task: Callable[[random.Random, int], None], draw: random.Random, number: int
    ) -> None:
        """Tell of a thread that ends, which none should."""
        try:
            task(draw, number)
        except Exception as error:
            self.tell("broken", repr(error).replace("\n", " "))

    def send(self, draw: random.Random, number: int) -> None:
        """Send orders, and deliver their ends."""
        for serial in range(10**9):
            name = f"{self.seed}-{number}-{serial}"
            symbol, quantity = draw.choice(SYMBOLS), float(draw.choice((1, 5, 10, -5, -300)))
            before = self.killed
            order = OrderRequest(
                name, symbol, quantity, reference_price=100.0, reference_time=self.clock.now()
            )
            answer = self.system.authorize(order, self.portfolio)
            if answer.allowed and answer.evidence.get("adds", False):
                if before % 2 and before == self.killed:
                    self.tell("passed", name)
                self.tell("order", name)
            elif not answer.allowed and before % 2 and quantity > 0:
                self.tell("refused", name)
            status = draw.choice((OrderStatus.CANCELED, OrderStatus.INVALID))
            event = OrderEvent(name, symbol, status, self.clock.now(), filled_total=0.0)
            for _ in range(draw.choice((1, 1, 2))):
                self.system.on_order_event(event)

    def watch(self, draw: random.Random, number: int) -> None:
        """Evaluate an account that moves, over hours and days."""
        while True:
            with self.system._lock:  # nobody is judged between the clock and the account
                self.clock.advance(timedelta(seconds=draw.choice((1, 60, 3600, 40_000))))
                crash = 0.8 if draw.random() < 0.002 else 1.0
                self.equity *= crash * (1 + draw.uniform(-0.003, 0.004))
                self.system.evaluate(self.portfolio())
            name = draw.choice(("vpin", "kl", "slippage", "latency_spike", "hhi"))
            value = draw.choice((*(0.0,) * 20, 0.1, 60.0))
            self.system.observe(Statistic(draw.choice(SYMBOLS), self.clock.now(), name, value))

    def person(self, draw: random.Random, number: int) -> None:
        """Kill, resume, re-arm and disable by name."""
        serial = 0
        while True:
            time.sleep(draw.random() * 0.01)
            serial += 1
            reason = f"{self.seed}-p{serial}"
            choice, stalls = draw.random(), self.system.counters["audit_errors"]
            if choice < 0.45:
                self.tell("killing", reason)
                self.system.kill("Ada", reason)
                self.killed += 1 - self.killed % 2
                self.tell("killed", self.sure(reason, stalls))
            elif choice < 0.9:
                self.killed += self.killed % 2
                self.tell("resuming", reason)
                self.system.resume("Grace", reason)
                self.tell("resumed", self.sure(reason, stalls))
            elif choice < 0.95:
                self.system.rearm("*", "Grace", reason)
                self.tell("person", self.sure(reason, stalls))
            else:
                with self.system._lock:  # an hour from now, whatever the clock does
                    until = self.clock.now() + timedelta(hours=1)
                    self.system.disable("kl", until, "Grace", reason)
                self.tell("person", self.sure(reason, stalls))

    def sure(self, reason: str, stalls: int) -> str:
        """The reason, unless the ledger said that it was too slow to take it in time.

        An act of a person does not wait for a ledger that stalls: adding is denied instead.
        """
        return reason if self.system.counters["audit_errors"] == stalls else "stalled"


@dataclass
class Known:
    """What was acknowledged in one folder, over its lives."""

    ledger: set[str] = field(default_factory=set)
    saved: str = ""
    killed: bool = False


def live_and_die(folder: Path, seed: int, begin: datetime) -> list[tuple[str, str]]:
    """Fork a life, kill it at a random moment; what it told, whole lines only."""
    draw = random.Random(seed)
    read, write = os.pipe()
    fcntl.fcntl(write, getattr(fcntl, "F_SETPIPE_SZ", 1031), 1 << 20)
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.close(read)
        try:
            Life(folder, seed, begin, write).run()
        finally:
            os._exit(1)
    os.close(write)
    told = bytearray()
    if draw.random() < 0.1:  # it is killed while it opens state and ledger
        wanted, moment = 0.0, 0.03
    else:  # as long as it takes for some lines, however busy the machine is, and a moment more
        wanted, moment = 1.0 + draw.random() * draw.choice((1, 10, 50, 150)), 0.004
    end = time.monotonic() + MOST_SECONDS
    while told.count(b"\n") < wanted and (left := end - time.monotonic()) > 0:
        if select.select([read], [], [], left)[0]:
            told += os.read(read, 1 << 16)
    time.sleep(draw.random() * moment)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while part := os.read(read, 1 << 16):
        told += part
    os.close(read)
    lines = told.decode().split("\n")[:-1]
    return [(word, what) for word, _, what in (line.partition(" ") for line in lines)]


def check(folder: Path, told: list[tuple[str, str]], known: Known, outcome: Outcome) -> datetime:
    """Compare what a restart finds with what was told; the time at which the next life begins."""
    saving = killing = resuming = ""
    for word, what in told:
        if what == "stalled":
            outcome.stalled += 1
        elif word in ("order", "killed", "resumed", "person"):
            known.ledger.add(what)
            outcome.orders += word == "order"
            outcome.persons += word != "order"
        outcome.refused_while_killed += word == "refused"
        if word == "broken":
            outcome.fault("broken", what)
        elif word == "passed":
            outcome.fault("passed_after_kill", what)
        elif word == "saving":
            saving = what
        elif word == "saved":
            known.saved, saving = what, ""
            outcome.states += 1
        elif word == "killing":
            killing = what
        elif word == "killed":
            known.killed, killing = True, ""
        elif word == "resuming":
            resuming = what
        elif word == "resumed":
            known.killed, resuming = False, ""
    outcome.kills += 1
    outcome.while_opening += not told
    outcome.while_saving += bool(saving)
    outcome.while_killing += bool(killing)
    outcome.while_resuming += bool(resuming)
    outcome.killed_at_death += known.killed
    _check_ledger(folder, known, outcome)
    return _check_state(folder, known, outcome, saving, bool(killing or resuming))


def _check_ledger(folder: Path, known: Known, outcome: Outcome) -> None:
    try:
        with Ledger(folder / "audit") as ledger:
            kept = set()
            for record in ledger.records():
                entry = record.entry
                kept.add(str(entry.get("order_id" if record.type == "order" else "reason")))
    except BrokenLedger as error:
        outcome.fault("unreadable", str(error))
        return
    for name in known.ledger - kept:
        outcome.fault("lost", name)


def _check_state(
    folder: Path, known: Known, outcome: Outcome, saving: str, either: bool
) -> datetime:
    clock = ManualClock(BEGIN)
    system = ProtectionSystem(SETTINGS, clock=clock, store=FileStateStore(folder / "state"))
    if system._board.has_fault("state") or "unreadable" in system._kill.reason:
        outcome.fault("unreadable", "; ".join(r.text for r in system.verdict.reasons))
    stored = system._vault.load()
    found = "" if stored is None else digest(stored)
    if found not in (known.saved, saving or known.saved):
        outcome.fault("other_state", f"{found}, told {known.saved}, in flight {saving}")
    known.saved = found
    if stored is not None:
        restarted = {name: part for name, part in system.snapshot().items() if name != "killed"}
        if digest(restarted) != digest({name: stored[name] for name in restarted}):
            outcome.fault("other_state", f"a restart differs from the stored {found}")
    if not either and system.killed != known.killed:
        outcome.fault("not_killed", f"killed {system.killed}, told {known.killed}")
    known.killed = system.killed
    last = system._account.last_time
    now = BEGIN if last is None else last + timedelta(seconds=1)
    if system.killed:
        clock.set(now)
        portfolio = account(now, 100_000.0)
        for name, quantity, wanted in (("add", 1.0, False), ("reduce", -1.0, True)):
            order = OrderRequest(name, "SPY", quantity, reference_price=100.0, reference_time=now)
            if system.authorize(order, portfolio).allowed is not wanted:
                outcome.fault("not_killed", f"{name} is allowed: {not wanted}")
        known.saved = digest(system._vault.load())  # the orders were counted
    return now


def kills(count: int, seed: int, work: Path) -> Outcome:
    """``count`` kills, in folders of :data:`LIVES` lives each."""
    outcome = Outcome()
    known, begin, folder = Known(), BEGIN, work
    for number in range(count):
        if number % LIVES == 0:
            folder, known, begin = work / f"{seed}-{number}", Known(), BEGIN
            folder.mkdir(parents=True)
        told = live_and_die(folder, seed + number, begin)
        begin = check(folder, told, known, outcome)
    return outcome


def main() -> int:
    """Print what happened; exit code 3 when something did not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as work:
        outcome = kills(asked.kills, asked.seed, Path(work))
    for item in fields(Outcome):
        if item.name != "examples":
            print(f"{item.name.replace('_', ' '):<20} {getattr(outcome, item.name):>9,}")
    print(f"{'seconds':<20} {time.perf_counter() - begin:>9,.0f}")
    for line in outcome.examples[:20]:
        print(line)
    return 0 if outcome.good else 3


if __name__ == "__main__":
    raise SystemExit(main())
