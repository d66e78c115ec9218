"""The protection of one account: every stage behind one object, and no globals.

::

    system = ProtectionSystem(settings, clock=clock, store=store, ledger=ledger)
    system.observe(bar)                        # prices: validity, volatility, flash moves
    verdict = system.evaluate(portfolio)       # drawdowns, breakers, kill -> Verdict
    targets = system.review(targets, portfolio)
    verdict = system.authorize(order, portfolio)   # one order; counted when it may go
    system.on_order_event(event)               # releases what was counted

Every method may be called from any thread. ``observe``, ``evaluate``, ``review``, ``authorize``
and the ``on_`` methods never raise: what goes wrong inside becomes a fault that denies adding,
is said once and counted. ``kill``, ``resume`` and ``rearm`` raise, because their caller must know.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from protection.assembly import STATE_KEY, Ledger
from protection.blockchain.trail import Trail
from protection.circuit_breakers.board import symbol_scope
from protection.circuit_breakers.gauges import GAUGES
from protection.circuit_breakers.holdings import portfolio_fault, walk_positions
from protection.circuit_breakers.jumps import JumpGuard, believed_equity
from protection.circuit_breakers.kill_switch import KillRecord
from protection.circuit_breakers.watch import SymbolWatch, record_price
from protection.contracts.actions import Action, Event, Verdict
from protection.contracts.clock import Clock
from protection.contracts.errors import FixInput
from protection.contracts.passage import Passage
from protection.contracts.records import (
    Admission,
    Bar,
    BrokerEvent,
    BrokerStatus,
    CashFlow,
    Fill,
    Observation,
    OrderEvent,
    OrderId,
    OrderRequest,
    Portfolio,
    Statistic,
)
from protection.contracts.settings import ProtectionSettings
from protection.contracts.stores import StateStore
from protection.entrance import Entrance, explained
from protection.risk.drawdown import DrawdownReading
from protection.risk.gate import denial
from protection.risk.targets import cut_targets

if TYPE_CHECKING:
    from protection.admission.envelope import Envelope
    from protection.admission.registry import SourceRegistry

_ADMITTED = Admission(True)
REPEATED = "repeated_execution"
"""Check of the order gate and gauge that latches a symbol."""


def _unwritten(order: OrderRequest, answer: Verdict) -> str:
    """Nothing is written down without a ledger, and nothing can fail."""
    return ""


__all__ = ["STATE_KEY", "Ledger", "ProtectionSystem"]


class ProtectionSystem(Entrance):
    """Breakers, order gate, drawdown control and kill switch of one account.

    Stored state is taken over when the object is made: a kill, a tripped breaker, peaks and
    cooldowns are in force from the first call on. State that cannot be read leaves the account in
    "only reduce" until :meth:`resume`.

    Parameters
    ----------
    settings : thresholds; the defaults when None
    clock : the host's time; ``HostClock`` must be fed before each call
    store : durable state; in memory when None (backtests)
    ledger : receives every input and decision before it is acknowledged, see
        :mod:`protection.blockchain`; one that fails or stalls stops adding
    sink : receives every :class:`Event` as it happens, on the calling thread
    registry : who may send, with keys, where ``admission.door.mode`` is on; when None there is one
        source, the host
    """

    def __init__(
        self,
        settings: ProtectionSettings | None = None,
        *,
        clock: Clock,
        store: StateStore | None = None,
        ledger: Ledger | None = None,
        sink: Callable[[Event], None] | None = None,
        registry: SourceRegistry | None = None,
    ) -> None:
        self._assemble(settings, clock, store, ledger, sink, registry)
        self._told(lambda trail: self._start(trail, None))
        self._load()

    # ------------------------------------------------------------------ reading

    @property
    def killed(self) -> bool:
        """Whether the kill switch is thrown."""
        return self._kill.killed

    @property
    def kill_history(self) -> tuple[KillRecord, ...]:
        """Every kill and resume, oldest first."""
        return self._kill.history

    @property
    def reading(self) -> DrawdownReading | None:
        """Last drawdown reading: both drawdowns, every peak."""
        return self._account.reading

    @property
    def verdict(self) -> Verdict:
        """Verdict in force, without looking at the account anew."""
        with self._lock:
            return self._resolve()

    @property
    def unseen_orders(self) -> frozenset[OrderId]:
        """Ids of orders that raised events but never asked the gate (delisting, exercise)."""
        with self._lock:
            return frozenset(self._gate.book.unseen)

    @property
    def in_flight(self) -> int:
        """Number of orders let through that are not accounted for yet."""
        return len(self._gate.book)

    def gross_of(self, portfolio: Portfolio) -> float | None:
        """Gross exposure of the account that was evaluated last; None for any other one, and while
        anything is wrong.
        """
        valued = self._valued
        return valued[1] if valued is not None and valued[0] is portfolio else None

    def describe(self) -> list[str]:
        """One line per guard on what it will do."""
        settings = self.settings
        state = f"; now {self._kill.reason}" if self.killed else ""
        return [
            f"kill switch: denies adding and {settings.kill.action}s until resumed by name{state}",
            self._policy.describe(),
            *self._board.describe(),
            *self._gate.describe(),
            *self._describe_door(),
            f"input: a portfolio older than {settings.data.max_portfolio_age_seconds:g} s, a price "
            f"older than {settings.data.max_price_age_seconds:g} s or an impossible figure denies "
            "adding",
        ]

    # ------------------------------------------------------------------ market and account

    def observe(
        self,
        record: Observation | Envelope,
        *,
        warm_up: bool = False,
        passage: Passage | None = None,
    ) -> Admission:
        """Take in a bar, quote or trade, or a statistic that a gauge watches.

        An impossible record (not finite, not positive, crossed, from the future, out of order)
        is refused and denies adding of its symbol until a good one comes. Where
        ``admission.door.mode`` is on, the door decides first, about envelopes too: what it refuses
        moves no meter.

        Parameters
        ----------
        record : what is news
        warm_up : it is history, shown before the account is live. Breakers take the same states;
            their events carry ``warm_up`` in their evidence and count as no trips.
        passage : how the door decided, in a replay; the door is then not asked
        """
        if self._doorway is not None and not isinstance(record, Statistic):
            return self._observe_through(self._doorway, record, warm_up, passage)
        with self._turn:
            self.counters["observed"] += 1
            self._warming = warm_up
            try:
                answer = self._observe(record)
            except Exception as caught:
                error = explained(record, caught)
                self._internal("observe", error)
                answer = Admission(False, f"internal error: {error!r}")
            self._warming = False
            if self._trail is not None:
                self._told(Trail.observed, record, answer, warm_up)
            return answer

    def observe_all(
        self, records: Sequence[Observation | Envelope], *, warm_up: bool = False
    ) -> list[Admission]:
        """Take in the records of one moment: what :meth:`observe` does with each, in one turn.

        Other threads wait for the whole; where orders come on several, observe one by one.

        Parameters
        ----------
        records : what is news, in sequence
        warm_up : as in :meth:`observe`
        """
        if not records or self._doorway is not None or self._trail is not None:
            return [self.observe(record, warm_up=warm_up) for record in records]
        with self._turn:
            self.counters["observed"] += len(records)
            self._warming = warm_up
            answers = self._observe_each(records)
            self._warming = False
            return answers

    def _observe_each(self, records: Sequence[Any]) -> list[Admission]:
        """Usual bars by the short way, everything else by :meth:`_observe`."""
        board, more, checks = self._board, self._more, self._checks
        tailed, checked = more.tail is not None, checks.active
        watches, guards, calendar = self._watches, self._guards, self._calendar
        swing, leap = board.threshold("volatility"), board.threshold("flash")
        latest, tripped = self._clock.now() + self._ahead, board.tripped
        told: Any = None  # time whose session was asked for last: most bars end together
        answers = []
        for record in records:
            try:
                symbol, answer = record.symbol, _ADMITTED
                watch, guard = watches.get(symbol), guards.get(symbol)
                if (
                    type(record) is not Bar
                    or watch is None
                    or guard is None
                    or not watch.expects(record, latest, told)
                    or not guard.follow(record.close)
                ):
                    answers.append(self._observe(record))
                    continue
                time = record.time
                if time is not told:
                    session, told = calendar.session(time), time
                ratio, move = watch.follow(record, session)
                if tailed:
                    more.observe(symbol, session, watch.price)
                if checked:
                    checks.observe(record, session, watch.price)
                level = None if watch.rate is None else watch.rate.level
                limit = swing if level is None else level
                if not (ratio < limit and move < leap) or (
                    tripped and (("volatility", symbol) in tripped or ("flash", symbol) in tripped)
                ):
                    step, now, equity = board.step_symbol, self._clock.now(), self._equity()
                    changed = step("volatility", symbol, now, ratio, equity, False, level)
                    changed |= step("flash", symbol, now, move, equity, False)
                    if changed:
                        self._persist()
            except Exception as caught:
                error = explained(record, caught)
                self._internal("observe", error)
                answer = Admission(False, f"internal error: {error!r}")
            answers.append(answer)
        return answers

    def _observe(self, record: Any) -> Admission:
        symbol, now = record.symbol, self._clock.now()
        if isinstance(record, Statistic):
            return self._measure(record, now)
        watch = self._watches.get(symbol)
        if watch is None:
            settings = self.settings
            watch = SymbolWatch(symbol, settings.volatility, settings.flash)
            self._watches[symbol] = watch
        fault = watch.judge(record, now + self._ahead)
        if fault:
            self.counters["rejected"] += 1
            watch.fault = fault
            text = f"data of {symbol}: {fault}; adding denied"
            self._board.set_fault("data", Action.FREEZE, text, now, symbol_scope(symbol))
            return Admission(False, fault)
        guard = self._guards.get(symbol)
        if guard is None:
            guard = self._guards[symbol] = JumpGuard(self.settings.data.max_jump)
        believed = guard.believed
        records = guard.sift(record)
        if not records:
            self.counters["doubted"] += 1
            fault = f"price {record_price(record):g} after {believed:g} is not confirmed yet"
            watch.fault = fault
            text = f"data of {symbol}: {fault}; adding denied"
            self._board.set_fault("data", Action.FREEZE, text, now, symbol_scope(symbol))
            return Admission(False, fault)
        if watch.fault:
            watch.fault = ""
            scope = symbol_scope(symbol)
            self._board.clear_fault("data", now, f"data of {symbol} is good again", scope)
        for each in records:
            session = self._calendar.session(each.time)
            watch.take(each, session)
            self._more.observe(symbol, session, watch.price)
            if self._checks.active:
                self._checks.observe(each, session, watch.price)
        reading, step = self._account.reading, self._board.step_symbol
        equity = 0.0 if reading is None else reading.equity
        changed = False
        if isinstance(record, Bar):
            ratio = watch.volatility.ratio
            changed = step("volatility", symbol, now, ratio, equity, False, watch.level)
        move = watch.flash.value(record.time)
        changed |= step("flash", symbol, now, move, equity, False)
        if changed:
            self._persist()
        return _ADMITTED

    def _measure(self, record: Statistic, now: datetime) -> Admission:
        if record.name not in GAUGES:
            return Admission(False, f"expected a statistic of {', '.join(GAUGES)}")
        fault = ""
        if record.time.tzinfo is None:
            fault = f"expected a time with a time zone, was {record.time}"
        elif record.time > now + self._ahead:
            fault = f"expected a time up to {now.isoformat()}, was {record.time.isoformat()}"
        elif not math.isfinite(record.value):
            fault = f"expected a finite figure, was {record.value}"
        if fault:  # whatever it was meant to say, it is no good news
            self.counters["rejected"] += 1
            record = replace(record, time=now, value=math.nan)
        if self._board.feed(record, now, self._equity()):
            self._persist()
        return Admission(not fault, fault)

    def _equity(self) -> float:
        reading = self._account.reading
        return 0.0 if reading is None else reading.equity

    def evaluate(self, portfolio: Portfolio) -> Verdict:
        """Judge the account: drawdowns, cushion, breakers, faults, kill; the verdict in force.

        LIQUIDATE is a state: it is returned at every step until the account is flat.
        """
        with self._turn:
            self.counters["evaluated"] += 1
            try:
                answer = self._evaluate(portfolio)
            except Exception as error:
                self._internal("evaluate", error)
                answer = self._resolve()
            if self._trail is not None and self._told(Trail.evaluated, portfolio, answer):
                answer = self._resolve()
            return answer

    def _evaluate(self, portfolio: Portfolio) -> Verdict:
        now = self._clock.now()
        board, account = self._board, self._account
        self._judged = None
        self._look_at_kill(now)
        fault = self._time_fault(portfolio, now)
        before, last_time = account.session_index, account.last_time
        if not fault and last_time is not None and portfolio.time < last_time <= now:
            # A snapshot taken before the last one by another thread: no news, and no fault
            # (a clock that went back is one: then ``last_time`` lies after ``now``).
            self.counters["late_snapshots"] += 1
            return self._resolve()
        if not fault:
            try:
                session = portfolio.session or self._calendar.session(portfolio.time)
                equity, believed = portfolio.equity, None
                if equity > 1.01 * account.believed:  # only a gain can rest on a wrong price
                    believed = believed_equity(portfolio, self._guards)
                reading, factor = account.update(portfolio.time, equity, session, believed)
            except FixInput as error:
                fault = str(error)
        if fault:
            text = f"portfolio: {fault}; adding denied"
            board.set_fault("input", Action.FREEZE, text, now)
            return self._resolve()
        if board.faulty:
            board.clear_fault("input", now, "portfolio is good again")
            board.clear_fault("internal", now, "evaluated without error again")
        changed = factor != 1.0 or reading.session_index != before
        board.enter(reading.session_index)
        if factor != 1.0:
            board.scale(factor)
        gross, flat, moved = walk_positions(portfolio, board, self._stop, now, reading.equity)
        changed |= moved
        changed |= board.step_portfolio(now, reading, gross, flat)
        changed |= board.pass_time(now, reading.equity)
        for name in ("volatility", "flash") if board.any_symbol else ():
            for symbol in board.active_symbols(name):
                watch = self._watches.get(symbol)
                value = 0.0 if watch is None else watch.measure(name, now)
                level = watch.level if watch is not None and name == "volatility" else None
                changed |= board.step_symbol(name, symbol, now, value, reading.equity, True, level)
        if reading.session_index != before:
            if self._doorway is not None:
                self._enter_session(self._doorway, now)
            if news := self._more.news(portfolio, now):
                self._emit(news)
        self._cushion = self._policy.apply(reading)
        if self._each_peak and not changed:
            peaks = (reading.lifetime_peak, reading.window_peak)
            changed = peaks[0] > self._stored_peaks[0] or peaks[1] > self._stored_peaks[1]
        if changed or self._unsaved or self._owing:
            self._persist()
        self._judged, self._positions = portfolio, portfolio.positions
        self._valued = None if board.faulty else (portfolio, gross)
        return self._resolve()

    def _time_fault(self, portfolio: Portfolio, now: datetime) -> str:
        """Why the clock or the snapshot's time cannot be believed, or an empty string."""
        latest = self._latest
        if latest is not None and now < latest:
            return f"the clock went back from {latest.isoformat()} to {now.isoformat()}"
        self._latest = now
        return portfolio_fault(portfolio, now, self._ahead, self._max_age)

    def review(
        self,
        targets: Mapping[str, float],
        portfolio: Portfolio,
        prices: Mapping[str, float] | None = None,
    ) -> dict[str, float]:
        """Cut target quantities to the verdict and the limits.

        Parameters
        ----------
        targets : wanted signed quantity by symbol
        portfolio : the account; evaluated when it is news
        prices : account currency per unit, where neither a position nor an observation tells

        Returns
        -------
        dict
            Quantity by symbol, see :func:`protection.risk.targets.cut_targets`. When something
            fails inside, every target is cut to what is held already.
        """
        with self._turn:
            self.counters["reviewed"] += 1
            try:
                verdict, settings = self._current(portfolio), self.settings

                def price_of(symbol: str) -> float | None:
                    if prices is not None and symbol in prices:
                        return prices[symbol]
                    position = portfolio.positions.get(symbol)
                    if position is not None:
                        return position.price * position.multiplier
                    known = self._last_price(symbol)
                    return None if known is None else known[0]

                def cut_to(verdict: Verdict) -> dict[str, float]:
                    made = cut_targets(targets, portfolio, verdict, settings.limits, price_of)
                    return self._more.cut(made, portfolio, price_of)

                cut = cut_to(verdict)
                if self._told(Trail.reviewed, targets, portfolio, prices, cut):
                    cut = cut_to(self._resolve())
                return cut
            except Exception as error:
                self._internal("review", error)
                held = {s: getattr(p, "quantity", 0.0) for s, p in portfolio.positions.items()}
                kept = {symbol: held.get(symbol, 0.0) for symbol in targets}
                self._told(Trail.reviewed, targets, portfolio, prices, kept)
                return kept

    # ------------------------------------------------------------------ orders

    def authorize(
        self, order: OrderRequest, portfolio: Portfolio | Callable[[], Portfolio]
    ) -> Verdict:
        """Judge one order; an allowed one is counted before this returns.

        Parameters
        ----------
        order : the request; its id may already stand among the open orders
        portfolio : the account, or a function that reads it. With orders on several threads give
            the function: it is called under the gate's lock, so that no fill can fall between
            the reading and the judgement. It must not send orders. Holdings must be updated
            before a fill's event is handed to :meth:`on_order_event`.

        Returns
        -------
        Verdict
            ``allowed``; if refused the reason and ``max_quantity``; if allowed with ``cancel``,
            those resting orders must be cancelled at once.
        """
        with self._turn:
            self.counters["orders"] += 1
            snapshot: Any = None
            audit: Callable[[OrderRequest, Verdict], str] = _unwritten
            if self._trail is not None:
                self._trail.answered = False

                def written(asked: OrderRequest, answer: Verdict) -> str:
                    adds = answer.allowed and answer.evidence.get("adds", False)
                    return self._told(Trail.ordered, asked, snapshot, answer, durable=adds)

                audit = written
            try:
                snapshot = portfolio() if callable(portfolio) else portfolio
                try:
                    verdict = self._current(snapshot)
                except Exception as error:
                    self._internal("authorize", error)
                    verdict = self._resolve()
                standing = partial(self._board.for_order, verdict)
                answer = self._gate.judge(order, snapshot, standing, audit)
            except Exception as error:
                self._internal("authorize", error)
                text = f"internal error: {error!r}"
                symbol = str(getattr(order, "symbol", "unknown"))
                answer = denial(Action.FREEZE, symbol, "internal", text, 0.0)
            if not answer.allowed:
                audit(order, answer)
                if any(reason.guard == REPEATED for reason in answer.reasons):
                    self._latch(order.symbol)
            elif self._checks.flow.durable:
                self._persist()
            return self._count(answer)

    def _latch(self, symbol: str) -> None:
        """Deny adding of a symbol until somebody re-arms it by name."""
        now = self._clock.now()
        for value in (1.0, 0.0):  # beyond, and done with: from now on it waits for a person
            self._board.feed(Statistic(symbol, now, REPEATED, value), now, self._equity())
        self._persist()

    def _count(self, answer: Verdict) -> Verdict:
        counters = self.counters
        if answer.allowed:
            counters["allowed"] += 1
            if not answer.evidence.get("adds", False):
                counters["reducing"] += 1
            if answer.cancel:
                counters["excused"] += 1
        else:
            counters["refused"] += 1
            counters[f"refused.{answer.reasons[0].guard if answer.reasons else ''}"] += 1
        return answer

    def _current(self, portfolio: Portfolio) -> Verdict:
        """Verdict for a portfolio, evaluated unless this very state was."""
        account = self._account
        reading = account.reading
        if account.pending_flow != 0.0 or (
            portfolio is not self._judged
            and (
                reading is None
                or portfolio.time != account.last_time
                or portfolio.equity != reading.equity
                or portfolio.positions is not self._positions
            )
        ):
            return self._evaluate(portfolio)
        now = self._clock.now()
        self._look_at_kill(now)
        fault = self._time_fault(portfolio, now)
        if fault:
            self._board.set_fault("input", Action.FREEZE, f"portfolio: {fault}", now)
        if self._board.pass_time(now, portfolio.equity):
            self._persist()
        return self._resolve()

    def on_order_event(self, event: OrderEvent) -> None:
        """Take in news of an order; late, duplicate and disordered ones are understood."""
        with self._turn:
            self.counters["order_events"] += 1
            try:
                self._gate.book.on_event(event)
            except Exception as error:
                self._internal("on_order_event", error)
            if self._trail is not None:
                self._told(Trail.order_event, event)

    def on_fill(self, fill: Fill) -> None:
        """Take in an execution; one told as an order event already is recognised by its id."""
        with self._turn:
            self.counters["fills"] += 1
            try:
                self._gate.book.on_fill(fill)
            except Exception as error:
                self._internal("on_fill", error)
            self._told(Trail.filled, fill)

    def settle(self, portfolio: Portfolio) -> list[OrderId]:
        """After a reconciliation: forget ended orders whose last fills were never told."""
        with self._turn:
            gone = self._gate.book.settle(portfolio)
            self.counters["settled"] += len(gone)
            self._told(Trail.settled, portfolio, gone)
            return gone

    def on_broker(self, event: BrokerEvent) -> None:
        """Take in the state of the link: lost denies adding, an error halts, back releases."""
        with self._turn:
            self.counters["broker_events"] += 1
            now = self._clock.now()
            if event.status is BrokerStatus.CONNECTED:
                self._board.clear_fault("broker", now, "broker connected")
            else:
                lost = event.status is BrokerStatus.DISCONNECTED
                text = f"broker {event.status.value}" + (f": {event.message}" * bool(event.message))
                self._board.set_fault("broker", Action.FREEZE if lost else Action.HALT, text, now)
            self._told(Trail.broker, event)

    def on_cash_flow(self, flow: CashFlow) -> None:
        """Take in money paid in or out, before the first evaluation that contains it."""
        with self._turn:
            self.counters["cash_flows"] += 1
            try:
                self._account.cash_flow(flow.amount)
            except FixInput as error:
                self._internal("on_cash_flow", error)
            self._persist()
            self._told(Trail.cash_flow, flow)
