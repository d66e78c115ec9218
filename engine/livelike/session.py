"""One life of an algorithm in a live-like run: its threads, its loop, its end."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from engine import services
from engine.livelike.account import Account
from engine.livelike.broker import LiveBrokerage
from engine.livelike.commands import CommandFiles
from engine.livelike.feed import FailingFeed
from engine.livelike.handler import LiveTransactionHandler
from engine.livelike.locks import real_yesterday
from engine.livelike.messages import LiveNotifications, MessageChain
from engine.livelike.signals import PosixSignal, PosixSignalContext, registered
from engine.livelike.turns import Turns
from engine.loader import describe, load_algorithm_class, stack_lines
from engine.run import Engine
from engine.scheduling.events import NEVER
from engine.securities.margin_call import MarginCallModel
from engine.types.enums import AlgorithmStatus, BrokerageMessageType
from engine.types.errors import EngineError
from engine.types.timezones import from_utc

_SECOND = timedelta(seconds=1)
_FLUSH = timedelta(seconds=5)
_BROKER_THREADS = 2


class LiveEngine(Engine):
    """Services of one life: requests go to worker threads."""

    session: Session

    def transaction_handler(self, algorithm: Any) -> Any:
        return LiveTransactionHandler(algorithm, self.session)


class _LiveSchedule:
    """What the step sees of the schedule: in warm-up all of it, live nothing (it has a thread)."""

    def __init__(self, inner: Any, algorithm: Any) -> None:
        self._inner, self._algorithm = inner, algorithm

    @property
    def next_utc(self) -> datetime:
        warming: bool = self._algorithm.is_warming_up
        found: datetime = self._inner.next_utc if warming else NEVER
        return found

    def scan_past(self, utc: datetime) -> None:
        self._inner.scan_past(utc)

    def set_time(self, utc: datetime) -> None:
        self._inner.set_time(utc)


class Session:
    """One life.

    Attributes
    ----------
    ended : str
        ``data`` (the data is over), ``quit``, ``liquidated``, ``error``, ``kill`` or ``sigterm``.
    """

    def __init__(self, world: Any, number: int, begin: datetime | None, account: Account | None):
        self.world = world
        self.number = number
        self.faults = world.faults
        self.gate_threads: int = world.gate_threads
        self.rng = random.Random(f"{world.seed}/{number}")
        self.begin = begin
        self.account = account
        self.turns = Turns(
            random.Random(f"{world.seed}/{number}/turns"),
            begin or datetime(1998, 1, 1),
            world.faults.preempt,
        )
        self.ended = ""
        self.error = ""
        self.warnings: tuple[str, ...] = ()
        self.content: dict[str, Any] | None = None
        self.algorithm: Any = None
        self.brokerage: Any = None
        self.inside_gate = self.most_inside_gate = 0
        self._stopping = ""
        self._idle_until: datetime | None = None
        self._lateness = _SECOND * 0
        self._dirty_since: datetime | None = None
        self.messages = MessageChain(self)
        self.commands = CommandFiles(world.commands, self)

    def make_brokerage(self, algorithm: Any, handler: Any) -> LiveBrokerage:
        """Make the broker's side; the transaction handler asks for it."""
        self.brokerage = LiveBrokerage(algorithm, handler, self)
        return self.brokerage

    def note(self, kind: str, text: str) -> None:
        """Write down a decision."""
        actor = self.turns.current()
        name = "" if actor is None else actor.name
        self.world.trace.append((f"{self.turns.now.isoformat()}", name, kind, text))

    def run(self, engine: LiveEngine) -> None:
        """Live from ``initialize`` to the end; called by the thread that waits."""
        self.engine = engine
        self.turns.spawn("algorithm", self._live)
        self.turns.begin()

    # -- set-up --------------------------------------------------------------------------------

    def _live(self) -> None:
        if not self._set_up():
            self._finish("error")
            return
        try:
            self._loop()
        except EngineError as error:
            self.algorithm._set_runtime_error(error, "")
            self._close("error")

    def _set_up(self) -> bool:
        """Do LEAN's set-up of live trading; the account comes after ``initialize``."""
        world, engine = self.world, self.engine
        algorithm = self.algorithm = load_algorithm_class(world.path)()
        # dates are checked against the day of the real world, not of the model
        algorithm._yesterday = real_yesterday
        algorithm._end_date = real_yesterday() + timedelta(days=1, microseconds=-1)
        algorithm.live_mode = True
        algorithm.notify = LiveNotifications()
        algorithm.portfolio.margin_call_model = MarginCallModel.NULL
        algorithm.transactions.market_order_fill_timeout = timedelta(seconds=5)
        algorithm.set_parameters(world.parameters)
        if self.begin is not None:
            algorithm._set_utc(self.begin)
        try:
            algorithm.initialize()
            world.override(algorithm)
            if self.begin is not None:
                algorithm._start = from_utc(self.begin, algorithm.time_zone)
                algorithm._set_utc(self.begin)
            begin = algorithm._utc
            services.set_trading_days(algorithm)
            services.post_initialize(engine, algorithm)
        except EngineError:
            raise
        except Exception as error:
            algorithm._set_runtime_error(error, "")
            self.error = (
                "During the algorithm initialization, the following exception has occurred: "
                + describe(error, world.path)
            )
            return False
        self.turns.now = begin
        world.plan_faults(begin, algorithm)
        if self.account is not None:
            self.account.give_back(algorithm, self.brokerage)
            self.note("restart", f"{len(self.account.orders)} open orders")
        engine.end_of_day = services.EndOfDay(algorithm)
        services.start(engine, algorithm)
        engine.schedule = _LiveSchedule(engine.schedule, algorithm)
        return True

    # -- the loop ------------------------------------------------------------------------------

    def _loop(self) -> None:
        engine, algorithm, turns, world = self.engine, self.algorithm, self.turns, self.world
        feed = FailingFeed(engine.feed, world.outages)
        for number in range(_BROKER_THREADS):
            turns.spawn(f"broker {number}", self.brokerage.serve)
        engine.transactions.start_threads()
        turns.spawn("realtime", self._real_time)
        services.begin_stream(engine, algorithm)
        step = engine.stepper.step
        data: Any = None
        while True:
            if data is None:
                data, died = feed.next()
                if data is None:
                    self._close("data")
                    return
                if died:
                    self.note("fault", "the data feed is dead")
                if not algorithm.is_warming_up:
                    self._plan(data.utc)
                if data.delistings:
                    services.handle_delistings(engine, data)
            if algorithm.is_warming_up:
                # history runs as fast as it can; commands and scheduled events come with it
                self.commands.run_waiting()
            elif not self._wait_for(data.utc):
                return
            going = step(data)
            data = None
            world.stepped(algorithm)
            if not going or algorithm.status is not AlgorithmStatus.RUNNING:
                self._close(self._reason())
                return

    def _wait_for(self, utc: datetime) -> bool:
        """Turn the loop until data is there: once a second; False when the life is over."""
        algorithm, turns, world = self.algorithm, self.turns, self.world

        def due() -> datetime:
            scripted = world.next_command()
            return utc if scripted is None else min(utc, scripted)

        while True:
            self._idle_until = utc
            turns.wait(
                due=due, test=lambda: algorithm.status is not AlgorithmStatus.RUNNING, idle=True
            )
            world.write_commands(turns.now)
            if turns.now < utc:
                # the next turn of the loop
                turns.wait(until=min(utc, _whole(turns.now) + _SECOND), idle=True)
            self.tick()
            self._idle_until = None
            self.commands.run_waiting()
            if algorithm.status is not AlgorithmStatus.RUNNING:
                self._close(self._reason())
                return False
            if turns.now >= utc:
                return True

    def _reason(self) -> str:
        algorithm = self.algorithm
        if algorithm._runtime_error is not None:
            return "error"
        if algorithm.status is AlgorithmStatus.LIQUIDATED:
            return "liquidated"
        return "quit"

    def tick(self) -> None:
        """Move the algorithm's clock, as every turn of the loop does, unless a step is going on."""
        algorithm = self.algorithm
        moment = _whole(self.turns.now)
        if (
            self._idle_until is not None
            and algorithm._utc < moment < self._idle_until
            and not algorithm.is_warming_up
        ):
            algorithm._set_utc(moment)

    # -- the thread of scheduled events ---------------------------------------------------------

    def _real_time(self) -> None:
        turns, algorithm, rng = self.turns, self.algorithm, self.rng
        inner = algorithm.schedule._handler
        while True:
            turns.wait(due=self._next_event, idle=True)
            self.tick()
            if self._dirty_since is not None and turns.now - self._dirty_since >= _FLUSH:
                self._dirty_since = None
                self.engine.object_store._persist()
            if algorithm.is_warming_up or inner.next_utc + self._lateness > turns.now:
                continue
            try:
                if rng.random() < self.faults.repeat_event:
                    inner._events()[0]._callback()
                inner.set_time(turns.now)
            except Exception as error:
                algorithm._set_runtime_error(error, "Scheduled event")
                # LEAN goes on firing until the loop stops
                inner.next_utc = max(inner.next_utc, turns.now + _SECOND)
            self._lateness = timedelta(seconds=rng.uniform(0, self.faults.scheduled_late))

    def _next_event(self) -> datetime | None:
        found: list[datetime] = []
        inner = self.algorithm.schedule._handler
        if not self.algorithm.is_warming_up and inner.next_utc < NEVER:
            found.append(inner.next_utc + self._lateness)
        if self.engine.object_store._dirty:
            self._dirty_since = self._dirty_since or self.turns.now
            found.append(self._dirty_since + _FLUSH)
        return min(found, default=None)

    # -- faults --------------------------------------------------------------------------------

    def _plan(self, utc: datetime) -> None:
        """Let what is planned happen soon after the data of this moment."""
        for kind, span in self.world.due_faults(utc):
            moment = utc + timedelta(seconds=self.rng.uniform(0, 2))
            self.brokerage._push(moment, self._fault(kind, span), True)

    def _fault(self, kind: str, span: float) -> Callable[[], None]:
        if kind == "disconnect":
            return lambda: self._disconnect(span)
        if kind == "stop":
            return lambda: self.stop(self.faults.stop)
        level = BrokerageMessageType.ERROR if kind == "error" else BrokerageMessageType.WARNING
        return lambda: self.messages.send(level, "Broker", f"{kind} of the broker")

    def _disconnect(self, span: float) -> None:
        brokerage = self.brokerage
        if not brokerage.connected:
            return
        brokerage.connected = False
        brokerage.held_until = self.turns.now + timedelta(seconds=span)
        brokerage.later(span, self._reconnect, always=True)
        self.messages.send(BrokerageMessageType.DISCONNECT, "Disconnect", "the link is broken")

    def _reconnect(self) -> None:
        self.brokerage.connected = True
        self.brokerage.held_until = None
        self.messages.send(BrokerageMessageType.RECONNECT, "Reconnect", "the link is back")

    def stop(self, how: str) -> None:
        """End the process: ``kill``, ``sigterm`` or ``quit``."""
        self.note("stop", how)
        self._stopping = how
        if how == "quit":
            self.algorithm.status = AlgorithmStatus.STOPPED
            return
        if how == "sigterm":
            context = PosixSignalContext(PosixSignal.SIGTERM)
            for handler in registered(PosixSignal.SIGTERM):
                handler(context)
            if context.Cancel:
                return
        self.ended = how
        self.turns.die()

    # -- the end -------------------------------------------------------------------------------

    def _close(self, reason: str) -> None:
        """End an orderly life; a run-time error skips ``on_end_of_algorithm``."""
        engine, algorithm, turns = self.engine, self.algorithm, self.turns
        self._idle_until = None
        if reason != "error":
            services.end_of_algorithm(engine, algorithm)
            if reason == "liquidated":
                algorithm.liquidate()
            # orders of the last callback are worked off; the other threads go on for a second
            turns.sleep(1)
        failure = algorithm._runtime_error
        if failure is not None:
            reason = "error"
            self.error = describe(failure, self.world.path)
        self._finish(reason)

    def _finish(self, reason: str) -> None:
        engine, algorithm = self.engine, self.algorithm
        failure = algorithm._runtime_error
        status = {"error": "RuntimeError", "liquidated": "Liquidated"}.get(reason, "Completed")
        self.note("end", reason)
        if engine.feed is not None:
            self.content = dict(
                engine.results.finish(
                    status,
                    self.error,
                    stack_lines(failure) if failure is not None else "",
                    self.world.seconds(),
                ).content()
            )
            self.warnings = tuple(services.securities_without_data(engine, algorithm))
        engine.object_store._persist()
        self.ended = reason
        self.turns.finish()

    @property
    def planned(self) -> bool:
        """Whether the end was planned: a supervisor starts the process again."""
        return bool(self._stopping) and self.ended in ("kill", "sigterm", "quit")


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


__all__ = ["LiveEngine", "Session"]
