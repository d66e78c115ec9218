"""What a protection system is made of, how it survives a restart, and who may change it.

:class:`Assembly` holds the parts and the state; :class:`protection.system.ProtectionSystem` adds
the daily work: market, account, orders.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar

from protection.blockchain.trail import CallClock, LedgerLike, Trail, Turn
from protection.circuit_breakers.board import Board
from protection.circuit_breakers.jumps import JumpGuard
from protection.circuit_breakers.kill_switch import LOCK_KEY, KillRecord, KillSwitch
from protection.circuit_breakers.watch import SymbolWatch
from protection.contracts.actions import WARM_UP, Action, Event, Reason, Verdict
from protection.contracts.clock import Clock, SessionCalendar, as_utc
from protection.contracts.counters import Counters
from protection.contracts.errors import FixInput, FixSettings, NameActor, RecoverState, RetryWrite
from protection.contracts.persons import named
from protection.contracts.records import Portfolio
from protection.contracts.settings import ProtectionSettings
from protection.contracts.stores import MemoryStateStore, StateJournal, StateStore
from protection.risk.checks.build import OrderChecks
from protection.risk.drawdown import DrawdownAccount
from protection.risk.gate import OrderGate
from protection.risk.limits.build import FurtherLimits
from protection.risk.policy import NO_CUSHION, Cushion, CushionPolicy

if TYPE_CHECKING:
    from protection.admission.doorway import Doorway
    from protection.admission.registry import SourceRegistry

STATE_KEY = "protection.state"
STATE_KIND = "protection-state"
STATE_VERSION = 3
WITHOUT_NAME = "expected an actor and a reason, was {actor!r}, {reason!r}"
DISABLE_AT_MOST = timedelta(days=1)
"""Longest time for which a breaker can be taken out of the verdict."""


def _add_gauges(state: dict[str, Any]) -> dict[str, Any]:
    """Version 1 to 2: gauges, disabled breakers and the flow of orders came in."""
    board = {**state["board"], "gauges": [], "disabled": []}
    return {**state, "board": board, "orders": {}}


def _add_journal(state: dict[str, Any]) -> dict[str, Any]:
    """Version 2 to 3: a journal stands beside the snapshot, which names its last entry."""
    return state


MIGRATIONS = {1: _add_gauges, 2: _add_journal}
"""By version, the step to the next one."""

EVENTS_KEPT = 100_000
EVENTS_IN_ENTRY = 50

Ledger = LedgerLike
Built = TypeVar("Built", bound="Assembly")


class HeldTurn:
    """A re-entrant lock at whose last release the sink is told of what is durable by then."""

    __slots__ = ("_depth", "_tell", "_turn")

    def __init__(self, turn: Any, tell: Callable[[], None]) -> None:
        self._turn, self._tell = turn, tell
        self._depth = 0

    def __enter__(self) -> None:
        self._turn.__enter__()
        self._depth += 1

    def __exit__(self, *error: Any) -> None:
        self._depth -= 1
        try:
            if self._depth == 0:
                self._tell()
        finally:
            self._turn.__exit__(*error)


class Assembly:
    """Parts and durable state of one account's protection."""

    def _assemble(
        self,
        settings: ProtectionSettings | None,
        clock: Clock,
        store: StateStore | None,
        ledger: Ledger | None,
        sink: Callable[[Event], None] | None,
        registry: SourceRegistry | None = None,
    ) -> None:
        self._settings = settings = settings if settings is not None else ProtectionSettings()
        self.counters = Counters()
        self.events: deque[Event] = deque(maxlen=EVENTS_KEPT)
        self._lock = RLock()
        self._turn: Any = self._lock
        self._trail = None
        if ledger is not None:  # one call is judged at one time, the one in its entry
            clock = still = CallClock(clock)
            self._turn, self._trail = Turn(self._lock, still), Trail(ledger, still)
        self._clock, self._sink = clock, sink
        self._held: deque[Event] = deque()  # until what they tell of is durable
        self._fresh: deque[Event] = deque(maxlen=EVENTS_IN_ENTRY)
        # nobody else can read a store made here, so nothing is written to it but a kill
        self._private = store is None
        if not self._private and sink is not None:
            self._turn = HeldTurn(self._turn, self._tell)
        self._store: StateStore = MemoryStateStore() if store is None else store
        self._calendar = SessionCalendar(settings.session.timezone, settings.session.days == "all")
        self._account = DrawdownAccount(
            settings.drawdown.sessions, settings.drawdown.halt_hours, settings.cushion.decay
        )
        self._policy = CushionPolicy(settings.cushion)
        self._cushion: Cushion = NO_CUSHION
        self._board = Board(settings, self._emit)
        self._watches: dict[str, SymbolWatch] = {}
        self._guards: dict[str, JumpGuard] = {}
        self._kill = KillSwitch(self._store, clock)
        self._kill_seen = ""
        self._watched = settings.kill.watch and not self._private
        self._more = FurtherLimits(settings.exposure, settings.tail)
        self._checks = OrderChecks(
            settings.orders, settings.session.timezone, lambda: self._account.session_index
        )
        self._gate = OrderGate(
            settings.limits,
            self._lock,
            self._killed_now,
            self._last_price,
            timedelta(seconds=settings.data.max_price_age_seconds),
            settings.leverage.limit,
            self._more.limits,
            self._checks,
        )
        self._stop = settings.position.stop
        self._max_age = timedelta(seconds=settings.data.max_portfolio_age_seconds)
        self._ahead = timedelta(seconds=settings.data.future_seconds)
        self._latest: datetime | None = None
        self._each_peak = settings.persistence.peaks == "step" and not self._private
        self._vault = StateJournal(self._store, STATE_KEY, STATE_KIND, STATE_VERSION, MIGRATIONS)
        self._unsaved = False
        self._owing = False
        self._stored_session = -1
        self._stored_peaks = (0.0, 0.0)
        # the snapshot that the verdict in force was reached from, and its positions
        self._judged: Portfolio | None = None
        self._positions: Mapping[str, Any] | None = None
        # the account evaluated last and its gross exposure, where nothing was wrong with it
        self._valued: tuple[Portfolio, float] | None = None
        self._warming = False  # whether what is being observed is history
        self._doorway: Doorway | None = None
        if settings.admission.door.mode == "on":
            from protection.admission.doorway import Doorway

            self._doorway = Doorway(settings.admission, registry, clock=clock, store=store)
        elif registry is not None:
            raise FixSettings(
                "expected admission.door.mode to be on with a registry of sources, was off; "
                "write admission.door.mode = on"
            )

    @property
    def settings(self) -> ProtectionSettings:
        """The settings it was made with; they cannot be exchanged."""
        return self._settings

    # ------------------------------------------------------------------ kill and resume

    def kill(self, actor: str, reason: str, *, flatten: bool | None = None) -> KillRecord:
        """Stop trading; durable when this returns.

        Parameters
        ----------
        actor, reason : who and why
        flatten : whether positions are closed too; as ``kill.action`` says when None

        Raises
        ------
        NameActor
            Without actor or reason.
        RetryWrite
            When the lock could not be stored. This process is killed all the same; repeat.
        """
        close = self.settings.kill.action == "liquidate" if flatten is None else flatten
        try:
            record = self._kill.kill(actor, reason, flatten=close)
        finally:
            with self._turn:
                if self._kill.killed:
                    self._look_at_kill(self._clock.now(), own=True)
        with self._turn:
            self.counters["kills"] += 1
            self._owing = True  # the lock is durable: the state follows with the next evaluation
            self._told_person("kill", record, flatten=close)
        return record

    def resume(
        self, actor: str, reason: str, *, role: str = "operator", second: str = ""
    ) -> KillRecord:
        """Clear a kill and a complaint about unreadable state; breakers stay as they are.

        Parameters
        ----------
        actor, reason : who and why
        role : in which role, one of ``kill.roles``
        second : another person who agrees; needed with ``kill.four_eyes``

        Raises
        ------
        NameActor
            Without actor, reason or a role that may resume, and without the second person where
            one is needed.
        RetryWrite
            When it could not be stored; everything stays as it was.
        """
        role, second = str(role or "").strip(), str(second or "").strip()
        self._may_resume(str(actor or ""), role, second)
        with self._turn:
            record = self._kill.resume(actor, reason, role, second)
            now = self._clock.now()
            self._vault.release()
            if self._doorway is not None:
                self._doorway.door.recover(actor=record.actor, reason=record.reason)
            self._board.clear_fault("state", now, f"resumed by {record.actor}: {record.reason}")
            self._look_at_kill(now, own=True)
            self.counters["resumes"] += 1
            self._persist()
            self._told_person("resume", record, role=role, second=second)
            return record

    def _may_resume(self, actor: str, role: str, second: str) -> None:
        kill = self.settings.kill
        allowed = kill.may_resume()
        if role.lower() not in allowed:
            raise NameActor(
                f"expected a role of {', '.join(sorted(allowed))}, was {role!r}; "
                "repeat the call in such a role, or change kill.roles"
            )
        same = second.lower() == actor.strip().lower()
        if kill.four_eyes and (not second or same):
            raise NameActor(
                f"expected a second person beside {actor!r} (kill.four_eyes), was {second!r}; "
                "repeat the call with both"
            )

    def rearm(self, breaker: str, actor: str, reason: str) -> bool:
        """Release latched breakers of that name (``*``: all) into probation.

        Returns
        -------
        bool
            Whether one was latched.

        Raises
        ------
        NameActor
            Without actor or reason.
        """
        who = ": ".join(named(actor, reason, WITHOUT_NAME))
        with self._turn:
            reading = self._account.reading
            equity = 0.0 if reading is None else reading.equity
            found = self._board.rearm(breaker, self._clock.now(), equity, who)
            if found:
                self._persist()
            time, facts = self._clock.now().isoformat(), {"breaker": breaker, "found": found}
            self._told(Trail.person, "rearm", time, actor, reason, durable=True, **facts)
            return found

    def disable(self, breaker: str, until: datetime, actor: str, reason: str) -> bool:
        """Take a breaker out of the verdict until a time, at most a day from now.

        It goes on measuring; that it is disabled is recorded and stands in every verdict.

        Returns
        -------
        bool
            Whether there is a breaker of that name.

        Raises
        ------
        NameActor
            Without actor or reason.
        FixInput
            When ``until`` is not after now or too far.
        """
        return self._absence("disable", breaker, actor, reason, until)

    def enable(self, breaker: str, actor: str, reason: str) -> bool:
        """End a breaker's absence before its time; whether it was absent.

        Raises
        ------
        NameActor
            Without actor or reason.
        """
        return self._absence("enable", breaker, actor, reason, None)

    def _absence(
        self, kind: str, breaker: str, actor: str, reason: str, until: datetime | None
    ) -> bool:
        who = ": ".join(named(actor, reason, WITHOUT_NAME))
        with self._turn:
            now = self._clock.now()
            if until is None:
                found = self._board.enable(breaker, now, who)
            else:
                end = as_utc(until)
                if not now < end <= now + DISABLE_AT_MOST:
                    raise FixInput(
                        f"expected an end after {now.isoformat()} and within "
                        f"{DISABLE_AT_MOST.total_seconds() / 3600:g} hours, was {end.isoformat()}"
                    )
                found = self._board.disable(breaker, now, end, who)
            if found:
                self._persist()
            facts = {"breaker": breaker, "found": found}
            if until is not None:
                facts["until"] = until.isoformat()
            self._told(Trail.person, kind, now.isoformat(), actor, reason, durable=True, **facts)
            return found

    def look(self) -> Verdict:
        """Look whether the stored lock was thrown outside; the verdict in force."""
        with self._turn:
            self._look_at_kill(self._clock.now())
            return self._resolve()

    def _killed_now(self) -> bool:
        return self._kill.poll() if self._watched else self._kill.killed

    def _look_at_kill(self, now: datetime, own: bool = False) -> None:
        kill = self._kill
        if self._watched:
            kill.poll()
        reason = kill.reason
        if reason == self._kill_seen:
            return
        before = "killed" if self._kill_seen else "armed"
        after = "killed" if reason else "armed"
        text = (
            reason or f"resumed by {self._kill.history[-1].actor}" if self._kill.history else reason
        )
        self._kill_seen = reason
        self._board.touch()
        if not own:
            self._told(lambda trail: trail.lock_changed(self._stored(LOCK_KEY)))
        self._emit(Event(now, "kill", "portfolio", before, after, text))

    def flush(self) -> None:
        """Store the present state now, before the process ends."""
        with self._turn:
            self._persist()

    # ------------------------------------------------------------------ inside

    def _resolve(self) -> Verdict:
        kill = None
        if self._kill.killed:
            action = Action.LIQUIDATE if self._kill.flatten else Action.HALT
            kill = Reason("kill", action, self._kill.reason)
            self._board.touch()
        return self._board.resolve(self._cushion, self._settings.cushion.promise, kill)

    def _last_price(self, symbol: str) -> tuple[float, datetime] | None:
        watch = self._watches.get(symbol)
        if watch is None or watch.price is None or watch.time is None:
            return None
        return watch.price, watch.time

    def _internal(self, where: str, error: Exception) -> None:
        self.counters["internal_errors"] += 1
        text = f"internal error in {where}: {error!r}; adding denied"
        self._board.set_fault("internal", Action.FREEZE, text, self._clock.now())

    def _emit(self, event: Event) -> None:
        if self._warming:
            event = replace(event, evidence={**event.evidence, WARM_UP: True})
        self.events.append(event)
        self.counters["events"] += 1
        self._told(Trail.event, event)
        if not self._private:
            self._fresh.append(event)
        if self._sink is not None:
            self._held.append(event)
            if self._private:
                self._tell()

    def _tell(self) -> None:
        """Hand the sink what has happened, now that it is as durable as it will be."""
        held = self._held
        while held:
            event, sink = held.popleft(), self._sink
            if sink is None:
                continue
            try:
                sink(event)
            except Exception as error:
                self._sink = None  # said once: a sink that raises would raise at every event
                self._internal("sink", error)

    def _told(
        self, build: Callable[..., dict[str, Any]], *facts: Any, durable: bool = False, **named: Any
    ) -> str:
        """Record an entry; why it is not safely recorded, or an empty string."""
        trail = self._trail
        if trail is None:
            return ""
        try:
            trail.write(build(trail, *facts, **named), durable)
        except Exception as error:
            self.counters["audit_errors"] += 1
            text = f"decision could not be recorded ({error!r}); adding denied"
            if not self._board.has_fault("audit"):
                self._board.set_fault("audit", Action.FREEZE, text, self._clock.now())
            return text
        if self._board.has_fault("audit"):
            self._board.clear_fault("audit", self._clock.now(), "decisions are recorded again")
        return ""

    def _told_person(self, kind: str, record: KillRecord, **facts: Any) -> None:
        self._told(
            Trail.person, kind, record.time, record.actor, record.reason, durable=True, **facts
        )

    def _stored(self, key: str) -> str | None:
        try:
            return self._store.read(key)
        except RecoverState:
            return None

    def _start(self, trail: Trail, snapshot: Mapping[str, Any] | None) -> dict[str, Any]:
        texts = self._vault.evidence(), self._kill.evidence()
        return trail.start(self.settings.to_flat(), *texts, self._private, snapshot)

    # ------------------------------------------------------------------ state

    def snapshot(self) -> dict[str, Any]:
        """Everything a restart needs, as plain data."""
        with self._lock:
            state = self._state()
            if self._doorway is not None:
                state["admission"] = self._doorway.door.snapshot()
            return state

    def _state(self) -> dict[str, Any]:
        """What is stored at every transition; the door stores its own memory."""
        with self._lock:
            return {
                "account": self._account.snapshot(),
                "board": self._board.snapshot(),
                "watches": {s: w.snapshot() for s, w in self._watches.items()},
                "believed": {s: g.believed for s, g in self._guards.items() if g.believed},
                "killed": self._kill.killed,
                "orders": self._checks.snapshot(),
            }

    @classmethod
    def restore(
        cls: type[Built],
        snapshot: Mapping[str, Any],
        settings: ProtectionSettings | None = None,
        *,
        clock: Clock,
        store: StateStore | None = None,
        ledger: Ledger | None = None,
        sink: Callable[[Event], None] | None = None,
        registry: SourceRegistry | None = None,
    ) -> Built:
        """System with the state of a snapshot instead of the store's; the store's lock counts.

        Raises
        ------
        RecoverState
            When it is no snapshot.
        """
        system = cls.__new__(cls)
        system._assemble(settings, clock, store, ledger, sink, registry)
        system._told(lambda trail: system._start(trail, snapshot))
        system._adopt(snapshot)
        system._look_at_kill(clock.now())
        system._tell()
        return system

    def _adopt(self, state: Mapping[str, Any]) -> None:
        try:
            account, board, watches = state["account"], state["board"], state["watches"]
            killed = bool(state["killed"])
            meters = {str(symbol): dict(meter) for symbol, meter in watches.items()}
            believed = {str(s): float(price) for s, price in state.get("believed", {}).items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RecoverState(f"expected a snapshot of protection, was not: {error!r}") from error
        self._account.restore(account)
        self._board.restore(board, self._account.session_index)
        self._checks.flow.restore(state.get("orders", {}))
        for symbol, meter in meters.items():
            watch = SymbolWatch(symbol, self.settings.volatility, self.settings.flash)
            watch.restore(meter)
            self._watches[symbol] = watch
        if self._doorway is not None and "admission" in state:
            self._doorway.door.restore(state["admission"])
        limit = self.settings.data.max_jump
        self._guards = {symbol: JumpGuard(limit, price) for symbol, price in believed.items()}
        if killed and not self._kill.killed and not self._kill.history:
            self._kill.presume_killed("killed: the stored lock has vanished")

    def _load(self) -> None:
        now = self._clock.now()
        try:
            state = self._vault.load()
            if state is not None:
                self._adopt(state)
        except RecoverState as error:
            # Half of the state may have been taken over: begin again with none of it.
            self._account = DrawdownAccount(
                self.settings.drawdown.sessions,
                self.settings.drawdown.halt_hours,
                self.settings.cushion.decay,
            )
            self._board = Board(self.settings, self._emit)
            self._watches = {}
            self._guards = {}
            self._vault.seal()
            self._board.set_fault("state", Action.HALT, f"stored state: {error}", now)
        self._look_at_kill(now)
        self._tell()

    def _persist(self) -> None:
        if self._private:
            return
        now, session = self._clock.now(), self._account.session_index
        events = [
            [e.time.isoformat(), e.breaker, e.scope, e.before, e.after, e.reason]
            for e in self._fresh
        ]
        calm = session != self._stored_session  # a new day: there is time for a snapshot
        try:
            if not self._vault.save(self._state(), events, now.isoformat(), calm=calm):
                return  # sealed as evidence until somebody resumes
        except (RetryWrite, FixInput) as error:
            self._unsaved = True
            self.counters["store_errors"] += 1
            self._board.set_fault("store", Action.FREEZE, f"{error}; adding denied", now)
            return
        self._unsaved = self._owing = False
        self._stored_session = session
        self._fresh.clear()
        self.counters["stored"] += 1
        reading = self._account.reading
        if reading is not None:
            self._stored_peaks = (reading.lifetime_peak, reading.window_peak)
        self._board.clear_fault("store", now, "state is stored again")
