"""``protect(algorithm)``: puts the whole protection under any algorithm, on the last line of
``initialize``.
"""

from __future__ import annotations

from AlgorithmImports import *

import json
import types
from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

from algorithm.bridge import Bridge, make_ledger, make_store, of_engine
from algorithm.execution import ProtectedExecutionModel
from algorithm.exits import Exits
from algorithm.feeds import Feeds
from algorithm.gate import ProtectedBrokerageModel
from algorithm.guard import BreakerRiskModel
from algorithm.margin import UpdateGuards
from algorithm.seals import Seals, same
from algorithm.thinning import Thinning
from protection.contracts import records
from protection.contracts.actions import Action, Verdict
from protection.contracts.clock import HostClock
from protection.contracts.settings import ProtectionSettings
from protection.system import ProtectionSystem

if TYPE_CHECKING:
    from algorithm.lifeline import Lifeline

#: a change of the size multiplier below this is not worth its trades
SIZE_BAND = 0.05
SUMMARY_KEY = "protection/summary"
# asked of their class these cost several times as much in Python 3.11
_ALLOW, _LIQUIDATE = Action.ALLOW, Action.LIQUIDATE
#: parts that stay what they are; so does every method
_SEALED = frozenset(
    {
        *("system", "clock", "bridge", "ledger", "gate", "guard", "execution", "exits", "guards"),
        *("seals", "lifeline", "counts", "seen", "feeds", "_judge", "_judged"),
    }
)


def protect(
    algorithm: QCAlgorithm,
    settings: ProtectionSettings | None = None,
    *,
    state: str = "auto",
    audit: str = "auto",
    feeds: str = "auto",
    news: str = "off",
) -> Protection:
    """Guard an algorithm; call it on the last line of ``initialize``.

    The models that the algorithm set stay in charge of what they did before: the brokerage model,
    the risk models and the execution model are wrapped, nothing is replaced.

    Parameters
    ----------
    algorithm : QCAlgorithm
    settings : ProtectionSettings, optional
        Thresholds; the defaults when missing.
    state : str
        ``keep``: breakers, peaks and a kill survive a restart (files beside the Object Store);
        ``memory``: each run begins anew; ``auto``: keep in live trading, memory in a backtest.
    audit : str
        Where every input and decision is recorded: ``off``, ``on`` (a folder beside the Object
        Store's files), or a folder or ``.sqlite`` file; see :mod:`protection.blockchain`.
        ``auto``: on in live trading, off in a backtest.
    feeds : str
        Gauges that are fed from what the algorithm sees: ``auto``, ``off``, or names separated by
        commas; see :mod:`algorithm.feeds`. Daily bars feed none.
    news : str
        Calendar of high-impact announcements: a key of the Object Store or a file; ``off``.

    Returns
    -------
    Protection
        ``.system`` is the :class:`~protection.system.ProtectionSystem`.
    """
    return Protection(algorithm, settings or ProtectionSettings(), state, audit, feeds, news)


class Protection:
    """One protected algorithm."""

    def __init__(
        self,
        algorithm: QCAlgorithm,
        settings: ProtectionSettings,
        state: str,
        audit: str = "auto",
        feeds: str = "auto",
        news: str = "off",
    ) -> None:
        self.algorithm = algorithm
        self.bridge = Bridge(algorithm)
        self.clock = HostClock()
        self.clock.feed(self.bridge.now())
        store, self.state = make_store(algorithm, state)
        self.ledger, self.audit = make_ledger(algorithm, audit)
        self.system = ProtectionSystem(settings, clock=self.clock, store=store, ledger=self.ledger)
        self.counts: Counter[str] = Counter()
        self.seen: set[int] = set()
        self.engine_orders: dict[int, str] = {}
        self.verdict: Verdict = self.system.verdict
        self._days: dict[date, tuple[Any, ...]] = {}
        self._full: dict[str, float] = {}
        self._applied: dict[str, float] = {}
        self._given: dict[str, float] = {}
        self._excused: dict[int, tuple[int | str, ...]] = {}
        self._refused: set[str] = set()
        self._said: set[str] = set()
        self._judge = self.system.authorize  # taken now: overwriting it there changes nothing here
        # the size that was judged last, by order; live only
        self._judged: dict[int, float] = {}
        self.exits = Exits(self)
        self.lifeline: Lifeline | None = None
        self.guards: UpdateGuards | None = None
        if algorithm.live_mode and store is not None:
            from algorithm.lifeline import Lifeline

            self.lifeline = Lifeline(self, store)
            self.exits = self.lifeline.exits
        self.feeds = Feeds(self, feeds, news)
        self._wire()
        self._sealed = True

    def __setattr__(self, name: str, value: Any) -> None:
        if "_sealed" in self.__dict__ and (name in _SEALED or hasattr(type(self), name)):
            raise AttributeError(f"expected {name} of the protection to stay what it is")
        object.__setattr__(self, name, value)

    # -- wiring --------------------------------------------------------------------------------

    def _wire(self) -> None:
        algorithm = self.algorithm
        # marks the initializer as the user's own: setting a brokerage model then leaves every
        # security's models alone
        algorithm.set_security_initializer(algorithm.security_initializer)
        self.gate = ProtectedBrokerageModel(algorithm.brokerage_model, self)
        algorithm.set_brokerage_model(self.gate)
        if self.lifeline is not None:
            self.guards = UpdateGuards(self)
        self.guard = BreakerRiskModel(self)
        algorithm.add_risk_management(self.guard)
        self.execution = ProtectedExecutionModel(algorithm.execution, self)
        algorithm.set_execution(self.execution)
        self.thinning = Thinning(self)
        self.seals = Seals(self)
        live = self.lifeline is not None  # orders that the user's callback sends are judged on
        self._wrap("on_warmup_finished", self._on_warmup_finished, first=live)
        self._wrap("on_end_of_algorithm", self._on_end_of_algorithm)
        if self.lifeline is not None:
            self.lifeline.start()

    def _wrap(self, name: str, ours: Callable[[], None], *, first: bool = False) -> None:
        """Call ours after the user's, whatever happens there, or before it; only a bound method is
        taken for Python by LEAN.
        """
        theirs = getattr(self.algorithm, name)

        def guarded() -> None:
            try:
                ours()
            except BaseException as error:
                self.counts["callback_errors"] += 1
                self.say(f"{name} failed ({error!r})")

        def both(_: Any) -> None:
            if first:
                guarded()
            try:
                theirs()
            finally:
                if not first:
                    guarded()

        setattr(self.algorithm, name, types.MethodType(both, self.algorithm))

    def installed(self) -> bool:
        """Whether gate and execution model are still ours."""
        algorithm = self.algorithm
        return same(algorithm.brokerage_model, self.gate) and same(
            algorithm.execution, self.execution
        )

    def look_at_seals(self, thoroughly: bool = False) -> None:
        """Put back what was exchanged; before an order only the gate is looked at. Never raises."""
        try:
            if thoroughly or not self.seals.whole():
                self.seals.mend()
        except BaseException as error:
            self.counts["seal_errors"] += 1
            self.say(f"the order gate could not be looked at ({error!r})")

    def _on_warmup_finished(self) -> None:
        algorithm = self.algorithm
        if not self.installed():
            self.seals.mend()
            if not same(algorithm.brokerage_model, self.gate):
                algorithm.quit("Protection: the order gate cannot be put back; stopping")
        if self.lifeline is not None:
            self.lifeline.warmed_up()
        for line in self.system.describe():
            algorithm.log(f"Protection: {line}")
        algorithm.log(f"Protection: state {self.state}")
        algorithm.log(f"Protection: audit {self.audit}")
        if self.feeds.active:
            algorithm.log(f"Protection: {self.feeds.describe()}")

    # -- the order gate ------------------------------------------------------------------------

    def authorize(self, security: Security, order: Order) -> tuple[bool, str]:
        """Judge a new order; the answer is always a bool and a sentence."""
        self.clock.feed(self.bridge.now())
        self.seen.add(int(order.id))
        self.counts["gate_calls"] += 1
        verdict = self._judge(self.bridge.request(security, order), self.bridge.portfolio)
        if verdict.allowed:
            if self.lifeline is not None:
                self._judged[int(order.id)] = float(order.quantity)
            if verdict.cancel:
                self._excused[int(order.id)] = verdict.cancel
            if self.feeds.active:
                self.feeds.sent(security, order)
            return True, ""
        self.counts["refused"] += 1
        self._refused.add(self.bridge.key(order.symbol))
        self.thinning.refused(security, order)
        if self.lifeline is not None and self.system.killed:
            self.lifeline.hurry()
        return False, verdict.reason

    def authorize_update(
        self, security: Security, order: Order, request: UpdateOrderRequest
    ) -> tuple[bool, str]:
        """Judge the change of a working order."""
        if request.quantity is None:
            return True, ""
        return self._authorize_quantity(security, order, float(request.quantity))

    def authorize_change(self, security: Security, order: Order) -> tuple[bool, str]:
        """Judge a working order that carries its new quantity; one without a change may stay."""
        ticket = self.algorithm.transactions.get_order_ticket(order.id)
        quantity = float(order.quantity)
        if ticket is not None and float(ticket.quantity) == quantity:
            return True, ""
        return self._authorize_quantity(security, order, quantity)

    def failed_change(
        self, security: Security, order: Order, error: BaseException
    ) -> tuple[bool, str]:
        """Answer when the judgement of a change failed: the order stays as it is."""
        self.counts["gate_errors"] += 1
        return False, f"the gate failed ({error!r}); the change is denied"

    def _authorize_quantity(
        self, security: Security, order: Order, quantity: float
    ) -> tuple[bool, str]:
        self.clock.feed(self.bridge.now())
        self.counts["updates"] += 1
        ticket = self.algorithm.transactions.get_order_ticket(order.id)
        filled = 0.0 if ticket is None else float(ticket.quantity_filled)
        asked = self.bridge.request(security, order, update=True, filled=filled, quantity=quantity)
        verdict = self._judge(asked, self.bridge.portfolio)
        if verdict.allowed and self.lifeline is not None:
            self._judged[int(order.id)] = quantity
        return bool(verdict.allowed), verdict.reason

    def refused_by_broker(self, order: Order) -> None:
        """Count an order that the user's own brokerage model refused."""
        self.seen.add(int(order.id))
        self.counts["gate_calls"] += 1
        self.counts["refused_by_broker"] += 1

    def failed(self, security: Security, order: Order, error: BaseException) -> tuple[bool, str]:
        """Answer when the judgement itself failed: only what plainly reduces may pass."""
        self.counts["gate_errors"] += 1
        reason = f"the gate failed ({error!r}); adding denied"
        try:
            self.say(reason)
            held, asked = float(security.holdings.quantity), float(order.quantity)
            return held * asked < 0 and abs(asked) <= abs(held), reason
        except BaseException:
            return False, reason

    # -- the heartbeat -------------------------------------------------------------------------

    def heartbeat(self, targets: list[IPortfolioTarget]) -> list[IPortfolioTarget]:
        """Evaluate the account on a step with data and cut the step's targets."""
        algorithm, bridge = self.algorithm, self.bridge
        self.clock.feed(bridge.now())
        warming = bool(algorithm.is_warming_up)
        bars = bridge.bars()
        if self.lifeline is None:
            self.system.observe_all(bars, warm_up=warming)
        else:  # one turn a bar: an order on another thread waits for one only
            for bar in bars:
                self.system.observe(bar, warm_up=warming)
        if self.feeds.active:
            self.feeds.step(bars, warming)
        if warming:
            return []
        portfolio = bridge.portfolio()
        verdict = self.system.evaluate(portfolio)
        self.__dict__["verdict"] = verdict  # not sealed: every step sets it
        self._note_day(portfolio, verdict)
        wanted = {bridge.key(t.symbol): float(t.quantity) for t in targets}
        self._full.update(wanted)
        full = _quiet(verdict) and not self._applied  # then nothing that is held changes its size
        asked = wanted if full else wanted | self._rescaled(portfolio, verdict, wanted)
        if not asked:
            return []
        allowed = self.system.review(asked, portfolio, self._prices(asked, portfolio))
        changed: list[IPortfolioTarget] = []
        for key, quantity in allowed.items():
            self._remember(key, verdict.for_symbol(key).multiplier)
            symbol = bridge.symbol(key)
            if symbol is None or (key in wanted and quantity == wanted[key]):
                continue
            step = float(algorithm.securities[symbol].symbol_properties.lot_size) or 1.0
            lots = int(quantity / step) * step
            changed.append(
                PortfolioTarget(symbol, lots, verdict.for_symbol(key).reason or "protection")
            )
        return changed

    def _rescaled(
        self, portfolio: records.Portfolio, verdict: Verdict, wanted: dict[str, float]
    ) -> dict[str, float]:
        """Return full-size quantities of holdings whose size multiplier has moved enough."""
        found: dict[str, float] = {}
        own, applied = verdict.by_symbol.get, self._applied.get
        for key in {*portfolio.positions, *self._applied} - wanted.keys():
            size, before = own(key, verdict).multiplier, applied(key, 1.0)
            if size == before or not (abs(size - before) >= SIZE_BAND or size in (0.0, 1.0)):
                continue
            position = portfolio.positions.get(key)
            held = 0.0 if position is None else position.quantity
            if position is None and key not in self._full:
                continue
            if key in self._full:
                found[key] = self._full[key]
            elif size < before and before > 0:
                found[key] = held / before
            else:
                self._remember(key, size)
        return found

    def _remember(self, key: str, size: float) -> None:
        if size == 1.0:
            self._applied.pop(key, None)
        else:
            self._applied[key] = size

    def _prices(self, keys: dict[str, float], portfolio: records.Portfolio) -> dict[str, float]:
        prices, held = {}, portfolio.positions.get
        for key in keys:
            position = held(key)
            if position is not None:  # it was read a moment ago
                prices[key] = position.price * position.multiplier
                continue
            symbol = self.bridge.symbol(key)
            if symbol is not None:
                security = self.algorithm.securities[symbol]
                prices[key] = float(security.price) * self.bridge.multiplier(security)
        return prices

    def heartbeat_failed(self, error: BaseException) -> None:
        """Note that evaluation failed: the gate goes on judging every order."""
        self.counts["heartbeat_errors"] += 1
        self.say(f"the heartbeat failed ({error!r}); orders are still judged one by one")

    def _note_day(self, portfolio: records.Portfolio, verdict: Verdict) -> None:
        reading = self.system.reading
        if reading is None:
            return
        gross = self.system.gross_of(portfolio)
        if gross is None:
            gross = 0.0
            for p in portfolio.positions.values():
                gross += abs(p.quantity * p.price * p.multiplier)
        self._days[self.algorithm.time.date()] = (
            reading.equity,
            verdict.multiplier,
            verdict.state,
            reading.lifetime,
            reading.window,
            gross,
        )

    @property
    def daily(self) -> list[list[Any]]:
        """One row a day: date, equity, size multiplier, state, both drawdowns, gross exposure."""
        return [
            [
                day.isoformat(),
                round(equity, 2),
                round(size, 4),
                state.name,
                round(lifetime, 6),
                round(window, 6),
                round(gross / equity, 4) if equity > 0 else 0.0,
            ]
            for day, (equity, size, state, lifetime, window, gross) in self._days.items()
        ]

    # -- execution -----------------------------------------------------------------------------

    def before_execution(self, targets: list[IPortfolioTarget]) -> list[IPortfolioTarget]:
        """Send exits, cancel adding orders, and return the targets that may be executed."""
        verdict = self.verdict
        if self.algorithm.is_warming_up:
            return targets
        for target in targets:
            self._given[self.bridge.key(target.symbol)] = float(target.quantity)
        if not self._refused and (
            _quiet(verdict) or (self.lifeline is None and _adding_everywhere(verdict))
        ):
            return targets
        kept: list[IPortfolioTarget] = []
        for target in targets:
            key = self.bridge.key(target.symbol)
            standing = verdict.for_symbol(key)
            if standing.state is _LIQUIDATE:
                continue
            held = float(self.algorithm.portfolio[target.symbol].quantity)
            if standing.state.adding_allowed or _between(float(target.quantity), held):
                kept.append(target)
        kept += self._forget_pending(verdict, {self.bridge.key(t.symbol) for t in targets})
        self.exits.follow(verdict)
        return kept

    def _forget_pending(self, verdict: Verdict, fresh: set[str]) -> list[IPortfolioTarget]:
        """Overwrite targets that the inner model may still be working on: it re-sends what is not
        filled.

        A refused order would come back at every step; the strategy's next target for the symbol is
        judged anew.
        """
        over: list[IPortfolioTarget] = []
        refused, self._refused = self._refused - fresh, set()
        for key, quantity in list(self._given.items()):
            symbol = self.bridge.symbol(key)
            if symbol is None or (
                key not in refused and verdict.for_symbol(key).state.adding_allowed
            ):
                continue
            held = float(self.algorithm.portfolio[symbol].quantity)
            if not _between(quantity, held):
                over.append(PortfolioTarget(symbol, held))
                self._given[key] = held
        return over

    def hear(self, event: OrderEvent) -> None:
        """Take in an order event: release what was counted, cancel what an exit was excused for."""
        try:
            self.clock.feed(self.bridge.now())
            record = self.bridge.event(event)
            self.system.on_order_event(record)
            if self.feeds.active:
                self.feeds.hear(record)
            number = int(event.order_id)
            if number not in self.seen:
                order = self.algorithm.transactions.get_order_by_id(number)
                self.engine_orders[number] = "" if order is None else str(order.tag)
            for other in self._excused.pop(number, ()):
                ticket = self.algorithm.transactions.get_order_ticket(int(other))
                if ticket is not None:
                    ticket.cancel("Protection: makes room for an exit")
                    self.counts["excused_cancels"] += 1
            if self.lifeline is not None:
                self.lifeline.hear(event, record)
                if record.status.terminal:
                    self._judged.pop(number, None)
        except BaseException as error:
            self.counts["event_errors"] += 1
            self.say(f"an order event was not understood ({error!r})")

    def judge_size(self, order: Order) -> None:
        """Cancel a working order whose size nobody has judged, when it does not pass."""
        number, quantity = int(order.id), float(order.quantity)
        if self._judged.get(number) == quantity:
            return
        security = self.algorithm.securities[order.symbol]
        allowed, reason = self._authorize_quantity(security, order, quantity)
        ticket = self.algorithm.transactions.get_order_ticket(number)
        if not allowed and ticket is not None:
            self.counts["updates_cancelled"] += 1
            ticket.cancel(f"Protection: {reason}"[:200])

    # -- words and figures ---------------------------------------------------------------------

    def say(self, text: str) -> None:
        """Say something once."""
        if text not in self._said:
            self._said.add(text)
            self.algorithm.error(f"Protection: {text}")

    def kill(self, actor: str, reason: str) -> None:
        """Stop trading now and after every restart, until :meth:`resume`; live, working orders are
        cancelled and positions closed from here on.

        Raises
        ------
        NameActor
            Without actor or reason.
        RetryWrite
            When it could not be stored; this run is killed all the same.
        """
        self.clock.feed(self.bridge.now())
        try:
            self.system.kill(actor, reason)
        finally:
            if self.lifeline is not None and self.system.killed:
                self.lifeline.act()

    def resume(self, actor: str, reason: str, *, role: str = "operator", second: str = "") -> None:
        """Clear a kill, an error of the broker, and a difference of the account.

        Raises
        ------
        NameActor
            Without actor, reason, a role that may resume, or the second person that
            ``kill.four_eyes`` asks for.
        RetryWrite
            When it could not be stored; everything stays as it was.
        """
        self.clock.feed(self.bridge.now())
        self.system.resume(actor, reason, role=role, second=second)
        if self.lifeline is not None:
            self.lifeline.resumed()

    def order_count(self) -> dict[str, int]:
        """Return the proof by count: every order was judged, or is of a kind that LEAN never shows
        to a gate.
        """
        ids: set[int] = set()

        def unknown(order: Order) -> bool:
            # counted where it is chosen: LEAN makes a copy of each that it hands out
            number = int(order.id)
            ids.add(number)
            return number not in self.seen

        unjudged = list(self.algorithm.transactions.get_orders(unknown))
        judged = len(ids) - len(unjudged)
        engine = sum(of_engine(o) for o in unjudged)
        short = sum(o.status == OrderStatus.INVALID and not of_engine(o) for o in unjudged)
        return {
            "orders": len(ids),
            "judged": judged,
            "engine_orders": engine,
            "refused_before_gate": short,
            "unaccounted": len(ids) - judged - engine - short,
        }

    def summary(self, counted: dict[str, int] | None = None) -> dict[str, Any]:
        """Return everything that a report needs; ``counted`` is a fresh :meth:`order_count`."""
        return {
            "describe": self.system.describe(),
            "settings": self.system.settings.to_dict(),
            "events": [event.as_dict() for event in self.system.events],
            "counters": dict(self.system.counters),
            "gate": {**(counted or self.order_count()), **dict(self.counts)},
            "daily": self.daily,
        }

    def _on_end_of_algorithm(self) -> None:
        algorithm = self.algorithm
        if self.lifeline is not None:
            self.lifeline.stop()
        counts = self.order_count()
        algorithm.log(
            "Protection: {orders} orders, {judged} judged by the gate, "
            "{engine_orders} of the engine itself, "
            "{refused_before_gate} refused before the gate, {unaccounted} unaccounted".format(
                **counts
            )
        )
        if not algorithm.object_store.save(
            SUMMARY_KEY, json.dumps(self.summary(counts), default=str)
        ):
            self.say("the summary could not be saved: the Object Store is full")
        if self.ledger is not None:
            self.ledger.close()


def _quiet(verdict: Verdict) -> bool:
    return verdict.state is _ALLOW and verdict.multiplier == 1.0 and not verdict.by_symbol


def _adding_everywhere(verdict: Verdict) -> bool:
    """Whether adding is allowed in every symbol: then no target is dropped and nothing closed."""
    return verdict.state.adding_allowed and all(
        standing.state.adding_allowed for standing in verdict.by_symbol.values()
    )


def _between(quantity: float, held: float) -> bool:
    """Whether a target lies between nothing and what is held."""
    return min(0.0, held) <= quantity <= max(0.0, held)
