"""The lifeline of a live run: a watcher of the kill file, a heartbeat by the wall clock, a typed
kill command, SIGTERM, the link to the broker, and reconciliation. A backtest has none of it.

Three roads lead to one kill: the typed command, the kill file (looked at by the gate on every
order, and by the watcher), and the check of the heartbeat. All end in :meth:`Lifeline.act`.
Everything that LEAN calls here is a total function: an exception that leaves a callback ends the
algorithm with its positions open.
"""

from __future__ import annotations

from AlgorithmImports import *

import threading
import time as wall
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from algorithm.bridge import of_engine
from algorithm.commands import kill_command, resume_command
from algorithm.exits import GradedExits
from algorithm.link import Link, MessageHandler, foreign_order
from algorithm.reconcile import Reconciler
from protection.circuit_breakers.kill_switch import LOCK_KEY
from protection.contracts.actions import Action
from protection.contracts import records
from protection.contracts.stores import FileStateStore, StateStore

if TYPE_CHECKING:
    from algorithm.protect import Protection

NOT_RECONCILED = "holdings and orders are not reconciled yet"
#: events of orders that are at the broker; one that LEAN refused was never shown to the gate
_OUT = (
    OrderStatus.SUBMITTED,
    OrderStatus.UPDATE_SUBMITTED,
    OrderStatus.PARTIALLY_FILLED,
    OrderStatus.FILLED,
)
#: seconds between two calls of a watcher that follows a kill up
_FOLLOW = 0.25
#: seconds without a link after which it is said aloud
_LONG_OUTAGE = 900.0
#: time after which a silence is told again, when it is over, too: a gauge that is told nothing any
#: more trips
_REPEAT = timedelta(seconds=20)
#: seconds by which the wall clock may differ from the monotonic one between two beats
_CLOCK_STEP = 5.0


class Lifeline:
    """Everything that keeps watch beside the data."""

    def __init__(self, protection: Protection, store: StateStore) -> None:
        self.protection = protection
        self.store = store
        self.settings = protection.system.settings.live
        self.exits = GradedExits(protection)
        self.link = Link(self)
        self.reconciler = Reconciler(self)
        self._beating = threading.Lock()
        self._stopped = threading.Event()
        self._wake = threading.Event()
        self._silent_since: dict[Symbol, datetime] = {}
        self._told_silence: dict[str, datetime] = {}
        self._evaluated: tuple[Any, datetime] | None = None
        self._clocks: tuple[float, float] | None = None
        self._lost_at: datetime | None = None
        self._registration: Any = None
        # orders that never pass the gate: given back by the broker at the start, or looked into
        self._known: set[int] = set()
        self._adopted: set[str] = set()
        self._finished = True
        self._booked: Any = None

    # -- beginning and end -----------------------------------------------------------------------

    def start(self) -> None:
        """Begin in ``initialize``: until the account is reconciled, orders may only reduce."""
        algorithm = self.protection.algorithm
        self.link.set(doubt=NOT_RECONCILED)
        algorithm.set_brokerage_message_handler(
            MessageHandler(algorithm.brokerage_message_handler, self)
        )
        algorithm.add_command(kill_command(self))
        algorithm.add_command(resume_command(self))
        self._listen_to_sigterm()
        if isinstance(self.store, FileStateStore):
            threading.Thread(target=self._watch, name="kill file watcher", daemon=True).start()

    def warmed_up(self) -> None:
        """Reconcile the account with the one that was stored, and begin to beat."""
        algorithm = self.protection.algorithm
        self._known.update(
            int(ticket.order_id) for ticket in algorithm.transactions.get_open_order_tickets()
        )
        try:
            every = timedelta(seconds=self.settings.beat_seconds)
            algorithm.schedule.on(
                "Protection heartbeat",
                algorithm.date_rules.every_day(),
                algorithm.time_rules.every(every),
                self.beat,
            )
        except BaseException as error:  # nobody adds while nobody watches
            self.failed("the heartbeat", error)
            self.link.set(failed=f"there is no heartbeat ({error!r})")
        self._guarded("reconciliation", self.reconciler.begin)
        self._guarded("a kill from before", self.act)

    def stop_watching(self) -> None:
        """Let the watcher of the kill file end."""
        self._stopped.set()

    def stop(self) -> None:
        """End: store the account and the state, and watch no more."""
        self.stop_watching()
        self._guarded("the last account", self.reconciler.keep)
        self._guarded("the last state", self.protection.system.flush)
        ledger = self.protection.ledger
        if ledger is not None:
            self._guarded("the ledger", ledger.flush)

    def _listen_to_sigterm(self) -> None:
        """Make SIGTERM an orderly end; without a handler it kills at once, and nothing is told."""
        try:
            import System as net
            from System.Runtime.InteropServices import (
                PosixSignal,
                PosixSignalContext,
                PosixSignalRegistration,
            )

            made: Any = PosixSignalRegistration
            delegate: Any = getattr(net, "Action")  # noqa: B009 # the stubs do not know it
            self._registration = made.Create(
                PosixSignal.SIGTERM, delegate[PosixSignalContext](self._on_sigterm)
            )
        except BaseException as error:  # no such thing in the cloud
            self.protection.algorithm.log(f"Protection: SIGTERM ends the run at once ({error!r})")

    def _on_sigterm(self, context: Any) -> None:
        context.Cancel = True
        self.protection.counts["sigterms"] += 1
        self._guarded("the last account", self.reconciler.keep)
        self._guarded("the last state", self.protection.system.flush)
        self._guarded("SIGTERM", lambda: self.protection.algorithm.quit("SIGTERM"))

    # -- the kill --------------------------------------------------------------------------------

    def act(self) -> bool:
        """Do what the verdict in force demands of orders and positions; whether that is done."""
        protection = self.protection
        verdict = protection.system.look()
        if verdict.state < Action.HALT and not verdict.by_symbol:
            self._finished = True
            return True
        protection.verdict = verdict
        self._finished = self.exits.follow(verdict)
        return self._finished

    def _watch(self) -> None:
        """Look at the kill file, in a thread of its own that nothing else can hold up."""
        seen = self._stamp()
        followed = 0.0
        while not self._stopped.is_set():
            self._wake.wait(self.settings.watch_seconds)
            try:
                stamp = self._stamp()
                due = not self._finished and wall.monotonic() - followed >= _FOLLOW
                if stamp == seen and not self._wake.is_set() and not due:
                    continue
                self._wake.clear()
                seen, followed = stamp, wall.monotonic()
                if self.protection.system.look().state >= Action.HALT:
                    self.act()
            except SystemExit:
                return  # the run is over
            except BaseException as error:
                self.failed("the watcher of the kill file", error)

    def _stamp(self) -> object:
        try:
            return self.store.stamp(LOCK_KEY)
        except OSError as error:
            return str(error)

    def hurry(self) -> None:
        """Let the watcher follow at once: the gate has seen a kill, and may send nothing itself."""
        if self._finished:
            self._finished = False
            self._wake.set()

    # -- the heartbeat ---------------------------------------------------------------------------

    def beat(self) -> None:
        """Look at everything that data would not tell; called once a second, never raises."""
        if not self._beating.acquire(False):
            return
        try:
            self.protection.counts["beats"] += 1
            self._beat()
        except BaseException as error:
            self.failed("the heartbeat", error)
        finally:
            self._beating.release()

    def _beat(self) -> None:
        protection = self.protection
        now = self._tell_time()
        protection.look_at_seals(thoroughly=True)
        self._listen_to_feeds(now)
        self._guarded("reconciliation", self.reconciler.step)
        self._watch_outage(now)
        portfolio = protection.bridge.portfolio()
        booked = _booked(portfolio)
        # while a fill is being booked, one look may show half of it; the next beat sees the whole
        if booked == self._booked or booked == _booked(protection.bridge.portfolio()):
            self._booked = booked
            self._evaluate(now, portfolio, booked)
            self.act()
            self.reconciler.keep(booked)
        else:
            self.act()

    def _tell_time(self) -> datetime:
        """Feed the wall clock; the algorithm's own time stands still while the loop does."""
        seconds, steady = wall.time(), wall.monotonic()
        if self._clocks is not None:
            step = (seconds - self._clocks[0]) - (steady - self._clocks[1])
            if abs(step) > _CLOCK_STEP:
                self.protection.counts["clock_steps"] += 1
                self.protection.say(f"the clock of this machine was set by {step:+.0f} seconds")
        self._clocks = (seconds, steady)
        return self.protection.clock.feed(datetime.fromtimestamp(seconds, UTC))

    def _listen_to_feeds(self, now: datetime) -> None:
        """Measure the silence of each open symbol by the time of its last own price."""
        protection, bridge = self.protection, self.protection.bridge
        for pair in list(protection.algorithm.securities):
            symbol, security = pair.key, pair.value
            cadence = bridge.cadence(security)
            if cadence is None:
                continue
            since = self._silent_since.get(symbol)
            if since is None or not security.exchange.exchange_open:
                since = self._silent_since[symbol] = now
            last = bridge.last_end(security)
            heard = since if last is None else max(since, last)
            ratio = (now - heard).total_seconds() / max(cadence, self.settings.cadence_seconds)
            key = bridge.key(symbol)
            told = self._told_silence.get(key)
            if ratio > 1.0 or told is None or now - told >= _REPEAT:
                self._told_silence[key] = now
                protection.system.observe(records.Statistic(key, now, "mute_feed", max(0.0, ratio)))

    def _watch_outage(self, now: datetime) -> None:
        if not self.link.lost:
            self._lost_at = None
        elif self._lost_at is None:
            self._lost_at = now
        elif (now - self._lost_at).total_seconds() > _LONG_OUTAGE:
            self.protection.say(f"the link to the broker is lost since {self._lost_at:%H:%M} UTC")

    def _evaluate(self, now: datetime, portfolio: records.Portfolio, booked: Any) -> None:
        """Judge the account when it has changed, and once a minute; that tries the ledger, too."""
        protection = self.protection
        mark = (portfolio.equity, booked, self.link.lost)
        known = self._evaluated
        patience = timedelta(seconds=self.settings.evaluate_seconds)
        failing = protection.ledger is not None and protection.ledger.failing
        if known is not None and known[0] == mark and now - known[1] < patience and not failing:
            return
        self._evaluated = (mark, now)
        protection.verdict = protection.system.evaluate(portfolio)

    # -- the link to the broker --------------------------------------------------------------------

    def disconnected(self) -> None:
        """Remember the account as it is at this moment."""
        self.reconciler.lost()

    def reconnected(self) -> None:
        """The link is back: adding waits until the account is reconciled."""
        self.protection.counts["reconnects"] += 1
        self.reconciler.back()
        self.link.set(lost=False, doubt=NOT_RECONCILED)

    def hear(self, event: OrderEvent, record: records.OrderEvent) -> None:
        """Take in an order event, after the system did: fills, new sizes, orders nobody judged."""
        protection, number = self.protection, int(event.order_id)
        if record.fill_quantity:
            self.reconciler.heard(record.symbol, record.fill_quantity)
        order = protection.algorithm.transactions.get_order_by_id(number)
        if order is None:
            return
        if number not in protection.seen and number not in self._known:
            if event.status in _OUT:
                self._unjudged(order)
        elif event.status == OrderStatus.UPDATE_SUBMITTED:
            protection.judge_size(order)

    def _unjudged(self, order: Order) -> None:
        """An order reached the broker without having been shown to the gate."""
        protection = self.protection
        self._known.add(int(order.id))
        adopted = self._adopted.intersection(str(each) for each in order.broker_id)
        if adopted or of_engine(order):
            return
        protection.counts["unjudged"] += 1
        text = f"order {int(order.id)} of {float(order.quantity):g} {order.symbol.value} went out"
        text += " unjudged"
        if not self.link.failed:
            protection.say(f"{text}; adding is halted until somebody resumes")
        self.link.set(failed=self.link.failed or text)
        ticket = protection.algorithm.transactions.get_order_ticket(order.id)
        if ticket is not None:
            ticket.cancel("Protection: not judged")

    def adopted(self, order: Order) -> None:
        """Take note of an order that the algorithm's own handler adopts."""
        self._adopted.update(str(each) for each in order.broker_id)

    def foreign(self, order: Order) -> bool:
        """Take note of an order placed elsewhere; whether LEAN shall adopt it."""
        protection = self.protection
        if protection.system.killed:
            self.adopted(order)
            return True
        found = foreign_order(self, order)
        protection.counts["foreign_orders"] += 1
        protection.bridge.foreign += (found,)
        text = f"an order of {found.quantity:g} {order.symbol.value} was placed elsewhere"
        protection.say(f"{text}; adding is frozen until somebody resumes")
        self.link.set(doubt=text)
        self.reconciler.stuck = True
        return False

    def resumed(self) -> None:
        """Somebody has looked into it: errors are over, the account is taken as it is."""
        self.protection.bridge.foreign = ()
        self.reconciler.accept()
        self.link.set(failed="", doubt="")

    # -- helpers ---------------------------------------------------------------------------------

    def failed(self, what: str, error: BaseException) -> None:
        """Count an error inside, and say it once; it goes no further."""
        self.protection.counts["lifeline_errors"] += 1
        try:
            self.protection.say(f"{what} failed ({error!r})")
        except BaseException:
            self.protection.counts["unsaid"] += 1

    def _guarded(self, what: str, call: Callable[[], Any]) -> None:
        try:
            call()
        except BaseException as error:
            self.failed(what, error)


def _booked(portfolio: records.Portfolio) -> tuple[Any, ...]:
    """What fills change: cash, positions, and what is working."""
    held = {key: each.quantity for key, each in portfolio.positions.items()}
    return portfolio.cash, held, [(each.order_id, each.quantity) for each in portfolio.open_orders]
